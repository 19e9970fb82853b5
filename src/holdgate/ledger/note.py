"""Signed notes, checkpoints and cosignatures: how a log states its size and root, and how a witness attests it.

A note is text, a blank line, and signature lines `— <name> base64(key id ‖ signature)`. A checkpoint is a note of three
lines: origin, size, base64 of the root; we write no extension lines and read none, since no monitor could audit them.
Reading goes:
  0. bound the bytes; UTF-8 without control characters;
  1. split at the last blank line; read every signature line;
  2. skip lines whose (name, key id) is unknown;
  3. check every line of a known key: one false line refuses the whole note;
  4. refuse a note that no known key signed.
A log's key carries the log's origin as its name. Key types: 0x01 signs the text, 0x04 is a cosignature with a time.

Source: C2SP signed-note, tlog-checkpoint, tlog-cosignature (commit 5ba5ee8); docs/spec/ledger.md.
"""

import binascii
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

from holdgate.crypto.hashes import HASH_BYTES, sha256
from holdgate.crypto.keys import SIGNATURE_BYTES, SigningKey, check_enrollable, verify
from holdgate.terms.errors import Malformed, Tampered
from holdgate.terms.limits import NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX

KIND_LOG: Final = 0x01
"""Key type: Ed25519 over the note's text; a log's own key."""
KIND_COSIGNATURE: Final = 0x04
"""Key type: Ed25519 over time and checkpoint; a witness's or mirror's key."""
VKEYS_KEPT: Final = 256
"""Verifier keys that are kept read; checking that a key may be enrolled costs as much as a signature."""
SIZE_MAX: Final = 2**63 - 1
"""Largest tree size and time in seconds that is read or written."""
_KEY_ID_BYTES: Final = 4
_TIME_BYTES: Final = 8
_DASH: Final = "— ".encode()
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_NO_NAME: Final = re.compile(r"[\s+\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What no name holds."""
_NUMBER: Final = re.compile(rb"0|[1-9][0-9]{0,18}")


class Vkey(msgspec.Struct, frozen=True):
    """A verifier key: whose note signatures to believe."""

    name: str
    key_id: bytes
    kind: int
    public: bytes


class Checkpoint(msgspec.Struct, frozen=True):
    """What a log claims: its origin, number of entries and root (32 bytes). As trusted as the note it came from."""

    origin: str
    size: int
    root: bytes


class NoteSignature(msgspec.Struct, frozen=True):
    """One signature line: name, key id (4 bytes), and what follows it. Untrusted."""

    name: str
    key_id: bytes
    body: bytes


class Notary:
    """Signs a log's checkpoints. It must be called only after the entries have been committed."""

    __slots__ = ("_head", "_key", "_key_id", "_tail", "origin", "vkey")

    origin: str
    """The log's origin, also the key's name."""
    vkey: str
    """The verifier key to publish."""

    def __init__(self, origin: str, key: SigningKey) -> None:
        """Prepare to sign for one log.

        Raises:
            Malformed: the origin is no key name (see `check_name`).
        """
        self.vkey = make_vkey(origin, key.public)
        self.origin = origin
        self._key = key
        self._key_id = note_key_id(origin, KIND_LOG, key.public)
        self._head = origin.encode() + b"\n"
        self._tail = b"\n" + _DASH + origin.encode() + b" "

    def checkpoint(self, size: int, root: bytes) -> bytes:
        """The signed checkpoint for a committed size and root (32 bytes)."""
        text = b"%b%d\n%b" % (self._head, size, binascii.b2a_base64(root))
        return text + self._tail + binascii.b2a_base64(self._key_id + self._key.sign(text))


def check_name(name: str) -> str:
    """Return the name if it may name a key or a log.

    Raises:
        Malformed: empty, or it holds a space of any kind, a plus sign, a control character or no valid text.
    """
    odd = _NO_NAME.search(name)
    if not name or odd is not None:
        why = "it is empty" if odd is None else f"it holds U+{ord(odd[0]):04X}"
        raise Malformed(f"{name[:80]!r} cannot name a key or log ({why}); use a name such as lab.example/node-fpi")
    return name


def note_key_id(name: str, kind: int, public: bytes) -> bytes:
    """The 4 bytes that lead a signature to its key: SHA-256(name ‖ 0x0A ‖ kind ‖ public), cut. A hint, not a proof."""
    return sha256(name.encode() + b"\n" + bytes((kind,)) + public)[:_KEY_ID_BYTES]


def make_vkey(name: str, public: bytes, kind: int = KIND_LOG) -> str:
    """The verifier key as text: `name+hex(key id)+base64(kind ‖ public)`.

    Raises:
        Malformed: the name cannot name a key.
    """
    blob = binascii.b2a_base64(bytes((kind,)) + public, newline=False)
    return f"{check_name(name)}+{note_key_id(name, kind, public).hex()}+{blob.decode()}"


@lru_cache(maxsize=VKEYS_KEPT)
def parse_vkey(text: str) -> Vkey:
    """Read a verifier key from configuration or another site (untrusted text). Pure: what was read is kept for next time.

    Raises:
        Malformed: not of that form, another kind than 0x01 and 0x04, a key id that is not its own, or a key that may
            not be enrolled.
    """
    parts = text.split("+", 2)
    if len(parts) != 3 or not text.isprintable():
        raise Malformed(f"{text[:80]!r} is not a verifier key; it reads name+key id+base64")
    name = check_name(parts[0])
    blob = decode_base64(parts[2].encode(), "the verifier key")
    kind, public = blob[:1], blob[1:]
    if kind not in (b"\x01", b"\x04"):
        raise Malformed(f"the verifier key of {name} is of kind 0x{kind.hex()}; 0x01 and 0x04 (Ed25519) are read here")
    check_enrollable(public)
    vkey = Vkey(name, note_key_id(name, kind[0], public), kind[0], public)
    if vkey.key_id.hex() != parts[1]:
        raise Malformed(
            f"the verifier key of {name} carries the key id {parts[1][:16]!r}, not its own; copy it again from its "
            "source"
        )
    return vkey


def decode_base64(text: bytes, what: str) -> bytes:
    """Decode standard base64 in its one canonical spelling (padding, no line breaks, unused bits zero).

    Raises:
        Malformed: anything else; the message names `what`.
    """
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        data = b""
    if binascii.b2a_base64(data, newline=False) != text:
        raise Malformed(f"{what} is not standard base64")
    return data


def read_number(text: bytes, what: str) -> int:
    """Read a decimal number without sign or leading zeros, at most 2^63 - 1.

    Raises:
        Malformed: anything else; the message names `what`.
    """
    if not _NUMBER.fullmatch(text) or int(text) > SIZE_MAX:
        raise Malformed(f"{what} {text[:24]!r} is not a decimal number between 0 and 2^63 - 1")
    return int(text)


def sign_note(text: bytes, name: str, key: SigningKey) -> bytes:
    """A note over a text that ends in a newline, signed under a name (type 0x01).

    Raises:
        Malformed: the name cannot name a key.
    """
    blob = note_key_id(check_name(name), KIND_LOG, key.public) + key.sign(text)
    return text + b"\n" + _DASH + name.encode() + b" " + binascii.b2a_base64(blob)


def read_note(raw: bytes, bytes_max: int = NOTE_BYTES_MAX) -> tuple[bytes, list[NoteSignature]]:
    """Split untrusted bytes into the note's text (with its final newline) and its signature lines. Proves nothing.

    Raises:
        Malformed: too long, not UTF-8, control characters, no blank line, no or too many signatures, or a line that is
            none.
    """
    _check_characters(raw, bytes_max)
    split = raw.rfind(b"\n\n")
    if split < 0:
        raise Malformed("the note has no blank line between its text and its signatures")
    text, lines = raw[: split + 1], raw[split + 2 :].split(b"\n")
    if lines.pop() or not lines or len(lines) > NOTE_SIGNATURES_MAX:
        raise Malformed(f"the note must end in 1 to {NOTE_SIGNATURES_MAX} signature lines, each with its newline")
    return text, [_read_signature(line) for line in lines]


def open_note(raw: bytes, known: Iterable[Vkey], bytes_max: int = NOTE_BYTES_MAX) -> tuple[bytes, tuple[str, ...]]:
    """Read an untrusted note and believe its text because known keys signed it.

    Args:
        raw: untrusted bytes.
        known: trusted keys, log keys and cosigners alike; others on the note are ignored.
        bytes_max: a longer note is refused.

    Returns:
        The text with its final newline, and the names of the known keys that signed, in the order of their lines.

    Raises:
        Malformed: not a note.
        Tampered: a known key's signature does not hold, or no known key signed.
    """
    text, signatures = read_note(raw, bytes_max)
    keys = {(key.name, key.key_id): key for key in known}
    names: list[str] = []
    for line in signatures:
        key = keys.get((line.name, line.key_id))
        if key is None:
            continue
        if not _holds(key, text, line.body):
            raise Tampered(
                f"the signature of {line.name[:80]!r} does not hold for this note; nothing of it is believed"
            )
        if line.name not in names:
            names.append(line.name)
    if not names:
        raise Tampered(
            "no known key signed this note; compare its names and key ids with the verifier keys that you trust"
        )
    return text, tuple(names)


def parse_checkpoint(raw: bytes) -> Checkpoint:
    """Read what a checkpoint claims, from its text or the whole signed note. Proves nothing: see `open_checkpoint`.

    Raises:
        Malformed: not a note, not three lines, an odd origin, a size that is no number, a root that is not 32 bytes.
    """
    if b"\n\n" in raw:
        raw, _ = read_note(raw)
    else:
        _check_characters(raw, NOTE_BYTES_MAX)
    lines = raw.split(b"\n")
    if len(lines) != 4 or lines[3]:
        raise Malformed("a checkpoint has exactly three lines: origin, size and root")
    root = decode_base64(lines[2], "the checkpoint's root")
    if len(root) != HASH_BYTES:
        raise Malformed(f"the checkpoint's root has {len(root)} bytes; a SHA-256 root has {HASH_BYTES}")
    return Checkpoint(check_name(lines[0].decode()), read_number(lines[1], "the checkpoint's size"), root)


def open_checkpoint(raw: bytes, log: Vkey, cosigners: Iterable[Vkey] = ()) -> Checkpoint:
    """Read an untrusted checkpoint and believe it because its own log signed it.

    Args:
        raw: untrusted bytes of the signed note.
        log: the trusted key of the log; its name must be the checkpoint's origin.
        cosigners: trusted cosigners; those that signed must hold as well.

    Raises:
        Malformed: not a checkpoint.
        Tampered: a known signature does not hold, the log's is missing, or the origin is another log's.
    """
    text, names = open_note(raw, (log, *cosigners))
    checkpoint = parse_checkpoint(text)
    if checkpoint.origin != log.name or log.name not in names:
        raise Tampered(f"this checkpoint of {checkpoint.origin[:80]!r} is not signed by the log {log.name[:80]!r}")
    return checkpoint


def cosign(body: bytes, name: str, key: SigningKey, time_s: int) -> bytes:
    """The cosignature line (type 0x04): a witness attests that it saw this checkpoint as consistent at this time.

    Args:
        body: the checkpoint's text of three lines, already checked against what the witness last cosigned.
        name: the cosigner's name.
        key: the cosigner's key, used for nothing else.
        time_s: UTC seconds since 1970, positive.

    Raises:
        Malformed: the body is not a checkpoint's text, the name cannot name a key, or the time is out of bounds.
    """
    if b"\n\n" in body:
        raise Malformed("cosign the checkpoint's text of three lines, without its signatures")
    parse_checkpoint(body)
    if not 0 < time_s <= SIZE_MAX:
        raise Malformed(f"{time_s} is not a time in seconds since 1970")
    blob = note_key_id(check_name(name), KIND_COSIGNATURE, key.public) + time_s.to_bytes(_TIME_BYTES, "big")
    return _DASH + name.encode() + b" " + binascii.b2a_base64(blob + key.sign(_cosigned(body, time_s)))


def verify_cosignature(note: bytes, vkey: Vkey) -> int:
    """The time (UTC seconds) at which this cosigner attested the untrusted note; the latest where it did so often.

    Raises:
        Malformed: not a note.
        Tampered: the cosigner did not sign, or a signature of its does not hold.
    """
    text, signatures = read_note(note)
    latest_s = 0
    for line in signatures:
        if vkey.kind != KIND_COSIGNATURE or (line.name, line.key_id) != (vkey.name, vkey.key_id):
            continue
        if not _holds(vkey, text, line.body):
            raise Tampered(f"the cosignature of {vkey.name[:80]!r} does not hold for this checkpoint")
        latest_s = max(latest_s, int.from_bytes(line.body[:_TIME_BYTES], "big"))
    if not latest_s:
        raise Tampered(f"{vkey.name[:80]!r} did not cosign this checkpoint; ask it again once it has seen it")
    return latest_s


def _cosigned(text: bytes, time_s: int) -> bytes:
    """The bytes that a cosignature signs."""
    return b"cosignature/v1\ntime %d\n%b" % (time_s, text)


def _holds(key: Vkey, text: bytes, body: bytes) -> bool:
    """Whether the rest of a signature line holds for its key and the text."""
    if key.kind == KIND_LOG:
        return verify(key.public, text, body)
    if key.kind != KIND_COSIGNATURE or len(body) != _TIME_BYTES + SIGNATURE_BYTES:
        return False
    time_s = int.from_bytes(body[:_TIME_BYTES], "big")
    return 0 < time_s <= SIZE_MAX and verify(key.public, _cosigned(text, time_s), body[_TIME_BYTES:])


def _check_characters(raw: bytes, bytes_max: int) -> None:
    """Bound untrusted note bytes.

    Raises:
        Malformed: too long, not UTF-8, or control characters other than the newline.
    """
    if len(raw) > bytes_max:
        raise Malformed(f"the note has {len(raw)} bytes; at most {bytes_max} are read")
    try:
        odd = _CONTROL.search(raw.decode())
    except UnicodeDecodeError:
        raise Malformed("the note is not UTF-8 text") from None
    if odd:
        raise Malformed(f"the note holds the control character U+{ord(odd.group()):04X}")


def _read_signature(line: bytes) -> NoteSignature:
    """Read one signature line without its newline.

    Raises:
        Malformed: not `— name base64`, or fewer than 5 bytes.
    """
    name, space, text = line.removeprefix(_DASH).partition(b" ")
    if not line.startswith(_DASH) or not space:
        raise Malformed(f"{line.decode()[:80]!r} is not a signature line; it reads: — name base64")
    blob = decode_base64(text, "the signature line")
    if len(blob) <= _KEY_ID_BYTES:
        raise Malformed("a signature line holds no signature after its key id")
    return NoteSignature(check_name(name.decode()), blob[:_KEY_ID_BYTES], blob[_KEY_ID_BYTES:])
