"""The EPCIS event hash against vectors that others published, and what may and may not change it.

The vectors stay outside the project (their licence is MIT); the fixture `shared` finds them.
"""

import copy
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdgate.adapters.epcis_hash import Fraction, event_hash, pre_hash
from holdgate.adapters.epcis_links import canonical_link
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import EPCIS_DEPTH_MAX, EPCIS_PREHASH_CHARS_MAX
from tests.conformance.epcis_xml import Document

Json = dict[str, Any]
NS = {"example": "https://ns.example.com/epcis/"}
VECTORS = 15
MANGLED = {"epcisDocWithAllGS1Keys", "epcisDocWithDefaultSchemaInContext"}
"""Their published pre-hash strings do not hash to their published hashes; the hashes are right."""


def load(path: Path) -> tuple[list[Json], dict[str, str]]:
    """The events of a document and its namespaces, read as the product reads JSON."""
    document = json.loads(path.read_text("utf-8"), parse_float=Fraction)
    body = document["epcisBody"]
    events = body["eventList"] if "eventList" in body else body["queryResults"]["resultsBody"]["eventList"]
    namespaces: dict[str, str] = {}
    for item in document["@context"]:
        namespaces |= item if isinstance(item, dict) else {}
    return events, namespaces


def test_every_published_vector_gives_its_published_hash(shared: Path) -> None:
    found = sorted((shared / "data/epcis").glob("event-hash*/tests/examples/*.jsonld"))
    assert len(found) == VECTORS
    seen = 0
    for path in found:
        events, namespaces = load(path)
        assert [event_hash(event, namespaces) for event in events] == path.with_suffix(".hashes").read_text().split()
        seen += len(events)
    assert seen >= 30


def test_every_sound_published_pre_hash_string_is_ours(shared: Path) -> None:
    for path in sorted((shared / "data/epcis").glob("event-hash*/tests/examples/*.jsonld")):
        said = path.with_suffix(".prehashes")
        if said.exists() and path.stem not in MANGLED:
            events, namespaces = load(path)
            expected = [line for line in said.read_text("utf-8").split("\n") if line]
            assert [pre_hash(event, namespaces) for event in events] == expected


def test_events_that_are_published_as_equal_have_one_hash(shared: Path) -> None:
    path = shared / "data/epcis/event-hash-overlap/tests/expected_equal/ReferenceEventHashAlgorithm.json"
    events, namespaces = load(path)
    assert len({event_hash(event, namespaces) for event in events}) == 1


DEFECTS = {("SensorDataExamples", 6), ("SensorDataExamples", 7)}
"""Published hashes that are not followed: a text of 24 digits went through a floating-point number there; and a field that the
algorithm has no place for, written a second time outside of the element that it stands in."""


def test_every_published_vector_in_xml_gives_its_published_hash_but_two(shared: Path) -> None:
    differ: set[tuple[str, int]] = set()
    count = 0
    for path in sorted((shared / "data/epcis").glob("event-hash*/tests/examples/*.xml")):
        document, wanted = Document(path), path.with_suffix(".hashes").read_text().split()
        found = [event_hash(event, document.namespaces) for event in document.events]
        assert len(found) == len(wanted)
        differ |= {
            (path.stem, number) for number, pair in enumerate(zip(found, wanted, strict=True)) if len({*pair}) > 1
        }
        count += len(found)
    assert (count, differ) == (35, DEFECTS)


def test_events_that_are_published_as_equal_in_xml_have_one_hash(shared: Path) -> None:
    found = sorted((shared / "data/epcis/event-hash-overlap/tests/expected_equal").glob("*.xml"))
    assert len(found) == 6
    for path in found:
        document = Document(path)
        assert len(document.events) > 1, path
        assert len({event_hash(event, document.namespaces) for event in document.events}) == 1, path


