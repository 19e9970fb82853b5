"""By which standard: SMART-Standards' part.

An edition is adopted by two officers, or by an accepted execution under a SmartStandards contract; the editions that a
technique is written to are in force when a job starts.
"""

from holdgate.law import command as c
from holdgate.law.case import Case


def adoptable(case: Case) -> None:
    """A standard and its edition are named, the adoption is not over already, and it is not the one in force as it is."""
    command = case.command
    if type(command) is not c.AdoptStandard:
        return
    if not command.standard.strip() or not command.edition.strip():
        case.deny("RULE_NOT_MET", rule="adoption", say="A standard is adopted by its name and its edition.")
    if command.until < case.now:
        case.deny("RULE_NOT_MET", rule="adoption", say="The adoption would be over already.")
    adopted = case.state.standards.get(command.standard)
    if adopted is None:
        return
    case.reads.append(adopted.ref)
    if (adopted.edition, adopted.until) == (command.edition, command.until):
        case.deny("ALREADY_DONE", what=f"the adoption of {command.standard} {command.edition}")


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
