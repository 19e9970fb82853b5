"""Forged acts and other signed things, made from real ones; each goes straight to the function that has to refuse it.

A forger draws one forgery and says whether it was believed. What it hands in differs from what was signed in the bytes that are
signed, in a signature, in who is said to have signed, or in what the signature was made for; or it is signed and spelled otherwise.
Not tried: an ECDSA signature (r, n - s) in the place of (r, s), which holds by design, since what is replayed is told by its payload.
"""

import json
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from random import Random
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from holdgate.crypto import passkeys
from holdgate.crypto.envelope import PAYLOAD_TYPE, Envelope, Signature, open_envelope, pae, seal
from holdgate.crypto.keys import SigningKey
from holdgate.crypto.passkeys import Assertion
from holdgate.crypto.sealed import SealingKey, open_sealed, seal_to
from holdgate.engine.verify import Verified, verify
from holdgate.gate.permit import PERMIT_TYPE, open_answer
from holdgate.identity.charter import CHARTER_TYPE, open_charter
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
from holdgate.terms.errors import Malformed, Tampered
from tests.builders import FLOOR, HUB, NODE, OTHER_NODE, ROOT, VAULT, Log, charter_envelope, key_of
from tests.fuzz import seeds as s
from tests.fuzz.signed_things import answers
from tests.odd_signatures import ODD_POINTS, SMALL, larger
from tests.passkey import RP, SoftPasskey, authenticator_data, client_data

Forger = Callable[[Random], bool]
"""Draws a forgery and hands it in: whether it was believed."""
FORGERS: Final[dict[str, tuple[Forger, int]]] = {}
"""Every kind of forgery, with its share of a run: less for what is slow to judge."""
STRANGER: Final = SigningKey(b"\x07" * 32)


def forger(share: int) -> Callable[[Forger], Forger]:
    """Register a kind of forgery under the function's name."""

    def registered(forge: Forger) -> Forger:
        FORGERS[forge.__name__] = (forge, share)
        return forge

    return registered


def believed(judge: Callable[[], object]) -> bool:
    """Whether nothing was raised."""
    try:
        judge()
    except (Malformed, Tampered):
        return False
    return True


def flipped(draw: Random, raw: bytes) -> bytes:
    """Another bit."""
    out = bytearray(raw)
    out[draw.randrange(len(out))] ^= 1 << draw.randrange(8)
    return bytes(out)


def malleated(draw: Random, signature: bytes) -> bytes:
    """A signature that is not the one that was made."""
    how = draw.randrange(9)
    if how == 0:
        return larger(draw, signature)
    if how == 1:
        return draw.choice(SMALL + ODD_POINTS) + signature[32:]
    if how == 2:
        return draw.choice(SMALL) + bytes(32)
    if how == 3:
        return signature[:32] + bytes(32)
    if how == 4:
        return signature[32:] + signature[:32]
    if how == 5:
        return signature[:-1] + bytes([signature[-1] ^ 0x80])
    if how == 6:
        return signature[:31] + bytes([signature[31] ^ 0x80]) + signature[32:]
    return draw.randbytes(64) if how == 7 else flipped(draw, signature)


# ---- acts --------------------------------------------------------------------------------------------------------------


@cache
def acts() -> list[Envelope]:
    return [open_envelope(raw) for raw in s.acts() if isinstance(verify(raw, s.people(), ""), Verified)]


def taken(envelope: Envelope, raw: bytes | None = None) -> bool:
    """Whether a site would take this in as signed."""
    return isinstance(verify(canon.encode(envelope) if raw is None else raw, s.people(), "forger"), Verified)


def with_row(envelope: Envelope, at: int, **changes: Any) -> Envelope:
    """The envelope with one signature changed."""
    rows = list(envelope.signatures)
    rows[at] = replace(rows[at], **changes)
    return replace(envelope, signatures=rows)


@forger(10)
def a_bit_of_an_act(draw: Random) -> bool:
    act = draw.choice(acts())
    return taken(replace(act, payload=flipped(draw, act.payload)))


@forger(10)
def a_signature_of_an_act(draw: Random) -> bool:
    act = draw.choice(acts())
    at = draw.randrange(len(act.signatures))
    return taken(with_row(act, at, sig=malleated(draw, act.signatures[at].sig)))


@forger(8)
def signatures_left_out_doubled_swapped_or_more(draw: Random) -> bool:
    act, other = draw.choice(acts()), draw.choice(acts())
    rows, how = list(act.signatures), draw.randrange(5)
    at = draw.randrange(len(rows))
    if how == 0:
        del rows[at]
    elif how == 1:
        rows.append(rows[at])
    elif how == 2:
        rows.append(Signature("SID-X", STRANGER.sign(pae(PAYLOAD_TYPE, act.payload))))
    elif how == 3:
        rows[at] = replace(rows[at], keyid=draw.choice(("TECH", "QA", "ADMIN", "", "tech", "TECH ", "\u0422ECH", "SID-X")))
        if rows == list(act.signatures):
            rows.pop()
    else:
        rows = [replace(row, sig=other.signatures[0].sig) for row in rows]
        if other.payload == act.payload:
            rows.pop()
    return taken(replace(act, signatures=rows))


