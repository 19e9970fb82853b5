"""The Vault decides again what it mirrors: a sound shop raises no alarm, a site that decides otherwise is named at once."""

import asyncio
import json
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from typing_extensions import override

from holdgate.adapters.host import SetClock
from holdgate.adapters.http_serve import serving
from holdgate.adapters.sqlite_mirror import SqliteMirror
from holdgate.adapters.sqlite_watch import SqliteWatch
from holdgate.audit.replay import audit_log
from holdgate.bootstrap import read_premises, read_trust
from holdgate.cli.app import main
from holdgate.cli.records import open_sources
from holdgate.crypto.hashes import leaf_hash, sha256
from holdgate.crypto.keys import SigningKey
from holdgate.engine import submit as spine
from holdgate.engine.verify import Busy, Unauthentic, Verified, verify
from holdgate.law.authority import Authority
from holdgate.law.decision import allow
from holdgate.law.replay import difference
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import read_entry
from holdgate.ledger.merkle import extend
from holdgate.ledger.note import parse_checkpoint
from holdgate.process import _app
from holdgate.scenario.run import audit_shop
from holdgate.sites.figures import VaultFigures
from holdgate.sites.site import Site
from holdgate.sites.vault import Vault
from holdgate.sites.watch import Alarm, Watch
from holdgate.terms.errors import Unavailable
from tests.exposition import parse
from tests.played import played
from tests.unit.test_sites import FLOOR, HUB, NODE, OTHER, VAULT, House, founded, governed, settled, staged

WAIT_S = 60
ORIGIN = f"lab.test/{HUB}"


async def until(true: Callable[[], bool]) -> None:
    """Wait for a condition, with a long deadline."""
    end = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.005)


def reached(true: Callable[[], bool]) -> None:
    asyncio.run(until(true))


# ---- one shop's mirrors, watched offline ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day at work: orders from the client's signature to the payout, over three sites."""
    return played(tmp_path_factory.mktemp("watch"), "111")


@pytest.fixture
def shop(shop_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shop_once, tmp_path / "shop"))


class Copy(SqliteMirror):
    """A Vault's mirror that shows only so much of each log."""

    def __init__(self, shop: Path) -> None:
        super().__init__(shop / VAULT / "mirror.db", read_only=True)
        self.shown: dict[str, int] = {}

    @override
    def held(self, origin: str) -> tuple[int, tuple[bytes, ...]]:
        size, frontier = super().held(origin)
        shown = self.shown.get(origin, size)
        return (size, frontier) if shown >= size else (shown, self.frontier(origin, shown))

    def frontier(self, origin: str, size: int) -> tuple[bytes, ...]:
        return tuple(extend(0, (), self.leaves(origin, 0, size)))

    @override
    def entries(self, origin: str, start: int = 0, stop: int | None = None) -> list[bytes]:
        shown = self.shown.get(origin, 1 << 40)
        return super().entries(origin, start, min(shown, 1 << 40 if stop is None else stop))

    def sizes(self) -> dict[str, int]:
        return {origin: self.held(origin)[0] for origin in self.origins()}


def watching(shop: Path, mirror: Copy, save_every: int = 10_000) -> Watch:
    premises = read_premises(shop)
    store = SqliteWatch(shop / VAULT / "watch.db")
    return Watch(premises.charter, premises.roots, mirror, store, SetClock(7), save_every)


def sizes(watch: Watch, mirror: Copy) -> dict[str, int]:
    return {origin: watch.watched(origin).size for origin in mirror.origins()}


def test_a_sound_day_is_decided_again_to_the_last_entry_and_raises_no_alarm(shop: Path) -> None:
    mirror = Copy(shop)
    watch = watching(shop, mirror)
    began = time.perf_counter()
    watch.wake()
    reached(lambda: sizes(watch, mirror) == mirror.sizes())
    spent = time.perf_counter() - began
    watch.stop()
    total = sum(mirror.sizes().values())
    assert total > 50
    assert watch.alarms == ()
    assert {watch.watched(origin).waits for origin in mirror.origins()} == {""}
    print(f"decided again: {total} entries with their signatures, {total / spent:,.0f}/s")
    mirror.close()


