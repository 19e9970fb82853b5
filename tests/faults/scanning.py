"""A reader's process for test_reader_crashes: it scans and delivers without end until it is killed.

Arguments: folder, seed. After each scan that is kept it writes its serial to standard output; the hub is a file, whose
link is down now and then.
"""

import random
import sys
from pathlib import Path

from holdgate.reader import Outbox, Reader
from tests.floor_hub import LOG, READER_KEY, FileHub


def main(folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    hub = FileHub(folder / "hub")
    reader = Reader(
        "SCN-1", READER_KEY, outbox=Outbox(folder / "outbox.db", "SCN-1", "FLOOR"), site="FLOOR", link=hub, log=LOG
    )
    for number in range(100_000):
        serial = f"{seed}-{number}"
        reader.scan("4512-7", "C", (serial,), 1)
        sys.stdout.write(serial + "\n")
        sys.stdout.flush()
        hub.down, hub.deaf = chance.random() < 0.3, chance.random() < 0.2
        reader.deliver()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
