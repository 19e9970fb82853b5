"""End to end: readings, advice, the AI's signature, and the law of adaptation that decides on it.

Not collected yet: the law of adaptation comes with another change. Rename this file to `test_advise_end_to_end.py` with it.
"""

import asyncio
import base64
import shutil
from pathlib import Path

import pytest

from holdgate.crypto.keys import SigningKey
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.terms.instant import SECOND_US
from tests.unit.test_advise_cli import FORCE, advised, shop
from tests.unit.test_sites import HUB, T0, House, events, running, unsound

__all__ = ["shop"]


async def enrol_ai(house: House) -> None:
    """The advisor gets a SMART-ID."""
    house.desk.add("AI-1", SigningKey(b"\x07" * 32))
    newcomer = c.EnrolIdentity(
        **house.head(HUB, ("ADM", "admin"), ("QAM", "qa"), ("AI-1", "newcomer")),
        id="AI-1",
        name="Advisor",
        org="LAB",
        kind="module",
        key=house.desk.public("AI-1"),
        roles=("ai",),
    )
    assert (await house.ask(HUB, newcomer)).decision.allowed


def test_a_tightening_that_the_contract_lets_apply_by_itself(
    shop: Path,  # pytest hands it in
    tmp_path: Path,
) -> None:
    copy = Path(shutil.copytree(shop, tmp_path / "shop"))
    document = advised(copy, "--as", "AI-1", "--at", "2025-04-01T13:05:00Z")
    command = c.parse_command(base64.b64decode(document["payload"]))

    async def story() -> None:
        house = House(copy, seed=1 << 30)
        house.clock.instant = T0 + 300 * SECOND_US
        async with running(house):
            await enrol_ai(house)
            answer = await house.ask(HUB, command)
            assert answer.decision.allowed, answer.decision
            (tuned,) = events(house.shop.sites[HUB], ev.ParameterTuned)
            assert (tuned.param, tuned.value) == (FORCE.id, document["suggestion"]["value"])
        assert unsound(house.audits()) == []

    asyncio.run(story())
    again = advised(copy)
    assert again["suggestion"]["act"] == "ai.suggest", "tighter than that the same readings do not make it"
    assert "which is no tightening" in again["suggestion"]["change"]


@pytest.mark.parametrize("value", ["4.99", "9.9"])
def test_attack_a_draft_whose_value_was_changed_leaves_the_bounds(
    shop: Path,
    tmp_path: Path,
    value: str,
) -> None:
    copy = Path(shutil.copytree(shop, tmp_path / "shop"))

    async def story() -> None:
        house = House(copy, seed=1 << 30)
        house.clock.instant = T0 + 300 * SECOND_US
        async with running(house):
            await enrol_ai(house)
            wish = c.SuggestTune(
                **house.head(HUB, ("AI-1", "ai")),
                contract="SP-1",
                version="1",
                param=FORCE.id,
                value=value,
                evidence="none",
            )
            assert (await house.ask(HUB, wish)).decision.codes == ("TUNE_OUT_OF_RANGE",)

    asyncio.run(story())
