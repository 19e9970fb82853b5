"""What a floor hub's answer proves. Whatever stands beside the receipt is the word of whoever answered, and not read.

An answer counts when
  1. it carries an entry and a receipt, and the receipt (a C2SP tlog-proof) leads from this entry to a checkpoint that the
     log's own key signed;
  2. the entry is an action at the index that the receipt proves, and its envelope is, byte for byte, the one that was sent.
What the hub decided is then read from that entry.
Source: docs/spec/ledger.md, docs/spec/entry.md.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import digest, leaf_hash
from holdgate.ledger.entry import Entry, read_entry
from holdgate.ledger.note import Vkey
from holdgate.ledger.proof import read_proof, verify_proof
from holdgate.terms.errors import Malformed, Tampered
from holdgate.terms.limits import READER_ANSWER_BYTES_MAX


class Denial(Struct, frozen=True, kw_only=True):
    """One unmet condition, and the values that its sentence names."""

    code: str
    gate: str
    values: dict[str, Any] = {}


class Decided(Struct, frozen=True, kw_only=True):
    """What the hub decided about a broadcast, as its log holds it. `events`: each with its name under `ev`."""

    verdict: str
    events: tuple[dict[str, Any], ...] = ()
    denials: tuple[Denial, ...] = ()
    seq: int = -1

    @property
    def allowed(self) -> bool:
        """Whether the arrival took effect as it was wished."""
        return self.verdict == "allow"

    @property
    def codes(self) -> tuple[str, ...]:
        """What was refused."""
        return tuple(denial.code for denial in self.denials)

    def event(self, name: str) -> dict[str, Any] | None:
        """The first event of this name."""
        return next((event for event in self.events if event.get("ev") == name), None)


class _Answer(Struct, frozen=True, kw_only=True):
    """As much of an answer as can be proven."""

    receipt: str = ""
    entry: bytes = b""


class _Attempt(Struct, frozen=True):
    """The hub's record of input that it could not authenticate."""

    why: str
    digest: str = ""


_ANSWER: Final = msgspec.json.Decoder(_Answer)
_DECIDED: Final = msgspec.json.Decoder(Decided)
_ATTEMPT: Final = msgspec.json.Decoder(_Attempt)


def prove(answer: bytes, envelope: bytes, log: Vkey) -> Decided:
    """Believe a hub's answer to a broadcast, or not.

    Args:
        answer: untrusted bytes.
        envelope: what was sent, in canonical form.
        log: the floor hub's log key.

    Raises:
        Malformed: it proves nothing: unreadable, without a receipt, or about something else.
        Tampered: it was made to look like a proof.
    """
    if len(answer) > READER_ANSWER_BYTES_MAX:
        raise Malformed(f"the answer is longer than {READER_ANSWER_BYTES_MAX} bytes")
    try:
        shown = _ANSWER.decode(answer)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise Malformed(f"the answer cannot be read: {error}") from None
    if not shown.receipt or not shown.entry:
        raise Malformed("the answer carries no receipt, so nothing is on record yet")
    receipt = shown.receipt.encode()
    verify_proof(receipt, leaf_hash(shown.entry), log)
    entry = read_entry(shown.entry)
    if entry.kind == "attempt":
        raise Malformed(_unknown(entry, envelope))
    if entry.kind != "action" or bytes(entry.action) != envelope or entry.seq != read_proof(receipt).index:
        raise Tampered(
            "the receipt is genuine, but it is that of another entry; find out who answers in the hub's place"
        )
    try:
        return msgspec.structs.replace(_DECIDED.decode(entry.decision), seq=entry.seq)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"the entry's decision cannot be read: {error}") from None


def _unknown(entry: Entry, envelope: bytes) -> str:
    """The hub recorded that it could not authenticate something; whether it was this broadcast, and why."""
    try:
        attempt = _ATTEMPT.decode(entry.record)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "the hub shows an entry that is none of this broadcast"
    if attempt.digest != digest(open_envelope(envelope).payload):
        return "the hub shows an entry that is none of this broadcast"
    return (
        f"the hub does not accept this reader's signature ({attempt.why}); have the reader enrolled, then deliver again"
    )
