"""How it was signed: unlocked by the signer's own components, with a meaning, by the right person, on the present view."""

from holdgate.law import command as c
from holdgate.law import signing
from holdgate.law.case import Case
from holdgate.law.view import view_of


def unlocked(case: Case) -> None:
    """Two distinct components, one of them secret; one secret while the session is not idle; never somebody else's."""
    signing.unlocked(case)


def meaning(case: Case) -> None:
    """The signature says what it means (responsibility, review, approval …)."""
    signing.meaning(case)


def performer(case: Case) -> None:
    """Whoever started a step signs it; a second signature is another person's."""
    attempt, operation = case.attempt, case.operation
    if attempt is None or operation is None or attempt.done:
        return
    actor = case.actor.id
    if actor in attempt.signers:
        case.deny("SELF_APPROVAL", id=actor, why=f"the first signature of {operation.id} is theirs")
    elif not attempt.signers and operation.performer_signs and attempt.performer != actor:
        case.deny("NOT_PERFORMER", id=actor, step=operation.id, performer=attempt.performer)


def independent(case: Case) -> None:
    """QA and compliance signed no step of the job; QA and compliance are two people."""
    job = case.job
    if job is None:
        return
    actor = case.actor.id
    if actor in job.signers:
        case.deny("SELF_APPROVAL", id=actor, why=f"they signed a step of {job.id}")
    if type(case.command) is c.SignCompliance and actor == job.qa_by:
        case.deny("SELF_APPROVAL", id=actor, why=f"they accepted {job.id} for QA")


def not_subject(case: Case) -> None:
    """Nobody signs in a job about themselves, as in their own qualification."""
    job, technique = case.job, case.technique
    if job is None or technique is None or technique.subject != "person":
        return
    if case.actor.id in job.serials:
        case.deny("SELF_APPROVAL", id=case.actor.id, why=f"{job.id} is about them")


def seen(case: Case) -> None:
    """What the signers were shown is the present state; nothing is signed unseen. Asked after every other gate."""
    if case.found:
        return
    shown = view_of(case.state, case.command)
    if shown is None or case.command.seen != shown:
        case.deny("STALE_VIEW", id=case.actor.id)
