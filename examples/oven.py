"""An oven controller that heats only under a permit. `docs/modules.md` tells the rest."""

from typing import Protocol

from holdgate.gate import Gate


class Oven(Protocol):
    """The hardware, as the controller's own code drives it."""

    def on(self) -> None:
        """Heat."""
        ...

    def off(self) -> None:
        """Stop heating: the safe state."""
        ...

    def wait(self) -> bool:
        """Let one control cycle pass; whether the programme goes on."""
        ...


def dry(gate: Gate, oven: Oven, *, order: str, job: str, step: str, operator: str) -> None:
    """Run the drying programme once, or leave the oven cold.

    Raises:
        Halted: the oven is off; the message says why, and what helps.
    """
    permit = gate.may(order=order, job=job, step=step, deed="heat", operator=operator)
    with gate.holding(permit):
        try:
            oven.on()
            while oven.wait():
                gate.check(permit)
        finally:
            oven.off()
