"""The chronicle: links of subjects, resends, attempts, and stretches of other logs that do not hold together."""

import base64
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from holdgate.crypto.envelope import seal
from holdgate.crypto.hashes import digest, leaf_hash
from holdgate.crypto.keys import key_id
from holdgate.engine.opening import FORM, read_snapshot, snapshot_of
from holdgate.identity.charter import CHARTER_TYPE
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.case import Pin
from holdgate.law.chronicle import Attempt, BootRecord, ContactRecord, CosignedRecord, ImportRecord
from holdgate.law.contract import document_digest
from holdgate.law.decision import Decision, allow
from holdgate.law.evolve import evolve
from holdgate.law.library import Library
from holdgate.law.replay import repeat, segment_of
from holdgate.law.segments import Segment, decision_of
from holdgate.law.state import State
from holdgate.ledger.entry import Entry, read_entry
from holdgate.ledger.merkle import Tree
from holdgate.ledger.note import Notary
from holdgate.terms import canon
from holdgate.terms.errors import InvariantBroken, Malformed, Tampered
from tests.builders import (
    CLIENT,
    FLOOR,
    HUB,
    JOB,
    NODE,
    OTHER_NODE,
    PEOPLE,
    PO,
    ROOT,
    VAULT,
    Log,
    S,
    charter,
    charter_envelope,
    encoded,
    hub_log,
    key_of,
    node_log,
    running,
)

SUBJECT = f"{PO}/{JOB}"


def entries(log: Log, subject: str) -> list[tuple[Entry, bytes]]:
    read = [(read_entry(draft.body), draft.leaf) for draft in log.drafts]
    return [(entry, leaf) for entry, leaf in read if entry.subject == subject]


def assert_linked(log: Log) -> None:
    """Every entry names the leaf hash of its subject's entry before it."""
    last: dict[str, bytes] = {}
    for seq, draft in enumerate(log.drafts):
        entry = read_entry(draft.body)
        assert entry.seq == seq
        assert entry.prev == last.get(entry.subject, b"").hex(), (seq, entry.subject)
        last[entry.subject] = draft.leaf


def closed() -> tuple[Log, Log]:
    """Hub and node after QA accepted the job and the node heard of it."""
    shop = hub_log()
    log = node_log(shop)
    log.worked()
    shop.now = log.now
    shop.heard(NODE)
    shop.take_in(log.segment())
    shop.allow(c.SignQa)
    log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))
    return shop, log


# ---- links ---------------------------------------------------------------------------------------------------------


def test_each_subject_has_a_chain_of_its_own() -> None:
    shop = hub_log()
    log = node_log(shop)
    log.worked()
    log.attempt()
    log.attempt("gate")
    log.attempt()
    for one in (shop, log):
        assert_linked(one)
    assert {entry.subject for entry, _ in entries(log, SUBJECT)} == {SUBJECT}
    assert len(entries(log, SUBJECT)) == 12


def test_denied_acts_are_linked_too() -> None:
    log = node_log(hub_log())
    log.worked()
    refused = log.act(c.StartStep)
    assert not refused.decision.allowed
    after = log.act(c.SignStep)
    assert read_entry(after.body).prev == refused.leaf.hex()


def test_a_job_that_qa_closed_leaves_memory_and_keeps_its_chain() -> None:
    _, log = closed()
    assert SUBJECT not in log.standing.heads
    assert SUBJECT not in log.standing.digests
    assert SUBJECT not in log.state.jobs
    last = entries(log, SUBJECT)[-1][1]
    first = log.act(c.StartStep)
    assert first.decision.codes == ("JOB_CLOSED",)
    assert read_entry(first.body).prev == last.hex()
    second = log.act(c.CorrectEntry)
    assert second.decision.codes == ("QA_ALREADY_SIGNED",)
    assert read_entry(second.body).prev == first.leaf.hex()
    assert SUBJECT not in log.standing.heads, "what is closed stays out of memory"
    assert_linked(log)


def test_sub_lots_are_subjects_of_their_own() -> None:
    log = node_log(hub_log())
    log.allow(c.StartJob)
    log.allow(c.SplitJob)
    refused = log.act(c.StartStep, step="S10", equipment=(), materials=())
    assert refused.decision.codes == ("JOB_CLOSED",)
    lot = log.allow(c.StartStep, job="J-1a", step="S10", equipment=(), materials=())
    assert read_entry(lot.body).prev == ""
    assert_linked(log)


