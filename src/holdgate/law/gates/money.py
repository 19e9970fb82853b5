"""Money: invoices and payouts fire by themselves, so that a wish to release one by hand is refused; and what people do decide.

Parties and accounts are registered, charges and settlements agreed, disputes raised and settled, payments recorded, payouts ordered
from the bank. Nobody signs for money that they get, and what goes out beyond the contract's limit takes two people.
"""

import re
from collections.abc import Iterator
from typing import Final

from holdgate.crypto.commitments import is_reference
from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.contract import SmartClientPO
from holdgate.law.money import RATE_PLACES, Bill, Payable
from holdgate.law.signers import OFFICERS
from holdgate.law.state import OVER
from holdgate.terms import money
from holdgate.terms.limits import PAYMENT_TERM_DAYS_MAX, PAYMENTS_MAX, RESULTS_MAX, RUN_PAYOUTS_MAX
from holdgate.terms.party import CATEGORIES, account_fault
from holdgate.terms.quantity import parse_decimal, scaled

TREASURERS: Final = ("finance", *OFFICERS)
"""Who can be the second one to sign for money."""
OFFICE: Final[tuple[str, ...]] = ("project_manager",)
"""Who agrees with a client for the shop."""
_DATE: Final = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


def _template(case: Case) -> SmartClientPO | None:
    order = case.order
    return None if order is None or not order.sha256 else case.library.template(order.sha256)


# ---- by hand: always refused ---------------------------------------------------------------------------------------


def invoice(case: Case) -> None:
    """Before the milestone: what is missing. After: it went out already."""
    command, order = case.command, case.order
    if type(command) is not c.IssueInvoice:
        return
    template = _template(case)
    if order is None or template is None:
        case.deny("PO_NOT_STAGED", order=command.order)
        return
    case.reads.append(order.ref)
    found = [item for item in template.billing if item.id == command.milestone]
    if not found:
        case.deny("MILESTONE_UNKNOWN", milestone=command.milestone)
    elif f"invoice:{command.milestone}" in order.fired:
        case.reads.append(order.fired[f"invoice:{command.milestone}"])
        case.deny("ALREADY_DONE", what=f"the invoice of {command.milestone}")
    else:
        case.deny("INVOICE_PRECONDITION", milestone=command.milestone, order=order.id, why=_WAITS[found[0].when])


_WAITS = {
    "arrival": "not all parts have arrived",
    "qa_accepted": "QA has not accepted every part",
    "client_accepted": "the client has not approved the report of every part",
}


def payout(case: Case) -> None:
    """Before QA and compliance: what is missing. After: it was paid already, or is not due under its rule."""
    command, order, job = case.command, case.order, case.job
    if type(command) is not c.ReleasePayout:
        return
    template = _template(case)
    if order is None or template is None or job is None:
        case.deny("JOB_UNKNOWN", job=command.job)
        return
    case.reads.append(job.ref)
    if all(rule.id != command.rule for rule in case.library.payouts(template)):
        case.deny("PAYOUT_RULE_UNKNOWN", rule=command.rule)
        return
    if command.payee not in job.signers:
        case.deny("PAYEE_NOT_ENTITLED", payee=command.payee, job=job.id)
        return
    fired = order.fired.get(f"payout:{command.job}:{command.rule}:{command.payee}")
    if fired is not None:
        case.reads.append(fired)
        case.deny("ALREADY_DONE", what=f"payout {command.rule} to {command.payee}")
    else:
        unmet = "its time condition was not met, or the most that a job may pay out is reached"
        why = "QA and compliance have not signed" if not job.compliance_by else unmet
        case.deny("PAYOUT_PRECONDITION", rule=command.rule, job=job.id, why=why)


# ---- who signs -----------------------------------------------------------------------------------------------------


def _signs(case: Case, roles: tuple[str, ...], org: str = "") -> Iterator[str]:
    """The people who sign in one of these roles; `org`: only this organisation's."""
    for signer in case.command.signers:
        person = case.state.identities.get(signer.id)
        if person is not None and person.kind == "person" and signer.role in roles and org in ("", person.org):
            yield signer.id


def second_person(case: Case) -> None:
    """Two people of the shop sign."""
    if len(set(_signs(case, TREASURERS))) < 2:
        case.deny("CONSENT_MISSING", needed=f"two people, each as one of {', '.join(TREASURERS)}")


