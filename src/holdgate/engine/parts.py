"""Messages in parts: what is larger than a transport carries at once goes in several, and is put together again.

A part is a head of 21 bytes (layout version, message id, number, count, size of the whole) and a piece. Parts of one
message come in order, parts of several messages may be mixed. What is claimed is bounded before anything is kept; a part
that is missing, or comes too late, loses its message, never another.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.limits import WIRE_PARTS_MAX

ID_BYTES: Final = 12
_LAYOUT: Final = 1
_HEAD: Final = struct.Struct(f">B{ID_BYTES}sHHI")
HEAD_BYTES: Final = _HEAD.size


def split(message: bytes, key: bytes, part_bytes_max: int) -> Iterator[bytes]:
    """The parts of a message, in order; at least one.

    Args:
        message: what is to be sent.
        key: the message's id (12 bytes), one that nobody else can guess.
        part_bytes_max: how much the transport carries at once, the head included.

    Raises:
        Unavailable: the transport carries so little at once that there would be too many parts.
    """
    room = part_bytes_max - HEAD_BYTES
    count = max(1, -(-len(message) // room)) if room > 0 else WIRE_PARTS_MAX + 1
    if count > WIRE_PARTS_MAX:
        raise Unavailable(f"{len(message)} bytes do not go in {WIRE_PARTS_MAX} parts of {part_bytes_max} bytes")
    for number in range(count):
        head = _HEAD.pack(_LAYOUT, key, number, count, len(message))
        yield head + message[number * room : (number + 1) * room]


def id_of(part: bytes) -> bytes | None:
    """The message id of a part; None where it has none."""
    return part[1 : 1 + ID_BYTES] if len(part) >= HEAD_BYTES else None


class Message(NamedTuple):
    """A whole message, and its id."""

    key: bytes
    body: bytes


class _Open:
    """A message of which parts are still to come."""

    __slots__ = ("count", "held", "pieces", "since", "size")

    def __init__(self, count: int, size: int, since: float) -> None:
        self.count = count
        self.size = size
        self.since = since
        self.held = 0
        self.pieces: list[bytes] = []


class Gathering:
    """Puts one sender's messages together.

    Args:
        bytes_max: the largest message, and the most that the messages still open may claim together.
        open_max: how many messages may be open at once.
        wait_s: how long a message may stay open, in seconds.
    """

    def __init__(self, bytes_max: int, open_max: int, wait_s: float) -> None:
        self._bytes_max = bytes_max
        self._open_max = open_max
        self._wait_s = wait_s
        self._open: dict[bytes, _Open] = {}

    @property
    def claimed(self) -> int:
        """Bytes that the open messages claim."""
        return sum(message.size for message in self._open.values())

    def take(self, part: bytes, now: float) -> Message | None:
        """Take one part.

        Args:
            part: untrusted.
            now: seconds of a clock that never goes back.

        Returns:
            The message, with its last part; None before.

        Raises:
            Malformed: it is no part. Unavailable: a part before it is missing, or there is no room; its message is lost.
        """
        self.forget(now)
        key, number, count, size = self._head(part)
        piece = part[HEAD_BYTES:]
        message = self._open.pop(key, None)
        if message is None:
            message = self._begin(number, count, size, now)
        elif (number, count, size) != (len(message.pieces), message.count, message.size):
            raise Unavailable(f"a part before part {number} of {count} is missing")
        message.pieces.append(piece)
        message.held += len(piece)
        if message.held > size or (message.held < size and number + 1 == count):
            raise Malformed(f"the parts of a message of {size} bytes have {message.held}")
        if number + 1 == count:
            return Message(key, b"".join(message.pieces))
        self._open[key] = message
        return None

    def _head(self, part: bytes) -> tuple[bytes, int, int, int]:
        if len(part) < HEAD_BYTES or part[0] != _LAYOUT:
            raise Malformed("this is no part of a message")
        _, key, number, count, size = _HEAD.unpack_from(part)
        if not 0 < count <= WIRE_PARTS_MAX or number >= count:
            raise Malformed(f"part {number} of {count} is none")
        if size > self._bytes_max:
            raise Malformed(f"a message has at most {self._bytes_max} bytes, this one claims {size}")
        return key, number, count, size

    def _begin(self, number: int, count: int, size: int, now: float) -> _Open:
        if number:
            raise Unavailable(f"a part before part {number} of {count} is missing")
        if len(self._open) >= self._open_max or self.claimed + size > self._bytes_max:
            raise Unavailable("too much is open already; send again later")
        return _Open(count, size, now)

    def forget(self, now: float) -> None:
        """Drop what was not finished in time."""
        for key in [key for key, message in self._open.items() if now - message.since > self._wait_s]:
            del self._open[key]
