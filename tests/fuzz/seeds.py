"""What fuzzing begins from: real inputs of every kind, made by the product when the run starts. No file of others is kept here."""

import base64
import contextlib
import io
import json
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, NamedTuple

from holdgate.bootstrap import read_trust
from holdgate.cli.app import main
from holdgate.crypto.envelope import PAYLOAD_TYPE, open_envelope, seal
from holdgate.crypto.hashes import leaf_hash
from holdgate.crypto.keys import SigningKey
from holdgate.law import command as c
from holdgate.law.segments import Segment
from holdgate.ledger.entry import read_entry
from holdgate.ledger.head import write_head
from holdgate.ledger.merkle import consistency_path, inclusion_path, root_of
from holdgate.ledger.note import KIND_COSIGNATURE, Checkpoint, Notary, Vkey, cosign, make_vkey, parse_vkey
from holdgate.ledger.proof import write_proof
from holdgate.terms import canon
from tests import second
from tests.builders import BENCH, CLIENT, FLOOR, HUB, NODE, OFFICE, PO, USUAL, VAULT, Log, key_of, signed
from tests.passkey import SoftPasskey

SEED_BYTES_MAX: Final = 24_000
"""Seeds are no longer than this, so that an execution is short."""
WITH_DOCUMENTS: Final = (c.SubmitContract, c.CertifyContract, c.ForwardOrder)
"""Acts that name a document by its digest; the logs hold such."""
ORIGIN: Final = f"test/{HUB}"
T_S: Final = 1_743_512_400


def short(found: Sequence[bytes]) -> list[bytes]:
    """Those that are short enough, each once."""
    return [raw for raw in dict.fromkeys(found) if len(raw) <= SEED_BYTES_MAX]


# ---- a shop in memory: logs that keep every rule, and what travels between sites ---------------------------------------


class Shop(NamedTuple):
    """Three logs of one shop."""

    hub: Log
    node: Log
    floor: Log


@cache
def shop() -> Shop:
    """People, registers, a contract and an order at the hub; a whole job at the node. Nobody changes these."""
    hub = Log(HUB, "business_hub").begin().staffed().ordered()
    node = Log(NODE, "node").begin()
    node.now = hub.now
    node.order_template, node.technique = hub.order_template, hub.technique
    node.take_in(hub.segment())
    node.delivered().worked()
    floor = Log(FLOOR, "floor_hub").begin()
    floor.now = hub.now
    floor.take_in(hub.segment())
    return Shop(hub, node, floor)


@cache
def acts() -> list[bytes]:
    """An envelope of every kind of act, signed by everybody who has to."""
    held = shop()
    logged = [read_entry(body) for log in held for body in log.bodies()]
    real = [bytes(entry.action) for entry in logged if entry.kind == "action"]
    wished = [signed(held.hub.ask(act).command) for act in USUAL if act not in WITH_DOCUMENTS]
    return short([*real[::4], *wished])


@cache
def payloads() -> list[bytes]:
    """What those acts say, as it is signed."""
    return [open_envelope(raw).payload for raw in acts()]


@cache
def people() -> dict[str, Any]:
    """The roster that those acts are verified against."""
    return dict(shop().hub.state.identities)


@cache
def entries() -> list[bytes]:
    """Entries of every kind."""
    held = shop()
    bodies = [*held.hub.bodies(), *held.node.bodies(), *held.floor.bodies()]
    return short(bodies)[::3]


@cache
def segments() -> list[tuple[str, Segment]]:
    """Stretches of logs, with the site that is to take them in."""
    held = shop()
    return [
        (NODE, held.hub.segment(0, 12)),
        (NODE, held.hub.segment(12, 20)),
        (HUB, held.node.segment(0, 2)),
        (HUB, held.floor.segment(0, 2)),
    ]


# ---- notes, proofs, tiles -------------------------------------------------------------------------------------------

LOG_KEY: Final = key_of(HUB)
LOG: Final = parse_vkey(make_vkey(ORIGIN, LOG_KEY.public))
WITNESS_NAME: Final = f"test/{VAULT}"
WITNESS: Final = parse_vkey(make_vkey(WITNESS_NAME, key_of(VAULT).public, KIND_COSIGNATURE))


@cache
def leaves() -> list[bytes]:
    """Leaf hashes of the hub's log."""
    return [leaf_hash(body) for body in shop().hub.bodies()]


