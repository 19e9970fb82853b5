"""The gate that modules embed: its bytes are the law's, its permits hold offline, and every attack on it is a halt."""

import threading
from collections.abc import Callable
from typing import Any, Final

import pytest
from msgspec.structs import replace

from holdgate.crypto.envelope import PAYLOAD_TYPE, open_envelope, seal, verify_all
from holdgate.crypto.keys import SigningKey
from holdgate.gate import Gate, Halt, Halted, MachineClock, Permit, Refusal
from holdgate.gate.client import MARGIN_US, SKEW_US, SPENT_KEPT
from holdgate.gate.halt import REMEDIES
from holdgate.gate.host import machine_token
from holdgate.gate.permit import PERMIT_TYPE, Recorded, Unmet, open_answer, seal_answer
from holdgate.law.command import AskModule, ReportModule, parse_command
from holdgate.terms import canon, limits
from holdgate.terms.errors import HoldgateError, Malformed, Tampered
from holdgate.terms.instant import SECOND_US

T0: Final = 1_743_512_400 * SECOND_US
MODULE, SITE = "SID-MOD-01", "NODE-FPI"
MODULE_KEY, SITE_KEY, OTHER_KEY = (SigningKey(bytes([n]) * 32) for n in (1, 2, 3))
CONTRACT, LEAF = "ab" * 32, "cd" * 32
PERMIT_US: Final = 600 * SECOND_US


class SetTime:
    """Both clocks, set by hand. `pass_` lets time pass on both."""

    def __init__(self) -> None:
        self.utc, self.steady = T0, 5_000

    def now(self) -> int:
        return self.utc

    def ticks(self) -> int:
        return self.steady

    def pass_(self, us: int) -> None:
        self.utc += us
        self.steady += us


class Node:
    """A site as the gate meets it: it reads the law's commands and signs answers. `forge` alters what it sends."""

    def __init__(self, time: SetTime) -> None:
        self.time = time
        self.asked: list[AskModule | ReportModule] = []
        self.forge: Callable[[Any], Any] = lambda answer: answer
        self.key = SITE_KEY
        self.raw: Callable[[bytes], Any] = lambda raw: raw
        self.down: Exception | None = None
        self.slow_us = 0
        self.refuse = False

    def __call__(self, raw: bytes) -> bytes:
        self.time.pass_(self.slow_us)
        if self.down is not None:
            raise self.down
        envelope = open_envelope(raw)
        verify_all(envelope, [(MODULE, MODULE_KEY.public)])
        wish = parse_command(envelope.payload)
        assert isinstance(wish, AskModule | ReportModule)
        self.asked.append(wish)
        answer: bytes = self.raw(seal_answer(self.forge(self.answer(wish)), self.key))
        return answer

    def answer(self, wish: AskModule | ReportModule) -> Permit | Refusal | Recorded:
        named: dict[str, Any] = {
            "permit": wish.permit,
            "module": wish.signers[0].id,
            "deed": wish.deed,
            "order": wish.order,
            "job": wish.job,
            "step": wish.step,
            "site": SITE,
            "entry": LEAF,
        }
        now = self.time.now()
        if self.refuse:
            unmet = Unmet(code="PRECHECK_INCOMPLETE", sentence="S10 is not complete.", remedy="Complete it first.")
            return Refusal(**named, at=now, unmet=(unmet,))
        if isinstance(wish, ReportModule):
            return Recorded(**named, at=now)
        until = now + PERMIT_US
        return Permit(**named, contract=CONTRACT, issued_at=now, until=until, operator=wish.operator or "")


class Bench(Gate):
    """A gate at a node, both within reach of the test."""

    def __init__(self, **changes: Any) -> None:
        self.time = SetTime()
        self.node = Node(self.time)
        self.tokens = iter(f"{n:016x}" for n in range(1_000_000))
        given: dict[str, Any] = {
            "site": SITE,
            "site_key": SITE_KEY.public,
            "ask": self.node,
            "clock": self.time,
            "token": lambda: next(self.tokens),
        }
        super().__init__(MODULE, MODULE_KEY, **(given | changes))

    def permit(self, **changes: Any) -> Permit:
        asked = {"order": "PO-1001", "job": "J-1", "step": "S50", "deed": "heat", "operator": "SID-TEC-11"}
        return self.may(**(asked | changes))


