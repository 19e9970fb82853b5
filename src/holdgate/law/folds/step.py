"""What a function of the fold is."""

from collections.abc import Callable
from typing import Any

from holdgate.law import event as ev
from holdgate.law.library import Library
from holdgate.law.state import State

Step = Callable[[State, Library, Any, int, int], None]
"""Changes the state by one event: (state, library, event, at in UTC µs, own-log entry)."""
Steps = dict[type[ev.Event], Step]
