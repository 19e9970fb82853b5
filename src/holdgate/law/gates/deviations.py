"""Departures: one job, one step, one use; Level III and that order's client; never people, calibration or signatures."""

from typing import Final

from holdgate.law import command as c
from holdgate.law.case import Case

WAIVABLE: Final = (
    "WINDOW_EXCEEDED",
    "WINDOW_NOT_REACHED",
    "LOCATION_NOT_PERMITTED",
    "EQUIPMENT_NOT_IN_CONTRACT",
    "WITNESS_NOTICE",
)


def waivable(case: Case) -> None:
    """Only what may be waived is waived, and under a new id."""
    command, job = case.command, case.job
    if type(command) is not c.AuthoriseDeviation or job is None:
        return
    never = tuple(code for code in command.waive if code not in WAIVABLE)
    if never or not command.waive:
        case.deny("DEVIATION_NOT_ALLOWED", why=f"{', '.join(never) or 'nothing'} cannot be waived")
    if command.deviation in job.deviations:
        case.deny("ALREADY_DONE", what=f"deviation {command.deviation}")


def client_agrees(case: Case) -> None:
    """One of the order's own client's people co-signs."""
    job = case.job
    if job is not None and not client_signed(case, job.client):
        case.deny("DISPOSITION_NOT_AUTHORISED", client=job.client)


def client_signed(case: Case, client: str) -> bool:
    """Whether one of this client's people co-signs."""
    for signer in case.command.signers[1:]:
        person = case.state.identities.get(signer.id)
        if person is not None and signer.role == "client" and person.org == client:
            return True
    return False


def usable(case: Case) -> None:
    """A deviation that a start names is authorised for this step and not used up."""
    command, job = case.command, case.job
    if type(command) is not c.StartStep or command.deviation is None or job is None:
        return
    deviation = job.deviations.get(command.deviation)
    if deviation is None or deviation.step != command.step:
        case.deny("DEVIATION_NOT_ALLOWED", why=f"{command.deviation} is not authorised for {command.step}")
        return
    case.reads.append(deviation.ref)
    if deviation.used:
        case.deny("DEVIATION_NOT_ALLOWED", why=f"{command.deviation} was used already")
