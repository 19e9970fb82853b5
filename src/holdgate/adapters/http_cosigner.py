"""Asking an outside witness over HTTP, in a thread, with one deadline for each request."""

import asyncio

from typing_extensions import override

from holdgate.adapters.http_post import DEADLINE_S, Address
from holdgate.engine.witnessing import OutsideWitness, ProofFrom
from holdgate.ledger.cosigning import Ask, Behind, Given, Refused, Step, next_step
from holdgate.ledger.note import Vkey
from holdgate.ledger.witness import Reply, write_request
from holdgate.terms.errors import Malformed, Tampered
from holdgate.terms.limits import COSIGNING_ANSWER_BYTES_MAX


class HttpCosigner(OutsideWitness):
    """One outside witness, under the key that is configured for it."""

    def __init__(self, vkey: Vkey, url: str, deadline_s: float = DEADLINE_S) -> None:
        """Name the witness.

        Args:
            vkey: its key; what it answers is held against this and nothing else.
            url: its submission prefix, http or https.
            deadline_s: for a whole request, seconds.

        Raises:
            Malformed: no address that can be asked.
        """
        self._address = Address(vkey.name, url, "a witness")
        self.name = vkey.name
        self._vkey = vkey
        self._deadline_s = deadline_s
        self._known: dict[bytes, int] = {}

    @override
    async def cosign(self, note: bytes, proof: ProofFrom) -> Given | Behind:
        return await asyncio.to_thread(self._cosign, note, proof)

    def _cosign(self, note: bytes, proof: ProofFrom) -> Given | Behind:
        """Hand it in, from the size that is remembered; from the size told, where it is another.

        Raises:
            Unavailable, Tampered, Malformed: see `OutsideWitness.cosign`.
        """
        origin, size = note.split(b"\n", 2)[:2]
        known = self._known.get(origin, 0)
        step: Step = Ask(old=known if known <= int(size) else 0)
        asked: tuple[int, ...] = ()
        while isinstance(step, Ask):
            asked = (*asked, step.old)
            body = write_request(step.old, proof(step.old), note)
            said = self._address.post(
                f"{self._address.path}/add-checkpoint",
                body,
                "application/octet-stream",
                COSIGNING_ANSWER_BYTES_MAX,
                self._deadline_s,
            )
            step = next_step(note, self._vkey, asked, Reply(status=said.status, body=said.body, kind=said.kind))
        if isinstance(step, Given):
            self._known[origin] = int(size)
        if isinstance(step, Refused):
            raise Tampered(step.why) if step.fork else Malformed(step.why)
        return step
