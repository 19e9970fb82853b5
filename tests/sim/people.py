"""People and devices of a world: they sign, hand in, ask again where nobody answers, and err now and then."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec.structs import replace
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
from holdgate.law.contract import document_digest
from holdgate.law.state import State
from holdgate.sites.desk import Desk
from holdgate.sites.site import Site
from holdgate.terms.errors import Tampered, Unavailable
from tests.sim.contracts import TEMPLATES, TERMS
from tests.sim.loop import SimLoop
from tests.sim.machine import Machine, SimClock
from tests.sim.network import Network
from tests.unit.test_sites import (
    CLIENT,
    CLIENT_ORG,
    FLOOR,
    HUB,
    NODE,
    OTHER,
    PEOPLE,
    READERS,
    SETTINGS,
    House,
    founders,
)

PATIENCE_S: Final = 8 * 3600.0
"""How long somebody tries to get one act done, in simulated time."""
DONE: Final = frozenset({"ALREADY_DONE", "DUPLICATE_ARRIVAL", "REVIEW_WINDOW_CLOSED"})


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
    """The founders of the tests' shop, and a workstation at the second node."""
    desk.add_from_seed("tests", ["WS-2"])
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
    return [*founders(desk), bench]


def found_shop(directory: Path) -> None:
    """The charter and the sites' keys."""
    root = SigningKey.from_seed(sha256(b"root"))
    found(directory, "LAB", "lab.test", SETTINGS, (NODE, OTHER), everybody(Desk()), root)


