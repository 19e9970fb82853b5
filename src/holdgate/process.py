"""process: a site, or a whole shop, as one process of the machine: locked, reachable, ended in good order.

`open_whole` is the embedded default: every site in this process, nothing else needed. `open_one` is one site of a shop whose
others run elsewhere; they meet on a broker. `run` keeps either up until the system or a person ends it.
"""

import asyncio
import os
import signal
import socket
import tomllib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

import msgspec
from msgspec import Struct
from starlette.applications import Starlette

from holdgate.adapters.epcis import read_object_event
from holdgate.adapters.host import HostClock, HostEntropy, clock_quality
from holdgate.adapters.http_epcis import epcis_route
from holdgate.adapters.http_site import handing_in, index_app, site_app, status_app
from holdgate.adapters.lock import SiteLock
from holdgate.bootstrap import Shop, read_premises
from holdgate.engine.bus import Bus, Peer
from holdgate.identity.charter import SiteSeat
from holdgate.sites.build import policies_for
from holdgate.sites.site import Site
from holdgate.sites.status import site_status, vault_status
from holdgate.sites.vault import Vault
from holdgate.terms.errors import Malformed, Unavailable

KINDS: Final = {"business-hub": "business_hub", "floor-hub": "floor_hub", "node": "node", "vault": "vault"}
"""The kinds of site, as a person types them."""


class BusConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the broker is. `servers`: its addresses. `key`: the site's transport key, a file in the site's folder."""

    servers: tuple[str, ...]
    key: str = "bus.key"


class SiteConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The configuration of a site's process.

    `data`: the shop's directory on this machine: charter.json, trust.json and this site's own folder. `listen`: where the
    site is reached over HTTP, as host:port ("": nowhere).
    """

    site: str
    data: str
    bus: BusConfig
    listen: str = ""


class NetworkBus(Bus, Protocol):
    """A bus that one site of this process is on."""

    def attach(self, site: str, peer: Peer, watcher: Callable[[str, bool], None]) -> None:
        """Put the site on the bus."""
        ...


Meet = Callable[[SiteConfig, SiteSeat], AbstractAsyncContextManager[NetworkBus]]
"""Connects a site to its broker."""
Serve = Callable[[Starlette, str], AbstractAsyncContextManager[str]]
"""Serves an application at host:port; gives the address that it is reached at."""


def read_config(path: Path) -> SiteConfig:
    """Read a site's configuration. Folders that it names are beside the file, unless they are absolute.

    Raises:
        Unavailable: the file cannot be read. Malformed: it is no configuration; the field is named.
    """
    try:
        config = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), SiteConfig)
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise Malformed(f"{path} is no configuration of a site: {error}") from None
    return msgspec.structs.replace(config, data=str(path.parent / config.data))


@asynccontextmanager
async def open_whole(directory: Path) -> AsyncIterator[tuple[Shop, Starlette]]:
    """Every site of a shop in this process, and their application: each site under /SITE.

    Raises:
        Unavailable: there is no shop, or one of its sites is open elsewhere. Tampered: a log rolled back or forked.
    """
    premises = read_premises(directory)
    with ExitStack() as locks:
        for seat in premises.charter.sites:
            locks.callback(SiteLock(directory / seat.id).release)
        shop = Shop(directory)
        try:
            await shop.open()
            yield shop, _app({**shop.sites, **shop.vaults})
        finally:
            shop.close()


@asynccontextmanager
async def open_one(config: SiteConfig, kind: str, meet: Meet) -> AsyncIterator[tuple[Site | Vault, Starlette]]:
    """One site of a shop in this process, on the broker, and its application.

    Raises:
        Malformed: the configuration names a site of another kind.
        Unavailable: the site is open elsewhere, or its keys or the broker are not to be had. Tampered: its log does not hold.
    """
    premises = read_premises(Path(config.data))
    seat = premises.seat(config.site)
    if seat.kind != kind:
        raise Malformed(f"{seat.id} is a {seat.kind.replace('_', '-')}, not a {kind.replace('_', '-')}")
    async with AsyncExitStack() as stack:
        stack.callback(SiteLock(premises.directory / seat.id).release)
        bus = await stack.enter_async_context(meet(config, seat))
        if seat.kind == "vault":
            vault = premises.vault(seat, HostClock())
            stack.callback(vault.store.close)
            bus.attach(seat.id, vault, vault.link_changed)
            yield vault, _app({seat.id: vault})
            return
        site = Site(premises.means(seat, bus, HostClock(), HostEntropy()), policies_for, timers=True)
        stack.callback(site.stop)
        bus.attach(seat.id, site, site.link_changed)
        await site.start()
        yield site, _app({seat.id: site})


def _app(here: Mapping[str, Site | Vault]) -> Starlette:
    """Each site of this process under /SITE, and at / their names."""
    return index_app({name: _app_of(site) for name, site in here.items()})


def _app_of(site: Site | Vault) -> Starlette:
    if isinstance(site, Vault):
        return status_app(lambda: vault_status(site, HostClock().now(), clock_quality()))
    arrivals = (epcis_route(read_object_event, handing_in(site)),) if site.kind == "floor_hub" else ()
    return site_app(site, lambda: site_status(site, clock_quality()), arrivals)


async def run(app: Starlette, listen: str, serve: Serve, say: Callable[[str], None]) -> None:
    """Serve an application until SIGTERM or SIGINT; tells the system (systemd) when it is ready and when it stops."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with AsyncExitStack() as stack:
        if listen:
            say(await stack.enter_async_context(serve(app, listen)))
        _notify("READY=1")
        await ended.wait()
        _notify("STOPPING=1")


def _notify(word: str) -> None:
    """A word to the service manager, where there is one (sd_notify)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address is None:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        notify.send(word.encode())
