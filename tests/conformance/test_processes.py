"""A shop of real processes: whatever is killed, what was acknowledged is on record, once, and every ledger holds."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdgate.adapters.sqlite_mirror import SqliteMirror
from holdgate.backup import rebuild_from_vault
from holdgate.bench.load import CONTRACT, NODE, Place, Work, order_acts, scan_of
from holdgate.bootstrap import read_premises
from holdgate.cli.standing import open_standing
from holdgate.law import event as ev
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import read_entry
from holdgate.scenario.run import audit_shop
from holdgate.terms.errors import Unavailable
from tests.broker import needed
from tests.played import bodies
from tests.processes import BROKER, Processes

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(400)]

ORDERS = 6
DIES_AT = {1: "FLOOR", 2: BROKER, 3: "HUB", 4: NODE, 5: "VAULT"}
"""Before which order somebody is killed; they come up again after its acts were begun."""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Processes]:
    needed()
    processes = Processes(tmp_path / "shop")
    try:
        yield processes
    finally:
        processes.abandon()


def work_of(shop: Processes) -> Work:
    with open_standing(shop.directory, NODE) as standing:
        sha256 = standing.state.contracts[standing.state.in_force[CONTRACT]].sha256
        template = standing.library.template(sha256)
        assert template is not None
        technique = standing.library.technique(template.process)
        assert technique is not None
        return Work(shop.desk, technique, sha256)


def order(shop: Processes, number: int) -> Place:
    """Accepted, staged and scanned in; whoever does not answer is asked again."""
    name, serials = f"PO-{number:03d}", tuple(f"{number}-{i}" for i in range(4))
    for command in order_acts(shop.desk, name, serials):
        answer = shop.post("HUB", shop.desk.sign(command))
        assert answer["verdict"] == "allow", answer
    until = time.monotonic() + 40
    for seq in range(100):
        scan = shop.post("FLOOR", shop.desk.sign(scan_of(shop.desk, name, serials, number * 1000 + seq + 1)))
        if scan["verdict"] == "allow":
            break
        assert {refusal["code"] for refusal in scan["refusals"]} == {"PO_NOT_STAGED"}, scan
        assert time.monotonic() < until, scan
        time.sleep(0.2)  # the slip is on its way
    return Place("SID-TEC-1000", name, f"J-{number}", serials)


def begin(shop: Processes, work: Work, place: Place) -> None:
    """The whole job, as soon as the order has come to the node."""
    first, *rest = work.acts(place)
    until = time.monotonic() + 40
    while (answer := shop.post(NODE, shop.desk.sign(first)))["verdict"] != "allow":
        assert time.monotonic() < until, (answer, shop.told(NODE))
        time.sleep(0.2)
        first = next(iter(work.acts(place)))  # the same wish anew
    for command in rest:
        answer = shop.post(NODE, shop.desk.sign(command))
        assert answer["verdict"] == "allow", answer


def test_kill_minus_nine_of_each_process_in_turn_loses_nothing_and_releases_once(shop: Processes) -> None:
    shop.start_all()
    work = work_of(shop)
    for number in range(ORDERS):
        victim = DIES_AT.get(number)
        if victim is not None:
            shop.kill(victim)
            shop.start(victim)  # whoever comes meanwhile is not answered, and asks again
        begin(shop, work, order(shop, number))
    shop.settle()
    assert set(shop.stop_all().values()) == {0}
    reports = audit_shop(shop.directory)
    assert [finding for report in reports for finding in report.findings] == []
    assert len(reports) == 3
    on_record = {site: bodies(shop.directory, site) for site in ("HUB", "FLOOR", NODE)}
    for site, seq, raw in shop.acknowledged:
        assert bytes(read_entry(on_record[site][seq]).action) == raw, "acknowledged is recorded"
    once = Counter((site, seq) for site, seq, _ in shop.acknowledged)
    assert max(once.values()) == 1, "one act, one entry"
    released = Counter(
        (event.order, serial)
        for body in on_record["FLOOR"]
        for event in decision_of(read_entry(body)).events
        if isinstance(event, ev.OrderReleased)
        for serial in event.serials
    )
    assert len(released) == ORDERS * 4
    assert set(released.values()) == {1}, "released exactly once"
    assert jobs_done(on_record[NODE]) == ORDERS
    mirror = SqliteMirror(shop.directory / "VAULT" / "mirror.db", read_only=True)
    for seat in read_premises(shop.directory).charter.sites:
        if seat.kind != "vault":
            assert mirror.entries(seat.origin) == on_record[seat.id], "the Vault's copy is the log"
    mirror.close()


def test_what_was_answered_as_replicated_survives_the_loss_of_its_sites_disk(shop: Processes) -> None:
    shop.start_all()
    place = order(shop, 0)
    start = next(iter(work_of(shop).acts(place)))
    until = time.monotonic() + 40
    while (answer := shop.post(NODE, shop.desk.sign(start), kept="replicated"))["verdict"] != "allow":
        assert time.monotonic() < until, answer
        time.sleep(0.2)
        start = next(iter(work_of(shop).acts(place)))
    assert answer["kept"] == "replicated"
    shop.kill(NODE)
    for path in (shop.directory / NODE).glob("ledger.*"):
        path.unlink()
    rebuilt(shop, NODE)
    shop.start(NODE)
    shop.wait(NODE)
    shop.settle()
    shop.stop_all()
    assert [finding for report in audit_shop(shop.directory) for finding in report.findings] == []
    log = bodies(shop.directory, NODE)
    site, seq, raw = shop.acknowledged[-1]
    assert (site, bytes(read_entry(log[seq]).action)) == (NODE, raw)


def rebuilt(shop: Processes, site: str) -> None:
    """Its store made anew; what its imports rest on may still be on its way from the other sites to the Vault."""
    until = time.monotonic() + 40
    while True:
        try:
            rebuild_from_vault(shop.directory, site, shop.directory / "VAULT" / "mirror.db")
        except Unavailable:
            assert time.monotonic() < until
            time.sleep(0.2)
        else:
            return


def jobs_done(bodies: list[bytes]) -> int:
    signed = Counter(
        event.job
        for body in bodies
        for event in decision_of(read_entry(body)).events
        if isinstance(event, ev.StepSigned) and event.complete
    )
    return len(signed)
