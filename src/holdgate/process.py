"""process: a site, or a whole shop, as one process of the machine: locked, reachable, ended in good order.

`open_whole` is the embedded default: every site in this process, nothing else needed. `open_one` is one site of a shop whose
others run elsewhere; they meet on a broker. `run` keeps either up until the system or a person ends it.
"""

import asyncio
import os
import signal
import socket
import ssl
import sys
import time
import tomllib
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.types import ASGIApp

from holdgate.adapters import otel
from holdgate.adapters.epcis import read_object_event
from holdgate.adapters.epcis_uris import read_part
from holdgate.adapters.host import HostClock, HostEntropy, clock_quality
from holdgate.adapters.http_alarms import alarm_routes
from holdgate.adapters.http_epcis import epcis_route
from holdgate.adapters.http_metrics import metrics_routes
from holdgate.adapters.http_site import Changing, handing_in, index_app, site_app, standby_app, status_app
from holdgate.adapters.http_witness import WitnessApp
from holdgate.adapters.lock import SiteLock
from holdgate.adapters.marks import Mark, read_mark
from holdgate.adapters.nkeys import public_text, read_seed
from holdgate.adapters.scanner import Scanner
from holdgate.adapters.sqlite_payloads import FILE, SqlitePayloads
from holdgate.adapters.sqlite_reception import SqliteReception
from holdgate.adapters.zones import zone_of
from holdgate.arrivals import forwarding
from holdgate.bootstrap import BUSINESS_HUB, Premises, Shop, invoice_writer, printer, read_premises, workshop
from holdgate.crypto.keys import SigningKey
from holdgate.engine.address import BusAddress, bracketed, host_and_port, read_address
from holdgate.engine.keeping import Keeper, host_of, hosts_of
from holdgate.identity.charter import SiteSeat
from holdgate.notifying import check_teller, config_of, notifying
from holdgate.ordering import OrderReader
from holdgate.sites.build import policies_for
from holdgate.sites.figures import SiteFigures, VaultFigures
from holdgate.sites.host import Host, Line
from holdgate.sites.site import Site, Writing
from holdgate.sites.status import SiteStatus, host_status, site_status, vault_alarms, vault_status
from holdgate.sites.vault import Vault
from holdgate.sites.vault_face import VaultFace
from holdgate.sites.watch import Alarm
from holdgate.terms.errors import HoldgateError, Malformed, Unavailable
from holdgate.upgrade import check_release
from holdgate.web.app import Web

if TYPE_CHECKING:
    from holdgate.adapters.nats_bus import NatsBus

KINDS: Final = {"business-hub": "business_hub", "floor-hub": "floor_hub", "node": "node", "vault": "vault"}
"""The kinds of site, as a person types them."""
BUS_FOLDER: Final = "bus"
BUS_ADDRESS: Final = "bus.json"
BUS_KEY: Final = "bus.key"
RECEPTION: Final = "reception.db"
"""The front desk's file: sealed keys of badges, invitations, papers. No record: losing it loses no fact."""


EVIDENCE: Final = FILE
"""Photos and charts that acts name by their digest."""


class SiteConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The configuration of a site's process.

    `data`: the shop's directory on this machine: charter.json, trust.json, bus/bus.json and this site's own folder (with seat.json,
    where the charter does not name the site).
    `listen`: where the site is reached over HTTP, as host:port ("": nowhere). `host`: which of its two hosts this is, "a" or
    "b", where two keep the site ("": there is one). `broadcasts`: where a floor hub hears readers, besides HTTP
    (`holdgate.arrivals`). `notify`: the file that says who outside a hub tells ("": nobody; `holdgate.notifying`).
    `tls`: the folder with host.pem (`holdgate tls init`), where browsers sign ("": plain HTTP). `portal`, `portal_tls`: a second
    address with a certificate of its own, which shows `PORTAL_PATHS` and nothing else. `scanner`: a program and its arguments that
    looks at evidence before it is kept (none: nobody does; `holdgate.adapters.scanner`).
    """

    site: str
    data: str
    listen: str = ""
    host: str = ""
    broadcasts: tuple[str, ...] = ()
    tls: str = ""
    portal: str = ""
    portal_tls: str = ""
    notify: str = ""
    scanner: tuple[str, ...] = ()


PORTAL_PATHS: Final[tuple[str, ...]] = (
    f"/{BUSINESS_HUB}/client",
    f"/{BUSINESS_HUB}/invoices",
    f"/{BUSINESS_HUB}/papers",
    f"/{BUSINESS_HUB}/join",
    f"/{BUSINESS_HUB}/sessions",
    f"/{BUSINESS_HUB}/api",
    "/static",
)
"""What the client portal's address shows: these paths and what lies under them."""

