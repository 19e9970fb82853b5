"""How the forwarder shares out a tray of a broker: a reader that sends a thousand broadcasts stands before nobody but itself.

A source that gives what it is told to and a site that notes whom it answers, in rounds as a flush of the log is one. What the
brokers do is in tests/conformance/test_broadcasts.py.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

import msgspec
import pytest
from typing_extensions import override

from holdgate.engine.answer import Answer
from holdgate.engine.broadcasts import WINDOW, BroadcastSource, Faults, Heard
from holdgate.law.case import Pin
from holdgate.law.decision import allow
from holdgate.sites import forwarder as forwarding
from holdgate.sites.forwarder import Forwarder
from holdgate.sites.reply import Submits
from holdgate.terms.errors import Unavailable
from holdgate.terms.limits import BROADCASTS_HELD_BYTES_MAX, SOURCE_WAITING_MAX

NOISY, QUIET, THIRD = "nats:NOISY", "nats:QUIET", "nats:THIRD"


class Given(Heard):
    """A broadcast that a broker gave."""

    def __init__(self, source: str, number: int, size: int = 0) -> None:
        self.source = source
        self.body = f"{source} {number}".encode().ljust(size)
        self.told: list[int] = []
        self.holds = 0

    @override
    async def settle(self, told: bytes) -> None:
        self.told.append(msgspec.json.decode(told)["status"])

    @override
    async def hold(self) -> None:
        self.holds += 1


class Tray(BroadcastSource):
    """Gives what it is told to."""

    def __init__(self) -> None:
        self.given: asyncio.Queue[Heard] = asyncio.Queue()

    def give(self, source: str, count: int, size: int = 0) -> list[Given]:
        """So many of one reader."""
        new = [Given(source, number, size) for number in range(count)]
        for one in new:
            self.given.put_nowait(one)
        return new

    @override
    def start(self) -> None:
        """It is there."""

    @override
    async def next(self) -> Heard:
        return await self.given.get()

    @override
    async def close(self) -> None:
        """It is gone."""


class Rounds(Submits):
    """A site that answers in rounds everything that it was given before the round. `most`: what was with it at once."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.most = 0
        self.rounds = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self._waiting: list[asyncio.Future[None]] = []

    @override
    async def deliver(self, raw: bytes, pins: Sequence[Pin], sender: str) -> Answer:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self.most = max(self.most, len(self._waiting))
        await turn
        self.order.append(sender)
        return Answer(seq=-1, decision=allow(), receipt=b"")

    async def run(self) -> NoReturn:
        """A round whenever the loop has nothing else to do."""
        while True:
            await asyncio.sleep(0.001)
            await self.answers.wait()
            waiting, self._waiting = self._waiting, []
            self.rounds += bool(waiting)
            for turn in waiting:
                turn.set_result(None)

    @override
    async def submit_replicated(self, raw: bytes, pins: Sequence[Pin], source: str) -> Answer:
        raise NotImplementedError

    @override
    def entry(self, seq: int) -> bytes:
        return b""


def forwarded(story: Callable[[Tray, Rounds], Awaitable[None]], at: type[Rounds] = Rounds) -> None:
    """A story with a forwarder between a tray and a site."""

    async def run() -> None:
        tray, site = Tray(), at()
        forwarder = Forwarder(tray, site, lambda body: body, Faults())
        forwarder.start()
        rounds = asyncio.create_task(site.run())
        try:
            await asyncio.wait_for(story(tray, site), 30)
        finally:
            await forwarder.stop()
            rounds.cancel()
            await asyncio.gather(rounds, return_exceptions=True)

    asyncio.run(run())


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110  # what it waits for has no event
        await asyncio.sleep(0.001)


def test_a_reader_that_sent_a_thousand_stands_before_nobody_but_itself() -> None:
    async def story(tray: Tray, site: Rounds) -> None:
        site.answers.clear()
        noise = tray.give(NOISY, 1_000)
        await until(lambda: site.most > 0)
        (quiet,) = tray.give(QUIET, 1)
        before = site.most
        site.answers.set()
        await until(lambda: bool(quiet.told))
        assert quiet.told == [200]
        assert site.order.index(QUIET) <= before, "at most what was with the site already is answered before it"
        await until(lambda: all(one.told for one in noise))
        assert {tuple(one.told) for one in noise} == {(200,)}

    forwarded(story)


