"""Sites on a NATS broker: requests and replies over core NATS, one connection for each site.

Nothing rests in the broker. The ledgers are the outboxes: a request that got no answer is asked again, and whatever is
delivered twice is taken once (docs/decisions/0024). So a request that is lost, whose answer is lost, or that comes too late is
`Unavailable` and no more.

Who asks is read from the subject alone: the broker lets a site publish only under its own name (`holdgate.adapters.nats_config`).
That holds only where the broker asked for a key, so a broker that lets anybody in is refused, and so is a way to it that
leaves this machine without TLS.
"""

import asyncio
import base64
import contextlib
import secrets
import ssl
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from typing_extensions import override

from holdgate.engine.address import check_server
from holdgate.engine.asked import Asked
from holdgate.engine.bus import IN_FLIGHT, Bus, Peer
from holdgate.engine.parts import ID_BYTES, Gathering, Message, id_of, split
from holdgate.engine.presence import BEAT_S, SILENCE_S, Presence
from holdgate.engine.subjects import Subjects, inbox, is_answer_to
from holdgate.engine.turns import Turns
from holdgate.engine.wire import Remote, raised, serve
from holdgate.terms.errors import HoldgateError, Malformed, Unavailable
from holdgate.terms.limits import (
    BUS_FAULT_CHARS_MAX,
    BUS_FAULTS_MAX,
    BUS_OPEN_MAX,
    BUS_PART_BYTES_MAX,
    BUS_QUEUE_MAX,
    WIRE_ANSWER_BYTES_MAX,
    WIRE_BYTES_MAX,
)

Watcher = Callable[[str, bool], None]

_WHO: Final = b"?"
"""Who is there? Whoever hears it beats at once. It is no beat itself: a line that has no site yet asks too."""
_SOON_S: Final = 0.05
"""How long after; many who ask get one beat."""


class Timing(NamedTuple):
    """How long things may take, in seconds.

    `ask_s`: how long an answer is waited for, the sending included. `beat_s`, `silence_s`: presence. `first_s`, `longest_s`:
    the wait between attempts to connect; it doubles. `dial_s`: one attempt. `ping_s`: the broker is pinged, and the connection
    given up after two pings without an answer.
    """

    ask_s: float = 10.0
    beat_s: float = BEAT_S
    silence_s: float = SILENCE_S
    first_s: float = 0.1
    longest_s: float = 5.0
    dial_s: float = 5.0
    ping_s: int = 2


class TransportKey(NamedTuple):
    """What a site shows the broker: the key's public text form, and what signs the broker's nonce. Never a SMART-ID."""

    public: str
    sign: Callable[[bytes], bytes]


