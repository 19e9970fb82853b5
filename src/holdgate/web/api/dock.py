"""The dock: what a scanner typed becomes a part, what a reader signed becomes an arrival, and the answer is one word to act on."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Protocol

from msgspec import Meta, Struct

from holdgate.law import event as ev
from holdgate.law.decision import Decision
from holdgate.law.denial import remedy, sentence
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import TEXT_CHARS_MAX
from holdgate.web.grammar import Id
from holdgate.web.operation import Call, Operation, anybody, floor
from holdgate.web.problem import Problem, refused

GO, HOLD, NO = "go", "hold", "no"


class Mark(Protocol):
    """The part that a mark names. `rev`: None where the mark carries none."""

    @property
    def part_no(self) -> str:
        """The part number."""
        ...

    @property
    def serial(self) -> str:
        """The serial."""
        ...

    @property
    def rev(self) -> str | None:
        """The revision."""
        ...


ReadMark = Callable[[str], Mark]


class Typed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a scanner typed."""

    text: Annotated[str, Meta(max_length=TEXT_CHARS_MAX)]


class Part(Struct, frozen=True, kw_only=True):
    """A part as its mark names it."""

    part_no: str
    serial: str
    rev: str | None = None


class ByReader(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A reader."""

    id: Id


class Counter(Struct, frozen=True, kw_only=True):
    """The last counter of a reader that the gate has seen."""

    last: int


class Scanned(Struct, frozen=True, kw_only=True):
    """What came of a scan. `came`: go, hold or no; `seq`: its entry (-1: it is only counted so far)."""

    came: str
    says: str
    helps: str
    seq: int
    order: str = ""
    codes: tuple[str, ...] = ()


class Dock:
    """The gate's rows. `read`: reads a part mark."""

    def __init__(self, read: ReadMark) -> None:
        self._read = read

    def mark(self, call: Call) -> Part | Problem:
        """The part that a mark names."""
        try:
            found = self._read(call.body.text)
        except Malformed as error:
            return refused(str(error))
        return Part(part_no=found.part_no, serial=found.serial, rev=found.rev)

    def counter(self, call: Call) -> Counter:
        """Where a reader's counter stands."""
        return Counter(last=call.face.state.readers.get(call.asks.id, 0))

    async def scan(self, call: Call) -> Scanned:
        """Hand in a reader's signed broadcast; the answer is one word and what to do."""
        source = f"http:{call.raw.client.host}" if call.raw.client is not None else "http"
        answer = await call.face.act(call.body, (), source)
        return _scanned(answer.decision, answer.seq)

    def operations(self) -> Sequence[Operation]:
        """The rows of the API's table."""
        kinds = ("floor_hub",)
        return (
            Operation("POST", "/api/marks", "Read a part mark", self.mark, Part, body=Typed, who=floor, kinds=kinds),
            Operation(
                "GET",
                "/api/readers/{id}",
                "A reader's counter",
                self.counter,
                Counter,
                ByReader,
                None,
                floor,
                kinds=kinds,
            ),
            Operation("POST", "/api/scans", "Hand in a scan", self.scan, Scanned, body=bytes, who=anybody, kinds=kinds),
        )


def _scanned(decision: Decision, seq: int) -> Scanned:
    """The word for the person at the dock: parts that count go, or wait for the others; parts that do not are set aside."""
    facts: dict[type[Any], Any] = {type(event): event for event in decision.events}
    recorded, released = facts.get(ev.ArrivalRecorded), facts.get(ev.OrderReleased)
    denials = decision.denials
    says = " ".join(dict.fromkeys(sentence(denial) for denial in denials))
    helps = " ".join(dict.fromkeys(remedy(denial) for denial in denials))
    codes = tuple(denial.code for denial in denials)
    if released is not None:
        whole = "All parts are here." if released.complete else "These parts may go on."
        return Scanned(came=GO, says=f"{whole} On to {released.node}.", helps="", seq=seq, order=released.order)
    if recorded is not None:
        says = says or f"Here for {recorded.order}."
        return Scanned(
            came=HOLD, says=says, helps=helps or "Scan the other parts.", seq=seq, order=recorded.order, codes=codes
        )
    if ev.ArrivalKept in facts:
        kept = facts[ev.ArrivalKept]
        says = f"{kept.order} is not known here yet."
        return Scanned(
            came=HOLD, says=says, helps="Set the parts aside until it is.", seq=seq, order=kept.order, codes=codes
        )
    return Scanned(came=NO, says=says, helps=helps, seq=seq, codes=codes)
