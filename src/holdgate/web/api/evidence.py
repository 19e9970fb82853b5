"""Evidence over the API: bytes in, a commitment out, which an act then names; bytes back for those who may see the order."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from msgspec import Struct
from starlette.responses import Response

from holdgate.law.retained import Erasure
from holdgate.law.retention import named_in
from holdgate.query.record import Record, command_of, entry_at, taken_in
from holdgate.query.retention import in_short
from holdgate.sites.payloads import EVIDENCE, Missing, PayloadStore, look_up
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import BLOB_BYTES_MAX
from holdgate.web.grammar import IdOrNothing, Reference
from holdgate.web.operation import Call, Operation, floor, signed_in
from holdgate.web.problem import Problem, gone, missing, refused
from holdgate.web.sight import order_of

BINARY: Final = "application/octet-stream"
NO_EVIDENCE: Final = "no evidence of this digest is yours to see"
_MAGIC: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
"""What the first bytes of a file say. Whatever else comes is bytes: nothing is shown as what a sender says it is."""
SALT_HEADER: Final = "Holdgate-Salt"
"""The salt of the commitment (base64), with which whoever gets the bytes computes it again."""
LOST: Final = (
    "the record names this evidence, and it is not here: it was kept elsewhere, or is lost; tell an administrator"
)


Scan = Callable[[bytes], Awaitable[str]]
"""What a scanner found in a file; "" for nothing. Raises Unavailable where it could not look."""


class Kept(Struct, frozen=True, kw_only=True):
    """Evidence that was taken in; an act names it by `commitment`."""

    commitment: str
    media: str
    size: int


class ByEvidence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Evidence by its commitment, or by the digest that older acts name; clients and auditors also name the order."""

    reference: Reference
    order: IdOrNothing = ""


class EvidenceDesk:
    """Takes evidence in and gives it back. `store`: keeps it; `scan`: looks at it before (None: nobody does)."""

    def __init__(self, store: PayloadStore, scan: Scan | None = None) -> None:
        self._store = store
        self._scan = scan

    async def take(self, call: Call) -> Kept | Problem:
        """Take bytes in, unless the shop's scanner finds something in them."""
        content: bytes = call.body
        if not content:
            raise Malformed(f"evidence has 1 to {BLOB_BYTES_MAX} bytes")
        found = "" if self._scan is None else await self._scan(content)
        if found:
            return refused(f"the shop's scanner found something in this file, and it was not taken in: {found}")
        bringer = call.asker.person or call.asker.place
        media = next((media for magic, media in _MAGIC if content.startswith(magic)), BINARY)
        by = "" if bringer is None else bringer.id
        commitment = self._store.put(content, kind=EVIDENCE, by=by, at=call.face.now(), media=media)
        return Kept(commitment=commitment, media=media, size=len(content))

    async def give(self, call: Call) -> Response | Problem:
        """Give bytes back: to staff and workstations; to others where an act on an order that they see names them."""
        reference: str = call.asks.reference
        if not floor(call.asker) and not await self._named(call, reference):
            return missing(NO_EVIDENCE)
        found = look_up(self._store, call.face.state, reference)
        if isinstance(found, Erasure):
            return gone(in_short(found))
        if isinstance(found, Missing):
            return missing(LOST if found.named else NO_EVIDENCE)
        if found.kind != EVIDENCE:
            return missing(NO_EVIDENCE)
        headers = {
            "Content-Disposition": f'attachment; filename="{reference[:16]}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
            SALT_HEADER: base64.b64encode(found.salt).decode(),
        }
        return Response(found.content, media_type=found.media, headers=headers)

    async def _named(self, call: Call, reference: str) -> bool:
        if not call.asks.order:
            return False
        order = order_of(call.face, call.asker, call.asks.order)
        if isinstance(order, Problem):
            return False
        places = call.face.chronicle_of(order.id)
        return await asyncio.to_thread(names, call.face.record(), places, reference)

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
                "/api/evidence/{reference}",
                "Evidence by its commitment",
                self.give,
                asks=ByEvidence,
                who=signed_in,
                media=BINARY,
                others=tuple(media for _, media in _MAGIC),
            ),
        )


def names(record: Record, places: list[tuple[int, int]], reference: str) -> bool:
    """Whether an act at one of these places of a record names a payload as its evidence."""
    for own, inside in places:
        one = entry_at(record, own)
        if inside >= 0:
            one = next(said for place, said in enumerate(taken_in(record, one.entry)) if place == inside)
        command = command_of(one.entry)
        if command is not None and reference in named_in(command):
            return True
    return False
