"""Our exported logs, read by an implementation that is not ours: Go's x/mod (sumdb/note, sumdb/tlog).

`go_oracle/` is a small Go program on Debian's packages (`.ci/packages.txt`); it is built once and nothing is fetched. It
must agree with us on sizes, roots and every hash of every proof, and refuse what was altered. Where Go is absent these
tests skip; `.ci/run` accepts no such skip.
"""

import base64
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.cli.app import main
from holdgate.crypto.hashes import EMPTY_ROOT, leaf_hash
from holdgate.crypto.keys import SigningKey
from holdgate.ledger.merkle import Tree, consistency_path, inclusion_path, root_of
from holdgate.ledger.note import Checkpoint, Notary, make_vkey, note_key_id, open_checkpoint, parse_vkey
from holdgate.ledger.proof import read_proof, receipts
from holdgate.ledger.tiles import entry_bundles, read_bundle, tiles_for
from holdgate.terms.errors import Malformed

Json = dict[str, Any]
ROOT: Final = Path(__file__).resolve().parents[2]
PROGRAM: Final = Path(__file__).with_name("go_oracle")
GOPATH: Final = Path("/usr/share/gocode")
"""Where Debian keeps the sources of Go's libraries."""
ORIGIN: Final = "lab.example/go-oracle"
KEY: Final = SigningKey(bytes(range(32)))
NOTARY: Final = Notary(ORIGIN, KEY)
SITES: Final = ("HUB", "FLOOR", "NODE-FPI")
BIG: Final = 70_000
SMALL: Final = 300
RUN_S: Final = 30


@dataclass(frozen=True)
class Heard:
    """What the Go program said of one log."""

    code: int
    said: Json

    @property
    def error(self) -> str:
        """Why it refused; anything but an orderly refusal fails the test."""
        assert self.code == 1, self.said
        assert self.said.keys() == {"ok", "error"}, self.said
        assert self.said["ok"] is False
        assert "panic" not in self.said["error"], self.said
        return str(self.said["error"])


