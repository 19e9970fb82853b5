"""The ways to spell a bundle that every reader takes, and those that every reader refuses (docs/spec/entry.md, "Bundles")."""

import base64
import json
from collections.abc import Callable
from typing import Final

ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
Spell = Callable[[list[bytes]], list[bytes]]
"""Other lines instead of a bundle's lines (without line feeds): a head, entries, documents."""


def respelled(raw: bytes, spell: Spell) -> bytes:
    """A bundle in another spelling."""
    return b"\n".join([*spell(raw.splitlines()), b""])


def stray(text: str) -> str:
    """The same bytes in base64 whose last sign has bits to spare that are not zero."""
    body = text.rstrip("=")
    assert len(body) < len(text), "there are no bits to spare"
    other = body[:-1] + ALPHABET[ALPHABET.index(body[-1]) + 1] + text[len(body) :]
    assert base64.b64decode(other) == base64.b64decode(text)
    return other


def _field(kind: str, name: str, change: Callable[[str], str]) -> Spell:
    """Another spelling of a field, in the first line of a kind where base64 ends in padding."""

    def spell(lines: list[bytes]) -> list[bytes]:
        rows = [json.loads(line) for line in lines]
        at = next(n for n, row in enumerate(rows) if row["line"] == kind and row[name].endswith("="))
        return [*lines[:at], json.dumps({**rows[at], name: change(rows[at][name])}).encode(), *lines[at + 1 :]]

    return spell


def _written(at: int, change: Callable[[bytes], bytes]) -> Spell:
    """Another spelling of one line."""

    def spell(lines: list[bytes]) -> list[bytes]:
        found = change(lines[at])
        assert found != lines[at]
        return [*lines[: at % len(lines)], found, *lines[at % len(lines) + 1 :]]

    return spell


def _one_note(doubled: str) -> Spell:
    """A head with one cosignature, and before it another under a name that may be the same."""

    def spell(lines: list[bytes]) -> list[bytes]:
        row = json.loads(lines[0])
        note = json.dumps(next(iter(row["cosignatures"].values()), row["checkpoint"]))
        notes = f'{{{doubled}: {note}, "W": {note}}}'
        head = f'{{"line": "head", "checkpoint": "{row["checkpoint"]}", "cosignatures": {notes}}}'
        return [head.encode(), *lines[1:]]

    return spell


REFUSED: Final[dict[str, Spell]] = {
    "no head": lambda lines: lines[1:],
    "two heads": lambda lines: [lines[0], *lines],
    "a second head at the end": lambda lines: [*lines, lines[0]],
    "the head at the end": lambda lines: [*lines[1:], lines[0]],
    "the head after an entry": lambda lines: [lines[1], lines[0], *lines[2:]],
    "a document before the entries": lambda lines: [lines[0], lines[-1], *lines[1:-1]],
    "the head between entries and documents": lambda lines: [*lines[1:-1], lines[0], lines[-1]],
    "a blank line": lambda lines: [lines[0], b"", *lines[1:]],
    "a line of another kind": lambda lines: [*lines, b'{"line":"note"}'],
    "a key twice in the head": _written(0, lambda line: line.replace(b"{", b'{"line":"head",', 1)),
    "a key twice in an entry": _written(1, lambda line: line.replace(b"{", b'{"line":"entry",', 1)),
    "a key twice in a document": _written(-1, lambda line: line.replace(b"{", b'{"body":"AAAA",', 1)),
    "a key twice, once escaped": _written(1, lambda line: line.replace(b"{", b'{"l\\u0069ne":"entry",', 1)),
    "a witness twice": _one_note('"W"'),
    "a witness twice, once escaped": _one_note('"\\u0057"'),
    "a field more in the head": _written(0, lambda line: line.replace(b"{", b'{"format":"holdgate-bundle/1",', 1)),
    "a field more in an entry": _written(1, lambda line: line.replace(b"{", b'{"seq":0,', 1)),
    "no cosignatures": _written(0, lambda line: json.dumps({**json.loads(line), "cosignatures": None}).encode()),
    "a list of cosignatures": _written(0, lambda line: json.dumps({**json.loads(line), "cosignatures": []}).encode()),
    "a number": _written(-1, lambda _: b'{"line":"blob","body":1}'),
    "stray bits in a leaf hash": _field("entry", "leaf", stray),
    "stray bits in an entry": _field("entry", "body", stray),
    "stray bits in a document": _field("blob", "body", stray),
    "no padding": _field("entry", "leaf", lambda text: text.rstrip("=")),
    "the other alphabet": _written(-1, lambda _: b'{"line":"blob","body":"-_-_"}'),
    "a blank in base64": _written(-1, lambda _: b'{"line":"blob","body":"AA AA"}'),
}

TAKEN: Final[dict[str, Spell]] = {
    "as it was written": lambda lines: lines,
    "other blanks": lambda lines: [json.dumps(json.loads(line), separators=(" ,\t", " : ")).encode() for line in lines],
    "keys in another order": lambda lines: [
        json.dumps(dict(reversed(json.loads(line).items()))).encode() for line in lines
    ],
    "signs escaped": _written(-1, lambda line: line.replace(b'"blob"', b'"\\u0062lob"')),
    "carriage returns": lambda lines: [line + b"\r" for line in lines],
    "documents in another order, and one twice": lambda lines: [
        *[line for line in lines if json.loads(line)["line"] != "blob"],
        *[line for line in lines[::-1] if json.loads(line)["line"] == "blob"],
        lines[-1],
    ],
    "a document that nobody asked for": lambda lines: [*lines, b'{"line":"blob","body":"+/+/"}'],
    "two witnesses": _one_note('"V"'),
}
