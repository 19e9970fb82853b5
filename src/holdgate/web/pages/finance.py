"""Finance: what went out and why, what waits and for what. Nothing here pays or invoices: money goes out by itself, on facts."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from holdgate.law import command as c
from holdgate.law.state import OVER, Order, State
from holdgate.query.why import Why, why
from holdgate.terms import money
from holdgate.terms.limits import PAYOUTS_SHOWN_MAX
from holdgate.web.hub import stands
from holdgate.web.order_index import OrderRow, holds
from holdgate.web.page import Page, View
from holdgate.web.paging import Pager, paged
from holdgate.web.problem import Problem, missing

ROLES: Final = ("finance", "project_manager", "admin")
INVOICE: Final = "invoice"
PAYOUT: Final = "payout"
SHOWN: Final = ("waiting", "issued", "held", "all")


class Amount(Struct, frozen=True, kw_only=True):
    """An invoice or a payout. `entry`: the entry that released it (-1: it waits), `at`: when; `why`: what it waits for."""

    kind: str
    order: str
    name: str
    whom: str
    amount: str
    entry: int
    at: int
    why: str


class Line(Struct, frozen=True, kw_only=True):
    """An order's money. `issued`, `price`: amounts; `holds`: what holds the rest up."""

    id: str
    client: str
    stands: str
    price: str
    issued: str
    amounts: tuple[Amount, ...]
    holds: tuple[str, ...]


class Money(Struct, frozen=True, kw_only=True):
    """The list. `totals`: by currency, what went out and what waits; `counts`: orders by what is shown of them."""

    lines: tuple[Line, ...]
    pager: Pager
    totals: tuple[tuple[str, str], ...]
    counts: tuple[tuple[str, int], ...]
    shown: str
    asked: str


class Released(Struct, frozen=True, kw_only=True):
    """An invoice or payout that went out, and the decision that released it."""

    amount: Amount
    why: Why


class Sheet(Struct, frozen=True, kw_only=True):
    """One order's money, with the reasons."""

    order: Order
    stands: str
    price: str
    released: tuple[Released, ...]
    waiting: tuple[Amount, ...]
    holds: tuple[str, ...]


# ---- the list ------------------------------------------------------------------------------------------------------


def orders(view: View) -> Money:
    """Orders by what of their money went out (`show`), narrowed by what is searched for (`q`)."""
    asked = view.query.get("q", "").strip().lower()[:64]
    shown = view.query.get("show", "waiting")
    shown = shown if shown in SHOWN else "waiting"
    rows_by, totals = _sorted(view, asked)
    rows, pager = paged(rows_by[shown][::-1], view.query)
    return Money(
        lines=tuple(_line(view, view.face.state.orders[row.id]) for row in rows),
        pager=pager,
        totals=totals,
        counts=tuple((name, len(rows_by[name])) for name in SHOWN),
        shown=shown,
        asked=asked,
    )


def _sorted(view: View, asked: str) -> tuple[dict[str, list[OrderRow]], tuple[tuple[str, str], ...]]:
    """Staged orders by what of their money went out; and what went out and waits, by currency."""
    staged = [row for row in view.face.orders.rows().values() if row.currency and (not asked or asked in row.text)]
    waiting = [row for row in staged if row.gone < row.price]
    stopped = frozenset(record.sha256 for record in view.face.state.contracts.values() if record.suspended)
    held = [row for row in waiting if row.held or row.sha256 in stopped]
    found = {"waiting": waiting, "issued": [row for row in staged if row.gone], "held": held, "all": staged}
    out, price = defaultdict[str, int](int), defaultdict[str, int](int)
    for row in staged:
        out[row.currency] += row.gone
        price[row.currency] += row.price
    totals = [(f"Invoiced in {name}", money.show(amount, name)) for name, amount in out.items()]
    totals += [(f"Waits in {name}", money.show(price[name] - amount, name)) for name, amount in out.items()]
    return found, tuple(totals)