Oracle = Callable[..., Heard]


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    """The Go program, built; `oracle(folder, "-index", "all")` runs it."""
    compiler = shutil.which("go")
    if compiler is None:
        pytest.skip("there is no go on the PATH; Debian's golang-go brings it (.ci/packages.txt)")
    if not (GOPATH / "src/golang.org/x/mod/sumdb/tlog/tile.go").is_file():
        pytest.skip(f"x/mod is not below {GOPATH}; Debian's golang-golang-x-mod-dev brings it (.ci/packages.txt)")
    place = tmp_path_factory.mktemp("go")
    program = place / "go_oracle"
    alone = {
        "GO111MODULE": "off",
        "GOPATH": str(GOPATH),
        "GOCACHE": str(place / "cache"),
        "GOENV": "off",
        "GOFLAGS": "",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }
    built = subprocess.run(
        [compiler, "build", "-o", program, *sorted(file.name for file in PROGRAM.glob("*.go"))],
        cwd=PROGRAM,
        env=os.environ | alone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr

    def run(*arguments: str | Path) -> Heard:
        *flags, folder = arguments
        done = subprocess.run([program, *flags, folder], capture_output=True, timeout=RUN_S, check=False)
        assert not done.stderr, done.stderr.decode()
        heard = Heard(done.returncode, json.loads(done.stdout))
        assert heard.said["ok"] is (heard.code == 0)
        return heard

    return run


# ----------------------------------------------------------------------------------------------------------- the logs


@dataclass(frozen=True)
class Log:
    """An exported log, and the leaf hashes that we hold it to consist of."""

    folder: Path
    leaves: list[bytes]

    @property
    def checkpoint(self) -> Checkpoint:
        """As we read it, its signature verified."""
        vkey = (self.folder / "log.vkey").read_text(encoding="utf-8")
        return open_checkpoint((self.folder / "checkpoint").read_bytes(), parse_vkey(vkey.removesuffix("\n")))


def publish(folder: Path, entries: Sequence[bytes], leaves: Sequence[bytes] | None = None) -> Log:
    """Write a log as the export does."""
    hashes = list(map(leaf_hash, entries)) if leaves is None else list(leaves)
    size = len(hashes)
    for files in (tiles_for(size, hashes), entry_bundles(size, entries)):
        for name, content in files:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log.vkey").write_text(f"{NOTARY.vkey}\n", encoding="utf-8")
    (folder / "checkpoint").write_bytes(NOTARY.checkpoint(size, root_of(hashes)))
    return Log(folder, hashes)


def entry(index: int) -> bytes:
    """Entries of many lengths, one empty and one of the greatest length among them."""
    if index in (7, 300):
        return b"" if index == 7 else bytes(65_535)
    return b"%d " % index * (1 + index % 9)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Log]:
    """The logs of a whole story, exported by the command."""
    place = tmp_path_factory.mktemp("shop")
    assert main(["demo", "--fast", "--data", str(place / "data")]) == 0
    assert main(["ledger", "export", "--data", str(place / "data"), "--tiles", str(place / "tiles")]) == 0
    logs = {}
    for site in SITES:
        store = SqliteStore(place / "data" / site / "ledger.db", read_only=True)
        log = Log(place / "tiles" / site, [])
        logs[site] = Log(log.folder, store.leaves(0, log.checkpoint.size))
        store.close()
    return logs


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """Levels 0 to 2, each with a partial tile."""
    return publish(tmp_path_factory.mktemp("big"), [entry(index) for index in range(BIG)])


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A log to alter: two bundles, two tiles of level 0, one of level 1."""
    return publish(tmp_path / "small", [entry(index) for index in range(SMALL)]).folder


def listed(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def agree(heard: Heard, log: Log, indexes: Sequence[int], olds: Sequence[int]) -> None:
    """Both readers hold the same: size, root, and each proof hash by hash."""
    said, ours, size = heard.said, log.checkpoint, len(log.leaves)
    assert heard.code == 0, said
    assert (said["origin"], said["size"], said["root"]) == (ours.origin, size, ours.root.hex())
    assert (ours.size, ours.root) == (size, root_of(log.leaves))
    assert said["entries"] == size
    assert said["tiles"] == sum(-(-hashes // 256) for hashes in (size, size >> 8, size >> 16))
    assert said["records"] == [
        {"index": i, "leaf": log.leaves[i].hex(), "path": [node.hex() for node in inclusion_path(log.leaves, i)]}
        for i in indexes
    ]
    assert said["consistency"] == [
        {
            "size": old,
            "root": root_of(log.leaves[:old]).hex(),
            "path": [node.hex() for node in consistency_path(log.leaves, old)],
        }
        for old in olds
    ]


# ---------------------------------------------------------------------------------------------------------- agreement


@pytest.mark.parametrize("site", SITES)
def test_the_export_of_a_whole_story(oracle: Oracle, shop: dict[str, Log], site: str) -> None:
    log = shop[site]
    olds = range(1, len(log.leaves) + 1)
    agree(oracle("-index", "all", "-old", listed(olds), log.folder), log, range(len(log.leaves)), olds)


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 511, 512, 513])
def test_sizes_around_a_tile(oracle: Oracle, tmp_path: Path, size: int) -> None:
    log = publish(tmp_path, [entry(index) for index in range(size)])
    indexes = range(0, size, 1 + size // 100)
    olds = [old for old in (1, 2, 3, 128, 255, 256, 257, 512, 513) if old <= size]
    agree(oracle("-index", listed(indexes), "-old", listed(olds), tmp_path), log, indexes, olds)


def test_a_log_of_three_levels(oracle: Oracle, big: Log) -> None:
    for name in ("tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1", "tile/0/272", "tile/1/000"):
        assert (big.folder / name).is_file(), name
    indexes = [0, 255, 256, 65_535, 65_536, 69_631, 69_888, BIG - 1]
    olds = [1, 256, 65_535, 65_536, 65_537, BIG]
    agree(oracle("-index", listed(indexes), "-old", listed(olds), big.folder), big, indexes, olds)


@pytest.mark.parametrize("size", [65_535, 65_536])
def test_sizes_around_a_level(oracle: Oracle, big: Log, tmp_path: Path, size: int) -> None:
    log = publish(tmp_path, [entry(index) for index in range(size)], big.leaves[:size])
    agree(oracle("-index", listed([size - 1]), tmp_path), log, [size - 1], [])


def test_more_than_a_thousand_tiles(oracle: Oracle, tmp_path: Path) -> None:
    size = 256_001
    log = publish(tmp_path, [b"%d" % index for index in range(size)])
    for name in ("tile/0/x001/000.p/1", "tile/entries/x001/000.p/1", "tile/0/999", "tile/1/003.p/232"):
        assert (tmp_path / name).is_file(), name
    agree(oracle("-index", "255999", tmp_path), log, [255_999], [])


def test_the_receipts_that_a_site_hands_out(oracle: Oracle, big: Log) -> None:
    tree = Tree()
    for leaf in big.leaves:
        tree.append(leaf)
    first = BIG - 300
    proofs = map(read_proof, receipts(tree, first, 300, BIG, (big.folder / "checkpoint").read_bytes()))
    ours = [(proof.index, [node.hex() for node in proof.path]) for proof in proofs]
    said = oracle("-index", listed(range(first, BIG)), big.folder).said
    assert [(record["index"], record["path"]) for record in said["records"]] == ours


def test_a_log_that_grew_where_it_was_published(oracle: Oracle, tmp_path: Path) -> None:
    """Old partial tiles stay beside the new ones and disturb nobody."""
    before = publish(tmp_path, [entry(index) for index in range(300)])
    root = oracle(tmp_path).said["root"]
    after = publish(tmp_path, [entry(index) for index in range(700)])
    assert (tmp_path / "tile/0/001.p/44").is_file()
    heard = oracle("-old", "300", tmp_path)
    agree(heard, after, [], [300])
    assert heard.said["consistency"][0]["root"] == root == root_of(before.leaves).hex()


def test_a_log_without_entries(oracle: Oracle, tmp_path: Path) -> None:
    log = publish(tmp_path, [])
    assert log.checkpoint.root == EMPTY_ROOT
    agree(oracle(tmp_path), log, [], [])


def test_lines_of_unknown_witnesses_are_passed_over(oracle: Oracle, small: Path) -> None:
    with (small / "checkpoint").open("ab") as file:
        file.write("— vault.example/witness ".encode() + base64.b64encode(bytes(76)) + b"\n")
    assert oracle(small).code == 0


# --------------------------------------------------------------------------------------------------------- alterations


def alter(path: Path, place: int, mask: int = 1) -> None:
    raw = bytearray(path.read_bytes())
    raw[place] ^= mask
    path.write_bytes(raw)


SMALL_TILES: Final = ("tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1")
SMALL_BUNDLES: Final = ("tile/entries/000", "tile/entries/001.p/44")


def test_a_flipped_bit_in_any_file_of_the_export(oracle: Oracle, shop: dict[str, Log], tmp_path: Path) -> None:
    for site in SITES:
        shutil.copytree(shop[site].folder, tmp_path / site)
        files = sorted(path for path in (tmp_path / site).rglob("*") if path.is_file())
        assert len(files) >= 4, files
        for path in files:
            alter(path, path.stat().st_size // 2)
            assert oracle(tmp_path / site).error, path
            alter(path, path.stat().st_size // 2)
        assert oracle(tmp_path / site).code == 0


@pytest.mark.parametrize("name", SMALL_BUNDLES)
def test_a_flipped_bit_in_a_bundle(oracle: Oracle, small: Path, name: str) -> None:
    path = small / name
    length = path.stat().st_size
    chance = random.Random(name)
    for place in (0, 1, 2, length - 1, *(chance.randrange(length) for _ in range(12))):
        mask = 1 << chance.randrange(8)
        alter(path, place, mask)
        assert "entr" in oracle(small).error, (place, mask)
        alter(path, place, mask)
    assert oracle(small).code == 0


@pytest.mark.parametrize("name", SMALL_TILES)
def test_a_flipped_bit_in_a_hash_tile(oracle: Oracle, small: Path, name: str) -> None:
    path = small / name
    length = path.stat().st_size
    chance = random.Random(name)
    for place in (0, length - 1, *(chance.randrange(length) for _ in range(12))):
        mask = 1 << chance.randrange(8)
        alter(path, place, mask)
        assert "tile" in oracle(small).error, (place, mask)
        alter(path, place, mask)
    assert oracle(small).code == 0


@pytest.mark.parametrize(
    "name",
    [
        "tile/0/000",
        "tile/0/272",
        "tile/0/273.p/112",
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
        "tile/entries/000",
        "tile/entries/137",
        "tile/entries/273.p/112",
    ],
)
def test_a_flipped_bit_in_the_log_of_three_levels(oracle: Oracle, big: Log, name: str) -> None:
    path = big.folder / name
    place = path.stat().st_size // 2
    alter(path, place)
    try:
        error = oracle(big.folder).error
    finally:
        alter(path, place)
    assert ("entr" if "entries" in name else "tile") in error


def test_the_altered_entry_is_named(oracle: Oracle, big: Log, tmp_path: Path) -> None:
    entries = [entry(index) for index in range(600)]
    publish(tmp_path, [*entries[:411], b"something else", *entries[412:]], big.leaves[:600])
    assert oracle(tmp_path).error == "entry 411 is not the one whose hash stands in its tile"


def test_an_entry_altered_together_with_its_leaf(oracle: Oracle, small: Path) -> None:
    """x/mod 0.7.0 reads the altered tile without a word at this size: the program must find it out from the entries."""
    alter(small / "tile/entries/000", 2)
    altered = read_bundle((small / "tile/entries/000").read_bytes())
    (small / "tile/0/000").write_bytes(b"".join(map(leaf_hash, altered)))
    error = oracle(small).error
    assert "the entries lead to the root" in error or "inconsistent tile" in error


def test_another_log_under_the_checkpoint_that_was_signed(oracle: Oracle, small: Path) -> None:
    signed_once = (small / "checkpoint").read_bytes()
    publish(small, [b"forged", *(entry(index) for index in range(1, SMALL))])
    assert oracle(small).code == 0, "with a checkpoint of its own it is a log as good as any"
    (small / "checkpoint").write_bytes(signed_once)
    assert "inconsistent tile" in oracle(small).error


def test_a_flipped_bit_anywhere_in_the_checkpoint(oracle: Oracle, small: Path) -> None:
    path, raw = small / "checkpoint", (small / "checkpoint").read_bytes()
    unused_bits = raw.rindex(b"=") - 1
    for place in range(len(raw)):
        if place != unused_bits:
            alter(path, place)
            assert oracle(small).error.startswith("checkpoint: "), place
            alter(path, place)


def test_unused_bits_of_a_signature_are_refused_by_us_alone(oracle: Oracle, small: Path) -> None:
    """Go's base64 reads four spellings of the last character as one; we read one spelling of one note."""
    path = small / "checkpoint"
    head, last = (
        path.read_bytes().removesuffix(b"=\n"),
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    )
    path.write_bytes(head[:-1] + last[last.index(head[-1:]) + 1 :][:1] + b"=\n")
    assert oracle(small).code == 0
    with pytest.raises(Malformed, match="base64"):
        _ = Log(small, []).checkpoint


