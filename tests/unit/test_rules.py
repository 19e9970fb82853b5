"""Rules: each operator, each error, absorption, budget, the normal form's checks, refusals, explanations."""

import subprocess
import sys
import time

import msgspec
import pytest

from holdgate.law.rules import normal
from holdgate.law.rules.evaluate import Rule, compile_rule
from holdgate.law.rules.explain import explain, say, show
from holdgate.law.rules.nodes import Call, Const, Field, Has, Name, Node, Quant, paths, type_of
from holdgate.law.rules.operators import DURATION_US_MAX, INT_MAX, INT_MIN, TIMESTAMP_US_MAX, Fault
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import RULE_CAUSES_MAX

pytest.importorskip("cel_expr_python", reason="the certifier's extra (cel-expr-python) is not installed")
from holdgate.certifier.cel import Schema, evaluate_with_cpp, parse_rule

SCHEMA = Schema(
    {
        "bath": {"temp": "int", "on": "bool", "cal_due": "timestamp"},
        "limits": {"min": "int", "max": "int"},
        "readings": [{"id": "string", "um": "int"}],
        "actor": {"id": "string", "roles": ["string"]},
        "order": {"part": {"number": "string"}},
        "now": "timestamp",
        "dwell": "duration",
        "n": "int",
        "z": "int",
        "ok": "bool",
        "ids": ["int"],
    }
)
NOW = 1_774_000_000_000_000
HOUR = 3_600_000_000
ENV: dict[str, object] = {
    "bath": {"temp": 541, "on": True, "cal_due": NOW + HOUR},
    "limits": {"min": 40, "max": 520},
    "readings": [{"id": "a", "um": 5}, {"id": "b", "um": 700}, {"id": "c", "um": 900}],
    "actor": {"id": "ann", "roles": ["technician", "qa"]},
    "order": {"part": {"number": "7B"}},
    "now": NOW,
    "dwell": HOUR,
    "n": 7,
    "z": 0,
    "ok": True,
    "ids": [1, 2, 3],
}
N = Name(n="n", t="int")
TRUE = Const(v=True, t="bool")


def rule(source: str, want: str = "bool") -> Rule:
    return compile_rule(parse_rule(source, SCHEMA, "int" if want == "int" else "bool"))


def outcome(source: str, **changed: object) -> str:
    return rule(source).evaluate({**ENV, **changed}).kind


@pytest.mark.parametrize(
    "source",
    [
        "n == 7", "n != 8", "n < 8", "n <= 7", "n > 6", "n >= 7", "n + 1 == 8", "n - 10 == -3", "n * 6 == 42",
        "n / 2 == 3", "-n / 2 == -3", "n % 4 == 3", "-n % 4 == -3", "n % -4 == 3", "-n == -7", "!(n == 8)",
        "n == 7 && ok", "n == 8 || ok", "n == 7 ? ok : false", "n in [1, 7]", "!(n in ids)", "ids[0] == 1",
        "size(ids) == 3", "ids.size() == 3", "readings[1].um == 700", '"qa" in actor.roles', 'actor.id == "ann"',
        'actor.id != "bob"', "ok == true", "ids.all(i, i > 0)", "ids.exists(i, i == 2)", "ids.exists_one(i, i > 2)",
        "!ids.exists_one(i, i > 1)", "readings.exists(r, ids.exists(i, i + 4 == r.um))", "has(bath.temp)",
        'order.part.number == "7B"', "bath.cal_due > now", "bath.cal_due - now == dwell", "now + dwell == bath.cal_due",
        "dwell + now > now", "bath.cal_due - dwell == now", 'dwell + duration("30m") == duration("1h30m")',
        'dwell - duration("61m") < duration("0s")', 'dwell in [duration("60m")]',
        'now > timestamp("2026-01-01T00:00:00Z")',
        'now == timestamp("2026-03-20T10:46:40+01:00") || true', "bath.on",
    ],
)  # fmt: skip
def test_each_operator_says_true_as_the_reference_engine_does(source: str) -> None:
    assert rule(source).evaluate(ENV).allowed
    assert evaluate_with_cpp(source, SCHEMA, ENV) is True


