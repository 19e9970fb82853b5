"""The Vault's watch: every entry that it mirrors is decided again as it comes, and a difference is an alarm.

It runs in a thread of its own, behind what the Vault keeps: nobody who offers a log waits for it, and what it finds changes
nothing about cosigning. A cosignature says that a log only grew; an alarm says that a decision in it is not the law's.

After a difference the standing of that log is unknown, so its later entries are not decided again; they are mirrored all the
same. An import rests on entries of other logs: where the mirrors do not hold them yet, the log waits and goes on by itself.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple, Protocol

from msgspec import Struct
from typing_extensions import override

from holdgate.audit.authorities import AUTHORITIES
from holdgate.crypto.hashes import leaf_hash
from holdgate.engine.follow import Copies, Follower
from holdgate.engine.opening import read_snapshot, snapshot_of
from holdgate.engine.ports import Clock, Snapshot
from holdgate.engine.workers import Workers
from holdgate.identity.charter import Charter, SiteSeat
from holdgate.law.chronicle import Draft, History, Standing, blank_state
from holdgate.law.replay import Difference
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import read_entry
from holdgate.ledger.merkle import Tree, extend, root_from_frontier
from holdgate.sites.vault_keeping import Mirrors
from holdgate.terms.errors import HoldgateError, Malformed, Tampered, Unavailable
from holdgate.terms.limits import WATCH_WORDS_CHARS_MAX

BATCH: Final = 256
"""Entries of one log that are decided again before another log gets its turn."""
SAVE_EVERY: Final = 10_000
"""Entries after which the standing is saved; so many are done again after a crash."""
_STRETCH: Final = 4_096


class Alarm(Struct, frozen=True, kw_only=True):
    """An entry that does not come out as it stands there.

    `seq`: its index. `leaf`: its leaf hash (hex), which the site signed. `expected`: what comes out when it is decided again;
    `found`: what stands there. `at`: when it was noticed (UTC µs, the Vault's clock).
    """

    site: str
    origin: str
    seq: int
    leaf: str
    expected: str
    found: str
    at: int


class Watched(Struct, frozen=True, kw_only=True):
    """How far one log was decided again, with the same bytes. `waits`: why it is not going on ("": it is, or is done)."""

    site: str
    origin: str
    size: int
    waits: str = ""


class Mark(NamedTuple):
    """What an entry leaves for finding it again: its subject, index, leaf hash and (shortened) payload digest."""

    subject: str
    seq: int
    leaf: bytes
    digest: bytes


class WatchStore(Protocol):
    """Keeps alarms, and how far each log was decided again. From any thread, one at a time."""

    def load(self, origin: str) -> Snapshot | None:
        """The standing that was saved last, if its digest holds."""
        ...

    def save(self, origin: str, snapshot: Snapshot, marks: Sequence[Mark]) -> None:
        """Keep a standing and the marks of the entries since the one before, all or nothing."""
        ...

    def forget(self, origin: str) -> None:
        """Drop a log's standing and marks; alarms stay."""
        ...

    def last_of(self, origin: str, subject: str) -> bytes | None:
        """The leaf hash of the subject's last marked entry."""
        ...

    def find(self, origin: str, subject: str, digest: bytes) -> int | None:
        """The marked entry of this subject whose payload has this digest."""
        ...

    def keep_alarm(self, alarm: Alarm) -> None:
        """Keep an alarm, durably, unless there is one for this entry."""
        ...

    def alarms(self) -> list[Alarm]:
        """Every alarm, by log and index."""
        ...

    def close(self) -> None:
        """Release the storage."""
        ...


class _Marks(History):
    """The history of closed subjects: what is saved, and what came since."""

    def __init__(self, origin: str, store: WatchStore) -> None:
        self._origin = origin
        self._store = store
        self.fresh: list[Mark] = []
        self._heads: dict[str, bytes] = {}
        self._found: dict[tuple[str, bytes], int] = {}

    def add(self, draft: Draft) -> None:
        """An entry came out the same."""
        self.fresh.append(Mark(draft.subject, draft.seq, draft.leaf, draft.digest))
        self._heads[draft.subject] = draft.leaf
        if draft.digest:
            self._found[draft.subject, draft.digest] = draft.seq

    def saved(self) -> None:
        """All of it is in the store now."""
        self.fresh, self._heads, self._found = [], {}, {}

    @override
    def head(self, subject: str, before: int) -> bytes | None:
        fresh = self._heads.get(subject)
        return self._store.last_of(self._origin, subject) if fresh is None else fresh

    @override
    def find(self, subject: str, digest: bytes, before: int) -> int | None:
        fresh = self._found.get((subject, digest))
        return self._store.find(self._origin, subject, digest) if fresh is None else fresh


class _Log:
    """One log on its way."""

    def __init__(self, seat: SiteSeat, store: WatchStore) -> None:
        self.seat = seat
        self.marks = _Marks(seat.origin, store)
        self.follower: Follower | None = None
        self.began = self.size = 0
        self.root = b""
        self.waits = ""
        self.stopped = False


class Watch:
    """Decides the entries of every mirrored log again.

    Args:
        charter: of the shop.
        roots: the trusted root keys.
        mirrors: what the Vault holds.
        store: the watch's own.
        clock: the Vault's.
        save_every: entries after which a log's standing is saved.
        rest_s: how long it rests after each entry, seconds, so that others in this process get the interpreter.
    """

    def __init__(
        self,
        charter: Charter,
        roots: tuple[bytes, ...],
        mirrors: Mirrors,
        store: WatchStore,
        clock: Clock,
        save_every: int = SAVE_EVERY,
        rest_s: float = 0.0,
    ) -> None:
        self._charter = charter
        self._roots = roots
        self._mirrors = mirrors
        self._store = store
        self._clock = clock
        self._save_every = save_every
        self._rest_s = rest_s
        self._copies = Copies(blob=mirrors.blob, foreign=mirrors.entries)
        self._logs = {s.origin: _Log(s, store) for s in charter.sites if s.kind in AUTHORITIES}
        self._alarms = {(alarm.origin, alarm.seq): alarm for alarm in store.alarms()}
        self._worker = Workers(1, "holdgate-watch")
        self._queued = self._ending = False

    # ---- what it shows; from the event loop -------------------------------------------------------------------------

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """Every alarm there ever was, by log and index."""
        return tuple(alarm for _, alarm in sorted(self._alarms.copy().items()))

    def watched(self, origin: str) -> Watched:
        """How far a log was decided again."""
        log = self._logs[origin]
        return Watched(site=log.seat.id, origin=origin, size=log.size, waits=log.waits)

    def add(self, seat: SiteSeat) -> None:
        """Decide the log of a site again that joined the shop."""
        if seat.kind in AUTHORITIES and seat.origin not in self._logs:
            self._logs = {
                **self._logs,
                seat.origin: _Log(seat, self._store),
            }  # a round goes through the ones it began with

    # ---- life -------------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """A mirror grew, or the Vault has started."""
        if not self._queued and not self._ending:
            self._queued = True
            self._worker.put(self._round)

    def stop(self) -> None:
        """End after the entry that is being looked at, save how far it got, and release the storage."""
        if self._ending:
            return
        self._ending = True
        self._worker.close()
        for log in self._logs.values():
            with suppress(Unavailable):  # what is not saved is done again
                self._save(log)
        self._store.close()

    # ---- in the thread ----------------------------------------------------------------------------------------------

    def _round(self) -> None:
        """Every log as far as it goes."""
        self._queued = False  # before anything is read: whoever comes from now on is read, or wakes it anew
        more = True
        while more and not self._ending:
            turns = [self._turn(log) for log in self._logs.values()]
            more = any(turns)

    def _turn(self, log: _Log) -> bool:
        """The next entries of one log. Gives whether there may be more."""
        before = log.size
        try:
            if log.follower is None and not log.stopped:
                self._resume(log)
            held, frontier = self._mirrors.held(log.seat.origin)
            if log.follower is not None and log.size < held:
                self._follow(log, log.follower, min(held, log.size + BATCH))
                self._compare(log, held, frontier)
        except Unavailable as error:
            log.waits = str(error)
            if log.follower is not None and not log.follower.whole:
                self._drop(log)
            return False
        except Exception as error:  # noqa: BLE001  # a defect of the watch is shown as why it waits; it ends nothing unseen
            log.waits = f"the watch failed: {type(error).__name__}: {error}"
            self._drop(log)
            return False
        if not log.stopped:
            log.waits = ""
        return log.size != before or (log.follower is None and not log.stopped)

    def _resume(self, log: _Log) -> None:
        """From the standing that was saved; where there is none that can be used, from the beginning."""
        seat, origin = log.seat, log.seat.origin
        snapshot = self._store.load(origin)
        tree, standing = Tree(), None
        if snapshot is not None and snapshot.size <= self._mirrors.held(origin)[0]:
            with suppress(Malformed, Tampered, LookupError, ValueError):  # a snapshot saves time and proves nothing
                standing, tree = read_snapshot(snapshot, seat.id)
        if standing is None:
            self._store.forget(origin)
            standing = Standing(state=blank_state(self._charter, seat.id, seat.kind), heads={}, digests={})
        log.marks = _Marks(origin, self._store)
        log.follower = Follower(
            standing, tree, self._copies, AUTHORITIES[seat.kind], log.marks, self._roots, signatures=True
        )
        log.began, log.size, log.root = tree.size, tree.size, tree.root()

    def _follow(self, log: _Log, follower: Follower, stop: int) -> None:
        """Entries up to `stop`.

        Raises:
            Unavailable: it cannot go on for now.
        """
        for body in self._mirrors.entries(log.seat.origin, log.size, stop):
            if self._ending:
                return
            try:
                came = follower.follow(body)
            except (Unavailable, MemoryError) as error:
                raise Unavailable(str(error) or "there is no memory left for it") from error
            except Exception as error:  # noqa: BLE001  # whatever an entry does to its re-execution is said of that entry
                why = str(error) if isinstance(error, HoldgateError) else f"{type(error).__name__}: {error}"
                came = Difference(f"no entry: it cannot be done again ({why})", _stands(body), why)
            if isinstance(came, Difference):
                if self._began_elsewhere(log):
                    self._anew(log)
                else:
                    self._raise(log, leaf_hash(body), came)
                return
            log.marks.add(came)
            log.size, log.waits = follower.size, ""
            if self._rest_s:
                time.sleep(self._rest_s)
            if len(log.marks.fresh) >= self._save_every:
                self._save(log)

    def _compare(self, log: _Log, held: int, frontier: tuple[bytes, ...]) -> None:
        """At the mirror's end the entries lead to the root that the Vault cosigned.

        Where they do not, and a saved standing was at the beginning, everything is done again without it.
        """
        follower = log.follower
        if follower is None or log.size != held or follower.chronicle.tree.root() == root_from_frontier(frontier, held):
            return
        if log.began:
            self._anew(log)
            return
        made, cosigned = follower.chronicle.tree.root(), root_from_frontier(frontier, held)
        last = self._mirrors.entries(log.seat.origin, held - 1, held)[0]
        words = Difference(f"root {cosigned.hex()}, which was cosigned", f"entries that lead to {made.hex()}", "")
        log.size = held - 1
        self._raise(log, leaf_hash(last), words)

    def _began_elsewhere(self, log: _Log) -> bool:
        """Whether the standing that was taken up belongs to other entries than the mirror's: then it proves nothing."""
        frontier: tuple[bytes, ...] = ()
        for start in range(0, log.began, _STRETCH):
            stop = min(log.began, start + _STRETCH)
            leaves = [leaf_hash(body) for body in self._mirrors.entries(log.seat.origin, start, stop)]
            frontier = extend(start, frontier, leaves)
        return log.began > 0 and root_from_frontier(frontier, log.began) != log.root

    def _anew(self, log: _Log) -> None:
        """Without the standing that was saved."""
        self._store.forget(log.seat.origin)
        self._drop(log)

    def _raise(self, log: _Log, leaf: bytes, came: Difference) -> None:
        """Keep an alarm about the log's next entry; it is not followed any further.

        Raises:
            Unavailable: it could not be kept; it is shown, and found again when the log is followed again.
        """
        alarm = Alarm(
            site=log.seat.id,
            origin=log.seat.origin,
            seq=log.size,
            leaf=leaf.hex(),
            expected=came.expected[:WATCH_WORDS_CHARS_MAX],
            found=came.found[:WATCH_WORDS_CHARS_MAX],
            at=self._clock.now(),
        )
        size = log.size
        self._alarms.setdefault((alarm.origin, alarm.seq), alarm)
        self._drop(log)
        log.size = size
        log.waits = f"after entry {size} this log's standing is unknown: later entries are not decided again"
        self._store.keep_alarm(alarm)
        log.stopped = True

    def _save(self, log: _Log) -> None:
        """Save how far a log was followed.

        Raises:
            Unavailable: it could not be saved.
        """
        follower = log.follower
        if follower is None or not follower.whole or not log.marks.fresh:
            return
        self._store.save(log.seat.origin, snapshot_of(follower.chronicle), log.marks.fresh)
        log.marks.saved()

    def _drop(self, log: _Log) -> None:
        """Begin anew from what is saved, the next time."""
        log.follower = None


def _stands(body: bytes) -> str:
    """An entry in a few words."""
    try:
        entry = read_entry(body)
        decision = decision_of(entry)
    except HoldgateError as error:
        return f"bytes that are no entry: {error}"
    return f"{entry.kind} of {entry.subject}: {decision.verdict} {', '.join(decision.codes)}".rstrip()
