"""Orders: terms that the client signed (or paper that two of us reviewed), staging, documents; and the node's acceptance."""

from collections.abc import Callable
from typing import Final

from holdgate.crypto.envelope import open_envelope, verify_all
from holdgate.identity.roster import holds_seat
from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.completeness import LONG_S
from holdgate.law.orders import OrderBody, read_body
from holdgate.terms import money
from holdgate.terms.errors import Malformed, Tampered


def terms(case: Case) -> None:
    """The terms are those of the contract: price, currency, milestones, window; only silence is the client's to choose."""
    command, record = case.command, case.contract
    if type(command) is not c.AcceptTerms or record is None:
        return
    template = case.library.template(record.sha256)
    if template is None:
        case.deny("CONTRACT_UNKNOWN", contract=command.contract, version=command.version)
        return
    offered = command.terms
    if offered.price_minor != template.price_minor or offered.currency != template.currency:
        case.deny("TERMS_MISMATCH", why=f"the price is {money.show(template.price_minor, template.currency)}")
    if {m.id: m.amount_minor for m in offered.milestones} != {b.id: b.amount_minor for b in template.billing}:
        case.deny("TERMS_MISMATCH", why="the milestones are not the contract's")
    if sum(m.amount_minor for m in offered.milestones) != offered.price_minor:
        case.deny("TERMS_MISMATCH", why="the milestones do not sum to the price")
    if offered.client_window_s != template.client_window_s:
        case.deny("TERMS_MISMATCH", why=f"the review window is {template.client_window_s} s")
    if offered.on_silence not in ("escalate", "deemed_accepted"):
        case.deny("TERMS_MISMATCH", why=f"silence cannot mean {offered.on_silence!r}")


def agreed(case: Case) -> None:
    """Before staging: this client's people signed this version's terms, or PM and QA reviewed one and the same paper."""
    command, record, order = case.command, case.contract, case.order
    if type(command) is not c.StageOrder or record is None:
        return
    if order is not None:
        case.reads.append(order.ref)
        for acceptance in order.acceptances:
            if acceptance.sha256 == record.sha256 and acceptance.org == command.client:
                case.reads.append(acceptance.ref)
                return
        for reviewers in order.reviews.values():
            people = [reviewers.get("project_manager"), reviewers.get("qa")]
            if None not in people and people[0] != people[1]:
                return
    case.deny("TERMS_NOT_ACCEPTED", order=command.order, why=f"no signature of {command.client} and no complete review")


def stageable(case: Case) -> None:
    """An order is staged once (an amendment replaces what is staged); its node exists; its parts are named once each."""
    command, order = case.command, case.order
    if type(command) is not c.StageOrder:
        return
    staged = order is not None and order.status != "proposed"
    if staged and not command.amendment:
        case.deny("ALREADY_DONE", what=f"the staging of {command.order}")
    if command.amendment and not staged:
        case.deny("PO_NOT_STAGED", order=command.order)
    if command.buffer_max_s is not None and not 0 <= command.buffer_max_s <= LONG_S:
        case.deny("TERMS_MISMATCH", why="a scan is buffered for 0 s to 10 years")
    if all(seat.id != command.node or seat.kind != "node" for seat in case.state.charter.sites):
        case.deny("WRONG_NODE", needed="a node of this shop", node=command.node)
    elif command.node in case.state.retired:
        case.deny("SITE_RETIRED", site=command.node, retired_at=case.state.retired[command.node])
    if not command.serials or len(set(command.serials)) != len(command.serials):
        case.deny("QTY_NOT_RECONCILED", why="every part of an order is named once")
    if command.arrival_policy not in ("full", "partial"):
        case.deny("TERMS_MISMATCH", why=f"there is no arrival policy {command.arrival_policy!r}")
    if order is not None and order.jobs and command.amendment:
        job = order.jobs[0].partition("/")[2]
        case.deny("CONTRACT_PINNED", job=job, contract=order.contract, version=order.version)


def same_currency(case: Case) -> None:
    """What was invoiced in one currency is amended in no other: no credit note could set off the one against the other."""
    command, record = case.command, case.contract
    template = None if record is None else case.library.template(record.sha256)
    if type(command) is not c.StageOrder or not command.amendment or template is None:
        return
    bills = case.state.money.bills.values()
    other = next((b for b in bills if b.order == command.order and b.currency != template.currency), None)
    if other is not None:
        case.reads.append(other.ref)
        case.deny(
            "TERMS_MISMATCH", why=f"{other.number} is in {other.currency}, the amended terms in {template.currency}"
        )


def subject(case: Case) -> None:
    """What an order is about has to be known: the instrument and its class, the person, the order of the document."""
    command, record = case.command, case.contract
    template = None if record is None else case.library.template(record.sha256)
    technique = None if template is None else case.library.technique(template.process)
    if type(command) is not c.StageOrder or technique is None:
        return
    check = _SUBJECTS.get(technique.subject)
    if check is None:
        return
    for serial in command.serials:
        check(case, command, serial)


