"""Parties: an organisation as invoices, payments and reports name it. Registered by a signed act; no personal data."""

import re
from typing import Final

from msgspec import Struct


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A bank account: IBAN (with BIC where a bank asks for it), or a US one by ABA routing number and account number."""

    iban: str = ""
    bic: str = ""
    routing: str = ""
    number: str = ""


class Tax(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How an invoice is taxed.

    `category`: a code of UNCL 5305 as EN 16931 uses it (S standard, Z zero, E exempt, AE reverse charge, K intra-community,
    G export, O outside the scope of tax). `rate`: per cent as a plain decimal. `reason`: why nothing is charged, in words.
    """

    category: str
    rate: str = "0"
    reason: str = ""


class Party(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An organisation.

    `org`: its id here. `name`: the legal one. `country`: ISO 3166-1 alpha-2; `region`: state or province, where the country's
    addresses have one. `vat_id`: with its country prefix; `tax_id`: any other number (an EIN). `register_id`: of the trade
    register. `email`, `phone`: the organisation's. `endpoint`: its electronic address under `endpoint_scheme` (an EAS code).
    `account`: where it is paid. `tax`: how this shop invoices it; `payment_days`: within how many days it pays.
    """

    org: str
    name: str
    street: str
    city: str
    postal_code: str
    country: str
    region: str = ""
    vat_id: str = ""
    tax_id: str = ""
    register_id: str = ""
    email: str = ""
    phone: str = ""
    endpoint_scheme: str = ""
    endpoint: str = ""
    account: Account | None = None
    tax: Tax | None = None
    payment_days: int = 30


CATEGORIES: Final = ("S", "Z", "E", "AE", "K", "G", "O")
"""Tax categories that an invoice here can have (UNCL 5305, as EN 16931 takes it)."""
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_ROUTING: Final = re.compile(r"[0-9]{9}")
_NUMBER: Final = re.compile(r"[0-9A-Za-z-]{1,17}")


def account_fault(iban: str, routing: str, number: str) -> str:
    """Why an account cannot be one, as a sentence; "" where it can, or where none is named.

    Args:
        iban: as written, no spaces; its check digits must fit (ISO 7064, mod 97-10).
        routing: ABA routing number, whose weighted sum (3, 7, 1) is divisible by 10.
        number: the US account number that belongs to it.
    """
    if iban and (routing or number):
        return "an account is named by its IBAN, or by routing and account number, not by both"
    if iban and not (_IBAN.fullmatch(iban) and _rest_97(iban) == 1):
        return "its IBAN is not one: letters or digits are wrong (written without spaces)"
    if routing and not (_ROUTING.fullmatch(routing) and _weighted(routing) % 10 == 0):
        return "its routing number is not one: nine digits, of which one is wrong"
    if bool(routing) != bool(number) or (number and not _NUMBER.fullmatch(number)):
        return "routing number and account number (1 to 17 digits) go together"
    return ""


def _rest_97(iban: str) -> int:
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97


def _weighted(routing: str) -> int:
    return sum(int(digit) * weight for digit, weight in zip(routing, (3, 7, 1) * 3, strict=True))
