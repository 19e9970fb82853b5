"""The configuration of a NATS broker for one shop, as text. Pure: nothing is read or written here.

One user for each site, by transport key. A site may publish what it asks under its own name, its own beat, and answers to what
it was asked; it may listen to what it is asked, to beats, and to its own answers. Nothing else, the broker's own store
included: only a floor hub may make and read the stream that keeps readers' broadcasts for it.

One user for each reader, by transport key, and one more by password where the broker speaks MQTT. A reader may speak under its
own name and hear what it is told itself.
"""

from typing import Final

from msgspec import Struct

from holdgate.engine.parts import HEAD_BYTES
from holdgate.engine.subjects import Subjects, Tray, inbox
from holdgate.terms.errors import Malformed
from holdgate.terms.hosts import check_host
from holdgate.terms.limits import (
    BROKER_CONNECTIONS_MAX,
    BROKER_PAYLOAD_BYTES_MAX,
    BROKER_PENDING_BYTES_MAX,
    BROKER_STORE_BYTES_MAX,
    WIRE_ANSWER_BYTES_MAX,
)
from holdgate.terms.topics import Names, reader_inbox, token

PORT: Final = 4222
ROUTE_PORT: Final = 6222
PAYLOAD_BYTES_MIN: Final = 65_536
"""Of smaller messages, an answer would need more parts than a broker is told to let through."""
CLUSTER: Final = 3
"""Servers of a cluster: one may fail."""


class Tls(Struct, frozen=True, kw_only=True):
    """Paths of the server's certificate and key, and of the authority that other servers of the cluster are believed by."""

    certificate: str
    key: str
    authority: str


class Cluster(Struct, frozen=True, kw_only=True):
    """The three servers, as `host:port` of their routes; `own` is the place of this one among them."""

    name: str
    routes: tuple[str, ...]
    own: int


class ReaderLine(Struct, frozen=True, kw_only=True):
    """How a reader is let in: the public user key of its transport key, and its password for MQTT, where there is MQTT."""

    key: str
    password: str | None = None


class Broker(Struct, frozen=True, kw_only=True):
    """One server.

    `name`: its own name. `shop`: the shop's name in subjects. `users`: site → public user key. `store`: the folder of what
    it keeps. `payload_bytes_max`: one message; larger ones go in parts. `leaf_port`: listens to leaf servers too. `floors`: the
    sites that take readers' broadcasts. `readers`: by SMART-ID. `mqtt_port`: speaks MQTT 3.1.1 to readers there.
    """

    name: str
    shop: str
    users: dict[str, str]
    store: str
    host: str = "127.0.0.1"
    port: int = PORT
    payload_bytes_max: int = BROKER_PAYLOAD_BYTES_MAX
    leaf_port: int | None = None
    tls: Tls | None = None
    cluster: Cluster | None = None
    floors: tuple[str, ...] = ()
    readers: dict[str, ReaderLine] = {}
    mqtt_port: int | None = None


def config_of(broker: Broker) -> str:
    """The text of the server's configuration file.

    Raises:
        Malformed: no sites, two of one name or key, an address beyond this machine without TLS, a cluster that is not of
            three, or a word that would end its quotation.
    """
    _check(broker)
    lines = [
        f"server_name: {_word(broker.name)}",
        f"listen: {_word(f'{_address(broker.host)}:{broker.port}')}",
        f"max_payload: {broker.payload_bytes_max}",
        f"max_connections: {BROKER_CONNECTIONS_MAX}",
        f"max_pending: {BROKER_PENDING_BYTES_MAX}",
        'write_deadline: "10s"',
        *_tls(broker.tls, "", ", handshake_first: true"),
        "# Acknowledged means on the disk: with the server's own default, a power cut loses what was acknowledged.",
        f"jetstream {{ store_dir: {_word(broker.store)}, sync_interval: always, max_file_store: {BROKER_STORE_BYTES_MAX} }}",
        "# Unless told not to, leaf servers would find each other past the way that is meant.",
        *_leaf(broker),
        *_cluster(broker),
        *_mqtt(broker),
        "accounts {",
        "  SHOP {",
        "    jetstream: enabled",
        "    users: [",
    ]
    subjects = Subjects.of(broker.shop)
    for site, key in sorted(broker.users.items()):
        trays = _trays(broker, site) if site in broker.floors else ()
        lines += _user(subjects, site, key, _responses(broker.payload_bytes_max), trays)
    for reader, line in sorted(broker.readers.items()):
        lines += _reader(broker, reader, line)
    lines += ["    ]", "  }", "  SYS {}", "}", "system_account: SYS"]
    return "\n".join(lines) + "\n"


def _check(broker: Broker) -> None:
    if not broker.users:
        raise Malformed("a broker without sites serves nobody")
    keys = [*broker.users.values(), *(line.key for line in broker.readers.values())]
    if len(set(keys)) != len(keys):
        raise Malformed("two sites or readers have one transport key; each needs its own")
    if broker.mqtt_port is not None and any(line.password is None for line in broker.readers.values()):
        raise Malformed("a reader that speaks MQTT needs a password")
    if broker.payload_bytes_max < PAYLOAD_BYTES_MIN:
        raise Malformed(f"max_payload is at least {PAYLOAD_BYTES_MIN}")
    hosts = [broker.host]
    if broker.cluster is not None:
        routes = broker.cluster.routes
        if len(routes) != CLUSTER or len(set(routes)) != CLUSTER or broker.cluster.own not in range(CLUSTER):
            raise Malformed(f"a cluster has {CLUSTER} servers, and this is one of them")
        hosts += [route.rpartition(":")[0].strip("[]") for route in routes]
    for host in hosts:
        check_host(host, tls=broker.tls is not None)


