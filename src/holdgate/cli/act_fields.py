"""An act's own fields, typed as text: `field=value`. What each may hold is read from the act itself (`holdgate.law.command`)."""

import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from holdgate.adapters.zones import instant_or_end_of_day, instant_or_start_of_day
from holdgate.cli.key_files import public_bytes, read_public, read_small
from holdgate.law import command as c
from holdgate.query.words import is_instant
from holdgate.terms.errors import HoldgateError, Malformed
from holdgate.terms.limits import INTEGER_ABS_MAX

BEGINS: Final = ("cal_from",)
"""Instants that a bare day begins; all others end with it."""
_HEADER: Final = frozenset(c.Command.__struct_fields__)
_YES: Final = {"yes": True, "true": True, "no": False, "false": False}


class Field(typing.NamedTuple):
    """A field of an act. `form`: what is written for it, in words."""

    name: str
    hint: Any
    required: bool
    form: str


def act_of(name: str) -> type[c.Command]:
    """The act of this name.

    Raises:
        Malformed: there is none; the nearest are named.
    """
    found = c.ACTS.get(name)
    if found is None:
        family = name.partition(".")[0]
        near = [act for act in c.ACTS if act.partition(".")[0] == family] or list(c.ACTS)
        raise Malformed(f"there is no act {name[:60]!r}; there are {', '.join(near)}")
    return found


def fields_of(act: type[c.Command]) -> tuple[Field, ...]:
    """The act's own fields, in its order."""
    hints = typing.get_type_hints(act)
    own = [field for field in msgspec.structs.fields(act) if field.name not in _HEADER]
    return tuple(Field(f.name, hints[f.name], f.required, _form(f.name, hints[f.name])) for f in own)


def read_fields(
    act: type[c.Command], words: Iterable[str], tz: str, given: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The fields of an act.

    Args:
        act: which.
        words: each `field=value`.
        tz: the zone in which a bare day lies.
        given: fields besides, as JSON has them (bytes in base64); what is typed goes before them.

    Raises:
        Malformed: a word is no field, a field is not of this act, is there twice, is not in its form, or is missing. Unavailable: a
            file cannot be read.
    """
    name = str(act.__struct_config__.tag)
    known = {field.name: field for field in fields_of(act)}
    found = _converted(given or {}, known, name)
    typed: dict[str, Any] = {}
    for word in words:
        field, equals, value = word.partition("=")
        if not equals:
            raise Malformed(f"{word[:60]!r} is no field of {name}; write field=value: {_listed(known)}")
        if field not in known:
            raise Malformed(f"{name} has no field {field[:40]!r}; it has {_listed(known)}")
        if field in typed:
            raise Malformed(f"{field} is there twice; a list is written with commas, once")
        typed[field] = _value(known[field], value, tz)
    found |= typed
    missing = [field for field in known.values() if field.required and field.name not in found]
    if missing:
        wanted = ", ".join(f"{field.name}=<{field.form}>" for field in missing)
        raise Malformed(f"{name} still wants {wanted}")
    return found


def _listed(known: Mapping[str, Field]) -> str:
    return ", ".join(known) or "none"


def fields_in(path: Path) -> dict[str, Any]:
    """The fields in a file: one JSON object, such as a node's seat.json.

    Raises:
        Unavailable: it cannot be read. Malformed: it holds no such object.
    """
    try:
        return msgspec.json.decode(read_small(path), type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise Malformed(f"{path} holds no JSON object with fields: {error}") from None


def _converted(plain: Mapping[str, Any], known: Mapping[str, Field], act: str) -> dict[str, Any]:
    found = {}
    for name, value in plain.items():
        if name not in known:
            raise Malformed(f"{act} has no field {name[:40]!r}; it has {_listed(known)}")
        try:
            found[name] = msgspec.convert(value, known[name].hint)
        except msgspec.ValidationError as error:
            raise Malformed(f"{name} is to be {known[name].form}: {error}") from None
    return found


def _bare(hint: Any) -> Any:
    """The type without its None."""
    options = [option for option in typing.get_args(hint) if option is not type(None)]
    return options[0] if type(None) in typing.get_args(hint) and len(options) == 1 else hint


def _form(name: str, hint: Any) -> str:
    kind = _bare(hint)
    if kind is int:
        return "a day such as 2027-04-01, or a time with its offset" if is_instant(name) else "a whole number"
    if kind is bytes:
        return "a public key: 64 hex digits, or @FILE.pub"
    if kind == tuple[str, ...]:
        return "words with commas between them"
    return {str: "text", bool: "yes or no"}.get(kind, "JSON")


def _value(field: Field, text: str, tz: str) -> Any:
    kind = _bare(field.hint)
    try:
        return _reader(field.name, kind, tz)(text)
    except HoldgateError as error:
        raise type(error)(f"{field.name} is to be {field.form}: {error}") from None
    except (ValueError, KeyError, msgspec.MsgspecError, RecursionError) as error:
        more = f": {error}" if isinstance(error, msgspec.MsgspecError) else ""
        raise Malformed(f"{field.name} is to be {field.form}, not {text[:60]!r}{more}") from None


def _reader(name: str, kind: Any, tz: str) -> Callable[[str], Any]:
    if kind is int:
        return (lambda text: _instant(name, text, tz)) if is_instant(name) else _whole
    if kind == tuple[str, ...]:
        return _words
    plain: dict[Any, Callable[[str], Any]] = {str: str, bool: _yes, bytes: _public}
    return plain.get(kind) or (lambda text: msgspec.json.decode(text, type=kind))


def _yes(text: str) -> bool:
    return _YES[text.lower()]


def _whole(text: str) -> int:
    """A whole number of the digits 0 to 9.

    Raises:
        ValueError: it is none, or none that a record holds.
    """
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 16 or abs(int(text)) > INTEGER_ABS_MAX:
        raise ValueError(text)
    return int(text)


def _instant(name: str, text: str, tz: str) -> int:
    return instant_or_start_of_day(text, tz) if name in BEGINS else instant_or_end_of_day(text, tz)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",")) if text.strip() else ()


def _public(text: str) -> bytes:
    if text.startswith("@"):
        found = read_public(Path(text[1:]))
        return public_bytes(found.public, text)
    return public_bytes(text, "the field")
