"""Reading a log for all links together: once, with the right roots; and a link that cuts ahead of its peer's answers."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

pytest.importorskip("cel_expr_python", reason="the certifier's extra (cel-expr-python) is not installed")
from holdgate.bench.spread import measure_spread
from holdgate.engine.bus import IN_FLIGHT, Peer, Taken
from holdgate.engine.ports import Row
from holdgate.engine.reading import LogReader
from holdgate.engine.replicate import Link
from holdgate.law.segments import Segment
from holdgate.ledger.merkle import extend, root_from_frontier
from holdgate.ledger.note import Notary
from holdgate.sites.policies import Telling
from holdgate.terms.errors import InvariantBroken, Tampered, Unavailable
from tests.builders import Log, hub_log, key_of, node_log

ORIGIN = "test/NODE-1"
WAIT_S = 30.0


class Kept:
    """A store that holds rows, says how much of them it shows, and remembers what was read."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.all = list(rows)
        self.shown = len(rows)
        self.read: list[int] = []
        self.cursors: dict[str, int] = {}
        self.gone: set[str] = set()
        self.pinned: dict[str, bytes] = {}

    @property
    def size(self) -> int:
        return self.shown

    def rows(self, start: int, stop: int) -> Iterator[Row]:
        found = self.all[start : min(stop, self.shown)]
        self.read += [row.seq for row in found]
        return iter(found)

    def leaves(self, start: int, stop: int) -> list[bytes]:
        return [row.leaf for row in self.all[start : min(stop, self.shown)]]

    def blob(self, key: str) -> bytes | None:
        return None if key in self.gone else self.pinned.get(key)

    def cursor(self, peer: str) -> int:
        return self.cursors.get(peer, 0)

    def set_cursor(self, peer: str, position: int) -> None:
        self.cursors[peer] = position


def notary() -> Notary:
    return Notary(ORIGIN, key_of("NODE-1"))


def reader(kept: Any) -> LogReader:
    return LogReader(kept, notary())


def made_up(count: int) -> list[Row]:
    """Rows that nobody looks into."""
    return [Row(seq=n, leaf=n.to_bytes(32, "big"), body=b"x" * (n % 7 + 1)) for n in range(count)]


def worked() -> Log:
    """A node's log with real entries."""
    log = node_log(hub_log())
    log.worked()
    return log


def kept_of(log: Log) -> Kept:
    kept = Kept([Row(seq=draft.seq, leaf=draft.leaf, body=draft.body) for draft in log.drafts])
    kept.pinned = {key: body for draft in log.drafts for key, body in draft.blobs.items()}
    return kept


# ---- reading -------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 70), min_size=1, max_size=12))
def test_every_end_has_the_frontier_and_checkpoint_of_a_tree_made_from_the_beginning(sizes: list[int]) -> None:
    kept = Kept(made_up(70))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("holdgate.engine.reading.MARK", 8)
        patch.setattr("holdgate.engine.reading.ENDS_KEPT", 2)
        log = reader(kept)
        for size in sizes:
            expected = extend(0, (), kept.leaves(0, size))
            assert log.frontier(size) == expected
            assert log.checkpoint(size) == notary().checkpoint(size, root_from_frontier(expected, size))


def test_the_hashes_of_an_end_do_not_grow_with_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdgate.engine.reading.MARK", 16)
    kept, hashed = Kept(made_up(400)), list[int]()
    log = reader(kept)
    log.frontier(400)

    def counted(size: int, frontier: Sequence[bytes], leaves: Sequence[bytes]) -> tuple[bytes, ...]:
        hashed.append(len(leaves))
        return extend(size, frontier, leaves)

    monkeypatch.setattr("holdgate.engine.reading.extend", counted)
    for size in (399, 33, 250, 17):
        hashed.clear()
        log.frontier(size)
        assert sum(hashed) < 16


def test_an_entry_is_read_once_for_everybody_and_read_again_when_it_was_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(made_up(20))
    log = reader(kept)
    for _ in range(3):
        assert [read.row for read in log.reads(0, 20)] == kept.all
        assert [read.row for read in log.reads(5, 9)] == kept.all[5:9]
    assert kept.read == list(range(20))
    monkeypatch.setattr("holdgate.engine.reading.KEPT_BYTES", 10)
    small = reader(kept)
    for start, stop in ((0, 20), (3, 8), (19, 20), (0, 4), (0, 20)):
        assert [read.row for read in small.reads(start, stop)] == kept.all[start:stop]