def halted(act: Callable[[], object]) -> Halted:
    with pytest.raises(Halted) as caught:
        act()
    assert caught.value.why in str(caught.value)
    assert caught.value.remedy in str(caught.value)
    return caught.value


def begun(gate: Gate, permit: Permit) -> list[str]:
    """What happens under a permit."""
    done: list[str] = []
    with gate.holding(permit):
        done.append("heat")
    return done


# ---- the bytes are the law's ---------------------------------------------------------------------------------------


def test_the_law_reads_the_question_as_its_own_command() -> None:
    gate = Bench()
    gate.permit()
    (asked,) = gate.node.asked
    assert isinstance(asked, AskModule)
    assert (asked.site, asked.at, asked.order, asked.job, asked.step) == (SITE, T0, "PO-1001", "J-1", "S50")
    assert (asked.module, asked.deed, asked.operator) == (MODULE, "heat", "SID-TEC-11")
    assert [(s.id, s.role, s.kind, s.auth) for s in asked.signers] == [(MODULE, "module", "ed25519", None)]


def test_the_law_reads_the_report_as_its_own_command() -> None:
    gate = Bench()
    permit = gate.permit()
    assert begun(gate, permit) == ["heat"]
    report = gate.node.asked[1]
    assert isinstance(report, ReportModule)
    assert (report.permit, report.deed, report.order, report.job, report.step) == (
        permit.permit,
        "heat",
        "PO-1001",
        "J-1",
        "S50",
    )


@pytest.mark.parametrize("operator", [None, "SID-TEC-11"])
def test_the_payload_is_exactly_what_the_law_would_write(operator: str | None) -> None:
    sent: list[bytes] = []

    def ask(raw: bytes) -> bytes:
        sent.append(raw)
        return b""

    gate = Bench(ask=ask)
    halted(lambda: gate.permit(operator=operator, deed="Ofen heizen, 135 \N{DEGREE SIGN}C"))
    envelope = open_envelope(sent[0], PAYLOAD_TYPE)
    assert canon.encode(parse_command(envelope.payload)) == envelope.payload


def test_every_wish_is_one_of_its_own() -> None:
    gate = Bench()
    first, second = gate.permit(), gate.permit()
    assert first.permit != second.permit
    assert gate.node.asked[0].nonce != gate.node.asked[1].nonce


# ---- the way through -----------------------------------------------------------------------------------------------


def test_ask_act_report() -> None:
    gate = Bench()
    permit = gate.permit(contract=CONTRACT)
    assert (permit.deed, permit.until, permit.contract, permit.entry) == ("heat", T0 + PERMIT_US, CONTRACT, LEAF)
    with gate.holding(permit) as held:
        assert held == permit
        assert gate.check(permit) == PERMIT_US - MARGIN_US
        gate.time.pass_(PERMIT_US - MARGIN_US)
        assert gate.check(permit) == 0, "the last microsecond counts"
        assert len(gate.node.asked) == 1, "checking asks nobody"
    assert [type(wish) for wish in gate.node.asked] == [AskModule, ReportModule]
    assert gate.unreported == ()


def test_a_permit_is_believed_offline_by_anybody_with_the_sites_key() -> None:
    raw = seal_answer(Bench().permit(), SITE_KEY)
    assert open_answer(raw, SITE, SITE_KEY.public) == Bench().permit()


def test_several_permits_are_held_side_by_side() -> None:
    gate = Bench()
    heat, pump = gate.permit(), gate.permit(deed="pump")
    with gate.holding(heat), gate.holding(pump):
        assert gate.check(heat) == gate.check(pump)
    assert [wish.deed for wish in gate.node.asked] == ["heat", "pump", "pump", "heat"]


def test_the_watchdog_may_be_another_thread() -> None:
    gate = Bench()
    permit = gate.permit()
    left: list[int] = []
    with gate.holding(permit):
        watch = threading.Thread(target=lambda: left.append(gate.check(permit)))
        watch.start()
        watch.join()
    assert left == [PERMIT_US - MARGIN_US]


