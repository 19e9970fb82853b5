"""The way to a floor hub over HTTP: POST the broadcast, read the answer. It proves nothing; the receipt does."""

import json
import ssl
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.ids import check_id
from holdgate.terms.limits import READER_ANSWER_BYTES_MAX

DEADLINE_S: Final = 10.0
ENVELOPE_TYPE: Final = "application/vnd.dsse+json"
OK: Final = 200


class HttpLink:
    """A floor hub's address.

    Args:
        to: such as http://127.0.0.1:8460/FLOOR; its last part is the hub's SMART-ID.
        deadline_s: how long to wait for a connection, for the first word of an answer, and for the rest of it.

    Raises:
        Malformed: it is no such address.
    """

    def __init__(self, to: str, *, deadline_s: float = DEADLINE_S) -> None:
        try:
            parts = urlsplit(to)
            host, port = parts.hostname, parts.port
        except ValueError:
            parts, host, port = urlsplit(""), None, None
        self._path = parts.path.rstrip("/")
        self.site = self._path.rpartition("/")[2]
        if parts.scheme not in ("http", "https") or not host or not self.site or parts.query or parts.username:
            raise Malformed(f"{to[:80]!r} is no address of a floor hub, such as http://127.0.0.1:8460/FLOOR")
        check_id(self.site, "site")
        self._host, self._port, self._secure, self._deadline_s = host, port, parts.scheme == "https", deadline_s

    def up(self) -> None:
        """Whether the hub answers.

        Raises:
            Unavailable: it does not.
        """
        self._ask("GET", "/status", None)

    def post(self, envelope: bytes) -> bytes:
        """Hand in a broadcast and return the answer.

        Raises:
            Unavailable: there is none, or the hub could not take it.
        """
        return self._ask("POST", "/actions", envelope)

    def _ask(self, method: str, path: str, body: bytes | None) -> bytes:
        connection = self._connection()
        try:
            connection.request(method, self._path + path, body, {"Content-Type": ENVELOPE_TYPE} if body else {})
            response = connection.getresponse()
            answer = self._read(response)
        except (OSError, HTTPException) as error:
            raise Unavailable(f"{self.site} does not answer ({str(error) or type(error).__name__})") from error
        finally:
            connection.close()
        if response.status != OK:
            raise Unavailable(f"{self.site} answers: {_problem(response, answer)}")
        return answer

    def _read(self, response: HTTPResponse) -> bytes:
        """The body; it is over in time, however slowly it drips, and never longer than an answer is.

        Raises:
            TimeoutError: it is not.
        """
        until = time.monotonic() + self._deadline_s
        body = b""
        while len(body) <= READER_ANSWER_BYTES_MAX and (chunk := response.read1(65_536)):
            body += chunk
            if time.monotonic() > until:
                raise TimeoutError("its answer takes too long")
        return body

    def _connection(self) -> HTTPConnection:
        if self._secure:
            context = ssl.create_default_context()
            return HTTPSConnection(self._host, self._port, timeout=self._deadline_s, context=context)
        return HTTPConnection(self._host, self._port, timeout=self._deadline_s)


def _problem(response: HTTPResponse, answer: bytes) -> str:
    """What a problem document (RFC 9457) says, else the status."""
    try:
        detail = json.loads(answer[:READER_ANSWER_BYTES_MAX])["detail"]
    except (ValueError, LookupError, TypeError, RecursionError):
        detail = None
    text = detail if isinstance(detail, str) else f"{response.status} {response.reason}"
    return "".join(sign if sign.isprintable() else " " for sign in text[:400])
