"""A payment order as an ACH file of Nacha: credits in USD (PPD to persons, CCD to companies), one batch, unbalanced.

Every number that identifies something follows from the order, so that the same order gives the same bytes: the trace
numbers from the digest of its ledger entry, each payment's identification number from its end-to-end id. What was written
is read back and held against the order before it is handed out.

Source: Nacha Operating Rules, appendix 3.
"""

import re
from typing import Final, Literal

from msgspec import Struct
from stdnum.exceptions import ValidationError
from stdnum.us import ein

from holdgate.banking.ach_file import BLOCK, HASH_MODULUS, LINE, AchFile, read_file, routing_holds
from holdgate.banking.latin import ACH, latin
from holdgate.banking.order import order_faults, ordered_on, refuse
from holdgate.crypto.hashes import digest
from holdgate.pay.payment import Payment, PaymentOrder
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import NACHA_AMOUNT_MINOR_MAX
from holdgate.terms.party import Account

EntryClass = Literal["PPD", "CCD"]
_NUMBER: Final = re.compile(r"[A-Za-z0-9-]{1,17}", re.ASCII)
_IDENT: Final = re.compile(r"[A-Za-z0-9/._-]{1,15}", re.ASCII)
_COMPANY_ID: Final = re.compile(r"[A-Z0-9]{10}", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]{9}", re.ASCII)
_CREDITS: Final = "220"
"""Service class: credits only. The bank books the other side itself (an unbalanced file)."""
_TO_CHECKING: Final = "22"
_TRACES: Final = 10_000_000
_MODIFIERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Agreement(Struct, frozen=True, kw_only=True):
    """What the bank fixed in its ACH agreement; empty: as it is most often.

    `company_id`: 10 characters (else 1 and the EIN of the debtor). `origin`: the immediate origin (else the company id).
    `destination`: the immediate destination's routing number (else the debtor's bank); `destination_name`: its name.
    """

    company_id: str = ""
    origin: str = ""
    destination: str = ""
    destination_name: str = ""


AS_USUAL: Final = Agreement()


def faults(order: PaymentOrder, entry_class: str = "PPD", agreement: Agreement = AS_USUAL) -> list[str]:
    """What keeps the order from being written as an ACH file; empty where nothing does."""
    found = order_faults(order)
    if order.currency != "USD":
        found.append(f"ACH pays in USD; this order is in {order.currency[:10]!r}")
    if entry_class not in {"PPD", "CCD"}:
        found.append(f"{entry_class[:10]!r} is no entry class that is written: PPD pays persons, CCD pays companies")
    found += _account_faults(order.debtor.account, "the debtor")
    found += [fault for p in order.payments for fault in _account_faults(p.account, f"payment {p.id[:40]}")]
    if sum(payment.amount_minor for payment in order.payments) > NACHA_AMOUNT_MINOR_MAX:
        found.append("the payments come to more than 99,999,999.99 USD; split the order")
    destination = agreement.destination
    if destination and not routing_holds(destination):
        found.append(
            f"the destination {destination[:20]!r} is no routing number; it has 9 digits, the last a check digit"
        )
    for what, said in (("company id", _company_id(order, agreement)), ("origin", _origin(order, agreement))):
        if not _COMPANY_ID.fullmatch(said):
            found.append(f"the {what} {said[:20]!r} is not of 10 digits or capitals; give the one the bank assigned")
    if not agreement.company_id and not _is_ein(order.debtor.tax_id):
        found.append(f"the debtor's tax_id {order.debtor.tax_id[:20]!r} is no EIN; register it, or give a company id")
    try:
        _texts(order)
    except Malformed as error:
        found.append(str(error))
    return found


def write(order: PaymentOrder, entry_class: EntryClass = "PPD", agreement: Agreement = AS_USUAL) -> bytes:
    """The file for the bank; the same order gives the same bytes.

    Raises:
        Malformed: the order cannot be paid in this format (every fault is named), or what was written is not what was
            ordered. Nothing may then leave.
    """
    refuse(faults(order, entry_class, agreement), "No payment file was made")
    raw = _written(order, entry_class, agreement)
    check(raw, order, entry_class, agreement)
    return raw


def check(raw: bytes, order: PaymentOrder, entry_class: EntryClass = "PPD", agreement: Agreement = AS_USUAL) -> None:
    """Hold a written file against its order: every record, count, hash and total.

    Raises:
        Malformed: it is not this order's file; the sentence says where.
    """
    said = read_file(raw)
    found = _file_differences(said, order, agreement)
    if len(said.batches) != 1:
        refuse([*found, f"it holds {len(said.batches)} batches; it has one"], "The ACH file may not leave")
    batch = said.batches[0]
    head = (batch.service, batch.company_id, batch.entry_class, batch.effective, batch.odfi)
    day = order.pay_on.replace("-", "")[2:]
    wanted = (_CREDITS, _company_id(order, agreement), entry_class, day, _own(order)[:8])
    if head != wanted:
        found.append(f"its batch is of {head}, ordered was {wanted}")
    if len(batch.entries) != len(order.payments):
        found.append(f"it pays {len(batch.entries)} times, ordered were {len(order.payments)}")
    names = _texts(order)
    for entry, payment, (name, text), trace in zip(batch.entries, order.payments, names, traces(order), strict=False):
        told = (entry.code, entry.routing, entry.account, entry.amount_minor, entry.ident, entry.name, entry.trace)
        due = (_TO_CHECKING, payment.account.routing, payment.account.number, payment.amount_minor)
        if told != (*due, ident(payment), name, trace):
            found.append(f"payment {payment.id} stands as {told} in line {entry.line}")
        if tuple(addendum.record for addendum in entry.addenda) != (_addendum(text, trace),):
            found.append(f"the text of payment {payment.id} is another in line {entry.line}")
    refuse(found, "The ACH file is not what was ordered, and may not leave")


