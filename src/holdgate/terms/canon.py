"""The one encoding that is hashed or signed: canonical JSON.

Objects with sorted ASCII keys, no blanks, integers only, UTF-8 in NFC. Within this profile the bytes equal RFC 8785.
Typed values are decoded by msgspec and encoded again; bytes that do not come back the same are refused, so that duplicate
keys, other spellings and unknown fields cannot enter. Source: RFC 8785; docs/spec/envelope.md.
"""

import json
import unicodedata
from typing import Any, Final, TypeVar

import msgspec

from holdgate.terms import limits
from holdgate.terms.errors import Malformed

T = TypeVar("T")

_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def encode(value: object) -> bytes:
    """The canonical bytes of a value made of structs, dicts, lists, strings, integers and booleans."""
    return _ENCODER.encode(value)


def decode(raw: bytes, decoder: "msgspec.json.Decoder[T]", what: str) -> T:
    """Read untrusted bytes as the decoder's type; they must be the canonical spelling of what they say.

    Args:
        raw: untrusted bytes; their length is bounded by the caller.
        decoder: a msgspec decoder for the wanted type.
        what: the thing in words, for the message.

    Raises:
        Malformed: not JSON, not this type, too deep, out of bounds, or not canonical.
    """
    try:
        value = decoder.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(f"{what} cannot be read: {error}") from None
    if _ENCODER.encode(value) != raw:
        raise Malformed(
            f"{what} is not in canonical form: sorted keys, each once, no blanks, no unknown or empty fields are allowed"
        )
    return value


def plain(raw: bytes, what: str) -> object:
    """Read untrusted bytes as JSON in any spelling; each key of an object may occur once.

    Args:
        raw: untrusted bytes; their length is bounded by the caller.
        what: the thing in words, for the message.

    Raises:
        Malformed: not UTF-8 JSON, too deep, or a key twice: it would let two readers see two values.
    """
    try:
        value: object = json.loads(raw.decode(), object_pairs_hook=_each_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"{what} cannot be read: {error}") from None
    return value


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it holds a JSON key twice; each key may occur once")
    return found


def _no_constant(text: str) -> object:
    raise ValueError(f"{text} is no JSON")


def check_text(value: Any, what: str, depth: int = 0) -> None:
    """Bound a decoded plain value: depth, list sizes, integers of 53 bits, NFC text without control characters.

    Raises:
        Malformed: the first thing out of bounds, named.
    """
    if depth > limits.PAYLOAD_DEPTH_MAX:
        raise Malformed(f"{what} is nested deeper than {limits.PAYLOAD_DEPTH_MAX} levels")
    if isinstance(value, str):
        if len(value) > limits.TEXT_CHARS_MAX:
            raise Malformed(f"{what} holds a text longer than {limits.TEXT_CHARS_MAX} characters")
        if not value.isascii() and unicodedata.normalize("NFC", value) != value:
            raise Malformed(f"{what} holds text that is not in Unicode NFC form")
        if not value.isprintable() and any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in value):
            raise Malformed(f"{what} holds control characters")
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if abs(value) > limits.INTEGER_ABS_MAX:
            raise Malformed(f"{what} holds an integer beyond 2^53 - 1")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise Malformed(f"{what} holds a key that is not ASCII")
            check_text(item, what, depth + 1)
    elif isinstance(value, (list, tuple)):
        if len(value) > limits.LIST_ITEMS_MAX:
            raise Malformed(f"{what} holds a list of more than {limits.LIST_ITEMS_MAX} items")
        for item in value:
            check_text(item, what, depth + 1)
    else:
        raise Malformed(
            f"{what} holds a {type(value).__name__}; only text, integers, booleans, lists and objects are allowed"
        )
