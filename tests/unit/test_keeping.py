"""A keeper's promises: who may write a log under which term."""

from pathlib import Path

import pytest
from typing_extensions import override

from holdgate.adapters.sqlite_promises import SqlitePromises
from holdgate.engine.keeping import Fence, Keeper, Promise, Promises, Standing, hosts_of, other_host
from holdgate.terms.errors import Unavailable

LOG, A, B = "lab.test/HUB", "HUB.a", "HUB.b"
LEASE_S = 4.0


class Kept(Promises):
    """Promises in memory."""

    def __init__(self) -> None:
        self.known: dict[str, Promise] = {}

    @override
    def load(self, origin: str) -> Promise:
        return self.known.get(origin, Promise())

    @override
    def save(self, origin: str, promise: Promise) -> None:
        self.known[origin] = promise

    @override
    def close(self) -> None:
        pass


class Desk:
    """A keeper and its clock."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.kept = Kept()
        self.keeper = Keeper(self.kept, lambda: self.now_s, LEASE_S)

    def wrote(self, host: str, term: int, since: int = 0) -> None:
        assert self.keeper.hear(LOG, Fence(term=term, since=since), host)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def granted(promise: Promise, term: int, host: str) -> bool:
    return (promise.term, promise.host) == (term, host)


def test_the_first_claim_is_granted_and_asking_with_term_0_promises_nothing(desk: Desk) -> None:
    assert desk.keeper.claim(LOG, 0, A) == Promise()
    assert desk.kept.known == {}
    assert granted(desk.keeper.claim(LOG, 1, A), 1, A)


def test_one_term_is_promised_to_one_host(desk: Desk) -> None:
    desk.keeper.claim(LOG, 1, A)
    assert granted(desk.keeper.claim(LOG, 1, B), 1, A)
    assert granted(desk.keeper.claim(LOG, 1, A), 1, A), "asked again, promised again"


@pytest.mark.parametrize(("waited_s", "may"), [(0.0, False), (LEASE_S - 0.1, False), (LEASE_S + 0.1, True)])
def test_another_host_may_try_once_the_writer_was_silent_for_a_lease(desk: Desk, waited_s: float, may: bool) -> None:
    desk.wrote(A, 1)
    desk.now_s += waited_s
    assert granted(desk.keeper.claim(LOG, 2, B), 2, B) is may


def test_the_writer_itself_may_claim_anew_at_once(desk: Desk) -> None:
    desk.wrote(A, 1)
    assert granted(desk.keeper.claim(LOG, 2, A), 2, A)


def test_a_keeper_that_was_started_anew_gives_the_writer_a_whole_lease(desk: Desk) -> None:
    desk.wrote(A, 1)
    desk.now_s += 100
    again = Keeper(desk.kept, lambda: desk.now_s, LEASE_S)
    assert granted(again.claim(LOG, 2, B), 1, A)
    desk.now_s += LEASE_S + 0.1
    assert granted(again.claim(LOG, 2, B), 2, B)


def test_after_a_later_promise_nothing_of_an_earlier_term_is_taken(desk: Desk) -> None:
    desk.wrote(A, 1)
    desk.keeper.admit(LOG, 1)
    desk.now_s += LEASE_S + 1
    desk.keeper.claim(LOG, 2, B)
    assert not desk.keeper.hear(LOG, Fence(term=1, since=0), A)
    with pytest.raises(Unavailable, match="another host took it over"):
        desk.keeper.admit(LOG, 1)


def test_entries_of_a_term_that_nobody_showed_yet_are_not_taken(desk: Desk) -> None:
    desk.wrote(A, 1)
    with pytest.raises(Unavailable):
        desk.keeper.admit(LOG, 2)


def test_a_log_that_one_host_keeps_has_no_term_and_a_shared_one_is_never_taken_without(desk: Desk) -> None:
    desk.keeper.admit(LOG, 0)
    desk.wrote(A, 1)
    with pytest.raises(Unavailable):
        desk.keeper.admit(LOG, 0)


def test_a_copy_counts_once_it_holds_the_log_as_it_was_when_the_term_began(desk: Desk) -> None:
    desk.wrote(A, 1, since=10)
    assert desk.keeper.grown(LOG, 9).written == 0
    assert desk.keeper.grown(LOG, 10).written == 1


def test_a_copy_does_not_count_before_the_writer_said_how_much_it_began_with(desk: Desk) -> None:
    desk.keeper.claim(LOG, 1, A)
    assert desk.keeper.grown(LOG, 1000).written == 0


def test_a_copy_that_counted_later_outranks_a_longer_one() -> None:
    later, longer = Standing(promise=Promise(written=3), size=5), Standing(promise=Promise(written=2), size=50)
    assert max((longer, later), key=lambda s: s.rank) is later


def test_the_two_hosts_of_a_site() -> None:
    assert hosts_of("FLOOR") == ("FLOOR.a", "FLOOR.b")
    assert [other_host("FLOOR", host) for host in hosts_of("FLOOR")] == ["FLOOR.b", "FLOOR.a"]


def test_promises_are_there_after_a_restart(tmp_path: Path) -> None:
    made = SqlitePromises
    promise = Promise(term=7, host=B, written=6)
    first = made(tmp_path / "promises.db")
    assert first.load(LOG) == Promise()
    first.save(LOG, promise)
    first.close()
    second = made(tmp_path / "promises.db")
    assert (second.load(LOG), second.load("lab.test/OTHER")) == (promise, Promise())
    second.close()
