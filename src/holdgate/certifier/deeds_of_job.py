"""How the acts of a job are written as deeds: who does them, with which inputs, and what becomes true by them."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from holdgate.certifier import values
from holdgate.certifier.cast import ELSEWHERE, NODE, NOVICE, OFFICE, PERFORMERS
from holdgate.certifier.deeds_of_order import WRITE_ORDER, deliver, silence
from holdgate.certifier.life import WAIT
from holdgate.certifier.rule_parts import rules_of
from holdgate.certifier.tour import Leg
from holdgate.certifier.witness import Slip, Unrealised, Writer
from holdgate.law.contract import ModuleRight, Step
from holdgate.terms.instant import SECOND_US


def _job(w: Writer) -> dict[str, Any]:
    return {"job": w.order.job}


def _at(w: Writer, leg: Leg) -> dict[str, Any]:
    return {"job": w.order.job, "step": w.step(leg).id}


# ---- starting --------------------------------------------------------------------------------------------------------


def _start_job(w: Writer, leg: Leg) -> None:
    order = w.order
    if leg.refused_by is None:
        order.begun = True
        for item in w.life.technique.environment:
            if "report" in item.steps:
                w.log(item)
    inputs = {"po": order.id, "job": order.job, "node": NODE}
    w.deed(leg, w.performer, w.life.steps[0].role, inputs, "JobStarted")


def _start_step(w: Writer, leg: Leg) -> None:
    step, order, place = w.step(leg), w.order, leg.move.at
    late = leg.before.timing == "late" and leg.before.at == place
    inputs = {
        **_at(w, leg),
        "workstation": w.station(step),
        "equipment": [w.cast.instruments[name] for name in step.equipment_classes],
        "materials": [w.cast.batches[kind] for kind in step.material_kinds],
    }
    if leg.refused_by is not None:
        if leg.refused_by.code == "ENV_LOG_GAP":
            _grow_old(w, place)
        w.deed(leg, w.performer, step.role, inputs)
        return
    says = [f"StepStarted {step.id}"]
    if late:
        inputs["deviation"] = f"W-DEVIATION-{order.deviations}"
        says.append("DeviationUsed")
    else:
        _wait_for_window(w, step)
    _be_ready(w, step, place)
    if not late:
        _be_in_time(w, step)
    w.deed(leg, w.performer, step.role, inputs, *says, slips=tuple(_wrong_start(w, step)))
    order.open = place
    order.started[place] = w.clock
    order.first = order.first or w.clock
    order.read = ()


def _wrong_start(w: Writer, step: Step) -> Iterator[Slip]:
    yield Slip(f"{step.id} is started somewhere else", "LOCATION_NOT_PERMITTED", {"workstation": ELSEWHERE})
    if step.credentials:
        yield Slip(f"{step.id} is started by somebody unqualified", "CREDENTIAL_MISSING", {}, actor=NOVICE)
    if step.equipment_classes:
        yield Slip(f"{step.id} is started without equipment", "EQUIPMENT_NOT_IN_CONTRACT", {"equipment": []})
    if step.material_kinds:
        yield Slip(f"{step.id} is started without material", "MATERIAL_NOT_APPROVED", {"materials": []})


def _wait_for_window(w: Writer, step: Step) -> None:
    """Not before the beginning of the window."""
    if step.window is not None:
        w.wait_until(w.order.done[w.life.position[step.window.since]] + step.window.min_s * SECOND_US)


def _be_in_time(w: Writer, step: Step) -> None:
    """Not past the end of the window, after everything that had to be waited for.

    Raises:
        Unrealised: it is over already; what came before took too long.
    """
    window = step.window
    if window is None:
        return
    since = w.order.done[w.life.position[window.since]]
    if window.max_s is not None and w.clock + SECOND_US > since + window.max_s * SECOND_US:
        raise Unrealised(f"the window of {step.id} is over")


def _be_ready(w: Writer, step: Step, place: int) -> None:
    """The witness has had notice, the logs are fresh, and the contract's own rules are true."""
    order = w.order
    if step.witness is not None and place in order.told:
        w.wait_until(order.told[place] + step.witness.notice_s * SECOND_US)
    for item in w.watched(place):
        if w.clock + SECOND_US - w.logged[item.series] > item.max_gap_s * SECOND_US:
            w.log(item)
    at = values.moment(w.life.technique, step, "start", order.facts, w.clock + SECOND_US, w.clock + SECOND_US, (), "")
    if at is None:
        raise Unrealised(f"the rules of {step.id} are never true from here on")
    w.wait_until(at - SECOND_US)


