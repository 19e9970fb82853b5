"""What came of a scan, in words for the person at the dock: green, amber or red, and what to do.

The words are made from the hub's own entry (`holdgate.reader.receipt`), never from text that came beside it.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from holdgate.reader.broadcast import Scan
from holdgate.reader.receipt import Decided, Denial
from holdgate.terms import instant

NAMED: Final = 8
"""Serials that a sentence names."""


class Came(StrEnum):
    """What came of it. RECEIVED is green, HELD amber, REFUSED red."""

    RECEIVED = "received"
    HELD = "held"
    REFUSED = "refused"


class Word(Struct, frozen=True, kw_only=True):
    """What came of one scan. `entry`: where it stands in the floor hub's log."""

    came: Came
    scan: Scan
    says: str
    codes: tuple[str, ...]
    entry: int


ASIDE: Final = "Set the parts aside and tell the office."
SENTENCES: Final[dict[str, tuple[str, str]]] = {
    "PO_NOT_STAGED": ("No order here waits for these parts ({order}).", "Tell the office."),
    "BROADCAST_UNVERIFIED": ("The hub does not accept this reader: {why}.", "Have the reader enrolled."),
    "REPLAYED_BROADCAST": (
        "Another outbox has used this reader's counter up to {last}.",
        "Find out which; then scan again with --after {last}.",
    ),
    "STALE_BROADCAST": (
        "The scan was made at {captured_at} and came too late for this order.",
        "Scan the parts again.",
    ),
    "FUTURE_DATED": ("This reader's clock is {by_us} ahead.", "Set the clock, then scan again."),
    "LOCATION_NOT_PERMITTED": ("{place} is in {zone}; parts are received in {needed}.", "Scan them there."),
    "AMBIGUOUS_ARRIVAL": ("These parts fit several orders: {orders}.", "Scan again with --order."),
    "PART_MISMATCH": ("Wrong part: read {read}, {order} expects {expected}.", ASIDE),
    "REV_MISMATCH": ("Wrong revision: read {read}, {order} expects {expected}.", ASIDE),
    "SERIAL_UNKNOWN": ("Wrong serial: {serials} is not on {order}.", ASIDE),
    "QTY_MISMATCH": ("{why}.", "Count again."),
    "DUPLICATE_ARRIVAL": ("{serials} was received before.", "Nothing is left to do."),
    "EVIDENCE_CLASS_NOT_ALLOWED": ("{order} does not take a scan as evidence.", "Ask the office."),
}
"""By denial code: what is wrong, and what helps. Another code is named as it is."""


def word_of(scan: Scan, decided: Decided) -> Word:
    """What came of a scan that the hub has decided."""
    came, says = _said(scan, decided)
    return Word(came=came, scan=scan, says=says, codes=decided.codes, entry=decided.seq)


def parts_of(scan: Scan) -> str:
    """The parts of a scan, as a person names them."""
    return f"{scan.part_no} rev {scan.rev}, S/N {_few(scan.serials)}"


def _said(scan: Scan, decided: Decided) -> tuple[Came, str]:
    recorded, released = decided.event("ArrivalRecorded"), decided.event("OrderReleased")
    kept = decided.event("ArrivalKept")
    if decided.allowed:
        order = (recorded or {}).get("order", scan.order)
        return Came.RECEIVED, f"{parts_of(scan)}, for {order}. {_onward(released)}".rstrip()
    if recorded is not None:
        why = " ".join(str(denial.values.get("why", denial.code)) for denial in decided.denials)
        return Came.HELD, f"{parts_of(scan)}, for {recorded.get('order')}: {why}."
    if kept is not None:
        order = kept.get("order")
        return Came.HELD, f"{parts_of(scan)}: {order} is not known here yet. Set the parts aside until it is."
    told = [_sentence(denial) for denial in decided.denials]
    helps = dict.fromkeys(helps for _, helps in told)
    return Came.REFUSED, f"{parts_of(scan)}. {' '.join([*(says for says, _ in told), *helps])}".rstrip()


def _onward(released: dict[str, Any] | None) -> str:
    if released is None:
        return ""
    return f"{'All parts are here' if released.get('complete') else 'These parts may go on'}: on to {released.get('node')}."


def _sentence(denial: Denial) -> tuple[str, str]:
    known = SENTENCES.get(denial.code)
    if known is None:
        return f"{denial.code} (holdgate denials {denial.code}).", ""
    values = _Values({name: _shown(name, value) for name, value in denial.values.items()})
    return known[0].format_map(values), known[1].format_map(values)


class _Values(dict[str, str]):
    """The values of a sentence; one that the hub did not give is a question mark."""

    def __missing__(self, name: str) -> str:
        return "?"


def _shown(name: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        return _few([str(item) for item in value])
    if isinstance(value, int) and name.endswith("_us"):
        return instant.show_duration(value)
    if isinstance(value, int) and name.endswith("_at"):
        return instant.show(value)
    return str(value)


def _few(names: Iterable[str]) -> str:
    """The first few by name, the rest by number."""
    names = list(names)
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
