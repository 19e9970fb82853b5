"""Simulated storage. What was synced survives everything; what was not is lost, or torn, when the machine ends.

A `Disk` outlives the lives of its machine. A store writes through it: operations wait until a sync makes them durable. A crash
keeps a drawn number of those that wait, in their order, and may tear the next one.
"""

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from typing import Final, NamedTuple

from msgspec.structs import replace
from typing_extensions import override

from holdgate.crypto.hashes import leaf_hash
from holdgate.engine.keeping import Promise, Promises
from holdgate.engine.ports import Head, Row, Snapshot, Store
from holdgate.law.chronicle import Draft
from holdgate.sites.vault import MirrorStore
from holdgate.terms.errors import Unavailable
from tests.sim.loop import LIFE, Crashed

FAILED: Final = "the simulated store failed"


class Kept(NamedTuple):
    """A row, and what it is looked up by."""

    row: Row
    subject: str
    digest: bytes


class Image:
    """What lies on a disk: one site's log, or the Vault's mirrors."""

    def __init__(self) -> None:
        self.rows: list[Kept] = []
        self.head = Head(size=0, frontier=())
        self.blobs: dict[str, bytes] = {}
        self.snapshots: dict[int, Snapshot] = {}
        self.cursors: dict[str, int] = {}
        self.cosigned: dict[str, bytes] = {}
        self.mirrors: dict[str, tuple[bytes, ...]] = {}
        self.seats: dict[str, tuple[tuple[bytes, ...], bytes]] = {}
        self.evidence: dict[tuple[str, bytes], str] = {}
        self.promises: dict[str, Promise] = {}

    def copied(self) -> "Image":
        """Another one with the same content."""
        other = Image()
        for name, value in vars(self).items():
            setattr(other, name, copy(value))
        return other


class Waiting(NamedTuple):
    """An operation that is not durable yet. `torn`: what is left of it when it was cut short; None: nothing."""

    do: Callable[[Image], None]
    torn: Callable[[Image], None] | None = None


class Faults:
    """What storage does wrong, and how often (a chance per sync). Counted in `hits`."""

    def __init__(self, rng: random.Random, hits: "Counter[str]") -> None:
        self.rng = rng
        self.hits = hits
        self.crash = self.fail = 0.0

    def drawn(self, chance: float, name: str) -> bool:
        """Whether it happens now."""
        if chance and self.rng.random() < chance:
            self.hits[name] += 1
            return True
        return False


class Disk:
    """A machine's storage. `at_sync`: told the size of the log whenever it grew durably."""

    def __init__(self, faults: Faults, image: Image | None = None) -> None:
        self.faults = faults
        self.base = image or Image()
        self.view = self.base.copied()
        self.waiting: list[Waiting] = []
        self.end_life: Callable[[], None] | None = None
        self.at_sync: Callable[[], None] | None = None

    def write(self, waiting: Waiting) -> None:
        """Let an operation wait for the next sync; readers see it at once.

        Raises:
            Crashed: the machine has ended.
        """
        if not LIFE.get().alive:
            raise Crashed
        waiting.do(self.view)
        self.waiting.append(waiting)

    def commit(self, do: Callable[[Image], None]) -> None:
        """An operation and its sync: durable when this returns.

        Raises:
            Unavailable: the storage failed; the operation may be durable all the same, or not. Crashed: the machine ended.
        """
        if not LIFE.get().alive:
            raise Crashed
        faults = self.faults
        if faults.drawn(faults.crash, "crash before a sync"):
            self._crash()
        if faults.drawn(faults.fail, "write refused"):
            raise Unavailable(FAILED)
        self.write(Waiting(do))
        if faults.drawn(faults.crash, "crash in a sync"):
            self._crash()
        if faults.drawn(faults.fail, "sync failed, and was kept"):
            self.sync()
            raise Unavailable(FAILED)
        if faults.drawn(faults.fail, "sync failed, and was lost"):
            self.put_back(self.base)
            raise Unavailable(FAILED)
        self.sync()
        if faults.drawn(faults.crash, "crash after a sync"):
            self._crash()

    def sync(self) -> None:
        """Everything that waits becomes durable."""
        for waiting in self.waiting:
            waiting.do(self.base)
        self.waiting.clear()
        if self.at_sync is not None:
            self.at_sync()

    def _crash(self) -> None:
        assert self.end_life is not None
        self.end_life()
        raise Crashed

    def cut_power(self) -> None:
        """What did not reach the disk is lost, but for a drawn beginning; the next operation may be torn."""
        rng, waiting = self.faults.rng, self.waiting
        if waiting:
            kept = rng.randint(0, len(waiting))
            self.faults.hits["unsynced write lost"] += kept < len(waiting)
            for one in waiting[:kept]:
                one.do(self.base)
            torn = waiting[kept].torn if kept < len(waiting) else None
            if torn is not None:
                self.faults.hits["torn write"] += 1
                torn(self.base)
        self.put_back(self.base)

    def put_back(self, image: Image) -> None:
        """From now on the disk holds this (a backup, say)."""
        self.base, self.view = image, image.copied()
        self.waiting = []


