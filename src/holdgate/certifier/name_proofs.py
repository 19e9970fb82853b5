"""Whatever a contract names exists and can do what it is named for: steps, acts, triggers, and people behind roles."""

from collections.abc import Iterator
from typing import Final

from holdgate.certifier.findings import Findings
from holdgate.certifier.life import Life
from holdgate.certifier.roles import are_people
from holdgate.law import command as c

NAMED: Final = "what-is-named-exists"
TRIGGERS: Final = (
    "job_assigned",
    "prechecks_complete",
    "qa_accepted",
    "compliance_accepted",
    "report_issued",
    "delivery_window_closed",
    "review_window_closed",
)
"""What a contract may set something off on."""
PINS: Final = ("job", "test")
ASSIGNMENTS: Final = ("open", "required")


def prove_names(found: Findings, life: Life) -> None:
    """Everything that the contract names."""
    found.begin(NAMED)
    for place, what in (*_of_steps(life), *_of_modules(life), *_of_the_whole(life)):
        found.fail(NAMED, place, what)


def _of_steps(life: Life) -> Iterator[tuple[str, str]]:
    for step in life.steps:
        if not are_people(step.role):
            yield step.id, f"{step.role!r} is no role of people, so nobody can do and sign it"
        if step.hold is not None and not are_people(step.hold.party):
            yield step.id, f"it is held for {step.hold.party!r}, in which role nobody can release it"
        if step.witness is not None and not are_people(step.witness.party):
            yield step.id, f"its witness is {step.witness.party!r}, which is no role of people"
        if step.witness is not None and step.witness.notice_s < 0:
            yield step.id, "its witness is told after the fact"


def _of_modules(life: Life) -> Iterator[tuple[str, str]]:
    for right in life.technique.modules:
        place = f"module {right.module}"
        if right.step not in life.position:
            yield place, f"there is no step {right.step}"
        if right.permit_s <= 0:
            yield place, f"its permits hold {right.permit_s} s: none can be used"
        if not right.act.strip():
            yield place, "what it may do has no name"


def _of_the_whole(life: Life) -> Iterator[tuple[str, str]]:
    technique, template = life.technique, life.template
    retest = technique.retest
    if retest is not None and retest.max < 0:
        yield "retest", f"at most {retest.max} retests"
    if retest is not None and retest.max > 0 and not retest.allowed_causes:
        yield "retest", "retests are allowed for no cause at all"
    if technique.on_failed is not None and not life.resumers:
        yield "on_failed", "nobody can resume a failed run"
    if technique.pin not in PINS:
        yield "technique", f"a contract is pinned by {' or '.join(PINS)}, not by {technique.pin!r}"
    if technique.assignment not in ASSIGNMENTS:
        yield "technique", f"assignment is {' or '.join(ASSIGNMENTS)}, not {technique.assignment!r}"
    if technique.assignment == "required" and not life.assignable():
        yield "technique", "one person has to be assigned to every step, and no one person can hold all their roles"
    for trigger in template.triggers:
        if trigger.on not in TRIGGERS:
            yield "triggers", f"nothing is called {trigger.on!r} that could set something off"
    for demand in template.demands:
        if demand.act not in c.ACTS:
            yield "demands", f"there is no act {demand.act!r}"
