"""Parts of messages, who is there, names on a broker, turns: the pure pieces that a transport between sites is made of."""

import asyncio
from collections.abc import Iterable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.engine.parts import HEAD_BYTES, ID_BYTES, Gathering, id_of, split
from holdgate.engine.presence import Presence
from holdgate.engine.subjects import Subjects, inbox, is_answer_to
from holdgate.engine.turns import Turns
from holdgate.terms.errors import HoldgateError, Malformed, Unavailable
from holdgate.terms.topics import name_of, token


def take(box: Gathering, parts: Iterable[bytes]) -> None:
    for part in parts:
        box.take(part, 0.0)


ONE, TWO = bytes(ID_BYTES), bytes(range(ID_BYTES))


def gathering(bytes_max: int = 1_000, open_max: int = 3, wait_s: float = 10.0) -> Gathering:
    return Gathering(bytes_max, open_max, wait_s)


# ---- parts ---------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=1_000), st.integers(HEAD_BYTES + 1, 400))
def test_a_message_survives_its_parts(message: bytes, room: int) -> None:
    parts = list(split(message, TWO, room))
    assert all(len(part) <= room and id_of(part) == TWO for part in parts)
    box = gathering()
    got = [box.take(part, 0.0) for part in parts]
    assert got[:-1] == [None] * (len(parts) - 1)
    assert got[-1] == (TWO, message)
    assert box.claimed == 0


def test_parts_of_several_messages_may_be_mixed() -> None:
    box = gathering()
    pairs = list(zip(split(b"a" * 100, ONE, 60), split(b"b" * 100, TWO, 60), strict=True))
    got = [whole for pair in pairs for part in pair if (whole := box.take(part, 0.0)) is not None]
    assert got == [(ONE, b"a" * 100), (TWO, b"b" * 100)]


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_message_with_a_part_lost_is_lost_and_no_other(lost: int) -> None:
    box = gathering()
    parts = list(split(b"a" * 140, ONE, 60))
    other = list(split(b"b" * 140, TWO, 60))
    assert len(parts) == 4
    box.take(other[0], 0.0)
    with pytest.raises(Unavailable, match="missing"):
        take(box, parts[:lost] + parts[lost + 1 :])
    for part in other[1:-1]:
        box.take(part, 0.0)
    assert box.take(other[-1], 0.0) == (TWO, b"b" * 140)


def test_a_part_that_comes_twice_or_out_of_order_loses_the_message() -> None:
    for order in ([0, 0], [0, 2, 1], [1]):
        box, parts = gathering(), list(split(b"a" * 140, ONE, 60))
        with pytest.raises(Unavailable):
            take(box, [parts[number] for number in order])


def test_a_part_that_comes_too_late_finds_its_message_gone() -> None:
    box, parts = gathering(wait_s=10.0), list(split(b"a" * 60, ONE, 60))
    box.take(parts[0], 100.0)
    with pytest.raises(Unavailable):
        box.take(parts[1], 110.1)
    assert box.claimed == 0
    box.take(parts[0], 100.0)
    assert box.take(parts[1], 110.0) is not None, "in time"


def test_what_is_claimed_is_bounded_before_it_comes() -> None:
    box = gathering(bytes_max=100, open_max=3)
    with pytest.raises(Malformed, match="claims 101"):
        box.take(next(split(bytes(101), ONE, 60)), 0.0)
    box.take(next(split(bytes(60), ONE, 60)), 0.0)
    with pytest.raises(Unavailable, match="open already"):
        box.take(next(split(bytes(60), TWO, 60)), 0.0)
    many = gathering(bytes_max=1_000, open_max=3)
    for number in range(3):
        many.take(next(split(bytes(60), bytes([number]) * ID_BYTES, 60)), 0.0)
    with pytest.raises(Unavailable, match="open already"):
        many.take(next(split(bytes(60), bytes([9]) * ID_BYTES, 60)), 0.0)
    many.forget(10.1)
    assert many.claimed == 0


@pytest.mark.parametrize(
    ("place", "byte"), [(0, 0), (0, 2), (14, 3), (15, 1), (16, 0), (17, 1), (20, 0), (20, 41), (20, 255)]
)
def test_a_head_that_lies_is_refused(place: int, byte: int) -> None:
    part = bytearray(next(split(b"a" * 40, ONE, 100)))
    part[place] = byte
    box = gathering()
    with pytest.raises(HoldgateError):
        take(box, [bytes(part), bytes(part)])


@given(st.binary(max_size=60))
def test_noise_is_no_part(raw: bytes) -> None:
    box = gathering()
    try:
        whole = box.take(raw, 0.0)
    except HoldgateError:
        return
    assert whole is None or len(whole.body) == len(raw) - HEAD_BYTES


def test_more_than_the_parts_that_may_be_are_not_begun() -> None:
    for room in (HEAD_BYTES, 0, HEAD_BYTES + 1):
        with pytest.raises(Unavailable, match="do not go"):
            list(split(bytes(5_000), ONE, room))


# ---- presence ------------------------------------------------------------------------------------------------------


def test_who_is_not_heard_for_the_silence_is_out_of_reach() -> None:
    there = Presence(["B", "C"], silence_s=3.0, stall_s=1.0)
    assert there.heard("B", 0.0)
    assert not there.heard("B", 1.0), "it was there already"
    assert not there.heard("X", 1.0)
    assert (there.up("B"), there.up("C"), there.up("X")) == (True, False, False)
    for now in range(1, 9):
        gone = there.look(now / 2)
        assert gone == ([] if now / 2 <= 4.0 else ["B"])
    assert there.look(4.2) == ["B"]
    assert not there.up("B")
    assert there.heard("B", 4.3), "it came back"


