"""Acts that were signed in files are handed in over HTTP to a shop that is up; the receipt is verified by its charter."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from holdgate.cli.key_files import read_public
from holdgate.cli.run import serve
from holdgate.cli.standing import open_standing
from holdgate.cli.wish_file import Known, WishFile, written
from holdgate.identity.charter import Charter
from holdgate.law.contract import document_digest, encode_document
from holdgate.process import open_whole
from tests.commands import PIN, Said, key_file, public_of, run, shop_file, well
from tests.unit.test_hub_by_itself import TECHNIQUE, TEMPLATE

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(400)]
ADM, QA = "SID-ADM-01", "SID-QA-01"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop with two officers, and an act that one of them signed."""
    monkeypatch.chdir(tmp_path)
    founders = []
    for smart_id, roles in ((ADM, "admin+author"), (QA, "qa")):
        founders += ["--founder", f"{smart_id}:Officer:{roles}:{public_of(key_file(tmp_path, smart_id))}"]
    well("site", "init", "lab", "--shop", shop_file(tmp_path), "--root", "root.key", *founders)
    well("act", "prepare", "identity.disable", f"id={QA}", "reason=left us", "--data", "lab", "--as", ADM,
         "--out", "wish.json")  # fmt: skip
    well("act", "sign", "wish.json", "--key", f"{ADM}.key", "--yes", pins=(PIN,))
    return tmp_path


def with_shop_up(story: Callable[[str], Awaitable[None]]) -> None:
    """Tell a story with the shop up; it is given the shop's address."""

    async def tell() -> None:
        async with open_whole(Path("lab")) as (_, app), serve(app, "127.0.0.1", 0) as port:
            await story(f"http://127.0.0.1:{port}")

    asyncio.run(tell())


async def sent(url: str, *more: str) -> Said:
    return await asyncio.to_thread(run, "act", "send", "wish.json", "--url", url, *more)


def test_a_signed_act_is_handed_in_and_its_receipt_is_verified(place: Path) -> None:
    async def story(address: str) -> None:
        busy = await asyncio.to_thread(run, "act", "send", "wish.json", "--data", "lab")
        assert (busy.code, "is open in another process" in busy.err) == (2, True)
        first = await sent(f"{address}/HUB", "--charter", "lab/charter.json")
        assert (first.code, "ALLOWED" in first.out, "the receipt (verified)" in first.out) == (0, True, True), first
        assert f"{QA} was disabled" in first.out or QA in first.out
        again = await sent(f"{address}/HUB/")
        assert (again.code, "as the first time" in again.out, "not verified" in again.out) == (0, True, True)
        shown = await asyncio.to_thread(run, "act", "show", "wish.json", "--data", "lab")
        assert shown.code == 0, "the record is read while the shop is up"

    with_shop_up(story)


def test_documents_go_with_an_act_over_http(place: Path) -> None:
    technique = replace(TECHNIQUE, author=ADM)
    order = replace(TEMPLATE, author=ADM, process=document_digest(technique))
    Path("order").write_bytes(encode_document(order))
    Path("technique").write_bytes(encode_document(technique))
    words = ("contract=SP-2", "version=1", f"sha256={document_digest(order)}")
    well("act", "prepare", "contract.submit", *words, "--data", "lab", "--as", ADM, "--role", "author",
         "--out", "draft.json")  # fmt: skip
    well("act", "sign", "draft.json", "--key", f"{ADM}.key", "--yes", pins=(PIN,))

    async def story(address: str) -> None:
        where = ("act", "send", "draft.json", "--url", f"{address}/HUB", "--charter", "lab/charter.json")
        said = await asyncio.to_thread(run, *where, "--document", "order", "--document", "technique")
        assert (said.code, "the receipt (verified)" in said.out) == (0, True), said

    with_shop_up(story)


def test_what_a_site_does_not_believe_is_said_to_be_only_counted(place: Path) -> None:
    """Whoever prepared the act put a stranger's key beside the officer's name."""
    stranger = key_file(place, "STRANGER")
    well("act", "prepare", "identity.disable", f"id={QA}", "reason=x", "--data", "lab", "--as", ADM,
         "--out", "lie.json")  # fmt: skip
    file = msgspec.json.decode(Path("lie.json").read_bytes(), type=WishFile)
    public = bytes.fromhex(read_public(public_of(stranger)).public)
    Path("lie.json").write_bytes(written(replace(file, signers={ADM: Known(key=public, name="A. Diaz")})))
    well("act", "sign", "lie.json", "--key", stranger, "--yes", pins=(PIN,))

    async def story(address: str) -> None:
        where = ("act", "send", "lie.json", "--url", f"{address}/HUB", "--charter", "lab/charter.json")
        said = await asyncio.to_thread(run, *where)
        assert (said.code, "REFUSED" in said.out, "only counted" in said.out) == (1, True, True), said

    with_shop_up(story)
    with open_standing(Path("lab")) as standing:
        assert standing.state.identities[QA].disabled_at is None


def test_a_receipt_under_another_key_is_not_believed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdgate.cli.act_send.seat_of", _floor_for_hub)

    async def story(address: str) -> None:
        said = await sent(f"{address}/HUB", "--charter", "lab/charter.json")
        assert said.code == 2, said

    with_shop_up(story)
    assert not Path("wish.receipt.json").exists()


def _floor_for_hub(charter: Charter, _: str) -> object:
    """Another log's seat: as if somebody answered in the hub's place with a key of their own."""
    return next(seat for seat in charter.sites if seat.kind == "floor_hub")


def test_whoever_does_not_answer_as_a_site_is_said_to(place: Path) -> None:
    async def story(address: str) -> None:
        wrong = await sent(f"{address}/NOWHERE/HUB")
        assert (wrong.code, "is the address right" in wrong.err) == (2, True), wrong

    with_shop_up(story)
    nobody = run("act", "send", "wish.json", "--url", "http://127.0.0.1:1/HUB")
    assert (nobody.code, "did not answer" in nobody.err) == (2, True)
    assert not Path("wish.receipt.json").exists()
