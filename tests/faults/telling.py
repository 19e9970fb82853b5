"""A whole shop that tells its targets and is killed, as by a power cut, at its next note that somebody was told.

python -m tests.faults.telling SHOP before|after
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from holdgate.adapters.sqlite_outbox import SqliteOutbox
from holdgate.engine.telling import Message
from holdgate.process import open_whole


def main(folder: Path, when: str) -> None:
    keep = SqliteOutbox.told

    def told(self: SqliteOutbox, target: str, message: Message, at: int) -> None:
        if when == "after":
            keep(self, target, message, at)
        os.kill(os.getpid(), signal.SIGKILL)

    SqliteOutbox.told = told  # type: ignore[method-assign]
    asyncio.run(_up(folder))


async def _up(folder: Path) -> None:
    async with open_whole(folder):
        await asyncio.sleep(300)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
