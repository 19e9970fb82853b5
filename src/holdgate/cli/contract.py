"""holdgate contract: write, check, compare and read contracts."""

import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter
from msgspec.structs import asdict
from rich.console import Console
from rich.table import Table
from rich.text import Text

from holdgate.cli.standing import Standing, open_standing
from holdgate.law.families import Bundle, bundled
from holdgate.law.notation import ParseRule, read_bundle
from holdgate.query.changes import STRUCTURAL, written_changes
from holdgate.query.contract_words import ContractSheet, StepSheet, sheet_of
from holdgate.query.faults import Fault
from holdgate.query.faults import check as look
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.ids import check_id
from holdgate.terms.limits import CONTRACT_BYTES_MAX

FAILED: Final = 1
CONTRACT: Final = "contract.yaml"
STARTER: Final = "starter.yaml"
TEMPLATES: Final = "templates"
MINIMAL: Final = "minimal"
LOOSER: Final = ("WEAKER", "INCOMPARABLE")
Json = Annotated[bool, Parameter(negative=())]

contract = App(name="contract", help="Write, check, compare and read contracts.", result_action="return_value")


# ---- new -----------------------------------------------------------------------------------------------------------


@contract.command
def new(
    target: Path,
    /,
    *,
    template: str = MINIMAL,
    source: Annotated[Path | None, Parameter(name="--from")] = None,
    id: str | None = None,  # noqa: A002  # the word of the notation
    author: str | None = None,
    title: str | None = None,
) -> int:
    """Write a contract to begin with, with comments that say what each part is.

    Parameters
    ----------
    target
        A new file for one contract; a new folder where the template has several files.
    template
        One of the templates that come with the product (holdgate contract templates lists them).
    source
        Begin with this file or folder instead, such as a contract of your own.
    id
        The contract's id, such as SP-VT-100.
    author
        The SMART-ID of whoever writes it.
    title
        Its title.
    """
    head = {"id": id, "author": author, "title": title, "version": "1"}
    for name in (id, author):
        if name is not None:
            check_id(name)
    with _origin(template, source) as origin:
        if target.exists():
            raise Malformed(f"{target} is there already; name a new file or folder")
        files = _copied(origin, target)
        for file in files:
            file.write_text(_with_head(file.read_text(encoding="utf-8"), head), encoding="utf-8")
    console = Console(highlight=False)
    for file in files:
        console.print(f"{file}", soft_wrap=True)
    console.print(f"Next: holdgate contract check {files[0]}", soft_wrap=True)
    return 0


@contextmanager
def _origin(template: str, source: Path | None) -> Iterator[Path]:
    """The file or folder to begin with."""
    if source is not None:
        if not source.exists():
            raise Unavailable(f"there is no {source}")
        yield source
        return
    package = resources.files("holdgate")
    place = package.joinpath("cli", STARTER) if template == MINIMAL else package.joinpath(TEMPLATES, check_id(template))
    if not (place.is_file() or place.is_dir()):
        raise Malformed(f"there is no template {template!r}; there are {', '.join(_templates())}")
    with resources.as_file(place) as path:
        yield path


def _templates() -> list[str]:
    folder = resources.files("holdgate").joinpath(TEMPLATES)
    found = [place.name for place in folder.iterdir() if place.joinpath(CONTRACT).is_file()] if folder.is_dir() else []
    return [MINIMAL, *sorted(found)]


def _copied(origin: Path, target: Path) -> list[Path]:
    """The contract's files at their new place, the contract itself first; stories about it are not copied."""
    try:
        if origin.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, target)
            return [target]
        named = sorted(origin.glob("*.yaml"), key=lambda path: (path.name != CONTRACT, path.name))
        if not named or named[0].name != CONTRACT:
            raise Malformed(f"{origin} holds no {CONTRACT}")
        target.mkdir(parents=True)
        for path in named:
            shutil.copyfile(path, target / path.name)
        return [target / path.name for path in named]
    except OSError as error:
        raise Unavailable(f"{target} cannot be written: {error.strerror}") from error


def _with_head(text: str, head: dict[str, str | None]) -> str:
    """The text with these fields of its head; everything else, comments too, stays as it is."""
    for name, value in head.items():
        if value is not None:
            quoted = "'" + value.replace("'", "''") + "'"
            text = re.sub(rf"(?m)^{name}:.*$", lambda _, line=f"{name}: {quoted}": line, text, count=1)  # type: ignore[misc]
    return text


