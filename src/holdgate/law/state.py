# LONG: everything that a site knows, as one tree: what it is made of is read in one place
"""State: what a site knows, as the fold of its log. Open work and indexes, not history.

Everything here is plain data that a snapshot can carry. Every fact keeps `ref`, the entry of the own log that it came
by, so that a decision can name what it rests on.
"""

from typing import Final

from msgspec import Struct, field

from holdgate.crypto.hashes import digest
from holdgate.identity.charter import Charter
from holdgate.identity.roots import Roots
from holdgate.identity.roster import Identity
from holdgate.law.money import Money
from holdgate.law.retained import LegalHold, Payload, Retained
from holdgate.terms.limits import ID_CHARS_MAX


class Doubt(Struct, frozen=True, gc=False):
    """A stretch (since, until] of use that a bad finding spoils (UTC µs): since the last good one; `until` None: it goes on."""

    since: int
    until: int | None


class Equipment(Struct):
    """An instrument or machine with its calibration interval (UTC µs, inclusive).

    `good_at`: the last good check or calibration (0: none since it was registered). `doubts`: uses that are recalled,
    also those that are heard of later. `unheard`: a check failed here, and the business hub has not said that it knows.
    """

    id: str
    equipment_class: str
    cal_from: int
    cal_until: int
    in_service: bool
    ref: int
    good_at: int = 0
    doubts: tuple[Doubt, ...] = ()
    unheard: bool = False

    def doubted(self, at: int) -> bool:
        """Whether a use at this time is recalled."""
        return any(doubt.since < at and (doubt.until is None or at <= doubt.until) for doubt in self.doubts)


class Material(Struct, gc=False):
    """A batch; `until`: its last instant of use."""

    batch: str
    material_kind: str
    until: int
    approved: bool
    ref: int


class Break(Struct, gc=False):
    """A stretch of a series that does not count as good. `kind`: gap or excursion; `until` None: it goes on."""

    kind: str
    since: int
    until: int | None


class Suggestion(Struct):
    """A value that waits for approval. `approvals`: role → who."""

    value: str
    by: str
    approvals: dict[str, str] = {}


class Adopted(Struct, gc=False):
    """The edition of a standard that is in force, until then (UTC µs)."""

    edition: str
    until: int
    ref: int


class Policy(Struct, gc=False):
    """An access policy: one more credential in a zone, for steps that start after it became known here.

    `at`: when the business hub put it in force (UTC µs). `withdrawn`: it was taken back and asks for nothing; its versions
    go on counting.
    """

    id: str
    zone: str
    credential: str
    version: int
    at: int
    ref: int
    withdrawn: bool = False


class Series(Struct):
    """An environmental series as logged here.

    `breaks`: by declaration (`Watch.key`), the stretches [since, until] that count as silent or outside of the limits; None: still
    going on.
    """

    last_at: int
    value: str
    unit: str
    ref: int
    breaks: dict[str, list[Break]] = {}


class ContractRecord(Struct):
    """A contract version's way through governance.

    `status`: submitted, active, superseded (what was staged under it may still start) or barred (nothing may).
    `suspended`: stop-work is in force. `tuned`, `suggested`: adaptable parameters that have another value, or may get one.
    `agreed`: parameter → the client whose person agreed to its value.
    """

    sha256: str
    contract: str
    version: str
    author: str
    ref: int
    status: str = "submitted"
    approvals: dict[str, str] = {}
    certificate: str | None = None
    certified_by: str | None = None
    effectivity: str | None = None
    suspended: bool = False
    tuned: dict[str, str] = {}
    suggested: dict[str, Suggestion] = {}
    agreed: dict[str, str] = {}


class Acceptance(Struct, gc=False):
    """A client's signature under an order's terms, for one contract version."""

    sha256: str
    org: str
    by: str
    on_silence: str
    ref: int


class Order(Struct):
    """An order as this site knows it.

    `status`: proposed, staged, released, received. `arrived`: serials that are here. `body`: digest of the order's body, at
    its node. `settled`: serials of jobs that QA accepted, at their node. `silence`: what it means under the signed terms
    (escalate where only the paper was reviewed). `attested_parts`: those of `arrived` that people attested (`attested`: there
    are any). `documents`: name → last instant of validity (None: unknown). `staged_at`: the last staging; `delivered_at`: the
    first report's time (UTC µs; 0: none). `jobs`: keys of its jobs. `fired`: milestone or payout key → the entry that
    released it. `charges`: item → the charge of the price list that it is. `settlements`: milestone → what it was settled
    for.
    """

    id: str
    status: str = "proposed"
    sha256: str = ""
    contract: str = ""
    version: str = ""
    node: str = ""
    client: str = ""
    part_no: str = ""
    rev: str = ""
    serials: tuple[str, ...] = ()
    arrived: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()
    documents: dict[str, int | None] = {}
    body: str = ""
    silence: str = ""
    attested: bool = False
    staged_at: int = 0
    attested_parts: tuple[str, ...] = ()
    delivery_due: int | None = None
    delivered_at: int = 0
    delivery_closed: bool = False
    ref: int = 0
    acceptances: list[Acceptance] = []
    reviews: dict[str, dict[str, str]] = {}
    jobs: list[str] = []
    fired: dict[str, int] = {}
    charges: dict[str, str] = {}
    settlements: dict[str, int] = {}


