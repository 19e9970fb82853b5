"""What sites tell each other: which entries a peer may see, and which signed actions an entry sets off at it.

An action that a site sends on its own behalf is signed with the site's key; its nonce comes from the entry that set it
off, so that a resend is the same bytes.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from typing_extensions import override

from holdgate.crypto.envelope import seal
from holdgate.crypto.hashes import digest
from holdgate.crypto.keys import SigningKey
from holdgate.crypto.sealed import seal_to
from holdgate.engine.answer import Answer
from holdgate.engine.ports import Row, Store
from holdgate.engine.reading import Read
from holdgate.engine.replicate import Outgoing, Policy
from holdgate.identity.charter import SiteSeat
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.case import Pin
from holdgate.law.orders import body_of
from holdgate.law.replay import read_import
from holdgate.law.segments import decision_of
from holdgate.law.state import State, job_key
from holdgate.ledger.entry import Entry, read_entry
from holdgate.terms import canon
from holdgate.terms.errors import InvariantBroken, Unavailable

LAW_ACTS: Final = frozenset(
    (
        ev.IdentityEnrolled,
        ev.IdentityDisabled,
        ev.IdentityRekeyed,
        ev.SiteEnrolled,
        ev.SiteRetired,
        ev.RootsRotated,
        ev.CredentialGranted,
        ev.CredentialRevoked,
        ev.EquipmentRegistered,
        ev.MaterialRegistered,
        ev.StandardAdopted,
        ev.EquipmentCalibrated,
        ev.EquipmentWithdrawn,
        ev.MaterialExtended,
        ev.ContractSubmitted,
        ev.ContractApproved,
        ev.ContractCertified,
        ev.ContractActivated,
        ev.ContractSuspended,
        ev.ContractResumed,
        ev.ParameterTuned,
        ev.TuneReverted,
        ev.PolicyUpdated,
        ev.PayloadErased,
    )
)
"""What a node has to know to decide alone."""
OF_JOBS: Final = (ev.QaAccepted, ev.JobFlagged, ev.ReportIssued)
"""What the node of a job has to know of it."""
OF_ORDERS: Final = (ev.DocumentVerified, ev.JobAssigned)
"""What the node of an order has to know of it."""
_ABOUT_WORK: Final = frozenset((*OF_JOBS, *OF_ORDERS))
AGAIN: Final = ("CONTRACT_UNKNOWN", "UNKNOWN_IDENTITY")
"""Refusals of a forwarded order that pass once the node has heard the law."""

SEALED_INFO: Final = b"holdgate order body v1"


class Sender:
    """Signs actions as the site."""

    def __init__(self, seat: SiteSeat, key: SigningKey) -> None:
        self.seat = seat
        self._key = key

    def signer(self) -> tuple[c.Signer, ...]:
        """The site as the one signer."""
        return (c.Signer(id=self.seat.id, role=self.seat.kind),)

    def seal(self, command: c.Command) -> bytes:
        """The signed envelope."""
        return seal(canon.encode(command), [(self.seat.id, self._key)])


class Telling(Policy):
    """A policy made of two functions.

    Args:
        shows: which events open an entry to the peer; None: none.
        whole: the peer takes the whole log, every entry in full.
        actions: the actions that an entry sets off there.
        sets_off: which events of an entry can do so; wanted where there are actions.
    """

    def __init__(
        self,
        shows: Callable[[ev.AnyEvent], bool] | None,
        actions: Callable[[Entry, Row, int], Sequence[Outgoing]] | None = None,
        sets_off: Callable[[ev.AnyEvent], bool] | None = None,
        *,
        whole: bool = False,
    ) -> None:
        if (actions is None) != (sets_off is None):
            raise InvariantBroken("a policy that sends actions says which events set them off")
        self.segments = whole or shows is not None
        self._whole = whole
        self._shows = shows
        self._actions = actions
        self._sets_off = sets_off

    @override
    def concerns(self, events: Iterable[ev.AnyEvent]) -> bool:
        shows, sets_off = self._shows, self._sets_off
        if self._whole:
            return True
        return any((shows is not None and shows(e)) or (sets_off is not None and sets_off(e)) for e in events)

    @override
    def discloses(self, read: Read) -> bool:
        shows = self._shows
        if self._whole or shows is None:
            return self._whole
        return any(shows(event) for event in read.events)

    @override
    def outgoing(self, read: Read, round_number: int) -> Sequence[Outgoing]:
        actions, sets_off = self._actions, self._sets_off
        if actions is None or sets_off is None or not any(sets_off(event) for event in read.events):
            return ()
        return actions(read_entry(read.row.body), read.row, round_number)

    @override
    def try_again(self, answer: Answer) -> bool:
        return not answer.decision.allowed and any(code in AGAIN for code in answer.decision.codes)


class Copying(Telling):
    """For the other host of a site: the whole log, and all that its entries rest on, which is in the store."""

    def __init__(self, store: Store) -> None:
        super().__init__(None, whole=True)
        self._store = store

    @override
    def beside(self, read: Read) -> Sequence[str]:
        entry = read.entry
        record = read_import(entry)
        if record is None:
            return entry.pins
        bodies = {key: self._store.blob(key) for key in (record.leaves[index].hex() for index in record.held)}
        pins = [pin for body in bodies.values() if body is not None for pin in read_entry(body).pins]
        return (*bodies, *pins)


def nonce_of(row: Row, round_number: int) -> str:
    """The nonce of an action that an entry sets off."""
    return row.leaf.hex()[:24] + (f"-{round_number}" if round_number else "")


def law_for(node: str, state: State) -> Callable[[ev.AnyEvent], bool]:
    """What a node has to know: the law, the roster, the facts; and what was said of its own jobs and orders."""

    def shows(event: ev.AnyEvent) -> bool:
        kind = type(event)  # asked of every event for each node: a look into a set, not a walk of classes
        if kind not in _ABOUT_WORK:
            return kind in LAW_ACTS
        if isinstance(event, OF_JOBS):
            job = state.jobs.get(job_key(event.order, event.job))
            return job is not None and job.node == node
        if isinstance(event, OF_ORDERS):
            order = state.orders.get(event.order)
            return order is not None and order.node == node
        return False

    return shows


class Law(Telling):
    """What the business hub tells a node. That the node was retired is the last thing that it hears."""

    def __init__(self, node: str, state: State) -> None:
        super().__init__(law_for(node, state))
        self._node = node
        self._state = state

    @override
    def discloses(self, read: Read) -> bool:
        state, node = self._state, self._node
        return (node not in state.retired or read.row.seq <= state.identities[node].ref) and super().discloses(read)


def roster_of(state: State) -> Callable[[ev.AnyEvent], bool]:
    """What the floor hub has to know: the shop's own people, devices and sites, what was erased, and nothing of its clients."""

    def shows(event: ev.AnyEvent) -> bool:
        if isinstance(event, ev.IdentityEnrolled):
            return "client" not in event.roles
        if isinstance(event, (ev.IdentityDisabled, ev.IdentityRekeyed)):
            identity = state.identities.get(event.id)
            return identity is None or "client" not in identity.roles
        return isinstance(event, (ev.SiteEnrolled, ev.SiteRetired, ev.RootsRotated, ev.PayloadErased))

    return shows


