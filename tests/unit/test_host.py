"""Two hosts and a Vault keep one log: whoever dies, what was acknowledged stays, and exactly one of them writes."""

import asyncio
import contextlib
import random
import shutil
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from holdgate.adapters.memory_bus import MemoryBus
from holdgate.adapters.sqlite_mirror import SqliteMirror
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.audit.replay import audit_log
from holdgate.bootstrap import Premises, read_premises, read_trust
from holdgate.engine.answer import REPLICATED, Answer
from holdgate.engine.keeping import Keeper, host_of
from holdgate.engine.ports import Head
from holdgate.engine.source import StoreSource
from holdgate.law.chronicle import Draft
from holdgate.ledger.entry import read_entry
from holdgate.sites.build import policies_for
from holdgate.sites.host import Host
from holdgate.sites.site import Site, Writing
from holdgate.terms.errors import HoldgateError
from tests.unit.test_sites import HUB, VAULT, House, governed

LEASE_S = 0.6
DEADLINE_S = 30.0


async def until(true: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not true():  # noqa: ASYNC110  # conditions of many kinds
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"in vain: {what}") from None


class Machine:
    """One machine with one host of a site: its own directory, its process, killed and started."""

    def __init__(self, pair: "Pair", host: str, directory: Path) -> None:
        self.pair, self.host = pair, host
        self.premises: Premises = read_premises(directory)
        self.name = host_of(pair.site, host)
        self.running: Host | None = None
        self.task: asyncio.Task[None] | None = None
        self.keeper: Keeper | None = None
        self.site: Site | None = None

    def start(self) -> None:
        premises, bus = self.premises, self.pair.house.shop.bus
        seat = premises.seat(self.pair.site)
        keeper = self.keeper = Keeper(premises.promises(seat), asyncio.get_running_loop().time, LEASE_S)

        @asynccontextmanager
        async def write(writing: Writing) -> AsyncIterator[tuple[Site, MemoryBus]]:
            house = self.pair.house.shop
            means = premises.means(seat, bus, house.clock, house.entropy, writing=writing)
            site = self.site = Site(means, policies_for, timers=True)
            try:
                yield site, bus
            finally:
                if bus.attached(seat.id) is site:
                    bus.detach(seat.id)
                site.stop()

        self.running = Host(
            seat.id,
            self.host,
            bus,
            [VAULT],
            lambda: premises.standby(seat, self.name, keeper, bus),
            write,
            lease_s=LEASE_S,
        )
        self.task = asyncio.get_running_loop().create_task(self.running.run())

    async def kill(self) -> None:
        """The process ends; what it had decided and not told anybody is in its store or lost."""
        bus = self.pair.house.shop.bus
        bus.detach(self.name)
        if self.site is not None and bus.attached(self.pair.site) is self.site:
            bus.detach(self.pair.site)
        assert self.task is not None
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        if self.keeper is not None:
            self.keeper.close()
        self.running = self.site = None

    @property
    def writes(self) -> bool:
        return self.running is not None and self.running.site is not None

    def counted(self, origin: str) -> int:
        """Under which term its copy counted last."""
        promises = self.premises.promises(self.premises.seat(self.pair.site))
        with closing(promises):
            return promises.load(origin).written

    def bodies(self) -> list[bytes]:
        store = SqliteStore(self.premises.directory / self.pair.site / "ledger.db", read_only=True)
        try:
            return [row.body for row in store.rows(0, 1 << 40)]
        finally:
            store.close()


