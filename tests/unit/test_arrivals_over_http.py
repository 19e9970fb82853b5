"""Arrivals over HTTP at a real floor hub: a reader and its receipts, EPCIS events, CloudEvents, and what is refused."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.responses import Response

from holdgate.adapters.epcis import read_object_event
from holdgate.adapters.http_epcis import epcis_route
from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import digest, leaf_hash
from holdgate.handoff.staging import BROADCAST
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.command import parse_command
from holdgate.ledger.entry import read_entry
from holdgate.ledger.note import Vkey, make_vkey, parse_vkey
from holdgate.ledger.proof import verify_proof
from holdgate.process import _app, _app_of
from holdgate.reader import Came, Outbox, Reader
from holdgate.sites.site import Site
from holdgate.terms.errors import Malformed
from tests.conformance.test_epcis_data import (
    FAULTS,
    JUNK,
    RICH,
    bare,
    events_of,
    examples,
    faulty,
    is_arrival,
    outcome,
    places,
)
from tests.unit.test_sites import FLOOR, HUB, House, events, founded, governed, staged, told, unsound

Json = dict[str, Any]


def client_of(app: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://floor")


@contextlib.asynccontextmanager
async def floor_of(house: House) -> AsyncIterator[tuple[Site, httpx.AsyncClient]]:
    """The floor hub alone, and its address."""
    site = await house.open(FLOOR)
    async with client_of(_app_of(site, None)) as client:
        yield site, client
    await house.close()


def log_of(house: House) -> Vkey:
    seat = next(seat for seat in house.shop.charter.sites if seat.id == FLOOR)
    return parse_vkey(make_vkey(seat.origin, seat.key))


def run(house: House, story: Callable[[Site, httpx.AsyncClient], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with floor_of(house) as (site, client):
            await story(site, client)

    asyncio.run(whole())
    assert unsound(house.audits()) == []


# ---- a reader ------------------------------------------------------------------------------------------------------


class Wire:
    """A reader's way into the test's event loop. `changed`: what happens to an answer on its way."""

    def __init__(self, client: httpx.AsyncClient, loop: asyncio.AbstractEventLoop) -> None:
        self.client, self.loop = client, loop

    def _do(self, call: Any) -> httpx.Response:
        response: httpx.Response = asyncio.run_coroutine_threadsafe(call, self.loop).result(20)
        if response.status_code != 200:
            raise ConnectionError(response.text)
        return response

    def up(self) -> None:
        self._do(self.client.get("/FLOOR/status"))

    def post(self, envelope: bytes) -> bytes:
        return self._do(self.client.post("/FLOOR/actions", content=envelope)).content


def test_a_reader_at_a_real_gate_is_told_and_its_outbox_empties(tmp_path: Path) -> None:
    """Amber, red, green, and a late one; each proven by the floor hub's own receipt."""

    async def story(house: House) -> None:
        await staged(house, serials=("S1", "S2"))
        async with client_of(_app(dict(house.shop.sites), None)) as client:
            outbox = Outbox(tmp_path / "outbox.db", "SCN-1", FLOOR)
            reader = Reader(
                "SCN-1",
                house.desk.key("SCN-1"),
                outbox=outbox,
                site=FLOOR,
                link=Wire(client, asyncio.get_running_loop()),
                log=log_of(house),
                place="WS-REC",
                place_key=house.desk.key("WS-REC"),
                clock=house.clock,
            )

            def scan(serial: str, rev: str = "-") -> Any:
                reader.scan("BAR-17-4", rev, (serial,), 1, "PO-1")
                return reader.deliver()

            told_of = []
            for serial, rev in (("S1", "-"), ("S2", "B"), ("S2", "-"), ("S1", "-")):
                delivery = await asyncio.to_thread(scan, serial, rev)
                assert (delivery.waiting, delivery.why) == (0, "")
                told_of += [(word.came, word.codes, word.says) for word in delivery.words]
            assert [(came, codes) for came, codes, _ in told_of] == [
                (Came.HELD, ("QTY_MISMATCH",)),
                (Came.REFUSED, ("REV_MISMATCH",)),
                (Came.RECEIVED, ()),
                (Came.REFUSED, ("DUPLICATE_ARRIVAL",)),
            ]
            says = [says for _, _, says in told_of]
            assert "waiting for S2" in says[0]
            assert "read B, PO-1 expects -" in says[1]
            assert "on to N-1" in says[2]
            outbox.close()
        floor = house.shop.sites[FLOOR]
        assert [event.seq for event in events(floor, ev.ReaderAdvanced)] == [1, 2, 3, 4]
        assert len(events(floor, ev.OrderReleased)) == 1

    told(story, governed(tmp_path))


