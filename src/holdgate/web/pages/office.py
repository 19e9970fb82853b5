"""Office: orders by where they stand and since when; one order with everything that it still lacks; a new one."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from holdgate.law import command as c
from holdgate.law.candidate import STAND_IN
from holdgate.law.contract import SmartClientPO
from holdgate.law.state import OVER, ContractRecord, Order, State
from holdgate.query.stages import PROPOSED, STAGES
from holdgate.query.timeline import Told
from holdgate.terms import money
from holdgate.terms.errors import Malformed
from holdgate.terms.ids import check_id
from holdgate.web.api.order_drafts import OFFICE_ROLES
from holdgate.web.hub import stands, timeline_of
from holdgate.web.order_wishes import review_wish, terms_link
from holdgate.web.page import Page, View
from holdgate.web.pages.order_drafts import draft, drafts
from holdgate.web.paging import Pager, paged
from holdgate.web.problem import Problem, missing
from holdgate.web.wish import Choices, Wish, with_asks

LINES: Final = 100
"""Lines of an order's timeline on its page; the newest."""


class Line(Struct, frozen=True, kw_only=True):
    """An order in the list. `since`: when it came where it stands (UTC µs; 0: not known). `due`: the delivery date (0: none)."""

    id: str
    client: str
    part: str
    contract: str
    parts: int
    here: int
    stands: str
    since: int
    due: int


class Orders(Struct, frozen=True, kw_only=True):
    """The list. `stages`: how many orders stand where; `stage`, `asked`: what the list is narrowed to."""

    lines: tuple[Line, ...]
    pager: Pager
    stages: tuple[tuple[str, int], ...]
    total: int
    stage: str
    asked: str


class Check(Struct, frozen=True, kw_only=True):
    """Something that an order needs. `has`: it has it; `says`: what, by whom, or what is missing."""

    name: str
    has: bool
    says: str


class JobLine(Struct, frozen=True, kw_only=True):
    """A job of an order. `whose`: to whom it is assigned ("": to nobody)."""

    key: str
    status: str
    whose: str
    assign: Wish | None


class Sheet(Struct, frozen=True, kw_only=True):
    """One order. `checks`: what it needs before work goes on; `link`: where its client accepts the terms ("": they did)."""

    order: Order
    stands: str
    since: int
    checks: tuple[Check, ...]
    jobs: tuple[JobLine, ...]
    wishes: tuple[Wish, ...]
    links: tuple[tuple[str, str], ...]
    timeline: tuple[Told, ...]


class Offered(Struct, frozen=True, kw_only=True):
    """A contract version under which an order can be entered. `link`: for its client, to accept the terms."""

    contract: str
    version: str
    title: str
    price: str
    sha256: str
    chosen: bool


class Entry(Struct, frozen=True, kw_only=True):
    """A new order: under which technique, what is asked of its client, and the forms. `entered`: there is one of this number."""

    order: str
    entered: bool
    versions: tuple[Offered, ...]
    chosen: Offered | None
    link: str
    review: Wish | None
    stage: Wish | None


# ---- the list ------------------------------------------------------------------------------------------------------


def orders(view: View) -> Orders:
    """Orders, the newest first, narrowed by where they stand (`stage`) and by what is searched for (`q`)."""
    asked, wanted = view.query.get("q", "").strip().lower()[:64], view.query.get("stage", "")
    found = [row for row in view.face.orders.rows().values() if not asked or asked in row.text]
    counts, total = Counter([row.stage for row in found]), len(found)
    if wanted in STAGES:
        found = [row for row in found if row.stage == wanted]
    rows, pager = paged(found[::-1], view.query)
    return Orders(
        lines=tuple(_line(view, view.face.state.orders[row.id]) for row in rows),
        pager=pager,
        stages=tuple((name, counts[name]) for name in STAGES if counts[name]),
        total=total,
        stage=wanted if wanted in STAGES else "",
        asked=asked,
    )


def _line(view: View, order: Order) -> Line:
    here, since = stands(view, order)
    return Line(
        id=order.id,
        client=order.client or ", ".join(dict.fromkeys(said.org for said in order.acceptances)),
        part=f"{order.part_no} rev {order.rev}" if order.part_no else "",
        contract=f"{order.contract} rev {order.version}" if order.contract else "",
        parts=len(order.serials),
        here=len(order.arrived),
        stands=here,
        since=since,
        due=order.delivery_due or 0,
    )


# ---- one order -----------------------------------------------------------------------------------------------------


