"""One suite for every source of readers' broadcasts: JetStream, the MQTT gateway of the NATS server, and Mosquitto.

The floor hub is a real site with a real log; the brokers are real processes that are killed as a power cut would.
"""

import asyncio
import base64
import contextlib
import gc
import json
import ssl
import time
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from typing_extensions import override

from holdgate.adapters import nats_broadcasts
from holdgate.adapters.epcis import read_object_event
from holdgate.adapters.http_epcis import envelope_in
from holdgate.adapters.nats_broadcasts import LineKey, NatsBroadcasts
from holdgate.adapters.nkeys import public_text, read_seed
from holdgate.cli.reader_line import open_line
from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import digest
from holdgate.crypto.keys import SigningKey
from holdgate.engine.answer import Answer
from holdgate.engine.broadcasts import WINDOW, Faults
from holdgate.engine.subjects import Tray
from holdgate.law.case import Pin
from holdgate.ledger.note import make_vkey, parse_vkey
from holdgate.reader import Outbox, Reader
from holdgate.reader.receipt import prove
from holdgate.sites.forwarder import Forwarder
from holdgate.sites.reply import Submits
from holdgate.sites.site import Site
from holdgate.terms import limits
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.limits import BROADCAST_BYTES_MAX
from holdgate.terms.topics import Names
from tests.broadcasts import FLOOR, RIGS, Rig, rig_of
from tests.broker import needed
from tests.conformance.test_bus_command import Written, trio
from tests.tidy.test_commands_page import run
from tests.unit.test_sites import House, entries, governed, unsound

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(300)]

PATIENCE_S = 60.0
UNWRAP = envelope_in(read_object_event)


