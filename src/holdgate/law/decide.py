"""decide: one signed action before the law. A pure function of (state, documents, action, what came beside it, now).

0. Lay the case out: person, workstation, order, job, step, report (`_frame`).
1. Ask every gate of the act, in the order of GATES; a gate notes unmet conditions.
2. Nothing noted: the act's outcome says what becomes true.
3. Something noted: the denial, with every unmet condition and what each gate said (asked once more, for the trace), and
   with the facts that count all the same.

Acts that another authority decides (arrivals at the floor hub) are refused here as WRONG_SITE.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from holdgate.law import command as c
from holdgate.law.case import Case, Pin
from holdgate.law.decision import Decision, deny
from holdgate.law.event import AnyEvent
from holdgate.law.gates.acts import HUB_ACTS, NODE_ACTS
from holdgate.law.gates.table import Gate, gates_of
from holdgate.law.library import Library, require_technique
from holdgate.law.outcomes import OUTCOMES
from holdgate.law.pinning import test_version
from holdgate.law.state import Job, State, job_key
from holdgate.law.technique import Operation, Technique, moved
from holdgate.terms.quantity import parse_decimal

Outcome = Callable[[Case, Any], tuple[AnyEvent, ...]]

_ACTS_OF: Final = {"business_hub": HUB_ACTS, "node": NODE_ACTS}
_GATES: Final[dict[type[c.Command], tuple[Gate, ...]]] = {act: gates_of(act) for act in (*HUB_ACTS, *NODE_ACTS)}


def decide(state: State, library: Library, command: c.AnyCommand, now: int, pins: Sequence[Pin] = ()) -> Decision:
    """Decide an action whose signatures have been verified against the keys in `state`.

    Args:
        state: what the site knows; not changed.
        library: the pinned law documents.
        command: the action, as signed.
        now: the deciding site's receipt time (UTC µs).
        pins: documents that came beside the action, by digest.

    Returns:
        Allow with events, or deny with every unmet condition and a trace.
    """
    act = type(command)
    if act not in _ACTS_OF.get(state.kind, ()):
        return deny("WRONG_SITE", "decide", signed_for=command.site, site=state.site)
    case = Case(state, library, command, now, tuple(pins))
    _frame(case, command)
    gates = _GATES[act]
    for gate in gates:
        gate.check(case)
    if case.found:
        return _refuse(case, gates)
    events = OUTCOMES[act](case, command)
    return Decision(verdict="allow", events=events, reads=tuple(dict.fromkeys(case.reads)))


def _refuse(case: Case, gates: Sequence[Gate]) -> Decision:
    """Ask again, gate by gate, so that the answer says what each one found."""
    case.begin()
    trace: list[str] = []
    for gate in gates:
        before = len(case.found)
        case.gate = gate.name
        gate.check(case)
        if len(case.found) == before:
            trace.append(gate.passed)
        else:
            codes = " ".join(dict.fromkeys([denial.code for denial in case.found[before:]]))
            trace.append(f"{gate.name} {codes}")
    return Decision(
        verdict="deny",
        denials=tuple(case.found),
        events=tuple(case.facts),
        trace=tuple(trace),
        reads=tuple(dict.fromkeys(case.reads)),
    )


def _frame(case: Case, command: c.AnyCommand) -> None:
    frame = _FRAMES.get(type(command))
    if frame is not None:
        frame(case, command)


def _frame_job(case: Case, command: Any) -> None:
    job = case.state.jobs.get(f"{command.order}/{command.job}")
    case.job = job
    if job is not None:
        case.technique = case.library.techniques.get(job.technique) or case.library.technique(job.technique)
        case.contract = case.state.contracts.get(job.sha256)
    else:
        case.order = case.state.orders.get(command.order)


def _frame_step(case: Case, command: Any) -> None:
    _frame_job(case, command)
    job, technique = case.job, case.technique
    if job is None or technique is None:
        return
    position = technique.position.get(command.step)
    if position is None:
        return
    case.attempt = job.attempts[position]
    if technique.by_test:
        technique = _frame_test(case, job, technique)
    case.operation = _as_tuned(case, technique, technique.operations[position])
    if job.deviations:
        _frame_deviation(case, command)


def _frame_test(case: Case, job: Job, technique: Technique) -> Technique:
    """Where the contract pins by test, the technique is the test's own."""
    sha256 = test_version(case.state, case.library, job, technique, case.attempt)
    if sha256 != job.sha256:
        case.contract = case.state.contracts.get(sha256)
        case.technique = technique = require_technique(case.library, sha256)
    return technique


def _as_tuned(case: Case, technique: Technique, operation: Operation) -> Operation:
    """A step that is about to start is as its version is tuned now; one that started stays as it was then."""
    attempt = case.attempt
    if attempt is None or type(case.command) is c.StartStep:
        record, job = case.contract, case.job
        case.tuned = ()
        if record is not None and record.tuned and job is not None:
            case.tuned = moved(operation, record.tuned, record.agreed, job.client)
    else:
        case.tuned = attempt.tuned
    return case.library.tuned(technique, operation, case.tuned) if case.tuned else operation


