"""The NATS bus against a real server: servers that die and hang, parts, noise, and sites that reach for what is not theirs."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdgate.adapters.nats_bus import NatsBus, TransportKey
from holdgate.adapters.nats_config import Cluster
from holdgate.adapters.nkeys import public_text
from holdgate.engine.answer import Answer
from holdgate.engine.parts import HEAD_BYTES, Gathering, split
from holdgate.engine.subjects import Subjects, inbox
from holdgate.law.case import Pin
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.limits import BLOB_BYTES_MAX, PINS_MAX
from tests.broker import SHOP, Server, broker, certificate, free_port, key_of
from tests.conformance.test_bus import (
    DENIED,
    QUICK,
    SITES,
    A,
    B,
    C,
    NatsLines,
    Recorder,
    calls,
    connection,
    on_nats,
    until,
)

pytestmark = pytest.mark.enable_socket  # one server, on this machine's loopback

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


def test_who_comes_learns_at_once_who_is_there_before_it_is_there_itself(tmp_path: Path) -> None:
    """So that a site finds the Vault before it starts, however seldom sites beat."""

    async def story() -> None:
        with broker(tmp_path / "broker", *SITES) as server:
            slow = QUICK._replace(beat_s=30.0, silence_s=90.0)
            buses = [connection(server, site) for site in (A, B)]
            for bus in buses:
                bus._timing = slow
                assert await bus.connect(), bus.faults
                if bus.site == A:
                    bus.attach(A, Recorder(), lambda _peer, _up: None)
                    await asyncio.sleep(0.2)
            assert await buses[1].meet([A], 3)
            assert not buses[0].linked(A, B), "nobody is asked before he can answer"
            buses[1].attach(B, Recorder(), lambda _peer, _up: None)
            await until(lambda: buses[0].linked(A, B), 3)
            for bus in buses:
                await bus.close()

    asyncio.run(story())


def test_who_has_just_left_is_unavailable_at_once(tmp_path: Path) -> None:
    """As soon as the server has noticed: what is asked before then may still be handed to a line that nobody reads."""

    async def story(lines: NatsLines) -> None:
        lines.buses[A]._timing = QUICK._replace(ask_s=0.1)
        await lines.buses[B].close()
        said, began = "", 0.0
        while "B listens no more" not in said:
            began = time.monotonic()
            with pytest.raises(Unavailable, match=r"listens no more|did not answer within") as gone:
                await lines.buses[A].peer(A, B).held("o", A)
            said = str(gone.value)
        assert time.monotonic() - began < QUICK.silence_s

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


def test_over_tls_the_server_is_believed_by_its_certificate_alone(tmp_path: Path) -> None:
    async def story() -> None:
        tls, foreign = certificate(tmp_path / "own"), certificate(tmp_path / "foreign")
        trusted = ssl.create_default_context(cafile=tls.authority)
        with broker(tmp_path / "broker", *SITES, tls=tls) as server:
            buses = [connection(server, site, tls=trusted) for site in (A, B)]
            for bus in buses:
                assert await bus.connect(), bus.faults
                bus.attach(bus.site, Recorder(), lambda _peer, _up: None)
            await until(lambda: buses[0].linked(A, B))
            assert await buses[0].peer(A, B).held("o", A)
            for bus in buses:
                await bus.close()
            wrong = connection(server, A, tls=ssl.create_default_context(cafile=foreign.authority))
            assert not await wrong.connect(0.5)
            await wrong.close()

    asyncio.run(story())


def test_who_wants_tls_does_not_go_on_without_because_the_server_says_so(tmp_path: Path) -> None:
    """The server's first words come in clear where the handshake comes after them; whoever stands between can change them."""

    async def story() -> None:
        tls = certificate(tmp_path / "own")
        with broker(tmp_path / "broker", *SITES) as server:
            bus = connection(server, A, tls=ssl.create_default_context(cafile=tls.authority))
            assert not await bus.connect(1.5)
            assert not bus._proved, "nor was anything signed for it"
            await bus.close()

    asyncio.run(story())


def test_who_is_no_site_of_the_shop_is_not_heard_even_if_the_server_lets_him_in(tmp_path: Path) -> None:
    async def story() -> None:
        with broker(tmp_path / "broker", *SITES, "X") as server:
            key, recorder = key_of("X"), Recorder()
            stranger = NatsBus("X", SHOP, SITES, [server.url], TransportKey(public_text(key), key.sign), timing=QUICK)
            bus = connection(server, A)
            for line, peer in ((bus, recorder), (stranger, Recorder())):
                assert await line.connect()
                line.attach(line.site, peer, lambda _peer, _up: None)
            await until(lambda: stranger.linked("X", A))
            stranger._timing = QUICK._replace(ask_s=0.3)
            with pytest.raises(Unavailable):
                await stranger.peer("X", A).held("o", "X")
            assert not recorder.asked
            assert not bus.linked(A, "X")
            assert any("no site of this shop" in fault for fault in bus.faults)
            await stranger.close()
            await bus.close()

    asyncio.run(story())


def test_of_three_servers_one_may_die_and_then_another(tmp_path: Path) -> None:
    async def story(servers: list[Server]) -> None:
        key = {site: key_of(site) for site in (A, B)}
        urls = [server.url for server in servers]
        buses = [
            NatsBus(s, SHOP, SITES, urls[n:] + urls[:n], TransportKey(public_text(key[s]), key[s].sign), timing=QUICK)
            for n, s in enumerate((A, B))
        ]
        for bus in buses:
            assert await bus.connect(10), bus.faults
            bus.attach(bus.site, Recorder(), lambda _peer, _up: None)
        for dies in (None, servers[0], servers[1]):
            if dies is not None:
                await asyncio.to_thread(dies.kill)
                await asyncio.sleep(QUICK.silence_s)
            await until(lambda: buses[0].linked(A, B) and buses[1].linked(B, A))
            assert await buses[0].peer(A, B).held("o", A)
        for bus in buses:
            await bus.close()

    with contextlib.ExitStack() as stack:
        routes = tuple(f"127.0.0.1:{free_port()}" for _ in range(3))
        servers = [
            stack.enter_context(
                broker(tmp_path / str(n), *SITES, name=f"s{n}", cluster=Cluster(name="lab", routes=routes, own=n))
            )
            for n in range(3)
        ]
        asyncio.run(story(servers))


def test_a_site_that_does_not_hear_another_is_still_asked_by_it(tmp_path: Path) -> None:
    """Nodes of a large shop do not listen to each other's beats; whoever hears them reaches them all the same."""

    async def story() -> None:
        with broker(tmp_path / "broker", *SITES) as server:
            deaf, other, third = connection(server, A, hears=[C]), connection(server, B), connection(server, C)
            try:
                for bus in (deaf, other, third):
                    assert await bus.connect(10), bus.faults
                    bus.attach(bus.site, Recorder(), lambda _peer, _up: None)
                await until(lambda: deaf.linked(A, C) and other.linked(B, A) and third.linked(C, A))
                assert not deaf.linked(A, B)
                with pytest.raises(Unavailable, match="out of reach"):
                    await deaf.peer(A, B).held("o", A)
                assert await other.peer(B, A).held("o", B)
                assert await deaf.peer(A, C).held("o", A)
            finally:
                for bus in (deaf, other, third):
                    await bus.close()

    asyncio.run(story())
