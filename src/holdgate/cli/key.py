"""holdgate key: a person's own key, in a file that opens with a PIN."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from msgspec.json import encode, format  # noqa: A004 (the library's own word)
from rich.console import Console

from holdgate.adapters.new_file import put, write_new
from holdgate.cli.key_files import PUBLIC, PublicKey, find_key, is_public, public_bytes, read_public
from holdgate.cli.pin import change_pin, new_pin
from holdgate.crypto.keyfile import open_key, seal_key
from holdgate.crypto.keys import SigningKey, key_id
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import KEY_NAME_CHARS_MAX

key = App(
    name="key",
    help="Make a key of your own, sealed under a PIN; show it; change its PIN.",
    result_action="return_value",
)

PinFd = Annotated[int | None, Parameter(name="--pin-fd")]


@key.command
def make(
    file: Path,
    /,
    *,
    name: str = "",
    seal: Annotated[Path | None, Parameter(name="--seal")] = None,
    pin_fd: PinFd = None,
) -> int:
    """Make a key, sealed under a PIN that you choose, and beside it FILE.pub, which you give to others.

    Parameters
    ----------
    file
        A new file for the private key. It stays with you: on your own machine, or a stick that you carry.
    name
        Your SMART-ID, where you know it.
    seal
        Do not make a new key; seal this one, which lies open (as holdgate site init makes them for a try-out).
    pin_fd
        Read the PIN from this file descriptor (a line) instead of the terminal.
    """
    beside = file.with_name(f"{file.name}{PUBLIC}")
    for path in (file, beside):
        if path.exists():
            raise Malformed(f"{path} is there already; name a new file")
    if len(name) > KEY_NAME_CHARS_MAX:
        raise Malformed(f"the name of a key has at most {KEY_NAME_CHARS_MAX} characters")
    made, said = (SigningKey.generate(), name) if seal is None else _lying_open(seal, name)
    write_new(file, seal_key(made, new_pin(str(file), pin_fd), said), private=True)
    public = PublicKey(name=said, public=made.public.hex())
    write_new(beside, format(encode(public), indent=1) + b"\n")
    console = Console(highlight=False)
    _tell(console, said, made.public)
    console.print(
        f"  {file}  your private key, sealed: keep it, and a copy in a safe place", soft_wrap=True, markup=False
    )
    console.print(f"  {beside}  your public key: give it to whoever enrols you", soft_wrap=True, markup=False)
    if seal is not None:
        console.print(f"{seal} still lies open: destroy it now, and every copy of it.", soft_wrap=True, markup=False)
    return 0


@key.command
def show(file: Path, /) -> int:
    """Show the public key and its key id, of a private key's file or a public one's. Asks for no PIN.

    Parameters
    ----------
    file
        The file of a key.
    """
    if is_public(file):
        public = read_public(file)
        name, raw = public.name, public_bytes(public.public, str(file))
    else:
        found = find_key(file)
        name, raw = found.name, found.public
    _tell(Console(highlight=False), name, raw)
    return 0


@key.command
def repin(file: Path, /, *, pin_fd: PinFd = None) -> int:
    """Change the PIN of a key's file. The key stays the same. Copies of the file keep the old PIN.

    Parameters
    ----------
    file
        The file of a private key.
    pin_fd
        Read both PINs from this file descriptor: the old one on the first line, the new one on the second.
    """
    found = find_key(file)
    if found.sealed is None:
        raise Malformed(f"{file} is not sealed; holdgate key make NEW --seal {file} seals it")
    old, new = change_pin(str(file), pin_fd)
    put(file, seal_key(open_key(found.sealed, old), new, found.name), private=True)
    Console(highlight=False).print(f"{file} opens with the new PIN alone.", soft_wrap=True, markup=False)
    return 0


def _lying_open(path: Path, name: str) -> tuple[SigningKey, str]:
    found = find_key(path)
    if found.plain is None:
        raise Malformed(f"{path} is sealed already; holdgate key repin changes its PIN")
    return found.plain, name or found.name


def _tell(console: Console, name: str, public: bytes) -> None:
    said = "".join(sign if sign.isprintable() else "?" for sign in name)
    console.print(f"{said or 'nobody named'}", soft_wrap=True, markup=False)
    console.print(f"  key id      {key_id(public)}", markup=False)
    console.print(f"  public key  {public.hex()}", soft_wrap=True, markup=False)
