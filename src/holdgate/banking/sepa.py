"""Accounts of SEPA: who is in its scheme, and whether an IBAN and a BIC hold together.

Source: EPC 409-09 (countries of the SEPA schemes, with those that joined in 2025 and 2026); ISO 13616; ISO 9362.
"""

import re
from typing import Final

from stdnum import iban
from stdnum.exceptions import ValidationError

from holdgate.terms.party import Account

_PLAIN: Final = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.ASCII)
_BIC: Final = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?", re.ASCII)

_UNION: Final = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
_BESIDE: Final = "IS LI NO CH GB GI MC SM VA AD AL MD ME MK RS"
COUNTRIES: Final = frozenset(f"{_UNION} {_BESIDE}".split())
"""What an IBAN of a SEPA account begins with (Crown dependencies have GB, French and Finnish islands FR and FI)."""


def account_faults(account: Account | None, whose: str) -> list[str]:
    """What is wrong with an account that a SEPA credit transfer names: IBAN (check digits, structure, country), BIC's form."""
    if account is None or not account.iban:
        return [f"{whose} has no IBAN; a SEPA transfer needs one"]
    faults: list[str] = []
    number = account.iban
    if not _PLAIN.fullmatch(number):
        faults.append(f"the IBAN of {whose} is not written in capitals and digits without blanks: {number[:40]!r}")
    elif not _holds(number):
        faults.append(f"the IBAN of {whose} does not hold (check digits, length or country): {number}")
    elif number[:2] not in COUNTRIES:
        faults.append(f"the IBAN of {whose} is of {number[:2]}, which is not in SEPA; pay it another way")
    if account.bic and not _BIC.fullmatch(account.bic):
        faults.append(f"the BIC of {whose} is not of 8 or 11 capitals and digits: {account.bic[:20]!r}")
    return faults


def _holds(number: str) -> bool:
    try:
        return bool(iban.validate(number) == number)
    except ValidationError:
        return False
