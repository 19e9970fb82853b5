"""Recalls and late revocations: what a bad finding takes back, whoever hears of what first, and what each site is told."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from holdgate.crypto.hashes import leaf_hash, sha256
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.chronicle import Standing
from holdgate.law.consequences import about
from holdgate.law.decision import allow
from holdgate.law.segments import Segment, decision_of
from holdgate.law.state import flag_id, job_key
from holdgate.ledger.entry import Entry, read_entry
from holdgate.ledger.merkle import Tree
from holdgate.ledger.note import Notary
from holdgate.sites.policies import law_for
from holdgate.terms import canon
from holdgate.terms.errors import InvariantBroken, Tampered
from holdgate.terms.ids import check_id
from holdgate.terms.limits import RECALLED_AT_ONCE_MAX
from tests.builders import (
    CLIENT,
    HUB,
    JOB,
    NODE,
    OTHER_NODE,
    PO,
    YEAR,
    Log,
    S,
    World,
    encoded,
    hub,
    hub_log,
    key_of,
    node,
    node_log,
    replayed,
    running,
    signed,
)

KEY = job_key(PO, JOB)
RECALL = f"recall-OVEN-1-{JOB}"


def tail(shop: Log, since: int) -> list[Entry]:
    """The entries from there on."""
    return [read_entry(draft.body) for draft in shop.drafts[since:]]


def said(entry: Entry, *kinds: type) -> list[Any]:
    return [event for event in decision_of(entry).events if isinstance(event, kinds)]


def worked(until: str = "S20") -> tuple[Log, Log]:
    """A hub and a node whose job used the oven (S20) and its thermometer; the hub has heard of it."""
    shop = hub_log()
    log = node_log(shop)
    log.worked() if until == "S30" else started(log)
    shop.now = log.now
    shop.heard(NODE)
    shop.take_in(log.segment())
    return shop, log


def started(log: Log) -> Log:
    """The job with the oven's step open."""
    log.allow(c.StartJob)
    log.allow(c.StartStep, step="S10", equipment=(), materials=())
    log.allow(c.SignStep, step="S10")
    log.allow(c.StartStep)
    log.allow(c.RecordReading)
    return log


def more(log: Log, shop: Log) -> Segment:
    """What the shop has not yet heard of a log."""
    return log.segment(shop.state.origins[f"test/{log.state.site}"].size)


# ---- at the business hub -------------------------------------------------------------------------------------------


def test_found_out_of_tolerance_every_job_that_used_it_is_flagged_in_entries_of_their_own() -> None:
    shop, _ = worked()
    size = len(shop.drafts)
    shop.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
    cause, consequence = tail(shop, size)
    assert [type(event) for event in decision_of(cause).events] == [ev.EquipmentCalibrated]
    assert (consequence.kind, consequence.subject, bytes(consequence.record)) == (
        "consequence",
        KEY,
        b'{"of":%d}' % size,
    )
    (flag,) = said(consequence, ev.JobFlagged)
    assert (flag.order, flag.job, flag.ncr, flag.equipment) == (PO, JOB, RECALL, "OVEN-1")
    assert shop.state.jobs[KEY].ncrs[RECALL].disposition == ""
    assert shop.act(c.SignQa).decision.codes[:1] == ("NCR_OPEN",)
    assert shop.again() == shop.bodies()


def test_found_in_tolerance_nothing_is_recalled_any_more() -> None:
    shop, _ = worked()
    shop.later(S)
    size = len(shop.drafts)
    shop.allow(c.CalibrateEquipment)
    shop.later(S)
    shop.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
    assert [entry.kind for entry in tail(shop, size)] == ["action", "action"]
    assert not shop.state.jobs[KEY].ncrs


