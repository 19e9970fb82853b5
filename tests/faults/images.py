"""Power cuts: what a disk may hold when it was not told to sync everything, made from a recorded run.

What was written to a file before it was synced last is there. What came later is lost, kept, kept in part, or torn between
sectors of 512 bytes; a file may have its new length and zeros in it; a name that was made or removed counts once its folder
is synced. Each file and each machine is drawn for itself. Source: SQLite, "Atomic Commit In SQLite", section 2; POSIX fsync.
"""

import os
import random
from pathlib import Path
from typing import Final

from tests.faults.intercept import SAID, Call

SECTOR: Final = 512
MAPPED: Final = "-shm"
"""Files that a process maps: nothing that is written there is meant to last."""
MODES: Final = ("lost", "kept", "first part", "some", "torn", "length")


class File:
    """What lies in a file: what was synced, and what was written since."""

    def __init__(self, synced: bytes = b"") -> None:
        self.synced = bytearray(synced)
        self.since: list[Call] = []

    def sync(self) -> None:
        """Everything so far is there for good."""
        for call in self.since:
            _apply(self.synced, call)
        self.since.clear()

    def whole(self) -> bytes:
        """What is found while there is power."""
        found = bytearray(self.synced)
        for call in self.since:
            _apply(found, call)
        return bytes(found)

    def after_a_cut(self, chance: random.Random) -> bytes:
        """What is found after the power was cut."""
        found = bytearray(self.synced)
        mode = chance.choice(MODES)
        calls = self.since
        if mode == "first part":
            calls = calls[: chance.randint(0, len(calls))]
        elif mode == "some":
            calls = [call for call in calls if chance.random() < 0.5]
        if mode in ("kept", "first part", "some"):
            for call in calls:
                _apply(found, call)
        elif mode in ("torn", "length"):
            for call in calls:
                _tear(found, call, chance, whole=mode == "length")
        return bytes(found)


def _apply(content: bytearray, call: Call) -> None:
    if call.name == "ftruncate":
        _resize(content, call.at)
        return
    if len(content) < call.at:
        _resize(content, call.at)
    content[call.at : call.at + len(call.data)] = call.data


def _resize(content: bytearray, length: int) -> None:
    del content[length:]
    content.extend(bytes(length - len(content)))


def _tear(content: bytearray, call: Call, chance: random.Random, *, whole: bool) -> None:
    """Some sectors of a write are there. `whole`: the file has its length all the same."""
    if call.name == "ftruncate":
        if chance.random() < 0.5:
            _resize(content, call.at)
        return
    end = call.at + len(call.data)
    if whole and len(content) < end:
        _resize(content, end)
    place = call.at
    while place < end:
        stop = min(end, (place // SECTOR + 1) * SECTOR)
        if chance.random() < 0.5:
            _apply(content, call._replace(at=place, data=call.data[place - call.at : stop - call.at]))
        place = stop


class Disk:
    """The files under a folder, as calls change them.

    Args:
        root: the folder; what lies there now is synced.
        names_follow: a file that is synced for the first time has its name too, as on ext4; POSIX wants the folder synced.
    """

    def __init__(self, root: Path, *, names_follow: bool) -> None:
        self._follow = names_follow
        self._root = root
        self._names = {
            str(path): File(path.read_bytes())
            for path in root.rglob("*")
            if path.is_file() and not path.name.endswith(MAPPED)
        }
        self._synced = dict(self._names)
        self._since: list[tuple[str, File | None]] = []

    def do(self, call: Call) -> None:
        """One call of the recorded run, which went well."""
        if call.name == SAID or call.path.endswith(MAPPED):
            return
        file = self._names.get(call.path)
        if call.name == "openat":
            if file is None and call.flags & os.O_CREAT:
                self._names[call.path] = File()
                self._since.append((call.path, self._names[call.path]))
        elif call.name == "unlink":
            if self._names.pop(call.path, None) is not None:
                self._since.append((call.path, None))
        elif call.name in ("fsync", "fdatasync"):
            self._sync(call.path, file)
        elif call.name in ("pwrite64", "ftruncate") and file is not None:
            file.since.append(call)
        elif call.name == "rename":
            raise NotImplementedError("no swept run renames files")

    def _sync(self, path: str, file: File | None) -> None:
        if file is not None:
            file.sync()
        settled = [
            change
            for change in self._since
            if str(Path(change[0]).parent) == path or (self._follow and change[1] is file)
        ]
        self._settle([change for change in settled if file is None or change[1] is not None])

    def _settle(self, changes: list[tuple[str, File | None]]) -> None:
        for change in changes:
            self._since.remove(change)
            _name(self._synced, *change)

    def cut(self, target: Path, chance: random.Random, spared: str) -> None:
        """Write down what is found after the power was cut. `spared`: a folder whose machine has power still ("": none)."""
        target.mkdir()
        names = dict(self._synced)
        for path, file in self._since:
            if self._spares(path, spared) or chance.random() < 0.5:
                _name(names, path, file)
        for path, file in names.items():
            to = target / Path(path).relative_to(self._root)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(file.whole() if self._spares(path, spared) else file.after_a_cut(chance))
            if path.endswith(".db") and chance.random() < 0.3:
                to.with_name(f"{to.name}{MAPPED}").write_bytes(chance.randbytes(32768))

    def _spares(self, path: str, spared: str) -> bool:
        return bool(spared) and Path(path).is_relative_to(self._root / spared)


def _name(names: dict[str, File], path: str, file: File | None) -> None:
    if file is None:
        names.pop(path, None)
    else:
        names[path] = file