EVENT: Json = {
    "type": "ObjectEvent",
    "eventTime": "2026-04-01T13:00:00.25Z",
    "eventTimeZoneOffset": "+02:00",
    "action": "OBSERVE",
    "bizStep": "receiving",
    "disposition": "in_progress",
    "epcList": ["urn:epc:id:adi:0CVA5.4512-7.S01", "urn:epc:id:sgtin:0614141.011111.987"],
    "readPoint": {"id": "urn:epc:id:sgln:0614141.07346.1234", "example:gate": "3"},
    "bizTransactionList": [{"type": "po", "bizTransaction": "urn:holdgate:po:PO-1"}],
    "sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": Fraction("26.10"), "uom": "CEL"}]}],
    "example:rev": "C",
    "example:deep": {"example:b": ["2", "1"], "example:a": True},
}
HASH = event_hash(EVENT, NS)
SAME: dict[str, Json] = {
    "an eventID": {"eventID": "urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8"},
    "a recordTime": {"recordTime": "2027-01-01T00:00:00Z"},
    "a comment": {"rdfs:comment": "read twice"},
    "serials in another order": {"epcList": EVENT["epcList"][::-1]},
    "a part as Digital Link": {
        "epcList": [EVENT["epcList"][0], "https://example.com/x/gtin/00614141111114/ser/987?a=b"]
    },
    "a step as URN": {"bizStep": "urn:epcglobal:cbv:bizstep:receiving"},
    "a step as URI": {"bizStep": "https://ref.gs1.org/cbv/BizStep-receiving"},
    "a step as CURIE": {"bizStep": "cbv:BizStep-receiving"},
    "the time in another zone": {"eventTime": "2026-04-01T15:00:00.2500+02:00"},
    "a time rounded down": {"eventTime": "2026-04-01T13:00:00.2504999Z"},
    "a place as Digital Link": {
        "readPoint": {"example:gate": " 3 ", "id": "https://id.gs1.org/414/0614141073467/254/1234"}
    },
    "a number with other zeros": {
        "sensorElementList": [
            {"sensorReport": [{"uom": "CEL", "value": Fraction("+026.1"), "type": "gs1:Temperature"}]}
        ]
    },
    "a number with an exponent": {
        "sensorElementList": [{"sensorReport": [{"uom": "CEL", "value": Fraction("2.61E1"), "type": "Temperature"}]}]
    },
    "a number as text": {
        "sensorElementList": [{"sensorReport": [{"uom": "CEL", "value": "26.100", "type": "Temperature"}]}]
    },
    "an empty list": {"quantityList": []},
    "nothing": {"bizLocation": None},
}
OTHER: dict[str, Json] = {
    "another serial": {"epcList": ["urn:epc:id:adi:0CVA5.4512-7.S02", EVENT["epcList"][1]]},
    "a serial less": {"epcList": EVENT["epcList"][:1]},
    "a serial twice": {"epcList": [*EVENT["epcList"], EVENT["epcList"][0]]},
    "a millisecond later": {"eventTime": "2026-04-01T13:00:00.2505Z"},
    "another offset": {"eventTimeZoneOffset": "+01:00"},
    "another action": {"action": "ADD"},
    "another step": {"bizStep": "arriving"},
    "another place": {"readPoint": {"id": "urn:epc:id:sgln:0614141.07346.1235", "example:gate": "3"}},
    "an extension elsewhere": {"readPoint": {"id": EVENT["readPoint"]["id"]}, "example:gate": "3"},
    "another order": {"bizTransactionList": [{"type": "po", "bizTransaction": "urn:holdgate:po:PO-2"}]},
    "another kind of order": {"bizTransactionList": [{"type": "inv", "bizTransaction": "urn:holdgate:po:PO-1"}]},
    "another value": {"sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": 26, "uom": "CEL"}]}]},
    "another revision": {"example:rev": "c"},
    "a text with zeros": {"example:rev": "0C"},
    "a field more": {"example:more": "1"},
    "another type": {"type": "TransactionEvent"},
}


@pytest.mark.parametrize("name", SAME)
def test_another_spelling_of_the_same_event_has_the_same_hash(name: str) -> None:
    assert event_hash(EVENT | SAME[name], NS) == HASH


@pytest.mark.parametrize("name", OTHER)
def test_another_event_has_another_hash(name: str) -> None:
    assert event_hash(EVENT | OTHER[name], NS) != HASH


