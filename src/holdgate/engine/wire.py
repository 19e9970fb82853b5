"""What sites ask of each other, as bytes: one call, one reply. Pure; a transport carries the bytes and says who asks.

Who asks is never in the bytes: the transport vouches for it. Everything that comes in is untrusted, on both sides: it is
measured before it is decoded, fields that nobody declared are refused, and a peer's sentences are cut and freed of
control characters before anybody reads them.

An error of one of the four families crosses and is raised again as itself. A call or a reply that cannot be read is
another matter: it says that two sites differ in what they speak, so it is Unavailable and is asked again. Were it
Malformed, a link would take it for an action that can never be delivered, and pass over it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Final, Literal, NoReturn, TypeVar, assert_never

import msgspec
from msgspec import Meta, Struct
from typing_extensions import override

from holdgate.engine.answer import Answer
from holdgate.engine.bus import Peer, Taken
from holdgate.engine.keeping import Fence, Standing
from holdgate.law.case import Pin
from holdgate.law.decision import Decision
from holdgate.law.segments import Segment
from holdgate.terms.errors import HoldgateError, InvariantBroken, Malformed, Tampered, Unavailable
from holdgate.terms.limits import (
    BLOB_BYTES_MAX,
    ENTRY_BYTES_MAX,
    ID_CHARS_MAX,
    IMPORT_ENTRIES_MAX,
    LOCKER_BYTES_MAX,
    ORIGIN_CHARS_MAX,
    PINS_MAX,
    SITES_MAX,
    WIRE_ANSWER_BYTES_MAX,
    WIRE_BYTES_MAX,
    WIRE_WHY_CHARS_MAX,
)

Origin = Annotated[str, Meta(max_length=ORIGIN_CHARS_MAX)]
Size = Annotated[int, Meta(ge=0)]
Hash = Annotated[bytes, Meta(min_length=32, max_length=32)]
Note = Annotated[bytes, Meta(max_length=ENTRY_BYTES_MAX)]
Leaves = Annotated[tuple[Hash, ...], Meta(max_length=IMPORT_ENTRIES_MAX)]
Bodies = Annotated[dict[Size, Annotated[bytes, Meta(max_length=ENTRY_BYTES_MAX)]], Meta(max_length=IMPORT_ENTRIES_MAX)]
Blobs = dict[Annotated[str, Meta(min_length=64, max_length=64)], Annotated[bytes, Meta(max_length=BLOB_BYTES_MAX)]]

# ---- calls ---------------------------------------------------------------------------------------------------------


class Call(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="ask"):
    """Something that one site asks of another."""


class Beside(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document that goes beside an action: the digest that it is claimed to have, and its content."""

    sha256: str
    content: bytes


class Deliver(Call, frozen=True, kw_only=True, tag="deliver"):
    """Submit a signed action. How large it and its documents may be is for the site to say, on its record."""

    raw: bytes
    pins: tuple[Beside, ...]


class Offer(Call, frozen=True, kw_only=True, tag="offer"):
    """A stretch of the asking site's log."""

    origin: Origin
    start: Size
    size: Size
    checkpoint: Note
    leaves: Leaves
    entries: Bodies
    blobs: Blobs
    term: Size = 0


class Held(Call, frozen=True, kw_only=True, tag="held"):
    """How much of that log do you hold?"""

    origin: Origin


class Latest(Call, frozen=True, kw_only=True, tag="latest"):
    """Which checkpoint of that log did you cosign last?"""

    origin: Origin


class Attest(Call, frozen=True, kw_only=True, tag="attest"):
    """Cosign the checkpoint of that log that you hold, at your present time."""

    origin: Origin


class Claim(Call, frozen=True, kw_only=True, tag="claim"):
    """Let me write that log."""

    origin: Origin
    term: Size


class Renew(Call, frozen=True, kw_only=True, tag="renew"):
    """I write that log."""

    origin: Origin
    fence: Fence
    cursors: Annotated[dict[Annotated[str, Meta(max_length=ID_CHARS_MAX)], Size], Meta(max_length=SITES_MAX)]


class Pull(Call, frozen=True, kw_only=True, tag="pull"):
    """Give me that log from there on."""

    origin: Origin
    start: Size


class Locker(Call, frozen=True, kw_only=True, tag="locker"):
    """Give me the sealed key of somebody's badge."""

    id: Annotated[str, Meta(max_length=ID_CHARS_MAX)]


AnyCall = Deliver | Offer | Held | Latest | Attest | Claim | Renew | Pull | Locker

# ---- replies -------------------------------------------------------------------------------------------------------


class Reply(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="say"):
    """What comes back."""


class Answered(Reply, frozen=True, kw_only=True, tag="answered"):
    """To `Deliver`: what the spine said. An attempt that is only counted has no entry: -1."""

    seq: Annotated[int, Meta(ge=-1)]
    decision: Decision
    receipt: bytes
    kept: Literal["local", "replicated"]
    resent: bool


class TakenIn(Reply, frozen=True, kw_only=True, tag="taken"):
    """To `Offer`."""

    size: Size
    cosigned: Note | None
    written: Size = 0


