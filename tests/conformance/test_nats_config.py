"""The broker's configuration: the real server takes it (`nats-server -t`), and it lets nobody do more than he must."""

import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from holdgate.adapters.nats_config import Broker, Cluster, config_of
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
