"""Drafts of orders over the API: a buyer's file or a form goes in, drafts with their checklists come out. No act, no record."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Protocol

from msgspec import Meta, Struct
from msgspec.structs import replace
from starlette.responses import Response

from holdgate.query.imports import Fault
from holdgate.query.order_draft import Noted, OrderDraft, order_draft
from holdgate.query.order_fields import FIELDS
from holdgate.query.order_files import TEMPLATE, FileLine, OrderFile
from holdgate.query.order_look import desk_of
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import BLOB_BYTES_MAX, ORDER_ANSWER_CHARS_MAX, ORDER_SERIALS_CHARS_MAX
from holdgate.web.asker import Asker
from holdgate.web.drawer import KeptDraft
from holdgate.web.face import Face
from holdgate.web.grammar import Word
from holdgate.web.operation import Call, Operation
from holdgate.web.problem import Problem, missing, refused

OFFICE_ROLES: Final = ("project_manager", "admin", "qa")
"""Whose the office is. QA too: a contract review is signed by one of the office and one of QA."""
BINARY: Final = "application/octet-stream"
TABLE_TYPE: Final = "text/csv"
NO_DRAFT: Final = "there is no such draft; it was thrown away, or its time was over"
KINDS: Final = ("business_hub",)


class ReadsOrders(Protocol):
    """Reads what a buyer sends, and what somebody typed."""

    def file(self, raw: bytes, tz: str) -> OrderFile:
        """Read untrusted bytes; raises Malformed or Unavailable where nothing of them can be read."""
        ...

    def form(self, cells: Mapping[str, str], tz: str) -> OrderFile:
        """Read the fields of one order."""
        ...


Cell = Annotated[str, Meta(max_length=ORDER_SERIALS_CHARS_MAX)]
Answer = Annotated[str, Meta(max_length=ORDER_ANSWER_CHARS_MAX)]


class Typed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody typed of an order. `cells`: by field."""

    cells: Annotated[dict[Word, Cell], Meta(min_length=1, max_length=len(FIELDS))]


