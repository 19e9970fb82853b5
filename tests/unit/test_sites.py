"""Sites: who decides what, what crosses between them, what a site opens from. The shop of this file is everybody's.

`Founders` is a shop of which only the charter exists; `governed` adds a client and a released contract, once per run, and
hands out copies. Others (`tests/faults`, `tests/unit/test_submit.py`) build on it.
"""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable
from functools import cache
from pathlib import Path
from typing import Any, Final

from holdgate.adapters.host import CountedEntropy, SetClock
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.audit.replay import LogReport
from holdgate.bootstrap import Shop, found
from holdgate.certifier.structure import certify
from holdgate.crypto.hashes import digest, sha256
from holdgate.crypto.keys import SigningKey
from holdgate.engine.answer import Answer
from holdgate.engine.ports import Store
from holdgate.identity.charter import Founder, Settings
from holdgate.law import command as c
from holdgate.law.case import Pin
from holdgate.law.contract import (
    Billing,
    Characteristic,
    SmartClientPO,
    SmartSP,
    Step,
    document_digest,
    encode_document,
)
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import Entry, read_entry
from holdgate.scenario.run import audit_shop
from holdgate.sites.desk import Desk
from holdgate.sites.site import Site
from holdgate.terms import canon, instant
from holdgate.terms.instant import SECOND_US

# ---- the shop ------------------------------------------------------------------------------------------------------

T0: Final = instant.parse("2025-04-01T13:00:00Z")
HUB, FLOOR, VAULT, NODE, OTHER = "HUB", "FLOOR", "VAULT", "N-1", "N-2"
SITES: Final = (HUB, FLOOR, NODE, OTHER)
READERS: Final = ("SCN-1", "SCN-2", "SCN-3")
PEOPLE: Final = {
    "ADM": "admin",
    "QAM": "qa",
    "PM": "project_manager",
    "AUT": "author",
    "CRT": "certifier",
    "TEC": "technician",
    "CMP": "compliance",
    "LV3": "level3",
    "FIN": "finance",
    "RCV": "receiving",
    "SYS": "system",
}
CLIENT, CLIENT_NAME, CLIENT_ORG = "CLI", "Ottilie Brandt", "ROTORWORKS"
PRICE: Final = 4_812_707
LIMITS: Final = ("1.2345", "9.8765")
SETTINGS: Final = Settings(
    name="Lab",
    tz="UTC",
    receiving_zones=("receiving",),
    office="WS-OFFICE",
    session_idle_s=600,
    entry_skew_s=120,
    arrival_skew_s=300,
    arrival_fresh_s=86_400,
    approval_roles=("qa",),
    report_fields=("results",),
)


def founders(desk: Desk) -> list[Founder]:
    """Everybody but the client."""
    kinds = {**dict.fromkeys(PEOPLE, "person"), **dict.fromkeys(READERS, "device"), "WS-OFFICE": "device"}
    kinds |= {"WS-REC": "device", "WS-1": "device"}
    roles = {**PEOPLE, **dict.fromkeys(READERS, "scanner")}
    zones = {"WS-REC": "receiving", "WS-1": "bench", "WS-OFFICE": "office"}
    desk.add_from_seed("tests", [*kinds, CLIENT])
    return [
        Founder(
            id=name,
            name=name,
            org="LAB",
            kind=kind,
            key=desk.public(name),
            roles=(roles.get(name, "workstation"),),
            zone=zones.get(name),
            node=NODE if name == "WS-1" else None,
        )
        for name, kind in kinds.items()
    ]