def _trays(broker: Broker, floor: str) -> tuple[Tray, ...]:
    """What the broker keeps for a floor hub."""
    own = Tray.of_nats(broker.shop, floor)
    return (own,) if broker.mqtt_port is None else (own, Tray.of_mqtt(broker.shop, floor))


def _user(subjects: Subjects, site: str, key: str, responses: int, trays: tuple[Tray, ...]) -> list[str]:
    publish = [subjects.asks(site), subjects.beat(site), *(name for tray in trays for name in tray.publishes)]
    subscribe = [subjects.asked(site), subjects.beats, f"{inbox(site)}.>"]
    subscribe += [name for tray in trays for name in tray.subscribes]
    more = f'          allow_responses {{ max: {responses}, expires: "1m" }}'
    return _block(site, [f"nkey: {_word(key)}"], publish, subscribe, (more,))


def _reader(broker: Broker, reader: str, line: ReaderLine) -> list[str]:
    """A reader's user by key, and the one by password."""
    shop, floors = broker.shop, broker.floors
    named = [Names.nats(shop, floor) for floor in floors]
    own = [f"{reader_inbox(reader)}.>"]
    lines = _block(
        reader,
        [f"nkey: {_word(line.key)}", 'allowed_connection_types: ["STANDARD"]'],
        *_spoken(named, reader, own),
    )
    if broker.mqtt_port is None or line.password is None:
        return lines
    named = [Names.gateway(shop, floor) for floor in floors]
    login = [f"user: {_word(reader)}", f"password: {_word(line.password)}", 'allowed_connection_types: ["MQTT"]']
    return [*lines, *_block(reader, login, *_spoken(named, reader, []))]


def _spoken(named: list[Names], reader: str, more: list[str]) -> tuple[list[str], list[str]]:
    """What a reader may publish, and what it may listen to."""
    publish = [name for names in named for name in (names.arrival(reader), names.hail(reader))]
    return publish, [*(names.receipt(reader) for names in named), *more]


def _block(
    name: str, login: list[str], publish: list[str], subscribe: list[str], more: tuple[str, ...] = ()
) -> list[str]:
    """A user. The names that it may use are made here of ids alone, so that none of them can end its quotation."""
    return [
        f"      # {token(name)}",
        "      {",
        *(f"        {line}" for line in login),
        "        permissions {",
        f"          publish {{ allow: [{', '.join(map(_own_word, publish))}] }}",
        f"          subscribe {{ allow: [{', '.join(map(_own_word, subscribe))}] }}",
        *more,
        "        }",
        "      }",
    ]


def _mqtt(broker: Broker) -> list[str]:
    """The gateway. What it keeps has as many copies as the servers can have."""
    if broker.mqtt_port is None:
        return []
    return [
        "mqtt {",
        f"  listen: {_word(f'{_address(broker.host)}:{broker.mqtt_port}')}",
        f"  stream_replicas: {1 if broker.cluster is None else CLUSTER}",
        *_tls(broker.tls, "  "),
        "}",
    ]


def _responses(payload_bytes_max: int) -> int:
    """Parts of the largest answer: what a site may send to the one who asked."""
    return -(-WIRE_ANSWER_BYTES_MAX // (payload_bytes_max - HEAD_BYTES))


def _leaf(broker: Broker) -> list[str]:
    listen = "" if broker.leaf_port is None else f"listen: {_word(f'{_address(broker.host)}:{broker.leaf_port}')}, "
    if broker.leaf_port is not None and broker.tls is not None:
        return [f"leafnodes {{ {listen}no_advertise: true", *_tls(broker.tls, "  "), "}"]
    return [f"leafnodes {{ {listen}no_advertise: true }}"]


def _cluster(broker: Broker) -> list[str]:
    if broker.cluster is None:
        return []
    listen = broker.cluster.routes[broker.cluster.own]
    routes = ", ".join(_word(f"nats://{route}") for route in broker.cluster.routes)
    return [
        "cluster {",
        f"  name: {_word(broker.cluster.name)}",
        f"  listen: {_word(listen)}",
        f"  routes: [{routes}]",
        *_tls(broker.tls, "  ", ", verify: true"),
        "}",
    ]


def _tls(tls: Tls | None, indent: str, more: str = "") -> list[str]:
    if tls is None:
        return []
    files = f"cert_file: {_word(tls.certificate)}, key_file: {_word(tls.key)}, ca_file: {_word(tls.authority)}"
    return [f"{indent}tls {{ {files}{more} }}"]


def _address(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _own_word(name: str) -> str:
    """A name of ours in quotation marks; the broker's own names begin with a dollar, which is a variable only without them."""
    return _word(name) if "$" not in name else f'"{name}"'


def _word(text: str) -> str:
    """The text in quotation marks; one that could end them, or stand for a variable, is refused."""
    if not text.isprintable() or any(c in text for c in '"\\$'):
        raise Malformed(f"{text[:80]!r} cannot stand in the broker's configuration")
    return f'"{text}"'
