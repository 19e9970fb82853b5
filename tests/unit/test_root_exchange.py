"""The roots of a shop are exchanged by commands: drawn up from the record, signed by old and new keepers, handed in by officers."""

import json
import shutil
from pathlib import Path
from typing import Final

import msgspec
import pytest
from msgspec.structs import replace

from holdgate.bootstrap import read_trust
from holdgate.cli.key_files import PersonKey, PublicKey, read_public
from holdgate.cli.standing import open_standing
from holdgate.crypto.envelope import Envelope
from holdgate.crypto.keys import SigningKey
from holdgate.founding import PROPOSAL
from holdgate.identity.charter import CHARTER_TYPE
from holdgate.rotating import Exchange, read_exchange
from holdgate.terms import canon
from tests.commands import Said, public_of, run, shop_file, well

pytestmark = pytest.mark.timeout(400)
ADM, QA = "SID-ADM-01", "SID-QA-01"
KEEPERS: Final = ("ROOT-1", "ROOT-2", "ROOT-3", "ROOT-4", "ROOT-5", "STRANGER")
NEXT: Final = "roots-2.json"


def open_key(folder: Path, name: str) -> Path:
    """A key file without a PIN: what a PIN costs is asked in `test_root_ceremony`."""
    key, path = SigningKey.generate(), folder / f"{name}.key"
    path.write_bytes(msgspec.json.encode(PersonKey(id=name, signing=key.seed)))
    path.with_name(f"{path.name}.pub").write_bytes(msgspec.json.encode(PublicKey(name=name, public=key.public.hex())))
    return path


def hand_in(act: str, *words: str, role: str = "admin", others: tuple[str, ...] = ()) -> Said:
    """An act of the admin and of others, from its preparation to the record."""
    Path("wish.json").unlink(missing_ok=True)
    more = [word for name in others for word in ("--with", f"{name}:qa")]
    said = run("act", "prepare", act, *words, *more, "--data", "lab", "--as", ADM, "--role", role, "--out", "wish.json")
    assert said.code == 0, said
    for name in (ADM, *others):
        well("act", "sign", "wish.json", "--key", f"{name}.key", "--yes")
    return run("act", "send", "wish.json", "--data", "lab", "--receipt", "receipt.json")


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop under two of three keepers, with one act on its record."""
    folder = tmp_path_factory.mktemp("exchange")
    shop_file(folder)
    for name in KEEPERS:
        open_key(folder, name)
    words = ["--threshold", "2"]
    for name in KEEPERS[:3]:
        words += ["--root", str(public_of(folder / f"{name}.key"))]
    for smart_id, roles in ((ADM, "admin+training"), (QA, "qa")):
        words += ["--founder", f"{smart_id}:Officer {smart_id}:{roles}:{public_of(open_key(folder, smart_id))}"]
    well("site", "init", folder / "lab", "--shop", folder / "shop.yaml", *words)
    for name in KEEPERS[:2]:
        well("root", "sign", folder / "lab" / PROPOSAL, "--key", folder / f"{name}.key", "--yes")
    well("root", "found", folder / "lab")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        assert (
            hand_in("credential.grant", f"person={QA}", "credential=L2", "until=2031-03-31", "evidence=exam").code == 0
        )
        Path("receipt.json").unlink()
    return folder


@pytest.fixture
def place(founded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that a test may alter, as the working directory."""
    shutil.copytree(founded, tmp_path / "place")
    monkeypatch.chdir(tmp_path / "place")
    return tmp_path / "place"


def drawn(*keepers: str, threshold: int = 2, out: str = NEXT) -> Said:
    roots = [word for name in keepers for word in ("--root", f"{name}.key.pub")]
    return run("root", "next", "lab", "--out", out, "--threshold", str(threshold), *roots)


def signed(name: str, file: str = NEXT) -> Said:
    return run("root", "sign", file, "--key", f"{name}.key", "--yes")


def public(name: str) -> bytes:
    return bytes.fromhex(read_public(Path(f"{name}.key.pub")).public)


def in_force() -> tuple[int, set[bytes]]:
    with open_standing(Path("lab")) as standing:
        return standing.state.roots.version, set(standing.state.roots.keys)


