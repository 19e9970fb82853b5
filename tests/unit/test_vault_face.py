"""A Vault seen from outside: mirrors as tiles, checkpoints that strangers hand in, witnesses outside of the shop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from holdgate.adapters.http_serve import serving
from holdgate.adapters.http_witness import WitnessApp
from holdgate.bootstrap import POLICY
from holdgate.crypto.hashes import leaf_hash
from holdgate.ledger.merkle import consistency_path, root_of
from holdgate.ledger.note import (
    Notary,
    make_vkey,
    open_checkpoint,
    parse_checkpoint,
    parse_vkey,
    verify_cosignature,
)
from holdgate.ledger.tiles import entries_path, entry_bundles, read_bundle, tile_path, tiles_for
from holdgate.ledger.witness import Witness, origin_hash, write_request
from holdgate.sites.vault import Vault
from holdgate.sites.vault_face import VaultFace, WitnessFace
from holdgate.terms.errors import Tampered, Unavailable
from tests.unit.test_sites import HUB, VAULT, House, founded, settled
from tests.witnesses import Log, cosigner, witness_at

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
ORIGIN = f"lab.test/{HUB}"
HASHED = origin_hash(ORIGIN)
OUTSIDE = "client.test/witness"


async def work(house: House, entries: int) -> Vault:
    """A shop at work, until the Vault holds everything."""
    house.open_vault()
    await house.open(HUB)
    for number in range(entries):
        answer = await house.ask(HUB, house.material(f"B-{number}"))
        assert answer.decision.allowed
    await settled(house.shop)
    return house.shop.vaults[VAULT]


def seen(house: House) -> House:
    house.shop._faces = True
    return house


@asynccontextmanager
async def shown(vault: Vault) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(WitnessApp(VaultFace(vault)).app) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as client,
    ):
        yield client


def told(tmp_path: Path, story: Callable[[House], Awaitable[None]]) -> None:
    asyncio.run(story(seen(founded(tmp_path))))  # type: ignore[arg-type]


def hub_notary(house: House) -> Notary:
    """The hub's own key, stolen."""
    return Notary(ORIGIN, house.desk.key(HUB))


def test_a_mirror_is_served_as_tiles_that_lead_to_the_cosigned_checkpoint(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        vault = await work(house, 300)
        async with shown(vault) as client:
            note = (await client.get(f"/{HASHED}/checkpoint")).content
            checkpoint = open_checkpoint(note, vault._logs[ORIGIN])
            assert verify_cosignature(note, parse_vkey(vault._cosigner.vkey)) > 0
            bodies = vault.store.entries(ORIGIN)
            leaves = [leaf_hash(body) for body in bodies]
            assert checkpoint.size == len(bodies) > 300
            assert checkpoint.root == root_of(leaves)
            wanted = [*tiles_for(len(leaves), leaves), *entry_bundles(len(bodies), bodies)]
            assert len(wanted) == 5
            for path, content in wanted:
                reply = await client.get(f"/{HASHED}/{path}")
                assert (reply.status_code, reply.content) == (200, content), path
                assert reply.headers["content-type"] == "application/octet-stream"
                assert "immutable" in reply.headers["cache-control"]
            earlier = await client.get(f"/{HASHED}/{entries_path(1, 3)}")
            assert read_bundle(earlier.content, 3) == bodies[256:259]
            assert (await client.get(f"/{HASHED}/{tile_path(0, 1, 3)}")).content == b"".join(leaves[256:259])
        await house.close()

    told(tmp_path, story)


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/000",
        "tile/0/0",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/x000/000.p/1",
        "tile/0/001.p/1",
        "tile/00/000.p/1",
        "tile/1/000.p/1",
        "tile/63/000.p/1",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/entries/000",
        "tile/entries/-01",
        "tile/../checkpoint",
        "tile/0/٠٠٠.p/1",
    ],
)
def test_tiles_that_are_not_there_are_404(tmp_path: Path, path: str) -> None:
    async def story(house: House) -> None:
        vault = await work(house, 3)
        assert await VaultFace(vault).tile(HASHED, path) is None
        assert await VaultFace(vault).tile(HASHED, "tile/0/000.p/2") is not None
        await house.close()

    told(tmp_path, story)


