"""holdgate bus: the broker over which sites on several machines speak, and the keys that open a line to it."""

import asyncio
from pathlib import Path
from typing import Final

import msgspec
from cyclopts import App
from rich.console import Console

from holdgate.adapters.nats_config import CLUSTER, PORT, Broker, Cluster, Tls, config_of
from holdgate.adapters.new_file import write_new
from holdgate.adapters.nkeys import public_text, read_seed, seed_text
from holdgate.bootstrap import read_trust
from holdgate.crypto.keys import SigningKey
from holdgate.engine.address import PORT_MAX, BusAddress, bracketed, host_and_port, read_address
from holdgate.engine.keeping import hosts_of
from holdgate.identity.charter import Charter, open_charter
from holdgate.process import line_to
from holdgate.terms.errors import Malformed, Unavailable

FOLDER: Final = "bus"
KEY_FILE: Final = "bus.key"
ADDRESS_FILE: Final = "bus.json"
ROUTE_STEP: Final = 2_000
"""Servers of a cluster speak to each other on the port for sites plus this."""

bus = App(name="bus", help="Let sites on several machines speak over a NATS broker.", result_action="return_value")


@bus.command
def init(
    directory: Path,
    /,
    *,
    shop: str,
    server: tuple[str, ...] = (f"127.0.0.1:{PORT}",),
    certificate: Path | None = None,
    key: Path | None = None,
    authority: Path | None = None,
    pair: tuple[str, ...] = (),
) -> int:
    """Write the broker's configuration and one transport key for each site into a shop's directory. Nothing is overwritten.

    Parameters
    ----------
    directory
        The shop's directory.
    shop
        The shop's name on the broker, in letters, digits, dots and dashes.
    server
        Where the broker listens, as host:port. Three times for a cluster, of which one may fail.
    certificate
        The server's certificate, as a path on the server's machine. Beyond this machine, the three are wanted.
    key
        The certificate's key, as a path there.
    authority
        Who signed it, as a path that is the same there and at each site.
    pair
        A site that two machines keep, so that one can fail. Again for another one.
    """
    charter = _charter(directory)
    tls = _tls(certificate, key, authority)
    _check_pairs(charter, pair)
    names = [*(seat.id for seat in charter.sites), *(host for site in pair for host in hosts_of(site))]
    keys = {name: SigningKey.generate() for name in names}
    scheme = "nats" if tls is None else "tls"
    address = BusAddress(
        shop=shop,
        servers=tuple(f"{scheme}://{place}" for place in server),
        authority=None if tls is None else tls.authority,
        pairs=pair,
    )
    read_address(msgspec.json.encode(address))  # what no site would take is not written
    files: dict[Path, tuple[bytes, bool]] = {}
    for path, text in _configurations(directory, shop, server, tls, keys).items():
        files[path] = (text.encode(), False)
    files[directory / FOLDER / ADDRESS_FILE] = (msgspec.json.format(msgspec.json.encode(address)) + b"\n", False)
    for site, own in keys.items():
        files[directory / site / KEY_FILE] = (seed_text(own).encode() + b"\n", True)
    _write_new(files)
    _tell(directory, [*keys], [path for path in files if path.suffix == ".conf"])
    return 0


@bus.command
def check(directory: Path, /, *, wait: float = 3.0) -> int:
    """Open a line to the broker with each transport key that is here, and say which site is let in. Answers no request.

    Parameters
    ----------
    directory
        The shop's directory.
    wait
        How many seconds to try.
    """
    charter = _charter(directory)
    address = read_address(_read(directory / FOLDER / ADDRESS_FILE, "the broker's address; see holdgate bus init"))
    sites = [*(seat.id for seat in charter.sites), *(host for site in address.pairs for host in hosts_of(site))]
    here = {site: directory / site / KEY_FILE for site in sites if (directory / site / KEY_FILE).is_file()}
    if not here:
        raise Unavailable(f"{directory} holds no transport key; see holdgate bus init")
    keys = {
        site: read_seed(_read(path, "a transport key").decode(errors="replace").strip()) for site, path in here.items()
    }
    refused = asyncio.run(_let_in(address, sites, keys, wait))
    console = _console()
    for site in keys:
        console.print(f"{site}: {refused.get(site, 'let in')}")
    return 1 if refused else 0


