"""What a deciding site answers whoever hands in an action, in words; the same over every transport."""

from typing import Final, Protocol

from msgspec import Struct

from holdgate.engine.answer import Answer
from holdgate.law.case import Pin
from holdgate.law.denial import remedy, sentence
from holdgate.terms.errors import Malformed, Tampered, Unavailable


class Submits(Protocol):
    """What takes actions."""

    async def deliver(self, raw: bytes, pins: tuple[Pin, ...], sender: str) -> Answer:
        """Submit a signed action; the answer comes once its entry is durable."""
        ...

    async def submit_replicated(self, raw: bytes, pins: tuple[Pin, ...], source: str) -> Answer:
        """Submit a signed action; the answer comes once a Vault holds its entry too."""
        ...

    def entry(self, seq: int) -> bytes:
        """The bytes of a durable entry."""
        ...


class Refusal(Struct, frozen=True, kw_only=True):
    """One reason of a denial, in words."""

    code: str
    says: str
    helps: str


class Reply(Struct, frozen=True, kw_only=True):
    """The answer to an action.

    `seq`: its entry (-1: only counted as an attempt so far). `receipt`: a tlog-proof of that entry; `entry`: its bytes, which
    the receipt proves. Whoever believes nothing but the log's key believes nothing of the rest.
    """

    seq: int
    verdict: str
    refusals: tuple[Refusal, ...]
    receipt: str
    kept: str
    resent: bool
    entry: bytes = b""


class Problem(Struct, frozen=True, kw_only=True, rename={"kind": "type"}):
    """Why there is no answer. Source: RFC 9457."""

    kind: str
    title: str
    status: int
    detail: str


_STATUS: Final[dict[type[Exception], tuple[int, str]]] = {
    Malformed: (400, "The request cannot be read"),
    Tampered: (409, "What was sent does not hold together"),
    Unavailable: (503, "Not possible just now; try again"),
}


def reply_of(site: Submits, answer: Answer) -> Reply:
    """The answer in words, with the entry that its receipt proves."""
    refusals = tuple(
        Refusal(code=denial.code, says=sentence(denial), helps=remedy(denial)) for denial in answer.decision.denials
    )
    return Reply(
        seq=answer.seq,
        verdict=answer.decision.verdict,
        refusals=refusals,
        receipt=answer.receipt.decode(),
        kept=answer.kept,
        resent=answer.resent,
        entry=answer.entry or (b"" if answer.seq < 0 else site.entry(answer.seq)),
    )


def problem_of(error: Exception) -> Problem:
    """An error of the four families as a problem; anything else is this site's own defect, and is not described."""
    status, title = _STATUS.get(type(error), (500, "This site cannot go on"))
    return Problem(kind=f"about:{type(error).__name__}", title=title, status=status, detail=str(error))
