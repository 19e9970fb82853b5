"""Drafts of orders: what buyers sent or somebody typed, each with its contract-review checklist and the acts that stage it.

What is staged is what was reviewed: the act holds the draft's own values, and they are changed in the draft, where the checklist
looks at them again.
"""

from typing import Any, Final

from msgspec import Struct

from holdgate.law import command as c
from holdgate.law.state import Order
from holdgate.query.order_draft import OrderDraft, Prepared
from holdgate.query.order_fields import FIELDS, Field
from holdgate.query.order_look import PROPOSED
from holdgate.terms.limits import ORDER_DRAFTS_MAX
from holdgate.web.api.order_drafts import NO_DRAFT, DraftRow, drafted, rows_of
from holdgate.web.drawer import KEPT_S, KeptDraft
from holdgate.web.order_wishes import review_wish, terms_link
from holdgate.web.page import View
from holdgate.web.paging import Pager, paged
from holdgate.web.problem import Problem, missing
from holdgate.web.wish import Wish
from holdgate.web.words import label

_FIRST: Final = ("po", "line", "client", "part_no", "rev", "quantity", "serials", "contract", "delivery_due")
"""Fields that are asked for before all others."""


class Entry(Struct, frozen=True, kw_only=True):
    """A field of the form with what stands in it."""

    field: Field
    value: str


class Drafts(Struct, frozen=True, kw_only=True):
    """What lies in the drawer. `first`, `rest`: fields of an empty form; `most`: drafts at once; `days`: how long they lie."""

    rows: tuple[DraftRow, ...]
    pager: Pager
    first: tuple[Entry, ...]
    rest: tuple[Entry, ...]
    most: int
    days: int


class DraftSheet(Struct, frozen=True, kw_only=True):
    """One draft.

    `staged`: the order is on the record already, staged. `link`: where the client signs the terms ("": they did, or something stops
    it); `signed`: who signed them; `says`: what the act of staging will say, in words.
    """

    kept: KeptDraft
    draft: OrderDraft
    entries: tuple[Entry, ...]
    staged: bool
    link: str
    signed: tuple[str, ...]
    review: Wish | None
    stage: Wish | None
    says: tuple[tuple[str, Any], ...]


def drafts(view: View) -> Drafts:
    """Every draft, the newest first."""
    kept, pager = paged(view.face.drawer.all(view.asker.now), view.query)
    empty = {field.name: Entry(field=field, value="") for field in FIELDS}
    return Drafts(
        rows=tuple(rows_of(view.face, view.asker.now, kept)),
        pager=pager,
        first=tuple(empty[name] for name in _FIRST),
        rest=tuple(entry for name, entry in empty.items() if name not in _FIRST),
        most=ORDER_DRAFTS_MAX,
        days=KEPT_S // 86_400,
    )


def draft(view: View) -> DraftSheet | Problem:
    """One draft with its checklist, as the shop stands now."""
    kept = view.face.drawer.get(view.path["draft"], view.asker.now)
    if kept is None:
        return missing(NO_DRAFT)
    found = drafted(kept, view.face, view.asker.now)
    order = view.face.state.orders.get(found.order)
    acts = {act.act: act for act in found.acts}
    stage = acts.get("po.stage")
    record = None if found.contract is None else view.face.state.contracts.get(found.contract.sha256)
    signed = _signed(view, order, found)
    return DraftSheet(
        kept=kept,
        draft=found,
        entries=tuple(Entry(field=field, value=found.cells.get(field.name, "")) for field in FIELDS),
        staged=order is not None and order.status != PROPOSED,
        link=terms_link(view, found.order, record) if stage is not None and record is not None and not signed else "",
        signed=signed,
        review=None if stage is None else review_wish(view, found.order, order, kept.file),
        stage=None if stage is None else view.offer(c.StageOrder, dict(stage.fields)),
        says=() if stage is None else tuple(_says(stage)),
    )


def _signed(view: View, order: Order | None, found: OrderDraft) -> tuple[str, ...]:
    if order is None or found.contract is None:
        return ()
    mine = (said for said in order.acceptances if said.sha256 == found.contract.sha256 and said.org == found.client)
    return tuple(view.who(said.by) for said in mine)


def _says(stage: Prepared) -> list[tuple[str, Any]]:
    return [
        (label(name), ", ".join(value) if isinstance(value, tuple) else value) for name, value in stage.fields.items()
    ]
