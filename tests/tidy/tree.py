"""The project's files as the tidy tests read them."""

import ast
import functools
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "holdgate"

_LEFT_OUT = ("__pycache__", "node_modules", "dist", "build")


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file: its place below the project's root, its text and its tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        """`holdgate.terms.ids` for src/holdgate/terms/ids.py."""
        return self.path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something a rule objects to; it reads as a compiler message."""

    path: str
    line: int
    why: str

    @override
    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.why}"


def report(findings: list[Finding], rule: str) -> str:
    """The rule and every finding, one a line, for an assertion's message."""
    return "\n".join([rule, *(str(f) for f in sorted(findings))])


def snippet(text: str, path: str = "src/holdgate/law/made_up.py") -> Source:
    """A source that exists in a test alone."""
    return Source(path=path, text=text, tree=ast.parse(text))


@functools.cache
def files() -> tuple[str, ...]:
    """Every file that is, or would be, in the repository; without git, every file outside hidden and built folders."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return tuple(sorted(_walked()))
    return tuple(sorted(name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()))


def _walked() -> Iterator[str]:
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        hidden = any(part.startswith(".") and part != ".ci" for part in parts[:-1])
        if path.is_file() and not hidden and not any(part in _LEFT_OUT for part in parts):
            yield path.relative_to(ROOT).as_posix()


@functools.cache
def sources(*folders: str) -> tuple[Source, ...]:
    """The Python files of these folders (below the project's root), in order of their names."""
    found = []
    for name in files():
        if name.endswith(".py") and name.startswith(tuple(f"{folder}/" for folder in folders)):
            text = (ROOT / name).read_text(encoding="utf-8")
            found.append(Source(path=name, text=text, tree=ast.parse(text, filename=name)))
    return tuple(found)
