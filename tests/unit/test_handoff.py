"""The gate: what a broadcast may do, and everything that may not release an order."""

import copy
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from holdgate.crypto.hashes import digest
from holdgate.handoff.match import match
from holdgate.handoff.metrics import Metrics, rate
from holdgate.handoff.staging import Inquiry
from holdgate.identity.charter import Charter, Settings, SiteSeat
from holdgate.identity.roster import Identity
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.decision import Decision
from holdgate.law.denial import sentence
from holdgate.law.evolve import evolve
from holdgate.law.library import Library
from holdgate.law.state import Order, State
from holdgate.terms import canon
from holdgate.terms.limits import DENIAL_VALUES_BYTES_MAX, DENIALS_MAX

S = 1_000_000
T0 = 1_743_512_400 * S  # 2025-04-01T13:00:00Z
SETTINGS = Settings(
    name="Example Lab",
    tz="America/Chicago",
    receiving_zones=("RECEIVING",),
    office="WS-OFFICE",
    session_idle_s=600,
    entry_skew_s=120,
    arrival_skew_s=300,
    arrival_fresh_s=14_400,
    approval_roles=("admin", "compliance", "qa", "project_manager"),
    report_fields=("title",),
)
NO_DOCUMENTS = Library(lambda sha256: None)
PEOPLE = (
    ("HUB", "site", "business_hub", None),
    ("FLOOR", "site", "floor_hub", None),
    ("NODE-1", "site", "node", None),
    ("NODE-2", "site", "node", None),
    ("SID-HUB", "person", "business_hub", None),
    ("SCN-1", "device", "scanner", None),
    ("SCN-2", "device", "scanner", "RECEIVING"),
    ("SCN-LAB", "device", "scanner", "FPI-BOOTH"),
    ("SCN-OFF", "device", "scanner", None),
    ("SID-REC", "person", "receiving", "RECEIVING"),
    ("SID-REC-2", "person", "receiving", None),
    ("SID-TEC", "person", "technician", None),
    ("SID-QA", "person", "qa", None),
    ("SID-L3", "person", "level3", None),
    ("SID-PM", "person", "project_manager", None),
    ("SID-GONE", "person", "qa", None),
    ("ROBOT", "module", "technician", None),
    ("WS-REC", "device", "workstation", "RECEIVING"),
    ("WS-OLD", "device", "workstation", "RECEIVING"),
    ("WS-OFFICE", "device", "workstation", "OFFICE"),
)


class Gate:
    """A floor hub's log in small: decide, fold, count."""

    def __init__(self) -> None:
        seats = tuple(
            SiteSeat(id=name, kind=role, origin=f"test/{name}", key=bytes(32))
            for name, kind, role, _ in PEOPLE
            if kind == "site"
        )
        charter = Charter(org="LAB", settings=SETTINGS, sites=seats, founders=(), roots=(bytes(32),), threshold=1)
        identities = {
            name: Identity(
                id=name, name=name, org="LAB", kind=kind, key=bytes(32), roles=(role,), ref=0, zone=zone, credentials={}
            )
            for name, kind, role, zone in PEOPLE
        }
        for name in ("SCN-OFF", "WS-OLD", "SID-GONE"):
            identities[name].disabled_at = T0 - S
        self.state = State(
            charter=charter, site="FLOOR", kind="floor_hub", identities=identities, slips={}, readers={}, early=[],
            orders={}, sessions={},
        )  # fmt: skip
        self.metrics = Metrics()
        self.size = 0

    def ask(self, command: c.AnyCommand, at: int) -> Decision:
        before = copy.deepcopy(self.state)
        decision = match(self.state, NO_DOCUMENTS, command, at)
        assert self.state == before, "a decision changes nothing"
        assert decision == match(self.state, NO_DOCUMENTS, command, at)
        self.size += 1
        for event in decision.events:
            evolve(self.state, NO_DOCUMENTS, event, at, self.size)
        self.metrics.observe(decision.events, at, decision.verdict, decision.codes)
        for denial in decision.denials:
            assert "?" not in sentence(denial), f"{denial} leaves a blank in its sentence"
        assert decision.allowed != bool(decision.denials)
        assert bool(decision.trace) != decision.allowed
        return decision

    def stage(
        self, order: str = "PO-1", at: int = T0, by: str = "HUB", role: str = "business_hub", **changes
    ) -> Decision:
        return self.ask(stage_slip(order, at, by, role, **changes), at)

    def scan(self, order: str | None = "PO-1", at: int = T0 + 60 * S, **changes) -> Decision:
        reader = changes.get("by", "SCN-1")
        changes.setdefault("seq", self.state.readers.get(reader, 0) + 1)
        return self.ask(broadcast(order, at, **changes), at)

    def attest(self, order: str | None = "PO-1", at: int = T0 + 60 * S, **changes) -> Decision:
        return self.ask(attestation(order, at, **changes), at)

    def void(self, order: str = "PO-1", at: int = T0 + 90 * S, **changes) -> Decision:
        return self.ask(taken_back(order, at, **changes), at)


def stage_slip(
    order: str = "PO-1", at: int = T0, by: str = "HUB", role: str = "business_hub", **changes
) -> c.StageSlip:
    fields: dict[str, Any] = {
        "order": order, "node": "NODE-1", "part_no": "4512-7", "rev": "C", "serials": ("S01", "S02"), "policy": "full",
        "evidence": ("broadcast",), "buffer_max_us": 7200 * S, "body": "b" * 64, "staged_at": at,
    } | changes  # fmt: skip
    return c.StageSlip(
        site="FLOOR", at=at, nonce=f"n{at}", signers=(c.Signer(id=by, role=role),), slip=c.Slip(**fields)
    )


def broadcast(
    order: str | None,
    at: int,
    seq: int | None,
    by: str = "SCN-1",
    role: str = "scanner",
    place: str | None = "WS-REC",
    **changes,
) -> c.ReportArrival:
    fields: dict[str, Any] = {
        "site": "FLOOR",
        "at": at,
        "part_no": "4512-7",
        "rev": "C",
        "serials": ("S01", "S02"),
    } | changes
    fields.setdefault("quantity", len(fields["serials"]))
    return c.ReportArrival(
        nonce=f"n{at}", signers=(c.Signer(id=by, role=role),), place=place, order=order, reader_seq=seq, **fields
    )


FRESH = c.Auth(components=("badge", "pin"), session="s")


def signer(by: str, role: str, meaning: str | None = "seen here", auth: c.Auth | None = FRESH) -> c.Signer:
    return c.Signer(id=by, role=role, meaning=meaning, auth=auth)


RECEIVING, TECHNICIAN = signer("SID-REC", "receiving"), signer("SID-TEC", "technician")


