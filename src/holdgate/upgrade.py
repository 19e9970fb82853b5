"""upgrade: a new release takes over a shop's stores, once it has decided every entry again and nothing came out otherwise.

DIR/release.json   the newest release that took over, and the version of its law. An older release does not open the shop.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from holdgate.adapters.lock import SiteLock
from holdgate.adapters.new_file import put
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.audit.authorities import AUTHORITIES
from holdgate.backup import LEDGER, back_up
from holdgate.bootstrap import Premises, read_premises
from holdgate.engine.opening import open_log, save
from holdgate.engine.source import StoreHistory
from holdgate.identity.charter import SiteSeat
from holdgate.law.chronicle import blank_state
from holdgate.law.decision import SEMANTICS
from holdgate.terms.errors import Malformed, Unavailable

RELEASE: Final = "release.json"


class Release(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The release that took over. `version`: numbers between dots. `semantics`: of the law. `at`: when (UTC µs)."""

    version: str
    semantics: int
    at: int


class Upgraded(Struct, frozen=True, kw_only=True):
    """A site's log of so many entries, all decided again by this release."""

    site: str
    size: int


def upgrade(directory: Path, backup: Path, version: str, at: int) -> list[Upgraded]:
    """Take over a shop that is not open. It is backed up first; nothing is written before every log came out the same.

    Args:
        directory: the shop's.
        backup: a new folder.
        version: of this release.
        at: now (UTC µs).

    Raises:
        Unavailable: a site is open, or a store cannot be read. Malformed: the backup's folder is not empty, or a newer release
            took over before. Tampered: an entry does not come out as it stands there; this release must not be used on it.
    """
    check_release(directory, version)
    premises = read_premises(directory)
    here = [seat for seat in premises.charter.sites if (directory / seat.id / LEDGER).exists()]
    with ExitStack() as stack:
        for seat in premises.charter.sites:
            if (directory / seat.id).is_dir():
                stack.callback(SiteLock(directory / seat.id).release)
        back_up(directory, backup, at)
        done = [_again(premises, seat) for seat in here]
        release = Release(version=version, semantics=SEMANTICS, at=at)
        put(directory / RELEASE, msgspec.json.format(msgspec.json.encode(release)))
    return done


def _again(premises: Premises, seat: SiteSeat) -> Upgraded:
    """Decide a whole log again, and leave a snapshot of this release's own."""
    store = SqliteStore(premises.directory / seat.id / LEDGER)
    try:
        blank, authority = blank_state(premises.charter, seat.id, seat.kind), AUTHORITIES[seat.kind]
        opened = open_log(store, blank, authority, StoreHistory(store), premises.roots, from_start=True)
        save(store, opened.chronicle)
        return Upgraded(site=seat.id, size=opened.chronicle.tree.size)
    finally:
        store.close()


def check_release(directory: Path, version: str) -> None:
    """Let a release open a shop's stores.

    Raises:
        Malformed: a newer one took over before, or release.json is none. Unavailable: it cannot be read.
    """
    path = directory / RELEASE
    if not path.exists():
        return
    try:
        newest = msgspec.json.decode(path.read_bytes(), type=Release)
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"{path} does not say which release took over: {error}") from None
    if newest.semantics > SEMANTICS or _numbers(newest.version) > _numbers(version):
        raise Malformed(
            f"Holdgate {newest.version} took over this shop; {version} is older. Install {newest.version}, or restore the "
            "backup that was made before"
        )


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers of a release, up to the first word that is none."""
    numbers: list[int] = []
    for word in version.split("."):
        if not (word.isascii() and word.isdigit()):
            break
        numbers.append(int(word))
    return tuple(numbers)