def _frame_deviation(case: Case, command: Any) -> None:
    """A start names the deviation that it uses up; the rest of that step lives under it."""
    job = case.job
    if job is None:
        return
    name = getattr(command, "deviation", None) if type(command) is c.StartStep else None
    for deviation in job.deviations.values():
        if deviation.step != command.step:
            continue
        if deviation.id == name and not deviation.used:
            case.deviation, case.waived = deviation, deviation.waive
        elif deviation.used and not deviation.over and case.attempt is not None and not case.attempt.done:
            case.waived += deviation.waive


def _frame_reading(case: Case, command: Any) -> None:
    _frame_step(case, command)
    if case.operation is not None:
        case.measure = case.operation.measures.get(command.characteristic)
    case.value = parse_decimal(command.new_value if type(command) is c.CorrectEntry else command.value)


def _frame_order(case: Case, command: Any) -> None:
    case.order = order = case.state.orders.get(command.order)
    if type(command) is c.StartJob and order is not None and order.sha256:
        case.contract = case.state.contracts.get(order.sha256)
        template = case.library.template(order.sha256)
        case.technique = None if template is None else case.library.technique(template.process)


def _frame_version(case: Case, command: Any) -> None:
    sha256 = case.state.versions.get(f"{command.contract}/{command.version}")
    case.contract = None if sha256 is None else case.state.contracts.get(sha256)
    order = getattr(command, "order", None)
    if order is not None:
        case.order = case.state.orders.get(order)


def _frame_parameter(case: Case, command: Any) -> None:
    _frame_version(case, command)
    record = case.contract
    if record is not None and record.status != "submitted":  # a draft can be too broken to be made ready
        template = case.library.template(record.sha256)
        case.technique = None if template is None else case.library.technique(template.process)
    if case.technique is not None:
        case.parameter = case.technique.parameters.get(command.param)
    if type(command) is not c.RevertTune:
        case.value = parse_decimal(command.value)


def _frame_report(case: Case, command: Any) -> None:
    case.report = report = case.state.reports.get(command.report)
    if report is not None:
        case.order = case.state.orders.get(report.order)
        case.job = case.state.jobs.get(job_key(report.order, report.job))


def _frame_assignment(case: Case, command: Any) -> None:
    """A job can be assigned before it starts: then its contract is the order's."""
    _frame_hub_job(case, command)
    if case.job is None and case.order is not None and case.order.sha256:
        template = case.library.template(case.order.sha256)
        case.technique = None if template is None else case.library.technique(template.process)


def _frame_hub_job(case: Case, command: Any) -> None:
    _frame_job(case, command)
    case.order = case.state.orders.get(command.order)


def _frame_value(case: Case, command: Any) -> None:
    case.value = parse_decimal(command.value)


_FRAMES: Final[dict[type[c.Command], Callable[[Case, Any], None]]] = {
    **dict.fromkeys((c.ApproveContract, c.CertifyContract, c.ActivateContract), _frame_version),
    **dict.fromkeys((c.SuspendContract, c.ResumeContract), _frame_version),
    **dict.fromkeys((c.SuggestTune, c.ApproveTune, c.RevertTune), _frame_parameter),
    **dict.fromkeys((c.AcceptTerms, c.StageOrder), _frame_version),
    **dict.fromkeys((c.ReviewOrder, c.IssueInvoice, c.StartJob, c.ForwardOrder), _frame_order),
    **dict.fromkeys((c.VerifyDocument, c.CloseDelivery, c.AgreeCharge, c.SettleOrder), _frame_order),
    **dict.fromkeys((c.SignQa, c.SignCompliance, c.GenerateReport, c.ReleasePayout), _frame_hub_job),
    **dict.fromkeys((c.ReviewReport, c.CloseWindow, c.AmendReport), _frame_report),
    c.AssignJob: _frame_assignment,
    c.DisposeNonconformance: _frame_hub_job,
    **dict.fromkeys((c.SplitJob, c.RepinJob, c.OpenNonconformance), _frame_job),
    **dict.fromkeys((c.TerminateJob, c.ResumeJob), _frame_job),
    **dict.fromkeys((c.StartStep, c.SignStep, c.RestartStep, c.AuthoriseDeviation), _frame_step),
    **dict.fromkeys((c.ReleaseHold, c.NotifyWitness, c.AuthoriseRetest, c.ReprocessJob), _frame_step),
    **dict.fromkeys((c.AskModule, c.ReportModule), _frame_step),
    c.LogEnvironment: _frame_value,
    **dict.fromkeys((c.RecordReading, c.RecordLate, c.CorrectEntry), _frame_reading),
}
