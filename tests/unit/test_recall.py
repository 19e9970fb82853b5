"""Recall: what an instrument, a batch, a person or a contract version touched, from hand-made logs and from a scenario's."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from holdgate.adapters.sqlite_shelf import SqliteShelf
from holdgate.cli.reading import open_logs
from holdgate.cli.shelves import open_shelves
from holdgate.crypto.hashes import leaf_hash
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.state import job_key
from holdgate.ledger.merkle import Tree
from holdgate.query.recall import ALWAYS, Recall, Source, contract_key, recall
from holdgate.query.record import Record, entry_at, taken_in, walk
from holdgate.query.shelf import OWN, TAKEN, MemoryShelf, Progress, Shelf, Span, bring_up
from holdgate.query.uses import (
    BATCH,
    CONTRACT,
    EQUIPMENT,
    ORDER,
    PERSON,
    READING,
    STEP,
    Counted,
    Ended,
    Note,
    Row,
    Use,
)
from holdgate.query.why import why
from holdgate.terms.errors import Malformed, Tampered
from tests.builders import BENCH, CLIENT, JOB, PO, REPORT, SERIALS, Log, S, hub_log, node_log
from tests.played import played

BARE: dict[str, Any] = {"equipment": (), "materials": ()}


class Kept(Record):
    """A hand-made log as a record."""

    def __init__(self, log: Log, size: int | None = None) -> None:
        self.log = log
        self.size = len(log.drafts) if size is None else size

    @override
    def rows(self, start: int) -> Iterator[tuple[int, bytes, bytes]]:
        for draft in self.log.drafts[start : self.size]:
            yield draft.seq, draft.leaf, draft.body

    @override
    def body(self, seq: int) -> bytes | None:
        return self.log.drafts[seq].body if 0 <= seq < self.size else None

    @override
    def blob(self, key: str) -> bytes | None:
        found = self.log.blobs.get(key)
        return found if found is not None else None

    @property
    def root(self) -> bytes:
        tree = Tree()
        for draft in self.log.drafts[: self.size]:
            tree.append(draft.leaf)
        return tree.root()


def shelf_of(log: Log, stretch: str = OWN) -> MemoryShelf:
    shelf, kept = MemoryShelf(), Kept(log)
    bring_up(shelf, kept, stretch, kept.root)
    return shelf


def asked(log: Log, kind: str, key: str, since: int = ALWAYS[0], until: int = ALWAYS[1], **more: Any) -> Recall:
    return recall([Source(shelf_of(log))], Span(kind, key, since, until), **more)


@pytest.fixture
def node() -> Log:
    return node_log(hub_log())


# ---- what counts as a touch ----------------------------------------------------------------------------------------


def test_an_instrument_touches_the_step_that_it_is_used_in_and_the_readings_taken_with_it(node: Log) -> None:
    node.worked()
    found = asked(node, EQUIPMENT, "THERM-1", each=True)
    assert [(job.order, job.job, job.client, job.node, job.serials) for job in found.jobs] == [
        (PO, JOB, CLIENT, node.state.site, SERIALS)
    ]
    (job,) = found.jobs
    assert (job.steps, job.readings, job.in_steps, job.going_on) == (("S20",), 1, 0, False)
    assert [(use.what, use.detail) for use in found.uses] == [(READING, "temp 75 degC")]
    oven = asked(node, EQUIPMENT, "OVEN-1").jobs[0]
    assert (oven.steps, oven.readings, oven.in_steps) == (("S20",), 0, 4), "an oven reads nothing, and four were read"


def test_a_batch_a_person_and_a_contract_version_touch_their_jobs(node: Log) -> None:
    node.worked()
    assert asked(node, BATCH, "WAX-1").jobs[0].steps == ("S20",)
    technician = asked(node, PERSON, "TECH").jobs[0]
    assert (technician.steps, technician.readings) == (("S10", "S20", "S30"), 4)
    assert technician.acts["step.sign"] == 3
    second = asked(node, PERSON, "TECH2").jobs[0]
    assert (second.steps, second.acts) == (("S30",), {"step.sign": 1})
    sha = node.sha
    assert asked(node, CONTRACT, sha).jobs[0].steps == ("S10", "S20", "S30")
    assert not asked(node, BATCH, "WAX-2").jobs


def test_what_was_refused_touches_nothing(node: Log) -> None:
    node.allow(c.StartJob)
    draft = node.act(c.StartStep)
    assert not draft.decision.allowed
    assert not asked(node, EQUIPMENT, "OVEN-1").jobs
    assert asked(node, PERSON, "TECH").jobs[0].acts == {"job.start": 1}


def opened(node: Log) -> int:
    """A job with S20 open; when that began."""
    node.allow(c.StartJob)
    node.allow(c.StartStep, step="S10", **BARE)
    node.allow(c.SignStep, step="S10")
    node.later(10 * S)
    node.allow(c.StartStep)
    return node.now


def test_a_use_that_goes_on_is_open_to_the_end_of_time(node: Log) -> None:
    began = opened(node)
    later = asked(node, EQUIPMENT, "OVEN-1", began + 10**9, began + 10**10)
    assert later.jobs[0].going_on
    assert not asked(node, EQUIPMENT, "OVEN-1", 0, began - 1).jobs


def test_both_ends_of_the_interval_count(node: Log) -> None:
    began = opened(node)
    node.later(100 * S)
    node.allow(c.RecordReading)
    node.allow(c.RestartStep)
    ended = node.now
    for since, until, touched in (
        (0, began - 1, False),
        (0, began, True),
        (ended, ALWAYS[1], True),
        (ended + 1, ALWAYS[1], False),
        (began + 1, ended - 1, True),
    ):
        assert bool(asked(node, EQUIPMENT, "OVEN-1", since, until).jobs) == touched, (since - began, until - began)


def test_an_attempt_that_was_abandoned_touched_all_the_same_and_counts_its_own_readings(node: Log) -> None:
    opened(node)
    node.allow(c.RecordReading)
    node.allow(c.RestartStep)
    node.later(S)
    node.allow(c.StartStep)
    node.allow(c.RecordReading)
    node.allow(c.RecordReading)
    found = asked(node, EQUIPMENT, "OVEN-1", each=True)
    assert [(use.what, use.readings) for use in found.uses] == [(STEP, 1), (STEP, 2)]
    assert [use.until is None for use in found.uses] == [False, True]
    assert found.jobs[0].in_steps == 3


def test_sub_lots_inherit_what_touched_the_job_that_they_were_split_from(node: Log) -> None:
    opened(node)
    node.allow(c.RestartStep)
    node.allow(c.SplitJob)
    found = asked(node, EQUIPMENT, "OVEN-1")
    told = [(job.job, job.through, job.serials, job.state) for job in found.jobs]
    assert told == [
        (JOB, "", SERIALS, "split into sub-lots"),
        ("J-1a", JOB, ("A",), "running"),
        ("J-1b", JOB, ("B",), "running"),
    ]
    node.later(S)
    node.allow(c.StartStep, job="J-1b")
    again = {job.job: job for job in asked(node, EQUIPMENT, "OVEN-1").jobs}
    assert (again["J-1b"].through, again["J-1b"].going_on, again["J-1a"].going_on) == (JOB, True, False)
    after = asked(node, EQUIPMENT, "OVEN-1", node.now).jobs
    assert [job.job for job in after] == ["J-1b"], "a touch after the split is the sub-lot's own"


def test_a_nonconformance_is_open_until_it_is_decided(node: Log) -> None:
    opened(node)
    node.allow(c.OpenNonconformance)
    ncr = next(iter(node.state.jobs[job_key(PO, JOB)].ncrs))
    assert asked(node, EQUIPMENT, "OVEN-1").jobs[0].open_ncrs == (ncr,)
    node.allow(c.DisposeNonconformance, ncr=ncr, disposition="rework")
    assert asked(node, EQUIPMENT, "OVEN-1").jobs[0].open_ncrs == ()


# ---- reports and clients -------------------------------------------------------------------------------------------


def whole() -> tuple[Log, Log]:
    """A shop's hub and node, from order to report."""
    shop = hub_log()
    node = node_log(shop).worked()
    shop.now = node.now
    shop.heard(node.state.site)
    shop.take_in(node.segment())
    shop.allow(c.SignQa)
    shop.allow(c.GenerateReport)
    return shop, node


