"""Schemathesis against a site that is served in this process: requests that its document allows, and such as it forbids."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any, Final

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from tests.worked_shop import Served

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]
SCHEMES: Final = {"hg_who": "session", "hg_place": "workstation"}
ENVELOPES: Final = ("/api/actions", "/api/papers", "/api/scans", "/api/session")
FEW: Final = 10
"""Up to so many examples a row, rows are tried one by one alone; with more, what one gave is also given to the next."""
JUDGED: Final = ("/api/invitations", "/api/marks", "/api/order-files", "/api/order-drafts", "/api/order-drafts/{draft}")


class Bridge:
    """The site's application for a client with an event loop of its own. Of an event stream it shows the first message."""

    def __init__(self, app: App, loop: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self._loop = loop

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Answer one request on the loop of the sites."""
        assert scope["type"] == "http", "the sites are open already"
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        work = asyncio.run_coroutine_threadsafe(self._answer(scope, body), self._loop)
        for message in await asyncio.wrap_future(work):
            await send(message)

    async def _answer(self, scope: Message, body: bytes) -> list[Message]:
        told: list[Message] = []
        over = asyncio.Event()
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if asked:
                await over.wait()
                return {"type": "http.disconnect"}
            asked = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if over.is_set():
                return
            told.append(message)
            if message["type"] == "http.response.body":
                streams = dict(told[0]["headers"]).get(b"content-type", b"").startswith(b"text/event-stream")
                if streams or not message.get("more_body", False):
                    message["more_body"] = False
                    over.set()

        await self._app(scope, receive, send)
        return told


def config(cookies: dict[str, str], examples: int, *, coverage: bool) -> SchemathesisConfig:
    """Every check, the same requests in each run. `coverage`: every boundary of every parameter too, not examples alone."""
    signed_in = {SCHEMES[name]: {"api_key": value} for name, value in cookies.items()}
    return SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "continue-on-failure": True,
            "suppress-health-check": ["all"],  # a loaded machine generates slowly; that says nothing of the API
            "generation": {"deterministic": True, "max-examples": examples, "no-shrink": True, "database": "none"},
            "phases": {"coverage": {"enabled": coverage}, "stateful": {"enabled": examples > FEW}},
            **({"auth": {"openapi": signed_in}} if signed_in else {}),
            "operations": [
                # What an envelope's payload and signatures hold stands in base64; no schema can say it, so an envelope that
                # the document allows is refused as soon as its content is read (400). All other checks apply to it.
                *(
                    {
                        "include-path": path,
                        "include-method": "POST",
                        "checks": {"positive_data_acceptance": {"enabled": False}},
                    }
                    for path in ENVELOPES
                ),
                # 422 is how the API says that it read everything and that the roster, or the mark, stands against it.
                *(
                    {"include-path": path, "checks": {"positive_data_acceptance": {"expected-statuses": EXPECTED}}}
                    for path in JUDGED
                ),
            ],
        }
    )


EXPECTED: Final = ["2xx", "3xx", "401", "403", "404", "409", "422", "429", "503"]


def findings(
    served: Served,
    site: str,
    examples: int,
    *,
    who: str | None = None,
    place: str | None = None,
    coverage: bool = False,
    only: str = "",
) -> Iterator[str]:
    """What schemathesis finds wrong with a site as somebody (at a workstation) sees it, and rows that it did not try."""
    document = served.get(f"/{site}/api/openapi.json").json()
    if only:
        document["paths"] = {only: document["paths"][only]}
    cookies = {
        **({} if who is None else served.cookie(who)),
        **({} if place is None else served.cookie(place)),
    }
    schema: Any = schemathesis.openapi.from_dict(document, config=config(cookies, examples, coverage=coverage))
    if cookies:  # signing out would end the session that everything else is tried with; nobody tries it
        for path in ("/api/session", "/api/sessions", "/api/people/{id}/sessions"):
            schema = schema.exclude(path=path, method="DELETE")
    schema.app = Bridge(served.app, served.loop)
    tried: dict[str, set[int]] = {}
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            yield from _failures(event, tried)
        elif isinstance(event, events.NonFatalError):
            yield f"{event.label}: {event.info.title}: {event.info.message}"
        elif isinstance(event, events.FatalError):
            raise event.exception
    yield from (f"{row} was not tried" for row in _labels(schema) if row not in tried)


def _labels(schema: Any) -> Iterator[str]:
    for found in schema.get_all_operations():
        yield found.ok().label


def _failures(event: events.ScenarioFinished, tried: dict[str, set[int]]) -> Iterator[str]:
    recorder = event.recorder
    for key, interaction in recorder.interactions.items():
        if interaction.response is not None:
            tried.setdefault(recorder.cases[key].value.operation.label, set()).add(interaction.response.status_code)
    for key, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                failure = check.failure_info.failure
                label = recorder.cases[key].value.operation.label
                yield f"{label}: {check.name}: {failure.title}: {failure.message}\n{check.failure_info.code_sample}"
