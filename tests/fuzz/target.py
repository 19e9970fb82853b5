"""What a fuzz target is: a function of bytes that may raise the product's own errors and nothing else.

A target reads its input as the product does and asserts what has to be true of whatever was read: that it is written as the same
bytes, or that it says nothing that nobody signed. What it returns is compared with a second reading of the same bytes.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from holdgate.terms.errors import Malformed, Tampered, Unavailable

REFUSALS: Final = (Malformed, Tampered, Unavailable)
"""What reading untrusted bytes may raise. InvariantBroken is none of them: nothing from outside may break an invariant."""

Read = Callable[[bytes], object]
Seeds = Callable[[], Sequence[bytes]]


class Target(NamedTuple):
    """One way in. `share`: of the executions of a run, against the other targets; slow ones get less."""

    name: str
    read: Read
    seeds: Seeds
    words: tuple[bytes, ...]
    share: int


TARGETS: Final[dict[str, Target]] = {}


def target(seeds: Seeds, words: str = "", share: int = 8) -> Callable[[Read], Read]:
    """Register a target under its function's name. `words`: tokens that mean something to the reader, with blanks between them."""

    def registered(read: Read) -> Read:
        TARGETS[read.__name__] = Target(read.__name__, read, seeds, tuple(words.encode().split()), share)
        return read

    return registered