class NatsBus(Bus):
    """The bus, as one site sees it through its own connection.

    Args:
        site: the site that this connection is.
        shop: the shop's name on the broker.
        sites: every site of the shop; nobody else is listened to, but those that are admitted later.
        hears: those of them whose presence matters here (all by default). Each beat is read by everybody who hears it, so
            that a shop of many nodes is a quiet one only if they do not hear each other.
        servers: where the broker listens, as `nats://host:port`; tried in turn.
        key: what the site shows the broker.
        tls: for a broker that is not on this machine: whom to believe.
        timing: how long things may take.

    Raises:
        Malformed: no servers, or one beyond this machine without TLS; or an id that is none.
    """

    def __init__(
        self,
        site: str,
        shop: str,
        sites: Sequence[str],
        servers: Sequence[str],
        key: TransportKey,
        *,
        hears: Collection[str] | None = None,
        tls: ssl.SSLContext | None = None,
        timing: Timing | None = None,
    ) -> None:
        if not servers:
            raise Malformed("name at least one server of the broker")
        for url in servers:
            check_server(url, tls=tls is not None)
        self.site = site
        self._subjects, self._inbox = Subjects.of(shop), inbox(site)
        self._servers = tuple(servers)
        self._key = key
        self._tls = tls
        self._timing = timing or Timing()
        self._others = frozenset(sites) - {site}
        heard = self._others if hears is None else self._others & frozenset(hears)
        self._some = () if heard == self._others else tuple(sorted(heard))
        self._presence = Presence(heard, self._timing.silence_s, self._timing.beat_s)
        self._faults: deque[str] = deque(maxlen=BUS_FAULTS_MAX)
        self._peer: Peer | None = None
        self._watcher: Watcher | None = None
        self._client: Client | None = None
        self._proved = self._closing = False
        self._connected = asyncio.Event()
        self._gone = asyncio.Event()
        self._came = asyncio.Event()
        self._asked: dict[bytes, Asked] = {}
        self._gathering: dict[str, Gathering] = {}
        self._turns = Turns(BUS_QUEUE_MAX, self._defect, IN_FLIGHT)
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._beat_due: asyncio.TimerHandle | None = None

    # ---- the port --------------------------------------------------------------------------------------------------

    @override
    def linked(self, sender: str, receiver: str) -> bool:
        return sender == self.site and self._client is not None and self._presence.up(receiver)

    @override
    def peer(self, sender: str, receiver: str) -> Peer:
        if sender != self.site:
            raise Malformed(f"this connection is {self.site}; it does not speak as {sender}")

        async def ask(call: bytes) -> bytes:
            return await self._ask(receiver, call)

        return Remote(receiver, ask)

    @override
    def admit(self, site: str) -> None:
        self._others |= {site}  # the broker has to know it too, or nothing of it comes
        if site != self.site and self._presence.admit(site):
            self._spawn(self._beat(_WHO))

    def attach(self, site: str, peer: Peer, watcher: Watcher) -> None:
        """Put the site on the bus: from now on it is there for others, and is asked. Attach it once it has started.

        `watcher` is told of every change of a link of its; how links stand at first, `linked` says.

        Raises:
            Malformed: this connection is another site.
        """
        if site != self.site:
            raise Malformed(f"this connection is {self.site}; {site} needs its own")
        self._peer, self._watcher = peer, watcher
        self._spawn(self._beat())

    @property
    def faults(self) -> tuple[str, ...]:
        """What went wrong of late, oldest first, repetitions left out: a broker that refuses the key or a subject, too."""
        return tuple(self._faults)

    @property
    def connected(self) -> bool:
        """Whether the line to the broker is up."""
        return self._client is not None

    # ---- life ------------------------------------------------------------------------------------------------------

    async def connect(self, wait_s: float = 2.0) -> bool:
        """Begin to connect, for ever; wait for the first connection for so many seconds, and say whether it came.

        A site can start without: it is then out of everybody's reach until the broker is found.
        """
        self._spawn(self._stay_connected())
        self._spawn(self._keep_time())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._connected.wait()
        return self.connected

    async def meet(self, others: Collection[str], wait_s: float = 2.0) -> bool:
        """Wait until these sites were heard, for so many seconds at most, and say whether they were.

        Before a site starts, so that it finds the Vault and reconciles.
        """

        def there() -> bool:
            return all(self._presence.up(other) for other in others)

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while not there():
                    self._came.clear()
                    await self._came.wait()
        return there()

    async def close(self) -> None:
        """Leave: what is asked is answered no more, what was asked is Unavailable. The watcher is told nothing more."""
        self._closing, self._watcher, self._peer = True, None, None
        client, self._client = self._client, None
        self._cut()
        if self._beat_due is not None:
            self._beat_due.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, self._turns.stop(), return_exceptions=True)
        if client is not None:
            await _hang_up(client)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fault(f"a defect: {error!r}")

    def _defect(self, error: Exception) -> None:
        self._fault(f"what was asked could not be answered: {error!r}")

    def _fault(self, sentence: str) -> None:
        told = sentence[:BUS_FAULT_CHARS_MAX]  # others chose some of it
        sentence = "".join(c if c.isprintable() else "?" for c in told)
        if not self._faults or self._faults[-1] != sentence:
            self._faults.append(sentence)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()  # the monotonic clock

    # ---- the line to the broker ------------------------------------------------------------------------------------

    async def _stay_connected(self) -> None:
        wait, number = self._timing.first_s, 0
        while not self._closing:
            url = self._servers[number % len(self._servers)]
            number += 1
            gone = self._gone = asyncio.Event()
            client = await self._dial(url, gone)
            if client is not None:
                wait = self._timing.first_s
                self._client = client
                self._connected.set()
                await self._beat(_WHO)
                await self._beat()
                try:
                    await gone.wait()
                finally:
                    self._client = None
                    self._connected.clear()
                self._cut()
                self._fault(f"the connection to {url} was lost")
            await asyncio.sleep(wait * (0.5 + secrets.randbelow(1000) / 1000))  # spread, so that not all come at once
            wait = min(wait * 2, self._timing.longest_s)

    async def _dial(self, url: str, gone: asyncio.Event) -> Client | None:
        """One attempt; None if it failed, which `faults` shows."""
        client = Client()
        # The package takes a key only as a seed for the package `nkeys`, which is not wanted here; with a callback that
        # signs, there is no public way to say whose signature it is.
        client._public_nkey = self._key.public  # noqa: SLF001
        self._proved = False

        async def closed() -> None:
            gone.set()

        try:
            async with asyncio.timeout(self._timing.dial_s):
                await client.connect(
                    [url],
                    name=self.site,
                    error_cb=self._refused,
                    closed_cb=closed,
                    signature_cb=self._sign,
                    tls=self._tls,
                    # Before anything else is said: else whoever stands between could say that there is no TLS here, and the
                    # package would believe it.
                    tls_handshake_first=self._tls is not None,
                    allow_reconnect=False,  # the package would keep what is published meanwhile, and send it late
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    connect_timeout=max(1, int(self._timing.dial_s)),
                    ping_interval=self._timing.ping_s,
                    max_outstanding_pings=2,
                )
                if not self._proved:
                    raise Unavailable("it asks for no key, so anybody could be any site; it is not used")
                await client.subscribe(f"{self._inbox}.*", cb=self._hear_answer)
                for beats in self._beats():
                    await client.subscribe(beats, cb=self._hear_beat)
                await client.subscribe(self._subjects.asked(self.site), cb=self._on_ask(client))
                await client.flush(max(1, int(self._timing.dial_s)))
        except Exception as error:  # noqa: BLE001  # whatever a broker says, the next attempt is made
            hung_up = self._proved and isinstance(error, ConnectionError)
            why = "it hung up after it saw the key: no authorization for this one here" if hung_up else _said(error)
            self._fault(f"{url}: {why}")
            await _hang_up(client)
            return None
        except asyncio.CancelledError:
            await _hang_up(client)
            raise
        return client

    def _beats(self) -> list[str]:
        """The subjects on which those beat who are heard."""
        return [self._subjects.beat(site) for site in self._some] or [self._subjects.beats]

    def _sign(self, nonce: str) -> bytes:
        self._proved = True
        return base64.b64encode(self._key.sign(nonce.encode()))

    async def _refused(self, error: Exception) -> None:
        """The package tells here, and only here, what the broker refuses. Of a line that broke, whoever held it tells more."""
        if isinstance(error, ConnectionError):
            return
        sentence = _said(error)
        self._fault(sentence)
        for asked in self._asked.values():
            if f'"{asked.subject.lower()}"' in sentence:  # the package writes what it passes on in small letters
                asked.fail(Unavailable(f"the broker does not let {self.site} ask {asked.receiver}"))

    def _cut(self) -> None:
        """The line is down: nobody is in reach, and nothing that was asked will be answered."""
        for asked in self._asked.values():
            asked.fail(Unavailable(f"the line was cut before {asked.receiver} answered"))
        self._gathering.clear()
        for peer in self._presence.lose_all():
            self._tell(peer, up=False)

    # ---- presence --------------------------------------------------------------------------------------------------

    async def _keep_time(self) -> None:
        beat_at = self._now()
        while True:
            if self._now() >= beat_at:
                beat_at = self._now() + self._timing.beat_s
                await self._beat()
            await asyncio.sleep(self._timing.beat_s / 4)
            for peer in self._presence.look(self._now()):
                self._tell(peer, up=False)
            for parts in self._gathering.values():
                parts.forget(self._now())
            if self._client is not None and not self._client.is_connected:
                self._gone.set()  # the package says so only when it has sent what it still had, which may be never

    async def _beat(self, word: bytes = b"") -> None:
        client = self._client
        if client is not None and (self._peer is not None or word):
            with contextlib.suppress(Exception):  # the line is going down; that is noticed elsewhere
                await client.publish(self._subjects.beat(self.site), word)

    async def _hear_beat(self, message: Msg) -> None:
        speaker = self._subjects.speaker(message.subject)
        if speaker is None or not self._presence.knows(speaker) or self._client is None:
            return
        if message.data == _WHO:
            if self._beat_due is None:
                self._beat_due = asyncio.get_running_loop().call_later(_SOON_S, self._beat_back)
        elif self._presence.heard(speaker, self._now()):
            self._came.set()
            self._tell(speaker, up=True)

    def _beat_back(self) -> None:
        self._beat_due = None
        self._spawn(self._beat())

    def _tell(self, peer: str, *, up: bool) -> None:
        if self._watcher is None:
            return
        try:
            self._watcher(peer, up)
        except Exception as error:  # noqa: BLE001  # a watcher's defect must not end the line of everybody
            self._fault(f"the watcher failed: {error!r}")

    # ---- asking ----------------------------------------------------------------------------------------------------

    async def _ask(self, receiver: str, call: bytes) -> bytes:
        client = self._client
        if client is None or not self._presence.up(receiver):
            raise Unavailable(f"{receiver} is out of reach of {self.site}")
        loop = asyncio.get_running_loop()
        key, subject = secrets.token_bytes(ID_BYTES), self._subjects.ask(receiver, self.site)
        parts = Gathering(WIRE_ANSWER_BYTES_MAX, 1, self._timing.ask_s)
        asked = self._asked[key] = Asked(subject, receiver, loop.create_future(), parts)
        late = Unavailable(f"{receiver} did not answer within {self._timing.ask_s:g} s")
        timer = loop.call_later(self._timing.ask_s, asked.fail, late)
        # The package does not pass on that it is cancelled, so it is not waited for: the answer is.
        sending = loop.create_task(self._send(client, asked, call, key))
        try:
            return await asked.answer
        finally:
            timer.cancel()
            sending.cancel()
            del self._asked[key]

    async def _send(self, client: Client, asked: Asked, call: bytes, key: bytes) -> None:
        try:
            parts = list(split(call, key, self._room(client)))
            for part in parts[:-1]:
                await client.publish(asked.subject, part)
            # The last part alone says where the answer goes: the broker counts each message that says so as an answer.
            await client.publish(asked.subject, parts[-1], reply=f"{self._inbox}.{key.hex()}")
        except (NatsError, OSError, Unavailable) as error:
            asked.fail(Unavailable(f"{asked.receiver} could not be asked: {_said(error)}"))

    @staticmethod
    def _room(client: Client) -> int:
        return min(client.max_payload, BUS_PART_BYTES_MAX)

    async def _hear_answer(self, message: Msg) -> None:
        if not is_answer_to(self.site, message.subject):
            return
        asked = self._asked.get(bytes.fromhex(message.subject.rpartition(".")[2]))
        if asked is None or asked.answer.done():
            return  # too late, or a second one
        if (message.headers or {}).get("Status") == "503":
            asked.fail(Unavailable(f"{asked.receiver} listens no more"))
            return
        try:
            whole = asked.parts.take(message.data, self._now())
        except HoldgateError:
            asked.fail(Unavailable(f"the answer of {asked.receiver} came incomplete"))
            return
        if whole is not None:
            asked.answer.set_result(whole.body)

    # ---- answering -------------------------------------------------------------------------------------------------

    def _on_ask(self, client: Client) -> Callable[[Msg], Coroutine[Any, Any, None]]:
        """Hears what is asked over this connection; answers go the same way, or not at all."""

        async def hear(message: Msg) -> None:
            sender = self._subjects.speaker(message.subject)
            if self._peer is None:
                return  # another connection may be this site; it answers
            if sender is None or sender not in self._others:
                self._fault(f"{message.subject}: no site of this shop asks under that name")
                return
            if message.reply and not is_answer_to(sender, message.reply):
                self._fault(f"{sender} wants its answer under {message.reply[:120]!r}, which is not its own")
                return
            await self._take_part(client, sender, message)

        return hear

    async def _take_part(self, client: Client, sender: str, message: Msg) -> None:
        parts = self._gathering.get(sender)
        if parts is None:
            parts = self._gathering[sender] = Gathering(WIRE_BYTES_MAX, BUS_OPEN_MAX, self._timing.ask_s)
        try:
            whole = parts.take(message.data, self._now())
            if whole is not None and message.reply:
                self._turns.add(sender, partial(self._serve, client, sender, message.reply, whole))
        except HoldgateError as error:
            self._fault(f"{sender}: {error}")
            key = id_of(message.data)
            if key is not None and message.reply:
                lost = Unavailable(f"the request did not arrive: {error}")
                await self._reply(client, message.reply, key, raised(lost))

    async def _serve(self, client: Client, sender: str, reply: str, request: Message) -> None:
        if self._peer is not None:
            said = await serve(self._peer, request.body, sender, self._defect)
            await self._reply(client, reply, request.key, said)

    async def _reply(self, client: Client, reply: str, key: bytes, said: bytes) -> None:
        if client is not self._client:
            return  # the broker lets this connection answer only what came over it
        try:
            for part in split(said, key, self._room(client)):
                await client.publish(reply, part)
        except (NatsError, OSError, Unavailable) as error:
            self._fault(f"an answer could not be sent: {_said(error)}")


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


async def _hang_up(client: Client) -> None:
    with contextlib.suppress(Exception):  # it is not needed any more, whatever state it is in
        async with asyncio.timeout(1):
            await client.close()