@forger(6)
def somebody_else_signs(draw: Random) -> bool:
    """A stranger, a colleague, a site or the root, under the name of whoever had to sign."""
    act = draw.choice(acts())
    at = draw.randrange(len(act.signatures))
    mine = act.signatures[at].keyid
    others = [STRANGER, ROOT, *(key_of(name) for name in ("TECH", "QA", "ADMIN", HUB, FLOOR, NODE, VAULT) if name != mine)]
    return taken(with_row(act, at, sig=draw.choice(others).sign(pae(PAYLOAD_TYPE, act.payload))))


def signed_for(draw: Random, key: SigningKey, payload: bytes) -> bytes:
    """A signature by the right key over these bytes, made for something else than an act."""
    text = f"test/{HUB}\n3\n{'A' * 43}=\n".encode()
    types = (CHARTER_TYPE, PERMIT_TYPE, "", PAYLOAD_TYPE.upper(), PAYLOAD_TYPE + " ", "application/json")
    how = draw.randrange(6)
    if how == 0:
        return key.sign(payload)
    if how == 1:
        return key.sign(pae(draw.choice(types), payload))
    if how == 2:
        return key.sign(pae(PAYLOAD_TYPE, payload)[:-1] if draw.randrange(2) else pae(PAYLOAD_TYPE, payload) + b"\n")
    if how == 3:
        return key.sign(b"cosignature/v1\ntime 1\n" + draw.choice((text, payload)))
    return key.sign(text) if how == 4 else key.sign(b"DSSEv1" + payload)


@forger(6)
def an_act_signed_for_another_purpose(draw: Random) -> bool:
    act = draw.choice(acts())
    at = draw.randrange(len(act.signatures))
    name = act.signatures[at].keyid
    return taken(with_row(act, at, sig=signed_for(draw, key_of(name), act.payload)))


@forger(4)
def an_act_as_something_else(draw: Random) -> bool:
    """The true signatures under another type; or the bytes of an act where a charter or an answer is wanted."""
    act = draw.choice(acts())
    other = canon.encode(replace(act, payloadType=draw.choice((CHARTER_TYPE, PERMIT_TYPE, "", PAYLOAD_TYPE + "x"))))
    return (
        taken(act, other)
        or believed(lambda: open_charter(other, (ROOT.public,)))
        or believed(lambda: open_answer(other, NODE, key_of(NODE).public))
    )


@forger(10)
def another_field_of_an_act(draw: Random) -> bool:
    """One value in the payload exchanged for another act's, in canonical form, under the true signatures."""
    act = draw.choice(acts())
    held = json.loads(act.payload)
    other = json.loads(draw.choice(acts()).payload)
    name = draw.choice(sorted(held))
    value = draw.choice((other.get(name), other.get(name), *ODD.get(type(held[name]), (None,))))
    if value == held[name] or (value is None and name not in held):
        value = "another"
    changed = held | {name: value} if value is not None else {key: item for key, item in held.items() if key != name}
    return taken(replace(act, payload=canon.encode(changed)))


ODD: Final[dict[type, tuple[Any, ...]]] = {
    str: ("", "QA", "HUB", "FLOOR", "NODE-2", "PO-2", "\u0000"),
    int: (0, -1, 1, 2**53 - 1, 2**53, 1.0),
    bool: (True, False, None),
    list: ([], [None], ["A", "A"]),
    dict: ({}, []),
}

# ---- what the true signer signs in another spelling ------------------------------------------------------------------


