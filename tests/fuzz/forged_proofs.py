"""Forged signatures of passkeys, checkpoints, cosignatures, heads, receipts and stretches of logs."""

import json
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from holdgate.crypto import passkeys
from holdgate.crypto.envelope import PAYLOAD_TYPE, pae
from holdgate.crypto.passkeys import Assertion
from holdgate.law.segments import Segment, verify_segment
from holdgate.ledger.head import open_head
from holdgate.ledger.merkle import inclusion_path, root_of
from holdgate.ledger.note import (
    Notary,
    cosign,
    make_vkey,
    open_checkpoint,
    parse_vkey,
    sign_note,
    verify_cosignature,
)
from holdgate.ledger.proof import verify_proof, write_proof
from holdgate.terms import canon
from tests.builders import FLOOR, NODE, VAULT, Log, key_of
from tests.fuzz import seeds as s
from tests.fuzz.forger import STRANGER, believed, flipped, forger
from tests.passkey import RP, SoftPasskey, authenticator_data, client_data

# ---- passkeys ----------------------------------------------------------------------------------------------------------

MESSAGE: Final = pae(PAYLOAD_TYPE, b"an act")


@cache
def passkey(name: str, alg: int) -> SoftPasskey:
    return SoftPasskey(name, alg=alg)


@cache
def assertion(alg: int) -> Assertion:
    return passkey("TECH", alg).assertion(MESSAGE)


def holds(alg: int, row: bytes) -> bool:
    """Whether this is believed to be the technician's."""
    return passkeys.verify(passkey("TECH", alg).public, MESSAGE, row)


@forger(6)
def a_passkeys_signature(draw: Random) -> bool:
    alg = draw.choice((-7, -7, -8, -257))
    held = assertion(alg)
    part = draw.choice(("authenticator_data", "client_data", "signature"))
    forged = replace(held, **{part: flipped(draw, getattr(held, part))})
    row = canon.encode(forged) if draw.randrange(8) else json.dumps(msgspec.to_builtins(held)).encode()
    return holds(alg, row)


@forger(4)
def a_passkey_that_signed_something_else(draw: Random) -> bool:
    """By the true authenticator: for another act, page, purpose; without the person; or by another person's."""
    alg = draw.choice((-7, -8))
    key, how = passkey("TECH", alg), draw.randrange(6)
    if how == 0:
        row = key.assertion(draw.choice((b"an act", MESSAGE[1:], MESSAGE + b"\0", draw.randbytes(20))))
    elif how == 1:
        origins = (
            f"http://{RP}",
            f"https://evil{RP}",
            f"https://{RP}.evil.lan",
            "https://evil.lan",
            f"https://{RP}@evil.lan",
            None,
        )
        row = key.assertion(MESSAGE, client=client_data(MESSAGE, draw.choice(origins)))
    elif how == 2:
        odd: dict[str, Any] = draw.choice(
            ({"type": "webauthn.create"}, {"crossOrigin": True}, {"challenge": "AAAA"}, {"crossOrigin": 0})
        )
        row = key.assertion(MESSAGE, client=client_data(MESSAGE, **odd))
    elif how == 3:
        row = key.assertion(MESSAGE, authenticator=authenticator_data(flags=draw.choice((0, 1, 4, 0x45, 0x15, 0x85))))
    elif how == 4:
        row = key.assertion(MESSAGE, authenticator=authenticator_data("evil.lan"))
    else:
        row = passkey("QA", alg).assertion(MESSAGE)
    return holds(alg, canon.encode(row))


# ---- notes -------------------------------------------------------------------------------------------------------------


def _notes() -> Sequence[bytes]:
    return s.checkpoints()[4:]


@forger(8)
def a_checkpoint(draw: Random) -> bool:
    """Another text, another signature, another key, another log's, or signed for something else."""
    note, how = draw.choice(_notes()), draw.randrange(6)
    text, rows = s.text_of(note), note[len(s.text_of(note)) + 1 :]
    if how == 0:
        forged = flipped(draw, text) + b"\n" + rows
    elif how == 1:
        forged = text + b"\n" + flipped(draw, rows)
        if s.text_of(forged if b"\n\n" in forged else note) == text and _same_log_line(forged, rows):
            return False
    elif how == 2:
        forged = Notary(s.ORIGIN, draw.choice((STRANGER, key_of(NODE), key_of("ADMIN")))).checkpoint(3, bytes(32))
    elif how == 3:
        forged = s.text_of(draw.choice(_notes())) + b"\n" + rows
        if s.text_of(forged) == text:
            return False
    elif how == 4:
        forged = text + b"\n" + cosign(text, s.ORIGIN, s.LOG_KEY, s.T_S)
    else:
        forged = sign_note(
            draw.choice((f"test/{NODE}".encode(), b"x")) + text[text.index(b"\n") :], s.ORIGIN, s.LOG_KEY
        )
    return believed(lambda: open_checkpoint(forged, s.LOG))


