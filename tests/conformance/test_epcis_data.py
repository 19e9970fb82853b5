"""EPCIS data that nobody here wrote: GS1's schema and examples, OpenEPCIS's resources, and a mutated document.

The examples stay outside the project (their licences); the fixture `shared` finds them. Nothing is fetched.
"""

import copy
import importlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.adapters import epcis
from holdgate.terms import instant
from holdgate.terms.errors import Malformed

Json = dict[str, Any]
DRAFT_7: Any = importlib.import_module("jsonschema").Draft7Validator  # has no types; checks formats only if asked
AT = instant.parse("2026-04-01T13:00:00.5Z")
DOCK = "urn:epc:id:sgln:0614141.07346.1234"

# Why an arrival among the examples is refused: words of the sentence → the reason.
REFUSALS = {
    "send each arrival as a document of its own": "a signed arrival is one event; the example holds several",
    "not 'EPCISQueryDocument'": "an answer to a query is somebody's record of the past, not a reading",
    "withdrawn reading is not an arrival": "the event carries an errorDeclaration",
    "an arrival counts pieces": "its quantity is kilograms (KGM), which no part order counts in",
    "'https://id.gs1.de/": "a Digital Link of another resolver than the canonical id.gs1.org",
    "'urn:epc:id:sscc:": "a pallet is no part: its content is not on it",
}
# file → how its document (first) and its arrival events (then) fare; "read", or words of the table above.
EXPECTED_READ = {
    "ralfsChaosExample.jsonld": ("70614141123451", ("2018",), None),
    "Capture/Events/ObjectEvent.json": ("10614141073464", ("2018",), "12345678"),
}

# OpenEPCIS's deliberately invalid captures and queries: file → its fault, done to a valid arrival of ours.
# True: GS1's JSON schema accepts the fault as well.
FAULTS: dict[str, tuple[bool, Json]] = {
    "Combination_of_events_with_missing_mandatory_fields": (False, {"action": ...}),
    "Combination_of_multiple_invalid_fields": (False, {"action": "CREATE", "eventTime": "22-07-2026"}),
    "Combination_of_non_standard_bizStep_and_disposition": (
        True,
        {"bizStep": "transforming", "disposition": "in_transport"},
    ),
    "EPCISDocument_without_context": (False, {"document": {"@context": ...}}),
    "ObjectEvent_with_ilmd_field_without_namespace": (True, {"action": "ADD", "ilmd": {"materialType": "soil"}}),
    "ObjectEvent_with_invalid_action": (False, {"action": "CREATE"}),
    "ObjectEvent_with_invalid_certificationInfo": (
        False,
        {"certificationInfo": [{"gs1:certificationAuditDate": "wrong"}]},
    ),
    "ObjectEvent_with_invalid_eventTime_format": (True, {"eventTime": "22-07-2026"}),
    "ObjectEvent_with_non_standard_bizStep": (True, {"bizStep": "transforming"}),
    "ObjectEvent_with_non_standard_bizStep_in_second_event": (True, {"second": {"bizStep": "transforming"}}),
    "ObjectEvent_with_non_standard_disposition": (True, {"disposition": "in_transport"}),
    "ObjectEvent_with_quantity_as_text": (
        False,
        {"quantityList": [{"epcClass": "urn:x-class:1", "quantity": "twenty"}]},
    ),
    "ObjectEvent_with_unknown_field_in_quantityList": (
        False,
        {"quantityList": [{"epcClass": "urn:x-class:1", "unit": "KGM"}]},
    ),
    "ObjectEvent_without_action_and_eventTime": (False, {"action": ..., "eventTime": ...}),
    "ObjectEvent_without_identifier_list": (False, {"epcList": ...}),
    "QueryDocument_with_invalid_action": (False, {"action": "INVALIDACTION"}),
    "QueryDocument_with_invalid_eventType": (True, {"type": "ObjectEventInvalid"}),
    "of our own: an EPC that is no URI": (True, {"epcList": ["0CVA5-1234567"]}),
}


@pytest.fixture(scope="module")
def schema(shared: Path) -> Any:
    document = json.loads((shared / "data/epcis/schema/EPCIS-JSON-Schema.json").read_bytes())
    assert all(ref.startswith("#") for ref in references(document)), "the schema would fetch something"
    DRAFT_7.check_schema(document)
    return DRAFT_7(document)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (ref for name, ref in value.items() if name == "$ref" and isinstance(ref, str))
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def written(order: str | None = "PO-77", rev: str | None = "C", serials: tuple[str, ...] = ("S01", "#S/2")) -> bytes:
    return epcis.write_object_event(order, "4512-7", rev, serials, DOCK, AT, "0CVA5")


