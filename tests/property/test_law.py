"""The law over random histories: it always answers, always the same, changes nothing, and is repeated to the byte."""

import json
import typing
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.denial import sentence
from holdgate.law.evolve import evolve
from holdgate.law.gates.acts import EVERY, HUB_ACTS, NODE_ACTS
from holdgate.law.options import options
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Tampered
from holdgate.terms.limits import OPTIONS_MAX
from holdgate.terms.party import Party
from tests.builders import (
    BENCH,
    CONTRACT,
    FLOOR,
    FULL_SHEET,
    HUB,
    JOB,
    NODE,
    OFFICE,
    OTHER_NODE,
    PEOPLE,
    PO,
    POINTS,
    REPORT,
    T0,
    TERMS,
    USUAL,
    YEAR,
    Asked,
    Log,
    S,
    World,
    accepted_job,
    encoded,
    forwarded,
    hub,
    hub_log,
    key_of,
    node,
    node_log,
    pins_of,
    running,
)
from tests.labs import before_the_hold, broken, failed, mended, permit

# ---- random acts ---------------------------------------------------------------------------------------------------

WORDS = (PO, JOB, "J-1a", "J-2", REPORT, CONTRACT, "1", "2", "S10", "S20", "S30", "D-1", NODE, OTHER_NODE, FLOOR, HUB)
MORE = ("TECH", "TECH2", "NEW", "VT", "OVEN-1", "THERM-1", "WAX-1", "A", "B", "Z", "temp", "gap", "press", "degC", "mm")
NODES = (
    "NCR-1",
    f"auto-{JOB}-S20",
    "P-1",
    "pump",
    "PUMP",
    "rework",
    "use_as_is",
    "specimen_defect",
    "lab_temp",
    "22.0",
)
TEXTS = ("pass", "fail", "approve", "reject", "full", "partial", "75", "1.5", "-0", "1e9", "x", "", " ", "in", "bonus")
NUMBERS = (-1, 0, 1, 2, 100, 3600, T0 - YEAR, T0 - 121 * S, T0, T0 + 121 * S, T0 + YEAR, 2**53 - 1)
NAMES = (*PEOPLE, HUB, FLOOR, NODE, "NEW", "STRANGER")
ROLES = tuple(dict.fromkeys(role for fields in PEOPLE.values() for role in fields["roles"]))

words = st.sampled_from((*WORDS, *MORE, *NODES, *TEXTS))
lists = st.lists(st.sampled_from((*MORE, "drawing", "title", "results", "WINDOW_EXCEEDED")), max_size=4).map(tuple)
auths = st.one_of(
    st.none(),
    st.builds(
        c.Auth,
        components=st.lists(st.sampled_from(["badge", "pin", "key", "card"]), max_size=3).map(tuple),
        session=st.sampled_from(["shift", "other"]),
        presented_by=st.sampled_from([None, None, "TECH", "STRANGER"]),
    ),
)
lots = st.lists(
    st.builds(c.SubLot, job=st.sampled_from(["J-1a", "J-1b", JOB]), serials=st.sampled_from([("A",), ("B",), ()])),
    max_size=3,
).map(tuple)
small = st.integers(-1, 3)
OF_FIELD: dict[str, st.SearchStrategy[Any]] = {
    "terms": st.sampled_from([TERMS, replace(TERMS, price_minor=1), replace(TERMS, milestones=())]),
    "payments": st.lists(
        st.builds(
            c.PaymentIn,
            bank_ref=words,
            invoice=st.sampled_from(["I-000001", "X"]),
            amount_minor=st.sampled_from(NUMBERS),
            currency=st.just("USD"),
            booked_on=st.just("2026-04-02"),
        ),
        max_size=2,
    ).map(tuple),
    "results": st.lists(st.builds(c.PayoutResult, payout=words, status=words), max_size=2).map(tuple),
    "quantities": st.builds(c.Quantities, received=small, accepted=small, rejected=small, scrapped=small),
    "into": lots,
    "key": st.sampled_from([key_of("NEW").public, key_of("TECH").public, bytes(32), b""]),
}
HEAD = {"site", "at", "nonce", "signers", "place", "seen", "v"}


