"""The SQL views over the tables: states that take more than one entry. One text for SQLite and PostgreSQL.

Only integers are computed with (`…_us`, `…_s`): neither database makes an inexact number of them.
"""

from typing import Final, NamedTuple


class View(NamedTuple):
    """A view: what one row is, what its columns mean (by name, in order), its query."""

    name: str
    means: str
    columns: tuple[tuple[str, str], ...]
    sql: str


def _columns(text: str) -> tuple[tuple[str, str], ...]:
    found = [line.split(None, 1) for line in text.strip().splitlines()]
    return tuple((name, means) for name, means in found)


DECISIONS: Final = View(
    "decisions",
    "one decision on an act that was signed",
    _columns(
        """
origin the log
seq the entry
site the site that decided
at when
act the act
subject what it is about
verdict allow or deny
signer who signed first
first_code the first reason of a refusal
codes how many reasons there are (table denials)
"""
    ),
    """
SELECT e.origin, e.seq, e.site, e.at, e.act, e.subject, e.verdict, s.signer, d.code AS first_code,
    (SELECT count(*) FROM denials x WHERE x.origin = e.origin AND x.seq = e.seq) AS codes
FROM entries e
LEFT JOIN signatures s ON s.origin = e.origin AND s.seq = e.seq AND s.n = 0
LEFT JOIN denials d ON d.origin = e.origin AND d.seq = e.seq AND d.n = 0
WHERE e.kind = 'action'
""",
)
REPORTS: Final = View(
    "reports",
    "one report that was issued",
    _columns(
        """
report the report
order_id the order
job the job
state issued, approved, rejected or lapsed: what came last
issued_at when it was issued
issued_us the same, in microseconds
closes_at when the review window closes
approved_at when the client approved it
rejected_at when the client rejected it
lapsed_at when the window closed by itself
nonconforming whether it reports a result that does not conform
replaces the report that it replaces
complaints how many complaints came
"""
    ),
    """
WITH issued AS (SELECT * FROM report_events WHERE what = 'issued'),
became AS (
    SELECT report, max(closes_at) AS closes_at,
        min(CASE WHEN what = 'approved' THEN at END) AS approved_at,
        min(CASE WHEN what = 'rejected' THEN at END) AS rejected_at,
        min(CASE WHEN what = 'lapsed' THEN at END) AS lapsed_at,
        count(CASE WHEN what = 'complaint' THEN 1 END) AS complaints
    FROM report_events GROUP BY report)
SELECT i.report, i.order_id, i.job,
    CASE WHEN b.approved_at IS NOT NULL THEN 'approved' WHEN b.rejected_at IS NOT NULL THEN 'rejected'
        WHEN b.lapsed_at IS NOT NULL THEN 'lapsed' ELSE 'issued' END AS state,
    i.at AS issued_at, i.at_us AS issued_us, b.closes_at, b.approved_at, b.rejected_at, b.lapsed_at, i.nonconforming,
    i.replaces, b.complaints
FROM issued i JOIN became b ON b.report = i.report
""",
)
STEPS: Final = View(
    "steps",
    "one step of a job, over all its attempts",
    _columns(
        """
order_id the order
job the job
step the step
started_at when it was started first
attempts how often it was started
first_result what its first completed attempt came to: pass, fail, accepted_under_concession
result what its last completed attempt came to
completed_at when that was
"""
    ),
    """
WITH opened AS (
    SELECT order_id, job, step, min(at) AS started_at, count(*) AS attempts
    FROM job_events WHERE what = 'step_started' GROUP BY order_id, job, step),
done AS (
    SELECT order_id, job, step, at, result,
        ROW_NUMBER() OVER (PARTITION BY order_id, job, step ORDER BY at_us, origin, seq, n) AS nth,
        ROW_NUMBER() OVER (PARTITION BY order_id, job, step ORDER BY at_us DESC, origin DESC, seq DESC, n DESC) AS back
    FROM job_events WHERE what = 'step_completed')
SELECT o.order_id, o.job, o.step, o.started_at, o.attempts, f.result AS first_result, l.result, l.at AS completed_at
FROM opened o
LEFT JOIN done f ON f.order_id = o.order_id AND f.job = o.job AND f.step = o.step AND f.nth = 1
LEFT JOIN done l ON l.order_id = o.order_id AND l.job = o.job AND l.step = o.step AND l.back = 1
""",
)
JOBS: Final = View(
    "jobs",
    "one job that was started",
    _columns(
        """
order_id the order
job the job
node the site where it runs
started_by the id of who started it
contract_sha256 the contract document that it is pinned to
state in_work, failed, split, terminated, qa_accepted or accepted (by QA and Compliance)
started_at when it was started
started_us the same, in microseconds
qa_at when QA accepted it first
compliance_at when Compliance did
ncrs nonconformances that were opened
retests retests that were allowed
reported_at when its first report was issued
"""
    ),
    """
WITH begun AS (
    SELECT j.order_id, j.job, l.site, j.by_whom, j.detail, j.at, j.at_us,
        ROW_NUMBER() OVER (PARTITION BY j.order_id, j.job ORDER BY j.at_us, j.origin, j.seq, j.n) AS nth
    FROM job_events j JOIN logs l ON l.origin = j.origin WHERE j.what = 'started'),
became AS (
    SELECT order_id, job,
        min(CASE WHEN what = 'qa_accepted' THEN at END) AS qa_at,
        min(CASE WHEN what = 'compliance_accepted' THEN at END) AS compliance_at,
        count(CASE WHEN what = 'terminated' THEN 1 END) AS ended,
        count(CASE WHEN what = 'split' THEN 1 END) AS parted,
        count(CASE WHEN what = 'failed' THEN 1 END) - count(CASE WHEN what = 'resumed' THEN 1 END) AS failing,
        count(CASE WHEN what IN ('ncr_opened', 'flagged') THEN 1 END) AS ncrs,
        count(CASE WHEN what = 'retest_authorised' THEN 1 END) AS retests
    FROM job_events GROUP BY order_id, job),
told AS (SELECT order_id, job, min(issued_at) AS reported_at FROM reports GROUP BY order_id, job)
SELECT s.order_id, s.job, s.site AS node, s.by_whom AS started_by, s.detail AS contract_sha256,
    CASE WHEN b.ended > 0 THEN 'terminated' WHEN b.parted > 0 THEN 'split'
        WHEN b.compliance_at IS NOT NULL AND b.qa_at IS NOT NULL THEN 'accepted'
        WHEN b.qa_at IS NOT NULL THEN 'qa_accepted' WHEN b.failing > 0 THEN 'failed' ELSE 'in_work' END AS state,
    s.at AS started_at, s.at_us AS started_us, b.qa_at, b.compliance_at, b.ncrs, b.retests, t.reported_at
FROM begun s JOIN became b ON b.order_id = s.order_id AND b.job = s.job
LEFT JOIN told t ON t.order_id = s.order_id AND t.job = s.job
WHERE s.nth = 1
""",
)
ORDERS: Final = View(
    "orders",
    "one order, as far as it got",
    _columns(
        """
order_id the order
state the farthest that it got: accepted, staged, arrived, released, at_node, in_work, qa_accepted, reported, approved
client the client's organisation
contract the contract, as it was staged last
version its version
node the node
part_no the part number
rev the drawing's revision
parts how many parts
price_minor the price that the client accepted, in minor units
currency its currency
accepted_at when the client accepted the terms first
staged_at when it was staged first
staged_us the same, in microseconds
arrived_at when the first parts of it were recorded as here
released_at when the gate let the first of it go
received_at when its node took it
started_at when its first job was started
jobs how many jobs were started
qa_at when QA accepted its last job so far
reported_at when its first report was issued
reported_us the same, in microseconds
approved_at when the client approved its last report so far
due_at when delivery is due
invoiced_minor what was invoiced, in minor units
paid_out_minor what was paid out, in minor units
"""
    ),
    """
WITH told AS (
    SELECT order_id,
        min(CASE WHEN what = 'accepted' THEN at END) AS accepted_at,
        max(CASE WHEN what = 'accepted' THEN price_minor END) AS price_minor,
        max(CASE WHEN what = 'accepted' THEN currency END) AS currency,
        max(CASE WHEN what = 'accepted' THEN client END) AS org,
        min(CASE WHEN what IN ('staged', 'amended') THEN at END) AS staged_at,
        min(CASE WHEN what IN ('staged', 'amended') THEN at_us END) AS staged_us,
        min(CASE WHEN what = 'received' THEN at END) AS received_at
    FROM order_events GROUP BY order_id),
latest AS (
    SELECT order_id, client, contract, version, node, part_no, rev, parts, due_at,
        ROW_NUMBER() OVER (PARTITION BY order_id ORDER BY at_us DESC, origin DESC, seq DESC, n DESC) AS back
    FROM order_events WHERE what IN ('staged', 'amended')),
here AS (SELECT order_id, min(at) AS arrived_at FROM arrivals WHERE what = 'recorded' GROUP BY order_id),
gone AS (SELECT order_id, min(at) AS released_at FROM releases GROUP BY order_id),
work AS (
    SELECT order_id, count(DISTINCT CASE WHEN what = 'started' THEN job END) AS jobs,
        min(CASE WHEN what = 'started' THEN at END) AS started_at,
        max(CASE WHEN what = 'qa_accepted' THEN at END) AS qa_at
    FROM job_events GROUP BY order_id),
said AS (
    SELECT order_id, min(issued_at) AS reported_at, min(issued_us) AS reported_us, max(approved_at) AS approved_at
    FROM reports GROUP BY order_id),
billed AS (SELECT order_id, CAST(sum(amount_minor) AS BIGINT) AS minor FROM invoices GROUP BY order_id),
paid AS (SELECT order_id, CAST(sum(amount_minor) AS BIGINT) AS minor FROM payouts GROUP BY order_id)
SELECT t.order_id,
    CASE WHEN s.approved_at IS NOT NULL THEN 'approved' WHEN s.reported_at IS NOT NULL THEN 'reported'
        WHEN w.qa_at IS NOT NULL THEN 'qa_accepted' WHEN w.started_at IS NOT NULL THEN 'in_work'
        WHEN t.received_at IS NOT NULL THEN 'at_node' WHEN g.released_at IS NOT NULL THEN 'released'
        WHEN h.arrived_at IS NOT NULL THEN 'arrived' WHEN t.staged_at IS NOT NULL THEN 'staged'
        ELSE 'accepted' END AS state,
    COALESCE(l.client, t.org) AS client, l.contract, l.version, l.node, l.part_no, l.rev, l.parts, t.price_minor, t.currency,
    t.accepted_at, t.staged_at, t.staged_us, h.arrived_at, g.released_at, t.received_at, w.started_at,
    COALESCE(w.jobs, 0) AS jobs, w.qa_at, s.reported_at, s.reported_us, s.approved_at, l.due_at,
    COALESCE(b.minor, 0) AS invoiced_minor, COALESCE(p.minor, 0) AS paid_out_minor
FROM told t
LEFT JOIN latest l ON l.order_id = t.order_id AND l.back = 1
LEFT JOIN here h ON h.order_id = t.order_id
LEFT JOIN gone g ON g.order_id = t.order_id
LEFT JOIN work w ON w.order_id = t.order_id
LEFT JOIN said s ON s.order_id = t.order_id
LEFT JOIN billed b ON b.order_id = t.order_id
LEFT JOIN paid p ON p.order_id = t.order_id
""",
)
EQUIPMENT: Final = View(
    "equipment",
    "one instrument or machine, as it was told last",
    _columns(
        """
equipment the instrument or machine
equipment_class its class
in_service whether it is in service, by what was told last about that
cal_from from when its calibration holds
cal_until until when, inclusive
cal_until_us the same, in microseconds
checked_at when it was checked last
"""
    ),
    """
WITH known AS (SELECT equipment, max(equipment_class) AS equipment_class,
        max(CASE WHEN what = 'checked' THEN at END) AS checked_at
    FROM equipment_events GROUP BY equipment),
served AS (SELECT equipment, in_service,
        ROW_NUMBER() OVER (PARTITION BY equipment ORDER BY at_us DESC, origin DESC, seq DESC, n DESC) AS back
    FROM equipment_events WHERE in_service IS NOT NULL),
dated AS (SELECT equipment, cal_from, cal_until, cal_until_us,
        ROW_NUMBER() OVER (PARTITION BY equipment ORDER BY at_us DESC, origin DESC, seq DESC, n DESC) AS back
    FROM equipment_events WHERE cal_until_us IS NOT NULL)
SELECT k.equipment, k.equipment_class, s.in_service, d.cal_from, d.cal_until, d.cal_until_us, k.checked_at
FROM known k
LEFT JOIN served s ON s.equipment = k.equipment AND s.back = 1
LEFT JOIN dated d ON d.equipment = k.equipment AND d.back = 1
""",
)
VIEWS: Final = (DECISIONS, REPORTS, STEPS, JOBS, ORDERS, EQUIPMENT)
"""In the order in which they are made: a later one may read an earlier one."""


def create_view(view: View) -> str:
    """The statement that makes a view."""
    return f"CREATE VIEW {view.name} AS {view.sql.strip()}"
