"""What every bus does, run on the in-process bus and on a real NATS server.

On NATS the lines are cut by killing the server (SIGKILL), and mended by starting it again.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import pytest
from typing_extensions import override

from holdgate.adapters.memory_bus import MemoryBus
from holdgate.adapters.nats_bus import NatsBus, Timing, TransportKey
from holdgate.adapters.nkeys import public_text
from holdgate.crypto.keys import SigningKey
from holdgate.engine.answer import Answer
from holdgate.engine.bus import Bus, Peer, Taken
from holdgate.law import event as ev
from holdgate.law.case import Pin
from holdgate.law.decision import deny
from holdgate.law.segments import Segment
from holdgate.terms.errors import HoldgateError, InvariantBroken, Malformed, Tampered, Unavailable
from holdgate.terms.limits import BLOB_BYTES_MAX, PINS_MAX
from tests.broker import SHOP, Server, broker, key_of

pytestmark = pytest.mark.enable_socket  # one server, on this machine's loopback

SITES: Final = ("A", "B", "C.1")
A, B, C = SITES
QUICK: Final = Timing(ask_s=5.0, beat_s=0.2, silence_s=0.8, first_s=0.05, longest_s=0.2, dial_s=1.0, ping_s=1)
DENIED: Final = deny("NO_ARRIVAL", "arrival", ev.Imported(origin="o", start=0, size=3), order="PO-1", missing=("S1",))
SEGMENT: Final = Segment(
    origin="lab.test/A",
    start=7,
    size=9,
    checkpoint=b"signed\n\xff",
    leaves=(bytes(32), b"\x01" * 32),
    entries={1: b"entry"},
    blobs={"ab" * 32: b"document"},
)


class Recorder(Peer):
    """Keeps what it is asked; answers what it is told to, or raises it."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.raises: Exception | None = None
        self.gate: Callable[[str], Awaitable[None]] | None = None

    async def _note(self, *asked: Any) -> None:
        self.asked.append(asked)
        if self.gate is not None:
            await self.gate(asked[-1])
        if self.raises is not None:
            raise self.raises

    @override
    async def deliver(self, raw: bytes, pins: Sequence[Pin], sender: str) -> Answer:
        await self._note("deliver", raw, tuple(pins), sender)
        return Answer(seq=-1, decision=DENIED, receipt=raw[::-1][:100], kept="replicated", resent=True)

    @override
    async def offer(self, segment: Segment, sender: str) -> Taken:
        await self._note("offer", segment, sender)
        return Taken(size=segment.size, cosigned=b"cosigned")

    @override
    async def held(self, origin: str, sender: str) -> int:
        await self._note("held", origin, sender)
        return 1 << 40

    @override
    async def latest(self, origin: str, sender: str) -> bytes | None:
        await self._note("latest", origin, sender)
        return None

    @override
    async def attest(self, origin: str, sender: str) -> bytes | None:
        await self._note("attest", origin, sender)
        return b"attested"

    @override
    async def locker(self, smart_id: str, sender: str) -> bytes | None:
        await self._note("locker", smart_id, sender)
        return b"sealed"


def calls(peer: Peer, sender: str) -> list[Callable[[], Awaitable[object]]]:
    """Every question."""
    return [
        lambda: peer.deliver(b"raw", (Pin("ab" * 32, b"beside"),), sender),
        lambda: peer.offer(SEGMENT, sender),
        lambda: peer.held("lab.test/A", sender),
        lambda: peer.latest("lab.test/A", sender),
        lambda: peer.attest("lab.test/A", sender),
        lambda: peer.locker("SID-TEC-11", sender),
    ]


class Lines(Protocol):
    """Three sites on a bus, and its lines."""

    sites: dict[str, Recorder]
    told: dict[str, list[tuple[str, bool]]]

    def bus(self, site: str) -> Bus: ...

    async def cut(self) -> None: ...

    async def mend(self) -> None: ...