@cache
def checkpoints() -> list[bytes]:
    """The hub's checkpoints, bare and cosigned."""
    notary, found = Notary(ORIGIN, LOG_KEY), []
    for size in (0, 1, 2, 7, 8, len(leaves())):
        note = notary.checkpoint(size, root_of(leaves()[:size]))
        found += [note, note + cosign(text_of(note), WITNESS_NAME, key_of(VAULT), T_S)]
    return found


def text_of(note: bytes) -> bytes:
    """What a note's signatures cover."""
    return note[: note.index(b"\n\n") + 1]


@cache
def heads() -> list[bytes]:
    """Heads of a Vault."""
    logs = [Checkpoint(ORIGIN, 5, root_of(leaves()[:5])), Checkpoint(f"test/{NODE}", 3, bytes(32))]
    return [write_head(WITNESS_NAME, key_of(VAULT), T_S, logs[:count]) for count in (1, 2)]


@cache
def receipts() -> list[bytes]:
    """Receipts of the hub's entries."""
    size = len(leaves())
    note = Notary(ORIGIN, LOG_KEY).checkpoint(size, root_of(leaves()))
    plain = [write_proof(at, inclusion_path(leaves(), at), note) for at in (0, 1, size // 2, size - 1)]
    return [*plain, write_proof(2, inclusion_path(leaves(), 2), note, b"extra bytes")]


@cache
def inclusions() -> list[bytes]:
    """`index ‖ size ‖ leaf ‖ root ‖ path` in 8, 8, 32, 32 and 32 bytes each."""
    found = []
    for size in (1, 2, 3, 7, 8, 9, len(leaves())):
        held = leaves()[:size]
        for at in sorted({0, size // 2, size - 1}):
            head = at.to_bytes(8, "big") + size.to_bytes(8, "big")
            found.append(head + held[at] + root_of(held) + b"".join(inclusion_path(held, at)))
    return found


@cache
def consistencies() -> list[bytes]:
    """`old size ‖ new size ‖ old root ‖ new root ‖ path`."""
    found = []
    for new in (1, 2, 3, 7, 8, 9, len(leaves())):
        for old in sorted({1, (new + 1) // 2, new}):
            head = old.to_bytes(8, "big") + new.to_bytes(8, "big")
            path = b"".join(consistency_path(leaves()[:new], old))
            found.append(head + root_of(leaves()[:old]) + root_of(leaves()[:new]) + path)
    return found


# ---- records and packages that travel ----------------------------------------------------------------------------------


class Kept(NamedTuple):
    """A small shop's bundles, and the keys under which they are judged."""

    bundles: dict[str, bytes]
    roots: tuple[bytes, ...]
    witnesses: tuple[Vkey, ...]


@cache
def kept() -> Kept:
    """Three short logs of a shop on disk, exported."""
    with tempfile.TemporaryDirectory(prefix="holdgate-fuzz-") as place:
        made = second.small(Path(place) / "shop")
        with contextlib.redirect_stdout(io.StringIO()):
            assert main(("ledger", "export", "--data", str(made), "--bundles", f"{place}/out")) == 0
        trust = read_trust(made / "trust.json")
        bundles = {file.stem: file.read_bytes() for file in sorted(Path(place, "out").glob("*.bundle"))}
    return Kept(bundles, trust.roots, tuple(parse_vkey(text) for text in trust.witnesses))


@cache
def bundles() -> list[bytes]:
    """Bundles, cut to so many lines that they are short; a bundle may end anywhere."""
    found = []
    for raw in kept().bundles.values():
        lines = raw.splitlines(keepends=True)
        entries_of = [line for line in lines if b'"line":"entry"' in line]
        blobs = [line for line in lines if b'"line":"blob"' in line]
        found += [b"".join([lines[0], *entries_of[:4], *blobs[:1]]), b"".join([lines[0], *entries_of[:1]])]
    return short(found)


# ---- texts of people and machines ----------------------------------------------------------------------------------------


@cache
def contracts() -> list[bytes]:
    """Contracts as people write them: those that come with the product."""
    place = resources.files("holdgate.templates")
    names = ("hydrostatic", "uv-meter", "client-order", "bonus-rules", "safety-data-sheet", "heat-treat")
    return [
        (place / name / "contract.yaml").read_bytes() for name in names if (place / name / "contract.yaml").is_file()
    ]


@cache
def passkeys() -> list[SoftPasskey]:
    """A passkey of each kind."""
    return [SoftPasskey("TECH", alg=alg) for alg in (-7, -8, -257)]


def broadcast(**changes: Any) -> c.ReportArrival:
    """What a reader signs."""
    fields: dict[str, Any] = {
        "site": FLOOR, "at": T_S * 1_000_000, "nonce": "n1", "signers": (c.Signer(id="SCN", role="scanner"),), "place": OFFICE,
        "part_no": "P-1", "rev": "A", "serials": ("A", "B"), "quantity": 2, "reader_seq": 7, "observed_at": T_S * 1_000_000,
        "order": PO,
    }  # fmt: skip
    return c.ReportArrival(**(fields | changes))


def broadcast_envelope(**changes: Any) -> bytes:
    """A reader's broadcast, signed."""
    keys: list[tuple[str, SigningKey]] = [("SCN", key_of("SCN")), (OFFICE, key_of(OFFICE))]
    return seal(canon.encode(broadcast(**changes)), keys, PAYLOAD_TYPE)


def event(**changes: Any) -> dict[str, Any]:
    """An EPCIS event of an arrival."""
    whole: dict[str, Any] = {
        "@context": [
            "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
            {"shop": "https://ns.example.com/shop/"},
        ],
        "type": "ObjectEvent", "action": "OBSERVE", "bizStep": "arriving", "eventTime": "2026-04-01T15:00:00.250000+02:00",
        "eventTimeZoneOffset": "+02:00", "epcList": ["urn:epc:id:adi:0CVA5.4512-7.S01", "urn:epc:id:adi:0CVA5.4512-7.S02"],
        "readPoint": {"id": "urn:epc:id:sgln:0614141.07346.1234"}, "shop:drawingRevision": "C",
        "bizTransactionList": [{"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:0614141073467:PO-1"}],
        "quantityList": [],
        "sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": 21.5, "uom": "CEL"}]}],
    }  # fmt: skip
    return {name: value for name, value in (whole | changes).items() if value not in (None, [])}


@cache
def events() -> list[bytes]:
    """Events as readers send them, bare and in a document."""
    lot = {"epcClass": "urn:epc:class:lgtin:4012345.012345.998877", "quantity": 3}
    kinds = [
        event(),
        event(epcList=["https://id.gs1.org/01/09506000134352/21/12345"], bizStep="urn:epcglobal:cbv:bizstep:receiving"),
        event(epcList=None, quantityList=[lot], sensorElementList=None, eventTime="2026-04-01T13:00:00Z"),
    ]
    inside = {name: value for name, value in kinds[0].items() if name != "@context"}
    document = {
        "@context": kinds[0]["@context"], "type": "EPCISDocument", "schemaVersion": "2.0",
        "creationDate": "2026-04-01T13:00:05Z", "epcisBody": {"eventList": [inside]},
    }  # fmt: skip
    return [json.dumps(one).encode() for one in (*kinds, document)]


@cache
def cloud_events() -> list[bytes]:
    """CloudEvents with an event and the envelope that goes with it, and a bare envelope."""
    from holdgate.adapters.epcis import read_object_event

    found = [broadcast_envelope()]
    for raw in events():
        observed = read_object_event(raw)
        said: dict[str, Any] = {
            "part_no": observed.part_no,
            "quantity": observed.quantity,
            "event": observed.event_hash,
        }
        said |= {
            "serials": tuple(part for part in observed.serials),
            "order": observed.order,
            "rev": observed.rev or "C",
        }
        envelope = broadcast_envelope(**said)
        head = {"specversion": "1.0", "id": observed.event_hash, "source": "SCN", "type": "org.gs1.epcis.ObjectEvent"}
        spelled = {"dsse": base64.b64encode(envelope).decode(), "data": json.loads(raw)}
        found.append(json.dumps(head | spelled).encode())
    return found


def names() -> tuple[bytes, ...]:
    """Words of the shop, for whoever alters what it says."""
    return tuple(name.encode() for name in (HUB, FLOOR, NODE, VAULT, CLIENT, OFFICE, BENCH, PO, "TECH", "QA", "ADMIN"))
