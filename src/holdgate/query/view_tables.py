"""The tables that a Vault's mirrors are projected into for SQL, and the port of a database that holds them.

Every row comes from one entry and from nothing else, and is named by it: `origin` (the log), `seq` (the entry) and, where an entry
gives several rows, `n`. So rows never change, a run adds what came since, and tables that are filled in many runs are the ones
that are filled in one. What takes more than one entry (an order's state, say) is an SQL view over them (`view_queries`).

No personal data: people are their ids; names, organisations of people, reasons and addresses of senders are left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

SCHEMA_VERSION: Final = 1
"""Of tables and views: a database of another version is emptied and filled anew."""
_HASH: Final = 32
VERSION_TABLE: Final = "holdgate_views"

TEXT: Final = "text"
INTEGER: Final = "integer"
TIME: Final = "time"
"""Handed over as UTC µs."""
BOOL: Final = "bool"
DECIMAL: Final = "decimal"
"""Handed over as text."""

Value = str | int | bool | None
Row = Mapping[str, Value]


class Column(NamedTuple):
    """A column: its name, kind and meaning."""

    name: str
    kind: str
    means: str


class Table(NamedTuple):
    """A table: what one row is, its key, its columns."""

    name: str
    means: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]


class Progress(NamedTuple):
    """How much of a log was projected. `frontier`: the Merkle frontier of that many entries."""

    size: int
    frontier: tuple[bytes, ...]


class ViewStore(Protocol):
    """A database of views. From `begin` to `commit` all or nothing; one run at a time."""

    def begin(self, *, rebuild: bool) -> None:
        """Begin a run: make or renew tables and views where they are not of this version; empty them for `rebuild`.

        Raises:
            Malformed: the database holds something else. Unavailable: it is out of reach, or refuses.
        """
        ...

    def origins(self) -> list[str]:
        """The logs that are in."""
        ...

    def progress(self, origin: str) -> Progress:
        """How much of a log is in; 0 for none."""
        ...

    def forget(self, origin: str) -> None:
        """Take out every row of a log."""
        ...

    def forget_head(self, origin: str) -> None:
        """Take out a log's row in `logs` and its checkpoint: new ones follow."""
        ...

    def add(self, rows: Sequence[tuple[str, Row]]) -> None:
        """Add rows to tables, by name; a column that a row does not have is empty."""
        ...

    def commit(self) -> None:
        """Keep the run."""
        ...

    def close(self) -> None:
        """Release the database; a run that was not committed leaves nothing."""
        ...


def _columns(text: str) -> tuple[Column, ...]:
    """Columns from lines `name kind meaning`."""
    found = [line.split(None, 2) for line in text.splitlines() if line]
    return tuple(Column(name, kind, means) for name, kind, means in found)


_ENTRY: Final = """
origin text the log
seq integer the entry's index in it
"""
_FACT: Final = (
    _ENTRY
    + """
n integer which of the entry's facts, from 0
at time when the site recorded it
at_us integer the same, in microseconds since 1970
"""
)


def _fact(name: str, means: str, more: str) -> Table:
    return Table(name, means, ("origin", "seq", "n"), _columns(_FACT + more))


