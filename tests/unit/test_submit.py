"""The spine before hostile and impatient callers: forged, garbled and repeated input, order, time, receipts."""

import asyncio
import base64
import json
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.crypto.envelope import PAYLOAD_TYPE, open_envelope, pae, seal
from holdgate.crypto.hashes import digest, sha256
from holdgate.crypto.keys import SigningKey
from holdgate.engine import submit
from holdgate.engine.answer import Answer
from holdgate.identity.charter import CHARTER_TYPE
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.case import Pin
from holdgate.law.chronicle import Attempt
from holdgate.law.denial import sentence
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import Entry
from holdgate.ledger.merkle import root_of
from holdgate.ledger.note import parse_vkey
from holdgate.ledger.proof import verify_proof
from holdgate.sites.site import Site
from holdgate.sites.status import ClockQuality, site_status
from holdgate.terms import canon
from holdgate.terms.errors import HoldgateError, InvariantBroken, Malformed, Unavailable
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import ATTEMPTS_PER_S_MAX
from tests.unit.test_sites import FLOOR, HUB, NODE, SETTINGS, House, entries, events, founded, unsound

Story = Callable[[House, Site], Awaitable[None]]


def at_hub(tmp_path: Path, story: Story, site: str = HUB) -> House:
    """A story at one site that is alone; its log is audited in the end."""
    house = founded(tmp_path)

    async def run() -> None:
        opened = await house.open(site)
        try:
            await story(house, opened)
        finally:
            await house.close()

    asyncio.run(run())
    assert unsound(house.audits()) == []
    return house


async def rested(site: Site) -> None:
    """Nothing is on its way any more: attempts are recorded after their sender was answered."""
    for _ in range(20_000):
        if site.spine.idle:
            return
        await asyncio.sleep(0.0005)
    raise AssertionError("the site never rests")


def attempts(site: Site) -> list[Attempt]:
    """The attempts on record."""
    decoder = msgspec.json.Decoder(Attempt)
    return [decoder.decode(entry.record) for entry in entries(site) if entry.kind == "attempt"]


def actions(site: Site) -> list[Entry]:
    """The action entries on record."""
    return [entry for entry in entries(site) if entry.kind == "action"]


# ---- signatures that do not hold -----------------------------------------------------------------------------------


def rows_of(raw: bytes) -> dict[str, Any]:
    """An envelope as plain JSON."""
    found: dict[str, Any] = json.loads(raw)
    return found


def written(plain: object) -> bytes:
    """Canonical bytes of plain JSON."""
    return canon.encode(plain)


def forged(house: House) -> bytes:
    plain = rows_of(house.sign(house.material("B-1")))
    signature = bytearray(base64.b64decode(plain["signatures"][0]["sig"]))
    signature[5] ^= 1
    plain["signatures"][0]["sig"] = base64.b64encode(signature).decode()
    return written(plain)


def altered_payload(house: House) -> bytes:
    plain = rows_of(house.sign(house.material("B-1")))
    plain["payload"] = rows_of(house.sign(house.material("B-2")))["payload"]
    return written(plain)


def wrong_key(house: House) -> bytes:
    return seal(canon.encode(house.material("B-1")), [("ADM", SigningKey.generate())])


def another_persons_key(house: House) -> bytes:
    """QAM signs as ADM: their key is enrolled, but not as ADM's."""
    return seal(canon.encode(house.material("B-1")), [("ADM", house.desk.key("QAM"))])


def keyid_of_the_signer(house: House) -> bytes:
    """The right person's signature under another one's name."""
    return seal(canon.encode(house.material("B-1")), [("QAM", house.desk.key("ADM"))])


def missing_cosigner(house: House) -> bytes:
    command = replace(house.material("B-1"), signers=(c.Signer(id="ADM", role="admin"), c.Signer(id="QAM", role="qa")))
    return house.desk.sign_only(command, ["ADM"])


def missing_workstation(house: House) -> bytes:
    return house.desk.sign_only(replace(house.material("B-1"), place="WS-OFFICE"), ["ADM"])


def extra_signature(house: House) -> bytes:
    return house.desk.sign_only(house.material("B-1"), ["ADM", "QAM"])


def signature_of_another_type(house: House) -> bytes:
    """Signed as a charter, sent as an action."""
    plain = rows_of(seal(canon.encode(house.material("B-1")), [("ADM", house.desk.key("ADM"))], CHARTER_TYPE))
    return written({**plain, "payloadType": PAYLOAD_TYPE})


