"""Who tells whom what: the links of each kind of site.

business hub → floor hub   roster (segments), staging slips (actions)
business hub → node        law, roster, facts; of its jobs and orders what it must know (segments)
floor hub → business hub   its whole log (segments)
floor hub → node           released orders and notices (actions)
node → business hub        its whole log (segments)
node → floor hub           receipts for forwarded orders (actions)
everybody → Vault          the whole log (segments), which it cosigns
"""

from holdgate.engine.replicate import Policy
from holdgate.identity.charter import Charter
from holdgate.sites.policies import (
    Sender,
    Telling,
    acknowledgements,
    forwards,
    law_for,
    passes_by,
    received,
    roster_of,
    slips,
    staged,
)
from holdgate.sites.site import Site


def policies_for(site: Site) -> dict[str, Policy]:
    """The links of a site, in the order in which they are served."""
    sender = Sender(site.means.seat, site.means.key)
    charter = site.chronicle.state.charter
    by_kind: dict[str, list[str]] = {}
    for seat in charter.sites:
        by_kind.setdefault(seat.kind, []).append(seat.id)
    links: dict[str, Policy] = {}
    if site.kind == "business_hub":
        keys = {seat.id: seat.sealing_key for seat in charter.sites}
        for node in by_kind.get("node", ()):
            links[node] = Telling(law_for(node, site.chronicle.state))
        for floor in by_kind.get("floor_hub", ()):
            links[floor] = Telling(roster_of(site.chronicle.state), slips(sender, floor, keys.get), staged)
    elif site.kind == "floor_hub":
        for node in by_kind.get("node", ()):
            matters = passes_by(node, _near(charter, node))
            actions = forwards(sender, node, site.chronicle.state, site.means.store, site.entry_envelope, matters)
            links[node] = Telling(None, actions, matters)
    else:
        for floor in by_kind.get("floor_hub", ()):
            links[floor] = Telling(None, acknowledgements(sender, floor), received)
    if site.kind != "business_hub":
        for hub in by_kind.get("business_hub", ()):
            links[hub] = Telling(None, whole=True)
    for vault in by_kind.get("vault", ()):
        links[vault] = Telling(None, whole=True)
    return links


def _near(charter: Charter, node: str) -> frozenset[str]:
    """The nodes of a node's area: those whose parts could be brought to it by mistake."""
    areas = {seat.id: seat.area for seat in charter.sites if seat.kind == "node"}
    return frozenset(other for other, area in areas.items() if area == areas[node])
