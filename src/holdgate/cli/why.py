"""holdgate why: the trace of one decision, in words."""

import sys
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from holdgate.cli.reading import find_entry, open_logs
from holdgate.query.why import Fact, Why
from holdgate.query.why import why as explain

INDENT: Final = 13


def why(folder: Path, entry: str, /, *, json: Annotated[bool, Parameter(negative=())] = False) -> int:
    """Explain one entry of a record: who asked what, what each gate said, what it rested on, what followed.

    It says what the record says; `holdgate audit` proves the record.

    Parameters
    ----------
    folder
        A shop's directory, a site's directory, one ledger.db, mirror.db or *.bundle, or a folder of bundles.
    entry
        SITE:NUMBER, such as NODE-FPI:57; NUMBER alone where there is one record.
    json
        One JSON document.
    """
    with open_logs(folder) as logs:
        log, seq = find_entry(logs, entry)
        told = explain(log, seq)
    if json:
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    else:
        _tell(Console(highlight=False), told)
    return 0


def _tell(console: Console, told: Why) -> None:
    head = Text.assemble((told.entry, "bold"), f"  {told.kind}  {told.at}", (f"  {told.subject}", "dim"))
    console.print(head)
    _rows(console, "asked", _asked(told))
    _rows(console, "by", _signers(told))
    if told.place or told.claimed_at:
        claimed = f"; the signer's own time was {told.claimed_at}" if told.claimed_at else ""
        _rows(console, "where", [f"{told.place or 'no workstation named'}{claimed}"])
    if told.under is not None:
        title = f", {told.under.title}" if told.under.title else ""
        key = f" ({told.under.sha256[:16]}…)" if told.under.sha256 else ""
        _rows(console, "under", [f"{told.under.contract or 'contract'} version {told.under.version}{title}{key}"])
    _rows(console, "answer", [told.verdict], "green" if told.verdict == "allow" else "yellow")
    said = [(refusal.says, f"To go on: {refusal.helps}  [{refusal.code}]") for refusal in told.refusals]
    _rows(console, "refused", [line for pair in said for line in pair], "yellow")
    _rows(console, "gates", [f"{check.gate} {check.said}: {check.checks}" for check in told.gates])
    _rows(console, "rests on", [line for fact in told.rests_on for line in _fact(fact)])
    _rows(console, "so", list(told.became_true))
    _rows(console, "by itself", list(told.followed))


def _asked(told: Why) -> list[str]:
    lines = [f"{told.act}: {told.means}" if told.act else told.means]
    return [*lines, *(f"  {name}: {value}" for name, value in told.asked.items())]


def _fact(fact: Fact) -> list[str]:
    way = f", taken in as {fact.by_way_of}" if fact.by_way_of else ""
    return [f"{fact.entry} ({fact.at}{way})", *(f"  {says}" for says in fact.says)]


def _signers(told: Why) -> list[str]:
    lines = []
    for signer in told.signers:
        name = f" ({signer.name})" if signer.name else ""
        meaning = f", meaning {signer.meaning!r}" if signer.meaning else ""
        unlocked = f", unlocked by {signer.unlocked}" if signer.unlocked else ""
        lines.append(f"{signer.id}{name} as {signer.role}{meaning}{unlocked}")
    return lines


def _rows(console: Console, label: str, lines: list[str], style: str = "") -> None:
    """Lines under one label, wrapped to the console."""
    first = True
    for line in lines:
        room = max(console.width - INDENT, 20)
        for part in Text(line, style=style).wrap(console, room):
            console.print(Text(f"{label if first else '':<{INDENT}}", style="dim") + part)
            first = False
