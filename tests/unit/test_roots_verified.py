"""Exchanges of the roots, judged by the audit, the page and the second verifier: alike, whatever trust file the reader brings."""

import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import pytest
from msgspec.structs import replace

from holdgate.audit.trust import Trust
from holdgate.bootstrap import read_trust
from holdgate.cli.records import audit_file
from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import digest, sha256
from holdgate.crypto.keys import SigningKey
from holdgate.identity.roots import ROOT_TYPE, RootDocument, Roots, follow, founding_roots
from holdgate.law.command import PAYLOAD_TYPE
from holdgate.scenario.draft import FIRST_ROOT, SEED
from holdgate.terms import canon
from holdgate.terms.errors import HoldgateError
from holdgate.terms.limits import ROOTS_MAX
from holdgate.web.verifier.assemble import modules
from tests.builders import ROOT as FOUNDER
from tests.builders import charter, key_of
from tests.bundles import Taken, command_of, signed, site_of, spelled, unspelled
from tests.commands import well
from tests.played import played
from tests.rotations import KEEPERS, drawn, sealed
from tests.scores import record
from tests.second import load
from tests.tidy.tree import ROOT

pytestmark = pytest.mark.timeout(300)
NODE_JS: Final = shutil.which("node")
needs_node = pytest.mark.skipif(NODE_JS is None, reason="node is not installed (Debian: nodejs)")
SITES: Final = ("HUB", "NODE-FPI")
FIRST: Final = founding_roots(charter())


@pytest.fixture(scope="module")
def verifier() -> Any:
    return load()


class Place(NamedTuple):
    """A shop whose roots were exchanged three times, its bundles, and trust files of several readers."""

    shop: Path
    bundles: Path
    first: Path
    newest: Path
    middle: Path
    other: Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("exchanged")
    shop = played(folder, "230")
    bundles = folder / "bundles"
    well("ledger", "export", "--data", shop, "--bundles", bundles)
    well("root", "history", shop, "--out", folder / "newest.json")
    first, newest = shop / "trust.json", read_trust(folder / "newest.json")
    assert len(newest.rotations) == 3
    middle = written(folder / "middle.json", replace(newest, rotations=newest.rotations[:1]))
    own = Roots(keys=newest.roots, threshold=1, history=(json.loads(newest.rotations[0].payload)["before"],))
    raw = sealed(drawn(own, KEEPERS[:2], 1), (SigningKey.from_seed(FIRST_ROOT), KEEPERS[0]))
    other = written(folder / "other.json", replace(newest, rotations=(open_envelope(raw, ROOT_TYPE),)))
    return Place(shop, bundles, first, folder / "newest.json", middle, other)


def written(path: Path, trust: Trust) -> Path:
    path.write_bytes(msgspec.json.encode(trust))
    return path


def page(folder: Path, jobs: Sequence[Sequence[Path]]) -> list[Any]:
    """What the page says of each of these sets of files, under node."""
    for name, text in modules().items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    (folder / "package.json").write_text('{"type":"module"}', encoding="utf-8")
    asked = [{"op": "verify", "files": [str(path) for path in files]} for files in jobs]
    (folder / "jobs.json").write_text(json.dumps(asked), encoding="utf-8")
    command = [NODE_JS or "node", str(ROOT / "tests" / "verifier.mjs"), str(folder), str(folder / "jobs.json")]
    env = {"PATH": os.environ.get("PATH", "")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False, env=env)
    assert done.returncode == 0, done.stderr[-4000:]
    answers: list[Any] = json.loads(done.stdout)
    return answers


def judged(verifier: Any, bundle: Path, trust: Path) -> tuple[str, str]:
    """What the audit and the second verifier find first in a bundle; empty where they find nothing."""
    [found] = audit_file(bundle, read_trust(trust))
    mine = next((finding.what for finding in found.report.findings), "")
    try:
        held = verifier.Bundle.read("it", bundle.read_bytes())
        fault = verifier.Log(held, verifier.Trust.read(trust.read_bytes())).verify().fault
    except verifier.Refused as refused:
        return mine, refused.what
    return mine, "" if fault is None else fault["what"]


