"""The benches whose sites are processes on a broker, in small: what they measure has really come about."""

import json
from pathlib import Path
from typing import Any

import pytest

from holdgate.bench.member import Told, read_told
from holdgate.cli.app import main
from tests.broker import needed

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(400)]


def lines(capsys: pytest.CaptureFixture[str], what: str) -> list[dict[str, Any]]:
    needed()
    assert main(["bench", what, "--quick", "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert found[0]["op"] == "machine"
    return found[1:]


def test_every_scan_of_the_bench_is_accepted_at_the_node(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = lines(capsys, "arrival")
    assert (line["staged"], line["scans"]) == (40, 10)
    assert 0 < line["p50_ms"] <= line["p99_ms"] <= line["worst_ms"]


def test_a_release_comes_to_every_process_and_the_one_that_ended_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    whole, part = lines(capsys, "revision")
    assert (whole["nodes"], whole["absent"]) == (3, [])
    assert (part["nodes"], part["absent"]) == (2, ["NODE-003"])
    assert 0 < part["p50_ms"] <= part["last_ms"]


def test_the_bench_of_a_return_has_everything_at_the_hub_and_in_the_vault(capsys: pytest.CaptureFixture[str]) -> None:
    hub, vault, apart = lines(capsys, "sync")
    assert (hub["to"], vault["to"], apart["to"]) == ("HUB", "VAULT", "HUB")
    assert min(line["entries"] for line in (hub, vault, apart)) > 600
    assert hub["jobs"] == 19
    assert apart["apart"]


def test_a_line_that_is_still_being_written_is_left(tmp_path: Path) -> None:
    path = tmp_path / "told"
    assert read_told(path) == []
    path.write_bytes(b'{"at":1}\n{"at":2,"order":"PO-1"}\n{"at":3,"or')
    assert read_told(path) == [Told(at=1), Told(at=2, order="PO-1")]
