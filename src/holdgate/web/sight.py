"""Sight: what an asker may see of orders, entries and documents. What is not theirs looks exactly like what is not there.

Staff see every order; a client its own; an auditor what a credential opens. An entry is shown to whoever sees every order that it
is about; entries about no order only to those who read the whole record.
"""

from holdgate.law.state import ContractRecord, Job, Order, job_key
from holdgate.query.order_documents import versions_of
from holdgate.query.record import Said, entry_at, taken_in
from holdgate.query.timeline import orders_of
from holdgate.terms.errors import Malformed
from holdgate.terms.ids import check_id
from holdgate.web.asker import Asker
from holdgate.web.face import Face
from holdgate.web.problem import Problem, missing

NO_ORDER = "no order of this name is yours to see"
NO_ENTRY = "no entry of this number is yours to see"


def order_of(face: Face, asker: Asker, order: str) -> Order | Problem:
    """An order that the asker sees.

    Raises:
        Malformed: the name is no id.
    """
    found = face.state.orders.get(check_id(order, "order"))
    return missing(NO_ORDER) if found is None or not asker.sees(found) else found


def job_of(face: Face, asker: Asker, order: str, job: str) -> tuple[Order, Job | None] | Problem:
    """A job of an order that the asker sees; None where this site is done with it.

    Raises:
        Malformed: a name is no id.
    """
    seen = order_of(face, asker, order)
    if isinstance(seen, Problem):
        return seen
    key = job_key(order, check_id(job, "job"))
    found = face.state.jobs.get(key)
    if found is None and key not in face.state.closed:
        return missing("no job of this name is on this order")
    return seen, found


def said_at(face: Face, asker: Asker, seq: int, inside: int = -1) -> Said | Problem:
    """An entry that the asker may see.

    Args:
        face: the site.
        asker: who asks.
        seq: the own entry.
        inside: among the entries of another site that it took in; -1: itself.

    Raises:
        Malformed, Tampered: the entry cannot be read.
    """
    record = face.record()
    if not 0 <= seq < record.size:
        return missing(NO_ENTRY)
    one = entry_at(record, seq)
    if inside >= 0:
        held = next((said for place, said in enumerate(taken_in(record, one.entry)) if place == inside), None)
        if held is None:
            return missing(NO_ENTRY)
        one = held
    elif one.entry.kind == "import" and not asker.reads_record():
        return missing(NO_ENTRY)
    return one if _shown(face, asker, one) else missing(NO_ENTRY)


def _shown(face: Face, asker: Asker, said: Said) -> bool:
    if asker.reads_record():
        return True
    reports = (face.state.reports.get(name) for name in _reports_of(said))
    named = orders_of(said) | {report.order for report in reports if report is not None}
    orders = [face.state.orders.get(name) for name in sorted(named)]
    return bool(orders) and all(order is not None and asker.sees(order) for order in orders)


def _reports_of(said: Said) -> list[str]:
    """The reports that an entry is about; their orders are not always named beside them."""
    subject = said.entry.subject
    named = [subject.removeprefix("report:")] if subject.startswith("report:") else []
    return [*named, *(report for event in said.decision.events if (report := getattr(event, "report", "")))]


def contracts_seen(face: Face, asker: Asker) -> list[ContractRecord]:
    """Every contract version that is theirs to read, in the order in which they were proposed."""
    every = face.state.contracts.values()
    if asker.staff or asker.audits():
        return [*every]
    under = {
        sha256 for order in face.state.orders.values() if asker.sees(order) for sha256 in versions_of(face.state, order)
    }
    return [record for record in every if record.sha256 in under]


def sees_contract(face: Face, asker: Asker, sha256: str) -> bool:
    """Whether a contract version is theirs to read: staff and full auditors all, others those of the orders that they see."""
    if asker.staff or asker.audits():
        return True
    return any(sha256 in versions_of(face.state, order) for order in face.state.orders.values() if asker.sees(order))


def check_digest(text: str) -> str:
    """A SHA-256 in lowercase hex, as it is.

    Raises:
        Malformed: it is none.
    """
    if len(text) != 64 or any(char not in "0123456789abcdef" for char in text):
        raise Malformed("a digest is written as 64 lowercase hex digits (SHA-256)")
    return text