def test_a_vault_that_was_stopped_goes_on_where_it_was(shop: Path) -> None:
    mirror = Copy(shop)
    whole = mirror.sizes()
    mirror.shown = half = {origin: size // 2 for origin, size in whole.items()}
    watch = watching(shop, mirror)
    watch.wake()
    reached(lambda: all(log.size == half[o] or log.waits for o in half for log in (watch.watched(o),)))
    watch.stop()
    stood = sizes(watch, mirror)
    assert any(stood.values())
    mirror.shown = {}
    watch = watching(shop, mirror)
    watch.wake()
    reached(lambda: sizes(watch, mirror) == whole)
    watch.stop()
    assert {origin: watch._logs[origin].began for origin in stood} == stood
    assert watch.alarms == ()
    mirror.close()


def test_after_a_crash_only_what_was_not_saved_is_decided_again(shop: Path) -> None:
    mirror = Copy(shop)
    watch = watching(shop, mirror, save_every=20)
    watch.wake()
    reached(lambda: sizes(watch, mirror) == mirror.sizes())
    watch._worker.close()  # the process is gone: nothing more is saved
    with SqliteDb(shop) as db:
        saved = dict(db.execute("SELECT origin, size FROM standing").fetchall())
    assert saved == {origin: size - size % 20 for origin, size in mirror.sizes().items() if size >= 20}
    again = watching(shop, mirror)
    again.wake()
    reached(lambda: sizes(again, mirror) == mirror.sizes())
    assert {origin: again._logs[origin].began for origin in saved} == saved
    again.stop()
    assert again.alarms == ()
    mirror.close()


class SqliteDb:
    """The watch's file, opened by hand."""

    def __init__(self, shop: Path) -> None:
        self._db = sqlite3.connect(shop / VAULT / "watch.db")

    def __enter__(self) -> sqlite3.Connection:
        return self._db

    def __exit__(self, *_: object) -> None:
        self._db.commit()
        self._db.close()


def test_an_import_waits_for_the_other_mirror_and_goes_on_by_itself(shop: Path) -> None:
    mirror = Copy(shop)
    node = next(seat.origin for seat in read_premises(shop).charter.sites if seat.kind == "node")
    hub = next(seat.origin for seat in read_premises(shop).charter.sites if seat.kind == "business_hub")
    mirror.shown = {hub: 1}
    watch = watching(shop, mirror)
    watch.wake()
    reached(lambda: watch.watched(node).waits != "")
    waits = watch.watched(node)
    assert waits.size < mirror.sizes()[node]
    assert f"rests on {hub}" in waits.waits
    assert watch.alarms == ()
    mirror.shown = {}
    watch.wake()
    reached(lambda: sizes(watch, mirror) == mirror.sizes())
    assert watch.watched(node).waits == ""
    watch.stop()
    assert watch.alarms == ()
    mirror.close()


def changed(shop: Path, origin: str, seq: int, change: Callable[[dict[str, Any]], None]) -> None:
    """An entry in the mirror's file becomes another one."""
    db = sqlite3.connect(shop / VAULT / "mirror.db")
    [(body,)] = db.execute("SELECT body FROM mirror WHERE origin = ? AND seq = ?", (origin, seq)).fetchall()
    entry = json.loads(body)
    change(entry)
    made = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    db.execute("UPDATE mirror SET body = ? WHERE origin = ? AND seq = ?", (made, origin, seq))
    db.commit()
    db.close()


def an_action(shop: Path, origin: str) -> int:
    """An act in the midst of a log that was allowed."""
    mirror = SqliteMirror(shop / VAULT / "mirror.db", read_only=True)
    entries = [read_entry(body) for body in mirror.entries(origin)]
    mirror.close()
    found = [entry.seq for entry in entries if entry.kind == "action" and decision_of(entry).allowed]
    return found[len(found) // 2]


@pytest.mark.parametrize(
    ("change", "expected", "found"),
    [
        (lambda entry: entry["decision"].update(verdict="deny"), "allow", "deny"),
        (lambda entry: entry.update(prev="00" * 32), "prev ", 'prev "0000'),
        (lambda entry: entry.update(module="x"), "no entry: it cannot be done again", "bytes that are no entry"),
        (lambda entry: entry.update(kind="import"), "no entry: it cannot be done again", "import of "),
    ],
)
def test_what_differs_is_told_in_words(
    shop: Path, change: Callable[[dict[str, Any]], None], expected: str, found: str
) -> None:
    origin = next(seat.origin for seat in read_premises(shop).charter.sites if seat.kind == "floor_hub")
    seq = an_action(shop, origin)
    changed(shop, origin, seq, change)
    mirror = Copy(shop)
    watch = watching(shop, mirror)
    watch.wake()
    reached(lambda: bool(watch.alarms))
    reached(lambda: not watch._queued and watch.watched(origin).waits != "")
    watch.stop()
    alarm = next(alarm for alarm in watch.alarms if alarm.origin == origin)
    assert (alarm.site, alarm.seq, alarm.at) == ("FLOOR", seq, 7)
    assert alarm.leaf == leaf_hash(mirror.entries(origin, seq, seq + 1)[0]).hex()
    assert alarm.expected.startswith(expected)
    assert alarm.found.startswith(found)
    mirror.close()


def test_the_watch_and_the_auditor_stop_at_the_same_entry(shop: Path) -> None:
    """One implementation of the rules: what the audit of the mirror finds is what the watch finds."""
    origin = next(seat.origin for seat in read_premises(shop).charter.sites if seat.kind == "business_hub")
    seq = an_action(shop, origin)
    changed(shop, origin, seq, lambda entry: entry["decision"].update(events=[]))
    mirror = Copy(shop)
    watch = watching(shop, mirror)
    watch.wake()
    reached(lambda: (origin, seq) in watch._alarms)
    watch.stop()
    trust = read_trust(shop / "trust.json")
    with open_sources(shop / VAULT / "mirror.db") as sources:
        reports = [audit_log(source, trust) for source in sources]
    [report] = [report for report in reports if report.origin == origin]
    assert report.findings[0].seq == seq
    assert report.repeated == seq
    mirror.close()


@pytest.mark.parametrize("saved", ["at the end", "in the midst"])
def test_a_saved_standing_of_another_history_is_thrown_away(shop: Path, saved: str) -> None:
    """It saves time and proves nothing: the entries have to lead to the cosigned root."""
    mirror = Copy(shop)
    watch = watching(shop, mirror, save_every=10)
    watch.wake()
    reached(lambda: sizes(watch, mirror) == mirror.sizes())
    watch._worker.close()
    other = played(shop.parent / "other", "111")
    # a shop of the same names; its keys, and so its log, are others
    strange = Copy(other)
    if saved == "in the midst":
        strange.shown = {origin: size // 2 for origin, size in strange.sizes().items()}
    stranger = watching(other, strange, save_every=10)
    stranger.wake()
    reached(
        lambda: all(
            log.size == size or log.waits for o, size in strange.sizes().items() for log in (stranger.watched(o),)
        )
    )
    stranger.stop()
    with SqliteDb(other) as db:
        rows = db.execute("SELECT origin, size, root, digest, body FROM standing").fetchall()
    assert len(rows) > 2
    with SqliteDb(shop) as db:
        db.executemany("INSERT OR REPLACE INTO standing VALUES(?,?,?,?,?)", rows)
    again = watching(shop, mirror)
    again.wake()
    reached(lambda: sizes(again, mirror) == mirror.sizes())
    again.stop()
    assert again.alarms == ()
    mirror.close()
    strange.close()


class Full(SqliteWatch):
    """A disk that is full."""

    full = True

    @override
    def keep_alarm(self, alarm: Alarm) -> None:
        if self.full:
            raise Unavailable("the disk is full")
        super().keep_alarm(alarm)


def test_an_alarm_that_cannot_be_kept_is_shown_and_kept_as_soon_as_it_can(shop: Path) -> None:
    origin = next(seat.origin for seat in read_premises(shop).charter.sites if seat.kind == "floor_hub")
    seq = an_action(shop, origin)
    changed(shop, origin, seq, lambda entry: entry["decision"].update(verdict="deny"))
    mirror, premises = Copy(shop), read_premises(shop)
    store = Full(shop / VAULT / "watch.db")
    watch = Watch(premises.charter, premises.roots, mirror, store, SetClock(7))
    watch.wake()
    reached(lambda: watch.watched(origin).waits == "the disk is full")
    assert (origin, seq) in watch._alarms
    assert store.alarms() == []
    store.full = False
    watch.wake()
    reached(lambda: (origin, seq) in {(alarm.origin, alarm.seq) for alarm in store.alarms()})
    watch.stop()
    mirror.close()


def test_two_entries_that_say_the_same_differ_in_nothing_but_their_spelling(shop: Path) -> None:
    mirror = Copy(shop)
    origin = mirror.origins()[0]
    entry = read_entry(mirror.entries(origin, 0, 1)[0])
    assert difference(entry, entry).found == "another spelling"
    longer = difference(replace(entry, subject="a" * 900), replace(entry, subject="a" * 899 + "b"))
    assert len(longer.expected) < 300
    assert longer.expected.endswith('aa"')
    assert longer.found.endswith('ab"')
    mirror.close()


# ---- in a running shop ------------------------------------------------------------------------------------------------


@asynccontextmanager
async def opened(house: House, *names: str) -> AsyncIterator[Vault]:
    house.shop._watch = house.shop._faces = True
    house.open_vault()
    if names:
        await house.open(*names)
    else:
        await house.shop.open()
    try:
        yield house.shop.vaults[VAULT]
    finally:
        await house.close()


def watched(vault: Vault) -> Watch:
    assert vault.watch is not None
    return vault.watch


def caught_up(vault: Vault, origin: str) -> Callable[[], bool]:
    return lambda: watched(vault).watched(origin).size == vault.store.held(origin)[0]


def told(house: House, story: Callable[[House], Awaitable[None]]) -> None:
    asyncio.run(story(house))  # type: ignore[arg-type]


def lenient(site: Site) -> None:
    """Software that lets everything through."""
    own = site.chronicle._authority

    def decide(*args: Any, **more: Any) -> Any:
        decision = own.decide(*args, **more)
        return decision if decision.allowed else allow()

    site.chronicle._authority = Authority(decide, own.follow, own.owe)


def test_a_site_that_lets_through_what_the_law_denies_is_alarmed_and_still_cosigned(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with opened(house, HUB) as vault:
            hub = house.shop.sites[HUB]
            assert (await house.ask(HUB, house.material("B-1"))).decision.allowed
            await settled(house.shop)
            await until(caught_up(vault, ORIGIN))
            lenient(hub)
            wrong = replace(house.material("B-2"), signers=house.head(HUB, ("TEC", "technician"))["signers"])
            answer = await house.ask(HUB, wrong)
            assert answer.decision.allowed
            await settled(house.shop)
            assert vault.store.held(ORIGIN)[0] > answer.seq
            await until(lambda: bool(watched(vault).alarms))
            [alarm] = watched(vault).alarms
            assert (alarm.site, alarm.origin, alarm.seq) == (HUB, ORIGIN, answer.seq)
            assert alarm.expected.startswith("deny ")
            assert alarm.found == "allow"
            assert alarm.leaf == leaf_hash(vault.store.entries(ORIGIN)[answer.seq]).hex()
            later = await house.ask(HUB, house.material("B-3"))
            await settled(house.shop)
            latest = vault.store.latest(ORIGIN)
            assert latest is not None
            assert parse_checkpoint(latest).size > later.seq, "the log still only grows, and that is what is cosigned"
            assert watched(vault).watched(ORIGIN).size == answer.seq
            assert "standing is unknown" in watched(vault).watched(ORIGIN).waits
        async with opened(house, HUB) as vault:
            assert watched(vault).alarms == (alarm,), "an alarm outlives the Vault's process"

    told(founded(tmp_path), story)


def test_a_gate_that_releases_what_has_not_arrived_is_alarmed_at_the_floor_hub(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with opened(house) as vault:
            await staged(house)
            origin = f"lab.test/{FLOOR}"
            await until(caught_up(vault, origin))
            assert watched(vault).alarms == ()
            lenient(house.shop.sites[FLOOR])
            answer = await house.ask(FLOOR, house.release("PO-1"))
            assert answer.decision.allowed
            await settled(house.shop)
            await until(lambda: bool(watched(vault).alarms))
            [alarm] = watched(vault).alarms
            assert (alarm.site, alarm.seq, alarm.found) == (FLOOR, answer.seq, "allow")
            others = [f"lab.test/{site}" for site in (HUB, NODE, OTHER)]
            await until(lambda: all(caught_up(vault, other)() for other in others))

    told(governed(tmp_path), story)


def test_a_site_that_takes_an_act_without_its_signature_is_alarmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decisions alone would come out the same: who signed is checked as well."""
    forged = SigningKey.from_seed(sha256(b"not the officer's"))

    def careless(raw: bytes, identities: Any, source: str, full: Collection[str]) -> Verified | Unauthentic | Busy:
        officer = identities.get("ADM")
        if officer is None:
            return verify(raw, identities, source, full)
        theirs = {**identities, "ADM": replace(officer, key=forged.public)}
        found = verify(raw, theirs, source, full)
        assert isinstance(found, Verified)
        right = tuple((name, identities[name].key) for name, _ in found.keys)
        return found._replace(keys=right)

    async def story(house: House) -> None:
        async with opened(house, HUB) as vault:
            monkeypatch.setattr(spine, "verify", careless)
            house.desk.add("ADM", forged)
            answer = await house.ask(HUB, house.material("B-1"))
            assert answer.decision.allowed
            await settled(house.shop)
            await until(lambda: bool(watched(vault).alarms))
            [alarm] = watched(vault).alarms
            assert alarm.seq == answer.seq
            assert "a signature does not hold" in alarm.expected
            assert alarm.found.endswith("allow")
            taken.append(answer.seq)

    taken: list[int] = []
    house = founded(tmp_path)
    told(house, story)
    [report] = [report for report in audit_shop(house.directory) if report.site == HUB]
    assert [finding.seq for finding in report.findings] == taken
    assert "signature" in report.findings[0].what


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_an_alarm_is_shown_by_status_metrics_and_the_vaults_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story(house: House) -> None:
        async with opened(house, HUB) as vault, serving(_app({VAULT: vault, HUB: house.shop.sites[HUB]}, None)) as port:
            at = f"127.0.0.1:{port}"
            await settled(house.shop)
            await until(caught_up(vault, ORIGIN))
            assert await asyncio.to_thread(main, ["status", at]) == 0
            lenient(house.shop.sites[HUB])
            wrong = replace(house.material("B-2"), signers=house.head(HUB, ("TEC", "technician"))["signers"])
            answer = await house.ask(HUB, wrong)
            await settled(house.shop)
            await until(lambda: bool(watched(vault).alarms))
            capsys.readouterr()
            assert await asyncio.to_thread(main, ["status", at, "--json"]) == 1
            status = {one["site"]: one for one in json.loads(capsys.readouterr().out)}
            assert [alarm["seq"] for alarm in status[VAULT]["alarms"]] == [answer.seq]
            [mirror] = [m for m in status[VAULT]["mirrors"] if m["origin"] == ORIGIN]
            assert mirror["reexecuted"] == answer.seq < mirror["size"]
            assert await asyncio.to_thread(main, ["status", at]) == 1
            words = " ".join(capsys.readouterr().out.split())
            assert "ALARM" in words
            async with httpx.AsyncClient(base_url=f"http://{at}", timeout=20, trust_env=False) as client:
                alarms = (await client.get(f"/{VAULT}/alarms")).json()["alarms"]
                metrics = (await client.get(f"/{VAULT}/metrics")).text
            [alarm] = alarms
            assert alarm == {
                "site": HUB,
                "origin": ORIGIN,
                "seq": answer.seq,
                "leaf": leaf_hash(vault.store.entries(ORIGIN)[answer.seq]).hex(),
                "expected": alarm["expected"],
                "found": "allow",
                "at": alarm["at"],
            }
            values, kinds = parse(metrics)
            labels = (("log", ORIGIN),)
            assert values["holdgate_vault_difference_total", labels] == 1
            assert values["holdgate_vault_reexecuted_total", labels] == answer.seq
            assert values["holdgate_vault_mirrored_total", labels] == vault.store.held(ORIGIN)[0]
            assert values["holdgate_vault_evidence_total", labels] == 0
            assert set(kinds.values()) == {"counter"}

    told(founded(tmp_path), story)


def test_a_vault_without_a_watch_says_that_nothing_is_decided_again(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.open_vault()
        await house.open(HUB)
        await settled(house.shop)
        vault = house.shop.vaults[VAULT]
        figures = {figure.name: figure.samples for figure in await VaultFigures(vault).collect()}
        assert figures["holdgate_vault_reexecuted_total"] == ()
        assert len(figures["holdgate_vault_mirrored_total"]) == 4
        await house.close()

    told(founded(tmp_path), story)


def test_a_watch_whose_store_is_broken_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "watch.db").write_bytes(b"no database at all, and long enough to be looked at" * 40)
    with pytest.raises(Unavailable, match="move it away"):
        SqliteWatch(tmp_path / "watch.db")