@contract.command
def templates() -> int:
    """List the templates that `holdgate contract new` can begin with."""
    for name in _templates():
        sys.stdout.write(f"{name}\n")
    return 0


# ---- check ---------------------------------------------------------------------------------------------------------


@contract.command
def check(file: Path, /, *, json: Json = False) -> int:
    """Name every fault of a contract, with its line; then `holdgate contract show` says what it says.

    Structure only: it proves no behaviour.

    Parameters
    ----------
    file
        The contract's YAML; documents that it names lie beside it.
    json
        One JSON document.
    """
    found = look(_text(file), _parser(), lambda name: _neighbour(file, name))
    faults = found.faults
    if json:
        document = {"file": str(file), "faults": [_fault(file, fault) for fault in faults], "sound": not faults}
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    else:
        console = Console(highlight=False)
        for fault in faults:
            where = _fault(file, fault)
            line = f"{where['file']}:{where['line']}: " if fault.line else f"{where['file']}: "
            console.print(Text(f"{line}{fault.what}"), soft_wrap=True)
        console.print(
            f"{len(faults)} fault{'s' * (len(faults) > 1)}."
            if faults
            else "Nothing is missing and nothing contradicts itself."
        )
    return FAILED if faults else 0


def _fault(file: Path, fault: Fault) -> dict[str, object]:
    named = file.parent / fault.file if fault.file else file
    return {"file": str(named), "line": fault.line, "what": fault.what}