def test_the_machines_own_clock_goes_forward_and_its_tokens_differ() -> None:
    clock = MachineClock()
    assert clock.now() > T0
    assert clock.ticks() <= clock.ticks()
    assert len({machine_token() for _ in range(50)}) == 50


def test_with_nothing_but_keys_and_a_transport_it_works() -> None:
    time = SetTime()
    time.utc = MachineClock().now()
    gate = Gate(MODULE, MODULE_KEY, site=SITE, site_key=SITE_KEY.public, ask=Node(time))
    with gate.holding(gate.may(order="PO-1", job="J-1", step="S50", deed="heat")) as permit:
        assert gate.check(permit) > 0


# ---- it fails closed: the answer -----------------------------------------------------------------------------------


def test_attack_the_engine_is_unreachable() -> None:
    gate = Bench()
    gate.node.down = TimeoutError("no answer in 2 s")
    error = halted(gate.permit)
    assert error.halt is Halt.UNREACHABLE
    assert "no answer in 2 s" in error.why
    assert isinstance(error.__cause__, TimeoutError)


@pytest.mark.parametrize("answer", [None, "yes", 1, True, bytearray(b"{}")])
def test_attack_the_answer_is_no_bytes(answer: object) -> None:
    gate = Bench()
    gate.node.raw = lambda _: answer
    assert halted(gate.permit).halt is Halt.ANSWER_UNREADABLE


@pytest.mark.parametrize(
    "answer",
    [b"", b"ok", b"{}", b"[" * 100_000, b"\xff" * 20, b"a" * (limits.ENVELOPE_BYTES_MAX + 1), b'{"payloadType":1}'],
)
def test_attack_the_answer_is_malformed(answer: bytes) -> None:
    gate = Bench()
    gate.node.raw = lambda _: answer
    assert halted(gate.permit).halt is Halt.ANSWER_UNREADABLE


def test_attack_the_answer_is_spelled_in_another_way() -> None:
    gate = Bench()
    gate.node.raw = lambda raw: raw.replace(b'":', b'": ')
    assert halted(gate.permit).halt is Halt.ANSWER_UNREADABLE


def test_attack_the_answer_is_unsigned() -> None:
    gate = Bench()
    gate.node.raw = lambda raw: canon.encode(
        {"payload": open_envelope(raw, PERMIT_TYPE).payload, "payloadType": PERMIT_TYPE, "signatures": []}
    )
    assert halted(gate.permit).halt is Halt.ANSWER_UNREADABLE


def test_attack_the_permit_is_signed_by_another_key_under_the_sites_name() -> None:
    gate = Bench()
    gate.node.key = OTHER_KEY
    assert halted(gate.permit).halt is Halt.NOT_THE_SITES_WORD


def test_attack_another_site_of_the_shop_signs() -> None:
    gate = Bench()
    gate.node.forge = lambda answer: replace(answer, site="NODE-HT")
    assert halted(gate.permit).halt is Halt.NOT_THE_SITES_WORD


def test_attack_a_permit_that_names_another_site_is_signed_by_this_one() -> None:
    gate = Bench()

    def raw(_: bytes) -> bytes:
        permit = replace(gate.node.answer(gate.node.asked[-1]), site="NODE-HT")
        return seal(canon.encode(permit), [(SITE, SITE_KEY)], PERMIT_TYPE)

    gate.node.raw = raw
    assert halted(gate.permit).halt is Halt.ANOTHER_WISH


def test_attack_somebody_signs_beside_the_site() -> None:
    gate = Bench()
    gate.node.raw = lambda raw: seal(
        open_envelope(raw, PERMIT_TYPE).payload, [(SITE, SITE_KEY), ("SID-X", OTHER_KEY)], PERMIT_TYPE
    )
    assert halted(gate.permit).halt is Halt.NOT_THE_SITES_WORD


def test_attack_the_sites_signature_under_something_else_than_an_answer() -> None:
    gate = Bench()
    gate.node.raw = lambda raw: seal(open_envelope(raw, PERMIT_TYPE).payload, [(SITE, SITE_KEY)])
    assert halted(gate.permit).halt is Halt.ANSWER_UNREADABLE


