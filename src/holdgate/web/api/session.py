"""Signing in and out, and what a browser needs before it can sign: who is here, the site's settings, sealed keys of badges."""

from typing import Any, Final, Literal

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.signatures import WEBAUTHN, kind_of
from holdgate.identity.charter import Settings
from holdgate.law.chronicle import Attempt
from holdgate.sites.lockers import Lockers
from holdgate.sites.reception import Locker, Reception
from holdgate.terms.errors import HoldgateError, Malformed, Tampered
from holdgate.web.asker import Asker
from holdgate.web.face import Face
from holdgate.web.grammar import Id
from holdgate.web.inviting import settle
from holdgate.web.operation import JSON_TYPE, Call, Operation, anybody, at_device, at_workstation
from holdgate.web.problem import NOT_YOURS, Problem, missing
from holdgate.web.sessions import LOGIN_TYPE, Sessions, Where
from holdgate.web.sign_ins import SignIns
from holdgate.web.wish import FieldForm, forms

WHO: Final = "hg_who"
PLACE: Final = "hg_place"
COOKIES: Final = {"person": WHO, "device": PLACE}
LOCKED: Final = "__Host-"
"""Over TLS, what a cookie's name begins with: a browser then takes it from this very host alone, and only over TLS."""


class Challenge(Struct, frozen=True, kw_only=True):
    """A text to sign. `host`: the address that goes into what is signed."""

    challenge: str
    host: str


class Somebody(Struct, frozen=True, kw_only=True):
    """An identity as far as a browser needs it. `passkey`: their key is one."""

    id: str
    name: str
    org: str
    roles: tuple[str, ...]
    passkey: bool
    zone: str | None = None


class Here(Struct, frozen=True, kw_only=True):
    """Who is signed in, where, and the site's settings; `now`: the site's time (UTC µs).

    `session`: the browser's cookie opens a person's session, whether or not this site knows them.
    """

    site: str
    kind: str
    shop: str
    tz: str
    office: str
    now: int
    idle_s: int
    skew_s: int
    person: Somebody | None = None
    place: Somebody | None = None
    session: bool = False


