"""What travels inside a report, so that whoever holds it can check it without asking: its entry, the receipt of it, its content."""

from typing import NamedTuple

import msgspec

from holdgate.ledger.merkle import inclusion_path
from holdgate.ledger.note import parse_checkpoint
from holdgate.ledger.proof import write_proof
from holdgate.query.record import Record
from holdgate.query.registers import Issue
from holdgate.query.report_facts import ReportContent
from holdgate.terms import canon
from holdgate.terms.errors import Unavailable


class Enclosed(NamedTuple):
    """A file for the inside of a report."""

    name: str
    data: bytes
    mime: str
    says: str


def enclosures(record: Record, issue: Issue, checkpoint: bytes, content: ReportContent) -> tuple[Enclosed, ...]:
    """The files for a report.

    Args:
        record: of the business hub.
        issue: where the report was issued.
        checkpoint: signed, of this log; the receipt proves the entry against it.
        content: what the report says.

    Raises:
        Malformed: the checkpoint cannot be read. Unavailable: it does not cover the report yet.
    """
    size = parse_checkpoint(checkpoint).size
    body = record.body(issue.seq)
    if size <= issue.seq or body is None:
        raise Unavailable(
            f"the checkpoint covers {size} entries, and the report stands in entry {issue.seq}: try again later"
        )
    leaves = [leaf for seq, leaf, _ in record.rows(0) if seq < size]
    receipt = write_proof(issue.seq, inclusion_path(leaves, issue.seq), checkpoint)
    spelled = msgspec.json.format(canon.encode(content), indent=1) + b"\n"
    return (
        Enclosed(
            "entry.json", body, "application/json", "The entry of the record that issued this report, byte for byte"
        ),
        Enclosed(
            "entry.tlog-proof", receipt, "text/plain", "The receipt: this entry is in the log, by its signed checkpoint"
        ),
        Enclosed("content.json", spelled, "application/json", "What the report says, for programs"),
    )
