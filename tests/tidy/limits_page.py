"""Makes docs/limits.md from holdgate.terms.limits: `python -m tests.tidy.limits_page` (`make limits`)."""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from holdgate.terms import limits
from tests.tidy.tree import PACKAGE, ROOT

SOURCE = PACKAGE / "terms" / "limits.py"
PAGE = ROOT / "docs" / "limits.md"

UNITS = {
    "BYTES": "bytes", "CHARS": "characters", "S": "seconds", "DAYS": "days", "YEARS": "years", "PERCENT": "percent",
    "MINOR": "cents", "DEPTH": "levels", "DECIMALS": "digits", "STEPS": "steps",
}  # fmt: skip

TOP = """# Limits

Made from `src/holdgate/terms/limits.py` by `make limits`; a test holds the two together. A heading says what becomes of what is
beyond. Deadlines of one adapter stand beside it, and the edge's are in [security](security.md#the-http-edge).
"""


class Limit(NamedTuple):
    """One row: its heading, its name, its value, what it bounds."""

    heading: str
    name: str
    value: int | float
    what: str

    @property
    def unit(self) -> str:
        """From the name's words: the last that is a unit."""
        found = [UNITS[word] for word in self.name.split("_") if word in UNITS]
        return found[-1] if found else "number"


def rows(text: str) -> Iterator[Limit]:
    """The limits of that file, in its order."""
    tree, lines, heading = ast.parse(text), text.splitlines(), ""
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
            continue
        above = lines[node.lineno - 2]
        heading = above.removeprefix("# ") if above.startswith("# ") else heading
        said = after.value if isinstance(after, ast.Expr) else None
        what = said.value if isinstance(said, ast.Constant) and isinstance(said.value, str) else ""
        yield Limit(heading, node.target.id, getattr(limits, node.target.id), re.sub(r"\s+", " ", what))


def page(text: str) -> str:
    """docs/limits.md."""
    out, heading = [TOP], ""
    for row in rows(text):
        if row.heading != heading:
            heading = row.heading
            title, _, beyond = heading.partition(": ") if ": " in heading else heading.partition(". ")
            out.append(
                f"## {title}\n{beyond[:1].upper()}{beyond[1:]}\n\n| limit | value | unit | bounds |\n| --- | --- | --- | --- |"
            )
        value = f"{row.value:,}" if isinstance(row.value, int) else f"{row.value:g}"
        out.append(f"| `{row.name}` | {value} | {row.unit} | {row.what} |")
    return "\n".join(out).replace("|\n## ", "|\n\n## ") + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(SOURCE.read_text(encoding="utf-8")), encoding="utf-8")
