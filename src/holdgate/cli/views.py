"""holdgate views: a Vault's mirrors as SQL tables, for analysts and reporting tools."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from holdgate.adapters.sqlite_mirror import SqliteMirror
from holdgate.adapters.sqlite_views import SqliteViews
from holdgate.cli.records import MIRROR
from holdgate.query.view_tables import ViewStore
from holdgate.query.views import bring_up
from holdgate.terms.errors import Malformed, Unavailable


def views(
    path: Path,
    /,
    *,
    out: Path | None = None,
    postgres: str | None = None,
    rebuild: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Bring SQL tables of every log up to what the Vault mirrors. The mirrors are only read; the Vault may be up.

    Parameters
    ----------
    path
        The Vault's mirror.db, its folder, or the shop's.
    out
        An SQLite file; made where it is missing.
    postgres
        A PostgreSQL database, as libpq writes it: postgresql://USER@HOST/DATABASE or service=NAME. Keep the password in
        ~/.pgpass, not here: others on this machine see command lines.
    rebuild
        Take out every row first.
    """
    if (out is None) == (postgres is None):
        raise Malformed("name one database: --out FILE for SQLite, or --postgres DSN")
    mirror = SqliteMirror(_mirror(path), read_only=True)
    try:
        with _opened(out, postgres) as store:
            brought = bring_up(store, mirror, rebuild=rebuild)
    finally:
        mirror.close()
    console = Console(highlight=False)
    for log in brought:
        console.print(f"  {log.origin}  {log.size} entries, {log.new} of them new", soft_wrap=True)
    return 0


@contextmanager
def _opened(out: Path | None, postgres: str | None) -> Iterator[ViewStore]:
    store = SqliteViews(out) if out is not None else _postgres(postgres or "")
    try:
        yield store
    finally:
        store.close()


def _postgres(dsn: str) -> ViewStore:
    """The adapter, where its driver is here.

    Raises:
        Unavailable: it is not, or the database is out of reach.
    """
    try:
        from holdgate.adapters.postgres_views import PostgresViews  # noqa: PLC0415  # an optional part
    except ImportError:
        raise Unavailable("the PostgreSQL driver is not installed: pip install 'holdgate[postgres]'") from None
    return PostgresViews(dsn)


def _mirror(path: Path) -> Path:
    """The mirror at a place.

    Raises:
        Unavailable: there is none. Malformed: there are several.
    """
    if path.is_file():
        return path
    found = [path / MIRROR] if (path / MIRROR).is_file() else sorted(path.glob(f"*/{MIRROR}"))
    if not found:
        raise Unavailable(f"there is no {MIRROR} at {path}: name a Vault's folder")
    if len(found) > 1:
        raise Malformed(f"there are several Vaults at {path}; name one: {', '.join(str(one) for one in found)}")
    return found[0]
