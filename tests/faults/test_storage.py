"""Storage that fails, in small: what `make faults` does in full (docs/reliability.md).

The seeds are fixed, so that a change is judged by the same points each time; `HOLDGATE_FAULTS_SEED` draws others.
"""

import errno
import os
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from holdgate.adapters.sqlite_mirror import SqliteMirror
from holdgate.adapters.sqlite_promises import SqlitePromises
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.bootstrap import read_premises
from holdgate.engine.keeping import Promise
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from tests.faults import life
from tests.faults.flips import BAD, FOUND, GONE, SAME, Lived, Played, Sealed, turn
from tests.faults.full import filled
from tests.faults.intercept import Call, Verdict, possible, say, watched
from tests.faults.powercuts import Recorded, cut, recorded
from tests.faults.restores import COMES_BACK, IS_REFUSED, all_of_them
from tests.faults.sweep import Log, Story, logs, points, stories, tried
from tests.played import played
from tests.scores import record

SEED: Final = int(os.environ.get("HOLDGATE_FAULTS_SEED", "1"))
POINTS, IMAGES, FLIPS = 100, 500, 320
COMMAND: Final = "pytest tests/faults/test_storage.py"

WHY_NOT: Final = possible()
watching = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "calls can be watched")


@pytest.fixture(scope="module")
def ground() -> Iterator[Path]:
    with life.ground() as place:
        yield place


@pytest.fixture(scope="module")
def left(ground: Path) -> list[Log]:
    return logs(ground)


@pytest.fixture(scope="module")
def begun(left: list[Log], ground: Path) -> list[Story]:
    return stories(left, ground)


@pytest.fixture(scope="module")
def runs(begun: list[Story], ground: Path) -> list[Recorded]:
    return [recorded(story, ground) for story in begun]


# ---- the means -----------------------------------------------------------------------------------------------------


@watching
def test_a_call_is_shown_failed_or_never_made_and_the_word_before_it_is_heard(tmp_path: Path) -> None:
    file = tmp_path / "file"
    heard: list[tuple[str, bytes]] = []

    def work() -> None:
        descriptor = os.open(file, os.O_CREAT | os.O_WRONLY)
        say(b"made")
        os.pwrite(descriptor, b"first", 0)
        try:
            os.pwrite(descriptor, b"second", 5)
        except OSError as error:
            say(str(error.errno).encode())
        os.pwrite(descriptor, b"third", 5)
        say(b"never")

    def decide(call: Call, number: int) -> Verdict:
        heard.append((call.name, call.data))
        if call.data == b"third":
            return "kill"
        return errno.ENOSPC if call.data == b"second" else None

    outcome = watched(work, tmp_path, decide)
    assert (outcome.code, outcome.said) == (-9, [b"made", str(errno.ENOSPC).encode()])
    assert file.read_bytes() == b"first"
    assert [name for name, _ in heard] == ["openat", "said", "pwrite64", "pwrite64", "said", "pwrite64"]


# ---- (a) every call ------------------------------------------------------------------------------------------------


@watching
@pytest.mark.timeout(600)
def test_no_storage_call_that_fails_or_kills_loses_what_was_acknowledged(begun: list[Story], ground: Path) -> None:
    began = time.monotonic()
    drawn = random.Random(SEED).sample(points(begun, ground), POINTS)
    print(f"HOLDGATE_FAULTS_SEED={SEED}")
    found = [(point, tried(point, ground)) for point in drawn]
    bad = [f"{point}: {one.bad}" for point, one in found if one.bad]
    hit = [point for point, one in found if one.hit]
    seconds = time.monotonic() - began
    record(
        1,
        "system-calls",
        len(hit),
        "points at which a storage call failed or killed",
        len(bad),
        seconds=seconds,
        command=COMMAND,
    )
    assert not bad, (SEED, bad)
    assert {point.fault.name for point in hit} == {"kill", "EIO", "ENOSPC", "EIO for good", "ENOSPC for good"}


# ---- (b) power cuts ------------------------------------------------------------------------------------------------


