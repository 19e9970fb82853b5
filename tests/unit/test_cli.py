"""The command line in process: the story, audits of what it leaves behind and of what was altered, and the export."""

import contextlib
import io
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdgate.adapters.epcis import read_object_event
from holdgate.adapters.parallel import CHUNK, LONG, ParallelChecks
from holdgate.audit.replay import PlainChecks, Taken
from holdgate.audit.trust import Trust
from holdgate.bootstrap import read_trust
from holdgate.cli.app import main
from holdgate.cli.records import audit_file, cross_check, find_logs
from holdgate.cli.test import find_files
from holdgate.crypto.envelope import open_envelope, seal
from holdgate.crypto.hashes import leaf_hash
from holdgate.crypto.keys import SigningKey
from holdgate.law.command import ReportArrival, parse_command
from holdgate.ledger.entry import read_entry
from holdgate.ledger.merkle import root_of
from holdgate.ledger.note import open_checkpoint, parse_vkey
from holdgate.ledger.tiles import read_bundle, read_tile
from holdgate.terms.errors import Unavailable

SITES = ("FLOOR", "HUB", "NODE-FPI")
REFUSED = [
    "NO_ARRIVAL",
    "NO_ARRIVAL",
    "REV_MISMATCH",
    "PRECHECK_INCOMPLETE",
    "WINDOW_NOT_REACHED",
    "RULE_NOT_MET",
    "TESTS_NOT_PASSED_QA",
    "CONSENT_MISSING",
]
NOT_ON_THE_FLOOR = ("blockchain", "token", "widget", "node", "hash", "smart contract", "merkle", "ledger")


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The story as JSON, and the shop that it leaves behind."""
    shop = tmp_path_factory.mktemp("demo") / "shop"
    code, out, _ = run("demo", "--fast", "--json", "--data", str(shop))
    assert code == 0
    return shop, [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def copy(told: tuple[Path, object], tmp_path: Path) -> Path:
    """A copy of the shop that a test may alter."""
    shutil.copytree(told[0], tmp_path / "shop")
    return tmp_path / "shop"


def audited(shop: Path, *options: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = run("audit", str(shop), "--json", *options)
    return code, json.loads(out)


def found(document: dict[str, Any]) -> list[tuple[str, int | None, str]]:
    return [
        (record["path"].split("/")[-2], finding["seq"], finding["what"])
        for record in document["records"]
        for finding in record["findings"]
    ]


# ---- the console script itself


def test_alone_it_prints_help() -> None:
    code, out, _ = run()
    assert code == 0
    assert all(verb in out for verb in ("demo", "test", "audit", "ledger"))


def test_version() -> None:
    code, out, _ = run("--version")
    assert (code, out.split()[0]) == (0, "holdgate")


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("audit",),
        ("audit", "no-such-place"),
        ("test", "no-such-file.yaml"),
        ("test",),
        ("demo", "--slow"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_2(arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("holdgate: ")
    assert err.count("\n") == 1


# ---- the story


def test_the_story_in_acts(told: tuple[Path, list[dict[str, Any]]]) -> None:
    acts = told[1]
    assert [act["act"] for act in acts] == list(range(1, 13))
    lines = [line for act in acts for line in act["lines"]]
    refusals = [line for line in lines if line["kind"] in ("refused", "held")]
    assert [line["code"] for line in refusals] == REFUSED
    assert all(line["reason"] and line["remedy"] and line["entry"] > 0 for line in refusals)
    followed = [line["text"] for line in lines if line["kind"] == "follows"]
    assert any("released to the penetrant line" in text for text in followed)
    assert any("$25.00 bonus to M. Alvarez" in text for text in followed)
    assert any("Invoice over $1,200.00" in text for text in followed)


def test_the_copy_the_audit_and_the_forgery(told: tuple[Path, list[dict[str, Any]]]) -> None:
    copies, papers, audit, forged = told[1][-4:]
    assert [line["data"]["file"] for line in papers["lines"]] == [
        "papers/R-1.pdf",
        "papers/I-000001.pdf",
        "papers/RUN-1.ach",
    ]
    assert all((told[0] / line["data"]["file"]).is_file() for line in papers["lines"])
    for line in copies["lines"][:3]:
        assert line["data"]["entries"] == line["data"]["mirrored"] == line["data"]["cosigned"] > 0
    assert [line["data"]["findings"] for line in audit["lines"][:3]] == [[], [], []]
    assert all(line["data"]["repeated"] == line["data"]["entries"] for line in audit["lines"][:3])
    altered = next(line for line in forged["lines"] if line["kind"] == "altered")
    seq = altered["data"]["findings"][0]["seq"]
    assert f"entry {seq}," in forged["lines"][0]["text"]


def test_the_story_is_told_in_the_words_of_the_shop(told: tuple[Path, list[dict[str, Any]]]) -> None:
    for act in told[1][:-1]:
        for line in act["lines"]:
            words = f"{line['text']} {line.get('reason', '')} {line.get('remedy', '')}".lower().split()
            assert not set(NOT_ON_THE_FLOOR).intersection(words), line["text"]


def test_the_scans_are_epcis_events_of_the_dock(told: tuple[Path, object]) -> None:
    scans = sorted((told[0] / "scans").glob("*.json"))
    seen = [read_object_event(path.read_bytes()) for path in scans]
    assert [(event.part_no, event.rev, event.order) for event in seen] == [
        ("4512-7", "B", "PO-1001"),
        ("4512-7", "C", "PO-1001"),
    ]
    assert all(event.read_point.endswith(".WS-REC") for event in seen)
    with contextlib.closing(sqlite3.connect(told[0] / "FLOOR" / "ledger.db")) as db:
        entries = [read_entry(body) for (body,) in db.execute("SELECT body FROM entry ORDER BY seq")]
    acts = [parse_command(open_envelope(bytes(entry.action)).payload) for entry in entries if entry.kind == "action"]
    signed = [act.event for act in acts if isinstance(act, ReportArrival)]
    assert signed == [event.event_hash for event in seen], "the reader signs the hash of the very event"


def test_told_on_a_console_it_reads_from_first_to_last() -> None:
    code, out, err = run("demo", "--fast")
    assert (code, err) == (0, "")
    assert "nobody waits" in out
    assert "Record verified unaltered" in out
    assert "holdgate demo --data DIR" in out
    assert all(len(line.rstrip()) <= 100 for line in out.splitlines())


def test_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "something").write_text("here")
    code, out, err = run("demo", "--fast", "--data", str(tmp_path))
    assert (code, out) == (2, "")
    assert "is not empty" in err
    assert [path.name for path in tmp_path.iterdir()] == ["something"]


# ---- audits


def test_the_shop_is_sound(told: tuple[Path, object]) -> None:
    code, document = audited(told[0])
    assert (code, document["sound"], found(document)) == (0, True, [])
    assert [(record["site"], record["mirror"]) for record in document["records"]] == [
        *((site, False) for site in SITES),
        *((site, True) for site in SITES),
    ]
    for record in document["records"]:
        assert record["size"] == record["repeated"] == record["signed_size"] > 0
        assert list(record["cosigned"].values()) == [record["size"]]
        assert record["signatures"] > 0


def test_one_site_and_one_file_can_be_audited(told: tuple[Path, object]) -> None:
    for place in (told[0] / "FLOOR", told[0] / "FLOOR" / "ledger.db"):
        code, document = audited(place)
        assert (code, [record["site"] for record in document["records"]]) == (0, ["FLOOR"])


def test_keys_beside_the_record_are_warned_about(told: tuple[Path, object], tmp_path: Path) -> None:
    _, _, err = run("audit", str(told[0] / "FLOOR"))
    assert "--trust" in err
    own = tmp_path / "my-trust.json"
    shutil.copy(told[0] / "trust.json", own)
    code, out, err = run("audit", str(told[0] / "FLOOR"), "--trust", str(own))
    assert (code, err) == (0, "")
    assert "Verified unaltered" in out


def test_without_signatures_it_says_so(told: tuple[Path, object]) -> None:
    code, out, _ = run("audit", str(told[0]), "--no-signatures")
    assert code == 0
    assert "signatures were not checked" in out


def test_the_keys_of_another_shop_are_refused(told: tuple[Path, object], tmp_path: Path) -> None:
    stranger = SigningKey.generate()
    witness = read_trust(told[0] / "trust.json").witnesses
    other = tmp_path / "trust.json"
    other.write_bytes(msgspec.json.encode(Trust(roots=(stranger.public,), witnesses=witness)))
    code, document = audited(told[0], "--trust", str(other))
    assert code == 1
    assert all(not record["holds"] and record["repeated"] == 0 for record in document["records"])
    first = [record["findings"][0] for record in document["records"]]
    assert [(finding["seq"], finding["what"][:33]) for finding in first] == [
        (0, "the charter names other root keys")
    ] * 6


def alter(path: Path, query: str, *values: object) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        assert db.execute(query, values).rowcount == 1


def one(path: Path, query: str, *values: object) -> Any:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute(query, values).fetchone()


def flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def in_a_body(ledger: Path) -> int:
    (body,) = one(ledger, "SELECT body FROM entry WHERE seq = 50")
    alter(ledger, "UPDATE entry SET body = ? WHERE seq = 50", flipped(body, len(body) // 2))
    return 50


def in_a_body_and_its_leaf(ledger: Path) -> int:
    (body,) = one(ledger, "SELECT body FROM entry WHERE seq = 50")
    at = body.index(b'"at":17') + 10
    changed = flipped(body, at)
    alter(ledger, "UPDATE entry SET body = ?, leaf = ? WHERE seq = 50", changed, leaf_hash(changed))
    return 50


def in_a_leaf(ledger: Path) -> int:
    (leaf,) = one(ledger, "SELECT leaf FROM entry WHERE seq = 50")
    alter(ledger, "UPDATE entry SET leaf = ? WHERE seq = 50", flipped(leaf, 0))
    return 50


def in_a_blob(ledger: Path) -> int:
    with contextlib.closing(sqlite3.connect(ledger)) as db:
        rows = db.execute("SELECT seq, body FROM entry ORDER BY seq").fetchall()
    seq, key = next((seq, pins[0]) for seq, body in rows if (pins := json.loads(body).get("pins")))
    (blob,) = one(ledger, "SELECT body FROM blob WHERE key = ?", key)
    alter(ledger, "UPDATE blob SET body = ? WHERE key = ?", flipped(blob, 100), key)
    return int(seq)


def in_the_head(ledger: Path) -> None:
    (checkpoint,) = one(ledger, "SELECT checkpoint FROM head")
    alter(ledger, "UPDATE head SET checkpoint = ?", flipped(checkpoint, len(checkpoint) - 20))


def in_a_cosignature(ledger: Path) -> None:
    ledger = ledger.with_suffix(".hints.db")
    (note,) = one(ledger, "SELECT note FROM cosignature")
    alter(ledger, "UPDATE cosignature SET note = ?", flipped(note, len(note) - 20))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (in_a_body, "it was altered"),
        (in_a_body_and_its_leaf, ""),
        (in_a_leaf, "it was altered"),
        (in_a_blob, "is missing, or is not what it was"),
        (in_the_head, "the checkpoint does not hold"),
        (in_a_cosignature, "the cosignature kept under VAULT does not hold"),
    ],
)
def test_one_changed_byte_is_named(copy: Path, change: Callable[[Path], int | None], words: str) -> None:
    seq = change(copy / "NODE-FPI" / "ledger.db")
    code, document = audited(copy)
    assert (code, document["sound"]) == (1, False)
    site, where, what = found(document)[0]
    assert (site, where) == ("NODE-FPI", seq)
    assert words in what
    assert {path for path, _, _ in found(document)} == {"NODE-FPI"}


def test_bytes_that_are_no_text_are_a_finding_and_no_crash(copy: Path) -> None:
    ledger = copy / "NODE-FPI" / "ledger.db"
    (body,) = one(ledger, "SELECT body FROM entry WHERE seq = 50")
    changed = body.replace(b'"verdict":"allow"', b'"verdict":"\xff\xfflow"')
    alter(ledger, "UPDATE entry SET body = ?, leaf = ? WHERE seq = 50", changed, leaf_hash(changed))
    code, document = audited(copy)
    assert code == 1
    assert {path for path, _, _ in found(document)} == {"NODE-FPI"}, "the other records are audited all the same"


def test_a_missing_entry_is_named(copy: Path) -> None:
    alter(copy / "NODE-FPI" / "ledger.db", "DELETE FROM entry WHERE seq = 60")
    code, document = audited(copy / "NODE-FPI")
    assert code == 1
    assert found(document)[0][1:] == (60, "entry 60 is missing: the next one there is 61")


def test_a_changed_byte_in_the_copy_of_the_vault_is_named(copy: Path) -> None:
    mirror = copy / "VAULT" / "mirror.db"
    origin = "example-lab.test/NODE-FPI"
    (body,) = one(mirror, "SELECT body FROM mirror WHERE origin = ? AND seq = 50", origin)
    alter(
        mirror,
        "UPDATE mirror SET body = ? WHERE origin = ? AND seq = 50",
        flipped(body, body.index(b'"at":17') + 10),
        origin,
    )
    code, document = audited(mirror)
    assert code == 1
    assert ("VAULT", 50) in [finding[:2] for finding in found(document)]


def test_what_is_no_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not a database at all" * 100)
    (tmp_path / "trust.json").write_bytes(b'{"roots":[]}')
    code, _, err = run("audit", str(tmp_path))
    assert code == 2
    assert "cannot be opened as a record" in err


# ---- signature checks in threads and processes


@pytest.fixture
def locked() -> Iterator[Path]:
    """A folder with a folder in it that may not be read, and nobody who may read everything."""
    top = Path(tempfile.mkdtemp(prefix="holdgate-locked-"))
    top.chmod(0o755)
    inner = top / "inner"
    inner.mkdir(mode=0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65_534)
    yield top
    if root:
        os.seteuid(0)
    inner.chmod(0o700)
    shutil.rmtree(top)


@pytest.mark.parametrize("inside", ["", "inner"])
def test_a_folder_that_may_not_be_read_is_not_called_empty(locked: Path, inside: str) -> None:
    for look in (find_logs, lambda path: find_files((path,))):
        with pytest.raises(Unavailable, match=r"inner cannot be read: Permission denied$"):
            look(locked / inside)


def test_a_folder_that_is_empty_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    with pytest.raises(Unavailable, match=r"^there is no record at"):
        find_logs(tmp_path)
    with pytest.raises(Unavailable, match=r"^there is no record at"):
        find_logs(tmp_path / "nowhere")
    with pytest.raises(Unavailable, match=r"^no scenario file was named"):
        find_files((tmp_path,))
    with pytest.raises(Unavailable, match=r"^there is no file or folder"):
        find_files((tmp_path / "nowhere",))


def test_records_are_found_in_a_folder_and_one_level_below(tmp_path: Path) -> None:
    names = ["B/ledger.db", "A/ledger.db", "V/mirror.db", "ledger.db", "A/deeper/ledger.db", "x.bundle", "A/y.bundle"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [str(path.relative_to(tmp_path)) for path in find_logs(tmp_path)]
    assert found == ["ledger.db", "A/ledger.db", "B/ledger.db", "V/mirror.db", "x.bundle"]


@pytest.mark.parametrize("entries", [0, LONG])
def test_workers_find_what_one_after_the_other_finds(entries: int) -> None:
    key, other = SigningKey.from_seed(b"a" * 32), SigningKey.from_seed(b"b" * 32)
    plain = PlainChecks()
    with ParallelChecks(entries, workers=2) as workers:
        for seq in range(3 * CHUNK * 4 + 7):
            raw = seal(b'{"n":%d}' % seq, [("SID-1", other if seq % 50 == 3 else key)])
            for checks in (plain, workers):
                checks.add(seq, raw, (("SID-1", key.public),))
        assert workers.failures() == plain.failures()
    assert [seq for seq, _ in plain.failures()][:3] == [3, 53, 103]


# ---- export


def test_the_exported_tiles_are_the_log(told: tuple[Path, object], tmp_path: Path) -> None:
    code, _, _ = run("ledger", "export", "--data", str(told[0]), "--tiles", str(tmp_path))
    assert code == 0
    for site in SITES:
        out = tmp_path / site
        note = (out / "checkpoint").read_bytes()
        checkpoint = open_checkpoint(note, parse_vkey((out / "log.vkey").read_text().strip()))
        assert not [path for path in out.rglob("*") if path.is_file() and not path.stat().st_size]
        leaves, bodies = [], []
        for start in range(0, checkpoint.size, 256):
            width = min(256, checkpoint.size - start)
            name = f"{start // 256:03d}" + ("" if width == 256 else f".p/{width}")
            leaves += read_tile((out / "tile/0" / name).read_bytes(), width)
            bodies += read_bundle((out / "tile/entries" / name).read_bytes(), width)
        assert [leaf_hash(body) for body in bodies] == leaves
        assert root_of(leaves) == checkpoint.root
        (count,) = one(told[0] / site / "ledger.db", "SELECT count(*) FROM entry")
        assert checkpoint.size == count


def test_exported_again_it_is_the_same(told: tuple[Path, object], tmp_path: Path) -> None:
    def files() -> dict[str, bytes]:
        return {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    arguments = ("ledger", "export", "--data", str(told[0]), "--tiles", str(tmp_path))
    run(*arguments)
    first = files()
    run(*arguments)
    assert files() == first
    assert not [name for name in first if name.endswith(".part")]


def test_what_does_not_lead_to_the_signed_root_is_not_exported(copy: Path, tmp_path: Path) -> None:
    in_a_leaf(copy / "NODE-FPI" / "ledger.db")
    code, _, err = run("ledger", "export", "--data", str(copy), "--tiles", str(tmp_path / "out"))
    assert code == 2
    assert "do not lead to the root" in err
    assert not (tmp_path / "out" / "NODE-FPI" / "checkpoint").exists()


def test_what_each_log_took_in_is_compared_with_the_log_beside_it(told: tuple[Path, object], tmp_path: Path) -> None:
    """A record of another history that is sound in itself, put beside the hub's."""
    path, trust = told[0] / "HUB" / "ledger.db", read_trust(told[0] / "trust.json")
    [hub], [node] = audit_file(path, trust), audit_file(told[0] / "NODE-FPI" / "ledger.db", trust)
    cross_check([hub, node])
    assert hub.report.holds
    origin = node.report.origin
    other = Taken(size=hub.report.imports[origin].size, root="00" * 32)
    hub.report.imports = {**hub.report.imports, origin: other}
    cross_check([hub, node])
    assert [finding.what for finding in hub.report.findings] == [
        f"the first {other.size} entries of {origin} that it took in are not the ones that {origin} shows"
    ]


def test_an_export_that_lacks_a_site_s_log_is_refused_before_anything_is_written(copy: Path, tmp_path: Path) -> None:
    (copy / "FLOOR" / "ledger.db").unlink()
    code, _, err = run("ledger", "export", "--data", str(copy), "--tiles", str(tmp_path / "out"))
    assert code == 2
    assert "no log of FLOOR" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--tiles", "--bundles"])
def test_an_export_to_where_nothing_can_be_written_is_one_sentence(
    told: tuple[Path, object], tmp_path: Path, option: str
) -> None:
    (tmp_path / "file").write_text("a file, not a folder")
    code, _, err = run("ledger", "export", "--data", str(told[0]), option, str(tmp_path / "file"))
    assert code == 2
    assert "cannot be written" in err
    assert "Traceback" not in err


def test_a_bench_of_no_jobs_is_refused() -> None:
    code, _, err = run("bench", "--jobs", "0")
    assert (code, err) == (2, "holdgate: --jobs must be at least 1\n")
