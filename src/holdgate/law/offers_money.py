"""Offers about money at the business hub: parties, accounts, invoices, payments that came in, payment runs."""

from typing import Any, Final

from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law.candidate import STAND_IN, Candidate, Candidates, View
from holdgate.law.gates.money import TREASURERS
from holdgate.law.money import Bill, Payable
from holdgate.terms.limits import OPTION_MONEY_MAX, RESULTS_MAX, RUN_PAYOUTS_MAX

OFFICE: Final = ("finance", "project_manager")
"""Who settles a dispute for the shop."""


def at_hub(view: View) -> Candidates:
    """Every act on money that people decide."""
    second = view.somebody(*TREASURERS)
    asked = (view.about or "").removeprefix("party:")
    org = (
        asked if asked in (view.state.charter.org, *view.state.money.party, *_clients(view)) else view.state.charter.org
    )
    known = view.state.money.parties.get(view.state.money.party.get(org, ""))
    address = ("name", "street", "city", "postal_code", "country")
    party = {"org": org, **{name: STAND_IN if known is None else getattr(known, name) for name in address}}
    party["country"] = "DE" if known is None else known.country
    yield Candidate(c.RegisterParty, party, tuple(party), second)
    account = {"owner": view.actor, "commitment": digest(STAND_IN.encode())}
    yield Candidate(c.RegisterAccount, account, ("commitment",), view.somebody("finance"))
    for bill in _bills(view):
        yield from _of_bill(view, bill)
    yield from _runs(view)
    for payable in _payables(view):
        if payable.status in ("due", "failed", "paid"):
            yield Candidate(c.ReversePayout, {"payout": payable.number, "reason": STAND_IN}, ("reason",), second)


def _clients(view: View) -> list[str]:
    """The organisations that clients' people are enrolled for."""
    return [person.org for person in view.state.identities.values() if "client" in person.roles]


def _bills(view: View) -> list[Bill]:
    bills = view.state.money.bills
    if view.about is not None:
        asked = bills.get(view.about.removeprefix("invoice:"))
        return [] if asked is None or asked.corrects else [asked]
    return [bill for bill in bills.values() if not bill.corrects and (bill.disputed or bill.open_minor)][
        :OPTION_MONEY_MAX
    ]


def _of_bill(view: View, bill: Bill) -> Candidates:
    if bill.disputed:
        fields: dict[str, Any] = {"invoice": bill.number, "credit_minor": 0, "reason": STAND_IN}
        yield Candidate(c.ResolveDispute, fields, ("credit_minor", "reason"), _agrees(view, bill.client))
    else:
        yield Candidate(c.DisputeInvoice, {"invoice": bill.number, "reason": STAND_IN}, ("reason",))
    line = c.PaymentIn(
        bank_ref=STAND_IN,
        invoice=bill.number,
        amount_minor=bill.open_minor or 1,
        currency=bill.currency,
        booked_on="2000-01-01",
    )
    paid = {"statement": digest(STAND_IN.encode()), "payments": (line,)}
    yield Candidate(c.RecordPayments, paid, tuple(paid))


def _agrees(view: View, client: str) -> tuple[tuple[str, str], ...]:
    """Who signs a settlement beside the one who asks: somebody of the other side, and of their own where they are of neither."""
    own = () if view.role in OFFICE else view.somebody(*OFFICE)
    return (*own, *(() if view.role == "client" else view.somebody("client", org=client)))


def _payables(view: View) -> list[Payable]:
    payables = view.state.money.payables
    if view.about is not None:
        asked = payables.get(view.about.removeprefix("payout:"))
        return [] if asked is None else [asked]
    return [one for one in payables.values() if one.status != "reversed"][:OPTION_MONEY_MAX]


def _runs(view: View) -> Candidates:
    """A run of all that is due in a currency, and the bank's answer to each run that waits for one."""
    books = view.state.money
    asked = (view.about or "").removeprefix("run:")
    if view.about is not None and asked not in books.runs and asked != f"RUN-{len(books.runs) + 1}":
        return
    due: dict[str, list[str]] = {}
    for payable in books.payables.values():
        if payable.status in ("due", "failed") and payable.payee != view.actor:
            due.setdefault(payable.currency, []).append(payable.number)
    for currency, numbers in due.items():
        fields = {
            "run": f"RUN-{len(books.runs) + 1}",
            "payouts": tuple(numbers[:RUN_PAYOUTS_MAX]),
            "currency": currency,
        }
        yield Candidate(
            c.RunPayments, {**fields, "pay_on": "2000-01-01"}, ("payouts", "pay_on"), view.somebody(*TREASURERS)
        )
    for name, run in books.runs.items():
        waiting = [number for number in run.payouts if _is_with_bank(books.payables[number], name)]
        if waiting:
            results = tuple(c.PayoutResult(payout=number, status="paid") for number in waiting[:RESULTS_MAX])
            answer: dict[str, Any] = {"run": name, "file": digest(STAND_IN.encode()), "results": results}
            yield Candidate(c.RecordResults, answer, ("file", "results"))


def _is_with_bank(payable: Payable, run: str) -> bool:
    return (payable.run, payable.status) == (run, "ordered")
