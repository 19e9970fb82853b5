"""What is told of a log: by kind, to whom, and what never leaves."""

import itertools
import json
from typing import Any, Final

import pytest
from msgspec import Raw

from holdgate.crypto.hashes import digest
from holdgate.engine.telling import LONGEST_US, PAUSES_S, pause_us
from holdgate.law import event as ev
from holdgate.law.decision import allow
from holdgate.law.state import Report
from holdgate.ledger.entry import Entry, LawRef, Source, read_entry
from holdgate.query import notices
from holdgate.query.cloud_event import cloud_event, message_id
from holdgate.query.notice_timers import alarm, closing, running_out, unheard_us
from holdgate.query.notices import (
    DUE,
    FOR_CLIENTS,
    KINDS,
    Fact,
    Notice,
    Saying,
    facts_of,
    is_for,
    notice_of,
    sayings,
    shown_to,
)
from holdgate.terms import canon
from holdgate.terms.instant import SECOND_US
from tests.builders import T0, Log, World, hub_log

DAY: Final = 86_400 * SECOND_US
SECRET: Final = "SECRET"
"""Stands for persons, free text and other clients' things: no client and no mail may see it."""
ALL: Final = frozenset(KINDS)


class Clients:
    """Orders and reports as a log made them known."""

    def __init__(self, *facts: Fact) -> None:
        self.facts = facts

    def client_of(self, order: str, before: int) -> str:
        found = [f for f in self.facts if f.table == "order" and f.key == order and f.seq < before]
        return max(found, key=lambda fact: fact.seq).one if found else ""

    def report_of(self, report: str) -> tuple[str, str] | None:
        return next(((f.one, f.two) for f in self.facts if f.table == "report" and f.key == report), None)


KNOWN: Final = Clients(
    Fact("order", "PO-1", 1, "AERO"), Fact("order", "PO-2", 1, "RIVAL"), Fact("report", "R-1", 5, "PO-1", "J-1")
)
JOB: Final[dict[str, Any]] = {"order": "PO-1", "job": "J-1"}


def at(event: ev.AnyEvent, seq: int = 9, held: int = 9) -> Saying:
    return Saying("lab.test/N-1", "N-1", seq, 2, T0, event, held, 2)


def told(event: ev.AnyEvent) -> Notice:
    found = notice_of(at(event), KNOWN)
    assert found is not None
    return found


TABLE: Final[list[tuple[ev.AnyEvent, str, str, str]]] = [
    (
        ev.ReportIssued(**JOB, report="R-1", digest="d", fields=(SECRET,), deviations=(SECRET,), nonconforming=True),
        "report.ready",
        "AERO",
        "Report R-1 on order PO-1 is ready",
    ),
    (
        ev.ReviewWindowOpened(report="R-1", opened_at=T0, closes_at=T0 + DAY),
        "review.opened",
        "AERO",
        "Report R-1 can be reviewed until ",
    ),
    (ev.ReportApproved(report="R-1", by=SECRET), "review.closed", "AERO", "The review of report R-1 is over: approved"),
    (ev.ReviewWindowLapsed(report="R-1", outcome="deemed_accepted"), "review.closed", "AERO", "silence means that it"),
    (ev.ReviewWindowLapsed(report="R-1", outcome="escalate"), "review.closed", "AERO", "nobody answered"),
    (ev.ReportRejected(report="R-1", by=SECRET, reason=SECRET), "report.rejected", "AERO", "rejected report R-1"),
    (ev.ComplaintOpened(report="R-1", by=SECRET, reason=SECRET), "complaint.opened", "AERO", "a complaint about"),
    (
        ev.NonconformanceOpened(**JOB, ncr=f"NCR-{SECRET}", step="S20", serials=("S1",)),
        "work.held",
        "AERO",
        "Job J-1 of order PO-1 is on hold: step S20 did not conform",
    ),
    (ev.NonconformanceOpened(**JOB, ncr=SECRET, step=""), "work.held", "AERO", "a red tag"),
    (
        ev.NonconformanceOpened(**JOB, ncr=SECRET, step="", equipment=SECRET),
        "work.held",
        "AERO",
        "an instrument that was used failed a check",
    ),
    (ev.JobFlagged(**JOB, ncr=SECRET, why=SECRET, equipment=SECRET), "work.held", "AERO", "an instrument that was"),
    (ev.JobFlagged(**JOB, ncr=SECRET, why=SECRET, step=SECRET), "work.held", "AERO", "a signature on it"),
    (ev.JobFailed(**JOB, why=SECRET), "work.held", "AERO", "cannot be met or verified"),
    (ev.ArrivalQuarantined(order="PO-1", serials=(SECRET,)), "work.held", "AERO", "do not match it"),
    (ev.ArrivalQuarantined(serials=(SECRET,)), "work.held", "", "match no order"),
    (
        ev.NonconformanceDisposed(**JOB, ncr=SECRET, disposition="use_as_is", by=SECRET, concession=SECRET),
        "work.released",
        "AERO",
        "is decided: use as is",
    ),
    (ev.JobResumed(**JOB, by=SECRET), "work.released", "AERO", "Job J-1 of order PO-1 goes on"),
    (
        ev.OrderReleased(order="PO-1", node=SECRET, serials=("S1",), complete=True),
        "work.released",
        "AERO",
        "Order PO-1 arrived as it should",
    ),
    (ev.HelpCalled(**JOB, step="S20", by=SECRET), "help.called", "", "Level III is called to step S20 of job J-1"),
    (ev.ContractSuspended(sha256="a" * 64, by=SECRET, jobs=3), "contract.stopped", "", "Stop-work"),
    (ev.ContractResumed(sha256="a" * 64, by=SECRET), "contract.resumed", "", "Stop-work is over"),
    (ev.IdentityDisabled(id=SECRET), "identity.disabled", "", "An identity"),
    (ev.IdentityRekeyed(id=SECRET, key=b"k" * 32), "identity.rekeyed", "", "another key"),
    (
        ev.RootsRotated(version=2, roots=(b"k" * 32,), threshold=1, document="a" * 64),
        "roots.rotated",
        "",
        "version 2 is in force",
    ),
]
SILENT: Final = (
    ev.IdentityEnrolled(id=SECRET, name=SECRET, org=SECRET, kind="person", key=b"", roles=()),
    ev.CredentialGranted(person=SECRET, credential=SECRET, until=T0),
    ev.ReadingRecorded(**JOB, step="S", characteristic=SECRET, value="1", unit="mm", conforms=True),
    ev.StepSigned(**JOB, step="S", by=SECRET, result="fail", complete=True),
    ev.InvoiceIssued(order="PO-1", milestone="m", amount_minor=1, currency="USD"),
    ev.PayoutReleased(order="PO-1", job="J-1", rule="r", payee=SECRET, amount_minor=1, currency="USD"),
)