class House:
    """A shop in a directory of its own, with everybody's keys, the sites' keys too (an attacker may have stolen one)."""

    def __init__(self, directory: Path, *, new: bool = False, seed: int = 0) -> None:
        self.directory = directory
        self.clock = SetClock(T0)
        self.desk = Desk()
        everybody = founders(self.desk)
        if new:
            found(
                directory, "LAB", "lab.test", SETTINGS, (NODE, OTHER), everybody, SigningKey.from_seed(sha256(b"root"))
            )
        self.shop = Shop(directory, self.clock, CountedEntropy(seed))
        for seat in self.shop.charter.sites:
            self.desk.add(seat.id, SigningKey.from_seed(self.shop._keys(seat.id).signing))
        self._nonce = 0

    # ---- sites -----------------------------------------------------------------------------------------------------

    def open_vault(self) -> None:
        """Only the Vault."""
        self.shop._open_vault(next(seat for seat in self.shop.charter.sites if seat.id == VAULT))

    async def open(self, *names: str, store: Store | None = None) -> Site:
        """Only these sites; the last one is returned."""
        for name in names:
            await self.shop.open_site(name, store)
        return self.shop.sites[names[-1]]

    async def close(self) -> None:
        """Close what is open, when nothing is on its way."""
        await settled(self.shop)
        self.shop.close()
        await asyncio.sleep(0.002)

    def audits(self) -> list[LogReport]:
        """The audits of all logs that there are."""
        return audit_shop(self.directory)

    # ---- acts ------------------------------------------------------------------------------------------------------

    def head(self, site: str, *signers: c.Signer | tuple[str, str], **more: Any) -> dict[str, Any]:
        """The header of an act, with a nonce of its own."""
        self._nonce += 1
        named = tuple(s if isinstance(s, c.Signer) else c.Signer(id=s[0], role=s[1]) for s in signers)
        return {"site": site, "at": self.clock.now(), "nonce": f"{self.directory.name}-{self._nonce}"[-40:]} | {
            "signers": named,
            **more,
        }

    def unlocked(self, name: str, role: str, meaning: str = "approved") -> c.Signer:
        """A signer with a fresh badge and PIN."""
        self._nonce += 1
        auth = c.Auth(components=("badge", "pin"), session=f"s-{self._nonce}")
        return c.Signer(id=name, role=role, meaning=meaning, auth=auth)

    def material(self, batch: str, site: str = HUB) -> c.RegisterMaterial:
        """An act that the business hub allows."""
        head = self.head(site, ("ADM", "admin"))
        return c.RegisterMaterial(**head, batch=batch, material_kind="penetrant", until=T0, approved=True)

    def slip(self, order: str, serials: tuple[str, ...] = ("S1",), **changes: Any) -> c.StageSlip:
        """A slip as the business hub signs it, by hand."""
        signers = changes.pop("signers", ((HUB, "business_hub"),))
        fields: dict[str, Any] = {
            "order": order,
            "node": NODE,
            "part_no": "BAR-17-4",
            "rev": "-",
            "serials": serials,
            "policy": "full",
            "evidence": ("broadcast",),
            "buffer_max_us": 0,
            "body": digest(order.encode()),
            "staged_at": self.clock.now(),
        }
        return c.StageSlip(**self.head(FLOOR, *signers), slip=c.Slip(**(fields | changes)))

    def arrival(self, order: str | None, reader: str, seq: int, serials: tuple[str, ...] = ("S1",)) -> c.ReportArrival:
        """A live scan at the dock."""
        return c.ReportArrival(
            **self.head(FLOOR, (reader, "scanner"), place="WS-REC"),
            part_no="BAR-17-4",
            rev="-",
            serials=serials,
            quantity=len(serials),
            order=order,
            reader_seq=seq,
        )

    def release(self, order: str, name: str = "PM", role: str | None = None, site: str = FLOOR) -> c.ReleaseOrder:
        """A wish to release by hand."""
        return c.ReleaseOrder(**self.head(site, (name, role or PEOPLE[name])), order=order)

    def sign(self, command: c.AnyCommand) -> bytes:
        """Signed by everybody that it names."""
        return self.desk.sign(command)

    async def ask(self, site: str, command: c.AnyCommand, *documents: bytes) -> Answer:
        """Sign an act, submit it and wait."""
        pins = tuple(Pin(sha256=digest(raw), content=raw) for raw in documents)
        return await self.shop.sites[site].submit(self.sign(command), pins)

    async def accept(self, order: str) -> Answer:
        """The client accepts the terms of an order."""
        terms = c.Terms(
            price_minor=PRICE,
            currency="USD",
            milestones=tuple(c.Milestone(id=b.id, amount_minor=b.amount_minor) for b in BILLING),
            client_window_s=432_000,
            on_silence="escalate",
        )
        client = self.unlocked(CLIENT, "client", "terms accepted")
        head = self.head(HUB, client, place="WS-OFFICE")
        return await self.ask(HUB, c.AcceptTerms(**head, order=order, contract="SP-1", version="1", terms=terms))

    def stage(self, order: str, serials: tuple[str, ...] = ("S1",), node: str = NODE, **more: Any) -> c.StageOrder:
        """The order, complete."""
        return c.StageOrder(
            **self.head(HUB, ("PM", "project_manager")),
            order=order,
            contract="SP-1",
            version="1",
            node=node,
            client=CLIENT_ORG,
            part_no="BAR-17-4",
            rev="-",
            serials=serials,
            documents=(),
            **more,
        )

    def start(self, order: str, job: str, node: str = NODE) -> c.StartJob:
        """A technician starts a job."""
        return c.StartJob(**self.head(node, ("TEC", "technician")), order=order, job=job, node=node)


