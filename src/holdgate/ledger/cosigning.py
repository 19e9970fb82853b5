"""Asking a witness for its cosignature: what to send next, as a pure function of what it said last.

A witness takes a checkpoint with the proof that it continues what the witness accepted last. The asker guesses that size
(0, or what it remembers); a wrong guess is answered by the right size. Nothing that a witness says is believed but its
cosignature, under the key that is configured for it: a size that it names only decides which proof is sent.

Source: C2SP tlog-witness (commit 5ba5ee8).
"""

from msgspec import Struct

from holdgate.ledger.note import Vkey, parse_checkpoint, read_note, read_number, verify_cosignature
from holdgate.ledger.witness import SIZE_TYPE, Reply, signed_by
from holdgate.terms.errors import Malformed, Tampered
from holdgate.terms.limits import COSIGNING_ROUNDS_MAX


class Ask(Struct, frozen=True, kw_only=True):
    """Hand the checkpoint in, with the proof from `old`."""

    old: int


class Given(Struct, frozen=True, kw_only=True):
    """The witness cosigned: `note` is the checkpoint with its line, at `time_s` (UTC seconds)."""

    note: bytes
    time_s: int


class Behind(Struct, frozen=True, kw_only=True):
    """The witness says that it accepted `size` entries, more than the checkpoint has.

    A newer one was handed in, or the log was set back. Its word is no proof; its served checkpoint is.
    """

    size: int


class Refused(Struct, frozen=True, kw_only=True):
    """No cosignature, and asking again with the same checkpoint would not help.

    `fork`: the witness says that the checkpoint does not continue what it accepted.
    """

    why: str
    fork: bool = False


Step = Ask | Given | Behind | Refused


def next_step(note: bytes, witness: Vkey, asked: tuple[int, ...], reply: Reply) -> Step:
    """What follows from an untrusted reply.

    Args:
        note: the log's signed checkpoint that was handed in.
        witness: the configured key.
        asked: the old sizes that were tried, in order.
        reply: what came back.
    """
    if reply.status == 200:
        return _given(note, witness, reply.body)
    if reply.status == 409 and reply.kind.partition(";")[0].strip() == SIZE_TYPE:
        return _other_size(note, asked, reply.body)
    said = reply.body[:200].decode(errors="replace").strip()
    return Refused(why=f"{witness.name} answers {reply.status}: {said or 'nothing'}", fork=reply.status == 422)


def _given(note: bytes, witness: Vkey, body: bytes) -> Step:
    try:
        text, _ = read_note(note)
        cosigned = signed_by(text + b"\n" + body, (witness,))
        time_s = verify_cosignature(cosigned, witness)
    except (Malformed, Tampered) as error:
        return Refused(why=f"what {witness.name} answers is no cosignature of its: {error}")
    return Given(note=note + cosigned[len(text) + 1 :], time_s=time_s)


def _other_size(note: bytes, asked: tuple[int, ...], body: bytes) -> Step:
    try:
        told = read_number(body.removesuffix(b"\n"), "the size that the witness tells")
    except Malformed as error:
        return Refused(why=str(error))
    size = parse_checkpoint(note).size
    if told > size:
        return Behind(size=told)
    if len(asked) >= COSIGNING_ROUNDS_MAX or told == asked[-1]:
        return Refused(why=f"the witness tells size {told} and does not take a proof from there", fork=told == size)
    return Ask(old=told)
