"""Requests that two programs could read in two ways are refused, against raw sockets. Sources: RFC 9112, sections 2 to 11."""

import asyncio
import socket
from typing import Any

import pytest

from holdgate.adapters.http_serve import Limits
from tests.edge import LOOPS, WAIT_S, Echo, asked, heard, with_server

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
HIDDEN = b"GET /hidden HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nhost: a\r\n"
LAST = b"connection: close\r\n"

REFUSED = [
    ("length and coding", POST + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("coding and length", POST + b"transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n", 400),
    ("two lengths", POST + b"content-length: 0\r\ncontent-length: 52\r\n\r\n", 400),
    ("one length twice", POST + b"content-length: 0\r\ncontent-length: 0\r\n\r\n", 400),
    ("lengths in a list", POST + b"content-length: 0, 0\r\n\r\n", 400),
    ("a length with a sign", POST + b"content-length: +4\r\n\r\nabcd", 400),
    ("a negative length", POST + b"content-length: -1\r\n\r\n", 400),
    ("a length in hex", POST + b"content-length: 0x4\r\n\r\nabcd", 400),
    ("a length with a space inside", POST + b"content-length: 4 4\r\n\r\nabcd", 400),
    ("an empty length", POST + b"content-length:\r\n\r\n", 400),
    ("a length beyond numbers", POST + b"content-length: 99999999999999999999\r\n\r\n", 400),
    ("a coding before chunked", POST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    ("a coding after chunked", POST + b"transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
    ("chunked twice", POST + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("chunked with a tab", POST + b"transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n", 400),
    ("chunked in quotes", POST + b'transfer-encoding: "chunked"\r\n\r\n0\r\n\r\n', 400),
    ("identity", POST + b"transfer-encoding: identity\r\n\r\n", 400),
    ("a coding in HTTP/1.0", b"POST /a HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("a chunk without a length", POST + b"transfer-encoding: chunked\r\n\r\nx\r\na\r\n0\r\n\r\n", 400),
    ("a chunk longer than it says", POST + b"transfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400),
    ("a chunk with a negative length", POST + b"transfer-encoding: chunked\r\n\r\n-1\r\n\r\n0\r\n\r\n", 400),
    ("a chunk that ends in a bare LF", POST + b"transfer-encoding: chunked\r\n\r\n1\na\n0\n\n", 400),
    ("a chunk length beyond numbers", POST + b"transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\na\r\n", 400),
    ("a length after the body", POST + b"transfer-encoding: chunked\r\n\r\n0\r\ncontent-length: 9\r\n\r\n", 400),
    ("bare LF as line ends", b"GET /a HTTP/1.1\nhost: a\n\n", 400),
    ("a bare CR in a header", POST + b"x: a\rcontent-length: 4\r\n\r\n", 400),
    ("a folded header", POST + b"x: a\r\n content-length: 4\r\n\r\n", 400),
    ("a folded first header", b"GET /a HTTP/1.1\r\n host: a\r\n\r\n", 400),
    ("a space before the colon", POST + b"content-length : 4\r\n\r\nabcd", 400),
    ("NUL in a header's name", POST + b"x\x00y: a\r\n\r\n", 400),
    ("NUL in a header's value", POST + b"x: a\x00b\r\n\r\n", 400),
    ("NUL in the target", b"GET /a\x00b HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    ("NUL in the target, escaped", b"GET /a%00b HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    ("a line end in the target, escaped", b"GET /a%0d%0ab HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    ("bytes beyond ASCII in the target", b"GET /\xc3\xa4 HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    ("a fragment in the target", b"GET /a#b HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    ("a target that is no path", b"GET a HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    ("all of the server as the target", b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    ("no host", b"GET /a HTTP/1.1\r\n\r\n", 400),
    ("an empty host", b"GET /a HTTP/1.1\r\nhost:\r\n\r\n", 400),
    ("two hosts", b"GET /a HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400),
    ("a host that is a path", b"GET /a HTTP/1.1\r\nhost: a/b\r\n\r\n", 400),
    ("a host with a user", b"GET /a HTTP/1.1\r\nhost: u@a\r\n\r\n", 400),
    ("an absolute target of another host", b"GET http://b/a HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    ("an absolute target without a host", b"GET http://a/a HTTP/1.0\r\n\r\n", 400),
    ("another scheme", b"GET ftp://a/a HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    ("a tunnel", b"CONNECT b:443 HTTP/1.1\r\nhost: b:443\r\n\r\n", 501),
    ("a websocket", b"GET /a HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", 501),
    ("an expectation", POST + b"expect: miracles\r\ncontent-length: 4\r\n\r\nabcd", 417),
    ("HTTP/0.9", b"GET /a\r\n\r\n", 505),
    ("HTTP/1.2", b"GET /a HTTP/1.2\r\nhost: a\r\n\r\n", 400),
    ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ("no method", b" /a HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    ("a method in small letters", b"get /a HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
]

TAKEN: list[tuple[str, bytes, list[tuple[str, str, bytes]]]] = [
    ("plain", b"GET /a?b=c HTTP/1.1\r\nhost: a:80\r\n" + LAST + b"\r\n", [("GET", "/a", b"")]),
    ("an absolute target", b"GET HTTP://A/a HTTP/1.1\r\nhost: a\r\n" + LAST + b"\r\n", [("GET", "/a", b"")]),
    ("an absolute target of nothing", b"GET http://a HTTP/1.1\r\nhost: a\r\n" + LAST + b"\r\n", [("GET", "/", b"")]),
    ("HTTP/1.0", b"GET /a HTTP/1.0\r\n\r\n" + HIDDEN, [("GET", "/a", b"")]),
    ("HTTP/1.0 kept alive", b"GET /a HTTP/1.0\r\nconnection: keep-alive\r\n\r\n" + HIDDEN, [("GET", "/a", b"")]),
    ("a length", POST + LAST + b"content-length: 4\r\n\r\nabcd", [("POST", "/a", b"abcd")]),
    ("more than the length", POST + LAST + b"content-length: 4\r\n\r\nabcd" + HIDDEN, [("POST", "/a", b"abcd")]),
    (
        "a request as a body",
        POST + b"content-length: %d\r\n\r\n%s" % (len(HIDDEN), HIDDEN) + HIDDEN.replace(b"hidden", b"b"),
        [("POST", "/a", HIDDEN), ("GET", "/b", b"")],
    ),
    (
        "chunks, an extension and a trailer",
        POST + LAST + b"transfer-encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nx-sum: 9\r\n\r\n",
        [("POST", "/a", b"abcd")],
    ),
    (
        "an offer of HTTP/2 that is not taken up",
        b"GET /a HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n" + HIDDEN,
        [("GET", "/a", b""), ("GET", "/hidden", b"")],
    ),
    ("dots", b"GET /a/../b HTTP/1.1\r\nhost: a\r\n" + LAST + b"\r\n", [("GET", "/a/../b", b"")]),
]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("what", "raw", "status"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_could_be_read_in_two_ways_is_refused_and_nothing_after_it_is_read(
    what: str, raw: bytes, status: int, loop: str
) -> None:
    echo = Echo()
    said = asked(echo, raw + HIDDEN, Limits(header_s=20, body_s=20), loop)
    assert said.startswith(b"HTTP/1.1 %d " % status), said
    assert said.count(b"HTTP/1.1 ") == 1
    assert b"\r\nconnection: close\r\n" in said
    assert not echo.seen


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("what", "raw", "seen"), TAKEN, ids=[row[0] for row in TAKEN])
def test_what_is_taken_is_read_in_one_way(what: str, raw: bytes, seen: list[Any], loop: str) -> None:
    echo = Echo()
    said = asked(echo, raw, Limits(header_s=20, body_s=20), loop)
    assert echo.seen == seen
    assert said.count(b"HTTP/1.1 200 OK\r\n") == len(seen)


@pytest.mark.parametrize("size", [1, 2, 7])
def test_bytes_that_come_one_by_one_are_read_as_the_same_requests(size: int) -> None:
    raw = TAKEN[7][1]
    echo = Echo()

    def drip(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for place in range(0, len(raw), size):
                sock.sendall(raw[place : place + size])
            return heard(sock)

    async def told(port: int) -> bytes:
        return await asyncio.to_thread(drip, port)

    said = with_server(echo, told, Limits(header_s=60, body_s=60))
    assert echo.seen == TAKEN[7][2]
    assert said.count(b"HTTP/1.1 200 OK") == 2


def test_an_answer_has_a_date_and_names_no_server() -> None:
    said = asked(Echo(), TAKEN[0][1]).lower()
    assert b"\r\ndate: " in said
    assert b"gmt\r\n" in said
    assert b"server:" not in said
    assert b"strict-transport-security" not in said
