# LONG: every event of the law version in one table, with who may say it
"""Events: what became true. State is a fold of these and of nothing else.

An allowed action yields its events; a denial may carry the few fact events that the vocabulary lists. `AUTHORITY` says
which kind of site may say so: an import that holds another kind's event is refused.
"""

from typing import Final

from msgspec import Struct

from holdgate.terms.party import Party


class Event(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="ev", gc=False
):
    """Something that became true."""


# ---- business hub --------------------------------------------------------------------------------------------------


class IdentityEnrolled(Event, frozen=True, kw_only=True):
    """Somebody or something is on the roster. `zone`, `node`: where a workstation or reader stands."""

    id: str
    name: str
    org: str
    kind: str
    key: bytes
    roles: tuple[str, ...]
    zone: str | None = None
    node: str | None = None
    sealing_key: bytes | None = None


class IdentityDisabled(Event, frozen=True, kw_only=True):
    """An identity may act no more."""

    id: str


class IdentityRekeyed(Event, frozen=True, kw_only=True):
    """An identity has another key; what was signed under the earlier one stays signed."""

    id: str
    key: bytes
    sealing_key: bytes | None = None


class SiteEnrolled(Event, frozen=True, kw_only=True):
    """A node joined the shop: from now on it has a seat as if the charter named it."""

    id: str
    kind: str
    origin: str
    key: bytes
    sealing_key: bytes
    area: str = ""


class SiteRetired(Event, frozen=True, kw_only=True):
    """A node left the shop: nothing is decided there any more, and nothing is staged for it."""

    id: str


class RootsRotated(Event, frozen=True, kw_only=True):
    """The shop has other roots; `document`: digest of the payload that old and new ones signed. Those before authorise nothing."""

    version: int
    roots: tuple[bytes, ...]
    threshold: int
    document: str


class CredentialGranted(Event, frozen=True, kw_only=True):
    """A qualification is held, `until` its last instant (UTC µs)."""

    person: str
    credential: str
    until: int


class CredentialRevoked(Event, frozen=True, kw_only=True):
    """A qualification is held no more."""

    person: str
    credential: str


class PayloadKept(Event, frozen=True, kw_only=True):
    """A payload that can be erased is on the record. `subject`: whose or what it is about ("": nothing)."""

    commitment: str
    kind: str
    by: str
    subject: str = ""


class PayloadErased(Event, frozen=True, kw_only=True):
    """What is kept under a commitment is gone, or goes at once; `approved_by`: the second officer."""

    commitment: str
    by: str
    approved_by: str
    reason: str


class HoldPlaced(Event, frozen=True, kw_only=True):
    """Nothing of this subject is erased."""

    subject: str
    by: str
    reason: str


class HoldLifted(Event, frozen=True, kw_only=True):
    """The legal hold on this subject is over."""

    subject: str
    by: str


class EquipmentRegistered(Event, frozen=True, kw_only=True):
    """An instrument or machine is on the register, calibrated in [cal_from, cal_until] (UTC µs)."""

    id: str
    equipment_class: str
    cal_from: int
    cal_until: int
    in_service: bool


class MaterialRegistered(Event, frozen=True, kw_only=True):
    """A batch is on the register, `until` its last instant of use (UTC µs)."""

    batch: str
    material_kind: str
    until: int
    approved: bool


class EquipmentCalibrated(Event, frozen=True, kw_only=True):
    """An instrument or machine was calibrated and is in service, valid in [cal_from, cal_until] (UTC µs).

    `as_found`: in_tolerance or out_of_tolerance, which recalls what was done with it since the last good check.
    """

    equipment: str
    as_found: str
    cal_from: int
    cal_until: int
    certificate: str


class EquipmentWithdrawn(Event, frozen=True, kw_only=True):
    """An instrument or machine failed a check at a node, or was not accepted after a calibration: no site uses it any more.

    `as_found`: how the calibration met it ("": there was none); out_of_tolerance recalls, as in `EquipmentCalibrated`.
    """

    equipment: str
    as_found: str = ""


