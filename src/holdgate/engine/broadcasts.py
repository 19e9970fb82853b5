"""Readers' broadcasts as they come from a broker, as a port: what a source gives, and what a reader is told.

A broker keeps a broadcast until the floor hub has answered it durably, and then lets go of it. It may give one twice, and after
a crash of its own it may have lost some: a reader keeps each broadcast until it holds the floor hub's receipt. What comes
twice is one entry (foundations 5).
"""

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import msgspec
from msgspec import Raw, Struct
from typing_extensions import override

from holdgate.crypto.hashes import digest
from holdgate.terms.limits import BUS_FAULT_CHARS_MAX, BUS_FAULTS_MAX, BUS_FAULTS_SAID_MAX

WINDOW: Final = 64
"""Broadcasts of one source that are being decided at the same time."""
THERE: Final = 204
"""The status of an answer to a reader that asked whether the floor hub is there."""


class Faults:
    """What went wrong of late. `tell` hears of each as it comes, and not again before something went well."""

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        self._seen: deque[str] = deque(maxlen=BUS_FAULTS_MAX)
        self._said: deque[str] = deque(maxlen=BUS_FAULTS_SAID_MAX)
        self._tell = tell

    @property
    def seen(self) -> tuple[str, ...]:
        """Oldest first."""
        return tuple(self._seen)

    def note(self, where: str, error: Exception | str) -> None:
        """Note one; others chose some of its words."""
        said = error if isinstance(error, str) else str(error) or type(error).__name__
        shown = "".join(sign if sign.isprintable() else "?" for sign in f"{where}: {said}"[:BUS_FAULT_CHARS_MAX])
        if shown not in self._said:
            self._said.append(shown)
            self._seen.append(shown)
            if self._tell is not None:
                self._tell(shown)

    def mended(self) -> None:
        """Something went well: what goes wrong from now on is told again."""
        self._said.clear()


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a reader is told.

    `about`: SHA-256 (hex) of the bytes that the reader sent. `status`: as over HTTP (RFC 9110). `answer`: the reply, or a
    problem document. Nothing here is believed by a reader but the receipt within.
    """

    about: str
    status: int
    answer: Raw = Raw(b"null")


def told(body: bytes, status: int, answer: Struct | None = None) -> bytes:
    """What a reader is told about what it sent."""
    return msgspec.json.encode(Told(about=digest(body), status=status, answer=Raw(msgspec.json.encode(answer))))


class Heard(Protocol):
    """One broadcast, as a broker gave it.

    `body`: what was sent; untrusted. `source`: where it came from, in the transport's words.
    """

    body: bytes
    source: str

    async def settle(self, told: bytes) -> None:
        """Tell the reader, and have the broker let go of it. Where the line is down, it will be given again."""
        ...

    async def hold(self) -> None:
        """It is still being worked on: the broker is not to give it anew yet."""
        ...


class BroadcastSource(Protocol):
    """Where readers' broadcasts come from. It connects by itself, for ever; it tells a reader that asks that it is there."""

    def start(self) -> None:
        """Begin to connect."""
        ...

    async def next(self) -> Heard:
        """Wait for the next broadcast."""
        ...

    async def close(self) -> None:
        """Leave. What was given and not settled will be given again."""
        ...


class StayingSource(BroadcastSource):
    """A source with a task of its own that keeps the line to the broker up."""

    def __init__(self) -> None:
        self._heard: asyncio.Queue[Heard] = asyncio.Queue()
        self._staying: asyncio.Task[None] | None = None

    @abstractmethod
    async def _stay(self) -> None:
        """Connect, listen, and connect again, for ever."""

    @override
    def start(self) -> None:
        self._staying = asyncio.get_running_loop().create_task(self._stay())

    @override
    async def next(self) -> Heard:
        return await self._heard.get()

    @override
    async def close(self) -> None:
        if self._staying is not None:
            self._staying.cancel()
            await asyncio.gather(self._staying, return_exceptions=True)