def attestation(
    order: str | None,
    at: int,
    signers: tuple[c.Signer, ...] = (RECEIVING, TECHNICIAN),
    place: str | None = "WS-REC",
    **changes,
) -> c.AttestArrival:
    fields: dict[str, Any] = {
        "site": "FLOOR",
        "at": at,
        "part_no": "4512-7",
        "rev": "C",
        "serials": ("S01", "S02"),
        "photo_digest": "sha256:5f0c",
        "reason": "data matrix unreadable",
    } | changes
    fields.setdefault("quantity", len(fields["serials"]))
    return c.AttestArrival(nonce=f"n{at}", signers=signers, place=place, order=order, **fields)


def taken_back(order: str, at: int, by: str = "SID-REC", role: str = "receiving", **changes) -> c.VoidArrival:
    fields: dict[str, Any] = {"site": "FLOOR", "at": at, "serials": ("S01",), "reason": "another box"} | changes
    return c.VoidArrival(nonce=f"n{at}", signers=(c.Signer(id=by, role=role),), order=order, **fields)


def acknowledge(by: str = "NODE-1", role: str = "node", **changes) -> c.AcknowledgeForward:
    fields: dict[str, Any] = {"order": "PO-1", "body": "b" * 64, "serials": ("S01", "S02")} | changes
    return c.AcknowledgeForward(site="FLOOR", at=T0, nonce="n", signers=(c.Signer(id=by, role=role),), **fields)


def wish(order: str = "PO-1", by: str = "SID-REC", role: str = "receiving") -> c.ReleaseOrder:
    return c.ReleaseOrder(site="FLOOR", at=T0, nonce="n", signers=(c.Signer(id=by, role=role),), order=order)


def kinds(decision: Decision) -> list[str]:
    return [type(event).__name__ for event in decision.events]


def releases(decision: Decision) -> list[ev.OrderReleased]:
    return [event for event in decision.events if isinstance(event, ev.OrderReleased)]


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def staged(gate: Gate) -> Gate:
    assert gate.stage().allowed
    return gate


@pytest.fixture
def attestable(gate: Gate) -> Gate:
    assert gate.stage(evidence=("broadcast", "attested")).allowed
    return gate


# ---- staging -------------------------------------------------------------------------------------------------------


def test_a_slip_is_staged_with_the_digest_of_its_canonical_bytes(gate: Gate) -> None:
    command = stage_slip(arrival_due=T0 + 9 * S)
    decision = gate.ask(command, T0)
    assert decision.events == (
        ev.SlipStaged(
            order="PO-1",
            node="NODE-1",
            slip=digest(canon.encode(command.slip)),
            body="b" * 64,
            part_no="4512-7",
            rev="C",
            serials=("S01", "S02"),
            policy="full",
            evidence=("broadcast",),
            buffer_max_us=7200 * S,
            arrival_due=T0 + 9 * S,
        ),
    )
    assert gate.state.slips["PO-1"].state == "held"


def test_staging_again_is_refused(staged: Gate) -> None:
    assert staged.stage(at=T0 + S).codes == ("ALREADY_DONE",)


@pytest.mark.parametrize(
    ("by", "role", "code"),
    [
        ("NOBODY", "business_hub", "UNKNOWN_IDENTITY"),
        ("SCN-OFF", "scanner", "IDENTITY_DISABLED"),
        ("SID-REC", "business_hub", "ROLE_NOT_AUTHORISED"),
        ("SID-HUB", "business_hub", "ROLE_NOT_AUTHORISED"),  # holds the role, but is a person and no site
        ("NODE-1", "node", "ROLE_NOT_AUTHORISED"),
        ("SCN-1", "scanner", "ROLE_NOT_AUTHORISED"),
    ],
)
def test_only_the_business_hub_stages(gate: Gate, by: str, role: str, code: str) -> None:
    decision = gate.stage(by=by, role=role)
    assert (decision.codes, decision.events) == ((code,), ())


def test_a_site_is_a_seat_of_the_charter_with_its_key_and_in_force(gate: Gate) -> None:
    second = replace(gate.state.identities["HUB"], id="HUB-2")
    gate.state.identities["HUB-2"] = second
    assert gate.stage(by="HUB-2").codes == ("ROLE_NOT_AUTHORISED",)
    gate.state.identities["HUB"].key = b"k" * 32
    assert gate.stage().codes == ("ROLE_NOT_AUTHORISED",)
    gate.state.identities["HUB"].key = bytes(32)
    assert gate.stage().allowed
    gate.state.identities["NODE-1"].disabled_at = T0
    gate.scan()
    assert gate.ask(acknowledge(), T0).codes == ("IDENTITY_DISABLED",)


def test_a_disabled_workstation_attests_nothing(gate: Gate) -> None:
    staged = replace(stage_slip(), place="WS-OLD")
    assert gate.ask(staged, T0).codes == ("IDENTITY_DISABLED",)


@pytest.mark.parametrize("serials", [(), ("S01", "S01")])
def test_a_slip_without_countable_parts_is_refused(gate: Gate, serials: tuple[str, ...]) -> None:
    assert gate.stage(serials=serials).codes == ("QTY_MISMATCH",)


@pytest.mark.parametrize(
    "command",
    [
        replace(stage_slip(), site="HUB"),
        replace(broadcast("PO-1", T0, 1), site="HUB"),
        c.StartJob(
            site="FLOOR", at=T0, nonce="n", signers=(c.Signer(id="HUB", role="x"),), order="P", job="J", node="N"
        ),
    ],
)
def test_what_another_site_decides_is_refused(gate: Gate, command: c.AnyCommand) -> None:
    decision = gate.ask(command, T0)
    assert (decision.codes, decision.events) == (("WRONG_SITE",), ())


def test_no_other_kind_of_site_is_a_gate(gate: Gate) -> None:
    gate.state.kind = "business_hub"
    assert gate.ask(stage_slip(), T0).codes == ("WRONG_SITE",)


# ---- a broadcast that counts ---------------------------------------------------------------------------------------


def test_the_whole_lot_releases_the_order(staged: Gate) -> None:
    decision = staged.scan()
    assert decision.events == (
        ev.ReaderAdvanced(reader="SCN-1", seq=1),
        ev.ArrivalRecorded(order="PO-1", serials=("S01", "S02"), evidence="broadcast"),
        ev.OrderReleased(order="PO-1", node="NODE-1", serials=("S01", "S02"), complete=True),
    )
    assert staged.state.slips["PO-1"].state == "released"
    assert decision.reads == (0, 1)  # who is enrolled, and the slip


def test_a_scan_without_an_order_finds_the_one_that_waits(staged: Gate) -> None:
    staged.stage("PO-2", serials=("S03",))
    assert releases(staged.scan(None))[0].order == "PO-1"


def test_under_full_policy_a_short_lot_is_recorded_and_waits(gate: Gate) -> None:
    gate.stage(serials=("S01", "S02", "S03"))
    short = gate.scan(serials=("S03", "S01"))
    assert (short.codes, kinds(short)) == (("QTY_MISMATCH",), ["ReaderAdvanced", "ArrivalRecorded"])
    assert short.denials[0].values == {"why": "2 of 3 are here; waiting for S02"}
    assert short.trace[-2:] == ("evidence ok", "whole lot QTY_MISMATCH")
    last = gate.scan(serials=("S02",))
    assert releases(last) == [
        ev.OrderReleased(order="PO-1", node="NODE-1", serials=("S01", "S02", "S03"), complete=True)
    ]


