"""The broker's configuration: the real server takes it (`nats-server -t`), and it lets nobody do more than he must."""

import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from holdgate.adapters.mosquitto_config import Mosquitto, mosquitto_acl, mosquitto_conf, mosquitto_passwords
from holdgate.adapters.nats_config import Broker, Cluster, ReaderLine, config_of
from holdgate.adapters.nkeys import public_text
from holdgate.terms.errors import Malformed
from tests.broker import certificate, key_of, needed

USERS: Final = {site: public_text(key_of(site)) for site in ("HUB", "FLOOR", "N.1", "VAULT")}
BROKER: Final = Broker(name="one", shop="lab", users=USERS, store="/var/lib/holdgate-bus")
ROUTES: Final = ("127.0.0.1:16222", "127.0.0.1:16223", "127.0.0.1:16224")


def checked(text: str, place: Path) -> subprocess.CompletedProcess[str]:
    """What the server says to it, without starting."""
    conf = place / "nats.conf"
    conf.write_text(text, encoding="utf-8")
    return subprocess.run([needed(), "-c", str(conf), "-t"], capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"host": "::1", "port": 14222},
        {"leaf_port": 17422},
        {"payload_bytes_max": 65_536},
        {"cluster": Cluster(name="floor", routes=ROUTES, own=1)},
    ],
    ids=["plain", "IPv6", "leaf", "small messages", "cluster"],
)
def test_the_server_takes_it(tmp_path: Path, changes: dict[str, Any]) -> None:
    said = checked(config_of(replace(BROKER, store=str(tmp_path / "store"), **changes)), tmp_path)
    assert said.returncode == 0, said.stderr


def test_the_server_takes_it_with_certificates(tmp_path: Path) -> None:
    tls = certificate(tmp_path)
    cluster = Cluster(name="floor", routes=("10.0.0.1:6222", "10.0.0.2:6222", "10.0.0.3:6222"), own=0)
    spec = replace(BROKER, host="0.0.0.0", store=str(tmp_path / "store"), tls=tls, cluster=cluster, leaf_port=17422)
    text = config_of(spec)
    assert text.count("tls {") == 3
    assert text.count("handshake_first: true") == 1, "towards sites"
    assert text.count("verify: true") == 1, "between servers"
    said = checked(text, tmp_path)
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("place", [1, 20, 54])
def test_the_server_refuses_a_key_with_one_wrong_character(tmp_path: Path, place: int) -> None:
    """So it is the server that says that ours are right."""
    right = USERS["HUB"]
    wrong = right[:place] + ("A" if right[place] != "A" else "B") + right[place + 1 :]
    said = checked(config_of(replace(BROKER, users=USERS | {"HUB": wrong})), tmp_path)
    assert said.returncode != 0
    assert "nkey" in said.stderr.lower()


def block(text: str, key: str) -> str:
    return text.partition(f'nkey: "{key}"')[2].partition("      }\n")[0]


def test_each_site_may_speak_under_its_own_name_alone() -> None:
    text = config_of(BROKER)
    said = block(text, USERS["N.1"])
    assert 'publish { allow: ["holdgate.lab.ask.*.N%1", "holdgate.lab.beat.N%1"] }' in said
    assert 'subscribe { allow: ["holdgate.lab.ask.N%1.*", "holdgate.lab.beat.*", "_INBOX_N%1.>"] }' in said
    assert "allow_responses { max: 2" in said
    for site, key in USERS.items():
        if site != "N.1":
            assert "N%1" not in block(text, key)


def test_what_is_acknowledged_is_on_the_disk_and_the_server_stays_on_this_machine() -> None:
    text = config_of(BROKER)
    assert "sync_interval: always" in text
    assert "no_advertise: true" in text
    assert 'listen: "127.0.0.1:4222"' in text
    assert "leafnodes { no_advertise: true }" in text, "no port of its own unless one is asked for"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"users": {}}, "without sites"),
        ({"users": {"HUB": USERS["HUB"], "FLOOR": USERS["HUB"]}}, "one transport key"),
        ({"users": {"H UB": USERS["HUB"]}}, "not an id"),
        ({"users": {"*": USERS["HUB"]}}, "not an id"),
        ({"shop": "a>b"}, "not an id"),
        ({"host": "0.0.0.0"}, "TLS"),
        ({"host": "192.0.2.7"}, "TLS"),
        ({"cluster": Cluster(name="floor", routes=("10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"), own=0)}, "TLS"),
        ({"cluster": Cluster(name="floor", routes=ROUTES[:2], own=0)}, "has 3 servers"),
        ({"cluster": Cluster(name="floor", routes=ROUTES, own=3)}, "has 3 servers"),
        ({"cluster": Cluster(name="floor", routes=(ROUTES[0],) * 3, own=0)}, "has 3 servers"),
        ({"payload_bytes_max": 1_024}, "at least"),
        ({"store": '/tmp/x" }\nauthorization {'}, "cannot stand"),
        ({"store": "/tmp/$HOME"}, "cannot stand"),
        ({"name": "a\nb"}, "cannot stand"),
    ],
)
def test_what_would_be_unsafe_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(Malformed, match=why):
        config_of(replace(BROKER, **changes))


