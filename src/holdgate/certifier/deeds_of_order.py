"""How the acts of an order are written as deeds: who does them, with which inputs, and what becomes true by them."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from holdgate.certifier.cast import CLIENT, DOCK, NODE, OFFICE, SUBJECT_CLASS
from holdgate.certifier.tour import Leg
from holdgate.certifier.witness import Slip, Unrealised, Writer
from holdgate.terms import instant
from holdgate.terms.instant import SECOND_US

REVISION: Final = "A"
DIGEST: Final = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
DELIVERY_US: Final = 30 * 86_400 * SECOND_US
"""Between staging and the delivery date."""
LONG_ENOUGH_US: Final = 120 * SECOND_US
"""After the client's window is over, for the Vault to have seen it."""


def _version(w: Writer) -> dict[str, Any]:
    return {"contract": w.life.template.id, "version": w.life.template.version}


def _accept(w: Writer, leg: Leg) -> None:
    template = w.life.template
    milestones = [{"id": item.id, "amount_minor": str(item.amount_minor)} for item in template.billing]
    terms = {
        "price_minor": str(template.price_minor),
        "currency": template.currency,
        "milestones": milestones,
        "client_window_s": str(template.client_window_s),
        "on_silence": leg.move.variant,
    }
    cheap = {**terms, "price_minor": str(template.price_minor + 1)}
    slips = (Slip("the client signs another price", "TERMS_MISMATCH", {"terms": cheap}),)
    inputs = {"po": w.order.id, **_version(w), "terms": terms, **w.signed(OFFICE, "terms accepted")}
    w.deed(leg, w.cast.who("client"), "client", inputs, f"TermsAccepted {leg.move.variant}", slips=slips)


def _review(w: Writer, leg: Leg) -> None:
    for role in ("project_manager", "qa"):
        inputs = {"po": w.order.id, "document_digest": DIGEST, **w.signed(OFFICE, "reviewed")}
        w.also(w.cast.who(role), role, "po.review", inputs, f"{role} reviews the paper order", f"OrderReviewed {role}")


def _stage(w: Writer, leg: Leg) -> None:
    template = w.life.template
    w.order.due = w.clock + DELIVERY_US
    inputs = {
        "po": w.order.id,
        **_version(w),
        "node": NODE,
        "client": CLIENT,
        "part_no": SUBJECT_CLASS,
        "rev": REVISION,
        "serials": list(w.order.serials),
        "documents": [] if leg.move.variant else list(template.documents),
        "delivery_due": instant.show(w.order.due),
    }
    w.deed(leg, w.cast.who("business_hub"), "business_hub", inputs, "OrderStaged")


def _verify(w: Writer, leg: Leg) -> None:
    for name in w.life.template.documents:
        inputs = {"po": w.order.id, "document": name, "digest": DIGEST}
        w.also(w.cast.who("compliance"), "compliance", "document.verify", inputs, f"compliance verifies {name}")


def _close_delivery(w: Writer, leg: Leg) -> None:
    in_time = 0 < w.order.first_report <= w.order.due
    w.deed(leg, w.cast.who("system"), "system", {"po": w.order.id}, f"DeliveryClosed {in_time}")


def _arrive(w: Writer, leg: Leg) -> None:
    order = w.order
    w.reader += 1
    inputs = {
        "po": order.id,
        "part_no": SUBJECT_CLASS,
        "rev": REVISION,
        "serials": list(order.serials),
        "qty": str(len(order.serials)),
        "workstation": DOCK,
        "signature": "valid",
        "reader_seq": str(w.reader),
    }
    unread = Slip("an arrival that no reader signed", "BROADCAST_UNVERIFIED", {"signature": "invalid"})
    w.deed(leg, w.cast.who("scanner"), "scanner", inputs, "ArrivalRecorded", "OrderReleased", slips=(unread,))


def _attest(w: Writer, leg: Leg) -> None:
    order, second = w.order, w.cast.who("qa")
    inputs = {
        "po": order.id,
        "part_no": SUBJECT_CLASS,
        "rev": REVISION,
        "serials": list(order.serials),
        "qty": str(len(order.serials)),
        "photo_digest": DIGEST,
        "reason": "the reader is dead",
        "approvals": [second],
        **w.signed(DOCK, "seen"),
    }
    alone = Slip("an arrival that one person attests", "ROLE_NOT_AUTHORISED", {"approvals": None})
    w.deed(leg, w.cast.who("receiving"), "receiving", inputs, "ArrivalRecorded", "OrderReleased", slips=(alone,))


def _release(w: Writer, leg: Leg) -> None:
    w.deed(leg, w.cast.who("business_hub"), "business_hub", {"po": w.order.id}, "OrderReleased")


def _assign(w: Writer, leg: Leg) -> None:
    inputs = {"po": w.order.id, "job": w.order.job, "technician": w.performer}
    w.deed(leg, w.cast.who("project_manager"), "project_manager", inputs, "JobAssigned")


# ---- quality and report ----------------------------------------------------------------------------------------------


