"""Erasing: the record says what is erased, the store follows. The act is durable first; what a crash left is erased at the start.

A business hub erases on its own entry; a node and a floor hub on the import that tells them of it. So an erasure that the hub
decides reaches a payload wherever it is kept, as soon as that site has heard of it.
"""

from holdgate.engine.answer import Sealed
from holdgate.law import event as ev
from holdgate.sites.payloads import PayloadStore
from holdgate.sites.site import Site
from holdgate.terms.errors import Unavailable


class Eraser:
    """Erases at one site what its record says is erased.

    Args:
        site: whose record; every entry in it is durable.
        store: where its payloads are kept.

    `left`: what could not be erased yet, since the storage failed; it is tried again with every further erasure, and at the start.
    """

    def __init__(self, site: Site, store: PayloadStore) -> None:
        self._site = site
        self._store = store
        self._done: set[str] = set()
        self.left: tuple[str, ...] = ()
        site.watchers.append(self._sealed)
        self._sweep(site.spine.size)

    def _sealed(self, sealed: Sealed) -> None:
        """Look after a group of entries that became durable, where it can hold an erasure."""
        says = (event for draft in sealed.drafts for event in draft.decision.events)
        if any(isinstance(event, (ev.PayloadErased, ev.Imported)) for event in says):
            self._sweep(sealed.size)

    def _sweep(self, size: int) -> None:
        """Erase what the first `size` entries say. An erasure that is decided and not durable yet waits for its turn."""
        due = [
            name
            for name, payload in self._site.chronicle.state.payloads.items()
            if payload.erased is not None and payload.erased.ref < size and name not in self._done
        ]
        if not due:
            return
        try:
            self._store.erase(due)
        except Unavailable:
            self.left = tuple(due)
            return
        self._done.update(due)
        self.left = ()