@pytest.mark.parametrize(("event", "kind", "client", "words"), TABLE, ids=lambda item: type(item).__name__)
def test_each_kind_is_told_in_words_of_its_own(event: ev.AnyEvent, kind: str, client: str, words: str) -> None:
    notice = told(event)
    assert (notice.kind, notice.client) == (kind, client)
    assert words in notice.says
    assert notice.id == "lab.test/N-1/9/2"
    assert notice.place == "N-1:9"
    assert len(notice.says) < 150


def test_every_kind_has_its_row_or_its_timer() -> None:
    by_time = {"review.closing", "vault.alarm", *DUE.values()}
    assert {kind for _, kind, _, _ in TABLE} | by_time == ALL


@pytest.mark.parametrize("event", SILENT, ids=lambda item: type(item).__name__)
def test_people_results_and_money_are_told_to_nobody(event: ev.AnyEvent) -> None:
    assert notice_of(at(event), KNOWN) is None


@pytest.mark.parametrize(("event", "kind", "client", "words"), TABLE, ids=lambda item: type(item).__name__)
def test_no_client_and_no_mail_sees_names_free_text_or_results(
    event: ev.AnyEvent, kind: str, client: str, words: str
) -> None:
    notice = told(event)
    assert SECRET not in cloud_event(notice, "AERO", "").decode()
    assert SECRET not in notice.says + notice.subject + notice.id + notice.place
    assert "nonconforming" not in json.dumps(shown_to(notice, ""))


@pytest.mark.parametrize(("event", "kind", "client", "words"), TABLE, ids=lambda item: type(item).__name__)
def test_persons_and_what_they_wrote_are_in_nothing_that_is_told(
    event: ev.AnyEvent, kind: str, client: str, words: str
) -> None:
    personal = [name for name in ("by", "reason", "id") if getattr(event, name, "") == SECRET]
    plain = event
    for name in set(event.__struct_fields__) - set(personal):
        value = getattr(event, name)
        if isinstance(value, str) and SECRET in value:
            plain = _with(plain, name, value.replace(SECRET, "x"))
        elif value == (SECRET,):
            plain = _with(plain, name, ("x",))
    assert SECRET not in cloud_event(told(plain), "", "").decode()


def _with(event: Any, name: str, value: object) -> Any:
    return type(event)(**{field: getattr(event, field) for field in event.__struct_fields__} | {name: value})


def test_a_client_is_told_of_its_own_orders_and_nothing_else() -> None:
    for event, kind, client, _ in TABLE:
        notice = told(event)
        assert is_for(notice, ALL, "AERO") == (client == "AERO"), kind
        assert not is_for(notice, ALL, "RIVAL"), kind
        assert is_for(notice, ALL, ""), kind
        assert not is_for(notice, ALL - {kind}, ""), kind


