"""holdgate up: a whole shop in one process, with nothing else to install or start."""

import asyncio
from pathlib import Path

from rich.console import Console

from holdgate.cli.run import serve
from holdgate.process import open_whole
from holdgate.process import run as run_until_ended

LISTEN = "127.0.0.1:8460"


def up(directory: Path, /, *, listen: str = LISTEN) -> int:
    """Open every site of a shop here and keep them up until Ctrl-C or SIGTERM.

    Parameters
    ----------
    directory
        The shop's directory (holdgate site init makes one).
    listen
        Where the sites are reached, as host:port.
    """
    asyncio.run(_up(directory, listen))
    return 0


async def _up(directory: Path, listen: str) -> None:
    console = Console(highlight=False)
    async with open_whole(directory) as (shop, app):

        def say(address: str) -> None:
            console.print(f"[bold]{shop.charter.settings.name}[/] is up.", soft_wrap=True)
            for name in (*shop.sites, *shop.vaults):
                console.print(f"  {address}/{name}/status", soft_wrap=True)
            console.print("Ctrl-C ends it in good order.", soft_wrap=True)

        await run_until_ended(app, listen, serve, say)
    console.print("Every site is closed; nothing was lost.")
