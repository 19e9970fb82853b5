"""Folders that are made once in a run of tests, whichever worker asks first, and are thrown away at its end.

Nobody opens or writes to what is kept: `copied` gives a copy, so that no test sees another's doings.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

PLACE: Final = "HOLDGATE_TESTS_KEPT"
"""Environment variable: where the run keeps them; set by tests/conftest.py before workers start."""


def begin() -> None:
    """A run begins: a place for it."""
    os.environ[PLACE] = tempfile.mkdtemp(prefix="holdgate-tests-")


def end() -> None:
    """A run ends: nothing is left of it."""
    shutil.rmtree(os.environ.pop(PLACE), ignore_errors=True)


def kept(name: str, make: Callable[[Path], object]) -> Path:
    """The folder of this name, filled by `make` where nobody has made it yet; whoever asks meanwhile waits."""
    place = Path(os.environ[PLACE])
    whole = place / name
    with (place / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            making = place / f"{name}.making"
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            make(making)
            making.rename(whole)
    return whole


def copied(name: str, make: Callable[[Path], object], to: Path) -> Path:
    """A copy of that folder, to do with as one likes. `to`: where it is to be."""
    return Path(shutil.copytree(kept(name, make), to, dirs_exist_ok=True))
