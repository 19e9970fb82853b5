"""The authoring guide: every command runs in the order of the page, every edit applies, every output is what the page shows."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest
import yaml

from holdgate.certifier.facts import rule_parser
from holdgate.cli.app import app
from holdgate.law.certificate import HOLDS, read_certificate
from holdgate.law.contract import document_digest, encode_document
from holdgate.law.notation import read_bundle
from holdgate.scenario.files import proposed, read_world, split_contract
from tests.tidy.test_commands_page import WIDTH, matches, run

PAGE: Final = (Path(__file__).resolve().parents[2] / "docs" / "authoring.md").read_text(encoding="utf-8")
_PIECE: Final = re.compile(
    r"(?:<!-- (?P<kind>file|edit): (?P<name>\S+) -->\n)?```(?P<block>\w+)(?: exit=(?P<code>\d))?\n(?P<text>.*?)```",
    re.DOTALL,
)


class Piece(NamedTuple):
    """A block of the page. `block`: console, diff or yaml; `name`: the file that it writes or edits."""

    block: str
    kind: str
    name: str
    code: int
    text: str


def pieces() -> Iterator[Piece]:
    for found in _PIECE.finditer(PAGE):
        yield Piece(found["block"], found["kind"] or "", found["name"] or "", int(found["code"] or 0), found["text"])


def edited(text: str, difference: str) -> str:
    """A text with the edit that a diff block shows; what goes has to be there exactly once."""
    lines = difference.splitlines(keepends=True)
    gone = "".join(line[1:] for line in lines if line.startswith("-"))
    come = "".join(line[1:] for line in lines if line.startswith("+"))
    assert len(lines) == difference.count("\n-") + difference.count("\n+") + 1, f"neither - nor +:\n{difference}"
    assert text.count(gone) == 1, f"to be edited, and not there once:\n{gone}"
    return text.replace(gone, come)


def follow(piece: Piece) -> None:
    """Do what the page says: write a file, edit one, or run a command."""
    if piece.kind == "file":
        Path(piece.name).parent.mkdir(parents=True, exist_ok=True)
        Path(piece.name).write_text(piece.text, encoding="utf-8")
    elif piece.kind == "edit":
        file = Path(piece.name)
        file.write_text(edited(file.read_text(encoding="utf-8"), piece.text), encoding="utf-8")
    else:
        line, _, shown = piece.text.partition("\n")
        code, out, err = command(line)
        assert (code, err) == (piece.code, ""), f"{line}\n{out}{err}"
        assert matches(shown, out), f"{line}\nprinted:\n{out}\nshown:\n{shown}"


def command(line: str) -> tuple[int, str, str]:
    words = re.findall(r"'[^']*'|\S+", line.removeprefix("$ holdgate "))
    return run(*(word.strip("'") for word in words))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that a reader has after the last line of the page."""
    folder = tmp_path_factory.mktemp("authoring")
    before, width = Path.cwd(), os.environ.get("COLUMNS")
    os.chdir(folder)
    os.environ["COLUMNS"] = WIDTH
    try:
        for piece in pieces():
            follow(piece)
        yield folder
    finally:
        os.chdir(before)
        os.environ.pop("COLUMNS") if width is None else os.environ.__setitem__("COLUMNS", width)


def test_the_page_can_be_followed_to_its_end(place: Path) -> None:
    left = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    assert {"vt.yaml", "vt-2.yaml", "vt-1.json", "vt-2.json", "release.yaml", "worlds/lab.yaml"} <= left


def test_every_block_of_the_page_is_followed() -> None:
    kinds = [(piece.block, piece.kind) for piece in pieces()]
    assert set(kinds) == {("console", ""), ("diff", "edit"), ("yaml", "file")}
    assert PAGE.count("```") == 2 * len(kinds)
    assert all(piece.text.startswith("$ holdgate ") for piece in pieces() if piece.block == "console")


def test_the_page_uses_each_command_of_the_way() -> None:
    lines = " ".join(piece.text.partition("\n")[0] for piece in pieces() if piece.block == "console")
    for words in ("contract new", "contract check", "contract show", "certify", "contract diff", "test"):
        assert f"$ holdgate {words} " in f"{lines} "
    for name in ("contract", "certify", "test"):
        assert name in list(app)


def test_the_certificates_of_the_page_are_proofs_of_its_contracts(place: Path) -> None:
    for version in ("1", "2"):
        certificate = read_certificate((place / f"vt-{version}.json").read_bytes())
        bundle = read_bundle((place / ("vt.yaml" if version == "1" else "vt-2.yaml")).read_text(), rule_parser())
        assert certificate.template == document_digest(bundle.template)
        assert {proof.verdict for proof in certificate.proofs} == {HOLDS}


def test_the_contracts_of_the_story_are_those_that_were_certified(place: Path) -> None:
    (first,) = read_world(place / "worlds" / "lab.yaml").contracts
    story = yaml.load((place / "release.yaml").read_text(encoding="utf-8"), yaml.BaseLoader)
    (proposal,) = (step for step in story["steps"] if step["action"] == "contract.submit")
    second = proposed(first, proposal["inputs"]["body"], proposal["inputs"]["version"], proposal["actor"]["id"])
    for tree, file in ((first, "vt.yaml"), (second, "vt-2.yaml")):
        bundle = read_bundle((place / file).read_text(encoding="utf-8"), rule_parser())
        assert [encode_document(document) for document in split_contract(tree, rule_parser())] == [
            encode_document(document) for document in bundle.documents
        ], file


def test_an_edit_that_does_not_fit_is_no_edit() -> None:
    assert edited("a\nb\n", "-b\n+c\n") == "a\nc\n"
    for text, difference in (("a\n", "-b\n+c\n"), ("b\nb\n", "-b\n+c\n"), ("a\nb\n", "-a\n b\n+c\n")):
        with pytest.raises(AssertionError):
            edited(text, difference)
