"""Problems: why there is no answer, as RFC 9457 has it; a denial as one that names its codes and remedies."""

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct
from starlette.responses import Response

from holdgate.engine.answer import Answer
from holdgate.law.denial import remedy, sentence
from holdgate.sites.reply import Refusal, problem_of
from holdgate.terms.errors import HoldgateError

PROBLEM_TYPE: Final = "application/problem+json"


class Problem(Struct, frozen=True, kw_only=True, rename={"kind": "type"}, omit_defaults=True):
    """Why there is no answer. `code`, `refusals`, `seq`: of a denial, which is on the record under that entry."""

    kind: str
    title: str
    status: int
    detail: str = ""
    code: str = ""
    refusals: tuple[Refusal, ...] = ()
    seq: int = -1


SIGN_IN: Final = Problem(
    kind="about:SignIn", title="Sign in first", status=401, detail="present your badge, or use your passkey"
)
ELSEWHERE: Final = Problem(
    kind="about:Elsewhere",
    title="Not from there",
    status=403,
    detail="a page of another site asked for this; open it from here",
)
NOT_YOURS: Final = Problem(kind="about:NotYours", title="This is not shown to you", status=403)


def missing(what: str) -> Problem:
    """There is no such thing here (or none that the asker may see: the two look the same)."""
    return Problem(kind="about:Missing", title="There is no such thing here", status=404, detail=what)


def gone(how: str) -> Problem:
    """It was here, and was erased; the record says so."""
    return Problem(kind="about:Erased", title="It was erased", status=410, detail=how)


def refused(why: str) -> Problem:
    """It can be read, and may not be done as things stand here."""
    return Problem(kind="about:Refused", title="Refused", status=422, detail=why)


def too_long(most: int) -> Problem:
    """A body with more bytes than its operation takes."""
    return Problem(kind="about:TooLong", title="Too long", status=413, detail=f"at most {most} bytes are taken here")


def not_taken(methods: Iterable[str]) -> Response:
    """The HTTP answer to a method that an address does not take, with those that it does (RFC 9110 15.5.6)."""
    names = ", ".join(sorted(methods))
    problem = Problem(kind="about:Method", title="Not taken here", status=405, detail=f"this address takes {names}")
    response = answered(problem)
    response.headers["Allow"] = names
    return response


def denied(answer: Answer) -> Problem:
    """A refused action: every reason with its remedy, the first one's code as the problem's."""
    denials = answer.decision.denials
    first = denials[0] if denials else None
    return Problem(
        kind=f"about:{first.code}" if first else "about:Refused",
        title="Refused",
        status=422,
        detail=sentence(first) if first else answer.decision.verdict,
        code=first.code if first else "",
        refusals=tuple(Refusal(code=d.code, says=sentence(d), helps=remedy(d)) for d in denials),
        seq=answer.seq,
    )


def of_error(error: HoldgateError) -> Problem:
    """One of the four families of errors."""
    found = problem_of(error)
    return Problem(kind=found.kind, title=found.title, status=found.status, detail=found.detail)


def answered(problem: Problem) -> Response:
    """The HTTP answer of a problem."""
    headers = {"Cache-Control": "no-store"}
    if problem.status == 503:
        headers["Retry-After"] = "1"
    return Response(msgspec.json.encode(problem), status_code=problem.status, media_type=PROBLEM_TYPE, headers=headers)
