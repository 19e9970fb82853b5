"""backup: copies of a shop's stores that hold, putting them back, and a store made anew from the Vault's copy.

BACKUP/manifest.json   what is in it: the SHA-256 of each file, and for each store its size in entries and its root
BACKUP/charter.json, trust.json, SITE/ledger.db, VAULT/mirror.db and, where there are, VAULT/witness.db, watch.db,
witnesses.policy, timestamp.json with its certificates, and heads, and SITE/seat.json of a node that joined later
No keys: they are kept apart.
"""

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec
from msgspec import Struct

from holdgate.adapters.head_files import NOTE, TOKEN
from holdgate.adapters.lock import SiteLock
from holdgate.adapters.sqlite_mirror import SqliteMirror
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.audit.authorities import AUTHORITIES
from holdgate.bootstrap import HEADS, POLICY, SEAT, TIMESTAMP, Premises, read_premises
from holdgate.engine.follow import Copies
from holdgate.engine.opening import open_log
from holdgate.engine.rebuild import rebuild
from holdgate.engine.source import StoreHistory
from holdgate.law.chronicle import blank_state
from holdgate.ledger.note import KIND_COSIGNATURE, make_vkey, open_checkpoint, parse_vkey
from holdgate.terms.errors import Malformed, Tampered, Unavailable

MANIFEST: Final = "manifest.json"
ROUNDS: Final = 8
"""How often stores that others already know more of are copied again."""
LEDGER: Final = "ledger.db"
MIRROR: Final = "mirror.db"
PAPERS: Final = ("charter.json", "trust.json")
_VAULTS: Final = (POLICY, TIMESTAMP, "*.pem", f"{HEADS}/*{NOTE}", f"{HEADS}/*{TOKEN}")
"""Beside a Vault's stores; a `.pem` there is a pinned certificate, no key."""
_CHUNK: Final = 1 << 20