def _grow_old(w: Writer, place: int) -> None:
    """The logs of a step are left to grow old.

    Raises:
        Unrealised: somebody relies on them.
    """
    waits = [
        w.logged[item.series] + (item.max_gap_s + 1) * SECOND_US for item in w.watched(place) if item.series in w.logged
    ]
    if not waits:
        return
    relied = {item.series for item in w.life.technique.environment if "report" in item.steps}
    if w.order.begun and not relied.isdisjoint(item.series for item in w.watched(place)):
        raise Unrealised("the report rests on the log that would grow old")
    old = max(w.clock, *waits)
    done, ahead = w.order.done, [step.window for step in w.life.steps[place:] if step.window is not None]
    ends = [
        done[since] + window.max_s * SECOND_US
        for window in ahead
        if window.max_s is not None and (since := w.life.position[window.since]) in done
    ]
    if any(old + SECOND_US > end for end in ends):
        raise Unrealised("a window would be over before the log is old")
    w.clock = old


# ---- reading and signing ---------------------------------------------------------------------------------------------


def _read(w: Writer, leg: Leg) -> None:
    step, order = w.step(leg), w.order
    good = leg.move.variant == "good"
    found = values.readings(w.life.technique, step, order.facts, order.started[leg.move.at], good=good)
    if found is None:
        raise Unrealised(f"no such readings of {step.id}")
    order.read = found
    for read in found:
        item = read.characteristic
        inputs = {
            **_at(w, leg),
            "characteristic": item.id,
            "value": read.value,
            "unit": item.unit,
            "capture": "manual",
            "instrument": None if item.instrument_class is None else w.cast.instruments[item.instrument_class],
            "serial": read.serial,
        }
        inputs = {name: value for name, value in inputs.items() if value is not None}
        says = f"ReadingRecorded {item.id} {'conforms' if read.conforms else 'does not conform'}"
        other = Slip(f"{item.id} of {step.id} is read in another unit", "UNIT_MISMATCH", {"unit": f"{item.unit}-X"})
        for _ in range(read.times):
            w.deed(leg, w.performer, step.role, inputs, says, slips=(other,))


def _sign(w: Writer, leg: Leg) -> None:
    step, order, place = w.step(leg), w.order, leg.move.at
    result = leg.move.variant
    second = leg.before.step in ("half", "half_bad")
    who = PERFORMERS[1] if second else w.performer
    complete = step.signatures == 1 or second
    inputs = {**_at(w, leg), "result": result, **w.signed(w.station(step), "performed")}
    if leg.refused_by is not None:
        w.deed(leg, who, step.role, inputs)
        return
    _wait_for_rules(w, leg, step, result, inputs, who)
    says = [f"StepSigned {step.id} {result} {'complete' if complete else 'first'}"]
    if result == "fail" and complete:
        says.append(f"NonconformanceOpened {step.id}")
    w.deed(leg, who, step.role, inputs, *says, slips=tuple(_wrong_signatures(step, second=second)))
    if who not in order.signers:
        order.signers.append(who)
    if complete:
        order.open = -1
        order.done.setdefault(place, w.clock)
        order.last = w.clock
        order.over = place + 1 == len(w.life.steps)
        order.red = (
            tuple(dict.fromkeys(r.serial or "" for r in order.read if not r.conforms)) if result == "fail" else ()
        )