@pytest.mark.parametrize(
    "changes",
    [
        {"module": "SID-MOD-02"},
        {"deed": "pump"},
        {"order": "PO-1002"},
        {"job": "J-2"},
        {"step": "S20"},
        {"permit": "P-9"},
        {"operator": "SID-TEC-12"},
        {"operator": ""},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_attack_the_permit_is_for_another(changes: dict[str, str]) -> None:
    gate = Bench()
    gate.node.forge = lambda answer: replace(answer, **changes)
    assert halted(gate.permit).halt is Halt.ANOTHER_WISH


def test_attack_the_job_runs_under_another_contract_than_the_machine_was_set_up_for() -> None:
    gate = Bench()
    assert halted(lambda: gate.permit(contract="ef" * 32)).halt is Halt.ANOTHER_WISH


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"contract": ""},
        {"contract": "AB" * 32},
        {"entry": "x"},
        {"until": T0 - 1},
        {"issued_at": -1},
        {"until": 2**53},
    ],
    ids=str,
)
def test_attack_a_permit_that_no_site_of_this_version_issues(changes: dict[str, Any]) -> None:
    gate = Bench()
    gate.node.forge = lambda answer: replace(answer, **changes)
    assert halted(gate.permit).halt is Halt.ANSWER_UNREADABLE


def test_attack_a_permit_with_a_field_of_its_own() -> None:
    gate = Bench()

    def raw(_: bytes) -> bytes:
        held = canon.encode(gate.node.answer(gate.node.asked[-1]))
        return seal(held.replace(b'"deed"', b'"deal":1,"deed"'), [(SITE, SITE_KEY)], PERMIT_TYPE)

    gate.node.raw = raw
    assert halted(gate.permit).halt is Halt.ANSWER_UNREADABLE


def test_attack_an_old_answer_is_replayed_to_a_new_question() -> None:
    gate = Bench()
    old: list[bytes] = []

    def keep(raw: bytes) -> bytes:
        old.append(raw)
        return raw

    gate.node.raw = keep
    gate.permit()
    gate.node.raw = lambda _: old[0]
    assert halted(gate.permit).halt is Halt.ANOTHER_WISH


def test_attack_a_receipt_is_passed_off_as_a_permit() -> None:
    gate = Bench()
    gate.node.forge = lambda answer: Recorded(
        **{name: getattr(answer, name) for name in Recorded.__struct_fields__ if hasattr(answer, name)}, at=T0
    )
    assert halted(gate.permit).halt is Halt.ANOTHER_WISH


def test_a_refusal_says_why_and_what_helps() -> None:
    gate = Bench()
    gate.node.refuse = True
    error = halted(gate.permit)
    assert error.halt is Halt.REFUSED
    assert "S10 is not complete. Complete it first." in str(error)
    assert error.refusal is not None
    assert [unmet.code for unmet in error.refusal.unmet] == ["PRECHECK_INCOMPLETE"]


def test_attack_a_forged_refusal_speaks_to_nobody() -> None:
    gate = Bench()
    gate.node.refuse, gate.node.key = True, OTHER_KEY
    error = halted(gate.permit)
    assert error.halt is Halt.NOT_THE_SITES_WORD
    assert error.refusal is None
    assert "Complete it first" not in str(error), "what nobody vouches for is not shown to the person at the machine"


@pytest.mark.parametrize(
    "changes", [{"order": "PO 1"}, {"job": ""}, {"step": "S50\u200b"}, {"operator": "\N{CYRILLIC SMALL LETTER A}"}]
)
def test_a_wish_with_something_that_is_no_id_is_not_sent(changes: dict[str, str]) -> None:
    gate = Bench()
    assert halted(lambda: gate.permit(**changes)).halt is Halt.WISH_UNREADABLE
    assert gate.node.asked == []


@pytest.mark.parametrize("deed", ["", "heat\x00", "e\N{COMBINING ACUTE ACCENT}", "x" * 4_001])
def test_a_wish_with_a_deed_that_cannot_be_signed_is_not_sent(deed: str) -> None:
    gate = Bench()
    assert halted(lambda: gate.permit(deed=deed)).halt is Halt.WISH_UNREADABLE
    assert gate.node.asked == []


# ---- it fails closed: time -----------------------------------------------------------------------------------------