def owner_signs(case: Case) -> None:
    """Whose account it is signs, and somebody of finance who is somebody else; it is a commitment."""
    command = case.command
    if type(command) is not c.RegisterAccount:
        return
    if all(signer.id != command.owner for signer in command.signers):
        case.deny("CONSENT_MISSING", needed=f"{command.owner}, whose account it is")
    if all(name == command.owner for name in _signs(case, ("finance",))):
        case.deny("CONSENT_MISSING", needed="finance, somebody else than whose account it is")
    if not is_reference(command.commitment):
        case.deny("PARTY_INCOMPLETE", org=command.owner, why="the account is named by a commitment")


def consent(case: Case) -> None:
    """The client's own people and the shop's both sign what they agree on."""
    command = case.command
    client, shop = "", OFFICE
    if isinstance(command, (c.AgreeCharge, c.SettleOrder)) and case.order is not None:
        client = case.order.client
    elif type(command) is c.ResolveDispute:
        shop = ("finance", *OFFICE)
        bill = case.state.money.bills.get(command.invoice)
        client = "" if bill is None else bill.client
    if not client:
        return  # another gate says that there is no such order or invoice
    if not any(_signs(case, ("client",), client)):
        case.deny("CONSENT_MISSING", needed=f"one of {client}'s own people, as client")
    if not any(_signs(case, shop)):
        case.deny("CONSENT_MISSING", needed=" or ".join(shop))


# ---- parties -------------------------------------------------------------------------------------------------------


def party_complete(case: Case) -> None:
    """Everything that an invoice needs of an organisation is there and has its form."""
    command = case.command
    if type(command) is not c.RegisterParty:
        return
    for why in _party_faults(command):
        case.deny("PARTY_INCOMPLETE", org=command.org, why=why)


def _party_faults(m: c.RegisterParty) -> Iterator[str]:
    for field in ("org", "name", "street", "city", "postal_code"):
        if not getattr(m, field).strip():
            yield f"its {field.replace('_', ' ')} is missing"
    if not _COUNTRY.fullmatch(m.country):
        yield "its country is two capital letters (ISO 3166)"
    if not 0 <= m.payment_days <= PAYMENT_TERM_DAYS_MAX:
        yield f"it pays within 0 to {PAYMENT_TERM_DAYS_MAX} days"
    fault = account_fault(m.iban, m.routing, m.account)
    if fault:
        yield fault
    if m.tax_category:
        yield from _tax_faults(m)


def _tax_faults(m: c.RegisterParty) -> Iterator[str]:
    rate = parse_decimal(m.tax_rate)
    if m.tax_category not in CATEGORIES:
        yield f"its tax category is one of {', '.join(CATEGORIES)}"
    if rate is None or not 0 <= rate <= 100 or scaled(rate, RATE_PLACES) is None:
        yield "its tax rate is a percentage from 0 to 100, such as 19 or 7.25"
    elif (m.tax_category == "S") != (rate > 0):
        yield "the standard category has a rate above 0, every other one a rate of 0"
    if m.tax_category not in ("S", "Z") and not m.tax_reason.strip():
        yield "why no tax is charged is missing"


# ---- charges and settlements ---------------------------------------------------------------------------------------


def charge_known(case: Case) -> None:
    """The contract's price list has the charge, to be agreed on; each item once."""
    command, order, template = case.command, case.order, _template(case)
    if type(command) is not c.AgreeCharge or order is None or template is None:
        return
    if all((one.id, one.when) != (command.charge, "agreed") for one in template.surcharges):
        case.deny("CHARGE_UNKNOWN", charge=command.charge)
    if command.item in order.charges:
        case.deny("ALREADY_DONE", what=f"the charge {command.item}")


def settleable(case: Case) -> None:
    """No job of the order goes on, and the milestone was not invoiced; it is settled for no more than it is worth."""
    command, order, template = case.command, case.order, _template(case)
    if type(command) is not c.SettleOrder or order is None or template is None:
        return
    found = next((item for item in template.billing if item.id == command.milestone), None)
    if found is None:
        case.deny("MILESTONE_UNKNOWN", milestone=command.milestone)
        return
    if f"invoice:{found.id}" in order.fired:
        case.deny("ALREADY_DONE", what=f"the invoice of {found.id}")
    running = [
        job.id for key in order.jobs if (job := case.state.jobs.get(key)) and job.status not in (*OVER, "complete")
    ]
    if running:
        case.deny("MILESTONE_OPEN", milestone=found.id, jobs=tuple(running))
    if not 0 <= command.amount_minor <= found.amount_minor:
        most = money.show(found.amount_minor, template.currency)
        case.deny("AMOUNT_REFUSED", amount=money.show(command.amount_minor, template.currency), why=f"at most {most}")


