"""Two stretches of a log on their way to one site: what is folded after what, what a gap is, what is believed when."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec import Raw
from msgspec.structs import replace

from holdgate.crypto.hashes import leaf_hash, sha256
from holdgate.crypto.keys import SigningKey
from holdgate.engine.bus import IN_FLIGHT
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.decision import SEMANTICS, allow
from holdgate.law.segments import Proved, Segment
from holdgate.ledger.entry import Entry, LawRef, Source, encode_entry
from holdgate.ledger.merkle import extend, root_from_frontier
from holdgate.sites.site import Site
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from tests.unit.test_sites import (
    HUB,
    NODE,
    T0,
    VAULT,
    House,
    entries,
    events,
    flipped,
    governed,
    running,
    settled,
    told,
    unsound,
    until,
)

ACTS: Final = 8
"""Acts of one stretch: so many are proved in the threads."""


async def two_stretches(house: House) -> tuple[Segment, Segment]:
    """A node that is cut off worked on: what the business hub lacks, in two parts."""
    node, hub = house.shop.sites[NODE], house.shop.sites[HUB]
    await settled(house.shop)
    house.shop.bus.cut(NODE)
    for number in range(2 * ACTS):
        await house.ask(NODE, house.start("PO-none", f"J-{number}"))
    start, stop = await hub.held(node.notary.origin, NODE), node.spine.size
    cut = node.links[HUB]._stretches.cut
    return cut(start, stop - ACTS), cut(stop - ACTS, stop)


async def attempts(house: House, site: Site) -> list[Entry]:
    """What stands against somebody on a site's record, when nothing is on its way there any more."""
    await settled(house.shop)
    return [entry for entry in entries(site) if entry.kind == "attempt"]


def imports(site: Site, origin: str) -> list[tuple[int, int]]:
    """Which stretches of a log stand on a site's record, in order."""
    return [(e.start, e.size) for e in events(site, ev.Imported) if e.origin == origin]