def staged(event: ev.AnyEvent) -> bool:
    """Whether an event sets a slip off."""
    return isinstance(event, ev.OrderStaged)


def received(event: ev.AnyEvent) -> bool:
    """Whether an event sets a node's receipt off."""
    return isinstance(event, ev.OrderReceived)


def passes_by(node: str, near: Callable[[str], bool]) -> Callable[[ev.AnyEvent], bool]:
    """Which events at a floor hub set something off at a node: `near` says of which other nodes' orders it hears."""

    def matters(event: ev.AnyEvent) -> bool:
        return isinstance(event, (ev.SlipStaged, ev.OrderReleased)) and (event.node == node or near(event.node))

    return matters


# ---- business hub → floor hub ---------------------------------------------------------------------------------------


def slips(
    sender: Sender, floor: str, sealing_keys: Callable[[str], bytes | None]
) -> Callable[[Entry, Row, int], list[Outgoing]]:
    """Staging slips, with the order body sealed to the node that the slip names."""

    def actions(entry: Entry, row: Row, round_number: int) -> list[Outgoing]:
        out: list[Outgoing] = []
        for event in decision_of(entry).events:
            if not isinstance(event, ev.OrderStaged):
                continue
            key = sealing_keys(event.node)
            if key is None:
                raise Unavailable(f"{event.node} has no key that an order could be sealed to")
            sealed = seal_to(key, body_of(event), SEALED_INFO, event.node.encode())
            slip = c.Slip(
                order=event.order,
                node=event.node,
                part_no=event.part_no,
                rev=event.rev,
                serials=event.serials,
                policy=event.policy,
                evidence=event.evidence,
                buffer_max_us=event.buffer_max_us,
                body=event.body,
                staged_at=entry.at,
                arrival_due=event.arrival_due,
                amendment=event.amendment,
            )
            command = c.StageSlip(
                site=floor, at=entry.at, nonce=nonce_of(row, round_number), signers=sender.signer(), slip=slip
            )
            out.append(Outgoing(sender.seal(command), (Pin(sha256=digest(sealed), content=sealed),)))
        return out

    return actions