# ---- invoices ------------------------------------------------------------------------------------------------------


def _bill(case: Case) -> Bill | None:
    command = case.command
    if not isinstance(command, (c.DisputeInvoice, c.ResolveDispute)):
        return None
    return case.state.money.bills.get(command.invoice)


def invoice_known(case: Case) -> None:
    """The invoice is on the books, and no credit note; it is this client's."""
    command, bill = case.command, _bill(case)
    if not isinstance(command, (c.DisputeInvoice, c.ResolveDispute)):
        return
    if bill is None or bill.corrects:
        case.deny("INVOICE_UNKNOWN", invoice=command.invoice)
        return
    case.reads.append(bill.ref)
    person = case.person
    if case.actor.role == "client" and person is not None and person.org != bill.client:
        case.deny("INVOICE_UNKNOWN", invoice=command.invoice)  # of another client: as if it were not there


def disputable(case: Case) -> None:
    """It is not in dispute already, and something of it is owed."""
    command, bill = case.command, _bill(case)
    if type(command) is not c.DisputeInvoice or bill is None:
        return
    if bill.disputed:
        case.deny("ALREADY_DONE", what=f"the dispute of {bill.number}")
    elif bill.net_minor <= bill.credited_minor:
        case.deny("AMOUNT_REFUSED", amount=money.show(0, bill.currency), why=f"{bill.number} is credited in full")


def resolvable(case: Case) -> None:
    """It is in dispute, and no more is credited than it came to."""
    command, bill = case.command, _bill(case)
    if type(command) is not c.ResolveDispute or bill is None:
        return
    if not bill.disputed:
        case.deny("INVOICE_NOT_DISPUTED", invoice=bill.number)
    left = bill.net_minor - bill.credited_minor
    if not 0 <= command.credit_minor <= left:
        most = money.show(left, bill.currency)
        case.deny("AMOUNT_REFUSED", amount=money.show(command.credit_minor, bill.currency), why=f"at most {most}")


def receivable(case: Case) -> None:
    """Every payment names an invoice in its currency, and each of the bank's references counts once."""
    command = case.command
    if type(command) is not c.RecordPayments:
        return
    if not 0 < len(command.payments) <= PAYMENTS_MAX:
        case.deny("AMOUNT_REFUSED", amount=str(len(command.payments)), why=f"1 to {PAYMENTS_MAX} payments at once")
    if len({one.bank_ref for one in command.payments}) != len(command.payments):
        case.deny("ALREADY_DONE", what="a payment that is named twice here")
    for one in command.payments:
        bill = case.state.money.bills.get(one.invoice)
        if bill is None or bill.corrects:
            case.deny("INVOICE_UNKNOWN", invoice=one.invoice)
            continue
        case.reads.append(bill.ref)
        shown = money.show(one.amount_minor, bill.currency)
        if one.currency != bill.currency:
            case.deny("AMOUNT_REFUSED", amount=shown, why=f"{bill.number} is in {bill.currency}")
        if not one.amount_minor or bill.paid_minor + one.amount_minor < 0:
            case.deny("AMOUNT_REFUSED", amount=shown, why="nothing, or more than was paid, cannot be taken back")
        if not one.bank_ref.strip() or not _DATE.fullmatch(one.booked_on):
            case.deny("AMOUNT_REFUSED", amount=shown, why="the bank's reference or the date of booking is missing")
        if one.bank_ref in case.state.money.received:
            case.reads.append(case.state.money.received[one.bank_ref])
            case.deny("ALREADY_DONE", what=f"the payment {one.bank_ref}")


# ---- payouts -------------------------------------------------------------------------------------------------------


