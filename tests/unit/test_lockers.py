"""A badge that was made at the business hub opens at a node's kiosk, whose front desk is another one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import pytest
from msgspec.structs import replace

from holdgate.adapters.sqlite_reception import SqliteReception
from holdgate.crypto.badge import Badge, open_key, seal_key
from holdgate.crypto.badge import Sealed as Body
from holdgate.crypto.keys import SigningKey
from holdgate.law import command as c
from holdgate.sites import lockers as module
from holdgate.sites.lockers import Lockers
from holdgate.sites.reception import Lodged
from holdgate.terms.errors import Unavailable
from holdgate.terms.limits import LOCKERS_ASKED_MAX
from tests.unit.test_sites import FLOOR, HUB, NODE, OTHER, House, governed, running, settled

TEC: Final = "TEC"
PIN: Final = "246810"
BADGE: Final = Badge(TEC, bytes(range(16)))


def sealed(badge: Badge, key: SigningKey) -> Lodged:
    made = seal_key(badge, PIN, key, b"s" * 16, b"n" * 12)
    return Lodged(id=badge.id, salt=made.salt, nonce=made.nonce, sealed=made.body, key=key.public)


def opens(found: Lodged | None) -> bytes:
    """The public key of what a kiosk opens with the badge."""
    assert found is not None
    return open_key(BADGE, PIN, Body(found.salt, found.nonce, found.sealed)).public


class Desks:
    """Two sites of a shop with a front desk each, as in two processes."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.hub, self.node = house.shop.sites[HUB], house.shop.sites[NODE]
        self.office, self.bench = SqliteReception(folder / "office.db"), SqliteReception(folder / "bench.db")
        self.made, self.kiosk = Lockers(self.hub, self.office), Lockers(self.node, self.bench)
        self.asked: list[tuple[str, str]] = []
        self.hub.lockers = self._given

    def _given(self, smart_id: str, sender: str) -> bytes | None:
        self.asked.append((smart_id, sender))
        return self.made.given(smart_id, sender)

    def make(self) -> None:
        """The technician's badge is made at the office."""
        self.office.put_locker(sealed(BADGE, self.house.desk.key(TEC)))

    async def rekey(self, key: SigningKey) -> None:
        """The technician gets another key."""
        house = self.house
        head = house.head(HUB, ("ADM", "admin"), ("QAM", "qa"), (TEC, "newcomer"))
        act = c.RekeyIdentity(**head, id=TEC, key=key.public, reason="badge lost")
        answer = await self.hub.submit(house.desk.sign(act, {TEC: key}))
        assert answer.decision.allowed, answer.decision


def told(tmp_path: Path, story: Callable[[Desks], Awaitable[None]]) -> None:
    closed = governed(tmp_path)

    async def run() -> None:
        async with running(closed) as house:
            await settled(house.shop)
            desks = Desks(house, tmp_path)
            try:
                await story(desks)
            finally:
                desks.office.close()
                desks.bench.close()

    asyncio.run(run())


def test_a_badge_is_fetched_once_and_opens_with_the_hub_out_of_reach_from_then_on(tmp_path: Path) -> None:
    async def story(desks: Desks) -> None:
        desks.make()
        assert desks.bench.locker(TEC) is None
        assert opens(await desks.kiosk.find(TEC)) == desks.house.desk.public(TEC)
        assert desks.asked == [(TEC, NODE)]
        desks.house.shop.bus.cut(NODE)
        again = Lockers(desks.node, desks.bench)  # as after a restart
        assert opens(await again.find(TEC)) == desks.house.desk.public(TEC)
        assert desks.asked == [(TEC, NODE)]
        desks.house.shop.bus.mend(NODE)

    told(tmp_path, story)


def test_a_badge_that_was_never_used_here_needs_the_hub_and_says_so(tmp_path: Path) -> None:
    async def story(desks: Desks) -> None:
        desks.make()
        desks.house.shop.bus.cut(NODE)
        with pytest.raises(Unavailable, match=f"was not used at {NODE} yet.*{HUB} has to be asked"):
            await desks.kiosk.find(TEC)
        desks.house.shop.bus.mend(NODE)
        assert await desks.kiosk.find(TEC) is not None

    told(tmp_path, story)


def test_another_key_of_somebody_replaces_what_was_kept(tmp_path: Path) -> None:
    async def story(desks: Desks) -> None:
        desks.make()
        await desks.kiosk.find(TEC)
        key = SigningKey.from_seed(b"2" * 32)
        await desks.rekey(key)
        await settled(desks.house.shop)
        assert desks.kiosk.kept(TEC) is None, "the old one counts no more"
        assert await desks.kiosk.find(TEC) is None, "the office has none for the new key yet"
        desks.office.put_locker(sealed(BADGE, key))
        assert opens(await desks.kiosk.find(TEC)) == key.public
        kept = desks.bench.locker(TEC)
        assert kept is not None
        assert kept.key == key.public

    told(tmp_path, story)


