"""Where the shared material lies: vectors of other projects and the design, outside this repository."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests import kept

settings.register_profile("holdgate", deadline=None)  # a loaded machine is no defect
settings.load_profile("holdgate")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # the one that starts the workers, or is alone
        kept.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        kept.end()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The directory of the shared material: HOLDGATE_SHARED, else `shared` beside the checkout."""
    named = os.environ.get("HOLDGATE_SHARED")
    place = Path(named) if named else Path(__file__).resolve().parents[2] / "shared"
    if not (place / "vectors" / "SOURCES.txt").is_file():
        pytest.skip(f"the shared vectors are not at {place}; set HOLDGATE_SHARED to their directory")
    return place
