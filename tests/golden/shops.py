"""Freezes one history per template: the whole shop of its happy path, as an auditor gets it.

`templates/law<n>_<template>.tar.xz` holds a bundle of each deciding site and the keys to trust. The sites' keys are made anew when
a history is made, so a history made again has other bytes; a frozen one is kept.
"""

import asyncio
import io
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.audit.bundle import write_bundle
from holdgate.engine.source import StoreSource
from holdgate.law.decision import SEMANTICS
from holdgate.scenario.continued import read_whole
from holdgate.scenario.files import apply_given, read_world
from holdgate.scenario.opening import Opening
from holdgate.scenario.run import play
from tests.templates import FOLDERS, HOME

HERE: Final = Path(__file__).parent / "templates"
HAPPY: Final = "10-happy-path.yaml"


def place_of(template: str) -> Path:
    """Where the history of a template lies under the present law."""
    return HERE / f"law{SEMANTICS}_{template}.tar.xz"


def unfrozen() -> list[str]:
    """The templates without a history under the present law."""
    return [template for template in FOLDERS if not place_of(template).exists()]


def freeze(template: str) -> None:
    """Run the happy path of a template and keep what its sites recorded. Never over an existing file."""
    scenario = read_whole(HOME / template / "scenarios" / HAPPY)
    world = apply_given(read_world(scenario.path.parent / "worlds" / f"{scenario.world}.yaml"), scenario.given)
    with tempfile.TemporaryDirectory(prefix="holdgate-golden-") as folder:
        shop = Path(folder) / "shop"
        result = asyncio.run(play(scenario, Opening(shop, world, scenario.steps[0].at)))
        if result.mismatch is not None:
            raise AssertionError(f"{template}: {result.mismatch}")
        HERE.mkdir(exist_ok=True)
        with tarfile.open(place_of(template), "x:xz") as archive:
            _add(archive, "trust.json", (shop / "trust.json").read_bytes())
            for ledger in sorted(shop.glob("*/ledger.db")):
                _add(archive, f"{ledger.parent.name}.bundle", _bundle(ledger))


def _bundle(ledger: Path) -> bytes:
    store = SqliteStore(ledger, read_only=True)
    try:
        return b"".join(write_bundle(StoreSource(store), store.blobs()))
    finally:
        store.close()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
