"""The drawer: drafts of orders as they lie at the office, and are no record.

They are kept in memory alone: a restart loses them, and with them nothing that was signed. What a purchase order says of
people is here and in the file that it came in, and nowhere else. The whole office sees every draft, because a contract review is
signed by two; anybody of it throws one away; each goes by itself after three days.
"""

from typing import Final

from msgspec import Struct

from holdgate.query.order_draft import Noted
from holdgate.query.order_fields import OrderLine
from holdgate.terms.errors import Malformed
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import ORDER_DRAFTS_MAX

KEPT_S: Final = 3 * 86_400


class KeptDraft(Struct, frozen=True, kw_only=True):
    """A draft. `id`: unpredictable; `order`: its number here; `by`, `at`: who laid it there, when (UTC µs).

    `file`: SHA-256 of its paper ("": none). `answers`: what the client answered, by item of the checklist.
    """

    id: str
    order: str
    line: OrderLine
    file: str
    by: str
    at: int
    answers: dict[str, Noted] = {}


class Drawer:
    """Keeps drafts."""

    def __init__(self) -> None:
        self._kept: dict[str, KeptDraft] = {}

    def all(self, now: int) -> list[KeptDraft]:
        """Every draft, the newest first."""
        self._sweep(now)
        return [*self._kept.values()][::-1]

    def get(self, draft: str, now: int) -> KeptDraft | None:
        """One draft; None where there is none (any more)."""
        self._sweep(now)
        return self._kept.get(draft)

    def of_order(self, order: str, now: int) -> KeptDraft | None:
        """The draft of an order by its number here."""
        self._sweep(now)
        return next((kept for kept in self._kept.values() if order and kept.order == order), None)

    def put(self, drafts: list[KeptDraft], now: int) -> None:
        """Lay drafts down, all of them or none; one of the same id takes the other one's place.

        Raises:
            Malformed: the drawer is full.
        """
        self._sweep(now)
        new = sum(draft.id not in self._kept for draft in drafts)
        if len(self._kept) + new > ORDER_DRAFTS_MAX:
            raise Malformed(
                f"{len(self._kept)} drafts lie here, {ORDER_DRAFTS_MAX} are the most; throw away what is done"
            )
        self._kept.update({draft.id: draft for draft in drafts})

    def drop(self, draft: str) -> bool:
        """Throw one away; whether it was there."""
        return self._kept.pop(draft, None) is not None

    def _sweep(self, now: int) -> None:
        over = [key for key, kept in self._kept.items() if now - kept.at > KEPT_S * SECOND_US]
        for key in over:
            del self._kept[key]
