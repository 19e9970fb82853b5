"""holdgate pay: a payment order as a file for the bank, and what a bank's file says. Nothing is recorded here."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import App, Parameter
from msgspec.structs import asdict
from rich.console import Console
from rich.text import Text

from holdgate.adapters.new_file import write_new
from holdgate.pay.payment import PaymentOrder
from holdgate.terms import money
from holdgate.terms.errors import Malformed, Unavailable

FAILED = 1
ORDER_BYTES_MAX = 4_194_304
pay = App(name="pay", help="Write a payment order for a bank, and read what a bank sent.", result_action="return_value")
_MISSING = "Files for banks need an optional package: pip install 'holdgate[banking]'"


@pay.command(name="file")
def file_(
    order: Path,
    /,
    *,
    format_: Annotated[Literal["pain.001", "nacha"], Parameter(name="--format")],
    out: Path,
    entry_class: Annotated[Literal["PPD", "CCD"], Parameter(name="--class")] = "PPD",
    company_id: str = "",
    origin: str = "",
) -> int:
    """Write the file for the bank: the same order gives the same bytes. It is read back and held against the order first.

    Parameters
    ----------
    order
        A payment order as JSON.
    format_
        pain.001: SEPA credit transfers in EUR (pain.001.001.09). nacha: ACH credits in USD.
    out
        The new file.
    entry_class
        Of an ACH file: PPD pays persons, CCD pays companies.
    company_id
        Of an ACH file: what the bank assigned (default: 1 and the debtor's EIN).
    origin
        Of an ACH file: the immediate origin that the bank assigned (default: the company id).
    """
    try:
        from holdgate.banking import nacha, pain001  # noqa: PLC0415 - an optional package
    except ImportError as error:
        raise Unavailable(_MISSING) from error
    ordered = _order(order)
    if format_ == "pain.001":
        raw = pain001.write(ordered)
    else:
        raw = nacha.write(ordered, entry_class, nacha.Agreement(company_id=company_id, origin=origin))
    write_new(out, raw)
    total = money.show(sum(payment.amount_minor for payment in ordered.payments), ordered.currency)
    count = len(ordered.payments)
    sys.stdout.write(
        f"{out}: {count} payment{'s' * (count != 1)}, {total}, on {ordered.pay_on}; read back and compared.\n"
    )
    return 0


@pay.command
def read(
    file: Path,
    /,
    *,
    order: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Say what a bank's file says: pain.002, ACH returns, camt.053, or a statement as CSV.

    Parameters
    ----------
    file
        What the bank sent; which format it is stands in it.
    order
        The payment order (JSON) that it may answer: then say what became of each payment, and what does not fit.
    json
        One JSON document.
    """
    try:
        from holdgate.banking.limits import FILE_BYTES_MAX  # noqa: PLC0415 - an optional package
        from holdgate.banking.outcome import of_statement, settle  # noqa: PLC0415
        from holdgate.banking.reading import read as read_bank  # noqa: PLC0415
        from holdgate.banking.results import Results  # noqa: PLC0415
    except ImportError as error:
        raise Unavailable(_MISSING) from error
    said = read_bank(_bytes(file, FILE_BYTES_MAX))
    outcome = None
    if order is not None:
        outcome = settle(_order(order), said if isinstance(said, Results) else of_statement(said))
    if json:
        document: dict[str, Any] = {"file": asdict(said), "outcome": None if outcome is None else asdict(outcome)}
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    else:
        console = Console(highlight=False)
        for line in _results(said) if isinstance(said, Results) else _statement(said):
            console.print(Text(line), soft_wrap=True)
        for line in [] if outcome is None else _outcome(outcome):
            console.print(Text(line), soft_wrap=True)
    return FAILED if outcome is not None and outcome.unmatched else 0


def _results(said: Any) -> list[str]:
    answers = f", answers {said.original}" if said.original else ""
    lines = [f"{said.kind} {said.id}{answers}: {len(said.said)} transfers told of."]
    lines += [
        f"all of {g.id}: {g.status} ({g.code}) {g.reason}".rstrip()
        for g in (said.message, *said.batches)
        if g and g.code
    ]
    lines += [
        " ".join(part for part in (one.id, one.status, one.reason, one.says, _amount(one)) if part) for one in said.said
    ]
    lines += [f"{one.id} correct before the next payment: {one.code} {one.corrected}" for one in said.changes]
    return [*lines, *said.other]


def _statement(said: Any) -> list[str]:
    lines: list[str] = []
    for booked in said.accounts:
        unbooked = f"; {booked.unbooked} entries are not booked yet" if booked.unbooked else ""
        moved = len(booked.receipts) + len(booked.outgoing)
        name = f"{said.kind} {booked.id}".rstrip()
        lines.append(f"{name}, account {booked.account}: {moved} movement{'s' * (moved != 1)}{unbooked}.")
        for one in booked.receipts:
            found = f" [{', '.join(one.invoices)}]" if one.invoices else ""
            lines.append(f"{one.booked_on} {_amount(one):>16}  {one.ref}  {one.payer}: {one.text}{found}")
        for one in booked.outgoing:
            what = f"came back {one.reason}".rstrip() if one.returned else "paid"
            lines.append(f"{one.booked_on} {_amount(one):>16}  {one.ref}  {what} {one.id} {one.payee}: {one.text}")
        lines += booked.notes
    return lines


def _outcome(outcome: Any) -> list[str]:
    lines = ["Of this order:"]
    lines += [f"{one.id}: {one.status} {one.reason}".rstrip() for one in outcome.results]
    lines += [f"{one.id}: account data to correct: {one.code} {one.corrected}" for one in outcome.changes]
    return [*lines, *(f"not taken: {one.id or 'without an id'} ({one.status}): {one.why}" for one in outcome.unmatched)]


def _amount(one: Any) -> str:
    return "" if one.amount_minor is None else money.show(one.amount_minor, one.currency)


def _order(path: Path) -> PaymentOrder:
    try:
        return msgspec.json.decode(_bytes(path, ORDER_BYTES_MAX), type=PaymentOrder, strict=True)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"{path} is no payment order: {error}") from None


def _bytes(path: Path, most: int) -> bytes:
    with path.open("rb") as source:
        raw = source.read(most + 1)
    if len(raw) > most:
        raise Malformed(f"{path} has more than {most} bytes")
    return raw
