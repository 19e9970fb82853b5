"""holdgate options: what a person may do now at a site, and why not the rest."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter
from rich.console import Console

from holdgate.adapters.host import HostClock
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.audit.authorities import AUTHORITIES
from holdgate.bootstrap import read_trust
from holdgate.engine.opening import open_log
from holdgate.engine.source import StoreHistory
from holdgate.identity.charter import open_charter
from holdgate.law.chronicle import blank_state
from holdgate.law.denial import remedy, sentence
from holdgate.law.options import Option
from holdgate.law.options import options as ask
from holdgate.terms import instant
from holdgate.terms.errors import Malformed, Unavailable

SHOWN: Final = 3
"""Reasons that are shown of a refusal; --json has all."""


def options(
    *,
    data: Path,
    site: str,
    actor: Annotated[str, Parameter(name="--as")],
    role: str,
    place: str | None = None,
    at: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show what somebody may do now at a site, and why the rest is locked. Nothing is recorded.

    Parameters
    ----------
    data
        The shop's directory.
    site
        The site, such as NODE-FPI.
    actor
        The SMART-ID of whoever asks.
    role
        The role in which they would act.
    place
        The workstation at which they stand.
    at
        Another moment than now, such as 2026-04-01T13:00:00Z.
    json
        One JSON document.
    """
    now = HostClock().now() if at is None else instant.parse(at)
    found = _ask(data, site, actor, role, place, now)
    console = Console()
    if json:
        console.out(msgspec.json.encode(found).decode(), highlight=False)
        return 0
    for option in sorted(found, key=lambda option: not option.allowed):
        mark = "[green]may[/]    " if option.allowed else "[red]may not[/]"
        console.print(f"{mark}  {option.act:<20} {option.subject}", highlight=False, soft_wrap=True)
        for denial in option.denials[:SHOWN]:
            console.print(
                f"           {sentence(denial)} {remedy(denial)}", style="dim", highlight=False, soft_wrap=True
            )
    if not found:
        console.print(f"Nothing is open at {site} that {actor} could do as {role}.")
    return 0


def _ask(data: Path, site: str, actor: str, role: str, place: str | None, now: int) -> Sequence[Option]:
    trust = read_trust(data / "trust.json")
    try:
        charter = open_charter((data / "charter.json").read_bytes(), trust.roots)
    except OSError as error:
        raise Unavailable(f"{data} holds no shop: {error}") from error
    seat = next((seat for seat in charter.sites if seat.id == site and seat.kind in AUTHORITIES), None)
    if seat is None:
        names = ", ".join(seat.id for seat in charter.sites if seat.kind in AUTHORITIES)
        raise Malformed(f"{site} decides nothing in this shop; there are {names}")
    store = SqliteStore(data / site / "ledger.db", read_only=True)
    try:
        blank = blank_state(charter, seat.id, seat.kind)
        chronicle = open_log(store, blank, AUTHORITIES[seat.kind], StoreHistory(store), trust.roots).chronicle
        return ask(chronicle.state, chronicle.library, actor, role, now, place)
    finally:
        store.close()
