"""A witness on a real loopback port: statuses, races, restarts, slow and greedy clients; and the client that asks it."""

import asyncio
import base64
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdgate.adapters.host import SetClock
from holdgate.adapters.http_cosigner import HttpCosigner
from holdgate.adapters.http_serve import Limits, listen, serving
from holdgate.adapters.http_witness import WitnessApp
from holdgate.ledger.cosigning import Behind, Given
from holdgate.ledger.note import parse_vkey, verify_cosignature
from holdgate.ledger.witness import SIZE_TYPE, origin_hash, write_request
from holdgate.sites.vault_face import WitnessFace
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from holdgate.terms.instant import SECOND_US
from tests.unit.test_witness import LOG, REFUSED
from tests.witnesses import ORIGIN, T_S, Log, cosigner, witness_at

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
KEY = parse_vkey(cosigner().vkey)
QUICK = Limits(header_s=0.5, body_s=0.5, answer_s=0.5, body_bytes=100_000, at_once=8)


@asynccontextmanager
async def served(place: Path, limits: Limits | None = None) -> AsyncIterator[str]:
    """The witness at this place, until the block is left; gives its address."""
    witness = witness_at(place)
    try:
        async with serving(WitnessApp(WitnessFace(witness, SetClock(T_S * SECOND_US))).app, limits=limits) as port:
            yield f"http://127.0.0.1:{port}"
    finally:
        witness.store.close()


def story(place: Path, told: Callable[[str, httpx.AsyncClient], Awaitable[None]], limits: Limits | None = None) -> None:
    """Serve the witness at a place and do this with its address and a client."""

    async def run() -> None:
        async with served(place, limits) as url, httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as client:
            await told(url, client)

    asyncio.run(run())


# ---- the protocol --------------------------------------------------------------------------------------------------


def test_every_status_over_http_is_the_one_that_was_decided(tmp_path: Path) -> None:
    async def told(url: str, client: httpx.AsyncClient) -> None:
        first = await client.post("/add-checkpoint", content=LOG.request(0, 5))
        assert first.status_code == 200
        assert verify_cosignature(LOG.note(5) + first.content, KEY) == T_S
        for what, raw, status in REFUSED:
            reply = await client.post("/add-checkpoint", content=raw)
            assert reply.status_code == (413 if what == "too long" else status), what
            if status == 409:
                assert (reply.content, reply.headers["content-type"]) == (b"5\n", SIZE_TYPE)
        shown = await client.get(f"/{origin_hash(ORIGIN)}/checkpoint")
        assert shown.content == LOG.note(5) + first.content
        assert shown.headers["content-type"] == "text/plain; charset=utf-8"
        assert shown.headers["cache-control"] == "no-cache"

    story(tmp_path, told)


@pytest.mark.parametrize("verb", ["PUT", "DELETE", "PATCH", "POST"])
def test_no_other_verb_writes(tmp_path: Path, verb: str) -> None:
    async def told(url: str, client: httpx.AsyncClient) -> None:
        await client.post("/add-checkpoint", content=LOG.request(0, 5))
        hashed = origin_hash(ORIGIN)
        for path in (f"/{hashed}/checkpoint", f"/{hashed}/tile/0/000.p/5", f"/{hashed}/tile/entries/000", "/evidence"):
            assert (await client.request(verb, path, content=b"x")).status_code == 405, path
        if verb != "POST":
            assert (await client.request(verb, "/add-checkpoint", content=b"x")).status_code == 405

    story(tmp_path, told)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/docs",
        "/openapi.json",
        f"/{origin_hash('x')}/checkpoint",
        f"/{origin_hash(ORIGIN).upper()}/checkpoint",
        f"/{origin_hash(ORIGIN)}/tile/0/000",
        f"/{origin_hash(ORIGIN)}/tile/../checkpoint/../../witness.key",
        f"/{origin_hash(ORIGIN)}/%2e%2e/witness.key",
        "/witness.key",
        "/add-checkpoint/",
    ],
)
def test_nothing_else_is_there(tmp_path: Path, path: str) -> None:
    async def told(url: str, client: httpx.AsyncClient) -> None:
        assert (await client.get(path)).status_code in (307, 404)

    story(tmp_path, told)


