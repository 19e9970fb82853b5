"""The Vault's daily head: one short document that names every mirrored log with its size and root, signed by the Vault.

    holdgate/vault-head/v1
    <the Vault's origin>
    time <UTC seconds>
    log <size> <base64 of the root> <origin>        one line for each log that holds something, by origin

It is a C2SP signed note under the Vault's name and key (type 0x01, Ed25519 over the text). The first line keeps it apart from
whatever else that key signs: no checkpoint and no cosignature begins so. There is one spelling; another one is refused.

Its purpose is to be stamped by somebody outside of the shop (RFC 3161), so that a later, other history is seen to be later.
Source: C2SP signed-note; docs/spec/witness.md; decision 28.
"""

import binascii
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from holdgate.crypto.hashes import HASH_BYTES
from holdgate.crypto.keys import SigningKey
from holdgate.ledger.note import (
    KIND_LOG,
    Checkpoint,
    Vkey,
    check_name,
    decode_base64,
    make_vkey,
    open_note,
    parse_vkey,
    read_number,
    sign_note,
)
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import HEAD_BYTES_MAX

_FIRST: Final = b"holdgate/vault-head/v1"


class VaultHead(Struct, frozen=True, kw_only=True):
    """What a head says. `time_s`: the Vault's clock, UTC seconds. `logs`: by origin, each once, none empty."""

    vault: str
    time_s: int
    logs: tuple[Checkpoint, ...]


def write_head(vault: str, key: SigningKey, time_s: int, logs: Iterable[Checkpoint]) -> bytes:
    """The signed head of a Vault.

    Raises:
        Malformed: no log, a log twice, or more than a head can name.
    """
    head = VaultHead(vault=vault, time_s=time_s, logs=tuple(sorted(logs, key=lambda log: log.origin)))
    text = _text(head)
    _read(text)
    return sign_note(text, vault, key)


def open_head(raw: bytes, vaults: Sequence[Vkey]) -> VaultHead:
    """Read an untrusted head and believe it because a Vault that is trusted signed it.

    Args:
        raw: untrusted bytes.
        vaults: trusted keys, as log keys or as cosigner keys: the name and the public key count.

    Raises:
        Malformed: no head, or not in its one spelling. Tampered: no trusted Vault signed it, or a signature does not hold.
    """
    known = [parse_vkey(make_vkey(vault.name, vault.public, KIND_LOG)) for vault in vaults]
    text, names = open_note(raw, known, HEAD_BYTES_MAX)
    head = _read(text)
    if head.vault not in names:
        raise Malformed(f"the head of {head.vault[:80]!r} is signed by {', '.join(names)}, not by itself")
    return head


def _text(head: VaultHead) -> bytes:
    lines = [_FIRST, head.vault.encode(), b"time %d" % head.time_s, *map(_line, head.logs)]
    return b"\n".join(lines) + b"\n"


def _line(log: Checkpoint) -> bytes:
    return b"log %d %b %b" % (log.size, binascii.b2a_base64(log.root, newline=False), log.origin.encode())


def _read(text: bytes) -> VaultHead:
    lines = text.split(b"\n")
    if len(lines) < 5 or lines[0] != _FIRST or not lines[2].startswith(b"time ") or lines[-1]:
        raise Malformed(
            "this is no head of a Vault: it begins with holdgate/vault-head/v1, the Vault, a time and a log"
        )
    head = VaultHead(
        vault=check_name(lines[1].decode()),
        time_s=read_number(lines[2][5:], "the head's time"),
        logs=tuple(_log(line) for line in lines[3:-1]),
    )
    origins = [log.origin for log in head.logs]
    if origins != sorted(set(origins)) or any(not log.size for log in head.logs) or _text(head) != text:
        raise Malformed("the head is not in its one spelling: logs by origin, each once, none of them empty")
    if len(text) > HEAD_BYTES_MAX - 4_096:
        raise Malformed(f"a head names about {HEAD_BYTES_MAX // 128} logs at most")
    return head


def _log(line: bytes) -> Checkpoint:
    fields = line.split(b" ")
    if len(fields) != 4 or fields[0] != b"log":
        raise Malformed(f"{line.decode()[:80]!r} is no line of a head; it reads: log size root origin")
    root = decode_base64(fields[2], "the root of a log")
    if len(root) != HASH_BYTES:
        raise Malformed(f"the root of a log has {HASH_BYTES} bytes, not {len(root)}")
    return Checkpoint(check_name(fields[3].decode()), read_number(fields[1], "the size of a log"), root)
