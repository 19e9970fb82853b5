"""Event streams: a site says that something changed, and that it is alive; what changed, whoever may see it asks for.

One beat for all listeners. A listener that is slow misses nothing that matters: it is told of the newest size once it reads. Each
message has an id, which a browser gives back when it connects again: who missed something meanwhile is told so at once.
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

    def stream(self, seen: str = "") -> StreamingResponse:
        """The answer to one listener. `seen`: the id of the last message that it had, or what its page shows; untrusted."""
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._lines(seen), media_type=STREAM_TYPE, headers=headers)

    async def _lines(self, seen: str) -> AsyncIterator[bytes]:
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            told = self._face.shows
            yield b"retry: 2000\n" + self._line("changed" if seen and seen != told else "beat", told)
            while True:
                try:
                    async with asyncio.timeout(BEAT_S):
                        await event.wait()
                except TimeoutError:
                    yield self._line("beat", told)
                    continue
                event.clear()
                if self._face.shows != told:
                    told = self._face.shows
                    yield self._line("changed", told)
                    await asyncio.sleep(REST_S)
        finally:
            self._waiting.discard(event)

    def _line(self, name: str, told: str) -> bytes:
        data = b'{"size":%d,"now":%d}' % (self._face.size, self._face.now())
        return b"id: %b\nevent: %b\ndata: %b\n\n" % (told.encode(), name.encode(), data)
