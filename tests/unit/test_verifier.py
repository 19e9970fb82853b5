"""The verifier page's modules under node: honest bundles of real shops verify, altered ones are refused and the first fault is
named; whatever the page refuses here, the audit in Python refuses too."""

import base64
import copy
import json
import random
import re
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from holdgate.bootstrap import read_trust
from holdgate.cli.records import Audited, audit_file
from holdgate.crypto.keys import SigningKey, check_enrollable, verify
from holdgate.law import command as c
from holdgate.law.chronicle import TAKES_DOCUMENTS
from holdgate.ledger.merkle import inclusion_path
from holdgate.ledger.note import Notary, make_vkey
from holdgate.ledger.proof import write_proof
from holdgate.terms import canon
from holdgate.terms.errors import Malformed
from holdgate.web.verifier.assemble import modules
from tests.bundle_spellings import REFUSED, TAKEN, respelled
from tests.bundles import Taken, flipped, site_of, spelled
from tests.javascript import Job, javascript, needs_node
from tests.made_log import HOST, Passkey, made
from tests.played import demonstration
from tests.tampering import ANY, HUB, NODE, STRANGER, Case, Shop

pytestmark = [
    needs_node,
    pytest.mark.timeout(300),
]
SITES = ("FLOOR", "HUB", "NODE-FPI")


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sequence[Job]], list[Any]]:
    """Lets node do jobs and gives its answers."""
    return javascript(tmp_path_factory)


class Told(NamedTuple):
    """The demonstration's shop and its bundles."""

    shop: Path
    bundles: Path

    @property
    def trust(self) -> Path:
        return self.shop / "trust.json"


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(*demonstration(tmp_path_factory.mktemp("verifier")))


def audited(path: Path, trust: Path) -> Audited:
    [found] = audit_file(path, read_trust(trust))
    return found


# ---- honest records


def test_honest_bundles_verify_and_say_the_same_as_the_audit(
    told: Told, ask: Callable[[Sequence[Job]], list[Any]]
) -> None:
    files = [str(told.trust), *(str(told.bundles / f"{site}.bundle") for site in SITES)]
    [answer] = ask([{"op": "verify", "files": files}])
    assert answer["kinds"] == ["trust", "bundle", "bundle", "bundle"]
    for site, said in zip(SITES, answer["reports"], strict=True):
        report = audited(told.bundles / f"{site}.bundle", told.trust).report
        assert said["findings"] == report.findings == []
        assert (said["site"], said["origin"], said["size"]) == (report.site, report.origin, report.size)
        assert (said["root"], said["denials"]) == (report.root, report.denials)
        assert (said["signedSize"], said["beyond"]) == (report.signed_size, report.beyond)
        assert (said["cosigned"], said["outside"]) == (report.cosigned, report.outside)
        assert said["imports"] == {origin: taken.size for origin, taken in report.imports.items()}
        assert {row["state"] for row in said["rows"]} == {"verified"}


def test_an_entry_is_told_with_who_in_which_role_meaning_and_codes(
    told: Told, ask: Callable[[Sequence[Job]], list[Any]]
) -> None:
    [answer] = ask([{"op": "verify", "files": [str(told.trust), str(told.bundles / "NODE-FPI.bundle")]}])
    [report] = answer["reports"]
    assert (report["zone"], report["shop"]) == ("America/Chicago", "Example NDT & Materials Lab")
    signed = [row for row in report["rows"] if row["act"] == "step.sign" and row["verdict"] == "allow"]
    person = {"id": "SID-TEC-11", "name": "M. Alvarez", "role": "technician", "meaning": "performed and accepted"}
    assert signed
    assert signed[0]["who"] == [person]
    refused = [row["codes"] for row in report["rows"] if row["verdict"] == "deny"]
    assert ["NO_ARRIVAL"] in refused


