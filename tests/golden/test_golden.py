"""Old histories are repeated to the byte, for ever."""

import time
from pathlib import Path

import msgspec
import pytest

from holdgate.crypto.envelope import open_envelope, verify_all
from holdgate.crypto.hashes import digest, leaf_hash
from holdgate.law import command as c
from holdgate.law.decision import SEMANTICS
from holdgate.law.replay import repeat
from holdgate.law.segments import decision_of
from holdgate.law.signers import keys_of
from holdgate.ledger.entry import read_entry
from tests.builders import ROOT, Log
from tests.golden.make import HERE, Line, main
from tests.scores import record

FROZEN = sorted(HERE.glob("law*_*.jsonl"))


def read(path: Path) -> list[Line]:
    return msgspec.json.Decoder(Line).decode_lines(path.read_bytes())


@pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.stem)
def test_a_frozen_history_is_repeated_to_the_byte(path: Path) -> None:
    began = time.monotonic()
    found = read(path)
    blobs = {line.key: line.raw for line in found if line.key}
    for key, body in blobs.items():
        assert key in (digest(body), leaf_hash(body).hex())
    logs: dict[str, Log] = {}
    for line in found:
        if line.key:
            continue
        log = logs.get(line.site)
        if log is None:
            log = logs[line.site] = Log(line.site, line.kind)
            log.blobs.update(blobs)
        entry = read_entry(line.raw)
        if entry.kind == "action":
            envelope = open_envelope(bytes(entry.action))
            keys = keys_of(c.parse_command(envelope.payload), log.state.identities)
            assert not isinstance(keys, str)
            verify_all(envelope, keys)
        draft = log.keep(repeat(log.chronicle, entry, (ROOT.public,)))
        assert draft.body == line.raw, f"entry {entry.seq} of {line.site}"
    assert len(logs) > 1
    entries = sum(not line.key for line in found)
    took = time.monotonic() - began
    record(12, path.stem, entries, "entries", 0, seconds=took, command="pytest tests/golden/test_golden.py")


@pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.stem)
def test_a_frozen_history_holds_something_of_everything(path: Path) -> None:
    entries = [read_entry(line.raw) for line in read(path) if not line.key]
    assert {entry.kind for entry in entries} == {
        "genesis", "boot", "action", "attempt", "import", "contact", "cosigned"
    }  # fmt: skip
    codes = {code for entry in entries for code in decision_of(entry).codes}
    assert len(codes) >= 8
    assert {entry.law.semantics for entry in entries} == {int(path.stem.removeprefix("law").partition("_")[0])}


def test_the_present_law_has_a_frozen_history() -> None:
    assert any(path.stem.startswith(f"law{SEMANTICS}_") for path in FROZEN)


def test_nothing_is_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in FROZEN}
    assert main() == 1
    assert "frozen" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in FROZEN} == before
