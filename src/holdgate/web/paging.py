"""Lists in pages: so many rows at a time, with how many more there are."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from msgspec import Struct

ROWS: Final = 25
"""Rows of one page."""
DIGITS: Final = 6


class Pager(Struct, frozen=True, kw_only=True):
    """Where in a list a page is. `first`, `last`: rows, from one; `back`, `on`: queries of the pages beside it ("": none)."""

    first: int
    last: int
    total: int
    back: str
    on: str


def paged(rows: Sequence[Any], query: Mapping[str, str]) -> tuple[Sequence[Any], Pager]:
    """The rows of the page that is asked for (`page`, from one), and where it is."""
    asked = query.get("page", "1")
    page = max(int(asked), 1) if asked.isascii() and asked.isdigit() and len(asked) <= DIGITS else 1
    pages = max((len(rows) + ROWS - 1) // ROWS, 1)
    page = min(page, pages)
    start = (page - 1) * ROWS
    shown = rows[start : start + ROWS]
    kept = {name: value for name, value in query.items() if name != "page" and value}
    return shown, Pager(
        first=start + 1 if rows else 0,
        last=start + len(shown),
        total=len(rows),
        back=urlencode({**kept, "page": page - 1}) if page > 1 else "",
        on=urlencode({**kept, "page": page + 1}) if page < pages else "",
    )
