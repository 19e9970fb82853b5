"""holdgate notify: who outside is told of a site's log: the key of webhooks, a test, how far each was told, trying again."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.text import Text

from holdgate.adapters.host import HostClock, HostEntropy
from holdgate.adapters.sqlite_outbox import SqliteOutbox
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.adapters.webhook import public_text
from holdgate.bootstrap import read_premises
from holdgate.engine.telling import TargetStatus
from holdgate.notifying import CONFIG, OUTBOX, TELLERS, channel_of, read_notify_config, webhook_key
from holdgate.query.notices import TEST, Notice
from holdgate.sites.notifier import status_of
from holdgate.terms import instant
from holdgate.terms.errors import Malformed
from holdgate.terms.instant import SECOND_US

FAILED = 1

notify = App(name="notify", help="Tell people and systems outside what the log says.", result_action="return_value")


class _Place(NamedTuple):
    """A hub of a shop on this machine."""

    site: str
    origin: str
    folder: Path
    shop: str


def _place(data: Path, site: str | None) -> _Place:
    premises = read_premises(data)
    hubs = [seat for seat in premises.seats() if seat.kind in TELLERS]
    seat = next((s for s in hubs if (s.kind == "business_hub" if site is None else s.id == site)), None)
    if seat is None:
        raise Malformed(f"{site or 'the business hub'} tells nobody; of this shop {', '.join(s.id for s in hubs)} can")
    return _Place(seat.id, seat.origin, data / seat.id, premises.charter.settings.name)


@notify.command
def key(*, data: Path, site: str | None = None) -> int:
    """Show the public key under which a hub's webhooks verify; the key is made where there is none yet.

    Parameters
    ----------
    data
        The shop's directory.
    site
        The hub (default: the business hub).
    """
    sys.stdout.write(f"{public_text(webhook_key(_place(data, site).folder))}\n")
    return 0


@notify.command(name="test")
def send_test(
    target: str, /, *, data: Path, site: str | None = None, config: Annotated[Path | None, Parameter("--config")] = None
) -> int:
    """Send a test to a target now, as the hub would. Nothing is noted.

    Parameters
    ----------
    target
        Its name in the configuration.
    data
        The shop's directory.
    site
        The hub (default: the business hub).
    config
        Who is told (default: notify.toml in the shop's directory).
    """
    place, clock = _place(data, site), HostClock()
    said = read_notify_config(config or data / CONFIG)
    wanted = next((one for one in said.targets if one.name == target), None)
    if wanted is None:
        raise Malformed(f"there is no target {target[:80]}; there are {', '.join(one.name for one in said.targets)}")
    notice = Notice(
        id=f"{place.origin}/test/{HostEntropy().token()}",
        kind=TEST,
        origin=place.origin,
        place="",
        subject="",
        at=clock.now() // SECOND_US * SECOND_US,
        says=f"A test: {place.site} can tell you",
    )
    reply = asyncio.run(channel_of(wanted, said, place.folder, place.shop, clock.now).send([notice]))
    console = Console(highlight=False)
    console.print(f"{target} took it." if reply.told else f"{target} did not take it: {reply.says}", soft_wrap=True)
    return 0 if reply.told else FAILED


@notify.command
def status(*, data: Path, site: str | None = None, json: Annotated[bool, Parameter(negative=())] = False) -> int:
    """Show how far each target was told, also while the hub is up.

    Parameters
    ----------
    data
        The shop's directory.
    site
        The hub (default: the business hub).
    json
        One JSON document.
    """
    place = _place(data, site)
    found = _standing(place)
    if json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        _tell(place.site, found)
    return FAILED if any(one.failed for one in found) else 0


@notify.command
def resume(
    target: str, /, *, data: Path, site: str | None = None, skip: Annotated[bool, Parameter(negative=())] = False
) -> int:
    """Try a target again now, also while the hub is up.

    Parameters
    ----------
    target
        Its name.
    data
        The shop's directory.
    site
        The hub (default: the business hub).
    skip
        Leave out the one message that it did not take.
    """
    place = _place(data, site)
    outbox = _outbox(place)
    try:
        if outbox is None or not outbox.resume(target, skip=skip):
            raise Malformed(f"{place.site} never told {target[:80]}; holdgate notify status lists whom it tells")
    finally:
        if outbox is not None:
            outbox.close()
    Console(highlight=False).print(f"{target} is told again from where it was left.", soft_wrap=True)
    return 0


def _outbox(place: _Place) -> SqliteOutbox | None:
    path = place.folder / OUTBOX
    return SqliteOutbox(path) if path.is_file() else None


def _standing(place: _Place) -> list[TargetStatus]:
    outbox = _outbox(place)
    if outbox is None:
        return []
    store = SqliteStore(place.folder / "ledger.db", read_only=True)
    try:
        size = store.head().size
        return [status_of(name, cursor, size) for name, cursor in outbox.cursors().items()]
    finally:
        store.close()
        outbox.close()


def _tell(site: str, found: list[TargetStatus]) -> None:
    console = Console(highlight=False)
    for one in found:
        last = f", last {instant.show(one.told_at - one.told_at % SECOND_US)}" if one.told_at else ""
        style = "bold red" if one.failed else "yellow" if one.tries else ""
        line = Text.assemble(f"{one.name}: {one.told} told{last}, {one.behind} entries behind", (fault_of(one), style))
        console.print(line, soft_wrap=True)
    if not found:
        console.print(f"{site} has told nobody yet.", soft_wrap=True)


def fault_of(one: TargetStatus) -> str:
    """What is the matter with a target, in words; empty where nothing is."""
    if one.failed:
        return f"; given up after {one.tries} attempts: {one.fault}; holdgate notify resume {one.name} tries again"
    return f"; {one.tries} attempts failed: {one.fault}" if one.tries else ""
