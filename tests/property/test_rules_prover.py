"""The prover's encoding against both evaluators: random rules, random facts, and the solver's own cases.

Two questions about each rule. Over given facts: does the encoding come to exactly what our evaluator comes to (true, false or
error)? Over all facts: is a case that the solver finds for true, false or error a case for our evaluator and for Google's C++ CEL
too; and where it finds none, does chance find none either? The seed is printed with a failing rule.
"""

import itertools
import random
from collections.abc import Mapping
from typing import Any

import pytest

pytest.importorskip("cel_expr_python", reason="the certifier's extra (cel-expr-python) is not installed")
pytest.importorskip("z3", reason="the certifier's extra (z3-solver) is not installed")
from holdgate.certifier.cel import evaluate_with_cpp
from holdgate.certifier.encode import Cell, Encoder, Place, Said, Value, places_for
from holdgate.certifier.smt import TRUE, Script, Term, both, either, no, num
from holdgate.certifier.solver import ask, ask_again
from holdgate.law.rules.evaluate import compile_rule
from holdgate.law.rules.nodes import Node
from holdgate.law.rules.operators import RANGES
from tests.property.test_rules_differential import SCHEMA, Author, facts, within_limits

GIVEN = 1_500
OPEN = 100
PROBES = 15
SEED = 20_260_105


def fixed(script: Script, value: Any, kind: Any) -> Value:
    """Given facts as terms."""
    if isinstance(kind, list):
        return tuple(Place(TRUE, fixed(script, item, kind[0])) for item in value)
    if isinstance(kind, dict):
        return {name: Cell(fixed(script, value[name], inner)) for name, inner in kind.items() if name in value}
    if kind == "bool":
        return TRUE if value else no(TRUE)
    return script.text(value) if kind == "string" else num(value)


def free(script: Script, name: str, kind: Any, places: int) -> Value:
    """Any facts as terms: lists of up to so many items, fields that may be missing."""
    if isinstance(kind, list):
        filled = [script.boolean(f"{name}[{place}]") for place in range(places)]
        for before, after in itertools.pairwise(filled):
            script.hold(either(before, no(after)))
        return tuple(Place(f, free(script, f"{name}[{n}].item", kind[0], places)) for n, f in enumerate(filled))
    if isinstance(kind, dict):
        return {
            field: Cell(free(script, f"{name}.{field}", inner, places), script.boolean(f"{name}.{field} missing"))
            for field, inner in kind.items()
        }
    if kind == "bool":
        return script.boolean(name)
    return script.integer(name, 0) if kind == "string" else script.integer(name, *RANGES[kind])


def concrete(script: Script, name: str, kind: Any, places: int, values: Mapping[str, Any]) -> Any:
    """The facts of a case that the solver found."""
    if isinstance(kind, list):
        filled = [place for place in range(places) if values.get(f"{name}[{place}]", False)]
        return [concrete(script, f"{name}[{place}].item", kind[0], places, values) for place in filled]
    if isinstance(kind, dict):
        return {
            field: concrete(script, f"{name}.{field}", inner, places, values)
            for field, inner in kind.items()
            if not values.get(f"{name}.{field} missing", False)
        }
    if kind == "bool":
        return bool(values.get(name, False))
    number = int(values.get(name, 0))
    return script.texts.get(number, f"text {number}") if kind == "string" else number


def comes_to(said: Said, kind: str) -> Term:
    """The term for true, false or error."""
    if kind == "error":
        return said.error
    return both(no(said.error), said.term if kind == "true" else no(said.term))


def test_over_given_facts_the_encoding_comes_to_what_the_evaluator_comes_to() -> None:
    chance = random.Random(SEED)
    counts = {"true": 0, "false": 0, "error": 0}
    for seed in range(GIVEN):
        source = Author(seed).a_bool(4)
        node = within_limits(source)
        if node is None:
            continue
        env, script = facts(chance), Script()
        terms = {name: Cell(fixed(script, env[name], kind)) for name, kind in SCHEMA.names.items() if name in env}
        kind = compile_rule(node).evaluate(env).kind
        script.hold(no(comes_to(Encoder(script).said(node, terms), kind)))
        verdict = ask(script.query("")).verdict
        assert verdict == "unsat", f"seed {seed}: {source}\nover {env}\nours {kind}, the encoding {verdict}"
        counts[kind] += 1
    assert min(counts.values()) > GIVEN // 10, counts


def test_over_all_facts_the_solvers_cases_are_cases_for_both_evaluators() -> None:
    chance = random.Random(SEED)
    found = {"sat": 0, "unsat": 0, "unknown": 0}
    for seed in range(OPEN):
        source = Author(seed).a_bool(3)
        node = within_limits(source)
        if node is None:
            continue
        for kind in ("true", "false", "error"):
            verdict = _one(chance, f"seed {seed}: {source}", source, node, kind)
            found[verdict] += 1
    assert found["sat"] > OPEN, found
    assert found["unsat"] > OPEN // 10, found
    assert found["unknown"] < OPEN // 3, found


def _one(chance: random.Random, what: str, source: str, node: Node, kind: str) -> str:
    enough = places_for(node)
    places, script = min(enough or 3, 5), Script()
    terms = {name: Cell(free(script, name, inner, places)) for name, inner in SCHEMA.names.items()}
    script.hold(comes_to(Encoder(script).said(node, terms), kind))
    query = script.query("")
    answer = ask(query)
    rule = compile_rule(node)
    if answer.verdict == "sat":
        case = {name: concrete(script, name, inner, places, answer.values) for name, inner in SCHEMA.names.items()}
        ours, theirs = rule.evaluate(case).kind, evaluate_with_cpp(source, SCHEMA, case)
        said = "error" if theirs is None else "true" if theirs is True else "false"
        assert (ours, said) == (kind, kind), f"{what}\nover {case}\nthe solver {kind}, ours {ours}, theirs {said}"
    elif answer.verdict == "unsat" and enough is not None and enough <= places:
        for _ in range(PROBES):
            env = facts(chance)
            if all(name in env for name in SCHEMA.names):
                ours = rule.evaluate(env).kind
                assert ours != kind, f"{what}\nthe solver says never {kind}, but over {env} it is"
    return answer.verdict


def test_the_second_solver_says_the_same() -> None:
    pytest.importorskip("cvc5", reason="the second solver's extra (cvc5) is not installed")
    asked = 0
    for seed in range(40):
        node = within_limits(Author(seed).a_bool(2))
        if node is None:
            continue
        for kind in ("true", "false", "error"):
            script = Script()
            terms = {name: Cell(free(script, name, inner, 2)) for name, inner in SCHEMA.names.items()}
            script.hold(comes_to(Encoder(script).said(node, terms), kind))
            query = script.query("")
            first = ask(query).verdict
            if first != "unknown":
                again = ask_again(query)
                assert again in (first, "unknown"), (seed, kind, first, again)
                asked += again == first
    assert asked > 60