READERS: Final = {"SCN.1": ReaderLine(key=public_text(key_of("SCN.1")), password="p" * 43)}
WITH_READERS: Final = replace(BROKER, floors=("FLOOR",), readers=READERS, mqtt_port=11883)


@pytest.mark.parametrize("tls", [False, True])
def test_the_server_takes_readers_and_mqtt(tmp_path: Path, tls: bool) -> None:
    cluster = Cluster(name="floor", routes=ROUTES, own=1)
    files = certificate(tmp_path) if tls else None
    text = config_of(replace(WITH_READERS, store=str(tmp_path / "store"), cluster=cluster, tls=files))
    assert "stream_replicas: 3" in text
    said = checked(text, tmp_path)
    assert said.returncode == 0, said.stderr


def test_a_reader_speaks_and_hears_under_its_own_name_alone() -> None:
    text = config_of(WITH_READERS)
    by_key, _, by_password = text.partition(f'nkey: "{READERS["SCN.1"].key}"')[2].partition('user: "SCN.1"')
    for said, head, kind in ((by_key, "holdgate.lab", "STANDARD"), (by_password, "holdgate.lab.mqtt", "MQTT")):
        names = [f"{head}.{what}.FLOOR.SCN%1" for what in ("arrival", "hail", "receipt")]
        assert f'publish {{ allow: ["{names[0]}", "{names[1]}"] }}' in said
        assert f'subscribe {{ allow: ["{names[2]}"' in said
        assert f'allowed_connection_types: ["{kind}"]' in said
        assert "$JS" not in said
        assert "FLOOR.*" not in said


def test_only_the_floor_hub_reads_what_is_kept_and_nobody_may_throw_it_away() -> None:
    text = config_of(WITH_READERS)
    own = "HOLDGATE_lab_FLOOR.forwarder_FLOOR"
    said = block(text, USERS["FLOOR"])
    for name in (f"$JS.API.CONSUMER.MSG.NEXT.{own}", f"$JS.ACK.{own}.>", "$JS.API.STREAM.CREATE.HOLDGATE_lab_FLOOR"):
        assert f'"{name}"' in said
    assert "holdgate.lab.receipt.FLOOR.*" in said
    for word in ("DELETE", "PURGE", "$JS.API.>", "MSG.GET"):
        assert word not in text
    for site in ("HUB", "N.1", "VAULT"):
        assert "$JS" not in block(text, USERS[site])
        assert "receipt" not in block(text, USERS[site])


def test_without_mqtt_there_is_no_password_and_no_gateway() -> None:
    text = config_of(replace(WITH_READERS, mqtt_port=None))
    assert "password" not in text
    assert "mqtt" not in text.lower()


def test_mosquitto_lets_each_in_under_its_own_name() -> None:
    broker = Mosquitto(shop="lab", floor="FLOOR", readers=("SCN.1",), store="/s", acl="/a", passwords="/p")
    text = mosquitto_conf(broker)
    assert "allow_anonymous false" in text
    assert "listener 1883 127.0.0.1" in text
    rights = mosquitto_acl(broker).split("user ")
    assert rights[1].split("\n")[:4] == [
        "FLOOR",
        "topic read holdgate/lab/mqtt/arrival/FLOOR/+",
        "topic read holdgate/lab/mqtt/hail/FLOOR/+",
        "topic write holdgate/lab/mqtt/receipt/FLOOR/+",
    ]
    assert rights[2].split("\n")[:4] == [
        "SCN.1",
        "topic read holdgate/lab/mqtt/receipt/FLOOR/SCN%1",
        "topic write holdgate/lab/mqtt/arrival/FLOOR/SCN%1",
        "topic write holdgate/lab/mqtt/hail/FLOOR/SCN%1",
    ]
    written = mosquitto_passwords({"SCN.1": "secret"}, {"SCN.1": b"s" * 12})
    assert "secret" not in written


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"host": "0.0.0.0"}, "TLS"),
        ({"store": "/x\nallow_anonymous true"}, "cannot stand"),
        ({"readers": ("SCN\ntopic readwrite #",)}, "not an id"),
        ({"readers": ("+",)}, "not an id"),
        ({"shop": "a/b"}, "not an id"),
    ],
)
def test_what_would_be_unsafe_for_mosquitto_is_refused(changes: dict[str, Any], why: str) -> None:
    broker = Mosquitto(shop="lab", floor="FLOOR", readers=("SCN-1",), store="/s", acl="/a", passwords="/p")
    write = mosquitto_conf if changes.keys() & {"host", "store"} else mosquitto_acl
    with pytest.raises(Malformed, match=why):
        write(replace(broker, **changes))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"readers": {"S 1": READERS["SCN.1"]}}, "not an id"),
        ({"readers": {"SCN-1": ReaderLine(key=USERS["HUB"], password="p")}}, "one transport key"),
        ({"readers": {"SCN-1": ReaderLine(key=public_text(key_of("SCN.1")))}}, "needs a password"),
        ({"readers": {"SCN-1": ReaderLine(key=public_text(key_of("SCN.1")), password='p"\n}')}}, "cannot stand"),
    ],
)
def test_a_reader_that_would_be_unsafe_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(Malformed, match=why):
        config_of(replace(WITH_READERS, **changes))