def values_of(act: type[c.Command], name: str) -> st.SearchStrategy[Any]:
    """Values of a field, of its type."""
    if name in OF_FIELD:
        return OF_FIELD[name]
    hint = typing.get_type_hints(act)[name]
    kinds = typing.get_args(hint) if type(None) in typing.get_args(hint) else (hint,)
    out: list[st.SearchStrategy[Any]] = []
    for kind in kinds:
        if kind is type(None):
            out.append(st.none())
        elif kind is bool:
            out.append(st.booleans())
        elif kind is int:
            out.append(st.sampled_from(NUMBERS))
        elif kind is str:
            out.append(words)
        elif kind is bytes:
            out.append(st.binary(max_size=3))
        else:
            out.append(lists)
    return st.one_of(out)


@st.composite
def wishes(draw: st.DrawFn, acts: tuple[type[c.Command], ...]) -> tuple[type[c.Command], dict[str, Any]]:
    """An act as it would usually be allowed, with up to three fields of it changed."""
    act = draw(st.sampled_from(acts))
    own = [name for name in act.__struct_fields__ if name not in HEAD]
    changes: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(own), max_size=2, unique=True)):
        changes[name] = draw(values_of(act, name))
    steps = {"S10": {"equipment": (), "materials": ()}, "S20": {}, "S30": {"equipment": (), "materials": ()}}
    if "step" in own and draw(st.booleans()):
        step = draw(st.sampled_from(sorted(steps)))
        bare = steps[step] if act is c.StartStep else {}
        changes = {"step": step, **bare, **changes}
    if not draw(st.integers(0, 3)):
        odd: dict[str, st.SearchStrategy[Any]] = {
            "by": st.sampled_from(NAMES),
            "role": st.sampled_from((*ROLES, "newcomer")),
            "others": st.lists(
                st.tuples(st.sampled_from(NAMES), st.sampled_from((*ROLES, "newcomer"))),
                max_size=3,
                unique_by=lambda pair: pair[0],
            ).map(tuple),
            "auth": auths,
            "meaning": st.sampled_from([None, "", "approved"]),
            "place": st.sampled_from([None, BENCH, OFFICE, "WS-FAR", "WS-STORE", "STRANGER"]),
            "site": st.sampled_from([NODE, HUB, OTHER_NODE]),
            "at": st.sampled_from(NUMBERS),
            "seen": st.sampled_from([None, digest(b"other")]),
        }
        name = draw(st.sampled_from(sorted(odd)))
        changes[name] = draw(odd[name])
    return act, changes


def without_doubles(changes: dict[str, Any], act: type[c.Command]) -> bool:
    by = changes.get("by", USUAL[act]["by"])
    return by not in [name for name, _ in changes.get("others", USUAL[act].get("others", ()))]


def pinned(world: World, act: type[c.Command], changes: dict[str, Any]) -> Asked:
    """The act with what travels beside it."""
    if act is c.ForwardOrder:
        fields, pins = forwarded(world)
        return world.ask(act, pins=pins, **(fields | changes))
    if act is c.SubmitContract:
        pins = pins_of(world.order_template, world.technique)
        return world.ask(act, pins=pins, **({"sha256": pins[0].sha256} | changes))
    return world.ask(act, **changes)


def submitted() -> World:
    world = hub()
    world.proposed()
    return world


def ordered() -> World:
    world = hub()
    world.release()
    return world


def waiting() -> World:
    world = node()
    world.release()
    return world


def by_test() -> World:
    world = running(None, "S10", sheet={"pin": "test"})
    world.release(version="2", sheet={"pin": "test"})
    return world


