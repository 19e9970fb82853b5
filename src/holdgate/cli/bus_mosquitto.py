"""holdgate bus mosquitto: a Mosquitto broker for readers that speak MQTT 5, or that already have one."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from holdgate.adapters.mosquitto_config import (
    PORT,
    SALT_BYTES,
    Mosquitto,
    MosquittoTls,
    mosquitto_acl,
    mosquitto_conf,
    mosquitto_passwords,
)
from holdgate.adapters.new_file import write_new
from holdgate.arrivals import PASSWORD_FILE
from holdgate.bootstrap import read_trust
from holdgate.engine.address import bracketed, host_and_port
from holdgate.identity.charter import Charter
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.ids import check_id

FOLDER: Final = "mosquitto"


def mosquitto(
    directory: Path,
    /,
    *,
    shop: str,
    reader: tuple[str, ...],
    server: str = f"127.0.0.1:{PORT}",
    certificate: Path | None = None,
    key: Path | None = None,
    authority: Path | None = None,
) -> int:
    """Write a Mosquitto broker's configuration, and a password for the floor hub and for each reader. Nothing is overwritten.

    Parameters
    ----------
    directory
        The shop's directory.
    shop
        The shop's name on the broker, in letters, digits, dots and dashes: that of holdgate bus init.
    reader
        The SMART-ID of a reader; once for each.
    server
        Where the broker listens, as host:port.
    certificate
        The server's certificate, as a path on the server's machine. Beyond this machine, the three are wanted.
    key
        The certificate's key, as a path there.
    authority
        Who signed it, as a path there.
    """
    charter = charter_of(directory)
    floors = floors_of(charter)
    if len(floors) != 1:
        raise Malformed(f"this shop has {len(floors)} floor hubs; one of them hears a Mosquitto broker")
    host, port = host_and_port(server, 1)
    place = (directory / FOLDER).absolute()
    broker = Mosquitto(
        shop=shop,
        floor=floors[0],
        readers=check_readers(reader, [seat.id for seat in charter.sites]),
        store=str(place / "store"),
        acl=str(place / "acl"),
        passwords=str(place / "passwords"),
        host=host,
        port=port,
        tls=_tls(certificate, key, authority),
    )
    given = {name: secrets.token_urlsafe(32) for name in (floors[0], *reader)}
    salts = {name: secrets.token_bytes(SALT_BYTES) for name in given}
    files = {directory / FOLDER / "mosquitto.conf": (mosquitto_conf(broker).encode(), False)}
    files[directory / FOLDER / "acl"] = (mosquitto_acl(broker).encode(), False)
    files[directory / FOLDER / "passwords"] = (mosquitto_passwords(given, salts).encode(), True)
    for name, password in given.items():
        path = directory / name / PASSWORD_FILE if name == floors[0] else directory / FOLDER / f"{name}.password"
        files[path] = (password.encode() + b"\n", True)
    write_all_new(files)
    (directory / FOLDER / "store").mkdir(exist_ok=True)
    _tell(directory, broker, reader)
    return 0


def charter_of(directory: Path) -> Charter:
    """The shop's charter, verified by its trust file.

    Raises:
        Unavailable: the directory holds no shop. Malformed, Tampered: the charter does not hold.
    """
    raw = read_file(directory / "charter.json", "a shop")
    return read_trust(directory / "trust.json").charter(raw)


def floors_of(charter: Charter) -> tuple[str, ...]:
    """The sites that take readers' broadcasts."""
    return tuple(seat.id for seat in charter.sites if seat.kind == "floor_hub")


def check_readers(readers: tuple[str, ...], sites: Sequence[str]) -> tuple[str, ...]:
    """Return the readers if each may have a line of its own.

    Raises:
        Malformed: one has no id, one is named twice, or one has the name of a site.
    """
    for reader in readers:
        check_id(reader, "reader")
        if reader in sites:
            raise Malformed(f"{reader} is a site, and no reader")
    if len(set(readers)) != len(readers):
        raise Malformed("a reader is named twice")
    return readers


def read_file(path: Path, what: str) -> bytes:
    """The content of a file.

    Raises:
        Unavailable: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path.parent} does not hold {what}: {error.strerror}") from error


def write_all_new(files: Mapping[Path, tuple[bytes, bool]]) -> None:
    """Write all of it, or nothing where any of it is there already. Each file: its content, and whether it is private.

    Raises:
        Malformed: one of them is there.
    """
    there = [str(path) for path in files if path.exists()]
    if there:
        raise Malformed(f"{there[0]} is there already; nothing was written. Move it away to begin anew")
    for path, (content, private) in files.items():
        write_new(path, content, private=private)


def _tls(certificate: Path | None, key: Path | None, authority: Path | None) -> MosquittoTls | None:
    if certificate is None or key is None or authority is None:
        if (certificate, key, authority) != (None, None, None):
            raise Malformed("give all of --certificate, --key and --authority, or none")
        return None
    return MosquittoTls(certificate=str(certificate), key=str(key), authority=str(authority))


def _tell(directory: Path, broker: Mosquitto, readers: Sequence[str]) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(
        f"{directory / broker.floor / PASSWORD_FILE}: for the machine of {broker.floor}, and nobody else's eyes."
    )
    for reader in readers:
        path = directory / FOLDER / f"{reader}.password"
        console.print(f"{path}: for the machine of the reader {reader}, and nobody else's eyes.")
    conf = directory / FOLDER / "mosquitto.conf"
    console.print(f"{conf}: the broker's configuration. Start it: mosquitto -c {conf}")
    scheme = "mqtt" if broker.tls is None else "mqtts"
    console.print(f'Then, at {broker.floor}: broadcasts = ["{scheme}://{bracketed(broker.host)}:{broker.port}"]')
