"""A witness: every status of the protocol, what is kept before the answer, races, restarts, evidence."""

import binascii
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from typing_extensions import override

from holdgate.adapters.sqlite_witness import SqliteWitness
from holdgate.crypto.hashes import EMPTY_ROOT, sha256
from holdgate.crypto.keys import SigningKey
from holdgate.ledger.note import Notary, open_checkpoint, parse_checkpoint, parse_vkey, verify_cosignature
from holdgate.ledger.witness import (
    SIZE_TYPE,
    Evidence,
    Witness,
    merged,
    proves_two_histories,
    read_request,
    signed_by,
    write_request,
)
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from holdgate.terms.limits import WITNESS_EVIDENCE_MAX
from tests.witnesses import ORIGIN, T_S, Log, cosigner, witness_at

LOG = Log()
KEY = parse_vkey(cosigner().vkey)


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    made = witness_at(tmp_path)
    yield made
    made.store.close()


def cosigned(witness: Witness, *sizes: int, log: Log = LOG) -> None:
    """Cosigned at these sizes, one after the other."""
    old = 0
    for size in sizes:
        reply = witness.add_checkpoint(log.request(old, size), T_S)
        assert reply.status == 200, reply.body
        old = size


# ---- the table of statuses -----------------------------------------------------------------------------------------


def test_a_first_checkpoint_is_cosigned(witness: Witness) -> None:
    reply = witness.add_checkpoint(LOG.request(0, 5), T_S)
    assert reply.status == 200
    assert verify_cosignature(LOG.note(5) + reply.body, KEY) == T_S
    assert reply.body.startswith("— client.test/witness ".encode())
    assert reply.body.endswith(b"\n")


@pytest.mark.parametrize(("old", "size"), [(1, 2), (3, 7), (4, 8), (7, 8), (8, 9), (5, 64)])
def test_a_checkpoint_that_continues_is_cosigned(witness: Witness, old: int, size: int) -> None:
    cosigned(witness, old, size)
    assert witness.store.latest(ORIGIN) is not None


def test_the_same_checkpoint_is_cosigned_anew_at_its_time(witness: Witness) -> None:
    cosigned(witness, 5)
    reply = witness.add_checkpoint(LOG.request(5, 5), T_S + 60)
    assert verify_cosignature(LOG.note(5) + reply.body, KEY) == T_S + 60


def test_an_empty_log_is_cosigned_and_continued(witness: Witness) -> None:
    empty = LOG.notary.checkpoint(0, EMPTY_ROOT)
    assert witness.add_checkpoint(write_request(0, [], empty), T_S).status == 200
    assert witness.add_checkpoint(LOG.request(0, 4), T_S).status == 200


def spoiled(note: bytes) -> bytes:
    """The note with a signature that does not hold."""
    head, _, line = note.rpartition(b" ")
    raw = bytearray(binascii.a2b_base64(line))
    raw[-1] ^= 1
    return head + b" " + binascii.b2a_base64(bytes(raw))


