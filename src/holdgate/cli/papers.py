"""The papers of the demonstration's order: report under its seal, invoice, payment file; made from a closed shop's record alone."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from holdgate.adapters.new_file import write_new
from holdgate.adapters.zones import wall_clock
from holdgate.cli.invoice import invoice_of
from holdgate.cli.pay import order_of
from holdgate.cli.reading import open_logs
from holdgate.cli.report import report_content_of
from holdgate.crypto.hashes import digest
from holdgate.demo.story import REPORT, RUN
from holdgate.demo.tell import Line, Teller
from holdgate.terms import money
from holdgate.terms.errors import InvariantBroken

FOLDER: Final = "papers"
INVOICE: Final = "I-000001"


class Paper(NamedTuple):
    """A file, and what it was held against."""

    name: str
    data: bytes
    says: str


def tell_papers(directory: Path, at: int, tell: Teller) -> None:
    """Make the papers of the story into a folder of the shop's, and tell of each; without the packages for it, say so.

    Args:
        directory: the closed shop's.
        at: when the report is sealed (UTC µs).
        tell: who tells it.

    Raises:
        InvariantBroken: an invoice does not hold its rules, or a seal does not.
    """
    try:
        papers = [*_papers(directory, at)]
    except ImportError as error:
        says = f"No papers here: {error.name} is not installed; install holdgate[paper,invoicing,banking]."
        tell.say(Line(kind="note", text=says))
        return
    for paper in papers:
        place = directory / FOLDER / paper.name
        write_new(place, paper.data)
        data: dict[str, object] = {"file": f"{FOLDER}/{paper.name}", "sha256": str(digest(paper.data))}
        tell.say(Line(kind="done", text=f"{FOLDER}/{paper.name}: {paper.says}", data=data))


def _papers(directory: Path, at: int) -> Iterator[Paper]:
    yield _report(directory, at)
    yield _invoice(directory)
    yield _payment(directory)


def _report(directory: Path, at: int) -> Paper:
    from holdgate.paper.report import report_pdf  # noqa: PLC0415  # optional: the extra `paper`
    from holdgate.paper.seal import Attachment, check_seal, make_seal, open_seal, seal_pdf  # noqa: PLC0415

    with open_logs(directory) as logs:
        content, enclosed = report_content_of(logs, REPORT, proof=True)
    made = report_pdf(content, partial(wall_clock, tz=content.zone))
    seal = make_seal("Example NDT & Materials Lab", at)
    sealed = seal_pdf(made, open_seal(seal), at, f"Report {REPORT}", [Attachment(*item) for item in enclosed])
    checked = check_seal(sealed, [seal.certificate])
    if not checked.trusted:
        raise InvariantBroken("the seal on the report is not the one that was made for it")
    inside = f"{len(checked.attachments)} files of proof inside"
    return Paper(f"{REPORT}.pdf", sealed, f"the report, sealed; {inside}; the seal holds")


def _invoice(directory: Path) -> Paper:
    from holdgate.invoicing.issuing import Refused, issue  # noqa: PLC0415  # optional: the extra `invoicing`
    from holdgate.invoicing.validate import Validator  # noqa: PLC0415

    invoice = invoice_of(INVOICE, directory)
    with Validator() as validator:
        issued = issue(invoice, validator)
    if isinstance(issued, Refused):
        raise InvariantBroken(f"the invoice does not hold: {issued.faults[0]}")
    amount = money.show(invoice.gross_minor, invoice.currency)
    return Paper(issued.name, issued.data, f"invoice over {amount}, due on {invoice.due_on}, held against its rules")


def _payment(directory: Path) -> Paper:
    from holdgate.banking import nacha  # noqa: PLC0415  # optional: the extra `banking`

    order = order_of(directory, RUN)
    total = money.show(sum(payment.amount_minor for payment in order.payments), order.currency)
    says = f"the bank's file (ACH) for {len(order.payments)} payment over {total}, read back and compared"
    return Paper(f"{RUN}.ach", nacha.write(order), says)