def test_what_is_nobodys_order_is_no_clients() -> None:
    notice = notice_of(at(ev.JobFailed(order="PO-9", job="J", why="w")), KNOWN)
    assert notice is not None
    assert notice.client == ""
    assert not is_for(notice, ALL, "AERO")


def test_kinds_that_are_not_for_clients_go_to_no_client_whatever_they_name() -> None:
    for kind in ALL - set(FOR_CLIENTS):
        notice = Notice(id="i", kind=kind, origin="o", place="", subject="", at=0, says="", client="AERO")
        assert not is_for(notice, ALL, "AERO")


def test_an_order_that_was_staged_anew_for_somebody_else_takes_no_earlier_notice_along() -> None:
    known = Clients(Fact("order", "PO-1", 3, "AERO"), Fact("order", "PO-1", 8, "RIVAL"))
    event = ev.ArrivalQuarantined(order="PO-1", serials=("S1",))
    clients = [notice.client for held in (2, 3, 7, 8, 9) if (notice := notice_of(at(event, held=held), known))]
    assert clients == ["", "AERO", "AERO", "RIVAL", "RIVAL"]


def test_a_report_that_is_not_known_is_told_to_nobody() -> None:
    assert notice_of(at(ev.ReportApproved(report="R-9", by="X")), KNOWN) is None


def test_facts_are_whose_order_it_is_and_what_a_report_is_of() -> None:
    world = World("HUB", "business_hub")
    world.release()
    assert next(facts_of(at(world.staged_event(client="AERO")))).one == "AERO"
    issued = ev.ReportIssued(**JOB, report="R-1", digest="d", fields=(), deviations=())
    assert [*facts_of(at(issued))] == [Fact("report", "R-1", 9, "PO-1", "J-1")]
    assert [*facts_of(at(ev.JobResumed(**JOB, by="X")))] == []


# ---- entries -------------------------------------------------------------------------------------------------------


def every(log: Log) -> list[Saying]:
    origin = "test/HUB"
    entries = [read_entry(draft.body) for draft in log.drafts]
    return [saying for entry in entries for saying in sayings(origin, entry, log.blobs.get, log.state.retired)]


def test_what_a_log_says_is_a_function_of_its_bytes_with_ids_of_their_own() -> None:
    log = hub_log()
    found = every(log)
    assert found == every(log)
    assert found
    ids = [(saying.origin, saying.seq, saying.n) for saying in found]
    assert len(set(ids)) == len(ids)
    turns = [(saying.held, saying.turn) for saying in found]
    assert turns == sorted(set(turns))


def test_what_a_site_recorded_after_it_had_left_is_told_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def entry(site: str, moment: int, *events: ev.AnyEvent) -> Entry:
        said, source = Raw(canon.encode(allow(*events))), Source(module=site, node=site)
        return Entry(
            site=site,
            seq=3,
            epoch="e",
            at=moment,
            kind="boot",
            subject="s",
            source=source,
            law=LawRef(semantics=1),
            decision=said,
        )

    failed = ev.JobFailed(**JOB, why="w")
    foreign = [("t/N-1", entry("N-1", moment, failed, ev.JobResumed(**JOB, by="X"))) for moment in (T0 - 1, T0, T0 + 1)]
    monkeypatch.setattr(notices, "_taken_in", lambda entry, blob: iter(foreign))
    late = entry("HUB", T0 + DAY, ev.Imported(origin="t/N-1", start=0, size=3), ev.Disregarded(site="N-1", said=2))
    fine = entry("HUB", T0 + DAY, ev.Imported(origin="t/N-1", start=0, size=3))
    counted = {
        name: [
            (saying.at, saying.turn)
            for saying in sayings("t/HUB", own, lambda key: None, {"N-1": T0})
            if saying.site == "N-1"
        ]
        for name, own in (("late", late), ("fine", fine))
    }
    assert counted["late"] == [(T0 - 1, 0), (T0 - 1, 1), (T0, 2), (T0, 3)]
    assert counted["fine"] == [(T0 - 1, 0), (T0 - 1, 1), (T0, 2), (T0, 3), (T0 + 1, 4), (T0 + 1, 5)]


# ---- timers --------------------------------------------------------------------------------------------------------


def with_window(witnessed_at: int, status: str = "issued") -> World:
    world = World("HUB", "business_hub")
    world.state.reports["R-1"] = Report(
        id="R-1", order="PO-1", job="J-1", digest="d", deviations=(), issued_seq=5, opened_at=T0, closes_at=T0 + 5 * DAY
    )
    world.state.reports["R-1"].status, world.state.reports["R-1"].ref = status, 7
    world.state.witnessed_at = witnessed_at
    return world


