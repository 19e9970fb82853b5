"""A root of trust in several hands: the charter is drawn up, read, signed by enough keepers, and only then is there a shop."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from msgspec.structs import replace

from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.bootstrap import read_premises, read_trust
from holdgate.crypto.envelope import Envelope, open_envelope, seal
from holdgate.crypto.keys import SigningKey, key_id
from holdgate.founding import PROPOSAL, read_proposal
from holdgate.identity.charter import CHARTER_TYPE, Charter, open_charter, read_charter
from holdgate.terms import canon
from holdgate.terms.errors import HoldgateError, Malformed, Tampered
from tests.commands import PIN, Said, key_file, public_of, run, shop_file, well

pytestmark = pytest.mark.timeout(400)
KEEPERS: Final = ("ROOT-1", "ROOT-2", "ROOT-3")
ROOTS: Final = tuple(SigningKey.from_seed(bytes([n]) * 32) for n in (1, 2, 3, 4))


def officers(folder: Path) -> list[str]:
    """Two officers who bring their own keys."""
    words = []
    for smart_id, name, roles in (("SID-ADM-01", "A. Diaz", "admin+training"), ("SID-QA-01", "Q. Lindqvist", "qa")):
        words += ["--founder", f"{smart_id}:{name}:{roles}:{public_of(key_file(folder, smart_id))}"]
    return words


def proposed(folder: Path, *more: str, keepers: tuple[str, ...] = KEEPERS) -> Said:
    roots = [word for name in keepers for word in ("--root", str(public_of(folder / f"{name}.key")))]
    return run("site", "init", folder / "lab", "--shop", folder / "shop.yaml", *roots, *more)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with keys, and a charter that nobody signed yet."""
    folder = tmp_path_factory.mktemp("drawn")
    shop_file(folder)
    for name in (*KEEPERS, "STRANGER"):
        key_file(folder, name)
    said = proposed(folder, "--threshold", "2", *officers(folder))
    assert said.code == 0, said
    assert "signed by nobody yet" in said.out
    return folder