class MaterialExtended(Event, frozen=True, kw_only=True):
    """A batch may be used until a later instant (UTC µs)."""

    batch: str
    until: int


class DocumentVerified(Event, frozen=True, kw_only=True):
    """A document of an order is valid, `until` its last instant (UTC µs; None: it does not run out)."""

    order: str
    document: str
    digest: str
    by: str
    until: int | None = None


class StandardAdopted(Event, frozen=True, kw_only=True):
    """A standard is in force in this edition until then (UTC µs); another edition of it is not any more."""

    standard: str
    edition: str
    until: int


class PolicyUpdated(Event, frozen=True, kw_only=True):
    """Steps that start in this zone from now on ask for one more credential. `version`: of the policy, from 1.

    `withdrawn`: the policy was taken back; it asks for nothing any more.
    """

    policy: str
    zone: str
    credential: str
    version: int
    withdrawn: bool = False


class ContractSubmitted(Event, frozen=True, kw_only=True):
    """A version is proposed; its documents are pinned."""

    contract: str
    version: str
    sha256: str
    author: str


class ContractApproved(Event, frozen=True, kw_only=True):
    """A version is approved in one of the approval roles."""

    sha256: str
    approval_role: str
    by: str


class ContractCertified(Event, frozen=True, kw_only=True):
    """A version has its certificate (by digest)."""

    sha256: str
    certificate: str
    by: str


class ContractActivated(Event, frozen=True, kw_only=True):
    """A version is in force; the one before it (`supersedes`, "": there was none) is superseded."""

    sha256: str
    effectivity: str
    supersedes: str = ""


class ContractSuspended(Event, frozen=True, kw_only=True):
    """Stop-work is in force for this version. `jobs`: running ones that the business hub knows of."""

    sha256: str
    by: str
    jobs: int = 0


class ContractResumed(Event, frozen=True, kw_only=True):
    """Stop-work is over for this version."""

    sha256: str
    by: str


class SuggestionRecorded(Event, frozen=True, kw_only=True):
    """Somebody (a module, mostly) suggested something about a contract. No rule changed."""

    contract: str
    by: str


class TuneSuggested(Event, frozen=True, kw_only=True):
    """A value for an adaptable parameter waits for approval; one that waited before falls."""

    sha256: str
    param: str
    value: str
    by: str


class TuneApproved(Event, frozen=True, kw_only=True):
    """One of the named roles agreed to the waiting value."""

    sha256: str
    param: str
    role: str
    by: str


class ParameterTuned(Event, frozen=True, kw_only=True):
    """An adaptable parameter has this value from now on, for steps that are not started yet.

    `client`: the organisation whose person agreed, where the contract asks for the client.
    """

    sha256: str
    param: str
    value: str
    client: str = ""


class TuneReverted(Event, frozen=True, kw_only=True):
    """An adaptable parameter is back at the contract's own value; a waiting suggestion fell."""

    sha256: str
    param: str
    by: str


class TermsAccepted(Event, frozen=True, kw_only=True):
    """The client's person signed the terms of an order under this version."""

    order: str
    sha256: str
    org: str
    by: str
    on_silence: str


class OrderReviewed(Event, frozen=True, kw_only=True):
    """A paper order was reviewed, by the digest of what was read."""

    order: str
    document_digest: str
    role: str
    by: str


class OrderStaged(Event, frozen=True, kw_only=True):
    """`body`: digest of the order body that travels sealed to the node (`holdgate.law.orders.OrderBody`)."""

    order: str
    contract: str
    version: str
    sha256: str
    node: str
    client: str
    part_no: str
    rev: str
    serials: tuple[str, ...]
    documents: tuple[str, ...]
    policy: str
    evidence: tuple[str, ...]
    buffer_max_us: int
    body: str
    silence: str
    arrival_due: int | None = None
    delivery_due: int | None = None
    amendment: bool = False
    document_until: dict[str, int] = {}


class JobAssigned(Event, frozen=True, kw_only=True):
    """Only this person starts the job and its steps from now on. `again`: it was somebody else's before."""

    order: str
    job: str
    technician: str
    again: bool = False