def test_a_bad_finding_counts_once_and_a_second_one_only_new_uses() -> None:
    shop, log = worked()
    shop.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
    size = len(shop.drafts)
    shop.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
    assert [entry.kind for entry in tail(shop, size)] == ["action"]
    shop.later(9 * S)
    log.now = shop.now
    log.allow(c.RecordReading, instrument="THERM-1")
    shop.take_in(more(log, shop))
    shop.allow(c.CalibrateEquipment, id="THERM-1", as_found="out_of_tolerance")
    assert [*shop.state.jobs[KEY].ncrs] == [RECALL, f"recall-THERM-1-{JOB}"]


def test_a_reading_is_a_use_of_its_instrument() -> None:
    shop, _ = worked()
    shop.allow(c.CalibrateEquipment, id="THERM-1", as_found="out_of_tolerance")
    assert [*shop.state.jobs[KEY].ncrs] == [f"recall-THERM-1-{JOB}"]


def test_a_use_that_is_heard_of_later_is_recalled_too() -> None:
    """The node was off line when the oven was found out of tolerance."""
    shop = hub_log()
    log = started(node_log(shop))
    shop.now = log.now + S
    shop.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
    size = len(shop.drafts)
    shop.take_in(log.segment())
    (flag,) = [flag for entry in tail(shop, size) for flag in said(entry, ev.JobFlagged)]
    assert flag.ncr == RECALL
    assert shop.again() == shop.bodies()


def test_a_use_after_the_calibration_is_not_recalled() -> None:
    shop = hub_log()
    log = node_log(shop)
    shop.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
    log.later(S)
    started(log)
    shop.now = log.now
    shop.take_in(log.segment())
    assert not shop.state.jobs[KEY].ncrs


def test_a_use_before_the_last_good_finding_is_not_recalled_however_late_it_is_heard_of() -> None:
    shop = hub_log()
    log = started(node_log(shop))
    shop.now = log.now + S
    shop.allow(c.CalibrateEquipment)
    shop.later(S)
    shop.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
    shop.take_in(log.segment())
    assert not shop.state.jobs[KEY].ncrs


def test_a_use_heard_of_after_a_good_finding_is_not_recalled_by_the_next_bad_one() -> None:
    shop = hub_log()
    log = started(node_log(shop))
    shop.now = log.now + S
    shop.allow(c.CalibrateEquipment)
    shop.take_in(log.segment())
    shop.later(S)
    shop.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
    assert not shop.state.jobs[KEY].ncrs


def test_a_good_finding_that_is_heard_of_late_says_nothing_of_later_uses() -> None:
    """The node checked the oven, and used it afterwards; the hub hears of a use at another node first."""
    shop = hub_log()
    log = node_log(shop)
    log.allow(c.CheckEquipment)
    shop.now = log.now + S
    other(shop)
    shop.take_in(log.segment())
    assert shop.state.uses == {"OVEN-1": {"PO-2/J-2": shop.now}}
    shop.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
    assert [*shop.state.jobs["PO-2/J-2"].ncrs] == ["recall-OVEN-1-J-2"]


def test_what_is_recalled_and_not_decided_is_not_recalled_again_and_what_is_decided_can_be() -> None:
    shop = hub_log()
    log = started(node_log(shop))
    first = log.segment()
    log.allow(c.RecordReading)
    shop.now = log.now + S
    shop.allow(c.CalibrateEquipment, id="THERM-1", as_found="out_of_tolerance")
    size = len(shop.drafts)
    shop.take_in(first)
    assert [entry.kind for entry in tail(shop, size)] == ["import", "consequence"]
    decided = shop.remade()
    decided.now = shop.now
    ncr = f"recall-THERM-1-{JOB}"
    decided.fold(ev.NonconformanceDisposed(order=PO, job=JOB, ncr=ncr, disposition="no_impact", by="QA"))
    for one, kinds in ((shop, ["import"]), (decided, ["import", "consequence"])):
        size = len(one.drafts)
        one.take_in(log.segment(first.size))
        assert [entry.kind for entry in tail(one, size)] == kinds


