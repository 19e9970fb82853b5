"""The contract's own rules (CEL): only an exact true allows; an error or an exhausted budget denies under its own code."""

from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.rules.explain import say
from holdgate.terms.limits import RULE_SENTENCE_CHARS_MAX
from holdgate.terms.quantity import parse_decimal, scaled


def own_rules(case: Case) -> None:
    """Every rule that the step declares for this moment gives true."""
    operation, command = case.operation, case.command
    if operation is None:
        return
    rules = operation.start_rules if type(command) is c.StartStep else operation.sign_rules
    if not rules or case.job is None:
        return
    env = facts_of(case)
    for own in rules:
        outcome = own.rule.evaluate(env)
        if outcome.kind == "false":
            case.deny("RULE_NOT_MET", rule=own.id, say=say(own.say, env)[:RULE_SENTENCE_CHARS_MAX])
        elif outcome.kind != "true":
            case.deny("RULE_FAILED", rule=own.id, why=outcome.why[:RULE_SENTENCE_CHARS_MAX])


def facts_of(case: Case) -> dict[str, object]:
    """What a rule may read: the job, the step and its readings; quantities as integers scaled by their resolution.

    A value with more decimals than that is left out, never rounded: a rule that reads it fails.
    """
    job, operation, attempt = case.job, case.operation, case.attempt
    readings: list[dict[str, object]] = []
    if attempt is not None and operation is not None:
        for key, last in attempt.last.items():
            name, _, serial = key.partition("/")
            reading: dict[str, object] = {
                "id": name,
                "serial": serial,
                "conforms": last.conforms,
                "count": last.count,
            }
            value = parse_decimal(last.value)
            whole = None if value is None else scaled(value, operation.measures[name].resolution)
            if whole is not None:
                reading["value"] = whole
            readings.append(reading)
    return {
        "now": case.now,
        "result": getattr(case.command, "result", ""),
        "job": {
            "id": "" if job is None else job.id,
            "parts": 0 if job is None else len(job.serials),
            "deviations": 0 if job is None else len(job.deviations),
        },
        "step": {
            "id": "" if operation is None else operation.id,
            "started": case.now if attempt is None else attempt.started_at,
        },
        "readings": readings,
    }
