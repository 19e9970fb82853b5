"""Forged acts, charters, answers to modules and sealed bodies."""

import json
import unicodedata
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any, Final

from msgspec.structs import replace

from holdgate.crypto.envelope import PAYLOAD_TYPE, Envelope, Signature, open_envelope, pae, seal
from holdgate.crypto.keys import SigningKey
from holdgate.crypto.sealed import SealingKey, open_sealed, seal_to
from holdgate.engine.verify import Verified, verify
from holdgate.gate.permit import PERMIT_TYPE, open_answer
from holdgate.identity.charter import CHARTER_TYPE, open_charter
from holdgate.terms import canon
from tests.builders import FLOOR, HUB, NODE, OTHER_NODE, ROOT, VAULT, charter_envelope, key_of
from tests.fuzz import seeds as s
from tests.fuzz.forger import STRANGER, believed, flipped, forger, malleated
from tests.fuzz.signed_things import answers

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
        rows[at] = replace(
            rows[at], keyid=draw.choice(("TECH", "QA", "ADMIN", "", "tech", "TECH ", "\u0422ECH", "SID-X"))
        )
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
    others = [
        STRANGER,
        ROOT,
        *(key_of(name) for name in ("TECH", "QA", "ADMIN", HUB, FLOOR, NODE, VAULT) if name != mine),
    ]
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
    "order of keys": lambda d, h: json.dumps(
        dict(sorted(h.items(), reverse=True)), separators=(",", ":"), ensure_ascii=False
    ),
    "a key twice": _doubled,
    "numbers": _numbers,
    "escapes": _escaped,
    "unicode": _nfd,
    "an unknown field": lambda d, h: json.dumps(
        h | {"zz": 1}, separators=(",", ":"), ensure_ascii=False, sort_keys=True
    ),
    "a byte order mark": lambda d, h: (
        "\ufeff" + json.dumps(h, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    ),
    "more behind it": lambda d, h: (
        json.dumps(h, separators=(",", ":"), ensure_ascii=False, sort_keys=True) + d.choice(" \n\0x")
    ),
    "null": lambda d, h: json.dumps(
        h | {"place": None, "auth": None}, separators=(",", ":"), ensure_ascii=False, sort_keys=True
    ),
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
    other = (
        seal_to(STRANGER_SEALING.public, BODY, b"info", b"PO-1") if draw.randrange(32) == 0 else flipped(draw, sealed())
    )
    raw, info, order = draw.choice(
        (
            (other, b"info", b"PO-1"),
            (sealed(), b"inf", b"oPO-1"),
            (sealed(), b"info", b"PO-2"),
            (sealed()[:-1], b"info", b"PO-1"),
        )
    )
    return believed(lambda: open_sealed(SEALING, raw, info, order))


STRANGER_SEALING: Final = SealingKey(b"\x06" * 32)
