"""Seals on PDFs: pdfsig and pyHanko agree on a sound one, and both see a page that was touched."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pypdf
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from holdgate.crypto.hashes import leaf_hash
from holdgate.ledger.proof import read_proof
from holdgate.paper.seal import Attachment, Made, check_seal, make_seal, open_seal, seal_pdf
from holdgate.paper.typeset import typeset
from holdgate.terms.errors import Malformed, Tampered
from tests.commands import run, well
from tests.papers import shop_of

AT = 1_790_000_000_000_000
PIN = "a few words for it"
needs_pdfsig = pytest.mark.skipif(shutil.which("pdfsig") is None, reason="poppler-utils is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seal as the command makes it; one for all tests here, since its primes take a while."""
    place = tmp_path_factory.mktemp("seal") / "seal"
    well("seal", "init", place, "--organisation", "Example NDT & Materials Lab", pins=(PIN,))
    return place


@pytest.fixture(scope="module")
def made(folder: Path) -> Made:
    return Made((folder / "seal.key").read_bytes(), (folder / "seal.pem").read_bytes())


@pytest.fixture(scope="module")
def sealed(made: Made) -> bytes:
    pdf = typeset("plain.typ", json.dumps({"title": "Report", "lines": ["a line"] * 40}).encode(), AT)
    proof = Attachment("proof.json", b'{"leaf":"00"}', "application/json", "The proof")
    return seal_pdf(pdf, open_seal(made, PIN), AT + 1_000_000, "Report R-1", [proof])


def pdfsig(pdf: bytes, folder: Path) -> str:
    path = folder / "sealed.pdf"
    path.write_bytes(pdf)
    found = subprocess.run(["pdfsig", str(path)], capture_output=True, text=True, check=False, timeout=60)
    return found.stdout


def test_a_seal_holds_and_says_whose_it_is(made: Made, sealed: bytes) -> None:
    found = check_seal(sealed, [made.certificate])
    assert "Example NDT & Materials Lab" in found.by
    assert found.trusted
    assert found.at == AT + 1_000_000
    assert found.attachments == ("proof.json",)


def test_a_seal_of_somebody_else_is_sound_and_not_trusted(sealed: bytes) -> None:
    assert not check_seal(sealed).trusted


@needs_pdfsig
def test_pdfsig_agrees(sealed: bytes, tmp_path: Path) -> None:
    said = pdfsig(sealed, tmp_path)
    assert "Signature is Valid" in said
    assert "Total document signed" in said
    assert "ETSI.CAdES.detached" in said
    assert "SHA-256" in said
    assert "Signing Time: Sep 21 2026" in said


def _touched(sealed: bytes) -> bytes:
    """One bit of the first page's content."""
    place = re.search(rb"stream\r?\n", sealed)
    assert place is not None
    return sealed[: place.end() + 20] + bytes([sealed[place.end() + 20] ^ 1]) + sealed[place.end() + 21 :]


@needs_pdfsig
def test_a_page_that_was_touched_is_seen_by_both(sealed: bytes, tmp_path: Path) -> None:
    with pytest.raises(Tampered):
        check_seal(_touched(sealed))
    assert "Signature is Valid" not in pdfsig(_touched(sealed), tmp_path)


def test_something_that_was_added_after_the_seal_is_seen(sealed: bytes) -> None:
    with pytest.raises((Tampered, Malformed)):
        check_seal(sealed + b"\n% more")


def test_a_page_that_was_put_in_by_a_later_revision_is_seen(sealed: bytes, tmp_path: Path) -> None:
    path = tmp_path / "more.pdf"
    path.write_bytes(sealed)
    writer = pypdf.PdfWriter(str(path), incremental=True)
    writer.add_blank_page()
    writer.write(str(path))
    with pytest.raises((Tampered, Malformed)):
        check_seal(path.read_bytes())


def test_a_file_without_a_seal_is_none() -> None:
    with pytest.raises(Malformed, match="0 seals"):
        check_seal(typeset("plain.typ", b'{"title":"x","lines":[]}', AT))
    with pytest.raises(Malformed):
        check_seal(b"%PDF-1.7 nonsense")


def test_a_key_opens_with_its_pin_alone(made: Made) -> None:
    with pytest.raises(Tampered):
        open_seal(made, "another pin for it")
    with pytest.raises(Tampered):
        open_seal(made)


def test_a_certificate_of_another_key_seals_nothing(made: Made) -> None:
    other = Ed25519PrivateKey.generate()
    plain = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(Malformed, match="belong together"):
        open_seal(Made(plain, made.certificate))


def test_a_report_is_sealed_with_its_proof_inside(folder: Path, tmp_path: Path) -> None:
    shop, out = shop_of("117"), tmp_path / "R-1A.pdf"
    assert (folder / "seal.key").stat().st_mode & 0o777 == 0o600
    well("report", shop, "R-1A", "--out", out, "--seal", folder, pins=(PIN,))
    assert "whole and unchanged" in well("seal", "check", out, "--certificate", folder / "seal.pem")
    assert run("seal", "check", out).code == 1, "sound, and by nobody who was named as trusted"
    inside = {name: data[0] for name, data in pypdf.PdfReader(out).attachments.items()}
    assert sorted(inside) == ["content.json", "entry.json", "entry.tlog-proof"]
    content = json.loads(inside["content.json"])
    assert leaf_hash(inside["entry.json"]).hex() == content["anchor"]["leaf"]
    assert read_proof(inside["entry.tlog-proof"]).index == content["anchor"]["size"] - 1


def test_a_report_is_written_over_nothing_and_read_by_programs(tmp_path: Path) -> None:
    shop, out = shop_of("117"), tmp_path / "R-1A.pdf"
    well("report", shop, "R-1A", "--out", out, "--kind", "certificate-3.1")
    assert run("report", shop, "R-1A", "--out", out).code == 2
    assert json.loads(well("report", shop, "R-1A", "--json"))["replaces"] == "R-1"
    assert "no report 'R-9'" in run("report", shop, "R-9").err


def test_a_server_may_have_its_seal_without_a_pin(made: Made) -> None:
    bare = make_seal("Example Lab", AT)
    assert b"ENCRYPTED" not in bare.key
    assert b"ENCRYPTED" in made.key
    assert open_seal(bare).certificate == bare.certificate
