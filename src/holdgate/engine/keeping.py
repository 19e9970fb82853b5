"""keeping: who may write a log that two hosts and the Vault keep together.

Three keep the log of such a site: its two hosts and a Vault. Two of them make an entry durable, and two of them make a writer,
so that any two majorities share a keeper, and whoever writes next holds everything that was acknowledged before. What fences a
writer is its **term**: a keeper that promised a later term takes nothing of an earlier one. Time only says when another host may
try; a clock that is wrong, or a host that slept, costs waiting and never an entry.

A keeper's copy counts under a term once it holds the writer's whole log as it was when the term began (`Fence.since`); the term
for which it last did is `Promise.written`. Of two logs the one written later counts, then the longer one. That is the rule of
viewstamped replication (Liskov and Cowling, 2012, section 4.2); the keepers' number is fixed here.
"""

from collections.abc import Callable
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from holdgate.terms.errors import HoldgateError, Unavailable

HOSTS: Final = ("a", "b")
"""The two hosts of a site that is kept by two."""
LEASE_S: Final = 4.0
"""How long after a writer's last word a keeper lets another host become the writer."""


def host_of(site: str, host: str) -> str:
    """The name of one of a site's hosts on the bus."""
    return f"{site}.{host}"


def hosts_of(site: str) -> tuple[str, ...]:
    """The names of both hosts of a site on the bus."""
    return tuple(host_of(site, host) for host in HOSTS)


def other_host(site: str, name: str) -> str:
    """The name of the other of a site's two hosts."""
    first, second = hosts_of(site)
    return second if name == first else first


class Fence(Struct, frozen=True, kw_only=True):
    """What a writer shows: its term, and how many entries its log had when the term began."""

    term: int
    since: int


class Promise(Struct, frozen=True, kw_only=True):
    """A keeper's durable word about a log. `term`, `host`: the latest term that it promised, and to whom; `written`: see above."""

    term: int = 0
    host: str = ""
    written: int = 0


class Standing(Struct, frozen=True, kw_only=True):
    """What a keeper says of a log: its promise, and how many entries it holds."""

    promise: Promise
    size: int

    @property
    def rank(self) -> tuple[int, int]:
        """Of several copies the one of the highest rank holds everything that was ever acknowledged."""
        return self.promise.written, self.size


class Promises(Protocol):
    """Keeps promises. What `save` was given survives a power cut once it returns.

    Raises:
        Unavailable: the storage failed (both methods).
    """

    def load(self, origin: str) -> Promise:
        """The promise about a log; an empty one where none was made."""
        ...

    def save(self, origin: str, promise: Promise) -> None:
        """Keep the promise about a log."""
        ...

    def close(self) -> None:
        """Release the storage."""
        ...


class Elsewhere(Protocol):
    """The other keepers of a log that two hosts keep."""

    def when(self, size: int, then: Callable[[HoldgateError | None], None]) -> None:
        """Call back on the event loop once another keeper holds so many entries, or with why none will."""
        ...


class Keeper:
    """The side that promises: a Vault, or a host of the log's site.

    Args:
        promises: keeps what was promised.
        now_s: a clock that never goes back, in seconds.
        lease_s: see `LEASE_S`.
    """

    def __init__(self, promises: Promises, now_s: Callable[[], float], lease_s: float = LEASE_S) -> None:
        self._promises = promises
        self._now_s = now_s
        self._lease_s = lease_s
        self._heard: dict[str, float] = {}
        self._fences: dict[str, Fence] = {}
        self._began = now_s()

    def promise(self, origin: str) -> Promise:
        """What was promised about a log."""
        return self._promises.load(origin)

    def silence_s(self, origin: str) -> float:
        """For how long the log's writer was not heard; a keeper that just began gives it a whole lease."""
        return self._now_s() - self._heard.get(origin, self._began)

    def claim(self, origin: str, term: int, host: str) -> Promise:
        """A host wants to become the writer. It may where the result is its own: this term, this host.

        Refused where a later term (or this one, to another host) was promised, and while another writer was heard of late.
        """
        promise = self._promises.load(origin)
        if (promise.term, promise.host) == (term, host):
            return promise
        if term <= promise.term or (promise.host not in ("", host) and self.silence_s(origin) < self._lease_s):
            return promise
        promise = replace(promise, term=term, host=host)
        self._promises.save(origin, promise)
        self._heard[origin] = self._now_s()
        return promise

    def hear(self, origin: str, fence: Fence, host: str) -> bool:
        """A writer shows itself: whether it is the one, as far as is known here. A later term than the promised one is promised."""
        promise = self._promises.load(origin)
        if fence.term < promise.term or (fence.term == promise.term and host != promise.host):
            return False
        if fence.term > promise.term:
            self._promises.save(origin, replace(promise, term=fence.term, host=host))
        self._fences[origin] = fence
        self._heard[origin] = self._now_s()
        return True

    def admit(self, origin: str, term: int) -> None:
        """Let entries of this term in. A log that one host keeps has term 0.

        Raises:
            Unavailable: another term was promised, or this one's writer has not shown itself yet.
        """
        promised = self._promises.load(origin).term
        if term != promised:
            raise Unavailable(f"{origin} is written under term {promised} here, not {term}: another host took it over")
        self._heard[origin] = self._now_s()

    def grown(self, origin: str, size: int) -> Promise:
        """The copy has so many entries, every one of them of the present writer's log."""
        promise, fence = self._promises.load(origin), self._fences.get(origin)
        if fence is not None and fence.term == promise.term != promise.written and size >= fence.since:
            promise = replace(promise, written=fence.term)
            self._promises.save(origin, promise)
        return promise

    def close(self) -> None:
        """Release the storage."""
        self._promises.close()
