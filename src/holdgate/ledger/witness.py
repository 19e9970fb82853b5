"""A witness: whether a checkpoint continues what was accepted of its log before, and what is kept where it does not.

The decision is pure; time is an argument. A request goes through these checks, in this order:
  1. it reads as a request, else 400;
  2. its origin is one that is watched, else 404;
  3. the log signed it under the key that is configured for that origin (nothing in the request names a key), else 403;
  4. the old size is not above the size, else 400;
  5. the old size is the one accepted last (0: none), else 409 with that size;
  6. the consistency proof holds, else 422;
  7. the store replaces what was accepted last, if it is still that: durable before anybody is answered. Two requests that
     race pass 5 together; only one passes 7, and the other is judged again.

A checkpoint that the log signed and that contradicts one accepted earlier is kept with it, whatever is answered. Two roots
for one size prove that the log's key signed two histories. A proof that does not hold proves nothing by itself: whoever
hands a checkpoint in writes the proof, the log does not sign it. It is kept as an open question, and closed when a proof
for the same checkpoint holds.

Source: C2SP tlog-witness (commit 5ba5ee8); docs/spec/witness.md.
"""

import binascii
from collections.abc import Mapping, Sequence
from typing import Final, Literal, Protocol

from msgspec import Struct

from holdgate.crypto.hashes import EMPTY_ROOT, HASH_BYTES, digest
from holdgate.crypto.keys import SigningKey
from holdgate.ledger.merkle import verify_consistency
from holdgate.ledger.note import (
    KIND_COSIGNATURE,
    Checkpoint,
    Vkey,
    cosign,
    decode_base64,
    make_vkey,
    open_checkpoint,
    parse_checkpoint,
    parse_vkey,
    read_note,
    read_number,
)
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from holdgate.terms.limits import PATH_HASHES_MAX, WITNESS_REQUEST_BYTES_MAX

TEXT: Final = "text/plain; charset=utf-8"
SIZE_TYPE: Final = "text/x.tlog.size"
_ROUNDS: Final = 64
Why = Literal["two_roots", "other_entries", "not_continued"]


class Request(Struct, frozen=True, kw_only=True):
    """What somebody hands in. Untrusted: `checkpoint` is what the note claims."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes
    checkpoint: Checkpoint


class Reply(Struct, frozen=True, kw_only=True):
    """An answer in the words of HTTP."""

    status: int
    body: bytes = b""
    kind: str = TEXT


class Evidence(Struct, frozen=True, kw_only=True):
    """Two checkpoints that one log signed and that do not fit.

    `held` and `seen`: the accepted and the contradicting one, each as signed, without lines of unknown keys. `why`:
    `two_roots` (one size, two roots: this proves it), `other_entries` (the mirrored entries under `held` give another root at
    the size of `seen`: this proves it together with the entries) or `not_continued` (the proof handed in did not hold: a
    question to the log). `at_s`: when it was seen, UTC seconds. `settled`: a proof that held came later.
    """

    origin: str
    held: bytes
    seen: bytes
    why: Why
    at_s: int
    settled: bool = False


class WitnessStore(Protocol):
    """Keeps what was accepted of each log. Everything is durable when a method returns."""

    def latest(self, origin: str) -> bytes | None:
        """The note accepted last."""
        ...

    def at(self, origin: str, size: int) -> bytes | None:
        """The note that was first accepted at this size."""
        ...

    def root_at(self, origin: str, size: int) -> bytes | None:
        """The root at this size, where the store holds the entries themselves and has so many."""
        ...

    def advance(self, origin: str, before: bytes | None, note: bytes, size: int) -> bool:
        """Put `note` in the place of `before`, atomically; False where something else stands there by now."""
        ...

    def keep_evidence(self, evidence: Evidence) -> None:
        """Keep a contradiction, once for each contradicting size and root, at most WITNESS_EVIDENCE_MAX of a log and kind."""
        ...

    def settle(self, origin: str, note: bytes) -> None:
        """A proof for this very checkpoint held: close the question about it, if there is one."""
        ...

    def evidence(self) -> list[Evidence]:
        """Every contradiction, in the order in which they were seen."""
        ...

    def close(self) -> None:
        """Release the storage."""
        ...


class Cosigner:
    """A name and the key that cosigns under it, used for nothing else."""

    def __init__(self, name: str, key: SigningKey) -> None:
        self.name = name
        self.vkey = make_vkey(name, key.public, KIND_COSIGNATURE)
        self.key = parse_vkey(self.vkey)
        self._key = key

    def line(self, text: bytes, time_s: int) -> bytes:
        """The cosignature line for a checkpoint's text, at a time in UTC seconds."""
        return cosign(text, self.name, self._key, time_s)


