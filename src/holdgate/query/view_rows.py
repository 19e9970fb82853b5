"""From one entry to the rows of `view_tables`: a pure function of its bytes."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from holdgate.crypto.hashes import leaf_hash
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.ledger.note import parse_checkpoint, read_note
from holdgate.query.record import Said, said
from holdgate.query.view_tables import Row, Value
from holdgate.terms import canon
from holdgate.terms.instant import SECOND_US

_COSIGNATURE_BYTES: Final = 72
"""A cosignature line: eight bytes of time, then an Ed25519 signature."""
_DECIMAL: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")


class _Context(NamedTuple):
    """What an event's row may need of its entry."""

    command: c.AnyCommand | None
    actor: str


def rows_of(origin: str, body: bytes) -> Iterator[tuple[str, Row]]:
    """The rows of one entry, each with its table's name.

    Raises:
        Malformed: it cannot be read.
    """
    entry = said(body)
    command = entry.command
    at = entry.entry.at
    yield "entries", _entry(origin, body, entry, command)
    place: dict[str, Value] = {"origin": origin, "seq": entry.place.seq}
    for n, denial in enumerate(entry.decision.denials):
        yield "denials", {**place, "n": n, "code": denial.code, "gate": denial.gate}
    for n, signer in enumerate(() if command is None else command.signers):
        yield (
            "signatures",
            {
                **_fact(place, n, at),
                "signer": signer.id,
                "role": signer.role,
                "meaning": signer.meaning,
                "kind": signer.kind,
                "claimed_at": None if command is None else command.at,
                "place": None if command is None else command.place,
                "act": _act(command),
                "verdict": entry.decision.verdict,
            },
        )
    context = _Context(command, "" if command is None or not command.signers else command.signers[0].id)
    for n, event in enumerate(entry.decision.events):
        made = _EVENTS.get(type(event))
        if made is not None:
            table, row = made(event, context)
            yield table, {**_fact(place, n, at), **row}


def checkpoint_rows(origin: str, note: bytes) -> Iterator[tuple[str, Row]]:
    """The rows of a log's newest cosigned checkpoint.

    Raises:
        Malformed: it is none.
    """
    checkpoint = parse_checkpoint(note)
    for n, line in enumerate(read_note(note)[1]):
        cosigned = len(line.body) == _COSIGNATURE_BYTES
        yield (
            "checkpoints",
            {
                "origin": origin,
                "n": n,
                "size": checkpoint.size,
                "root": checkpoint.root.hex(),
                "signer": line.name,
                "witnessed_at": int.from_bytes(line.body[:8], "big") * SECOND_US if cosigned else None,
            },
        )


def _fact(place: dict[str, Value], n: int, at: int) -> dict[str, Value]:
    return {**place, "n": n, "at": at, "at_us": at}


def _act(command: c.AnyCommand | None) -> str | None:
    return None if command is None else str(type(command).__struct_config__.tag)


def _entry(origin: str, body: bytes, entry: Said, command: c.AnyCommand | None) -> Row:
    found, told = entry.entry, entry.entry.kind != "attempt"  # an attempt names the address that it came from
    return {
        "origin": origin,
        "seq": found.seq,
        "site": found.site,
        "at": found.at,
        "at_us": found.at,
        "kind": found.kind,
        "act": _act(command),
        "subject": found.subject if told else None,
        "module": found.source.module if told else None,
        "contract": found.law.contract,
        "contract_version": found.law.version,
        "verdict": entry.decision.verdict,
        "leaf": leaf_hash(body).hex(),
        "prev": found.prev or None,
    }


def _array(items: tuple[str, ...]) -> str:
    return canon.encode(items).decode()


# ---- orders ------------------------------------------------------------------------------------------------------------

_Made = tuple[str, dict[str, Value]]


def _accepted(e: ev.TermsAccepted, x: _Context) -> _Made:
    terms = x.command.terms if isinstance(x.command, c.AcceptTerms) else None
    price: dict[str, Value] = {} if terms is None else {"price_minor": terms.price_minor, "currency": terms.currency}
    return "order_events", {"order_id": e.order, "what": "accepted", "client": e.org, **price}


def _staged(e: ev.OrderStaged, x: _Context) -> _Made:
    return "order_events", {
        "order_id": e.order,
        "what": "amended" if e.amendment else "staged",
        "node": e.node,
        "client": e.client,
        "part_no": e.part_no,
        "rev": e.rev,
        "parts": len(e.serials),
        "contract": e.contract,
        "version": e.version,
        "due_at": e.delivery_due,
    }