class Gated:
    """Lets a site prove a stretch only when it may; notes which were begun, and how much held of each."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[int] = []
        self.held: dict[int, int] = {}
        self._gates: dict[int, asyncio.Event] = {}
        self._true = site.spine.prove
        monkeypatch.setattr(site.spine, "prove", self._prove)

    def shut(self, segment: Segment) -> asyncio.Event:
        """The gate of a stretch."""
        return self._gates.setdefault(segment.start, asyncio.Event())

    async def _prove(self, segment: Segment) -> Mapping[int, Proved]:
        self.begun.append(segment.start)
        found = await self._true(segment)
        self.held[segment.start] = len(found)
        if segment.start in self._gates:
            await self._gates[segment.start].wait()
        return found


Story = Callable[[House], Awaitable[None]]


# ---- order and gaps ------------------------------------------------------------------------------------------------


def test_a_stretch_with_a_gap_before_it_leaves_no_record_and_is_taken_when_the_gap_is_closed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        hub = house.shop.sites[HUB]
        first, second = await two_stretches(house)
        before = len(imports(hub, first.origin))
        with pytest.raises(Unavailable, match=f"before entry {second.start} .* is missing"):
            await hub.offer(second, NODE)
        assert await hub.held(first.origin, NODE) == first.start
        assert await attempts(house, hub) == []
        for segment in (first, second):
            assert (await hub.offer(segment, NODE)).size == segment.size
        assert imports(hub, first.origin)[before:] == [(first.start, first.size), (second.start, second.size)]

    told(story, governed(tmp_path))


@pytest.mark.parametrize(
    ("what", "forged"),
    [
        ("a checkpoint that nobody signed", lambda s: replace(s, checkpoint=s.checkpoint[:-9] + b"AAAAAAA=\n")),
        ("a start that its size does not bear out", lambda s: replace(s, start=s.start + 1)),
    ],
)
def test_a_gap_is_believed_only_of_a_stretch_that_its_origin_signed(
    tmp_path: Path, what: str, forged: Callable[[Segment], Segment]
) -> None:
    async def story(house: House) -> None:
        hub = house.shop.sites[HUB]
        _, second = await two_stretches(house)
        with pytest.raises((Tampered, Malformed)):
            await hub.offer(forged(second), NODE)
        assert [entry.subject for entry in await attempts(house, hub)] == [f"source:{NODE}"], what

    told(story, governed(tmp_path))


def test_a_gap_leaves_no_evidence_at_the_vault(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        vault, node = house.shop.vaults[VAULT], house.shop.sites[NODE]
        await two_stretches(house)
        start, stop, cut = await vault.held(node.notary.origin, NODE), node.spine.size, node.links[VAULT]._stretches.cut
        with pytest.raises(Unavailable, match="go on from there"):
            await vault.offer(cut(stop - ACTS, stop), NODE)
        assert vault.store.evidence(node.notary.origin) == []
        assert await vault.held(node.notary.origin, NODE) == start
        await vault.offer(cut(start, stop - ACTS), NODE)
        await vault.offer(cut(stop - ACTS, stop), NODE)

    told(story, governed(tmp_path))


def test_a_stretch_is_proved_while_the_one_before_is_looked_at_and_folded_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(house: House) -> None:
        hub = house.shop.sites[HUB]
        first, second = await two_stretches(house)
        before, gated = len(imports(hub, first.origin)), Gated(hub, monkeypatch)
        gate = gated.shut(first)
        offered = [asyncio.ensure_future(hub.offer(segment, NODE)) for segment in (first, second)]
        await until(lambda: gated.held.get(second.start) == ACTS)
        asked = asyncio.ensure_future(hub.held(first.origin, NODE))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not asked.done(), "how much is held is known when what is under way is folded"
        assert len(imports(hub, first.origin)) == before
        gate.set()
        assert [taken.size for taken in await asyncio.gather(*offered)] == [first.size, second.size]
        assert await asked == second.size
        assert imports(hub, first.origin)[before:] == [(first.start, first.size), (second.start, second.size)]
        assert await attempts(house, hub) == []

    told(story, governed(tmp_path))


def test_what_comes_late_or_twice_leaves_no_record(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        hub, node = house.shop.sites[HUB], house.shop.sites[NODE]
        first, second = await two_stretches(house)
        await hub.offer(first, NODE)
        with pytest.raises(Unavailable, match="was taken in before"):
            await hub.offer(first, NODE)
        for act in range(2):
            await house.ask(NODE, house.start("PO-none", f"J-again-{act}"))
        cut = node.links[HUB]._stretches.cut
        beyond = cut(second.start - 3, second.size + 1)
        with pytest.raises(Unavailable, match="was taken in before"):
            await hub.offer(beyond, NODE)
        await hub.offer(second, NODE)
        for late in (first, second, beyond, cut(second.start - 3, second.size - 2)):
            with pytest.raises(Unavailable, match="was taken in before"):
                await hub.offer(late, NODE)
        assert await attempts(house, hub) == []

    told(story, governed(tmp_path))


# ---- who lies ------------------------------------------------------------------------------------------------------


def test_a_forged_stretch_beside_a_good_one_is_refused_alone(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        hub = house.shop.sites[HUB]
        first, second = await two_stretches(house)
        offers = (hub.offer(first, NODE), hub.offer(flipped(second), NODE))
        taken, refused = await asyncio.gather(*offers, return_exceptions=True)
        assert not isinstance(taken, BaseException)
        assert taken.size == first.size
        assert isinstance(refused, Tampered)
        assert len(await attempts(house, hub)) == 1
        assert (await hub.offer(second, NODE)).size == second.size

    told(story, governed(tmp_path))


def test_a_good_stretch_behind_a_forged_one_is_asked_for_again_and_not_blamed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        hub = house.shop.sites[HUB]
        first, second = await two_stretches(house)
        offers = (hub.offer(flipped(first), NODE), hub.offer(second, NODE))
        refused, gap = await asyncio.gather(*offers, return_exceptions=True)
        assert isinstance(refused, Tampered)
        assert isinstance(gap, Unavailable)
        assert len(await attempts(house, hub)) == 1
        assert await hub.held(first.origin, NODE) == first.start

    told(story, governed(tmp_path))


def test_another_history_is_on_record_wherever_it_begins(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        node = house.shop.sites[NODE]
        await settled(house.shop)
        house.shop.bus.cut(HUB)
        known = node.chronicle.state.origins[house.shop.sites[HUB].notary.origin]
        said = [hub_entry(house.sign(house.material(f"B-{number}"))) for number in range(6)]
        await node.offer(hub_log(house, known.size, known.frontier, said[:3]), HUB)
        for other in (said[3:4], said[3:], said[:1] + said[4:]):
            with pytest.raises(Tampered, match="begins at"):
                await node.offer(hub_log(house, known.size, known.frontier, other), HUB)
        (attempt,) = await attempts(house, node)
        assert attempt.subject == f"source:{HUB}"

    unaudited(story, governed(tmp_path))


Said = Callable[[int], bytes]
"""An entry of the hub, once its place is known."""


def hub_log(house: House, start: int, frontier: tuple[bytes, ...], said: list[Said]) -> Segment:
    """A stretch that a hostile business hub signs; everything in it is disclosed."""
    bodies = [entry(seq) for seq, entry in enumerate(said, start)]
    leaves = tuple(leaf_hash(body) for body in bodies)
    size, notary = start + len(bodies), house.shop.sites[HUB].notary
    checkpoint = notary.checkpoint(size, root_from_frontier(extend(start, frontier, leaves), size))
    return Segment(
        origin=notary.origin,
        start=start,
        size=size,
        checkpoint=checkpoint,
        leaves=leaves,
        entries=dict(enumerate(bodies)),
    )


def hub_entry(raw: bytes, *said: ev.AnyEvent) -> Said:
    def placed(seq: int) -> bytes:
        return encode_entry(
            Entry(
                site=HUB,
                seq=seq,
                epoch="e",
                at=T0,
                kind="action",
                subject="s",
                source=Source(module="m", node=HUB),
                law=LawRef(semantics=SEMANTICS),
                decision=Raw(canon.encode(allow(*said))),
                action=Raw(raw),
            )
        )

    return placed


def enrolled_anew(house: House) -> Said:
    """The hub gives the technician another key; two officers sign."""
    key = SigningKey.from_seed(sha256(b"another key of the technician")).public
    who: dict[str, Any] = {"id": "TEC", "name": "TEC", "org": "LAB", "kind": "person", "roles": ("technician",)}
    act = c.EnrolIdentity(**house.head(HUB, ("ADM", "admin"), ("QAM", "qa")), **who, key=key)
    return hub_entry(house.sign(act), ev.IdentityEnrolled(**who, key=key))


def disabled(house: House) -> Said:
    act = c.DisableIdentity(**house.head(HUB, ("ADM", "admin"), ("QAM", "qa")), id="TEC", reason="left")
    return hub_entry(house.sign(act), ev.IdentityDisabled(id="TEC"))


def nothing(house: House) -> Said:
    return hub_entry(house.sign(house.material("B-0")))


@pytest.mark.parametrize(
    ("what", "first", "holds"),
    [("nothing", nothing, True), ("disabled", disabled, True), ("rekeyed", enrolled_anew, False)],
)
def test_signatures_that_were_checked_early_count_only_under_the_key_that_counts_when_they_are_folded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, first: Callable[[House], Said], holds: bool
) -> None:
    """What somebody did before being de-authorised stays his; what was signed with a key that is not his now does not count."""

    async def story(house: House) -> None:
        node, gated = house.shop.sites[NODE], Gated(house.shop.sites[NODE], monkeypatch)
        await settled(house.shop)
        house.shop.bus.cut(HUB)
        known = node.chronicle.state.origins[house.shop.sites[HUB].notary.origin]
        acts = [
            c.RegisterMaterial(**house.head(HUB, ("TEC", "technician")), **BATCH, batch=f"B-{n}") for n in range(ACTS)
        ]
        one = hub_log(house, known.size, known.frontier, [first(house)])
        frontier = extend(known.size, known.frontier, one.leaves)
        two = hub_log(house, one.size, frontier, [hub_entry(house.sign(act)) for act in acts])
        gate = gated.shut(one)
        offered = [asyncio.ensure_future(node.offer(segment, HUB)) for segment in (one, two)]
        await until(lambda: gated.held.get(two.start) == ACTS)
        gate.set()
        taken, then = await asyncio.gather(*offered, return_exceptions=True)
        assert not isinstance(taken, BaseException), taken
        assert isinstance(then, Tampered) is not holds, (what, then)
        assert len(await attempts(house, node)) == (0 if holds else 1)
        assert await node.held(one.origin, HUB) == (two.size if holds else one.size)

    unaudited(story, governed(tmp_path))


BATCH: Final[dict[str, Any]] = {"material_kind": "penetrant", "until": T0, "approved": True}


def unaudited(story: Story, house: House) -> None:
    """A story after which the logs do not fit together."""

    async def run() -> None:
        async with running(house):
            await story(house)

    asyncio.run(run())


# ---- limits, and what is cut short ---------------------------------------------------------------------------------


def test_a_flood_of_stretches_is_bounded_and_leaves_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(house: House) -> None:
        hub = house.shop.sites[HUB]
        first, second = await two_stretches(house)
        gated = Gated(hub, monkeypatch)
        gate = gated.shut(first)
        offers = [asyncio.ensure_future(hub.offer(segment, NODE)) for segment in (first, *[second] * 20)]
        await until(lambda: sum(offer.done() for offer in offers) == 21 - IN_FLIGHT)
        assert gated.begun == [first.start, second.start], "nothing of the others was looked at"
        gate.set()
        said = await asyncio.gather(*offers, return_exceptions=True)
        assert [type(one) for one in said[IN_FLIGHT:]] == [Unavailable] * (21 - IN_FLIGHT)
        assert not any(isinstance(one, BaseException) for one in said[:IN_FLIGHT])
        assert await attempts(house, hub) == []

    told(story, governed(tmp_path))


def test_who_floods_under_anothers_name_keeps_nobody_from_being_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(house: House) -> None:
        hub = house.shop.sites[HUB]
        first, second = await two_stretches(house)
        gated = Gated(hub, monkeypatch)
        gate = gated.shut(second)
        flood = [asyncio.ensure_future(hub.offer(flipped(second), "N-2")) for _ in range(10)]
        assert (await hub.offer(first, NODE)).size == first.size
        gate.set()
        said = await asyncio.gather(*flood, return_exceptions=True)
        assert all(isinstance(one, (Unavailable, Tampered)) for one in said)
        assert (await hub.offer(second, NODE)).size == second.size

    told(story, governed(tmp_path))


def test_a_stretch_that_is_given_up_lets_the_next_one_be_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(house: House) -> None:
        hub = house.shop.sites[HUB]
        first, second = await two_stretches(house)
        gated = Gated(hub, monkeypatch)
        gated.shut(first)
        offers = [asyncio.ensure_future(hub.offer(segment, NODE)) for segment in (first, second)]
        await until(lambda: gated.held.get(second.start) == ACTS)
        offers[0].cancel()
        gone, gap = await asyncio.gather(*offers, return_exceptions=True)
        assert isinstance(gone, asyncio.CancelledError)
        assert isinstance(gap, Unavailable)
        monkeypatch.undo()
        house.shop.bus.mend(NODE)
        await settled(house.shop)
        assert await hub.held(first.origin, NODE) >= second.size
        assert await attempts(house, hub) == []

    told(story, governed(tmp_path))


def test_a_hub_that_dies_between_two_stretches_goes_on_after_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = governed(tmp_path)

    async def dies() -> tuple[Segment, Segment]:
        await house.shop.open()
        hub = house.shop.sites[HUB]
        first, second = await two_stretches(house)
        gated = Gated(hub, monkeypatch)
        gated.shut(second)
        offers = [asyncio.ensure_future(hub.offer(segment, NODE)) for segment in (first, second)]
        assert (await offers[0]).size == first.size
        await until(lambda: gated.held.get(second.start) == ACTS)
        hub.means.store.close()
        monkeypatch.setattr(hub.means.store, "close", lambda: None)
        hub.spine.stop_for(Unavailable("the machine went down"))
        offers[1].cancel()
        await asyncio.gather(*offers, return_exceptions=True)
        house.shop.close()
        return first, second

    first, second = asyncio.run(dies())
    monkeypatch.undo()
    back = House(house.directory, seed=2 << 20)

    async def goes_on(house: House) -> None:
        hub = house.shop.sites[HUB]
        assert await hub.held(first.origin, NODE) >= second.size
        stretches = imports(hub, first.origin)
        assert (first.start, first.size) in stretches
        assert all(stop == start for (_, stop), (start, _) in pairwise(stretches))
        assert await attempts(house, hub) == []

    told(goes_on, back)
    assert unsound(back.audits()) == []
