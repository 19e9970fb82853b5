"""Money in scenario files: acts whose inputs are named as the act's own fields are (`po` for the order)."""

from collections.abc import Callable
from typing import Any, Final, get_type_hints

import msgspec

from holdgate.law import command as c
from holdgate.scenario.draft import Draft
from holdgate.terms.errors import Malformed

_HEAD: Final = frozenset(c.Command.__struct_fields__)
_NAMES: Final = {"order": "po"}
"""Fields that a scenario calls otherwise."""


def as_written(act: type[c.Command]) -> Callable[[Draft, str], c.AnyCommand]:
    """A maker of this act from inputs that are named after its fields; what is left out has the act's own default."""
    hints = get_type_hints(act)
    own = [name for name in act.__struct_fields__ if name not in _HEAD]

    def made(d: Draft, site: str) -> c.AnyCommand:
        written = {name: d.inputs[key] for name in own if (key := _NAMES.get(name, name)) in d.inputs}
        if "reason" in own:
            written["reason"] = d.reason()
        command: Any = act(**d.header(site), **{name: _read(value, hints[name]) for name, value in written.items()})
        return command  # type: ignore[no-any-return]

    return made


def _read(value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Malformed(f"an input cannot be read: {error}") from None
