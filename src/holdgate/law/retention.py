"""Retention: which payloads an act names, what holds them, and until when they are kept. Pure questions to state and contracts."""

import re
from typing import Final, NamedTuple

from holdgate.crypto.commitments import references_in
from holdgate.law import command as c
from holdgate.law.library import Library
from holdgate.law.retained import LegalHold, Payload
from holdgate.law.state import OVER, State, job_key
from holdgate.terms.ids import ID_PATTERN
from holdgate.terms.instant import add_years, show

FIELDS: Final = ("evidence", "photo_digest")
"""Fields of acts that name payloads by commitment or digest, alone or in a longer text."""
KINDS: Final = ("person", "order", "job")
"""What a legal hold can be about."""
_SUBJECT: Final = re.compile(rf"(person|order):({ID_PATTERN})|(job):({ID_PATTERN})/({ID_PATTERN})")


def _fields_of(act: type[c.Command]) -> tuple[str, ...]:
    return tuple(name for name in FIELDS if name in act.__struct_fields__)


NAMING: Final[dict[type[c.Command], tuple[str, ...]]] = {
    act: fields for act in c.ACTS.values() if (fields := _fields_of(act))
} | {c.RegisterAccount: ("commitment",)}
"""Acts that name payloads, and in which fields."""


def named_in(command: c.AnyCommand) -> tuple[str, ...]:
    """The commitments and digests that an act names."""
    texts = [getattr(command, field) or "" for field in NAMING.get(type(command), ())]
    return references_in(" ".join(texts))


def read_subject(text: str) -> tuple[str, str]:
    """The kind of a subject, and the person or order that it is about; ("", "") where the text is none."""
    found = _SUBJECT.fullmatch(text)
    if found is None:
        return "", ""
    return (found[1], found[2]) if found[1] else (found[3], found[4])


def is_known(state: State, subject: str) -> bool:
    """Whether there is such a person, order or job on the record."""
    kind, about = read_subject(subject)
    if kind == "person":
        return about in state.identities
    if kind == "job":
        key = subject.removeprefix("job:")
        return key in state.jobs or key in state.closed
    return about in state.orders


def hold_on(state: State, payload: Payload) -> tuple[str, LegalHold] | None:
    """The first hold that covers a payload, and its subject.

    A hold on a job covers its whole order: jobs of one order share arrivals, sub-lots and nonconformances.
    """
    for subject, hold in state.holds.items():
        kind, about = read_subject(subject)
        if about in (payload.persons if kind == "person" else payload.orders):
            return subject, hold
    return None


def years_of(library: Library, sha256: str) -> int:
    """The longest retention that an order template, or what it names, states (calendar years; 0: none does)."""
    template = library.template(sha256)
    if template is None:
        return 0
    beside = [library.document(name) for name in (template.process, template.quality, template.pay) if name]
    return max([template.retention_years, *(document.retention_years for document in beside if document is not None)])


class Kept(NamedTuple):
    """Why a payload is kept. `until`: the instant (UTC µs) from which it may be erased; None: time alone does not tell."""

    why: str
    until: int | None


def kept_for(state: State, library: Library, payload: Payload, now: int) -> Kept | None:
    """Why retention keeps a payload at a time; None where it keeps it no longer, or what it is about has none (a person)."""
    if payload.others:
        return Kept(f"it belongs to {payload.others[0]}, for which no contract says how long", None)
    waits = [kept for order in payload.orders if (kept := _order_keeps(state, library, order, now)) is not None]
    return next(
        (kept for kept in waits if kept.until is None), max(waits, key=lambda kept: kept.until or 0, default=None)
    )


def _order_keeps(state: State, library: Library, name: str, now: int) -> Kept | None:
    order, retained = state.orders.get(name), state.retained.get(name)
    if order is None or retained is None:
        return Kept(f"order {name} is not known here, so nothing says how long", None)
    for key in order.jobs:
        job = state.jobs.get(key)
        if job is not None and job.status not in OVER and not job.qa_by:
            return Kept(f"job {job_key(name, job.id)} is not finished", None)
    years = retained.years or years_of(library, state.in_force.get(order.contract, ""))
    if not years:
        return Kept(f"no contract of order {name} states how long (retention_years)", None)
    until = add_years(retained.since, years)
    return Kept(f"order {name} is kept for {years} years, until {show(until)}", until) if now < until else None
