"""Webhooks and mails to receivers that fail, hang, drip, drop and lie; signatures verified as the specification says."""

import asyncio
import base64
import email
import email.policy
import json
import re
import threading
import time
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from holdgate.adapters.smtp import Mail, MailServer
from holdgate.adapters.webhook import Webhook, public_text, read_endpoint
from holdgate.crypto.keys import SigningKey
from holdgate.engine.telling import Reply
from holdgate.notifying import read_notify_config
from holdgate.query.notices import KINDS, Notice
from holdgate.terms.errors import Malformed, Unavailable
from tests.outside import DRIP, DROP, GARBAGE, HANG, LATE_DROP, MailHost, Receiver, certificates, mailing, receiving
from tests.tidy.tree import ROOT

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(120)]

T = TypeVar("T")
NOW: Final = 1_700_000_000_000_000
KEY: Final = SigningKey.generate()
PATIENT_S: Final = 60.0
HASTY_S: Final = 1.0
NOTICE: Final = Notice(
    id="lab.test/HUB/12/0",
    kind="report.ready",
    origin="lab.test/HUB",
    place="HUB:12",
    subject="PO-1/J-1",
    at=NOW,
    says="Report R-1 on order PO-1 is ready",
    client="AERO",
    data={"order": "PO-1", "job": "J-1", "report": "R-1"},
    inside={"node": "N-1"},
)
OTHER: Final = Notice(
    id="lab.test/HUB/13/0", kind="due.calibration", origin="lab.test/HUB", place="", subject="O", at=NOW, says="O ends"
)


def webhook(
    port: int, *, deadline_s: float = PATIENT_S, scheme: str = "http", authority: str = "", client: str = ""
) -> Webhook:
    endpoint = read_endpoint(
        f"{scheme}://localhost:{port}/hook?x=1" if scheme == "https" else f"http://127.0.0.1:{port}/hook?x=1"
    )
    return Webhook(
        endpoint,
        KEY,
        client,
        lambda notice: "https://hub/orders/PO-1",
        lambda: NOW,
        authority=authority,
        deadline_s=deadline_s,
    )


def sent(receiver: Receiver, send: Callable[[Receiver], Awaitable[T]]) -> T:
    async def run() -> T:
        async with receiving(receiver):
            return await send(receiver)

    return asyncio.run(run())