def test_under_partial_policy_each_lot_goes(gate: Gate) -> None:
    gate.stage(policy="partial")
    first, last = gate.scan(serials=("S02",)), gate.scan(serials=("S01",))
    assert [(r.serials, r.complete) for d in (first, last) for r in releases(d)] == [
        (("S02",), False),
        (("S01",), True),
    ]


def test_an_unknown_policy_waits_for_everything(gate: Gate) -> None:
    gate.stage(policy="Partial")
    assert gate.scan(serials=("S02",)).codes == ("QTY_MISMATCH",)


def test_gaps_in_a_readers_counter_are_measured_and_not_refused(staged: Gate) -> None:
    decision = staged.scan(seq=5)
    assert decision.allowed
    assert decision.events[0] == ev.ReaderAdvanced(reader="SCN-1", seq=5, gap=4)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_live_scan_may_differ_by_the_skew(staged: Gate, seconds: int) -> None:
    at = T0 + 600 * S
    assert staged.scan(at=at, observed_at=at + seconds * S).allowed


def test_a_reader_with_a_zone_of_its_own_scans_there(staged: Gate) -> None:
    assert staged.scan(by="SCN-2").allowed


def test_who_scans_at_the_wrong_place_is_told_which_it_was_and_which_it_should_have_been(staged: Gate) -> None:
    staged.state.identities["WS-REC"].zone = "RECEIVING"
    (denial,) = staged.scan(by="SCN-LAB").denials
    assert denial.values == {"place": "WS-REC", "zone": "RECEIVING", "needed": "FPI-BOOTH (SCN-LAB)"}


# ---- broadcasts that are not authentic -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"by": "SID-REC", "role": "receiving"},
        {"by": "SID-REC"},
        {"by": "HUB", "role": "business_hub"},
        {"by": "NOBODY"},
        {"by": "SCN-OFF"},
        {"by": "SCN-l"},  # a confusable name is another name
        {"seq": None},
    ],
    ids=[
        "person typing",
        "person as scanner",
        "site",
        "stranger",
        "disabled reader",
        "confusable reader",
        "no counter",
    ],
)
def test_what_is_no_readers_broadcast_moves_nothing(staged: Gate, changes: dict[str, Any]) -> None:
    decision = staged.scan(**{"seq": 1} | changes)
    assert (set(decision.codes), decision.events) == ({"BROADCAST_UNVERIFIED"}, ())
    assert decision.trace == ("reader BROADCAST_UNVERIFIED",)


def test_a_co_signer_that_is_not_enrolled_spoils_the_broadcast(staged: Gate) -> None:
    command = broadcast("PO-1", T0, 1)
    command = replace(command, signers=(*command.signers, c.Signer(id="WS-FAKE", role="workstation")))
    assert staged.ask(command, T0).codes == ("BROADCAST_UNVERIFIED",)


@pytest.mark.parametrize("seq", [3, 2, 1, 0, -1])
def test_a_repeated_or_regressing_counter_is_a_replay_and_moves_nothing(staged: Gate, seq: int) -> None:
    staged.scan(serials=("S01",), seq=3)
    decision = staged.scan(serials=("S02",), seq=seq)
    assert (decision.codes, decision.events) == (("REPLAYED_BROADCAST",), ())
    assert staged.state.readers == {"SCN-1": 3}


def test_counters_are_each_readers_own(staged: Gate) -> None:
    staged.scan(serials=("S01",), seq=9)
    assert staged.scan(serials=("S02",), by="SCN-2", seq=1).allowed


# ---- place and time ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"place": "WS-OFFICE"},
        {"place": "WS-NOWHERE"},
        {"place": "WS-OLD"},
        {"place": "SID-REC"},
        {"place": None},
        {"by": "SCN-LAB"},
    ],
    ids=["office", "unknown", "disabled", "a person", "none", "reader of another zone"],
)
def test_a_scan_elsewhere_is_refused_and_still_counts_its_number(staged: Gate, changes: dict[str, Any]) -> None:
    decision = staged.scan(**changes)
    assert (decision.codes, kinds(decision)) == (("LOCATION_NOT_PERMITTED",), ["ReaderAdvanced"])
    assert staged.scan(**{**changes, "seq": 1}).codes == ("REPLAYED_BROADCAST",)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"observed_at": T0 - 1}, "STALE_BROADCAST"),
        ({"observed_at": T0 + 600 * S + 1}, "FUTURE_DATED"),
        ({"captured_at": T0 + 300 * S, "observed_at": T0 - 1}, "STALE_BROADCAST"),  # not marked buffered
        ({"buffered": True, "captured_at": T0 + 300 * S + 1}, "FUTURE_DATED"),
        ({"buffered": True, "captured_at": T0 - 6900 * S - 1}, "STALE_BROADCAST"),
        ({"buffered": True}, "BROADCAST_UNVERIFIED"),
    ],
)
def test_a_scan_of_another_time_is_refused(staged: Gate, changes: dict[str, Any], code: str) -> None:
    decision = staged.scan(at=T0 + 300 * S, **changes)
    assert (decision.codes, kinds(decision)) == ((code,), ["ReaderAdvanced"])
    assert staged.state.slips["PO-1"].state == "held"


def test_the_time_of_signing_counts_where_no_other_is_given(staged: Gate) -> None:
    command = broadcast("PO-1", T0, 1)
    assert staged.ask(command, T0 + 301 * S).codes == ("STALE_BROADCAST",)


def test_a_buffered_scan_within_the_orders_limit_counts_and_stays_marked(staged: Gate) -> None:
    decision = staged.scan(at=T0 + 7200 * S, buffered=True, captured_at=T0)
    assert decision.allowed
    assert decision.events[1] == ev.ArrivalRecorded(
        order="PO-1", serials=("S01", "S02"), evidence="broadcast", late=True
    )
    assert staged.state.slips["PO-1"].late


def test_an_order_that_accepts_no_buffering_refuses_a_buffered_scan(gate: Gate) -> None:
    gate.stage(buffer_max_us=0)
    assert gate.scan(None, at=T0 + 9 * S, buffered=True, captured_at=T0 + 8 * S).codes == ("STALE_BROADCAST",)


def test_a_buffered_scan_without_an_order_never_binds_to_a_later_slip(gate: Gate) -> None:
    gate.stage(at=T0 + 60 * S)
    decision = gate.scan(None, at=T0 + 120 * S, buffered=True, captured_at=T0)
    assert (decision.codes, decision.events[1:]) == (
        ("PO_NOT_STAGED",),
        (ev.ArrivalQuarantined(serials=("S01", "S02"), order=None, late=True),),
    )


