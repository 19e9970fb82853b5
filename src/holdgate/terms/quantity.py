"""Quantities: a decimal and its unit as the specification writes them. Another unit is refused, never converted."""

import re
from decimal import Decimal
from typing import Final

from holdgate.terms.errors import Malformed

_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,12})?")


def parse_decimal(text: str) -> Decimal | None:
    """The number, or None where the text is not a plain decimal (no exponent, no sign but a minus, no infinity)."""
    if not _DECIMAL.fullmatch(text):
        return None
    return Decimal(text)


def require_decimal(text: str, what: str) -> Decimal:
    """The number.

    Raises:
        Malformed: not a plain decimal.
    """
    value = parse_decimal(text)
    if value is None:
        raise Malformed(f"{what}: {text[:40]!r} is not a decimal number such as 21.5")
    return value