def test_the_job_is_entered_under_its_pinned_law() -> None:
    log = node_log(hub_log())
    log.allow(c.StartJob)
    started = read_entry(log.allow(c.StartStep, step="S10", equipment=(), materials=()).body)
    assert (started.law.contract, started.law.version) == (log.sha, "1")
    assert read_entry(log.drafts[0].body).law.contract is None


def test_time_never_goes_back() -> None:
    log = node_log(hub_log())
    log.later(-50 * S)
    log.allow(c.StartJob)
    log.attempt()
    times = [read_entry(body).at for body in log.bodies()]
    assert times == sorted(times)


# ---- resends -------------------------------------------------------------------------------------------------------


def test_a_resend_gets_the_first_entry_and_no_new_one() -> None:
    log = node_log(hub_log())
    command = log.ask(c.StartJob).command
    first = log.submit(command)
    assert not isinstance(first, int)
    before = log.frozen()
    assert log.submit(command) == first.seq
    assert log.later(9 * S).now
    assert log.submit(command) == first.seq
    assert log.frozen() == before


def test_a_refused_act_sent_again_gets_its_first_answer_even_if_it_could_succeed_now() -> None:
    log = node_log(hub_log())
    command = log.ask(c.StartStep, step="S10", equipment=(), materials=(), contract=log.sha).command
    refused = log.submit(command)
    assert not isinstance(refused, int)
    assert refused.decision.codes == ("JOB_UNKNOWN",)
    log.allow(c.StartJob)
    assert log.submit(command) == refused.seq
    again = log.submit(replace(command, nonce="another wish"))
    assert not isinstance(again, int)
    assert again.decision.allowed


def test_a_resend_to_a_closed_job_gets_the_first_entry() -> None:
    _, log = closed()
    command = c.parse_command(payload(entries(log, SUBJECT)[3][0]))
    before = log.frozen()
    assert log.submit(command) == entries(log, SUBJECT)[3][0].seq
    assert log.frozen() == before
    late = log.ask(c.CorrectEntry).command
    refused = log.submit(late)
    assert not isinstance(refused, int)
    assert log.submit(late) == refused.seq


def payload(entry: Entry) -> bytes:
    decoded: dict[str, str] = msgspec.json.decode(bytes(entry.action))
    return base64.b64decode(decoded["payload"])


# ---- what grants nothing -------------------------------------------------------------------------------------------


def test_attempts_change_no_state() -> None:
    log = node_log(hub_log())
    before = encoded(log.state)
    for record in (
        Attempt(code="MALFORMED", why="noise", source="dock", digest="00", count=7),
        Attempt(code="CHAIN_BROKEN", why="altered", source=HUB, act="import"),
    ):
        draft = log.keep(log.chronicle.attempt(record, log.now))
        assert draft.decision.codes == (record.code,)
        assert encoded(log.state) == before


def test_denied_acts_change_no_state() -> None:
    log = node_log(hub_log())
    before = encoded(log.state)
    for act in (c.StartStep, c.SignStep, c.RepinJob, c.WriteVault, c.CorrectEntry, c.SplitJob):
        assert not log.act(act).decision.allowed
        assert encoded(log.state) == before, "a refused signature opens no session"


def test_an_allowed_signature_keeps_its_session_open() -> None:
    log = node_log(hub_log())
    log.allow(c.StartJob)
    log.allow(c.StartStep, step="S10", equipment=(), materials=())
    log.allow(c.SignStep, step="S10", auth=c.Auth(components=("badge", "pin"), session="shift"))
    assert log.state.sessions == {"TECH|shift": log.now}
    log.keep(log.chronicle.note(BootRecord(epoch="e2", reconciled=True), log.now))
    assert not log.state.sessions, "a restart ends every session"


def test_only_signing_acts_open_a_session() -> None:
    log = node_log(hub_log())
    log.allow(c.StartJob)
    log.allow(c.StartStep, step="S10", equipment=(), materials=(), auth=c.Auth(components=(), session="shift"))
    signed = log.act(c.SignStep, step="S10", auth=c.Auth(components=("pin",), session="shift"))
    assert signed.decision.codes == ("SIGNATURE_AUTH_FAILED",)


# ---- what the site notices -----------------------------------------------------------------------------------------