class SimStore(Store):
    """A site's store on a simulated disk."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk

    @property
    def _image(self) -> Image:
        return self.disk.view

    @override
    def commit(self, drafts: Sequence[Draft], head: Head) -> None:
        size = len(self._image.rows)
        if [draft.seq for draft in drafts] != list(range(size, size + len(drafts))):
            raise Unavailable("an entry is there already, or one is missing before it")
        rows = [Kept(Row(seq=d.seq, leaf=d.leaf, body=d.body), d.subject, d.digest) for d in drafts]

        def keep(image: Image) -> None:
            for draft in drafts:
                for key, body in draft.blobs.items():
                    image.blobs.setdefault(key, body)
            image.rows.extend(rows)
            image.head = head

        self.disk.commit(keep)

    @override
    def head(self) -> Head:
        return self._image.head

    @override
    def save_checkpoint(self, checkpoint: bytes) -> None:
        def keep(image: Image) -> None:
            image.head = replace(image.head, checkpoint=checkpoint)

        self.disk.write(Waiting(keep))

    @override
    def rows(self, start: int, stop: int) -> Iterator[Row]:
        for kept in self._image.rows[max(start, 0) : max(stop, 0)]:
            yield kept.row

    @override
    def found(self, start: int, stop: int) -> Iterator[Row]:
        return self.rows(start, stop)

    @override
    def leaves(self, start: int, stop: int) -> list[bytes]:
        return [row.leaf for row in self.rows(start, stop)]

    @override
    def last_of(self, subject: str, before: int) -> bytes | None:
        found = (kept.row.leaf for kept in reversed(self._image.rows[:before]) if kept.subject == subject)
        return next(found, None)

    @override
    def find(self, subject: str, digest: bytes, before: int) -> int | None:
        rows = self._image.rows[:before]
        return next((kept.row.seq for kept in rows if (kept.subject, kept.digest) == (subject, digest)), None)

    @override
    def blob(self, key: str) -> bytes | None:
        body = self._image.blobs.get(key)
        if body is None:
            return None
        return body if key in (hashlib.sha256(body).hexdigest(), leaf_hash(body).hex()) else None

    @override
    def blob_keys(self) -> list[str]:
        return sorted(self._image.blobs)

    @override
    def save_snapshot(self, snapshot: Snapshot) -> None:
        def keep(image: Image) -> None:
            image.snapshots = {size: s for size, s in image.snapshots.items() if size >= snapshot.size}
            image.snapshots[snapshot.size] = snapshot

        def torn(image: Image) -> None:
            image.snapshots[snapshot.size] = replace(snapshot, body=snapshot.body[: len(snapshot.body) // 2])

        self.disk.write(Waiting(keep, torn))

    @override
    def load_snapshot(self) -> Snapshot | None:
        sound = [s for s in self._image.snapshots.values() if hashlib.sha256(s.body).digest() == s.digest]
        return max(sound, key=lambda s: s.size, default=None)

    @override
    def cursor(self, peer: str) -> int:
        return self._image.cursors.get(peer, 0)

    @override
    def set_cursor(self, peer: str, position: int) -> None:
        self.disk.write(Waiting(lambda image: image.cursors.update({peer: position})))

    @override
    def save_cosignature(self, witness: str, note: bytes) -> None:
        self.disk.write(Waiting(lambda image: image.cosigned.update({witness: note})))

    @override
    def cosignatures(self) -> Mapping[str, bytes]:
        return dict(sorted(self._image.cosigned.items()))

    @override
    def close(self) -> None:
        """A disk stays where it is."""


class SimMirror(MirrorStore):
    """The Vault's store on a simulated disk. Nobody uploads here."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk

    @override
    def held(self, origin: str) -> tuple[int, tuple[bytes, ...]]:
        frontier, _ = self.disk.view.seats.get(origin, ((), b""))
        return len(self.disk.view.mirrors.get(origin, ())), frontier

    @override
    def keep(
        self,
        origin: str,
        start: int,
        entries: Sequence[bytes],
        frontier: tuple[bytes, ...],
        cosigned: bytes,
        blobs: dict[str, bytes],
    ) -> None:
        if start != len(self.disk.view.mirrors.get(origin, ())):
            raise Unavailable("an entry is there already, or one is missing before it")

        def keep(image: Image) -> None:
            image.mirrors[origin] = (*image.mirrors.get(origin, ()), *entries)
            image.blobs = {**blobs, **image.blobs}
            image.seats[origin] = (frontier, cosigned)

        self.disk.commit(keep)

    @override
    def documented(self, origin: str) -> int:
        return self.held(origin)[0]

    @override
    def document(self, origin: str, stop: int, blobs: dict[str, bytes]) -> None:
        def keep(image: Image) -> None:
            image.blobs = {**blobs, **image.blobs}

        self.disk.commit(keep)

    @override
    def keep_evidence(self, origin: str, checkpoint: bytes, why: str) -> None:
        self.disk.commit(lambda image: image.evidence.update({(origin, checkpoint): why}))

    @override
    def evidence(self, origin: str) -> list[tuple[bytes, str]]:
        return [(note, why) for (of, note), why in self.disk.view.evidence.items() if of == origin]

    @override
    def latest(self, origin: str) -> bytes | None:
        seat = self.disk.view.seats.get(origin)
        return None if seat is None else seat[1]

    @override
    def entries(self, origin: str, start: int = 0, stop: int | None = None) -> list[bytes]:
        return list(self.disk.view.mirrors.get(origin, ())[start:stop])

    @override
    def leaves(self, origin: str, start: int, stop: int) -> list[bytes]:
        return [leaf_hash(body) for body in self.entries(origin, start, stop)]

    @override
    def blob(self, key: str) -> bytes | None:
        return self.disk.view.blobs.get(key)

    @override
    def upcoming(self, origin: str) -> int:
        return self.held(origin)[0]

    @override
    def upcoming_entries(self, origin: str, start: int, stop: int) -> list[bytes]:
        return []

    @override
    def keep_upcoming(self, origin: str, start: int, entries: Sequence[bytes]) -> None:
        raise Unavailable("nobody uploads to this mirror")

    @override
    def commit_upcoming(self, origin: str, size: int, stop: int, frontier: tuple[bytes, ...], cosigned: bytes) -> None:
        raise Unavailable("nobody uploads to this mirror")

    @override
    def close(self) -> None:
        """A disk stays where it is."""


class SimPromises(Promises):
    """A keeper's promises on a simulated disk."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk

    @override
    def load(self, origin: str) -> Promise:
        return self.disk.view.promises.get(origin, Promise())

    @override
    def save(self, origin: str, promise: Promise) -> None:
        self.disk.commit(lambda image: image.promises.update({origin: promise}))

    @override
    def close(self) -> None:
        """A disk stays where it is."""
