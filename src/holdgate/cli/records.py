"""Records as they lie on a disk: finding them, opening them read-only, and auditing each."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec import Struct
from typing_extensions import override

from holdgate.adapters.parallel import ParallelChecks
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.adapters.sqlite_witness import SqliteWitness
from holdgate.audit.bundle import Bundle
from holdgate.audit.cross import compare_imports
from holdgate.audit.replay import Finding, LogReport, LogSource, audit_log
from holdgate.audit.stamped import StampedHead
from holdgate.audit.trust import Trust
from holdgate.bootstrap import read_trust
from holdgate.crypto.hashes import digest, leaf_hash
from holdgate.engine.source import StoreSource
from holdgate.ledger.note import parse_checkpoint, parse_vkey, read_note, verify_cosignature
from holdgate.terms.errors import Malformed, Unavailable

LEDGER: Final = "ledger.db"
MIRROR: Final = "mirror.db"
BUNDLE: Final = ".bundle"
WITNESS: Final = "witness.db"
Seen = Callable[[str, int, int], None]
"""Told the log's name, the entries looked at and all that there are."""


class Audited(Struct, frozen=True, kw_only=True):
    """One log and what the audit of it found. `mirror`: it is a Vault's copy."""

    path: str
    report: LogReport
    mirror: bool = False


def find_logs(path: Path) -> list[Path]:
    """The ledgers and mirrors at a place, the sites' own first.

    Raises:
        Unavailable: there are none, or a folder where one may lie cannot be read.
    """
    try:
        if path.is_file():
            return [path]
        top = sorted(path.iterdir()) if path.exists() else []
        below = [file for folder in top if folder.is_dir() for file in sorted(folder.iterdir())]
    except OSError as error:
        raise Unavailable(f"{error.filename or path} cannot be read: {error.strerror or error}") from error
    found = [log for name in (LEDGER, MIRROR) for log in (*top, *below) if log.name == name]
    found += [file for file in top if file.name.endswith(BUNDLE)]
    if not found:
        raise Unavailable(f"there is no record at {path}: no {LEDGER}, {MIRROR} or *{BUNDLE} in it or one level below")
    return found


def trust_near(path: Path) -> Path:
    """The nearest trust.json at or above a place.

    Raises:
        Unavailable: there is none.
    """
    start = path.resolve()
    for folder in (start, *start.parents):
        if (folder / "trust.json").is_file():
            return folder / "trust.json"
    raise Unavailable(f"no trust.json lies at or above {path}; name the keys that you trust with --trust FILE")


def trusted(path: Path) -> Trust:
    """What an auditor trusts, with keys that can be read.

    Raises:
        Unavailable: there is no such file. Malformed: it is no trust file, or names a witness by something else than a key.
    """
    trust = read_trust(path)
    for text in trust.witnesses:
        parse_vkey(text)
    return trust


def brought(paths: Sequence[Path], trust: Trust) -> list[bytes]:
    """Cosigned checkpoints that were kept elsewhere, each cosigned by a witness that the auditor trusts.

    Raises:
        Unavailable: no such file. Malformed, Tampered: no checkpoint, or no trusted witness's cosignature on it holds.
    """
    known = [parse_vkey(text) for text in trust.witnesses]
    notes: list[bytes] = []
    for path in paths:
        try:
            note = path.read_bytes()
        except OSError as error:
            raise Unavailable(f"{path} cannot be read: {error.strerror or error}") from error
        parse_checkpoint(note)
        named = {(line.name, line.key_id) for line in read_note(note)[1]}
        ours = [vkey for vkey in known if (vkey.name, vkey.key_id) in named]
        if not ours:
            raise Malformed(f"no witness that you trust cosigned {path}; add its key to your trust file's witnesses")
        for vkey in ours:
            verify_cosignature(note, vkey)
        notes.append(note)
    return notes


def unmatched(notes: Sequence[bytes], stamped: Sequence[StampedHead], audited: Sequence[Audited]) -> list[str]:
    """The logs that brought checkpoints are about and that were not audited; none where a record does not say whose it is.

    A stamped head is about every log of a shop: it counts where none of them was audited.
    """
    found = {item.report.origin for item in audited}
    if "" in found:
        return []
    others = {parse_checkpoint(note).origin for note in notes} - found
    for head in stamped:
        named = {log.origin for log in head.head.logs}
        others |= named if found.isdisjoint(named) else set()
    return sorted(others)


