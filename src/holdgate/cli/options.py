"""holdgate options: what a person may do now at a site, what waits for whom, what is locked and by what, what is done."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import Parameter
from msgspec.structs import asdict
from rich.console import Console
from rich.text import Text

from holdgate.cli.standing import moment_of, open_standing
from holdgate.law.denial import remedy, sentence
from holdgate.law.options import Option
from holdgate.law.options import options as ask
from holdgate.law.outlook import ALLOWED, DONE, GROUPS, LOCKED, TOOK_EFFECT, WAITING, group_of, unlocks, waits_for
from holdgate.law.state import State
from holdgate.query.checks import sentence_of
from holdgate.terms.errors import Malformed

SHOWN: Final = 3
"""Reasons that are shown of a refusal; --json has all."""
_HEADS: Final = {
    ALLOWED: ("May do now", "green"),
    WAITING: ("Waits for somebody or something else", "cyan"),
    LOCKED: ("Locked, and what unlocks it", "yellow"),
    DONE: ("Done", "dim"),
}


def options(
    about: str | None = None,
    /,
    *,
    data: Path,
    site: str,
    actor: Annotated[str, Parameter(name="--as")],
    role: str | None = None,
    place: str | None = None,
    at: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show what somebody may do now at a site: allowed, waiting, locked, done. Nothing is recorded.

    Parameters
    ----------
    about
        One subject: a job (PO-1001/J-1), an order, report, contract, person, instrument or batch; without, all.
    data
        The shop's directory.
    site
        The site, such as NODE-FPI.
    actor
        The SMART-ID of whoever asks.
    role
        The role in which they would act (default: the first that they hold).
    place
        The workstation at which they stand.
    at
        Another moment than now, such as 2026-04-01T13:00:00Z.
    json
        One JSON document.
    """
    now = moment_of(at)
    with open_standing(data, site) as standing:
        held = role or _first_role(standing.state, actor)
        found = ask(standing.state, standing.library, actor, held, now, place, about)
    console = Console(highlight=False)
    if json:
        sys.stdout.write(msgspec.json.encode([_document(option) for option in found]).decode() + "\n")
        return 0
    for group in GROUPS:
        _tell(console, group, [option for option in found if group_of(option.denials) == group])
    if not found:
        console.print(f"Nothing is open{f' on {about}' if about else ''} at {site} that {actor} could do as {held}.")
    return 0


def _first_role(state: State, actor: str) -> str:
    identity = state.identities.get(actor)
    if identity is None or not identity.roles:
        raise Malformed(f"{actor[:80]} is not enrolled at {state.site}; name the role with --role")
    return identity.roles[0]


def _document(option: Option) -> dict[str, Any]:
    """The JSON of one option: the law's answer, its group, and every sentence."""
    return {
        **asdict(option),
        "group": group_of(option.denials),
        "waits_for": waits_for(option.denials),
        "unlocked_by": unlocks(option.denials),
        "reasons": [
            {"code": denial.code, "rule": denial.gate, "says": sentence(denial), "helps": remedy(denial)}
            for denial in option.denials
        ],
    }


def _tell(console: Console, group: str, found: list[Option]) -> None:
    if not found:
        return
    title, style = _HEADS[group]
    console.print(Text(title, style=f"bold {style}"))
    for option in found:
        asks = f"  (fill in: {', '.join(option.asks)})" if option.asks and option.allowed else ""
        console.print(f"  {option.act:<20} {option.subject}  {_which(option)}{asks}", soft_wrap=True)
        if group == WAITING:
            console.print(f"      waits for {'; '.join(waits_for(option.denials))}", style="dim", soft_wrap=True)
        elif group != ALLOWED:
            for denial in [denial for denial in option.denials if group != DONE or denial.code in TOOK_EFFECT][:SHOWN]:
                helps = "" if group == DONE else f" {remedy(denial)}"
                rule = f" [{denial.gate}: {sentence_of(denial.gate)}]" if group == LOCKED else ""
                console.print(Text(f"      {sentence(denial)}{helps}{rule}", style="dim"), soft_wrap=True)


_TOLD: Final = (
    "step",
    "characteristic",
    "serial",
    "result",
    "disposition",
    "decision",
    "milestone",
    "rule",
    "param",
    "document",
)


def _which(option: Option) -> str:
    """The fields that tell two options of one act apart."""
    return " ".join(str(option.fields[name]) for name in _TOLD if option.fields.get(name))
