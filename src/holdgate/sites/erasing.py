"""Erasing: the record says what is erased, the store follows. The act is durable first; what a crash left is erased at the start.

A business hub erases on its own entry; a node and a floor hub on the import that tells them of it. So an erasure that the hub
decides reaches a payload wherever it is kept, as soon as that site has heard of it.
"""

from collections.abc import Callable, Iterable

from holdgate.engine.answer import Sealed
from holdgate.law import event as ev
from holdgate.law.state import State
from holdgate.sites.payloads import PayloadStore
from holdgate.sites.site import Site
from holdgate.terms.errors import Unavailable


class Eraser:
    """Erases what a record says is erased.

    Args:
        state: what the site knows.
        store: where its payloads are kept.
        size: how many entries are durable.

    `left`: what could not be erased yet, since the storage failed; it is tried again with every further erasure, and at the start.
    """

    def __init__(self, state: Callable[[], State], store: PayloadStore, size: int) -> None:
        self._state = state
        self._store = store
        self._done: set[str] = set()
        self.left: tuple[str, ...] = ()
        self._sweep(size)

    def heed(self, size: int, events: Iterable[ev.AnyEvent]) -> None:
        """Erase what is due once `size` entries are durable. `events`: of the last ones."""
        if self.left or any(isinstance(event, (ev.PayloadErased, ev.Imported)) for event in events):
            self._sweep(size)

    def _sweep(self, size: int) -> None:
        """Erase what the first `size` entries say. An erasure that is decided and not durable yet waits for its turn."""
        due = [
            name
            for name, payload in self._state().payloads.items()
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


def erasing(site: Site, store: PayloadStore) -> Eraser:
    """An eraser that follows a site's record from now on."""
    eraser = Eraser(lambda: site.chronicle.state, store, site.spine.size)

    def told(sealed: Sealed) -> None:
        eraser.heed(sealed.size, (event for draft in sealed.drafts for event in draft.decision.events))

    site.watchers.append(told)
    return eraser