def _qa(w: Writer, leg: Leg) -> None:
    order = w.order
    rejected = 0 if leg.move.variant == "accepted" else len(order.lost)
    accepted = len(order.serials) - rejected
    counts = {"received": len(order.serials), "accepted": accepted, "rejected": rejected, "scrapped": 0}
    quantities = {name: str(count) for name, count in counts.items()}
    inputs = {"job": order.job, "quantities": quantities, **w.signed(OFFICE, "reviewed and accepted")}
    w.deed(leg, w.cast.who("qa"), "qa", inputs, f"QaAccepted {accepted} {rejected}")


def _compliance(w: Writer, leg: Leg) -> None:
    inputs = {"job": w.order.job, **w.signed(OFFICE, "accepted")}
    paid = tuple(_payouts(w)) if leg.after.paid and not leg.before.paid else ()
    w.order.paid += paid
    w.deed(leg, w.cast.who("compliance"), "compliance", inputs, "ComplianceAccepted", *paid)


def _payouts(w: Writer) -> Iterator[str]:
    """Everybody who signed a step is paid once, if the work was done in time, as far as a stated cap allows."""
    order, pay = w.order, w.life.contract.pay
    left = None if pay is None else pay.cap_minor
    for rule in w.life.payouts:
        if order.last - order.first > rule.within_s * SECOND_US:
            continue
        for payee in order.signers:
            if left is None or rule.amount_minor <= left:
                left = None if left is None else left - rule.amount_minor
                yield f"PayoutReleased {rule.id} {payee} {rule.amount_minor}"


def _generate(w: Writer, leg: Leg) -> None:
    if leg.refused_by is None:
        w.order.reports += 1
        w.order.issued = w.clock
        w.order.first_report = w.clock
    inputs = {"job": w.order.job, "report": w.order.report}
    w.deed(leg, w.cast.who("system"), "system", inputs, "ReportIssued")


def _amend(w: Writer, leg: Leg) -> None:
    before = w.order.report
    w.order.reports += 1
    w.order.issued = w.clock
    inputs = {"report": before, "new_report": w.order.report, "reason": "the client asked for it"}
    w.deed(leg, w.cast.who("qa"), "qa", inputs, "ReportIssued")


def _client(w: Writer, leg: Leg) -> None:
    verdict = leg.move.variant
    inputs = {"report": w.order.report, "decision": verdict, **w.signed(OFFICE, verdict)}
    if verdict == "reject":
        inputs["reason"] = "not as ordered"
    says = "ReportApproved" if verdict == "approve" else "ReportRejected"
    stranger = Slip("another client reviews the report", "NOT_YOUR_ORDER", {}, actor="W-CLIENT-2")
    w.deed(leg, w.cast.who("client"), "client", inputs, says, slips=(stranger,))


def _close(w: Writer, leg: Leg) -> None:
    outcome = leg.after.report if leg.after.report == "deemed_accepted" else "escalate"
    w.deed(leg, w.cast.who("system"), "system", {"report": w.order.report}, f"ReviewWindowLapsed {outcome}")


def deliver(w: Writer) -> None:
    """The delivery date passes."""
    w.wait_until(w.order.due + SECOND_US)


def silence(w: Writer) -> None:
    """The client's window passes."""
    w.wait_until(w.order.issued + w.life.template.client_window_s * SECOND_US + LONG_ENOUGH_US)


def _invoice(w: Writer, leg: Leg) -> None:
    w.deed(leg, w.cast.who("finance"), "finance", {"po": w.order.id, "milestone": leg.move.variant})


def _payout(w: Writer, leg: Leg) -> None:
    payee = w.order.signers[0] if w.order.signers else w.performer
    once = leg.refused_by is not None and leg.refused_by.code == "ALREADY_DONE"
    if once and not any(said.startswith(f"PayoutReleased {leg.move.variant} {payee} ") for said in w.order.paid):
        raise Unrealised(f"nobody earned {leg.move.variant} in this run")
    w.deed(leg, w.cast.who("finance"), "finance", {"job": w.order.job, "rule": leg.move.variant, "payee": payee})


def _suspend(w: Writer, leg: Leg) -> None:
    w.deed(leg, w.cast.who("level3"), "level3", {**_version(w), "reason": "something is wrong"}, "ContractSuspended")


def _resume(w: Writer, leg: Leg) -> None:
    w.deed(leg, w.cast.who("level3"), "level3", {**_version(w), "reason": "it was set right"}, "ContractResumed")


WRITE_ORDER: Final[dict[str, Callable[[Writer, Leg], None]]] = {
    "po.accept": _accept,
    "po.review": _review,
    "po.stage": _stage,
    "part.arrival": _arrive,
    "arrival.attest": _attest,
    "po.release": _release,
    "document.verify": _verify,
    "delivery.close": _close_delivery,
    "job.assign": _assign,
    "qa.sign": _qa,
    "compliance.sign": _compliance,
    "report.generate": _generate,
    "report.amend": _amend,
    "client.review": _client,
    "window.close": _close,
    "invoice.issue": _invoice,
    "payout.release": _payout,
    "contract.suspend": _suspend,
    "contract.resume": _resume,
}
"""Act → how it is written."""
