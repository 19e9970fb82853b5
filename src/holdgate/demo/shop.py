"""The demonstration's shop: who and what is in it, how it is founded, and how its people act.

Nothing is put in by hand. Two officers are founders of the charter; everybody and everything else is enrolled, registered
and approved by signed acts. Keys are made on the spot; the clock stands at the story's times, so that no hour has to pass.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec import Struct

from holdgate.adapters.host import HostEntropy, SetClock
from holdgate.adapters.sqlite_payloads import FILE, SqlitePayloads
from holdgate.adapters.zones import instant_or_end_of_day
from holdgate.bootstrap import BUSINESS_HUB, FLOOR_HUB, VAULT, Shop
from holdgate.crypto.hashes import digest
from holdgate.crypto.keys import SigningKey
from holdgate.engine.answer import Answer
from holdgate.founding import found
from holdgate.identity.charter import Founder, Settings
from holdgate.law import command as c
from holdgate.law.case import Pin
from holdgate.law.contract import SmartClientPO
from holdgate.law.denial import sentence
from holdgate.law.event import AnyEvent, Event
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import read_entry
from holdgate.pay.books import ACCOUNT, Payee
from holdgate.sites.desk import Desk
from holdgate.terms import canon, instant
from holdgate.terms.errors import InvariantBroken, Unavailable
from holdgate.terms.party import Account

ZONE: Final = "America/Chicago"
NODE: Final = "NODE-FPI"
OFFICE: Final = "WS-OFFICE"
DOCK: Final = "WS-REC"
LINE: Final = "WS-FPI-1"
BOOTH: Final = "WS-BOOTH-1"
HEAT: Final = "NODE-HT"
PLACES: Final = {
    BUSINESS_HUB: "Office",
    FLOOR_HUB: "Receiving",
    NODE: "Penetrant line",
    HEAT: "Heat treat",
    VAULT: "Read-only copy",
}
"""Sites as people in the shop call them."""

ADMIN: Final = "SID-ADM-01"
QA: Final = "SID-QA-01"
PLANNER: Final = "SID-PM-01"
COMPLIANCE: Final = "SID-CMP-01"
LEVEL3: Final = "SID-L3-01"
METROLOGY: Final = "SID-MET-01"
RECEIVING: Final = "SID-REC-01"
TECHNICIAN: Final = "SID-TEC-11"
CLIENT: Final = "SID-CLI-01"
FINANCE: Final = "SID-FIN-01"
SCANNER: Final = "SID-SCN-01"
VALIDATOR: Final = "SID-CERT-01"
REPORTS: Final = "SID-SYS-01"


class Member(NamedTuple):
    """A person, device or service of the shop; workstations and readers stand in a zone."""

    id: str
    name: str
    roles: tuple[str, ...]
    kind: str = "person"
    org: str = "LAB"
    zone: str | None = None
    node: str | None = None


FOUNDERS: Final = (Member(ADMIN, "K. Stone", ("admin",)), Member(QA, "S. Iyer", ("qa",)))
PEOPLE: Final = (
    Member(PLANNER, "D. Reyes", ("project_manager",)),
    Member(COMPLIANCE, "L. Marsh", ("compliance",)),
    Member(LEVEL3, "Dr. H. Weber", ("level3", "author")),
    Member(METROLOGY, "T. Abe", ("metrology",)),
    Member(RECEIVING, "R. Osei", ("receiving",)),
    Member(TECHNICIAN, "M. Alvarez", ("technician",)),
    Member(CLIENT, "AERODYNE quality", ("client",), org="AERODYNE"),
    Member(FINANCE, "P. Novak", ("finance",)),
)
THINGS: Final = (
    Member(VALIDATOR, "Certifying service", ("certifier",), "module"),
    Member(REPORTS, "Report service", ("system",), "module"),
    Member(SCANNER, "Dock scanner", ("scanner",), "device", zone="RECEIVING"),
    Member(OFFICE, "Office workstation", ("workstation",), "device", zone="OFFICE"),
    Member(DOCK, "Dock", ("workstation",), "device", zone="RECEIVING"),
    Member(LINE, "Penetrant line", ("workstation",), "device", zone="FPI-LINE", node=NODE),
    Member(BOOTH, "Inspection booth", ("workstation",), "device", zone="FPI-BOOTH", node=NODE),
)
NAMES: Final = {member.id: member.name for member in (*FOUNDERS, *PEOPLE, *THINGS)}
CERTS: Final = {
    TECHNICIAN: {"PT-L2": "2026-11-30", "VISION": "2026-02-14", "SAFE-CHEM": "2026-06-30"},
    LEVEL3: {"PT-L3": "2028-01-31", "VISION": "2026-04-30"},
}
INSTRUMENTS: Final = (
    ("RAD-07", "radiometer", "2024-09-30", "2025-09-30"),
    ("THM-09", "thermometer", "2024-11-30", "2025-11-30"),
    ("GAU-03", "pressure_gauge", "2024-08-31", "2025-08-31"),
    ("OVN-02", "oven", "2024-07-31", "2025-07-31"),
)
BATCHES: Final = (("PEN-24117", "penetrant", "2027-04-30", True), ("DEV-2409", "developer", "2027-01-31", True))


class Cast(NamedTuple):
    """Who and what is in a shop when it opens.

    `certs`: by person, each with its last day. `instruments`: id, class, calibrated, due. `batches`: batch, kind, last day, and
    whether it is released or in quarantine. `nodes`: the areas that have a record of their own.
    """

    people: tuple[Member, ...]
    things: tuple[Member, ...]
    certs: dict[str, dict[str, str]]
    instruments: tuple[tuple[str, str, str, str], ...]
    batches: tuple[tuple[str, str, str, bool], ...]
    nodes: tuple[str, ...]


FPI: Final = Cast(PEOPLE, THINGS, CERTS, INSTRUMENTS, BATCHES, (NODE,))
"""The shop of the first story."""
PARTIES: Final = (
    {
        "org": "LAB",
        "name": "Example NDT & Materials Lab LLC",
        "street": "200 Test Bench Road",
        "city": "Rockford",
        "postal_code": "61101",
        "region": "IL",
        "country": "US",
        "tax_id": "12-3456789",
        "email": "office@example-lab.test",
        "routing": "021000021",
        "account": "000123456789",
    },
    {
        "org": "AERODYNE",
        "name": "Aerodyne Structures Inc.",
        "street": "1 Runway Drive",
        "city": "Wichita",
        "postal_code": "67202",
        "region": "KS",
        "country": "US",
        "email": "payables@aerodyne.test",
        "tax_category": "O",
        "tax_reason": "Testing service, not subject to sales tax",
    },
)
"""The shop and its client, as invoices name them; account and tax numbers are made up."""
PAYEE: Final = Payee(name="M. Alvarez", account=Account(routing="011401533", number="987654321"))
"""Where the technician is paid: made up, and kept off the record."""
# What this lab's reports carry (ISO/IEC 17025 7.8.2.1).
_HEAD: Final = ("title", "lab_name_address", "location_of_work", "unique_id_and_end", "customer", "method")
_ITEM: Final = ("item_identification", "date_received", "dates_performed", "date_issued")
_RESULT: Final = ("relates_only_to_items_tested", "results_with_units", "deviations", "person_authorising")
SETTINGS: Final = Settings(
    name="Example NDT & Materials Lab",
    tz=ZONE,
    receiving_zones=("RECEIVING",),
    office=OFFICE,
    session_idle_s=600,
    entry_skew_s=120,
    arrival_skew_s=300,
    arrival_fresh_s=14_400,
    approval_roles=("admin", "compliance", "qa", "project_manager"),
    report_fields=(*_HEAD, *_ITEM, *_RESULT),
)
SIGNERS: Final = {"admin": ADMIN, "compliance": COMPLIANCE, "qa": QA, "project_manager": PLANNER}
"""Who approves in which role."""


class Contract(Struct, frozen=True, kw_only=True):
    """The technique with its order template, as canonical bytes, and the certificate of the validators."""

    id: str
    version: str
    template: bytes
    technique: bytes
    certificate: bytes


def terms_of(template: SmartClientPO) -> c.Terms:
    """The terms of a contract, as a client signs them."""
    return c.Terms(
        price_minor=template.price_minor,
        currency=template.currency,
        milestones=tuple(c.Milestone(id=item.id, amount_minor=item.amount_minor) for item in template.billing),
        client_window_s=template.client_window_s,
        on_silence=template.on_silence,
    )


class Fact(NamedTuple):
    """Something that became true at a site, in this entry of its record."""

    site: str
    seq: int
    event: AnyEvent


class DemoShop:
    """A fresh shop in a directory, with everybody's keys at one desk."""

    def __init__(self, directory: Path, cast: Cast = FPI) -> None:
        self.directory = directory
        self.cast = cast
        self.clock = SetClock()
        self.desk = Desk()
        self._shop: Shop | None = None
        self._read: dict[str, int] = {}
        for member in (*FOUNDERS, *cast.people, *cast.things):
            self.desk.add(member.id)

    def set(self, moment: str) -> None:
        """Put the clock at a moment of the story (`2025-04-01T08:03:00`, local time of the shop in summer)."""
        self.clock.instant = instant.parse(f"{moment}-05:00")

    @property
    def shop(self) -> Shop:
        """The running shop.

        Raises:
            Unavailable: it is not founded yet.
        """
        if self._shop is None:
            raise Unavailable("the shop is not founded yet")
        return self._shop

    def close(self) -> None:
        """Close every site, if there are any."""
        if self._shop is not None:
            self._shop.close()
            self._shop = None

    async def found(self) -> None:
        """Found the shop and open its sites."""
        founders = [
            Founder(id=m.id, name=m.name, org=m.org, kind=m.kind, key=self.desk.public(m.id), roles=m.roles)
            for m in FOUNDERS
        ]
        root = SigningKey.generate()
        found(self.directory, "LAB", "example-lab.test", SETTINGS, self.cast.nodes, founders, root)
        self._shop = await Shop(self.directory, self.clock, HostEntropy()).open()

    async def enrol(self) -> None:
        """Everybody and every device joins with a key of their own; two officers co-sign."""
        officers = self.signers((ADMIN, "admin"), (QA, "qa"))
        await self._all(
            self._hand_in(
                c.EnrolIdentity,
                (*officers, c.Signer(id=m.id, role="newcomer")),
                id=m.id,
                name=m.name,
                org=m.org,
                kind=m.kind,
                key=self.desk.public(m.id),
                roles=m.roles,
                zone=m.zone,
                node=m.node,
            )
            for m in (*self.cast.people, *self.cast.things)
        )

    async def register(self) -> None:
        """Certs, calibrations and batches go on file."""
        admin = self.signers((ADMIN, "admin"))
        metrology, receiving = self.signers((METROLOGY, "metrology")), self.signers((RECEIVING, "receiving"))
        acts: list[tuple[type[c.Command], tuple[c.Signer, ...], dict[str, Any]]] = []
        for person, certs in self.cast.certs.items():
            for name, last_day in certs.items():
                held = {"person": person, "credential": name, "evidence": "certificate on file"}
                acts.append((c.GrantCredential, admin, {**held, "until": instant_or_end_of_day(last_day, ZONE)}))
        for name, kind, calibrated, due in self.cast.instruments:
            interval = {
                "cal_from": instant_or_end_of_day(calibrated, ZONE),
                "cal_until": instant_or_end_of_day(due, ZONE),
            }
            known = {"id": name, "equipment_class": kind, "in_service": True}
            acts.append((c.RegisterEquipment, metrology, {**known, **interval}))
        for batch, kind, last_day, approved in self.cast.batches:
            until = instant_or_end_of_day(last_day, ZONE)
            known = {"batch": batch, "material_kind": kind, "until": until, "approved": approved}
            acts.append((c.RegisterMaterial, receiving, known))
        await self._all(self._hand_in(kind, signers, **fields) for kind, signers, fields in acts)

    async def account_for_money(self) -> None:
        """The shop and its client are registered for invoices; the technician says where bonuses go, sealed."""
        both = self.signers((FINANCE, "finance"), (PLANNER, "project_manager"), meaning="registered")
        for party in PARTIES:
            await self.must(c.RegisterParty, both, OFFICE, **party)
        with closing(SqlitePayloads(self.directory / FILE)) as store:
            commitment = store.put(
                canon.encode(PAYEE), kind=ACCOUNT, owner=TECHNICIAN, by=TECHNICIAN, at=self.clock.now()
            )
        owner = self.signers((TECHNICIAN, "technician"), (FINANCE, "finance"), meaning="registered")
        await self.must(c.RegisterAccount, owner, OFFICE, owner=TECHNICIAN, commitment=commitment)

    async def propose(self, contract: Contract) -> None:
        """The Level III proposes the technique; the certifying service puts its certificate beside it."""
        named = {"contract": contract.id, "version": contract.version}
        pins = tuple(Pin(sha256=digest(raw), content=raw) for raw in (contract.template, contract.technique))
        author = self.signers((LEVEL3, "author"))
        await self.must(c.SubmitContract, author, None, pins, **named, sha256=pins[0].sha256)
        proof = Pin(sha256=digest(contract.certificate), content=contract.certificate)
        certifier = self.signers((VALIDATOR, "certifier"), meaning="certified")
        await self.must(c.CertifyContract, certifier, OFFICE, (proof,), **named, certificate=proof.sha256)

    async def approve(self, contract: Contract, role: str) -> Answer:
        """One of the four approvals."""
        approver = self.signers((SIGNERS[role], role), meaning="approved")
        named = {"contract": contract.id, "version": contract.version, "approval_role": role}
        return await self.must(c.ApproveContract, approver, OFFICE, **named)

    async def release(self, contract: Contract) -> Answer:
        """The admin releases the technique for new orders."""
        named = {"contract": contract.id, "version": contract.version, "effectivity": "new_orders"}
        return await self.must(c.ActivateContract, self.signers((ADMIN, "admin")), **named)

    def signers(self, *pairs: tuple[str, str], meaning: str | None = None) -> tuple[c.Signer, ...]:
        """Who signs; with a meaning, each by badge and PIN."""
        auth = None if meaning is None else c.Auth(components=("badge", "pin"), session=f"S{self.desk.nonce()}")
        return tuple(c.Signer(id=smart_id, role=role, meaning=meaning, auth=auth) for smart_id, role in pairs)

    def _hand_in(
        self,
        kind: type[c.Command],
        signers: Sequence[c.Signer],
        place: str | None = None,
        pins: tuple[Pin, ...] = (),
        /,
        *,
        at_site: str = BUSINESS_HUB,
        **fields: Any,
    ) -> "asyncio.Future[Answer]":
        """Sign an act on the present view and hand it to the site that decides it."""
        site = self.shop.sites[at_site]
        head: dict[str, Any] = {
            "site": at_site,
            "at": self.clock.now(),
            "nonce": self.desk.nonce(),
            "signers": tuple(signers),
        }
        command: Any = kind(**head, place=place, **fields)
        return site.submit(self.desk.sign(self.desk.shown(command, site.chronicle.state)), pins)

    async def act(self, kind: type[c.Command], signers: Sequence[c.Signer], /, *beside: Any, **fields: Any) -> Answer:
        """An act, and all that follows from it: place and documents may stand beside it, `at_site` among its fields."""
        answer = await self._hand_in(kind, signers, *beside, **fields)
        await self.shop.settle()
        return answer

    async def decided(
        self, kind: type[c.Command], signers: Sequence[c.Signer], /, *beside: Any, **fields: Any
    ) -> Answer:
        """An act that the story counts on, as soon as its own site has decided it; other sites hear of it later.

        Raises:
            InvariantBroken: it was refused.
        """
        answer = await self._hand_in(kind, signers, *beside, **fields)
        _granted(answer)
        return answer

    async def must(self, kind: type[c.Command], signers: Sequence[c.Signer], /, *beside: Any, **fields: Any) -> Answer:
        """An act that the story counts on.

        Raises:
            InvariantBroken: it was refused: story and law no longer agree.
        """
        answer = await self.act(kind, signers, *beside, **fields)
        _granted(answer)
        return answer

    async def _all(self, answers: "Iterable[asyncio.Future[Answer]]") -> None:
        """Acts that are handed in together; the story counts on each."""
        for answer in await asyncio.gather(*answers):
            _granted(answer)
        await self.shop.settle()

    def news(self) -> Iterator[Fact]:
        """What became true at any site since the last time this was asked."""
        for site in self.shop.sites.values():
            start, self._read[site.id] = self._read.get(site.id, 0), site.spine.size
            for row in site.means.store.rows(start, site.spine.size):
                for event in decision_of(read_entry(row.body)).events:
                    yield Fact(site.id, row.seq, event)

    def fact(self, kind: type[Event]) -> Fact | None:
        """The latest news of a kind, or None; all other news counts as read."""
        return next((fact for fact in reversed([*self.news()]) if type(fact.event) is kind), None)


def _granted(answer: Answer) -> None:
    if not answer.decision.allowed:
        why = " ".join(sentence(denial) for denial in answer.decision.denials)
        raise InvariantBroken(f"the story cannot go on: {why}")
