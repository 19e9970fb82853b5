"""What sites ask of each other, as bytes: what cannot be read is refused, and nothing that comes in does harm."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from holdgate.engine.answer import Answer
from holdgate.engine.bus import Peer, Taken
from holdgate.engine.wire import Remote, raised, serve
from holdgate.law.case import Pin
from holdgate.law.decision import allow
from holdgate.law.segments import Segment
from holdgate.terms.errors import HoldgateError, Malformed, Tampered, Unavailable
from holdgate.terms.limits import (
    BLOB_BYTES_MAX,
    IMPORT_ENTRIES_MAX,
    PINS_MAX,
    WIRE_ANSWER_BYTES_MAX,
    WIRE_BYTES_MAX,
    WIRE_WHY_CHARS_MAX,
)

encode = msgspec.msgpack.encode
HELD: Final[dict[str, Any]] = {"ask": "held", "origin": "o"}
OFFER: Final[dict[str, Any]] = {
    "ask": "offer",
    "origin": "o",
    "start": 0,
    "size": 1,
    "checkpoint": b"c",
    "leaves": [bytes(32)],
    "entries": {0: b"e"},
    "blobs": {"ab" * 32: b"b"},
}
DELIVER: Final[dict[str, Any]] = {"ask": "deliver", "raw": b"r", "pins": [{"sha256": "ab" * 32, "content": b"c"}]}
LOCKER: Final[dict[str, Any]] = {"ask": "locker", "id": "SID-TEC-11"}


class Plain(Peer):
    """Answers as shortly as it can; counts."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.count = 0

    def _asked(self) -> None:
        self.count += 1
        if self.error is not None:
            raise self.error

    @override
    async def deliver(self, raw: bytes, pins: Sequence[Pin], sender: str) -> Answer:
        self._asked()
        return Answer(seq=1, decision=allow(), receipt=b"")

    @override
    async def offer(self, segment: Segment, sender: str) -> Taken:
        self._asked()
        return Taken(size=segment.size)

    @override
    async def held(self, origin: str, sender: str) -> int:
        self._asked()
        return 1

    @override
    async def latest(self, origin: str, sender: str) -> bytes | None:
        self._asked()
        return None

    @override
    async def attest(self, origin: str, sender: str) -> bytes | None:
        self._asked()
        return bytes(WIRE_ANSWER_BYTES_MAX)

    @override
    async def locker(self, smart_id: str, sender: str) -> bytes | None:
        self._asked()
        return b"sealed" * (1 if smart_id != "LONG" else 1_000)


def said(raw: bytes, peer: Peer | None = None) -> Any:
    return msgspec.msgpack.decode(asyncio.run(serve(peer or Plain(), raw, "A")))


@pytest.mark.parametrize(
    "call", [HELD, OFFER, DELIVER, HELD | {"ask": "latest"}, LOCKER], ids=lambda call: str(call["ask"])
)
def test_a_call_as_it_should_be_is_answered(call: dict[str, Any]) -> None:
    peer = Plain()
    assert said(encode(call), peer)["say"] in {"holding", "taken", "answered", "shown", "given"}
    assert peer.count == 1


BAD: Final[dict[str, Any]] = {
    "no map": [1, 2],
    "no tag": {"origin": "o"},
    "an unknown tag": HELD | {"ask": "release"},
    "a reply": {"say": "holding", "size": 1},
    "a field that nobody declared": HELD | {"sender": "HUB"},
    "a field that nobody declared, inside": DELIVER | {"pins": [{"sha256": "a", "content": b"", "sealed": True}]},
    "a field is missing": {"ask": "held"},
    "another type": HELD | {"origin": 1},
    "a badge without end": LOCKER | {"id": "x" * 65},
    "a name without end": HELD | {"origin": "o" * 513},
    "a place before the first": OFFER | {"start": -1},
    "a hash of another length": OFFER | {"leaves": [bytes(31)]},
    "too many leaves": OFFER | {"leaves": [bytes(32)] * (IMPORT_ENTRIES_MAX + 1)},
    "too many entries": OFFER | {"entries": dict.fromkeys(range(IMPORT_ENTRIES_MAX + 1), b"")},
    "an entry too large": OFFER | {"entries": {0: bytes(65_536)}},
    "a document too large": OFFER | {"blobs": {"ab" * 32: bytes(BLOB_BYTES_MAX + 1)}},
    "a digest of another length": OFFER | {"blobs": {"ab": b""}},
}


@pytest.mark.parametrize("call", BAD.values(), ids=BAD.keys())
def test_a_call_of_another_shape_reaches_nobody(call: Any) -> None:
    peer, defects = Plain(), list[Exception]()
    reply = msgspec.msgpack.decode(asyncio.run(serve(peer, encode(call), "A", defects.append)))
    assert reply["say"] == "unread"
    assert peer.count == 0
    assert [type(error) for error in defects] == [Malformed]


