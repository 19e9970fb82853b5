"""A shop whose every site is a process of its own, on a real broker: started, killed, started again, spoken to over HTTP."""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final, NamedTuple

from holdgate.adapters.host import HostClock
from holdgate.bench.load import lasting_world
from holdgate.bootstrap import read_premises
from holdgate.cli.app import main
from holdgate.engine.keeping import hosts_of
from holdgate.law.case import Pin
from holdgate.process import KINDS
from holdgate.scenario.opening import Opening
from holdgate.sites.desk import Desk
from tests.broker import free_port, needed

BROKER: Final = "broker"
_WORDS: Final = {kind: word for word, kind in KINDS.items()}


class Acknowledged(NamedTuple):
    """An answer that somebody got: where, which entry, what was signed."""

    site: str
    seq: int
    raw: bytes


class Processes:
    """The processes of a shop. `pairs`: sites that two machines keep: the processes of such a site are SITE.a and SITE.b.

    `bus`: more of what `holdgate bus init` is told; `more`: lines of sites' configurations.
    """

    def __init__(
        self, directory: Path, *bus: str, pairs: tuple[str, ...] = (), more: Mapping[str, str] | None = None
    ) -> None:
        self.directory = directory
        self.pairs = pairs
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.ports: dict[str, int] = {}
        self.acknowledged: list[Acknowledged] = []
        self.asked_again = 0
        self.desk = asyncio.run(self._found())
        self.sites = {seat.id: seat.kind for seat in read_premises(directory).charter.sites}
        self.bus_port = free_port()
        self.more = dict(more or {})
        wanted = [*bus, *(word for site in pairs for word in ("--pair", site))]
        server = f"127.0.0.1:{self.bus_port}"
        assert main(["bus", "init", str(directory), "--shop", "lab", "--server", server, *wanted]) == 0
        for site in pairs:
            self._second(site)

    def _second(self, site: str) -> None:
        """What the second machine of a site gets."""
        for name in ("charter.json", "trust.json", f"{site}/site.key", f"{site}/bus.key", f"{site}.b/bus.key"):
            target = self.place(f"{site}.b") / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.directory / name, target)
        shutil.copytree(self.directory / "bus", self.place(f"{site}.b") / "bus")

    def place(self, name: str) -> Path:
        """The shop's directory on the machine of a process."""
        return self.directory.with_name(f"{self.directory.name}-{name}") if name.endswith(".b") else self.directory

    def processes_of(self, site: str) -> tuple[str, ...]:
        """The processes of a site."""
        return hosts_of(site) if site in self.pairs else (site,)

    def writer(self, site: str) -> str | None:
        """Which process of a site writes its log at the moment."""
        for name in self.processes_of(site):
            with contextlib.suppress(OSError, HTTPException, AssertionError):
                if name in self.running and self.status(name)["kind"] != "standby":
                    return name
        return None

    async def _found(self) -> Desk:
        opening = Opening(self.directory, lasting_world(2), HostClock().now())
        (await opening.open()).close()
        return opening.desk

    # ---- life ------------------------------------------------------------------------------------------------------

    def start_all(self) -> None:
        self.start(BROKER)
        for site in sorted(self.sites, key=lambda site: self.sites[site] != "vault"):
            for name in self.processes_of(site):
                self.start(name)
        for site in self.sites:
            self.wait(site)

    def start(self, name: str) -> None:
        """The broker, or a site."""
        with (self.directory / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(self._command(name), stdout=log, stderr=log)

    def _command(self, name: str) -> list[str]:
        if name == BROKER:
            return [needed(), "-c", str(self.directory / "bus" / "nats-server.conf")]
        self.ports.setdefault(name, free_port())
        config = self.place(name) / f"{name}.toml"
        site, _, letter = name.rpartition(".") if name[-2:] in (".a", ".b") else (name, "", "")
        text = f'site = "{site}"\ndata = "."\nlisten = "127.0.0.1:{self.ports[name]}"\nhost = "{letter}"\n'
        text += self.more.get(site, "")
        config.write_text(text, encoding="utf-8")
        program = "import sys; from holdgate.cli.app import main; sys.exit(main(sys.argv[1:]))"
        return [sys.executable, "-c", program, "run", _WORDS[self.sites[site]], "--config", str(config)]

    def kill(self, name: str) -> None:
        """As a power cut does it."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def stop_all(self) -> dict[str, int]:
        """In good order, the broker last; the exit codes."""
        codes = {}
        for name in sorted(self.running, key=lambda name: name == BROKER):
            process = self.running[name]
            process.send_signal(signal.SIGTERM)
            codes[name] = process.wait(30)
        self.running.clear()
        return codes

    def abandon(self) -> None:
        """Whatever is left of them."""
        for process in self.running.values():
            with contextlib.suppress(OSError):
                os.kill(process.pid, signal.SIGKILL)
            process.wait()
        self.running.clear()

    def told(self, name: str) -> str:
        paths = [self.directory / f"{process}.log" for process in self.processes_of(name)]
        return "\n".join(path.read_text(encoding="utf-8")[-3000:] for path in paths if path.exists())

    # ---- talk ------------------------------------------------------------------------------------------------------

    def request(self, site: str, method: str, path: str, body: bytes | None = None, kind: str = "") -> Any:
        name = next((other for other in self.pairs if site in hosts_of(other)), site)
        connection = HTTPConnection("127.0.0.1", self.ports[site], timeout=20)
        try:
            connection.request(method, f"/{name}{path}", body, {"content-type": kind} if kind else {})
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status == 503:
            raise ConnectionError(answer.decode())
        assert response.status == 200, answer
        return json.loads(answer)

    def post(
        self, site: str, raw: bytes, pins: tuple[Pin, ...] = (), wait_s: float = 40, kept: str = "local"
    ) -> dict[str, Any]:
        """Hand in an action, the same bytes again and again until it is answered."""
        body, kind = raw, "application/vnd.dsse+json"
        if pins:
            beside = {pin.sha256: base64.b64encode(pin.content).decode() for pin in pins}
            body, kind = json.dumps({"envelope": json.loads(raw), "documents": beside}).encode(), "application/json"
        until = time.monotonic() + wait_s
        while time.monotonic() < until:
            with contextlib.suppress(OSError, HTTPException):
                process = self.writer(site) if site in self.pairs else site
                if process is None:
                    raise ConnectionError(f"nobody writes {site}")  # asked again below
                answer: dict[str, Any] = self.request(process, "POST", f"/actions?kept={kept}", body, kind)
                self.acknowledged.append(Acknowledged(site, answer["seq"], raw))
                return answer
            self.asked_again += 1
            time.sleep(0.1)
        raise AssertionError(f"{site} does not answer: {self.told(site)}")

    def status(self, site: str) -> dict[str, Any]:
        found: dict[str, Any] = self.request(site, "GET", "/status")
        return found

    def wait_counts(self, site: str, wait_s: float = 60) -> None:
        """Until the copy of the host that follows counts: before that it does not take over, and must not."""
        until = time.monotonic() + wait_s
        while time.monotonic() < until:
            with contextlib.suppress(OSError, HTTPException):
                stands = [self.status(name) for name in self.processes_of(site)]
                if any(one["kind"] == "standby" and one["counts"] for one in stands):
                    return
            time.sleep(0.2)
        raise AssertionError(f"the standby of {site} does not count: {self.told(site)}")

    def wait_writes(self, name: str, wait_s: float = 60) -> None:
        """Until this process writes its site's log."""
        until = time.monotonic() + wait_s
        while time.monotonic() < until:
            with contextlib.suppress(OSError, HTTPException):
                if self.status(name)["kind"] != "standby":
                    return
            time.sleep(0.2)
        raise AssertionError(f"{name} does not write: {self.told(name)}")

    def wait(self, site: str, wait_s: float = 40) -> None:
        """Until it answers."""
        until = time.monotonic() + wait_s
        while time.monotonic() < until:
            with contextlib.suppress(OSError, HTTPException):
                if site not in self.pairs:
                    self.status(site)
                    return
                if self.writer(site) is not None:
                    return
            time.sleep(0.1)
        raise AssertionError(f"{site} does not come up: {self.told(site)}")

    def _writers(self) -> list[str]:
        found = [self.writer(site) for site, kind in self.sites.items() if kind != "vault"]
        return [name for name in found if name is not None]

    def settle(self, wait_s: float = 60) -> None:
        """Until everybody has told everybody everything."""
        until, calm = time.monotonic() + wait_s, 0
        while calm < 3:
            assert time.monotonic() < until, [self.status(name) for name in self._writers()]
            links = [link for name in self._writers() for link in self.status(name)["links"]]
            calm = calm + 1 if all(link["up"] and not link["backlog"] for link in links) else 0
            time.sleep(0.2)
