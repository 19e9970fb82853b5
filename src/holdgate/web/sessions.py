"""Sessions: who may look. Opened by signing a challenge of this process with the key that the roster has; kept in memory.

A session shows, it never acts: every act is signed by itself. Somebody who steals a cookie sees what its owner sees, until it
idles out; they sign nothing. Where the process ends, everybody signs in again.
Source: foundations 7; 21 CFR 11.10(d), 11.300.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from holdgate.crypto.envelope import open_envelope, verify_all
from holdgate.crypto.hashes import digest
from holdgate.identity.roster import Identity
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Tampered
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import CHALLENGES_MAX, SESSIONS_MAX

LOGIN_TYPE: Final = "application/vnd.holdgate.login.v1+json"
CHALLENGE_S: Final = 120
DEVICE_IDLE_S: Final = 7 * 24 * 3600
"""How long a workstation is known without a sign of life; a person's session idles out as the charter says."""


class Login(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed to open a session. `host`: the address that the browser shows, so that no other site can pass it on."""

    challenge: str
    host: str
    id: str


class _Session(Struct):
    id: str
    idle_us: int
    last: int


_LOGIN: Final = msgspec.json.Decoder(Login)


class Sessions:
    """The sessions of one process. `token`: an unpredictable text of 16 characters, anew each time."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token
        self._challenges: OrderedDict[str, int] = OrderedDict()
        self._open: OrderedDict[str, _Session] = OrderedDict()

    def challenge(self, now: int) -> str:
        """A text to sign, once, within two minutes."""
        made = self._token() + self._token()
        self._challenges[made] = now + CHALLENGE_S * SECOND_US
        while len(self._challenges) > CHALLENGES_MAX:
            self._challenges.popitem(last=False)
        return made

    def open(self, raw: bytes, identities: Mapping[str, Identity], host: str, idle_s: int, now: int) -> tuple[str, str]:
        """Open a session.

        Args:
            raw: a signed `Login`; untrusted.
            identities: the roster.
            host: the address under which the request came.
            idle_s: after how many seconds without a sign of life a person's session ends.
            now: UTC µs.

        Returns:
            The session's secret and whose it is.

        Raises:
            Malformed: it cannot be read. Tampered: the signature, the challenge or the address does not hold.
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
        idle = (idle_s if who.kind == "person" else DEVICE_IDLE_S) * SECOND_US
        secret = "".join(self._token() for _ in range(4))
        self._open[_hidden(secret)] = _Session(login.id, idle, now)
        while len(self._open) > SESSIONS_MAX:
            self._open.popitem(last=False)
        return secret, login.id

    def whose(self, secret: str | None, now: int, *, touch: bool = True) -> str | None:
        """Whose session this is; None where there is none, or it idled out. `touch`: a sign of life."""
        if not secret:
            return None
        key = _hidden(secret)
        session = self._open.get(key)
        if session is None:
            return None
        if now - session.last > session.idle_us:
            del self._open[key]
            return None
        if touch:
            session.last = now
            self._open.move_to_end(key)
        return session.id

    def close(self, secret: str | None) -> None:
        """End a session."""
        if secret:
            self._open.pop(_hidden(secret), None)


def _hidden(secret: str) -> str:
    """What is kept of a secret: who reads this process's memory of sessions cannot use them."""
    return digest(secret.encode())


def device_or_person(identity: Identity) -> str:
    """Which of the two sessions of a browser an identity opens."""
    if identity.kind not in ("person", "device"):
        raise Malformed(f"{identity.id} is a {identity.kind}; people and workstations sign in")
    return identity.kind