def test_a_job_that_was_split_meanwhile_is_recalled_in_its_lots() -> None:
    shop = hub_log()
    log = started(node_log(shop))
    log.allow(c.RecordReading, characteristic="press", value="100", unit="kPa", instrument=None)
    for serial in ("A", "B"):
        log.allow(c.RecordReading, characteristic="gap", value="1.5", unit="mm", instrument=None, serial=serial)
    log.allow(c.SignStep)
    log.allow(c.SplitJob)
    shop.now = log.now + S
    later = shop.remade()
    later.now, later.nonce = shop.now, 1000
    later.order_template, later.technique = shop.order_template, shop.technique
    shop.take_in(log.segment())
    shop.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
    later.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
    later.take_in(log.segment())
    for one in (shop, later):
        flagged = {key: [*job.ncrs] for key, job in one.state.jobs.items() if job.ncrs}
        assert flagged == {f"{PO}/J-1a": ["recall-OVEN-1-J-1a"], f"{PO}/J-1b": ["recall-OVEN-1-J-1b"]}


def test_a_job_that_qa_accepted_is_an_escape_and_the_hub_decides_it() -> None:
    shop, log = worked("S30")
    shop.allow(c.SignQa)
    log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))
    shop.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
    before = encoded(log.state.closed)
    log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))
    assert encoded(log.state.closed) == before, "the job is closed at its node"
    assert shop.act(c.GenerateReport).decision.codes == ("NCR_OPEN",)
    shop.allow(c.DisposeNonconformance, ncr=RECALL, disposition="no_impact", evidence="study 4")
    report = shop.allow(c.GenerateReport).decision.events[0]
    assert isinstance(report, ev.ReportIssued)
    assert not report.nonconforming
    assert shop.again() == shop.bodies()


def test_a_recall_that_stands_is_on_the_report_and_so_is_its_concession() -> None:
    for fields, bad, concessions in (
        ({"disposition": "report_nonconforming"}, 2, ()),
        ({"disposition": "use_as_is", "concession": "CON-1", "others": (("BUYER", "client"),)}, 0, ("CON-1",)),
    ):
        shop, _ = worked("S30")
        shop.allow(c.SignQa)
        shop.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
        shop.allow(c.DisposeNonconformance, ncr=RECALL, **fields)
        assert shop.act(c.GenerateReport).decision.codes == ("TESTS_NOT_PASSED_QA",), "QA signed for other parts"
        shop.allow(c.SignQa, quantities=c.Quantities(received=2, accepted=2 - bad, rejected=bad, scrapped=0))
        report = shop.allow(c.GenerateReport).decision.events[0]
        assert isinstance(report, ev.ReportIssued)
        assert (report.nonconforming, report.concessions) == (bool(bad), concessions)


# ---- a check at a node ---------------------------------------------------------------------------------------------


def test_a_failed_check_stops_the_oven_and_recalls_the_nodes_own_jobs() -> None:
    log = started(node_log(hub_log()))
    draft = log.allow(c.CheckEquipment, result="fail")
    assert [type(event) for event in draft.decision.events] == [ev.EquipmentChecked, ev.NonconformanceOpened]
    assert log.state.jobs[KEY].ncrs[RECALL].equipment == "OVEN-1"
    assert not log.state.equipment["OVEN-1"].in_service
    assert "EQUIPMENT_OUT_OF_SERVICE" in log.act(c.SignStep).decision.codes
    assert "NCR_OPEN" in log.act(c.SignStep).decision.codes
    again = log.allow(c.CheckEquipment, result="fail")
    assert [type(event) for event in again.decision.events] == [ev.EquipmentChecked], "it is recalled already"


def test_a_good_check_ends_what_a_later_bad_one_recalls() -> None:
    log = started(node_log(hub_log()))
    log.later(S)
    log.allow(c.CheckEquipment)
    log.later(S)
    assert len(log.allow(c.CheckEquipment, result="fail").decision.events) == 1
    assert not log.state.jobs[KEY].ncrs


def test_a_good_check_of_what_is_withdrawn_says_nothing() -> None:
    log = started(node_log(hub_log()))
    log.allow(c.CheckEquipment, result="fail")
    log.allow(c.CheckEquipment)
    assert not log.state.equipment["OVEN-1"].in_service
    assert log.state.equipment["OVEN-1"].doubts[-1].until is None