class Last(Struct, gc=False):
    """The last reading of one characteristic (of one serial), by when it was observed (`at`).

    `missed_before`: another one did not conform. `count`: how often it was read.
    """

    value: str
    conforms: bool
    missed_before: bool = False
    at: int = 0
    count: int = 1


class Attempt(Struct):
    """One attempt at a step. `instruments`: what its readings were taken with.

    `last`: by `characteristic` or `characteristic/serial`. `missed`: the first reading of each that does not conform,
    the last one included. `tally`: running digest of all that was recorded; what a signer is shown. `signed_at`: the last
    signature. `completed_at`: the first completion (a correction and its new signature do not move it; 0: none yet).
    `result`: as signed so far, by whoever signed last. `stands`: a failed result that was decided to be the result.
    `conceded`: the parts whose readings, as they stood then, the client's concession covers.
    `contract`: the version that this attempt is pinned to, where that is done by test ("": the job's). `tuned`: parameters
    and the values that it was started under. `ref`: the entry that started it.
    """

    step: str
    performer: str
    started_at: int
    equipment: tuple[str, ...]
    materials: tuple[str, ...]
    tally: str
    instruments: tuple[str, ...] = ()
    last: dict[str, Last] = {}
    missed: dict[str, str] = {}
    signers: tuple[str, ...] = ()
    signed_at: int = 0
    completed_at: int = 0
    result: str = ""
    done: bool = False
    stands: bool = False
    conceded: tuple[str, ...] = ()
    contract: str = ""
    tuned: tuple[tuple[str, str], ...] = ()
    ref: int = 0

    @property
    def passed(self) -> bool:
        """Whether the process may go on after it: signed off, and not failed unless the failure is the result."""
        return self.done and (self.result != "fail" or self.stands)


class Deviation(Struct, gc=False):
    """An authorised departure: one step, one use. `over`: the attempt that used it was set aside."""

    id: str
    step: str
    waive: tuple[str, ...]
    by: str
    ref: int
    used: bool = False
    over: bool = False


class Ncr(Struct):
    """A nonconformance. `disposition` "": it is open. `serials`: the parts on hold (none: the whole job)."""

    id: str
    step: str
    serials: tuple[str, ...]
    ref: int
    equipment: str = ""
    disposition: str = ""
    concession: str = ""


class Permit(Struct, gc=False):
    """What a module may do at a step, until then (UTC µs, inclusive), once."""

    id: str
    module: str
    deed: str
    step: str
    until: int
    ref: int
    used: bool = False


class Job(Struct):
    """A running job.

    `attempts`: one per operation of the technique, by position; `past`: digests of the attempts before them.
    `signers`: everybody who signed a step, in order. `status`: running, complete, split or terminated. `failed`: why the
    execution failed ("": it did not). `parts`: what was decided of a serial (rejected, scrapped, returned, nonconforming or
    conceded). `retests`: how many were authorised at a step. `released`, `noticed`: hold points released, witnesses notified
    (when). `resumed_at`: the last resumption (UTC µs; 0: none); environmental logs count from there. `qa_by`, `compliance_by`:
    who signed the record as it stands ("": nobody); `handed_over`: QA accepted it, and its node took nothing up again since.
    `signed_again`: QA's signature is not the first one over that work.
    """

    id: str
    order: str
    sha256: str
    technique: str
    version: str
    node: str
    client: str
    serials: tuple[str, ...]
    attempts: list[Attempt | None]
    status: str = "running"
    open_step: int = -1
    started_by: str = ""
    first_start_at: int = 0
    last_done_at: int = 0
    signers: tuple[str, ...] = ()
    deviations: dict[str, Deviation] = {}
    past: tuple[str, ...] = ()
    ncrs: dict[str, Ncr] = {}
    parts: dict[str, str] = {}
    retests: dict[str, int] = {}
    released: dict[str, str] = {}
    noticed: dict[str, int] = {}
    permits: dict[str, Permit] = {}
    failed: str = ""
    started_at: int = 0
    resumed_at: int = 0
    qa_by: str = ""
    handed_over: bool = False
    signed_again: bool = False
    compliance_by: str = ""
    report: str = ""
    ref: int = 0


class Report(Struct):
    """An issued report and the client's window, in Vault time. `status`: issued, approved, rejected, lapsed or superseded."""

    id: str
    order: str
    job: str
    digest: str
    deviations: tuple[str, ...]
    issued_seq: int
    status: str = "issued"
    opened_at: int | None = None
    closes_at: int | None = None
    outcome: str = ""
    replaced_by: str = ""
    ref: int = 0


class StagedSlip(Struct):
    """An order at the gate.

    `state`: held, partial, released or acknowledged. `staged_seq`: the own-log entry that holds
    the slip's envelope. `released`: went to the node under this slip; `gone`: under an earlier one for the same parts.
    """

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
    staged_at: int
    ref: int
    staged_seq: int = 0
    state: str = "held"
    arrived: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    late: bool = False