# ----------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize("name", ["checkpoint", "log.vkey", *SMALL_TILES, *SMALL_BUNDLES])
def test_a_file_that_is_missing_cut_or_no_file(oracle: Oracle, small: Path, name: str) -> None:
    path = small / name
    raw = path.read_bytes()
    for content in (b"", raw[:1], raw[: len(raw) // 2], raw[:-2], raw + b"\0", b"\xff" * len(raw)):
        path.write_bytes(content)
        assert oracle(small).error
    path.unlink()
    assert oracle(small).error
    path.mkdir()
    assert oracle(small).error


@pytest.mark.parametrize("size", [0, 1, 255, 256, 299, 301, 512, 2**40, 2**40 + 1, 2**62, 2**63 - 1])
def test_a_signed_size_that_is_not_the_logs(oracle: Oracle, tmp_path: Path, size: int) -> None:
    log = publish(tmp_path, [entry(index) for index in range(300)])
    (tmp_path / "checkpoint").write_bytes(NOTARY.checkpoint(size, root_of(log.leaves)))
    assert oracle(tmp_path).error


def signed(text: str, name: str = ORIGIN, key: SigningKey = KEY) -> bytes:
    body = text.encode()
    blob = base64.b64encode(note_key_id(name, 1, key.public) + key.sign(body))
    return body + f"\n— {name} ".encode() + blob + b"\n"


def test_signed_notes_that_are_no_checkpoint_of_this_log(oracle: Oracle, tmp_path: Path) -> None:
    log = publish(tmp_path, [entry(index) for index in range(300)])
    root = base64.b64encode(root_of(log.leaves)).decode()
    good = f"{ORIGIN}\n300\n{root}\n"
    (tmp_path / "checkpoint").write_bytes(signed(good))
    assert oracle(tmp_path).code == 0
    for note in (
        signed(good, key=SigningKey(bytes(32))),
        signed(good, name="lab.example/other"),
        signed(f"lab.example/other\n300\n{root}\n"),
        signed(f"{good}an extension\n"),
        signed(f"{ORIGIN}\n300\n"),
        signed(f"{ORIGIN}\n0300\n{root}\n"),
        signed(f"{ORIGIN}\n+300\n{root}\n"),
        signed(f"{ORIGIN}\n-1\n{root}\n"),
        signed(f"{ORIGIN}\n{2**64}\n{root}\n"),
        signed(f"{ORIGIN}\n300\n{root[:-4]}\n"),
        signed("\n"),
        good.encode(),
    ):
        (tmp_path / "checkpoint").write_bytes(note)
        assert oracle(tmp_path).error.startswith("checkpoint: "), note


def test_keys_that_are_not_the_logs(oracle: Oracle, small: Path) -> None:
    own = (small / "log.vkey").read_text(encoding="utf-8").strip()
    name, _, blob = own.split("+", 2)
    for vkey in (
        make_vkey(name, SigningKey(bytes(32)).public),
        make_vkey(name, KEY.public, 0x04),
        make_vkey("lab.example/other", KEY.public),
        f"{name}+00000000+{blob}",
        own.split("+", 1)[1],
        f"{own}\n{own}",
        "+" * 100,
        "",
    ):
        (small / "log.vkey").write_text(f"{vkey}\n", encoding="utf-8")
        assert oracle(small).error, vkey


@pytest.mark.parametrize(
    "flags", [("-index", "300"), ("-index", "-1"), ("-index", "x"), ("-old", "0"), ("-old", "301"), ("-old", "all,")]
)
def test_questions_beyond_the_log(oracle: Oracle, tmp_path: Path, flags: tuple[str, str]) -> None:
    publish(tmp_path, [entry(index) for index in range(300)])
    assert oracle(*flags, tmp_path).error
    assert oracle(*flags, tmp_path / "nowhere").error


# ------------------------------------------------------------------------------------------------------------ its place


def test_the_change_check_brings_go_and_lets_none_of_these_skip() -> None:
    packages = {line.split("#")[0].strip() for line in (ROOT / ".ci/packages.txt").read_text("utf-8").splitlines()}
    assert {"golang-go", "golang-golang-x-mod-dev"} <= packages
    assert "go_oracle" not in (ROOT / ".ci/allowed-skips.txt").read_text("utf-8")
