"""Uploads to a Vault's mirror (C2SP tlog-mirror) by a client that is written here from the specification's text, not from ours."""

import asyncio
import base64
import gzip
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from holdgate.adapters.http_serve import Limits, serving
from holdgate.adapters.http_witness import WitnessApp
from holdgate.adapters.sqlite_mirror import SqliteMirror
from holdgate.law.segments import Segment
from holdgate.ledger.note import Notary, make_vkey, parse_vkey, verify_cosignature
from holdgate.sites.vault import Vault
from holdgate.sites.vault_face import VaultFace, WitnessFace
from holdgate.terms.errors import Tampered
from holdgate.terms.limits import MIRROR_UPLOAD_BYTES_MAX
from tests.trees import consistency, mth, subtree_proof
from tests.unit.test_sites import HUB, VAULT, House, founded, settled, unsound
from tests.witnesses import witness_at

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
ORIGIN, MIRROR = f"lab.test/{HUB}", f"lab.test/{VAULT}"
HASHED = sha256(ORIGIN.encode()).hexdigest()
INFO, BINARY = "text/x.tlog.mirror-info", "application/octet-stream"


# ---- the client, from the text of the specification ----------------------------------------------------------------


class History:
    """A log of the client's, and the bodies of its requests. `fork`: from which entry on it is another."""

    def __init__(self, size: int, fork: int | None = None, origin: str = ORIGIN) -> None:
        self.origin = origin
        forked = size if fork is None else fork
        self.entries = [f"entry {n}{' otherwise' * (n >= forked)}".encode() * (n % 3 + 1) for n in range(size)]
        self.leaves = [sha256(b"\x00" + entry).digest() for entry in self.entries]

    def signed(self, notary: Notary, size: int) -> bytes:
        return notary.checkpoint(size, mth(self.leaves[:size]))

    def add_checkpoint(self, notary: Notary, old: int, size: int) -> bytes:
        proof = consistency(old, self.leaves[:size])
        lines = b"".join(base64.b64encode(node) + b"\n" for node in proof)
        return b"old %d\n" % old + lines + b"\n" + self.signed(notary, size)

    def head(self, start: int, end: int, ticket: bytes = b"") -> bytes:
        origin = self.origin.encode()
        return struct.pack(">H", len(origin)) + origin + struct.pack(">QQH", start, end, len(ticket)) + ticket

    def packages(self, upload_start: int, upload_end: int) -> list[bytes]:
        """The canonical sequence."""
        rounded_start, rounded_end = upload_start // 256 * 256, -(-upload_end // 256) * 256
        found = []
        for i in range((rounded_end - rounded_start) // 256 if upload_start != upload_end else 0):
            start, end = max(upload_start, rounded_start + i * 256), min(upload_end, rounded_start + (i + 1) * 256)
            entries = b"".join(struct.pack(">H", len(entry)) + entry for entry in self.entries[start:end])
            proof = subtree_proof(rounded_start + i * 256, end, self.leaves[:upload_end])
            found.append(entries + bytes([len(proof)]) + b"".join(proof))
        return found

    def upload(self, start: int, end: int, count: int | None = None) -> bytes:
        return self.head(start, end) + b"".join(self.packages(start, end)[:count])


class Mirror:
    """A Vault over HTTP, and the key of the log that is uploaded."""

    def __init__(self, house: House, vault: Vault, client: httpx.AsyncClient) -> None:
        self.house, self.vault, self.client = house, vault, client
        self.notary = Notary(ORIGIN, house.desk.key(HUB))
        self.key = parse_vkey(make_vkey(MIRROR, house.desk.key(VAULT).public, 0x04))

    async def pend(self, history: History, old: int, size: int) -> None:
        reply = await self.client.post("/add-checkpoint", content=history.add_checkpoint(self.notary, old, size))
        assert (reply.status_code, reply.content) == (200, b""), "the mirror's cosigner signs no pending checkpoint"

    async def post(self, body: bytes, **headers: str) -> httpx.Response:
        told = {"content-type": BINARY} | {name.replace("_", "-"): value for name, value in headers.items()}
        reply = await self.client.post("/add-entries", content=body, headers=told)
        assert "gzip" in reply.headers["accept-encoding"]
        return reply

    async def info(self) -> tuple[int, int]:
        """What a client asks that knows nothing."""
        return said(await self.post(History(0).head(0, 0)), 409)

    def cosigned(self, reply: httpx.Response, history: History, size: int) -> None:
        assert reply.status_code == 200, reply.text
        assert reply.text.startswith(f"\u2014 {MIRROR} ")
        assert verify_cosignature(history.signed(self.notary, size) + reply.content, self.key) > 0

    async def shows(self, history: History, size: int) -> None:
        """The mirror serves what was uploaded, under a checkpoint with log's and mirror's signatures."""
        note = (await self.client.get(f"/{HASHED}/checkpoint")).content
        assert note.startswith(history.signed(self.notary, size))
        assert verify_cosignature(note, self.key) > 0
        assert self.vault.store.entries(ORIGIN) == history.entries[:size]
        width = size % 256
        tail = f"{size // 256:03}.p/{width}" if width else f"{size // 256 - 1:03}"
        tile = (await self.client.get(f"/{HASHED}/tile/0/{tail}")).content
        assert tile == b"".join(history.leaves[size - (width or 256) : size])


def said(reply: httpx.Response, status: int) -> tuple[int, int]:
    """The two numbers of a mirror-info body."""
    assert (reply.status_code, reply.headers["content-type"]) == (status, INFO), reply.text
    size, following, ticket, rest = reply.text.split("\n")
    assert (base64.b64decode(ticket), rest) == (b"", "")
    return int(size), int(following)


@asynccontextmanager
async def mirror_of(house: House) -> AsyncIterator[Mirror]:
    house.shop._faces = True
    house.open_vault()
    vault = house.shop.vaults[VAULT]
    async with (
        serving(WitnessApp(VaultFace(vault)).app, limits=Limits(body_bytes=MIRROR_UPLOAD_BYTES_MAX)) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client,
    ):
        yield Mirror(house, vault, client)
    vault.close()
    house.shop.vaults.clear()


def told(house: House, story: Callable[[Mirror], Awaitable[None]]) -> None:
    async def run() -> None:
        async with mirror_of(house) as mirror:
            await story(mirror)

    asyncio.run(run())


@pytest.fixture
def house(tmp_path: Path) -> House:
    return founded(tmp_path)


HISTORY = History(700)


# ---- what goes well ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 512, 700])
def test_a_log_is_uploaded_cosigned_and_served(house: House, size: int) -> None:
    async def story(mirror: Mirror) -> None:
        assert await mirror.info() == (0, 0)
        await mirror.pend(HISTORY, 0, size)
        assert await mirror.info() == (size, 0)
        mirror.cosigned(await mirror.post(HISTORY.upload(0, size)), HISTORY, size)
        await mirror.shows(HISTORY, size)
        assert await mirror.info() == (size, size)
        again = await mirror.post(HISTORY.upload(size, size))
        mirror.cosigned(again, HISTORY, size)

    told(house, story)


def test_a_log_grows_by_uploads_from_any_entry_on(house: House) -> None:
    async def story(mirror: Mirror) -> None:
        old = 0
        for size, start in ((100, 0), (300, 100), (301, 300), (511, 256), (600, 0), (700, 513)):
            await mirror.pend(HISTORY, old, size)
            mirror.cosigned(await mirror.post(HISTORY.upload(start, size)), HISTORY, size)
            await mirror.shows(HISTORY, size)
            old = size

    told(house, story)


def test_a_prefix_is_taken_and_the_rest_follows_even_after_a_restart(house: House) -> None:
    async def first(mirror: Mirror) -> None:
        await mirror.pend(HISTORY, 0, 700)
        assert said(await mirror.post(HISTORY.upload(0, 700, count=1)), 202) == (700, 256)
        assert mirror.vault.store.held(ORIGIN)[0] == 0, "nothing is mirrored before all of it is there"
        assert mirror.vault.store.latest(ORIGIN) is None
        assert (await mirror.client.get(f"/{HASHED}/checkpoint")).status_code == 404

    async def second(mirror: Mirror) -> None:
        assert await mirror.info() == (700, 256)
        assert said(await mirror.post(HISTORY.upload(256, 700, count=1)), 202) == (700, 512)
        mirror.cosigned(await mirror.post(HISTORY.upload(512, 700)), HISTORY, 700)
        await mirror.shows(HISTORY, 700)

    told(house, first)
    told(house, second)


def test_at_most_32_packages_of_a_request_are_read(house: House) -> None:
    history = History(8_500)

    async def story(mirror: Mirror) -> None:
        await mirror.pend(history, 0, 8_500)
        assert said(await mirror.post(history.upload(0, 8_500)), 202) == (8_500, 8_192)
        mirror.cosigned(await mirror.post(history.upload(8_192, 8_500)), history, 8_500)
        await mirror.shows(history, 8_500)
        assert said(await mirror.post(history.upload(0, 8_500, count=0)), 409) == (8_500, 8_500), "too far below"

    told(house, story)


def test_an_earlier_pending_checkpoint_is_good_too(house: House) -> None:
    async def story(mirror: Mirror) -> None:
        await mirror.pend(HISTORY, 0, 500)
        await mirror.pend(HISTORY, 500, 700)
        assert said(await mirror.post(HISTORY.upload(0, 500, count=1)), 202) == (500, 256), (
            "so it can go on as it began"
        )
        mirror.cosigned(await mirror.post(HISTORY.upload(256, 500)), HISTORY, 500)
        await mirror.shows(HISTORY, 500)
        mirror.cosigned(await mirror.post(HISTORY.upload(500, 700)), HISTORY, 700)
        assert said(await mirror.post(HISTORY.upload(256, 500)), 409) == (700, 700), "the mirror does not go back"

    told(house, story)


def test_many_clients_at_once_do_not_disturb_each_other(house: House) -> None:
    async def story(mirror: Mirror) -> None:
        await mirror.pend(HISTORY, 0, 700)
        counts = (3, 1, 2, 3, 1, 2, 3)
        replies = await asyncio.gather(*(mirror.post(HISTORY.upload(0, 700, count=count)) for count in counts))
        assert {reply.status_code for reply in replies} <= {200, 202}
        assert replies[0].status_code == 200
        await mirror.shows(HISTORY, 700)

    told(house, story)


def test_a_body_may_be_packed(house: House) -> None:
    async def story(mirror: Mirror) -> None:
        await mirror.pend(HISTORY, 0, 700)
        packed = gzip.compress(HISTORY.upload(0, 700))
        mirror.cosigned(await mirror.post(packed, content_encoding="gzip"), HISTORY, 700)
        bomb = gzip.compress(HISTORY.head(700, 700) + bytes(8 * MIRROR_UPLOAD_BYTES_MAX))
        assert len(bomb) < 200_000
        mirror.cosigned(await mirror.post(bomb, content_encoding="gzip"), HISTORY, 700)
        assert (await mirror.post(b"\x1f\x8b nonsense", content_encoding="gzip")).status_code == 400
        cut = gzip.compress(HISTORY.upload(512, 700))[:-60]
        assert (await mirror.post(cut, content_encoding="gzip")).status_code in {200, 400}
        assert (await mirror.post(packed, content_encoding="br")).status_code == 415

    told(house, story)


# ---- what is refused -----------------------------------------------------------------------------------------------


def flipped(body: bytes, place: int) -> bytes:
    return body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]


