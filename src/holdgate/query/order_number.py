"""The number of an order here: what the buyer calls it, as an id of ours.

A line of a purchase order is an order of its own here, because an order has one part number and one technique. So the number is the
PO number and the line; it is the same whichever file the line came in.
"""

import re
from typing import Final

from holdgate.query.order_fields import OrderLine
from holdgate.terms.ids import ID_PATTERN
from holdgate.terms.limits import ID_CHARS_MAX

_ID: Final = re.compile(ID_PATTERN)


def order_id(line: OrderLine) -> str:
    """What the line's order is called here; "" where the buyer gave it no number."""
    said = wanted(line)
    if _ID.fullmatch(said):
        return said
    return re.sub(r"[^A-Za-z0-9._-]+", "-", said).strip("-._")[:ID_CHARS_MAX].rstrip("-._")


def wanted(line: OrderLine) -> str:
    """What the buyer's number would be, whether or not it is an id of ours."""
    po, position = line.says("po"), line.says("line")
    return line.says("order") or (f"{po}-{position}" if po and position else po)
