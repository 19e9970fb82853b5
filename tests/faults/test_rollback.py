"""Restored backups and forked logs: what the Vault catches, when, and what nobody in the same directory can catch."""

import asyncio
import shutil
from pathlib import Path

import pytest

from holdgate.adapters.sqlite_mirror import SqliteMirror
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.law import event as ev
from holdgate.ledger.note import KIND_COSIGNATURE, make_vkey, parse_checkpoint, parse_vkey, verify_cosignature
from holdgate.sites.site import Site
from holdgate.terms.errors import Tampered, Unavailable
from tests.unit.test_sites import FLOOR, NODE, VAULT, House, entries, events, founded, settled, unsound, until


async def scan(house: House, *orders: str) -> None:
    """Some entries: slips staged at the gate."""
    for order in orders:
        answer = await house.ask(FLOOR, house.slip(order, (f"{order}-a",)))
        assert answer.decision.allowed


async def session(house: House, *orders: str, vault: bool = True) -> int:
    """Open (with the Vault in reach or not), work, close; the log's size at the end."""
    if vault:
        house.open_vault()
    site = await house.open(FLOOR)
    await scan(house, *orders)
    await settled(house.shop)
    size = site.spine.size
    await house.close()
    return size


def backed_up(house: House) -> Path:
    """A copy of the floor hub's directory as it is now."""
    return Path(shutil.copytree(house.directory / FLOOR, house.directory.parent / "backup"))


def restore(house: House, backup: Path) -> None:
    """Put the copy in the place of the floor hub's directory."""
    shutil.rmtree(house.directory / FLOOR)
    shutil.copytree(backup, house.directory / FLOOR)


def again(house: House) -> House:
    """The shop after a restart of everything, with another epoch than any start before."""
    again.starts += 1  # type: ignore[attr-defined]
    return House(house.directory, seed=again.starts << 16)  # type: ignore[attr-defined]


again.starts = 0  # type: ignore[attr-defined]


def log_bodies(house: House) -> list[bytes]:
    """The floor hub's log as it lies in its store."""
    store = SqliteStore(house.directory / FLOOR / "ledger.db", read_only=True)
    bodies = [row.body for row in store.rows(0, 1 << 40)]
    store.close()
    return bodies


ORIGIN = f"lab.test/{FLOOR}"

# ---- the Vault is in reach -----------------------------------------------------------------------------------------


