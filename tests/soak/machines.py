"""The machines of the shop: their disks, their processes, and what is asked of them."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from holdgate.adapters.host import HostClock
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.adapters.sqlite_witness import SqliteWitness
from holdgate.bench.load import NODE, lasting_world
from holdgate.bootstrap import read_premises
from holdgate.cli.app import main
from holdgate.engine.keeping import hosts_of
from holdgate.ledger.note import make_vkey, parse_checkpoint
from holdgate.process import KINDS
from holdgate.scenario.files import Node
from holdgate.scenario.opening import Opening
from holdgate.sites.desk import Desk
from tests.broker import needed
from tests.soak.net import Inside, Net

BROKERS: Final = ("broker-1", "broker-2", "broker-3")
NODES: Final = (NODE, "NODE-0002", "NODE-0003")
READERS: Final = ("SID-SCN-01", "SID-SCN-02")
VAULT: Final = "VAULT"
WITNESS: Final = "witness"
PAIRED: Final = ("FLOOR", "HUB")
NATS, MQTT, HTTP, COSIGN = 4222, 1883, 8460, 8420
WAIT_S: Final = 180.0
_WORDS: Final = {kind: word for word, kind in KINDS.items()}
_PROGRAM: Final = "import sys; from holdgate.cli.app import main; sys.exit(main(sys.argv[1:]))"
_FAKETIME: Final = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))


class Held(NamedTuple):
    """What a process holds of its machine."""

    files: int
    threads: int
    megabytes: int


class Machines:
    """Founds the shop, lays it out on its machines, and starts and stops what runs there."""

    def __init__(self, place: Path) -> None:
        self.folder = place
        self.base = place / "office"
        self.desk, self.kinds = asyncio.run(self._found())
        hosts = [host for site in PAIRED for host in hosts_of(site)]
        self.names = [VAULT, *hosts, *NODES]
        self.net = Net([*BROKERS, *self.names, WITNESS, *READERS])
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._lay_out()

    async def _found(self) -> tuple[Desk, dict[str, str]]:
        world = lasting_world(8)
        stations = tuple(replace(station, node=None) for station in world.workstations)
        world = replace(world, nodes=tuple(Node(id=name) for name in NODES), workstations=stations)
        opening = Opening(self.base, world, HostClock().now())
        shop = await opening.open()
        for node in NODES:
            shop.bus.mend(node)
        await shop.settle()
        shop.close()
        return opening.desk, {seat.id: seat.kind for seat in read_premises(self.base).charter.sites}

    # ---- what lies where -------------------------------------------------------------------------------------------

    def place(self, name: str) -> Path:
        """The disk of a machine."""
        return self.folder / name

    def processes_of(self, site: str) -> tuple[str, ...]:
        """The machines of a site."""
        return hosts_of(site) if site in PAIRED else (site,)

    def other(self, name: str) -> str:
        """The other host of its site."""
        return next(host for host in hosts_of(name.rpartition(".")[0]) if host != name)

    def _site(self, name: str) -> str:
        return name.rpartition(".")[0] if name[-2:] in (".a", ".b") else name

    def _lay_out(self) -> None:
        certificate, key = self._certificate()
        servers = [word for broker in BROKERS for word in ("--server", f"{self.net.address(broker)}:{NATS}")]
        pairs = [word for site in PAIRED for word in ("--pair", site)]
        readers = [word for reader in READERS for word in ("--reader", reader)]
        tls = ["--certificate", str(certificate), "--key", str(key), "--authority", str(certificate)]
        words = ["bus", "init", str(self.base), "--shop", "lab", *servers, *pairs, *readers, "--mqtt", str(MQTT), *tls]
        assert main(words) == 0
        for name in self.names:
            self._copy(name)
        for name in READERS:
            self._reader(name, certificate)
        self._witness()

    def _copy(self, name: str) -> None:
        """What a machine gets: papers, where the broker is, its own keys, and the store that there is."""
        site, place = self._site(name), self.place(name)
        for paper in ("charter.json", "trust.json", "bus/bus.json"):
            target = place / paper
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.base / paper, target)
        second = name.endswith(".b")
        shutil.copytree(
            self.base / site, place / site, ignore=shutil.ignore_patterns("*.db*", "lock") if second else None
        )
        if site != name:
            shutil.copytree(self.base / name, place / name)
        letter = name[-1] if site != name else ""
        lines = [f'site = "{site}"', 'data = "."', f'listen = "127.0.0.1:{HTTP}"', f'host = "{letter}"']
        if site == "FLOOR":
            lines.append('broadcasts = ["jetstream", "mqtt-gateway"]')
        (place / "site.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _certificate(self) -> tuple[Path, Path]:
        """A certificate for the three brokers, signed by itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
        now = datetime.now(UTC)
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(self.net.address(b))) for b in BROKERS])
        made = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        certificate, private = self.folder / "broker.pem", self.folder / "broker.key"
        certificate.write_bytes(made.public_bytes(Encoding.PEM))
        private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate, private

    def _reader(self, name: str, authority: Path) -> None:
        place = self.place(name)
        place.mkdir(parents=True)
        seat = read_premises(self.base).seat("FLOOR")
        gateways = ",".join(f"{self.net.address(broker)}:{MQTT}" for broker in BROKERS)
        password = (self.base / "bus" / "readers" / f"{name}.password").read_text(encoding="utf-8").strip()
        told = {
            "to": f"mqtts://{gateways}/lab/FLOOR",
            "reader": name,
            "password": password,
            "authority": str(authority),
            "outbox": str(place / "outbox.db"),
            "waiting": str(place / "waiting"),
            "key": self.desk.key(name).seed.hex(),
            "place": "WS-REC",
            "place_key": self.desk.key("WS-REC").seed.hex(),
            "log": str(make_vkey(seat.origin, seat.key)),
        }
        (place / "reader.json").write_text(json.dumps(told), encoding="utf-8")

    def _witness(self) -> None:
        place = self.place(WITNESS)
        seats = read_premises(self.base).charter.sites
        logs = []
        for number, seat in enumerate(seat for seat in seats if seat.kind != "vault"):
            path = self.folder / f"log-{number}.vkey"
            path.write_text(f"{make_vkey(seat.origin, seat.key)}\n", encoding="utf-8")
            logs += ["--log", str(path)]
        assert main(["witness", "init", str(place), "--name", "client.test/witness", *logs]) == 0
        (vkey,) = (place / "witness.vkey").read_text(encoding="utf-8").split()
        policy = f"witness client {vkey} http://{self.net.address(WITNESS)}:{COSIGN}\nquorum client\n"
        (self.place(VAULT) / VAULT / "witnesses.policy").write_text(policy, encoding="utf-8")

    # ---- life ------------------------------------------------------------------------------------------------------

    def start_all(self) -> None:
        for name in (*BROKERS, WITNESS, *self.names, *READERS):
            self.start(name)
        for site in self.kinds:
            self.wait(site)

    def start(self, name: str) -> None:
        env = dict(os.environ)
        if name in self.names and _FAKETIME:
            self.place(name).mkdir(parents=True, exist_ok=True)
            clock = self.place(name) / "clock"
            if not clock.exists():
                clock.write_text("+0\n", encoding="utf-8")
            env |= {
                "LD_PRELOAD": str(_FAKETIME[0]),
                "FAKETIME_TIMESTAMP_FILE": str(clock),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        self.running[name] = self.net.run(name, self._command(name), env, self.folder / f"{name}.log")

    def _command(self, name: str) -> list[str]:
        if name in BROKERS:
            return [needed(), "-c", str(self.base / "bus" / f"nats-server-{BROKERS.index(name) + 1}.conf")]
        if name in READERS:
            return [sys.executable, "-m", "tests.soak.reader", str(self.place(name) / "reader.json")]
        if name == WITNESS:
            listen = f"{self.net.address(WITNESS)}:{COSIGN}"
            return [sys.executable, "-c", _PROGRAM, "witness", "run", str(self.place(name)), "--listen", listen]
        config = str(self.place(name) / "site.toml")
        return [sys.executable, "-c", _PROGRAM, "run", _WORDS[self.kinds[self._site(name)]], "--config", config]

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.kill()  # of what `ip netns exec` became
        process.wait()

    def halt(self, name: str, seconds: float) -> None:
        process = self.running[name]
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGCONT)

    def set_clock(self, name: str, by_s: int) -> None:
        (self.place(name) / "clock").write_text(f"{by_s:+d}\n", encoding="utf-8")

    def held(self) -> dict[str, Held]:
        """What the shop's own processes hold now, by machine."""
        found: dict[str, Held] = {}
        for name in (*self.names, WITNESS):
            proc = Path("/proc") / str(self.running[name].pid)
            lines = dict(line.partition(":")[::2] for line in (proc / "status").read_text().splitlines())
            megabytes = int(lines["VmRSS"].split()[0]) // 1024
            found[name] = Held(len(list((proc / "fd").iterdir())), int(lines["Threads"]), megabytes)
        return found

    def stop_all(self) -> None:
        """In good order, the brokers last."""
        for group in ((*READERS, *self.names, WITNESS), BROKERS):
            for name in group:
                self.running[name].send_signal(signal.SIGTERM)
            for name in group:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.running.pop(name).wait(40)

    def close(self) -> None:
        """Whatever is left."""
        for process in self.running.values():
            with contextlib.suppress(OSError):
                process.kill()
            process.wait()
        self.net.close()

    # ---- talk ------------------------------------------------------------------------------------------------------

    def request(
        self, name: str, method: str, path: str, body: bytes | None = None, kind: str = "", timeout: float = 15
    ) -> Any:
        """Ask a machine's site; ConnectionError where it cannot answer now."""
        connection = Inside(self.net.space(name), HTTP, timeout)
        try:
            connection.request(method, f"/{self._site(name)}{path}", body, {"content-type": kind} if kind else {})
            response = connection.getresponse()
            answer = response.read()
        except HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()
        if response.status == 503:
            raise ConnectionError(answer.decode())
        assert response.status == 200, answer
        return json.loads(answer)

    def status(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.request(name, "GET", "/status", timeout=5)
        return found

    def writer(self, site: str) -> str | None:
        """Which machine writes a site's log at the moment."""
        for name in self.processes_of(site):
            with contextlib.suppress(OSError):
                if self.status(name)["kind"] != "standby":
                    return name
        return None

    def wait(self, site: str) -> None:
        """Until somebody writes it."""
        until = time.monotonic() + WAIT_S
        while self.writer(site) is None:
            assert time.monotonic() < until, f"{site} does not come up: {self.told(self.processes_of(site)[0])}"
            time.sleep(0.2)

    def told(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")[-2000:]

    def scan(self, reader: str, what: dict[str, Any]) -> None:
        """Have a reader scan something; it may be dead, then the person at the dock scans again."""
        process = self.running.get(reader)
        pipe = None if process is None else process.stdin
        if pipe is None:
            raise ConnectionError(f"{reader} is off")
        pipe.write(json.dumps(what).encode() + b"\n")
        pipe.flush()

    def words(self, reader: str) -> list[dict[str, Any]]:
        """What a reader said of its scans so far."""
        lines = (self.folder / f"{reader}.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith('{"order"')]

    def waiting(self, reader: str) -> int:
        """Scans that no receipt covers."""
        path = self.place(reader) / "waiting"
        return int(path.read_text(encoding="utf-8") or -1) if path.exists() else -1

    def rest_of_readers(self) -> None:
        """Until no reader has anything left."""
        until = time.monotonic() + WAIT_S
        while any(self.waiting(reader) for reader in READERS):
            assert time.monotonic() < until, [self.told(reader) for reader in READERS]
            time.sleep(0.2)

    def settle(self) -> None:
        """Until everybody has told everybody everything."""
        until, calm, seen = time.monotonic() + WAIT_S, 0, ""
        while calm < 4:
            links: list[tuple[str, str, bool, int]] = []
            for site in self.kinds:
                if self.kinds[site] == "vault":
                    continue
                name = self.writer(site)
                with contextlib.suppress(OSError):
                    status = None if name is None else self.status(name)
                    links += (
                        [(site, "no writer", False, 1)]
                        if status is None
                        else [(site, link["peer"], link["up"], link["backlog"]) for link in status["links"]]
                    )
            seen = str([link for link in links if not link[2] or link[3]])
            assert time.monotonic() < until, seen
            calm = calm + 1 if links and all(up and not backlog for _, _, up, backlog in links) else 0
            time.sleep(0.3)

    # ---- what lies on the disks in the end --------------------------------------------------------------------------

    def term(self, site: str) -> int:
        """The latest term of a site that two hosts keep: how often its writer changed, and one."""
        terms = []
        for name in self.processes_of(site):
            with contextlib.closing(sqlite3.connect(self.place(name) / site / "promises.db")) as db:
                terms += [term for (term,) in db.execute("SELECT term FROM promise")]
        return int(max(terms))

    def set_aside(self, sites: tuple[str, ...]) -> int:
        """Entries that a host wrote alone and nobody was told of."""
        found = 0
        for site in sites:
            for name in self.processes_of(site):
                with contextlib.closing(SqliteStore(self.place(name) / site / "ledger.db", read_only=True)) as store:
                    found += len(store.aside())
        return found

    def evidence(self) -> int:
        """Contradicting checkpoints that the Vault or the outside witness kept."""
        with contextlib.closing(sqlite3.connect(self.place(VAULT) / VAULT / "mirror.db")) as db:
            (vault,) = db.execute("SELECT count(*) FROM evidence").fetchone()
        with contextlib.closing(SqliteWitness(self.place(WITNESS) / "witness.db")) as store:
            return int(vault) + len(store.evidence())

    def alarms(self) -> int:
        """Entries that came out otherwise when the Vault decided them again."""
        with contextlib.closing(sqlite3.connect(self.place(VAULT) / VAULT / "watch.db")) as db:
            (found,) = db.execute("SELECT count(*) FROM alarm").fetchone()
        return int(found)

    def cosigned_outside(self) -> dict[str, int]:
        """How many entries of each log the outside witness cosigned last."""
        premises = read_premises(self.base)
        found: dict[str, int] = {}
        with contextlib.closing(SqliteWitness(self.place(WITNESS) / "witness.db")) as store:
            for seat in premises.charter.sites:
                note = None if seat.kind == "vault" else store.latest(seat.origin)
                if note is not None:
                    found[seat.id] = parse_checkpoint(note).size
        return found