class Holding(Reply, frozen=True, kw_only=True, tag="holding"):
    """To `Held`."""

    size: Size


class Shown(Reply, frozen=True, kw_only=True, tag="shown"):
    """To `Latest` and `Attest`."""

    note: Note | None


class Stands(Reply, frozen=True, kw_only=True, tag="stands"):
    """To `Claim` and `Renew`."""

    standing: Standing


class Pulled(Reply, frozen=True, kw_only=True, tag="pulled"):
    """To `Pull`."""

    start: Size
    size: Size
    checkpoint: Note
    leaves: Leaves
    entries: Bodies
    blobs: Blobs


class Given(Reply, frozen=True, kw_only=True, tag="given"):
    """To `Locker`."""

    locker: Annotated[bytes, Meta(max_length=LOCKER_BYTES_MAX)] | None


class Raised(Reply, frozen=True, kw_only=True, tag="raised"):
    """The site raised one of the four families."""

    family: Literal["malformed", "tampered", "unavailable", "broken"]
    why: Annotated[str, Meta(max_length=WIRE_WHY_CHARS_MAX)]


class Unread(Reply, frozen=True, kw_only=True, tag="unread"):
    """The call itself could not be read; no site was asked."""

    why: Annotated[str, Meta(max_length=WIRE_WHY_CHARS_MAX)]


AnyReply = Answered | TakenIn | Holding | Shown | Stands | Pulled | Given | Raised | Unread

_ENCODE: Final = msgspec.msgpack.Encoder().encode
_CALL: Final = msgspec.msgpack.Decoder(AnyCall)
_REPLY: Final = msgspec.msgpack.Decoder(AnyReply)
_FAMILY: Final = (
    ("malformed", Malformed),
    ("tampered", Tampered),
    ("unavailable", Unavailable),
    ("broken", InvariantBroken),
)
_R = TypeVar("_R", bound=Reply)

Defect = Callable[[Exception], None]
"""Told what went wrong on the answering side that is none of the four families, or could not be read."""

# ---- the answering side --------------------------------------------------------------------------------------------


async def serve(peer: Peer, raw: bytes, sender: str, defect: Defect | None = None) -> bytes:
    """Answer one call.

    Args:
        peer: the site that is asked.
        raw: the call; untrusted.
        sender: who asks, as the transport vouches for it.
        defect: told of what the asking side is not told: an exception outside the four families, a call that cannot be
            read.

    Returns:
        The reply. Nothing is raised: whatever goes wrong is a reply too, and says nothing of this side's insides.
    """
    try:
        call = _read_call(raw)
    except Malformed as error:
        if defect is not None:
            defect(error)
        return _ENCODE(Unread(why=_plain(error)))
    try:
        said = _ENCODE(await _answer(peer, call, sender))
    except HoldgateError as error:
        return raised(error)
    except Exception as error:  # noqa: BLE001  # whatever it is, the asking site learns no more than that it has no answer
        if defect is not None:
            defect(error)
        return raised(Unavailable("the site could not answer; the fault is on its side"))
    if len(said) > WIRE_ANSWER_BYTES_MAX:
        return raised(Unavailable(f"the answer is larger than {WIRE_ANSWER_BYTES_MAX} bytes"))
    return said


def raised(error: HoldgateError) -> bytes:
    """The reply that has this error raised again on the asking side."""
    family = next((name for name, kind in _FAMILY if isinstance(error, kind)), "unavailable")
    return _ENCODE({"say": "raised", "family": family, "why": _plain(error)})


def _read_call(raw: bytes) -> AnyCall:
    if len(raw) > WIRE_BYTES_MAX:
        raise Malformed(f"a call has at most {WIRE_BYTES_MAX} bytes, this one has {len(raw)}")
    try:
        call: AnyCall = _CALL.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the call cannot be read: {error}") from None
    return call


async def _answer(peer: Peer, call: AnyCall, sender: str) -> AnyReply:
    match call:
        case Deliver():
            pins = tuple(Pin(sha256=pin.sha256, content=pin.content) for pin in call.pins)
            said = await peer.deliver(call.raw, pins, sender)
            kept: Literal["local", "replicated"] = "replicated" if said.kept == "replicated" else "local"
            return Answered(seq=said.seq, decision=said.decision, receipt=said.receipt, kept=kept, resent=said.resent)
        case Offer():
            segment = Segment(
                origin=call.origin,
                start=call.start,
                size=call.size,
                checkpoint=call.checkpoint,
                leaves=call.leaves,
                entries=call.entries,
                blobs=call.blobs,
                term=call.term,
            )
            taken = await peer.offer(segment, sender)
            return TakenIn(size=taken.size, cosigned=taken.cosigned, written=taken.written)
        case Held():
            return Holding(size=await peer.held(call.origin, sender))
        case Latest():
            return Shown(note=await peer.latest(call.origin, sender))
        case Attest():
            return Shown(note=await peer.attest(call.origin, sender))
        case Claim():
            return Stands(standing=await peer.claim(call.origin, call.term, sender))
        case Renew():
            return Stands(standing=await peer.renew(call.origin, call.fence, call.cursors, sender))
        case Pull():
            return _pulled(await peer.pull(call.origin, call.start, sender))
        case Locker():
            return Given(locker=await peer.locker(call.id, sender))
        case _:
            assert_never(call)


