"""Who tells whom what: the links of each kind of site.

business hub → floor hub   roster (segments), staging slips (actions)
business hub → node        law, roster, facts; of its jobs and orders what it must know (segments)
floor hub → business hub   its whole log (segments)
floor hub → node           released orders and notices (actions)
node → business hub        its whole log (segments)
node → floor hub           receipts for forwarded orders (actions)
everybody → Vault          the whole log (segments), which it cosigns
"""

from functools import partial

from holdgate.engine.replicate import Policy
from holdgate.identity.charter import seat_of
from holdgate.law.state import State
from holdgate.sites.policies import (
    Law,
    Sender,
    Telling,
    acknowledgements,
    forwards,
    passes_by,
    received,
    roster_of,
    slips,
    staged,
)
from holdgate.sites.site import Site


def policies_for(site: Site) -> dict[str, Policy]:
    """The links of a site, in the order in which they are served, as far as it knows the shop at the moment.

    A node that has not heard of its own seat yet speaks to nobody. One that was retired is told so and nothing after it.
    """
    sender, store, state = Sender(site.means.seat, site.means.key), site.means.store, site.chronicle.state
    if seat_of(state.charter, site.id) is None:
        return {}
    by_kind: dict[str, list[str]] = {}
    for seat in state.charter.sites:
        by_kind.setdefault(seat.kind, []).append(seat.id)
    links: dict[str, Policy] = {}
    if site.kind == "business_hub":
        for node in by_kind.get("node", ()):
            if node not in state.retired or store.cursor(node) <= state.identities[node].ref:
                links[node] = Law(node, state)
        for floor in by_kind.get("floor_hub", ()):
            links[floor] = Telling(roster_of(state), slips(sender, floor, partial(_sealing_key, state)), staged)
    elif site.kind == "floor_hub":
        for node in by_kind.get("node", ()):
            if node not in state.retired:
                matters = passes_by(node, partial(_near, state, node))
                links[node] = Telling(None, forwards(sender, node, state, store, site.entry_envelope, matters), matters)
    else:
        for floor in by_kind.get("floor_hub", ()):
            links[floor] = Telling(None, acknowledgements(sender, floor), received)
    if site.kind != "business_hub":
        for hub in by_kind.get("business_hub", ()):
            links[hub] = Telling(None, whole=True)
    for vault in by_kind.get("vault", ()):
        links[vault] = Telling(None, whole=True)
    return links


def _sealing_key(state: State, node: str) -> bytes | None:
    """Looked up when an order is sealed: nodes join while the site runs."""
    seat = seat_of(state.charter, node)
    return None if seat is None else seat.sealing_key


def _near(state: State, node: str, other: str) -> bool:
    """Whether another node is of a node's area: its parts could be brought here by mistake."""
    own, seat = seat_of(state.charter, node), seat_of(state.charter, other)
    return own is not None and seat is not None and own.area == seat.area
