"""Fields by themselves: texts, dates, parties, tax numbers with their check digits, accounts.

Sources: EN 16931-1 (what has to be there); ISO 13616 (IBAN), ISO 9362 (BIC), ABA routing numbers and each country's tax numbers
through python-stdnum.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from msgspec import structs
from stdnum import bic, get_cc_module, iban
from stdnum.us import ein, rtn

from holdgate.invoicing.countries import EU, vat_prefix
from holdgate.invoicing.fault import Fault
from holdgate.invoicing.sums import CREDIT_NOTE, INVOICE
from holdgate.pay.invoice import Invoice
from holdgate.terms.limits import (
    INVOICE_NAME_CHARS_MAX,
    INVOICE_NOTE_CHARS_MAX,
    INVOICE_REPORTS_MAX,
    INVOICE_TEXT_CHARS_MAX,
)
from holdgate.terms.party import Account, Party

_NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9/._-]{0,34}")
"""What fits a bank's remittance field and a file's name."""
_ACCOUNT_NUMBER: Final = re.compile(r"[0-9]{4,17}")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_LONG: Final = {"note": INVOICE_NOTE_CHARS_MAX, "text": INVOICE_TEXT_CHARS_MAX, "reason": INVOICE_TEXT_CHARS_MAX}


def faults_of_fields(invoice: Invoice) -> Iterator[Fault]:
    """Everything that is wrong with a field by itself."""
    yield from _texts(invoice)
    yield from _head(invoice)
    yield from _dates(invoice)
    for whose, party in (("seller", invoice.seller), ("buyer", invoice.buyer)):
        yield from _party(whose, party)
        yield from _vat_id(whose, party)
    yield from _account(invoice)


def _texts(invoice: Invoice) -> Iterator[Fault]:
    """No text holds what a page does not show and a program does read, or the other way round."""
    for name, text in _strings("", structs.asdict(invoice)):
        last = name.rpartition(".")[2]
        lines = text.replace("\n", "") if last == "note" else text
        unseen = next((c for c in lines if unicodedata.category(c) in _UNSEEN), None)
        if unseen is not None:
            yield Fault(
                "HG-TEXT", f"{name} holds U+{ord(unseen):04X}, a character that shows nothing; write it without"
            )
        if text != text.strip():
            yield Fault("HG-TEXT", f"{name} begins or ends with a blank; write it without")
        if len(text) > (most := _LONG.get(last, INVOICE_NAME_CHARS_MAX)):
            yield Fault("HG-TEXT", f"{name} has {len(text)} characters; {most} are the most")
    if invoice.note.startswith("#"):
        yield Fault(
            "HG-TEXT", "the note begins with #, which UBL would read as a code of its subject; begin with a word"
        )


def _strings(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, tuple):
        for at, item in enumerate(value, 1):
            yield from _strings(f"{name} {at}", item)
    elif hasattr(value, "__struct_fields__"):
        yield from _strings(name, structs.asdict(value))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(f"{name}.{key}" if name else key, item)


def _head(invoice: Invoice) -> Iterator[Fault]:
    for what, number in (("the number", invoice.number), ("the corrected invoice", invoice.corrects)):
        if not _NUMBER.fullmatch(number) and (number or what == "the number"):
            yield Fault(
                "HG-NUMBER", f"{what} {number[:40]!r} is not 1 to 35 letters, digits and / . _ - beginning with one"
            )
    if invoice.kind not in {INVOICE, CREDIT_NOTE}:
        yield Fault("HG-KIND", f"a document is an {INVOICE} or a {CREDIT_NOTE}, not {invoice.kind[:20]!r}")
    corrected = bool(invoice.corrects) and bool(invoice.corrected_on)
    if invoice.kind == CREDIT_NOTE and (not corrected or invoice.corrects == invoice.number):
        yield Fault("HG-CORRECTS", "a credit note names the invoice that it corrects, and its date")
    if invoice.kind == INVOICE and (invoice.corrects or invoice.corrected_on):
        yield Fault("HG-CORRECTS", "an invoice corrects none: what is taken back is a credit note")
    for what in ("order", "contract", "entry"):
        if not getattr(invoice, what):
            yield Fault("HG-FIELD", f"the {what} that the invoice rests on is not named")
    for line in invoice.lines:
        if not line.id or not line.text:
            yield Fault("HG-LINES", "a line has no id or no text; say what is charged")
    if len(invoice.reports) > INVOICE_REPORTS_MAX or "" in invoice.reports:
        yield Fault("HG-FIELD", f"at most {INVOICE_REPORTS_MAX} reports are named, each by its number")


def _dates(invoice: Invoice) -> Iterator[Fault]:
    said = {"issued_on": invoice.issued_on, "delivered_on": invoice.delivered_on}
    if invoice.kind != CREDIT_NOTE or invoice.due_on:
        said["due_on"] = invoice.due_on
    if invoice.corrected_on:
        said["corrected_on"] = invoice.corrected_on
    bad = {name for name, day in said.items() if not _is_day(day)}
    for name in sorted(bad):
        yield Fault("HG-DATE", f"{name} {said[name][:20]!r} is no date such as 2026-03-31")
    if bad:
        return
    if said.get("due_on", invoice.issued_on) < invoice.issued_on:
        yield Fault("HG-DATE", f"it would be due on {invoice.due_on}, before it is issued on {invoice.issued_on}")
    for name in ("delivered_on", "corrected_on"):
        if said.get(name, "") > invoice.issued_on:
            yield Fault("HG-DATE", f"{name} {said[name]} lies after {invoice.issued_on}, when it is issued")


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _party(whose: str, party: Party) -> Iterator[Fault]:
    for what in ("name", "street", "city"):
        if not getattr(party, what):
            yield Fault("HG-PARTY", f"the {whose} has no {what}; register it")
    if not party.postal_code and party.country in EU | {"US"}:
        yield Fault("HG-PARTY", f"the {whose} has no postal code; register it")
    if bool(party.endpoint) != bool(party.endpoint_scheme):
        yield Fault(
            "HG-PARTY",
            f"the {whose}'s electronic address and its scheme (an EAS code such as 9930) need each other",
        )
    if party.country == "US" and (whose == "seller" or party.tax_id) and not ein.is_valid(party.tax_id):
        yield Fault("HG-TAX-ID", f"the {whose}'s tax id {party.tax_id[:20]!r} is no EIN such as 91-1144442; correct it")


def _vat_id(whose: str, party: Party) -> Iterator[Fault]:
    """Its prefix within the Union, and its check digits wherever they are known."""
    vat_id = party.vat_id
    if not vat_id:
        return
    if party.country == "US":
        yield Fault("HG-VAT-ID", f"the {whose} is in the US, where there are no VAT ids; register its EIN as tax id")
    prefix = vat_prefix(party.country)
    if party.country in EU and not vat_id.startswith(prefix):
        yield Fault(
            "HG-VAT-ID",
            f"the {whose}'s VAT id {vat_id[:20]!r} does not begin with {prefix}; register the one of {party.country}",
        )
    module = get_cc_module(party.country.lower(), "vat") if party.country != "US" else None
    if (module is not None and not module.is_valid(vat_id)) or not vat_id.isascii() or not vat_id.isalnum():
        yield Fault(
            "HG-VAT-ID",
            f"the {whose}'s VAT id {vat_id[:20]!r} is none of {party.country}: digits are wrong; correct it",
        )


def _account(invoice: Invoice) -> Iterator[Fault]:
    """Where the seller is paid. A credit note asks for no payment."""
    account = invoice.seller.account or Account()
    if account == Account() and invoice.kind == CREDIT_NOTE:
        return
    if invoice.seller.country == "US":
        if not rtn.is_valid(account.routing):
            yield Fault(
                "HG-ACCOUNT", f"the seller's routing number {account.routing[:12]!r} is none of the ABA; correct it"
            )
        if not _ACCOUNT_NUMBER.fullmatch(account.number):
            yield Fault("HG-ACCOUNT", "the seller's account number is not 4 to 17 digits; correct it")
        return
    if not iban.is_valid(account.iban) or iban.compact(account.iban) != account.iban:
        yield Fault(
            "HG-ACCOUNT",
            f"the seller's IBAN {account.iban[:40]!r} is none; write it without blanks, as the bank states it",
        )
    if account.bic and not (bic.is_valid(account.bic) and bic.compact(account.bic) == account.bic):
        yield Fault("HG-ACCOUNT", f"the seller's BIC {account.bic[:16]!r} is none; correct it or leave it out")