def outcome(raw: bytes) -> tuple[Any, ...] | str:
    """What was read, or the sentence of the refusal; nothing else may come out."""
    try:
        seen = epcis.read_object_event(raw)
    except Malformed as refusal:
        return str(refusal)
    return (seen.part_no, seen.serials, seen.order)


def events_of(document: Json) -> list[Json]:
    body = document.get("epcisBody", {})
    listed = body.get("eventList") or body.get("queryResults", {}).get("resultsBody", {}).get("eventList")
    return listed or [document]


def is_arrival(event: Json) -> bool:
    step = str(event.get("bizStep", ""))
    return event.get("type") == "ObjectEvent" and step.endswith(("arriving", "receiving"))


def examples(shared: Path) -> list[tuple[str, bytes, Json]]:
    found = []
    for path in sorted((shared / "data/epcis").rglob("*.json*")):
        name = path.relative_to(shared / "data/epcis").as_posix()
        if path.suffix in (".json", ".jsonld") and "schema" not in path.parts and "Invalid" not in path.parts:
            raw = path.read_bytes()
            found.append((name, raw, json.loads(raw)))
    return found


def bare(document: Json, event: Json) -> bytes:
    """The event alone, under the contexts of its document and its own."""
    contexts = []
    for holder in (document, {} if event is document else event):
        given = holder.get("@context", [])
        contexts += given if isinstance(given, list) else [given]
    return json.dumps({**event, "@context": contexts}).encode()


def reason(sentence: str) -> str | None:
    return next((why for words, why in REFUSALS.items() if words in sentence), None)


def faulty(changes: Json) -> Json:
    document: Json = json.loads(written())
    (event,) = document["epcisBody"]["eventList"]
    changes = dict(changes)
    document.update(changes.pop("document", {}))
    if "second" in changes:
        document["epcisBody"]["eventList"].append({**event, **changes.pop("second")})
    event.update(changes)
    for holder in (document, event):
        for name in [name for name, value in holder.items() if value is ...]:
            del holder[name]
    return document


def test_what_we_write_is_valid_under_the_gs1_schema(schema: Any):
    for raw in (
        written(),
        written(order=None),
        written(rev=None),
        written(serials=tuple(f"S{n}" for n in range(2000))),
    ):
        assert [error.message for error in schema.iter_errors(json.loads(raw))] == []


def test_the_schema_does_refuse(schema: Any):
    assert not schema.is_valid(faulty({"action": "CREATE"}))
    assert not schema.is_valid(faulty({"serials": ["S01"], "eventTimeZoneOffset": "2"}))


def test_every_arrival_among_the_examples_is_read_or_refused_for_a_known_reason(shared: Path):
    arrivals = [(name, raw, doc) for name, raw, doc in examples(shared) if any(is_arrival(e) for e in events_of(doc))]
    assert len(arrivals) >= 25, "the examples are incomplete"
    used, read = set(), {}
    for name, raw, document in arrivals:
        results = {"document": outcome(raw)}
        results |= {
            f"event {n}": outcome(bare(document, e)) for n, e in enumerate(events_of(document)) if is_arrival(e)
        }
        for which, result in results.items():
            if isinstance(result, str):
                assert reason(result), f"{name}, {which}: {result}"
                used.add(reason(result))
            else:
                read[f"{name}, {which}"] = result
    assert used == set(REFUSALS.values()), "a reason in the table stands for no example"
    whole = {name: result for name, result in read.items() if name.endswith(", document")}
    assert len(whole) == len(EXPECTED_READ)
    for tail, expected in EXPECTED_READ.items():
        (result,) = [result for name, result in whole.items() if name.removesuffix(", document").endswith(tail)]
        assert result == expected
    assert len(read) >= 15, "most arrivals among the examples name parts in the usual way"