# ---- records


@pytest.mark.parametrize("site", SITES)
def test_every_reader_judges_an_honest_record_alike(place: Place, verifier: Any, site: str) -> None:
    bundle = place.bundles / f"{site}.bundle"
    for trust in (place.first, place.middle, place.newest):
        assert judged(verifier, bundle, trust) == ("", "")
    mine, its = judged(verifier, bundle, place.other)
    assert "another one than you trust" in mine
    assert "others than the reader knows of" in its


@needs_node
def test_the_page_judges_it_the_same(place: Place, tmp_path: Path) -> None:
    bundles = [place.bundles / f"{site}.bundle" for site in SITES]
    *good, other = page(
        tmp_path, [[trust, *bundles] for trust in (place.first, place.middle, place.newest, place.other)]
    )
    for answer in good:
        assert [(one["findings"], one["rootVersion"]) for one in answer["reports"]] == [([], 4), ([], 4)], answer
    assert all("than your trust file knows of" in one["findings"][0]["what"] for one in other["reports"])


def officer(name: str) -> tuple[str, SigningKey]:
    return name, SigningKey.from_seed(sha256(f"{SEED}|{name}".encode()))


def forged(place: Place, folder: Path, name: str) -> tuple[Path, int]:
    """The hub's log, gone on by whoever holds its key and, by all but the last of these, two officers'; signed anew."""
    taken = Taken.read(place.bundles / "HUB.bundle")
    last = max(seq for seq in taken.all("action", "root.rotate") if taken.entry(seq)["decision"]["verdict"] == "allow")
    entry = taken.entry(last)
    command = command_of(entry) | {"nonce": name}
    (event,) = entry["decision"]["events"]
    before = unspelled(json.loads(unspelled(command["document"]))["payload"])
    roots = Roots(keys=(), threshold=0, history=("",) * (event["version"] - 1) + (digest(before),))
    document = drawn(roots, KEEPERS[:2], 1)
    signers = (officer("BEN")[1], officer("EVE")[1]) if name == "too few of the old ones" else (KEEPERS[0],)
    raw = sealed(document, (*signers, KEEPERS[0]) if signers[0] is not KEEPERS[0] else signers)
    said = {**event, "version": document.version, "threshold": 1, "document": digest(canon.encode(document))}
    said["roots"] = [spelled(key) for key in document.roots]
    if name != "the same document once more":
        command["document"], event = spelled(raw), said
    if name == "an event of its own":
        command["document"] = command_of(entry)["document"]
    people = [("SID-ADM-01", "admin"), ("SID-QA-01", "qa")][: 1 if name == "one officer" else 2]
    command["signers"] = [{"id": person, "role": role} for person, role in people]
    command.pop("place", None)
    envelope = signed(command, PAYLOAD_TYPE, *(officer(person) for person, _ in people))
    taken.act(envelope, subject="charter", decision={**entry["decision"], "events": [event]})
    taken.sign(site_of(place.shop, "HUB"))
    return taken.write(folder / f"{name.replace(' ', '-')}.bundle"), len(taken.entries) - 1


FORGERIES: Final = (
    "roots of its own",
    "too few of the old ones",
    "the same document once more",
    "an event of its own",
    "one officer",
)


def test_a_hub_that_goes_on_by_itself_is_refused_by_all_three(place: Place, verifier: Any, tmp_path: Path) -> None:
    """Whoever holds the hub, its log's key and two officers' keys: without enough keepers no reader follows."""
    made = [forged(place, tmp_path, name) for name in FORGERIES]
    for (path, seq), name in zip(made, FORGERIES, strict=True):
        [found] = audit_file(path, read_trust(place.first))
        assert [finding.seq for finding in found.report.findings][:1] == [seq], (name, found.report.findings)
        assert judged(verifier, path, place.first)[1], name
    if NODE_JS is not None:
        answers = page(tmp_path, [[place.first, path] for path, _ in made])
        for answer, (_, seq), name in zip(answers, made, FORGERIES, strict=True):
            assert answer["reports"][0]["findings"][0]["seq"] == seq, (name, answer["reports"][0]["findings"])


