"""Contracts of every family in one step, in force at a site: what the tests of yields, authorities and proposals share."""

from typing import Any, Final

from msgspec.structs import replace

from holdgate.law import event as ev
from holdgate.law.contract import (
    Authority,
    Characteristic,
    PayoutRule,
    Retest,
    SmartPay,
    SmartQA,
    SmartSafety,
    SmartSP,
    Step,
    Yield,
    document_digest,
    encode_document,
)
from holdgate.law.families import Bundle
from tests.builders import CONTRACT, NODE, VERSION, World, documents

DAY: Final = 86_400
HEAD: Final[dict[str, Any]] = {"id": CONTRACT, "version": VERSION, "title": "A test", "author": "AUTHOR"}


# ---- contracts of other families -----------------------------------------------------------------------------------


def bundle(
    kind: type[SmartSP] = SmartSP,
    *,
    characteristics: tuple[Characteristic, ...] = (),
    quality: SmartQA | None = None,
    pay: SmartPay | None = None,
    terms: dict[str, Any] | None = None,
    step: dict[str, Any] | None = None,
    **technique: Any,
) -> Bundle:
    """A contract with one step `E1` under a technique of this family."""
    one: dict[str, Any] = {"id": "E1", "name": "look", "role": "technician", "zones": ("LAB",)}
    process = kind(**HEAD, steps=(Step(**(one | (step or {})), characteristics=characteristics),), **technique)
    order, _ = documents()
    named = {
        "process": document_digest(process),
        "quality": "" if quality is None else document_digest(quality),
        "pay": "" if pay is None else document_digest(pay),
        "payouts": order.payouts if pay is None else (),
    }
    return Bundle(replace(order, **(named | (terms or {}))), process, quality, pay)


def drafted(world: World, held: Bundle) -> World:
    """The contract is proposed here."""
    world.order_template, world.technique = held.template, held.technique
    for document in held.documents:
        world.blobs[document_digest(document)] = encode_document(document)
    return world.fold(ev.ContractSubmitted(contract=CONTRACT, version=VERSION, sha256=world.sha, author="AUTHOR"))


def in_force(world: World, held: Bundle) -> World:
    """The contract is released here."""
    drafted(world, held).certified(world.sha)
    for role, by in (("admin", "ADMIN"), ("compliance", "CO"), ("qa", "QA"), ("project_manager", "PM")):
        world.fold(ev.ContractApproved(sha256=world.sha, approval_role=role, by=by))
    return world.fold(ev.ContractActivated(sha256=world.sha, effectivity="new_orders"))


def staged(world: World, *serials: str, part_no: str = "P-1", rev: str = "A") -> World:
    """At the hub: an order for these, accepted and staged."""
    return world.accepted().staged(part_no=part_no, rev=rev, serials=serials).contact(NODE, up=True)


def worked(world: World, *serials: str, by: str = "TECH", result: str = "pass") -> World:
    """The one step is done."""
    world.job(serials=serials).opened("E1", by=by)
    return world.signed("E1", by=by, result=result)


MATRIX: Final = SmartQA(
    **HEAD,
    dispositions=(
        Authority(disposition="rework", roles=("level3",)),
        Authority(disposition="reject", roles=("qa", "level3")),
        Authority(disposition="scrap", roles=("level3",), client=True),
        Authority(disposition="use_as_is", roles=("level3",), client=True, evidence=True),
    ),
)

PAY: Final = SmartPay(
    **HEAD,
    currency="USD",
    payouts=(
        PayoutRule(id="bonus", depends_on="on_time", payee="each_signer", amount_minor=5, currency="USD", within_s=60),
    ),
    cap_minor=10,
)

WHOLE: Final = bundle(quality=MATRIX, pay=PAY)
TRAINS: Final = bundle(
    SmartSafety,
    yields=(Yield(fact="credential", valid_s=DAY, name="VT"),),
    retest=Retest(max=1, allowed_causes=("again",)),
)
"""A course whose acceptance grants the cert VT."""