def test_the_hub_withdraws_it_everywhere_and_flags_the_jobs_of_other_nodes_only() -> None:
    shop, log = worked()
    other(shop)
    log.allow(c.CheckEquipment, result="fail")
    size = len(shop.drafts)
    shop.take_in(more(log, shop))
    imported, withdrawn, flagged = tail(shop, size)
    assert [type(event) for event in decision_of(imported).events] == [ev.Imported]
    assert (withdrawn.kind, withdrawn.subject) == ("consequence", "equipment:OVEN-1")
    assert said(withdrawn, ev.EquipmentWithdrawn) == [ev.EquipmentWithdrawn(equipment="OVEN-1")]
    assert [flag.ncr for flag in said(flagged, ev.JobFlagged)] == ["recall-OVEN-1-J-2"]
    assert not shop.state.equipment["OVEN-1"].in_service
    assert shop.state.jobs[KEY].ncrs[RECALL].disposition == ""


def other(shop: Log) -> None:
    """A job of another node used the oven as well."""
    template = shop.state.orders[PO].sha256
    staged = ev.OrderReceived(
        order="PO-2",
        sha256=template,
        client=CLIENT,
        part_no="P-1",
        rev="A",
        serials=("C",),
        ordered=("C",),
        documents=(),
        body="x",
    )
    shop.fold(staged)
    shop.state.orders["PO-2"].node = OTHER_NODE
    shop.fold(
        ev.JobStarted(order="PO-2", job="J-2", sha256=template, version="1", serials=("C",), by="TECH2"),
        ev.StepStarted(order="PO-2", job="J-2", step="S20", by="TECH2", equipment=("OVEN-1",), materials=()),
        at=shop.now,
    )


def test_a_calibration_that_did_not_know_of_a_failed_check_puts_nothing_back_into_service() -> None:
    """The node failed it off line; the hub calibrated it meanwhile, and withdraws it when it hears of the check."""
    shop, log = worked()
    log.allow(c.CheckEquipment, result="fail")
    shop.later(S)
    shop.allow(c.CalibrateEquipment)
    log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))
    assert not log.state.equipment["OVEN-1"].in_service
    shop.take_in(more(log, shop))
    assert not shop.state.equipment["OVEN-1"].in_service
    shop.allow(c.CalibrateEquipment)
    log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))
    for one in (shop, log):
        assert one.state.equipment["OVEN-1"].in_service


def test_one_failed_check_fits_its_entry_and_the_hub_recalls_the_rest() -> None:
    log = node_log(hub_log())
    names = [f"{'J' * 60}-{n}" for n in range(RECALLED_AT_ONCE_MAX + 5)]
    log.state.orders[PO].arrived = tuple(names)
    for name in names:
        log.fold(
            ev.JobStarted(order=PO, job=name, sha256=log.sha, version="1", serials=(name,), by="TECH"),
            ev.StepStarted(order=PO, job=name, step="S20", by="TECH", equipment=("OVEN-1",), materials=()),
        )
    opened = log.allow(c.CheckEquipment, result="fail").decision.events
    assert len(opened) == 1 + RECALLED_AT_ONCE_MAX
    assert len(log.state.uses["OVEN-1"]) == 5, "the uses that are not dealt with are still known"


@pytest.mark.parametrize("names", [("OVEN-1", "J-1"), ("E" * 64, "J" * 64), ("E", "J" * 60)])
def test_the_name_of_a_recall_is_an_id(names: tuple[str, str]) -> None:
    made = flag_id("recall", *names)
    assert check_id(made) == made
    assert made.startswith("recall-")
    assert made != flag_id("recall", names[0], names[1] + "x")


# ---- late revocations ----------------------------------------------------------------------------------------------


