"""holdgate run: one site of a shop as a process; the others run elsewhere, and all of them meet on a broker."""

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console
from starlette.applications import Starlette

from holdgate.adapters.http_serve import Limits, serving
from holdgate.adapters.http_site import BODY_BYTES_MAX
from holdgate.ledger.mirroring import UPLOAD_BYTES_MAX
from holdgate.process import KINDS, SiteConfig, open_one, read_config
from holdgate.process import run as run_until_ended

Kind = Literal["business-hub", "floor-hub", "node", "vault"]


def run(kind: Kind, /, *, config: Annotated[Path, Parameter(name="--config")]) -> int:
    """Open one site of a shop and keep it up until Ctrl-C or SIGTERM.

    Parameters
    ----------
    kind
        What the site is: business-hub, floor-hub, node or vault.
    config
        Its configuration in TOML: `site`, `data` (the shop's directory), `listen` (host:port), a floor hub's `broadcasts`.
    """
    asyncio.run(_run(read_config(config), kind))
    return 0


async def _run(config: SiteConfig, kind: Kind) -> None:
    console = Console(highlight=False)
    async with open_one(config, KINDS[kind]) as (site, app):
        console.print(f"{site.id} is up.")
        await run_until_ended(app, config.listen, serve, lambda address: console.print(f"  {address}/{site.id}/status"))
    console.print(f"{config.site} is closed; nothing was lost.")


def serve(app: Starlette, host: str, port: int) -> AbstractAsyncContextManager[int]:
    """Serve a site's application within the limits that its bodies need."""
    return serving(app, host, port, Limits(body_bytes=max(BODY_BYTES_MAX, UPLOAD_BYTES_MAX)))
