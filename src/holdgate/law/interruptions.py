"""What becomes true where work stops, waits, is done again or goes on: outcomes, deciding nothing any more."""

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.case import Case

Events = tuple[ev.AnyEvent, ...]


def restart(case: Case, m: c.RestartStep) -> Events:
    """The open attempt is set aside."""
    return (ev.StepRestarted(order=m.order, job=m.job, step=m.step, by=case.actor.id),)


def release_hold(case: Case, m: c.ReleaseHold) -> Events:
    """The step may start."""
    return (ev.HoldReleased(order=m.order, job=m.job, step=m.step, by=case.actor.id),)


def notify(_: Case, m: c.NotifyWitness) -> Events:
    """The witness knows."""
    return (ev.WitnessNotified(order=m.order, job=m.job, step=m.step),)


def retest(case: Case, m: c.AuthoriseRetest) -> Events:
    """The test may be done once more."""
    return (ev.RetestAuthorised(order=m.order, job=m.job, step=m.step, cause=m.cause, by=case.actor.id),)


def open_ncr(_: Case, m: c.OpenNonconformance) -> Events:
    """The parts are on hold."""
    return (ev.NonconformanceOpened(order=m.order, job=m.job, ncr=m.ncr, step="", serials=m.serials),)


def reprocess(case: Case, m: c.ReprocessJob) -> Events:
    """The process is done again from this step."""
    return (ev.JobReprocessed(order=m.order, job=m.job, step=m.step, by=case.actor.id),)


def terminate(case: Case, m: c.TerminateJob) -> Events:
    """The job is over."""
    return (ev.JobTerminated(order=m.order, job=m.job, by=case.actor.id),)


def resume_job(case: Case, m: c.ResumeJob) -> Events:
    """The job goes on."""
    return (ev.JobResumed(order=m.order, job=m.job, by=case.actor.id),)


def call_help(case: Case, m: c.CallHelp) -> Events:
    """Level III is called; nothing changes."""
    return (ev.HelpCalled(order=m.order, job=m.job, step=m.step, by=case.actor.id),)