WORLDS: dict[str, Callable[[], World]] = {
    "a node that waits": waiting,
    "a job": running,
    "a job past its pre-check": lambda: running(None, "S10"),
    "an open step": lambda: running(None, "S10").opened("S20").readings(),
    "a job before its last step": lambda: running(None, "S10", "S20").later(700 * S),
    "a failed test": failed,
    "an execution that failed": broken,
    "an execution that can be resumed": mended,
    "a permit": permit,
    "a red tag": lambda: running(POINTS, "S10", sheet=FULL_SHEET).tagged("A"),
    "a hold point": before_the_hold,
    "tests pinned by themselves": by_test,
    "a proposal": submitted,
    "a contract in force": ordered,
    "a whole record": accepted_job,
    "a record that QA accepted": lambda: accepted_job(qa=True),
    "a report": lambda: accepted_job(qa=True).reported(),
}


def in_contract_order(world: World, decision_events: tuple[ev.AnyEvent, ...]) -> None:
    """Before a step that was just allowed to start, every earlier one is done."""
    for event in decision_events:
        if isinstance(event, ev.StepStarted):
            job = world.state.jobs[f"{event.order}/{event.job}"]
            technique = world.library.techniques[job.technique]
            position = technique.position[event.step]
            assert all(a is not None and a.done for a in job.attempts[:position])
            assert job.open_step == -1


@settings(max_examples=200, deadline=None)
@given(
    name=st.sampled_from(sorted(WORLDS)),
    moves=st.lists(st.tuples(wishes(HUB_ACTS), wishes(NODE_ACTS), st.sampled_from([0, 0, 1, 600 * S])), max_size=10),
)
def test_decide_always_answers_and_changes_nothing(name: str, moves: list[Any]) -> None:
    world = WORLDS[name]()
    for at_hub, at_node, passed in moves:
        world.later(passed)
        act, changes = at_hub if world.state.kind == "business_hub" else at_node
        if not without_doubles(changes, act):
            continue
        asked = pinned(world, act, changes)
        before = encoded(world.state)
        answer = asked.decide()
        assert answer == asked.decide()
        assert encoded(world.state) == before
        assert answer.allowed == (not answer.denials)
        for denial in answer.denials:
            assert "{" not in sentence(denial)
        try:
            assert c.parse_command(canon.encode(asked.command)) == asked.command
        except Malformed:
            continue  # it never comes before the law
        if answer.allowed:
            in_contract_order(world, answer.events)
            world.fold(*answer.events)


@settings(max_examples=100, deadline=None)
@given(name=st.sampled_from(sorted(WORLDS)), who=st.sampled_from(NAMES), role=st.sampled_from(ROLES))
def test_options_are_decided_by_the_law_and_change_nothing(name: str, who: str, role: str) -> None:
    world = WORLDS[name]()
    before = encoded(world.state)
    place = BENCH if world.state.kind == "node" else None
    found = options(world.state, world.library, who, role, world.now, place)
    assert found == options(world.state, world.library, who, role, world.now, place)
    assert encoded(world.state) == before
    assert len(found) <= OPTIONS_MAX
    for option in found:
        assert option.allowed == (not option.denials)
        assert set(option.asks) <= set(option.fields)
        assert "STALE_VIEW" not in [denial.code for denial in option.denials]


ANY_TIME = (
    "ncr.open",
    "help.call",
    "job.terminate",
    "step.restart",
    "contract.suspend",
    "report.amend",
    "document.verify",
    "payload.keep",
    "hold.place",
    "party.register",
    "account.register",
    "charge.agree",
    "po.settle",
)
"""Acts that stop something or put it right, whenever somebody sees that it has to be."""
REGISTERS = ("identity", "credential", "equipment", "material", "standard")
"""Acts for which any subject would do."""


