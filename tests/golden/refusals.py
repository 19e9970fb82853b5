"""What the law answers to each gate case: `python -m tests.golden.refusals` writes it anew; say why in the change."""

import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from holdgate.law.decision import SEMANTICS, Decision
from tests.gate_cases import every_row

FILE: Final = Path(__file__).with_name(f"refusals{SEMANTICS}.json")


def told(decision: Decision) -> dict[str, Any]:
    """An answer without its trace, which grows with every gate."""
    said: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(decision))
    said.pop("trace", None)
    return said


def made() -> dict[str, Any]:
    """For each case the answer to the act that is refused, and to its neighbour."""
    return {row.name: [told(asked.decide()) for asked in row.pair()] for row in every_row()}


def main() -> int:
    lines = [
        f" {msgspec.json.encode(k).decode()}: {msgspec.json.encode(v).decode()}" for k, v in sorted(made().items())
    ]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
