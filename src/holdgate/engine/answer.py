"""What the spine says when something is durable."""

from typing import Final

from msgspec import Struct

from holdgate.law.chronicle import Draft
from holdgate.law.decision import Decision

LOCAL: Final = "local"
REPLICATED: Final = "replicated"


class Answer(Struct, frozen=True, kw_only=True, gc=False):
    """What a submitter gets back, once the entry is durable.

    `seq`: the entry. `decision`: what the law said. `receipt`: a C2SP tlog-proof that the entry is in the log. `kept`:
    `local` (this site's store) or `replicated`. `resent`: the entry was there already; nothing new was recorded. `entry`: its
    bytes where they are at hand: in the deciding site itself, for an entry that is new.
    """

    seq: int
    decision: Decision
    receipt: bytes
    kept: str = LOCAL
    resent: bool = False
    entry: bytes = b""


class Sealed(Struct, frozen=True, kw_only=True):
    """A committed group: entries [first, size) and the checkpoint that covers them."""

    first: int
    size: int
    checkpoint: bytes
    drafts: list[Draft]