def exchanged(*keepers: str, by: tuple[str, ...], out: str = NEXT, threshold: int = 2) -> None:
    """The whole ceremony."""
    assert drawn(*keepers, out=out, threshold=threshold).code == 0
    for name in by:
        assert signed(name, out).code == 0
    Path("rotation.json").unlink(missing_ok=True)
    Path("receipt.json").unlink(missing_ok=True)
    well("root", "ready", out, "--out", "rotation.json")
    said = hand_in("root.rotate", "--fields", "rotation.json", "reason=a keeper left", others=(QA,))
    assert said.code == 0, said


# ---- the way it goes


def test_a_lost_root_key_is_replaced_and_the_record_is_audited_with_old_and_new_trust(place: Path) -> None:
    told = drawn("ROOT-1", "ROOT-2", "ROOT-4")
    assert told.code == 0, told
    assert "GOES" in told.out
    assert "2 more of the 2 old ones; 2 more of the 2 new ones" in told.out
    assert "1 more of the old roots, 1 more of the new" in signed("ROOT-1").out
    assert "0 more of the old roots, 0 more" not in signed("ROOT-2").out
    well("root", "ready", NEXT, "--out", "rotation.json")
    said = hand_in("root.rotate", "--fields", "rotation.json", "reason=ROOT-3 was lost", others=(QA,))
    assert (said.code, "version 2 is in force" in said.out) == (0, True), said
    assert in_force() == (2, {public(name) for name in ("ROOT-1", "ROOT-2", "ROOT-4")})
    listed = well("root", "history", "lab", "--out", "trust-2.json")
    assert ("version 1, the charter" in listed, "version 2, entry" in listed) == (True, True)
    assert len(read_trust(Path("trust-2.json")).rotations) == 1
    for trust in ("lab/trust.json", "trust-2.json"):
        assert "version 2 is in force" in well("audit", "lab", "--trust", trust)


def test_three_exchanges_one_after_the_other(place: Path) -> None:
    exchanged("ROOT-2", "ROOT-3", "ROOT-4", by=("ROOT-2", "ROOT-3"))
    exchanged("ROOT-2", "ROOT-3", "ROOT-4", out="3.json", threshold=3, by=("ROOT-2", "ROOT-4", "ROOT-3"))
    exchanged("ROOT-5", out="4.json", threshold=1, by=("ROOT-2", "ROOT-3", "ROOT-4", "ROOT-5"))
    assert in_force() == (4, {public("ROOT-5")})
    well("root", "history", "lab", "--out", "trust-4.json")
    said = run("root", "history", "lab", "--trust", "trust-4.json", "--out", "again.json")
    assert said.code == 0
    assert read_trust(Path("again.json")) == read_trust(Path("trust-4.json"))
    well("audit", "lab", "--trust", "trust-4.json")
    shutil.copyfile("trust-4.json", "lab/trust.json")  # the shop itself opens under it too
    Path("receipt.json").unlink()
    assert hand_in("identity.disable", f"id={QA}", "reason=left").code == 0


def test_keepers_sign_copies_apart_from_each_other(place: Path) -> None:
    assert drawn("ROOT-2", "ROOT-3", "ROOT-4").code == 0
    for name in ("ROOT-2", "ROOT-3", "ROOT-4"):
        shutil.copyfile(NEXT, f"{name}.json")
        assert signed(name, f"{name}.json").code == 0
    well("root", "ready", NEXT, "ROOT-2.json", "ROOT-4.json", "ROOT-3.json", "ROOT-2.json", "--out", "rotation.json")
    assert hand_in("root.rotate", "--fields", "rotation.json", "reason=x", others=(QA,)).code == 0


def test_officers_are_shown_what_the_keepers_signed(place: Path) -> None:
    exchanged("ROOT-2", "ROOT-3", "ROOT-4", by=("ROOT-2", "ROOT-3"))
    shown = well("act", "show", "wish.json")
    assert "version 2 of" in shown
    for name in ("ROOT-2", "ROOT-3", "ROOT-4"):
        assert public(name).hex() in shown
    assert "replaces" in shown


# ---- attacks and mistakes


def test_one_stolen_key_gets_no_further_than_a_draft(place: Path) -> None:
    assert drawn("ROOT-1", "STRANGER", threshold=1).code == 0
    for name in ("ROOT-1", "STRANGER"):
        assert signed(name).code == 0
    said = run("root", "ready", NEXT, "--out", "rotation.json")
    assert (said.code, "1 more of the roots before it" in said.err) == (2, True), said
    document = canon.encode(read_exchange(Path(NEXT)).file.document)
    Path("rotation.json").write_bytes(msgspec.json.encode({"document": document}))
    answer = hand_in("root.rotate", "--fields", "rotation.json", "reason=x", others=(QA,))
    assert (answer.code, "ROOTS_NOT_ACCEPTED" in answer.out) == (1, True), answer
    assert in_force()[0] == 1


