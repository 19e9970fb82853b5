"""Our evaluator against Google's C++ CEL: random well-typed rules over random facts, and not one difference.

Also over the same rules: text -> tree -> text -> tree and tree -> JSON -> tree lose nothing, and an explanation names a
cause exactly where the rule is not true. The seed of a failing rule is printed.
"""

import random
from collections.abc import Callable

import pytest

from holdgate.law.rules import normal
from holdgate.law.rules.evaluate import compile_rule
from holdgate.law.rules.explain import explain
from holdgate.law.rules.nodes import Node
from holdgate.law.rules.operators import DURATION_US_MAX, INT_MAX, INT_MIN, TIMESTAMP_US_MAX, TIMESTAMP_US_MIN
from holdgate.terms import canon
from holdgate.terms.errors import Malformed

pytest.importorskip("cel_expr_python", reason="the certifier's extra (cel-expr-python) is not installed")
from holdgate.certifier.cel import Schema, evaluate_with_cpp, parse_rule

RULES = 1_200
ENVS = 3
SCHEMA = Schema(
    {
        "n": "int",
        "k": "int",
        "ok": "bool",
        "who": "string",
        "now": "timestamp",
        "span": "duration",
        "ids": ["int"],
        "times": ["timestamp"],
        "rec": {"um": "int", "due": "timestamp", "age": "duration", "on": "bool", "id": "string", "tags": ["string"]},
        "rows": [{"um": "int", "on": "bool", "id": "string", "due": "timestamp"}],
        "deep": {"a": {"b": "int", "list": ["int"]}},
    }
)
INTS = [0, 1, -1, 2, 3, 7, -3, 100, INT_MAX, INT_MIN, INT_MAX - 1, 10**12, -(10**17)]
TIMES = [0, 1, -1, 1_774_000_000_000_000, TIMESTAMP_US_MAX, TIMESTAMP_US_MIN, -999_999, 4_102_444_800_000_000]
SPANS = [0, 1, -1, 1_000_000, -3_600_000_000, DURATION_US_MAX, -DURATION_US_MAX, 31_536_000_000_000]
WORDS = ["", "a", "b", "é", 'q"\\', "B"]


