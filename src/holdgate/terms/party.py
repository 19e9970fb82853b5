"""Parties: an organisation as invoices, payments and reports name it. Registered by a signed act; no personal data."""

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
