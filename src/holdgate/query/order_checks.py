"""The checks of a contract review: each looks at one thing of a purchase order and says what to ask the client.

Missing or ambiguous data of the purchase order are what goes wrong most often, so nothing is guessed: what could mean two
things is named with both. Who is asked, and whether the answer will do, is for people.
Source: ISO/IEC 17025 7.1 (review of requests, tenders and contracts).
"""

from collections.abc import Callable, Iterator
from typing import Final

from holdgate.query.order_fields import BY_NAME
from holdgate.query.order_look import (
    AMBIGUOUS,
    CONTRADICTS,
    MISSING,
    PRESENT,
    PROPOSED,
    Item,
    Look,
    client_of,
    client_orgs,
    listing,
    same,
)
from holdgate.query.order_number import wanted
from holdgate.terms.limits import ORDER_SERIALS_BYTES_MAX

Found = Iterator[Item]
Check = Callable[[Look], Found]

PIECES: Final = frozenset({"", "C62", "EA", "H87", "NAR", "NMP", "PCE", "PCS", "PC", "XPP", "ST"})
"""Units that count parts (UN/ECE recommendations 20 and 21, and what buyers write)."""


def there(name: str, says: str) -> Item:
    """What is said, and stands against nothing."""
    return Item(name=name, label=BY_NAME[name].label, status=PRESENT, says=says)


def note(name: str, status: str, says: str, asks: str = "") -> Item:
    """Worth knowing; staging does not wait for it."""
    return Item(name=name, label=BY_NAME[name].label, status=status, says=says, asks=asks)


def ask(name: str, status: str, says: str, asks: str) -> Item:
    """Staging waits until the client's answer is noted, or the line says something else."""
    return Item(name=name, label=BY_NAME[name].label, status=status, says=says, asks=asks, stops=True, answerable=True)


def need(name: str, status: str, says: str, asks: str) -> Item:
    """Staging waits until the line says something else: no act can be made of it as it stands."""
    return Item(name=name, label=BY_NAME[name].label, status=status, says=says, asks=asks, stops=True)


# ---- who, and which order ------------------------------------------------------------------------------------------


def client(look: Look) -> Found:
    """The client is an organisation that is enrolled, by the name that it is enrolled under."""
    said = look.says("client")
    if not said:
        yield need("client", MISSING, "The order does not say whose it is.", "Ask which company places the order.")
        return
    names, known = client_of(look.line, look.desk.state), client_orgs(look.desk.state)
    if said in known:
        yield there("client", said)
    elif len(names) == 1 and same(names[0], said):
        yield note("client", AMBIGUOUS, f"{said} is taken as {names[0]}, which is the name here.")
    elif names:
        asks = f"Ask whether {said} is {' or '.join(names)}, and write the name that it has here."
        yield need("client", AMBIGUOUS, f"{said} may be {' or '.join(names)}.", asks)
    else:
        says = f"Nobody of {said} is enrolled as a client, so nobody there can sign terms or answer a report."
        asks = "Ask who there signs terms and answers reports, and enrol them."
        if known:
            asks += f" Or write the name that it has here: {listing(known)}."
        yield ask("client", AMBIGUOUS, says, asks)


def addressed_to(look: Look) -> Found:
    """An order that is made out to somebody is made out to this shop."""
    said, charter = look.says("addressed_to"), look.desk.state.charter
    if not said:
        return
    if same(said, charter.org) or same(said, charter.settings.name):
        yield there("addressed_to", said)
    else:
        says = f"The order is made out to {said}; this is {charter.settings.name}."
        yield ask("addressed_to", AMBIGUOUS, says, "Ask whether the order is meant for this shop.")


def number(look: Look) -> Found:
    """The order has a number that no other order has."""
    order, said = look.order, wanted(look.line)
    if not order:
        yield need("po", MISSING, "The order has no number.", "Ask for the number of the purchase order.")
        return
    known = look.desk.state.orders.get(order)
    if known is not None and known.status != PROPOSED:
        says = f"{order} is staged already: {known.part_no} rev {known.rev}, {len(known.serials)} parts."
        asks = "Ask whether this changes that order (amend it there) or is a new one, and for a number of its own."
        yield need("po", CONTRADICTS, says, asks)
    elif known is not None and known.acceptances and all(a.org != look.client for a in known.acceptances):
        says = f"The terms of {order} were signed for another client than {look.client or 'this one'}."
        yield need("po", CONTRADICTS, says, "Ask for the purchase order's number again, or give it another one here.")
    elif order != said:
        says = f"{said} is called {order} here: a number here holds letters, digits, dots, dashes and underscores."
        yield note("po", AMBIGUOUS, says)
    else:
        yield there("po", order)