Serve = Callable[[ASGIApp, str, int], AbstractAsyncContextManager[int]]
"""Serves an application at a host and port; gives the port (0 takes a free one)."""


class Door(NamedTuple):
    """An address at which an application is served. `hosts`: the names in its certificate; none: plain HTTP."""

    app: ASGIApp
    listen: str
    serve: Serve
    hosts: tuple[str, ...] = ()


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
    if config.portal_tls and not config.portal:
        raise Malformed(f'{path} names portal_tls and no portal; say where it listens: portal = "0.0.0.0:8443"')
    named = ("tls", "portal_tls", "notify")
    beside = {name: str(path.parent / place) for name in named if (place := getattr(config, name))}
    return msgspec.structs.replace(config, data=str(path.parent / config.data), **beside)


@asynccontextmanager
async def open_whole(directory: Path) -> AsyncIterator[tuple[Shop, Starlette]]:
    """Every site of a shop in this process, and their application: each site under /SITE.

    Raises:
        Unavailable: there is no shop, or one of its sites is open elsewhere. Tampered: a log rolled back or forked.
    """
    check_release(directory, metadata.version("holdgate"))
    premises = read_premises(directory)
    with ExitStack() as locks:
        for seat in premises.seats():
            locks.callback(SiteLock(directory / seat.id).release)
        shop = Shop(directory, faces=True, watch=True)
        try:
            await shop.open()
            hub, vaults = shop.of_kind("business_hub"), shop.vaults
            alarms = partial(_alarms, vaults)
            with _web(directory) as web:
                async with notifying(config_of(directory), hub, directory / hub.id, alarms):
                    yield shop, _app({**shop.sites, **vaults}, web)
        finally:
            shop.close()


@asynccontextmanager
async def open_one(config: SiteConfig, kind: str) -> AsyncIterator[tuple[Site | Vault | Host, Starlette]]:
    """One site of a shop in this process, on the shop's broker, and its application.

    The broker and the Vault are waited for a little, so that a site starts reconciled where it can; without them it works alone.

    Raises:
        Malformed: the configuration names a site of another kind, or sources of broadcasts that do not exist or are not its own.
        Unavailable: the site is open elsewhere, or its keys or a client are not here. Tampered: its log does not hold.
    """
    check_release(Path(config.data), metadata.version("holdgate"))
    premises = read_premises(Path(config.data))
    seat = premises.seat(config.site)
    if seat.kind != kind:
        raise Malformed(f"{seat.id} is a {seat.kind.replace('_', '-')}, not a {kind.replace('_', '-')}")
    if config.broadcasts and kind != "floor_hub":
        raise Malformed(f"{seat.id} takes no readers' broadcasts; only a floor hub does")
    check_teller(config.notify, kind)
    async with AsyncExitStack() as stack:
        stack.callback(SiteLock(premises.directory / seat.id).release)
        if config.host:
            host = await stack.enter_async_context(_open_host(premises, seat, config))
            web = stack.enter_context(_web(premises.directory / seat.id, config.scanner))
            yield host, index_app({seat.id: Changing(_app_now(host, web))}, web.files())
            return
        bus = _bus_of(premises, seat.id)
        stack.push_async_callback(bus.close)
        await bus.connect()
        if seat.kind == "vault":
            vault = premises.vault(seat, HostClock(), face=True, watch=True)
            stack.callback(vault.close)
            vault.introduce(bus.admit)
            bus.attach(seat.id, vault, vault.link_changed)
            vault.wake()
            yield vault, _app({seat.id: vault}, None)
            return
        await bus.meet(_vaults(premises))
        site = Site(premises.means(seat, bus, HostClock(), HostEntropy()), policies_for, timers=True)
        stack.callback(site.stop)
        bus.attach(seat.id, site, site.link_changed)
        await site.start()
        await stack.enter_async_context(_hearing(premises, config, site))
        web = stack.enter_context(_web(premises.directory / seat.id, config.scanner))
        yield site, _app({seat.id: site}, web)