# ---- the second verifier follows a document where the product does


def mine(roots: Roots, raw: bytes) -> tuple[Any, ...] | None:
    try:
        after = follow(roots, "LAB", raw)
    except HoldgateError:
        return None
    return after.keys, after.threshold, after.history


def its(verifier: Any, roots: Roots, raw: bytes) -> tuple[Any, ...] | None:
    held = verifier.Roots("LAB", roots.keys, roots.threshold, roots.history, frozenset(roots.former))
    try:
        after = held.follow(raw)
    except verifier.Refused:
        return None
    return tuple(after.keys), after.threshold, after.history


DOCUMENTS: Final = int(os.environ.get("HOLDGATE_ROOT_DOCUMENTS", "1000"))
WEAK: Final = (bytes(32), (1).to_bytes(32, "little"), b"\xff" * 32, bytes(31))


def some(chance: random.Random, roots: Roots, keepers: Sequence[SigningKey]) -> bytes:
    """A document that may follow, or may not."""
    keys = chance.sample(KEEPERS, chance.randrange(1, 5))
    document = drawn(roots, keys, chance.randrange(1, len(keys) + 1))
    if not chance.randrange(4):
        named: dict[str, Any] = {
            "version": chance.choice([1, 2, 3, 4]),
            "org": "OTHER",
            "before": "0" * 64,
            "threshold": chance.choice([0, 9]),
            "v": 2,
            "roots": (*document.roots, chance.choice([*WEAK, document.roots[0], FOUNDER.public])),
        }
        field = chance.choice([*named])
        document = replace(document, **{field: named[field]})
    signers = [key for key in dict.fromkeys((*keepers, *keys)) if chance.randrange(4)]
    if not chance.randrange(8):
        signers.append(key_of("STRANGER"))
    raw = sealed(document, signers or keepers[:1])
    if not chance.randrange(8):
        place = chance.randrange(len(raw))
        raw = raw[:place] + bytes([raw[place] ^ (1 << chance.randrange(7))]) + raw[place + 1 :]
    return raw


def test_a_thousand_documents_are_judged_alike(verifier: Any) -> None:
    chance, begun = random.Random(12), time.monotonic()
    roots = FIRST
    keepers: tuple[SigningKey, ...] = (FOUNDER,)
    followed, apart = 0, []
    for _ in range(DOCUMENTS):
        raw = some(chance, roots, keepers)
        after = mine(roots, raw)
        if after != its(verifier, roots, raw):
            apart.append(raw)
        if after is not None:
            followed += 1
            document = msgspec.json.decode(open_envelope(raw, ROOT_TYPE).payload, type=RootDocument)
            roots = follow(roots, "LAB", raw)
            keepers = tuple(key for key in KEEPERS if key.public in document.roots)
        if len(roots.former) > 3 or not chance.randrange(20):
            roots, keepers = FIRST, (FOUNDER,)
    record(
        11,
        "root-documents",
        DOCUMENTS,
        "root documents, judged by the product and by the second verifier",
        len(apart),
        seconds=time.monotonic() - begun,
        command="HOLDGATE_ROOT_DOCUMENTS=100000 pytest tests/unit/test_roots_verified.py -k documents",
        soak=DOCUMENTS > 1_000,
        note=f"{followed} of them followed",
    )
    assert not apart, apart[0]
    assert DOCUMENTS // 10 < followed < DOCUMENTS * 9 // 10


def test_the_limits_are_the_same(verifier: Any) -> None:
    assert (verifier.ROOTS, verifier.ROOT_TYPE) == (ROOTS_MAX, ROOT_TYPE)
    page = (ROOT / "docs" / "spec" / "roots.md").read_text(encoding="utf-8")
    assert f"holds 1 to {ROOTS_MAX} keys" in page
