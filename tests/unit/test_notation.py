"""The notation: nothing is guessed, nothing is said twice or unseen, and every refusal names its place."""

import time

import pytest

from holdgate.law.contract import SmartClientPO, SmartSP, document_digest, encode_document, read_document
from holdgate.law.notation import read_as, read_notation, read_yaml
from holdgate.law.rules.nodes import Const
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed

NORMAL = canon.encode(Const(v=True, t="bool"))

STEPS = """\
steps:
  - id: S30
    name: Apply penetrant
    role: technician
    zones: [FPI-LINE]
    duration_s: 600
    performer_signs: false
    characteristics:
      - {id: part_temp, unit: degF, min: '40', max: '125.0', all_readings: true}
  - id: S40
    name: Rinse
    role: technician
    zones: [FPI-LINE]
    window: {from: S30, min_s: 1200, max_s: 7200}
    rules:
      - {id: two, when: sign, cel: size(readings) >= 2, say: Two readings please}
"""
HEAD = """\
notation: holdgate-contract/1
family: {family}
id: SP-1
version: 3
title: FPI
author: SID-L3-01
standards: [ASTM E1417]
"""
MONEY = """\
price_minor: 120000
currency: USD
billing: [{id: final, when: client_accepted, amount_minor: 120000}]
client_window_s: 432000
on_silence: escalate
"""


def indented(text: str) -> str:
    return "".join(f"  {line}" for line in text.splitlines(keepends=True))


PO_HEAD = HEAD.format(family="SmartClientPO")
CONTRACT = PO_HEAD + "process:\n" + indented(STEPS) + MONEY


def rule(_: str) -> bytes:
    return NORMAL


def refusal(text: str) -> str:
    with pytest.raises(Malformed) as caught:
        read_yaml(text, "the contract")
    return str(caught.value)


# ---- text to tree


def test_every_scalar_is_the_text_that_was_written() -> None:
    text = "on: off\n1.10: 2025-04-01\nnull: ~\nhex: 0x10\nsexagesimal: 12:30:45\nbig: 1_000\nquoted: '07'\nempty: ''\n"
    assert read_yaml(text, "it") == {
        "on": "off",
        "1.10": "2025-04-01",
        "null": "~",
        "hex": "0x10",
        "sexagesimal": "12:30:45",
        "big": "1_000",
        "quoted": "07",
        "empty": "",
    }


def test_block_flow_and_marked_documents_read_alike() -> None:
    block = "# note\na:\n  - b: c\n  - [d, 'e']\n"
    for text in (block, "a: [{b: c}, [d, e]]", f"---\n{block}...\n", block.replace("\n", "\r\n"), "\ufeff" + block):
        assert read_yaml(text, "it") == {"a": [{"b": "c"}, ["d", "e"]]}


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("a: 1\nb: 2\na: 3", "line 3, column 1", "'a' is there twice"),
        ("a: {b: 1, b: 1}", "line 1, column 11", "'b' is there twice"),
        ("a: 1\n'a': 1", "line 2, column 1", "'a' is there twice"),
        ("a: &x 1\nb: 2", "line 1, column 4", "anchors"),
        ("a: *x", "line 1, column 4", "aliases"),
        ("a: !!python/object:os.system x", "line 1, column 4", "tags"),
        ("a: !local x", "line 1, column 4", "tags"),
        ("%YAML 1.1\n---\na: b", "line 1, column 1", "directives"),
        ("a: 1\nb:\n  <<: {c: d}", "line 3, column 3", "merge keys"),
        ("a: 1\n---\na: 2", "line 2, column 1", "second document"),
        ("a: 1\nb:\n", "line 2, column 3", "missing"),
        ("a: [b, {c: }]", "line 1, column 11", "missing"),
        ("? [a]\n: b", "line 1, column 3", "a key is a text"),
        ("{{a: b}: c}", "line 1, column 2", "a key is a text"),
        ("a: [1, 2", "line 1, column 9", "expected"),
        ("a: b: c", "line 1, column 5", "mapping values"),
        ("a:\n\t- b", "line 2, column 1", "cannot start any token"),
        ("", "line 1, column 1", "nothing here"),
        ("a: b\nc: \x07", "line 2", "character"),
    ],
)
def test_what_says_one_thing_twice_or_unseen_is_refused_with_its_place(text: str, place: str, why: str) -> None:
    said = refusal(text)
    assert said.startswith(f"the contract, {place}")
    assert why in said


