"""Deadlines and caps of the server, on real loopback sockets and both event loops."""

import asyncio
import contextlib
import socket
import time
from typing import Any

import pytest

from holdgate.adapters.http_limits import network_of
from holdgate.adapters.http_serve import Limits
from holdgate.terms.limits import HTTP_FEW_EACH_MAX
from tests.edge import LOOPS, WAIT_S, Echo, ask, asked, heard, until, with_server

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.parametrize("loop", LOOPS)]
GET = b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nhost: a\r\n"
CLOSE = b"GET /last HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
LONG = POST + b"connection: close\r\ncontent-length: 60000\r\n\r\n" + b"x" * 60_000
WATCH = b"GET /events HTTP/1.1\r\nhost: a\r\naccept: text/event-stream\r\n\r\n"
PATIENT = Limits(header_s=60, body_s=60, answer_s=60)
EVENTS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]


class Gate:
    """Answers when it is opened; knows how many wait, and how many were told that the client left."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.waiting = 0
        self.ended = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.waiting += scope["path"] != "/open"
        try:
            if scope["path"] != "/open":
                await self.opened.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": scope["path"].encode()})
        finally:
            self.ended += 1


class Stream:
    """An event stream for everybody, until the client leaves."""

    def __init__(self, first: bytes = b"data: 0\n\n") -> None:
        self.first = first
        self.open = 0
        self.told = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.open += 1
        try:
            await receive()
            await send({"type": "http.response.start", "status": 200, "headers": EVENTS})
            await send({"type": "http.response.body", "body": self.first, "more_body": True})
            await self.told.wait()
            while True:
                await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
                await asyncio.sleep(0.05)
        finally:
            self.open -= 1


def connect(port: int, data: bytes = b"", source: str = "") -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S, source_address=(source, 0) if source else None)
    sock.sendall(data)
    return sock


# ---- heads and bodies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /a HTTP/1.1\r\nhost: a\r\nx: %s\r\n\r\n" % (b"y" * 17_000), 431),
        (b"GET /%s HTTP/1.1\r\nhost: a\r\n\r\n" % (b"y" * 17_000), 431),
        (b"GET /a HTTP/1.1\r\nhost: a\r\n" + b"x: y\r\n" * 101 + b"\r\n", 431),
        (b"GET /a HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 600_000, 431),
        (POST + b"content-length: 1048577\r\n\r\n", 413),
        (POST + b"transfer-encoding: chunked\r\n\r\n" + b"20000\r\n%s\r\n" % (b"x" * 131_072) * 9, 413),
        (POST + b"transfer-encoding: chunked\r\n\r\n0\r\n" + b"x: yyyyyyyyyyyy\r\n" * 2_000, 431),
    ],
    ids=["header", "target", "many headers", "endless header", "length", "chunks", "trailers"],
)
def test_what_is_too_long_is_refused_before_the_application_sees_it(loop: str, raw: bytes, status: int) -> None:
    echo = Echo()
    said = asked(echo, raw, PATIENT, loop)
    assert said.startswith(b"HTTP/1.1 %d " % status) or not said, "a reset may overtake the answer"
    assert not echo.seen


def test_a_head_of_the_longest_length_is_taken(loop: str) -> None:
    echo = Echo()
    raw = b"GET /a HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx: %s\r\n\r\n" % (b"y" * 16_000)
    assert asked(echo, raw, PATIENT, loop).startswith(b"HTTP/1.1 200 ")


def test_pipelined_heads_and_bodies_are_not_counted_together(loop: str) -> None:
    echo = Echo()
    one = POST + b"content-length: 12000\r\nx: %s\r\n\r\n%s" % (b"y" * 9_000, b"b" * 12_000)
    said = asked(echo, one * 3 + CLOSE, PATIENT, loop)
    assert said.count(b"HTTP/1.1 200 OK") == 4
    assert [len(body) for _, _, body in echo.seen] == [12_000] * 3 + [0]


def test_the_body_is_asked_for_where_the_client_waits(loop: str) -> None:
    async def told(port: int) -> bytes:
        def speak() -> bytes:
            with connect(
                port, POST + b"expect: 100-continue\r\nconnection: close\r\ncontent-length: 4\r\n\r\n"
            ) as sock:
                first = heard(sock, b"\r\n\r\n")
                sock.sendall(b"abcd")
                return first + heard(sock)

        return await asyncio.to_thread(speak)

    said = with_server(Echo(), told, PATIENT, loop)
    assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert said.endswith(b"POST /a 4")


def test_all_bodies_at_once_are_bounded(loop: str) -> None:
    async def told(port: int) -> bytes:
        held = [connect(port, POST + b"content-length: 60000\r\n\r\n" + b"x" * 50_000) for _ in range(2)]
        end, said = time.monotonic() + WAIT_S, b""
        try:
            while b" 503 " not in said:  # until both are here
                assert time.monotonic() < end
                said = await asyncio.to_thread(ask, port, LONG)
            return said
        finally:
            for sock in held:
                sock.close()

    said = with_server(Echo(), told, Limits(header_s=60, body_s=60, held_bytes=110_000), loop)
    assert said.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1" in said


# ---- pipelining ----------------------------------------------------------------------------------------------------


def test_pipelined_requests_are_answered_in_order(loop: str) -> None:
    raw = b"".join(b"GET /%d HTTP/1.1\r\nhost: a\r\n\r\n" % n for n in range(5)) + CLOSE
    said = asked(Echo(), raw, PATIENT, loop)
    places = [said.index(b"GET /%d 0" % n) for n in range(5)] + [said.index(b"GET /last")]
    assert places == sorted(places)


def test_a_flood_of_pipelined_requests_is_left_after_a_few(loop: str) -> None:
    echo = Echo()
    said = asked(echo, GET * 4_000, Limits(header_s=60, pipelined=8), loop)
    assert 1 <= len(echo.seen) <= 16
    assert said.count(b"HTTP/1.1 200 OK") == len(echo.seen), "what was read is answered, and nothing resets it"
    assert said.count(b"connection: close") == 1


def test_a_broken_request_behind_others_is_refused_after_their_answers(loop: str) -> None:
    said = asked(Echo(), GET + GET + b"nonsense\r\n\r\n", PATIENT, loop)
    assert said.count(b"HTTP/1.1 200 OK") == 2
    assert said.rindex(b"HTTP/1.1 400 ") > said.rindex(b"HTTP/1.1 200 OK")


# ---- connections ---------------------------------------------------------------------------------------------------


def test_one_address_has_a_share_of_the_connections_and_others_are_served(loop: str) -> None:
    async def told(port: int) -> None:
        held = [connect(port, GET, "127.0.0.2") for _ in range(3)]
        for sock in held:
            await asyncio.to_thread(heard, sock, b"GET /a 0")
        said = await asyncio.to_thread(ask, port, CLOSE, source="127.0.0.2")
        assert said.startswith(b"HTTP/1.1 503 ") or not said
        assert b"GET /last 0" in await asyncio.to_thread(ask, port, CLOSE, source="127.0.0.3")
        held.pop().close()
        end = time.monotonic() + WAIT_S
        while b"GET /last 0" not in await asyncio.to_thread(ask, port, CLOSE, source="127.0.0.2"):
            assert time.monotonic() < end, "a place that was left is free again"
        for sock in held:
            sock.close()

    with_server(Echo(), told, Limits(header_s=60, per_address=3), loop)


def test_where_all_places_are_taken_the_longest_idle_makes_room_and_work_is_not_disturbed(loop: str) -> None:
    async def told(port: int) -> None:
        gate.opened.clear()
        busy = connect(port, b"GET /busy HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        await until(lambda: gate.waiting == 1)
        idle = connect(port, b"GET /open HTTP/1.1\r\nhost: a\r\n\r\n")
        assert await asyncio.to_thread(heard, idle, b"/open")
        more = []
        for count in (2, 3):
            more.append(connect(port, b"GET /more HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"))
            await until(lambda count=count: gate.waiting == count)  # type: ignore[misc]
        assert await asyncio.to_thread(heard, idle) == b"", "it was ended"
        turned = await asyncio.to_thread(ask, port, CLOSE)
        assert turned.startswith(b"HTTP/1.1 503 ") or not turned
        gate.opened.set()
        for sock in (busy, *more):
            assert (await asyncio.to_thread(heard, sock)).startswith(b"HTTP/1.1 200 ")
            sock.close()
        idle.close()

    gate = Gate()
    with_server(gate, told, Limits(header_s=60, answer_s=60, connections=3), loop)


def test_an_ipv6_network_counts_as_one(loop: str) -> None:
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")
    assert network_of("::ffff:10.0.0.1") == network_of("10.0.0.1")


def test_requests_beyond_what_is_answered_at_once_are_told_when_to_come_again(loop: str) -> None:
    async def told(port: int) -> None:
        gate.opened.clear()
        first = connect(port, CLOSE)
        await until(lambda: gate.waiting == 1)
        with connect(port, GET) as second:
            said = await asyncio.to_thread(heard, second, b"at once\n")
            assert said.startswith(b"HTTP/1.1 503 ")
            assert b"\r\nretry-after: 1\r\n" in said
            gate.opened.set()
            assert (await asyncio.to_thread(heard, first)).endswith(b"/last")
            second.sendall(CLOSE)
            assert (await asyncio.to_thread(heard, second)).endswith(b"/last"), "its connection is as good as before"
        first.close()

    gate = Gate()
    with_server(gate, told, Limits(header_s=60, answer_s=60, at_once=1), loop)


def test_the_last_quarter_of_the_requests_is_for_who_has_few_under_way(loop: str) -> None:
    """One address fills three quarters, is told to come again, and keeps nobody out; requests that end make room for it."""
    most, few = 16, HTTP_FEW_EACH_MAX

    async def told(port: int) -> None:
        gate.opened.clear()
        many = [connect(port, CLOSE, "127.0.0.2") for _ in range(most * 3 // 4)]
        await until(lambda: gate.waiting == most * 3 // 4)
        with connect(port, GET, "127.0.0.2") as beyond:
            said = await asyncio.to_thread(heard, beyond, b"at once\n")
            assert said.startswith(b"HTTP/1.1 503 ")
        others = [connect(port, CLOSE, "127.0.0.3") for _ in range(few)]
        await until(lambda: gate.waiting == most * 3 // 4 + few)
        with connect(port, GET, "127.0.0.3") as beyond:
            said = await asyncio.to_thread(heard, beyond, b"at once\n")
            assert said.startswith(b"HTTP/1.1 503 "), "the same holds for each"
        gate.opened.set()
        for one in (*many, *others):
            assert (await asyncio.to_thread(heard, one)).endswith(b"/last")
            one.close()
        with connect(port, CLOSE, "127.0.0.2") as again:
            assert (await asyncio.to_thread(heard, again)).endswith(b"/last")

    gate = Gate()
    with_server(gate, told, Limits(header_s=60, answer_s=60, at_once=most), loop)


def test_an_application_s_own_503_says_when_to_come_again(loop: str) -> None:
    async def away(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b"away"})

    assert b"\r\nretry-after: 1\r\n" in asked(away, CLOSE, PATIENT, loop)


# ---- answers -------------------------------------------------------------------------------------------------------


def test_a_failure_of_the_application_spoils_one_request_and_tells_nothing(loop: str, caplog: Any) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/a":
            raise ValueError("the secret word")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"a\r\nset-cookie: b")]})

    async def told(port: int) -> None:
        said = await asyncio.to_thread(ask, port, GET)
        assert said.startswith(b"HTTP/1.1 500 ")
        assert b"secret" not in said
        said = await asyncio.to_thread(ask, port, CLOSE)
        assert said.startswith(b"HTTP/1.1 500 "), "a header that holds a line end never leaves"
        assert b"set-cookie" not in said

    with_server(broken, told, PATIENT, loop)
    assert "the secret word" in caplog.text


def test_head_gets_no_body_and_an_unknown_length_comes_in_chunks(loop: str) -> None:
    async def parts(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"abc", "more_body": True})
        await send({"type": "http.response.body", "body": b"de"})

    said = asked(parts, b"HEAD /a HTTP/1.1\r\nhost: a\r\n\r\n" + CLOSE, PATIENT, loop)
    assert said.endswith(b"\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert said.count(b"abc") == 1
    old = asked(parts, b"GET /a HTTP/1.0\r\n\r\n", PATIENT, loop)
    assert old.endswith(b"\r\n\r\nabcde")
    assert b"chunked" not in old


def test_an_act_goes_on_to_its_end_where_the_client_leaves(loop: str) -> None:
    done: list[str] = []

    async def told(port: int) -> None:
        sock = connect(port, GET)
        await until(lambda: gate.waiting == 1)
        sock.close()
        await asyncio.sleep(0.1)
        gate.opened.set()
        await until(lambda: gate.ended == 1)
        done.append("ended")

    gate = Gate()
    with_server(gate, told, PATIENT, loop)
    assert done == ["ended"]


# ---- event streams -------------------------------------------------------------------------------------------------


def test_an_event_stream_outlives_the_time_for_answers_and_is_bounded_in_number(loop: str) -> None:
    async def told(port: int) -> None:
        socks = [connect(port, GET) for _ in range(3)]
        for sock in socks:
            assert b"data: 0" in await asyncio.to_thread(heard, sock, b"data: 0\n\n")
        turned = await asyncio.to_thread(ask, port, GET)
        assert turned.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in turned
        with connect(port, WATCH) as sock:
            assert b"retry-after: 1" in await asyncio.to_thread(heard, sock, b"at once\n")
        await asyncio.sleep(1.0)
        app.told.set()
        for sock in socks:
            assert b"data: 1" in await asyncio.to_thread(heard, sock, b"data: 1\n\n"), "beyond answer_s"
            sock.close()
        await until(lambda: app.open == 0)
        sock = connect(port, GET)
        assert b"data: 0" in await asyncio.to_thread(heard, sock, b"data: 0\n\n"), "the places are free again"
        sock.close()

    app = Stream()
    with_server(app, told, Limits(header_s=60, answer_s=0.5, at_once=1, streams=3), loop)


def test_a_stream_that_nobody_reads_is_cut_off(loop: str) -> None:
    async def told(port: int) -> None:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.settimeout(WAIT_S)
        await asyncio.to_thread(sock.connect, ("127.0.0.1", port))
        sock.sendall(GET)
        app.told.set()
        await until(lambda: app.open == 1)
        await until(lambda: app.open == 0)
        sock.close()

    app = Stream(first=b"data: " + b"x" * 20_000_000 + b"\n\n")
    with_server(app, told, Limits(header_s=60, answer_s=0.5), loop)


def test_a_stream_ends_where_the_client_leaves(loop: str) -> None:
    async def told(port: int) -> None:
        sock = connect(port, GET)
        await asyncio.to_thread(heard, sock, b"data: 0\n\n")
        assert app.open == 1
        sock.close()
        await until(lambda: app.open == 0)

    app = Stream()
    with_server(app, told, PATIENT, loop)


def test_streams_do_not_hold_up_the_stop(loop: str) -> None:
    async def told(port: int) -> list[socket.socket]:
        socks = [connect(port, GET) for _ in range(5)]
        for sock in socks:
            await asyncio.to_thread(heard, sock, b"data: 0\n\n")
        return socks

    app = Stream()
    for sock in with_server(app, told, PATIENT, loop):
        sock.close()
    assert app.open == 0


def test_five_hundred_streams_get_their_event(loop: str) -> None:
    async def told(port: int) -> None:
        lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(500)]
        for _, writer in lines:
            writer.write(WATCH)
        await asyncio.wait_for(asyncio.gather(*(reader.readuntil(b"data: 0\n\n") for reader, _ in lines)), 2 * WAIT_S)
        app.told.set()
        await asyncio.wait_for(asyncio.gather(*(reader.readuntil(b"data: 1\n\n") for reader, _ in lines)), 2 * WAIT_S)
        for _, writer in lines:
            writer.close()

    app = Stream()
    with_server(app, told, PATIENT, loop)


# ---- slow clients -------------------------------------------------------------------


def test_no_slow_connection_is_held_beyond_its_deadline(loop: str) -> None:
    """Slow heads and slow bodies that drip without end, and connections that say nothing."""
    begun = [
        b"",
        b"GET /a HTTP/1.1\r\nx: ",
        POST + b"content-length: 9000\r\n\r\n",
        POST + b"transfer-encoding: chunked\r\n\r\n",
    ]

    async def told(port: int) -> None:
        lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(40)]

        async def drip(number: int, writer: asyncio.StreamWriter) -> None:
            drop = b"1\r\na\r\n" if number % 4 == 3 else b"a"
            with contextlib.suppress(OSError):
                while not writer.is_closing() and number % 4:
                    writer.write(drop)
                    await writer.drain()
                    await asyncio.sleep(0.1)

        for number, (_, writer) in enumerate(lines):
            writer.write(begun[number % 4])
        dripping = [asyncio.create_task(drip(number, writer)) for number, (_, writer) in enumerate(lines)]
        ends = asyncio.gather(*(reader.read() for reader, _ in lines), return_exceptions=True)
        assert len(await asyncio.wait_for(ends, WAIT_S)) == 40
        for task in dripping:
            task.cancel()
        await asyncio.gather(*dripping, return_exceptions=True)
        for _, writer in lines:
            writer.close()

    with_server(Echo(), told, Limits(header_s=1, body_s=1), loop)
