"""Open sessions over the API: everybody sees and ends their own; an admin those of anybody."""

from collections.abc import Sequence

from msgspec import Struct

from holdgate.web.asker import Asker
from holdgate.web.face import Face
from holdgate.web.grammar import Id, SessionName
from holdgate.web.operation import Call, Operation, person
from holdgate.web.problem import Problem, missing
from holdgate.web.sessions import Seen, Sessions
from holdgate.web.sign_ins import SignIns


class OwnSessions(Struct, frozen=True, kw_only=True):
    """The open sessions of whoever asks at this process, the newest first. `this`: the name of the one that asks."""

    sessions: tuple[Seen, ...]
    this: str


class OneSession(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One session by its name."""

    name: SessionName


class Whose(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody by their SMART-ID."""

    id: Id


class Ended(Struct, frozen=True, kw_only=True):
    """How many sessions ended."""

    ended: int


def admin(asker: Asker) -> bool:
    """The shop's own admin."""
    return asker.staff and asker.holds("admin")


class SessionDesk:
    """Sessions at one site. `sessions`, `told`: of its process."""

    def __init__(self, face: Face, sessions: Sessions, told: SignIns) -> None:
        self._face = face
        self._sessions = sessions
        self._told = told

    def own(self, call: Call) -> OwnSessions:
        """The open sessions of whoever asks."""
        return OwnSessions(sessions=self._sessions.of(_who(call), call.asker.now), this=call.asker.session)

    def end_one(self, call: Call) -> Problem | None:
        """End one of one's own sessions."""
        if not self._end(call, _who(call), self._sessions.end(_who(call), call.asks.name)):
            return missing("you have no open session of this name; it may have ended by itself")
        return None

    def end_others(self, call: Call) -> Ended:
        """End all of one's own sessions but the one that asks."""
        return Ended(ended=self._end(call, _who(call), self._sessions.end(_who(call), keep=call.asker.session)))

    def end_all(self, call: Call) -> Ended | Problem:
        """End every session of somebody; who was only signed out can sign in again."""
        if call.asks.id not in self._face.state.identities:
            return missing(f"nobody is enrolled as {call.asks.id}")
        return Ended(ended=self._end(call, call.asks.id, self._sessions.end(call.asks.id)))

    def _end(self, call: Call, who: str, count: int) -> int:
        if count:
            client = call.raw.client
            self._told.tell(
                call.asker.now,
                self._face.id,
                "ended",
                who=who,
                place="" if call.asker.place is None else call.asker.place.id,
                source="" if client is None else client.host,
                by=_who(call),
                sessions=count,
            )
        return count

    def operations(self) -> Sequence[Operation]:
        """The rows of the API's table."""
        return (
            Operation("GET", "/api/sessions", "Your open sessions", self.own, OwnSessions, who=person),
            Operation("DELETE", "/api/sessions", "End your other sessions", self.end_others, Ended, who=person),
            Operation("DELETE", "/api/sessions/{name}", "End one session", self.end_one, asks=OneSession, who=person),
            Operation("DELETE", "/api/people/{id}/sessions", "End theirs", self.end_all, Ended, asks=Whose, who=admin),
        )


def _who(call: Call) -> str:
    return "" if call.asker.person is None else call.asker.person.id
