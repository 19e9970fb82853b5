"""What came of many worlds: counts, violations, faults that never came, and the scores that follow."""

from collections import Counter
from typing import Final, NamedTuple

from tests.scores import record
from tests.sim.luck import places
from tests.sim.story import ORDERS, lived

WORLDS: Final = 20
"""Worlds of a run in CI."""
MOST: Final = 40
"""Worlds that a run in CI lives through at most, if something has not happened by then."""
MANY: Final = 300
"""Worlds after which the rarer things have to have happened too."""
SOMETIMES: Final = (
    "accused, and opened anew",
    "amended",
    "answer lost",
    "asked again",
    "clock jump",
    "closed",
    "crash",
    "crash after a sync",
    "crash before a sync",
    "crash in a sync",
    "denied NO_ARRIVAL",
    "denied PO_NOT_STAGED",
    "event InvoiceIssued",
    "event OrderReceived",
    "event OrderReleased",
    "event PayoutReleased",
    "event ReportApproved",
    "event ReviewWindowLapsed",
    "forged stretch",
    "forged stretch, and caught",
    "fork",
    "fork by a stolen key",
    "fork by a stolen key, and caught",
    "key revoked",
    "message late",
    "message lost",
    "message to nobody",
    "message twice",
    "money ordered",
    "money ordered twice, refused",
    "money paid",
    "money received",
    "money received twice, refused",
    "order staged twice at once",
    "partition",
    "released for new_orders",
    "released for unstarted_jobs",
    "resent answer",
    "set back",
    "set back, and caught",
    "slow sync",
    "slow thread",
    "stop-work",
    "sync failed, and was kept",
    "sync failed, and was lost",
    "theft allowed before",
    "theft refused after its revocation",
    "torn write",
    "tried by hand",
    "tried forged",
    "tried replay",
    "tried serial",
    "unsynced write lost",
    "vault set back",
    "write refused",
)
"""What has to happen in some world of a run of `WORLDS`, or the run shows nothing. So do all places of bad luck, and some lies."""
LIES: Final = ("lie: latest", "lie: held", "lie: offer")
RARELY: Final = (
    "amended to another version",
    "denied BACKDATED",
    "denied CONTRACT_SUPERSEDED",
    "denied CONTRACT_SUSPENDED",
    "event CreditNoteIssued",
    "event OrderSettled",
    "event ReportRejected",
    "money failed",
    "money reversed",
    "theft allowed after its revocation",
)
"""What has to happen in a run of `MANY`. The last one: at a site that had not heard of the revocation."""


class Outcome(NamedTuple):
    """What came of one world; it can travel between processes."""

    seed: int
    steps: int
    virtual_s: float
    cpu_s: float
    hits: "Counter[str]"
    bad: tuple[str, ...]


def outcome(seed: int, orders: int = ORDERS) -> Outcome:
    """Live through a world; whatever goes wrong is told with the seed that shows it again."""
    again = f"HOLDGATE_SEED={seed}" + ("" if orders == ORDERS else f" HOLDGATE_SIM_ORDERS={orders}")
    try:
        found = lived(seed, orders)
    except Exception as error:  # noqa: BLE001  # every seed that fails is named
        return Outcome(seed, 0, 0.0, 0.0, Counter(), (f"{again}: {error!r}"[:1200],))
    ran = found.ran
    bad = tuple(f"{again}: {what}"[:1200] for what in found.findings[:5])
    return Outcome(seed, ran.steps, ran.virtual_s, ran.cpu_s, ran.hits, bad)


class Tally:
    """Many outcomes together."""

    def __init__(self, orders: int) -> None:
        self.orders = orders
        self.worlds = self.steps = 0
        self.failed = 0
        self.virtual_s = self.cpu_s = 0.0
        self.hits: Counter[str] = Counter()
        self.bad: list[str] = []

    def add(self, one: Outcome) -> None:
        """One more world."""
        self.worlds += 1
        self.failed += bool(one.bad)
        self.steps += one.steps
        self.virtual_s += one.virtual_s
        self.cpu_s += one.cpu_s
        self.hits += one.hits
        self.bad.extend(one.bad)

    def missing(self) -> list[str]:
        """What should have happened in so many worlds, and never did."""
        if self.worlds < WORLDS:
            return []
        wanted = [*SOMETIMES, *(f"unlucky {place}" for place in places()), *(RARELY if self.worlds >= MANY else ())]
        lies = {hit.rsplit(" ", 1)[0] for hit in self.hits if hit.startswith("lie: ")}
        never = [what for what in wanted if not self.hits[what]]
        return never + [what for what in LIES if not any(lie.startswith(what) for lie in lies)]

    def words(self) -> str:
        """Figures for people."""
        rate = self.steps / max(self.cpu_s, 1e-9)
        return (
            f"{self.worlds} worlds of {self.orders} orders, {self.steps} steps in {self.cpu_s:.1f} s of CPU ({rate:.0f}/s), "
            f"{self.virtual_s / 3600:.1f} simulated hours, {self.failed} worlds with violations"
        )

    def score(self, seconds: float, command: str, *, soak: bool) -> None:
        """Keep the scores: violations, forks and rollbacks, partitions."""
        hits, told = self.hits, "\n".join(self.bad)
        step = f"{self.worlds} worlds; a step is one callback of the event loop in which all sites of a world run"
        record(
            3,
            "simulated-worlds",
            self.steps,
            "steps",
            self.failed,
            seconds=seconds,
            command=command,
            soak=soak,
            note=step,
        )
        kinds = ("set back", "forged stretch", "fork by a stolen key")
        made = sum(hits[kind] for kind in kinds)
        caught = sum(hits[f"{kind}, and caught"] for kind in kinds)
        forks = f"false alarms: {told.count('says of its own sound log')}; forked before they were seen: {hits['fork']}"
        record(
            6,
            "simulated-rollbacks",
            made,
            "forks and rollbacks",
            made - caught,
            seconds=seconds,
            command=command,
            soak=soak,
            note=forks,
        )
        apart = sum("never comes to rest" in one or "the Vault's copy of" in one for one in self.bad)
        record(
            8,
            "simulated-partitions",
            hits["partition"] + hits["fork"],
            "partitions",
            apart,
            seconds=seconds,
            command=command,
            soak=soak,
            note="bad: worlds that did not converge after all was healed",
        )
