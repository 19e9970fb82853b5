"""One EPCIS arrival event at a time: what is read, and each thing that is refused, with its sentence."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from holdgate.adapters import epcis, epcis_uris
from holdgate.adapters.epcis_hash import event_hash
from holdgate.terms import instant, limits
from holdgate.terms.errors import Malformed

Json = dict[str, Any]
DOCK = "urn:epc:id:sgln:0614141.07346.1234"
AT = "2026-04-01T15:00:00.250000+02:00"
LGTIN = "urn:epc:class:lgtin:4012345.012345.998877"


def bare(**changes: Any) -> Json:
    """A valid arrival; a change to `...` leaves the field out, `__` in a name stands for `:`."""
    event: Json = {
        "@context": [epcis.CONTEXT, {"shop": "https://ns.example.com/shop/"}],
        "type": "ObjectEvent",
        "action": "OBSERVE",
        "bizStep": "arriving",
        "eventTime": AT,
        "eventTimeZoneOffset": "+02:00",
        "epcList": ["urn:epc:id:adi:0CVA5.4512-7.S01"],
        "readPoint": {"id": DOCK},
    }
    event.update({name.replace("__", ":"): value for name, value in changes.items()})
    return {name: value for name, value in event.items() if value is not ...}


def document(*events: Json, **changes: Any) -> Json:
    whole: Json = {
        "@context": [epcis.CONTEXT, {"shop": "https://ns.example.com/shop/"}],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-04-01T13:00:05Z",
        "epcisBody": {"eventList": list(events)},
    }
    whole.update(changes)
    return {name: value for name, value in whole.items() if value is not ...}


def read(value: Json) -> epcis.ObservedParts:
    return epcis.read_object_event(json.dumps(value).encode())


def refused(value: Json | bytes, *words: str) -> None:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    with pytest.raises(Malformed) as caught:
        epcis.read_object_event(raw)
    for word in words:
        assert word in str(caught.value)


def test_a_bare_event_gives_everything_it_says():
    po = {"type": "po", "bizTransaction": "https://transaction.example.com/po/PO-77"}
    event = bare(bizTransactionList=[po], bizLocation={"id": "https://example.com/dock"}, shop__drawingRevision="C")
    raw = json.dumps(event).encode()
    assert epcis.read_object_event(raw) == epcis.ObservedParts(
        part_no="4512-7",
        rev="C",
        serials=("S01",),
        lots=(),
        quantity=1,
        read_point=DOCK,
        biz_location="https://example.com/dock",
        observed_at=instant.parse("2026-04-01T13:00:00.25Z"),
        order="PO-77",
        action="OBSERVE",
        biz_step="arriving",
        event_hash=event_hash(event, {"shop": "https://ns.example.com/shop/"}),
        event_digest=hashlib.sha256(raw).hexdigest(),
    )


def test_what_an_event_does_not_say_is_none():
    seen = read(bare())
    assert (seen.rev, seen.order, seen.biz_location, seen.lots) == (None, None, None, ())


def test_the_digest_is_of_the_bytes_as_they_came():
    tight, loose = json.dumps(bare()).encode(), json.dumps(bare(), indent=1).encode()
    digests = [epcis.read_object_event(raw).event_digest for raw in (tight, loose)]
    assert digests == [hashlib.sha256(raw).hexdigest() for raw in (tight, loose)]
    assert digests[0] != digests[1]


def test_the_hash_of_an_event_is_one_however_it_came():
    """Bare or in a document, its namespaces declared here or there, spaced as it likes."""
    event = bare(shop__drawingRevision="C")
    alone = {name: value for name, value in event.items() if name != "@context"}
    spellings = (
        json.dumps(event),
        json.dumps(event, indent=1),
        json.dumps(event | {"eventID": "urn:uuid:1", "recordTime": "2026-04-01T13:00:00Z"}),
        json.dumps(document(alone)),
        json.dumps(document(alone | {"@context": [{"shop": "https://ns.example.com/shop/"}]})),
    )
    assert len({epcis.read_object_event(raw.encode()).event_hash for raw in spellings}) == 1


@pytest.mark.parametrize("word", ["arriving", "receiving"])
@pytest.mark.parametrize("stem", ["", "urn:epcglobal:cbv:bizstep:", "https://ref.gs1.org/cbv/BizStep-"])
def test_a_step_has_three_spellings(stem: str, word: str):
    assert read(bare(bizStep=stem + word)).biz_step == word


@pytest.mark.parametrize(
    "step",
    [
        ...,
        None,
        7,
        "",
        "shipping",
        "Receiving",
        "transforming",
        "https://ref.gs1.org/cbv/BizStep-shipping",
        "cbv:BizStep-receiving",
        "https://example.com/BizStep-receiving",
        "urn:epcglobal:cbv:bizstep:receiving ",
    ],
)
def test_another_step_is_no_arrival(step: Any):
    refused(bare(bizStep=step), "arriving or receiving")


@pytest.mark.parametrize("action", [..., None, "DELETE", "observe", "CREATE", 1, ["OBSERVE"]])
def test_another_action_is_no_arrival(action: Any):
    refused(bare(action=action), "OBSERVE or ADD")


@pytest.mark.parametrize(
    "kind", [..., None, "AggregationEvent", "TransactionEvent", "EPCISQueryDocument", "ObjectEventX", 1]
)
def test_another_type_is_no_arrival(kind: Any):
    refused(bare(type=kind), "ObjectEvent")
    refused(document(bare(type=kind)), "ObjectEvent")


def test_a_withdrawn_reading_is_not_an_arrival():
    for declaration in ({"declarationTime": AT}, {}, None):
        refused(bare(errorDeclaration=declaration), "withdrawn reading", "un-receive")


@pytest.mark.parametrize(
    ("uri", "part_no", "serial"),
    [
        ("urn:epc:id:adi:0CVA5.4512-7.S01", "4512-7", "S01"),
        ("urn:epc:id:adi:0CVA5.A%2FB.%23S%2f01", "A/B", "#S/01"),
        ("urn:epc:id:adi:W81X9C.3KL984PX1.2WMA52", "3KL984PX1", "2WMA52"),
        ("urn:epc:id:adi:0CVA5..S01", None, "S01"),
        ("urn:epc:id:sgtin:0614141.107346.2018", "10614141073464", "2018"),
        ("https://id.gs1.org/01/10614141073464/21/2018", "10614141073464", "2018"),
        ("https://id.gs1.org/01/10614141073464/22/V2/10/L7/21/a%2Fb", "10614141073464", "a/b"),
        ("urn:epc:id:sgtin:4012345.011111.32a%2Fb", "04012345111118", "32a/b"),
        ("urn:epc:id:giai:0614141.12345400", None, "061414112345400"),
        ("https://id.gs1.org/8004/061414112345400", None, "061414112345400"),
    ],
)
def test_identifiers_are_read_by_their_scheme(uri: str, part_no: str | None, serial: str):
    seen = read(bare(epcList=[uri]))
    assert (seen.part_no, seen.serials) == (part_no, (serial,))


@pytest.mark.parametrize(
    "uri",
    [
        "0CVA5-1234567",
        "urn:epc:id:adi:0CVA5.4512-7",
        "urn:epc:id:adi:0CVA5.4512-7.",
        "urn:epc:id:adi:0CVA5.4512-7.s01",
        "urn:epc:id:adi:0CVA5.4512.7.S01",
        "urn:epc:id:adi:0CVA5.4512-7.S%2301",
        "urn:epc:id:adi:0CVA5.4512-7.S%2001",
        "urn:epc:id:adi:OCVA5.4512-7.S01",
        "urn:epc:id:adi:0CVA.4512-7.S01",
        "urn:epc:id:adi:0CVA5." + "P" * 33 + ".S01",
        "urn:epc:id:adi:0CVA5.4512-7." + "S" * 31,
        "URN:EPC:ID:ADI:0CVA5.4512-7.S01",
        "urn:epc:id:sgtin:0614141.10734.2018",
        "urn:epc:id:sgtin:06141.10734600.2018",
        "urn:epc:id:sgtin:0614141.107346." + "1" * 21,
        "urn:epc:id:sgtin:0614141.107346.a%00",
        "urn:epc:idpat:sgtin:0614141.107346.*",
        "urn:epc:id:giai:0614141." + "1" * 24,
        "urn:epc:id:sscc:5200001.0111111146",
        "urn:epc:id:grai:0614141.12345.400",
        "https://id.gs1.org/01/10614141073465/21/2018",
        "https://id.gs1.org/01/10614141073464",
        "https://id.gs1.org/01/10614141073464/10/L7",
        "https://id.gs1.org/01/10614141073464/10/%00/21/2018",
        "https://id.gs1.org/01/10614141073464/21/2018?17=260101",
        "http://id.gs1.org/01/10614141073464/21/2018",
        "https://id.gs1.de/01/04012345999990/21/XYZ-1234",
        "https://id.gs1.org.example.com/01/10614141073464/21/2018",
        "urn:epc:id:adi:0CVA5.4512-7.S01\n",
        "urn:epc:id:adi:0CVA5.4512-7.S\u0661",
        "x:" + "a" * 600,
        "",
    ],
)
def test_a_broken_identifier_is_refused(uri: str):
    refused(bare(epcList=[uri]))


@pytest.mark.parametrize("item", [None, 7, {}, [], {"id": "urn:epc:id:adi:0CVA5.4512-7.S01"}])
def test_an_identifier_is_a_text(item: Any):
    refused(bare(epcList=[item]), "URI")


@pytest.mark.parametrize(
    "other",
    [
        "urn:epc:id:adi:0CVA5.4512-8.S02",
        "urn:epc:id:adi:1CVA5.4512-7.S02",
        "urn:epc:id:adi:0CVA5..S02",
        "urn:epc:id:sgtin:0614141.107346.2018",
        "urn:epc:id:giai:0614141.12345400",
    ],
)
def test_one_event_names_one_part_number(other: str):
    refused(bare(epcList=["urn:epc:id:adi:0CVA5.4512-7.S01", other]), "more than one part number")


@pytest.mark.parametrize(
    "twice",
    [
        ["urn:epc:id:adi:0CVA5.4512-7.S01"] * 2,
        ["urn:epc:id:adi:0CVA5.4512-7.S%2F1", "urn:epc:id:adi:0CVA5.4512-7.S%2f1"],
        ["urn:epc:id:sgtin:0614141.107346.2018", "https://id.gs1.org/01/10614141073464/21/2018"],
    ],
)
def test_a_serial_counts_once_however_it_is_spelled(twice: list[str]):
    refused(bare(epcList=twice), "twice")


def test_lots_are_counted_in_pieces():
    other = "https://id.gs1.org/01/04012345123456/10/L%2F2"
    lots = [{"epcClass": LGTIN, "quantity": 200}, {"epcClass": other, "quantity": 1}]
    seen = read(bare(epcList=..., quantityList=lots))
    assert (seen.part_no, seen.serials, seen.lots, seen.quantity) == (
        "04012345123456",
        (),
        (("998877", 200), ("L/2", 1)),
        201,
    )


def test_serials_and_lots_of_one_part_add_up():
    seen = read(bare(epcList=["urn:epc:id:sgtin:4012345.012345.A"], quantityList=[{"epcClass": LGTIN, "quantity": 3}]))
    assert (seen.serials, seen.lots, seen.quantity) == (("A",), (("998877", 3),), 4)


@pytest.mark.parametrize(
    "item",
    [
        {"epcClass": LGTIN},
        {"epcClass": LGTIN, "quantity": 0},
        {"epcClass": LGTIN, "quantity": -1},
        {"epcClass": LGTIN, "quantity": True},
        {"epcClass": LGTIN, "quantity": None},
        {"epcClass": LGTIN, "quantity": "20"},
        {"epcClass": LGTIN, "quantity": 2.5},
        {"epcClass": LGTIN, "quantity": 2.0},
        {"epcClass": LGTIN, "quantity": 10**9 + 1},
        {"epcClass": LGTIN, "quantity": 200, "uom": "KGM"},
        {"epcClass": LGTIN, "quantity": 200, "quantityType": "pieces"},
        {"epcClass": "urn:epc:idpat:sgtin:4012345.012345.*", "quantity": 2},
        {"epcClass": "https://id.gs1.org/01/04012345123456", "quantity": 2},
        {"epcClass": "urn:epc:class:lgtin:4012345.12345.998877", "quantity": 2},
        {"epcClass": "urn:epc:id:sgtin:4012345.012345.998877", "quantity": 2},
        {"quantity": 2},
        "LGTIN",
        None,
    ],
)
def test_a_lot_without_whole_pieces_is_refused(item: Any):
    refused(bare(epcList=..., quantityList=[item]))


def test_a_lot_is_named_once():
    refused(bare(epcList=..., quantityList=[{"epcClass": LGTIN, "quantity": 1}] * 2), "twice")


@pytest.mark.parametrize("lists", [{"epcList": ...}, {"epcList": []}, {"epcList": [], "quantityList": []}])
def test_an_arrival_names_parts(lists: Json):
    refused(bare(**lists), "names no part")


@pytest.mark.parametrize("field", ["epcList", "quantityList", "bizTransactionList"])
@pytest.mark.parametrize("value", [None, {}, "urn:epc:id:adi:0CVA5.4512-7.S01", 1])
def test_lists_are_lists(field: str, value: Any):
    refused(bare(**{field: value}), f"{field} must be a list")


@pytest.mark.parametrize(
    "place", [DOCK, "urn:epc:id:sgln:012345678901..0", "https://id.gs1.org/414/4012345000115", "geo:47.4,8.5"]
)
def test_a_read_point_stays_as_written(place: str):
    assert read(bare(readPoint={"id": place})).read_point == place


@pytest.mark.parametrize(
    "place",
    [
        ...,
        None,
        DOCK,
        {},
        {"id": None},
        {"id": "dock 1"},
        {"id": "dock"},
        {"id": "urn:epc:id:sgln:0614141.0734.1234"},
        {"id": "urn:epc:id:sscc:5200001.0111111146"},
        {"id": "urn:epc:idpat:sgln:0614141.07346.*"},
        {"id": "URN:EPC:ID:x:1"},
        {"id": DOCK, "@id": "https://example.com/other"},
        {"id": DOCK, "epcis:x": 1},
        {"id": [DOCK]},
    ],
)
def test_a_read_point_is_needed_and_is_a_place(place: Any):
    refused(bare(readPoint=place))


@pytest.mark.parametrize("place", [None, DOCK, {"id": "here"}])
def test_a_business_location_is_a_place(place: Any):
    refused(bare(bizLocation=place), "bizLocation")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-04-01T13:00:00Z", "2026-04-01T13:00:00Z"),
        ("2005-04-03T20:33:31.116-06:00", "2005-04-04T02:33:31.116Z"),
        ("2026-04-01T13:00:00.123456789+14:00", "2026-03-31T23:00:00.123456Z"),
        ("9998-01-01T00:00:00Z", "9998-01-01T00:00:00Z"),
    ],
)
def test_the_time_is_an_instant_and_may_lie_anywhere(text: str, utc: str):
    assert read(bare(eventTime=text)).observed_at == instant.parse(utc)


@pytest.mark.parametrize(
    "text",
    [
        ...,
        None,
        0,
        "22-07-2026",
        "2026-04-01",
        "2026-04-01T13:00:00",
        "2026-04-01 13:00:00Z",
        "2026-04-01T13:00Z",
        "20260401T130000Z",
        "2026-02-30T13:00:00Z",
        "2026-04-01T24:00:00Z",
        "2026-06-30T23:59:60Z",
        "2026-04-01T13:00:00+14:30",
        "2026-04-01T13:00:00+0200",
        "2026-W14-3T13:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2026-04-01T13:00:00Z\n",
    ],
)
def test_a_time_without_offset_or_sense_is_refused(text: Any):
    refused(bare(eventTime=text))


@pytest.mark.parametrize("offset", [..., None, 2, "", "Z", "+2:00", "02:00", "+15:00", "+14:01", "+02:60", "+02:00 "])
def test_the_offset_is_well_formed(offset: Any):
    refused(bare(eventTimeZoneOffset=offset), "eventTimeZoneOffset")


@pytest.mark.parametrize(
    ("link", "order"),
    [
        ("http://transaction.example.com/po/12345678", "12345678"),
        ("https://example.com:8443/PO-1", "PO-1"),
        ("urn:epcglobal:cbv:bt:9529999999991:XYZ567", "XYZ567"),
        ("urn:epc:id:gdti:0614141.00001.1618034", "0614141.00001.1618034"),
    ],
)
@pytest.mark.parametrize("kind", ["po", "urn:epcglobal:cbv:btt:po", "https://ref.gs1.org/cbv/BTT-po"])
def test_the_order_ends_its_link(kind: str, link: str, order: str):
    others = [
        {"type": "desadv", "bizTransaction": "urn:epcglobal:cbv:bt:0614141073467:1152"},
        {"bizTransaction": "urn:x-note:1"},
    ]
    assert read(bare(bizTransactionList=[*others, {"type": kind, "bizTransaction": link}])).order == order


@pytest.mark.parametrize(
    "link",
    [
        None,
        7,
        "PO-1",
        "po:1",
        "https://example.com",
        "https://example.com/po/",
        "https://example.com/po?id=1",
        "https://example.com/po/1#2",
        "urn:epcglobal:cbv:bt:1:",
        "urn:epcglobal:cbv:bt:1:a/b",
        "https://example.com/" + "9" * 65,
    ],
)
def test_a_link_without_an_order_number_is_refused(link: Any):
    refused(bare(bizTransactionList=[{"type": "po", "bizTransaction": link}]))


@pytest.mark.parametrize(
    "item",
    [
        "po",
        None,
        {"type": "po"},
        {"type": "PO", "bizTransaction": "urn:x-po:1"},
        {"type": None, "bizTransaction": "urn:x-po:1"},
        {"type": "cbv:BTT-po", "bizTransaction": "urn:x-po:1"},
        {"type": "urn:epcglobal:cbv:btt:so", "bizTransaction": "urn:x-po:1"},
        {"type": "po", "bizTransaction": "urn:x-po:1", "note": ""},
        {"type": ["po"], "bizTransaction": "urn:x-po:1"},
    ],
)
def test_a_business_transaction_is_well_formed(item: Any):
    refused(bare(bizTransactionList=[item]))


def test_one_event_names_one_order():
    links = [{"type": "po", "bizTransaction": f"https://example.com/po/{number}"} for number in (1, 2)]
    refused(bare(bizTransactionList=links), "more than one purchase order")
    again = [links[0], {"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:0614141073467:1"}]
    assert read(bare(bizTransactionList=again)).order == "1"


def test_the_revision_stands_under_any_declared_prefix():
    inner = bare(**{"@context": [{"plant": "urn:x-plant:"}]}, plant__drawingRevision="Rev B.2")
    assert read(document(inner)).rev == "Rev B.2"
    assert read(document(bare(**{"@context": ...}, shop__drawingRevision="-"))).rev == "-"
    assert read(bare(shop__drawingrevision="B")).rev is None


@pytest.mark.parametrize("value", [None, 3, "", " C", "C ", "C\n", "\u0421", "C" * 33, ["C"], {"@value": "C"}])
def test_a_revision_is_a_short_plain_text(value: Any):
    refused(bare(shop__drawingRevision=value), "drawing revision")


def test_a_context_may_type_a_term_of_a_declared_namespace():
    context = [epcis.CONTEXT, {"shop": "urn:x-shop:", "shop:count": {"@type": "xsd:integer"}}]
    assert read(bare(**{"@context": context}, shop__count=3, shop__drawingRevision="C")).rev == "C"
    refused(
        bare(**{"@context": [epcis.CONTEXT, {"shop:count": "urn:x-shop:"}]}, shop__drawingRevision="C"),
        "does not declare",
    )


def test_a_revision_is_one_and_declared():
    refused(bare(drawingRevision="C"), "no field of EPCIS")
    refused(bare(other__drawingRevision="C"), "does not declare")
    context = [epcis.CONTEXT, {"a": "urn:x-a:", "b": "urn:x-b:"}]
    refused(
        bare(**{"@context": context}, a__drawingRevision="C", b__drawingRevision="D"), "more than one drawing revision"
    )
    assert read(bare(**{"@context": context}, a__drawingRevision="C", b__drawingRevision="C")).rev == "C"


@pytest.mark.parametrize(
    "context",
    [
        ...,
        None,
        [],
        {},
        "https://example.com/context.jsonld",
        [{"shop": "urn:x-shop:"}],
        [epcis.CONTEXT, "https://example.com/context.jsonld"],
        [epcis.CONTEXT, None],
        [epcis.CONTEXT, ["https://example.com/"]],
        [epcis.CONTEXT, {"epcList": "https://example.com/expected"}],
        [epcis.CONTEXT, {"@vocab": "https://example.com/"}],
        [epcis.CONTEXT, {"@base": "https://example.com/"}],
        [epcis.CONTEXT, {"urn": "https://example.com/"}],
        [epcis.CONTEXT, {"HTTPS": "https://example.com/"}],
        [epcis.CONTEXT, {"x": "https://ref.gs1.org/epcis/"}],
        [epcis.CONTEXT, {"x": {"@id": "https://example.com/"}}],
        [epcis.CONTEXT, {"shop": "shop"}],
        [epcis.CONTEXT, {"shop": None}],
        [epcis.CONTEXT, {"shop:drawingRevision": {"@id": "shop:other"}}],
        [epcis.CONTEXT, {"drawingRevision": "https://example.com/rev"}],
        [epcis.CONTEXT, {"": "https://example.com/"}],
    ],
)
def test_a_context_that_could_change_the_meaning_is_refused(context: Any):
    refused(bare(**{"@context": context}), "@context")


@pytest.mark.parametrize(
    "name", ["epcis:errorDeclaration", "https://ref.gs1.org/epcis/errorDeclaration", "epcis:epcList"]
)
def test_an_epcis_field_under_its_long_name_is_refused(name: str):
    refused(bare(**{name: {}}), "long name")
    refused(document(bare(), **{name: {}}), "long name")


@pytest.mark.parametrize("name", ["isA", "serials", "@id", "@graph", "eventtime", ""])
def test_an_unknown_field_is_refused(name: str):
    refused(bare(**{name: 1}), "no field of EPCIS")
    refused(document(bare(), **{name: 1}), "no field of EPCIS")


@pytest.mark.parametrize("version", [..., None, 2, "1.2", "2", "3.0"])
def test_another_version_is_refused(version: Any):
    refused(document(bare(), schemaVersion=version), "EPCIS 2.0")


def test_a_document_holds_one_event():
    refused(document(), "0 events")
    refused(document(bare(), bare()), "2 events")
    bodies: list[Any] = [..., None, [], {}, {"eventList": {}}, {"eventList": bare()}]
    for body in bodies:
        refused(document(epcisBody=body), "events")
    events: list[Any] = [None, [], "x"]
    for event in events:
        refused(document(epcisBody={"eventList": [event]}), "ObjectEvent")
    refused(document(bare(), creationDate="yesterday"), "creationDate")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"disposition": "in_transport"}, "disposition"),
        ({"disposition": "urn:epcglobal:cbv:disp:in_transport"}, "disposition"),
        ({"disposition": "https://ref.gs1.org/cbv/Disp-nowhere"}, "disposition"),
        ({"disposition": None}, "disposition"),
        ({"disposition": "https://example.com/my disposition"}, "disposition"),
        ({"certificationInfo": [{"gs1:certificationAgency": "x"}]}, "certificationInfo"),
        ({"certificationInfo": "certificate 7"}, "certificationInfo"),
        ({"ilmd": {"materialType": "soil"}, "action": "ADD"}, "ilmd"),
        ({"ilmd": {"shop:materialType": "soil"}}, "ilmd"),
        ({"ilmd": None, "action": "ADD"}, "ilmd"),
        ({"eventID": "event 1"}, "eventID"),
        ({"recordTime": "today"}, "recordTime"),
    ],
)
def test_fields_beside_the_arrival_are_well_formed(changes: Json, word: str):
    refused(bare(**changes), word)


@pytest.mark.parametrize(
    "changes",
    [
        {"disposition": "in_progress"},
        {"disposition": "urn:epcglobal:cbv:disp:in_progress"},
        {"disposition": "https://ref.gs1.org/cbv/Disp-in_progress"},
        {"disposition": "https://example.com/disposition/at-dock"},
        {"certificationInfo": "https://example.com/certificate/7"},
        {"certificationInfo": ["https://example.com/certificate/7"]},
        {"action": "ADD", "ilmd": {"shop:heat": "H7"}},
        {"eventID": "ni:///sha-256;00e1?ver=CBV2.0", "recordTime": AT},
        {"sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": 26.25, "uom": "CEL"}]}]},
        {"shop:note": "Käfer", "rdfs:comment": ["free", {"text": 1}]},
    ],
)
def test_fields_beside_the_arrival_may_be_there(changes: Json):
    assert read(bare(**changes)).serials == ("S01",)


def test_a_key_stands_once():
    raw = json.dumps(bare()).encode()
    refused(raw.replace(b'"type"', b'"action": "OBSERVE", "type"', 1), "'action' stands twice")
    refused(raw.replace(b'{"id": ', b'{"\\u0069d": "urn:x-other:1", "id": '), "'id' stands twice")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"{}x",
        b"{'a':1}",
        b'{"a":01}',
        b'{"a":"\n"}',
        b"1" * 5000,
    ],
)
def test_what_is_no_json_object_is_refused(raw: bytes):
    refused(raw)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "-Infinity",
        "9007199254740992",
        "1" * 5000,
        '"' + "x" * 4001 + '"',
        '"\\ud800"',
        "[" * 5000,
        "[" * 100_000,
    ],
)
def test_a_value_out_of_bounds_is_refused(text: str):
    refused(json.dumps(bare(shop__note="HERE")).replace('"HERE"', text).encode())


def test_size_depth_and_items_are_bounded():
    refused(b" " * limits.EPCIS_EVENT_BYTES_MAX + json.dumps(bare()).encode(), "longer than")
    deep: Any = "x"
    for _ in range(limits.EPCIS_DEPTH_MAX - 1):
        deep = [deep]
    assert read(bare(shop__deep=deep)).quantity == 1
    refused(bare(shop__deep=[deep]), "nested deeper")
    refused(bare(shop__many=[0] * 2001), "too many items")


def test_many_repeated_keys_are_refused_at_once():
    fields = ",".join(f'"k{number}":0' for number in range(20_000))
    refused(f'{{{fields},"k0":0}}'.encode(), "stands twice")


def test_no_message_repeats_a_long_text():
    long = "Z" * 3000
    for event in (
        bare(epcList=[long]),
        bare(bizStep=long),
        bare(action=long),
        bare(eventTime=long),
        bare(**{long: 1}),
        bare(type=long),
    ):
        with pytest.raises(Malformed) as caught:
            read(event)
        assert len(str(caught.value)) < 400


def write(**changes: Any) -> bytes:
    fields: Json = {
        "order": "PO-77",
        "part_no": "4512-7",
        "rev": "C",
        "serials": ["S01", "S02"],
        "read_point": DOCK,
        "observed_at_us": instant.parse("2026-04-01T13:00:00Z"),
        "cage": "0CVA5",
    }
    fields.update(changes)
    return epcis.write_object_event(**fields)


def test_what_is_written_is_canonical_and_says_what_it_was_given():
    raw = write(serials=("#S/1",))
    whole = json.loads(raw)
    assert raw == json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()
    assert whole["@context"] == [epcis.CONTEXT, {"holdgate": epcis.NAMESPACE}]
    assert whole["creationDate"] == "2026-04-01T13:00:00Z"
    (event,) = whole["epcisBody"]["eventList"]
    assert event["epcList"] == ["urn:epc:id:adi:0CVA5.4512-7.%23S%2F1"]
    assert event["holdgate:drawingRevision"] == "C"
    assert event["bizTransactionList"] == [{"type": "po", "bizTransaction": "urn:holdgate:po:PO-77"}]


def test_without_order_and_revision_their_fields_are_left_out():
    seen = epcis.read_object_event(write(order=None, rev=None))
    assert (seen.order, seen.rev, seen.serials) == (None, None, ("S01", "S02"))


@pytest.mark.parametrize(
    "changes",
    [
        {"order": "PO 77"},
        {"order": ""},
        {"part_no": ""},
        {"part_no": "4512.7"},
        {"part_no": "4512-7a"},
        {"part_no": "P" * 33},
        {"rev": ""},
        {"rev": "\u00c4"},
        {"serials": []},
        {"serials": ["S01", "S01"]},
        {"serials": ["s01"]},
        {"serials": ["S 1"]},
        {"serials": ["S#1"]},
        {"serials": ["#"]},
        {"serials": [""]},
        {"serials": ["S" * 31]},
        {"serials": [f"S{number}" for number in range(2001)]},
        {"part_no": "/" * 32, "serials": ["/" * 25 + f"{number:05}" for number in range(2000)]},
        {"read_point": "dock 1"},
        {"read_point": "urn:epc:id:sscc:5200001.0111111146"},
        {"observed_at_us": 10**18},
        {"observed_at_us": -(10**30)},
        {"cage": "0CVA"},
        {"cage": "OCVA5"},
    ],
)
def test_what_the_form_cannot_carry_is_not_written(changes: Json):
    with pytest.raises(Malformed):
        write(**changes)


@pytest.mark.parametrize(
    "reader",
    [
        epcis_uris.read_part,
        epcis_uris.read_lot,
        epcis_uris.order_of,
        epcis_uris.read_step,
        epcis_uris.is_purchase_order,
    ],
)
@pytest.mark.parametrize("value", [None, 0, b"x", [], {}, "", "\ud800", "urn:", ":", "%"])
def test_single_values_are_refused_in_a_sentence(reader: Callable[[object], object], value: object):
    with pytest.raises(Malformed, match=r"\w+ \w+"):
        reader(value)
