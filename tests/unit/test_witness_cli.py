"""holdgate witness: its files, a real process that is asked and stopped, evidence in plain words, and the page for clients."""

import asyncio
import base64
import contextlib
import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from holdgate.adapters.http_cosigner import HttpCosigner
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.adapters.sqlite_witness import SqliteWitness
from holdgate.bootstrap import read_trust
from holdgate.cli.witness import _cosigner, _logs
from holdgate.ledger.cosigning import Given
from holdgate.ledger.note import parse_vkey, verify_cosignature
from holdgate.ledger.witness import Witness, origin_hash, proves_two_histories, write_request
from tests.tidy.test_commands_page import matches, run
from tests.tidy.tree import ROOT
from tests.witnesses import ORIGIN, T_S, Log

LOG = Log()
NAME = "client.example/witness"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    assert run("witness", "init", str(tmp_path / "w"), "--name", NAME, "--log", LOG.notary.vkey)[0] == 0
    return tmp_path / "w"


def opened(place: Path) -> Witness:
    return Witness(_logs(place), SqliteWitness(place / "witness.db"), _cosigner(place))


# ---- init ----------------------------------------------------------------------------------------------------------


def test_a_witness_has_a_key_of_its_own_that_only_its_owner_reads(tmp_path: Path) -> None:
    code, out, err = run("witness", "init", str(tmp_path / "w"), "--name", NAME, "--log", LOG.notary.vkey)
    assert (code, err) == (0, "")
    vkey = out.splitlines()[0]
    assert (tmp_path / "w" / "witness.vkey").read_text().strip() == vkey == _cosigner(tmp_path / "w").vkey
    assert parse_vkey(vkey).name == NAME
    assert stat.S_IMODE((tmp_path / "w" / "witness.key").stat().st_mode) == 0o600
    assert _logs(tmp_path / "w") == {ORIGIN: LOG.vkey}
    before = {path.name: path.read_bytes() for path in (tmp_path / "w").iterdir()}
    again = run("witness", "init", str(tmp_path / "w"), "--name", NAME)
    assert again[0] == 2
    assert "holds a witness already" in again[2]
    assert {path.name: path.read_bytes() for path in (tmp_path / "w").iterdir()} == before


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--name", "a b"), "cannot name a key"),
        (("--name", "a+b"), "cannot name a key"),
        (("--name", NAME, "--log", "x"), "line 2"),
        (("--name", NAME, "--log", LOG.notary.vkey, "--log", LOG.notary.vkey), "named twice|stands there already"),
    ],
)
def test_what_makes_no_witness_leaves_nothing_behind(tmp_path: Path, more: tuple[str, ...], why: str) -> None:
    code, _, err = run("witness", "init", str(tmp_path / "w"), *more)
    assert code == 2
    assert re.search(why, err), err
    assert not (tmp_path / "w").exists()


# ---- run -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def running(place: Path) -> Iterator[str]:
    """The witness as a process of its own; gives its address, and stops it as an operator would."""
    code = "import sys; from holdgate.cli.app import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, "witness", "run", str(place), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as it:
        assert it.stdout is not None
        assert it.stderr is not None
        said = it.stdout.readline()
        try:
            assert said.startswith(f"{NAME} watches 1 logs at http://127.0.0.1:"), said + it.stderr.read()
            yield said.split()[-1]
        finally:
            it.send_signal(signal.SIGTERM)
            code_ = it.wait(20)
        assert (code_, it.stderr.read()) == (0, ""), "a clean stop"


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_process_cosigns_is_stopped_and_remembers(place: Path) -> None:
    key = parse_vkey(_cosigner(place).vkey)
    with running(place) as url:
        given = asyncio.run(HttpCosigner(key, url).cosign(LOG.note(9), lambda old: LOG.proof(old, 9)))
        assert isinstance(given, Given)
    with running(place) as url:
        with httpx.Client(base_url=url, trust_env=False) as client:
            assert client.post("/add-checkpoint", content=Log(fork=1).request(0, 12)).status_code == 409
            shown = client.get(f"/{origin_hash(ORIGIN)}/checkpoint").content
        assert verify_cosignature(shown, key) == given.time_s
    code, out, _ = run("witness", "checkpoints", str(place))
    assert code == 0
    assert out.startswith(f"{ORIGIN}  9 entries, cosigned 20")


