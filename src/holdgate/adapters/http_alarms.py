"""`GET /alarms`: what a Vault's watch found, as JSON."""

from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route


def alarm_routes(alarms: Callable[[], Sequence[Struct]]) -> Sequence[BaseRoute]:
    """The route `/alarms`.

    Args:
        alarms: all that there are now.
    """

    async def show(_: Request) -> Response:
        body = msgspec.json.encode({"alarms": tuple(alarms())})
        return Response(body, media_type="application/json", headers={"cache-control": "no-cache"})

    return (Route("/alarms", show, methods=["GET"]),)
