"""Fuzz targets: what people and machines write: contracts, rules, marks, events, orders, files of banks and loggers."""

from functools import cache
from typing import Any, Final

from holdgate.adapters import env_csv
from holdgate.adapters.epcis import read_object_event
from holdgate.adapters.epcis_uris import read_part
from holdgate.adapters.marks import read_mark
from holdgate.adapters.nkeys import read_public
from holdgate.banking import nacha, pain001
from holdgate.banking.reading import read as read_bank_file
from holdgate.certifier.cel import Schema, parse_rule
from holdgate.certifier.facts import RULE_FACTS, rule_parser
from holdgate.crypto.badge import read_badge
from holdgate.invoicing.reading import invoice_from
from holdgate.law.completeness import faults
from holdgate.law.contract import SmartClientPO, SmartSP, encode_document, read_document
from holdgate.law.notation import read_bundle, read_yaml
from holdgate.law.rules import normal
from holdgate.law.rules.evaluate import compile_rule
from holdgate.law.rules.explain import explain
from holdgate.ordering import read_order_file
from holdgate.query.order_fields import COLUMNS
from holdgate.terms import canon, instant
from holdgate.terms.errors import Malformed
from holdgate.terms.ids import check_id
from holdgate.terms.quantity import parse_decimal
from tests import bank_files as bank
from tests.fuzz import seeds as s
from tests.fuzz.target import target
from tests.invoices import an_invoice

ZONE: Final = "America/Chicago"

# ---- contracts and rules -----------------------------------------------------------------------------------------------


@cache
def parser() -> Any:
    return rule_parser()


@target(
    s.contracts,
    "family SmartClientPO SmartSP process steps rules cel say when sign start & * ! !! --- ... <<: ? | > @ ` %YAML",
    share=2,
)
def contract(raw: bytes) -> object:
    found = read_bundle(raw.decode("utf-8", "replace"), parser(), neighbour)
    for document in (found.template, found.technique):
        assert read_document(encode_document(document)) == document
    return found, list(faults(found.template, found.technique))


def neighbour(name: str) -> str:
    raise Malformed(f"there is no {name} here")


YAMLS: Final = [
    b"a: {b: [c, 'd', \"e\"]}\n",
    b"- a\n- b:\n    - c\n- |\n  text\n  more\n- >-\n  folded\n",
    b"? a\n: b\n",
]


@target(lambda: [raw[:2_000] for raw in s.contracts()] + YAMLS, "& * ! --- ... <<: ? | > @ ` % [ ] { } - :", share=3)
def yaml(raw: bytes) -> object:
    return read_yaml(raw.decode("utf-8", "replace"), "it")


@cache
def documents() -> list[bytes]:
    hub = s.shop().hub
    return [encode_document(document) for document in (hub.order_template, hub.technique)]


@target(
    documents,
    "family notation steps id name role characteristics unit min max rules normal cel milestones billing",
    share=4,
)
def document(raw: bytes) -> object:
    """A document in canonical form; where it is half of a pair, what is wrong with the pair can be said."""
    found = read_document(raw)
    assert encode_document(found) == raw
    hub = s.shop().hub
    template = found if type(found) is SmartClientPO else hub.order_template
    technique = found if isinstance(found, SmartSP) else hub.technique
    return found, list(faults(template, technique))


RULES: Final = [
    b"size(readings) >= 2", b"readings.all(r, r.value >= 10 && r.value <= 20)", b"job.quantity <= 100 || !(1 + 2 * 3 > 4)",
    b'result == "pass" ? 1 < 2 : has(job.part_no)', b"readings.exists(r, r.characteristic == 'temp' && r.count > 0)",
    b'now - step.started >= duration("20m")', b'now < timestamp("2026-04-01T00:00:00Z")', b"[1, 2, 3].exists_one(x, x == 2)",
    b"-9223372036854775808 < 9223372036854775807", b'"a" in ["a", "b"]', b"true", b"equipment[0].id != 'X'",
]  # fmt: skip
RULE_WORDS: Final = (
    "&& || ! == != < <= > >= + - * / % ? : ( ) [ ] . , in has size all exists exists_one map filter true false null duration "
    "timestamp readings job step result now r value count id 'a' 1 -1 9223372036854775807 9223372036854775808 1.5 1u b'x' r'x' "
    "matches startsWith string int double type dyn \\\\ \\x \\u0000 // \\n {} {1:2}"
)


@cache
def schema() -> Schema:
    return Schema(RULE_FACTS)


@target(lambda: RULES, RULE_WORDS, share=6)
def rule(raw: bytes) -> object:
    """A rule that is read is the same rule from its tree and from its own text, and it can be asked about nothing at all."""
    found = parse_rule(raw.decode("utf-8", "replace"), schema())
    assert normal.decode(canon.encode(found)) == found
    assert parse_rule(normal.unparse(found), schema()) == found
    return found, _asked(found)


