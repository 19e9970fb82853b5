"""The acts of a job: its steps in order, readings and signatures, what follows a failure, hold points, logs and modules."""

from collections.abc import Iterator

from holdgate.certifier.life import NO_RED_TAG, NOT_STOPPED, OPEN, RUNNING, WAIT, Guard, Life, Move, State, When
from holdgate.certifier.roles import are_people
from holdgate.law.contract import ModuleRight, Step
from holdgate.law.technique import AS_FOUND


def job_moves(life: Life) -> Iterator[Move]:
    """Every act of a job under a contract."""
    yield from _start(life)
    for place, step in enumerate(life.steps):
        if are_people(step.role):
            yield _start_step(life, place, step)
            yield from _read(life, place, step)
            yield from _sign(life, place, step)
        yield from _after_failing(life, place, step)
        yield from _windows(life, place, step)
        yield from _points(life, place, step)
        yield from _logs(life, place, step)
        yield from _modules(life, place, step)
    yield from _stops(life)


def _set_aside(state: State, place: int) -> State:
    """The attempt at a step is over without being the one that counts; a release of its hold point was for it alone."""
    held = tuple(step for step in state.held if step != place)
    return state._replace(step="idle", held=held)


def _turn(state: State, place: int) -> bool:
    """It is this step's turn in a job that goes on."""
    return state.job == "running" and not state.stopped and state.at == place


def _idle(state: State, place: int) -> bool:
    return _turn(state, place) and state.step == "idle"


def _red(state: State, place: int) -> bool:
    return _turn(state, place) and state.step == "red"


# ---- starting --------------------------------------------------------------------------------------------------------


def _start(life: Life) -> Iterator[Move]:
    guards = [Guard("the parts are here", "NO_ARRIVAL", lambda s: s.order == "here", "sequence.arrived")]
    if life.template.documents:
        papers = Guard("every document is there", "DOCUMENT_MISSING", lambda s: s.papers, "orders.documents")
        guards.append(papers)
    if life.technique.assignment == "required":
        assigned = Guard(
            "the job is assigned", "NOT_ASSIGNED", lambda s: s.assigned, "assignment.assigned", "job.assign"
        )
        guards.append(assigned)
        if life.assignable():
            yield Move(
                act="job.assign",
                variant="",
                at=-1,
                words="the job is assigned to somebody who may do every step",
                offered=lambda s: s.order == "here" and not s.job and not s.assigned,
                then=lambda s: s._replace(assigned=True),
            )
    yield Move(
        act="job.start",
        variant="",
        at=-1,
        words="the job is started",
        offered=lambda s: s.order in ("staged", "here") and not s.job and not s.stopped,
        then=lambda s: life.enter(s._replace(job="running"), 0),
        guards=tuple(guards),
    )


def _start_step(life: Life, place: int, step: Step) -> Move:
    guards = [RUNNING, NOT_STOPPED, NO_RED_TAG]
    if step.kind != "precheck" and life.prechecks:
        last = max(life.prechecks)
        complete = Guard(
            "every pre-check is complete", "PRECHECK_INCOMPLETE", lambda s: s.at > last, "sequence.in_order"
        )
        guards.append(complete)
    if place:
        before = f"every step before {step.id} is complete"
        guards.append(Guard(before, "STEP_OUT_OF_ORDER", lambda s: s.at >= place, "sequence.in_order"))
    guards += [
        Guard(f"{step.id} is not done", "ALREADY_DONE", lambda s: s.at <= place, "sequence.not_started"),
        Guard("no step is open", "STEP_IN_PROGRESS", lambda s: s.step not in OPEN, "sequence.not_started"),
        *_own_guards(life, place, step),
    ]
    return Move(
        act="step.start",
        variant="",
        at=place,
        words=f"{step.id} ({step.name}) is started",
        offered=lambda s: s.job in ("running", "failed") and not s.qa,
        then=lambda s: s._replace(at=place, step="open" if step.characteristics else "good", waived=False),
        guards=tuple(guards),
    )