def audit_sites(directory: Path) -> list[LogReport]:
    """Audit every deciding site of a closed shop, with the trust file beside it."""
    trust = read_trust(directory / "trust.json")
    return [item.report for log in sorted(directory.glob(f"*/{LEDGER}")) for item in audit_file(log, trust)]


def audit_file(
    path: Path,
    trust: Trust,
    seen: Seen | None = None,
    *,
    signatures: bool = True,
    kept: Sequence[bytes] = (),
    stamped: Sequence[StampedHead] = (),
) -> list[Audited]:
    """Audit one ledger, or every log that a mirror holds. What cannot be read is a finding, so that others are audited.

    Raises:
        Unavailable: it is no record at all.
    """
    asked = (trust, seen, signatures, kept, stamped)
    if path.suffix == BUNDLE:
        return [Audited(path=str(path), report=_audit_log(partial(_Bundled, path), *asked))]
    with closing(_open(path)) as db:
        mirror = Mirror(db, path)
        reports = [_audit_log(partial(MirrorSource, mirror, origin), *asked) for origin in mirror.origins()]
        if reports:
            return [Audited(path=str(path), report=report, mirror=True) for report in reports]
    with closing(SqliteStore(path, read_only=True)) as store:
        report = _audit_log(partial(_Stored, store, path), *asked)
        return [Audited(path=str(path), report=report)]


@contextmanager
def open_sources(path: Path) -> Iterator[list[LogSource]]:
    """Every log at a place, the sites' own first, open for reading and not audited.

    Raises:
        Unavailable: there is none, or one is no record at all.
    """
    with ExitStack() as opened:
        yield [source for log in find_logs(path) for source in _sources_of(log, opened)]


def _sources_of(path: Path, opened: ExitStack) -> list[LogSource]:
    """The logs in one file."""
    if path.suffix == BUNDLE:
        return [_Bundled(path)]
    mirror = Mirror(opened.enter_context(closing(_open(path))), path)
    origins = mirror.origins()
    if origins:
        return [MirrorSource(mirror, origin) for origin in origins]
    return [_Stored(opened.enter_context(closing(SqliteStore(path, read_only=True))), path)]


def cross_check(audited: list[Audited]) -> None:
    """Compare what each log took in with the sound logs that are audited beside it."""
    own = {item.report.origin: Path(item.path) for item in audited if not item.mirror and item.report.holds}

    def leaves(origin: str, size: int) -> list[bytes] | None:
        path = own.get(origin)
        if path is None:
            return None
        if path.suffix == BUNDLE:
            return [leaf for _, leaf, _ in islice(_Bundled(path).bodies(), size)]
        with closing(SqliteStore(path, read_only=True)) as store:
            return store.leaves(0, size)

    compare_imports([item.report for item in audited], leaves)


class _Sized(LogSource):
    """A source that knows its name and how much there is."""

    name: str
    size: int


class _Stored(StoreSource, _Sized):
    """A site's own store."""

    def __init__(self, store: SqliteStore, path: Path) -> None:
        super().__init__(store)
        self.name = path.parent.name or path.name
        self.size = store.head().size


