"""How the story is told: on a console for people, or as one JSON line per act for programs."""

import datetime as dt
import time
import zoneinfo
from typing import Final, Protocol, TextIO

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.text import Text
from typing_extensions import override

from holdgate.demo.shop import ZONE
from holdgate.terms import instant

_MARKS: Final = {
    "done": ("\u2713", "green"),
    "refused": ("\u2717", "yellow"),
    "held": ("\u2717", "yellow"),
    "follows": ("\u2192", "cyan"),
    "verified": ("\u2713", "green"),
    "altered": ("\u2717", "red"),
    "note": (" ", "dim"),
}
_WIDTH: Final = 100


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened.

    `kind`: done, refused, held, follows (by itself), verified, altered or note. `at`: the story's time (UTC µs). `code`,
    `reason`, `remedy`: of a refusal. `site`, `entry`: where it is on the record. `data`: figures, for programs.
    """

    kind: str
    text: str
    at: int | None = None
    code: str | None = None
    reason: str | None = None
    remedy: str | None = None
    site: str | None = None
    entry: int | None = None
    data: dict[str, object] = {}


class Teller(Protocol):
    """Tells the story while it happens."""

    def begin(self, title: str, lines: tuple[str, ...]) -> None:
        """The title and what to know beforehand."""
        ...

    def act(self, title: str, at: int | None) -> None:
        """The next act begins."""
        ...

    def say(self, line: Line) -> None:
        """Something happened."""
        ...

    def end(self, *lines: str) -> None:
        """The story is over."""
        ...


class ConsoleTeller(Teller):
    """For people. `pause_s`: between acts; a tenth of it between lines."""

    def __init__(self, console: Console, pause_s: float) -> None:
        self._console = console
        self._pause_s = pause_s
        self._acts = 0
        self._day: dt.date | None = None

    @override
    def begin(self, title: str, lines: tuple[str, ...]) -> None:
        """Title and preface."""
        self._console.print()
        self._console.print(Text(title, style="bold"))
        for line in lines:
            self._console.print(Text(line, style="dim"))

    @override
    def act(self, title: str, at: int | None) -> None:
        """A heading; the day where it is a new one."""
        if self._acts:
            time.sleep(self._pause_s)
        self._acts += 1
        heading = Text.assemble("\n", (f"{self._acts:>2}  {title}", "bold"))
        moment = None if at is None else _local(at)
        if moment is not None and moment.date() != self._day:
            self._day = moment.date()
            heading.append(f"   {moment:%A} {moment.day} {moment:%B %Y}", style="dim")
        self._console.print(heading)

    @override
    def say(self, line: Line) -> None:
        """The line, with its time, its mark and what belongs to it."""
        mark, style = _MARKS[line.kind]
        clock = "" if line.at is None else f"{_local(line.at):%H:%M}"
        head = Text.assemble((f"{clock:>9}", "dim"), "  ", (mark, style), " ")
        self._hang(head, Text(line.text, style="dim" if line.kind == "note" else ""))
        margin = Text(" " * len(head))
        if line.reason is not None:
            said = "Held: " if line.kind == "held" else "Refused: "
            self._hang(margin, Text.assemble((said, style), line.reason))
        if line.remedy is not None:
            where = f"  [{line.code}; {line.site}, entry {line.entry}]"
            self._hang(margin, Text.assemble(("To go on: ", style), line.remedy, (where, "dim")))
        time.sleep(self._pause_s / 10)

    @override
    def end(self, *lines: str) -> None:
        """Where to go from here."""
        self._console.print()
        for line in lines:
            self._console.print(Text(line), soft_wrap=True)  # it may hold a command to copy

    def _hang(self, head: Text, body: Text) -> None:
        """Print the body beside the head, wrapped lines below its beginning."""
        width = min(self._console.width, _WIDTH) - len(head)
        for number, part in enumerate(body.wrap(self._console, max(width, 20))):
            self._console.print(head + part if not number else Text(" " * len(head)) + part)


class JsonTeller(Teller):
    """For programs: one JSON document per act, each on a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._acts = 0
        self._title: tuple[str, int | None] | None = None
        self._lines: list[Line] = []

    @override
    def begin(self, title: str, lines: tuple[str, ...]) -> None:
        """Nothing: the acts speak for themselves."""

    @override
    def act(self, title: str, at: int | None) -> None:
        """The last act is complete."""
        self._flush()
        self._acts += 1
        self._title = (title, at)

    @override
    def say(self, line: Line) -> None:
        """Kept until the act is complete."""
        self._lines.append(line)

    @override
    def end(self, *lines: str) -> None:
        """The last act."""
        self._flush()

    def _flush(self) -> None:
        if self._title is None:
            return
        title, at = self._title
        lines = [_plain(line) for line in self._lines]
        act = {"act": self._acts, "title": title, "at": None if at is None else instant.show(at), "lines": lines}
        self._stream.write(msgspec.json.encode(act).decode() + "\n")
        self._stream.flush()
        self._title, self._lines = None, []


def _plain(line: Line) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(line)
    return plain if line.at is None else {**plain, "at": instant.show(line.at)}


def _local(at: int) -> dt.datetime:
    return dt.datetime.fromisoformat(instant.show(at)).astimezone(zoneinfo.ZoneInfo(ZONE))
