"""The gate's figures: a day at the dock counted by hand, and what moves each figure."""

from typing import Any

import pytest

from holdgate.handoff.figures import DWELL_BOUNDS_US, Buckets, Figure, seconds
from holdgate.handoff.metrics_fold import MetricsFold, Seen
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.decision import Decision, Denial

S = 1_000_000
MINUTE = 60 * S
T0 = 1_743_512_400 * S  # 2025-04-01T13:00:00Z


def at(minutes: int) -> int:
    return T0 + minutes * MINUTE


def entry(
    minutes: int, *events: ev.AnyEvent, command: c.AnyCommand | None = None, denied: str = "", attempts: int = 0
) -> Seen:
    denials = tuple(Denial(code=code, gate="gate") for code in denied.split())
    decision = Decision(verdict="deny" if denials else "allow", events=events, denials=denials)
    return Seen(at=at(minutes), decision=decision, command=command, attempts=attempts)


def signer(name: str, role: str) -> tuple[c.Signer, ...]:
    return (c.Signer(id=name, role=role),)


def header(minutes: int, name: str, role: str) -> dict[str, Any]:
    return {"site": "FLOOR", "at": at(minutes), "nonce": f"n{minutes}", "signers": signer(name, role)}


def staged(order: str, node: str, *serials: str, due: int | None = None, amendment: bool = False) -> ev.SlipStaged:
    return ev.SlipStaged(
        order=order, node=node, slip="s", body="b", part_no="4512-7", rev="C", serials=serials, policy="full",
        evidence=("broadcast",), buffer_max_us=0, arrival_due=None if due is None else at(due), amendment=amendment,
    )  # fmt: skip


def slip(minutes: int) -> c.StageSlip:
    body = c.Slip(
        order="PO", node="N", part_no="4512-7", rev="C", serials=("S",), policy="full", evidence=("broadcast",),
        buffer_max_us=0, body="b", staged_at=at(minutes),
    )  # fmt: skip
    return c.StageSlip(**header(minutes, "HUB", "business_hub"), slip=body)


def stage(minutes: int, order: str, node: str, *serials: str, due: int | None = None, amendment: bool = False) -> Seen:
    return entry(minutes, staged(order, node, *serials, due=due, amendment=amendment), command=slip(minutes))


def scan(
    minutes: int, reader: str, seq: int, *events: ev.AnyEvent, gap: int = 0, ago_us: int = 0, denied: str = "", **more
) -> Seen:
    """A broadcast that the reader says it made `ago_us` before the gate's time."""
    times: dict[str, Any] = (
        {"captured_at": at(minutes) - ago_us} if more.get("buffered") else {"observed_at": at(minutes) - ago_us}
    )
    command = c.ReportArrival(
        **header(minutes, reader, "scanner"), part_no="-", rev="-", serials=("-",), quantity=1, reader_seq=seq, **times,
        **more,
    )  # fmt: skip
    return entry(minutes, ev.ReaderAdvanced(reader=reader, seq=seq, gap=gap), *events, command=command, denied=denied)


def attested(minutes: int, *events: ev.AnyEvent, denied: str = "") -> Seen:
    command = c.AttestArrival(
        **header(minutes, "SID-REC", "receiving"), part_no="-", rev="-", serials=("-",), quantity=1, photo_digest="p",
        reason="r",
    )  # fmt: skip
    return entry(minutes, *events, command=command, denied=denied)


def here(order: str, *serials: str, late: bool = False) -> ev.ArrivalRecorded:
    return ev.ArrivalRecorded(order=order, serials=serials, evidence="broadcast", late=late)


def gone(order: str, node: str, *serials: str, complete: bool = True) -> ev.OrderReleased:
    return ev.OrderReleased(order=order, node=node, serials=serials, complete=complete)


