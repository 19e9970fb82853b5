"""Certification of a contract: everything is proved, the runs come out as predicted, and only then is there a certificate."""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from holdgate.certifier.findings import Defect
from holdgate.certifier.life import Law, present, vocabulary
from holdgate.certifier.plan import Plan, plan_runs
from holdgate.certifier.prove import Proved, prove
from holdgate.certifier.smt import Query
from holdgate.certifier.solver import solver_names
from holdgate.certifier.structure import examine
from holdgate.law.certificate import HOLDS, Certificate, Proof
from holdgate.law.families import Bundle
from holdgate.scenario.witness import run_plan
from holdgate.terms import canon
from holdgate.terms.errors import Malformed

WITNESS: Final = "model-and-engine-agree"
SCOPE: Final = (
    "proved for every value of facts and of adaptable parameters: the rules, limits, windows and amounts of this contract; found "
    "by complete search of the life of an order with one job over all its parts: what must never happen, and that every state can "
    "end; every act and condition of that life that is not in witness.left_out was run on a real engine and came out as predicted. "
    "Not covered: splits, red tags, late entries, corrections, recalls, links between sites; decisions on a nonconformance but "
    "rework and report_nonconforming, and so steps under a concession; deviations but a late start; a log that breaks between two "
    "steps of a job whose report rests on it; a fail over readings that conform; payouts beyond the contract's own number of "
    "retests"
)


class Certification(Struct, frozen=True, kw_only=True):
    """What came of it. `certificate`: canonical bytes; None where there is a defect. `notes`: worth knowing, no defects."""

    contract: str
    version: str
    defects: tuple[Defect, ...]
    notes: tuple[str, ...]
    proofs: tuple[Proof, ...]
    queries: tuple[Query, ...]
    plan: Plan | None = None
    certificate: bytes | None = None


def certification(contract: Bundle, *, second: bool = False, law: Law | None = None) -> Certification:
    """Certify a contract, or say what stands against it.

    Args:
        contract: untrusted.
        second: ask every question of a second solver too.
        law: the engine to prove for; the present one by default.

    Raises:
        Unavailable: a second solver is asked for and not installed.
    """
    found = prove(contract, law, second=second)
    plan = None
    if not found.defects and found.life is not None:
        plan = _run(found, law)
    certificate = None if found.defects or plan is None else canon.encode(_certificate(found, plan, second=second))
    return Certification(
        contract=contract.template.id,
        version=contract.template.version,
        defects=tuple(found.defects),
        notes=tuple(found.notes),
        proofs=found.proofs,
        queries=tuple(found.queries.values()),
        plan=plan,
        certificate=certificate,
    )


def _run(found: Proved, law: Law | None) -> Plan | None:
    """Plan the witness runs and have real sites decide them."""
    found.begin(WITNESS)
    if found.life is None:
        return None
    gates = vocabulary().gates if law is None else law.gates
    try:
        plan = plan_runs(found.life, present(gates), vocabulary(gates))
        differs = run_plan(plan)
    except Malformed as error:
        found.fail(WITNESS, "witness run", str(error))
        return None
    if differs is not None:
        found.fail(WITNESS, "witness run", differs.what, path=differs.path)
    for told in plan.unshown:
        found.fail(WITNESS, "witness run", f"no run could show in time that {told}")
    return plan


def _certificate(found: Proved, plan: Plan, *, second: bool) -> Certificate:
    _, structure = examine(found.contract.template, found.contract.technique)
    if any(proof.verdict != HOLDS for proof in found.proofs):
        raise Malformed("a property fails, and no defect says so")
    return replace(
        structure,
        scope=SCOPE,
        proofs=found.proofs,
        solvers=solver_names(second=second),
        witness=plan.record(),
    )
