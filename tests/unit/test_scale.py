"""What must not grow with the number of orders, nodes and entries; and what is proved beforehand counts for no more than it is."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace
from typing_extensions import override

pytest.importorskip("cel_expr_python", reason="the certifier's extra (cel-expr-python) is not installed")
from holdgate.bench.day import Size, _open
from holdgate.bench.load import CONTRACT, FIRST, NODE, LogicalClock, bench_world, open_shop
from holdgate.bench.match import Gate, gates
from holdgate.cli.app import main
from holdgate.crypto.keys import SigningKey
from holdgate.engine import opening
from holdgate.engine.proving import prove_in_threads
from holdgate.engine.reading import LogReader, Read
from holdgate.engine.workers import Workers
from holdgate.founding import found
from holdgate.law import command as c
from holdgate.law.segments import NOTHING_PROVED, Proved, Segment, prove
from holdgate.law.state import StagedSlip
from holdgate.ledger.entry import encode_entry, read_entry
from holdgate.scenario.opening import Opening
from holdgate.terms.errors import Malformed, Tampered
from tests.builders import HUB, Log, encoded, hub_log, key_of, node_log
from tests.unit.test_recalls import resigned

# ---- the gate ------------------------------------------------------------------------------------------------------


class Looked(dict[str, StagedSlip]):
    """Slips that count how often one is looked at."""

    def __init__(self, given: dict[str, StagedSlip]) -> None:
        super().__init__(given)
        self.looks = 0

    @override
    def get(self, key: str, default: Any = None) -> Any:
        self.looks += 1
        return super().get(key, default)

    @override
    def __getitem__(self, key: str) -> StagedSlip:
        self.looks += 1
        return super().__getitem__(key)

    @override
    def values(self) -> Any:
        self.looks += len(self)
        return super().values()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[Gate]:
    shop, desk, _ = asyncio.run(open_shop(tmp_path_factory.mktemp("gate") / "shop", 1))
    shop.close()
    return gates(shop, desk, (100, 3_000))


@pytest.mark.parametrize("named", [True, False])
def test_a_scan_looks_at_as_few_orders_whether_a_hundred_wait_or_thousands(both: list[Gate], named: bool) -> None:
    looks = []
    for gate in both:
        gate.state.slips = counted = Looked(gate.state.slips)
        gate.round(named=named)
        looks.append(counted.looks)
    assert looks[0] == looks[1] > 0


def test_parts_that_two_orders_wait_for_are_ambiguous_until_one_of_them_is_gone(both: list[Gate]) -> None:
    gate = both[0]
    scan = gate.scans[False][1]
    twin = replace(gate.staged(50), serials=scan.serials, order="PO-TWIN")
    gate.fold(twin)
    refused = gate.ask(scan)
    assert refused.codes == ("AMBIGUOUS_ARRIVAL",)
    assert refused.denials[0].values["orders"] == ("PO-000001", "PO-TWIN"), "as they came to the gate"
    for event in gate.ask(replace(scan, order="PO-TWIN")).events:
        gate.fold(event)
    gate.state.readers.clear()
    assert gate.decide(scan).allowed, "the other one is alone now"


def test_a_snapshot_of_another_form_is_left_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        shop, _, _ = await open_shop(tmp_path / "shop", 1)
        node = shop.sites.pop(NODE)
        size = node.spine.size
        monkeypatch.setattr(opening, "FORM", opening.FORM - 1)
        node.stop()
        monkeypatch.undo()
        again = await shop.open_site(NODE)
        assert again.tail == size, "everything is done again"
        again.stop()
        assert (await shop.open_site(NODE)).tail < size, "and saved in the form of this version"
        shop.close()

    asyncio.run(story())


# ---- proved beforehand ---------------------------------------------------------------------------------------------


def worked() -> tuple[Log, Segment]:
    """A hub, and what a node did meanwhile."""
    shop, log = both_logs()
    return shop, log.segment()


def both_logs() -> tuple[Log, Log]:
    shop = hub_log()
    log = node_log(shop)
    log.worked()
    shop.now = log.now
    return shop, log


def proved(shop: Log, segment: Segment) -> dict[int, Proved]:
    workers = Workers(2, "prover")
    try:
        return dict(asyncio.run(prove_in_threads(segment, shop.state.identities, workers)))
    finally:
        workers.close()


def test_what_was_proved_in_threads_makes_the_same_entry() -> None:
    (shop, whole), (alone, same) = worked(), worked()
    found = proved(shop, whole)
    assert sorted(found) == sorted(whole.entries)
    made, again = shop.chronicle.take_in(whole, shop.now, found), alone.chronicle.take_in(same, alone.now)
    assert (made.body, made.blobs) == (again.body, again.blobs)
    assert encoded(shop.state) == encoded(alone.state)


def test_a_false_signature_is_not_proved_and_is_refused_with_its_place() -> None:
    """The node's own key signs the log, so that nothing but the person's signature is false."""
    shop, log = both_logs()
    whole = log.segment()
    index = next(i for i, body in whole.entries.items() if b'"sig":"' in body and b'"kind":"action"' in body)
    entry = read_entry(whole.entries[index])
    envelope = json.loads(bytes(entry.action))
    envelope["signatures"][0]["sig"] = base64.b64encode(bytes(64)).decode()
    forged = encode_entry(
        replace(entry, action=Raw(json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode()))
    )
    segment = resigned(log, [forged if i == index else body for i, body in whole.entries.items()], 0)
    segment = replace(segment, blobs=whole.blobs)
    found = proved(shop, segment)
    assert sorted(found) == sorted(set(segment.entries) - {index})
    before = encoded(shop.state)
    with pytest.raises(Tampered, match=f"entry {index}: the signature"):
        shop.chronicle.take_in(segment, shop.now, found)
    assert encoded(shop.state) == before
    assert shop.chronicle.take_in(whole, shop.now, proved(shop, whole)).decision.allowed


def test_a_proof_of_other_bytes_counts_for_nothing() -> None:
    shop, whole = worked()
    found = proved(shop, whole)
    swapped = {index: found[other] for index, other in zip(sorted(found), sorted(found, reverse=True), strict=True)}
    fresh = worked()[0]
    assert shop.chronicle.take_in(whole, shop.now, swapped).body == fresh.chronicle.take_in(whole, fresh.now).body


def test_a_proof_under_keys_that_do_not_count_any_more_counts_for_nothing() -> None:
    shop, whole = worked()
    found = proved(shop, whole)
    for name, identity in list(shop.state.identities.items()):
        shop.state.identities[name] = replace(identity, key=key_of(f"another {name}").public)
    with pytest.raises(Tampered, match="signature"):
        shop.chronicle.take_in(whole, shop.now, found)


def test_one_who_is_enrolled_within_the_stretch_is_proved_there() -> None:
    shop = hub_log()
    node = Log("NODE-2", "node").begin()
    node.now = shop.now
    node.heard(HUB)
    whole = shop.segment()
    found = proved(node, whole)
    assert len(found) < len(whole.entries), "who is not known yet is not proved beforehand"
    assert node.chronicle.take_in(whole, node.now, found).decision.allowed


def test_a_defect_while_proving_leaves_it_to_the_taking_in(monkeypatch: pytest.MonkeyPatch) -> None:
    shop, whole = worked()

    def broken(*_: object) -> Proved:
        raise RuntimeError("a defect")

    monkeypatch.setattr("holdgate.engine.proving.read_unproved", broken)
    assert proved(shop, whole) == NOTHING_PROVED
    assert prove(whole.entries[0], shop.state.identities).command is None, "the charter is no act"


# ---- areas, and links that pass over ---------------------------------------------------------------------------------


def test_a_node_hears_of_the_orders_of_its_own_area_only(tmp_path: Path) -> None:
    async def story() -> None:
        day = await _open(tmp_path / "shop", Size(4, 2))
        try:
            await day.round(0)
            orders = {node.id: f"PO-0-{at}" for at, node in enumerate(day.nodes)}
            areas = {seat.id: seat.area for seat in day.shop.charter.sites if seat.kind == "node"}
            assert sorted(areas.values()) == ["A-0", "A-0", "A-1", "A-1"]
            for node in day.nodes:
                near = [orders[other] for other, area in areas.items() if area == areas[node.id]]
                assert sorted(node.chronicle.state.notices) == sorted(near)
                assert orders[node.id] in node.chronicle.state.orders
            start = c.StartJob(
                site=NODE, at=FIRST, nonce=day.desk.nonce(), signers=(c.Signer(id="SID-TEC-1000", role="technician"),),
                order=orders[next(far for far in areas if areas[far] != areas[NODE])], job="J-X", node=NODE,
            )  # fmt: skip
            answer = await day.shop.sites[NODE].submit(day.desk.sign(start))
            assert "PO_NOT_STAGED" in answer.decision.codes, "it is refused all the same"
            await day.shop.settle()
            for site in day.shop.sites.values():
                assert {link.backlog for link in site.links.values()} == {0}
        finally:
            day.shop.close()

    asyncio.run(story())


def test_what_is_nothing_to_a_peer_is_passed_over_unread_and_what_is_comes_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        world, clock = bench_world(1), LogicalClock()
        opened = Opening(tmp_path / "shop", world, FIRST, clock)
        shop = await opened.open()
        clock.instant = FIRST
        try:
            hub, node = shop.of_kind("business_hub"), shop.sites[NODE]
            link, read = hub.links[NODE], list[tuple[int, int]]()
            counting: Any = _Counting(link._log, read)
            link._log = counting
            monkeypatch.setattr("holdgate.engine.replicate.PASSED_MAX", 2)
            before = hub.spine.size
            for _ in range(5):
                await hub.refresh_witness()
            await shop.settle()
            assert hub.spine.size - 2 < hub.means.store.cursor(NODE) <= hub.spine.size
            assert hub.spine.size > before
            assert (link.backlog, read) == (0, []), "cosignatures are nothing to a node"
            await opened.propose(shop, {**world.contracts[0], "version": "4"})
            await shop.settle()
            assert f"{CONTRACT}/4" in node.chronicle.state.versions
            assert read, "now it was read"
        finally:
            shop.close()

    asyncio.run(story())


class _Counting:
    """A log that tells which entries one link reads."""

    def __init__(self, log: LogReader, read: list[tuple[int, int]]) -> None:
        self._log = log
        self._read = read

    def reads(self, start: int, stop: int) -> list[Read]:
        self._read.append((start, stop))
        return self._log.reads(start, stop)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


# ---- founding ------------------------------------------------------------------------------------------------------


def test_more_nodes_than_a_charter_can_name_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    world = bench_world(1)
    opened = Opening(tmp_path / "small", world, FIRST)
    shop = asyncio.run(opened.open())
    shop.close()
    settings = shop.charter.settings
    with pytest.raises(Malformed, match="several shops"):
        found(
            tmp_path / "lab", "LAB", "lab.test", settings, [f"NODE-{n}" for n in range(400)], (), SigningKey.generate()
        )
    assert not (tmp_path / "lab").exists()


@pytest.mark.parametrize(
    ("areas", "words"),
    [
        ("areas: {EAST: [NODE-FPI]}", "do not divide"),
        ("areas: {EAST: [NODE-FPI, NODE-HT], WEST: [NODE-HT]}", "do not divide"),
        ("areas: {EAST: [NODE-FPI, NODE-XX]}", "do not divide"),
        ("areas: {'an area': [NODE-FPI, NODE-HT]}", "an area"),
    ],
)
def test_areas_divide_the_nodes(tmp_path: Path, capsys: pytest.CaptureFixture[str], areas: str, words: str) -> None:
    shop = tmp_path / "shop.yaml"
    assert main(["site", "new", str(shop)]) == 0
    whole = shop.read_text(encoding="utf-8")
    arguments = ["site", "init", str(tmp_path / "lab"), "--shop", str(shop), "--root", str(tmp_path / "root.key")]
    shop.write_text(f"{areas}\n{whole}", encoding="utf-8")
    assert main(arguments) == 2
    assert words in capsys.readouterr().err
    shop.write_text(f"areas: {{EAST: [NODE-FPI], WEST: [NODE-HT]}}\n{whole}", encoding="utf-8")
    assert main(arguments) == 0


# ---- the benches, small ----------------------------------------------------------------------------------------------


def lines(capsys: pytest.CaptureFixture[str], what: str) -> list[dict[str, Any]]:
    assert main(["bench", what, "--quick", "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert found[0]["op"] == "machine"
    assert all(line["op"] == what and line["limit"] for line in found[1:])
    return found[1:]


def test_the_bench_of_the_gate_releases_at_both_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    assert [line["staged"] for line in lines(capsys, "match")] == [100, 2_000]


def test_the_bench_of_a_day_works_every_order(capsys: pytest.CaptureFixture[str]) -> None:
    small, more = lines(capsys, "day")
    assert (small["orders"], more["orders"], more["shops"]) == (2, 4, 2)
    assert (small["acts"], more["acts"]) == (74, 148)
    assert small["notices_order"] == more["notices_order"] == 3


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_the_bench_of_the_address_answers_every_act_and_tells_every_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "http", "--quick", "--json"]) == 0
    machine, served, streamed = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert machine["op"] == "machine"
    assert (served["clients"], served["actions"]) == (16, 528)
    assert 0 < served["p50_ms"] <= served["p99_ms"]
    assert served["cpu_us"] > 0 < served["client_cpu_us"]
    assert (streamed["clients"], streamed["events"]) == (20, 200)
    assert 0 < streamed["p50_ms"] <= streamed["worst_ms"]


def test_a_site_is_not_measured_in_small(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--quick"]) == 2
    assert "--jobs" in capsys.readouterr().err
