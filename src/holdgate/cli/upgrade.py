"""holdgate upgrade: let this release take over a shop, once it has decided everything in it again."""

from importlib import metadata
from pathlib import Path

from rich.console import Console

from holdgate.adapters.host import HostClock
from holdgate.upgrade import upgrade as take_over


def upgrade(directory: Path, backup: Path, /) -> int:
    """Back a shop up, decide every entry of its logs again under this release, and take over if nothing comes out otherwise.

    Parameters
    ----------
    directory
        The shop's directory; no site of it is open.
    backup
        A new folder for the backup that is made first.
    """
    version = metadata.version("holdgate")
    done = take_over(directory, backup, version, HostClock().now())
    console = Console(highlight=False)
    console.print(f"The shop as it was is in {backup}.", soft_wrap=True, markup=False)
    for site in done:
        console.print(f"  {site.site}  {site.size} entries, each decided again and the same", soft_wrap=True)
    console.print(
        f"Holdgate {version} has taken over; an older release does not open this shop any more.", soft_wrap=True
    )
    return 0
