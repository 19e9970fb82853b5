"""One world: a shop of real sites on simulated machines, its people, and what goes wrong. One seed, one world."""

import asyncio
import atexit
import hashlib
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from holdgate.audit.trust import Trust
from holdgate.bootstrap import Premises, read_premises, read_trust
from holdgate.terms.errors import HoldgateError, Tampered
from tests.sim.contracts import govern
from tests.sim.disk import Disk, Faults, Image
from tests.sim.loop import Crashed, Life, SimLoop
from tests.sim.luck import Luck
from tests.sim.machine import Machine
from tests.sim.network import Network
from tests.sim.orders import Crew
from tests.sim.people import found_shop
from tests.sim.threads import repeatable_keys, simulated

FAULTS: Final = (
    "crash",
    "disk",
    "loss",
    "twice",
    "late",
    "partition",
    "clock",
    "set back",
    "slow",
    "close",
    "luck",
)
LASTING: Final = ("crash", "partition", "clock", "set back", "close")
SETTLE_S: Final = 4 * 3600.0


class Violation(AssertionError):
    """Something that must hold did not."""


class Base(NamedTuple):
    """A shop that was founded and governed in a world without faults; the keys of its sites lie in the directory."""

    premises: Premises
    trust: Trust
    images: Mapping[str, Image]


class Ran(NamedTuple):
    """What came of a world. `trace`: a digest of everything that happened, in its order."""

    seed: int
    trace: str
    steps: int
    virtual_s: float
    cpu_s: float
    hits: "Counter[str]"