class Pair:
    """A site on two machines; the rest of the shop in one place."""

    def __init__(self, house: House, site: str) -> None:
        self.house, self.site = house, site
        second = house.directory.parent / "second"
        second.mkdir()
        for name in ("charter.json", "trust.json"):
            shutil.copyfile(house.directory / name, second / name)
        (second / site).mkdir()
        shutil.copyfile(house.directory / site / "site.key", second / site / "site.key")
        self.a = Machine(self, "a", house.directory)
        self.b = Machine(self, "b", second)
        self.answered: list[tuple[Answer, bytes]] = []

    @property
    def writer(self) -> Machine | None:
        return next((machine for machine in (self.a, self.b) if machine.writes), None)

    async def open(self, *, vault: bool = True) -> None:
        if vault:
            self.house.open_vault()
        self.a.start()
        self.b.start()
        await until(lambda: self.writer is not None, "somebody writes")

    async def all_keep(self) -> None:
        """Until every copy counts under the present term: from then on any one of the three may go."""

        def number() -> int:
            writer = self.writer
            site = None if writer is None or writer.running is None else writer.running.site
            tenure = None if site is None or site.means.writing is None else site.means.writing.tenure
            return 0 if tenure is None else 1 + len(tenure.held)

        await until(lambda: number() == 3, "all three keep the log")

    async def close(self) -> None:
        for machine in (self.a, self.b):
            if machine.running is not None:
                await machine.kill()

    async def ask(self, batch: str) -> Answer:
        """A signed act, handed in again and again until it is answered."""
        raw = self.house.sign(self.house.material(batch))
        async with asyncio.timeout(DEADLINE_S):
            while True:
                writer = self.writer
                if writer is not None and writer.running is not None and writer.running.site is not None:
                    with contextlib.suppress(HoldgateError, TimeoutError):
                        async with asyncio.timeout(LEASE_S * 5):
                            answer = await writer.running.site.submit(raw)
                        self.answered.append((answer, raw))
                        return answer
                await asyncio.sleep(0.02)


def kept(story: Callable[[Pair], Awaitable[None]], directory: Path, site: str = HUB) -> Pair:
    """A story of a hub on two machines."""
    pair = Pair(governed(directory), site)

    async def run() -> None:
        try:
            await story(pair)
        finally:
            await pair.close()
            await pair.house.close()

    asyncio.run(run())
    return pair


def test_the_first_host_writes_and_the_other_holds_the_same_log(tmp_path: Path) -> None:
    async def story(pair: Pair) -> None:
        await pair.open()
        assert pair.a.writes
        answer = await pair.ask("B-1")
        assert answer.decision.allowed
        assert answer.kept == REPLICATED, "two keepers hold it"
        second = pair.b.running
        assert second is not None
        await until(lambda: second.standby is not None and second.standby.size > answer.seq, "the copy goes on")

    pair = kept(story, tmp_path)
    a, b = pair.a.bodies(), pair.b.bodies()
    assert b == a[: len(b)]


def test_the_other_host_goes_on_with_everything_that_was_acknowledged(tmp_path: Path) -> None:
    async def story(pair: Pair) -> None:
        await pair.open()
        for number in range(5):
            await pair.ask(f"B-{number}")
        await pair.all_keep()
        await pair.a.kill()
        assert (await pair.ask("B-9")).decision.allowed
        assert pair.b.writes

    whole(kept(story, tmp_path))


def whole(pair: Pair) -> None:
    """After everything: what was acknowledged is in two of the three copies, each act once; every copy is a sound log.

    A copy that does not count any more, its host being dead, may hold at its end what nobody was told of.
    """
    origin = pair.a.premises.seat(pair.site).origin
    counting = [machine.counted(origin) for machine in (pair.a, pair.b)]
    mirror = SqliteMirror(pair.house.directory / VAULT / "mirror.db", read_only=True)
    copies = [pair.a.bodies(), pair.b.bodies(), mirror.entries(pair.a.premises.seat(pair.site).origin)]
    mirror.close()
    for answer, raw in pair.answered:
        right = [bytes(read_entry(copy[answer.seq]).action) == raw for copy in copies if len(copy) > answer.seq]
        assert sum(right) >= 2, "acknowledged is on two disks"
        for copy, counts in zip(copies, (*(under == max(counting) for under in counting), True), strict=True):
            if counts and len(copy) > answer.seq:
                assert bytes(read_entry(copy[answer.seq]).action) == raw, "one log"
    assert len({answer.seq for answer, _ in pair.answered}) == len(pair.answered), "one act, one entry"
    for machine in (pair.a, pair.b):
        premises = machine.premises
        with closing(SqliteStore(premises.directory / pair.site / "ledger.db", read_only=True)) as store:
            report = audit_log(StoreSource(store), read_trust(premises.directory / "trust.json"))
        assert not report.findings


