"""holdgate demo: the story of one order, or of what one family of contracts yields to another, told on the console."""

import asyncio
import sys
import tempfile
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter
from rich.console import Console

from holdgate.cli.papers import tell_papers
from holdgate.cli.records import audit_sites
from holdgate.demo.chain import TEMPLATES, Chain
from holdgate.demo.shop import Contract
from holdgate.demo.story import Story
from holdgate.demo.tell import ConsoleTeller, JsonTeller, Teller
from holdgate.law.contract import encode_document
from holdgate.law.notation import read_notation
from holdgate.terms.errors import Malformed, Unavailable

PAUSE_S: Final = 0.3
"""Between two acts."""


def demo(
    *,
    chain: Annotated[bool, Parameter(negative=())] = False,
    data: Path | None = None,
    fast: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Tell the story of one order, from the client's signature to the audit: real signatures, records and decisions.

    Parameters
    ----------
    chain
        Tell the other story: a standard, a furnace, a person and a batch, each refused until its own job is accepted.
    data
        Keep the shop in this directory (new or empty); without, it is removed at the end.
    fast
        No pauses.
    json
        One JSON document per act, each on its own line, for programs.
    """
    run = _run_chain if chain else _run
    if data is not None:
        _check_empty(data)
        return run(data, fast=fast, json=json, kept=True)
    with tempfile.TemporaryDirectory(prefix="holdgate-demo-") as folder:
        return run(Path(folder) / "shop", fast=fast, json=json, kept=False)


def certified(text: str) -> Contract:
    """A contract, read from its notation and certified (structure only).

    Raises:
        Unavailable: the certifier is not installed.
    """
    try:
        from holdgate.certifier.facts import rule_parser  # noqa: PLC0415  # an optional part
        from holdgate.certifier.structure import certify  # noqa: PLC0415
    except ImportError as error:
        raise Unavailable(f"the certifier is missing ({error.name}); install holdgate[certifier]") from error
    template, technique = read_notation(text, rule_parser())
    return Contract(
        id=template.id,
        version=template.version,
        template=encode_document(template),
        technique=encode_document(technique),
        certificate=certify(template, technique),
    )


def technique() -> str:
    """The story's technique, as its author wrote it."""
    return _text("holdgate.demo", "fpi.yaml")


def _check_empty(data: Path) -> None:
    try:
        if data.exists() and (not data.is_dir() or any(data.iterdir())):
            raise Malformed(f"{data} is not empty; name a new or empty directory for the demonstration's shop")
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"{data} cannot be used: {error}") from error


def _text(package: str, *parts: str) -> str:
    return resources.files(package).joinpath(*parts).read_text(encoding="utf-8")


def _run_chain(directory: Path, *, fast: bool, json: bool, kept: bool) -> int:
    contracts = {name: certified(_text("holdgate", "templates", name, "contract.yaml")) for name in TEMPLATES}
    tell = _teller(fast=fast, json=json)
    tell.begin(
        "Holdgate: what one family of contracts yields, another one requires",
        (
            "A standard, a furnace, a person and a batch: each is refused until its own job is done and accepted.",
            "The contracts are the shipped templates. Keys, signatures, records and audits are real.",
        ),
    )
    well = asyncio.run(Chain(directory, contracts, tell, audit_sites).run())
    return _end(tell, directory, well=well, kept=kept)


def _teller(*, fast: bool, json: bool) -> Teller:
    console = Console(highlight=False)
    pause_s = 0.0 if fast or not console.is_terminal else PAUSE_S
    return JsonTeller(sys.stdout) if json else ConsoleTeller(console, pause_s)


def _run(directory: Path, *, fast: bool, json: bool, kept: bool) -> int:
    contract = certified(technique())
    tell = _teller(fast=fast, json=json)
    tell.begin(
        "Holdgate: one order, from purchase order to payout",
        (
            "Four titanium brackets 4512-7 rev C for AERODYNE, fluorescent penetrant inspection (FPI).",
            "The clock shows the story's times, so nobody waits. Keys, signatures, records and audits are real.",
        ),
    )
    well = asyncio.run(Story(directory, contract, tell, audit_sites, tell_papers).run())
    return _end(tell, directory, well=well, kept=kept)


def _end(tell: Teller, directory: Path, *, well: bool, kept: bool) -> int:
    if kept:
        tell.end(f"The shop stays in {directory}. Audit it yourself:", f"  holdgate audit {directory}")
    else:
        tell.end("This shop was temporary and is gone now. To keep one:  holdgate demo --data DIR")
    return 0 if well else 1