def test_the_reply_carries_the_entry_that_its_receipt_proves(tmp_path: Path) -> None:
    house = founded(tmp_path)

    async def story(site: Site, client: httpx.AsyncClient) -> None:
        assert (await house.ask(FLOOR, house.slip("PO-1"))).decision.allowed
        raw = house.sign(house.arrival("PO-1", "SCN-1", 1))
        for resent in (False, True):
            reply = (await client.post("/actions", content=raw)).json()
            entry = base64.b64decode(reply["entry"])
            verify_proof(reply["receipt"].encode(), leaf_hash(entry), log_of(house))
            assert (read_entry(entry).seq, bytes(read_entry(entry).action)) == (reply["seq"], raw)
            assert (reply["verdict"], reply["resent"]) == ("allow", resent)
        stranger = replace(house.arrival("PO-1", "SCN-1", 2), signers=(c.Signer(id="SCN-9", role="scanner"),))
        house.desk.add("SCN-9")
        first, second = [(await client.post("/actions", content=house.sign(stranger))).json() for _ in range(2)]
        assert read_entry(base64.b64decode(first["entry"])).kind == "attempt"
        assert (second["seq"], second["receipt"], second["entry"]) == (-1, "", "")

    run(house, story)


# ---- EPCIS events --------------------------------------------------------------------------------------------------


def signed(house: House, raw: bytes, seq: int, **changes: Any) -> bytes:
    """A reader's broadcast that goes with an event."""
    seen = read_object_event(raw)
    fields: Json = {
        "part_no": seen.part_no or "GIAI",
        "rev": seen.rev or "-",
        "serials": seen.serials,
        "quantity": seen.quantity,
        "order": seen.order,
        "event": seen.event_hash,
    }
    return house.sign(replace(house.arrival(None, "SCN-1", seq), **(fields | changes)))


def plain(raw: bytes, envelope: bytes) -> tuple[bytes, str]:
    return b'{"event":%b,"envelope":%b}' % (raw, envelope), "application/json"


def name_of(raw: bytes) -> str:
    """The hash of an event; of what is none, some name that a stranger may have put there."""
    try:
        return read_object_event(raw).event_hash
    except Malformed:
        return "urn:uuid:1"


def cloud(raw: bytes, envelope: bytes, *, binary: bool = False, **changes: Any) -> tuple[bytes, str]:
    attributes: Json = {
        "specversion": "1.0",
        "id": name_of(raw),
        "source": "urn:smart-id:SCN-1",
        "type": "org.gs1.epcis.ObjectEvent",
        "datacontenttype": "application/json",
        "dsse": base64.b64encode(envelope).decode(),
    } | changes
    if binary:
        attributes["data_base64"] = base64.b64encode(raw).decode()
    body = json.dumps({name: value for name, value in attributes.items() if value is not ...})
    if not binary:
        body = body[:-1] + ',"data":' + raw.decode() + "}"
    return body.encode(), "application/cloudevents+json; charset=utf-8"


async def post(client: httpx.AsyncClient, body: bytes, kind: str) -> httpx.Response:
    return await client.post("/epcis", content=body, headers={"Content-Type": kind})


def test_every_valid_receiving_event_of_others_drives_an_arrival(tmp_path: Path, shared: Path) -> None:
    found: dict[str, bytes] = {}
    for _, raw, document in examples(shared):
        for event in events_of(document):
            text = bare(document, event)
            if is_arrival(event) and not isinstance(outcome(text), str):
                found.setdefault(digest(text), text)
        if not isinstance(outcome(raw), str):
            value = raw.strip()  # what is around a JSON value is no part of it
            found.setdefault(digest(value), value)
    assert len(found) >= 10
    house = founded(tmp_path)

    async def story(site: Site, client: httpx.AsyncClient) -> None:
        orders: set[str] = set()
        for number, raw in enumerate(found.values(), 1):
            seen = read_object_event(raw)
            order = seen.order if seen.order and seen.order not in orders else f"PO-{number}"
            orders.add(order)
            slip = house.slip(order, seen.serials or ("S1",), part_no=seen.part_no or "GIAI")
            assert (await house.ask(FLOOR, slip)).decision.allowed
            envelope = signed(house, raw, number, order=order if order == seen.order or not seen.order else None)
            form = (plain, cloud, lambda *both: cloud(*both, binary=True))[number % 3]
            response = await post(client, *form(raw, envelope))
            assert response.status_code == 200, response.text
            reply = response.json()
            entry = base64.b64decode(reply["entry"])
            verify_proof(reply["receipt"].encode(), leaf_hash(entry), log_of(house))
            if seen.lots:
                assert [refusal["code"] for refusal in reply["refusals"]] == ["QTY_MISMATCH"], "the gate counts serials"
            else:
                assert reply["verdict"] == "allow", reply["refusals"]
        arrived = events(site, ev.ArrivalRecorded)
        assert {event.evidence for event in arrived} == {BROADCAST}
        assert len(events(site, ev.OrderReleased)) == len(arrived) >= 10
        assert not any(b"epcList" in row.body or b"eventTime" in row.body for row in site.means.store.rows(0, 1 << 40))

    run(house, story)


