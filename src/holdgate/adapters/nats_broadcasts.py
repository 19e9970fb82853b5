"""Readers' broadcasts that a NATS broker keeps: in a stream of our own, or in the one that its MQTT gateway keeps.

A durable pull consumer gives them; each is acknowledged to the broker only when the floor hub has answered. The connection is
this adapter's own, and so is coming back: within half a second of the broker's return. (JetStream's mirrors and sources took half
a minute in our runs, and a PUBACK of the gateway that came before the stream's own write proved nothing; docs/decisions/0026.)

The stream of our own: on disk, three copies where there are three servers, what was decided is gone, what has no room is refused
to its reader and not put in the place of something older. The floor hub makes it, and mends its settings at each start.
"""

import asyncio
import base64
import contextlib
import json
import secrets
import ssl
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import BadRequestError, NotFoundError
from typing_extensions import override

from holdgate.engine.address import check_server
from holdgate.engine.broadcasts import THERE, WINDOW, Faults, Heard, StayingSource, told
from holdgate.engine.subjects import Tray, inbox
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.limits import (
    BROADCAST_BYTES_MAX,
    BROADCASTS_HELD_MAX,
    BROKER_READER_MESSAGES_MAX,
    BROKER_STREAM_BYTES_MAX,
)

STREAM_AGE_S: Final = 14 * 86_400.0
DUPLICATES_S: Final = 120.0
"""How long the broker knows a message by its id. The ledger knows it for ever; this only spares traffic."""
COPIES: Final = 3
ACK_S: Final = 3.0
"""After this long without a word the broker gives a broadcast again: to whoever comes after a crash."""
PULL_S: Final = 5
DIAL_S: Final = 5
FIRST_S: Final = 0.05
LONGEST_S: Final = 0.5
_HEADS_BYTES: Final = 1_024
_SILENCE_S: Final = 3.0


class LineKey(NamedTuple):
    """What the floor hub shows the broker: the key's public text form, and what signs the broker's nonce. Never a SMART-ID."""

    public: str
    sign: Callable[[bytes], bytes]


def stream_of(tray: Tray, servers: int) -> StreamConfig:
    """The settings of a stream of our own, on a broker of so many servers."""
    return StreamConfig(
        name=tray.stream,
        description="Readers' broadcasts on their way to the floor hub",
        subjects=[tray.heard],
        storage=StorageType.FILE,
        num_replicas=COPIES if servers >= COPIES else 1,
        retention=RetentionPolicy.WORK_QUEUE,
        discard=DiscardPolicy.NEW,
        discard_new_per_subject=True,
        max_bytes=BROKER_STREAM_BYTES_MAX,
        max_age=STREAM_AGE_S,
        max_msg_size=BROADCAST_BYTES_MAX + _HEADS_BYTES,
        max_msgs_per_subject=BROKER_READER_MESSAGES_MAX,
        duplicate_window=DUPLICATES_S,
        deny_purge=True,
        deny_delete=True,
    )


def consumer_of(tray: Tray) -> ConsumerConfig:
    """What the floor hub is given of a stream."""
    return ConsumerConfig(
        durable_name=tray.consumer,
        filter_subject=tray.heard,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_S,
        max_ack_pending=BROADCASTS_HELD_MAX,
    )


class _Given(Heard):
    """A message of the stream."""

    def __init__(self, client: Client, message: Msg, reader: str, receipt: str, kind: str) -> None:
        self._client, self._message, self._receipt = client, message, receipt
        self.body = message.data
        self.source = f"{kind}:{reader}"

    @override
    async def settle(self, told: bytes) -> None:
        with contextlib.suppress(Exception):  # the line is down: it is given again, and answered as it was
            await self._client.publish(self._receipt, told)
            await self._client.publish(self._message.reply, b"+ACK")

    @override
    async def hold(self) -> None:
        with contextlib.suppress(Exception):
            await self._client.publish(self._message.reply, b"+WPI")


class _Pull:
    """Asks for more whenever what was asked for has come, or will not come any more."""

    def __init__(self, client: Client, tray: Tray, inbox: str, gone: asyncio.Event) -> None:
        self._client, self._inbox, self._gone = client, inbox, gone
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{tray.stream}.{tray.consumer}"
        self._left = 0
        self._heard_at = asyncio.get_running_loop().time()

    async def more(self) -> None:
        """Ask for a window of broadcasts."""
        wanted = {"batch": WINDOW, "expires": PULL_S * 10**9, "idle_heartbeat": 10**9}
        self._left = WINDOW
        await self._client.publish(self._subject, json.dumps(wanted).encode(), reply=self._inbox)

    async def came(self, message: Msg) -> bool:
        """Note what came; whether it is a broadcast, and not a word of the broker about the asking."""
        self._heard_at = asyncio.get_running_loop().time()
        status = None if message.reply and not message.reply.startswith("$JS.FC") else _status(message)
        if status == "100":
            return False
        self._left = self._left - 1 if status is None else 0
        if status is not None and status not in ("404", "408", "409"):
            self._gone.set()  # nobody answers for the consumer any more: begin anew
        elif self._left <= 0:
            if status == "409":
                await asyncio.sleep(FIRST_S)  # it has a new leader, or went away
            await self.more()
        return status is None

    def silent(self) -> bool:
        """Whether the broker has not even said that it has nothing."""
        return asyncio.get_running_loop().time() - self._heard_at > _SILENCE_S


def _status(message: Msg) -> str | None:
    return (message.headers or {}).get("Status")


