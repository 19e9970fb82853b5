"""`/metrics` of running sites: in Prometheus' format, equal to a count over the log, and cheap to ask."""

import asyncio
import functools
import json
import re
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from holdgate.adapters.http_metrics import TEXT_TYPE, exposition, metrics_routes
from holdgate.bootstrap import Shop
from holdgate.engine.ports import Row
from holdgate.handoff.figures import Buckets, Figure, Sample, by, gauge, histogram, one
from holdgate.handoff.metrics_fold import MetricsFold
from holdgate.law import event as ev
from holdgate.process import open_whole
from holdgate.sites.figures import STRETCH, SiteFigures, general_figures, vault_figures
from holdgate.sites.status import ClockQuality, LinkStatus, SiteStatus, VaultStatus
from holdgate.terms.errors import InvariantBroken, Unavailable
from tests.exposition import Series, parse
from tests.played import played
from tests.tidy.tree import ROOT
from tests.unit.test_sites import FLOOR, HUB, NODE, VAULT, House, founded, settled, unsound
from tests.unit.test_sites import events as noted_at

Scrape = tuple[dict[Series, Fraction], dict[str, str]]


def on_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        asyncio.run(test(**fixtures))

    return run


async def fetched(app: Starlette, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://shop") as client:
        return await client.get(path)


async def scraped(app: Starlette, site: str) -> Scrape:
    response = await fetched(app, f"/{site}/metrics")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == TEXT_TYPE
    return parse(response.text)


def values(scrape: Scrape, name: str) -> dict[str, int]:
    """The series of one name, by its label values."""
    return {" ".join(v for _, v in labels): int(value) for (n, labels), value in scrape[0].items() if n == name}


# ---- the text ------------------------------------------------------------------------------------------------------


def test_the_text_holds_what_it_is_given() -> None:
    buckets = Buckets((500_000, 2_000_000))
    for duration in (400_000, 2_000_000, 9_000_001):
        buckets.add(duration)
    awkward = 'a "b" \\ c\nd, e={f}'
    figures = (
        gauge("x_orders", "Back\\slash and\nline.", by("state", (("held", 3), (awkward, 4)))),
        gauge("x_age_seconds", "Age.", one(1_250_000), duration=True),
        gauge("x_nothing", "No value so far.", ()),
        histogram("x_dwell_seconds", "Dwell.", (buckets.spread((("phase", "p"),)),)),
    )
    series, types = parse(exposition(figures))
    phase = ("phase", "p")
    assert series == {
        ("x_orders", (("state", "held"),)): 3,
        ("x_orders", (("state", awkward),)): 4,
        ("x_age_seconds", ()): Fraction(5, 4),
        ("x_dwell_seconds_bucket", (phase, ("le", "0.5"))): 1,
        ("x_dwell_seconds_bucket", (phase, ("le", "2"))): 2,
        ("x_dwell_seconds_bucket", (phase, ("le", "+Inf"))): 3,
        ("x_dwell_seconds_sum", (phase,)): Fraction(11_400_001, 1_000_000),
        ("x_dwell_seconds_count", (phase,)): 3,
    }
    assert types == {
        "x_orders": "gauge",
        "x_age_seconds": "gauge",
        "x_nothing": "gauge",
        "x_dwell_seconds": "histogram",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        "x 1",  # no end of line
        "# HELP x X.\n# TYPE x gauge\nx{a=b} 1\n",
        '# HELP x X.\n# TYPE x gauge\nx{a="b\\q"} 1\n',
        "# HELP x X.\n# TYPE x gauge\nx 1\nx 2\n",
        "# HELP x X.\n# TYPE x gauge\ny 1\n",
        '# HELP x X.\n# TYPE x histogram\nx_bucket{le="1"} 2\nx_bucket{le="+Inf"} 1\nx_sum 1\nx_count 1\n',
    ],
)
def test_the_reader_of_these_tests_is_strict(wrong: str) -> None:
    with pytest.raises(AssertionError):
        parse(wrong)