def test_options_of_the_usual_people() -> None:
    def allowed(world: World, who: str, role: str, place: str | None = None) -> list[tuple[str, str | None]]:
        found = options(world.state, world.library, who, role, world.now, place)
        return [
            (option.act, option.fields.get("step"))
            for option in found
            if option.allowed and not option.act.startswith(REGISTERS) and option.act not in ANY_TIME
        ]

    assert allowed(waiting().received(), "TECH", "technician", BENCH) == [("job.start", None)]
    assert allowed(running(None, "S10"), "TECH", "technician", BENCH) == [("step.start", "S20")]
    assert allowed(running(None, "S10"), "NOVICE", "technician", BENCH) == []
    assert allowed(running(None, "S10"), "PM", "project_manager", BENCH) == [("job.split", None)]
    opened = running(None, "S10").opened("S20")
    assert allowed(opened, "TECH", "technician", BENCH) == [("reading.record", "S20")] * 4
    assert ("step.sign", "S20") in allowed(opened.readings(), "TECH", "technician", BENCH)
    assert allowed(accepted_job(), "QA", "qa") == [("qa.sign", None)]
    assert allowed(accepted_job(qa=True), "CO", "compliance") == [("compliance.sign", None)]
    assert allowed(accepted_job(qa=True), "SYS", "system") == [("report.generate", None)]
    assert allowed(accepted_job(qa=True).reported(), "BUYER", "client") == [("client.review", None)] * 2
    assert allowed(accepted_job(qa=True).reported(), "BUYER2", "client") == []
    assert allowed(submitted(), "QA", "qa") == [("contract.approve", None)]
    assert allowed(submitted(), "CERT", "certifier") == [("contract.certify", None)]
    proposed = ordered().accepted()
    assert allowed(proposed, "PM", "project_manager") == [("po.review", None), ("po.stage", None)]
    assert allowed(proposed, "BUYER", "client") == [("po.accept", None)]
    gate = World(FLOOR, "floor_hub")
    assert options(gate.state, gate.library, "TECH", "technician", gate.now) == []


# ---- fold(live) == replay ------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(
    whole=st.booleans(),
    moves=st.lists(
        st.one_of(
            st.tuples(st.just("act"), wishes(NODE_ACTS)),
            st.tuples(st.just("act"), wishes(NODE_ACTS)),
            st.tuples(st.sampled_from(["again", "attempt", "down", "up", "later"]), st.none()),
        ),
        max_size=20,
    ),
)
def test_a_random_history_of_a_node_is_repeated_to_the_byte(whole: bool, moves: list[Any]) -> None:
    log = node_log(hub_log())
    if whole:
        log.worked()
    else:
        log.allow(c.StartJob)
    live(log, moves)


@settings(max_examples=25, deadline=None)
@given(moves=st.lists(st.tuples(st.just("act"), wishes(HUB_ACTS)), max_size=20))
def test_a_random_history_of_the_hub_is_repeated_to_the_byte(moves: list[Any]) -> None:
    shop = hub_log()
    work = node_log(shop)
    work.worked()
    shop.now = work.now
    shop.heard(NODE)
    shop.take_in(work.segment())
    live(shop, moves)


def live(log: Log, moves: list[Any]) -> None:
    """These moves, and then the whole log once more from its bytes."""
    last: c.AnyCommand | None = None
    for move, wish in moves:
        if move == "act" and without_doubles(wish[1], wish[0]):
            asked = pinned(log, *wish)
            try:
                last = c.parse_command(canon.encode(asked.command))
            except Malformed:
                continue
            log.submit(last, asked.pins)
        elif move == "again" and last is not None:
            size = len(log.drafts)
            assert isinstance(log.submit(last), int)
            assert len(log.drafts) == size
        elif move == "attempt":
            log.attempt()
        elif move in ("up", "down"):
            log.heard(HUB, up=move == "up")
        elif move == "later":
            log.later(700 * S)
    again = log.remade()
    assert again.bodies() == log.bodies()
    assert again.frozen() == log.frozen()


