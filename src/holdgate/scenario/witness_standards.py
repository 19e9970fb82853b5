"""Before a witness run: the editions that a contract is written to are adopted in its shop, by a job as any lab would have it.

The adoption is a contract of its own (SmartStandards) with a single op; QA's acceptance puts the edition in force.
"""

from collections.abc import Iterator
from typing import Any, Final

from holdgate.certifier.cast import DOCK, LAB, NODE, OFFICE, Cast
from holdgate.certifier.witness import Deed
from holdgate.law.contract import SmartClientPO, SmartStandards, Standard, Step, Yield, document_digest
from holdgate.law.families import Bundle
from holdgate.scenario.files import Person
from holdgate.terms.instant import SECOND_US

ADOPTION: Final = "W-ADOPTION"
VERSION: Final = "1"
VALID_S: Final = 200 * 366 * 86_400
"""Longer than any witness run."""
READER: Final = Person(id="W-SCANNER-0", name="W-SCANNER-0", org=LAB, roles=("scanner",))
"""A reader of its own: the runs count the scans of theirs."""


def adoption_of(contract: Bundle) -> Bundle:
    """The contract of an adoption."""
    head: dict[str, Any] = {
        "id": ADOPTION,
        "version": VERSION,
        "title": "Adoption of an edition",
        "author": contract.template.author,
    }
    step = Step(id="A10", name="Read the edition", role="level3", zones=("OFFICE",))
    technique = SmartStandards(**head, steps=(step,), yields=(Yield(fact="standard", valid_s=VALID_S),))
    terms: dict[str, Any] = {"price_minor": 0, "currency": "USD", "billing": (), "client_window_s": 86_400}
    order = SmartClientPO(**head, process=document_digest(technique), on_silence="escalate", **terms)
    return Bundle(order, technique)


def adoptions(contract: Bundle, cast: Cast, before: int) -> tuple[Deed, ...]:
    """Every edition that the contract requires, adopted; the last deed is a minute before that moment (UTC µs)."""
    every = [
        deed for number, needed in enumerate(contract.technique.requires) for deed in _adopted(cast, number, needed)
    ]
    start = before - (len(every) + 60) * SECOND_US
    return tuple(
        Deed(at=start + place * SECOND_US, actor=actor, role=role, action=action, inputs=inputs, words=action)
        for place, (actor, role, action, inputs) in enumerate(every)
    )


def _adopted(cast: Cast, number: int, needed: Standard) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    order, job = f"W-ADOPTION-{number}", f"W-ADOPT-{number}"
    part = {"part_no": needed.standard, "rev": needed.edition, "serials": [f"W-COPY-{number}"]}
    for role in ("project_manager", "qa"):
        reviewed = {"po": order, "document_digest": "sha256:0", **_signed(f"{order}-{role}", "reviewed")}
        yield cast.who(role), role, "po.review", reviewed
    staged = {"contract": ADOPTION, "version": VERSION, "node": NODE, "client": LAB, "documents": []}
    yield cast.who("project_manager"), "project_manager", "po.stage", {"po": order, **staged, **part}
    scan = {"qty": "1", "signature": "valid", "reader_seq": str(number + 1), "workstation": DOCK}
    yield READER.id, "scanner", "part.arrival", {"po": order, **part, **scan}
    level3 = cast.who("level3")
    yield level3, "level3", "job.start", {"po": order, "job": job, "node": NODE}
    step = {"job": job, "step": "A10", "workstation": OFFICE}
    yield level3, "level3", "step.start", {**step, "equipment": [], "materials": []}
    yield level3, "level3", "step.sign", {**step, "result": "pass", **_signed(f"{order}-op", "performed")}
    count = {"received": "1", "accepted": "1", "rejected": "0", "scrapped": "0"}
    yield cast.who("qa"), "qa", "qa.sign", {"job": job, "quantities": count, **_signed(f"{order}-qa", "accepted")}


def _signed(session: str, meaning: str) -> dict[str, Any]:
    return {"workstation": OFFICE, "meaning": meaning, "auth": {"components": ["badge", "pin"], "session": session}}