def test_what_is_not_proven_is_refused_and_what_was_proven_before_it_stays(house: House) -> None:
    async def story(mirror: Mirror) -> None:
        await mirror.pend(HISTORY, 0, 700)
        head, packages = HISTORY.head(0, 700), HISTORY.packages(0, 700)
        other = History(700, fork=300).packages(0, 700)
        for what, body in {
            "an altered entry": head + flipped(packages[0], 5),
            "an altered proof": head + flipped(packages[0], len(packages[0]) - 1),
            "another order": head + packages[1] + packages[0],
            "another history": head + other[0],
            "a proof too long": head + packages[0][: -1 - 32 * 2] + bytes([64]) + bytes(64 * 32),
        }.items():
            reply = await mirror.post(body)
            assert reply.status_code == 422, what
            assert await mirror.info() == (700, 0), what
        assert (await mirror.post(head + packages[0] + other[1])).status_code == 422
        assert await mirror.info() == (700, 256)
        mirror.cosigned(await mirror.post(HISTORY.upload(256, 700)), HISTORY, 700)
        await mirror.shows(HISTORY, 700)

    told(house, story)


def test_what_was_cut_off_is_taken_as_far_as_it_is_whole(house: House) -> None:
    async def story(mirror: Mirror) -> None:
        await mirror.pend(HISTORY, 0, 700)
        head, packages = HISTORY.head(0, 700), HISTORY.packages(0, 700)
        for length in (0, 1, 2, 10, len(head) - 1):
            assert (await mirror.post(head[:length])).status_code == 400, length
        for length in (0, 1, 2, 50, len(packages[0]) - 1):
            assert (await mirror.post(head + packages[0][:length])).status_code == 400, length
        whole = head + packages[0]
        assert said(await mirror.post(whole + packages[1][:-1]), 202) == (700, 256)
        assert said(await mirror.post(whole + packages[1] + packages[2][:1]), 202) == (700, 512)

    told(house, story)