class DeliveryClosed(Event, frozen=True, kw_only=True):
    """The delivery date is over. `in_time`: a report was issued by then. `late`: the hub was off at that moment."""

    order: str
    in_time: bool
    late: bool = False


class JobFlagged(Event, frozen=True, kw_only=True):
    """The hub opens a nonconformance on a job over what it learned: a recall (`equipment`), or a signature after a revocation."""

    order: str
    job: str
    ncr: str
    why: str
    step: str = ""
    equipment: str = ""


class QaAccepted(Event, frozen=True, kw_only=True):
    """QA reviewed and accepted the record of a job, with its counts."""

    order: str
    job: str
    by: str
    accepted: int
    rejected: int
    scrapped: int


class ComplianceAccepted(Event, frozen=True, kw_only=True):
    """Compliance accepted the record of a job."""

    order: str
    job: str
    by: str


class ReportIssued(Event, frozen=True, kw_only=True):
    """`digest`: of the report's content, as the client will be shown it."""

    order: str
    job: str
    report: str
    digest: str
    fields: tuple[str, ...]
    deviations: tuple[str, ...]
    attested_arrival: bool = False
    nonconforming: bool = False
    concessions: tuple[str, ...] = ()
    replaces: str = ""


class ReviewWindowOpened(Event, frozen=True, kw_only=True):
    """Opened and closing times are Vault times (UTC µs)."""

    report: str
    opened_at: int
    closes_at: int


class ReportApproved(Event, frozen=True, kw_only=True):
    """The client approved a report."""

    report: str
    by: str


class ReportRejected(Event, frozen=True, kw_only=True):
    """The client rejected a report, with a reason."""

    report: str
    by: str
    reason: str


class ReviewWindowLapsed(Event, frozen=True, kw_only=True):
    """`outcome`: escalate or deemed_accepted. Never a client's signature. `late`: the hub was off when it was due."""

    report: str
    outcome: str
    late: bool = False


class ComplaintOpened(Event, frozen=True, kw_only=True):
    """A rejection that came after the window: not a review any more, and not lost."""

    report: str
    by: str
    reason: str


class InvoiceIssued(Event, frozen=True, kw_only=True):
    """A milestone was reached and its invoice goes out (minor units)."""

    order: str
    milestone: str
    amount_minor: int
    currency: str


class PayoutReleased(Event, frozen=True, kw_only=True):
    """A payout is due and goes out (minor units)."""

    order: str
    job: str
    rule: str
    payee: str
    amount_minor: int
    currency: str


class PartyRegistered(Event, frozen=True, kw_only=True):
    """An organisation as invoices and payments name it from now on. `own`: it is this shop."""

    party: Party
    by: str
    own: bool = False


class AccountRegistered(Event, frozen=True, kw_only=True):
    """Where somebody is paid. `commitment`: to the account, which itself is kept off the ledger."""

    owner: str
    commitment: str
    by: str


class ChargeAgreed(Event, frozen=True, kw_only=True):
    """The client and the shop agreed to a charge of the contract's price list, once (`item` tells it from others)."""

    order: str
    charge: str
    item: str
    by: str


class OrderSettled(Event, frozen=True, kw_only=True):
    """A milestone that is not reached any more is settled for an amount (minor units; 0: it is void)."""

    order: str
    milestone: str
    amount_minor: int
    by: str


class CreditNoteIssued(Event, frozen=True, kw_only=True):
    """An invoice is corrected by this much (minor units, without tax)."""

    invoice: str
    amount_minor: int
    reason: str


class InvoiceDisputed(Event, frozen=True, kw_only=True):
    """The client disputes an invoice: it is held until the two agree."""

    invoice: str
    by: str
    reason: str


class DisputeResolved(Event, frozen=True, kw_only=True):
    """The client and the shop agreed what an invoice is corrected by (minor units, without tax; 0: it stands)."""

    invoice: str
    credit_minor: int
    by: str


class PaymentReceived(Event, frozen=True, kw_only=True):
    """Money for an invoice came in (went back: below 0), once by the bank's reference. `booked_on`: ISO date."""

    invoice: str
    amount_minor: int
    currency: str
    bank_ref: str
    booked_on: str
    by: str


