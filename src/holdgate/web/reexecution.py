"""Re-execution: the whole record checked and every decision made again, in a thread beside the site that goes on deciding.

It is the audit that `holdgate audit` runs, by the very server that is audited: it finds what was altered on the disk, not what a
server that lies would say. Whoever trusts no server takes the bundle and checks it elsewhere.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from typing_extensions import override

from holdgate.audit.replay import LogReport, PlainChecks, audit_log
from holdgate.audit.trust import Trust
from holdgate.ledger.note import KIND_COSIGNATURE, make_vkey
from holdgate.terms.errors import Unavailable
from holdgate.web.face import Face
from holdgate.web.written import Written

REST_S: Final = 0.0002
"""How long it rests after each entry, so that the site goes on deciding in time."""
NEVER, RUNNING, VERIFIED, DIFFERS, BROKEN = "never", "running", "verified", "differs", "broken"


class Reexecuted(Struct, frozen=True, kw_only=True):
    """How far it is, or what it found. `stands`: never, running, verified, differs or broken; `at`: when it began (UTC µs).

    `done` of `total` entries; `says`: the verdict; `entry`: of the first difference (-1: none, or none of one entry).
    """

    stands: str
    done: int = 0
    total: int = 0
    at: int = 0
    signatures: int = 0
    cosigned: int = 0
    says: str = ""
    entry: int = -1
    root: str = ""


class _Slow(Written):
    """The log, with a short rest after each entry."""

    @override
    def bodies(self) -> Iterator[tuple[int, bytes, bytes]]:
        for row in super().bodies():
            yield row
            time.sleep(REST_S)


class Reexecution:
    """The re-execution of one site's record: the one that runs, or the last one. `turn`: one at a time in a process."""

    def __init__(self, turn: asyncio.Lock) -> None:
        self._turn = turn
        self._found = Reexecuted(stands=NEVER)
        self._task: asyncio.Task[None] | None = None
        self._done = 0

    @property
    def now(self) -> Reexecuted:
        """How far it is."""
        found = self._found
        if found.stands != RUNNING:
            return found
        return Reexecuted(stands=RUNNING, done=self._done, total=found.total, at=found.at)

    def begin(self, face: Face) -> Reexecuted:
        """Begin, where none runs already.

        Raises:
            Unavailable: another site's record is being done in this process.
        """
        if self._found.stands == RUNNING:
            return self.now
        if self._turn.locked():
            raise Unavailable("another record is being done again just now; wait until it is through")
        source = _Slow(face)
        self._done = 0
        self._found = Reexecuted(stands=RUNNING, total=source.size, at=face.now())
        self._task = asyncio.create_task(self._run(source, _trust(face)))
        return self.now

    async def _run(self, source: Written, trust: Trust) -> None:
        began = self._found
        try:
            async with self._turn:
                report = await asyncio.to_thread(audit_log, source, trust, PlainChecks(), self._seen)
            self._found = _verdict(report, began)
        except Exception as error:  # noqa: BLE001  # whatever goes wrong is said, and the page stops waiting
            self._found = Reexecuted(
                stands=BROKEN, at=began.at, total=began.total, says=f"it could not be done: {error}"
            )

    def _seen(self, done: int) -> None:
        self._done = done


def _trust(face: Face) -> Trust:
    """The roots that this site was opened with, and the shop's own Vaults as witnesses."""
    vaults = (seat for seat in face.state.charter.sites if seat.kind == "vault")
    return Trust(
        roots=face.site.means.roots,
        witnesses=tuple(make_vkey(seat.origin, seat.key, KIND_COSIGNATURE) for seat in vaults),
    )


def _verdict(report: LogReport, began: Reexecuted) -> Reexecuted:
    first = next(iter(report.findings), None)
    if first is None:
        stands, says = VERIFIED, "record verified unaltered"
    else:
        stands, says = DIFFERS, first.what
    return Reexecuted(
        stands=stands,
        done=report.size,
        total=report.size,
        at=began.at,
        signatures=report.signatures,
        cosigned=max(report.cosigned.values(), default=0),
        says=says,
        entry=-1 if first is None or first.seq is None else first.seq,
        root=report.root,
    )
