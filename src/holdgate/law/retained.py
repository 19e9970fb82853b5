"""What a site knows of payloads that can be erased: what they are about, what holds them, whether they are gone. Plain data."""

from msgspec import Struct


class Erasure(Struct, frozen=True, gc=False):
    """That a payload was erased: when (UTC µs), by which two officers, and why. `ref`: the entry that says so."""

    at: int
    by: str
    approved_by: str
    reason: str
    ref: int


class Payload(Struct):
    """What can be erased, as the record names it: by a commitment, or by a plain digest in records from before.

    `orders`, `persons`: what it is about, as far as the acts say that name it; `others`: subjects of another kind. `since`: the
    last act that named it (UTC µs). `kind`: what it is, where it was put on the record by itself. `erased`: None while it is kept.
    """

    orders: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    since: int = 0
    kind: str = ""
    ref: int = 0
    erased: Erasure | None = None


class LegalHold(Struct, frozen=True, gc=False):
    """A legal hold that is in force since `at` (UTC µs)."""

    by: str
    at: int
    reason: str
    ref: int


class Retained(Struct, gc=False):
    """What an order's payloads are kept by. `years`: the longest that a contract it was worked under states (0: none does).

    `since`: the last thing that is on record of the order (UTC µs): retention runs from there.
    """

    years: int = 0
    since: int = 0
