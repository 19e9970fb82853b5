"""Ledgers, proofs, witnesses, packages; what goes between sites, over brokers, and over the HTTP edge."""

import asyncio
import datetime as dt
from types import SimpleNamespace
from typing import Any, Final, get_type_hints

import msgspec
from msgspec.structs import replace

from holdgate.adapters import mosquitto_config, nats_bus, nats_config, rfc3161
from holdgate.adapters.nats_broadcasts import consumer_of, stream_of
from holdgate.audit import replay
from holdgate.engine import parts, wire
from holdgate.engine.broadcasts import Faults
from holdgate.engine.inbox import Inbox
from holdgate.engine.shares import Gate, Shares
from holdgate.engine.subjects import Tray
from holdgate.engine.turns import Turns
from holdgate.engine.verify import _refused
from holdgate.ledger import mirroring
from holdgate.ledger.entry import Entry, LawRef, Source, encode_entry
from holdgate.ledger.head import open_head
from holdgate.ledger.note import read_note
from holdgate.ledger.policy import parse_policy
from holdgate.ledger.proof import read_proof
from holdgate.ledger.witness import read_request
from holdgate.package import logs, manifest
from holdgate.package.archive import check_name
from holdgate.reader.broker import read_place
from holdgate.terms import limits
from holdgate.terms.errors import Malformed
from holdgate.terms.topics import Names
from tests.limits.acts import party
from tests.limits.case import Case, Cut, first


def note(lines: int) -> bytes:
    """A note of so many signature lines."""
    return b"log\n1\n\n" + b"\xe2\x80\x94 log AAAAAAAA\n" * lines


def _sized(origin: int, ticket: int) -> bytes:
    return origin.to_bytes(2, "big") + b"o" * origin + bytes(16) + ticket.to_bytes(2, "big") + b"t" * ticket


def _upload(packages: int) -> int:
    """How many packages of so many are read."""
    end = packages * mirroring.PACKAGE
    raw = b"".join(b"\0\0" * mirroring.PACKAGE + b"\0" for _ in range(packages))
    return len([*mirroring.packages(mirroring.Upload(origin="o", start=0, end=end, ticket=b"", packages=raw))])


def _groups(count: int) -> object:
    vkey = _vkey()
    rows = "".join(f"group g{n} all {f'g{n - 1}' if n else 'a'}\n" for n in range(count))
    return parse_policy(f"witness a {vkey}\n{rows}quorum none\n".encode())


def _vkey() -> str:
    from tests.unit.test_policy import V

    return str(V)


def _converted(kind: Any, **fields: object) -> None:
    try:
        msgspec.convert(fields, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from None


def _converted_to(kind: Any, value: object) -> None:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from None


def _cursors(cursors: dict[str, int]) -> None:
    _converted_to(get_type_hints(wire.Renew, include_extras=True)["cursors"], cursors)


def _logs(count: int) -> None:
    names = {f"logs/S{n:03d}/checkpoint": b"" for n in range(count)}
    first(fault for fault in logs.read_logs(names, (), ()).faults if "more logs" in str(fault))


def _pem(count: int) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a")])
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, at, at + dt.timedelta(days=9)).sign(key, None)
    return made.public_bytes(serialization.Encoding.PEM) * count


def _findings(count: int) -> int:
    replayed: Any = replay._Audit.__new__(replay._Audit)
    replayed._report = replay.LogReport()
    for n in range(count):
        replayed._found(f"{n}")
    return len(replayed._report.findings)


def _told(count: int) -> int:
    """How many of so many different faults are not told anew when they come again."""
    told: list[str] = []
    faults = Faults(told.append)
    for n in range(count):
        faults.note("b", str(n))
    told.clear()
    for n in reversed(range(count)):
        faults.note("b", str(n))
        if told:
            return count - 1 - n
    return count


def _fault(size: int) -> int:
    faults = Faults()
    faults.note("b", "a" * (size - 3))
    return len(faults.seen[0])


