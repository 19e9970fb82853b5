"""Who decides on what failed: people decide, a failing result can stand, and nothing but the named documents is certified."""

from collections.abc import Iterator
from typing import Final

from holdgate.certifier.findings import Findings
from holdgate.certifier.life import Life
from holdgate.certifier.roles import are_people
from holdgate.law.contract import document_digest
from holdgate.law.families import Bundle
from holdgate.law.technique import AS_FOUND

DECIDED: Final = "people-decide-on-what-failed"
CAN_STAND: Final = "a-failing-result-can-stand"
ENDING: Final = ("report_nonconforming", "reject", "scrap", "return_to_client", "repair", "use_as_is")
"""Decisions after which a job goes on without the test being done until it passes."""


def prove_quality(found: Findings, life: Life) -> None:
    """All proofs about decisions on nonconformances."""
    for proof in (DECIDED, CAN_STAND):
        found.begin(proof)
    for authority in life.matrix:
        for role in (role for role in authority.roles if not are_people(role)):
            found.fail(
                DECIDED, f"SmartQA {authority.disposition}", f"{role!r} is no role of people, so nobody decides in it"
            )
    failing = [step.id for step in life.steps if any(item.effect != AS_FOUND for item in step.characteristics)]
    if failing and all(life.decides(disposition) is None for disposition in ENDING):
        what = "what fails here can only be done again until it passes: nobody may let a failing result stand and be reported"
        found.fail(CAN_STAND, failing[0], what, f"decisions that somebody may make: {_decidable(life)}")


def _decidable(life: Life) -> str:
    return ", ".join(item.disposition for item in life.matrix if life.decides(item.disposition)) or "none"


def unbound(contract: Bundle) -> Iterator[str]:
    """What comes with a contract and is not what its order template names by hash, as sentences."""
    template = contract.template
    for kind, named, document in (
        ("SmartQA", template.quality, contract.quality),
        ("SmartPay", template.pay, contract.pay),
    ):
        if named != ("" if document is None else document_digest(document)):
            yield f"the order template names another {kind} than the one that came with it"