def _line(view: View, order: Order) -> Line:
    template = view.face.library.template(order.sha256)
    here, _ = stands(view, order)
    amounts = tuple(_amounts(view, order))
    currency = "" if template is None else template.currency
    billing = () if template is None else template.billing
    gone = sum(item.amount_minor for item in billing if f"{INVOICE}:{item.id}" in order.fired)
    return Line(
        id=order.id,
        client=order.client,
        stands=here,
        price="" if template is None else money.show(template.price_minor, currency),
        issued=money.show(gone, currency),
        amounts=amounts,
        holds=tuple(_holds(view.face.state, order)),
    )


def _holds(state: State, order: Order) -> Iterator[str]:
    """What holds an order's money up and does not end by itself."""
    record = state.contracts.get(order.sha256)
    if record is not None and record.suspended:
        yield f"stop-work on {record.contract} rev {record.version}"
    for key in order.jobs:
        job = state.jobs.get(key)
        if job is not None and job.status not in OVER:
            yield from holds(state, job)


# ---- invoices and payouts ------------------------------------------------------------------------------------------


def _amounts(view: View, order: Order) -> Iterator[Amount]:
    """Every milestone and every payout of an order, gone out or waiting."""
    template = view.face.library.template(order.sha256)
    if template is None:
        return
    for item in template.billing:
        ref = order.fired.get(f"{INVOICE}:{item.id}", -1)
        waits = _waits(view, c.IssueInvoice, order=order.id, milestone=item.id) if ref < 0 else ""
        amount = money.show(item.amount_minor, template.currency)
        yield _amount(view, INVOICE, order, item.id, order.client, amount, ref, waits)
    rules = view.face.library.payouts(template)
    for job in (job for key in order.jobs if rules and (job := view.face.state.jobs.get(key)) is not None):
        for rule in rules if job.status not in OVER else ():
            amount = money.show(rule.amount_minor, rule.currency)
            for payee in job.signers[:PAYOUTS_SHOWN_MAX]:
                ref = order.fired.get(f"{PAYOUT}:{job.id}:{rule.id}:{payee}", -1)
                named = {"order": order.id, "job": job.id, "rule": rule.id, "payee": payee}
                waits = _waits(view, c.ReleasePayout, **named) if ref < 0 else ""
                yield _amount(view, PAYOUT, order, f"{rule.id} of {job.id}", view.who(payee), amount, ref, waits)


def _amount(view: View, kind: str, order: Order, name: str, whom: str, amount: str, ref: int, waits: str) -> Amount:
    at = 0 if ref < 0 else view.face.kept(("at", str(ref)), 0, lambda: view.face.at(ref))
    return Amount(kind=kind, order=order.id, name=name, whom=whom, amount=amount, entry=ref, at=at, why=waits)


def _waits(view: View, act: type[c.Command], **fields: str) -> str:
    """What the law says to the wish to do it by hand: what is missing."""
    wish = view.offer(act, dict(fields))
    if wish is None:
        return ""
    told = [says for code, says in zip(wish.codes, wish.says, strict=False) if code.endswith("_PRECONDITION")]
    return " ".join(told or wish.says[:1])


def sheet(view: View) -> Sheet | Problem:
    """One order's money: every decision that released some of it, with the facts that it rests on."""
    order = view.face.state.orders.get(view.path["order"])
    template = None if order is None or not order.sha256 else view.face.library.template(order.sha256)
    if order is None or template is None or not view.asker.sees(order):
        return missing(f"{view.path['order'][:64]} has no money on record")
    record = view.face.record()
    amounts = [*_amounts(view, order)]
    here, _ = stands(view, order)
    gone = [amount for amount in amounts if amount.entry >= 0]
    told = {seq: why(record, seq) for seq in dict.fromkeys(amount.entry for amount in gone)}
    return Sheet(
        order=order,
        stands=here,
        price=money.show(template.price_minor, template.currency),
        released=tuple(Released(amount=amount, why=told[amount.entry]) for amount in gone),
        waiting=tuple(amount for amount in amounts if amount.entry < 0),
        holds=tuple(_holds(view.face.state, order)),
    )


FINANCE: Final = Page(
    name="finance",
    title="Finance",
    kinds=("business_hub",),
    roles=ROLES,
    model=orders,
    below=(("/{order}", "finance_order", sheet),),
)