def test_conflicts_say_where_to_go_on(house: House) -> None:
    async def story(mirror: Mirror) -> None:
        assert said(await mirror.post(HISTORY.upload(0, 300)), 409) == (0, 0), "nothing is pending"
        await mirror.pend(HISTORY, 0, 300)
        assert said(await mirror.post(HISTORY.upload(0, 299)), 409) == (300, 0), "no such checkpoint"
        assert said(await mirror.post(HISTORY.upload(0, 301)), 409) == (300, 0)
        assert said(await mirror.post(HISTORY.upload(256, 300)), 409) == (300, 0), "a gap"
        mirror.cosigned(await mirror.post(HISTORY.upload(0, 300)), HISTORY, 300)
        assert said(await mirror.post(HISTORY.upload(301, 400)), 409) == (300, 300)
        assert (await mirror.post(HISTORY.head(300, 299))).status_code == 400
        assert said(await mirror.post(HISTORY.head(2**64 - 1, 2**64 - 1)), 409) == (300, 300)

    told(house, story)


def test_requests_that_are_none_are_refused(house: House) -> None:
    async def story(mirror: Mirror) -> None:
        await mirror.pend(HISTORY, 0, 300)
        assert (await mirror.post(History(5, origin="lab.test/NONE").upload(0, 5))).status_code == 404
        assert (await mirror.post(History(5, origin=MIRROR).upload(0, 5))).status_code == 404, "the Vault has no log"
        assert (await mirror.post(HISTORY.upload(0, 300), content_type="text/plain")).status_code == 415
        assert (await mirror.post(struct.pack(">H", 2) + b"\xff\xfe" + bytes(18))).status_code == 400
        assert (await mirror.post(HISTORY.head(0, 300, bytes(2_000)) + HISTORY.packages(0, 300)[0])).status_code == 400
        ticketed = HISTORY.head(0, 300, b"anything") + b"".join(HISTORY.packages(0, 300))
        for verb in ("GET", "PUT", "DELETE"):
            assert (await mirror.client.request(verb, "/add-entries")).status_code == 405
        mirror.cosigned(await mirror.post(ticketed), HISTORY, 300)

    told(house, story)


