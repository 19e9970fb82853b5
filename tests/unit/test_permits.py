"""The site's side of a permit: made from the durable entry alone, signed by the site, and believed by the gate."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec import Raw

from holdgate.audit.authorities import AUTHORITIES
from holdgate.crypto.envelope import seal
from holdgate.crypto.hashes import leaf_hash
from holdgate.crypto.keys import SigningKey
from holdgate.engine.ports import Row
from holdgate.gate import Gate, Halt, Halted, Permit, Refusal
from holdgate.gate.permit import Recorded, open_answer
from holdgate.gate.wish import Did, May, Signer, Wish, sign
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law import evolve
from holdgate.law.authority import Authority, nothing_follows
from holdgate.law.case import Pin
from holdgate.law.decision import Decision, Denial, allow, deny
from holdgate.law.library import Library
from holdgate.law.replay import read_action
from holdgate.law.state import State
from holdgate.ledger.entry import Entry, LawRef, Source, encode_entry
from holdgate.sites.permits import answer_of, refusal_of
from holdgate.terms import canon, limits
from holdgate.terms.errors import InvariantBroken, Malformed
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import PERMIT_SENTENCE_CHARS_MAX, PERMIT_UNMET_MAX
from tests.unit.test_sites import NODE, T0, House, entries, governed, running, settled, staged

MODULE: Final = "MOD-1"
KEY, SITE_KEY = SigningKey(b"\x11" * 32), SigningKey(b"\x22" * 32)
CONTRACT: Final = "ab" * 32
NAMED: Final[dict[str, Any]] = {"order": "PO-1", "job": "J-1", "step": "S10"}
HEAD: Final[dict[str, Any]] = {
    "site": NODE,
    "at": T0,
    "nonce": "n",
    "signers": (Signer(id=MODULE, role="module"),),
    "permit": "P-1",
    "deed": "pull",
    **NAMED,
}
MAY: Final = May(**HEAD, module=MODULE, operator="TEC")
DID: Final = Did(**HEAD)
ISSUED: Final = ev.PermitIssued(**NAMED, permit="P-1", module=MODULE, deed="pull", until=T0 + 60, operator="TEC")
ACTED: Final = ev.ModuleActed(**NAMED, permit="P-1")


def row(wish: Wish | None, decision: Decision, contract: str | None = CONTRACT, action: bytes = b"null") -> Row:
    """A durable entry, as the node's log would hold it."""
    envelope = action if wish is None else sign(wish, KEY)
    body = encode_entry(
        Entry(
            site=NODE,
            seq=7,
            epoch="e",
            at=T0,
            kind="action",
            subject="PO-1/J-1",
            source=Source(module=MODULE, node=NODE),
            law=LawRef(semantics=1, contract=contract, version="1"),
            decision=Raw(canon.encode(decision)),
            action=Raw(envelope),
        )
    )
    return Row(seq=7, leaf=leaf_hash(body), body=body)


def said(durable: Row) -> Permit | Refusal | Recorded:
    return open_answer(answer_of(durable, SITE_KEY), NODE, SITE_KEY.public)


def test_a_permit_says_what_the_entry_made_true() -> None:
    durable = row(MAY, allow(ISSUED))
    assert said(durable) == Permit(
        permit="P-1",
        module=MODULE,
        deed="pull",
        **NAMED,
        site=NODE,
        entry=durable.leaf.hex(),
        contract=CONTRACT,
        issued_at=T0,
        until=T0 + 60,
        operator="TEC",
    )


def test_the_same_entry_gives_the_same_bytes_again() -> None:
    durable = row(MAY, allow(ISSUED))
    assert answer_of(durable, SITE_KEY) == answer_of(durable, SITE_KEY)


def test_a_reported_deed_is_recorded() -> None:
    durable = row(DID, allow(ACTED))
    assert said(durable) == Recorded(
        permit="P-1", module=MODULE, deed="pull", **NAMED, site=NODE, entry=durable.leaf.hex(), at=T0
    )


@pytest.mark.parametrize("wish", [MAY, DID])
def test_a_denial_is_a_refusal_in_words(wish: Wish) -> None:
    decision = Decision(
        verdict="deny",
        denials=(
            Denial(code="PRECHECK_INCOMPLETE", gate="sequence", values={"missing": "S10"}),
            Denial(code="PERMIT_EXPIRED", gate="modules", values={"permit": "P-1", "until": T0}),
        ),
    )
    refusal = said(row(wish, decision))
    assert isinstance(refusal, Refusal)
    assert [unmet.code for unmet in refusal.unmet] == ["PRECHECK_INCOMPLETE", "PERMIT_EXPIRED"]
    assert "S10 is not complete." in refusal.told()
    assert (refusal.module, refusal.permit, refusal.deed) == (MODULE, "P-1", "pull")


