"""The sweep: a process works on a store and one of its storage calls ends it or fails; for every call in turn."""

import errno
import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from typing_extensions import override

from tests.faults.beside import checked_beside, lived_beside
from tests.faults.intercept import Call, Outcome, Verdict, watched
from tests.faults.life import Acknowledged, Script, acknowledged, copy, lived, script_of, template, verified

WRITES: Final = ("pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "mkdir", "unlink", "openat")
"""Calls that change what lies on the disk, or may."""
FILLS: Final = ("pwrite64", "ftruncate", "mkdir", "openat")
"""Calls that a full disk refuses; an opening only where it makes the file."""


class Fault(NamedTuple):
    """What happens at one call. `lasting`: at every later call of these kinds too. `verdict`: "kill" or an errno."""

    name: str
    verdict: Verdict
    calls: tuple[str, ...]
    lasting: bool = False

    def strikes(self, call: Call) -> bool:
        """Whether it may happen at this call."""
        if self.verdict == errno.ENOSPC and call.name == "openat" and not call.flags & os.O_CREAT:
            return False
        return call.name in self.calls


FAULTS: Final = (
    Fault("kill", "kill", WRITES),
    Fault("EIO", errno.EIO, (*WRITES, "pread64")),
    Fault("ENOSPC", errno.ENOSPC, FILLS),
    Fault("EIO for good", errno.EIO, (*WRITES, "pread64"), lasting=True),
    Fault("ENOSPC for good", errno.ENOSPC, FILLS, lasting=True),
)


class Story(NamedTuple):
    """A life to be disturbed. `place`: where it begins. `live`: lives it. `check`: given what was said, looks at what is left."""

    name: str
    place: Path
    live: Callable[[Path], None]
    check: Callable[[Path, list[bytes]], None]


class Log(NamedTuple):
    """What a floor hub's life leaves. `whole`: what everybody does in the end. `known`: what was acknowledged before."""

    name: str
    place: Path
    script: Script
    whole: Script
    known: list[Acknowledged]

    def story(self) -> Story:
        """The life that goes on from here."""

        def check(place: Path, said: list[bytes]) -> None:
            verified(place, self.whole, [*self.known, *acknowledged(said)], 3)

        return Story(self.name, self.place, lambda place: lived(place, self.script, 2), check)


class Point(NamedTuple):
    """One point of the sweep: the n-th call of a story, and what happens there."""

    story: Story
    fault: Fault
    number: int
    call: str

    @override
    def __str__(self) -> str:
        return f"{self.story.name}: {self.fault.name} at call {self.number} ({self.call})"


def logs(ground: Path) -> list[Log]:
    """A first life; one after a life that was closed in good order; one after a life that was killed."""
    place = template(ground / "founded")
    script = script_of(place)
    found = [Log("first life", place, script, script, [])]
    closed = copy(place, ground / "closed")
    outcome = watched(lambda: lived(closed, script.part(True), 1), closed, lambda call, number: None)
    assert outcome.code == 0, outcome
    found.append(Log("second life", closed, script.part(False), script, acknowledged(outcome.said)))
    killed = copy(place, ground / "killed")
    commits = Counter[str]()

    def kill_late(call: Call, number: int) -> Verdict:
        commits[call.path] += call.name == "fdatasync"
        return "kill" if commits[str(killed / "FLOOR" / "ledger.db-wal")] == 8 else None

    outcome = watched(lambda: lived(killed, script.part(True), 1), killed, kill_late)
    assert outcome.code == -signal.SIGKILL, outcome
    found.append(Log("life after a crash", killed, script.part(False), script, acknowledged(outcome.said)))
    return found


def stories(begun: list[Log], ground: Path) -> list[Story]:
    """All lives that are disturbed: of a floor hub and its Vault, and of the small stores beside them."""
    (ground / "beside").mkdir()
    return [*(log.story() for log in begun), Story("small stores", ground / "beside", lived_beside, checked_beside)]


def calls_of(story: Story, ground: Path) -> list[Call]:
    """The storage calls of a life to which nothing happens."""
    seen: list[Call] = []
    place = copy(story.place, ground / "counted")
    outcome = watched(lambda: story.live(place), place, lambda call, number: seen.append(call))
    assert outcome.code == 0, outcome
    story.check(place, outcome.said)
    shutil.rmtree(place)
    return seen


def points(begun: list[Story], ground: Path) -> list[Point]:
    """Every point of these stories."""
    return [
        Point(story, fault, number, f"{call.name} {Path(call.path).name}")
        for story in begun
        for number, call in enumerate(calls_of(story, ground))
        for fault in FAULTS
        if fault.strikes(call)
    ]


class Tried(NamedTuple):
    """What came of one point. `hit`: it happened. `bad`: what is wrong, if anything."""

    hit: bool
    outcome: Outcome
    bad: str


def tried(point: Point, ground: Path) -> Tried:
    """Live through one point, and look at what is there afterwards."""
    place = copy(point.story.place, ground / "tried")
    hit = False

    def decide(call: Call, number: int) -> Verdict:
        nonlocal hit
        due = number >= point.number if point.fault.lasting else number == point.number
        if not due or not point.fault.strikes(call):
            return None
        hit = True
        return point.fault.verdict

    outcome = watched(lambda: point.story.live(place), place, decide)
    bad = ""
    if outcome.code not in (0, -signal.SIGKILL):
        bad = f"the process failed otherwise than it may: {outcome.said[-1:]}"
    try:
        point.story.check(place, outcome.said)
    except Exception as error:  # noqa: BLE001  # whatever it is, this point is bad
        bad = bad or f"{type(error).__name__}: {error}"
    shutil.rmtree(place)
    return Tried(hit, outcome, bad)