STRANGER = Notary(ORIGIN, SigningKey.from_seed(sha256(b"stranger")))
REFUSED = [
    ("no request", b"", 400),
    ("no old size", LOG.request(0, 5).partition(b"\n")[2], 400),
    ("leading zero", b"old 00" + LOG.request(0, 5).removeprefix(b"old 0"), 400),
    ("negative", b"old -1" + LOG.request(0, 5).removeprefix(b"old 0"), 400),
    ("plus sign", b"old +0" + LOG.request(0, 5).removeprefix(b"old 0"), 400),
    ("carriage returns", LOG.request(5, 9).replace(b"\n", b"\r\n"), 400),
    ("a proof line that is no base64", b"old 5\nAAA\n\n" + LOG.note(9), 400),
    ("a proof line that is no hash", b"old 5\nAAAA\n\n" + LOG.note(9), 400),
    ("64 proof lines", write_request(5, [bytes(32)] * 64, LOG.note(9)), 400),
    ("no checkpoint", b"old 5\n\n", 400),
    ("a checkpoint without a signature line", b"old 5\n\n" + LOG.note(9).partition(b"\n\n")[0] + b"\n", 400),
    ("an extension line", write_request(5, [], LOG.note(9).replace(b"\n\n", b"\nmore\n\n", 1)), 400),
    ("too long", LOG.request(5, 9) + b"x" * 80_000, 400),
    ("old above the size", write_request(9, [], LOG.note(5)), 400),
    ("an origin that is not watched", Log("other.test/HUB").request(0, 5), 404),
    ("an origin that is nearly watched", Log(ORIGIN + "/").request(0, 5), 404),
    ("another key under the origin", write_request(5, LOG.proof(5, 9), STRANGER.checkpoint(9, bytes(32))), 403),
    ("a signature that does not hold", write_request(5, LOG.proof(5, 9), spoiled(LOG.note(9))), 403),
    (
        "another log's signature",
        write_request(
            5, [], LOG.note(9).partition(b"\n\n")[0] + b"\n\n" + Log("b.test/x").note(9).partition(b"\n\n")[2]
        ),
        403,
    ),
    ("an old size that is not the last", LOG.request(4, 9), 409),
    ("as if for the first time", LOG.request(0, 9), 409),
    ("a proof of another fork", Log(fork=2).request(5, 9), 422),
    ("no proof", write_request(5, [], LOG.note(9)), 422),
    ("half a proof", write_request(5, LOG.proof(5, 9)[:-1], LOG.note(9)), 422),
    ("a proof and something more", write_request(5, [*LOG.proof(5, 9), bytes(32)], LOG.note(9)), 422),
    ("another root for the same size", Log(fork=2).request(5, 5), 422),
    ("a proof where none is needed", write_request(5, [bytes(32)], LOG.note(5)), 422),
]


@pytest.mark.parametrize(("what", "raw", "status"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_refused_is_answered_by_its_status_and_changes_nothing(
    witness: Witness, what: str, raw: bytes, status: int
) -> None:
    cosigned(witness, 5)
    before = witness.store.latest(ORIGIN)
    reply = witness.add_checkpoint(raw, T_S + 9)
    assert reply.status == status, reply.body
    assert "—".encode() not in reply.body, "nothing is cosigned"
    assert witness.store.latest(ORIGIN) == before
    if status == 409:
        assert (reply.body, reply.kind) == (b"5\n", SIZE_TYPE)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (write_request(0, [bytes(32)], LOG.note(5)), 422),
        (write_request(0, [], LOG.notary.checkpoint(0, bytes(32))), 422),
        (LOG.request(3, 5), 409),
    ],
    ids=["a proof from nothing", "an empty log with another root", "an old size where there is none"],
)
def test_of_a_log_that_was_never_seen(witness: Witness, raw: bytes, status: int) -> None:
    reply = witness.add_checkpoint(raw, T_S)
    assert reply.status == status
    assert witness.store.latest(ORIGIN) is None
    if status == 409:
        assert reply.body == b"0\n"


def test_what_the_request_says_names_no_key(witness: Witness) -> None:
    """A stranger's checkpoint of a watched origin with a stranger's line first and every line that a log could have."""
    note = STRANGER.checkpoint(5, bytes(32)) + cosigner("other").line(
        STRANGER.checkpoint(5, bytes(32)).partition(b"\n\n")[0] + b"\n", T_S
    )
    assert witness.add_checkpoint(write_request(0, [], note), T_S).status == 403


def test_lines_of_strangers_are_neither_kept_nor_in_the_way(witness: Witness) -> None:
    text = LOG.note(5).partition(b"\n\n")[0] + b"\n"
    note = LOG.note(5) + cosigner("stranger.test/w").line(text, T_S)
    assert witness.add_checkpoint(write_request(0, [], note), T_S).status == 200
    kept = witness.store.latest(ORIGIN)
    assert kept is not None
    assert b"stranger" not in kept
    assert kept.startswith(LOG.note(5))


# ---- before the answer ---------------------------------------------------------------------------------------------


class Slow(SqliteWitness):
    """A store in which every thread has read what was accepted before any of them writes."""

    def __init__(self, path: Path, parties: int) -> None:
        super().__init__(path)
        self._barrier = threading.Barrier(parties)
        self._first = threading.local()

    @override
    def latest(self, origin: str) -> bytes | None:
        found = super().latest(origin)
        if not getattr(self._first, "done", False):
            self._first.done = True
            self._barrier.wait(10)
        return found


