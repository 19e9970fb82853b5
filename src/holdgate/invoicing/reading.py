"""An invoice from JSON, as its struct spells it. Unknown fields are refused: one that is ignored would be missed by its writer."""

from typing import Any

import msgspec
from msgspec import Struct

from holdgate.pay.invoice import Invoice, Line
from holdgate.terms import canon
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import INVOICE_BYTES_MAX


def invoice_from(raw: bytes) -> Invoice:
    """The invoice that a JSON document holds. Nothing of it is checked here but its form.

    Raises:
        Malformed: too long, no JSON, a key twice or unknown, or a value of another type.
    """
    if len(raw) > INVOICE_BYTES_MAX:
        raise Malformed(f"an invoice has at most {INVOICE_BYTES_MAX} bytes; this one is longer")
    read = canon.plain(raw, "the invoice")
    _only(read, Invoice)
    for line in read.get("lines", []) if isinstance(read, dict) and isinstance(read.get("lines"), list) else []:
        _only(line, Line)
    try:
        return msgspec.convert(read, Invoice)
    except msgspec.ValidationError as error:
        raise Malformed(f"the invoice cannot be read: {error}") from None


def _only(read: Any, kind: type[Struct]) -> None:
    unknown = sorted(set(read) - set(kind.__struct_fields__)) if isinstance(read, dict) else []
    if unknown:
        raise Malformed(f"the invoice has a field {unknown[0][:40]!r} that nobody reads; leave it out")