def zero_signature(house: House) -> bytes:
    plain = rows_of(house.sign(house.material("B-1")))
    plain["signatures"][0]["sig"] = base64.b64encode(bytes(64)).decode()
    return written(plain)


def signature_with_added_group_order(house: House) -> bytes:
    """S + L: the same signature to a careless library, another envelope to a careless replay check."""
    plain = rows_of(house.sign(house.material("B-1")))
    raw = base64.b64decode(plain["signatures"][0]["sig"])
    order = 2**252 + 27742317777372353535851937790883648493
    lifted = raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little")
    plain["signatures"][0]["sig"] = base64.b64encode(lifted).decode()
    return written(plain)


@pytest.mark.parametrize(
    "attack",
    [
        forged,
        altered_payload,
        wrong_key,
        another_persons_key,
        keyid_of_the_signer,
        missing_cosigner,
        missing_workstation,
        extra_signature,
        signature_of_another_type,
        zero_signature,
        signature_with_added_group_order,
    ],
)
def test_a_signature_that_does_not_hold_is_an_attempt_and_grants_nothing(
    tmp_path: Path, attack: Callable[[House], bytes]
) -> None:
    async def story(house: House, hub: Site) -> None:
        raw = attack(house)
        answer = await hub.submit(raw, source="dock-3")
        assert answer.decision.codes == ("SIGNATURE_AUTH_FAILED",)
        assert "dock-3" in sentence(answer.decision.denials[0])
        [attempt] = attempts(hub)
        assert (attempt.source, attempt.act, attempt.count) == ("dock-3", "material.register", 1)
        assert attempt.digest == sha256(open_envelope(raw).payload).hex()
        assert not actions(hub)
        assert not hub.chronicle.state.materials

    at_hub(tmp_path, story)


