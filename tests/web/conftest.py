"""One worked shop for all tests of the web, served in this process."""

from collections.abc import Iterator

import pytest

from tests.worked_shop import Served, serve, work


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The shop as it was left, open."""
    with serve(work(tmp_path_factory.mktemp("worked") / "shop")) as shop:
        yield shop