@asynccontextmanager
async def _open_host(premises: Premises, seat: SiteSeat, config: SiteConfig) -> AsyncIterator[Host]:
    """One of the two hosts of a site: it follows and writes in turn, until the context ends.

    Raises:
        Unavailable, Tampered: it can do neither; what the context holds is cancelled.
    """
    name = host_of(seat.id, config.host)

    @asynccontextmanager
    async def write(writing: Writing) -> AsyncIterator[tuple[Site, Line]]:
        bus = _bus_of(premises, seat.id)
        try:
            await bus.connect()
            await bus.meet(_vaults(premises))
            means = premises.means(seat, bus, HostClock(), HostEntropy(), writing=writing)
            site = Site(means, policies_for, timers=True)
            try:
                yield site, bus
            finally:
                site.stop()
        finally:
            await bus.close()

    async with AsyncExitStack() as stack:
        line = _bus_of(premises, name)
        stack.push_async_callback(line.close)
        keeper = Keeper(premises.promises(seat), time.monotonic)
        stack.callback(keeper.close)
        host = Host(
            seat.id,
            config.host,
            line,
            _vaults(premises),
            lambda: premises.standby(seat, name, keeper, line),
            write,
            lambda site: _hearing(premises, config, site),
        )
        await line.connect()
        await line.meet(_vaults(premises))
        try:
            async with asyncio.TaskGroup() as group:
                turns = group.create_task(host.run())
                yield host
                turns.cancel()
        except* HoldgateError as errors:
            raise errors.exceptions[0] from None


def _vaults(premises: Premises) -> list[str]:
    return [seat.id for seat in premises.charter.sites if seat.kind == "vault"]


def _app_now(host: Host, web: Web) -> Callable[[], Starlette]:
    """What a host's address shows at the moment."""
    shown: list[tuple[Site, Starlette]] = []

    def now() -> Starlette:
        site, standby = host.site, host.standby
        if site is not None:
            if not shown or shown[0][0] is not site:
                shown[:] = [(site, _app_of(site, web))]
            return shown[0][1]
        shown.clear()
        if standby is None:
            return standby_app(_no_status, f"{host.id} changes its writer; ask again")
        why = f"this is {standby.host}, which does not write; ask the other host of {host.id}, or ask again"
        return standby_app(lambda: host_status(standby, HostClock().now(), clock_quality()), why)

    return now


def _no_status() -> Struct:
    raise Unavailable("this host changes between following and writing; ask again")


def _bus_of(premises: Premises, name: str) -> "NatsBus":
    """The connection of a site, or of one host of it, to the broker.

    Raises: as `_line_of`.
    """
    address, own = _line_of(premises, name)
    hosts = [host for site in address.pairs for host in hosts_of(site)]
    kinds = {seat.id: seat.kind for seat in premises.seats()}
    hears = [
        site for site, kind in kinds.items() if kinds.get(name) != "node" or kind != "node"
    ]  # nodes tell nodes nothing
    return line_to(address, name, [*kinds, *hosts], own, [*hears, *hosts])


def _line_of(premises: Premises, name: str) -> tuple[BusAddress, SigningKey]:
    """Where the broker is and a transport key, as `holdgate bus init` laid them out.

    Raises:
        Unavailable: the broker's address or the key is not here. Malformed: one of them is none.
    """
    address = read_address(_read(premises.directory / BUS_FOLDER / BUS_ADDRESS))
    return address, read_seed(_read(premises.directory / name / BUS_KEY).decode("ascii", "replace").strip())


@asynccontextmanager
async def _hearing(premises: Premises, config: SiteConfig, site: Site) -> AsyncIterator[None]:
    """A floor hub hears readers over the brokers that its configuration names; a hub tells those whom its configuration names."""
    (address, own), folder = _line_of(premises, site.id), premises.directory / site.id
    told = notifying(Path(config.notify) if config.notify else None, site, folder)
    async with forwarding(config.broadcasts, site, site.id, address, own, folder), told:
        yield


def _alarms(vaults: Mapping[str, Vault]) -> list[Alarm]:
    return [alarm for vault in vaults.values() for alarm in vault_alarms(vault)]