def _own_guards(life: Life, place: int, step: Step) -> Iterator[Guard]:
    """What the step itself asks for; while it is another step's turn, the order speaks first."""

    def mine(holds: When) -> When:
        return lambda s: s.at != place or holds(s)

    dwell, air, window = "windows.dwell", "environment.fit_to_start", step.window
    if window is not None and window.min_s > 0:
        reached = mine(lambda s: s.timing != "early")
        yield Guard(f"the window of {step.id} is open", "WINDOW_NOT_REACHED", reached, dwell)
    if window is not None and window.max_s is not None:
        in_time = mine(lambda s: s.timing != "late" or s.waived)
        yield Guard(f"the window of {step.id} is not over", "WINDOW_EXCEEDED", in_time, dwell)
    if step.hold is not None:
        released = mine(lambda s: place in s.held)
        yield Guard(f"{step.id} is released", "HOLD_POINT", released, "points.held", "holdpoint.release")
    if step.witness is not None:
        told = mine(lambda s: place in s.told)
        yield Guard(f"the witness of {step.id} was told", "WITNESS_NOTICE", told, "points.witnessed", "witness.notify")
    if life.watched(place):
        yield Guard(f"the log of {step.id} is fresh", "ENV_LOG_GAP", mine(lambda s: s.air != "old"), air, "env.log")
        yield Guard(f"the log of {step.id} is good", "ENV_OUT_OF_LIMIT", mine(lambda s: s.air != "bad"), air, "env.log")


# ---- reading and signing ---------------------------------------------------------------------------------------------


def _read(life: Life, place: int, step: Step) -> Iterator[Move]:
    if not step.characteristics:
        return
    for variant, words in (("good", "conforming readings are recorded"), ("bad", "a reading does not conform")):
        if variant == "good" and not life.passable[place]:
            continue
        if variant == "bad" and all(item.effect == AS_FOUND for item in step.characteristics):
            continue  # how an instrument was met fails nothing now
        yield Move(
            act="reading.record",
            variant=variant,
            at=place,
            words=f"in {step.id} {words}",
            offered=lambda s: _turn(s, place) and s.step == "open",
            then=lambda s, found=variant: s._replace(step=found),  # type: ignore[misc]
        )


def _sign(life: Life, place: int, step: Step) -> Iterator[Move]:
    open_step = Guard(f"{step.id} is open", "STEP_NOT_STARTED", lambda s: s.step in OPEN, "sequence.step_open")
    complete = Guard("everything is recorded", "DATA_INCOMPLETE", lambda s: s.step != "open", "readings.complete")
    conforming = Guard(
        "every reading conforms",
        "READING_OUT_OF_LIMITS",
        lambda s: s.step not in ("bad", "half_bad"),
        "readings.conforming",
    )
    shown = Guard("no bad reading is hidden", "READING_OUT_OF_LIMITS", conforming.holds, "readings.not_hidden")
    yield Move(
        act="step.sign",
        variant="pass",
        at=place,
        words=f"{step.id} is signed as pass",
        offered=lambda s: (
            s.job in ("running", "failed") and s.at == place and s.step in ("idle", "open", "good", "bad", "half")
        ),
        then=lambda s: s._replace(step="half") if _first(step, s) else life.enter(s, place + 1),
        guards=(RUNNING, NOT_STOPPED, open_step, complete, conforming),
    )
    yield Move(
        act="step.sign",
        variant="fail",
        at=place,
        words=f"{step.id} is signed as fail",
        offered=lambda s: s.job in ("running", "failed") and s.at == place and s.step in ("bad", "half_bad"),
        then=lambda s: s._replace(step="half_bad" if _first(step, s) else "red"),
        guards=(RUNNING, NOT_STOPPED),
    )
    yield Move(
        act="step.restart",
        variant="",
        at=place,
        words=f"the attempt at {step.id} is abandoned",
        offered=lambda s: _turn(s, place) and s.step in OPEN,
        then=lambda s: _set_aside(s, place),
        guards=(shown,),
    )


def _first(step: Step, state: State) -> bool:
    """The signature is the first of two."""
    return step.signatures > 1 and state.step not in ("half", "half_bad")


# ---- after a failure -------------------------------------------------------------------------------------------------


