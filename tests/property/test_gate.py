"""The gate under chance: whatever is changed in an answer, by whomever, on whatever clock, the module stands still."""

from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from holdgate.crypto.envelope import seal
from holdgate.crypto.keys import SigningKey
from holdgate.gate import Gate, Halt, Halted, Permit
from holdgate.gate.client import MARGIN_US
from holdgate.gate.permit import PERMIT_TYPE, open_answer, seal_answer
from holdgate.law.command import AskModule, ReportModule
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Tampered
from tests.unit.test_gate import MODULE, OTHER_KEY, PERMIT_US, SITE, SITE_KEY, T0, Bench, SetTime, begun

PERMIT: Final = Bench().permit()
RAW: Final = seal_answer(PERMIT, SITE_KEY)
TEXTS: Final = [name for name, value in asdict(PERMIT).items() if isinstance(value, str)]
TIMES: Final = [name for name, value in asdict(PERMIT).items() if isinstance(value, int)]
ASKED: Final = [name for name in TEXTS if name not in ("entry", "contract")]
"""What the gate knows before the answer comes."""
ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)


def answering(raw: bytes) -> Bench:
    """A gate whose site says this to the first question, which is always the same one."""
    gate = Bench()
    gate.node.raw = lambda _: raw
    return gate


def test_the_answer_itself_is_believed() -> None:
    assert answering(RAW).permit() == PERMIT


@given(st.integers(0, 8 * len(RAW) - 1))
@settings(max_examples=400, deadline=None)
def test_any_flipped_bit_halts(bit: int) -> None:
    changed = bytearray(RAW)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Halted):
        answering(bytes(changed)).permit()


@given(st.integers(0, len(RAW) - 1), st.integers(0, len(RAW)), st.binary(max_size=8))
@settings(max_examples=300, deadline=None)
def test_anything_cut_out_or_put_in_halts(start: int, stop: int, more: bytes) -> None:
    changed = RAW[:start] + more + RAW[max(start, stop) :]
    if changed != RAW:
        with pytest.raises(Halted):
            answering(changed).permit()


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_noise_halts(noise: bytes) -> None:
    with pytest.raises(Halted) as caught:
        answering(noise).permit()
    assert caught.value.halt is Halt.ANSWER_UNREADABLE


@given(st.sampled_from(ASKED), ids)
@settings(max_examples=300, deadline=None)
def test_anything_else_than_what_was_asked_halts_even_under_the_sites_own_signature(field: str, value: str) -> None:
    changed = {**asdict(PERMIT), field: value}
    if changed == asdict(PERMIT):
        return
    raw = seal(canon.encode(Permit(**changed)), [(SITE, SITE_KEY)], PERMIT_TYPE)
    with pytest.raises(Halted):
        answering(raw).permit()


@given(st.sampled_from(TIMES), st.integers(-(2**53), 2**53))
@settings(max_examples=300, deadline=None)
def test_any_changed_number_under_another_key_halts(field: str, value: int) -> None:
    raw = seal(canon.encode(Permit(**{**asdict(PERMIT), field: value})), [(SITE, OTHER_KEY)], PERMIT_TYPE)
    with pytest.raises(Halted) as caught:
        answering(raw).permit()
    assert caught.value.halt is Halt.NOT_THE_SITES_WORD


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=100, deadline=None)
def test_no_other_key_is_the_sites(seed: bytes) -> None:
    key = SigningKey(seed)
    if key.public == SITE_KEY.public:
        return
    with pytest.raises(Tampered):
        open_answer(seal_answer(PERMIT, key), SITE, SITE_KEY.public)


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_reading_an_answer_ends_in_an_answer_or_an_error_of_ours(raw: bytes) -> None:
    with pytest.raises((Malformed, Tampered)):
        open_answer(raw, SITE, SITE_KEY.public)


moves = st.lists(
    st.tuples(st.integers(-PERMIT_US, PERMIT_US), st.integers(-PERMIT_US, PERMIT_US)), min_size=1, max_size=12
)


@given(moves)
@settings(max_examples=300, deadline=None)
def test_on_no_clock_does_a_deed_go_on_beyond_its_permit(steps: list[tuple[int, int]]) -> None:
    """However UTC and ticks move, a check that passes lies within the permit on both, and neither ever went back."""
    gate = Bench()
    permit = gate.permit()
    asked_ticks, last = gate.time.steady, (gate.time.utc, gate.time.steady)
    try:
        with gate.holding(permit):
            for utc, steady in steps:
                gate.time.utc += utc
                gate.time.steady += steady
                left = gate.check(permit)
                assert (gate.time.utc, gate.time.steady) >= last
                assert gate.time.utc >= last[0]
                assert gate.time.steady >= last[1]
                last = (gate.time.utc, gate.time.steady)
                assert gate.time.utc + left + MARGIN_US <= permit.until
                assert gate.time.steady - asked_ticks + left + MARGIN_US <= PERMIT_US
    except Halted:
        pass
    assert isinstance(gate.node.asked[-1], ReportModule), "whatever became of it, it is reported"


words = st.text(st.characters(codec="utf-8"), max_size=40)


@given(order=ids | words, job=ids | words, step=ids | words, deed=words, operator=st.none() | ids | words)
@settings(max_examples=400, deadline=None)
def test_whatever_is_asked_the_law_reads_it_or_it_is_not_sent(operator: str | None, **asked: Any) -> None:
    sent: list[bytes] = []
    time = SetTime()
    bench = Bench()

    def ask(raw: bytes) -> bytes:
        sent.append(raw)
        return bench.node(raw)

    gate = Gate(MODULE, bench._key, site=SITE, site_key=SITE_KEY.public, ask=ask, clock=time)
    permit, halt = None, None
    try:
        permit = gate.may(operator=operator, **asked)
    except Halted as halted:
        halt = halted.halt
    if permit is None:
        assert (halt, sent) == (Halt.WISH_UNREADABLE, [])
        return
    (wish,) = bench.node.asked
    assert isinstance(wish, AskModule)
    assert (wish.order, wish.job, wish.step, wish.deed, wish.operator) == (*asked.values(), operator)
    assert (permit.order, permit.job, permit.step, permit.deed) == tuple(asked.values())
    assert permit.issued_at == T0
    assert begun(gate, permit) == ["heat"]


def test_the_strategies_cover_every_field() -> None:
    assert set(TEXTS) | set(TIMES) == set(Permit.__struct_fields__)
