"""A scanner for viruses of the operator's own choice, asked about each file before it is kept.

The program gets the file on its standard input. It says by its exit status what `clamdscan` and `clamscan` say: 0 nothing found, 1
something found (named in its first line), anything else: it could not look. What could not be looked at is not kept.
"""

import asyncio
import os
import re
import subprocess
from collections.abc import Sequence
from typing import Final

from holdgate.terms.errors import Unavailable
from holdgate.terms.limits import SCANS_AT_ONCE_MAX

DEADLINE_S: Final = 30.0
CLEAN: Final = 0
FOUND: Final = 1
SHOWN: Final = 120
"""Characters of a scanner's words that are shown."""


class Scanner:
    """Asks a program. `command`: it and its arguments, from the configuration; `deadline_s`: how long it may look."""

    def __init__(self, command: Sequence[str], deadline_s: float = DEADLINE_S) -> None:
        self._command = tuple(command)
        self._deadline_s = deadline_s
        self._turns = asyncio.Semaphore(SCANS_AT_ONCE_MAX)

    async def __call__(self, content: bytes) -> str:
        """What was found in a file, in the scanner's words; "" for nothing.

        Raises:
            Unavailable: the scanner is not there, could not look, or took too long.
        """
        async with self._turns:
            done = await asyncio.to_thread(self._asked, content)
        if done.returncode == CLEAN:
            return ""
        if done.returncode == FOUND:
            said = done.stdout.decode("ascii", "replace").strip()
            return re.sub(r"[^ -~]+", " ", said)[:SHOWN] or "no name was given"
        raise Unavailable(
            f"the scanner could not look (status {done.returncode}); the file was not taken in, bring it again later"
        )

    def _asked(self, content: bytes) -> "subprocess.CompletedProcess[bytes]":
        try:
            return subprocess.run(  # noqa: S603  # the operator's own program, from the configuration; no shell
                [*self._command],
                input=content,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PATH": os.defpath, "LC_ALL": "C"},
                timeout=self._deadline_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Unavailable("the scanner took too long; the file was not taken in, bring it again later") from None
        except OSError as error:
            raise Unavailable(f"the scanner {self._command[0]} cannot be started: {error.strerror}") from error
