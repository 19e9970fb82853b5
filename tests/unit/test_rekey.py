"""Another key for somebody who is enrolled: who lets it in, what the earlier one is still good for, and what is flagged."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from msgspec.structs import replace

from holdgate.crypto.hashes import sha256
from holdgate.crypto.keys import SigningKey
from holdgate.crypto.sealed import SealingKey
from holdgate.engine.answer import Answer
from holdgate.identity.roster import EarlierKey
from holdgate.law import command as c
from holdgate.law import decide as law
from holdgate.law import event as ev
from holdgate.law.options import options
from holdgate.law.replay import read_action, repeat
from holdgate.law.says import can_say
from holdgate.law.segments import Proved, decision_of, prove
from holdgate.law.signers import check_signatures, keys_of
from holdgate.law.state import State
from holdgate.ledger.entry import read_entry
from holdgate.scenario.run import audit_shop
from holdgate.sites.policies import law_for, roster_of
from holdgate.sites.site import Site
from holdgate.terms.errors import HoldgateError, Tampered
from tests.builders import (
    BENCH,
    HUB,
    JOB,
    NODE,
    ROOT,
    Log,
    S,
    encoded,
    hub,
    hub_log,
    key_of,
    node_log,
)
from tests.passkey import SoftPasskey
from tests.played import played
from tests.unit.test_gates_keys import about
from tests.unit.test_sites import House, unsound
from tests.unit.test_submit import at_hub
from tests.unit.test_watch import Copy, reached, sizes, watching

AGAIN: Final = key_of("TECH again")
SEALING: Final = SealingKey(sha256(b"sealing")).public
OTHER_SEALING: Final = SealingKey(sha256(b"another sealing")).public


def test_the_only_admin_lost_the_badge_and_two_other_officers_mend_it() -> None:
    assert hub().ask(c.RekeyIdentity, by="PM", **about("ADMIN")).decide().allowed


def test_a_badge_becomes_a_passkey() -> None:
    passkey = SoftPasskey("TECH")
    asked = hub().ask(c.RekeyIdentity, key=passkey.public)
    assert asked.decide().codes == ("SIGNATURE_AUTH_FAILED",), "the new key's kind is said by who brings it"
    *officers, newcomer = asked.command.signers
    named = replace(asked.command, signers=(*officers, replace(newcomer, kind="webauthn")))
    assert asked._replace(command=named).decide().allowed


# ---- what it changes -----------------------------------------------------------------------------------------------


def test_the_roster_keeps_the_earlier_keys_with_their_end() -> None:
    world = hub()
    first, start = key_of("TECH").public, world.now
    world.do(c.RekeyIdentity)
    world.later(5 * S)
    world.do(c.RekeyIdentity, key=key_of("TECH once more").public)
    tech = world.state.identities["TECH"]
    assert tech.key == key_of("TECH once more").public
    assert tech.earlier == (EarlierKey(first, start), EarlierKey(AGAIN.public, start + 5 * S))
    assert tech.roles == ("technician",)
    assert "VT" in tech.credentials
    assert {world.state.key_owners[key.hex()] for key in (first, AGAIN.public, tech.key)} == {"TECH"}
    restored = msgspec.msgpack.decode(encoded(world.state), type=State)
    assert restored.identities["TECH"] == tech


def test_the_new_key_counts_at_once_and_the_old_one_no_more() -> None:
    world = hub()
    command = world.ask(c.RevokeCredential, by="TECH").command
    assert keys_of(command, world.state.identities) == (("TECH", key_of("TECH").public),)
    world.do(c.RekeyIdentity)
    assert keys_of(command, world.state.identities) == (("TECH", AGAIN.public),)


def test_signing_sessions_end_with_the_key() -> None:
    """Otherwise the finder's PIN, or the new badge alone, would go on where the old one stopped."""
    world = hub()
    world.state.sessions = {"TECH|s": 1, "TECH2|s": 2}
    world.do(c.RekeyIdentity)
    assert world.state.sessions == {"TECH2|s": 2}


def test_who_hears_of_it() -> None:
    world = hub()
    hears = roster_of(world.state)
    assert law_for(NODE, world.state)(ev.IdentityRekeyed(id="TECH", key=AGAIN.public))
    assert hears(ev.IdentityRekeyed(id="TECH", key=AGAIN.public))
    assert not hears(ev.IdentityRekeyed(id="BUYER", key=AGAIN.public)), "the dock knows no clients"


def test_a_site_cannot_say_more_than_was_signed() -> None:
    command = hub().ask(c.RekeyIdentity).command
    event = ev.IdentityRekeyed(id="TECH", key=AGAIN.public)
    assert can_say(command, event)
    for lie in ({"id": "TECH2"}, {"key": key_of("MALLORY").public}, {"sealing_key": OTHER_SEALING}):
        assert not can_say(command, replace(event, **lie))


