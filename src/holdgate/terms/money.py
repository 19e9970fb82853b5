"""Money: integer minor units with an ISO 4217 currency; no fractions, no floats."""

from typing import Final

from holdgate.terms.quantity import parse_decimal, scaled

_EXPONENT: Final = {"JPY": 0, "KRW": 0, "BHD": 3, "KWD": 3, "TND": 3}


def show(amount_minor: int, currency: str) -> str:
    """`1200.00 USD` for 120000 minor units of USD."""
    exponent = _EXPONENT.get(currency, 2)
    sign, value = ("-" if amount_minor < 0 else ""), abs(amount_minor)
    if not exponent:
        return f"{sign}{value} {currency}"
    unit = 10**exponent
    return f"{sign}{value // unit}.{value % unit:0{exponent}d} {currency}"


def minor(text: str, currency: str) -> int | None:
    """An amount in major units (`12.50`) in minor ones; None where it is no amount of this currency."""
    value = parse_decimal(text)
    return None if value is None else scaled(value, _EXPONENT.get(currency, 2))
