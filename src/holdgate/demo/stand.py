"""The demonstration's stand: a page that hands a newcomer badges, PINs and places, and says what to do next."""

from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdgate.demo.live import Kit
from holdgate.web.page import HEADERS, bare


def stand_routes(kit: Kit) -> list[Route]:
    """The stand's page and what it hands out."""
    names = {**{one.id: one.name for one in kit.people}, **{one.id: one.name for one in kit.stations}}

    async def page(_: Request) -> Response:
        text = bare(Path(__file__).parent / "stand.html").render(kit=kit, names=names)
        return Response(text, media_type="text/html", headers=HEADERS)

    async def hand_out(_: Request) -> Response:
        return Response(msgspec.json.encode(kit), media_type="application/json", headers=HEADERS)

    return [Route("/demo", page, methods=["GET"]), Route("/demo/kit.json", hand_out, methods=["GET"])]
