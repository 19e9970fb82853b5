"""Certification by proof: everything that can be said of a contract without running it.

Structure first, since nothing can be proved of a contract that does not hang together; then rules, limits, names and money by
the solver, and the life of its orders by search. The witness runs come after, and are somebody else's to execute.
"""

from typing import Final

from holdgate.certifier.findings import Findings
from holdgate.certifier.graph import ENDS, Graph, moves_of, prove_graph
from holdgate.certifier.life import Law, Life, vocabulary
from holdgate.certifier.limit_proofs import prove_limits
from holdgate.certifier.money_proofs import prove_money
from holdgate.certifier.name_proofs import prove_names
from holdgate.certifier.quality_proofs import prove_quality, unbound
from holdgate.certifier.rule_proofs import PASSABLE, prove_rules
from holdgate.certifier.rule_words import prove_words
from holdgate.certifier.solver import ask_again
from holdgate.certifier.structure import examine
from holdgate.law.families import Bundle, bundle_faults
from holdgate.terms.errors import Malformed

STRUCTURE: Final = "structure"
SECOND: Final = "a-second-solver-agrees"


class Proved(Findings):
    """The findings about one contract, and the contract's life where it could be read."""

    def __init__(self, contract: Bundle) -> None:
        super().__init__()
        self.contract = contract
        self.life: Life | None = None


def prove(contract: Bundle, law: Law | None = None, *, second: bool = False) -> Proved:
    """Prove everything that can be proved.

    Args:
        contract: untrusted.
        law: the engine; the present one, with every act of the vocabulary, by default.
        second: ask every question of a second solver too.

    Raises:
        Unavailable: a second solver is asked for and not installed.
    """
    found = Proved(contract)
    found.begin(STRUCTURE)
    sentences, _ = examine(contract.template, contract.technique)
    for sentence in (*sentences, *bundle_faults(contract), *unbound(contract)):
        found.fail(STRUCTURE, contract.template.id, sentence)
    if found.defects:
        return found
    prove_words(found, contract.technique)
    prove_rules(found, contract.technique)
    prove_limits(found, contract.template, contract.technique)
    hopeless = {defect.place for defect in found.defects if defect.proof == PASSABLE}
    life = Life(contract, tuple(step.id not in hopeless for step in contract.technique.steps))
    prove_names(found, life)
    prove_quality(found, life)
    prove_money(found, life)
    _search(found, life, law or vocabulary())
    if second:
        _ask_again(found)
    found.life = life
    return found


def _search(found: Findings, life: Life, law: Law) -> None:
    """Everything that is found by search; an order with too many states is not searched, and so not certified."""
    try:
        graph = Graph(life, moves_of(life, law))
    except Malformed as error:
        found.fail(ENDS, "order", str(error))
        return
    prove_graph(found, graph)


def _ask_again(found: Proved) -> None:
    """Put every question to the second solver; it has to say the same."""
    found.begin(SECOND)
    for query in found.queries.values():
        first, again = found.verdict_of(query), ask_again(query)
        if first != again:
            found.fail(SECOND, "solver", f"{query.name}: z3 says {first}, cvc5 says {again}")
