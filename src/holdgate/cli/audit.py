"""holdgate audit: verify records offline and make every decision again."""

import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter
from msgspec import Struct
from msgspec.structs import asdict
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.adapters.threads import ThreadChecks
from holdgate.audit.replay import Finding, LogReport, LogSource, audit_log
from holdgate.audit.trust import Trust
from holdgate.bootstrap import read_trust
from holdgate.crypto.hashes import digest, leaf_hash
from holdgate.engine.source import StoreSource
from holdgate.ledger.note import parse_vkey, read_note, verify_cosignature
from holdgate.terms.errors import HoldgateError, Malformed, Unavailable

LEDGER: Final = "ledger.db"
MIRROR: Final = "mirror.db"
Seen = Callable[[str, int, int], None]
"""Told the log's name, the entries looked at and all that there are."""


class Audited(Struct, frozen=True, kw_only=True):
    """One log and what the audit of it found. `mirror`: it is a Vault's copy."""

    path: str
    report: LogReport
    mirror: bool = False


def audit(
    path: Path,
    /,
    *,
    trust: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
    signatures: bool = True,
) -> int:
    """Verify records offline and make every decision again. Needs no network and no running shop.

    Parameters
    ----------
    path
        A shop's directory, a site's directory, or one ledger.db or mirror.db.
    trust
        The keys that you trust, from outside of what is audited (default: trust.json at or above PATH).
    json
        One JSON document on stdout.
    signatures
        Check every signature; without, only hashes, links and decisions.
    """
    found = find_logs(path)
    where = trust or _trust_near(path)
    if trust is None:
        _warn(f"The keys come from {where}, beside the record. Bring your own copy: --trust FILE.")
    keys = read_trust(where)
    console = Console(stderr=json)
    with _Watched(quiet=json) as seen:
        audited = [item for log in found for item in audit_file(log, keys, seen, signatures=signatures)]
    sound = all(item.report.holds for item in audited)
    if json:
        sys.stdout.write(msgspec.json.encode(_document(audited, where, outside=trust is not None)).decode() + "\n")
    else:
        for item in audited:
            _tell(console, item, signatures=signatures)
        _verdict(console, audited, signatures=signatures)
    return 0 if sound else 1


# ---- what there is to audit ----------------------------------------------------------------------------------------


def find_logs(path: Path) -> list[Path]:
    """The ledgers and mirrors at a place, the sites' own first.

    Raises:
        Unavailable: there are none.
    """
    if path.is_file():
        return [path]
    found = [log for name in (LEDGER, MIRROR) for log in (*sorted(path.glob(name)), *sorted(path.glob(f"*/{name}")))]
    if not found:
        raise Unavailable(f"there is no record at {path}: no {LEDGER} and no {MIRROR} in it or one level below")
    return found


def _trust_near(path: Path) -> Path:
    """The nearest trust.json at or above a place.

    Raises:
        Unavailable: there is none.
    """
    start = path.resolve()
    for folder in (start, *start.parents):
        if (folder / "trust.json").is_file():
            return folder / "trust.json"
    raise Unavailable(f"no trust.json lies at or above {path}; name the keys that you trust with --trust FILE")


def audit_sites(directory: Path) -> list[LogReport]:
    """Audit every deciding site of a closed shop, with the trust file beside it."""
    trust = read_trust(directory / "trust.json")
    return [item.report for log in sorted(directory.glob(f"*/{LEDGER}")) for item in audit_file(log, trust)]


def audit_file(path: Path, trust: Trust, seen: Seen | None = None, *, signatures: bool = True) -> list[Audited]:
    """Audit one ledger, or every log that a mirror holds. What cannot be read is a finding, so that others are audited.

    Raises:
        Unavailable: it is no record at all.
    """
    with closing(_open(path)) as db:
        origins = _mirrored(db)
        if origins:
            reports = [_audit_log(lambda o=o: MirrorSource(db, o), trust, seen, signatures) for o in origins]
            return [Audited(path=str(path), report=report, mirror=True) for report in reports]
    with closing(SqliteStore(path, read_only=True)) as store:
        return [Audited(path=str(path), report=_audit_log(lambda: _Stored(store, path), trust, seen, signatures))]


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


