"""Who sends much waits behind themselves: sources take turns, and nobody has more than their share under way.

Everything here is counted, in the order of service; `holdgate bench noisy` measures times.
"""

import asyncio
import hashlib
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.crypto.envelope import seal
from holdgate.crypto.keys import SigningKey
from holdgate.engine.answer import Answer
from holdgate.engine.inbox import Inbox
from holdgate.engine.paths import Paths
from holdgate.engine.shares import ABOUT_S, Gate, Shares
from holdgate.engine.verify import Busy, Unauthentic, verify
from holdgate.ledger.merkle import inclusion_path
from holdgate.ledger.note import parse_vkey
from holdgate.ledger.proof import verify_proof
from holdgate.sites.site import Site
from holdgate.terms import canon
from holdgate.terms.errors import Unavailable
from holdgate.terms.limits import IDENTITY_WAITING_MAX, SOURCE_WAITING_MAX, UNDER_WAY_EACH_MAX
from tests.unit.test_sites import FLOOR, HUB, House
from tests.unit.test_submit import at_hub, attempts, forged, swallowed


class Sent(NamedTuple):
    source: str
    n: int


def nobody_waits() -> float:
    return 0.0


# ---- turns ---------------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.sampled_from("abc"), st.none()), max_size=60))
def test_everything_is_taken_once_each_source_in_its_order_and_never_beyond_its_share(steps: list[str | None]) -> None:
    """None: the first that is under way is done with."""
    inbox: Inbox[Sent] = Inbox(Shares(nobody_waits))
    sent: list[Sent] = []
    taken: list[Sent] = []
    under: list[Sent] = []

    def take() -> None:
        while (one := inbox.take()) is not None:
            taken.append(one)
            under.append(one)
        assert sorted(inbox) == sorted(set(sent) - set(taken))
        if len({one.source for one in sent}) > 1:
            begun = Counter(one.source for one in under)
            assert all(begun[one.source] >= UNDER_WAY_EACH_MAX for one in inbox), "nobody waits who has room"

    for n, source in enumerate(steps):
        if source is not None:
            sent.append(Sent(source, n))
            inbox.add(sent[-1])
        elif under:
            inbox.ends(under.pop(0).source)
        take()
    while under:
        inbox.ends(under.pop(0).source)
        take()
    assert not inbox
    for source in "abc":
        assert [one for one in taken if one.source == source] == [one for one in sent if one.source == source]


def test_nobody_waits_for_more_than_one_of_each_other_source() -> None:
    inbox: Inbox[Sent] = Inbox(Shares(nobody_waits))
    for n in range(1_000):
        inbox.add(Sent("noisy", n))
    for source in ("a", "b", "c"):
        inbox.add(Sent(source, 0))
    taken = [inbox.take() for _ in range(4)]
    assert [one.source for one in taken if one is not None] == ["noisy", "a", "b", "c"]


def test_who_is_alone_has_all_of_it_and_who_left_is_no_longer_counted() -> None:
    time = [0.0]
    shares = Shares(lambda: time[0])
    shares.notice("noisy")
    for _ in range(100):
        assert shares.fits("noisy")
        shares.begins("noisy")
    shares.notice("quiet")
    assert not shares.fits("noisy")
    assert shares.fits("quiet")
    time[0] = ABOUT_S + 0.1
    shares.notice("noisy")
    assert shares.fits("noisy"), "the quiet one is gone"


def test_a_source_that_fills_its_line_is_told_to_slow_down_and_this_process_itself_is_not() -> None:
    inbox: Inbox[Sent] = Inbox(Shares(nobody_waits), "local")
    for source in ("noisy", "local"):
        for n in range(SOURCE_WAITING_MAX):
            inbox.add(Sent(source, n))
    inbox.add(Sent("local", SOURCE_WAITING_MAX))
    with pytest.raises(Unavailable, match="send the next when one of those is answered"):
        inbox.add(Sent("noisy", SOURCE_WAITING_MAX))
    inbox.add(Sent("quiet", 0))


# ---- shares of signers ---------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=80))
def test_each_signers_acts_begin_in_their_order_and_never_beyond_their_share(steps: list[tuple[str, bool]]) -> None:
    """False: one of that signer's acts that are under way is done with."""
    gate: Gate[int] = Gate(nobody_waits)
    gate.notice("somebody else")
    begun: dict[str, list[int]] = {name: [] for name in "abc"}
    ended = Counter[str]()
    for n, (name, comes) in enumerate(steps):
        if comes and gate.enter(name, n):
            begun[name].append(n)
        elif not comes and ended[name] < len(begun[name]):
            ended[name] += 1
            begun[name] += gate.leave(name)
        assert all(len(begun[one]) - ended[one] <= UNDER_WAY_EACH_MAX for one in "abc")
    for name in "abc":
        while ended[name] < len(begun[name]):
            ended[name] += 1
            begun[name] += gate.leave(name)
        assert begun[name] == [n for n, (one, comes) in enumerate(steps) if comes and one == name]
    assert not len(gate)
    assert not gate.full


