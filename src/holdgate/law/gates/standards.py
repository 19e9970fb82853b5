"""By which standard: SMART-Standards' part. The editions that a technique is written to are in force when a job starts."""

from holdgate.law import command as c
from holdgate.law.case import Case


def in_force(case: Case) -> None:
    """Every standard that the technique requires is adopted in its edition, and not past its date."""
    technique = case.technique
    if type(case.command) is not c.StartJob or technique is None:
        return
    for needed in technique.requires:
        adopted = case.state.standards.get(needed.standard)
        why = ""
        if adopted is None:
            why = "no edition of it was adopted"
        elif adopted.edition != needed.edition:
            why = f"{adopted.edition} is"
        elif case.now > adopted.until:
            why = "its adoption has run out"
        if adopted is not None:
            case.reads.append(adopted.ref)
        if why:
            case.deny("STANDARD_NOT_IN_FORCE", standard=needed.standard, edition=needed.edition, why=why)