@pytest.mark.parametrize("role", [("PM", "project_manager"), ("ADMIN", "admin"), ("QA", "qa")])
def test_officers_are_offered_it(role: tuple[str, str]) -> None:
    world = hub()
    offered = options(world.state, world.library, *role, world.now, about="identity:TECH")
    (one,) = [option for option in offered if option.act == "identity.rekey"]
    assert one.allowed, one.denials
    assert set(one.asks) == {"id", "key", "reason"}


def test_an_officer_with_a_passkey_is_offered_what_the_others_are() -> None:
    world, passkeys = hub(), hub()
    for name in ("QA", "ADMIN"):
        passkeys.state.identities[name].key = SoftPasskey(name).public
    for name, role in (("QA", "qa"), ("ADMIN", "admin")):
        found = [
            {(option.act, option.subject): option.allowed for option in options(w.state, w.library, name, role, w.now)}
            for w in (world, passkeys)
        ]
        assert found[0] == found[1]
        assert any(found[0].values())


# ---- a node that was away ------------------------------------------------------------------------------------------


def flags(shop: Log, since: int) -> list[ev.JobFlagged]:
    """What the hub flagged in its entries from there on."""
    events = (event for draft in shop.drafts[since:] for event in decision_of(read_entry(draft.body)).events)
    return [event for event in events if isinstance(event, ev.JobFlagged)]


def taken(shop: Log, log: Log, proved: Mapping[int, Proved] | None = None) -> list[ev.JobFlagged]:
    """The hub takes in what is new of the node's log; both logs can be made anew."""
    size = len(shop.drafts)
    held = shop.state.origins.get(f"test/{log.state.site}")
    segment = log.segment(0 if held is None else held.size)
    shop.now = max(shop.now, log.now)
    shop.settled(shop.chronicle.take_in(segment, shop.now, proved or {}))
    assert shop.again() == shop.bodies()
    assert log.again() == log.bodies()
    return flags(shop, size)


def replaced(shop: Log, name: str = "TECH", **changes: Any) -> None:
    shop.allow(c.RekeyIdentity, **about(name, **changes))
    shop.later(S)


def away() -> tuple[Log, Log]:
    """A hub that replaced TECH's key, and a node that has not heard of it."""
    shop = hub_log()
    log = node_log(shop)
    replaced(shop)
    log.now = shop.now
    return shop, log


def test_what_was_signed_under_the_old_key_after_its_end_is_taken_in_and_flagged() -> None:
    shop, log = away()
    log.worked()
    found = taken(shop, log)
    assert [flag.step for flag in found] == ["S10", "S20", "S30"]
    assert [flag.ncr for flag in found] == [f"sync-{JOB}-{step}" for step in ("S10", "S20", "S30")]
    assert all("under a key of TECH that had been replaced" in flag.why for flag in found)
    shop.heard(NODE)
    assert "NCR_OPEN" in shop.act(c.SignQa).decision.codes


def test_what_was_signed_before_the_end_is_taken_in_and_not_flagged() -> None:
    shop = hub_log()
    log = node_log(shop)
    log.worked()
    shop.now = log.now + S
    replaced(shop)
    assert taken(shop, log) == []
    assert shop.state.jobs[f"PO-1/{JOB}"].signers, "nothing is lost"


def test_what_was_signed_at_the_very_instant_of_the_end_is_not_flagged() -> None:
    shop = hub_log()
    log = node_log(shop)
    log.allow(c.StartJob)
    log.allow(c.StartStep, step="S10", equipment=(), materials=())
    shop.now = log.now
    shop.allow(c.RekeyIdentity)
    log.allow(c.SignStep, step="S10")
    assert taken(shop, log) == []


def test_under_the_new_key_nothing_is_flagged() -> None:
    shop, log = away()
    log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))
    log.keys["TECH"] = AGAIN
    log.worked()
    assert taken(shop, log) == []


def test_only_the_steps_under_the_old_key_are_flagged() -> None:
    shop, log = away()
    log.allow(c.StartJob)
    log.allow(c.StartStep, step="S10", equipment=(), materials=())
    log.allow(c.SignStep, step="S10")
    log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))
    log.keys["TECH"] = AGAIN
    log.allow(c.StartStep)
    assert [flag.step for flag in taken(shop, log)] == ["S10"]


def test_a_bench_whose_key_was_replaced_vouches_for_nothing_more() -> None:
    """A stolen kiosk: its key attests place and components of whoever signs there."""
    shop = hub_log()
    log = node_log(shop)
    replaced(shop, BENCH)
    log.now = shop.now
    log.worked()
    found = taken(shop, log)
    assert [flag.step for flag in found] == ["S10", "S20", "S30"]
    assert all(f"a key of {BENCH}" in flag.why for flag in found)


