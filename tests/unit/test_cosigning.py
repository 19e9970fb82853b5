"""Asking a witness: what is sent next, whatever it says; and the ways in which it may lie."""

import pytest

from holdgate.ledger.cosigning import Ask, Behind, Given, Refused, next_step
from holdgate.ledger.note import parse_vkey, verify_cosignature
from holdgate.ledger.witness import SIZE_TYPE, Reply
from holdgate.terms.limits import COSIGNING_ROUNDS_MAX
from tests.witnesses import T_S, Log, cosigner

LOG = Log()
OURS = cosigner()
KEY = parse_vkey(OURS.vkey)
NOTE = LOG.note(9)
TEXT = NOTE.partition(b"\n\n")[0] + b"\n"


def size(told: bytes, kind: str = SIZE_TYPE) -> Reply:
    return Reply(status=409, body=told, kind=kind)


def test_a_cosignature_is_taken_with_its_time() -> None:
    step = next_step(NOTE, KEY, (0,), Reply(status=200, body=OURS.line(TEXT, T_S)))
    assert isinstance(step, Given)
    assert step.time_s == T_S
    assert step.note.startswith(NOTE)
    assert verify_cosignature(step.note, KEY) == T_S


def test_lines_of_others_beside_it_are_left_out() -> None:
    body = cosigner("x.test/x").line(TEXT, T_S + 9) + OURS.line(TEXT, T_S)
    step = next_step(NOTE, KEY, (0,), Reply(status=200, body=body))
    assert isinstance(step, Given)
    assert (step.time_s, b"x.test" in step.note) == (T_S, False)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"thanks\n",
        OURS.line(TEXT, T_S)[:-1],
        OURS.line(LOG.note(8).partition(b"\n\n")[0] + b"\n", T_S),
        cosigner("x.test/x").line(TEXT, T_S),
        OURS.line(TEXT, T_S) + OURS.line(LOG.note(8).partition(b"\n\n")[0] + b"\n", T_S + 1),
        b"\xff" * 100,
        OURS.line(TEXT, T_S) + b"\n" + OURS.line(TEXT, T_S),
    ],
    ids=["nothing", "words", "cut", "another checkpoint's", "another's", "one false line", "bytes", "a note inside"],
)
def test_what_is_no_cosignature_of_its_is_refused(body: bytes) -> None:
    assert isinstance(next_step(NOTE, KEY, (0,), Reply(status=200, body=body)), Refused)


def test_the_size_that_is_told_is_the_next_to_start_from() -> None:
    assert next_step(NOTE, KEY, (0,), size(b"5\n")) == Ask(old=5)
    assert next_step(NOTE, KEY, (5,), size(b"0\n")) == Ask(old=0)
    assert next_step(NOTE, KEY, (0,), size(b"5\n", SIZE_TYPE + "; charset=utf-8")) == Ask(old=5)


def test_a_witness_that_is_ahead_is_believed_in_nothing() -> None:
    assert next_step(NOTE, KEY, (0,), size(b"10\n")) == Behind(size=10)


@pytest.mark.parametrize(
    ("asked", "reply", "fork"),
    [
        ((5,), size(b"5\n"), False),
        ((9,), size(b"9\n"), True),
        ((0, 5, 6), size(b"7\n"), False),
        ((0,), size(b"-1\n"), False),
        ((0,), size(b"\xb2\n"), False),
        ((0,), size(b"1" * 5_000), False),
        ((0,), size(b"5\n", "text/plain"), False),
        ((0,), Reply(status=404), False),
        ((0,), Reply(status=403, body=b"no\x1b[31m"), False),
        ((0,), Reply(status=500, body=b"x" * 9_999), False),
        ((0,), Reply(status=302), False),
        ((5,), Reply(status=422, body=b"no\n"), True),
    ],
)
def test_what_leads_nowhere_ends(asked: tuple[int, ...], reply: Reply, fork: bool) -> None:
    step = next_step(NOTE, KEY, asked, reply)
    assert isinstance(step, Refused)
    assert step.fork == fork
    assert len(step.why) < 400


def test_a_witness_that_tells_another_size_each_time_is_left_soon() -> None:
    asked: tuple[int, ...] = (0,)
    for told in range(1, 9):
        step = next_step(NOTE, KEY, asked, size(b"%d\n" % told))
        if not isinstance(step, Ask):
            break
        asked = (*asked, step.old)
    assert len(asked) == COSIGNING_ROUNDS_MAX
