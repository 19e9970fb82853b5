"""One shop on fourteen machines, worked while everything that can fail fails. Prints what came of it as one table.

    python -m tests.soak.many_machines --orders 200 --seed 1 --out result.json

Each machine is a network namespace: three brokers (JetStream, R3), two hosts of each hub, three nodes, the Vault, an outside
witness, two readers over MQTT. Workers hand in orders from the office, have their parts scanned, and work their jobs; meanwhile one
fault after another is made, as the seed says. Afterwards everything is healed, every record audited, and all copies compared.
With --minutes orders are handed in for that long (--orders is then the most there can be).
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from holdgate.adapters.sqlite_mirror import SqliteMirror
from holdgate.bootstrap import read_premises
from holdgate.law import event as ev
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import read_entry
from holdgate.scenario.run import audit_shop
from tests.played import bodies
from tests.scores import record
from tests.soak.machines import BROKERS, NODES, READERS, VAULT, WITNESS, Held, Machines
from tests.soak.work import Shift

CALM_S: Final = 12.0
"""Between one fault and the next, at the most: the shop is at work all the time."""
PAIRS: Final = ("FLOOR", "HUB")


class Nemesis(threading.Thread):
    """Makes one fault after another until it is told to end; each is healed before the next one comes."""

    def __init__(self, machines: Machines, seed: int) -> None:
        super().__init__(daemon=True)
        self.machines = machines
        self.done: Counter[str] = Counter()
        self.ending = threading.Event()
        self.error: BaseException | None = None
        self._chance = random.Random(seed)

    @override
    def run(self) -> None:
        faults = [self.kill, self.cut, self.halt, self.jump]
        kinds = self._kinds()
        try:
            while not self.ending.wait(self._chance.uniform(2.0, CALM_S)):
                fault = self._chance.choices(faults, weights=[5, 3, 1, 1])[0]
                if not kinds:
                    kinds = self._kinds()
                fault(kinds.pop())
        except BaseException as error:  # noqa: BLE001  # the story asks for it
            self.error = error

    def _kinds(self) -> list[str]:
        """Everybody once, in another order each time."""
        kinds = ["broker", "broker", "HUB writer", "HUB standby", "FLOOR writer", "FLOOR standby", VAULT, WITNESS]
        kinds += [*NODES, *READERS]
        self._chance.shuffle(kinds)
        return kinds

    def _who(self, kind: str) -> str:
        if kind == "broker":
            return self._chance.choice(BROKERS)
        site, _, role = kind.partition(" ")
        if not role:
            return kind
        writer = self.machines.writer(site) or f"{site}.a"
        return writer if role == "writer" else self.machines.other(writer)

    def _away_s(self) -> float:
        return self._chance.choice((0.0, 0.0, 3.0, 9.0))

    def kill(self, kind: str) -> None:
        who = self._who(kind)
        self.done[f"kill -9, {self._plain(kind)}"] += 1
        self.machines.kill(who)
        time.sleep(self._away_s())
        self.machines.start(who)

    def cut(self, kind: str) -> None:
        who = self._who(kind)
        self.done[f"network cut, {self._plain(kind)}"] += 1
        self.machines.net.cut(who)
        time.sleep(3.0 + self._away_s())
        self.machines.net.mend(who)

    def halt(self, kind: str) -> None:
        """The machine stands still for a while, and wakes as one who knows nothing of it."""
        who = self._who(kind)
        self.done[f"halted, {self._plain(kind)}"] += 1
        self.machines.halt(who, 2.0 + self._away_s())

    def jump(self, kind: str) -> None:
        who = self._who(kind)
        if who in BROKERS or who in READERS or who == WITNESS:
            return self.kill(kind)
        by = self._chance.choice((-3600, -45, 50, 7200))
        self.done[f"clock jumps, {self._plain(kind)}"] += 1
        self.machines.set_clock(who, by)
        time.sleep(4.0)
        self.machines.set_clock(who, 0)
        return None

    @staticmethod
    def _plain(kind: str) -> str:
        return "node" if kind in NODES else "reader" if kind in READERS else kind


def events_of(log: list[bytes], kind: type) -> list[Any]:
    """What became true, in a log."""
    return [event for body in log for event in decision_of(read_entry(body)).events if isinstance(event, kind)]


def examine(machines: Machines, shift: Shift) -> dict[str, Any]:
    """Every figure of the end; all of them read off the disks."""
    premises = read_premises(machines.base)
    with closing(SqliteMirror(machines.place(VAULT) / VAULT / "mirror.db", read_only=True)) as mirror:
        mirrors = {site: mirror.entries(premises.seat(site).origin) for site in (*PAIRS, *NODES)}
    copies = {
        site: [bodies(machines.place(name), site) for name in machines.processes_of(site)] for site in (*PAIRS, *NODES)
    }
    logs = {site: max(found, key=len) for site, found in copies.items()}
    lost, twice = 0, Counter((at, seq) for at, seq, _ in shift.acknowledged)
    for at, seq, raw in shift.acknowledged:
        holding = [log for log in (*copies[at], mirrors[at]) if len(log) > seq]
        right = [bytes(read_entry(log[seq]).action) == raw for log in holding]
        lost += not right or not all(right) or (at in PAIRS and len(right) < 2)
    released = [serial for event in events_of(logs["FLOOR"], ev.OrderReleased) for serial in event.serials]
    arrived = {serial for event in events_of(logs["FLOOR"], ev.ArrivalRecorded) for serial in event.serials}
    findings = [
        f"{place.name}/{report.site}: {finding.what}"
        for place in {machines.place(name) for name in machines.names}
        if (place / "charter.json").is_file()
        for report in audit_shop(place)
        for finding in report.findings
    ]
    return {
        "acts acknowledged": len(shift.acknowledged),
        "acknowledged and not on record": lost,
        "acts on record twice": sum(count > 1 for count in twice.values()),
        "asked again": shift.asked_again,
        "orders": len(shift.finished),
        "orders not finished": shift.unfinished,
        "parts released": len(set(released)),
        "parts released twice": len(released) - len(set(released)),
        "parts released without arrival": len(set(released) - arrived),
        "scans proven to a reader": shift.proven,
        "scans that wait at a reader": sum(machines.waiting(reader) for reader in READERS),
        "entries on record": sum(map(len, logs.values())),
        "findings of the audits": findings,
        "logs of which the Vault's copy is not the log": [site for site in logs if mirrors[site] != logs[site]],
        "hosts whose copy is not the log": [
            name
            for site in PAIRS
            for name, copy in zip(machines.processes_of(site), copies[site], strict=True)
            if copy != logs[site][: len(copy)]
        ],
        "terms": {site: machines.term(site) for site in PAIRS},
        "entries set aside (acknowledged to nobody)": machines.set_aside(PAIRS),
        "evidence at Vault and witness": machines.evidence(),
        "alarms of the Vault's watch": machines.alarms(),
        "entries cosigned outside": machines.cosigned_outside(),
    }


def leaks(at_first: dict[str, Held], at_last: dict[str, Held]) -> dict[str, Any]:
    """What processes hold in the end. Memory grows with the shop's record, open files and threads must not."""
    return {
        "processes whose open files or threads grew": [
            f"{name}: {at_first[name]} -> {now}"
            for name, now in at_last.items()
            if name in at_first
            and (
                now.files > 2 * at_first[name].files + MORE_FILES
                or now.threads > 2 * at_first[name].threads + MORE_THREADS
            )
        ],
        "memory of processes in MB, first and last": {
            name: (at_first[name].megabytes, now.megabytes) for name, now in at_last.items() if name in at_first
        },
    }


