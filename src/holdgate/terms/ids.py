"""Identifiers: one ASCII grammar, so that two ids that look alike are the same id.

External identifiers (EPC URIs, serials with other characters) are data, never keys of this grammar (foundations: ids).
"""

import re
from typing import Final, NewType

from holdgate.terms.errors import Malformed

SmartId = NewType("SmartId", str)
"""A SMART-ID: a person, device, site or module."""
SiteId = NewType("SiteId", str)
"""The SMART-ID of a site; also the last part of its log's origin."""
OrderId = NewType("OrderId", str)
JobId = NewType("JobId", str)
"""A job's own id; jobs are scoped by their order."""
StepId = NewType("StepId", str)

ID_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
"""The whole of an id, as a regular expression."""
_ID: Final = re.compile(ID_PATTERN)


def check_id(text: str, what: str = "id") -> str:
    """Return the text if it is an id.

    Raises:
        Malformed: it is not; the message shows a foreign character by its code point.
    """
    if _ID.fullmatch(text):
        return text
    odd = next((c for c in text if not (c.isascii() and (c.isalnum() or c in "._-"))), None)
    why = f"it holds U+{ord(odd):04X}" if odd is not None else "it is empty, too long or starts with a sign"
    raise Malformed(
        f"{what} {text[:80]!r} is not an id ({why}); use A-Z a-z 0-9 . _ - (1 to 64 characters, a letter or digit first)"
    )