class NatsBroadcasts(StayingSource):
    """One tray of a NATS broker.

    Args:
        site: the floor hub.
        tray: what is kept where.
        servers: where the broker listens, as `nats://host:port`; tried in turn.
        key: the floor hub's transport key.
        faults: hears what goes wrong.
        tls: for a broker that is not on this machine: whom to believe.

    Raises:
        Malformed: no servers, or one beyond this machine without TLS.
    """

    def __init__(
        self,
        site: str,
        tray: Tray,
        servers: Sequence[str],
        key: LineKey,
        faults: Faults,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__()
        if not servers:
            raise Malformed("name at least one server of the broker")
        for url in servers:
            check_server(url, tls=tls is not None)
        self._site, self._tray, self._servers, self._key, self._tls = site, tray, tuple(servers), key, tls
        self._proved = False
        self._faults = faults

    # ---- the line --------------------------------------------------------------------------------------------------

    @override
    async def _stay(self) -> None:
        wait, number = FIRST_S, 0
        while True:
            url = self._servers[number % len(self._servers)]
            number += 1
            gone = asyncio.Event()
            client: Client | None = None
            try:
                client = await self._dial(url, gone)
                await self._make_ready(client)
                wait = FIRST_S
                self._faults.mended()
                await self._listen(client, gone)
                self._faults.note(url, "the connection was lost")
            except Exception as error:  # noqa: BLE001  # whatever a broker says, the next attempt is made
                self._faults.note(url, error)
            finally:
                await _hang_up(client)
            await asyncio.sleep(wait * (0.5 + secrets.randbelow(500) / 1000))
            wait = min(2 * wait, LONGEST_S)

    async def _dial(self, url: str, gone: asyncio.Event) -> Client:
        """A connection.

        Raises:
            Unavailable: there is none, or the broker lets anybody in.
        """

        async def closed() -> None:
            gone.set()

        async def refused(error: Exception) -> None:
            self._faults.note(url, error)

        def sign(nonce: str) -> bytes:
            self._proved = True
            return base64.b64encode(self._key.sign(nonce.encode()))

        self._proved = False
        client = Client()
        client._public_nkey = self._key.public  # noqa: SLF001  # as in nats_bus: the package has no other way to say whose key
        try:
            async with asyncio.timeout(DIAL_S):
                await client.connect(
                    [url],
                    name=f"{self._site} broadcasts",
                    signature_cb=sign,
                    error_cb=refused,
                    closed_cb=closed,
                    disconnected_cb=closed,
                    tls=self._tls,
                    tls_handshake_first=self._tls is not None,
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    connect_timeout=DIAL_S,
                    ping_interval=2,
                    max_outstanding_pings=2,
                    inbox_prefix=inbox(self._site),
                )
        except Exception as error:
            await _hang_up(client)
            raise Unavailable(_said(error)) from error
        if not self._proved:
            await _hang_up(client)
            raise Unavailable("it asks for no key, so anybody could be any reader; it is not used")
        return client

    # ---- the stream ------------------------------------------------------------------------------------------------

    async def _make_ready(self, client: Client) -> None:
        """The stream and its consumer are as they should be.

        Raises:
            Unavailable: they are not, and cannot be made so.
        """
        stream = client.jetstream(timeout=DIAL_S)
        tray = self._tray
        if tray.own:
            wanted = stream_of(tray, len(self._servers))
            try:
                made = await stream.add_stream(wanted)
            except BadRequestError:  # it is there, with other settings
                made = await stream.update_stream(wanted)
            odd = [name for name, value in vars(wanted).items() if value and getattr(made.config, name) != value]
            if odd:
                raise Unavailable(f"the stream {tray.stream} has other settings than it should: {', '.join(odd)}")
        else:
            await self._gateway(client)
        await stream.add_consumer(tray.stream, consumer_of(tray))

    async def _gateway(self, client: Client) -> None:
        """Wait until the gateway has its stream: it makes it for its first client. What came before is sent again."""
        while True:
            try:
                await client.jetstream(timeout=DIAL_S).stream_info(self._tray.stream)
            except NotFoundError:
                self._faults.note(self._tray.stream, "no reader has spoken MQTT to the broker yet")
                if not client.is_connected:
                    raise Unavailable("the connection was lost") from None
                await asyncio.sleep(LONGEST_S)
            else:
                return

    async def _listen(self, client: Client, gone: asyncio.Event) -> None:
        names = self._tray.names
        place = f"{inbox(self._site)}.{secrets.token_hex(8)}.pull"
        pull = _Pull(client, self._tray, place, gone)
        kind = "nats" if self._tray.own else "mqtt"

        async def hear(message: Msg) -> None:
            if not await pull.came(message):
                return
            reader = names.reader_of(message.subject.removeprefix("$MQTT.msgs."))
            if reader is None:
                self._faults.note(message.subject, "no reader speaks under that name")
                await client.publish(message.reply, b"+TERM")
                return
            self._heard.put_nowait(_Given(client, message, reader, names.receipt(reader), kind))

        async def hail(message: Msg) -> None:
            reader = names.reader_of(message.subject, "hail")
            if reader is not None:
                await client.publish(names.receipt(reader), told(message.data, THERE))

        await client.subscribe(place, cb=hear)
        await client.subscribe(names.hails, cb=hail)
        await pull.more()
        while not gone.is_set() and client.is_connected and not pull.silent():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_S):
                    await gone.wait()


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


async def _hang_up(client: Client | None) -> None:
    if client is not None:
        with contextlib.suppress(Exception):  # it is not needed any more, whatever state it is in
            async with asyncio.timeout(1):
                await client.close()
