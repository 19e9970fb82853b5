"""The small client that modules embed: an oven's controller, a LIMS, a test widget. Needs `crypto` and `terms`, no more."""

from holdgate.gate.client import Ask, Gate
from holdgate.gate.halt import Halt, Halted
from holdgate.gate.host import Clock, MachineClock
from holdgate.gate.permit import Permit, Refusal

__all__ = ["Ask", "Clock", "Gate", "Halt", "Halted", "MachineClock", "Permit", "Refusal"]