def test_somebody_who_is_not_enrolled_is_an_attempt(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        house.desk.add("MALLORY")
        answer = await house.ask(HUB, replace(house.material("B-1"), signers=(c.Signer(id="MALLORY", role="admin"),)))
        assert answer.decision.codes == ("UNKNOWN_IDENTITY",)
        assert [attempt.why for attempt in attempts(hub)] == ["MALLORY is not enrolled"]
        place = await house.ask(HUB, replace(house.material("B-1"), place="MALLORY"))
        assert not place.decision.allowed
        assert not actions(hub)

    at_hub(tmp_path, story)


def test_a_disabled_identity_is_refused_on_the_record_with_its_signature_verified(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        gone = c.DisableIdentity(**house.head(HUB, ("ADM", "admin")), id="RCV", reason="left")
        assert (await house.ask(HUB, gone)).decision.allowed
        answer = await house.ask(HUB, replace(house.material("B-1"), signers=(c.Signer(id="RCV", role="receiving"),)))
        assert "IDENTITY_DISABLED" in answer.decision.codes
        assert len(actions(hub)) == 2

    at_hub(tmp_path, story)


# ---- enrolment -----------------------------------------------------------------------------------------------------

SMALL_ORDER = [
    bytes(32),
    b"\x01" + bytes(31),
    b"\xec" + b"\xff" * 30 + b"\x7f",
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    b"\xed" + b"\xff" * 30 + b"\x7f",
]


def enrolment(house: House, key: bytes, *more: tuple[str, str], name: str = "NEW") -> c.EnrolIdentity:
    """Two officers enrol somebody."""
    return c.EnrolIdentity(
        **house.head(HUB, ("ADM", "admin"), ("QAM", "qa"), *more),
        id=name,
        name=name,
        org="LAB",
        kind="person",
        key=key,
        roles=("technician",),
    )


@pytest.mark.parametrize("key", SMALL_ORDER)
def test_a_small_order_key_is_enrolled_by_nobody(tmp_path: Path, key: bytes) -> None:
    """With such a key one signature would pass for many messages. Neither with a made-up signature nor without one."""

    async def story(house: House, hub: Site) -> None:
        command = enrolment(house, key, ("NEW", "newcomer"))
        plain = rows_of(house.desk.sign_only(command, ["ADM", "QAM"]))
        for made_up in (key + bytes(32), b"\x01" + bytes(63), bytes(64)):
            row = {"keyid": "NEW", "sig": base64.b64encode(made_up).decode()}
            answer = await hub.submit(written({**plain, "signatures": [*plain["signatures"], row]}))
            assert answer.decision.codes == ("SIGNATURE_AUTH_FAILED",)
        unproven = await house.ask(HUB, enrolment(house, key))
        assert set(unproven.decision.codes) == {"KEY_NOT_ACCEPTED"}
        assert "NEW" not in hub.chronicle.state.identities

    at_hub(tmp_path, story)


def test_a_key_that_is_enrolled_already_is_not_enrolled_for_a_second_name(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        house.desk.add("NEW", house.desk.key("TEC"))
        answer = await house.ask(HUB, enrolment(house, house.desk.public("TEC"), ("NEW", "newcomer")))
        assert answer.decision.codes == ("KEY_NOT_ACCEPTED",)
        assert "enrolled as TEC" in sentence(answer.decision.denials[0])

    at_hub(tmp_path, story)


def test_an_enrolment_cannot_replace_the_key_of_somebody_who_is_enrolled(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        old, stolen = house.desk.public("TEC"), SigningKey.generate()
        command = enrolment(house, stolen.public, ("TEC", "newcomer"), name="TEC")
        keys = [(name, house.desk.key(name)) for name in ("ADM", "QAM")]
        by_new_key = await hub.submit(seal(canon.encode(command), [*keys, ("TEC", stolen)]))
        assert by_new_key.decision.codes == ("SIGNATURE_AUTH_FAILED",)
        by_old_key = await hub.submit(seal(canon.encode(command), [*keys, ("TEC", house.desk.key("TEC"))]))
        assert "ALREADY_DONE" in by_old_key.decision.codes
        assert hub.chronicle.state.identities["TEC"].key == old

    at_hub(tmp_path, story)


def test_an_action_under_a_key_that_was_enrolled_a_moment_before_is_decided(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        house.desk.add("NEW")
        enrolled = await house.ask(HUB, enrolment(house, house.desk.public("NEW"), ("NEW", "newcomer")))
        assert enrolled.decision.allowed, enrolled.decision
        answer = await house.ask(HUB, replace(house.material("B-1"), signers=(c.Signer(id="NEW", role="technician"),)))
        assert answer.decision.codes == ("ROLE_NOT_AUTHORISED",)

    at_hub(tmp_path, story)


# ---- input that cannot be read -------------------------------------------------------------------------------------


def enveloped(payload: bytes, kind: str = PAYLOAD_TYPE, **more: object) -> bytes:
    """An envelope around any payload, with a signature of ADM that holds."""
    key = SigningKey.from_seed(sha256(b"tests|ADM"))
    row = {"keyid": "ADM", "sig": base64.b64encode(key.sign(pae(kind, payload))).decode()}
    return written({"payload": base64.b64encode(payload).decode(), "payloadType": kind, "signatures": [row], **more})


SOUND = b'{"act":"po.release","at":1,"nonce":"1","order":"PO-1","signers":[{"id":"ADM","role":"admin"}],"site":"HUB"}'
GARBAGE = {
    "empty": (b"", "cannot be read"),
    "not JSON": (b"hello", "cannot be read"),
    "not text": (b"\xff\xfe\x00", "cannot be read"),
    "JSON of another kind": (b"null", "cannot be read"),
    "a list": (b"[]", "cannot be read"),
    "10 MB": (b"[" * 10_000_000, "at most 49152 are accepted"),
    "oversized by one byte": (b" " * (49_153 - len(enveloped(SOUND))) + enveloped(SOUND), "at most 49152"),
    "deeply nested lists": (b"[" * 40_000, "cannot be read"),
    "deeply nested objects": (b'{"a":' * 9_000, "cannot be read"),
    "a number of 9,000 digits": (b"9" * 9_000, "cannot be read"),
    "a lone surrogate as a key": (b'{"\\ud800":1}', "cannot be read"),
    "a lone surrogate in the type": (enveloped(SOUND).replace(b"application", b"\\ud800", 1), "surrogates not allowed"),
    "a key twice": (enveloped(SOUND)[:-1] + b',"payloadType":"x"}', "a JSON key twice"),
    "an unknown field": (enveloped(SOUND, note="hi"), "unknown field"),
    "another payload type": (enveloped(SOUND, "application/json"), "payload of type"),
    "no signature": (enveloped(SOUND, signatures=[]), "carries 0 signatures"),
    "payload: empty": (enveloped(b""), "cannot be read"),
    "payload: deeply nested": (enveloped(b"[" * 12_000), "cannot be read"),
    "payload: a key twice": (enveloped(SOUND.replace(b'"at":1,', b'"at":1,"at":2,')), "not in canonical form"),
    "payload: blanks": (enveloped(SOUND.replace(b'"at":1', b'"at": 1')), "not in canonical form"),
    "payload: other order": (enveloped(b'{"at":1,"act":"po.release",' + SOUND[27:]), "not in canonical form"),
    "payload: a default spelled out": (enveloped(SOUND[:-1] + b',"v":1}'), "not in canonical form"),
    "payload: a float": (enveloped(SOUND.replace(b'"at":1', b'"at":1.0')), "not in canonical form|cannot be read"),
    "payload: an unknown field": (enveloped(SOUND[:-1] + b',"zz":1}'), "unknown field"),
    "payload: an unknown act": (enveloped(SOUND.replace(b"po.release", b"po.steal")), "cannot be read"),
    "payload: another version": (enveloped(SOUND[:-1] + b',"v":2}'), "version 2"),
    "payload: no signer": (enveloped(SOUND.replace(b'{"id":"ADM","role":"admin"}', b"")), "names no signer"),
    "payload: a time before 1970": (enveloped(SOUND.replace(b'"at":1', b'"at":-1')), "time is outside"),
    "payload: a time beyond 2^53": (enveloped(SOUND.replace(b'"at":1', b'"at":9007199254740993')), "time is outside"),
    "payload: an id that looks like another": (enveloped(SOUND.replace(b"PO-1", "PО-1".encode())), "is not an id"),
    "payload: an id with a path": (enveloped(SOUND.replace(b"PO-1", b"../../x")), "is not an id"),
    "payload: too long": (enveloped(SOUND.replace(b"admin", b"a" * 12_288)), "is the most"),
    "payload: control characters": (enveloped(SOUND.replace(b"admin", b"ad\\u0000min")), "control characters"),
    "payload: not NFC": (enveloped(SOUND.replace(b"admin", "e\u0301".encode())), "NFC"),
    "payload: broken UTF-8": (enveloped(SOUND.replace(b"admin", b"\xed\xa0\x80")), "cannot be read"),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_cannot_be_read_is_refused_with_a_sentence_and_is_an_attempt(tmp_path: Path, name: str) -> None:
    raw, why = GARBAGE[name]

    async def story(house: House, hub: Site) -> None:
        before = hub.spine.size
        with pytest.raises(Malformed, match=why) as caught:
            await asyncio.wait_for(hub.submit(raw, source="dock-3"), 5)
        text = str(caught.value)
        assert len(text) < 600, "a person reads this"
        assert text.isprintable() or "\x00" in text, text
        assert "Traceback" not in text
        await rested(hub)
        [attempt] = attempts(hub)
        assert (attempt.code, attempt.source) == ("MALFORMED", "dock-3")
        assert hub.spine.size == before + 1
        sound = await house.ask(HUB, house.material("B-1"))
        assert sound.decision.allowed, "and the next one is served"

    at_hub(tmp_path, story)


def test_a_payload_that_names_a_signer_twice_never_reaches_the_law(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        twice = replace(
            house.material("B-1"), signers=(c.Signer(id="ADM", role="admin"), c.Signer(id="ADM", role="qa"))
        )
        with pytest.raises(Malformed, match="names the same signer twice"):
            await hub.submit(house.desk.sign_only(twice, ["ADM"]))
        assert not actions(hub)

    at_hub(tmp_path, story)


# ---- how much garbage may cost -------------------------------------------------------------------------------------


async def swallowed(answers: list["asyncio.Future[Answer]"]) -> list[Answer | BaseException]:
    """All answers, refusals included."""
    return await asyncio.gather(*answers, return_exceptions=True)


@pytest.mark.parametrize("sources", [1, 7, 1000])
def test_a_thousand_garbage_inputs_in_a_second_write_at_most_21_entries(tmp_path: Path, sources: int) -> None:
    async def story(house: House, hub: Site) -> None:
        before = hub.spine.size
        bad = forged(house)
        asked = [hub.submit(bad if n % 2 else b"{}", source=f"source-{n % sources}") for n in range(1000)]
        found = await swallowed(asked)
        assert all(isinstance(a, Malformed) or (isinstance(a, Answer) and not a.decision.allowed) for a in found)
        await rested(hub)
        assert hub.spine.size - before <= min(sources, ATTEMPTS_PER_S_MAX) + 1
        house.clock.instant += SECOND_US
        with pytest.raises(Malformed):
            await hub.submit(b"", source="later")
        await rested(hub)
        counted = [attempt for attempt in attempts(hub) if attempt.source != "later"]
        assert sum(attempt.count for attempt in counted) == 1000, "none of them is forgotten"
        if sources > ATTEMPTS_PER_S_MAX:
            assert [attempt.source for attempt in counted].count("others") == 1

    at_hub(tmp_path, story)


def test_the_quota_holds_in_every_second_of_an_attack_that_goes_on(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        for _ in range(4):
            await swallowed([hub.submit(b"{}", source=f"source-{n % 40}") for n in range(200)])
            house.clock.instant += SECOND_US

    house = at_hub(tmp_path, story)
    store = SqliteStore(house.directory / HUB / "ledger.db", read_only=True)
    seconds = Counter(
        json.loads(r.body)["at"] // SECOND_US for r in store.rows(0, 999) if b'"kind":"attempt"' in r.body
    )
    store.close()
    assert max(seconds.values()) <= ATTEMPTS_PER_S_MAX + 1, seconds


def test_what_was_counted_is_on_record_when_the_site_is_closed(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        await swallowed([hub.submit(b"{}", source="dock-3") for _ in range(50)])

    house = at_hub(tmp_path, story)

    async def look() -> list[Attempt]:
        hub = await house.open(HUB)
        found = attempts(hub)
        await house.close()
        return found

    assert sum(attempt.count for attempt in asyncio.run(look())) == 50


def test_garbage_of_one_source_does_not_hide_a_single_bad_scan_of_another(tmp_path: Path) -> None:
    """A single bad scan gets an entry of its own, with a receipt, also while somebody else sends rubbish."""

    async def story(house: House, floor: Site) -> None:
        flood = [floor.submit(b"{}", source="rubbish") for _ in range(300)]
        scan = house.desk.sign_only(house.arrival("PO-1", "SCN-1", 1), ["WS-REC"])
        answer = await floor.submit(scan, source="dock-1")
        await swallowed(flood)
        assert answer.decision.codes == ("BROADCAST_UNVERIFIED",)
        row = next(iter(floor.means.store.rows(answer.seq, answer.seq + 1)))
        verify_proof(answer.receipt, row.leaf, parse_vkey(floor.notary.vkey))
        assert [a.act for a in attempts(floor) if a.source == "dock-1"] == ["part.arrival"]
        assert not events(floor, ev.ReaderAdvanced)

    at_hub(tmp_path, story, FLOOR)


def test_honest_work_goes_on_under_garbage(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        good: list[asyncio.Future[Answer]] = []
        bad: list[asyncio.Future[Answer]] = []
        for n in range(400):
            (good.append if n % 10 == 0 else bad.append)(
                hub.submit(house.sign(house.material(f"B-{n}")))
                if n % 10 == 0
                else hub.submit(b"{" * (n * 9), source="x")
            )
        await swallowed(bad)
        assert all(answer.decision.allowed for answer in await asyncio.gather(*good))

    at_hub(tmp_path, story)


# ---- the same again ------------------------------------------------------------------------------------------------


def check_receipt(site: Site, answer: Answer) -> None:
    """The receipt proves this entry, in a prefix of this log, to somebody who knows the site's key alone."""
    leaves = site.means.store.leaves(0, 1 << 40)
    covering = verify_proof(answer.receipt, leaves[answer.seq], parse_vkey(site.notary.vkey))
    assert root_of(leaves[: covering.size]) == covering.root


def test_the_same_bytes_get_the_first_answer_and_no_new_entry(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        allowed, denied = house.sign(house.material("B-1")), house.sign(house.release("PO-1", "ADM", site=HUB))
        for raw in (allowed, denied):
            first = await hub.submit(raw)
            await house.ask(HUB, house.material("B-between"))
            size = hub.spine.size
            again = await hub.submit(raw)
            assert (again.seq, again.decision) == (first.seq, first.decision)
            assert (first.resent, again.resent) == (False, True)
            assert hub.spine.size == size
            check_receipt(hub, first)
            check_receipt(hub, again)

    at_hub(tmp_path, story)


def test_another_spelling_of_the_same_act_is_the_same_act(tmp_path: Path) -> None:
    """The envelope's bytes are not signed: blanks, base64url, key order and keyids' order make nothing new."""

    async def story(house: House, hub: Site) -> None:
        command = replace(house.material("B-1"), place="WS-OFFICE")
        raw = house.sign(command)
        first = await hub.submit(raw)
        plain = rows_of(raw)
        url = {**plain, "payload": plain["payload"].replace("+", "-").replace("/", "_")}
        back = {**plain, "signatures": plain["signatures"][::-1]}
        for spelled in (json.dumps(plain, indent=1), json.dumps(url), json.dumps(back), json.dumps(plain)[:-1] + " }"):
            again = await hub.submit(spelled.encode())
            assert (again.seq, again.resent) == (first.seq, True)
        assert len(actions(hub)) == 1

    at_hub(tmp_path, story)


def test_the_same_bytes_while_the_first_are_in_flight_wait_for_their_answer(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        raw = house.sign(house.material("B-1"))
        answers = await asyncio.gather(*(hub.submit(raw) for _ in range(60)))
        assert len({answer.seq for answer in answers}) == 1
        assert len({str(answer.decision) for answer in answers}) == 1
        assert [answer.resent for answer in answers].count(False) == 1
        assert len(actions(hub)) == 1
        for answer in answers:
            check_receipt(hub, answer)

    at_hub(tmp_path, story)


@pytest.mark.parametrize("with_snapshot", [True, False])
def test_the_same_bytes_after_a_restart_get_the_first_answer(tmp_path: Path, with_snapshot: bool) -> None:
    house = founded(tmp_path)

    async def story() -> None:
        hub = await house.open(HUB)
        sent = [house.sign(house.material(f"B-{n}")) for n in range(5)]
        first = [await hub.submit(raw) for raw in sent]
        await house.close()
        if not with_snapshot:
            with sqlite3.connect(house.directory / HUB / "ledger.db") as db:
                db.execute("DELETE FROM snapshot")
            db.close()
        hub = await house.open(HUB)
        size = hub.spine.size
        again = await asyncio.gather(*(hub.submit(raw) for raw in sent))
        assert [(a.seq, a.decision, a.resent) for a in again] == [(a.seq, a.decision, True) for a in first]
        assert hub.spine.size == size
        for answer in (*first, *again):
            check_receipt(hub, answer)
        await house.close()

    asyncio.run(story())
    assert unsound(house.audits()) == []


def test_documents_beside_a_resend_change_nothing(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        raw = house.sign(house.material("B-1"))
        first = await hub.submit(raw)
        other = b"something else"
        again = await hub.submit(raw, (Pin(sha256=digest(other), content=other),))
        assert (again.seq, again.resent) == (first.seq, True)
        assert hub.means.store.blob(digest(other)) is None

    at_hub(tmp_path, story)


def test_the_same_wish_signed_anew_is_decided_anew(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        def gone() -> c.EnrolIdentity:
            return enrolment(house, house.desk.public("NEW"), ("NEW", "newcomer"))

        house.desk.add("NEW")
        first = await house.ask(HUB, gone())
        anew = await house.ask(HUB, gone())
        assert first.decision.allowed
        assert "ALREADY_DONE" in anew.decision.codes
        assert anew.seq > first.seq
        assert not anew.resent
        wishes = [await house.ask(HUB, house.release("PO-1", "PM", site=HUB)) for _ in range(2)]
        assert len({wish.seq for wish in wishes}) == 2, "a refused wish, too"

    at_hub(tmp_path, story)


def test_a_document_that_is_not_what_its_digest_names_is_refused_before_anything_happens(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        size = hub.spine.size
        with pytest.raises(Malformed, match="is not the one that its digest names"):
            await hub.submit(house.sign(house.material("B-1")), (Pin(sha256="0" * 64, content=b"x"),))
        assert hub.spine.size == size

    at_hub(tmp_path, story)


def test_a_document_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        huge = bytes(16_777_217)
        with pytest.raises(Malformed):
            await hub.submit(house.sign(house.release("PO-1", "ADM", site=HUB)), (Pin(digest(huge), huge),))

    at_hub(tmp_path, story)


def test_what_comes_beside_a_refused_act_that_names_no_document_is_not_kept(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        junk = b"junk"
        answer = await hub.submit(house.sign(house.release("PO-1", "ADM", site=HUB)), (Pin(digest(junk), junk),))
        assert not answer.decision.allowed
        assert hub.means.store.blob(digest(junk)) is None

    at_hub(tmp_path, story)


# ---- time and order ------------------------------------------------------------------------------------------------


def test_entries_never_go_back_in_time_with_the_clock(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        latest = 0
        for number, step in enumerate((0, 5, -3600, 2, -86_400, 86_400, 1)):
            house.clock.instant += step * SECOND_US
            await house.ask(HUB, house.material(f"B-{number}"))
            with pytest.raises(HoldgateError):
                await hub.submit(b"{}", source=f"s-{number}")
            await rested(hub)
            times = [entry.at for entry in entries(hub)]
            assert times == sorted(times)
            assert times[-1] >= latest
            latest = times[-1]

    at_hub(tmp_path, story)


def test_a_clock_that_went_back_does_not_make_stale_signatures_fresh(tmp_path: Path) -> None:
    """The decision uses the log's time, not the clock's: what was too old to sign stays too old."""

    async def story(house: House, hub: Site) -> None:
        stale = house.material("B-1")
        house.clock.instant += 3600 * SECOND_US
        assert (await house.ask(HUB, house.material("B-2"))).decision.allowed
        house.clock.instant -= 3600 * SECOND_US
        assert (await house.ask(HUB, stale)).decision.codes == ("BACKDATED",)

    at_hub(tmp_path, story)


def test_a_site_whose_clock_was_ahead_says_for_how_long_it_refuses_what_is_signed_now(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        house.clock.instant += 3600 * SECOND_US
        assert (await house.ask(HUB, house.material("B-1"))).decision.allowed
        assert site_status(hub, ClockQuality()).backdated_us == 0
        house.clock.instant -= 3000 * SECOND_US
        assert (await house.ask(HUB, house.material("B-2"))).decision.codes == ("BACKDATED",)
        left = site_status(hub, ClockQuality()).backdated_us
        assert left == (3000 - SETTINGS.entry_skew_s) * SECOND_US
        house.clock.instant += left - 1
        assert (await house.ask(HUB, house.material("B-3"))).decision.codes == ("BACKDATED",)
        house.clock.instant += 1
        assert site_status(hub, ClockQuality()).backdated_us == 0
        assert (await house.ask(HUB, house.material("B-4"))).decision.allowed, "what lies within the skew is no fault"

    at_hub(tmp_path, story)


@pytest.mark.parametrize("count", [2, 9, 300])
def test_what_is_submitted_at_once_is_decided_in_the_order_of_submission(tmp_path: Path, count: int) -> None:
    async def story(house: House, hub: Site) -> None:
        sent = [house.sign(house.material(f"B-{n}")) for n in range(count)]
        answers = await asyncio.gather(*(hub.submit(raw) for raw in sent))
        assert [answer.seq for answer in answers] == sorted(answer.seq for answer in answers)
        recorded = [open_envelope(bytes(entry.action)).payload for entry in actions(hub)]
        assert recorded == [open_envelope(raw).payload for raw in sent]
        for answer in answers:
            check_receipt(hub, answer)

    at_hub(tmp_path, story)


def test_order_holds_while_slow_and_fast_ones_come_in_bursts(tmp_path: Path) -> None:
    """Long payloads and bad ones take their time in verification; nobody overtakes."""

    async def story(house: House, hub: Site) -> None:
        asked: list[asyncio.Future[Answer]] = []
        sent: list[bytes] = []
        for burst in (1, 30, 1, 2, 60, 1):
            for _ in range(burst):
                n = len(sent)
                command = replace(house.material(f"B-{n}"), material_kind="x" * (3_900 if n % 3 else 1))
                sent.append(house.sign(command))
                asked.append(hub.submit(sent[-1]))
                if n % 5 == 0:
                    hub.submit(b"{" * 20_000, source="x").add_done_callback(lambda done: done.exception())
            await asyncio.sleep(0)
        await asyncio.gather(*asked)
        recorded = [open_envelope(bytes(entry.action)).payload for entry in actions(hub)]
        assert recorded == [open_envelope(raw).payload for raw in sent]

    at_hub(tmp_path, story)


def test_a_caller_who_gives_up_stops_nobody_else(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        asked = [hub.submit(house.sign(house.material(f"B-{n}"))) for n in range(40)]
        for future in asked[::2]:
            future.cancel()
        kept = await asyncio.gather(*asked[1::2])
        assert all(answer.decision.allowed for answer in kept)
        raw = house.sign(house.material("B-late"))
        given_up = hub.submit(raw)
        await asyncio.sleep(0)
        given_up.cancel()
        again = await hub.submit(raw)
        assert again.decision.allowed
        assert len([entry for entry in actions(hub) if entry.subject == "material:B-late"]) == 1

    at_hub(tmp_path, story)


def test_an_act_that_the_law_cannot_digest_is_answered_and_leaves_the_site_whole(tmp_path: Path) -> None:
    """The largest payloads with the most to repeat in their denials still fit an entry."""

    async def story(house: House, floor: Site) -> None:
        # 2,000 serials, none of them on the order; every one is repeated by the denial and by the quarantine.
        await house.ask(FLOOR, house.slip("PO-1", ("S1",)))
        serials = tuple(f"{n:04d}" for n in range(1_650))
        scan = house.arrival("PO-1", "SCN-1", 1, serials)
        answer = await asyncio.wait_for(house.ask(FLOOR, replace(scan, part_no="OTHER", rev="Z")), 10)
        assert {"PART_MISMATCH", "REV_MISMATCH", "SERIAL_UNKNOWN"} <= set(answer.decision.codes)
        assert (await house.ask(FLOOR, house.arrival("PO-1", "SCN-1", 2))).decision.allowed
        assert decision_of(entries(floor)[answer.seq]) == answer.decision

    at_hub(tmp_path, story, FLOOR)


def test_a_defect_in_the_law_answers_everybody_who_waits_and_stops_the_site(tmp_path: Path) -> None:
    """The standing may be half changed: nobody is acknowledged on it, nobody waits for ever; the store knows what holds."""

    async def story(house: House, hub: Site) -> None:
        before = hub.spine.size

        def defect(*_: object) -> None:
            raise TypeError("a gate with a defect")

        hub.chronicle.act = defect  # type: ignore[method-assign, assignment]
        asked = [hub.submit(house.sign(house.material(f"B-{n}"))) for n in range(20)]
        told = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 10)
        assert [type(error) for error in told] == [InvariantBroken] * 20
        assert hub.spine.size == before
        with pytest.raises(InvariantBroken, match="a gate with a defect"):
            await asyncio.wait_for(hub.submit(house.sign(house.material("B-alone"))), 10)

    at_hub(tmp_path, story)


@pytest.mark.parametrize("count", [1, 20])
def test_a_defect_in_verification_answers_everybody_who_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    async def story(house: House, hub: Site) -> None:
        def defect(*_: object) -> None:
            raise TypeError("a check with a defect")

        before = hub.spine.size
        with monkeypatch.context() as patched:
            patched.setattr(submit, "verify", defect)
            asked = [hub.submit(house.sign(house.material(f"B-{n}"))) for n in range(count)]
            told = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 20)
        assert [type(error) for error in told] == [InvariantBroken] * count
        assert hub.spine.size == before
        assert (await house.ask(HUB, house.material("B-after"))).decision.allowed

    at_hub(tmp_path, story)


def test_who_waits_when_a_site_stops_is_told_and_nothing_is_written_over_a_gap(tmp_path: Path) -> None:
    """One entry is being written, one is staged, then the site is told to stop and its tree runs ahead by one."""

    async def story(house: House, hub: Site) -> None:
        first = [hub.submit(house.sign(house.material(f"B-{n}"))) for n in range(2)]
        for _ in range(20_000):
            if not hub.spine._appender.idle:
                break
            await asyncio.sleep(0)
        later = [hub.submit(house.sign(house.material(f"B-{n}"))) for n in range(2, 20)]
        hub.spine.stop_for(InvariantBroken("told to stop"))
        hub.link_changed(NODE, up=False)
        told = await asyncio.wait_for(asyncio.gather(*first, *later, return_exceptions=True), 10)
        assert all(isinstance(answer, Answer | InvariantBroken) for answer in told)
        assert [type(error) for error in told[2:]] == [InvariantBroken] * 18
        assert hub.means.store.head().size == len(entries(hub)) == hub.spine.size

    at_hub(tmp_path, story)


def test_who_waits_when_a_site_closes_is_told_to_ask_again(tmp_path: Path) -> None:
    house = founded(tmp_path)

    async def run() -> None:
        hub = await house.open(HUB)
        asked = [hub.submit(house.sign(house.material(f"B-{n}"))) for n in range(40)]
        await asyncio.sleep(0)
        house.shop.close()
        told = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 10)
        assert {type(answer) for answer in told} <= {Answer, Unavailable}
        assert Unavailable in {type(answer) for answer in told}
        with pytest.raises(HoldgateError):
            await asyncio.wait_for(hub.submit(house.sign(house.material("B-late"))), 10)

    asyncio.run(run())
    assert unsound(house.audits()) == []


def test_a_defect_while_a_site_notes_something_about_itself_stops_it(tmp_path: Path) -> None:
    """A link that goes down, a cosignature, a start: the standing may be half changed like by an act's defect."""

    async def story(house: House, hub: Site) -> None:
        before = hub.spine.size

        def defect(*_: object) -> None:
            raise KeyError("a fold with a defect")

        hub.chronicle.note = defect  # type: ignore[method-assign, assignment]
        hub.link_changed(NODE, up=False)
        with pytest.raises(InvariantBroken, match="a fold with a defect"):
            await asyncio.wait_for(hub.submit(house.sign(house.material("B-1"))), 10)
        assert hub.spine.size == before

    at_hub(tmp_path, story)
