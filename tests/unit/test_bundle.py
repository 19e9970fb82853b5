"""The reader of bundles takes what the specification allows and nothing else, and so does the second verifier."""

import base64
import io
import sys
from collections.abc import Iterator
from typing import Any, Final

import pytest

from holdgate.audit.bundle import Bundle
from holdgate.crypto.hashes import leaf_hash
from holdgate.terms import canon
from holdgate.terms.errors import Malformed
from tests import second
from tests.bundle_spellings import REFUSED, TAKEN, respelled

ENTRIES: Final = (b"the first", b"the second")
DOCUMENT: Final = b"a paper"


def spelled(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


NOTE: Final = spelled(b"a note")
ROWS: Final = (
    {"line": "head", "checkpoint": NOTE, "cosignatures": {"VAULT": NOTE}},
    *({"line": "entry", "leaf": spelled(leaf_hash(body)), "body": spelled(body + b".")} for body in ENTRIES),
    {"line": "blob", "body": spelled(b"another paper.")},
    {"line": "blob", "body": spelled(DOCUMENT)},
)
GOOD: Final = b"".join(canon.encode(row) + b"\n" for row in ROWS)


@pytest.fixture(scope="module")
def verifier() -> Iterator[Any]:
    yield second.load()
    del sys.modules["holdgate_verify"]


def read(raw: bytes) -> Bundle:
    return Bundle(io.BytesIO(raw))


@pytest.mark.parametrize("name", REFUSED)
def test_a_bundle_in_another_spelling_is_refused(name: str, verifier: Any) -> None:
    raw = respelled(GOOD, REFUSED[name])
    with pytest.raises(Malformed, match="bundle"):
        read(raw)
    with pytest.raises(verifier.Refused):
        verifier.Bundle.read("it", raw)


@pytest.mark.parametrize("name", TAKEN)
def test_a_bundle_in_a_spelling_that_is_allowed_is_the_same_bundle(name: str, verifier: Any) -> None:
    for raw in (respelled(GOOD, TAKEN[name]), respelled(GOOD, TAKEN[name])[:-1]):
        assert [*read(raw).bodies()] == [*read(GOOD).bodies()]
        assert read(raw).blob(leaf_hash(DOCUMENT).hex()) == DOCUMENT
        assert verifier.Bundle.read("it", raw).entries == verifier.Bundle.read("it", GOOD).entries


def test_the_fault_names_the_line_and_says_what_is_wrong() -> None:
    said = {
        "a key twice in an entry": "line 2 of the bundle .* key twice",
        "stray bits in a document": "line 4 of the bundle .* base64",
        "two heads": "line 2 of the bundle .* second head",
        "a document before the entries": "line 3 of the bundle .* entry after a document",
        "no head": "begins with a head",
    }
    for name, words in said.items():
        with pytest.raises(Malformed, match=words):
            read(respelled(GOOD, REFUSED[name]))
    with pytest.raises(Malformed, match="head"):
        read(b"")
