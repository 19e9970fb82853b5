"""Audit: find an order, a job, a person or an instrument; a job's evidence by requirement; the record itself, and its proofs."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from msgspec import Struct

from holdgate.law.state import Order
from holdgate.query.job_audit import JobAudit, job_audit, skew_in_words
from holdgate.query.timeline import Told, tell
from holdgate.terms.limits import ROWS_ASKED_MAX, SEARCH_FOUND_MAX
from holdgate.web.api.facts import knows_registers
from holdgate.web.api.looking import OrderRow, order_row
from holdgate.web.page import Page, View
from holdgate.web.pages.admin import touched
from holdgate.web.problem import NOT_YOURS, Problem
from holdgate.web.sight import job_of, order_of

ROLES: Final = ("auditor", "qa", "compliance", "admin")


class Found(Struct, frozen=True, kw_only=True):
    """Something that a search found. `kind`: of the address that leads on; `says`: what it is."""

    kind: str
    id: str
    says: str


class Desk(Struct, frozen=True, kw_only=True):
    """The auditor's first page. `whole`: the whole record is open; `until`: until when they may look (UTC µs; 0: no end)."""

    q: str
    orders: tuple[OrderRow, ...]
    found: tuple[Found, ...]
    whole: bool
    size: int
    witnessed_size: int
    witnessed_at: int
    until: int
    scope: tuple[str, ...]


class OrderCard(Struct, frozen=True, kw_only=True):
    """An order's timeline. `rest`: lines that are left out at its beginning."""

    order: Order
    lines: tuple[Told, ...]
    rest: int


class JobCard(Struct, frozen=True, kw_only=True):
    """The evidence on a job."""

    order: Order
    audit: JobAudit
    skew: str


def desk(view: View) -> Desk:
    """Find something; see how far the record is."""
    state, q = view.face.state, view.query.get("q", "").strip()[:64]
    return Desk(
        q=q,
        orders=tuple(islice(_orders(view, q.lower()), SEARCH_FOUND_MAX)),
        found=tuple(_found(view, q)) if q else (),
        whole=view.asker.reads_record(),
        size=view.face.size,
        witnessed_size=state.witnessed_size,
        witnessed_at=state.witnessed_at,
        until=_until(view),
        scope=_scope(view),
    )


def _orders(view: View, q: str) -> Iterator[OrderRow]:
    """The newest orders first."""
    for order in reversed(view.face.state.orders.values()):
        named = not q or q in order.id.lower() or q in order.part_no.lower() or q in order.client.lower()
        if named and view.asker.sees(order):
            yield order_row(order)


def _found(view: View, q: str) -> Iterator[Found]:
    state, sought = view.face.state, q.lower()
    if q.isascii() and q.isdigit() and len(q) < 12:
        yield Found(kind="why", id=str(int(q)), says="entry of this site's record")
    keys = (key for key in state.jobs if sought in key.lower())
    jobs = (key for key in keys if (order := state.orders.get(key.partition("/")[0])) and view.asker.sees(order))
    yield from (Found(kind="job", id=key, says="job") for key in islice(jobs, SEARCH_FOUND_MAX))
    if not knows_registers(view.asker):
        return
    people = (i for i in state.identities.values() if sought in i.id.lower() or sought in i.name.lower())
    for identity in islice(people, SEARCH_FOUND_MAX):
        yield Found(kind="person", id=identity.id, says=f"{identity.name}, {', '.join(identity.roles)}")
    instruments = (e for e in state.equipment.values() if sought in e.id.lower() or sought in e.equipment_class.lower())
    for item in islice(instruments, SEARCH_FOUND_MAX):
        yield Found(kind="equipment", id=item.id, says=item.equipment_class.replace("_", " "))
    batches = (b for b in state.materials.values() if sought in b.batch.lower() or sought in b.material_kind.lower())
    for batch in islice(batches, SEARCH_FOUND_MAX):
        yield Found(kind="material", id=batch.batch, says=batch.material_kind.replace("_", " "))


def _scope(view: View) -> tuple[str, ...]:
    """What an auditor's credentials open, as they are in force."""
    person = view.asker.person
    if person is None or view.asker.staff:
        return ()
    held = person.credentials.items()
    return tuple(name for name, one in held if one.revoked_at is None and one.until >= view.asker.now)


def _until(view: View) -> int:
    person = view.asker.person
    if person is None or view.asker.staff:
        return 0
    return max((person.credentials[name].until for name in _scope(view)), default=0)


def order_card(view: View) -> OrderCard | Problem:
    """What the record says of an order, the newest last."""
    order = order_of(view.face, view.asker, view.path["order"])
    if isinstance(order, Problem):
        return order
    places = view.face.chronicle_of(order.id)
    shown = places[-ROWS_ASKED_MAX:]
    return OrderCard(order=order, lines=tuple(tell(view.face.record(), shown)), rest=len(places) - len(shown))


def job_card(view: View) -> JobCard | Problem:
    """The evidence on a job."""
    seen = job_of(view.face, view.asker, view.path["order"], view.path["job"])
    if isinstance(seen, Problem):
        return seen
    order, _ = seen
    face, job = view.face, view.path["job"]
    places = [*face.chronicle_of(order.id)]
    found = job_audit(face.record(), places, face.state, face.library, order.id, job)
    return JobCard(order=order, audit=found, skew=skew_in_words(found))


async def touched_card(view: View) -> object:
    """What an instrument, a batch or a person touched."""
    return await touched(view) if knows_registers(view.asker) else NOT_YOURS


def record_card(view: View) -> Desk | Problem:
    """The record: its size, its proofs, its bundle, and doing it again."""
    return desk(view) if view.asker.reads_record() else NOT_YOURS


AUDIT: Final = Page(
    name="audit",
    title="Audit",
    kinds=("business_hub",),
    roles=ROLES,
    model=desk,
    below=(
        ("/record", "audit_record", record_card),
        ("/order/{order}", "audit_order", order_card),
        ("/job/{order}/{job}", "audit_job", job_card),
        ("/touched/{kind}/{id}", "admin_recall", touched_card),
    ),
)