def test_a_key_that_nobody_ever_had_is_believed_nowhere() -> None:
    shop, log = away()
    log.keys["TECH"] = key_of("MALLORY")
    log.worked()
    before = encoded(shop.state)
    with pytest.raises(Tampered, match="does not hold"):
        taken(shop, log)
    assert encoded(shop.state) == before


def test_the_key_before_the_last_one_was_replaced_when_it_was() -> None:
    """Signed between the two replacements, under the first key: flagged; under the second: not."""
    for key, expected in ((key_of("TECH"), ["S10", "S20", "S30"]), (AGAIN, [])):
        shop, log = away()
        log.keys["TECH"] = key
        log.worked()
        shop.now = log.now + S
        shop.allow(c.RekeyIdentity, **about("TECH", key=key_of("TECH once more").public))
        assert [flag.step for flag in taken(shop, log)] == expected


def test_who_was_disabled_too_is_flagged_once_for_each_step() -> None:
    shop, log = away()
    shop.allow(c.DisableIdentity)
    shop.later(S)
    log.now = shop.now
    log.worked()
    found = taken(shop, log)
    assert [flag.step for flag in found] == ["S10", "S20", "S30"]
    assert all("de-authorised" in flag.why for flag in found)


def test_entries_that_were_proved_before_the_replacement_are_proved_again() -> None:
    """Threads prove a stretch against the roster of that moment; the flags do not depend on who was faster."""
    shop = hub_log()
    log = node_log(shop)
    early = dict(shop.state.identities)
    replaced(shop)
    log.now = shop.now
    log.worked()
    entries = log.segment().entries
    beforehand = {index: prove(body, early) for index, body in entries.items()}
    found = taken(shop, log, beforehand)
    assert [flag.step for flag in found] == ["S10", "S20", "S30"]

    shop, log = away()
    log.worked()
    proved = {index: prove(body, shop.state.identities) for index, body in log.segment().entries.items()}
    assert sum(1 for one in proved.values() if one.replaced) >= 3
    assert taken(shop, log, proved) == found


# ---- the business hub's own log ------------------------------------------------------------------------------------


def test_one_stretch_with_a_replacement_and_acts_on_both_sides_of_it() -> None:
    shop = hub_log()
    log = node_log(shop)
    shop.allow(c.RegisterMaterial, batch="B-1", by="ADMIN")
    shop.allow(c.RekeyIdentity, by="PM", **about("ADMIN"))
    shop.keys["ADMIN"] = key_of("ADMIN again")
    shop.allow(c.RegisterMaterial, batch="B-2", by="ADMIN")
    log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))
    assert {"B-1", "B-2"} <= set(log.state.materials)
    assert log.state.identities["ADMIN"].earlier == shop.state.identities["ADMIN"].earlier


def test_the_hub_cannot_use_an_old_key_in_its_own_log() -> None:
    """It decides replacements itself, so it knew. Whoever holds the hub and a lost badge makes no officer's act of them."""
    shop = hub_log()
    log = node_log(shop)
    shop.allow(c.RekeyIdentity, by="PM", **about("ADMIN"))
    shop.allow(c.RegisterMaterial, batch="B-2", by="ADMIN")  # its log holds an act under the old key
    with pytest.raises(Tampered, match="'ADMIN'"):
        log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))


@pytest.mark.parametrize(
    "others",
    [(("TECH", "newcomer"),), (("QA", "qa"), ("TECH", "technician")), (("TECH2", "technician"), ("TECH", "newcomer"))],
    ids=["one officer", "the new key did not sign", "a colleague for an officer"],
)
def test_a_hub_that_gives_out_keys_by_itself_is_believed_by_no_other_site(
    others: tuple[tuple[str, str], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever holds the hub could give itself anybody's name. It leaves out the question for the officers."""
    gates = {act: tuple(g for g in asked if g.name != "enrolment.sponsors") for act, asked in law._GATES.items()}
    monkeypatch.setattr(law, "_GATES", gates)
    shop = hub_log()
    log = node_log(shop)
    if others[-1] == ("TECH", "technician"):
        gates[c.RekeyIdentity] = ()
        shop.key = lambda name, _: key_of(name)  # type: ignore[method-assign, assignment]
    shop.allow(c.RekeyIdentity, others=others)
    with pytest.raises(Tampered, match="too few have signed that"):
        log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))
    assert not log.state.identities["TECH"].earlier


def test_a_replacement_that_the_new_key_did_not_sign_is_taken_in_by_nobody() -> None:
    shop = hub_log()
    log = node_log(shop)
    shop.keys["TECH"] = key_of("TECH")
    shop.key = lambda name, _: key_of(name)  # type: ignore[method-assign, assignment]  # the newcomer's row is under the old key
    shop.allow(c.RekeyIdentity)
    with pytest.raises(HoldgateError, match="'TECH'"):
        log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))