def test_attack_an_expired_permit() -> None:
    gate = Bench()
    permit = gate.permit()
    gate.time.pass_(PERMIT_US - MARGIN_US + 1)
    assert halted(lambda: begun(gate, permit)).halt is Halt.PERMIT_OVER
    assert len(gate.node.asked) == 1, "nothing was done, so nothing is reported"


def test_one_microsecond_earlier_it_holds() -> None:
    gate = Bench()
    permit = gate.permit()
    gate.time.pass_(PERMIT_US - MARGIN_US)
    assert begun(gate, permit) == ["heat"]


def test_attack_the_deed_goes_on_beyond_the_permit() -> None:
    gate = Bench()
    permit = gate.permit()
    reached: list[str] = []

    def heat() -> None:
        with gate.holding(permit):
            gate.time.pass_(PERMIT_US)
            gate.check(permit)
            reached.append("went on")

    assert halted(heat).halt is Halt.PERMIT_OVER
    assert reached == []
    assert isinstance(gate.node.asked[-1], ReportModule), "what was begun is reported"


def test_attack_a_deed_that_never_checks_is_told_at_its_end() -> None:
    gate = Bench()
    permit = gate.permit()

    def heat() -> None:
        with gate.holding(permit):
            gate.time.pass_(PERMIT_US)

    assert halted(heat).halt is Halt.PERMIT_OVER
    assert isinstance(gate.node.asked[-1], ReportModule)


def test_attack_the_clock_is_set_back_while_the_permit_waits() -> None:
    gate = Bench()
    permit = gate.permit()
    gate.time.utc -= 1
    assert halted(lambda: begun(gate, permit)).halt is Halt.CLOCK_WENT_BACK
    assert len(gate.node.asked) == 1


def test_attack_the_clock_is_set_back_during_the_deed() -> None:
    gate = Bench()
    permit = gate.permit()

    def heat() -> None:
        with gate.holding(permit):
            gate.time.pass_(SECOND_US)
            gate.check(permit)
            gate.time.utc -= 1
            gate.check(permit)

    assert halted(heat).halt is Halt.CLOCK_WENT_BACK
    assert isinstance(gate.node.asked[-1], ReportModule)
    assert halted(gate.permit).halt is Halt.CLOCK_WENT_BACK, "until the clock is right again"


def test_attack_the_ticks_go_back() -> None:
    gate = Bench()
    permit = gate.permit()
    gate.time.steady -= 1
    assert halted(lambda: begun(gate, permit)).halt is Halt.CLOCK_WENT_BACK


def test_attack_the_clock_stands_still_while_time_passes() -> None:
    gate = Bench()
    permit = gate.permit()
    gate.time.steady += PERMIT_US - MARGIN_US + 1
    assert halted(lambda: begun(gate, permit)).halt is Halt.PERMIT_OVER


def test_attack_the_answer_is_held_back_until_it_is_over() -> None:
    gate = Bench()

    def hold_back(raw: bytes) -> bytes:
        gate.time.pass_(PERMIT_US)
        return raw

    gate.node.raw = hold_back
    assert halted(gate.permit).halt is Halt.PERMIT_OVER


def test_the_ticks_count_from_the_question_not_from_the_answer() -> None:
    gate = Bench()
    gate.node.slow_us = 7 * SECOND_US
    permit = gate.permit()
    with gate.holding(permit):
        assert gate.check(permit) == PERMIT_US - MARGIN_US - 7 * SECOND_US


@pytest.mark.parametrize("off_us", [SKEW_US + 1, -SKEW_US - 1])
def test_attack_a_permit_from_another_time(off_us: int) -> None:
    gate = Bench()
    gate.node.forge = lambda answer: replace(answer, issued_at=T0 + off_us, until=T0 + off_us + 2 * PERMIT_US)
    assert halted(gate.permit).halt is Halt.CLOCKS_DISAGREE


@pytest.mark.parametrize("off_us", [SKEW_US, -SKEW_US])
def test_clocks_that_differ_by_what_is_allowed(off_us: int) -> None:
    gate = Bench()
    gate.node.forge = lambda answer: replace(answer, issued_at=T0 + off_us, until=T0 + off_us + PERMIT_US)
    permit = gate.permit()
    assert (permit.issued_at, permit.until) == (T0 + off_us, T0 + off_us + PERMIT_US)
    gate.node.forge = lambda answer: answer
    with gate.holding(permit):
        assert gate.check(permit) == PERMIT_US - MARGIN_US - max(0, -off_us)