def line_to(
    address: BusAddress, site: str, sites: Sequence[str], own: SigningKey, hears: Collection[str] | None = None
) -> "NatsBus":
    """A site's line to the broker, not connected yet. `own`: its transport key; `hears`: see `NatsBus`.

    Raises:
        Unavailable: the NATS client (one machine needs none) is not installed, or the file of CAs cannot be read.
    """
    try:
        from holdgate.adapters.nats_bus import NatsBus, TransportKey  # noqa: PLC0415  # an optional part
    except ImportError:
        raise Unavailable("the NATS client is not installed: pip install 'holdgate[nats]'") from None
    try:
        tls = None if address.authority is None else ssl.create_default_context(cafile=address.authority)
    except OSError as error:
        raise Unavailable(f"the broker's authority {address.authority} cannot be read: {error}") from error
    key = TransportKey(public_text(own), own.sign)
    return NatsBus(site, address.shop, sites, address.servers, key, hears=hears, tls=tls)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}; holdgate bus init writes it") from error


@contextmanager
def _web(folder: Path, scanner: Sequence[str] = ()) -> Iterator[Web]:
    """The pages and the API of this process; its front desk and its evidence lie in the folder."""
    with ExitStack() as stack:
        reception = SqliteReception(folder / RECEPTION)
        stack.callback(reception.close)
        payloads = SqlitePayloads(folder / EVIDENCE)
        stack.callback(payloads.close)
        version, orders = metadata.version("holdgate"), OrderReader()
        optional = (workshop(), printer(), invoice_writer(), Scanner(scanner) if scanner else None)
        entropy = HostEntropy()
        web = Web(entropy.token, reception, payloads, zone_of, version, _mark, orders, _to_log, *optional)
        stack.callback(web.close)
        yield web


def _to_log(line: str) -> None:
    """A line of the process's own log: standard error, which systemd keeps."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def site_status_now(site: Site) -> SiteStatus:
    """How a site stands, its host's clock included."""
    return site_status(site, clock_quality())


def _mark(text: str) -> Mark:
    return read_mark(text, read_part)


def _app(here: Mapping[str, Site | Vault], web: Web | None) -> Starlette:
    """Each site of this process under /SITE; at / the way to their pages, or their names."""
    apps = {name: _app_of(site, web) for name, site in here.items()}
    return index_app(apps) if web is None else index_app(apps, web.files(), web.first())


def _app_of(site: Site | Vault, web: Web | None) -> Starlette:
    if isinstance(site, Vault):
        return _vault_app(site)
    figures = SiteFigures(site)
    otel.offer(site.id, figures.shown(), figures.collect)
    arrivals = (epcis_route(read_object_event, handing_in(site)),) if site.kind == "floor_hub" else ()
    status = partial(site_status_now, site)
    pages = () if web is None else web.site(site, figures, status)
    return site_app(site, status, (*metrics_routes(figures.collect), *arrivals, *pages))


def _vault_app(vault: Vault) -> Starlette:
    figures = VaultFigures(vault)
    otel.offer(vault.id, figures.shown(), figures.collect)
    more = (
        *metrics_routes(figures.collect),
        *alarm_routes(lambda: vault_alarms(vault)),
        *WitnessApp(VaultFace(vault)).app.routes,
    )
    return status_app(lambda: vault_status(vault, clock_quality()), more)


async def run(app: Starlette, listen: str, serve: Serve, say: Callable[[str], None]) -> None:
    """Serve an application until SIGTERM or SIGINT; tells the system (systemd) when it is ready and when it stops.

    `say` is told the address that it is reached at.

    Raises:
        Malformed: `listen` is no host:port. Unavailable: the address cannot be taken.
    """
    await run_doors((Door(app, listen, serve),) if listen else (), say)


async def run_doors(doors: Sequence[Door], say: Callable[[str], None]) -> None:
    """The same at any number of addresses; `say` is told each, in order.

    Raises:
        Malformed: one is no host:port. Unavailable: one cannot be taken.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with AsyncExitStack() as stack:
        for door in doors:
            host, port = host_and_port(door.listen)
            taken = await stack.enter_async_context(door.serve(door.app, host, port))
            scheme, name = ("https", door.hosts[0]) if door.hosts else ("http", host)
            say(f"{scheme}://{bracketed(name)}:{taken}")
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