@pytest.mark.parametrize(
    ("source", "changed", "why"),
    [
        ("n + 1 > 0", {"n": INT_MAX}, "integer overflow"),
        ("n - 1 < 0", {"n": INT_MIN}, "integer overflow"),
        ("n * 2 > 0", {"n": INT_MAX}, "integer overflow"),
        ("-n > 0", {"n": INT_MIN}, "integer overflow"),
        ("n / z > 0", {"n": INT_MIN, "z": -1}, "integer overflow"),
        ("n % z == 0", {"n": INT_MIN, "z": -1}, "integer overflow"),
        ("n / z > 0", {}, "division by zero"),
        ("n % z > 0", {}, "remainder by zero"),
        ("ids[n] > 0", {}, "item 7 of a list of 3"),
        ("ids[n] > 0", {"n": -1}, "item -1 of a list of 3"),
        ("now + dwell > now", {"now": TIMESTAMP_US_MAX}, "timestamp overflow"),
        ("dwell + dwell > dwell", {"dwell": DURATION_US_MAX}, "duration overflow"),
        ("bath.temp <= 100", {"bath": {}}, "the field temp has no value"),
        ("readings.exists_one(r, r.um / z == 1)", {}, "division by zero"),
        ("readings.all(r, r.um / z == 1)", {}, "division by zero"),
        ("!(n / z > 0)", {}, "division by zero"),
        ("n / z > 0 ? true : true", {}, "division by zero"),
        ("[n / z, 1][1] == 1", {}, "division by zero"),
        ("n / z in ids", {}, "division by zero"),
        ("has(order.part.number)", {"order": {}}, "the field part has no value"),
    ],
)
def test_each_error_denies_and_is_an_error_for_the_reference_engine_too(
    source: str, changed: dict[str, object], why: str
) -> None:
    found = rule(source).evaluate({**ENV, **changed})
    assert (found.allowed, found.kind) == (False, "error")
    assert why in found.why
    assert evaluate_with_cpp(source, SCHEMA, {**ENV, **changed}) is None


def test_a_missing_fact_denies() -> None:
    without = {name: value for name, value in ENV.items() if name != "n"}
    assert rule("n <= 100").evaluate(without).kind == "error"
    assert rule("n <= 100").evaluate({}).why == "n has no value"


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("n <= 100", {"n": True}),
        ("n <= 100", {"n": "7"}),
        ("n <= 100", {"n": 7.0}),
        ("n <= 100", {"n": None}),
        ("n <= 100", {"n": INT_MAX + 1}),
        ("ok", {"ok": 1}),
        ("bath.on", {"bath": {"on": 1}}),
        ("bath.temp <= 100", {"bath": {"temp": False}}),
        ("bath.temp > 100", {"bath": {"temp": INT_MAX + 1}}),
        ("bath.temp < 100", {"bath": {"temp": INT_MIN - 1}}),
        ("readings.all(r, r.um > 9)", {"readings": [{"um": INT_MAX + 1}]}),
        ("bath.temp <= 100", {"bath": [1]}),
        ("bath.temp <= 100", {"bath": "x"}),
        ("bath.cal_due > now", {"now": TIMESTAMP_US_MAX + 1}),
        ("bath.cal_due > now", {"now": True}),
        ("1 in ids", {"ids": [True]}),
        ("1 in ids", {"ids": "1"}),
        ("ids[0] == 1", {"ids": [True]}),
        ("ids.all(i, i == 1)", {"ids": [True]}),
        ("readings.all(r, r.um < 9)", {"readings": {"um": 1}}),
        ("readings.all(r, r.um < 9)", {"readings": [1]}),
        ("size(ids) > 0", {"ids": [1] * (limits.RULE_LIST_MAX + 1)}),
        ('actor.id == "ann"', {"actor": {"id": b"ann"}}),
    ],
)
def test_a_fact_of_another_type_than_the_rule_says_is_an_error(source: str, changed: dict[str, object]) -> None:
    assert outcome(source, **changed) == "error"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("n / z > 0 && false", "false"),
        ("false && n / z > 0", "false"),
        ("n / z > 0 && true", "error"),
        ("true && n / z > 0", "error"),
        ("n / z > 0 || true", "true"),
        ("true || n / z > 0", "true"),
        ("n / z > 0 || false", "error"),
        ("n / z > 0 || n / z > 0", "error"),
        ("n / z > 0 && ok && n > 100", "false"),
        ("ids.all(i, i / (i - 1) > 100)", "false"),
        ("ids.exists(i, i / (i - 1) == 2)", "true"),
        ("ids.exists(i, i / (i - 1) == 100)", "error"),
        ("ids.all(i, i / (i - 1) > 0)", "error"),
        ("ids.exists_one(i, i / (i - 1) == 2)", "error"),
        ("ok ? true : n / z > 0", "true"),
        ("!ok ? n / z > 0 : false", "false"),
    ],
)
def test_absorption_is_the_same_in_either_order_and_as_in_the_reference_engine(source: str, kind: str) -> None:
    assert outcome(source) == kind
    assert evaluate_with_cpp(source, SCHEMA, ENV) is {"true": True, "false": False, "error": None}[kind]