def test_a_permit_too_short_for_its_report_is_none() -> None:
    gate = Bench()
    gate.node.forge = lambda answer: replace(answer, until=T0 + MARGIN_US - 1)
    assert halted(gate.permit).halt is Halt.PERMIT_OVER


# ---- it fails closed: use ------------------------------------------------------------------------------------------


def test_attack_a_used_permit_is_replayed() -> None:
    gate = Bench()
    permit = gate.permit()
    begun(gate, permit)
    assert halted(lambda: begun(gate, permit)).halt is Halt.PERMIT_USED


def test_attack_a_permit_is_used_while_it_is_held() -> None:
    gate = Bench()
    permit = gate.permit()
    with gate.holding(permit):
        assert halted(lambda: begun(gate, permit)).halt is Halt.PERMIT_USED
        assert gate.check(permit) > 0, "the first deed goes on"


def test_attack_two_threads_begin_under_one_permit() -> None:
    gate = Bench()
    permit = gate.permit()
    ready, found = threading.Barrier(8), list[str]()

    def begin() -> None:
        ready.wait()
        try:
            begun(gate, permit)
            found.append("acted")
        except Halted as error:
            found.append(error.halt)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [Halt.PERMIT_USED] * 7 + ["acted"]


def test_attack_a_permit_made_by_hand() -> None:
    gate = Bench()
    forged = replace(gate.permit(), permit="P-mine")
    assert halted(lambda: begun(gate, forged)).halt is Halt.PERMIT_UNKNOWN


@pytest.mark.parametrize("changes", [{"until": T0 * 2}, {"step": "S20"}, {"deed": "pump"}, {"module": "SID-MOD-02"}])
def test_attack_a_permit_that_was_changed_after_it_came(changes: dict[str, Any]) -> None:
    gate = Bench()
    permit = gate.permit()
    assert halted(lambda: begun(gate, replace(permit, **changes))).halt is Halt.PERMIT_UNKNOWN
    with gate.holding(permit):
        assert halted(lambda: gate.check(replace(permit, **changes))).halt is Halt.NOT_HELD


def test_attack_another_modules_permit() -> None:
    mine, other = Bench(), Bench(token=lambda: "other")
    permit = other.permit()
    assert halted(lambda: begun(mine, permit)).halt is Halt.PERMIT_UNKNOWN


def test_a_check_outside_of_the_deed_halts() -> None:
    gate = Bench()
    permit = gate.permit()
    assert halted(lambda: gate.check(permit)).halt is Halt.NOT_HELD
    begun(gate, permit)
    assert halted(lambda: gate.check(permit)).halt is Halt.NOT_HELD


def test_permits_that_nobody_used_are_forgotten_when_they_are_over() -> None:
    gate = Bench()
    for _ in range(5):
        gate.permit()
    gate.time.pass_(PERMIT_US + 1)
    gate.permit()
    assert len(gate._permits) == 1


def test_what_is_remembered_of_used_permits_is_bounded() -> None:
    gate = Bench()
    first = gate.permit()
    begun(gate, first)
    for _ in range(SPENT_KEPT):
        begun(gate, gate.permit())
    assert len(gate._spent) == SPENT_KEPT
    assert halted(lambda: begun(gate, first)).halt is Halt.PERMIT_UNKNOWN, "forgotten, and refused all the same"


# ---- what was begun is reported ------------------------------------------------------------------------------------


def test_a_deed_that_fails_is_reported_and_the_fault_goes_on() -> None:
    gate = Bench()
    with pytest.raises(ZeroDivisionError), gate.holding(gate.permit()):
        _ = 1 / 0
    assert isinstance(gate.node.asked[-1], ReportModule)


def test_a_fault_is_not_hidden_by_a_report_that_cannot_be_handed_in() -> None:
    gate = Bench()
    permit = gate.permit()
    gate.node.down = OSError("cable")
    with pytest.raises(ZeroDivisionError) as caught, gate.holding(permit):
        _ = 1 / 0
    assert any("REPORT_WAITS" in note for note in caught.value.__notes__)
    assert len(gate.unreported) == 1


