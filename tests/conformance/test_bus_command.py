"""holdgate bus: what it writes opens a line on the real server, and for nobody else."""

import asyncio
import json
import socket
import stat
from pathlib import Path

import pytest

from holdgate.adapters.nats_bus import NatsBus
from holdgate.adapters.nkeys import read_seed
from holdgate.engine.address import read_address
from holdgate.process import line_to
from tests.broker import Server, free_port, needed
from tests.tidy.test_commands_page import run
from tests.unit.test_sites import HUB, SITES, VAULT, founded

pytestmark = pytest.mark.enable_socket  # one server, on this machine's loopback

EVERY = (*SITES, VAULT)


def shop(place: Path) -> Path:
    return founded(place).directory


class Written(Server):
    """A server that runs a configuration as it was written."""

    def __init__(self, place: Path, conf: Path, port: int) -> None:
        self.place, self.conf, self.port, self._process = place, conf, port, None


def test_what_is_written_lets_every_site_in_and_a_foreign_key_not(tmp_path: Path) -> None:
    needed()
    directory, port = shop(tmp_path), free_port()
    code, out, err = run("bus", "init", str(directory), "--shop", "lab", "--server", f"127.0.0.1:{port}")
    assert (code, err) == (0, "")
    assert f"nats-server -c {directory / 'bus' / 'nats-server.conf'}" in out
    for site in EVERY:
        key = directory / site / "bus.key"
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert str(key) in out
        assert read_seed(key.read_text().strip()).seed not in (directory / site / "site.key").read_bytes()
        assert key.read_text().strip() not in out
    assert len({(directory / site / "bus.key").read_text() for site in EVERY}) == len(EVERY)
    server = Written(tmp_path, directory / "bus" / "nats-server.conf", port)
    server.start()
    try:
        code, out, err = run("bus", "check", str(directory))
        assert (code, out, err) == (0, "".join(f"{site}: let in\n" for site in sorted_as_seats(directory)), "")
        (directory / "N-2" / "bus.key").unlink()
        (directory / "HUB" / "bus.key").write_text(foreign() + "\n")
        code, out, err = run("bus", "check", str(directory), "--wait", "0.5")
        assert code == 1
        assert "uthorization" in out.splitlines()[0]
        assert "N-2" not in out
        assert out.count("let in") == len(EVERY) - 2
    finally:
        server.kill()
    code, out, _ = run("bus", "check", str(directory), "--wait", "0.2")
    assert code == 1
    assert "let in" not in out


def test_who_comes_later_is_let_in_by_a_reload_and_no_line_is_cut(tmp_path: Path) -> None:
    needed()
    directory, port = shop(tmp_path), free_port()
    assert run("bus", "init", str(directory), "--shop", "lab", "--server", f"127.0.0.1:{port}")[0] == 0
    server = Written(tmp_path, directory / "bus" / "nats-server.conf", port)
    server.start()

    async def lines() -> None:
        address = read_address((directory / "bus" / "bus.json").read_bytes())
        hub = line_to(address, HUB, EVERY, read_seed((directory / HUB / "bus.key").read_text().strip()))
        assert await hub.connect(20)
        assert run("site", "node", str(directory), "N-9")[0] == 0
        assert run("bus", "add", str(directory), "SCN-9", "--reader")[0] == 0
        assert run("bus", "add", str(directory), "N-9")[0] == 0
        own = read_seed((directory / "N-9" / "bus.key").read_text().strip())
        late = line_to(address, "N-9", (*EVERY, "N-9"), own)
        assert not await late.connect(0.5), "the server has not read it yet"
        server.reload()
        assert await asyncio.wait_for(let_in(late), 30)
        assert hub.connected
        assert not [fault for fault in hub.faults if "lost" in fault]
        await late.close()
        await hub.close()

    async def let_in(line: NatsBus) -> bool:
        while not line.connected:  # noqa: ASYNC110  # it dials again by itself
            await asyncio.sleep(0.1)
        return True

    try:
        asyncio.run(lines())
        _, out, _ = run("bus", "check", str(directory))
        assert "N-9: let in" in out
    finally:
        server.kill()


def test_who_has_a_line_or_no_folder_gets_none(tmp_path: Path) -> None:
    directory = shop(tmp_path)
    code, _, err = run("bus", "add", str(directory), "SCN-9", "--reader")
    assert code == 2
    assert "holdgate bus init" in err
    assert run("bus", "init", str(directory), "--shop", "lab", "--reader", "SCN-1")[0] == 0
    before = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    for name, more, why in (
        (HUB, (), "has a line to the broker already"),
        ("SCN-1", ("--reader",), "has a line to the broker already"),
        (HUB, ("--reader",), "is a site"),
        ("N-9", (), "holdgate site node"),
    ):
        code, _, err = run("bus", "add", str(directory), name, *more)
        assert (code, why in " ".join(err.split())) == (2, True), err
    assert {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()} == before


def foreign() -> str:
    return "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"