def test_quantifiers_over_nothing() -> None:
    assert outcome("ids.all(i, i / 0 > 0)", ids=[]) == "true"
    assert outcome("ids.exists(i, true)", ids=[]) == "false"
    assert outcome("ids.exists_one(i, true)", ids=[]) == "false"
    assert outcome("ids.all(i, i > 0)", ids=(1, 2)) == "true"


def test_an_amount_is_never_a_permission() -> None:
    amount = rule("n * 300 / 10000 + 1", "int")
    assert amount.answer(ENV) == 1
    assert amount.evaluate(ENV).kind == "error"
    assert isinstance(rule("n / z", "int").answer(ENV), Fault)


# ---- budget


def test_a_rule_past_its_budget_says_so_and_nothing_absorbs_it() -> None:
    loop = rule("true || ids.all(i, i > 0)")
    assert loop.evaluate(ENV, budget=50).kind == "true"
    absorbed = rule("ids.all(i, i > 0) || true")
    assert absorbed.evaluate(ENV, budget=4).kind == "budget"
    assert absorbed.evaluate(ENV, budget=4 + 8).kind == "budget"
    assert absorbed.evaluate(ENV, budget=4 + 9).kind == "true"
    assert not rule("n in ids || true").evaluate(ENV, budget=7).allowed
    assert "more than 7 steps" in rule("n in ids || true").evaluate(ENV, budget=7).why
    listed = [rule("n in ids").evaluate(ENV, budget=b).kind for b in range(12)]
    assert listed == sorted(listed)
    assert listed.index("false") == 3 + 3, "each item is a step, and so are the rule's three nodes"
    once = rule("ids.exists_one(i, i == 1)")
    assert [once.evaluate(ENV, budget=b).kind for b in (1, 10, 11)] == ["budget", "budget", "true"]


def test_a_rule_is_as_good_after_an_exhausted_run_as_before() -> None:
    loop = rule("ids.all(i, i > 0)")
    assert [loop.evaluate(ENV, budget=b).kind for b in (5, 100, 5, 100)] == ["budget", "true", "budget", "true"]


@pytest.mark.parametrize("absorber", ["", " || true"])
def test_a_thousand_million_nested_items_are_refused_in_less_than_100_ms(absorber: str) -> None:
    names = "abcdefghi"
    source = "true"
    for name in reversed(names):
        source = f"ids.all({name}, {source}{absorber if name == 'a' else ''})"
    nested = rule(source)
    start = time.process_time()
    found = nested.evaluate({"ids": list(range(10))})
    assert time.process_time() - start < 0.1
    assert found.kind == "budget"


