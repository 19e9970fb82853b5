"""A payment order as ISO 20022 pain.001.001.09: SEPA credit transfers in EUR.

sepaxml writes the message; the ids and the time that it draws are replaced by what follows from the ledger entry that
ordered the payments, so that the same order gives the same bytes. What was written is then read back, held against the
schema and against the order, and handed out only where both agree.

Source: ISO 20022 pain.001.001.09; EPC 132-08 (SCT customer-to-PSP implementation guidelines).
"""

import datetime as dt
import functools
from typing import Any, Final

import sepaxml
from lxml import etree
from msgspec import Struct

from holdgate.banking.latin import SEPA, latin
from holdgate.banking.markup import child, children, message_of, parse, text
from holdgate.banking.order import order_faults, ordered_on, refuse
from holdgate.banking.sepa import account_faults
from holdgate.pay.payment import PaymentOrder
from holdgate.terms import limits, money
from holdgate.terms.errors import Malformed

MESSAGE: Final = "pain.001.001.09"
_NS: Final = f"{{urn:iso:std:iso:20022:tech:xsd:{MESSAGE}}}"
_UNKNOWN_BANK: Final = "NOTPROVIDED"
"""What EPC 132-08 wants in place of a debtor's bank that is known by the IBAN alone."""


class Transfer(Struct, frozen=True, kw_only=True):
    """One transfer as the file says it."""

    id: str
    name: str
    iban: str
    bic: str
    amount_minor: int
    currency: str
    text: str


class TransferFile(Struct, frozen=True, kw_only=True):
    """What a pain.001 says: its ids, the totals written in it (of the group and of the batch), and its transfers."""

    message: str
    batch: str
    created: str
    pay_on: str
    debtor: str
    iban: str
    bic: str
    counts: tuple[int, int]
    sums_minor: tuple[int, int]
    transfers: tuple[Transfer, ...]


def message_id(order: PaymentOrder) -> str:
    """The message's id, from the digest of the entry that ordered it."""
    return f"HG-{order.digest[:32]}"


def batch_id(order: PaymentOrder) -> str:
    """The id of the file's one batch."""
    return f"HG-{order.digest[:30]}-1"


def faults(order: PaymentOrder) -> list[str]:
    """What keeps the order from being written as SEPA credit transfers; empty where nothing does."""
    found = order_faults(order)
    if order.currency != "EUR":
        found.append(f"SEPA transfers are in EUR; this order is in {order.currency[:10]!r}")
    found += account_faults(order.debtor.account, "the debtor")
    found += [fault for p in order.payments for fault in account_faults(p.account, f"payment {p.id[:40]}")]
    if any(payment.amount_minor > limits.SEPA_AMOUNT_MINOR_MAX for payment in order.payments):
        found.append("an amount is above 999,999,999.99 EUR, the most of one SEPA transfer; split it")
    try:
        _expected(order)
    except Malformed as error:
        found.append(str(error))
    return found


def write(order: PaymentOrder) -> bytes:
    """The file for the bank; the same order gives the same bytes.

    Raises:
        Malformed: the order cannot be paid in this format (every fault is named), or what was written is not what was
            ordered. Nothing may then leave.
    """
    refuse(faults(order), "No payment file was made")
    raw = _written(order)
    check(raw, order)
    return raw


def check(raw: bytes, order: PaymentOrder) -> None:
    """Hold a written file against its order: schema, ids, day, debtor, every transfer, counts and sums.

    Raises:
        Malformed: it is not this order's file; the sentence says where.
    """
    said, expected = read_back(raw), _expected(order)
    found = [
        f"{what} is {_short(got)}, ordered was {_short(wanted)}"
        for what, got, wanted in (
            ("the message id", said.message, expected.message),
            ("the batch id", said.batch, expected.batch),
            ("the time", said.created, expected.created),
            ("the day", said.pay_on, expected.pay_on),
            ("the debtor", (said.debtor, said.iban, said.bic), (expected.debtor, expected.iban, expected.bic)),
            ("NbOfTxs", said.counts, expected.counts),
            ("CtrlSum", said.sums_minor, expected.sums_minor),
        )
        if got != wanted
    ]
    if (len(said.transfers),) * 2 != said.counts or (
        sum(t.amount_minor for t in said.transfers),
    ) * 2 != said.sums_minor:
        found.append("its own transfers do not come to its NbOfTxs and CtrlSum")
    if len(said.transfers) == len(expected.transfers):
        pairs = zip(said.transfers, expected.transfers, strict=True)
        found += [f"payment {b.id} reads back as {_short(a)}" for a, b in pairs if a != b]
    refuse(found, "The payment file is not what was ordered, and may not leave")


def read_back(raw: bytes) -> TransferFile:
    """What a pain.001.001.09 says, once it fits the schema.

    Raises:
        Malformed: not this message, against its schema, or without what a SEPA transfer has.
    """
    root = parse(raw, "the payment file")
    if message_of(root) != MESSAGE:
        raise Malformed(f"the payment file is no {MESSAGE}")
    schema = _schema()
    if not schema.validate(root):
        first = schema.error_log[0]
        raise Malformed(f"the payment file, line {first.line}: against the schema of {MESSAGE} ({first.message[:200]})")
    (head,) = children(root, "CstmrCdtTrfInitn/GrpHdr")
    batches = [*children(root, "CstmrCdtTrfInitn/PmtInf")]
    if len(batches) != 1:
        raise Malformed(f"the payment file holds {len(batches)} batches; it has one")
    batch = batches[0]
    return TransferFile(
        message=text(head, "MsgId"),
        created=text(head, "CreDtTm"),
        batch=text(batch, "PmtInfId"),
        pay_on=text(batch, "ReqdExctnDt/Dt"),
        debtor=text(batch, "Dbtr/Nm"),
        iban=text(batch, "DbtrAcct/Id/IBAN"),
        bic=text(batch, "DbtrAgt/FinInstnId/BICFI"),
        counts=(_count(head), _count(batch)),
        sums_minor=(_minor(text(head, "CtrlSum")), _minor(text(batch, "CtrlSum"))),
        transfers=tuple(_transfer(element) for element in children(batch, "CdtTrfTxInf")),
    )