def accepted(minutes: int, order: str, node: str, *serials: str) -> Seen:
    command = c.AcknowledgeForward(**header(minutes, node, "node"), order=order, body="b", serials=serials)
    return entry(minutes, ev.ForwardAcknowledged(order=order, node=node, serials=serials), command=command)


def contact(minutes: int, site: str, *, up: bool) -> Seen:
    return entry(minutes, ev.ContactChanged(site=site, up=up))


VOID = c.VoidArrival(**header(55, "SID-REC", "receiving"), order="PO-2", serials=("B1",), reason="another box")
BY_HAND = c.ReleaseOrder(**header(72, "SID-REC", "receiving"), order="PO-4")
REPLAY = c.ReportArrival(
    **header(36, "R1", "scanner"), part_no="-", rev="-", serials=("B1",), quantity=1, reader_seq=6, order="PO-2"
)

DAY: tuple[Seen, ...] = (
    entry(0, ev.Booted(epoch="e1", reconciled=True)),
    stage(0, "PO-1", "N1", "A1", due=60),
    stage(5, "PO-2", "N1", "B1", "B2", due=60),
    stage(10, "PO-3", "N2", "C1", due=120),
    stage(15, "PO-4", "N2", "D1"),
    # 13:20 PO-1 goes after 1200 s; decided 2 s after the scan; its node has it after 60 s
    scan(20, "R1", 1, here("PO-1", "A1"), gone("PO-1", "N1", "A1"), ago_us=2 * S),
    accepted(21, "PO-1", "N1", "A1"),
    # 13:25 a wrong part, for two reasons; decided after 0.2 s
    scan(25, "R1", 2, ev.ArrivalQuarantined(serials=("X9",), order="PO-2"), ago_us=S // 5,
         denied="PART_MISMATCH SERIAL_UNKNOWN"),
    # 13:30 one of two parts, scanned at 13:20 and buffered (600 s); broadcasts 3 and 4 never came
    scan(30, "R1", 5, here("PO-2", "B1", late=True), gap=2, ago_us=600 * S, buffered=True, denied="QTY_MISMATCH"),
    # 13:35 the same part again, live (1 s); then the reader's counter repeats; then three that nobody signed
    scan(35, "R1", 6, ago_us=S, denied="DUPLICATE_ARRIVAL"),
    entry(36, command=REPLAY, denied="REPLAYED_BROADCAST"),
    entry(37, denied="BROADCAST_UNVERIFIED", attempts=3),
    # 13:40 the hub is out of reach, at 13:58 the Vault too, until 14:00 and 14:05: 1500 s; three acts meanwhile
    contact(40, "HUB", up=False),
    # 13:45 an order that is not here; R2's clock is 3 s ahead, which counts as no time at all
    scan(45, "R2", 1, ev.ArrivalKept(order="PO-99", part_no="-", rev="-", serials=("Z1",), captured_at=at(45)),
         ev.ArrivalQuarantined(serials=("Z1",)), ago_us=-3 * S, denied="PO_NOT_STAGED"),
    # 13:50 two people attest: PO-3 goes after 2400 s
    attested(50, here("PO-3", "C1"), gone("PO-3", "N2", "C1")),
    # 13:55 the part of 13:30 was of another box
    entry(55, ev.ArrivalVoided(order="PO-2", serials=("B1",)), command=VOID),
    contact(58, "VAULT", up=False),
    contact(60, "HUB", up=True),
    contact(65, "VAULT", up=True),
    # 14:10 PO-2 goes after 3900 s, ten minutes late; decided after 30 s; nobody accepts it
    scan(70, "R1", 7, here("PO-2", "B1", "B2"), gone("PO-2", "N1", "B1", "B2"), ago_us=30 * S),
    # 14:12 somebody wishes to release by hand: no arrival, so no figure of arrivals
    entry(72, command=BY_HAND, denied="NO_ARRIVAL"),
    # 14:15 PO-3 is amended (due 15:10) and goes again; its node has that after 600 s
    entry(75, staged("PO-3", "N2", "C1", due=130, amendment=True), gone("PO-3", "N2", "C1"), command=slip(75)),
    entry(80, command=slip(80), denied="ALREADY_DONE"),
    accepted(85, "PO-3", "N2", "C1"),
    # 14:30 a restart without the Vault's word; both links are back soon, the word comes at 14:35: 300 s
    entry(90, ev.Booted(epoch="e2", reconciled=False, heard_until=at(85))),
    contact(91, "HUB", up=True),
    contact(92, "VAULT", up=True),
    entry(95, ev.Booted(epoch="e2", reconciled=True, again=True)),
)  # fmt: skip

