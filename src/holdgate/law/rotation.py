"""rotation: what a root document that was handed in makes of the roots: for the hub, whoever imports it, and the audit."""

from holdgate.identity.roots import Roots, follow
from holdgate.law.command import RotateRoots
from holdgate.law.event import RootsRotated


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
