"""ISO 20022 camt.053 (bank to customer statement), versions 001.02 and 001.08: what was booked on an account.

Only booked entries count. An entry of several transactions is taken apart where these come to the entry's amount; else
the entry is one movement, and a note says so: the entry's amount is what moved. A credit is a receipt, unless it brings one
of our own transfers back; a debit is money out, unless it takes a receipt back.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from lxml import etree
from msgspec import Struct

from holdgate.banking.markup import child, children, clean, message_of, text, wrong
from holdgate.banking.order import real_date
from holdgate.banking.results import Booked, Outgoing, Statement
from holdgate.pay.payment import Receipt
from holdgate.terms import limits, money
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import INTEGER_ABS_MAX

MESSAGES: Final = ("camt.053.001.02", "camt.053.001.08")
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_NO_REFERENCE: Final = frozenset({"", "NONREF", "NOTPROVIDED", "NOREF"})
_RETURNS: Final = frozenset({"RRTN", "RPCR"})
"""Sub-families of bank transaction codes: reversal due to a payment return, or to a request to cancel it."""


class _Entry(Struct, frozen=True, kw_only=True):
    """An entry's own facts. `place`: its number in the statement. `info`: what the bank says in words."""

    element: etree._Element
    place: str
    amount_minor: int
    currency: str
    credit: bool
    turned: bool
    booked_on: str
    ref: str
    info: str


class _Movement(Struct, frozen=True, kw_only=True):
    """A transaction of an entry, or the entry as a whole (`details`: the transaction's element, where there is one).

    `turned`: it takes an earlier movement back: the bank reversed its booking, or a transfer was returned.
    """

    entry: _Entry
    details: etree._Element | None
    ref: str
    place: str
    amount_minor: int
    credit: bool
    turned: bool


def read_statement(root: etree._Element) -> Statement:
    """What the statement says.

    Args:
        root: of a parsed XML file.

    Raises:
        Malformed: not this message, or an amount, day or balance that does not hold; with the line.
    """
    kind = message_of(root)
    report = child(root, "BkToCstmrStmt")
    if kind not in MESSAGES or report is None:
        raise Malformed(f"this is no statement of {' or '.join(MESSAGES)}")
    accounts = tuple(_account(element) for element in children(report, "Stmt"))
    if not accounts:
        raise wrong(report, "it holds no statement")
    return Statement(kind=kind, id=text(report, "GrpHdr/MsgId", most=limits.BANK_TOLD_ID_CHARS_MAX), accounts=accounts)


def _account(statement: etree._Element) -> Booked:
    name = text(statement, "Id", most=limits.BANK_TOLD_ID_CHARS_MAX)
    account = text(statement, "Acct/Id/IBAN", "Acct/Id/Othr/Id", most=limits.BANK_TOLD_ID_CHARS_MAX)
    if not name or not account:
        raise wrong(statement, "it has no id, or names no account")
    movements: list[_Movement] = []
    notes: list[str] = []
    unbooked = 0
    booked: list[tuple[str, int]] = []
    for number, element in enumerate(children(statement, "Ntry"), start=1):
        if text(element, "Sts/Cd", "Sts", most=limits.BANK_ID_CHARS_MAX) != "BOOK":
            unbooked += 1
            continue
        entry = _entry(element, str(number))
        booked.append((entry.currency, entry.amount_minor if entry.credit else -entry.amount_minor))
        movements += _movements(entry, notes)
    notes += _balances(statement, booked)
    page = text(statement, "StmtPgntn/PgNb", most=limits.BANK_ID_CHARS_MAX)
    refs = _references(movements, f"{name}/{page}" if page not in {"", "1"} else name)
    told = [*zip(movements, refs, strict=True)]
    return Booked(
        id=name,
        account=account,
        receipts=tuple(_receipt(movement, ref) for movement, ref in told if movement.credit != movement.turned),
        outgoing=tuple(_outgoing(movement, ref) for movement, ref in told if movement.credit == movement.turned),
        unbooked=unbooked,
        notes=tuple(notes),
    )


