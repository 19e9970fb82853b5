"""The documentation says what is there: links lead somewhere, named files and names exist, examples are real bytes."""

import base64
import functools
import importlib
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from holdgate.audit.trust import Trust
from holdgate.certifier.facts import rule_parser
from holdgate.certifier.structure import certify
from holdgate.crypto.envelope import open_envelope, verify_all
from holdgate.crypto.hashes import digest, leaf_hash
from holdgate.identity.charter import open_charter
from holdgate.law.command import StartStep, parse_command
from holdgate.law.decision import Decision, Denial, Value
from holdgate.law.denial import remedy, sentence
from holdgate.law.gates.table import gates_of
from holdgate.law.notation import read_notation
from holdgate.law.rules import normal
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import read_entry
from holdgate.ledger.note import make_vkey, open_checkpoint, parse_vkey, verify_cosignature
from holdgate.ledger.proof import verify_proof
from holdgate.terms.instant import SECOND_US
from tests.tidy.tree import ROOT, Finding, files, report

EXAMPLES = ROOT / "docs" / "spec" / "examples"
TOP = ("README.md", "CHANGELOG.md")
FROM_CODE = ("docs/denials.md",)
"""Written by the code, so tested beside it."""
IDS = (*(f"SC-{n}" for n in range(1, 34)), *(f"HC-{n}" for n in range(1, 17)))
STATES = ("done", "partly", "later")

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_PATH = re.compile(r"(?<![\w/.-])((?:src|tests)/[\w./-]*\w)(?:::(\w+))?")
_NAME = re.compile(r"(?<![\w./@-])(holdgate(?:\.[A-Za-z_]\w*)+)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_EXAMPLE = re.compile(r"<!-- example: (\S+)(?: (\w+))? -->\n```\w*\n(.*?)```", re.DOTALL)
_LEAF = re.compile(r"leaf hash is `([0-9a-f]{64})`")


def pages() -> list[str]:
    """Every page but the one on how to contribute, which gives commands with made-up names."""
    return [name for name in files() if name.endswith(".md") and (name.startswith("docs/") or name in TOP)]


def anchors(text: str) -> set[str]:
    plain = (re.sub(r"[^\w\s-]", "", title).strip().lower() for title in _HEADING.findall(text))
    return {re.sub(r"\s", "-", title) for title in plain}


def dead_links(page: str, text: str) -> list[Finding]:
    return [
        Finding(page, text.count("\n", 0, match.start()) + 1, f"leads nowhere: {match[1]}")
        for match in _LINK.finditer(text)
        if not match[1].startswith(("http://", "https://")) and not _leads(page, text, match[1])
    ]


def _leads(page: str, text: str, link: str) -> bool:
    place, _, anchor = link.partition("#")
    if not place:
        return anchor in anchors(text)
    target = (ROOT / page).parent / place
    return target.exists() and (not anchor or anchor in anchors(target.read_text(encoding="utf-8")))


def missing_paths(page: str, text: str) -> list[Finding]:
    return [
        Finding(page, text.count("\n", 0, match.start()) + 1, f"is not there: {match[0]}")
        for match in _PATH.finditer(text)
        if not (ROOT / match[1]).exists() or (match[2] and f"def {match[2]}(" not in (ROOT / match[1]).read_text())
    ]


def missing_names(page: str, text: str) -> list[Finding]:
    return [
        Finding(page, text.count("\n", 0, match.start()) + 1, f"is not there: {match[1]}")
        for match in _NAME.finditer(text)
        if not exists(match[1])
    ]


@functools.cache
def exists(dotted: str) -> bool:
    """Whether a dotted name is a module, or something in one (an annotated field counts)."""
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            held: Any = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            if not hasattr(held, part) and part not in getattr(held, "__annotations__", {}):
                return False
            held = getattr(held, part, None)
        return True
    return False


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


# ---- the pages -----------------------------------------------------------------------------------------------------


def test_every_link_leads_somewhere() -> None:
    found = [f for page in pages() for f in dead_links(page, read(page))]
    assert not found, report(found, "Dead links:")


def test_every_named_file_is_there() -> None:
    found = [f for page in pages() if page not in FROM_CODE for f in missing_paths(page, read(page))]
    assert not found, report(found, "Files or tests that do not exist:")


def test_every_dotted_name_is_there() -> None:
    found = [f for page in pages() if page not in FROM_CODE for f in missing_names(page, read(page))]
    assert not found, report(found, "Names that do not exist:")


def test_decision_records_are_numbered_in_order_and_listed_under_their_titles() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    titles = [record.read_text(encoding="utf-8").partition("\n")[0].split(" ", 2)[1:] for record in records]
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    assert [int(number) for number, _ in titles] == list(range(1, len(records) + 1))
    listed = re.findall(r"^- \[(.+)\]\((.+)\)$", read("docs/decisions/index.md"), re.MULTILINE)
    assert listed == [(title, record.name) for (_, title), record in zip(titles, records, strict=True)]


def test_every_page_is_reached_from_the_readme() -> None:
    reached, ahead = {"README.md"}, ["README.md"]
    while ahead:
        page = ahead.pop()
        for match in _LINK.finditer(read(page)):
            target = ((ROOT / page).parent / match[1].partition("#")[0]).resolve()
            if target.suffix == ".md" and target.is_file():
                name = target.relative_to(ROOT).as_posix()
                if name not in reached:
                    reached.add(name)
                    ahead.append(name)
    lost = [page for page in pages() if page.startswith("docs/") and page not in reached]
    assert not lost, f"No link leads to {lost}"


def test_pages_that_the_code_names_exist() -> None:
    named = {
        match for name in files() if name.startswith("src/") for match in re.findall(r"docs/[\w/]+\.md", _source(name))
    }
    missing = [page for page in sorted(named) if not (ROOT / page).is_file()]
    assert not missing, f"Docstrings name pages that do not exist: {missing}"


def _source(name: str) -> str:
    return read(name) if name.endswith(".py") else ""


def test_the_readme_names_both_commands_and_what_they_need() -> None:
    text = read("README.md")
    for wanted in ("make demo", "make test", "python3-venv", "make", "3.11", "Debian 12"):
        assert wanted in text, f"the README does not say {wanted}"
    assert len(text.splitlines()) <= 130, "a README is read in one go"


def test_the_refusal_in_the_readme_is_what_the_product_says() -> None:
    values: dict[str, Value] = {
        "elapsed_us": 12 * 60 * SECOND_US,
        "since": "Apply penetrant",
        "limit_us": 20 * 60 * SECOND_US,
    }
    denial = Denial(code="WINDOW_NOT_REACHED", gate="windows.dwell", values=values)
    text = read("README.md")
    assert f"Refused: {sentence(denial)}" in text
    assert f"To go on: {remedy(denial)}" in text
    assert denial.code in text


# ---- requirements --------------------------------------------------------------------------------------------------


def rows() -> Iterator[list[str]]:
    for line in read("docs/requirements.md").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if re.fullmatch(r"(SC|HC)-\d+", cells[0]):
            yield cells


def test_every_requirement_has_one_row() -> None:
    assert sorted(row[0] for row in rows()) == sorted(IDS)


@pytest.mark.parametrize("requirement", IDS)
def test_a_row_is_whole(requirement: str) -> None:
    (_, what, where, test, status) = next(row for row in rows() if row[0] == requirement)
    assert what
    assert where
    assert test
    state, _, missing = status.partition(":")
    assert state in STATES, f"{requirement} is {state!r}; known are {', '.join(STATES)}"
    assert state != "partly" or missing.strip(), f"{requirement} is partly done: say what is missing"
    assert state != "done" or "tests/" in test, f"{requirement} is done: name the test that says so"


# ---- examples ------------------------------------------------------------------------------------------------------


def example(name: str) -> bytes:
    return (EXAMPLES / name).read_bytes()


def test_what_a_page_shows_is_what_the_example_holds() -> None:
    shown: list[str] = []
    for page in pages():
        for name, part, block in _EXAMPLE.findall(read(page)):
            shown.append(name)
            raw = example(name)
            if not name.endswith(".json"):
                assert block == raw.decode(), f"{page} shows another {name}"
                continue
            value = json.loads(raw)
            held = json.loads(base64.b64decode(value["payload"])) if part == "payload" else value
            assert json.loads(block) == (held[part] if part and part != "payload" else held), f"{page}: {name} {part}"
    assert len(shown) >= 8


def keys() -> dict[str, Any]:
    held: dict[str, Any] = json.loads(example("keys.json"))
    return held


def test_the_examples_are_canonical_entries() -> None:
    for path in sorted(EXAMPLES.glob("*.entry.json")):
        entry = read_entry(path.read_bytes())
        assert isinstance(decision_of(entry), Decision), path.name


def test_the_denial_of_the_example_was_asked_every_gate_of_its_act() -> None:
    """Another gate, and the examples are made anew: `python -m tests.golden.spec_examples`."""
    trace = decision_of(read_entry(example("denial.entry.json"))).trace
    assert [line.split()[0] for line in trace] == [gate.name for gate in gates_of(StartStep)]


def test_the_envelope_of_the_example_verifies() -> None:
    envelope = open_envelope(example("step-sign.envelope.json"))
    assert envelope.payload == example("step-sign.payload.json")
    command = parse_command(envelope.payload)
    assert [signer.id for signer in command.signers] + [command.place] == [*keys()["signers"]]
    verify_all(envelope, [(name, base64.b64decode(key)) for name, key in keys()["signers"].items()])
    entry = read_entry(example("step-sign.entry.json"))
    assert bytes(entry.action) == example("step-sign.envelope.json")


def test_the_receipt_of_the_example_proves_its_entry() -> None:
    body = example("step-sign.entry.json")
    log = parse_vkey(keys()["logs"]["NODE-FPI"])
    checkpoint = verify_proof(example("step-sign.receipt.txt"), leaf_hash(body), log)
    assert checkpoint.size == read_entry(body).seq + 1
    assert _LEAF.findall(read("docs/spec/entry.md")) == [leaf_hash(body).hex()]


def test_the_import_of_the_example_took_in_that_entry() -> None:
    record = json.loads(bytes(read_entry(example("import.entry.json")).record))
    assert [base64.b64decode(leaf) for leaf in record["leaves"]] == [leaf_hash(example("step-sign.entry.json"))]
    checkpoint = open_checkpoint(base64.b64decode(record["checkpoint"]), parse_vkey(keys()["logs"]["NODE-FPI"]))
    assert checkpoint.size == record["size"]


def test_the_cosignature_of_the_example_holds() -> None:
    record = json.loads(bytes(read_entry(example("cosigned.entry.json")).record))
    assert verify_cosignature(base64.b64decode(record["note"]), parse_vkey(keys()["witnesses"][0])) > 0


def test_the_charter_of_the_example_is_the_one_of_these_keys() -> None:
    trust = msgspec.json.decode(json.dumps({k: keys()[k] for k in ("roots", "witnesses")}), type=Trust)
    charter = open_charter(example("charter.envelope.json"), trust.roots)
    logs = {seat.id: make_vkey(seat.origin, seat.key) for seat in charter.sites}
    assert all(logs[site] == vkey for site, vkey in keys()["logs"].items())


def test_the_rule_of_the_example_is_in_normal_form() -> None:
    node = normal.decode(example("rule.normal.json"))
    text = read("docs/spec/rules.md")
    assert normal.unparse(node) in text
    assert normal.digest(node) in text


def test_the_contract_of_the_notation_page_is_certified() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", read("docs/spec/notation.md"), re.DOTALL)
    certificate = json.loads(certify(*read_notation(text, rule_parser())))
    assert certificate["scope"] in read("docs/spec/notation.md")


# ---- the rules themselves ------------------------------------------------------------------------------------------


def test_the_rules_object() -> None:
    assert dead_links("docs/x.md", "[a](nowhere.md) and [b](#not-there)")
    assert missing_paths("docs/x.md", "see `src/holdgate/law/nowhere.py`")
    assert missing_paths("docs/x.md", "see `tests/tidy/test_docs.py::test_that_is_not_there`")
    assert missing_names("docs/x.md", "`holdgate.law.decide.nothing` and `holdgate.nowhere`")


def test_the_rules_let_pass() -> None:
    assert not dead_links("docs/x.md", "# One\n[a](#one) [b](../README.md) [c](https://example.test/x)")
    assert not missing_paths("docs/x.md", "`tests/tidy/test_docs.py::test_the_rules_let_pass`")
    assert not missing_names("docs/x.md", "`holdgate.law.decide.decide`, docs/holdgate.x, holdgate.")
    assert digest(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
