"""For the second verifier: the module itself, a very small shop, and a thousand ways to alter its bundles.

A mutation is drawn from a random source alone, so its seed says everything about it.
"""

import asyncio
import base64
import copy
import importlib.util
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from holdgate.bootstrap import FLOOR_HUB
from holdgate.crypto.hashes import leaf_hash
from holdgate.crypto.keys import SigningKey
from holdgate.demo import shop as demo
from holdgate.demo.shop import Cast, DemoShop, Member
from holdgate.law import command as c
from holdgate.law.command import PAYLOAD_TYPE
from holdgate.ledger.note import Notary
from holdgate.terms import canon
from tests.bundles import Row, Site, Taken, command_of, flipped, signed, site_of, spelled, unspelled
from tests.tidy.tree import ROOT

FILE: Final = ROOT / "verifier" / "holdgate_verify.py"
SITES: Final = ("HUB", "FLOOR", demo.NODE)
HUB_ENTRIES: Final = 26
"""As many entries of the business hub as say who is enrolled: enough to alter, and quick to judge."""
STRANGER: Final = SigningKey.from_seed(b"\x07" * 32)


def load() -> Any:
    """The second verifier as a module; it is no part of the package."""
    spec = importlib.util.spec_from_file_location("holdgate_verify", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["holdgate_verify"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- a small shop


def small(directory: Path) -> Path:
    """Found a shop of three logs with enrolments, another key, a scan, refusals and imports."""
    asyncio.run(_small(directory))
    return directory


async def _small(directory: Path) -> None:
    people = (Member(demo.TECHNICIAN, "M. Alvarez", ("technician",)),)
    things = (Member(demo.SCANNER, "Scanner", ("scanner",), "device", zone="RECEIVING"),)
    dock = (Member(demo.DOCK, "Dock", ("workstation",), "device", zone="RECEIVING"),)
    at = DemoShop(
        directory, Cast(people, (*things, *dock), {demo.TECHNICIAN: {"PT-L2": "2026-11-30"}}, (), (), (demo.NODE,))
    )
    at.set("2025-04-01T08:00:00")
    try:
        await at.found()
        await at.enrol()
        await at.register()
        await _acts(at)
    finally:
        at.close()


async def _acts(at: DemoShop) -> None:
    officers = at.signers((demo.ADMIN, "admin"), (demo.QA, "qa"))
    at.set("2025-04-01T08:01:00")
    scan = {"part_no": "4512-7", "rev": "C", "serials": ("S01",), "quantity": 1, "order": "PO-9"}
    scanned = {"reader_seq": 1, "observed_at": at.clock.now()}
    await at.act(
        c.ReportArrival, at.signers((demo.SCANNER, "scanner")), demo.DOCK, at_site=FLOOR_HUB, **scan, **scanned
    )
    technician = at.signers((demo.TECHNICIAN, "technician"))
    started = {"order": "PO-9", "job": "J-1", "node": demo.NODE}
    await at.act(c.StartJob, technician, at_site=demo.NODE, **started)
    lost = at.signers((demo.TECHNICIAN, "newcomer"))
    at.desk.add(demo.TECHNICIAN)
    fields = {"id": demo.TECHNICIAN, "key": at.desk.public(demo.TECHNICIAN), "reason": "badge lost"}
    await at.must(c.RekeyIdentity, (*officers, *lost), **fields)
    at.set("2025-04-01T08:02:00")
    await at.act(c.StartJob, technician, at_site=demo.NODE, **started)


# ---- mutations


class Mutation(NamedTuple):
    """An altered bundle: its name, its bytes, and whether the site itself sealed it anew after it altered its decision alone."""

    name: str
    raw: bytes
    decision_alone: bool = False


class Record(NamedTuple):
    """A bundle with what a lying site has: its own key."""

    name: str
    raw: bytes
    taken: Taken
    kinds: tuple[str, ...]
    site: Site

    @classmethod
    def read(cls, shop: Path, folder: Path, name: str, most: int | None = None) -> "Record":
        """Read a bundle; with `most`, as the site would have exported it when its log had that many entries."""
        taken, site = Taken.read(folder / f"{name}.bundle"), site_of(shop, name)
        assert taken.head is not None
        if most is not None:
            del taken.entries[most:]
            notes = [row["record"] for row in map(taken.entry, range(most)) if row["kind"] == "cosigned"]
            taken.head["cosignatures"] = {row["witness"]: row["note"] for row in notes}
            taken.sign(site)
        kinds = tuple(taken.entry(seq)["kind"] for seq in range(len(taken.entries)))
        return cls(name, _written(taken), taken, kinds, site)


def _written(taken: Taken) -> bytes:
    rows: list[Row] = [] if taken.head is None else [taken.head]
    rows += [{"line": "entry", "leaf": spelled(leaf), "body": spelled(body)} for leaf, body in taken.entries]
    rows += [{"line": "blob", "body": spelled(blob)} for blob in taken.blobs]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def mutate(record: Record, seed: int) -> Mutation:
    """Alter a bundle as this seed says."""
    draw = random.Random(seed)
    kind = draw.choice(tuple(KINDS))
    return KINDS[kind](record, draw)._replace(name=kind)


def _flip_anywhere(record: Record, draw: random.Random) -> Mutation:
    at = draw.randrange(len(record.raw))
    return Mutation("", record.raw[:at] + bytes([record.raw[at] ^ 1 << draw.randrange(8)]) + record.raw[at + 1 :])


def _cut(record: Record, draw: random.Random) -> Mutation:
    return Mutation("", record.raw[: draw.randrange(len(record.raw))])


def _blanks(record: Record, draw: random.Random) -> Mutation:
    rows = [json.loads(line) for line in record.raw.splitlines()]
    separators = draw.choice(((", ", ": "), (" ,", ":"), (",\t", " : ")))
    return Mutation("", "".join(json.dumps(row, separators=separators) + "\n" for row in rows).encode())


def _lines(record: Record, draw: random.Random) -> Mutation:
    taken = _copied(record)
    rows: list[Any] = draw.choice((taken.entries, taken.blobs))
    one, other = draw.randrange(len(rows)), draw.randrange(len(rows))
    how = draw.choice(("drop", "double", "swap", "move"))
    if how == "drop":
        del rows[one]
    elif how == "double":
        rows.insert(other, rows[one])
    elif how == "swap":
        rows[one], rows[other] = rows[other], rows[one]
    else:
        rows.insert(other, rows.pop(one))
    return Mutation("", _written(taken))


def _flip_inside(record: Record, draw: random.Random) -> Mutation:
    """One bit of an entry, a leaf hash or a document."""
    taken = _copied(record)
    if draw.random() < 0.3:
        at = draw.randrange(len(taken.blobs))
        taken.blobs[at] = flipped(taken.blobs[at], draw.randrange(1 << 20))
    else:
        at = draw.randrange(len(taken.entries))
        leaf, body = taken.entries[at]
        if draw.random() < 0.3:
            leaf = flipped(leaf, draw.randrange(32))
        else:
            body = flipped(body, draw.randrange(len(body)))
        taken.entries[at] = (leaf, body)
    return Mutation("", _written(taken))


def _head(record: Record, draw: random.Random) -> Mutation:
    """The checkpoint or a cosignature beside the log."""
    taken = _copied(record)
    assert taken.head is not None
    beside = taken.head["cosignatures"]
    note = unspelled(draw.choice((taken.head["checkpoint"], *beside.values())))
    how = draw.choice(("flip", "other size", "other root", "stranger", "drop", "swap", "older"))
    if how == "flip":
        note = flipped(note, draw.randrange(len(note)))
    elif how in ("other size", "other root"):
        lines = note.split(b"\n")
        lines[1 if how == "other size" else 2] = b"1" if how == "other size" else base64.b64encode(bytes(32))
        note = b"\n".join(lines)
    elif how == "stranger":
        note = Notary(record.site.origin, STRANGER).checkpoint(len(taken.entries), bytes(32))
    elif how == "older":
        note = unspelled(taken.entry(_seq(record, draw, "cosigned"))["record"]["note"])
    if how == "drop":
        taken.head["cosignatures"] = {}
    elif how == "swap" and beside:
        taken.head["checkpoint"] = next(iter(beside.values()))
    elif draw.random() < 0.5:
        taken.head["checkpoint"] = spelled(note)
    else:
        taken.head["cosignatures"] = dict.fromkeys(beside, spelled(note))
    return Mutation("", _written(taken))


def _copied(record: Record) -> Taken:
    return Taken(copy.deepcopy(record.taken.head), list(record.taken.entries), list(record.taken.blobs))


# A lying site: it alters an entry, ends its log there, and seals it with its own key. Nobody cosigned that.


def _sealed(record: Record, seq: int, change: Callable[[Row], object], *, decision_alone: bool = False) -> Mutation:
    taken = _copied(record)
    entry = taken.entry(seq)
    change(entry)
    body = canon.encode(entry)
    taken.entries[seq:] = [(leaf_hash(body), body)]
    assert taken.head is not None
    taken.head["cosignatures"] = {}
    taken.sign(record.site)
    return Mutation("", _written(taken), decision_alone)


def _seq(record: Record, draw: random.Random, *kinds: str) -> int:
    return draw.choice([seq for seq, kind in enumerate(record.kinds) if not kinds or kind in kinds])


def _other(value: Any, draw: random.Random) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + draw.choice((-1, 1, 1_000_000, -value))
    if isinstance(value, str):
        at = draw.randrange(len(value)) if value else 0
        return value[:at] + draw.choice("0aA-") + value[at + 1 :]
    if isinstance(value, list):
        return draw.choice((value[1:], value[:-1], value + value[:1], value[::-1], []))
    if isinstance(value, dict) and value:
        gone = draw.choice(sorted(value))
        return {name: item for name, item in value.items() if name != gone}
    return draw.choice(({}, "x", 1))


def _inside(value: Any, draw: random.Random) -> Any:
    """The value with one thing in it altered, anywhere."""
    if isinstance(value, dict) and value and draw.random() < 0.9:
        name = draw.choice(sorted(value))
        return {**value, name: _inside(value[name], draw)}
    if isinstance(value, list) and value and draw.random() < 0.8:
        at = draw.randrange(len(value))
        return [*value[:at], _inside(value[at], draw), *value[at + 1 :]]
    return _other(value, draw)


def _site_field(record: Record, draw: random.Random) -> Mutation:
    """A field of an entry, decision left alone."""
    seq = _seq(record, draw)
    names = ["seq", "at", "site", "epoch", "kind", "subject", "prev", "source", "record", "action", "pins", "v"]
    name = draw.choice(names)

    def change(entry: Row) -> None:
        entry[name] = _inside(entry.get(name), draw)

    return _sealed(record, seq, change)


def _site_decision(record: Record, draw: random.Random) -> Mutation:
    """What the site says that the law said."""
    seq = _seq(record, draw, "action", "import", "contact", "cosigned", "boot", "attempt")
    name = draw.choice(("decision", "decision", "law"))

    def change(entry: Row) -> None:
        entry[name] = _inside(entry[name], draw)

    return _sealed(record, seq, change, decision_alone=True)


def _site_record(record: Record, draw: random.Random) -> Mutation:
    """The site's own account of what it took in, of a start, of a cosignature."""

    def change(entry: Row) -> None:
        entry["record"] = _inside(entry["record"], draw)

    return _sealed(record, _seq(record, draw, "import", "boot", "contact", "cosigned", "attempt"), change)


def _site_signatures(record: Record, draw: random.Random) -> Mutation:
    """Signatures of an act: flipped, dropped, doubled, swapped, of somebody else, by a stranger's key."""
    how = draw.choice(("flip", "drop", "double", "swap", "rename", "stranger", "surplus", "type"))

    def change(entry: Row) -> None:
        action = entry["action"]
        rows: list[Row] = action["signatures"]
        row = draw.choice(rows)
        if how == "flip":
            row["sig"] = spelled(flipped(unspelled(row["sig"]), draw.randrange(64)))
        elif how == "drop":
            rows.remove(row)
        elif how == "double":
            rows.append(dict(row))
        elif how == "swap":
            rows[0]["sig"], rows[-1]["sig"] = rows[-1]["sig"], rows[0]["sig"]
        elif how == "rename":
            row["keyid"] = draw.choice(("SID-QA-01", "SID-ADM-01", "NOBODY"))
        elif how == "type":
            action["payloadType"] = draw.choice((PAYLOAD_TYPE + "x", "application/json"))
        elif how == "surplus":
            message = signed(command_of(entry), PAYLOAD_TYPE, ("SID-QA-02", STRANGER))
            rows.append(message["signatures"][0])
        else:
            forged = signed(command_of(entry), PAYLOAD_TYPE, (row["keyid"], STRANGER))
            row["sig"] = forged["signatures"][0]["sig"]

    return _sealed(record, _seq(record, draw, "action"), change)


def _site_act(record: Record, draw: random.Random) -> Mutation:
    """What was signed."""

    def change(entry: Row) -> None:
        command = _inside(command_of(entry), draw)
        entry["action"]["payload"] = spelled(canon.encode(command))

    return _sealed(record, _seq(record, draw, "action", "genesis"), change)


def _site_twice(record: Record, draw: random.Random) -> Mutation:
    """An entry of earlier once more, at the end."""
    taken = _copied(record)
    again = taken.entry(_seq(record, draw))
    fields = {name: again[name] for name in ("kind", "subject", "action", "record", "source", "decision", "law")}
    taken.append(**fields)
    assert taken.head is not None
    taken.head["cosignatures"] = {}
    taken.sign(record.site)
    return Mutation("", _written(taken))


def _site_shorter(record: Record, draw: random.Random) -> Mutation:
    """The site itself takes entries back and says that its log is shorter: harmless to the eye of who holds no later note."""
    taken = _copied(record)
    del taken.entries[draw.randrange(2, len(taken.entries)) :]
    assert taken.head is not None
    if draw.random() < 0.7:
        taken.head["cosignatures"] = {}
    taken.sign(record.site)
    return Mutation("", _written(taken))


def _site_key(record: Record, draw: random.Random) -> Mutation:
    """Sealed with another key than the site's."""
    taken = _copied(record)
    taken.sign(Site(record.site.origin, STRANGER))
    return Mutation("", _written(taken))


KINDS: Final[dict[str, Callable[[Record, random.Random], Mutation]]] = {
    "a bit of the file": _flip_anywhere,
    "the file cut off": _cut,
    "other blanks": _blanks,
    "lines dropped, doubled, swapped": _lines,
    "a bit inside": _flip_inside,
    "checkpoint and cosignatures": _head,
    "a field, sealed by the site": _site_field,
    "a decision, sealed by the site": _site_decision,
    "a record, sealed by the site": _site_record,
    "signatures, sealed by the site": _site_signatures,
    "an act, sealed by the site": _site_act,
    "an entry twice, sealed by the site": _site_twice,
    "a shorter log, sealed by the site": _site_shorter,
    "sealed by a stranger": _site_key,
}
