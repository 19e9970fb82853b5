"""holdgate tls: certificates of a shop's own, so that browsers on the floor can sign."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from rich.console import Console

from holdgate.adapters.host import HostClock
from holdgate.adapters.tls_context import HOST
from holdgate.adapters.tls_files import CA_CRT, CA_KEY, CA_PEM, Shown, make
from holdgate.adapters.tls_files import renew as renew_files
from holdgate.adapters.tls_files import show as show_files
from holdgate.terms import instant

DAY_US = 86_400 * instant.SECOND_US

tls = App(name="tls", help="Certificates of the shop's own, for https.", result_action="return_value")

Hosts = Annotated[tuple[str, ...], Parameter(name="--host")]
Domains = Annotated[tuple[str, ...], Parameter(name="--domain")]


@tls.command
def init(directory: Path, /, *, host: Hosts, domain: Domains = ()) -> int:
    """Make a local authority, and a certificate of this machine by it. Nothing is overwritten.

    Parameters
    ----------
    directory
        Where the files go.
    host
        A name under which browsers reach this machine, such as hub.floor.lan; again for another one. Passkeys want names.
    domain
        What the authority may vouch for, beyond the domains of the hosts.
    """
    _tell(directory, make(directory, host, HostClock().now(), domain))
    console = _console()
    console.print(
        f"Install {directory / CA_CRT} (or {CA_PEM}) on every tablet and desk; compare the fingerprint there."
    )
    console.print(f"{CA_KEY} is wanted by holdgate tls renew alone: keep it where few can reach it.")
    return 0


@tls.command
def renew(directory: Path, /, *, host: Hosts = ()) -> int:
    """Make a new key and certificate of this machine, by the same authority. A server that runs takes it up by itself.

    Parameters
    ----------
    directory
        Where the files are.
    host
        The names from now on; none: the ones there are.
    """
    _tell(directory, renew_files(directory, HostClock().now(), host))
    return 0


@tls.command
def show(directory: Path, /, *, json: bool = False) -> int:
    """Show which hosts a certificate names, until when, and the authority's fingerprint.

    Parameters
    ----------
    directory
        Where the files are.
    json
        One JSON document, and nothing else.
    """
    shown = show_files(directory)
    if json:
        sys.stdout.write(msgspec.json.encode(shown).decode() + "\n")
    else:
        _tell(directory, shown)
    return 0


def _tell(directory: Path, shown: Shown) -> None:
    console = _console()
    left = (shown.valid_to - HostClock().now()) // DAY_US
    console.print(f"{directory / HOST}: {', '.join(shown.hosts)}")
    console.print(f"  from {_day(shown.valid_from)} to {_day(shown.valid_to)} ({left} days left)")
    if shown.authority_to is not None:
        console.print(f"{directory / CA_PEM}: vouches for {', '.join(shown.domains)}, to {_day(shown.authority_to)}")
        console.print(f"  SHA-256 {shown.fingerprint[:39]}")
        console.print(f"          {shown.fingerprint[40:]}")


def _day(at: int) -> str:
    return instant.show(at)[:10]


def _console() -> Console:
    return Console(highlight=False, markup=False, soft_wrap=True)