@pytest.fixture
def place(drawn: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may alter."""
    shutil.copytree(drawn, tmp_path / "place")
    return tmp_path / "place"


def signed(place: Path, name: str, file: Path | None = None) -> Said:
    return run("root", "sign", file or place / "lab" / PROPOSAL, "--key", place / f"{name}.key", "--yes", pins=(PIN,))


def refused(said: Said, words: str, directory: Path) -> None:
    assert (said.code, words in said.err) == (2, True), said
    assert not (directory / "charter.json").exists()
    assert not (directory / "trust.json").exists()


# ---- the way it goes


def test_two_of_three_found_a_shop_that_opens(place: Path) -> None:
    lab = place / "lab"
    assert not (lab / "charter.json").exists()
    told = signed(place, "ROOT-1")
    assert "1 of 3 signed; 2 have to" in told.out
    assert "2 of 3 signed; 2 have to" in signed(place, "ROOT-3").out
    well("root", "found", lab)
    premises = read_premises(lab)
    assert premises.charter.threshold == 2
    assert sorted(premises.charter.roots) == sorted(read_trust(lab / "trust.json").roots)
    assert {founder.id: founder.roles for founder in premises.charter.founders} == {
        "SID-ADM-01": ("admin", "training"),
        "SID-QA-01": ("qa",),
        "WS-OFFICE": ("workstation",),
    }
    assert not (lab / PROPOSAL).exists()
    assert [path.name for path in (lab / "people").iterdir()] == ["WS-OFFICE.key"], "officers' keys were never here"


def test_keepers_sign_copies_apart_from_each_other(place: Path) -> None:
    copies = [place / f"{name}.json" for name in KEEPERS]
    for name, copy in zip(KEEPERS, copies, strict=True):
        shutil.copyfile(place / "lab" / PROPOSAL, copy)
        assert signed(place, name, copy).code == 0
    well("root", "found", place / "lab", copies[2], copies[0], copies[2], copies[1])
    envelope = open_envelope((place / "lab" / "charter.json").read_bytes(), CHARTER_TYPE)
    assert len(envelope.signatures) == 3


def test_a_keeper_is_shown_everything_that_the_charter_says(place: Path) -> None:
    _, charter = read_proposal(place / "lab" / PROPOSAL)
    shown = well("root", "show", place / "lab" / PROPOSAL)
    asked = signed(place, "ROOT-1").out
    for text in (
        charter.org,
        *(str(getattr(charter.settings, name)) for name in ("name", "tz", "office", "entry_skew_s", "certificates")),
        *(word for words in (charter.settings.approval_roles, charter.settings.report_fields) for word in words),
        *(text for seat in charter.sites for text in (seat.id, seat.kind, seat.origin, seat.key.hex())),
        *(seat.sealing_key.hex() for seat in charter.sites if seat.sealing_key is not None),
        *(text for one in charter.founders for text in (one.id, one.name, one.org, one.key.hex(), *one.roles)),
        *(root.hex() for root in charter.roots),
        "2 have to",
    ):
        assert text in shown, text
        assert text in asked, text


def test_a_keeper_who_says_no_signs_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdin, "readline", lambda _: "no\n")
    before = (place / "lab" / PROPOSAL).read_bytes()
    said = run("root", "sign", place / "lab" / PROPOSAL, "--key", place / "ROOT-1.key", pins=(PIN,))
    assert (said.code, "Not signed" in said.out) == (1, True)
    assert (place / "lab" / PROPOSAL).read_bytes() == before


def test_without_a_terminal_nobody_is_taken_to_have_said_yes(place: Path) -> None:
    said = run("root", "sign", place / "lab" / PROPOSAL, "--key", place / "ROOT-1.key", pins=(PIN,))
    assert (said.code, "--yes" in said.err) == (2, True)
    assert read_proposal(place / "lab" / PROPOSAL)[0].signatures == []


# ---- attacks and mistakes


@pytest.mark.parametrize("keepers", [(), ("ROOT-2",)])
def test_too_few_signatures_found_nothing(place: Path, keepers: tuple[str, ...]) -> None:
    for name in keepers:
        assert signed(place, name).code == 0
    refused(run("root", "found", place / "lab"), f"{len(keepers)} of the 3 roots signed", place / "lab")


def test_a_keeper_does_not_sign_twice(place: Path) -> None:
    assert signed(place, "ROOT-1").code == 0
    assert "signed this charter already" in signed(place, "ROOT-1").err
    copy = place / "copy.json"
    shutil.copyfile(place / "lab" / PROPOSAL, copy)
    refused(run("root", "found", place / "lab", copy, copy), "1 of the 3 roots signed", place / "lab")


def test_a_stranger_signs_nothing(place: Path) -> None:
    said = signed(place, "STRANGER")
    assert (said.code, "none of this charter's roots" in said.err) == (2, True)
    assert read_proposal(place / "lab" / PROPOSAL)[0].signatures == []


def altered(place: Path, change: Callable[[Charter], Charter]) -> Path:
    """A proposal whose text was altered under the signatures that it carries."""
    envelope, charter = read_proposal(place / "lab" / PROPOSAL)
    path = place / "altered.json"
    path.write_bytes(canon.encode(Envelope(canon.encode(change(charter)), CHARTER_TYPE, envelope.signatures)))
    return path


def another_officer(charter: Charter) -> Charter:
    founders = [replace(one, key=ROOTS[3].public) if "qa" in one.roles else one for one in charter.founders]
    return replace(charter, founders=tuple(founders))


@pytest.mark.parametrize(
    "change",
    [another_officer, lambda charter: replace(charter, threshold=1)],
    ids=["another officer's key", "a lower threshold"],
)
def test_what_was_altered_after_the_first_signature_is_neither_signed_nor_founded(
    place: Path, change: Callable[[Charter], Charter]
) -> None:
    assert signed(place, "ROOT-1").code == 0
    path = altered(place, change)
    said = signed(place, "ROOT-2", path)
    assert (said.code, "does not hold" in said.err) == (2, True)
    refused(run("root", "found", place / "lab", path), "does not hold", place / "lab")


def test_an_altered_charter_that_its_keepers_did_sign_is_not_founded_where_another_was_drawn_up(place: Path) -> None:
    path = altered(place, another_officer)
    for name in ("ROOT-1", "ROOT-2"):
        assert signed(place, name, path).code == 0
    refused(run("root", "found", place / "lab", path), "not the charter that was drawn up", place / "lab")


def test_a_charter_with_roots_of_somebody_else_is_not_founded(place: Path) -> None:
    _, charter = read_proposal(place / "lab" / PROPOSAL)
    forged = replace(charter, roots=tuple(root.public for root in ROOTS[:3]))
    path = place / "forged.json"
    path.write_bytes(seal(canon.encode(forged), [(key_id(root.public), root) for root in ROOTS[:3]], CHARTER_TYPE))
    refused(run("root", "found", place / "lab", path), "not the charter that was drawn up", place / "lab")


def test_a_charter_for_sites_whose_keys_are_not_here_is_not_founded(place: Path) -> None:
    for name in ("ROOT-1", "ROOT-2"):
        signed(place, name)
    key = place / "lab" / "HUB" / "site.key"
    key.write_bytes((place / "lab" / "FLOOR" / "site.key").read_bytes())
    refused(run("root", "found", place / "lab"), "not the one that the charter names", place / "lab")
    key.unlink()
    refused(run("root", "found", place / "lab"), "is not in", place / "lab")


def test_a_founded_shop_is_not_founded_again(place: Path) -> None:
    for name in ("ROOT-1", "ROOT-2"):
        signed(place, name)
    shutil.copyfile(place / "lab" / PROPOSAL, place / "kept.json")
    well("root", "found", place / "lab")
    before = (place / "lab" / "charter.json").read_bytes()
    shutil.copyfile(place / "kept.json", place / "lab" / PROPOSAL)
    assert "there already" in run("root", "found", place / "lab").err
    assert (place / "lab" / "charter.json").read_bytes() == before


@pytest.mark.parametrize(
    ("more", "keepers", "words"),
    [
        (("--threshold", "4"), KEEPERS, "4 of 3 roots cannot sign"),
        (("--threshold", "0"), KEEPERS, "0 of 3 roots cannot sign"),
        (("--threshold", "2"), ("ROOT-1", "ROOT-1", "ROOT-2"), "twice"),
        (("--threshold", "2"), ("ROOT-1", "ROOT-2", "NOBODY"), "cannot be read"),
    ],
)
def test_roots_that_cannot_sign_as_asked_are_refused_before_anything_is_written(
    place: Path, more: tuple[str, ...], keepers: tuple[str, ...], words: str
) -> None:
    shutil.rmtree(place / "lab")
    said = proposed(place, *more, *officers(place), keepers=keepers)
    assert (said.code, words in said.err) == (2, True), said
    assert not (place / "lab").exists()


def test_more_than_half_sign_where_nobody_says_how_many(place: Path) -> None:
    shutil.rmtree(place / "lab")
    assert "2 of the 3 keepers sign it" in proposed(place, *officers(place)).out


def test_in_a_ceremony_people_bring_their_own_keys(place: Path) -> None:
    shutil.rmtree(place / "lab")
    said = proposed(place, "--threshold", "2")
    assert (said.code, "SID-ADM-01 brings a key of their own" in said.err) == (2, True)
    same = officers(place)
    same[3] = same[1].replace("SID-ADM-01:A. Diaz", "SID-QA-01:Q. Lindqvist").replace("admin+training", "qa")
    assert "the same key" in proposed(place, "--threshold", "2", *same).err
    for word in ("SID-QA-01", "SID-QA-01:Q:qa", "SID-QA-01::qa:x.pub"):
        assert "names no founder" in proposed(place, "--founder", word).err
    private = proposed(place, "--founder", f"SID-QA-01:Q. L.:qa:{place / 'SID-QA-01.key'}")
    assert "holds no public key" in private.err
    assert not (place / "lab").exists()


def test_a_second_proposal_leaves_the_first_as_it_is(place: Path) -> None:
    before = {path: path.read_bytes() for path in (place / "lab").rglob("*") if path.is_file()}
    said = proposed(place, "--threshold", "2", *officers(place))
    assert (said.code, "the proposal of a shop already" in said.err) == (2, True)
    assert {path: path.read_bytes() for path in (place / "lab").rglob("*") if path.is_file()} == before


def test_one_root_for_a_tryout_still_founds_at_once_and_says_what_it_is(tmp_path: Path) -> None:
    said = well("site", "init", tmp_path / "lab", "--shop", shop_file(tmp_path), "--root", tmp_path / "root.key")
    assert "good for a try-out" in said
    assert read_premises(tmp_path / "lab").charter.threshold == 1


def test_a_founder_with_a_key_of_their_own_in_a_tryout(tmp_path: Path) -> None:
    shop = shop_file(tmp_path)
    well("site", "init", tmp_path / "lab", "--shop", shop, "--root", tmp_path / "root.key", *officers(tmp_path))
    assert [path.name for path in (tmp_path / "lab" / "people").iterdir()] == ["WS-OFFICE.key"]


# ---- what a charter is believed by


def enveloped(charter: Charter, *signers: SigningKey) -> bytes:
    return seal(canon.encode(charter), [(key_id(one.public), one) for one in signers], CHARTER_TYPE)


def charter_of(place: Path, roots: tuple[bytes, ...], threshold: int) -> Charter:
    return replace(read_proposal(place / "lab" / PROPOSAL)[1], roots=roots, threshold=threshold)


def test_a_charter_counts_different_roots(drawn: Path) -> None:
    one, two, three, stranger = ROOTS
    publics = tuple(root.public for root in (one, two, three))
    good = charter_of(drawn, publics, 2)
    assert open_charter(enveloped(good, one, three), publics) == good
    assert open_charter(enveloped(good, one, two, three), publics) == good
    cases: list[tuple[bytes, tuple[bytes, ...]]] = [
        (enveloped(good, one), publics),
        (enveloped(good, one, stranger), publics),
        (enveloped(good, one, two, stranger), publics),
        (enveloped(good, one, two), publics[:2]),
        (enveloped(good, one, two), (*publics[:2], stranger.public)),
        (enveloped(charter_of(drawn, (publics[0],) * 2, 2), one), (publics[0],) * 2),
        (enveloped(charter_of(drawn, (publics[0], *publics[:2]), 1), one), (publics[0], *publics[:2])),
        (enveloped(charter_of(drawn, publics, 4), one, two, three), publics),
        (enveloped(charter_of(drawn, publics, 0), one, two, three), publics),
    ]
    for raw, trusted in cases:
        with pytest.raises(HoldgateError):
            open_charter(raw, trusted)


def test_the_same_signature_under_two_names_is_one(drawn: Path) -> None:
    publics = tuple(root.public for root in ROOTS[:3])
    row: dict[str, Any] = msgspec.json.decode(enveloped(charter_of(drawn, publics, 2), ROOTS[0]))
    for keyid, error in ((key_id(publics[1]), Tampered), (key_id(publics[0]), Malformed), ("x", Tampered)):
        twice = {**row, "signatures": [*row["signatures"], {**row["signatures"][0], "keyid": keyid}]}
        with pytest.raises(error):
            open_charter(msgspec.json.encode(twice), publics)


def test_the_first_entry_of_every_log_is_the_charter_with_both_signatures(place: Path) -> None:
    for name in ("ROOT-1", "ROOT-2"):
        signed(place, name)
    well("root", "found", place / "lab")
    made = well("act", "prepare", "identity.disable", "id=SID-QA-01", "reason=try", "--data", place / "lab",
                "--as", "SID-ADM-01", "--out", place / "wish.json")  # fmt: skip
    assert "SID-QA-01" in made
    well("act", "sign", place / "wish.json", "--key", place / "SID-ADM-01.key", "--yes", pins=(PIN,))
    well("act", "send", place / "wish.json", "--data", place / "lab")
    assert "Verified unaltered" in well("audit", place / "lab", "--trust", place / "lab" / "trust.json")
    store = SqliteStore(place / "lab" / "HUB" / "ledger.db", read_only=True)
    first = next(iter(store.rows(0, 1))).body
    store.close()
    charter = read_charter(open_envelope((place / "lab" / "charter.json").read_bytes(), CHARTER_TYPE).payload)
    assert all(key_id(root).encode() in first for root in charter.roots[:2])