def test_reports_and_clients_are_told_where_the_hub_knows_them() -> None:
    shop, node = whole()
    sources = [Source(shelf_of(shop), shop.state.site), Source(shelf_of(node), node.state.site)]
    found = recall(sources, Span(EQUIPMENT, "OVEN-1", *ALWAYS))
    (job,) = found.jobs
    assert [(report.report, report.status) for report in job.reports] == [(REPORT, "issued")]
    assert job.state == "accepted by QA"
    assert [(told.client, told.orders, told.reports) for told in found.clients] == [(CLIENT, (PO,), (REPORT,))]
    shop.allow(c.ReviewReport)
    sources[0] = Source(shelf_of(shop), shop.state.site)
    assert recall(sources, Span(EQUIPMENT, "OVEN-1", *ALWAYS)).jobs[0].reports[0].status == "approved"


def test_the_hubs_imports_say_the_same_as_the_nodes_own_record() -> None:
    shop, node = whole()
    own = [Source(shelf_of(shop), shop.state.site), Source(shelf_of(node), node.state.site)]
    taken = [Source(shelf_of(shop), shop.state.site), Source(shelf_of(shop, TAKEN), node.state.site)]
    for kind, key in ((EQUIPMENT, "OVEN-1"), (BATCH, "WAX-1"), (PERSON, "TECH"), (CONTRACT, node.sha)):
        span = Span(kind, key, *ALWAYS)
        assert recall(own, span, each=True) == recall(taken, span, each=True)
        assert recall(own, span).jobs