def test_a_log_that_two_hosts_write_in_turn_is_not_taken_from_strangers(house: House) -> None:
    """A host that was relieved holds the log's key: what it signs alone must not move the mirror."""

    async def story(mirror: Mirror) -> None:
        await mirror.pend(HISTORY, 0, 300)
        assert said(await mirror.post(HISTORY.upload(0, 300, count=1)), 202) == (300, 256)
        assert mirror.vault.keeper.claim(ORIGIN, 1, f"{HUB}.b").term == 1
        assert (await mirror.post(HISTORY.upload(256, 300))).status_code == 404
        assert mirror.vault.store.held(ORIGIN)[0] == 0

    told(house, story)


def test_a_witness_takes_no_entries(tmp_path: Path) -> None:
    house = founded(tmp_path)
    witness = witness_at(tmp_path / "w")
    reply = asyncio.run(WitnessFace(witness, house.clock).add_entries(HISTORY.upload(0, 5)))
    assert reply.status == 404
    witness.store.close()


# ---- beside the bus ------------------------------------------------------------------------------------------------


async def recorded(house: House, *batches: str) -> History:
    """The hub works without a Vault; gives its log."""
    hub = await house.open(HUB)
    for batch in batches:
        assert (await house.ask(HUB, house.material(batch))).decision.allowed
    await settled(house.shop)
    history = History(0)
    history.entries = [row.body for row in hub.means.store.rows(0, 1 << 30)]
    history.leaves = [sha256(b"\x00" + entry).digest() for entry in history.entries]
    return history


def test_a_sites_log_that_was_uploaded_gets_its_documents_over_the_bus(house: House) -> None:
    """What strangers upload is never in the site's way, and the copy in the Vault is whole in the end."""

    async def story() -> None:
        house.shop._faces = True
        history = await recorded(house, "B-1", "B-2", "B-3")
        size = len(history.entries)
        async with mirror_of(house) as mirror:
            house.shop.vaults[VAULT] = mirror.vault
            house.shop.bus.attach(VAULT, mirror.vault, mirror.vault.link_changed)
            house.shop.bus.cut(HUB, [VAULT])
            await mirror.pend(history, 0, size - 1)
            mirror.cosigned(await mirror.post(history.upload(0, size - 1)), history, size - 1)
            store = mirror.vault.store
            assert isinstance(store, SqliteMirror)
            assert (store.held(ORIGIN)[0], store.documented(ORIGIN)) == (size - 1, 0)
            house.shop.bus.mend(HUB, [VAULT])
            assert (await house.ask(HUB, house.material("B-4"))).decision.allowed
            await settled(house.shop)
            assert store.documented(ORIGIN) == store.held(ORIGIN)[0] >= size
            assert store.entries(ORIGIN)[:size] == history.entries
            assert mirror.vault.contradictions() == []
            assert house.shop.sites[HUB].reconciled
            await house.close()

    asyncio.run(story())
    assert unsound(house.audits()) == []


