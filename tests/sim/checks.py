"""What has to hold of a world that came to rest, looked up in what lies on its disks. Each finding is a sentence."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from holdgate.audit.cross import compare_imports
from holdgate.audit.replay import LogReport, PlainChecks, audit_log
from holdgate.audit.trust import Trust
from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import sha256
from holdgate.engine.source import StoreSource
from holdgate.law import event as ev
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import Entry, read_entry
from holdgate.ledger.note import make_vkey, parse_vkey
from holdgate.ledger.proof import verify_proof
from holdgate.terms.errors import HoldgateError
from tests.sim.contracts import TERMS
from tests.sim.disk import Disk, Faults, SimStore
from tests.sim.machine import Machine
from tests.sim.world import World

Findings = Iterator[str]


class Log(NamedTuple):
    """One site's log, read."""

    machine: Machine
    entries: list[Entry]
    leaves: list[bytes]

    def events(self, *kinds: type) -> Iterator[tuple[Entry, ev.AnyEvent]]:
        """Every event of these kinds, with its entry."""
        for entry in self.entries:
            for event in decision_of(entry).events:
                if isinstance(event, kinds):
                    yield entry, event


def findings(world: World, trust: Trust) -> list[str]:
    """Everything that does not hold."""
    logs = {
        name: Log(machine, [read_entry(kept.row.body) for kept in rows], [kept.row.leaf for kept in rows])
        for name, machine in world.machines.items()
        if (rows := machine.disk.base.rows)
    }
    hub, floor = _of(logs, "business_hub"), _of(logs, "floor_hub")
    nodes = [log for log in logs.values() if log.machine.seat.kind == "node"]
    for log in logs.values():
        world.hits.update(f"event {type(event).__name__}" for _, event in log.events(object))
    return [
        *acknowledged(world, logs),
        *released(world, floor, nodes),
        *one_version(nodes),
        *paid(world, hub),
        *ordered_and_paid(hub),
        *revoked(world, logs, hub),
        *mirrored(world, logs),
        *set_back(world),
        *audited(world, logs, trust),
    ]


def _of(logs: dict[str, Log], kind: str) -> Log:
    return next(log for log in logs.values() if log.machine.seat.kind == kind)


def acknowledged(world: World, logs: dict[str, Log]) -> Findings:
    """What somebody got an answer for is on record where the answer says, once, and its receipt holds."""
    marks = {name: [_payload(entry) for entry in log.entries] for name, log in logs.items()}
    count = {
        name: Counter(mark for mark, entry in zip(marks[name], log.entries, strict=True) if entry.kind == "action")
        for name, log in logs.items()
    }
    for name, times in count.items():
        for mark, number in times.items():
            if number > 1:
                yield f"{name} has one action on record {number} times ({mark.hex()[:12]})"
    for ack in world.folk.acks:
        if ack.life in world.void:
            continue
        found = marks[ack.site]
        if ack.seq >= len(found) or found[ack.seq] != ack.payload:
            yield f"{ack.site} acknowledged entry {ack.seq} in {ack.life}, which is not on record"
            continue
        seat = logs[ack.site].machine.seat
        try:
            verify_proof(ack.receipt, logs[ack.site].leaves[ack.seq], parse_vkey(make_vkey(seat.origin, seat.key)))
        except HoldgateError as error:
            yield f"the receipt of {ack.site} {ack.seq} does not hold: {error}"


def _payload(entry: Entry) -> bytes:
    """SHA-256 of what was signed; of an attempt, what its record says that was."""
    if entry.kind == "attempt":
        return bytes.fromhex(json.loads(bytes(entry.record)).get("digest", ""))
    return sha256(open_envelope(bytes(entry.action)).payload) if entry.kind == "action" else b""


