"""Signed notes, checkpoints and cosignatures: what is read, what is believed, what is refused."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.crypto.hashes import EMPTY_ROOT, sha256
from holdgate.crypto.keys import SigningKey
from holdgate.ledger.note import (
    KIND_COSIGNATURE,
    Checkpoint,
    Notary,
    Vkey,
    cosign,
    make_vkey,
    note_key_id,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    parse_vkey,
    read_note,
    verify_cosignature,
)
from holdgate.terms.errors import Malformed, Tampered
from holdgate.terms.limits import NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX

ORIGIN = "lab.example/node-fpi"
KEY = SigningKey(b"\x01" * 32)
OTHER = SigningKey(b"\x02" * 32)
WITNESS_KEY = SigningKey(b"\x03" * 32)
NOTARY = Notary(ORIGIN, KEY)
LOG = parse_vkey(NOTARY.vkey)
WITNESS = parse_vkey(make_vkey("vault.example/w", WITNESS_KEY.public, KIND_COSIGNATURE))
ROOT = sha256(b"root")
NOTE = NOTARY.checkpoint(7, ROOT)
BODY = b"%b\n7\n%b\n" % (ORIGIN.encode(), base64.b64encode(ROOT))


def signed(text: bytes, name: str = ORIGIN, key: SigningKey = KEY) -> bytes:
    """A signature line by the specification, without the code under test."""
    key_id = sha256(name.encode() + b"\n\x01" + key.public)[:4]
    return "— ".encode() + name.encode() + b" " + base64.b64encode(key_id + key.sign(text)) + b"\n"


# ---------------------------------------------------------------- the signed note of the Go library (golang.org/x/mod)

PETER_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()


def test_note_of_the_go_library_opens() -> None:
    text, names = open_note(PETER_NOTE, [parse_vkey(PETER_VKEY)])
    assert text == PETER_NOTE[: PETER_NOTE.index(b"\n\n") + 1]
    assert names == ("PeterNeumann",)


def test_changed_note_of_the_go_library_is_refused() -> None:
    with pytest.raises(Tampered, match="PeterNeumann"):
        open_note(PETER_NOTE.replace(b"answer", b"Answer"), [parse_vkey(PETER_VKEY)])


# ------------------------------------------------------------------ checkpoints


def test_checkpoint_is_written_as_specified() -> None:
    assert BODY + b"\n" + signed(BODY) == NOTE


def test_checkpoint_opens_with_its_logs_key() -> None:
    assert open_checkpoint(NOTE, LOG) == Checkpoint(ORIGIN, 7, ROOT)
    assert open_note(NOTE, [LOG]) == (BODY, (ORIGIN,))
    assert parse_checkpoint(NOTE) == parse_checkpoint(BODY) == Checkpoint(ORIGIN, 7, ROOT)


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
@settings(deadline=None, max_examples=30)
def test_every_checkpoint_comes_back(size: int, root: bytes) -> None:
    assert open_checkpoint(NOTARY.checkpoint(size, root), LOG) == Checkpoint(ORIGIN, size, root)


def test_empty_log_has_a_checkpoint() -> None:
    assert open_checkpoint(NOTARY.checkpoint(0, EMPTY_ROOT), LOG) == Checkpoint(ORIGIN, 0, EMPTY_ROOT)


@given(st.integers(0, 400), st.integers(0, 255))
@settings(deadline=None, max_examples=200)
def test_no_changed_byte_yields_another_believed_checkpoint(place: int, value: int) -> None:
    raw = bytearray(NOTE)
    raw[place % len(raw)] = value
    try:
        found = open_checkpoint(bytes(raw), LOG)
    except (Malformed, Tampered):
        assert bytes(raw) != NOTE
    else:
        assert found == Checkpoint(ORIGIN, 7, ROOT)


@given(st.binary(max_size=120))
@settings(deadline=None)
def test_no_bytes_raise_anything_but_malformed_or_tampered(raw: bytes) -> None:
    with pytest.raises((Malformed, Tampered)):
        open_note(raw, [LOG])
    with pytest.raises(Malformed):
        parse_checkpoint(raw)


def test_checkpoint_of_another_origin_under_our_key_is_refused() -> None:
    text = BODY.replace(b"node-fpi", b"node-mpi")
    with pytest.raises(Tampered, match="node-mpi"):
        open_checkpoint(text + b"\n" + signed(text), LOG)


def test_checkpoint_signed_only_by_its_witness_is_refused() -> None:
    raw = BODY + b"\n" + cosign(BODY, WITNESS.name, WITNESS_KEY, 1_700_000_000)
    assert open_note(raw, [LOG, WITNESS])[1] == (WITNESS.name,)
    with pytest.raises(Tampered, match="not signed by the log"):
        open_checkpoint(raw, LOG, [WITNESS])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        BODY[:-1],
        BODY + b"extension\n",
        BODY.replace(b"\n7\n", b"\n07\n"),
        BODY.replace(b"\n7\n", b"\n+7\n"),
        BODY.replace(b"\n7\n", b"\n-7\n"),
        BODY.replace(b"\n7\n", b"\n7 \n"),
        BODY.replace(b"\n7\n", "\n\u0667\n".encode()),
        BODY.replace(b"\n7\n", b"\n9223372036854775808\n"),
        BODY.replace(b"\n7\n", b"\n" + b"9" * 5000 + b"\n"),
        b"a b\n7\n" + base64.b64encode(ROOT) + b"\n",
        b"a+b\n7\n" + base64.b64encode(ROOT) + b"\n",
        b"\n7\n" + base64.b64encode(ROOT) + b"\n",
        b"a\n7\n" + base64.b64encode(ROOT[:31]) + b"\n",
        b"a\n7\n" + base64.b64encode(ROOT + b"x") + b"\n",
        b"a\n7\n" + base64.urlsafe_b64encode(b"\xff" * 32) + b"\n",
        b"a\n7\n" + base64.b64encode(ROOT).rstrip(b"=") + b"\n",
        b"a\n7\n" + base64.b64encode(bytes(32))[:-2] + b"B=\n",
        BODY.replace(b"\n", b"\r\n"),
    ],
)
def test_odd_checkpoint_bodies_are_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_checkpoint(body)


# ------------------------------------------------------------------ notes


def test_unknown_keys_are_ignored_even_when_false() -> None:
    junk = signed(b"something else\n", "other.example/log", OTHER)
    assert open_checkpoint(BODY + b"\n" + junk + signed(BODY), LOG).size == 7


def test_our_name_with_another_key_id_is_another_key() -> None:
    assert open_checkpoint(BODY + b"\n" + signed(BODY, ORIGIN, OTHER) + signed(BODY), LOG).size == 7


def test_false_signature_of_a_known_key_refuses_the_note_beside_a_true_one() -> None:
    with pytest.raises(Tampered, match="does not hold"):
        open_note(BODY + b"\n" + signed(BODY) + signed(b"something else\n"), [LOG])


def test_note_that_nobody_known_signed_is_refused() -> None:
    with pytest.raises(Tampered, match="no known key"):
        open_note(NOTE, [])
    with pytest.raises(Tampered, match="no known key"):
        open_note(NOTE, [WITNESS])


def test_signature_by_another_key_with_our_key_id_is_refused() -> None:
    forged = base64.b64encode(LOG.key_id + OTHER.sign(BODY))
    with pytest.raises(Tampered, match="does not hold"):
        open_note(BODY + "\n— ".encode() + ORIGIN.encode() + b" " + forged + b"\n", [LOG])


def test_many_signatures_are_read_and_too_many_are_not() -> None:
    lines = [signed(BODY, f"w{i}", OTHER) for i in range(NOTE_SIGNATURES_MAX)]
    assert NOTE_SIGNATURES_MAX >= 16
    assert open_checkpoint(BODY + b"\n" + b"".join(lines[1:]) + signed(BODY), LOG).size == 7
    with pytest.raises(Malformed, match="signature lines"):
        open_note(BODY + b"\n" + b"".join(lines) + signed(BODY), [LOG])


def test_names_of_signers_come_once_in_the_order_of_their_lines() -> None:
    raw = NOTE + cosign(BODY, WITNESS.name, WITNESS_KEY, 5) + cosign(BODY, WITNESS.name, WITNESS_KEY, 6)
    assert open_note(raw, [WITNESS, LOG])[1] == (ORIGIN, WITNESS.name)


def test_the_last_blank_line_splits() -> None:
    text = b"first\n\nsecond\n"
    assert open_note(text + b"\n" + signed(text), [LOG])[0] == text


@pytest.mark.parametrize("char", ["\x00", "\t", "\r", "\x1f", "\x7f", "\x85"])
def test_control_characters_are_refused(char: str) -> None:
    text = f"a{char}b\n".encode()
    with pytest.raises(Malformed, match=f"U\\+{ord(char):04X}"):
        open_note(text + b"\n" + signed(text), [LOG])


def test_note_that_is_not_utf8_is_refused() -> None:
    text = b"a\xc3\n"
    with pytest.raises(Malformed, match="UTF-8"):
        open_note(text + b"\n" + signed(text), [LOG])


def test_note_beyond_the_byte_limit_is_refused() -> None:
    text = b"x" * NOTE_BYTES_MAX + b"\n"
    with pytest.raises(Malformed, match="at most"):
        open_note(text + b"\n" + signed(text), [LOG])


LINE = signed(BODY)


@pytest.mark.parametrize(
    "lines",
    [
        b"",
        b"\n",
        LINE[:-1],
        LINE + b"x\n",
        LINE.replace("— ".encode(), b"- "),
        LINE.replace("— ".encode(), "—".encode()),
        b"".join(LINE.rpartition(b" ")[:1]) + b"\n",
        LINE.replace(b"node-fpi ", b"node-fpi  "),
        LINE.replace(ORIGIN.encode(), b""),
        LINE.replace(b"node-fpi", b"node+fpi"),
        LINE.replace(b"node-fpi", "node\u2003fpi".encode()),
        LINE[:-2] + b"\n",
        LINE[:-1] + b"!\n",
        LINE[:-1] + b" \n",
        "— a ".encode() + base64.b64encode(b"1234") + b"\n",
    ],
)
def test_odd_signature_lines_are_malformed(lines: bytes) -> None:
    with pytest.raises(Malformed):
        read_note(BODY + b"\n" + lines)


def test_note_without_blank_line_is_malformed() -> None:
    with pytest.raises(Malformed, match="blank line"):
        read_note(BODY + LINE)


# ------------------------------------------------------------------ verifier keys


@pytest.mark.parametrize("kind", [1, 4])
def test_vkey_comes_back(kind: int) -> None:
    text = make_vkey("vault.example/w", KEY.public, kind)
    assert parse_vkey(text) == Vkey(
        "vault.example/w", note_key_id("vault.example/w", kind, KEY.public), kind, KEY.public
    )


def test_base64_with_a_plus_sign_is_read() -> None:
    key = next(k for i in range(99) if b"+" in base64.b64encode(b"\x01" + (k := SigningKey(bytes([i]) * 32)).public))
    assert parse_vkey(make_vkey("a", key.public)).public == key.public


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u00a0b", "a\tb", "a\x7f", "\ud800"])
def test_odd_names_are_refused(name: str) -> None:
    with pytest.raises(Malformed, match="cannot name"):
        make_vkey(name, KEY.public)
    with pytest.raises(Malformed, match="cannot name"):
        Notary(name, KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        PETER_VKEY + "\n",
        PETER_VKEY.replace("c74f20a3", "c74f20a4"),
        PETER_VKEY.replace("c74f20a3", "C74F20A3"),
        PETER_VKEY.replace("PeterNeumann", "Peter"),
        PETER_VKEY[:-4],
        PETER_VKEY.replace("+ARpc", "+BRpc"),
        "a+00000000+",
        make_vkey("a", KEY.public, 2),
        make_vkey("a", KEY.public, 6),
        make_vkey("a", bytes(32)),
        make_vkey("a", b"\xff" * 32),
        make_vkey("a", KEY.public + b"x"),
    ],
)
def test_odd_vkeys_are_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse_vkey(text)


# ------------------------------------------------------------------ cosignatures


def test_cosignature_is_written_as_specified() -> None:
    stamped = b"cosignature/v1\ntime 1700000000\n" + BODY
    key_id = sha256(b"vault.example/w\n\x04" + WITNESS_KEY.public)[:4]
    blob = key_id + (1_700_000_000).to_bytes(8, "big") + WITNESS_KEY.sign(stamped)
    line = "— vault.example/w ".encode() + base64.b64encode(blob) + b"\n"
    assert cosign(BODY, "vault.example/w", WITNESS_KEY, 1_700_000_000) == line


def test_cosigned_checkpoint_gives_the_witness_time() -> None:
    raw = NOTE + cosign(BODY, WITNESS.name, WITNESS_KEY, 1_700_000_000)
    assert verify_cosignature(raw, WITNESS) == 1_700_000_000
    assert open_checkpoint(raw, LOG, [WITNESS]) == Checkpoint(ORIGIN, 7, ROOT)


def test_latest_of_several_cosignature_times_counts() -> None:
    lines = [cosign(BODY, WITNESS.name, WITNESS_KEY, t) for t in (5, 9, 7)]
    assert verify_cosignature(NOTE + b"".join(lines), WITNESS) == 9


def test_cosignature_with_a_moved_time_is_refused() -> None:
    line = cosign(BODY, WITNESS.name, WITNESS_KEY, 1_700_000_000)
    blob = bytearray(base64.b64decode(line.split(b" ")[-1]))
    blob[11] ^= 1
    moved = line.rpartition(b" ")[0] + b" " + base64.b64encode(bytes(blob)) + b"\n"
    with pytest.raises(Tampered, match="does not hold"):
        verify_cosignature(NOTE + moved, WITNESS)
    with pytest.raises(Tampered, match="does not hold"):
        open_checkpoint(NOTE + moved, LOG, [WITNESS])


def test_cosignature_of_another_checkpoint_is_refused() -> None:
    later = NOTARY.checkpoint(8, ROOT)
    with pytest.raises(Tampered, match="does not hold"):
        verify_cosignature(later + cosign(BODY, WITNESS.name, WITNESS_KEY, 5), WITNESS)


def test_checkpoint_without_the_cosigner_is_refused() -> None:
    with pytest.raises(Tampered, match="did not cosign"):
        verify_cosignature(NOTE, WITNESS)


def test_plain_signature_is_no_cosignature_and_the_reverse() -> None:
    with pytest.raises(Tampered, match="did not cosign"):
        verify_cosignature(NOTE, LOG)
    as_log = parse_vkey(make_vkey(WITNESS.name, WITNESS_KEY.public))
    with pytest.raises(Tampered, match="no known key"):
        open_note(BODY + b"\n" + cosign(BODY, WITNESS.name, WITNESS_KEY, 5), [as_log])


@pytest.mark.parametrize("blob", [bytes(8), bytes(72), bytes(71), bytes(7), (2**63).to_bytes(8, "big") + bytes(64)])
def test_odd_cosignatures_are_refused(blob: bytes) -> None:
    line = "— vault.example/w ".encode() + base64.b64encode(WITNESS.key_id + blob) + b"\n"
    with pytest.raises(Tampered, match="does not hold"):
        verify_cosignature(NOTE + line, WITNESS)


def test_cosignature_at_time_zero_is_refused_even_when_signed() -> None:
    blob = WITNESS.key_id + bytes(8) + WITNESS_KEY.sign(b"cosignature/v1\ntime 0\n" + BODY)
    with pytest.raises(Tampered, match="does not hold"):
        verify_cosignature(NOTE + "— vault.example/w ".encode() + base64.b64encode(blob) + b"\n", WITNESS)


@pytest.mark.parametrize("time_s", [0, -1, 2**63])
def test_cosigning_at_an_impossible_time_is_refused(time_s: int) -> None:
    with pytest.raises(Malformed, match="time"):
        cosign(BODY, WITNESS.name, WITNESS_KEY, time_s)


@pytest.mark.parametrize("body", [NOTE, b"hello\n", BODY + b"extension\n"])
def test_only_the_text_of_a_checkpoint_is_cosigned(body: bytes) -> None:
    with pytest.raises(Malformed):
        cosign(body, WITNESS.name, WITNESS_KEY, 5)
