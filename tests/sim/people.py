"""People and devices of a world: they sign, hand in, ask again where nobody answers, and err now and then."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, NamedTuple

from typing_extensions import override

from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import digest, sha256
from holdgate.crypto.keys import SigningKey
from holdgate.engine.answer import Answer
from holdgate.engine.bus import Peer
from holdgate.founding import found
from holdgate.identity.charter import Founder
from holdgate.law import command as c
from holdgate.law.case import Pin
from holdgate.law.state import State
from holdgate.sites.desk import Desk
from holdgate.sites.site import Site
from holdgate.terms.errors import Tampered, Unavailable
from tests.sim.loop import SimLoop
from tests.sim.machine import Machine, SimClock
from tests.sim.network import Network
from tests.unit.test_sites import (
    NODE,
    OTHER,
    READERS,
    SETTINGS,
    House,
    founders,
)

PATIENCE_S: Final = 2.5 * 3600.0
"""How long somebody tries to get one act done, in simulated time."""
MORE: Final = {"TE2": "technician", "AD2": "admin"}
"""People beside those of the tests' shop."""
DONE: Final = frozenset({"ALREADY_DONE", "DUPLICATE_ARRIVAL", "REVIEW_WINDOW_CLOSED"})


Mend = Callable[[tuple[str, ...]], Awaitable[None]]


class Ack(NamedTuple):
    """An answer that somebody got. `life`: of the site that gave it. `payload`: SHA-256 of what was signed."""

    site: str
    life: str
    seq: int
    payload: bytes
    receipt: bytes


class GivenUp(AssertionError):
    """An act could not be done in a very long time."""


def everybody(desk: Desk) -> list[Founder]:
    """The founders of the tests' shop, a workstation at the second node, and two whose keys may be stolen."""
    desk.add_from_seed("tests", ["WS-2", *MORE])
    bench = Founder(
        id="WS-2",
        name="WS-2",
        org="LAB",
        kind="device",
        key=desk.public("WS-2"),
        roles=("workstation",),
        zone="bench",
        node=OTHER,
    )
    more = [
        Founder(id=name, name=name, org="LAB", kind="person", key=desk.public(name), roles=(role,))
        for name, role in MORE.items()
    ]
    return [*founders(desk), bench, *more]


def found_shop(directory: Path) -> None:
    """The charter and the sites' keys."""
    root = SigningKey.from_seed(sha256(b"root"))
    found(directory, "LAB", "lab.test", SETTINGS, (NODE, OTHER), everybody(Desk()), root)


class Truth:
    """What really happened outside.

    `scanned`: which parts were truly scanned at the dock for which order. `claimed`: parts that a thief said were there, with
    a reader's own key. `ordered`: the parts of an order, a row for each time that they were asked for otherwise. `stolen`: whose
    key signed what, by the digest of what was signed, where it was not they.
    """

    def __init__(self) -> None:
        self.scanned: dict[str, set[str]] = {}
        self.claimed: dict[str, set[str]] = {}
        self.ordered: dict[str, list[tuple[str, ...]]] = {}
        self.finished: list[str] = []
        self.stolen: dict[bytes, str] = {}

    def here(self, order: str) -> set[str]:
        """Parts of which somebody said with a reader's key that they are at the dock for this order."""
        return self.scanned.get(order, set()) | self.claimed.get(order, set())


class Folk(House):
    """Everybody of one world, with their keys; acts are built as in the tests of the sites."""

    def __init__(
        self, loop: SimLoop, network: Network, machines: dict[str, Machine], rng: random.Random, hits: "Counter[str]"
    ) -> None:
        self.directory = Path("sim")
        self.desk = Desk()
        everybody(self.desk)
        self.clock: SimClock = SimClock(loop)  # type: ignore[assignment]  # theirs is right
        self.acks: list[Ack] = []
        self.truth = Truth()
        self.rng = rng
        self.hits = hits
        self.sniffed: list[tuple[str, bytes]] = []
        self.witness: Callable[[Machine, str, int], None] = lambda *_: None  # told of every entry that an answer names
        self._network = network
        self._machines = machines
        self._nonce = 0
        self._seqs = dict.fromkeys(READERS, 0)
        self._locks = {reader: asyncio.Lock() for reader in READERS}

    # ---- handing in --------------------------------------------------------------------------------------------------

    async def hand_in(self, site: str, raw: bytes, *documents: bytes) -> Answer:
        """Hand bytes in until somebody answers; the same bytes again after each silence."""
        pins = tuple(Pin(sha256=digest(one), content=one) for one in documents)
        machine, waited = self._machines[site], 0.0

        async def submit(peer: Peer) -> tuple[str, Answer]:
            assert isinstance(peer, Site)
            peer._ready()
            life = machine.life
            answer = await peer.submit(raw, pins)
            return ("" if life is None else life.name), answer

        while True:
            try:
                life, answer = await self._network.call("people", site, submit)
            except (Unavailable, Tampered) as error:  # off, or stopped for what its log has become: somebody sees to it
                self.hits["asked again"] += 1
                pause = 5 + self.rng.random() * 40
                waited += pause
                if waited > PATIENCE_S:
                    raise GivenUp(f"{site} never answers: {error}") from error
                await asyncio.sleep(pause)
                continue
            self._answered(site, life, raw, answer)
            return answer

    def _answered(self, site: str, life: str, raw: bytes, answer: Answer) -> None:
        self.sniffed.append((site, raw))
        self.hits["resent answer"] += answer.resent
        for code in answer.decision.codes:
            self.hits[f"denied {code}"] += 1
        if answer.seq >= 0:
            self.witness(self._machines[site], life, answer.seq)
            payload = sha256(open_envelope(raw).payload)
            self.acks.append(Ack(site, life, answer.seq, payload, answer.receipt))

    @override
    async def ask(self, site: str, command: c.AnyCommand, *documents: bytes) -> Answer:
        return await self.hand_in(site, self.sign(command), *documents)

    async def must(self, site: str, make: Callable[[State], c.AnyCommand], mend: Mend | None = None) -> Answer:
        """Wish for something anew until it is allowed, or was done before; `mend`: told why it was not."""
        waited = 0.0
        codes: tuple[str, ...] = ("nothing was shown",)
        while waited < PATIENCE_S:
            state = self.shown(site)
            if state is not None:
                command = make(state)
                answer = await self.ask(site, self.desk.shown(command, state) if _looks(command) else command)
                codes = answer.decision.codes
                if answer.decision.allowed or DONE & set(codes):
                    return answer
                if mend is not None:
                    await mend(codes)
            pause = 10 + self.rng.random() * 50
            waited += pause
            await asyncio.sleep(pause)
        raise GivenUp(f"{site} refuses for hours: {codes}")

    def shown(self, site: str) -> State | None:
        """What a site's screen shows now."""
        machine = self._machines[site]
        return machine.site.chronicle.state if machine.up and machine.site is not None else None


def _looks(command: c.AnyCommand) -> bool:
    """Whether its signers look at a screen."""
    return isinstance(command, c.SignStep | c.SignQa | c.SignCompliance | c.ReviewReport | c.AcceptTerms)


__all__ = ["MORE", "Ack", "Folk", "GivenUp", "everybody", "found_shop"]
