"""Who is there: a site beats every second, and whoever was not heard for a while is out of reach. Pure; time is given."""

from collections.abc import Collection
from typing import Final

BEAT_S: Final = 1.0
"""How often a site says that it is there."""
SILENCE_S: Final = 3.0
"""After how long a silence it counts as out of reach."""


class Presence:
    """Which peers are there.

    Args:
        peers: those who are listened to; nobody else counts as there until it is admitted.
        silence_s: after how long a silence a peer is out of reach, in seconds.
        stall_s: a look that comes this much later than the one before says that this side did not listen meanwhile.
    """

    def __init__(self, peers: Collection[str], silence_s: float = SILENCE_S, stall_s: float = BEAT_S) -> None:
        self._peers = frozenset(peers)
        self._silence_s = silence_s
        self._stall_s = stall_s
        self._heard: dict[str, float] = {}
        self._looked: float | None = None

    def knows(self, peer: str) -> bool:
        """Whether the peer is listened to."""
        return peer in self._peers

    def admit(self, peer: str) -> bool:
        """Listen to one more; whether it is new."""
        new = peer not in self._peers
        self._peers |= {peer}
        return new

    def up(self, peer: str) -> bool:
        """Whether the peer is there, as far as the last look went."""
        return peer in self._heard

    def heard(self, peer: str, now: float) -> bool:
        """A beat was heard at `now` (seconds of a clock that never goes back): whether the peer came up with it."""
        if peer not in self._peers:
            return False
        came = peer not in self._heard
        self._heard[peer] = now
        return came

    def look(self, now: float) -> list[str]:
        """Whom nobody heard for too long; they are out of reach from now on.

        Time in which this side did not look is not the peers' silence: their beats lie unread.
        """
        since = 0.0 if self._looked is None else now - self._looked
        self._looked = now
        if since > self._stall_s:
            self._heard = {peer: at + since for peer, at in self._heard.items()}
        gone = [peer for peer, at in self._heard.items() if now - at > self._silence_s]
        for peer in gone:
            del self._heard[peer]
        return gone

    def lose_all(self) -> list[str]:
        """The line is cut: everybody who was there is out of reach."""
        gone = list(self._heard)
        self._heard.clear()
        self._looked = None
        return gone