def test_of_many_histories_that_race_over_http_one_is_cosigned(tmp_path: Path) -> None:
    async def told(url: str, client: httpx.AsyncClient) -> None:
        requests = [Log(fork=n).request(0, 12) for n in range(12)]
        replies = await asyncio.gather(*(client.post("/add-checkpoint", content=raw) for raw in requests))
        assert sorted(reply.status_code for reply in replies) == [200] + [409] * 11
        assert len((await client.get("/evidence")).json()["evidence"]) == 11, "each loser was signed by the log"

    story(tmp_path, told)


def test_a_restart_keeps_what_was_cosigned_and_the_evidence(tmp_path: Path) -> None:
    async def before(url: str, client: httpx.AsyncClient) -> None:
        assert (await client.post("/add-checkpoint", content=LOG.request(0, 5))).status_code == 200
        assert (await client.post("/add-checkpoint", content=Log(fork=1).request(5, 5))).status_code == 422

    async def after(url: str, client: httpx.AsyncClient) -> None:
        assert (await client.post("/add-checkpoint", content=Log(fork=1).request(0, 9))).status_code == 409
        assert (await client.post("/add-checkpoint", content=LOG.request(5, 9))).status_code == 200
        (found,) = (await client.get("/evidence")).json()["evidence"]
        assert (found["origin"], found["why"]) == (ORIGIN, "two_roots")
        assert base64.b64decode(found["seen"]) == Log(fork=1).note(5)
        assert base64.b64decode(found["held"]).startswith(LOG.note(5))

    story(tmp_path, before)
    story(tmp_path, after)


# ---- slow and greedy clients ---------------------------------------------------------------------------------------


