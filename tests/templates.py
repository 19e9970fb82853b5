"""The shipped templates as tests read them; `python -m tests.templates` writes the table of numbers into each README.

The table stands between two marks. It is made from the contract, so that a README names every number that a lab has to set.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from holdgate.certifier.facts import rule_parser
from holdgate.law.families import Bundle
from holdgate.law.sources import Number, numbers
from holdgate.scenario.bundles import read_contract
from tests.tidy.tree import ROOT

HOME: Final = ROOT / "src" / "holdgate" / "templates"
FOLDERS: Final = tuple(sorted(path.parent.name for path in HOME.glob("*/contract.yaml")))
BEGIN: Final = "<!-- numbers: made by python -m tests.templates -->"
END: Final = "<!-- end of numbers -->"


def bundle_of(folder: str) -> Bundle:
    """A shipped contract with everything that it names."""
    return read_contract(HOME / folder / "contract.yaml", rule_parser())


def every_number(bundle: Bundle) -> Iterator[Number]:
    """Every number of all its documents."""
    for document in bundle.documents:
        yield from numbers(document)


def number_tables(bundle: Bundle) -> str:
    """What a lab sets, and what was read in a source, as two tables."""
    found = [*every_number(bundle)]
    parts = ["Set these before use; the values are examples."]
    parts.append(_table([number for number in found if not number.verified]))
    verified = [number for number in found if number.verified]
    if verified:
        parts += [
            "These were read in the source that they name. Check them against the edition that you work to.",
            _table(verified),
        ]
    return "\n\n".join(parts)


def _table(found: list[Number]) -> str:
    rows = ["| number | value | where it comes from |", "| --- | --- | --- |"]
    rows += [f"| `{number.place}` | {_value(number)} | {number.basis} |" for number in found]
    return "\n".join(rows)


def _value(number: Number) -> str:
    if number.unit == "bool01":
        return "yes" if number.value == "1" else "no"
    value = f"`{number.value}`".replace("|", "\\|")
    return f"{value} {number.unit}".rstrip()


def with_numbers(readme: str, bundle: Bundle) -> str:
    """A README with its table made anew."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{number_tables(bundle)}\n{END}{after}"


def main() -> int:
    """Write every table."""
    for folder in FOLDERS:
        path: Path = HOME / folder / "README.md"
        path.write_text(with_numbers(path.read_text(encoding="utf-8"), bundle_of(folder)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