def _after_failing(life: Life, place: int, step: Step) -> Iterator[Move]:
    if life.retests > 0:
        left = Guard(
            "a retest is left", "RETEST_NOT_AUTHORISED", lambda s: s.tries < life.retests, "nonconformances.retest"
        )
        yield Move(
            act="retest.authorise",
            variant="",
            at=place,
            words=f"a retest of {step.id} is authorised",
            offered=lambda s: _red(s, place) and not s.spent,
            then=lambda s: _set_aside(s, place)._replace(tries=min(s.tries, life.retests) + 1),
            guards=(left,),
        )
    if life.decides("report_nonconforming") is not None:
        yield Move(
            act="ncr.disposition",
            variant="report_nonconforming",
            at=place,
            words=f"the failed result of {step.id} stands and is reported",
            offered=lambda s: _red(s, place),
            then=lambda s: life.enter(s._replace(standing=True), place + 1),
        )
    if life.decides("rework") is not None:
        yield Move(
            act="ncr.disposition",
            variant="rework",
            at=place,
            words=f"{step.id} is reworked",
            offered=lambda s: _red(s, place),
            then=lambda s: _set_aside(s, place),
        )
    yield _again(life, place, step)


def _again(life: Life, place: int, step: Step) -> Move:
    """From where the step's window is counted, or else from the step itself."""
    again = place if step.window is None else life.position[step.window.since]
    return Move(
        act="job.reprocess",
        variant="",
        at=place,
        words=f"the process is done again from {life.steps[again].id}",
        offered=lambda s: _red(s, place) or (_idle(s, place) and s.timing == "late"),
        then=lambda s: life.enter(_undone(s, again), again),
    )


def _undone(state: State, place: int) -> State:
    """What was released and told for the steps from this one on was for the first time."""
    held, told = (tuple(step for step in steps if step < place) for steps in (state.held, state.told))
    return state._replace(spent=True, held=held, told=told)


def _windows(life: Life, place: int, step: Step) -> Iterator[Move]:
    """Time passes; too late is late until somebody decides."""
    if step.window is None:
        return
    if step.window.min_s > 0:
        yield Move(
            act=WAIT,
            variant="min",
            at=place,
            words=f"the window of {step.id} opens",
            offered=lambda s: _idle(s, place) and s.timing == "early",
            then=lambda s: s._replace(timing="now", air="old" if s.air == "bad" else s.air),
        )
    if step.window.max_s is not None:
        yield Move(
            act=WAIT,
            variant="max",
            at=place,
            words=f"the window of {step.id} passes",
            # while a log is kept for this very step nothing is waited for
            offered=lambda s: _idle(s, place) and s.timing == "now" and (s.air != "good" or not life.watched(place)),
            then=lambda s: s._replace(timing="late", air="old"),
        )
        yield Move(
            act="deviation.authorise",
            variant="",
            at=place,
            words=f"Level III and the client let {step.id} start late, once",
            offered=lambda s: _idle(s, place) and s.timing == "late" and not s.waived,
            then=lambda s: s._replace(waived=True),
        )


def _points(life: Life, place: int, step: Step) -> Iterator[Move]:
    """Hold and witness points; only people release or can be told."""
    if step.hold is not None and are_people(step.hold.party):
        yield Move(
            act="holdpoint.release",
            variant="",
            at=place,
            words=f"the {step.hold.party} releases {step.id}",
            offered=lambda s: _idle(s, place) and place not in s.held,
            then=lambda s: s._replace(held=tuple(sorted((*s.held, place)))),
        )
    if step.witness is not None and are_people(step.witness.party):
        latest = _latest(life, place, step.witness.notice_s)
        yield Move(
            act="witness.notify",
            variant="",
            at=place,
            words=f"the {step.witness.party} is told of {step.id}",
            offered=lambda s: _idle(s, s.at) and s.at <= latest and place not in s.told,
            then=lambda s: s._replace(told=tuple(sorted((*s.told, place)))),
        )


def _latest(life: Life, place: int, notice_s: int) -> int:
    """The last turn at which a notice can be given and waited for: no window that runs by then would be over."""
    latest, found = place, True
    while found:
        windows = [window for step in life.steps[latest : place + 1] if (window := step.window) is not None]
        short = [window for window in windows if window.max_s is not None and window.max_s <= notice_s]
        earlier = [begin for window in short if (begin := life.position[window.since]) < latest]
        latest, found = min((latest, *earlier)), bool(earlier)
    return latest