@on_a_loop
async def test_what_cannot_be_told_now_is_no_figure() -> None:
    async def collect() -> tuple[Figure, ...]:
        raise Unavailable("the disk\nis gone")

    response = await fetched(Starlette(routes=list(metrics_routes(collect))), "/metrics")
    assert response.status_code == 503
    assert response.text == "# the figures cannot be told now: the disk\\nis gone\n"


# ---- against the log -----------------------------------------------------------------------------------------------


def log_of(directory: Path, site: str) -> list[dict[str, Any]]:
    """The entries as plain JSON, read past the product."""
    with sqlite3.connect(f"file:{directory / site / 'ledger.db'}?mode=ro", uri=True) as store:
        return [json.loads(body) for (body,) in store.execute("SELECT body FROM entry ORDER BY seq")]


def events(log: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for entry in log for event in entry["decision"].get("events", ()) if event["ev"] == kind]


def codes(entry: dict[str, Any]) -> list[str]:
    return [denial["code"] for denial in entry["decision"].get("denials", ())]


def held_against(scrape: Scrape, log: list[dict[str, Any]]) -> None:
    """Counts that need no fold, made of the log's JSON alone."""
    staged = {event["order"] for event in events(log, "SlipStaged")}
    complete = {event["order"] for event in events(log, "OrderReleased") if event["complete"]}
    queue = values(scrape, "holdgate_staging_queue_orders")
    assert sum(queue.values()) == len(staged)
    assert queue["released"] == len(complete)
    assert values(scrape, "holdgate_wrong_arrivals_total")["stopped"] == len(events(log, "ArrivalQuarantined"))
    assert values(scrape, "holdgate_arrival_matched_total") == {"": len(events(log, "ArrivalRecorded"))}
    accepted = {event["order"] for event in events(log, "ForwardAcknowledged")}
    assert sum(values(scrape, "holdgate_forward_pending").values()) == len(complete - accepted)
    advanced = [(e, x) for e in log for x in e["decision"].get("events", ()) if x["ev"] == "ReaderAdvanced"]
    hours = Counter(f"{x['reader']} {datetime.fromtimestamp(e['at'] // 1_000_000, UTC).hour:02d}" for e, x in advanced)
    assert values(scrape, "holdgate_broadcast_arrivals_total") == hours
    gaps = Counter({x["reader"]: 0 for _, x in advanced})
    for _, event in advanced:
        gaps[event["reader"]] += event.get("gap", 0)
    assert values(scrape, "holdgate_broadcast_gap_total") == gaps
    refused = [entry for entry in log if {"PO_NOT_STAGED", "PART_MISMATCH", "REV_MISMATCH"} & set(codes(entry))]
    for code in {code for entry in refused for code in codes(entry)}:
        found = sum(codes(entry).count(code) for entry in log)
        assert values(scrape, "holdgate_hold_causes_total")[code] == found
    assert values(scrape, "holdgate_release_without_arrival_total") == {"": 0}
    assert values(scrape, "holdgate_routing_mismatch_total") == {"": 0}
    assert values(scrape, "holdgate_entries_total") == {"": len(log)}


@pytest.mark.parametrize(("number", "alone"), [("139", 0), ("136", 1)])
@on_a_loop
async def test_a_scrape_of_a_played_shop_equals_a_count_over_its_log(tmp_path: Path, number: str, alone: int) -> None:
    directory = await asyncio.to_thread(played, tmp_path, number)
    async with open_whole(directory) as (shop, app):
        await settled(shop)
        scrape = await scraped(app, shop.of_kind("floor_hub").id)
        held_against(scrape, log_of(directory, shop.of_kind("floor_hub").id))
    assert min(1, values(scrape, "holdgate_offline_decisions_total")[""]) == alone


