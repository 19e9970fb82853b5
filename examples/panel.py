"""A test widget: an op's input panel that stays locked until the site permits it, pre-checks first."""

from contextlib import ExitStack

from holdgate.gate import Gate, Halted, Permit


class Panel:
    """The panel of one op at a kiosk. `told`: what it shows while it is locked."""

    def __init__(self, gate: Gate, *, order: str, job: str, step: str) -> None:
        self._gate = gate
        self._op = {"order": order, "job": job, "step": step}
        self._open = ExitStack()
        self._permit: Permit | None = None
        self.told = "Locked."
        self.values: dict[str, str] = {}

    @property
    def locked(self) -> bool:
        """Whether nothing may be typed in."""
        return self._permit is None

    def unlock(self) -> bool:
        """Ask the site; whether the panel is open now."""
        if self._permit is None:
            try:
                permit = self._gate.may(**self._op, deed="unlock_widget")
                self._open.enter_context(self._gate.holding(permit))
            except Halted as halted:
                self.told = str(halted)
                return False
            self._permit, self.told = permit, "Open."
        return True

    def type_in(self, field: str, value: str) -> bool:
        """Take a value, if the panel may still be open; whether it was taken."""
        if self._permit is None:
            return False
        try:
            self._gate.check(self._permit)
        except Halted as halted:
            self.lock()
            self.told = str(halted)
            return False
        self.values[field] = value
        return True

    def lock(self) -> None:
        """Close the panel; the site is told that it was open."""
        self._permit, self.told = None, "Locked."
        try:
            self._open.close()
        except Halted as halted:
            self.told = str(halted)
