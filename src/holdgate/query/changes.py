"""What two versions of a contract say differently, field by field: a STRUCTURAL comparison.

It compares what is written and knows nothing of what follows from it: whether a change lets more pass or less, it does not
say. `holdgate.certifier.diff` does, by proof, where the certifier is installed.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

from holdgate.law.contract import encode_document
from holdgate.law.families import Bundle

STRUCTURAL: Final = "structural"
_LEFT_OUT: Final = ("process", "quality", "pay", "normal")
"""Hashes, and normal forms of rules that stand beside as text."""


class Written(Struct, frozen=True, kw_only=True):
    """One thing that is written differently. `old`, `new`: "" where it is not there."""

    place: str
    old: str
    new: str


def written_changes(old: Bundle, new: Bundle) -> list[Written]:
    """Every field that two versions write differently, in the order of the documents."""
    found: list[Written] = []
    for name in Bundle._fields:
        before, after = getattr(old, name), getattr(new, name)
        trees = [
            {} if document is None else msgspec.json.decode(encode_document(document)) for document in (before, after)
        ]
        found += _compared(name, *trees)
    return found


def _compared(place: str, old: Any, new: Any) -> Iterator[Written]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            if key not in _LEFT_OUT:
                yield from _compared(f"{place}.{key}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _lists(place, old, new)
    elif old != new:
        yield Written(place=place, old=_said(old), new=_said(new))


def _lists(place: str, old: list[Any], new: list[Any]) -> Iterator[Written]:
    """Items with ids are compared by id, others by place."""
    keys = [[_key(index, item) for index, item in enumerate(items)] for items in (old, new)]
    by_key = [dict(zip(names, items, strict=True)) for names, items in zip(keys, (old, new), strict=True)]
    for key in dict.fromkeys((*keys[0], *keys[1])):
        yield from _compared(f"{place}[{key}]", by_key[0].get(key), by_key[1].get(key))
    common = [key for key in keys[0] if key in by_key[1]]
    if common != [key for key in keys[1] if key in by_key[0]]:
        yield Written(place=f"{place} (order)", old=", ".join(keys[0]), new=", ".join(keys[1]))


def _key(index: int, item: Any) -> str:
    return str(item["id"]) if isinstance(item, dict) and "id" in item else str(index)


def _said(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()
