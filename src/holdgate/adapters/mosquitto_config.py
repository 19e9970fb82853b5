"""The configuration of a Mosquitto broker for one shop's readers, as text. Pure: nothing is read or written here.

A user for the floor hub and one for each reader, by password. The floor hub hears every reader and tells each; a reader speaks
under its own name and hears what it is told itself. Nobody gets in without a password.
Source: mosquitto.conf(5), mosquitto_passwd(1), version 2.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from holdgate.terms.errors import Malformed
from holdgate.terms.hosts import check_host
from holdgate.terms.limits import BROADCAST_BYTES_MAX, BROKER_CONNECTIONS_MAX, MQTT_IN_FLIGHT_MAX, MQTT_QUEUED_MAX
from holdgate.terms.topics import Names, token

PORT: Final = 1883
SAVED_S: Final = 5
"""Mosquitto writes its memory to disk this often, and when it ends in good order."""
SESSION: Final = "30d"
ITERATIONS: Final = 1_000
"""The broker counts them at every connection. Our passwords are chance of 256 bits, which needs no slow hash."""
SALT_BYTES: Final = 12


class MosquittoTls(Struct, frozen=True, kw_only=True):
    """Paths of the server's certificate and key, and of the authority, on the server's machine."""

    certificate: str
    key: str
    authority: str


class Mosquitto(Struct, frozen=True, kw_only=True):
    """One broker.

    `floor`: the floor hub. `readers`: their SMART-IDs. `store`: the folder of what it keeps. `acl`, `passwords`: where the
    other two files will be.
    """

    shop: str
    floor: str
    readers: tuple[str, ...]
    store: str
    acl: str
    passwords: str
    host: str = "127.0.0.1"
    port: int = PORT
    tls: MosquittoTls | None = None


def mosquitto_conf(broker: Mosquitto) -> str:
    """The text of the configuration file.

    Raises:
        Malformed: an address beyond this machine without TLS, or a path that would begin a line of its own.
    """
    check_host(broker.host, tls=broker.tls is not None)
    tls = broker.tls
    lines = [
        f"listener {broker.port} {_line(broker.host)}",
        "allow_anonymous false",
        f"password_file {_line(broker.passwords)}",
        f"acl_file {_line(broker.acl)}",
        f"max_connections {BROKER_CONNECTIONS_MAX}",
        f"max_packet_size {BROADCAST_BYTES_MAX + 1024}",
        f"max_inflight_messages {MQTT_IN_FLIGHT_MAX}",
        f"max_queued_messages {MQTT_QUEUED_MAX}",
        "# What comes while the floor hub is away waits for it; what the broker has not written yet, a power cut takes.",
        "persistence true",
        f"persistence_location {_line(broker.store)}/",
        f"autosave_interval {SAVED_S}",
        f"persistent_client_expiration {SESSION}",
        "set_tcp_nodelay true",
        "log_dest stderr",
    ]
    if tls is not None:
        lines += [
            f"certfile {_line(tls.certificate)}",
            f"keyfile {_line(tls.key)}",
            f"cafile {_line(tls.authority)}",
        ]
    return "\n".join(lines) + "\n"


def mosquitto_acl(broker: Mosquitto) -> str:
    """The text of the file that says who may speak and hear what.

    Raises:
        Malformed: a name that is no id.
    """
    names = Names.mqtt(broker.shop, broker.floor)
    lines = _rights(broker.floor, reads=(names.arrivals, names.hails), writes=(names.receipts,))
    for reader in sorted(broker.readers):
        lines += _rights(reader, reads=(names.receipt(reader),), writes=(names.arrival(reader), names.hail(reader)))
    return "\n".join(lines) + "\n"


def mosquitto_passwords(given: Mapping[str, str], salts: Mapping[str, bytes]) -> str:
    """The text of the file of passwords, none of which can be read from it.

    Args:
        given: password by user.
        salts: SALT_BYTES of chance by user.

    Raises:
        Malformed: a user that is no id.
    """
    lines = []
    for user, password in sorted(given.items()):
        token(user, "user")
        made = hashlib.pbkdf2_hmac("sha512", password.encode(), salts[user], ITERATIONS)
        lines.append(
            f"{user}:$7${ITERATIONS}${base64.b64encode(salts[user]).decode()}${base64.b64encode(made).decode()}"
        )
    return "\n".join(lines) + "\n"


def _rights(user: str, *, reads: tuple[str, ...], writes: tuple[str, ...]) -> list[str]:
    token(user, "user")
    return [f"user {user}", *(f"topic read {name}" for name in reads), *(f"topic write {name}" for name in writes), ""]


def _line(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise Malformed(f"{text[:80]!r} cannot stand in the broker's configuration")
    return text
