"""The acts of an order around its job: terms, staging, arrival, QA, compliance, report, the client's window, money."""

from collections.abc import Iterator

from holdgate.certifier.life import NO_RED_TAG, RUNNING, WAIT, Guard, Life, Move, State
from holdgate.handoff.staging import BROADCAST

CLAUSES = ("escalate", "deemed_accepted")
NEVER = "nobody does this by hand"
ONCE = "it has not gone out by itself"


def order_moves(life: Life) -> Iterator[Move]:
    """Every act of an order under a contract, but for those of its job."""
    yield from _agreement(life)
    yield from _arrival(life)
    yield from _delivery()
    yield from _quality(life)
    yield from _report()
    yield from _silence(life)
    yield from _by_hand(life)


def _agreement(life: Life) -> Iterator[Move]:
    for clause in CLAUSES:
        meaning = "silence is referred to people" if clause == "escalate" else "silence is acceptance"
        yield Move(
            act="po.accept",
            variant=clause,
            at=-1,
            words=f"the client signs the terms: {meaning}",
            offered=lambda s: not s.terms,
            then=lambda s, signed=clause: s._replace(terms=signed),  # type: ignore[misc]
        )
    yield Move(
        act="po.review",
        variant="",
        at=-1,
        words="project manager and QA review a paper order",
        offered=lambda s: not s.terms,
        then=lambda s: s._replace(terms="paper"),
    )
    agreed = Guard("somebody agreed to the terms", "TERMS_NOT_ACCEPTED", lambda s: bool(s.terms), "orders.agreed")
    for papers in (True, False) if life.template.documents else (True,):
        yield Move(
            act="po.stage",
            variant="" if papers else "bare",
            at=-1,
            words="the order is staged" if papers else "the order is staged, and its documents are missing",
            offered=lambda s: not s.order,
            then=lambda s, whole=papers: s._replace(order="staged", papers=whole),  # type: ignore[misc]
            guards=(agreed,),
        )
    yield Move(
        act="document.verify",
        variant="",
        at=-1,
        words="compliance verifies the missing documents",
        offered=lambda s: s.order == "here" and not s.papers and not s.job,
        then=lambda s: s._replace(papers=True),
    )


def _arrival(life: Life) -> Iterator[Move]:
    """A reader scans the parts; where no scan is accepted, two people attest that they are here."""
    read = BROADCAST in life.template.arrival_evidence
    yield Move(
        act="part.arrival" if read else "arrival.attest",
        variant="",
        at=-1,
        words="the parts arrive" if read else "two people attest that the parts are here",
        offered=lambda s: s.order == "staged",
        then=lambda s: s._replace(order="here"),
    )
    waiting = Guard("the parts are here", "NO_ARRIVAL", lambda s: s.order == "here")
    by_hand = Guard(NEVER, "ALREADY_DONE", lambda s: s.order != "here")
    yield Move(
        act="po.release",
        variant="",
        at=-1,
        words="somebody releases the order by hand",
        offered=lambda s: s.order in ("staged", "here") and not s.job,
        then=lambda s: s._replace(order="here"),
        guards=(waiting, by_hand),
    )


def _delivery() -> Iterator[Move]:
    """The delivery date passes before the work or after the client's answer; it is closed once."""
    due = Guard("the delivery date is over", "WINDOW_NOT_REACHED", lambda s: s.delivery == "due", "windows.delivery")

    def idle(s: State) -> bool:
        return (s.order == "here" and not s.job) or s.report in ("approved", "deemed_accepted")

    yield Move(
        act=WAIT,
        variant="delivery",
        at=-1,
        words="the delivery date passes",
        offered=lambda s: idle(s) and not s.delivery,
        then=lambda s: s._replace(delivery="due"),
    )
    yield Move(
        act="delivery.close",
        variant="",
        at=-1,
        words="the delivery date is closed",
        offered=lambda s: idle(s) and s.delivery != "closed",
        then=lambda s: s._replace(delivery="closed"),
        guards=(due,),
    )