class Witness:
    """Judges checkpoints of the configured logs. Without a cosigner it accepts and signs nothing (a mirror's pending ones)."""

    def __init__(self, logs: Mapping[str, Vkey], store: WitnessStore, cosigner: Cosigner | None = None) -> None:
        self.logs = logs
        self.store = store
        self._cosigner = cosigner
        self._by_hash = {origin_hash(origin): origin for origin in logs}

    def origin(self, hashed: str) -> str | None:
        """The watched log whose origin has this hash."""
        return self._by_hash.get(hashed)

    def add_checkpoint(self, raw: bytes, time_s: int) -> Reply:
        """Judge untrusted bytes, keep what follows from it, and answer.

        Args:
            raw: the body of the request.
            time_s: UTC seconds, for the cosignature.

        Raises:
            Unavailable: the store fails; nothing was cosigned.
        """
        try:
            request = read_request(raw)
        except Malformed as error:
            return _refusal(400, str(error))
        origin = request.checkpoint.origin
        log = self.logs.get(origin)
        if log is None:
            return _refusal(404, "this log is not watched here")
        try:
            open_checkpoint(request.note, log)
        except (Malformed, Tampered) as error:
            return _refusal(403, str(error))
        note = signed_by(request.note, (log,))
        for _ in range(_ROUNDS):
            before = self.store.latest(origin)
            self._compare(request.checkpoint, note, time_s)  # after `before` was read: what refuses it is compared too
            refusal = judge(request, before)
            if refusal is not None:
                if refusal.status == 422 and before is not None and _unproven(request, before):
                    self.store.keep_evidence(
                        Evidence(origin=origin, held=before, seen=note, why="not_continued", at_s=time_s)
                    )
                return refusal
            text, _ = read_note(note)
            line = b"" if self._cosigner is None else self._cosigner.line(text, time_s)
            if self.store.advance(origin, before, note + line, request.checkpoint.size):
                self.store.settle(origin, note)
                return Reply(status=200, body=line)
        raise Unavailable("too many requests for this log at once; ask again")

    def _compare(self, checkpoint: Checkpoint, note: bytes, time_s: int) -> None:
        """What contradicts one accepted earlier is kept, whatever the old size and the proof are."""
        found = contradiction(self.store, checkpoint, note, time_s)
        if found is not None:
            self.store.keep_evidence(found)


def contradiction(store: WitnessStore, checkpoint: Checkpoint, note: bytes, time_s: int) -> Evidence | None:
    """The proof, where there is one, that the log signed another history than the accepted one.

    Args:
        store: what was accepted.
        checkpoint: what the note says; its signature was verified.
        note: as `signed_by` gives it.
        time_s: UTC seconds.
    """
    origin, size = checkpoint.origin, checkpoint.size
    held = store.at(origin, size)
    if held is not None:
        if parse_checkpoint(held).root == checkpoint.root:
            return None
        return Evidence(origin=origin, held=held, seen=note, why="two_roots", at_s=time_s)
    root = store.root_at(origin, size)
    if root is None or root == checkpoint.root:
        return None
    latest = store.latest(origin)
    if latest is None:
        return None
    return Evidence(origin=origin, held=latest, seen=note, why="other_entries", at_s=time_s)


