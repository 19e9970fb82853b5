"""Open the bench's big node in this process and say how long it took: `python -m holdgate.bench.reopen DIR`."""

import asyncio
import sys
import time
from pathlib import Path

import msgspec
from msgspec import Struct


class Opened(Struct, frozen=True, kw_only=True):
    """How a big site opened, in a process of its own. `import_s`: loading the program; `rss_mb`: peak memory."""

    op: str
    entries: int
    open_jobs: int
    tail: int
    import_s: float
    open_s: float
    rss_mb: float


def peak_mb() -> float:
    """Peak memory of this process alone (getrusage would count the parent that forked it)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


async def reopen(folder: Path) -> Opened:
    """Open the node from its snapshot; nothing else is on the bus."""
    began = time.perf_counter()
    from holdgate.bootstrap import Shop  # noqa: PLC0415  # loading the program is part of what is timed

    imported = time.perf_counter()
    shop = Shop(folder)
    node = await shop.open_site(next(seat.id for seat in shop.charter.sites if seat.kind == "node"))
    opened = time.perf_counter()
    state = node.chronicle.state
    found = Opened(
        op="open",
        entries=node.spine.size,
        open_jobs=len(state.jobs),
        tail=node.tail,
        import_s=round(imported - began, 3),
        open_s=round(opened - imported, 3),
        rss_mb=peak_mb(),
    )
    shop.close()
    return found


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(reopen(Path(sys.argv[1])))))