def signed_after(shop: Log, log: Log, *acts: tuple[type[c.Command], dict[str, Any]]) -> list[ev.JobFlagged]:
    """The hub does this; a second later the off-line node goes on, and then the hub hears of it."""
    for act, fields in acts:
        shop.allow(act, **fields)
        shop.later(S)
    log.now = shop.now
    log.worked()
    shop.now = log.now
    size = len(shop.drafts)
    shop.take_in(log.segment())
    assert shop.again() == shop.bodies()
    return [flag for entry in tail(shop, size) for flag in said(entry, ev.JobFlagged)]


def test_a_signature_after_a_revocation_flags_its_step() -> None:
    shop = hub_log()
    (flag,) = signed_after(shop, node_log(shop), (c.RevokeCredential, {}))
    assert (flag.ncr, flag.step) == (f"sync-{JOB}-S20", "S20")
    assert "VT was revoked" in flag.why
    shop.heard(NODE)
    assert "NCR_OPEN" in shop.act(c.SignQa).decision.codes


def test_every_signature_of_a_disabled_person_flags_its_step() -> None:
    shop = hub_log()
    flags = signed_after(shop, node_log(shop), (c.DisableIdentity, {}))
    assert [flag.ncr for flag in flags] == [f"sync-{JOB}-{step}" for step in ("S10", "S20", "S30")]


def test_a_revocation_that_was_taken_back_meanwhile_still_counts_for_its_time() -> None:
    shop = hub_log()
    log = node_log(shop)
    log.allow(c.StartJob)
    shop.allow(c.RevokeCredential)
    log.later(S)
    started_at = log.now
    late = node_log_goes_on(log)
    shop.now = late.now + S
    shop.allow(c.GrantCredential, person="TECH")
    size = len(shop.drafts)
    shop.take_in(late.segment())
    assert [flag.ncr for entry in tail(shop, size) for flag in said(entry, ev.JobFlagged)] == [f"sync-{JOB}-S20"]
    assert shop.state.identities["TECH"].credentials["VT"].lapses == ((started_at - S, late.now + S),)


def node_log_goes_on(log: Log) -> Log:
    log.allow(c.StartStep, step="S10", equipment=(), materials=())
    log.allow(c.SignStep, step="S10")
    log.allow(c.StartStep)
    log.allow(c.RecordReading)
    for serial in ("A", "B"):
        log.allow(c.RecordReading, characteristic="gap", value="1.5", unit="mm", instrument=None, serial=serial)
    log.allow(c.RecordReading, characteristic="press", value="100", unit="kPa", instrument=None)
    log.allow(c.SignStep)
    return log


@pytest.mark.parametrize(
    "acts",
    [
        (),
        ((c.RevokeCredential, {"person": "TECH2", "by": "ADMIN"}),),
        ((c.RevokeCredential, {}), (c.GrantCredential, {"person": "TECH"})),
    ],
    ids=["nothing revoked", "somebody else's", "granted anew before"],
)
def test_a_signature_by_somebody_who_could_sign_flags_nothing(acts: tuple[Any, ...]) -> None:
    shop = hub_log()
    assert signed_after(shop, node_log(shop), *acts) == []


def test_a_signature_before_the_revocation_flags_nothing() -> None:
    shop = hub_log()
    log = node_log(shop)
    log.worked()
    shop.now = log.now + S
    shop.allow(c.RevokeCredential)
    shop.take_in(log.segment())
    assert not shop.state.jobs[KEY].ncrs


# ---- what stands in the log, and who is told -----------------------------------------------------------------------


def test_a_log_that_leaves_out_what_follows_is_not_repeated() -> None:
    shop, _ = worked()
    shop.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
    shop.allow(c.ExtendMaterial)
    bodies = shop.bodies()
    assert read_entry(bodies[-2]).kind == "consequence"
    with pytest.raises(Tampered, match="comes before anything else"):
        replayed(HUB, "business_hub", [*bodies[:-2], bodies[-1]], shop.blobs)


def test_a_consequence_that_follows_from_nothing_is_not_repeated() -> None:
    shop, _ = worked()
    shop.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
    bodies = shop.bodies()
    with pytest.raises(Tampered, match="no entry before has it"):
        replayed(HUB, "business_hub", [*bodies, bodies[-1]], shop.blobs)


