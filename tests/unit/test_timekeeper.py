"""The hub's timekeeper asks again for what was refused: found in a simulated world whose hub's clock was set back right then."""

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest import mock

from holdgate.adapters.host import SetClock
from holdgate.crypto.hashes import sha256
from holdgate.crypto.keys import SigningKey
from holdgate.identity.charter import SiteSeat
from holdgate.sites import timers
from holdgate.sites.policies import Sender
from holdgate.sites.timers import Timekeeper
from tests.unit.test_sites import T0


def test_a_window_that_could_not_be_closed_is_asked_for_again_after_a_while() -> None:
    asked: list[bytes] = []

    def submit(raw: bytes) -> "asyncio.Future[Any]":
        asked.append(raw)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        answer.set_result(SimpleNamespace(decision=SimpleNamespace(allowed=False)))
        return answer

    async def story() -> None:
        key = SigningKey.from_seed(sha256(b"hub"))
        seat = SiteSeat(id="HUB", kind="business_hub", origin="lab.test/hub", key=key.public)
        report = SimpleNamespace(id="R-1", status="issued", closes_at=T0 - 1)
        state: Any = SimpleNamespace(site="HUB", reports={"R-1": report}, orders={}, witnessed_at=T0)
        vault = mock.AsyncMock()
        keeper = Timekeeper(state, SetClock(T0), Sender(seat, key), submit, vault, lambda: True)
        loop = asyncio.get_running_loop()
        with mock.patch.object(loop, "time", return_value=0.0):
            await keeper._once()
            await keeper._once()
        assert len(asked) == 1, "not at once"
        with mock.patch.object(loop, "time", return_value=timers.AGAIN_S + 1.0):
            await keeper._once()
        assert len(asked) == 2

    asyncio.run(story())