class Truth:
    """What really happened outside: which parts were truly scanned at the dock for which order."""

    def __init__(self) -> None:
        self.scanned: dict[str, set[str]] = {}
        self.ordered: dict[str, tuple[str, ...]] = {}
        self.finished: list[str] = []


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
            payload = sha256(open_envelope(raw).payload)
            self.acks.append(Ack(site, life, answer.seq, payload, answer.receipt))

    @override
    async def ask(self, site: str, command: c.AnyCommand, *documents: bytes) -> Answer:
        return await self.hand_in(site, self.sign(command), *documents)

    async def must(self, site: str, make: Callable[[State], c.AnyCommand]) -> Answer:
        """Wish for something anew until it is allowed, or was done before."""
        waited = 0.0
        codes: tuple[str, ...] = ("nothing was shown",)
        while waited < PATIENCE_S:
            state = self._shown(site)
            if state is not None:
                command = make(state)
                answer = await self.ask(site, self.desk.shown(command, state) if _looks(command) else command)
                codes = answer.decision.codes
                if answer.decision.allowed or DONE & set(codes):
                    return answer
            pause = 10 + self.rng.random() * 50
            waited += pause
            await asyncio.sleep(pause)
        raise GivenUp(f"{site} refuses for hours: {codes}")

    def _shown(self, site: str) -> State | None:
        """What a site's screen shows now."""
        machine = self._machines[site]
        return machine.site.chronicle.state if machine.up and machine.site is not None else None

    # ---- one order ---------------------------------------------------------------------------------------------------

    async def order(self, number: int) -> None:
        """From the client's word to the report's end."""
        rng, order = self.rng, f"PO-{number}"
        node, version = rng.choice((NODE, OTHER)), "1"
        serials = tuple(f"S{number}-{part}" for part in range(rng.randint(1, 2)))
        self.truth.ordered[order] = serials
        silent = rng.random() < 0.5
        client = ("client", "terms accepted")
        named: dict[str, Any] = {"order": order, "contract": "SP-1", "version": version}
        await self.must(
            HUB,
            lambda _: c.AcceptTerms(
                **self.head(HUB, self.unlocked(CLIENT, *client), place="WS-OFFICE"), **named, terms=TERMS
            ),
        )
        if rng.random() < 0.3:
            await self.scan(order, serials)  # before anybody staged it
        await self.must(HUB, lambda _: self._staged(named, node, serials))
        if rng.random() < 0.3:
            await self.ask(node, self.start(order, f"J-{number}", node))  # before anything arrived
        await self._arrive(order, serials)
        await self.must(node, lambda _: self.start(order, f"J-{number}", node))
        await self._bench(order, f"J-{number}", node)
        await self._office(order, f"J-{number}", len(serials), silent=silent)
        self.truth.finished.append(order)

    def _staged(self, named: dict[str, Any], node: str, serials: tuple[str, ...]) -> c.StageOrder:
        head = self.head(HUB, ("PM", "project_manager"))
        more: dict[str, Any] = {"client": CLIENT_ORG, "part_no": "BAR-17-4", "rev": "-", "documents": ()}
        return c.StageOrder(**head, **named, **more, node=node, serials=serials)

    async def scan(self, order: str, serials: tuple[str, ...], *, true: bool = True) -> Answer:
        """Parts are scanned at the dock; `true`: they really are that order's."""
        reader = self.rng.choice(READERS)
        async with self._locks[reader]:
            self._seqs[reader] += 1
            if true:
                self.truth.scanned.setdefault(order, set()).update(serials)
            return await self.ask(FLOOR, self.arrival(order, reader, self._seqs[reader], serials))

    async def _arrive(self, order: str, serials: tuple[str, ...]) -> None:
        if self.rng.random() < 0.7:
            await self._wrong(order, serials)
        waited = 0.0
        while waited < PATIENCE_S:
            state = self._shown(FLOOR)
            slip = None if state is None else state.slips.get(order)
            if slip is not None and set(slip.arrived) >= set(serials):
                return
            if slip is not None:
                await self.scan(order, tuple(s for s in serials if s not in slip.arrived) or serials)
            pause = 10 + self.rng.random() * 40
            waited += pause
            await asyncio.sleep(pause)
        raise GivenUp(f"the parts of {order} are never let through")

    async def _wrong(self, order: str, serials: tuple[str, ...]) -> None:
        """Something at the dock that is no arrival of this order."""
        kind = self.rng.choice(("serial", "forged", "by hand", "replay"))
        self.hits[f"tried {kind}"] += 1
        if kind == "serial":
            await self.scan(order, ("S-OF-NOBODY",), true=False)
        elif kind == "forged":
            scan = self.arrival(order, READERS[0], 1 << 30, serials)
            thief = SigningKey.from_seed(sha256(b"a thief's own key"))
            named = [signer.id for signer in scan.signers]
            await self.hand_in(FLOOR, self.desk.sign_only(scan, [*named, "WS-REC"], {named[0]: thief}))
        elif kind == "by hand":
            await self.ask(FLOOR, self.release(order))
        elif self.sniffed:
            site, raw = self.rng.choice(self.sniffed)
            await self.hand_in(site, raw)

    async def _bench(self, order: str, job: str, node: str) -> None:
        place = "WS-1" if node == NODE else "WS-2"
        step: dict[str, Any] = {"order": order, "job": job, "step": "S10", "contract": document_digest(TEMPLATES["1"])}

        def head(state: State) -> dict[str, Any]:
            return {**self.head(node, self.unlocked("TEC", "technician"), place=place), **step}

        await self.must(node, lambda s: c.StartStep(**head(s), equipment=(), materials=()))
        await asyncio.sleep(self.rng.random() * 60)
        value: dict[str, Any] = {"characteristic": "forceatbreak", "value": "5.0000", "unit": "kN", "capture": "manual"}
        await self.must(node, lambda s: c.RecordReading(**head(s), **value))
        await self.must(node, lambda s: c.SignStep(**head(s), result="pass"))

    async def _office(self, order: str, job: str, parts: int, *, silent: bool) -> None:
        named: dict[str, Any] = {"order": order, "job": job}
        counts = c.Quantities(received=parts, accepted=parts, rejected=0, scrapped=0)
        office: dict[str, Any] = {"place": "WS-OFFICE"}

        def by(name: str) -> c.Signer:
            return self.unlocked(name, PEOPLE.get(name, "client"))

        report = f"R-{order}"
        await self.must(HUB, lambda _: c.SignQa(**self.head(HUB, by("QAM"), **office), **named, quantities=counts))
        await self.must(HUB, lambda _: c.SignCompliance(**self.head(HUB, by("CMP"), **office), **named))
        system = ("SYS", "system")
        await self.must(HUB, lambda _: c.GenerateReport(**self.head(HUB, system), **named, report=report))
        if silent:
            await self._until_lapsed(report)
            return
        client = self.rng.choice(("approve", "approve", "reject"))
        why: dict[str, Any] = {"reason": "the wrong heat lot"} if client == "reject" else {}

        def word(_: State) -> c.ReviewReport:
            return c.ReviewReport(**self.head(HUB, by(CLIENT), **office), report=report, decision=client, **why)

        await self.must(HUB, word)

    async def _until_lapsed(self, report: str) -> None:
        waited = 0.0
        while waited < PATIENCE_S:
            state = self._shown(HUB)
            known = None if state is None else state.reports.get(report)
            if known is not None and known.status == "lapsed":
                return
            waited += 60
            await asyncio.sleep(60)
        raise GivenUp(f"the window of {report} never closes")


def _looks(command: c.AnyCommand) -> bool:
    """Whether its signers look at a screen."""
    return isinstance(command, c.SignStep | c.SignQa | c.SignCompliance | c.ReviewReport | c.AcceptTerms)


__all__ = ["Ack", "Folk", "GivenUp", "everybody", "found_shop", "replace"]
