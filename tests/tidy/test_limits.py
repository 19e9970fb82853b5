"""Every maximum stands in terms/limits.py, is in docs/limits.md, and nothing else keeps one of its own."""

import ast
from fnmatch import fnmatch
from typing import Final

import pytest

from tests.limits import elsewhere, records
from tests.limits.tables import TABLES
from tests.tidy import limits_page
from tests.tidy.tree import ROOT, Finding, Source, report, snippet, sources

ELSEWHERE: Final = (
    ("src/holdgate/crypto/*", "*_BYTES", "sizes of keys, salts, nonces and signatures, which their standards fix"),
    ("src/holdgate/crypto/passkeys.py", "_EXPONENT_MAX", "what WebAuthn's RSA keys can say"),
    ("src/holdgate/adapters/nkeys.py", "_KEY_BYTES", "the size of an Ed25519 key"),
    ("src/holdgate/adapters/host.py", "_TIMEX_BYTES", "the size of the kernel's struct timex"),
    ("src/holdgate/adapters/mosquitto_config.py", "SALT_BYTES", "the size of a salt that is made here"),
    ("src/holdgate/adapters/sqlite_payloads.py", "_BYTES", "SQL"),
    ("src/holdgate/adapters/*_broadcasts.py", "_*_BYTES", "what a broker's own frame adds to BROADCAST_BYTES_MAX"),
    ("src/holdgate/engine/parts.py", "*_BYTES", "the layout of a part's head"),
    ("src/holdgate/engine/reading.py", "KEPT_BYTES", "a cache: no input is refused for it"),
    ("src/holdgate/engine/address.py", "PORT_MAX", "TCP's"),
    ("src/holdgate/law/chronicle.py", "DIGEST_BYTES", "how much of a SHA-256 is kept to find resends"),
    ("src/holdgate/law/rules/operators.py", "*_MAX", "the ranges of CEL's types"),
    ("src/holdgate/law/technique.py", "*_MAX", "words of the contract language"),
    ("src/holdgate/ledger/note.py", "_*_BYTES", "the layout of a cosignature (C2SP)"),
    ("src/holdgate/ledger/note.py", "SIZE_MAX", "the largest integer of the format"),
    ("src/holdgate/ledger/tiles.py", "*", "the layout of tiles (C2SP)"),
    ("src/holdgate/package/archive.py", "_ROW_BYTES", "the layout of a ZIP directory"),
    ("src/holdgate/query/view_rows.py", "_COSIGNATURE_BYTES", "the size of a cosignature (C2SP)"),
    ("src/holdgate/certifier/*", "*_MAX", "budgets of a search: a contract that needs more is not certified"),
    ("src/holdgate/advisor/*", "*_MAX", "how much one chart shows"),
    ("src/holdgate/bench/*", "*", "what a figure has to be"),
)
"""Which file may keep which name, and why it is no limit on what comes in or is stored."""


def named(source: Source) -> list[tuple[str, int]]:
    """Constants of the module that are named as a maximum or a size, with a value of their own."""
    found = []
    for node in source.tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id.isupper() and target.id.endswith(("_MAX", "_BYTES")):
            found.append((target.id, node.lineno))
    return found


def misplaced(source: Source) -> list[Finding]:
    return [
        Finding(source.path, line, f"{name} is a limit: define it in terms/limits.py")
        for name, line in named(source)
        if not any(fnmatch(source.path, path) and fnmatch(name, names) for path, names, _ in ELSEWHERE)
    ]


def test_every_maximum_stands_in_one_place() -> None:
    found = [f for s in sources("src") if s.path != "src/holdgate/terms/limits.py" for f in misplaced(s)]
    assert not found, report(found, "Limits outside of terms/limits.py:")


FIXED: Final = {("src/holdgate/web/api/accounts.py", 34), ("src/holdgate/web/api/accounts.py", 11)} | {
    ("src/holdgate/web/api/accounts.py", 9),
    ("src/holdgate/web/api/accounts.py", 17),
}
"""Lengths of IBAN, BIC, routing number and account number, which their standards fix."""


def typed_in(source: Source) -> list[Finding]:
    """Maxima in the type of a field that are written as a number; one length exactly is no maximum."""
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Meta":
            given = {word.arg: word.value.value for word in node.keywords if isinstance(word.value, ast.Constant)}
            most = given.get("max_length")
            if most is not None and given.get("min_length") != most and (source.path, most) not in FIXED:
                found.append(
                    Finding(source.path, node.lineno, f"max_length={most!r} is a limit: name it in terms/limits.py")
                )
    return found


def test_no_field_has_a_maximum_of_its_own() -> None:
    found = [finding for source in sources("src") for finding in typed_in(source)]
    assert not found, report(found, "Limits outside of terms/limits.py:")
    assert typed_in(snippet("X = Annotated[str, Meta(max_length=512)]"))


def test_every_exception_is_still_used() -> None:
    rest = [
        (path, names)
        for path, names, _ in ELSEWHERE
        if not any(fnmatch(s.path, path) and fnmatch(n, names) for s in sources("src") for n, _ in named(s))
    ]
    assert not rest, rest


def test_every_limit_is_used_and_says_what_it_bounds() -> None:
    text = limits_page.SOURCE.read_text(encoding="utf-8")
    rows = list(limits_page.rows(text))
    everywhere = "".join(source.text for source in sources("src") if source.path != "src/holdgate/terms/limits.py")
    assert len(rows) > 150
    assert not [row.name for row in rows if not row.what or not row.heading]
    assert not [row.name for row in rows if row.name not in everywhere and text.count(row.name) == 1]
    assert len({row.name for row in rows}) == len(rows)


def test_the_page_is_made_from_the_code() -> None:
    made = limits_page.page(limits_page.SOURCE.read_text(encoding="utf-8"))
    assert limits_page.PAGE.read_text(encoding="utf-8") == made, "run: make limits"


def tabled() -> set[str]:
    """Limits that a table goes up to, and one past."""
    rows = [row for table in TABLES for row in (*table.CASES, *table.CUTS)]
    return {row.limit for row in rows} | {limit for limit, _, _ in records.WRITTEN}


def test_every_limit_has_a_case_at_it_and_one_past_it_or_a_reason() -> None:
    names = {row.name for row in limits_page.rows(limits_page.SOURCE.read_text(encoding="utf-8"))}
    told = {**elsewhere.ELSEWHERE, **elsewhere.UNREACHED}
    assert not names - tabled() - told.keys(), "write a case in tests/limits"
    assert not (tabled() | told.keys()) - names, "there is no such limit"
    assert not tabled() & told.keys(), "a case makes its reason idle"
    assert not elsewhere.ELSEWHERE.keys() & elsewhere.UNREACHED.keys()
    assert len(elsewhere.UNREACHED) <= 13, "this list only gets shorter"


@pytest.mark.parametrize("limit", elsewhere.ELSEWHERE)
def test_the_test_that_is_named_is_there(limit: str) -> None:
    path, _, name = elsewhere.ELSEWHERE[limit].partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    defined |= {
        node.target.id for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    assert name in defined, f"{limit}: {path} has no {name}"


@pytest.mark.parametrize("text", ["ROWS_MAX = 5", "FILE_BYTES: Final = 1 << 20", "X_MAX: Final[int] = 2 * A_MAX"])
def test_the_rule_objects(text: str) -> None:
    assert misplaced(snippet(text))
