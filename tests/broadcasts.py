"""Brokers that keep readers' broadcasts, on this machine: started, killed, started again; a reader's line, and the hub's."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import pytest
from msgspec.structs import asdict
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from typing_extensions import override

from holdgate.adapters.mosquitto_config import (
    SALT_BYTES,
    Mosquitto,
    MosquittoTls,
    mosquitto_acl,
    mosquitto_conf,
    mosquitto_passwords,
)
from holdgate.adapters.mqtt_broadcasts import MqttBroadcasts
from holdgate.adapters.nats_broadcasts import LineKey, NatsBroadcasts
from holdgate.adapters.nats_config import ReaderLine, Tls
from holdgate.adapters.nkeys import public_text
from holdgate.crypto.hashes import sha256
from holdgate.engine.broadcasts import BroadcastSource, Faults
from holdgate.engine.subjects import Tray
from holdgate.reader.mqtt_link import MqttLink
from holdgate.reader.nats_link import NatsLink
from holdgate.reader.reader import Link
from holdgate.terms.topics import Names
from tests.broker import SHOP, Server, certificate, free_port, key_of

FLOOR: Final = "FLOOR"
READERS: Final = ("SCN-1", "SCN-2")
MOSQUITTO_WHY_NOT: Final = "no mosquitto on the path: apt-get install mosquitto"


class Rig(Protocol):
    """One broker."""

    def start(self) -> None:
        """It is up when this returns."""

    def kill(self) -> None:
        """As a power cut would."""

    def link(self, reader: str, deadline_s: float = 20.0, login: str | None = None) -> Link:
        """A reader's way; `login`: with the key or password of somebody else."""
        ...

    def source(self, faults: Faults | None = None) -> BroadcastSource:
        """The floor hub's."""
        ...

    def flood(self, reader: str, bodies: Sequence[bytes]) -> None:
        """A reader that hands in all of these and waits for no answer; the broker has them when this returns."""
        ...


def password_of(user: str) -> str:
    """No secret."""
    return f"pass {user}"


def lines(readers: tuple[str, ...] = READERS) -> dict[str, ReaderLine]:
    return {name: ReaderLine(key=public_text(key_of(name)), password=password_of(name)) for name in readers}


class JetStream(Rig):
    """Readers speak NATS."""

    def __init__(self, place: Path, *, tls: bool = False) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self.mqtt_port = free_port()
        self.tls = certificate(place) if tls else None
        self.server = Server(
            place, ["HUB", FLOOR], floors=(FLOOR,), readers=lines(), mqtt_port=self.mqtt_port, tls=self.tls
        )
        self.url = self.server.url if self.tls is None else self.server.url.replace("nats://", "tls://")

    @override
    def start(self) -> None:
        self.server.start()

    @override
    def kill(self) -> None:
        self.server.kill()

    @override
    def link(self, reader: str, deadline_s: float = 20.0, login: str | None = None) -> Link:
        own = key_of(login or reader)
        to, trusted = f"{self.url}/{SHOP}/{FLOOR}", authority_of(self.tls)
        return NatsLink(to, reader, public_text(own), own.sign, authority=trusted, deadline_s=deadline_s)

    @override
    def source(self, faults: Faults | None = None) -> BroadcastSource:
        return self._source(Tray.of_nats(SHOP, FLOOR), faults)

    @override
    def flood(self, reader: str, bodies: Sequence[bytes]) -> None:
        own = key_of(reader)
        link = NatsLink(f"{self.url}/{SHOP}/{FLOOR}", reader, public_text(own), own.sign)

        async def publish() -> None:
            client = await link._connect([])
            for body in bodies:
                await client.publish(Names.nats(SHOP, FLOOR).arrival(reader), body)
            await client.flush()
            await client.close()

        asyncio.run(publish())

    def _source(self, tray: Tray, faults: Faults | None) -> BroadcastSource:
        own, tls = key_of(FLOOR), believing(self.tls)
        line = LineKey(public_text(own), own.sign)
        return NatsBroadcasts(FLOOR, tray, [self.url], line, faults or Faults(), tls=tls)


class Gateway(JetStream):
    """Readers speak MQTT 3.1.1 to the NATS server."""

    @override
    def start(self) -> None:
        super().start()
        listening(self.mqtt_port)

    @override
    def link(self, reader: str, deadline_s: float = 20.0, login: str | None = None) -> Link:
        return mqtt_link(self.mqtt_port, reader, deadline_s, login, self.tls)

    @override
    def source(self, faults: Faults | None = None) -> BroadcastSource:
        return self._source(Tray.of_mqtt(SHOP, FLOOR), faults)

    @override
    def flood(self, reader: str, bodies: Sequence[bytes]) -> None:
        mqtt_flood(self.mqtt_port, reader, bodies)


