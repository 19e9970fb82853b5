"""Sites: who decides what, what crosses between them, what a site opens from. The shop of this file is everybody's.

`Founders` is a shop of which only the charter exists; `governed` adds a client and a released contract, once per run, and
hands out copies. Others (`tests/faults`, `tests/unit/test_submit.py`) build on it.
"""

import asyncio
import atexit
import base64
import binascii
import contextlib
import json
import re
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from msgspec.structs import replace

from holdgate.adapters.host import CountedEntropy, SetClock
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.audit.authorities import AUTHORITIES
from holdgate.audit.replay import LogReport
from holdgate.bootstrap import Shop
from holdgate.certifier.structure import certify
from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import digest, sha256
from holdgate.crypto.keys import SigningKey
from holdgate.crypto.sealed import seal_to
from holdgate.engine.answer import Answer
from holdgate.engine.bus import Peer
from holdgate.engine.opening import open_log
from holdgate.engine.ports import Store
from holdgate.founding import found
from holdgate.identity.charter import Founder, Settings
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.case import Pin
from holdgate.law.chronicle import blank_state
from holdgate.law.contract import (
    Billing,
    Characteristic,
    SmartClientPO,
    SmartSP,
    Step,
    document_digest,
    encode_document,
)
from holdgate.law.denial import sentence
from holdgate.law.gates.acts import HUB_ACTS, NODE_ACTS
from holdgate.law.orders import OrderBody
from holdgate.law.segments import Segment, decision_of
from holdgate.ledger.entry import Entry, read_entry
from holdgate.scenario.run import audit_shop
from holdgate.sites.desk import Desk
from holdgate.sites.policies import SEALED_INFO
from holdgate.sites.site import Site
from holdgate.terms import canon, instant
from holdgate.terms.errors import InvariantBroken, Malformed, Tampered, Unavailable
from holdgate.terms.limits import PAYLOAD_BYTES_MAX

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
            self.desk.add(seat.id, SigningKey.from_seed(self.shop._premises.keys(seat.id).signing))
        self._nonce = 0

    # ---- sites -----------------------------------------------------------------------------------------------------

    def open_vault(self) -> None:
        """Only the Vault."""
        self.shop.open_vault(VAULT)

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
    named: dict[str, Any] = {"contract": "SP-1", "version": "1"}
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


