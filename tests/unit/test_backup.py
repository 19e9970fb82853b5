"""Backups that hold, putting them back, and a lost store made anew from the Vault's copy."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from holdgate.adapters.host import HostClock
from holdgate.adapters.sqlite_watch import SqliteWatch
from holdgate.adapters.sqlite_witness import SqliteWitness
from holdgate.backup import back_up, read_manifest, rebuild_from_vault, restore
from holdgate.bootstrap import Shop
from holdgate.cli.app import main
from holdgate.scenario.run import audit_shop
from holdgate.terms.errors import HoldgateError, Malformed, Tampered, Unavailable
from tests.played import bodies, played

NOW = 1_800_000_000_000_000
SITES = ("FLOOR", "HUB", "NODE-FPI")


@pytest.fixture(scope="module")
def shop_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return played(tmp_path_factory.mktemp("backup"), "111")


@pytest.fixture
def shop(shop_once: Path, tmp_path: Path) -> Path:
    """A shop of the test's own."""
    return Path(shutil.copytree(shop_once, tmp_path / "shop"))


def lose(directory: Path, site: str) -> list[bytes]:
    """The store's disk is gone; what was on it."""
    before = bodies(directory, site)
    for path in (directory / site).glob("ledger.*"):
        path.unlink()
    return before


def reopened(directory: Path) -> None:
    """The shop opens, goes on, and every ledger audits clean."""

    async def up() -> None:
        shop = Shop(directory, HostClock())
        await shop.open()
        shop.close()

    asyncio.run(up())
    assert [finding for report in audit_shop(directory) for finding in report.findings] == []


def test_a_backup_is_put_back_and_the_shop_goes_on(shop: Path, tmp_path: Path) -> None:
    manifest = back_up(shop, tmp_path / "kept", NOW)
    kept = {site: bodies(shop, site) for site in SITES}
    assert [len(kept[site]) for site in SITES] == [
        copied.size for name in SITES for copied in manifest.stores if copied.path.startswith(f"{name}/")
    ]
    elsewhere = tmp_path / "elsewhere"
    for key in shop.glob("*/site.key"):
        (elsewhere / key.parent.name).mkdir(parents=True)
        shutil.copyfile(key, elsewhere / key.parent.name / key.name)
    restore(tmp_path / "kept", elsewhere)
    assert {site: bodies(elsewhere, site) for site in SITES} == kept
    reopened(elsewhere)


def test_a_backup_has_no_private_key(shop: Path, tmp_path: Path) -> None:
    back_up(shop, tmp_path / "kept", NOW)
    assert not list((tmp_path / "kept").rglob("*.key"))


def test_a_backup_of_a_shop_that_is_at_work_fits_together(shop: Path, tmp_path: Path) -> None:
    """Its sites tell each other things all the while; what comes back starts reconciled, and nobody forked."""

    async def busy() -> None:
        running = Shop(shop, HostClock())
        await running.open()
        making = asyncio.get_running_loop().run_in_executor(None, back_up, shop, tmp_path / "kept", NOW)
        asked = []
        for _ in range(40):
            asked += [site.submit(b"noise", source="dock") for site in running.sites.values()]
            await asyncio.sleep(0.005)
        await making
        running.close()
        await asyncio.gather(*asked, return_exceptions=True)

    asyncio.run(busy())
    for copied in read_manifest(tmp_path / "kept").stores:
        (shop / copied.path).unlink()
        for left in (shop / copied.path).parent.glob("*.db*"):
            left.unlink()
    restore(tmp_path / "kept", shop)
    reopened(shop)


