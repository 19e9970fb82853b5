"""Why a module stands still. There is one exception, `Halted`; it says what was wrong and what helps.

A gate has two answers: go, or halt. Whatever cannot be proved is a halt (it fails closed); nothing in this package
catches one.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from holdgate.terms.errors import HoldgateError

if TYPE_CHECKING:
    from holdgate.gate.permit import Refusal


class Halt(StrEnum):
    """What made a gate halt."""

    WISH_UNREADABLE = "WISH_UNREADABLE"
    UNREACHABLE = "UNREACHABLE"
    ANSWER_UNREADABLE = "ANSWER_UNREADABLE"
    NOT_THE_SITES_WORD = "NOT_THE_SITES_WORD"
    REFUSED = "REFUSED"
    ANOTHER_WISH = "ANOTHER_WISH"
    PERMIT_UNKNOWN = "PERMIT_UNKNOWN"
    PERMIT_USED = "PERMIT_USED"
    PERMIT_OVER = "PERMIT_OVER"
    NOT_HELD = "NOT_HELD"
    CLOCK_WENT_BACK = "CLOCK_WENT_BACK"
    CLOCKS_DISAGREE = "CLOCKS_DISAGREE"
    REPORT_WAITS = "REPORT_WAITS"
    REPORT_REFUSED = "REPORT_REFUSED"
    REPORT_UNREADABLE = "REPORT_UNREADABLE"


REMEDIES: Final[dict[Halt, str]] = {
    Halt.WISH_UNREADABLE: "Mend what the controller asks for.",
    Halt.UNREACHABLE: "Bring the link to the site back, then ask again.",
    Halt.ANSWER_UNREADABLE: "Ask again; if it stays, find out what answers in the site's place.",
    Halt.NOT_THE_SITES_WORD: "Believe nothing of it; find out who answers, and check the site key that this module was given.",
    Halt.REFUSED: "Do what the refusal says, then ask again.",
    Halt.ANOTHER_WISH: "Ask for a permit of your own; find out who hands out the permits of others.",
    Halt.PERMIT_UNKNOWN: "Ask for a permit here, and use the one that comes back as it is.",
    Halt.PERMIT_USED: "Ask for a new permit; each holds for one act.",
    Halt.PERMIT_OVER: "Stop, and ask for a new permit.",
    Halt.NOT_HELD: "Act only inside of `with gate.holding(permit)`.",
    Halt.CLOCK_WENT_BACK: "Set the clock right and start this controller anew.",
    Halt.CLOCKS_DISAGREE: "Set this controller's clock by the shop's time source.",
    Halt.REPORT_WAITS: "Bring the link to the site back; `gate.deliver()` sends the report again, and nothing is permitted before.",
    Halt.REPORT_REFUSED: "Call the supervisor: the deed is done, and the refused report of it is on the site's record.",
    Halt.REPORT_UNREADABLE: "Call the supervisor: a deed may be missing on the site's record. Then start without what was kept.",
}
"""What a person can do about it."""


class Halted(HoldgateError):
    """The module must stand still.

    `halt`: what kind of reason. `why`: the reason in a sentence. `remedy`: what helps. `refusal`: the site's own refusal,
    verified, where that is the reason.
    """

    def __init__(self, halt: Halt, why: str, refusal: "Refusal | None" = None) -> None:
        self.halt = halt
        self.why = why
        self.remedy = REMEDIES[halt]
        self.refusal = refusal
        super().__init__(f"{why} {self.remedy}")
