"""Acting: what somebody could do now, and handing in what was signed."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from holdgate.crypto.envelope import open_envelope
from holdgate.law import command as c
from holdgate.law.case import Pin
from holdgate.sites.reception import Paper, Reception
from holdgate.sites.reply import Reply, reply_of
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import PINS_MAX, SUBMISSION_BYTES_MAX
from holdgate.web.grammar import Digest, Id, Key, plainly
from holdgate.web.inviting import brings_a_key, is_invited
from holdgate.web.operation import ENVELOPE_TYPE, Call, Operation, anybody, person, signed_in
from holdgate.web.papers import hand_in, lay_down, waiting_for
from holdgate.web.problem import SIGN_IN, Problem, denied
from holdgate.web.wish import Wish, wish_of


class Submission(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signed envelope with documents beside it. `documents`: content (base64) by SHA-256 (hex)."""

    envelope: Annotated[msgspec.Raw, Meta(extra_json_schema={"$ref": "#/components/schemas/ActionEnvelope"})]
    documents: Annotated[dict[Digest, bytes], Meta(max_length=PINS_MAX)] = {}


class About(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One subject: `order/job`, or the id of an order, report, contract or person; without, all of them."""

    about: Key | None = None


class ByOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order."""

    order: Id


class Waiting(Struct, frozen=True, kw_only=True):
    """A paper on the desk: what is signed (the command, as JSON), by whom so far, whose signature is missing."""

    digest: str
    payload: msgspec.Raw
    act: str
    signed: tuple[str, ...]
    missing: tuple[str, ...]
    at: int


class Laid(Struct, frozen=True, kw_only=True):
    """What became of a paper: whose signatures are still missing, or the answer to the whole act."""

    digest: str
    missing: tuple[str, ...]
    reply: Reply | None = None


class Acting:
    """The acts of one site. `reception`: where papers lie."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    async def act(self, call: Call) -> Reply | Problem:
        """Hand in a signed action; answered once its entry is durable."""
        raw, pins = _submission(call)
        answer = await call.face.act(raw, pins, _source(call))
        return denied(answer) if not answer.decision.allowed else reply_of(call.face.site, answer)

    def options(self, call: Call) -> list[Wish]:
        """What the person could do now: allowed, waiting, locked, done, each with what unlocks it."""
        return wishes(call, call.asks.about)

    def order_options(self, call: Call) -> list[Wish]:
        """What the person could do now on one order and its jobs."""
        order = call.face.state.orders.get(call.asks.order)
        if order is not None and not call.asker.sees(order):
            return []
        return wishes(call, call.asks.order)

    async def lay(self, call: Call) -> Laid | Problem:
        """Lay a signature under an act that others sign too; the last one hands it in. A newcomer does so on an invitation."""
        if not signed_in(call.asker):
            command = c.parse_command(open_envelope(call.body).payload)
            if brings_a_key(command) and not is_invited(self._reception, command, call.face.now()):
                return SIGN_IN
        paper = lay_down(call.face, self._reception, call.body)
        call.face.desk_changed()
        if paper.missing:
            return Laid(digest=paper.digest, missing=paper.missing)
        answer = await hand_in(call.face, self._reception, paper, _source(call))
        if not answer.decision.allowed:
            return denied(answer)
        return Laid(digest=paper.digest, missing=(), reply=reply_of(call.face.site, answer))

    def papers(self, call: Call) -> list[Waiting]:
        """The acts that wait for the person's signature, or for others after theirs."""
        who = "" if call.asker.person is None else call.asker.person.id
        return [_waiting(paper) for paper in waiting_for(call.face, self._reception, who)]

    def operations(self) -> Sequence[Operation]:
        """The rows of the API's table."""
        return (
            Operation(
                "POST",
                "/api/actions",
                "Hand in a signed action",
                self.act,
                Reply,
                body=bytes,
                who=anybody,
                beside=Submission,
                most=SUBMISSION_BYTES_MAX,
            ),
            Operation("GET", "/api/options", "What I could do now", self.options, list[Wish], About, who=person),
            Operation(
                "GET",
                "/api/orders/{order}/options",
                "What I could do now on an order",
                self.order_options,
                list[Wish],
                ByOrder,
                who=person,
            ),
            Operation("GET", "/api/papers", "Acts that wait for signatures", self.papers, list[Waiting], who=person),
            Operation(
                "POST", "/api/papers", "Sign an act that others sign too", self.lay, Laid, body=bytes, who=anybody
            ),
        )


def wishes(call: Call, about: str | None) -> list[Wish]:
    """The person's options, as forms."""
    return [wish_of(call.face.state, role, option) for role, option in call.face.options(call.asker, about)]


_SUBMISSION = msgspec.json.Decoder(Submission)


def _submission(call: Call) -> tuple[bytes, tuple[Pin, ...]]:
    """An envelope as it is, or in a JSON object with the documents beside it.

    Raises:
        Malformed: it is neither.
    """
    if call.raw.headers.get("content-type", "").partition(";")[0].strip() == ENVELOPE_TYPE:
        return call.body, ()
    try:
        found = _SUBMISSION.decode(call.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(
            f"send an envelope as {ENVELOPE_TYPE}, or {{envelope, documents}} as JSON: {plainly(error)}"
        ) from None
    return bytes(found.envelope), tuple(Pin(sha256=name, content=body) for name, body in found.documents.items())


def _source(call: Call) -> str:
    return f"http:{call.raw.client.host}" if call.raw.client is not None else "http"


def _waiting(paper: Paper) -> Waiting:
    envelope = open_envelope(paper.envelope)
    return Waiting(
        digest=paper.digest,
        payload=msgspec.Raw(envelope.payload),
        act=str(type(c.parse_command(envelope.payload)).__struct_config__.tag),
        signed=tuple(row.keyid for row in envelope.signatures),
        missing=paper.missing,
        at=paper.at,
    )
