"""A floor hub's process that hears three brokers: whoever is killed, what a reader sends is on record once.

Every file is written by the commands that a shop would use, and readers speak with what these wrote for them.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.bench.load import scan_of
from holdgate.bootstrap import read_premises
from holdgate.cli.app import main
from holdgate.cli.reader_line import open_line
from holdgate.ledger.entry import read_entry
from holdgate.ledger.note import make_vkey, parse_vkey
from holdgate.reader.receipt import prove
from holdgate.scenario.run import audit_shop
from holdgate.terms.errors import HoldgateError, Malformed, Unavailable
from tests.broadcasts import Started, listening, mosquitto
from tests.broker import free_port, needed
from tests.processes import BROKER, Processes
from tests.tidy.test_commands_page import run

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(400)]

READER = "SID-SCN-01"
FLOOR = "FLOOR"
EACH = 20
PATIENCE_S = 90.0


class Lines:
    """A floor hub's process, its two brokers with three sources, and a reader's way over each."""

    def __init__(self, place: Path) -> None:
        needed()
        program = mosquitto()
        mqtt, port = free_port(), free_port()
        sources = f'broadcasts = ["jetstream", "mqtt-gateway", "mqtt://127.0.0.1:{port}"]\n'
        options = ("--reader", READER, "--mqtt", str(mqtt))
        self.shop = Processes(place / "shop", *options, more={FLOOR: sources})
        directory = self.shop.directory
        server = f"127.0.0.1:{port}"
        assert main(["bus", "mosquitto", str(directory), "--shop", "lab", "--server", server, "--reader", READER]) == 0
        self.mosquitto = Started(program, directory / "mosquitto" / "mosquitto.conf", port)
        readers = directory / "bus" / "readers"
        self.ways = {
            f"nats://127.0.0.1:{self.shop.bus_port}/lab/FLOOR": readers / f"{READER}.key",
            f"mqtt://127.0.0.1:{mqtt}/lab/FLOOR": readers / f"{READER}.password",
            f"mqtt://127.0.0.1:{port}/lab/FLOOR": directory / "mosquitto" / f"{READER}.password",
        }
        self.brokers_at = (self.shop.bus_port, mqtt)
        seat = next(seat for seat in read_premises(directory).charter.sites if seat.id == FLOOR)
        self.log = parse_vkey(make_vkey(seat.origin, seat.key))
        self.proved: Counter[bytes] = Counter()
        self.failed: list[str] = []

    def start(self) -> None:
        self.shop.start(BROKER)
        self.mosquitto.start()
        self.shop.start(FLOOR)
        self.shop.wait(FLOOR)

    def again(self, victim: str) -> None:
        """Killed as a power cut would, and started again."""
        if victim == "mosquitto":
            self.mosquitto.kill()
            self.mosquitto.start()
            return
        self.shop.kill(victim)
        self.shop.start(victim)
        if victim == BROKER:
            for port in self.brokers_at:
                listening(port)

    def send(self, to: str, envelopes: list[bytes]) -> None:
        """As a reader does it: each again and again until a receipt proves it, and only then the next."""
        link = open_line(to, READER, self.ways[to], None)
        until = time.monotonic() + PATIENCE_S
        for envelope in envelopes:
            while True:
                with suppress(Unavailable, Malformed):
                    link.up()
                    prove(link.post(envelope), envelope, self.log)
                    self.proved[envelope] += 1
                    break
                if time.monotonic() > until:
                    self.failed.append(f"{to}: {self.shop.told(FLOOR)}")
                    return

    def end(self) -> None:
        self.mosquitto.kill()
        self.shop.abandon()


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Lines]:
    found = Lines(tmp_path)
    try:
        yield found
    finally:
        found.end()


def test_three_brokers_one_floor_hub_and_each_of_them_killed(lines: Lines) -> None:
    lines.start()
    numbers = iter(range(1, 1000))
    sent = {
        to: [
            lines.shop.desk.sign(scan_of(lines.shop.desk, f"PO-{n}", (f"S-{n}",), n))
            for n in (next(numbers) for _ in range(EACH))
        ]
        for to in lines.ways
    }
    senders = [threading.Thread(target=lines.send, args=item) for item in sent.items()]
    for sender in senders:
        sender.start()
    for share, victim in enumerate((FLOOR, BROKER, "mosquitto"), start=1):
        until = time.monotonic() + PATIENCE_S
        while lines.proved.total() < share * 10 and any(sender.is_alive() for sender in senders):
            assert time.monotonic() < until
            time.sleep(0.02)
        lines.again(victim)
    for sender in senders:
        sender.join()
    assert lines.failed == []
    every = [envelope for envelopes in sent.values() for envelope in envelopes]
    assert lines.proved == Counter(every)
    assert set(lines.shop.stop_all().values()) == {0}
    store = SqliteStore(lines.shop.directory / FLOOR / "ledger.db", read_only=True)
    try:
        found = [read_entry(row.body) for row in store.rows(0, 10**6)]
    finally:
        store.close()
    on_record = Counter(bytes(entry.action) for entry in found if entry.kind == "action")
    assert {envelope: on_record[envelope] for envelope in every} == dict.fromkeys(every, 1)
    assert [finding for report in audit_shop(lines.shop.directory) for finding in report.findings] == []


def test_a_floor_hub_that_is_told_of_a_source_that_it_cannot_hear_says_so(tmp_path: Path) -> None:
    shop = Processes(tmp_path / "shop")
    for site, sources, why in (
        (FLOOR, '["udp"]', "is no source of broadcasts"),
        (FLOOR, '["mqtt://127.0.0.1:1883"]', "holdgate bus mosquitto writes it"),
        (FLOOR, '["mqtt://127.0.0.1:0"]', "is no source of broadcasts"),
        ("HUB", '["jetstream"]', "only a floor hub does"),
    ):
        config = tmp_path / "site.toml"
        config.write_text(f'site = "{site}"\ndata = "{shop.directory}"\nbroadcasts = {sources}\n', encoding="utf-8")
        kind = "floor-hub" if site == FLOOR else "business-hub"
        code, _, err = run("run", kind, "--config", str(config))
        assert (code, why in err) == (2, True), err


def test_a_reader_without_its_key_at_the_broker_is_told_what_to_give(tmp_path: Path) -> None:
    for to, line, why in (
        ("mqtt://127.0.0.1:1883/lab/FLOOR", None, "--line"),
        ("mqtt://127.0.0.1:1883/FLOOR", tmp_path / "x", "no address of a floor hub on a broker"),
        ("mqtt://192.0.2.7:1883/lab/FLOOR", tmp_path / "x", "TLS"),
        ("nats://127.0.0.1:4222/lab/FLOOR", tmp_path / "x", "seed"),
        ("nats://127.0.0.1:4222/lab/FLOOR", tmp_path / "nowhere", "cannot be read"),
        ("http://127.0.0.1:8460/FLOOR", tmp_path / "x", "belong to a broker"),
    ):
        (tmp_path / "x").write_text("nothing", encoding="utf-8")
        with pytest.raises(HoldgateError, match=why):
            open_line(to, READER, line, None)