def test_what_a_person_signed_besides_jobs_is_told() -> None:
    shop, _ = whole()
    found = asked(shop, PERSON, "QA")
    assert found.besides["identity.enrol"] > 10
    assert found.besides["contract.approve"] == 1
    assert [job.acts for job in found.jobs] == [{"qa.sign": 1}]


def test_a_kiosk_whose_key_was_stolen_is_asked_for_like_a_person() -> None:
    """Its key attests where and with which components somebody signed: what it vouched for is listed, each entry."""
    _, node = whole()
    found = asked(node, PERSON, BENCH, each=True)
    (job,) = found.jobs
    assert job.steps == ("S10", "S20", "S30")
    assert job.acts["step.sign"] == 4
    assert {use.detail for use in found.uses} == {"workstation"}


def test_a_contract_version_is_found_by_its_name() -> None:
    shop, _ = whole()
    sources = [Source(shelf_of(shop))]
    assert contract_key(sources, "SP-1", "1") == shop.sha
    with pytest.raises(Malformed, match="knows no contract SP-1 version 9"):
        contract_key(sources, "SP-1", "9")
    found = recall(sources, Span(CONTRACT, shop.sha, *ALWAYS))
    assert (found.orders, found.jobs, found.besides) == ((PO,), (), {"po.stage": 1})


def test_an_escape_is_open_on_the_job_and_its_entry_says_what_it_follows_from() -> None:
    shop, node = whole()
    shop.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
    kept = Kept(shop)
    told = why(kept, kept.size - 1)
    assert (told.kind, told.gates, told.act) == ("consequence", (), "")
    assert told.means.startswith("Something that follows from an earlier entry")
    assert [fact.entry for fact in told.rests_on] == [f"{shop.state.site}:{kept.size - 2}"]
    assert "found out_of_tolerance" in told.rests_on[0].says[0]
    assert "recall-OVEN-1-J-1" in told.became_true[0]
    sources = [Source(shelf_of(shop), shop.state.site), Source(shelf_of(node), node.state.site)]
    found = recall(sources, Span(EQUIPMENT, "OVEN-1", *ALWAYS))
    assert found.jobs[0].open_ncrs == ("recall-OVEN-1-J-1",)
    assert found.besides == {"equipment.calibrate": 1}


# ---- shelves -------------------------------------------------------------------------------------------------------


def files(folder: Path) -> Path:
    return folder / "ledger.uses.db"


def test_a_shelf_is_brought_up_to_date_and_not_folded_again(node: Log, tmp_path: Path) -> None:
    node.worked()
    half, all_of_it = Kept(node, 9), Kept(node)
    with closing(SqliteShelf(files(tmp_path))) as shelf:
        assert bring_up(shelf, half, OWN, half.root) == 9
    with closing(SqliteShelf(files(tmp_path))) as shelf:
        assert bring_up(shelf, all_of_it, OWN, all_of_it.root) == all_of_it.size - 9
        assert bring_up(shelf, all_of_it, OWN, all_of_it.root) == 0
        span = Span(EQUIPMENT, "OVEN-1", *ALWAYS)
        assert recall([Source(shelf)], span, each=True) == asked(node, EQUIPMENT, "OVEN-1", each=True)