class _Bundled(Bundle, _Sized):
    """A bundle: one log in a file that travelled."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as lines:
            super().__init__(lines)
        self.name = path.stem
        self.size = sum(1 for _ in self.bodies())


class Mirror:
    """A Vault's store. Imported entries are no blobs here: they are found in the mirror of the log that they stand in."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self.db = db
        self._beside = path.with_name(WITNESS)
        self._by_leaf: dict[bytes, tuple[str, int]] = {}

    def origins(self) -> list[str]:
        """The logs that it holds; none where it is no mirror."""
        if self.db.execute("SELECT 1 FROM sqlite_master WHERE name = 'seat'").fetchone() is None:
            return []
        return [origin for (origin,) in self.db.execute("SELECT origin FROM seat ORDER BY origin")]

    def size(self, origin: str) -> int:
        """How many entries of a log it holds."""
        return int(self.db.execute("SELECT size FROM seat WHERE origin = ?", (origin,)).fetchone()[0])

    def rows(self, origin: str, start: int) -> Iterator[tuple[int, bytes, bytes]]:
        """Index, leaf hash and bytes of a log's entries from `start` on. The mirror keeps no hashes: they are computed."""
        query = "SELECT seq, body FROM mirror WHERE origin = ? AND seq >= ? ORDER BY seq"
        for seq, body in self.db.execute(query, (origin, start)):
            yield seq, leaf_hash(body), body

    def checkpoint(self, origin: str) -> bytes:
        """The log's newest checkpoint, as the Vault cosigned it."""
        return bytes(self.db.execute("SELECT cosigned FROM seat WHERE origin = ?", (origin,)).fetchone()[0])

    def outside(self, origin: str) -> dict[str, bytes]:
        """The newest checkpoints that outside witnesses cosigned, kept beside the mirror."""
        if not self._beside.is_file():
            return {}
        with closing(SqliteWitness(self._beside, read_only=True)) as kept:
            sizes = kept.outside_sizes(origin)
            notes = kept.outside(origin, sizes[0]) if sizes else []
        return {f"outside witness {number}": note for number, note in enumerate(notes, start=1)}

    def blob(self, key: str) -> bytes | None:
        """What is pinned under a key: a document by its digest, or an entry by its leaf hash."""
        row = self.db.execute("SELECT body FROM blob WHERE key = ?", (key,)).fetchone()
        if row is None:
            row = self._entry(bytes.fromhex(key))
        body = None if row is None else bytes(row[0])
        return body if body is not None and key in (digest(body), leaf_hash(body).hex()) else None

    def _entry(self, leaf: bytes) -> tuple[bytes] | None:
        if not self._by_leaf:
            every = self.db.execute("SELECT origin, seq, body FROM mirror")
            self._by_leaf = {leaf_hash(body): (origin, seq) for origin, seq, body in every}
        place = self._by_leaf.get(leaf)
        if place is None:
            return None
        found: tuple[bytes] | None = self.db.execute(
            "SELECT body FROM mirror WHERE origin = ? AND seq = ?", place
        ).fetchone()
        return found


class MirrorSource(_Sized):
    """One log as a Vault mirrors it. Leaf hashes are computed here: the mirror keeps entries, not hashes."""

    def __init__(self, mirror: Mirror, origin: str) -> None:
        self._mirror = mirror
        self._origin = origin
        self.name = f"copy of {origin.rpartition('/')[2]}"
        self.size = mirror.size(origin)

    @override
    def bodies(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Every entry, in order."""
        return self._mirror.rows(self._origin, 0)

    @override
    def blob(self, key: str) -> bytes | None:
        """A pinned document or entry whose content is what its key says."""
        return self._mirror.blob(key)

    @override
    def checkpoint(self) -> bytes:
        """The site's newest checkpoint, as the Vault cosigned it."""
        return self._mirror.checkpoint(self._origin)

    @override
    def cosignatures(self) -> Mapping[str, bytes]:
        """The same note: it carries the Vault's cosignature. And what outside witnesses cosigned for the Vault."""
        return {"the Vault's copy": self.checkpoint(), **self._mirror.outside(self._origin)}


@contextmanager
def open_mirror(path: Path) -> Iterator[Mirror]:
    """A Vault's store, opened read-only; one without origins where the file is something else.

    Raises:
        Unavailable: it is no database.
    """
    with closing(_open(path)) as db:
        yield Mirror(db, path)


def _open(path: Path) -> sqlite3.Connection:
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        db.execute("SELECT name FROM sqlite_master LIMIT 1")
    except sqlite3.Error as error:
        raise Unavailable(f"{path} cannot be opened as a record: {error}") from error
    return db


def _audit_log(
    open_source: Callable[[], _Sized],
    trust: Trust,
    seen: Seen | None,
    signatures: bool,
    kept: Sequence[bytes],
    stamped: Sequence[StampedHead],
) -> LogReport:
    try:
        source = open_source()

        def progress(seq: int) -> None:
            if seen is not None:
                seen(source.name, seq, source.size)

        with ParallelChecks(entries=source.size if signatures else 0) as checks:
            report = audit_log(source, trust, checks if signatures else None, progress, kept, stamped)
        progress(report.size)
    except Exception as error:  # noqa: BLE001  # whatever a record does to its auditor, the other records are audited
        return LogReport(
            findings=[Finding(what=f"the record cannot be read to its end: {type(error).__name__}: {error}")]
        )
    return report
