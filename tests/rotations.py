"""Root documents for tests: drawn up after a shop's roots, and signed by whoever is named."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from holdgate.crypto.envelope import seal
from holdgate.crypto.hashes import sha256
from holdgate.crypto.keys import SigningKey, key_id
from holdgate.identity.roots import ROOT_TYPE, RootDocument, Roots
from holdgate.terms import canon

KEEPERS: Final = tuple(SigningKey.from_seed(sha256(f"keeper {n}".encode())) for n in range(9))
"""Keys of keepers, in no shop's charter."""


def drawn(after: Roots, keys: Sequence[SigningKey], threshold: int, org: str = "LAB", **changes: Any) -> RootDocument:
    """The document that follows these roots, with changes."""
    document = RootDocument(
        org=org,
        version=after.version + 1,
        before=after.history[-1],
        roots=tuple(key.public for key in keys),
        threshold=threshold,
    )
    return replace(document, **changes)


def sealed(document: RootDocument, signers: Sequence[SigningKey]) -> bytes:
    """A document, signed by these keys."""
    return seal(canon.encode(document), [(key_id(key.public), key) for key in signers], ROOT_TYPE)
