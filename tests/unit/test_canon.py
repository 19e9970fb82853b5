"""Plain values that come from outside are bounded: at the bound they pass, one past it they are refused by name."""

from typing import Any

import pytest

from holdgate.terms import limits
from holdgate.terms.canon import check_text, plain
from holdgate.terms.errors import Malformed


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value} if depth % 2 else [value]
    return value


WIDEST = limits.INTEGER_ABS_MAX


@pytest.mark.parametrize(
    ("fits", "is_too_much", "why"),
    [
        (nested(limits.PAYLOAD_DEPTH_MAX), nested(limits.PAYLOAD_DEPTH_MAX + 1), "nested deeper"),
        ([WIDEST, -WIDEST], [WIDEST + 1], "beyond 2"),
        ([WIDEST, -WIDEST], [-WIDEST - 1], "beyond 2"),
        (["x" * limits.TEXT_CHARS_MAX], ["x" * (limits.TEXT_CHARS_MAX + 1)], "longer than"),
        ([0] * limits.LIST_ITEMS_MAX, [0] * (limits.LIST_ITEMS_MAX + 1), "more than"),
        ({"a": "\u00e9"}, {"a": "e\u0301"}, "NFC"),
        ({"a": "one\n\ttwo"}, {"a": "one\x00two"}, "control characters"),
        ({"a": 1}, {"\u00e9": 1}, "not ASCII"),
        ({"a": [True, None, 1]}, {"a": [1.5]}, "holds a float"),
    ],
)
def test_a_value_passes_at_its_bound_and_not_beyond(fits: Any, is_too_much: Any, why: str) -> None:
    check_text(fits, "the payload")
    with pytest.raises(Malformed, match=f"the payload .*{why}"):
        check_text(is_too_much, "the payload")


@pytest.mark.parametrize("raw", [b'{"a":1,"a":2}', b'{"a":{"b":1,"b":1}}', b'[{"a":1,"a":1}]'])
def test_a_key_stands_once_however_deep(raw: bytes) -> None:
    with pytest.raises(Malformed, match="twice"):
        plain(raw, "the document")


@pytest.mark.parametrize("raw", [b"NaN", b"[Infinity]", b'{"a":-Infinity}', b"\xff", b"", b"[" * 100_000])
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed, match="the document"):
        plain(raw, "the document")
