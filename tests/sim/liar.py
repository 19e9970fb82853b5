"""A Vault that lies, with its own real key, about what it holds and saw. It cannot sign for a site, and that is the point."""

import base64
import random
from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace
from typing_extensions import override

from holdgate.crypto.hashes import sha256
from holdgate.engine.bus import Taken
from holdgate.law.segments import Segment
from holdgate.ledger.note import read_note
from holdgate.sites.vault import Vault
from holdgate.terms.errors import Tampered
from holdgate.terms.instant import SECOND_US

Chance = Callable[[], bool]
NOTES: Final = ("none", "another log's", "an old one", "an altered one", "its own word")
SIZES: Final = ("nothing", "fewer", "more")
TAKEN: Final = ("not kept", "cosigned and not kept", "refused", "altered", "more than was offered")


class Liar(Vault):
    """Lies whenever `lies` says so; else it is an honest Vault. `told` is told of each lie."""

    def __init__(self, *args: Any, rng: random.Random, lies: Chance, told: Callable[[str], None]) -> None:
        super().__init__(*args)
        self._rng = rng
        self._lies = lies
        self._told = told
        self._old: dict[str, list[bytes]] = {}

    def _lie(self, kinds: tuple[str, ...], about: str) -> str:
        kind = self._rng.choice(kinds)
        self._told(f"lie: {about} {kind}")
        return kind

    def _note(self, origin: str, true: bytes | None, about: str) -> bytes | None:
        """A note that is not the one that it should show."""
        kind = self._lie(NOTES, about)
        others = [note for other in self.origins if other != origin and (note := self.store.latest(other))]
        if kind == "another log's" and others:
            return self._rng.choice(others)
        if kind == "an old one" and self._old.get(origin):
            return self._rng.choice(self._old[origin])
        if kind == "an altered one" and true is not None:
            place = self._rng.randrange(len(true))
            return true[:place] + bytes([true[place] ^ 1]) + true[place + 1 :]
        if kind == "its own word":
            size, root = self.store.held(origin)[0] + 5, base64.b64encode(sha256(b"another history")).decode()
            text = f"{origin}\n{size}\n{root}\n".encode()
            return text + b"\n" + self._cosigner.line(text, self.clock.now() // SECOND_US)
        return None

    @override
    async def latest(self, origin: str, sender: str) -> bytes | None:
        true = await super().latest(origin, sender)
        return self._note(origin, true, "latest") if self._lies() else true

    @override
    async def attest(self, origin: str, sender: str) -> bytes | None:
        true = await super().attest(origin, sender)
        return self._note(origin, true, "attest") if self._lies() else true

    @override
    async def held(self, origin: str, sender: str) -> int:
        true = await super().held(origin, sender)
        if not self._lies():
            return true
        kind = self._lie(SIZES, "held")
        return {"nothing": 0, "fewer": max(0, true - 3), "more": true + self._rng.choice((1, 1000))}[kind]

    @override
    async def offer(self, segment: Segment, sender: str) -> Taken:
        if not self._lies():
            taken = await super().offer(segment, sender)
            if taken.cosigned is not None:
                self._old.setdefault(segment.origin, []).append(taken.cosigned)
            return taken
        kind = self._lie(TAKEN, "offer")
        if kind == "refused":
            raise Tampered("the Vault says so")
        if kind == "not kept":
            return Taken(size=segment.size)
        if kind == "cosigned and not kept":
            return Taken(size=segment.size, cosigned=self._cosign(segment.checkpoint))
        taken = await super().offer(segment, sender)
        if kind == "altered" and taken.cosigned is not None:
            text, _ = read_note(taken.cosigned)
            return replace(taken, cosigned=taken.cosigned.replace(text[-9:], b"AAAAAAA=\n"))
        return replace(taken, size=taken.size + 7)
