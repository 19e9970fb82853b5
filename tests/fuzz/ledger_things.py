"""Fuzz targets: notes, proofs, tiles, what witnesses and mirrors are handed, and what sites ask of each other."""

from collections.abc import Coroutine
from functools import cache
from typing import Any, Final, NoReturn, TypeVar

import msgspec

from holdgate.engine.wire import Offer, Remote, Unread, _read_call, serve
from holdgate.law.segments import Segment, prove, verify_segment
from holdgate.ledger import mirroring, tiles
from holdgate.ledger.cosigning import Given, next_step
from holdgate.ledger.head import open_head
from holdgate.ledger.merkle import consistency_path, root_of, verify_consistency, verify_inclusion
from holdgate.ledger.note import (
    make_vkey,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    parse_vkey,
    read_note,
    verify_cosignature,
)
from holdgate.ledger.policy import parse_policy
from holdgate.ledger.proof import read_proof, verify_proof, write_proof
from holdgate.ledger.witness import Reply, read_request, signed_by, write_request
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Tampered
from tests import second
from tests.builders import HUB, NODE
from tests.fuzz import seeds as s
from tests.fuzz.target import target
from tests.unit.test_wire import DELIVER, HELD, LOCKER, OFFER, Plain

T = TypeVar("T")
NOTE_WORDS: Final = (
    f"{s.ORIGIN} {s.WITNESS_NAME} — holdgate/vault-head/v1 time log old index extra c2sp.org/tlog-proof@v1 AAAA= 0 1"
)

# ---- notes -------------------------------------------------------------------------------------------------------------


@cache
def texts() -> frozenset[bytes]:
    """What the hub's key signed."""
    return frozenset(map(s.text_of, s.checkpoints()))


@target(s.checkpoints, NOTE_WORDS)
def note(raw: bytes) -> object:
    """A note whose log or witness counts says what was signed, and nothing else."""
    said = [read_note(raw)]
    for read in (lambda: open_checkpoint(raw, s.LOG), lambda: verify_cosignature(raw, s.WITNESS)):
        try:
            read()
        except (Malformed, Tampered):
            continue
        assert s.text_of(raw) in texts(), "a checkpoint that nobody signed was believed"
        assert signed_by(raw, (s.LOG, s.WITNESS))
    text, names = open_note(raw, (s.LOG, s.WITNESS))
    assert text in texts()
    return said, names


@target(lambda: [s.text_of(one) for one in s.checkpoints()] + s.checkpoints(), NOTE_WORDS, share=4)
def checkpoint(raw: bytes) -> object:
    found = parse_checkpoint(raw)
    if b"\n\n" not in raw:
        assert b"%b\n%d\n" % (found.origin.encode(), found.size) == raw[: raw.index(b"\n", raw.index(b"\n") + 1) + 1]
    return found


@target(
    lambda: [s.LOG.name.encode() + b"+" + vkey().encode().split(b"+", 1)[1], witness_vkey().encode()],
    "+ 01 04",
    share=2,
)
def verifier_key(raw: bytes) -> object:
    text = raw.decode("utf-8", "replace")
    found = parse_vkey(text)
    assert make_vkey(found.name, found.public, found.kind) == text
    return found


def vkey() -> str:
    return make_vkey(s.LOG.name, s.LOG.public, s.LOG.kind)


def witness_vkey() -> str:
    return make_vkey(s.WITNESS.name, s.WITNESS.public, s.WITNESS.kind)


@target(s.heads, NOTE_WORDS, share=2)
def vault_head(raw: bytes) -> object:
    found = open_head(raw, [s.WITNESS])
    assert s.text_of(raw) in {s.text_of(one) for one in s.heads()}, "a head that the Vault did not sign was believed"
    return found


@cache
def policies() -> list[bytes]:
    lines = [
        f"log {vkey()} https://shop.test/log",
        f"witness x {witness_vkey()} http://127.0.0.1:1/",
        "group g any x",
        "quorum g",
    ]
    return ["\n".join(lines).encode(), b"quorum none\n"]


@target(policies, "log witness group quorum any all none x g # 1 2", share=3)
def policy(raw: bytes) -> object:
    found = parse_policy(raw)
    assert found.satisfied(set(found.witnesses)) or found.groups or found.quorum
    return found, found.cosigned(s.checkpoints()[-1])


