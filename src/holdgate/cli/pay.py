"""holdgate pay: a payment order as a file for the bank, and what a bank's file says. Nothing is recorded here."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import App, Parameter
from msgspec.structs import asdict
from rich.console import Console
from rich.text import Text

from holdgate.adapters.host import HostClock
from holdgate.adapters.new_file import write_new
from holdgate.adapters.sqlite_payloads import FILE, SqlitePayloads
from holdgate.cli.open_books import open_books, payees_of
from holdgate.crypto.hashes import digest
from holdgate.pay.books import ACCOUNT, Payee, payment_order
from holdgate.pay.matching import Outgoing, incoming, outgoing
from holdgate.pay.payment import PaymentOrder, PaymentResult, Receipt
from holdgate.terms import canon, money
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.limits import PAYMENT_ORDER_BYTES_MAX, PAYMENTS_MAX, RESULTS_MAX
from holdgate.terms.party import Account, account_fault

FAILED = 1
pay = App(name="pay", help="Write a payment order for a bank, and read what a bank sent.", result_action="return_value")
_MISSING = "Files for banks need an optional package: pip install 'holdgate[banking]'"


@pay.command(name="file")
def file_(
    order: str,
    /,
    *,
    data: Path | None = None,
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
        A payment run on the shop's ledger; without --data a file with a payment order as JSON.
    data
        The shop's directory.
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
    ordered = _order(Path(order)) if data is None else order_of(data, order)
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


def order_of(data: Path, run: str) -> PaymentOrder:
    """A payment run of a shop's ledger.

    Raises:
        Unavailable: there is no such run, or an account is not on record or not kept any more.
    """
    books = open_books(data).books
    return payment_order(books, run, payees_of(data, books, run))


@pay.command
def account(
    owner: str,
    /,
    *,
    data: Path,
    name: str,
    iban: str = "",
    bic: str = "",
    routing: str = "",
    number: str = "",
) -> int:
    """Keep a person's bank account off the record, sealed, and print the commitment that account.register signs.

    Parameters
    ----------
    owner
        The person's SMART-ID.
    data
        The shop's directory.
    name
        Their name as the bank has it.
    iban
        The account, in Europe.
    bic
        Its bank, where a bank asks for it.
    routing
        The bank of a US account.
    number
        The number of a US account.
    """
    fault = account_fault(iban, routing, number)
    if fault or not (iban or routing):
        raise Malformed(f"{owner}'s account: {fault or 'name it by --iban, or by --routing and --number'}")
    payee = Payee(name=name, account=Account(iban=iban, bic=bic, routing=routing, number=number))
    with closing(SqlitePayloads(data / FILE)) as store:
        now = HostClock().now()
        commitment = store.put(canon.encode(payee), kind=ACCOUNT, owner=owner, by=owner, at=now)
    sys.stdout.write(f"{commitment}\nSign it, together with finance: account.register owner={owner} commitment=…\n")
    return 0


@pay.command
def read(
    file: Path,
    /,
    *,
    order: str = "",
    data: Path | None = None,
    out: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Say what a bank's file says: pain.002, ACH returns, camt.053, or a statement as CSV.

    Parameters
    ----------
    file
        What the bank sent; which format it is stands in it.
    order
        The payment run (with --data) or payment order (JSON) that it may answer: then say what became of each payment, and what
        does not fit.
    data
        The shop's directory: then say which acts put it on the record, and what fits nothing there.
    out
        With --data: write the fields of each act into this folder, for `holdgate act prepare --fields`.
    json
        One JSON document.
    """
    try:
        from holdgate.banking.outcome import of_statement, settle  # noqa: PLC0415
        from holdgate.banking.reading import read as read_bank  # noqa: PLC0415
        from holdgate.banking.results import Results  # noqa: PLC0415
        from holdgate.terms.limits import BANK_FILE_BYTES_MAX  # noqa: PLC0415 - an optional package
    except ImportError as error:
        raise Unavailable(_MISSING) from error
    raw = _bytes(file, BANK_FILE_BYTES_MAX)
    said = read_bank(raw)
    outcome = None
    if order:
        ordered = _order(Path(order)) if data is None else order_of(data, order)
        outcome = settle(ordered, said if isinstance(said, Results) else of_statement(said))
    if json:
        document: dict[str, Any] = {"file": asdict(said), "outcome": None if outcome is None else asdict(outcome)}
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    else:
        console = Console(highlight=False)
        for line in _results(said) if isinstance(said, Results) else _statement(said):
            console.print(Text(line), soft_wrap=True)
        for line in [] if outcome is None else _outcome(outcome):
            console.print(Text(line), soft_wrap=True)
    lost = 0
    if data is not None:
        receipts = () if isinstance(said, Results) else said.receipts
        results = () if outcome is None else outcome.results
        lost = _prepare(data, str(digest(raw)), order, receipts, results, out)
    return FAILED if lost or (outcome is not None and outcome.unmatched) else 0


def _prepare(
    data: Path,
    sha256: str,
    run: str,
    receipts: tuple[Receipt, ...],
    results: tuple[PaymentResult, ...],
    out: Path | None,
) -> int:
    """Say which acts put it on the record, and write their fields; how much fits nothing."""
    books = open_books(data).books
    came = incoming(books, receipts)
    went = outgoing(books, run, results) if run else Outgoing((), ())
    acts: list[tuple[str, dict[str, Any]]] = [
        ("payment.record", {"statement": sha256, "payments": came.payments[at : at + PAYMENTS_MAX]})
        for at in range(0, len(came.payments), PAYMENTS_MAX)
    ]
    acts += [
        ("payment.result", {"run": run, "file": sha256, "results": went.results[at : at + RESULTS_MAX]})
        for at in range(0, len(went.results), RESULTS_MAX)
    ]
    console = Console(highlight=False, stderr=True)
    for number, (act, fields) in enumerate(acts, 1):
        console.print(f"{act}: {len(fields.get('payments') or fields['results'])} to put on the record", soft_wrap=True)
        if out is not None:
            write_new(out / f"{number}-{act}.json", msgspec.json.format(canon.encode(fields)) + b"\n")
    for one in (*came.unmatched, *went.unmatched):
        console.print(Text(f"not taken: {one.ref}: {one.why}", "yellow"), soft_wrap=True)
    return len(came.unmatched) + len(went.unmatched)


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
        return msgspec.json.decode(_bytes(path, PAYMENT_ORDER_BYTES_MAX), type=PaymentOrder, strict=True)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"{path} is no payment order: {error}") from None


def _bytes(path: Path, most: int) -> bytes:
    with path.open("rb") as source:
        raw = source.read(most + 1)
    if len(raw) > most:
        raise Malformed(f"{path} has more than {most} bytes")
    return raw
