"""A whole shop tells a real receiver; killed between any two of its steps, it loses nothing and changes no order."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from holdgate.adapters.host import HostClock
from holdgate.adapters.sqlite_outbox import SqliteOutbox
from holdgate.cli.app import main
from holdgate.engine.telling import Target
from holdgate.law import command as c
from holdgate.process import SiteConfig, open_one, open_whole
from holdgate.sites.notifier import Notifier, Timing
from holdgate.terms.errors import Malformed
from tests.broker import needed
from tests.conformance.test_processes import order
from tests.outside import Receiver, receiving
from tests.processes import Processes
from tests.tidy.tree import ROOT
from tests.unit.test_notifier import Taken, busy, through
from tests.unit.test_sites import CLIENT_ORG, FLOOR, HUB, House, governed, told

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(400)]

KINDS: Final = ("report.ready", "review.opened", "work.held", "work.released", "contract.stopped")


def busy_shop(folder: Path) -> tuple[House, list[str]]:
    """A shop with something to tell, closed; and the ids of that, in order."""
    found = Taken()

    async def story(house: House) -> None:
        await busy(house)
        outbox = SqliteOutbox(folder.with_name("reference.db"))
        outbox.begin("reference", 0)
        hub = house.shop.sites[HUB]
        await through(Notifier(hub, outbox, [(Target(name="reference", kinds=frozenset(KINDS)), found)], Timing()))
        outbox.close()

    return told(story, governed(folder.parent)), found.ids


def tells(folder: Path, port: int, kinds: tuple[str, ...] = KINDS, more: str = "") -> None:
    """The shop tells the receiver, from the beginning of the log."""
    text = f'[[target]]\nname = "erp"\nurl = "http://127.0.0.1:{port}/"\nkinds = {json.dumps(kinds)}\n{more}'
    (folder / "notify.toml").write_text(text, encoding="utf-8")


def from_the_beginning(folder: Path) -> None:
    outbox = SqliteOutbox(folder / HUB / "notify.db")
    outbox.begin("erp", 0)
    outbox.close()


def ids(receiver: Receiver) -> list[str]:
    return [json.loads(body)["id"] for body in receiver.bodies()]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not holds():  # noqa: ASYNC110  # conditions of many kinds
            await asyncio.sleep(0.02)


def test_killed_before_and_after_every_note_it_loses_nothing_and_keeps_the_order(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    _, wanted = busy_shop(folder)
    assert len(wanted) > 3

    async def killed(when: str) -> None:
        paths = os.pathsep.join((str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")))
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.faults.telling", str(folder), when),
            env=os.environ | {"PYTHONPATH": paths},
            cwd=ROOT,
        )
        assert await asyncio.wait_for(child.wait(), 120) == -9

    async def run() -> list[str]:
        receiver = Receiver()
        async with receiving(receiver):
            tells(folder, receiver.port)
            from_the_beginning(folder)
            for _ in wanted:
                await killed("before")
                await killed("after")
            return ids(receiver)

    got = asyncio.run(run())
    assert got == [key for key in wanted for _ in range(2)]


def test_a_whole_shop_tells_what_comes_and_shows_how_far(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "shop"
    house, wanted = busy_shop(folder)
    house.clock.instant = HostClock().now()

    async def run() -> dict[str, Any]:
        receiver = Receiver("500", "ok")
        async with receiving(receiver):
            tells(folder, receiver.port, ("contract.*",))
            async with open_whole(folder) as (shop, app):
                named: dict[str, Any] = {"contract": "SP-2", "version": "1", "reason": "seen to"}
                resume = c.ResumeContract(**house.head(HUB, house.unlocked("QAM", "qa"), place="WS-OFFICE"), **named)
                answer = await shop.sites[HUB].submit(house.sign(resume))
                assert answer.decision.allowed, answer.decision
                await until(lambda: shop.sites[HUB].targets()[0].told == 1)
                async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://shop") as client:
                    shown: dict[str, Any] = (await client.get(f"/{HUB}/status")).json()
            assert ids(receiver) == [f"lab.test/HUB/{answer.seq}/0"] * 2
            assert not set(ids(receiver)) & set(wanted)  # a new target: what was before is not told
            return shown

    (target,) = asyncio.run(run())["targets"]
    assert (target["name"], target["failed"]) == ("erp", False)
    assert main(["notify", "status", "--data", str(folder)]) == 0
    assert "erp: 1 told" in capsys.readouterr().out
    assert main(["notify", "status", "--data", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["told"] == 1
    assert main(["notify", "resume", "erp", "--data", str(folder)]) == 0


def test_a_target_can_be_tested_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "shop"
    governed(tmp_path)

    async def run(*script: str) -> tuple[int, Receiver]:
        receiver = Receiver(*script)
        async with receiving(receiver):
            tells(folder, receiver.port)
            code = await asyncio.to_thread(main, ["notify", "test", "erp", "--data", str(folder)])
        return code, receiver

    code, receiver = asyncio.run(run("ok"))
    assert code == 0
    assert json.loads(receiver.bodies()[0])["type"] == "holdgate.test"
    assert "took it" in capsys.readouterr().out
    assert asyncio.run(run("503"))[0] == 1
    assert "did not take it: 127.0.0.1" not in capsys.readouterr().out
    assert main(["notify", "test", "nobody", "--data", str(folder)]) == 2


def test_a_broken_outbox_keeps_no_shop_from_opening(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "shop"
    governed(tmp_path)
    tells(folder, 1)
    (folder / HUB / "notify.db").write_bytes(b"this is no database, and it is long enough to be looked at" * 50)

    async def run() -> bool:
        async with open_whole(folder) as (shop, _):
            return shop.sites[HUB].reconciled

    assert asyncio.run(run())
    assert "HUB: nobody is told of its log" in capfd.readouterr().err


def test_a_client_whom_nobody_knows_is_pointed_out(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "shop"
    governed(tmp_path)

    async def run() -> None:
        async with open_whole(folder):
            pass

    for client, pointed_out in ((CLIENT_ORG, False), ("AREO", True)):
        tells(folder, 1, ("work.*",), f'client = "{client}"\n')
        asyncio.run(run())
        assert ("nobody of AREO is enrolled" in capfd.readouterr().err) == pointed_out


def test_who_cannot_tell_says_so_at_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    governed(tmp_path)

    async def run(site: str, kind: str) -> None:
        config = SiteConfig(site=site, data=str(folder), notify=str(folder / "notify.toml"))
        async with open_one(config, kind):
            pass

    for site, kind in (("N-1", "node"), ("VAULT", "vault")):
        with pytest.raises(Malformed, match="tells nobody"):
            asyncio.run(run(site, kind))
    tells(folder, 1, ("work.*",), f'client = "{CLIENT_ORG}"\n')
    from holdgate.notifying import notifying

    async def floor(house: House) -> None:
        site = house.shop.sites[FLOOR]
        with pytest.raises(Malformed, match="knows no clients"):
            async with notifying(folder / "notify.toml", site, folder / FLOOR):
                pass

    told(floor, governed(tmp_path / "other"))


def test_both_hubs_tell_as_processes_of_their_own_and_one_that_was_killed_goes_on(tmp_path: Path) -> None:
    needed()
    shop = Processes(tmp_path / "shop", more={HUB: 'notify = "office.toml"\n', FLOOR: 'notify = "dock.toml"\n'})

    async def run() -> None:
        office, dock = Receiver(), Receiver()
        async with receiving(office), receiving(dock):
            for name, receiver in (("office", office), ("dock", dock)):
                tells(shop.directory, receiver.port, ("work.released",))
                (shop.directory / "notify.toml").rename(shop.directory / f"{name}.toml")
            await asyncio.to_thread(shop.start_all)
            await asyncio.to_thread(order, shop, 0)
            await until(lambda: len(ids(office)) == len(ids(dock)) == 1)
            shop.kill(HUB)
            shop.start(HUB)
            await asyncio.to_thread(order, shop, 1)
            await until(lambda: len(set(ids(office))) == len(set(ids(dock))) == 2)
            (target,) = (await asyncio.to_thread(shop.status, HUB))["targets"]
            assert target["name"] == "erp"
            assert not target["failed"]
            assert set((await asyncio.to_thread(shop.stop_all)).values()) == {0}
        assert [*dict.fromkeys(ids(office))] == [*dict.fromkeys(ids(dock))]

    try:
        asyncio.run(run())
    finally:
        shop.abandon()
