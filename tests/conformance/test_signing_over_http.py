"""Acts that were signed in files are handed in over HTTP to a shop that is up; the receipt is verified by its charter."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from holdgate.cli.run import serve
from holdgate.identity.charter import Charter
from holdgate.process import open_whole
from tests.commands import PIN, Said, key_file, public_of, run, shop_file, well

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
ADM, QA = "SID-ADM-01", "SID-QA-01"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop with two officers, and an act that one of them signed."""
    monkeypatch.chdir(tmp_path)
    founders = []
    for smart_id, roles in ((ADM, "admin"), (QA, "qa")):
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
