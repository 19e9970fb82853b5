"""TLS as a server speaks it: 1.2 and later, HTTP/1.1, by a key and certificate that are read again when they were replaced."""

import logging
import ssl
import time
from pathlib import Path
from typing import Final

from holdgate.terms.errors import Unavailable

HOST: Final = "host.pem"
LOOK_S: Final = 1.0
"""How often it is looked whether the file is another one."""
_log: Final = logging.getLogger(__name__)


class Renewed:
    """Gives the context for the next connection.

    `directory` holds host.pem: a private key and the certificate with what leads to a known authority. Where it was replaced by one
    that does not hold, the one before stays, and the log says so.

    Raises:
        Unavailable: there is none that holds at the start.
    """

    def __init__(self, directory: Path) -> None:
        self._file = directory / HOST
        self._stamp = self._stamped()
        self._context = self._loaded()
        self._looked = time.monotonic()

    def __call__(self) -> ssl.SSLContext:
        """The context of now."""
        now = time.monotonic()
        if now - self._looked >= LOOK_S:
            self._looked = now
            self._look()
        return self._context

    def _look(self) -> None:
        try:
            stamp = self._stamped()
            if stamp != self._stamp:
                self._context, self._stamp = self._loaded(), stamp
        except Unavailable as error:
            _log.warning("%s; the certificate before it is used on", error)

    def _stamped(self) -> tuple[int, int, int]:
        try:
            found = self._file.stat()
        except OSError as error:
            raise Unavailable(f"{self._file} cannot be read: {error.strerror}; holdgate tls init writes it") from error
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self._file)
        except (OSError, ssl.SSLError) as error:
            raise Unavailable(f"{self._file} holds no key and certificate that fit: {error}") from error
        return context