AT_15_30: dict[str, Any] = {
    "holdgate_staging_queue_orders": {"held": 1, "partial": 0, "released": 3},  # PO-4 waits
    "holdgate_staging_oldest_held_seconds": 135 * MINUTE,  # PO-4, since 13:15
    "holdgate_arrival_due_total": 3,  # PO-1, PO-2, PO-3 (15:10); PO-4 has no due time
    "holdgate_arrival_confirmed_in_time_total": 2,  # PO-1 and PO-3
    "holdgate_forward_pending": {"N1": 1, "N2": 0},  # PO-2
    "holdgate_arrival_events_total": {
        ("released", "none"): 3,  # 13:20, 13:50, 14:10
        ("quarantined", "PART_MISMATCH"): 1,
        ("recorded", "QTY_MISMATCH"): 1,
        ("refused", "DUPLICATE_ARRIVAL"): 1,
        ("refused", "REPLAYED_BROADCAST"): 1,
        ("refused", "BROADCAST_UNVERIFIED"): 3,
        ("quarantined", "PO_NOT_STAGED"): 1,
    },
    "holdgate_arrival_matched_total": 4,  # 13:20, 13:30, 13:50, 14:10
    "holdgate_arrival_match_voided_total": 1,  # 13:30's, at 13:55
    "holdgate_wrong_arrivals_total": {"stopped": 2, "found_later": 1},  # 13:25 and 13:45; 13:30's
    "holdgate_hold_causes_total": {
        "PART_MISMATCH": 1, "SERIAL_UNKNOWN": 1, "QTY_MISMATCH": 1, "DUPLICATE_ARRIVAL": 1, "REPLAYED_BROADCAST": 1,
        "BROADCAST_UNVERIFIED": 3, "PO_NOT_STAGED": 1,
    },
    "holdgate_broadcast_arrivals_total": {("R1", "13"): 4, ("R1", "14"): 1, ("R2", "13"): 1},  # the replay is not authentic
    "holdgate_broadcast_gap_total": {"R1": 2, "R2": 0},
    "holdgate_broadcast_late_total": {"R1": 1, "R2": 0},
    "holdgate_broadcast_duplicate_total": {"R1": 1, "R2": 0},
    "holdgate_reader_last_seen_seconds": {"R1": 80 * MINUTE, "R2": 105 * MINUTE},  # since 14:10 and 13:45
    "holdgate_offline_seconds_total": 1_800 * S,  # 13:40 to 14:05, 14:30 to 14:35
    "holdgate_offline_decisions_total": 3,  # 13:45, 13:50, 13:55
    "holdgate_release_without_arrival_total": 0,
    "holdgate_routing_mismatch_total": 0,
}  # fmt: skip
"""Every figure but the histograms; durations in µs."""


def folded(entries: tuple[Seen, ...]) -> MetricsFold:
    fold = MetricsFold()
    for one in entries:
        fold.observe(one)
    return fold


def plain(figures: tuple[Figure, ...]) -> dict[str, Any]:
    """A figure without labels as its value; with one as values by it; with more as values by all of them."""
    found: dict[str, Any] = {}
    for figure in figures:
        if figure.kind != "histogram":
            keyed = {tuple(value for _, value in sample.labels): sample.value for sample in figure.samples}
            single = {key[0]: value for key, value in keyed.items() if len(key) == 1}
            found[figure.name] = keyed.get((), single or keyed)
    return found


