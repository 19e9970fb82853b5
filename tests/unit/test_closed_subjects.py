"""A closed job's links are looked up in the log. When a log is opened and done again, they are those of that moment."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from holdgate.bootstrap import Shop
from holdgate.engine.answer import Answer
from holdgate.law import command as c
from holdgate.law.replay import read_action
from holdgate.ledger.entry import Entry, read_entry
from holdgate.scenario.files import apply_given, read_scenario, read_world
from holdgate.scenario.opening import Opening
from holdgate.scenario.run import Run
from holdgate.sites.site import Site
from tests.places import SCENARIOS


def entries(site: Site) -> list[Entry]:
    return [read_entry(row.body) for row in site.means.store.rows(0, 1 << 40)]


async def wish_again(site: Site, desk: Any, number: int) -> Answer:
    """The last signed step of the job, wished anew though the job is closed."""
    (*_, last) = (
        command
        for entry in entries(site)
        if entry.kind == "action" and isinstance(command := read_action(entry).command, c.SignStep)
    )
    return await site.submit(desk.sign(replace(last, nonce=f"again-{number}", at=site.means.clock.now())))


async def played(tmp_path: Path) -> tuple[Shop, Opening, Site]:
    """A shop after the story, and its node whose job QA accepted."""
    scenario = read_scenario(next(SCENARIOS.glob("101-*.yaml")))
    world = read_world(SCENARIOS / "worlds" / f"{scenario.world}.yaml")
    opening = Opening(tmp_path / "shop", apply_given(world, scenario.given), scenario.steps[0].at)
    shop = await opening.open()
    await Run(shop, opening).whole(scenario)
    await shop.settle()
    return shop, opening, next(s for s in shop.sites.values() if s.kind == "node" and s.chronicle.state.closed)


def test_an_act_that_is_handed_in_again_after_its_job_was_closed_gets_its_first_answer(tmp_path: Path) -> None:
    async def play() -> None:
        shop, _, node = await played(tmp_path)
        (*_, last) = (e for e in entries(node) if e.kind == "action" and type(read_action(e).command) is c.SignStep)
        size = node.spine.size
        answer = await node.submit(bytes(last.action))
        assert (answer.resent, answer.seq, node.spine.size) == (True, last.seq, size)
        shop.close()

    asyncio.run(play())


def test_a_node_opens_without_its_snapshot_after_acts_on_a_job_that_was_closed(tmp_path: Path) -> None:
    """With the links of the log's end, an act on a closed job would be taken for its own resend, and the log for another one."""

    async def play() -> tuple[Shop, str, int]:
        shop, opening, node = await played(tmp_path)
        answers = [await wish_again(node, opening.desk, number) for number in range(3)]
        assert not any(answer.decision.allowed for answer in answers)
        await shop.settle()
        return shop, node.id, node.spine.size

    shop, node, size = asyncio.run(play())
    shop.close()
    with closing(sqlite3.connect(tmp_path / "shop" / node / "ledger.db")) as store:
        store.execute("DELETE FROM snapshot")
        store.commit()

    async def reopen() -> list[Entry]:
        again = Shop(tmp_path / "shop", shop.clock)
        again.open_vault("VAULT")
        site = await again.open_site(node)
        found = entries(site)
        again.close()
        return found

    assert len(asyncio.run(reopen())) > size