def released(world: World, floor: Log, nodes: list[Log]) -> Findings:
    """Nothing is let through but what was truly scanned for that order; nodes have no more than that, and only theirs.

    What a floor hub let through that had been set back, before it was caught, its node keeps: that was looked at as it became
    durable (during.py), like everything else, and the log that is put back has nothing of it.
    """
    truth, let, here = world.folk.truth, dict[str, tuple[str, set[str]]](), dict[str, set[str]]()
    slips: dict[str, set[str]] = {}
    ever: dict[tuple[str, str], set[str]] = {}
    for entry, event in floor.events(ev.SlipStaged, ev.ArrivalRecorded, ev.OrderReleased):
        if isinstance(event, ev.SlipStaged):
            let.pop(event.order, None)  # an amended order is let through anew
            if slips.get(event.order) != set(event.serials):
                slips[event.order], here[event.order] = set(event.serials), set()
            if event.serials not in truth.ordered.get(event.order, []):
                yield f"FLOOR {entry.seq}: {event.serials} of {event.order} are not what was ordered"
        elif isinstance(event, ev.ArrivalRecorded):
            here.setdefault(event.order, set()).update(event.serials)
            if not set(event.serials) <= truth.here(event.order):
                yield f"FLOOR {entry.seq}: {event.serials} of {event.order} were never scanned"
        elif isinstance(event, ev.OrderReleased):
            if not set(event.serials) <= here.get(event.order, set()):
                yield f"FLOOR {entry.seq}: {event.serials} of {event.order} were let through and had not arrived"
            if set(event.serials) != slips.get(event.order):
                yield f"FLOOR {entry.seq}: {event.serials} of {event.order} are not what its slip names"
            if event.order in let:
                yield f"FLOOR {entry.seq}: {event.order} was let through twice"
            let[event.order] = (event.node, set(event.serials))
            ever.setdefault((event.order, event.node), set()).update(event.serials)
    for log in nodes:
        for entry, event in log.events(ev.OrderReceived):
            assert isinstance(event, ev.OrderReceived)
            before = {s for o, n, s in world.inspector.let_before if (o, n) == (event.order, log.machine.id)}
            if not set(event.serials) <= ever.get((event.order, log.machine.id), set()) | before:
                yield f"{log.machine.id} {entry.seq}: has {event.serials} of {event.order}, not let through to it"


def one_version(nodes: list[Log]) -> Findings:
    """A job rests on one version of its contract from its start to its end."""
    for log in nodes:
        pinned: dict[tuple[str, str], set[str]] = {}
        for _, event in log.events(ev.JobStarted, ev.StepStarted):
            assert isinstance(event, ev.JobStarted | ev.StepStarted)
            if event.version:
                pinned.setdefault((event.order, event.job), set()).add(event.version)
        for job, versions in pinned.items():
            if len(versions) != 1:
                yield f"{log.machine.id}: {job} rests on versions {sorted(versions)}"


def paid(world: World, hub: Log) -> Findings:
    """Each invoice and payout goes out once, after its facts; a window closes in the Vault's time."""
    seen: Counter[tuple[str, ...]] = Counter()
    facts: set[tuple[str, str]] = set()
    closes: dict[str, int] = {}
    billed: Counter[str] = Counter()
    for entry, event in hub.events(
        ev.QaAccepted,
        ev.ComplianceAccepted,
        ev.ReportApproved,
        ev.ReviewWindowOpened,
        ev.ReviewWindowLapsed,
        ev.OrderSettled,
        ev.InvoiceIssued,
        ev.PayoutReleased,
    ):
        where = f"HUB {entry.seq}"
        if isinstance(event, ev.QaAccepted):
            facts.add(("work", event.order))
        elif isinstance(event, ev.ComplianceAccepted):
            facts.add(("compliance", event.order))
        elif isinstance(event, ev.ReportApproved):
            facts.add(("final", event.report.removeprefix("R-")))
        elif isinstance(event, ev.OrderSettled):
            facts.add(("settled " + event.milestone, event.order))
        elif isinstance(event, ev.ReviewWindowOpened):
            closes[event.report] = event.closes_at
        elif isinstance(event, ev.ReviewWindowLapsed):
            facts.add(("final", event.report.removeprefix("R-")))
            told = min((at for size, at in world.vault_latest.items() if size > entry.seq), default=0)
            if told < closes.get(event.report, 1 << 62):
                yield f"{where}: the window of {event.report} closed at {told}, before {closes.get(event.report)}"
        elif isinstance(event, ev.InvoiceIssued):
            seen["invoice", event.order, event.milestone] += 1
            billed[event.order] += event.amount_minor
            if event.milestone == "receipt":
                truth = world.folk.truth
                if not any(truth.here(event.order) >= set(serials) for serials in truth.ordered[event.order]):
                    yield f"{where}: {event.order} was invoiced for parts that never arrived"
            elif not {(event.milestone, event.order), ("settled " + event.milestone, event.order)} & facts:
                yield f"{where}: {event.milestone} of {event.order} was invoiced before its facts"
        elif isinstance(event, ev.PayoutReleased):
            seen["payout", event.order, event.job, event.rule, event.payee] += 1
            if not {("work", event.order), ("compliance", event.order)} <= facts:
                yield f"{where}: a bonus of {event.order} was paid before its facts"
    yield from (f"HUB: {what} went out {times} times" for what, times in seen.items() if times > 1)
    yield from (f"HUB: {order} was invoiced {sum_}" for order, sum_ in billed.items() if sum_ > TERMS.price_minor)


