"""What goes wrong in a world, and when: the weather, the disks, and a nemesis that does one lasting thing after another."""

import asyncio
import random
from typing import TYPE_CHECKING, Final

from holdgate.law.event import Imported
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import read_entry
from tests.sim.machine import Machine

if TYPE_CHECKING:
    from tests.sim.world import World

FAULTS: Final = (
    "crash",
    "disk",
    "loss",
    "twice",
    "late",
    "partition",
    "clock",
    "set back",
    "fork",
    "vault back",
    "lies",
    "slow",
    "close",
    "luck",
    "theft",
    "races",
    "site key",
)
"""Every kind of fault."""
LASTING: Final = ("crash", "partition", "clock", "set back", "fork", "vault back", "close")
OFTEN: Final = ("luck", "theft", "races", "site key")
"""Faults that are many in one; a world without them shows little."""


def drawn_swarm(seed: int) -> frozenset[str]:
    """Which faults a seed has: each with an even chance; of many kinds, more often."""
    rng = random.Random(f"swarm {seed}")
    return frozenset(fault for fault in FAULTS if rng.random() < (0.7 if fault in OFTEN else 0.5))


def _taken(machine: Machine, origin: str) -> int:
    """How much of another log a site has durably taken in."""
    for kept in reversed(machine.disk.base.rows):
        for event in decision_of(read_entry(kept.row.body)).events:
            if isinstance(event, Imported) and event.origin == origin:
                return event.size
    return 0


class Trouble:
    """Everything that goes wrong in one world by itself. `healed`: from then on nothing does."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.on = world.swarm
        self.healed = False
        self.crash_chance = 0.0
        self._lies = 0.0
        self._rng = world.rng
        self._vault_backup = (0.0, None)

    @property
    def _vault(self) -> Machine:
        return next(m for m in self.world.machines.values() if m.seat.kind == "vault")

    # ---- what is drawn at every step -----------------------------------------------------------------------------------

    def restart_s(self) -> float:
        """How long a machine stays off."""
        return 1.0 if self.healed else self._rng.choice((0.5, 5.0, 30.0, 200.0))

    def lies(self) -> bool:
        """Whether the Vault lies now."""
        return bool(self._lies) and self._rng.random() < self._lies

    def delay(self) -> float:
        """How long a thread is held up now: before its job, or between its sync and anybody's hearing of it."""
        if "slow" in self.on and not self.healed and self._rng.random() < 0.05:
            return self._rng.random() * 20
        return 0.0

    # ---- from when to when ---------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """From now on things go wrong."""
        on, rng, weather = self.on, self._rng, self.world.network.weather
        weather.loss = rng.choice((0.01, 0.05)) if "loss" in on else 0.0
        weather.twice = 0.05 if "twice" in on else 0.0
        weather.late = 0.05 if "late" in on else 0.0
        self.crash_chance = rng.choice((0.0003, 0.001)) if "crash" in on else 0.0
        self._lies = rng.choice((0.02, 0.2)) if "lies" in on else 0.0
        self.world.faults.crash = 0.01 if "crash" in on else 0.0
        self.world.faults.fail = 0.01 if "disk" in on else 0.0

    def heal(self) -> None:
        """From now on nothing goes wrong any more. Where the Vault lied or was set back, the operator opens every site anew."""
        self.healed = True
        world, weather = self.world, self.world.network.weather
        weather.loss = weather.twice = weather.late = 0.0
        self.crash_chance = self._lies = world.faults.crash = world.faults.fail = 0.0
        for machine in world.machines.values():
            machine.clock.off = 0
            if machine.life is None:
                machine.boot()
            elif self.on & {"lies", "vault back"}:
                machine.shut_down()
        world.network.mend_all()

    async def nemesis(self) -> None:
        """Faults that last."""
        names, kinds = list(self.world.machines), [kind for kind in LASTING if kind in self.on]
        while kinds:  # until it is cancelled
            await asyncio.sleep(self._rng.random() * 60)
            self._happen(self._rng.choice(kinds), self.world.machines[self._rng.choice(names)])

    def _happen(self, kind: str, machine: Machine) -> None:
        if kind == "partition":
            self._partition()
        elif kind == "clock":
            machine.clock.off += self._rng.choice((-90, -20, 20, 90, 600)) * 1_000_000
            self.world.happened("clock jump", machine.id)
        elif kind == "vault back":
            self._vault_back()
        elif kind in ("set back", "fork"):
            self._set_back(machine, apart=kind == "fork")
        elif kind == "close":
            machine.shut_down()
        elif kind == "crash":
            machine.crash()

    def _partition(self) -> None:
        one, other = self._rng.sample(list(self.world.machines), 2)
        self._apart(one, other, self._rng.choice((5.0, 60.0, 400.0)))
        self.world.happened("partition", one, other)

    def _apart(self, one: str, other: str, seconds: float) -> None:
        network = self.world.network
        network.cut(one, other)
        self.world.loop.call_later(seconds, network.mend, one, other)

    def _set_back(self, machine: Machine, *, apart: bool) -> None:
        """A site's disk becomes a backup of it; `apart`: alone, so that it goes on and its log forks before anybody sees it."""
        if machine.seat.kind == "vault" or machine.whole is not None:
            return
        if not machine.set_back(self._held(machine)):
            machine.back_up()
        elif apart:
            seconds = self._rng.choice((30.0, 120.0))
            for other in self.world.machines:
                if other != machine.id:
                    self._apart(machine.id, other, seconds)
            self.world.happened("fork", machine.id)

    def _held(self, machine: Machine) -> int:
        """How much of a site's log everybody holds who takes it; 0 where one of them does not know now."""
        origin, site = machine.seat.origin, machine.site
        held = len(self._vault.disk.base.mirrors.get(origin, ()))
        for peer, link in () if site is None else site.links.items():
            other = self.world.machines[peer]
            if other.seat.kind != "vault" and link._policy.segments:
                held = min(held, 0 if other.whole is not None else _taken(other, origin))
        return 0 if site is None else held

    def _vault_back(self) -> None:
        """The Vault's disk becomes a backup of it. Not while a site's is one: then nobody would be left who knows."""
        vault = self._vault
        if any(machine.whole is not None for machine in self.world.machines.values()):
            return
        if vault.backup is None or vault.life is None or self._rng.random() < 0.3:
            vault.back_up()
            return
        lost = sum(map(len, vault.disk.base.mirrors.values())) - sum(map(len, vault.backup.mirrors.values()))
        if lost <= 0:
            return
        self.world.happened("vault set back", lost)
        vault.replace_disk(vault.backup.copied())
