"""Contract documents as signed: canonical JSON whose SHA-256 is the version's identity. Nine families, one language.

- SmartClientPO: the template of an order (price, milestones, review window, silence). It names a technique by hash, and may name
  the SmartQA and the SmartPay that hold for its orders.
- SmartSP: a technique (steps, limits, windows, people). SmartMaintenance, SmartSafety, SmartInventory, SmartStandards and
  SmartCompliance are techniques too, whose subject is not a client's part but an instrument, a person, a batch, a standard or a
  document: done and accepted, they yield the fact that other techniques require (`yields`).
- SmartQA: who may decide what on nonconformances. SmartPay: payouts and their bounds.

A SmartClientPO and everything that it names are proposed, certified, approved and released as one. All carry the same
head. Every number is a parameter with a unit; nothing here is code.
"""

from typing import Final

import msgspec
from msgspec import Raw, Struct

from holdgate.crypto.hashes import digest
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed

NOTATION: Final = "holdgate-contract/1"
PROFILE: Final = "holdgate-cel/1"


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A piece of a contract document."""


class Characteristic(Part, frozen=True, kw_only=True):
    """One thing that a step measures.

    Limits are decimals in `unit`, inclusive. `U` with `rule: guard_band` moves the acceptance limits inwards.
    `all_readings`: every reading must conform, else the last one counts. `per_serial`: one reading per serial.
    `resolution`: decimal places, for rules that compute with it. `basis`, `verified`: where the number comes from.
    """

    id: str
    unit: str
    min: str | None = None
    max: str | None = None
    equals: str | None = None
    U: str | None = None
    rule: str = "simple"
    instrument_class: str | None = None
    per_serial: bool = False
    all_readings: bool = False
    effect: str | None = None
    resolution: int = 0
    basis: str | None = None
    verified: bool = False


class Window(Part, frozen=True, kw_only=True):
    """Seconds from the signature of step `since` to this step's start, both ends inclusive."""

    since: str = msgspec.field(name="from")
    min_s: int = 0
    max_s: int | None = None


class StepRule(Part, frozen=True, kw_only=True):
    """A rule of this contract's own: CEL text, the sentence of its denial, and the certified normal form.

    `when`: start or sign.
    """

    id: str
    when: str
    cel: str
    say: str
    normal: Raw


class Hold(Part, frozen=True, kw_only=True):
    """A hold point: the step does not start before somebody in the role `party` released it."""

    party: str


class Witness(Part, frozen=True, kw_only=True):
    """A witness point: `party` is notified at least `notice_s` before the start; nobody has to come."""

    party: str
    notice_s: int = 0


class Step(Part, frozen=True, kw_only=True):
    """One operation of a technique."""

    id: str
    name: str
    role: str
    kind: str = "operation"
    credentials: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    equipment_classes: tuple[str, ...] = ()
    material_kinds: tuple[str, ...] = ()
    characteristics: tuple[Characteristic, ...] = ()
    window: Window | None = None
    duration_s: int = 0
    signatures: int = 1
    performer_signs: bool = True
    hold: Hold | None = None
    witness: Witness | None = None
    rules: tuple[StepRule, ...] = ()


class Retest(Part, frozen=True, kw_only=True):
    """How often and for which causes a test may be repeated."""

    max: int
    allowed_causes: tuple[str, ...]


class Adaptable(Part, frozen=True, kw_only=True):
    """A number of this contract that may move while it is in force, inside `min`..`max` (decimals, inclusive).

    `kind`: window_min_s, window_max_s, characteristic_min, characteristic_max or client_window_s; `step` and
    `characteristic` say which one. `value`: what the contract itself says. `tighter`: higher or lower. `approve`: the roles
    that agree to a change, each another person; with `auto_tighten` a tightening needs nobody.
    """

    id: str
    kind: str
    value: str
    min: str
    max: str
    tighter: str
    approve: tuple[str, ...]
    auto_tighten: bool = False
    step: str | None = None
    characteristic: str | None = None