class Started:
    """A Mosquitto that runs a configuration. It stays who started it: in a test nobody else can read its files."""

    def __init__(self, program: str, conf: Path, port: int) -> None:
        self.program, self.conf, self.port = program, conf, port
        conf.write_text(f"user root\n{conf.read_text(encoding='utf-8')}", encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.conf.parent / "log").open("ab") as log:
            self._process = subprocess.Popen([self.program, "-c", str(self.conf)], stdout=log, stderr=log)
        listening(self.port)

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()


class MosquittoRig(Rig):
    """Readers speak MQTT to Mosquitto."""

    def __init__(self, place: Path, *, tls: bool = False) -> None:
        program = mosquitto()
        place.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.tls = certificate(place) if tls else None
        broker = Mosquitto(
            shop=SHOP,
            floor=FLOOR,
            readers=READERS,
            store=str(place),
            acl=str(place / "acl"),
            passwords=str(place / "passwords"),
            port=self.port,
            tls=None if self.tls is None else MosquittoTls(**asdict(self.tls)),
        )
        users = {user: password_of(user) for user in (FLOOR, *READERS)}
        salts = {user: sha256(user.encode())[:SALT_BYTES] for user in users}
        (place / "mosquitto.conf").write_text(mosquitto_conf(broker), encoding="utf-8")
        (place / "acl").write_text(mosquitto_acl(broker), encoding="utf-8")
        (place / "passwords").write_text(mosquitto_passwords(users, salts), encoding="utf-8")
        self.broker = Started(program, place / "mosquitto.conf", self.port)

    @override
    def start(self) -> None:
        self.broker.start()

    @override
    def kill(self) -> None:
        self.broker.kill()

    @override
    def link(self, reader: str, deadline_s: float = 20.0, login: str | None = None) -> Link:
        return mqtt_link(self.port, reader, deadline_s, login, self.tls)

    @override
    def source(self, faults: Faults | None = None) -> BroadcastSource:
        names = Names.mqtt(SHOP, FLOOR)
        password, tls = password_of(FLOOR), believing(self.tls)
        return MqttBroadcasts(FLOOR, names, "127.0.0.1", self.port, password, faults or Faults(), tls=tls)

    @override
    def flood(self, reader: str, bodies: Sequence[bytes]) -> None:
        mqtt_flood(self.port, reader, bodies)


RIGS: Final[Mapping[str, type[JetStream | MosquittoRig]]] = {
    "JetStream": JetStream,
    "MQTT gateway": Gateway,
    "Mosquitto": MosquittoRig,
}


def mosquitto() -> str:
    """The broker, or a skip that says why."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(MOSQUITTO_WHY_NOT)
    return found


def mqtt_link(port: int, reader: str, deadline_s: float, login: str | None, tls: Tls | None) -> Link:
    to = f"{'mqtt' if tls is None else 'mqtts'}://127.0.0.1:{port}/{SHOP}/{FLOOR}"
    return MqttLink(to, reader, password_of(login or reader), authority=authority_of(tls), deadline_s=deadline_s)


def mqtt_flood(port: int, reader: str, bodies: Sequence[bytes]) -> None:
    client = Client(CallbackAPIVersion.VERSION2, client_id=f"{reader}-flood", protocol=MQTTProtocolVersion.MQTTv311)
    client.username_pw_set(reader, password_of(reader))
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        topic = Names.mqtt(SHOP, FLOOR).arrival(reader)
        for sent in [client.publish(topic, body, qos=1) for body in bodies]:
            sent.wait_for_publish(60)
    finally:
        client.disconnect()
        client.loop_stop()


def authority_of(tls: Tls | None) -> str | None:
    return None if tls is None else tls.authority


def believing(tls: Tls | None) -> ssl.SSLContext | None:
    return None if tls is None else ssl.create_default_context(cafile=tls.authority)


def listening(port: int) -> None:
    """Until somebody listens there."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.02)
    raise AssertionError(f"nobody listens on {port}")


@contextlib.contextmanager
def rig_of(kind: str, place: Path, *, tls: bool = False) -> Iterator[Rig]:
    """A running broker."""
    rig = RIGS[kind](place, tls=tls)
    rig.start()
    try:
        yield rig
    finally:
        rig.kill()
