"""Heads of a Vault as files: `<day>.note` is the signed head, `<day>.tsr` the authority's answer over it.

Two plain files a day, so that anybody can take them along and check them with a tool of their own
(`openssl ts -verify -data 2026-04-01.note -in 2026-04-01.tsr -CAfile …`).
"""

import os
import re
from pathlib import Path
from typing import Final

from typing_extensions import override

from holdgate.adapters.new_file import write_new
from holdgate.engine.timestamping import HeadStore
from holdgate.terms.errors import Malformed, Unavailable

NOTE: Final = ".note"
TOKEN: Final = ".tsr"  # noqa: S105  # a file's ending (time-stamp reply)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class HeadFiles(HeadStore):
    """Heads in a folder, which is made with the first one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @override
    def days(self) -> list[str]:
        try:
            names = [path.name for path in self.folder.iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unavailable(f"the heads in {self.folder} cannot be read: {error}") from error
        stems = (name.removesuffix(NOTE) for name in names if name.endswith(NOTE))
        return sorted(stem for stem in stems if _DAY.fullmatch(stem))

    @override
    def head(self, day: str) -> bytes | None:
        return self._read(day, NOTE)

    @override
    def token(self, day: str) -> bytes | None:
        return self._read(day, TOKEN)

    @override
    def keep_head(self, day: str, head: bytes) -> None:
        self._keep(day, NOTE, head)

    @override
    def keep_token(self, day: str, token: bytes) -> None:
        self._keep(day, TOKEN, token)

    def _read(self, day: str, ending: str) -> bytes | None:
        if not _DAY.fullmatch(day):
            return None
        try:
            return (self.folder / f"{day}{ending}").read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"the head of {day} cannot be read: {error}") from error

    def _keep(self, day: str, ending: str, content: bytes) -> None:
        """Write the whole file beside its place, then link it there: half a file is never seen, and none is replaced."""
        if not _DAY.fullmatch(day):
            raise Malformed(f"{day[:40]!r} is no day such as 2026-04-01")
        path, draft = self.folder / f"{day}{ending}", self.folder / f"{day}{ending}.part"
        try:
            draft.unlink(missing_ok=True)
            write_new(draft, content)
            os.link(draft, path)
            draft.unlink()
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except FileExistsError:
            raise Malformed(f"{path} is there already; it is not replaced") from None
        except OSError as error:
            raise Unavailable(f"{path} cannot be written: {error}") from error
