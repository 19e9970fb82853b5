"""Random histories of a node: plausible acts and odd ones, decided and folded one after another, under a watch.

`Walk(seed)` lives one history. `Watcher` keeps its own account of what happened and holds every entry against it: what an
auditor would count from the log alone. Nothing here asks the gates.
"""

from collections.abc import Callable
from random import Random
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from typing_extensions import override

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.chronicle import Draft
from holdgate.law.contract import Hold, OnFailed, Witness
from holdgate.law.decision import Decision
from holdgate.law.event import AUTHORITY
from holdgate.law.evolve import evolve
from holdgate.law.gates.readings import failing
from holdgate.law.library import require_technique
from holdgate.law.pinning import version_for
from holdgate.law.says import can_say
from holdgate.law.signers import keys_of
from holdgate.law.state import BECOMES, LOST, OVER, Attempt, Job, State, open_ncrs, remaining
from holdgate.law.technique import Operation
from holdgate.terms import canon
from holdgate.terms.errors import Malformed
from tests.builders import (
    FULL_SHEET,
    GAP,
    LAB_TEMP,
    MODULES,
    NODE,
    PEOPLE,
    Asked,
    Log,
    S,
    World,
    encoded,
    hub_log,
    node,
    node_log,
)
from tests.labs import BARE, GRANTED

SERIALS: Final = ("A", "B", "C")
WORKERS: Final = ("TECH", "TECH", "TECH2", "BOTH")
VALUES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "temp": (("50", "75", "100.0"), ("49.9", "101")),
    "gap": (("1.1", "1.5", "1.9"), ("1.05", "2")),
    "press": (("100", "160"), ("160.1",)),
}
"""By characteristic, values that conform and values that do not."""
UNITS: Final = {"temp": "degC", "gap": "mm", "press": "kPa"}
ODD: Final = (
    "A",
    "Z",
    "S10",
    "S20",
    "S30",
    "S99",
    "J-1",
    "J-9",
    "NCR-1",
    "P-1",
    "fail",
    "pass",
    "rework",
    "",
    "1e9",
    "-0",
)
PASSING: Final = (*(0,) * 16, 1, *(20 * S,) * 16, 60 * S, 600 * S, 700 * S, 900 * S, 901 * S, 3600 * S)
"""How much time goes by between two acts (µs)."""
ONWARDS: Final = 0.7
"""How often an act is what the job waits for; else it is any."""
OPEN_TO_THE_FAILED: Final = (c.RecordReading, c.RecordLate, c.OpenNonconformance, c.TerminateJob, c.ResumeJob)

Wish = tuple[type[c.Command], dict[str, Any]]


