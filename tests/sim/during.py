"""What has to hold at every moment: looked up at each sync of a disk, in what came to be durable by it."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import sha256
from holdgate.law import event as ev
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import Entry, read_entry
from tests.sim.machine import Machine

if TYPE_CHECKING:
    from tests.sim.world import World

ONCE = (ev.InvoiceIssued, ev.PayoutReleased, ev.PayoutPaid, ev.PaymentReceived, ev.PaymentsOrdered)


class Seen:
    """One log as it was read so far. A disk that is set back is another log."""

    def __init__(self, rows: object) -> None:
        self.rows = rows
        self.size = 0
        self.marks: set[bytes] = set()
        self.slips: dict[str, frozenset[str]] = {}
        self.let: set[str] = set()
        self.through: set[tuple[str, str, str]] = set()
        self.once: Counter[tuple[object, ...]] = Counter()


class Inspector:
    """Looks at every disk of a world as it grows. What it finds, the world is told as a defect."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._seen: dict[str, Seen] = {}
        self._let: set[tuple[str, str, str]] = set()
        self.let_before: set[tuple[str, str, str]] = (
            set()
        )  # by histories that a set back took away, or that one was caught in
        self._mirrored: dict[str, int] = {}
        self.looked = 0
        self.forged: set[str] = set()  # whose log somebody else goes on with, under a stolen key
        for machine in world.machines.values():
            look = self._vault if machine.seat.kind == "vault" else self._site
            machine.disk.at_sync = partial(look, machine)

    def _told(self, machine: Machine, what: str) -> None:
        self._world.defects.append(f"{machine.id} at {self._world.loop.time():.1f} s: {what}")

    def answered(self, machine: Machine, life: str, seq: int) -> None:
        """Somebody holds an answer: its entry is durable by now."""
        if life not in self._world.void and machine.whole is None and seq >= len(machine.disk.base.rows):
            self._told(machine, f"entry {seq} was acknowledged and is not durable")

    # ---- sites ---------------------------------------------------------------------------------------------------------

    def _site(self, machine: Machine) -> None:
        rows = machine.disk.base.rows
        seen = self._seen.get(machine.id)
        if seen is None or seen.rows is not rows:
            self.let_before |= set() if seen is None else seen.through
            seen = self._seen[machine.id] = Seen(rows)
        for kept in rows[seen.size :]:
            self.looked += 1
            if kept.row.seq != seen.size:
                self._told(machine, f"entry {kept.row.seq} stands at {seen.size}")
            seen.size += 1
            for what in self._entry(machine, seen, read_entry(kept.row.body)):
                self._told(machine, f"entry {kept.row.seq}: {what}")
        self._world.synced(machine, seen.size)

    def _entry(self, machine: Machine, seen: Seen, entry: Entry) -> Iterator[str]:
        if entry.kind == "action":
            mark = sha256(open_envelope(bytes(entry.action)).payload)
            if mark in seen.marks:
                yield "an action is on record twice"
            seen.marks.add(mark)
        for event in decision_of(entry).events:
            if isinstance(event, ev.SlipStaged | ev.ArrivalRecorded | ev.OrderReleased):
                if machine.seat.kind == "floor_hub":
                    yield from self._gate(seen, event)
            elif isinstance(event, ev.OrderReceived):
                if machine.seat.kind == "node":
                    yield from self._received(machine, event)
            elif isinstance(event, ONCE):
                yield from _once(seen, event)

    def _gate(self, seen: Seen, event: ev.SlipStaged | ev.ArrivalRecorded | ev.OrderReleased) -> Iterator[str]:
        truth = self._world.folk.truth
        if isinstance(event, ev.SlipStaged):
            seen.slips[event.order] = frozenset(event.serials)
            seen.let.discard(event.order)
        elif isinstance(event, ev.ArrivalRecorded):
            if not set(event.serials) <= truth.here(event.order):
                yield f"{event.serials} of {event.order} were never scanned"
        else:
            if event.order in seen.let:
                yield f"{event.order} is let through twice"
            if frozenset(event.serials) != seen.slips.get(event.order):
                yield f"{event.order} is let through with other parts than its slip names"
            if not set(event.serials) <= truth.here(event.order):
                yield f"{event.order} is let through, and {event.serials} were never scanned"
            seen.let.add(event.order)
            seen.through.update((event.order, event.node, serial) for serial in event.serials)
            self._let |= seen.through

    def _received(self, machine: Machine, event: ev.OrderReceived) -> Iterator[str]:
        if not {(event.order, machine.id, serial) for serial in event.serials} <= self._let:
            yield f"has {event.serials} of {event.order}, which are not durably let through to it"

    # ---- the Vault -----------------------------------------------------------------------------------------------------

    def _vault(self, machine: Machine) -> None:
        """What it mirrors anew is durable where it comes from; of a site that was set back, what it had written before.

        So nothing that a set-back site went on with is ever taken in, cosigned least of all.
        """
        sites = {site.seat.origin: site for site in self._world.machines.values()}
        for origin, held in machine.disk.base.mirrors.items():
            start = min(self._mirrored.get(origin, 0), len(held))
            self._mirrored[origin] = len(held)
            if start == len(held):
                continue
            site = sites[origin]
            if site.id in self.forged:
                continue
            true = site.disk.base if site.whole is None else site.whole
            if list(held[start:]) != [kept.row.body for kept in true.rows[start : len(held)]]:
                self._told(machine, f"mirrors entries {start} to {len(held)} of {site.id} that are not durable there")


def _once(seen: Seen, event: ev.Event) -> Iterator[str]:
    """Money: an invoice, a payout, a payment that came in and a run are on record once."""
    key: tuple[object, ...]
    if isinstance(event, ev.InvoiceIssued):
        key = ("invoice", event.order, event.milestone)
    elif isinstance(event, ev.PayoutReleased):
        key = ("payout", event.order, event.job, event.rule, event.payee)
    elif isinstance(event, ev.PaymentReceived):
        key = ("payment", event.bank_ref)
    elif isinstance(event, ev.PaymentsOrdered):
        key = ("run", event.run)
    elif isinstance(event, ev.PayoutPaid):
        key = ("paid", event.payout, event.run)
    else:
        return
    seen.once[key] += 1
    if seen.once[key] > 1:
        yield f"{key} is on record {seen.once[key]} times"