def _same_log_line(forged: bytes, rows: bytes) -> bool:
    """Whether the log's own line is untouched: only a line of somebody else was altered, which a reader of this log passes over."""
    own = rows[: rows.index(b"\n") + 1]
    return b"\n" + own in forged


@forger(4)
def a_cosignature(draw: Random) -> bool:
    note = draw.choice([one for one in _notes() if one.count(b"\xe2\x80\x94 ") == 2])
    text = s.text_of(note)
    line, how = note[note.rindex(b"\xe2\x80\x94 ") :], draw.randrange(5)
    if how == 0:
        forged = note[: -len(line)] + flipped(draw, line)
    elif how == 1:
        forged = s.checkpoints()[2] + line
    elif how == 2:
        forged = text + b"\n" + cosign(text, s.WITNESS_NAME, draw.choice((STRANGER, s.LOG_KEY, key_of("QA"))), s.T_S)
    elif how == 3:
        forged = sign_note(text, s.WITNESS_NAME, key_of(VAULT))
    else:
        as_log = parse_vkey(make_vkey(s.WITNESS_NAME, key_of(VAULT).public))
        return believed(lambda: verify_cosignature(note, as_log)) or believed(lambda: open_checkpoint(note, as_log))
    return believed(lambda: verify_cosignature(forged, s.WITNESS))


@forger(2)
def a_vaults_head(draw: Random) -> bool:
    raw, how = draw.choice(s.heads()), draw.randrange(3)
    text = s.text_of(raw)
    if how == 0:
        forged = flipped(draw, raw)
    elif how == 1:
        forged = text + b"\n" + cosign_any(text, draw)
    else:
        forged = sign_note(text, s.WITNESS_NAME, draw.choice((STRANGER, s.LOG_KEY)))
    return believed(lambda: open_head(forged, [s.WITNESS]))


def cosign_any(text: bytes, draw: Random) -> bytes:
    """A line of the right name whose signature was made for a checkpoint."""
    note = Notary(s.WITNESS_NAME, key_of(VAULT)).checkpoint(draw.randrange(1, 9), bytes(32))
    return note[len(s.text_of(note)) + 1 :]


@forger(6)
def a_receipt(draw: Random) -> bool:
    """Another entry, another place, another path, another checkpoint."""
    size = len(s.leaves())
    at, how = draw.randrange(size), draw.randrange(5)
    note = Notary(s.ORIGIN, s.LOG_KEY).checkpoint(size, root_of(s.leaves())) if how else s.checkpoints()[4]
    path = inclusion_path(s.leaves(), at)
    leaf, index = s.leaves()[at], at
    if how == 1:
        leaf = s.leaves()[(at + draw.randrange(1, size)) % size]
    elif how == 2:
        index = (at + draw.randrange(1, size)) % size
    elif how == 3:
        place = draw.randrange(len(path))
        path[place] = flipped(draw, path[place])
    elif how == 4:
        path = draw.choice((path[:-1], [*path, bytes(32)], path[1:], path[::-1] if path[::-1] != path else []))
    return believed(lambda: verify_proof(write_proof(index, path, note), leaf, s.LOG))


# ---- stretches of logs ---------------------------------------------------------------------------------------------------


@cache
def newcomer() -> Any:
    return Log(NODE, "node").begin().state


@cache
def true_stretch() -> Segment:
    return s.shop().hub.segment(0, 12)


def _altered(draw: Random, true: Segment) -> Segment:
    how, index = draw.randrange(9), draw.randrange(len(true.leaves))
    if how == 0:
        return replace(true, entries={**true.entries, index: flipped(draw, true.entries[index])})
    if how == 1:
        leaves = list(true.leaves)
        leaves[index] = flipped(draw, leaves[index])
        return replace(true, leaves=tuple(leaves))
    if how == 2:
        return replace(true, checkpoint=flipped(draw, true.checkpoint))
    if how == 3:
        key = draw.choice((STRANGER, key_of(NODE), key_of("ADMIN")))
        return replace(true, checkpoint=Notary(s.ORIGIN, key).checkpoint(true.size, root_of(true.leaves)))
    if how == 4:
        return replace(true, start=draw.choice((1, 7, -1, 2**62)), size=true.size + draw.randrange(3))
    if how == 5:
        return replace(true, origin=draw.choice((f"test/{FLOOR}", f"test/{VAULT}", "evil.test/HUB")))
    if how == 6:
        return replace(true, checkpoint=draw.choice(s.checkpoints()[2:]))
    if how == 7:
        rest = {at: body for at, body in true.entries.items() if at != index}
        return replace(true, entries={**rest, (index + 1) % len(true.leaves): true.entries[index]})
    return replace(true, leaves=true.leaves[: index or 1], entries={})


@forger(2)
def a_stretch_of_a_log(draw: Random) -> bool:
    forged = _altered(draw, true_stretch())
    return forged != true_stretch() and believed(lambda: verify_segment(newcomer(), forged))