def _entry(element: etree._Element, place: str) -> _Entry:
    amount, currency = _amount(element)
    reversal = text(element, "RvslInd", most=limits.BANK_ID_CHARS_MAX)
    if reversal not in {"", "true", "false", "1", "0"}:
        raise wrong(element, f"RvslInd {reversal!r} is neither true nor false")
    return _Entry(
        element=element,
        place=place,
        amount_minor=amount,
        currency=currency,
        credit=_is_credit(element),
        turned=reversal in {"true", "1"} or _is_return(element),
        booked_on=_day(element),
        ref=_reference(text(element, "AcctSvcrRef", most=limits.BANK_TOLD_ID_CHARS_MAX)),
        info=text(element, "AddtlNtryInf"),
    )


def _movements(entry: _Entry, notes: list[str]) -> list[_Movement]:
    details = [*children(entry.element, "NtryDtls/TxDtls")]
    if len(details) <= 1:
        return [_movement(entry, details[0] if details else None, entry.place, entry.amount_minor)]
    parts = [_part(one, entry) for one in details]
    if None in parts or sum(part for part in parts if part is not None) != entry.amount_minor:
        shown = money.show(entry.amount_minor, entry.currency)
        notes.append(
            f"line {entry.element.sourceline}: the {len(details)} transactions of this entry do not come to its {shown}; it "
            "is taken as one movement"
        )
        return [_movement(entry, None, entry.place, entry.amount_minor)]
    return [
        _movement(entry, one, f"{entry.place}.{number}", part)
        for number, (one, part) in enumerate(zip(details, parts, strict=True), start=1)
        if part is not None
    ]


def _part(details: etree._Element, entry: _Entry) -> int | None:
    """A transaction's own amount, negative where it goes against its entry; None where it has none in the entry's currency.

    It stands where version 8 has it, or where version 2 has.
    """
    for path in ("Amt", "AmtDtls/TxAmt/Amt"):
        found = child(details, path)
        if found is not None:
            amount, currency = _money(found)
            against = child(details, "CdtDbtInd") is not None and _is_credit(details) != entry.credit
            return None if currency != entry.currency else -amount if against else amount
    return None


def _movement(entry: _Entry, details: etree._Element | None, place: str, amount: int) -> _Movement:
    own = "" if details is None else _reference(text(details, "Refs/AcctSvcrRef", most=limits.BANK_TOLD_ID_CHARS_MAX))
    returned = details is not None and (child(details, "RtrInf") is not None or _is_return(details))
    return _Movement(
        entry=entry,
        details=details,
        ref=own or entry.ref,
        place=place,
        amount_minor=abs(amount),
        credit=entry.credit == (amount >= 0),
        turned=entry.turned or returned,
    )


def _is_return(element: etree._Element) -> bool:
    """Whether the bank's transaction code says that a payment was returned or called back."""
    return text(element, "BkTxCd/Domn/Fmly/SubFmlyCd", most=limits.BANK_ID_CHARS_MAX) in _RETURNS


def _reference(said: str) -> str:
    return "" if said.upper() in _NO_REFERENCE else said


def _references(movements: list[_Movement], statement: str) -> list[str]:
    """The bank's reference of each movement where it has one of its own; else its place in the statement.

    What takes an earlier movement back may repeat that one's reference in a later statement, and is told apart.
    """
    own = [f"{m.ref}/back" if m.ref and m.turned else m.ref for m in movements]
    uses = Counter(own)
    return [ref if ref and uses[ref] == 1 else f"{statement}#{m.place}" for ref, m in zip(own, movements, strict=True)]


def _receipt(movement: _Movement, ref: str) -> Receipt:
    return Receipt(
        ref=ref,
        amount_minor=movement.amount_minor if movement.credit else -movement.amount_minor,
        currency=movement.entry.currency,
        booked_on=movement.entry.booked_on,
        payer=_party(movement, "Dbtr"),
        text=_text(movement),
        invoices=_invoices(movement),
    )


def _outgoing(movement: _Movement, ref: str) -> Outgoing:
    details, most = movement.details, limits.BANK_TOLD_ID_CHARS_MAX
    return Outgoing(
        ref=ref,
        amount_minor=movement.amount_minor,
        currency=movement.entry.currency,
        booked_on=movement.entry.booked_on,
        id="" if details is None else _reference(text(details, "Refs/EndToEndId", most=most)),
        payee=_party(movement, "Cdtr"),
        text=_text(movement),
        returned=movement.credit,
        reason="" if details is None else text(details, "RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry", most=most),
    )


