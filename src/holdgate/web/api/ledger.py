"""The record itself: its signed checkpoint, tiles as any C2SP client reads them, proofs, and the audit bundle as one stream.

Hash tiles and checkpoints say nothing of what is in the record. Bundles of entries and the audit bundle say everything: they are
for those who may read the whole record.
Source: C2SP tlog-tiles, tlog-proof; docs/spec/entry.md, "Bundles".
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

from msgspec import Struct
from starlette.concurrency import iterate_in_threadpool
from starlette.responses import Response, StreamingResponse

from holdgate.audit.bundle import write_bundle
from holdgate.engine.ports import Store
from holdgate.ledger import tiles
from holdgate.ledger.merkle import inclusion_path
from holdgate.ledger.proof import write_proof
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.web.asker import Asker
from holdgate.web.grammar import Seq, TilePath
from holdgate.web.operation import Call, Operation, anybody, person
from holdgate.web.problem import NOT_YOURS, Problem, missing
from holdgate.web.reexecution import Reexecuted, Reexecution
from holdgate.web.written import Written

TEXT: Final = "text/plain; charset=utf-8"
BINARY: Final = "application/octet-stream"
LINES: Final = "application/x-ndjson"
BUNDLES_AT_ONCE: Final = 2
"""Bundles that are streamed at one time: each reads the whole record."""


class ByEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry."""

    seq: Seq


class ByPath(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tile, as C2SP names it below `tile/`: `0/000`, `0/x001/067.p/5`, `entries/000`."""

    path: TilePath


def reads_record(asker: Asker) -> bool:
    """Who may read the whole record."""
    return asker.reads_record()


class LedgerDoor:
    """The record of one site, for readers. `turn`: one re-execution at a time in a process."""

    def __init__(self, turn: asyncio.Lock) -> None:
        self._streams = asyncio.Semaphore(BUNDLES_AT_ONCE)
        self._again = Reexecution(turn)

    def checkpoint(self, call: Call) -> Response:
        """How far the record is, signed by the site."""
        return _plain(call.face.site.log.checkpoint(call.face.size))

    async def tile(self, call: Call) -> Response | Problem:
        """A tile of the record; bundles of entries for those who read the whole record."""
        level, number, width = tiles.parse_path(f"tile/{call.asks.path}")
        if level is None and not call.asker.reads_record():
            return NOT_YOURS
        size, store = call.face.size, call.face.store
        found = await asyncio.to_thread(_tile, store, size, level, number, width)
        if found is None:
            return missing(f"the record has {size} entries so far, and no such tile")
        kept = "public, max-age=31536000, immutable" if width == tiles.TILE_WIDTH and level is not None else "no-store"
        return Response(found, media_type=BINARY, headers={"Cache-Control": kept})

    async def proof(self, call: Call) -> Response | Problem:
        """The proof that an entry is in the record (C2SP tlog-proof)."""
        size, seq = call.face.size, call.asks.seq
        if not 0 <= seq < size:
            return missing("the record has no entry of this number")
        checkpoint = call.face.site.log.checkpoint(size)
        return _plain(await asyncio.to_thread(_proof, call.face.store, size, seq, checkpoint))

    async def bundle(self, call: Call) -> Response:
        """The record with everything that it pins, in one file: `holdgate audit` and the verifier page read it."""
        if self._streams.locked():
            raise Unavailable("other bundles are being written just now; ask again")
        source = Written(call.face)
        name = f"{call.face.id}-{source.size}.bundle"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return StreamingResponse(self._lines(call.face.store, source), media_type=LINES, headers=headers)

    async def _lines(self, store: Store, source: Written) -> AsyncIterator[bytes]:
        async with self._streams:
            async for line in iterate_in_threadpool(write_bundle(source, _blobs(store))):
                yield line

    def audit(self, call: Call) -> Reexecuted:
        """Check the whole record, and make every decision again."""
        return self._again.begin(call.face)

    def audited(self, _: Call) -> Reexecuted:
        """How far that is, or what it found."""
        return self._again.now

    def operations(self) -> Sequence[Operation]:
        """The rows of the API's table."""
        return (
            Operation(
                "GET", "/api/ledger/checkpoint", "The signed checkpoint", self.checkpoint, who=anybody, media=TEXT
            ),
            Operation(
                "GET", "/api/ledger/tile/{path:path}", "A tile", self.tile, asks=ByPath, who=anybody, media=BINARY
            ),
            Operation(
                "GET",
                "/api/ledger/proof/{seq}",
                "The proof of an entry",
                self.proof,
                asks=ByEntry,
                who=person,
                media=TEXT,
            ),
            Operation("GET", "/api/ledger/bundle", "The audit bundle", self.bundle, who=reads_record, media=LINES),
            Operation("POST", "/api/ledger/audit", "Do the record again", self.audit, Reexecuted, who=reads_record),
            Operation("GET", "/api/ledger/audit", "How far that is", self.audited, Reexecuted, who=reads_record),
        )


def _plain(text: bytes) -> Response:
    return Response(text, media_type=TEXT, headers={"Cache-Control": "no-store"})


def _tile(store: Store, size: int, level: int | None, number: int, width: int) -> bytes | None:
    if level is not None:
        return tiles.tile_at(level, number, width, size, store.leaves)
    start = number * tiles.TILE_WIDTH
    if start + width > size:
        return None
    return tiles.bundle_of([row.body for row in store.rows(start, start + width)], start)


def _proof(store: Store, size: int, seq: int, checkpoint: bytes) -> bytes:
    """One hash for each entry of the record; never on the event loop.

    Raises:
        Unavailable: the store does not show all of them.
    """
    try:
        return write_proof(seq, inclusion_path(store.leaves(0, size), seq), checkpoint)
    except Malformed as error:
        raise Unavailable(f"the store does not show all of the record: {error}") from None


def _blobs(store: Store) -> Iterator[bytes]:
    for key in store.blob_keys():
        body = store.blob(key)
        if body is not None:
            yield body
