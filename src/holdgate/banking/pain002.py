"""ISO 20022 pain.002 (customer payment status report), versions 001.03 and 001.10: what a bank says of a pain.001.

Paid is what is settled: ACSC (on the debtor's account) and ACCC (on the creditor's). Failed is RJCT and CANC. All else is
pending, a code that is not known too: it is settled by a later report.
"""

from collections.abc import Iterator
from typing import Final

from lxml import etree

from holdgate.banking.markup import child, children, message_of, text, wrong
from holdgate.banking.results import FAILED, PAID, PENDING, Group, Results, Said, Status
from holdgate.terms import limits, money
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import BANK_WORDS_CHARS_MAX

MESSAGES: Final = ("pain.002.001.03", "pain.002.001.10")
_FINAL: Final[dict[str, Status]] = {"ACSC": PAID, "ACCC": PAID, "RJCT": FAILED, "CANC": FAILED}


def read_report(root: etree._Element) -> Results:
    """What the report says.

    Args:
        root: of a parsed XML file.

    Raises:
        Malformed: not this message, of other payments than a pain.001, or contradicting itself; with the line.
    """
    kind = message_of(root)
    report = child(root, "CstmrPmtStsRpt")
    if kind not in MESSAGES or report is None:
        raise Malformed(f"this is no payment status report of {' or '.join(MESSAGES)}")
    head = child(report, "OrgnlGrpInfAndSts")
    if head is None:
        raise wrong(report, "it does not say which message it answers (OrgnlGrpInfAndSts)")
    if not text(head, "OrgnlMsgNmId").startswith("pain.001"):
        raise wrong(head, f"it answers {text(head, 'OrgnlMsgNmId', most=35)!r}, and not a pain.001")
    message = _group(head, text(head, "OrgnlMsgId", most=limits.BANK_TOLD_ID_CHARS_MAX), "GrpSts")
    batches: dict[str, Group] = {}
    said: list[Said] = []
    for element in children(report, "OrgnlPmtInfAndSts"):
        batch = _group(element, text(element, "OrgnlPmtInfId", most=limits.BANK_TOLD_ID_CHARS_MAX), "PmtInfSts")
        if batch.code in _FINAL and message.code in _FINAL and batch.status != message.status:
            raise wrong(
                element, f"it says {batch.code} of a batch and {message.code} of all; ask the bank which one holds"
            )
        if batch.id in batches:
            raise wrong(element, f"it tells of the batch {batch.id!r} twice")
        batches[batch.id] = batch
        said += _transactions(element, [message, batch])
    said += _transactions(report, [message])  # some banks leave out the level between
    _agree(said, report)
    return Results(
        kind=kind,
        id=text(report, "GrpHdr/MsgId", most=limits.BANK_TOLD_ID_CHARS_MAX),
        original=message.id,
        message=message,
        batches=tuple(batches.values()),
        said=tuple(said),
    )


def _group(element: etree._Element, name: str, status: str) -> Group:
    code = text(element, status, most=limits.BANK_ID_CHARS_MAX)
    count = text(element, "OrgnlNbOfTxs", most=16)
    if count and not (count.isascii() and count.isdecimal()):
        raise wrong(element, f"OrgnlNbOfTxs {count!r} is no number")
    return Group(
        id=name,
        status=_FINAL.get(code, PENDING),
        code=code,
        reason=_reason(element)[0],
        count=int(count) if count else None,
        total=text(element, "OrgnlCtrlSum", most=20),
    )


def _transactions(parent: etree._Element, above: list[Group]) -> Iterator[Said]:
    for element in children(parent, "TxInfAndSts"):
        code = text(element, "TxSts", most=limits.BANK_ID_CHARS_MAX)
        status = _FINAL.get(code, PENDING)
        for group in above:
            if group.code in _FINAL and code and status != group.status:
                raise wrong(
                    element, f"it says {code} of a transfer and {group.code} of all; ask the bank which one holds"
                )
            status = group.status if group.code in _FINAL else status
        reason, words = _reason(element)
        amount, currency = _amount(element)
        yield Said(
            id=text(element, "OrgnlEndToEndId", most=limits.BANK_TOLD_ID_CHARS_MAX),
            status=status,
            reason=reason or ("" if status == PAID else next((g.reason for g in reversed(above) if g.reason), code)),
            says=words,
            amount_minor=amount,
            currency=currency,
        )


def _reason(element: etree._Element) -> tuple[str, str]:
    """The first reason's code, and what is said beside it."""
    code = text(element, "StsRsnInf/Rsn/Cd", "StsRsnInf/Rsn/Prtry", most=limits.BANK_TOLD_ID_CHARS_MAX)
    return code, text(element, "StsRsnInf/AddtlInf", most=BANK_WORDS_CHARS_MAX)


def _amount(element: etree._Element) -> tuple[int | None, str]:
    found = child(element, "OrgnlTxRef/Amt/InstdAmt")
    if found is None:
        return None, ""
    currency = str(found.get("Ccy", ""))[:3]
    amount = money.minor((found.text or "").strip()[:40], currency)
    if amount is None:
        raise wrong(found, f"{(found.text or '')[:40]!r} is no amount of {currency}")
    return amount, currency


def _agree(said: list[Said], report: etree._Element) -> None:
    """One transfer is told once, or twice the same."""
    seen: dict[str, Status] = {}
    for one in said:
        if one.id and seen.setdefault(one.id, one.status) != one.status:
            raise wrong(report, f"it says {seen[one.id]} and {one.status} of {one.id}; ask the bank which one holds")
