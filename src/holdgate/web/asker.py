"""Who asks: the person of a session and the workstation at which they are, as the site's roster knows them now.

Whatever is shown passes through here: the lab's own people see the shop, a client its own orders, an auditor what a
credential opens to it until then, a workstation the floor.
"""

from typing import Final

from msgspec import Struct

from holdgate.identity.roster import Identity
from holdgate.law.state import Order, State

CLIENT: Final = "client"
AUDITOR: Final = "auditor"
WORKSTATION: Final = "workstation"
AUDIT: Final = "AUDIT"
"""The credential that opens the record to an auditor: `AUDIT` every order, `AUDIT.PO-1001` that order, until it ends."""
RECORD_ROLES: Final = ("admin", "qa", "compliance")
"""Staff who may read all of the record: entries of every kind, bundles, tiles."""


class Asker(Struct, frozen=True, kw_only=True):
    """A person, at a workstation perhaps; both enrolled and in force. `org`: the shop's own organisation; `now`: UTC µs.

    `session`: what the person's session is called (`holdgate.web.sessions.Seen`).
    """

    org: str
    now: int
    person: Identity | None = None
    place: Identity | None = None
    session: str = ""

    @property
    def roles(self) -> tuple[str, ...]:
        """The person's roles; a workstation's alone where nobody is signed in."""
        if self.person is not None:
            return self.person.roles
        return () if self.place is None else self.place.roles

    @property
    def staff(self) -> bool:
        """One of the lab's own people, who is neither a client nor an auditor."""
        person = self.person
        return person is not None and person.org == self.org and not {CLIENT, AUDITOR} & set(person.roles)

    @property
    def clients(self) -> str:
        """The organisation whose orders a client's person may see; "" for anybody else."""
        return self.person.org if self.person is not None and CLIENT in self.person.roles else ""

    def holds(self, *roles: str) -> bool:
        """Whether one of these roles is theirs."""
        return any(role in roles for role in self.roles)

    def sees(self, order: Order) -> bool:
        """Whether an order is theirs to look at."""
        if self.staff:
            return True
        if self.clients:
            if order.client:
                return (
                    order.client == self.clients
                )  # whoever else signed terms under its number is not this order's client
            return any(said.org == self.clients for said in order.acceptances)
        if self.person is not None and AUDITOR in self.person.roles:
            return self._opened(AUDIT) or self._opened(f"{AUDIT}.{order.id}")
        return False

    def audits(self) -> bool:
        """Whether every order is open to this auditor."""
        return self.person is not None and AUDITOR in self.person.roles and self._opened(AUDIT)

    def reads_record(self) -> bool:
        """Whether the whole record is open to them."""
        return self.audits() or (self.staff and self.holds(*RECORD_ROLES))

    def _opened(self, credential: str) -> bool:
        held = None if self.person is None else self.person.credentials.get(credential)
        return held is not None and held.revoked_at is None and held.until >= self.now


def in_force(state: State, smart_id: str | None) -> Identity | None:
    """An identity that is enrolled here and not disabled."""
    found = state.identities.get(smart_id) if smart_id else None
    return found if found is not None and found.disabled_at is None else None