def test_a_signer_whose_line_is_full_is_told_to_slow_down_until_one_is_done_with() -> None:
    gate: Gate[int] = Gate(nobody_waits)
    gate.notice("somebody else")
    for n in range(UNDER_WAY_EACH_MAX + IDENTITY_WAITING_MAX):
        assert gate.enter("noisy", n) == (n < UNDER_WAY_EACH_MAX)
    assert gate.full == {"noisy"}
    with pytest.raises(Unavailable, match="too much from noisy waits here already"):
        gate.enter("noisy", -1)
    assert gate.leave("noisy") == [UNDER_WAY_EACH_MAX]
    assert not gate.full
    assert not gate.enter("noisy", -1)


def test_whoever_claims_a_signers_name_does_not_use_up_their_share(tmp_path: Path) -> None:
    """Forged acts in the name of a reader, many of them, from many places: the reader's own is decided all the same."""

    async def story(house: House, floor: Site) -> None:
        stranger = [
            floor.submit(
                seal(canon.encode(house.arrival(f"X-{n}", "SCN-1", n + 10)), [("SCN-1", SigningKey.generate())]),
                source=f"stranger-{n % 5}",
            )
            for n in range(IDENTITY_WAITING_MAX * 3)
        ]
        scan = house.desk.sign_only(house.arrival("PO-A", "SCN-1", 1), ["SCN-1", "WS-REC"])
        answer = await floor.submit(scan, source="dock")
        assert answer.seq >= 0
        assert [a for a in await swallowed(stranger) if isinstance(a, Unavailable)] == []

    at_hub(tmp_path, story, FLOOR)