def drip(url: str, head: bytes, drops: bytes, every_s: float = 0.1) -> tuple[float, bytes]:
    """Connect, send `head`, then one byte after the other; how long until the server cut it off, and what it said."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=8) as sock:
        sock.sendall(head)
        start = time.monotonic()
        sock.settimeout(every_s)
        said = bytearray()
        while time.monotonic() - start < 8:
            try:
                sock.send(drops[:1])
                drops = drops[1:] or b"x"
                heard = sock.recv(4_096)
                said += heard
                if not heard:
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        return time.monotonic() - start, bytes(said)


POST = b"POST /add-checkpoint HTTP/1.1\r\nhost: a\r\n"
SLOW = [
    ("says nothing", b"", b"", b""),
    ("drips its first line", b"", b"GET /" + b"a" * 400, b""),
    ("drips its headers", b"GET /evidence HTTP/1.1\r\nhost: a\r\n", b"x-a: " + b"b" * 400, b""),
    ("drips its body", POST + b"content-length: 900\r\n\r\n", b"old 5" * 200, b"408"),
    ("drips a chunked body", POST + b"transfer-encoding: chunked\r\n\r\n", b"1\r\na\r\n" * 90, b"408"),
    ("promises more than comes", POST + b"content-length: 100\r\n\r\nold 5", b"", b"408"),
]


@pytest.mark.parametrize(("what", "head", "drops", "status"), SLOW, ids=[row[0] for row in SLOW])
def test_a_slow_client_is_cut_off_at_its_deadline_however_it_drips(
    tmp_path: Path, what: str, head: bytes, drops: bytes, status: bytes
) -> None:
    async def told(url: str, client: httpx.AsyncClient) -> None:
        took, said = await asyncio.to_thread(silent if not drops else drip, url, head, drops)
        assert 0.3 < took < 3, (what, took, said)
        assert status in said[:20], said
        assert (await client.get("/evidence")).status_code == 200, "others are served"

    story(tmp_path, told, QUICK)


def silent(url: str, head: bytes, drops: bytes) -> tuple[float, bytes]:
    """Send `head` and nothing more."""
    host, _colon, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=8) as sock:
        sock.sendall(head)
        start = time.monotonic()
        said = b""
        with contextlib.suppress(OSError):
            while heard := sock.recv(4_096):
                said += heard
        return time.monotonic() - start, said


@pytest.mark.parametrize("begun", [POST, POST + b"content-length: 900\r\n\r\nold"], ids=["headers", "bodies"])
def test_three_hundred_slow_clients_hold_nobody_up(tmp_path: Path, begun: bytes) -> None:
    async def told(url: str, client: httpx.AsyncClient) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        held = [await asyncio.open_connection(host, int(port)) for _ in range(300)]
        for _, writer in held:
            writer.write(begun)
        assert (await client.post("/add-checkpoint", content=LOG.request(0, 5))).status_code == 200
        ends = await asyncio.wait_for(
            asyncio.gather(*(reader.read() for reader, _ in held), return_exceptions=True), 10
        )
        assert len(ends) == 300
        for _, writer in held:
            writer.close()

    story(tmp_path, told, QUICK)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_cap_is_refused_before_the_application_sees_any_of_it(chunked: bool) -> None:
    seen: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(len((await receive())["body"]))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async def chunks(size: int) -> AsyncIterator[bytes]:
        for _ in range(size // 1_000):
            yield b"x" * 1_000

    async def run() -> None:
        async with serving(app, limits=QUICK) as port:
            for size, status in ((100_000, 200), (101_000, 413), (400_000, 413)):
                content: Any = chunks(size) if chunked else b"x" * size
                async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                    try:
                        reply = await client.post("/", content=content)
                    except httpx.TransportError:
                        assert status == 413, "cut off while it still spoke"
                        continue
                assert reply.status_code == status

    asyncio.run(run())
    assert seen == [100_000]


def test_headers_beyond_the_cap_are_refused(tmp_path: Path) -> None:
    async def told(url: str, client: httpx.AsyncClient) -> None:
        try:
            reply = await client.get("/evidence", headers={"x-long": "y" * 40_000})
        except httpx.TransportError:
            return
        assert reply.status_code in (400, 431)

    story(tmp_path, told, QUICK)


def test_a_reader_that_takes_nothing_holds_up_neither_others_nor_the_stop() -> None:
    ended = asyncio.Event()

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while scope["path"] == "/endless":
                await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
        finally:
            ended.set()
        await send({"type": "http.response.body", "body": b""})

    async def run() -> float:
        async with serving(endless, limits=QUICK) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
            writer.write(b"GET /endless HTTP/1.1\r\nhost: a\r\n\r\n")
            await asyncio.wait_for(ended.wait(), 5)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                assert (await client.get("/")).status_code == 200
            start = time.monotonic()
        took = time.monotonic() - start
        writer.close()
        return took

    assert asyncio.run(run()) < 5


def test_an_answer_that_takes_too_long_is_given_up_and_requests_at_once_are_bounded() -> None:
    async def stuck(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(60)

    async def run() -> None:
        limits = Limits(answer_s=0.5, at_once=2)
        async with (
            serving(stuck, limits=limits) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False) as client,
        ):
            start = time.monotonic()
            replies = await asyncio.gather(*(client.get("/") for _ in range(5)))
            assert [reply.status_code for reply in replies] == [503] * 5
            assert sum(b"at once" in reply.content for reply in replies) == 3
            assert time.monotonic() - start < 4

    asyncio.run(run())


def test_the_application_sees_http_requests_only_and_a_stop_is_clean() -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])
        assert "state" not in scope
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async def run() -> int:
        async with (
            serving(app) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
        ):
            assert (await client.get("/")).status_code == 200
            upgrade = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
            await client.get("/", headers={**upgrade, "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="})
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", port)
        return port

    port = asyncio.run(run())
    assert seen == ["http"]
    again = listen("127.0.0.1", port)
    with pytest.raises(Unavailable, match="cannot be listened on"):
        listen("127.0.0.1", port)
    again.close()


def test_it_listens_on_loopback_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []

    def noted(host: str, port: int, answer_s: float) -> socket.socket:
        taken.append(host)
        return listen(host, port, answer_s)

    async def run() -> None:
        async with serving(WitnessApp(None).app):  # type: ignore[arg-type]
            pass

    monkeypatch.setattr("holdgate.adapters.http_serve.listen", noted)
    asyncio.run(run())
    assert taken == ["127.0.0.1"]


def test_http_2_is_refused_at_once(tmp_path: Path) -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)

    async def told(url: str, client: httpx.AsyncClient) -> None:
        took, said = await asyncio.to_thread(silent, url, preface, b"")
        assert took < 8
        assert said.startswith(b"HTTP/1.1 400 ")
        assert (await client.get("/evidence")).status_code == 200

    story(tmp_path, told, Limits(header_s=60, body_s=60))


# ---- the client ----------------------------------------------------------------------------------------------------


def proof_of(log: Log, size: int) -> Callable[[int], list[bytes]]:
    return lambda old: log.proof(old, size)


def test_an_outside_witness_is_asked_from_the_size_that_it_tells(tmp_path: Path) -> None:
    async def told(url: str, client: httpx.AsyncClient) -> None:
        await client.post("/add-checkpoint", content=LOG.request(0, 5))
        ours = HttpCosigner(KEY, url)
        for size in (9, 9, 30):
            given = await ours.cosign(LOG.note(size), proof_of(LOG, size))
            assert isinstance(given, Given)
            assert given.time_s == verify_cosignature(given.note, KEY) == T_S
            assert given.note.startswith(LOG.note(size))
        assert await ours.cosign(LOG.note(9), proof_of(LOG, 9)) == Behind(size=30)
        with pytest.raises(Tampered, match="422"):
            await ours.cosign(Log(fork=3).note(40), proof_of(Log(fork=3), 40))
        other = Log("other.test/x")
        with pytest.raises(Malformed, match="404"):
            await ours.cosign(other.note(2), proof_of(other, 2))
        with pytest.raises(Malformed, match="no cosignature of its"):
            await HttpCosigner(parse_vkey(cosigner("b.test/b").vkey), url).cosign(LOG.note(31), proof_of(LOG, 31))

    story(tmp_path, told)


@pytest.mark.parametrize(
    "url", ["", "ftp://a/", "file:///etc/passwd", "http://", "http://a:b/", "http://u@a/", "http://a/?q"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Malformed):
        HttpCosigner(KEY, url)


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 OK\r\nx: ", b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\nabc"]
)
def test_a_witness_that_drips_is_given_up_at_the_deadline(first: bytes) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def speak() -> None:
        connection, _ = server.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(first)
            while not stop.wait(0.05):
                connection.sendall(b"a")

    speaker = threading.Thread(target=speak)
    speaker.start()
    start = time.monotonic()
    with pytest.raises((Unavailable, Malformed)):
        asyncio.run(
            HttpCosigner(KEY, f"http://127.0.0.1:{server.getsockname()[1]}", deadline_s=0.5).cosign(
                LOG.note(5), proof_of(LOG, 5)
            )
        )
    assert time.monotonic() - start < 4
    stop.set()
    speaker.join(5)
    server.close()


def test_a_witness_that_floods_is_given_up() -> None:
    async def flood(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(200):
            await send({"type": "http.response.body", "body": b"x" * 10_000, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def run() -> None:
        async with serving(flood) as port:
            with pytest.raises(Unavailable, match="more than"):
                await HttpCosigner(KEY, f"http://127.0.0.1:{port}").cosign(LOG.note(5), proof_of(LOG, 5))

    asyncio.run(run())


def test_a_witness_that_is_not_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unavailable, match="did not answer"):
        asyncio.run(HttpCosigner(KEY, f"http://127.0.0.1:{port}").cosign(LOG.note(5), proof_of(LOG, 5)))


def test_a_bad_proof_from_a_stranger_over_http_accuses_nobody_for_ever(tmp_path: Path) -> None:
    async def told(url: str, client: httpx.AsyncClient) -> None:
        await client.post("/add-checkpoint", content=LOG.request(0, 5))
        await client.post("/add-checkpoint", content=write_request(5, [bytes(32)], LOG.note(9)))
        await client.post("/add-checkpoint", content=LOG.request(5, 9))
        (found,) = (await client.get("/evidence")).json()["evidence"]
        assert (found["why"], found["settled"]) == ("not_continued", True)

    story(tmp_path, told)
