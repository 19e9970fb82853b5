# LONG: every act of the law version in one table: a reader looks an act up, not across files
"""Commands: what a SMART-ID asks for, as the signed payload of an envelope.

One struct per act. The header is the same everywhere: who signs (in which role, with what meaning, unlocked how), where
(the workstation, which signs too and so attests place, components and session), for which site, when by the signer's
own account, and a nonce. Everybody who is listed signs the same bytes (foundations: signatures).
The canonical bytes are sorted JSON without empty fields; `holdgate.terms.canon` refuses every other spelling.
"""

from typing import Final, get_args

import msgspec
from msgspec import Struct

from holdgate.crypto.envelope import PAYLOAD_TYPE
from holdgate.terms import canon
from holdgate.terms.errors import Malformed
from holdgate.terms.ids import check_id
from holdgate.terms.limits import INTEGER_ABS_MAX, PAYLOAD_BYTES_MAX, SLIP_MORE_BYTES_MAX, TEXT_CHARS_MAX

__all__ = ["ACTS", "PAYLOAD_TYPE", "AnyCommand", "Command", "parse_command", "subject_of"]


class Auth(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """How a signer unlocked the signature, as the workstation saw it.

    `components`: the signing components that were presented (badge, pin, password, key, biometric).
    `session`: the signing session at that workstation. `presented_by`: whose components they were, where that is not
    the signer (a borrowed badge).
    """

    components: tuple[str, ...]
    session: str
    presented_by: str | None = None


class Signer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One person, device, site or module that signs: the first of a command is its actor, the others co-sign."""

    id: str
    role: str
    kind: str = "ed25519"
    meaning: str | None = None
    auth: Auth | None = None


class Command(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="act",
    tag="command",
    gc=False,
):
    """The header that every act carries.

    `site`: the site that is to decide. `at`: the signer's own time (UTC µs), a claim. `nonce`: makes each wish one of
    its own. `place`: the workstation or read point. `seen`: digest of what the signers were shown.
    """

    site: str
    at: int
    nonce: str
    signers: tuple[Signer, ...]
    place: str | None = None
    seen: str | None = None
    v: int = 1

    @property
    def actor(self) -> Signer:
        """Who acts; the other signers co-sign."""
        return self.signers[0]


# ---- identities and facts (business hub) ---------------------------------------------------------------------------


class EnrolIdentity(Command, frozen=True, kw_only=True, tag="identity.enrol"):
    """Enrol a person, device, site or module; the new key co-signs (proof of possession), two officers approve.

    `from_file`: see `AdoptStandard`.
    """

    id: str
    name: str
    org: str
    kind: str
    key: bytes
    roles: tuple[str, ...]
    zone: str | None = None
    node: str | None = None
    sealing_key: bytes | None = None
    from_file: str | None = None


class DisableIdentity(Command, frozen=True, kw_only=True, tag="identity.disable"):
    """De-authorise an identity from now on."""

    id: str
    reason: str


class RekeyIdentity(Command, frozen=True, kw_only=True, tag="identity.rekey"):
    """Give a person, device or module another key, which co-signs (proof of possession).

    Two officers approve, neither of whom it is about.

    `sealing_key`: a new one too, where the identity has one.
    """

    id: str
    key: bytes
    reason: str
    sealing_key: bytes | None = None


class EnrolSite(Command, frozen=True, kw_only=True, tag="site.enrol"):
    """Let a node join the shop; the site signs with its new key (proof of possession), two officers approve.

    The fields are those of a seat of the charter (`holdgate.identity.charter.SiteSeat`).
    """

    id: str
    kind: str
    origin: str
    key: bytes
    sealing_key: bytes
    area: str | None = None


class RetireSite(Command, frozen=True, kw_only=True, tag="site.retire"):
    """A node leaves the shop, with nothing left to do there; two officers sign. Its log stays, and can still be verified.

    `lost`: it is stolen or burnt, and leaves with whatever was left to do: what its key signs from then on makes nothing true.
    """

    id: str
    reason: str
    lost: bool = False


class RotateRoots(Command, frozen=True, kw_only=True, tag="root.rotate"):
    """Exchange the roots of the shop; their keepers signed that in a document of their own, two officers hand it in.

    `document`: the root document's envelope (`holdgate.identity.roots`), as bytes.
    """

    document: bytes
    reason: str


class GrantCredential(Command, frozen=True, kw_only=True, tag="credential.grant"):
    """Record or renew a qualification; `until` is the last instant it is valid. `from_file`: see `AdoptStandard`."""

    person: str
    credential: str
    until: int
    evidence: str
    from_file: str | None = None


class RevokeCredential(Command, frozen=True, kw_only=True, tag="credential.revoke"):
    """Revoke a qualification from now on."""

    person: str
    credential: str
    reason: str


class RegisterEquipment(Command, frozen=True, kw_only=True, tag="equipment.register"):
    """Put an instrument or machine on the register with its calibration interval (UTC µs, inclusive).

    `from_file`: see `AdoptStandard`.
    """

    id: str
    equipment_class: str
    cal_from: int
    cal_until: int
    in_service: bool
    from_file: str | None = None


class RegisterMaterial(Command, frozen=True, kw_only=True, tag="material.register"):
    """Put a batch on the register; `until` is its last instant of use. `from_file`: see `AdoptStandard`."""

    batch: str
    material_kind: str
    until: int
    approved: bool
    from_file: str | None = None


class CalibrateEquipment(Command, frozen=True, kw_only=True, tag="equipment.calibrate"):
    """Record a calibration. `as_found`: in_tolerance or out_of_tolerance; `until`: its last instant; by certificate.

    `from_file`: see `AdoptStandard`.
    """

    id: str
    as_found: str
    until: int
    certificate: str | None = None
    from_file: str | None = None


class ExtendMaterial(Command, frozen=True, kw_only=True, tag="material.extend"):
    """Extend a batch's shelf life on the manufacturer's evidence; `until`: its new last instant of use.

    `from_file`: see `AdoptStandard`.
    """

    batch: str
    until: int
    evidence: str | None = None
    from_file: str | None = None


class AdoptStandard(Command, frozen=True, kw_only=True, tag="standard.adopt"):
    """Adopt an edition of a standard from now on, until then (UTC µs); another edition of it is not in force any more.

    Two officers sign. `from_file`: SHA-256 of the file that the act was imported from: who imports and who approves are
    then two people, and both sign.
    """

    standard: str
    edition: str
    until: int
    evidence: str | None = None
    from_file: str | None = None


class VerifyDocument(Command, frozen=True, kw_only=True, tag="document.verify"):
    """A document of an order was read and is valid; `until`: its last instant (None: it does not run out)."""

    order: str
    document: str
    digest: str
    until: int | None = None


class UpdatePolicy(Command, frozen=True, kw_only=True, tag="policy.update"):
    """An access policy asks for one more credential in a zone, for steps that are not started yet.

    Whatever makes it ask for less (another zone or credential, or `withdraw`) is co-signed in all the approval roles.
    """

    policy: str
    zone: str
    credential: str
    reason: str
    withdraw: bool = False


class KeepPayload(Command, frozen=True, kw_only=True, tag="payload.keep"):
    """Put a payload that can be erased on the record, by its commitment (`holdgate.crypto.commitments`).

    `kind`: what it is (`evidence`, `account`, `medical` …). `subject`: whose or what it is about (`person:…`, `order:…`,
    `job:ORDER/JOB`), where that is known.
    """

    commitment: str
    kind: str
    subject: str | None = None


class ErasePayload(Command, frozen=True, kw_only=True, tag="payload.erase"):
    """Erase what a commitment or digest names, wherever it is kept; the record goes on naming it. Two officers sign."""

    commitment: str
    reason: str


class PlaceHold(Command, frozen=True, kw_only=True, tag="hold.place"):
    """Legal hold: nothing of this order, job or person is erased while it is in force. `subject`: see `KeepPayload`."""

    subject: str
    reason: str


class LiftHold(Command, frozen=True, kw_only=True, tag="hold.lift"):
    """End a legal hold; two officers sign."""

    subject: str
    reason: str


# ---- contracts (business hub) --------------------------------------------------------------------------------------


class SubmitContract(Command, frozen=True, kw_only=True, tag="contract.submit"):
    """Propose a version; the document itself is pinned beside the entry under `sha256`."""

    contract: str
    version: str
    sha256: str


class ApproveContract(Command, frozen=True, kw_only=True, tag="contract.approve"):
    """Approve exactly this version in one of the four approval roles."""

    contract: str
    version: str
    approval_role: str


class CertifyContract(Command, frozen=True, kw_only=True, tag="contract.certify"):
    """Record the validators' certificate (pinned under `certificate`) for exactly this version."""

    contract: str
    version: str
    certificate: str


class ActivateContract(Command, frozen=True, kw_only=True, tag="contract.activate"):
    """Release a certified and approved version; `effectivity`: new_orders or unstarted_jobs."""

    contract: str
    version: str
    effectivity: str


class SuspendContract(Command, frozen=True, kw_only=True, tag="contract.suspend"):
    """Stop-work: nothing starts and nothing is signed under this version until it is resumed."""

    contract: str
    version: str
    reason: str


class ResumeContract(Command, frozen=True, kw_only=True, tag="contract.resume"):
    """End a stop-work."""

    contract: str
    version: str
    reason: str


class SuggestTune(Command, frozen=True, kw_only=True, tag="tune.suggest"):
    """Suggest another value (decimal) for an adaptable parameter."""

    contract: str
    version: str
    param: str
    value: str
    evidence: str | None = None


class ApproveTune(Command, frozen=True, kw_only=True, tag="tune.approve"):
    """Agree to the value that waits for approval."""

    contract: str
    version: str
    param: str
    value: str


class RevertTune(Command, frozen=True, kw_only=True, tag="tune.revert"):
    """Return to the contract's own value; an open suggestion falls."""

    contract: str
    version: str
    param: str
    reason: str


class SuggestChange(Command, frozen=True, kw_only=True, tag="ai.suggest"):
    """A thought about a contract, for people to read. It changes no rule."""

    contract: str
    change: str


class ApplyChange(Command, frozen=True, kw_only=True, tag="ai.apply"):
    """A module's wish to change a rule by itself. Always refused, on the record."""

    contract: str
    change: str


# ---- orders (business hub) -----------------------------------------------------------------------------------------


class Milestone(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One invoice of an order's terms."""

    id: str
    amount_minor: int


class Terms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """What the client signs: price, milestones, review window (seconds) and what silence means."""

    price_minor: int
    currency: str
    milestones: tuple[Milestone, ...]
    client_window_s: int
    on_silence: str


class AcceptTerms(Command, frozen=True, kw_only=True, tag="po.accept"):
    """The client's own people accept the terms of an order under one contract version."""

    order: str
    contract: str
    version: str
    terms: Terms


class ReviewOrder(Command, frozen=True, kw_only=True, tag="po.review"):
    """Contract review of a paper order, by the digest of the document that was read."""

    order: str
    document_digest: str


class StageOrder(Command, frozen=True, kw_only=True, tag="po.stage"):
    """Complete an order and stage it at the floor hub for the node it names."""

    order: str
    contract: str
    version: str
    node: str
    client: str
    part_no: str
    rev: str
    serials: tuple[str, ...]
    documents: tuple[str, ...]
    arrival_policy: str = "full"
    arrival_due: int | None = None
    delivery_due: int | None = None
    buffer_max_s: int | None = None
    amendment: bool = False
    document_until: dict[str, int] = {}


class AssignJob(Command, frozen=True, kw_only=True, tag="job.assign"):
    """Assign a job to a person; a second assignment gives its reason."""

    order: str
    job: str
    technician: str
    reason: str | None = None


class CloseDelivery(Command, frozen=True, kw_only=True, tag="delivery.close"):
    """The order's delivery date is over."""

    order: str


# ---- handoff (floor hub) -------------------------------------------------------------------------------------------


class Slip(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The staging slip: all that the floor hub may know of an order. `body`: digest of the order body in clear."""

    order: str
    node: str
    part_no: str
    rev: str
    serials: tuple[str, ...]
    policy: str
    evidence: tuple[str, ...]
    buffer_max_us: int
    body: str
    staged_at: int
    arrival_due: int | None = None
    amendment: bool = False


class StageSlip(Command, frozen=True, kw_only=True, tag="slip.stage"):
    """The business hub hands a staged order over to the floor hub; the sealed body travels beside it."""

    slip: Slip


class ReportArrival(Command, frozen=True, kw_only=True, tag="part.arrival"):
    """A reader's broadcast: these parts are physically here.

    `reader_seq`: the reader's strictly increasing counter. `event`: the name of the EPCIS event, which stays outside: its event
    hash (`ni:///sha-256;…?ver=CBV2.0`), or from older readers the SHA-256 of its bytes in hex.
    `captured_at`: capture time of a buffered scan (UTC µs).
    """

    part_no: str
    rev: str
    serials: tuple[str, ...]
    quantity: int
    order: str | None = None
    reader_seq: int | None = None
    observed_at: int | None = None
    buffered: bool = False
    captured_at: int | None = None
    event: str | None = None


class AttestArrival(Command, frozen=True, kw_only=True, tag="arrival.attest"):
    """Two people of different roles attest that these parts are here, where no reader can (`photo_digest`: of a photo)."""

    part_no: str
    rev: str
    serials: tuple[str, ...]
    quantity: int
    photo_digest: str
    reason: str
    order: str | None = None


class VoidArrival(Command, frozen=True, kw_only=True, tag="arrival.void"):
    """These parts are not here after all; only before the order is released."""

    order: str
    serials: tuple[str, ...]
    reason: str


class ReleaseOrder(Command, frozen=True, kw_only=True, tag="po.release"):
    """A wish to release by hand. Always refused, on the record."""

    order: str


class AcknowledgeForward(Command, frozen=True, kw_only=True, tag="forward.acknowledge"):
    """The node's signed receipt: the order is accepted there."""

    order: str
    body: str
    serials: tuple[str, ...]


# ---- jobs and steps (node) -----------------------------------------------------------------------------------------


class ForwardOrder(Command, frozen=True, kw_only=True, tag="order.forward"):
    """The floor hub forwards a released order; the slip's envelope and the sealed body come beside it.

    `slip`: SHA-256 of the business hub's slip envelope. `serials`: which parts are here.
    """

    order: str
    slip: str
    serials: tuple[str, ...]


class NoticeOrder(Command, frozen=True, kw_only=True, tag="order.notice"):
    """The floor hub's notice {order, node, state}, without part data."""

    order: str
    node: str
    state: str


class StartJob(Command, frozen=True, kw_only=True, tag="job.start"):
    """Start a job on (some of) an order's parts; pins the contract."""

    order: str
    job: str
    node: str
    serials: tuple[str, ...] | None = None


class RepinJob(Command, frozen=True, kw_only=True, tag="job.repin"):
    """A wish to change the contract of a running job. Always refused, on the record."""

    order: str
    job: str
    version: str


class SubLot(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One part of a split."""

    job: str
    serials: tuple[str, ...]


class SplitJob(Command, frozen=True, kw_only=True, tag="job.split"):
    """Split a job into sub-lots that inherit its history and then live alone."""

    order: str
    job: str
    into: tuple[SubLot, ...]


class StartStep(Command, frozen=True, kw_only=True, tag="step.start"):
    """Open a step: who, where, with which instruments and batches."""

    order: str
    job: str
    step: str
    contract: str
    equipment: tuple[str, ...]
    materials: tuple[str, ...]
    deviation: str | None = None


class RecordReading(Command, frozen=True, kw_only=True, tag="reading.record"):
    """Record one value as it was read; an out-of-limit value is recorded like any other.

    `capture`: how it came in (`manual`, say), in the signers' word; nothing checks it.
    """

    order: str
    job: str
    step: str
    contract: str
    characteristic: str
    value: str
    unit: str
    capture: str
    instrument: str | None = None
    serial: str | None = None
    observed_at: int | None = None


class SignStep(Command, frozen=True, kw_only=True, tag="step.sign"):
    """Sign a step off: pass, fail or accepted_under_concession."""

    order: str
    job: str
    step: str
    contract: str
    result: str


class CorrectEntry(Command, frozen=True, kw_only=True, tag="entry.correct"):
    """Correct a reading by a new entry with a reason; the old value stays on the record."""

    order: str
    job: str
    step: str
    characteristic: str
    new_value: str
    reason: str
    serial: str | None = None


class AuthoriseDeviation(Command, frozen=True, kw_only=True, tag="deviation.authorise"):
    """A narrow departure: one job, one step, one use; Level III, that order's client, reason and evidence."""

    order: str
    job: str
    step: str
    deviation: str
    waive: tuple[str, ...]
    reason: str
    evidence: str | None = None


class RestartStep(Command, frozen=True, kw_only=True, tag="step.restart"):
    """Abandon the open attempt at a step; it stays on the record, and the step can be started again."""

    order: str
    job: str
    step: str
    reason: str


class RecordLate(Command, frozen=True, kw_only=True, tag="entry.late"):
    """An observation that could not be entered in time: with reason, evidence and QA's co-signature; it stays marked.

    `kind`: reading. A signature is never late.
    """

    order: str
    job: str
    step: str
    contract: str
    characteristic: str
    value: str
    unit: str
    observed_at: int
    reason: str
    evidence: str | None = None
    instrument: str | None = None
    serial: str | None = None
    kind: str = "reading"


class ReleaseHold(Command, frozen=True, kw_only=True, tag="holdpoint.release"):
    """The party of a hold point lets the step start."""

    order: str
    job: str
    step: str


class NotifyWitness(Command, frozen=True, kw_only=True, tag="witness.notify"):
    """The witness of a step was told when it is."""

    order: str
    job: str
    step: str


class AuthoriseRetest(Command, frozen=True, kw_only=True, tag="retest.authorise"):
    """A failed test may be repeated for an allowed cause; the first result stays on the record."""

    order: str
    job: str
    step: str
    cause: str
    evidence: str | None = None


class OpenNonconformance(Command, frozen=True, kw_only=True, tag="ncr.open"):
    """Red tag: these parts are on hold until somebody authorised decides what becomes of them."""

    order: str
    job: str
    ncr: str
    serials: tuple[str, ...]
    description: str


class DisposeNonconformance(Command, frozen=True, kw_only=True, tag="ncr.disposition"):
    """What becomes of the parts of a nonconformance (see `holdgate.law.gates.nonconformances`)."""

    order: str
    job: str
    ncr: str
    disposition: str
    reason: str
    concession: str | None = None
    evidence: str | None = None


class ReprocessJob(Command, frozen=True, kw_only=True, tag="job.reprocess"):
    """Do the process again from a step on; what was done stays on the record."""

    order: str
    job: str
    step: str
    reason: str


class TerminateJob(Command, frozen=True, kw_only=True, tag="job.terminate"):
    """End a job for good; nothing of it goes on."""

    order: str
    job: str
    reason: str


class ResumeJob(Command, frozen=True, kw_only=True, tag="job.resume"):
    """Take up a failed job again; the open attempt is abandoned and kept."""

    order: str
    job: str
    reason: str
    evidence: str | None = None


class CallHelp(Command, frozen=True, kw_only=True, tag="help.call"):
    """Call Level III to a job, at the step where it is. A fact on the record; it changes nothing and is never stopped."""

    order: str
    job: str
    step: str
    reason: str


class AskModule(Command, frozen=True, kw_only=True, tag="module.may"):
    """A module asks whether it may do something (`deed`, its own word) at a step; the permit gets this id."""

    order: str
    job: str
    step: str
    module: str
    deed: str
    permit: str
    operator: str | None = None


class ReportModule(Command, frozen=True, kw_only=True, tag="module.act"):
    """A module did what its permit allows; once."""

    order: str
    job: str
    step: str
    permit: str
    deed: str


class LogEnvironment(Command, frozen=True, kw_only=True, tag="env.log"):
    """One value of an environmental series. `buffered`: it was kept by the sensor and comes late."""

    series: str
    value: str
    unit: str
    observed_at: int | None = None
    buffered: bool = False


class CheckEquipment(Command, frozen=True, kw_only=True, tag="equipment.check"):
    """An intermediate check of an instrument or machine: pass or fail."""

    id: str
    result: str
    evidence: str | None = None


class WriteVault(Command, frozen=True, kw_only=True, tag="vault.write"):
    """A wish to change a record through the Vault. Always refused, on the record of the site it was aimed at."""

    target: str


# ---- quality, reports, money (business hub) ------------------------------------------------------------------------


class Quantities(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """What QA counts at the end of a job."""

    received: int
    accepted: int
    rejected: int
    scrapped: int


class SignQa(Command, frozen=True, kw_only=True, tag="qa.sign"):
    """QA reviewed the record of a job and accepts it."""

    order: str
    job: str
    quantities: Quantities


class SignCompliance(Command, frozen=True, kw_only=True, tag="compliance.sign"):
    """Compliance accepts the record of a job."""

    order: str
    job: str


class GenerateReport(Command, frozen=True, kw_only=True, tag="report.generate"):
    """Issue the report of a job; `fields` restricts its content (None: everything the shop's reports carry)."""

    order: str
    job: str
    report: str
    fields: tuple[str, ...] | None = None


class AmendReport(Command, frozen=True, kw_only=True, tag="report.amend"):
    """Replace an issued report by a new one with its own number; a changed result needs evidence."""

    report: str
    new_report: str
    reason: str
    changes_result: bool = False
    evidence: str | None = None


class ReviewReport(Command, frozen=True, kw_only=True, tag="client.review"):
    """The client approves or rejects a report."""

    report: str
    decision: str
    reason: str | None = None


class CloseWindow(Command, frozen=True, kw_only=True, tag="window.close"):
    """The client's review window is over (in Vault time)."""

    report: str


class IssueInvoice(Command, frozen=True, kw_only=True, tag="invoice.issue"):
    """A wish to invoice by hand. Invoices fire by themselves; this is always refused, with what is missing."""

    order: str
    milestone: str


class ReleasePayout(Command, frozen=True, kw_only=True, tag="payout.release"):
    """A wish to pay out by hand. Payouts fire by themselves; this is always refused, with what is missing."""

    order: str
    job: str
    rule: str
    payee: str


class RegisterParty(Command, frozen=True, kw_only=True, tag="party.register"):
    """Register an organisation as invoices and payments name it (`holdgate.terms.party` says what each field is)."""

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
    iban: str = ""
    bic: str = ""
    routing: str = ""
    account: str = ""
    tax_category: str = ""
    tax_rate: str = "0"
    tax_reason: str = ""
    payment_days: int = 30


class RegisterAccount(Command, frozen=True, kw_only=True, tag="account.register"):
    """Register where a person is paid, by a commitment: they sign it themselves, and finance does."""

    owner: str
    commitment: str


class AgreeCharge(Command, frozen=True, kw_only=True, tag="charge.agree"):
    """The client and the project manager agree to a charge of the contract's price list; `item` tells it from others."""

    order: str
    charge: str
    item: str
    reason: str


class SettleOrder(Command, frozen=True, kw_only=True, tag="po.settle"):
    """The client and the project manager settle a milestone that is not reached any more (minor units; 0: void)."""

    order: str
    milestone: str
    amount_minor: int
    reason: str


class DisputeInvoice(Command, frozen=True, kw_only=True, tag="invoice.dispute"):
    """The client disputes an invoice."""

    invoice: str
    reason: str


class ResolveDispute(Command, frozen=True, kw_only=True, tag="invoice.resolve"):
    """The client and the shop settle a dispute; `credit_minor`: what the invoice is corrected by, without tax (0: it stands)."""

    invoice: str
    credit_minor: int
    reason: str


class PaymentIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A line of a bank statement that pays an invoice (or takes back: below 0). `booked_on`: ISO date."""

    bank_ref: str
    invoice: str
    amount_minor: int
    currency: str
    booked_on: str


class RecordPayments(Command, frozen=True, kw_only=True, tag="payment.record"):
    """Put payments that came in on the record. `statement`: SHA-256 of the bank's file."""

    statement: str
    payments: tuple[PaymentIn, ...]


class RunPayments(Command, frozen=True, kw_only=True, tag="payment.run"):
    """Order the bank to pay payouts that are due; the file is made from this entry. `pay_on`: ISO date."""

    run: str
    payouts: tuple[str, ...]
    currency: str
    pay_on: str


class PayoutResult(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What the bank says of one payout. `status`: paid or failed; `reason`: its code."""

    payout: str
    status: str
    reason: str = ""


class RecordResults(Command, frozen=True, kw_only=True, tag="payment.result"):
    """Put on the record what became of a payment run. `file`: SHA-256 of the bank's file."""

    run: str
    file: str
    results: tuple[PayoutResult, ...]


class ReversePayout(Command, frozen=True, kw_only=True, tag="payout.reverse"):
    """Take a payout back by a counter-entry."""

    payout: str
    reason: str


AnyCommand = (
    EnrolIdentity
    | DisableIdentity
    | RekeyIdentity
    | EnrolSite
    | RetireSite
    | RotateRoots
    | GrantCredential
    | RevokeCredential
    | RegisterEquipment
    | RegisterMaterial
    | CalibrateEquipment
    | ExtendMaterial
    | AdoptStandard
    | VerifyDocument
    | UpdatePolicy
    | KeepPayload
    | ErasePayload
    | PlaceHold
    | LiftHold
    | SubmitContract
    | ApproveContract
    | CertifyContract
    | ActivateContract
    | SuspendContract
    | ResumeContract
    | SuggestTune
    | ApproveTune
    | RevertTune
    | SuggestChange
    | ApplyChange
    | AcceptTerms
    | ReviewOrder
    | StageOrder
    | AssignJob
    | CloseDelivery
    | StageSlip
    | ReportArrival
    | AttestArrival
    | VoidArrival
    | ReleaseOrder
    | AcknowledgeForward
    | ForwardOrder
    | NoticeOrder
    | StartJob
    | RepinJob
    | SplitJob
    | StartStep
    | RecordReading
    | SignStep
    | CorrectEntry
    | AuthoriseDeviation
    | RestartStep
    | RecordLate
    | ReleaseHold
    | NotifyWitness
    | AuthoriseRetest
    | OpenNonconformance
    | DisposeNonconformance
    | ReprocessJob
    | TerminateJob
    | ResumeJob
    | CallHelp
    | AskModule
    | ReportModule
    | LogEnvironment
    | CheckEquipment
    | WriteVault
    | SignQa
    | SignCompliance
    | GenerateReport
    | AmendReport
    | ReviewReport
    | CloseWindow
    | IssueInvoice
    | ReleasePayout
    | RegisterParty
    | RegisterAccount
    | AgreeCharge
    | SettleOrder
    | DisputeInvoice
    | ResolveDispute
    | RecordPayments
    | RunPayments
    | RecordResults
    | ReversePayout
)
"""Every act of this law version."""

ACTS: Final[dict[str, type[Command]]] = {str(c.__struct_config__.tag): c for c in get_args(AnyCommand)}
"""Act name → command type."""

_DECODER: Final[msgspec.json.Decoder[AnyCommand]] = msgspec.json.Decoder(AnyCommand)
_PLAIN: Final = msgspec.json.Decoder(dict[str, object])


def parse_command(payload: bytes) -> AnyCommand:
    """Read an untrusted payload as a command; canonical bytes, ids in our grammar, texts and integers in bounds.

    Raises:
        Malformed: with a sentence that says what is wrong.
    """
    command: AnyCommand = canon.decode(payload, _DECODER, "the signed action")
    if len(payload) > PAYLOAD_BYTES_MAX + (SLIP_MORE_BYTES_MAX if type(command) is StageSlip else 0):
        raise Malformed(f"the signed action is {len(payload)} bytes long; {PAYLOAD_BYTES_MAX} is the most")
    if command.v != 1:
        raise Malformed(f"the signed action has version {command.v}; this site reads version 1")
    signers = command.signers
    if not signers:
        raise Malformed("the signed action names no signer")
    check_id(command.site, "site")
    for signer in signers:
        check_id(signer.id, "signer")
    if len(signers) > 1 and len({s.id for s in signers}) != len(signers):
        raise Malformed("the signed action names the same signer twice")
    if command.place is not None:
        check_id(command.place, "workstation")
    for field in ID_FIELDS[type(command)]:
        value = getattr(command, field)
        if value is not None:
            check_id(value, field)
    for text in _inner_ids(command):
        check_id(text)
    if not 0 <= command.at <= 2**53 - 1:
        raise Malformed("the signed action's time is outside of what a record can hold")
    if not _is_plain(command, payload):
        canon.check_text(_PLAIN.decode(payload), "the signed action")
    return command


def _inner_ids(command: AnyCommand) -> tuple[str, ...]:
    """The ids inside of a command's parts."""
    if type(command) is SplitJob:
        return tuple(lot.job for lot in command.into)
    if type(command) is StageSlip:
        return (command.slip.order, command.slip.node)
    return ()


def _is_plain(command: AnyCommand, payload: bytes) -> bool:
    """Whether the bytes alone show that every text, list and integer is in bounds (the acts of a running step)."""
    return (
        type(command) in _FLOOR_ACTS
        and len(payload) <= TEXT_CHARS_MAX
        and payload.isascii()
        and b"\\" not in payload
        and b"\x7f" not in payload
        and (type(command) is not RecordReading or abs(command.observed_at or 0) <= INTEGER_ABS_MAX)
    )


_FLOOR_ACTS: Final = (StartStep, RecordReading, SignStep)

_ID_NAMES: Final = (
    "order",
    "job",
    "step",
    "contract",
    "report",
    "deviation",
    "id",
    "person",
    "credential",
    "node",
    "batch",
    "series",
    "new_report",
    "ncr",
    "permit",
    "module",
    "operator",
    "technician",
    "policy",
    "param",
    "area",
    "owner",
    "charge",
    "item",
    "run",
)
ID_FIELDS: Final[dict[type[Command], tuple[str, ...]]] = {
    command: tuple(name for name in _ID_NAMES if name in command.__struct_fields__) for command in ACTS.values()
}
"""Fields of each command that must be ids of our grammar."""


def subject_of(command: AnyCommand) -> str:
    """The subject that the command's entry is linked to: `order/job` for a job, `charter` for the roots, else `kind:id`."""
    kind, field = _SUBJECTS[type(command)]
    if kind == "job":
        return f"{command.order}/{command.job}"  # type: ignore[union-attr]  # the table names only acts with both
    if kind == "charter":
        return kind
    if kind == "slip":
        return f"order:{command.slip.order}"  # type: ignore[union-attr]
    value = getattr(command, field)
    if value is None:
        return f"signer:{command.signers[0].id}"
    return f"{kind}:{value}"


def _subject_source(command: type[Command]) -> tuple[str, str]:
    fields = command.__struct_fields__
    if command is StageSlip:
        return ("slip", "slip")
    if command is RotateRoots:
        return ("charter", "document")
    if command in (RegisterEquipment, CalibrateEquipment, CheckEquipment):
        return ("equipment", "id")
    if "job" in fields:
        return ("job", "job")
    for kind, field in _SUBJECT_FIELDS:
        if field in fields:
            return (kind, field)
    return ("place", "place")


_SUBJECT_FIELDS: Final = (
    ("order", "order"),
    ("report", "report"),
    ("contract", "contract"),
    ("identity", "id"),
    ("identity", "person"),
    ("material", "batch"),
    ("standard", "standard"),
    ("series", "series"),
    ("policy", "policy"),
    ("site", "target"),
    ("party", "org"),
    ("identity", "owner"),
    ("invoice", "invoice"),
    ("run", "run"),
    ("payout", "payout"),
    ("statement", "statement"),
    ("payload", "commitment"),
    ("hold", "subject"),
)
_SUBJECTS: Final = {command: _subject_source(command) for command in ACTS.values()}
