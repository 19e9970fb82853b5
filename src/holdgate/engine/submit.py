"""submit: the spine. Every signed action of every site goes this way.

1. Verify: in threads, a few submissions at a time, sources in turn; a lone one at once. What is verified waits until less of
   the same signer is under way, where others are about (docs/decisions/0038).
2. Decide and fold: on the event loop, in the order in which entries will stand (the chronicle).
3. Append: durable, then acknowledged with a receipt (the appender).

The decider is the chronicle's authority: a node's law, the floor hub's gate, the business hub's law. The spine is neutral.
What cannot be authenticated becomes an attempt on the record and grants nothing.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple, TypeVar

from holdgate.engine import buggify
from holdgate.engine.answer import LOCAL, Answer, Sealed
from holdgate.engine.append import CLOSED, Appender, Done
from holdgate.engine.attempts import Attempts
from holdgate.engine.inbox import Inbox
from holdgate.engine.keeping import Elsewhere
from holdgate.engine.paths import Paths
from holdgate.engine.ports import Clock, Store
from holdgate.engine.proving import prove_in_threads
from holdgate.engine.shares import Gate, Shares, slow_down
from holdgate.engine.verify import Busy, Found, Unauthentic, Verified, verify
from holdgate.engine.workers import Workers
from holdgate.law.case import Pin
from holdgate.law.chronicle import Attempt, Chronicle, Draft, attempted
from holdgate.law.segments import Proved, Segment, decision_of
from holdgate.law.signers import keys_of
from holdgate.ledger.entry import read_entry
from holdgate.ledger.merkle import verify_inclusion
from holdgate.ledger.note import Notary, parse_checkpoint
from holdgate.ledger.proof import write_proof
from holdgate.terms.errors import HoldgateError, InvariantBroken, Malformed, Tampered, Unavailable

CHUNK: Final = 8
"""Submissions that one thread verifies at a time."""
FLUSH_S: Final = 1.05
"""How long after the first counted attempt the count goes on record."""
IN_FLIGHT: Final = 4
"""Chunks that are being verified at the same time."""
NO_FLUSH_S: Final = 0.02
"""How long what bought no flush (a resend, an attempt) stays under way for who sent it: about as long as an act that did."""


Made = TypeVar("Made")


class Submission(NamedTuple):
    """Something submitted and the promise to answer it."""

    raw: bytes
    pins: tuple[Pin, ...]
    source: str
    answer: "asyncio.Future[Answer]"


class Chunk:
    """Submissions that are verified together; `found` once that is done."""

    __slots__ = ("failed", "found", "submissions")

    def __init__(self, submissions: list[Submission]) -> None:
        self.submissions = submissions
        self.found: list[Found] | None = None
        self.failed: InvariantBroken | None = None


class Spine:
    """The way of a signed action at one site.

    Concurrency: everything but verification and the writer runs on one event loop. Actions are decided in the order in
    which they were submitted. A retry of the same bytes is safe at any time.
    """

    def __init__(
        self,
        chronicle: Chronicle,
        store: Store,
        clock: Clock,
        notary: Notary,
        on_sealed: Callable[[Sealed], None],
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self._chronicle = chronicle
        self._appender = Appender(chronicle.tree, store, notary, on_sealed, elsewhere)
        self._store = store
        self._clock = clock
        self._inbox: Inbox[Submission] = Inbox(Shares(_loop_time), LOCAL)
        self._signers: Gate[tuple[Submission, Verified]] = Gate(_loop_time)
        self._paths = Paths(store)
        self._attempts = Attempts()
        self._flush: asyncio.TimerHandle | None = None
        self._verifiers = Workers(2, "holdgate-verifier")
        self._woken = False
        self._chunks: deque[Chunk] = deque()
        self._pumping = False

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._inbox and not self._chunks and not len(self._signers) and self._appender.idle

    @property
    def size(self) -> int:
        """Durable entries."""
        return self._appender.size

    @property
    def written(self) -> "Written":
        """As far as the log is durable in this store: what the other keepers are given before anybody is acknowledged."""
        return Written(self._appender)

    @property
    def checkpoint(self) -> bytes:
        """The signed checkpoint of the durable log."""
        return self._appender.checkpoint

    @property
    def fault(self) -> HoldgateError | None:
        """Why nothing is decided any more; None while it is."""
        return self._appender.broken

    @property
    def whole(self) -> bool:
        """Whether everything that was decided is durable."""
        appender = self._appender
        return appender.broken is None and appender.idle and appender.size == self._chronicle.tree.size

    def staged_of(self, subject: str) -> Draft | None:
        """The last draft of a subject that is not durable yet."""
        return self._appender.staged_of(subject)

    def record(self, make: Callable[[], Draft]) -> "asyncio.Future[Answer]":
        """Append an entry that the site makes itself (an import, a contact, a cosignature, a start).

        Raises:
            Malformed, Tampered: what it was made from does not hold; nothing changed.
            InvariantBroken: a defect while it was made: the site has to be opened anew.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._appender.stage(self._made(make), _resolve(answer))
        self.settle()
        return answer

    async def prove(self, segment: Segment) -> Mapping[int, Proved]:
        """What holds of a segment's entries, found in the threads that verify what is submitted."""
        return await prove_in_threads(segment, self._chronicle.state.identities, self._verifiers)

    def settle(self) -> None:
        """Append what follows from the entries so far and has entries of its own, before anything else comes.

        Raises:
            InvariantBroken: it could not be folded; the site has to be opened anew.
        """
        chronicle = self._chronicle
        while chronicle.standing.owed and self._appender.broken is None:
            self._appender.stage(self._made(lambda: chronicle.consequence(self._clock.now())), _ignore)

    def _made(self, make: Callable[[], Made]) -> Made:
        """What the chronicle makes; nothing more is made on a standing that a defect may have spoiled."""
        if self._appender.broken is not None:
            raise self._appender.broken
        try:
            return make()
        except (Malformed, Tampered, Unavailable):
            raise
        except Exception as error:
            broken = error if isinstance(error, InvariantBroken) else InvariantBroken(f"deciding failed: {error!r}")
            self.stop_for(broken)
            raise broken from error

    def submit(self, raw: bytes, pins: Sequence[Pin] = (), source: str = "local") -> "asyncio.Future[Answer]":
        """Submit a signed action.

        Args:
            raw: the envelope; untrusted.
            pins: documents that come beside it, by digest (checked by the caller's transport).
            source: where it came from, in the transport's words.

        Returns:
            The answer, once the entry is durable. It raises Malformed where the bytes cannot be read (the attempt is
            staged or counted), Unavailable where the store failed or too much from there waits already.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        try:
            self._inbox.add(Submission(raw, tuple(pins), source, answer))
        except Unavailable as error:
            answer.set_exception(error)
            return answer
        self._wake()
        return answer

    def _wake(self) -> None:
        if self._inbox and not self._pumping:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._pump)

    def stop_for(self, error: HoldgateError) -> None:
        """Decide and append nothing more: the site has to be opened anew."""
        self._appender.broken = error

    def close(self) -> None:
        """Wait for the threads and release them; what was only counted goes on record; who waits is told to ask again."""
        if self._flush is not None:
            self._flush.cancel()
        self._verifiers.close()
        now = self._clock.now()
        rest = self._attempts.rest() if self._appender.broken is None else []
        self._appender.close([self._chronicle.attempt(attempt, now) for attempt in rest])
        checked = (submission for submission, _ in self._signers)
        for submission in (*(s for chunk in self._chunks for s in chunk.submissions), *checked, *self._inbox):
            if not submission.answer.done():
                submission.answer.set_exception(Unavailable(CLOSED))
        self._chunks.clear()
        self._inbox.clear()
        self._signers.clear()

    # ---- 1 verify --------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        self._pumping = False
        lone = len(self._inbox) == 1 and not self._chunks
        if lone and not (buggify.on and buggify.unlucky("submit: a lone act goes to the threads")):
            only = Chunk(self._taken(1))
            self._check(only)
            self._checked(only, alone=self._appender.idle)
            return
        loop = asyncio.get_running_loop()
        while len(self._chunks) < IN_FLIGHT:
            taken = self._taken(1 if buggify.on and buggify.unlucky("submit: a chunk of one") else CHUNK)
            if not taken:
                return
            chunk = Chunk(taken)
            self._chunks.append(chunk)
            self._verifiers.put(partial(self._verify_chunk, loop, chunk))

    def _taken(self, most: int) -> list[Submission]:
        """What is verified next, in turn of the sources that have not their share under way."""
        return [one for _ in range(min(most, len(self._inbox))) if (one := self._inbox.take()) is not None]

    def _check(self, chunk: "Chunk") -> None:
        try:
            chunk.found = [self._verify(submission) for submission in chunk.submissions]
        except Exception as error:  # noqa: BLE001  # a defect in verification refuses the chunk, it does not hang it
            chunk.failed, chunk.found = InvariantBroken(f"verification failed: {error!r}"), []

    def _verify_chunk(self, loop: asyncio.AbstractEventLoop, chunk: "Chunk") -> None:
        self._check(chunk)
        if not self._woken:  # one wake-up serves every chunk that is ready by then
            self._woken = True
            with suppress(RuntimeError):  # the loop is closed: the site was abandoned
                loop.call_soon_threadsafe(self._chunks_verified)

    def _chunks_verified(self) -> None:
        """Decide the chunks that are ready, in the order in which they came."""
        self._woken = False
        chunks = self._chunks
        while chunks and chunks[0].found is not None:
            self._checked(chunks.popleft())
        self._pump()

    def _checked(self, chunk: "Chunk", *, alone: bool = False) -> None:
        if chunk.failed is None:
            self._verified(chunk.submissions, chunk.found or [], alone=alone)
            return
        for submission in chunk.submissions:
            self._inbox.ends(submission.source)
            if not submission.answer.done():
                submission.answer.set_exception(chunk.failed)

    def _verify(self, submission: Submission) -> Found:
        full = () if submission.source == LOCAL else self._signers.full
        return verify(submission.raw, self._chronicle.state.identities, submission.source, full)

    # ---- 2 decide --------------------------------------------------------------------------------------------------

    def _verified(self, chunk: list[Submission], found: list[Found], *, alone: bool) -> None:
        for submission, verified in zip(chunk, found, strict=True):
            if type(verified) is Verified:
                self._inbox.ends(submission.source)
                self._enter(submission, verified, alone=alone)
                continue
            self._source_ends_later(submission.source)
            if isinstance(verified, Unauthentic):
                self._attempted(submission, verified)
            elif isinstance(verified, Busy):
                _resolve(submission.answer)(slow_down(verified.who))

    def _source_ends_later(self, source: str) -> None:
        if source == LOCAL:
            self._inbox.ends(source)
        else:
            asyncio.get_running_loop().call_later(NO_FLUSH_S, self._source_ends, source)

    def _source_ends(self, source: str) -> None:
        self._inbox.ends(source)
        self._wake()

    def _enter(self, submission: Submission, verified: Verified, *, alone: bool) -> None:
        """Decide it, or let it wait until less of its signer is under way. What comes from this process itself never waits."""
        if submission.source == LOCAL:
            self._begin(submission, verified, alone=alone)
            return
        try:
            begins = self._signers.enter(verified.command.actor.id, (submission, verified))
        except Unavailable as error:
            _resolve(submission.answer)(error)
            return
        if begins:
            self._begin_counted(submission, verified, alone=alone)

    def _begin_counted(self, submission: Submission, verified: Verified, *, alone: bool = False) -> None:
        """Decide an act that is under way for its signer until it is answered."""
        submission.answer.add_done_callback(partial(self._signer_ends, verified.command.actor.id))
        self._begin(submission, verified, alone=alone)

    def _signer_ends(self, who: str, answer: "asyncio.Future[Answer]") -> None:
        if not answer.cancelled() and answer.exception() is None and answer.result().resent:
            asyncio.get_running_loop().call_later(NO_FLUSH_S, self._signer_goes_on, who)
        else:
            self._signer_goes_on(who)

    def _signer_goes_on(self, who: str) -> None:
        for submission, verified in self._signers.leave(who):
            self._begin_counted(submission, verified)

    def _begin(self, submission: Submission, verified: Verified, *, alone: bool) -> None:
        if submission.answer.done():
            return
        try:
            self._decide(submission, verified, alone=alone)
        except HoldgateError as error:
            submission.answer.set_exception(error)

    def _attempted(self, submission: Submission, unauthentic: Unauthentic) -> None:
        if submission.answer.done():
            return
        try:
            if self._appender.broken is not None:
                raise self._appender.broken
            self.settle()
            self._attempt(submission, unauthentic)
        except HoldgateError as error:
            submission.answer.set_exception(error)

    def _decide(self, submission: Submission, verified: Verified, *, alone: bool) -> None:
        if self._appender.broken is not None:
            raise self._appender.broken
        self.settle()
        if keys_of(verified.command, self._chronicle.state.identities) != verified.keys:
            raise Tampered("the keys changed while the action was on its way; sign it again")
        draft = self._made(
            lambda: self._chronicle.act(
                verified.envelope, verified.command, verified.digest, self._clock.now(), submission.pins
            )
        )
        if isinstance(draft, int):
            self._answer_again(submission, draft)
            return
        self._appender.stage(draft, _resolve(submission.answer), alone=alone)
        self.settle()

    def _attempt(self, submission: Submission, unauthentic: Unauthentic) -> None:
        attempt, answer = unauthentic.attempt, submission.answer
        now = self._clock.now()
        own = None
        for due in self._attempts.take(attempt, now):
            draft = self._made(partial(self._chronicle.attempt, due, now))
            own = answer if due is attempt and unauthentic.error is None else None
            self._appender.stage(draft, _ignore if own is None else _resolve(own))
        if self._attempts.waiting and self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(FLUSH_S, self._flush_attempts)
        if unauthentic.error is not None:
            answer.set_exception(unauthentic.error)
        elif own is None:
            answer.set_result(Answer(seq=-1, decision=attempted(attempt), receipt=b""))

    def _flush_attempts(self) -> None:
        """Put on record what was counted in a second that is over."""
        self._flush = None
        now = self._clock.now()
        with suppress(InvariantBroken):  # it stops the site, which says so to everybody who asks
            for due in self._attempts.due(now) if self._appender.broken is None else ():
                self._appender.stage(self._made(partial(self._chronicle.attempt, due, now)), _ignore)

    def record_attempt(self, attempt: Attempt) -> "asyncio.Future[Answer]":
        """Put an attempt on record that another part of the engine noticed (a segment that does not hold)."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._attempt(Submission(b"", (), attempt.source, answer), Unauthentic(attempt, None))
        return answer

    # ---- resends ---------------------------------------------------------------------------------------------------

    def _answer_again(self, submission: Submission, seq: int) -> None:
        """The first answer once more: at once if it is durable, else when it is."""
        answer = submission.answer
        if seq < self._appender.size and not (buggify.on and buggify.unlucky("submit: a resend is answered later")):
            answer.set_result(self.answer_of(seq))
            return
        loop = asyncio.get_running_loop()
        loop.call_later(0.001, self._answer_later, submission, seq)

    def _answer_later(self, submission: Submission, seq: int) -> None:
        if submission.answer.done():
            return
        if self._appender.broken is not None:
            submission.answer.set_exception(self._appender.broken)
            return
        try:
            self._answer_again(submission, seq)
        except HoldgateError as error:
            submission.answer.set_exception(error)

    def answer_of(self, seq: int) -> Answer:
        """The answer that belongs to a durable entry, with a fresh receipt under the present checkpoint.

        Raises:
            InvariantBroken: the store does not hold what its head says. Tampered: it was damaged; no receipt is made of it.
        """
        size = self._appender.size
        row = next(iter(self._store.rows(seq, seq + 1)), None)
        if row is None:
            raise InvariantBroken(f"entry {seq} is gone from the store")
        path = self._paths.path(seq, size)
        if not verify_inclusion(seq, size, row.leaf, path, parse_checkpoint(self._appender.checkpoint).root):
            raise Tampered(f"no receipt for entry {seq}: the store was damaged; ask the Vault for its copy")
        receipt = write_proof(seq, path, self._appender.checkpoint)
        decision = decision_of(read_entry(row.body))
        return Answer(seq=seq, decision=decision, receipt=receipt, kept=self._appender.kept, resent=True)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


class Written(NamedTuple):
    """How far a log is durable in its own store."""

    appender: Appender

    @property
    def size(self) -> int:
        """Durable entries, acknowledged or not."""
        return self.appender.written


def _resolve(answer: "asyncio.Future[Answer]") -> Done:
    def done(outcome: Answer | HoldgateError) -> None:
        if answer.done():
            return
        if isinstance(outcome, HoldgateError):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)

    return done


def _ignore(_: Answer | HoldgateError) -> None:
    """Nobody waits for this entry."""