def test_time_in_which_nobody_looked_is_not_the_peers_silence() -> None:
    there = Presence(["B"], silence_s=3.0, stall_s=1.0)
    there.heard("B", 0.0)
    assert there.look(0.5) == []
    assert there.look(60.0) == [], "the beats of that minute lie unread"
    for now in (60.5, 61.0, 61.5, 62.0, 62.5):
        assert there.look(now) == []
    assert there.look(63.1) == ["B"]


def test_a_cut_line_loses_everybody_once() -> None:
    there = Presence(["B", "C"])
    there.heard("B", 0.0)
    there.heard("C", 0.0)
    assert sorted(there.lose_all()) == ["B", "C"]
    assert there.lose_all() == []


# ---- names ---------------------------------------------------------------------------------------------------------


def test_a_site_s_id_is_one_word_and_two_ids_are_two_words() -> None:
    for site in ("HUB", "N-1", "N.1", "n_1.a.b"):
        assert "." not in token(site)
        assert name_of(token(site)) == site
    assert token("A.B") != token("A-B")
    for wrong in ("", "*", ">", "A B", "A*", "a>", "\u00b5", "%", "A%2E", "-A", "A" * 65):
        with pytest.raises(Malformed):
            token(wrong)
    for word in ("", "*", ">", "a b", "%A", "A.B", "A" * 65):
        assert name_of(word) is None


def test_the_names_say_who_speaks() -> None:
    names = Subjects.of("lab.1")
    assert names.ask("HUB", "N.1") == "holdgate.lab%1.ask.HUB.N%1"
    assert names.speaker(names.ask("HUB", "N.1")) == "N.1"
    assert names.speaker(names.beat("N.1")) == "N.1"
    for other in ("", "holdgate.lab%1", "holdgate.lab%1.ask.HUB", "holdgate.lab%1.ask.HUB.A.B", "holdgate.lab.beat.A"):
        assert names.speaker(other) is None
    assert names.speaker("holdgate.lab%1.beat.A.B") is None
    assert names.speaker("holdgate.lab%1.other.A") is None


def test_an_answer_goes_only_to_the_one_who_asked() -> None:
    good = f"{inbox('A')}.{'0a' * 12}"
    assert is_answer_to("A", good)
    names = Subjects.of("lab")
    bad = (
        names.ask("C", "B"),
        names.beat("B"),
        good.upper(),
        good + ".x",
        good + "0",
        f"{inbox('A')}.>",
        f"{inbox('A')}.*",
        "",
    )
    for other in (*bad, f"{inbox('AB')}.{'0a' * 12}", f"_INBOX_A.B.{'0a' * 12}"):
        assert not is_answer_to("A", other)


# ---- turns ---------------------------------------------------------------------------------------------------------


def test_one_sender_s_work_keeps_its_order_and_holds_no_other_up() -> None:
    done: list[str] = []

    async def story() -> None:
        turns, gate = Turns(10, lambda _: None), asyncio.Event()

        async def work(name: str, *, wait: bool = False) -> None:
            if wait:
                await gate.wait()
            done.append(name)

        turns.add("A", lambda: work("a1", wait=True))
        turns.add("A", lambda: work("a2"))
        turns.add("B", lambda: work("b1"))
        await asyncio.sleep(0.01)
        assert done == ["b1"]
        gate.set()
        await asyncio.sleep(0.01)
        turns.add("A", lambda: work("a3"))
        await asyncio.sleep(0.01)
        await turns.stop()

    asyncio.run(story())
    assert done == ["b1", "a1", "a2", "a3"]


def test_as_many_of_one_sender_s_pieces_as_may_be_are_under_way_and_they_begin_in_order() -> None:
    begun: list[int] = []
    done: list[int] = []

    async def story() -> None:
        turns, gate = Turns(10, lambda _: None, 2), asyncio.Event()

        async def work(number: int) -> None:
            begun.append(number)
            await gate.wait()
            done.append(number)

        for number in range(5):
            turns.add("A", partial(work, number))
        for _ in range(10):
            await asyncio.sleep(0)
        assert begun == [0, 1]
        gate.set()
        while len(done) < 5:  # noqa: ASYNC110  # nobody says so
            await asyncio.sleep(0)
        await turns.stop()

    asyncio.run(asyncio.wait_for(story(), 20))
    assert begun == [0, 1, 2, 3, 4]


def test_a_defect_in_one_piece_of_work_is_told_and_the_next_is_done() -> None:
    defects: list[Exception] = []
    done: list[int] = []

    async def story() -> None:
        turns = Turns(10, defects.append)

        async def breaks() -> None:
            raise KeyError("x")

        async def works() -> None:
            done.append(1)

        turns.add("A", breaks)
        turns.add("A", works)
        await asyncio.sleep(0.01)

    asyncio.run(story())
    assert [type(error) for error in defects] == [KeyError]
    assert done == [1]


def test_too_much_of_one_sender_is_refused_and_stopping_ends_what_is_under_way() -> None:
    async def story() -> None:
        turns = Turns(2, lambda _: None)
        ended: list[str] = []

        async def long() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                ended.append("x")

        turns.add("A", long)
        await asyncio.sleep(0)
        turns.add("A", long)
        turns.add("A", long)
        with pytest.raises(Unavailable, match="2 requests wait"):
            turns.add("A", long)
        turns.add("B", long)
        await asyncio.sleep(0)
        await turns.stop()
        assert ended == ["x", "x"]

    asyncio.run(story())
