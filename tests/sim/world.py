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
from tests.sim.during import Inspector
from tests.sim.loop import Crashed, Life, SimLoop
from tests.sim.luck import Luck
from tests.sim.machine import Machine
from tests.sim.network import Network
from tests.sim.orders import Crew
from tests.sim.people import found_shop
from tests.sim.threads import repeatable_keys, simulated
from tests.sim.trouble import Trouble

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
        self.premises = premises
        self.hits: Counter[str] = Counter()
        self.loop = SimLoop(seed)
        self.rng = random.Random(f"world {seed}")
        self._trace = hashlib.sha256()
        self.luck = Luck(seed, self.hits, lambda: not self.trouble.healed)
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
        self.trouble = Trouble(self)
        self.folk = Crew(self.loop, self.network, self.machines, random.Random(f"people {seed}"), self.hits)
        self.inspector = Inspector(self)
        self.folk.witness = self.inspector.answered
        self.loop.set_exception_handler(self._unhandled)
        self.loop.before = self._before
        self.loop.slow = self.slow

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
            if self.hits["fork by a stolen key"]:
                self.happened("stopped beside a forged history", machine.id)
            elif machine.whole is None:
                self.defects.append(f"{machine.id} says of its own sound log: {error}")
            else:
                self.happened("set back, and caught", machine.id)
            machine.restore()
        else:
            machine.crash()

    def hollow(self, life: str) -> None:
        """A life began on a disk that was set back: what it acknowledges is not the shop's word."""
        self.void.add(life)

    def synced(self, machine: Machine, size: int) -> None:
        """A log has grown durably: at the business hub, what the Vault's clock has shown at most by then is kept."""
        if machine.seat.kind == "business_hub":
            vault = next(m for m in self.machines.values() if m.seat.kind == "vault")
            self.vault_latest.setdefault(size, vault.latest)

    def lies(self) -> bool:
        """Whether the Vault lies now."""
        return self.trouble.lies()

    # ---- faults --------------------------------------------------------------------------------------------------------

    def _restart_s(self) -> float:
        return self.trouble.restart_s()

    def _before(self, life: Life) -> None:
        chance = self.trouble.crash_chance
        if chance and self.rng.random() < chance:
            self.machines[life.name.split("#")[0]].crash()

    def slow(self, what: str) -> float:
        """How long a thread is held up."""
        delay = self.trouble.delay()
        self.hits[what] += delay > 0
        return delay

    async def operator(self) -> None:
        """Restarts a site that says that it has to be opened anew."""
        while True:
            await asyncio.sleep(7)
            for machine in self.machines.values():
                fault = machine.fault
                if fault is not None:
                    self.refused(machine, fault)
                elif machine.accused and machine.whole is None:
                    self.happened("accused, and opened anew", machine.id)
                    machine.shut_down()

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