class Author:
    """Writes random well-typed rules as CEL text."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.ints = ["n", "k", "rec.um", "deep.a.b", "size(rows)", "size(rec.tags)"]
        self.bools = ["ok", "rec.on", "has(rec.um)", "has(deep.a)", "has(deep.a.b)", "true", "false"]
        self.times = ["now", "rec.due", "times[0]", "times[k]"]
        self.texts = ["who", "rec.id", '"a"', "rec.tags[0]", '"q\\"\\\\"']
        self.loops = 0

    def pick(self, *choices: Callable[[], str]) -> str:
        return self.chance.choice(choices)()

    def a_int(self, deep: int) -> str:
        if deep <= 0 or self.chance.random() < 0.35:
            return self.pick(
                lambda: self.chance.choice(self.ints),
                lambda: str(self.chance.choice([0, 1, 2, -3, 7, 2**53 - 1])),
                lambda: self.chance.choice(["ids[0]", "ids[k]", "rows[n].um", "deep.a.list[1]", "[4, n][k]"]),
            )
        return self.pick(
            lambda: f"({self.a_int(deep - 1)} {self.chance.choice('+-*/%')} {self.a_int(deep - 1)})",
            lambda: f"({self.a_int(deep - 1)} {self.chance.choice('+-*/%')} {self.a_int(deep - 1)})",
            lambda: f"-({self.a_int(deep - 1)})",
            lambda: f"({self.a_bool(deep - 1)} ? {self.a_int(deep - 1)} : {self.a_int(deep - 1)})",
        )

    def a_time(self, deep: int) -> str:
        if deep <= 0 or self.chance.random() < 0.5:
            return self.chance.choice([*self.times, 'timestamp("2026-03-20T10:46:40.000001+05:30")'])
        return self.pick(
            lambda: f"({self.a_time(deep - 1)} + {self.a_span(deep - 1)})",
            lambda: f"({self.a_span(deep - 1)} + {self.a_time(deep - 1)})",
            lambda: f"({self.a_time(deep - 1)} - {self.a_span(deep - 1)})",
        )

    def a_span(self, deep: int) -> str:
        if deep <= 0 or self.chance.random() < 0.5:
            return self.chance.choice(["span", "rec.age", 'duration("1h30m")', 'duration("-1.5s")'])
        return self.pick(
            lambda: f"({self.a_time(deep - 1)} - {self.a_time(deep - 1)})",
            lambda: f"({self.a_span(deep - 1)} {self.chance.choice('+-')} {self.a_span(deep - 1)})",
        )

    def compare(self, deep: int) -> str:
        order = self.chance.choice(["<", "<=", ">", ">=", "==", "!="])
        same = self.chance.choice(["==", "!="])
        return self.pick(
            lambda: f"{self.a_int(deep)} {order} {self.a_int(deep)}",
            lambda: f"{self.a_int(deep)} {order} {self.a_int(deep)}",
            lambda: f"{self.a_time(deep)} {order} {self.a_time(deep)}",
            lambda: f"{self.a_span(deep)} {order} {self.a_span(deep)}",
            lambda: f"{self.chance.choice(self.texts)} {same} {self.chance.choice(self.texts)}",
            lambda: f"{self.a_int(deep)} in {self.chance.choice(['ids', 'deep.a.list', '[1, n, 7]'])}",
            lambda: f"{self.a_time(0)} in times",
            lambda: self.chance.choice(self.texts) + self.chance.choice([" in rec.tags", ' in ["a", who]']),
        )

    def loop(self, deep: int) -> str:
        word = "xyz"[self.loops]
        listed = self.chance.choice(["ids", "rows", "rows", "deep.a.list", "[n, 2, k]", "times"])
        before = self.ints, self.bools, self.times, self.texts
        self.loops += 1
        if listed == "rows":
            self.ints, self.bools = [*self.ints, *[f"{word}.um"] * 6], [*self.bools, f"{word}.on", f"has({word}.id)"]
            self.texts, self.times = [*self.texts, f"{word}.id"], [*self.times, f"{word}.due"]
        elif listed == "times":
            self.times = [*self.times, *[word] * 4]
        else:
            self.ints = [*self.ints, *[word] * 6]
        body = self.a_bool(deep - 1)
        self.ints, self.bools, self.times, self.texts = before
        self.loops -= 1
        return f"{listed}.{self.chance.choice(['all', 'exists', 'exists_one'])}({word}, {body})"

    def a_bool(self, deep: int) -> str:
        if deep <= 0:
            return self.chance.choice(self.bools)
        if self.loops < 2 and self.chance.random() < 0.2:
            return self.loop(deep)
        return self.pick(
            lambda: self.compare(self.chance.choice([0, 1, 1, 2])),
            lambda: self.compare(self.chance.choice([0, 1])),
            lambda: f"({self.a_bool(deep - 1)} && {self.a_bool(deep - 1)})",
            lambda: f"({self.a_bool(deep - 1)} || {self.a_bool(deep - 1)})",
            lambda: f"!({self.a_bool(deep - 1)})",
            lambda: f"({self.a_bool(deep - 1)} ? {self.a_bool(deep - 1)} : {self.a_bool(deep - 1)})",
            lambda: f"(({self.a_bool(deep - 1)}) == ({self.a_bool(deep - 1)}))",
        )


def facts(chance: random.Random) -> dict[str, object]:
    """Random facts; now and then a field or a whole fact is missing."""

    def some(choices: list[int]) -> int:
        return chance.choice(choices) if chance.random() < 0.4 else chance.choice(choices[:6])

    def thin(record: dict[str, object]) -> dict[str, object]:
        return {name: value for name, value in record.items() if chance.random() > 0.06}

    def row() -> dict[str, object]:
        return thin(
            {"um": some(INTS), "on": chance.random() < 0.5, "id": chance.choice(WORDS), "due": chance.choice(TIMES)}
        )

    def ints() -> list[int]:
        return [some(INTS) for _ in range(chance.randrange(4))]

    return thin(
        {
            "n": some(INTS),
            "k": some(INTS),
            "ok": chance.random() < 0.5,
            "who": chance.choice(WORDS),
            "now": chance.choice(TIMES),
            "span": chance.choice(SPANS),
            "ids": ints(),
            "times": [chance.choice(TIMES) for _ in range(chance.randrange(3))],
            "rec": thin({**row(), "age": chance.choice(SPANS), "tags": chance.choices(WORDS, k=chance.randrange(3))}),
            "rows": [row() for _ in range(chance.randrange(4))],
            "deep": thin({"a": thin({"b": some(INTS), "list": ints()})}),
        }
    )


def within_limits(source: str) -> Node | None:
    """The rule, unless chance made it too deep or too large; any other refusal is a failure."""
    try:
        return parse_rule(source, SCHEMA)
    except Malformed as refused:
        if "nested deeper" in str(refused) or "more than 400 nodes" in str(refused):
            return None
        raise


def test_a_thousand_random_rules_say_what_the_reference_engine_says() -> None:
    chance = random.Random(2026)
    counts = {"true": 0, "false": 0, "error": 0}
    rules = 0
    for seed in range(RULES):
        source = Author(seed).a_bool(4)
        node = within_limits(source)
        if node is None:
            continue
        rules += 1
        compiled = compile_rule(node)
        for _ in range(ENVS):
            env = facts(chance)
            ours = compiled.evaluate(env)
            theirs = evaluate_with_cpp(source, SCHEMA, env)
            said = "error" if theirs is None else "true" if theirs is True else "false"
            assert ours.kind == said, f"seed {seed}: {source}\nover {env}\nours {ours}, theirs {theirs}"
            assert bool(explain(node, env)) != ours.allowed, (seed, source, env)
            counts[said] += 1
    assert rules >= 1_000
    assert min(counts.values()) > 300, counts


def test_texts_and_json_of_random_rules_lose_nothing() -> None:
    for seed in range(400):
        source = Author(seed).a_bool(4)
        node = within_limits(source)
        if node is None:
            continue
        assert normal.digest(parse_rule(normal.unparse(node), SCHEMA)) == normal.digest(node), (seed, source)
        assert normal.decode(canon.encode(node)) == node, (seed, source)


def test_random_amounts_are_the_reference_engines() -> None:
    chance = random.Random(7)
    for seed in range(300):
        source = Author(seed).a_int(3)
        node = parse_rule(source, SCHEMA, "int")
        env = facts(chance)
        theirs = evaluate_with_cpp(source, SCHEMA, env)
        ours = compile_rule(node).answer(env)
        assert (ours if type(ours) is int else None) == theirs, (seed, source, env)