# ---- floor hub → nodes ----------------------------------------------------------------------------------------------


def forwards(
    sender: Sender,
    node: str,
    state: State,
    store: Store,
    envelope_of: Callable[[int], tuple[bytes, tuple[str, ...]]],
    matters: Callable[[ev.AnyEvent], bool],
) -> Callable[[Entry, Row, int], list[Outgoing]]:
    """Released orders for this node, with the slip and the sealed body as they came; notices about the others that matter.

    A node that joined later hears nothing of what was before: none of it was for that node.
    """

    def actions(entry: Entry, row: Row, round_number: int) -> list[Outgoing]:
        out: list[Outgoing] = []
        if entry.seq <= state.joined.get(node, 0):
            return out
        for event in decision_of(entry).events:
            if not matters(event):
                continue
            if isinstance(event, ev.SlipStaged):
                out.append(notice(entry, row, round_number, event.order, event.node, "staged"))
            elif isinstance(event, ev.OrderReleased) and event.node != node:
                out.append(notice(entry, row, round_number, event.order, event.node, "released"))
            elif isinstance(event, ev.OrderReleased):
                out.append(forward(entry, row, round_number, event))
        return out

    def notice(entry: Entry, row: Row, round_number: int, order: str, named: str, word: str) -> Outgoing:
        command = c.NoticeOrder(
            site=node,
            at=entry.at,
            nonce=nonce_of(row, round_number),
            signers=sender.signer(),
            order=order,
            node=named,
            state=word,
        )
        return Outgoing(sender.seal(command), ())

    def forward(entry: Entry, row: Row, round_number: int, event: ev.OrderReleased) -> Outgoing:
        slip = state.slips[event.order]
        envelope, pinned = envelope_of(slip.staged_seq)
        beside = [(digest(envelope), envelope), *((key, store.blob(key)) for key in pinned)]
        command = c.ForwardOrder(
            site=node,
            at=entry.at,
            nonce=nonce_of(row, round_number),
            signers=sender.signer(),
            order=event.order,
            slip=digest(envelope),
            serials=event.serials,
        )
        return Outgoing(
            sender.seal(command), tuple(Pin(sha256=key, content=body) for key, body in beside if body is not None)
        )

    return actions


# ---- node → floor hub -----------------------------------------------------------------------------------------------


def acknowledgements(sender: Sender, floor: str) -> Callable[[Entry, Row, int], list[Outgoing]]:
    """The node's signed receipt for a forwarded order."""

    def actions(entry: Entry, row: Row, round_number: int) -> list[Outgoing]:
        return [
            Outgoing(
                sender.seal(
                    c.AcknowledgeForward(
                        site=floor,
                        at=entry.at,
                        nonce=nonce_of(row, round_number),
                        signers=sender.signer(),
                        order=event.order,
                        body=event.body,
                        serials=event.serials,
                    )
                ),
                (),
            )
            for event in decision_of(entry).events
            if isinstance(event, ev.OrderReceived)
        ]

    return actions
