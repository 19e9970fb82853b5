"""What people and systems outside are told of a log: notices, a pure function of its entries.

A notice has few words and few fields. What a client may be told of its own order is `data`; `inside` is for the shop's own
targets alone. Persons, results, free text that somebody wrote and other clients' things are in neither: whoever may read more
follows the link, or asks `holdgate why` about the entry.

Whose order it is, is what the log said when the entry was written: an order that was staged anew for somebody else takes no
earlier notice along.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple, Protocol

from msgspec import Struct

from holdgate.law import event as ev
from holdgate.law.event import AUTHORITY
from holdgate.law.replay import read_import
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import Entry, read_entry_once
from holdgate.query.record import command_of
from holdgate.query.words import moment
from holdgate.terms.errors import Tampered

Value = str | int | bool | tuple[str, ...]

REPORT_READY: Final = "report.ready"
REVIEW_OPENED: Final = "review.opened"
REVIEW_CLOSING: Final = "review.closing"
REVIEW_CLOSED: Final = "review.closed"
REPORT_REJECTED: Final = "report.rejected"
COMPLAINT_OPENED: Final = "complaint.opened"
WORK_HELD: Final = "work.held"
WORK_RELEASED: Final = "work.released"
CONTRACT_STOPPED: Final = "contract.stopped"
CONTRACT_RESUMED: Final = "contract.resumed"
HELP_CALLED: Final = "help.called"
IDENTITY_DISABLED: Final = "identity.disabled"
IDENTITY_REKEYED: Final = "identity.rekeyed"
ROOTS_ROTATED: Final = "roots.rotated"
VAULT_ALARM: Final = "vault.alarm"
DUE: Final = {
    "credential": "due.credential",
    "calibration": "due.calibration",
    "batch": "due.material",
    "document": "due.document",
    "standard": "due.standard",
}
"""What runs out (`holdgate.query.due`) → the kind of its notice."""
TEST: Final = "test"

FOR_CLIENTS: Final = (
    REPORT_READY,
    REVIEW_OPENED,
    REVIEW_CLOSING,
    REVIEW_CLOSED,
    REPORT_REJECTED,
    COMPLAINT_OPENED,
    WORK_HELD,
    WORK_RELEASED,
)
"""The kinds that a client can be told of its own orders."""
KINDS: Final = (
    *FOR_CLIENTS,
    HELP_CALLED,
    CONTRACT_STOPPED,
    CONTRACT_RESUMED,
    IDENTITY_DISABLED,
    IDENTITY_REKEYED,
    ROOTS_ROTATED,
    VAULT_ALARM,
    *DUE.values(),
)
"""Every kind but the test."""


class Notice(Struct, frozen=True, kw_only=True):
    """Something to tell.

    `id`: follows from what it is about; whoever gets it twice drops one. `origin`: the log that says so. `place`: the entry, as
    `SITE:seq` ("": no entry says so). `subject`: order, order/job, contract. `says`: one line, also fit for a client. `at`: UTC µs.
    `client`: whose order it is about ("": nobody's; then no client is told). `data`, `inside`: see the module.
    """

    id: str
    kind: str
    origin: str
    place: str
    subject: str
    at: int
    says: str
    client: str = ""
    data: dict[str, Value] = {}
    inside: dict[str, Value] = {}


class Saying(NamedTuple):
    """One event where it stands: in which log, entry and position.

    `held`: the own-log entry that it came by; `turn`: its place among all events that this entry brings.
    """

    origin: str
    site: str
    seq: int
    n: int
    at: int
    event: ev.AnyEvent
    held: int
    turn: int


class Known(Protocol):
    """What earlier entries of the own log said; it may know later ones too, and says nothing of them."""

    def client_of(self, order: str, before: int) -> str:
        """Whose order it was among the first `before` entries; "" where it was nobody's."""
        ...

    def report_of(self, report: str) -> tuple[str, str] | None:
        """The order and job of a report."""
        ...


class Fact(NamedTuple):
    """What has to be known of an entry later on. `table`: order (`one`: its client) or report (`one`, `two`: order, job)."""

    table: str
    key: str
    seq: int
    one: str
    two: str = ""


def facts_of(saying: Saying) -> Iterator[Fact]:
    """What an event of the own log makes known about whose order something is."""
    event = saying.event
    if type(event) is ev.OrderStaged:
        yield Fact("order", event.order, saying.held, event.client)
    elif type(event) is ev.ReportIssued:
        yield Fact("report", event.report, saying.held, event.order, event.job)


def sayings(
    origin: str, entry: Entry, blob: Callable[[str], bytes | None], retired: Mapping[str, int]
) -> Iterator[Saying]:
    """The events of an own-log entry: first those of the entries that it took in, then what follows from them here.

    Args:
        origin: of the own log.
        entry: durable.
        blob: what is pinned under a key.
        retired: sites that left, and when (UTC µs): what they recorded later makes nothing true.

    Raises:
        Malformed: an entry cannot be read. Tampered: one that was taken in is missing.
    """
    own = decision_of(entry).events
    turn = 0
    disregards = any(type(event) is ev.Disregarded for event in own)
    for source, found in _taken_in(entry, blob):
        left_at = retired.get(found.site) if disregards else None
        counts = left_at is None or _signed_at(found) <= left_at
        for n, event in enumerate(decision_of(found).events):
            if counts and AUTHORITY[type(event)] != "own":
                yield Saying(source, found.site, found.seq, n, found.at, event, entry.seq, turn)
            turn += 1
    for n, event in enumerate(own):
        yield Saying(origin, entry.site, entry.seq, n, entry.at, event, entry.seq, turn + n)


def _taken_in(entry: Entry, blob: Callable[[str], bytes | None]) -> Iterator[tuple[str, Entry]]:
    record = read_import(entry)
    if record is None:
        return
    for index in record.held:
        body = blob(record.leaves[index].hex())
        if body is None:
            raise Tampered(f"entry {entry.seq} took in an entry that is missing; audit the record")
        yield record.origin, read_entry_once(body)


def _signed_at(entry: Entry) -> int:
    command = command_of(entry)
    return entry.at if command is None else max(entry.at, command.at)


def notice_of(saying: Saying, known: Known) -> Notice | None:
    """The notice of an event; None where there is nothing to tell.

    Args:
        saying: an event of the own log, or of one that it took in.
        known: what the log said before.
    """
    row = _ROWS.get(type(saying.event))
    found = None if row is None else row(saying.event, saying, known)
    if found is None:
        return None
    return Notice(
        id=f"{saying.origin}/{saying.seq}/{saying.n}",
        kind=found.kind,
        origin=saying.origin,
        place=f"{saying.site}:{saying.seq}",
        subject=found.subject,
        at=saying.at,
        says=found.says,
        client=known.client_of(found.order, saying.held + 1) if found.order else "",
        data=found.data,
        inside=dict(found.inside),
    )


def is_for(notice: Notice, kinds: frozenset[str], client: str) -> bool:
    """Whether a target is told: of these kinds; a client's target of this client's orders and of nothing else."""
    if notice.kind != TEST and notice.kind not in kinds:
        return False
    return not client or notice.kind == TEST or (notice.client == client and notice.kind in FOR_CLIENTS)


def shown_to(notice: Notice, client: str) -> dict[str, Value]:
    """The fields that a target sees."""
    return notice.data if client else notice.data | notice.inside


# ---- the rows ------------------------------------------------------------------------------------------------------


_NOTHING: Final[Mapping[str, Value]] = {}


class _Told(NamedTuple):
    """A notice but for where it stands. `order`: whose client it is for."""

    kind: str
    subject: str
    says: str
    order: str
    data: dict[str, Value]
    inside: Mapping[str, Value] = _NOTHING


def _ready(e: ev.ReportIssued, at: Saying, known: Known) -> _Told:
    data: dict[str, Value] = {"order": e.order, "job": e.job, "report": e.report, "digest": e.digest}
    if e.replaces:
        data["replaces"] = e.replaces
    return _Told(REPORT_READY, f"{e.order}/{e.job}", f"Report {e.report} on order {e.order} is ready", e.order, data)


def _of_report(kind: str, words: str, *fields: str, **more: Value) -> Callable[[Any, Saying, Known], _Told | None]:
    """A row about a report; `words` name the fields of the event."""

    def told(e: Any, at: Saying, known: Known) -> _Told | None:
        found = known.report_of(e.report)
        if found is None:
            return None
        order, job = found
        values = {name: moment(getattr(e, name)) if name.endswith("_at") else getattr(e, name) for name in fields}
        data: dict[str, Value] = {"order": order, "job": job, "report": e.report, **more, **values}
        says = words.format(report=e.report, order=order, **values)
        return _Told(kind, f"{order}/{job}", says, order, data)

    return told


def _lapsed(e: ev.ReviewWindowLapsed, at: Saying, known: Known) -> _Told | None:
    meaning = _LAPSED.get(e.outcome, "it is over")
    row = _of_report(REVIEW_CLOSED, f"The review of report {{report}} is over: {meaning}", "outcome")
    return row(e, at, known)


_LAPSED: Final = {
    "deemed_accepted": "silence means that it is accepted, as the terms say",
    "escalate": "nobody answered, and it goes to somebody else",
}


def _nonconforming(e: ev.NonconformanceOpened, at: Saying, known: Known) -> _Told:
    if e.equipment:
        why, words = "recall", "an instrument that was used failed a check"
    elif e.step:
        why, words = "nonconformance", f"step {e.step} did not conform"
    else:
        why, words = "red_tag", "somebody put a red tag on it"
    more: dict[str, Value] = {"serials": e.serials, "step": e.step}
    inside: dict[str, Value] = {"ncr": e.ncr, "equipment": e.equipment}
    return _held(e.order, e.job, why, words, more, inside)


def _flagged(e: ev.JobFlagged, at: Saying, known: Known) -> _Told:
    inside: dict[str, Value] = {"ncr": e.ncr, "step": e.step, "equipment": e.equipment}
    if e.equipment:
        return _held(e.order, e.job, "recall", "an instrument that was used failed a check", {}, inside)
    return _held(e.order, e.job, "signature_in_doubt", "a signature on it has to be looked at", {}, inside)


def _failed(e: ev.JobFailed, at: Saying, known: Known) -> _Told:
    words = "what it rests on cannot be met or verified"
    return _held(e.order, e.job, "failed", words, {}, {"failure": e.why})


def _quarantined(e: ev.ArrivalQuarantined, at: Saying, known: Known) -> _Told:
    """Whose parts these are is not known: their serials are for the shop alone, whatever order they name."""
    inside: dict[str, Value] = {"serials": e.serials}
    if e.order is None:
        says = f"Parts that match no order arrived and are set aside ({len(e.serials)})"
        return _Told(WORK_HELD, "", says, "", {"why": "parts_without_order"}, inside)
    says = f"Order {e.order} is on hold: parts arrived that do not match it, and are set aside"
    return _Told(WORK_HELD, e.order, says, e.order, {"order": e.order, "why": "parts_do_not_match"}, inside)


def _held(
    order: str, job: str, why: str, words: str, more: dict[str, Value], inside: dict[str, Value] | None = None
) -> _Told:
    says = f"Job {job} of order {order} is on hold: {words}"
    data: dict[str, Value] = {"order": order, "job": job, "why": why, **{k: v for k, v in more.items() if v}}
    shown: dict[str, Value] = {key: value for key, value in (inside or {}).items() if value}
    return _Told(WORK_HELD, f"{order}/{job}", says, order, data, shown)


def _disposed(e: ev.NonconformanceDisposed, at: Saying, known: Known) -> _Told:
    """A nonconformance that a recall opened is named after the instrument: its name is for the shop."""
    words = e.disposition.replace("_", " ")
    says = f"A nonconformance on job {e.job} of order {e.order} is decided: {words}"
    data: dict[str, Value] = {"order": e.order, "job": e.job, "disposition": e.disposition}
    return _Told(WORK_RELEASED, f"{e.order}/{e.job}", says, e.order, data, {"ncr": e.ncr})


def _resumed(e: ev.JobResumed, at: Saying, known: Known) -> _Told:
    says = f"Job {e.job} of order {e.order} goes on"
    return _Told(WORK_RELEASED, f"{e.order}/{e.job}", says, e.order, {"order": e.order, "job": e.job})


def _released(e: ev.OrderReleased, at: Saying, known: Known) -> _Told:
    what = "Order" if e.complete else "A part of order"
    data: dict[str, Value] = {"order": e.order, "serials": e.serials, "complete": e.complete}
    says = f"{what} {e.order} arrived as it should and is released to the work"
    return _Told(WORK_RELEASED, e.order, says, e.order, data, {"node": e.node})


def _help(e: ev.HelpCalled, at: Saying, known: Known) -> _Told:
    """For Level III. Who called, and the reason that they gave, are on the record, and leave it to nobody."""
    says = f"Level III is called to step {e.step} of job {e.job} of order {e.order}"
    inside: dict[str, Value] = {"order": e.order, "job": e.job, "step": e.step}
    return _Told(HELP_CALLED, f"{e.order}/{e.job}", says, "", {}, inside)


def _stopped(e: ev.ContractSuspended, at: Saying, known: Known) -> _Told:
    says = f"Stop-work: a contract version is suspended ({e.jobs} jobs run under it)"
    return _Told(CONTRACT_STOPPED, e.sha256[:16], says, "", {}, {"contract": e.sha256, "jobs": e.jobs})


def _goes_on(e: ev.ContractResumed, at: Saying, known: Known) -> _Told:
    says = "Stop-work is over: a contract version is resumed"
    return _Told(CONTRACT_RESUMED, e.sha256[:16], says, "", {}, {"contract": e.sha256})


def _disabled(e: ev.IdentityDisabled, at: Saying, known: Known) -> _Told:
    """Whose it is, is for those who may look it up."""
    return _Told(IDENTITY_DISABLED, "", "An identity of this shop may act no more", "", {})


def _rekeyed(e: ev.IdentityRekeyed, at: Saying, known: Known) -> _Told:
    """Whose it is, is for those who may look it up."""
    return _Told(IDENTITY_REKEYED, "", "An identity of this shop has another key", "", {})


def _rotated(e: ev.RootsRotated, at: Saying, known: Known) -> _Told:
    says = f"The roots of this shop were exchanged: version {e.version} is in force"
    return _Told(ROOTS_ROTATED, "", says, "", {}, {"version": e.version, "document": e.document})


_ROWS: Final[dict[type, Callable[[Any, Saying, Known], _Told | None]]] = {
    ev.ReportIssued: _ready,
    ev.ReviewWindowOpened: _of_report(
        REVIEW_OPENED, "Report {report} can be reviewed until {closes_at}", "opened_at", "closes_at"
    ),
    ev.ReportApproved: _of_report(REVIEW_CLOSED, "The review of report {report} is over: approved", outcome="approved"),
    ev.ReviewWindowLapsed: _lapsed,
    ev.ReportRejected: _of_report(REPORT_REJECTED, "The client rejected report {report} on order {order}"),
    ev.ComplaintOpened: _of_report(COMPLAINT_OPENED, "There is a complaint about report {report} on order {order}"),
    ev.NonconformanceOpened: _nonconforming,
    ev.JobFlagged: _flagged,
    ev.JobFailed: _failed,
    ev.ArrivalQuarantined: _quarantined,
    ev.NonconformanceDisposed: _disposed,
    ev.JobResumed: _resumed,
    ev.OrderReleased: _released,
    ev.HelpCalled: _help,
    ev.ContractSuspended: _stopped,
    ev.ContractResumed: _goes_on,
    ev.IdentityDisabled: _disabled,
    ev.IdentityRekeyed: _rekeyed,
    ev.RootsRotated: _rotated,
}
"""The events that anybody is told of."""
