"""Payloads that can be erased: what names them, what holds them, how long an order's are kept, and which are gone."""

from typing import Any, Final

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.folds.step import Steps
from holdgate.law.library import Library
from holdgate.law.retained import Erasure, LegalHold, Payload, Retained
from holdgate.law.retention import KINDS, named_in, read_subject, years_of
from holdgate.law.state import State


def name(state: State, command: c.AnyCommand, events: tuple[ev.AnyEvent, ...], at: int, ref: int) -> None:
    """Note what an act names that can be erased, and which orders and people it is about.

    Args:
        state: changed in place.
        command: an act that took effect, or left facts.
        events: what it made true.
        at: when the site that decided it put it on its record (UTC µs).
        ref: the own-log entry that holds it.
    """
    for reference in named_in(command):
        payload = state.payloads.setdefault(reference, Payload())
        payload.since, payload.ref = max(payload.since, at), ref
        _about(payload, state, command, events)


def _about(payload: Payload, state: State, command: Any, events: tuple[ev.AnyEvent, ...]) -> None:
    report = state.reports.get(getattr(command, "report", ""))
    orders = [getattr(command, "order", None), None if report is None else report.order]
    orders += [getattr(event, "order", None) for event in events]
    found = tuple(order for order in orders if order)
    person = getattr(command, "person", getattr(command, "owner", None))
    payload.orders = tuple(dict.fromkeys((*payload.orders, *found)))
    if person is not None:
        payload.persons = tuple(dict.fromkeys((*payload.persons, person)))
    if not found and person is None:
        payload.others = tuple(dict.fromkeys((*payload.others, c.subject_of(command))))


def retain(state: State, library: Library, event: Any, at: int) -> None:
    """Note that something is on record of an order, and how long the contracts keep evidence that it is worked under."""
    order = getattr(event, "order", "")
    if not order:
        return
    kept = state.retained.get(order)
    if kept is None:
        kept = state.retained[order] = Retained()
    kept.since = max(kept.since, at)
    version = _VERSIONS.get(type(event))
    sha256 = "" if version is None else getattr(event, version)
    if sha256:
        kept.years = max(kept.years, years_of(library, sha256))


_VERSIONS: Final[dict[type[ev.Event], str]] = {
    ev.OrderStaged: "sha256",
    ev.JobStarted: "sha256",
    ev.StepStarted: "contract",
}
"""Events that say which contract version work is done under, and the field that does."""


def _kept(state: State, _: Library, e: ev.PayloadKept, at: int, ref: int) -> None:
    payload = state.payloads.setdefault(e.commitment, Payload())
    payload.kind, payload.since, payload.ref = e.kind, max(payload.since, at), ref
    kind, about = read_subject(e.subject)
    if kind == "person":
        payload.persons = tuple(dict.fromkeys((*payload.persons, about)))
    elif kind in KINDS:
        payload.orders = tuple(dict.fromkeys((*payload.orders, about)))


def _erased(state: State, _: Library, e: ev.PayloadErased, at: int, ref: int) -> None:
    payload = state.payloads.setdefault(e.commitment, Payload())
    payload.erased = Erasure(at=at, by=e.by, approved_by=e.approved_by, reason=e.reason, ref=ref)


def _placed(state: State, _: Library, e: ev.HoldPlaced, at: int, ref: int) -> None:
    state.holds[e.subject] = LegalHold(by=e.by, at=at, reason=e.reason, ref=ref)


def _lifted(state: State, _: Library, e: ev.HoldLifted, at: int, ref: int) -> None:
    state.holds.pop(e.subject, None)


STEPS: Final[Steps] = {
    ev.PayloadKept: _kept,
    ev.PayloadErased: _erased,
    ev.HoldPlaced: _placed,
    ev.HoldLifted: _lifted,
}
