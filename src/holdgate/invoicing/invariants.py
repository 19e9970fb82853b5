"""All that an invoice has to hold before a document is made of it: ours first, then the standards' (`validate`)."""

from holdgate.invoicing.countries import EU, own_currency
from holdgate.invoicing.fault import Fault
from holdgate.invoicing.fields import faults_of_fields
from holdgate.invoicing.profiles import Profile, profile_of
from holdgate.invoicing.sums import faults_of_sums
from holdgate.invoicing.tax import faults_of_treatment, tax_point
from holdgate.pay.invoice import Invoice


def faults_of(invoice: Invoice) -> tuple[Fault, ...]:
    """Every rule of ours that the invoice does not hold, in a fixed order; empty: none."""
    profile = profile_of(invoice.seller.country, invoice.buyer.country)
    found = [*faults_of_sums(invoice), *faults_of_fields(invoice)]
    if isinstance(profile, Fault):
        return (profile, *found)
    return (*found, *_currency(invoice, profile), *faults_of_treatment(invoice))


def _currency(invoice: Invoice, profile: Profile) -> tuple[Fault, ...]:
    if invoice.currency not in profile.currencies:
        known = ", ".join(sorted(profile.currencies))
        return (
            Fault(
                "HG-CURRENCY", f"invoices by {profile.name} are in {known}; {invoice.currency[:8]!r} is none of them"
            ),
        )
    home = own_currency(invoice.seller.country, tax_point(invoice))
    if invoice.seller.country in EU and invoice.tax_minor and invoice.currency != home:
        return (
            Fault(
                "HG-CURRENCY",
                f"tax of {invoice.seller.country} has to be stated in {home} too, and no exchange rate is known: invoice in {home}",
            ),
        )
    return ()
