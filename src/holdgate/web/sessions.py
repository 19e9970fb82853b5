"""Sessions: who may look. Opened by signing a challenge of this process with the key that the roster has; kept in memory.

A session shows, it never acts: every act is signed by itself. Somebody who steals a cookie sees what its owner sees, until the
session ends; they sign nothing. A session ends when it idles, after half a day however much it is used (a workstation's after a
month), when its owner is disabled or has another key, and when its owner or an admin ends it from elsewhere. Where the process
ends, everybody signs in again.
Source: foundations 7; 21 CFR 11.10(d), 11.300; OWASP ASVS 5.0, V7.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from holdgate.crypto.envelope import open_envelope, verify_all
from holdgate.crypto.hashes import digest
from holdgate.identity.roster import Identity
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Tampered
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import CHALLENGES_MAX, SESSIONS_MAX, SESSIONS_OF_ONE_MAX

LOGIN_TYPE: Final = "application/vnd.holdgate.login.v1+json"
CHALLENGE_S: Final = 120
DEVICE_IDLE_S: Final = 7 * 24 * 3600
"""How long a workstation is known without a sign of life; a person's session idles out as the charter says."""
PERSON_LASTS_S: Final = 12 * 3600
"""After how long a person signs in anew, however much they do: the longest shift."""
DEVICE_LASTS_S: Final = 30 * 24 * 3600
"""The same of a workstation, whose browser then signs in by itself."""
NAME_CHARS: Final = 16
"""Hex digits by which a session is called where it is shown: of its secret's digest, from which no secret follows."""