@pytest.mark.parametrize(
    "name",
    [
        "HUB/ledger.db",
        "VAULT/mirror.db",
        "VAULT/witness.db",
        "VAULT/watch.db",
        "VAULT/witnesses.policy",
        "charter.json",
        "trust.json",
    ],
)
def test_one_flipped_bit_in_a_backup_is_found_before_it_is_put_back(shop: Path, tmp_path: Path, name: str) -> None:
    (shop / "VAULT" / "witnesses.policy").write_text("quorum none\n", encoding="utf-8")
    SqliteWitness(shop / "VAULT" / "witness.db").close()
    SqliteWatch(shop / "VAULT" / "watch.db").close()
    back_up(shop, tmp_path / "kept", NOW)
    path = tmp_path / "kept" / name
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(Tampered, match="not the file that was backed up"):
        restore(tmp_path / "kept", tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("path", ["../outside", "/tmp/outside", "HUB/../../outside"])
def test_a_manifest_leads_nowhere_outside(shop: Path, tmp_path: Path, path: str) -> None:
    back_up(shop, tmp_path / "kept", NOW)
    manifest = tmp_path / "kept" / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"HUB/ledger.db", path.encode()))
    with pytest.raises(Malformed, match="outside of the backup"):
        restore(tmp_path / "kept", tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_nothing_is_put_over_a_store_that_is_there(shop: Path, tmp_path: Path) -> None:
    back_up(shop, tmp_path / "kept", NOW)
    before = {site: bodies(shop, site) for site in SITES}
    with pytest.raises(Malformed, match="is there already"):
        restore(tmp_path / "kept", shop)
    with pytest.raises(Malformed, match="not empty"):
        back_up(shop, tmp_path / "kept", NOW)
    assert {site: bodies(shop, site) for site in SITES} == before


# ---- from the Vault's copy -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("site", SITES)
def test_a_site_whose_disk_is_lost_gets_its_log_from_the_vault_byte_for_byte(shop: Path, site: str) -> None:
    before = lose(shop, site)
    assert rebuild_from_vault(shop, site, shop / "VAULT" / "mirror.db") == len(before)
    assert bodies(shop, site) == before
    reopened(shop)


def test_every_site_but_the_vault_can_be_lost_at_once(shop: Path) -> None:
    before = {site: lose(shop, site) for site in SITES}
    for site in SITES:
        rebuild_from_vault(shop, site, shop / "VAULT" / "mirror.db")
    assert {site: bodies(shop, site) for site in SITES} == before
    reopened(shop)


def altered(body: bytes) -> bytes:
    at = body.index(b'"at":') + 6
    return body[:at] + (b"2" if body[at : at + 1] == b"1" else b"1") + body[at + 1 :]


FORGERIES: dict[str, Callable[[sqlite3.Connection], object]] = {
    "an entry altered": lambda db: db.execute(
        "UPDATE mirror SET body = ? WHERE origin LIKE '%/HUB' AND seq = 9",
        (altered(db.execute("SELECT body FROM mirror WHERE origin LIKE '%/HUB' AND seq = 9").fetchone()[0]),),
    ),
    "an entry gone": lambda db: db.execute("DELETE FROM mirror WHERE origin LIKE '%/HUB' AND seq = 9"),
    "the end cut off": lambda db: db.execute("DELETE FROM mirror WHERE origin LIKE '%/HUB' AND seq > 30"),
    "a document altered": lambda db: db.execute("UPDATE blob SET body = CAST(body || ' ' AS BLOB)"),
    "another root": lambda db: db.execute("UPDATE seat SET cosigned = CAST(replace(cosigned, 'HUB', 'HUT') AS BLOB)"),
    "another site's entries": lambda db: db.execute("DELETE FROM mirror WHERE origin LIKE '%/NODE-FPI'"),
    "nothing": lambda db: db.execute("DELETE FROM seat"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_copy_that_does_not_hold_makes_no_store(shop: Path, tmp_path: Path, forgery: str) -> None:
    lose(shop, "HUB")
    mirror = tmp_path / "mirror.db"
    with (
        closing(sqlite3.connect(shop / "VAULT" / "mirror.db")) as held,
        closing(sqlite3.connect(mirror, isolation_level=None)) as copy,
    ):
        held.backup(copy)
        FORGERIES[forgery](copy)
    with pytest.raises(HoldgateError):
        rebuild_from_vault(shop, "HUB", mirror)
    assert sorted(path.name for path in (shop / "HUB").iterdir() if path.name != "lock") == ["site.key"]


def test_what_is_rebuilt_never_replaces_a_store_nor_goes_without_the_sites_own_keys(shop: Path) -> None:
    with pytest.raises(Malformed, match="is there already"):
        rebuild_from_vault(shop, "HUB", shop / "VAULT" / "mirror.db")
    lose(shop, "HUB")
    (shop / "HUB" / "site.key").unlink()
    with pytest.raises(Unavailable, match="keys of HUB"):
        rebuild_from_vault(shop, "HUB", shop / "VAULT" / "mirror.db")
    with pytest.raises(Malformed, match="no log of decisions"):
        rebuild_from_vault(shop, "VAULT", shop / "VAULT" / "mirror.db")


def test_the_commands_tell_what_they_did(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = str(tmp_path / "kept")
    assert main(["backup", "make", str(shop), kept]) == 0
    assert main(["backup", "check", kept]) == 0
    lose(shop, "NODE-FPI")
    assert main(["backup", "rebuild", str(shop), "NODE-FPI", "--mirror", str(shop / "VAULT" / "mirror.db")]) == 0
    assert main(["backup", "restore", kept, str(shop)]) == 2
    told = capsys.readouterr()
    assert "all as they were on" in told.out
    assert "each was decided again and came out the same" in told.out
    assert "is there already" in told.err