@pytest.mark.parametrize(
    "text", ['a: "\\u0007"', 'a: "\\ud800"', "a: e\u0301", "é: a", "a: " + "x" * (limits.TEXT_CHARS_MAX + 1)]
)
def test_text_that_a_signed_document_may_not_hold_is_refused(text: str) -> None:
    assert refusal(text).startswith("the contract ")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 100_000,
        "[{a: " * 100_000,
        "- " * 100_000,
        "? " * 100_000,
        "\n".join(" " * depth + "k:" for depth in range(1_000)),
        "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a, *a, *a]\n" for n in range(10_000)),
        "a: " + "x" * limits.NOTATION_BYTES_MAX,
        "é" * (limits.NOTATION_BYTES_MAX // 2 + 1),
        "".join(f"k{n}: x\n" for n in range(90_000)),
        ("- [" + "a," * 1_999 + "a]\n") * 200,
        "".join(f"k{n}: []\n" for n in range(20_000)),
        "# x\n" * 40_000 + "a: b",
        "a: b" + " " * 1_000_000,
        'a: "' + "x" * 1_000_000,
    ],
    ids=[
        *("brackets", "braces", "both", "dashes", "questions", "indents", "alias-bomb", "size", "bytes"),
        *("keys", "items", "empty-lists", "comments", "blanks", "open-quote"),
    ],
)
def test_a_bomb_is_refused_at_once(text: str) -> None:
    start = time.process_time()
    said = refusal(text)
    assert time.process_time() - start < 0.1
    assert "line" in said or "longer than" in said or "more than" in said


def test_a_list_holds_so_many_items_and_no_more() -> None:
    most = "- a\n" * limits.LIST_ITEMS_MAX
    assert read_yaml(most, "it") == ["a"] * limits.LIST_ITEMS_MAX
    assert f"line {limits.LIST_ITEMS_MAX + 1}, column 3: a list has more than" in refusal(most * 10)


def test_a_contract_holds_so_many_marks_and_bytes_and_no_more() -> None:
    many = "# x\n" * (limits.NOTATION_MARKS_MAX - 1) + "a: [b]"
    assert read_yaml(many, "it") == {"a": ["b"]}
    assert "more than" in refusal(many + "\n")
    long = "a: b" + " " * (limits.NOTATION_BYTES_MAX - 4)
    assert read_yaml(long, "it") == {"a": "b"}
    assert "longer than" in refusal(long + " ")