class Login(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed to open a session. `host`: the address that the browser shows, so that no other site can pass it on."""

    challenge: str
    host: str
    id: str


class Where(NamedTuple):
    """From where somebody signs in. `place`: the workstation's SMART-ID ("": none); `source`: the network's address."""

    place: str = ""
    source: str = ""


NOWHERE: Final = Where()


class Seen(Struct, frozen=True, kw_only=True):
    """An open session as its owner may see it.

    `name`: what it is called here, no secret; `place`, `source`: see `Where`; `since`, `last`, `until`: signed in, last sign of
    life, ends at the latest (UTC µs).
    """

    name: str
    place: str
    source: str
    since: int
    last: int
    until: int


class Session(Struct):
    """One session. `key`: the public key that opened it; `since`, `last`, `until`: see `Seen`."""

    id: str
    name: str
    key: bytes
    where: Where
    idle_us: int
    since: int
    last: int
    until: int

    def over(self, now: int) -> bool:
        """Whether it idled out, or its time is up."""
        return now - self.last > self.idle_us or now > self.until


_LOGIN: Final = msgspec.json.Decoder(Login)


class Sessions:
    """The sessions of one process. `token`: an unpredictable text of 16 characters, anew each time."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token
        self._challenges: OrderedDict[str, int] = OrderedDict()
        self._open: OrderedDict[str, Session] = OrderedDict()

    def challenge(self, now: int) -> str:
        """A text to sign, once, within two minutes."""
        made = self._token() + self._token()
        self._challenges[made] = now + CHALLENGE_S * SECOND_US
        while len(self._challenges) > CHALLENGES_MAX:
            self._challenges.popitem(last=False)
        return made

    def open(
        self,
        raw: bytes,
        identities: Mapping[str, Identity],
        host: str,
        idle_s: int,
        now: int,
        where: Where = NOWHERE,
    ) -> tuple[str, str]:
        """Open a session.

        Args:
            raw: a signed `Login`; untrusted.
            identities: the roster.
            host: the address under which the request came.
            idle_s: after how many seconds without a sign of life a person's session ends.
            now: UTC µs.
            where: from where, to be shown to its owner.

        Returns:
            The session's secret and whose it is.

        Raises:
            Malformed: it cannot be read, or whoever signed is neither a person nor a device. Tampered: the signature, the
                challenge or the address does not hold.
        """
        envelope = open_envelope(raw, LOGIN_TYPE)
        login = canon.decode(envelope.payload, _LOGIN, "the login")
        until = self._challenges.pop(login.challenge, 0)
        if until < now:
            raise Tampered("this challenge was used, or is older than two minutes; ask for another one")
        if login.host != host:
            raise Tampered("this login was signed for another address")
        who = identities.get(login.id)
        if who is None or who.disabled_at is not None:
            raise Tampered("nobody of this name may sign in here")
        verify_all(envelope, [(login.id, who.key)])
        human = device_or_person(who) == "person"
        idle, lasts = (idle_s, PERSON_LASTS_S) if human else (DEVICE_IDLE_S, DEVICE_LASTS_S)
        secret = "".join(self._token() for _ in range(4))
        hidden = _hidden(secret)
        self._open[hidden] = Session(
            id=who.id,
            name=hidden[:NAME_CHARS],
            key=who.key,
            where=where,
            idle_us=idle * SECOND_US,
            since=now,
            last=now,
            until=now + lasts * SECOND_US,
        )
        self._keep_within(who.id, now)
        return secret, login.id

    def find(self, secret: str | None, now: int, *, touch: bool = True) -> Session | None:
        """The session of a secret, whoever's it is; None where there is none, or it is over. `touch`: a sign of life."""
        if not secret:
            return None
        key = _hidden(secret)
        session = self._open.get(key)
        if session is None:
            return None
        if session.over(now):
            del self._open[key]
            return None
        if touch:
            session.last = now
            self._open.move_to_end(key)
        return session

    def whose(
        self, secret: str | None, identities: Mapping[str, Identity], now: int, *, touch: bool = True
    ) -> Identity | None:
        """Whose session this is, as a site's roster knows them; None where there is none, or not for that site.

        A session whose owner is disabled, or had its key before the one of now, ends here and at every site of the process. A
        roster that does not know the owner, or not this key of theirs yet, ends nothing.
        """
        session = self.find(secret, now, touch=touch)
        found = None if session is None else identities.get(session.id)
        if session is None or found is None:
            return None
        if found.disabled_at is None and found.key == session.key:
            return found
        if found.disabled_at is not None or any(before.key == session.key for before in found.earlier):
            self.close(secret)
        return None

    def of(self, smart_id: str, now: int) -> tuple[Seen, ...]:
        """The open sessions of somebody, the newest first."""
        return tuple(
            sorted((_seen(s) for s in self._of(smart_id).values() if not s.over(now)), key=lambda s: (-s.since, s.name))
        )

    def end(self, smart_id: str, name: str = "", keep: str = "") -> int:
        """End sessions of somebody: the one of a name, or all of them but one. Answers how many that were.

        Args:
            smart_id: whose.
            name: which one; "" for all of them.
            keep: the name of one that stays.
        """
        ended = [key for key, s in self._of(smart_id).items() if s.name != keep and name in ("", s.name)]
        for key in ended:
            del self._open[key]
        return len(ended)

    def close(self, secret: str | None) -> None:
        """End a session."""
        if secret:
            self._open.pop(_hidden(secret), None)

    def _of(self, smart_id: str) -> dict[str, Session]:
        return {key: session for key, session in self._open.items() if session.id == smart_id}

    def _keep_within(self, smart_id: str, now: int) -> None:
        """What is over goes, then the longest idle ones: of one owner, then of all."""
        own = self._of(smart_id)
        over = [key for key, session in own.items() if session.over(now)]
        left = [key for key in own if key not in over]
        for key in (*over, *left[: max(0, len(left) - SESSIONS_OF_ONE_MAX)]):
            del self._open[key]
        while len(self._open) > SESSIONS_MAX:
            self._open.popitem(last=False)


def _seen(session: Session) -> Seen:
    return Seen(
        name=session.name,
        place=session.where.place,
        source=session.where.source,
        since=session.since,
        last=session.last,
        until=session.until,
    )


def _hidden(secret: str) -> str:
    """What is kept of a secret: who reads this process's memory of sessions cannot use them."""
    return digest(secret.encode())


def device_or_person(identity: Identity) -> str:
    """Which of the two sessions of a browser an identity opens."""
    if identity.kind not in ("person", "device"):
        raise Malformed(f"{identity.id} is a {identity.kind}; people and workstations sign in")
    return identity.kind
