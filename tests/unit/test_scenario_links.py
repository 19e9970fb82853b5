"""What a scenario does to links, logs and the Vault is really done, and what it says of them was really looked up."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from holdgate.audit.replay import LogReport
from holdgate.bootstrap import BUSINESS_HUB as HUB
from holdgate.bootstrap import FLOOR_HUB, VAULT, Shop
from holdgate.engine.source import StoreSource
from holdgate.law import event as ev
from holdgate.law.denial import sentence
from holdgate.law.segments import Segment
from holdgate.law.state import Report
from holdgate.scenario import links as module
from holdgate.scenario.effects import effects_of, unsigned_lapses
from holdgate.scenario.files import ScenarioStep, World, read_world
from holdgate.scenario.links import OPERATIONS, AlteredCopy, Done, Links, altered
from holdgate.scenario.opening import Opening
from holdgate.scenario.run import FileResult, run_file
from holdgate.terms import instant
from holdgate.terms.errors import HoldgateError, Malformed, Tampered

WORLD = """\
site: {name: Lab, tz: UTC, receiving_zones: [DOCK], session_idle_s: 600, entry_skew_s: 120, arrival_skew_s: 300,
  arrival_fresh_s: 14400, approval_roles: [qa], report_fields: [title]}
people:
  - {id: ADM, name: A, org: LAB, roles: [admin]}
  - {id: QAM, name: Q, org: LAB, roles: [qa]}
  - {id: TEC, name: T, org: LAB, roles: [technician]}
  - {id: SCN, name: S, org: LAB, roles: [scanner]}
  - {id: SYS, name: Y, org: LAB, roles: [system]}
workstations: [{id: WS-OFFICE, zone: OFFICE}, {id: WS-REC, zone: DOCK}, {id: WS-1, zone: LAB, node: N1}]
nodes: [{id: N1}, {id: N2}]
"""
HEAD = "id: x\ntitle: T\nworld: w\nvariant: v\ntemplates: []\nclauses: []\nauditor_demand: d\nsteps:\n"
AT = instant.parse("2025-04-01T13:00:00Z")
NODE, OTHER = "N1", "N2"

Story = Callable[["Stage"], Awaitable[None]]


class Stage:
    """A running shop of the small world, and its links."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.links = Links(shop)
        self.sources = 0

    async def do(self, action: str, **inputs: str) -> Done:
        """An operation."""
        step = ScenarioStep(
            n=7, at=AT, node=None, actor_id="SYS", actor_role="system", action=action, inputs={**inputs}, expect=ANY
        )
        done = await OPERATIONS[action](self.links, step)
        await self.shop.settle()
        for denial in done.decision.denials:
            assert "?" not in sentence(denial)
        return done

    async def happen(self, *sites: str) -> None:
        """Something is recorded at these sites: an attempt (of a source of its own, or it is only counted)."""
        for site in sites:
            self.sources += 1
            with pytest.raises(Malformed):
                await self.shop.sites[site].submit(b"noise", source=f"s{self.sources}")
        await self.shop.settle()

    def linked(self, one: str, other: str) -> bool:
        return self.shop.bus.linked(one, other)

    async def held(self, peer: str, site: str) -> int:
        found = self.shop.vaults.get(peer) or self.shop.sites[peer]
        return await found.held(self.shop.sites[site].notary.origin, site)


ANY: Any = None


def world(folder: Path) -> World:
    (folder / "w.yaml").write_text(WORLD)
    return read_world(folder / "w.yaml")


def told(folder: Path, story: Story) -> None:
    """A story in the running shop."""

    async def run() -> None:
        shop = await Opening(folder / "shop", world(folder), AT).open()
        try:
            await story(Stage(shop))
            await shop.settle()
        finally:
            shop.close()

    asyncio.run(run())


# ---- off line and back


