"""holdgate bus add: a line to the broker for a node or a reader that came later."""

import secrets
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console

from holdgate.adapters.nats_config import CLUSTER, Broker, Cluster, ReaderLine, config_of
from holdgate.adapters.new_file import put
from holdgate.adapters.nkeys import public_text, seed_text
from holdgate.bootstrap import read_premises
from holdgate.cli.bus_mosquitto import check_readers, read_file, write_all_new
from holdgate.crypto.keys import SigningKey
from holdgate.engine.address import PORT_MAX, bracketed, host_and_port
from holdgate.terms.errors import Malformed

FOLDER: Final = "bus"
KEY_FILE: Final = "bus.key"
READERS: Final = "readers"
LAID: Final = "broker.json"
ROUTE_STEP: Final = 2_000
"""Servers of a cluster speak to each other on the port for sites plus this."""


class Laid(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A shop's broker as it was laid out: what its configuration files are made from.

    `servers`: as host:port. `broker`: what all of them have in common.
    """

    servers: tuple[str, ...]
    broker: Broker

    def files(self, folder: Path) -> dict[Path, tuple[bytes, bool]]:
        """A configuration for each server, and this document; whether each is private.

        Raises:
            Malformed: the servers are not one or three, or something that no broker would take.
        """
        places = [host_and_port(server, 1, PORT_MAX - ROUTE_STEP) for server in self.servers]
        if len(places) not in {1, CLUSTER}:
            raise Malformed(f"name one server, or {CLUSTER} of a cluster")
        routes = tuple(f"{bracketed(host)}:{port + ROUTE_STEP}" for host, port in places)
        secret = any(line.password is not None for line in self.broker.readers.values())
        found = {folder / LAID: (msgspec.json.format(msgspec.json.encode(self)) + b"\n", True)}
        for number, (host, port) in enumerate(places):
            alone = len(places) == 1
            name = f"{self.broker.shop}-broker" if alone else f"{self.broker.shop}-broker-{number + 1}"
            one = replace(
                self.broker,
                name=name,
                store=str((folder / name).absolute()),
                host=host,
                port=port,
                cluster=None if alone else Cluster(name=self.broker.shop, routes=routes, own=number),
            )
            path = folder / ("nats-server.conf" if alone else f"nats-server-{number + 1}.conf")
            found[path] = (config_of(one).encode(), secret)
        return found


def add(directory: Path, name: str, /, *, reader: bool = False) -> int:
    """Let a node that joins, or another reader, in at the broker. Nobody else is disturbed: the servers read it anew.

    Parameters
    ----------
    directory
        The shop's directory, with the broker as holdgate bus init laid it out.
    name
        The node (holdgate site node made its folder), or the reader's SMART-ID.
    reader
        It is a reader.
    """
    laid, folder = _laid(directory), directory / FOLDER
    own = SigningKey.generate()
    broker, new = (_with_reader if reader else _with_site)(directory, laid.broker, name, own)
    if name in laid.broker.users or name in laid.broker.readers:
        raise Malformed(f"{name} has a line to the broker already")
    files = Laid(servers=laid.servers, broker=broker).files(folder)
    write_all_new(new)
    for path, (content, private) in files.items():
        put(path, content, private=private)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for path in new:
        console.print(f"{path}: for the machine of {name}, and nobody else's eyes.")
    for path in (path for path in files if path.suffix == ".conf"):
        console.print(f"{path}: copy it to its server, and have that read it: nats-server --signal reload=PID")
    return 0


def _laid(directory: Path) -> Laid:
    """The broker as it was laid out.

    Raises:
        Unavailable: it was not, or by an older release. Malformed: the document cannot be read.
    """
    path = directory / FOLDER / LAID
    try:
        return msgspec.json.decode(read_file(path, "how the broker was laid out; see holdgate bus init"), type=Laid)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"{path} does not say how the broker was laid out: {error}") from None


def _with_site(
    directory: Path, broker: Broker, name: str, own: SigningKey
) -> tuple[Broker, dict[Path, tuple[bytes, bool]]]:
    if name not in [seat.id for seat in read_premises(directory).seats()]:
        raise Malformed(f"{name[:64]} is no site that was laid out here; holdgate site node makes a node's folder")
    users = {**broker.users, name: public_text(own)}
    return replace(broker, users=users), {directory / name / KEY_FILE: (seed_text(own).encode() + b"\n", True)}


def _with_reader(
    directory: Path, broker: Broker, name: str, own: SigningKey
) -> tuple[Broker, dict[Path, tuple[bytes, bool]]]:
    check_readers((name,), tuple(broker.users))
    password = None if broker.mqtt_port is None else secrets.token_urlsafe(32)
    readers = {**broker.readers, name: ReaderLine(key=public_text(own), password=password)}
    place = directory / FOLDER / READERS
    files = {place / f"{name}.key": (seed_text(own).encode() + b"\n", True)}
    if password is not None:
        files[place / f"{name}.password"] = (password.encode() + b"\n", True)
    return replace(broker, readers=readers), files
