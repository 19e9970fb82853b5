"""Books, its outgoing side: payouts, the payment runs that order them from the bank, and what the bank said."""

from typing import Any, Final

from msgspec import Struct

from holdgate.law import command as c
from holdgate.law.candidate import STAND_IN
from holdgate.law.gates.money import TREASURERS
from holdgate.law.money import Payable, Run
from holdgate.query.why import Why, why
from holdgate.terms import money
from holdgate.terms.limits import RUN_PAYOUTS_MAX
from holdgate.web.bills import PayoutRow, payable_now, payout_row
from holdgate.web.hub import somebody
from holdgate.web.page import View
from holdgate.web.paging import Pager, paged
from holdgate.web.problem import Problem, missing
from holdgate.web.show import dates
from holdgate.web.waiting import PaperLine, papers_of
from holdgate.web.wish import Choices, Wish, with_asks

SHOWN: Final = ("all", "due", "ordered", "paid", "failed", "reversed")
CHOOSABLE: Final = 25
"""Payouts that one form offers to be ordered; the oldest."""


class Order(Struct, frozen=True, kw_only=True):
    """What could be ordered from the bank in one currency. `left_out`: what the form does not offer, and why."""

    currency: str
    wish: Wish | None
    left_out: tuple[str, ...]


class Payouts(Struct, frozen=True, kw_only=True):
    """The list, and what could be ordered now."""

    rows: tuple[PayoutRow, ...]
    pager: Pager
    shown: str
    choices: tuple[str, ...]
    asked: str
    orders: tuple[Order, ...]
    papers: tuple[PaperLine, ...]


class Payout(Struct, frozen=True, kw_only=True):
    """One payout, the decision that released it, and how it is taken back."""

    row: PayoutRow
    why: Why
    reverse: Wish | None
    papers: tuple[PaperLine, ...]


class RunRow(Struct, frozen=True, kw_only=True):
    """A payment run. `stands`: its payouts by how they stand now, in words."""

    name: str
    at: int
    pay_on: str
    payouts: int
    amount: str
    stands: str
    entry: int


class Runs(Struct, frozen=True, kw_only=True):
    """Payment runs, the newest first."""

    rows: tuple[RunRow, ...]
    pager: Pager


class RunSheet(Struct, frozen=True, kw_only=True):
    """One payment run with its payouts."""

    row: RunRow
    payouts: tuple[PayoutRow, ...]
    pager: Pager


# ---- payouts -------------------------------------------------------------------------------------------------------


def payouts(view: View) -> Payouts:
    """Payouts, the newest first (`show`, `q`), and the form that orders those that are due."""
    asked = view.query.get("q", "").strip().lower()[:64]
    shown = view.query.get("show", "all")
    shown = shown if shown in SHOWN else "all"
    every = view.face.state.money.payables.values()
    found = [one for one in every if shown in ("all", one.status)] if shown != "all" else [*every]
    if asked:
        found = [one for one in found if asked in f"{one.number}\n{one.order}\n{one.payee}\n{one.run}".lower()]
    rows, pager = paged(found[::-1], view.query)
    return Payouts(
        rows=tuple(payout_row(view, one) for one in rows),
        pager=pager,
        shown=shown,
        choices=SHOWN,
        asked=asked,
        orders=orders(view),
        papers=papers_of(view),
    )


def orders(view: View) -> tuple[Order, ...]:
    """For each currency the form that orders what is due; nothing for whoever may not order."""
    if not view.asker.holds("finance"):
        return ()
    due: dict[str, list[Payable]] = {}
    for one in payable_now(view):
        due.setdefault(one.currency, []).append(one)
    return tuple(_order(view, currency, found) for currency, found in sorted(due.items()))


def _order(view: View, currency: str, due: list[Payable]) -> Order:
    me = "" if view.asker.person is None else view.asker.person.id
    accounts = view.face.state.money.accounts
    fitting = [one for one in due if one.payee != me and one.payee in accounts]
    offered = fitting[: min(CHOOSABLE, RUN_PAYOUTS_MAX)]
    own = sum(one.payee == me for one in due)
    without = dict.fromkeys(one.payee for one in due if one.payee not in accounts)
    left_out = [
        f"No account of {view.who(payee)} is on record; they register it under My account." for payee in without
    ]
    if own:
        left_out.append(f"{own} of them {'is' if own == 1 else 'are'} paid to you: somebody else orders that.")
    if len(fitting) > len(offered):
        left_out.append(f"{len(fitting) - len(offered)} more are due; order them in another run.")
    wish = _run_wish(view, currency, offered) if offered else None
    return Order(currency=currency, wish=wish, left_out=tuple(left_out))


def _run_wish(view: View, currency: str, offered: list[Payable]) -> Wish | None:
    numbers = tuple(one.number for one in offered)
    today = dates(view.face.zone)(view.asker.now)
    run = f"RUN-{len(view.face.state.money.runs) + 1}"
    fields: dict[str, Any] = {"run": run, "payouts": numbers, "currency": currency, "pay_on": today}
    wish = view.offer(c.RunPayments, fields, ("payouts", "pay_on"))
    if wish is not None and "CONSENT_MISSING" in wish.codes:
        wish = view.offer(c.RunPayments, fields, ("payouts", "pay_on"), somebody(view, *TREASURERS))
    rows = tuple(
        (one.number, f"{one.number}: {money.show(one.amount_minor, currency)} to {view.who(one.payee)}")
        for one in offered
    )
    return None if wish is None else with_asks(wish, payouts=Choices(rows, numbers), pay_on=today)


def payout(view: View) -> Payout | Problem:
    """One payout."""
    one = view.face.state.money.payables.get(view.path["number"])
    if one is None:
        return missing("there is no payout of this number on the books")
    reverse = None
    if one.status in ("due", "failed", "paid"):
        fields = {"payout": one.number, "reason": STAND_IN}
        reverse = view.offer(c.ReversePayout, fields, ("reason",), somebody(view, *TREASURERS))
    return Payout(
        row=payout_row(view, one), why=why(view.face.record(), one.ref), reverse=reverse, papers=papers_of(view)
    )


# ---- runs ----------------------------------------------------------------------------------------------------------


def runs(view: View) -> Runs:
    """Payment runs."""
    rows, pager = paged([*view.face.state.money.runs.items()][::-1], view.query)
    return Runs(rows=tuple(_run(view, name, one) for name, one in rows), pager=pager)


def _run(view: View, name: str, one: Run) -> RunRow:
    payables = [view.face.state.money.payables[number] for number in one.payouts]
    counts = dict[str, int]()
    for payable in payables:
        how = payable.status if payable.run == name else f"in {payable.run} since"
        counts[how] = counts.get(how, 0) + 1
    return RunRow(
        name=name,
        at=one.at,
        pay_on=one.pay_on,
        payouts=len(payables),
        amount=money.show(sum(payable.amount_minor for payable in payables), one.currency),
        stands=", ".join(f"{count} {WITH_BANK.get(how, how)}" for how, count in counts.items()),
        entry=one.ref,
    )


WITH_BANK: Final = {"ordered": "with the bank"}


def run(view: View) -> RunSheet | Problem:
    """One payment run."""
    name = view.path["run"]
    found = view.face.state.money.runs.get(name)
    if found is None:
        return missing("there is no payment run of this name on the books")
    numbers, pager = paged(found.payouts, view.query)
    payables = view.face.state.money.payables
    return RunSheet(
        row=_run(view, name, found), payouts=tuple(payout_row(view, payables[n]) for n in numbers), pager=pager
    )
