"""A running site's figures: general ones of every deciding site, the staging analytics of a floor hub, what a Vault watches.

The fold is fed with entries as they become durable. What was on record before, it takes from the store when it is first asked, a
stretch at a time, so that the site goes on meanwhile; from then on a question costs nothing that grows with the log.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from holdgate.engine.answer import Sealed
from holdgate.handoff.figures import Figure, Sample, by, counter, gauge, one
from holdgate.handoff.metrics_fold import MetricsFold
from holdgate.sites.site import Site
from holdgate.sites.status import ClockQuality, MirrorStatus, SiteStatus, VaultStatus, site_status, vault_status
from holdgate.sites.vault import Vault
from holdgate.terms.errors import HoldgateError, InvariantBroken

STRETCH: Final = 200
"""Entries that are taken in at a time before others get their turn."""


class SiteFigures:
    """The figures of one running site. Use it on the site's event loop."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._fold = MetricsFold() if site.kind == "floor_hub" else None
        if self._fold is not None:
            site.watchers.append(self._sealed)

    async def collect(self) -> tuple[Figure, ...]:
        """The figures now, over everything that is durable.

        Raises:
            HoldgateError: the store cannot be read.
        """
        await self._catch_up()
        return self.shown()

    def shown(self) -> tuple[Figure, ...]:
        """The figures now, over what was taken in so far."""
        general = general_figures(site_status(self._site, ClockQuality()))
        return general if self._fold is None else (*general, *self._fold.figures(self._site.means.clock.now()))

    async def _catch_up(self) -> None:
        """Take in what is durable and was not fed: after a start, everything."""
        fold, site = self._fold, self._site
        while fold is not None and fold.size < site.spine.size:
            before = fold.size
            for row in site.means.store.rows(before, min(site.spine.size, before + STRETCH)):
                fold.take(row.body)
            if fold.size == before:
                raise InvariantBroken(f"entry {before} is gone from the store")
            await asyncio.sleep(0)

    def _sealed(self, sealed: Sealed) -> None:
        """Take in new entries, unless older ones are still missing; what fails here fails again, and is told, when asked."""
        fold = self._fold
        with suppress(HoldgateError):
            for draft in sealed.drafts:
                if fold is not None and draft.seq == fold.size:
                    fold.take(draft.body)


class VaultFigures:
    """The figures of a running Vault."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def collect(self) -> tuple[Figure, ...]:
        """The figures now.

        Raises:
            HoldgateError: the mirrors cannot be read.
        """
        return self.shown()

    def shown(self) -> tuple[Figure, ...]:
        """The figures now."""
        return vault_figures(vault_status(self._vault, ClockQuality()))


def vault_figures(status: VaultStatus) -> tuple[Figure, ...]:
    """What a Vault tells of the logs that it mirrors, and of what came out when it decided them again."""
    mirrors = status.mirrors
    watched = [mirror for mirror in mirrors if mirror.reexecuted is not None]
    return (
        counter(
            "holdgate_vault_mirrored_total",
            "Entries that the Vault mirrors, by the log's origin.",
            _by_log(mirrors, [mirror.size for mirror in mirrors]),
        ),
        counter(
            "holdgate_vault_reexecuted_total",
            "Entries that came out the same when the Vault decided them again, from the log's beginning on.",
            _by_log(watched, [mirror.reexecuted or 0 for mirror in watched]),
        ),
        counter(
            "holdgate_vault_difference_total",
            "Entries that did not come out the same: alarms, kept for ever.",
            _by_log(watched, [sum(a.origin == mirror.origin for a in status.alarms) for mirror in watched]),
        ),
        counter(
            "holdgate_vault_evidence_total",
            "Signed checkpoints that contradict the mirror.",
            _by_log(mirrors, [mirror.evidence for mirror in mirrors]),
        ),
    )


def _by_log(mirrors: Sequence[MirrorStatus], values: Sequence[int]) -> tuple[Sample, ...]:
    return by("log", zip((mirror.origin for mirror in mirrors), values, strict=True))


def general_figures(status: SiteStatus) -> tuple[Figure, ...]:
    """What every deciding site tells of itself."""
    links = status.links
    witnessed = status.witnessed_at
    age = one(max(0, status.at - witnessed)) if witnessed else ()
    return (
        gauge("holdgate_up", "1 while the site decides; 0 after a fault.", one(int(not status.fault))),
        counter("holdgate_entries_total", "Durable entries of the site's log.", one(status.size)),
        gauge(
            "holdgate_peer_up",
            "1 while the link to a peer is up.",
            by("peer", ((link.peer, int(link.up)) for link in links)),
        ),
        gauge(
            "holdgate_peer_backlog_entries",
            "Durable entries that a peer has not confirmed.",
            by("peer", ((link.peer, link.backlog) for link in links)),
        ),
        gauge(
            "holdgate_witnessed_entries",
            "Entries under a Vault's newest cosignature since the start.",
            one(status.witnessed_size),
        ),
        gauge(
            "holdgate_witnessed_age_seconds", "Age of a Vault's newest cosignature since the start.", age, duration=True
        ),
    )