# ---- parts that do not match ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"part_no": "4512-9"}, ("PART_MISMATCH",)),
        ({"part_no": "4512\u20117"}, ("PART_MISMATCH",)),  # a hyphen that only looks the same
        ({"rev": "\u0421"}, ("REV_MISMATCH",)),  # a Cyrillic letter
        ({"rev": "c"}, ("REV_MISMATCH",)),
        ({"serials": ("S01", "X99")}, ("SERIAL_UNKNOWN",)),
        ({"serials": ("S01", "S02", "S03")}, ("SERIAL_UNKNOWN",)),
        ({"serials": ("S0l",)}, ("SERIAL_UNKNOWN",)),
        ({"part_no": "X", "rev": "X", "serials": ("X",)}, ("PART_MISMATCH", "REV_MISMATCH", "SERIAL_UNKNOWN")),
        ({"quantity": 3}, ("QTY_MISMATCH",)),
        ({"quantity": 0, "serials": ()}, ("QTY_MISMATCH",)),
        ({"serials": ("S01", "S01")}, ("QTY_MISMATCH",)),
    ],
)
def test_parts_that_are_not_the_orders_are_set_aside(
    staged: Gate, changes: dict[str, Any], codes: tuple[str, ...]
) -> None:
    held = copy.deepcopy(staged.state.slips["PO-1"])
    decision = staged.scan(**changes)
    assert (decision.codes, kinds(decision)) == (codes, ["ReaderAdvanced", "ArrivalQuarantined"])
    quarantined = decision.events[1]
    assert isinstance(quarantined, ev.ArrivalQuarantined)
    assert quarantined.order == "PO-1"
    assert staged.state.slips["PO-1"] == held, "the order is unchanged"
    assert staged.scan().allowed


def test_a_miscount_that_names_no_order_is_set_aside_unmatched(staged: Gate) -> None:
    assert staged.scan(None, quantity=3).events[1] == ev.ArrivalQuarantined(serials=("S01", "S02"))


def test_parts_arrive_once(staged: Gate) -> None:
    staged.scan()
    decision = staged.scan()
    assert (decision.codes, kinds(decision)) == (("DUPLICATE_ARRIVAL",), ["ReaderAdvanced"])


def test_a_scan_with_one_part_twice_counts_for_none_of_its_parts(staged: Gate) -> None:
    staged.scan(serials=("S01",))
    decision = staged.scan()
    assert decision.denials[0].values == {"serials": ("S01",)}
    assert kinds(decision) == ["ReaderAdvanced"]


def test_an_order_that_wants_other_evidence_refuses_a_broadcast(gate: Gate) -> None:
    gate.stage(evidence=("attested",))
    decision = gate.scan()
    assert (decision.codes, kinds(decision)) == (("EVIDENCE_CLASS_NOT_ALLOWED",), ["ReaderAdvanced"])


# ---- which order ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"part_no": "X"}, {"rev": "X"}, {"serials": ("S01", "X")}])
def test_parts_that_nobody_waits_for_are_set_aside(staged: Gate, changes: dict[str, Any]) -> None:
    decision = staged.scan(None, **changes)
    assert (decision.codes, kinds(decision)) == (("PO_NOT_STAGED",), ["ReaderAdvanced", "ArrivalQuarantined"])
    assert staged.state.early == []


def test_two_orders_that_wait_for_the_same_part_are_never_first_come(gate: Gate) -> None:
    gate.stage("PO-1")
    gate.stage("PO-2", serials=("S02", "S01"))
    decision = gate.scan(None)
    assert decision.codes == ("AMBIGUOUS_ARRIVAL",)
    assert decision.denials[0].values == {"orders": ("PO-1", "PO-2")}
    assert decision.events[1] == ev.ArrivalQuarantined(serials=("S01", "S02"), order=None)
    assert releases(gate.scan("PO-2"))[0].order == "PO-2"
    assert gate.state.slips["PO-1"].arrived == ()
    assert releases(gate.scan(None))[0].order == "PO-1", "only one is left that waits"


def test_an_order_that_has_its_parts_does_not_take_those_of_another(staged: Gate) -> None:
    staged.scan()
    staged.stage("PO-2")
    assert releases(staged.scan(None))[0].order == "PO-2"


# ---- early arrivals ------------------------------------------------------------------------------------------------


def test_an_early_scan_that_names_its_order_counts_when_that_is_staged(gate: Gate) -> None:
    early = gate.scan(at=T0)
    assert (early.codes, kinds(early)) == (
        ("PO_NOT_STAGED",),
        ["ReaderAdvanced", "ArrivalKept", "ArrivalQuarantined"],
    )
    decision = gate.stage(at=T0 + 14_400 * S)
    assert kinds(decision) == ["SlipStaged", "ArrivalRecorded", "OrderReleased"]
    assert decision.reads == (0, 1), "the kept scan is what the release rests on"
    assert gate.state.early == []
    assert gate.scan(at=T0 + 14_401 * S).codes == ("DUPLICATE_ARRIVAL",)


def test_early_lots_add_up(gate: Gate) -> None:
    gate.scan(serials=("S02",))
    gate.scan(serials=("S01",))
    gate.scan(serials=("S01",))
    assert releases(gate.stage(at=T0 + 99 * S))[0].serials == ("S01", "S02")


def test_an_early_lot_that_is_short_waits_for_the_rest(gate: Gate) -> None:
    gate.scan(serials=("S02",))
    assert kinds(gate.stage(at=T0 + 99 * S)) == ["SlipStaged", "ArrivalRecorded"]
    assert gate.scan(at=T0 + 100 * S, serials=("S01",)).allowed


def test_an_early_lot_goes_under_partial_policy(gate: Gate) -> None:
    gate.scan(serials=("S02",))
    assert [r.complete for r in releases(gate.stage(at=T0 + 99 * S, policy="partial"))] == [False]


@pytest.mark.parametrize(
    ("scanned", "staged"),
    [
        ({}, {"at": T0 + 14_400 * S + 1}),
        ({"order": None}, {}),
        ({"order": "PO-2"}, {}),
        ({"part_no": "4512-9"}, {}),
        ({"rev": "B"}, {}),
        ({"serials": ("S01", "X")}, {}),
        ({}, {"evidence": ("attested",)}),
        ({"observed_at": T0 + 300 * S}, {"at": T0 + 14_400 * S + 1}),  # a clock that runs ahead makes nothing fresher
        ({"buffered": True, "captured_at": T0 - 14_400 * S}, {}),
    ],
    ids=["too old", "no order", "other order", "part", "revision", "serial", "evidence", "clock ahead", "old buffer"],
)
def test_an_early_scan_that_must_not_count(gate: Gate, scanned: dict[str, Any], staged: dict[str, Any]) -> None:
    gate.scan(**{"at": T0} | scanned)
    assert kinds(gate.stage(**{"at": T0 + S} | staged)) == ["SlipStaged"]


