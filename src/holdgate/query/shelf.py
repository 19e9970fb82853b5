"""Shelves: where the rows of `uses` lie. A shelf in memory, and the port that one on a disk fills as well.

A shelf holds the rows of one stretch of one record: its own entries, or those that its imports hold. It knows how far it
is (size and Merkle frontier), so that it can be brought up to date with what came since, and be seen to belong to this very
record. It proves nothing: it is thrown away and folded anew whenever it does not fit.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple, Protocol

from typing_extensions import override

from holdgate.crypto.hashes import leaf_hash
from holdgate.ledger.entry import read_entry_once
from holdgate.ledger.merkle import extend, root_from_frontier
from holdgate.query.record import Record, Said, said_by, taken_in
from holdgate.query.uses import Counted, Ended, Note, Row, Use, rows_of
from holdgate.terms.errors import Tampered

PAGE: Final = 4_096
"""Entries folded at a time."""

OWN: Final = "own"
"""The record's own entries."""
TAKEN: Final = "taken"
"""The entries of other sites that its imports hold."""


class Progress(NamedTuple):
    """How much of a record was folded: its size and Merkle frontier."""

    size: int = 0
    frontier: tuple[bytes, ...] = ()

    @property
    def root(self) -> bytes:
        """The root of what was folded."""
        return root_from_frontier(self.frontier, self.size)


class Span(NamedTuple):
    """What is asked of a shelf: uses of one thing in [since, until] (UTC µs)."""

    kind: str
    key: str
    since: int
    until: int


class Touch(NamedTuple):
    """Uses of one kind on one job (or outside of any).

    At these `steps` (by their ids), from `first` to `last`, `times`; so many are `going_on`; so many `readings` were
    recorded meanwhile.
    """

    order: str
    job: str
    what: str
    steps: tuple[str, ...]
    first: int
    last: int
    times: int
    going_on: int
    readings: int


class Shelf(Protocol):
    """Keeps rows and finds them again."""

    def progress(self) -> Progress:
        """How much was folded."""
        ...

    def keep(self, rows: Sequence[Row], progress: Progress) -> None:
        """Keep rows, in order, and how far that is; all or nothing."""
        ...

    def clear(self) -> None:
        """Forget everything."""
        ...

    def touches(self, span: Span, site: str | None = None) -> list[Touch]:
        """Uses that overlap a span, counted by order, job and what they were; of one site's entries or of all."""
        ...

    def uses(self, span: Span, site: str | None = None) -> list[Use]:
        """Uses that overlap a span, one by one."""
        ...

    def notes(self, topic: str, keys: Iterable[str], site: str | None = None) -> list[Note]:
        """Notes on these orders or reports, in the order in which they came."""
        ...

    def sites(self) -> list[str]:
        """The sites whose entries gave rows."""
        ...


class MemoryShelf(Shelf):
    """A shelf for one question."""

    def __init__(self) -> None:
        self.clear()

    @override
    def clear(self) -> None:
        self._progress = Progress()
        self._uses: list[Use] = []
        self._notes: list[Note] = []
        self._open: dict[tuple[str, str], list[int]] = {}

    @override
    def progress(self) -> Progress:
        return self._progress

    @override
    def keep(self, rows: Sequence[Row], progress: Progress) -> None:
        for row in rows:
            if isinstance(row, Note):
                self._notes.append(row)
            elif isinstance(row, Ended):
                self._end(row)
            elif isinstance(row, Counted):
                self._count(row)
            else:
                if row.until is None:
                    self._open.setdefault((row.order, row.job), []).append(len(self._uses))
                self._uses.append(row)
        self._progress = progress

    def _end(self, ended: Ended) -> None:
        left = []
        for index in self._open.pop((ended.order, ended.job), []):
            use = self._uses[index]
            if ended.step in ("", use.step):
                self._uses[index] = use._replace(until=ended.at)
            else:
                left.append(index)
        if left:
            self._open[ended.order, ended.job] = left

    def _count(self, counted: Counted) -> None:
        for index in self._open.get((counted.order, counted.job), []):
            use = self._uses[index]
            if use.step == counted.step:
                self._uses[index] = use._replace(readings=use.readings + 1)

    @override
    def uses(self, span: Span, site: str | None = None) -> list[Use]:
        return [
            use
            for use in self._uses
            if (use.kind, use.key) == (span.kind, span.key)
            and use.since <= span.until
            and (use.until is None or use.until >= span.since)
            and (site is None or use.site == site)
        ]

    @override
    def touches(self, span: Span, site: str | None = None) -> list[Touch]:
        grouped: dict[tuple[str, str, str], list[Use]] = {}
        for use in self.uses(span, site):
            grouped.setdefault((use.order, use.job, use.what), []).append(use)
        return [
            Touch(
                *key,
                steps=tuple(sorted({use.step for use in uses if use.step})),
                first=min(use.since for use in uses),
                last=max(use.since if use.until is None else use.until for use in uses),
                times=len(uses),
                going_on=sum(use.until is None for use in uses),
                readings=sum(use.readings for use in uses),
            )
            for key, uses in grouped.items()
        ]

    @override
    def notes(self, topic: str, keys: Iterable[str], site: str | None = None) -> list[Note]:
        wanted = frozenset(keys)
        return [n for n in self._notes if n.topic == topic and n.key in wanted and site in (None, n.site)]

    @override
    def sites(self) -> list[str]:
        return [*dict.fromkeys([*(use.site for use in self._uses), *(note.site for note in self._notes)])]


def bring_up(shelf: Shelf, record: Record, stretch: str, root: bytes | None = None) -> int:
    """Fold what came since, so that the shelf is where the record is.

    Args:
        shelf: changed; emptied first where it is not of this record.
        record: the record.
        stretch: OWN or TAKEN.
        root: the root that the record's own head names; None: not known.

    Returns:
        How many entries were folded.

    Raises:
        Tampered: the entries are not the ones of the record's head, or one of them is not the one that was recorded.
        Malformed: an entry cannot be read.
    """
    began = shelf.progress()
    folded = _go_on(shelf, record, stretch)
    if root is not None and shelf.progress().root != root:
        if not began.size:
            raise Tampered("the entries of the record do not lead to the root that its head names: audit it first")
        shelf.clear()
        folded = _go_on(shelf, record, stretch)
        if shelf.progress().root != root:
            raise Tampered("the entries of the record do not lead to the root that its head names: audit it first")
    return folded


def _go_on(shelf: Shelf, record: Record, stretch: str) -> int:
    if shelf.progress().size > record.size:
        shelf.clear()
    start = shelf.progress().size
    entries = record.rows(start)
    while page := [*islice(entries, PAGE)]:
        rows: list[Row] = []
        leaves: list[bytes] = []
        for seq, leaf, body in page:
            if leaf_hash(body) != leaf:
                raise Tampered(f"entry {seq} is not the one that was recorded: audit the record first")
            leaves.append(leaf)
            for one in _of(record, body, stretch):
                rows.extend(rows_of(one))
        known = shelf.progress()
        shelf.keep(rows, Progress(known.size + len(leaves), extend(known.size, known.frontier, leaves)))
    return shelf.progress().size - start


def _of(record: Record, body: bytes, stretch: str) -> Iterator[Said]:
    entry = read_entry_once(body)
    if stretch == OWN:
        yield said_by(entry)
    elif entry.kind == "import":
        yield from taken_in(record, entry)
