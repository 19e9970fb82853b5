"""The event loop of a process: uvloop's where it is installed (extra `fast`), else the standard library's. Nothing else knows."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a program to its end, as `asyncio.run` does."""
    with asyncio.Runner(loop_factory=_faster()) as runner:
        return runner.run(main)


def loop_name() -> str:
    """Whose loop `run` takes."""
    return "asyncio" if _faster() is None else "uvloop"


def _faster() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415  # an optional part
    except ImportError:
        return None
    return uvloop.new_event_loop
