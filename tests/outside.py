"""Receivers on this machine's loopback that behave badly on purpose: an HTTP server for webhooks, an SMTP server, certificates.

Both take a script: one word for each connection that comes, the last one for all after it.
"""

import asyncio
import contextlib
import datetime as dt
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

OK: Final = "ok"
HANG: Final = "hang"
DROP: Final = "drop"
DRIP: Final = "drip"
GARBAGE: Final = "garbage"
LATE_DROP: Final = "late_drop"
"""Takes everything, and drops the connection instead of answering."""


class Request(NamedTuple):
    """A request as it came. `headers`: lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Takes webhooks. A word of the script: ok, hang, drop, drip, garbage, late_drop, flood, or a status with headers."""

    def __init__(self, *script: str) -> None:
        self.script = list(script) or [OK]
        self.requests: list[Request] = []
        self.port = 0
        self.came = asyncio.Event()

    def next_word(self) -> str:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        word = self.next_word()
        try:
            if word != DROP:
                await self._one(word, reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _one(self, word: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
        line, *rest = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (text.partition(": ") for text in rest if text)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests.append(Request(line, headers, body))
        self.came.set()
        await _SPEAK.get(word, _status)(word, writer)
        await writer.drain()

    def bodies(self) -> list[bytes]:
        return [request.body for request in self.requests]


async def _hang(word: str, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3_600)


async def _drip(word: str, writer: asyncio.StreamWriter) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nx-slow: " + b"a" * 100_000:
        writer.write(bytes((byte,)))
        await writer.drain()
        await asyncio.sleep(0.05)


async def _garbage(word: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")


async def _late_drop(word: str, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def _flood(word: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 500 Flood\r\n\r\n")
    for _ in range(10_000):
        writer.write(b"\x1b[31m" + b"x" * 65_536)
        await writer.drain()


async def _status(word: str, writer: asyncio.StreamWriter) -> None:
    status, *headers = ("200" if word == OK else word).split("|")
    lines = [f"HTTP/1.1 {status} Word", "content-length: 4", *headers, "", "said"]
    writer.write("\r\n".join(lines).encode())


_SPEAK: Final = {HANG: _hang, DRIP: _drip, GARBAGE: _garbage, LATE_DROP: _late_drop, "flood": _flood}


@asynccontextmanager
async def receiving(receiver: Receiver, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Take webhooks until the block is left."""
    async with _listening(receiver.serve, tls, receiver):
        yield receiver


class MailHost:
    """Takes mails. A word of the script: ok, hang, drop, greet_drip, or `COMMAND code` for a refusal, `DATA drop` for a cut."""

    def __init__(self, *script: str, starttls: ssl.SSLContext | None = None, login: str = "") -> None:
        self.script = list(script) or [OK]
        self.starttls = starttls
        self.login = login
        self.mails: list[tuple[str, str, bytes]] = []
        self.commands: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        word = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        try:
            await self._talk(word, reader, writer)
        except (OSError, asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _talk(self, word: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if word == DROP:
            return
        if word == HANG:
            await asyncio.sleep(3_600)
        if word == DRIP:
            for byte in b"220-" + b"slow " * 10_000:
                writer.write(bytes((byte,)))
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.write(b"220 mail.test ready\r\n")
        sender = to = ""
        secure = False
        while line := (await reader.readline()).decode("ascii").strip():
            self.commands.append(line)
            verb = line.split(" ")[0].upper()
            if word.startswith(verb) and word.split(" ")[1].isdigit():
                writer.write(f"{word.split(' ')[1]} no\x1b[31m thanks\r\n".encode())
            elif verb == "EHLO":
                offers = [
                    "mail.test",
                    *(["STARTTLS"] if self.starttls and not secure else []),
                    "AUTH PLAIN",
                    "8BITMIME",
                ]
                lines = [f"250{'-' if i < len(offers) - 1 else ' '}{text}" for i, text in enumerate(offers)]
                writer.write(("\r\n".join(lines) + "\r\n").encode())
            elif verb == "STARTTLS" and self.starttls is not None:
                writer.write(b"220 go on\r\n")
                await writer.drain()
                await writer.start_tls(self.starttls)
                secure = True
            elif verb == "AUTH":
                writer.write(b"235 ok\r\n" if self.login and line.endswith(self.login) else b"535 no\r\n")
            elif verb == "MAIL":
                sender = line
                writer.write(b"250 ok\r\n")
            elif verb == "RCPT":
                to = line
                writer.write(b"250 ok\r\n")
            elif verb == "DATA":
                writer.write(b"354 go on\r\n")
                mail = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append((sender, to, mail[:-5].replace(b"\r\n..", b"\r\n.")))
                if word == "DATA drop":
                    writer.transport.abort()
                    return
                writer.write(b"250 taken\r\n")
            elif verb == "QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                writer.write(b"502 no such thing\r\n")
            await writer.drain()


@asynccontextmanager
async def mailing(host: MailHost, tls: ssl.SSLContext | None = None) -> AsyncIterator[MailHost]:
    """Take mails until the block is left."""
    async with _listening(host.serve, tls, host):
        yield host


@asynccontextmanager
async def _listening(serve: object, tls: ssl.SSLContext | None, at: Receiver | MailHost) -> AsyncIterator[None]:
    tasks: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(asyncio.CancelledError, ssl.SSLError):
            await at.serve(reader, writer)
        tasks.discard(task)

    server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=tls)
    at.port = int(server.sockets[0].getsockname()[1])
    try:
        yield
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(list(tasks), timeout=20)


def certificates(folder: Path, names: Sequence[str] = ("localhost",)) -> tuple[Path, ssl.SSLContext]:
    """A CA's certificate file, and the context of a server with a certificate of that CA."""
    folder.mkdir(parents=True, exist_ok=True)
    now = dt.datetime.now(dt.UTC)
    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def built(subject: str, key: ec.EllipticCurvePrivateKey, *, is_authority: bool) -> x509.Certificate:
        named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test CA")])
        builder = (
            x509.CertificateBuilder()
            .subject_name(named)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        )
        if not is_authority:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(alternatives, critical=False)
        return builder.sign(authority, hashes.SHA256())

    pem = serialization.Encoding.PEM
    ca, chain, key = folder / "ca.pem", folder / "chain.pem", folder / "key.pem"
    ca.write_bytes(built("test CA", authority, is_authority=True).public_bytes(pem))
    chain.write_bytes(built(names[0], own, is_authority=False).public_bytes(pem))
    key.write_bytes(own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return ca, context
