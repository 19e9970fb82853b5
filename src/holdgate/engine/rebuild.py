"""rebuild: a site's store made anew from the entries that a Vault mirrors.

Nothing is believed: every entry is decided again under the roots, and has to come out with the same bytes
(`holdgate.engine.follow`); the result has to lead to the root that the Vault cosigned.
"""

from collections.abc import Iterable

from holdgate.engine.follow import Copies, Follower
from holdgate.engine.ports import Head, Store
from holdgate.engine.source import StoreHistory
from holdgate.law.authority import Authority
from holdgate.law.chronicle import Standing
from holdgate.law.replay import Difference
from holdgate.law.state import State
from holdgate.ledger.merkle import Tree
from holdgate.ledger.note import Checkpoint
from holdgate.terms.errors import Tampered, Unavailable


def rebuild(
    store: Store,
    bodies: Iterable[bytes],
    copies: Copies,
    checkpoint: Checkpoint,
    note: bytes,
    blank: State,
    authority: Authority,
    roots: tuple[bytes, ...],
) -> int:
    """Fill an empty store with a log's entries, each decided again.

    Args:
        store: empty; of the site whose log it is.
        bodies: the log's entries in order; untrusted.
        copies: untrusted.
        checkpoint: the site's own, which the Vault cosigned last; verified by the caller.
        note: its bytes.
        blank: the state that knows nothing but the charter.
        authority: of the kind of site.
        roots: the trusted root keys.

    Returns:
        How many entries there are.

    Raises:
        Tampered: an entry does not come out as it stands there, or they do not lead to the cosigned root.
        Unavailable: an import rests on entries that the Vault does not hold (yet).
    """
    if store.head().size:
        raise Unavailable("the store is not empty; nothing is rebuilt over a log")
    tree = Tree()
    standing = Standing(state=blank, heads={}, digests={})
    follower = Follower(standing, tree, copies, authority, StoreHistory(store), roots, signatures=False)
    for body in bodies:
        draft = follower.follow(body)
        if isinstance(draft, Difference):
            raise Tampered(f"entry {tree.size - 1} in the Vault's copy is not what {blank.site} recorded: {draft.says}")
        store.commit([draft], Head(size=tree.size, frontier=tuple(tree.frontier())))
        if tree.size == checkpoint.size:
            break
    if tree.size != checkpoint.size or tree.root() != checkpoint.root:
        raise Tampered(f"the Vault's copy of {blank.site} does not lead to the checkpoint that it cosigned")
    store.save_checkpoint(note)
    return tree.size