# ---- attestation by two people -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pair",
    [
        (RECEIVING, TECHNICIAN),
        (TECHNICIAN, signer("SID-QA", "qa")),
        (signer("SID-L3", "level3"), RECEIVING),
        (RECEIVING, signer("SID-REC-2", "receiving"), signer("SID-QA", "qa")),
    ],
)
def test_two_people_of_different_roles_attest_and_the_order_goes(attestable: Gate, pair: tuple[c.Signer, ...]) -> None:
    decision = attestable.attest(signers=pair)
    assert decision.events == (
        ev.ArrivalRecorded(order="PO-1", serials=("S01", "S02"), evidence="attested"),
        ev.OrderReleased(order="PO-1", node="NODE-1", serials=("S01", "S02"), complete=True),
    )
    assert decision.reads == (0, 1)
    assert attestable.state.slips["PO-1"].state == "released"


@pytest.mark.parametrize(
    "pair",
    [
        (RECEIVING,),
        (RECEIVING, signer("SID-REC-2", "receiving")),
        (RECEIVING, signer("SID-PM", "project_manager")),
        (RECEIVING, TECHNICIAN, signer("SID-PM", "project_manager")),
        (RECEIVING, signer("ROBOT", "technician")),
        (RECEIVING, signer("SCN-1", "scanner")),
        (RECEIVING, signer("SID-TEC", "qa")),  # a role that they do not hold
    ],
    ids=["alone", "same role", "other role", "a third of another role", "a module", "a reader", "borrowed role"],
)
def test_fewer_than_two_such_people_attest_nothing(attestable: Gate, pair: tuple[c.Signer, ...]) -> None:
    decision = attestable.attest(signers=pair)
    assert (set(decision.codes), decision.events) == ({"ROLE_NOT_AUTHORISED"}, ())
    assert attestable.state.slips["PO-1"].state == "held"


LATER = T0 + 60 * S


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"signers": (RECEIVING, signer("SID-NOBODY", "qa"))}, "UNKNOWN_IDENTITY"),
        ({"signers": (RECEIVING, signer("SID-GONE", "qa"))}, "IDENTITY_DISABLED"),
        ({"signers": (RECEIVING, signer("SID-TEC", "technician", auth=None))}, "SIGNATURE_AUTH_FAILED"),
        (
            {"signers": (RECEIVING, signer("SID-TEC", "technician", auth=c.Auth(components=("pin",), session="s")))},
            "SIGNATURE_AUTH_FAILED",
        ),
        (
            {"signers": (RECEIVING, signer("SID-TEC", "technician", auth=replace(FRESH, presented_by="SID-REC")))},
            "SIGNATURE_AUTH_FAILED",
        ),
        ({"signers": (RECEIVING, signer("SID-TEC", "technician", meaning=" "))}, "SIGNATURE_MEANING_MISSING"),
        ({"signers": (signer("SID-REC", "receiving", meaning=None), TECHNICIAN)}, "SIGNATURE_MEANING_MISSING"),
        ({"reason": " "}, "REASON_REQUIRED"),
        ({"photo_digest": ""}, "EVIDENCE_REQUIRED"),
        ({"place": "WS-OFFICE"}, "LOCATION_NOT_PERMITTED"),
        ({"place": None}, "LOCATION_NOT_PERMITTED"),
        ({"place": "SCN-2"}, "LOCATION_NOT_PERMITTED"),  # a reader in the area is no workstation
        ({"place": "SID-REC"}, "LOCATION_NOT_PERMITTED"),
    ],
)
def test_an_attestation_that_nobody_vouches_for_moves_nothing(
    attestable: Gate, changes: dict[str, Any], code: str
) -> None:
    decision = attestable.attest(**changes)
    assert (set(decision.codes), decision.events) == ({code}, ())
    assert attestable.attest(at=T0 + 70 * S).allowed, "and spoils nothing"


@pytest.mark.parametrize(
    ("claimed", "code"), [(LATER - 120 * S - 1, "BACKDATED"), (LATER + 120 * S + 1, "FUTURE_DATED")]
)
def test_an_attestation_is_signed_now(attestable: Gate, claimed: int, code: str) -> None:
    assert attestable.ask(attestation("PO-1", claimed), LATER).codes == (code,)
    assert attestable.ask(attestation("PO-1", LATER - 120 * S), LATER).allowed


def test_an_open_session_needs_one_secret_only_until_it_is_idle(attestable: Gate) -> None:
    pin = c.Auth(components=("pin",), session="s")
    pair = (signer("SID-REC", "receiving", auth=pin), signer("SID-TEC", "technician", auth=pin))
    attestable.state.sessions.update({"SID-REC|s": T0, "SID-TEC|s": T0})
    assert attestable.attest(at=T0 + 600 * S + 1, signers=pair).codes == ("SIGNATURE_AUTH_FAILED",) * 2
    assert attestable.attest(at=T0 + 600 * S, signers=pair).allowed


def test_everything_that_an_attestation_lacks_is_said_at_once(attestable: Gate) -> None:
    decision = attestable.attest(signers=(RECEIVING,), reason="", photo_digest="", part_no="X", place="WS-OFFICE")
    assert decision.codes == (
        "ROLE_NOT_AUTHORISED",
        "LOCATION_NOT_PERMITTED",
        "REASON_REQUIRED",
        "EVIDENCE_REQUIRED",
        "PART_MISMATCH",
    )
    assert decision.events == (), "parts that nobody vouches for are not set aside on their word"


def test_an_order_without_that_class_of_evidence_refuses_an_attestation(staged: Gate) -> None:
    decision = staged.attest()
    assert (decision.codes, decision.events) == (("EVIDENCE_CLASS_NOT_ALLOWED",), ())
    assert decision.denials[0].values == {"order": "PO-1", "evidence": "attested"}
    assert staged.scan(at=T0 + 61 * S).allowed


@pytest.mark.parametrize(
    ("changes", "codes", "order"),
    [
        ({"part_no": "4512-9"}, ("PART_MISMATCH",), "PO-1"),
        ({"rev": "c"}, ("REV_MISMATCH",), "PO-1"),
        ({"serials": ("S01", "X99")}, ("SERIAL_UNKNOWN",), "PO-1"),
        ({"quantity": 3}, ("QTY_MISMATCH",), "PO-1"),
        ({"serials": ()}, ("QTY_MISMATCH",), "PO-1"),
        ({"serials": ("S01", "S01")}, ("QTY_MISMATCH",), "PO-1"),
        ({"order": None, "rev": "D"}, ("PO_NOT_STAGED",), None),
        ({"order": "PO-9"}, ("PO_NOT_STAGED",), None),
    ],
)
def test_attested_parts_that_are_not_the_orders_are_set_aside(
    attestable: Gate, changes: dict[str, Any], codes: tuple[str, ...], order: str | None
) -> None:
    decision = attestable.attest(**changes)
    serials = changes.get("serials", ("S01", "S02"))
    assert (decision.codes, decision.events) == (codes, (ev.ArrivalQuarantined(serials=serials, order=order),))


def test_an_attestation_is_never_kept_for_an_order_to_come(gate: Gate) -> None:
    """Kept, it would count as a scan for an order that may accept none."""
    gate.attest()
    assert gate.state.early == []
    assert kinds(gate.stage(at=T0 + 99 * S, evidence=("broadcast", "attested"))) == ["SlipStaged"]