def test_entries_after_the_checkpoint_are_said_to_be_unsigned(
    told: Told, tmp_path: Path, ask: Callable[[Sequence[Job]], list[Any]]
) -> None:
    taken = Taken.read(told.bundles / "NODE-FPI.bundle")
    site, size = site_of(told.shop, "NODE-FPI"), len(taken.entries) - 2
    short = copy.deepcopy(taken)
    del short.entries[size:]
    short.sign(site)
    assert taken.head is not None
    assert short.head is not None
    taken.head["checkpoint"] = short.head["checkpoint"]
    path = taken.write(tmp_path / "x.bundle")
    [answer] = ask([{"op": "verify", "files": [str(told.trust), str(path)]}])
    [report] = answer["reports"]
    assert (report["findings"], report["beyond"]) == ([], 2)
    assert [row["state"] for row in report["rows"][-3:]] == ["verified", "unsigned", "unsigned"]
    assert audited(path, told.trust).report.beyond == 2


def test_a_witness_outside_of_the_shop_is_told_from_the_shop_s_own(
    told: Told, tmp_path: Path, ask: Callable[[Sequence[Job]], list[Any]]
) -> None:
    trust = json.loads(told.trust.read_bytes())
    trust["witnesses"].append(make_vkey("client.test/witness", STRANGER.public, 4))
    (tmp_path / "trust.json").write_text(json.dumps(trust))
    path = told.bundles / "NODE-FPI.bundle"
    [answer] = ask([{"op": "verify", "files": [str(tmp_path / "trust.json"), str(path)]}])
    [report] = answer["reports"]
    said = audited(path, tmp_path / "trust.json").report
    assert (report["findings"], report["outside"]) == (said.findings, said.outside) == ([], {})
    assert report["cosigned"] == said.cosigned


def test_what_one_site_took_in_is_held_against_the_other_s_bundle(
    told: Told, tmp_path: Path, ask: Callable[[Sequence[Job]], list[Any]]
) -> None:
    """A node's log that ends earlier is sound in itself; the hub took in more of it."""
    taken = Taken.read(told.bundles / "NODE-FPI.bundle")
    size = len(taken.entries) // 2
    del taken.entries[size:]
    assert taken.head is not None
    taken.head["cosignatures"] = {}
    taken.sign(site_of(told.shop, "NODE-FPI"))
    short = taken.write(tmp_path / "NODE-FPI.bundle")
    files = [str(told.trust), str(told.bundles / "HUB.bundle"), str(short)]
    [answer] = ask([{"op": "verify", "files": files}])
    assert [len(report["findings"]) for report in answer["reports"]] == [1, 0]
    assert f"which shows only {size} here" in answer["reports"][0]["findings"][0]["what"]


def test_long_work_can_be_cancelled(told: Told, ask: Callable[[Sequence[Job]], list[Any]]) -> None:
    files = [str(told.trust), str(told.bundles / "HUB.bundle")]
    [answer] = ask([{"op": "verify", "files": files, "cancelAfter": 0}])
    assert answer == {"cancelled": True}


# ---- altered records


def altered(told: Told, name: str, site: str, case: Case, folder: Path) -> tuple[Path, Path, int | None]:
    """Do what a case says; gives bundle, trust file and the entry that has to be named."""
    bundles = {each: Taken.read(told.bundles / f"{each}.bundle") for each in SITES}
    shop = Shop(bundles[site], bundles, site_of(told.shop, site), json.loads(told.trust.read_bytes()))
    expected = case(shop)
    place = folder / name
    place.mkdir()
    (place / "trust.json").write_text(json.dumps(shop.trust))
    return shop.taken.write(place / "x.bundle"), place / "trust.json", expected


CASES = [
    *((name, "NODE-FPI", case) for name, case in NODE.items()),
    *((name, "HUB", case) for name, case in HUB.items()),
]


