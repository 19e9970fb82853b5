"""A real PostgreSQL server for a test: its own cluster in a temporary folder, reached by a socket in it, gone afterwards."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

SUPERUSER: Final = "owner"
WAIT_S: Final = 120
_PLACES: Final = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin")


def binaries() -> Path | None:
    """The folder of the newest server's programs."""
    found = [
        folder for place in _PLACES for folder in Path("/").glob(place.lstrip("/")) if (folder / "initdb").is_file()
    ]
    on_path = shutil.which("initdb")
    if on_path is not None:
        found.append(Path(on_path).resolve().parent)
    return max(found, key=lambda folder: [int(part) for part in folder.parts if part.isdecimal()], default=None)


def runs_as() -> str | None:
    """Whom the server runs as: PostgreSQL refuses the superuser of the machine. None: whoever runs the tests."""
    if os.geteuid():
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")


def needed() -> Path:
    """The server's programs; skips where they, or the driver, are missing."""
    pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed: pip install 'psycopg[binary]'")
    found = binaries()
    if found is None:
        pytest.skip("no PostgreSQL server on this machine: apt install postgresql")
    return found


@contextlib.contextmanager
def server() -> Iterator[str]:
    """A running server; gives a connection string of its superuser, without a database's name."""
    programs, user = needed(), runs_as()
    place = Path(tempfile.mkdtemp(prefix="hg-pg-"))
    if user is not None:
        os.chown(place, pwd.getpwnam(user).pw_uid, -1)
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo"}

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [programs / program, *arguments],
            user=user, cwd=place, env=environment, capture_output=True, text=True, timeout=WAIT_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    try:
        run("initdb", "-D", f"{place}/data", "-A", "trust", "-U", SUPERUSER, "-E", "UTF8", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories='{place}' -c fsync=off -c timezone='Asia/Tokyo'"
        run("pg_ctl", "-D", f"{place}/data", "-w", "-t", str(WAIT_S), "-l", f"{place}/log", "-o", options, "start")
        try:
            yield f"host={place} user={SUPERUSER}"
        finally:
            run("pg_ctl", "-D", f"{place}/data", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(place, ignore_errors=True)