@pytest.mark.parametrize("first", [0, 5])
def test_of_two_histories_that_race_only_one_is_cosigned(tmp_path: Path, first: int) -> None:
    if first:
        plain = witness_at(tmp_path)
        cosigned(plain, first)
        plain.store.close()
    histories = [Log(), *(Log(fork=n) for n in range(first, first + 7))]
    store = Slow(tmp_path / "witness.db", len(histories))
    witness = witness_at(store)
    replies: dict[int, int] = {}

    def hand_in(number: int) -> None:
        replies[number] = witness.add_checkpoint(histories[number].request(first, 13), T_S).status

    threads = [threading.Thread(target=hand_in, args=(n,)) for n in range(len(histories))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(replies.values()) == [200] + [409] * 7
    latest = SqliteWitness.latest(store, ORIGIN)
    won = next(number for number, status in replies.items() if status == 200)
    assert latest is not None
    assert latest.startswith(histories[won].note(13))
    store.close()


def test_two_sizes_that_race_never_roll_back(tmp_path: Path) -> None:
    """The race of the specification: both checked against the old size, the larger one is kept, the smaller comes after."""
    store = Slow(tmp_path / "witness.db", 2)
    witness = witness_at(store)
    replies: list[int] = []
    threads = [
        threading.Thread(target=lambda s=size: replies.append(witness.add_checkpoint(LOG.request(0, s), T_S).status))
        for size in (9, 17)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(replies) == [200, 409]
    store.close()


def test_it_is_durable_before_it_is_answered(tmp_path: Path) -> None:
    """What a second connection reads at the moment of the answer, and the mode of the disk."""
    witness = witness_at(tmp_path)
    reply = witness.add_checkpoint(LOG.request(0, 5), T_S)
    other = SqliteWitness(tmp_path / "witness.db", read_only=True)
    assert other.latest(ORIGIN) == LOG.note(5) + reply.body
    assert witness.store._db.execute("PRAGMA synchronous").fetchone() == (2,)  # type: ignore[attr-defined]
    assert witness.store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)  # type: ignore[attr-defined]
    other.close()
    witness.store.close()


def test_a_store_that_fails_gives_no_cosignature(tmp_path: Path) -> None:
    witness = witness_at(tmp_path)
    cosigned(witness, 5)
    witness.store._db.execute("PRAGMA query_only=1")  # type: ignore[attr-defined]
    with pytest.raises(Unavailable):
        witness.add_checkpoint(LOG.request(5, 9), T_S)
    witness.store.close()


def test_a_restart_keeps_what_was_cosigned(tmp_path: Path) -> None:
    before = witness_at(tmp_path)
    cosigned(before, 5, 9)
    before.store.close()
    again = witness_at(tmp_path)
    assert again.add_checkpoint(Log(fork=2).request(0, 12), T_S).status == 409
    assert again.add_checkpoint(Log(fork=2).request(9, 12), T_S).status == 422
    assert again.add_checkpoint(LOG.request(9, 12), T_S).status == 200
    again.store.close()


# ---- evidence ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("old", "status"), [(5, 422), (0, 409), (3, 409)])
def test_two_roots_for_one_size_are_kept_byte_for_byte_whatever_is_answered(
    witness: Witness, old: int, status: int
) -> None:
    cosigned(witness, 5)
    forked = Log(fork=2)
    assert witness.add_checkpoint(write_request(old, [], forked.note(5)), T_S + 7).status == status
    (found,) = witness.store.evidence()
    assert (found.origin, found.why, found.at_s, found.settled) == (ORIGIN, "two_roots", T_S + 7, False)
    assert found.seen == forked.note(5)
    assert found.held.startswith(LOG.note(5))
    assert proves_two_histories(found.held, found.seen, LOG.vkey)


def test_a_fork_at_an_older_size_is_found_later(witness: Witness) -> None:
    cosigned(witness, 5, 9, 20)
    assert witness.add_checkpoint(Log(fork=2).request(0, 9), T_S).status == 409
    (found,) = witness.store.evidence()
    assert proves_two_histories(found.held, found.seen, LOG.vkey)


def test_a_proof_that_does_not_hold_is_a_question_and_a_proof_that_holds_closes_it(witness: Witness) -> None:
    """Somebody who wishes a log ill hands in its own good checkpoint with a bad proof: that accuses nobody for ever."""
    cosigned(witness, 5)
    assert witness.add_checkpoint(write_request(5, [bytes(32)], LOG.note(9)), T_S).status == 422
    (found,) = witness.store.evidence()
    assert (found.why, found.settled) == ("not_continued", False)
    assert not proves_two_histories(found.held, found.seen, LOG.vkey)
    cosigned_after = witness.add_checkpoint(LOG.request(5, 9), T_S)
    assert cosigned_after.status == 200
    assert witness.store.evidence() == [replace(found, settled=True)]


def test_a_fork_that_was_settled_by_nothing_stays_open(witness: Witness) -> None:
    cosigned(witness, 5)
    witness.add_checkpoint(Log(fork=2).request(5, 9), T_S)
    assert witness.add_checkpoint(LOG.request(5, 9), T_S).status == 200
    assert [(item.why, item.settled) for item in witness.store.evidence()] == [("not_continued", False)]
    witness.add_checkpoint(Log(fork=2).request(0, 9), T_S)
    assert [item.why for item in witness.store.evidence()] == ["not_continued", "two_roots"]


@pytest.mark.parametrize(
    "raw",
    [
        LOG.request(4, 9),
        write_request(5, [bytes(32)], LOG.note(5)),
        write_request(0, [], LOG.note(3)),
        write_request(5, [], STRANGER.checkpoint(5, bytes(32))),
        Log("other.test/HUB", fork=1).request(5, 9),
    ],
    ids=["an old size", "a needless proof", "an older checkpoint", "a stranger's", "another log's"],
)
def test_what_accuses_nobody_is_not_kept(witness: Witness, raw: bytes) -> None:
    cosigned(witness, 5)
    assert witness.add_checkpoint(raw, T_S).status != 200
    assert witness.store.evidence() == []


def test_the_same_contradiction_is_kept_once_and_nobody_fills_the_disk(witness: Witness) -> None:
    cosigned(witness, 1)
    text = Log(fork=0).note(1)
    for n in range(3):
        line = cosigner(f"stranger.test/{n}").line(text.partition(b"\n\n")[0] + b"\n", T_S)
        witness.add_checkpoint(write_request(1, [], text + line), T_S)
    assert len(witness.store.evidence()) == 1
    for n in range(WITNESS_EVIDENCE_MAX + 5):
        witness.store.keep_evidence(
            Evidence(
                origin=ORIGIN, held=text, seen=LOG.notary.checkpoint(n + 2, bytes(32)), why="not_continued", at_s=1
            )
        )
    assert len(witness.store.evidence()) == 1 + WITNESS_EVIDENCE_MAX


# ---- notes ---------------------------------------------------------------------------------------------------------


def test_a_request_reads_back() -> None:
    request = read_request(LOG.request(5, 9))
    assert (request.old, list(request.proof), request.note) == (5, LOG.proof(5, 9), LOG.note(9))
    assert request.checkpoint == open_checkpoint(LOG.note(9), LOG.vkey)


def test_notes_of_one_text_become_one_and_others_do_not() -> None:
    text = LOG.note(5).partition(b"\n\n")[0] + b"\n"
    first, second = LOG.note(5) + cosigner("a").line(text, T_S), LOG.note(5) + cosigner("b").line(text, T_S)
    both = merged([first, second])
    assert both.count("—".encode()) == 3
    assert {verify_cosignature(both, parse_vkey(cosigner(name).vkey)) for name in "ab"} == {T_S}
    with pytest.raises(Malformed, match="2 different"):
        merged([first, LOG.note(6)])
    assert signed_by(both, (LOG.vkey,)) == LOG.note(5)
    with pytest.raises(Malformed):
        signed_by(both, (Log("x").vkey,))


def test_a_note_that_the_log_did_not_sign_proves_nothing() -> None:
    with pytest.raises(Tampered):
        proves_two_histories(LOG.note(5), STRANGER.checkpoint(5, bytes(32)), LOG.vkey)
    assert not proves_two_histories(LOG.note(5), LOG.note(6), LOG.vkey)
    assert parse_checkpoint(LOG.note(5)).size == 5
