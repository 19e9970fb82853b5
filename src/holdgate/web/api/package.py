"""The package of a job over the API: one file that proves itself, for clients of their own orders and for auditors.

Who may read the whole record gets all of it; others, clients above all, what concerns the order and no register of the shop's.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from starlette.responses import Response, StreamingResponse

from holdgate.package.archive import pack
from holdgate.package.manifest import CLIENT, WHOLE
from holdgate.query.packing import Asked, Source, packed, source_of
from holdgate.terms.errors import Unavailable
from holdgate.terms.limits import DOWNLOAD_CHUNK_BYTES_MAX
from holdgate.web.api.looking import ByJob
from holdgate.web.operation import Call, Operation, person
from holdgate.web.problem import Problem, missing
from holdgate.web.sight import job_of

ZIP: Final = "application/zip"
NO_WORK: Final = "no work of this job is on record yet"


class PackageDoor:
    """Packages of jobs. One is put together at a time: each reads the whole record."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def give(self, call: Call) -> Response | Problem:
        """The package of a job of an order that the asker sees."""
        face, asks = call.face, call.asks
        seen = job_of(face, call.asker, asks.order, asks.job)
        if isinstance(seen, Problem):
            return seen
        order, job = seen
        if job is None:
            return missing(NO_WORK)
        if self._turn.locked():
            raise Unavailable("another package is being put together just now; ask again in a moment")
        async with self._turn:
            scope = WHOLE if call.asker.reads_record() else CLIENT
            places = [*face.chronicle_of(order.id)]
            name = f"{order.id}/{job.id}"
            source = source_of(face.record(), places, face.state, face.library, name, scope)
            notes = tuple(face.store.cosignatures().values())
            raw = await asyncio.to_thread(_file, source, scope, notes)
        headers = {
            "Content-Disposition": f'attachment; filename="{order.id}-{job.id}.zip"',
            "Content-Length": str(len(raw)),
            "Cache-Control": "private, no-store",
        }
        return StreamingResponse(_chunks(raw), media_type=ZIP, headers=headers)

    def operations(self) -> Sequence[Operation]:
        """The rows of the API's table."""
        return (
            Operation(
                "GET",
                "/api/jobs/{order}/{job}/package",
                "The package of a job",
                self.give,
                asks=ByJob,
                who=person,
                media=ZIP,
                kinds=("business_hub",),
            ),
        )


def _file(source: Source, scope: str, notes: tuple[bytes, ...]) -> bytes:
    return pack(packed(source, Asked(scope=scope, brought=notes)).parts)


async def _chunks(raw: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(raw), DOWNLOAD_CHUNK_BYTES_MAX):
        yield raw[start : start + DOWNLOAD_CHUNK_BYTES_MAX]
