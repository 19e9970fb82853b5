"""What becomes true of instruments, batches, documents and assignments: outcomes, deciding nothing any more."""

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.case import Case
from holdgate.law.recalls import at_node
from holdgate.law.state import job_key

Events = tuple[ev.AnyEvent, ...]


def calibrate(case: Case, m: c.CalibrateEquipment) -> Events:
    """The calibration holds from now on."""
    return (
        ev.EquipmentCalibrated(
            equipment=m.id,
            as_found=m.as_found,
            cal_from=case.now,
            cal_until=m.until,
            certificate=m.certificate or "",
        ),
    )


def check(case: Case, m: c.CheckEquipment) -> Events:
    """A failed check withdraws the instrument, and recalls what this node did with it since it was last found good."""
    checked = ev.EquipmentChecked(equipment=m.id, result=m.result, by=case.actor.id)
    return (checked,) if m.result == "pass" else (checked, *at_node(case.state, m.id))


def extend(_: Case, m: c.ExtendMaterial) -> Events:
    """The batch has a later end."""
    return (ev.MaterialExtended(batch=m.batch, until=m.until),)


def adopt(_: Case, m: c.AdoptStandard) -> Events:
    """The edition is in force."""
    return (ev.StandardAdopted(standard=m.standard, edition=m.edition, until=m.until),)


def verify(case: Case, m: c.VerifyDocument) -> Events:
    """The document holds for this order."""
    return (ev.DocumentVerified(order=m.order, document=m.document, digest=m.digest, by=case.actor.id, until=m.until),)


def assign(case: Case, m: c.AssignJob) -> Events:
    """The job is this person's from now on."""
    again = job_key(m.order, m.job) in case.state.assigned
    return (ev.JobAssigned(order=m.order, job=m.job, technician=m.technician, again=again),)


def dispose(case: Case, m: c.DisposeNonconformance) -> Events:
    """It is decided what becomes of a nonconformance."""
    return (
        ev.NonconformanceDisposed(
            order=m.order,
            job=m.job,
            ncr=m.ncr,
            disposition=m.disposition,
            by=case.actor.id,
            concession=m.concession or "",
        ),
    )