class Changed(Typed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A draft as it is to be. `answers`: by item of its checklist, what the client answered to what is asked there now."""

    answers: Annotated[dict[Word, Answer], Meta(max_length=len(FIELDS))] = {}


class Taking(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lines to take of a file that has a faulty one: their numbers, with commas between them ("": none)."""

    take: Annotated[str, Meta(pattern=r"^(?:[1-9][0-9]{0,6}(?:,[1-9][0-9]{0,6}){0,199})?$")] = ""


class ByDraft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A draft."""

    draft: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class FiledLine(Struct, frozen=True, kw_only=True):
    """One line of a file. `draft`: what it became ("": it was not taken); `faults`: why it cannot be read."""

    line: int
    order: str
    draft: str = ""
    faults: tuple[Fault, ...] = ()


class Filed(Struct, frozen=True, kw_only=True):
    """What came of a file or a form. `sound`: every line can be read."""

    kind: str
    file: str
    sound: bool
    lines: tuple[FiledLine, ...]


class DraftRow(Struct, frozen=True, kw_only=True):
    """A draft in the list. `at`: when it was laid there (UTC µs); `stops`: what staging waits for."""

    id: str
    order: str
    client: str
    part: str
    contract: str
    by: str
    at: int
    stops: tuple[str, ...]


def office(asker: Asker) -> bool:
    """The office."""
    return asker.staff and asker.holds(*OFFICE_ROLES)


def drafted(kept: KeptDraft, face: Face, now: int) -> OrderDraft:
    """A draft as the shop stands now."""
    return order_draft(kept.line, desk_of(face.state, face.library, now), kept.file, kept.answers)


def rows_of(face: Face, now: int, kept: Sequence[KeptDraft]) -> list[DraftRow]:
    """Drafts as rows; what the shop knows is looked up once for all of them."""
    desk = desk_of(face.state, face.library, now)
    found = ((one, order_draft(one.line, desk, one.file, one.answers)) for one in kept)
    return [
        DraftRow(
            id=one.id,
            order=one.order,
            client=one.line.says("client"),
            part=one.line.says("part_no"),
            contract=one.line.says("contract"),
            by=one.by,
            at=one.at,
            stops=tuple(dict.fromkeys(item.label for item in draft.stops)),
        )
        for one, draft in found
    ]


class OrderDrafts:
    """The rows of drafts. `reads`: reads files and forms; `token`: unpredictable texts."""

    def __init__(self, reads: ReadsOrders, token: Callable[[], str]) -> None:
        self._reads = reads
        self._token = token

    async def file(self, call: Call) -> Filed | Problem:
        """Read a file; its lines become drafts, all of them, or those that are named."""
        take = tuple(int(number) for number in call.asks.take.split(",") if number)
        try:
            found = await asyncio.to_thread(self._reads.file, call.body, call.face.settings.tz)
            found = _without_twins(call, found)
            return self._laid(call, found, found.taken(take))
        except Malformed as error:
            return refused(str(error))

    def form(self, call: Call) -> Filed | Problem:
        """Read a form; it becomes a draft."""
        try:
            found = _without_twins(call, self._reads.form(call.body.cells, call.face.settings.tz))
            return self._laid(call, found, found.taken())
        except Malformed as error:
            return refused(str(error))

    def change(self, call: Call) -> Filed | Problem:
        """Change a draft's fields and note answers; a form that cannot be read changes nothing."""
        now = call.face.now()
        kept = call.face.drawer.get(call.asks.draft, now)
        if kept is None:
            return missing(NO_DRAFT)
        try:
            found = self._reads.form(call.body.cells, call.face.settings.tz)
            found = _without_twins(call, found, kept.id)
        except Malformed as error:
            return refused(str(error))
        (one,) = found.lines
        if one.read is None:
            return _filed(found, {})
        line = replace(one.read, unmapped=kept.line.unmapped)
        changed = replace(kept, order=one.order, line=line, answers=_answers(drafted(kept, call.face, now), call.body))
        call.face.drawer.put([changed], now)
        call.face.desk_changed()
        return _filed(found, {one.number: kept.id})

    def drop(self, call: Call) -> Problem | None:
        """Throw a draft away."""
        if not call.face.drawer.drop(call.asks.draft):
            return missing(NO_DRAFT)
        call.face.desk_changed()
        return None

    def rows(self, call: Call) -> list[DraftRow]:
        """Every draft, the newest first."""
        now = call.face.now()
        return rows_of(call.face, now, call.face.drawer.all(now))

    def one(self, call: Call) -> OrderDraft | Problem:
        """A draft with its checklist, as the shop stands now."""
        now = call.face.now()
        kept = call.face.drawer.get(call.asks.draft, now)
        return missing(NO_DRAFT) if kept is None else drafted(kept, call.face, now)

    def template(self, _: Call) -> Response:
        """The head of an order table."""
        headers = {"Content-Disposition": 'attachment; filename="orders.csv"', "Cache-Control": "no-store"}
        return Response(TEMPLATE, media_type=TABLE_TYPE, headers=headers)

    def _laid(self, call: Call, found: OrderFile, taken: Sequence[FileLine]) -> Filed:
        now, person = call.face.now(), call.asker.person
        drafts = {
            one.number: KeptDraft(
                id=self._token(),
                order=one.order,
                line=one.read,
                file=found.file,
                by="" if person is None else person.id,
                at=now,
            )
            for one in taken
            if one.read is not None
        }
        if drafts:
            call.face.drawer.put([*drafts.values()], now)
            call.face.desk_changed()
        return _filed(found, {number: draft.id for number, draft in drafts.items()})

    def operations(self) -> Sequence[Operation]:
        """The rows of the API's table."""
        one: dict[str, Any] = {"asks": ByDraft, "who": office, "kinds": KINDS}
        return (
            Operation(
                "POST",
                "/api/order-files",
                "Read a file of purchase orders",
                self.file,
                Filed,
                Taking,
                bytes,
                office,
                takes=BINARY,
                most=BLOB_BYTES_MAX,
                kinds=KINDS,
            ),
            Operation(
                "GET",
                "/api/order-template",
                "An empty order table",
                self.template,
                who=office,
                media=TABLE_TYPE,
                kinds=KINDS,
            ),
            Operation(
                "GET", "/api/order-drafts", "Drafts of orders", self.rows, list[DraftRow], who=office, kinds=KINDS
            ),
            Operation(
                "POST", "/api/order-drafts", "Draft an order", self.form, Filed, body=Typed, who=office, kinds=KINDS
            ),
            Operation("GET", "/api/order-drafts/{draft}", "A draft with its checklist", self.one, OrderDraft, **one),
            Operation("PUT", "/api/order-drafts/{draft}", "Change a draft", self.change, Filed, body=Changed, **one),
            Operation("DELETE", "/api/order-drafts/{draft}", "Throw a draft away", self.drop, **one),
        )


def _answers(asked: OrderDraft, changed: Changed) -> dict[str, Noted]:
    """Answers with the questions that were answered: what the checklist said before the change."""
    questions = {item.name: item.says for item in asked.items if item.answerable}
    told = {name: text.strip() for name, text in changed.answers.items()}
    return {
        name: Noted(question=questions[name], answer=text) for name, text in told.items() if text and name in questions
    }


def _without_twins(call: Call, found: OrderFile, own: str = "") -> OrderFile:
    """The file, with a fault at every line whose order lies here as a draft already."""

    def held(line: FileLine) -> FileLine:
        kept = call.face.drawer.of_order(line.order, call.face.now())
        if kept is None or kept.id == own or line.read is None:
            return line
        fault = Fault(
            column="order",
            what=f"a draft of {line.order} lies here already",
            do="change that one, or throw it away first",
        )
        return replace(line, read=None, faults=(fault,))

    return replace(found, lines=tuple(held(line) for line in found.lines))


def _filed(found: OrderFile, drafts: Mapping[int, str]) -> Filed:
    lines = tuple(
        FiledLine(line=one.number, order=one.order, draft=drafts.get(one.number, ""), faults=one.faults)
        for one in found.lines
    )
    return Filed(kind=found.kind, file=found.file, sound=found.sound, lines=lines)