class MirrorSource(_Sized):
    """One log as a Vault mirrors it. Leaf hashes are computed here: the mirror keeps entries, not hashes."""

    def __init__(self, db: sqlite3.Connection, origin: str) -> None:
        self._db = db
        self._origin = origin
        self.name = f"mirror of {origin.rpartition('/')[2]}"
        self.size = int(db.execute("SELECT size FROM seat WHERE origin = ?", (origin,)).fetchone()[0])

    def bodies(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Every entry, in order."""
        for seq, body in self._db.execute(
            "SELECT seq, body FROM mirror WHERE origin = ? ORDER BY seq", (self._origin,)
        ):
            yield seq, leaf_hash(body), body

    def blob(self, key: str) -> bytes | None:
        """A pinned document whose content is what its key says."""
        row = self._db.execute("SELECT body FROM blob WHERE key = ?", (key,)).fetchone()
        body = None if row is None else bytes(row[0])
        return body if body is not None and key in (digest(body), leaf_hash(body).hex()) else None

    def checkpoint(self) -> bytes:
        """The site's newest checkpoint, as the Vault cosigned it."""
        row = self._db.execute("SELECT cosigned FROM seat WHERE origin = ?", (self._origin,)).fetchone()
        return bytes(row[0])

    def cosignatures(self) -> Mapping[str, bytes]:
        """The same note: it carries the Vault's cosignature."""
        return {"mirror": self.checkpoint()}


def _open(path: Path) -> sqlite3.Connection:
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        db.execute("SELECT name FROM sqlite_master LIMIT 1")
    except sqlite3.Error as error:
        raise Unavailable(f"{path} cannot be opened as a record: {error}") from error
    return db


def _mirrored(db: sqlite3.Connection) -> list[str]:
    """The logs that a mirror holds; none where it is no mirror."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'seat'").fetchone() is None:
        return []
    return [origin for (origin,) in db.execute("SELECT origin FROM seat ORDER BY origin")]


def _audit_log(open_source: Callable[[], _Sized], trust: Trust, seen: Seen | None, signatures: bool) -> LogReport:  # noqa: FBT001  # inner
    try:
        source = open_source()

        def progress(seq: int) -> None:
            if seen is not None:
                seen(source.name, seq, source.size)

        with ThreadChecks() as checks:
            report = audit_log(source, trust, checks if signatures else None, progress)
        progress(report.size)
        report.findings = [*report.findings, *_false_cosignatures(source, trust)]
    except (Unavailable, sqlite3.Error) as error:
        return LogReport(findings=[Finding(what=f"the record cannot be read to its end: {error}")])
    return report


def _false_cosignatures(source: LogSource, trust: Trust) -> list[Finding]:
    """A stored cosignature in a trusted witness's name that does not hold is a finding, not an absence."""
    found: list[Finding] = []
    known = [parse_vkey(text) for text in trust.witnesses]
    for name, note in sorted(source.cosignatures().items()):
        try:
            claimed = {(line.name, line.key_id) for line in read_note(note)[1]}
            keys = [vkey for vkey in known if (vkey.name, vkey.key_id) in claimed]
            if not keys:
                raise Malformed("it names no witness that you trust")
            for vkey in keys:
                verify_cosignature(note, vkey)
        except HoldgateError as error:
            found.append(Finding(what=f"the cosignature kept under {name} does not hold: {error}"))
    return found


# ---- telling -------------------------------------------------------------------------------------------------------


class _Watched:
    """A bar on stderr while the audit runs; nothing where nobody looks."""

    def __init__(self, *, quiet: bool) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        console = Console(stderr=True)
        self._bar = Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Seen:
        self._bar.start()
        return self._seen

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _seen(self, name: str, done: int, total: int) -> None:
        task = self._tasks.get(name)
        if task is None:
            task = self._tasks[name] = self._bar.add_task(name, total=total)
        self._bar.update(task, completed=done, total=max(total, done))


def _warn(sentence: str) -> None:
    Console(stderr=True).print(Text.assemble(("Note: ", "bold yellow"), sentence))


def _tell(console: Console, item: Audited, *, signatures: bool) -> None:
    """One log: what is in it, what was checked, what was found."""
    report = item.report
    name = report.site or Path(item.path).parent.name
    console.print(
        Text.assemble(
            "\n", (name, "bold"), ("  copy in the Vault" if item.mirror else "", ""), (f"  {report.origin}", "dim")
        )
    )
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(report.kinds.items(), key=lambda kind: -kind[1]))
    _row(console, "entries", f"{report.size}: {kinds or 'none'}; {report.denials} refusals")
    _row(console, "signatures", f"{report.signatures} checked" if signatures else "not checked (--no-signatures)")
    _row(console, "decisions", f"{report.repeated} of {report.size} entries made again, byte for byte")
    signed = f"the site signed {report.signed_size}" + (f", {report.beyond} came after" if report.beyond > 0 else "")
    cosigned = ", ".join(f"{witness} cosigned {size}" for witness, size in sorted(report.cosigned.items()))
    _row(console, "checkpoint", f"{signed}; {cosigned or 'no trusted witness cosigned'}")
    _row(console, "root", report.root)
    for finding in report.findings:
        where = "" if finding.seq is None else f"entry {finding.seq}: "
        _row(console, "FOUND", f"{where}{finding.what}", "red")


def _row(console: Console, label: str, text: str, style: str = "") -> None:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=10)
    grid.add_column()
    grid.add_row(Text(label, style=style or "dim"), Text(text, style=style))
    console.print(Padding(grid, (0, 0, 0, 2)))


def _verdict(console: Console, audited: list[Audited], *, signatures: bool) -> None:
    entries = sum(item.report.size for item in audited)
    bad = [item for item in audited if not item.report.holds]
    if bad:
        found = sum(len(item.report.findings) for item in bad)
        console.print(
            Text(f"\nNot sound: {found} finding(s) in {len(bad)} of {len(audited)} records.", style="bold red")
        )
        return
    scope = "" if signatures else " (signatures were not checked)"
    console.print(Text(f"\nVerified unaltered: {len(audited)} records, {entries} entries{scope}.", style="bold green"))


def _document(audited: list[Audited], where: Path, *, outside: bool) -> dict[str, object]:
    """The JSON document."""
    return {
        "sound": all(item.report.holds for item in audited),
        "trust": {"file": str(where), "named_by_the_auditor": outside},
        "records": [
            {"path": item.path, "mirror": item.mirror, "holds": item.report.holds, **asdict(item.report)}
            for item in audited
        ],
    }