def test_a_call_is_measured_before_it_is_decoded() -> None:
    assert "at most" in said(encode(HELD) + bytes(WIRE_BYTES_MAX))["why"]


def test_deep_nesting_and_false_lengths_are_refused() -> None:
    for raw in (
        b"\x91" * 1_000_000,
        b"\x81\xa3ask" * 100_000,
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc1",
        b"",
    ):
        assert said(raw)["say"] == "unread"


@given(st.binary(max_size=200))
def test_noise_is_never_more_than_unread(raw: bytes) -> None:
    assert said(raw)["say"] == "unread"


@given(st.sampled_from([HELD, OFFER, DELIVER]), st.integers(min_value=0), st.integers(0, 255))
def test_one_changed_byte_is_answered_one_way_or_another(call: dict[str, Any], place: int, byte: int) -> None:
    raw = bytearray(encode(call))
    raw[place % len(raw)] = byte
    assert "say" in said(bytes(raw))


def test_an_answer_too_large_is_unavailable() -> None:
    assert said(encode(HELD | {"ask": "attest"}))["family"] == "unavailable"


def test_a_locker_crosses_and_one_without_end_is_not_read() -> None:
    def ask(smart_id: str) -> bytes | None:
        async def over(raw: bytes) -> bytes:
            return await serve(Plain(), raw, "A")

        return asyncio.run(Remote("B", over).locker(smart_id, "A"))

    assert ask("SID-TEC-11") == b"sealed"
    with pytest.raises(Unavailable):
        ask("LONG")


def test_the_four_families_cross_and_nothing_else_does() -> None:
    class Narrower(Tampered):
        pass

    assert said(encode(HELD), Plain(Tampered("x")))["family"] == "tampered"
    assert said(encode(HELD), Plain(Narrower("x")))["family"] == "tampered"
    for error in (OSError("/secret"), HoldgateError("x"), KeyError("/secret"), RecursionError("/secret")):
        reply = said(encode(HELD), Plain(error))
        assert reply["family"] == "unavailable"
        assert "secret" not in reply["why"]


def asked(reply: bytes) -> Remote:
    async def ask(_: bytes) -> bytes:
        return reply

    return Remote("B", ask)


def test_a_peer_s_sentence_is_cut_and_freed_of_control_characters() -> None:
    with pytest.raises(Tampered) as caught:
        asyncio.run(asked(raised(Tampered("\x1b[2J\r\nAll is well\u202e" + "x" * 9_000))).held("o", "A"))
    assert str(caught.value).startswith("?[2J??All is well?")
    assert len(str(caught.value)) == WIRE_WHY_CHARS_MAX
    with pytest.raises(Tampered, match=r"^\?x$"):  # the far side may not have done it
        asyncio.run(asked(encode({"say": "raised", "family": "tampered", "why": "\x07x"})).held("o", "A"))


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"\xc1",
        encode({"say": "shown", "note": None}),
        encode({"say": "raised", "family": "other", "why": ""}),
        encode({"say": "raised", "family": "malformed", "why": "x" * (WIRE_WHY_CHARS_MAX + 1)}),
        encode({"say": "unread", "why": "an older release"}),
        encode(
            {
                "say": "answered",
                "seq": -2,
                "decision": {"verdict": "allow"},
                "receipt": b"",
                "kept": "local",
                "resent": False,
            }
        ),
        encode(
            {
                "say": "answered",
                "seq": 0,
                "decision": {"verdict": "allow"},
                "receipt": b"",
                "kept": "ever",
                "resent": False,
            }
        ),
        bytes(WIRE_ANSWER_BYTES_MAX + 1),
    ],
    ids=["empty", "noise", "another's", "family", "long", "unread", "before", "kept", "large"],
)
def test_a_reply_that_cannot_be_read_is_unavailable_so_that_the_link_asks_again(reply: bytes) -> None:
    with pytest.raises(Unavailable):
        asyncio.run(asked(reply).deliver(b"raw", (), "A"))


def test_what_a_site_would_refuse_for_its_size_is_not_sent() -> None:
    remote = asked(b"")
    for pins in ([Pin("a", b"")] * (PINS_MAX + 1), [Pin("a", bytes(BLOB_BYTES_MAX + 1))]):
        with pytest.raises(Malformed, match="documents"):
            asyncio.run(remote.deliver(b"raw", pins, "A"))
    segment = Segment(
        origin="o",
        start=0,
        size=0,
        checkpoint=b"",
        leaves=(),
        entries={},
        blobs={str(n): bytes(1 << 20) for n in range(17)},
    )
    with pytest.raises(Malformed, match="can be sent"):
        asyncio.run(remote.offer(segment, "A"))
