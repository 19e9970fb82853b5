"""What is written as EPCIS is read back as the same parts; what cannot be written is refused before."""

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from holdgate.adapters import epcis, epcis_uris
from holdgate.terms import instant
from holdgate.terms.errors import Malformed

CAGES = st.text("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", min_size=5, max_size=6)
COMPONENTS = st.text("ABCXYZ0189-/", min_size=1, max_size=29)
PART_NOS = st.text("ABCXYZ0189-/", min_size=1, max_size=32)
SERIALS = st.builds(str.__add__, st.sampled_from(["", "#"]), COMPONENTS)
REVISIONS = st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=32)
ORDERS = st.none() | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
PLACES = st.sampled_from(
    ["urn:epc:id:sgln:0614141.07346.1234", "https://example.com/dock/3", "urn:epc:id:sgln:0614141.07346.a%2Fb"]
)
TIMES = st.integers(instant.parse("0001-01-01T00:00:00Z"), instant.parse("9999-12-31T23:59:59.999999Z"))


@given(
    order=ORDERS,
    part_no=PART_NOS,
    rev=REVISIONS,
    serials=st.lists(SERIALS, min_size=1, max_size=8, unique=True),
    place=PLACES,
    at=TIMES,
    cage=CAGES,
)
def test_what_is_written_is_read_back(order, part_no, rev, serials, place, at, cage):
    raw = epcis.write_object_event(order, part_no, rev, serials, place, at, cage)
    seen = epcis.read_object_event(raw)
    assert seen == epcis.ObservedParts(
        part_no=part_no,
        rev=rev,
        serials=tuple(serials),
        lots=(),
        quantity=len(serials),
        read_point=place,
        biz_location=None,
        observed_at=instant.Instant(at),
        order=order,
        action="OBSERVE",
        biz_step="receiving",
        event_hash=seen.event_hash,
        event_digest=hashlib.sha256(raw).hexdigest(),
    )
    assert raw == epcis.write_object_event(order, part_no, rev, serials, place, at, cage)
    (event,) = json.loads(raw)["epcisBody"]["eventList"]
    whole = {"@context": json.loads(raw)["@context"], **event}
    bare = epcis.read_object_event(json.dumps(whole).encode())
    assert (bare.part_no, bare.serials, bare.rev, bare.order) == (part_no, tuple(serials), rev, order)
    assert bare.event_hash == seen.event_hash


@given(
    order=ORDERS | st.text(max_size=8),
    part_no=PART_NOS | st.text(max_size=8),
    rev=REVISIONS | st.text(max_size=8),
    serial=SERIALS | st.text(max_size=8),
    cage=CAGES | st.text(max_size=6),
)
def test_any_text_is_written_faithfully_or_refused(order, part_no, rev, serial, cage):
    try:
        raw = epcis.write_object_event(order, part_no, rev, [serial], "https://example.com/dock", 0, cage)
    except Malformed:
        return
    seen = epcis.read_object_event(raw)
    assert (seen.order, seen.part_no, seen.rev, seen.serials) == (order, part_no, rev, (serial,))


@given(one=st.tuples(CAGES, PART_NOS, SERIALS), other=st.tuples(CAGES, PART_NOS, SERIALS))
def test_two_parts_never_share_an_identifier(one, other):
    uris = [epcis_uris.write_adi(*part) for part in (one, other)]
    assert (uris[0] == uris[1]) == (one == other)
    for uri, (cage, part_no, serial) in zip(uris, (one, other), strict=True):
        assert epcis_uris.read_part(uri) == epcis_uris.EpcIdentity(
            kind="adi", cage=cage, part_no=part_no, number=serial
        )


@given(
    gtin=st.text("0123456789", min_size=13, max_size=13),
    prefix=st.integers(6, 12),
    serial=st.text("aZ9!-.*_", min_size=1, max_size=20),
)
def test_a_gtin_is_the_same_part_in_both_spellings(gtin, prefix, serial):
    urn = f"urn:epc:id:sgtin:{gtin[1 : prefix + 1]}.{gtin[0]}{gtin[prefix + 1 :]}.{serial}"
    named = epcis_uris.read_part(urn)
    assert named.part_no is not None
    assert named.part_no[:13] == gtin
    assert epcis_uris.read_part(f"https://id.gs1.org/01/{named.part_no}/21/{serial}") == named
    wrong = str((int(named.part_no[13]) + 1) % 10)
    try:
        epcis_uris.read_part(f"https://id.gs1.org/01/{gtin}{wrong}/21/{serial}")
    except Malformed:
        return
    raise AssertionError("a wrong check digit was believed")