def test_a_node_that_has_not_heard_of_the_new_key_keeps_the_badge_that_it_can_believe(tmp_path: Path) -> None:
    async def story(desks: Desks) -> None:
        desks.make()
        desks.house.shop.bus.cut(NODE)
        key = SigningKey.from_seed(b"2" * 32)
        await desks.rekey(key)
        desks.office.put_locker(sealed(BADGE, key))
        hub = Saying(desks.made.given(TEC, NODE))
        with hub_says(desks, hub), pytest.raises(Unavailable, match="another key at the office"):
            await desks.kiosk.find(TEC)
        assert desks.bench.locker(TEC) is None
        desks.house.shop.bus.mend(NODE)

    told(tmp_path, story)


class Saying:
    """A hub that gives this, after a while."""

    def __init__(self, raw: bytes | None, wait_s: float = 0.0) -> None:
        self.raw = raw
        self.wait_s = wait_s
        self.count = 0

    async def locker(self, smart_id: str, sender: str) -> bytes | None:
        self.count += 1
        await asyncio.sleep(self.wait_s)
        return self.raw


@contextmanager
def hub_says(desks: Desks, hub: Saying) -> Iterator[None]:
    bus = desks.node.means.bus
    bus.peer = lambda sender, receiver: hub  # type: ignore[method-assign,assignment,return-value]
    try:
        yield
    finally:
        del bus.peer


def test_what_is_no_sealed_key_of_theirs_is_kept_nowhere(tmp_path: Path) -> None:
    async def story(desks: Desks) -> None:
        good = sealed(BADGE, desks.house.desk.key(TEC))
        wrong = [
            replace(good, id="QAM"),
            replace(good, salt=b"short"),
            replace(good, sealed=b""),
            replace(good, sealed=bytes(513)),
            replace(good, key=b"x" * 32),
        ]
        raws = [*(msgspec.msgpack.encode(one) for one in wrong), b"", b"\xc1", b"\x91" * 5_000]
        for raw in raws:
            with hub_says(desks, Saying(raw)), pytest.raises(Unavailable):
                await desks.kiosk.find(TEC)
        assert desks.bench.locker(TEC) is None

    told(tmp_path, story)


def test_whom_the_roster_does_not_have_is_asked_of_nobody(tmp_path: Path) -> None:
    async def story(desks: Desks) -> None:
        desks.hub.chronicle.state.identities[TEC].disabled_at = 1
        desks.node.chronicle.state.identities[TEC].disabled_at = 1
        for name in ("SID-NOBODY", "WS-1", TEC, "../etc", ""):
            assert await desks.kiosk.find(name) is None
        assert desks.asked == []

    told(tmp_path, story)


def test_only_sites_of_the_shop_are_given_any_and_only_by_the_hub(tmp_path: Path) -> None:
    async def story(desks: Desks) -> None:
        desks.make()
        assert desks.made.given(TEC, FLOOR) is not None
        for sender in ("SID-MALLORY", "", "x" * 500):
            with pytest.raises(Unavailable, match="no site of this shop"):
                desks.made.given(TEC, sender)
        desks.hub.chronicle.state.retired[OTHER] = 1
        with pytest.raises(Unavailable, match="no site of this shop"):
            desks.made.given(TEC, OTHER)
        del desks.hub.chronicle.state.retired[OTHER]
        with pytest.raises(Unavailable, match="keeps no sealed keys"):
            desks.kiosk.given(TEC, HUB)
        with pytest.raises(Unavailable, match="keeps no sealed keys"):
            await desks.node.locker(TEC, HUB)

    told(tmp_path, story)


def test_many_kiosks_ask_once_and_a_flood_is_refused(tmp_path: Path) -> None:
    async def story(desks: Desks) -> None:
        hub = Saying(msgspec.msgpack.encode(sealed(BADGE, desks.house.desk.key(TEC))), wait_s=0.05)
        with hub_says(desks, hub):
            found = await asyncio.gather(*(desks.kiosk.find(TEC) for _ in range(20)))
            assert (hub.count, len(set(found))) == (1, 1)
            state = desks.node.chronicle.state
            names = [f"SID-{n}" for n in range(LOCKERS_ASKED_MAX + 1)]
            state.identities.update({name: replace(state.identities[TEC], id=name) for name in names})
            answers = await asyncio.gather(*(desks.kiosk.find(name) for name in names), return_exceptions=True)
            assert sum("too many badges" in str(answer) for answer in answers) == 1
            for name in names:
                del state.identities[name]

    told(tmp_path, story)


def test_a_hub_that_does_not_answer_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ASK_S", 0.05)

    async def story(desks: Desks) -> None:
        with hub_says(desks, Saying(None, wait_s=30)), pytest.raises(Unavailable, match="did not answer within"):
            await desks.kiosk.find(TEC)

    told(tmp_path, story)


def test_a_locker_that_was_kept_before_its_key_was_noted_still_opens(tmp_path: Path) -> None:
    async def story(desks: Desks) -> None:
        desks.office.put_locker(replace(sealed(BADGE, desks.house.desk.key(TEC)), key=b""))
        assert opens(await desks.kiosk.find(TEC)) == desks.house.desk.public(TEC)

    told(tmp_path, story)
