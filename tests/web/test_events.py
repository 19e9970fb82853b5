"""Event streams: who missed something hears of it at once, whether it was away or its page was still on the way."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from holdgate.demo.shop import QA
from holdgate.web import stream
from holdgate.web.stream import Changes
from tests.worked_shop import Served


class Quiet:
    """A site at which nothing happens unless it is told so."""

    shows, size = "7.1", 7

    def now(self) -> int:
        return 5

    def watch(self, told: Callable[[], None]) -> None:
        self.told = told


async def _first(seen: str) -> bytes:
    face: Any = Quiet()
    lines: AsyncIterator[Any] = Changes(face).stream(seen).body_iterator.__aiter__()
    return bytes(await anext(lines))


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        ("", b"beat"),
        ("7.1", b"beat"),
        ("6.1", b"changed"),
        ("7.0", b"changed"),
        ("8.1", b"changed"),
        ("\n", b"changed"),
    ],
)
def test_whoever_shows_something_else_hears_at_once_that_it_changed(seen: str, word: bytes) -> None:
    assert asyncio.run(_first(seen)) == b'retry: 2000\nid: 7.1\nevent: %b\ndata: {"size":7,"now":5}\n\n' % word


async def _second() -> bytes:
    face: Any = Quiet()
    lines: AsyncIterator[Any] = Changes(face).stream("7.1").body_iterator.__aiter__()
    await anext(lines)
    face.shows, face.size = "9.1", 9
    face.told()
    return bytes(await anext(lines))


def test_each_change_is_told_with_its_id() -> None:
    assert asyncio.run(_second()) == b'id: 9.1\nevent: changed\ndata: {"size":9,"now":5}\n\n'


async def _beat_before_the_change_is_told() -> bytes:
    face: Any = Quiet()
    lines: AsyncIterator[Any] = Changes(face).stream("7.1").body_iterator.__aiter__()
    await anext(lines)
    face.shows = "9.1"  # the listener hears of it after this beat, and may be cut off before
    return bytes(await anext(lines))


def test_a_beat_has_the_id_of_what_was_told_so_that_who_is_cut_off_after_it_misses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "BEAT_S", 0.01)
    assert asyncio.run(_beat_before_the_change_is_told()).startswith(b"id: 7.1\nevent: beat\n")


def test_a_page_says_what_it_shows(served: Served) -> None:
    size = served.shop.sites["HUB"].spine.size
    assert re.search(rf'<div data-live="{size}\.\d+" id="live">', served.get("/HUB/qa", QA).text)