def ordered_and_paid(hub: Log) -> Findings:
    """A payout is with the bank in one run at a time, and what was paid is ordered again only after it came back."""
    status: dict[str, str] = {}
    banked: Counter[str] = Counter()
    for entry, event in hub.events(
        ev.PaymentReceived, ev.PaymentsOrdered, ev.PayoutPaid, ev.PayoutFailed, ev.PayoutReversed
    ):
        where = f"HUB {entry.seq}"
        if isinstance(event, ev.PaymentReceived):
            banked[event.bank_ref] += 1
            if banked[event.bank_ref] > 1:
                yield f"{where}: the payment {event.bank_ref} came in twice"
        elif isinstance(event, ev.PaymentsOrdered):
            for payout in event.payouts:
                if status.get(payout, "due") not in ("due", "failed"):
                    yield f"{where}: {payout} is ordered and was {status[payout]}"
                status[payout] = f"ordered in {event.run}"
        elif isinstance(event, ev.PayoutPaid):
            if status.get(event.payout) != f"ordered in {event.run}":
                yield f"{where}: {event.payout} is paid in {event.run} and was {status.get(event.payout)}"
            status[event.payout] = "paid"
        elif isinstance(event, ev.PayoutFailed):
            status[event.payout] = "failed"
        elif isinstance(event, ev.PayoutReversed):
            status[event.payout] = "reversed"


def revoked(world: World, logs: dict[str, Log], hub: Log) -> Findings:
    """What a thief signed is nowhere allowed after the site knows that the key was replaced, or its owner disabled."""
    stolen = world.folk.truth.stolen
    ended = next((entry.seq for entry, _ in hub.events(ev.IdentityRekeyed, ev.IdentityDisabled)), None)
    if ended is None:
        return
    for name, log in logs.items():
        knows = False
        for entry in log.entries:
            decision = decision_of(entry)
            late = knows if name != hub.machine.id else entry.seq > ended
            if late and entry.kind == "action" and decision.allowed and _payload(entry) in stolen:
                yield f"{name} {entry.seq}: the stolen key of {stolen[_payload(entry)]} acts after its revocation"
            knows = knows or any(
                isinstance(event, ev.Imported) and event.origin == hub.machine.seat.origin and event.size > ended
                for event in decision.events
            )


def mirrored(world: World, logs: dict[str, Log]) -> Findings:
    """The Vault's copy is the log, byte for byte; and it holds no evidence against a sound log."""
    vault = next(machine for machine in world.machines.values() if machine.seat.kind == "vault")
    for name, log in logs.items():
        held = vault.disk.base.mirrors.get(log.machine.seat.origin, ())
        if list(held) != [kept.row.body for kept in log.machine.disk.base.rows]:
            yield f"the Vault's copy of {name} has {len(held)} entries and is not its log of {len(log.entries)}"
    lied = world.hits["set back"] or "lies" in world.swarm or world.hits["vault set back"]
    if vault.disk.base.evidence and not lied:
        yield f"the Vault holds evidence against logs that were never set back: {len(vault.disk.base.evidence)}"


def set_back(world: World) -> Findings:
    """A store that was set back is found when its site opens and reaches somebody who knows more."""
    for machine in world.machines.values():
        if machine.whole is not None:
            yield f"{machine.id} was set back, and nobody found it"


def audited(world: World, logs: dict[str, Log], trust: Trust) -> Findings:
    """Every log holds together, every decision made again comes out the same, and imports are what the others show."""
    reports: list[LogReport] = []
    for log in logs.values():
        disk = Disk(Faults(world.rng, Counter()), log.machine.disk.base)
        reports.append(audit_log(StoreSource(SimStore(disk)), trust, PlainChecks()))
    shown = {log.machine.seat.origin: log.leaves for log in logs.values()}
    compare_imports(reports, lambda origin, size: shown.get(origin, [])[:size])
    for report in reports:
        yield from (f"{report.site} {one.seq}: {one.what}" for one in report.findings)
