"""Questions to a solver as SMT-LIB text: what is asked is what is kept, digested and asked again of a second solver.

Terms are texts. `both`, `either`, `no` and `pick` leave out what decides nothing, so that the text stays short; a
`Script` names long terms once (`define-fun`), so that it stays linear in the rule.
Source: The SMT-LIB Standard, version 2.6 (script commands; theories Core and Ints).
"""

from typing import Final

from msgspec import Struct

from holdgate.crypto.hashes import digest

Term = str
"""A term of sort Bool or Int."""

TRUE: Final[Term] = "true"
FALSE: Final[Term] = "false"
NAMED_CHARS_MIN: Final = 48
"""A term this long gets a name of its own."""


class Query(Struct, frozen=True, kw_only=True):
    """One question. `name`: what it asks, in words; `text`: the script; `sha256`: of the text."""

    name: str
    text: str
    sha256: str


def num(value: int) -> Term:
    """An integer literal; SMT-LIB has no negative ones."""
    return str(value) if value >= 0 else f"(- {-value})"


def both(*parts: Term) -> Term:
    """All of the parts hold."""
    left = tuple(dict.fromkeys(part for part in parts if part != TRUE))
    if FALSE in left:
        return FALSE
    return TRUE if not left else left[0] if len(left) == 1 else f"(and {' '.join(left)})"


def either(*parts: Term) -> Term:
    """One of the parts holds."""
    left = tuple(dict.fromkeys(part for part in parts if part != FALSE))
    if TRUE in left:
        return TRUE
    return FALSE if not left else left[0] if len(left) == 1 else f"(or {' '.join(left)})"


def no(part: Term) -> Term:
    """The part does not hold."""
    if part in (TRUE, FALSE):
        return FALSE if part == TRUE else TRUE
    return part[5:-1] if part.startswith("(not ") else f"(not {part})"


def pick(test: Term, yes: Term, otherwise: Term) -> Term:
    """`yes` where the test holds."""
    if test in (TRUE, FALSE) or yes == otherwise:
        return otherwise if test == FALSE else yes
    return f"(ite {test} {yes} {otherwise})"


def same(left: Term, right: Term) -> Term:
    """The two are equal."""
    return TRUE if left == right else f"(= {left} {right})"


def within(low: int, term: Term, high: int) -> Term:
    """The term lies between two numbers, ends included."""
    return f"(<= {num(low)} {term} {num(high)})"


def plus(*parts: Term) -> Term:
    """A sum."""
    left = tuple(part for part in parts if part != "0")
    return "0" if not left else left[0] if len(left) == 1 else f"(+ {' '.join(left)})"


class Script:
    """A script in the making: declared constants, named terms, assertions, and the texts that stand as numbers."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._names: dict[str, str] = {}
        self._texts: dict[str, int] = {}
        self._known: dict[tuple[str, str], str] = {}

    def integer(self, name: str, low: int | None = None, high: int | None = None) -> Term:
        """A free integer, between two ends where they are given."""
        term = self._declare(name, "Int")
        if low is not None:
            self.hold(f"(>= {term} {num(low)})")
        if high is not None:
            self.hold(f"(<= {term} {num(high)})")
        return term

    def boolean(self, name: str) -> Term:
        """A free truth value."""
        return self._declare(name, "Bool")

    def _declare(self, name: str, sort: str) -> Term:
        if name in self._names:
            raise ValueError(f"{name} is declared twice")
        self._names[name] = sort
        self._lines.append(f"(declare-fun |{name}| () {sort})")
        return f"|{name}|"

    def text(self, text: str) -> Term:
        """The number that stands for a text: equal texts, equal numbers. All other numbers are other texts."""
        return num(self._texts.setdefault(text, len(self._texts)))

    def named(self, term: Term, sort: str = "Bool") -> Term:
        """The term, under a short name where it is long."""
        if len(term) < NAMED_CHARS_MIN:
            return term
        known = self._known.get((term, sort))
        if known is None:
            known = self._known[term, sort] = f"t{len(self._known)}"
            self._lines.append(f"(define-fun {known} () {sort} {term})")
        return known

    def hold(self, term: Term) -> None:
        """Assert a term."""
        if term != TRUE:
            self._lines.append(f"(assert {term})")

    @property
    def texts(self) -> dict[int, str]:
        """What the numbers of texts stand for."""
        return {number: text for text, number in self._texts.items()}

    def query(self, name: str) -> Query:
        """The script as it stands, ready to be asked."""
        text = "\n".join(["(set-logic ALL)", *self._lines, "(check-sat)", ""])
        return Query(name=name, text=text, sha256=digest(text.encode()))
