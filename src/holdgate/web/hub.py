"""What the business hub's pages have in common: a job's record and an order's timeline, as they are read from the log."""

from holdgate.law.state import Job, Order
from holdgate.law.technique import Operation
from holdgate.query.job_record import JobRecord, job_record
from holdgate.query.record import spoken
from holdgate.query.stages import since, stage
from holdgate.query.timeline import Told, tell
from holdgate.web.page import View
from holdgate.web.wish import Wish

_PERSONAL = ("ROLE_NOT_AUTHORISED", "CLIENT_ROLE_REQUIRED", "NOT_YOUR_ORDER", "SELF_APPROVAL")
"""Codes about who asks, not about what is asked for."""


def record_of(view: View, job: Job) -> JobRecord | None:
    """The record of a job; None where its technique is not held here."""
    face = view.face
    technique = face.library.technique(job.technique)
    if technique is None:
        return None
    places = face.chronicle_of(job.order)

    def read() -> JobRecord:
        return job_record(spoken(face.record(), places), job.id, technique)

    return face.kept(("record", job.order, job.id), len(places), read)


def timeline_of(view: View, order: str, job: str = "") -> list[Told]:
    """The timeline of an order, or of one of its jobs, the newest line first; for the shop's own people."""
    face = view.face
    places = face.chronicle_of(order)
    return face.kept(("timeline", order, job), len(places), lambda: [*tell(face.record(), places, job)][::-1])


def stands(view: View, order: Order) -> tuple[str, int]:
    """Where an order stands, and since when (UTC µs; 0: that is not known)."""
    face = view.face
    here = stage(face.state, face.library, order)
    at, seq = since(face.state, order, here)
    if not at and seq >= 0:
        at = face.kept(("at", str(seq)), 0, lambda: face.at(seq))
    return here, at


def limits_of(op: Operation, characteristic: str) -> str:
    """The limits of one of an op's characteristics, for a person: `50 to 100 degF`, `at most 160 degF`."""
    measure = op.measures.get(characteristic)
    if measure is None:
        return ""
    if measure.equals is not None:
        return f"{measure.equals:f} {measure.unit}"
    if measure.low is not None and measure.high is not None:
        return f"{measure.low:f} to {measure.high:f} {measure.unit}"
    if measure.low is not None:
        return f"at least {measure.low:f} {measure.unit}"
    return "" if measure.high is None else f"at most {measure.high:f} {measure.unit}"


def not_yet(wish: Wish | None) -> str:
    """Why something cannot be done yet, in one line; "": it can, or the reason is only who asks."""
    if wish is None or wish.allowed:
        return ""
    told = [says for code, says in zip(wish.codes, wish.says, strict=False) if code not in _PERSONAL]
    return " ".join(told[:2])


def somebody(view: View, *roles: str) -> tuple[tuple[str, str], ...]:
    """Somebody else who could co-sign in one of these roles, or nobody."""
    me = "" if view.asker.person is None else view.asker.person.id
    for identity in view.face.state.identities.values():
        held = next((role for role in roles if role in identity.roles), None)
        if held and identity.kind == "person" and identity.id != me and identity.disabled_at is None:
            return ((identity.id, held),)
    return ()
