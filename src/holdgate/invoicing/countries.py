"""Countries as invoices need them: which there are, which are in the European Union, their tax rates and currencies.

Sources: ISO 3166-1 (2024); standard rates: the member states' VAT laws as the Commission's "Taxes in Europe" database lists them,
compared with published tables, as of `RATES_KNOWN_TO`. Whoever runs a shop in a country whose rate changes needs a newer release.
"""

from typing import Final

from holdgate.terms.quantity import parse_decimal


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


RATES_KNOWN_FROM: Final = "2024-01-01"
"""Before this day no rate is known, so that no standard rate is believed for it."""
RATES_KNOWN_TO: Final = "2026-01-01"
"""The table was last compared on the state of this day; for later days it is taken to go on."""

_STANDARD: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "AT": ((RATES_KNOWN_FROM, "20"),),
    "BE": ((RATES_KNOWN_FROM, "21"),),
    "BG": ((RATES_KNOWN_FROM, "20"),),
    "CY": ((RATES_KNOWN_FROM, "19"),),
    "CZ": ((RATES_KNOWN_FROM, "21"),),
    "DE": ((RATES_KNOWN_FROM, "19"),),
    "DK": ((RATES_KNOWN_FROM, "25"),),
    "EE": ((RATES_KNOWN_FROM, "22"), ("2025-07-01", "24")),
    "ES": ((RATES_KNOWN_FROM, "21"),),
    "FI": ((RATES_KNOWN_FROM, "24"), ("2024-09-01", "25.5")),
    "FR": ((RATES_KNOWN_FROM, "20"),),
    "GR": ((RATES_KNOWN_FROM, "24"),),
    "HR": ((RATES_KNOWN_FROM, "25"),),
    "HU": ((RATES_KNOWN_FROM, "27"),),
    "IE": ((RATES_KNOWN_FROM, "23"),),
    "IT": ((RATES_KNOWN_FROM, "22"),),
    "LT": ((RATES_KNOWN_FROM, "21"),),
    "LU": ((RATES_KNOWN_FROM, "17"),),
    "LV": ((RATES_KNOWN_FROM, "21"),),
    "MT": ((RATES_KNOWN_FROM, "18"),),
    "NL": ((RATES_KNOWN_FROM, "21"),),
    "PL": ((RATES_KNOWN_FROM, "23"),),
    "PT": ((RATES_KNOWN_FROM, "23"),),
    "RO": ((RATES_KNOWN_FROM, "19"), ("2025-08-01", "21")),
    "SE": ((RATES_KNOWN_FROM, "25"),),
    "SI": ((RATES_KNOWN_FROM, "22"),),
    "SK": ((RATES_KNOWN_FROM, "20"), ("2025-01-01", "23")),
}
"""Member state → (from this day on, standard rate in per cent), in order of time."""

EU: Final = frozenset(_STANDARD)
"""Member states of the European Union, by ISO 3166-1 alpha-2 (Greece is GR here, EL in VAT ids)."""

_OWN_CURRENCY: Final = {
    "BG": (("", "BGN"), ("2026-01-01", "EUR")),
    "CZ": (("", "CZK"),),
    "DK": (("", "DKK"),),
    "HU": (("", "HUF"),),
    "PL": (("", "PLN"),),
    "RO": (("", "RON"),),
    "SE": (("", "SEK"),),
}
"""Member states without the euro (Bulgaria: until it came there)."""

COUNTRIES: Final = _codes(
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY "
    "BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK "
    "FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR "
    "IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK "
    "ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM "
    "PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF "
    "TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
)
"""ISO 3166-1 alpha-2."""

US_STATES: Final = _codes(
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK "
    "OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC"
)
"""USPS codes of the states and the District of Columbia."""


def vat_prefix(country: str) -> str:
    """What a VAT id of a member state begins with: the country's code, but EL for Greece (Directive 2006/112/EC art. 215)."""
    return "EL" if country == "GR" else country


def standard_rate(country: str, day: str) -> str | None:
    """A member state's standard rate on a day (ISO date) in per cent; None where it is not known."""
    return _at(_STANDARD.get(country, ()), day)


def own_currency(country: str, day: str) -> str:
    """The currency in which a member state's tax has to be stated on a day (Directive 2006/112/EC art. 230)."""
    return _at(_OWN_CURRENCY.get(country, ()), day) or "EUR"


def same_rate(one: str, other: str) -> bool:
    """Whether two rates are the same number, however many zeros they are written with."""
    return parse_decimal(one) is not None and parse_decimal(one) == parse_decimal(other)


def _at(steps: tuple[tuple[str, str], ...], day: str) -> str | None:
    reached = [value for since, value in steps if since <= day]
    return reached[-1] if reached else None
