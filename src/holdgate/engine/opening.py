"""Opening a site's log: from its newest good snapshot, with the tail done again; and saving snapshots.

0. No entry yet: the charter becomes the first one (the caller does that).
1. The newest snapshot whose digest holds, and whose root is that of the stored leaves' frontier at its size.
2. Every entry after it is done again on that standing and must give the same bytes.
3. The tree's root equals that of the stored head.
"""

from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from holdgate.crypto.hashes import sha256
from holdgate.engine.ports import Snapshot, Store
from holdgate.law.authority import Authority
from holdgate.law.chronicle import Chronicle, History, Standing
from holdgate.law.library import Library
from holdgate.law.replay import repeat
from holdgate.law.state import State
from holdgate.ledger.entry import read_entry
from holdgate.ledger.merkle import Tree, root_from_frontier
from holdgate.terms.errors import Tampered


class _Saved(Struct, frozen=True, kw_only=True):
    """The body of a snapshot."""

    standing: Standing
    frontier: tuple[bytes, ...]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Saved)


class Opened(NamedTuple):
    """A chronicle at the durable end of its log. `tail`: entries that were done again."""

    chronicle: Chronicle
    tail: int


def open_log(store: Store, blank: State, authority: Authority, history: History, roots: tuple[bytes, ...]) -> Opened:
    """Bring a chronicle to the durable end of its log.

    Raises:
        Tampered: the store does not hold the log that its head speaks of; the message names the entry.
    """
    library = Library(store.blob)
    head = store.head()
    standing, tree = Standing(state=blank, heads={}, digests={}), Tree()
    snapshot = store.load_snapshot()
    if snapshot is not None and snapshot.size <= head.size:
        saved = _DECODER.decode(snapshot.body)
        if (
            root_from_frontier(saved.frontier, snapshot.size) == snapshot.root
            and saved.standing.state.site == blank.site
        ):
            standing, tree = saved.standing, Tree.restore(snapshot.size, saved.frontier)
    chronicle = Chronicle(standing, tree, library, authority, history)
    start = tree.size
    for row in store.rows(start, head.size):
        entry = read_entry(row.body)
        draft = repeat(chronicle, entry, roots)
        if draft.body != row.body or draft.leaf != row.leaf or draft.seq != row.seq:
            raise Tampered(
                f"entry {row.seq} of {blank.site} is not what this site recorded; restore it from the Vault's mirror"
            )
        library.settle(draft.blobs)
    if tree.size != head.size or tree.root() != root_from_frontier(head.frontier, head.size):
        raise Tampered(f"the store of {blank.site} ends at entry {tree.size}, but its head says {head.size}")
    return Opened(chronicle, head.size - start)


def save(store: Store, chronicle: Chronicle) -> None:
    """Save the chronicle's standing. It must be at the durable end."""
    tree = chronicle.tree
    body = _ENCODER.encode(_Saved(standing=chronicle.standing, frontier=tree.frontier()))
    store.save_snapshot(Snapshot(size=tree.size, root=tree.root(), digest=sha256(body), body=body))


def standing_digest(chronicle: Chronicle) -> bytes:
    """The digest that a snapshot of this standing would carry: for audits that check a snapshot."""
    return sha256(_ENCODER.encode(_Saved(standing=chronicle.standing, frontier=chronicle.tree.frontier())))
