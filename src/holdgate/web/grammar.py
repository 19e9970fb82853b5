"""Grammar: what the texts and numbers of a request may be. The table of operations decodes by it, and its document says it.

One place for both: what is refused here is what the document forbids, and the other way round.
"""

from typing import Annotated, Final

from msgspec import Meta

from holdgate.crypto.commitments import SALTED
from holdgate.terms.ids import ID_PATTERN
from holdgate.terms.limits import ID_CHARS_MAX, INTEGER_ABS_MAX, SECRET_CHARS_MAX, VERSION_CHARS_MAX

_ID: Final = f"^{ID_PATTERN}$"
_ID_OR_NOTHING: Final = f"^(?:{ID_PATTERN})?$"
_DIGEST: Final = "^[0-9a-f]{64}$"
_REFERENCE: Final = f"^(?:{SALTED})?[0-9a-f]{{64}}$"
_TILE: Final = (
    "^(?:entries|[0-9]|[1-5][0-9]|6[0-3])/(?:0{3}|(?!x000)(?:x[0-9]{3}/){0,5}[0-9]{3})"
    r"(?:\.p/(?:[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?$"
)
BASE64: Final = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
"""Base64 with its padding (RFC 4648, section 4)."""
BASE64_EITHER: Final = "^(?:[A-Za-z0-9+/_-]{4})*(?:[A-Za-z0-9+/_-]{2}==|[A-Za-z0-9+/_-]{3}=)?$"
"""Base64 or base64url with its padding (RFC 4648, sections 4 and 5)."""
_SESSION: Final = "^[0-9a-f]{16}$"
_PLAINLY: Final = {
    _ID: "an id (A-Z a-z 0-9 . _ - ; 1 to 64 characters, a letter or digit first)",
    _ID_OR_NOTHING: "an id (A-Z a-z 0-9 . _ - ; at most 64 characters, a letter or digit first)",
    _DIGEST: "a digest, written as 64 lowercase hex digits (SHA-256)",
    _REFERENCE: "a commitment (`salted-` and 64 lowercase hex digits), or a digest (64 lowercase hex digits)",
    _TILE: "a tile, as C2SP tlog-tiles names it (`0/000`, `0/x001/067.p/5`, `entries/000`)",
    _SESSION: "the name of a session (16 lowercase hex digits)",
}

Id = Annotated[str, Meta(pattern=_ID, max_length=ID_CHARS_MAX)]
IdOrNothing = Annotated[str, Meta(pattern=_ID_OR_NOTHING, max_length=ID_CHARS_MAX)]
Digest = Annotated[str, Meta(pattern=_DIGEST)]
Reference = Annotated[str, Meta(pattern=_REFERENCE)]
TilePath = Annotated[str, Meta(pattern=_TILE)]
SessionName = Annotated[str, Meta(pattern=_SESSION)]
Version = Annotated[str, Meta(min_length=1, max_length=VERSION_CHARS_MAX)]
Key = Annotated[str, Meta(max_length=2 * ID_CHARS_MAX + 1)]
"""An id, or `order/job`; of nothing that is there perhaps."""
Word = Annotated[str, Meta(max_length=ID_CHARS_MAX)]
"""A word that narrows a list down; an unknown one leaves nothing of it."""
Secret = Annotated[str, Meta(min_length=1, max_length=SECRET_CHARS_MAX)]
"""The secret of a link."""
Seq = Annotated[int, Meta(ge=0, le=INTEGER_ABS_MAX)]
"""The number of an entry."""
Place = Annotated[int, Meta(ge=-1, le=INTEGER_ABS_MAX)]
"""A place in a list; -1: before the first, or none."""


def plainly(error: Exception) -> str:
    """What a decoder found wrong, with the names of the grammar in place of its expressions."""
    said = str(error)
    for pattern, name in _PLAINLY.items():
        said = said.replace(f"`str` matching regex {pattern!r}", name)
    return said
