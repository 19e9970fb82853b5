"""Commitments: how a record names bytes that can be erased, so that nobody can guess them from the record afterwards.

A commitment is `salted-` and the SHA-256 of a fixed prefix, 32 random bytes (the salt) and the bytes, as 64 lowercase hex digits.
Salt and bytes are kept together, away from the record, and erased together. Without the salt a commitment says nothing: bytes that
could be guessed (an account number, yes or no) cannot be tried against it. With both anybody computes it again.
Records from before name the plain SHA-256 of the bytes; both spellings are read.
Source: docs/spec/evidence.md.
"""

import hmac
import re
from typing import Final

from holdgate.crypto.hashes import digest

SALT_BYTES: Final = 32
"""Random bytes of every commitment."""
SALTED: Final = "salted-"
"""What a commitment's spelling begins with; a plain SHA-256 has no such beginning."""
_PREFIX: Final = b"holdgate payload v1\n"
REFERENCE_PATTERN: Final = r"(salted-)?[0-9a-f]{64}"
"""The whole of a commitment or plain digest, as a regular expression."""
_WHOLE: Final = re.compile(REFERENCE_PATTERN)
_INSIDE: Final = re.compile(r"(?<![0-9A-Za-z])(?:salted-)?[0-9a-f]{64}(?![0-9A-Za-z])")


def commit(salt: bytes, content: bytes) -> str:
    """The commitment to these bytes. `salt`: SALT_BYTES of chance, used once."""
    return SALTED + digest(_PREFIX + salt + content)


def opens(reference: str, salt: bytes, content: bytes) -> bool:
    """Whether these bytes (and, for a commitment, this salt) are what a reference of a record names."""
    expected = commit(salt, content) if reference.startswith(SALTED) else digest(content)
    return hmac.compare_digest(expected, reference)


def is_reference(text: str) -> bool:
    """Whether a text is a commitment or a plain SHA-256, and nothing else."""
    return _WHOLE.fullmatch(text) is not None


def references_in(text: str) -> tuple[str, ...]:
    """Every commitment and plain SHA-256 that a text names, each once, in order."""
    return tuple(dict.fromkeys(_INSIDE.findall(text)))
