"""Asking an outside witness over HTTP: the standard library's client in a thread, with one deadline for all of it."""

import asyncio
import contextlib
import http.client
import socket
import ssl
import threading
from typing import Final
from urllib.parse import urlsplit

from typing_extensions import override

from holdgate.engine.witnessing import OutsideWitness, ProofFrom
from holdgate.ledger.cosigning import ANSWER_BYTES_MAX, Ask, Behind, Given, Refused, Step, next_step
from holdgate.ledger.note import Vkey
from holdgate.ledger.witness import Reply, write_request
from holdgate.terms.errors import Malformed, Tampered, Unavailable

DEADLINE_S: Final = 20.0


class HttpCosigner(OutsideWitness):
    """One outside witness, under the key that is configured for it."""

    def __init__(self, vkey: Vkey, url: str, deadline_s: float = DEADLINE_S) -> None:
        """Name the witness.

        Args:
            vkey: its key; what it answers is held against this and nothing else.
            url: its submission prefix, http or https.
            deadline_s: for a whole request, seconds.

        Raises:
            Malformed: no address that can be asked.
        """
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1 or parts.username or parts.query:
            raise Malformed(f"{url!r} is no address of a witness; it reads: https://host[:port]/prefix")
        self.name = vkey.name
        self._vkey = vkey
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, port
        self._path = f"{parts.path.rstrip('/')}/add-checkpoint"
        self._deadline_s = deadline_s
        self._known: dict[bytes, int] = {}

    @override
    async def cosign(self, note: bytes, proof: ProofFrom) -> Given | Behind:
        return await asyncio.to_thread(self._cosign, note, proof)

    def _cosign(self, note: bytes, proof: ProofFrom) -> Given | Behind:
        """Hand it in, from the size that is remembered; from the size told, where it is another.

        Raises:
            Unavailable, Tampered, Malformed: see `OutsideWitness.cosign`.
        """
        origin, size = note.split(b"\n", 2)[:2]
        known = self._known.get(origin, 0)
        step: Step = Ask(old=known if known <= int(size) else 0)
        asked: tuple[int, ...] = ()
        while isinstance(step, Ask):
            asked = (*asked, step.old)
            reply = self._post(write_request(step.old, proof(step.old), note))
            step = next_step(note, self._vkey, asked, reply)
        if isinstance(step, Given):
            self._known[origin] = int(size)
        if isinstance(step, Refused):
            raise Tampered(step.why) if step.fork else Malformed(step.why)
        return step

    def _post(self, body: bytes) -> Reply:
        """One request.

        Raises:
            Unavailable: no whole answer within the deadline.
        """
        connection = self._connection()
        cut = threading.Timer(self._deadline_s, _cut, (connection,))  # bytes that drip are not waited for
        cut.daemon = True
        cut.start()
        try:
            connection.connect()
            connection.kept = connection.sock
            connection.request("POST", self._path, body, {"content-type": "application/octet-stream"})
            answer = connection.getresponse()
            read = answer.read(ANSWER_BYTES_MAX + 1)
            if len(read) > ANSWER_BYTES_MAX:
                raise Unavailable(f"{self.name} answered more than {ANSWER_BYTES_MAX} bytes")
            return Reply(status=answer.status, body=read, kind=answer.headers.get("content-type", ""))
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"{self.name} did not answer: {error}") from error
        finally:
            cut.cancel()
            connection.close()

    def _connection(self) -> "_Connection | _SecureConnection":
        if self._secure:
            context = ssl.create_default_context()
            return _SecureConnection(self._host, self._port, timeout=self._deadline_s, context=context)
        return _Connection(self._host, self._port, timeout=self._deadline_s)


class _Connection(http.client.HTTPConnection):
    """Keeps its socket in reach: the library lets go of it before an answer's body is read."""

    kept: socket.socket | None = None


class _SecureConnection(http.client.HTTPSConnection):
    """The same over TLS."""

    kept: socket.socket | None = None


def _cut(connection: _Connection | _SecureConnection) -> None:
    """The deadline is over: whatever is being waited for on this connection ends."""
    sock = connection.kept
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
