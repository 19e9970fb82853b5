"""A real process whose clock is put ahead: libfaketime stands between it and the machine's clock, and leaves the ticks alone."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

import pytest

from holdgate.adapters.host import HostClock
from holdgate.terms.instant import SECOND_US
from tests.broker import free_port
from tests.unit.test_sites import HUB, SETTINGS, VAULT, House, founded

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(120)]
FAKETIME: Final = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
AHEAD_S: Final = 7200
PROGRAM: Final = """
import sys
from holdgate.adapters import host
from holdgate.cli.app import main
from holdgate.sites.status import ClockQuality
host.clock_quality = lambda: ClockQuality(synchronised=sys.argv[1] == "True")
sys.exit(main(sys.argv[2:]))
"""
"""The command, with a kernel that says whether a time source disciplines its clock."""


class Process:
    """A whole shop in one process, whose clock is put ahead by what a file says. `disciplined`: what its kernel says meanwhile."""

    def __init__(self, house: House, folder: Path, *, disciplined: bool) -> None:
        self.port = free_port()
        self._clock = folder / "clock"
        self.ahead(0)
        env = os.environ | {
            "LD_PRELOAD": str(FAKETIME[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        program = [sys.executable, "-c", PROGRAM, str(disciplined)]
        command = [*program, "up", str(house.directory), "--listen", f"127.0.0.1:{self.port}"]
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


@contextmanager
def running(house: House, folder: Path, *, disciplined: bool) -> Iterator[Process]:
    """The process; it ends with the context."""
    if not FAKETIME:
        pytest.skip("Debian's faketime is not installed")
    found = Process(house, folder, disciplined=disciplined)
    try:
        yield found
    finally:
        found.process.send_signal(signal.SIGTERM)
        found.process.wait(30)


@pytest.mark.parametrize("disciplined", [False, True])
def test_a_shop_whose_clock_is_put_ahead_by_two_hours_goes_by_its_ticks_unless_a_time_source_speaks_for_it(
    house: House, tmp_path: Path, *, disciplined: bool
) -> None:
    leap_us, skew_us = AHEAD_S * SECOND_US, SETTINGS.entry_skew_s * SECOND_US
    with running(house, tmp_path, disciplined=disciplined) as process:

        def registers(batch: str) -> str:
            house.clock.instant = HostClock().now()
            return str(process.ask("POST", f"/{HUB}/actions", house.sign(house.material(batch)))["verdict"])

        assert registers("B-1") == "allow"
        process.ahead(AHEAD_S)
        for site in (HUB, VAULT):
            status = process.ask("GET", f"/{site}/status")
            followed_us, left_us = (leap_us, 0) if disciplined else (0, leap_us)
            assert abs(status["at"] - HostClock().now() - followed_us) < skew_us
            assert abs(status["ahead_us"] - left_us) < skew_us
        assert registers("B-2") == ("deny" if disciplined else "allow")
        process.ahead(0)
        assert registers("B-3") == ("deny" if disciplined else "allow"), "what was dated ahead stays so"
        assert process.ask("GET", f"/{HUB}/status")["ahead_us"] == 0
