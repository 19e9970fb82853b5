"""Hubs that two machines keep, as real processes on a real broker: whoever is killed or halted, the shop goes on."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdgate.adapters.sqlite_mirror import SqliteMirror
from holdgate.bench.load import NODE
from holdgate.bootstrap import read_premises
from holdgate.law import event as ev
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import read_entry
from holdgate.scenario.run import audit_shop
from tests.broker import needed
from tests.conformance.test_processes import begin, jobs_done, order, work_of
from tests.played import bodies
from tests.processes import Processes

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(400)]

ORDERS = 5


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Processes]:
    needed()
    processes = Processes(tmp_path / "shop", pairs=("FLOOR", "HUB"))
    try:
        yield processes
    finally:
        processes.abandon()


def test_whichever_hub_dies_the_other_host_goes_on_and_nothing_is_released_twice(shop: Processes) -> None:
    shop.start_all()
    work = work_of(shop)
    for number in range(ORDERS):
        if number in (1, 2):  # its machine is gone for a while; it comes back after the next order
            site = "FLOOR" if number == 1 else "HUB"
            shop.wait_counts(site)
            victim = shop.writer(site)
            assert victim is not None
            shop.kill(victim)
            begin(shop, work, order(shop, number))
            shop.start(victim)
        elif number == 3:  # it sleeps, and wakes as one who thinks that he still writes
            shop.wait_counts("FLOOR")
            asleep = shop.writer("FLOOR")
            assert asleep is not None
            os.kill(shop.running[asleep].pid, signal.SIGSTOP)
            other = next(name for name in shop.processes_of("FLOOR") if name != asleep)
            shop.wait_writes(other)
            os.kill(shop.running[asleep].pid, signal.SIGCONT)
            begin(shop, work, order(shop, number))
        else:
            begin(shop, work, order(shop, number))
    shop.settle()
    assert set(shop.stop_all().values()) == {0}
    logs = {site: [bodies(shop.place(name), site) for name in shop.processes_of(site)] for site in ("FLOOR", "HUB")}
    mirror = SqliteMirror(shop.directory / "VAULT" / "mirror.db", read_only=True)
    for site, (first, second) in logs.items():
        copies = [first, second, mirror.entries(read_premises(shop.directory).seat(site).origin)]
        for at, seq, raw in shop.acknowledged:
            if at == site:
                holding = [copy for copy in copies if len(copy) > seq]
                assert len(holding) >= 2, "acknowledged is on two machines"
                assert all(bytes(read_entry(copy[seq]).action) == raw for copy in holding)
    mirror.close()
    once = Counter((at, seq) for at, seq, _ in shop.acknowledged)
    assert max(once.values()) == 1
    longest = max(logs["FLOOR"], key=len)
    released = Counter(
        (event.order, serial)
        for body in longest
        for event in decision_of(read_entry(body)).events
        if isinstance(event, ev.OrderReleased)
        for serial in event.serials
    )
    assert len(released) == ORDERS * 4
    assert set(released.values()) == {1}, "released exactly once"
    assert jobs_done(bodies(shop.directory, NODE)) == ORDERS
    for place in {shop.place(name) for site in shop.pairs for name in shop.processes_of(site)}:
        assert [finding for report in audit_shop(place) for finding in report.findings] == []
