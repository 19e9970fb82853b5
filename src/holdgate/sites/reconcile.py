"""Holding a log against what others hold of it, before the site goes on: a store that was set back, or that forked, is found.

A Vault shows the checkpoint of this log that it cosigned last. Other sites that take this log in show the one under which they
took its last stretch; only what this site's own key signed proves anything, and one such checkpoint is enough to stop the site.
That nothing was set back is confirmed by a Vault; without one, by more than half of the sites that take this log, and by no
fewer than two.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from holdgate.engine import buggify
from holdgate.engine.bus import Bus
from holdgate.engine.ports import Store
from holdgate.engine.steady import SteadyClock
from holdgate.identity.charter import SiteSeat
from holdgate.ledger.merkle import root_of
from holdgate.ledger.note import (
    KIND_COSIGNATURE,
    Checkpoint,
    make_vkey,
    open_checkpoint,
    parse_vkey,
    verify_cosignature,
)
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from holdgate.terms.instant import SECOND_US

QUORUM_MIN: Final = 2
"""Peers that confirm a log where no Vault does; one alone could be in league with whoever set it back."""


class Found(NamedTuple):
    """`confirmed`: this log is not behind, or beside, what others hold of it. `covered`: entries that a Vault cosigned."""

    confirmed: bool
    covered: int


class Reconciler:
    """Holds one site's log against what others hold of it.

    `cosigned`: how many entries a Vault's newest cosignature since the start covers, and its time (UTC µs).

    Args:
        seat: of the site.
        vaults: the shop's Vaults.
        takers: the other sites that take this log.
        bus: to ask them.
        store: of the log.
        size: durable entries.
        clock: of the site; told every time that a Vault tells.
    """

    def __init__(
        self,
        seat: SiteSeat,
        vaults: Mapping[str, SiteSeat],
        takers: Sequence[str],
        bus: Bus,
        store: Store,
        size: Callable[[], int],
        clock: SteadyClock,
    ) -> None:
        self.cosigned = (0, 0)
        self._clock = clock
        self._timed = False
        self._seat = seat
        self._vaults = vaults
        self._takers = takers
        self._bus = bus
        self._store = store
        self._size = size
        self._own_key = parse_vkey(make_vkey(seat.origin, seat.key))

    async def look(self) -> Found:
        """Ask everybody within reach; a Vault for its time too.

        Raises:
            Tampered: this log was set back or forked; a checkpoint that this site's own key signed proves it.
        """
        await self.ask_the_time()
        covered, vaults, peers = 0, 0, 0
        for vault, seat in self._vaults.items():
            shown = await self._shown(vault, seat)
            vaults += shown is not None
            covered = max(covered, 0 if shown is None else shown.size)
        for peer in self._takers:
            peers += await self._shown(peer, None) is not None
        enough = max(QUORUM_MIN, len(self._takers) // 2 + 1)
        return Found(vaults > 0 or peers >= enough, covered)

    async def _shown(self, who: str, vault: SiteSeat | None) -> Checkpoint | None:
        """What somebody holds of this log, held against it; size 0 where it is nothing. None: out of reach, or no proof."""
        if not self._bus.linked(self._seat.id, who) or (buggify.on and buggify.unlucky("reconcile: nobody answers")):
            return None
        try:
            note = await self._bus.peer(self._seat.id, who).latest(self._seat.origin, self._seat.id)
            if note is None:
                return Checkpoint(origin=self._seat.origin, size=0, root=b"")
            held = open_checkpoint(note, self._own_key) if vault is None else self.proven(note, vault)
        except (Unavailable, Malformed, Tampered):
            return None
        self._compare(f"{who} {'holds' if vault is None else 'cosigned'}", held)
        return held

    def proven(self, note: bytes, vault: SiteSeat) -> Checkpoint:
        """A checkpoint of this log that this site's own key signed and the Vault cosigned.

        Raises:
            Malformed, Tampered: it is none; whoever shows it proves nothing by it.
        """
        checkpoint, at = self._opened(note, vault)
        self.cosigned = max(self.cosigned, (checkpoint.size, at))
        self._clock.heard(at)
        return checkpoint

    async def ask_the_time(self) -> None:
        """Hold this machine's clock against a Vault's, once, as soon as one tells the time."""
        for vault, seat in self._vaults.items():
            if self._timed or not self._bus.linked(self._seat.id, vault):
                continue
            with suppress(Unavailable, Malformed, Tampered):  # who does not answer, or proves nothing, tells no time
                note = await self._bus.peer(self._seat.id, vault).attest(self._seat.origin, self._seat.id)
                if note is not None:
                    self._clock.compare(self._opened(note, seat)[1])
                    self._timed = True

    def _opened(self, note: bytes, vault: SiteSeat) -> tuple[Checkpoint, int]:
        checkpoint = open_checkpoint(note, self._own_key)
        time_s = verify_cosignature(note, parse_vkey(make_vkey(vault.origin, vault.key, KIND_COSIGNATURE)))
        return checkpoint, time_s * SECOND_US

    def _compare(self, says: str, held: Checkpoint) -> None:
        """Hold this log against a checkpoint of its own that somebody else has.

        Raises:
            Tampered: this log is behind it, or is another one.
        """
        if held.size > self._size():
            raise Tampered(
                f"{self._seat.id} holds {self._size()} entries, but {says} {held.size}: the store was set back. "
                "Restore it from the Vault's copy, or go on under a new origin."
            )
        if root_of(self._store.leaves(0, held.size)) != held.root:
            raise Tampered(f"the log of {self._seat.id} is not the one that {says} at {held.size}: it forked")