def spreads(figures: tuple[Figure, ...], name: str) -> dict[str, tuple[tuple[int, ...], int]]:
    figure = next(figure for figure in figures if figure.name == name)
    return {" ".join(value for _, value in s.labels): (s.upto, s.sum_us) for s in figure.spreads}


def test_a_day_counted_by_hand() -> None:
    assert plain(folded(DAY).figures(at(150))) == AT_15_30


def test_durations_of_that_day_by_hand() -> None:
    figures = folded(DAY).figures(at(150))
    assert spreads(figures, "holdgate_staging_dwell_seconds") == {
        # 1200, 2400, 3900 s in (60, 300, 900, 1800, 3600, 7200, …)
        "staged_to_released": ((0, 0, 0, 1, 2, 3, 3, 3, 3, 3, 3, 3, 3), 7_500 * S),
        # 60 and 600 s: a bound belongs to its bucket
        "released_to_accepted": ((1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2), 660 * S),
    }
    assert spreads(figures, "holdgate_arrival_decision_seconds") == {
        # 0, 0.2, 1, 2, 30, 600 s in (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200)
        "": ((1, 2, 2, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6), 633_200_000)
    }


def test_what_is_due_follows_the_instant_that_is_asked_for() -> None:
    fold = folded(DAY)
    later = plain(fold.figures(at(150)))
    sooner = plain(fold.figures(at(129)))
    assert (sooner["holdgate_arrival_due_total"], sooner["holdgate_arrival_confirmed_in_time_total"]) == (2, 1)
    assert plain(fold.figures(at(130)))["holdgate_arrival_due_total"] == 3
    assert plain(fold.figures(at(150))) == later, "asking changes nothing"


@pytest.mark.parametrize(("due", "in_time"), [(19, 0), (20, 1)])
def test_the_due_time_is_inclusive(due: int, in_time: int) -> None:
    arrival = scan(20, "R1", 1, here("PO-1", "A1"), gone("PO-1", "N1", "A1"))
    found = plain(folded((stage(0, "PO-1", "N1", "A1", due=due), arrival)).figures(at(30)))
    assert (found["holdgate_arrival_due_total"], found["holdgate_arrival_confirmed_in_time_total"]) == (1, in_time)


def test_an_amendment_moves_the_due_time_and_new_parts_wait_again() -> None:
    fold = folded((stage(0, "PO-1", "N1", "A1", due=10), stage(20, "PO-1", "N1", "A1", due=60, amendment=True)))
    assert plain(fold.figures(at(30)))["holdgate_arrival_due_total"] == 0
    fold.observe(scan(40, "R1", 1, here("PO-1", "A1"), gone("PO-1", "N1", "A1")))
    fold.observe(stage(50, "PO-1", "N2", "A2", due=60, amendment=True))
    found = plain(fold.figures(at(60)))
    assert found["holdgate_staging_queue_orders"] == {"held": 1, "partial": 0, "released": 0}
    assert (found["holdgate_arrival_due_total"], found["holdgate_arrival_confirmed_in_time_total"]) == (1, 0)
    assert found["holdgate_staging_oldest_held_seconds"] == 60 * MINUTE
    assert found["holdgate_forward_pending"] == {"N1": 0, "N2": 0}


@pytest.mark.parametrize(("due", "counted"), [(19, (1, 0)), (20, (1, 1)), (90, (0, 0)), (None, (0, 0))])
def test_an_order_that_was_in_time_is_weighed_anew_under_another_due_time(
    due: int | None, counted: tuple[int, int]
) -> None:
    arrival = scan(20, "R1", 1, here("PO-1", "A1"), gone("PO-1", "N1", "A1"))
    fold = folded((stage(0, "PO-1", "N1", "A1", due=30), arrival, contact(40, "HUB", up=True)))
    was = plain(fold.figures(at(40)))
    assert (was["holdgate_arrival_due_total"], was["holdgate_arrival_confirmed_in_time_total"]) == (1, 1)
    fold.observe(stage(50, "PO-1", "N1", "A1", due=due, amendment=True))
    found = plain(fold.figures(at(60)))
    assert (found["holdgate_arrival_due_total"], found["holdgate_arrival_confirmed_in_time_total"]) == counted


