"""Key files: sealed under a PIN, whole or not at all, and cheap to refuse."""

import getpass
import stat
import sys
import unicodedata
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from nacl import exceptions
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt
from nacl.pwhash import argon2id

from holdgate.cli import pin as asking
from holdgate.cli.key_files import PersonKey
from holdgate.crypto import keyfile
from holdgate.crypto.keyfile import LEAST, MODERATE, MOST, Cost, KeyFile, check_pin, open_key, read_key_file, seal_key
from holdgate.crypto.keys import SigningKey, key_id
from holdgate.terms import canon
from holdgate.terms.errors import HoldgateError, Malformed, Tampered, Unavailable
from tests.commands import PIN, key_file, public_of, run, well

pytestmark = pytest.mark.timeout(400)  # Argon2id is slow on purpose, and slower on a machine that does much else
KEY = SigningKey.from_seed(bytes(range(32)))
SEALED = seal_key(KEY, PIN, "SID-QA-01", LEAST)


def changed(**parts: Any) -> bytes:
    return canon.encode(replace(read_key_file(SEALED), **parts))


def derived(**parts: Any) -> bytes:
    return changed(derivation=replace(read_key_file(SEALED).derivation, **parts))


def test_the_same_pin_opens_it_and_name_and_public_key_are_read_without() -> None:
    found = read_key_file(SEALED)
    assert (found.name, found.public) == ("SID-QA-01", KEY.public)
    assert open_key(found, PIN).seed == KEY.seed
    assert KEY.seed not in msgspec.json.decode(SEALED, type=KeyFile).sealed


def test_another_pin_is_said_to_be_one() -> None:
    with pytest.raises(Tampered, match="another PIN"):
        open_key(read_key_file(SEALED), f"{PIN}.")


def test_a_pin_is_the_same_on_every_keyboard() -> None:
    sealed = seal_key(KEY, unicodedata.normalize("NFC", "Würstchen im Öl"), "", LEAST)
    assert open_key(read_key_file(sealed), unicodedata.normalize("NFD", "Würstchen im Öl")).seed == KEY.seed


def test_two_files_of_one_key_and_pin_have_nothing_in_common() -> None:
    one, two = read_key_file(SEALED), read_key_file(seal_key(KEY, PIN, "SID-QA-01", LEAST))
    assert one.nonce != two.nonce
    assert one.derivation.salt != two.derivation.salt
    assert one.sealed != two.sealed


@pytest.mark.parametrize(
    "raw",
    [
        changed(name="SID-ADM-01"),
        changed(public=SigningKey.from_seed(bytes(32)).public),
        changed(nonce=bytes(24)),
        changed(sealed=bytes(48)),
        derived(salt=bytes(16)),
        derived(passes=LEAST.passes + 1),
    ],
)
def test_whatever_is_altered_it_does_not_open(raw: bytes) -> None:
    with pytest.raises(Tampered):
        open_key(read_key_file(raw), PIN)


