"""The package of a job over HTTP: a client gets those of its own orders, which hold and say nothing of anybody else's."""

import asyncio
import base64
import json
from pathlib import Path

import pytest

from holdgate.bootstrap import read_trust
from holdgate.demo.shop import CLIENT, QA, TECHNICIAN
from holdgate.ledger.note import parse_vkey
from holdgate.package.archive import unpack
from holdgate.package.verify import verify
from holdgate.web.api.package import PackageDoor
from tests import hub_shop as hub
from tests.web.test_hub_isolation import THEIRS, served

ADDRESS = "/HUB/api/jobs/{}/J-1/package"


@pytest.fixture(scope="module", autouse=True)
def played() -> None:
    """The shop is played before any test opens an event loop of its own: no loop runs inside another."""
    hub.played()


def said(raw: bytes) -> bytes:
    """Everything that a package says, what stands in base64 included."""
    parts = unpack(raw)
    lines = [json.loads(line) for name, body in parts.items() if name.endswith(".jsonl") for line in body.splitlines()]
    entries = [base64.b64decode(line["entry"]) for line in lines]
    acts = [json.loads(entry).get("action") for entry in entries]
    payloads = [base64.b64decode(act["payload"]) for act in acts if act]
    return b"\n".join([*parts.values(), *entries, *payloads])


def test_everybody_gets_what_is_theirs_and_it_holds(tmp_path: Path) -> None:
    async def look() -> None:
        async with served(tmp_path) as sign_in:
            browser, lab, floor = await sign_in(CLIENT), await sign_in(QA), await sign_in(TECHNICIAN)
            nothing = await browser.get(ADDRESS.format("PO-0000"))
            assert nothing.status_code == 404
            for order in THEIRS[CLIENT]:
                answer = await browser.get(ADDRESS.format(order))
                assert (answer.status_code, answer.text) == (404, nothing.text), order
            mine = await browser.get(ADDRESS.format(hub.INVOICED))
            assert mine.status_code == 200
            assert mine.headers["content-type"] == "application/zip"
            whole = await lab.get(ADDRESS.format(hub.INVOICED))
            some = await floor.get(ADDRESS.format(hub.INVOICED))
            assert some.content == mine.content, "who does not read the record gets what a client gets"
            keys = read_trust(tmp_path / "shop" / "trust.json")
            witnesses = [parse_vkey(text) for text in keys.witnesses]
            for answer in (mine, whole):
                assert verify(answer.content, keys.roots, witnesses).faults == ()
            text = said(mine.content)
            for theirs in (*(order.encode() for order in THEIRS[CLIENT]), hub.OTHER_CLIENT.encode(), b"PayoutReleased"):
                assert theirs not in text, theirs
            assert b"PayoutReleased" in said(whole.content)
            anybody = await browser.get("/HUB/client/" + hub.INVOICED)
            assert ADDRESS.format(hub.INVOICED) in anybody.text

    asyncio.run(look())


def test_nobody_who_is_not_signed_in_gets_one_and_only_one_is_made_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look() -> None:
        async with served(tmp_path) as sign_in:
            browser = await sign_in(CLIENT)
            browser.cookies.clear()
            assert (await browser.get(ADDRESS.format(hub.INVOICED))).status_code == 401
            lab = await sign_in(QA)
            door = next(iter(doors))
            async with door._turn:
                answer = await lab.get(ADDRESS.format(hub.INVOICED))
            assert answer.status_code == 503
            assert "another package" in answer.text

    doors: list[PackageDoor] = []
    opened = PackageDoor.__init__

    def noted(door: PackageDoor) -> None:
        opened(door)
        doors.append(door)

    monkeypatch.setattr(PackageDoor, "__init__", noted)
    asyncio.run(look())
