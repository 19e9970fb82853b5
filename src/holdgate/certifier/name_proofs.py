"""Whatever a contract names exists and can do what it is named for: steps, acts, triggers, and people behind roles."""

import re
from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from holdgate.certifier.findings import Findings
from holdgate.certifier.life import Life
from holdgate.certifier.roles import are_people
from holdgate.handoff.staging import ATTESTED, BROADCAST
from holdgate.law.completeness import ASSIGNMENTS, LONG_S, PINS
from holdgate.law.gates.people import ROLES
from holdgate.law.technique import ACCEPTANCE, AS_FOUND
from holdgate.law.triggers import ON

NAMED: Final = "what-is-named-exists"
EFFECTS: Final = (None, ACCEPTANCE, AS_FOUND)
"""What a characteristic may decide on."""
CURRENCY: Final = re.compile(r"[A-Z]{3}")
"""An ISO 4217 code."""
EVIDENCE: Final = (BROADCAST, ATTESTED)
"""By what an arrival can be shown."""


def prove_names(found: Findings, life: Life) -> None:
    """Everything that the contract names."""
    found.begin(NAMED)
    parts = (_of_steps, _of_characteristics, _of_modules, _of_devices, _of_retests, _of_the_technique, _of_the_order)
    for place, what in (fault for part in parts for fault in part(life)):
        found.fail(NAMED, place, what)
    for note in _likely_slips(life):
        found.note(note)


def _likely_slips(life: Life) -> Iterator[str]:
    """A lab gives what roles it likes; one that is nearly a role of the law was perhaps meant to be that."""
    known = {"client", *(role for roles in ROLES.values() for role in roles)}
    for role in dict.fromkeys(step.role for step in life.steps):
        near = [] if role in known else get_close_matches(role, sorted(known), n=1, cutoff=0.85)
        if near:
            yield f"steps are for {role!r}; {near[0]!r} is meant, perhaps: nobody can do them without exactly that role"


def _of_steps(life: Life) -> Iterator[tuple[str, str]]:
    for step in life.steps:
        if not are_people(step.role):
            yield step.id, f"{step.role!r} is no role of people, so nobody can do and sign it"
        if step.hold is not None and not are_people(step.hold.party):
            yield step.id, f"it is held for {step.hold.party!r}, in which role nobody can release it"
        if step.hold is not None and step.hold.party == step.role:
            yield step.id, f"it is held for the {step.role}, who does it: whoever is held can let go of it themselves"
        if step.witness is not None and not are_people(step.witness.party):
            yield step.id, f"its witness is {step.witness.party!r}, which is no role of people"


def _of_modules(life: Life) -> Iterator[tuple[str, str]]:
    for right in life.technique.modules:
        place = f"module {right.module}"
        if right.step not in life.position:
            yield place, f"there is no step {right.step}"
        if right.permit_s <= 0:
            yield place, f"its permits hold {right.permit_s} s: none can be used"
        if not right.act.strip():
            yield place, "what it may do has no name"


def _of_characteristics(life: Life) -> Iterator[tuple[str, str]]:
    for step in life.steps:
        for item in step.characteristics:
            place = f"{step.id} {item.id}"
            if item.effect not in EFFECTS:
                yield (
                    place,
                    f"its effect is {item.effect!r}; it is {ACCEPTANCE} (of the part), {AS_FOUND} (of an instrument), or none",
                )
            if item.effect == AS_FOUND and life.technique.subject != "equipment":
                what = "so that no value of it fails anything; that is for how an instrument is met"
                yield place, f"it is read as found on a {life.technique.subject}, {what}"
            if not item.unit.strip():
                yield place, "its unit has no name"


def _of_devices(life: Life) -> Iterator[tuple[str, str]]:
    """What logs and what acts by permit is a device; who wrote the contract is a person."""
    author, technique = life.template.author, life.technique
    for item in technique.environment:
        if item.sensor == author:
            yield f"environment {item.series}", f"{author} logs it, who is the author and no sensor"
    for right in technique.modules:
        if right.module == author:
            yield f"module {author}", "it is the author and no module"


def _of_retests(life: Life) -> Iterator[tuple[str, str]]:
    retest = life.technique.retest
    if retest is None:
        return
    if retest.max < 0:
        yield "retest", f"at most {retest.max} retests"
    if retest.max > 0 and not retest.allowed_causes:
        yield "retest", "retests are allowed for no cause at all"
    if retest.max == 0 and retest.allowed_causes:
        yield "retest", f"{', '.join(retest.allowed_causes)} is named as a cause of retests, and none is allowed"
    if any(not cause.strip() for cause in retest.allowed_causes):
        yield "retest", "a cause has no name"


def _of_the_technique(life: Life) -> Iterator[tuple[str, str]]:
    technique = life.technique
    if technique.on_failed is not None and not life.resumers:
        yield "on_failed", "nobody can resume a failed run"
    if technique.pin not in PINS:
        yield "technique", f"a contract is pinned by {' or '.join(PINS)}, not by {technique.pin!r}"
    if technique.assignment not in ASSIGNMENTS:
        yield "technique", f"assignment is {' or '.join(ASSIGNMENTS)}, not {technique.assignment!r}"
    if technique.assignment == "required" and not life.assignable():
        yield "technique", "somebody has to be assigned to a job, and no step is for people"
    if not 0 <= technique.offline_max_s <= LONG_S:
        yield "technique", f"a node may be cut off for {technique.offline_max_s} s; 0 s to 10 years can be asked for"
    editions = Counter(needed.standard for needed in technique.requires)
    for name in (name for name, count in editions.items() if count > 1):
        yield "requires", f"two editions of {name} are required, and one is in force at a time: no job can start"


def _of_the_order(life: Life) -> Iterator[tuple[str, str]]:
    template = life.template
    if not CURRENCY.fullmatch(template.currency):
        yield "order", f"{template.currency!r} is no currency code such as EUR"
    if not any(kind in EVIDENCE for kind in template.arrival_evidence):
        named = ", ".join(template.arrival_evidence) or "nothing"
        yield "order", f"{named} is accepted as evidence of arrival; parts arrive by {' or '.join(EVIDENCE)}"
    if any(not name.strip() for name in template.documents):
        yield "order", "a document is required that has no name"
    for trigger in template.triggers:
        if trigger.on not in ON:
            yield "triggers", f"nothing is called {trigger.on!r} that could set something off"
