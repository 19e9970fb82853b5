"""What the advisor reads: readings and contract versions, as the logs of a shop hold them.

The logs are those of an audit (`holdgate.audit.replay.LogSource`); whether they hold is the audit's question, asked before.
Each site is read once, whether its own store, a bundle or the Vault's copy comes first.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from holdgate.audit.replay import LogSource
from holdgate.law import event as ev
from holdgate.law.command import RecordLate
from holdgate.law.contract import SmartClientPO, SmartSP, read_document
from holdgate.law.replay import read_action
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import Entry, read_entry


class Reading(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One recorded value. `seq`: its entry in the site's log. `at`: when it was recorded, or observed if it came late (UTC µs).

    `late`: entered afterwards. `corrected`: the entry that put this value in the place of the one first recorded.
    """

    site: str
    seq: int
    at: int
    order: str
    job: str
    step: str
    value: str
    unit: str
    serial: str = ""
    late: bool = False
    corrected: int = 0


class Version(NamedTuple):
    """A contract version with both of its documents."""

    sha256: str
    contract: str
    version: str
    template: SmartClientPO
    technique: SmartSP


class Stream(NamedTuple):
    """What makes readings comparable: one contract version, step and characteristic at one site."""

    sha256: str
    step: str
    characteristic: str
    site: str


class ShopRecord:
    """The readings and contracts of a shop's logs, folded."""

    def __init__(self) -> None:
        self.hub = ""
        self.versions: dict[str, Version] = {}
        self.in_force: dict[str, str] = {}
        self.tuned: dict[tuple[str, str], str] = {}
        self.waiting: dict[tuple[str, str], str] = {}
        self._streams: dict[Stream, dict[int, Reading]] = {}
        self._pinned: dict[tuple[str, str, str, str], str] = {}
        self._last: dict[tuple[str, ...], tuple[Stream, int]] = {}

    def streams(self) -> Iterator[tuple[Stream, tuple[Reading, ...]]]:
        """Every stream with its readings, in order of their time."""
        for stream, found in self._streams.items():
            yield stream, tuple(sorted(found.values(), key=lambda reading: (reading.at, reading.seq)))

    def take(self, source: LogSource, entry: Entry) -> None:
        """Fold one action entry."""
        for event in decision_of(entry).events:
            match event:
                case ev.ReadingRecorded():
                    self._read(entry, event)
                case ev.ReadingCorrected():
                    self._correct(entry, event)
                case ev.StepStarted(contract=contract) if contract:
                    self._pinned[entry.site, event.order, event.job, event.step] = contract
                case ev.ContractSubmitted():
                    self._submit(source, entry, event)
                case ev.ContractActivated(sha256=sha256):
                    if sha256 in self.versions:
                        self.in_force[self.versions[sha256].contract] = sha256
                case ev.TuneSuggested(sha256=sha256, param=param, value=value):
                    self.waiting[sha256, param] = value
                case ev.ParameterTuned(sha256=sha256, param=param, value=value):
                    self.waiting.pop((sha256, param), None)
                    self.tuned[sha256, param] = value
                case ev.TuneReverted(sha256=sha256, param=param):
                    self.waiting.pop((sha256, param), None)
                    self.tuned.pop((sha256, param), None)
                case _:
                    pass

    def _read(self, entry: Entry, event: ev.ReadingRecorded) -> None:
        pinned = self._pinned.get((entry.site, event.order, event.job, event.step))
        stream = Stream(pinned or entry.law.contract or "", event.step, event.characteristic, entry.site)
        self._streams.setdefault(stream, {})[entry.seq] = Reading(
            site=entry.site,
            seq=entry.seq,
            at=_observed_at(entry) if event.late else entry.at,
            order=event.order,
            job=event.job,
            step=event.step,
            value=event.value,
            unit=event.unit,
            serial=event.serial or "",
            late=event.late,
        )
        self._last[_place(entry, event)] = (stream, entry.seq)

    def _correct(self, entry: Entry, event: ev.ReadingCorrected) -> None:
        """The value that holds now stands in the place of the one that was read; the log keeps both."""
        found = self._last.get(_place(entry, event))
        if found is not None:
            stream, seq = found
            self._streams[stream][seq] = replace(self._streams[stream][seq], value=event.value, corrected=entry.seq)

    def _submit(self, source: LogSource, entry: Entry, event: ev.ContractSubmitted) -> None:
        template = source.blob(event.sha256)
        document = None if template is None else read_document(template)
        if not isinstance(document, SmartClientPO):
            return
        process = source.blob(document.process)
        technique = None if process is None else read_document(process)
        if isinstance(technique, SmartSP):
            self.hub = entry.site
            self.versions[event.sha256] = Version(event.sha256, event.contract, event.version, document, technique)


def read_shop(sources: Iterable[LogSource]) -> ShopRecord:
    """Read the logs of a shop; a site's second log (the Vault's copy of it) is left out.

    Raises:
        Malformed: an entry cannot be read.
    """
    record, seen = ShopRecord(), dict[str, LogSource]()
    for source in sources:
        for _, _, body in source.bodies():
            entry = read_entry(body)
            if seen.setdefault(entry.site, source) is not source:
                break
            if entry.kind == "action":
                record.take(source, entry)
    return record


def _observed_at(entry: Entry) -> int:
    command = read_action(entry).command
    return command.observed_at if isinstance(command, RecordLate) else entry.at


def _place(entry: Entry, event: ev.ReadingRecorded | ev.ReadingCorrected) -> tuple[str, ...]:
    return (entry.site, event.order, event.job, event.step, event.characteristic, event.serial or "")