class Watcher:
    """The account that is kept of a history beside the law's own."""

    def __init__(self, world: World, *, watched: bool) -> None:
        self.world = world
        self.watched = watched
        self.lost: dict[str, str] = {}
        self.values: list[tuple[int, str]] = []
        self.used: list[tuple[str, str]] = []
        self.permits: dict[tuple[str, str], ev.PermitIssued] = {}
        self.versions: dict[str, str] = {}
        self.first: dict[str, int] = {}
        self.signers: dict[str, tuple[str, ...]] = {}

    # ---- before it is folded ---------------------------------------------------------------------------------------

    def before(self, asked: Asked, decision: Decision) -> None:
        """What may come of this act in this state."""
        state, command = asked.world.state, asked.command
        job = state.jobs.get(f"{getattr(command, 'order', '')}/{getattr(command, 'job', '')}")
        for event in decision.events:
            assert AUTHORITY[type(event)] == "node"
            assert can_say(command, event), event
        if not decision.allowed:
            assert all(type(event) is ev.JobFailed for event in decision.events)
            return
        if job is not None:
            assert job.status not in OVER
            assert not job.failed or type(command) in OPEN_TO_THE_FAILED
        for event in decision.events:
            rule = self._RULES.get(type(event))
            if rule is not None:
                rule(self, event, job, asked)

    def _started(self, event: ev.StepStarted, job: Job | None, asked: Asked) -> None:
        assert job is not None
        operation = _operation(asked.world, job, event.step)
        judged_by = version_for(asked.world.state, asked.world.library, job, event.step)
        assert getattr(asked.command, "contract", "") == judged_by
        assert event.contract in ("", judged_by)
        assert not open_ncrs(job)
        assert all(a is not None and a.passed for a in job.attempts[: operation.position])
        assert all(a is None for a in job.attempts[operation.position :])
        assert not operation.hold_party or event.step in job.released
        waived = [d.waive for d in job.deviations.values() if d.id == getattr(asked.command, "deviation", None)]
        codes = waived[0] if waived else ()
        if operation.witness_party and "WITNESS_NOTICE" not in codes:
            assert asked.now - job.noticed[event.step] >= operation.notice_us
        if operation.dwell is not None:
            since = job.attempts[operation.dwell.since]
            assert since is not None
            elapsed = asked.now - since.completed_at
            assert elapsed >= operation.dwell.low_us or "WINDOW_NOT_REACHED" in codes
            assert elapsed <= (operation.dwell.high_us or 0) or "WINDOW_EXCEEDED" in codes
        if operation.watches:
            at, value = self.values[-1]
            assert asked.now - at <= GAP
            assert 20 <= float(value) <= 26

    def _signed(self, event: ev.StepSigned, job: Job | None, asked: Asked) -> None:
        assert job is not None
        operation = _operation(asked.world, job, event.step)
        attempt = job.attempts[operation.position]
        assert attempt is not None
        assert not attempt.done
        assert not open_ncrs(job)
        assert event.by not in attempt.signers
        assert attempt.signers or not operation.performer_signs or event.by == attempt.performer
        assert event.complete == (len(attempt.signers) + 1 == operation.signatures)
        for key in _keys(operation, job):
            assert key in attempt.last
        missed = [key for key, _ in failing(operation, attempt, job)]
        assert event.result == "fail" or not missed or event.result == "accepted_under_concession"
        if operation.watches:
            read = max([last.at for last in attempt.last.values()], default=0)
            until = max(attempt.completed_at, read) if attempt.completed_at else asked.now
            self._good(attempt.started_at, until, asked.now)

    def _good(self, since: int, until: int, now: int) -> None:
        """The logged values were inside the limits, and none was silent for too long, counted from the values alone."""
        inside = [(at, value) for at, value in self.values if at >= since]
        before = [(at, value) for at, value in self.values if at < since]
        at_once = bool(inside) and inside[0][0] == since
        seen = ([] if at_once else before[-1:]) + inside
        assert seen, "nothing was ever logged"
        for (at, value), (after, _) in zip(seen, [*seen[1:], (now, "")], strict=True):
            if at < until:
                assert 20 <= float(value) <= 26
                assert after - at <= GAP, "a silence that reaches into it counts whole"

    def _permitted(self, event: ev.PermitIssued, job: Job | None, asked: Asked) -> None:
        assert job is not None
        assert not open_ncrs(job)
        assert (job.id, event.permit) not in self.permits
        assert asked.command.signers[0].id == event.module
        assert (event.module, event.deed, event.step) in [(m.module, m.act, m.step) for m in MODULES]
        self.permits[job.id, event.permit] = event

    def _acted(self, event: ev.ModuleActed, job: Job | None, asked: Asked) -> None:
        assert job is not None
        permit = self.permits[job.id, event.permit]
        assert asked.now <= permit.until
        assert (permit.step, permit.module) == (event.step, asked.command.signers[0].id)
        assert (job.id, event.permit) not in self.used
        self.used.append((job.id, event.permit))
        assert not open_ncrs(job)

    def _disposed(self, event: ev.NonconformanceDisposed, job: Job | None, asked: Asked) -> None:
        assert job is not None
        ncr = job.ncrs[event.ncr]
        assert not ncr.disposition
        did = [a for a in job.attempts if a is not None and ncr.step in ("", a.step)]
        assert all(event.by not in (a.performer, *a.signers) for a in did)
        if BECOMES.get(event.disposition) == "conceded":
            assert ("BUYER", "client") in [(s.id, s.role) for s in asked.command.signers]
            assert event.concession.strip()

    def _retested(self, event: ev.RetestAuthorised, job: Job | None, asked: Asked) -> None:
        assert job is not None
        operation = _operation(asked.world, job, event.step)
        attempt = job.attempts[operation.position]
        assert attempt is not None
        assert (attempt.done, attempt.result) == (True, "fail")
        assert event.by not in (attempt.performer, *attempt.signers)

    def _released(self, event: ev.HoldReleased, job: Job | None, asked: Asked) -> None:
        assert job is not None
        assert asked.command.signers[0].role == _operation(asked.world, job, event.step).hold_party
        assert event.step not in job.released

    def _resumed(self, event: ev.JobResumed, job: Job | None, asked: Asked) -> None:
        assert job is not None
        assert job.failed
        technique = require_technique(asked.world.library, job.sha256)
        assert asked.command.signers[0].role in technique.resume_roles
        at, value = self.values[-1]
        assert asked.now - at <= GAP
        assert 20 <= float(value) <= 26

    def _new_job(self, event: ev.JobStarted, job: Job | None, asked: Asked) -> None:
        assert event.serials
        assert not set(event.serials) & set(self.lost)

    def _abandoned(self, event: ev.StepRestarted, job: Job | None, asked: Asked) -> None:
        assert job is not None
        operation = _operation(asked.world, job, event.step)
        attempt = job.attempts[operation.position]
        assert attempt is not None
        assert not failing(operation, attempt, job), "nobody drops a failing attempt by themselves"

    def _again(self, event: ev.JobReprocessed, job: Job | None, asked: Asked) -> None:
        assert job is not None
        operation = _operation(asked.world, job, event.step)
        done = [a for a in job.attempts[operation.position :] if a is not None]
        assert done
        assert all(event.by not in (a.performer, *a.signers) for a in done)

    def _split(self, event: ev.JobSplit, job: Job | None, asked: Asked) -> None:
        assert job is not None
        assert job.open_step == -1
        assert sorted(serial for lot in event.serials for serial in lot) == sorted(job.serials)
        assert all(event.serials)

    def _logged(self, event: ev.EnvironmentLogged, job: Job | None, asked: Asked) -> None:
        assert event.sensor == "PROBE" or not self.watched
        assert event.sensor != "PROBE" or not self.values or event.observed_at > self.values[-1][0]

    def _opened(self, event: ev.NonconformanceOpened, job: Job | None, asked: Asked) -> None:
        assert job is not None
        known = job.ncrs.get(event.ncr)
        assert known is None or (event.step == known.step and known.disposition), "only a failed step fails again"
        assert set(event.serials) <= set(job.serials)

    _RULES: Final[dict[type[ev.Event], Callable[["Watcher", Any, Job | None, Asked], None]]] = {
        ev.StepStarted: _started,
        ev.StepSigned: _signed,
        ev.PermitIssued: _permitted,
        ev.ModuleActed: _acted,
        ev.NonconformanceDisposed: _disposed,
        ev.RetestAuthorised: _retested,
        ev.JobStarted: _new_job,
        ev.StepRestarted: _abandoned,
        ev.HoldReleased: _released,
        ev.JobResumed: _resumed,
        ev.JobReprocessed: _again,
        ev.JobSplit: _split,
        ev.EnvironmentLogged: _logged,
        ev.NonconformanceOpened: _opened,
    }

    # ---- after it was folded ---------------------------------------------------------------------------------------

    def after(self, events: tuple[ev.AnyEvent, ...]) -> None:
        """What holds in every state."""
        for event in events:
            if isinstance(event, ev.EnvironmentLogged) and event.sensor == "PROBE":
                self.values.append((event.observed_at, event.value))
        jobs = self.world.state.jobs
        held: dict[str, str] = {}
        for key, job in jobs.items():
            self._job(key, job)
            if job.status in OVER:
                continue
            for serial in job.serials:
                assert held.setdefault(serial, key) == key, "a part is in one job"
                assert job.parts.get(serial) in LOST or serial not in self.lost, "what left a job does not come back"
        for job in jobs.values():
            for serial, what in job.parts.items():
                assert serial in job.serials
                if what in LOST:
                    self.lost.setdefault(serial, job.id)

    def _job(self, key: str, job: Job) -> None:
        assert self.versions.setdefault(key, job.sha256) == job.sha256
        if job.first_start_at:
            assert self.first.setdefault(key, job.first_start_at) == job.first_start_at
        signers = self.signers.get(key, ())
        assert job.signers[: len(signers)] == signers
        self.signers[key] = job.signers
        left_open = [i for i, a in enumerate(job.attempts) if a is not None and not a.done]
        assert job.open_step == (left_open[-1] if left_open else -1)
        if job.status in ("running", "complete"):
            passed = all(a is not None and a.passed for a in job.attempts)
            assert job.status == ("complete" if passed or not remaining(job) else "running")
        technique = require_technique(self.world.library, job.sha256)
        before: Attempt | None = None
        for position, attempt in enumerate(job.attempts):
            if attempt is None:
                before = None
                continue
            if position:
                assert before is not None, "no step stands without the one before it"
                assert before.completed_at
                assert before.completed_at <= attempt.started_at
            assert bool(attempt.contract) == technique.by_test
            self._attempt(job, attempt)
            before = attempt
        assert all(count <= technique.retest_max for count in job.retests.values())

    def _attempt(self, job: Job, attempt: Attempt) -> None:
        assert not attempt.done or attempt.started_at <= attempt.completed_at <= attempt.signed_at
        if not attempt.passed:
            return
        operation = _operation(self.world, job, attempt.step)
        assert all(key in attempt.last for key in _keys(operation, job))
        missed = [key for key, _ in failing(operation, attempt, job)]
        if attempt.result == "pass":
            assert not missed, "no pass stands on a reading that does not conform"
        elif attempt.result == "accepted_under_concession":
            for key in missed:
                serial = key.partition("/")[2]
                assert set((serial,) if serial else remaining(job)) <= set(attempt.conceded)
        else:
            decided = [n for n in job.ncrs.values() if n.step == attempt.step and n.disposition in BECOMES]
            assert decided, "a failure stands because somebody decided so"


