"""The floor hub: slips, readers, arrivals, releases."""

from typing import Final

from msgspec.structs import replace

from holdgate.law import event as ev
from holdgate.law.folds.step import Steps
from holdgate.law.library import Library
from holdgate.law.state import EarlyArrival, StagedSlip, State


def _slip_staged(state: State, _: Library, e: ev.SlipStaged, at: int, ref: int) -> None:
    before = state.slips.get(e.order)
    slip = StagedSlip(
        order=e.order,
        node=e.node,
        slip=e.slip,
        body=e.body,
        part_no=e.part_no,
        rev=e.rev,
        serials=e.serials,
        policy=e.policy,
        evidence=e.evidence,
        buffer_max_us=e.buffer_max_us,
        staged_at=at,
        ref=ref,
        staged_seq=ref,
    )
    if (
        e.amendment
        and before is not None
        and (before.part_no, before.rev, before.serials) == (e.part_no, e.rev, e.serials)
    ):
        slip.arrived, slip.staged_at, slip.gone = before.arrived, before.staged_at, before.gone + before.released
        slip.state = "partial" if before.arrived else "held"
    if before is not None:
        _await_no_more(state, before)
    state.slips[e.order] = slip
    _await(state, slip)


def _await(state: State, slip: StagedSlip) -> None:
    """Its parts can be looked up, so that a scan that names no order finds the one that waits for them.

    The business hub takes the same events in and answers no scan.
    """
    if state.kind != "floor_hub":
        return
    awaited, alone = state.awaited, (slip.order,)
    for serial in slip.serials:
        orders = awaited.get(serial, ())
        if slip.order not in orders:
            awaited[serial] = (*orders, slip.order) if orders else alone


def _await_no_more(state: State, slip: StagedSlip) -> None:
    for serial in slip.serials:
        left = tuple(order for order in state.awaited.get(serial, ()) if order != slip.order)
        if left:
            state.awaited[serial] = left
        else:
            state.awaited.pop(serial, None)


def _reader_advanced(state: State, _: Library, e: ev.ReaderAdvanced, at: int, ref: int) -> None:
    state.readers[e.reader] = e.seq


def _arrival_recorded(state: State, _: Library, e: ev.ArrivalRecorded, at: int, ref: int) -> None:
    slip = state.slips.get(e.order)
    if slip is not None:
        slip.arrived += tuple(s for s in e.serials if s not in slip.arrived)
        slip.state = "partial" if slip.state == "held" else slip.state
        slip.late = slip.late or e.late
        slip.ref = ref
    order = state.orders.get(e.order)
    if order is not None and state.kind == "business_hub":
        order.arrived += tuple(s for s in e.serials if s not in order.arrived)
        if e.evidence == "attested":
            order.attested_parts += e.serials
        order.attested, order.ref = bool(order.attested_parts), ref
    state.early = [early for early in state.early if early.order != e.order]


def _arrival_kept(state: State, _: Library, e: ev.ArrivalKept, at: int, ref: int) -> None:
    if state.kind == "floor_hub":
        state.early.append(
            EarlyArrival(
                order=e.order, part_no=e.part_no, rev=e.rev, serials=e.serials, captured_at=e.captured_at, ref=ref
            )
        )


def _arrival_quarantined(state: State, _: Library, e: ev.ArrivalQuarantined, at: int, ref: int) -> None:
    """On the record; it changes no order."""


def _arrival_voided(state: State, _: Library, e: ev.ArrivalVoided, at: int, ref: int) -> None:
    """These parts are waited for again. A scan that is kept for an order to come loses them too."""
    slip = state.slips.get(e.order)
    if slip is not None:
        slip.arrived = _without(slip.arrived, e.serials)
        slip.state, slip.ref = "partial" if slip.arrived else "held", ref
        _await(state, slip)
    order = state.orders.get(e.order)
    if order is not None and state.kind == "business_hub":
        order.arrived, order.attested_parts = (
            _without(order.arrived, e.serials),
            _without(order.attested_parts, e.serials),
        )
        order.attested, order.ref = bool(order.attested_parts), ref
    kept = [_less(early, e) for early in state.early]
    state.early = [early for early in kept if early.serials]


def _less(early: EarlyArrival, e: ev.ArrivalVoided) -> EarlyArrival:
    return replace(early, serials=_without(early.serials, e.serials)) if early.order == e.order else early


def _without(serials: tuple[str, ...], voided: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(serial for serial in serials if serial not in voided)


def _order_released(state: State, _: Library, e: ev.OrderReleased, at: int, ref: int) -> None:
    slip = state.slips.get(e.order)
    if slip is not None:
        slip.released += tuple(s for s in e.serials if s not in slip.released)
        slip.state = "released" if e.complete else "partial"
        slip.ref = ref
        if e.complete:
            _await_no_more(state, slip)
    order = state.orders.get(e.order)
    if order is not None:
        order.status, order.ref = "released", ref


def _forward_acknowledged(state: State, _: Library, e: ev.ForwardAcknowledged, at: int, ref: int) -> None:
    slip = state.slips.get(e.order)
    if slip is not None:
        slip.state = "acknowledged" if slip.state == "released" else slip.state


STEPS: Final[Steps] = {
    ev.SlipStaged: _slip_staged,
    ev.ReaderAdvanced: _reader_advanced,
    ev.ArrivalRecorded: _arrival_recorded,
    ev.ArrivalKept: _arrival_kept,
    ev.ArrivalQuarantined: _arrival_quarantined,
    ev.ArrivalVoided: _arrival_voided,
    ev.OrderReleased: _order_released,
    ev.ForwardAcknowledged: _forward_acknowledged,
}