# ---- proofs and tiles ------------------------------------------------------------------------------------------------


@target(s.receipts, NOTE_WORDS)
def receipt(raw: bytes) -> object:
    found = read_proof(raw)
    assert write_proof(found.index, found.path, found.checkpoint, found.extra) == raw
    for leaf in (s.leaves()[0], s.leaves()[2]):
        try:
            proven = verify_proof(raw, leaf, s.LOG)
        except (Malformed, Tampered):
            continue
        assert s.leaves()[found.index] == leaf, "an entry was proven at another place"
        assert proven.root == root_of(s.leaves()[: proven.size])
    return found


@cache
def other_verifier() -> Any:
    return second.load()


def _path(raw: bytes) -> list[bytes]:
    return [raw[at : at + 32] for at in range(0, len(raw), 32)]


@target(s.inclusions)
def inclusion(raw: bytes) -> object:
    """As the second verifier sees it; and under a root of the log only the entry that stands there."""
    index, size = int.from_bytes(raw[:8], "big"), int.from_bytes(raw[8:16], "big")
    leaf, root, path = raw[16:48], raw[48:80], _path(raw[80:])
    holds = verify_inclusion(index, size, leaf, path, root)
    if len(raw) >= 80 and len(raw) % 32 == 16 and len(path) < 64:
        try:
            other = other_verifier().root_by_path(leaf, index, size, path) == root
        except other_verifier().Refused:
            other = False
        assert holds == other, f"one verifier says {holds}, the other {other}"
    if holds and 0 < size <= len(s.leaves()) and root == root_of(s.leaves()[:size]):
        assert leaf == s.leaves()[index], "another entry was proven at this place"
    return held(holds)


def held(holds: bool) -> bool:
    if not holds:
        raise Tampered("it does not hold")
    return holds


@target(s.consistencies)
def consistency(raw: bytes) -> object:
    old, new = int.from_bytes(raw[:8], "big"), int.from_bytes(raw[8:16], "big")
    holds = verify_consistency(old, new, raw[16:48], raw[48:80], _path(raw[80:]))
    if holds and 0 < old <= new <= len(s.leaves()) and raw[48:80] == root_of(s.leaves()[:new]):
        assert raw[16:48] == root_of(s.leaves()[:old]), "another beginning was proven"
    return held(holds)


@cache
def entry_bundles() -> list[bytes]:
    bodies = s.shop().hub.bodies()
    return [tiles.bundle_of(bodies[:count], 0) for count in (1, 2, 5)]


@target(entry_bundles, share=4)
def entry_bundle(raw: bytes) -> object:
    said = []
    for width in (1, 2, 5, 256):
        try:
            found = tiles.read_bundle(raw, width)
        except Malformed as error:
            said.append(str(error))
            continue
        assert tiles.bundle_of(found, 0) == raw
        said.append(repr(len(found)))
    return said