def _faults(count: int) -> int:
    faults = Faults()
    for n in range(count):
        faults.note("b", str(n))
    return len(faults.seen)


def _entry(size: int) -> object:
    plain: dict[str, Any] = {"site": "HUB", "seq": 0, "epoch": "e", "at": 0, "kind": "k", "subject": ""}
    entry = Entry(**plain, source=Source(module="m", node="n"), law=LawRef(semantics=1), decision=msgspec.Raw(b"null"))
    return encode_entry(replace(entry, subject="a" * (size - len(encode_entry(entry)))))


class _Sent:
    source = "a"


def _line(count: int) -> None:
    inbox: Inbox[_Sent] = Inbox(Shares(lambda: 0.0))
    for _ in range(count):
        inbox.add(_Sent())


def _gate() -> Gate[int]:
    gate: Gate[int] = Gate(lambda: 0.0)
    gate.notice("another")
    return gate


def _signer(count: int) -> None:
    gate = _gate()
    for n in range(limits.UNDER_WAY_EACH_MAX + count):
        gate.enter("a", n)


def _under_way(count: int) -> int:
    gate = _gate()
    return sum(gate.enter("a", n) for n in range(count))


async def _queue(count: int) -> None:
    """So many requests of one sender beside those that are under way."""
    turns, rest = Turns(limits.BUS_QUEUE_MAX, lambda _: None, 1), asyncio.Event()

    async def work() -> None:
        await rest.wait()

    try:
        turns.add("a", work)
        await asyncio.sleep(0)
        for _ in range(count):
            turns.add("a", work)
    finally:
        await turns.stop()


def _open(count: int) -> None:
    gathering = parts.Gathering(limits.WIRE_BYTES_MAX, limits.BUS_OPEN_MAX, 1.0)
    for n in range(count):
        first_part, *_ = parts.split(bytes(100), n.to_bytes(parts.ID_BYTES, "big"), parts.HEAD_BYTES + 60)
        gathering.take(first_part, 0.0)


def _room(size: int) -> int:
    client: Any = SimpleNamespace(max_payload=size)
    return nats_bus.NatsBus._room(client)


def _parts(count: int) -> object:
    room = 1
    return [*parts.split(bytes(count * room), bytes(parts.ID_BYTES), parts.HEAD_BYTES + room)]


