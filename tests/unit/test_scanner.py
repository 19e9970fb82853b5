"""A scanner of the operator's own: what it finds is not kept, and neither is what it could not look at."""

import asyncio
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from holdgate.adapters.scanner import SHOWN, Scanner
from holdgate.adapters.sqlite_payloads import SqlitePayloads
from holdgate.terms.errors import Unavailable
from holdgate.terms.limits import SCANS_AT_ONCE_MAX
from holdgate.web.api.evidence import EvidenceDesk
from holdgate.web.operation import Call

LOOKS = """import sys
raw = sys.stdin.buffer.read()
bad = b"EVIL" in raw
sys.stdout.write("stream: Test.Virus\\x1b[2J\\u202e FOUND\\n" if bad else "stream: OK\\n")
sys.exit(1 if bad else 0)"""


def scanner(script: str, deadline_s: float = 30.0) -> Scanner:
    return Scanner((sys.executable, "-I", "-c", script), deadline_s)


def test_a_clean_file_passes_and_a_finding_is_named_in_plain_signs() -> None:
    async def asked() -> tuple[str, str]:
        at = scanner(LOOKS)
        return await at(b"a photo" * 300_000), await at(b"x EVIL x")

    clean, found = asyncio.run(asked())
    assert clean == ""
    assert found.startswith("stream: Test.Virus")
    assert found.isascii()
    assert found.isprintable()


def test_a_finding_without_a_name_is_one_and_a_long_name_is_cut() -> None:
    assert asyncio.run(scanner("import sys; sys.exit(1)")(b"x")) == "no name was given"
    assert len(asyncio.run(scanner("import sys; print('x' * 9999); sys.exit(1)")(b"x"))) == SHOWN


@pytest.mark.parametrize("script", ["import sys; sys.exit(2)", "import os; os.kill(os.getpid(), 9)"])
def test_what_could_not_be_looked_at_is_not_said_to_be_clean(script: str) -> None:
    with pytest.raises(Unavailable, match="bring it again later"):
        asyncio.run(scanner(script)(b"x" * 500_000))


def test_a_scanner_that_is_not_there_lets_nothing_pass() -> None:
    with pytest.raises(Unavailable, match="cannot be started"):
        asyncio.run(Scanner(("/nowhere/clamdscan", "-"))(b"x"))


def test_a_scanner_that_hangs_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(Unavailable, match="too long"):
        asyncio.run(scanner("import time; time.sleep(600)", 0.3)(b"x"))
    assert time.monotonic() - began < 300


def test_evidence_in_which_something_is_found_is_refused_and_not_kept(tmp_path: Path) -> None:
    """The API asks before the store; what is clean is kept as ever."""
    store = SqlitePayloads(tmp_path / "evidence.db")
    desk = EvidenceDesk(store, scanner(LOOKS))
    asker, face = SimpleNamespace(person=SimpleNamespace(id="SID-QA-01"), place=None), SimpleNamespace(now=lambda: 1)

    async def take(content: bytes) -> Any:
        return await desk.take(Call(cast("Any", face), cast("Any", asker), None, content, cast("Any", None)))

    refused, kept = asyncio.run(take(b"EVIL")), asyncio.run(take(b"a photo"))
    assert (refused.status, "Test.Virus" in refused.detail) == (422, True)
    assert [held.commitment for held in store.held()] == [kept.commitment]
    store.close()


def test_so_many_scans_run_at_once_and_the_rest_wait(tmp_path: Path) -> None:
    """Each scan leaves a file while it runs; none sees more of them than may be."""
    script = f"""import os, pathlib, sys, time
mine = pathlib.Path({str(tmp_path)!r}) / str(os.getpid())
mine.touch()
time.sleep(0.2)
many = len(list(mine.parent.iterdir())) > {SCANS_AT_ONCE_MAX}
mine.unlink()
sys.exit(1 if many else 0)"""

    async def asked() -> list[str]:
        at = scanner(script)
        return list(await asyncio.gather(*(at(b"x") for _ in range(2 * SCANS_AT_ONCE_MAX + 1))))

    assert asyncio.run(asked()) == [""] * (2 * SCANS_AT_ONCE_MAX + 1)
