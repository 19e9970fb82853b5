"""follow: a log decided again, entry by entry, on what a Vault holds of it and of the others.

Nothing is believed: each entry is done again under the roots, and the bytes are compared. What entries of other sites an import
rests on comes from the mirrors of them; it is read before anything is touched, so that an entry which has to wait costs nothing.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from holdgate.crypto.hashes import leaf_hash, sha256
from holdgate.law.authority import Authority
from holdgate.law.chronicle import Chronicle, Draft, History, ImportRecord, Standing
from holdgate.law.library import Library
from holdgate.law.replay import Action, Difference, difference, read_action, repeat
from holdgate.law.signers import check_signatures, keys_of
from holdgate.ledger.entry import Entry, read_entry, read_entry_once
from holdgate.ledger.merkle import Tree
from holdgate.terms import canon
from holdgate.terms.errors import Tampered, Unavailable

_IMPORT: Final = msgspec.json.Decoder(ImportRecord)


class Copies(Struct, frozen=True, kw_only=True):
    """What a Vault holds, untrusted. `blob`: a document by its digest. `foreign`: entries [start, stop) of another log."""

    blob: Callable[[str], bytes | None]
    foreign: Callable[[str, int, int], list[bytes]]


class Follower:
    """Does one log's entries again, in order.

    Args:
        standing: as it was after the first entries; it becomes the follower's own.
        tree: of these entries.
        copies: untrusted.
        authority: of the kind of site.
        history: finds what subjects that are closed left in the entries so far.
        roots: the trusted root keys.
        signatures: every action's signatures are checked too.

    `whole`: False after an error in the midst of an entry, and after a difference: the standing is no good any more.
    """

    def __init__(
        self,
        standing: Standing,
        tree: Tree,
        copies: Copies,
        authority: Authority,
        history: History,
        roots: tuple[bytes, ...],
        *,
        signatures: bool,
    ) -> None:
        self._copies = copies
        self._roots = roots
        self._signatures = signatures
        self._foreign: dict[str, bytes] = {}
        self._library = Library(self._blob)
        self.chronicle = Chronicle(standing, tree, self._library, authority, history)
        self.whole = True

    @property
    def size(self) -> int:
        """How many entries were done again."""
        return self.chronicle.tree.size

    def follow(self, body: bytes) -> Draft | Difference:
        """Do the next entry again.

        Args:
            body: as it stands in the log; untrusted.

        Returns:
            The entry, which came out with the same bytes; or how it differs.

        Raises:
            Unavailable: it is an import of entries that the Vault does not hold yet (`whole` stays True), or a store failed.
            Tampered, Malformed: the entry cannot have come about like this.
        """
        entry = read_entry_once(body)
        self._foreign = self._needed(entry)
        self.whole = False
        action = read_action(entry) if entry.kind == "action" else None
        if action is not None and self._signatures:
            self._signed(action)
        draft = repeat(self.chronicle, entry, self._roots, action)
        if draft.body != body:
            return difference(read_entry(draft.body), entry)
        self._library.settle(draft.blobs)
        self.whole = True
        return draft

    def _signed(self, action: Action) -> None:
        """Whoever is named as a signer did sign, with the key that the log had enrolled by then."""
        keys = keys_of(action.command, self.chronicle.state.identities)
        if isinstance(keys, str):
            raise Tampered(f"{keys} had signed, but was not enrolled by then")
        why = check_signatures(action.raw, keys)
        if why:
            raise Tampered(f"a signature does not hold: {why}")

    def _blob(self, key: str) -> bytes | None:
        """A document or foreign entry, if it is the one that its digest names."""
        foreign = self._foreign.get(key)
        if foreign is not None:
            return foreign
        blob = self._copies.blob(key)
        return blob if blob is not None and sha256(blob).hex() == key else None

    def _needed(self, entry: Entry) -> dict[str, bytes]:
        """The foreign entries that an import rests on, by leaf hash.

        Raises:
            Unavailable: they are not all in the Vault. Tampered: the Vault's mirror has another entry in such a place.
        """
        if entry.kind != "import":
            return {}
        record = canon.decode(bytes(entry.record), _IMPORT, "the record")
        last = max(record.held, default=-1)
        if not -1 <= last < len(record.leaves) or min(record.held, default=0) < 0:
            raise Tampered("the record of an import names an entry outside of it")
        bodies = self._copies.foreign(record.origin, record.start, record.start + last + 1) if record.held else []
        if len(bodies) <= last:
            raise Unavailable(
                f"entry {entry.seq} rests on {record.origin} up to {record.size}, and the Vault holds less of that log: "
                "bring that site and the Vault together, then try again"
            )
        for index in record.held:
            if leaf_hash(bodies[index]) != record.leaves[index]:
                raise Tampered(
                    f"it took in an entry {record.start + index} of {record.origin} that is not the mirror's: "
                    "two histories of that log were told"
                )
        return {record.leaves[index].hex(): bodies[index] for index in record.held}