def test_a_restored_backup_cannot_go_on_while_the_vault_is_in_reach(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await session(house, "PO-1")
        backup = backed_up(house)
        size = await session(again(house), "PO-2", "PO-3")
        restore(house, backup)
        before = log_bodies(house)
        back = again(house)
        back.open_vault()
        with pytest.raises(
            Tampered, match=rf"{VAULT} cosigned {size}: the store was set back\. Restore it from the Vault"
        ):
            await back.open(FLOOR)
        assert log_bodies(back) == before, "not one entry was written under this origin"
        back.shop.close()

    asyncio.run(story(founded(tmp_path)))


def test_a_restored_backup_that_has_grown_again_forked_and_cannot_go_on(tmp_path: Path) -> None:
    """Grown alone beyond what the Vault cosigned: the size looks right, the root does not."""

    async def story(house: House) -> None:
        await session(house, "PO-1")
        backup = backed_up(house)
        size = await session(again(house), "PO-2")
        restore(house, backup)
        grown = await session(again(house), "PO-3", "PO-4", "PO-5", "PO-6", "PO-7", "PO-8", vault=False)
        assert grown > size
        back = again(house)
        back.open_vault()
        with pytest.raises(Tampered, match=f"is not the one that {VAULT} cosigned at {size}: it forked"):
            await back.open(FLOOR)
        back.shop.close()

    asyncio.run(story(founded(tmp_path)))


def test_a_site_that_lost_its_whole_store_cannot_begin_a_new_log_under_its_origin(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await session(house, "PO-1")
        for file in (house.directory / FLOOR).glob("ledger.*"):
            file.unlink()
        back = again(house)
        back.open_vault()
        with pytest.raises(Tampered, match="set back"):
            await back.open(FLOOR)
        back.shop.close()

    asyncio.run(story(founded(tmp_path)))


def test_a_site_that_lost_its_whole_store_writes_nothing_before_it_has_asked_the_vault(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await session(house, "PO-1")
        for file in (house.directory / FLOOR).glob("ledger.*"):
            file.unlink()
        back = again(house)
        back.open_vault()
        with pytest.raises(Tampered):
            await back.open(FLOOR)
        back.shop.close()
        assert log_bodies(back) == []

    asyncio.run(story(founded(tmp_path)))


def test_an_honest_restart_is_reconciled_and_no_false_alarm(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for number in range(4):
            await session(again(house), f"PO-{number}")
        back = again(house)
        back.open_vault()
        site = await back.open(FLOOR)
        boots = events(site, ev.Booted)
        assert [boot.reconciled for boot in boots] == [True] * 5
        assert len({boot.epoch for boot in boots}) == 5
        await back.close()
        assert unsound(back.audits()) == []

    asyncio.run(story(founded(tmp_path)))


# ---- the Vault is out of reach -------------------------------------------------------------------------------------


async def alone(house: House, *orders: str) -> Site:
    """The floor hub started without the Vault, and working."""
    site = await house.open(FLOOR)
    await scan(house, *orders)
    assert not events(site, ev.Booted)[-1].reconciled, "alone it does not say that it is reconciled"
    return site


async def met(house: House, site: Site) -> None:
    """The Vault comes into reach."""
    house.open_vault()
    site.link_changed(VAULT, up=True)
    await settled(house.shop)


async def rolled_back(house: House, *lost: str) -> tuple[House, int]:
    """A floor hub whose store is a backup; what the Vault cosigned of it goes further."""
    await session(house, "PO-1")
    backup = backed_up(house)
    size = await session(again(house), *lost)
    restore(house, backup)
    return again(house), size


def cosigned_sizes(house: House) -> tuple[int, int]:
    """What the Vault holds of the floor hub's log, and what its cosignature covers."""
    mirror = SqliteMirror(house.directory / VAULT / "mirror.db")
    note = mirror.latest(ORIGIN)
    held = mirror.held(ORIGIN)[0]
    mirror.close()
    assert note is not None
    return held, parse_checkpoint(note).size


def test_alone_a_restored_backup_starts_unreconciled_and_is_caught_when_it_meets_the_vault(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        back, size = await rolled_back(house, "PO-2")
        site = await alone(back, *(f"PO-{n}" for n in range(10, 20)))
        assert site.spine.size > size
        await met(back, site)
        fault = site.links[VAULT].fault
        assert isinstance(fault, Tampered), fault
        vault = back.shop.vaults[VAULT]
        evidence = vault.store.evidence(ORIGIN)
        assert [why for _, why in evidence] == ["does not extend the mirror"]
        assert parse_checkpoint(evidence[0][0]).size == site.spine.size
        assert vault.store.held(ORIGIN)[0] == size
        await back.close()
        assert cosigned_sizes(back) == (size, size)

    asyncio.run(story(founded(tmp_path)))


def test_alone_a_restored_backup_is_caught_also_while_it_is_shorter_than_what_the_vault_holds(tmp_path: Path) -> None:
    async def story(house: House) -> Site:
        back, size = await rolled_back(house, *(f"PO-{n}" for n in range(10, 30)))
        site = await alone(back, "PO-2")
        assert site.spine.size < size
        await met(back, site)
        await back.close()
        return site

    site = asyncio.run(story(founded(tmp_path)))
    assert isinstance(site.links[VAULT].fault, Tampered)


async def worked_node(house: House, wishes: int) -> Site:
    """The node, open, with some refused wishes on its record."""
    site = await house.open(NODE)
    for number in range(wishes):
        await house.ask(NODE, house.start("PO-NONE", f"J-{number}"))
    await settled(house.shop)
    return site


async def set_back_node(house: House) -> tuple[House, Site, int]:
    """The node, alone, with a backup for a store; and how many entries the Vault has of it."""
    house.open_vault()
    await worked_node(house, 1)
    await house.close()
    backup = Path(shutil.copytree(house.directory / NODE, house.directory.parent / "backup"))
    seen = again(house)
    seen.open_vault()
    size = (await worked_node(seen, 4)).spine.size
    await seen.close()
    shutil.rmtree(house.directory / NODE)
    shutil.copytree(backup, house.directory / NODE)
    back = again(house)
    return back, await worked_node(back, 0), size


def test_alone_a_restored_backup_is_caught_also_where_it_is_exactly_as_long_as_what_the_vault_holds(
    tmp_path: Path,
) -> None:
    """A node notes no word of the Vault, so it has nothing more to offer: what the Vault shows has to stop it."""

    async def story(house: House) -> None:
        back, site, size = await set_back_node(house)
        await worked_wishes(back, site, size)
        await met(back, site)
        with pytest.raises(Tampered):
            await back.ask(NODE, back.start("PO-NONE", "J-9"))
        assert site.spine.size == size, "nothing was written under this origin any more"
        await back.close()

    asyncio.run(story(founded(tmp_path)))


def test_a_restored_backup_is_caught_though_the_first_answers_with_the_proof_are_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HOLDGATE_SEED=1302 of the simulator: nobody answered when it asked for the proof, and it never asked again."""

    async def story(house: House) -> None:
        back, site, size = await set_back_node(house)
        await worked_wishes(back, site, size - 1)
        back.open_vault()
        vault, lost = back.shop.vaults[VAULT], [0]
        latest = vault.latest

        async def lossy(origin: str, sender: str) -> bytes | None:
            lost[0] += 1
            if lost[0] <= 3:
                raise Unavailable("the answer is lost")
            return await latest(origin, sender)

        monkeypatch.setattr(vault, "latest", lossy)
        site.link_changed(VAULT, up=True)
        await until(lambda: isinstance(site.spine.fault, Tampered))
        assert lost[0] > 3
        assert site.spine.size == size - 1, "nothing was written under this origin any more"
        await back.close()

    asyncio.run(story(founded(tmp_path)))


async def worked_wishes(house: House, site: Site, size: int) -> None:
    """Refused wishes until the log has this size."""
    while site.spine.size < size:
        await house.ask(site.id, house.start("PO-NONE", f"K-{site.spine.size}"))
    assert site.spine.size == size


def test_a_site_that_was_caught_stops_writing_under_its_origin(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        back, _ = await rolled_back(house, "PO-2")
        site = await alone(back, *(f"PO-{n}" for n in range(10, 20)))
        await met(back, site)
        try:
            with pytest.raises(Tampered):
                await back.ask(FLOOR, back.slip("PO-99", ("x",)))
        finally:
            await back.close()

    asyncio.run(story(founded(tmp_path)))


def test_an_honest_site_that_started_alone_is_on_record_as_reconciled_once_it_met_the_vault(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await session(house, "PO-1")
        back = again(house)
        site = await alone(back, "PO-2")
        await met(back, site)
        assert site.links[VAULT].fault is None
        found = [event.reconciled for event in events(site, ev.Booted)]
        await back.close()
        assert found[-1]

    asyncio.run(story(founded(tmp_path)))


def test_an_honest_site_that_started_alone_is_cosigned_once_it_met_the_vault(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await session(house, "PO-1")
        back = again(house)
        site = await alone(back, "PO-2", "PO-3")
        await met(back, site)
        assert site.links[VAULT].fault is None
        vault = back.shop.vaults[VAULT]
        assert vault.store.held(ORIGIN)[0] == site.spine.size
        assert not vault.store.evidence(ORIGIN)
        await back.close()
        assert unsound(back.audits()) == []

    asyncio.run(story(founded(tmp_path)))


# ---- forks ---------------------------------------------------------------------------------------------------------


def test_a_forked_log_gets_no_second_cosignature_and_the_evidence_is_kept(tmp_path: Path) -> None:
    """Two continuations of one backup: the first to meet the Vault is cosigned, the second never."""

    async def story(house: House) -> None:
        await session(house, "PO-1")
        backup = backed_up(house)
        await session(again(house), "PO-2", vault=False)
        first = log_bodies(house)
        fork = House(Path(shutil.copytree(house.directory, house.directory.parent / "fork")), seed=9 << 16)
        restore(fork, backup)
        await session(fork, *(f"PO-{n}" for n in range(20, 32)), vault=False)
        assert len(log_bodies(fork)) > len(first)

        seen = again(house)
        seen.open_vault()
        site = await seen.open(FLOOR)
        await settled(seen.shop)
        size = site.spine.size
        await seen.close()
        assert cosigned_sizes(seen) == (size, size)

        shutil.rmtree(house.directory / FLOOR)
        shutil.copytree(fork.directory / FLOOR, house.directory / FLOOR)
        back = again(house)
        forked = await alone(back, "PO-40")
        for _ in range(3):
            await met(back, forked) if VAULT not in back.shop.vaults else forked.links[VAULT].wake()
            await settled(back.shop)
        vault = back.shop.vaults[VAULT]
        note = await vault.latest(ORIGIN, FLOOR)
        assert note is not None
        assert parse_checkpoint(note).size == size
        evidence = vault.store.evidence(ORIGIN)
        assert len(evidence) == 1, "the same contradiction is kept once"
        contradicting = parse_checkpoint(evidence[0][0])
        assert contradicting.size == forked.spine.size
        assert contradicting.root != parse_checkpoint(note).root
        key = parse_vkey(make_vkey(vault._seat.origin, vault._seat.key, KIND_COSIGNATURE))
        assert verify_cosignature(note, key) > 0
        with pytest.raises(Tampered):
            verify_cosignature(evidence[0][0], key)
        assert vault.store.entries(ORIGIN)[: len(first)] == first
        await back.close()

    asyncio.run(story(founded(tmp_path)))


def test_a_fork_that_is_offered_from_its_beginning_is_kept_as_evidence(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        back, _ = await rolled_back(house, "PO-2")
        site = await alone(back, "PO-3")
        back.open_vault()
        vault = back.shop.vaults[VAULT]
        with pytest.raises(Tampered):
            await vault.offer(site.links[VAULT].next_segment(0), FLOOR)
        found = vault.store.evidence(ORIGIN)
        await back.close()
        assert found

    asyncio.run(story(founded(tmp_path)))


# ---- the documented limit ------------------------------------------------------------------------------------------


def test_the_whole_directory_restored_with_its_vault_is_not_detected(tmp_path: Path) -> None:
    """The limit that the documents name: only a witness outside of this directory catches it (foundations 8)."""

    async def story(house: House) -> None:
        await session(house, "PO-1")
        backup = house.directory.parent / "everything"
        shutil.copytree(house.directory, backup)
        await session(again(house), "PO-2", "PO-3")
        outside = SqliteMirror(house.directory / VAULT / "mirror.db").latest(ORIGIN)
        shutil.rmtree(house.directory)
        shutil.copytree(backup, house.directory)
        back = again(house)
        back.open_vault()
        site = await back.open(FLOOR)
        assert events(site, ev.Booted)[-1].reconciled, "it even says that it is reconciled"
        assert not [entry for entry in entries(site) if "PO-2" in entry.subject], "acknowledged entries are gone"
        assert outside is not None
        assert parse_checkpoint(outside).size > site.spine.size, "a cosignature kept outside shows it"
        await back.close()
        assert unsound(back.audits()) == []

    asyncio.run(story(founded(tmp_path)))


# ---- a Vault that lies ---------------------------------------------------------------------------------------------


def test_a_note_that_proves_nothing_does_not_keep_a_site_from_starting(tmp_path: Path) -> None:
    """A hostile Vault shows a checkpoint that the site never signed: the site starts, unreconciled, and works."""

    async def story(house: House) -> None:
        await session(house, "PO-1")
        back = again(house)
        back.open_vault()
        vault = back.shop.vaults[VAULT]
        note = vault.store.latest(ORIGIN)
        assert note is not None

        async def lie(origin: str, sender: str) -> bytes:
            return note.replace(b"\n", b"\n9", 1)

        vault.latest = lie  # type: ignore[method-assign]
        site = await back.open(FLOOR)
        assert not events(site, ev.Booted)[-1].reconciled
        await back.close()

    asyncio.run(story(founded(tmp_path)))


def test_a_forked_site_is_never_told_that_its_entry_is_replicated(tmp_path: Path) -> None:
    """The Vault holds as many entries as are asked for, but of another history."""

    async def story(house: House) -> None:
        back, size = await rolled_back(house, "PO-2", "PO-3", "PO-4", "PO-5")
        site = await alone(back, "PO-9")
        assert site.spine.size < size
        asked = asyncio.ensure_future(site.submit_replicated(back.sign(back.slip("PO-10", ("x",)))))
        await met(back, site)
        for _ in range(20):
            await asyncio.sleep(0.002)
        assert not asked.done() or asked.exception() is not None
        asked.cancel()
        await back.close()

    asyncio.run(story(founded(tmp_path)))