# ---- on real sites -------------------------------------------------------------------------------------------------


def replacement(house: House, name: str, key: SigningKey, *sponsors: tuple[str, str]) -> bytes:
    """Another key for somebody, sealed by two officers and that key."""
    officers = sponsors or (("ADM", "admin"), ("QAM", "qa"))
    head = house.head("HUB", *officers, (name, "newcomer"))
    command = c.RekeyIdentity(**head, id=name, key=key.public, reason="badge lost")
    return house.desk.sign(command, {name: key})


def test_a_lost_key_signs_nothing_more_and_the_new_one_does(tmp_path: Path) -> None:
    async def story(house: House, hub: Site) -> None:
        key = SigningKey.from_seed(sha256(b"a new badge"))
        for sponsors in ((("ADM", "admin"),), (("ADM", "admin"), ("TEC", "technician"))):
            answer = await hub.submit(replacement(house, "RCV", key, *sponsors))
            assert "SELF_APPROVAL" in answer.decision.codes
        answer = await hub.submit(replacement(house, "RCV", key))
        assert answer.decision.allowed, answer.decision
        by_rcv = replace(house.material("B-1"), signers=(c.Signer(id="RCV", role="receiving"),))
        lost = house.desk.sign(by_rcv)
        assert (await hub.submit(lost)).decision.codes == ("SIGNATURE_AUTH_FAILED",)
        house.desk.replace("RCV", key)
        assert (await hub.submit(house.desk.sign(by_rcv))).decision.allowed
        again = await hub.submit(replacement(house, "RCV", SigningKey.from_seed(sha256(b"mine"))))
        assert again.decision.allowed

    at_hub(tmp_path, story)


def test_an_act_that_was_verified_before_its_key_was_replaced_is_not_decided_after_it(tmp_path: Path) -> None:
    """Both acts come at once, and are verified before the first of them is decided."""

    async def story(house: House, hub: Site) -> None:
        by_rcv = replace(house.material("B-1"), signers=(c.Signer(id="RCV", role="receiving"),))
        new = replacement(house, "RCV", SigningKey.from_seed(sha256(b"a new badge")))
        first, late = await asyncio.gather(hub.submit(new), hub.submit(house.desk.sign(by_rcv)), return_exceptions=True)
        assert isinstance(first, Answer)
        assert first.decision.allowed
        assert isinstance(late, Tampered)
        assert "the keys changed" in str(late)

    at_hub(tmp_path, story)


def test_the_key_that_is_asked_for_signs_itself(tmp_path: Path) -> None:
    """Whoever names a key that they do not hold, as the new one of somebody else, gets nowhere."""

    async def story(house: House, hub: Site) -> None:
        head = house.head("HUB", ("ADM", "admin"), ("QAM", "qa"), ("RCV", "newcomer"))
        theirs = SigningKey.from_seed(sha256(b"theirs"))
        command = c.RekeyIdentity(**head, id="RCV", key=theirs.public, reason="badge lost")
        for key in (house.desk.key("RCV"), house.desk.key("ADM"), SigningKey.from_seed(sha256(b"mine"))):
            answer = await hub.submit(house.desk.sign(command, {"RCV": key}))
            assert answer.decision.codes == ("SIGNATURE_AUTH_FAILED",)
        assert not hub.chronicle.state.identities["RCV"].earlier

    at_hub(tmp_path, story)


def test_the_vault_decides_a_day_with_lost_badges_again_and_raises_no_alarm(tmp_path: Path) -> None:
    """Among them what a node that was off line took in under a key that had been replaced."""
    shop = played(tmp_path, "210")
    mirror = Copy(shop)
    watch = watching(shop, mirror)
    watch.wake()
    reached(lambda: sizes(watch, mirror) == mirror.sizes())
    watch.stop()
    assert watch.alarms == ()
    assert unsound(audit_shop(shop)) == []
    mirror.close()


def test_an_audit_finds_the_site_that_went_on_with_a_key_that_it_knew_to_be_replaced() -> None:
    """The hub takes it in and flags it, since it cannot tell; whoever decides the node's log again can."""
    shop, log = away()
    log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))
    log.worked()
    assert [flag.step for flag in taken(shop, log)] == ["S10", "S20", "S30"]
    failed = []
    known = Log(NODE, "node")
    known.blobs.update(log.blobs)
    for body in log.bodies():
        entry = read_entry(body)
        action = read_action(entry) if entry.kind == "action" else None
        if action is not None:
            keys = keys_of(action.command, known.state.identities)
            assert not isinstance(keys, str)
            if check_signatures(action.raw, keys):
                failed.append(action.command)
        known.keep(repeat(known.chronicle, entry, (ROOT.public,), action))
    assert {signer.id for command in failed for signer in command.signers} == {"TECH"}