def test_one_officer_hands_nothing_in(place: Path) -> None:
    assert drawn("ROOT-1", "ROOT-2", "ROOT-4").code == 0
    for name in ("ROOT-1", "ROOT-2"):
        signed(name)
    well("root", "ready", NEXT, "--out", "rotation.json")
    answer = hand_in("root.rotate", "--fields", "rotation.json", "reason=x")
    assert (answer.code, "SELF_APPROVAL" in answer.out) == (1, True)


def test_the_same_exchange_is_not_handed_in_again(place: Path) -> None:
    exchanged("ROOT-1", "ROOT-2", "ROOT-4", by=("ROOT-1", "ROOT-2"))
    Path("receipt.json").unlink()
    answer = hand_in("root.rotate", "--fields", "rotation.json", "reason=once more", others=(QA,))
    assert (answer.code, "version 2 is in force already" in answer.out) == (1, True), answer
    assert drawn("ROOT-1", "ROOT-2", "ROOT-3", out="back.json").code == 2, "a key that went does not come back"


def test_who_is_no_keeper_signs_nothing_and_nobody_signs_twice(place: Path) -> None:
    assert drawn("ROOT-1", "ROOT-2", "ROOT-4").code == 0
    before = Path(NEXT).read_bytes()
    assert "none of the roots" in signed("STRANGER").err
    assert Path(NEXT).read_bytes() == before
    assert signed("ROOT-3").code == 0, "whoever goes signs too"
    assert "signed this exchange already" in signed("ROOT-3").err


def test_a_copy_that_was_altered_on_its_way_is_refused(place: Path) -> None:
    assert drawn("ROOT-1", "ROOT-2", "ROOT-4").code == 0
    assert drawn("ROOT-1", "ROOT-2", "ROOT-5", out="other.json").code == 0
    said = run("root", "ready", NEXT, "other.json", "--out", "rotation.json")
    assert (said.code, "somebody altered it" in said.err) == (2, True)
    file = read_exchange(Path(NEXT)).file
    payload = json.loads(file.document.payload)
    for name, value in (("before", "0" * 64), ("threshold", 4), ("version", 3)):
        changed = Envelope(canon.encode(payload | {name: value}), file.document.payloadType, [])
        Path("forged.json").write_bytes(canon.encode(replace(file, document=changed)))
        assert run("root", "show", "forged.json").code == 2
    charter = Path("lab/charter.json").read_bytes()
    held = msgspec.json.decode(charter, type=Envelope)
    assert held.payloadType == CHARTER_TYPE
    mine = canon.encode(json.loads(held.payload) | {"threshold": 1})
    Path("forged.json").write_bytes(canon.encode(Exchange(before=mine, document=file.document)))
    assert "something else lies beside it" in run("root", "show", "forged.json").err


@pytest.mark.parametrize(
    ("keepers", "threshold", "words"),
    [
        (("ROOT-1", "ROOT-2", "ROOT-3"), 2, "changes nothing"),
        (("ROOT-1", "ROOT-1", "ROOT-4"), 2, "twice"),
        (("ROOT-1", "ROOT-2", "ROOT-4"), 4, "cannot sign"),
    ],
)
def test_what_cannot_follow_is_not_drawn_up(place: Path, keepers: tuple[str, ...], threshold: int, words: str) -> None:
    said = drawn(*keepers, threshold=threshold)
    assert (said.code, words in said.err) == (2, True), said
    assert not Path(NEXT).exists()


def test_a_trust_file_of_another_exchange_is_told_apart(place: Path) -> None:
    """Two documents of one version: one on the record, the other in the auditor's hand."""
    shutil.copytree("lab", "twin")
    exchanged("ROOT-1", "ROOT-2", "ROOT-4", by=("ROOT-1", "ROOT-2"))
    well("root", "history", "lab", "--out", "trust-2.json")
    shutil.rmtree("lab")
    shutil.copytree("twin", "lab")
    exchanged("ROOT-1", "ROOT-2", "ROOT-5", by=("ROOT-1", "ROOT-2"), out="other.json")
    said = run("audit", "lab", "--trust", "trust-2.json")
    assert (said.code, "another one than you trust" in said.out) == (1, True), said
    assert (
        "other exchanges than the record" in run("root", "history", "lab", "--trust", "trust-2.json", "--out", "x").err
    )
