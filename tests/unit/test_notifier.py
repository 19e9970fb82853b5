"""A running hub tells its targets: in order, at least once, each at its own pace, whatever the others and the process do."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace
from typing_extensions import override

from holdgate.adapters.host import CountedEntropy
from holdgate.adapters.sqlite_outbox import SqliteOutbox
from holdgate.engine.telling import LONGEST_US, Channel, Message, Outbox, Reply, Target
from holdgate.law import command as c
from holdgate.query.notices import FOR_CLIENTS, KINDS, Notice
from holdgate.sites.notifier import DAY_US, HOUR_US, RECHECK_US, TICK_US, Notifier, Timing
from holdgate.sites.site import Site
from holdgate.sites.status import ClockQuality, site_status
from holdgate.sites.watch import Alarm
from holdgate.terms.errors import Tampered, Unavailable
from holdgate.terms.instant import SECOND_US
from tests.unit.test_hub_by_itself import (
    WINDOW,
    allowed,
    baked,
    calibrated,
    equipped,
    hub_of,
    metrologist,
    ordered,
    reported,
    shown,
)
from tests.unit.test_sites import CLIENT, CLIENT_ORG, FLOOR, HUB, NODE, T0, House, governed, settled
from tests.unit.test_sites import told as story_told

ALL: Final = frozenset(KINDS) - {"due.credential", "due.calibration", "due.material", "due.document", "due.standard"}
"""Without what runs out, which has tests of its own."""
TOLD: Final = Reply(told=True)
AWAY: Final = Reply(told=False, says="nobody there")


class Taken(Channel):
    """A channel that keeps what it was given. `replies`: one for each attempt, the last one for all after it."""

    def __init__(self, *replies: Reply, gathers: bool = False) -> None:
        self.gathers = gathers
        self.replies = list(replies) or [TOLD]
        self.sent: list[tuple[Notice, ...]] = []

    @override
    async def send(self, notices: Sequence[Notice]) -> Reply:
        self.sent.append(tuple(notices))
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    @property
    def kinds(self) -> list[str]:
        return [notice.kind for notices in self.sent for notice in notices]

    @property
    def ids(self) -> list[str]:
        return [notice.id for notices in self.sent for notice in notices]


class Hanging(Taken):
    """A channel whose receiver never answers."""

    @override
    async def send(self, notices: Sequence[Notice]) -> Reply:
        self.sent.append(tuple(notices))
        await asyncio.Event().wait()
        return TOLD


def shop(name: str = "shop", kinds: frozenset[str] = ALL) -> Target:
    return Target(name=name, kinds=kinds)


def notifier(
    site: Site,
    outbox: Outbox,
    *targets: tuple[Target, Channel],
    timing: Timing | None = None,
    alarms: Callable[[], Sequence[Alarm]] = tuple,
    begin: int | None = 0,
) -> Notifier:
    for target, _ in targets if begin is not None else ():
        outbox.begin(target.name, begin or 0)
    return Notifier(site, outbox, targets, timing or Timing(), alarms)


async def through(made: Notifier) -> None:
    """Until every target has everything."""
    for teller in made.tellers:
        while await teller.step() == 0:
            pass


async def busy(house: House) -> None:
    """An order until its report is out, one part of somebody else set aside, and a stop-work."""
    await equipped(house)
    await ordered(house, "PO-1", 1)
    await baked(house, "PO-1")
    await reported(house, "PO-1", "R-1")
    await house.ask(FLOOR, house.arrival("PO-1", "SCN-1", 2, ("S-OTHER",)))
    named: dict[str, Any] = {"contract": "SP-2", "version": "1"}
    stop = c.SuspendContract(
        **house.head(HUB, house.unlocked("CMP", "compliance"), place="WS-OFFICE"), **named, reason="x"
    )
    await house.ask(HUB, stop)
    await settled(house.shop)


def in_shop(tmp_path: Path, story: Callable[[House, Path], Awaitable[None]]) -> None:
    """A story after a busy day."""

    async def day(house: House) -> None:
        await busy(house)
        await story(house, tmp_path / "notify.db")

    story_told(day, governed(tmp_path / "shop"))


def test_the_hub_tells_what_its_log_and_those_that_it_took_in_say_once_and_in_order(tmp_path: Path) -> None:
    async def story(house: House, path: Path) -> None:
        outbox, taken = SqliteOutbox(path), Taken()
        await through(notifier(hub_of(house), outbox, (shop(), taken)))
        assert taken.kinds[:1] == ["work.released"]
        assert (
            taken.kinds.index("work.released") < taken.kinds.index("report.ready") < taken.kinds.index("review.opened")
        )
        assert "work.held" in taken.kinds
        assert "contract.stopped" in taken.kinds
        assert len(set(taken.ids)) == len(taken.ids)
        assert any(key.startswith("lab.test/FLOOR/") for key in taken.ids)
        outbox.close()

    in_shop(tmp_path, story)


def test_the_floor_hub_tells_the_same_under_the_same_ids(tmp_path: Path) -> None:
    async def story(house: House, path: Path) -> None:
        outbox, office, dock = SqliteOutbox(path), Taken(), Taken()
        await through(notifier(hub_of(house), outbox, (shop(), office)))
        other = SqliteOutbox(path.with_name("floor.db"))
        await through(notifier(house.shop.sites[FLOOR], other, (shop(), dock)))
        assert dock.ids
        assert set(dock.ids) <= set(office.ids)
        outbox.close()
        other.close()

    in_shop(tmp_path, story)


def test_a_client_hears_of_its_own_orders_and_another_one_of_nothing(tmp_path: Path) -> None:
    async def story(house: House, path: Path) -> None:
        outbox, own, rival = SqliteOutbox(path), Taken(), Taken()
        for_clients = frozenset(FOR_CLIENTS)
        targets = (
            (Target(name="own", kinds=for_clients, client=CLIENT_ORG), own),
            (Target(name="rival", kinds=for_clients, client="RIVAL"), rival),
        )
        await through(notifier(hub_of(house), outbox, *targets))
        assert {notice.client for notices in own.sent for notice in notices} == {CLIENT_ORG}
        assert {"report.ready", "review.opened", "work.released"} <= set(own.kinds)
        assert "contract.stopped" not in own.kinds
        assert rival.sent == []
        outbox.close()

    in_shop(tmp_path, story)


def red_tag(house: House, order: str) -> c.OpenNonconformance:
    return c.OpenNonconformance(
        **house.head(NODE, house.unlocked("TEC", "technician"), place="WS-1"),
        order=order,
        job=f"J-{order}",
        ncr="NCR-1",
        serials=(f"S-{order}",),
        description="words that somebody wrote",
    )


def call_for_help(house: House, order: str) -> c.CallHelp:
    return c.CallHelp(
        **house.head(NODE, ("TEC", "technician")), order=order, job=f"J-{order}", step="S10", reason="words of a person"
    )


def test_all_that_a_node_recorded_while_it_was_away_is_told_under_the_nodes_own_ids(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await equipped(house)
        seqs = []
        for number, order in enumerate(("PO-1", "PO-2"), 1):
            await ordered(house, order, number)
        await settled(house.shop)
        house.shop.bus.cut(NODE)
        for order in ("PO-1", "PO-2"):
            answer = await house.ask(NODE, shown(house, NODE, red_tag(house, order)))
            assert answer.decision.allowed, answer.decision
            seqs.append(answer.seq)
        called = await house.ask(NODE, call_for_help(house, "PO-1"))
        assert called.decision.allowed, called.decision
        house.shop.bus.mend(NODE)
        await settled(house.shop)
        outbox, taken = SqliteOutbox(tmp_path / "notify.db"), Taken()
        await through(notifier(hub_of(house), outbox, (shop(), taken)))
        held = [notice for notices in taken.sent for notice in notices if notice.kind == "work.held"]
        assert [notice.id for notice in held] == [f"lab.test/N-1/{seq}/0" for seq in seqs]
        assert [notice.place for notice in held] == [f"N-1:{seq}" for seq in seqs]
        assert {notice.client for notice in held} == {CLIENT_ORG}
        assert held[0].data == {"order": "PO-1", "job": "J-PO-1", "why": "red_tag", "serials": ("S-PO-1",)}
        (help_wanted,) = [notice for notices in taken.sent for notice in notices if notice.kind == "help.called"]
        assert help_wanted.place == f"{NODE}:{called.seq}"
        assert (help_wanted.subject, help_wanted.client) == ("PO-1/J-PO-1", "")
        assert "words of a person" not in str(help_wanted)
        outbox.close()

    story_told(story, governed(tmp_path / "shop"))


def test_a_new_target_hears_what_comes_from_now_on(tmp_path: Path) -> None:
    async def story(house: House, path: Path) -> None:
        outbox, taken = SqliteOutbox(path), Taken()
        made = notifier(hub_of(house), outbox, (shop(), taken), begin=None)
        await through(made)
        assert taken.sent == []
        review = c.ReviewReport(
            **house.head(HUB, house.unlocked(CLIENT, "client"), place="WS-OFFICE"), report="R-1", decision="approve"
        )
        await allowed(house, HUB, shown(house, HUB, review))
        await through(made)
        assert taken.kinds == ["review.closed"]
        outbox.close()

    in_shop(tmp_path, story)


def test_a_target_that_hangs_holds_up_neither_the_site_nor_the_others(tmp_path: Path) -> None:
    async def story(house: House, path: Path) -> None:
        outbox, hanging, taken = SqliteOutbox(path), Hanging(), Taken()
        made = notifier(hub_of(house), outbox, (shop("away"), hanging), (shop("here"), taken))
        made.start()
        await until(lambda: "contract.stopped" in taken.kinds and made.status()[1].told == len(taken.sent))
        await allowed(house, HUB, house.material("B-1"))
        assert len(hanging.sent) == 1
        away, here = site_status(hub_of(house), ClockQuality()).targets
        assert (away.name, away.told) == ("away", 0)
        assert here.told == len(taken.sent)
        assert away.behind > here.behind
        await made.stop()
        assert site_status(hub_of(house), ClockQuality()).targets == ()
        outbox.close()

    in_shop(tmp_path, story)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110  # conditions of many kinds
            await asyncio.sleep(0.01)


def test_a_defect_in_a_channel_is_shown_and_the_others_go_on(tmp_path: Path) -> None:
    class Broken(Taken):
        @override
        async def send(self, notices: Sequence[Notice]) -> Reply:
            raise ZeroDivisionError("a defect")

    async def story(house: House, path: Path) -> None:
        outbox, taken = SqliteOutbox(path), Taken()
        made = notifier(hub_of(house), outbox, (shop("broken"), Broken()), (shop("here"), taken))
        made.start()
        await until(lambda: "contract.stopped" in taken.kinds)
        await until(lambda: "a defect" in made.status()[0].fault)
        await made.stop()
        outbox.close()

    in_shop(tmp_path, story)


# ---- failing, giving up, resuming ----------------------------------------------------------------------------------


def test_attempts_grow_rarer_until_the_patience_is_over_and_nothing_is_passed_over(tmp_path: Path) -> None:
    async def story(house: House, path: Path) -> None:
        outbox, taken = SqliteOutbox(path), Taken(AWAY)
        made = notifier(hub_of(house), outbox, (shop(), taken), timing=Timing(patience_us=DAY_US))
        (teller,) = made.tellers
        attempts: list[int] = []
        while not outbox.cursors()["shop"].failed:
            before = len(taken.sent)
            wait = await teller.step()
            if len(taken.sent) > before:
                attempts.append(house.clock.now())
            house.clock.instant += max(min(wait, RECHECK_US), 1) if wait else 0
            cursor = outbox.cursors()["shop"]
            if wait and not cursor.failed:
                assert 0 < wait <= RECHECK_US
                house.clock.instant = cursor.next_at
        gaps = [b - a for a, b in itertools.pairwise(attempts)]
        assert gaps == sorted(gaps)
        assert attempts[-1] - attempts[0] >= DAY_US
        assert len({notices[0].id for notices in taken.sent}) == 1
        house.clock.instant += 10 * DAY_US
        tries = len(taken.sent)
        assert await teller.step() == RECHECK_US
        assert len(taken.sent) == tries
        assert made.status()[0].failed
        taken.replies = [TOLD]
        assert outbox.resume("shop", skip=False)
        await through(made)
        assert taken.sent[tries][0].id == taken.sent[0][0].id
        assert not made.status()[0].failed
        assert "contract.stopped" in taken.kinds
        outbox.close()

    in_shop(tmp_path, story)


def test_no_attempt_comes_before_its_pause_is_over_also_after_a_restart(tmp_path: Path) -> None:
    async def story(house: House, path: Path) -> None:
        outbox, taken = SqliteOutbox(path), Taken(AWAY)
        await through(notifier(hub_of(house), outbox, (shop(), taken)))
        assert len(taken.sent) == 1
        outbox.close()
        outbox = SqliteOutbox(path)
        again = notifier(hub_of(house), outbox, (shop(), taken))
        await through(again)
        assert len(taken.sent) == 1
        house.clock.instant = outbox.cursors()["shop"].next_at - 1
        await through(again)
        assert len(taken.sent) == 1
        house.clock.instant += 1
        await again.tellers[0].step()
        assert len(taken.sent) == 2
        house.clock.instant -= 2 * LONGEST_US  # a clock that goes back far makes nobody wait for years
        await again.tellers[0].step()
        assert len(taken.sent) == 3
        outbox.close()

    in_shop(tmp_path, story)


def test_a_receiver_that_is_gone_is_tried_no_more(tmp_path: Path) -> None:
    async def story(house: House, path: Path) -> None:
        outbox, taken = SqliteOutbox(path), Taken(Reply(told=False, gone=True, says="it answers 410"))
        made = notifier(hub_of(house), outbox, (shop(), taken))
        await through(made)
        assert len(taken.sent) == 1
        assert made.status()[0].failed
        assert made.status()[0].fault == "it answers 410"
        outbox.close()

    in_shop(tmp_path, story)


def test_the_one_message_that_is_never_taken_can_be_left_out(tmp_path: Path) -> None:
    async def story(house: House, path: Path) -> None:
        outbox, taken = SqliteOutbox(path), Taken()
        await through(notifier(hub_of(house), outbox, (shop("reference"), taken)))
        wanted = taken.ids
        stuck = Taken(TOLD, Reply(told=False, gone=True), TOLD)
        made = notifier(hub_of(house), outbox, (shop(), stuck))
        await through(made)
        assert outbox.resume("shop", skip=True)
        await through(made)
        assert stuck.ids == wanted
        assert outbox.cursors()["shop"].told == len(wanted) - 1
        assert not outbox.resume("nobody", skip=False)
        outbox.close()

    in_shop(tmp_path, story)


def test_resuming_with_skip_what_no_entry_says_leaves_out_that_and_no_entry(tmp_path: Path) -> None:
    async def story(house: House, path: Path) -> None:
        outbox, taken = SqliteOutbox(path), Taken(Reply(told=False, gone=True), TOLD)
        found = [alarm(3), alarm(4)]
        size = hub_of(house).spine.size
        made = notifier(hub_of(house), outbox, (shop(), taken), alarms=lambda: found, begin=size)
        await through(made)
        assert outbox.resume("shop", skip=True)
        await through(made)
        assert taken.ids == ["lab.test/N-1/3/alarm", "lab.test/N-1/4/alarm"]
        assert (outbox.cursors()["shop"].seq, outbox.cursors()["shop"].n) == (size, 0)
        outbox.close()

    in_shop(tmp_path, story)


def alarm(seq: int) -> Alarm:
    return Alarm(site=NODE, origin="lab.test/N-1", seq=seq, leaf="", expected="a", found="b", at=T0)


# ---- crashes -------------------------------------------------------------------------------------------------------


class Dying(SqliteOutbox):
    """An outbox whose process dies at one of its writes: before the write is kept, or right after."""

    def __init__(self, path: Path, point: int, *, kept: bool) -> None:
        super().__init__(path)
        self.left = point
        self.kept = kept

    def _dies(self, write: Callable[[], None]) -> None:
        self.left -= 1
        if self.left == 0 and self.kept:
            write()
        if self.left <= 0:
            raise Unavailable("the process died")
        write()

    @override
    def learn(self, size: int, facts: Sequence[Any]) -> None:
        self._dies(lambda: SqliteOutbox.learn(self, size, facts))

    @override
    def told(self, target: str, message: Message, at: int) -> None:
        self._dies(lambda: SqliteOutbox.told(self, target, message, at))

    @override
    def pass_over(self, target: str, seq: int) -> None:
        self._dies(lambda: SqliteOutbox.pass_over(self, target, seq))


@pytest.mark.parametrize("kept", [False, True])
def test_wherever_the_process_dies_everything_is_told_in_order_and_doubles_have_the_same_id(
    tmp_path: Path, kept: bool
) -> None:
    async def story(house: House, path: Path) -> None:
        outbox, taken = SqliteOutbox(path), Taken()
        await through(notifier(hub_of(house), outbox, (shop(), taken)))
        wanted = taken.ids
        outbox.close()
        point, died = 1, True
        while died:
            died, got, place = False, Taken(), path.with_name(f"at-{point}.db")
            SqliteOutbox(place).close()
            begun = SqliteOutbox(place)
            begun.begin("shop", 0)
            begun.close()
            dying = Dying(place, point, kept=kept)
            try:
                await through(notifier(hub_of(house), dying, (shop(), got), begin=None))
            except Unavailable:
                died = True
            dying.close()
            again = SqliteOutbox(place)
            await through(notifier(hub_of(house), again, (shop(), got), begin=None))
            again.close()
            assert list(dict.fromkeys(got.ids)) == wanted, point
            assert len(got.ids) <= len(wanted) + 1
            point += 1
        assert point > len(wanted)

    in_shop(tmp_path, story)


def test_a_log_that_was_put_back_is_not_told_from_a_wrong_place(tmp_path: Path) -> None:
    async def story(house: House, path: Path) -> None:
        outbox = SqliteOutbox(path)
        outbox.learn(hub_of(house).spine.size + 1, [])
        with pytest.raises(Tampered, match=r"notify\.db"):
            notifier(hub_of(house), outbox, (shop(), Taken()))
        outbox.close()

    in_shop(tmp_path, story)


# ---- what time sets off --------------------------------------------------------------------------------------------


def test_a_closing_window_is_told_once_in_the_vaults_time_which_is_asked_for(tmp_path: Path) -> None:
    async def story(house: House, path: Path) -> None:
        outbox, taken = SqliteOutbox(path), Taken()
        made = notifier(hub_of(house), outbox, (shop(), taken), timing=Timing(ahead_us=HOUR_US))
        await through(made)
        assert "review.closing" not in taken.kinds
        house.clock.instant += WINDOW - HOUR_US + SECOND_US
        await through(made)
        assert "review.closing" not in taken.kinds  # the Vault has not said so yet
        await made._calendar.hear_vault()
        await settled(house.shop)
        await through(made)
        house.clock.instant += 10 * SECOND_US
        await through(made)
        assert taken.kinds.count("review.closing") == 1
        outbox.close()
        outbox = SqliteOutbox(path)
        await through(notifier(hub_of(house), outbox, (shop(), taken), timing=Timing(ahead_us=HOUR_US)))
        assert taken.kinds.count("review.closing") == 1
        outbox.close()

    in_shop(tmp_path, story)


def test_what_runs_out_is_one_mail_a_day_and_an_event_each_for_systems(tmp_path: Path) -> None:
    async def story(house: House, path: Path) -> None:
        await metrologist(house)
        await allowed(house, HUB, calibrated(house, "in_tolerance"))
        due = frozenset({"due.calibration", "due.credential"})
        outbox, mail, events = SqliteOutbox(path), Taken(gathers=True), Taken()
        at = hub_of(house).spine.size
        made = notifier(hub_of(house), outbox, (shop("mail", due), mail), (shop("events", due), events), begin=at)
        house.clock.instant += 80 * DAY_US - (house.clock.instant % DAY_US)
        await through(made)
        assert mail.sent == []  # before six in the morning
        house.clock.instant += 7 * HOUR_US
        await through(made)
        assert len(mail.sent) == 1
        assert sorted(mail.ids) == sorted(events.ids)
        assert events.kinds == ["due.calibration"]
        for _ in range(3):
            house.clock.instant += HOUR_US
            await through(made)
        assert len(mail.sent) == 1
        for _ in range(30):
            house.clock.instant += DAY_US
            await through(made)
        assert events.kinds == ["due.calibration"] * 3  # 30 days before, 7 days before, over
        assert len(mail.sent) == 3
        assert len(set(mail.ids)) == 3
        outbox.close()

    in_shop(tmp_path, story)


def test_an_alarm_of_the_vault_is_told_once(tmp_path: Path) -> None:
    async def story(house: House, path: Path) -> None:
        outbox, taken, found = SqliteOutbox(path), Taken(), list[Alarm]()
        made = notifier(hub_of(house), outbox, (shop(), taken), alarms=lambda: found)
        await through(made)
        assert "vault.alarm" not in taken.kinds
        found.append(alarm(7))
        for _ in range(3):
            house.clock.instant += 6 * SECOND_US
            await through(made)
        assert taken.kinds.count("vault.alarm") == 1
        outbox.close()

    in_shop(tmp_path, story)


# ---- the outbox ----------------------------------------------------------------------------------------------------


def test_the_outbox_knows_whose_an_order_was_at_an_entry(tmp_path: Path) -> None:
    from holdgate.query.notices import Fact

    outbox = SqliteOutbox(tmp_path / "notify.db")
    outbox.learn(9, [Fact("order", "PO-1", 3, "A"), Fact("order", "PO-1", 7, "B"), Fact("report", "R", 8, "PO-1", "J")])
    assert [outbox.client_of("PO-1", before) for before in (3, 4, 7, 8)] == ["", "A", "A", "B"]
    assert outbox.report_of("R") == ("PO-1", "J")
    assert outbox.report_of("S") is None
    outbox.close()
    again = SqliteOutbox(tmp_path / "notify.db")
    assert again.learned() == 9
    assert again.client_of("PO-1", 99) == "B"
    again.close()


def test_beginning_again_moves_nobody_and_passing_over_never_goes_back(tmp_path: Path) -> None:
    outbox = SqliteOutbox(tmp_path / "notify.db")
    outbox.begin("t", 5)
    outbox.pass_over("t", 9)
    outbox.begin("t", 5)
    outbox.pass_over("t", 7)
    assert outbox.cursors()["t"].seq == 9
    cursor = outbox.cursors()["t"]
    assert cursor == replace(cursor, n=0, tries=0, told=0)
    assert TICK_US > RECHECK_US
    assert CountedEntropy().token()
    outbox.close()