WHOLE = json.dumps(RICH).encode()
SIMPLE = json.dumps(
    faulty(
        {
            "epcList": ["urn:epc:id:adi:0CVA5.4512-7.S01", "urn:epc:id:adi:0CVA5.4512-7.S02"],
            "holdgate:drawingRevision": "C",
        }
    )
).encode()
MISMATCHES: dict[str, tuple[Json, str]] = {
    "another event": ({"event": f"ni:///sha-256;{'0' * 64}?ver=CBV2.0"}, "envelope.event"),
    "another event's bytes": ({"event": "0" * 64}, "envelope.event"),
    "the bare digits of the hash": ({"event": read_object_event(SIMPLE).event_hash[14:78]}, "envelope.event"),
    "no event": ({"event": None}, "envelope.event"),
    "another part": ({"part_no": "4512-8"}, "envelope.part_no"),
    "another revision": ({"rev": "D"}, "envelope.rev"),
    "a serial more": ({"serials": ("S01", "S02", "S03")}, "envelope.serials"),
    "a serial less": ({"serials": ("S01",)}, "envelope.serials"),
    "a serial twice": ({"serials": ("S01", "S02", "S02")}, "envelope.serials"),
    "another quantity": ({"quantity": 3}, "envelope.quantity"),
    "another order": ({"order": "PO-78"}, "envelope.order"),
}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return founded(tmp_path)


@pytest.mark.parametrize("name", MISMATCHES)
def test_what_was_signed_has_to_be_what_the_event_says(house: House, name: str) -> None:
    changes, field = MISMATCHES[name]

    async def story(site: Site, client: httpx.AsyncClient) -> None:
        before = site.spine.size
        for form in (plain, cloud):
            response = await post(client, *form(SIMPLE, signed(house, SIMPLE, 1, **changes)))
            assert (response.status_code, response.json()["field"]) == (400, field)
            assert response.headers["content-type"] == "application/problem+json"
        assert site.spine.size == before, "nothing reached the site"

    run(house, story)


def test_the_order_of_serials_and_a_silent_event_do_not_matter(house: House) -> None:
    silent = json.dumps(faulty({"epcList": ["urn:epc:id:adi:0CVA5.4512-7.S01"], "bizTransactionList": ...,
                                "holdgate:drawingRevision": ...})).encode()  # fmt: skip

    async def story(site: Site, client: httpx.AsyncClient) -> None:
        slip = house.slip("PO-77", ("S01", "S02"), part_no="4512-7", rev="C")
        assert (await house.ask(FLOOR, slip)).decision.allowed
        turned = signed(house, SIMPLE, 1, serials=("S02", "S01"))
        assert (await post(client, *plain(SIMPLE, turned))).json()["verdict"] == "allow"
        own_word = signed(house, silent, 2, rev="C", order="PO-77")
        assert [one["code"] for one in (await post(client, *plain(silent, own_word))).json()["refusals"]] == [
            "DUPLICATE_ARRIVAL"
        ]

    run(house, story)