def test_a_site_that_is_off_line_is_out_of_reach_and_nothing_else_is(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        done = await stage.do("site.offline", site="business_hub")
        assert (done.decision.allowed, done.effects) == (True, ("site_offline",))
        assert not stage.links.reaches(HUB)
        assert stage.links.reaches(VAULT)
        assert stage.links.reaches(FLOOR_HUB)
        assert not stage.linked(HUB, VAULT)
        assert stage.linked(FLOOR_HUB, NODE)
        again = await stage.do("site.offline", site="business_hub")
        assert (again.decision.codes, again.effects) == (("ALREADY_DONE",), ())

    told(tmp_path, story)


def test_from_a_node_that_is_off_line_nobody_else_is_in_reach(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.do("node.offline", node=NODE)
        assert not stage.links.reaches(HUB, NODE)
        assert stage.links.reaches(NODE, NODE)
        assert stage.links.reaches(HUB, OTHER)
        assert stage.links.reaches(HUB)

    told(tmp_path, story)


def test_a_site_gets_what_it_missed_once_and_only_once(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        early = await stage.do("site.sync", site="business_hub")
        assert early.decision.codes == ("ALREADY_DONE",), "nothing was ever missed"
        for site, where in (("business_hub", HUB), ("vault", VAULT)):
            await stage.do("site.offline", site=site)
            before = await stage.held(where, FLOOR_HUB)
            await stage.happen(FLOOR_HUB, NODE)
            assert await stage.held(where, FLOOR_HUB) == before
            done = await stage.do("site.sync", site=site)
            assert (done.decision.allowed, done.effects) == (True, ("entries_accepted", "recorded_once"))
            assert await stage.held(where, FLOOR_HUB) > before
            again = await stage.do("site.sync", site=site)
            assert (again.decision.codes, again.effects) == (("ALREADY_DONE",), ())

    told(tmp_path, story)


def test_a_vault_that_was_away_accepts_that_the_hub_noted_it(tmp_path: Path) -> None:
    """The Vault was off line, and nobody had anything to say meanwhile but the hub, which noted just that."""

    async def story(stage: Stage) -> None:
        await stage.do("site.offline", site="vault")
        done = await stage.do("site.sync", site="vault")
        assert (done.decision.allowed, done.effects) == (True, ("entries_accepted", "recorded_once"))

    told(tmp_path, story)


def test_links_between_two_sites_stay_cut_until_both_are_back(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.do("site.offline", site="vault")
        await stage.do("node.offline", node=NODE)
        await stage.do("site.offline", site="business_hub")
        await stage.happen(FLOOR_HUB, NODE)
        assert (await stage.do("site.sync", site="business_hub")).decision.allowed
        assert stage.linked(HUB, FLOOR_HUB)
        assert not stage.linked(HUB, VAULT)
        assert not stage.linked(HUB, NODE)
        assert (await stage.do("site.sync", site="vault")).decision.allowed
        assert stage.linked(HUB, VAULT)
        assert not stage.linked(VAULT, NODE)
        assert (await stage.do("node.sync", node=NODE)).decision.allowed
        assert stage.linked(HUB, NODE)
        assert stage.linked(VAULT, NODE)
        assert await stage.held(HUB, NODE) == stage.shop.sites[NODE].spine.size

    told(tmp_path, story)


# ---- a broken chain


@pytest.mark.parametrize(("site", "where"), [("business_hub", HUB), ("vault", VAULT)])
def test_an_altered_byte_is_refused_and_the_true_stretch_taken_later(tmp_path: Path, site: str, where: str) -> None:
    async def story(stage: Stage) -> None:
        await stage.do("site.offline", site=site)
        await stage.happen(FLOOR_HUB)
        before = await stage.held(where, FLOOR_HUB)
        offered: list[Segment] = []
        peer: Any = stage.shop.vaults.get(where) or stage.shop.sites[where]
        offer = peer.offer

        async def seen(segment: Segment, sender: str) -> Any:
            offered.append(segment)
            return await offer(segment, sender)

        peer.offer = seen
        done = await stage.do("site.sync", site=site, chain="broken")
        peer.offer = offer
        assert (done.decision.codes, done.effects) == (("CHAIN_BROKEN",), ())
        (segment,) = offered
        origin = next(site for site in stage.shop.sites.values() if site.notary.origin == segment.origin)
        true = origin.links[where].next_segment(segment.start)
        assert changed_bits(segment, true) == 1
        assert await stage.held(where, FLOOR_HUB) == before
        assert not stage.links.reaches(where), "it is off line as before"
        assert (await stage.do("site.sync", site=site)).effects == ("entries_accepted", "recorded_once")

    told(tmp_path, story)


def changed_bits(one: Segment, other: Segment) -> int:
    assert (one.leaves, one.checkpoint, one.blobs) == (other.leaves, other.checkpoint, other.blobs)
    assert one.entries.keys() == other.entries.keys()
    pairs = [pair for key in one.entries for pair in zip(one.entries[key], other.entries[key], strict=True)]
    return sum((a ^ b).bit_count() for a, b in pairs)


def test_a_site_that_took_an_altered_stretch_in_would_be_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal is the site's own: where it does not come, the answer is not made up."""

    async def story(stage: Stage) -> None:
        await stage.do("site.offline", site="business_hub")
        await stage.happen(FLOOR_HUB)
        monkeypatch.setattr(module, "tamper", lambda segment: segment)
        done = await stage.do("site.sync", site="business_hub", chain="broken")
        assert done.decision.allowed

    told(tmp_path, story)


def test_where_nothing_is_on_its_way_nothing_can_be_altered(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        with pytest.raises(Malformed, match=r"^step 7: nothing is on its way to HUB that could be altered"):
            await stage.do("node.sync", node=NODE, chain="broken")

    told(tmp_path, story)


# ---- once


def test_an_entry_that_is_missing_twice_there_or_another_is_not_recorded_once(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        hub, floor, vault = stage.shop.sites[HUB], stage.shop.sites[FLOOR_HUB], stage.shop.vaults[VAULT]
        held = stage.links._held_once
        assert held(hub, floor) == held(vault, floor) == ""
        store: Any = hub.means.store
        rows, blob = store.rows, store.blob
        subject = f'"subject":"origin:{floor.notary.origin}"'.encode()
        imports = [row for row in rows(0, hub.spine.size) if b'"kind":"import"' in row.body and subject in row.body]
        assert imports
        store.rows = lambda start, stop: [row for row in rows(start, stop) if row != imports[-1]]
        assert "entries of FLOOR" in held(hub, floor), "a stretch is missing"
        store.rows = lambda start, stop: [*rows(start, stop), *imports]
        assert "already" in held(hub, floor)
        store.rows, store.blob = rows, lambda key: None
        assert "not in its store" in held(hub, floor)
        store.blob = blob
        read = vault.read
        for entries in (lambda e: e[:-1], lambda e: [*e, e[-1]]):
            vault.read = lambda origin, change=entries: (change(read(origin)[0]), read(origin)[1])  # type: ignore[method-assign,misc]
            assert "and says" in held(vault, floor)
        vault.read = lambda origin: ([*read(origin)[0][:-1], b"{}"], read(origin)[1])  # type: ignore[method-assign]
        assert "is not what FLOOR shows" in held(vault, floor)
        vault.read = read  # type: ignore[method-assign]

    told(tmp_path, story)


def test_a_sync_that_left_something_out_is_a_broken_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(stage: Stage) -> None:
        await stage.do("site.offline", site="business_hub")
        await stage.happen(FLOOR_HUB)
        floor = stage.shop.sites[FLOOR_HUB]
        floor.links[HUB].stop()
        done = await stage.do("site.sync", site="business_hub")
        assert (done.decision.codes, done.effects) == (("CHAIN_BROKEN",), ())
        assert "entries of FLOOR" in sentence(done.decision.denials[0])

    told(tmp_path, story)


# ---- the Vault's copy


def test_the_vault_shows_a_copy_that_verifies(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        done = await stage.do("vault.read", node=NODE)
        assert (done.decision.allowed, done.effects) == (True, ("read",))
        await stage.do("site.offline", site="business_hub")
        assert (await stage.do("vault.read", node=NODE)).decision.allowed
        await stage.do("site.offline", site="vault")
        away = await stage.do("vault.read", node=NODE)
        assert (away.decision.codes, away.effects) == (("SITE_UNREACHABLE",), ())

    told(tmp_path, story)


@pytest.mark.parametrize(
    "statement",
    [
        'UPDATE mirror SET body = CAST(replace(CAST(body AS TEXT), \'"kind":"boot"\', \'"kind":"bOot"\') AS BLOB)',
        "DELETE FROM mirror WHERE seq = 1",
        "DELETE FROM seat",
        "UPDATE seat SET cosigned = (SELECT cosigned FROM seat WHERE origin LIKE '%/HUB')",
    ],
    ids=["altered", "missing", "no checkpoint", "another log's checkpoint"],
)
def test_a_copy_that_does_not_verify_is_not_read(tmp_path: Path, statement: str) -> None:
    async def story(stage: Stage) -> None:
        db = sqlite3.connect(tmp_path / "shop" / VAULT / "mirror.db")
        db.execute(statement)
        db.commit()
        db.close()
        done = await stage.do("vault.read", node=NODE)
        assert (done.decision.codes, done.effects) == (("CHAIN_BROKEN",), ())

    told(tmp_path, story)


# ---- ledgers


def test_a_copy_with_one_altered_byte_is_found_by_the_audit(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        sound = await stage.do("ledger.verify")
        assert (sound.decision.allowed, sound.effects) == (True, ("chain_ok",))
        done = await stage.do("ledger.verify", tampered="true")
        assert (done.decision.codes, done.effects) == (("CHAIN_BROKEN",), ("tamper_detected",))
        assert (await stage.do("ledger.verify", tampered="false")).effects == ("chain_ok",), (
            "the ledger itself is whole"
        )

    told(tmp_path, story)


def test_the_copy_differs_in_one_bit_of_one_entry(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        source = StoreSource(stage.shop.sites[HUB].means.store)
        true, copy = list(source.bodies()), list(AlteredCopy(source).bodies())
        assert [row[:2] for row in copy] == [row[:2] for row in true]
        different = [(one[2], other[2]) for one, other in zip(true, copy, strict=True) if one != other]
        assert len(different) == 1
        ((was, became),) = different
        assert sum((a ^ b).bit_count() for a, b in zip(was, became, strict=True)) == 1
        assert altered(altered(was)) == was

    told(tmp_path, story)


def test_an_audit_that_finds_nothing_detects_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(stage: Stage) -> None:
        monkeypatch.setattr(module, "audit_log", lambda *_: LogReport(findings=[]))
        done = await stage.do("ledger.verify", tampered="true")
        assert (done.decision.allowed, done.effects) == (True, ("chain_ok",))

    told(tmp_path, story)


def test_a_ledger_that_was_altered_itself_is_no_copy(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        db = sqlite3.connect(tmp_path / "shop" / HUB / "ledger.db")
        table = next(name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE name LIKE 'entr%'"))
        db.execute(f"UPDATE {table} SET body = ? WHERE seq = 3", (b"{}",))
        db.commit()
        db.close()
        done = await stage.do("ledger.verify", tampered="true")
        assert (done.decision.codes, done.effects) == (("CHAIN_BROKEN",), ())

    told(tmp_path, story)


# ---- whole files


def run(folder: Path, *steps: str) -> FileResult:
    (folder / "worlds").mkdir()
    (folder / "worlds" / "w.yaml").write_text(WORLD)
    lines = [f"  - {{n: {n}, at: '2025-04-01T13:0{n}:00Z', {step}}}" for n, step in enumerate(steps, start=1)]
    (folder / "s.yaml").write_text(HEAD + "\n".join(lines) + "\n")
    return run_file(folder / "s.yaml")


SYSTEM = "actor: {id: SYS, role: system}"
ALLOW, AWAY = "expect: {decision: allow}", "expect: {decision: deny, reason: SITE_UNREACHABLE}"
DISABLE = "actor: {id: ADM, role: admin}, action: identity.disable, inputs: {person: TEC, reason: left}"


def test_what_the_hub_decides_waits_for_the_hub_and_leaves_no_entry(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        f"{SYSTEM}, action: site.offline, inputs: {{site: business_hub}}, {ALLOW}",
        f"{DISABLE}, {AWAY}",
        f"{SYSTEM}, action: window.close, inputs: {{report: R-1}}, {AWAY}",
        "actor: {id: ADM, role: admin}, action: po.release, inputs: {po: PO-1}, "
        "expect: {decision: deny, reason: PO_NOT_STAGED}",
        f"{SYSTEM}, action: site.sync, inputs: {{site: business_hub}}, {ALLOW}",
        f"{DISABLE}, {ALLOW}",
        f"{DISABLE}, expect: {{decision: deny, reason: ALREADY_DONE}}",
    )
    assert result.passed, result.mismatch
    assert result.repeated == result.entries


def test_a_node_that_is_off_line_reaches_nobody_else(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        f"{SYSTEM}, action: node.offline, inputs: {{node: N1}}, {ALLOW}",
        f"node: N1, {DISABLE}, {AWAY}",
        f"node: N1, {SYSTEM}, action: po.release, inputs: {{po: PO-1}}, {AWAY}",
        f"node: N1, {SYSTEM}, action: vault.read, inputs: {{node: N1}}, {AWAY}",
        f"node: N2, {DISABLE}, {ALLOW}",
    )
    assert result.passed, result.mismatch


def test_a_window_is_asked_for_while_the_vault_is_away(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        f"{SYSTEM}, action: site.offline, inputs: {{site: vault}}, {ALLOW}",
        f"{SYSTEM}, action: window.close, inputs: {{report: R-1}}, expect: {{decision: deny, reason: REPORT_UNKNOWN}}",
    )
    assert result.passed, result.mismatch


def test_figures_are_those_of_the_record(tmp_path: Path) -> None:
    scan = "action: part.arrival, inputs: {part_no: P, rev: A, serials: [S], qty: 1, workstation: WS-REC, "
    denied = "expect: {decision: deny, reason: %s}"
    result = run(
        tmp_path,
        f"actor: {{id: SCN, role: scanner}}, {scan} signature: valid, reader_seq: 1}}, {denied % 'PO_NOT_STAGED'}",
        f"actor: {{id: SCN, role: scanner}}, {scan} signature: valid, reader_seq: 1}}, {denied % 'REPLAYED_BROADCAST'}",
        f"actor: {{id: SCN, role: scanner}}, {scan} signature: missing, reader_seq: 2}}, "
        + denied % "BROADCAST_UNVERIFIED",
        f"{SYSTEM}, action: staging.metrics, inputs: {{}}, expect: {{decision: allow, effects: [metrics_computed], "
        "values: {wrong_arrivals_stopped: 1, replays: 1, unverified: 1, queue: {held: 0, partial: 0, released: 0}}}",
    )
    assert result.passed, result.mismatch


def test_a_wrong_figure_is_a_mismatch(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        f"{SYSTEM}, action: staging.metrics, inputs: {{}}, expect: {{decision: allow, values: {{replays: 1}}}}",
    )
    assert result.mismatch is not None
    assert result.mismatch.what == "other figures: replays 0, not 1"


def test_a_workstation_at_a_node_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "worlds").mkdir()
    (tmp_path / "worlds" / "w.yaml").write_text(WORLD.replace("node: N1}]", "node: N7}]"))
    (tmp_path / "s.yaml").write_text(
        HEAD + "  - {n: 4, at: '2025-04-01T13:00:00Z', actor: {id: TEC, role: technician}, action: step.start, "
        "inputs: {job: J, step: S, workstation: WS-1, equipment: [], materials: []}, expect: {decision: allow}}\n"
    )
    mismatch = run_file(tmp_path / "s.yaml").mismatch
    assert mismatch is not None
    assert mismatch.what == "Malformed: step 4: there is no node N7; add it to the world, or name another"


# ---- words


def report(status: str) -> dict[str, Report]:
    return {"R": Report(id="R", order="PO", job="J", digest="", deviations=(), issued_seq=1, status=status)}


LAPSED, APPROVED = ev.ReviewWindowLapsed(report="R", outcome="escalate"), ev.ReportApproved(report="R", by="X")


@pytest.mark.parametrize(
    ("events", "status", "said"),
    [
        ((LAPSED,), "lapsed", True),
        ((LAPSED, APPROVED), "lapsed", False),
        ((APPROVED, LAPSED), "lapsed", False),
        ((LAPSED,), "approved", False),
        ((), "lapsed", False),
    ],
)
def test_no_client_signature_is_said_only_where_there_is_none(
    events: tuple[ev.AnyEvent, ...], status: str, said: bool
) -> None:
    assert unsigned_lapses(events, report(status)) == ["no_client_signature_created"] * said
    assert "no_client_signature_created" not in effects_of(events)
    assert unsigned_lapses(events, {}) == []


def test_attested_parts_are_recorded_and_attested() -> None:
    recorded = ev.ArrivalRecorded(order="PO", serials=("A",), evidence="attested")
    assert effects_of([recorded]) == ["arrival_recorded", "attested_arrival"]
    assert effects_of([ev.ArrivalVoided(order="PO", serials=("A",))]) == ["arrival_voided"]


def test_the_offered_stretch_must_be_refused_for_what_it_is(tmp_path: Path) -> None:
    """A store that fails is no proof of tampering."""

    async def story(stage: Stage) -> None:
        await stage.do("node.offline", node=NODE)
        await stage.happen(NODE)
        hub: Any = stage.shop.sites[HUB]

        async def fails(segment: Segment, sender: str) -> Any:
            raise HoldgateError("disk full")

        true, hub.offer = hub.offer, fails
        with pytest.raises(HoldgateError, match="disk full"):
            await stage.do("node.sync", node=NODE, chain="broken")
        hub.offer = true
        assert (await stage.do("node.sync", node=NODE, chain="broken")).decision.codes == ("CHAIN_BROKEN",)

    told(tmp_path, story)


def test_taking_in_what_it_refused_would_be_an_error(tmp_path: Path) -> None:
    """A site that says it refused, and holds more than before, did not refuse."""

    async def story(stage: Stage) -> None:
        await stage.do("node.offline", node=NODE)
        await stage.happen(NODE)
        hub: Any = stage.shop.sites[HUB]
        true = hub.offer

        async def lies(segment: Segment, sender: str) -> Any:
            await true(stage.shop.sites[NODE].links[HUB].next_segment(segment.start), sender)
            raise Tampered("refused")

        hub.offer = lies
        with pytest.raises(Tampered):
            await stage.do("node.sync", node=NODE, chain="broken")
        hub.offer = true

    told(tmp_path, story)
