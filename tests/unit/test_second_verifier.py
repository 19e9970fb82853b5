"""The second verifier, which imports nothing of the product, agrees with the audit: on honest records, and a thousand altered."""

import contextlib
import copy
import io
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from nacl.bindings import crypto_sign_open

from holdgate.bootstrap import read_trust
from holdgate.cli.app import main
from holdgate.cli.records import audit_file
from holdgate.crypto.passkeys import parse_passkey
from holdgate.law.event import AUTHORITY
from holdgate.law.signers import OFFICERS
from holdgate.ledger.note import parse_vkey
from holdgate.package.archive import pack, unpack
from holdgate.package.manifest import MANIFEST
from holdgate.package.verify import verify
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed
from tests import second
from tests.bundles import Taken, flipped, site_of, unspelled
from tests.made_log import Passkey, made
from tests.packages import put_together
from tests.played import demonstration
from tests.scores import record
from tests.tampering import ANY, HUB, NODE, Case, Shop
from tests.tidy.tree import ROOT

MUTATIONS: Final = int(os.environ.get("HOLDGATE_MUTATIONS", "1000"))
SITES: Final = ("FLOOR", "HUB", "NODE-FPI")


class Place(NamedTuple):
    """A shop and its bundles."""

    shop: Path
    bundles: Path

    @property
    def trust(self) -> Path:
        return self.shop / "trust.json"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The demonstration's shop."""
    return Place(*demonstration(tmp_path_factory.mktemp("told")))


@pytest.fixture(scope="module")
def apart(told: Place) -> dict[str, Taken]:
    """Its bundles taken apart; nobody alters these."""
    return {site: Taken.read(told.bundles / f"{site}.bundle") for site in SITES}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A shop whose logs are short."""
    folder = tmp_path_factory.mktemp("small")
    shop = second.small(folder / "shop")
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(("ledger", "export", "--data", str(shop), "--bundles", str(folder / "out"))) == 0
    return Place(shop, folder / "out")


@pytest.fixture(scope="module")
def verifier() -> Iterator[Any]:
    """The file as a module."""
    yield second.load()
    del sys.modules["holdgate_verify"]


class Said(NamedTuple):
    """What the second verifier's command said."""

    code: int
    out: str
    err: str