@pytest.mark.parametrize(
    ("witnessed_at", "tells"),
    [(T0, False), (T0 + 4 * DAY - 1, False), (T0 + 4 * DAY, True), (T0 + 5 * DAY - 1, True), (T0 + 5 * DAY, False)],
)
def test_a_window_is_closing_by_the_vaults_time(witnessed_at: int, tells: bool) -> None:
    found = [*closing(with_window(witnessed_at).state, KNOWN, "test/HUB", DAY)]
    assert bool(found) == tells
    for notice in found:
        assert (notice.id, notice.client, notice.place) == ("test/HUB/7/closing/R-1", "AERO", "HUB:7")
        assert is_for(notice, ALL, "AERO")
        assert not is_for(notice, ALL, "RIVAL")


def test_a_window_that_is_shorter_than_the_warning_is_told_of_when_it_opens() -> None:
    assert [*closing(with_window(T0).state, KNOWN, "test/HUB", 9 * DAY)]


@pytest.mark.parametrize("status", ["approved", "rejected", "lapsed", "superseded"])
def test_a_window_that_is_over_is_not_closing(status: str) -> None:
    assert not [*closing(with_window(T0 + 4 * DAY, status).state, KNOWN, "test/HUB", DAY)]


def test_the_vault_is_asked_where_its_time_is_behind() -> None:
    world = with_window(T0 + DAY)
    assert unheard_us(world.state, T0 + 4 * DAY - 1, DAY) == 0
    assert unheard_us(world.state, T0 + 4 * DAY, DAY) == 3 * DAY
    assert unheard_us(with_window(T0 + 4 * DAY).state, T0 + 4 * DAY, DAY) == 0


def test_what_runs_out_is_told_once_at_each_stage() -> None:
    world = World("HUB", "business_hub").people()
    world.equipment("OVEN-1", cal_until=T0 + 20 * DAY)
    seen: dict[str, int] = {}
    for day in range(-20, 25):
        for notice in running_out(world.state, world.library, "test/HUB", T0 + day * DAY, (30, 7, 0)):
            if notice.kind == "due.calibration":
                seen.setdefault(notice.id, day)
                assert notice.client == ""
    assert [*seen.values()] == [-10, 13, 20]


def test_a_renewed_calibration_is_another_thing_that_runs_out() -> None:
    world = World("HUB", "business_hub")
    ids = []
    for until in (T0 + DAY, T0 + 2 * DAY):
        world.equipment("OVEN-1", cal_until=until)
        ids += [notice.id for notice in running_out(world.state, world.library, "test/HUB", T0, (30,))]
    assert len(set(ids)) == 2


def test_whose_qualification_runs_out_is_told_to_nobody() -> None:
    world = World("HUB", "business_hub").people()
    world.fold(ev.CredentialGranted(person="TECH", credential="EYE-TEST", until=T0 + DAY))
    found = [n for n in running_out(world.state, world.library, "test/HUB", T0, (30,)) if n.kind == "due.credential"]
    assert found
    for notice in found:
        text = cloud_event(notice, "", "").decode()
        assert "TECH" not in text
        assert "EYE" not in text
        assert "VT" not in text


def test_an_alarm_of_the_vault_is_for_the_shop() -> None:
    notice = alarm("test/N-1", "N-1", 7, T0)
    assert notice.id == "test/N-1/7/alarm"
    assert is_for(notice, ALL, "")
    assert not is_for(notice, ALL, "AERO")


# ---- transport -----------------------------------------------------------------------------------------------------


def test_message_ids_follow_from_the_notices_and_hold_no_dot() -> None:
    assert message_id("a", "b") == message_id("a", "b") == digest(b"a\nb")[:40]
    assert message_id("a") != message_id("b")
    assert message_id("lab.test/HUB/1/0").isalnum()


def test_pauses_grow_and_differ_by_chance_within_bounds() -> None:
    low = [pause_us(tries, "0000") for tries in range(1, 12)]
    high = [pause_us(tries, "ffff") for tries in range(1, 12)]
    assert low[: len(PAUSES_S)] == [seconds * SECOND_US for seconds in PAUSES_S]
    assert all(a < b for a, b in itertools.pairwise(low[: len(PAUSES_S)]))
    assert all(a < b < a * 3 // 2 for a, b in zip(low, high, strict=True))
    assert low[-1] == PAUSES_S[-1] * SECOND_US
    assert max(high) <= LONGEST_US


def test_a_receiver_may_ask_for_time_but_not_for_ever() -> None:
    assert pause_us(1, "0", 60) == 60 * SECOND_US
    assert pause_us(1, "0", 10**8) == PAUSES_S[-1] * SECOND_US