def _doubled(draw: Random, held: dict[str, Any]) -> str:
    name = draw.choice(sorted(held))
    text = json.dumps(held, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    return text[:-1] + f",{json.dumps(name)}:{json.dumps(held[name])}}}"


def _numbers(draw: Random, held: dict[str, Any]) -> str:
    text = json.dumps(held, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    return text.replace(f'"at":{held["at"]}', f'"at":{held["at"]}' + draw.choice((".0", "e0", "E0", "0")), 1)


def _escaped(draw: Random, held: dict[str, Any]) -> str:
    text = json.dumps(held, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    place = text.index(draw.choice(('"act"', '"site"', '"nonce"'))) + 1
    return text[:place] + f"\\u{ord(text[place]):04x}" + text[place + 1 :]


def _nfd(draw: Random, held: dict[str, Any]) -> str:
    name = draw.choice(("nonce", "reason", "name"))
    odd = unicodedata.normalize("NFD", draw.choice(("\u00e9", "\u00fc\u00df", "\u212b"))) + draw.choice(("", "\u202e"))
    return json.dumps(held | {name: odd}, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


SPELLINGS: Final[dict[str, Callable[[Random, dict[str, Any]], str]]] = {
    "blanks": lambda d, h: json.dumps(h, separators=d.choice(((", ", ": "), (",", ": "), (" ,", ":"))), sort_keys=True),
    "order of keys": lambda d, h: json.dumps(dict(sorted(h.items(), reverse=True)), separators=(",", ":"), ensure_ascii=False),
    "a key twice": _doubled,
    "numbers": _numbers,
    "escapes": _escaped,
    "unicode": _nfd,
    "an unknown field": lambda d, h: json.dumps(h | {"zz": 1}, separators=(",", ":"), ensure_ascii=False, sort_keys=True),
    "a byte order mark": lambda d, h: "\ufeff" + json.dumps(h, separators=(",", ":"), ensure_ascii=False, sort_keys=True),
    "more behind it": lambda d, h: json.dumps(h, separators=(",", ":"), ensure_ascii=False, sort_keys=True) + d.choice(" \n\0x"),
    "null": lambda d, h: json.dumps(h | {"place": None, "auth": None}, separators=(",", ":"), ensure_ascii=False, sort_keys=True),
}


@forger(8)
def an_act_signed_in_another_spelling(draw: Random) -> bool:
    """Every signature is true; two readers could see two acts."""
    act = draw.choice(acts())
    text = SPELLINGS[draw.choice(tuple(SPELLINGS))](draw, json.loads(act.payload))
    payload = text.encode("utf-8", "surrogatepass")
    rows = [(row.keyid, key_of(row.keyid)) for row in act.signatures]
    return payload != act.payload and taken(act, seal(payload, rows))


# ---- charters, answers, sealed bodies ----------------------------------------------------------------------------------


@forger(2)
def a_charter(draw: Random) -> bool:
    held = open_envelope(charter_envelope(), CHARTER_TYPE)
    how = draw.randrange(4)
    if how == 0:
        forged = replace(held, payload=flipped(draw, held.payload))
    elif how == 1:
        forged = with_row(held, 0, sig=malleated(draw, held.signatures[0].sig))
    elif how == 2:
        forged = with_row(held, 0, sig=draw.choice((STRANGER, key_of("ADMIN"))).sign(pae(CHARTER_TYPE, held.payload)))
    else:
        forged = with_row(held, 0, sig=signed_for(draw, ROOT, held.payload.replace(b'"LAB"', b'"LAC"', 1)))
    return believed(lambda: open_charter(canon.encode(forged), (ROOT.public,)))


@forger(4)
def an_answer_to_a_module(draw: Random) -> bool:
    raw = draw.choice(answers())
    named = json.loads(raw)["payloadType"]
    held = open_envelope(raw, named)
    how = draw.randrange(5)
    if how == 0:
        forged = canon.encode(replace(held, payload=flipped(draw, held.payload)))
    elif how == 1:
        forged = canon.encode(with_row(held, 0, sig=malleated(draw, held.signatures[0].sig)))
    elif how == 2:
        other = draw.choice((STRANGER, key_of(OTHER_NODE), key_of("PUMP")))
        forged = seal(held.payload, [(NODE, other)], named)
    elif how == 3:
        forged = flipped(draw, raw)
    else:
        others = [json.loads(one)["payloadType"] for one in answers() if json.loads(one)["payloadType"] != named]
        forged = canon.encode(replace(held, payloadType=draw.choice((*others, PAYLOAD_TYPE, CHARTER_TYPE))))
    return believed(lambda: open_answer(forged, NODE, key_of(NODE).public))


SEALING: Final = SealingKey(b"\x05" * 32)
BODY: Final = b"a body"


@cache
def sealed() -> bytes:
    return seal_to(SEALING.public, BODY, b"info", b"PO-1")


@forger(2)
def a_sealed_body(draw: Random) -> bool:
    other = seal_to(STRANGER_SEALING.public, BODY, b"info", b"PO-1") if draw.randrange(32) == 0 else flipped(draw, sealed())
    raw, info, order = draw.choice(((other, b"info", b"PO-1"), (sealed(), b"inf", b"oPO-1"), (sealed(), b"info", b"PO-2"), (sealed()[:-1], b"info", b"PO-1")))
    return believed(lambda: open_sealed(SEALING, raw, info, order))


STRANGER_SEALING: Final = SealingKey(b"\x06" * 32)

# ---- passkeys ----------------------------------------------------------------------------------------------------------

MESSAGE: Final = pae(PAYLOAD_TYPE, b"an act")


@cache
def passkey(name: str, alg: int) -> SoftPasskey:
    return SoftPasskey(name, alg=alg)


@cache
def assertion(alg: int) -> Assertion:
    return passkey("TECH", alg).assertion(MESSAGE)


@forger(6)
def a_passkeys_signature(draw: Random) -> bool:
    alg = draw.choice((-7, -7, -8, -257))
    held = assertion(alg)
    part = draw.choice(("authenticator_data", "client_data", "signature"))
    forged = replace(held, **{part: flipped(draw, getattr(held, part))})
    row = canon.encode(forged) if draw.randrange(8) else json.dumps(msgspec.to_builtins(held)).encode()
    return passkeys.verify(passkey("TECH", alg).public, MESSAGE, row)


@forger(4)
def a_passkey_that_signed_something_else(draw: Random) -> bool:
    """By the true authenticator: for another act, page, purpose; without the person; or by another person's."""
    alg = draw.choice((-7, -8))
    key, how = passkey("TECH", alg), draw.randrange(6)
    if how == 0:
        row = key.assertion(draw.choice((b"an act", MESSAGE[1:], MESSAGE + b"\0", draw.randbytes(20))))
    elif how == 1:
        origins = (f"http://{RP}", f"https://evil{RP}", f"https://{RP}.evil.lan", "https://evil.lan", f"https://{RP}@evil.lan", None)
        row = key.assertion(MESSAGE, client=client_data(MESSAGE, draw.choice(origins)))
    elif how == 2:
        odd: dict[str, Any] = draw.choice(({"type": "webauthn.create"}, {"crossOrigin": True}, {"challenge": "AAAA"}, {"crossOrigin": 0}))
        row = key.assertion(MESSAGE, client=client_data(MESSAGE, **odd))
    elif how == 3:
        row = key.assertion(MESSAGE, authenticator=authenticator_data(flags=draw.choice((0, 1, 4, 0x45, 0x15, 0x85))))
    elif how == 4:
        row = key.assertion(MESSAGE, authenticator=authenticator_data("evil.lan"))
    else:
        row = passkey("QA", alg).assertion(MESSAGE)
    return passkeys.verify(key.public, MESSAGE, canon.encode(row))


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
        forged = sign_note(draw.choice((f"test/{NODE}".encode(), b"x")) + text[text.index(b"\n") :], s.ORIGIN, s.LOG_KEY)
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
def _newcomer() -> Any:
    return Log(NODE, "node").begin().state


@cache
def _true() -> Segment:
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
    forged = _altered(draw, _true())
    return forged != _true() and believed(lambda: verify_segment(_newcomer(), forged))


# ---- a run -------------------------------------------------------------------------------------------------------------


def believable() -> list[str]:
    """What forgeries are made from that is not believed as it is: nothing, or a run shows nothing."""
    true: dict[str, bool] = {
        f"only {len(acts())} acts": len(acts()) > 50,
        "an act": all(map(taken, acts())),
        "a charter": believed(lambda: open_charter(charter_envelope(), (ROOT.public,))),
        "an answer": all(believed(lambda raw=raw: open_answer(raw, NODE, key_of(NODE).public)) for raw in answers()),  # type: ignore[misc]
        "a sealed body": open_sealed(SEALING, sealed(), b"info", b"PO-1") == BODY,
        "an assertion": all(
            passkeys.verify(passkey("TECH", alg).public, MESSAGE, canon.encode(assertion(alg))) for alg in (-7, -8, -257)
        ),
        "a checkpoint": all(believed(lambda note=note: open_checkpoint(note, s.LOG)) for note in s.checkpoints()),  # type: ignore[misc]
        "a head": all(believed(lambda raw=raw: open_head(raw, [s.WITNESS])) for raw in s.heads()),  # type: ignore[misc]
        "a receipt": believed(lambda: verify_proof(s.receipts()[0], s.leaves()[0], s.LOG)),
        "a stretch": believed(lambda: verify_segment(_newcomer(), _true())),
    }
    return [what for what, holds in true.items() if not holds]


def forge(count: int, seed: int) -> tuple[int, list[str]]:
    """Try so many forgeries of every kind. Returns how many were tried, and which were believed."""
    whole = sum(share for _, share in FORGERS.values())
    tried, bad = 0, list[str]()
    for name, (forging, share) in FORGERS.items():
        draw = Random(f"{name} {seed}")
        for number in range(-(-count * share // whole)):
            state, tried = draw.getstate(), tried + 1
            if forging(draw):
                bad.append(f"{name}, number {number} of seed {seed}")
                assert forging(_at(state)), "it is believed once and not the second time"
                if len(bad) > 20:
                    return tried, bad
    return tried, bad


def _at(state: tuple[Any, ...]) -> Random:
    again = Random()
    again.setstate(state)
    return again