def test_beside_others_a_noisy_reader_has_one_broadcast_under_way_and_all_are_served_by_turns() -> None:
    async def story(tray: Tray, site: Rounds) -> None:
        site.answers.clear()
        tray.give(QUIET, 1)
        tray.give(THIRD, 1)
        await until(lambda: site.most == 2)
        tray.give(NOISY, 100)
        tray.give(QUIET, 5)
        tray.give(THIRD, 5)
        await until(tray.given.empty)
        site.answers.set()
        await until(lambda: site.order.count(QUIET) == site.order.count(THIRD) == 6)
        assert site.most == 3, "one of each"
        last = max(place for place, name in enumerate(site.order) if name != NOISY)
        assert site.order[:last].count(NOISY) <= 7

    forwarded(story)


def test_a_reader_that_is_alone_has_the_whole_window() -> None:
    async def story(tray: Tray, site: Rounds) -> None:
        site.answers.clear()
        noise = tray.give(NOISY, 3 * WINDOW)
        await until(lambda: site.most == WINDOW)
        site.answers.set()
        await until(lambda: all(one.told for one in noise))
        assert site.most == WINDOW
        assert site.rounds <= 20

    forwarded(story)


def test_what_waits_is_held_so_that_the_broker_does_not_give_it_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "HOLD_S", 0.01)

    async def story(tray: Tray, site: Rounds) -> None:
        site.answers.clear()
        noise = tray.give(NOISY, 2 * WINDOW)
        await until(lambda: all(one.holds > 1 for one in noise[WINDOW:]))
        site.answers.set()
        await until(lambda: all(one.told for one in noise))

    forwarded(story)


@pytest.mark.parametrize(
    ("count", "size", "refused"),
    [
        (WINDOW + SOURCE_WAITING_MAX + 2, 0, 2),
        (5, BROADCASTS_HELD_BYTES_MAX // 4, 1),
    ],
)
def test_what_is_too_much_of_one_reader_is_left_to_it_and_others_are_served(
    monkeypatch: pytest.MonkeyPatch, count: int, size: int, refused: int
) -> None:
    """It is told so after a while: the answer to who sends at once again must not be what takes up the site."""
    monkeypatch.setattr(forwarding, "REFUSED_S", 0.01)

    async def story(tray: Tray, site: Rounds) -> None:
        site.answers.clear()
        noise = tray.give(NOISY, count, size)
        await until(lambda: sum(one.told == [503] for one in noise) == refused)
        (quiet,) = tray.give(QUIET, 1)
        site.answers.set()
        await until(lambda: bool(quiet.told) and all(one.told for one in noise))
        assert quiet.told == [200]
        assert [one.told for one in noise].count([200]) == count - refused
        assert [one.told for one in noise[-refused:]] == [[503]] * refused
        (again,) = tray.give(NOISY, 1, size)
        await until(lambda: bool(again.told))
        assert again.told == [200], "what was answered has made room"

    forwarded(story)


def test_a_site_that_can_take_nothing_from_one_reader_goes_on_with_the_others() -> None:
    class Sick(Rounds):
        @override
        async def deliver(self, raw: bytes, pins: Sequence[Pin], sender: str) -> Answer:
            if sender == NOISY:
                raise Unavailable("not now")
            return await super().deliver(raw, pins, sender)

    async def story(tray: Tray, _: Rounds) -> None:
        tray.give(QUIET, 1)
        tray.give(NOISY, 10 * WINDOW)
        quiet = tray.give(QUIET, 20)
        await until(lambda: all(one.told for one in quiet))

    forwarded(story, Sick)


def test_who_stops_forwarding_hands_in_nothing_more() -> None:
    async def run() -> None:
        tray, site = Tray(), Rounds()
        site.answers.clear()
        forwarder = Forwarder(tray, site, lambda body: body, Faults())
        forwarder.start()
        noise = tray.give(NOISY, 3 * WINDOW)
        await until(lambda: tray.given.empty() and site.most == WINDOW)
        await forwarder.stop()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.sleep(0.02)
        assert (site.most, tasks) == (WINDOW, set())
        assert not any(one.told for one in noise), "the broker gives them again"

    asyncio.run(run())