async def _let_in(address: BusAddress, sites: list[str], keys: dict[str, SigningKey], wait_s: float) -> dict[str, str]:
    """Which sites got no line, and why."""
    refused: dict[str, str] = {}
    for site, own in keys.items():
        line = line_to(address, site, sites, own)
        if not await line.connect(wait_s):
            refused[site] = line.faults[-1] if line.faults else "no answer"
        await line.close()
    return refused


def _check_pairs(charter: Charter, pairs: tuple[str, ...]) -> None:
    """Pairs keep logs of decisions, and the names of their hosts are nobody else's.

    Raises:
        Malformed: a site that this shop does not have, a Vault, or a site that has a host's name.
    """
    kinds = {seat.id: seat.kind for seat in charter.sites}
    for site in pairs:
        if kinds.get(site, "vault") == "vault":
            raise Malformed(f"{site[:64]} is no hub or node of this shop; two machines can keep one of those")
        for name in hosts_of(site):
            if name in kinds:
                raise Malformed(f"{name} is a site of its own, so it cannot be the name of a host of {site}")


def _charter(directory: Path) -> Charter:
    raw = _read(directory / "charter.json", "a shop")
    return open_charter(raw, read_trust(directory / "trust.json").roots)


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path.parent} does not hold {what}: {error.strerror}") from error


def _tls(certificate: Path | None, key: Path | None, authority: Path | None) -> Tls | None:
    if certificate is None or key is None or authority is None:
        if (certificate, key, authority) != (None, None, None):
            raise Malformed("give all of --certificate, --key and --authority, or none")
        return None
    return Tls(certificate=str(certificate), key=str(key), authority=str(authority))


def _configurations(
    directory: Path, shop: str, servers: tuple[str, ...], tls: Tls | None, keys: dict[str, SigningKey]
) -> dict[Path, str]:
    """A file for each server."""
    places = [host_and_port(server, 1, PORT_MAX - ROUTE_STEP) for server in servers]
    if len(places) not in {1, CLUSTER}:
        raise Malformed(f"name one server, or {CLUSTER} of a cluster")
    routes = tuple(f"{bracketed(host)}:{port + ROUTE_STEP}" for host, port in places)
    users = {site: public_text(own) for site, own in keys.items()}
    found: dict[Path, str] = {}
    for number, (host, port) in enumerate(places):
        alone = len(places) == 1
        name = f"{shop}-broker" if alone else f"{shop}-broker-{number + 1}"
        broker = Broker(
            name=name,
            shop=shop,
            users=users,
            store=str((directory / FOLDER / name).absolute()),
            host=host,
            port=port,
            tls=tls,
            cluster=None if alone else Cluster(name=shop, routes=routes, own=number),
        )
        found[directory / FOLDER / ("nats-server.conf" if alone else f"nats-server-{number + 1}.conf")] = config_of(
            broker
        )
    return found


def _write_new(files: dict[Path, tuple[bytes, bool]]) -> None:
    """Write all of it, or nothing where any of it is there already."""
    there = [str(path) for path in files if path.exists()]
    if there:
        raise Malformed(f"{there[0]} is there already; nothing was written. Move it away to begin anew")
    for path, (content, private) in files.items():
        write_new(path, content, private=private)


def _tell(directory: Path, sites: list[str], configurations: list[Path]) -> None:
    console = _console()
    for site in sites:
        console.print(
            f"{directory / site / KEY_FILE}: the key of {site}. For that site's machine, and nobody else's eyes."
        )
    console.print(f"{directory / FOLDER / ADDRESS_FILE}: where the broker is. For every site.")
    for path in configurations:
        console.print(f"{path}: the broker's configuration. Start it: nats-server -c {path}")
    console.print(f"Then see who is let in: holdgate bus check {directory}")


def _console() -> Console:
    return Console(highlight=False, markup=False, soft_wrap=True)