def _operation(world: World, job: Job, step: str) -> Operation:
    """The step as the version that judges it says."""
    technique = require_technique(world.library, version_for(world.state, world.library, job, step))
    return technique.operations[technique.position[step]]


def _keys(operation: Operation, job: Job) -> list[str]:
    out: list[str] = []
    for name, measure in operation.measures.items():
        out.extend([f"{name}/{serial}" for serial in remaining(job)] if measure.per_serial else [name])
    return out


class Walk:
    """One random history: `live(steps)` makes it, `again()` folds its events once more."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = Random(seed)
        self.number = 0
        self.allowed = 0
        self.said: list[tuple[ev.AnyEvent, int]] = []
        patch: dict[str, dict[str, Any]] = {}
        if rng.random() < 0.3:
            patch["S20"] = {"witness": Witness(party="client", notice_s=rng.choice((0, 600)))}
        if rng.random() < 0.3:
            patch["S30"] = {"hold": Hold(party=rng.choice(("client", "qa")))}
        if rng.random() < 0.3:
            patch.setdefault("S20", {})["signatures"] = 2
        if rng.random() < 0.1:
            patch.setdefault("S20", {})["performer_signs"] = False
        sheet: dict[str, Any] = {
            "environment": (LAB_TEMP,) if rng.random() < 0.5 else (),
            "retest": replace(FULL_SHEET["retest"], max=rng.choice((0, 1, 2))) if rng.random() < 0.8 else None,
            "modules": MODULES,
            "pin": rng.choice(("job", "test")),
            "on_failed": OnFailed(resume=rng.choice((("level3",), ("qa", "level3")))),
        }
        self.patch, self.sheet = patch, sheet
        self.world = world = self._begun()
        if rng.random() < 0.7:
            self.do(c.StartStep, step="S10", **BARE)
            self.do(c.SignStep, step="S10")
        self.start: State = _copy(world)
        self.watcher = Watcher(world, watched=bool(sheet["environment"]))

    def _begun(self) -> World:
        """A node with a job that was just started."""
        world = node()
        world.release(self.patch, sheet=self.sheet)
        return world.received(serials=SERIALS, ordered=SERIALS).job(serials=SERIALS)

    def do(self, act: type[c.Command], **fields: Any) -> None:
        """An act that must be allowed."""
        self.world.do(act, **fields)

    def put(self, asked: Asked, decision: Decision) -> None:
        """What was decided takes effect."""
        for event in decision.events:
            self.said.append((event, self.world.now))
        self.world.fold(*decision.events)

    def live(self, steps: int) -> None:
        """So many wishes, one after another."""
        for _ in range(steps):
            self.world.later(self.rng.choice(PASSING))
            if self.rng.random() < 0.02 and self.sheet["pin"] == "test":
                self.revise()
            self._one()

    def revise(self) -> None:
        """Another revision of the same technique comes into force."""
        self.number += 1
        self.world.release(self.patch, version=f"{self.number}r", sheet=self.sheet)
        self.start = _copy(self.world)
        self.said.clear()

    def _one(self) -> None:
        act, fields = self.wish()
        by, others = fields.get("by"), fields.get("others", ())
        if by in [name for name, _ in others]:
            return
        asked = self.world.ask(act, **fields)
        try:
            read = c.parse_command(canon.encode(asked.command))
        except Malformed:
            read = None  # it never comes before the law; it is answered all the same
        before = encoded(self.world.state)
        decision = asked.decide()
        assert decision == asked.decide()
        assert encoded(self.world.state) == before
        if read is None:
            return
        assert read == asked.command
        self.watcher.before(asked, decision)
        self.allowed += decision.allowed
        self.put(asked, decision)
        self.watcher.after(decision.events)

    def again(self) -> bytes:
        """The state that the same events make of the same beginning."""
        ref = self.world.ref - len(self.said)
        for event, at in self.said:
            ref += 1
            evolve(self.start, self.world.library, event, at, ref)
        return encoded(self.start)

    # ---- what is wished --------------------------------------------------------------------------------------------

    def wish(self) -> Wish:
        """A plausible act in this state; now and then with something odd about it."""
        rng, state = self.rng, self.world.state
        living = [job for job in state.jobs.values() if job.status not in OVER]
        if not living or rng.random() < 0.02:
            self.number += 1
            serials = tuple(s for s in SERIALS if rng.random() < 0.8)
            return c.StartJob, {"job": f"J-{self.number}x", "serials": serials or None}
        job = rng.choice(living)
        onwards = rng.random() < ONWARDS
        act, fields = (_next(self, job) if onwards else rng.choices(_WISHES, _WEIGHTS)[0])(self, job)
        fields.setdefault("job", job.id)
        if "job" not in act.__struct_fields__:
            del fields["job"]
        if rng.random() < 0.08:
            self._odd(act, fields)
        return act, fields

    def _odd(self, act: type[c.Command], fields: dict[str, Any]) -> None:
        rng = self.rng
        kind = rng.randrange(4)
        own = ("step", "job", "value", "result", "disposition", "ncr", "permit", "deed", "serial")
        named = [name for name in own if name in act.__struct_fields__]
        if kind == 0 and named:
            fields[rng.choice(named)] = rng.choice(ODD)
        elif kind == 1:
            fields["by"] = rng.choice(tuple(PEOPLE))
        elif kind == 2:
            fields["others"] = tuple(
                (name, PEOPLE[name]["roles"][0]) for name in rng.sample(tuple(PEOPLE), rng.randrange(3))
            )
        else:
            fields["place"] = rng.choice((None, "WS-FAR", "WS-STORE", "STRANGER"))

    def step_of(self, job: Job) -> str:
        """The open step, else the next one."""
        if job.open_step >= 0 and self.rng.random() < 0.9:
            return f"S{job.open_step + 1}0"
        missing = [i for i, a in enumerate(job.attempts) if a is None or not a.passed]
        return f"S{(missing[0] if missing else self.rng.randrange(3)) + 1}0"

    def pinned(self, job: Job, step: str) -> str:
        """The version that the step is judged by, as a client reads it."""
        return version_for(self.world.state, self.world.library, job, step)

    def performer(self, job: Job, step: str) -> str:
        attempt = job.attempts[int(step[1]) - 1]
        if attempt is None or self.rng.random() < 0.2:
            return self.rng.choice(WORKERS)
        return attempt.performer if not attempt.signers else self.rng.choice(WORKERS)


class LoggedWalk(Walk):
    """The same on a log: every entry in its bytes, signed, and the business hub's log beside it."""

    shop: Log
    log: Log

    @override
    def _begun(self) -> World:
        self.sheet["pin"] = "job"  # no other way is certified
        self.shop = hub_log(self.patch, self.sheet)
        self.log = log = node_log(self.shop)
        log.allow(c.StartJob)
        return log

    @override
    def do(self, act: type[c.Command], **fields: Any) -> None:
        self.log.allow(act, **fields)

    @override
    def put(self, asked: Asked, decision: Decision) -> None:
        if isinstance(keys_of(asked.command, self.log.state.identities), str):
            return  # nobody's key: it is put on record as an attempt, and never decided
        draft = self.log.submit(asked.command)
        assert isinstance(draft, Draft)
        assert draft.decision == decision

    def report(self) -> None:
        """The hub takes in what the node did since, and its reviewers do what can be done."""
        shop, log = self.shop, self.log
        shop.now = max(shop.now, log.now)
        shop.heard(NODE)
        known = shop.state.origins.get(f"test/{NODE}")
        shop.take_in(log.segment(0 if known is None else known.size))
        agree(shop.state, log.state)
        for key, job in list(shop.state.jobs.items()):
            if job.status not in OVER:
                self._review(key, job)

    def _review(self, key: str, job: Job) -> None:
        what = list(job.parts.values())
        scrapped = what.count("scrapped")
        rejected = sum(one in ("rejected", "returned", "nonconforming") for one in what)
        total = len(job.serials)
        counted = c.Quantities(
            received=total, accepted=total - rejected - scrapped, rejected=rejected, scrapped=scrapped
        )
        if self.rng.random() < 0.2:
            counted = c.Quantities(received=total, accepted=total, rejected=0, scrapped=0)
        true = counted.accepted == total - rejected - scrapped
        signed = self.shop.act(c.SignQa, job=job.id, quantities=counted, by=self.rng.choice(("QA", "QA", "L3")))
        if signed.decision.allowed:
            assert true
            assert not job.failed
            assert not open_ncrs(job)
            assert not remaining(job) or all(a is not None and a.passed for a in job.attempts), key
        compliance = self.shop.act(c.SignCompliance, job=job.id)
        report = self.shop.act(c.GenerateReport, job=job.id, report=f"R-{job.id}")
        assert job.qa_by or not (compliance.decision.allowed or report.decision.allowed)


