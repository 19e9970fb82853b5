"""How a site stands: what `holdgate status` and a running site's address show."""

from typing import Final

from msgspec import Struct

from holdgate.sites.site import Site
from holdgate.sites.vault import Vault
from holdgate.sites.watch import Alarm

WELL: Final = "well"


class LinkStatus(Struct, frozen=True, kw_only=True):
    """One link. `backlog`: durable entries that the peer has not confirmed. `fault`: why the last delivery failed."""

    peer: str
    up: bool
    backlog: int
    fault: str = ""


class ClockQuality(Struct, frozen=True, kw_only=True):
    """What the host says of its clock (None: nothing). `error_us`: its estimate of the largest error."""

    synchronised: bool | None = None
    error_us: int | None = None


class SiteStatus(Struct, frozen=True, kw_only=True):
    """A site at one moment.

    `size`: durable entries. `checkpoint`: the signed checkpoint of that log. `witnessed_at`: the time of a Vault's newest
    cosignature (UTC µs; 0: none since the start), `witnessed_size`: what it covers. `reconciled`: a Vault confirmed this log.
    `fault`: why it decides nothing any more ("": it does).
    """

    site: str
    kind: str
    at: int
    size: int
    checkpoint: str
    reconciled: bool
    witnessed_at: int
    witnessed_size: int
    links: tuple[LinkStatus, ...]
    clock: ClockQuality
    fault: str = ""


class MirrorStatus(Struct, frozen=True, kw_only=True):
    """What a Vault holds of one log.

    `evidence`: signed checkpoints that contradict it. `reexecuted`: its first entries that came out the same when they were
    decided again (None: this Vault does not). `waits`: why it does not go on with that.
    """

    origin: str
    size: int
    evidence: int
    reexecuted: int | None = None
    waits: str = ""


class VaultStatus(Struct, frozen=True, kw_only=True):
    """A Vault at one moment. `alarms`: entries that do not come out as they stand there when they are decided again."""

    site: str
    kind: str
    at: int
    mirrors: tuple[MirrorStatus, ...]
    alarms: tuple[Alarm, ...]
    clock: ClockQuality


def site_status(site: Site, clock: ClockQuality) -> SiteStatus:
    """How a deciding site stands now."""
    fault, (covered, cosigned_at) = site.spine.fault, site.cosigned
    links = tuple(
        LinkStatus(
            peer=peer,
            up=site.means.bus.linked(site.id, peer),
            backlog=link.backlog,
            fault="" if link.fault is None else str(link.fault),
        )
        for peer, link in site.links.items()
    )
    return SiteStatus(
        site=site.id,
        kind=site.kind,
        at=site.means.clock.now(),
        size=site.spine.size,
        checkpoint=site.spine.checkpoint.decode(),
        reconciled=site.reconciled,
        witnessed_at=cosigned_at,
        witnessed_size=covered,
        links=links,
        clock=clock,
        fault="" if fault is None else str(fault),
    )


def vault_status(vault: Vault, at: int, clock: ClockQuality) -> VaultStatus:
    """How a Vault stands now."""
    mirrors = tuple(_mirror_status(vault, origin) for origin in vault.origins)
    return VaultStatus(site=vault.id, kind=vault.kind, at=at, mirrors=mirrors, alarms=vault_alarms(vault), clock=clock)


def _mirror_status(vault: Vault, origin: str) -> MirrorStatus:
    watched = None if vault.watch is None else vault.watch.watched(origin)
    return MirrorStatus(
        origin=origin,
        size=vault.store.held(origin)[0],
        evidence=len(vault.store.evidence(origin)),
        reexecuted=None if watched is None else watched.size,
        waits="" if watched is None else watched.waits,
    )


def vault_alarms(vault: Vault) -> tuple[Alarm, ...]:
    """Every alarm of a Vault's watch; none where it has no watch."""
    return () if vault.watch is None else vault.watch.alarms
