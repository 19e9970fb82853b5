"""Bundles taken apart, altered and put together again; with a site's key also signed anew, as a lying site would do it."""

import base64
import json
from pathlib import Path
from typing import Any, NamedTuple, Self

from msgspec import Struct

from holdgate.crypto.envelope import pae
from holdgate.crypto.hashes import leaf_hash
from holdgate.crypto.keys import SigningKey
from holdgate.ledger.merkle import root_of
from holdgate.ledger.note import Notary
from holdgate.terms import canon

Row = dict[str, Any]


class Taken(Struct):
    """A bundle taken apart: its head, its entries as (leaf hash, bytes), its documents, and lines that are none."""

    head: Row | None
    entries: list[tuple[bytes, bytes]]
    blobs: list[bytes]
    more: list[bytes] = []

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a bundle."""
        rows = [json.loads(line) for line in path.read_bytes().splitlines()]
        [head] = [row for row in rows if row["line"] == "head"]
        entries = [(unspelled(row["leaf"]), unspelled(row["body"])) for row in rows if row["line"] == "entry"]
        return cls(head, entries, [unspelled(row["body"]) for row in rows if row["line"] == "blob"])

    def write(self, path: Path) -> Path:
        """Write it."""
        rows = [] if self.head is None else [self.head]
        rows += [{"line": "entry", "leaf": spelled(leaf), "body": spelled(body)} for leaf, body in self.entries]
        rows += [{"line": "blob", "body": spelled(blob)} for blob in self.blobs]
        path.write_bytes(b"".join([canon.encode(row) + b"\n" for row in rows] + self.more))
        return path

    def entry(self, seq: int) -> Row:
        """An entry as a value."""
        found: Row = json.loads(self.entries[seq][1])
        return found

    def put(self, seq: int, entry: Row | bytes, *, leaf: bool = True) -> None:
        """Put an entry in the place of another; `leaf`: with the leaf hash that its bytes give."""
        body = entry if isinstance(entry, bytes) else canon.encode(entry)
        self.entries[seq] = (leaf_hash(body) if leaf else self.entries[seq][0], body)

    def last(self, kind: str, **wanted: str) -> int:
        """The last entry of a kind (and act, say)."""
        return max(self.all(kind, **wanted))

    def all(self, kind: str, act: str = "") -> list[int]:
        """The entries of a kind, or of an act."""
        found = [(seq, self.entry(seq)) for seq in range(len(self.entries))]
        return [seq for seq, e in found if e["kind"] == kind and (not act or command_of(e)["act"] == act)]

    def append(self, **fields: Any) -> Row:
        """Append an entry that follows every rule of the record but those that `fields` break."""
        before = self.entry(len(self.entries) - 1)
        entry: Row = {name: before[name] for name in ("site", "epoch", "at", "source", "law")}
        entry |= {"seq": len(self.entries), "action": None, "record": None, "law": {"semantics": 1}}
        entry |= {"source": {"module": before["site"], "node": before["site"]}, "decision": {"verdict": "allow"}}
        entry |= fields
        heads = {self.entry(seq)["subject"]: leaf for seq, (leaf, _) in enumerate(self.entries)}
        if entry["subject"] in heads and "prev" not in fields:
            entry["prev"] = heads[entry["subject"]].hex()
        body = canon.encode(entry)
        self.entries.append((leaf_hash(body), body))
        return entry

    def act(self, envelope: Row, **fields: Any) -> Row:
        """Append a signed action as allowed."""
        command = json.loads(unspelled(envelope["payload"]))
        module = command.get("place") or command["signers"][0]["id"]
        source = {"module": module, "node": self.entry(0)["site"]}
        return self.append(kind="action", action=envelope, source=source, **fields)

    def sign(self, site: "Site") -> None:
        """Sign a checkpoint over all entries with the site's own key."""
        assert self.head is not None
        root = root_of([leaf for leaf, _ in self.entries])
        note = Notary(site.origin, site.key).checkpoint(len(self.entries), root)
        self.head["checkpoint"] = spelled(note)


class Site(NamedTuple):
    """A site's log and key."""

    origin: str
    key: SigningKey


def site_of(shop: Path, name: str) -> Site:
    """A site of a shop, with its key."""
    keys = json.loads((shop / name / "site.key").read_bytes())
    charter = json.loads(unspelled(json.loads((shop / "charter.json").read_bytes())["payload"]))
    [origin] = [seat["origin"] for seat in charter["sites"] if seat["id"] == name]
    return Site(origin, SigningKey.from_seed(unspelled(keys["signing"])))


def command_of(entry: Row) -> Row:
    """The signed act of an entry."""
    found: Row = json.loads(unspelled(entry["action"]["payload"]))
    return found


def signed(command: Row, kind: str, *keys: tuple[str, SigningKey]) -> Row:
    """An envelope, signed."""
    payload = canon.encode(command)
    message = pae(kind, payload)
    rows = [{"keyid": name, "sig": spelled(key.sign(message))} for name, key in keys]
    return {"payload": spelled(payload), "payloadType": kind, "signatures": rows}


def spelled(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def unspelled(text: str) -> bytes:
    return base64.b64decode(text)


def flipped(raw: bytes, at: int) -> bytes:
    """The bytes with one bit changed."""
    at %= len(raw)
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
