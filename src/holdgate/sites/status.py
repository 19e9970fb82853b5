"""How a site stands: what `holdgate status` and a running site's address show."""

from typing import Final

from msgspec import Struct

from holdgate.engine.telling import TargetStatus
from holdgate.sites.heads import DailyHead
from holdgate.sites.site import Site
from holdgate.sites.standby import Standby
from holdgate.sites.vault import Vault
from holdgate.sites.watch import Alarm
from holdgate.terms.instant import SECOND_US

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
    `fault`: why it decides nothing any more ("": it does). `host`, `term`: which host writes, where two keep the site.
    `targets`: who outside is told of this log, and how far. `backdated_us`: for so long what is signed now is refused as
    backdated, because the clock was ahead when the newest entry was made, and a log's times never go back (0: it is not).
    `ahead_us`: so far is the machine's clock ahead of the time that the site goes by, as nothing speaks for it (0: it is followed).
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
    host: str = ""
    term: int = 0
    targets: tuple[TargetStatus, ...] = ()
    backdated_us: int = 0
    ahead_us: int = 0


class HostStatus(Struct, frozen=True, kw_only=True):
    """A host of a site that does not write at the moment.

    `size`: entries of its copy. `term`: the latest that it promised; `writer`: to whom; `counts`: its copy counts under it.
    """

    site: str
    kind: str
    host: str
    at: int
    size: int
    term: int
    writer: str
    counts: bool
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


class HeadStatus(Struct, frozen=True, kw_only=True):
    """The newest daily head. `day`: "" where there is none yet. `fault`: why the last attempt at it failed ("": it did not)."""

    day: str
    stamped: bool
    authority: str
    fault: str


class VaultStatus(Struct, frozen=True, kw_only=True):
    """A Vault at one moment. `alarms`: entries that do not come out as they stand there when they are decided again.

    `head`: None where no time-stamping authority is configured. `ahead_us`: as at a site.
    """

    site: str
    kind: str
    at: int
    mirrors: tuple[MirrorStatus, ...]
    alarms: tuple[Alarm, ...]
    clock: ClockQuality
    head: HeadStatus | None = None
    ahead_us: int = 0


def site_status(site: Site, clock: ClockQuality) -> SiteStatus:
    """How a deciding site stands now."""
    fault, (covered, cosigned_at), writing = site.spine.fault, site.cosigned, site.means.writing
    now, skew_us = site.means.clock.now(), site.chronicle.state.charter.settings.entry_skew_s * SECOND_US
    links = tuple(
        LinkStatus(
            peer=peer,
            up=link.up,
            backlog=link.backlog,
            fault="" if link.fault is None else str(link.fault),
        )
        for peer, link in site.links.items()
    )
    return SiteStatus(
        site=site.id,
        kind=site.kind,
        at=now,
        size=site.spine.size,
        checkpoint=site.spine.checkpoint.decode(),
        reconciled=site.reconciled,
        witnessed_at=cosigned_at,
        witnessed_size=covered,
        links=links,
        clock=clock,
        fault="" if fault is None else str(fault),
        host="" if writing is None else writing.host,
        term=0 if writing is None else writing.tenure.term,
        targets=site.targets(),
        backdated_us=max(0, site.chronicle.standing.last_at - now - skew_us),
        ahead_us=site.means.clock.ahead_us,
    )


def host_status(standby: Standby, at: int, clock: ClockQuality) -> HostStatus:
    """How a host stands that follows."""
    promise = standby.standing.promise
    return HostStatus(
        site=standby.id,
        kind="standby",
        host=standby.host,
        at=at,
        size=standby.size,
        term=promise.term,
        writer=promise.host,
        counts=promise.written == promise.term > 0,
        clock=clock,
        fault="" if standby.fault is None else str(standby.fault),
    )


def vault_status(vault: Vault, clock: ClockQuality) -> VaultStatus:
    """How a Vault stands now."""
    mirrors = tuple(_mirror_status(vault, origin) for origin in vault.origins)
    return VaultStatus(
        site=vault.id,
        kind=vault.kind,
        at=vault.clock.now(),
        mirrors=mirrors,
        alarms=vault_alarms(vault),
        clock=clock,
        head=_head(vault.heads),
        ahead_us=vault.clock.ahead_us,
    )


def _mirror_status(vault: Vault, origin: str) -> MirrorStatus:
    watched = None if vault.watch is None else vault.watch.watched(origin)
    return MirrorStatus(
        origin=origin,
        size=vault.store.held(origin)[0],
        evidence=len(vault.store.evidence(origin)),
        reexecuted=None if watched is None else watched.size,
        waits="" if watched is None else watched.waits,
    )


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


def vault_alarms(vault: Vault) -> tuple[Alarm, ...]:
    """Every alarm of a Vault's watch; none where it has no watch."""
    return () if vault.watch is None else vault.watch.alarms
