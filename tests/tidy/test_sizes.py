"""Lengths: a reader follows one action through about ten files, so a file and a function stay short.

A function: 40 lines as a rule, 60 at most, its docstring not counted. A module: 300 as a rule, 500 at most. A longer
module says why in its first lines (`# LONG: why`). The numbers of the ratchet may be lowered, never raised.
"""

import ast
import re
from collections.abc import Iterator

from tests.tidy.tree import Finding, Source, report, snippet, sources

FUNCTION_LINES_MAX = 60
FUNCTION_LINES_USUAL = 40
MODULE_LINES_MAX = 500
MODULE_LINES_USUAL = 300

# The ratchet: how many may go beyond what is usual, and how many modules beyond the maximum with their reason.
LONG_FUNCTIONS_PERCENT = 5
LONG_MODULES_PERCENT = 15
EXCUSED_MODULES_MAX = 4  # the tables: acts, events, the state, the limits

_REASON = re.compile(r"^# LONG: \S.{10,}$", re.MULTILINE)


def function_lengths(source: Source) -> Iterator[tuple[str, int, int]]:
    """Name, line and length of every function, without its docstring."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if ast.get_docstring(node, clean=False) is not None:
                text = node.body[0]
                length -= (text.end_lineno or text.lineno) - text.lineno + 1
            yield node.name, node.lineno, length


def says_why(source: Source) -> bool:
    return _REASON.search("\n".join(source.text.splitlines()[:20])) is not None


def too_long(source: Source) -> list[Finding]:
    found = [
        Finding(source.path, line, f"{name} has {length} lines, {FUNCTION_LINES_MAX} at most: split it by what it does")
        for name, line, length in function_lengths(source)
        if length > FUNCTION_LINES_MAX
    ]
    lines = len(source.text.splitlines())
    if lines > MODULE_LINES_MAX and not says_why(source):
        found.append(
            Finding(source.path, 1, f"{lines} lines, {MODULE_LINES_MAX} at most: split it, or `# LONG: why` at the top")
        )
    return found


def test_no_function_or_module_is_too_long() -> None:
    found = [f for source in sources("src") for f in too_long(source)]
    assert not found, report(found, "Too long:")


def test_long_functions_stay_few() -> None:
    lengths = [item for source in sources("src") for item in function_lengths(source)]
    long = [f"{name} ({length})" for name, _, length in lengths if length > FUNCTION_LINES_USUAL]
    allowed = max(3, len(lengths) * LONG_FUNCTIONS_PERCENT // 100)
    assert len(long) <= allowed, (
        f"{len(long)} of {len(lengths)} functions exceed {FUNCTION_LINES_USUAL} lines: {sorted(long)}"
    )


def test_long_modules_stay_few() -> None:
    lengths = [(source.path, len(source.text.splitlines())) for source in sources("src")]
    long = [f"{path} ({length})" for path, length in lengths if length > MODULE_LINES_USUAL]
    allowed = max(3, len(lengths) * LONG_MODULES_PERCENT // 100)
    assert len(long) <= allowed, f"{len(long)} of {len(lengths)} modules exceed {MODULE_LINES_USUAL} lines: {long}"


def test_excused_modules_stay_few() -> None:
    excused = [s.path for s in sources("src") if len(s.text.splitlines()) > MODULE_LINES_MAX and says_why(s)]
    assert len(excused) <= EXCUSED_MODULES_MAX, f"{excused} are longer than {MODULE_LINES_MAX} lines: split one of them"


def test_the_rule_itself() -> None:
    sixty = "def f():\n" + "    x = 1\n" * 59
    assert not too_long(snippet(sixty))
    assert len(too_long(snippet(sixty + "    x = 1\n"))) == 1
    documented = sixty.replace("def f():\n", 'def f():\n    """One.\n\n    Two.\n    """\n')
    assert not too_long(snippet(documented)), "a docstring costs nothing"
    module = "x = 1\n" * 501
    assert len(too_long(snippet(module))) == 1
    assert not too_long(snippet("# LONG: one table of a standard, in the standard's order\n" + module))
    assert len(too_long(snippet("# LONG:\n" + module))) == 1, "the reason is missing"
    assert len(too_long(snippet(module + "# LONG: a reason that nobody sees at the end\n"))) == 1
