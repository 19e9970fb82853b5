"""One site of a shop as a process, as `holdgate run` opens it; and it tells when what others said became durable here.

Run as a program: KIND CONFIG TOLD. A line is added to the file TOLD once the site is up, and for every durable entry that
takes in a stretch of another log or an order. Times are those of this machine's clock, read after the flush.
"""

import sys
from collections.abc import Callable
from io import FileIO
from pathlib import Path

import msgspec
from msgspec import Struct

from holdgate.adapters.event_loop import run as run_loop
from holdgate.adapters.host import HostClock
from holdgate.adapters.http_serve import Limits, serving
from holdgate.engine.answer import Sealed
from holdgate.law import event as ev
from holdgate.process import open_one, read_config, run
from holdgate.sites.site import Site
from holdgate.terms.limits import SUBMISSION_BYTES_MAX


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """At `at` (UTC µs) this was durable: the site itself (neither), an order, or [start, size) of a log."""

    at: int
    order: str = ""
    origin: str = ""
    start: int = 0
    size: int = 0


def read_told(path: Path) -> list[Told]:
    """What a process told so far; a line that is not whole yet is left."""
    if not path.exists():
        return []
    whole = path.read_bytes().rpartition(b"\n")[0]
    return [msgspec.json.decode(line, type=Told) for line in whole.splitlines()]


def telling(say: Callable[[Told], None]) -> Callable[[Sealed], None]:
    """A watcher of a site's durable groups."""

    def sealed(group: Sealed) -> None:
        at = HostClock().now()
        for draft in group.drafts:
            for event in draft.decision.events:
                if isinstance(event, ev.OrderReceived):
                    say(Told(at=at, order=event.order))
                elif isinstance(event, ev.Imported):
                    say(Told(at=at, origin=event.origin, start=event.start, size=event.size))

    return sealed


async def main(kind: str, config: Path, told: FileIO) -> None:
    """Open the site and keep it up until SIGTERM."""

    def say(what: Told) -> None:
        told.write(msgspec.json.encode(what) + b"\n")

    given = read_config(config)
    async with open_one(given, kind) as (site, app):
        if isinstance(site, Site):
            site.watchers.append(telling(say))
        say(Told(at=HostClock().now()))
        limits = Limits(body_bytes=SUBMISSION_BYTES_MAX)
        await run(app, given.listen, lambda shown, host, port: serving(shown, host, port, limits), lambda _: None)


if __name__ == "__main__":
    with FileIO(sys.argv[3], "a") as file:
        run_loop(main(sys.argv[1], Path(sys.argv[2]), file))