class PaymentsOrdered(Event, frozen=True, kw_only=True):
    """A payment run: the bank is told to pay these payouts. `pay_on`: ISO date."""

    run: str
    payouts: tuple[str, ...]
    currency: str
    pay_on: str
    by: str


class PayoutPaid(Event, frozen=True, kw_only=True):
    """The bank says that a payout was paid."""

    payout: str
    run: str


class PayoutFailed(Event, frozen=True, kw_only=True):
    """The bank says that a payout was not paid, or sent back. `reason`: its code. It can be ordered again."""

    payout: str
    run: str
    reason: str


class PayoutReversed(Event, frozen=True, kw_only=True):
    """A payout is taken back by a counter-entry; it is not ordered any more."""

    payout: str
    by: str
    reason: str


# ---- floor hub -----------------------------------------------------------------------------------------------------


class SlipStaged(Event, frozen=True, kw_only=True):
    """An order is at the gate. `slip`: digest of the slip; part ids are what the gate must match."""

    order: str
    node: str
    slip: str
    body: str
    part_no: str
    rev: str
    serials: tuple[str, ...]
    policy: str
    evidence: tuple[str, ...]
    buffer_max_us: int
    arrival_due: int | None = None
    amendment: bool = False


class ReaderAdvanced(Event, frozen=True, kw_only=True):
    """The reader's counter moved; `gap`: how many of its broadcasts never came."""

    reader: str
    seq: int
    gap: int = 0


class ArrivalRecorded(Event, frozen=True, kw_only=True):
    """These parts of this order are physically here. `evidence`: broadcast or attested."""

    order: str
    serials: tuple[str, ...]
    evidence: str
    late: bool = False


class ArrivalKept(Event, frozen=True, kw_only=True):
    """An authentic arrival that names an order not staged yet; it counts within the freshness limit."""

    order: str
    part_no: str
    rev: str
    serials: tuple[str, ...]
    captured_at: int
    buffered: bool = False


class ArrivalQuarantined(Event, frozen=True, kw_only=True):
    """Parts that match no order (`order` None) or do not match the one they name: segregate, tell the client."""

    serials: tuple[str, ...]
    order: str | None = None
    late: bool = False


class ArrivalVoided(Event, frozen=True, kw_only=True):
    """Parts that were recorded as here are not."""

    order: str
    serials: tuple[str, ...]


class OrderReleased(Event, frozen=True, kw_only=True):
    """The gate let (these parts of) an order go to its node. Only an accepted arrival produces this."""

    order: str
    node: str
    serials: tuple[str, ...]
    complete: bool


class ForwardAcknowledged(Event, frozen=True, kw_only=True):
    """The node's receipt for a forwarded order is here."""

    order: str
    node: str
    serials: tuple[str, ...]


# ---- node ----------------------------------------------------------------------------------------------------------


class OrderReceived(Event, frozen=True, kw_only=True):
    """The node accepted a forwarded order. `serials`: those that are here."""

    order: str
    sha256: str
    client: str
    part_no: str
    rev: str
    serials: tuple[str, ...]
    ordered: tuple[str, ...]
    documents: tuple[str, ...]
    body: str
    document_until: dict[str, int] = {}


class OrderNoticed(Event, frozen=True, kw_only=True):
    """The floor hub says where an order is bound for and how far it is."""

    order: str
    node: str
    state: str


class JobStarted(Event, frozen=True, kw_only=True):
    """A job runs, pinned to this contract version."""

    order: str
    job: str
    sha256: str
    version: str
    serials: tuple[str, ...]
    by: str


class JobSplit(Event, frozen=True, kw_only=True):
    """A job was split into sub-lots; it is closed and they live alone."""

    order: str
    job: str
    jobs: tuple[str, ...]
    serials: tuple[tuple[str, ...], ...]


