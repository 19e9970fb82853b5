"""The gate's figures as a fold of the floor hub's record, entry after entry; `docs/metrics.md` tells what each is for.

`MetricsFold` takes in every entry once, in record order, in pieces of any size. What it then says depends on those entries and on
the instant that it is asked for, and on nothing else, so that an auditor gets the same figures from the log.
Source: the floor page, staging analytics.
"""

import msgspec
from msgspec import Struct

from holdgate.crypto.envelope import open_envelope
from holdgate.handoff.autonomy import Autonomy
from holdgate.handoff.figures import Figure, Sample, by, counter, gauge, histogram, one
from holdgate.handoff.orders import Orders
from holdgate.handoff.readers import UNVERIFIED, Broadcasts
from holdgate.law import command as c
from holdgate.law.decision import Decision
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import Entry, read_entry_once
from holdgate.terms.errors import InvariantBroken, Malformed


class Seen(Struct, frozen=True, kw_only=True):
    """One entry, as far as the figures need it.

    `at`: its time (UTC µs). `command`: the signed act that it decided (None: no act). `attempts`: how many inputs that could not be
    authenticated it stands for (0: it is no attempt).
    """

    at: int
    decision: Decision
    command: c.AnyCommand | None = None
    attempts: int = 0


class MetricsFold:
    """The running figures of one gate. `size`: entries taken in."""

    __slots__ = ("_autonomy", "_broadcasts", "_orders", "size")

    def __init__(self) -> None:
        self.size = 0
        self._orders = Orders()
        self._broadcasts = Broadcasts()
        self._autonomy = Autonomy()

    def take(self, body: bytes) -> None:
        """Take in the next entry of the log, as its bytes.

        Raises:
            Malformed: it is no entry of this version. InvariantBroken: it is not the next one. Nothing changed.
        """
        entry = read_entry_once(body)
        if entry.seq != self.size:
            raise InvariantBroken(f"entry {entry.seq} was handed to the figures in the place of entry {self.size}")
        self.observe(seen(entry))

    def observe(self, entry: Seen) -> None:
        """Take in the next entry."""
        decision, command, at = entry.decision, entry.command, entry.at
        self._orders.observe(decision.events, at, decision.verdict, decision.codes)
        if isinstance(command, c.ReportArrival | c.AttestArrival):
            self._broadcasts.observe(command, decision, at)
        if entry.attempts and UNVERIFIED in decision.codes:
            self._broadcasts.unverified(entry.attempts)
        self._autonomy.decisions += command is not None and self._autonomy.alone
        for event in decision.events:
            self._autonomy.observe(event, at)
        self.size += 1

    def figures(self, now: int) -> tuple[Figure, ...]:
        """Every figure at an instant (UTC µs), not before the last entry. Costs what is open, not what is on record."""
        return (
            *self._of_orders(now),
            *self._of_arrivals(),
            *self._of_readers(now),
            *self._of_autonomy(now),
            *self._of_safety(),
        )

    def _of_orders(self, now: int) -> tuple[Figure, ...]:
        orders = self._orders
        due, in_time = orders.due(now)
        oldest = min(orders.waiting.values(), default=now)
        phases = (
            orders.released.spread((("phase", "staged_to_released"),)),
            orders.accepted.spread((("phase", "released_to_accepted"),)),
        )
        return (
            gauge("holdgate_staging_queue_orders", "Orders at the gate by state.", by("state", orders.queue.items())),
            gauge(
                "holdgate_staging_oldest_held_seconds",
                "Age of the oldest order that is not released.",
                one(max(0, now - oldest)),
                duration=True,
            ),
            histogram("holdgate_staging_dwell_seconds", "How long orders stayed in a phase.", phases),
            gauge("holdgate_arrival_due_total", "Orders whose arrival is due by now.", one(due)),
            gauge(
                "holdgate_arrival_confirmed_in_time_total", "Of the due orders, those released in time.", one(in_time)
            ),
            gauge(
                "holdgate_forward_pending",
                "Orders released and not yet accepted by their node.",
                by("node", orders.pending().items()),
            ),
        )

    def _of_arrivals(self) -> tuple[Figure, ...]:
        broadcasts, metrics = self._broadcasts, self._orders.metrics
        voided = len(metrics.voided)
        stopped = metrics.counts["wrong_arrivals_stopped"]
        events = tuple(
            Sample((("outcome", outcome), ("reason", reason)), times)
            for (outcome, reason), times in sorted(broadcasts.events.items())
        )
        return (
            histogram(
                "holdgate_arrival_decision_seconds",
                "From the reader's event time to the gate's decision.",
                (broadcasts.decision.spread(),),
            ),
            counter("holdgate_arrival_events_total", "Reported arrivals by outcome and first reason.", events),
            counter("holdgate_arrival_matched_total", "Arrivals matched to an order.", one(metrics.counts["matched"])),
            counter("holdgate_arrival_match_voided_total", "Matched arrivals taken back later.", one(voided)),
            counter(
                "holdgate_wrong_arrivals_total",
                "Wrong arrivals stopped at the gate, and found only after a match.",
                by("outcome", (("stopped", stopped), ("found_later", voided))),
            ),
            counter(
                "holdgate_hold_causes_total",
                "Reasons why a reported arrival released nothing, each reason of each.",
                by("reason", broadcasts.causes.items()),
            ),
        )

    def _of_readers(self, now: int) -> tuple[Figure, ...]:
        readers = sorted(self._broadcasts.readers.items())
        hours = tuple(
            Sample((("reader", name), ("hour", f"{hour:02d}")), times)
            for name, reader in readers
            for hour, times in enumerate(reader.hours)
            if times
        )
        return (
            counter("holdgate_broadcast_arrivals_total", "Authentic broadcasts by reader and UTC hour of day.", hours),
            counter(
                "holdgate_broadcast_gap_total",
                "Broadcasts a reader counted and the gate never got.",
                by("reader", ((name, reader.gap) for name, reader in readers)),
            ),
            counter(
                "holdgate_broadcast_late_total",
                "Broadcasts that were buffered and came late.",
                by("reader", ((name, reader.late) for name, reader in readers)),
            ),
            counter(
                "holdgate_broadcast_duplicate_total",
                "Broadcasts of parts that were here already.",
                by("reader", ((name, reader.duplicate) for name, reader in readers)),
            ),
            gauge(
                "holdgate_reader_last_seen_seconds",
                "Time since a reader's last authentic broadcast.",
                by("reader", ((name, max(0, now - reader.seen_at)) for name, reader in readers)),
                duration=True,
            ),
        )

    def _of_autonomy(self, now: int) -> tuple[Figure, ...]:
        autonomy = self._autonomy
        return (
            counter(
                "holdgate_offline_seconds_total",
                "Time in which the business hub or a Vault was out of reach.",
                one(autonomy.spent_us(now)),
                duration=True,
            ),
            counter(
                "holdgate_offline_decisions_total",
                "Acts decided while the business hub or a Vault was out of reach.",
                one(autonomy.decisions),
            ),
        )

    def _of_safety(self) -> tuple[Figure, ...]:
        counts = self._orders.metrics.counts
        return (
            counter(
                "holdgate_release_without_arrival_total",
                "Releases without a recorded arrival of every part: must be 0.",
                one(counts["releases_without_arrival"]),
            ),
            counter(
                "holdgate_routing_mismatch_total",
                "Releases to, or receipts from, another node than the order's: must be 0.",
                one(counts["routing_mismatches"]),
            ),
        )


class _Attempts(Struct, frozen=True):
    """Of the record of an attempt: how many alike it stands for."""

    count: int = 1


_ATTEMPTS = msgspec.json.Decoder(_Attempts)


def seen(entry: Entry) -> Seen:
    """Read an entry for the figures.

    Raises:
        Malformed: its act, decision or record cannot be read.
    """
    decision = decision_of(entry)
    if entry.kind == "action":
        command = c.parse_command(open_envelope(bytes(entry.action)).payload)
        return Seen(at=entry.at, decision=decision, command=command)
    if entry.kind != "attempt":
        return Seen(at=entry.at, decision=decision)
    try:
        return Seen(at=entry.at, decision=decision, attempts=_ATTEMPTS.decode(entry.record).count)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"the record of entry {entry.seq} cannot be read: {error}") from None
