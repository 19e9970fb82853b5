"""Two hosts and a Vault keep one log: whoever dies, what was acknowledged stays, and exactly one of them writes."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from holdgate.adapters.memory_bus import MemoryBus
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.bootstrap import Premises, read_premises
from holdgate.engine.answer import REPLICATED, Answer
from holdgate.engine.keeping import Keeper, hosts_of, host_of
from holdgate.ledger.entry import read_entry
from holdgate.scenario.run import audit_shop
from holdgate.sites.build import policies_for
from holdgate.sites.host import Host
from holdgate.sites.site import Site, Writing
from holdgate.terms.errors import HoldgateError
from tests.unit.test_sites import FLOOR, HUB, NODE, VAULT, House, governed

LEASE_S = 0.4
DEADLINE_S = 30.0


async def until(true: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not true():
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
            seat.id, self.host, bus, [VAULT], lambda: premises.standby(seat, self.name, keeper, bus), write, LEASE_S
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
        self.answered: list[Answer] = []

    @property
    def writer(self) -> Machine | None:
        return next((machine for machine in (self.a, self.b) if machine.writes), None)

    async def open(self, *, vault: bool = True) -> None:
        if vault:
            self.house.open_vault()
        self.a.start()
        self.b.start()
        await until(lambda: self.writer is not None, "somebody writes")

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
                        self.answered.append(answer)
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
        await pair.a.kill()
        assert (await pair.ask("B-9")).decision.allowed
        assert pair.b.writes

    pair = kept(story, tmp_path)
    log = pair.b.bodies()
    for answer in pair.answered:
        assert read_entry(log[answer.seq]).kind == "action"
    assert len({answer.seq for answer in pair.answered}) == len(pair.answered)
