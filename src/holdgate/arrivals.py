"""arrivals: which sources of readers' broadcasts a floor hub listens to, as its configuration names them.

    broadcasts = ["jetstream", "mqtt-gateway", "mqtt://127.0.0.1:1883"]

`jetstream` and `mqtt-gateway` are on the shop's own broker (`holdgate bus init`); an address is that of a Mosquitto broker. Each
has a forwarder of its own, so that one that is away holds up no other.
"""

import ssl
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from holdgate.adapters.epcis import read_object_event
from holdgate.adapters.http_epcis import envelope_in
from holdgate.adapters.nkeys import public_text
from holdgate.crypto.keys import SigningKey
from holdgate.engine.address import PORT_MAX, BusAddress
from holdgate.engine.broadcasts import BroadcastSource, Faults
from holdgate.engine.subjects import Tray
from holdgate.sites.forwarder import Forwarder
from holdgate.sites.reply import Submits
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.topics import Names

JETSTREAM: Final = "jetstream"
GATEWAY: Final = "mqtt-gateway"
PASSWORD_FILE: Final = "mqtt.password"  # noqa: S105  # the name of a file
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


@asynccontextmanager
async def forwarding(
    named: Sequence[str], site: Submits, floor: str, address: BusAddress, key: SigningKey, folder: Path
) -> AsyncIterator[None]:
    """Forward what every named source gives to the floor hub, for as long as this lasts.

    Args:
        named: the sources.
        site: the floor hub.
        floor: its SMART-ID.
        address: the shop's broker.
        key: the floor hub's transport key.
        folder: where the floor hub's password for Mosquitto is, if there is one.

    Raises:
        Malformed: no source has such a name. Unavailable: a client, a password or a file of CAs is not here.
    """
    sources = [_source(name, floor, address, key, folder) for name in dict.fromkeys(named)]
    async with AsyncExitStack() as stack:
        for source, faults in sources:
            forwarder = Forwarder(source, site, envelope_in(read_object_event), faults)
            forwarder.start()
            stack.push_async_callback(forwarder.stop)
        yield


def _source(
    name: str, floor: str, address: BusAddress, key: SigningKey, folder: Path
) -> tuple[BroadcastSource, Faults]:
    faults = Faults(lambda said: _complain(floor, name, said))
    if name in (JETSTREAM, GATEWAY):
        return _of_nats(name, floor, address, key, faults), faults
    return _of_mqtt(name, floor, address, folder, faults), faults


def _of_nats(name: str, floor: str, address: BusAddress, key: SigningKey, faults: Faults) -> BroadcastSource:
    try:
        from holdgate.adapters.nats_broadcasts import LineKey, NatsBroadcasts  # noqa: PLC0415  # an optional part
    except ImportError:
        raise Unavailable("the NATS client is not installed: pip install 'holdgate[nats]'") from None
    tray = (Tray.of_nats if name == JETSTREAM else Tray.of_mqtt)(address.shop, floor)
    tls = None if address.authority is None else _believing(address.authority)
    return NatsBroadcasts(floor, tray, address.servers, LineKey(public_text(key), key.sign), faults, tls=tls)


def _of_mqtt(name: str, floor: str, address: BusAddress, folder: Path, faults: Faults) -> BroadcastSource:
    try:
        parts = urlsplit(name)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in _PORTS or not host or parts.path.strip("/") or parts.username or port == 0:
        raise Malformed(
            f"{name[:80]!r} is no source of broadcasts; write {JETSTREAM}, {GATEWAY}, or mqtt://host:port (to {PORT_MAX})"
        )
    try:
        from holdgate.adapters.mqtt_broadcasts import MqttBroadcasts  # noqa: PLC0415  # an optional part
    except ImportError:
        raise Unavailable("the MQTT client is not installed: pip install 'holdgate[mqtt]'") from None
    try:
        password = (folder / PASSWORD_FILE).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Unavailable(
            f"{folder / PASSWORD_FILE} cannot be read: {error.strerror}; holdgate bus mosquitto writes it"
        ) from error
    tls = _believing(address.authority) if parts.scheme == "mqtts" else None
    names = Names.mqtt(address.shop, floor)
    return MqttBroadcasts(floor, names, host, port or _PORTS[parts.scheme], password, faults, tls=tls)


def _believing(authority: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authority)
    except OSError as error:
        raise Unavailable(f"the broker's authority {authority} cannot be read: {error}") from error


def _complain(floor: str, source: str, said: str) -> None:
    """A line for whoever reads what the process writes (the system's journal)."""
    sys.stderr.write(f"{floor}: broadcasts from {source}: {said}\n")
    sys.stderr.flush()
