"""Quantities: a decimal and its unit as the specification writes them. Another unit is refused, never converted."""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Final

from holdgate.terms.errors import Malformed
from holdgate.terms.limits import DECIMALS_MAX

EXACT: Final = Context(
    prec=64,
    rounding=ROUND_HALF_EVEN,
    Emin=-999,
    Emax=999,
    capitals=1,
    clamp=0,
    flags=[],
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
"""Arithmetic with quantities: wide enough that no sum is rounded, and nobody else's to change."""

_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,12})?")


def parse_decimal(text: str) -> Decimal | None:
    """The number, or None where the text is not a plain decimal (no exponent, no sign but a minus, no infinity)."""
    if not _DECIMAL.fullmatch(text):
        return None
    return Decimal(text)


def scaled(value: Decimal, places: int) -> int | None:
    """The number as an integer of 10^-places, or None where it has more decimals than that."""
    if not 0 <= places <= DECIMALS_MAX:
        return None
    shifted = EXACT.scaleb(value, places)
    whole = EXACT.to_integral_value(shifted)
    return int(whole) if whole == shifted else None


def require_decimal(text: str, what: str) -> Decimal:
    """The number.

    Raises:
        Malformed: not a plain decimal.
    """
    value = parse_decimal(text)
    if value is None:
        raise Malformed(f"{what}: {text[:40]!r} is not a decimal number such as 21.5")
    return value
