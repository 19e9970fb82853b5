"""What a contract's own rule may read when it is asked: the schema of the facts that the law lays before it.

The law builds these facts in `law.gates.own_rules.facts_of`; both change together, and with them the law's semantics.
"""

from collections.abc import Callable
from typing import Final

from holdgate.certifier.cel import FactType, Schema, parse_rule
from holdgate.terms import canon

RULE_FACTS: Final[dict[str, FactType]] = {
    "now": "timestamp",
    "result": "string",
    "job": {"id": "string", "parts": "int", "deviations": "int"},
    "step": {"id": "string", "started": "timestamp"},
    "readings": [{"id": "string", "serial": "string", "value": "int", "conforms": "bool", "count": "int"}],
}
"""`now`: the entry's time. `result`: of a signature, else empty.

`readings`: the last of each characteristic (of each part); `value`: scaled by its resolution; `count`: how often it was read.
"""

KNOWN_AT_SIGNATURE: Final = ("result", "readings")
"""Facts that do not exist yet when a step starts: a condition over them would be true or false of nothing."""


def rule_parser() -> Callable[[str], bytes]:
    """The parser that the notation reader is handed: CEL text to the canonical JSON of its normal form.

    The parser raises Malformed for a text that is not CEL, not well typed over RULE_FACTS, or outside the profile.
    """
    schema = Schema(RULE_FACTS)
    return lambda text: canon.encode(parse_rule(text, schema))
