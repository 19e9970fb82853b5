"""Event streams: a site says that something changed, and that it is alive; what changed, whoever may see it asks for.

One beat for all listeners. A listener that is slow misses nothing that matters: it is told of the newest size once it reads.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from starlette.responses import StreamingResponse

from holdgate.web.face import Face

BEAT_S: Final = 3.0
STREAM_TYPE: Final = "text/event-stream"
REST_S: Final = 0.1
"""How long a listener rests after a change, so that a burst of entries is one message."""


class Changes:
    """Tells listeners of one site. Lives on the event loop."""

    def __init__(self, face: Face) -> None:
        self._face = face
        self._waiting: set[asyncio.Event] = set()
        face.watch(self._changed)

    def _changed(self) -> None:
        for event in self._waiting:
            event.set()

    def stream(self) -> StreamingResponse:
        """The answer to one listener."""
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._lines(), media_type=STREAM_TYPE, headers=headers)

    async def _lines(self) -> AsyncIterator[bytes]:
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            told = (self._face.size, self._face.desk)
            yield b"retry: 2000\n" + self._line("beat", told[0])
            while True:
                try:
                    async with asyncio.timeout(BEAT_S):
                        await event.wait()
                except TimeoutError:
                    yield self._line("beat", self._face.size)
                    continue
                event.clear()
                if (self._face.size, self._face.desk) != told:
                    told = (self._face.size, self._face.desk)
                    yield self._line("changed", told[0])
                    await asyncio.sleep(REST_S)
        finally:
            self._waiting.discard(event)

    def _line(self, name: str, size: int) -> bytes:
        return b'event: %b\ndata: {"size":%d,"now":%d}\n\n' % (name.encode(), size, self._face.now())
