"""holdgate up: a whole shop in one process, with nothing else to install or start."""

from pathlib import Path

from rich.console import Console

from holdgate.adapters.event_loop import run
from holdgate.cli.run import doors_of
from holdgate.process import PORTAL_PATHS, open_whole, run_doors

LISTEN = "127.0.0.1:8460"


def up(
    directory: Path,
    /,
    *,
    listen: str = LISTEN,
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
    tls
        The folder with the certificate for it (holdgate tls init); browsers beyond this machine sign over https alone.
    portal
        A second address, host:port, that shows the clients' pages and nothing else.
    portal_tls
        The folder with the portal's own certificate: host.pem, its key and certificate in one file.
    """
    run(_up(directory, listen, tls, portal, portal_tls))
    return 0


async def _up(directory: Path, listen: str, tls: Path | None, portal: str, portal_tls: Path | None) -> None:
    console = Console(highlight=False)
    async with open_whole(directory) as (shop, app):
        doors = doors_of(app, listen, tls, portal, portal_tls)
        told: list[str] = []

        def say(address: str) -> None:
            told.append(address)
            if len(told) > 1:
                console.print(f"Clients: {address}{PORTAL_PATHS[0]}", soft_wrap=True)
                return
            console.print(f"[bold]{shop.charter.settings.name}[/] is up.", soft_wrap=True)
            for name in (*shop.sites, *shop.vaults):
                console.print(f"  {address}/{name}/status", soft_wrap=True)
            console.print("Ctrl-C ends it in good order.", soft_wrap=True)

        await run_doors(doors, say)
    console.print("Every site is closed; nothing was lost.")