class Environment(Part, frozen=True, kw_only=True):
    """A logged series that certain steps (and, named `report`, the report) rest on.

    Limits are decimals in `unit`, inclusive; either may be left out. `sensor`: the SMART-ID that logs it. `max_gap_s`: the
    longest silence that is none.
    """

    series: str
    sensor: str
    unit: str
    max_gap_s: int
    steps: tuple[str, ...]
    min: str | None = None
    max: str | None = None


class ModuleRight(Part, frozen=True, kw_only=True):
    """What a module may do at a step: `act` is the module's own word, `permit_s` how long a permit holds.

    `operator_tokens`: credentials that the person at the machine must hold.
    """

    module: str
    act: str
    step: str
    permit_s: int
    operator_tokens: tuple[str, ...] = ()


class OnFailed(Part, frozen=True, kw_only=True):
    """Who may resume a failed execution; Level III where the contract does not say."""

    resume: tuple[str, ...]


class Trigger(Part, frozen=True, kw_only=True):
    """What the contract sets off: `effect` is added to the entry that produced `on`."""

    on: str
    effect: str


class Yield(Part, frozen=True, kw_only=True):
    """What an accepted execution makes true of its subject for `valid_s` seconds from QA's acceptance.

    `fact`: calibration (of the instrument that the serial names), credential (`name`, of the person), batch (released),
    standard (the order's part number and revision are standard and edition) or document (the order's part number, verified for the
    order that the serial names).
    """

    fact: str
    valid_s: int
    name: str | None = None


class Standard(Part, frozen=True, kw_only=True):
    """A standard that has to be in force, in this edition, when a job starts."""

    standard: str
    edition: str


class Demand(Part, frozen=True, kw_only=True):
    """Credentials that an act on this contract's orders asks of its actor, beyond what its steps name."""

    act: str
    credentials: tuple[str, ...]


class Source(Part, frozen=True, kw_only=True):
    """Where numbers come from that carry no `basis` of their own (windows, durations, validities, counts, money).

    `what`: the place of a number, or of several (`steps[S40].window`, `offline_max_s`): everything below it is meant.
    `verified`: the basis was read, in the edition that it names. It decides nothing; it is there for whoever approves.
    """

    what: str
    basis: str
    verified: bool = False


class Head(Part, frozen=True, kw_only=True, tag_field="family", tag="head"):
    """What all nine families carry."""

    id: str
    version: str
    title: str
    author: str
    notation: str = NOTATION
    standards: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()


class SmartSP(Head, frozen=True, kw_only=True, tag="SmartSP"):
    """A special process: the technique sheet."""

    steps: tuple[Step, ...]
    profile: str = PROFILE
    offline_max_s: int = 86_400
    pin: str = "job"
    assignment: str = "open"
    retest: Retest | None = None
    adaptable: tuple[Adaptable, ...] = ()
    environment: tuple[Environment, ...] = ()
    modules: tuple[ModuleRight, ...] = ()
    on_failed: OnFailed | None = None
    requires: tuple[Standard, ...] = ()
    subject: str = "part"
    yields: tuple[Yield, ...] = ()


class SmartMaintenance(SmartSP, frozen=True, kw_only=True, tag="SmartMaintenance"):
    """Fitness of equipment: the order's part number is its class, the serial its id; yields a calibration.

    A characteristic with `effect: as_found` says how the instrument was met: out of its limits it fails nothing now, and recalls
    what was done before.
    """

    subject: str = "equipment"


class SmartSafety(SmartSP, frozen=True, kw_only=True, tag="SmartSafety"):
    """Permission to work, and training: the serial is the person's SMART-ID; yields a credential."""

    subject: str = "person"


class SmartInventory(SmartSP, frozen=True, kw_only=True, tag="SmartInventory"):
    """Consumables: the part number is the kind of material, the serial the batch; yields its release."""

    subject: str = "batch"


class SmartStandards(SmartSP, frozen=True, kw_only=True, tag="SmartStandards"):
    """Adoption of a standard: part number and revision are its name and edition, the serial the controlled copy."""

    subject: str = "standard"


