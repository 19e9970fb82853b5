"""How a site stands: what `holdgate status` and a running site's address show."""

from typing import Final

from msgspec import Struct

from holdgate.sites.heads import DailyHead
from holdgate.sites.site import Site
from holdgate.sites.vault import Vault

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
    """What a Vault holds of one log."""

    origin: str
    size: int
    evidence: int


class HeadStatus(Struct, frozen=True, kw_only=True):
    """The newest daily head. `day`: "" where there is none yet. `fault`: why the last attempt at it failed ("": it did not)."""

    day: str
    stamped: bool
    authority: str
    fault: str


class VaultStatus(Struct, frozen=True, kw_only=True):
    """A Vault at one moment. `evidence` of a mirror counts signed checkpoints that contradict it.

    `head`: None where no time-stamping authority is configured.
    """

    site: str
    kind: str
    at: int
    mirrors: tuple[MirrorStatus, ...]
    clock: ClockQuality
    head: HeadStatus | None = None


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
    mirrors = tuple(
        MirrorStatus(origin=origin, size=vault.store.held(origin)[0], evidence=len(vault.store.evidence(origin)))
        for origin in vault.origins
    )
    return VaultStatus(site=vault.id, kind=vault.kind, at=at, mirrors=mirrors, clock=clock, head=_head(vault.heads))


def _head(daily: DailyHead | None) -> HeadStatus | None:
    if daily is None:
        return None
    days, fault = daily.store.days(), daily.fault
    return HeadStatus(
        day=days[-1] if days else "",
        stamped=bool(days) and daily.store.token(days[-1]) is not None,
        authority=daily.authority.name,
        fault="" if fault is None else str(fault),
    )