def test_an_attestation_without_an_order_binds_like_a_scan(attestable: Gate) -> None:
    attestable.stage("PO-2", serials=("S02", "S01"), evidence=("attested",))
    assert attestable.attest(None).codes == ("AMBIGUOUS_ARRIVAL",)
    attestable.scan("PO-1")
    assert releases(attestable.attest(None, at=T0 + 61 * S))[0].order == "PO-2"


def test_attested_and_scanned_lots_add_up(attestable: Gate) -> None:
    short = attestable.attest(serials=("S02",))
    assert (short.codes, kinds(short)) == (("QTY_MISMATCH",), ["ArrivalRecorded"])
    assert attestable.attest(serials=("S02",), at=T0 + 61 * S).codes == ("DUPLICATE_ARRIVAL",)
    assert attestable.scan(serials=("S02",), at=T0 + 62 * S).codes == ("DUPLICATE_ARRIVAL",)
    assert releases(attestable.scan(serials=("S01",), at=T0 + 63 * S))[0].serials == ("S01", "S02")


def test_a_refusal_fits_its_entry_whatever_the_signers_wrote(attestable: Gate) -> None:
    long = "x" * 700
    crowd = tuple(signer(f"SID-{n}", long, meaning="", auth=None) for n in range(16))
    decision = attestable.attest(signers=crowd, part_no=long, rev=long)
    assert len(decision.denials) == DENIALS_MAX
    assert len(msgspec.json.encode(decision)) < DENIAL_VALUES_BYTES_MAX + 8_000
    assert decision.trace[-2:] == ("order ok", "part PART_MISMATCH REV_MISMATCH"), "what is not named is still unmet"
    assert "PART_MISMATCH" not in decision.codes


def test_what_is_not_named_any_more_still_refuses(attestable: Gate) -> None:
    inquiry = Inquiry(attestable.state, T0, wish())
    for n in range(DENIALS_MAX + 1):
        assert not inquiry.ask(str(n), inquiry.deny, "NO_ARRIVAL", order="PO-1")
    assert (len(inquiry.found), len(inquiry.trace)) == (DENIALS_MAX, DENIALS_MAX + 1)


# ---- arrivals that are taken back ----------------------------------------------------------------------------------


def test_a_part_that_is_not_here_after_all_is_waited_for_again(gate: Gate) -> None:
    gate.stage(serials=("S01", "S02", "S03"))
    gate.scan(serials=("S01", "S02"))
    decision = gate.void()
    assert decision.events == (ev.ArrivalVoided(order="PO-1", serials=("S01",)),)
    assert (gate.state.slips["PO-1"].state, gate.state.slips["PO-1"].arrived) == ("partial", ("S02",))
    assert gate.void(at=T0 + 91 * S, serials=("S02",), by="SID-QA", role="qa").allowed
    assert (gate.state.slips["PO-1"].state, gate.state.slips["PO-1"].arrived) == ("held", ())
    assert gate.scan(at=T0 + 92 * S, serials=("S03",)).codes == ("QTY_MISMATCH",)
    assert releases(gate.scan(at=T0 + 93 * S, serials=("S01", "S02")))[0].serials == ("S01", "S02", "S03")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"reason": " "}, "REASON_REQUIRED"),
        ({"by": "SID-TEC", "role": "technician"}, "ROLE_NOT_AUTHORISED"),
        ({"by": "SID-PM", "role": "receiving"}, "ROLE_NOT_AUTHORISED"),
        ({"by": "HUB", "role": "business_hub"}, "ROLE_NOT_AUTHORISED"),
        ({"by": "SID-NOBODY"}, "UNKNOWN_IDENTITY"),
        ({"by": "SID-GONE", "role": "qa"}, "IDENTITY_DISABLED"),
        ({"order": "PO-9"}, "PO_NOT_STAGED"),
        ({"serials": ("X99",)}, "SERIAL_UNKNOWN"),
        ({"serials": ("S02",)}, "NO_ARRIVAL"),
        ({"serials": ("S01", "S02")}, "NO_ARRIVAL"),
        ({"serials": ()}, "QTY_MISMATCH"),
        ({"serials": ("S01", "S01")}, "QTY_MISMATCH"),
    ],
)
def test_what_may_not_be_taken_back(staged: Gate, changes: dict[str, Any], code: str) -> None:
    staged.scan(serials=("S01",))
    held = copy.deepcopy(staged.state.slips["PO-1"])
    decision = staged.void(**changes)
    assert (set(decision.codes), decision.events) == ({code}, ())
    assert staged.state.slips["PO-1"] == held
    assert staged.void().allowed


def test_an_arrival_is_taken_back_now(staged: Gate) -> None:
    staged.scan(serials=("S01",))
    assert staged.ask(taken_back("PO-1", T0), T0 + 121 * S).codes == ("BACKDATED",)
    assert staged.ask(taken_back("PO-1", T0 + 300 * S), T0 + 121 * S).codes == ("FUTURE_DATED",)


def test_everything_that_taking_back_lacks_is_said_at_once(staged: Gate) -> None:
    decision = staged.void(by="SID-TEC", role="technician", reason="", serials=("X99",))
    assert decision.codes == ("ROLE_NOT_AUTHORISED", "REASON_REQUIRED", "SERIAL_UNKNOWN")


def test_what_went_to_its_node_is_not_taken_back(staged: Gate) -> None:
    staged.scan()
    assert staged.void().codes == ("ALREADY_RELEASED",)
    staged.ask(acknowledge(), T0)
    assert staged.void().codes == ("ALREADY_RELEASED",)
    assert staged.state.slips["PO-1"].arrived == ("S01", "S02")


def test_of_a_partial_order_nothing_that_went_is_taken_back(gate: Gate) -> None:
    gate.stage(policy="partial")
    gate.scan(serials=("S01",))
    assert gate.void().codes == ("ALREADY_RELEASED",)
    assert gate.void(serials=("S02",)).codes == ("NO_ARRIVAL",)


def test_an_amendment_does_not_make_a_released_part_voidable(gate: Gate) -> None:
    gate.stage(policy="partial")
    gate.scan(serials=("S01",))
    gate.stage(at=T0 + 70 * S, amendment=True, policy="full")
    gate.stage(at=T0 + 71 * S, amendment=True, policy="full", body="c" * 64)
    assert gate.state.slips["PO-1"].released == ()
    assert gate.void().codes == ("ALREADY_RELEASED",)


def test_an_amendment_of_other_parts_starts_empty_and_its_own_arrival_can_be_taken_back(gate: Gate) -> None:
    gate.stage(policy="partial")
    gate.scan(serials=("S01",))
    gate.stage(at=T0 + 70 * S, amendment=True, serials=("S01", "S03"))
    gate.scan(at=T0 + 71 * S, serials=("S01",))
    assert gate.void().allowed


