"""Papers over the API: the PDF of a report or certificate, for whoever sees its order."""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct
from starlette.responses import Response

from holdgate.web.grammar import Id
from holdgate.web.operation import Call, Operation, person
from holdgate.web.printing import Printing
from holdgate.web.problem import Problem, missing
from holdgate.web.sight import order_of

PDF: Final = "application/pdf"
NO_REPORT: Final = "no report of this number is on this order"


class ByReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A report of an order. `kind`: which paper of it."""

    order: Id
    report: Id
    kind: Literal["report", "certificate-3.1", "conformity"] = "report"


class Papers:
    """Gives papers out. `printing`: None where the typesetter is not installed, and there are none."""

    def __init__(self, printing: Printing | None) -> None:
        self._printing = printing

    async def give(self, call: Call) -> Response | Problem:
        """The PDF of a report: the same bytes as `holdgate report` makes from the record."""
        order = order_of(call.face, call.asker, call.asks.order)
        if isinstance(order, Problem):
            return order
        if self._printing is None:
            return missing("papers are not made here: the extra `paper` is not installed; read the report on its page")
        made = await self._printing.paper(order.id, call.asks.report, call.asks.kind)
        if made is None:
            return missing(NO_REPORT)
        mark = "" if call.asks.kind == "report" else f"-{call.asks.kind}"
        headers = {
            "Content-Disposition": f'attachment; filename="{call.asks.report}{mark}.pdf"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        }
        return Response(made, media_type=PDF, headers=headers)

    def operations(self) -> Sequence[Operation]:
        """The rows of the API's table."""
        return (
            Operation(
                "GET",
                "/api/orders/{order}/reports/{report}",
                "A report as a PDF",
                self.give,
                asks=ByReport,
                who=person,
                media=PDF,
                kinds=("business_hub",),
            ),
        )
