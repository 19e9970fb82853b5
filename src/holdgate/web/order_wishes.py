"""Wishes about an order that is not staged yet: its contract review, and where its client signs the terms."""

from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law.candidate import STAND_IN
from holdgate.law.state import ContractRecord, Order
from holdgate.web.page import View
from holdgate.web.wish import Wish, with_asks


def review_wish(view: View, order: str, known: Order | None, file: str = "") -> Wish | None:
    """The contract review: of the paper that the other one reviewed, where one did, else of this file (SHA-256; "": none)."""
    paper = next(iter(known.reviews), None) if known is not None else None
    paper = paper or file or None
    fields = {"order": order, "document_digest": paper or digest(STAND_IN.encode())}
    wish = view.offer(c.ReviewOrder, fields, ("document_digest",))
    return None if wish is None else with_asks(wish, document_digest=paper)


def terms_link(view: View, order: str, record: ContractRecord) -> str:
    """The address at which a client reads the terms of an order under this version, and accepts them.

    It holds the contract's digest, which nobody guesses: other clients' terms are not found by trying names.
    """
    return f"/{view.face.id}/client/{order}/terms/{record.sha256}"
