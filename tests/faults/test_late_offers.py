"""A stretch that its sender gave up on arrives all the same, between the sender's next question and its next offer."""

import asyncio
from pathlib import Path

import pytest

from holdgate.engine.answer import Answer
from holdgate.engine.bus import Peer, Taken
from holdgate.law.segments import Segment
from holdgate.terms.errors import Unavailable
from tests.unit.test_sites import FLOOR, HUB, NODE, VAULT, House, governed, told


class Late:
    """The first offer to a peer is held up: nobody answers, and it is taken in right before the second one."""

    def __init__(self, peer: Peer) -> None:
        self._offer = peer.offer
        self.held_up: Segment | None = None
        self.offers = 0

    async def offer(self, segment: Segment, sender: str) -> Taken:
        self.offers += 1
        if self.offers == 1:
            self.held_up = segment
            raise Unavailable("nobody answered in time")
        if self.offers == 2:
            assert self.held_up is not None
            await self._offer(self.held_up, sender)
        return await self._offer(segment, sender)


@pytest.mark.parametrize(("sender", "receiver"), [(HUB, VAULT), (NODE, VAULT), (NODE, HUB), (FLOOR, HUB)])
def test_a_link_goes_on_after_an_offer_that_it_gave_up_was_taken_in_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sender: str, receiver: str
) -> None:
    """It asked, was told what was held, and offered that again; by then the first offer had come. Nothing else ever wakes it."""

    async def story(house: House) -> None:
        shop = house.shop
        peer: Peer = shop.vaults[VAULT] if receiver == VAULT else shop.sites[receiver]
        late = Late(peer)
        monkeypatch.setattr(peer, "offer", late.offer)
        link = shop.sites[sender].links[receiver]
        before = shop.sites[sender].spine.size
        answer: Answer = await house.ask(sender, house.release("PO-NONE", site=sender))
        assert not answer.decision.allowed
        for _ in range(1500):
            if not link.backlog and link.position > before:
                break
            await asyncio.sleep(0.02)
        assert not link.backlog
        assert link.position > before
        assert late.offers >= 2
        assert link.fault is None

    told(story, governed(tmp_path))
