"""Clocks that leap ahead: a site does not follow where nothing speaks for it, so that a log is never dated hours ahead."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from holdgate.adapters.host import HostClock, SetClock, clock_quality
from holdgate.bootstrap import Shop
from holdgate.engine.ports import Timepiece
from holdgate.engine.steady import SteadyClock
from holdgate.ledger.entry import read_entry
from holdgate.sites.site import Site
from holdgate.sites.status import ClockQuality, site_status, vault_status
from holdgate.terms.instant import SECOND_US
from tests.unit.test_sites import HUB, SETTINGS, T0, VAULT, House, founded, settled

LEAP_US: Final = SETTINGS.entry_skew_s * SECOND_US
HOUR_US: Final = 3600 * SECOND_US


class Wall(Timepiece):
    """A machine's clock that is `off`; `passed`: true time since it was switched on. Nothing disciplines it, unless `synced`."""

    def __init__(self, off: int = 0, began: int = T0) -> None:
        self.off = off
        self.passed = 0
        self.synced = False
        self._began = began

    @property
    def true(self) -> int:
        """The time that it is."""
        return self._began + self.passed

    @override
    def now(self) -> int:
        return self.true + self.off

    @override
    def ticks(self) -> int:
        return self.passed

    @override
    def disciplined(self) -> bool:
        return self.synced


def test_a_clock_that_leaps_ahead_is_not_followed() -> None:
    wall = Wall()
    clock = SteadyClock(wall, LEAP_US)
    wall.off, wall.passed = HOUR_US, 5 * SECOND_US
    assert (clock.now(), clock.ahead_us) == (wall.true, HOUR_US)
    wall.off = 0
    assert (clock.now(), clock.ahead_us) == (wall.true, 0)


@pytest.mark.parametrize(("off", "followed"), [(LEAP_US, True), (LEAP_US + 1, False), (-HOUR_US, True)])
def test_what_lies_within_the_skew_or_goes_back_is_followed(off: int, *, followed: bool) -> None:
    wall = Wall()
    clock = SteadyClock(wall, LEAP_US)
    wall.off = off
    assert clock.now() == (wall.now() if followed else wall.true)


def test_many_small_leaps_are_one_large_one() -> None:
    wall = Wall()
    clock = SteadyClock(wall, LEAP_US)
    for _ in range(100):
        wall.off += LEAP_US // 2
        wall.passed += SECOND_US
        assert clock.now() <= wall.true + LEAP_US
    assert clock.now() == wall.true


def test_a_clock_that_a_time_source_disciplines_is_followed_and_trusted_from_then_on() -> None:
    wall = Wall(off=-5 * HOUR_US)
    clock = SteadyClock(wall, LEAP_US)
    wall.off, wall.synced = 0, True
    assert (clock.now(), clock.ahead_us) == (wall.true, 0)
    wall.synced = False
    assert clock.now() == wall.true
    wall.off = HOUR_US
    assert clock.now() == wall.true


def test_a_clock_that_was_behind_and_is_set_right_is_followed_once_a_vault_tells_the_time() -> None:
    wall = Wall(off=-5 * HOUR_US)
    clock = SteadyClock(wall, LEAP_US)
    wall.off = 0
    assert clock.now() == wall.true - 5 * HOUR_US
    clock.heard(wall.true - SECOND_US)
    assert (clock.now(), clock.ahead_us) == (wall.true, 0)


def test_an_old_word_of_a_vault_takes_nothing_back() -> None:
    wall = Wall()
    clock = SteadyClock(wall, LEAP_US)
    clock.heard(wall.true - HOUR_US)
    wall.off = LEAP_US
    assert clock.now() == wall.now()


@pytest.mark.parametrize("synced", [True, False])
def test_a_vault_that_is_asked_speaks_against_a_clock_that_started_ahead(*, synced: bool) -> None:
    wall = Wall(off=5 * HOUR_US)
    wall.synced = synced
    clock = SteadyClock(wall, LEAP_US)
    clock.compare(wall.true)
    assert clock.now() == (wall.now() if synced else wall.true)
    assert clock.ahead_us == (0 if synced else 5 * HOUR_US)
    wall.off = 0
    assert (clock.now(), clock.ahead_us) == (wall.true, 0)


@pytest.mark.parametrize("late", [0, LEAP_US])
def test_a_vault_that_answers_within_the_skew_holds_nothing_back(late: int) -> None:
    wall = Wall()
    clock = SteadyClock(wall, LEAP_US)
    clock.compare(wall.true - late)
    wall.off = LEAP_US
    assert clock.now() == wall.now()


def test_a_vault_that_is_asked_brings_a_late_clock_forward() -> None:
    wall = Wall(off=-HOUR_US)
    clock = SteadyClock(wall, LEAP_US)
    clock.compare(wall.true)
    wall.off = 0
    assert clock.now() == wall.true


@given(st.lists(st.tuples(st.integers(-HOUR_US, HOUR_US), st.integers(0, HOUR_US), st.booleans())))
def test_a_clock_that_began_right_never_dates_anything_further_ahead_than_the_skew(
    steps: list[tuple[int, int, bool]],
) -> None:
    wall = Wall()
    clock = SteadyClock(wall, LEAP_US)
    for leap, passed, told in steps:
        wall.off += leap
        wall.passed += passed
        if told:
            clock.heard(wall.true)
        assert min(wall.now(), wall.true) <= clock.now() <= wall.true + LEAP_US