def test_an_end_that_the_store_does_not_show_is_not_signed() -> None:
    kept = Kept(made_up(20))
    kept.shown = 12
    log = reader(kept)
    assert len(log.reads(0, 20)) == 12
    with pytest.raises(Unavailable):
        log.checkpoint(13)
    kept.shown = 20
    assert len(log.reads(0, 20)) == 20
    assert log.frontier(13) == extend(0, (), kept.leaves(0, 13))


def test_a_release_to_many_nodes_is_read_and_signed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a site tells a hundred peers at the same moment costs it one signature, not a hundred."""
    cut: list[int] = []
    signed: list[int] = []
    checkpoint, made = LogReader.checkpoint, Notary.checkpoint

    def asked(self: LogReader, size: int) -> bytes:
        if self.notary.origin.endswith("/HUB"):
            cut.append(size)
        return checkpoint(self, size)

    def signing(self: Notary, size: int, root: bytes) -> bytes:
        if self.origin.endswith("/HUB"):
            signed.append(size)
        return made(self, size, root)

    monkeypatch.setattr(LogReader, "checkpoint", asked)
    monkeypatch.setattr(Notary, "checkpoint", signing)
    asyncio.run(measure_spread(tmp_path / "shop", nodes=6, cut=1))
    assert max(cut.count(size) for size in set(cut)) >= 6, "so many were told the same"
    assert max(signed.count(size) for size in set(signed)) <= 4, (
        "the writer's, and the links' of each opening of the hub"
    )


# ---- cutting ahead ---------------------------------------------------------------------------------------------------


class Taker(Peer):
    """A peer that takes segments in, in order, and lets others go on meanwhile. `answers`: what it does with the nth offer."""

    def __init__(self, answers: Callable[[int, "Taker"], None] = lambda _n, _taker: None) -> None:
        self.size = 0
        self.bodies: list[bytes] = []
        self.offers = self.under_way = self.most = self.asked = 0
        self._answers = answers
        self._in_turn = asyncio.Lock()

    @override
    async def held(self, origin: str, sender: str) -> int:
        self.asked += 1
        return self.size

    @override
    async def offer(self, segment: Segment, sender: str) -> Taken:
        number, self.offers = self.offers, self.offers + 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            async with self._in_turn:
                for _ in range(20):
                    await asyncio.sleep(0)
                if segment.start > self.size:
                    raise Unavailable(f"it begins at {segment.start}, not at {self.size}")
                if segment.start < self.size:
                    raise Tampered(f"it begins at {segment.start}, not at {self.size}")
                self._answers(number, self)
        finally:
            self.under_way -= 1
        self.size = segment.size
        self.bodies += [segment.entries[index] for index in range(len(segment.leaves))]
        return Taken(size=self.size)

    @override
    async def deliver(self, *_: Any) -> Any:
        raise AssertionError("no action is due")

    @override
    async def latest(self, origin: str, sender: str) -> bytes | None:
        return None

    @override
    async def attest(self, origin: str, sender: str) -> bytes | None:
        return None


class Line:
    """A bus to one peer that is always in reach."""

    def __init__(self, taker: Taker) -> None:
        self._taker = taker

    def linked(self, sender: str, receiver: str) -> bool:
        return True

    def peer(self, sender: str, receiver: str) -> Taker:
        return self._taker


class Owner:
    """The site of the link: notes what it is told."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.refusals: list[Tampered] = []

    async def taken(self, peer: str, taken: Taken) -> None:
        self.sizes.append(taken.size)

    async def refused(self, peer: str, error: Tampered) -> bool:
        self.refusals.append(error)
        return True

    def undeliverable(self, *_: object) -> None:
        raise AssertionError("no action is due")


