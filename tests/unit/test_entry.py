"""The bytes of an entry: one spelling each, so that one leaf hash stands for one entry."""

from typing import Final

import pytest
from msgspec import Raw

from holdgate.ledger.entry import Entry, LawRef, Source, encode_entry, read_entry
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import ENTRY_BYTES_MAX

ENTRY: Final = Entry(
    site="NODE-FPI",
    seq=7,
    epoch="0a" * 8,
    at=1_790_000_000_000_000,
    kind="contact",
    subject="site:HUB",
    source=Source(module="HUB", node="NODE-FPI"),
    law=LawRef(semantics=1),
    decision=Raw(b'{"verdict":"allow"}'),
)
BYTES: Final = encode_entry(ENTRY)


def test_an_entry_is_read_as_it_was_written() -> None:
    read = read_entry(BYTES)
    assert encode_entry(read) == BYTES
    assert (read.site, read.seq, bytes(read.decision)) == ("NODE-FPI", 7, b'{"verdict":"allow"}')


@pytest.mark.parametrize(
    "other",
    [
        BYTES.replace(b'"seq":7', b'"seq": 7'),
        BYTES.replace(b'"seq":7', b'"seq":6,"seq":7'),
        BYTES.replace(b'"kind":"contact",', b"").replace(b'"seq":7', b'"seq":7,"kind":"contact"'),
        BYTES.replace(b'"seq":7', b'"prev":"","seq":7'),
        BYTES[:-1] + b',"v":1}',
        BYTES.replace(b"NODE-FPI", b"NODE-F\\u0050I", 1),
        BYTES + b"\n",
    ],
    ids=["a blank", "a key twice", "another order", "an empty field", "a default", "an escape", "a line's end"],
)
def test_another_spelling_of_an_entry_is_none(other: bytes) -> None:
    assert other != BYTES
    with pytest.raises(Malformed, match="not in canonical form"):
        read_entry(other)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (BYTES.replace(b'"contact"', b'"genesis2"'), "does not read"),
        (BYTES[:-1] + b',"v":2}', "does not read"),
        (BYTES[:-1] + b',"x":1}', "cannot be read"),
        (BYTES.replace(b'"seq":7', b'"seq":7.0'), "cannot be read|canonical"),
        (b"[" * 100_000, "longer|cannot be read"),
        (b'{"a":' * 9_000, "cannot be read"),
        (b" " * (ENTRY_BYTES_MAX + 1), "longer"),
        (b"", "cannot be read"),
    ],
)
def test_what_is_no_entry_is_refused(other: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        read_entry(other)