@pytest.fixture(params=RIGS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


class Dock:
    """A broker, a floor hub, and the forwarder between them."""

    def __init__(self, rig: Rig, house: House, site: Site) -> None:
        self.rig, self.house, self.site = rig, house, site
        self.faults = Faults()
        self.forwarder: Forwarder | None = None
        self.seq = 0
        seat = next(seat for seat in house.shop.charter.sites if seat.id == FLOOR)
        self.log = parse_vkey(make_vkey(seat.origin, seat.key))

    def forward(self, site: Submits | None = None) -> None:
        self.forwarder = Forwarder(self.rig.source(self.faults), site or self.site, UNWRAP, self.faults)
        self.forwarder.start()

    async def crash(self) -> None:
        """The forwarder is gone, and has acknowledged nothing more."""
        forwarder, self.forwarder = self.forwarder, None
        if forwarder is not None:
            await forwarder.stop()

    def envelope(self, *serials: str) -> bytes:
        """The next broadcast of the reader."""
        self.seq += 1
        return self.house.sign(self.house.arrival("PO-1", "SCN-1", self.seq, serials or (f"S-{self.seq}",)))

    async def post(self, body: bytes, reader: str = "SCN-1", deadline_s: float = 20.0) -> bytes:
        return await asyncio.to_thread(self.rig.link(reader, deadline_s).post, body)

    async def answered(self, body: bytes) -> bytes:
        """Sent again and again, as a reader does it, until there is an answer."""
        until = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(Unavailable):
                return await self.post(body, deadline_s=5.0)
            assert time.monotonic() < until, self.faults.seen

    async def there(self) -> None:
        """Until the hub answers a reader."""
        until = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(Unavailable):
                return await asyncio.to_thread(self.rig.link("SCN-1", 1.0).up)
            assert time.monotonic() < until, self.faults.seen

    def times(self, envelope: bytes) -> int:
        """How often it is on record as an action."""
        return self.recorded()[envelope]

    def recorded(self) -> Counter[bytes]:
        return Counter(bytes(entry.action) for entry in entries(self.site) if entry.kind == "action")

    def attempts(self) -> list[dict[str, Any]]:
        return [json.loads(bytes(e.record)) for e in entries(self.site) if e.kind == "attempt"]

    async def until(self, holds: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < until, self.faults.seen
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def dock_of(kind: str, place: Path, house: House, *, forwarding: bool, tls: bool) -> AsyncIterator[Dock]:
    with rig_of(kind, place / "broker", tls=tls) as rig:
        dock = Dock(rig, house, await house.open(FLOOR))
        try:
            if forwarding:
                dock.forward()
                await dock.there()
            yield dock
        finally:
            await dock.crash()
            await house.close()


def play(
    kind: str, place: Path, story: Callable[[Dock], Awaitable[None]], *, forwarding: bool = True, tls: bool = False
) -> None:
    house = governed(place)

    async def whole() -> None:
        async with dock_of(kind, place, house, forwarding=forwarding, tls=tls) as dock:
            await story(dock)

    asyncio.run(whole())
    assert unsound(house.audits()) == []


def proven(dock: Dock, answer: bytes, envelope: bytes) -> int:
    """The entry that the hub's receipt proves for this broadcast."""
    return prove(answer, envelope, dock.log).seq


def test_every_broadcast_is_decided_once_and_its_reader_gets_the_receipt(kind: str, tmp_path: Path) -> None:
    async def story(dock: Dock) -> None:
        envelopes = [dock.envelope() for _ in range(12)]
        proved = [proven(dock, await dock.post(envelope), envelope) for envelope in envelopes]
        assert proved == sorted(set(proved))
        assert [dock.times(envelope) for envelope in envelopes] == [1] * 12

    play(kind, tmp_path, story)


def test_what_came_while_nobody_forwarded_is_decided_when_somebody_does(kind: str, tmp_path: Path) -> None:
    async def story(dock: Dock) -> None:
        await dock.crash()
        envelopes = [dock.envelope() for _ in range(5)]
        sent = [dock.post(envelope, deadline_s=8.0) for envelope in envelopes]
        for refused in await asyncio.gather(*sent, return_exceptions=True):
            assert "FLOOR was asked over the broker" in str(refused)
        assert dock.recorded().total() == 0
        dock.forward()
        await dock.until(lambda: dock.recorded() == Counter(envelopes))

    play(kind, tmp_path, story)


def test_a_broadcast_that_is_sent_again_makes_no_second_entry_and_is_answered_as_it_was(
    kind: str, tmp_path: Path
) -> None:
    async def story(dock: Dock) -> None:
        envelope = dock.envelope()
        first = await dock.post(envelope)
        again = [await dock.post(envelope) for _ in range(2)]
        await dock.crash()
        dock.forward()
        await dock.there()
        again.append(await dock.post(envelope))
        assert {proven(dock, answer, envelope) for answer in (first, *again)} == {proven(dock, first, envelope)}
        assert [json.loads(answer)["resent"] for answer in (first, *again)] == [False, True, True, True]
        assert dock.times(envelope) == 1

    play(kind, tmp_path, story)


def test_a_forged_reader_is_refused_on_the_record(kind: str, tmp_path: Path) -> None:
    """Whoever may open a line to the broker is still no reader: the signature counts."""

    async def story(dock: Dock) -> None:
        true = dock.house.desk.key("SCN-1")
        dock.house.desk.add("SCN-1", SigningKey(b"\x66" * 32))
        forged = dock.envelope()
        dock.house.desk.add("SCN-1", true)
        answer = await dock.post(forged)
        assert json.loads(answer)["verdict"] == "deny"
        with pytest.raises(Malformed, match="does not accept this reader's signature"):
            proven(dock, answer, forged)
        (attempt,) = dock.attempts()
        assert attempt["code"] == "BROADCAST_UNVERIFIED"
        assert attempt["source"].endswith(":SCN-1")
        assert attempt["digest"] == digest(open_envelope(forged).payload)
        assert dock.times(forged) == 0

    play(kind, tmp_path, story)


POISON = [b"noise", b"", b"{}", b"\xff" * 200, b"[" * 60_000, b'{"specversion":"1.0","data":{}}', b"x" * 200_000]


def test_what_nobody_can_read_is_on_record_and_holds_up_nobody(kind: str, tmp_path: Path) -> None:
    async def story(dock: Dock) -> None:
        envelopes = []
        for body in POISON:
            with pytest.raises(Unavailable, match="FLOOR"):
                await dock.post(body, reader="SCN-2")
            envelopes.append(dock.envelope())
            proven(dock, await dock.post(envelopes[-1]), envelopes[-1])
        assert dock.recorded() == Counter(envelopes)
        assert {attempt["code"] for attempt in dock.attempts()} == {"MALFORMED"}

    play(kind, tmp_path, story)


class Sick(Submits):
    """A site that fails for some."""

    def __init__(self, site: Site) -> None:
        self.site, self.away, self.poison = site, 0, b""
        self.tried: Counter[bytes] = Counter()

    @override
    async def deliver(self, raw: bytes, pins: tuple[Pin, ...], sender: str) -> Answer:
        self.tried[raw] += 1
        if raw == self.poison:
            raise ZeroDivisionError("a defect")
        if self.away > 0:
            self.away -= 1
            raise Unavailable("not now")
        return await self.site.deliver(raw, pins, sender)

    @override
    async def submit_replicated(self, raw: bytes, pins: tuple[Pin, ...], source: str) -> Answer:
        raise NotImplementedError

    @override
    def entry(self, seq: int) -> bytes:
        return self.site.entry(seq)


def test_what_sets_off_a_defect_is_left_to_its_reader_and_holds_up_nobody(kind: str, tmp_path: Path) -> None:
    async def story(dock: Dock) -> None:
        sick = Sick(dock.site)
        sick.poison = dock.envelope()
        dock.forward(sick)
        await dock.there()
        with pytest.raises(Unavailable, match="could not decide this"):
            await dock.post(sick.poison)
        good = dock.envelope()
        proven(dock, await dock.post(good), good)
        assert sick.tried[sick.poison] == 3
        assert any("a defect" in fault for fault in dock.faults.seen)

    play(kind, tmp_path, story, forwarding=False)


def test_while_the_site_can_take_nothing_what_came_is_tried_again(kind: str, tmp_path: Path) -> None:
    async def story(dock: Dock) -> None:
        sick = Sick(dock.site)
        dock.forward(sick)
        await dock.there()
        sick.away = 6
        envelope = dock.envelope()
        proven(dock, await dock.post(envelope), envelope)
        assert sick.away == 0
        assert dock.times(envelope) == 1

    play(kind, tmp_path, story, forwarding=False)


def test_what_was_given_and_not_answered_is_given_again(kind: str, tmp_path: Path) -> None:
    """The broker lets go of a broadcast when it was answered, and not before."""

    async def story(dock: Dock) -> None:
        sick = Sick(dock.site)
        dock.forward(sick)
        await dock.there()
        sick.away = 1 << 30
        envelope = dock.envelope()
        posting = asyncio.create_task(dock.post(envelope, deadline_s=8.0))
        await dock.until(lambda: sick.tried[envelope] > 1)
        await dock.crash()
        with pytest.raises(Unavailable):
            await posting
        assert dock.times(envelope) == 0
        dock.forward()
        await dock.until(lambda: dock.times(envelope) == 1)

    play(kind, tmp_path, story, forwarding=False)


def test_what_was_answered_is_given_to_nobody_again(kind: str, tmp_path: Path) -> None:
    async def story(dock: Dock) -> None:
        envelopes = [dock.envelope() for _ in range(6)]
        for envelope in envelopes:
            proven(dock, await dock.post(envelope), envelope)
        await dock.crash()
        sick = Sick(dock.site)
        dock.forward(sick)
        await dock.there()
        await asyncio.sleep(nats_broadcasts.ACK_S + 1)  # a broker that had heard nothing would give them again by now
        # The word about the last one may have been on its way when the forwarder went.
        assert set(sick.tried) <= {envelopes[-1]}

    play(kind, tmp_path, story)


class Stolen:
    """Names of which one is another reader's."""

    def __init__(self, names: Names, what: str) -> None:
        self.names, self.what = names, what

    def __getattr__(self, what: str) -> Callable[[str], str]:
        named = getattr(self.names, what)
        return lambda reader: named("SCN-1" if what == self.what else reader)


@pytest.mark.parametrize("what", ["arrival", "receipt"])
def test_nobody_speaks_or_hears_under_another_readers_name(kind: str, what: str, tmp_path: Path) -> None:
    """The broker lets a reader in, and no further than its own names."""

    async def story(dock: Dock) -> None:
        link: Any = dock.rig.link("SCN-2", 3.0)
        link._names = Stolen(link._names, what)
        envelope, good = dock.envelope(), dock.envelope()
        with pytest.raises(Unavailable):
            await asyncio.to_thread(link.post, envelope)
        proven(dock, await dock.post(good), good)
        if what == "arrival":
            assert dock.recorded() == Counter([good])

    play(kind, tmp_path, story)


def test_nobody_is_let_in_with_another_readers_key_or_none(kind: str, tmp_path: Path) -> None:
    async def story(dock: Dock) -> None:
        envelope = dock.envelope()
        for link in (dock.rig.link("SCN-1", 3.0, login="SCN-2"), dock.rig.link("SCN-9", 3.0)):
            with pytest.raises(Unavailable):
                await asyncio.to_thread(link.post, envelope)
        assert dock.recorded().total() == 0

    play(kind, tmp_path, story)


def test_a_reader_is_told_whether_the_hub_is_there_and_nothing_is_kept_of_it(kind: str, tmp_path: Path) -> None:
    async def story(dock: Dock) -> None:
        link = dock.rig.link("SCN-1", 1.0)
        await asyncio.to_thread(dock.rig.link("SCN-1").up)
        size = dock.site.spine.size
        await dock.crash()
        with pytest.raises(Unavailable, match="nothing came"):
            await asyncio.to_thread(link.up)
        dock.rig.kill()
        with pytest.raises(Unavailable):
            await asyncio.to_thread(link.up)
        dock.rig.start()
        dock.forward()
        await dock.there()
        assert (dock.site.spine.size, dock.attempts()) == (size, [])

    play(kind, tmp_path, story)


class Scanner:
    """A real reader with its outbox, in a thread of its own."""

    def __init__(self, dock: Dock, place: Path) -> None:
        self.outbox = Outbox(place / "outbox.db", "SCN-1", FLOOR)
        self.reader = Reader(
            "SCN-1",
            dock.house.desk.key("SCN-1"),
            outbox=self.outbox,
            site=FLOOR,
            link=dock.rig.link("SCN-1", 3.0),
            log=dock.log,
            place="WS-REC",
            place_key=dock.house.desk.key("WS-REC"),
            clock=dock.house.clock,
        )

    def scan(self, count: int) -> None:
        for number in range(count):
            self.reader.scan("BAR-17-4", "-", (f"S-{number}",), 1, "PO-1")

    async def deliver_all(self) -> None:
        """As a dock does it: again and again, until nothing waits."""
        until = time.monotonic() + 2 * PATIENCE_S
        while self.reader.waiting:
            delivery = await asyncio.to_thread(self.reader.deliver)
            assert time.monotonic() < until, delivery.why


@pytest.mark.parametrize("victim", ["broker", "forwarder", "both"])
def test_whatever_is_killed_on_the_way_nothing_that_has_no_receipt_is_lost_and_nothing_decided_twice(
    kind: str, victim: str, tmp_path: Path
) -> None:
    """The reader's outbox empties only against receipts; afterwards each scan is on record once."""

    async def story(dock: Dock) -> None:
        scanner = Scanner(dock, tmp_path)
        scanner.scan(30)
        delivering = asyncio.create_task(scanner.deliver_all())
        for left in (24, 16, 8):
            await dock.until(lambda left=left: len(scanner.outbox) <= left or delivering.done())  # type: ignore[misc]
            if victim != "forwarder":
                dock.rig.kill()
            if victim != "broker":
                await dock.crash()
                dock.forward()
            if victim != "forwarder":
                dock.rig.start()
        await delivering
        assert len(scanner.outbox) == 0
        scanner.outbox.close()
        acts = [bytes(e.action) for e in entries(dock.site) if e.kind == "action"]
        scanned = [json.loads(open_envelope(act).payload)["serials"] for act in acts]
        assert sorted(map(tuple, scanned)) == sorted((f"S-{number}",) for number in range(30))
        assert len(acts) == len(set(acts)) == 30

    play(kind, tmp_path, story)


def test_after_the_broker_was_away_the_forwarder_is_back(kind: str, tmp_path: Path) -> None:
    """How soon, docs/operating.md says; it is no condition here, where other work may hold up the machine."""

    async def story(dock: Dock) -> None:
        dock.rig.kill()
        await asyncio.sleep(1.0)
        dock.rig.start()
        envelope = dock.envelope()
        proven(dock, await dock.answered(envelope), envelope)
        assert dock.times(envelope) == 1

    play(kind, tmp_path, story)


def test_a_cloudevent_brings_its_event_and_is_refused_when_they_differ(kind: str, tmp_path: Path) -> None:
    async def story(dock: Dock) -> None:
        event = json.dumps(
            {
                "type": "ObjectEvent",
                "eventTime": "2025-04-01T12:00:00.000Z",
                "eventTimeZoneOffset": "+00:00",
                "epcList": ["urn:epc:id:adi:0CVA5.BAR-17-4.S1"],
                "action": "OBSERVE",
                "bizStep": "arriving",
                "readPoint": {"id": "urn:epc:id:sgln:0614141.07346.1234"},
                "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
            }
        ).encode()
        dock.seq += 1
        signed = replace(dock.house.arrival("PO-1", "SCN-1", dock.seq, ("S1",)), event=digest(event))
        envelope = dock.house.sign(signed)

        def cloud(data: bytes) -> bytes:
            named = read_object_event(data).event_hash
            fields = {"specversion": "1.0", "id": named, "source": "urn:dock", "type": "org.gs1.epcis"}
            beside = {"data_base64": base64.b64encode(data).decode(), "dsse": base64.b64encode(envelope).decode()}
            return json.dumps(fields | beside).encode()

        with pytest.raises(Unavailable, match=r"envelope\.event"):
            await dock.post(cloud(event.replace(b"S1", b"S2")))
        assert dock.times(envelope) == 0
        proven(dock, await dock.post(cloud(event)), envelope)
        assert dock.times(envelope) == 1

    play(kind, tmp_path, story)


def test_with_tls_nobody_hears_and_nobody_stands_in(kind: str, tmp_path: Path) -> None:
    async def story(dock: Dock) -> None:
        envelope = dock.envelope()
        proven(dock, await dock.post(envelope), envelope)
        link: Any = dock.rig.link("SCN-1", 3.0)
        link._tls = ssl.create_default_context()  # whom this machine believes, who did not sign that certificate
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ResourceWarning
            )  # paho leaves a socket that failed at this to the collector
            with pytest.raises(Unavailable, match="CERTIFICATE"):
                await asyncio.to_thread(link.up)
            gc.collect()

    play(kind, tmp_path, story, tls=True)


def test_a_reader_that_floods_fills_its_own_share_and_the_stream_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has no room is refused to its reader, who keeps it; nothing older goes for it, and nobody else is kept out."""

    async def story(dock: Dock) -> None:
        await dock.crash()
        waiting = [dock.post(b"%d" % n, "SCN-2", deadline_s=8.0) for n in range(3)]
        await asyncio.gather(*waiting, return_exceptions=True)
        with pytest.raises(Unavailable, match="maximum messages per subject"):
            await dock.post(b"one too many", "SCN-2")
        with pytest.raises(Unavailable, match=r"size exceed|payload"):
            await dock.post(b"x" * (BROADCAST_BYTES_MAX + 2_000), "SCN-1")
        monkeypatch.undo()
        dock.forward()
        await dock.there()
        envelope = dock.envelope()
        proven(dock, await dock.post(envelope), envelope)
        source: Any = dock.rig.source()
        client = await source._dial(source._servers[0], asyncio.Event())
        kept = (await client.jetstream().stream_info(source._tray.stream)).config
        await client.close()
        assert kept.max_msgs_per_subject == limits.BROKER_READER_MESSAGES_MAX == 1_000

    monkeypatch.setattr(nats_broadcasts, "BROKER_READER_MESSAGES_MAX", 3)
    play("JetStream", tmp_path, story)


class Slow(Sick):
    """A site that answers nobody before a certain broadcast came."""

    def __init__(self, site: Site, awaited: bytes) -> None:
        super().__init__(site)
        self.awaited, self.came = awaited, asyncio.Event()

    @override
    async def deliver(self, raw: bytes, pins: tuple[Pin, ...], sender: str) -> Answer:
        if raw == self.awaited:
            self.came.set()
        async with asyncio.timeout(PATIENCE_S / 2):
            await self.came.wait()
        return await super().deliver(raw, pins, sender)


def test_a_reader_whose_broadcasts_fill_the_tray_stands_before_nobody_but_itself(kind: str, tmp_path: Path) -> None:
    """Five hundred lie there already; a quiet reader's only one behind them comes to the site beside what is under way."""

    async def story(dock: Dock) -> None:
        await dock.crash()
        noise = [dock.house.sign(dock.house.arrival("PO-1", "SCN-2", n + 1, (f"N-{n}",))) for n in range(500)]
        await asyncio.to_thread(dock.rig.flood, "SCN-2", noise)
        envelope = dock.envelope()
        await asyncio.to_thread(dock.rig.flood, "SCN-1", [envelope])
        dock.forward(Slow(dock.site, envelope))
        await dock.until(lambda: dock.recorded() == Counter([*noise, envelope]))
        order = [bytes(entry.action) for entry in entries(dock.site) if entry.kind == "action"]
        assert order.index(envelope) <= WINDOW
        assert [one for one in order if one != envelope] == noise, "the noisy one's own order is kept"
        assert dock.attempts() == []

    play(kind, tmp_path, story)


def test_three_servers_keep_three_copies_and_one_may_fail(tmp_path: Path) -> None:
    needed()
    house = governed(tmp_path)
    ports = trio()
    servers = [word for port in ports for word in ("--server", f"127.0.0.1:{port}")]
    assert run("bus", "init", str(house.directory), "--shop", "lab", *servers, "--reader", "SCN-1")[0] == 0
    folder = house.directory / "bus"
    own = read_seed((house.directory / FLOOR / "bus.key").read_text().strip())
    urls = [f"nats://127.0.0.1:{port}" for port in ports]
    to = f"nats://{','.join(f'127.0.0.1:{port}' for port in ports)}/lab/FLOOR"
    link: Any = open_line(to, "SCN-1", folder / "readers" / "SCN-1.key", None)
    running = [
        Written(tmp_path / str(number), folder / f"nats-server-{number + 1}.conf", port)
        for number, port in enumerate(ports)
    ]

    async def story() -> None:
        site = await house.open(FLOOR)
        faults = Faults()
        line = LineKey(public_text(own), own.sign)
        source = NatsBroadcasts(FLOOR, Tray.of_nats("lab", FLOOR), urls, line, faults)
        forwarder = Forwarder(source, site, UNWRAP, faults)
        forwarder.start()
        try:
            for number in (1, 2):
                envelope = house.sign(house.arrival("PO-1", "SCN-1", number, (f"S-{number}",)))
                until = time.monotonic() + 2 * PATIENCE_S
                while True:
                    with contextlib.suppress(Unavailable):
                        await asyncio.to_thread(link.post, envelope)
                        break
                    assert time.monotonic() < until, faults.seen
                assert Counter(bytes(e.action) for e in entries(site) if e.kind == "action")[envelope] == 1
                client = await source._dial(urls[1], asyncio.Event())
                kept = (await client.jetstream().stream_info("HOLDGATE_lab_FLOOR")).config
                await client.close()
                assert (kept.num_replicas, kept.storage, kept.discard) == (3, "file", "new")
                running[0].kill()
        finally:
            await forwarder.stop()
            await house.close()

    try:
        for server in running:
            server.place.mkdir()
            server.start()
        asyncio.run(story())
    finally:
        for server in running:
            server.kill()