def test_the_standard_s_own_receipt_is_read_alone(shared: Path):
    document = json.loads((shared / "data/epcis/gs1-examples/JSON/Example_9.6.1-ObjectEvent.jsonld").read_bytes())
    seen = epcis.read_object_event(bare(document, document["epcisBody"]["eventList"][1]))
    assert (seen.part_no, seen.serials, seen.quantity, seen.order) == ("10614141073464", ("2018",), 1, "12345678")
    assert (seen.read_point, seen.biz_location) == (
        "urn:epc:id:sgln:0012345.11111.400",
        "urn:epc:id:sgln:0012345.11111.0",
    )
    assert seen.observed_at == instant.parse("2005-04-05T02:33:31.116Z")
    assert (seen.rev, seen.lots, seen.action, seen.biz_step) == (None, (), "OBSERVE", "receiving")


def test_no_other_example_is_taken_for_an_arrival(shared: Path):
    others = 0
    for name, raw, document in examples(shared):
        if any(is_arrival(event) for event in events_of(document)):
            continue
        others += 1
        for text in (raw, *(bare(document, event) for event in events_of(document))):
            assert isinstance(outcome(text), str), name
    assert others >= 50, "the examples are incomplete"


@pytest.mark.parametrize("name", FAULTS)
def test_each_deliberate_fault_is_refused(name: str, schema: Any):
    passes_schema, changes = FAULTS[name]
    document = faulty(changes)
    assert schema.is_valid(document) == passes_schema, "the table says otherwise"
    assert isinstance(outcome(json.dumps(document).encode()), str)


def test_the_deliberately_invalid_files_are_refused(shared: Path):
    files = [
        path
        for path in (shared / "data/epcis").rglob("*.json*")
        if "Invalid" in path.parts and "Queries" not in path.parts
    ]
    if not files:
        pytest.skip("the shared copy of openepcis-test-resources has no Invalid folder; FAULTS stands for it")
    for path in files:
        assert path.stem in FAULTS, f"{path.name} is new: add its fault"
        document = json.loads(path.read_bytes())
        assert isinstance(outcome(path.read_bytes()), str), path.name
        for event in events_of(document):
            assert isinstance(outcome(bare(document, event)), str), path.name


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


RICH = faulty(
    {
        "action": "ADD",
        "epcList": ["urn:epc:id:sgtin:4012345.012345.A", "https://id.gs1.org/01/04012345123456/21/B"],
        "quantityList": [{"epcClass": "urn:epc:class:lgtin:4012345.012345.998877", "quantity": 3}],
        "bizLocation": {"id": "urn:epc:id:sgln:0012345.11111.0"},
        "disposition": "in_progress",
        "certificationInfo": ["https://example.com/certificate/7"],
        "ilmd": {"holdgate:heat": "H7"},
        "eventID": "ni:///sha-256;00e1?ver=CBV2.0",
        "recordTime": "2026-04-01T13:00:01Z",
        "sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": 26, "uom": "CEL"}]}],
    }
)
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["ObjectEvent", "ADD", "po", DOCK]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def test_the_document_that_is_mutated_is_valid(schema: Any):
    assert schema.is_valid(RICH)
    assert outcome(json.dumps(RICH).encode()) == ("04012345123456", ("A", "B"), "PO-77")


@given(path=st.sampled_from(list(places(RICH))), junk=JUNK, name=st.text(max_size=8), drop=st.booleans())
def test_a_mutated_value_is_read_or_refused(path: tuple[Any, ...], junk: Any, name: str, drop: bool):
    document: Any = copy.deepcopy(RICH)
    if not path:
        document = junk
    else:
        holder = document
        for key in path[:-1]:
            holder = holder[key]
        if drop:
            del holder[path[-1]]
        else:
            holder[path[-1]] = junk
        if isinstance(holder, dict):
            holder.setdefault(name, junk)
    outcome(json.dumps(document).encode())


@given(seed=st.integers(0, 2**32), count=st.integers(1, 4))
def test_mutated_bytes_are_read_or_refused(seed: int, count: int):
    chance = random.Random(seed)
    raw = bytearray(json.dumps(RICH).encode())
    for _ in range(count):
        at = chance.randrange(len(raw))
        match chance.randrange(4):
            case 0:
                raw[at] = chance.randrange(256)
            case 1:
                del raw[at : at + chance.randrange(1, 20)]
            case 2:
                raw[at:at] = raw[chance.randrange(len(raw)) :][: chance.randrange(1, 40)]
            case _:
                raw[at:at] = chance.choice(
                    [b'"', b"\\u0000", b"\\ud83d", b"1e999", b"[", b"}", b"NaN", b"-0.0", b"\xc0"]
                )
    outcome(bytes(raw))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(raw: bytes):
    assert isinstance(outcome(raw), str)