def test_the_ticks_of_the_host_go_on_and_its_kernel_says_what_its_clock_is_worth() -> None:
    clock = HostClock()
    first = clock.ticks()
    assert 0 <= clock.ticks() - first < HOUR_US
    assert clock.disciplined() is (clock_quality().synchronised is True)


def test_a_clock_that_is_set_for_a_story_is_right() -> None:
    instant = SetClock(T0)
    clock = SteadyClock(instant, LEAP_US)
    instant.instant += 1000 * HOUR_US
    assert clock.now() == instant.instant


# ---- a shop whose machines have clocks of their own ----------------------------------------------------------------


class Machines:
    """A hub and a Vault, each with a clock of its own. The house's clock is everybody's who signs: right."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.walls = {HUB: Wall(), VAULT: Wall()}

    def passes(self, us: int) -> None:
        """True time goes on."""
        self.house.clock.instant += us
        for wall in self.walls.values():
            wall.passed += us

    @property
    def shop(self) -> Shop:
        """The shop."""
        return self.house.shop

    def vault(self) -> None:
        """Open the Vault."""
        self.shop.clock = self.walls[VAULT]
        self.shop.open_vault(VAULT)

    async def hub(self) -> Site:
        """Open the hub."""
        self.shop.clock = self.walls[HUB]
        return await self.shop.open_site(HUB)

    async def asks(self, batch: str) -> tuple[str, ...]:
        """What is wrong with an act that somebody signs now."""
        answer = await self.house.ask(HUB, self.house.material(batch))
        await settled(self.shop)
        return answer.decision.codes

    def latest(self) -> int:
        """The time of the hub's newest entry."""
        hub = self.shop.sites[HUB]
        row = next(iter(hub.means.store.rows(hub.spine.size - 1, hub.spine.size)))
        return read_entry(row.body).at


def told(tmp_path: Path, story: Callable[[Machines], Awaitable[None]]) -> None:
    """A story of machines."""
    machines = Machines(founded(tmp_path))

    async def run() -> None:
        try:
            await story(machines)
        finally:
            await machines.house.close()

    asyncio.run(run())


@pytest.mark.parametrize("with_vault", [True, False])
def test_a_hub_whose_clock_was_hours_ahead_takes_what_is_signed_when_it_is_set_right(
    tmp_path: Path, *, with_vault: bool
) -> None:
    """Found by the simulator (seed 7993 at d0c116a): leaps that came to 2.6 hours, then everything was backdated for as long."""

    async def story(machines: Machines) -> None:
        if with_vault:
            machines.vault()
        hub = await machines.hub()
        for leap in range(16):
            machines.walls[HUB].off += 600 * SECOND_US
            machines.passes(SECOND_US)
            assert await machines.asks(f"B-{leap}") == ()
        assert site_status(hub, ClockQuality()).ahead_us == 16 * 600 * SECOND_US
        machines.walls[HUB].off = 0
        assert await machines.asks("B-right") == ()
        status = site_status(hub, ClockQuality())
        assert (status.ahead_us, status.backdated_us) == (0, 0)
        assert machines.latest() <= machines.house.clock.now()

    told(tmp_path, story)


def test_a_hub_that_starts_with_a_clock_ahead_of_the_vaults_does_not_date_its_start_by_it(tmp_path: Path) -> None:
    """A machine whose clock runs on local time, or whose battery died: the commonest wrong clock."""

    async def story(machines: Machines) -> None:
        machines.vault()
        hub = await machines.hub()
        assert await machines.asks("B-1") == ()
        hub.stop()
        machines.passes(HOUR_US)
        machines.walls[HUB].off = 5 * HOUR_US
        hub = await machines.hub()
        assert site_status(hub, ClockQuality()).ahead_us == 5 * HOUR_US
        assert machines.latest() <= machines.house.clock.now()
        assert await machines.asks("B-2") == ()

    told(tmp_path, story)


def test_a_hub_that_started_ahead_alone_goes_by_the_vaults_time_as_soon_as_it_tells_it(tmp_path: Path) -> None:
    async def story(machines: Machines) -> None:
        machines.vault()
        machines.shop.bus.cut(HUB, [VAULT])
        machines.walls[HUB].off = HOUR_US
        hub = await machines.hub()
        assert site_status(hub, ClockQuality()).ahead_us == 0, "nobody else tells the time, and the site works alone"
        machines.shop.bus.mend(HUB, [VAULT])
        await settled(machines.shop)
        assert site_status(hub, ClockQuality()).ahead_us == HOUR_US
        assert hub.means.clock.now() <= machines.house.clock.now()

    told(tmp_path, story)


def test_a_vault_whose_clock_leaps_ahead_still_tells_the_time(tmp_path: Path) -> None:
    """Windows of clients close in its time: a day ahead, and invoices would count as accepted a day early."""

    async def story(machines: Machines) -> None:
        machines.vault()
        hub = await machines.hub()
        machines.walls[VAULT].off = 24 * HOUR_US
        machines.passes(SECOND_US)
        assert await machines.asks("B-1") == ()
        assert hub.cosigned[1] <= machines.house.clock.now()
        status = vault_status(machines.shop.vaults[VAULT], ClockQuality())
        assert (status.at, status.ahead_us) == (machines.house.clock.now(), 24 * HOUR_US)

    told(tmp_path, story)
