"""What a contract review looks at: a line of a purchase order beside what the shop knows of client, part and contract."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from msgspec import Struct

from holdgate.law.contract import SmartClientPO
from holdgate.law.library import Library
from holdgate.law.state import ContractRecord, Order, State
from holdgate.query.order_fields import OrderLine
from holdgate.query.order_number import order_id
from holdgate.terms import money
from holdgate.terms.quantity import EXACT, parse_decimal

PRESENT, MISSING, AMBIGUOUS, CONTRADICTS = "present", "missing", "ambiguous", "contradicts"
PROPOSED: Final = "proposed"
PURCHASE_ORDER: Final = "purchase_order"
"""The document that an order always comes with: itself."""


class Item(Struct, frozen=True, kw_only=True):
    """One line of the checklist. `status`: present, missing, ambiguous or contradicts.

    `asks`: what to ask the client ("": nothing). `stops`: staging waits for it. `answerable`: an answer of the client, noted
    beside it, settles it; else the line has to say something else. `answer`: what was noted ("": nothing).
    """

    name: str
    label: str
    status: str
    says: str
    asks: str = ""
    stops: bool = False
    answerable: bool = False
    answer: str = ""


class Desk(NamedTuple):
    """Before whom the lines lie. `now`: UTC µs; `history`: staged orders by client and part number, the last one last."""

    state: State
    library: Library
    now: int
    history: dict[tuple[str, str], list[Order]]


def desk_of(state: State, library: Library, now: int) -> Desk:
    """The desk as the shop knows it now; made once for many lines."""
    history: dict[tuple[str, str], list[Order]] = {}
    for order in state.orders.values():
        if order.status != PROPOSED:
            history.setdefault((order.client, order.part_no), []).append(order)
    return Desk(state, library, now, history)


class Look(NamedTuple):
    """One line before the desk.

    `order`: its number here ("": none); `client`: the organisation as it is enrolled, where that is certain, else as the line has
    it; `record`: the contract version that is meant, `template` its document; `node`: the area ("": not known).
    """

    desk: Desk
    line: OrderLine
    order: str
    client: str
    record: ContractRecord | None
    template: SmartClientPO | None
    node: str

    def says(self, name: str) -> str:
        """What a field of the line says; "" for nothing."""
        return self.line.says(name)

    def earlier(self) -> list[Order]:
        """Staged orders for this part of this client, or of whoever it may be; the last one last."""
        names = dict.fromkeys((self.client, *client_of(self.line, self.desk.state)))
        found = (order for org in names for order in self.desk.history.get((org, self.says("part_no")), []))
        return [order for order in found if order.id != self.order]


def look_at(line: OrderLine, desk: Desk) -> Look:
    """The line with what it means here."""
    record = _meant(line, desk.state)
    template = None if record is None else desk.library.template(record.sha256)
    names, nodes = client_of(line, desk.state), areas(desk.state)
    node = line.says("node") or (nodes[0] if len(nodes) == 1 else "")
    client = names[0] if len(names) == 1 and same(names[0], line.says("client")) else line.says("client")
    return Look(desk, line, order_id(line), client, record, template, node)


def _meant(line: OrderLine, state: State) -> ContractRecord | None:
    """The version that is named; without a version, the one in force."""
    name, version = line.says("contract"), line.says("version")
    sha256 = state.versions.get(f"{name}/{version}") if version else state.in_force.get(name)
    return None if sha256 is None else state.contracts.get(sha256)


def client_of(line: OrderLine, state: State) -> tuple[str, ...]:
    """The enrolled client's organisation that is meant; several where it could be each of them."""
    said, known = line.says("client"), client_orgs(state)
    if said in known or not said:
        return (said,) if said else ()
    equal = tuple(org for org in known if same(org, said))
    return equal or tuple(org for org in known if _alike(org, said))


def client_orgs(state: State) -> tuple[str, ...]:
    """Organisations that somebody may sign for as a client, by name."""
    people = (who for who in state.identities.values() if who.disabled_at is None and "client" in who.roles)
    return tuple(sorted({who.org for who in people if who.org != state.charter.org}))


def areas(state: State) -> tuple[str, ...]:
    """The nodes to which orders can go."""
    return tuple(seat.id for seat in state.charter.sites if seat.kind == "node" and seat.id not in state.retired)


def same(one: str, other: str) -> bool:
    """Whether two names are the same but for capitals, blanks and signs."""
    return _bare(one) == _bare(other) != ""


def _alike(one: str, other: str) -> bool:
    """Whether one name begins with the other: `AERODYNE` and `Aerodyne Inc.`."""
    a, b = _bare(one), _bare(other)
    return bool(a) and bool(b) and (a.startswith(b) or b.startswith(a))


def _bare(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def listing(items: Iterable[Any], most: int = 8) -> str:
    """The first items by name, the rest by number."""
    named = [str(item) for item in items]
    return ", ".join(named[:most]) + (f" and {len(named) - most} more" if len(named) > most else "")


def total(look: Look) -> str:
    """The price of the line: as it says, or of all its parts; "" where it says none."""
    said, one = look.says("price"), parse_decimal(look.says("unit_price"))
    if said or one is None or look.line.quantity is None:
        return said
    text = format(EXACT.multiply(one, look.line.quantity), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def contract_price(look: Look) -> str:
    """The contract's price, shown; "" without a contract."""
    return "" if look.template is None else money.show(look.template.price_minor, look.template.currency)
