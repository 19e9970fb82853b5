"""A floor hub in small: a log with real entries, checkpoints and receipts, and a decision that a test sets."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw
from typing_extensions import override

from holdgate.crypto.hashes import digest, leaf_hash
from holdgate.crypto.keys import SigningKey
from holdgate.ledger.entry import Entry, LawRef, Source, encode_entry
from holdgate.ledger.merkle import inclusion_path, root_of
from holdgate.ledger.note import Notary, parse_vkey
from holdgate.ledger.proof import write_proof
from holdgate.reader.broadcast import Broadcast, read
from holdgate.reader.host import Clock

T0 = 1_743_512_400_000_000
ORIGIN = "lab.test/floor"
HUB_KEY = SigningKey(b"\x31" * 32)
READER_KEY = SigningKey(b"\x32" * 32)
LOG = parse_vkey(Notary(ORIGIN, HUB_KEY).vkey)
Decide = Callable[[Broadcast], dict[str, Any]]


def recorded(broadcast: Broadcast) -> dict[str, Any]:
    """The parts are recorded, and their order goes on."""
    order, serials = broadcast.order or "PO-1", list(broadcast.serials)
    return {
        "verdict": "allow",
        "events": [
            {"ev": "ReaderAdvanced", "reader": "SCN-1", "seq": broadcast.reader_seq},
            {"ev": "ArrivalRecorded", "order": order, "serials": serials, "evidence": "broadcast"},
            {"ev": "OrderReleased", "order": order, "node": "NODE-1", "serials": serials, "complete": True},
        ],
    }


def denied(code: str, *events: dict[str, Any], **values: Any) -> dict[str, Any]:
    """A refusal for one reason."""
    return {"verdict": "deny", "events": list(events), "denials": [{"code": code, "gate": "x", "values": values}]}


class SetClock(Clock):
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = T0

    @override
    def now(self) -> int:
        return self.at


class Hub:
    """The log, and the link to it. `down`: the link is. `deaf`: it takes a broadcast and its answer is lost.

    `forger`: answers in the hub's place.
    """

    def __init__(self, decide: Decide = recorded) -> None:
        self.decide = decide
        self.bodies: list[bytes] = []
        self.taken: dict[bytes, int] = {}
        self.posted: list[bytes] = []
        self.asked = 0
        self.down = self.deaf = False
        self.forger: Callable[[bytes], bytes] | None = None
        self.notary = Notary(ORIGIN, HUB_KEY)
        self._add("genesis")

    def up(self) -> None:
        self.asked += 1
        if self.down:
            raise ConnectionError("no route")

    def post(self, envelope: bytes) -> bytes:
        self.posted.append(envelope)
        if self.down:
            raise ConnectionError("no route")
        return self.honest(envelope) if self.forger is None else self.forger(envelope)

    def honest(self, envelope: bytes) -> bytes:
        """The broadcast is taken, and answered."""
        seq = self.take(envelope)
        if self.deaf:
            raise TimeoutError("no answer")
        return self.answer(seq)

    def take(self, envelope: bytes) -> int:
        """The entry of a broadcast: the first one, where it came before."""
        if envelope not in self.taken:
            self.taken[envelope] = len(self.bodies)
            self._add("action", self.decide(read(envelope)), action=Raw(envelope))
        return self.taken[envelope]

    def attempt(self, envelope: bytes, why: str = "not enrolled", of: str | None = None) -> bytes:
        """The hub could not authenticate it, and has put that on record."""
        payload = base64.b64decode(json.loads(envelope)["payload"])
        record = {"code": "BROADCAST_UNVERIFIED", "why": why, "source": "http", "digest": of or digest(payload)}
        self._add(
            "attempt", denied("BROADCAST_UNVERIFIED", why=why), record=Raw(msgspec.json.encode(record, order="sorted"))
        )
        return self.answer(len(self.bodies) - 1)

    def _add(self, kind: str, decision: dict[str, Any] | None = None, **more: Any) -> None:
        raw = msgspec.json.encode(decision or {"verdict": "allow"}, order="sorted")
        self.bodies.append(
            encode_entry(
                Entry(
                    site="FLOOR",
                    seq=len(self.bodies),
                    epoch="e",
                    at=T0,
                    kind=kind,
                    subject="order:PO-1",
                    source=Source(module="SCN-1", node="FLOOR"),
                    law=LawRef(semantics=1),
                    decision=Raw(raw),
                    **more,
                )
            )
        )

    def receipt(self, seq: int, notary: Notary | None = None) -> bytes:
        leaves = [leaf_hash(body) for body in self.bodies]
        note = (notary or self.notary).checkpoint(len(leaves), root_of(leaves))
        return write_proof(seq, inclusion_path(leaves, seq), note)

    def answer(self, seq: int, **changes: Any) -> bytes:
        """What the hub answers; `changes` forge it."""
        fields = {
            "seq": seq,
            "verdict": "allow",
            "refusals": [],
            "receipt": self.receipt(seq).decode(),
            "kept": "local",
            "resent": False,
            "entry": base64.b64encode(self.bodies[seq]).decode(),
        }
        return json.dumps({name: value for name, value in {**fields, **changes}.items() if value is not ...}).encode()


class FileHub(Hub):
    """A hub that survives the process: a line for each broadcast that came, torn lines aside."""

    def __init__(self, path: Path, decide: Decide = recorded) -> None:
        super().__init__(decide)
        self.path = path
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        for line in lines:
            self.take(line)

    @override
    def post(self, envelope: bytes) -> bytes:
        with self.path.open("ab") as file:
            file.write(envelope + b"\n")
        return super().post(envelope)