def agree(hub: State, at_node: State) -> None:
    """The two sites know the same of every job that the node still works on."""
    for key, job in at_node.jobs.items():
        other = hub.jobs[key]
        if not other.qa_by:
            assert _plain(other) == _plain(job)
    assert {key: _plain(one) for key, one in hub.series.items()} == {
        key: _plain(one) for key, one in at_node.series.items()
    }


def _plain(value: Any) -> Any:
    """Without the entries of the own log that it came by."""
    if isinstance(value, Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__ if name != "ref"}
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value


def _start(w: Walk, job: Job) -> Wish:
    step = w.step_of(job) if w.rng.random() < 0.9 else w.rng.choice(("S10", "S20", "S30"))
    by = w.rng.choice(WORKERS)
    fields: dict[str, Any] = {"step": step, "by": by, "role": "technician", "contract": w.pinned(job, step)}
    if w.rng.random() < 0.05:
        fields["contract"] = w.rng.choice(list(w.world.state.contracts))
    unused = [d.id for d in job.deviations.values() if d.step == step and not d.used]
    if unused and w.rng.random() < 0.7:
        fields["deviation"] = unused[0]
    return c.StartStep, fields | ({} if step == "S20" else BARE)


def _read(w: Walk, job: Job) -> Wish:
    """A reading that is still missing, mostly; mostly a good one."""
    rng = w.rng
    attempt = job.attempts[1]
    keys = ["temp", "press", *(f"gap/{serial}" for serial in job.serials)]
    missing = [key for key in keys if attempt is None or key not in attempt.last]
    name, _, serial = rng.choice(missing if missing and rng.random() < 0.9 else keys).partition("/")
    value = rng.choice(VALUES[name][rng.random() < 0.15])
    fields: dict[str, Any] = {
        "step": "S20",
        "by": w.performer(job, "S20"),
        "role": "technician",
        "contract": w.pinned(job, "S20"),
        "characteristic": name,
        "value": value,
        "unit": UNITS[name],
        "serial": serial or None,
        "instrument": "THERM-1" if name == "temp" else None,
    }
    if rng.random() < 0.15:
        return c.RecordLate, fields | {"observed_at": w.world.now - rng.choice((0, 60 * S, 4000 * S))}
    return c.RecordReading, fields