def _party(movement: _Movement, role: str) -> str:
    """The name of who paid (`Dbtr`) or was paid (`Cdtr`): version 8 puts a level in between."""
    if movement.details is None:
        return ""
    return text(movement.details, f"RltdPties/{role}/Pty/Nm", f"RltdPties/{role}/Nm", most=limits.BANK_NAME_CHARS_MAX)


def _text(movement: _Movement) -> str:
    source = movement.details
    lines = () if source is None else tuple(one.text or "" for one in children(source, "RmtInf/Ustrd"))
    said = clean(" ".join(lines))
    if not said and source is not None:
        said = text(source, "AddtlTxInf")
    return said or movement.entry.info


def _invoices(movement: _Movement) -> tuple[str, ...]:
    """Document numbers and creditor references of the structured remittance information, each once."""
    if movement.details is None:
        return ()
    found: list[str] = []
    for one in children(movement.details, "RmtInf/Strd"):
        numbers = [text(document, "Nb", most=limits.BANK_TOLD_ID_CHARS_MAX) for document in children(one, "RfrdDocInf")]
        found += [*numbers, text(one, "CdtrRefInf/Ref", most=limits.BANK_TOLD_ID_CHARS_MAX)]
    return tuple(dict.fromkeys(number for number in found if number))


def _is_credit(element: etree._Element) -> bool:
    said = text(element, "CdtDbtInd", most=limits.BANK_ID_CHARS_MAX)
    if said not in {"CRDT", "DBIT"}:
        raise wrong(element, f"CdtDbtInd {said!r} is neither CRDT nor DBIT")
    return said == "CRDT"


def _amount(element: etree._Element) -> tuple[int, str]:
    found = child(element, "Amt")
    if found is None:
        raise wrong(element, "it has no amount")
    return _money(found)


def _money(element: etree._Element) -> tuple[int, str]:
    said, currency = (element.text or "").strip(), str(element.get("Ccy", ""))
    if not _CURRENCY.fullmatch(currency):
        raise wrong(element, f"{currency[:10]!r} is no currency code of three capitals")
    amount = money.minor(said, currency) if len(said) <= 20 else None
    if amount is None or not 0 <= amount <= INTEGER_ABS_MAX:
        raise wrong(element, f"{said[:30]!r} is no amount of {currency}")
    return amount, currency


def _day(entry: etree._Element) -> str:
    said = text(entry, "BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm", most=40)
    if real_date(said[:10]) is None:
        raise wrong(entry, f"its day of booking {said!r} is no date")
    return said[:10]


def _balances(statement: etree._Element, booked: list[tuple[str, int]]) -> Iterator[str]:
    """Where the statement says how much there was before and after, its entries have to lead from one to the other.

    Where that cannot be said, a note says why.
    """
    before = [*_balance(statement, "OPBD")] or [*_balance(statement, "PRCD")]
    after = [*_balance(statement, "CLBD")]
    if len(before) != 1 or len(after) != 1:
        return  # a page of a longer statement, or a bank that says neither
    (opening, currency), (closing, other) = before[0], after[0]
    if currency != other or any(one != currency for one, _ in booked):
        yield f"line {statement.sourceline}: its balances and entries are in several currencies, and were not compared"
        return
    moved = sum(amount for _, amount in booked)
    if opening + moved != closing:
        raise wrong(
            statement,
            f"its entries come to {money.show(moved, currency)}, its balances differ by "
            f"{money.show(closing - opening, currency)}; entries are missing or were altered, get the file again",
        )


def _balance(statement: etree._Element, code: str) -> Iterator[tuple[int, str]]:
    for balance in children(statement, "Bal"):
        if text(balance, "Tp/CdOrPrtry/Cd", most=limits.BANK_ID_CHARS_MAX) == code and not text(
            balance, "Tp/SubTp/Cd", "Tp/SubTp/Prtry"
        ):
            amount, currency = _amount(balance)
            yield (amount if _is_credit(balance) else -amount), currency
