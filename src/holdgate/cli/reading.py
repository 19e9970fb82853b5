"""Records opened for questions: closed stores, bundles and a Vault's copies, each by the name of its site."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path

from typing_extensions import override

from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.audit.bundle import Bundle
from holdgate.cli.records import BUNDLE, MIRROR, Mirror, find_logs, open_mirror
from holdgate.engine.source import StoreRecord
from holdgate.ledger.entry import read_entry_once
from holdgate.query.record import Record
from holdgate.terms.errors import Malformed, Unavailable


class Log(Record):
    """One site's record. `site`: whose; `path`: where it lies; `mirror`: it is a Vault's copy."""

    site: str
    path: Path
    mirror = False

    def checkpoint(self) -> bytes:
        """The newest signed checkpoint that is here of this log."""
        raise NotImplementedError


class StoredLog(StoreRecord, Log):
    """A site's own store, as far as it was when it was opened."""

    def __init__(self, store: SqliteStore, path: Path) -> None:
        super().__init__(store)
        self.path = path
        self.site = site_of(self)

    @override
    def checkpoint(self) -> bytes:
        return self.store.head().checkpoint


class BundledLog(Log):
    """One log in a file that travelled."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as lines:
            self._bundle = Bundle(lines)
        self.path = path
        self._rows = [*self._bundle.bodies()]
        self.size = len(self._rows)
        self.site = site_of(self)

    @override
    def rows(self, start: int) -> Iterator[tuple[int, bytes, bytes]]:
        yield from islice(self._rows, start, None)

    @override
    def body(self, seq: int) -> bytes | None:
        return self._rows[seq][2] if 0 <= seq < self.size else None

    @override
    def blob(self, key: str) -> bytes | None:
        return self._bundle.blob(key)

    @override
    def checkpoint(self) -> bytes:
        return self._bundle.checkpoint()


class MirroredLog(Log):
    """A Vault's copy of one site's log."""

    mirror = True

    def __init__(self, mirror: Mirror, origin: str, path: Path) -> None:
        self._mirror = mirror
        self._origin = origin
        self.path = path
        self.size = mirror.size(origin)
        self.site = site_of(self)

    @override
    def rows(self, start: int) -> Iterator[tuple[int, bytes, bytes]]:
        yield from self._mirror.rows(self._origin, start)

    @override
    def body(self, seq: int) -> bytes | None:
        return next((body for found, _, body in self._mirror.rows(self._origin, seq) if found == seq), None)

    @override
    def blob(self, key: str) -> bytes | None:
        return self._mirror.blob(key)

    @override
    def checkpoint(self) -> bytes:
        return self._mirror.checkpoint(self._origin)


def site_of(log: Record) -> str:
    """The site whose log it is, by its first entry.

    Raises:
        Malformed: it holds none.
    """
    first = log.body(0)
    if first is None:
        raise Malformed("the record holds no entry")
    return read_entry_once(first).site


@contextmanager
def open_logs(path: Path) -> Iterator[list[Log]]:
    """Every record at a place, the sites' own before bundles and copies; closed at the end.

    Raises:
        Unavailable: there is none. Malformed: one of them is no record.
    """
    with ExitStack() as held:
        logs: list[Log] = []
        for found in find_logs(path):
            if found.suffix == BUNDLE:
                logs.append(BundledLog(found))
                continue
            mirror = held.enter_context(open_mirror(found))
            origins = mirror.origins()
            logs += [MirroredLog(mirror, origin, found) for origin in origins]
            if not origins and found.name != MIRROR:
                store = SqliteStore(found, read_only=True)
                held.callback(store.close)
                logs.append(StoredLog(store, found))
        if not logs:
            raise Unavailable(f"there is no record at {path}")
        yield logs


def find_entry(logs: list[Log], text: str) -> tuple[Log, int]:
    """The record and the index that `SITE:SEQ` names, or `SEQ` where there is one record.

    Raises:
        Malformed: it names nothing that is there.
    """
    site, _, number = text.rpartition(":")
    if not number.isdecimal() or not number.isascii():
        raise Malformed(f"{text[:80]!r} names no entry; write SITE:NUMBER, such as HUB:57")
    names = [*dict.fromkeys(log.site for log in logs)]
    if not site and len(names) > 1:
        raise Malformed(f"say whose entry {number} is: {', '.join(f'{name}:{number}' for name in names)}")
    log = next((log for log in logs if not site or log.site == site), None)
    if log is None:
        raise Malformed(f"there is no record of {site[:80]!r} here; there are {', '.join(names)}")
    return log, int(number)