async def until(true: Callable[[], bool], seconds: float = 15) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come"
        await asyncio.sleep(0.01)


class MemoryLines(Lines):
    def __init__(self) -> None:
        self._bus = MemoryBus()
        self.sites = {site: Recorder() for site in SITES}
        self.told = {site: [] for site in SITES}
        for site in SITES:
            self._bus.attach(site, self.sites[site], lambda p, up, site=site: self.told[site].append((p, up)))  # type: ignore[misc]

    @override
    def bus(self, site: str) -> Bus:
        return self._bus

    @override
    async def cut(self) -> None:
        for site, others in ((A, (B, C)), (B, (C,))):
            self._bus.cut(site, others)

    @override
    async def mend(self) -> None:
        for site in (A, B):
            self._bus.mend(site)


def connection(server: Server, site: str, key: SigningKey | None = None, **more: Any) -> NatsBus:
    """A site's connection; not open yet."""
    own = key or key_of(site)
    return NatsBus(site, SHOP, SITES, [server.url], TransportKey(public_text(own), own.sign), timing=QUICK, **more)


class NatsLines(Lines):
    def __init__(self, server: Server) -> None:
        self.server = server
        self.buses = {site: connection(server, site) for site in SITES}
        self.sites = {site: Recorder() for site in SITES}
        self.told = {site: [] for site in SITES}

    async def open(self) -> None:
        for site, bus in self.buses.items():
            assert await bus.connect(), bus.faults
            bus.attach(site, self.sites[site], lambda p, up, site=site: self.told[site].append((p, up)))  # type: ignore[misc]
        for bus in self.buses.values():
            assert await bus.meet(set(SITES) - {bus.site}, 5), bus.faults
        for told in self.told.values():
            told.clear()

    async def close(self) -> None:
        for bus in self.buses.values():
            await bus.close()

    @override
    def bus(self, site: str) -> Bus:
        return self.buses[site]

    @override
    async def cut(self) -> None:
        await asyncio.to_thread(self.server.kill)
        await until(lambda: not any(bus.connected for bus in self.buses.values()))

    @override
    async def mend(self) -> None:
        await asyncio.to_thread(self.server.start)
        for bus in self.buses.values():
            await until(lambda bus=bus: all(bus.linked(bus.site, s) for s in SITES if s != bus.site))  # type: ignore[misc]


@contextlib.asynccontextmanager
async def on_nats(place: Path, **changes: Any) -> AsyncIterator[NatsLines]:
    """Three sites on a server."""
    with broker(place / "broker", *SITES, **changes) as server:
        lines = NatsLines(server)
        try:
            await lines.open()
            yield lines
        finally:
            await lines.close()


