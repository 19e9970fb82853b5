"""Retention under chance: payloads are kept, held, erased and lost in crashes in any order, and three things always hold.

Nothing goes while it is under hold or its order's time is not over; a commitment opens exactly as long as the record does not say
that it was erased; and the record, with whatever is gone, comes out again byte for byte.
"""

import sqlite3
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest

from holdgate.adapters.sqlite_payloads import SqlitePayloads
from holdgate.crypto.commitments import opens
from holdgate.law import command as c
from holdgate.law.retained import Erasure
from holdgate.sites.erasing import Eraser
from holdgate.sites.payloads import Payload, look_up
from holdgate.terms.instant import add_years
from tests.builders import JOB, PO, Log, S, hub_log

YEARS: Final = 2
ABOUT: Final = ("person:TECH", "person:TECH2", f"order:{PO}")
HOLDS: Final = (*ABOUT, f"job:{PO}/{JOB}")
HISTORIES: Final = 12
ACTS: Final = 40


class Life:
    """A hub, its payloads, and what is known of them apart from the product."""

    def __init__(self, log: Log, folder: Path, chance: Random) -> None:
        self.log = log
        self.chance = chance
        self.folder = folder
        self.store = SqlitePayloads(folder / "evidence.db")
        self.eraser = Eraser(lambda: self.log.state, self.store, len(log.drafts))
        self.contents: dict[str, tuple[str, bytes]] = {}
        self.keys: dict[str, bytes] = {}
        self.holds: set[str] = set()
        self.gone: set[str] = set()

    def act(self, act: type[c.Command], **fields: Any) -> bool:
        self.log.later(S)
        return self.log.act(act, **fields).decision.allowed

    def told(self) -> None:
        self.eraser.heed(len(self.log.drafts), self.log.drafts[-1].decision.events)

    def put(self) -> None:
        about, content = self.chance.choice(ABOUT), self.chance.randbytes(self.chance.choice((3, 900, 9_000)))
        commitment = self.store.put(content, kind="evidence", by="QA", at=self.log.now)
        assert self.act(c.KeepPayload, by="QA", commitment=commitment, kind="evidence", subject=about)
        self.contents[commitment] = about, content
        db = sqlite3.connect(self.folder / "evidence-keys.db")
        [(self.keys[commitment],)] = db.execute("SELECT key FROM key WHERE commitment = ?", (commitment,))
        db.close()

    def hold(self) -> None:
        subject = self.chance.choice(HOLDS)
        known = not subject.startswith("job:")  # the job has not started: there is nothing to hold
        assert self.act(c.PlaceHold, subject=subject) == (known and subject not in self.holds)
        if known:
            self.holds.add(subject)

    def lift(self) -> None:
        subject = self.chance.choice(HOLDS)
        alone = self.chance.random() < 0.3
        allowed = self.act(c.LiftHold, subject=subject, others=() if alone else (("QA", "qa"),))
        assert allowed == (subject in self.holds and not alone)
        if allowed:
            self.holds.discard(subject)

    def erase(self) -> None:
        if not self.contents:
            return
        commitment = self.chance.choice([*self.contents])
        about, _ = self.contents[commitment]
        over = about != f"order:{PO}" or self.log.now + S >= add_years(self.log.state.retained[PO].since, YEARS)
        free = about not in self.holds and commitment not in self.gone
        alone = self.chance.random() < 0.2
        allowed = self.act(c.ErasePayload, commitment=commitment, others=() if alone else (("QA", "qa"),))
        assert allowed == (over and free and not alone)
        if allowed:
            self.gone.add(commitment)
        if self.chance.random() < 0.5:
            self.told()
        else:
            self.crash()

    def crash(self) -> None:
        """The process is gone as it stands; another one begins from the record and the files."""
        self.store.close()
        again = self.log.remade()
        again.now, again.nonce = self.log.now, self.log.nonce
        self.log = again
        self.store = SqlitePayloads(self.folder / "evidence.db")
        self.eraser = Eraser(lambda: self.log.state, self.store, len(self.log.drafts))

    def time(self) -> None:
        self.log.later(self.chance.randrange(400) * 86_400 * S)

    def check(self) -> None:
        left = b"".join(path.read_bytes() for path in self.folder.iterdir())
        for commitment, (_, content) in self.contents.items():
            found = look_up(self.store, self.log.state, commitment)
            assert isinstance(found, Erasure) == (commitment in self.gone)
            assert (self.keys[commitment] in left) == (commitment not in self.gone)
            if isinstance(found, Payload):
                assert found.content == content
                assert opens(commitment, found.salt, content)


@pytest.fixture(scope="module")
def bodies() -> Log:
    """A hub with an order under a contract that states how long evidence is kept."""
    return hub_log(sheet={"retention_years": YEARS})


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_nothing_goes_that_is_kept_and_nothing_stays_that_is_gone(bodies: Log, seed: int) -> None:
    chance = Random(seed)
    with TemporaryDirectory() as folder:
        log = bodies.remade()
        log.now, log.nonce = bodies.now, bodies.nonce
        life = Life(log, Path(folder), chance)
        for _ in range(ACTS):
            chance.choices((life.put, life.hold, life.lift, life.erase, life.crash, life.time), (4, 2, 2, 6, 1, 3))[0]()
            life.check()
        assert life.log.again() == life.log.bodies()
        life.store.close()
