"""A channel that posts CloudEvents to an address, signed after the Standard Webhooks specification with Ed25519 (`v1a`).

| header | what |
| --- | --- |
| webhook-id | follows from the notice's id, the same at every attempt: drop what you have |
| webhook-timestamp | of the attempt, in seconds since 1970: refuse what is older than some minutes |
| webhook-signature | `v1a,` and the Base64 of the signature over `id.timestamp.body` |

Where it goes: https to anybody, http to this machine alone. A name is looked up once, what comes out is checked, and that very
address is connected to; link-local, multicast and reserved addresses, among them those of cloud metadata services, are refused
unless the configuration names their network, and so is this machine behind another name than its own. Redirects are failures.
Source: Standard Webhooks, "Signature scheme", "Webhook headers", "Delivery success and failure".
"""

import base64
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct
from typing_extensions import override

from holdgate.adapters.conversation import Line, converse, printable
from holdgate.crypto.keys import SigningKey
from holdgate.engine.address import bracketed
from holdgate.engine.telling import Channel, Reply
from holdgate.query.cloud_event import CONTENT_TYPE, cloud_event, message_id
from holdgate.query.notices import Notice
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import NOTIFY_ANSWER_BYTES_MAX

DEADLINE_S: Final = 20.0
SAID_CHARS: Final = 160
SECRET_PREFIX: Final = "whsk_"  # noqa: S105  # the specification's mark of a secret key
PUBLIC_PREFIX: Final = "whpk_"
_GONE: Final = 410
_LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "::1")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
METADATA: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in ("100.100.100.200/32", "192.0.0.0/24", "168.63.129.16/32", "fd00:ec2::/32", "fd20:ce::/32")
)
"""Where clouds keep what a machine may know of itself, beside the link-local addresses."""
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where a webhook goes."""

    secure: bool
    host: str
    port: int
    path: str
    local: bool

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        usual = self.port == (443 if self.secure else 80)
        return bracketed(self.host) + ("" if usual else f":{self.port}")


def read_endpoint(url: str) -> Endpoint:
    """Read an address.

    Raises:
        Malformed: it is none that a webhook may go to.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host.encode("ascii")
    except (ValueError, UnicodeError):
        raise Malformed(f"{url[:200]!r} is no address of a webhook; it reads: https://host[:port]/path") from None
    odd = not host or port == 0 or parts.username is not None or parts.fragment or any(c <= " " or c > "~" for c in url)
    if parts.scheme not in ("http", "https") or odd:
        raise Malformed(f"{url[:200]!r} is no address of a webhook; it reads: https://host[:port]/path, no user or #")
    local = host in _LOCAL_NAMES
    if parts.scheme == "http" and not local:
        raise Malformed(f"{url[:200]!r}: over http a webhook goes to this machine alone; write https")
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Endpoint(secure=secure, host=host, port=port or (443 if secure else 80), path=path, local=local)


def refusal(address: str, *, local: bool, allowed: Sequence[Network]) -> str:
    """Why an address that a name led to is not connected to; "" where it is.

    Args:
        address: as it was looked up.
        local: the configuration says this machine, by its own name.
        allowed: networks that the configuration names.
    """
    ip = _inner(ipaddress.ip_address(address.partition("%")[0]))
    if any(ip in network for network in allowed):
        return ""
    if ip.is_loopback or local:
        return "" if ip.is_loopback and local else f"{ip} is not what its name says"
    if any(ip in network for network in METADATA):
        return f"{ip} is where clouds keep secrets of a machine"
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved:
        return f"{ip} is link-local or reserved"
    return ""


def _inner(ip: _Ip) -> _Ip:
    """The IPv4 address that an IPv6 address stands for."""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            return ipaddress.IPv4Address(ip.packed[-4:])
        return ip.ipv4_mapped or ip.sixtofour or ip
    return ip


def signature(key: SigningKey, message: str, timestamp: int, body: bytes) -> str:
    """What stands in `webhook-signature`."""
    signed = key.sign(f"{message}.{timestamp}.".encode() + body)
    return f"v1a,{base64.b64encode(signed).decode()}"


def public_text(key: SigningKey) -> str:
    """The public key as receivers take it."""
    return PUBLIC_PREFIX + base64.b64encode(key.public).decode()


def secret_text(key: SigningKey) -> str:
    """The secret key as its file holds it."""
    return SECRET_PREFIX + base64.b64encode(key.seed).decode()


def read_secret(path: Path) -> SigningKey:
    """The key of a site's webhooks.

    Raises:
        Unavailable: there is no such file. Malformed: it holds no key.
    """
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        text = ""
    try:
        return SigningKey.from_seed(base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True))
    except (ValueError, Malformed):
        raise Malformed(
            f"{path} is no key of webhooks; move it away, and holdgate notify key makes a new one"
        ) from None


