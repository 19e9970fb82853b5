"""A shop to click through: the demonstration's people, with badges and PINs that are shown to everybody, on the real clock.

Everything is put in by signed acts, as in the story; the technique is the story's with its waiting times cut to seconds, and says
so in its title. The kit (badges, PINs, keys of workstations) is held in memory and served by `holdgate up --demo` alone: whoever
reads it is everybody in this shop, so no such shop is for work.
"""

import asyncio
from pathlib import Path
from secrets import token_bytes
from typing import Final

from msgspec import Struct

from holdgate.adapters.host import HostClock
from holdgate.crypto.badge import NONCE_BYTES, SALT_BYTES, SECRET_BYTES, Badge, pkcs8, seal_key
from holdgate.demo.ops import SERIALS
from holdgate.demo.shop import (
    CLIENT,
    DOCK,
    FOUNDERS,
    LEVEL3,
    NODE,
    OFFICE,
    PEOPLE,
    PLANNER,
    SIGNERS,
    TECHNICIAN,
    THINGS,
    Cast,
    Contract,
    DemoShop,
    Member,
    terms_of,
)
from holdgate.demo.steps import AUDITOR, ORDER, STEPS, Step
from holdgate.law import command as c
from holdgate.law.contract import SmartClientPO, read_document
from holdgate.sites.reception import Lodged, Reception
from holdgate.terms import instant
from holdgate.terms.errors import InvariantBroken
from holdgate.terms.instant import SECOND_US

PIN: Final = "246810"
"""Everybody's, in the demonstration."""
PART: Final = "4512-7"
REV: Final = "C"
SECOND_TECHNICIAN: Final = "SID-TEC-12"
_DAY_US: Final = 86_400 * SECOND_US
_SHORT: Final = {"1200": "8", "600": "6"}
"""Waiting times of the story's technique, and what they are here (s)."""


class Person(Struct, frozen=True, kw_only=True):
    """One who can be played: badge and PIN for all to see."""

    id: str
    name: str
    roles: tuple[str, ...]
    badge: str
    pin: str


class Station(Struct, frozen=True, kw_only=True):
    """A workstation that the browser can become. `key`: its private key, PKCS#8."""

    id: str
    name: str
    zone: str
    key: bytes


class Kit(Struct, frozen=True, kw_only=True):
    """What a newcomer is handed."""

    people: tuple[Person, ...]
    stations: tuple[Station, ...]
    order: str
    part_no: str
    rev: str
    serials: tuple[str, ...]
    steps: tuple[Step, ...] = STEPS


def shortened(text: str) -> str:
    """The story's technique with waiting times of seconds."""
    for long, short in _SHORT.items():
        text = text.replace(f"min_s: '{long}'", f"min_s: '{short}'")
    text = text.replace("duration('180s')", "duration('3s')").replace("at least 3 minutes", "at least 3 seconds")
    return text.replace(
        "sensitivity 3, dry developer", "sensitivity 3, dry developer (demonstration, times cut to seconds)"
    )


def cast(now: int) -> Cast:
    """Who and what is there, with dates around now (UTC µs)."""

    def day(days: int) -> str:
        return instant.show(instant.Instant(now + days * _DAY_US))[:10]

    people = (
        *PEOPLE,
        Member(SECOND_TECHNICIAN, "J. Brandt", ("technician",)),
        Member(AUDITOR, "Registrar's auditor", ("auditor",), org="REGISTRAR"),
    )
    certs = {
        TECHNICIAN: {"PT-L2": day(300), "VISION": day(200), "SAFE-CHEM": day(120)},
        SECOND_TECHNICIAN: {"PT-L2": day(25), "VISION": day(200), "SAFE-CHEM": day(120)},
        LEVEL3: {"PT-L3": day(900), "VISION": day(200)},
        AUDITOR: {"AUDIT": day(30)},
    }
    stations = tuple(
        Member(m.id, m.name, ("workstation", "scanner") if m.id == DOCK else m.roles, m.kind, m.org, m.zone, m.node)
        for m in THINGS
    )
    instruments = (
        ("RAD-07", "radiometer", day(-90), day(180)),
        ("THM-09", "thermometer", day(-30), day(330)),
        ("GAU-03", "pressure_gauge", day(-150), day(20)),
        ("OVN-02", "oven", day(-200), day(160)),
    )
    batches = (("PEN-24117", "penetrant", day(400), True), ("DEV-2409", "developer", day(300), True))
    return Cast(people, stations, certs, instruments, batches, (NODE,))


def lay_out(directory: Path, contract: Contract, reception: Reception) -> Kit:
    """Found the shop, bring it to its first order and close it.

    Args:
        directory: new or empty.
        contract: the technique (`shortened`) and its certificate.
        reception: gets the sealed keys of everybody's badges.

    Raises:
        InvariantBroken: an act was refused: demonstration and law no longer agree.
    """
    return asyncio.run(_lay_out(directory, contract, reception))


async def _lay_out(directory: Path, contract: Contract, reception: Reception) -> Kit:
    now = HostClock().now()
    at = DemoShop(directory, cast(now))
    at.clock.instant = now
    try:
        await at.found()
        await at.enrol()
        await at.register()
        await at.account_for_money()
        await at.propose(contract)
        for role in SIGNERS:
            await at.approve(contract, role)
        await at.release(contract)
        await _order(at, contract)
        return kit_of(at, reception)
    finally:
        at.close()


async def _order(at: DemoShop, contract: Contract) -> None:
    """The client signs the order's terms, and it is staged: from there on, people click."""
    template = read_document(contract.template)
    if not isinstance(template, SmartClientPO):
        raise InvariantBroken("the template is no order template")
    terms = terms_of(template)
    named = {"order": ORDER, "contract": contract.id, "version": contract.version}
    client = at.signers((CLIENT, "client"), meaning="terms accepted")
    await at.must(c.AcceptTerms, client, OFFICE, **named, terms=terms)
    planner = at.signers((PLANNER, "project_manager"))
    staged = {"node": NODE, "client": "AERODYNE", "part_no": PART, "rev": REV, "serials": SERIALS}
    papers = ("purchase_order", "material_certificate")
    await at.must(c.StageOrder, planner, **named, **staged, documents=papers)


def kit_of(at: DemoShop, reception: Reception) -> Kit:
    """Everybody's badge and every workstation's key; the sealed keys go to the front desk."""
    stations = [member for member in at.cast.things if "workstation" in member.roles]
    return Kit(
        people=tuple(_person(at, member, reception) for member in (*FOUNDERS, *at.cast.people)),
        stations=tuple(
            Station(id=m.id, name=m.name, zone=m.zone or "", key=pkcs8(at.desk.key(m.id))) for m in stations
        ),
        order=ORDER,
        part_no=PART,
        rev=REV,
        serials=SERIALS,
    )


def _person(at: DemoShop, member: Member, reception: Reception) -> Person:
    """Somebody's badge; their sealed key goes to the front desk."""
    badge = Badge(member.id, token_bytes(SECRET_BYTES))
    salt, nonce = token_bytes(SALT_BYTES), token_bytes(NONCE_BYTES)
    sealed = seal_key(badge, PIN, at.desk.key(member.id), salt, nonce)
    key = at.desk.key(member.id).public
    reception.put_locker(Lodged(id=member.id, salt=sealed.salt, nonce=sealed.nonce, sealed=sealed.body, key=key))
    return Person(id=member.id, name=member.name, roles=member.roles, badge=badge.text, pin=PIN)
