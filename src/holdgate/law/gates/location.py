"""Where: the workstation's zone is one that the step names, and the work is done at the node that the order names."""

from holdgate.law import command as c
from holdgate.law import signing
from holdgate.law.case import Case


def zone(case: Case) -> None:
    """The step is done in its zones, and at a workstation of this node."""
    operation, station = case.operation, case.station
    if operation is None or (type(case.command) in (c.RecordReading, c.RecordLate) and case.command.place is None):
        return
    if station is None:
        case.deny(
            "LOCATION_NOT_PERMITTED",
            place=case.command.place or "no workstation",
            zone="no area",
            needed=_names(operation.zones),
        )
        return
    case.reads.append(station.ref)
    if station.zone not in operation.zones and "LOCATION_NOT_PERMITTED" not in case.waived:
        case.deny(
            "LOCATION_NOT_PERMITTED", place=station.id, zone=station.zone or "no area", needed=_names(operation.zones)
        )
    if station.node is not None and station.node != case.state.site:
        case.deny("WRONG_NODE", needed=station.node, node=case.state.site)


def _names(zones: frozenset[str]) -> str:
    return ", ".join(sorted(zones))


def workstation(case: Case) -> None:
    """A signature is given at a workstation, which signs too."""
    signing.workstation(case)


def node(case: Case) -> None:
    """The order belongs to this node: by the command's own word, and by what the floor hub said of it."""
    command = case.command
    if type(command) is not c.StartJob:
        return
    notice = case.state.notices.get(command.order, "")
    named = notice.partition(" ")[0]
    if case.order is None and named and named != case.state.site:
        case.deny("WRONG_NODE", needed=named, node=case.state.site)
    elif command.node != case.state.site:
        case.deny("WRONG_NODE", needed=command.node, node=case.state.site)


def site(case: Case) -> None:
    """The action was signed for this site, which knows its own seat in the shop and has not left it."""
    state = case.state
    if case.command.site != state.site:
        case.deny("WRONG_SITE", signed_for=case.command.site, site=state.site)
    retired_at, own = state.retired.get(state.site), state.identities.get(state.site)
    if own is None or own.kind != "site":
        case.deny("UNKNOWN_IDENTITY", id=state.site)  # it joins: its own enrolment has not come to it yet
    elif retired_at is not None:
        case.deny("SITE_RETIRED", site=state.site, retired_at=retired_at)


def freshness(case: Case) -> None:
    """A node that is cut off starts nothing once it last heard of the business hub longer ago than the contract allows."""
    technique = case.technique
    if technique is None:
        return
    contact = case.state.contacts.get(hub_of(case))
    if contact is None or contact.up:
        return
    age_us = case.now - contact.since
    if age_us > technique.offline_max_us:
        case.deny("OFFLINE_FRESHNESS_EXCEEDED", node=case.state.site, age_us=age_us, limit_us=technique.offline_max_us)


def hub_of(case: Case) -> str:
    """The business hub's SMART-ID."""
    for seat in case.state.charter.sites:
        if seat.kind == "business_hub":
            return seat.id
    return ""
