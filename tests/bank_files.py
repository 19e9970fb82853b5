"""Orders to pay, and what banks send: made here from plain values, by another way than the product reads them."""

from typing import Any
from xml.sax.saxutils import escape

from msgspec.structs import replace

from holdgate.pay.payment import Payment, PaymentOrder
from holdgate.terms.party import Account, Party

SHOP = Party(
    org="shop",
    name="Prüf & Röntgen GmbH",
    street="Hafenstraße 1",
    city="Köln",
    postal_code="50667",
    country="DE",
    tax_id="12-3456789",
    account=Account(iban="DE89370400440532013000", bic="COBADEFFXXX"),
)
ORDERED_AT = 1_775_044_800_000_000  # 2026-04-01T12:00:00Z


def sepa(**changes: Any) -> PaymentOrder:
    order = PaymentOrder(
        id="PAY-1",
        digest="ab12" * 16,
        ordered_at=ORDERED_AT,
        pay_on="2026-04-02",
        currency="EUR",
        debtor=SHOP,
        payments=(
            Payment(
                id="PO-1/bonus/1",
                name="José Ñandú",
                account=Account(iban="NL91ABNA0417164300", bic="ABNANL2A"),
                amount_minor=12_050,
                text="Bonus FPI, order PO-1",
            ),
            Payment(
                id="PO-1/bonus/2",
                name="A. Weiß",
                account=Account(iban="FR1420041010050500013M02606"),
                amount_minor=7,
                text="Bonus „FPI“, order PO-1",
            ),
        ),
    )
    return replace(order, **changes)


def ach(**changes: Any) -> PaymentOrder:
    own = sepa(currency="USD", debtor=replace(SHOP, account=Account(routing="111000025", number="4456-77")))
    first = replace(own.payments[0], account=Account(routing="121042882", number="123456789"))
    second = replace(
        own.payments[1], account=Account(routing="231380104", number="744-5678-99"), id="PO-1/bonus/2/of technician 7"
    )
    return replace(replace(own, payments=(first, second)), **changes)


def with_payment(order: PaymentOrder, **changes: Any) -> PaymentOrder:
    """The order with its first payment changed."""
    return replace(order, payments=(replace(order.payments[0], **changes), *order.payments[1:]))


def document(message: str, body: str) -> bytes:
    named = f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{message}">{body}</Document>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{named}'.encode()


def report(
    original: str,
    *,
    group: str = "",
    batch: str = "",
    batch_status: str = "",
    transactions: str = "",
    version: str = "10",
) -> bytes:
    """A pain.002. `group`: elements of the group's status; `transactions`: TxInfAndSts elements."""
    inner = (
        "<CstmrPmtStsRpt><GrpHdr><MsgId>R-1</MsgId><CreDtTm>2026-04-02T08:00:00Z</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{original}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{group}</OrgnlGrpInfAndSts>"
    )
    if batch:
        inner += (
            f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{batch}</OrgnlPmtInfId>{batch_status}{transactions}</OrgnlPmtInfAndSts>"
        )
    return document(f"pain.002.001.{version}", inner + "</CstmrPmtStsRpt>")


def transaction(id_: str, status: str, reason: str = "", amount: str = "") -> str:
    why = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn><AddtlInf>as the bank says</AddtlInf></StsRsnInf>" if reason else ""
    paid = f'<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">{amount}</InstdAmt></Amt></OrgnlTxRef>' if amount else ""
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{escape(id_)}</OrgnlEndToEndId><TxSts>{status}</TxSts>{why}{paid}</TxInfAndSts>"
    )


def entry(
    amount: str,
    side: str = "CRDT",
    *,
    ref: str = "",
    details: str = "",
    reversal: str = "",
    status: str = "BOOK",
    day: str = "2026-04-03",
    currency: str = "EUR",
    version: str = "08",
) -> str:
    said = f"<Cd>{status}</Cd>" if version == "08" else status
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
        + (f"<RvslInd>{reversal}</RvslInd>" if reversal else "")
        + f"<Sts>{said}</Sts><BookgDt><Dt>{day}</Dt></BookgDt>"
        + (f"<AcctSvcrRef>{escape(ref)}</AcctSvcrRef>" if ref else "")
        + (f"<NtryDtls>{details}</NtryDtls>" if details else "")
        + "</Ntry>"
    )


