"""Evidence over the API: bytes in, their SHA-256 out, which an act then names; bytes back for those who may see the order."""

import asyncio
from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from starlette.responses import Response

from holdgate.crypto.hashes import digest
from holdgate.query.record import Record, command_of, entry_at, taken_in
from holdgate.sites.evidence import Evidence, EvidenceStore
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import BLOB_BYTES_MAX
from holdgate.web.grammar import Digest, IdOrNothing
from holdgate.web.operation import Call, Operation, floor, signed_in
from holdgate.web.problem import Problem, missing
from holdgate.web.sight import check_digest, order_of

BINARY: Final = "application/octet-stream"
NO_EVIDENCE: Final = "no evidence of this digest is yours to see"
_MAGIC: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
"""What the first bytes of a file say. Whatever else comes is bytes: nothing is shown as what a sender says it is."""
_NAMES: Final = ("evidence", "photo_digest")
"""Fields of acts that name evidence by its digest."""


class Kept(Struct, frozen=True, kw_only=True):
    """Evidence that was taken in."""

    sha256: str
    media: str
    size: int


class ByEvidence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Evidence by its digest; clients and auditors also name the order that rests on it."""

    sha256: Digest
    order: IdOrNothing = ""


class EvidenceDesk:
    """Takes evidence in and gives it back. `store`: keeps it."""

    def __init__(self, store: EvidenceStore) -> None:
        self._store = store

    def take(self, call: Call) -> Kept:
        """Take bytes in."""
        content: bytes = call.body
        if not content:
            raise Malformed(f"evidence has 1 to {BLOB_BYTES_MAX} bytes")
        bringer = call.asker.person or call.asker.place
        made = Evidence(
            sha256=digest(content),
            media=next((media for magic, media in _MAGIC if content.startswith(magic)), BINARY),
            by="" if bringer is None else bringer.id,
            at=call.face.now(),
            content=content,
        )
        self._store.put(made)
        return Kept(sha256=made.sha256, media=made.media, size=len(content))

    async def give(self, call: Call) -> Response | Problem:
        """Give bytes back: to staff and workstations; to others where an act on an order that they see names them."""
        sha256 = check_digest(call.asks.sha256)
        if not floor(call.asker) and not await self._named(call, sha256):
            return missing(NO_EVIDENCE)
        found = self._store.get(sha256)
        if found is None:
            return missing(NO_EVIDENCE)
        headers = {
            "Content-Disposition": f'attachment; filename="{sha256[:16]}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        }
        return Response(found.content, media_type=found.media, headers=headers)

    async def _named(self, call: Call, sha256: str) -> bool:
        if not call.asks.order:
            return False
        order = order_of(call.face, call.asker, call.asks.order)
        if isinstance(order, Problem):
            return False
        places = call.face.chronicle_of(order.id)
        return await asyncio.to_thread(names, call.face.record(), places, sha256)

    def operations(self) -> Sequence[Operation]:
        """The rows of the API's table."""
        return (
            Operation(
                "POST",
                "/api/evidence",
                "Bring evidence",
                self.take,
                Kept,
                body=bytes,
                who=floor,
                takes=BINARY,
                most=BLOB_BYTES_MAX,
            ),
            Operation(
                "GET",
                "/api/evidence/{sha256}",
                "Evidence by its digest",
                self.give,
                asks=ByEvidence,
                who=signed_in,
                media=BINARY,
                others=tuple(media for _, media in _MAGIC),
            ),
        )


def names(record: Record, places: list[tuple[int, int]], sha256: str) -> bool:
    """Whether an act at one of these places of a record names a digest as its evidence."""
    for own, inside in places:
        one = entry_at(record, own)
        if inside >= 0:
            one = next(said for place, said in enumerate(taken_in(record, one.entry)) if place == inside)
        command = command_of(one.entry)
        if any(sha256 in (getattr(command, name, None) or "") for name in _NAMES):
            return True
    return False