def test_what_is_owed_survives_a_crash_and_comes_before_anything_but_the_start() -> None:
    shop, _ = worked()
    asked = shop.ask(c.CalibrateEquipment, as_found="out_of_tolerance")
    shop.keep(shop.chronicle.act(*sealed(shop, asked.command)))  # type: ignore[arg-type]
    saved = msgspec.msgpack.decode(encoded(shop.standing), type=Standing)
    assert [owed.event for owed in saved.owed] == [owed.event for owed in shop.standing.owed]
    before = shop.frozen()
    for forbidden in (shop.attempt, lambda: shop.heard(NODE), lambda: shop.allow(c.ExtendMaterial)):
        with pytest.raises(Tampered, match="comes before anything else"):
            forbidden()
    assert shop.frozen() == before
    assert shop.keep(shop.chronicle.consequence(shop.now)).decision.allowed
    shop.allow(c.ExtendMaterial)
    assert shop.again() == shop.bodies()


def sealed(log: Log, command: c.AnyCommand) -> tuple[bytes, c.AnyCommand, bytes, int]:
    return signed(command), command, sha256(canon.encode(command)), log.now


def test_only_named_events_have_entries_of_their_own() -> None:
    with pytest.raises(InvariantBroken):
        about(ev.MaterialExtended(batch="WAX-1", until=1))


def test_a_node_learns_of_its_own_jobs_flag_and_of_the_withdrawal() -> None:
    shop, log = worked()
    other(shop)
    here, elsewhere = law_for(NODE, shop.state), law_for(OTHER_NODE, shop.state)
    own = ev.JobFlagged(order=PO, job=JOB, ncr=RECALL, why="x")
    assert (here(own), elsewhere(own)) == (True, False)
    withdrawn = ev.EquipmentWithdrawn(equipment="OVEN-1")
    assert here(withdrawn)
    assert elsewhere(withdrawn)
    shop.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
    log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))
    assert log.state.jobs[KEY].ncrs[RECALL].equipment == "OVEN-1"
    assert "OVEN-1" not in log.state.uses
    assert log.act(c.SignStep).decision.codes[0] == "NCR_OPEN"


