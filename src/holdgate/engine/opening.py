"""Opening a site's log: from its newest good snapshot, with the tail done again; and saving snapshots.

0. No entry yet: the charter becomes the first one (the caller does that).
1. The newest snapshot whose digest holds.
2. Every entry after it is done again on that standing and must give the same bytes.
3. The tree's root equals that of the stored head; a snapshot that does not lead there is left aside, and everything is
   done again from the beginning.
"""

from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from holdgate.crypto.hashes import sha256
from holdgate.engine import buggify
from holdgate.engine.ports import Snapshot, Store
from holdgate.law.authority import Authority
from holdgate.law.chronicle import Chronicle, History, Standing
from holdgate.law.library import Library
from holdgate.law.replay import repeat
from holdgate.law.state import State
from holdgate.ledger.entry import read_entry
from holdgate.ledger.merkle import Tree, root_from_frontier
from holdgate.terms.errors import Malformed, Tampered

PAGE: Final = 4_096
"""Entries read at a time."""
FORM: Final = 3
"""The form of a standing. It goes up with every part of the state that older snapshots lack and the fold would have filled."""


class _Saved(Struct, frozen=True, kw_only=True):
    """The body of a snapshot. `form`: which standing it is; one of another form is left aside."""

    standing: Standing
    frontier: tuple[bytes, ...]
    form: int = 0


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Saved)


class Opened(NamedTuple):
    """A chronicle at the durable end of its log. `tail`: entries that were done again."""

    chronicle: Chronicle
    tail: int


def open_log(
    store: Store,
    blank: State,
    authority: Authority,
    history: History,
    roots: tuple[bytes, ...],
    *,
    from_start: bool = False,
) -> Opened:
    """Bring a chronicle to the durable end of its log. `from_start`: by every entry, whatever snapshot there is.

    Raises:
        Tampered: the store does not hold the log that its head speaks of; the message names the entry.
    """
    opening = _Opening(store, authority, history, roots)
    if buggify.on and buggify.unlucky("opening: no snapshot"):
        from_start = True
    snapshot = None if from_start else store.load_snapshot()
    if snapshot is not None:
        try:
            return opening.from_snapshot(snapshot, blank.site)
        except (Malformed, Tampered, LookupError, ValueError):
            pass  # a snapshot saves time and proves nothing: without it everything is done again
    return opening.go_on(Standing(state=blank, heads={}, digests={}), Tree(), blank.site)


class _Opening:
    """One attempt to open a log."""

    def __init__(self, store: Store, authority: Authority, history: History, roots: tuple[bytes, ...]) -> None:
        self._store = store
        self._authority = authority
        self._history = history
        self._roots = roots

    def from_snapshot(self, snapshot: Snapshot, site: str) -> Opened:
        """From a snapshot.

        Raises:
            Malformed, Tampered: it cannot be read, is of another site, or leads to another log than the stored one.
        """
        standing, tree = read_snapshot(snapshot, site)
        return self.go_on(standing, tree, site)

    def go_on(self, standing: Standing, tree: Tree, site: str) -> Opened:
        """Do everything after a standing again; it must come out as stored, and lead to the head's root."""
        store, head, start = self._store, self._store.head(), tree.size
        library = Library(store.blob)
        chronicle = Chronicle(standing, tree, library, self._authority, self._history)
        while tree.size < head.size:
            rows = list(store.found(tree.size, min(head.size, tree.size + PAGE)))
            if not rows:
                break
            for row in rows:
                draft = repeat(chronicle, read_entry(row.body), self._roots)
                if draft.body != row.body or draft.leaf != row.leaf or draft.seq != row.seq:
                    raise Tampered(
                        f"entry {row.seq} of {site} is not what this site recorded; ask the Vault for its copy"
                    )
                library.settle(draft.blobs)
        if tree.size != head.size or tree.root() != root_from_frontier(head.frontier, head.size):
            raise Tampered(f"the store of {site} ends at entry {tree.size}, but its head says {head.size}")
        return Opened(chronicle, head.size - start)


def standing_bytes(chronicle: Chronicle) -> bytes:
    """The body of a snapshot of the chronicle as it stands."""
    return _ENCODER.encode(_Saved(standing=chronicle.standing, frontier=chronicle.tree.frontier(), form=FORM))


def save(store: Store, chronicle: Chronicle) -> None:
    """Save the chronicle's standing. It must be at the durable end."""
    if buggify.on and buggify.unlucky("opening: the snapshot is not saved"):
        return
    store.save_snapshot(snapshot_of(chronicle))


def snapshot_of(chronicle: Chronicle) -> Snapshot:
    """The chronicle's present standing, to be kept."""
    tree, body = chronicle.tree, standing_bytes(chronicle)
    return Snapshot(size=tree.size, root=tree.root(), digest=sha256(body), body=body)


def read_snapshot(snapshot: Snapshot, site: str) -> tuple[Standing, Tree]:
    """The standing that a snapshot of a site's log keeps, and its tree. That it leads to the log is still to be shown.

    Raises:
        Malformed, Tampered: it cannot be read, or is of another site.
    """
    try:
        saved = _DECODER.decode(snapshot.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the snapshot cannot be read: {error}") from None
    if saved.form != FORM:
        raise Malformed("the snapshot was saved by another version of the program")
    if root_from_frontier(saved.frontier, snapshot.size) != snapshot.root or saved.standing.state.site != site:
        raise Tampered("the snapshot is of another log")
    return saved.standing, Tree.restore(snapshot.size, saved.frontier)
