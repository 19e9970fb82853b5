"""The small stores beside a site's log: payloads, promises, badges, alarms, what targets were told, accepted checkpoints."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from holdgate.adapters.sqlite_outbox import SqliteOutbox
from holdgate.adapters.sqlite_payloads import SqlitePayloads
from holdgate.adapters.sqlite_promises import SqlitePromises
from holdgate.adapters.sqlite_reception import SqliteReception
from holdgate.adapters.sqlite_watch import SqliteWatch
from holdgate.adapters.sqlite_witness import SqliteWitness
from holdgate.engine.keeping import Promise
from holdgate.engine.telling import Message
from holdgate.sites.reception import Lodged
from holdgate.sites.watch import Alarm
from holdgate.terms.errors import HoldgateError
from tests.faults.intercept import say
from tests.faults.life import REFUSED

ROUNDS: Final = 4
ORIGIN: Final = "lab.test/FLOOR"


class Stores:
    """All of them, open."""

    def __init__(self, folder: Path, undo: ExitStack) -> None:
        self.payloads = undo.enter_context(closing(SqlitePayloads(folder / "evidence.db")))
        self.promises = undo.enter_context(closing(SqlitePromises(folder / "promises.db")))
        self.reception = undo.enter_context(closing(SqliteReception(folder / "reception.db")))
        self.watch = undo.enter_context(closing(SqliteWatch(folder / "watch.db")))
        self.outbox = undo.enter_context(closing(SqliteOutbox(folder / "outbox.db")))
        self.witness = undo.enter_context(closing(SqliteWitness(folder / "witness.db")))


def locker(number: int) -> Lodged:
    """A sealed key of a badge."""
    return Lodged(id=f"P-{number}", salt=bytes(16), nonce=bytes(12), sealed=b"sealed" * number, key=bytes(32))


def alarm(number: int) -> Alarm:
    """What a watch found."""
    return Alarm(site="FLOOR", origin=ORIGIN, seq=number, leaf="00", expected="a", found="b", at=number)


def lived_beside(directory: Path) -> None:
    """Keep something in each of them, in rounds, and say what is kept."""
    try:
        with ExitStack() as undo:
            for word in _kept(Stores(directory, undo)):
                say(json.dumps(word).encode())
    except HoldgateError as error:
        say(REFUSED + str(error).encode())


def _kept(stores: Stores) -> Iterator[list[str | int]]:
    stores.outbox.begin("mail", 0)
    for number in range(1, ROUNDS + 1):
        name = stores.payloads.put(b"bytes " * 900 * number, kind="evidence", by="WS-1", at=number)
        yield ["put", name, number]
        stores.promises.save(ORIGIN, Promise(term=number, host="a", written=number))
        yield ["promised", number]
        stores.reception.put_locker(locker(number))
        yield ["lodged", number]
        stores.watch.keep_alarm(alarm(number))
        yield ["alarm", number]
        stores.outbox.told("mail", Message(seq=number, n=0, notices=()), number)
        yield ["told", number]
        before = stores.witness.latest(ORIGIN)
        if stores.witness.advance(ORIGIN, before, f"note {number}".encode(), number):
            yield ["accepted", number]
        if number % 2 == 0:
            stores.payloads.erase([name])
            yield ["erased", name]


def checked_beside(directory: Path, said: list[bytes]) -> None:
    """Everything that was said to be kept is there, what was erased is gone, and more can be kept.

    Raises:
        AssertionError, HoldgateError: it is not so.
    """
    words = [json.loads(word) for word in said if word.startswith(b"[")]
    erased = {name for what, name, *_ in words if what == "erased"}
    with ExitStack() as undo:
        stores = Stores(directory, undo)
        for what, one, *more in words:
            _holds(stores, what, one, more, erased)
        _holds_on(stores)


def _holds(stores: Stores, what: str, one: str | int, more: list[int], erased: set[str]) -> None:
    number = int(more[0] if more else one) if what != "erased" else 0
    if what == "put" and one not in erased:
        try:
            found = stores.payloads.get(str(one))
        except HoldgateError as error:
            raise AssertionError(f"{what} {one}: {error}") from error
        named = {held.commitment for held in stores.payloads.held()}
        # the erasure of this one may have been under way, unanswered
        assert number % 2 == 0 or (found is not None and str(one) in named), f"a payload is lost: {one}"
    elif what == "erased":
        assert stores.payloads.get(str(one)) is None, f"a payload came back: {one}"
    elif what == "promised":
        assert stores.promises.load(ORIGIN).term >= number, "a promise is forgotten"
    elif what == "lodged":
        assert stores.reception.locker(f"P-{number}") == locker(number), "a badge is lost"
    elif what == "alarm":
        assert alarm(number) in stores.watch.alarms(), "an alarm is lost"
    elif what == "told":
        assert stores.outbox.cursors()["mail"].seq >= number, "a target is told twice"
    elif what == "accepted":
        assert stores.witness.at(ORIGIN, number) == f"note {number}".encode(), "an accepted checkpoint is lost"


def _holds_on(stores: Stores) -> None:
    name = stores.payloads.put(b"more", kind="evidence", by="WS-1", at=9)
    found = stores.payloads.get(name)
    assert found is not None
    assert found.content == b"more"
    stores.promises.save(ORIGIN, Promise(term=99, host="b", written=99))
    assert stores.witness.advance(ORIGIN, stores.witness.latest(ORIGIN), b"note 99", 99)
