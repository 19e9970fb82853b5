"""The contract workshop: what proposing and comparing contracts needs of the certifier, which the web itself never imports.

Proofs stand beside decisions: a process that has the certifier installed hands these two in; without it a contract is proposed with
`holdgate contract`, and two versions are compared as texts.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec import Struct

from holdgate.law.families import Bundle
from holdgate.law.notation import ParseRule


class Difference(Struct, frozen=True, kw_only=True):
    """One thing that two versions say differently. `verdict`: equal, stronger, WEAKER, INCOMPARABLE, or "" (not judged).

    `counterexample`: what passes one version and not the other.
    """

    place: str
    what: str
    verdict: str = ""
    counterexample: str = ""


class Workshop(NamedTuple):
    """`parse_rule`: rule text to its certified form; `compare`: two versions, by proof. Used by one thread at a time."""

    parse_rule: ParseRule
    compare: Callable[[Bundle, Bundle], Sequence[Difference]]