class StepStarted(Event, frozen=True, kw_only=True):
    """A step is open: who, with which instruments and batches.

    `contract`, `version`: the revision that this test is pinned to, where the contract pins by test. `tuned`: adaptable
    parameters of this step and the values that it was started under, where they are not the contract's.
    """

    order: str
    job: str
    step: str
    by: str
    equipment: tuple[str, ...]
    materials: tuple[str, ...]
    contract: str = ""
    version: str = ""
    tuned: tuple[tuple[str, str], ...] = ()


class ReadingRecorded(Event, frozen=True, kw_only=True):
    """A value was read; whether it conforms is part of the fact.

    `instrument`: what it was read with. `acceptance`: the characteristic decides on the part, not on the process. `late`:
    it was entered afterwards, and was observed at `observed_at` (UTC µs).
    """

    order: str
    job: str
    step: str
    characteristic: str
    value: str
    unit: str
    conforms: bool
    serial: str | None = None
    instrument: str | None = None
    acceptance: bool = False
    late: bool = False
    observed_at: int | None = None


class StepSigned(Event, frozen=True, kw_only=True):
    """`complete`: the last signature that the step needs; `result` is then its result."""

    order: str
    job: str
    step: str
    by: str
    result: str
    complete: bool


class ReadingCorrected(Event, frozen=True, kw_only=True):
    """The old value stays on the record; a signature of the step is void by this."""

    order: str
    job: str
    step: str
    characteristic: str
    old_value: str
    value: str
    conforms: bool
    by: str
    serial: str | None = None


class NonconformanceOpened(Event, frozen=True, kw_only=True):
    """A nonconformance is open on these parts (none: on the whole job).

    `step`: the failed one, "" for a red tag. `equipment`: the instrument whose failed check recalls the job.
    """

    order: str
    job: str
    ncr: str
    step: str
    serials: tuple[str, ...] = ()
    equipment: str = ""


class NonconformanceDisposed(Event, frozen=True, kw_only=True):
    """It is decided what becomes of a nonconformance's parts."""

    order: str
    job: str
    ncr: str
    disposition: str
    by: str
    concession: str = ""


class RetestAuthorised(Event, frozen=True, kw_only=True):
    """A failed test may be done once more; the attempt that failed is kept."""

    order: str
    job: str
    step: str
    cause: str
    by: str


class StepRestarted(Event, frozen=True, kw_only=True):
    """The open attempt at a step was abandoned and is kept; the step can be started again."""

    order: str
    job: str
    step: str
    by: str


class PrechecksCompleted(Event, frozen=True, kw_only=True):
    """Every pre-check of a job is signed."""

    order: str
    job: str


class HoldReleased(Event, frozen=True, kw_only=True):
    """The party of a hold point lets a step start."""

    order: str
    job: str
    step: str
    by: str


class WitnessNotified(Event, frozen=True, kw_only=True):
    """The witness of a step was told."""

    order: str
    job: str
    step: str


class JobReprocessed(Event, frozen=True, kw_only=True):
    """The process starts again from this step; what was done is kept."""

    order: str
    job: str
    step: str
    by: str


class JobTerminated(Event, frozen=True, kw_only=True):
    """A job is over for good."""

    order: str
    job: str
    by: str


class JobFailed(Event, frozen=True, kw_only=True):
    """An execution failed: what it rests on cannot be met or verified. Nothing opens before it is resumed."""

    order: str
    job: str
    why: str


class JobResumed(Event, frozen=True, kw_only=True):
    """A failed job goes on; its open attempt was abandoned and is kept."""

    order: str
    job: str
    by: str


class HelpCalled(Event, frozen=True, kw_only=True):
    """Somebody at a job calls Level III. Nothing follows from it but that Level III is told."""

    order: str
    job: str
    step: str
    by: str


class PermitIssued(Event, frozen=True, kw_only=True):
    """A module may do this, once, until then (UTC µs, inclusive)."""

    order: str
    job: str
    step: str
    permit: str
    module: str
    deed: str
    until: int
    operator: str = ""


class ModuleActed(Event, frozen=True, kw_only=True):
    """A module did what its permit allowed; the permit is used up."""

    order: str
    job: str
    step: str
    permit: str


class EnvironmentLogged(Event, frozen=True, kw_only=True):
    """One value of a series, observed at this time (UTC µs)."""

    series: str
    sensor: str
    value: str
    unit: str
    observed_at: int


