"""Which sites joined a shop, read from entries of the business hub's log by somebody who keeps no state of it.

That the hub's log is the hub's was verified before. The newcomer's own signature is checked here, and that the event says what
was signed; who the officers are, an audit of the log says.
"""

from collections.abc import Iterable, Iterator

from holdgate.crypto.envelope import Envelope, open_envelope, pae
from holdgate.crypto.keys import verify
from holdgate.identity.charter import SiteSeat
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.says import can_say
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import read_entry
from holdgate.terms.errors import Malformed

_MARK = ev.SiteEnrolled.__name__.encode()


def joined(bodies: Iterable[bytes]) -> Iterator[SiteSeat]:
    """The seats of the sites that joined in these entries."""
    for body in bodies:
        if _MARK in body:  # nearly all entries are passed over unread
            yield from _of_entry(body)


def _of_entry(body: bytes) -> Iterator[SiteSeat]:
    try:
        entry = read_entry(body)
        if entry.kind != "action":
            return
        envelope = open_envelope(bytes(entry.action))
        command = c.parse_command(envelope.payload)
        said = [event for event in decision_of(entry).events if isinstance(event, ev.SiteEnrolled)]
        for event in said:
            if can_say(command, event) and _signed(envelope, event):
                yield SiteSeat(
                    id=event.id,
                    kind=event.kind,
                    origin=event.origin,
                    key=event.key,
                    sealing_key=event.sealing_key,
                    area=event.area,
                )
    except Malformed:
        return  # it stays in the mirror, where an audit finds it


def _signed(envelope: Envelope, event: ev.SiteEnrolled) -> bool:
    """Whether the newcomer's key signed what lets it in."""
    message = pae(envelope.payloadType, envelope.payload)
    return any(row.keyid == event.id and verify(event.key, message, row.sig) for row in envelope.signatures)