@target(lambda: [b"".join(s.leaves()[:count]) for count in (1, 2, 40)], share=2)
def hash_tile(raw: bytes) -> object:
    found = tiles.read_tile(raw, max(1, min(256, len(raw) // 32)))
    assert b"".join(found) == raw
    return found


@cache
def tile_paths() -> list[bytes]:
    whole = [tiles.tile_path(*at).encode() for at in ((0, 0), (0, 1_234_067), (2, 0, 1), (0, 999, 255))]
    return [*whole, tiles.entries_path(7).encode(), tiles.entries_path(1_000_000, 3).encode()]


@target(tile_paths, "tile entries .p/ x001 000 999 / 63 64", share=4)
def tile_name(raw: bytes) -> object:
    text = raw.decode("utf-8", "replace")
    level, number, width = found = tiles.parse_path(text)
    spelled = tiles.entries_path(number, width) if level is None else tiles.tile_path(level, number, width)
    assert spelled == text
    return found


# ---- witnesses and mirrors ---------------------------------------------------------------------------------------------


@cache
def requests() -> list[bytes]:
    size = len(s.leaves())
    path = consistency_path(s.leaves(), 7)
    return [
        write_request(7, path, s.checkpoints()[-1]),
        write_request(0, [], s.checkpoints()[2]),
        write_request(size, [], s.checkpoints()[-2]),
    ]


@target(requests, NOTE_WORDS, share=4)
def witness_request(raw: bytes) -> object:
    found = read_request(raw)
    assert read_request(write_request(found.old, found.proof, found.note)) == found
    return found


@target(lambda: [one[len(s.text_of(one)) + 1 :] for one in s.checkpoints()[1::2]], NOTE_WORDS, share=2)
def witness_answer(raw: bytes) -> object:
    found = next_step(s.checkpoints()[0], s.WITNESS, (0,), Reply(status=200, body=raw))
    if isinstance(found, Given):
        assert verify_cosignature(found.note, s.WITNESS) == s.T_S, "a cosignature that nobody made was believed"
        return found
    raise Tampered(str(found))


@cache
def uploads() -> list[bytes]:
    origin, bodies = s.ORIGIN.encode(), s.shop().hub.bodies()
    head = len(origin).to_bytes(2, "big") + origin + (0).to_bytes(8, "big") + (3).to_bytes(8, "big") + b"\0\0"
    held = b"".join(len(body).to_bytes(2, "big") + body for body in bodies[:3])
    return [head + held + b"\0", head + held + b"\x02" + bytes(64), head]


@target(uploads, share=4)
def mirror_upload(raw: bytes) -> object:
    found = mirroring.read_upload(raw)
    return found, list(mirroring.packages(found))


# ---- between sites -----------------------------------------------------------------------------------------------------


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of something that waits for nobody."""
    try:
        work.send(None)
    except StopIteration as done:
        found: T = done.value
        return found
    raise AssertionError("it waits for somebody")


async def _nobody(raw: bytes) -> NoReturn:
    raise AssertionError("nobody is asked")


REMOTE: Final = Remote(HUB, _nobody)
PEER: Final = Plain()


@cache
def calls() -> list[bytes]:
    plain = [msgspec.msgpack.encode(call) for call in (HELD, OFFER, DELIVER, LOCKER)]
    return s.short([*plain, *(msgspec.msgpack.encode(offer(segment)) for _, segment in s.segments())])


def offer(segment: Segment) -> Offer:
    """The stretch as one site offers it to another."""
    return Offer(
        origin=segment.origin,
        start=segment.start,
        size=segment.size,
        checkpoint=segment.checkpoint,
        leaves=segment.leaves,
        entries=dict(segment.entries),
        blobs=dict(segment.blobs),
    )


@target(calls, "ask offer deliver held latest attest claim renew pull locker origin raw pins start size", share=6)
def wire_call(raw: bytes) -> object:
    """Whatever is asked is answered, with something that the asking side can read."""
    said = REMOTE._read(run(serve(PEER, raw, NODE)))
    if isinstance(said, Unread):
        raise Malformed(said.why)
    return said


@cache
def replies() -> list[bytes]:
    return [run(serve(PEER, raw, NODE)) for raw in calls()]


@target(
    replies, "say answered taken holding shown stands pulled given raised unread family why malformed size", share=4
)
def wire_reply(raw: bytes) -> object:
    return REMOTE._read(raw)


@cache
def bodies() -> frozenset[bytes]:
    held = s.shop()
    return frozenset([*held.hub.bodies(), *held.node.bodies(), *held.floor.bodies()])


@cache
def receiver() -> Any:
    """The node before it heard of anything, and the hub."""
    from tests.builders import Log

    return Log(NODE, "node").begin().state, s.shop().hub.state


@target(lambda: [msgspec.msgpack.encode(offer(s.segments()[at][1])) for at in (0, 2, 3)], share=2)
def segment(raw: bytes) -> object:
    """A stretch is taken in only where its site signed it: every entry of it is one that the site has."""
    call = _read_call(raw)
    if not isinstance(call, Offer):
        raise Malformed("no stretch")
    stretch = Segment(
        origin=call.origin, start=call.start, size=call.size, checkpoint=call.checkpoint, leaves=call.leaves,
        entries=call.entries, blobs=call.blobs,
    )  # fmt: skip
    said: list[object] = []
    for state in receiver():
        try:
            found = verify_segment(state, stretch)
        except (Malformed, Tampered) as error:
            said.append(str(error))
            continue
        assert set(stretch.entries.values()) <= bodies(), "an entry that is on no record was taken in"
        said.append(canon.encode(found.origin))
    for body in stretch.entries.values():
        try:
            said.append(prove(body, s.people()).entry.seq)
        except (Malformed, Tampered) as error:
            said.append(str(error))
    return said
