"""One process opens a site at a time: a lock file that the system releases when the process ends, however it ends."""

import fcntl
import os
from pathlib import Path
from typing import Final

from holdgate.terms.errors import Unavailable

NAME: Final = "lock"


class SiteLock:
    """The lock on a site's directory.

    Args:
        directory: the site's; must exist.

    Raises:
        Unavailable: another process has the site open; it is named where it can be.
    """

    def __init__(self, directory: Path) -> None:
        path = directory / NAME
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Unavailable(f"the lock {path} cannot be made: {error}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._file, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise Unavailable(
                f"{directory.name} is open in another process (process {holder}); stop that one first"
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let go. The file stays: what counts is who holds it."""
        os.close(self._file)
