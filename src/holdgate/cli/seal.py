"""holdgate seal: the shop's seal on PDFs: make one, and check one."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import App, Parameter
from rich.console import Console

from holdgate.adapters.host import HostClock
from holdgate.adapters.new_file import write_new
from holdgate.cli.pin import ask_pin, new_pin
from holdgate.terms import instant
from holdgate.terms.errors import Unavailable

if TYPE_CHECKING:
    from holdgate.paper.seal import Seal

KEY: Final = "seal.key"
CERTIFICATE: Final = "seal.pem"
_MARK: Final = b"ENCRYPTED"

seal = App(name="seal", help="The shop's seal on reports and certificates.", result_action="return_value")


@seal.command
def init(
    folder: Path,
    /,
    *,
    organisation: str,
    pin: Annotated[bool, Parameter(negative="--no-pin")] = True,
    pin_fd: int | None = None,
) -> int:
    """Make a seal: an RSA key of 3,072 bits and a certificate by itself. Nothing is overwritten.

    A seal from a trust service fits too: put its key and certificate there as seal.key and seal.pem.

    Parameters
    ----------
    folder
        Where seal.key (0600) and seal.pem go.
    organisation
        Whose seal it is, as the certificate says it.
    pin
        Keep the key under a PIN. `--no-pin`: for a server that seals by itself; whoever reads the file can seal.
    pin_fd
        The file descriptor that gives the new PIN (default: asked on the terminal).
    """
    try:
        from holdgate.paper.seal import make_seal  # noqa: PLC0415  # optional: the extra `paper`
    except ImportError as error:
        raise _missing(error) from error
    chosen = new_pin(f"the seal of {organisation}", pin_fd) if pin else None
    made = make_seal(organisation, HostClock().now(), chosen)
    write_new(folder / KEY, made.key, private=True)
    write_new(folder / CERTIFICATE, made.certificate)
    console = Console(highlight=False, file=sys.stdout)
    console.print(f"{folder / CERTIFICATE}: give it to whoever checks your reports.", soft_wrap=True)
    console.print(
        f"{folder / KEY}: {'under its PIN' if pin else 'NOT under a PIN: keep its folder closed'}.", soft_wrap=True
    )
    return 0


@seal.command
def check(file: Path, /, *, certificate: tuple[Path, ...] = ()) -> int:
    """Verify the seal on a PDF, offline. Exit 1: it does not hold, or is by nobody that you trust.

    Parameters
    ----------
    file
        The PDF.
    certificate
        A certificate that you trust, such as the lab's seal.pem; again for another one.
    """
    try:
        from holdgate.paper.seal import check_seal  # noqa: PLC0415  # optional: the extra `paper`
    except ImportError as error:
        raise _missing(error) from error
    found = check_seal(_read(file), [_read(path) for path in certificate])
    console = Console(highlight=False, file=sys.stdout)
    console.print(f"The file is whole and unchanged since it was sealed by {found.by}.", soft_wrap=True)
    if found.at:
        console.print(f"The seal says that this was at {instant.show(found.at)}.", soft_wrap=True)
    if found.attachments:
        console.print(f"Inside: {', '.join(found.attachments)}.", soft_wrap=True, markup=False)
    if not found.trusted:
        console.print("[yellow]It is by no certificate that you named as trusted.[/]", soft_wrap=True)
    return 0 if found.trusted else 1


def open_at(folder: Path, pin_fd: int | None) -> "Seal":
    """The seal in a folder; its PIN is asked for where it has one.

    Raises:
        Unavailable: there is none, or what seals PDFs is not installed. Tampered, Malformed: see `holdgate.paper.seal.open_seal`.
    """
    try:
        from holdgate.paper.seal import Made, open_seal  # noqa: PLC0415  # optional: the extra `paper`
    except ImportError as error:
        raise _missing(error) from error
    made = Made(key=_read(folder / KEY), certificate=_read(folder / CERTIFICATE))
    return open_seal(made, ask_pin(f"the seal in {folder}", pin_fd) if _MARK in made.key else None)


def _missing(error: ImportError) -> Unavailable:
    return Unavailable(f"PDFs cannot be sealed here ({error.name} is missing): pip install 'holdgate[paper]'")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror or error}") from error