def sheet(view: View) -> Sheet | Problem:
    """One order with everything that it still lacks."""
    order = view.face.state.orders.get(view.path["order"])
    if order is None or not view.asker.sees(order):
        return missing(f"{view.path['order'][:64]} is not on the office's list")
    here, since = stands(view, order)
    return Sheet(
        order=order,
        stands=here,
        since=since,
        checks=tuple(_checks(view, order)),
        jobs=tuple(_jobs(view, order)),
        wishes=tuple(_wishes(view, order)),
        links=tuple(_links(view, order)),
        timeline=tuple(timeline_of(view, order.id)[:LINES]),
    )


def _checks(view: View, order: Order) -> Iterator[Check]:
    """What an order needs, in the order in which it needs it."""
    signed = [f"{view.who(said.by)} for {said.org}" for said in order.acceptances]
    reviewed = {role: who for paper in order.reviews.values() for role, who in paper.items()}
    yield Check(name="Terms", has=bool(signed), says="; ".join(signed) or "no client's signature")
    for role, name in (("project_manager", "Contract review (office)"), ("qa", "Contract review (QA)")):
        who = reviewed.get(role)
        if who is not None or not signed:
            yield Check(name=name, has=who is not None, says=view.who(who) if who else "not done")
    if order.status == PROPOSED:
        yield Check(name="Staging", has=False, says="not staged yet")
        return
    yield Check(
        name="Staging",
        has=True,
        says=f"{order.contract} rev {order.version} for {order.node}, {order.part_no} rev {order.rev}",
    )
    absent = [serial for serial in order.serials if serial not in order.arrived]
    yield Check(
        name="Parts",
        has=not absent,
        says=f"{len(order.arrived)} of {len(order.serials)} arrived"
        + (f"; missing {', '.join(absent[:8])}" if absent else ""),
    )
    yield from _documents(view, order)
    yield from _assignment(view, order)
    if order.delivery_due is not None:
        late = order.delivery_due < (order.delivered_at or view.asker.now)
        says = "over" if order.delivery_closed or late else "kept" if order.delivered_at else "ahead"
        yield Check(name="Delivery date", has=not late, says=says)


def _documents(view: View, order: Order) -> Iterator[Check]:
    template = view.face.library.template(order.sha256)
    verified = view.face.state.verified.get(order.id, {})
    for name in dict.fromkeys((*(() if template is None else template.documents), *order.documents)):
        until = order.documents.get(name)
        over = until is not None and until < view.asker.now
        says = (
            "missing" if name not in order.documents else "run out" if over else "verified" if name in verified else ""
        )
        yield Check(
            name=name.replace("_", " ").capitalize(),
            has=name in order.documents and not over,
            says=says or "came with the order, not verified by Compliance",
        )


def _assignment(view: View, order: Order) -> Iterator[Check]:
    template = view.face.library.template(order.sha256)
    technique = None if template is None else view.face.library.technique(template.process)
    if technique is None or not technique.assignment_required:
        return
    whose = [who for key, who in view.face.state.assigned.items() if key.startswith(f"{order.id}/")]
    yield Check(
        name="Assignment", has=bool(whose), says=", ".join(map(view.who, whose)) or "the technique asks for one"
    )


def _jobs(view: View, order: Order) -> Iterator[JobLine]:
    """The order's jobs, and the one that is to come, each with its assignment."""
    state = view.face.state
    running = [key for key in order.jobs if key in state.jobs and state.jobs[key].status not in OVER]
    number = next(n for n in range(1, len(order.jobs) + 2) if f"{order.id}/J-{n}" not in order.jobs)
    to_come = [] if order.status == PROPOSED or running else [f"{order.id}/J-{number}"]
    for key in (*running, *to_come):
        job = state.jobs.get(key)
        whose = state.assigned.get(key, "")
        ended = job is not None and job.status != "running"
        yield JobLine(
            key=key,
            status="to come" if job is None else ("with QA or further" if ended else "running"),
            whose=view.who(whose) if whose else "",
            assign=None if ended else _assign(view, order, key.partition("/")[2]),
        )


def _assign(view: View, order: Order, job: str) -> Wish | None:
    technicians = [
        (person.id, f"{person.name} ({person.id})")
        for person in view.face.state.identities.values()
        if "technician" in person.roles and person.disabled_at is None
    ]
    fields: dict[str, Any] = {
        "order": order.id,
        "job": job,
        "technician": technicians[0][0] if technicians else STAND_IN,
    }
    again = f"{order.id}/{job}" in view.face.state.assigned
    asks = ("technician", "reason") if again else ("technician",)
    wish = view.offer(c.AssignJob, fields | ({"reason": STAND_IN} if again else {}), asks)
    now = view.face.state.assigned.get(f"{order.id}/{job}")
    return None if wish is None else with_asks(wish, technician=Choices(tuple(technicians), now))