def _pulled(segment: Segment) -> Pulled:
    return Pulled(
        start=segment.start,
        size=segment.size,
        checkpoint=segment.checkpoint,
        leaves=segment.leaves,
        entries=segment.entries,
        blobs=segment.blobs,
    )


def _plain(error: Exception) -> str:
    """An error's sentence as another site may show it: of bounded length, without control characters."""
    return "".join(c if c.isprintable() else "?" for c in str(error)[:WIRE_WHY_CHARS_MAX])


# ---- the asking side -----------------------------------------------------------------------------------------------


class Remote(Peer):
    """A site that is asked in bytes.

    Args:
        receiver: its SMART-ID, for sentences.
        ask: carries a call there and brings the reply; raises Unavailable where it cannot.
    """

    def __init__(self, receiver: str, ask: Callable[[bytes], Awaitable[bytes]]) -> None:
        self._receiver = receiver
        self._ask = ask

    @override
    async def deliver(self, raw: bytes, pins: Sequence[Pin], sender: str) -> Answer:
        if len(pins) > PINS_MAX or any(len(pin.content) > BLOB_BYTES_MAX for pin in pins):
            raise Malformed(f"at most {PINS_MAX} documents of {BLOB_BYTES_MAX} bytes go beside an action")
        beside = tuple(Beside(sha256=pin.sha256, content=pin.content) for pin in pins)
        said = await self._asked(Deliver(raw=raw, pins=beside), Answered)
        return Answer(seq=said.seq, decision=said.decision, receipt=said.receipt, kept=said.kept, resent=said.resent)

    @override
    async def offer(self, segment: Segment, sender: str) -> Taken:
        call = Offer(
            origin=segment.origin,
            start=segment.start,
            size=segment.size,
            checkpoint=segment.checkpoint,
            leaves=segment.leaves,
            entries=segment.entries,
            blobs=segment.blobs,
            term=segment.term,
        )
        said = await self._asked(call, TakenIn)
        return Taken(size=said.size, cosigned=said.cosigned, written=said.written)

    @override
    async def held(self, origin: str, sender: str) -> int:
        return (await self._asked(Held(origin=origin), Holding)).size

    @override
    async def latest(self, origin: str, sender: str) -> bytes | None:
        return (await self._asked(Latest(origin=origin), Shown)).note

    @override
    async def attest(self, origin: str, sender: str) -> bytes | None:
        return (await self._asked(Attest(origin=origin), Shown)).note

    @override
    async def claim(self, origin: str, term: int, sender: str) -> Standing:
        return (await self._asked(Claim(origin=origin, term=term), Stands)).standing

    @override
    async def renew(self, origin: str, fence: Fence, cursors: Mapping[str, int], sender: str) -> Standing:
        return (await self._asked(Renew(origin=origin, fence=fence, cursors=dict(cursors)), Stands)).standing

    @override
    async def pull(self, origin: str, start: int, sender: str) -> Segment:
        said = await self._asked(Pull(origin=origin, start=start), Pulled)
        return Segment(
            origin=origin,
            start=said.start,
            size=said.size,
            checkpoint=said.checkpoint,
            leaves=said.leaves,
            entries=said.entries,
            blobs=said.blobs,
        )

    @override
    async def locker(self, smart_id: str, sender: str) -> bytes | None:
        return (await self._asked(Locker(id=smart_id), Given)).locker

    async def _asked(self, call: AnyCall, due: type[_R]) -> _R:
        """The reply that is due to the call.

        Raises:
            Malformed: the call is too large to be sent. Any of the four families: the site raised it. Unavailable: no reply,
                or one that cannot be read or is none to this call.
        """
        raw = _ENCODE(call)
        if len(raw) > WIRE_BYTES_MAX:
            raise Malformed(f"what is asked of {self._receiver} has {len(raw)} bytes; {WIRE_BYTES_MAX} can be sent")
        said = self._read(await self._ask(raw))
        if isinstance(said, due):
            return said
        if isinstance(said, Raised):
            self._raise(said)
        if isinstance(said, Unread):
            raise Unavailable(f"{self._receiver} cannot read what it is asked: {_plain(Malformed(said.why))}")
        raise Unavailable(f"{self._receiver} gave a reply that is none to what it was asked")

    def _read(self, raw: bytes) -> AnyReply:
        if len(raw) > WIRE_ANSWER_BYTES_MAX:
            raise Unavailable(f"{self._receiver} answered {len(raw)} bytes; at most {WIRE_ANSWER_BYTES_MAX} are read")
        try:
            said: AnyReply = _REPLY.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Unavailable(f"{self._receiver} answered what cannot be read") from None
        return said

    def _raise(self, said: Raised) -> NoReturn:
        kind = next(kind for name, kind in _FAMILY if name == said.family)
        raise kind(_plain(Malformed(said.why)))