def _asked(node: Any) -> object:
    outcome = compile_rule(node).evaluate({})
    assert outcome.allowed or explain(node, {}) or outcome.kind == "budget"
    return outcome


@cache
def trees() -> list[bytes]:
    found = []
    for text in RULES:
        try:
            found.append(canon.encode(parse_rule(text.decode(), schema())))
        except Malformed:
            continue
    assert len(found) > len(RULES) // 2
    return found


@target(
    trees,
    'k o a t v n f r q l b i "const" "name" "field" "call" "quant" "cond" "list" "has" "bool" "int" "&&" "all" "record"',
)
def rule_tree(raw: bytes) -> object:
    found = normal.decode(raw)
    assert canon.encode(found) == raw
    return found, _asked(found)


@target(
    lambda: [*s.payloads()[:6], b'{"a":[1,"\\u00e9",null,{"b":-1}]}'],
    "1e9 1.0 -0 NaN Infinity \\u0000 \\ud800 { } [ ] null",
)
def canonical(raw: bytes) -> object:
    """JSON in any spelling; what passes the bounds is the same once it is written in the one spelling."""
    found = canon.plain(raw, "it")
    canon.check_text(found, "it")
    assert canon.plain(canon.encode(found), "it") == found
    return found


# ---- marks, events -------------------------------------------------------------------------------------------------------

RS, GS, EOT = "\x1e", "\x1d", "\x04"
MARKS: Final = [
    text.encode()
    for text in (
        f"[)>{RS}06{GS}17V0CVA5{GS}1P4512-7{GS}2PC{GS}1TH77{GS}SS01{RS}{EOT}",
        f"[)>{RS}DD{GS}MFR 0CVA5{GS}PNO 1234{GS}SER 7{RS}{EOT}",
        f"[)>{RS}05{GS}0109506000134352{GS}21X-77{RS}{EOT}", "[)><RS>06<GS>1P1234<GS>S786950<RS><EOT>", "4512-7/C/S01",
        "(01)09506000134352(17)261231(10)H77(21)X-77", f"]d20109506000134352172612312112345{GS}10H77", "4512-7//S01",
        "https://id.gs1.org/01/09506000134352/21/12345", "urn:epc:id:sgtin:9506000.013435.12345", "urn:epc:id:adi:0CVA5.4512-7.S01",
    )
]  # fmt: skip


@target(
    lambda: MARKS,
    "[)> 06 DD 05 12 17V 1P 2P S PNO SER MFR (01) (21) ]d2 ]C1 21 10 %2F urn:epc:id:sgtin: https://id.gs1.org/01/",
)
def mark(raw: bytes) -> object:
    found = read_mark(raw.decode("utf-8", "replace"), read_part)
    assert found.part_no.isascii()
    assert found.serial.isascii()
    return found


@target(
    s.events,
    "@context type ObjectEvent OBSERVE ADD eventTime epcList quantityList urn:epc:id:sgtin: readPoint 1e5 0.10 2026-02-30",
    share=4,
)
def epcis_event(raw: bytes) -> object:
    return read_object_event(raw)


# ---- orders ------------------------------------------------------------------------------------------------------------

UBL: Final = "urn:oasis:names:specification:ubl:schema:xsd:"


@cache
def ubl_orders() -> list[bytes]:
    head = f'<Order xmlns="{UBL}Order-2" xmlns:cac="{UBL}CommonAggregateComponents-2" xmlns:cbc="{UBL}CommonBasicComponents-2">'
    item = (
        "<cac:Item><cbc:Name>Bracket</cbc:Name><cac:BuyersItemIdentification><cbc:ID>4512-7</cbc:ID></cac:BuyersItemIdentification>"
        "<cac:AdditionalItemProperty><cbc:Name>revision</cbc:Name><cbc:Value>C</cbc:Value></cac:AdditionalItemProperty></cac:Item>"
    )
    line = (
        '<cac:OrderLine><cac:LineItem><cbc:ID>1</cbc:ID><cbc:Quantity unitCode="EA">4</cbc:Quantity>'
        f'<cac:Price><cbc:PriceAmount currencyID="USD">4.00</cbc:PriceAmount></cac:Price>{item}</cac:LineItem></cac:OrderLine>'
    )
    whole = (
        f"{head}<cbc:UBLVersionID>2.1</cbc:UBLVersionID><cbc:ID>PO-1</cbc:ID><cbc:Note>n</cbc:Note>{line}{line}</Order>"
    )
    return [
        f'<?xml version="1.0" encoding="UTF-8"?>\n{whole}'.encode(),
        f"{head}<cbc:ID>1</cbc:ID>{line}</Order>".encode(),
    ]


@target(
    ubl_orders,
    "<cbc:ID> </cbc:ID> <cac:Item> <!DOCTYPE <!ENTITY &x; &#0; xmlns= currencyID encoding='utf-16' <?xml ]]>",
    share=3,
)
def order_ubl(raw: bytes) -> object:
    return read_order_file(raw, ZONE)