def _wishes(view: View, order: Order) -> Iterator[Wish]:
    """Review and staging of a proposed order; an amendment of one that is staged and not begun."""
    if order.status == PROPOSED:
        yield from (wish for wish in (review_wish(view, order.id, order),) if wish is not None)
        for said in order.acceptances:
            record = view.face.state.contracts.get(said.sha256)
            if record is not None and record.status == "active":
                wish = _stage(view, order.id, record, said.org)
                if wish is not None:
                    yield wish
        return
    if order.jobs:
        return
    same: dict[str, Any] = {name: getattr(order, name) for name in _AMENDED}
    documents = tuple(order.documents)
    fields = {**same, "order": order.id, "documents": documents, "delivery_due": order.delivery_due, "amendment": True}
    wish = view.offer(c.StageOrder, fields, ("node", "part_no", "rev", "serials", "documents", "delivery_due"))
    if wish is not None:
        yield with_asks(wish, node=_nodes(view.face.state, order.node))


_AMENDED: Final = ("contract", "version", "node", "client", "part_no", "rev", "serials")


def _stage(view: View, order: str, record: ContractRecord, client: str = "") -> Wish | None:
    """Staging under a version: what the contract says is filled in."""
    template = view.face.library.template(record.sha256)
    if template is None:
        return None
    nodes = _nodes(view.face.state)
    fields: dict[str, Any] = {
        "order": order,
        "contract": record.contract,
        "version": record.version,
        "node": nodes.value or STAND_IN,
        "client": client or "the client",
        "part_no": STAND_IN,
        "rev": STAND_IN,
        "serials": (STAND_IN,),
        "documents": template.documents,
        "arrival_policy": "full",
        "delivery_due": None,
    }
    asks = ("node", "client", "part_no", "rev", "serials", "documents", "arrival_policy", "delivery_due")
    wish = view.offer(c.StageOrder, fields, asks)
    if wish is None:
        return None
    wish = with_asks(wish, client=client or None)
    policy = Choices((("full", "release when every part is here"), ("partial", "release lot by lot")), "full")
    return with_asks(wish, node=nodes, arrival_policy=policy)


def _nodes(state: State, chosen: str = "") -> Choices:
    nodes = tuple(
        (seat.id, seat.id) for seat in state.charter.sites if seat.kind == "node" and seat.id not in state.retired
    )
    return Choices(nodes, chosen or (nodes[0][0] if len(nodes) == 1 else None))


def _links(view: View, order: Order) -> Iterator[tuple[str, str]]:
    """Where the client accepts the terms of an order that is proposed: (contract and version, address)."""
    if order.status != PROPOSED or order.acceptances:
        return
    for record in _in_force(view.face.state):
        yield f"{record.contract} rev {record.version}", terms_link(view, order.id, record)


# ---- a new order ---------------------------------------------------------------------------------------------------


def entry(view: View) -> Entry | Problem:
    """A new order: its number and technique first (`order`, `contract`), then what it needs."""
    state = view.face.state
    number, asked = view.query.get("order", "").strip(), view.query.get("contract", "")
    try:
        order = check_id(number, "order") if number else ""
    except Malformed as error:
        return Problem(kind="about:Malformed", title="This is no order number", status=400, detail=str(error))
    versions = tuple(_offered(view, record, asked) for record in _in_force(state))
    record = next((record for record in _in_force(state) if record.sha256 == asked), None)
    chosen = next((version for version in versions if version.chosen), None)
    ready = bool(order) and record is not None and order not in state.orders
    return Entry(
        order=order,
        entered=order in state.orders,
        versions=versions,
        chosen=chosen,
        link=terms_link(view, order, record) if ready and record is not None else "",
        review=review_wish(view, order, None) if ready else None,
        stage=_stage(view, order, record) if ready and record is not None else None,
    )


def _in_force(state: State) -> list[ContractRecord]:
    return [state.contracts[sha256] for sha256 in state.in_force.values() if not state.contracts[sha256].suspended]


def _offered(view: View, record: ContractRecord, asked: str) -> Offered:
    template = view.face.library.template(record.sha256)
    known = isinstance(template, SmartClientPO)
    return Offered(
        contract=record.contract,
        version=record.version,
        title=template.title if template is not None and known else "",
        price=money.show(template.price_minor, template.currency) if template is not None and known else "",
        sha256=record.sha256,
        chosen=record.sha256 == asked,
    )


OFFICE: Final = Page(
    name="office",
    title="Office",
    kinds=("business_hub",),
    roles=OFFICE_ROLES,
    model=orders,
    below=(
        ("/new/order", "office_new", entry),
        ("/new/drafts", "office_drafts", drafts),
        ("/new/drafts/{draft}", "office_draft", draft),
        ("/{order}", "office_order", sheet),
    ),
)
