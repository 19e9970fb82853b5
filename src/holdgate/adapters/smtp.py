"""A channel that mails: few words and a link, over TLS, one recipient a target.

The Message-ID follows from the notices, so that a mail that goes out twice is one mail to whoever drops doubles. What runs out is
gathered in one mail. Nothing that an outsider chose reaches a header: ids have a grammar of their own, and the shop's name is
shown without control characters. Source: RFC 5321, 5322, 3207 (STARTTLS), 8314 (TLS), 3834 (Auto-Submitted).
"""

import datetime as dt
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct
from typing_extensions import override

from holdgate.adapters.conversation import Line, converse, printable
from holdgate.engine.telling import Channel, Reply
from holdgate.query.cloud_event import message_id
from holdgate.query.notices import DUE, Notice
from holdgate.terms.errors import InvariantBroken, Malformed, Unavailable
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import NOTIFY_LINES_MAX

DEADLINE_S: Final = 40.0
SUBJECT_CHARS: Final = 150
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_QUALIFICATIONS: Final = DUE["credential"]

Security = Literal["starttls", "tls", "none"]


class MailServer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"sender": "from"}):
    """The server that takes mails, and who sends them.

    `security`: starttls (the default) or tls; none goes to this machine alone. `port`: the usual one where it is 0. `login`: a file
    with two lines, user and password, that nobody else may read ("": no login). `authority`: a file of CAs beside the system's.
    """

    host: str
    sender: str
    port: int = 0
    security: Security = "starttls"
    login: str = ""
    authority: str = ""


def check_address(text: str) -> str:
    """Return a mail address if it is a plain one.

    Raises:
        Malformed: it is none.
    """
    if _ADDRESS.fullmatch(text):
        return text
    raise Malformed(f"{printable(text, 100)!r} is no mail address; it reads: name@host")


def check_server(server: MailServer) -> MailServer:
    """Return a server if mails may go there.

    Raises:
        Malformed: without TLS to another machine, or the sender is no address, or the port is none.
    """
    check_address(server.sender)
    if server.security == "none" and server.host not in _LOCAL:
        raise Malformed(
            f"without TLS mails go to this machine alone, not to {server.host}; security is starttls or tls"
        )
    if not server.host or not 0 <= server.port < 65_536:
        raise Malformed("[smtp] wants a host, and a port below 65536")
    return server


