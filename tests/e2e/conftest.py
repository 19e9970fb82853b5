"""A shop to click through and a browser before it, for the stories that want no more."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.desk import Served, browsing


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The demonstration's shop, in a process of its own."""
    served = Served(tmp_path_factory.mktemp("shop") / "shop")
    yield served
    served.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium."""
    with browsing() as found:
        yield found