def _equipment(case: Case, command: c.StageOrder, serial: str) -> None:
    item = case.state.equipment.get(serial)
    if item is None:
        case.deny("EQUIPMENT_UNKNOWN", equipment=serial)
    elif item.equipment_class != command.part_no:
        why = f"{serial} is a {item.equipment_class}; the order is for a {command.part_no}"
        case.deny("EQUIPMENT_NOT_IN_CONTRACT", why=why)


def _person(case: Case, command: c.StageOrder, serial: str) -> None:
    if serial not in case.state.identities:
        case.deny("UNKNOWN_IDENTITY", id=serial)


def _document(case: Case, command: c.StageOrder, serial: str) -> None:
    if serial not in case.state.orders:
        case.deny("PO_NOT_STAGED", order=serial)


_SUBJECTS: Final[dict[str, Callable[[Case, c.StageOrder, str], None]]] = {
    "equipment": _equipment,
    "person": _person,
    "document": _document,
}
"""Batches and standards become known by being accepted."""


def staged(case: Case) -> None:
    """The order was staged."""
    command, order = case.command, case.order
    if order is None or order.status == "proposed":
        case.deny("PO_NOT_STAGED", order=str(command.order))  # type: ignore[union-attr]
    else:
        case.reads.append(order.ref)


def documents(case: Case) -> None:
    """Every document that the contract requires came with the order, or was verified by Compliance, and is valid now."""
    named = str(case.command.order)  # type: ignore[union-attr]  # the table names only acts with an order
    order = case.state.orders.get(named)
    template = None if order is None or not order.sha256 else case.library.template(order.sha256)
    if order is None or template is None or not template.documents:
        return
    case.reads.append(order.ref)
    held = order.documents
    for needed in template.documents:
        if needed not in held:
            case.deny("DOCUMENT_MISSING", document=needed)
            continue
        until = held[needed]
        if until is not None and case.now > until:
            case.deny("DOCUMENT_EXPIRED", document=needed, until=until)


def forwarded(case: Case) -> None:
    """At the node: the slip is the business hub's, names this node, and the body beside it is the one it names."""
    command = case.command
    if type(command) is not c.ForwardOrder:
        return
    slip = slip_of(case)
    if slip is None:
        case.deny("BODY_MISMATCH", order=command.order, why="the slip is not signed by the business hub")
        return
    if slip.node != case.state.site:
        case.deny("WRONG_NODE", needed=slip.node, node=case.state.site)
    body = body_of(case, slip)
    if body is None or (body.order, body.part_no, body.rev, body.serials) != (
        slip.order,
        slip.part_no,
        slip.rev,
        slip.serials,
    ):
        case.deny("BODY_MISMATCH", order=command.order, why="the order body is missing, or differs from the slip")
        return
    if slip.order != command.order or any(serial not in slip.serials for serial in command.serials):
        case.deny("BODY_MISMATCH", order=command.order, why="other parts were forwarded than the slip names")
    if not command.serials or len(frozenset(command.serials)) != len(command.serials):
        case.deny("QTY_NOT_RECONCILED", why="what is forwarded names each part once")
    elif _here(case, command, slip):
        case.deny("ALREADY_DONE", what=f"the forwarding of {command.order}")
    if case.state.contracts.get(body.sha256) is None:
        case.deny("CONTRACT_UNKNOWN", contract=body.contract, version=body.version)


def _here(case: Case, command: c.ForwardOrder, slip: c.Slip) -> bool:
    """Whether these parts were forwarded before, with this very body. An amendment is new, and so is a further lot."""
    order = case.order
    if order is None or order.body != slip.body or slip.amendment:
        return False
    here = frozenset(order.arrived)
    return here.issuperset(command.serials)


def slip_of(case: Case) -> c.Slip | None:
    """The slip inside a forwarded order, if the business hub signed it."""
    command = case.command
    if type(command) is not c.ForwardOrder:
        return None
    raw = case.pinned(command.slip)
    if raw is None:
        return None
    try:
        envelope = open_envelope(raw)
        staged = c.parse_command(envelope.payload)
        hub = case.state.identities.get(staged.signers[0].id)
        if type(staged) is not c.StageSlip or hub is None or not holds_seat(case.state.charter, hub, "business_hub"):
            return None
        verify_all(envelope, [(hub.id, hub.key)])
    except (Malformed, Tampered):
        return None
    return staged.slip


def body_of(case: Case, slip: c.Slip) -> OrderBody | None:
    """The order body that came beside a forwarded order, if it is the one that the slip names."""
    raw = case.pinned(slip.body)
    if raw is None:
        raw = case.library.blob(slip.body) if case.order is not None else None
    if raw is None:
        return None
    try:
        return read_body(raw)
    except Malformed:
        return None
