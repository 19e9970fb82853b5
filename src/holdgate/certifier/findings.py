"""What a certification finds: for each property its verdict and the questions that it rests on, and every defect.

A defect says what is wrong where, with a case that shows it: values, or a path of acts. Whatever the solver could not
decide is a defect too: unknown means not certified.
"""

from typing import Final

from msgspec import Struct

from holdgate.certifier.smt import Query
from holdgate.certifier.solver import Answer, ask
from holdgate.law.certificate import HOLDS, Proof

FAILS: Final = "fails"


class Defect(Struct, frozen=True, kw_only=True):
    """Something that keeps a contract from being certified.

    `proof`: the property that fails. `place`: a step, milestone or parameter. `case`: values that show it. `path`: acts that lead
    there, one sentence each.
    """

    proof: str
    place: str
    what: str
    case: str = ""
    path: tuple[str, ...] = ()

    def sentence(self) -> str:
        """On one line, without the path."""
        case = f" (for example: {self.case})" if self.case else ""
        return f"{self.place}: {self.what}{case}"


class Findings:
    """Collects proofs, questions and defects of one certification."""

    def __init__(self) -> None:
        self.queries: dict[str, Query] = {}
        self.defects: list[Defect] = []
        self.notes: list[str] = []
        self._names: dict[str, dict[str, None]] = {}
        self._answers: dict[str, Answer] = {}

    def begin(self, proof: str) -> None:
        """A property that is looked at, even where there is nothing to ask."""
        self._names.setdefault(proof, {})

    def ask(self, proof: str, query: Query) -> Answer:
        """Put a question that belongs to this property."""
        self.begin(proof)
        self._names[proof][query.sha256] = None
        self.queries.setdefault(query.sha256, query)
        if query.sha256 not in self._answers:
            self._answers[query.sha256] = ask(query)
        return self._answers[query.sha256]

    def possible(self, proof: str, query: Query, place: str, what: str) -> Answer:
        """Ask for something that must be possible; `what` says that it is not."""
        answer = self.ask(proof, query)
        if answer.verdict == "unsat":
            self.fail(proof, place, what)
        elif answer.verdict == "unknown":
            self.undecided(proof, place, query.name)
        return answer

    def fail(self, proof: str, place: str, what: str, case: str = "", path: tuple[str, ...] = ()) -> None:
        """Note a defect."""
        self.begin(proof)
        self.defects.append(Defect(proof=proof, place=place, what=what, case=case, path=path))

    def undecided(self, proof: str, place: str, question: str) -> None:
        """Note that the solver could not tell; that is a defect."""
        self.fail(proof, place, f"the solver cannot tell {question}; say it more simply")

    def note(self, text: str) -> None:
        """Something worth knowing that keeps nothing from being certified."""
        self.notes.append(text)

    def verdict_of(self, query: Query) -> str:
        """What z3 said to a question that was asked."""
        return self._answers[query.sha256].verdict

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """Every property that was looked at, in that order."""
        failed = {defect.proof for defect in self.defects}
        return tuple(
            Proof(name=name, verdict=FAILS if name in failed else HOLDS, queries=tuple(queries))
            for name, queries in self._names.items()
        )
