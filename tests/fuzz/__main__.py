"""Fuzzing from the command line: `python -m tests.fuzz [--executions N] [--seed N] [--only NAME,...]`; `make fuzz` runs a million.

`python -m tests.fuzz --atheris TARGET [arguments of libFuzzer]` runs one target under atheris, which is no part of the locked
packages (it has no wheel for aarch64): pip install atheris.
"""

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.scores import record

MILLION = 1_000_000


def main(arguments: list[str]) -> int:
    """Run; 1 where something was found."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__.partition("\n")[0] if __doc__ else ""
    )
    parser.add_argument("--executions", type=int, default=MILLION)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="targets, with commas between them")
    parser.add_argument("--atheris", metavar="TARGET", help="run one target under atheris until it is stopped")
    asked, rest = parser.parse_known_args(arguments)
    if asked.atheris:
        return guided(asked.atheris, rest)
    from tests.fuzz.all import TARGETS, shares
    from tests.fuzz.running import run

    wanted = {name: TARGETS[name] for name in asked.only.split(",")} if asked.only else TARGETS
    bad, tried, began = 0, 0, time.monotonic()
    for name, executions in shares(wanted, asked.executions).items():
        ran = run(wanted[name], executions, asked.seed)
        tried, bad = tried + ran.executions, bad + len(ran.findings)
        rate = ran.executions / max(ran.seconds, 1e-6)
        print(
            f"{name:18s} {ran.executions:8d} executions, {ran.read:7d} read, {ran.shapes:4d} reasons, slowest "
            f"{1000 * ran.slowest_s:6.1f} ms, {rate:7.0f}/s",
            *ran.findings,
            sep="\n    ",
            flush=True,
        )
    command = f"python -m tests.fuzz --executions {asked.executions} --seed {asked.seed}"
    if not asked.only:
        record(10, "fuzz", tried, "fuzz executions", bad, seconds=time.monotonic() - began, command=command, soak=True)
    print(f"{tried} executions of {len(wanted)} targets, {bad} findings")
    return 1 if bad else 0


def guided(name: str, rest: list[str]) -> int:
    """One target under atheris, from the same seeds."""
    try:
        import atheris
    except ImportError:
        print("atheris is not installed: pip install atheris (wheels for x86_64; elsewhere it builds with clang)")
        return 2
    tool: Any = atheris
    with tool.instrument_imports(include=["holdgate"]):
        from tests.fuzz.all import TARGETS
    from tests.fuzz.running import outcome

    target = TARGETS[name]

    def once(raw: bytes) -> None:
        how, said = outcome(target, raw)
        if how == "crash":
            raise AssertionError(f"{name}({raw!r}): {said}")

    with TemporaryDirectory(prefix=f"holdgate-fuzz-{name}-") as place:
        for number, raw in enumerate(target.seeds()):
            Path(place, str(number)).write_bytes(raw)
        tool.Setup([sys.argv[0], *rest, place], once)
        tool.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