def test_the_name_of_a_prefix_does_not_count_and_its_namespace_does() -> None:
    renamed = {("shop" + name[7:] if name.startswith("example:") else name): value for name, value in EVENT.items()}
    renamed["readPoint"] = {"id": EVENT["readPoint"]["id"], "shop:gate": "3"}
    renamed["shop:deep"] = {"shop:b": ["1", "2"], "shop:a": True}
    assert event_hash(renamed, {"shop": NS["example"]}) == HASH
    assert event_hash(renamed, {"shop": "https://ns.example.com/other/"}) != HASH


def test_a_text_that_looks_like_a_number_stays_a_text() -> None:
    assert "{https://ns.example.com/epcis/}part=0100" in pre_hash(EVENT | {"example:part": "0100"}, NS)


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a name was looked up or a connection made")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    assert event_hash(EVENT | {"@context": ["https://attacker.example.com/context.jsonld"]}, NS) == HASH


def test_what_is_too_deep_or_too_long_is_refused() -> None:
    deep: Any = "x"
    for _ in range(EPCIS_DEPTH_MAX + 1):
        deep = {"example:a": deep}
    with pytest.raises(Malformed, match="deeper"):
        event_hash(EVENT | {"example:deep": deep}, NS)
    lists: Any = "x"
    for _ in range(5_000):
        lists = [lists]
    with pytest.raises(Malformed, match="deeper"):
        event_hash(EVENT | {"example:deep": lists}, NS)
    swollen = {f"long:{number}": 1 for number in range(20_000)}
    with pytest.raises(Malformed, match="pre-hash"):
        event_hash(EVENT | swollen, {"long": "https://example.com/" + "n" * 490})
    assert len(swollen) * 510 > EPCIS_PREHASH_CHARS_MAX
    for number in ("1e999999999", "1e-99999999", "9" * 200):
        reports = [{"sensorReport": [{"type": "Temperature", "value": Fraction(number)}]}]
        with pytest.raises(Malformed, match="number"):
            event_hash(EVENT | {"sensorElementList": reports}, NS)
    with pytest.raises(Malformed, match="Unicode"):
        event_hash(EVENT | {"example:rev": "\ud800"}, NS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.builds(Fraction, st.text(max_size=9)),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=9), inside, max_size=3),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(EVENT)), JSON)
def test_junk_has_a_hash_or_is_refused_and_never_crashes(field: str, junk: Any) -> None:
    changed = copy.deepcopy(EVENT) | {field: junk}
    try:
        said = event_hash(changed, NS)
    except Malformed:
        return
    assert said.startswith("ni:///sha-256;")
    assert said.endswith("?ver=CBV2.0")


LINKS = {
    "urn:epc:id:sgtin:0614141.011111.9!(7": "https://id.gs1.org/01/00614141111114/21/9%21%287",
    "urn:epc:idpat:upui:4012345.012345.*": "https://id.gs1.org/01/04012345123456",
    "https://example.com/a/01/614141111114/22/2A/10/L1/21/S1": "https://id.gs1.org/01/00614141111114/21/S1",
    "https://example.com/01/614141111114/10/L1": "https://id.gs1.org/01/00614141111114/10/L1",
    "https://example.com/8006/040123451234560102/21/9?x=1#y": "https://id.gs1.org/8006/040123451234560102/21/9",
}
NO_LINKS = (
    "urn:epc:id:sgtin:0614141.011111",
    "urn:epc:id:sgtin:061414.011111.9",
    "urn:epc:id:sgln:0614141.0734\u0666.1",
    "urn:epc:id:grai:4012345.66666.8 7",
    "urn:epc:idpat:sgtin:4012345.066666.1",
    "urn:epc:id:itip:4012345.012345.1.02.9",
    "urn:epc:id:adi:0CVA5.4512-7.S01",
    "urn:epc:id:unknown:1.2",
    "https://example.com/po/12345678",
    "https://example.com/01/none",
    "https://example.com/01/",
    "geo:47.5,11.1",
)


def test_links_are_canonical() -> None:
    assert {text: canonical_link(text) for text in LINKS} == LINKS
    assert [canonical_link(text) for text in NO_LINKS] == list(NO_LINKS)
    assert all(canonical_link(link) == link for link in LINKS.values())
