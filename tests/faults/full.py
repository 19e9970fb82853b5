"""A disk that runs full amid the work: the site says so, acknowledges only what it keeps, and goes on once there is room.

Two ways: room is counted and refused at the system calls, which needs no rights; or a small tmpfs is mounted, which needs root.
"""

import contextlib
import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tests.faults.intercept import Call, Outcome, Verdict, watched
from tests.faults.life import OPENED, REFUSED, copy
from tests.faults.sweep import Story

BLOCK: Final = 4096
PLAIN: Final = (b"full", b"disk I/O error")
"""What a person is told has one of these words; the second where the disk is full before SQLite could map its index."""


class Room:
    """A disk of a size, as far as the files of one folder use it."""

    def __init__(self, left: int) -> None:
        self._left = left
        self._sizes: dict[str, int] = {}
        self.refused = 0

    def decide(self, call: Call, number: int) -> Verdict:
        """Let a call through if there is room for what it adds."""
        size = self._sizes.get(call.path, 0)
        if call.name == "pwrite64":
            return self._grow(call.path, max(size, call.at + len(call.data)))
        if call.name == "ftruncate":
            return self._grow(call.path, call.at)
        if call.name == "openat" and call.path not in self._sizes:
            size = Path(call.path).stat().st_size if Path(call.path).is_file() else 0
            self._sizes[call.path] = size
        elif call.name == "unlink":
            self._left += _blocks(self._sizes.pop(call.path, 0))
        return None

    def _grow(self, path: str, size: int) -> Verdict:
        more = _blocks(size) - _blocks(self._sizes.get(path, 0))
        if more > self._left:
            self.refused += 1
            return errno.ENOSPC
        self._left -= more
        self._sizes[path] = size
        return None


def _blocks(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


class Filled(NamedTuple):
    """What came of one disk. `refused`: calls that found no room. `acknowledged`: words. `bad`: what is wrong ("": nothing)."""

    room: int
    refused: int
    acknowledged: int
    bad: str


def filled(story: Story, room: int, ground: Path) -> Filled:
    """Live on a disk that has so many bytes left; then there is room again."""
    place = copy(story.place, ground / "full")
    disk = Room(room)
    outcome = watched(lambda: story.live(place), place, disk.decide)
    bad = _unplain(outcome) if disk.refused else ""
    try:
        story.check(place, outcome.said)
    except Exception as error:  # noqa: BLE001  # whatever it is, this disk is bad
        bad = f"{type(error).__name__}: {error}"
    shutil.rmtree(place)
    return Filled(room, disk.refused, _words(outcome), bad)


def _words(outcome: Outcome) -> int:
    """How much was said to be kept."""
    return sum(not word.startswith(REFUSED) and word != OPENED for word in outcome.said)


def _unplain(outcome: Outcome) -> str:
    """Why the process did not say plainly what was the matter; empty: it did, or nobody was refused anything."""
    if outcome.code:
        return f"the process failed otherwise than it may: {outcome.said[-1:]}"
    words = [word for word in outcome.said if word.startswith(REFUSED)]
    return f"it says {words}" if words and not any(plain in words[0] for plain in PLAIN) else ""


@contextlib.contextmanager
def small_disk(place: Path, size: int) -> Iterator[Path]:
    """A tmpfs of a size.

    Raises:
        OSError: it cannot be mounted here.
    """
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(place)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise OSError(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def on_a_small_disk(story: Story, room: int, ground: Path) -> Filled:
    """The same on a mounted disk.

    Raises:
        OSError: it cannot be mounted here.
    """
    with small_disk(ground / "mounted", 4 << 20) as disk:
        place = copy(story.place, disk / "shop")
        left = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        (disk / "ballast").write_bytes(bytes(max(left - room, 0)))
        outcome = watched(lambda: story.live(place), place, lambda call, number: None)
        bad = _unplain(outcome)
        (disk / "ballast").unlink()
        try:
            story.check(place, outcome.said)
        except Exception as error:  # noqa: BLE001  # whatever it is, this disk is bad
            bad = f"{type(error).__name__}: {error}"
        refused = sum(word.startswith(REFUSED) for word in outcome.said)
    (ground / "mounted").rmdir()
    return Filled(room, refused, _words(outcome), bad)