def test_nesting_is_allowed_up_to_its_maximum_and_no_deeper() -> None:
    deep = limits.PAYLOAD_DEPTH_MAX
    assert read_yaml("[" * deep + "]" * deep, "it")
    assert read_yaml("- " * deep + "x", "it")
    assert "nested deeper" in refusal("[" * (deep + 1) + "]" * (deep + 1))
    assert "nested deeper" in refusal("- " * deep + "[x]")
    indentless = "".join(f"{'  ' * n}{'- ' if n else ''}k:\n" for n in range(deep // 2)) + "  " * (deep // 2) + "- x\n"
    assert read_yaml(indentless, "it")
    assert "nested deeper" in refusal(indentless.replace("- x", "- [x]"))


# ---- tree to documents


def test_a_contract_with_its_technique_embedded_becomes_the_two_documents_that_are_signed() -> None:
    template, technique = read_notation(CONTRACT, rule)
    assert isinstance(template, SmartClientPO)
    assert isinstance(technique, SmartSP)
    assert template.process == document_digest(technique)
    for document in (template, technique):
        assert (document.id, document.version, document.author) == ("SP-1", "3", "SID-L3-01")
        assert document.standards == ("ASTM E1417",)
        assert read_document(encode_document(document)) == document
    first, second = technique.steps
    assert (first.duration_s, first.performer_signs, first.characteristics[0].max) == (600, False, "125.0")
    assert second.window is not None
    assert second.window.since == "S30"
    assert [(r.id, r.when, bytes(r.normal)) for r in second.rules] == [("two", "sign", NORMAL)]


def test_the_technique_may_have_a_title_and_standards_of_its_own() -> None:
    own = CONTRACT.replace("process:\n", "process:\n  title: Penetrant\n  standards: [AMS 2644]\n")
    template, technique = read_notation(own, rule)
    assert (template.title, technique.title, technique.standards) == ("FPI", "Penetrant", ("AMS 2644",))


def test_a_technique_beside_the_template_gives_the_same_documents() -> None:
    asked = []

    def neighbour(name: str) -> str:
        asked.append(name)
        return HEAD.format(family="SmartSP") + STEPS

    assert read_notation(PO_HEAD + "process: fpi.yaml\n" + MONEY, rule, neighbour) == read_notation(CONTRACT, rule)
    assert asked == ["fpi.yaml"]


@pytest.mark.parametrize("name", ["../fpi.yaml", "/etc/passwd", "a/b.yaml", ".hidden"])
def test_a_technique_cannot_be_fetched_from_elsewhere(name: str) -> None:
    def neighbour(_: str) -> str:
        pytest.fail("the name was followed")

    with pytest.raises(Malformed, match="not an id"):
        read_notation(PO_HEAD + f"process: {name}\n" + MONEY, rule, neighbour)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("notation: holdgate-contract/1\n", "", "does not begin with `notation"),
        ("holdgate-contract/1", "smart-contract/1", "does not begin with `notation"),
        ("family: SmartClientPO", "family: SmartSP", "expected is `family: SmartClientPO`"),
        ("author: SID-L3-01\n", "", "missing required field `author`"),
        ("price_minor: 120000", "price_minor: 1200.00", "at price_minor"),
        ("price_minor: 120000", "price_minor: 120_000", "at price_minor"),
        ("price_minor: 120000", "price_minor: 12e4", "at price_minor: '12e4' is not a whole number"),
        ("price_minor: 120000", "price_minor: 120000.0", "at price_minor: '120000.0' is not a whole number"),
        ("price_minor: 120000", "price_minor: 9007199254740992", "at price_minor"),
        ("amount_minor: 120000", "amount_minor: many", "at billing[0].amount_minor"),
        ("on_silence: escalate", "on_silence: escalate\non_silense: x", "unknown field `on_silense`"),
        ("min_s: 1200", "min: 1200", "at steps[1].window: Object contains unknown field `min`"),
        ("max_s: 7200", "max_s: null", "at steps[1].window.max_s: leave the field out"),
        ("performer_signs: false", "performer_signs: False", "at steps[0].performer_signs: 'False' is neither true"),
        ("performer_signs: false", "performer_signs: 0", "at steps[0].performer_signs"),
        ("performer_signs: false", "performer_signs: no", "at steps[0].performer_signs"),
        ("zones: [FPI-LINE]", "zones: FPI-LINE", "at steps[0].zones"),
        ("zones: [FPI-LINE]", "halt: {party: client}", "unknown field `halt`"),
        ("say: Two readings please", "normal: '{}'", "rules"),
        ("when: sign, ", "", "at steps[1].rules, at [0]: Object missing required field `when`"),
        ("process:\n", "processes:\n", "has no process"),
        ("  steps:\n", "  notation: holdgate-contract/2\n  steps:\n", "holdgate-contract/2"),
    ],
)
def test_a_slip_in_a_contract_is_named_with_its_path(old: str, new: str, said: str) -> None:
    assert old in CONTRACT
    with pytest.raises(Malformed) as caught:
        read_notation(CONTRACT.replace(old, new, 1), rule)
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["a", "[a, b]", PO_HEAD + "process: [a]\n" + MONEY, PO_HEAD + "process: a\n" + MONEY])
def test_what_is_no_contract_at_all_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        read_notation(text, rule)


def test_a_rule_that_cannot_be_parsed_names_its_step_and_id() -> None:
    def refuse(text: str) -> bytes:
        raise Malformed(f"{text!r} is no rule")

    with pytest.raises(Malformed, match=r"steps\[1\], rule two: 'size\(readings\) >= 2' is no rule"):
        read_notation(CONTRACT, refuse)


def test_lists_and_mappings_are_checked_to_the_leaf() -> None:
    assert read_as({"a": ["1", "20"]}, dict[str, tuple[int, ...]], "it") == {"a": (1, 20)}
    with pytest.raises(Malformed, match=r"it, at a\[1\]: '2\.0' is not a whole number"):
        read_as({"a": ["1", "2.0"]}, dict[str, tuple[int, ...]], "it")