TECHNIQUE: Final = SmartSP(
    id="SP-1",
    version="1",
    title="Pull test",
    author="AUT",
    steps=(
        Step(
            id="S10",
            name="Pull",
            role="technician",
            zones=("bench",),
            characteristics=(Characteristic(id="forceatbreak", unit="kN", min=LIMITS[0], max=LIMITS[1]),),
        ),
    ),
)
BILLING: Final = (
    Billing(id="receipt", when="arrival", amount_minor=1_000_000),
    Billing(id="final", when="qa_accepted", amount_minor=PRICE - 1_000_000),
)
TEMPLATE: Final = SmartClientPO(
    id="SP-1",
    version="1",
    title="Order",
    author="AUT",
    process=document_digest(TECHNIQUE),
    price_minor=PRICE,
    currency="USD",
    billing=BILLING,
    client_window_s=432_000,
    on_silence="escalate",
)


async def _govern(house: House) -> None:
    """Enrol the client; submit, certify, approve and release the contract."""
    newcomer = c.EnrolIdentity(
        **house.head(HUB, ("ADM", "admin"), ("QAM", "qa"), (CLIENT, "newcomer")),
        id=CLIENT,
        name=CLIENT_NAME,
        org=CLIENT_ORG,
        kind="person",
        key=house.desk.public(CLIENT),
        roles=("client",),
    )
    documents = (encode_document(TEMPLATE), encode_document(TECHNIQUE))
    certificate = certify(TEMPLATE, TECHNIQUE)
    named = {"contract": "SP-1", "version": "1"}
    office = {"place": "WS-OFFICE"}
    acts: list[tuple[c.AnyCommand, tuple[bytes, ...]]] = [
        (newcomer, ()),
        (c.SubmitContract(**house.head(HUB, ("AUT", "author")), **named, sha256=digest(documents[0])), documents),
        (
            c.CertifyContract(
                **house.head(HUB, house.unlocked("CRT", "certifier"), **office),
                **named,
                certificate=digest(certificate),
            ),
            (certificate,),
        ),
        (
            c.ApproveContract(**house.head(HUB, house.unlocked("QAM", "qa"), **office), **named, approval_role="qa"),
            (),
        ),
        (c.ActivateContract(**house.head(HUB, ("ADM", "admin")), **named, effectivity="new_orders"), ()),
    ]
    for command, pins in acts:
        answer = await house.ask(HUB, command, *pins)
        assert answer.decision.allowed, answer.decision


@cache
def _governed_once() -> Path:
    place = Path(tempfile.mkdtemp(prefix="holdgate-governed-"))

    async def make() -> None:
        house = House(place / "shop", new=True)
        await house.shop.open()
        await _govern(house)
        await house.close()

    asyncio.run(make())
    return place / "shop"


@cache
def _founded_once() -> Path:
    place = Path(tempfile.mkdtemp(prefix="holdgate-founded-"))
    House(place / "shop", new=True)
    return place / "shop"


def founded(directory: Path) -> House:
    """A shop that has its charter and nothing else."""
    return House(Path(shutil.copytree(_founded_once(), directory / "shop")))


def governed(directory: Path) -> House:
    """A shop with a client and a contract in force. Nothing is open."""
    return House(Path(shutil.copytree(_governed_once(), directory / "shop")), seed=1 << 20)


@contextlib.asynccontextmanager
async def running(house: House) -> AsyncIterator[House]:
    """The whole shop, open; closed in the end."""
    await house.shop.open()
    try:
        yield house
    finally:
        await house.close()


async def settled(shop: Shop) -> None:
    """Nothing in flight."""
    await asyncio.wait_for(shop.settle(), 20)


def entries(site: Site) -> list[Entry]:
    """All durable entries."""
    return [read_entry(row.body) for row in site.means.store.rows(0, 1 << 40)]


def events(site: Site, *kinds: type) -> list[Any]:
    """All events of these kinds on a site's own record."""
    return [e for entry in entries(site) for e in decision_of(entry).events if isinstance(e, kinds)]


def unsound(reports: Iterable[LogReport]) -> list[str]:
    """What audits found."""
    return [f"{report.site} {finding.seq}: {finding.what}" for report in reports for finding in report.findings]


# ---- the tests -----------------------------------------------------------------------------------------------------


def test_smoke(tmp_path):
    import time

    t = time.time()
    h = governed(tmp_path)
    print("governed", time.time() - t)

    async def go():
        t = time.time()
        async with running(h):
            print("open", time.time() - t)
            t = time.time()
            assert (await h.accept("PO-1")).decision.allowed
            a = await h.ask(HUB, h.stage("PO-1"))
            assert a.decision.allowed, a
            await settled(h.shop)
            a = await h.ask(FLOOR, h.arrival("PO-1", "SCN-1", 1))
            print(a.decision)
            await settled(h.shop)
            a = await h.ask(NODE, h.start("PO-1", "J-1"))
            print(a.decision)
            for s in h.shop.sites.values():
                print(s.id, s.spine.size, {k: l.fault for k, l in s.links.items()})
        print("run", time.time() - t)
        t = time.time()
        print(unsound(h.audits()))
        print("aud", time.time() - t)

    asyncio.run(go())