LOGS: Final = Table(
    "logs",
    "one log, as far as it was projected",
    ("origin",),
    _columns(
        """
origin text the log
site text the site that writes it
size integer its entries that are in these tables
root text the Merkle root of so many entries, in hex
frontier text the Merkle frontier, in hex: where the next run goes on
"""
    ),
)
CHECKPOINTS: Final = Table(
    "checkpoints",
    "one signature under the newest checkpoint that the Vault holds of a log; verified by the Vault, not here",
    ("origin", "n"),
    _columns(
        """
origin text the log
n integer which signature line, from 0
size integer the entries that the checkpoint covers
root text its Merkle root, in hex
signer text who signed: the log itself, or a witness
witnessed_at time the witness's time; empty for the log's own signature
"""
    ),
)
ENTRIES: Final = Table(
    "entries",
    "one entry",
    ("origin", "seq"),
    _columns(
        _ENTRY
        + """
site text the site that decided it
at time when it was recorded
at_us integer the same, in microseconds since 1970
kind text action, import, attempt, genesis, boot, contact, cosigned or consequence
act text the act that was signed; empty for what is no action
subject text what it is about; empty for an attempt
module text where it came from: workstation, reader, person or site; empty for an attempt
contract text the pinned contract document, by its SHA-256; empty outside of jobs
contract_version text its version
verdict text allow or deny
leaf text its leaf hash, in hex
prev text the leaf hash of the subject's entry before; empty for the first
"""
    ),
)
DENIALS: Final = Table(
    "denials",
    "one reason of a refusal",
    ("origin", "seq", "n"),
    _columns(
        _ENTRY
        + """
n integer which of the refusal's reasons, from 0, in the order of the gates
code text the denial code
gate text the gate that found it
"""
    ),
)
SIGNATURES: Final = _fact(
    "signatures",
    "one signer of an act, allowed or refused",
    """
signer text the signer's id
role text the role in which it signed
meaning text what the signature means; empty where it carries none
kind text how it was made
claimed_at time the signer's own time, a claim
place text the workstation or read point
act text the act
verdict text allow or deny
""",
)
ORDER_EVENTS: Final = _fact(
    "order_events",
    "something that became of an order",
    """
order_id text the order
what text accepted, reviewed, staged, amended, at_gate, received, acknowledged, delivery_closed
node text the node that it is bound for
client text the client's organisation
part_no text the part number
rev text the drawing's revision
parts integer how many parts
contract text the contract
version text its version
due_at time when delivery is due
price_minor integer the price, in minor units
currency text its currency
in_time bool whether a report was issued by the delivery date
""",
)
ARRIVALS: Final = _fact(
    "arrivals",
    "parts that were reported as here",
    """
order_id text the order; empty where they match none
what text recorded, kept, quarantined, voided
evidence text broadcast or attested
parts integer how many parts
serials text their serial numbers, a JSON array
late bool buffered by its reader
reader text who reported it
""",
)
RELEASES: Final = _fact(
    "releases",
    "parts of an order that the gate let go",
    """
order_id text the order
node text where to
parts integer how many parts
serials text their serial numbers, a JSON array
complete bool whether nothing of the order is left at the gate
""",
)
JOB_EVENTS: Final = _fact(
    "job_events",
    "something that became of a job or of one of its steps",
    """
order_id text the order
job text the job
step text the step; empty for what is about the whole job
what text what it was: the list stands below
by_whom text the id of who did it
result text of a signed step: pass, fail, accepted_under_concession; of a nonconformance: what was decided
detail text the nonconformance, deviation or cause that it is about; of a start, the contract document's SHA-256
""",
)
READINGS: Final = _fact(
    "readings",
    "one value that was read, or put in the place of another",
    """
order_id text the order
job text the job
step text the step
characteristic text what was measured
serial text of which part; empty for the whole job
value text the value as it was written
number decimal the same as a number
unit text its unit; empty for a correction
conforms bool whether it is inside of its limits
instrument text what it was read with
acceptance bool whether the part's acceptance rests on it
late bool entered afterwards
observed_at time when it was read, where that is told
corrects text the value that it replaces; empty for a reading
""",
)
REPORT_EVENTS: Final = _fact(
    "report_events",
    "something that became of a report",
    """
report text the report
what text issued, window_opened, approved, rejected, lapsed, complaint
order_id text the order; empty but for an issued one
job text the job; empty but for an issued one
by_whom text the id of who did it
digest text of an issued report's content
nonconforming bool whether it reports a result that does not conform
replaces text the report that it replaces
closes_at time when the review window closes
outcome text of a lapsed window
""",
)
INVOICES: Final = _fact(
    "invoices",
    "an invoice that went out",
    """
order_id text the order
milestone text what was reached
amount_minor integer the amount, in minor units
currency text its currency
""",
)
PAYOUTS: Final = _fact(
    "payouts",
    "a payout that went out",
    """
order_id text the order
job text the job
rule text the rule that it follows from
payee text the id of who gets it
amount_minor integer the amount, in minor units
currency text its currency
""",
)
EQUIPMENT_EVENTS: Final = _fact(
    "equipment_events",
    "something that became of an instrument or machine",
    """
equipment text the instrument or machine
what text registered, calibrated, withdrawn, checked
equipment_class text its class, when it is registered
result text of a check: pass or fail; of a calibration: how it was found
in_service bool whether it is in service after this; empty where this does not say
cal_from time from when its calibration holds
cal_until time until when, inclusive
cal_until_us integer the same, in microseconds since 1970
certificate text the digest of the calibration's certificate
""",
)
COSIGNATURES: Final = _fact(
    "cosignatures",
    "a cosignature that the log itself recorded",
    """
witness text the witness
size integer the entries that it covers
witnessed_at time the witness's time
""",
)
TABLES: Final = (
    LOGS,
    CHECKPOINTS,
    ENTRIES,
    DENIALS,
    SIGNATURES,
    ORDER_EVENTS,
    ARRIVALS,
    RELEASES,
    JOB_EVENTS,
    READINGS,
    REPORT_EVENTS,
    INVOICES,
    PAYOUTS,
    EQUIPMENT_EVENTS,
    COSIGNATURES,
)
BY_NAME: Final = {table.name: table for table in TABLES}


JOB_WHATS: Final = (
    "started", "split", "assigned", "step_started", "step_signed", "step_completed", "step_restarted", "retest_authorised",
    "prechecks_completed", "hold_released", "witness_notified", "help_called", "ncr_opened", "ncr_disposed", "flagged",
    "deviation_authorised", "reprocessed", "failed", "resumed", "terminated", "qa_accepted", "compliance_accepted",
)  # fmt: skip
"""What `job_events.what` may be. A step is `step_completed` with the last signature that it needs."""


def create_table(table: Table, types: Mapping[str, str]) -> str:
    """The statement that makes a table. `types`: the database's type of each kind."""
    columns = ", ".join(f"{column.name} {types[column.kind]}" for column in table.columns)
    return f"CREATE TABLE {table.name} ({columns}, PRIMARY KEY ({', '.join(table.key)}))"


def values_of(table: Table, row: Row) -> tuple[Value, ...]:
    """A row's values in the order of the columns."""
    return tuple(row.get(column.name) for column in table.columns)


def frontier_of(text: str) -> tuple[bytes, ...]:
    """The frontier in `logs.frontier`; none where it is not one."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return ()
    return tuple(raw[i : i + _HASH] for i in range(0, len(raw), _HASH))


def names_of(columns: Iterable[Column]) -> str:
    """The names, for a statement."""
    return ", ".join(column.name for column in columns)
