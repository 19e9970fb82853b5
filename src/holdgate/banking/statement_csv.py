"""A statement as CSV, for banks (and shops) without camt.053. The columns are in docs/payments.md.

A file is taken whole or not at all: every wrong row is named with its line.
"""

import csv
import re
from collections import Counter
from typing import Final

from holdgate.banking.markup import clean
from holdgate.banking.order import real_date, refuse
from holdgate.banking.results import Booked, Outgoing, Statement
from holdgate.pay.payment import Receipt
from holdgate.terms import limits, money
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import INTEGER_ABS_MAX

KIND: Final = "csv"
NEEDED: Final = ("account", "ref", "booked_on", "amount", "currency")
OTHERS: Final = ("kind", "payer", "text", "invoice", "id", "reason")
KINDS: Final = ("receipt", "taken-back", "outgoing", "returned")
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


def read_csv(raw: bytes) -> Statement:
    """Read a statement.

    Args:
        raw: untrusted bytes.

    Raises:
        Malformed: no such table, or wrong rows, each with its line.
    """
    rows = _rows(raw)
    head = [cell.strip().lower() for cell in rows[0][1]]
    missing = [name for name in NEEDED if name not in head]
    strange = [name[:40] for name in head if name not in (*NEEDED, *OTHERS)]
    if missing or strange or len(set(head)) != len(head):
        said = "; ".join(
            part
            for part in (
                f"missing: {', '.join(missing)}" if missing else "",
                f"not known: {', '.join(repr(name) for name in strange[:5])}" if strange else "",
                "" if len(set(head)) == len(head) else "a column stands twice",
            )
            if part
        )
        raise Malformed(f"line 1: its columns are not those of a statement ({said}); needed are {', '.join(NEEDED)}")
    faults: list[str] = []
    taken = [
        _movement(number, dict(zip(head, cells, strict=False)), len(cells) - len(head), faults)
        for number, cells in rows[1:]
    ]
    movements = [one for one in taken if one is not None]
    for (account, ref), count in Counter((account, one.ref) for account, one in movements).items():
        if count > 1:
            faults.append(f"the reference {ref!r} stands {count} times for {account}; each movement has its own")
    refuse(faults, "The statement cannot be taken")
    accounts: dict[str, list[Receipt | Outgoing]] = {}
    for account, one in movements:
        accounts.setdefault(account, []).append(one)
    return Statement(kind=KIND, id="", accounts=tuple(_booked(name, every) for name, every in accounts.items()))


def _booked(account: str, movements: list[Receipt | Outgoing]) -> Booked:
    return Booked(
        id="",
        account=account,
        receipts=tuple(one for one in movements if isinstance(one, Receipt)),
        outgoing=tuple(one for one in movements if isinstance(one, Outgoing)),
    )


def _rows(raw: bytes) -> list[tuple[int, list[str]]]:
    if len(raw) > limits.BANK_FILE_BYTES_MAX:
        raise Malformed(f"the statement has {len(raw)} bytes; {limits.BANK_FILE_BYTES_MAX} are the most")
    try:
        said = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Malformed(f"line {line} is not UTF-8; save the statement as CSV in UTF-8") from None
    if "\0" in said:
        raise Malformed("the file holds null characters; it is no text")
    first = said.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    lines = (
        f"{line}\n" for line in said.removesuffix("\n").split("\n")
    )  # other line separators of Unicode stay within their cell
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    begin = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((begin, [cell.strip() for cell in cells]))
            begin = reader.line_num + 1
            if len(rows) > limits.BANK_CSV_ROWS_MAX:
                raise Malformed(f"the statement has more than {limits.BANK_CSV_ROWS_MAX} rows; split it")
    except csv.Error as error:
        raise Malformed(f"line {reader.line_num} is no row of a table: {error}") from None
    if not rows:
        raise Malformed("the file is empty; the first line names the columns")
    return rows


def _movement(
    number: int, row: dict[str, str], surplus: int, faults: list[str]
) -> tuple[str, Receipt | Outgoing] | None:
    before = len(faults)
    if surplus:
        faults.append(f"line {number}: {abs(surplus)} cells {'too many' if surplus > 0 else 'are missing'}")
        return None
    currency, kind = row["currency"], row.get("kind") or "receipt"
    amount = money.minor(row["amount"], currency) if len(row["amount"]) <= 20 else None
    if not _CURRENCY.fullmatch(currency):
        faults.append(f"line {number}: {currency[:10]!r} is no currency code of three capitals")
    elif amount is None or not 0 < amount <= INTEGER_ABS_MAX:
        faults.append(f"line {number}: {row['amount'][:30]!r} is no amount of {currency} above 0, such as 1250.00")
    if kind not in KINDS:
        faults.append(f"line {number}: the kind {kind[:20]!r} is none of {', '.join(KINDS)}")
    if real_date(row["booked_on"]) is None:
        faults.append(f"line {number}: booked_on {row['booked_on'][:20]!r} is no date such as 2026-04-01")
    for column, most in (("ref", 80), ("account", 34), ("id", limits.BANK_ID_CHARS_MAX)):
        said = row.get(column, "")
        if (not said and column != "id") or len(said) > most or clean(said) != said:
            faults.append(f"line {number}: {column} is empty, longer than {most} characters, or not plain text")
    if len(faults) > before or amount is None:
        return None
    return row["account"], _told(row, kind, amount)


def _told(row: dict[str, str], kind: str, amount: int) -> Receipt | Outgoing:
    party, text = clean(row.get("payer", ""), limits.BANK_NAME_CHARS_MAX), clean(row.get("text", ""))
    if kind in {"receipt", "taken-back"}:
        invoice = clean(row.get("invoice", ""), limits.BANK_ID_CHARS_MAX)
        return Receipt(
            ref=row["ref"],
            amount_minor=amount if kind == "receipt" else -amount,
            currency=row["currency"],
            booked_on=row["booked_on"],
            payer=party,
            text=text,
            invoices=(invoice,) if invoice else (),
        )
    return Outgoing(
        ref=row["ref"],
        amount_minor=amount,
        currency=row["currency"],
        booked_on=row["booked_on"],
        id=row.get("id", ""),
        payee=party,
        text=text,
        returned=kind == "returned",
        reason=clean(row.get("reason", ""), limits.BANK_ID_CHARS_MAX),
    )