def verified(headers: dict[str, str], body: bytes, whpk: str) -> Any:
    """A webhook as a receiver takes it, from the text of the specification alone."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(whpk.removeprefix("whpk_")))
    content = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    for given in headers["webhook-signature"].split(" "):
        version, _, text = given.partition(",")
        if version == "v1a":
            key.verify(base64.b64decode(text), content)
            return json.loads(body)
    raise InvalidSignature


# ---- webhooks ------------------------------------------------------------------------------------------------------


def test_a_webhook_is_a_cloud_event_with_a_signature_that_verifies() -> None:
    receiver = Receiver()
    reply = sent(receiver, lambda r: webhook(r.port).send([NOTICE]))
    assert reply == Reply(told=True, says="200")
    (request,) = receiver.requests
    assert request.line == "POST /hook?x=1 HTTP/1.1"
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert "." not in request.headers["webhook-id"]
    assert request.headers["webhook-timestamp"] == "1700000000"
    event = verified(request.headers, request.body, public_text(KEY))
    assert event == {
        "specversion": "1.0",
        "id": "lab.test/HUB/12/0",
        "source": "holdgate:lab.test/HUB",
        "type": "holdgate.report.ready",
        "subject": "PO-1/J-1",
        "time": "2023-11-14T22:13:20Z",
        "datacontenttype": "application/json",
        "data": {
            "says": NOTICE.says,
            "order": "PO-1",
            "job": "J-1",
            "report": "R-1",
            "node": "N-1",
            "entry": "HUB:12",
            "link": "https://hub/orders/PO-1",
        },
    }


def test_a_changed_body_time_or_id_verifies_no_more() -> None:
    receiver = Receiver()
    sent(receiver, lambda r: webhook(r.port).send([NOTICE]))
    (request,) = receiver.requests
    for headers, body in (
        (request.headers, request.body.replace(b"R-1", b"R-2")),
        (request.headers | {"webhook-timestamp": "1700000001"}, request.body),
        (request.headers | {"webhook-id": "msg_0"}, request.body),
    ):
        with pytest.raises(InvalidSignature):
            verified(headers, body, public_text(KEY))
    with pytest.raises(InvalidSignature):
        verified(request.headers, request.body, public_text(SigningKey.generate()))


def test_every_attempt_is_the_same_event_under_the_same_id() -> None:
    receiver = Receiver("500", "200")

    async def twice(r: Receiver) -> list[Reply]:
        return [await webhook(r.port).send([NOTICE]), await webhook(r.port).send([NOTICE])]

    first, second = sent(receiver, twice)
    assert (first.told, second.told) == (False, True)
    assert receiver.bodies()[0] == receiver.bodies()[1]
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1


def test_a_client_s_target_sees_nothing_of_what_is_for_the_shop() -> None:
    receiver = Receiver()
    sent(receiver, lambda r: webhook(r.port, client="AERO").send([NOTICE]))
    assert set(json.loads(receiver.bodies()[0])["data"]) == {"says", "order", "job", "report", "link"}


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("404", "answers 404: said"),
        ("500", "answers 500: said"),
        ("301|location: http://127.0.0.1:1/", "answers 301"),
        ("199", ""),
        (DROP, ""),
        (GARBAGE, ""),
        (LATE_DROP, ""),
        ("flood", "answers 500: [31mxxx"),
    ],
)
def test_what_is_no_success_is_a_failure_that_says_why(word: str, says: str) -> None:
    receiver = Receiver(word)
    deadline_s = HASTY_S if word == "199" else PATIENT_S
    reply = sent(receiver, lambda r: webhook(r.port, deadline_s=deadline_s).send([NOTICE]))
    assert not reply.told
    assert not reply.gone
    assert says in reply.says
    assert reply.says
    assert reply.says.isprintable()
    assert len(reply.says) < 400
    assert len(receiver.requests) == (0 if word == DROP else 1)  # a redirect is not followed


def test_gone_ends_it_and_a_wish_to_be_left_alone_is_heard() -> None:
    assert sent(Receiver("410"), lambda r: webhook(r.port).send([NOTICE])).gone
    assert sent(Receiver("503|retry-after: 77"), lambda r: webhook(r.port).send([NOTICE])).after_s == 77
    odd = "429|retry-after: -5"
    assert sent(Receiver(odd), lambda r: webhook(r.port).send([NOTICE])).after_s == 0


@pytest.mark.parametrize("word", [HANG, DRIP])
def test_a_receiver_that_hangs_or_drips_is_given_up_at_the_deadline(word: str) -> None:
    began = time.monotonic()
    reply = sent(Receiver(word), lambda r: webhook(r.port, deadline_s=HASTY_S).send([NOTICE]))
    assert not reply.told
    assert "no whole answer" in reply.says
    assert time.monotonic() - began < 60  # it would be an hour
    until = time.monotonic() + 60
    while any(thread.name == "webhook" for thread in threading.enumerate()) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(thread.name == "webhook" for thread in threading.enumerate())


def test_nobody_there_is_a_failure() -> None:
    reply = asyncio.run(webhook(1).send([NOTICE]))
    assert not reply.told
    assert "refused" in reply.says.lower()


def test_over_tls_only_a_certificate_of_an_authority_that_is_trusted_counts(tmp_path: Path) -> None:
    ca, context = certificates(tmp_path)

    async def posted(authority: str, *names: str) -> Reply:
        receiver = Receiver()
        async with receiving(receiver, certificates(tmp_path / "other", names)[1] if names else context):
            hook = webhook(receiver.port, scheme="https", authority=authority)
            reply = await hook.send([NOTICE])
        assert bool(receiver.requests) == reply.told
        return reply

    assert asyncio.run(posted(str(ca))).told
    assert "certificate" in asyncio.run(posted("")).says.lower()
    assert "certificate" in asyncio.run(posted(str(ca), "localhost")).says.lower()


def test_a_certificate_of_another_name_does_not_count(tmp_path: Path) -> None:
    ca, context = certificates(tmp_path, ("elsewhere.test",))

    async def posted() -> Reply:
        receiver = Receiver()
        async with receiving(receiver, context):
            return await webhook(receiver.port, scheme="https", authority=str(ca)).send([NOTICE])

    assert "certificate" in asyncio.run(posted()).says.lower()


# ---- mails ---------------------------------------------------------------------------------------------------------


def mail(port: int, *, deadline_s: float = PATIENT_S, shop: str = "Lab", **server: Any) -> Mail:
    usual: dict[str, Any] = {"host": "127.0.0.1", "sender": "holdgate@lab.test", "port": port, "security": "none"}
    return Mail(
        MailServer(**(usual | server)),
        "qa@lab.test",
        shop,
        lambda notice: "https://hub/",
        lambda: NOW,
        deadline_s=deadline_s,
    )


def mailed(host: MailHost, send: Callable[[MailHost], Awaitable[T]]) -> T:
    async def run() -> T:
        async with mailing(host):
            return await send(host)

    return asyncio.run(run())


def read(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


def test_a_mail_has_few_words_and_a_link() -> None:
    host = MailHost()
    assert mailed(host, lambda h: mail(h.port).send([NOTICE])) == Reply(told=True)
    ((sender, to, raw),) = host.mails
    assert sender.startswith("mail FROM:<holdgate@lab.test>")
    assert to == "rcpt TO:<qa@lab.test>"
    found = read(raw)
    assert found["Subject"] == "[Lab] Report R-1 on order PO-1 is ready"
    assert found["Auto-Submitted"] == "auto-generated"
    assert " ".join(found.get_content().split()) == "Report R-1 on order PO-1 is ready. Entry: HUB:12 https://hub/"


def test_the_same_notices_are_the_same_mail_and_others_are_another() -> None:
    host = MailHost()

    async def thrice(h: MailHost) -> None:
        for notices in ([NOTICE], [NOTICE], [NOTICE, OTHER]):
            assert (await mail(h.port).send(notices)).told

    mailed(host, thrice)
    ids = [read(raw)["Message-ID"] for _, _, raw in host.mails]
    assert ids[0] == ids[1] != ids[2]


def test_nothing_that_is_told_reaches_a_header_of_its_own() -> None:
    host = MailHost()
    evil = "x\r\nBcc: everybody@lab.test\r\n\r\nhello\n.\r\nQUIT"
    notice = Notice(id=evil, kind="work.held", origin="o", place="HUB:1\r\nX: y", subject=evil, at=NOW, says=evil)
    assert mailed(host, lambda h: mail(h.port, shop=f"Lab{evil}").send([notice])).told
    assert len(host.mails) == 1
    found = read(host.mails[0][2])
    assert found["Bcc"] is None
    assert found["X"] is None
    assert set(found.keys()) == {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"),
        *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
    }


@pytest.mark.parametrize("word", [DROP, "MAIL 451", "RCPT 550", "RCPT 450", "DATA 554", "DATA drop", "EHLO 421"])
def test_a_mail_that_was_not_taken_whole_is_a_failure(word: str) -> None:
    host = MailHost(word, "ok")

    async def twice(h: MailHost) -> list[Reply]:
        return [await mail(h.port).send([NOTICE]), await mail(h.port).send([NOTICE])]

    first, second = mailed(host, twice)
    assert (first.told, second.told) == (False, True)
    assert first.says
    assert first.says.isprintable()
    assert len({read(raw)["Message-ID"] for _, _, raw in host.mails}) == 1


@pytest.mark.parametrize("word", [HANG, DRIP])
def test_a_mail_host_that_hangs_or_drips_is_given_up_at_the_deadline(word: str) -> None:
    reply = mailed(MailHost(word), lambda h: mail(h.port, deadline_s=HASTY_S).send([NOTICE]))
    assert not reply.told
    assert "no whole answer" in reply.says


def test_without_starttls_nothing_is_said_in_the_clear(tmp_path: Path) -> None:
    ca, _ = certificates(tmp_path)
    host = MailHost()
    reply = mailed(
        host, lambda h: mail(h.port, host="localhost", security="starttls", authority=str(ca)).send([NOTICE])
    )
    assert not reply.told
    assert not host.mails
    assert not any(line.upper().startswith(("MAIL", "AUTH")) for line in host.commands)


def test_starttls_and_a_login_from_a_file(tmp_path: Path) -> None:
    ca, context = certificates(tmp_path)
    login = tmp_path / "login"
    login.write_text("user\nsecret word\n", encoding="utf-8")
    wanted = base64.b64encode(b"\0user\0secret word").decode()
    server: dict[str, Any] = {"host": "localhost", "security": "starttls", "authority": str(ca), "login": str(login)}
    login.chmod(0o644)
    with pytest.raises(Malformed, match="chmod 600"):
        mail(1, **server)
    login.chmod(0o600)
    host = MailHost(starttls=context, login=wanted)
    assert mailed(host, lambda h: mail(h.port, **server).send([NOTICE])).told
    wrong = mailed(MailHost(starttls=context, login="x"), lambda h: mail(h.port, **server).send([NOTICE]))
    assert "535" in wrong.says
    assert "secret" not in wrong.says


def test_tls_from_the_first_byte_with_an_authority_that_is_trusted(tmp_path: Path) -> None:
    ca, context = certificates(tmp_path)

    async def run(authority: str) -> Reply:
        host = MailHost()
        async with mailing(host, context):
            reply = await mail(host.port, host="localhost", security="tls", authority=authority).send([NOTICE])
        assert bool(host.mails) == reply.told
        return reply

    assert asyncio.run(run(str(ca))).told
    assert "certificate" in asyncio.run(run("")).says.lower()
    with pytest.raises(Unavailable, match="CAs"):
        asyncio.run(run(str(tmp_path / "missing.pem")))


# ---- the page ------------------------------------------------------------------------------------------------------


def test_what_the_page_tells_a_receiver_to_do_verifies_webhooks_and_nothing_else() -> None:
    page = (ROOT / "docs" / "notifications.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "notifications.md", "exec"), names)  # the page's own code
    receiver = Receiver()
    sent(receiver, lambda r: webhook(r.port).send([NOTICE]))
    (request,) = receiver.requests
    at = NOW / 1_000_000
    names["verify"](request.headers, request.body, public_text(KEY), at)
    for headers, body, now in (
        (request.headers, request.body + b" ", at),
        (request.headers, request.body, at + 301),
        (request.headers | {"webhook-signature": "v1,AAAA"}, request.body, at),
    ):
        with pytest.raises((ValueError, InvalidSignature)):
            names["verify"](headers, body, public_text(KEY), now)


def test_the_configuration_of_the_page_is_one(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "notifications.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "notify.toml").write_text(text, encoding="utf-8")
    assert [target.name for target in read_notify_config(tmp_path / "notify.toml").targets] == ["qa", "level3", "aero"]
    for kind in KINDS:
        assert f"`{kind}`" in page, kind
