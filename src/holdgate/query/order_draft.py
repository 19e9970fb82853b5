"""An order in the making: what a purchase order says, the contract review's checklist, and the acts that would stage it.

A draft stages nothing and is no record. It prepares the acts that people then sign, as po.accept, po.review and po.stage have
them, and only where nothing of the checklist stops it: a review that is signed says that requirements are understood, so an order
with an open question gets no review to sign. What the acts do not carry (material, heat, export class, notes) stands in the order's
paper, whose digest the review signs.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from holdgate.law import command as c
from holdgate.query.order_fields import OrderLine, Unmapped
from holdgate.query.order_look import PURCHASE_ORDER, Desk, Item, Look, look_at
from holdgate.query.order_terms import CHECKS
from holdgate.terms.limits import ORDER_ANSWER_CHARS_MAX


class Noted(Struct, frozen=True, kw_only=True):
    """A client's answer. `question`: what the checklist said when it was noted."""

    question: str
    answer: str


class Agreed(Struct, frozen=True, kw_only=True):
    """The contract version that a draft is under. `sha256`: what the client's signature will cover."""

    sha256: str
    contract: str
    version: str
    title: str
    price_minor: int
    currency: str


class Prepared(Struct, frozen=True, kw_only=True):
    """An act with all its fields, to be signed by somebody in one of these roles."""

    act: str
    roles: tuple[str, ...]
    fields: dict[str, Any]


class OrderDraft(Struct, frozen=True, kw_only=True):
    """A draft of an order. `order`: its number here; `client`: as it is called here; `file`: SHA-256 of its paper ("": none).

    `acts`: none while something stops it; `unmapped`: what its file says beyond the fields.
    """

    order: str
    client: str
    cells: dict[str, str]
    file: str
    items: tuple[Item, ...]
    contract: Agreed | None
    acts: tuple[Prepared, ...]
    unmapped: tuple[Unmapped, ...] = ()

    @property
    def stops(self) -> tuple[Item, ...]:
        """What staging waits for."""
        return tuple(item for item in self.items if item.stops)


def order_draft(line: OrderLine, desk: Desk, file: str = "", answers: Mapping[str, Noted] | None = None) -> OrderDraft:
    """The draft that a line makes.

    Args:
        line: as it was read.
        desk: the business hub's state and documents, and the time.
        file: SHA-256 of the paper that the line came in ("": none).
        answers: by item, what the client answered to which question; it settles that question and no other.
    """
    look = look_at(line, desk)
    said = answers or {}
    items = tuple(_settled(item, said.get(item.name)) for check in CHECKS for item in check(look))
    open_ = any(item.stops for item in items)
    return OrderDraft(
        order=look.order,
        client=look.client,
        cells=line.cells,
        file=file,
        items=items,
        contract=_agreed(look),
        acts=() if open_ else tuple(_acts(look, file)),
        unmapped=line.unmapped,
    )


def _settled(item: Item, noted: Noted | None) -> Item:
    """Settled, if this very question was answered: other values of the line, or of the shop, ask anew."""
    if noted is None or not item.answerable or noted.question != item.says:
        return item
    return replace(item, stops=False, answer=noted.answer[:ORDER_ANSWER_CHARS_MAX])


def _agreed(look: Look) -> Agreed | None:
    record, template = look.record, look.template
    if record is None or template is None:
        return None
    return Agreed(
        sha256=record.sha256,
        contract=record.contract,
        version=record.version,
        title=template.title,
        price_minor=template.price_minor,
        currency=template.currency,
    )


def _acts(look: Look, file: str) -> list[Prepared]:
    """The acts, in the order in which they are signed: terms or a review of the paper, then staging."""
    record, template = look.record, look.template
    if record is None or template is None:
        return []
    named = {"order": look.order, "contract": record.contract, "version": record.version}
    terms = c.Terms(
        price_minor=template.price_minor,
        currency=template.currency,
        milestones=tuple(c.Milestone(id=item.id, amount_minor=item.amount_minor) for item in template.billing),
        client_window_s=template.client_window_s,
        on_silence=template.on_silence,
    )
    accept = Prepared(act="po.accept", roles=("client",), fields={**named, "terms": _plain(terms)})
    review = Prepared(
        act="po.review", roles=("project_manager", "qa"), fields={"order": look.order, "document_digest": file}
    )
    own = (PURCHASE_ORDER,) if PURCHASE_ORDER in template.documents else ()
    stage: dict[str, Any] = {
        **named,
        "node": look.node,
        "client": look.client,
        "part_no": look.says("part_no"),
        "rev": look.says("rev"),
        "serials": look.line.serials,
        "documents": tuple(dict.fromkeys((*own, *look.line.documents))),
    }
    if look.line.delivery_at is not None:
        stage["delivery_due"] = look.line.delivery_at
    return [accept, *((review,) if file else ()), Prepared(act="po.stage", roles=("project_manager",), fields=stage)]


def _plain(terms: c.Terms) -> dict[str, Any]:
    return {**asdict(terms), "milestones": [asdict(milestone) for milestone in terms.milestones]}