# ---- the normal form


def test_the_same_meaning_has_the_same_digest() -> None:
    same = [
        "n > 1 && ok && z == 0",
        "(n > 1 && ok) && z == 0",
        "n>1 && (ok && z == 0) // why",
        "n > 1 && (ok) && z==(0)",
    ]
    assert len({normal.digest(parse_rule(source, SCHEMA)) for source in same}) == 1
    assert normal.digest(parse_rule("n > -(3)", SCHEMA)) == normal.digest(parse_rule("n > -3", SCHEMA))
    assert normal.digest(parse_rule("n > 1", SCHEMA)) != normal.digest(parse_rule("n >= 1", SCHEMA))


def test_the_digest_never_changes() -> None:
    source = "bath.temp <= limits.max && readings.all(r, r.um <= 760)"
    assert normal.digest(parse_rule(source, SCHEMA)) == (
        "26cdf7d89e83224cc2cca5dbd2e6e5edc27b9fa67b928a75748120e8c9ecfe60"
    )


def test_the_json_of_a_rule_is_short_and_says_the_types_of_its_leaves() -> None:
    node = parse_rule("bath.temp <= 52", SCHEMA)
    assert canon.encode(node) == (
        b'{"a":[{"f":"temp","k":"field","r":{"k":"name","n":"bath","t":"record"},"t":"int"},'
        b'{"k":"const","t":"int","v":52}],"k":"call","o":"<="}'
    )
    assert normal.decode(canon.encode(node)) == node


@pytest.mark.parametrize(
    "source",
    [
        "!(n > 1) && -(-n) > -3", "(n > 1 ? n : z) > 3", "n - (z - 1) > 0", "n - z - 1 > 0",
        "(n + z) * 2 > n % (z * 2)",
        "(n > 1) == (z > 1)", 'actor.id in ["a\\"b\\\\c\\nd", "é"]', "(ok || n > 1) && (ok ? true : false)",
        "readings[n - 1].um > [1, 2, 3][z]", "!(!ok)", 'dwell > duration("-1h2m3s4us")', 'dwell != duration("0s")',
        'now < timestamp("2026-04-01T13:00:00.5Z")', "has(order.part.number) || has(bath.temp)", "!(ok && n > 1)",
        "ids.all(i, ids.exists(j, i == j) && readings.exists_one(r, r.um == i))", "(n in ids) == ok", "-(n + 1) > 2",
    ],
)  # fmt: skip
def test_the_text_of_a_tree_parses_to_the_same_tree(source: str) -> None:
    node = parse_rule(source, SCHEMA)
    assert parse_rule(normal.unparse(node), SCHEMA) == node
    assert normal.decode(canon.encode(node)) == node
    assert type_of(node) == "bool"


def test_paths_name_what_a_rule_reads() -> None:
    node = parse_rule("readings.all(r, r.um <= limits.max) && ids[0] > 1 && [1].all(i, i > n)", SCHEMA)
    assert paths(node) == {
        "readings": "list<record>",
        "readings[]": "record",
        "readings[].um": "int",
        "limits": "record",
        "limits.max": "int",
        "ids": "list<int>",
        "n": "int",
    }


def nested(depth: int) -> Node:
    node: Node = TRUE
    for _ in range(depth - 1):
        node = Call(o="!", a=(node,))
    return node