def test_without_the_standby_the_writer_goes_on_with_the_vault(tmp_path: Path) -> None:
    async def story(pair: Pair) -> None:
        await pair.open()
        await pair.ask("B-1")
        await pair.all_keep()
        await pair.b.kill()
        for number in range(3):
            assert (await pair.ask(f"C-{number}")).kept == REPLICATED
        pair.b.start()
        second = pair.b.running
        assert second is not None
        await until(
            lambda: second.standby is not None and second.standby.size > pair.answered[-1][0].seq, "the copy catches up"
        )

    whole(kept(story, tmp_path))


def test_without_the_vault_the_two_hosts_go_on(tmp_path: Path) -> None:
    async def story(pair: Pair) -> None:
        await pair.open()
        await pair.ask("B-1")
        await pair.all_keep()
        pair.house.shop.bus.detach(VAULT)
        for number in range(3):
            assert (await pair.ask(f"C-{number}")).kept == REPLICATED

    whole(kept(story, tmp_path))


def test_alone_a_host_acknowledges_nothing_and_writes_no_more(tmp_path: Path) -> None:
    async def story(pair: Pair) -> None:
        await pair.open()
        await pair.ask("B-1")
        await pair.b.kill()
        pair.house.shop.bus.detach(VAULT)
        site = pair.a.site
        assert site is not None
        with pytest.raises(HoldgateError):
            async with asyncio.timeout(DEADLINE_S):
                await site.submit(pair.house.sign(pair.house.material("LOST")))
        await until(lambda: pair.writer is None, "it stands down")

    pair = kept(story, tmp_path)
    assert len(pair.answered) == 1


def test_a_cut_off_writer_stands_down_and_what_it_wrote_alone_is_set_aside(tmp_path: Path) -> None:
    async def story(pair: Pair) -> None:
        await pair.open()
        await pair.ask("B-1")
        await pair.all_keep()
        bus = pair.house.shop.bus
        old = pair.a.site
        assert old is not None
        await until(lambda: old.idle, "nothing is on its way")
        for link in old.links.values():
            link.stop()  # its line as the site is cut
        alone = asyncio.ensure_future(old.submit(pair.house.sign(pair.house.material("ALONE"))))
        size = old.spine.size
        await until(lambda: old.spine.written.size > size, "it is in the writer's own store")
        bus.cut(pair.a.name, [pair.b.name, VAULT])  # and its line as a host
        await until(lambda: pair.b.writes, "the other host writes")
        with pytest.raises(HoldgateError):
            async with asyncio.timeout(DEADLINE_S):
                await alone
        await pair.ask("B-2")
        bus.mend(pair.a.name, [pair.b.name, VAULT])
        await until(
            lambda: (
                pair.a.running is not None
                and pair.a.running.standby is not None
                and pair.a.running.standby.size > pair.answered[-1][0].seq
            ),
            "it follows",
        )

    pair = kept(story, tmp_path)
    whole(pair)
    store = SqliteStore(pair.a.premises.directory / HUB / "ledger.db", read_only=True)
    aside = [read_entry(body) for body in store.aside()]
    store.close()
    assert "action" in [entry.kind for entry in aside], "never acknowledged, never lost"


def copy_of(side: Machine, seq: int) -> bool:
    """Whether a host that follows now, however often it began anew, holds this entry in a copy that counts."""
    standby = None if side.running is None else side.running.standby
    return standby is not None and standby.size > seq and standby.standing.promise.written > 0


def test_a_host_that_never_held_the_log_does_not_take_it_over(tmp_path: Path) -> None:
    """It may lack what was acknowledged: a machine that lost its disk comes back like this."""

    async def story(pair: Pair) -> None:
        await pair.open()
        await pair.ask("B-1")
        await pair.b.kill()
        await pair.ask("B-2")
        for path in (pair.b.premises.directory / HUB).glob("*.db*"):
            path.unlink()
        await pair.a.kill()
        pair.b.start()
        await asyncio.sleep(LEASE_S * 4)
        assert pair.writer is None
        pair.a.start()
        await pair.ask("B-3")
        await until(lambda: copy_of(pair.b, pair.answered[-1][0].seq), "it has everything now, and its copy counts")
        await pair.a.kill()
        await pair.ask("B-4")
        assert pair.b.writes

    whole(kept(story, tmp_path))