def segment(mirror: Mirror, history: History, start: int, size: int, **blobs: bytes) -> Segment:
    """What the log's own site sends: entries with their documents."""
    return Segment(
        origin=ORIGIN,
        start=start,
        size=size,
        checkpoint=history.signed(mirror.notary, size),
        leaves=tuple(history.leaves[start:size]),
        entries=dict(enumerate(history.entries[start:size])),
        blobs={sha256(blob).hexdigest(): blob for blob in blobs.values()},
    )


def test_documents_follow_stretch_by_stretch_and_the_mirror_goes_on_from_there(house: House) -> None:
    async def story(mirror: Mirror) -> None:
        vault, store = mirror.vault, mirror.vault.store
        assert isinstance(store, SqliteMirror)
        await mirror.pend(HISTORY, 0, 300)
        mirror.cosigned(await mirror.post(HISTORY.upload(0, 300)), HISTORY, 300)
        assert await vault.held(ORIGIN, HUB) == 0, "the site is asked for all of it, with its documents"
        taken = await vault.offer(segment(mirror, HISTORY, 0, 128, one=b"first"), HUB)
        assert (taken.size, taken.cosigned) == (128, store.latest(ORIGIN)), "the mirror's checkpoint does not go back"
        assert store.blob(sha256(b"first").hexdigest()) == b"first"
        assert (await vault.held(ORIGIN, HUB), store.held(ORIGIN)[0]) == (128, 300)
        taken = await vault.offer(segment(mirror, HISTORY, 128, 400, two=b"second"), HUB)
        assert (taken.size, await vault.held(ORIGIN, HUB)) == (400, 400)
        assert store.blob(sha256(b"second").hexdigest()) == b"second"
        await mirror.shows(HISTORY, 400)
        assert vault.contradictions() == []

    told(house, story)


def test_a_site_that_says_otherwise_than_what_was_uploaded_leaves_evidence(house: House) -> None:
    """The same key signed both: whichever way they came."""
    other = History(700, fork=100)

    async def story(mirror: Mirror) -> None:
        await mirror.pend(HISTORY, 0, 300)
        mirror.cosigned(await mirror.post(HISTORY.upload(0, 300)), HISTORY, 300)
        for size in (200, 300, 400):
            with pytest.raises(Tampered):
                await mirror.vault.offer(segment(mirror, other, 0, size), HUB)
        assert len(mirror.vault.contradictions()) == 3
        await mirror.shows(HISTORY, 300)

    told(house, story)


def test_an_upload_that_the_mirrored_entries_do_not_lead_to_is_not_cosigned(house: House) -> None:
    """The pending checkpoint is of one history; the site then told the Vault another one, shorter."""
    other = History(700, fork=50)

    async def story(mirror: Mirror) -> None:
        await mirror.pend(HISTORY, 0, 300)
        await mirror.vault.offer(segment(mirror, other, 0, 100), HUB)
        reply = await mirror.post(HISTORY.upload(100, 300))
        assert reply.status_code == 422
        assert mirror.vault.store.held(ORIGIN)[0] == 100
        assert (await mirror.post(HISTORY.upload(0, 300))).status_code == 422

    told(house, story)


def test_an_upload_that_the_bus_overtook_leaves_nothing_behind(house: House) -> None:
    async def story(mirror: Mirror) -> None:
        await mirror.pend(HISTORY, 0, 700)
        assert said(await mirror.post(HISTORY.upload(0, 700, count=1)), 202) == (700, 256)
        await mirror.vault.offer(segment(mirror, HISTORY, 0, 400), HUB)
        assert await mirror.info() == (700, 400)
        mirror.cosigned(await mirror.post(HISTORY.upload(400, 700)), HISTORY, 700)
        await mirror.shows(HISTORY, 700)
        store = mirror.vault.store
        assert store.upcoming_entries(ORIGIN, 0, 700) == []

    told(house, story)