def po_revision(look: Look) -> Found:
    """Which issue of the purchase order it is."""
    said = look.says("po_revision")
    asks = "Ask whether the purchase order was ever changed, and which issue holds."
    yield there("po_revision", said) if said else note("po_revision", MISSING, "No revision is named.", asks)


# ---- the parts -----------------------------------------------------------------------------------------------------


def part(look: Look) -> Found:
    """The part number, and the drawing revision; a part that was here before had one too."""
    for name, what in (("part_no", "part number"), ("rev", "drawing revision")):
        if not look.says(name):
            says = f"The order names no {what}."
            yield need(name, MISSING, says, f"Ask for the {what}, and for the drawing it stands on.")
    said = look.says("part_no")
    if said:
        yield there("part_no", said)
    rev, before = look.says("rev"), look.earlier()[-1:]
    if not rev:
        return
    if before and before[0].rev != rev:
        says = f"{before[0].id} was the last order of this part, with revision {before[0].rev}; this one says {rev}."
        asks = f"Ask whether the drawing is at revision {rev} now, and for that drawing."
        yield ask("rev", CONTRADICTS, says, asks)
    else:
        yield there("rev", rev)


def quantity(look: Look) -> Found:
    """How many parts, counted in pieces."""
    count, unit = look.line.quantity, look.says("unit")
    if unit.upper().rstrip(".") not in PIECES:
        says = f"The quantity is given in {unit}, which does not count parts."
        yield ask("unit", AMBIGUOUS, says, "Ask how many parts are meant.")
    if count is None:
        named = len(look.line.serials)
        says = f"No quantity is named; {named} serials are." if named else "No quantity is named."
        yield note("quantity", MISSING, says, "Ask how many parts will come.")
    elif look.line.serials and count != len(look.line.serials):
        says = f"The quantity is {count}, and {len(look.line.serials)} serials are named."
        yield need("quantity", CONTRADICTS, says, "Ask which of the two is right, and for the serials of all parts.")
    else:
        yield there("quantity", str(count))


def serials(look: Look) -> Found:
    """Every part is named once, and stands in no other order of its client that is still under way."""
    named, lot, count = look.line.serials, look.says("lot"), look.line.quantity
    if not named:
        if lot:
            many = f"the {count} parts" if count else "the parts"
            asks = f"Ask for the serials of {many} of lot {lot}; or agree on tags for them, and write these."
            says = f"Lot {lot} is named and no serial; parts are scanned in one by one."
            yield need("serials", AMBIGUOUS, says, asks)
        else:
            asks = "Ask for the serials, or for the lot and how its parts are to be told apart."
            yield need("serials", MISSING, "Neither serials nor a lot are named.", asks)
        return
    twice = list(dict.fromkeys(serial for serial in named if named.count(serial) > 1)) if _repeats(named) else []
    if twice:
        says = f"{listing(twice)} stand there twice."
        yield need("serials", CONTRADICTS, says, "Ask for the right serials: each part is named once.")
        return
    size = sum(len(serial.encode()) + len('"",') for serial in named)
    if size > ORDER_SERIALS_BYTES_MAX:
        says = f"{len(named)} serials are more than one order can name."
        yield need("serials", CONTRADICTS, says, "Ask whether the line can be two; or make two of it here.")
        return
    mine = frozenset(named)
    busy = [(o.id, s) for o in look.earlier() if not o.delivered_at for s in o.serials if s in mine]
    if busy:
        says = f"{listing(s for _, s in busy)} of this part stand in {listing(dict.fromkeys(o for o, _ in busy))} too."
        yield ask("serials", CONTRADICTS, says, "Ask whether these parts are ordered again, or the serials are wrong.")
        return
    yield there("serials", listing(named))


def _repeats(named: tuple[str, ...]) -> bool:
    return len(frozenset(named)) != len(named)


def material(look: Look) -> Found:
    """What the parts are made of, and of which heat."""
    for name, what in (("material", "material"), ("heat", "heat number")):
        said = look.says(name)
        asks = f"Ask for the {what}, with the material certificate."
        yield there(name, said) if said else ask(name, MISSING, f"No {what} is named.", asks)
