"""A reader: what it signs, what it keeps, what it believes, and what it tells the person at the dock."""

import ast
import base64
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from holdgate.crypto.envelope import open_envelope, verify_all
from holdgate.crypto.keys import SigningKey
from holdgate.law.command import ReportArrival, Signer, parse_command
from holdgate.law.denial import CODES
from holdgate.ledger.note import Notary, make_vkey, parse_vkey
from holdgate.reader import Came, HttpLink, Outbox, Reader, Scan
from holdgate.reader import broadcast as own
from holdgate.reader.receipt import prove
from holdgate.reader.words import SENTENCES
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from holdgate.terms.limits import LIST_ITEMS_MAX
from tests.floor_hub import HUB_KEY, LOG, ORIGIN, READER_KEY, T0, Hub, SetClock, denied, recorded
from tests.tidy.tree import ROOT

S = 1_000_000
OTHER_KEY = SigningKey(b"\x33" * 32)


class Dock:
    """A reader with its outbox, a clock that can be set, and a hub in small."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.hub = Hub()
        self.clock = SetClock()
        self.outbox = Outbox(folder / "outbox.db", "SCN-1", "FLOOR")
        tokens = itertools.count(1)
        fields: dict[str, Any] = {"outbox": self.outbox, "site": "FLOOR", "link": self.hub, "log": LOG}
        fields |= {"clock": self.clock, "token": lambda: f"{next(tokens):016x}"} | changes
        self.reader = Reader("SCN-1", READER_KEY, **fields)

    def scan(self, *serials: str, **changes: Any) -> Scan:
        fields: dict[str, Any] = {"part_no": "4512-7", "rev": "C", "serials": serials, "quantity": len(serials)}
        return self.reader.scan(**(fields | {"order": "PO-1"} | changes))

    def sent(self) -> list[own.Broadcast]:
        return [own.read(raw) for raw in self.hub.posted]


@pytest.fixture
def dock(tmp_path: Path) -> Iterator[Dock]:
    made = Dock(tmp_path)
    yield made
    made.outbox.close()


# ---- what it signs -------------------------------------------------------------------------------------------------

TEXTS = st.text(max_size=12)
SCANS = st.builds(
    Scan,
    part_no=TEXTS,
    rev=TEXTS,
    serials=st.lists(TEXTS, max_size=3).map(tuple),
    quantity=st.integers(-(2**60), 2**60),
    order=st.none() | st.sampled_from(["PO-1", "x y", "-", "é", "P" * 64, "P" * 65]),
    event=st.none() | st.sampled_from(["a" * 64, "A" * 64, "a" * 63, ""]),
)


@given(scan=SCANS, buffered=st.booleans())
def test_the_law_reads_exactly_these_bytes(scan: Scan, buffered: bool) -> None:
    def payload(scan: Scan) -> bytes:
        envelope = own.sign(
            own.Broadcast(
                site="FLOOR",
                at=T0,
                nonce="0" * 16,
                signers=(own.Signer(id="SCN-1", role=own.ROLE),),
                place="SCN-1",
                reader_seq=7,
                buffered=buffered,
                captured_at=T0 if buffered else None,
                observed_at=None if buffered else T0,
                **{name: getattr(scan, name) for name in Scan.__struct_fields__},
            ),
            [("SCN-1", READER_KEY)],
        )
        return open_envelope(envelope).payload

    try:
        own.check(scan)
    except Malformed:
        return
    command = parse_command(payload(scan))
    assert isinstance(command, ReportArrival)
    assert command == ReportArrival(
        site="FLOOR",
        at=T0,
        nonce="0" * 16,
        signers=(Signer(id="SCN-1", role="scanner"),),
        place="SCN-1",
        reader_seq=7,
        buffered=buffered,
        captured_at=T0 if buffered else None,
        observed_at=None if buffered else T0,
        **{name: getattr(scan, name) for name in Scan.__struct_fields__},
    )
    assert canon.encode(command) == payload(scan)


@pytest.mark.parametrize(
    "changes",
    [
        {"order": "PO 1"},
        {"event": "ni:///sha-256;00"},
        {"part_no": "x\x1d"},
        {"rev": "e\u0301"},
        {"serials": ("S" * 30,) * (LIST_ITEMS_MAX + 1)},
        {"serials": tuple(f"{n:030}" for n in range(500))},
        {"quantity": 2**53},
    ],
)
def test_what_no_site_could_read_is_not_kept(dock: Dock, changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        dock.scan("S1", **changes)
    assert dock.reader.waiting == 0
    dock.scan("S1")
    assert dock.reader.waiting == 1


def test_a_place_of_its_own_signs_too(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="key is needed"):
        Dock(tmp_path, place="WS-REC")
    dock = Dock(tmp_path, place="WS-REC", place_key=OTHER_KEY)
    dock.scan("S1")
    assert dock.reader.deliver().waiting == 0
    envelope = open_envelope(dock.hub.posted[0])
    verify_all(envelope, [("SCN-1", READER_KEY.public), ("WS-REC", OTHER_KEY.public)])
    dock.outbox.close()


# ---- live and late -------------------------------------------------------------------------------------------------


def test_a_scan_is_kept_at_once_and_nothing_is_sent(dock: Dock) -> None:
    dock.scan("S1")
    assert (dock.reader.waiting, dock.hub.posted, dock.outbox.seq) == (1, [], 0)


@pytest.mark.parametrize(("waits_us", "buffered"), [(0, False), (60 * S, False), (60 * S + 1, True)])
def test_live_while_the_link_is_up_buffered_after_the_stated_time(dock: Dock, waits_us: int, buffered: bool) -> None:
    dock.hub.down = True
    dock.scan("S1")
    assert dock.reader.deliver().waiting == 1
    dock.clock.at += waits_us
    dock.hub.down = False
    assert dock.reader.deliver().waiting == 0
    (sent,) = dock.sent()
    assert (sent.buffered, sent.at) == (buffered, T0 + waits_us)
    assert (sent.captured_at, sent.observed_at) == ((T0, None) if buffered else (None, T0))


def test_while_the_link_is_down_nothing_is_signed(dock: Dock) -> None:
    dock.hub.down = True
    for number in range(3):
        dock.scan(f"S{number}")
        assert dock.reader.deliver().why == "no route"
    assert (dock.outbox.seq, dock.hub.posted, dock.reader.waiting) == (0, [], 3)


def test_what_was_signed_once_is_sent_again_byte_for_byte(dock: Dock) -> None:
    dock.scan("S1")
    dock.hub.deaf = True
    for _ in range(3):
        dock.clock.at += 100 * S
        assert dock.reader.deliver().waiting == 1
    dock.hub.deaf = False
    assert [word.came for word in dock.reader.deliver().words] == [Came.RECEIVED]
    assert len(dock.hub.posted) == 4
    assert len(set(dock.hub.posted)) == 1
    assert (dock.outbox.seq, len(dock.hub.taken)) == (1, 1)


def stale_when_live(broadcast: own.Broadcast) -> dict[str, Any]:
    return recorded(broadcast) if broadcast.buffered else denied("STALE_BROADCAST", captured_at=T0, by_us=1, limit_us=1)


def test_a_live_one_that_came_too_late_goes_once_more_as_late_and_against_a_receipt_alone(dock: Dock) -> None:
    dock.hub.decide = stale_when_live
    dock.scan("S1")
    dock.scan("S2")
    delivery = dock.reader.deliver()
    assert [(word.came, word.scan.serials) for word in delivery.words] == [
        (Came.RECEIVED, ("S1",)),
        (Came.RECEIVED, ("S2",)),
    ]
    told = [(one.serials[0], one.reader_seq, one.buffered, one.captured_at) for one in dock.sent()]
    assert told == [("S1", 1, False, None), ("S1", 2, True, T0), ("S2", 3, False, None), ("S2", 4, True, T0)]


def test_a_late_one_that_is_too_old_is_refused_and_not_sent_for_ever(dock: Dock) -> None:
    dock.hub.decide = lambda _: denied("STALE_BROADCAST", captured_at=T0, by_us=1, limit_us=1)
    dock.scan("S1")
    dock.clock.at += 3600 * S
    delivery = dock.reader.deliver()
    assert [word.came for word in delivery.words] == [Came.REFUSED]
    assert "2025-04-01T13:00:00Z" in delivery.words[0].says
    assert (delivery.waiting, len(dock.hub.posted)) == (0, 1)


def test_the_order_is_kept_and_one_that_is_not_proven_holds_the_rest(dock: Dock) -> None:
    for number in range(4):
        dock.scan(f"S{number}")
    dock.hub.deaf = True
    assert dock.reader.deliver().waiting == 4
    assert len(dock.hub.posted) == 1
    dock.hub.deaf = False
    assert dock.reader.deliver().waiting == 0
    assert [one.serials[0] for one in dock.sent()] == ["S0", "S0", "S1", "S2", "S3"]
    assert [one.reader_seq for one in dock.sent()] == [1, 1, 2, 3, 4]


# ---- the outbox ----------------------------------------------------------------------------------------------------


def test_an_outbox_belongs_to_one_reader_and_one_hub(tmp_path: Path) -> None:
    Outbox(tmp_path / "o.db", "SCN-1", "FLOOR").close()
    for reader, site in (("SCN-2", "FLOOR"), ("SCN-1", "FLOOR-2")):
        with pytest.raises(Malformed, match="SCN-1 for FLOOR"):
            Outbox(tmp_path / "o.db", reader, site)
    Outbox(tmp_path / "o.db", "SCN-1", "FLOOR").close()


def test_the_counter_is_never_set_back(tmp_path: Path) -> None:
    for after, seq in ((0, 0), (41, 41), (7, 41)):
        outbox = Outbox(tmp_path / "o.db", "SCN-1", "FLOOR", after=after)
        assert outbox.seq == seq
        outbox.close()
    with pytest.raises(Malformed):
        Outbox(tmp_path / "o.db", "SCN-1", "FLOOR", after=-1)


def test_a_scan_that_cannot_be_kept_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "o.db").write_bytes(b"no database at all, but long enough to look like a file of one" * 20)
    with pytest.raises(Unavailable):
        Outbox(tmp_path / "o.db", "SCN-1", "FLOOR")
    with pytest.raises(Unavailable):
        Outbox(tmp_path / "nowhere" / "o.db", "SCN-1", "FLOOR")


def test_a_counter_whose_signing_fails_is_not_spent(dock: Dock) -> None:
    dock.scan("S1")
    waiting = dock.outbox.first()
    assert waiting is not None

    def fails(*_: object) -> bytes:
        raise RuntimeError("no key")

    with pytest.raises(RuntimeError):
        dock.outbox.sign(waiting, fails)
    assert dock.outbox.seq == 0
    assert dock.reader.deliver().waiting == 0
    assert dock.sent()[0].reader_seq == 1


def test_two_processes_on_one_outbox_sign_once(dock: Dock, tmp_path: Path) -> None:
    dock.scan("S1")
    twin = Outbox(tmp_path / "outbox.db", "SCN-1", "FLOOR")
    waiting = twin.first()
    assert waiting is not None
    mine = dock.outbox.sign(waiting, dock.reader._sign)
    assert mine is not None
    assert twin.sign(waiting, dock.reader._sign) == mine
    twin.done(waiting, b"another")
    assert len(twin) == 1, "only the bytes that were proven go"
    twin.done(waiting, mine)
    assert dock.outbox.sign(waiting, dock.reader._sign) is None
    dock.outbox.again(waiting, mine)
    assert (len(dock.outbox), dock.reader.deliver().words) == (0, ())
    twin.close()


def test_scanning_goes_on_while_another_thread_delivers(dock: Dock) -> None:
    ended = threading.Event()

    def deliver() -> None:
        while not ended.is_set():
            dock.reader.deliver()

    timer = threading.Thread(target=deliver)
    timer.start()
    try:
        for number in range(60):
            dock.scan(f"S{number}")
    finally:
        ended.set()
        timer.join()
    assert dock.reader.deliver().waiting == 0
    assert [one.serials[0] for one in dock.sent()] == [f"S{number}" for number in range(60)]


# ---- receipts ------------------------------------------------------------------------------------------------------


def signed(number: int = 1, serial: str = "S1") -> bytes:
    broadcast = own.Broadcast(
        site="FLOOR",
        at=T0,
        nonce=f"{number:016x}",
        signers=(own.Signer(id="SCN-1", role=own.ROLE),),
        place="SCN-1",
        part_no="4512-7",
        rev="C",
        serials=(serial,),
        quantity=1,
        reader_seq=number,
    )
    return own.sign(broadcast, [("SCN-1", READER_KEY)])


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def refuses(broadcast: own.Broadcast) -> dict[str, Any]:
    return denied("REV_MISMATCH", read="B", order="PO-1", expected="C")


def twin(hub: Hub) -> Hub:
    """A hub that took the same and decided otherwise."""
    other = Hub(refuses)
    for raw in hub.taken:
        other.take(raw)
    return other


def another_receipt(hub: Hub, name: str) -> str:
    return hub.receipt(1, Notary(name, OTHER_KEY)).decode()


FORGERIES: dict[str, Callable[[Hub], bytes]] = {
    "no answer": lambda hub: b"",
    "no JSON": lambda hub: b"\xff\xfe",
    "a list": lambda hub: b"[]",
    "too deep": lambda hub: b'{"entry":' + b"[" * 100_000,
    "too long": lambda hub: hub.answer(1) + b" " * 1_048_576,
    "no receipt": lambda hub: hub.answer(1, receipt=...),
    "an empty receipt": lambda hub: hub.answer(1, receipt=""),
    "no entry": lambda hub: hub.answer(1, entry=...),
    "only words": lambda hub: json.dumps({"seq": 1, "verdict": "allow", "refusals": []}).encode(),
    "a receipt of words": lambda hub: hub.answer(1, receipt="all is well"),
    "the receipt of another entry": lambda hub: hub.answer(1, receipt=hub.receipt(2).decode()),
    "another entry with its receipt": lambda hub: hub.answer(2),
    "the genesis with its receipt": lambda hub: hub.answer(0),
    "another log's key": lambda hub: hub.answer(1, receipt=another_receipt(hub, ORIGIN)),
    "another log": lambda hub: hub.answer(1, receipt=another_receipt(hub, "lab.test/other")),
    "another entry under this receipt": lambda hub: hub.answer(1, entry=b64(hub.bodies[2])),
    "another decision under this receipt": lambda hub: hub.answer(1, entry=b64(twin(hub).bodies[1])),
    "another index": lambda hub: hub.answer(1, receipt=hub.receipt(1).decode().replace("index 1\n", "index 2\n")),
    "an entry that is none": lambda hub: hub.answer(1, entry=b64(b"{}")),
    "base64 that is none": lambda hub: hub.answer(1, entry="?"),
    "nothing signed": lambda hub: hub.answer(1, receipt=hub.receipt(1).decode().rpartition("— ")[0]),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_or_missing_receipt_keeps_the_scan_and_says_so(dock: Dock, name: str) -> None:
    dock.scan("S1")
    dock.hub.take(signed(9, "other"))
    dock.hub.bodies, dock.hub.taken = dock.hub.bodies[:1], {}

    def forged(envelope: bytes) -> bytes:
        dock.hub.honest(envelope)
        dock.hub.take(signed(9, "other"))
        return FORGERIES[name](dock.hub)

    dock.hub.forger = forged
    delivery = dock.reader.deliver()
    assert (delivery.words, delivery.waiting) == ((), 1)
    assert delivery.why.startswith("FLOOR gave no receipt that holds: ")
    dock.hub.forger = None
    assert [word.came for word in dock.reader.deliver().words] == [Came.RECEIVED]
    assert len(set(dock.hub.posted)) == 1


def test_every_flipped_byte_of_receipt_or_entry_is_noticed() -> None:
    hub = Hub()
    envelope = signed()
    receipt, entry = hub.receipt(hub.take(envelope)), hub.bodies[1]
    hub.bodies.append(hub.bodies[1])  # a path of some length
    receipt = hub.receipt(1)
    assert prove(hub.answer(1), envelope, LOG).allowed
    with pytest.raises(Tampered):
        prove(hub.answer(2), envelope, LOG)  # the same entry at a place that is not its own
    for at in range(len(receipt)):
        bad = bytearray(receipt)
        bad[at] ^= 1
        with pytest.raises((Malformed, Tampered)):
            prove(hub.answer(1, receipt=bad.decode("latin-1")), envelope, LOG)
    for at in range(len(entry)):
        bad = bytearray(entry)
        bad[at] ^= 1
        with pytest.raises((Malformed, Tampered)):
            prove(hub.answer(1, entry=b64(bytes(bad))), envelope, LOG)


def test_what_stands_beside_the_receipt_is_not_believed(dock: Dock) -> None:
    """Whoever is between can write `allow` and kind words around a genuine refusal."""
    dock.hub.decide = refuses
    lies = {"verdict": "allow", "refusals": [], "seq": 99, "more": 1}
    dock.hub.forger = lambda raw: json.dumps(json.loads(dock.hub.honest(raw)) | lies).encode()
    dock.scan("S1")
    (word,) = dock.reader.deliver().words
    assert (word.came, word.codes, word.entry) == (Came.REFUSED, ("REV_MISMATCH",), 1)


def test_another_key_type_of_the_same_name_proves_nothing() -> None:
    hub = Hub()
    envelope = signed()
    answer = hub.answer(hub.take(envelope))
    assert prove(answer, envelope, LOG).allowed
    for key in (make_vkey(ORIGIN, OTHER_KEY.public), make_vkey("lab.test/x", HUB_KEY.public)):
        with pytest.raises((Malformed, Tampered)):
            prove(answer, envelope, parse_vkey(key))


def test_an_entry_that_is_no_action_proves_nothing() -> None:
    hub = Hub()
    envelope = signed()
    hub._add("contact", recorded(own.read(envelope)), action=Raw(envelope))
    with pytest.raises(Tampered):
        prove(hub.answer(1), envelope, LOG)


def test_a_reader_that_the_hub_does_not_know_is_told_and_keeps_its_scan(dock: Dock) -> None:
    dock.hub.forger = dock.hub.attempt
    dock.scan("S1")
    delivery = dock.reader.deliver()
    assert delivery.waiting == 1
    assert "does not accept this reader's signature (not enrolled)" in delivery.why
    dock.hub.forger = lambda raw: dock.hub.attempt(raw, of="0" * 64)
    assert "none of this broadcast" in dock.reader.deliver().why
    dock.hub.forger = None
    assert dock.reader.deliver().waiting == 0


# ---- words ---------------------------------------------------------------------------------------------------------


def words(dock: Dock, decision: dict[str, Any]) -> tuple[Came, str]:
    dock.hub.decide = lambda _: decision
    dock.scan("S1")
    (word,) = dock.reader.deliver().words
    return word.came, word.says


QUARANTINED = {"ev": "ArrivalQuarantined", "serials": ["S1"], "order": "PO-1"}
HERE = {"ev": "ArrivalRecorded", "order": "PO-1", "serials": ["S1"], "evidence": "broadcast"}
GONE = {"ev": "OrderReleased", "order": "PO-1", "node": "NODE-1", "serials": ["S1"], "complete": True}
TOLD: list[tuple[dict[str, Any], Came, str]] = [
    (
        {"verdict": "allow", "events": [HERE, GONE]},
        Came.RECEIVED,
        "4512-7 rev C, S/N S1, for PO-1. All parts are here: on to NODE-1.",
    ),
    (
        {"verdict": "allow", "events": [HERE, GONE | {"complete": False}]},
        Came.RECEIVED,
        "4512-7 rev C, S/N S1, for PO-1. These parts may go on: on to NODE-1.",
    ),
    (
        denied("QTY_MISMATCH", HERE, why="1 of 2 are here; waiting for S2"),
        Came.HELD,
        "4512-7 rev C, S/N S1, for PO-1: 1 of 2 are here; waiting for S2.",
    ),
    (
        denied("PO_NOT_STAGED", {"ev": "ArrivalKept", "order": "PO-9"}, QUARANTINED, order="PO-9"),
        Came.HELD,
        "4512-7 rev C, S/N S1: PO-9 is not known here yet. Set the parts aside until it is.",
    ),
    (
        denied("REV_MISMATCH", QUARANTINED, read="B", order="PO-1", expected="C"),
        Came.REFUSED,
        "4512-7 rev C, S/N S1. Wrong revision: read B, PO-1 expects C. Set the parts aside and tell the office.",
    ),
    (
        denied("SERIAL_UNKNOWN", QUARANTINED, serials=["S1"], order="PO-1"),
        Came.REFUSED,
        "4512-7 rev C, S/N S1. Wrong serial: S1 is not on PO-1. Set the parts aside and tell the office.",
    ),
    (
        denied("AMBIGUOUS_ARRIVAL", orders=["PO-1", "PO-2"]),
        Came.REFUSED,
        "4512-7 rev C, S/N S1. These parts fit several orders: PO-1, PO-2. Scan again with --order.",
    ),
    (
        denied("FUTURE_DATED", claimed_at=T0, by_us=400 * S, limit_us=300 * S),
        Came.REFUSED,
        "4512-7 rev C, S/N S1. This reader's clock is 6 min 40 s ahead. Set the clock, then scan again.",
    ),
    (
        denied("REPLAYED_BROADCAST", reader="SCN-1", seq=1, last=41),
        Came.REFUSED,
        (
            "4512-7 rev C, S/N S1. Another outbox has used this reader's counter up to 41. "
            "Find out which; then scan again with --after 41."
        ),
    ),
    (denied("NEW_CODE"), Came.REFUSED, "4512-7 rev C, S/N S1. NEW_CODE (holdgate denials NEW_CODE)."),
    (
        denied("REV_MISMATCH"),
        Came.REFUSED,
        "4512-7 rev C, S/N S1. Wrong revision: read ?, ? expects ?. Set the parts aside and tell the office.",
    ),
]


@pytest.mark.parametrize(("decision", "came", "says"), TOLD, ids=lambda value: str(value)[:30])
def test_what_the_person_is_told(dock: Dock, decision: dict[str, Any], came: Came, says: str) -> None:
    assert words(dock, decision) == (came, says)
    assert dock.reader.waiting == 0, "it is on record, whatever it is"


def test_two_reasons_are_both_told_and_the_remedy_once(dock: Dock) -> None:
    both = denied("PART_MISMATCH", read="X", order="PO-1", expected="Y")
    both["denials"] += denied("REV_MISMATCH", read="B", order="PO-1", expected="C")["denials"]
    says = words(dock, both)[1]
    assert "Wrong part: read X" in says
    assert "Wrong revision: read B" in says
    assert says.count("Set the parts aside") == 1


def test_many_serials_are_counted_not_listed(dock: Dock) -> None:
    serials = [f"S{number}" for number in range(20)]
    assert "S7 and 12 more" in words(dock, denied("DUPLICATE_ARRIVAL", serials=serials))[1]


def test_every_code_that_an_arrival_can_meet_has_words() -> None:
    found = set()
    for name in ("arrival.py", "parts.py"):
        tree = ast.parse((ROOT / "src" / "holdgate" / "handoff" / name).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and node.value in {code.name for code in CODES}:
                found.add(node.value)
    assert len(found) >= 13
    assert found <= SENTENCES.keys()
    assert SENTENCES.keys() <= {code.name for code in CODES}


# ---- the link ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["", "FLOOR", "127.0.0.1:8460/FLOOR", "http://127.0.0.1:8460", "http://127.0.0.1:8460/", "ftp://a/FLOOR",
     "http://h:99999/FLOOR", "http://[::1/FLOOR", "http://h/FLOOR?x=1", "http://u@h/FLOOR", "http://h/FL%20OR"],
)  # fmt: skip
def test_what_is_no_address_of_a_hub(address: str) -> None:
    with pytest.raises(Malformed):
        HttpLink(address)


class Dripping:
    """A body that never ends, a byte at a time."""

    def read1(self, _: int) -> bytes:
        time.sleep(0.01)
        return b"x"


def test_an_answer_that_drips_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    link = HttpLink("http://127.0.0.1:9/FLOOR", deadline_s=0.05)
    monkeypatch.setattr("http.client.HTTPConnection.request", lambda *_: None)
    monkeypatch.setattr("http.client.HTTPConnection.getresponse", lambda _: Dripping())
    with pytest.raises(Unavailable, match="too long"):
        link.post(b"{}")


@pytest.mark.parametrize(
    ("address", "site"), [("http://127.0.0.1:8460/FLOOR", "FLOOR"), ("https://hub.example/shop/FLOOR-2/", "FLOOR-2")]
)
def test_an_address_names_the_hub(address: str, site: str) -> None:
    assert HttpLink(address).site == site