@pytest.fixture(scope="session")
def refused(
    told: Told, ask: Callable[[Sequence[Job]], list[Any]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Path, Path, int | None, Any]]:
    """Every case, and what the page says to it."""
    folder = tmp_path_factory.mktemp("altered")
    made = {name: altered(told, name, site, case, folder) for name, site, case in CASES}
    answers = ask([{"op": "verify", "files": [str(trust), str(path)]} for path, trust, _ in made.values()])
    return {name: (*row, answer) for (name, row), answer in zip(made.items(), answers, strict=True)}


def test_there_are_many_ways_to_alter_a_record() -> None:
    assert len(CASES) == len({name for name, _, _ in CASES}) >= 60


@pytest.mark.parametrize("name", [name for name, _, _ in CASES])
def test_an_altered_record_is_refused_and_the_first_fault_named(
    name: str, refused: dict[str, tuple[Path, Path, int | None, Any]]
) -> None:
    path, trust, expected, answer = refused[name]
    [report] = answer["reports"]
    assert report["findings"], "the page does not see it"
    first = report["findings"][0]
    assert first["what"]
    if expected == ANY:
        assert first["seq"] is not None, first
    else:
        assert first["seq"] == expected, first
    assert not audited(path, trust).report.holds, "the audit in Python does not see it"
    if first["seq"] is not None:
        assert report["rows"][first["seq"]]["state"] == "fault"


