"""Places where the engine may be unlucky and still be right: a smaller batch, an extra retry, a cache that is gone.

Each place asks `on` and, only if that is set, `unlucky` whether it goes the rarer way this time. In production nothing sets it, so
that a place costs one look at a module's attribute. The simulator sets it, lets its seed choose, and fails where a place was never
chosen in a whole run (tests/sim). What happens at such a place is always something that may happen anyway: permission, durability
and order never depend on it. No place is in the pure core. Source: FoundationDB's BUGGIFY (Zhou et al., SIGMOD 2021, section 4).
"""

from collections.abc import Callable

Choice = Callable[[str], bool]

on: bool = False
"""Whether anybody chooses. Only `choose` sets it."""
_choice: Choice | None = None


def choose(choice: Choice | None) -> None:
    """Let somebody choose at every place from now on; None: nobody, as in production."""
    global on, _choice
    _choice, on = choice, choice is not None


def unlucky(place: str) -> bool:
    """Whether the place goes the rarer way now. Ask `on` first."""
    return _choice is not None and _choice(place)
