"""A real process whose clock is put ahead: libfaketime stands between it and the machine's clock, and leaves the ticks alone."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

import pytest

from holdgate.adapters.host import HostClock, clock_quality
from holdgate.terms.instant import SECOND_US
from tests.broker import free_port
from tests.unit.test_sites import HUB, SETTINGS, VAULT, House, founded

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(120)]
FAKETIME: Final = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
AHEAD_S: Final = 7200
PROGRAM: Final = "import sys; from holdgate.cli.app import main; sys.exit(main(sys.argv[1:]))"


class Process:
    """A whole shop in one process, whose clock is put ahead by what a file says."""

    def __init__(self, house: House, folder: Path) -> None:
        self.port = free_port()
        self._clock = folder / "clock"
        self.ahead(0)
        env = os.environ | {
            "LD_PRELOAD": str(FAKETIME[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        command = [sys.executable, "-c", PROGRAM, "up", str(house.directory), "--listen", f"127.0.0.1:{self.port}"]
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log)

    def ahead(self, seconds: int) -> None:
        """Put its clock ahead of the true time."""
        self._clock.write_text(f"+{seconds}\n", encoding="utf-8")

    def ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        """Ask it, until it answers."""
        until = time.monotonic() + 60
        while True:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
            try:
                connection.request(method, path, body, {"content-type": "application/vnd.dsse+json"} if body else {})
                return json.loads(connection.getresponse().read())
            except (OSError, HTTPException, ValueError):
                assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
                assert time.monotonic() < until, self.log.read_text(encoding="utf-8")
                time.sleep(0.1)
            finally:
                connection.close()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return founded(tmp_path)


@pytest.fixture
def process(house: House, tmp_path: Path) -> Iterator[Process]:
    if not FAKETIME:
        pytest.skip("Debian's faketime is not installed")
    running = Process(house, tmp_path)
    try:
        yield running
    finally:
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(30)


def test_a_shop_whose_clock_is_put_ahead_by_two_hours_goes_by_its_ticks(house: House, process: Process) -> None:
    """On a machine whose kernel says that a time source disciplines its clock the leap is followed, which is tested as well."""

    def registers(batch: str) -> dict[str, Any]:
        house.clock.instant = HostClock().now()
        answer: dict[str, Any] = process.ask("POST", f"/{HUB}/actions", house.sign(house.material(batch)))
        return answer

    assert registers("B-1")["verdict"] == "allow"
    process.ahead(AHEAD_S)
    followed = clock_quality().synchronised is True
    for site in (HUB, VAULT):
        status = process.ask("GET", f"/{site}/status")
        off_us = status["at"] - HostClock().now()
        assert abs(off_us - (AHEAD_S * SECOND_US if followed else 0)) < SETTINGS.entry_skew_s * SECOND_US
        assert abs(status["ahead_us"] - (0 if followed else AHEAD_S * SECOND_US)) < SETTINGS.entry_skew_s * SECOND_US
    assert registers("B-2")["verdict"] == ("deny" if followed else "allow")
    process.ahead(0)
    assert registers("B-3")["verdict"] == ("deny" if followed else "allow")
    assert process.ask("GET", f"/{HUB}/status")["ahead_us"] == 0
