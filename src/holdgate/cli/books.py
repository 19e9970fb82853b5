"""holdgate books: what the business hub's ledger says about money. Nothing is recorded here."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter
from msgspec.structs import asdict
from rich.console import Console
from rich.text import Text

from holdgate.adapters.host import HostClock
from holdgate.cli.open_books import open_books
from holdgate.pay.books import missing_for, owed
from holdgate.pay.export import accounting_csv, trial_balance
from holdgate.pay.export import beancount as beancount_text
from holdgate.terms import money

books = App(name="books", help="Read a shop's books from its ledger.", result_action="return_value")
Json = Annotated[bool, Parameter(negative=())]
_STYLES: Final = {
    "overdue": "bold red",
    "disputed": "yellow",
    "overpaid": "yellow",
    "failed": "bold red",
    "paid": "green",
}


@books.command
def trial(*, data: Path, json: Json = False) -> int:
    """Show every account with its balance; those of each currency sum to 0.

    Parameters
    ----------
    data
        The shop's directory.
    json
        One JSON document.
    """
    found = open_books(data).books
    if json:
        rows = [
            {"account": list(account), "currency": currency, "amount_minor": size}
            for (account, currency), size in found.balances().items()
        ]
        sys.stdout.write(msgspec.json.encode(rows).decode() + "\n")
        return 0
    sys.stdout.write(trial_balance(found) if found.transactions else "Nothing is booked yet.\n")
    return 0


@books.command
def beancount(*, data: Path) -> int:
    """Write the books in Beancount's format; `bean-check` reads it.

    Parameters
    ----------
    data
        The shop's directory.
    """
    opened = open_books(data)
    sys.stdout.write(beancount_text(opened.books, opened.day))
    return 0


@books.command
def csv(*, data: Path) -> int:
    """Write the books as CSV, a line a posting, each with the ledger's entry that it comes from.

    Parameters
    ----------
    data
        The shop's directory.
    """
    opened = open_books(data)
    sys.stdout.write(accounting_csv(opened.books, opened.day))
    return 0


@books.command
def invoices(*, data: Path, today: str = "", json: Json = False) -> int:
    """List invoices and credit notes: what each comes to, what is owed on it, and what is missing before it can be written.

    Parameters
    ----------
    data
        The shop's directory.
    today
        The day (2026-04-01) on which something is overdue or not (default: this one).
    json
        One JSON document.
    """
    opened = open_books(data)
    due = {row.bill.number: row for row in owed(opened.books, today or opened.day(HostClock().now()), opened.day)}
    rows: list[dict[str, Any]] = []
    for bill in opened.books.invoices():
        row = due.get(bill.number)
        status = "credit note" if bill.corrects else "settled" if row is None else row.status
        rows.append(
            asdict(bill)
            | {"gross_minor": bill.gross_minor, "issued_on": opened.day(bill.at), "status": status}
            | {"due_on": "" if row is None else row.due_on, "open_minor": 0 if bill.corrects else bill.open_minor}
            | {"missing": missing_for(opened.books, bill)}
        )
    if json:
        sys.stdout.write(msgspec.json.encode(rows).decode() + "\n")
        return 0
    console = Console(highlight=False)
    for told in rows:
        console.print(_invoice_line(told), soft_wrap=True)
        for sentence in told["missing"]:
            console.print(Text(f"  {sentence}", "yellow"), soft_wrap=True)
    if not rows:
        console.print("No invoice went out yet.")
    return 0


def _invoice_line(row: dict[str, Any]) -> Text:
    amount = money.show(row["gross_minor"], row["currency"])
    about = f"{row['number']}  {row['issued_on']}  {row['client']:<16}{row['order']} {row['item']:<12}{amount:>16}  "
    due = f", due on {row['due_on']}" if row["due_on"] else f", on {row['corrects']}" if row["corrects"] else ""
    left = (
        f", {money.show(row['open_minor'], row['currency'])} open"
        if row["open_minor"] not in (0, row["gross_minor"])
        else ""
    )
    return Text.assemble(about, (row["status"], _STYLES.get(row["status"], "")), f"{due}{left}")


@books.command
def payouts(*, data: Path, json: Json = False) -> int:
    """List payouts: what each comes to, to whom, and whether it is due, with the bank, paid, failed or taken back.

    Parameters
    ----------
    data
        The shop's directory.
    json
        One JSON document.
    """
    payables = open_books(data).books.money.payables.values()
    if json:
        sys.stdout.write(msgspec.json.encode(list(payables)).decode() + "\n")
        return 0
    console = Console(highlight=False)
    for one in payables:
        run = f" in {one.run}" if one.run else ""
        about = f"{one.number}  {one.payee:<16}{one.order}/{one.job} {one.rule:<12}"
        shown = money.show(one.amount_minor, one.currency)
        console.print(
            Text.assemble(f"{about}{shown:>16}  ", (one.status, _STYLES.get(one.status, "")), run), soft_wrap=True
        )
    if not payables:
        console.print("No payout was released yet.")
    return 0
