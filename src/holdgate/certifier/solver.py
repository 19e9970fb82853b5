"""Asking: z3 answers, within a limit that counts its own work and so is the same on every machine; cvc5 answers again.

A question that a solver cannot answer within its limit is `unknown`, and nothing is concluded from it.
"""

from collections.abc import Mapping
from functools import cache
from importlib import metadata
from typing import Any, Final, Literal

import z3
from msgspec import Struct

from holdgate.certifier.smt import Query
from holdgate.terms.errors import Unavailable

WORK_MAX: Final = 40_000_000
"""Of one question, in z3's own unit (rlimit): some seconds of work at most."""
SECOND_WORK_MAX: Final = 20_000_000
"""Of one question, in cvc5's own unit (resource steps)."""

Verdict = Literal["sat", "unsat", "unknown"]

_Z3: Final[Any] = z3


class Answer(Struct, frozen=True, kw_only=True):
    """What a solver says. `values`: of the declared constants, where there is a case (`sat`)."""

    verdict: Verdict
    values: Mapping[str, int | bool] = {}


def ask(query: Query) -> Answer:
    """Put a question to z3, in a context of its own: what was asked before changes no answer."""
    solver = _Z3.Solver(ctx=_Z3.Context())
    solver.set("rlimit", WORK_MAX)
    solver.from_string(query.text)
    verdict = str(solver.check())
    if verdict == "sat":
        model = solver.model()
        plain = {d.name(): _plain(model[d]) for d in model.decls() if not d.arity()}
        return Answer(verdict="sat", values={name: value for name, value in plain.items() if value is not None})
    return Answer(verdict="unsat" if verdict == "unsat" else "unknown")


def _plain(value: Any) -> int | bool | None:
    """The value of a constant; None for what z3 leaves open, where any value will do."""
    if _Z3.is_int_value(value):
        return int(value.as_long())
    return bool(_Z3.is_true(value)) if _Z3.is_bool(value) else None


def ask_again(query: Query) -> Verdict:
    """Put the same text to cvc5.

    Raises:
        Unavailable: cvc5 is not installed.
    """
    cvc5 = _second()
    solver = cvc5.Solver()
    solver.setOption("rlimit-per", str(SECOND_WORK_MAX))
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, query.text, query.sha256)
    symbols, said = parser.getSymbolManager(), ""
    while not (command := parser.nextCommand()).isNull():
        said += str(command.invoke(solver, symbols))
    verdict = said.strip()
    return "sat" if verdict == "sat" else "unsat" if verdict == "unsat" else "unknown"


@cache
def _second() -> Any:
    try:
        import cvc5  # noqa: PLC0415  # an extra of its own, asked for by name
    except ImportError:
        raise Unavailable("the second solver is not installed; it comes with the extra second-solver") from None
    return cvc5


def solver_names(*, second: bool = False) -> tuple[str, ...]:
    """The solvers with their versions."""
    names = [f"z3 {_Z3.get_version_string()}"]
    if second:
        names.append(f"cvc5 {metadata.version('cvc5')}")
    return tuple(names)