def test_a_scan_that_came_before_its_order_can_be_taken_back(gate: Gate) -> None:
    gate.scan()
    assert gate.void(serials=("S09",)).codes == ("NO_ARRIVAL",)
    assert gate.void(serials=("S01",)).events == (ev.ArrivalVoided(order="PO-1", serials=("S01",)),)
    assert gate.state.early[0].serials == ("S02",)
    decision = gate.stage(at=T0 + 99 * S)
    assert kinds(decision) == ["SlipStaged", "ArrivalRecorded"]
    assert gate.state.slips["PO-1"].arrived == ("S02",)


def test_a_scan_that_is_taken_back_whole_before_its_order_leaves_nothing(gate: Gate) -> None:
    gate.scan()
    gate.scan("PO-2")
    gate.void(serials=("S01", "S02"))
    assert [early.order for early in gate.state.early] == ["PO-2"]
    assert gate.void(at=T0 + 91 * S).codes == ("PO_NOT_STAGED",)


# ---- what the business hub makes of it -----------------------------------------------------------------------------


def hub_after(*events: ev.AnyEvent) -> Any:
    state = Gate().state
    state.kind = "business_hub"
    state.orders["PO-1"] = Order(id="PO-1", serials=("S01", "S02"))
    for ref, event in enumerate(events, 1):
        evolve(state, NO_DOCUMENTS, event, T0, ref)
    return state.orders["PO-1"]


def recorded(serial: str, evidence: str) -> ev.ArrivalRecorded:
    return ev.ArrivalRecorded(order="PO-1", serials=(serial,), evidence=evidence)


VOIDED = ev.ArrivalVoided(order="PO-1", serials=("S01",))


@pytest.mark.parametrize(
    ("events", "arrived", "attested"),
    [
        ((recorded("S01", "broadcast"), recorded("S02", "attested")), ("S01", "S02"), True),
        ((recorded("S01", "broadcast"), recorded("S02", "attested"), VOIDED), ("S02",), True),
        ((recorded("S01", "attested"), recorded("S02", "broadcast"), VOIDED), ("S02",), False),
        ((recorded("S01", "attested"), VOIDED, recorded("S01", "broadcast")), ("S01",), False),
    ],
)
def test_the_hub_knows_what_is_here_and_whether_people_attested_it(
    events: tuple[ev.AnyEvent, ...], arrived: tuple[str, ...], attested: bool
) -> None:
    order = hub_after(*events)
    assert (order.arrived, order.attested) == (arrived, attested)


# ---- amendments ----------------------------------------------------------------------------------------------------


def test_an_amendment_of_the_same_parts_keeps_its_arrival_and_goes_again(staged: Gate) -> None:
    staged.scan()
    before = staged.state.slips["PO-1"].ref
    decision = staged.stage(at=T0 + 99 * S, amendment=True, body="c" * 64)
    assert before in decision.reads
    assert kinds(decision) == ["SlipStaged", "OrderReleased"]
    assert staged.state.slips["PO-1"].state == "released"
    assert staged.ask(acknowledge(), T0).codes == ("BODY_MISMATCH",), "the old body is not the order any more"


def test_an_amendment_of_a_short_order_keeps_what_is_here(staged: Gate) -> None:
    staged.scan(serials=("S01",))
    assert kinds(staged.stage(at=T0 + 99 * S, amendment=True, node="NODE-2")) == ["SlipStaged"]
    assert releases(staged.scan(at=T0 + 100 * S, serials=("S02",)))[0].node == "NODE-2"


def test_an_amendment_to_partial_lets_go_what_is_here(staged: Gate) -> None:
    staged.scan(serials=("S01",))
    assert releases(staged.stage(at=T0 + 99 * S, amendment=True, policy="partial"))[0].serials == ("S01",)


@pytest.mark.parametrize("changes", [{"serials": ("S01", "S03")}, {"rev": "D"}, {"part_no": "X"}])
def test_an_amendment_of_other_parts_starts_empty(staged: Gate, changes: dict[str, Any]) -> None:
    staged.scan()
    assert kinds(staged.stage(at=T0 + 99 * S, amendment=True, **changes)) == ["SlipStaged"]
    assert staged.state.slips["PO-1"].arrived == ()
    assert staged.ask(wish(), T0).codes == ("NO_ARRIVAL",)


def test_an_amendment_takes_no_early_scan(gate: Gate) -> None:
    gate.scan(serials=("S09",))
    gate.stage(at=T0 + 61 * S)
    assert kinds(gate.stage(at=T0 + 62 * S, amendment=True, serials=("S09",))) == ["SlipStaged"]


def test_the_same_amendment_again_releases_nothing(staged: Gate) -> None:
    staged.scan()
    amendment = stage_slip(at=T0 + 99 * S, amendment=True)
    assert staged.ask(amendment, T0 + 99 * S).allowed
    assert staged.ask(replace(amendment, nonce="anew"), T0 + 100 * S).codes == ("ALREADY_DONE",)


def test_an_amendment_of_an_order_that_never_came_is_its_staging(gate: Gate) -> None:
    gate.scan()
    assert kinds(gate.stage(at=T0 + 61 * S, amendment=True)) == ["SlipStaged", "ArrivalRecorded", "OrderReleased"]


# ---- release by hand, and the node's receipt -----------------------------------------------------------------------


def test_nothing_is_released_by_hand(gate: Gate) -> None:
    assert gate.ask(wish(), T0).codes == ("PO_NOT_STAGED",)
    gate.stage()
    assert gate.ask(wish(), T0).codes == ("NO_ARRIVAL",)
    gate.scan(serials=("S01",))
    assert gate.ask(wish(by="HUB", role="business_hub"), T0).codes == ("NO_ARRIVAL",)
    gate.scan(serials=("S02",))
    assert gate.ask(wish(), T0).codes == ("ALREADY_DONE",)
    gate.ask(acknowledge(), T0)
    assert gate.ask(wish(), T0).codes == ("ALREADY_DONE",)


@pytest.mark.parametrize(
    ("by", "role", "code"),
    [
        ("NOBODY", "qa", "UNKNOWN_IDENTITY"),
        ("SCN-OFF", "scanner", "IDENTITY_DISABLED"),
        ("HUB", "qa", "ROLE_NOT_AUTHORISED"),
    ],
)
def test_a_wish_says_who_it_is_from_as_well(staged: Gate, by: str, role: str, code: str) -> None:
    decision = staged.ask(wish(by=by, role=role), T0)
    assert decision.codes == (code, "NO_ARRIVAL")
    assert decision.trace == (f"signers {code}", "release by hand NO_ARRIVAL")