def traces(order: PaymentOrder) -> tuple[str, ...]:
    """Each payment's trace number: the bank's first 8 digits, and ascending numbers that begin where the digest says."""
    first = 1 + int(order.digest[:12], 16) % (_TRACES - 1 - len(order.payments))
    return tuple(f"{_own(order)[:8]}{first + at:07d}" for at in range(len(order.payments)))


def ident(payment: Payment) -> str:
    """The individual identification number (15 characters): the end-to-end id where it fits, else the digest of it."""
    if _IDENT.fullmatch(payment.id):
        return payment.id
    return digest(payment.id.encode())[:15].upper()


def _own(order: PaymentOrder) -> str:
    return "" if order.debtor.account is None else order.debtor.account.routing


def _account_faults(account: Account | None, whose: str) -> list[str]:
    if account is None or not account.routing or not account.number:
        return [f"{whose} has no routing and account number; an ACH payment needs both"]
    faults: list[str] = []
    if not routing_holds(account.routing):
        faults.append(
            f"the routing number of {whose} does not hold (9 digits, the last a check digit): {account.routing[:20]}"
        )
    if not _NUMBER.fullmatch(account.number):
        faults.append(
            f"the account number of {whose} is not of 1 to 17 digits, letters and hyphens: {account.number[:20]!r}"
        )
    return faults


def _company_id(order: PaymentOrder, agreement: Agreement) -> str:
    return agreement.company_id or "1" + order.debtor.tax_id.replace("-", "")


def _origin(order: PaymentOrder, agreement: Agreement) -> str:
    return agreement.origin or _company_id(order, agreement)


def _is_ein(tax_id: str) -> bool:
    plain = tax_id.replace("-", "")
    try:
        return bool(_DIGITS.fullmatch(plain) and ein.validate(plain))
    except ValidationError:
        return False


def _texts(order: PaymentOrder) -> list[tuple[str, str]]:
    """Each payee's name (22 characters) and text (80) as the file says them."""
    return [
        (
            _fit(payment.name, 22, f"the payee's name of {payment.id[:40]}"),
            _fit(payment.text, 80, f"the text of {payment.id[:40]}"),
        )
        for payment in order.payments
    ]


def _fit(said: str, width: int, what: str) -> str:
    return latin(said, ACH, what)[:width].rstrip()


def _addendum(text: str, trace: str) -> str:
    """The 05 record with what the payee reads."""
    return f"705{text:<80}0001{trace[8:]}"


def _modifier(order: PaymentOrder) -> str:
    return _MODIFIERS[int(order.digest[12:16], 16) % len(_MODIFIERS)]


def _file_differences(said: AchFile, order: PaymentOrder, agreement: Agreement) -> list[str]:
    head = (said.destination, said.origin, said.created, said.modifier, said.reference)
    created = ordered_on(order).strftime("%y%m%d%H%M")
    destination = agreement.destination or _own(order)
    wanted = (destination, _origin(order, agreement), created, _modifier(order), order.digest[:8])
    return [] if head == wanted else [f"its header says {head}, ordered was {wanted}"]


def _written(order: PaymentOrder, entry_class: str, agreement: Agreement) -> bytes:
    company, own = latin(order.debtor.name, ACH, "the debtor's name"), _own(order)
    day, created = order.pay_on.replace("-", "")[2:], ordered_on(order).strftime("%y%m%d%H%M")
    to, bank = (
        agreement.destination or own,
        agreement.destination_name and latin(agreement.destination_name, ACH, "the bank's name"),
    )
    company_id = _company_id(order, agreement)
    first = f"101{to:>10}{_origin(order, agreement):>10}{created}{_modifier(order)}094101"
    lines = [
        f"{first}{bank[:23]:<23}{company[:23]:<23}{order.digest[:8]}",
        f"5{_CREDITS}{company[:16]:<16}{'':20}{company_id}{entry_class}{'PAYOUT':<10}{'':6}{day}{'':3}1{own[:8]}0000001",
    ]
    for payment, (name, text), trace in zip(order.payments, _texts(order), traces(order), strict=True):
        account, due = payment.account, f"{payment.amount_minor:010d}{ident(payment):<15}{name:<22}"
        lines.append(f"6{_TO_CHECKING}{account.routing}{account.number:<17}{due}  1{trace}")
        lines.append(_addendum(text, trace))
    count = 2 * len(order.payments)
    entry_hash = sum(int(payment.account.routing[:8]) for payment in order.payments) % HASH_MODULUS
    total = sum(payment.amount_minor for payment in order.payments)
    sums = f"{entry_hash:010d}{0:012d}{total:012d}"
    lines.append(f"8{_CREDITS}{count:06d}{sums}{company_id}{'':19}{'':6}{own[:8]}0000001")
    blocks = -(-(len(lines) + 1) // BLOCK)
    lines.append(f"9000001{blocks:06d}{count:08d}{sums}{'':39}")
    lines += ["9" * LINE] * (blocks * BLOCK - len(lines))
    return "".join(f"{line}\n" for line in lines).encode("ascii")
