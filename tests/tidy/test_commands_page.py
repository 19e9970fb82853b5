"""The page of commands says what the commands do: every example is run, and every command has one."""

import contextlib
import io
import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cyclopts import App

from holdgate.cli.app import app, main
from holdgate.cli.reading import open_logs
from holdgate.query.record import walk
from tests.tidy.tree import ROOT

PAGE = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
WIDTH = "110"
_BLOCK = re.compile(r"```console(?: (\S+))?\n\$ (holdgate .*?)\n(.*?)```", re.DOTALL)
_CSV = re.compile(r"<!-- file: (\S+) -->\n```csv\n(.*?)```", re.DOTALL)
_EDIT = re.compile(r"<!-- file: (\S+) from (\S+): s/(.*?)/(.*?)/ -->")
_HEADING = re.compile(r"^### `holdgate ([a-z -]+)`$", re.MULTILINE)
ANY = "…"


class Example(NamedTuple):
    """A command line, what it prints, and how it ends. `only_help`: it takes too long, or wants what the page has not."""

    line: str
    shown: str
    code: int
    only_help: bool

    @property
    def arguments(self) -> list[str]:
        return shlex.split(self.line)[1:]


def examples() -> list[Example]:
    found = []
    for mark, line, shown in _BLOCK.findall(PAGE):
        code = int(mark.partition("=")[2]) if mark.startswith("exit=") else 0
        found.append(Example(line, shown, code, mark == "help"))
    return found


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    return code, out.getvalue(), err.getvalue()


def matches(shown: str, printed: str) -> bool:
    """Whether what was printed is what the page shows; `…` alone stands for lines, within a line for anything."""
    parts = []
    for line in shown.splitlines():
        said = "[^\\n]*".join(re.escape(part) for part in line.rstrip().split(ANY))
        parts.append("(?:.*\\n)*?" if line.strip() == ANY else f"[ ]*{said.lstrip()}[ ]*\\n")
    return re.fullmatch("".join(parts), printed) is not None


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the demonstration's shop and the page's own files, in which the examples run."""
    folder = tmp_path_factory.mktemp("commands")
    before, width = Path.cwd(), os.environ.get("COLUMNS")
    os.chdir(folder)
    os.environ["COLUMNS"] = WIDTH
    try:
        assert run("demo", "--fast", "--json", "--data", "shop")[0] == 0
        for name, text in _CSV.findall(PAGE):
            Path(name).write_text(text, encoding="utf-8")
        yield folder
    finally:
        os.chdir(before)
        os.environ.pop("COLUMNS") if width is None else os.environ.__setitem__("COLUMNS", width)


def refused_rinse() -> str:
    """The entry that the page calls NODE-FPI:57: the cosignatures before it come when they come."""
    with open_logs(Path("shop/NODE-FPI")) as (log,):
        for said in walk(log):
            if said.held is None and "WINDOW_NOT_REACHED" in said.decision.codes:
                return str(said.place)
    raise AssertionError("the story refuses no rinse any more")


def test_every_example_prints_what_the_page_shows(place: Path) -> None:
    for example in examples():
        if example.only_help:
            continue
        for name, origin, old, new in _EDIT.findall(PAGE):
            if Path(origin).is_file() and not Path(name).exists():
                text = Path(origin).read_text(encoding="utf-8")
                assert text.count(old) == 1, name
                Path(name).write_text(text.replace(old, new), encoding="utf-8")
        arguments = [refused_rinse() if word == "NODE-FPI:57" else word for word in example.arguments]
        code, out, err = run(*arguments)
        assert (code, err) == (example.code, ""), f"{example.line}\n{out}{err}"
        assert matches(example.shown, out), f"{example.line}\nprinted:\n{out}\nshown:\n{example.shown}"
        if "--json" in run(*verb_of(example), "--help")[1] and verb_of(example) != ["demo"]:
            again = run(*arguments, "--json")
            assert (again[0], json.loads(again[1]) is None) == (example.code, False), example.line


def verb_of(example: Example) -> list[str]:
    """The words that name the command."""
    words = [word for word in example.arguments if not word.startswith("-")]
    return words[: next(size for size in (2, 1) if tuple(words[:size]) in commands())]


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.line)
def test_every_option_of_an_example_is_one_that_the_command_has(example: Example) -> None:
    code, out, _ = run(*verb_of(example), "--help")
    assert code == 0
    for option in (word for word in example.arguments if word.startswith("--")):
        assert re.search(rf"{option}\b", out), f"{option} is not in the help of {' '.join(verb_of(example))}"


def commands() -> set[tuple[str, ...]]:
    """Every command, and those below one."""

    def below(group: App, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for name in group:
            if name.startswith("-"):
                continue
            inner = group[name]
            subs = [*below(inner, (*path, name))]
            yield from subs or [(*path, name)]

    return set(below(app, ()))


def test_every_command_has_its_section_and_its_example() -> None:
    told = {tuple(name.split()) for name in _HEADING.findall(PAGE)} | {("contract", "templates")}
    assert told == commands()
    lines = [example.line for example in examples()]
    for command in told:
        assert any(line.startswith(f"holdgate {' '.join(command)}") for line in lines), command


def test_the_page_is_compared_strictly() -> None:
    assert matches("a\n…\nd 1…\n", "a\nb\nc\nd 12\n")
    assert matches("…\nd\n", "d\n")
    assert not matches("a\nd\n", "a\nb\nd\n")
    assert not matches("a\n", "a\nb\n")
    assert not matches("a 1\n", "a 2\n")