class World:
    """Machines, people, weather. `swarm`: the kinds of fault that this seed has."""

    def __init__(self, seed: int, premises: Premises, images: Mapping[str, Image], swarm: frozenset[str]) -> None:
        self.seed = seed
        self.swarm = swarm
        self.hits: Counter[str] = Counter()
        self.loop = SimLoop(seed)
        self.rng = random.Random(f"world {seed}")
        self._trace = hashlib.sha256()
        self.luck = Luck(seed, self.hits, lambda: not self.healed)
        self.healed = False
        self.defects: list[str] = []
        self.void: set[str] = set()
        self.vault_latest: dict[int, int] = {}
        self.network = Network(self.loop, random.Random(f"network {seed}"), self.hits, self._defect)
        self.machines: dict[str, Machine] = {}
        disks = random.Random(f"disks {seed}")
        self.faults = Faults(disks, self.hits)
        order = {"vault": 0, "business_hub": 1, "floor_hub": 2, "node": 3}
        for seat in sorted(premises.charter.sites, key=lambda s: (order[s.kind], s.id)):
            image = images.get(seat.id)
            disk = Disk(self.faults, None if image is None else image.copied())
            self.machines[seat.id] = Machine(seat, premises, self.loop, self.network, disk, self)
            self.machines[seat.id].restart_s = self._restart_s
        self._watch_windows()
        self.folk = Crew(self.loop, self.network, self.machines, random.Random(f"people {seed}"), self.hits)
        self.loop.set_exception_handler(self._unhandled)
        self.crash_chance = 0.0
        self.loop.before = self._before

    # ---- what is told --------------------------------------------------------------------------------------------------

    def happened(self, what: str, *more: object) -> None:
        """Something happened."""
        self.hits[what] += 1
        self._trace.update(repr((round(self.loop.time(), 6), what, *more)).encode())

    def _defect(self, site: str, error: Exception) -> None:
        self.defects.append(f"{site} raised {error!r}")

    def _unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        if isinstance(error, Crashed):
            return
        if isinstance(error, HoldgateError) and "never retrieved" in str(context.get("message")):
            return  # whoever waited for it was on a machine that ended
        self.defects.append(f"nobody handled {context.get('message')}: {error!r}")

    def refused(self, machine: Machine, error: HoldgateError) -> None:
        """A site stopped because of its own log, or of its disk."""
        self.happened("stopped", machine.id, type(error).__name__)
        if isinstance(error, Tampered):
            if machine.whole is None:
                self.defects.append(f"{machine.id} says of its own sound log: {error}")
            else:
                self.happened("set back, and caught", machine.id)
            machine.restore()
        else:
            machine.crash()

    def hollow(self, life: str) -> None:
        """A life began on a disk that was set back: what it acknowledges is not the shop's word."""
        self.void.add(life)

    # ---- faults --------------------------------------------------------------------------------------------------------

    def _restart_s(self) -> float:
        return 1.0 if self.healed else self.rng.choice((0.5, 5.0, 30.0, 200.0))

    def _before(self, life: Life) -> None:
        if self.crash_chance and self.rng.random() < self.crash_chance:
            self.machines[life.name.split("#")[0]].crash()

    def slow(self, life: Life) -> float:
        """How long a thread is held up."""
        if "slow" in self.swarm and not self.healed and self.rng.random() < 0.05:
            self.hits["slow thread"] += 1
            return self.rng.random() * 20
        return 0.0

    def _watch_windows(self) -> None:
        """At each sync of the business hub: what the Vault's clock has shown at most."""
        hub = next(m for m in self.machines.values() if m.seat.kind == "business_hub")
        vault = next(m for m in self.machines.values() if m.seat.kind == "vault")

        def synced() -> None:
            self.vault_latest.setdefault(hub.disk.base.head.size, vault.clock.latest)

        hub.disk.at_sync = synced

    def begin_faults(self) -> None:
        """From now on things go wrong."""
        on, rng, weather = self.swarm, self.rng, self.network.weather
        weather.loss = rng.choice((0.01, 0.05)) if "loss" in on else 0.0
        weather.twice = 0.05 if "twice" in on else 0.0
        weather.late = 0.05 if "late" in on else 0.0
        self.crash_chance = rng.choice((0.0003, 0.001)) if "crash" in on else 0.0
        self.faults.crash = 0.01 if "crash" in on else 0.0
        self.faults.fail = 0.01 if "disk" in on else 0.0

    def heal(self) -> None:
        """From now on nothing goes wrong any more."""
        self.healed = True
        weather = self.network.weather
        weather.loss = weather.twice = weather.late = 0.0
        self.crash_chance = self.faults.crash = self.faults.fail = 0.0
        for machine in self.machines.values():
            machine.clock.off = 0
            if machine.life is None:
                machine.boot()
        self.network.mend_all()

    async def nemesis(self) -> None:
        """Faults that last."""
        names, kinds = list(self.machines), [kind for kind in LASTING if kind in self.swarm]
        while kinds:  # until it is cancelled
            await asyncio.sleep(self.rng.random() * 60)
            kind, machine = self.rng.choice(kinds), self.machines[self.rng.choice(names)]
            if kind == "partition":
                self._partition(names)
            elif kind == "clock":
                machine.clock.off += self.rng.choice((-90, -20, 20, 90, 600)) * 1_000_000
                self.happened("clock jump", machine.id)
            elif kind == "set back" and machine.seat.kind != "vault":
                if machine.whole is None and not machine.set_back():
                    machine.back_up()
            elif kind == "close":
                machine.shut_down()
            elif kind == "crash":
                machine.crash()

    def _partition(self, names: list[str]) -> None:
        one, other = self.rng.sample(names, 2)
        self.network.cut(one, other)
        self.happened("partition", one, other)
        self.loop.call_later(self.rng.choice((5.0, 60.0, 400.0)), self.network.mend, one, other)

    async def operator(self) -> None:
        """Restarts a site that says that it has to be opened anew."""
        while True:
            await asyncio.sleep(7)
            for machine in self.machines.values():
                fault = machine.fault
                if fault is not None:
                    self.refused(machine, fault)

    # ---- the run -------------------------------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Wait until everybody has told everybody everything.

        Raises:
            Violation: that never comes.
        """
        calm, waited = 0, 0.0
        while calm < 3:
            await asyncio.sleep(5)
            waited += 5
            calm = calm + 1 if self._calm() else 0
            if self.defects:
                raise Violation("; ".join(self.defects[:5]))
            if waited > SETTLE_S:
                raise Violation(f"the shop never comes to rest: {self._restless()}")

    def _calm(self) -> bool:
        return not self._restless()

    def _restless(self) -> list[str]:
        found = []
        for machine in self.machines.values():
            site = machine.site
            if machine.seat.kind == "vault":
                continue
            if site is None or not machine.up:
                found.append(f"{machine.id} is off")
            elif not site.idle or site.spine.fault is not None:
                found.append(f"{machine.id} is at work, or stopped: {site.spine.fault}")
            elif behind := {peer: link.backlog for peer, link in site.links.items() if link.backlog}:
                faults = {peer: str(site.links[peer].fault) for peer in behind}
                found.append(f"{machine.id} has not told everything: {behind} {faults}")
        return found

    def run(self, story: Callable[["World"], Awaitable[None]]) -> Ran:
        """Live through a story."""
        began = time.process_time()

        async def main() -> None:
            for machine in self.machines.values():
                machine.boot()
            watching = [self.loop.create_task(self.operator())]
            try:
                await story(self)
            finally:
                for task in watching:
                    task.cancel()

        try:
            with simulated(self.slow, self.luck if "luck" in self.swarm else None):
                try:
                    self.loop.run_until_complete(main())
                finally:
                    ended, steps = self.trace(), self.loop.steps
                    self.loop.close()
        finally:
            virtual = self.loop.time()
        if self.defects:
            raise Violation("; ".join(self.defects[:5]))
        return Ran(self.seed, ended, steps, virtual, time.process_time() - began, self.hits)

    def trace(self) -> str:
        """A digest of everything that happened so far, of every counter, and of every leaf of every log."""
        trace = self._trace.copy()
        for name, machine in self.machines.items():
            disk = machine.disk.base
            leaves = [kept.row.leaf.hex() for kept in disk.rows]
            trace.update(repr((name, leaves, sorted(disk.mirrors), sorted(disk.cosigned.items()))).encode())
        trace.update(repr((sorted(self.hits.items()), round(self.loop.time(), 6), self.loop.steps)).encode())
        return trace.hexdigest()


@cache
def base() -> Base:
    """The shop that every world begins with; made once per process, the same one every time."""
    directory = Path(tempfile.mkdtemp(prefix="holdgate-sim-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    with repeatable_keys():
        found_shop(directory / "shop")
    premises = read_premises(directory / "shop")
    world = World(0, premises, {}, frozenset())

    async def story(world: World) -> None:
        await asyncio.sleep(30)
        await govern(world.folk)
        await world.settle()
        for machine in world.machines.values():
            machine.shut_down()  # with a snapshot: every world begins at it

    world.run(story)
    images = {name: machine.disk.base for name, machine in world.machines.items()}
    return Base(premises, read_trust(directory / "shop" / "trust.json"), images)


def drawn_swarm(seed: int) -> frozenset[str]:
    """Which faults a seed has: each with an even chance."""
    rng = random.Random(f"swarm {seed}")
    return frozenset(fault for fault in FAULTS if rng.random() < 0.5)