def _sign(w: Walk, job: Job) -> Wish:
    step = w.step_of(job)
    attempt = job.attempts[int(step[1]) - 1]
    result = w.rng.choices(("pass", "fail", "accepted_under_concession"), (6, 2, 1))[0]
    if attempt is not None and attempt.signers and w.rng.random() < 0.8:
        result = attempt.result
    by = w.performer(job, step)
    return c.SignStep, {
        "step": step,
        "by": by,
        "role": "technician",
        "result": result,
        "contract": w.pinned(job, step),
    }


def _correct(w: Walk, job: Job) -> Wish:
    attempt = job.attempts[1]
    key = w.rng.choice(list(attempt.last) if attempt is not None and attempt.last else ["temp"])
    name, _, serial = key.partition("/")
    good, bad = VALUES[name]
    return c.CorrectEntry, {
        "step": "S20",
        "characteristic": name,
        "serial": serial or None,
        "new_value": w.rng.choice((*good, *bad)),
        "by": w.rng.choice(WORKERS),
        "role": "technician",
    }


def _at_step(act: type[c.Command], *who: tuple[str, str]) -> Callable[[Walk, Job], Wish]:
    """An act on the open or the next step, by one of these people in this role."""

    def wish(w: Walk, job: Job) -> Wish:
        by, role = w.rng.choice(who)
        return act, {"step": w.step_of(job), "by": by, "role": role}

    return wish