def test_the_promise_of_a_host_that_lost_its_disk_makes_no_writer(tmp_path: Path) -> None:
    """It held what was acknowledged, perhaps together with the Vault alone, and has forgotten it."""

    async def story(pair: Pair) -> None:
        await pair.open()
        await pair.ask("B-1")
        await pair.all_keep()
        bus, vault = pair.house.shop.bus, pair.house.shop.vaults[VAULT]
        await pair.a.kill()
        for path in (pair.a.premises.directory / HUB).glob("*.db*"):
            path.unlink()
        bus.detach(VAULT)
        pair.a.start()
        await asyncio.sleep(LEASE_S * 6)
        assert pair.writer is None
        bus.attach(VAULT, vault, vault.link_changed)
        await pair.ask("B-2")
        assert pair.b.writes

    whole(kept(story, tmp_path))


def test_a_lost_disk_of_the_first_host_is_filled_from_the_other_keepers(tmp_path: Path) -> None:
    async def story(pair: Pair) -> None:
        await pair.open()
        for number in range(3):
            await pair.ask(f"B-{number}")
        await pair.all_keep()
        await pair.a.kill()
        for path in (pair.a.premises.directory / HUB).glob("*.db*"):
            path.unlink()
        pair.a.start()
        await pair.ask("C-1")
        assert pair.b.writes
        first = pair.a.running
        assert first is not None
        await until(
            lambda: first.standby is not None and first.standby.size > pair.answered[-1][0].seq, "the copy is made anew"
        )

    whole(kept(story, tmp_path))


@pytest.mark.parametrize("seed", range(4))
def test_whoever_dies_in_whatever_order_nothing_acknowledged_is_lost(tmp_path: Path, seed: int) -> None:
    """One of the three at a time is away; who, and for how many acts, the seed says."""
    chance = random.Random(seed)

    async def story(pair: Pair) -> None:
        await pair.open()
        bus, shop = pair.house.shop.bus, pair.house.shop
        for number in range(6):
            victim = chance.choice(("a", "b", "vault", "writer"))
            machine = pair.writer if victim == "writer" else {"a": pair.a, "b": pair.b}.get(victim)
            if machine is None:
                bus.detach(VAULT)
                shop.vaults.pop(VAULT).close()
            else:
                await machine.kill()
            for act in range(chance.randint(0, 2)):
                await pair.ask(f"S{number}-{act}")
            if machine is None:
                pair.house.open_vault()
            else:
                machine.start()
            await pair.ask(f"B-{number}")
            await pair.all_keep()  # before the next one goes

    whole(kept(story, tmp_path))


def test_a_host_that_claims_first_finishes_what_it_is_being_given(tmp_path: Path) -> None:
    """Else it would claim with a size that an entry on its way to the disk is missing from, and that entry is acknowledged."""

    async def story(pair: Pair) -> None:
        await pair.open()
        await pair.ask("B-1")
        await pair.all_keep()
        second = pair.b.running
        assert second is not None
        standby = second.standby
        assert standby is not None
        slow, committed = threading.Event(), standby.store.commit

        def commit(drafts: Sequence[Draft], head: Head) -> None:
            slow.wait(DEADLINE_S)
            committed(drafts, head)

        standby.store.commit = commit  # type: ignore[method-assign]
        before = standby.store.head().size
        asked = asyncio.ensure_future(pair.ask("B-2"))
        await until(lambda: standby.size > before, "an entry is on its way to its disk")
        standby.keeper.silence_s = lambda _: float("inf")  # type: ignore[method-assign,assignment]  # as if the writer had long been silent
        promised = asyncio.ensure_future(standby.promise(99))
        await asyncio.sleep(0.05)
        assert not promised.done()
        slow.set()
        assert (await promised).term == 99
        assert standby.store.head().size == standby.size > before
        await asked

    kept(story, tmp_path)
