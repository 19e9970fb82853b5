"""A machine: its disk, its clock, and the site (or the Vault) that runs on it, from one crash to the next."""

import random
from collections.abc import Callable
from contextvars import Context
from typing import Final, Protocol

from typing_extensions import override

from holdgate.adapters.host import CountedEntropy
from holdgate.bootstrap import Premises
from holdgate.crypto.hashes import sha256
from holdgate.crypto.keys import SigningKey
from holdgate.engine.keeping import Keeper
from holdgate.engine.ports import Timepiece
from holdgate.engine.steady import SteadyClock
from holdgate.identity.charter import SiteSeat
from holdgate.sites.build import policies_for
from holdgate.sites.site import Site
from holdgate.sites.vault import Vault
from holdgate.terms.errors import HoldgateError, Tampered
from holdgate.terms.instant import SECOND_US
from tests.sim.disk import Disk, Image, SimMirror, SimPromises, SimStore
from tests.sim.liar import Liar
from tests.sim.loop import Crashed, Life, SimLoop
from tests.sim.network import Network, in_life

T0: Final = 1_743_512_400 * SECOND_US
"""When every world begins: 2025-04-01 13:00 UTC."""


class SimClock(Timepiece):
    """Simulated time, and what this machine's clock is off by (µs). A clock that is off has lost its time source."""

    def __init__(self, loop: SimLoop) -> None:
        self._loop = loop
        self.off = 0

    @override
    def now(self) -> int:
        return T0 + self.ticks() + self.off

    @override
    def ticks(self) -> int:
        return int(self._loop.time() * 1e6)

    @override
    def disciplined(self) -> bool:
        return not self.off


class VaultTime(SteadyClock):
    """The time of the Vault in one of its lives; `tell` is told of it whenever the Vault looks."""

    def __init__(self, clock: SimClock, leap_us: int, tell: Callable[[int], None]) -> None:
        super().__init__(clock, leap_us)
        self._tell = tell

    @override
    def now(self) -> int:
        told = super().now()
        self._tell(told)
        return told


class Told(Protocol):
    """What a machine tells its world."""

    def happened(self, what: str, *more: object) -> None:
        """Something happened: it is counted, and part of the trace."""
        ...

    def hollow(self, life: str) -> None:
        """A life began on a disk that was set back."""
        ...

    def lies(self) -> bool:
        """Whether the Vault lies now."""
        ...

    def refused(self, machine: "Machine", error: HoldgateError) -> None:
        """A site did not start, or stopped deciding, because of its own log."""
        ...


class Machine:
    """One site's machine. `at`: how its clock stands. `life`: the present one; None while it is off."""

    def __init__(
        self, seat: SiteSeat, premises: Premises, loop: SimLoop, network: Network, disk: Disk, world: Told
    ) -> None:
        self.seat = seat
        self.id = seat.id
        self.disk = disk
        self.clock = SimClock(loop)
        self.latest = 0  # the latest time that its Vault went by
        self.life: Life | None = None
        self.lives = 0
        self.site: Site | None = None
        self.vault: Vault | None = None
        self.backup: Image | None = None
        self.whole: Image | None = None  # the disk before it was set back
        self.restart_s: Callable[[], float] = lambda: 1.0
        self._premises = premises
        self._loop = loop
        self._network = network
        self._world = world
        disk.end_life = self.crash

    @property
    def up(self) -> bool:
        """Whether its site has started and decides."""
        return self.life is not None and (self.vault is not None or (self.site is not None and self.site._started))

    def boot(self) -> None:
        """Switch it on."""
        if self.life is not None:
            return
        self.lives += 1
        self.life = Life(f"{self.id}#{self.lives}")
        if self.whole is not None:
            self._world.hollow(self.life.name)
        self._world.happened("boot", self.id, self.lives)
        self._loop.create_task(self._run(self.life), context=in_life(self.life))

    async def _run(self, life: Life) -> None:
        try:
            if self.seat.kind == "vault":
                self.vault = self._opened_vault()
                self._network.attach(self.id, self.vault, self.vault.link_changed, life)
                return
            means = self._premises.means(
                self.seat, self._network, self.clock, CountedEntropy(self._tokens()), SimStore(self.disk)
            )
            self.site = Site(means, policies_for, timers=True)
            self._network.attach(self.id, self.site, self.site.link_changed, life)
            await self.site.start()
            self._world.happened("started", self.id, self.site.reconciled)
        except HoldgateError as error:
            self._world.refused(self, error)

    def _tokens(self) -> int:
        return int.from_bytes(sha256(f"{self.id} {self.lives} {self._loop.time()}".encode())[:7], "big") << 4

    def _opened_vault(self) -> Vault:
        key = SigningKey.from_seed(self._premises.keys(self.id).signing)
        keeper = Keeper(SimPromises(self.disk), self._loop.time)
        leap_us = self._premises.charter.settings.entry_skew_s * SECOND_US
        clock = VaultTime(self.clock, leap_us, self._shown)
        means = (self.seat, key, self._premises.charter, SimMirror(self.disk), clock, keeper)
        rng = random.Random(f"liar {self.lives} {self._loop.time()}")
        return Liar(*means, rng=rng, lies=self._world.lies, told=self._world.happened)

    def _shown(self, at: int) -> None:
        self.latest = max(self.latest, at)

    # ---- how a life ends ---------------------------------------------------------------------------------------------

    def crash(self) -> None:
        """The power is cut, at any moment; it comes back after a while."""
        if self.life is None:
            return
        self._world.happened("crash", self.id)
        self._off()

    def shut_down(self) -> None:
        """Close the site as an operator does, and switch the machine off."""
        if self.life is None or not self.up or self.site is None:
            return
        self._world.happened("closed", self.id)
        in_life(self.life).run(self._stop, self.site)
        self._off()

    @staticmethod
    def _stop(site: Site) -> None:
        try:
            site.stop()
        except Crashed:  # its disk ended it meanwhile
            return

    def _off(self) -> None:
        life, self.life = self.life, None
        if life is None:
            return
        self._loop.bury(life)
        self.site = self.vault = None
        self._network.detach(self.id)
        self.disk.cut_power()
        self._loop.call_later(self.restart_s(), self.boot, context=Context())

    # ---- backups -----------------------------------------------------------------------------------------------------

    def back_up(self) -> None:
        """Keep a copy of the disk."""
        self.backup = self.disk.base.copied()

    def set_back(self, held: int) -> bool:
        """Put the backup in the place of the disk, where others hold more of the log than it has; `held`: each of them at least."""
        backup = self.backup
        if backup is None or self.whole is not None or not self.up:
            return False
        if held <= backup.head.size:
            return False
        self._world.happened("set back", self.id, backup.head.size)
        self._off()
        self.whole = self.disk.base
        self.disk.put_back(backup.copied())
        return True

    def replace_disk(self, image: Image) -> None:
        """Switch it off, and let it find this on its disk."""
        self._off()
        self.disk.put_back(image)

    def restore(self) -> None:
        """The operator puts the right disk in again."""
        whole, self.whole, self.backup = self.whole, None, None
        if whole is not None:
            self._off()
            self.disk.put_back(whole)

    @property
    def accused(self) -> bool:
        """Whether a peer says that its log does not hold together, so that this link stands until somebody looks."""
        links = () if self.site is None or not self.up else self.site.links.values()
        return any(isinstance(link.fault, Tampered) for link in links)

    @property
    def fault(self) -> HoldgateError | None:
        """Why its site decides nothing any more."""
        return None if self.site is None else self.site.spine.fault
