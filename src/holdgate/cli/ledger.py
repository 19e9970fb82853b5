"""holdgate ledger: the record as a log that others can read."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, overload

from cyclopts import App
from rich.console import Console
from typing_extensions import override

from holdgate.adapters.head_files import NOTE, TOKEN, HeadFiles
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.audit.authorities import AUTHORITIES
from holdgate.audit.bundle import write_bundle
from holdgate.bootstrap import HEADS, read_premises
from holdgate.engine.source import StoreSource
from holdgate.identity.charter import SiteSeat
from holdgate.ledger.merkle import root_of
from holdgate.ledger.note import make_vkey, open_checkpoint, parse_vkey
from holdgate.ledger.tiles import entry_bundles, tiles_for
from holdgate.terms.errors import Malformed, Tampered, Unavailable

KEY_FILE: Final = "log.vkey"

ledger = App(name="ledger", help="Work with the record as a log.", result_action="return_value")


@ledger.command
def export(*, data: Path, tiles: Path | None = None, bundles: Path | None = None) -> int:
    """Write every site's log as static files that other readers take.

    Parameters
    ----------
    data
        The shop's directory.
    tiles
        C2SP tlog-tiles: TILES/SITE/checkpoint, tile/…, log.vkey. May exist; full tiles never change.
    bundles
        One file a site, BUNDLES/SITE.bundle, with everything that `holdgate audit` needs but the trust file. Daily heads of the
        Vault that an authority stamped go with them, in BUNDLES/heads.
    """
    if tiles is None and bundles is None:
        raise Malformed("say where to write: --tiles DIR, --bundles DIR, or both")
    premises = read_premises(data)
    waiting = {seat.id for seat in premises.seats() if not _here(data, seat)} - {s.id for s in premises.charter.sites}
    seats = [seat for seat in premises.seats() if seat.kind in AUTHORITIES and seat.id not in waiting]
    gone = [seat.id for seat in seats if not _here(data, seat)]
    if gone:
        raise Unavailable(
            f"{data} holds no log of {', '.join(gone)}; an export without it would not be the shop's record"
        )
    console = Console()
    for seat in seats:
        path = data / seat.id / "ledger.db"
        if tiles is not None:
            size = export_log(path, seat, tiles / seat.id)
            console.print(f"{seat.id}: {size} entries in {tiles / seat.id}", soft_wrap=True)
        if bundles is not None:
            export_bundle(path, bundles / f"{seat.id}.bundle")
            console.print(f"{seat.id}: {bundles / seat.id}.bundle", soft_wrap=True)
    if bundles is not None:
        for vault in (seat.id for seat in premises.charter.sites if seat.kind == "vault"):
            count = export_heads(data / vault / HEADS, bundles / HEADS)
            if count:
                console.print(f"{vault}: {count} stamped heads in {bundles / HEADS}", soft_wrap=True)
    return 0


def _here(data: Path, seat: SiteSeat) -> bool:
    return (data / seat.id / "ledger.db").is_file()


def export_heads(folder: Path, out: Path) -> int:
    """Copy the heads of a Vault that were stamped, with their tokens; gives how many.

    Raises:
        Unavailable: a disk fails.
    """
    heads = HeadFiles(folder)
    pairs = [(day, heads.head(day), heads.token(day)) for day in heads.days()]
    written = _Files(out)
    count = 0
    try:
        for day, head, token in pairs:
            if head is not None and token is not None:
                written.write(f"{day}{NOTE}", head)
                written.write(f"{day}{TOKEN}", token)
                count += 1
        if count:
            written.settle()
    except OSError as error:
        raise Unavailable(f"{out} cannot be written: {error}") from error
    return count


def export_bundle(path: Path, out: Path) -> None:
    """Write one log with everything that it pins as one file.

    Raises:
        Unavailable: a disk fails.
    """
    store = SqliteStore(path, read_only=True)
    try:
        written = _Files(out.parent)
        written.write(out.name, b"".join(write_bundle(StoreSource(store), store.blobs())))
        written.settle()
    except OSError as error:
        raise Unavailable(f"{out} cannot be written: {error}") from error
    finally:
        store.close()


def export_log(path: Path, seat: SiteSeat, out: Path) -> int:
    """Write one log, up to the size of its signed checkpoint; the checkpoint comes last, when all that it covers is there.

    Returns:
        The size.

    Raises:
        Tampered: the checkpoint is not the site's, or the entries do not lead to its root. Unavailable: a disk fails.
    """
    store = SqliteStore(path, read_only=True)
    vkey = make_vkey(seat.origin, seat.key)
    try:
        note = store.head().checkpoint
        if not note:
            raise Unavailable(f"{seat.id} has signed no checkpoint yet; close the shop in good order first")
        checkpoint = open_checkpoint(note, parse_vkey(vkey))
        leaves = store.leaves(0, checkpoint.size)
        if len(leaves) != checkpoint.size or root_of(leaves) != checkpoint.root:
            raise Tampered(f"the entries of {seat.id} do not lead to the root that it signed; audit it first")
        written = _Files(out)
        for name, content in tiles_for(checkpoint.size, leaves):
            written.write(name, content)
        for name, content in entry_bundles(checkpoint.size, _Bodies(store, checkpoint.size)):
            written.write(name, content)
        written.write(KEY_FILE, f"{vkey}\n".encode())
        written.settle()
        written.write("checkpoint", note)
        written.settle()
    except OSError as error:
        raise Unavailable(f"{out} cannot be written: {error}") from error
    finally:
        store.close()
    return checkpoint.size


class _Bodies(Sequence[bytes]):
    """A store's entries, read when they are needed."""

    def __init__(self, store: SqliteStore, size: int) -> None:
        self._store = store
        self._size = size

    @override
    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    @override
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, int):
            return self[index : index + 1][0]
        start, stop, step = index.indices(self._size)
        bodies = [row.body for row in self._store.rows(start, stop)]
        if step != 1 or len(bodies) != stop - start:
            raise Malformed(f"entries {start} to {stop} are not all there")
        return bodies


class _Files:
    """Files that appear whole or not at all: written beside, made durable, renamed; then their folders are made durable."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: set[Path] = set()

    def write(self, name: str, content: bytes) -> None:
        """One file below the root."""
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.part")
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        folder = path.parent
        self._folders.update((folder, *(above for above in folder.parents if above.is_relative_to(self._root))))

    def settle(self) -> None:
        """Make the names durable."""
        for folder in sorted(self._folders, reverse=True):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        self._folders.clear()
