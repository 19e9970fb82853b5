"""holdgate up: a whole shop in one process, with nothing else to install or start."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from starlette.routing import BaseRoute

from holdgate.adapters.sqlite_reception import SqliteReception
from holdgate.bootstrap import FLOOR_HUB
from holdgate.cli.demo import certified, technique
from holdgate.cli.run import serve
from holdgate.demo.live import lay_out, shortened
from holdgate.demo.stand import stand_routes
from holdgate.process import RECEPTION, open_whole
from holdgate.process import run as run_until_ended
from holdgate.terms.errors import Malformed

LISTEN = "127.0.0.1:8460"


def up(
    directory: Path | None = None,
    /,
    *,
    listen: str = LISTEN,
    demo: Annotated[bool, Parameter(negative=())] = False,
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
    """
    if not demo:
        if directory is None:
            raise Malformed("name the shop's directory (holdgate site init makes one), or look around with --demo")
        asyncio.run(_up(directory, listen))
        return 0
    if directory is not None:
        return _demo(directory, listen)
    with TemporaryDirectory(prefix="holdgate-demo-") as folder:
        return _demo(Path(folder) / "shop", listen)


def _demo(directory: Path, listen: str) -> int:
    if directory.exists() and any(directory.iterdir()):
        raise Malformed(f"{directory} is not empty; name a new or empty directory for the demonstration's shop")
    directory.mkdir(parents=True, exist_ok=True)
    reception = SqliteReception(directory / RECEPTION)
    try:
        kit = lay_out(directory, certified(shortened(technique())), reception)
    finally:
        reception.close()
    asyncio.run(_up(directory, listen, stand_routes(kit, f"/{FLOOR_HUB}/dock"), "/demo"))
    return 0


async def _up(directory: Path, listen: str, more: Sequence[BaseRoute] = (), first: str = "/") -> None:
    console = Console(highlight=False)
    async with open_whole(directory) as (shop, app):
        app.routes[:0] = more

        def say(address: str) -> None:
            console.print(f"[bold]{shop.charter.settings.name}[/] is up: {address}{first}", soft_wrap=True)
            for name in (*shop.sites, *shop.vaults):
                console.print(f"  {address}/{name}/status", soft_wrap=True)
            console.print("Ctrl-C ends it in good order.", soft_wrap=True)

        await run_until_ended(app, listen, serve, say)
    console.print("Every site is closed; nothing was lost.")
