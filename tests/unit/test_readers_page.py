"""The page for readers: its commands run against a real `holdgate up`, and print what the page shows."""

import asyncio
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.cli.key_files import PersonKey
from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.keys import SigningKey
from holdgate.law import command as c
from holdgate.law.command import parse_command
from holdgate.ledger.entry import read_entry
from holdgate.ledger.note import make_vkey
from holdgate.reader import Outbox
from holdgate.reader.words import SENTENCES
from tests.floor_hub import LOG, READER_KEY, Hub
from tests.tidy.test_commands_page import matches
from tests.tidy.tree import ROOT
from tests.unit.test_sites import FLOOR, HUB, House, governed, running, settled, unsound

PAGE = (ROOT / "docs" / "readers.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```console\n\$ (holdgate scan .*?)\n(.*?)```", PAGE, re.DOTALL)
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
READER = "SID-SCN-01"
RUN = (sys.executable, "-c", "import sys; from holdgate.cli.app import main; sys.exit(main())")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "110", "PYTHONUTF8": "1"}
PATIENCE_S = 60.0


def free_port() -> int:
    """A port of the loopback that nobody listens on (asked of a process of its own: sockets are blocked in tests)."""
    ask = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"
    return int(subprocess.run([sys.executable, "-c", ask], check=True, capture_output=True, text=True).stdout)


@contextmanager
def up(folder: Path, port: int) -> Iterator[None]:
    """The shop, up; ended in good order."""
    command = [*RUN, "up", "shop", "--listen", f"127.0.0.1:{port}"]
    with subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        try:
            started = time.monotonic()
            for line in process.stdout:
                if "Ctrl-C" in line:
                    break
                assert time.monotonic() - started < PATIENCE_S
            yield
        finally:
            process.terminate()
            process.stdout.read()
    assert process.returncode == 0