def payable(case: Case) -> None:
    """What a run pays is due or failed before, in its currency, and its payee's account is on record; the run is new."""
    command, books = case.command, case.state.money
    if type(command) is not c.RunPayments:
        return
    if command.run in books.runs:
        case.deny("ALREADY_DONE", what=f"payment run {command.run}")
    if not 0 < len(command.payouts) <= RUN_PAYOUTS_MAX or len(set(command.payouts)) != len(command.payouts):
        case.deny("AMOUNT_REFUSED", amount=str(len(command.payouts)), why=f"1 to {RUN_PAYOUTS_MAX} payouts, each once")
    if not _DATE.fullmatch(command.pay_on) or not _CURRENCY.fullmatch(command.currency):
        case.deny("AMOUNT_REFUSED", amount=command.currency, why="a run has a currency and a date such as 2026-11-30")
    for number in command.payouts:
        found = books.payables.get(number)
        if found is None:
            case.deny("PAYOUT_UNKNOWN", payout=number)
            continue
        case.reads.append(found.ref)
        if found.status not in ("due", "failed"):
            case.deny("PAYOUT_NOT_DUE", payout=number, status=found.status)
        if found.currency != command.currency:
            case.deny("AMOUNT_REFUSED", amount=money.show(found.amount_minor, found.currency), why="another currency")
        if found.payee not in books.accounts:
            case.deny("ACCOUNT_MISSING", payee=found.payee)


def run_signed(case: Case) -> None:
    """Nobody signs for what they are paid; beyond what one person may order, two sign (four eyes)."""
    command, books = case.command, case.state.money
    if type(command) is not c.RunPayments:
        return
    found = [one for number in command.payouts if (one := books.payables.get(number)) is not None]
    _unpaid(case, found)
    if sum(one.amount_minor for one in found) > _alone_minor(case, found) and len(set(_signs(case, TREASURERS))) < 2:
        case.deny("CONSENT_MISSING", needed=f"a second person, as one of {', '.join(TREASURERS)}")


def _unpaid(case: Case, payables: list[Payable]) -> None:
    """None of the signers is a payee."""
    payees = {one.payee: one.number for one in payables}
    for signer in case.command.signers:
        if signer.id in payees:
            case.deny("SELF_APPROVAL", id=signer.id, why=f"{payees[signer.id]} is paid to them")


def _alone_minor(case: Case, payables: list[Payable]) -> int:
    """What one person may order: the least that the contracts of these payouts say."""
    limits = [0]
    for one in payables:
        order = case.state.orders.get(one.order)
        template = None if order is None or not order.sha256 else case.library.template(order.sha256)
        limits.append(0 if template is None else case.library.one_signer(template))
    return min(limits[1:], default=0)


def results_fit(case: Case) -> None:
    """The run is known, and each result is of a payout that is with the bank in this run."""
    command, books = case.command, case.state.money
    if type(command) is not c.RecordResults:
        return
    run = books.runs.get(command.run)
    if run is None:
        case.deny("PAYOUT_UNKNOWN", payout=command.run)
        return
    case.reads.append(run.ref)
    named = [result.payout for result in command.results]
    if not 0 < len(named) <= RESULTS_MAX or len(set(named)) != len(named):
        case.deny("AMOUNT_REFUSED", amount=str(len(named)), why=f"1 to {RESULTS_MAX} results, each payout once")
    for result in command.results:
        found = books.payables.get(result.payout)
        if found is None or result.payout not in run.payouts:
            case.deny("PAYOUT_UNKNOWN", payout=result.payout)
        elif found.run != command.run or result.status not in _AFTER.get(found.status, ()):
            case.deny("PAYOUT_NOT_DUE", payout=result.payout, status=f"{found.status} in {found.run or 'no run'}")


_AFTER: Final = {"ordered": ("paid", "failed"), "paid": ("failed",)}
"""What a bank can say of a payout: it was paid, or not; what was paid may come back."""


def reversible(case: Case) -> None:
    """It is known, and not with the bank nor reversed before; nobody signs for what was paid to them."""
    command = case.command
    if type(command) is not c.ReversePayout:
        return
    found = case.state.money.payables.get(command.payout)
    if found is None:
        case.deny("PAYOUT_UNKNOWN", payout=command.payout)
        return
    case.reads.append(found.ref)
    if found.status in ("ordered", "reversed"):
        case.deny("PAYOUT_NOT_DUE", payout=found.number, status=found.status)
    _unpaid(case, [found])
