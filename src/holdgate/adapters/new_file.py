"""Files that are whole, and on the disk when this returns: written once, never over another one; or put in another one's place."""

import os
from pathlib import Path

from holdgate.terms.errors import Malformed


def write_new(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write a new file; its folder is made where it is missing. `private`: for its owner's eyes alone (0600).

    Raises:
        Malformed: there is a file already; it stays as it is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644)
    except FileExistsError:
        raise Malformed(f"{path} is there already; nothing is written over it. Move it away to begin anew") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _flush_folder(path.parent)


def put(path: Path, content: bytes, *, private: bool = False) -> None:
    """Put a file in the place of another one, if there is one: readers see the old one or the new one, whole."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    write_new(new, content, private=private)
    new.replace(path)
    _flush_folder(path.parent)


def _flush_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
