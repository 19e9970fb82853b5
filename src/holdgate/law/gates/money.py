"""Money by hand: always refused. Invoices and payouts fire by themselves on the entry that completes their conditions."""

from holdgate.law import command as c
from holdgate.law.case import Case
from holdgate.law.contract import SmartClientPO


def _template(case: Case) -> SmartClientPO | None:
    order = case.order
    return None if order is None or not order.sha256 else case.library.template(order.sha256)


def invoice(case: Case) -> None:
    """Before the milestone: what is missing. After: it went out already."""
    command, order = case.command, case.order
    if type(command) is not c.IssueInvoice:
        return
    template = _template(case)
    if order is None or template is None:
        case.deny("PO_NOT_STAGED", order=command.order)
        return
    case.reads.append(order.ref)
    found = [item for item in template.billing if item.id == command.milestone]
    if not found:
        case.deny("MILESTONE_UNKNOWN", milestone=command.milestone)
    elif f"invoice:{command.milestone}" in order.fired:
        case.reads.append(order.fired[f"invoice:{command.milestone}"])
        case.deny("ALREADY_DONE", what=f"the invoice of {command.milestone}")
    else:
        case.deny("INVOICE_PRECONDITION", milestone=command.milestone, order=order.id, why=_WAITS[found[0].when])


_WAITS = {
    "arrival": "not all parts have arrived",
    "qa_accepted": "QA has not accepted every part",
    "client_accepted": "the client has not approved the report of every part",
}


def payout(case: Case) -> None:
    """Before QA and compliance: what is missing. After: it was paid already, or is not due under its rule."""
    command, order, job = case.command, case.order, case.job
    if type(command) is not c.ReleasePayout:
        return
    template = _template(case)
    if order is None or template is None or job is None:
        case.deny("JOB_UNKNOWN", job=command.job)
        return
    case.reads.append(job.ref)
    if all(rule.id != command.rule for rule in case.library.payouts(template)):
        case.deny("PAYOUT_RULE_UNKNOWN", rule=command.rule)
        return
    if command.payee not in job.signers:
        case.deny("PAYEE_NOT_ENTITLED", payee=command.payee, job=job.id)
        return
    fired = order.fired.get(f"payout:{command.job}:{command.rule}:{command.payee}")
    if fired is not None:
        case.reads.append(fired)
        case.deny("ALREADY_DONE", what=f"payout {command.rule} to {command.payee}")
    else:
        unmet = "its time condition was not met, or the most that a job may pay out is reached"
        why = "QA and compliance have not signed" if not job.compliance_by else unmet
        case.deny("PAYOUT_PRECONDITION", rule=command.rule, job=job.id, why=why)