def test_nothing_but_a_checkpoint_is_taken_and_it_is_not_cosigned(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        vault = await work(house, 5)
        latest = vault.store.latest(ORIGIN)
        assert latest is not None
        size = parse_checkpoint(latest).size
        async with shown(vault) as client:
            for verb in ("PUT", "DELETE", "PATCH", "POST"):
                for path in (f"/{HASHED}/checkpoint", f"/{HASHED}/tile/0/000.p/2", "/evidence"):
                    assert (await client.request(verb, path, content=b"x")).status_code == 405
            assert (await client.post("/add-entries", content=b"x")).status_code == 415
            raw = write_request(size, [], latest)
            reply = await client.post("/add-checkpoint", content=raw)
            assert (reply.status_code, reply.content) == (200, b""), "accepted, and signed by nobody"
            assert (await client.post("/add-checkpoint", content=write_request(0, [], latest))).status_code == 409
        assert vault.store.latest(ORIGIN) == latest
        await house.close()

    told(tmp_path, story)


@pytest.mark.parametrize("back", [0, 2])
def test_a_checkpoint_that_contradicts_the_mirror_is_evidence_at_every_size(tmp_path: Path, back: int) -> None:
    async def story(house: House) -> None:
        vault = await work(house, 6)
        latest = vault.store.latest(ORIGIN)
        assert latest is not None
        size = parse_checkpoint(latest).size - back
        forged = hub_notary(house).checkpoint(size, bytes(32))
        honest = hub_notary(house).checkpoint(size, root_of(vault.store.leaves(ORIGIN, 0, size)))
        async with shown(vault) as client:
            await client.post("/add-checkpoint", content=write_request(0, [], honest))
            assert (await client.get("/evidence")).json() == {"evidence": []}
            assert (await client.post("/add-checkpoint", content=write_request(size, [], forged))).status_code in (
                409,
                422,
            )
            (found,) = (await client.get("/evidence")).json()["evidence"]
        assert found["why"] == ("other_entries" if back else "two_roots")
        await house.close()

    told(tmp_path, story)


def ahead(house: House, vault: Vault, more: int, *, root: bytes | None = None) -> bytes:
    """A request for a checkpoint ahead of the mirror that continues it: the hub's true future, or a made-up one."""
    leaves = vault.store.leaves(ORIGIN, 0, 1 << 30)
    future = leaves + [leaf_hash(b"made up %d" % n) for n in range(more)]
    note = hub_notary(house).checkpoint(len(future), root_of(future))
    return write_request(len(leaves), consistency_path(future, len(leaves)), note)


def test_what_is_mirrored_has_to_lead_through_the_pending_checkpoint(tmp_path: Path) -> None:
    """The hub showed somebody another future than the one that it gives to the Vault: it gets no cosignature any more."""

    async def story(house: House) -> None:
        vault = await work(house, 4)
        size = vault.store.held(ORIGIN)[0]
        assert (await vault.add_checkpoint(ahead(house, vault, 2))).status == 200
        for number in range(4):
            await house.ask(HUB, house.material(f"C-{number}"))
        for _ in range(200):
            await asyncio.sleep(0.005)
            if isinstance(house.shop.sites[HUB].links[VAULT].fault, Tampered):
                break
        assert isinstance(house.shop.sites[HUB].links[VAULT].fault, Tampered)
        latest = vault.store.latest(ORIGIN)
        assert latest is not None
        assert parse_checkpoint(latest).size <= size + 1, "nothing is cosigned beyond the size that was signed twice"
        assert vault.contradictions()
        await house.close()

    told(tmp_path, story)


def test_what_is_handed_in_next_continues_the_pending_checkpoint(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        vault = await work(house, 4)
        leaves = vault.store.leaves(ORIGIN, 0, 1 << 30)
        size = len(leaves)
        assert (await vault.add_checkpoint(ahead(house, vault, 2))).status == 200
        again = await vault.add_checkpoint(ahead(house, vault, 5))
        assert (again.status, again.body) == (409, b"%d\n" % (size + 2))
        other = hub_notary(house).checkpoint(size + 2, bytes(32))
        assert (await vault.add_checkpoint(write_request(size + 2, [], other))).status == 422
        assert [item.why for item in vault.contradictions()] == ["two_roots"]
        await house.close()

    told(tmp_path, story)


def test_an_honest_pending_checkpoint_is_no_hindrance(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        vault = await work(house, 4)
        leaves = vault.store.leaves(ORIGIN, 0, 1 << 30)
        house.shop.bus.cut(VAULT)
        for number in range(3):
            await house.ask(HUB, house.material(f"C-{number}"))
        future = house.shop.sites[HUB].means.store.leaves(0, 1 << 30)
        assert len(future) > len(leaves)
        note = hub_notary(house).checkpoint(len(future), root_of(future))
        raw = write_request(len(leaves), consistency_path(future, len(leaves)), note)
        assert (await vault.add_checkpoint(raw)).status == 200
        house.shop.bus.mend(VAULT)
        await house.ask(HUB, house.material("C-9"))
        await settled(house.shop)
        assert vault.store.held(ORIGIN)[0] > len(future)
        assert vault.contradictions() == []
        await house.close()

    told(tmp_path, story)


def test_a_vault_that_nobody_looks_at_takes_no_checkpoint(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.shop._faces = False
        vault = await work(house, 1)
        with pytest.raises(Unavailable):
            await vault.add_checkpoint(b"")
        async with shown(vault) as client:
            assert (await client.post("/add-checkpoint", content=b"x")).status_code == 503
            assert (await client.get("/evidence")).json() == {"evidence": []}
            assert (await client.get(f"/{HASHED}/checkpoint")).status_code == 200
        await house.close()
        assert not (house.directory / VAULT / "witness.db").exists()

    told(tmp_path, story)


# ---- outside witnesses ---------------------------------------------------------------------------------------------


def logs_of(house: House) -> dict[str, str]:
    return {s.origin: make_vkey(s.origin, s.key) for s in house.shop.charter.sites if s.kind != "vault"}


def outside(house: House, place: Path) -> Witness:
    made = witness_at(place, Log())
    logs = {origin: parse_vkey(text) for origin, text in logs_of(house).items()}
    return Witness(logs, made.store, cosigner(OUTSIDE))


def with_policy(house: House, port: int, quorum: str = "ours") -> None:
    text = f"witness ours {cosigner(OUTSIDE).vkey} http://127.0.0.1:{port}\nquorum {quorum}\n"
    (house.directory / VAULT / POLICY).write_text(text, encoding="utf-8")


async def calm(vault: Vault) -> None:
    """Until nobody is being asked."""
    for _ in range(1_000):
        if all(asking.idle for asking in vault.asking):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the outside witness is still being asked")


def test_outside_cosignatures_are_asked_for_kept_and_served_beside_the_vaults_own(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        witness = outside(house, tmp_path / "outside")
        async with serving(WitnessApp(WitnessFace(witness, house.clock)).app) as port:
            with_policy(house, port)
            vault = await work(house, 8)
            await calm(vault)
            assert [asking.faults for asking in vault.asking] == [{}]
            async with shown(vault) as client:
                note = (await client.get(f"/{HASHED}/checkpoint")).content
            checkpoint = open_checkpoint(note, vault._logs[ORIGIN])
            assert checkpoint.size == vault.store.held(ORIGIN)[0]
            for key in (vault._cosigner.vkey, cosigner(OUTSIDE).vkey):
                assert verify_cosignature(note, parse_vkey(key)) > 0
            await house.close()
        witness.store.close()
        again = House(house.directory, seed=7 << 16)
        again.open_vault()
        kept = again.shop.vaults[VAULT].shown(ORIGIN)
        assert kept is not None
        assert verify_cosignature(kept, parse_vkey(cosigner(OUTSIDE).vkey)) > 0
        again.shop.close()

    told(tmp_path, story)


def test_the_newest_checkpoint_that_the_quorum_cosigned_is_served(tmp_path: Path) -> None:
    """The outside witness goes away: what is shown stays at what it cosigned; without a quorum the newest is shown."""

    async def story(house: House) -> None:
        witness = outside(house, tmp_path / "outside")
        async with serving(WitnessApp(WitnessFace(witness, house.clock)).app) as port:
            with_policy(house, port)
            vault = await work(house, 3)
            await calm(vault)
        size = vault.store.held(ORIGIN)[0]
        for number in range(3):
            await house.ask(HUB, house.material(f"D-{number}"))
        await settled(house.shop)
        assert vault.store.held(ORIGIN)[0] > size
        note = vault.shown(ORIGIN)
        assert note is not None
        assert parse_checkpoint(note).size == size
        for _ in range(400):
            if vault.asking[0].faults:
                break
            await asyncio.sleep(0.01)
        assert isinstance(vault.asking[0].faults[ORIGIN], Unavailable)
        vault._policy = None
        newest = vault.shown(ORIGIN)
        assert newest is not None
        assert parse_checkpoint(newest).size == vault.store.held(ORIGIN)[0]
        await house.close()
        witness.store.close()

    told(tmp_path, story)


def test_work_goes_on_where_the_outside_witness_refuses(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        nobody = witness_at(tmp_path / "outside", Log("other.test/x"))
        async with serving(WitnessApp(WitnessFace(nobody, house.clock)).app) as port:
            with_policy(house, port)
            vault = await work(house, 3)
            await calm(vault)
            assert "404" in str(vault.asking[0].faults[ORIGIN])
            assert vault.shown(ORIGIN) == vault.store.latest(ORIGIN)
            await house.close()
        nobody.store.close()

    told(tmp_path, story)


def test_an_outside_witness_remembers_what_a_restored_directory_has_forgotten(tmp_path: Path) -> None:
    """Foundations: restoring the whole directory takes the Vault back too; an outside witness catches that."""

    async def story(house: House) -> None:
        witness = outside(house, tmp_path / "outside")
        async with serving(WitnessApp(WitnessFace(witness, house.clock)).app) as port:
            with_policy(house, port)
            vault = await work(house, 6)
            await calm(vault)
            held = witness.store.latest(ORIGIN)
            assert held is not None
            await house.close()
            for kept in (house.directory / HUB).glob("ledger.*"):
                kept.unlink()
            for kept in (house.directory / VAULT).glob("*.db*"):
                kept.unlink()
            back = seen(House(house.directory, seed=3 << 16))
            vault = await work(back, 12)
            await calm(vault)
            assert isinstance(vault.asking[0].faults[ORIGIN], Tampered), vault.asking[0].faults
            assert witness.store.latest(ORIGIN) == held
            assert [item.origin for item in witness.store.evidence()] == [ORIGIN] * len(witness.store.evidence())
            assert witness.store.evidence()
            await back.close()
        witness.store.close()

    told(tmp_path, story)