@on_a_loop
async def test_the_day_of_the_dock_as_scraped(tmp_path: Path) -> None:
    """Scenario 139, whose figures were counted by hand: 7 events with an order, 3 quarantined, 1 taken back."""
    directory = await asyncio.to_thread(played, tmp_path, "139")
    async with open_whole(directory) as (shop, app):
        scrape = await scraped(app, shop.of_kind("floor_hub").id)
    assert values(scrape, "holdgate_staging_queue_orders") == {"held": 2, "partial": 1, "released": 3}
    assert values(scrape, "holdgate_staging_dwell_seconds_count")["staged_to_released"] == 3
    assert values(scrape, "holdgate_staging_dwell_seconds_sum")["staged_to_released"] == 1_800 + 3_600 + 9_000
    assert values(scrape, "holdgate_arrival_due_total") == {"": 6}  # the last was due in 2025
    assert values(scrape, "holdgate_arrival_confirmed_in_time_total") == {"": 3}
    assert values(scrape, "holdgate_arrival_matched_total") == {"": 5}
    assert values(scrape, "holdgate_wrong_arrivals_total") == {"stopped": 3, "found_later": 1}
    reasons = values(scrape, "holdgate_arrival_events_total")
    assert reasons == {
        "released none": 3, "recorded QTY_MISMATCH": 2, "quarantined PART_MISMATCH": 1, "quarantined REV_MISMATCH": 1,
        "quarantined PO_NOT_STAGED": 1, "refused DUPLICATE_ARRIVAL": 1, "refused REPLAYED_BROADCAST": 1,
        "refused BROADCAST_UNVERIFIED": 1,
    }  # fmt: skip


@on_a_loop
async def test_other_sites_tell_what_every_site_tells(tmp_path: Path) -> None:
    directory = await asyncio.to_thread(played, tmp_path, "139")
    async with open_whole(directory) as (shop, app):
        scrape = await scraped(app, shop.of_kind("business_hub").id)
        vault = await fetched(app, f"/{next(iter(shop.vaults))}/metrics")
    assert values(scrape, "holdgate_up") == {"": 1}
    assert set(values(scrape, "holdgate_peer_backlog_entries")) == set(shop.of_kind("business_hub").links)
    assert not [name for name in scrape[1] if "staging" in name]
    shown, kinds = parse(vault.text)
    assert set(kinds) == {
        f"holdgate_vault_{name}_total" for name in ("mirrored", "reexecuted", "difference", "evidence")
    }
    assert all(
        count == 0 for (name, _), count in shown.items() if name.endswith(("difference_total", "evidence_total"))
    )


# ---- asked while it runs -------------------------------------------------------------------------------------------


@asynccontextmanager
async def at_work(tmp_path: Path) -> AsyncIterator[tuple[House, SiteFigures]]:
    house = founded(tmp_path)
    house.open_vault()
    await house.open(HUB)
    await house.open(FLOOR)
    await settled(house.shop)
    try:
        yield house, SiteFigures(house.shop.sites[FLOOR])
    finally:
        house.shop.close()


