"""Printing: what the web needs of the typesetter, which it never imports itself; and the papers that were made before.

A process that has it installed hands the printer in; without it reports are read on their pages, and made with `holdgate report`.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from holdgate.query.registers import Registers
from holdgate.query.report_content import report_content
from holdgate.query.report_facts import ReportContent
from holdgate.web.face import Face

Printer = Callable[[ReportContent, str], bytes]
"""What a report says, and which paper of it (`report`, `certificate-3.1`, `conformity`), to a PDF."""
KEPT: Final = 16
"""Papers that are kept ready: whoever downloads one often does so again."""


class Printing:
    """Makes the papers of one site, one at a time, off the event loop."""

    def __init__(self, face: Face, printer: Printer) -> None:
        self._face = face
        self._printer = printer
        self._registers = Registers()
        self._turn = asyncio.Lock()
        self._made: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()

    async def paper(self, order: str, report: str, kind: str) -> bytes | None:
        """The paper of an order's report; None where the order has no such report.

        Raises:
            Malformed: a certificate that the results do not bear. Tampered: the record cannot be read.
        """
        places = [*self._face.chronicle_of(order)]
        async with self._turn:
            return await asyncio.to_thread(self._make, places, order, report, kind)

    def _make(self, places: Sequence[tuple[int, int]], order: str, report: str, kind: str) -> bytes | None:
        record, registers = self._face.record(), self._registers
        registers.catch_up(record)
        issue = registers.reports.get(report)
        if issue is None or issue.event.order != order:
            return None
        key = (report, kind, registers.replaced.get(report, ""))
        found = self._made.get(key)
        if found is None:
            content = report_content(record, registers, places, report, registers.parties(issue.seq))
            found = self._made[key] = self._printer(content, kind)
            if len(self._made) > KEPT:
                self._made.popitem(last=False)
        return found