def test_transport_identity_is_no_evidence(house: House) -> None:
    """Unsigned, signed by nobody who is enrolled, or by somebody who is no reader: nothing is received."""

    async def story(site: Site, client: httpx.AsyncClient) -> None:
        assert (await house.ask(FLOOR, house.slip("PO-77", ("S01", "S02"), part_no="4512-7", rev="C"))).decision.allowed
        good = signed(house, SIMPLE, 1)
        for body, kind, field in (
            (SIMPLE, "application/json", "envelope"),
            (b'{"event":%b}' % SIMPLE, "application/json", "envelope"),
            (b"{}", "application/json", "envelope"),
            (*cloud(SIMPLE, good, dsse=...), "dsse"),
            (b'{"envelope":%b}' % good, "application/json", "event"),
        ):
            response = await post(client, body, kind)
            assert (response.status_code, response.json()["field"]) == (400, field), body[:60]
        thief = replace(house.arrival("PO-77", "SCN-1", 1), part_no="4512-7", rev="C", serials=("S01", "S02"), quantity=2,
                        event=digest(SIMPLE), signers=(c.Signer(id="TEC", role="technician"),))  # fmt: skip
        response = await post(client, *plain(SIMPLE, house.sign(thief)))
        assert (response.status_code, response.json()["verdict"]) == (200, "deny")
        forged = json.loads(good)
        forged["signatures"][0]["sig"] = forged["signatures"][1]["sig"]
        response = await post(client, *plain(SIMPLE, json.dumps(forged).encode()))
        assert (response.status_code, response.json()["verdict"]) == (200, "deny")
        assert events(site, ev.ArrivalRecorded) == []
        assert (await post(client, *plain(SIMPLE, good))).json()["verdict"] == "allow"

    run(house, story)


@pytest.mark.parametrize("name", FAULTS)
def test_each_deliberate_fault_is_refused_and_the_field_named(house: House, name: str) -> None:
    raw = json.dumps(faulty(FAULTS[name][1])).encode()

    async def story(site: Site, client: httpx.AsyncClient) -> None:
        envelope = house.sign(replace(house.arrival("PO-77", "SCN-1", 1), event=digest(raw)))
        response = await post(client, *plain(raw, envelope))
        assert (response.status_code, response.json()["field"]) == (400, "event")
        assert response.json()["detail"] == outcome(raw)

    run(house, story)


