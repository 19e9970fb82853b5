"""The checks of a contract review that look at the contract: technique, documents, time, money, and what is asked in words."""

from typing import Final

from msgspec.structs import replace

from holdgate.law.completeness import LONG_S
from holdgate.query.order_checks import (
    Check,
    Found,
    addressed_to,
    ask,
    client,
    material,
    need,
    note,
    number,
    part,
    po_revision,
    quantity,
    serials,
    there,
)
from holdgate.query.order_look import (
    AMBIGUOUS,
    CONTRADICTS,
    MISSING,
    PRESENT,
    PURCHASE_ORDER,
    Item,
    Look,
    areas,
    contract_price,
    listing,
    total,
)
from holdgate.terms import money
from holdgate.terms.instant import SECOND_US, show_duration
from holdgate.terms.quantity import EXACT, parse_decimal

EXPORT: Final = ("EAR", "ITAR", "USML", "NONE", "NOTCONTROLLED", "NLR", "AL", "DUALUSE", "EU")
"""How a statement on export control begins, without blanks and signs."""


# ---- the contract --------------------------------------------------------------------------------------------------


def contract(look: Look) -> Found:
    """The technique is known, and orders can be taken under the version that is named."""
    name, version, state = look.says("contract"), look.says("version"), look.desk.state
    force = state.contracts.get(state.in_force.get(name, ""))
    if not name:
        says = "The order names no technique (process contract)."
        asks = f"Ask which process is ordered. In force here: {listing(state.in_force) or 'none'}."
        yield need("contract", MISSING, says, asks)
    elif look.record is None and (force is None or version == ""):
        asks = f"Ask which process is meant. In force here: {listing(state.in_force) or 'none'}."
        yield need("contract", CONTRADICTS, f"There is no technique {name} in force here.", asks)
    elif look.record is None and force is not None:
        says = f"There is no {name} rev {version}; rev {force.version} is in force."
        yield need("contract", CONTRADICTS, says, f"Ask whether rev {force.version} will do.")
    elif look.record is not None:
        yield from _version(look, force.version if force is not None else "")


def _version(look: Look, force: str) -> Found:
    record = look.record
    if record is None:
        return
    named = f"{record.contract} rev {record.version}"
    if record.suspended:
        asks = "Tell the client that work under it is stopped, and ask whether they wait or choose another."
        yield need("contract", CONTRADICTS, f"Work under {named} is stopped.", asks)
    elif record.status != "active":
        says = f"{named} is {_STANDS.get(record.status, record.status)}" + (
            f"; rev {force} is in force." if force else "."
        )
        asks = f"Ask whether rev {force} will do." if force else "Ask whether another technique will do."
        yield need("contract", CONTRADICTS, says, asks)
    elif look.template is None:
        says = f"{named} is no contract for a client's order."
        yield need("contract", CONTRADICTS, says, "Ask which process is ordered.")
    elif not look.says("version"):
        says = f"No revision is named; {named} is in force, and is taken."
        yield note(
            "contract", AMBIGUOUS, says, f"Tell the client that rev {record.version} is taken: they sign its terms."
        )
    else:
        yield there("contract", f"{named}, {record.sha256[:16]}…")


_STANDS: Final = {"submitted": "proposed and not released", "superseded": "superseded", "barred": "withdrawn"}


def node(look: Look) -> Found:
    """The area that does the work."""
    known, said = areas(look.desk.state), look.node
    if not said:
        asks = "Nothing to ask the client: choose the area here."
        yield need("node", MISSING, f"No area is named; there are {listing(known) or 'none'}.", asks)
    elif said not in known:
        says = f"{said[:64]} is no area that takes orders; there are {listing(known) or 'none'}."
        yield need("node", CONTRADICTS, says, "Nothing to ask the client: choose the area here.")
    else:
        yield there("node", said)


def documents(look: Look) -> Found:
    """What the contract wants beside an order comes with it; what comes besides is named."""
    required = () if look.template is None else look.template.documents
    named = look.line.documents
    absent = [name for name in required if name not in named and name != PURCHASE_ORDER]
    more = [name for name in named if name not in required and name != PURCHASE_ORDER]
    if absent:
        says = f"The technique wants {listing(absent)}, which the order does not name."
        asks = f"Ask for {listing(absent)}, or when it comes: no op starts without it."
        yield ask("documents", MISSING, says, asks)
    if more and look.template is not None:
        says = f"{listing(more)} come with the order; the technique asks for nothing of the kind."
        yield note("documents", AMBIGUOUS, says, "Ask what is to be done with it, where the order does not say.")
    if not absent and (named or required) and not more:
        yield there("documents", listing(dict.fromkeys((*required, *named))))


def wants(look: Look) -> Found:
    """Which report and certificates the client wants back."""
    asks = "Ask which report and certificates they want, such as EN 10204 3.1."
    named = look.line.wants
    yield there("wants", listing(named)) if named else note("wants", MISSING, "None are named.", asks)


# ---- time and money ------------------------------------------------------------------------------------------------


