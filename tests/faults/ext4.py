"""Power cuts under a real file system: ext4 on a loop device over a disk that notes every write and forgets what was not flushed.

Needs root, nbdkit with its Python plugin, nbdfuse (libnbd-bin), fuse3 and e2fsprogs. Each image is what was flushed before the cut,
and of what came after: nothing, all, the first part, some, or torn sectors. It is mounted, which runs ext4's journal, and the
product opens what lies there.
"""

import contextlib
import os
import random
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tests.faults.intercept import SAID, Call, watched
from tests.faults.life import copy
from tests.faults.sweep import Story

SIZE: Final = 48 << 20
PROGRAMS: Final = ("nbdkit", "nbdfuse", "losetup", "mkfs.ext4", "fusermount3")
_HEAD: Final = struct.Struct("<cQI")
_SECTOR: Final = 512
_SUPERBLOCK: Final = 1024


def missing() -> str:
    """What is missing here; empty: nothing that can be told beforehand."""
    if os.geteuid():
        return "only root mounts"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else ""


def _run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


class Disk(NamedTuple):
    """A mounted disk. `first`: its image before anything; `notes`: the file of its writes."""

    mount: Path
    first: Path
    notes: Path


@contextlib.contextmanager
def noted(place: Path) -> Iterator[Disk]:
    """A new ext4 on such a disk, mounted.

    Raises:
        OSError, subprocess.CalledProcessError: this machine does not offer it.
    """
    place.mkdir()
    first, notes, disk, mount = (place / name for name in ("first.img", "notes", "disk", "mount"))
    mount.mkdir()
    disk.touch()
    with first.open("wb") as file:
        file.truncate(SIZE)
    _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(first))
    plugin = Path(__file__).with_name("disk_plugin.py")
    words = ["nbdkit", "-U", "-", "python", str(plugin), f"notes={notes}", f"first={first}"]
    server = subprocess.Popen(
        [*words, "--run", f"exec nbdfuse {disk} $uri"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    with contextlib.ExitStack() as undo:
        undo.callback(_ended, server)
        ends = time.monotonic() + 20
        while disk.stat().st_size != SIZE:
            if time.monotonic() > ends or server.poll() is not None:
                raise OSError("nbdkit serves no disk here")
            time.sleep(0.05)
        undo.callback(_until_done, "fusermount3", "-u", str(disk))
        loop = _run("losetup", "--direct-io=on", "-f", "--show", str(disk))
        undo.callback(_until_done, "losetup", "-d", loop)
        _run("mount", "-t", "ext4", loop, str(mount))
        undo.callback(_until_done, "umount", str(mount))
        yield Disk(mount, first, notes)


def _ended(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    server.wait(20)


def _until_done(*words: str) -> None:
    """Again while the kernel is busy with the last one (a loop device that is still going, a folder that is still looked at)."""
    for _ in range(100):
        if not subprocess.run(words, capture_output=True, check=False).returncode:
            return
        time.sleep(0.1)
    raise OSError(f"{' '.join(words)} does not go through")


class Recorded(NamedTuple):
    """A life on such a disk.

    `writes`: where each ends in the notes, its place and bytes (None: a flush). `told`: words, and how long the notes were by then.
    """

    story: Story
    first: bytes
    writes: list[tuple[int, int, bytes | None]]
    told: list[tuple[int, bytes]]
    began: int


def recorded(story: Story, place: Path) -> Recorded:
    """Live a story on a disk that notes everything."""
    with noted(place) as disk:
        shop = copy(story.place, disk.mount / "shop")
        os.sync()
        began = disk.notes.stat().st_size
        told: list[tuple[int, bytes]] = []

        def heard(call: Call, number: int) -> None:
            if call.name == SAID:
                told.append((disk.notes.stat().st_size, call.data))

        outcome = watched(lambda: story.live(shop), shop, heard)
        assert outcome.code == 0, outcome
        os.sync()
    found = Recorded(story, (place / "first.img").read_bytes(), _writes((place / "notes").read_bytes()), told, began)
    shutil.rmtree(place)
    return found


def _writes(raw: bytes) -> list[tuple[int, int, bytes | None]]:
    found: list[tuple[int, int, bytes | None]] = []
    at = 0
    while at + _HEAD.size <= len(raw):
        kind, place, length = _HEAD.unpack_from(raw, at)
        at += _HEAD.size + length
        found.append((at, place, raw[at - length : at] if kind == b"W" else None))
    return found


def image(run: Recorded, chance: random.Random) -> tuple[bytearray, list[bytes]]:
    """The disk after a cut at a drawn write, and what had been acknowledged by then."""
    last = chance.choice([index for index, (end, _, _) in enumerate(run.writes) if end > run.began])
    disk, since = bytearray(run.first), list[tuple[int, bytes]]()
    for _, place, data in run.writes[: last + 1]:
        if data is not None:
            since.append((place, data))
            continue
        for start, kept in since:
            disk[start : start + len(kept)] = kept
        since.clear()
    mode = chance.choice(("nothing", "all", "first part", "some", "torn"))
    stop = {"nothing": 0, "first part": chance.randint(0, len(since))}.get(mode, len(since))
    for start, data in since[:stop]:
        # A torn superblock is one that ext4 does not mount: it lies at byte 1,024, and ext4 counts on its write being whole.
        step = _SECTOR if mode == "torn" and start > _SUPERBLOCK else len(data)
        for offset in range(0, len(data), step):
            if mode in ("all", "first part") or chance.random() < 0.5:
                disk[start + offset : start + offset + step] = data[offset : offset + step]
    end = run.writes[last][0]
    return disk, [word for by, word in run.told if by <= end]


def cut(run: Recorded, seed: int, ground: Path) -> tuple[int, str]:
    """Draw an image, mount it, and have the product open it: how much was acknowledged by then, and what is wrong ("": nothing)."""
    disk, said = image(run, random.Random(seed))
    bad = ""
    with tempfile.TemporaryDirectory(dir=ground) as folder:
        place, mount = Path(folder) / "cut.img", Path(folder) / "mount"
        place.write_bytes(disk)
        mount.mkdir()
        try:
            _until_done("mount", "-o", "loop", str(place), str(mount))
            try:
                copied = copy(mount / "shop", Path(folder) / "shop")
            finally:
                _until_done("umount", str(mount))
            run.story.check(copied, said)
        except Exception as error:  # noqa: BLE001  # whatever it is, this image is bad
            bad = f"{type(error).__name__}: {error}"
    return len(said), bad
