"""holdgate run: one site of a shop as a process; the others run elsewhere, and all of them meet on a broker."""

from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console
from starlette.types import ASGIApp

from holdgate.adapters.event_loop import run as run_loop
from holdgate.adapters.http_serve import Limits, Secure, serving
from holdgate.adapters.http_site import Only
from holdgate.adapters.tls_context import Renewed
from holdgate.adapters.tls_files import show
from holdgate.process import KINDS, PORTAL_PATHS, Door, SiteConfig, open_one, read_config, run_doors
from holdgate.terms.limits import MIRROR_UPLOAD_BYTES_MAX, SUBMISSION_BYTES_MAX

Kind = Literal["business-hub", "floor-hub", "node", "vault"]


def run(
    kind: Kind,
    /,
    *,
    config: Annotated[Path, Parameter(name="--config")],
    tls: Path | None = None,
) -> int:
    """Open one site of a shop and keep it up until Ctrl-C or SIGTERM.

    Parameters
    ----------
    kind
        What the site is: business-hub, floor-hub, node or vault.
    config
        Its configuration in TOML: `site`, `data` (the shop's directory), `listen` (host:port), `tls` (a folder of holdgate tls
        init), `portal` (host:port) and `portal_tls` for clients, a floor hub's `broadcasts`,
        `scanner` (a program that looks at evidence before it is kept).
    tls
        The folder with its certificate, in place of the configuration's.
    """
    run_loop(_run(read_config(config), kind, tls))
    return 0


async def _run(config: SiteConfig, kind: Kind, tls: Path | None) -> None:
    console = Console(highlight=False)
    tls = tls or _folder(config.tls)
    async with open_one(config, KINDS[kind]) as (site, app):
        console.print(f"{site.id} is up.")
        doors = doors_of(app, config.listen, tls, config.portal, _folder(config.portal_tls))
        ends = iter((f"/{site.id}/status", PORTAL_PATHS[0]) if config.listen else (PORTAL_PATHS[0],))
        await run_doors(doors, lambda address: console.print(f"  {address}{next(ends)}", soft_wrap=True))
    console.print(f"{config.site} is closed; nothing was lost.")


def _folder(name: str) -> Path | None:
    return Path(name) if name else None


def doors_of(app: ASGIApp, listen: str, tls: Path | None, portal: str, portal_tls: Path | None) -> list[Door]:
    """Where an application is reached: all of it at one address, what clients may see of it at another.

    Raises:
        Unavailable, Malformed: a certificate that is not there, or does not hold.
    """
    doors = [_door(app, listen, tls)] if listen else []
    return [*doors, _door(Only(app, PORTAL_PATHS), portal, portal_tls)] if portal else doors


def _door(app: ASGIApp, listen: str, tls: Path | None) -> Door:
    if tls is None:
        return Door(app, listen, serve)
    return Door(app, listen, partial(serve, secure=Renewed(tls)), show(tls).hosts or ("localhost",))


def serve(app: ASGIApp, host: str, port: int, *, secure: Secure | None = None) -> AbstractAsyncContextManager[int]:
    """Serve a site's application within the limits that its bodies need."""
    return serving(app, host, port, Limits(body_bytes=max(SUBMISSION_BYTES_MAX, MIRROR_UPLOAD_BYTES_MAX)), secure)