def delivery(look: Look) -> Found:
    """The delivery date is still to come."""
    due, now = look.line.delivery_at, look.desk.now
    if due is None:
        yield note("delivery_due", MISSING, "No date is named.", "Ask by when the parts are wanted back.")
    elif due < now:
        says = f"{look.says('delivery_due')} is over."
        yield ask("delivery_due", CONTRADICTS, says, "Ask for a date that can be kept.")
    elif due - now > LONG_S * SECOND_US:
        says = f"{look.says('delivery_due')} is more than ten years away."
        yield ask("delivery_due", CONTRADICTS, says, "Ask for the right date.")
    else:
        yield there("delivery_due", look.says("delivery_due"))


def validity(look: Look) -> Found:
    """An order that ends by itself has not ended."""
    until = look.line.valid_at
    if until is None:
        return
    if until < look.desk.now:
        says = f"The order was valid until {look.says('valid_until')}."
        yield ask("valid_until", CONTRADICTS, says, "Ask whether the order still stands.")
    else:
        yield there("valid_until", look.says("valid_until"))


def price(look: Look) -> Found:
    """The price adds up, has a currency, and is the contract's."""
    said, currency, fixed = total(look), look.says("currency"), contract_price(look)
    if not said:
        says = f"The order names no price; the contract's is {fixed}." if fixed else "The order names no price."
        yield note(
            "price", MISSING, says, "Nothing to ask: the client signs the contract's price." if fixed else "Ask for it."
        )
        return
    one, many = parse_decimal(look.says("unit_price")), look.line.quantity
    whole = parse_decimal(said)
    if one is not None and many is not None and whole is not None and EXACT.multiply(one, many) != whole:
        says = f"{many} parts at {look.says('unit_price')} are not {said}."
        yield ask("unit_price", CONTRADICTS, says, "Ask which of the prices holds.")
    if not currency:
        yield ask("currency", MISSING, f"{said} has no currency.", f"Ask whether {fixed or 'a currency'} is meant.")
    elif look.template is None:
        yield note("price", AMBIGUOUS, f"{said} {currency}: there is no contract to compare it with.")
    elif money.minor(said, currency) != look.template.price_minor or currency != look.template.currency:
        says = f"The order says {said} {currency}; the contract says {fixed}."
        asks = f"Ask whether they agree to {fixed}: that is what they sign."
        yield ask("price", CONTRADICTS, says, asks)
    else:
        yield there("price", fixed)


def terms(look: Look) -> Found:
    """What the client will sign, for whoever asks about price and time."""
    template = look.template
    if template is None:
        return
    parts = "; ".join(f"{b.id} {money.show(b.amount_minor, template.currency)}" for b in template.billing)
    window = show_duration(template.client_window_s * SECOND_US)
    silence = {"escalate": "is passed on", "deemed_accepted": "counts as accepted"}.get(template.on_silence, "is open")
    says = f"{contract_price(look)} in milestones ({parts}); {window} to answer a report, and silence {silence}."
    yield Item(name="terms", label="Terms of the contract", status=PRESENT, says=says)


# ---- what else the order says ----------------------------------------------------------------------------------------


def end_customer(look: Look) -> Found:
    """For whom the parts are in the end: requirements flow down from there."""
    said = look.says("end_customer")
    asks = "Ask whether requirements of an end customer flow down."
    yield there("end_customer", said) if said else note("end_customer", MISSING, "None is named.", asks)


def export_class(look: Look) -> Found:
    """Who may see parts and drawings at all."""
    said = look.says("export_class")
    if not said:
        asks = "Ask for the export classification of parts and drawings (EAR, ITAR, none)."
        yield ask("export_class", MISSING, "No export class is named: who may see the drawing?", asks)
    elif not "".join(sign for sign in said.upper() if sign.isalnum()).startswith(EXPORT):
        says = f"{said} is no classification that is known here."
        yield ask("export_class", AMBIGUOUS, says, "Ask which regulation is meant: EAR, ITAR, or none.")
    else:
        yield there("export_class", said)


def in_words(look: Look) -> Found:
    """What is asked for in words stands in no contract: somebody reads it."""
    for name, what in (("acceptance", "acceptance"), ("inspection", "hold and witness points"), ("notes", "notes")):
        said = look.says(name)
        if said:
            asks = (
                "Read it. Where it asks for more than the technique holds, ask the client and agree on it in writing."
            )
            yield ask(name, AMBIGUOUS, f"The order says ({what}): {_cut(said)}", asks)
    said = look.says("agreement")
    if said:
        yield note("agreement", AMBIGUOUS, f"The order rests on {said}, which is not compared here.")


def left_over(look: Look) -> Found:
    """What the file says beyond all fields is named, never dropped."""
    found = look.line.unmapped
    weighty = [one.path for one in found if one.weighs]
    says = f"{len(found)} statements of the file have no field here"
    item = Item(name="unmapped", label="Not taken over", status=AMBIGUOUS, says=f"{says}; they are listed below.")
    if weighty:
        says += f", and may change what is asked or paid: {listing(dict.fromkeys(weighty))}."
        asks = "Read them. Where they ask for more than the contract holds, ask the client and agree on it in writing."
        yield replace(item, says=says, asks=asks, stops=True, answerable=True)
    elif found:
        yield item


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 300 else f"{flat[:299]}…"


CHECKS: Final[tuple[Check, ...]] = (
    client,
    addressed_to,
    number,
    po_revision,
    part,
    quantity,
    serials,
    material,
    contract,
    terms,
    node,
    documents,
    wants,
    delivery,
    validity,
    price,
    end_customer,
    export_class,
    in_words,
    left_over,
)
"""The checklist, in its order."""