class Webhook(Channel):
    """Posts to one address.

    Args:
        endpoint: where.
        key: signs.
        client: whose target it is ("": the shop's own).
        link: where more is to be seen of a notice.
        now: the time of an attempt (UTC µs).
        allowed: networks beyond what is usual.
        authority: a file of CAs beside the system's ("": none).
        deadline_s: for one attempt, name and handshake included.
    """

    gathers = False

    def __init__(
        self,
        endpoint: Endpoint,
        key: SigningKey,
        client: str,
        link: Callable[[Notice], str],
        now: Callable[[], int],
        *,
        allowed: Sequence[Network] = (),
        authority: str = "",
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """Ready to post.

        Raises:
            Unavailable: the file of CAs cannot be read.
        """
        self._endpoint = endpoint
        self._key = key
        self._client = client
        self._link = link
        self._now = now
        self._allowed = allowed
        self._deadline_s = deadline_s
        self._tls = _context(authority) if endpoint.secure else None

    @override
    async def send(self, notices: Sequence[Notice]) -> Reply:
        body = cloud_event(notices[0], self._client, self._link(notices[0]))
        headers = self._headers(notices[0], body)
        try:
            return await converse(lambda line: self._post(line, body, headers), self._deadline_s, "webhook")
        except (OSError, Unavailable, ValueError, http.client.HTTPException) as error:
            return Reply(
                told=False, says=printable(f"{self._endpoint.host}: {str(error) or type(error).__name__}", 300)
            )

    def _headers(self, notice: Notice, body: bytes) -> dict[str, str]:
        timestamp, message = self._now() // SECOND_US, f"msg_{message_id(notice.id)}"
        return {
            "host": self._endpoint.authority,
            "content-type": CONTENT_TYPE,
            "user-agent": "holdgate",
            "connection": "close",
            "webhook-id": message,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._key, message, timestamp, body),
        }

    def _post(self, line: Line, body: bytes, headers: dict[str, str]) -> Reply:
        """One request, blocking.

        Raises:
            Unavailable, OSError, http.client.HTTPException, ValueError: no whole answer.
        """
        end = self._endpoint
        connection = http.client.HTTPConnection(
            end.host, end.port, timeout=self._deadline_s + 1
        )  # the one deadline comes first
        connection.sock = self._connected(line)
        try:
            connection.request("POST", end.path, body, headers)
            with connection.getresponse() as answer:
                return _reply(answer)
        finally:
            connection.close()

    def _connected(self, line: Line) -> socket.socket:
        """A socket to the address that was looked up and checked."""
        end = self._endpoint
        found = socket.getaddrinfo(end.host, end.port, type=socket.SOCK_STREAM)
        for *_, place in found:
            why = refusal(str(place[0]), local=end.local, allowed=self._allowed)
            if why:
                raise Unavailable(f"it is not connected to: {why}; the configuration can allow its network")
        sock = _to_one_of([str(place[0]) for *_, place in found], end.port, self._deadline_s)
        try:
            line.hold(lambda: sock)
            return sock if self._tls is None else self._secured(self._tls, sock, line)
        except BaseException:
            sock.close()
            raise

    def _secured(self, tls: ssl.SSLContext, sock: socket.socket, line: Line) -> ssl.SSLSocket:
        """The connection over TLS, with a certificate that holds."""
        secure = tls.wrap_socket(sock, server_hostname=self._endpoint.host, do_handshake_on_connect=False)
        try:
            line.hold(lambda: secure)
            secure.do_handshake()
        except BaseException:
            secure.close()
            raise
        return secure


def _to_one_of(addresses: Sequence[str], port: int, deadline_s: float) -> socket.socket:
    failed: OSError = OSError("its name leads nowhere")
    for address in dict.fromkeys(addresses):
        try:
            return socket.create_connection((address, port), deadline_s)
        except OSError as error:
            failed = error
    raise failed


def _reply(answer: http.client.HTTPResponse) -> Reply:
    if 200 <= answer.status < 300:
        return Reply(told=True, says=str(answer.status))
    said = printable(answer.read(NOTIFY_ANSWER_BYTES_MAX).decode("ascii", "replace"), SAID_CHARS)
    wait = answer.headers.get("retry-after", "")
    return Reply(
        told=False,
        says=f"it answers {answer.status}{f': {said}' if said else ''}",
        gone=answer.status == _GONE,
        after_s=int(wait) if wait.isascii() and wait.isdigit() and len(wait) < 9 else 0,
    )


def _context(authority: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if authority:
        try:
            context.load_verify_locations(cafile=authority)
        except OSError as error:
            raise Unavailable(f"the file of CAs {authority} cannot be read: {error}") from error
    return context