def _text(file: Path) -> str:
    with file.open("rb") as source:
        raw = source.read(CONTRACT_BYTES_MAX + 1)
    if len(raw) > CONTRACT_BYTES_MAX:
        raise Malformed(f"{file} is longer than {CONTRACT_BYTES_MAX} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Malformed(f"{file}, line {line}: it is not UTF-8") from None


def _neighbour(file: Path, name: str) -> str:
    beside = file.parent / name
    if not beside.is_file():
        raise Malformed(f"the contract names {name}, and there is no such file beside {file.name}")
    return _text(beside)


def _parser() -> ParseRule:
    """The parser of rules.

    Raises:
        Unavailable: the certifier is not installed.
    """
    try:
        from holdgate.certifier.facts import rule_parser  # noqa: PLC0415  # an optional part
    except ImportError as error:
        raise Unavailable(f"the certifier is missing ({error.name}); install holdgate[certifier]") from error
    return rule_parser()


# ---- show ----------------------------------------------------------------------------------------------------------


@contract.command
def show(contract: str, version: str | None = None, /, *, data: Path | None = None, json: Json = False) -> int:
    """Show a contract in a person's words: every step, number, source and status.

    Parameters
    ----------
    contract
        A file; or with --data the id of a contract on the shop's record.
    version
        With --data: its version (default: the one in force).
    data
        The shop's directory.
    json
        One JSON document.
    """
    told = sheet_of(_bundle(contract, version, data))
    if json:
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    else:
        _tell(Console(highlight=False), told)
    return 0


def _bundle(named: str, version: str | None, data: Path | None) -> Bundle:
    """A contract from its file, or from a shop's record."""
    if data is None:
        if version is not None:
            raise Malformed("a version is named with --data only; a file has its own")
        file = Path(named)
        return read_bundle(_text(file), _parser(), lambda name: _neighbour(file, name))
    with open_standing(data) as standing:
        return _on_record(standing, named, version)


def _on_record(standing: Standing, named: str, version: str | None) -> Bundle:
    state = standing.state
    sha256 = state.in_force.get(named) if version is None else state.versions.get(f"{named}/{version}")
    if sha256 is None:
        known = ", ".join(sorted(state.versions)) or "none"
        raise Malformed(f"there is no contract {named[:80]} {version or 'in force'} here; there are {known}")
    return bundled(sha256, standing.library.blob)


def _tell(console: Console, told: ContractSheet) -> None:
    console.print(Text(f"{told.contract} version {told.version}: {told.title}", style="bold"))
    console.print(f"by {told.author}; {told.about}", soft_wrap=True)
    _list(console, "Standards", (*told.standards, *(f"required: {needed}" for needed in told.requires)))
    console.print(_steps(told))
    console.print("P pre-check, H hold point, W witness point, 2 two signatures", style="dim")
    for step in told.steps:
        _tell_step(console, step)
    _list(console, "Work", told.work)
    _list(console, "May move while it is in force", told.adaptable)
    _list(console, "Money", told.money)
    _list(console, "Client and order", told.client)
    _list(console, "Quality", told.quality)
    _list(console, "Where other numbers come from", told.numbers)
    _list(console, "Documents", tuple(f"{family} {sha256}" for family, sha256 in told.documents.items()))


def _steps(told: ContractSheet) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("op", "", "what", "who", "holds", "where"):
        table.add_column(column, overflow="fold")
    for step in told.steps:
        table.add_row(
            step.id, step.letters, step.name, step.role, ", ".join(step.credentials) or "-", ", ".join(step.zones)
        )
    return table


def _tell_step(console: Console, step: StepSheet) -> None:
    asks = [*(f"equipment: {name}" for name in step.equipment), *(f"batch of: {name}" for name in step.materials)]
    asks += [f"window: {step.window}"] if step.window else []
    asks += [f"takes about {step.duration}"] if step.duration else []
    lines = [*asks, *step.points, *(f"rule {rule}" for rule in step.rules)]
    if not (lines or step.limits):
        return
    console.print(Text(f"{step.id} {step.name}", style="bold"))
    for line in lines:
        console.print(f"  {line}", soft_wrap=True)
    for limit in step.limits:
        console.print(f"  {limit.characteristic}: {limit.limits} {limit.unit}, {limit.takes}", soft_wrap=True)
        console.print(Text(f"      {limit.source} ({limit.status})", style="dim"), soft_wrap=True)


def _list(console: Console, title: str, lines: tuple[str, ...]) -> None:
    if lines:
        console.print(Text(title, style="bold"))
    for line in lines:
        console.print(Text(f"  {line}"), soft_wrap=True)


# ---- diff ----------------------------------------------------------------------------------------------------------


@contract.command
def diff(old: str, new: str, /, *, data: Path | None = None, structural: Json = False, json: Json = False) -> int:
    """Show what a revision changes: each limit, window, credential, rule and amount equal, stronger, WEAKER or INCOMPARABLE.

    Exit 1 where something is weaker or cannot be compared.

    Parameters
    ----------
    old
        A file; or with --data CONTRACT/VERSION of the shop's record.
    new
        The same.
    data
        The shop's directory; a name with a file beside it is still read as a file.
    structural
        Only what is written differently; no proof, no verdict.
    json
        One JSON document.
    """
    bundles = [_side(named, data) for named in (old, new)]
    proven = None if structural else _proven(bundles[0], bundles[1])
    rows = proven if proven is not None else _structural(bundles[0], bundles[1])
    kind = STRUCTURAL if proven is None else "proven"
    looser = [row for row in rows if row.get("verdict") in LOOSER]
    if json:
        document = {"old": old, "new": new, "kind": kind, "changes": rows, "looser": len(looser)}
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    else:
        _tell_changes(Console(highlight=False), rows, kind)
    return FAILED if looser else 0


def _side(named: str, data: Path | None) -> Bundle:
    if data is None or Path(named).is_file():
        return _bundle(named, None, None)
    contract, _, version = named.partition("/")
    return _bundle(contract, version or None, data)


def _proven(old: Bundle, new: Bundle) -> list[dict[str, Any]] | None:
    """The certifier's comparison; None where it is not installed."""
    try:
        from holdgate.certifier.diff import compare  # noqa: PLC0415  # an optional part
    except ImportError as error:
        _note(f"The certifier is missing ({error.name}); what follows compares texts and proves nothing.")
        return None
    return [asdict(change) for change in compare(old, new)]


def _structural(old: Bundle, new: Bundle) -> list[dict[str, Any]]:
    return [
        {"place": change.place, "what": f"{change.old or 'none'} → {change.new or 'none'}"}
        for change in written_changes(old, new)
    ]


def _note(sentence: str) -> None:
    Console(stderr=True).print(Text(sentence, style="yellow"))


_STYLES: Final = {"stronger": "green", "equal": "dim", "WEAKER": "bold red", "INCOMPARABLE": "yellow"}


def _tell_changes(console: Console, rows: list[dict[str, Any]], kind: str) -> None:
    if kind == STRUCTURAL:
        console.print(
            "Structural: what is written differently. Nothing is proven and nothing is judged.", style="yellow"
        )
    for row in rows:
        verdict = str(row.get("verdict", ""))
        line = Text.assemble(
            (f"{verdict:<13}", _STYLES.get(verdict, "")) if verdict else "",
            (f"{row['place']:<8} ", "bold"),
            row["what"],
        )
        console.print(line, soft_wrap=True)
        if row.get("counterexample"):
            console.print(Text(f"             such as {row['counterexample']}", style="dim"), soft_wrap=True)
    if not rows:
        console.print("They say the same.")