def scan(folder: Path, port: int, arguments: list[str], typed: str = "") -> tuple[int, str]:
    arguments = [word.replace("127.0.0.1:8460", f"127.0.0.1:{port}") for word in arguments]
    done = subprocess.run(
        [*RUN, *arguments],
        check=False,
        cwd=folder,
        env=ENVIRONMENT,
        input=typed,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    return done.returncode, done.stdout + done.stderr


def secret(folder: Path, name: str, key: SigningKey) -> None:
    (folder / f"{name}.key").write_bytes(msgspec.json.encode(PersonKey(id=name, signing=key.seed)))


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A shop with an enrolled reader, and an order of three parts that waits at the gate. Nothing is up."""
    house = governed(tmp_path)
    key = house.desk.add(READER, READER_KEY)

    async def ready() -> None:
        async with running(house):
            newcomer = c.EnrolIdentity(
                **house.head(HUB, ("ADM", "admin"), ("QAM", "qa"), (READER, "newcomer")),
                id=READER,
                name="Dock scanner",
                org="LAB",
                kind="device",
                key=key.public,
                roles=("scanner",),
                zone="receiving",
            )
            order = replace(house.stage("PO-1", ("S01", "S02", "S03"), buffer_max_s=86_400), part_no="4512-7", rev="C")
            assert (await house.ask(HUB, newcomer)).decision.allowed
            assert (await house.accept("PO-1")).decision.allowed
            assert (await house.ask(HUB, order)).decision.allowed
            await settled(house.shop)

    asyncio.run(ready())
    secret(tmp_path, READER, key)
    return house


def on_record(house: House) -> list[c.ReportArrival]:
    """Every broadcast in the floor hub's log."""

    store = SqliteStore(house.directory / FLOOR / "ledger.db", read_only=True)
    rows = [read_entry(row.body) for row in store.rows(0, 1 << 40)]
    store.close()
    acts = [parse_command(open_envelope(bytes(entry.action)).payload) for entry in rows if entry.kind == "action"]
    return [command for command in acts if isinstance(command, c.ReportArrival)]


def test_the_commands_of_the_page_print_what_it_shows(house: House, tmp_path: Path) -> None:
    port = free_port()
    assert len(EXAMPLES) == 3
    codes = []
    (line, shown), *others = EXAMPLES
    code, said = scan(tmp_path, port, shlex.split(line)[1:])
    assert (code, matches(shown, said)) == (1, True), said
    with up(tmp_path, port):
        for line, shown in others:
            code, said = scan(tmp_path, port, shlex.split(line)[1:])
            codes.append(code)
            assert matches(shown, said), said
    assert codes == [1, 0]
    assert [(one.serials, one.rev, one.reader_seq) for one in on_record(house)] == [
        (("S01",), "C", 1),
        (("S02",), "B", 2),
        (("S02",), "C", 3),
        (("S03",), "C", 4),
    ]
    assert unsound(house.audits()) == []
    left = Outbox(tmp_path / f"{READER}.db", READER, FLOOR)
    assert (len(left), left.seq) == (0, 4)
    left.close()


def test_a_wedge_types_line_by_line(house: House, tmp_path: Path) -> None:
    """Marks from standard input, another log's key, and an empty input that only delivers."""
    port = free_port()
    seats = {seat.id: seat for seat in house.shop.charter.sites}
    common = f"scan --reader {READER} --key {READER}.key --outbox o.db --to http://127.0.0.1:8460/FLOOR --rev C".split()
    hub, floor = (["--log", make_vkey(seats[name].origin, seats[name].key)] for name in (HUB, FLOOR))
    with up(tmp_path, port):
        code, said = scan(tmp_path, port, [*common, *hub], "4512-7//S01\n")
        assert (code, "gave no receipt that holds" in said, "1 scan waits" in said) == (1, True, True), said
        code, said = scan(tmp_path, port, [*common, *floor])
        assert (code, said.split()[0]) == (0, "HELD"), said
        code, said = scan(
            tmp_path, port, [*common, *floor], f"\n4512-7//S02\nnonsense\n{'x' * 5000}/C/S09\n4512-7/C/S03"
        )
        assert code == 1
        assert [line[:12].strip() for line in said.splitlines()] == [
            "HELD",
            "NOT SCANNED",
            "NOT SCANNED",
            "RECEIVED",
        ], said
    assert [one.reader_seq for one in on_record(house)] == [1, 2, 3]


FLAWS: list[tuple[dict[str, str], str]] = [
    ({"--to": "127.0.0.1:8460/FLOOR"}, "no address of a floor hub"),
    ({"--log": "x"}, "verifier key"),
    ({"--charter": "shop/charter.json"}, "--log, or the charter by --charter"),
    ({"--key": "nowhere.key"}, "nowhere.key"),
    ({"--reader": "SCN-9"}, "is the key of SCN-1, not of SCN-9"),
    ({"--key": "shop.txt"}, "holds no key"),
    ({"--outbox": "nowhere/o.db"}, "cannot be opened"),
    ({"--place": "WS-REC"}, "key is needed"),
    ({"--after": "-1"}, "counter"),
]


@pytest.mark.parametrize(("changes", "words"), FLAWS, ids=lambda value: str(value)[:30])
def test_what_cannot_be_done_is_said_and_nothing_is_scanned(
    tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    secret(tmp_path, "SCN-1", READER_KEY)
    (tmp_path / "shop.txt").write_text("no key", encoding="utf-8")
    options = {"--reader": "SCN-1", "--key": "SCN-1.key", "--outbox": "o.db", "--to": "http://127.0.0.1:8460/FLOOR"}
    options |= {"--log": make_vkey(LOG.name, LOG.public)} | changes
    arguments = ["scan", "4512-7/C/S01", *(word for pair in options.items() for word in pair)]
    code, said = scan(tmp_path, 9, arguments)
    assert (code, said.count("\n")) == (2, 1), said
    assert words in said
    if (tmp_path / "o.db").exists():
        outbox = Outbox(tmp_path / "o.db", options["--reader"], "FLOOR")
        assert len(outbox) == 0
        outbox.close()


def test_the_programs_lines_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    hub, shown = Hub(), []
    monkeypatch.setattr("holdgate.reader.HttpLink.up", lambda _: hub.up())
    monkeypatch.setattr("holdgate.reader.HttpLink.post", lambda _, envelope: hub.post(envelope))

    class Display:
        def show(self, came: str, says: str) -> None:
            shown.append((str(came), says))

    names: dict[str, Any] = {"reader_key": READER_KEY, "floor_log_key": LOG, "display": Display()}
    assert len(CODE) == 1
    hub.down = True
    exec(CODE[0], names)
    names["outbox"].close()
    hub.down = False
    exec(CODE[0], names)
    names["outbox"].close()
    assert shown[0] == ("kept here", "no route")
    assert [came for came, _ in shown[1:]] == ["received", "received"]


def test_the_page_names_what_is_told() -> None:
    for words in ("RECEIVED", "HELD", "REFUSED", "NOT SCANNED", "KEPT HERE", "gave no receipt that holds"):
        assert words in PAGE
    for code in ("PART_MISMATCH", "PO_NOT_STAGED", "AMBIGUOUS_ARRIVAL", "REPLAYED_BROADCAST"):
        assert SENTENCES[code][0].partition(":")[0].partition(" (")[0].partition(" up to")[0] in PAGE
