"""A line for every sign-in, sign-out and refusal: who, where, when, without secrets, for whoever looks after the machine.

Acts are entries of the record; opening a session is none, for it changes nothing and shows what its owner may see. So these lines
go to the process's own log (standard error, under systemd the journal), as one JSON object each. What a stranger can cause without
limit, refusals, is written a limited number of times a minute, and then as a count.
Source: OWASP ASVS 5.0, V16; 21 CFR 11.300(d).
"""

import json
from collections.abc import Callable
from typing import Final, Literal

import msgspec
from msgspec import Struct

from holdgate.terms import instant
from holdgate.terms.limits import REFUSALS_TOLD_MAX, SIGN_IN_WORD_CHARS_MAX

MINUTE_US: Final = 60 * instant.SECOND_US
What = Literal["signed in", "signed out", "ended", "refused"]


class SignIn(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="log", tag="sign-in"):
    """One line. `at`: UTC, RFC 3339; `site`: which page or API; `who`: whose session, for a refusal as it was claimed.

    `place`: the workstation ("": none); `source`: the network's address; `by`: who ended it; `why`: of a refusal; `sessions`: how
    many ended; `unwritten`: refusals before this line that were counted only.
    """

    at: str
    site: str
    what: What
    who: str = ""
    place: str = ""
    source: str = ""
    by: str = ""
    why: str = ""
    sessions: int = 1
    unwritten: int = 0


class SignIns:
    """Writes the lines of one process. `write`: takes a line without its end."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._minute = 0
        self._refused = 0

    def tell(
        self,
        at: int,
        site: str,
        what: What,
        *,
        who: str = "",
        place: str = "",
        source: str = "",
        by: str = "",
        why: str = "",
        sessions: int = 1,
    ) -> None:
        """Write one line; words of strangers are cut, and nothing in them ends the line (JSON, ASCII). `at`: UTC µs."""
        minute, unwritten = at // MINUTE_US, 0
        if minute != self._minute:
            unwritten, self._minute, self._refused = max(0, self._refused - REFUSALS_TOLD_MAX), minute, 0
        if what == "refused":
            self._refused += 1
            if self._refused > REFUSALS_TOLD_MAX:
                return
        line = SignIn(
            at=instant.show(at),
            site=site,
            what=what,
            who=_cut(who),
            place=place,
            source=_cut(source),
            by=by,
            why=_cut(why),
            sessions=sessions,
            unwritten=unwritten,
        )
        self._write(json.dumps(msgspec.to_builtins(line)))


def _cut(text: str) -> str:
    return text[:SIGN_IN_WORD_CHARS_MAX]
