"""Serves an ASGI application inside the running event loop, on loopback unless told otherwise."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from hypercorn.asyncio import serve
from hypercorn.config import Config


@asynccontextmanager
async def serving(app: Any, listen: str) -> AsyncIterator[str]:
    """Serve until the block is left."""
    config = Config()
    config.bind = [listen]
    config.graceful_timeout = 2
    ended = asyncio.Event()
    task = asyncio.create_task(serve(cast("Any", app), config, shutdown_trigger=cast("Any", ended.wait)))
    try:
        yield f"http://{listen}"
    finally:
        ended.set()
        await task
