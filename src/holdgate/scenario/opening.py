"""A scenario's shop: founded, and filled with its world by signed acts of its own officers. Nothing is put in by hand.

Its timers are off: a scenario closes windows and delivery dates by acts of its own.

The keys of its people follow from a seed; those of its sites are made anew. Two officers and the office workstation are
founders of the charter; everybody and everything else is enrolled, registered and approved on the record.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from holdgate.adapters.host import CountedEntropy, SetClock
from holdgate.adapters.zones import instant_or_end_of_day
from holdgate.bootstrap import BUSINESS_HUB, Shop
from holdgate.certifier.facts import rule_parser
from holdgate.certifier.structure import certify
from holdgate.crypto.hashes import digest
from holdgate.crypto.keys import SigningKey
from holdgate.engine.answer import Answer
from holdgate.founding import found
from holdgate.identity.charter import Founder, Settings
from holdgate.law import command as c
from holdgate.law.case import Pin
from holdgate.law.contract import encode_document
from holdgate.law.denial import sentence
from holdgate.law.families import Bundle
from holdgate.law.notation import Tree
from holdgate.scenario.bundles import bundle_of, bundles_of
from holdgate.scenario.draft import DOMAIN, FIRST_ROOT, SEED
from holdgate.scenario.files import Person, World
from holdgate.sites.desk import Desk
from holdgate.terms import instant
from holdgate.terms.errors import HoldgateError, Malformed
from holdgate.terms.instant import SECOND_US

OFFICE: Final = "WS-OFFICE"
DEVICE_ROLES: Final = ("scanner", "sensor")
MODULE_ROLES: Final = ("business_hub", "system", "node", "ai", "vault", "module", "certifier")
BEFORE_US: Final = 3600 * SECOND_US
"""The world is set up an hour before the first step."""


class Opening:
    """Brings a world into a new shop."""

    def __init__(self, directory: Path, world: World, first: int, clock: SetClock | None = None) -> None:
        self.world = world
        self.directory = directory
        self.clock = clock or SetClock()
        self.clock.instant = first - BEFORE_US
        self.desk = Desk()
        self._asked: list[asyncio.Future[Answer]] = []
        names = [*(person.id for person in world.people), *(station.id for station in world.workstations)]
        self.desk.add_from_seed(SEED, names)
        self._admin = self._holder("admin")
        self._officer = self._holder("qa")

    def _holder(self, role: str) -> Person:
        found = next((person for person in self.world.people if role in person.roles), None)
        if found is None:
            raise Malformed(f"the world has nobody who is {role}")
        return found

    async def open(self) -> Shop:
        """The running shop.

        Raises:
            Malformed: the world asks for something that this version, or the law, does not allow. No shop is left open.
        """
        contracts = self.contracts()
        shop = await self._found()
        try:
            self._enrol(shop)
            await self._done()
            self._register(shop)
            for bundle in contracts:
                self._govern(shop, bundle)
            await self._done()
            await shop.settle()
        except HoldgateError:
            shop.close()
            await asyncio.gather(*self._asked, return_exceptions=True)  # nobody waits for these answers any more
            raise
        return shop

    def contracts(self) -> Sequence[Bundle]:
        """What is brought into force: the contracts of the world."""
        return bundles_of(self.world, rule_parser())

    def areas(self) -> Mapping[str, str]:
        """Node → area; a scenario's shop has none."""
        return {}

    async def _found(self) -> Shop:
        site = self.world.site
        settings = Settings(
            name=site.name,
            tz=site.tz,
            receiving_zones=site.receiving_zones,
            office=OFFICE,
            session_idle_s=site.session_idle_s,
            entry_skew_s=site.entry_skew_s,
            arrival_skew_s=site.arrival_skew_s,
            arrival_fresh_s=site.arrival_fresh_s,
            approval_roles=site.approval_roles,
            report_fields=site.report_fields,
        )
        founders = [self._founder(person) for person in (self._admin, self._officer)]
        root = SigningKey.from_seed(FIRST_ROOT)
        nodes = [node.id for node in self.world.nodes]
        found(self.directory, "LAB", DOMAIN, settings, nodes, founders, root, self.areas())
        return await Shop(self.directory, self.clock, CountedEntropy(), timers=False).open()

    def _founder(self, person: Person) -> Founder:
        return Founder(
            id=person.id,
            name=person.name,
            org=person.org,
            kind="person",
            key=self.desk.public(person.id),
            roles=person.roles,
        )

    def _signers(self, *pairs: tuple[str, str], meaning: str | None = None) -> tuple[c.Signer, ...]:
        auth = None if meaning is None else c.Auth(components=("badge", "pin"), session=f"open-{self.desk.nonce()}")
        return tuple(c.Signer(id=smart_id, role=role, meaning=meaning, auth=auth) for smart_id, role in pairs)

    def _ask(self, shop: Shop, command: c.Command, pins: tuple[Pin, ...] = ()) -> None:
        """Hand an act in; acts are decided in the order in which they are handed in."""
        self._asked.append(shop.sites[BUSINESS_HUB].submit(self.desk.sign(command), pins))

    async def _done(self) -> None:
        """Wait for all acts that were handed in.

        Raises:
            Malformed: one of them was refused: the world asks for something that the law does not allow.
        """
        answers, self._asked = await asyncio.gather(*self._asked), []
        for answer in answers:
            if not answer.decision.allowed:
                raise Malformed(f"the world cannot be set up: {' '.join(sentence(d) for d in answer.decision.denials)}")

    def _head(self, signers: tuple[c.Signer, ...]) -> dict[str, Any]:
        return {"site": BUSINESS_HUB, "at": self.clock.now(), "nonce": self.desk.nonce(), "signers": signers}

    def _enrol(self, shop: Shop) -> None:
        officers = ((self._admin.id, "admin"), (self._officer.id, "qa"))
        for person in self.world.people:
            if person.id in (self._admin.id, self._officer.id):
                continue
            signers = self._signers(*officers, (person.id, "newcomer"))
            self._ask(
                shop,
                c.EnrolIdentity(
                    **self._head(signers),
                    id=person.id,
                    name=person.name,
                    org=person.org,
                    kind=_kind(person.roles),
                    key=self.desk.public(person.id),
                    roles=person.roles,
                ),
            )
        for station in self.world.workstations:
            self._ask(
                shop,
                c.EnrolIdentity(
                    **self._head(self._signers(*officers, (station.id, "newcomer"))),
                    id=station.id,
                    name=station.id,
                    org="LAB",
                    kind="device",
                    key=self.desk.public(station.id),
                    roles=("workstation",),
                    zone=station.zone,
                    node=station.node,
                ),
            )

    def _register(self, shop: Shop) -> None:
        tz = self.world.site.tz
        admin = ((self._admin.id, "admin"),)
        for person in self.world.people:
            for name, held in person.credentials.items():
                by = (
                    (self._admin.id, "admin")
                    if person.id != self._admin.id
                    else (self._holder("training").id, "training")
                )
                self._ask(
                    shop,
                    c.GrantCredential(
                        **self._head(self._signers(by)),
                        person=person.id,
                        credential=name,
                        until=instant_or_end_of_day(held.valid_to, tz),
                        evidence="world file",
                    ),
                )
        for item in self.world.equipment:
            self._ask(
                shop,
                c.RegisterEquipment(
                    **self._head(self._signers(*admin)),
                    id=item.id,
                    equipment_class=item.equipment_class,
                    cal_from=0 if item.last_cal is None else instant.parse(item.last_cal),
                    cal_until=instant_or_end_of_day(item.cal_due, tz),
                    in_service=item.status == "in_service",
                ),
            )
        for batch in self.world.materials:
            self._ask(
                shop,
                c.RegisterMaterial(
                    **self._head(self._signers(*admin)),
                    batch=batch.batch,
                    material_kind=batch.kind,
                    until=instant_or_end_of_day(batch.expiry, tz),
                    approved=batch.approved,
                ),
            )

    async def propose(self, shop: Shop, contract: Mapping[str, Tree]) -> None:
        """Bring a contract tree as far as it goes without being released: submitted, certified, approved.

        Raises:
            Malformed: the law does not allow it.
        """
        self._propose(shop, bundle_of(contract, Path(self.world.folder), rule_parser()))
        await self._done()

    def activation(self, contract: str, version: str, effectivity: str = "new_orders") -> c.ActivateContract:
        """The one act that releases a version."""
        signer = self._signers((self._admin.id, "admin"))
        return c.ActivateContract(**self._head(signer), contract=contract, version=version, effectivity=effectivity)

    def _govern(self, shop: Shop, contract: Bundle) -> None:
        self._propose(shop, contract)
        self._ask(shop, self.activation(contract.template.id, contract.template.version))

    def _propose(self, shop: Shop, contract: Bundle) -> None:
        """Submit, certify, four approvals by four people."""
        template = contract.template
        named: dict[str, Any] = {"contract": template.id, "version": template.version}
        documents = tuple(encode_document(document) for document in contract.documents)
        certificate = certify(template, contract.technique)
        pins = tuple(Pin(sha256=digest(raw), content=raw) for raw in documents)
        author = self._signers((self._holder("author").id, "author"))
        self._ask(shop, c.SubmitContract(**self._head(author), **named, sha256=pins[0].sha256), pins)
        certifier = self._signers((self._holder("certifier").id, "certifier"), meaning="certified")
        proof = Pin(sha256=digest(certificate), content=certificate)
        self._ask(
            shop,
            c.CertifyContract(**self._head(certifier), **named, certificate=proof.sha256, place=OFFICE),
            (proof,),
        )
        for role in self.world.site.approval_roles:
            approver = self._signers((self._holder(role).id, role), meaning="approved")
            self._ask(
                shop,
                c.ApproveContract(**self._head(approver), **named, approval_role=role, place=OFFICE),
            )


def _kind(roles: tuple[str, ...]) -> str:
    if any(role in DEVICE_ROLES for role in roles):
        return "device"
    return "module" if any(role in MODULE_ROLES for role in roles) else "person"
