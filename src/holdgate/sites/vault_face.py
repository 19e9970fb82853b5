"""What a Vault and a witness show over HTTP, and what they take: checkpoints to be judged; a Vault also entries."""

import asyncio
from typing import Final

from typing_extensions import override

from holdgate.engine.ports import Clock
from holdgate.engine.witnessing import Shown
from holdgate.ledger.tiles import bundle_of, parse_path, tile_at
from holdgate.ledger.witness import Evidence, Reply, Witness
from holdgate.sites.vault import Vault
from holdgate.terms.errors import Malformed
from holdgate.terms.instant import SECOND_US

_TILES_KEPT: Final = 512
_HEADS_SHOWN: Final = 4_000


class WitnessFace(Shown):
    """A witness: no entries, so no tiles."""

    def __init__(self, witness: Witness, clock: Clock) -> None:
        self._witness = witness
        self._clock = clock

    @override
    async def add_checkpoint(self, raw: bytes) -> Reply:
        return await asyncio.to_thread(self._witness.add_checkpoint, raw, self._clock.now() // SECOND_US)

    @override
    async def add_entries(self, raw: bytes) -> Reply:
        return Reply(status=404, body=b"a witness mirrors no log\n")

    @override
    async def checkpoint(self, hashed: str) -> bytes | None:
        origin = self._witness.origin(hashed)
        return None if origin is None else await asyncio.to_thread(self._witness.store.latest, origin)

    @override
    async def tile(self, hashed: str, path: str) -> bytes | None:
        return None

    @override
    async def evidence(self) -> list[Evidence]:
        return await asyncio.to_thread(self._witness.store.evidence)

    @override
    async def heads(self) -> list[tuple[str, bool]]:
        return []

    @override
    async def head(self, day: str, *, token: bool) -> bytes | None:
        return None


class VaultFace(Shown):
    """A Vault's mirrors, read-only. A checkpoint that is handed in becomes the pending one; it is not cosigned for that."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._tiles: dict[tuple[str, str], bytes] = {}

    @override
    async def add_checkpoint(self, raw: bytes) -> Reply:
        return await self._vault.add_checkpoint(raw)

    @override
    async def add_entries(self, raw: bytes) -> Reply:
        return await self._vault.add_entries(raw)

    @override
    async def checkpoint(self, hashed: str) -> bytes | None:
        origin = self._vault.origin(hashed)
        return None if origin is None else await asyncio.to_thread(self._vault.shown, origin)

    @override
    async def tile(self, hashed: str, path: str) -> bytes | None:
        origin = self._vault.origin(hashed)
        return None if origin is None else await asyncio.to_thread(self._tile, origin, path)

    @override
    async def evidence(self) -> list[Evidence]:
        return await asyncio.to_thread(self._vault.contradictions)

    @override
    async def heads(self) -> list[tuple[str, bool]]:
        daily = self._vault.heads
        if daily is None:
            return []
        store = daily.store
        return await asyncio.to_thread(
            lambda: [(day, store.token(day) is not None) for day in store.days()[-_HEADS_SHOWN:]]
        )

    @override
    async def head(self, day: str, *, token: bool) -> bytes | None:
        daily = self._vault.heads
        if daily is None:
            return None
        return await asyncio.to_thread(daily.store.token if token else daily.store.head, day)

    def _tile(self, origin: str, path: str) -> bytes | None:
        """A tile or bundle from the mirror; the costly ones are kept (they never change)."""
        try:
            level, number, width = parse_path(path)
        except Malformed:
            return None
        store, size = self._vault.store, self._vault.store.held(origin)[0]
        if level is None:
            start, stop = number << 8, (number << 8) + width
            return bundle_of(store.entries(origin, start, stop), start) if stop <= size else None
        found = self._tiles.get((origin, path))
        if found is not None:
            return found
        tile = tile_at(level, number, width, size, lambda start, stop: store.leaves(origin, start, stop))
        if tile is not None and level:
            if len(self._tiles) >= _TILES_KEPT:
                self._tiles.pop(next(iter(self._tiles)), None)
            self._tiles[origin, path] = tile
        return tile