# ---- spellings -----------------------------------------------------------------------------------------------------


def usual(act: type[c.Command]) -> bytes:
    world = waiting()
    return canon.encode(pinned(world, act, {}).command)


PAYLOADS = {act.__struct_config__.tag: usual(act) for act in EVERY}
payloads = st.sampled_from(sorted(PAYLOADS.values()))


def changed(world: World, act: type[c.Command], field: str, value: Any) -> c.AnyCommand:
    """The usual act with another value in one field."""
    fields: dict[str, Any] = {field: value}
    return world.ask(act, **fields).command


def refused(raw: bytes) -> None:
    """Malformed, with a sentence, and nothing else."""
    with pytest.raises(Malformed) as caught:
        c.parse_command(raw)
    assert str(caught.value)


@pytest.mark.parametrize("raw", list(PAYLOADS.values()), ids=list(map(str, PAYLOADS)))
def test_the_canonical_spelling_is_read(raw: bytes) -> None:
    assert canon.encode(c.parse_command(raw)) == raw


def gaps(raw: bytes) -> list[int]:
    """Where a blank may stand in JSON without changing what it says."""
    out, inside = [0], False
    for index, byte in enumerate(raw):
        if byte == ord('"') and raw[index - 1] != ord("\\"):
            inside = not inside
        if not inside and byte in b'{}[],:"':
            out.append(index + 1)
    return out


@given(raw=payloads, data=st.data())
def test_no_blank_is_added(raw: bytes, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(gaps(raw)))
    refused(raw[:place] + data.draw(st.sampled_from([b" ", b"\n", b"\t", b"\r\n"])) + raw[place:])


@given(raw=payloads, data=st.data())
def test_keys_stand_in_one_order(raw: bytes, data: st.DataObject) -> None:
    pairs = list(json.loads(raw).items())
    other = data.draw(st.permutations(pairs))
    assume(other != pairs)
    refused(json.dumps(dict(other), separators=(",", ":"), ensure_ascii=False).encode())


@given(raw=payloads, data=st.data())
def test_keys_stand_once(raw: bytes, data: st.DataObject) -> None:
    key, value = data.draw(st.sampled_from(sorted(json.loads(raw).items(), key=lambda pair: pair[0])))
    again = f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'), ensure_ascii=False)}".encode()
    refused(b"{" + again + b"," + raw[1:])
    refused(raw[:-1] + b"," + again + b"}")