def _reprocess(w: Walk, job: Job) -> Wish:
    by, role = w.rng.choice((("L3", "level3"), ("QA", "qa"), ("BOTH", "level3")))
    return c.ReprocessJob, {"step": w.rng.choice(("S10", "S20", "S30")), "by": by, "role": role}


def _tag(w: Walk, job: Job) -> Wish:
    w.number += 1
    serials = tuple(s for s in job.serials if w.rng.random() < 0.5) or job.serials[:1]
    ncr = f"N-{w.number}" if w.rng.random() < 0.8 else w.rng.choice((*job.ncrs, f"auto-{job.id}-S20", "recall-X"))
    return c.OpenNonconformance, {"ncr": ncr, "serials": serials, "by": w.rng.choice(("TECH", "QA"))}


def _dispose(w: Walk, job: Job) -> Wish:
    rng = w.rng
    left = [ncr.id for ncr in open_ncrs(job)] or list(job.ncrs) or ["NCR-1"]
    by, role = rng.choice((("QA", "qa"), ("L3", "level3"), ("BOTH", "level3")))
    fields: dict[str, Any] = {"ncr": rng.choice(left), "by": by, "role": role, "evidence": "report 5"}
    what = rng.choice((*BECOMES, "rework", "rework", "no_impact", "report_nonconforming"))
    if BECOMES.get(what) == "conceded" and rng.random() < 0.9:
        fields |= GRANTED
    return c.DisposeNonconformance, fields | {"disposition": what}


