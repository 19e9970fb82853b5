"""How a PIN is asked for: on the terminal, or from a file descriptor. Never from an argument or the environment.

What is written on a command line or in the environment is seen by every process of the machine, and kept by shells.
"""

import getpass
import os
import sys

from holdgate.crypto.keyfile import check_pin
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.limits import PINS_BYTES_MAX


def ask_pin(what: str, fd: int | None) -> str:
    """The PIN of something that is there.

    Args:
        what: whose or of what, for the prompt.
        fd: the file descriptor to read it from, one line; None: the terminal.

    Raises:
        Unavailable: there is no terminal, or nothing to read.
    """
    return _typed(f"PIN of {what}: ") if fd is None else read_lines(fd, 1)[0]


def new_pin(what: str, fd: int | None) -> str:
    """A PIN that somebody chooses: typed twice where it is typed.

    Raises:
        Malformed: it is too weak, or not the same twice. Unavailable: see `ask_pin`.
    """
    if fd is not None:
        pin = read_lines(fd, 1)[0]
        check_pin(pin)
        return pin
    pin = _typed(f"New PIN or passphrase for {what}: ")
    check_pin(pin)
    if _typed("The same again: ") != pin:
        raise Malformed("the two are not the same; nothing was written")
    return pin


def change_pin(what: str, fd: int | None) -> tuple[str, str]:
    """The old PIN and the new one; from a file descriptor, a line each.

    Raises:
        Malformed, Unavailable: see `new_pin`.
    """
    if fd is None:
        return ask_pin(what, None), new_pin(what, None)
    old, new = read_lines(fd, 2)
    check_pin(new)
    return old, new


def agreed(question: str, *, yes: bool) -> bool:
    """Whether the person at the terminal says yes. `yes`: they said so already, on the command line.

    Raises:
        Unavailable: there is nobody to ask.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise Unavailable("there is no terminal to ask on; --yes says that you read what is signed")
    sys.stdout.write(f"{question} Type yes: ")
    sys.stdout.flush()
    return sys.stdin.readline(20).strip().lower() == "yes"


def read_lines(fd: int, count: int) -> list[str]:
    """So many lines of a file descriptor.

    Raises:
        Unavailable: it cannot be read, or ends before. Malformed: it gives more than PINS are long, or no UTF-8.
    """
    raw = b""
    try:
        while raw.count(b"\n") < count and len(raw) <= PINS_BYTES_MAX and (chunk := os.read(fd, 512)):
            raw += chunk
    except OSError as error:
        raise Unavailable(f"no PIN can be read from file descriptor {fd}: {error.strerror}") from error
    if len(raw) > PINS_BYTES_MAX:
        raise Malformed(f"file descriptor {fd} gives more than a PIN")
    try:
        lines = [line.removesuffix("\r") for line in raw.decode().removesuffix("\n").split("\n")]
    except UnicodeDecodeError:
        raise Malformed(f"what file descriptor {fd} gives is no UTF-8 text") from None
    if len(lines) < count or not all(lines[:count]):
        raise Unavailable(f"file descriptor {fd} gives no PIN: {count} line{'s' * (count > 1)} wanted")
    return lines[:count]


def _typed(prompt: str) -> str:
    if not sys.stdin.isatty():
        raise Unavailable("there is no terminal to ask for the PIN on; hand it over with --pin-fd N")
    try:
        return getpass.getpass(prompt)
    except (EOFError, KeyboardInterrupt):
        raise Unavailable("no PIN was typed; nothing was done") from None