def sent(
    kept: Kept, taker: Taker, monkeypatch: pytest.MonkeyPatch, until: Callable[[Link], bool] | None = None
) -> tuple[Link, Owner]:
    """A link tells a peer a whole log, four entries at a time."""
    monkeypatch.setattr("holdgate.engine.replicate.STRETCH", 4)
    monkeypatch.setattr("holdgate.engine.replicate.RETRY_S", 0.01)
    owner, store = Owner(), kept
    done = until or (lambda link: not link.backlog)

    async def story() -> Link:
        given: Any = (Line(taker), store, kept, reader(kept), Telling(None, whole=True), owner)
        link = Link("NODE-1", "HUB", *given)
        link.wake()
        while not (done(link) and link.idle):  # noqa: ASYNC110  # nobody says so
            await asyncio.sleep(0)
        link.stop()
        return link

    return asyncio.run(asyncio.wait_for(story(), WAIT_S)), owner


def test_a_whole_log_arrives_in_order_and_nothing_is_read_or_cut_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    log = worked()
    kept, taker = kept_of(log), Taker()
    link, owner = sent(kept, taker, monkeypatch)
    assert taker.bodies == [draft.body for draft in log.drafts]
    assert kept.read == list(range(len(log.drafts)))
    assert owner.sizes == [*range(4, len(log.drafts), 4), len(log.drafts)]
    assert (link.fault, owner.refusals) == (None, [])


def test_the_next_stretch_is_cut_while_the_peer_looks_at_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = kept_of(worked())
    ahead: list[int] = []
    taker = Taker(lambda _n, taker: ahead.append(max(kept.read) + 1 - taker.size))
    sent(kept, taker, monkeypatch)
    assert ahead[0] == 8, "its own four, and the four after them"
    assert ahead[-1] <= 4, "nothing is due after the last one"


def test_two_stretches_are_on_their_way_and_never_more(monkeypatch: pytest.MonkeyPatch) -> None:
    log, taker = worked(), Taker()
    sent(kept_of(log), taker, monkeypatch)
    assert taker.most == IN_FLIGHT
    assert taker.bodies == [draft.body for draft in log.drafts]


def test_one_stretch_travels_alone_where_its_documents_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdgate.engine.replicate.SEGMENT_BYTES", 1)
    log, taker = worked(), Taker()
    sent(kept_of(log), taker, monkeypatch)
    assert taker.most == 1
    assert taker.bodies == [draft.body for draft in log.drafts]


def test_a_stretch_behind_one_that_was_refused_is_dropped_and_both_are_sent_again_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    starts: list[int] = []

    class Refuses(Taker):
        @override
        async def offer(self, segment: Segment, sender: str) -> Taken:
            starts.append(segment.start)
            if len(starts) == 3:
                while len(starts) == 3:  # noqa: ASYNC110  # nobody says so
                    await asyncio.sleep(0)
                raise Unavailable("busy")
            return await super().offer(segment, sender)

    log, taker = worked(), Refuses()
    _, owner = sent(kept_of(log), taker, monkeypatch)
    assert taker.bodies == [draft.body for draft in log.drafts]
    assert starts[:6] == [0, 4, 8, 12, 8, 12], "the one that was ahead is forgotten"
    assert taker.asked == 2, "once at first, and once after the refusal"
    assert owner.refusals == []


def test_a_stretch_that_is_lost_on_the_way_is_sent_again_and_none_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def loses(number: int, taker: Taker) -> None:
        if number in (1, 4):
            raise Unavailable("lost")

    log = worked()
    taker = Taker(loses)
    _, owner = sent(kept_of(log), taker, monkeypatch)
    assert taker.bodies == [draft.body for draft in log.drafts]
    assert owner.refusals == []


def test_a_peer_that_fell_back_gets_everything_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that was restored from a backup meanwhile: what was cut ahead is not what it is due."""

    def falls_back(number: int, taker: Taker) -> None:
        if number == 2:
            taker.size, taker.bodies = 4, taker.bodies[:4]
            raise Unavailable("restored")

    log = worked()
    taker = Taker(falls_back)
    sent(kept_of(log), taker, monkeypatch)
    assert taker.bodies == [draft.body for draft in log.drafts]


def test_a_stretch_that_cannot_be_cut_is_told_of_when_its_turn_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    log = worked()
    kept, taker = kept_of(log), Taker()
    monkeypatch.setattr(Telling, "beside", lambda _self, read: ("0" * 64,) if read.row.seq == 9 else ())
    link, owner = sent(kept, taker, monkeypatch, lambda link: link.fault is not None)
    assert isinstance(link.fault, InvariantBroken)
    assert taker.size == 8, "what lies before it came through"
    assert owner.refusals == []
