"""A strict reader of Prometheus' text format 0.0.4, from the rules of its documentation and from nothing else of the project.

A family is one HELP line, one TYPE line and its samples in one group; names and label names by their grammars; in a label
value only backslash, quote and line feed are escaped; no series twice. A histogram has buckets that add up, one of them +Inf,
and a sum and a count.
"""

import re
from fractions import Fraction

Series = tuple[str, tuple[tuple[str, str], ...]]

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? (-?[0-9]+(?:\.[0-9]+)?)")
_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
_HEAD = re.compile(rf"# (HELP|TYPE) ({_NAME}) (.+)")
_PARTS = ("_bucket", "_sum", "_count")


def parse(text: str) -> tuple[dict[Series, Fraction], dict[str, str]]:
    """Every series with its value, and the type of every family."""
    assert text.endswith("\n"), "the last line has to end too"
    series: dict[Series, Fraction] = {}
    types: dict[str, str] = {}
    helped: list[str] = []
    for line in text.splitlines():
        head = _HEAD.fullmatch(line)
        if head is not None:
            word, name, rest = head.groups()
            if word == "HELP":
                assert name not in helped, f"{name} has two HELP lines"
                helped.append(name)
            else:
                assert name == helped[-1], f"the TYPE of {name} does not follow its HELP"
                assert name not in types, f"{name} has two TYPE lines"
                assert rest in {"counter", "gauge", "histogram", "summary", "untyped"}
                types[name] = rest
            continue
        sample = _SAMPLE.fullmatch(line)
        assert sample is not None, f"no line of the format: {line!r}"
        name, labels, value = sample.groups()
        pairs = tuple((key, _plain(raw)) for key, raw in _PAIR.findall(labels or ""))
        assert len({key for key, _ in pairs}) == len(pairs), f"a label twice: {line!r}"
        family = helped[-1]
        belongs = {family + part for part in _PARTS} if types[family] == "histogram" else {family}
        assert name in belongs, f"{name} stands in the group of {family}"
        assert (name, pairs) not in series, f"a series twice: {line!r}"
        series[name, pairs] = Fraction(value)
    for name, kind in types.items():
        if kind == "histogram":
            _sound(name, series)
    return series, types


def _plain(raw: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], raw)


def _sound(name: str, series: dict[Series, Fraction]) -> None:
    grouped: dict[tuple[tuple[str, str], ...], list[tuple[str, Fraction]]] = {}
    for (found, labels), value in series.items():
        if found == f"{name}_bucket":
            assert labels[-1][0] == "le"
            grouped.setdefault(labels[:-1], []).append((labels[-1][1], value))
    assert grouped, f"{name} has no bucket"
    for labels, buckets in grouped.items():
        bounds = [Fraction(bound) for bound, _ in buckets[:-1]]
        assert bounds == sorted(set(bounds))
        assert buckets[-1][0] == "+Inf"
        assert [value for _, value in buckets] == sorted(value for _, value in buckets)
        assert series[f"{name}_count", labels] == buckets[-1][1]
        assert (f"{name}_sum", labels) in series
