"""Words of the screens: what an act is called on its button, and what its signature means. Shop words, nothing decided.

A signature's meaning is printed with it (21 CFR 11.50); whoever signs reads it before.
"""

from typing import Final, NamedTuple

from holdgate.law import command as c


class Wording(NamedTuple):
    """An act on a screen. `does`: the button; `means`: what the signature says ("": it carries no meaning)."""

    does: str
    means: str = ""


WORDING: Final[dict[type[c.Command], Wording]] = {
    # people and facts
    c.EnrolIdentity: Wording("Enrol"),
    c.DisableIdentity: Wording("Withdraw access"),
    c.EnrolSite: Wording("Let the node join"),
    c.RetireSite: Wording("Let the node leave"),
    c.GrantCredential: Wording("Record cert"),
    c.RevokeCredential: Wording("Revoke cert"),
    c.RegisterEquipment: Wording("Put on the register"),
    c.RegisterMaterial: Wording("Register batch"),
    c.CalibrateEquipment: Wording("Record calibration"),
    c.CheckEquipment: Wording("Record check"),
    c.ExtendMaterial: Wording("Extend shelf life"),
    c.AdoptStandard: Wording("Adopt edition"),
    c.VerifyDocument: Wording("Document is valid"),
    c.UpdatePolicy: Wording("Change access policy", "approved"),
    # contracts
    c.SubmitContract: Wording("Propose revision"),
    c.ApproveContract: Wording("Approve", "approved"),
    c.CertifyContract: Wording("Certify", "certified"),
    c.ActivateContract: Wording("Release revision"),
    c.SuspendContract: Wording("Stop work"),
    c.ResumeContract: Wording("End stop-work"),
    c.SuggestTune: Wording("Suggest value"),
    c.ApproveTune: Wording("Agree to value", "approved"),
    c.RevertTune: Wording("Back to the contract's value", "approved"),
    c.SuggestChange: Wording("Suggest change"),
    # orders
    c.AcceptTerms: Wording("Accept terms", "terms accepted"),
    c.ReviewOrder: Wording("Contract review done", "reviewed: requirements understood, capability confirmed"),
    c.StageOrder: Wording("Stage order"),
    c.AssignJob: Wording("Assign"),
    c.CloseDelivery: Wording("Close delivery date"),
    # the dock
    c.ReportArrival: Wording("Scanned in"),
    c.AttestArrival: Wording("Attest arrival", "parts are here, seen by both"),
    c.VoidArrival: Wording("Not here after all"),
    # the traveler
    c.StartJob: Wording("Start job"),
    c.SplitJob: Wording("Split lot"),
    c.StartStep: Wording("Start op"),
    c.RecordReading: Wording("Record"),
    c.SignStep: Wording("Sign off", "performed and accepted"),
    c.CorrectEntry: Wording("Correct entry"),
    c.AuthoriseDeviation: Wording("Authorise deviation", "deviation authorised"),
    c.RestartStep: Wording("Can't continue: start op again"),
    c.RecordLate: Wording("Late entry"),
    c.ReleaseHold: Wording("Release hold point", "hold point released"),
    c.NotifyWitness: Wording("Witness was told"),
    c.AuthoriseRetest: Wording("Authorise retest"),
    c.OpenNonconformance: Wording("Red tag"),
    c.DisposeNonconformance: Wording("Decide", "disposition approved"),
    c.ReprocessJob: Wording("Reprocess"),
    c.TerminateJob: Wording("End job"),
    c.ResumeJob: Wording("Resume job", "resumption approved"),
    c.AskModule: Wording("Ask for permit"),
    c.ReportModule: Wording("Report deed"),
    c.LogEnvironment: Wording("Log value"),
    # quality, reports, money
    c.SignQa: Wording("Accept record", "reviewed and accepted"),
    c.SignCompliance: Wording("Accept for compliance", "compliance accepted"),
    c.GenerateReport: Wording("Issue report"),
    c.AmendReport: Wording("Amend report"),
    c.ReviewReport: Wording("Answer report", "reviewed by the client"),
    c.CloseWindow: Wording("Close review window"),
    c.IssueInvoice: Wording("Issue invoice"),
    c.ReleasePayout: Wording("Release payout"),
    c.RegisterParty: Wording("Register organisation", "address, tax and account are right"),
    c.RegisterAccount: Wording("Register bank account", "account is right"),
    c.AgreeCharge: Wording("Agree to charge", "agreed"),
    c.SettleOrder: Wording("Settle milestone", "agreed"),
    c.DisputeInvoice: Wording("Dispute invoice", "disputed"),
    c.ResolveDispute: Wording("Settle dispute", "agreed"),
    c.RecordPayments: Wording("Record payments"),
    c.RunPayments: Wording("Pay payouts", "payments ordered"),
    c.RecordResults: Wording("Record bank's answer"),
    c.ReversePayout: Wording("Take payout back", "reversed"),
}

