"""The HTTP face of a witness or a Vault: checkpoints and entries come in for judgement, checkpoints and tiles go out. Nothing else.

    POST /add-checkpoint                       C2SP tlog-witness
    POST /add-entries                          C2SP tlog-mirror (a Vault's mirrors); may be packed with gzip
    GET  /<hex SHA-256 of the origin>/checkpoint
    GET  /<…>/tile/<level>/<number>[.p/<width>]  C2SP tlog-tiles (a Vault's mirrors)
    GET  /<…>/tile/entries/<number>[.p/<width>]
    GET  /evidence                             what contradicts what, as JSON
    GET  /heads                                the days with a daily head, and whether it is stamped, as JSON
    GET  /heads/<day>.note, /heads/<day>.tsr   a Vault's daily head, and the token of a time-stamping authority over it

Every other verb is 405. Nobody is asked who they are: a checkpoint proves itself, and reading is for everybody who reaches
the port. What the mirrors hold is the shop's whole record: see docs/security.md before a Vault listens beyond this machine.
"""

import asyncio
import base64
import re
import zlib
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from holdgate.engine.witnessing import Shown
from holdgate.ledger.mirroring import BODY_TYPE
from holdgate.ledger.witness import TEXT, Evidence
from holdgate.terms.errors import Unavailable
from holdgate.terms.limits import MIRROR_UPLOAD_BYTES_MAX, WITNESS_REQUEST_BYTES_MAX

TOKEN: Final = "application/timestamp-reply"  # noqa: S105  # a media type
TILE: Final = "application/octet-stream"
FOR_EVER: Final = {"cache-control": "public, max-age=31536000, immutable"}
FOR_NOW: Final = {"cache-control": "no-cache"}
PACKING: Final = {"accept-encoding": "gzip"}
_HEAD: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.(note|tsr)")
_HASH: Final = re.compile(r"[0-9a-f]{64}")


class WitnessApp:
    """The ASGI application over what is shown."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self.app = Starlette(
            routes=[
                Route("/add-checkpoint", self._add_checkpoint, methods=["POST"]),
                Route("/add-entries", self._add_entries, methods=["POST"]),
                Route("/evidence", self._evidence, methods=["GET"]),
                Route("/heads", self._heads, methods=["GET"]),
                Route("/heads/{name}", self._head, methods=["GET"]),
                Route("/{hashed}/checkpoint", self._checkpoint, methods=["GET"]),
                Route("/{hashed}/tile/{path:path}", self._tile, methods=["GET"]),
            ]
        )

    async def _add_checkpoint(self, request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > WITNESS_REQUEST_BYTES_MAX:
                return Response(b"the request is too long\n", 413, media_type=TEXT, headers={"connection": "close"})
        try:
            reply = await self._shown.add_checkpoint(bytes(body))
        except Unavailable:
            return Response(b"it cannot be kept at present; nothing was cosigned\n", 503, media_type=TEXT)
        # Content types of the protocol go out as they are: Starlette would add a charset to text/x.tlog.size.
        return Response(reply.body, reply.status, headers={"content-type": reply.kind, **FOR_NOW})

    async def _add_entries(self, request: Request) -> Response:
        packed = request.headers.get("content-encoding", "identity").strip().lower()
        if request.headers.get("content-type", "").strip().lower() != BODY_TYPE or packed not in ("identity", "gzip"):
            told = f"send {BODY_TYPE}, plain or with content-encoding gzip\n".encode()
            return Response(told, 415, media_type=TEXT, headers=PACKING)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MIRROR_UPLOAD_BYTES_MAX:
                return Response(
                    b"send fewer packages at once\n", 413, media_type=TEXT, headers={"connection": "close", **PACKING}
                )
        try:
            raw = await asyncio.to_thread(_unpacked, bytes(body)) if packed == "gzip" else bytes(body)
            reply = await self._shown.add_entries(raw)
        except zlib.error:
            return Response(b"the body is not gzip\n", 400, media_type=TEXT, headers=PACKING)
        except Unavailable:
            return Response(
                b"it cannot be kept at present; nothing was cosigned\n", 503, media_type=TEXT, headers=PACKING
            )
        return Response(reply.body, reply.status, headers={"content-type": reply.kind, **FOR_NOW, **PACKING})

    async def _checkpoint(self, request: Request) -> Response:
        hashed = request.path_params["hashed"]
        try:
            note = await self._shown.checkpoint(hashed) if _HASH.fullmatch(hashed) else None
        except Unavailable:
            return _unavailable()
        return _none() if note is None else Response(note, headers={"content-type": TEXT, **FOR_NOW})

    async def _tile(self, request: Request) -> Response:
        hashed, path = request.path_params["hashed"], request.path_params["path"]
        try:
            tile = await self._shown.tile(hashed, f"tile/{path}") if _HASH.fullmatch(hashed) else None
        except Unavailable:
            return _unavailable()
        return _none() if tile is None else Response(tile, headers={"content-type": TILE, **FOR_EVER})

    async def _evidence(self, request: Request) -> Response:
        try:
            found = await self._shown.evidence()
        except Unavailable:
            return _unavailable()
        return JSONResponse({"evidence": [_told(item) for item in found]}, headers=FOR_NOW)

    async def _heads(self, request: Request) -> Response:
        try:
            found = await self._shown.heads()
        except Unavailable:
            return _unavailable()
        return JSONResponse({"heads": [{"day": day, "stamped": stamped} for day, stamped in found]}, headers=FOR_NOW)

    async def _head(self, request: Request) -> Response:
        match = _HEAD.fullmatch(request.path_params["name"])
        try:
            found = None if match is None else await self._shown.head(match[1], token=match[2] == "tsr")
        except Unavailable:
            return _unavailable()
        if match is None or found is None:
            return _none()
        return Response(found, headers={"content-type": TOKEN if match[2] == "tsr" else TEXT, **FOR_EVER})


def _unpacked(body: bytes) -> bytes:
    """What gzip packed, up to what is read of one request; the rest is left, as of a body that was cut off.

    Raises:
        zlib.error: it is not gzip.
    """
    return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(body, MIRROR_UPLOAD_BYTES_MAX)


def _told(item: Evidence) -> dict[str, object]:
    """Evidence as JSON; the notes in base64, since they count byte for byte."""
    return {
        "origin": item.origin,
        "why": item.why,
        "at_s": item.at_s,
        "settled": item.settled,
        "held": base64.b64encode(item.held).decode(),
        "seen": base64.b64encode(item.seen).decode(),
    }


def _none() -> Response:
    return Response(b"there is no such thing here\n", 404, media_type=TEXT)


def _unavailable() -> Response:
    return Response(b"it cannot be read at present\n", 503, media_type=TEXT)
