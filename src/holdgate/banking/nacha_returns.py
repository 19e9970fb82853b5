"""ACH returns (addenda 99, reasons R01 …) and notifications of change (addenda 98, codes C01 …).

An entry that is not returned is not named in any file: ACH never says that a credit was paid. That a return did not come in
time (two banking days for most reasons) is for the owner of the ledger to judge, or a statement says that the account was
debited.
"""

from typing import Final

from holdgate.banking.ach_file import AchFile, Entry, read_file
from holdgate.banking.results import FAILED, PENDING, Change, Results, Said
from holdgate.terms.errors import Malformed

KIND: Final = "nacha-returns"
_BETWEEN_BANKS: Final = range(61, 78)
"""Reasons of returns that are dishonored or contested: the banks still argue, nothing is final."""


def read_returns(raw: bytes) -> Results:
    """What a file of returns says.

    Args:
        raw: untrusted bytes.

    Raises:
        Malformed: no ACH file (see `read_file`), a return without reason, or a file that returns nothing.
    """
    file = read_file(raw)
    said: list[Said] = []
    changes: list[Change] = []
    other: list[str] = []
    for entry in (entry for batch in file.batches for entry in batch.entries):
        one = _said(entry)
        if isinstance(one, Said):
            said.append(one)
        elif one is not None:
            changes.append(one)
        else:
            other.append(f"line {entry.line}: an entry of {entry.amount_minor} cents that returns nothing")
    if not said and not changes and file.batches:
        raise Malformed("this ACH file holds payments and no returns; it is no answer of a bank")
    return Results(kind=KIND, id=_name(file), said=tuple(said), changes=tuple(changes), other=tuple(other))


def _said(entry: Entry) -> Said | Change | None:
    for addendum in entry.addenda:
        if addendum.kind not in {"98", "99"}:
            continue
        letter, digits = addendum.code[0], addendum.code[1:]
        if letter != ("R" if addendum.kind == "99" else "C") or not digits.isdecimal():
            raise Malformed(f"line {addendum.line}: {addendum.code!r} is no code of a return or change")
        if addendum.kind == "98":
            return Change(
                id=addendum.original_trace, ident=entry.ident, code=addendum.code, corrected=addendum.corrected
            )
        return Said(
            id=addendum.original_trace,
            status=PENDING if int(digits) in _BETWEEN_BANKS else FAILED,
            reason=addendum.code,
            says=addendum.information,
            amount_minor=entry.amount_minor,
            currency="USD",
            ident=entry.ident,
        )
    return None


def _name(file: AchFile) -> str:
    return f"{file.destination}-{file.origin}-{file.created}-{file.modifier}"