def sorted_as_seats(directory: Path) -> list[str]:
    """The sites in the charter's order."""
    return sorted(EVERY, key=["HUB", "FLOOR", "N-1", "N-2", "VAULT"].index)


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path) -> None:
    directory = shop(tmp_path)
    (directory / "VAULT" / "bus.key").write_text("mine")
    code, _, err = run("bus", "init", str(directory), "--shop", "lab")
    assert code == 2
    assert "is there already; nothing was written" in err
    assert (directory / "VAULT" / "bus.key").read_text() == "mine"
    assert not (directory / "bus").exists()
    assert not (directory / "HUB" / "bus.key").exists()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--shop", "a b"], "not an id"),
        (["--shop", "lab", "--server", "0.0.0.0:4222"], "TLS"),
        (["--shop", "lab", "--server", "127.0.0.1"], "no host:port"),
        (["--shop", "lab", "--server", "127.0.0.1:99999"], "no server"),
        (["--shop", "lab", "--server", "127.0.0.1:64000"], "no host:port"),
        (["--shop", "lab", "--server", "127.0.0.1:0"], "no host:port"),
        (["--shop", "lab", "--server", "127.0.0.1:1", "--server", "127.0.0.1:2"], "name one server, or 3"),
        (["--shop", "lab", "--certificate", "/c"], "or none"),
        (["--shop", "lab", "--reader", "S 1"], "not an id"),
        (["--shop", "lab", "--reader", "FLOOR"], "is a site"),
        (["--shop", "lab", "--reader", "S-1", "--reader", "S-1"], "named twice"),
        (["--shop", "lab", "--reader", "S-1", "--mqtt", "70000"], "no port"),
    ],
)
def test_what_would_be_unsafe_is_not_written(tmp_path: Path, arguments: list[str], why: str) -> None:
    directory = shop(tmp_path)
    code, _, err = run("bus", "init", str(directory), *arguments)
    assert code == 2
    assert why in err
    assert not (directory / "bus").exists()
    assert not list(directory.glob("*/bus.key"))


def test_where_there_is_no_shop_or_no_key_it_says_so(tmp_path: Path) -> None:
    code, _, err = run("bus", "init", str(tmp_path), "--shop", "lab")
    assert code == 2
    assert "does not hold a shop" in err
    directory = shop(tmp_path)
    code, _, err = run("bus", "check", str(directory))
    assert code == 2
    assert "holdgate bus init" in err


def test_three_servers_get_a_file_each_and_form_one_broker(tmp_path: Path) -> None:
    needed()
    directory, ports = shop(tmp_path), trio()
    servers = [word for port in ports for word in ("--server", f"127.0.0.1:{port}")]
    code, out, err = run("bus", "init", str(directory), "--shop", "lab", *servers)
    assert (code, err) == (0, "")
    assert out.count("nats-server -c") == 3
    assert len(json.loads((directory / "bus" / "bus.json").read_text())["servers"]) == 3
    running = []
    try:
        for number, port in enumerate(ports):
            place = tmp_path / str(number)
            place.mkdir()
            server = Written(place, directory / "bus" / f"nats-server-{number + 1}.conf", port)
            server.start()
            running.append(server)
        running[0].kill()
        code, out, err = run("bus", "check", str(directory), "--wait", "10")
        assert (code, err) == (0, ""), out
        assert out.count("let in") == len(EVERY)
    finally:
        for server in running:
            server.kill()


def trio() -> list[int]:
    """Three ports that are free, and so are those of their routes."""
    found: list[int] = []
    while len(found) < 3:
        port = free_port()
        if port < 60_000 and port not in found:
            try:
                with socket.socket() as route:
                    route.bind(("127.0.0.1", port + 2_000))
            except OSError:
                continue
            found.append(port)
    return found


def test_a_reader_gets_a_key_and_a_password_that_nobody_else_may_read(tmp_path: Path) -> None:
    directory = shop(tmp_path)
    code, out, err = run("bus", "init", str(directory), "--shop", "lab", "--reader", "SCN-1", "--mqtt", "1883")
    assert (code, err) == (0, "")
    secrets = [directory / "bus" / "readers" / f"SCN-1.{kind}" for kind in ("key", "password")]
    for path in (*secrets, directory / "bus" / "nats-server.conf"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, "the server's configuration holds the password too"
        assert str(path) in out
    for path in secrets:
        assert path.read_text().strip() not in out
    assert secrets[1].read_text().strip() in (directory / "bus" / "nats-server.conf").read_text()


def test_mosquittos_files_are_written_once_and_only_for_readers(tmp_path: Path) -> None:
    directory = shop(tmp_path)
    for arguments, why in (
        (["--reader", "FLOOR"], "is a site"),
        (["--reader", "SCN-1", "--server", "192.0.2.7:1883"], "TLS"),
        (["--reader", "SCN-1", "--certificate", "/c"], "or none"),
    ):
        code, _, err = run("bus", "mosquitto", str(directory), "--shop", "lab", *arguments)
        assert (code, why in err) == (2, True), err
        assert not (directory / "mosquitto").exists()
    code, out, err = run("bus", "mosquitto", str(directory), "--shop", "lab", "--reader", "SCN-1")
    assert (code, err) == (0, "")
    for path in (directory / "mosquitto" / "SCN-1.password", directory / "FLOOR" / "mqtt.password"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text().strip() not in out
        assert path.read_text().strip() not in (directory / "mosquitto" / "passwords").read_text()
    code, _, err = run("bus", "mosquitto", str(directory), "--shop", "lab", "--reader", "SCN-1")
    assert (code, "nothing was written" in err) == (2, True)
