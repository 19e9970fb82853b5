"""A request on its way: what a transport keeps until the answer comes, in parts, or there will be none."""

import asyncio
from typing import NamedTuple

from holdgate.engine.parts import Gathering
from holdgate.terms.errors import HoldgateError


class Asked(NamedTuple):
    """A request that waits for its answer."""

    subject: str
    receiver: str
    answer: "asyncio.Future[bytes]"
    parts: Gathering

    def fail(self, error: HoldgateError) -> None:
        """There will be no answer."""
        if not self.answer.done():
            self.answer.set_exception(error)