class BusSuite:
    """What every bus does."""

    def opened(self, place: Path) -> contextlib.AbstractAsyncContextManager[Lines]:
        raise NotImplementedError

    def run(self, place: Path, story: Callable[[Lines], Awaitable[None]]) -> None:
        async def told() -> None:
            async with self.opened(place) as lines:
                await story(lines)

        asyncio.run(told())

    def test_every_question_and_every_answer_crosses_unchanged(self, tmp_path: Path) -> None:
        async def story(lines: Lines) -> None:
            peer = lines.bus(A).peer(A, B)
            answers = [await call() for call in calls(peer, A)]
            assert answers == [
                Answer(seq=-1, decision=DENIED, receipt=b"war", kept="replicated", resent=True),
                Taken(size=9, cosigned=b"cosigned"),
                1 << 40,
                None,
                b"attested",
                b"sealed",
            ]
            assert lines.sites[B].asked == [
                ("deliver", b"raw", (Pin("ab" * 32, b"beside"),), A),
                ("offer", SEGMENT, A),
                ("held", "lab.test/A", A),
                ("latest", "lab.test/A", A),
                ("attest", "lab.test/A", A),
                ("locker", "SID-TEC-11", A),
            ]
            assert isinstance(lines.sites[B].asked[0][2][0], Pin)
            assert not lines.sites[C].asked

        self.run(tmp_path, story)

    def test_each_family_of_errors_crosses_as_itself(self, tmp_path: Path) -> None:
        async def story(lines: Lines) -> None:
            for kind in (Malformed, Tampered, Unavailable, InvariantBroken):
                lines.sites[C].raises = kind(f"a sentence of {kind.__name__}: µ, ×, –")
                for call in calls(lines.bus(B).peer(B, C), B):
                    with pytest.raises(HoldgateError, match=f"^a sentence of {kind.__name__}: µ, ×, –$") as caught:
                        await call()
                    assert type(caught.value) is kind

        self.run(tmp_path, story)

    def test_what_one_sender_asks_is_answered_in_order(self, tmp_path: Path) -> None:
        async def story(lines: Lines) -> None:
            peer = lines.bus(A).peer(A, B)
            await asyncio.gather(*(peer.held(f"o-{number}", A) for number in range(60)))
            assert [asked[1] for asked in lines.sites[B].asked] == [f"o-{number}" for number in range(60)]

        self.run(tmp_path, story)

    def test_a_slow_question_of_one_sender_holds_no_other_up(self, tmp_path: Path) -> None:
        async def story(lines: Lines) -> None:
            other_came = asyncio.Event()

            async def gate(sender: str) -> None:
                if sender == A:
                    await other_came.wait()
                else:
                    other_came.set()

            lines.sites[B].gate = gate
            slow = asyncio.ensure_future(lines.bus(A).peer(A, B).held("o", A))
            await until(lambda: len(lines.sites[B].asked) == 1)
            assert await lines.bus(C).peer(C, B).held("o", C)
            assert await slow

        self.run(tmp_path, story)

    def test_who_is_not_on_the_bus_is_out_of_reach(self, tmp_path: Path) -> None:
        async def story(lines: Lines) -> None:
            assert not lines.bus(A).linked(A, "X")
            for call in calls(lines.bus(A).peer(A, "X"), A):
                with pytest.raises(Unavailable, match="X is out of reach of A"):
                    await call()

        self.run(tmp_path, story)

    def test_a_cut_is_noticed_told_and_mended(self, tmp_path: Path) -> None:
        async def story(lines: Lines) -> None:
            peer = lines.bus(A).peer(A, B)
            for _ in range(2):
                await lines.cut()
                assert not lines.bus(A).linked(A, B)
                assert not lines.bus(B).linked(B, A)
                for call in calls(peer, A):
                    with pytest.raises(Unavailable, match="out of reach"):
                        await call()
                await lines.mend()
                assert lines.bus(A).linked(A, B)
                assert await peer.held("o", A) == 1 << 40
            assert sorted(lines.told[A]) == sorted([(B, False), (C, False), (B, True), (C, True)] * 2)
            assert [up for peer, up in lines.told[B] if peer == A] == [False, True, False, True]

        self.run(tmp_path, story)

    def test_an_action_with_all_the_documents_that_may_go_beside_it_crosses(self, tmp_path: Path) -> None:
        async def story(lines: Lines) -> None:
            pins = tuple(Pin(f"{n}" * 64, bytes([n]) * BLOB_BYTES_MAX) for n in range(PINS_MAX))
            raw = b"x" * 50_000
            assert (await lines.bus(A).peer(A, B).deliver(raw, pins, A)).decision == DENIED
            assert lines.sites[B].asked == [("deliver", raw, pins, A)]

        self.run(tmp_path, story)


class TestMemoryBus(BusSuite):
    @override
    @contextlib.asynccontextmanager
    async def opened(self, place: Path) -> AsyncIterator[Lines]:
        yield MemoryLines()


class TestNatsBus(BusSuite):
    @override
    def opened(self, place: Path) -> contextlib.AbstractAsyncContextManager[Lines]:
        return on_nats(place)
