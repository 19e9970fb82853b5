"""Country profiles: what an invoice from a seller's country to a buyer's country has to be, and in which formats it is given out.

Sources: Directive 2014/55/EU and EN 16931-1:2017 (European Union). In the United States no law prescribes a form.
"""

from typing import Final

from msgspec import Struct

from holdgate.invoicing.countries import COUNTRIES, EU
from holdgate.invoicing.fault import Fault

UBL: Final = "ubl"
CII: Final = "cii"
FACTURX: Final = "facturx"
PDF: Final = "pdf"
FORMATS: Final = (UBL, CII, FACTURX, PDF)

CURRENCIES: Final = frozenset(
    {"EUR", "USD", "GBP", "CHF", "JPY", "KRW", "CZK", "DKK", "HUF", "PLN", "RON", "SEK", "NOK", "BGN"}
)
"""Currencies whose minor unit `holdgate.terms.money` knows and of which EN 16931's two decimals show every unit."""


class Profile(Struct, frozen=True):
    """What is asked of an invoice. `formats`: that it may be given out in; the first is taken where none is named.

    `currencies`: that it may be in. `tax_word`: what the tax is called on the page. `paper`: its size.
    """

    name: str
    formats: tuple[str, ...]
    currencies: frozenset[str]
    tax_word: str
    paper: str


EN16931: Final = Profile("EN 16931", (FACTURX, UBL, CII), CURRENCIES, "VAT", "a4")
US: Final = Profile("US", (PDF,), frozenset({"USD"}), "Sales tax", "us-letter")


def profile_of(seller: str, buyer: str) -> Profile | Fault:
    """The profile of an invoice from one country to another (ISO 3166-1 alpha-2), or why there is none."""
    for whose, country in (("seller", seller), ("buyer", buyer)):
        if country not in COUNTRIES:
            return Fault(
                "HG-COUNTRY",
                f"the {whose}'s country {country[:8]!r} is no country of ISO 3166-1; register the party with the two letters of its"
                " country, such as DE or US",
            )
    if seller in EU:
        return EN16931
    if seller == "US":
        return US
    return Fault(
        "HG-COUNTRY",
        f"there is no invoice profile for a seller in {seller}; sellers in the US and in the European Union have one"
        f" ({', '.join(sorted(EU))}): write this invoice outside of Holdgate",
    )
