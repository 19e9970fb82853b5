"""The body of an order: what travels sealed from the business hub to the node, and what its digest covers."""

from typing import Final

import msgspec
from msgspec import Struct

from holdgate.crypto.hashes import digest
from holdgate.law.event import OrderStaged
from holdgate.terms import canon


class OrderBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the node needs of an order. `sha256`: the SmartClientPO that the client accepted."""

    order: str
    sha256: str
    contract: str
    version: str
    client: str
    part_no: str
    rev: str
    serials: tuple[str, ...]
    documents: tuple[str, ...]
    document_until: dict[str, int] = {}


_DECODER: Final = msgspec.json.Decoder(OrderBody)


def read_body(raw: bytes) -> OrderBody:
    """Read an order body.

    Raises:
        Malformed: not a canonical order body.
    """
    return canon.decode(raw, _DECODER, "the order body")


def body_of(staged: OrderStaged) -> bytes:
    """The body of a staged order, from the event that staged it."""
    return canon.encode(
        OrderBody(
            order=staged.order,
            sha256=staged.sha256,
            contract=staged.contract,
            version=staged.version,
            client=staged.client,
            part_no=staged.part_no,
            rev=staged.rev,
            serials=staged.serials,
            documents=staged.documents,
            document_until=staged.document_until,
        )
    )


def body_digest(staged: OrderStaged) -> str:
    """The digest that the slip names."""
    return digest(body_of(staged))
