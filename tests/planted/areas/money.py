"""Planted defects: invoices, payouts, books, bank files, tax."""

from typing import Final

from tests.planted.defect import Defect, Worlds, gate, scenario

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
        name="an amendment credits what was credited already",
        module="holdgate.pay.fire",
        old="kept = invoice.net_minor - invoice.credited_minor",
        new="kept = invoice.net_minor",
        check=(
            "tests/property/test_money.py::"
            "test_random_histories_release_every_amount_exactly_once_and_the_books_balance[0]"
        ),
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
    Defect(
        name="a payment is recorded twice",
        module="holdgate.law.gates.money",
        old="        if one.bank_ref in case.state.money.received:",
        new="        if False:",
        check=scenario("212"),
        soak=True,
    ),
    Defect(
        name="a payout that is with the bank is ordered again",
        module="holdgate.law.gates.money",
        old='        if found.status not in ("due", "failed"):',
        new="        if False:",
        check=scenario("212"),
        soak=True,
    ),
    Defect(
        name="a payout is reversed twice",
        module="holdgate.law.gates.money",
        old='    if found.status in ("ordered", "reversed"):',
        new='    if found.status == "ordered":',
        check=gate("a_payout_taken_back_twice", "test_gates_money"),
    ),
    Defect(
        name="one pair of eyes pays any sum",
        module="holdgate.law.gates.money",
        old="> _alone_minor(case, found) and len(set(_signs(case, TREASURERS))) < 2:",
        new="> _alone_minor(case, found) and False:",
        check=scenario("212"),
        soak=True,
    ),
    Defect(
        name="the payee signs for the payment",
        module="holdgate.law.gates.money",
        old="        if signer.id in payees:",
        new="        if False:",
        check=scenario("212"),
        soak=True,
    ),
    Defect(
        name="more is credited than was invoiced",
        module="holdgate.law.gates.money",
        old="    if not 0 <= command.credit_minor <= left:",
        new="    if False:",
        check=scenario("212"),
        soak=True,
    ),
    Defect(
        name="another client disputes the invoice",
        module="holdgate.law.gates.money",
        old='    if case.actor.role == "client" and person is not None and person.org != bill.client:',
        new="    if False:",
        check=gate("an_invoice_of_another_client", "test_gates_money"),
    ),
    Defect(
        name="a bank file that pays somebody else leaves",
        module="holdgate.banking.pain001",
        old="for a, b in pairs if a != b]",
        new="for a, b in pairs if not a]",
        check=(
            "tests/unit/test_banking_payments.py::"
            "test_an_amount_that_is_off_by_one_cent_is_refused_before_anything_leaves"
        ),
    ),
    Defect(
        name="a file's control sum leaves one transfer out",
        module="holdgate.banking.nacha",
        old="entry_hash = sum(int(payment.account.routing[:8]) for payment in order.payments)",
        new="entry_hash = sum(int(payment.account.routing[:8]) for payment in order.payments[1:])",
        check="tests/unit/test_banking_payments.py::test_an_ach_order_reads_back_as_it_was_ordered",
    ),
    Defect(
        name="an IBAN with a wrong digit is paid",
        module="holdgate.banking.sepa",
        old="    elif not _holds(number):",
        new="    elif False:",
        check=(
            "tests/unit/test_banking_payments.py::"
            "test_a_bad_iban_is_refused_before_anything_leaves[DE89370400440532013001-does not hold]"
        ),
    ),
    Defect(
        name="a payment that the bank took back counts as received",
        module="holdgate.banking.camt053",
        old="if movement.credit != movement.turned),",
        new="if movement.credit),",
        check="tests/unit/test_banking_reading.py::test_a_reversed_receipt_goes_back_out",
    ),
    Defect(
        name="an invoice with last year's VAT rate goes out",
        module="holdgate.invoicing.tax",
        old="    elif not same_rate(right, invoice.tax.rate):",
        new="    elif False:",
        check="tests/unit/test_invoice_rules.py::test_a_wrong_vat_rate_is_refused_and_the_right_one_named",
    ),
    Defect(
        name="a reverse charge without a VAT id goes out",
        module="holdgate.invoicing.tax",
        old='    if category in {"AE", "K"} and not buyer.vat_id:',
        new="    if False:",
        check="tests/unit/test_invoice_rules.py::test_reverse_charge_needs_both_vat_ids_and_a_reason[AE]",
    ),
    Defect(
        name="net and tax do not come to the gross sum",
        module="holdgate.invoicing.sums",
        old="    if invoice.net_minor + invoice.tax_minor != invoice.gross_minor:",
        new="    if False:",
        check="tests/unit/test_invoice_rules.py::test_one_cent_off_in_the_gross_sum_is_refused[1]",
    ),
    Defect(
        name="a window opens by a cosignature from before its report",
        module="holdgate.law.timers",
        old='report.status != "issued" or report.issued_seq >= event.size:',
        new='report.status != "issued":',
        check=(
            "tests/unit/test_adaptation.py::test_a_window_opens_only_by_a_cosignature_that_covers_its_report[0-False]"
        ),
    ),
)