def test_a_report_that_waits_is_sent_again_as_the_same_bytes_and_nothing_is_permitted_before() -> None:
    gate = Bench()
    permit = gate.permit()
    gate.node.down = OSError("cable")
    error = halted(lambda: begun(gate, permit))
    assert error.halt is Halt.REPORT_WAITS
    (report,) = gate.unreported
    assert halted(gate.permit).halt is Halt.REPORT_WAITS
    assert len(gate.node.asked) == 1, "the question was not even sent"
    gate.node.down = None
    gate.time.pass_(SECOND_US)
    gate.permit()
    assert [type(wish) for wish in gate.node.asked] == [AskModule, ReportModule, AskModule]
    assert open_envelope(report).payload == canon.encode(gate.node.asked[1])
    assert gate.unreported == ()


def test_a_report_survives_a_restart_of_the_controller() -> None:
    gate = Bench()
    permit = gate.permit()
    gate.node.down = OSError("cable")
    halted(lambda: begun(gate, permit))
    again = Bench(unreported=gate.unreported)
    again.deliver()
    assert [wish.permit for wish in again.node.asked] == [permit.permit]
    assert again.unreported == ()


@pytest.mark.parametrize("kept", [b"", b"{}", seal(b"{}", [(MODULE, MODULE_KEY)])])
def test_a_kept_report_that_is_none_stops_the_controller_at_its_start(kept: bytes) -> None:
    assert halted(lambda: Bench(unreported=[kept])).halt is Halt.REPORT_UNREADABLE


def test_a_kept_report_of_another_module_or_site_stops_the_controller_at_its_start() -> None:
    gate = Bench()
    permit = gate.permit()
    gate.node.down = OSError("cable")
    halted(lambda: begun(gate, permit))
    assert halted(lambda: Bench(unreported=gate.unreported, site="NODE-HT")).halt is Halt.REPORT_UNREADABLE
    assert halted(lambda: Bench(unreported=gate.unreported, role="oven")).halt is Halt.REPORT_UNREADABLE


def test_attack_a_forged_receipt_does_not_end_the_waiting() -> None:
    gate = Bench()
    permit = gate.permit()
    gate.node.key = OTHER_KEY
    assert halted(lambda: begun(gate, permit)).halt is Halt.REPORT_WAITS
    assert len(gate.unreported) == 1


@pytest.mark.parametrize("field", ["permit", "deed", "order", "job", "step", "module"])
def test_attack_a_receipt_for_another_deed_does_not_end_the_waiting(field: str) -> None:
    gate = Bench()
    permit = gate.permit()
    gate.node.forge = lambda answer: replace(answer, **{field: "X"})
    assert halted(lambda: begun(gate, permit)).halt is Halt.REPORT_WAITS


def test_attack_the_old_permit_as_a_receipt_does_not_end_the_waiting() -> None:
    gate = Bench()
    permit = gate.permit()
    gate.node.forge = lambda _: permit
    assert halted(lambda: begun(gate, permit)).halt is Halt.REPORT_WAITS
    assert len(gate.unreported) == 1


def test_a_refused_report_is_told_once_and_does_not_wait() -> None:
    gate = Bench()
    permit = gate.permit()
    gate.node.refuse = True
    error = halted(lambda: begun(gate, permit))
    assert error.halt is Halt.REPORT_REFUSED
    assert error.refusal is not None
    assert gate.unreported == ()


def test_a_deed_that_was_too_long_and_whose_report_waits_says_both() -> None:
    gate = Bench()
    permit = gate.permit()

    def heat() -> None:
        with gate.holding(permit):
            gate.time.pass_(PERMIT_US)
            gate.node.down = OSError("cable")

    error = halted(heat)
    assert error.halt is Halt.REPORT_WAITS
    assert any("PERMIT_OVER" in note for note in error.__notes__)


# ---- the exception -------------------------------------------------------------------------------------------------


def test_every_halt_says_what_helps() -> None:
    assert set(REMEDIES) == set(Halt)
    assert all(remedy.endswith(".") for remedy in REMEDIES.values())


def test_halted_is_one_type_under_the_root_of_all_errors() -> None:
    assert issubclass(Halted, HoldgateError)
    assert not issubclass(Halted, Malformed | Tampered)