def compose(notices: Sequence[Notice], shop: str, link: str, sender: str, to: str, at: int) -> EmailMessage:
    """The mail of a notice, or of several that run out.

    Args:
        notices: one, or those of a day.
        shop: its name.
        link: where more is to be seen ("": nowhere).
        sender: whose mail it is.
        to: who gets it.
        at: the time of the attempt (UTC µs).
    """
    mail = EmailMessage(policy=SMTP_POLICY)
    says = notices[0].says if len(notices) == 1 else f"{len(notices)} things run out soon, or are over"
    mail["From"], mail["To"] = sender, to
    mail["Subject"] = _line(f"[{shop}] {says}", SUBJECT_CHARS)
    mail["Date"] = format_datetime(dt.datetime.fromtimestamp(at // SECOND_US, dt.UTC))
    mail["Message-ID"] = f"<{message_id(*(notice.id for notice in notices))}@{sender.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n".join(_body(notices, link)), cte="quoted-printable")
    return mail


def _body(notices: Sequence[Notice], link: str) -> list[str]:
    """The lines of a mail: whose qualifications run out it does not say, only how many."""
    told = [notice for notice in notices if len(notices) == 1 or notice.kind != _QUALIFICATIONS]
    people = len(notices) - len(told)
    lines = [f"{notice.says}." for notice in told[:NOTIFY_LINES_MAX]]
    if len(told) > NOTIFY_LINES_MAX:
        lines.append(f"And {len(told) - NOTIFY_LINES_MAX} more; holdgate due lists them.")
    if people:
        lines.append(f"Qualifications that run out or are over: {people}; holdgate due lists them.")
    place = notices[0].place if len(notices) == 1 else ""
    return [_line(line, 400) for line in [*lines, *([f"Entry: {place}"] if place else [])]] + (
        ["", link] if link else []
    )


def _line(text: str, most: int) -> str:
    """One line without control characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:most]


class Mail(Channel):
    """Mails to one address.

    Args:
        server: checked.
        to: checked.
        shop: its name.
        link: where more is to be seen of a notice.
        now: the time of an attempt (UTC µs).
        deadline_s: for one attempt.
    """

    gathers = True

    def __init__(
        self,
        server: MailServer,
        to: str,
        shop: str,
        link: Callable[[Notice], str],
        now: Callable[[], int],
        *,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """Ready to mail.

        Raises:
            Unavailable: the file of CAs or of the login cannot be read. Malformed: others may read the login, or it is none.
        """
        self._server = server
        self._to = to
        self._shop = shop
        self._link = link
        self._now = now
        self._deadline_s = deadline_s
        self._login = _read_login(Path(server.login)) if server.login else None
        self._tls = None if server.security == "none" else _context(server.authority)

    @override
    async def send(self, notices: Sequence[Notice]) -> Reply:
        link, server = self._link(notices[0]), self._server
        mail = compose(notices, self._shop, link, server.sender, self._to, self._now())
        try:
            await converse(lambda line: self._deliver(line, mail.as_bytes()), self._deadline_s, "mail")
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()), (0, b""))
            return Reply(told=False, says=f"{server.host} refuses {self._to}: {code} {_said(said)}")
        except smtplib.SMTPResponseException as error:
            return Reply(told=False, says=f"{server.host} answers {error.smtp_code} {_said(error.smtp_error)}")
        except (OSError, Unavailable, ValueError) as error:  # what else smtplib raises is an OSError
            return Reply(told=False, says=printable(f"{server.host}: {str(error) or type(error).__name__}", 300))
        return Reply(told=True)

    def _deliver(self, line: Line, mail: bytes) -> None:
        """One mail, blocking: it is delivered once the server has taken the whole of it.

        Raises:
            OSError (smtplib's among them), Unavailable: it is not.
        """
        server = self._server
        client = smtplib.SMTP(
            timeout=self._deadline_s + 1,  # the one deadline comes first
            local_hostname=server.sender.partition("@")[2],
        )
        sock = socket.create_connection((server.host, server.port or _PORTS[server.security]), self._deadline_s)
        client.sock = sock
        try:
            line.hold(lambda: client.sock)
            if server.security == "tls":
                self._secure(client)
            _expect(220, *client.getreply())
            if server.security == "starttls":
                client.ehlo()
                _expect(220, *client.docmd("STARTTLS"))
                self._secure(client)
                client.ehlo()
            if self._login is not None:
                client.login(*self._login)
            client.sendmail(server.sender, [self._to], mail)
            with suppress(OSError):
                client.quit()
        finally:
            client.close()
            sock.close()

    def _secure(self, client: smtplib.SMTP) -> None:
        """Go on over TLS; what came before it is forgotten."""
        if self._tls is None or client.sock is None:
            raise InvariantBroken("a server that is spoken to over TLS has its context")
        client.sock = self._tls.wrap_socket(client.sock, server_hostname=self._server.host)
        client.file = None


def _expect(wanted: int, code: int, said: bytes) -> None:
    if code != wanted:
        raise smtplib.SMTPResponseException(code, said)


def _said(said: bytes | str) -> str:
    return printable(said if isinstance(said, str) else said.decode("ascii", "replace"), 160)


def _read_login(path: Path) -> tuple[str, str]:
    try:
        mode, lines = path.stat().st_mode, path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"the login {path} cannot be read: {error}") from error
    if mode & 0o077:
        raise Malformed(f"others than its owner may read the login {path}: chmod 600 {path}")
    if len(lines) != 2 or not all(lines):
        raise Malformed(f"the login {path} has two lines: the user and the password")
    return lines[0], lines[1]


def _context(authority: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if authority:
        try:
            context.load_verify_locations(cafile=authority)
        except OSError as error:
            raise Unavailable(f"the file of CAs {authority} cannot be read: {error}") from error
    return context
