"""cross: what one log took in of another has to be what the other shows."""

from collections.abc import Callable, Sequence

from holdgate.audit.replay import Finding, LogReport
from holdgate.ledger.merkle import root_of

Leaves = Callable[[str, int], list[bytes] | None]
"""The first so many recorded leaf hashes of a log, by its origin; None where that log is not at hand."""


def compare_imports(reports: Sequence[LogReport], leaves: Leaves) -> None:
    """Compare every import with the log that it came from, and add what does not agree to the importer's findings.

    Two logs that each hold together can still tell two stories; the signed checkpoint inside the import and the log that is
    shown are then the proof.
    """
    for report in reports:
        for origin, taken in report.imports.items():
            found = leaves(origin, taken.size)
            if found is None:
                continue
            if len(found) < taken.size:
                what = f"it took in {taken.size} entries of {origin}, which shows only {len(found)} here"
            elif root_of(found).hex() != taken.root:
                what = (
                    f"the first {taken.size} entries of {origin} that it took in are not the ones that {origin} shows"
                )
            else:
                continue
            report.findings = [*report.findings, Finding(what=what)]
