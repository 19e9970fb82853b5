"""Outside witnesses of a Vault: each is asked, in the background, to cosign the newest checkpoint of every log that grew.

Nothing waits for them: work goes on, and so does the Vault. What they cosigned is kept as it comes.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from holdgate.engine.witnessing import OutsideWitness
from holdgate.ledger.cosigning import Behind
from holdgate.terms.errors import HoldgateError, InvariantBroken, Malformed, Unavailable

REST_S: Final = 30.0
"""How long a witness that did not answer is left alone."""


class Asking:
    """One outside witness and the logs that it still has to be asked about."""

    def __init__(
        self,
        witness: OutsideWitness,
        newest: Callable[[str], bytes | None],
        proof: Callable[[str, int, int], Sequence[bytes]],
        keep: Callable[[str, str, bytes], None],
        rest_s: float = REST_S,
    ) -> None:
        """Prepare to ask.

        Args:
            witness: who is asked.
            newest: the signed checkpoint of a log to hand in; None: there is none yet.
            proof: the consistency proof of a log from an old size to a size. Called in threads.
            keep: keeps a log's cosigned checkpoint under the witness's name. Called in threads.
            rest_s: how long it is left alone after no answer, seconds.
        """
        self.witness = witness
        self.faults: dict[str, HoldgateError] = {}
        self._newest = newest
        self._proof = proof
        self._keep = keep
        self._rest_s = rest_s
        self._due: dict[str, None] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether nobody is being asked."""
        return self._task is None

    def wake(self, origin: str) -> None:
        """This log grew."""
        self._due[origin] = None
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """Ask nothing more."""
        self._due.clear()
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            while self._due:
                origin = next(iter(self._due))
                del self._due[origin]
                try:
                    await self._ask(origin)
                    self.faults.pop(origin, None)
                except Unavailable as error:
                    self.faults[origin] = error
                    self._due[origin] = None
                    await asyncio.sleep(self._rest_s)
                except HoldgateError as error:
                    self.faults[origin] = error  # asked again when the log grows
                except Exception as error:  # noqa: BLE001  # a defect is shown as this witness's fault, it ends nothing unseen
                    self.faults[origin] = InvariantBroken(f"asking {self.witness.name} failed: {error!r}")
        finally:
            self._task = None

    async def _ask(self, origin: str) -> None:
        note = self._newest(origin)
        if note is None:
            return
        size = int(note.split(b"\n", 2)[1])
        said = await self.witness.cosign(note, lambda old: self._proof(origin, old, size))
        if isinstance(said, Behind):
            raise Malformed(
                f"{self.witness.name} says that it accepted {said.size} entries of {origin}, which has {size} here: it was "
                "handed a newer checkpoint, or this log was set back"
            )
        await asyncio.to_thread(self._keep, origin, self.witness.name, said.note)