def somewhere_else(value: Any, chance: random.Random) -> Any:
    """The value with one part of it replaced by something of another kind."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(sorted(value))
        return {**value, key: somewhere_else(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        at = chance.randrange(len(value))
        return [*value[:at], somewhere_else(value[at], chance), *value[at + 1 :]]
    odd: tuple[Any, ...] = (
        None,
        True,
        -1,
        2**53,
        "",
        "x",
        [],
        {},
        [None],
        {"ev": 1},
        "__proto__",
        {"__proto__": {}},
        "AAAA",
    )
    return chance.choice([other for other in odd if other != value])


def test_no_entry_does_anything_to_the_page_but_be_refused(
    told: Told, tmp_path: Path, ask: Callable[[Sequence[Job]], list[Any]]
) -> None:
    chance = random.Random(11)
    jobs = []
    for number in range(150):
        taken = Taken.read(told.bundles / "FLOOR.bundle")
        seq = chance.randrange(len(taken.entries))
        taken.put(
            seq, json.dumps(somewhere_else(taken.entry(seq), chance), sort_keys=True, separators=(",", ":")).encode()
        )
        taken.sign(site_of(told.shop, "FLOOR"))
        path = taken.write(tmp_path / f"{number}.bundle")
        jobs.append({"op": "verify", "files": [str(told.trust), str(path)]})
    for answer in ask(jobs):
        assert answer["reports"][0]["findings"], answer


def test_a_bundle_is_read_in_the_spellings_that_are_allowed_and_in_no_other(
    told: Told, tmp_path: Path, ask: Callable[[Sequence[Job]], list[Any]]
) -> None:
    good = (told.bundles / "FLOOR.bundle").read_bytes()
    jobs = []
    for number, spell in enumerate((*REFUSED.values(), *TAKEN.values())):
        path = tmp_path / f"{number}.bundle"
        path.write_bytes(respelled(good, spell))
        jobs.append({"op": "verify", "files": [str(told.trust), str(path)]})
    answers = ask(jobs)
    for name, job, answer in zip((*REFUSED, *TAKEN), jobs, answers, strict=True):
        findings = answer["reports"][0]["findings"]
        assert bool(findings) == (name in REFUSED), (name, findings)
        if name in REFUSED:
            assert findings[0]["seq"] is None, (name, findings)
        report = audited(Path(job["files"][1]), told.trust).report
        assert report.holds == (name in TAKEN), (name, report.findings)


def test_its_colours_can_be_read_by_everybody() -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1 for text, in light and in dark."""
    style = (resources.files("holdgate.web.verifier") / "verifier.css").read_text(encoding="utf-8")
    schemes = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", part))
        for part in style.split("prefers-color-scheme: dark")[:2]
    ]
    assert [len(scheme) for scheme in schemes] == [13, 13]
    pairs = [
        (ink, ground) for ink in ("ink", "soft", "accent", "good", "bad", "care") for ground in ("ground", "raised")
    ]
    pairs += [("good", "good-ground"), ("bad", "bad-ground"), ("care", "care-ground"), ("on-accent", "accent")]
    for scheme in schemes:
        for ink, ground in pairs:
            light, dark = sorted((luminance(scheme[ink]), luminance(scheme[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# ---- receipts


def receipt_files(told: Told, folder: Path, seq: int) -> tuple[Path, Path]:
    """The receipt of a node's entry under the log's own checkpoint, and the entry."""
    taken = Taken.read(told.bundles / "NODE-FPI.bundle")
    site = site_of(told.shop, "NODE-FPI")
    leaves = [leaf for leaf, _ in taken.entries]
    assert taken.head is not None
    proof = write_proof(seq, inclusion_path(leaves, seq), base64.b64decode(taken.head["checkpoint"]))
    assert Notary(site.origin, site.key).vkey
    (folder / "receipt.txt").write_bytes(proof)
    (folder / "entry.json").write_bytes(taken.entries[seq][1])
    return folder / "receipt.txt", folder / "entry.json"


def test_a_receipt_is_verified_by_the_charter_a_bundle_or_a_key(
    told: Told, tmp_path: Path, ask: Callable[[Sequence[Job]], list[Any]]
) -> None:
    seq = Taken.read(told.bundles / "NODE-FPI.bundle").last("action", act="step.sign")
    receipt, entry = receipt_files(told, tmp_path, seq)
    site = site_of(told.shop, "NODE-FPI")
    (tmp_path / "log.vkey").write_text(make_vkey(site.origin, site.key.public) + "\n")
    charter, bundle = told.shop / "charter.json", told.bundles / "NODE-FPI.bundle"
    ways = [[entry, charter], [bundle], [entry, tmp_path / "log.vkey"], [bundle, entry, charter]]
    base = [str(told.trust), str(receipt)]
    answers = ask([{"op": "verify", "files": [*base, *map(str, way)]} for way in ways])
    found = [answer["receipts"][0] for answer in answers]
    assert [(one.get("why"), one.get("index")) for one in found] == [(None, seq)] * 4
    assert [one["signed"] for one in found] == ["unknown", "record", "unknown", "record"]
    assert found[0]["row"]["who"][0]["role"] == "technician"


def test_a_receipt_of_another_history_than_the_record_is_refused(
    told: Told, tmp_path: Path, ask: Callable[[Sequence[Job]], list[Any]]
) -> None:
    """A lying site wrote its end anew; somebody kept the receipt of what was there before."""
    taken = Taken.read(told.bundles / "NODE-FPI.bundle")
    receipt, entry = receipt_files(told, tmp_path, len(taken.entries) - 1)
    del taken.entries[-1]
    assert taken.head is not None
    taken.head["cosignatures"] = {}
    decision = {"events": [{"ev": "ContactChanged", "site": "HUB", "up": False}], "verdict": "allow"}
    source = {"module": "HUB", "node": "NODE-FPI"}
    record = {"site": "HUB", "up": False}
    taken.append(kind="contact", subject="site:HUB", record=record, decision=decision, source=source)
    taken.sign(site_of(told.shop, "NODE-FPI"))
    anew = taken.write(tmp_path / "anew.bundle")
    files = [told.trust, receipt, entry, anew, told.shop / "charter.json"]
    [answer] = ask([{"op": "verify", "files": [*map(str, files)]}])
    assert answer["reports"][0]["findings"] == []
    assert "two histories" in answer["receipts"][0]["why"]


def test_a_receipt_that_does_not_fit_is_refused(
    told: Told, tmp_path: Path, ask: Callable[[Sequence[Job]], list[Any]]
) -> None:
    seq = Taken.read(told.bundles / "NODE-FPI.bundle").all("action")[5]
    receipt, entry = receipt_files(told, tmp_path, seq)
    charter = told.shop / "charter.json"
    other = tmp_path / "other.json"
    other.write_bytes(flipped(entry.read_bytes(), 40))
    lines = receipt.read_bytes().split(b"\n")
    cut = tmp_path / "cut.txt"
    cut.write_bytes(b"\n".join([*lines[:2], *lines[3:]]))
    moved = tmp_path / "moved.txt"
    moved.write_bytes(b"\n".join([lines[0], b"index %d" % (seq + 1), *lines[2:]]))
    size = len(Taken.read(told.bundles / "NODE-FPI.bundle").entries)
    false = tmp_path / "false.txt"
    false.write_bytes(receipt.read_bytes().replace(b"\n%d\n" % size, b"\n%d\n" % (size - 1)))
    key = tmp_path / "log.vkey"
    key.write_text(make_vkey(site_of(told.shop, "NODE-FPI").origin, STRANGER.public))
    ways = [
        [receipt, other, charter],
        [cut, entry, charter],
        [moved, entry, charter],
        [false, entry, charter],
        [receipt, charter],
        [receipt, entry],
        [receipt, entry, key],
    ]
    answers = ask([{"op": "verify", "files": [str(told.trust), *map(str, way)]} for way in ways])
    assert all(answer["receipts"][0]["why"] for answer in answers), answers


# ---- the parts


def test_what_is_still_missing_is_said(told: Told, ask: Callable[[Sequence[Job]], list[Any]]) -> None:
    bundle = str(told.bundles / "FLOOR.bundle")
    answers = ask(
        [
            {"op": "verify", "files": files}
            for files in ([], [bundle], [str(told.trust)], [bundle, *[str(told.trust)] * 2])
        ]
    )
    assert [answer["lacks"][:12] for answer in answers] == [
        "Drop a recor",
        "Now drop the",
        "Now drop a r",
        "There are tw",
    ]


def test_the_page_knows_every_act_of_the_law_and_what_it_is_about(ask: Callable[[Sequence[Job]], list[Any]]) -> None:
    [answer] = ask([{"op": "acts"}])
    known = {name: tuple(row) for name, row in answer["acts"].items()}
    law = {name: c._SUBJECTS[command] for name, command in c.ACTS.items()}
    assert {name: known.get(name) for name in law} == law
    assert set(known) - set(law) <= {"identity.rekey"}, "the page knows an act that there is not"
    takes = {str(command.__struct_config__.tag) for command in TAKES_DOCUMENTS}
    assert set(answer["documents"]) == takes


def scrambled(chance: random.Random, depth: int = 0) -> Any:
    """Some value of the canonical profile."""
    kind = chance.randrange(7 if depth < 4 else 4)
    if kind == 0:
        return chance.choice([0, 1, -1, 2**53 - 1, -(2**53 - 1), chance.randrange(10**12)])
    if kind == 1:
        return "".join(chance.choice('aé"\\/\n\t\x01\x1f\x7f\u2028\u00df\uffee𝄞😀') for _ in range(chance.randrange(6)))
    if kind in (2, 3):
        return chance.choice([True, False, None])
    if kind == 4:
        return [scrambled(chance, depth + 1) for _ in range(chance.randrange(4))]
    keys = ["".join(chance.choice("ab_é\uffee𝄞") for _ in range(1 + chance.randrange(3))) for _ in range(5)]
    return {key: scrambled(chance, depth + 1) for key in keys}


def test_canonical_json_is_the_same_in_both_languages(ask: Callable[[Sequence[Job]], list[Any]]) -> None:
    chance = random.Random(5)
    values = [scrambled(chance) for _ in range(3_000)]
    [answers] = ask([{"op": "spell", "texts": [json.dumps(value) for value in values]}])
    assert [answer.encode() for answer in answers] == [canon.encode(value) for value in values]


def test_other_spellings_are_refused(ask: Callable[[Sequence[Job]], list[Any]]) -> None:
    texts = [
        '{"b":1,"a":2}',
        '{"a":1,"a":1}',
        '{"a": 1}',
        "1.0",
        "1e3",
        "-0",
        "9007199254740993",
        "[1,]",
        '"\\u0041"',
        "{}x",
    ]
    deep = "[" * 60_000 + "]" * 60_000
    [answers, good] = ask(
        [{"op": "canon", "texts": [*texts, deep]}, {"op": "canon", "texts": ['{"a":[1,"é",null]}', "-7"]}]
    )
    assert all(answer["why"] for answer in answers), answers
    assert good == ['{"a":[1,"é",null]}', "-7"]


TORSION = (
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
)


def test_odd_keys_are_refused_as_they_are_at_enrolment(ask: Callable[[Sequence[Job]], list[Any]]) -> None:
    prime = 2**255 - 19
    encoded = [(prime + small).to_bytes(32, "little") for small in range(19)]
    odd = [*map(bytes.fromhex, TORSION), *encoded, *(key[:31] + bytes([key[31] | 0x80]) for key in encoded), b"short"]
    good = [SigningKey.from_seed(bytes([n]) * 32).public for n in range(40)]
    [answers, fine] = ask([{"op": "odd", "keys": [*map(spelled, odd)]}, {"op": "odd", "keys": [*map(spelled, good)]}])
    for key, why in zip(odd, answers, strict=True):
        assert why, key.hex()
        with pytest.raises(Malformed):
            check_enrollable(key)
    assert fine == [""] * 40


def test_odd_signatures_are_judged_as_by_libsodium(shared: Path, ask: Callable[[Sequence[Job]], list[Any]]) -> None:
    """The C2SP CCTV vectors: points of small order, encodings that are not canonical, the cofactor."""
    rows = json.loads((shared / "vectors" / "cctv" / "ed25519" / "ed25519vectors.json").read_bytes())
    cases = [(bytes.fromhex(row["key"]), row["msg"].encode(), bytes.fromhex(row["sig"])) for row in rows]
    [answers] = ask([{"op": "ed25519", "cases": [[*map(spelled, case)] for case in cases]}])
    assert answers == [verify(*case) for case in cases]
    assert len(cases) > 900
    assert 0 < sum(answers) < len(cases)


# ---- passkeys

MESSAGE = b"DSSEv1 4 type 7 payload"


@pytest.mark.parametrize("alg", [-7, -8, -257])
def test_passkeys_hold_for_what_they_signed_and_for_nothing_else(
    alg: int, ask: Callable[[Sequence[Job]], list[Any]]
) -> None:
    passkey, other = Passkey(alg), Passkey(alg)
    good = [
        passkey.assertion(MESSAGE),
        passkey.assertion(MESSAGE, flags=0x1D),
        passkey.assertion(MESSAGE, crossOrigin=None),
        passkey.assertion(MESSAGE, origin=f"https://kiosk.{HOST}:8443"),
    ]
    bad = [
        passkey.assertion(b"another"),
        passkey.assertion(MESSAGE, type="webauthn.create"),
        passkey.assertion(MESSAGE, origin="https://evil.lan"),
        passkey.assertion(MESSAGE, origin=f"https://evil{HOST}"),
        passkey.assertion(MESSAGE, origin=f"http://{HOST}"),
        passkey.assertion(MESSAGE, origin=f"https://{HOST}.evil.lan"),
        passkey.assertion(MESSAGE, origin=None),
        passkey.assertion(MESSAGE, crossOrigin=True),
        passkey.assertion(MESSAGE, host="evil.lan"),
        passkey.assertion(MESSAGE, flags=0x01),
        passkey.assertion(MESSAGE, flags=0x04),
        passkey.assertion(MESSAGE, flags=0x45),
        passkey.assertion(MESSAGE, flags=0x15),
        passkey.assertion(MESSAGE, flags=0x85),
        passkey.assertion(MESSAGE, doubled='{"type":"webauthn.create",'),
        passkey.assertion(MESSAGE, doubled='{"t\\u0079pe":"webauthn.create",'),
        passkey.assertion(MESSAGE, doubled='{"x":{"a\\\\":1,"a\\\\":2},'),
        *(passkey.assertion(MESSAGE, doubled=f'{{"x":{number},') for number in ("NaN", "Infinity", "-Infinity")),
        other.assertion(MESSAGE),
        b"{}",
        b"x",
        bytes(64),
    ]
    honest = json.loads(good[0])
    for name in honest:
        broken = flipped(base64.b64decode(honest[name]), 40 if name == "client_data" else 9)
        bad.append(canon.encode(honest | {name: spelled(broken)}))
    cases = [[spelled(passkey.key), spelled(MESSAGE), spelled(each)] for each in (*good, *bad)]
    [answers] = ask([{"op": "passkey", "cases": cases}])
    assert answers[: len(good)] == [""] * len(good)
    assert all(answers[len(good) :]), answers


def test_passkeys_on_the_record_are_verified_and_counted(
    tmp_path: Path, ask: Callable[[Sequence[Job]], list[Any]]
) -> None:
    path, trust, taken = made(tmp_path, 9, (Passkey(-7), Passkey(-8), Passkey(-257)))
    entry = taken.entry(4)
    rows = entry["action"]["signatures"]
    rows[0]["sig"] = taken.entry(1)["action"]["signatures"][0]["sig"]  # the same passkey, over another act
    taken.put(4, entry)
    bad = taken.write(tmp_path / "bad.bundle")
    good, other = ask([{"op": "verify", "files": [str(trust), str(each)]} for each in (path, bad)])
    [report] = good["reports"]
    assert (report["findings"], report["signatures"], report["passkeys"]) == ([], 18, 9)
    assert (report["threshold"], report["rootSignatures"]) == (2, 2)
    assert other["reports"][0]["findings"][0] == {
        "seq": 4,
        "what": "a signature does not hold: the signature of SID-K1 does not hold for this payload and its key: it was made "
        "for another action",
    }


ADDRESSES = ("10.1.2.3", "a.1", "a.0x1f", "a.0x", "0x7f000001", "a.09")


def test_a_host_whose_last_label_only_begins_like_a_number_has_passkeys(
    ask: Callable[[Sequence[Job]], list[Any]],
) -> None:
    good = msgspec.json.decode(Passkey(-8).key, type=dict[str, Any])
    keys = [canon.encode(good | {"rp_id": rp_id}) for rp_id in ("a.0xg", "0x1f.lan", "a.1f", "a.x0", "7.lan")]
    [answers] = ask([{"op": "passkey", "cases": [[spelled(key), spelled(MESSAGE), spelled(b"{}")] for key in keys]}])
    assert {answer.startswith(": it lacks the field") for answer in answers} == {True}, answers


def test_a_passkey_in_a_form_that_nobody_enrols_is_refused(ask: Callable[[Sequence[Job]], list[Any]]) -> None:
    good = msgspec.json.decode(Passkey(-8).key, type=dict[str, Any])
    odd = [
        good | {"alg": -37},
        good | {"alg": "-8"},
        good | {"rp_id": "a b"},
        *(good | {"rp_id": rp_id} for rp_id in ADDRESSES),
        good | {"key": spelled(bytes(32))},
        good | {"x": 1},
    ]
    keys = [*map(canon.encode, odd), json.dumps(good).encode()]
    [answers] = ask([{"op": "passkey", "cases": [[spelled(key), spelled(MESSAGE), spelled(b"{}")] for key in keys]}])
    assert all("passkey" in answer or "key" in answer for answer in answers), answers


def test_the_modules_are_all_in_the_page() -> None:
    found = {name.name for name in resources.files("holdgate.web.verifier").iterdir()}
    assert {f"{name}.js" for name in modules()} == {name for name in found if name.endswith(".js")}
