"""Seats: which site joins the shop, and which one may leave it."""

from holdgate.crypto.sealed import check_sealable
from holdgate.identity.charter import origin_for, seat_of
from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.state import OVER, Job, Order, State
from holdgate.terms.errors import Malformed


def fits(case: Case) -> None:
    """What joins is a node, under a name and a log of its own, with a key that orders can be sealed to."""
    command = case.command
    if type(command) is not c.EnrolSite:
        return
    charter = case.state.charter
    if command.kind != "node":
        case.deny("SITE_NOT_ACCEPTED", id=command.id, why=f"only nodes join a shop, not a {command.kind[:40]!r}")
    origin = origin_for(charter, command.id)
    if command.origin != origin:
        case.deny("SITE_NOT_ACCEPTED", id=command.id, why=f"its log is {origin}, not {command.origin}")
    near = next((s.id for s in charter.sites if _shadows(s.id, command.id) or _shadows(command.id, s.id)), None)
    if near is not None:
        case.deny("SITE_NOT_ACCEPTED", id=command.id, why=f"that name looks like a host of {near}")
    if command.key in (*charter.roots, *case.state.roots.keys, *case.state.roots.former):
        case.deny("SITE_NOT_ACCEPTED", id=command.id, why="its key is a root key of this shop")
    owner = next((seat.id for seat in charter.sites if seat.sealing_key == command.sealing_key), None)
    if owner is not None:
        case.deny("SITE_NOT_ACCEPTED", id=command.id, why=f"{owner} reads what is sealed to that key")
    try:
        check_sealable(command.sealing_key)
    except Malformed as error:
        case.deny("SITE_NOT_ACCEPTED", id=command.id, why=str(error))


def _shadows(site: str, name: str) -> bool:
    """Whether a name is of the form that the hosts of a site have (`SITE.a`)."""
    return name.startswith(f"{site}.")


def idle(case: Case) -> None:
    """Who leaves is a node that is still there and has nothing left to do, as far as the business hub knows; or is lost."""
    command, state = case.command, case.state
    if type(command) is not c.RetireSite:
        return
    seat = seat_of(state.charter, command.id)
    if seat is None or seat.kind != "node":
        case.deny("WRONG_NODE", needed="a node of this shop", node=command.id)
        return
    known = state.identities.get(seat.id)
    if known is not None:
        case.reads.append(known.ref)
    if seat.id in state.retired:
        case.deny("ALREADY_DONE", what=f"the retirement of {seat.id}")
        return
    left = () if command.lost else work_left(state, seat.id)
    if left:
        case.deny("NODE_BUSY", node=seat.id, work=left)


def work_left(state: State, node: str) -> tuple[str, ...]:
    """What a node still has to do, as the business hub knows it: jobs, and orders that are staged, released or accepted.

    An order that only waits at the gate counts: the floor hub may release it before it hears that the node has left.
    """
    jobs = [f"job {job.id} of {job.order}" for job in state.jobs.values() if job.node == node and not _over(job)]
    return (*jobs, *(f"order {order.id}" for order in state.orders.values() if _is_for(state, order, node)))


def _over(job: Job) -> bool:
    return job.status in OVER or job.handed_over


def _is_for(state: State, order: Order, node: str) -> bool:
    """Whether an order has parts that are still to be worked at this node; at the gate it may name an earlier one."""
    slip = state.slips.get(order.id)
    named = (order.node, "" if slip is None else slip.node)
    if order.status == "proposed" or node not in named:
        return False
    jobs = [state.jobs[key] for key in order.jobs if key in state.jobs]
    done = frozenset(s for job in jobs if job.status != "split" and _over(job) for s in job.serials)
    return not done.issuperset(order.serials)
