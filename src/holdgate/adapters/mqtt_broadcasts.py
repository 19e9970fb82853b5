"""Readers' broadcasts that an MQTT 5 broker keeps (Mosquitto): a client with a lasting session, QoS 1.

A broadcast is acknowledged to the broker only when the floor hub has answered it; what was not acknowledged comes again with
the next connection. Mosquitto writes its memory to disk now and then, and refuses nobody when a queue is full: it loses
broadcasts in a power cut and beyond its limits. Readers keep theirs until they hold a receipt, so none is lost to the shop.
Source: MQTT 5.0, 4.1 (session), 4.4 (delivery again), 4.9 (flow control).
"""

import asyncio
import contextlib
import secrets
import socket
import ssl
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions
from typing_extensions import override

from holdgate.engine.broadcasts import THERE, Faults, Heard, StayingSource, told
from holdgate.terms.hosts import check_host
from holdgate.terms.limits import BROADCAST_BYTES_MAX, MQTT_IN_FLIGHT_MAX
from holdgate.terms.topics import Names

SESSION_S: Final = 14 * 86_400
"""How long the broker keeps what comes while the floor hub is away."""
DIAL_S: Final = 5.0
KEEPALIVE_S: Final = 5
FIRST_S: Final = 0.05
LONGEST_S: Final = 0.5
_PACKET_BYTES: Final = BROADCAST_BYTES_MAX + 1_024
_NEVER_RETAINED: Final = 2


class _Given(Heard):
    """A message of the session."""

    def __init__(self, client: Client, message: MQTTMessage, reader: str, receipt: str) -> None:
        self._client, self._mid, self._qos, self._receipt = client, message.mid, message.qos, receipt
        self.body = bytes(message.payload)
        self.source = f"mqtt:{reader}"

    @override
    async def settle(self, told: bytes) -> None:
        with contextlib.suppress(Exception):  # the line is down: it is given again, and answered as it was
            self._client.publish(self._receipt, told)
            self._client.ack(self._mid, self._qos)

    @override
    async def hold(self) -> None:
        """A broker of MQTT gives nothing anew while the connection lasts."""


class MqttBroadcasts(StayingSource):
    """One broker.

    Args:
        site: the floor hub; its user name at the broker, too.
        names: the topics.
        host, port: where the broker listens.
        password: the floor hub's at the broker.
        faults: hears what goes wrong.
        tls: for a broker that is not on this machine: whom to believe.

    Raises:
        Malformed: the broker is beyond this machine, and there is no TLS.
    """

    def __init__(
        self,
        site: str,
        names: Names,
        host: str,
        port: int,
        password: str,
        faults: Faults,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__()
        check_host(host, tls=tls is not None)
        self._site, self._names, self._tls, self._password = site, names, tls, password
        self._host, self._port = host, port
        self._faults = faults

    @override
    async def _stay(self) -> None:
        wait = FIRST_S
        while True:
            line = _Line(self._names, self._heard, self._fault)
            try:
                if await line.dial(self._client(), self._host, self._port):
                    wait = FIRST_S
                    self._faults.mended()
                    await line.gone.wait()
                    self._fault("the connection was lost")
            except Exception as error:  # noqa: BLE001  # whatever a broker says, the next attempt is made
                self._fault(error)
            finally:
                await line.hang_up()
            await asyncio.sleep(wait * (0.5 + secrets.randbelow(500) / 1000))
            wait = min(2 * wait, LONGEST_S)

    def _client(self) -> Client:
        """A client that is not connected; every connection has one of its own, and all of them are the same session."""
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"holdgate-{self._site}",
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        client.connect_timeout = DIAL_S
        client.username_pw_set(self._site, self._password)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        return client

    def _fault(self, error: Exception | str) -> None:
        self._faults.note(f"{self._host}:{self._port}", error)


class _Line:
    """One connection. The package calls from a thread of its own; everything is done on the event loop."""

    def __init__(self, names: Names, heard: "asyncio.Queue[Heard]", fault: Any) -> None:
        self._names, self._heard, self._fault = names, heard, fault
        self._loop = asyncio.get_running_loop()
        self._client: Client | None = None
        self._ready = asyncio.Event()
        self.gone = asyncio.Event()

    async def dial(self, client: Client, host: str, port: int) -> bool:
        """Connect and subscribe; whether the broker let it."""
        self._client = client
        client.on_socket_open = _without_delay
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_message = self._came
        client.on_disconnect = self._lost
        asked: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # the package leaves it out
        asked.SessionExpiryInterval = SESSION_S
        asked.ReceiveMaximum = MQTT_IN_FLIGHT_MAX
        asked.MaximumPacketSize = _PACKET_BYTES
        await asyncio.to_thread(client.connect, host, port, KEEPALIVE_S, clean_start=False, properties=asked)
        client.loop_start()
        waits = [self._loop.create_task(event.wait()) for event in (self._ready, self.gone)]
        try:
            await asyncio.wait(waits, timeout=DIAL_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
        return self._ready.is_set() and not self.gone.is_set()

    async def hang_up(self) -> None:
        """End it, whatever state it is in. The session stays at the broker."""
        client, self._client = self._client, None
        if client is not None:
            client.on_message = client.on_disconnect = client.on_connect = client.on_subscribe = None
            with contextlib.suppress(Exception):
                client.disconnect()
            with contextlib.suppress(Exception):
                await asyncio.to_thread(client.loop_stop)

    def _on_loop(self, call: Any, *words: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the site was abandoned
            self._loop.call_soon_threadsafe(call, *words)

    def _connected(self, client: Client, _: Any, __: Any, reason: ReasonCode, ___: Any) -> None:
        if reason.is_failure:
            self._on_loop(self._fault, f"the broker refuses the floor hub: {reason}")
            self._on_loop(self.gone.set)
            return
        client.subscribe(
            [
                (self._names.arrivals, SubscribeOptions(qos=1, retainHandling=_NEVER_RETAINED)),
                (self._names.hails, SubscribeOptions(qos=0, retainHandling=_NEVER_RETAINED)),
            ]
        )

    def _subscribed(self, _: Any, __: Any, ___: int, reasons: list[ReasonCode], ____: Any) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            self._on_loop(self._fault, f"the broker does not let the floor hub listen: {', '.join(refused)}")
            self._on_loop(self.gone.set)
        else:
            self._on_loop(self._ready.set)

    def _lost(self, *_: Any) -> None:
        self._on_loop(self.gone.set)

    def _came(self, client: Client, _: Any, message: MQTTMessage) -> None:
        self._on_loop(self._take, client, message)

    def _take(self, client: Client, message: MQTTMessage) -> None:
        names = self._names
        asks = names.reader_of(message.topic, "hail")
        reader = names.reader_of(message.topic)
        if asks is not None:
            client.publish(names.receipt(asks), told(bytes(message.payload), THERE))
        elif reader is not None:
            self._heard.put_nowait(_Given(client, message, reader, names.receipt(reader)))
        else:
            self._fault(f"{message.topic}: no reader speaks under that name")
            client.ack(message.mid, message.qos)


def _without_delay(_: Any, __: Any, opened: Any) -> None:
    """What a reader is told does not wait for the broker's word about the packet before (Nagle): that took 40 ms."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