def judge(request: Request, before: bytes | None) -> Reply | None:
    """Checks 4 to 6 against the note accepted last; None where the checkpoint continues it."""
    new = request.checkpoint
    if request.old > new.size:
        return _refusal(400, f"the old size {request.old} is above the checkpoint's {new.size}")
    held = None if before is None else parse_checkpoint(before)
    size = 0 if held is None else held.size
    if request.old != size:
        return Reply(status=409, body=b"%d\n" % size, kind=SIZE_TYPE)
    if new.size == 0 and new.root != EMPTY_ROOT:
        return _refusal(422, "an empty log has another root")
    if held is None or size == 0:
        return _refusal(422, "from size 0 there is nothing to prove: leave the proof out") if request.proof else None
    if not verify_consistency(size, new.size, held.root, new.root, request.proof):
        return _refusal(422, f"this does not continue the {size} entries that were accepted: the proof does not hold")
    return None


def _unproven(request: Request, before: bytes) -> bool:
    """Whether a refused request says that the log continues `before` and does not show it. Equal sizes go by their roots."""
    return 0 < parse_checkpoint(before).size < request.checkpoint.size


def _refusal(status: int, sentence: str) -> Reply:
    return Reply(status=status, body=f"{sentence}\n".encode())


def origin_hash(origin: str) -> str:
    """The name of a log in addresses: SHA-256 of its origin, in hex."""
    return digest(origin.encode())


def read_request(raw: bytes) -> Request:
    """Read an untrusted request. Proves nothing.

    Raises:
        Malformed: too long, no line of the old size, a line that is no hash, more than 63 of them, no checkpoint.
    """
    if len(raw) > WITNESS_REQUEST_BYTES_MAX:
        raise Malformed(f"the request has {len(raw)} bytes; at most {WITNESS_REQUEST_BYTES_MAX} are read")
    head, blank, note = raw.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    if not blank or not first.startswith(b"old "):
        raise Malformed("a request reads: old <size>, the lines of the proof, a blank line, the signed checkpoint")
    old = read_number(first.removeprefix(b"old "), "the old size")
    if len(lines) > PATH_HASHES_MAX:
        raise Malformed(f"the proof has {len(lines)} lines; no tree needs more than {PATH_HASHES_MAX}")
    proof = tuple(decode_base64(line, "a line of the proof") for line in lines)
    if any(len(node) != HASH_BYTES for node in proof):
        raise Malformed(f"a line of the proof has not {HASH_BYTES} bytes")
    text, _ = read_note(note)
    return Request(old=old, proof=proof, note=note, checkpoint=parse_checkpoint(text))


def write_request(old: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """The request that hands a signed checkpoint in, with the proof that it continues the first `old` entries."""
    return b"old %d\n%b\n%b" % (old, b"".join(map(binascii.b2a_base64, proof)), note)


def signed_by(note: bytes, keys: Sequence[Vkey]) -> bytes:
    """The note with the lines of these keys only, each byte as it was; lines of others vouch for nothing here.

    Raises:
        Malformed: not a note, or without a line of these keys.
    """
    text, signatures = read_note(note)
    known = {(key.name, key.key_id) for key in keys}
    lines = note[len(text) + 1 :].splitlines(keepends=True)
    kept = [raw for raw, line in zip(lines, signatures, strict=True) if (line.name, line.key_id) in known]
    if not kept:
        raise Malformed("none of these keys signed this note")
    return text + b"\n" + b"".join(dict.fromkeys(kept))


def merged(notes: Sequence[bytes]) -> bytes:
    """Notes of one text as one, each line once, in order of first appearance.

    Raises:
        Malformed: no note, not a note, or another text.
    """
    texts: dict[bytes, None] = {}
    lines: dict[bytes, None] = {}
    for note in notes:
        text, _ = read_note(note)
        texts[text] = None
        lines |= dict.fromkeys(note[len(text) + 1 :].splitlines(keepends=True))
    if len(texts) != 1:
        raise Malformed(f"{len(texts)} different texts cannot be one note")
    return next(iter(texts)) + b"\n" + b"".join(lines)


def proves_two_histories(first: bytes, second: bytes, log: Vkey) -> bool:
    """Whether two untrusted notes prove, with the log's public key alone, that it signed two histories.

    Raises:
        Malformed, Tampered: one of them is no checkpoint that this log signed; they prove nothing.
    """
    one, other = open_checkpoint(first, log), open_checkpoint(second, log)
    return one.size == other.size and one.root != other.root
