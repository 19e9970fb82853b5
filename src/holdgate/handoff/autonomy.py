"""Autonomy: how long the gate worked without the business hub or a Vault, and what it decided meanwhile.

Out of reach is what the record says: a link that was noted as down (`ContactChanged`), and a start that no Vault confirmed
(`Booted`, until one does). Time in which the site itself was not running is nobody's autonomy and is not counted.
"""

from holdgate.law import event as ev

UNCONFIRMED = ""
"""The name under which a start without a Vault is out of reach."""


class Autonomy:
    """Who is out of reach, since when anybody is, and what it came to. Durations in µs."""

    __slots__ = ("_known", "_out", "_since", "_spent_us", "decisions")

    def __init__(self) -> None:
        self._known: dict[str, None] = {}
        self._out: dict[str, None] = {}
        self._since = 0
        self._spent_us = 0
        self.decisions = 0

    @property
    def alone(self) -> bool:
        """Whether anybody is out of reach."""
        return bool(self._out)

    def spent_us(self, now: int) -> int:
        """How long anybody was out of reach, up to an instant (UTC µs)."""
        return self._spent_us + (max(0, now - self._since) if self._out else 0)

    def observe(self, event: ev.AnyEvent, at: int) -> None:
        """Take in one event, noted at an instant (UTC µs)."""
        if isinstance(event, ev.ContactChanged):
            self._known[event.site] = None
            self._change(() if event.up else (event.site,), (event.site,) if event.up else (), at)
        elif isinstance(event, ev.Booted) and event.again:
            self._change((), (UNCONFIRMED,), at)
        elif isinstance(event, ev.Booted):
            self._change((), tuple(self._out), event.heard_until or at)
            self._change((*self._known, *(() if event.reconciled else (UNCONFIRMED,))), (), at)

    def _change(self, lost: tuple[str, ...], back: tuple[str, ...], at: int) -> None:
        before = bool(self._out)
        self._out.update(dict.fromkeys(lost))
        for name in back:
            self._out.pop(name, None)
        if self._out and not before:
            self._since = at
        elif before and not self._out:
            self._spent_us += max(0, at - self._since)