def _transfer(element: etree._Element) -> Transfer:
    amount = child(element, "Amt/InstdAmt")
    return Transfer(
        id=text(element, "PmtId/EndToEndId"),
        name=text(element, "Cdtr/Nm"),
        iban=text(element, "CdtrAcct/Id/IBAN"),
        bic=text(element, "CdtrAgt/FinInstnId/BICFI"),
        amount_minor=_minor("" if amount is None else amount.text or ""),
        currency="" if amount is None else str(amount.get("Ccy", "")),
        text=text(element, "RmtInf/Ustrd"),
    )


def _count(element: etree._Element) -> int:
    said = text(element, "NbOfTxs")
    return int(said) if said.isascii() and said.isdecimal() else -1


def _minor(said: str) -> int:
    value = money.minor(said, "EUR")
    return -1 if value is None else value


def _expected(order: PaymentOrder) -> TransferFile:
    """What the file has to say, from the order alone."""
    own = order.debtor.account
    count, total = len(order.payments), sum(payment.amount_minor for payment in order.payments)
    return TransferFile(
        message=message_id(order),
        batch=batch_id(order),
        created=ordered_on(order).strftime("%Y-%m-%dT%H:%M:%SZ"),
        pay_on=order.pay_on,
        debtor=_name(order.debtor.name, "the debtor's name"),
        iban="" if own is None else own.iban,
        bic="" if own is None else own.bic,
        counts=(count, count),
        sums_minor=(total, total),
        transfers=tuple(
            Transfer(
                id=payment.id,
                name=_name(payment.name, f"the payee's name of {payment.id[:40]}"),
                iban=payment.account.iban,
                bic=payment.account.bic,
                amount_minor=payment.amount_minor,
                currency="EUR",
                text=_cut(latin(payment.text, SEPA, f"the text of {payment.id[:40]}"), limits.SEPA_TEXT_CHARS_MAX),
            )
            for payment in order.payments
        ),
    )


def _name(name: str, what: str) -> str:
    return _cut(latin(name, SEPA, what), limits.SEPA_NAME_CHARS_MAX)


def _cut(said: str, most: int) -> str:
    return said[:most].rstrip()


def _written(order: PaymentOrder) -> bytes:
    wanted = _expected(order)
    config: dict[str, Any] = {"name": wanted.debtor, "IBAN": wanted.iban, "batch": True, "currency": "EUR"}
    config["address"] = _address(order)
    if wanted.bic:
        config["BIC"] = wanted.bic
    message = sepaxml.SepaTransfer(config, schema=MESSAGE, clean=False)
    for transfer in wanted.transfers:
        payment: dict[str, Any] = {"name": transfer.name, "IBAN": transfer.iban, "amount": transfer.amount_minor}
        payment |= {"description": transfer.text, "endtoend_id": transfer.id}
        payment["execution_date"] = dt.date.fromisoformat(order.pay_on)
        if transfer.bic:
            payment["BIC"] = transfer.bic
        message.add_payment(payment)
    root = etree.fromstring(message.export(validate=False), _parser())
    _set(root, "CstmrCdtTrfInitn/GrpHdr/MsgId", wanted.message)
    _set(root, "CstmrCdtTrfInitn/GrpHdr/CreDtTm", wanted.created)
    _set(root, "CstmrCdtTrfInitn/PmtInf/PmtInfId", wanted.batch)
    _set(root, "CstmrCdtTrfInitn/PmtInf/BtchBookg", "false")  # so that the statement tells every transfer by its id
    if not wanted.bic:
        bank = child(root, "CstmrCdtTrfInitn/PmtInf/DbtrAgt/FinInstnId")
        other = etree.SubElement(etree.SubElement(_there(bank), f"{_NS}Othr"), f"{_NS}Id")
        other.text = _UNKNOWN_BANK
    etree.cleanup_namespaces(root)
    etree.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + etree.tostring(root, encoding="utf-8") + b"\n"


def _set(root: etree._Element, path: str, value: str) -> None:
    _there(child(root, path)).text = value


def _there(element: etree._Element | None) -> etree._Element:
    if element is None:
        raise Malformed(
            "sepaxml wrote another message than it did when this was tested; install the version of the extra"
        )
    return element


def _address(order: PaymentOrder) -> dict[str, str]:
    """The debtor's address, structured: banks outside of the EEA want it, and nobody takes address lines any more."""
    debtor = order.debtor
    parts = (
        ("street_name", debtor.street, limits.SEPA_NAME_CHARS_MAX),
        ("postcode", debtor.postal_code, 16),
        ("town", debtor.city, 35),
        ("country_subdivision", debtor.region, 35),
        ("country", debtor.country, 2),
    )
    return {key: _cut(latin(said, SEPA, f"the debtor's {key}"), most) for key, said, most in parts if said}


@functools.cache
def _schema() -> etree.XMLSchema:
    folder = (sepaxml.__file__ or "").rpartition("/")[0]
    return etree.XMLSchema(etree.parse(f"{folder}/schemas/{MESSAGE}.xsd", _parser()))


def _short(value: object) -> str:
    return str(value)[:120]


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
