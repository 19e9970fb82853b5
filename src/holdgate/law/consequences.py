"""Consequences: what follows from an entry, is no act of anybody, and is told to other sites one by one.

Most of what follows by itself stands in the entry that it follows from. What a node must learn, but only the node that it
concerns, gets an entry of its own right after that one (kind `consequence`): a log tells entries, never parts of them.
What is still owed is part of the standing, so that a crash in between loses nothing and an auditor sees what is missing.
Source: docs/decisions/0017-consequences-that-are-told.md.
"""

from msgspec import Struct

from holdgate.law import event as ev
from holdgate.law.state import job_key
from holdgate.terms.errors import InvariantBroken


class Owed(Struct, frozen=True, kw_only=True):
    """Something that follows from entry `of` and still gets an entry of its own."""

    of: int
    event: ev.AnyEvent


class ConsequenceRecord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The record of something that follows from entry `of`."""

    of: int


def about(event: ev.AnyEvent) -> str:
    """The subject of a consequence: the job or the equipment that it is about.

    Raises:
        InvariantBroken: it is none of those that have entries of their own.
    """
    if isinstance(event, ev.JobFlagged):
        return job_key(event.order, event.job)
    if isinstance(event, ev.EquipmentWithdrawn):
        return f"equipment:{event.equipment}"
    raise InvariantBroken(f"{type(event).__name__} is no consequence that has an entry of its own")