TABLES: Final = [
    b"po,line,quantity,price,delivery_due,serials\r\nPO-1,1,4,100.00,2025-05-01,A B\r\nPO-1,2,4,1.5,2025-05-02,\r\n",
    b'\xef\xbb\xbfpo;line;notes\n"PO-1";1;"a\nb"\n;;\n',
    (",".join(COLUMNS) + "\nPO-1" + "," * (len(COLUMNS) - 1) + "\n").encode(),
]


@target(lambda: TABLES, "po line quantity price client , ; \" '' =1+1 +1 @x -1 2025-02-30 1e3 1.000,00", share=5)
def order_table(raw: bytes) -> object:
    return read_order_file(raw, ZONE)


# ---- banks, loggers, the rest ------------------------------------------------------------------------------------------

XML_WORDS: Final = (
    "<!DOCTYPE <!ENTITY &x; &#0; &#xD800; encoding='utf-16' <?xml ]]> Ccy= -1.00 1e5 0.001 2026-02-30 <Cd> </Cd> xmlns="
)


@cache
def statuses() -> list[bytes]:
    order = bank.sepa()
    message, batch = pain001.message_id(order), pain001.batch_id(order)
    told = bank.transaction(order.payments[0].id, "RJCT", "AC04", "120.50")
    return [
        bank.report(message, batch=batch, transactions=told),
        bank.report(message, group="<GrpSts>ACSC</GrpSts>", version="03"),
        pain001.write(order),
    ]


@target(statuses, XML_WORDS, share=3)
def bank_status(raw: bytes) -> object:
    return read_bank_file(raw)


@cache
def statements() -> list[bytes]:
    paid = bank.entry("1.00", ref="R1", details=bank.details(id_="I-1", amount="1.00", payer="A & B", text="I-000001"))
    gone = bank.entry("2.00", "DBIT", ref="R2", details=bank.details(id_="P-1", payee="C", returned="AC04"))
    balances = bank.balance("OPBD", "10.00") + bank.balance("CLBD", "9.00")
    return [
        bank.statement(paid, gone, balances=balances),
        bank.statement(bank.entry("3.00", version="02"), version="02"),
    ]


@target(statements, XML_WORDS, share=3)
def bank_statement(raw: bytes) -> object:
    return read_bank_file(raw)


@cache
def return_files() -> list[bytes]:
    order = bank.ach()
    trace, ident = nacha.traces(order)[0], nacha.ident(order.payments[0])
    rows = [(trace, ident, "121042882", 12_050, "R01", "no funds"), (trace, ident, "121042882", 0, "C01", "123")]
    return [bank.returns(*rows[:1]), bank.returns(*rows), nacha.write(order)]


@target(return_files, "101 5220 621 799R01 798C01 8220 9000001 999 R61", share=3)
def bank_returns(raw: bytes) -> object:
    return read_bank_file(raw)


BOOKED: Final = [
    b"account;ref;booked_on;amount;currency\nDE1;R1;2026-04-03;1.00;EUR\n",
    b"account,ref,booked_on,amount,currency,kind,payer\nDE1,R1,2026-04-03,-1.00,EUR,,A\n",
]


@target(
    lambda: BOOKED, "account ref booked_on amount currency kind payer , ; 1.005 -0.00 1e5 2026-04-31 EUR JPY", share=4
)
def bank_table(raw: bytes) -> object:
    return read_bank_file(raw)


LOGGED: Final = [
    b"time,value\n2025-04-01T13:00:00Z,21.5\n2025-04-01T13:05:00Z,21.75\n",
    b"no;time;value;u\n1;2025-04-01T15:05:00+02:00;21,75;degC\n",
]


@target(lambda: LOGGED, "time value degC 24:00:00 +14:00 -00:00 21,5 NaN 1e5 ; ,", share=4)
def logger_file(raw: bytes) -> object:
    return env_csv.parse(raw, "degC")


@target(lambda: [canon.encode(an_invoice())], "lines seller buyer quantity unit_minor 1e9 null category", share=2)
def invoice(raw: bytes) -> object:
    found = invoice_from(raw)
    assert invoice_from(canon.encode(found)) == found
    return found


SMALL: Final = [
    b"hg1:SID-TEC-11:AAAAAAAAAAAAAAAAAAAAAA", b"2025-04-01T13:00:00Z", b"-12.50", b"SID-TEC-11",
    b"UAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    b"2025-04-01T13:00:00.123456+02:00",
]  # fmt: skip


@target(lambda: SMALL, "hg1: SID- T Z +00:00 - . 0 9 \u0663", share=4)
def short_text(raw: bytes) -> object:
    """Everything that reads a few characters: badges, times, numbers, ids, keys of the broker."""
    text = raw.decode("utf-8", "replace")
    return [_said(read, text) for read in (read_badge, instant.parse, parse_decimal, check_id, read_public)]


def _said(read: Any, text: str) -> object:
    try:
        return read(text)
    except Malformed as error:
        return str(error)