BODIES: dict[str, tuple[Callable[[bytes], tuple[bytes, str]], int, str]] = {
    "another type": (lambda good: (plain(SIMPLE, good)[0], "text/plain"), 415, "Content-Type"),
    "a batch": (lambda good: (b"[]", "application/cloudevents-batch+json"), 415, "Content-Type"),
    "no JSON": (lambda good: (b"{", "application/json"), 400, "body"),
    "no object": (lambda good: (b"[1]", "application/json"), 400, "body"),
    "too long": (lambda good: (plain(SIMPLE, good)[0] + b" " * 1_000_000, "application/json"), 413, "body"),
    "no envelope in it": (lambda good: plain(SIMPLE, b"[]"), 400, "envelope"),
    "another envelope": (lambda good: plain(SIMPLE, good.replace(b"action.v1", b"permit.v1")), 400, "envelope"),
    "CloudEvents 0.3": (lambda good: cloud(SIMPLE, good, specversion="0.3"), 400, "specversion"),
    "without an id": (lambda good: cloud(SIMPLE, good, id=...), 400, "id"),
    "the id of the bytes": (
        lambda good: cloud(SIMPLE, good, id=f"ni:///sha-256;{digest(SIMPLE)}?ver=CBV2.0"),
        400,
        "id",
    ),
    "an id of its sender's own": (lambda good: cloud(SIMPLE, good, id="urn:uuid:1"), 400, "id"),
    "the id in capitals": (lambda good: cloud(SIMPLE, good, id=name_of(SIMPLE).upper()), 400, "id"),
    "an empty source": (lambda good: cloud(SIMPLE, good, source=""), 400, "source"),
    "without a type": (lambda good: cloud(SIMPLE, good, type=...), 400, "type"),
    "data twice": (lambda good: cloud(SIMPLE, good, data_base64="e30="), 400, "data_base64"),
    "no base64": (lambda good: cloud(SIMPLE, good, dsse="?"), 400, "dsse"),
    "no data": (lambda good: cloud(b"", good, binary=True), 400, "data"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_none_is_refused_and_the_field_named(house: House, name: str) -> None:
    make, status, field = BODIES[name]

    async def story(site: Site, client: httpx.AsyncClient) -> None:
        response = await post(client, *make(signed(house, SIMPLE, 1)))
        assert (response.status_code, response.json()["field"]) == (status, field), response.text

    run(house, story)


def test_a_reader_of_before_event_hashes_is_taken(house: House) -> None:
    """It signed the SHA-256 of the event's bytes: a scan that waited in its outbox is not lost."""

    async def story(site: Site, client: httpx.AsyncClient) -> None:
        slip = house.slip("PO-77", ("S01", "S02"), part_no="4512-7", rev="C")
        assert (await house.ask(FLOOR, slip)).decision.allowed
        old = signed(house, SIMPLE, 1, event=digest(SIMPLE))
        assert (await post(client, *plain(SIMPLE + b" ", old))).json()["verdict"] == "allow", (
            "around it is no part of it"
        )
        spaced = SIMPLE.replace(b'": "', b'":  "', 1)
        refused = await post(client, *plain(spaced, signed(house, SIMPLE, 2, event=digest(SIMPLE))))
        assert (refused.status_code, refused.json()["field"]) == (400, "envelope.event")

    run(house, story)


def test_an_event_that_was_spelled_anew_on_its_way_is_the_same_event(house: House) -> None:
    async def story(site: Site, client: httpx.AsyncClient) -> None:
        slip = house.slip("PO-77", ("S01", "S02"), part_no="4512-7", rev="C")
        assert (await house.ask(FLOOR, slip)).decision.allowed
        document = json.loads(SIMPLE)
        document["epcisBody"]["eventList"][0]["recordTime"] = "2026-04-01T14:00:00Z"
        anew = json.dumps(document, indent=2, sort_keys=True).encode()
        assert (await post(client, *cloud(anew, signed(house, SIMPLE, 1)))).json()["verdict"] == "allow"
        assert [event.event for event in (parse_command(open_envelope(bytes(read_entry(row.body).action)).payload)
                for row in site.means.store.rows(0, 1 << 40) if read_entry(row.body).kind == "action")
                if isinstance(event, c.ReportArrival)] == [read_object_event(SIMPLE).event_hash]  # fmt: skip

    run(house, story)


def test_another_act_with_an_event_is_refused(house: House) -> None:
    async def story(site: Site, client: httpx.AsyncClient) -> None:
        response = await post(client, *plain(SIMPLE, house.sign(house.release("PO-77"))))
        assert (response.status_code, response.json()["field"]) == (400, "envelope")
        assert "another act" in response.json()["detail"]

    run(house, story)


def test_only_a_floor_hub_takes_events(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for name, site in house.shop.sites.items():
            async with client_of(_app_of(site, None)) as client:
                response = await post(client, b"{}", "application/json")
                assert response.status_code == (400 if name == FLOOR else 404)
        assert HUB in house.shop.sites

    told(story, founded(tmp_path))


# ---- mutations -----------------------------------------------------------------------------------------------------


def taken(body: bytes, kind: str) -> tuple[int, list[bytes]]:
    """Status, and what would have been handed in."""
    handed: list[bytes] = []

    async def hand_in(envelope: bytes, _: str) -> Response:
        handed.append(envelope)
        return Response(b"{}")

    async def ask() -> int:
        async with client_of(Starlette(routes=[epcis_route(read_object_event, hand_in)])) as client:
            return (await post(client, body, kind)).status_code

    return asyncio.run(ask()), handed


@given(path=st.sampled_from([p for p in places(RICH) if p]), junk=JUNK, drop=st.booleans(), binary=st.booleans())
def test_an_event_that_was_changed_after_signing_is_never_handed_in(
    path: tuple[Any, ...], junk: Any, drop: bool, binary: bool
) -> None:
    document = json.loads(WHOLE)
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    if drop:
        del holder[path[-1]]
    else:
        holder[path[-1]] = junk
    raw = json.dumps(document).encode()
    status, handed = taken(*cloud(raw, SIGNED, binary=binary))
    assert (status, handed) in ((200, [SIGNED]), (400, []))
    if status == 200:
        event, whole = (one["epcisBody"]["eventList"][0] for one in (document, json.loads(WHOLE)))
        of_nothing = {"eventID": ..., "recordTime": ..., "@context": ...}
        assert event | of_nothing == whole | of_nothing, "only what is no part of the event's hash may differ"


def _sign_once() -> bytes:
    from holdgate.sites.desk import Desk

    seen = read_object_event(WHOLE)
    desk = Desk()
    desk.add("SCN-1")
    return desk.sign(
        c.ReportArrival(
            site=FLOOR,
            at=1,
            nonce="n",
            signers=(c.Signer(id="SCN-1", role="scanner"),),
            part_no=seen.part_no or "",
            rev=seen.rev or "",
            serials=seen.serials,
            quantity=seen.quantity,
            event=seen.event_hash,
        )
    )


SIGNED = _sign_once()


def test_the_event_that_is_mutated_is_handed_in_whole() -> None:
    assert taken(*cloud(WHOLE, SIGNED)) == (200, [SIGNED])
    assert taken(*plain(WHOLE, SIGNED)) == (200, [SIGNED])
