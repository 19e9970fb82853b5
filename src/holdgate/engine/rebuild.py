"""rebuild: a site's store made anew from the entries that a Vault mirrors.

Nothing is believed: every entry is decided again under the roots, and has to come out with the same bytes; the result has to
lead to the root that the Vault cosigned. What entries of other sites an import rests on comes from the Vault's mirrors of them.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct

from holdgate.crypto.hashes import sha256
from holdgate.engine.ports import Head, Store
from holdgate.engine.source import StoreHistory
from holdgate.law.authority import Authority
from holdgate.law.chronicle import Chronicle, Standing
from holdgate.law.library import Library
from holdgate.law.replay import read_import, repeat
from holdgate.law.state import State
from holdgate.ledger.entry import Entry, read_entry
from holdgate.ledger.merkle import Tree
from holdgate.ledger.note import Checkpoint
from holdgate.terms.errors import Tampered, Unavailable


class Copies(Struct, frozen=True, kw_only=True):
    """What a Vault holds, untrusted. `blob`: a document by its digest. `foreign`: entries [start, stop) of another log."""

    bodies: Iterable[bytes]
    blob: Callable[[str], bytes | None]
    foreign: Callable[[str, int, int], list[bytes]]


def rebuild(
    store: Store,
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
    foreign: dict[str, bytes] = {}
    library = Library(lambda key: foreign.get(key) or _whole(copies.blob(key), key))
    tree = Tree()
    standing = Standing(state=blank, heads={}, digests={})
    chronicle = Chronicle(standing, tree, library, authority, StoreHistory(store))
    for body in copies.bodies:
        entry = read_entry(body)
        foreign = _needed(entry, copies)
        draft = repeat(chronicle, entry, roots)
        if draft.body != body:
            raise Tampered(f"entry {entry.seq} in the Vault's copy is not what {blank.site} recorded")
        library.settle(draft.blobs)
        store.commit([draft], Head(size=tree.size, frontier=tuple(tree.frontier())))
        if tree.size == checkpoint.size:
            break
    if tree.size != checkpoint.size or tree.root() != checkpoint.root:
        raise Tampered(f"the Vault's copy of {blank.site} does not lead to the checkpoint that it cosigned")
    store.save_checkpoint(note)
    return tree.size


def _whole(blob: bytes | None, key: str) -> bytes | None:
    """A document, if it is the one that its digest names."""
    return blob if blob is not None and sha256(blob).hex() == key else None


def _needed(entry: Entry, copies: Copies) -> dict[str, bytes]:
    """The foreign entries that an import rests on, by leaf hash.

    Raises:
        Unavailable: they are not all in the Vault.
    """
    record = read_import(entry)
    if record is None:
        return {}
    bodies = copies.foreign(record.origin, record.start, record.size)
    if record.held and len(bodies) <= max(record.held):
        raise Unavailable(
            f"entry {entry.seq} rests on {record.origin} up to {record.size}, and the Vault holds less of that log: "
            "bring that site and the Vault together, then try again"
        )
    return {record.leaves[index].hex(): bodies[index] for index in record.held}
