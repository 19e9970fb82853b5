"""Planted defects: invoices, payouts, books, bank files, tax."""

from typing import Final

from tests.planted.defect import Defect, Worlds, scenario

DEFECTS: Final = (
    Defect(
        name="a milestone is invoiced at every fact",
        module="holdgate.pay.fire",
        old='if f"invoice:{item.id}" in order.fired or reached is None or not order.serials:',
        new="if reached is None or not order.serials:",
        check=Worlds(),
    ),
    Defect(
        name="a bonus is paid before compliance signed",
        module="holdgate.pay.fire",
        old="or not (job.qa_by and job.compliance_by):",
        new="or not job.qa_by:",
        check=Worlds(),
    ),
    Defect(
        name="a bonus is paid twice",
        module="holdgate.pay.fire",
        old=("        if _key(job, rule, payee) not in order.fired:\n            yield"),
        new=("        if True:\n            yield"),
        check=Worlds(),
    ),
    Defect(
        name="silence is acceptance though nobody signed that",
        module="holdgate.pay.fire",
        old='report.outcome == "deemed_accepted" and _silence_signed(order)',
        new='report.outcome == "deemed_accepted"',
        check=(
            "tests/unit/test_pay.py::test_silence_accepts_only_under_a_clause_that_this_client_signed[order escalates]"
        ),
    ),
    Defect(
        name="a milestone is due for some of the parts",
        module="holdgate.pay.fire",
        old="    return wanted.issubset(covered)",
        new="    return not wanted.isdisjoint(covered)",
        check=scenario("140"),
        soak=True,
    ),
    Defect(
        name="the most that a job pays out is no limit",
        module="holdgate.pay.fire",
        old="        if payout.amount_minor <= left:",
        new="        if True:",
        check="tests/unit/test_pay.py::test_a_job_pays_out_no_more_than_its_cap[10-paid1]",
    ),
    Defect(
        name="a credit note leaves a cent",
        module="holdgate.law.money",
        old="    return tax_of(left, tax.rate) - tax_of(left - note.net_minor, tax.rate)",
        new="    return tax_of(note.net_minor, tax.rate)",
        check="tests/unit/test_money.py::test_credit_notes_take_back_the_invoices_tax_to_the_cent",
    ),
    Defect(
        name="half a cent of tax is dropped",
        module="holdgate.law.money",
        old="size = (2 * abs(net_minor) * per + _RATE_UNIT) // (2 * _RATE_UNIT)",
        new="size = abs(net_minor) * per // _RATE_UNIT",
        check="tests/unit/test_money.py::test_tax_is_rounded_half_a_cent_away_from_zero[50-19-10]",
    ),
    Defect(
        name="a payment run follows the account of the day",
        module="holdgate.law.money",
        old='accounts={one.payee: money.accounts.get(one.payee, "") for one in payables},',
        new="accounts=money.accounts,",
        check=(
            "tests/unit/test_books.py::"
            "test_a_run_pays_from_and_to_the_accounts_that_its_signers_saw_whatever_is_registered_afterwards"
        ),
        after="a payment run paid what was registered after its signers had seen it",
    ),
)