class EarlyArrival(Struct):
    """An authentic arrival that named an order which was not staged yet."""

    order: str
    part_no: str
    rev: str
    serials: tuple[str, ...]
    captured_at: int
    ref: int


class Contact(Struct, gc=False):
    """The link to another site: up, or down since `since` (UTC µs)."""

    up: bool
    since: int
    ref: int


class Origin(Struct):
    """How far another site's log was taken in: its size and Merkle frontier, under which of its checkpoints."""

    site: str
    size: int
    frontier: tuple[bytes, ...]
    checkpoint: bytes = b""


class Closed(Struct, gc=False):
    """What is left of a job that QA accepted: who accepted it and when, and its report. The rest is in the log."""

    by: str
    at: int
    report: str = ""


class State(Struct):
    """Everything one site knows.

    `assigned`: job → person. `uses`: equipment → jobs that used it since its last good check or calibration, and when last.
    `verified`: order → documents that Compliance verified, and until when; that stands over what the order's paper says.
    `awaited`: at a floor hub, serial → the orders at the gate that name it and are not gone whole.
    `charter`: the founding one, with the seats of nodes that joined since (`joined`: site → the entry that it joined by); a
    retired one keeps its seat (`retired`: site → when, UTC µs). Its roots are the first ones; those in force are `roots`.
    `payloads`: what can be erased, by commitment or digest (a node and a floor hub know those that were erased). `holds`: legal
    holds in force, by subject; `retained`: by order; both at the business hub alone.
    `outages`: when this site was not running or could not reach the Vault (UTC µs, both ends inclusive; the last ones).
    """

    charter: Charter
    site: str
    kind: str
    identities: dict[str, Identity] = {}
    key_owners: dict[str, str] = {}
    equipment: dict[str, Equipment] = {}
    materials: dict[str, Material] = {}
    contracts: dict[str, ContractRecord] = {}
    versions: dict[str, str] = {}
    in_force: dict[str, str] = {}
    orders: dict[str, Order] = {}
    notices: dict[str, str] = {}
    jobs: dict[str, Job] = {}
    closed: dict[str, Closed] = {}
    reports: dict[str, Report] = {}
    slips: dict[str, StagedSlip] = {}
    awaited: dict[str, tuple[str, ...]] = {}
    readers: dict[str, int] = {}
    early: list[EarlyArrival] = []
    contacts: dict[str, Contact] = {}
    origins: dict[str, Origin] = {}
    sessions: dict[str, int] = {}
    standards: dict[str, Adopted] = {}
    policies: dict[str, Policy] = {}
    series: dict[str, Series] = {}
    assigned: dict[str, str] = {}
    uses: dict[str, dict[str, int]] = {}
    verified: dict[str, dict[str, int | None]] = {}
    outages: list[tuple[int, int]] = []
    payloads: dict[str, Payload] = {}
    holds: dict[str, LegalHold] = {}
    retained: dict[str, Retained] = {}
    joined: dict[str, int] = {}
    retired: dict[str, int] = {}
    roots: Roots = Roots()
    witnessed_at: int = 0
    witnessed_size: int = 0
    money: Money = field(default_factory=Money)


OVER: Final = {"split": "split into sub-lots", "terminated": "terminated"}
"""Job statuses under which nothing goes on, in words."""
LOST: Final = ("rejected", "scrapped", "returned")
"""What takes a part out of its job: it is not tested any more."""

BECOMES: Final = {
    "reject": "rejected",
    "scrap": "scrapped",
    "return_to_client": "returned",
    "report_nonconforming": "nonconforming",
    "repair": "conceded",
    "use_as_is": "conceded",
}
"""What a disposition makes of the parts; any other one changes nothing about them."""


def remaining(job: Job) -> tuple[str, ...]:
    """The parts of a job that are still in it."""
    parts = job.parts
    return tuple(serial for serial in job.serials if parts.get(serial) not in LOST) if parts else job.serials


def may_become(job: Job, serial: str, becomes: str) -> bool:
    """Whether a part of the job can be decided on so: what left the job stays out; a rejected part can still be scrapped."""
    now = job.parts.get(serial)
    return serial in job.serials and (now not in LOST or (now == "rejected" and becomes in LOST))


def open_ncrs(job: Job) -> tuple[Ncr, ...]:
    """The nonconformances that nobody has decided on."""
    return tuple(ncr for ncr in job.ncrs.values() if not ncr.disposition)


def job_key(order: str, job: str) -> str:
    """Jobs are scoped by their order."""
    return f"{order}/{job}"


def flag_id(kind: str, *about: str) -> str:
    """The id of a nonconformance that the rules open by themselves: `recall-<equipment>-<job>`, as long as that is an id.

    Beyond the length of an id, what it is about is named by its digest.
    """
    plain = "-".join((kind, *about))
    return plain if len(plain) <= ID_CHARS_MAX else f"{kind}-{digest(' '.join(about).encode())[:40]}"


FLAGS: Final = ("auto-", "recall-", "sync-")
"""How the ids of nonconformances begin that the rules open by themselves; nobody else's begin so."""