def test_a_lot_that_goes_ahead_does_not_end_the_wait() -> None:
    fold = folded((
        stage(0, "PO-1", "N1", "A1", "A2"),
        scan(10, "R1", 1, here("PO-1", "A1"), gone("PO-1", "N1", "A1", complete=False)),
        accepted(11, "PO-1", "N1", "A1"),
    ))  # fmt: skip
    found = plain(fold.figures(at(20)))
    assert found["holdgate_staging_queue_orders"] == {"held": 0, "partial": 1, "released": 0}
    assert found["holdgate_forward_pending"] == {"N1": 0}
    fold.observe(scan(30, "R1", 2, here("PO-1", "A2"), gone("PO-1", "N1", "A2")))
    assert plain(fold.figures(at(31)))["holdgate_forward_pending"] == {"N1": 1}


def test_a_log_that_broke_the_law_shows() -> None:
    never_here = scan(5, "R1", 1, gone("PO-1", "N1", "A1"))
    astray = scan(6, "R1", 2, here("PO-2", "B1"), gone("PO-2", "N9", "B1"))
    history = (stage(0, "PO-1", "N1", "A1"), stage(0, "PO-2", "N1", "B1"))
    for more, figures in (((never_here,), (1, 0)), ((astray,), (0, 1)), ((never_here, astray), (1, 1))):
        found = plain(folded((*history, *more)).figures(at(9)))
        shown = (found["holdgate_release_without_arrival_total"], found["holdgate_routing_mismatch_total"])
        assert shown == figures


def test_two_who_are_away_count_once_and_being_away_goes_on_until_now() -> None:
    away = (contact(0, "HUB", up=False), contact(10, "VAULT", up=False), contact(20, "HUB", up=True))
    fold = folded(away)
    assert plain(fold.figures(at(25)))["holdgate_offline_seconds_total"] == 25 * MINUTE
    fold.observe(contact(30, "VAULT", up=True))
    assert plain(fold.figures(at(99)))["holdgate_offline_seconds_total"] == 30 * MINUTE


def test_time_in_which_the_site_was_off_is_not_counted() -> None:
    away = contact(0, "HUB", up=False)
    off = entry(60, ev.Booted(epoch="e", reconciled=True, heard_until=at(10)))
    fold = folded((away, off, contact(65, "HUB", up=True)))
    assert plain(fold.figures(at(99)))["holdgate_offline_seconds_total"] == 15 * MINUTE


def test_an_attempt_that_is_no_broadcast_is_no_arrival() -> None:
    found = plain(folded((entry(0, denied="SIGNATURE_AUTH_FAILED", attempts=9),)).figures(at(1)))
    assert (found["holdgate_arrival_events_total"], found["holdgate_hold_causes_total"]) == ({}, {})


def test_buckets_take_their_bound_and_nothing_below_zero() -> None:
    buckets = Buckets((10, 20))
    for duration in (-5, 10, 11, 20, 21):
        buckets.add(duration)
    spread = buckets.spread()
    assert (spread.counts, spread.upto, spread.sum_us) == ((2, 2, 1), (2, 4, 5), 62)


@pytest.mark.parametrize(
    ("us", "shown"),
    [(0, "0"), (1, "0.000001"), (100_000, "0.1"), (10 * S, "10"), (1_500_000, "1.5"), (DWELL_BOUNDS_US[-1], "2592000")],
)
def test_seconds_are_exact(us: int, shown: str) -> None:
    assert seconds(us) == shown