def _place(name: str) -> Path:
    """A directory that goes when the run ends."""
    place = Path(tempfile.mkdtemp(prefix=f"holdgate-{name}-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


@cache
def _governed_once() -> Path:
    place = _place("governed")

    async def make() -> None:
        house = House(place / "shop", new=True)
        await house.shop.open()
        await _govern(house)
        await house.close()

    asyncio.run(make())
    return place / "shop"


@cache
def _founded_once() -> Path:
    place = _place("founded")
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


def told(story: Callable[[House], Awaitable[None]], house: House) -> House:
    """A story in the running shop; its logs are audited in the end."""

    async def run() -> None:
        async with running(house):
            await story(house)

    asyncio.run(run())
    assert unsound(house.audits()) == []
    return house


async def staged(house: House, order: str = "PO-1", serials: tuple[str, ...] = ("S1",), node: str = NODE) -> None:
    """An order that waits at the gate."""
    assert (await house.accept(order)).decision.allowed
    answer = await house.ask(HUB, house.stage(order, serials, node))
    assert answer.decision.allowed, answer.decision
    await settled(house.shop)


# ---- which site decides what (foundations 1) -----------------------------------------------------------------------


def one_of_each(house: House, site: str) -> dict[type[c.Command], c.AnyCommand]:
    """Every act of this law version, signed for a site; sound enough to be read."""
    who = (("ADM", "admin"),)
    job = {"order": "PO-1", "job": "J-1"}
    step = {**job, "step": "S10", "contract": "x"}
    named = {"contract": "SP-1", "version": "1"}
    slip = house.slip("PO-1").slip
    fields: dict[type[c.Command], dict[str, Any]] = {
        c.EnrolIdentity: {
            "id": "NEW",
            "name": "New",
            "org": "LAB",
            "kind": "person",
            "key": house.desk.public("TEC"),
            "roles": ("technician",),
        },
        c.DisableIdentity: {"id": "TEC", "reason": "left"},
        c.RekeyIdentity: {"id": "TEC", "key": house.desk.public("TEC"), "reason": "lost"},
        c.EnrolSite: {
            "id": "N-3",
            "kind": "node",
            "origin": "lab.test/N-3",
            "key": house.desk.public("TEC"),
            "sealing_key": bytes(32),
        },
        c.KeepPayload: {"commitment": "0" * 64, "kind": "evidence"},
        c.ErasePayload: {"commitment": "0" * 64, "reason": "x"},
        c.PlaceHold: {"subject": "order:PO-1", "reason": "x"},
        c.LiftHold: {"subject": "order:PO-1", "reason": "x"},
        c.RetireSite: {"id": OTHER, "reason": "x"},
        c.RotateRoots: {"document": b"x", "reason": "x"},
        c.GrantCredential: {"person": "TEC", "credential": "L2", "until": T0, "evidence": "x"},
        c.RevokeCredential: {"person": "TEC", "credential": "L2", "reason": "x"},
        c.RegisterEquipment: {"id": "E-1", "equipment_class": "k", "cal_from": 0, "cal_until": T0, "in_service": True},
        c.RegisterMaterial: {"batch": "B", "material_kind": "k", "until": T0, "approved": True},
        c.CalibrateEquipment: {"id": "E-1", "as_found": "in_tolerance", "until": T0},
        c.CheckEquipment: {"id": "E-1", "result": "pass"},
        c.ExtendMaterial: {"batch": "B", "until": T0},
        c.VerifyDocument: {"order": "PO-1", "document": "drawing", "digest": "x"},
        c.AssignJob: {**job, "technician": "TEC"},
        c.CloseDelivery: {"order": "PO-1"},
        c.SubmitContract: {**named, "sha256": "x"},
        c.ApproveContract: {**named, "approval_role": "qa"},
        c.CertifyContract: {**named, "certificate": "x"},
        c.ActivateContract: {**named, "effectivity": "new_orders"},
        c.SuspendContract: {**named, "reason": "x"},
        c.ResumeContract: {**named, "reason": "x"},
        c.SuggestTune: {**named, "param": "p", "value": "1"},
        c.ApproveTune: {**named, "param": "p", "value": "1"},
        c.RevertTune: {**named, "param": "p", "reason": "x"},
        c.SuggestChange: {"contract": "SP-1", "change": "x"},
        c.ApplyChange: {"contract": "SP-1", "change": "x"},
        c.UpdatePolicy: {"policy": "AP-1", "zone": "LAB", "credential": "L2", "reason": "x"},
        c.AcceptTerms: {
            **named,
            "order": "PO-1",
            "terms": c.Terms(price_minor=1, currency="USD", milestones=(), client_window_s=1, on_silence="escalate"),
        },
        c.ReviewOrder: {"order": "PO-1", "document_digest": "x"},
        c.StageOrder: {
            **named,
            "order": "PO-1",
            "node": NODE,
            "client": "X",
            "part_no": "P",
            "rev": "-",
            "serials": ("S1",),
            "documents": (),
        },
        c.StageSlip: {"slip": slip},
        c.ReportArrival: {"part_no": "P", "rev": "-", "serials": ("S1",), "quantity": 1, "order": "PO-1"},
        c.AttestArrival: {
            "part_no": "P",
            "rev": "-",
            "serials": ("S1",),
            "quantity": 1,
            "photo_digest": "x",
            "reason": "x",
            "order": "PO-1",
        },
        c.VoidArrival: {"order": "PO-1", "serials": ("S1",), "reason": "x"},
        c.ReleaseOrder: {"order": "PO-1"},
        c.AcknowledgeForward: {"order": "PO-1", "body": "x", "serials": ("S1",)},
        c.ForwardOrder: {"order": "PO-1", "slip": "x", "serials": ("S1",)},
        c.NoticeOrder: {"order": "PO-1", "node": NODE, "state": "staged"},
        c.StartJob: {**job, "node": NODE},
        c.RepinJob: {**job, "version": "2"},
        c.SplitJob: {**job, "into": ()},
        c.StartStep: {**step, "equipment": (), "materials": ()},
        c.RecordReading: {**step, "characteristic": "f", "value": "1", "unit": "kN", "capture": "manual"},
        c.SignStep: {**step, "result": "pass"},
        c.CorrectEntry: {**job, "step": "S10", "characteristic": "f", "new_value": "1", "reason": "x"},
        c.AuthoriseDeviation: {**job, "step": "S10", "deviation": "D-1", "waive": (), "reason": "x"},
        c.WriteVault: {"target": VAULT},
        c.SignQa: {**job, "quantities": c.Quantities(received=1, accepted=1, rejected=0, scrapped=0)},
        c.SignCompliance: job,
        c.GenerateReport: {**job, "report": "R-1"},
        c.AmendReport: {"report": "R-1", "new_report": "R-2", "reason": "x"},
        c.DisposeNonconformance: {**job, "ncr": "recall-E-1-J-1", "disposition": "no_impact", "reason": "x"},
        c.ReviewReport: {"report": "R-1", "decision": "approve"},
        c.CloseWindow: {"report": "R-1"},
        c.IssueInvoice: {"order": "PO-1", "milestone": "receipt"},
        c.ReleasePayout: {**job, "rule": "x", "payee": "TEC"},
    }
    made: dict[type[c.Command], c.AnyCommand] = {
        kind: kind(**house.head(site, *who), **more)  # type: ignore[misc]  # every concrete act is one of AnyCommand
        for kind, more in fields.items()
    }
    return made


DECIDED_AT: Final = {
    HUB: HUB_ACTS,
    FLOOR: (
        c.StageSlip,
        c.ReportArrival,
        c.AttestArrival,
        c.VoidArrival,
        c.ReleaseOrder,
        c.AcknowledgeForward,
    ),
    NODE: NODE_ACTS,
}


def test_every_act_is_decided_by_one_kind_of_site() -> None:
    """But one: what becomes of a nonconformance is decided at the node, and at the hub once QA accepted the job."""
    acts = [act for decided in DECIDED_AT.values() for act in decided]
    acts.remove(c.DisposeNonconformance)
    assert sorted(act.__name__ for act in acts) == sorted(act.__name__ for act in c.ACTS.values())


def test_an_act_that_another_kind_of_site_decides_is_refused_as_wrong_site(tmp_path: Path) -> None:
    """Sent here and signed for here, and still not decided here: nothing but WRONG_SITE, and nothing becomes true."""

    async def story(house: House) -> None:
        for site, decided in DECIDED_AT.items():
            for kind, command in one_of_each(house, site).items():
                answer = await house.ask(site, command)
                if kind in decided:
                    assert "WRONG_SITE" not in answer.decision.codes, kind
                else:
                    assert answer.decision.codes == ("WRONG_SITE",), (site, kind)
                    assert answer.decision.events == ()

    told(story, governed(tmp_path))


def test_an_act_that_was_signed_for_another_site_is_refused(tmp_path: Path) -> None:
    """An envelope that is carried to another site of the right kind is worth nothing there."""

    async def story(house: House) -> None:
        for site, decided in DECIDED_AT.items():
            meant_for = OTHER if site == NODE else NODE
            for kind, command in one_of_each(house, meant_for).items():
                answer = await house.ask(site, command)
                assert not answer.decision.allowed
                assert answer.decision.events == ()
                if kind in decided:
                    assert "WRONG_SITE" in answer.decision.codes, (site, kind)

    told(story, governed(tmp_path))


def test_the_vault_takes_no_act_from_anybody(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        vault = house.shop.vaults[VAULT]
        held = {site: vault.store.held(house.shop.sites[site].notary.origin) for site in SITES}
        for command in one_of_each(house, VAULT).values():
            for sender in SITES:
                with pytest.raises(Unavailable, match="takes no actions"):
                    await house.shop.bus.peer(sender, VAULT).deliver(house.sign(command), (), sender)
        assert {site: vault.store.held(house.shop.sites[site].notary.origin) for site in SITES} == held
        written = c.WriteVault(**house.head(NODE, ("TEC", "technician")), target=VAULT)
        assert "VAULT_READ_ONLY" in (await house.ask(NODE, written)).decision.codes

    told(story, governed(tmp_path))


# ---- nobody releases by hand ---------------------------------------------------------------------------------------


def test_no_role_releases_an_order_by_hand_neither_before_nor_after(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        floor = house.shop.sites[FLOOR]
        everybody = {**PEOPLE, CLIENT: "client", **dict.fromkeys(READERS, "scanner"), "WS-REC": "workstation"}
        everybody |= {HUB: "business_hub", FLOOR: "floor_hub", NODE: "node", VAULT: "vault"}
        for phase in ("not staged", "held", "partial", "released"):
            for name, role in everybody.items():
                answer = await house.ask(FLOOR, house.release("PO-1", name, role))
                assert not answer.decision.allowed, (phase, name)
                assert answer.decision.events == ()
                expected = {"not staged": "PO_NOT_STAGED", "released": "ALREADY_DONE"}.get(phase, "NO_ARRIVAL")
                if role == "client":
                    expected = "UNKNOWN_IDENTITY"  # the floor hub does not know who the shop's clients are
                assert expected in answer.decision.codes, (phase, name)
            assert len(events(floor, ev.OrderReleased)) == (phase == "released")
            if phase == "not staged":
                await staged(house, serials=("S1", "S2"))
            elif phase in ("held", "partial"):
                serial = "S1" if phase == "held" else "S2"
                await house.ask(FLOOR, house.arrival("PO-1", "SCN-1", len(serial) + (serial == "S2"), (serial,)))
                await settled(house.shop)

    told(story, governed(tmp_path))


def test_nobody_but_the_reader_makes_an_arrival_and_nobody_but_the_hub_a_slip(tmp_path: Path) -> None:
    """Back doors to a release: a person's scan, a person's slip, a forward straight to the node, a false receipt."""

    async def story(house: House) -> None:
        await staged(house)
        floor, node = house.shop.sites[FLOOR], house.shop.sites[NODE]
        people = {**PEOPLE, CLIENT: "client", FLOOR: "floor_hub", NODE: "node"}
        for number, (name, role) in enumerate(people.items(), 1):
            for as_role in {role, "scanner"}:
                scan = replace(house.arrival("PO-1", "SCN-1", number), signers=(c.Signer(id=name, role=as_role),))
                assert not (await house.ask(FLOOR, scan)).decision.allowed, name
            for as_role in {role, "business_hub"}:
                slip = house.slip("PO-9", signers=((name, as_role),))
                assert not (await house.ask(FLOOR, slip)).decision.allowed, name
            if name == FLOOR:
                continue
            for as_role in {role, "floor_hub"}:
                forward = c.ForwardOrder(**house.head(NODE, (name, as_role)), order="PO-1", slip="x", serials=("S1",))
                refused = (await house.ask(NODE, forward)).decision
                assert not refused.allowed, name
                assert "ROLE_NOT_AUTHORISED" in refused.codes, name
        assert not events(floor, ev.OrderReleased, ev.ArrivalRecorded)
        assert not events(node, ev.OrderReceived)
        assert not (await house.ask(NODE, house.start("PO-1", "J-1"))).decision.allowed

    told(story, governed(tmp_path))


def attestation(house: House, order: str, *signers: c.Signer, serials: tuple[str, ...] = ("S1",)) -> c.AttestArrival:
    """Somebody saw these parts at the dock."""
    return c.AttestArrival(
        **house.head(FLOOR, *signers, place="WS-REC"),
        part_no="BAR-17-4",
        rev="-",
        serials=serials,
        quantity=len(serials),
        photo_digest="sha256:5f0c",
        reason="mark unreadable",
        order=order,
    )


def seen_by(name: str, session: str, *components: str) -> c.Signer:
    return c.Signer(
        id=name, role=PEOPLE[name], meaning="seen here", auth=c.Auth(components=components, session=session)
    )


def test_two_people_attest_in_sessions_of_their_own(tmp_path: Path) -> None:
    """A session is opened by an accepted attestation only, lasts while it is used, and holds for its own signer."""

    async def story(house: House) -> None:
        slips = [house.slip(f"PO-{n}", (f"S{n}",), evidence=("attested",)) for n in range(1, 5)]
        for slip in slips:
            assert (await house.ask(FLOOR, slip)).decision.allowed
        first = [seen_by(name, "shift", "badge", "pin") for name in ("RCV", "TEC")]
        later = [seen_by(name, "shift", "pin") for name in ("RCV", "TEC")]
        sessions = house.shop.sites[FLOOR].chronicle.state.sessions

        wrong = await house.ask(FLOOR, attestation(house, "PO-1", *first, serials=("S9",)))
        assert (wrong.decision.codes, sessions) == (("SERIAL_UNKNOWN",), {})
        assert (await house.ask(FLOOR, attestation(house, "PO-1", *later))).decision.codes == (
            "SIGNATURE_AUTH_FAILED",
            "SIGNATURE_AUTH_FAILED",
        )
        assert (await house.ask(FLOOR, attestation(house, "PO-1", *first))).decision.allowed
        assert sessions == {"RCV|shift": house.clock.now(), "TEC|shift": house.clock.now()}

        house.clock.instant += 600_000_000
        assert (await house.ask(FLOOR, attestation(house, "PO-2", *later, serials=("S2",)))).decision.allowed
        stranger = [later[0], seen_by("QAM", "shift", "pin")]
        assert (await house.ask(FLOOR, attestation(house, "PO-3", *stranger, serials=("S3",)))).decision.codes == (
            "SIGNATURE_AUTH_FAILED",
        )
        house.clock.instant += 600_000_001
        assert (await house.ask(FLOOR, attestation(house, "PO-3", *later, serials=("S3",)))).decision.codes == (
            "SIGNATURE_AUTH_FAILED",
            "SIGNATURE_AUTH_FAILED",
        )

    told(story, founded(tmp_path))


def test_an_attestation_without_one_of_its_signatures_is_an_attempt(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.ask(FLOOR, house.slip("PO-1", evidence=("attested",)))
        command = attestation(house, "PO-1", *(seen_by(name, "s", "badge", "pin") for name in ("RCV", "TEC")))
        answer = await house.shop.sites[FLOOR].submit(house.desk.sign_only(command, ["RCV", "WS-REC"]))
        assert answer.decision.codes == ("SIGNATURE_AUTH_FAILED",)
        assert house.shop.sites[FLOOR].chronicle.state.slips["PO-1"].state == "held"
        assert (await house.ask(FLOOR, command)).decision.allowed

    told(story, founded(tmp_path))


def test_an_arrival_that_was_taken_back_earns_nothing_at_the_office(tmp_path: Path) -> None:
    """The hub follows its record: void, then the parts again, then the milestone, once."""

    async def story(house: House) -> None:
        await staged(house, serials=("S1", "S2"))
        await house.ask(FLOOR, house.arrival("PO-1", "SCN-1", 1))
        back = c.VoidArrival(
            **house.head(FLOOR, ("RCV", "receiving")), order="PO-1", serials=("S1",), reason="another box"
        )
        assert (await house.ask(FLOOR, back)).decision.allowed
        await settled(house.shop)
        hub = house.shop.sites[HUB]
        assert hub.chronicle.state.orders["PO-1"].arrived == ()
        await house.ask(FLOOR, house.arrival("PO-1", "SCN-1", 2, ("S2",)))
        await settled(house.shop)
        assert events(hub, ev.InvoiceIssued) == []
        assert (await house.ask(FLOOR, house.arrival("PO-1", "SCN-1", 3))).decision.allowed
        await settled(house.shop)
        assert [e.milestone for e in events(hub, ev.InvoiceIssued)] == ["receipt"]

    told(story, governed(tmp_path))


def test_two_officers_cannot_enrol_a_second_business_hub(tmp_path: Path) -> None:
    """Sites are seats of the charter, which the roots signed."""

    async def story(house: House) -> None:
        house.desk.add("HUB2")
        enrolled = c.EnrolIdentity(
            **house.head(HUB, ("ADM", "admin"), ("QAM", "qa"), ("HUB2", "newcomer")),
            id="HUB2",
            name="x",
            org="LAB",
            kind="site",
            roles=("business_hub",),
            key=house.desk.public("HUB2"),
        )
        assert (await house.ask(HUB, enrolled)).decision.codes == ("KEY_NOT_ACCEPTED",)
        await settled(house.shop)
        answer = await house.ask(FLOOR, house.slip("PO-9", signers=(("HUB2", "business_hub"),)))
        assert not answer.decision.allowed

    told(story, governed(tmp_path))


# ---- what the floor hub knows --------------------------------------------------------------------------------------


def readable(store: SqliteStore) -> bytes:
    """Everything that can be read out of a store: its bytes, and what base64 inside of it hides, four levels deep."""
    found = [file.read_bytes() for file in sorted(store.path.parent.glob("ledger.*"))]
    layer = list(found)
    for _ in range(4):
        texts = [text for raw in layer for text in re.findall(rb"[A-Za-z0-9+/]{24,}={0,2}", raw)]
        layer = []
        for text in texts:
            with contextlib.suppress(binascii.Error):
                layer.append(base64.b64decode(text + b"=" * (-len(text) % 4)))
        found += layer
    return b"\0".join(found)


async def busy(house: House) -> None:
    """An order from the client's signature to a recorded reading."""
    await staged(house)
    assert (await house.ask(FLOOR, house.arrival("PO-1", "SCN-1", 1))).decision.allowed
    await settled(house.shop)
    assert (await house.ask(NODE, house.start("PO-1", "J-1"))).decision.allowed
    await settled(house.shop)


SECRET: Final = {
    "price": str(PRICE).encode(),
    "milestone": str(BILLING[0].amount_minor).encode(),
    "lower limit": LIMITS[0].encode(),
    "upper limit": LIMITS[1].encode(),
    "characteristic": b"forceatbreak",
    "technique": TEMPLATE.process.encode(),
    "contract": document_digest(TEMPLATE).encode(),
    "contract's number": b"SP-1",
    "currency": b'"currency":"USD"',
    "body": f'"client":"{CLIENT_ORG}"'.encode(),
}


def test_the_floor_hub_holds_no_order_body_no_price_and_no_test_logic(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await busy(house)
        everywhere = {name: readable(house.shop.sites[name].means.store) for name in (HUB, FLOOR)}  # type: ignore[arg-type]
        for what, secret in SECRET.items():
            assert secret in everywhere[HUB], f"this search would not find the {what}"
            assert secret not in everywhere[FLOOR], f"the floor hub holds the {what}"

    told(story, governed(tmp_path))


@pytest.mark.parametrize("secret", [CLIENT_NAME, CLIENT_ORG])
def test_the_floor_hub_holds_no_client_s_name(tmp_path: Path, secret: str) -> None:
    async def story(house: House) -> None:
        await busy(house)
        assert secret.encode() in readable(house.shop.sites[HUB].means.store)  # type: ignore[arg-type]
        assert secret.encode() not in readable(house.shop.sites[FLOOR].means.store)  # type: ignore[arg-type]

    told(story, governed(tmp_path))


# ---- what a node takes ---------------------------------------------------------------------------------------------


def sealed_for(house: House, node: str, body: bytes) -> Pin:
    """A body sealed to a node."""
    key = next(seat.sealing_key for seat in house.shop.charter.sites if seat.id == node)
    assert key is not None
    sealed = seal_to(key, body, SEALED_INFO, node.encode())
    return Pin(sha256=digest(sealed), content=sealed)


def order_body(order: str, **changes: Any) -> bytes:
    """The body of an order, as the business hub would write it."""
    fields: dict[str, Any] = {
        "order": order,
        "sha256": document_digest(TEMPLATE),
        "contract": "SP-1",
        "version": "1",
        "client": CLIENT_ORG,
        "part_no": "BAR-17-4",
        "rev": "-",
        "serials": ("S1",),
        "documents": (),
    }
    return canon.encode(OrderBody(**(fields | changes)))


async def forward(house: House, slip: c.StageSlip, *beside: Pin, signer: str = FLOOR, node: str = NODE) -> Answer:
    """The floor hub forwards this to a node."""
    envelope = house.sign(slip)
    command = c.ForwardOrder(
        **house.head(node, (signer, "floor_hub")),
        order=slip.slip.order,
        slip=digest(envelope),
        serials=slip.slip.serials,
    )
    pins = (Pin(sha256=digest(envelope), content=envelope), *beside)
    return await house.shop.sites[node].submit(house.sign(command), pins)


def test_a_node_takes_what_the_business_hub_signed_and_nothing_that_differs(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        body = order_body("PO-1")
        true = house.slip("PO-1", body=digest(body))
        another = order_body("PO-1", client="SOMEBODY")
        cases = {
            "another body": (true, [sealed_for(house, NODE, another)], "BODY_MISMATCH"),
            "no body": (true, [], "BODY_MISMATCH"),
            "sealed to another node": (true, [sealed_for(house, OTHER, body)], "BODY_MISMATCH"),
            "a slip signed by a person": (
                house.slip("PO-1", body=digest(body), signers=(("ADM", "admin"),)),
                [sealed_for(house, NODE, body)],
                "BODY_MISMATCH",
            ),
            "a slip signed by the floor hub": (
                house.slip("PO-1", body=digest(body), signers=((FLOOR, "business_hub"),)),
                [sealed_for(house, NODE, body)],
                "BODY_MISMATCH",
            ),
            "a slip for another node": (
                house.slip("PO-1", body=digest(body), node=OTHER),
                [sealed_for(house, NODE, body)],
                "WRONG_NODE",
            ),
            "a body of other parts": (
                house.slip("PO-1", ("S7",), body=digest(body)),
                [sealed_for(house, NODE, body)],
                "BODY_MISMATCH",
            ),
            "a body of another order": (
                house.slip("PO-2", body=digest(body)),
                [sealed_for(house, NODE, body)],
                "BODY_MISMATCH",
            ),
        }
        for name, (slip, beside, code) in cases.items():
            answer = await forward(house, slip, *beside)
            assert code in answer.decision.codes, (name, answer.decision)
        assert not events(house.shop.sites[NODE], ev.OrderReceived)
        unread = await forward(house, replace(true, signers=(c.Signer(id=OTHER, role="node"),)), signer=OTHER)
        assert "ROLE_NOT_AUTHORISED" in unread.decision.codes
        assert (await forward(house, true, sealed_for(house, NODE, body))).decision.allowed, "the true one passes"

    told(story, governed(tmp_path))


def test_an_order_that_is_forwarded_twice_is_received_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        body = order_body("PO-1")
        slip = house.slip("PO-1", body=digest(body))
        for _ in range(2):
            await forward(house, slip, sealed_for(house, NODE, body))
        assert len(events(house.shop.sites[NODE], ev.OrderReceived)) == 1

    told(story, governed(tmp_path))


def test_other_nodes_know_where_an_order_belongs_and_no_part_data(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await staged(house, serials=("SERIAL-77",))
        held = await house.ask(OTHER, house.start("PO-1", "J-1", OTHER))
        assert "WRONG_NODE" in held.decision.codes
        too_early = await house.ask(NODE, house.start("PO-1", "J-0"))
        assert "NO_ARRIVAL" in too_early.decision.codes
        scan = house.arrival("PO-1", "SCN-1", 1, ("SERIAL-77",))
        assert (await house.ask(FLOOR, scan)).decision.allowed
        await settled(house.shop)
        gone = await house.ask(OTHER, house.start("PO-1", "J-1", OTHER))
        assert "WRONG_NODE" in gone.decision.codes
        assert NODE in sentence(next(d for d in gone.decision.denials if d.code == "WRONG_NODE"))
        other = house.shop.sites[OTHER]
        raw = [open_envelope(bytes(entry.action)).payload for entry in entries(other) if entry.kind == "action"]
        notices = [payload for payload in raw if b"order.notice" in payload]
        assert len(notices) == 2
        for payload in notices:
            said = json.loads(payload)
            assert set(said) == {"act", "at", "nonce", "signers", "site", "order", "node", "state"}
            assert (said["order"], said["node"]) == ("PO-1", NODE)
        known = readable(other.means.store)  # type: ignore[arg-type]
        for part in (b"SERIAL-77", b"BAR-17-4"):
            assert part not in known

    told(story, governed(tmp_path))


# ---- alone ---------------------------------------------------------------------------------------------------------


def test_with_office_and_vault_out_of_reach_the_dock_and_the_node_work_on(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        shop = house.shop
        await staged(house)
        await staged(house, "PO-2", ("S2",))
        shop.bus.cut(VAULT)
        shop.bus.cut(HUB)
        assert (await house.ask(FLOOR, house.arrival("PO-1", "SCN-1", 1))).decision.allowed
        wrong = replace(house.arrival("PO-2", "SCN-1", 2, ("S2",)), part_no="BAR-15-5")
        assert "PART_MISMATCH" in (await house.ask(FLOOR, wrong)).decision.codes
        by_hand = await house.ask(FLOOR, house.release("PO-2"))
        assert by_hand.decision.codes == ("NO_ARRIVAL",)
        await settled(shop)
        assert (await house.ask(NODE, house.start("PO-1", "J-1"))).decision.allowed
        contract = document_digest(TEMPLATE)
        step: dict[str, Any] = {"order": "PO-1", "job": "J-1", "step": "S10", "contract": contract}
        begun = c.StartStep(**house.head(NODE, ("TEC", "technician"), place="WS-1"), **step, equipment=(), materials=())
        assert (await house.ask(NODE, begun)).decision.allowed
        hub = shop.sites[HUB]
        assert not events(hub, ev.InvoiceIssued), "money waits for the office"
        with pytest.raises(Unavailable, match="out of reach"):
            await shop.bus.peer(NODE, HUB).deliver(house.sign(house.material("B-1")), (), NODE)
        shop.bus.mend(HUB)
        await settled(shop)
        assert [event.milestone for event in events(hub, ev.InvoiceIssued)] == ["receipt"]
        shop.bus.mend(HUB)
        shop.bus.mend(VAULT)
        await settled(shop)
        again = await house.ask(FLOOR, replace(house.arrival("PO-1", "SCN-1", 1), nonce="anew"))
        assert again.decision.codes == ("REPLAYED_BROADCAST",)
        await settled(shop)
        assert len(events(hub, ev.InvoiceIssued)) == 1
        for name in SITES:
            site = shop.sites[name]
            assert shop.vaults[VAULT].store.held(site.notary.origin)[0] == site.spine.size
            if name != HUB:
                assert await hub.held(site.notary.origin, name) == site.spine.size

    told(story, governed(tmp_path))


def test_a_defect_while_something_is_sent_is_the_link_s_fault_and_the_link_goes_on(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        hub = house.shop.sites[HUB]
        link = hub.links[VAULT]
        sound = link._round

        async def defect() -> None:
            raise TypeError("a policy with a defect")

        link._round = defect  # type: ignore[method-assign]
        await house.ask(HUB, house.material("B-1"))
        await until(lambda: isinstance(link.fault, InvariantBroken))
        assert "a policy with a defect" in str(link.fault)
        link._round = sound  # type: ignore[method-assign]
        await until(lambda: link.fault is None and link._position == hub.spine.size)

    told(story, governed(tmp_path))


async def until(holds: Callable[[], bool]) -> None:
    """Within seconds this holds."""
    for _ in range(2_000):
        if holds():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it did not come to that")


# ---- what crosses between sites is believed no further than it is proven --------------------------------------------


async def next_of(house: House, site: str, peer: str = HUB) -> Segment:
    """The next stretch of a site's log, unsent: the link is cut, and something happened."""
    own = house.shop.sites[site]
    house.shop.bus.cut(site)
    if site == FLOOR:
        await house.ask(FLOOR, house.arrival(None, "SCN-3", 99, ("S-x",)))
    else:
        await house.ask(site, house.start("PO-none", "J-none", site))
    taker: Peer = house.shop.vaults[VAULT] if peer == VAULT else house.shop.sites[HUB]
    return own.links[peer].next_segment(await taker.held(own.notary.origin, site))


def flipped(segment: Segment) -> Segment:
    index = max(segment.entries)
    body = bytearray(segment.entries[index])
    body[len(body) // 2] ^= 1
    return replace(segment, entries={**segment.entries, index: bytes(body)})


ALTERED: Final[dict[str, Callable[[Segment], Segment]]] = {
    "an entry with a flipped bit": flipped,
    "a leaf left out": lambda s: replace(s, leaves=s.leaves[:-1], size=s.size - 1, entries={}),
    "leaves in another order": lambda s: replace(s, leaves=s.leaves[::-1]),
    "another checkpoint": lambda s: replace(s, checkpoint=s.checkpoint[:-9] + b"AAAAAAA=\n"),
    "another start": lambda s: replace(s, start=s.start + 1),
    "another log": lambda s: replace(s, origin="lab.test/N-2"),
    "no log of this shop": lambda s: replace(s, origin="evil.test/HUB"),
    "nothing": lambda s: replace(s, leaves=(), size=s.start, entries={}),
}


IN_FULL: Final = "leaves in another order"
"""What changes nothing for the Vault: it has every entry in full and computes the leaves itself."""


@pytest.mark.parametrize(
    ("peer", "name"), [(p, n) for p in (HUB, VAULT) for n in ALTERED if (p, n) != (VAULT, IN_FULL)]
)
def test_an_altered_stretch_of_a_log_is_refused_and_the_true_one_taken(tmp_path: Path, peer: str, name: str) -> None:
    async def story(house: House) -> None:
        segment = await next_of(house, NODE, peer)
        taker: Peer = house.shop.vaults[VAULT] if peer == VAULT else house.shop.sites[HUB]
        before = await taker.held(segment.origin, NODE)
        with pytest.raises((Tampered, Malformed)):
            await taker.offer(ALTERED[name](segment), NODE)
        assert await taker.held(segment.origin, NODE) == before
        await taker.offer(segment, NODE)
        assert await taker.held(segment.origin, NODE) == segment.size

    told(story, governed(tmp_path))


FORGED_DOCUMENT: Final = b"another technique, with other limits"


def with_forged_document(segment: Segment) -> Segment:
    """The segment, with a document beside it that no entry names, under the key of the technique."""
    return replace(segment, blobs={**segment.blobs, "f" * 64: FORGED_DOCUMENT})


def test_a_forged_document_beside_a_true_stretch_does_not_keep_the_hub_from_opening(tmp_path: Path) -> None:
    house = governed(tmp_path)

    async def story() -> None:
        await house.shop.open()
        try:
            with contextlib.suppress(Tampered, Malformed):
                await house.shop.sites[HUB].offer(with_forged_document(await next_of(house, NODE)), NODE)
        finally:
            await house.close()

    asyncio.run(story())
    with sqlite3.connect(house.directory / HUB / "ledger.db") as db:
        db.execute("DELETE FROM snapshot")
    db.close()

    async def reopen() -> None:
        back = House(house.directory, seed=2 << 20)
        try:
            await back.open(HUB)
        finally:
            await back.close()

    asyncio.run(reopen())
    assert unsound(house.audits()) == []


def test_a_forged_document_beside_a_true_stretch_never_becomes_the_law(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        hub = house.shop.sites[HUB]
        segment = await next_of(house, NODE)
        key = TEMPLATE.process
        offered = asyncio.ensure_future(hub.offer(replace(segment, blobs={key: FORGED_DOCUMENT}), NODE))
        await asyncio.sleep(0)
        said = hub.chronicle.library.blob(key)
        await asyncio.gather(offered, return_exceptions=True)
        assert said == encode_document(TECHNIQUE)

    house = governed(tmp_path)

    async def run() -> None:
        async with running(house):
            await story(house)

    asyncio.run(run())


def test_the_vault_keeps_no_document_under_a_key_that_is_not_its_own(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        segment = with_forged_document(await next_of(house, NODE, VAULT))
        with contextlib.suppress(Tampered, Malformed):
            await house.shop.vaults[VAULT].offer(segment, NODE)
        mirror = sqlite3.connect(house.directory / VAULT / "mirror.db")
        kept = mirror.execute("SELECT key, body FROM blob WHERE key = ?", ("f" * 64,)).fetchall()
        mirror.close()
        assert kept == []

    told(story, governed(tmp_path))


def test_an_entry_that_is_withheld_from_the_hub_is_missed(tmp_path: Path) -> None:
    """Whoever carries the segment can leave entries out; the leaves alone still lead to the signed root."""

    async def story(house: House) -> None:
        segment = await next_of(house, NODE)
        with pytest.raises((Tampered, Malformed)):
            await house.shop.sites[HUB].offer(replace(segment, entries={}), NODE)

    told(story, governed(tmp_path))


def test_an_order_of_the_largest_size_is_handed_over_and_blocks_no_other(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        bare = len(canon.encode(house.stage("PO-1", ())))
        count = (PAYLOAD_BYTES_MAX - bare - 20) // 11
        serials = tuple(f"{n:08d}" for n in range(count))
        assert (await house.accept("PO-1")).decision.allowed
        order = house.stage("PO-1", serials)
        assert len(canon.encode(order)) <= PAYLOAD_BYTES_MAX
        if not (await house.ask(HUB, order)).decision.allowed:
            return
        await settled(house.shop)
        await staged(house, "PO-2", ("S2",))
        assert "PO-2" in house.shop.sites[FLOOR].chronicle.state.slips, house.shop.sites[HUB].links[FLOOR].fault

    told(story, governed(tmp_path))


# ---- snapshots -----------------------------------------------------------------------------------------------------


def standing(site: Site) -> object:
    """All that a site carries, as plain values."""
    return msgspec.to_builtins(site.chronicle.standing)


def on_disk(house: House, site: str, statement: str, *values: object) -> list[Any]:
    """Do something to a closed store."""
    with sqlite3.connect(house.directory / site / "ledger.db") as db:
        found = db.execute(statement, values).fetchall()
    db.close()
    return found


async def opened(house: House, site: str) -> tuple[int, object, bytes]:
    """Open a log as a site does, without writing: what was done again, the standing, the root."""
    store = SqliteStore(house.directory / site / "ledger.db")
    seat = next(seat for seat in house.shop.charter.sites if seat.id == site)
    blank = blank_state(house.shop.charter, seat.id, seat.kind)
    found = open_log(store, blank, AUTHORITIES[seat.kind], _History(store), house.shop._premises.roots)
    plain = msgspec.to_builtins(found.chronicle.standing)
    root = found.chronicle.tree.root()
    store.close()
    return found.tail, plain, root


class _History:
    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def head(self, subject: str, before: int) -> bytes | None:
        return self._store.last_of(subject, before)

    def find(self, subject: str, digest: bytes, before: int) -> int | None:
        return self._store.find(subject, digest, before)


def used(tmp_path: Path) -> House:
    """A shop in which things happened, closed."""
    house = governed(tmp_path)

    async def story() -> None:
        async with running(house):
            await busy(house)

    asyncio.run(story())
    return House(house.directory, seed=2 << 20)


@pytest.mark.parametrize("site", SITES)
def test_opened_from_its_snapshot_a_site_stands_as_after_doing_everything_again(tmp_path: Path, site: str) -> None:
    house = used(tmp_path)
    [(size,)] = on_disk(house, site, "SELECT size FROM head")
    tail, quick, root = asyncio.run(opened(house, site))
    assert tail == 0
    on_disk(house, site, "DELETE FROM snapshot")
    tail, whole, again = asyncio.run(opened(house, site))
    assert tail == size
    assert quick == whole
    assert root == again


def altered_body(row: tuple[Any, ...]) -> tuple[Any, ...]:
    size, root, sha, body = row
    middle = len(body) // 2
    return size, root, sha, body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]


def altered_root(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row[0], bytes(32), row[2], row[3]


def beyond_the_log(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row[0] + 1_000, row[1], row[2], row[3]


def cut_short(row: tuple[Any, ...]) -> tuple[Any, ...]:
    body = row[3][:-40]
    return row[0], row[1], sha256(body), body


def of_another_version(row: tuple[Any, ...]) -> tuple[Any, ...]:
    body = msgspec.msgpack.encode({"state": "as the next release writes it"})
    return row[0], row[1], sha256(body), body


BROKEN: Final = {
    "a flipped byte": altered_body,
    "another root": altered_root,
    "a size beyond the log": beyond_the_log,
    "cut short, with a digest that fits": cut_short,
    "written by another version": of_another_version,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_snapshot_is_ignored_and_everything_done_again(tmp_path: Path, name: str) -> None:
    house = used(tmp_path)
    _, expected, root = asyncio.run(opened(house, FLOOR))
    [row] = on_disk(house, FLOOR, "SELECT size, root, digest, body FROM snapshot")
    on_disk(house, FLOOR, "DELETE FROM snapshot")
    on_disk(house, FLOOR, "INSERT INTO snapshot VALUES(?,?,?,?)", *BROKEN[name](row))
    tail, found, again = asyncio.run(opened(house, FLOOR))
    assert tail > 0
    assert (found, again) == (expected, root)


def test_a_snapshot_of_another_site_is_ignored(tmp_path: Path) -> None:
    house = used(tmp_path)
    _, expected, root = asyncio.run(opened(house, NODE))
    [row] = on_disk(house, FLOOR, "SELECT size, root, digest, body FROM snapshot")
    on_disk(house, NODE, "DELETE FROM snapshot")
    on_disk(house, NODE, "INSERT INTO snapshot VALUES(?,?,?,?)", *row)
    tail, found, again = asyncio.run(opened(house, NODE))
    assert tail > 0
    assert (found, again) == (expected, root)


def test_a_snapshot_of_another_continuation_of_this_log_is_ignored(tmp_path: Path) -> None:
    def grown(place: Path, *orders: str) -> House:
        house = founded(place)

        async def story() -> None:
            await house.open(FLOOR)
            for order in orders:
                await house.ask(FLOOR, house.slip(order))
            await house.close()

        asyncio.run(story())
        return house

    house, fork = grown(tmp_path / "one", "PO-1", "PO-2", "PO-3"), grown(tmp_path / "two", "PO-7", "PO-8")
    _, expected, root = asyncio.run(opened(house, FLOOR))
    [row] = on_disk(fork, FLOOR, "SELECT size, root, digest, body FROM snapshot")
    on_disk(house, FLOOR, "DELETE FROM snapshot")
    on_disk(house, FLOOR, "INSERT INTO snapshot VALUES(?,?,?,?)", *row)
    _, found, again = asyncio.run(opened(house, FLOOR))
    assert (found, again) == (expected, root)


def test_a_site_that_was_not_closed_does_the_tail_after_its_snapshot_again(tmp_path: Path) -> None:
    house = used(tmp_path)

    async def story() -> None:
        floor = await house.open(FLOOR)
        await house.ask(FLOOR, house.slip("PO-7"))
        shutil.copytree(house.directory / FLOOR, tmp_path / "crashed")
        await house.close()
        shutil.rmtree(house.directory / FLOOR)
        shutil.copytree(tmp_path / "crashed", house.directory / FLOOR)
        assert floor.spine.size > 0

    asyncio.run(story())
    tail, quick, root = asyncio.run(opened(house, FLOOR))
    assert tail == 2, "the start and the slip"
    on_disk(house, FLOOR, "DELETE FROM snapshot")
    assert asyncio.run(opened(house, FLOOR))[1:] == (quick, root)