def test_a_denial_that_carries_facts_grants_nothing() -> None:
    assert isinstance(said(row(MAY, deny("JOB_FAILED", "x", ISSUED, job="J-1", why="-"))), Refusal)


@pytest.mark.parametrize(
    ("wish", "decision", "contract"),
    [
        (MAY, allow(), CONTRACT),
        (MAY, allow(ACTED), CONTRACT),
        (DID, allow(ISSUED), CONTRACT),
        (MAY, allow(ISSUED), None),
    ],
    ids=["nothing was issued", "a deed for a question", "a permit for a report", "no contract"],
)
def test_an_entry_that_makes_no_sense_issues_nothing(wish: Wish, decision: Decision, contract: str | None) -> None:
    with pytest.raises(InvariantBroken):
        answer_of(row(wish, decision, contract), SITE_KEY)


def test_an_entry_of_another_act_issues_nothing() -> None:
    signers = (c.Signer(id=MODULE, role="module"),)
    other = c.WriteVault(site=NODE, at=T0, nonce="n", signers=signers, target="x")
    durable = row(None, allow(ISSUED), action=seal(canon.encode(other), [(MODULE, KEY)]))
    with pytest.raises(InvariantBroken):
        answer_of(durable, SITE_KEY)


def test_an_entry_without_an_action_issues_nothing() -> None:
    with pytest.raises(Malformed):
        answer_of(row(None, allow(ISSUED)), SITE_KEY)


def test_the_longest_refusal_fits_an_envelope() -> None:
    long = "\N{EURO SIGN}" * limits.TEXT_CHARS_MAX
    denials = (Denial(code="MALFORMED", gate="x", values={"id": long, "why": long}),) * limits.DENIALS_MAX
    wish = c.parse_command(canon.encode(MAY))
    assert isinstance(wish, c.AskModule)
    raw = refusal_of(wish, NODE, Decision(verdict="deny", denials=denials), T0, SITE_KEY)
    refusal = open_answer(raw, NODE, SITE_KEY.public)
    assert isinstance(refusal, Refusal)
    assert len(refusal.unmet) == PERMIT_UNMET_MAX
    assert all(len(unmet.sentence) == PERMIT_SENTENCE_CHARS_MAX for unmet in refusal.unmet)


# ---- a real site ---------------------------------------------------------------------------------------------------


def lenient(state: State, library: Library, command: c.AnyCommand, now: int, pins: Sequence[Pin] = ()) -> Decision:
    """A node's law in which any module may do anything for a minute: what is tested here is the way of the answer."""
    if isinstance(command, c.AskModule):
        if command.deed != "pull":
            why = "the contract does not name it"
            return deny(
                "MODULE_NOT_PERMITTED", "x", module=command.module, deed=command.deed, step=command.step, why=why
            )
        issued = ev.PermitIssued(
            **{name: getattr(command, name) for name in ("order", "job", "step", "permit", "module", "deed")},
            until=now + 60 * SECOND_US,
            operator=command.operator or "",
        )
        return allow(issued)
    if isinstance(command, c.ReportModule):
        return allow(ev.ModuleActed(order=command.order, job=command.job, step=command.step, permit=command.permit))
    return AUTHORITIES["node"].decide(state, library, command, now, pins)


def unfolded(*_: object) -> None:
    """The fold of a permit plays no part in the answer."""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A shop with an enrolled module, at whose nodes modules may pull."""
    steps: dict[Any, Any] = {ev.PermitIssued: unfolded, ev.ModuleActed: unfolded}
    monkeypatch.setattr("holdgate.law.evolve._STEPS", {**evolve._STEPS, **steps})
    nodes = {**AUTHORITIES, "node": Authority(lenient, nothing_follows)}
    monkeypatch.setattr("holdgate.sites.site.AUTHORITIES", nodes)
    return governed(tmp_path)


async def ready(house: House) -> None:
    """A job at the node, and the module on every roster."""
    house.desk.add(MODULE, KEY)
    newcomer = c.EnrolIdentity(
        **house.head("HUB", ("ADM", "admin"), ("QAM", "qa"), (MODULE, "newcomer")),
        id=MODULE,
        name="Puller",
        org="LAB",
        kind="module",
        key=KEY.public,
        roles=("module",),
    )
    assert (await house.ask("HUB", newcomer)).decision.allowed
    await staged(house)
    assert (await house.ask("FLOOR", house.arrival("PO-1", "SCN-1", 1))).decision.allowed
    await settled(house.shop)
    assert (await house.ask(NODE, house.start("PO-1", "J-1"))).decision.allowed


class SiteClock:
    """The shop's clock, and ticks that follow it."""

    def __init__(self, house: House) -> None:
        self._house = house

    def now(self) -> int:
        return self._house.clock.now()

    def ticks(self) -> int:
        return self._house.clock.now()