def said_by(verifier: Any, *arguments: object) -> Said:
    """The second verifier's command, without an interpreter of its own."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = verifier.main([*map(str, arguments)])
    return Said(code, out.getvalue(), err.getvalue())


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The file alone in a fresh interpreter that knows nothing of the project."""
    command = [sys.executable, "-I", str(second.FILE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd="/")


def judged(verifier: Any, raw: bytes, trust: Any) -> Any:
    """The second verifier's first fault, or None."""
    try:
        return verifier.Log(verifier.Bundle.read("it", raw), trust).verify().fault
    except verifier.Refused as fault:
        return {"entry": fault.entry, "what": fault.what}


# ---- honest records


def test_the_file_alone_verifies_the_demonstration_in_a_bare_interpreter(told: Place) -> None:
    done = run("--json", "--trust", told.trust, *sorted(told.bundles.glob("*.bundle")))
    said = json.loads(done.stdout)
    assert (done.returncode, said["holds"], said["between"]) == (0, True, []), done.stderr
    for row in said["records"]:
        [audited] = audit_file(told.bundles / f"{row['site']}.bundle", read_trust(told.trust))
        assert audited.report.holds
        assert (row["entries"], row["root"]) == (audited.report.size, audited.report.root)


def test_it_imports_nothing_but_the_standard_library_and_cryptography() -> None:
    program = f"import sys, runpy; runpy.run_path({str(second.FILE)!r}); print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, timeout=60, check=True)
    tops = {name.partition(".")[0] for name in done.stdout.split()}
    assert "cryptography" in tops
    assert not {"holdgate", "msgspec", "nacl", "starlette", "tests"} & tops


def test_a_passkey_of_each_kind_verifies_and_its_altered_signature_does_not(verifier: Any) -> None:
    for alg in (-7, -8, -257):
        passkey = Passkey(alg)
        good = passkey.assertion(b"message")
        assert verifier.holds(passkey.key, b"message", good)
        assert not verifier.holds(passkey.key, b"another", good)
        for fault in (
            {"host": "else.lan"},
            {"flags": 0x01},
            {"type": "webauthn.create"},
            {"origin": "https://else.lan"},
            {"doubled": '{"type":"webauthn.create",'},
            {"doubled": '{"x":NaN,'},
            {"doubled": '{"x":[-Infinity],'},
        ):
            assert not verifier.holds(passkey.key, b"message", passkey.assertion(b"message", **fault)), fault


@pytest.mark.parametrize("rp_id", ["10.1.2.3", "a.1", "a.0x1f", "a.0x", "0x7f000001", "a.09", "a.0xg", "0x1f.lan"])
def test_a_relying_party_that_browsers_take_for_an_address_has_no_passkeys(verifier: Any, rp_id: str) -> None:
    raw = canon.encode({**json.loads(Passkey(-8).key), "rp_id": rp_id})
    if rp_id in ("a.0xg", "0x1f.lan"):
        assert verifier.read_passkey(raw).rp_id == parse_passkey(raw).rp_id == rp_id
        return
    with pytest.raises(verifier.Refused):
        verifier.read_passkey(raw)
    with pytest.raises(Malformed):
        parse_passkey(raw)


def test_a_log_signed_by_passkeys_and_three_roots_verifies(verifier: Any, tmp_path: Path) -> None:
    path, trust, _ = made(tmp_path, 12, tuple(Passkey(alg) for alg in (-7, -8, -257)))
    assert judged(verifier, path.read_bytes(), verifier.Trust.read(trust.read_bytes())) is None


# ---- altered records


TABLE: Final = [("NODE-FPI", case) for case in NODE.values()] + [("HUB", case) for case in HUB.values()]


@pytest.mark.parametrize(("name", "case"), TABLE, ids=[case.__name__ for _, case in TABLE])
def test_what_the_page_and_the_audit_refuse_the_second_verifier_refuses_at_the_same_entry(
    verifier: Any, told: Place, apart: dict[str, Taken], tmp_path: Path, name: str, case: Case
) -> None:
    taken = {site: Taken(copy.deepcopy(one.head), [*one.entries], [*one.blobs]) for site, one in apart.items()}
    trust = json.loads(told.trust.read_bytes())
    shop = Shop(taken.pop(name), taken, site_of(told.shop, name), copy.deepcopy(trust))
    wanted = case(shop)
    raw = shop.taken.write(tmp_path / "it.bundle").read_bytes()
    fault = judged(verifier, raw, verifier.Trust.read(json.dumps(shop.trust).encode()))
    assert fault is not None
    assert fault["entry"] is not None if wanted == ANY else fault["entry"] == wanted, fault


def test_a_thousand_altered_records_are_judged_as_the_audit_judges_them(
    verifier: Any, small: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One may refuse what the other takes in one case only: the site sealed, with its own key, another decision than it made.

    Only who makes the decision again can see that. Whatever else was altered, both say the same; and what the audit takes, the
    second verifier takes.
    """
    began = time.monotonic()
    known = lru_cache(maxsize=None)(crypto_sign_open)  # a thousand records hold the same signatures
    monkeypatch.setattr("holdgate.crypto.keys.crypto_sign_open", known)
    mine, its = verifier.Trust.read(small.trust.read_bytes()), read_trust(small.trust)
    floor, node, hub = (
        second.Record.read(small.shop, small.bundles, name, most)
        for name, most in (("FLOOR", None), ("NODE-FPI", None), ("HUB", second.HUB_ENTRIES))
    )
    turns = (floor, node, floor, floor, node, floor, floor, hub)
    path = tmp_path / "it.bundle"
    seen: Counter[tuple[bool, bool]] = Counter()
    for seed in range(MUTATIONS):
        mutation = second.mutate(turns[seed % len(turns)], seed)
        path.write_bytes(mutation.raw)
        fault = judged(verifier, mutation.raw, mine)
        [audited] = audit_file(path, its)
        verdicts = (audited.report.holds, fault is None)
        seen[verdicts] += 1
        excused = mutation.decision_alone and verdicts == (False, True)
        if verdicts[0] != verdicts[1] and not excused:
            (tmp_path / f"{seed}.bundle").write_bytes(mutation.raw)
            said = f"the audit says {audited.report.findings}, the second verifier {fault}"
            pytest.fail(f"{tmp_path}/{seed}.bundle, {mutation.name}: {said}")
    command, unit = (
        f"HOLDGATE_MUTATIONS={MUTATIONS} pytest tests/unit/test_second_verifier.py -k thousand",
        "altered records judged twice",
    )
    record(11, "records", MUTATIONS, unit, 0, seconds=time.monotonic() - began, command=command, soak=MUTATIONS > 1_000)
    assert seen[False, False] > MUTATIONS // 2
    assert seen[True, True] > MUTATIONS // 10


def test_two_records_that_tell_different_histories_of_one_log_do_not_hold_together(
    verifier: Any, told: Place, tmp_path: Path
) -> None:
    hub = second.Record.read(told.shop, told.bundles, "HUB", 40)
    (tmp_path / "short.bundle").write_bytes(hub.raw)
    done = said_by(verifier, "--trust", told.trust, tmp_path / "short.bundle", told.bundles / "NODE-FPI.bundle")
    assert done.code == 1
    assert "took in" in done.out


def test_a_record_that_does_not_lead_through_a_kept_checkpoint_does_not_hold(
    verifier: Any, told: Place, tmp_path: Path
) -> None:
    taken = Taken.read(told.bundles / "HUB.bundle")
    assert taken.head is not None
    kept = tmp_path / "kept.note"
    kept.write_bytes(unspelled(taken.head["cosignatures"]["VAULT"]))
    (tmp_path / "short.bundle").write_bytes(second.Record.read(told.shop, told.bundles, "HUB", 40).raw)
    assert said_by(verifier, "--trust", told.trust, "--cosigned", kept, told.bundles / "HUB.bundle").code == 0
    done = said_by(verifier, "--trust", told.trust, "--cosigned", kept, tmp_path / "short.bundle")
    assert done.code == 1
    assert "does not lead through" in done.out


@pytest.mark.parametrize("arguments", [(), ("nowhere.bundle",), ("--trust", "nowhere.json", "nowhere.bundle")])
def test_what_cannot_be_judged_gives_exit_code_2_and_a_sentence(verifier: Any, arguments: tuple[str, ...]) -> None:
    done = said_by(verifier, *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("holdgate-verify: ")


# ---- receipts


SPEC: Final = ROOT / "docs" / "spec" / "examples"


def test_the_receipt_of_the_specification_proves_its_entry_and_no_other(verifier: Any, tmp_path: Path) -> None:
    keys = json.loads((SPEC / "keys.json").read_bytes())
    trust, vkey = tmp_path / "trust.json", tmp_path / "log.vkey"
    trust.write_text(json.dumps({"roots": keys["roots"]}), encoding="utf-8")
    vkey.write_text(keys["logs"]["NODE-FPI"], encoding="utf-8")
    receipt = ("--receipt", SPEC / "step-sign.receipt.txt")
    for key in (("--vkey", vkey), ("--charter", SPEC / "charter.envelope.json", "--trust", trust)):
        assert said_by(verifier, *receipt, *key, "--entry", SPEC / "step-sign.entry.json").code == 0
        assert said_by(verifier, *receipt, *key, "--entry", SPEC / "arrival.entry.json").code == 1
    vkey.write_text(keys["logs"]["HUB"], encoding="utf-8")
    assert said_by(verifier, *receipt, "--vkey", vkey, "--entry", SPEC / "step-sign.entry.json").code == 1


# ---- what the pages say, and what the code says


def test_the_pages_limits_officers_and_words_are_the_codes(verifier: Any) -> None:
    kinds = {event.__name__: kind for event, kind in AUTHORITY.items()}
    assert verifier.SAYS["node"] == {name for name, kind in kinds.items() if kind == "node"}
    assert verifier.SAYS["floor_hub"] == {name for name, kind in kinds.items() if kind == "floor_hub"}
    assert {name for name, kind in kinds.items() if kind == "own"} == verifier.OWN
    page = (ROOT / "docs" / "spec" / "segment.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in verifier.OWN.union(*verifier.SAYS.values()))
    assert set(verifier.OFFICERS) == set(OFFICERS)
    assert [verifier.ENTRY_BYTES, verifier.PAYLOAD_BYTES] == [limits.ENTRY_BYTES_MAX, limits.PAYLOAD_BYTES_MAX]
    assert (verifier.ENVELOPE_BYTES, verifier.SIGNATURES) == (limits.ENVELOPE_BYTES_MAX, limits.SIGNATURES_MAX)
    assert (verifier.STRETCH, verifier.PINS, verifier.LEVELS) == (
        limits.IMPORT_ENTRIES_MAX, limits.PINS_MAX, limits.PAYLOAD_DEPTH_MAX,
    )  # fmt: skip


# ---- packages


class Job(NamedTuple):
    """The package of a job, and the keys to check it with: the product's and the second verifier's."""

    raw: bytes
    trust: Path

    def judged(self, verifier: Any, raw: bytes) -> tuple[int, int]:
        """The exit codes of `holdgate verify` and of the second verifier."""
        keys = read_trust(self.trust)
        try:
            mine = int(bool(verify(raw, keys.roots, [parse_vkey(text) for text in keys.witnesses]).faults))
        except Malformed:
            mine = 2
        try:
            its = verifier.Package("it", raw, verifier.Trust.read(self.trust.read_bytes())).verify()["fault"]
        except verifier.CannotJudge:
            return mine, 2
        return mine, int(its is not None)


@pytest.fixture(scope="module")
def job(told: Place, tmp_path_factory: pytest.TempPathFactory) -> Job:
    return Job(pack(put_together(told.shop, "PO-1001/J-1").parts), told.trust)


def test_its_command_verifies_a_package(verifier: Any, job: Job, tmp_path: Path) -> None:
    path = tmp_path / "it.package"
    path.write_bytes(job.raw)
    done = said_by(verifier, "--trust", job.trust, path)
    assert done.code == 0, done.out
    parts = unpack(job.raw)
    del parts[MANIFEST]
    path.write_bytes(pack(parts))
    assert run("--trust", job.trust, path).returncode == 2


def test_packages_are_judged_as_holdgate_verify_judges_them(verifier: Any, job: Job) -> None:
    assert job.judged(verifier, job.raw) == (0, 0)
    parts = unpack(job.raw)
    assert verifier.zip_of(parts) == job.raw
    of_each_kind = {name if name.startswith("logs/") else name.rpartition("/")[0] or name: name for name in parts}
    for name, part in [(name, parts[name]) for name in of_each_kind.values()]:
        lacking = {other: part for other, part in parts.items() if other != name}
        code = 2 if name == MANIFEST else 1
        assert job.judged(verifier, pack(lacking)) == (code, code), name
        mine, its = job.judged(verifier, pack({**parts, name: flipped(part, len(part) // 2)}))
        assert mine == its != 0, name


MANIFESTS: Final[dict[str, tuple[int, Callable[[dict[str, Any]], object]]]] = {
    "another format": (2, lambda row: row.update(format="holdgate-package/2")),
    "another scope": (2, lambda row: row.update(scope="some")),
    "no order": (2, lambda row: row.pop("order")),
    "a field more": (2, lambda row: row.update(more=1)),
    "a time in words": (2, lambda row: row.update(until="today")),
    "no list of parts": (2, lambda row: row.update(parts=None)),
    "a part without a size": (2, lambda row: row["parts"][0].pop("size")),
    "something missing that is no text": (2, lambda row: row.update(missing=[1])),
    "another order": (1, lambda row: row.update(order="PO-9", job="J-9")),
    "an order that is none": (1, lambda row: row.update(order="", job="")),
    "another time": (1, lambda row: row.update(until=1)),
    "a time before all": (1, lambda row: row.update(until=-1)),
    "something withheld that is no place": (1, lambda row: row.update(withheld=["HUB"])),
    "parts in another order": (1, lambda row: row["parts"].reverse()),
    "a part twice": (1, lambda row: row["parts"].append(row["parts"][-1])),
    "a part less": (1, lambda row: row["parts"].pop()),
    "a part of another size": (1, lambda row: row["parts"][0].update(size=-1)),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_that_is_none_cannot_be_judged_and_one_that_lies_does_not_hold(
    verifier: Any, job: Job, name: str
) -> None:
    code, change = MANIFESTS[name]
    parts = unpack(job.raw)
    row = json.loads(parts[MANIFEST])
    change(row)
    assert job.judged(verifier, pack({**parts, MANIFEST: canon.encode(row)})) == (code, code)


def test_a_manifest_in_another_spelling_cannot_be_judged(verifier: Any, job: Job) -> None:
    parts = unpack(job.raw)
    for raw in (b"", b"[]", b"\xff", parts[MANIFEST] + b"\n", parts[MANIFEST].replace(b"{", b'{"job":"J-1",', 1)):
        assert job.judged(verifier, pack({**parts, MANIFEST: raw})) == (2, 2)


def test_an_archive_in_another_spelling_is_not_judged(verifier: Any) -> None:
    good = verifier.zip_of({"README.txt": b"words", "manifest.json": b"{}"})
    assert list(verifier.read_zip(good)) == ["README.txt", "manifest.json"]
    unsound = [
        good + b"\0", b"\0" + good, good[:-1], b"PK", b"", good.replace(b"words", b"Words"),
        verifier.zip_of({"manifest.json": b"{}", "README.txt": b"words"}),
        verifier.zip_of({"../a": b""}), verifier.zip_of({"a//b": b""}),
    ]  # fmt: skip
    for raw in unsound:
        with pytest.raises(verifier.CannotJudge):
            verifier.read_zip(raw)
