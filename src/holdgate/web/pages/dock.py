"""Dock: one scan, one word. Under it the orders that wait for parts, the longest wait first."""

from typing import Final

from msgspec import Struct

from holdgate.law import command as c
from holdgate.law.state import StagedSlip
from holdgate.web.page import Page, View
from holdgate.web.wish import Wish, blank, co_signed

SHOWN: Final = 100
"""Orders of a list that are shown; of the rest the number."""
BAR_WIDTH: Final = 160


class Row(Struct, frozen=True, kw_only=True):
    """An order at the gate. `bar`: its dwell as a width, the longest one's being BAR_WIDTH."""

    order: str
    node: str
    part: str
    state: str
    here: tuple[str, ...]
    missing: tuple[str, ...]
    staged_at: int
    bar: int
    late: bool


class Gate(Struct, frozen=True, kw_only=True):
    """The gate as it stands. `more`: orders that wait and are not shown."""

    waiting: tuple[Row, ...]
    more: int
    gone: tuple[Row, ...]
    attest: Wish | None
    void: Wish | None


def gate(view: View) -> Gate:
    """The orders at the gate, and the two acts of people there."""
    state, now = view.face.state, view.asker.now
    waits = sorted(
        (s for s in state.slips.values() if s.state in ("held", "partial")), key=lambda s: (s.staged_at, s.order)
    )
    gone = sorted((s for s in state.slips.values() if s.state not in ("held", "partial")), key=lambda s: -s.staged_at)
    longest = max((now - slip.staged_at for slip in waits[:SHOWN]), default=0) or 1
    person = view.asker.person
    receives = person is not None and "receiving" in person.roles
    second = next(
        (i for i in state.identities.values() if receives and "qa" in i.roles and i.disabled_at is None), None
    )
    attest = None
    if second is not None:
        attest = co_signed(state, blank(state, c.AttestArrival, "receiving"), ((second.id, "qa"),))
    return Gate(
        waiting=tuple(_row(slip, now, longest) for slip in waits[:SHOWN]),
        more=max(len(waits) - SHOWN, 0),
        gone=tuple(_row(slip, now, longest) for slip in gone[:10]),
        attest=attest,
        void=blank(state, c.VoidArrival, person.roles[0]) if receives and person is not None else None,
    )


def _row(slip: StagedSlip, now: int, longest: int) -> Row:
    here = (*slip.arrived, *slip.released)
    return Row(
        order=slip.order,
        node=slip.node,
        part=f"{slip.part_no} rev {slip.rev}",
        state=slip.state,
        here=tuple(dict.fromkeys(here)),
        missing=tuple(serial for serial in slip.serials if serial not in here),
        staged_at=slip.staged_at,
        bar=max(min((now - slip.staged_at) * BAR_WIDTH // longest, BAR_WIDTH), 1),
        late=slip.late,
    )


DOCK: Final = Page(
    name="dock",
    title="Dock",
    kinds=("floor_hub",),
    roles=("receiving", "workstation", "project_manager", "qa", "admin"),
    model=gate,
    gloves=True,
)