def test_a_shelf_of_another_log_is_thrown_away(node: Log, tmp_path: Path) -> None:
    node.worked()
    other = node_log(hub_log())
    other.attempt()
    other.worked()
    kept, stranger = Kept(node), Kept(other)
    assert kept.root != Kept(other, kept.size).root
    with closing(SqliteShelf(files(tmp_path))) as shelf:
        bring_up(shelf, kept, OWN, kept.root)
        assert bring_up(shelf, stranger, OWN, stranger.root) == stranger.size, "folded from the beginning"
        assert shelf.progress().root == stranger.root


def test_a_shelf_that_is_ahead_of_its_record_is_folded_anew(node: Log) -> None:
    node.worked()
    shelf, all_of_it, less = MemoryShelf(), Kept(node), Kept(node, 9)
    bring_up(shelf, all_of_it, OWN, all_of_it.root)
    assert bring_up(shelf, less, OWN, less.root) == 9


def test_an_altered_entry_is_refused_by_the_fold(node: Log) -> None:
    node.worked()
    kept = Kept(node)
    body = bytearray(node.drafts[-1].body)
    body[100] ^= 1
    node.drafts[-1] = type(node.drafts[-1])(
        **{name: getattr(node.drafts[-1], name) for name in node.drafts[-1].__struct_fields__} | {"body": bytes(body)}
    )
    with pytest.raises(Tampered, match="not the one that was recorded"):
        bring_up(MemoryShelf(), kept, OWN, kept.root)


def test_entries_that_do_not_lead_to_the_heads_root_are_refused(node: Log) -> None:
    node.worked()
    with pytest.raises(Tampered, match="do not lead to the root"):
        bring_up(MemoryShelf(), Kept(node), OWN, bytes(32))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b"no database at all" * 100),
        lambda path: altered(path, "UPDATE progress SET fold = fold - 1"),
        lambda path: altered(path, "UPDATE progress SET size = size - 1"),
        lambda path: altered(path, "UPDATE progress SET root = zeroblob(32)"),
        lambda path: altered(path, "DELETE FROM progress"),
    ],
    ids=["deleted", "noise", "another fold", "another size", "another root", "no progress"],
)
def test_a_spoilt_file_is_folded_anew(node: Log, tmp_path: Path, spoil: Any) -> None:
    node.worked()
    kept, path = Kept(node), files(tmp_path)
    with closing(SqliteShelf(path)) as shelf:
        bring_up(shelf, kept, OWN, kept.root)
    spoil(path)
    with closing(SqliteShelf(path)) as shelf:
        assert bring_up(shelf, kept, OWN, kept.root) == kept.size
        span = Span(EQUIPMENT, "OVEN-1", *ALWAYS)
        assert recall([Source(shelf)], span) == asked(node, EQUIPMENT, "OVEN-1")
        assert shelf.path == path


def altered(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement)


def test_where_no_file_can_be_kept_the_rows_are_in_memory(node: Log, tmp_path: Path) -> None:
    node.worked()
    kept = Kept(node)
    with closing(SqliteShelf(tmp_path / "no" / "such" / "folder.db")) as shelf:
        assert shelf.path is None
        bring_up(shelf, kept, OWN, kept.root)
        assert recall([Source(shelf)], Span(EQUIPMENT, "OVEN-1", *ALWAYS)).jobs


IDS = st.sampled_from(["A", "B"])
TIMES = st.integers(0, 20)


@st.composite
def rows(draw: st.DrawFn) -> Row:
    kind = draw(st.sampled_from(["use", "open", "end", "count", "note"]))
    order, job, step = draw(IDS), draw(st.sampled_from(["", "J"])), draw(st.sampled_from(["S1", "S2"]))
    at, site = draw(TIMES), draw(st.sampled_from(["HUB", "NODE"]))
    if kind == "use":
        return Use(EQUIPMENT, draw(IDS), at, at + draw(TIMES), site, 1, order, job, step, READING, "x")
    if kind == "open":
        return Use(EQUIPMENT, draw(IDS), at, None, site, 1, order, job, step)
    if kind == "end":
        return Ended(order, job, draw(st.sampled_from(["", step])), at + 20)
    if kind == "count":
        return Counted(order, job, step)
    return Note(ORDER, order, at, site, 1, "qa", job, (("by", "QA"),))