@given(raw=payloads, key=st.text(max_size=8), value=st.sampled_from([None, True, 0, "", [], {}]))
def test_no_unknown_or_empty_field(raw: bytes, key: str, value: object) -> None:
    fields = json.loads(raw)
    assume(key not in fields)
    refused(json.dumps({**fields, key: value}, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode())
    refused(json.dumps({**fields, "seen": None}, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode())


NUMBER_SPELLINGS = ["1.0", "1e3", "-0", "01", "+1", "NaN", "Infinity", "true", '"1"', "null", "-1", "9" * 5000]


@given(raw=payloads, number=st.sampled_from([*NUMBER_SPELLINGS, str(2**53), str(2**63), str(2**64), str(2**70)]))
def test_a_time_has_one_spelling_and_53_bits(raw: bytes, number: str) -> None:
    refused(raw.replace(b'"at":%d' % T0, b'"at":' + number.encode(), 1))


@given(number=st.one_of(st.integers(2**53, 2**70), st.integers(-(2**70), -(2**53))))
def test_other_integers_have_53_bits_too(number: int) -> None:
    world = waiting()
    for act, name in (
        (c.GrantCredential, "until"),
        (c.RegisterMaterial, "until"),
        (c.StageOrder, "buffer_max_s"),
    ):
        refused(canon.encode(changed(world, act, name, number)))
    if number > 0:
        refused(canon.encode(world.ask(c.RecordReading, observed_at=number).command))


@given(depth=st.integers(1, 3000), of=st.sampled_from(["[]", "{}"]))
def test_deep_nesting_is_refused(depth: int, of: str) -> None:
    head = '{"a":' if of == "{}" else "["
    tail = "}" if of == "{}" else "]"
    nested = (head * depth + "1" + tail * depth).encode()
    refused(PAYLOADS["vault.write"].replace(b'"target":"entry-7"', b'"target":' + nested))
    refused(nested)


@given(
    text=st.sampled_from(["e\u0301", "A\u030a", "\u1112\u1161\u11ab", "x\u0323\u0307"]), pad=st.text("ab ", max_size=5)
)
def test_text_is_in_nfc(text: str, pad: str) -> None:
    world = waiting()
    refused(canon.encode(world.ask(c.DisableIdentity, reason=pad + text).command))
    refused(canon.encode(world.ask(c.RecordReading, value=pad + text).command))


CONFUSABLE = [
    "\u0410",
    "\u0422ECH",
    "TEC\u041d",
    "T\u200bECH",
    "T\u0395CH",
    "ＴECH",
    "TECH ",
    " TECH",
    "",
    "-T",
    "T/1",
    "x" * 65,
    "T\nE",
]


@given(name=st.sampled_from(CONFUSABLE))
def test_ids_that_look_alike_are_the_same_id(name: str) -> None:
    world = waiting()
    for act, field in (
        (c.StartJob, "order"),
        (c.StartJob, "job"),
        (c.StartJob, "node"),
        (c.StartStep, "step"),
        (c.StartStep, "place"),
        (c.GrantCredential, "person"),
        (c.GrantCredential, "credential"),
        (c.RegisterMaterial, "batch"),
        (c.RegisterEquipment, "id"),
        (c.GenerateReport, "report"),
        (c.AuthoriseDeviation, "deviation"),
        (c.ApproveContract, "contract"),
        (c.StartJob, "site"),
    ):
        refused(canon.encode(changed(world, act, field, name)))
    stranger = world.ask(c.StartJob).command
    refused(canon.encode(replace(stranger, signers=(replace(stranger.signers[0], id=name),))))


@given(raw=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_noise_is_malformed(raw: bytes) -> None:
    refused(raw)


@settings(max_examples=300)
@given(raw=payloads, place=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_any_changed_byte_is_another_act_or_malformed(raw: bytes, place: int, byte: int) -> None:
    place %= len(raw)
    other = raw[:place] + bytes((byte,)) + raw[place + 1 :]
    try:
        command = c.parse_command(other)
    except Malformed:
        return
    assert canon.encode(command) == other


def test_the_header_is_bounded() -> None:
    world = waiting()
    command = world.ask(c.StartJob).command
    refused(canon.encode(replace(command, v=2)))
    refused(canon.encode(replace(command, signers=())))
    refused(canon.encode(replace(command, signers=command.signers * 2)))
    refused(canon.encode(world.ask(c.DisableIdentity, reason="x" * 4001).command))
    refused(canon.encode(world.ask(c.StageOrder, serials=tuple("a" for _ in range(2001))).command))
    refused(canon.encode(world.ask(c.StageOrder, serials=tuple("a" * 90 for _ in range(200))).command))
    refused(canon.encode(world.ask(c.DisableIdentity, reason="a\x07b").command))
    two_lines = world.ask(c.DisableIdentity, reason="two\nlines").command
    assert c.parse_command(canon.encode(two_lines)) == two_lines


@pytest.mark.parametrize("name", ["\u0410-1", "a/b", ""])
def test_ids_of_sub_lots_are_ids(name: str) -> None:
    into = (c.SubLot(job=name, serials=("A",)), c.SubLot(job="J-2", serials=("B",)))
    refused(canon.encode(waiting().ask(c.SplitJob, into=into).command))


def test_ids_of_a_slip_are_ids() -> None:
    slip = c.Slip(
        order="\u0410-1",
        node=NODE,
        part_no="P",
        rev="A",
        serials=("A",),
        policy="full",
        evidence=(),
        buffer_max_us=0,
        body="",
        staged_at=0,
    )
    signer = (c.Signer(id=HUB, role="business_hub"),)
    refused(canon.encode(c.StageSlip(site=FLOOR, at=T0, nonce="1", signers=signer, slip=slip)))


def test_a_time_of_observation_is_bounded_below() -> None:
    refused(canon.encode(waiting().ask(c.RecordReading, observed_at=-(2**62)).command))


def test_the_delete_character_is_refused_everywhere() -> None:
    refused(canon.encode(waiting().ask(c.RecordReading, value="7\x7f5").command))


def test_equipment_has_a_chain_of_its_own() -> None:
    world = hub()
    equipment = world.ask(c.RegisterEquipment, id="TECH").command
    assert c.subject_of(equipment) != c.subject_of(world.ask(c.DisableIdentity, id="TECH").command)


def test_every_act_has_a_subject_and_a_usual_form() -> None:
    assert set(USUAL) == set(EVERY)
    for act in EVERY:
        command = pinned(waiting(), act, {}).command
        assert c.subject_of(command)
    assert msgspec.json.decode(PAYLOADS["vault.write"])["act"] == "vault.write"


# ---- the fold of what is not known here ----------------------------------------------------------------------------

SAID: dict[type[Any], st.SearchStrategy[Any]] = {
    str: st.sampled_from(
        [PO, "PO-9", JOB, "J-9", "J-1a", REPORT, "S10", "S20", "S99", "TECH", "WAX-1", "OVEN-1", "temp", "0" * 64]
    ),
    int: st.sampled_from(NUMBERS),
    bool: st.booleans(),
    bytes: st.just(b"k" * 32),
    Party: st.sampled_from(
        [Party(org=org, name="N", street="S", city="C", postal_code="1", country="DE") for org in ("LAB", "AERO")]
    ),
}


@st.composite
def events(draw: st.DrawFn) -> ev.AnyEvent:
    """Any event that another site may say, about things that are known here or are not."""
    kind = draw(st.sampled_from((*ev.HUB, *ev.FLOOR, *ev.NODE)))
    said: dict[str, Any] = {}
    for name, hint in typing.get_type_hints(kind).items():
        if hint == tuple[tuple[str, ...], ...]:
            said[name] = draw(st.sampled_from([(("A",), ("B",)), (("A", "B"),), ()]))
        elif hint == tuple[tuple[str, str], ...]:
            said[name] = draw(st.sampled_from([(), (("dwell", "900"),)]))
        elif hint == dict[str, int]:
            said[name] = draw(st.sampled_from([{}, {"drawing": T0}]))
        elif hint == tuple[str, ...]:
            said[name] = draw(st.sampled_from([("A",), ("J-1a", "J-1b"), ("OVEN-1",), ()]))
        elif typing.get_origin(hint) is dict or hint == tuple[tuple[str, str], ...]:
            said[name] = typing.get_origin(hint)()
        else:
            kinds = [one for one in typing.get_args(hint) or (hint,) if one is not type(None)]
            said[name] = draw(SAID[kinds[0]])
    event: ev.AnyEvent = kind(**said)
    return event


@settings(max_examples=400, deadline=None)
@given(name=st.sampled_from(sorted(WORLDS)), heard=st.lists(events(), min_size=1, max_size=8))
def test_what_is_not_known_here_changes_nothing(name: str, heard: list[ev.AnyEvent]) -> None:
    world = WORLDS[name]()
    for event in heard:
        before = encoded(world.state)
        try:
            evolve(world.state, world.library, event, world.now, 99)
        except (LookupError, Tampered):
            assert encoded(world.state) == before, event
