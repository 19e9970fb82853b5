"""What holds for every payment order before a file is made of it, whatever its format."""

import datetime as dt
import re
from collections import Counter
from typing import Final

from holdgate.pay.payment import PaymentOrder
from holdgate.terms import limits
from holdgate.terms.errors import Malformed

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_ID: Final = re.compile(r"[A-Za-z0-9?:().,'+-](?:[A-Za-z0-9/?:().,'+ -]*[A-Za-z0-9?:().,'+-])?")
"""An identifier: SEPA characters, no slash or blank at an end (EPC 230-15)."""
_TWICE: Final = re.compile(r"//|  ")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LATEST_US: Final = (dt.datetime(9999, 1, 1, tzinfo=dt.UTC) - _EPOCH) // dt.timedelta(microseconds=1)


def refuse(faults: list[str], what: str) -> None:
    """Raise where there is a fault; all of them are named, so that one round is enough.

    Raises:
        Malformed: there is a fault.
    """
    if faults:
        more = f" (and {len(faults) - 5} more)" if len(faults) > 5 else ""
        raise Malformed(f"{what}: {'; '.join(faults[:5])}{more}")


def order_faults(order: PaymentOrder) -> list[str]:
    """What is wrong with the order in any format: digest, day, number of transfers, ids, amounts."""
    faults: list[str] = []
    if not _DIGEST.fullmatch(order.digest):
        faults.append("its digest is not that of a ledger entry (64 hex digits)")
    faults += day_faults(order)
    if not 1 <= len(order.payments) <= limits.BANK_PAYMENTS_MAX:
        faults.append(f"it holds {len(order.payments)} payments; 1 to {limits.BANK_PAYMENTS_MAX} can go in one file")
    for name, count in Counter(payment.id for payment in order.payments).items():
        if count > 1:
            faults.append(f"the end-to-end id {name[:40]!r} stands {count} times; each payment has its own")
    for payment in order.payments:
        if len(payment.id) > limits.BANK_ID_CHARS_MAX or _TWICE.search(payment.id) or not _ID.fullmatch(payment.id):
            faults.append(
                f"{payment.id[:40]!r} is no end-to-end id: 1 to {limits.BANK_ID_CHARS_MAX} letters, digits and signs of SEPA"
            )
        if payment.amount_minor <= 0:
            faults.append(f"{payment.id[:40]} pays {payment.amount_minor} minor units; an amount is above 0")
    return faults


def day_faults(order: PaymentOrder) -> list[str]:
    """What is wrong with the day: no date, before the order (a day of grace for time zones), or over a year ahead."""
    day = real_date(order.pay_on)
    if day is None:
        return [f"pay_on {order.pay_on[:20]!r} is no date; write one such as 2026-04-01"]
    try:
        ordered = ordered_on(order).date()
    except Malformed as error:
        return [str(error)]
    ahead = (day - ordered).days
    if ahead < -1:
        return [f"pay_on {order.pay_on} is before the day it was ordered ({ordered}); order it for a day to come"]
    if ahead > limits.BANK_PAY_AHEAD_DAYS_MAX:
        return [f"pay_on {order.pay_on} is over a year after the order ({ordered}); check the year"]
    return []


def real_date(text: str) -> dt.date | None:
    """The day, or None where the text is no date of the calendar written YYYY-MM-DD."""
    if not _DATE.fullmatch(text) or not text.isascii():
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def ordered_on(order: PaymentOrder) -> dt.datetime:
    """When it was ordered, in UTC to the second.

    Raises:
        Malformed: the number is no time after 1970 in microseconds.
    """
    if not 0 <= order.ordered_at < _LATEST_US:
        raise Malformed(f"ordered_at {order.ordered_at} is no time in microseconds since 1970")
    return (_EPOCH + dt.timedelta(microseconds=order.ordered_at)).replace(microsecond=0)