MORE_FILES: Final = 32
MORE_THREADS: Final = 16
BAD: Final = (
    "acknowledged and not on record",
    "acts on record twice",
    "orders not finished",
    "parts released twice",
    "parts released without arrival",
    "scans that wait at a reader",
    "findings of the audits",
    "logs of which the Vault's copy is not the log",
    "hosts whose copy is not the log",
    "evidence at Vault and witness",
    "alarms of the Vault's watch",
    "processes whose open files or threads grew",
)
"""What has to be nothing."""


def run(shift_of: Callable[[Machines], Shift], seed: int, place: Path) -> dict[str, Any]:
    """The whole story; the figures."""
    machines = Machines(place)
    try:
        machines.start_all()
        at_first = machines.held()
        shift = shift_of(machines)
        nemesis = Nemesis(machines, seed)
        began = time.monotonic()
        nemesis.start()
        shift.work()
        nemesis.ending.set()
        nemesis.join(120)
        took = time.monotonic() - began
        if nemesis.error is not None:
            raise nemesis.error
        machines.settle()
        machines.rest_of_readers()
        machines.settle()
        at_last = machines.held()
        machines.stop_all()
        found = examine(machines, shift) | leaks(at_first, at_last)
    finally:
        machines.close()
    return {"seed": seed, "seconds": round(took), "faults": dict(sorted(nemesis.done.items())), **found}


def main() -> int:
    """Run it as a command; 1 where something is there that must not be."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--orders", type=int, default=200)
    given.add_argument("--minutes", type=float, help="how long orders are handed in; needs many --orders")
    given.add_argument("--workers", type=int, default=4)
    given.add_argument("--seed", type=int, default=1)
    given.add_argument("--out", type=Path)
    given.add_argument("--keep", type=Path, help="a folder for the machines' disks, which stays")
    said = given.parse_args()
    place = said.keep or Path(tempfile.mkdtemp(prefix="holdgate-soak-"))
    try:
        found = run(lambda machines: Shift(machines, said.orders, said.workers, said.minutes), said.seed, place)
    finally:
        if said.keep is None:
            shutil.rmtree(place, ignore_errors=True)
    for name, value in found.items():
        sys.stdout.write(f"{name:48} {json.dumps(value)}\n")
    if said.out is not None:
        said.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    faults = sum(found["faults"].values())
    record(
        13,
        "many-machines",
        found["seconds"],
        "seconds of real processes under faults",
        sum(bool(found[name]) for name in BAD),
        seconds=found["seconds"],
        command="make soak SOAK_ARGS='" + " ".join(sys.argv[1:]) + "'",
        soak=True,
        note=f"{faults} faults, {len(BAD)} figures that have to be nothing; {found['acts acknowledged']} acts acknowledged",
    )
    return 1 if any(found[name] for name in BAD) else 0


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