def counted_reads(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many entries each reading of the floor hub's store took."""
    store, reads = shop.sites[FLOOR].means.store, list[int]()
    rows: Callable[[int, int], Any] = store.rows

    def counted(start: int, stop: int) -> list[Row]:
        found = list(rows(start, stop))
        reads.append(len(found))
        return found

    monkeypatch.setattr(store, "rows", counted)
    return reads


def value(figures: tuple[Figure, ...], name: str) -> tuple[Sample, ...]:
    return next(figure.samples for figure in figures if figure.name == name)


@on_a_loop
async def test_the_log_is_read_once_and_new_entries_are_fed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(tmp_path) as (house, figures):
        site = house.shop.sites[FLOOR]
        monkeypatch.setattr("holdgate.sites.figures.STRETCH", 2)
        reads = counted_reads(house.shop, monkeypatch)
        await figures.collect()
        assert sum(reads) == site.spine.size
        assert max(reads) <= 2
        before = site.spine.size
        for up in (False, True, False):
            site.link_changed(HUB, up=up)
            await settled(house.shop)
        assert site.spine.size >= before + 3
        reads.clear()  # the links have read too
        assert value(await figures.collect(), "holdgate_entries_total") == one(site.spine.size)
        assert figures._fold is not None
        assert (figures._fold.size, reads) == (site.spine.size, []), "what is fed is not read again"


@on_a_loop
async def test_questions_at_the_same_time_and_new_entries_meanwhile_count_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(tmp_path) as (house, figures):
        monkeypatch.setattr("holdgate.sites.figures.STRETCH", 1)
        asked = [asyncio.create_task(figures.collect()) for _ in range(3)]
        await asyncio.sleep(0)
        house.shop.sites[FLOOR].link_changed(HUB, up=False)
        await asyncio.gather(*asked)
        await settled(house.shop)
        await figures.collect()
        assert figures._fold is not None
        assert figures._fold.size == house.shop.sites[FLOOR].spine.size


@on_a_loop
async def test_an_entry_that_is_gone_from_the_store_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work(tmp_path) as (house, figures):
        monkeypatch.setattr(house.shop.sites[FLOOR].means.store, "rows", lambda *_: iter(()))
        with pytest.raises(InvariantBroken, match="entry 0 is gone"):
            await figures.collect()


@on_a_loop
async def test_a_floor_hub_without_its_hub_or_vault_counts_the_time(tmp_path: Path) -> None:
    async with at_work(tmp_path) as (house, figures):
        name = "holdgate_offline_seconds_total"
        assert value(await figures.collect(), name) == one(0)
        house.shop.bus.cut(HUB)
        await settled(house.shop)
        house.clock.instant += 90_000_000
        assert value(await figures.collect(), name) == one(90_000_000)
        house.shop.bus.mend(HUB)
        await settled(house.shop)
        house.clock.instant += 90_000_000
        assert value(await figures.collect(), name) == one(90_000_000)


def test_a_stretch_is_short() -> None:
    assert STRETCH <= 500


def test_the_page_tells_every_figure_and_no_other() -> None:
    told = re.findall(
        r"^\| `(holdgate_[a-z_]+)", (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    status = SiteStatus(
        site="S", kind="node", at=0, size=0, checkpoint="", reconciled=True, witnessed_at=0, witnessed_size=0, links=(),
        clock=ClockQuality(),
    )  # fmt: skip
    vault = VaultStatus(site="V", kind="vault", at=0, mirrors=(), alarms=(), clock=ClockQuality())
    figures = (*general_figures(status), *MetricsFold().figures(0), *vault_figures(vault))
    shown = [figure.name for figure in figures]
    assert sorted(told) == sorted(shown)


def test_a_fault_takes_a_site_down_and_no_witness_has_no_age() -> None:
    link = LinkStatus(peer="N-1", up=False, backlog=7)
    status = SiteStatus(
        site="S", kind="node", at=9_000_000, size=3, checkpoint="", reconciled=True, witnessed_at=2_000_000,
        witnessed_size=2, links=(link,), clock=ClockQuality(), fault="the disk",
    )  # fmt: skip
    series, _ = parse(exposition(general_figures(status)))
    assert series == {
        ("holdgate_up", ()): 0,
        ("holdgate_entries_total", ()): 3,
        ("holdgate_peer_up", (("peer", "N-1"),)): 0,
        ("holdgate_peer_backlog_entries", (("peer", "N-1"),)): 7,
        ("holdgate_witnessed_entries", ()): 2,
        ("holdgate_witnessed_age_seconds", ()): 7,
    }
    alone = msgspec.structs.replace(status, witnessed_at=0)
    assert value(general_figures(alone), "holdgate_witnessed_age_seconds") == ()


@on_a_loop
async def test_a_floor_hub_notes_a_link_from_its_first_loss_on_and_each_change_once(tmp_path: Path) -> None:
    async with at_work(tmp_path) as (house, _):
        site = house.shop.sites[FLOOR]
        for peer, up in ((HUB, True), (HUB, False), (HUB, False), (HUB, True), (VAULT, True), (NODE, False)):
            site.link_changed(peer, up=up)
        await settled(house.shop)
        noted = [(event.site, event.up) for event in noted_at(site, ev.ContactChanged)]
        assert noted == [(HUB, False), (HUB, True)]
    await asyncio.sleep(0.002)
    assert unsound(house.audits()) == []