def _ask(w: Walk, job: Job) -> Wish:
    w.number += 1
    module, deed, step = w.rng.choice([(m.module, m.act, m.step) for m in MODULES])
    by = module if w.rng.random() < 0.9 else w.rng.choice(("PUMP", "LOCK"))
    permit = w.rng.choice(list(job.permits) or ["P-1"]) if w.rng.random() < 0.1 else f"P-{w.number}"
    return c.AskModule, {
        "by": by,
        "module": module,
        "deed": deed,
        "step": step,
        "permit": permit,
        "operator": w.rng.choice(("TECH", "TECH", None, "NOVICE")),
    }


def _report(w: Walk, job: Job) -> Wish:
    if not job.permits:
        return _ask(w, job)
    unused = [one for one in job.permits.values() if not one.used and one.until >= w.world.now]
    permit = w.rng.choice(unused if unused and w.rng.random() < 0.7 else list(job.permits.values()))
    return c.ReportModule, {"by": permit.module, "deed": permit.deed, "step": permit.step, "permit": permit.id}


def _log(w: Walk, job: Job) -> Wish:
    value = w.rng.choices(("20", "22.0", "26.000", "26.1", "19.9", "0.0000001"), (4, 8, 4, 1, 1, 1))[0]
    fields: dict[str, Any] = {"value": value}
    if w.rng.random() < 0.3:
        fields |= {"observed_at": w.world.now - w.rng.choice((0, 60 * S, 1000 * S)), "buffered": True}
    if w.rng.random() < 0.05:
        fields["by"] = "PROBE2"
    return c.LogEnvironment, fields


