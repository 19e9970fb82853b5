"""The entries that a decision rests on, as the business hub's record holds them: of any site's log, one step far."""

from collections.abc import Iterator
from typing import Final

import msgspec

from holdgate.law.chronicle import ImportRecord
from holdgate.query.record import Said, said
from holdgate.query.scanned import Scanned
from holdgate.query.why import concerned, mentioned
from holdgate.terms.limits import FACTS_RESTED_MAX

_IMPORT: Final = msgspec.json.Decoder(ImportRecord)


class Rests:
    """What decisions rest on. `scanned`: the record; what it holds of an import is read once."""

    def __init__(self, scanned: Scanned) -> None:
        self._scanned = scanned
        self._read: dict[tuple[str, int], list[Said]] = {}

    def of(self, one: Said) -> Iterator[Said]:
        """The entries that a signed act's decision read; of an import, what is in it about whom and what the act names.

        Raises:
            Malformed: an entry cannot be read.
        """
        command = one.command
        if command is None:
            return
        named = frozenset(mentioned(command, one))
        for seq in one.decision.reads:
            found = self._at(one.place.site, seq)
            if len(found) == 1 and found[0].place == (one.place.site, seq):
                yield found[0]
                continue
            about = [fact for fact in found if any(concerned(event, named) for event in fact.decision.events)]
            yield from about[-FACTS_RESTED_MAX:]

    def _at(self, site: str, seq: int) -> list[Said]:
        """The entry at a place; of an import, the entries that it took in."""
        if (site, seq) not in self._read:
            body = self._scanned.body(site, seq)
            read = [] if body is None else [said(body)]
            taken = bool(read) and read[0].entry.kind == "import"
            self._read[site, seq] = self._taken(read[0]) if taken else read
        return self._read[site, seq]

    def _taken(self, read: Said) -> list[Said]:
        kept = _IMPORT.decode(read.entry.record)
        site = next((site for site, log in self._scanned.logs.items() if log.origin == kept.origin), "")
        bodies = (self._scanned.body(site, kept.start + index) for index in kept.held)
        return [said(body) for body in bodies if body is not None]
