"""Bit rot: one bit of what a shop keeps is turned over, and the product is asked everything that it is asked in a day.

Every flip is harmless (all answers are the same), or found before it is served (the product refuses, in one of its own
errors). What is kept in no other place may be lost with its bit, and is then missing; it is never told otherwise.
"""

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from holdgate.adapters.host import CountedEntropy, SetClock
from holdgate.adapters.memory_bus import MemoryBus
from holdgate.adapters.sqlite_payloads import SqlitePayloads
from holdgate.adapters.sqlite_promises import SqlitePromises
from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.bootstrap import Premises, read_premises
from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import sha256
from holdgate.engine.keeping import Promise
from holdgate.engine.opening import standing_bytes
from holdgate.law.chronicle import DIGEST_BYTES
from holdgate.ledger.entry import read_entry
from holdgate.sites.build import policies_for
from holdgate.sites.site import Site
from holdgate.terms.errors import HoldgateError
from tests.faults.life import copy, resumed
from tests.faults.sweep import Log

NOW: Final = 1_900_000_000_000_000
Question = tuple[str, Callable[[], Any]]


class Reference(NamedTuple):
    """What a log held before anything was turned over."""

    bodies: list[bytes]
    keys: list[str]


def reference_of(directory: Path, site: str) -> Reference:
    """From the store as it is."""
    with closing(SqliteStore(directory / site / "ledger.db", read_only=True)) as store:
        return Reference([row.body for row in store.rows(0, 1 << 40)], store.blob_keys())


def opened(premises: Premises, site: str) -> Site:
    """The site, opened and not started: nothing is written."""
    means = premises.means(premises.seat(site), MemoryBus(), SetClock(NOW), CountedEntropy(0))
    try:
        return Site(means, policies_for)
    except BaseException:
        means.store.close()
        raise


