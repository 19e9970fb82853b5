"""The product's threads, keys and sealing, made to follow from the seed: replaced while a world runs, and put back after.

What threads do (verification, the writer, the Vault's storage) becomes jobs on the simulated loop that begin and end later, in an
order that the seed draws. Nothing of the product is changed for it.
"""

import asyncio
import gc
import hashlib
import hmac
import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from holdgate.crypto import keys
from holdgate.crypto.hashes import sha256
from holdgate.crypto.keys import SigningKey
from holdgate.crypto.sealed import SealingKey
from holdgate.engine import buggify
from tests.sim.loop import SimLoop

Job = Callable[[], None]
Slow = Callable[[str], float]
"""How long a thread is held up now (seconds), by what the delay is called."""
_KEM: Final = b"KEM" + (0x0020).to_bytes(2, "big")
_SUITE: Final = b"HPKE" + (0x0020).to_bytes(2, "big") + (0x0001).to_bytes(2, "big") + (0x0002).to_bytes(2, "big")


class SimWorkers:
    """Stands for `holdgate.engine.workers.Workers`: each job begins a little later; one worker keeps their order."""

    slow: Slow | None = None

    def __init__(self, count: int, name: str) -> None:
        self._one = count == 1
        self._jobs: deque[Job] = deque()

    def put(self, job: Job) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        self._jobs.append(job)
        delay = loop.rng.random() * 0.003 + (0.0 if SimWorkers.slow is None else SimWorkers.slow("slow thread"))
        loop.call_later(delay, self._next)

    def _next(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        if not self._jobs:
            return
        index = 0 if self._one else int(loop.rng.random() * len(self._jobs))
        job = self._jobs[index]
        del self._jobs[index]
        job()

    def close(self) -> None:
        while self._jobs:
            self._jobs.popleft()()


# ---- sealing that can be repeated ------------------------------------------------------------------------------------


def _extract(salt: bytes, ikm: bytes) -> bytes:
    return hmac.new(salt or bytes(32), ikm, hashlib.sha256).digest()


def _labeled_extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return _extract(salt, b"HPKE-v1" + suite + label + ikm)


def _labeled_expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    full = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return HKDFExpand(SHA256(), length, full).derive(prk)


def seal_again(public: bytes, plaintext: bytes, info: bytes, aad: bytes) -> bytes:
    """`seal_to` with an ephemeral key that follows from what is sealed: HPKE base mode, RFC 9180 sections 4.1 and 5.1."""
    context = len(info).to_bytes(4, "big") + info + aad
    ephemeral = X25519PrivateKey.from_private_bytes(sha256(b"sim" + public + plaintext + context))
    enc = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
    eae = _labeled_extract(_KEM, b"", b"eae_prk", shared)
    secret = _labeled_expand(_KEM, eae, b"shared_secret", enc + public, 32)
    psk_id = _labeled_extract(_SUITE, b"", b"psk_id_hash", b"")
    info_hash = _labeled_extract(_SUITE, b"", b"info_hash", context)
    schedule = b"\0" + psk_id + info_hash
    key_secret = _labeled_extract(_SUITE, secret, b"secret", b"")
    key = _labeled_expand(_SUITE, key_secret, b"key", schedule, 32)
    nonce = _labeled_expand(_SUITE, key_secret, b"base_nonce", schedule, 12)
    return enc + AESGCM(key).encrypt(nonce, plaintext, b"")


@contextmanager
def repeatable_keys() -> Iterator[None]:
    """Keys that are drawn one after the other, the same ones every time."""
    numbers = itertools.count()

    def signing() -> SigningKey:
        return SigningKey.from_seed(sha256(f"sim signing {next(numbers)}".encode()))

    def sealing() -> SealingKey:
        return SealingKey(sha256(f"sim sealing {next(numbers)}".encode()))

    with mock.patch.object(SigningKey, "generate", signing), mock.patch.object(SealingKey, "generate", sealing):
        yield


def remembered(verify: Callable[[bytes, bytes, bytes], bool]) -> Callable[[bytes, bytes, bytes], bool]:
    """The same answers, each found once."""
    known: dict[tuple[bytes, bytes, bytes], bool] = {}

    def again(public: bytes, message: bytes, signature: bytes) -> bool:
        asked = bytes(public), bytes(message), bytes(signature)
        found = known.get(asked)
        if found is None:
            found = known[asked] = verify(*asked)
        return found

    return again


def _of_this_thread(luck: buggify.Choice) -> buggify.Choice:
    """The same luck, for the world alone: a site of another test that lives on in a thread draws nothing from its seed."""
    world = threading.get_ident()
    return lambda place: threading.get_ident() == world and luck(place)


@contextmanager
def simulated(slow: Slow | None = None, luck: buggify.Choice | None = None) -> Iterator[None]:
    """The product with simulated threads, repeatable sealing and drawn bad luck.

    Whether a signature holds follows from its bytes: each is judged by the library once, and remembered for this world.
    """
    patches: list[Any] = [
        mock.patch("holdgate.engine.submit.Workers", SimWorkers),
        mock.patch("holdgate.engine.append.Workers", SimWorkers),
        mock.patch("holdgate.sites.policies.seal_to", seal_again),
        mock.patch.object(SimWorkers, "slow", None if slow is None else staticmethod(slow)),
        mock.patch.object(keys, "verify", remembered(keys.verify)),
    ]
    buggify.choose(None if luck is None else _of_this_thread(luck))
    collecting = gc.isenabled()
    gc.disable()  # what a dead life left behind is finalised at the end, not at a moment that nobody drew
    try:
        for patch in patches:
            patch.start()
        yield
    finally:
        buggify.choose(None)
        for patch in reversed(patches):
            patch.stop()
        if collecting:
            gc.enable()


__all__ = ["SimWorkers", "repeatable_keys", "seal_again", "simulated"]