class EnvironmentBroken(Event, frozen=True, kw_only=True):
    """A series was silent for too long, or is outside of the limits, as one declaration of it (`watch`) sees it.

    `kind`: gap (from `since` to now) or excursion (from `since` on, until a value conforms).
    """

    series: str
    sensor: str
    watch: str
    kind: str
    since: int
    until: int | None = None


class EnvironmentRestored(Event, frozen=True, kw_only=True):
    """A series is inside the limits again, as this declaration of it sees it."""

    series: str
    sensor: str
    watch: str
    at: int


class EquipmentChecked(Event, frozen=True, kw_only=True):
    """An intermediate check: pass, or fail, which withdraws it."""

    equipment: str
    result: str
    by: str


class DeviationAuthorised(Event, frozen=True, kw_only=True):
    """A departure is authorised for one step of one job, once."""

    order: str
    job: str
    step: str
    deviation: str
    waive: tuple[str, ...]
    by: str


class DeviationUsed(Event, frozen=True, kw_only=True):
    """The departure was used up by a start."""

    order: str
    job: str
    deviation: str


# ---- every site, about itself --------------------------------------------------------------------------------------


class Imported(Event, frozen=True, kw_only=True):
    """Entries [start, size) of another site's log were taken in whole and in order."""

    origin: str
    start: int
    size: int


class Disregarded(Event, frozen=True, kw_only=True):
    """What a retired site recorded after it had left was taken in, and makes nothing true. `said`: how many events."""

    site: str
    said: int


class ContactChanged(Event, frozen=True, kw_only=True):
    """The link to another site came up or went down; offline limits count from `up` turning false."""

    site: str
    up: bool


class Cosigned(Event, frozen=True, kw_only=True):
    """A witness cosigned this log at `size`; `witnessed_at` is the witness's time (UTC µs)."""

    witness: str
    size: int
    witnessed_at: int


class Triggered(Event, frozen=True, kw_only=True):
    """The contract sets this off by itself on what just became true (`on`)."""

    order: str
    on: str
    effect: str


class Booted(Event, frozen=True, kw_only=True):
    """The site started, or met its witness after it had started alone.

    `reconciled`: a witness confirmed that the log did not roll back. `heard_until`: the time of the entry before this one
    (UTC µs): links that were up then may have been down ever since. `again`: not a start, only the confirmation.
    """

    epoch: str
    reconciled: bool
    heard_until: int = 0
    again: bool = False


HUB: Final = (
    IdentityEnrolled,
    IdentityDisabled,
    IdentityRekeyed,
    SiteEnrolled,
    SiteRetired,
    RootsRotated,
    CredentialGranted,
    CredentialRevoked,
    EquipmentRegistered,
    MaterialRegistered,
    EquipmentCalibrated,
    EquipmentWithdrawn,
    MaterialExtended,
    DocumentVerified,
    StandardAdopted,
    PolicyUpdated,
    PayloadKept,
    PayloadErased,
    HoldPlaced,
    HoldLifted,
    ContractSubmitted,
    ContractApproved,
    ContractCertified,
    ContractActivated,
    ContractSuspended,
    ContractResumed,
    SuggestionRecorded,
    TuneSuggested,
    TuneApproved,
    ParameterTuned,
    TuneReverted,
    TermsAccepted,
    OrderReviewed,
    OrderStaged,
    JobAssigned,
    DeliveryClosed,
    JobFlagged,
    QaAccepted,
    ComplianceAccepted,
    ReportIssued,
    ReviewWindowOpened,
    ReportApproved,
    ReportRejected,
    ReviewWindowLapsed,
    ComplaintOpened,
    InvoiceIssued,
    PayoutReleased,
    PartyRegistered,
    AccountRegistered,
    ChargeAgreed,
    OrderSettled,
    CreditNoteIssued,
    InvoiceDisputed,
    DisputeResolved,
    PaymentReceived,
    PaymentsOrdered,
    PayoutPaid,
    PayoutFailed,
    PayoutReversed,
)
FLOOR: Final = (
    SlipStaged,
    ReaderAdvanced,
    ArrivalRecorded,
    ArrivalKept,
    ArrivalQuarantined,
    ArrivalVoided,
    OrderReleased,
    ForwardAcknowledged,
)
NODE: Final = (
    OrderReceived,
    OrderNoticed,
    JobStarted,
    JobSplit,
    StepStarted,
    ReadingRecorded,
    StepSigned,
    ReadingCorrected,
    NonconformanceOpened,
    NonconformanceDisposed,
    RetestAuthorised,
    StepRestarted,
    PrechecksCompleted,
    HoldReleased,
    WitnessNotified,
    JobReprocessed,
    JobTerminated,
    JobFailed,
    JobResumed,
    HelpCalled,
    PermitIssued,
    ModuleActed,
    EnvironmentLogged,
    EnvironmentBroken,
    EnvironmentRestored,
    EquipmentChecked,
    DeviationAuthorised,
    DeviationUsed,
)
OWN: Final = (
    Imported,
    Disregarded,
    ContactChanged,
    Cosigned,
    Triggered,
    Booted,
)
"""What a site records about itself; never folded from an import."""