def details(
    *,
    id_: str = "",
    amount: str = "",
    payer: str = "",
    payee: str = "",
    text: str = "",
    documents: tuple[str, ...] = (),
    creditor_ref: str = "",
    returned: str = "",
    ref: str = "",
    version: str = "08",
) -> str:
    def party(role: str, name: str) -> str:
        inner = f"<Nm>{escape(name)}</Nm>"
        return f"<{role}>{f'<Pty>{inner}</Pty>' if version == '08' else inner}</{role}>" if name else ""

    refs = (f"<AcctSvcrRef>{ref}</AcctSvcrRef>" if ref else "") + (
        f"<EndToEndId>{escape(id_)}</EndToEndId>" if id_ else ""
    )
    paid = f'<Amt Ccy="EUR">{amount}</Amt>'
    paid = paid if version == "08" else f"<AmtDtls><TxAmt>{paid}</TxAmt></AmtDtls>"
    numbers = "".join(f"<RfrdDocInf><Nb>{escape(number)}</Nb></RfrdDocInf>" for number in documents)
    numbers += f"<CdtrRefInf><Ref>{escape(creditor_ref)}</Ref></CdtrRefInf>" if creditor_ref else ""
    told = (f"<Ustrd>{escape(text)}</Ustrd>" if text else "") + (f"<Strd>{numbers}</Strd>" if numbers else "")
    return (
        "<TxDtls>"
        + (f"<Refs>{refs}</Refs>" if refs else "")
        + (paid if amount else "")
        + (f"<RltdPties>{party('Dbtr', payer)}{party('Cdtr', payee)}</RltdPties>" if payer or payee else "")
        + (f"<RmtInf>{told}</RmtInf>" if told else "")
        + (f"<RtrInf><Rsn><Cd>{returned}</Cd></Rsn></RtrInf>" if returned else "")
        + "</TxDtls>"
    )


def balance(code: str, amount: str, side: str = "CRDT") -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
        "<Dt><Dt>2026-04-03</Dt></Dt></Bal>"
    )


def statement(*entries: str, balances: str = "", version: str = "08", account: str = "DE89370400440532013000") -> bytes:
    head = "<GrpHdr><MsgId>M-1</MsgId><CreDtTm>2026-04-03T20:00:00Z</CreDtTm></GrpHdr>"
    inner = f"<Stmt><Id>S-7</Id><Acct><Id><IBAN>{account}</IBAN></Id></Acct>{balances}{''.join(entries)}</Stmt>"
    return document(f"camt.053.001.{version}", f"<BkToCstmrStmt>{head}{inner}</BkToCstmrStmt>")


def returns(*entries: tuple[str, str, str, int, str, str], entry_class: str = "PPD") -> bytes:
    """A file of returns. Each entry: original trace, identification, routing, cents, code (R01, C01), information."""
    lines = [
        "101 111000025 1110000252604030900A094101" + f"{'RECEIVING BANK':<23}{'ORIGINATING BANK':<23}{'':8}",
        f"5220{'PRUF + RONTGEN G':<16}{'':20}1123456789{entry_class}{'PAYOUT':<10}{'':6}260403{'':3}1121042880000001",
    ]
    for number, (trace, ident, routing, cents, code, said) in enumerate(entries, start=1):
        own = f"12104288{number:07d}"
        lines.append(f"621{routing}{'123456789':<17}{cents:010d}{ident:<15}{'JOSE NANDU':<22}  1{own}")
        kind = "99" if code.startswith("R") else "98"
        words = f"{said:<44}" if kind == "99" else f"{said:<29}{'':15}"
        lines.append(f"7{kind}{code}{trace}{'':6}{routing[:8]}{words}{own}")
    sums = f"{sum(int(e[2][:8]) for e in entries):010d}{0:012d}{sum(e[3] for e in entries):012d}"
    lines.append(f"8220{2 * len(entries):06d}{sums}1123456789{'':25}121042880000001")
    blocks = -(-(len(lines) + 1) // 10)
    lines.append(f"9000001{blocks:06d}{2 * len(entries):08d}{sums}{'':39}")
    lines += ["9" * 94] * (blocks * 10 - len(lines))
    return "".join(f"{line}\r\n" for line in lines).encode()