@settings(max_examples=150, deadline=None)
@given(st.lists(rows(), max_size=40), TIMES, TIMES, st.sampled_from([None, "HUB"]))
def test_a_shelf_on_a_disk_answers_as_one_in_memory(kept: list[Row], since: int, more: int, site: str | None) -> None:
    shelves: list[Shelf] = [MemoryShelf(), SqliteShelf(None)]
    for shelf in shelves:
        shelf.keep(kept[:10], Progress(1, (leaf_hash(b"1"),)))
        shelf.keep(kept[10:], Progress(1, (leaf_hash(b"1"),)))
    span = Span(EQUIPMENT, "A", since, since + more)
    assert sorted(shelves[0].uses(span, site), key=str) == sorted(shelves[1].uses(span, site), key=str)
    assert sorted(shelves[0].touches(span, site)) == sorted(shelves[1].touches(span, site))
    assert shelves[0].notes(ORDER, ["A", "C"], site) == shelves[1].notes(ORDER, ["A", "C"], site)
    assert sorted(shelves[0].sites()) == sorted(shelves[1].sites())
    assert shelves[0].progress() == shelves[1].progress()


# ---- over a scenario's ledgers -------------------------------------------------------------------------------------


def test_every_job_that_the_law_recalls_is_in_the_recall_of_its_instrument(node: Log) -> None:
    node.allow(c.StartJob, serials=("A",))
    node.allow(c.StartJob, job="J-2", serials=("B",))
    for job in (JOB, "J-2"):
        node.allow(c.StartStep, job=job, step="S10", **BARE)
        node.allow(c.SignStep, job=job, step="S10")
    node.allow(c.StartStep, job="J-2")
    draft = node.allow(c.CheckEquipment, id="OVEN-1", result="fail")
    flagged = [event.job for event in draft.decision.events if isinstance(event, ev.NonconformanceOpened)]
    found = asked(node, EQUIPMENT, "OVEN-1")
    assert [job.job for job in found.jobs] == flagged == ["J-2"]
    assert found.jobs[0].open_ncrs == ("recall-OVEN-1-J-2",)
    assert found.besides == {"equipment.check": 1}


def test_the_hub_alone_recalls_what_the_whole_shop_does(tmp_path: Path) -> None:
    shop = played(tmp_path, "101")
    with open_shelves(shop) as everything, open_shelves(shop / "HUB") as hub:
        sites = [source.site for source in everything.sources]
        assert sorted(map(str, sites)) == ["FLOOR", "HUB", "NODE-FPI", "NODE-FPI-2", "NODE-MT"]
        for kind, key in ((EQUIPMENT, "RAD-07"), (BATCH, "PEN-24117"), (PERSON, "SID-TEC-11")):
            span = Span(kind, key, *ALWAYS)
            assert recall(everything.sources, span) == recall(hub.sources, span)
        assert not list(shop.glob("NODE-*/ledger.taken.db")), "every site is here: no import has to be read"
    rows_beside = sorted(path.name for path in (shop / "HUB").glob("*.db"))
    assert rows_beside == ["ledger.db", "ledger.hints.db", "ledger.taken.db", "ledger.uses.db"]


def test_an_older_copy_of_a_sites_record_hides_nothing_that_the_hub_took_in(tmp_path: Path) -> None:
    shop = played(tmp_path, "101")
    span = Span(EQUIPMENT, "RAD-07", *ALWAYS)
    with open_shelves(shop) as shelves:
        expected = recall(shelves.sources, span)
    ledger = shop / "NODE-FPI" / "ledger.db"
    with open_logs(shop / "NODE-FPI") as (log,):
        leaves = [leaf for _, leaf, _ in log.rows(0)]
    kept = 20
    tree = Tree()
    for leaf in leaves[:kept]:
        tree.append(leaf)
    with closing(sqlite3.connect(ledger)) as db, db:
        db.execute("DELETE FROM entry WHERE seq >= ?", (kept,))
        db.execute("UPDATE head SET size = ?, frontier = ?", (kept, b"".join(tree.frontier())))
    with open_shelves(shop) as shelves:
        assert recall(shelves.sources, span) == expected
    assert expected.jobs


def test_an_import_is_followed_by_what_it_holds() -> None:
    shop, node = whole()
    kept = Kept(shop)
    imports = [seq for seq in range(kept.size) if entry_at(kept, seq).entry.kind == "import"]
    held = [said for seq in imports for said in taken_in(kept, entry_at(kept, seq).entry)]
    assert [said.place.seq for said in held] == [*range(len(node.drafts))]
    assert {said.held for said in held} == set(imports)
    assert [said.place for said in walk(kept) if said.held is not None] == [said.place for said in held]
    assert BENCH