def gate_of(house: House, key: SigningKey = KEY) -> Gate:
    """A gate in a thread of its own, on a wire to the running node."""
    site, loop = house.shop.sites[NODE], asyncio.get_running_loop()

    def ask(raw: bytes) -> bytes:
        return asyncio.run_coroutine_threadsafe(site.answer_module(raw, "oven line"), loop).result(5)

    return Gate(MODULE, key, site=NODE, site_key=site.means.seat.key, ask=ask, clock=SiteClock(house))


def told(house: House, story: Any) -> None:
    async def run() -> None:
        async with running(house):
            await ready(house)
            await story(house)

    asyncio.run(run())


def test_a_gate_and_a_site_understand_each_other(house: House) -> None:
    async def story(house: House) -> None:
        gate = gate_of(house)
        permit = await asyncio.to_thread(gate.may, **NAMED, deed="pull", operator="TEC")
        job = house.shop.sites[NODE].chronicle.state.jobs["PO-1/J-1"]
        assert (permit.contract, permit.until) == (job.sha256, T0 + 60 * SECOND_US)
        entry = last_act(house)
        assert permit.entry == leaf_hash(encode_entry(entry)).hex(), "the permit names the durable entry"

        def act() -> None:
            with gate.holding(permit):
                gate.check(permit)

        await asyncio.to_thread(act)
        assert gate.unreported == ()
        reported = c.parse_command(open_payload(last_act(house)))
        assert isinstance(reported, c.ReportModule)
        assert reported.permit == permit.permit

    told(house, story)


def last_act(house: House) -> Entry:
    """The node's newest act; a cosignature that came meanwhile is none."""
    return [entry for entry in entries(house.shop.sites[NODE]) if entry.kind == "action"][-1]


def open_payload(entry: Entry) -> bytes:
    return read_action(entry).payload


def test_a_refusal_reaches_the_gate_in_words(house: House) -> None:
    async def story(house: House) -> None:
        with pytest.raises(Halted) as caught:
            await asyncio.to_thread(gate_of(house).may, **NAMED, deed="heat")
        assert caught.value.halt is Halt.REFUSED
        assert "may not heat" in str(caught.value)
        assert caught.value.refusal is not None
        assert caught.value.refusal.entry

    told(house, story)


def test_attack_a_stranger_asks_with_a_key_that_is_not_the_modules(house: House) -> None:
    async def story(house: House) -> None:
        before = house.shop.sites[NODE].spine.size
        with pytest.raises(Halted) as caught:
            await asyncio.to_thread(gate_of(house, SITE_KEY).may, **NAMED, deed="pull")
        assert caught.value.halt is Halt.REFUSED
        assert caught.value.refusal is not None
        assert [unmet.code for unmet in caught.value.refusal.unmet] == ["SIGNATURE_AUTH_FAILED"]
        assert [entry.kind for entry in entries(house.shop.sites[NODE])[before:]].count("attempt") == 1

    told(house, story)


def test_a_resent_question_gets_the_same_permit_and_no_new_entry(house: House) -> None:
    async def story(house: House) -> None:
        site = house.shop.sites[NODE]
        raw = sign(MAY, KEY)
        first = await site.answer_module(raw)
        size = site.spine.size
        assert await site.answer_module(raw) == first
        assert site.spine.size == size

    told(house, story)


def test_what_cannot_be_read_is_malformed_and_on_record(house: House) -> None:
    async def story(house: House) -> None:
        site = house.shop.sites[NODE]
        before = site.spine.size
        with pytest.raises(Malformed):
            await site.answer_module(b"{}", "oven line")
        await settled(house.shop)
        assert [entry.kind for entry in entries(site)[before:]][:1] == ["attempt"]

    told(house, story)


def test_attack_another_act_through_the_modules_door_is_not_even_submitted(house: House) -> None:
    async def story(house: House) -> None:
        site = house.shop.sites[NODE]
        before = site.spine.size
        with pytest.raises(Malformed, match=r"module\.may and module\.act"):
            await site.answer_module(house.sign(house.start("PO-1", "J-2")))
        assert site.spine.size == before

    told(house, story)


def test_a_stopped_site_answers_no_module(house: House) -> None:
    async def story(house: House) -> None:
        gate = gate_of(house)
        house.shop.sites[NODE].spine.stop_for(InvariantBroken("for the test"))
        with pytest.raises(Halted) as caught:
            await asyncio.to_thread(gate.may, **NAMED, deed="pull")
        assert caught.value.halt is Halt.UNREACHABLE

    told(house, story)
