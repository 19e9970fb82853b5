"""holdgate invoice: an invoice as a document that may be given out, or why it may not."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.console import Console

from holdgate.adapters.new_file import write_new
from holdgate.cli.open_books import open_books
from holdgate.crypto.hashes import digest
from holdgate.invoicing.issuing import Issued, Refused, issue
from holdgate.invoicing.profiles import FORMATS
from holdgate.invoicing.reading import invoice_from
from holdgate.invoicing.validate import Validator
from holdgate.pay import books
from holdgate.pay.invoice import Invoice
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import INVOICE_BYTES_MAX

REFUSED = 1


def invoice(
    what: str,
    *,
    data: Path | None = None,
    wanted: Annotated[str, Parameter(name="--format")] = "",
    out: Path = Path(),
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Write an invoice as a document, once it holds every rule; else say which rules it does not hold, and write nothing.

    Parameters
    ----------
    what
        The number of an invoice or credit note on the shop's ledger; without --data a file with an invoice as JSON.
    data
        The shop's directory.
    wanted
        ubl, cii, facturx or pdf; without it the first that the countries of seller and buyer take.
    out
        The folder to write it to. The same invoice gives the same bytes.
    json
        One JSON document.
    """
    if wanted and wanted not in FORMATS:
        raise Malformed(f"--format is one of {', '.join(FORMATS)}")
    with Validator() as validator:
        made = issue(invoice_of(what, data), validator, wanted)
    if isinstance(made, Refused):
        _tell_refused(made, json=json)
        return REFUSED
    path = out / made.name
    _write(path, made.data)
    _tell(made, path, json=json)
    return 0


def invoice_of(what: str, data: Path | None) -> Invoice:
    """The invoice that is asked for: by its number in a shop's books, or from a file.

    Raises:
        Malformed: there is no such file, or it holds none. Unavailable: the books know none of this number, or something has to be
            registered first.
    """
    if data is not None:
        opened = open_books(data)
        return books.invoice_of(opened.books, what, opened.day)
    path = Path(what)
    if not path.is_file():
        raise Malformed(f"there is no file {what}; name one that holds an invoice as JSON, or a number with --data")
    with path.open("rb") as file:
        return invoice_from(file.read(INVOICE_BYTES_MAX + 1))


def _write(path: Path, data: bytes) -> None:
    """Anew, unless the very same document lies there already."""
    if not (path.is_file() and path.read_bytes() == data):
        write_new(path, data)


def _tell(made: Issued, path: Path, *, json: bool) -> None:
    if json:
        told = {"file": str(path), "format": made.format, "held": made.held, "sha256": str(digest(made.data))}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        return
    console = Console(highlight=False)
    console.print(f"{path}: {len(made.data)} bytes, SHA-256 {digest(made.data)}", soft_wrap=True, markup=False)
    for rules in made.held:
        console.print(f"  held against {rules}", soft_wrap=True, markup=False)


def _tell_refused(refused: Refused, *, json: bool) -> None:
    if json:
        sys.stdout.write(msgspec.json.encode(refused).decode() + "\n")
        return
    console = Console(highlight=False)
    console.print("Refused; nothing was written.", soft_wrap=True)
    for fault in refused.faults:
        console.print(f"  {fault}", soft_wrap=True, markup=False)