def _logs(life: Life, place: int, step: Step) -> Iterator[Move]:
    if not life.watched(place):
        return
    # where the report rests on a log, what breaks between two steps is beyond repair; an open step fails and is resumed
    breaks = ("open", "good") if life.reported() else ("idle", "open", "good")
    yield Move(
        act="env.log",
        variant="good",
        at=place,
        words=f"the environment of {step.id} is logged as good",
        offered=lambda s: s.job in ("running", "failed") and not s.stopped and s.at == place and s.air != "good",
        then=lambda s: s._replace(air="good"),
    )
    yield Move(
        act="env.log",
        variant="bad",
        at=place,
        words=f"the environment of {step.id} leaves its limits",
        offered=lambda s: _turn(s, place) and s.air == "good" and s.step in breaks,
        then=lambda s: s._replace(air="bad", job=s.job if s.step == "idle" else "failed"),
    )
    if life.resumers:
        good = Guard("the log is good again", "ENV_OUT_OF_LIMIT", lambda s: s.air == "good", "environment.resumable")
        yield Move(
            act="job.resume",
            variant="",
            at=place,
            words="the failed run is resumed",
            offered=lambda s: s.job == "failed" and not s.stopped and s.at == place,
            then=lambda s: _set_aside(s, place)._replace(job="running"),
            guards=(good,),
        )


def _modules(life: Life, place: int, step: Step) -> Iterator[Move]:
    rights = [right for right in life.technique.modules if right.step == step.id]
    for index, right in enumerate(rights):
        yield from _right(life, place, step, right, index)


def _right(life: Life, place: int, step: Step, right: ModuleRight, index: int) -> Iterator[Move]:
    before = f"every step before {step.id} is complete"
    guards = [NO_RED_TAG, Guard(before, "STEP_OUT_OF_ORDER", lambda s: s.at >= place, "sequence.in_order")]
    if step.kind != "precheck" and life.prechecks:
        last = max(life.prechecks)
        guards.append(
            Guard("every pre-check is complete", "PRECHECK_INCOMPLETE", lambda s: s.at > last, "sequence.in_order")
        )
    if step.hold is not None:
        guards.append(
            Guard(f"{step.id} is released", "HOLD_POINT", lambda s: s.at != place or place in s.held, "points.held")
        )
    yield Move(
        act="module.may",
        variant=str(index),
        at=place,
        words=f"{right.module} is permitted to {right.act} at {step.id}",
        offered=lambda s: (
            s.job == "running"
            and not s.stopped
            and s.step in ("idle", "open", "red")
            and s.at <= place
            and (s.at != place or s.permits == 2 * index)
        ),
        then=lambda s: s._replace(permits=2 * index + 1),
        guards=tuple(guards),
    )
    permitted = Guard("it was permitted", "PERMIT_UNKNOWN", lambda s: s.permits == 2 * index + 1, "modules.permitted")
    yield Move(
        act="module.act",
        variant=str(index),
        at=place,
        words=f"{right.module} does {right.act} at {step.id}",
        offered=lambda s: _turn(s, place) and s.step in ("idle", "open") and s.permits in (2 * index, 2 * index + 1),
        then=lambda s: s._replace(permits=2 * index + 2),
        guards=(permitted,),
    )


def _stops(life: Life) -> Iterator[Move]:
    yield Move(
        act="contract.suspend",
        variant="",
        at=-1,
        words="stop-work is ordered",
        offered=lambda s: s.job == "running" and not s.stopped and s.step in ("idle", "good") and not s.qa,
        then=lambda s: s._replace(stopped=True),
    )
    yield Move(
        act="contract.resume",
        variant="",
        at=-1,
        words="stop-work ends",
        offered=lambda s: s.stopped,
        then=lambda s: s._replace(stopped=False),
    )
    yield Move(
        act="job.terminate",
        variant="",
        at=-1,
        words="the job is ended for good",
        offered=lambda s: (
            s.job in ("running", "failed") and not s.stopped and not s.qa and s.step in ("idle", "red", "open")
        ),
        then=lambda s: s._replace(job="terminated", step="done"),
    )
