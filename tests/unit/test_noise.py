"""Who sends much waits behind themselves: sources take turns, and each keeps its own order."""

from pathlib import Path
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from holdgate.engine.inbox import Inbox
from holdgate.engine.shares import Shares
from holdgate.engine.submit import CHUNK, IN_FLIGHT
from holdgate.sites.site import Site
from tests.unit.test_sites import FLOOR, House
from tests.unit.test_submit import at_hub, swallowed


class Sent(NamedTuple):
    source: str
    n: int


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.sampled_from("abc"), st.none()), max_size=40))
def test_everything_is_taken_once_each_source_in_its_order(steps: list[str | None]) -> None:
    inbox: Inbox[Sent] = Inbox(Shares(lambda: 0.0))
    sent: list[Sent] = []
    taken: list[Sent] = []
    for n, source in enumerate(steps):
        if source is not None:
            sent.append(Sent(source, n))
            inbox.add(sent[-1])
        elif inbox:
            taken.append(inbox.take())
        assert sorted(inbox) == sorted(set(sent) - set(taken))
    taken += [inbox.take() for _ in range(len(inbox))]
    assert not inbox
    for source in "abc":
        assert [one for one in taken if one.source == source] == [one for one in sent if one.source == source]


def test_nobody_waits_for_more_than_one_of_each_other_source() -> None:
    inbox: Inbox[Sent] = Inbox(Shares(lambda: 0.0))
    for n in range(1_000):
        inbox.add(Sent("noisy", n))
    for source in ("a", "b", "c"):
        inbox.add(Sent(source, 0))
    assert [inbox.take().source for _ in range(4)] == ["noisy", "a", "b", "c"]


def test_a_noisy_scanner_keeps_another_one_waiting_for_what_is_under_way_alone(tmp_path: Path) -> None:
    """Each scan of the noisy one is genuine, so each gets an entry; the other one's comes soon after, not last."""

    async def story(house: House, floor: Site) -> None:
        start = floor.spine.size
        noise = [
            floor.submit(
                house.desk.sign_only(house.arrival(f"PO-{n}", "SCN-1", n + 10), ["SCN-1", "WS-REC"]), source="noisy"
            )
            for n in range(100)
        ]
        scan = house.desk.sign_only(house.arrival("PO-A", "SCN-1", 1), ["SCN-1", "WS-REC"])
        answer = await floor.submit(scan, source="dock-2")
        assert answer.seq - start <= (CHUNK * IN_FLIGHT + 2) * 2, "an arrival may have one entry of its own after it"
        await swallowed(noise)
        assert floor.spine.size - start >= 100

    at_hub(tmp_path, story, FLOOR)