def test_a_cosignature_of_the_vault_counts_from_its_own_time() -> None:
    log = hub_log()
    log.cosigned(log.now // S + 7)
    assert (log.state.witnessed_at, log.state.witnessed_size) == (log.now + 7 * S, len(log.drafts) - 1)
    log.cosigned(log.now // S)
    assert log.state.witnessed_at == log.now + 7 * S, "witnessed time never goes back"


def test_a_cosignature_of_anybody_else_is_refused() -> None:
    log = hub_log()
    before = log.frozen()
    with pytest.raises(Tampered):
        log.cosigned(log.now // S, key_of("TECH"))
    note = log.checkpoint(len(log.drafts))
    for witness in (NODE, "STRANGER"):
        with pytest.raises(Tampered, match="no Vault"):
            log.chronicle.note(CosignedRecord(witness=witness, note=note), log.now)
    with pytest.raises(Tampered):
        log.chronicle.note(CosignedRecord(witness=VAULT, note=note), log.now)
    with pytest.raises((Tampered, Malformed)):
        log.chronicle.note(CosignedRecord(witness=VAULT, note=b"noise"), log.now)
    assert log.frozen() == before


def test_links_that_were_up_are_down_after_a_start() -> None:
    log = node_log(hub_log())
    log.heard(OTHER_NODE, up=False)
    since = log.now
    log.later(60 * S)
    log.keep(log.chronicle.note(BootRecord(epoch="e2", reconciled=False), log.now))
    assert not log.state.contacts[HUB].up
    assert log.state.contacts[OTHER_NODE].since == since
    assert read_entry(log.allow(c.NoticeOrder, order="PO-7").body).epoch == "e2"


def test_a_snapshot_of_another_version_of_the_program_is_not_read() -> None:
    kept = snapshot_of(hub_log().chronicle)
    assert read_snapshot(kept, HUB)[1].root() == kept.root
    form = b"\xa4form" + bytes((FORM,))  # as MessagePack writes the field
    assert kept.body.count(form) == 1
    for other in (FORM - 1, FORM + 1):
        with pytest.raises(Malformed, match="another version of the program"):
            read_snapshot(replace(kept, body=kept.body.replace(form, b"\xa4form" + bytes((other,)))), HUB)


def test_a_log_begins_once() -> None:
    log = hub_log()
    with pytest.raises(InvariantBroken):
        log.chronicle.genesis(charter(), charter_envelope(), log.now, "e9")


# ---- imports that do not hold together -----------------------------------------------------------------------------

Spoil = Callable[[Log, Segment], Segment]
SPOILT: dict[str, Spoil] = {}


def spoilt(spoil: Spoil) -> Spoil:
    SPOILT[spoil.__name__] = spoil
    return spoil


@spoilt
def begins_too_late(shop: Log, whole: Segment) -> Segment:
    return shop.segment(1)


@spoilt
def begins_before_the_beginning(shop: Log, whole: Segment) -> Segment:
    return replace(whole, start=-1)


@spoilt
def names_a_larger_size(shop: Log, whole: Segment) -> Segment:
    return replace(whole, size=whole.size + 1)


@spoilt
def is_empty(shop: Log, whole: Segment) -> Segment:
    return replace(whole, size=0, leaves=(), entries={})


@spoilt
def lacks_an_entry(shop: Log, whole: Segment) -> Segment:
    return replace(whole, leaves=(*whole.leaves[:3], *whole.leaves[4:]), size=whole.size - 1)


@spoilt
def lacks_the_last_entry_under_the_checkpoint(shop: Log, whole: Segment) -> Segment:
    last = len(whole.leaves) - 1
    kept = {index: body for index, body in whole.entries.items() if index != last}
    return replace(whole, leaves=whole.leaves[:last], size=last, entries=kept)


@spoilt
def holds_an_altered_entry(shop: Log, whole: Segment) -> Segment:
    altered = whole.entries[5].replace(b'"at":', b'"at":1')
    return replace(whole, entries={**whole.entries, 5: altered})


@spoilt
def holds_an_altered_entry_with_its_own_hash(shop: Log, whole: Segment) -> Segment:
    altered = whole.entries[5].replace(b'"at":', b'"at":1')
    leaves = (*whole.leaves[:5], leaf_hash(altered), *whole.leaves[6:])
    return replace(whole, entries={**whole.entries, 5: altered}, leaves=leaves)


@spoilt
def has_two_entries_swapped(shop: Log, whole: Segment) -> Segment:
    first, second = whole.leaves[4], whole.leaves[5]
    leaves = (*whole.leaves[:4], second, first, *whole.leaves[6:])
    return replace(whole, leaves=leaves, entries={**whole.entries, 4: whole.entries[5], 5: whole.entries[4]})


@spoilt
def shows_an_entry_in_anothers_place(shop: Log, whole: Segment) -> Segment:
    return replace(whole, entries={**whole.entries, 4: whole.entries[5]})


@spoilt
def shows_an_entry_outside_of_the_stretch(shop: Log, whole: Segment) -> Segment:
    return replace(whole, entries={**whole.entries, 999: whole.entries[5]})


@spoilt
def shows_an_entry_right_behind_the_stretch(shop: Log, whole: Segment) -> Segment:
    return replace(whole, entries={**whole.entries, len(whole.leaves): whole.entries[5]})


@spoilt
def has_a_leaf_of_another_length(shop: Log, whole: Segment) -> Segment:
    return replace(whole, leaves=(*whole.leaves[:4], b"short", *whole.leaves[5:]))


@spoilt
def is_signed_with_another_key(shop: Log, whole: Segment) -> Segment:
    return replace(whole, checkpoint=shop.checkpoint(whole.size, key_of("TECH")))


@spoilt
def carries_the_checkpoint_of_another_log(shop: Log, whole: Segment) -> Segment:
    tree = Tree()
    for leaf in whole.leaves:
        tree.append(leaf)
    note = Notary(f"test/{FLOOR}", key_of(FLOOR)).checkpoint(tree.size, tree.root())
    return replace(whole, checkpoint=note)


@spoilt
def carries_an_older_checkpoint(shop: Log, whole: Segment) -> Segment:
    return replace(whole, checkpoint=shop.checkpoint(whole.size - 1))


@spoilt
def carries_no_checkpoint(shop: Log, whole: Segment) -> Segment:
    return replace(whole, checkpoint=b"")


@spoilt
def comes_from_a_stranger(shop: Log, whole: Segment) -> Segment:
    return replace(whole, origin="test/STRANGER")


@spoilt
def passes_for_another_sites_log(shop: Log, whole: Segment) -> Segment:
    return replace(whole, origin=f"test/{FLOOR}")


@spoilt
def holds_another_document_than_its_entry_pins(shop: Log, whole: Segment) -> Segment:
    key = next(iter(whole.blobs))
    return replace(whole, blobs={**whole.blobs, key: b"another contract"})


def signed_by(log: Log, bodies: list[bytes], name: str) -> Segment:
    """A stretch from the beginning that its site signed properly, whatever is in it."""
    tree = Tree()
    leaves = tuple(leaf_hash(body) for body in bodies)
    for leaf in leaves:
        tree.append(leaf)
    note = Notary(f"test/{name}", key_of(name)).checkpoint(tree.size, tree.root())
    return Segment(
        origin=f"test/{name}",
        start=0,
        size=len(bodies),
        checkpoint=note,
        leaves=leaves,
        entries=dict(enumerate(bodies)),
    )


def rewritten(log: Log, decision: Decision, **changes: Any) -> list[bytes]:
    """The first two entries of a log, the second with another decision."""
    first, second = (read_entry(body) for body in log.bodies()[:2])
    raw = msgspec.Raw(msgspec.json.Encoder(order="sorted").encode(decision))
    return [canon.encode(first), canon.encode(replace(second, decision=raw, **changes))]


@spoilt
def says_what_only_another_kind_of_site_may_say(shop: Log, whole: Segment) -> Segment:
    accepted = ev.QaAccepted(order=PO, job=JOB, by="QA", accepted=2, rejected=0, scrapped=0)
    return signed_by(shop, rewritten(Log(FLOOR, "floor_hub").begin(), allow(accepted)), FLOOR)


@spoilt
def says_something_else_than_the_act_that_was_signed(shop: Log, whole: Segment) -> Segment:
    bodies = shop.bodies()[:3]
    entry = read_entry(bodies[2])
    (said,) = decision_of(entry).events
    assert isinstance(said, ev.IdentityEnrolled)
    decision = canon.encode(allow(replace(said, roles=(*said.roles, "admin"))))
    return signed_by(shop, [*bodies[:2], canon.encode(replace(entry, decision=msgspec.Raw(decision)))], HUB)


@spoilt
def names_another_place_in_the_log(shop: Log, whole: Segment) -> Segment:
    return signed_by(shop, rewritten(shop, allow(), seq=7), HUB)


@spoilt
def names_another_log(shop: Log, whole: Segment) -> Segment:
    return signed_by(shop, rewritten(shop, allow(), site=NODE), HUB)


@spoilt
def holds_a_decision_of_another_law(shop: Log, whole: Segment) -> Segment:
    bodies = [body.replace(b'"verdict":"allow"', b'"verdikt":"allow"') for body in shop.bodies()[:2]]
    return signed_by(shop, bodies, HUB)


@spoilt
def holds_something_that_is_no_entry(shop: Log, whole: Segment) -> Segment:
    return signed_by(shop, [shop.bodies()[0], b"noise"], HUB)


def receiver(shop: Log) -> Log:
    log = Log(NODE, "node").begin()
    log.now = shop.now
    log.heard(HUB)
    return log


@pytest.mark.parametrize("name", list(SPOILT))
def test_a_stretch_is_refused_and_nothing_changed_when_it(name: str) -> None:
    shop = hub_log()
    log = receiver(shop)
    before = log.frozen()
    bad = SPOILT[name](shop, shop.segment())
    with pytest.raises((Tampered, Malformed)) as caught:
        log.take_in(bad)
    assert str(caught.value)
    assert log.frozen() == before
    assert log.take_in(shop.segment()).decision.allowed, "the true stretch is taken in afterwards"
    assert CLIENT in {person.org for person in log.state.identities.values()}


def test_a_stretch_is_taken_in_once_and_goes_on_where_it_ended() -> None:
    shop = hub_log()
    log = receiver(shop)
    log.take_in(shop.segment(0, 10))
    before = log.frozen()
    with pytest.raises(Tampered, match="10 entries were taken in"):
        log.take_in(shop.segment(0, 10))
    assert log.frozen() == before
    log.take_in(shop.segment(10))
    assert set(PEOPLE) <= set(log.state.identities)
    assert log.again() == log.bodies()


def test_undisclosed_entries_are_covered_by_the_root() -> None:
    shop = hub_log()
    log = receiver(shop)
    whole = shop.segment()
    some = {index: body for index, body in whole.entries.items() if index < len(whole.leaves) // 2}
    pins = {key for body in some.values() for key in read_entry(body).pins}
    log.take_in(replace(whole, entries=some, blobs={key: whole.blobs[key] for key in sorted(pins)}))
    assert log.state.origins[f"test/{HUB}"].size == whole.size
    assert log.again() == log.bodies()


def test_entries_signed_by_somebody_unknown_here_are_refused_and_change_nothing() -> None:
    shop = hub_log()
    log = receiver(shop)
    before = encoded(log.state)
    last = {i: b for i, b in shop.segment().entries.items() if i > len(shop.drafts) - 4}
    pins = {key for body in last.values() for key in read_entry(body).pins}
    with pytest.raises(Tampered, match="not enrolled"):
        log.take_in(
            replace(shop.segment(), entries=last, blobs={key: shop.segment().blobs[key] for key in sorted(pins)})
        )
    assert encoded(log.state) == before


def test_a_document_that_no_entry_pins_is_not_believed() -> None:
    shop = hub_log()
    log = receiver(shop)
    key = digest(b"a contract that comes tomorrow")
    segment = shop.segment()
    with pytest.raises(Tampered, match="no entry of the stretch pins it"):
        log.take_in(replace(segment, blobs={**segment.blobs, key: b"something else"}))
    assert log.library.blob(key) is None


def test_the_order_of_the_mapping_is_not_the_order_of_the_log() -> None:
    shop = hub_log()
    work = node_log(shop)
    work.worked()
    shop.now = work.now
    whole = work.segment()
    other = hub_log()
    other.now = work.now
    shop.take_in(whole)
    backwards = dict(sorted(whole.entries.items(), reverse=True))
    other.take_in(replace(whole, entries=backwards))
    assert encoded(other.state) == encoded(shop.state)


def test_an_import_that_does_not_fit_an_entry_changes_nothing() -> None:
    shop = hub_log()
    log = receiver(shop)
    many = {digest(b"%d" % n): b"%d" % n for n in range(1200)}
    before = encoded(log.state)
    with pytest.raises((Tampered, Malformed)):
        log.take_in(replace(shop.segment(), blobs={**shop.segment().blobs, **many}))
    assert encoded(log.state) == before


def test_a_refused_draft_fits_its_entry() -> None:
    log = hub_log()
    technique = replace(log.technique, version="2")
    odd = replace(log.order_template, version="2", on_silence="x" * 70_000, process=document_digest(technique))
    pins = tuple(Pin(sha256=digest(raw), content=raw) for raw in (canon.encode(odd), canon.encode(technique)))
    log.allow(c.SubmitContract, pins=pins, sha256=pins[0].sha256)
    log.order_template, log.technique = odd, technique
    assert log.act(c.CertifyContract, version="2").decision.codes == ("CONTRACT_INCOMPLETE",)


def test_a_restored_snapshot_folds_like_the_live_state() -> None:
    world = running()
    world.fold(
        ev.DeviationAuthorised(order=PO, job=JOB, step="S30", deviation="D-1", waive=("WINDOW_EXCEEDED",), by="L3"),
        ev.JobSplit(order=PO, job=JOB, jobs=("J-1a", "J-1b"), serials=(("A",), ("B",))),
    )
    restored = msgspec.msgpack.decode(encoded(world.state), type=State)
    used = ev.DeviationUsed(order=PO, job="J-1a", deviation="D-1")
    for state in (world.state, restored):
        evolve(state, world.library, used, world.now, 99)
    assert encoded(restored) == encoded(world.state)


def test_a_decision_that_is_nested_too_deeply_is_malformed() -> None:
    entry = replace(read_entry(hub_log().drafts[0].body), decision=msgspec.Raw(b'{"verdict":' + b"[" * 100_000))
    with pytest.raises(Malformed, match="cannot be read"):
        decision_of(entry)


# ---- replay --------------------------------------------------------------------------------------------------------


def test_a_whole_shop_is_repeated_byte_for_byte() -> None:
    shop, log = closed()
    log.act(c.StartStep)
    log.attempt()
    shop.allow(c.SignCompliance)
    shop.allow(c.GenerateReport)
    shop.cosigned(shop.now // S + 1)
    shop.allow(c.ReviewReport)
    shop.keep(shop.chronicle.note(ContactRecord(site=NODE, up=False), shop.now))
    for one in (shop, log):
        assert one.again() == one.bodies()


def test_a_log_whose_document_is_missing_is_not_repeated() -> None:
    shop = hub_log()
    pinned = next(key for body in shop.bodies() for key in read_entry(body).pins)
    del shop.blobs[pinned]
    with pytest.raises(Tampered, match="missing"):
        shop.again()


def test_an_action_recorded_twice_is_not_repeated() -> None:
    log = node_log(hub_log())
    log.allow(c.StartJob)
    log.drafts.append(log.drafts[-1])
    with pytest.raises(Tampered, match="on the record before"):
        log.again()


def test_a_charter_of_other_roots_begins_no_log() -> None:
    log = hub_log()
    entry = read_entry(log.bodies()[0])
    with pytest.raises(Tampered, match="root keys"):
        repeat(Log(HUB, "business_hub").chronicle, entry, (key_of("TECH").public,))
    unsigned = seal(canon.encode(charter()), [(key_id(key_of("TECH").public), key_of("TECH"))], CHARTER_TYPE)
    with pytest.raises(Tampered, match="root signatures"):
        repeat(Log(HUB, "business_hub").chronicle, replace(entry, action=msgspec.Raw(unsigned)), (ROOT.public,))


def test_an_import_record_names_only_entries_of_its_stretch() -> None:
    log = node_log(hub_log())
    record = ImportRecord(origin=f"test/{HUB}", start=0, size=1, checkpoint=b"", leaves=(bytes(32),), held=(1,))
    with pytest.raises(Malformed, match="outside"):
        segment_of(log.chronicle, record)


def test_a_library_reads_what_the_store_holds() -> None:
    library = Library(lambda sha256: None)
    assert library.template("0" * 64) is None
    assert library.technique("0" * 64) is None
    state: State = running().state
    with pytest.raises(Tampered, match="not in the store"):
        evolve(state, library, ev.ContractSubmitted(contract="X", version="1", sha256="0" * 64, author="A"), 0, 0)