def of_site(directory: Path, site: str, reference: Reference) -> Iterator[Question]:
    """Everything that a site's store, keys and papers are asked."""
    found = opened(read_premises(directory), site)
    size = len(reference.bodies)
    try:
        yield "standing", lambda: sha256(standing_bytes(found.chronicle))
        for stop in {size // 3, 2 * size // 3, size}:
            yield f"checkpoint of {stop}", partial(found.log.checkpoint, stop)
        yield "entries", lambda: [read.row.body for read in found.log.reads(0, size)]
        yield "closed subjects", lambda: _closed(found, reference, size)
        for seq in range(0, size, 5):
            yield f"answer {seq}", partial(found.spine.answer_of, seq)
        yield "documents", lambda: [found.means.store.blob(key) for key in reference.keys]
        yield "signature", lambda: found.means.key.sign(b"x")
        yield "cosignatures", lambda: sorted(found.means.store.cosignatures())
    finally:
        found.spine.close()
        found.means.store.close()


def _closed(site: Site, reference: Reference, size: int) -> list[tuple[str, Any]]:
    """What resends of acts on closed subjects would be told, and what the next entry there would link to."""
    closed = site.chronicle.state.closed
    found: list[tuple[str, Any]] = []
    for body in reference.bodies:
        entry = read_entry(body)
        if entry.subject in closed:
            payload = open_envelope(bytes(entry.action)).payload if entry.kind == "action" else b""
            found.append((entry.subject, site.find(entry.subject, sha256(payload)[:DIGEST_BYTES], size)))
            found.append((entry.subject, site.head(entry.subject, size)))
    return found


# ---- one flip ------------------------------------------------------------------------------------------------------

SAME, FOUND, GONE, ESCAPED, HARM = (
    "same answers",
    "found",
    "missing",
    "failed in no error of its own",
    "served otherwise",
)
BAD: Final = (ESCAPED, HARM)


class Flip(NamedTuple):
    """What one flip came to. `came`: one of the five. `why`: in words."""

    file: str
    bit: int
    came: str
    why: str = ""


def judged(file: str, bit: int, ask: Callable[[], None]) -> Flip:
    """Ask; what is served otherwise raises AssertionError."""
    try:
        ask()
    except HoldgateError as error:
        return Flip(file, bit, FOUND, str(error))
    except AssertionError as error:
        return Flip(file, bit, GONE if str(error).startswith(GONE) else HARM, str(error)[:400])
    except Exception as error:  # noqa: BLE001  # nothing was served; but it is no error that a person is told
        return Flip(file, bit, ESCAPED, f"{type(error).__name__}: {error}")
    return Flip(file, bit, SAME)


def turn(path: Path, bit: int) -> None:
    """Turn one bit of a file over."""
    raw = bytearray(path.read_bytes())
    raw[bit >> 3] ^= 1 << (bit & 7)
    path.write_bytes(raw)


class Played:
    """A shop in which a job was worked to its end. Its sites are opened and asked; nothing is written.

    Args:
        shop: as it was left.
        ground: where copies are made.
    """

    sites = ("HUB", "FLOOR", "NODE-FPI")

    def __init__(self, shop: Path, ground: Path) -> None:
        self._shop = shop
        self._place = ground / "flipped"
        self._references = {site: reference_of(shop, site) for site in self.sites}
        self._answers = {site: self._ask(self._copied(site), site) for site in self.sites}
        self.files = [
            (site, path.name, path.stat().st_size)
            for site in self.sites
            for path in sorted((shop / site).iterdir())
            if path.suffix in (".db", ".key") or path.name.endswith("-wal")
        ] + [("", name, (shop / name).stat().st_size) for name in ("charter.json", "trust.json")]

    def _copied(self, site: str) -> Path:
        shutil.rmtree(self._place, ignore_errors=True)
        shutil.copytree(self._shop / site, self._place / site, ignore=shutil.ignore_patterns("*-shm", "lock"))
        for name in ("charter.json", "trust.json"):
            shutil.copyfile(self._shop / name, self._place / name)
        return self._place

    def _ask(self, directory: Path, site: str) -> list[tuple[str, Any]]:
        return [(name, ask()) for name, ask in of_site(directory, site, self._references[site])]

    def flip(self, chance: random.Random) -> Flip:
        """Turn a drawn bit over: of a database mostly, of a small file now and then."""
        weights = [size + 20_000 for _, _, size in self.files]
        site, name, size = chance.choices(self.files, weights)[0]
        bit = chance.randrange(size * 8) if size else 0
        asked = site or chance.choice(self.sites)
        place = self._copied(asked)
        if size:
            turn(place / site / name, bit)

        def ask() -> None:
            for (what, answer), (_, first) in zip(self._ask(place, asked), self._answers[asked], strict=True):
                if what == "documents":
                    assert all(now in (None, then) for now, then in zip(answer, first, strict=True)), what
                    lost = sum(now is None for now in answer)
                    assert not lost, f"{GONE}: {lost} documents"
                elif what != "cosignatures":  # they prove themselves, and are fetched anew
                    assert answer == first, what

        return judged(f"{asked}/{name}", bit, ask)


class Lived:
    """Stores as a life left them, closed or killed amid its work: they are opened by floor hub and Vault, which go on.

    Args:
        logs: where they lie.
        ground: where copies are made.
    """

    def __init__(self, logs: list[Log], ground: Path) -> None:
        self._logs = logs
        self._place = ground / "flipped"

    def flip(self, chance: random.Random) -> Flip:
        """Turn a drawn bit of a drawn file over."""
        log = chance.choice(self._logs)
        names = ("*.db", "*.db-wal", "*.key", "*.json")
        files = sorted(path for name in names for path in log.place.rglob(name) if path.stat().st_size)
        path = chance.choices(files, [file.stat().st_size + 10_000 for file in files])[0]
        bit = chance.randrange(path.stat().st_size * 8)
        shutil.rmtree(self._place, ignore_errors=True)
        place = copy(log.place, self._place)
        turn(place / path.relative_to(log.place), bit)
        name = f"{log.name}: {path.relative_to(log.place)}"
        return judged(name, bit, lambda: resumed(place, log.whole, log.known, 3))


class Sealed:
    """Payloads and promises: small files of which each row is its own.

    Args:
        ground: where they are made.
    """

    def __init__(self, ground: Path) -> None:
        self._first, self._place = ground / "sealed", ground / "flipped"
        self._first.mkdir()
        with closing(SqlitePayloads(self._first / "evidence.db")) as payloads:
            kinds = ("evidence", "account", "medical")
            put = [payloads.put(f"bytes {k} ".encode() * 40, kind=k, by="WS-1", at=NOW, owner="TEC") for k in kinds]
            self._payloads = [payloads.get(name) for name in put]
        with closing(SqlitePromises(self._first / "promises.db")) as promises:
            for term in range(1, 9):
                promises.save(f"lab.test/N-{term}", Promise(term=term, host="a", written=term))

    def flip(self, chance: random.Random) -> Flip:
        """Turn a drawn bit of a drawn file over."""
        shutil.rmtree(self._place, ignore_errors=True)
        shutil.copytree(self._first, self._place)
        path = chance.choice(sorted(self._place.glob("*.db")))
        bit = chance.randrange(path.stat().st_size * 8)
        turn(path, bit)
        return judged(path.name, bit, self._promised if path.name == "promises.db" else self._held)

    def _promised(self) -> None:
        with closing(SqlitePromises(self._place / "promises.db")) as promises:
            for term in range(1, 9):
                assert promises.load(f"lab.test/N-{term}").term == term, "a promise is forgotten"

    def _held(self) -> None:
        with closing(SqlitePayloads(self._place / "evidence.db")) as payloads:
            for first in self._payloads:
                assert first is not None
                now = payloads.get(first.commitment)
                assert now is not None, f"{GONE}: a payload"
                assert now == first, "another payload"
