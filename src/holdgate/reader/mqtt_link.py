"""The way to a floor hub over MQTT 3.1.1: a NATS server's gateway, or Mosquitto. A connection for each question, as over HTTP.

The broker's acknowledgement (PUBACK) says that the broker has the broadcast, if that; only the floor hub's answer counts.
"""

import secrets
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode
from typing_extensions import override

from holdgate.reader.broker import DEADLINE_S, HAIL_S, SECURE, answer_to, hail, read_place
from holdgate.reader.reader import Link
from holdgate.terms.errors import HoldgateError, Malformed, Unavailable
from holdgate.terms.topics import Names

_KEEPALIVE_S: Final = 10


class MqttLink(Link):
    """A floor hub behind a broker.

    Args:
        to: such as mqtt://127.0.0.1:1883/SHOP/FLOOR; mqtts:// beyond this machine.
        reader: the reader's SMART-ID; its user name at the broker, too.
        password: the reader's at the broker. It opens the line and proves nothing.
        authority: for mqtts://, a file of CAs; None: the machine's own.
        deadline_s: how long to wait for the broker, and for the floor hub's answer.

    Raises:
        Malformed: it is no such address. Unavailable: the file of CAs cannot be read.
    """

    def __init__(
        self, to: str, reader: str, password: str, *, authority: str | None = None, deadline_s: float = DEADLINE_S
    ) -> None:
        self._place = read_place(to)
        if self._place.scheme not in ("mqtt", "mqtts"):
            raise Malformed(f"{to[:80]!r} does not begin with mqtt:// or mqtts://")
        self.site = self._place.floor
        self._reader, self._password, self._deadline_s = reader, password, deadline_s
        self._names = Names.mqtt(self._place.shop, self.site)
        self._tls = _context(authority) if self._place.scheme in SECURE else None

    @override
    def up(self) -> None:
        """Whether the floor hub answers.

        Raises:
            Unavailable: it does not.
        """
        self._ask(self._names.hail(self._reader), hail(), 0, min(HAIL_S, self._deadline_s))

    @override
    def post(self, envelope: bytes) -> bytes:
        """Hand in a broadcast and return the answer.

        Raises:
            Unavailable: there is none, or the hub could not take it.
        """
        return self._ask(self._names.arrival(self._reader), envelope, 1, self._deadline_s)

    def _ask(self, topic: str, body: bytes, qos: int, wait_s: float) -> bytes:
        asked = _Asked(self.site, body, topic, qos, self._names.receipt(self._reader))
        with self._client(asked):
            if not asked.over.wait(wait_s):
                raise Unavailable(f"{asked.stage}, and nothing came for {wait_s:g} s")
        if asked.answer is None:
            raise asked.error or Unavailable(asked.stage)
        return asked.answer

    @contextmanager
    def _client(self, asked: "_Asked") -> Iterator[None]:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{self._reader}-{secrets.token_hex(4)}",
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_timeout = self._deadline_s
        client.username_pw_set(self._reader, self._password)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        client.on_connect, client.on_subscribe = asked.connected, asked.subscribed
        client.on_message, client.on_disconnect = asked.came, asked.lost
        self._connect(client)
        client.loop_start()
        try:
            yield
        finally:
            asked.over.set()
            client.disconnect()
            client.loop_stop()

    def _connect(self, client: Client) -> None:
        """Connect to the first server that answers."""
        silent = []
        for (host, port), url in zip(self._place.servers, self._place.urls, strict=True):
            try:
                client.connect(host, port, _KEEPALIVE_S)
            except (OSError, ValueError) as error:
                silent.append(f"{url} ({str(error) or type(error).__name__})")
            else:
                return
        raise Unavailable(f"no broker answers: {', '.join(silent)}")


class _Asked:
    """One question; the package tells in a thread of its own how it goes."""

    def __init__(self, site: str, body: bytes, topic: str, qos: int, receipt: str) -> None:
        self._site, self._body, self._topic, self._qos, self._receipt = site, body, topic, qos, receipt
        self.over = threading.Event()
        self.answer: bytes | None = None
        self.error: HoldgateError | None = None
        self.stage = "the broker was asked to let this reader in"

    def connected(self, client: Client, _: Any, __: Any, reason: ReasonCode, ___: Any) -> None:
        """First listen, then speak."""
        if reason.is_failure:
            self._end(Unavailable(f"the broker refuses this reader: {reason}"))
        else:
            self.stage = "the broker was asked for answers"
            client.subscribe(self._receipt, 0)

    def subscribed(self, client: Client, _: Any, __: int, reasons: list[ReasonCode], ___: Any) -> None:
        """The broker passes answers on, so the question goes."""
        if any(reason.is_failure for reason in reasons):
            self._end(Unavailable("the broker does not let this reader hear its answers"))
        else:
            self.stage = f"{self._site} was asked over the broker"
            client.publish(self._topic, self._body, self._qos)

    def came(self, _: Client, __: Any, message: MQTTMessage) -> None:
        """An answer, to this or to something else."""
        try:
            answer = answer_to(self._body, bytes(message.payload), self._site)
        except Unavailable as error:
            self._end(error)
        else:
            if answer is not None and not self.over.is_set():
                self.answer = answer
                self.over.set()

    def lost(self, *_: Any) -> None:
        """The line is down."""
        self._end(Unavailable("the broker cut the line"))

    def _end(self, error: HoldgateError) -> None:
        if not self.over.is_set():
            self.error = error
            self.over.set()


def _context(authority: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authority)
    except OSError as error:
        raise Unavailable(f"the broker's authority {authority} cannot be read: {error}") from error
