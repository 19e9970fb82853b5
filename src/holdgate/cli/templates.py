"""holdgate templates: what is shipped, what each contract says and which of its numbers a lab has to set, and a copy of it."""

import re
import shutil
import sys
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter
from msgspec import Struct
from rich.console import Console
from rich.text import Text

from holdgate.law.families import Bundle
from holdgate.law.sources import Number, numbers
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.ids import check_id

CONTRACT: Final = "contract.yaml"
_BESIDE: Final = re.compile(r"\.\./\.\./\.\./([\w-]+)/")


class Listed(Struct, frozen=True, kw_only=True):
    """A shipped template. `families`: of its documents; `yields`: the facts that it makes true, by name."""

    name: str
    families: tuple[str, ...]
    title: str
    yields: tuple[str, ...]
    requires: tuple[str, ...]
    numbers: int
    to_set: int


def templates(
    name: str | None = None,
    /,
    *,
    copy: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """List the contract templates; with a name, show one: its ops and every number, with its source.

    Parameters
    ----------
    name
        A template's name, as listed.
    copy
        Copy the template (contract, README, scenarios) into this new directory.
    json
        One JSON document.
    """
    console = Console(highlight=False)
    if name is None and copy is not None:
        raise Malformed("name the template that is to be copied: holdgate templates NAME --copy DIR")
    if name is None:
        listed = [_listed(folder.name, _read(folder)) for folder in _folders()]
        if json:
            sys.stdout.write(msgspec.json.encode(listed).decode() + "\n")
        else:
            _tell_list(console, listed)
        return 0
    folder = _folder(name)
    bundle = _read(folder)
    if copy is not None:
        _copy(folder, copy)
    if json:
        rows = [number._asdict() for document in bundle.documents for number in numbers(document)]
        sys.stdout.write(msgspec.json.encode({"template": _listed(name, bundle), "numbers": rows}).decode() + "\n")
    else:
        _tell(console, bundle)
        if copy is not None:
            told = f"\nCopied to {copy}. Give it an id and an author of your own, and set its numbers."
            console.print(Text(told), soft_wrap=True)
            others = beside(folder)
            if others:
                told = f"Its scenarios also need {', '.join(others)}, copied under these names into {copy.parent}."
                console.print(Text(told), soft_wrap=True)
    return 0


def _home() -> Traversable:
    return resources.files("holdgate") / "templates"


def _folders() -> list[Traversable]:
    found = [folder for folder in _home().iterdir() if (folder / CONTRACT).is_file()]
    return sorted(found, key=lambda folder: folder.name)


def _folder(name: str) -> Traversable:
    check_id(name, "the template")
    folder = _home() / name
    if not (folder / CONTRACT).is_file():
        raise Unavailable(f"there is no template {name}; there are {', '.join(f.name for f in _folders())}")
    return folder


def read_template(name: str) -> Bundle:
    """A shipped template with everything that it names.

    Raises:
        Unavailable: there is none of this name, or the certifier, which reads its rules, is not installed.
    """
    return _read(_folder(name))


def _read(folder: Traversable) -> Bundle:
    try:
        from holdgate.certifier.facts import rule_parser  # noqa: PLC0415  # an optional part
        from holdgate.law.notation import read_bundle  # noqa: PLC0415
    except ImportError as error:
        raise Unavailable(f"the certifier is missing ({error.name}); install holdgate[certifier]") from error

    def text(name: str) -> str:
        return (folder / name).read_text(encoding="utf-8")

    return read_bundle(text(CONTRACT), rule_parser(), text)


def beside(folder: Traversable) -> tuple[str, ...]:
    """The templates whose contracts the scenarios of this one name too, as folders beside it."""
    worlds = (world.read_text(encoding="utf-8") for world in (folder / "scenarios" / "worlds").iterdir())
    return tuple(sorted({name for text in worlds for name in _BESIDE.findall(text)}))


def _listed(name: str, bundle: Bundle) -> Listed:
    found = [number for document in bundle.documents for number in numbers(document)]
    technique = bundle.technique
    return Listed(
        name=name,
        families=tuple(type(document).__name__ for document in bundle.documents),
        title=bundle.template.title,
        yields=tuple(item.name or item.fact for item in technique.yields),
        requires=tuple(f"{needed.standard} {needed.edition}" for needed in technique.requires),
        numbers=len(found),
        to_set=sum(not number.verified for number in found),
    )


def _tell_list(console: Console, listed: list[Listed]) -> None:
    for item in listed:
        console.print(Text.assemble((f"{item.name:<20}", "bold"), item.title), soft_wrap=True)
        gives = "" if not item.yields else f"; yields {', '.join(item.yields)}"
        told = f"{', '.join(item.families)}{gives}; {item.to_set} of {item.numbers} numbers to set"
        console.print(Text(f"{'':<20}{told}", style="dim"), soft_wrap=True)
    console.print("\nShow one:  holdgate templates NAME     Take one:  holdgate templates NAME --copy DIR")


def _tell(console: Console, bundle: Bundle) -> None:
    template, technique = bundle.template, bundle.technique
    console.print(Text(f"{template.title}  ({template.id} rev {template.version})", style="bold"), soft_wrap=True)
    console.print(Text(f"Standards: {', '.join(template.standards)}", style="dim"), soft_wrap=True)
    for needed in technique.requires:
        console.print(Text(f"Needs in force: {needed.standard} {needed.edition}"), soft_wrap=True)
    for step in technique.steps:
        marks = "".join(mark for mark, point in (("H", step.hold), ("W", step.witness)) if point is not None)
        people = ", two signatures" if step.signatures > 1 else ""
        console.print(Text(f"  {step.id:<5}{marks:<3}{step.name}  [{step.role}{people}]"), soft_wrap=True)
    for item in technique.yields:
        console.print(Text(f"Yields: {item.fact} {item.name or ''}".rstrip() + f", for {item.valid_s} s"))
    console.print()
    for document in bundle.documents:
        for number in numbers(document):
            _tell_number(console, number)


def _tell_number(console: Console, number: Number) -> None:
    mark, style = ("read  ", "green") if number.verified else ("set it", "yellow")
    value = f"  {number.value} {number.unit}".rstrip()
    console.print(Text.assemble((mark, style), "  ", (number.place, "bold"), value), soft_wrap=True)
    console.print(Text(f"        {number.basis or 'no source is given'}", style="dim"), soft_wrap=True)


def _copy(folder: Traversable, to: Path) -> None:
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise Malformed(f"{to} is not empty; name a new or empty directory")
    with resources.as_file(folder) as source:
        shutil.copytree(source, to, dirs_exist_ok=True)
