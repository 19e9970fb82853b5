"""match: the floor hub's authority. It holds an order until its parts are here, and then lets it go; nothing else.

Six acts: a slip is staged (`staging.stage`), a reader reports parts (`arrival.report_arrival`), two people attest them
where no reader can (`attest.attest_arrival`), somebody takes an arrival back (`void.void_arrival`), a node acknowledges
what it was sent, and somebody wishes to release by hand, which is always refused, on the record. It evaluates no
contract, schedules nothing and pays nobody; an import rule keeps it so.
"""

from collections.abc import Sequence

from holdgate.handoff.arrival import report_arrival
from holdgate.handoff.attest import attest_arrival
from holdgate.handoff.staging import Inquiry, stage
from holdgate.handoff.void import void_arrival
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law import signing
from holdgate.law.case import Pin
from holdgate.law.decision import Decision, deny
from holdgate.law.library import Library
from holdgate.law.state import StagedSlip, State

ACTS = (c.StageSlip, c.ReportArrival, c.AttestArrival, c.VoidArrival, c.ReleaseOrder, c.AcknowledgeForward)
"""The acts that the floor hub decides."""


def match(state: State, library: Library, command: c.AnyCommand, now: int, pins: Sequence[Pin] = ()) -> Decision:
    """Decide an action at the gate; its signatures have been verified against the keys in `state`.

    Args:
        state: what the floor hub knows; not changed.
        library: not read: the gate knows no contract (one signature for every authority).
        command: the action, as signed.
        now: the floor hub's receipt time (UTC µs).
        pins: not read: a sealed body passes through unopened.

    Returns:
        Allow with events, or deny with every unmet condition, a trace, and the facts that hold all the same.
    """
    if state.kind != "floor_hub" or not isinstance(command, ACTS) or command.site != state.site:
        return deny("WRONG_SITE", "match", signed_for=command.site, site=state.site)
    if isinstance(command, c.ReportArrival):
        return report_arrival(state, command, now)
    if isinstance(command, c.AttestArrival):
        return attest_arrival(state, command, now)
    inquiry = Inquiry(state, now, command)
    if isinstance(command, c.VoidArrival):
        return void_arrival(inquiry, command)
    if isinstance(command, c.StageSlip):
        return stage(inquiry, command)
    if isinstance(command, c.AcknowledgeForward):
        return _acknowledge(inquiry, command)
    return _release(inquiry, command)


def _release(inquiry: Inquiry, command: c.ReleaseOrder) -> Decision:
    """By hand nothing is released, whoever asks: only an accepted arrival does that."""
    inquiry.ask("signers", signing.enrolled, inquiry)
    inquiry.ask("release by hand", _by_hand, inquiry, command)
    return inquiry.refuse()


def _by_hand(inquiry: Inquiry, command: c.ReleaseOrder) -> None:
    slip = inquiry.state.slips.get(command.order)
    if slip is None:
        inquiry.deny("PO_NOT_STAGED", order=command.order)
        return
    inquiry.reads.append(slip.ref)
    if slip.state in ("released", "acknowledged"):
        inquiry.deny("ALREADY_DONE", what=f"the release of {slip.order}")
    else:
        inquiry.deny("NO_ARRIVAL", order=slip.order)


def _acknowledge(inquiry: Inquiry, command: c.AcknowledgeForward) -> Decision:
    """The node's receipt for what the gate let go."""
    slip = inquiry.state.slips.get(command.order)
    if not (
        inquiry.ask("signers", signing.enrolled, inquiry)
        and inquiry.ask("sender", inquiry.site_key, "node")
        and inquiry.ask("receipt", _receipt, inquiry, command, slip)
    ):
        return inquiry.refuse()
    return inquiry.allow(ev.ForwardAcknowledged(order=command.order, node=command.actor.id, serials=command.serials))


def _receipt(inquiry: Inquiry, command: c.AcknowledgeForward, slip: StagedSlip | None) -> None:
    """It is this node's order, this body, and parts that went there; once."""
    if slip is None:
        inquiry.deny("PO_NOT_STAGED", order=command.order)
        return
    inquiry.reads.append(slip.ref)
    gone = frozenset(slip.released)
    if slip.node != command.actor.id:
        inquiry.deny("WRONG_NODE", needed=slip.node, node=command.actor.id)
    elif slip.body != command.body:
        inquiry.deny("BODY_MISMATCH", order=slip.order, why="the node acknowledges another body")
    elif slip.state == "acknowledged":
        inquiry.deny("ALREADY_DONE", what=f"the receipt of {slip.order} by {slip.node}")
    elif not gone:
        inquiry.deny("NO_ARRIVAL", order=slip.order)
    elif not gone.issuperset(command.serials):
        inquiry.deny("BODY_MISMATCH", order=slip.order, why="the node acknowledges parts that were not forwarded")