def test_who_is_full_is_refused_before_signatures_are_checked(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        bad, roster = forged(house), hub.chronicle.state.identities
        assert isinstance(verify(bad, roster, "dock", {"ADM"}), Busy)
        assert isinstance(verify(bad, roster, "dock", {"QAM"}), Unauthentic)

    at_hub(tmp_path, story)


# ---- at a site -----------------------------------------------------------------------------------------------------

QUIET = ("SCN-2", "SCN-3")


def scan(house: House, reader: str, number: int) -> bytes:
    return house.desk.sign_only(house.arrival(f"PO-{reader}-{number}", reader, number), [reader, "WS-REC"])


async def hold_on(until: Callable[[], bool]) -> None:
    for _ in range(60_000):
        if until():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never comes")


def test_of_what_is_decided_while_a_quiet_reader_waits_a_share_is_the_noisy_ones(tmp_path: Path) -> None:
    """The noisy reader sends over three places at once. A quiet one's scan never stands behind more than what was under way."""

    async def story(house: House, floor: Site) -> None:
        floor.spine._verifiers.put = lambda job: job()  # type: ignore[method-assign]  # so that no thread's pace counts
        for reader in QUIET:  # they are about
            await floor.submit(scan(house, reader, 1), source=f"dock-{reader}")
        noise = [floor.submit(scan(house, "SCN-1", n + 1), source=f"noisy-{n % 3}") for n in range(60)]
        behind = []
        for number in range(2, 10):
            before = floor.spine.size
            quiet = [floor.submit(scan(house, reader, number), source=f"dock-{reader}") for reader in QUIET]
            behind += [answer.seq - before for answer in await asyncio.gather(*quiet)]
        each = 2  # an arrival may have one entry of its own after it
        groups = 4  # being written, staged, and begun in the loop's rounds until the quiet one's act is decided
        assert max(behind) <= (UNDER_WAY_EACH_MAX * groups + len(QUIET)) * each, behind
        assert all(isinstance(one, Answer) for one in await swallowed(noise)), "no scan is lost, and none is refused"

    at_hub(tmp_path, story, FLOOR)


def test_what_is_beyond_is_refused_for_now_and_taken_when_it_is_sent_again(tmp_path: Path) -> None:
    async def story(house: House, floor: Site) -> None:
        await floor.submit(scan(house, "SCN-2", 1), source="dock-2")
        sent = [scan(house, "SCN-1", n + 1) for n in range(3 * IDENTITY_WAITING_MAX)]
        store: Any = floor.means.store
        commit, flushes = store.commit, threading.Event()

        def slow(drafts: Any, head: Any) -> None:
            assert flushes.wait(60)
            commit(drafts, head)

        store.commit = slow
        asked = [floor.submit(raw, source=f"noisy-{n}") for n, raw in enumerate(sent)]
        try:
            await hold_on(lambda: any(one.done() for one in asked))
        finally:
            flushes.set()
        told = await swallowed(asked)
        refused = [raw for raw, one in zip(sent, told, strict=True) if isinstance(one, Unavailable)]
        assert refused
        assert not attempts(floor), "who is told to slow down has done nothing wrong"
        for raw in refused:
            assert (await floor.submit(raw, source="noisy")).seq >= 0

    at_hub(tmp_path, story, FLOOR)


def test_a_source_alone_is_not_slowed_and_a_signer_alone_neither(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        count = 2 * IDENTITY_WAITING_MAX
        answers = await asyncio.gather(
            *(hub.submit(house.sign(house.material(f"B-{n}")), source="gateway") for n in range(count))
        )
        assert [answer.seq for answer in answers] == sorted(answer.seq for answer in answers)

    at_hub(tmp_path, story, HUB)


def test_a_caller_who_gives_up_gives_back_its_share(tmp_path: Path) -> None:
    async def story(house: House, floor: Site) -> None:
        await floor.submit(scan(house, "SCN-2", 1), source="dock-2")
        for number in range(5):
            asked = [floor.submit(scan(house, "SCN-1", number * 20 + n + 1), source="noisy") for n in range(20)]
            for one in asked[::2]:
                one.cancel()
            await asyncio.gather(*asked[1::2])
        await hold_on(lambda: floor.spine.idle)
        assert (await floor.submit(scan(house, "SCN-1", 900), source="noisy")).seq >= 0

    at_hub(tmp_path, story, FLOOR)


def test_who_waits_for_a_share_is_told_to_ask_again_when_the_site_is_closed(tmp_path: Path) -> None:
    async def story(house: House, floor: Site) -> None:
        await floor.submit(scan(house, "SCN-2", 1), source="dock-2")
        asked = [floor.submit(scan(house, "SCN-1", n + 1), source="noisy") for n in range(40)]
        await asyncio.sleep(0)
        floor.spine.close()
        assert all(isinstance(one, Answer | Unavailable) for one in await swallowed(asked))

    at_hub(tmp_path, story, FLOOR)


# ---- the same again ------------------------------------------------------------------------------------------------


class Kept:
    """Leaves, and how many were read."""

    def __init__(self, count: int) -> None:
        self.all = [hashlib.sha256(b"%d" % n).digest() for n in range(count)]
        self.read = 0

    def leaves(self, start: int, stop: int) -> list[bytes]:
        self.read += stop - start
        return self.all[start:stop]


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 31, 255, 256, 257, 272, 273, 4_095, 4_096, 4_097, 5_000])
def test_a_path_is_what_the_whole_log_gives(size: int) -> None:
    kept = Kept(size)
    grown = Paths(kept)
    for index in {0, 1 % size, size // 3, size // 2, size - 1}:
        assert grown.path(index, size) == Paths(kept).path(index, size) == inclusion_path(kept.all, index)
    for smaller in {1, size // 2 or 1, size - 1 or 1}:
        assert grown.path(smaller - 1, smaller) == inclusion_path(kept.all[:smaller], smaller - 1)


def test_a_path_of_a_log_that_grew_reads_a_few_leaves_alone() -> None:
    kept = Kept(10_000)
    paths = Paths(kept)
    paths.path(5, 5_000)
    assert kept.read >= 4_000
    kept.read = 0
    for index in range(0, 10_000, 1_000):
        assert paths.path(index, 10_000) == inclusion_path(kept.all, index)
    assert kept.read <= 5_000 + 10 * 32


def test_an_act_that_is_sent_again_and_again_has_nobody_read_the_whole_log(tmp_path: Path) -> None:
    """Each resend used to read all leaves of the log, on the loop that everybody's acts are decided on."""

    async def story(house: House, hub: Site) -> None:
        raw = house.sign(house.material("B-0"))
        first = await hub.submit(raw)
        await asyncio.gather(*(hub.submit(house.sign(house.material(f"B-{n}"))) for n in range(1, 300)))
        store: Any = hub.means.store
        read, leaves = [0], store.leaves

        def counted(start: int, stop: int) -> list[bytes]:
            read[0] += stop - start
            found: list[bytes] = leaves(start, stop)
            return found

        store.leaves = counted
        again = first
        for _ in range(50):
            again = await hub.submit(raw)
            assert (again.seq, again.resent) == (first.seq, True)
        row = next(iter(store.rows(first.seq, first.seq + 1)))
        verify_proof(again.receipt, row.leaf, parse_vkey(hub.notary.vkey))
        assert read[0] <= hub.spine.size + 50 * 32

    at_hub(tmp_path, story)
