"""What to write instead: one sentence for each CEL construct that the profile leaves out."""

import re
from typing import Final

from holdgate.terms import limits

TOO_DEEP: Final = f"the rule is nested deeper than {limits.RULE_DEPTH_MAX}; split it into several rules"
_SCALED: Final = "write an integer scaled by the resolution that the contract declares (54.1 °C at 0.1 °C is 541)"
_TEXT: Final = 'texts are compared whole: use ==, != or `in ["…", "…"]`'
_CONVERT: Final = 'facts have their types already; only timestamp("…") and duration("…") of literals are allowed'
_ZONE: Final = 'compare instants: record a local date as an instant, then write `now < timestamp("…")`'
_MACRO: Final = "rules do not build lists; say it with all, exists or exists_one over the list itself"

_INSTEAD: Final[dict[str, str]] = {
    "double": f"numbers with a decimal point are not in the profile; {_SCALED}",
    "double()": f"double() is not in the profile; {_SCALED}",
    "uint": "unsigned literals (1u) are not in the profile; write a plain integer",
    "bytes": "byte strings are not in the profile; compare texts",
    "null": "null is not in the profile; ask has(record.field)",
    "{}": "maps and message literals { … } are not in the profile; name the fields of a record, or list records",
    "map": "maps are not in the profile (their order is not defined); use a list of records",
    "dyn": "a value without one static type (dyn, an empty list, a list of mixed types) is not in the profile; "
    "give every list items of one type",
    "dyn()": "dyn() is not in the profile; every value has one static type",
    "map()": f"map() and filter() are not in the profile; {_MACRO}",
    "matches()": f"regular expressions (matches) are not in the profile; {_TEXT}",
    "type()": f"type() is not in the profile; {_CONVERT}",
    "timestamp()": f"timestamp() of anything but a text literal is not in the profile; {_CONVERT}",
    "duration()": f"duration() of anything but a text literal is not in the profile; {_CONVERT}",
}
_FAMILIES: Final[tuple[tuple[str, str], ...]] = (
    (r"(startsWith|endsWith|contains|lowerAscii|upperAscii|substring|split|replace|trim|join|charAt|indexOf|format)\(\)",
     f"{{0}} (text functions) is not in the profile; {_TEXT}"),
    (r"get[A-Z]\w*\(\)", f"{{0}} (parts of a time) is not in the profile; {_ZONE}"),
    (r"(int|uint|string|bytes|bool)\(\)", f"{{0}} (type conversion) is not in the profile; {_CONVERT}"),
    (r"list<.*", "a {0} is not in the profile; lists hold one scalar type or records, never lists"),
    (r".*\(\)", "{0} is not in the profile; use comparison, arithmetic, size, in, ? : and all, exists, exists_one"),
)  # fmt: skip


def instead_of(construct: str) -> str:
    """The sentence that names a construct (a type, or a function as `name()`) and what to write in its place."""
    if construct in _INSTEAD:
        return _INSTEAD[construct]
    for pattern, sentence in _FAMILIES:
        if re.fullmatch(pattern, construct):
            return sentence.format(construct)
    return f"the type {construct} is not in the profile; use bool, int, string, timestamp, duration, lists and records"


_SYMPTOMS: Final[tuple[tuple[str, str], ...]] = (
    (r"recursion (depth|limit)", TOO_DEEP),
    (r"\bdouble\b", _INSTEAD["double"]),
    (r"\buint\b", _INSTEAD["uint"]),
    (r"undeclared reference to 'filter'|undeclared reference to 'map'", _INSTEAD["map()"]),
    (r"undeclared reference", "name a fact that the contract declares, or a variable of all, exists, exists_one"),
    (r"undefined field", "name a field that the contract declares for this fact"),
    (r"range of a comprehension", "all, exists and exists_one run over lists"),
    (r"Syntax error", "join conditions with &&, ||, !; compare with ==, not ="),
    (r"no matching overload", 'both sides need one type; quantities are integers, times are timestamp("…")'),
)  # fmt: skip


def explain_refusal(source: str, error: str) -> str:
    """A sentence for what the C++ parser or checker refused.

    Args:
        source: the author's text.
        error: the engine's message; only its first finding is shown.
    """
    found = re.search(r"ERROR: <input>:(-?\d+):(-?\d+): ([^\n]*)", error)
    where = f" at line {found[1]}, column {found[2]}" if found and not found[1].startswith("-") else ""
    what = re.sub(r"google\.protobuf\.(Timestamp|Duration)", r"\1", found[3] if found else error.split("\n", 1)[0])
    what = re.sub(r" in struct '[^']*'| \(in container '[^']*'\)| expecting \{.*", "", what)
    what = re.sub(r"\bholdgate_facts\.Record\d+", "record", what)
    advice = next((text for pattern, text in _SYMPTOMS if re.search(pattern, error)), "mend the text and try again")
    return f"the rule {source[:80]!r} is refused{where}: {what[:200]} ({advice})"
