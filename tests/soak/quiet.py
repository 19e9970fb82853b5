"""How long a quiet reader waits beside a noisy one over a real broker: `python -m tests.soak.quiet JetStream --a-second 400`.

One floor hub, one broker, and a noisy reader in a process of its own that hands in so many genuine broadcasts a second and waits
for no answer. The quiet one hands in one after the other and waits for each answer, first alone, then beside the noise.
"""

import argparse
import asyncio
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.broadcasts import RIGS, Rig
from tests.conformance.test_broadcasts import Dock, dock_of, proven
from tests.unit.test_sites import House, governed

TIMES: Final = 300
"""Answers that are waited for, alone and beside the noise."""
LONGEST_S: Final = 30
"""How much noise is prepared."""
PARTS_A_SECOND: Final = 20


def flood(rig: Rig, noise: list[bytes], part: int) -> None:
    """Hand in a part at a time, evenly."""
    due = time.monotonic()
    for first in range(0, len(noise), part):
        rig.flood("SCN-2", noise[first : first + part])
        due += 1 / PARTS_A_SECOND
        time.sleep(max(0.0, due - time.monotonic()))


async def answers_ms(dock: Dock) -> tuple[float, float, float]:
    """How long answers took: the median, what one in twenty took longer than, and the longest."""
    took = []
    for _ in range(TIMES):
        envelope, began = dock.envelope(), time.perf_counter()
        answer = await dock.post(envelope)
        took.append((time.perf_counter() - began) * 1000)
        proven(dock, answer, envelope)
    took.sort()
    return took[TIMES // 2], took[TIMES * 95 // 100], took[-1]


async def measured(kind: str, a_second: int, place: Path, house: House) -> str:
    """Both, and their ratio."""
    async with dock_of(kind, place, house, forwarding=True, tls=False) as dock:
        alone = await answers_ms(dock)
        count = a_second * LONGEST_S
        noise = [house.sign(house.arrival("PO-1", "SCN-2", n + 1, (f"N-{n}",))) for n in range(count)]
        noisy = multiprocessing.get_context("fork").Process(
            target=flood, args=(dock.rig, noise, a_second // PARTS_A_SECOND)
        )
        noisy.start()
        await asyncio.sleep(1.5)
        beside = await answers_ms(dock)
        lasted = noisy.is_alive()
        noisy.terminate()
        noisy.join()
    times = tuple(b / a for a, b in zip(alone, beside, strict=True))
    words = [f"{one:.1f}, {two:.1f}, {most:.0f}" for one, two, most in (alone, beside)]
    over = "" if lasted else "; the noise was over before the quiet one had all its answers"
    return (
        f"{kind}, {a_second} a second (p50, p95, longest): alone {words[0]} ms, beside the noise {words[1]} ms: "
        f"{times[0]:.2f}, {times[1]:.2f} times{over}"
    )


def main(args: list[str]) -> int:
    """Measure it."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.quiet", description=__doc__)
    parser.add_argument("kind", choices=tuple(RIGS))
    parser.add_argument("--a-second", type=int, default=400)
    asked = parser.parse_args(args)
    with tempfile.TemporaryDirectory(prefix="holdgate-quiet-") as place:
        house = governed(Path(place))
        print(asyncio.run(measured(asked.kind, asked.a_second, Path(place), house)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
