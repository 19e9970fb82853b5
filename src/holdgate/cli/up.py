"""holdgate up: a whole shop in one process, with nothing else to install or start."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, NamedTuple

from cyclopts import Parameter
from rich.console import Console
from starlette.routing import BaseRoute

from holdgate.adapters.event_loop import run
from holdgate.adapters.sqlite_reception import SqliteReception
from holdgate.cli.demo import certified, technique
from holdgate.cli.run import doors_of
from holdgate.demo.live import lay_out, shortened
from holdgate.demo.stand import stand_routes
from holdgate.process import PORTAL_PATHS, RECEPTION, open_whole, run_doors
from holdgate.terms.errors import Malformed

LISTEN = "127.0.0.1:8460"


def up(
    directory: Path | None = None,
    /,
    *,
    listen: str = LISTEN,
    demo: Annotated[bool, Parameter(negative=())] = False,
    tls: Path | None = None,
    portal: str = "",
    portal_tls: Path | None = None,
) -> int:
    """Open every site of a shop here and keep them up until Ctrl-C or SIGTERM.

    Parameters
    ----------
    directory
        The shop's directory (holdgate site init makes one).
    listen
        Where the sites are reached, as host:port.
    demo
        A shop to click through, with everybody's badge in your hands; in the directory (new or empty), or gone at the end.
    tls
        The folder with the certificate for it (holdgate tls init); browsers beyond this machine sign over https alone.
    portal
        A second address, host:port, that shows the clients' pages and nothing else.
    portal_tls
        The folder with the portal's own certificate: host.pem, its key and certificate in one file.
    """
    if demo:
        with TemporaryDirectory(prefix="holdgate-demo-") as folder:
            return _demo(directory or Path(folder) / "shop", listen)
    if directory is None:
        raise Malformed("name the shop's directory (holdgate site init makes one), or look around with --demo")
    run(_up(directory, Doorway(listen, tls, portal, portal_tls)))
    return 0


class Doorway(NamedTuple):
    """Where the sites are reached, and over which certificates."""

    listen: str
    tls: Path | None = None
    portal: str = ""
    portal_tls: Path | None = None


def _demo(directory: Path, listen: str) -> int:
    if directory.exists() and any(directory.iterdir()):
        raise Malformed(f"{directory} is not empty; name a new or empty directory for the demonstration's shop")
    directory.mkdir(parents=True, exist_ok=True)
    reception = SqliteReception(directory / RECEPTION)
    try:
        kit = lay_out(directory, certified(shortened(technique())), reception)
    finally:
        reception.close()
    run(_up(directory, Doorway(listen), stand_routes(kit), "/demo"))
    return 0


async def _up(directory: Path, at: Doorway, more: Sequence[BaseRoute] = (), first: str = "/") -> None:
    """Serve until the end. `more`: routes above the sites; `first`: where somebody begins."""
    console = Console(highlight=False)
    async with open_whole(directory) as (shop, app):
        app.routes[:0] = more
        doors = doors_of(app, at.listen, at.tls, at.portal, at.portal_tls)
        told: list[str] = []

        def say(address: str) -> None:
            told.append(address)
            if len(told) > 1:
                console.print(f"Clients: {address}{PORTAL_PATHS[0]}", soft_wrap=True)
                return
            console.print(f"[bold]{shop.charter.settings.name}[/] is up: {address}{first}", soft_wrap=True)
            for name in (*shop.sites, *shop.vaults):
                console.print(f"  {address}/{name}/status", soft_wrap=True)
            console.print("Ctrl-C ends it in good order.", soft_wrap=True)

        await run_doors(doors, say)
    console.print("Every site is closed; nothing was lost.")
