"""Invitations over the API: an officer writes one, the newcomer lays their public key beside it, everybody sees how far it is."""

from collections.abc import Sequence

from msgspec import Struct

from holdgate.crypto.envelope import open_envelope
from holdgate.law import command as c
from holdgate.sites.reception import Invitation, Locker, Paper, Reception
from holdgate.terms.errors import Malformed
from holdgate.web.asker import Asker
from holdgate.web.face import Face
from holdgate.web.grammar import Digest, Id, Secret
from holdgate.web.inviting import (
    Inviting,
    Token,
    bring,
    brings_a_key,
    invite,
    is_done,
    keep,
    officer_role,
    open_invitation,
    settle,
)
from holdgate.web.operation import Call, Operation, anybody
from holdgate.web.problem import NOT_YOURS, Problem, missing, refused
from holdgate.web.sight import check_digest

NO_INVITATION = "this invitation is used up, over or taken back; ask an officer for another one"
HUB = ("business_hub",)


class Invited(Struct, frozen=True, kw_only=True):
    """An invitation that was written. `path`: the link, below the address of the shop; shown once. `until`: UTC µs."""

    path: str
    until: int


class Open(Struct, frozen=True, kw_only=True):
    """An invitation that is open. `token`: by which it is taken back; `made`: its newcomer has a key."""

    token: str
    id: str
    name: str
    roles: tuple[str, ...]
    by: str
    second: str
    until: int
    rekey: bool
    made: bool


class Progress(Struct, frozen=True, kw_only=True):
    """How far an invitation is. `signed`, `missing`: of the newest paper ("" digest: there is none); `at`: UTC µs."""

    id: str
    enrolled: bool
    digest: str = ""
    signed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    at: int = 0
    now: int = 0


class Made(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a newcomer made. `secret`: of their link; `key`: public; `locker`: of a badge."""

    secret: Secret
    key: bytes
    locker: Locker | None = None


class ById(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody by their SMART-ID, in the path."""

    id: Id


class BySecret(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secret of a link."""

    secret: Secret


class ByToken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An invitation by the digest of its secret."""

    token: Digest


def officer(asker: Asker) -> bool:
    """Somebody who may stand behind an enrolment."""
    return asker.staff and asker.person is not None and bool(officer_role(asker.person))


class Invitations:
    """The invitations of the business hub. `reception`: keeps them; `token`: makes secrets."""

    def __init__(self, reception: Reception, token: Token) -> None:
        self._reception = reception
        self._token = token

    def write(self, call: Call) -> Invited | Problem:
        """Write an invitation; its link is shown once."""
        if call.asker.person is None:
            return NOT_YOURS
        secret = self._token() + self._token()
        try:
            made = invite(call.face.state, call.asker.person, call.body, secret, call.face.now())
        except Malformed as error:
            return refused(str(error))
        settle(call.face.state, self._reception, call.face.now())
        keep(self._reception, made)
        call.face.desk_changed()
        return Invited(path=f"/{call.face.id}/join/{secret}", until=made.until)

    def every(self, call: Call) -> tuple[Open, ...]:
        """The invitations that are open."""
        return tuple(shown(one) for one in settle(call.face.state, self._reception, call.face.now()))

    def take_back(self, call: Call) -> None:
        """Take an invitation back."""
        self._reception.drop_invitation(check_digest(call.asks.token))
        call.face.desk_changed()

    def bring(self, call: Call) -> Problem | None:
        """A newcomer lays their public key, and the sealed key of their badge, beside their invitation."""
        invitation = open_invitation(self._reception, call.body.secret, call.face.now())
        if invitation is None or invitation.done or invitation.id != call.asks.id:
            return missing(NO_INVITATION)
        bring(self._reception, invitation, call.body.key, call.body.locker)
        call.face.desk_changed()
        return None

    def progress(self, call: Call) -> Progress | Problem:
        """How far an invitation is: who signed, whose signature is missing, whether it is done."""
        face, secret = call.face, call.asks.secret
        invitation = open_invitation(self._reception, secret, face.now())
        if invitation is None:
            return missing(NO_INVITATION)
        if is_done(face.state, invitation):
            return Progress(id=invitation.id, enrolled=True, now=face.now())
        paper = newest_paper(face, self._reception, invitation)
        if paper is None:
            return Progress(id=invitation.id, enrolled=False, now=face.now())
        signed = tuple(row.keyid for row in open_envelope(paper.envelope).signatures)
        return Progress(
            id=invitation.id,
            enrolled=False,
            digest=paper.digest,
            signed=signed,
            missing=paper.missing,
            at=paper.at,
            now=face.now(),
        )

    def operations(self) -> Sequence[Operation]:
        """The rows of the API's table."""
        many = tuple[Open, ...]
        return (
            Operation(
                "POST",
                "/api/invitations",
                "Invite somebody",
                self.write,
                Invited,
                body=Inviting,
                who=officer,
                kinds=HUB,
            ),
            Operation("GET", "/api/invitations", "Open invitations", self.every, many, who=officer, kinds=HUB),
            Operation(
                "DELETE",
                "/api/invitations/{token}",
                "Take an invitation back",
                self.take_back,
                asks=ByToken,
                who=officer,
                kinds=HUB,
            ),
            Operation(
                "GET",
                "/api/invited/{secret}",
                "How far an invitation is",
                self.progress,
                Progress,
                BySecret,
                who=anybody,
                kinds=HUB,
            ),
            Operation(
                "PUT",
                "/api/lockers/{id}",
                "What an invited newcomer made",
                self.bring,
                asks=ById,
                body=Made,
                who=anybody,
                kinds=HUB,
            ),
        )


def shown(invitation: Invitation) -> Open:
    """An invitation for officers."""
    return Open(
        token=invitation.token,
        id=invitation.id,
        name=invitation.name,
        roles=invitation.roles,
        by=invitation.by,
        second=invitation.second,
        until=invitation.until,
        rekey=invitation.rekey,
        made=bool(invitation.key),
    )


def newest_paper(face: Face, reception: Reception, invitation: Invitation) -> Paper | None:
    """The newest paper that enrols the key of an invitation."""
    for paper in sorted(reception.papers(), key=lambda one: -one.at):
        command = c.parse_command(open_envelope(paper.envelope).payload)
        named = (getattr(command, "id", None), getattr(command, "key", b""))
        if brings_a_key(command) and named == (invitation.id, invitation.key):
            return paper
    return None