@pytest.mark.parametrize(
    "raw",
    [
        derived(memory=10 * 2**30),
        derived(memory=MOST.memory + 1),
        derived(passes=2**31),
        derived(passes=MOST.passes + 1),
        derived(memory=LEAST.memory - 1),
        derived(passes=0),
        derived(memory=-1),
        derived(salt=bytes(15)),
        changed(nonce=bytes(12)),
        changed(public=bytes(31)),
        changed(sealed=b""),
        changed(sealed=bytes(49)),
        changed(name="x" * 65),
        SEALED.replace(b"holdgate-key/1", b"holdgate-key/2"),
        SEALED.replace(b"xchacha20-poly1305", b"none"),
        SEALED.replace(b"argon2id", b"argon2i"),
        SEALED + b" " * 4_096,
        b"[" * 4_000,
        b"\xff",
        b"",
    ],
)
def test_a_hostile_file_is_refused_before_anything_is_computed(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def computed(*_: object) -> bytes:
        raise AssertionError("Argon2id ran")

    monkeypatch.setattr(argon2id, "kdf", computed)
    with pytest.raises(Malformed):
        read_key_file(raw)


def test_a_file_that_shows_another_public_key_than_it_holds_is_refused() -> None:
    head = replace(read_key_file(SEALED), public=SigningKey.from_seed(bytes(32)).public, sealed=b"")
    key = keyfile._derived(PIN, head.derivation)
    sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(KEY.seed, canon.encode(head), head.nonce, key)
    with pytest.raises(Tampered, match="another one than it says"):
        open_key(replace(head, sealed=sealed), PIN)


def test_a_machine_without_the_memory_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> bytes:
        raise exceptions.RuntimeError("out of memory")

    monkeypatch.setattr(argon2id, "kdf", fails)
    with pytest.raises(Unavailable, match="64 MiB"):
        open_key(read_key_file(SEALED), PIN)


@pytest.mark.parametrize(
    ("pin", "why"),
    [
        ("123456", "whoever copies the file"),
        ("abc", "8 at least"),
        ("", "8 at least"),
        ("11111111", "anybody tries"),
        ("12121212", "anybody tries"),
        ("12345678", "anybody tries"),
        ("87654321", "anybody tries"),
        ("password", "anybody tries"),
        ("x" * 300, "longer"),
    ],
)
def test_a_weak_pin_is_refused_with_the_reason(pin: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        check_pin(pin)
    with pytest.raises(Malformed):
        seal_key(KEY, pin, "", LEAST)


def test_new_files_cost_a_guesser_a_quarter_of_a_gibibyte_a_try() -> None:
    assert Cost(3, 256 * 2**20) == MODERATE
    assert LEAST.memory < MODERATE.memory < MOST.memory == 2**30


# ---- the commands


def test_a_key_is_made_and_shown(tmp_path: Path) -> None:
    path = tmp_path / "my.key"
    made = well("key", "make", path, "--name", "SID-QA-01", pins=(PIN,))
    found = read_key_file(path.read_bytes())
    assert (found.derivation.passes, found.derivation.memory) == MODERATE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_key(found, PIN).public == found.public
    for shown in (made, well("key", "show", path), well("key", "show", public_of(path))):
        assert "SID-QA-01" in shown
        assert key_id(found.public) in shown
        assert found.public.hex() in shown


def test_a_key_gets_another_pin_and_the_old_one_opens_it_no_more(tmp_path: Path) -> None:
    path = key_file(tmp_path, "SID-QA-01")
    before = path.read_bytes()
    assert "another PIN" in run("key", "repin", path, pins=("a wrong PIN", "the next PIN")).err
    assert path.read_bytes() == before
    well("key", "repin", path, pins=(PIN, "the next PIN"))
    found = read_key_file(path.read_bytes())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (found.name, found.public) == ("SID-QA-01", read_key_file(before).public)
    assert (found.derivation.passes, found.derivation.memory) == MODERATE
    assert open_key(found, "the next PIN").public == found.public
    with pytest.raises(Tampered):
        open_key(found, PIN)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["SID-QA-01.key", "SID-QA-01.key.pub"]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    path = key_file(tmp_path, "SID-1")
    before = path.read_bytes()
    said = run("key", "make", path, pins=(PIN,))
    assert (said.code, "there already" in said.err) == (2, True)
    public_of(path).rename(tmp_path / "other.key.pub")
    assert run("key", "make", tmp_path / "other.key", pins=(PIN,)).code == 2
    assert not (tmp_path / "other.key").exists()
    assert path.read_bytes() == before


def test_a_weak_pin_writes_no_key(tmp_path: Path) -> None:
    said = run("key", "make", tmp_path / "my.key", pins=("123456",))
    assert (said.code, "8 at least" in said.err) == (2, True)
    weak = run("key", "repin", key_file(tmp_path, "SID-1"), pins=(PIN, "1234"))
    assert (weak.code, "8 at least" in weak.err) == (2, True)
    assert not (tmp_path / "my.key").exists()


def test_a_key_that_lies_open_is_sealed(tmp_path: Path) -> None:
    lying = tmp_path / "open.key"
    lying.write_bytes(msgspec.json.encode(PersonKey(id="SID-QA-01", signing=KEY.seed)))
    said = well("key", "make", tmp_path / "my.key", "--seal", lying, pins=(PIN,))
    assert "still lies open" in said
    found = read_key_file((tmp_path / "my.key").read_bytes())
    assert found.name == "SID-QA-01"
    assert open_key(found, PIN).seed == KEY.seed
    again = run("key", "make", tmp_path / "other.key", "--seal", tmp_path / "my.key", pins=(PIN,))
    assert (again.code, "sealed already" in again.err) == (2, True)
    assert "is not sealed" in run("key", "repin", lying, pins=(PIN, PIN)).err


def test_no_pin_is_taken_from_an_argument_or_from_a_pipe_nobody_named(tmp_path: Path) -> None:
    for words in (("--pin", PIN), ("--passphrase", PIN)):
        assert run("key", "make", tmp_path / "my.key", *words).code == 2
    said = run("key", "make", tmp_path / "my.key")
    assert (said.code, "no terminal" in said.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def typed(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """A terminal at which these are typed where a PIN is asked for; the prompts."""
    waiting, prompts = list(answers), list[str]()

    def answer(prompt: str) -> str:
        prompts.append(prompt)
        return waiting.pop(0)

    monkeypatch.setattr(getpass, "getpass", answer)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    return prompts


def test_at_a_terminal_a_new_pin_is_typed_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = typed(monkeypatch, PIN, PIN, PIN, f"{PIN}!", PIN)
    well("key", "make", tmp_path / "my.key")
    assert len(prompts) == 2
    said = run("key", "repin", tmp_path / "my.key")
    assert (said.code, "not the same" in said.err) == (2, True)
    assert open_key(read_key_file((tmp_path / "my.key").read_bytes()), PIN).seed


@pytest.mark.parametrize(
    "given", [b"", b"\n", b"one line alone\n", b"\xff\xff\n\xff\n", b"x" * 9_000, b"no end of it" * 300]
)
def test_a_descriptor_that_gives_no_two_pins_is_refused(tmp_path: Path, given: bytes) -> None:
    file = tmp_path / "pins"
    file.write_bytes(given)
    with file.open("rb") as source, pytest.raises(HoldgateError):
        asking.read_lines(source.fileno(), 2)


def test_a_descriptor_that_is_none_is_refused() -> None:
    with pytest.raises(Unavailable, match="file descriptor 4095"):
        asking.read_lines(4_095, 1)


@pytest.mark.parametrize("public", ["zz", "00", "00" * 32, "01" + "00" * 31])
def test_a_public_key_that_nobody_may_enrol_is_refused(tmp_path: Path, public: str) -> None:
    path = tmp_path / "bad.pub"
    text = f'{{"name":"x","public":"{public}","format":"holdgate-public-key/1"}}'
    path.write_text(text, encoding="utf-8")
    assert run("key", "show", path).code == 2
