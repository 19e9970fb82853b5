"""A run of forgeries of every kind."""

from collections.abc import Callable
from random import Random
from typing import Any

from holdgate.crypto.sealed import open_sealed
from holdgate.gate.permit import open_answer
from holdgate.identity.charter import open_charter
from holdgate.law.segments import verify_segment
from holdgate.ledger.head import open_head
from holdgate.ledger.note import open_checkpoint
from holdgate.ledger.proof import verify_proof
from holdgate.terms import canon
from tests.builders import NODE, ROOT, charter_envelope, key_of
from tests.fuzz import forged_acts as acts
from tests.fuzz import forged_proofs as proofs
from tests.fuzz import seeds as s
from tests.fuzz.forger import FORGERS
from tests.fuzz.signed_things import answers


def believable() -> list[str]:
    """What forgeries are made from that is not believed as it is: nothing, or a run shows nothing."""
    key = key_of(NODE).public
    true: dict[str, Callable[[], object]] = {
        "an act": lambda: all(map(acts.taken, acts.acts())) and len(acts.acts()) > 50,
        "a charter": lambda: open_charter(charter_envelope(), (ROOT.public,)),
        "an answer": lambda: [open_answer(raw, NODE, key) for raw in answers()],
        "a sealed body": lambda: open_sealed(acts.SEALING, acts.sealed(), b"info", b"PO-1") == acts.BODY,
        "an assertion": lambda: all(proofs.holds(alg, canon.encode(proofs.assertion(alg))) for alg in (-7, -8, -257)),
        "a checkpoint": lambda: [open_checkpoint(note, s.LOG) for note in s.checkpoints()],
        "a head": lambda: [open_head(raw, [s.WITNESS]) for raw in s.heads()],
        "a receipt": lambda: verify_proof(s.receipts()[0], s.leaves()[0], s.LOG),
        "a stretch": lambda: verify_segment(proofs.newcomer(), proofs.true_stretch()),
    }
    return [what for what, judge in true.items() if not judge()]


def forge(count: int, seed: int) -> tuple[int, list[str]]:
    """Try so many forgeries of every kind. Returns how many were tried, and which were believed."""
    whole = sum(share for _, share in FORGERS.values())
    tried, bad = 0, list[str]()
    for name, (forging, share) in FORGERS.items():
        draw = Random(f"{name} {seed}")
        for number in range(-(-count * share // whole)):
            state, tried = draw.getstate(), tried + 1
            if forging(draw):
                bad.append(f"{name}, number {number} of seed {seed}")
                assert forging(_at(state)), "it is believed once and not the second time"
                if len(bad) > 20:
                    return tried, bad
    return tried, bad


def _at(state: tuple[Any, ...]) -> Random:
    again = Random()
    again.setstate(state)
    return again