def _at_gate(e: ev.SlipStaged, x: _Context) -> _Made:
    row: dict[str, Value] = {"order_id": e.order, "what": "at_gate", "node": e.node, "part_no": e.part_no, "rev": e.rev}
    return "order_events", {**row, "parts": len(e.serials)}


def _received(e: ev.OrderReceived, x: _Context) -> _Made:
    row: dict[str, Value] = {"order_id": e.order, "what": "received", "client": e.client, "part_no": e.part_no}
    return "order_events", {**row, "rev": e.rev, "parts": len(e.serials)}


def _order(what: str, *fields: str) -> Callable[[Any, _Context], _Made]:
    """A row of order_events with these fields of the event."""

    def made(e: Any, x: _Context) -> _Made:
        return "order_events", {"order_id": e.order, "what": what, **{name: getattr(e, name) for name in fields}}

    return made


def _arrival(what: str) -> Callable[[Any, _Context], _Made]:
    def made(e: Any, x: _Context) -> _Made:
        late = getattr(e, "late", None)
        return "arrivals", {
            "order_id": e.order,
            "what": what,
            "evidence": getattr(e, "evidence", None),
            "parts": len(e.serials),
            "serials": _array(e.serials),
            "late": getattr(e, "buffered", None) if late is None else late,
            "reader": x.actor or None,
        }

    return made


def _released(e: ev.OrderReleased, x: _Context) -> _Made:
    row: dict[str, Value] = {"order_id": e.order, "node": e.node, "parts": len(e.serials)}
    return "releases", {**row, "serials": _array(e.serials), "complete": e.complete}


# ---- jobs --------------------------------------------------------------------------------------------------------------


def _job(what: str, result: str = "", detail: str = "") -> Callable[[Any, _Context], _Made]:
    """A row of job_events; `result`, `detail`: the event's fields that go there."""

    def made(e: Any, x: _Context) -> _Made:
        return "job_events", {
            "order_id": e.order,
            "job": e.job,
            "step": getattr(e, "step", None) or None,
            "what": what,
            "by_whom": getattr(e, "by", None) or x.actor or None,
            "result": getattr(e, result) if result else None,
            "detail": getattr(e, detail) if detail else None,
        }

    return made


def _signed(e: ev.StepSigned, x: _Context) -> _Made:
    return _job("step_completed" if e.complete else "step_signed", "result")(e, x)


def _number(value: str) -> str | None:
    return value if _DECIMAL.fullmatch(value) else None


def _reading(e: ev.ReadingRecorded | ev.ReadingCorrected, x: _Context) -> _Made:
    row: dict[str, Value] = {
        "order_id": e.order,
        "job": e.job,
        "step": e.step,
        "characteristic": e.characteristic,
        "serial": e.serial,
        "value": e.value,
        "number": _number(e.value),
        "conforms": e.conforms,
    }
    if isinstance(e, ev.ReadingCorrected):
        return "readings", {**row, "corrects": e.old_value}
    more: dict[str, Value] = {"unit": e.unit, "instrument": e.instrument or getattr(x.command, "instrument", None)}
    return "readings", {**row, **more, "acceptance": e.acceptance, "late": e.late, "observed_at": e.observed_at}


# ---- reports, money, equipment -------------------------------------------------------------------------------------------


def _report(what: str, *fields: str) -> Callable[[Any, _Context], _Made]:
    def made(e: Any, x: _Context) -> _Made:
        by = getattr(e, "by", None) or x.actor or None
        row: dict[str, Value] = {"report": e.report, "what": what, "by_whom": by}
        return "report_events", {**row, **{name: getattr(e, name) for name in fields}}

    return made


def _issued(e: ev.ReportIssued, x: _Context) -> _Made:
    table, row = _report("issued", "job", "digest", "nonconforming")(e, x)
    return table, {**row, "order_id": e.order, "replaces": e.replaces or None}


def _invoice(e: ev.InvoiceIssued, x: _Context) -> _Made:
    row: dict[str, Value] = {"order_id": e.order, "milestone": e.milestone, "amount_minor": e.amount_minor}
    return "invoices", {**row, "currency": e.currency}


def _payout(e: ev.PayoutReleased, x: _Context) -> _Made:
    row: dict[str, Value] = {"order_id": e.order, "job": e.job, "rule": e.rule, "payee": e.payee}
    return "payouts", {**row, "amount_minor": e.amount_minor, "currency": e.currency}


