"""Books, whom documents name: the shop itself and its clients, registered by two people; who is still missing."""

from typing import Any, Final

from msgspec import Struct

from holdgate.law import command as c
from holdgate.law.candidate import STAND_IN
from holdgate.law.gates.money import TREASURERS
from holdgate.terms.ids import check_id
from holdgate.terms.party import CATEGORIES, Party
from holdgate.web.hub import somebody
from holdgate.web.page import View
from holdgate.web.waiting import PaperLine, papers_of
from holdgate.web.wish import Choices, Wish, with_asks

TAXED: Final = {
    "S": "S: standard rate",
    "Z": "Z: zero rate",
    "E": "E: exempt",
    "AE": "AE: reverse charge",
    "K": "K: within the European Union",
    "G": "G: export",
    "O": "O: outside the scope of tax",
}
"""Tax categories as people call them."""
_ADDRESS: Final = ("name", "street", "city", "postal_code", "country")


class Organisation(Struct, frozen=True, kw_only=True):
    """An organisation as documents name it; `party`: None where it is not registered. `own`: the shop; `version`: how often."""

    org: str
    own: bool
    version: int
    party: Party | None
    invoices: int


class Organisations(Struct, frozen=True, kw_only=True):
    """Those that are still to be registered first."""

    rows: tuple[Organisation, ...]
    papers: tuple[PaperLine, ...]


class Card(Struct, frozen=True, kw_only=True):
    """One organisation, and the form that registers it (anew)."""

    row: Organisation
    register: Wish | None
    papers: tuple[PaperLine, ...]


def organisations(view: View) -> Organisations:
    """The shop, its clients that were invoiced, everybody who is registered, and one that is asked for by its id (`org`)."""
    asked = view.query.get("org", "").strip()
    books, own = view.face.state.money, view.face.state.charter.org
    invoiced = view.face.kept(("money", "clients"), view.face.size, lambda: _invoiced(view))
    names = dict.fromkeys((own, *books.party, *invoiced, *((check_id(asked, "organisation"),) if asked else ())))
    rows = [_row(view, name, invoiced) for name in names]
    return Organisations(
        rows=tuple(sorted(rows, key=lambda row: (row.party is not None, not row.own, row.org))), papers=papers_of(view)
    )


def _invoiced(view: View) -> dict[str, int]:
    found: dict[str, int] = {}
    for bill in view.face.state.money.bills.values():
        found[bill.client] = found.get(bill.client, 0) + 1
    return found


def _row(view: View, org: str, invoiced: dict[str, int]) -> Organisation:
    books = view.face.state.money
    version = books.party.get(org, "")
    return Organisation(
        org=org,
        own=org == view.face.state.charter.org,
        version=int(version.rpartition("/")[2] or 0),
        party=books.parties.get(version),
        invoices=invoiced.get(org, 0),
    )


def organisation(view: View) -> Card:
    """One organisation, registered or not."""
    org = check_id(view.path["org"], "organisation")
    invoiced = view.face.kept(("money", "clients"), view.face.size, lambda: _invoiced(view))
    row = _row(view, org, invoiced)
    return Card(row=row, register=_register(view, org, row.party), papers=papers_of(view))


def _register(view: View, org: str, known: Party | None) -> Wish | None:
    """Every field as it stands on record; the law is asked with what is there."""
    stands = _fields(known)
    asked: dict[str, Any] = {**dict.fromkeys(_ADDRESS, STAND_IN), "country": "US", **stands}
    wish = view.offer(c.RegisterParty, {"org": org, **asked}, _ORDER, somebody(view, *TREASURERS))
    if wish is None:
        return None
    category = Choices(tuple((code, TAXED[code]) for code in CATEGORIES), stands.get("tax_category"))
    blank: dict[str, Any] = {name: stands.get(name) for name in _ADDRESS}
    return with_asks(
        wish,
        **blank,
        tax_category=category,
        payment_days=stands.get("payment_days", 30),
        tax_rate=stands.get("tax_rate"),
    )


_ORDER: Final = tuple(
    name for name in c.RegisterParty.__struct_fields__ if name not in (*c.Command.__struct_fields__, "org")
)


def _fields(known: Party | None) -> dict[str, Any]:
    """A party as the act's fields."""
    if known is None:
        return {}
    plain = {
        name: value for name in _ORDER if isinstance(value := getattr(known, name, None), (str, int)) and value != ""
    }
    if known.tax is not None:
        plain |= {"tax_category": known.tax.category, "tax_rate": known.tax.rate, "tax_reason": known.tax.reason}
    if known.account is not None:
        account = known.account
        plain |= {"iban": account.iban, "bic": account.bic, "routing": account.routing, "account": account.number}
    return {name: value for name, value in plain.items() if value != ""}