def _wrong_signatures(step: Step, *, second: bool) -> Iterator[Slip]:
    if second:
        yield Slip(f"the second signature of {step.id} is the first person's", "SELF_APPROVAL", {}, actor=PERFORMERS[0])
        return
    yield Slip(f"{step.id} is signed without a meaning", "SIGNATURE_MEANING_MISSING", {"meaning": None})
    if step.performer_signs:
        yield Slip(f"{step.id} is signed by somebody who did not do it", "NOT_PERFORMER", {}, actor=PERFORMERS[1])


def _wait_for_rules(w: Writer, leg: Leg, step: Step, result: str, inputs: dict[str, Any], who: str) -> None:
    """Try at once where a rule stands against it, then wait until the contract's own rules are true."""
    order, place = w.order, leg.move.at
    started = order.started[place]
    for rule, node in zip((r for r in step.rules if r.when == "sign"), rules_of(step, "sign"), strict=True):
        if not values.holds(node, step, order.facts, w.clock, started, order.read, result):
            w.try_once(f"rule {rule.id} of {step.id} is not met", "RULE_NOT_MET", who, step.role, "step.sign", inputs)
    at = values.moment(w.life.technique, step, "sign", order.facts, w.clock + SECOND_US, started, order.read, result)
    if at is None:
        raise Unrealised(f"the rules of {step.id} are never true from here on")
    w.wait_until(at - SECOND_US)


def _restart(w: Writer, leg: Leg) -> None:
    step = w.step(leg)
    inputs = {**_at(w, leg), "workstation": w.station(step), "reason": "done again"}
    w.deed(leg, w.performer, step.role, inputs, f"StepRestarted {step.id}")
    if leg.refused_by is None:
        w.order.open = -1


# ---- after a failure -------------------------------------------------------------------------------------------------


def _retest(w: Writer, leg: Leg) -> None:
    retest = w.life.technique.retest
    cause = retest.allowed_causes[0] if retest is not None else "none"
    inputs = {**_at(w, leg), "cause": cause, "evidence": "photo"}
    w.deed(leg, w.cast.who("level3"), "level3", inputs, f"RetestAuthorised {w.step(leg).id}")
    if leg.refused_by is None:
        w.order.done.pop(leg.move.at, None)


def _dispose(w: Writer, leg: Leg) -> None:
    order, step, disposition = w.order, w.step(leg), leg.move.variant
    authority = w.life.decides(disposition)
    if authority is None:
        raise Unrealised(f"nobody decides {disposition}")
    role = next(role for role in authority.roles if role in w.cast.by_role)
    inputs = {
        "ncr": f"auto-{order.job}-{step.id}",
        "disposition": disposition,
        "reason": "reviewed",
        "evidence": "record",
        **w.signed(OFFICE, "disposition"),
    }
    if authority.client:
        inputs |= {"approvals": [w.cast.who("client")], "concession": "W-CONCESSION"}
    w.deed(leg, w.cast.who(role), role, inputs, f"NonconformanceDisposed {disposition}")
    if disposition == "rework":
        order.done.pop(leg.move.at, None)
    else:
        order.lost |= dict.fromkeys(order.serials if "" in order.red else order.red, disposition)


def _reprocess(w: Writer, leg: Leg) -> None:
    again = leg.after.at
    inputs = {**_job(w), "from_step": w.life.steps[again].id, "reason": "done again"}
    w.deed(leg, w.cast.who("level3"), "level3", inputs, f"JobReprocessed {w.life.steps[again].id}")
    for place in [place for place in w.order.done if place >= again]:
        del w.order.done[place]
    w.order.over = False


def _terminate(w: Writer, leg: Leg) -> None:
    w.deed(leg, w.cast.who("project_manager"), "project_manager", {**_job(w), "reason": "withdrawn"}, "JobTerminated")
    w.order.open = -1
    w.order.over = True


