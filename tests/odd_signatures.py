"""Ed25519 keys and signatures as nobody makes them by mistake: for verifiers that have to agree, and for forgeries.

Points of small order added to keys and to R, other encodings of one number, numbers beyond the group's order, other lengths; and
good ones. Everything follows from the source of chance that is handed in.
"""

from collections.abc import Callable
from hashlib import sha512
from random import Random
from typing import Final, NamedTuple

from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_core_ed25519_scalar_add,
    crypto_core_ed25519_scalar_mul,
    crypto_core_ed25519_scalar_reduce,
    crypto_scalarmult_ed25519_base_noclamp,
)

PRIME: Final = 2**255 - 19
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_EIGHT: Final = (
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
)
SMALL: Final = tuple(
    bytes.fromhex(text[:62]) + bytes([int(text[62:], 16) | sign])
    for text in ("00" * 32, "01" + "00" * 31, *_EIGHT, "ec" + "ff" * 30 + "7f")
    for sign in (0, 0x80)
)
"""Points of small order, each with both signs; two of these are encodings of nothing (x = 0 with the sign)."""
ODD_POINTS: Final = tuple(
    bytes([*value.to_bytes(32, "little")[:31], value.to_bytes(32, "little")[31] | sign])
    for value in range(PRIME, 2**255)
    for sign in (0, 0x80)
)
"""Every number that is not below the prime, with both signs."""
TORSION: Final = tuple(point for point in SMALL if point not in {SMALL[3], SMALL[-1]})


class Case(NamedTuple):
    """A key, a signature and a message."""

    kind: str
    key: bytes
    signature: bytes
    message: bytes


class Secret(NamedTuple):
    """A private scalar and its point: a signer who does not follow the standard."""

    scalar: bytes
    point: bytes


def secret(draw: Random) -> Secret:
    scalar = crypto_core_ed25519_scalar_reduce(draw.randbytes(64))
    return Secret(scalar, crypto_scalarmult_ed25519_base_noclamp(scalar))


def made(
    draw: Random, signer: Secret, message: bytes, *, key: bytes = b"", r_point: bytes = b"", plus: bytes = b""
) -> bytes:
    """A signature by whoever knows the scalar.

    Args:
        draw: the source of chance.
        signer: who signs.
        message: what is signed.
        key: the key that goes into the hash, where it is another than the signer's point.
        r_point: R itself, in the place of a drawn one; S is then made as if its scalar were zero.
        plus: a point that is added to R.
    """
    once = secret(draw)
    point, scalar = (r_point, bytes(32)) if r_point else (once.point, once.scalar)
    if plus:
        point = crypto_core_ed25519_add(point, plus)
    challenge = crypto_core_ed25519_scalar_reduce(sha512(point + (key or signer.point) + message).digest())
    product = crypto_core_ed25519_scalar_mul(challenge, signer.scalar)
    return point + crypto_core_ed25519_scalar_add(scalar, product)


def flipped(draw: Random, raw: bytes) -> bytes:
    out = bytearray(raw)
    out[draw.randrange(len(out))] ^= 1 << draw.randrange(8)
    return bytes(out)


def larger(draw: Random, signature: bytes) -> bytes:
    """The same S plus a multiple of the order: another spelling of one number."""
    s = int.from_bytes(signature[32:], "little")
    return signature[:32] + (s + ORDER * draw.randint(1, (2**256 - 1 - s) // ORDER)).to_bytes(32, "little")


def _turned(signature: bytes) -> bytes:
    return signature[32:] + signature[:32]


Draws = Callable[[Random, Secret, bytes], tuple[bytes, bytes, bytes]]


def _key_with_torsion(draw: Random, signer: Secret, message: bytes) -> tuple[bytes, bytes, bytes]:
    key = crypto_core_ed25519_add(signer.point, draw.choice(TORSION))
    return key, made(draw, signer, message, key=key), message


def _small_key(draw: Random, signer: Secret, message: bytes) -> tuple[bytes, bytes, bytes]:
    """S = r: holds under a key of order one always, of order eight every eighth time, where nobody looks."""
    key, none = draw.choice(SMALL + ODD_POINTS[:4]), Secret(bytes(32), b"")
    return key, made(draw, none, message, key=key), message


def _with_s(draw: Random, signer: Secret, message: bytes) -> tuple[bytes, bytes, bytes]:
    s = draw.choice((0, 1, ORDER - 1, ORDER, ORDER + 1, 2**252, 2**253, 2**255 - 1, 2**256 - 1))
    return signer.point, made(draw, signer, message)[:32] + s.to_bytes(32, "little"), message


def _lengths(draw: Random, signer: Secret, message: bytes) -> tuple[bytes, bytes, bytes]:
    signature, cut = made(draw, signer, message), draw.choice((0, 1, 31, 32, 63))
    how = draw.randrange(5)
    if how == 0:
        return signer.point, signature[:cut], message
    if how == 1:
        return signer.point, signature + message[:1], message[1:]
    if how == 2:
        return signer.point[:cut], signature, message
    return (signer.point + b"\0", signature, message) if how == 3 else (signer.point, signature + b"\0", message)


KINDS: Final[dict[str, Draws]] = {
    "good": lambda d, k, m: (k.point, made(d, k, m), m),
    "a bit of the signature": lambda d, k, m: (k.point, flipped(d, made(d, k, m)), m),
    "a bit of the key": lambda d, k, m: (flipped(d, k.point), made(d, k, m), m),
    "a bit of the message": lambda d, k, m: (k.point, made(d, k, m), flipped(d, m)),
    "S and a multiple of the order": lambda d, k, m: (k.point, larger(d, made(d, k, m)), m),
    "S at an edge": _with_s,
    "R with a part of small order": lambda d, k, m: (k.point, made(d, k, m, plus=d.choice(TORSION)), m),
    "R of small order": lambda d, k, m: (k.point, made(d, k, m, r_point=d.choice(SMALL)), m),
    "R beyond the prime": lambda d, k, m: (k.point, made(d, k, m, r_point=d.choice(ODD_POINTS)), m),
    "a key with a part of small order": _key_with_torsion,
    "a key of small order": _small_key,
    "a key beyond the prime": lambda d, k, m: (d.choice(ODD_POINTS), made(d, k, m), m),
    "noise": lambda d, k, m: (d.randbytes(32), d.randbytes(64), m),
    "noise as a key": lambda d, k, m: (d.randbytes(32), made(d, k, m), m),
    "the halves swapped": lambda d, k, m: (k.point, _turned(made(d, k, m)), m),
    "another's signature": lambda d, k, m: (k.point, made(d, secret(d), m), m),
    "another length": _lengths,
    "nothing but zeros": lambda d, k, m: (d.choice((k.point, bytes(32), SMALL[2])), bytes(64), m),
}


def cases(draw: Random, count: int, keys: int = 64) -> list[Case]:
    """So many cases, of every kind in turn, by so many signers."""
    signers = [secret(draw) for _ in range(keys)]
    found, kinds = [], tuple(KINDS.items())
    for number in range(count):
        kind, draws = kinds[number % len(kinds)]
        found.append(Case(kind, *draws(draw, draw.choice(signers), draw.randbytes(1 + draw.randrange(60)))))
    return found
