"""Altered inputs, drawn from a seed: bits and bytes, stretches, and whole tokens, so that what is altered can still be read.

The same seed gives the same inputs on every machine. Tokens are words, numbers, quoted texts and single signs: that fits JSON,
XML, YAML, CSV, CEL, notes and paths alike, without a grammar for each.
"""

import random
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

BYTES_MAX: Final = 32_768
"""An altered input is cut to this length; what is longer is tried by the table of bombs."""
_TOKEN: Final = re.compile(rb'"(?:[^"\\\n]|\\.)*"|[A-Za-z]+|[0-9]+|[ \t]+|.', re.DOTALL)
NUMBERS: Final = tuple(
    (
        "0 1 -1 00 -0 2 255 256 65535 65536 2147483648 4294967296 9007199254740991 9007199254740992 9223372036854775807 "
        "9223372036854775808 18446744073709551616 1e3 1.0 0x10 1e999 NaN 1_000 \u0663"
    )
    .encode()
    .split()
)
SIGNS: Final = (
    b"", b" ", b"\n", b"\n\n", b"\r\n", b"\t", b"\0", b"\x1d", b"\x1e", b"\x04", b"\x7f", b"\x80", b"\xff", b"\xc0\x80",
    b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xae", "e\u0301".encode(), "\u00e9".encode(), "\U0001f600".encode(),
    b"\\u0000", b"\\ud800", b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b"(", b")", b"<", b">", b"&", b"&amp;", b"%41", b"/", b"..",
    b",", b":", b";", b"=", b"+", b"-", b"*", b"|", b"#", b"null", b"true", b"[]", b"{}", b'""', b"<![CDATA[", b"<!--",
    b"\xe2\x80\x94 ",
)  # fmt: skip

Bytes = bytes | bytearray


@lru_cache(maxsize=4_096)
def _tokens(raw: bytes) -> tuple[bytes, ...]:
    return tuple(_TOKEN.findall(raw[:BYTES_MAX]))


class Mutator:
    """Draws altered inputs of a corpus.

    Args:
        draw: the source of chance.
        words: tokens that mean something to whoever reads these inputs.
    """

    def __init__(self, draw: random.Random, words: Sequence[bytes] = ()) -> None:
        self._draw = draw
        self._words = (*words, *SIGNS, *NUMBERS)

    def altered(self, corpus: Sequence[bytes]) -> bytes:
        """One input of the corpus, altered once to a few times."""
        draw = self._draw
        raw = corpus[int(draw.random() * len(corpus))]
        for _ in range(1 if draw.random() < 0.6 else 1 + int(draw.random() * 4)):
            way = WAYS[int(draw.random() * len(WAYS))]
            raw = bytes(way(self, raw, corpus))
        return raw[:BYTES_MAX]

    def at(self, length: int) -> int:
        """A place in something of this length."""
        return int(self._draw.random() * length) if length else 0

    def size(self, most: int) -> int:
        """A length, short ones most often."""
        return 1 + self.at(min(most, 1 << (1 + self.at(10))))

    def word(self) -> bytes:
        """A token that may mean something."""
        return self._words[self.at(len(self._words))]

    # ---- bits, bytes and stretches

    def bit(self, raw: bytes, _: Sequence[bytes]) -> Bytes:
        """Another bit."""
        out = bytearray(raw or b"\0")
        out[self.at(len(out))] ^= 1 << self.at(8)
        return out

    def byte(self, raw: bytes, _: Sequence[bytes]) -> Bytes:
        """Another byte."""
        out = bytearray(raw or b"\0")
        out[self.at(len(out))] = self.at(256)
        return out

    def gone(self, raw: bytes, _: Sequence[bytes]) -> bytes:
        """A stretch taken out."""
        at = self.at(len(raw))
        return raw[:at] + raw[at + self.size(len(raw)) :]

    def twice(self, raw: bytes, _: Sequence[bytes]) -> bytes:
        """A stretch doubled, or repeated often."""
        at = self.at(len(raw))
        piece = raw[at : at + self.size(len(raw))]
        return raw[:at] + piece * (2 if self.at(8) else self.size(200)) + raw[at + len(piece) :]

    def cut(self, raw: bytes, _: Sequence[bytes]) -> bytes:
        """The end cut off."""
        return raw[: self.at(len(raw))]

    def put_in(self, raw: bytes, _: Sequence[bytes]) -> bytes:
        """A token put in."""
        at = self.at(len(raw) + 1)
        return raw[:at] + self.word() * (1 if self.at(16) else self.size(400)) + raw[at:]

    def of_another(self, raw: bytes, corpus: Sequence[bytes]) -> bytes:
        """A stretch of another input in the place of one here."""
        other = corpus[self.at(len(corpus))]
        at, there = self.at(len(raw)), self.at(len(other))
        return raw[:at] + other[there : there + self.size(len(other))] + raw[at + self.size(len(raw)) :]

    def joined(self, raw: bytes, corpus: Sequence[bytes]) -> bytes:
        """The beginning of this with the end of another."""
        other = corpus[self.at(len(corpus))]
        return raw[: self.at(len(raw))] + other[self.at(len(other)) :]

    # ---- tokens

    def token(self, raw: bytes, _: Sequence[bytes]) -> bytes:
        """Another token in the place of one."""
        return self._with(raw, lambda row, at: row.__setitem__(at, self.word()))

    def number(self, raw: bytes, _: Sequence[bytes]) -> bytes:
        """Another number in the place of one."""

        def change(row: list[bytes], at: int) -> None:
            places = [place for place in range(at, min(len(row), at + 64)) if row[place].isdigit()]
            if places:
                row[places[0]] = NUMBERS[self.at(len(NUMBERS))]

        return self._with(raw, change)

    def swapped(self, raw: bytes, _: Sequence[bytes]) -> bytes:
        """Two tokens in each other's places."""

        def change(row: list[bytes], at: int) -> None:
            other = self.at(len(row))
            row[at], row[other] = row[other], row[at]

        return self._with(raw, change)

    def copied(self, raw: bytes, corpus: Sequence[bytes]) -> bytes:
        """A token of another input in the place of one."""
        others = _tokens(corpus[self.at(len(corpus))])
        return self._with(raw, lambda row, at: row.__setitem__(at, others[self.at(len(others))] if others else b""))

    def left_out(self, raw: bytes, _: Sequence[bytes]) -> bytes:
        """Tokens left out."""
        return self._with(raw, lambda row, at: row.__delitem__(slice(at, at + 1 + self.at(6))))

    def _with(self, raw: bytes, change: Callable[[list[bytes], int], None]) -> bytes:
        row = list(_tokens(raw)) or [b""]
        change(row, self.at(len(row)))
        return b"".join(row)


WAYS: Final = (
    Mutator.bit, Mutator.byte, Mutator.gone, Mutator.twice, Mutator.cut, Mutator.put_in, Mutator.of_another, Mutator.joined,
    Mutator.token, Mutator.token, Mutator.number, Mutator.number, Mutator.swapped, Mutator.copied, Mutator.copied,
    Mutator.left_out,
)  # fmt: skip
