"""Ledgers, proofs, witnesses, packages; what goes between sites, over brokers, and over the HTTP edge."""

import datetime as dt
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from holdgate.adapters import rfc3161
from holdgate.audit import replay
from holdgate.engine import parts, wire
from holdgate.engine.broadcasts import Faults
from holdgate.engine.inbox import Inbox
from holdgate.engine.shares import Gate, Shares
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
    rows = "".join(f"group g{n} all a\n" for n in range(count))
    return parse_policy(f"witness a {vkey}\n{rows}quorum none\n".encode())


def _vkey() -> str:
    from tests.unit.test_policy import V

    return str(V)


def _converted(kind: Any, **fields: object) -> None:
    try:
        msgspec.convert(fields, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from None


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
    entry = Entry(**plain, source=Source(module="m", node="n"), law=LawRef(engine="1"), decision=msgspec.Raw(b"null"))
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
    Case("WIRE_PARTS_MAX", _parts, "do not go in 4096 parts"),
    Case("LOCKER_BYTES_MAX", lambda n: _converted(wire.Given, type="given", locker=bytes(n)), "<= 1024"),
    Case(
        "SITES_MAX",
        lambda n: _converted(wire.Renew, type="renew", fence=None, cursors={f"S{k}": 0 for k in range(n)}),
        "<= 10000",
    ),
    Case("READER_SERVERS_MAX", lambda n: read_place(f"mqtts://{','.join(['h.example'] * n)}/shop/FLOOR"), "mqtts?://"),
)
CUTS: Final = (
    Cut("UNDER_WAY_EACH_MAX", _under_way),
    Cut("MIRROR_PACKAGES_MAX", _upload),
    Cut("AUDIT_FINDINGS_MAX", _findings),
    Cut("BUS_FAULTS_MAX", _faults),
    Cut("BUS_FAULT_CHARS_MAX", _fault),
    Cut("BUS_FAULTS_SAID_MAX", _told),
)