class Copied(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a backup. `size`: its entries, if it is a store; `root`: of its log, in hex ("": it is none, or a mirror)."""

    path: str
    sha256: str
    size: int = 0
    root: str = ""


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a backup holds. `at`: when it was made (UTC µs). `papers`: everything but the sites' stores."""

    org: str
    at: int
    stores: tuple[Copied, ...]
    papers: tuple[Copied, ...]
    v: int = 1


def back_up(directory: Path, target: Path, at: int) -> Manifest:
    """Copy every store of a shop that is in this directory; the shop may be up meanwhile.

    Each copy is whole by itself (SQLite's backup interface) and is opened before it counts. All of them fit together: none knows
    more of another's log than is in the backup; where a copy is too old for that, it is taken again.

    Raises:
        Unavailable: there is no shop, a store cannot be read, or the shop is too busy for copies that fit together.
        Malformed: the target is not empty. Tampered: a store does not hold.
    """
    premises = read_premises(directory)
    if target.exists() and any(target.iterdir()):
        raise Malformed(f"{target} is not empty; name a new folder")
    target.mkdir(parents=True, exist_ok=True)
    copied = _fitting(premises, target)
    papers = _papers(premises)
    for name in papers:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(directory / name, target / name)
        _flush(target / name)
    for name in _witnessed(premises):
        _copy(directory / name, target / name)
    papers += _witnessed(premises)
    manifest = Manifest(
        org=premises.charter.org,
        at=at,
        stores=tuple(copied),
        papers=tuple(Copied(path=name, sha256=_digest(target / name)) for name in papers),
    )
    (target / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    _flush(target / MANIFEST)
    return manifest


def _papers(premises: Premises) -> list[str]:
    """What is copied as it is."""
    vaults = [premises.directory / seat.id for seat in premises.charter.sites if seat.kind == "vault"]
    found = [path for vault in vaults for pattern in _VAULTS for path in sorted(vault.glob(pattern)) if path.is_file()]
    seats = [path for seat in premises.seats() if (path := premises.directory / seat.id / SEAT).is_file()]
    return [*PAPERS, *(path.relative_to(premises.directory).as_posix() for path in (*found, *seats))]


def _witnessed(premises: Premises) -> list[str]:
    """What outside witnesses and strangers handed a Vault, and what its watch found."""
    vaults = [seat.id for seat in premises.charter.sites if seat.kind == "vault"]
    names = (f"{vault}/{name}" for vault in vaults for name in ("witness.db", "watch.db"))
    return [name for name in names if (premises.directory / name).is_file()]


def _fitting(premises: Premises, target: Path) -> list[Copied]:
    """Copies of every store that is here, taken until they fit together."""
    names = {seat.id: f"{seat.id}/{MIRROR if seat.kind == 'vault' else LEDGER}" for seat in premises.seats()}
    here = [site for site, name in names.items() if (premises.directory / name).exists()]
    sizes: dict[str, int] = {}
    known: dict[str, dict[str, int]] = {}
    copied: dict[str, Copied] = {}
    old = here
    for _ in range(ROUNDS):
        for site in old:
            _copy(premises.directory / names[site], target / names[site])
            copied[site], known[site] = _looked_at(premises, target, site, names[site])
            sizes[premises.seat(site).origin] = copied[site].size
        needed = {origin: max(told.get(origin, 0) for told in known.values()) for origin in sizes}
        old = [site for site in here if sizes[premises.seat(site).origin] < needed[premises.seat(site).origin]]
        if not old:
            return [copied[site] for site in here]
    busy = ", ".join(old)
    raise Unavailable(
        f"{busy} went on too fast for copies that fit together; try again when there is less work, or stop the shop"
    )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as reader,
            closing(sqlite3.connect(target)) as writer,
        ):
            reader.backup(writer)
            writer.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise Unavailable(f"{source} could not be copied: {error}") from error
    _flush(target)


def _flush(path: Path) -> None:
    """To the disk, the file and its folder."""
    for place in (path, path.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _looked_at(premises: Premises, base: Path, site: str, name: str) -> tuple[Copied, dict[str, int]]:
    """What a copied store holds, read from the copy; and how much of which other log it knows.

    Raises:
        Tampered: it does not hold.
    """
    path, seat = base / name, premises.seat(site)
    digest = _digest(path)
    if seat.kind == "vault":
        mirror = SqliteMirror(path, read_only=True)
        held = {origin: mirror.held(origin)[0] for origin in mirror.origins()}
        mirror.close()
        return Copied(path=name, sha256=digest, size=sum(held.values())), held
    store = SqliteStore(path, read_only=True)
    try:
        blank = blank_state(premises.charter, site, seat.kind)
        chronicle = open_log(store, blank, AUTHORITIES[seat.kind], StoreHistory(store), premises.roots).chronicle
    finally:
        store.close()
    tree = chronicle.tree
    known = {origin: held.size for origin, held in chronicle.state.origins.items()}
    return Copied(path=name, sha256=digest, size=tree.size, root=tree.root().hex()), known


def _digest(path: Path) -> str:
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()


def read_manifest(backup: Path) -> Manifest:
    """What a backup says that it holds; every file is held against it.

    Raises:
        Unavailable: there is no backup. Malformed: the manifest cannot be read. Tampered: a file is not the one that was copied.
    """
    try:
        manifest = msgspec.json.decode((backup / MANIFEST).read_bytes(), type=Manifest)
    except OSError as error:
        raise Unavailable(f"{backup} holds no backup: {error}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"{backup / MANIFEST} is no manifest: {error}") from None
    for copied in (*manifest.stores, *manifest.papers):
        path = backup / copied.path
        if Path(copied.path).is_absolute() or ".." in Path(copied.path).parts:
            raise Malformed(f"the manifest names {copied.path[:200]!r}, which lies outside of the backup")
        if not path.is_file() or _digest(path) != copied.sha256:
            raise Tampered(f"{path} is not the file that was backed up; take another backup")
    return manifest


def restore(backup: Path, directory: Path) -> Manifest:
    """Put a backup's stores back. Nothing that is there is overwritten.

    Raises:
        Tampered, Malformed, Unavailable: the backup does not hold. Malformed: a store is there already.
    """
    manifest = read_manifest(backup)
    there = [copied.path for copied in manifest.stores if (directory / copied.path).exists()]
    if there:
        raise Malformed(
            f"{directory / there[0]} is there already; a store is never put over another: move it away first"
        )
    for copied in (*manifest.papers, *manifest.stores):
        target = directory / copied.path
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(backup / copied.path, target)
            _flush(target)
    return manifest


def rebuild_from_vault(directory: Path, site: str, mirror: Path) -> int:
    """Make a site's store anew from a Vault's mirror; its keys have to be in the directory. Gives how many entries there are.

    What the Vault had not seen is lost, and nobody was told that it was replicated.

    Raises:
        Malformed: the site decides nothing, or has a store. Unavailable: the mirror holds nothing of it, or not enough.
        Tampered: what it holds does not come out as it stands there.
    """
    premises = read_premises(directory)
    seat = premises.seat(site)
    if seat.kind not in AUTHORITIES:
        raise Malformed(f"{site} has no log of decisions")
    path = directory / site / LEDGER
    if path.exists():
        raise Malformed(f"{path} is there already; move it away first, and keep it")
    premises.keys(site)
    lock = SiteLock(directory / site)
    copy = SqliteMirror(mirror, read_only=True)
    try:
        return _rebuilt(premises, site, copy, path)
    finally:
        copy.close()
        lock.release()


def _rebuilt(premises: Premises, site: str, mirror: SqliteMirror, path: Path) -> int:
    seat = premises.seat(site)
    cosigned = mirror.latest(seat.origin)
    if cosigned is None:
        raise Unavailable(f"the Vault's copy holds nothing of {site}")
    vaults = [
        parse_vkey(make_vkey(s.origin, s.key, KIND_COSIGNATURE)) for s in premises.charter.sites if s.kind == "vault"
    ]
    checkpoint = open_checkpoint(cosigned, parse_vkey(make_vkey(seat.origin, seat.key)), vaults)
    blank = blank_state(premises.charter, site, seat.kind)
    copies = Copies(blob=mirror.blob, foreign=mirror.entries)
    with TemporaryDirectory(dir=path.parent, prefix="rebuilding-") as folder:
        store = SqliteStore(Path(folder) / LEDGER)
        try:
            bodies = mirror.entries(seat.origin)
            size = rebuild(store, bodies, copies, checkpoint, cosigned, blank, AUTHORITIES[seat.kind], premises.roots)
        finally:
            store.close()
        _copy(Path(folder) / LEDGER, Path(folder) / "whole.db")
        (Path(folder) / "whole.db").replace(path)
    _flush(path)
    return size