class ByPerson(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody by their SMART-ID."""

    id: Id


class Failed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An attempt to unlock a key that failed in the browser."""

    id: str
    why: str


class Leaving(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which session ends: the person's, or the workstation's (`device`)."""

    who: Literal["person", "device"] = "person"


class Visits:
    """Who comes and goes at one site. `sessions`, `told`: of this process; `reception`: holds sealed keys."""

    def __init__(self, face: Face, sessions: Sessions, reception: Reception, told: SignIns) -> None:
        self._face = face
        self._sessions = sessions
        self._told = told
        self._reception = reception
        self._lockers = Lockers(face.site, reception)

    @property
    def settings(self) -> Settings:
        """What the shop settles for itself."""
        return self._face.settings

    def asker(self, request: Request) -> Asker:
        """Who asks, by the cookies of a request. An event stream or a part that refreshes itself is no sign of life."""
        state, now = self._face.state, self._face.now()
        secret, alive = _shown(request, WHO), request.headers.get("x-holdgate-live") is None
        person = self._sessions.whose(secret, state.identities, now, touch=alive)
        session = None if person is None else self._sessions.find(secret, now, touch=False)
        return Asker(
            org=state.charter.org,
            now=now,
            person=person,
            place=self._sessions.whose(_shown(request, PLACE), state.identities, now),
            session="" if session is None else session.name,
        )

    def challenge(self, call: Call) -> Challenge:
        """A text to sign in with."""
        return Challenge(challenge=self._sessions.challenge(self._face.now()), host=call.raw.headers.get("host", ""))

    def sign_in(self, call: Call) -> Response:
        """Open a session by a signed challenge; the one that the browser had before ends."""
        state, now = self._face.state, self._face.now()
        host, where = call.raw.headers.get("host", ""), _where(call)
        try:
            secret, smart_id = self._sessions.open(
                call.body, state.identities, host, state.charter.settings.session_idle_s, now, where
            )
        except (Malformed, Tampered) as error:
            claimed = _claimed(call.body)
            known = claimed if claimed in state.identities else ""  # what was typed in its place may be a PIN
            self._told.tell(now, self._face.id, "refused", who=known, **where._asdict(), why=str(error))
            raise
        self._told.tell(now, self._face.id, "signed in", who=smart_id, **where._asdict())
        identity = state.identities[smart_id]
        name = COOKIES[identity.kind]
        self._sessions.close(_shown(call.raw, name))
        here = self._here(Asker(org=state.charter.org, now=now, **_which(name, identity)), session=name == WHO)
        response = Response(msgspec.json.encode(here), media_type=JSON_TYPE, headers={"Cache-Control": "no-store"})
        secure = call.raw.url.scheme == "https"
        response.set_cookie(_named(call.raw, name), secret, httponly=True, secure=secure, samesite="strict", path="/")
        return response

    def sign_out(self, call: Call) -> Response:
        """End the person's session (or the workstation's)."""
        name, now = COOKIES[call.asks.who], self._face.now()
        session = self._sessions.find(_shown(call.raw, name), now)
        if session is not None:
            self._told.tell(now, self._face.id, "signed out", who=session.id, **_where(call)._asdict())
        self._sessions.close(_shown(call.raw, name))
        response = Response(status_code=204, headers={"Cache-Control": "no-store"})
        secure = call.raw.url.scheme == "https"
        response.delete_cookie(_named(call.raw, name), path="/", secure=secure, httponly=True, samesite="strict")
        return response

    def here(self, call: Call) -> Here:
        """Who is signed in here, and the site's settings."""
        found = self._sessions.find(_shown(call.raw, WHO), call.asker.now, touch=False)
        return self._here(call.asker, session=found is not None)

    def _here(self, asker: Asker, *, session: bool) -> Here:
        face = self._face
        return Here(
            site=face.id,
            kind=face.kind,
            shop=face.settings.name,
            tz=face.settings.tz,
            office=face.settings.office,
            now=face.now(),
            idle_s=face.settings.session_idle_s,
            skew_s=face.settings.entry_skew_s,
            person=None if asker.person is None else _somebody(asker.person),
            place=None if asker.place is None else _somebody(asker.place),
            session=session,
        )

    async def locker(self, call: Call) -> Locker | Problem:
        """The sealed key of a badge, for an enrolled workstation: noise without the badge and its PIN."""
        settle(self._face.state, self._reception, self._face.now())
        found = await self._lockers.find(call.asks.id)
        return (
            missing("no badge of this name was made in this shop, as far as it is known here")
            if found is None
            else found.locker
        )

    def given(self, smart_id: str, sender: str) -> bytes | None:
        """The sealed key of a badge, for another site of the shop."""
        settle(self._face.state, self._reception, self._face.now())
        return self._lockers.given(smart_id, sender)

    async def attempt(self, call: Call) -> Problem | None:
        """A workstation reports a wrong PIN; it goes on record like any other attempt (21 CFR 11.300(d))."""
        if call.asker.place is None:
            return NOT_YOURS
        why = f"{call.body.why[:80]}: {call.body.id[:80]} at {call.asker.place.id}"
        attempt = Attempt(code="SIGNATURE_AUTH_FAILED", why=why, source=f"web:{call.asker.place.id}", digest="")
        self._face.site.spine.record_attempt(attempt)
        return None

    def forms(self, _: Call) -> dict[str, dict[str, FieldForm]]:
        """Every act with its fields: how a browser writes a command."""
        return forms()

    def operations(self) -> tuple[Operation, ...]:
        """The rows of the API's table."""
        return (
            Operation("POST", "/api/challenge", "A text to sign in with", self.challenge, Challenge, who=anybody),
            Operation(
                "POST", "/api/session", "Sign in", self.sign_in, Here, body=bytes, who=anybody, payload=LOGIN_TYPE
            ),
            Operation("GET", "/api/session", "Who is here, and the site's settings", self.here, Here, who=anybody),
            Operation("DELETE", "/api/session", "Sign out", self.sign_out, asks=Leaving, who=anybody),
            Operation(
                "GET", "/api/lockers/{id}", "A badge's sealed key", self.locker, Locker, ByPerson, who=at_workstation
            ),
            Operation("POST", "/api/attempts", "A key was not unlocked", self.attempt, body=Failed, who=at_device),
            Operation(
                "GET", "/api/acts", "How acts are written", self.forms, dict[str, dict[str, FieldForm]], who=anybody
            ),
        )


def _named(request: Request, cookie: str) -> str:
    """How the cookie is called on this connection."""
    return LOCKED + cookie if request.url.scheme == "https" else cookie


def _shown(request: Request, cookie: str) -> str | None:
    return request.cookies.get(_named(request, cookie))


def _where(call: Call) -> Where:
    """From where a request came: the workstation as its own session says, and the address of the connection."""
    client = call.raw.client
    return Where("" if call.asker.place is None else call.asker.place.id, "" if client is None else client.host)


def _claimed(raw: bytes) -> str:
    """Whose key is named in a login that did not hold; "" where nothing can be read."""
    try:
        return open_envelope(raw, LOGIN_TYPE).signatures[0].keyid
    except HoldgateError:
        return ""


def _which(cookie: str, identity: Any) -> dict[str, Any]:
    return {"person": identity} if cookie == WHO else {"place": identity}


def _somebody(identity: Any) -> Somebody:
    return Somebody(
        id=identity.id,
        name=identity.name,
        org=identity.org,
        roles=identity.roles,
        passkey=kind_of(identity.key) == WEBAUTHN,
        zone=identity.zone,
    )
