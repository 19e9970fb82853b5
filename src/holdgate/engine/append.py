"""append: the durability order. stage → commit → sign the checkpoint → acknowledge.

Drafts are staged in log order and committed as one group whenever the writer is idle: no timer, so that a lone action
waits for nothing and a crowd shares one flush. The checkpoint is signed only after COMMIT returned; receipts and all that
other sites learn derive from durable entries only. If a commit fails, nobody of that group is acknowledged and the
appender is broken: the site is opened anew from its store, which alone knows what was kept.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from holdgate.engine import buggify
from holdgate.engine.answer import LOCAL, REPLICATED, Answer, Sealed
from holdgate.engine.keeping import Elsewhere
from holdgate.engine.ports import Head, Store
from holdgate.engine.workers import Workers
from holdgate.law.chronicle import Draft
from holdgate.ledger.merkle import Tree, root_from_frontier
from holdgate.ledger.note import Notary
from holdgate.ledger.proof import receipts
from holdgate.terms.errors import HoldgateError, Unavailable

Done = Callable[[Answer | HoldgateError], None]


CLOSED: Final = "the site was closed while this was on its way; ask again"


class Appender:
    """The single writer of one log.

    Args:
        tree: the chronicle's tree; read here, appended to there.
        store: where entries become durable.
        notary: signs checkpoints with the site's key.
        on_sealed: told of every committed group, in order, on the event loop.
        elsewhere: where two hosts keep the log: says when a second keeper holds what is durable here. Nobody is
            acknowledged before.

    `size`: entries that are acknowledged; `written`: those that are durable in this store.
    """

    def __init__(
        self,
        tree: Tree,
        store: Store,
        notary: Notary,
        on_sealed: Callable[[Sealed], None],
        elsewhere: Elsewhere | None = None,
    ) -> None:
        head = store.head()
        self._elsewhere = elsewhere
        self._tree = tree
        self._store = store
        self._notary = notary
        self._on_sealed = on_sealed
        self._writer = Workers(1, "holdgate-writer")
        self._staged: list[tuple[Draft, Done]] = []
        self._writing: list[tuple[Draft, Done]] = []
        self.size = self.written = head.size
        self.checkpoint = notary.checkpoint(head.size, root_from_frontier(head.frontier, head.size))
        self.broken: HoldgateError | None = None
        self._closed = False

    @property
    def kept(self) -> str:
        """What an acknowledgement means here."""
        return LOCAL if self._elsewhere is None else REPLICATED

    @property
    def idle(self) -> bool:
        """Whether nothing is staged or being written."""
        return not self._staged and not self._writing

    def stage(self, draft: Draft, done: Done, *, alone: bool = False) -> None:
        """Stage a draft; `done` is called on the event loop once it is durable, or with what went wrong.

        Args:
            draft: the next entry.
            done: told the answer or the error.
            alone: nothing else is on its way: the flush is done here and now, which spares two changes of thread.
        """
        if self.broken is not None:
            done(self.broken)
            return
        if self._closed:
            done(Unavailable(CLOSED))
            return
        self._staged.append((draft, done))
        if not self._writing:
            self._write_next(here=alone)

    def staged_of(self, subject: str) -> Draft | None:
        """The last draft of a subject that is not durable yet."""
        for draft, _ in (*reversed(self._staged), *reversed(self._writing)):
            if draft.subject == subject:
                return draft
        return None

    def close(self, last: list[Draft]) -> None:
        """Wait for the writer and release it; keep what was decided and is not durable yet, and the last entries.

        Whoever still waits is told to ask again: a resend gets the answer that is on record.
        """
        self._writer.close()
        self._closed = True
        waiting, self._staged = [*self._writing, *self._staged], []
        self._keep([*(draft for draft, _ in waiting[len(self._writing) :]), *last])
        self._writing = []
        for _, done in waiting:
            done(Unavailable(CLOSED))

    def _keep(self, drafts: list[Draft]) -> None:
        """Commit in place, if everything before is durable."""
        durable = self._store.head().size if self.broken is None else -1
        if durable == self._tree.size:
            self.size, self.checkpoint = durable, self._notary.checkpoint(durable, self._tree.root())
        if not drafts or durable != drafts[0].seq:
            return
        head = Head(size=self._tree.size, frontier=self._tree.frontier(), checkpoint=self.checkpoint)
        try:
            self._store.commit(drafts, head)
        except HoldgateError as error:
            self.broken = error
            return
        self.size, self.checkpoint = head.size, self._notary.checkpoint(head.size, self._tree.root())

    def _refuse_staged(self, error: HoldgateError) -> None:
        lost, self._staged = self._staged, []
        for _, done in lost:
            done(error)

    def _write_next(self, *, here: bool = False) -> None:
        group, self._staged = self._staged, []
        self._writing = group
        drafts = [draft for draft, _ in group]
        size = self._tree.size
        head = Head(size=size, frontier=self._tree.frontier(), checkpoint=self.checkpoint)
        root = self._tree.root()
        if here and not (buggify.on and buggify.unlucky("append: a lone entry goes to the writer")):
            self._written(size, self._commit(drafts, head, root))
            return
        loop = asyncio.get_running_loop()
        self._writer.put(partial(self._write, loop, drafts, head, root))

    def _commit(self, drafts: list[Draft], head: Head, root: bytes) -> bytes | HoldgateError:
        """Make a group durable, then sign the checkpoint that covers it."""
        try:
            self._store.commit(drafts, head)
            return self._notary.checkpoint(head.size, root)
        except HoldgateError as error:
            return error
        except Exception as error:  # noqa: BLE001  # whatever a store throws, nobody may be acknowledged
            return Unavailable(f"the store failed: {error}")

    def _write(self, loop: asyncio.AbstractEventLoop, drafts: list[Draft], head: Head, root: bytes) -> None:
        outcome = self._commit(drafts, head, root)
        with suppress(RuntimeError):  # the loop is closed: the site was abandoned, and nobody waits for an answer
            loop.call_soon_threadsafe(self._written, head.size, outcome)

    def _written(self, size: int, outcome: bytes | HoldgateError) -> None:
        if self._closed:
            return
        if isinstance(outcome, HoldgateError):
            self._fail(outcome)
            return
        self.written = size
        if self._elsewhere is None:
            self._seal(size, outcome)
        else:
            self._elsewhere.when(size, partial(self._held, size, outcome))

    def _held(self, size: int, checkpoint: bytes, error: HoldgateError | None) -> None:
        """A second keeper holds what is durable here; or never will, as far as this writer goes."""
        if self._closed:
            return
        if error is None:
            self._seal(size, checkpoint)
        else:
            self._fail(error)

    def _fail(self, error: HoldgateError) -> None:
        group, self._writing = self._writing, []
        self.broken = error
        self._staged = [*group, *self._staged]
        self._refuse_staged(error)

    def _seal(self, size: int, outcome: bytes) -> None:
        group, self._writing = self._writing, []
        self.size, self.checkpoint = size, outcome
        if self.broken is not None:  # told to stop meanwhile: the tree may have run ahead of what is staged
            self._refuse_staged(self.broken)
        elif self._staged:
            self._write_next()  # the next group is written while this one's receipts are made
        first = size - len(group)
        proofs = receipts(self._tree, first, len(group), size, outcome)
        for (draft, done), proof in zip(group, proofs, strict=True):
            done(Answer(seq=draft.seq, decision=draft.decision, receipt=proof, kept=self.kept, entry=draft.body))
        self._on_sealed(Sealed(first=first, size=size, checkpoint=outcome, drafts=[draft for draft, _ in group]))
