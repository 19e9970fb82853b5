"""Forged acts and other signed things, made from real ones; each goes straight to the function that has to refuse it.

A forger draws one forgery and says whether it was believed. What it hands in differs from what was signed in the bytes that
are signed, in a signature, in who is said to have signed, or in what the signature was made for; or it is signed and spelled
otherwise. Not tried: an ECDSA signature (r, n - s) in the place of (r, s), which holds by design, since what is replayed is told
by its payload.
"""

from collections.abc import Callable
from random import Random
from typing import Final

from holdgate.crypto.keys import SigningKey
from holdgate.terms.errors import Malformed, Tampered
from tests.odd_signatures import ODD_POINTS, SMALL, larger

Forger = Callable[[Random], bool]
"""Draws a forgery and hands it in: whether it was believed."""
FORGERS: Final[dict[str, tuple[Forger, int]]] = {}
"""Every kind of forgery, with its share of a run: less for what is slow to judge."""
STRANGER: Final = SigningKey(b"\x07" * 32)


def forger(share: int) -> Callable[[Forger], Forger]:
    """Register a kind of forgery under the function's name."""

    def registered(forge: Forger) -> Forger:
        FORGERS[forge.__name__] = (forge, share)
        return forge

    return registered


def believed(judge: Callable[[], object]) -> bool:
    """Whether nothing was raised."""
    try:
        judge()
    except (Malformed, Tampered):
        return False
    return True


def flipped(draw: Random, raw: bytes) -> bytes:
    """Another bit."""
    out = bytearray(raw)
    out[draw.randrange(len(out))] ^= 1 << draw.randrange(8)
    return bytes(out)


def malleated(draw: Random, signature: bytes) -> bytes:
    """A signature that is not the one that was made."""
    how = draw.randrange(9)
    if how == 0:
        return larger(draw, signature)
    if how == 1:
        return draw.choice(SMALL + ODD_POINTS) + signature[32:]
    if how == 2:
        return draw.choice(SMALL) + bytes(32)
    if how == 3:
        return signature[:32] + bytes(32)
    if how == 4:
        return signature[32:] + signature[:32]
    if how == 5:
        return signature[:-1] + bytes([signature[-1] ^ 0x80])
    if how == 6:
        return signature[:31] + bytes([signature[31] ^ 0x80]) + signature[32:]
    return draw.randbytes(64) if how == 7 else flipped(draw, signature)
