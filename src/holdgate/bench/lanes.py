"""Quiet people and a noisy one, as `bench.noisy` has them: how each hands in its acts, in this process or over HTTP.

Run as a program: PORT PATH FILE TOLD. FILE holds a `Plan`; to TOLD is written what came of it. Somebody noisy goes on until the
standard input ends.
"""

import asyncio
import itertools
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from holdgate.adapters.event_loop import run
from holdgate.bench.callers import HOST, KIND

GENUINE: Final = "genuine"
AGAIN: Final = "the same again"
BAD: Final = "bad signatures"
PACE_S: Final = 0.04
"""A quiet one hands in an act so often."""
RETRY_S: Final = 0.1
"""When a quiet one that was told to slow down asks again; its act takes all of that time."""
ADDRESSES: Final = 4
"""Over so many addresses the noisy one sends."""


class Plan(Struct, frozen=True, kw_only=True):
    """Whose acts are handed in: each list is one lane, one act at a time. `kind`: the noise; "" for quiet people."""

    lanes: list[list[bytes]]
    kind: str = ""


class Told(Struct, kw_only=True):
    """What came of it. `took`: seconds of each act of the quiet ones; `done`: acts that were answered to the noisy one.

    `refused`: how often either was told to slow down.
    """

    took: list[float] = []
    done: int = 0
    refused: int = 0


Send = Callable[[bytes], Awaitable[bool]]
"""Hands in an act; whether it was decided. If not, its sender was told to slow down."""
Open = Callable[[str], Awaitable[Send]]
"""Opens a lane from an address."""


async def play(plan: Plan, opened: Open, told: Told) -> None:
    """Hand in everything; noise goes on until its acts end, or it is cancelled."""
    if plan.kind:
        await asyncio.gather(*(_noisy(plan, n, opened, told) for n in range(len(plan.lanes))))
    else:
        await asyncio.gather(*(_quiet(plan, n, opened, told) for n in range(len(plan.lanes))))


async def _noisy(plan: Plan, number: int, opened: Open, told: Told) -> None:
    """The next act as soon as the last one is answered."""
    send = await opened(f"127.0.1.{1 + number % ADDRESSES}")
    for raw in _noise(plan.kind, plan.lanes[number]):
        if await send(raw):
            told.done += 1
        else:
            told.refused += 1
        await asyncio.sleep(0)


def _noise(kind: str, lane: list[bytes]) -> Iterator[bytes]:
    if kind == GENUINE:
        return iter(lane)
    return itertools.repeat(lane[0] if kind == AGAIN else spoiled(lane[0]))


def spoiled(raw: bytes) -> bytes:
    """An act with a signature that does not hold."""
    place = raw.index(b'"sig":"') + 20
    return raw[:place] + (b"B" if raw[place : place + 1] == b"A" else b"A") + raw[place + 1 :]


async def _quiet(plan: Plan, number: int, opened: Open, told: Told) -> None:
    """An act each `PACE_S`."""
    send = await opened(f"127.0.0.{2 + number}")
    due = time.perf_counter() + number * PACE_S / len(plan.lanes)
    for raw in plan.lanes[number]:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        due += PACE_S
        began = time.perf_counter()
        while not await send(raw):
            told.refused += 1
            await asyncio.sleep(RETRY_S)
        told.took.append(time.perf_counter() - began)


def over_http(port: int, path: str) -> Open:
    """Lanes that are connections of their own."""

    async def opened(address: str) -> Send:
        reader, writer = await asyncio.open_connection(HOST, port, local_addr=(address, 0))

        async def send(raw: bytes) -> bool:
            head = f"POST {path} HTTP/1.1\r\nhost: {HOST}\r\ncontent-type: {KIND}\r\ncontent-length: {len(raw)}\r\n\r\n"
            writer.write(head.encode() + raw)
            answered = await reader.readuntil(b"\r\n\r\n")
            length = int(answered.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            return not answered.startswith(b"HTTP/1.1 503 ")

        return send

    return opened


async def _main(port: int, path: str, plan: Plan) -> Told:
    told = Told()
    playing = asyncio.get_running_loop().create_task(play(plan, over_http(port, path), told))
    if plan.kind:
        await asyncio.to_thread(sys.stdin.read)
        playing.cancel()
        with suppress(asyncio.CancelledError):
            await playing
    else:
        await playing
    return told


if __name__ == "__main__":
    given = msgspec.msgpack.decode(Path(sys.argv[3]).read_bytes(), type=Plan)
    found = run(_main(int(sys.argv[1]), sys.argv[2], given))
    Path(sys.argv[4]).write_bytes(msgspec.msgpack.encode(found))
