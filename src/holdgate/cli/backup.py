"""holdgate backup: copies of a shop that fit together, putting them back, and a site's store from the Vault's copy."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console

from holdgate.adapters.host import HostClock
from holdgate.backup import back_up, read_manifest, rebuild_from_vault
from holdgate.backup import restore as put_back
from holdgate.terms import instant

backup = App(name="backup", help="Copy a shop's record, and put it back.", result_action="return_value")


@backup.command
def make(directory: Path, target: Path, /) -> int:
    """Copy every store of a shop, also while it is up; each copy is opened and checked.

    Parameters
    ----------
    directory
        The shop's directory.
    target
        A new folder. Private keys are not copied: keep the site.key files apart.
    """
    manifest = back_up(directory, target, HostClock().now())
    console = Console(highlight=False)
    for copied in manifest.stores:
        console.print(f"  {copied.path}  {copied.size} entries", soft_wrap=True)
    console.print(f"{target} holds {manifest.org} as of {instant.show(manifest.at)}.", soft_wrap=True)
    console.print("The keys are not in it: keep each site.key apart, or the logs cannot go on.", soft_wrap=True)
    return 0


@backup.command
def check(target: Path, /) -> int:
    """Hold every file of a backup against its manifest.

    Parameters
    ----------
    target
        The backup.
    """
    manifest = read_manifest(target)
    console = Console(highlight=False)
    console.print(f"{len(manifest.stores)} stores of {manifest.org}, all as they were on {instant.show(manifest.at)}.")
    return 0


@backup.command
def restore(target: Path, directory: Path, /) -> int:
    """Put a backup's stores back where there are none. A Vault that knows more stops the site at its start.

    Parameters
    ----------
    target
        The backup.
    directory
        The shop's directory, with each site's site.key in place.
    """
    manifest = put_back(target, directory)
    console = Console(highlight=False)
    console.print(f"{len(manifest.stores)} stores are back as of {instant.show(manifest.at)}.", soft_wrap=True)
    console.print("What was recorded since is not in them. Start the Vault first: it tells each site if it knows more.")
    return 0


@backup.command
def rebuild(
    directory: Path,
    site: str,
    /,
    *,
    mirror: Annotated[Path, Parameter(name="--mirror")],
) -> int:
    """Make a site's lost store anew from the Vault's copy; every decision in it is made again.

    Parameters
    ----------
    directory
        The shop's directory, with the site's site.key in place and its ledger.db gone.
    site
        The site, such as NODE-FPI.
    mirror
        The Vault's mirror.db, or a copy of it.
    """
    size = rebuild_from_vault(directory, site, mirror)
    Console(highlight=False).print(f"{site} has its {size} entries back; each was decided again and came out the same.")
    return 0
