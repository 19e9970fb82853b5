"""rotation: what a root document that was handed in makes of the roots: for the hub, whoever imports it, and the audit."""

from holdgate.identity.roots import Roots, follow
from holdgate.law.case import Case
from holdgate.law.command import RotateRoots
from holdgate.law.event import RootsRotated
from holdgate.terms.errors import InvariantBroken, Malformed, Tampered


def rotation(roots: Roots, org: str, command: RotateRoots) -> RootsRotated:
    """What becomes true by an exchange of the roots.

    Args:
        roots: in force.
        org: the shop's organisation.
        command: with the document, which proves itself.

    Raises:
        Malformed, Tampered: the document does not follow from these roots, or too few of old and new ones signed it.
    """
    after = follow(roots, org, command.document)
    return RootsRotated(version=after.version, roots=after.keys, threshold=after.threshold, document=after.history[-1])


def rotated(case: Case, command: RotateRoots) -> tuple[RootsRotated, ...]:
    """The outcome of an exchange that passed its gates.

    Raises:
        InvariantBroken: they let one pass that does not follow.
    """
    try:
        return (rotation(case.state.roots, case.state.charter.org, command),)
    except (Malformed, Tampered) as error:
        raise InvariantBroken(f"the gates let an exchange of the roots pass that is none: {error}") from error