_RESULTS: Final = {
    (c.SignStep, "fail"): Wording("Sign off: does not conform", "performed; does not conform"),
    (c.ReviewReport, "approve"): Wording("Approve report", "report approved"),
    (c.ReviewReport, "reject"): Wording("Reject report", "report rejected"),
}

LABELS: Final = {
    "order": "Order",
    "job": "Job",
    "step": "Op",
    "serials": "Serials",
    "part_no": "Part number",
    "rev": "Rev",
    "quantity": "Quantity",
    "contract": "Technique",
    "version": "Rev",
    "node": "Area",
    "characteristic": "Characteristic",
    "value": "Value",
    "new_value": "New value",
    "unit": "Unit",
    "instrument": "Instrument",
    "serial": "Serial",
    "equipment": "Equipment",
    "materials": "Batches",
    "result": "Result",
    "reason": "Reason",
    "evidence": "Evidence",
    "disposition": "Disposition",
    "concession": "Concession number",
    "description": "What is wrong",
    "ncr": "Red tag number",
    "deviation": "Deviation number",
    "waive": "Waives",
    "cause": "Cause",
    "quantities": "Count",
    "report": "Report",
    "new_report": "New report number",
    "decision": "Decision",
    "technician": "Technician",
    "credential": "Cert",
    "person": "Person",
    "until": "Valid until",
    "id": "SMART-ID",
    "name": "Name",
    "roles": "Roles",
    "org": "Organisation",
    "zone": "Area",
    "document": "Document",
    "documents": "Documents",
    "digest": "Digest",
    "document_digest": "Document digest",
    "client": "Client",
    "terms": "Terms",
    "batch": "Batch",
    "material_kind": "Kind",
    "equipment_class": "Class",
    "as_found": "As found",
    "certificate": "Certificate",
    "effectivity": "Takes effect for",
    "approval_role": "Approval as",
    "standard": "Standard",
    "edition": "Edition",
    "policy": "Policy",
    "into": "Sub-lots",
    "observed_at": "Observed at",
    "cal_from": "Calibrated on",
    "cal_until": "Calibration due",
    "in_service": "In service",
    "approved": "Released for use",
    "photo_digest": "Photo",
    "street": "Street and number",
    "postal_code": "Postal code",
    "vat_id": "VAT number",
    "tax_id": "Tax number",
    "register_id": "Register number",
    "endpoint": "Electronic address",
    "endpoint_scheme": "Kind of electronic address",
    "iban": "IBAN",
    "bic": "BIC",
    "routing": "Routing number",
    "account": "Account number",
    "tax_category": "Tax category",
    "tax_rate": "Tax rate in %",
    "tax_reason": "Why no tax is charged",
    "payment_days": "Pays within days",
    "milestone": "Milestone",
    "amount_minor": "Amount in cents",
    "credit_minor": "Credit in cents, without tax",
    "charge": "Charge",
    "item": "Item",
    "invoice": "Invoice",
    "payout": "Payout",
    "payouts": "Payouts",
    "payments": "Payments",
    "run": "Payment run",
    "pay_on": "Pay on",
    "statement": "Statement digest",
    "file": "File digest",
    "owner": "Whose account",
    "commitment": "Account commitment",
}
"""Fields of acts as people call them; any other field goes by its own name."""


def wording(act: type[c.Command], result: str = "") -> Wording:
    """What an act is called. `result`: its result or decision, where it has one that changes the words."""
    return _RESULTS.get((act, result)) or WORDING.get(act) or Wording(str(act.__struct_config__.tag))


def label(field: str) -> str:
    """A field as people call it."""
    return LABELS.get(field, field.replace("_", " ").capitalize())
