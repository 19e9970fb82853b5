"""Founding: what a site knows at the beginning, from the charter alone."""

from holdgate.crypto.signatures import raw_key
from holdgate.identity.charter import Charter, SiteSeat
from holdgate.identity.roots import founding_roots
from holdgate.identity.roster import Identity
from holdgate.law.state import State


def seated(charter: Charter, seat: SiteSeat, ref: int) -> Identity:
    """The roster's row of a site."""
    return Identity(
        id=seat.id,
        name=seat.id,
        org=charter.org,
        kind="site",
        key=seat.key,
        roles=(seat.kind,),
        ref=ref,
        sealing_key=seat.sealing_key,
        credentials={},
    )


def found_shop(state: State, charter: Charter) -> None:
    """The state at the beginning: the charter's sites and founders are enrolled."""
    state.charter, state.roots = charter, founding_roots(charter)
    for seat in charter.sites:
        state.identities[seat.id] = seated(charter, seat, 0)
        state.key_owners[seat.key.hex()] = seat.id
    for founder in charter.founders:
        state.identities[founder.id] = Identity(
            id=founder.id,
            name=founder.name,
            org=founder.org,
            kind=founder.kind,
            key=founder.key,
            roles=founder.roles,
            ref=0,
            zone=founder.zone,
            node=founder.node,
            credentials={},
        )
        state.key_owners[raw_key(founder.key).hex()] = founder.id
