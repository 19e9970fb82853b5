"""What a report says, as plain data: every word of it stands on the ledger or is said to be missing. Times are UTC µs.

`holdgate.query.report_content` assembles it; `holdgate.paper.report` sets it. An empty text means: not on record.
"""

from msgspec import Struct


class Organisation(Struct, frozen=True, kw_only=True):
    """The laboratory or the customer. `lines`: the address; `contact`: how it is reached. `known`: it is on the register."""

    org: str
    name: str
    lines: tuple[str, ...] = ()
    contact: tuple[str, ...] = ()
    known: bool = False


class Method(Struct, frozen=True, kw_only=True):
    """How it was tested. `editions`: (standard, edition required, edition adopted when the report was issued)."""

    contract: str
    version: str
    sha256: str
    title: str
    technique: str
    technique_version: str
    technique_sha256: str
    standards: tuple[str, ...]
    editions: tuple[tuple[str, str, str], ...]
    approvals: tuple[tuple[str, str], ...]
    certificate: str


class Received(Struct, frozen=True, kw_only=True):
    """Parts that came. `evidence`: broadcast or attested (by people, where no reader can). `observed_at` 0: `at`."""

    serials: tuple[str, ...]
    at: int
    evidence: str
    by: tuple[str, ...]
    place: str
    entry: str
    late: bool = False
    observed_at: int = 0


class Verdict(Struct, frozen=True, kw_only=True):
    """What is said of one part. `conforms`: without a concession."""

    serial: str
    says: str
    conforms: bool


class Rule(Struct, frozen=True, kw_only=True):
    """How one characteristic is decided. `uncertainty` "": the contract states none. `basis`: where the limit comes from."""

    op: str
    characteristic: str
    unit: str
    limits: str
    accepted: str
    rule: str
    uncertainty: str
    acceptance: bool
    basis: str


class Result(Struct, frozen=True, kw_only=True):
    """One reading. `at`: when it was made; `late`: entered afterwards, at `entered_at`. `was`: values that were corrected.

    `limits`: as the contract has them; `accepted`: what the value was held against. `counts`: no later reading of this attempt took
    its place. `external`: the organisation that it comes from, where that is not the laboratory.
    """

    characteristic: str
    serial: str
    value: str
    unit: str
    limits: str
    accepted: str
    uncertainty: str
    conforms: bool
    instrument: str
    by: str
    at: int
    entry: str
    late: bool = False
    entered_at: int = 0
    was: tuple[str, ...] = ()
    counts: bool = True
    external: str = ""


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt at an op with its results. `number`: from 1. `over`: why it does not count ("": it does). `result`: as signed."""

    op: str
    name: str
    number: int
    over: str
    result: str
    started_at: int
    ended_at: int
    by: str
    place: str
    zones: tuple[str, ...]
    results: tuple[Result, ...]
    tuned: tuple[tuple[str, str], ...] = ()
    contract: str = ""


class Departure(Struct, frozen=True, kw_only=True):
    """A deviation, nonconformance, correction, late entry or repetition, with who and why."""

    kind: str
    op: str
    says: str
    reason: str
    by: tuple[str, ...]
    at: int
    entry: str
    id: str = ""


class Signature(Struct, frozen=True, kw_only=True):
    """A signature. `stamp`: SMART-ID and the short name of the key that signed. `unlocked`: what was presented."""

    name: str
    org: str
    stamp: str
    role: str
    meaning: str
    act: str
    at: int
    place: str
    entry: str
    unlocked: str = ""


class Instrument(Struct, frozen=True, kw_only=True):
    """An instrument that was used. `covers`: the calibration interval holds every use."""

    id: str
    equipment_class: str
    ops: tuple[str, ...]
    cal_from: int = 0
    cal_until: int = 0
    certificate: str = ""
    covers: bool = False


class Batch(Struct, frozen=True, kw_only=True):
    """A batch that was used. `until`: its last instant of use (0: not on record)."""

    batch: str
    material_kind: str
    ops: tuple[str, ...]
    until: int = 0


class Room(Struct, frozen=True, kw_only=True):
    """Room conditions that the technique asks for, over the time of the work. `breaks`: (kind, since, until; 0: going on)."""

    series: str
    sensor: str
    limits: str
    unit: str
    count: int
    low: str
    high: str
    breaks: tuple[tuple[str, int, int], ...]


class Anchor(Struct, frozen=True, kw_only=True):
    """Where the report stands, and what one checks it against. `root`: of the log's first `size` entries."""

    origin: str
    entry: str
    leaf: str
    size: int
    root: str
    content: str


class Missing(Struct, frozen=True, kw_only=True):
    """Something that ISO/IEC 17025 7.8.2.1 asks for and that is not on record. `letter`: a to p."""

    letter: str
    what: str


class ReportContent(Struct, frozen=True, kw_only=True):
    """Everything that a report, an inspection certificate or a certificate of conformity says of a job.

    `replaces`, `reason`, `changes`: of an amended report, what it replaces, why, and what changed. `replaced_by`: the report that
    took its place since. `zone`: the shop's. `attested`: parts came in on the word of people. `externals`: organisations other than
    the laboratory whose results are in it.
    """

    report: str
    title: str
    order: str
    job: str
    issued_at: int
    zone: str
    lab: Organisation
    client: Organisation
    client_people: tuple[str, ...]
    site: str
    places: tuple[str, ...]
    part_no: str
    rev: str
    serials: tuple[str, ...]
    condition: tuple[str, ...]
    documents: tuple[str, ...]
    method: Method
    received: tuple[Received, ...]
    started_at: int
    ended_at: int
    conforming: bool
    concessions: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    quantities: tuple[int, int, int]
    rules: tuple[Rule, ...]
    attempts: tuple[Attempt, ...]
    departures: tuple[Departure, ...]
    signatures: tuple[Signature, ...]
    authorised: tuple[Signature, ...]
    instruments: tuple[Instrument, ...]
    batches: tuple[Batch, ...]
    rooms: tuple[Room, ...]
    externals: tuple[str, ...]
    anchor: Anchor
    attested: bool = False
    replaces: str = ""
    reason: str = ""
    changes: tuple[str, ...] = ()
    replaced_by: str = ""
    missing: tuple[Missing, ...] = ()