def _wait(w: Writer, leg: Leg) -> None:
    if leg.move.variant in ("client", "delivery"):
        (silence if leg.move.variant == "client" else deliver)(w)
        return
    step = w.step(leg)
    if step.window is None:
        return
    since = w.order.done[w.life.position[step.window.since]]
    if leg.move.variant == "min":
        w.wait_until(since + step.window.min_s * SECOND_US)
    elif step.window.max_s is not None:
        w.wait_until(since + (step.window.max_s + 1) * SECOND_US)


def _deviate(w: Writer, leg: Leg) -> None:
    w.order.deviations += 1
    inputs = {
        **_at(w, leg),
        "deviation": f"W-DEVIATION-{w.order.deviations}",
        "waive": ["WINDOW_EXCEEDED"],
        "reason": "the line stood still",
        "evidence": "log",
        "approvals": [w.cast.who("client")],
        **w.signed(OFFICE, "authorised"),
    }
    w.deed(leg, w.cast.who("level3"), "level3", inputs, "DeviationAuthorised")


# ---- points, logs, modules -------------------------------------------------------------------------------------------


def _hold(w: Writer, leg: Leg) -> None:
    step = w.step(leg)
    party = "" if step.hold is None else step.hold.party
    inputs = {**_at(w, leg), **w.signed(OFFICE, "released")}
    w.deed(leg, w.cast.who(party), party, inputs, f"HoldReleased {step.id}")


def _notify(w: Writer, leg: Leg) -> None:
    w.deed(leg, w.cast.who("project_manager"), "project_manager", _at(w, leg), f"WitnessNotified {w.step(leg).id}")
    w.order.told[leg.move.at] = w.clock
    witness = w.step(leg).witness
    if witness is not None and leg.before.at < leg.move.at:
        w.wait_until(w.clock + witness.notice_s * SECOND_US)  # later on a window may leave no time for it


def _log(w: Writer, leg: Leg) -> None:
    items = w.watched(leg.move.at)
    if leg.move.variant == "good":
        for item in items:
            w.log(item)
        return
    failed = ("JobFailed",) if leg.after.job == "failed" and leg.before.job != "failed" else ()
    w.log(items[0], *failed, good=False)


def _resume_job(w: Writer, leg: Leg) -> None:
    role = w.life.resumers[0]
    inputs = {**_job(w), "reason": "cause found", "evidence": "report", **w.signed(OFFICE, "resumed")}
    w.deed(leg, w.cast.who(role), role, inputs, "JobResumed")
    if leg.refused_by is None:
        w.order.open = -1


def _right(w: Writer, leg: Leg) -> ModuleRight:
    step = w.step(leg).id
    return [right for right in w.life.technique.modules if right.step == step][int(leg.move.variant)]


def _may(w: Writer, leg: Leg) -> None:
    right = _right(w, leg)
    if leg.refused_by is None:
        w.order.permits += 1
    inputs = {
        **_at(w, leg),
        "module": right.module,
        "act": right.act,
        "permit": f"W-PERMIT-{w.order.permits}" if leg.refused_by is None else "W-PERMIT-REFUSED",
        "operator": w.performer,
    }
    w.deed(leg, right.module, "module", inputs, "PermitIssued")


def _module(w: Writer, leg: Leg) -> None:
    right = _right(w, leg)
    permit = f"W-PERMIT-{w.order.permits}" if leg.refused_by is None else "W-PERMIT-UNKNOWN"
    w.deed(leg, right.module, "module", {**_at(w, leg), "permit": permit, "act": right.act}, "ModuleActed")


WRITE: Final[dict[str, Callable[[Writer, Leg], None]]] = {
    **WRITE_ORDER,
    WAIT: _wait,
    "job.start": _start_job,
    "step.start": _start_step,
    "reading.record": _read,
    "step.sign": _sign,
    "step.restart": _restart,
    "retest.authorise": _retest,
    "ncr.disposition": _dispose,
    "job.reprocess": _reprocess,
    "job.terminate": _terminate,
    "deviation.authorise": _deviate,
    "holdpoint.release": _hold,
    "witness.notify": _notify,
    "env.log": _log,
    "job.resume": _resume_job,
    "module.may": _may,
    "module.act": _module,
}
"""Act → how it is written."""