LESS = Call(o="<", a=(N, Const(v=1, t="int")))
ANY_RECORD = Name(n="r", t="record")
BAD: list[tuple[str, object, str]] = [
    ("unknown operator", {"k": "call", "o": "matches", "a": []}, "cannot be read"),
    ("unknown kind", {"k": "loop"}, "cannot be read"),
    ("unknown field", {"k": "const", "t": "bool", "v": True, "x": 1}, "cannot be read"),
    ("unknown type", {"k": "name", "n": "x", "t": "double"}, "cannot be read"),
    ("a fraction", {"k": "const", "t": "int", "v": 1.5}, "cannot be read"),
    ("no arguments", Call(o="&&", a=()), "two or more"),
    ("one argument", Call(o="||", a=(TRUE,)), "two or more"),
    ("too few", Call(o="<", a=(N,)), "does not take (int)"),
    ("too many", Call(o="!", a=(TRUE, TRUE)), "does not take (bool, bool)"),
    ("mixed types", Call(o="==", a=(N, TRUE)), "does not take (int, bool)"),
    ("not flat", Call(o="&&", a=(TRUE, Call(o="&&", a=(TRUE, TRUE)))), "not in normal form"),
    ("negated literal", Call(o="<", a=(Call(o="neg", a=(Const(v=1, t="int"),)), N)), "negative literal"),
    ("too deep", nested(limits.RULE_DEPTH_MAX + 1), "nested deeper"),
    ("far too deep", nested(200), "nested deeper"),
    ("too large", Call(o="||", a=(LESS,) * 140), "more than 400 nodes"),
    ("not a condition", N, "must be bool"),
    ("bool as int", Const(v=True, t="int"), "does not hold a bool"),
    ("int as bool", Const(v=1, t="bool"), "does not hold a int"),
    ("text as time", Const(v="x", t="timestamp"), "does not hold a string"),
    ("huge", Call(o="<", a=(N, Const(v=2**53, t="int"))), "2^53"),
    ("injected name", Name(n="true || x", t="bool"), "is not a name"),
    ("reserved name", Name(n="in", t="bool"), "word of CEL"),
    ("injected field", Field(r=ANY_RECORD, f="f || true", t="bool"), "is not a name"),
    ("reserved field", Has(r=ANY_RECORD, f="while"), "word of CEL"),
    ("field of no record", Field(r=N, f="f", t="bool"), "needs a record, not a int"),
    ("a loop over no list", Quant(q="all", l=N, v="x", b=TRUE), "runs over a list"),
    ("a loop without condition", Quant(q="all", l=Name(n="l", t="list<int>"), v="x", b=N), "needs a bool"),
    (
        "a variable of another type",
        Quant(q="all", l=Name(n="l", t="list<int>"), v="x", b=Name(n="x", t="bool")),
        "is a int, not a bool",
    ),
    (
        "a variable that hides a fact",
        Call(o="&&", a=(LESS, Quant(q="all", l=Name(n="l", t="list<int>"), v="n", b=TRUE))),
        "hides the name",
    ),
    ("two types for one fact", Call(o="&&", a=(LESS, Name(n="n", t="bool"))), "has one type"),
    ("an empty list", {"a": [{"k": "list", "i": []}], "k": "call", "o": "size"}, "one or more items"),
    ("a condition on no bool", {"k": "cond", "c": N, "y": TRUE, "n": TRUE}, "needs a bool"),
    ("two branches, two types", {"k": "cond", "c": TRUE, "y": TRUE, "n": N}, "needs a bool"),
    ("control characters", Call(o="==", a=(Const(v="\x00", t="string"),) * 2), "control characters"),
]


@pytest.mark.parametrize(("value", "why"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_json_that_is_no_normal_form_is_malformed(value: object, why: str) -> None:
    with pytest.raises(Malformed) as refused:
        normal.decode(canon.encode(value))
    assert why in str(refused.value)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'{"a":[' * 5_000,
        b'{"k":"const","t":"bool","v":true} ',
        b'{"k":"const","v":true,"t":"bool"}',
    ],
)
def test_bytes_that_are_not_canonical_are_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        normal.decode(raw)


