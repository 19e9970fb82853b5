"""The way from a reader to its floor hub, by its address: over HTTP, over NATS, or over MQTT."""

from pathlib import Path
from typing import Protocol

from holdgate.adapters.nkeys import public_text, read_seed
from holdgate.reader import HttpLink, Link
from holdgate.terms.errors import Malformed, Unavailable


class SiteLink(Link, Protocol):
    """A link that knows whose it is. `site`: the floor hub's SMART-ID."""

    site: str


def open_line(to: str, reader: str, line: Path | None, authority: Path | None) -> SiteLink:
    """The way.

    Args:
        to: http(s)://host:port/FLOOR, nats:// or tls://host:port/SHOP/FLOOR, mqtt:// or mqtts://host:port/SHOP/FLOOR.
        reader: the reader's SMART-ID.
        line: the file with the reader's key or password at the broker.
        authority: a file of CAs for a broker with TLS; None: the machine's own.

    Raises:
        Malformed: it is no address, or a broker's without `line`. Unavailable: a file or a client is not here.
    """
    scheme = to.partition(":")[0]
    if scheme not in ("nats", "tls", "mqtt", "mqtts"):
        if line is not None or authority is not None:
            raise Malformed("--line and --authority belong to a broker's address (nats://, tls://, mqtt://, mqtts://)")
        return HttpLink(to)
    if line is None:
        raise Malformed("a broker lets in whom it knows: give the reader's key or password there with --line")
    said = _read(line)
    trusted = None if authority is None else str(authority)
    return _nats(to, reader, said, trusted) if scheme in ("nats", "tls") else _mqtt(to, reader, said, trusted)


def _nats(to: str, reader: str, seed: str, authority: str | None) -> SiteLink:
    try:
        from holdgate.reader.nats_link import NatsLink  # noqa: PLC0415  # an optional part
    except ImportError:
        raise Unavailable("the NATS client is not installed: pip install 'holdgate[nats]'") from None
    own = read_seed(seed)
    return NatsLink(to, reader, public_text(own), own.sign, authority=authority)


def _mqtt(to: str, reader: str, password: str, authority: str | None) -> SiteLink:
    try:
        from holdgate.reader.mqtt_link import MqttLink  # noqa: PLC0415  # an optional part
    except ImportError:
        raise Unavailable("the MQTT client is not installed: pip install 'holdgate[mqtt]'") from None
    return MqttLink(to, reader, password, authority=authority)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error}") from error
