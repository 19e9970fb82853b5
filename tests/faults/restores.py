"""Putting back a floor hub's store from every kind of copy there is: what was acknowledged comes back, or the start is refused."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.backup import back_up, rebuild_from_vault, restore
from holdgate.ledger.entry import read_entry
from holdgate.terms.errors import HoldgateError, Tampered
from tests.faults.life import Acknowledged, Script, copy, house_of, script_of, template, verified
from tests.unit.test_sites import FLOOR, VAULT, settled

NOW: Final = 1_900_000_000_000_000


async def _worked(directory: Path, script: Script, seed: int, amid: Callable[[], object]) -> list[Acknowledged]:
    """Everybody works, one after the other, and waits until the Vault holds it. `amid`: done before anything is closed."""
    house = house_of(directory, seed)
    house.open_vault()
    site = await house.open(FLOOR)
    known = []
    for stream in script.streams:
        for number in stream:
            answer = await asyncio.wait_for(site.submit_replicated(*script.acts[number]), 60)
            known.append(Acknowledged(act=number, answer=answer))
    await settled(house.shop)
    amid()
    await house.close()
    return known


class Shop:
    """A shop with a past: copies of every kind, taken halfway and at the end, in one folder."""

    def __init__(self, ground: Path) -> None:
        self.place = template(ground / "shop")
        self.copies = ground / "copies"
        self.script = script_of(self.place)
        self.known = asyncio.run(_worked(self.place, self.script.part(True), 1, lambda: None))
        self._copied("old")
        self.known += asyncio.run(_worked(self.place, self.script.part(False), 2, self._amid))
        self._copied("new")
        self._ground = ground

    def _amid(self) -> None:
        self.copies.mkdir(exist_ok=True)
        back_up(self.place, self.copies / "backup amid", NOW)
        shutil.copyfile(self.place / FLOOR / "ledger.db", self.copies / "file alone.db")

    def _copied(self, age: str) -> None:
        self.copies.mkdir(exist_ok=True)
        back_up(self.place, self.copies / f"backup {age}", NOW)
        shutil.copytree(self.place, self.copies / f"folder {age}")

    def without(self, *sites: str) -> Path:
        """A copy of the shop in which these sites' disks are lost but for their keys."""
        place = copy(self.place, self._ground / "lost")
        for site in sites:
            for path in (place / site).glob("*.db*"):
                path.unlink()
        return place


def _lose(shop: Shop) -> Path:
    return shop.without(FLOOR)


def _mirror(shop: Shop) -> Path:
    place = _lose(shop)
    rebuild_from_vault(place, FLOOR, place / VAULT / "mirror.db")
    return place


def _mirror_of_a_backup(shop: Shop) -> Path:
    place = _lose(shop)
    rebuild_from_vault(place, FLOOR, shop.copies / "backup new" / VAULT / "mirror.db")
    return place


def _old_mirror(shop: Shop) -> Path:
    place = _lose(shop)
    rebuild_from_vault(place, FLOOR, shop.copies / "backup old" / VAULT / "mirror.db")
    return place


def _everything(name: str) -> Callable[[Shop], Path]:
    def put_back(shop: Shop) -> Path:
        place = shop.without(FLOOR, VAULT)
        restore(shop.copies / name, place)
        return place

    return put_back


def _only_the_site(name: str, file: str) -> Callable[[Shop], Path]:
    def put_back(shop: Shop) -> Path:
        place = _lose(shop)
        shutil.copyfile(shop.copies / name / file, place / FLOOR / "ledger.db")
        return place

    return put_back


def _folder(name: str) -> Callable[[Shop], Path]:
    def put_back(shop: Shop) -> Path:
        place = shop.without(FLOOR)
        shutil.copytree(shop.copies / name / FLOOR, place / FLOOR, dirs_exist_ok=True)
        return place

    return put_back


def _online_copy(shop: Shop) -> Path:
    """SQLite's own copy of the open store, by another program."""
    place = _lose(shop)
    with (
        closing(sqlite3.connect(shop.place / FLOOR / "ledger.db")) as source,
        closing(sqlite3.connect(place / FLOOR / "ledger.db")) as target,
    ):
        source.backup(target)
    return place


COMES_BACK: Final[dict[str, Callable[[Shop], Path]]] = {
    "made anew from the Vault's mirror": _mirror,
    "made anew from the mirror in a backup": _mirror_of_a_backup,
    "a backup of the whole shop": _everything("backup new"),
    "a backup of the whole shop, made while it worked": _everything("backup amid"),
    "a copy of the closed folder": _folder("folder new"),
    "the store alone out of a backup": _only_the_site("backup new", f"{FLOOR}/ledger.db"),
    "a copy by SQLite": _online_copy,
}
IS_REFUSED: Final[dict[str, Callable[[Shop], Path]]] = {
    "an older copy of the folder": _folder("folder old"),
    "the store alone out of an older backup": _only_the_site("backup old", f"{FLOOR}/ledger.db"),
    "made anew from an older mirror": _old_mirror,
    "the database file alone, copied while it was in use": _only_the_site(".", "file alone.db"),
    "an empty folder": _lose,
}


def comes_back(shop: Shop, put_back: Callable[[Shop], Path]) -> None:
    """Everything acknowledged is there, the start has a mark of its own, and work goes on.

    Raises:
        AssertionError, HoldgateError: it does not.
    """
    place = put_back(shop)
    try:
        verified(place, shop.script, shop.known, 3)
        with closing(SqliteStore(place / FLOOR / "ledger.db", read_only=True)) as store:
            entries = [read_entry(row.body) for row in store.rows(0, 1 << 40)]
        epochs = [entry.epoch for entry in entries if entry.kind == "boot" and b"again" not in bytes(entry.record)]
        assert len(epochs) == len(set(epochs)) >= 3, f"starts are not told apart: {epochs}"
    finally:
        shutil.rmtree(place)


def is_refused(shop: Shop, put_back: Callable[[Shop], Path]) -> None:
    """The start is refused beside a Vault that knows more, and nothing is written.

    Raises:
        AssertionError: it is not.
    """
    place = put_back(shop)

    async def start() -> None:
        house = house_of(place, 3)
        house.open_vault()
        try:
            with pytest.raises(Tampered, match="set back"):
                await house.open(FLOOR)
        finally:
            house.shop.close()

    def size() -> int:
        if not (place / FLOOR / "ledger.db").exists():
            return 0
        with closing(SqliteStore(place / FLOOR / "ledger.db", read_only=True)) as store:
            return store.head().size

    try:
        before = size()
        asyncio.run(start())
        assert size() == before, "something was written"
    finally:
        shutil.rmtree(place)


def all_of_them(ground: Path) -> dict[str, str]:
    """Every kind of copy, and what is wrong with it ("": nothing)."""
    shop = Shop(ground)
    found = {}
    for kinds, holds in ((COMES_BACK, comes_back), (IS_REFUSED, is_refused)):
        for name, put_back in kinds.items():
            try:
                holds(shop, put_back)
                found[name] = ""
            except (HoldgateError, AssertionError, OSError, pytest.fail.Exception) as error:
                found[name] = f"{type(error).__name__}: {error}"
    return found