def test_a_rule_may_be_as_deep_and_as_large_as_the_limits() -> None:
    for node in (nested(limits.RULE_DEPTH_MAX), Call(o="||", a=(LESS,) * 133)):
        assert normal.decode(canon.encode(node)) == node
    with pytest.raises(Malformed):
        normal.decode(b" " * (limits.CONTRACT_BYTES_MAX + 1))


def test_amounts_are_decoded_when_asked_for() -> None:
    assert normal.decode(canon.encode(N), "int") == N


# ---- refusals


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("n > 1.5", ["double", "scaled by the resolution"]),
        ("double(n) > 1.5", ["double()", "scaled by the resolution"]),
        ("n == 1u", ["unsigned", "plain integer"]),
        ('b"a" == b"a"', ["byte strings", "compare texts"]),
        ("null == null", ["null", "has(record.field)"]),
        ('{"a": 1}.a > 1', ["maps", "fields of a record"]),
        ("Timestamp{} == now", ["Timestamp"]),
        ('actor.id.matches("a.*")', ["matches", "=="]),
        ('actor.id.startsWith("a")', ["startsWith()", "in ["]),
        ('actor.id + "x" == "ax"', ["operator +", "texts take =="]),
        ('actor.id < "b"', ["operator <", "texts take =="]),
        ("size(actor.id) > 1", ["operator size", "texts take =="]),
        ("ids + ids == ids", ["operator +", "lists take size"]),
        ("ids == [1]", ["operator ==", "lists take size"]),
        ("bath == bath", ["operator ==", "fields of a record"]),
        ("ok < true", ["operator <", "conditions take &&"]),
        ("now.getHours() > 3", ["getHours()", "instant"]),
        ('now.getHours("Europe/Paris") > 3', ["getHours()", "instant"]),
        ('int("5") == n', ["int()", "types already"]),
        ("string(n) == actor.id", ["string()", "types already"]),
        ("timestamp(actor.id) < now", ["timestamp()", "text literal"]),
        ("duration(actor.id) < dwell", ["duration()", "text literal"]),
        ("type(n) == int", ["type()"]),
        ("dyn(n) == 1", ["dyn()", "static type"]),
        ("n in []", ["one or more items"]),
        ('[1, "a"][0] == 1', ["dyn", "items of one type"]),
        ("[[1]][0][0] == 1", ["list<list<int>>", "never lists"]),
        ("ids.map(i, i + 1)[0] > 1", ["map() and filter()", "exists"]),
        ("ids.map(i, i > 0, i + 1)[0] > 1", ["map() and filter()", "exists"]),
        ("size(ids.filter(i, i > 1)) > 1", ["map() and filter()", "exists"]),
        ("bath.nothing <= 100", ["undefined field 'nothing'", "declares"]),
        ("nothing <= 100", ["undeclared reference to 'nothing'", "declares"]),
        ("n = 1", ["Syntax error", "=="]),
        ("n", ["type int", "must be bool"]),
        ("n.all(i, i > 1)", ["comprehension", "run over lists"]),
        ("ids.all(n, n > 1) && n > 1", ["hides"]),
        ("ids.all(i, ids.all(i, i > 1))", ["hides"]),
        ("ids.all(__i, true)", ["is not a name"]),
        ('timestamp("2026-04-01") < now', ["timestamp("]),
        ('timestamp("2026-13-01T00:00:00Z") < now', ["is not a time"]),
        ('timestamp("2026-04-01T13:00:00.123456789Z") < now', ["is not a time"]),
        ('duration("1 day") < dwell', ["is not a duration"]),
        ('duration("1ns") < dwell', ["finer than a microsecond"]),
        ('duration("1.0000001s") < dwell', ["finer than a microsecond"]),
        ('duration("0.0000000001us") < dwell', ["not a duration"]),
        ("n < 9007199254740992", ["2^53"]),
        ("!" + "!(" * 13 + "ok" + ")" * 13, ["nested deeper than 12"]),
        ("(" * 40 + "ok" + ")" * 40, ["nested deeper than 12"]),
        ("(" * 20 + "n" + "+ n)" * 20 + " > 1", ["nested deeper than 12"]),
        ("n > 1 && " * 140 + "ok", ["more than 400 nodes"]),
        ("n > 1" + " " * 4000, ["longer than 4000"]),
        ("ok \udcff", ["refused", "surrogate"]),
    ],
)
def test_what_is_outside_the_profile_is_refused_by_name_with_what_to_write_instead(
    source: str, names: list[str]
) -> None:
    with pytest.raises(Malformed) as refused:
        parse_rule(source, SCHEMA)
    for name in names:
        assert name in str(refused.value)


