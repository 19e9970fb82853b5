"""How long a contract's own rules make a step last: between its start and its signature as pass."""

from holdgate.certifier.encode import places_for
from holdgate.certifier.findings import Findings
from holdgate.certifier.rule_diff import PLACES_TRIED
from holdgate.certifier.rule_parts import constants, reads_values, rules_of
from holdgate.certifier.smt import num
from holdgate.certifier.space import StepFacts
from holdgate.law.contract import SmartSP, Step
from holdgate.law.rules.nodes import paths
from holdgate.terms.instant import SECOND_US


def least_s(found: Findings, proof: str, technique: SmartSP, step: Step) -> int:
    """The longest duration that the sign rules name and before which the step cannot be passed (seconds, rounded up); 0: none.

    A duration of which the solver cannot tell is not counted: what is said then is less than what could be said, and true.
    """
    rules = rules_of(step, "sign")
    if not any(path in ("now", "step.started") for rule in rules for path in paths(rule)):
        return 0
    enough = places_for(*rules)
    named = (const.v for rule in rules for const in constants(rule) if const.t == "duration")
    for wait in sorted({us for us in named if isinstance(us, int) and us > 0}, reverse=True):
        facts = StepFacts(technique, step, how="strictest")
        facts.job()
        started = facts.start()
        facts.complete(enough or PLACES_TRIED, scaled=reads_values(*rules))
        now = facts.moment("now", started)
        facts.script.hold(f"(< (- {now} {started}) {num(wait)})")
        facts.script.hold(facts.hold_all(rules, facts.facts(now, started, facts.script.text("pass"))))
        facts.script.hold(facts.all_conform)
        query = facts.script.query(f"whether {step.id} can be passed before {wait} µs are over")
        if found.ask(proof, query).verdict == "unsat" and enough is not None:
            return -(-wait // SECOND_US)
    return 0