def _quality(life: Life) -> Iterator[Move]:
    whole = Guard("every step is complete", "STEP_INCOMPLETE", lambda s: s.step == "done", "quality.whole")
    for variant in ("accepted", "nonconforming"):
        guards = [RUNNING, whole, NO_RED_TAG]
        if variant == "accepted":
            conforming = Guard(
                "nothing failed that counts as accepted",
                "QTY_NOT_RECONCILED",
                lambda s: not s.standing,
                "quality.reconciled",
            )
            guards.append(conforming)
        yield Move(
            act="qa.sign",
            variant=variant,
            at=-1,
            words=f"QA accepts the record as {'conforming' if variant == 'accepted' else variant}",
            offered=lambda s, kind=variant: (  # type: ignore[misc]
                s.job in ("running", "failed") and not s.qa and not s.stopped and (kind == "accepted" or s.standing)
            ),
            then=lambda s, kind=variant: s._replace(qa=kind),  # type: ignore[misc]
            guards=tuple(guards),
        )
    reviewed = Guard("QA accepted the record", "TESTS_NOT_PASSED_QA", lambda s: bool(s.qa), "quality.unsigned")
    for variant in ("", "nonconforming"):
        yield Move(
            act="compliance.sign",
            variant=variant,
            at=-1,
            words=f"compliance accepts the record{' of what failed' if variant else ''}",
            offered=lambda s, kind=variant: (  # type: ignore[misc]
                s.job == "running" and not s.compliance and not s.stopped and (s.qa == "nonconforming") is bool(kind)
            ),
            then=lambda s: s._replace(compliance=True),
            guards=() if variant else (reviewed,),
        )


def _report() -> Iterator[Move]:
    reviewed = Guard("QA accepted the record", "TESTS_NOT_PASSED_QA", lambda s: bool(s.qa), "reports.accepted")
    known = Guard("there is a report", "REPORT_UNKNOWN", lambda s: bool(s.report), "reports.known")
    yield Move(
        act="report.generate",
        variant="",
        at=-1,
        words="the report is issued",
        offered=lambda s: s.job == "running" and not s.report and not s.stopped,
        then=lambda s: s._replace(report="issued"),
        guards=(reviewed,),
    )
    for variant, verdict in (("approve", "approved"), ("reject", "rejected")):
        yield Move(
            act="client.review",
            variant=variant,
            at=-1,
            words=f"the client {variant}s the report",
            offered=lambda s: s.job == "running" and s.report in ("", "issued", "escalated"),
            then=lambda s, said=verdict: s._replace(report=said),  # type: ignore[misc]
            guards=(known,),
        )
    yield Move(
        act="report.amend",
        variant="",
        at=-1,
        words="the report is amended",
        offered=lambda s: s.report == "rejected",
        then=lambda s: s._replace(report="issued", lapsed=False),
    )


def _silence(life: Life) -> Iterator[Move]:
    """A window of no length is over with the cosignature that opens it: there is no moment to be too early in."""
    at_once = not life.template.client_window_s
    over = Guard("the client's window is over", "WINDOW_NOT_REACHED", lambda s: s.lapsed, "reports.window_over")
    yield Move(
        act=WAIT,
        variant="client",
        at=-1,
        words="the client says nothing until the window is over",
        offered=lambda s: s.report == "issued" and not s.lapsed,
        then=lambda s: s._replace(lapsed=True),
    )
    yield Move(
        act="window.close",
        variant="",
        at=-1,
        words="the client's window is closed",
        offered=lambda s: s.report == "issued" and (s.lapsed or not at_once),
        then=_lapse,
        guards=() if at_once else (over,),
    )


def _lapse(state: State) -> State:
    """What silence means is what this client signed; a paper order is always referred to people."""
    return state._replace(report="deemed_accepted" if state.terms == "deemed_accepted" else "escalated")


def _by_hand(life: Life) -> Iterator[Move]:
    """Wishes that are always refused: money goes out by itself or not at all."""
    for item in life.template.billing:
        before = Guard(NEVER, "INVOICE_PRECONDITION", lambda s, one=item.id: one in s.fired, "money.invoice")  # type: ignore[misc]
        after = Guard(ONCE, "ALREADY_DONE", lambda s, one=item.id: one not in s.fired, "money.invoice")  # type: ignore[misc]
        yield Move(
            act="invoice.issue",
            variant=item.id,
            at=-1,
            words=f"somebody issues the invoice {item.id} by hand",
            offered=lambda s: bool(s.order),
            then=lambda s, one=item.id: s._replace(fired=tuple(sorted({*s.fired, one}))),  # type: ignore[misc]
            guards=(before, after),
        )
    for rule in life.payouts:
        due = Guard(NEVER, "PAYOUT_PRECONDITION", lambda s: s.paid, "money.payout")
        done = Guard(ONCE, "ALREADY_DONE", lambda s: not s.paid, "money.payout")
        yield Move(
            act="payout.release",
            variant=rule.id,
            at=-1,
            words=f"somebody pays out {rule.id} by hand",
            offered=lambda s: s.job == "running" and s.at > 0,
            then=lambda s: s._replace(paid=True),
            guards=(due, done),
        )