class SmartCompliance(SmartSP, frozen=True, kw_only=True, tag="SmartCompliance"):
    """Verification of a document: the part number is its kind, the serial the order that it is for."""

    subject: str = "document"


class Authority(Part, frozen=True, kw_only=True):
    """Who may decide so on a nonconformance. `client`: the order's own client co-signs. `evidence`: it is shown."""

    disposition: str
    roles: tuple[str, ...]
    client: bool = False
    evidence: bool = False


class SmartQA(Head, frozen=True, kw_only=True, tag="SmartQA"):
    """Acceptance: the authority matrix for nonconformances, and what QA confirms by signing (`review`)."""

    dispositions: tuple[Authority, ...]
    review: tuple[str, ...] = ()


class Billing(Part, frozen=True, kw_only=True):
    """One milestone: `when` is arrival, qa_accepted or client_accepted, over all serials of the order."""

    id: str
    when: str
    amount_minor: int


class Surcharge(Part, frozen=True, kw_only=True):
    """A line of the price list beside the price.

    `when`: `retest` (a retest is authorised for `cause`) or `agreed` (the client and the project manager agree to it). `text`:
    what the invoice says.
    """

    id: str
    when: str
    amount_minor: int
    cause: str = ""
    text: str = ""


class PayoutRule(Part, frozen=True, kw_only=True):
    """A bonus: due when QA and compliance signed, within `within_s` of first start to last completion.

    A draft may leave out `within_s`; nothing is certified without it.
    """

    id: str
    depends_on: str
    amount_minor: int
    currency: str
    payee: str = "each_signer"
    within_s: int = 0


class SmartPay(Head, frozen=True, kw_only=True, tag="SmartPay"):
    """Pay: bonus rules, and the most that one job may pay out in all (minor units).

    `one_signer_minor`: the most that a payment run may come to which one person signs (0: two always sign).
    """

    currency: str
    payouts: tuple[PayoutRule, ...]
    cap_minor: int
    one_signer_minor: int = 0


class SmartClientPO(Head, frozen=True, kw_only=True, tag="SmartClientPO"):
    """The template of an order. `process`: SHA-256 of its technique; `quality`, `pay`: of its SmartQA and SmartPay ("": none).

    `payouts` stand here only where no SmartPay is named.
    """

    process: str
    price_minor: int
    currency: str
    billing: tuple[Billing, ...]
    client_window_s: int
    on_silence: str
    payouts: tuple[PayoutRule, ...] = ()
    buffer_max_s: int = 0
    arrival_evidence: tuple[str, ...] = ("broadcast",)
    documents: tuple[str, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    demands: tuple[Demand, ...] = ()
    quality: str = ""
    pay: str = ""
    surcharges: tuple[Surcharge, ...] = ()


Document = (
    SmartClientPO
    | SmartSP
    | SmartCompliance
    | SmartMaintenance
    | SmartStandards
    | SmartQA
    | SmartPay
    | SmartSafety
    | SmartInventory
)
TECHNIQUES: Final = {
    family.__name__: family
    for family in (SmartSP, SmartMaintenance, SmartSafety, SmartInventory, SmartStandards, SmartCompliance)
}
"""The families that are executed step by step, by name."""

_DECODER: Final[msgspec.json.Decoder[Document]] = msgspec.json.Decoder(Document)


def encode_document(document: Document) -> bytes:
    """The canonical bytes of a document."""
    return canon.encode(document)


def document_digest(document: Document) -> str:
    """The document's identity."""
    return digest(canon.encode(document))


def read_document(raw: bytes) -> Document:
    """Read untrusted canonical bytes as a contract document (structure only; `holdgate.law.completeness` says what is missing).

    Raises:
        Malformed: not such a document, too large, or another notation.
    """
    if len(raw) > limits.CONTRACT_BYTES_MAX:
        raise Malformed(f"the contract is longer than {limits.CONTRACT_BYTES_MAX} bytes")
    document: Document = canon.decode(raw, _DECODER, "the contract")
    if document.notation != NOTATION:
        raise Malformed(f"the contract is written in {document.notation!r}; this version reads {NOTATION}")
    return document
