"""The way to a floor hub over NATS JetStream: published with an id, kept by the broker, answered by the floor hub.

A connection for each question, as over HTTP. The broker's acknowledgement says that it has the broadcast on disk; only the
floor hub's answer counts.
"""

import asyncio
import base64
import secrets
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from typing_extensions import override

from holdgate.crypto.hashes import digest
from holdgate.reader.broker import DEADLINE_S, HAIL_S, SECURE, answer_to, hail, read_place
from holdgate.reader.reader import Link
from holdgate.terms.errors import HoldgateError, Malformed, Unavailable
from holdgate.terms.topics import Names, reader_inbox

MSG_ID: Final = "Nats-Msg-Id"


class NatsLink(Link):
    """A floor hub behind a broker.

    Args:
        to: such as nats://127.0.0.1:4222/SHOP/FLOOR; tls:// beyond this machine.
        reader: the reader's SMART-ID.
        key: the reader's transport key in its public text form (U…), which opens the line and proves nothing.
        sign: signs the broker's nonce with it.
        authority: for tls://, a file of CAs; None: the machine's own.
        deadline_s: how long to wait for the broker and the floor hub's answer together.

    Raises:
        Malformed: it is no such address. Unavailable: the file of CAs cannot be read.
    """

    def __init__(
        self,
        to: str,
        reader: str,
        key: str,
        sign: Callable[[bytes], bytes],
        *,
        authority: str | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._place = read_place(to)
        if self._place.scheme not in ("nats", "tls"):
            raise Malformed(f"{to[:80]!r} does not begin with nats:// or tls://")
        self.site = self._place.floor
        self._reader, self._deadline_s = reader, deadline_s
        self._key, self._nonce = key, sign
        self._names = Names.nats(self._place.shop, self.site)
        self._tls = _context(authority) if self._place.scheme in SECURE else None

    @override
    def up(self) -> None:
        """Whether the floor hub answers.

        Raises:
            Unavailable: it does not.
        """
        asyncio.run(self._ask(hail(), kept=False))

    @override
    def post(self, envelope: bytes) -> bytes:
        """Hand in a broadcast and return the answer.

        Raises:
            Unavailable: there is none, or the hub could not take it.
        """
        return asyncio.run(self._ask(envelope, kept=True))

    async def _ask(self, body: bytes, *, kept: bool) -> bytes:
        client: Client | None = None
        refusals: list[str] = []
        stage = f"{' and '.join(self._place.urls)} was asked to let this reader in"
        try:
            async with asyncio.timeout(self._deadline_s if kept else min(HAIL_S, self._deadline_s)):
                client = await self._connect(refusals)
                answer = await self._hear(client, body)
                stage = f"{self.site} was asked over the broker"
                await self._send(client, body, kept=kept)
                return await answer
        except HoldgateError:
            raise
        except (NatsError, OSError) as error:
            why = refusals[-1] if refusals else str(error)
            raise Unavailable(f"{stage}, and nothing came: {why or type(error).__name__}") from error
        finally:
            if client is not None:
                await _hang_up(client)

    async def _connect(self, refusals: list[str]) -> Client:
        """A connection to the first server that answers."""
        for url in self._place.urls[:-1]:
            try:
                return await self._dial(url, refusals)
            except (NatsError, OSError) as error:
                refusals.append(f"{url}: {str(error) or type(error).__name__}")
        return await self._dial(self._place.urls[-1], refusals)

    async def _dial(self, url: str, refusals: list[str]) -> Client:
        async def refused(error: Exception) -> None:
            refusals.append(str(error) or type(error).__name__)

        def sign(nonce: str) -> bytes:
            return base64.b64encode(self._nonce(nonce.encode()))

        client = Client()
        client._public_nkey = self._key  # noqa: SLF001  # the package has no other way to say whose key it is
        try:
            await client.connect(
                [url],
                name=self._reader,
                signature_cb=sign,
                error_cb=refused,
                tls=self._tls,
                tls_handshake_first=self._tls is not None,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=max(1, int(self._deadline_s) // len(self._place.urls)),
                inbox_prefix=reader_inbox(self._reader),
            )
        except BaseException:
            await _hang_up(client)
            raise
        return client

    async def _hear(self, client: Client, body: bytes) -> "asyncio.Future[bytes]":
        found: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def hear(message: Msg) -> None:
            try:
                answer = answer_to(body, message.data, self.site)
            except Unavailable as error:
                if not found.done():
                    found.set_exception(error)
            else:
                if answer is not None and not found.done():
                    found.set_result(answer)

        await client.subscribe(self._names.receipt(self._reader), cb=hear)
        return found

    async def _send(self, client: Client, body: bytes, *, kept: bool) -> None:
        """Publish.

        The id is new with every sending: one that the broker knew would keep the broadcast from the floor hub, and a reader
        sends again just because it got no answer. It spares what the line itself doubles.
        """
        if not kept:
            await client.publish(self._names.hail(self._reader), body)
            return
        once = {MSG_ID: f"{digest(body)}.{secrets.token_hex(4)}"}
        await client.jetstream(timeout=self._deadline_s).publish(self._names.arrival(self._reader), body, headers=once)


async def _hang_up(client: Client) -> None:
    with suppress(Exception):  # it is not needed any more, whatever state it is in
        async with asyncio.timeout(1):
            await client.close()


def _context(authority: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authority)
    except OSError as error:
        raise Unavailable(f"the broker's authority {authority} cannot be read: {error}") from error