@pytest.mark.parametrize(
    "names",
    [
        {"a.b": "int"}, {"": "int"}, {"in": "int"}, {"size": "int"}, {"a": "double"}, {"a": []}, {"a": ["int", "int"]},
        {"a": [["int"]]}, {"a": {"b": None}}, {"a": {"while": "int"}}, {"a": {"b": [["int"]]}}, {"a": 3},
    ],
)  # fmt: skip
def test_a_schema_that_the_profile_does_not_know_is_malformed(names: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        Schema(names)  # type: ignore[arg-type]


def test_a_schema_has_a_depth() -> None:
    kind: dict[str, object] = {"x": "int"}
    for _ in range(limits.RULE_DEPTH_MAX):
        kind = {"x": kind}
    with pytest.raises(Malformed, match="nested deeper"):
        Schema({"a": kind})


# ---- explanations


def texts(source: str, **changed: object) -> list[str]:
    return [cause.text for cause in explain(parse_rule(source, SCHEMA), {**ENV, **changed})]


def test_only_the_failing_conjuncts_are_named_with_the_values_they_read() -> None:
    node = parse_rule("bath.on && bath.temp <= limits.max && bath.cal_due > now", SCHEMA)
    (cause,) = explain(node, ENV, {"bath.temp": 1, "limits.max": 1})
    assert (cause.text, cause.kind, cause.why) == ("bath.temp <= limits.max", "false", "")
    assert [(r.path, r.value, r.shown) for r in cause.reads] == [
        ("bath.temp", 541, "54.1"),
        ("limits.max", 520, "52.0"),
    ]


def test_only_the_failing_items_are_named_with_their_place() -> None:
    node = parse_rule("readings.all(r, r.um <= limits.max && has(r.id))", SCHEMA)
    causes = explain(node, ENV, {"readings[].um": 2})
    assert [cause.text for cause in causes] == ["readings[1].um <= limits.max", "readings[2].um <= limits.max"]
    assert causes[0].reads[0].shown == "7.00"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("ok", []),
        ("n > 8 && n > 1 && n > 9", ["n > 8", "n > 9"]),
        ("ok && (n > 8 || n > 9)", ["n > 8 || n > 9"]),
        ("!(n == 7 || n == 8 || ok)", ["!(n == 7)", "!ok"]),
        ("!(!ok || n == 7)", ["!(n == 7)"]),
        ("!ids.exists(i, i == 2)", ["!(ids[1] == 2)"]),
        ("!(n == 7 && ok)", ["!(n == 7 && ok)"]),
        ("ids.exists(i, i > 10)", ["ids.exists(i, i > 10)"]),
        ("ids.exists_one(i, i > 1)", ["ids.exists_one(i, i > 1)"]),
        ("readings.all(r, ids.all(i, i < r.um))", ["!"]),
        ("ok ? n > 8 : ok", ["ok ? n > 8 : ok"]),
        ("n / z > 1 && ok", ["n / z > 1"]),
        ("[1, 9].all(i, i > n)", ["[1, 9][0] > n"]),
        ("ids.all(i, has(bath.on) && i in [2, 3] && [i, z][0] > 0)", ["ids[0] in [2, 3]"]),
        ("ids.all(i, (ok ? i : z) != 2)", ["(ok ? ids[1] : z) != 2"]),
        ("ids.all(i, ids.exists(j, j > i))", ["ids.exists(j, j > ids[2])"]),
    ],
)
def test_the_smallest_failing_parts(source: str, expected: list[str]) -> None:
    if expected == ["!"]:
        assert texts(source, readings=[{"um": 9}, {"um": 2}]) == ["ids[1] < readings[1].um", "ids[2] < readings[1].um"]
    else:
        assert texts(source) == expected


