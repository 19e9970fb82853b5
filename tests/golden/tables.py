"""The tables and constants of the core: `python -m tests.golden.tables` writes them anew; say why in the change.

A row of a table is law as much as a line of a function, and hardly any case meets it alone: a gate, a code, who may do what,
what an act may say. So they are written down beside the histories that were decided with them.
"""

import ast
import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

import holdgate
from holdgate.law.decision import SEMANTICS

FILE: Final = Path(__file__).with_name(f"tables{SEMANTICS}.json")
PACKAGES: Final = ("terms", "identity", "ledger", "law", "handoff", "pay")
ELSEWHERE: Final = ("holdgate.terms.limits",)
"""docs/limits.md has each of them."""
_ROOT: Final = Path(str(holdgate.__file__)).parent


def modules() -> list[str]:
    """The modules of the core."""
    paths = (path for package in PACKAGES for path in sorted((_ROOT / package).rglob("*.py")))
    names = ("holdgate." + path.relative_to(_ROOT).with_suffix("").as_posix().replace("/", ".") for path in paths)
    return [name for name in names if name not in ELSEWHERE and not name.endswith(".__init__")]


def made() -> dict[str, Any]:
    """Every name that a module of the core gives a value to, with the value. A row that stands in two tables is told once."""
    told = _Told()
    return {
        f"{module}.{name}": told.shown(getattr(importlib.import_module(module), name))
        for module in modules()
        for name in _given(module)
    }


def _given(module: str) -> Iterator[str]:
    source = Path(str(importlib.import_module(module).__file__)).read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        yield from (target.id for target in targets if isinstance(target, ast.Name) and target.id != "__all__")


class _Told:
    """Values as JSON: functions and classes by their names, sets in order, what has no form of its own by its type."""

    def __init__(self) -> None:
        self._rows: dict[int, object] = {}

    def shown(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | str):
            return value
        if isinstance(value, datetime | timedelta):
            return str(value)
        if isinstance(value, bytes):
            return f"0x{value.hex()}"
        if isinstance(value, re.Pattern):
            return ["pattern", self.shown(value.pattern), value.flags]
        if isinstance(value, Mapping):
            return [[self.shown(key), self.shown(one)] for key, one in value.items()]
        if isinstance(value, set | frozenset):
            return sorted((self.shown(one) for one in value), key=str)
        if isinstance(value, msgspec.Struct) or hasattr(value, "_fields"):
            return self._row(value)
        if isinstance(value, tuple | list):
            return [self.shown(one) for one in value]
        return f"{value.__module__}.{value.__qualname__}" if hasattr(value, "__qualname__") else type(value).__name__

    def _row(self, value: Any) -> Any:
        fields = value.__struct_fields__ if isinstance(value, msgspec.Struct) else value._fields
        first = self.shown(getattr(value, fields[0]))
        if id(value) in self._rows:
            return first
        self._rows[id(value)] = value
        return {type(value).__name__: [first, *(self.shown(getattr(value, name)) for name in fields[1:])]}


def main() -> int:
    lines = (f" {_json(name)}: {_spread(value)}" for name, value in made().items())
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return 0


def _spread(value: Any) -> str:
    """A table with a line for each row."""
    if not isinstance(value, list) or len(_json(value)) < 100:
        return _json(value)
    return "[\n" + ",\n".join(f"  {_json(row)}" for row in value) + "\n ]"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


if __name__ == "__main__":
    sys.exit(main())
