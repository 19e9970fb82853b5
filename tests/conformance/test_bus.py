"""What every bus does, run on the in-process bus and on a real NATS server; and what only a server can be asked.

On NATS the lines are cut by killing the server (SIGKILL), and mended by starting it again.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import pytest
from typing_extensions import override

from holdgate.adapters.memory_bus import MemoryBus
from holdgate.adapters.nats_bus import NatsBus, Timing, TransportKey
from holdgate.adapters.nkeys import public_text
from holdgate.crypto.keys import SigningKey
from holdgate.engine.answer import Answer
from holdgate.engine.bus import Bus, Peer, Taken
from holdgate.engine.parts import HEAD_BYTES, Gathering, split
from holdgate.engine.subjects import Subjects, inbox
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


def calls(peer: Peer, sender: str) -> list[Callable[[], Awaitable[object]]]:
    """Every question."""
    return [
        lambda: peer.deliver(b"raw", (Pin("ab" * 32, b"beside"),), sender),
        lambda: peer.offer(SEGMENT, sender),
        lambda: peer.held("lab.test/A", sender),
        lambda: peer.latest("lab.test/A", sender),
        lambda: peer.attest("lab.test/A", sender),
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


def connection(server: Server, site: str, timing: Timing = QUICK, key: SigningKey | None = None) -> NatsBus:
    """A site's connection; not open yet."""
    own = key or key_of(site)
    return NatsBus(site, SHOP, SITES, [server.url], TransportKey(public_text(own), own.sign), timing=timing)


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
            ]
            assert lines.sites[B].asked == [
                ("deliver", b"raw", (Pin("ab" * 32, b"beside"),), A),
                ("offer", SEGMENT, A),
                ("held", "lab.test/A", A),
                ("latest", "lab.test/A", A),
                ("attest", "lab.test/A", A),
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


# ---- what only a server can be asked -------------------------------------------------------------------------------


def on_server(place: Path, story: Callable[[NatsLines], Awaitable[None]]) -> None:
    async def told() -> None:
        async with on_nats(place) as lines:
            await story(lines)

    asyncio.run(told())


async def publish(bus: NatsBus, subject: str, payload: bytes, reply: str = "") -> None:
    """Whatever a site with this connection's key can send."""
    client = bus._client
    assert client is not None
    await client.publish(subject, payload, reply=reply)
    await client.flush()


def test_a_question_under_way_when_the_server_dies_is_unavailable_at_once(tmp_path: Path) -> None:
    async def story(lines: NatsLines) -> None:
        async def never(_sender: str) -> None:
            await asyncio.sleep(60)

        lines.sites[B].gate = never
        asked = asyncio.ensure_future(lines.buses[A].peer(A, B).held("o", A))
        await until(lambda: bool(lines.sites[B].asked))
        began = time.monotonic()
        await lines.cut()
        with pytest.raises(Unavailable, match="cut before B answered"):
            await asked
        assert time.monotonic() - began < QUICK.ask_s / 2

    on_server(tmp_path, story)


def test_a_server_that_hangs_is_given_up_and_found_again(tmp_path: Path) -> None:
    """Its connections stay open and take nothing; one of them is full of what could not be sent."""

    async def story(lines: NatsLines) -> None:
        lines.server.freeze()
        stuck = lines.buses[A].peer(A, B)
        pins = tuple(Pin("a" * 64, bytes(BLOB_BYTES_MAX)) for _ in range(PINS_MAX))
        asked = [asyncio.ensure_future(stuck.deliver(b"raw", pins, A)) for _ in range(3)]
        await until(lambda: (B, False) in lines.told[A] and (A, False) in lines.told[B], QUICK.silence_s + 3)
        await until(lambda: not any(bus.connected for bus in lines.buses.values()), 10)
        for answer in await asyncio.gather(*asked, return_exceptions=True):
            assert isinstance(answer, Unavailable)
        lines.server.thaw()
        await until(lambda: lines.buses[A].linked(A, B) and lines.buses[B].linked(B, A))
        assert await stuck.held("o", A)

    on_server(tmp_path, story)


def test_no_answer_in_time_is_unavailable_and_an_answer_that_comes_later_is_nobody_s(tmp_path: Path) -> None:
    async def story(lines: NatsLines) -> None:
        lines.buses[A]._timing = QUICK._replace(ask_s=0.3)

        async def slow(_sender: str) -> None:
            await asyncio.sleep(0.6)

        lines.sites[B].gate = slow
        peer = lines.buses[A].peer(A, B)
        with pytest.raises(Unavailable, match=r"B did not answer within 0\.3 s"):
            await peer.held("o", A)
        lines.sites[B].gate = None
        lines.buses[A]._timing = QUICK
        assert await peer.attest("o", A) == b"attested", "not the late answer to the other question"
        assert not lines.buses[A]._asked

    on_server(tmp_path, story)


def test_a_defect_at_the_far_side_says_nothing_of_its_insides(tmp_path: Path) -> None:
    async def story(lines: NatsLines) -> None:
        lines.sites[B].raises = KeyError("/secret/path")
        for call in calls(lines.buses[A].peer(A, B), A):
            with pytest.raises(Unavailable) as caught:
                await call()
            assert "secret" not in str(caught.value)
            assert "KeyError" not in str(caught.value)
        assert any("secret" in fault for fault in lines.buses[B].faults), "its own operator sees it"

    on_server(tmp_path, story)


def test_a_site_that_leaves_is_missed_after_its_silence_and_told_of_when_it_is_back(tmp_path: Path) -> None:
    async def story(lines: NatsLines) -> None:
        await lines.buses[B].close()
        await until(lambda: (B, False) in lines.told[A], QUICK.silence_s + 2)
        assert lines.buses[A].linked(A, C), "nobody else is"
        again = lines.buses[B] = connection(lines.server, B)
        assert await again.connect()
        assert not lines.buses[A].linked(A, B), "a line without its site is not the site"
        again.attach(B, lines.sites[B], lambda _peer, _up: None)
        await until(lambda: (B, True) in lines.told[A], 1)
        assert lines.told[A] == [(B, False), (B, True)]

    on_server(tmp_path, story)


def test_a_site_that_opens_before_the_server_finds_it_later(tmp_path: Path) -> None:
    async def story() -> None:
        with broker(tmp_path / "broker", *SITES) as server:
            server.kill()
            buses = [connection(server, site) for site in (A, B)]
            for bus in buses:
                assert not await bus.connect(0.1)
                bus.attach(bus.site, Recorder(), lambda _peer, _up: None)
            await asyncio.to_thread(server.start)
            await until(lambda: buses[0].linked(A, B))
            assert await buses[0].peer(A, B).held("o", A)
            for bus in buses:
                await bus.close()
            assert not buses[0].linked(A, B)
            with pytest.raises(Unavailable):
                await buses[0].peer(A, B).held("o", A)

    asyncio.run(story())


def test_where_the_server_takes_little_at_once_questions_and_answers_go_in_parts(tmp_path: Path) -> None:
    async def story() -> None:
        async with on_nats(tmp_path, payload_bytes_max=65_536) as lines:
            large = Answer(seq=1, decision=DENIED, receipt=bytes(range(256)) * 4_000)

            async def deliver(raw: bytes, pins: Sequence[Pin], sender: str) -> Answer:
                return large

            lines.sites[B].deliver = deliver  # type: ignore[method-assign]
            pins = tuple(Pin(f"{n}" * 64, bytes([n]) * BLOB_BYTES_MAX) for n in range(PINS_MAX))
            peer = lines.buses[A].peer(A, B)
            answers = await asyncio.gather(*(peer.deliver(b"raw", pins[:1], A) for _ in range(4)), peer.held("o", A))
            assert answers == [large] * 4 + [1 << 40], "parts of several at once"
            assert await peer.deliver(b"raw", pins, A) == large
            assert not any(bus.faults for bus in lines.buses.values())

    asyncio.run(story())


# ---- attacks -------------------------------------------------------------------------------------------------------


def test_a_site_cannot_speak_as_another_nor_listen_for_it(tmp_path: Path) -> None:
    async def story(lines: NatsLines) -> None:
        bus, names = lines.buses[A], Subjects.of(SHOP)
        part = next(split(msgspec.msgpack.encode({"ask": "held", "origin": "o"}), bytes(12), 1 << 20))
        await publish(bus, names.ask(B, C), part, f"{inbox(C)}.{'0' * 24}")
        await publish(bus, names.beat(C), b"")
        await publish(bus, f"{inbox(B)}.{'0' * 24}", b"an answer that nobody asked for")
        await publish(bus, "$JS.API.STREAM.NAMES", b"", f"{inbox(A)}.{'0' * 24}")
        client = bus._client
        assert client is not None
        for subject in (names.asked(B), f"{inbox(B)}.>", "holdgate.>", ">"):
            await client.subscribe(subject)
        await client.flush()
        refused = [
            f'Publish to "{names.ask(B, C)}"',
            f'Publish to "{names.beat(C)}"',
            f'Publish to "{inbox(B)}',
            'Publish to "$JS.API',
            f'Subscription to "{names.asked(B)}"',
            f'Subscription to "{inbox(B)}.>"',
            'Subscription to "holdgate.>"',
            'Subscription to ">"',
        ]
        for sentence in refused:
            await until(lambda s=sentence: any(s.lower() in fault for fault in bus.faults), 3)  # type: ignore[misc]
        assert not lines.sites[B].asked
        assert await lines.buses[C].peer(C, B).held("o", C), "and everybody goes on"

    on_server(tmp_path, story)


def test_who_is_not_let_ask_learns_it_at_once(tmp_path: Path) -> None:
    async def story(lines: NatsLines) -> None:
        bus = lines.buses[A]
        bus._subjects = Subjects.of("other")
        with pytest.raises(Unavailable, match="does not let A ask B"):
            await bus.peer(A, B).held("o", A)

    on_server(tmp_path, story)


def test_an_answer_is_never_sent_where_it_would_speak_for_the_answering_site(tmp_path: Path) -> None:
    """B may publish under `ask.C.B`; A must not get it to, by naming that as the place for B's answer to A."""

    async def story(lines: NatsLines) -> None:
        names = Subjects.of(SHOP)
        part = next(split(msgspec.msgpack.encode({"ask": "held", "origin": "o"}), bytes(12), 1 << 20))
        for reply in (names.ask(C, B), names.beat(B), f"{inbox(C)}.{'0' * 24}", f"{inbox(A)}.x", f"{inbox(A)}.>"):
            await publish(lines.buses[A], names.ask(B, A), part, reply)
        await publish(lines.buses[A], names.ask(B, A), part)
        await lines.buses[A].peer(A, B).attest("o", A)
        assert lines.sites[B].asked == [("attest", "o", A)], "none of the others was even asked"
        assert not lines.sites[C].asked
        assert sum("which is not its own" in fault for fault in lines.buses[B].faults) == 5

    on_server(tmp_path, story)


def frames() -> list[bytes]:
    """What is no call: noise, lies about size, unknown and overfull calls."""
    held = {"ask": "held", "origin": "o"}
    whole = next(split(msgspec.msgpack.encode(held), bytes(12), 1 << 20))
    bodies = [
        b"",
        b"\xc1",
        bytes(range(256)) * 40,
        b"\xdd\xff\xff\xff\xff",
        b"\x91" * 100_000,
        msgspec.msgpack.encode({"ask": "release", "order": "PO-1"}),
        msgspec.msgpack.encode(held | {"sender": "HUB"}),
        msgspec.msgpack.encode({"ask": "held"}),
        msgspec.msgpack.encode({"ask": "held", "origin": 7}),
        msgspec.msgpack.encode(
            {"ask": "offer", "origin": "o", "start": -1, "size": 0, "checkpoint": b"", "leaves": []}
        ),
    ]
    return [
        b"",
        b"\x01",
        b"\x02" + whole[1:],
        whole[:HEAD_BYTES],
        whole + b"more",
        whole[:13] + b"\x00\x05\x00\x02" + whole[17:],
        whole[:13] + b"\x00\x01\x00\x02" + whole[17:],
        whole[:13] + b"\x00\x00\x00\x00" + whole[17:],
        whole[:17] + b"\xff\xff\xff\xff" + whole[21:],
        *(next(split(body, bytes([n]) * 12, 1 << 20)) for n, body in enumerate(bodies)),
    ]


def test_noise_is_refused_and_harms_nobody(tmp_path: Path) -> None:
    async def story(lines: NatsLines) -> None:
        subject = Subjects.of(SHOP).ask(B, A)
        for number, frame in enumerate(frames()):
            await publish(lines.buses[A], subject, frame, f"{inbox(A)}.{number:024x}")
            assert await lines.buses[A].peer(A, B).held("o", A), f"after frame {number}"
            assert await lines.buses[C].peer(C, B).held("o", C)
        assert {asked[0] for asked in lines.sites[B].asked} == {"held"}
        assert len(lines.sites[B].asked) == 2 * len(frames())
        assert any("cannot be read" in fault for fault in lines.buses[B].faults)

    on_server(tmp_path, story)


def test_an_answer_that_is_none_is_unavailable_and_never_malformed(tmp_path: Path) -> None:
    """A link passes over an action that its peer calls malformed for good; noise must not do that."""

    async def story(lines: NatsLines) -> None:
        says: list[bytes] = [b"", b"\xc1", msgspec.msgpack.encode({"say": "holding", "size": 1}), b"\x90" * 2_000_000]

        async def lie(client: Any, reply: str, key: bytes, _said: bytes) -> None:
            for part in split(says[0], key, 1 << 20):
                await client.publish(reply, part)

        lines.buses[B]._reply = lie  # type: ignore[assignment, method-assign]
        while says:
            with pytest.raises(Unavailable):
                await lines.buses[A].peer(A, B).deliver(b"raw", (), A)
            says.pop(0)

    on_server(tmp_path, story)


def test_a_part_that_is_lost_makes_the_question_unavailable(tmp_path: Path) -> None:
    async def story(lines: NatsLines) -> None:
        client = lines.buses[A]._client
        assert client is not None
        publish_all, count = client.publish, 0

        async def lossy(subject: str, *more: Any, **named: Any) -> None:
            nonlocal count
            count += ".ask." in subject
            if ".ask." not in subject or count != 2:
                await publish_all(subject, *more, **named)

        client.publish = lossy  # type: ignore[method-assign]
        pins = tuple(Pin("a" * 64, b"x" * BLOB_BYTES_MAX) for _ in range(2))
        began = time.monotonic()
        with pytest.raises(Unavailable, match="a part before part 4 of 5 is missing"):
            await lines.buses[A].peer(A, B).deliver(b"raw", pins, A)
        assert time.monotonic() - began < QUICK.ask_s / 2, "told, not waited for"
        assert not lines.sites[B].asked
        assert (await lines.buses[A].peer(A, B).deliver(b"raw", pins, A)).decision == DENIED

    on_server(tmp_path, story)


def test_a_sender_cannot_make_a_site_keep_more_than_one_message_s_room(tmp_path: Path) -> None:
    async def story(lines: NatsLines) -> None:
        subject = Subjects.of(SHOP).ask(B, A)
        for number in range(40):
            first = next(split(bytes(1_500_000), number.to_bytes(12, "big"), 1 << 20))
            await publish(lines.buses[A], subject, first, f"{inbox(A)}.{number:024x}")
        held = lines.buses[B]._gathering[A]
        assert isinstance(held, Gathering)
        assert held.claimed <= 1 << 24
        assert await lines.buses[C].peer(C, B).held("o", C)

    on_server(tmp_path, story)


# ---- who is let in -------------------------------------------------------------------------------------------------


def test_another_key_is_refused_and_shows(tmp_path: Path) -> None:
    async def story() -> None:
        with broker(tmp_path / "broker", *SITES) as server:
            bus = connection(server, A, key=key_of("nobody"))
            assert not await bus.connect(0.5)
            assert any("uthorization" in fault for fault in bus.faults)
            await bus.close()

    asyncio.run(story())


def test_a_server_that_lets_anybody_in_is_not_used(tmp_path: Path) -> None:
    """Its subjects would not say who speaks."""

    async def story() -> None:
        with broker(tmp_path / "broker", *SITES) as server:
            server.kill()
            server.write(f"listen: 127.0.0.1:{server.port}\n")
            await asyncio.to_thread(server.start)
            bus = connection(server, A)
            assert not await bus.connect(0.5)
            assert any("asks for no key" in fault for fault in bus.faults)
            await bus.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("servers", "why"),
    [
        ([], "at least one"),
        (["nats://203.0.113.5:4222"], "TLS"),
        (["nats://127.0.0.1:4222", "nats://broker.example:4222"], "TLS"),
        (["http://127.0.0.1"], "no server"),
        (["nats://"], "no server"),
        (["nats://127.0.0.1:port"], "no server"),
    ],
)
def test_a_way_that_others_can_read_is_not_taken(servers: list[str], why: str) -> None:
    key = key_of(A)
    with pytest.raises(Malformed, match=why):
        NatsBus(A, SHOP, SITES, servers, TransportKey(public_text(key), key.sign))


def test_a_connection_is_one_site(tmp_path: Path) -> None:
    async def story(lines: NatsLines) -> None:
        with pytest.raises(Malformed, match="does not speak as B"):
            lines.buses[A].peer(B, A)
        with pytest.raises(Malformed, match="needs its own"):
            lines.buses[A].attach(B, Recorder(), lambda _peer, _up: None)
        assert not lines.buses[A].linked(B, C)

    on_server(tmp_path, story)