def _equipment(name: str, what: str, **more: Value) -> _Made:
    return "equipment_events", {"equipment": name, "what": what, **more}


def _registered(e: ev.EquipmentRegistered, x: _Context) -> _Made:
    dates: dict[str, Value] = {"cal_from": e.cal_from, "cal_until": e.cal_until, "cal_until_us": e.cal_until}
    return _equipment(e.id, "registered", equipment_class=e.equipment_class, in_service=e.in_service, **dates)


def _calibrated(e: ev.EquipmentCalibrated, x: _Context) -> _Made:
    dates: dict[str, Value] = {"cal_from": e.cal_from, "cal_until": e.cal_until, "cal_until_us": e.cal_until}
    more: dict[str, Value] = {"result": e.as_found, "in_service": True, "certificate": e.certificate}
    return _equipment(e.equipment, "calibrated", **more, **dates)


def _withdrawn(e: ev.EquipmentWithdrawn, x: _Context) -> _Made:
    return _equipment(e.equipment, "withdrawn", result=e.as_found or None, in_service=False)


def _checked(e: ev.EquipmentChecked, x: _Context) -> _Made:
    return _equipment(e.equipment, "checked", result=e.result, in_service=None if e.result == "pass" else False)


def _cosigned(e: ev.Cosigned, x: _Context) -> _Made:
    return "cosignatures", {"witness": e.witness, "size": e.size, "witnessed_at": e.witnessed_at}


_EVENTS: Final[dict[type, Callable[[Any, _Context], _Made]]] = {
    ev.TermsAccepted: _accepted,
    ev.OrderReviewed: _order("reviewed"),
    ev.OrderStaged: _staged,
    ev.SlipStaged: _at_gate,
    ev.OrderReceived: _received,
    ev.ForwardAcknowledged: _order("acknowledged", "node"),
    ev.DeliveryClosed: _order("delivery_closed", "in_time"),
    ev.ArrivalRecorded: _arrival("recorded"),
    ev.ArrivalKept: _arrival("kept"),
    ev.ArrivalQuarantined: _arrival("quarantined"),
    ev.ArrivalVoided: _arrival("voided"),
    ev.OrderReleased: _released,
    ev.JobStarted: _job("started", detail="sha256"),
    ev.JobSplit: _job("split"),
    ev.JobAssigned: _job("assigned", detail="technician"),
    ev.StepStarted: _job("step_started"),
    ev.StepSigned: _signed,
    ev.StepRestarted: _job("step_restarted"),
    ev.RetestAuthorised: _job("retest_authorised", detail="cause"),
    ev.PrechecksCompleted: _job("prechecks_completed"),
    ev.HoldReleased: _job("hold_released"),
    ev.WitnessNotified: _job("witness_notified"),
    ev.HelpCalled: _job("help_called"),
    ev.NonconformanceOpened: _job("ncr_opened", detail="ncr"),
    ev.NonconformanceDisposed: _job("ncr_disposed", "disposition", "ncr"),
    ev.JobFlagged: _job("flagged", detail="ncr"),
    ev.DeviationAuthorised: _job("deviation_authorised", detail="deviation"),
    ev.JobReprocessed: _job("reprocessed"),
    ev.JobFailed: _job("failed"),
    ev.JobResumed: _job("resumed"),
    ev.JobTerminated: _job("terminated"),
    ev.QaAccepted: _job("qa_accepted"),
    ev.ComplianceAccepted: _job("compliance_accepted"),
    ev.ReadingRecorded: _reading,
    ev.ReadingCorrected: _reading,
    ev.ReportIssued: _issued,
    ev.ReviewWindowOpened: _report("window_opened", "closes_at"),
    ev.ReportApproved: _report("approved"),
    ev.ReportRejected: _report("rejected"),
    ev.ReviewWindowLapsed: _report("lapsed", "outcome"),
    ev.ComplaintOpened: _report("complaint"),
    ev.InvoiceIssued: _invoice,
    ev.PayoutReleased: _payout,
    ev.EquipmentRegistered: _registered,
    ev.EquipmentCalibrated: _calibrated,
    ev.EquipmentWithdrawn: _withdrawn,
    ev.EquipmentChecked: _checked,
    ev.Cosigned: _cosigned,
}
"""The events that become rows. The others (rosters with names in them, environment logs, permits …) do not."""
