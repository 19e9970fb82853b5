"""One POST to somebody outside: the standard library's client in a thread, one deadline for all of it, a cap on the answer."""

import contextlib
import http.client
import socket
import ssl
import threading
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from holdgate.terms.errors import Malformed, Unavailable

DEADLINE_S: Final = 20.0


class Answer(Struct, frozen=True, kw_only=True):
    """What came back: untrusted."""

    status: int
    body: bytes
    kind: str


class Address:
    """Where somebody is asked, and by what name he is told of in errors."""

    def __init__(self, name: str, url: str, what: str) -> None:
        """Read an address.

        Args:
            name: whose.
            url: http or https, a host, a port where it is another than usual, a path.
            what: what he is, for the message.

        Raises:
            Malformed: it cannot be asked.
        """
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1 or parts.username or parts.query:
            raise Malformed(f"{url!r} is no address of {what}; it reads: https://host[:port]/path")
        self.name = name
        self.path = parts.path.rstrip("/")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, port

    def post(self, path: str, body: bytes, kind: str, answer_bytes_max: int, deadline_s: float = DEADLINE_S) -> Answer:
        """One request.

        Raises:
            Unavailable: no whole answer within the deadline, or a longer one than the cap.
        """
        connection = self._connection(deadline_s)
        cut = threading.Timer(deadline_s, _cut, (connection,))  # bytes that drip are not waited for
        cut.daemon = True
        cut.start()
        try:
            connection.connect()
            connection.kept = connection.sock
            connection.request("POST", path or "/", body, {"content-type": kind})
            answer = connection.getresponse()
            read = answer.read(answer_bytes_max + 1)
            if len(read) > answer_bytes_max:
                raise Unavailable(f"{self.name} answered more than {answer_bytes_max} bytes")
            return Answer(status=answer.status, body=read, kind=answer.headers.get("content-type", ""))
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"{self.name} did not answer: {error}") from error
        finally:
            cut.cancel()
            connection.close()

    def _connection(self, deadline_s: float) -> "_Connection | _SecureConnection":
        if self._secure:
            context = ssl.create_default_context()
            return _SecureConnection(self._host, self._port, timeout=deadline_s, context=context)
        return _Connection(self._host, self._port, timeout=deadline_s)


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