def test_errors_and_budgets_are_explained_as_such() -> None:
    (cause,) = explain(parse_rule("bath.temp <= 100", SCHEMA), {"bath": {}})
    assert (cause.kind, cause.why) == ("error", "the field temp has no value")
    assert [(r.path, r.value, r.shown) for r in cause.reads] == [("bath.temp", None, "?")]
    (cause,) = explain(parse_rule("readings.all(r, r.um > 1)", SCHEMA), {})
    assert (cause.kind, cause.reads[0].path) == ("error", "readings")
    node = parse_rule("ids.all(a, ids.all(b, ids.all(c, true)))", SCHEMA)
    (cause,) = explain(node, {"ids": [1] * 100})
    assert cause.kind == "budget"
    assert len(explain(parse_rule("ids.all(i, i > 1)", SCHEMA), {"ids": [0] * 100})) == RULE_CAUSES_MAX


def test_lists_times_and_texts_are_shown_as_people_write_them() -> None:
    node = parse_rule('bath.cal_due < now || size(ids) > n || actor.id == "x" || dwell < duration("1s")', SCHEMA)
    (cause,) = explain(node, {**ENV, "actor": {"id": "a" * 100}})
    assert [read.shown for read in cause.reads] == [
        "2026-03-20T10:46:40Z", "2026-03-20T09:46:40Z", "3 items", "7", "a" * 79 + "…", "60 min",
    ]  # fmt: skip


def test_a_sentence_is_filled_from_the_facts() -> None:
    filled = say(
        "Bath at {bath.temp} °C, allowed {limits.min}..{limits.max} °C "
        "({nothing}, {bath.temp.x}, {bath}, {ids}, {} {a b})",
        ENV,
        {"bath.temp": 1, "limits.min": 1, "limits.max": 1},
    )
    assert filled == "Bath at 54.1 °C, allowed 4.0..52.0 °C (?, ?, ?, 3 items, {} {a b})"
    node = parse_rule("now > bath.cal_due && dwell > dwell", SCHEMA)
    assert say("{now} {dwell} {ok}", ENV, {}, paths(node)) == "2026-03-20T09:46:40Z 60 min true"


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [(541, 1, "54.1"), (-5, 1, "-0.5"), (5, 3, "0.005"), (0, 2, "0.00"), (-1234, 2, "-12.34"), (7, 0, "7"),
     (2**63, 1, "?"), (None, 0, "?"), (False, 2, "false")],
)  # fmt: skip
def test_scaled_integers_print_the_original_decimal(value: object, decimals: int, expected: str) -> None:
    assert show(value, None, decimals) == expected


def test_times_out_of_range_have_no_text() -> None:
    assert show(INT_MAX, "timestamp") == "?"
    assert show(-HOUR, "duration") == "-60 min"


def test_the_law_runs_rules_without_the_reference_engine() -> None:
    program = (
        "import sys; sys.modules['cel_expr_python'] = None; sys.modules['google.protobuf'] = None\n"
        "from holdgate.law.rules import evaluate, explain, normal\n"
        "node = normal.decode(sys.argv[1].encode())\n"
        "assert evaluate.compile_rule(node).evaluate({'n': 0}).allowed and not explain.explain(node, {'n': 0})"
    )
    subprocess.run([sys.executable, "-c", program, msgspec.json.encode(LESS, order="sorted").decode()], check=True)