@pytest.mark.parametrize(
    ("event", "order"),
    [
        (ev.JobAssigned(order=PO, job=JOB, technician="TECH"), True),
        (ev.DocumentVerified(order=PO, document="drawing", digest="x", by="CO"), True),
        (ev.ReportIssued(order=PO, job=JOB, report="R-1", digest="x", fields=(), deviations=()), True),
        (
            ev.EquipmentCalibrated(equipment="E", as_found="in_tolerance", cal_from=0, cal_until=1, certificate="x"),
            False,
        ),
        (ev.MaterialExtended(batch="WAX-1", until=1), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_said_of_an_order_goes_to_its_node_alone_and_facts_to_every_node(event: Any, order: bool) -> None:
    shop, _ = worked()
    assert law_for(NODE, shop.state)(event)
    assert law_for(OTHER_NODE, shop.state)(event) is not order


def test_what_the_hub_says_without_an_act_is_believed_only_in_an_entry_of_that_kind() -> None:
    """An import entry of the hub that claims to flag a job flags nothing at the node."""
    shop, log = worked()
    shop.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
    flagged = read_entry(shop.drafts[-1].body)
    at = log.state.origins[f"test/{HUB}"].size
    for kind, believed in (("import", False), ("consequence", True)):
        told = log.remade()
        told.now = log.now
        bodies = [*shop.bodies()[at:-1], canon.encode(replace(flagged, kind=kind))]
        told.take_in(resigned(shop, bodies, at))
        assert (RECALL in told.state.jobs[KEY].ncrs) is believed


def test_no_other_site_says_anything_without_an_act() -> None:
    shop, log = worked()
    false = replace(
        read_entry(log.drafts[-1].body),
        kind="consequence",
        action=msgspec.Raw(b"null"),
        decision=msgspec.Raw(canon.encode(allow(ev.EquipmentWithdrawn(equipment="OVEN-1")))),
        seq=len(log.drafts),
    )
    at = shop.state.origins[f"test/{NODE}"].size
    before = encoded(shop.state)
    with pytest.raises(Tampered, match="only in an action"):
        shop.take_in(resigned(log, [*log.bodies()[at:], canon.encode(false)], at))
    assert encoded(shop.state) == before


def resigned(log: Log, bodies: list[bytes], start: int) -> Segment:
    """A stretch with these entries, properly signed by its site."""
    tree = Tree()
    for draft in log.drafts[:start]:
        tree.append(draft.leaf)
    leaves = tuple(leaf_hash(body) for body in bodies)
    for leaf in leaves:
        tree.append(leaf)
    site = log.state.site
    return Segment(
        origin=f"test/{site}",
        start=start,
        size=start + len(bodies),
        checkpoint=Notary(f"test/{site}", key_of(site)).checkpoint(tree.size, tree.root()),
        leaves=leaves,
        entries=dict(enumerate(bodies)),
    )


# ---- facts that nodes hear of --------------------------------------------------------------------------------------


def test_a_calibration_and_a_longer_shelf_life_hold_at_the_node() -> None:
    world = running(None, "S10").equipment(cal_until=running().now - 1).material(until=running().now - 1)
    assert world.ask(c.StartStep).decide().codes == ("EQUIPMENT_CAL_EXPIRED", "MATERIAL_EXPIRED")
    world.fold(
        ev.EquipmentCalibrated(
            equipment="OVEN-1", as_found="in_tolerance", cal_from=world.now, cal_until=world.now + YEAR, certificate="9"
        ),
        ev.MaterialExtended(batch="WAX-1", until=world.now + YEAR),
    )
    assert world.ask(c.StartStep).decide().allowed


def test_calibrated_is_in_service_again() -> None:
    world = hub().equipment(in_service=False)
    world.do(c.CalibrateEquipment)
    assert world.state.equipment["OVEN-1"].in_service
    assert world.state.equipment["OVEN-1"].cal_from == world.now


def test_a_document_verified_before_its_order_came_counts_and_stands_over_the_paper() -> None:
    world = node()
    world.release()
    verified = ev.DocumentVerified(order=PO, document="drawing", digest="x", by="CO", until=world.now + S)
    world.fold(verified)
    assert PO not in world.state.orders
    world.received(documents=(), document_until={})
    assert world.ask(c.StartJob).decide().allowed
    world.received(documents=("drawing",), document_until={"drawing": world.now + YEAR})
    assert world.later(2 * S).ask(c.StartJob).decide().codes == ("DOCUMENT_EXPIRED",)


def test_an_amendment_keeps_what_compliance_verified() -> None:
    world = hub()
    world.release()
    world.accepted().staged(documents=())
    world.do(c.VerifyDocument, until=world.now + YEAR)
    (staged,) = world.do(c.StageOrder, amendment=True, documents=("photo",)).events
    assert isinstance(staged, ev.OrderStaged)
    assert staged.documents == ("photo", "drawing")
    assert staged.document_until == {"drawing": world.now + YEAR}
    assert world.state.orders[PO].documents == {"photo": None, "drawing": world.now + YEAR}


def test_uses_are_forgotten_with_the_job_that_qa_accepted() -> None:
    world: World = running(None, "S10", "S20", "S30")
    assert world.state.uses == {"OVEN-1": {KEY: world.now}}
    world.qa_accepted()
    assert world.state.uses == {}


def test_a_failed_check_is_about_the_job_and_no_step_of_it() -> None:
    draft = started(node_log(hub_log())).allow(c.CheckEquipment, result="fail")
    (opened,) = (event for event in draft.decision.events if isinstance(event, ev.NonconformanceOpened))
    assert (opened.step, opened.ncr, opened.equipment) == ("", RECALL, "OVEN-1")
