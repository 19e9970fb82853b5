"""A reader's way over a broker: names, addresses, and which of the things that come back it looks at."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from holdgate.crypto.hashes import digest
from holdgate.engine.broadcasts import THERE, Faults, told
from holdgate.engine.subjects import Tray
from holdgate.reader.broker import answer_to, hail, read_place
from holdgate.sites.reply import problem_of
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.limits import BUS_FAULTS_MAX, READER_ANSWER_BYTES_MAX
from holdgate.terms.topics import Names, reader_inbox

IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)


class Said(Struct):
    """A reply."""

    verdict: str


@given(reader=IDS, floor=IDS, shop=IDS)
def test_a_name_tells_who_speaks_and_nothing_else_does(reader: str, floor: str, shop: str) -> None:
    for names in (Names.nats(shop, floor), Names.mqtt(shop, floor), Names.gateway(shop, floor)):
        assert names.reader_of(names.arrival(reader)) == reader
        assert names.reader_of(names.hail(reader), "hail") == reader
        for other in (names.hail(reader), names.receipt(reader), names.arrivals, names.arrival(reader) + names.between):
            assert names.reader_of(other) is None
    assert Names.nats(shop, floor).arrival(reader) not in Tray.of_mqtt(shop, floor).heard
    assert Names.gateway(shop, floor).arrival(reader) == Names.mqtt(shop, floor).arrival(reader).replace("/", ".")


@pytest.mark.parametrize("odd", ["", "a b", "+", "#", ">", "a/b", "é", "x" * 65])
def test_a_reader_without_an_id_has_no_name(odd: str) -> None:
    for make in (Names.mqtt("lab", "FLOOR").arrival, reader_inbox):
        with pytest.raises(Malformed, match="not an id"):
            make(odd)


def test_an_address_names_servers_shop_and_floor_hub() -> None:
    place = read_place("tls://a.lab.test:4222,b.lab.test,[2001:db8::1]:4333/lab/FLOOR")
    assert (place.shop, place.floor) == ("lab", "FLOOR")
    assert place.urls == ("tls://a.lab.test:4222", "tls://b.lab.test:4222", "tls://[2001:db8::1]:4333")
    assert read_place("mqtt://localhost/lab/FLOOR").servers == (("localhost", 1883),)


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("mqtt://127.0.0.1", "no address"),
        ("mqtt://127.0.0.1/lab", "no address"),
        ("mqtt://127.0.0.1/lab/FLOOR/x", "no address"),
        ("mqtt://ann:pw@127.0.0.1/lab/FLOOR", "no address"),
        ("mqtt://127.0.0.1:0/lab/FLOOR", "no address"),
        ("mqtt://127.0.0.1:99999/lab/FLOOR", "no address"),
        ("mqtt://,/lab/FLOOR", "no address"),
        ("amqp://127.0.0.1/lab/FLOOR", "no address"),
        ("mqtt://127.0.0.1/l b/FLOOR", "not an id"),
        ("mqtt://127.0.0.1/lab/+", "not an id"),
        ("mqtt://127.0.0.1,192.0.2.7/lab/FLOOR", "TLS"),
        ("nats://broker.lab.test/lab/FLOOR", "TLS"),
        ("mqtt://" + ",".join(["127.0.0.1"] * 10) + "/lab/FLOOR", "no address"),
    ],
)
def test_an_address_that_leads_nowhere_or_lets_others_listen_is_refused(to: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        read_place(to)


def test_only_what_is_about_these_bytes_is_an_answer() -> None:
    body = b"signed"
    answer = answer_to(body, told(body, 200, Said(verdict="allow")), "FLOOR")
    assert json.loads(answer or b"") == {"verdict": "allow"}
    assert answer_to(body, told(body, THERE), "FLOOR") == b"null"
    for noise in (
        b"",
        b"null",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        told(b"another", 200),
        b"x" * (READER_ANSWER_BYTES_MAX + 1),
    ):
        assert answer_to(body, noise, "FLOOR") is None
    assert hail() != hail()


@given(st.binary(max_size=200))
def test_no_noise_is_an_answer(noise: bytes) -> None:
    assert answer_to(b"signed", noise, "FLOOR") is None


def test_a_problem_is_shown_and_lets_nothing_go() -> None:
    said = told(b"signed", 400, problem_of(Malformed("write\x1b it\nanew")))
    with pytest.raises(Unavailable, match="FLOOR answers: write  it anew"):
        answer_to(b"signed", said, "FLOOR")
    odd = json.dumps({"about": digest(b"signed"), "status": 503, "answer": [1]}).encode()
    with pytest.raises(Unavailable, match="FLOOR answers: 503"):
        answer_to(b"signed", odd, "FLOOR")


def test_faults_are_told_once_and_are_not_kept_for_ever() -> None:
    heard: list[str] = []
    faults = Faults(heard.append)
    for _ in range(3):
        faults.note("broker", ConnectionError("gone\x1b[31m"))
        faults.note("another", "gone")
    assert heard == ["broker: gone?[31m", "another: gone"], "two that take turns are not told for ever either"
    faults.mended()
    faults.note("another", "gone")
    assert heard[2:] == ["another: gone"]
    for number in range(2 * BUS_FAULTS_MAX):
        faults.note("broker", str(number) + "x" * 1_000)
    assert len(faults.seen) == BUS_FAULTS_MAX
    assert max(map(len, faults.seen)) <= 500