@watching
@pytest.mark.timeout(600)
def test_no_power_cut_loses_what_was_acknowledged(runs: list[Recorded], ground: Path) -> None:
    began = time.monotonic()
    print(f"HOLDGATE_FAULTS_SEED={SEED}")
    cuts = [cut(runs[number % len(runs)], SEED * 1_000_000 + number, ground) for number in range(IMAGES)]
    bad = [str(one) for one in cuts if one.bad]
    seconds = time.monotonic() - began
    record(2, "power-cuts", len(cuts), "power-cut images", len(bad), seconds=seconds, command=COMMAND)
    assert not bad, (SEED, bad)
    assert sum(one.due for one in cuts) > IMAGES, "there is something to lose"


@watching
@pytest.mark.timeout(300)
def test_a_store_that_does_not_sync_is_found_out(
    begun: list[Story], ground: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The images can find what they are there for: with less than full syncs, acknowledged entries are missing."""
    monkeypatch.setattr(life, "PRAGMAS", [*life.PRAGMAS, "synchronous=NORMAL"])
    run = recorded(begun[1], ground / "weak")
    assert any(cut(run, seed, ground).bad for seed in range(60))


# ---- (c) a full disk -----------------------------------------------------------------------------------------------


@watching
@pytest.mark.timeout(300)
def test_a_full_disk_is_told_plainly_and_loses_nothing(begun: list[Story], ground: Path) -> None:
    found = [filled(story, room, ground) for story in begun for room in range(30_000, 330_000, 60_000)]
    assert not [one for one in found if one.bad]
    assert sum(one.refused > 0 for one in found) >= 10
    assert any(one.refused and one.acknowledged for one in found), "some disk ran full amid the work"


# ---- (d) bit rot ---------------------------------------------------------------------------------------------------


@watching
@pytest.mark.timeout(600)
def test_a_bit_that_turned_over_is_harmless_or_found_before_it_is_served(
    left: list[Log], ground: Path, tmp_path: Path
) -> None:
    began = time.monotonic()
    chance = random.Random(SEED)
    print(f"HOLDGATE_FAULTS_SEED={SEED}")
    targets = (Played(played(tmp_path, "101"), ground), Lived(left, ground), Sealed(ground))
    flips = [targets[number % 4 % 3].flip(chance) for number in range(FLIPS)]
    came = Counter(flip.came for flip in flips)
    bad = [str(flip) for flip in flips if flip.came in BAD]
    note = f"{came[FOUND]} found, {came[GONE]} missing, {came[SAME]} without effect"
    seconds = time.monotonic() - began
    record(7, "bit-flips", len(flips), "bits turned over", len(bad), seconds=seconds, command=COMMAND, note=note)
    assert not bad, (SEED, bad)
    assert came[FOUND] > FLIPS // 8


def altered(path: Path, statement: str) -> None:
    """Change a database as a disk might."""
    with sqlite3.connect(path) as db:
        db.execute(statement)
    db.close()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return played(tmp_path, "101")


@pytest.mark.parametrize("column", ["body", "leaf"])
def test_an_entry_that_was_damaged_is_not_read(shop: Path, column: str) -> None:
    path = shop / "NODE-FPI" / "ledger.db"
    altered(path, f"UPDATE entry SET {column} = CAST({column} || 'x' AS BLOB) WHERE seq = 5")
    store = SqliteStore(path, read_only=True)
    assert [row.seq for row in store.rows(0, 5)] == [0, 1, 2, 3, 4]
    with pytest.raises(Tampered, match="entry 5"):
        list(store.rows(0, 9))
    assert len(list(store.found(0, 9))) == 9, "an audit sees it as it lies there"
    store.close()


def test_an_entry_that_is_missing_is_not_read_over(shop: Path) -> None:
    path = shop / "NODE-FPI" / "ledger.db"
    altered(path, "DELETE FROM entry WHERE seq = 5")
    store = SqliteStore(path, read_only=True)
    with pytest.raises(Tampered, match="entry 5"):
        list(store.rows(0, 9))
    store.close()


@pytest.mark.parametrize("column", ["subject", "digest"])
def test_an_index_of_subjects_that_differs_from_the_table_is_not_asked(shop: Path, column: str) -> None:
    """A resend of an act on a closed job would else be recorded twice."""
    path = shop / "NODE-FPI" / "ledger.db"
    raw = path.read_bytes()
    with sqlite3.connect(path) as db:
        [(subject, mark)] = db.execute(
            "SELECT subject, digest FROM entry WHERE length(digest) = 16 ORDER BY seq LIMIT 1"
        )
        [(page,)] = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'entry_by_subject'")
    db.close()
    place = raw.index(subject.encode() if column == "subject" else mark, (page - 1) * 4096)
    turn(path, place * 8)
    store = SqliteStore(path)
    with pytest.raises(Tampered, match="by their subject"):
        store.find(subject, mark, 100)
    with pytest.raises(Tampered, match="by their subject"):
        store.last_of(subject, 100)
    store.close()


def test_hints_that_can_neither_be_read_nor_removed_are_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqliteStore(tmp_path / "ledger.db").close()
    (tmp_path / "ledger.hints.db").write_bytes(b"no database" * 500)

    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(Unavailable, match="neither be read nor removed"):
        SqliteStore(tmp_path / "ledger.db")


def test_a_promise_that_was_damaged_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "promises.db"
    promises = SqlitePromises(path)
    promises.save("lab.test/HUB", Promise(term=7, host="a", written=7))
    promises.close()
    altered(path, "UPDATE promise SET term = 5")
    with pytest.raises(Tampered, match="damaged"):
        SqlitePromises(path)


def test_promises_of_an_earlier_release_are_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "promises.db"
    with sqlite3.connect(path) as db:
        db.execute(
            "CREATE TABLE promise(origin TEXT PRIMARY KEY, term INTEGER, host TEXT, written INTEGER) WITHOUT ROWID"
        )
        db.execute("INSERT INTO promise VALUES('lab.test/HUB', 7, 'a', 7)")
    db.close()
    promises = SqlitePromises(path)
    assert promises.load("lab.test/HUB") == Promise(term=7, host="a", written=7)
    promises.close()


@pytest.mark.parametrize("place", [8, 20, 50])
def test_a_key_file_that_was_damaged_starts_nothing(shop: Path, place: int) -> None:
    path = shop / "HUB" / "site.key"
    turn(path, place * 8)
    with pytest.raises(Malformed, match="put its copy in its place"):
        read_premises(shop).keys("HUB")


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE seat SET frontier = zeroblob(length(frontier))",
        "UPDATE mirror SET body = CAST(body || ' ' AS BLOB) WHERE seq = 3",
    ],
)
def test_a_damaged_mirror_accuses_nobody(left: list[Log], tmp_path: Path, damage: str) -> None:
    """The Vault's own disk failed: that is no evidence of a fork."""
    log = left[1]
    place = life.copy(log.place, tmp_path / "shop")
    altered(place / "VAULT" / "mirror.db", damage)
    with pytest.raises((AssertionError, Tampered)):
        life.resumed(place, log.whole, log.known, 3)
    mirror = SqliteMirror(place / "VAULT" / "mirror.db", read_only=True)
    assert mirror.evidence("lab.test/FLOOR") == []
    mirror.close()


# ---- (e) copies that are put back ------------------------------------------------------------------------------------


@pytest.mark.timeout(300)
def test_every_kind_of_copy_brings_back_what_was_acknowledged_or_is_refused(tmp_path: Path) -> None:
    began = time.monotonic()
    found = all_of_them(tmp_path)
    bad = {name: why for name, why in found.items() if why}
    seconds = time.monotonic() - began
    record(6, "restores", len(found), "kinds of copies put back", len(bad), seconds=seconds, command=COMMAND)
    assert not bad
    assert found.keys() == {**COMES_BACK, **IS_REFUSED}.keys()