AUTHORITY: Final[dict[type[Event], str]] = {
    **dict.fromkeys(HUB, "business_hub"),
    **dict.fromkeys(FLOOR, "floor_hub"),
    **dict.fromkeys(NODE, "node"),
    **dict.fromkeys(OWN, "own"),
}

AnyEvent = (
    IdentityEnrolled
    | IdentityDisabled
    | IdentityRekeyed
    | SiteEnrolled
    | SiteRetired
    | RootsRotated
    | CredentialGranted
    | CredentialRevoked
    | EquipmentRegistered
    | MaterialRegistered
    | EquipmentCalibrated
    | EquipmentWithdrawn
    | MaterialExtended
    | DocumentVerified
    | StandardAdopted
    | PolicyUpdated
    | PayloadKept
    | PayloadErased
    | HoldPlaced
    | HoldLifted
    | ContractSubmitted
    | ContractApproved
    | ContractCertified
    | ContractActivated
    | ContractSuspended
    | ContractResumed
    | SuggestionRecorded
    | TuneSuggested
    | TuneApproved
    | ParameterTuned
    | TuneReverted
    | TermsAccepted
    | OrderReviewed
    | OrderStaged
    | JobAssigned
    | DeliveryClosed
    | JobFlagged
    | QaAccepted
    | ComplianceAccepted
    | ReportIssued
    | ReviewWindowOpened
    | ReportApproved
    | ReportRejected
    | ReviewWindowLapsed
    | ComplaintOpened
    | InvoiceIssued
    | PayoutReleased
    | PartyRegistered
    | AccountRegistered
    | ChargeAgreed
    | OrderSettled
    | CreditNoteIssued
    | InvoiceDisputed
    | DisputeResolved
    | PaymentReceived
    | PaymentsOrdered
    | PayoutPaid
    | PayoutFailed
    | PayoutReversed
    | SlipStaged
    | ReaderAdvanced
    | ArrivalRecorded
    | ArrivalKept
    | ArrivalQuarantined
    | ArrivalVoided
    | OrderReleased
    | ForwardAcknowledged
    | OrderReceived
    | OrderNoticed
    | JobStarted
    | JobSplit
    | StepStarted
    | ReadingRecorded
    | StepSigned
    | ReadingCorrected
    | NonconformanceOpened
    | NonconformanceDisposed
    | RetestAuthorised
    | StepRestarted
    | PrechecksCompleted
    | HoldReleased
    | WitnessNotified
    | JobReprocessed
    | JobTerminated
    | JobFailed
    | JobResumed
    | HelpCalled
    | PermitIssued
    | ModuleActed
    | EnvironmentLogged
    | EnvironmentBroken
    | EnvironmentRestored
    | EquipmentChecked
    | DeviationAuthorised
    | DeviationUsed
    | Imported
    | Disregarded
    | ContactChanged
    | Cosigned
    | Triggered
    | Booted
)
"""Every event of this law version."""
