"""holdgate bus: the broker over which sites on several machines speak, and the keys that open a line to it."""

import asyncio
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from cyclopts import App
from rich.console import Console

from holdgate.adapters.nats_config import PORT, Broker, ReaderLine, Tls
from holdgate.adapters.nkeys import public_text, read_seed, seed_text
from holdgate.bootstrap import read_premises
from holdgate.cli.bus_add import FOLDER, KEY_FILE, READERS, Laid, add
from holdgate.cli.bus_mosquitto import charter_of, check_readers, floors_of, mosquitto, read_file, write_all_new
from holdgate.crypto.keys import SigningKey
from holdgate.engine.address import PORT_MAX, BusAddress, read_address
from holdgate.engine.keeping import hosts_of
from holdgate.identity.charter import Charter
from holdgate.process import line_to
from holdgate.terms.errors import Malformed, Unavailable

ADDRESS_FILE: Final = "bus.json"

bus = App(name="bus", help="Let sites on several machines speak over a NATS broker.", result_action="return_value")
bus.command(mosquitto)
bus.command(add)


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
    reader: tuple[str, ...] = (),
    mqtt: int | None = None,
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
    reader
        The SMART-ID of a reader that hands in over the broker; once for each.
    mqtt
        The port at which the broker speaks MQTT 3.1.1 to readers, such as 1883.
    """
    charter = charter_of(directory)
    tls = _tls(certificate, key, authority)
    _check_pairs(charter, pair)
    sites = [*(seat.id for seat in charter.sites), *(host for site in pair for host in hosts_of(site))]
    keys = {name: SigningKey.generate() for name in (*sites, *check_readers(reader, sites))}
    passwords = {name: secrets.token_urlsafe(32) for name in reader if mqtt is not None}
    scheme = "nats" if tls is None else "tls"
    address = BusAddress(
        shop=shop,
        servers=tuple(f"{scheme}://{place}" for place in server),
        authority=None if tls is None else tls.authority,
        pairs=pair,
    )
    read_address(msgspec.json.encode(address))  # what no site would take is not written
    files: dict[Path, tuple[bytes, bool]] = {}
    wanted = Broker(
        name=shop,
        shop=shop,
        users={site: public_text(keys[site]) for site in sites},
        store="",
        tls=tls,
        floors=floors_of(charter),
        readers={name: ReaderLine(key=public_text(keys[name]), password=passwords.get(name)) for name in reader},
        mqtt_port=_port(mqtt),
    )
    files |= Laid(servers=server, broker=wanted).files(directory / FOLDER)
    files[directory / FOLDER / ADDRESS_FILE] = (msgspec.json.format(msgspec.json.encode(address)) + b"\n", False)
    for name, own in keys.items():
        path = directory / name / KEY_FILE if name in sites else directory / FOLDER / READERS / f"{name}.key"
        files[path] = (seed_text(own).encode() + b"\n", True)
    for name, password in passwords.items():
        files[directory / FOLDER / READERS / f"{name}.password"] = (password.encode() + b"\n", True)
    write_all_new(files)
    _tell(directory, sites, files)
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
    address = read_address(read_file(directory / FOLDER / ADDRESS_FILE, "the broker's address; see holdgate bus init"))
    seats = read_premises(directory).seats()
    sites = [*(seat.id for seat in seats), *(host for site in address.pairs for host in hosts_of(site))]
    here = {site: directory / site / KEY_FILE for site in sites if (directory / site / KEY_FILE).is_file()}
    if not here:
        raise Unavailable(f"{directory} holds no transport key; see holdgate bus init")
    keys = {
        site: read_seed(read_file(path, "a transport key").decode(errors="replace").strip())
        for site, path in here.items()
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


def _tls(certificate: Path | None, key: Path | None, authority: Path | None) -> Tls | None:
    if certificate is None or key is None or authority is None:
        if (certificate, key, authority) != (None, None, None):
            raise Malformed("give all of --certificate, --key and --authority, or none")
        return None
    return Tls(certificate=str(certificate), key=str(key), authority=str(authority))


def _port(mqtt: int | None) -> int | None:
    if mqtt is not None and not 1 <= mqtt <= PORT_MAX:
        raise Malformed(f"{mqtt} is no port; MQTT usually has 1883, and 8883 with TLS")
    return mqtt


def _tell(directory: Path, sites: list[str], files: Iterable[Path]) -> None:
    console = _console()
    for site in sites:
        console.print(
            f"{directory / site / KEY_FILE}: the key of {site}. For that site's machine, and nobody else's eyes."
        )
    for path in (path for path in files if path.parent.name == READERS):
        console.print(f"{path}: for the machine of the reader {path.stem}, and nobody else's eyes.")
    console.print(f"{directory / FOLDER / ADDRESS_FILE}: where the broker is. For every site.")
    for path in (path for path in files if path.suffix == ".conf"):
        console.print(f"{path}: the broker's configuration. Start it: nats-server -c {path}")
    console.print(f"Then see who is let in: holdgate bus check {directory}")


def _console() -> Console:
    return Console(highlight=False, markup=False, soft_wrap=True)