@pytest.mark.parametrize("listen", ["8420", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", ":8420", "127.0.0.1:-1"])
def test_what_is_no_address_is_refused(place: Path, listen: str) -> None:
    code, _, err = run("witness", "run", str(place), f"--listen={listen}")
    assert code == 2
    assert "is no host:port" in err


def test_a_key_that_others_can_read_is_not_used(place: Path) -> None:
    (place / "witness.key").chmod(0o640)
    for command in ("run", "checkpoints"):
        code, _, err = run("witness", command, str(place))
        assert code == 2
        assert "others can read" in err


def test_a_witness_that_watches_nothing_does_not_run(tmp_path: Path) -> None:
    assert run("witness", "init", str(tmp_path / "w"), "--name", NAME)[0] == 0
    code, _, err = run("witness", "run", str(tmp_path / "w"))
    assert code == 2
    assert "names no log" in err


@pytest.mark.parametrize("command", ["run", "evidence", "checkpoints"])
def test_where_there_is_no_witness_it_says_so(tmp_path: Path, command: str) -> None:
    code, _, err = run("witness", command, str(tmp_path / "nothing"))
    assert code == 2
    assert "holds no witness" in err


# ---- evidence ------------------------------------------------------------------------------------------------------


def test_evidence_is_told_in_plain_words_and_exported_byte_for_byte(place: Path, tmp_path: Path) -> None:
    assert run("witness", "evidence", str(place))[:2] == (0, "Nothing contradicts what was cosigned.\n")
    witness = opened(place)
    witness.add_checkpoint(LOG.request(0, 5), T_S)
    witness.add_checkpoint(write_request(5, [], Log(fork=2).note(5)), T_S)
    witness.add_checkpoint(write_request(5, [bytes(32)], LOG.note(9)), T_S)
    witness.store.close()
    code, out, _ = run("witness", "evidence", str(place), "--export", str(tmp_path / "proof"))
    assert code == 1
    assert "signed two histories of the same length" in out
    assert "This alone proves nothing" in out
    assert out.count(ORIGIN) == 2
    files = sorted(path.name for path in (tmp_path / "proof").iterdir())
    assert files == [
        "1-two_roots-as-well.note",
        "1-two_roots-before.note",
        "2-not_continued-as-well.note",
        "2-not_continued-before.note",
    ]
    notes = [(tmp_path / "proof" / f"1-two_roots-{side}.note").read_bytes() for side in ("before", "as-well")]
    assert proves_two_histories(notes[0], notes[1], LOG.vkey)
    assert notes[1] == Log(fork=2).note(5)
    told = json.loads(run("witness", "evidence", str(place), "--json")[1])["evidence"]
    assert base64.b64decode(told[0]["seen"]) == notes[1]


def test_what_is_settled_is_nothing_open(place: Path) -> None:
    witness = opened(place)
    witness.add_checkpoint(LOG.request(0, 5), T_S)
    witness.add_checkpoint(write_request(5, [bytes(32)], LOG.note(9)), T_S)
    assert run("witness", "evidence", str(place))[0] == 1
    witness.add_checkpoint(LOG.request(5, 9), T_S)
    witness.store.close()
    code, out, _ = run("witness", "evidence", str(place))
    assert code == 0
    assert "Settled" in out


def test_a_log_of_which_nothing_was_handed_in_is_listed_too(place: Path) -> None:
    assert run("witness", "checkpoints", str(place))[1] == f"{ORIGIN}  nothing was handed in yet\n"
    assert json.loads(run("witness", "checkpoints", str(place), "--json")[1]) == {"checkpoints": []}


# ---- the page ------------------------------------------------------------------------------------------------------

PAGE = (ROOT / "docs" / "witness.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"```console(?: (\w+))?\n\$ (holdgate .*?)\n(.*?)```", re.DOTALL)


def hand_in(folder: Path) -> None:
    """What the Vault does while the witness runs: the newest checkpoints of the logs."""
    witness = opened(folder / "witness")
    for site in ("HUB", "NODE-FPI"):
        store = SqliteStore(folder / "shop" / site / "ledger.db", read_only=True)
        assert witness.add_checkpoint(write_request(0, [], store.head().checkpoint), T_S).status == 200
        store.close()
    witness.store.close()


def bring_trust(folder: Path) -> None:
    """The auditor's own trust file, as the page says."""
    trust = read_trust(folder / "shop" / "trust.json")
    ours = (folder / "witness" / "witness.vkey").read_text(encoding="utf-8").strip()
    both = msgspec.structs.replace(trust, witnesses=(*trust.witnesses, ours))
    (folder / "trust.json").write_bytes(msgspec.json.encode(both))


def test_every_command_of_the_page_does_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    assert run("demo", "--fast", "--json", "--data", "shop")[0] == 0
    found = _BLOCK.findall(PAGE)
    assert len(found) == 6
    for mark, line, shown in found:
        words = shlex.split(line)[1:]
        if mark == "run":
            code, out, _ = run(*words[:2], "--help")
            assert (code, "--listen" in out) == (0, True)
            hand_in(tmp_path)
            continue
        if "trust.json" in words:
            bring_trust(tmp_path)
        words = [str(next(Path("notes").glob(Path(w).name.replace("…", "*")))) if "…" in w else w for w in words]
        code, out, err = run(*words)
        assert (code, err) == (0, ""), f"{line}\n{out}{err}"
        assert matches(shown, out), f"{line}\nprinted:\n{out}\nshown:\n{shown}"