def _deviate(w: Walk, job: Job) -> Wish:
    w.number += 1
    waive = w.rng.choice((("WINDOW_EXCEEDED",), ("WINDOW_NOT_REACHED",), ("WITNESS_NOTICE",)))
    return c.AuthoriseDeviation, {"deviation": f"D-{w.number}", "step": w.rng.choice(("S20", "S30")), "waive": waive}


def _split(w: Walk, job: Job) -> Wish:
    w.number += 1
    half = max(1, len(job.serials) // 2)
    lots = [(f"J-{w.number}a", job.serials[:half]), (f"J-{w.number}b", job.serials[half:])]
    if w.rng.random() < 0.2:
        lots[1] = w.rng.choice((lots[0], (f"J-{w.number}b", SERIALS)))
    return c.SplitJob, {"into": tuple(c.SubLot(job=name, serials=serials) for name, serials in lots)}


def _end(w: Walk, job: Job) -> Wish:
    return c.TerminateJob, {}


def _resume(w: Walk, job: Job) -> Wish:
    by, role = w.rng.choice((("L3", "level3"), ("QA", "qa")))
    return c.ResumeJob, {"by": by, "role": role}


def _next(w: Walk, job: Job) -> Callable[[Walk, Job], Wish]:
    """What brings a job on in its present state."""
    series = w.world.state.series.get(f"{LAB_TEMP.series}/PROBE")
    fresh = series is not None and w.world.now - series.last_at <= GAP and series.value in ("20", "22.0", "26.000")
    if w.sheet["environment"] and not fresh:
        return _log
    if job.failed:
        return _resume
    if open_ncrs(job):
        failed = any(ncr.step for ncr in open_ncrs(job))
        return _at_step(c.AuthoriseRetest, ("L3", "level3")) if failed and w.rng.random() < 0.4 else _dispose
    if w.rng.random() < 0.3 and any(not one.used and one.until >= w.world.now for one in job.permits.values()):
        return _report
    if job.open_step < 0:
        step = w.step_of(job)
        if step == "S20" and "witness" in w.patch.get("S20", {}) and step not in job.noticed and w.rng.random() < 0.8:
            return _at_step(c.NotifyWitness, ("PM", "project_manager"))
        if step == "S30" and "hold" in w.patch.get("S30", {}) and step not in job.released and w.rng.random() < 0.8:
            return _at_step(c.ReleaseHold, ("BUYER", "client"), ("QA", "qa"))
        return _start
    attempt = job.attempts[job.open_step]
    if job.open_step == 1 and attempt is not None and any(key not in attempt.last for key in _asked(job)):
        return _read
    return _sign


def _asked(job: Job) -> list[str]:
    return ["temp", "press", *(f"gap/{serial}" for serial in remaining(job))]


_TABLE: Final[tuple[tuple[Callable[[Walk, Job], Wish], int], ...]] = (
    (_start, 14),
    (_read, 30),
    (_sign, 16),
    (_correct, 4),
    (_at_step(c.RestartStep, ("TECH", "technician"), ("TECH2", "technician")), 2),
    (_at_step(c.ReleaseHold, ("BUYER", "client"), ("QA", "qa")), 3),
    (_at_step(c.NotifyWitness, ("PM", "project_manager")), 3),
    (_at_step(c.AuthoriseRetest, ("L3", "level3"), ("BOTH", "level3")), 4),
    (_reprocess, 2),
    (_tag, 3),
    (_dispose, 9),
    (_ask, 8),
    (_report, 8),
    (_log, 14),
    (_deviate, 2),
    (_split, 2),
    (_end, 1),
    (_resume, 5),
)
_WISHES: Final = tuple(wish for wish, _ in _TABLE)
_WEIGHTS: Final = tuple(weight for _, weight in _TABLE)


def _copy(world: World) -> State:
    return world.copy().state