CASES: Final = (
    Case("NOTE_BYTES_MAX", lambda n: read_note(b"a" * n), "65536|65,536|bytes"),
    Case("NOTE_SIGNATURES_MAX", lambda n: read_note(note(n)), "1 to 64 signature lines"),
    Case("HEAD_BYTES_MAX", lambda n: open_head(b"a" * n, ()), "1048576|1,048,576|bytes"),
    Case("POLICY_BYTES_MAX", lambda n: parse_policy(b"#" * n), "bytes; at most"),
    Case("POLICY_LINES_MAX", lambda n: parse_policy(b"\n".join([b"#"] * n)), "lines; at most"),
    Case("POLICY_GROUPS_MAX", _groups, "at most 128 groups"),
    Case("PROOF_BYTES_MAX", lambda n: read_proof(b"a" * n), "131072|131,072|bytes"),
    Case("ENTRY_BYTES_MAX", _entry, "65535 is the most"),
    Case("WITNESS_REQUEST_BYTES_MAX", lambda n: read_request(b"a" * n), "bytes; at most"),
    Case("PATH_HASHES_MAX", lambda n: read_request(b"old 1\n" + b"A\n" * n + b"\nnote"), "no tree needs more than 63"),
    Case("MIRROR_ORIGIN_BYTES_MAX", lambda n: mirroring.read_upload(_sized(n, 1)), "the origin has"),
    Case("MIRROR_TICKET_BYTES_MAX", lambda n: mirroring.read_upload(_sized(1, n)), "the ticket has"),
    Case("TIMESTAMP_CERTIFICATES_MAX", lambda n: rfc3161.read_pins(_pem(n)), "certificates are too many"),
    # packages
    Case("PACKAGE_NAME_CHARS_MAX", lambda n: check_name("a" * n), "name"),
    Case("PACKAGE_MANIFEST_BYTES_MAX", lambda n: manifest.read_manifest(b" " * n), "bytes; at most"),
    Case("PACKAGE_LINE_BYTES_MAX", lambda n: [*manifest.read_lines(b"a" * n + b"\n")], "has more than 131072 bytes"),
    Case("PACKAGE_LOGS_MAX", _logs, "more logs or entries"),
    # between sites
    Case("SOURCE_WAITING_MAX", _line, "send the next when one of those is answered"),
    Case("IDENTITY_WAITING_MAX", _signer, "send the next when one of those is answered"),
    Case("BUS_QUEUE_MAX", lambda n: asyncio.run(_queue(n)), "wait already; ask again later"),
    Case("BUS_OPEN_MAX", _open, "open|begun"),
    Case("WIRE_PARTS_MAX", _parts, "do not go in 4096 parts"),
    Case("ORIGIN_CHARS_MAX", lambda n: _converted_to(wire.Origin, "o" * n), "<= 512"),
    Case("LOCKER_BYTES_MAX", lambda n: _converted(wire.Given, locker=bytes(n)), "<= 1024"),
    Case(
        "SITES_MAX",
        lambda n: _cursors({f"S{k}": 0 for k in range(n)}),
        "<= 10000",
    ),
    Case("READER_SERVERS_MAX", lambda n: read_place(f"mqtts://{','.join(['h.example'] * n)}/shop/FLOOR"), "mqtts?://"),
)
CUTS: Final = (
    Cut("ATTEMPT_WHY_CHARS_MAX", lambda n: len(_refused(party(1), b"", "s", "C", "a" * n).attempt.why)),
    Cut("UNDER_WAY_EACH_MAX", _under_way),
    Cut("BUS_PART_BYTES_MAX", _room),
    Cut("MIRROR_PACKAGES_MAX", _upload),
    Cut("AUDIT_FINDINGS_MAX", _findings),
    Cut("BUS_FAULTS_MAX", _faults),
    Cut("BUS_FAULT_CHARS_MAX", _fault),
    Cut("BUS_FAULTS_SAID_MAX", _told),
)
NATS: Final = nats_config.Broker(name="one", shop="lab", users={"HUB": "U" + "A" * 55}, store="/s")
MQTT: Final = mosquitto_config.Mosquitto(
    shop="lab", floor="FLOOR", readers=("SCN-1",), store="/s", acl="/a", passwords="/p"
)
TRAY: Final = Tray(stream="S", consumer="C", heard="h.>", names=Names.nats("lab", "FLOOR"), own=True)
WRITTEN: Final = (
    ("BROKER_PAYLOAD_BYTES_MAX", "max_payload", lambda: nats_config.config_of(NATS)),
    ("BROKER_PENDING_BYTES_MAX", "max_pending", lambda: nats_config.config_of(NATS)),
    ("BROKER_STORE_BYTES_MAX", "max_file_store", lambda: nats_config.config_of(NATS)),
    ("BROKER_CONNECTIONS_MAX", "max_connections", lambda: nats_config.config_of(NATS)),
    ("BROKER_STREAM_BYTES_MAX", "max_bytes", lambda: str(stream_of(TRAY, 1))),
    ("BROADCASTS_HELD_MAX", "max_ack_pending", lambda: str(consumer_of(TRAY))),
    ("BROKER_CONNECTIONS_MAX", "max_connections", lambda: mosquitto_config.mosquitto_conf(MQTT)),
    ("MQTT_QUEUED_MAX", "max_queued_messages", lambda: mosquitto_config.mosquitto_conf(MQTT)),
    ("MQTT_IN_FLIGHT_MAX", "max_inflight_messages", lambda: mosquitto_config.mosquitto_conf(MQTT)),
)
"""What a broker is told in its configuration, and keeps: the limit, its word there, and the text."""