def test_the_node_acknowledges_once(staged: Gate) -> None:
    staged.scan()
    decision = staged.ask(acknowledge(), T0)
    assert decision.events == (ev.ForwardAcknowledged(order="PO-1", node="NODE-1", serials=("S01", "S02")),)
    assert staged.state.slips["PO-1"].state == "acknowledged"
    assert staged.ask(acknowledge(), T0).codes == ("ALREADY_DONE",)
    assert staged.scan().codes == ("DUPLICATE_ARRIVAL",)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (acknowledge(order="PO-9"), "PO_NOT_STAGED"),
        (acknowledge(by="NODE-2"), "WRONG_NODE"),
        (acknowledge(body="c" * 64), "BODY_MISMATCH"),
        (acknowledge(serials=("S01", "S03")), "BODY_MISMATCH"),
        (acknowledge(by="HUB", role="business_hub"), "ROLE_NOT_AUTHORISED"),
        (acknowledge(by="HUB"), "ROLE_NOT_AUTHORISED"),
        (acknowledge(by="NODE-9"), "UNKNOWN_IDENTITY"),
    ],
)
def test_a_false_receipt_is_refused(staged: Gate, command: c.AcknowledgeForward, code: str) -> None:
    staged.scan()
    assert staged.ask(command, T0).codes == (code,)


def test_nothing_is_acknowledged_before_it_was_let_go(staged: Gate) -> None:
    assert staged.ask(acknowledge(), T0).codes == ("NO_ARRIVAL",)


# ---- figures -------------------------------------------------------------------------------------------------------


def test_one_day_at_the_dock_counted_by_hand(gate: Gate) -> None:
    """Scenario 139."""
    minute = 60 * S
    for n, (serials, due) in enumerate(
        [("A1", 120), ("B1", 120), ("C1 C2", 120), ("D1", 180), ("E1", 150), ("F1", 300)]
    ):
        gate.stage(f"PO-{n + 1}", T0 + 5 * n * minute, serials=tuple(serials.split()), arrival_due=T0 + due * minute)
    gate.scan("PO-1", T0 + 30 * minute, serials=("A1",))
    gate.scan("PO-2", T0 + 40 * minute, serials=("B1",), part_no="4512-8")
    gate.scan("PO-2", T0 + 65 * minute, serials=("B1",))
    gate.scan("PO-3", T0 + 70 * minute, serials=("C1",))
    gate.void("PO-3", T0 + 80 * minute, serials=("C1",), reason="")
    gate.void("PO-3", T0 + 81 * minute, serials=("C1",))
    gate.scan("PO-3", T0 + 90 * minute, serials=("C1",))
    gate.scan("PO-99", T0 + 100 * minute, serials=("Z1",))
    gate.scan("PO-1", T0 + 105 * minute, serials=("A1",))
    gate.scan("PO-1", T0 + 110 * minute, serials=("A1",), seq=1)
    gate.scan("PO-5", T0 + 115 * minute, serials=("E1",), by="NOBODY")
    gate.scan("PO-4", T0 + 120 * minute, serials=("D1",), rev="B")
    gate.scan("PO-4", T0 + 165 * minute, serials=("D1",), seq=20)
    assert gate.metrics.report(T0 + 210 * minute) == {
        "queue": {"held": 2, "partial": 1, "released": 3},
        "oldest_held_s": 200 * 60,
        "dwell_median_s": 3600,
        "confirmation_rate": "0.6000",
        "wrong_arrivals_stopped": 3,
        "duplicates": 1,
        "replays": 1,
        "unverified": 1,
        "match_accuracy": "0.8000",
        "voided": 1,
        "forward_pending": 3,
        "late": 0,
        "broadcast_gaps": 11,
        "routing_mismatches": 0,
        "releases_without_arrival": 0,
    }


def test_figures_of_an_empty_dock(gate: Gate) -> None:
    report = gate.metrics.report(T0)
    assert report["queue"] == {"held": 0, "partial": 0, "released": 0}
    assert (report["dwell_median_s"], report["confirmation_rate"], report["match_accuracy"]) == (None, None, None)


def test_a_matched_event_counts_as_voided_once(gate: Gate) -> None:
    gate.stage(serials=("S01", "S02", "S03"))
    gate.scan(serials=("S01", "S02"))
    gate.void(serials=("S01",))
    gate.void(serials=("S02",), at=T0 + 91 * S)
    assert gate.metrics.report(T0)["match_accuracy"] == "0.0000"
    assert gate.metrics.report(T0)["queue"] == {"held": 1, "partial": 0, "released": 0}
    gate.scan(at=T0 + 92 * S)
    gate.scan(at=T0 + 93 * S, serials=("S03",))
    report = gate.metrics.report(T0)
    assert (report["voided"], report["match_accuracy"], report["releases_without_arrival"]) == (1, "0.6667", 0)


def test_the_median_of_an_even_number_is_the_mean_of_the_middle_two(gate: Gate) -> None:
    for n, seconds in enumerate((100, 10, 20, 31)):
        gate.stage(f"PO-{n}", serials=(f"S{n}",))
        gate.scan(f"PO-{n}", T0 + seconds * S, serials=(f"S{n}",))
    assert gate.metrics.report(T0)["dwell_median_s"] == 25


@pytest.mark.parametrize(
    ("due_s", "now_s", "shown"), [(61, 60, None), (60, 60, "1.0000"), (50, 60, "1.0000"), (49, 60, "0.0000")]
)
def test_the_due_time_is_inclusive(gate: Gate, due_s: int, now_s: int, shown: str | None) -> None:
    gate.stage(arrival_due=T0 + due_s * S)
    gate.scan(at=T0 + 50 * S)
    assert gate.metrics.report(T0 + now_s * S)["confirmation_rate"] == shown


def test_an_amendment_keeps_the_first_staging_and_the_first_release(staged: Gate) -> None:
    staged.scan(at=T0 + 50 * S, buffered=True, captured_at=T0)
    staged.ask(acknowledge(), T0 + 51 * S)
    staged.stage(at=T0 + 90 * S, amendment=True, arrival_due=T0 + 60 * S)
    report = staged.metrics.report(T0 + 100 * S)
    assert (report["dwell_median_s"], report["confirmation_rate"], report["forward_pending"]) == (50, "1.0000", 1)
    assert report["late"] == 1
    staged.ask(acknowledge(), T0 + 101 * S)
    staged.stage(at=T0 + 102 * S, amendment=True, serials=("S09",))
    assert staged.metrics.report(T0 + 103 * S)["queue"] == {"held": 1, "partial": 0, "released": 0}


def test_a_log_that_broke_the_law_shows_in_the_figures() -> None:
    metrics = Metrics()
    gone = ev.OrderReleased(order="PO-1", node="NODE-2", serials=("S01",), complete=True)
    metrics.observe((gone,), T0, "allow")
    staged = match(Gate().state, NO_DOCUMENTS, stage_slip(), T0).events
    metrics.observe((*staged, gone), T0, "allow")
    metrics.observe((ev.ForwardAcknowledged(order="PO-1", node="NODE-3", serials=()),), T0, "allow")
    report = metrics.report(T0)
    assert (report["releases_without_arrival"], report["routing_mismatches"]) == (2, 2)


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(0, 1, "0.0000"), (1, 3, "0.3333"), (2, 3, "0.6667"), (1, 1, "1.0000"), (1, 20_000, "0.0001"), (1, 0, None)],
)
def test_rates_have_four_places(part: int, whole: int, shown: str | None) -> None:
    assert rate(part, whole) == shown
