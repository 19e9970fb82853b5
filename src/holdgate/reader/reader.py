"""A reader: it keeps every scan at once, hands it in when it can, and lets go of it only against a receipt.

    reader = Reader("SID-SCN-01", key, outbox=outbox, site="FLOOR", link=link, log=vkey)
    reader.scan("4512-7", "C", ("S01",), 1, order="PO-1001")
    for word in reader.deliver().words:
        display.show(word.came, word.says)

When is a broadcast signed? Not when the scan is made, but when it is the next to be sent and the hub answers: only then is
it known whether it is live or late, signatures are never late, and bytes once signed are never changed or signed again.
What waits unsigned is kept all the same. So at most one broadcast is signed and unproven at a time: the one that was
being sent when the link broke. It is sent again as the same bytes. If the hub had it before, it gives its first answer; if
it comes too late to count as live, the hub refuses it on the record (STALE_BROADCAST), and only against that receipt is
the scan signed anew, under the next counter, as a buffered one.

A scan that is not signed within `live_us` of being made goes as `buffered`, with `captured_at`; the order's own limit says
how old it may be. Keep `live_us` below the shop's `arrival_skew_s`. Order is kept: nothing is sent before what was scanned
before it is proven.
Source: foundations 4, 5; reliability 3.
"""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import asdict

from holdgate.crypto.keys import SigningKey
from holdgate.ledger.note import Vkey
from holdgate.reader.broadcast import ROLE, Broadcast, Scan, Signer, check, read, sign
from holdgate.reader.host import Clock, MachineClock, machine_token
from holdgate.reader.outbox import Outbox, Waiting
from holdgate.reader.receipt import prove
from holdgate.reader.words import Word, word_of
from holdgate.terms import instant
from holdgate.terms.errors import Malformed, Tampered

LIVE_US: Final = 60 * instant.SECOND_US
"""How long after it was made a scan may still be signed as a live one."""
STALE: Final = "STALE_BROADCAST"


class Link(Protocol):
    """The way to the floor hub. Any exception means that it is out of reach."""

    def up(self) -> None:
        """Return if the hub answers."""
        ...

    def post(self, envelope: bytes) -> bytes:
        """Hand in a broadcast and return the answer."""
        ...


class Delivery(Struct, frozen=True, kw_only=True):
    """What a delivery did. `words`: what came of each scan. `waiting`: scans that wait still; `why`: what they wait for."""

    words: tuple[Word, ...]
    waiting: int
    why: str = ""


class Reader:
    """One reader.

    Args:
        reader: its SMART-ID.
        key: its private key.
        outbox: its outbox.
        link: the way to the floor hub.
        log: the floor hub's log key, from the shop's charter: the root of this reader's trust. Bring it by hand.
        place: the enrolled place where it reads; None: the reader itself is enrolled with its area.
        place_key: that place's key, where the place is another device.
        clock, token: the machine's own by default.
        live_us: see above.

    Raises:
        Malformed: a place that is another device has no key.
    """

    def __init__(
        self,
        reader: str,
        key: SigningKey,
        *,
        outbox: Outbox,
        site: str,
        link: Link,
        log: Vkey,
        place: str | None = None,
        place_key: SigningKey | None = None,
        clock: Clock | None = None,
        token: Callable[[], str] = machine_token,
        live_us: int = LIVE_US,
    ) -> None:
        self._reader = reader
        self._place = place or reader
        self._keys: Sequence[tuple[str, SigningKey]] = [(reader, key)]
        if self._place != reader:
            if place_key is None:
                raise Malformed(f"{place} is another device than {reader}: it signs too, so its key is needed")
            self._keys = [(reader, key), (self._place, place_key)]
        self._outbox = outbox
        self._site = site
        self._link = link
        self._log = log
        self._clock = clock or MachineClock()
        self._token = token
        self._live_us = live_us
        self._delivering = Lock()

    @property
    def waiting(self) -> int:
        """Scans that no receipt covers yet."""
        return len(self._outbox)

    def scan(
        self,
        part_no: str,
        rev: str,
        serials: Sequence[str],
        quantity: int,
        order: str | None = None,
        event: str | None = None,
    ) -> Scan:
        """Keep a scan. It is durable when this returns; nothing is sent yet.

        Raises:
            Malformed: no site could read it. Unavailable: it could not be kept; nothing was scanned.
        """
        scan = Scan(part_no=part_no, rev=rev, serials=tuple(serials), quantity=quantity, order=order, event=event)
        self._outbox.keep(check(scan), self._clock.now())
        return scan

    def deliver(self) -> Delivery:
        """Hand in what waits, oldest first, until nothing does or the hub cannot prove that it has it."""
        words: list[Word] = []
        why = ""
        with self._delivering:
            while not why:
                waiting = self._outbox.first()
                if waiting is None:
                    break
                try:
                    word = self._hand_in(waiting)
                except _Waits as reason:
                    why = str(reason)
                else:
                    words += [] if word is None else [word]
        return Delivery(words=tuple(words), waiting=len(self._outbox), why=why)

    def _hand_in(self, waiting: Waiting) -> Word | None:
        """Hand in one scan; None where it has to go once more, or another process handed it in.

        Raises:
            _Waits: it could not be handed in, or its receipt does not prove it.
        """
        if waiting.envelope is None:
            _reached(self._link.up)
        envelope = self._outbox.sign(waiting, self._sign)
        if envelope is None:
            return None
        answer = _reached(lambda: self._link.post(envelope))
        try:
            decided = prove(answer, envelope, self._log)
        except (Malformed, Tampered) as error:
            raise _Waits(f"{self._site} gave no receipt that holds: {error}") from error
        if decided.codes == (STALE,) and not read(envelope).buffered:
            self._outbox.again(waiting, envelope)
            return None
        self._outbox.done(waiting, envelope)
        return word_of(waiting.scan, decided)

    def _sign(self, waiting: Waiting, seq: int) -> bytes:
        """The broadcast of a scan, signed now."""
        now, scan, made_at = self._clock.now(), waiting.scan, waiting.captured_at
        late = waiting.late or now - made_at > self._live_us
        broadcast = Broadcast(
            site=self._site,
            at=now,
            nonce=self._token(),
            signers=(Signer(id=self._reader, role=ROLE),),
            place=self._place,
            reader_seq=seq,
            observed_at=None if late else made_at,
            buffered=late,
            captured_at=made_at if late else None,
            **asdict(scan),
        )
        return sign(broadcast, self._keys)


class _Waits(Exception):
    """Why what waits has to go on waiting."""


Got = TypeVar("Got")


def _reached(ask: Callable[[], Got]) -> Got:
    """What the hub answered.

    Raises:
        _Waits: it did not.
    """
    try:
        return ask()
    except Exception as error:
        raise _Waits(str(error) or type(error).__name__) from error
