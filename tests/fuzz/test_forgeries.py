"""Forged, replayed, stale and malleated inputs: none is believed, and at a site nothing changes but the record of the attempt.

HOLDGATE_FORGERIES=n tries n instead of CI's; `make forgeries` a million.
"""

import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
import pytest
from msgspec.structs import replace

from holdgate.crypto.envelope import PAYLOAD_TYPE, open_envelope, pae, seal
from holdgate.law import command as c
from holdgate.package.archive import pack
from holdgate.package.verify import verify
from holdgate.sites.site import Site
from holdgate.terms import canon
from holdgate.terms.errors import Malformed
from tests.fuzz.forged_acts import with_row
from tests.fuzz.forger import FORGERS, STRANGER, flipped, malleated
from tests.fuzz.forging import believable, forge
from tests.packages import Story, fitted, story
from tests.played import played
from tests.scores import record
from tests.unit.test_sites import FLOOR, HUB, House, entries, governed, settled, told

CI: Final = 100_000
COUNT: Final = int(os.environ.get("HOLDGATE_FORGERIES", str(CI)))
COMMAND: Final = f"HOLDGATE_FORGERIES={COUNT} pytest tests/fuzz/test_forgeries.py"
AT_SITES: Final = 240
SECOND_US: Final = 1_000_000


def test_what_forgeries_are_made_from_is_believed() -> None:
    assert not believable()


@pytest.mark.timeout(0 if COUNT > CI else 300)
def test_no_forgery_is_believed() -> None:
    began = time.monotonic()
    tried, bad = forge(COUNT, 1)
    unit = "forged or malleated inputs"
    record(5, "forgeries", tried, unit, len(bad), seconds=time.monotonic() - began, command=COMMAND, soak=COUNT > CI)
    assert not bad, bad
    assert tried >= COUNT
    assert len(FORGERS) >= 18


def altered(draw: Random, told: Story) -> bytes:
    """A package with one thing altered: a bit of the file, or of a part that is proven, or two of those, the list made to fit.

    Not tried: to leave out what nothing else in the package needs. It says no less than it says without that.
    """
    if draw.randrange(3) == 0:
        return flipped(draw, told.raw)
    parts = told.parts()
    names = sorted(name for name in parts if name.startswith(("logs/", "documents/", "evidence.json")))
    name, other, how = draw.choice(names), draw.choice(names), draw.randrange(3)
    if how == 0 or name == other:
        parts[name] = flipped(draw, parts[name])
    elif how == 1:
        parts[name], parts[other] = parts[other], parts[name]
    else:
        log = draw.choice([name for name in names if name.endswith("entries.jsonl")])
        lines = parts[log].splitlines(keepends=True)
        one, more = draw.randrange(len(lines)), draw.randrange(len(lines))
        lines[one], lines[more] = lines[more], lines[one]
        lines[one] = lines[one] * 2 if one == more else lines[one]
        parts[log] = b"".join(lines)
    return pack(fitted(parts))


@pytest.mark.timeout(0 if COUNT > CI else 300)
def test_no_altered_package_is_whole(tmp_path: Path) -> None:
    told = story(played(tmp_path, "101"), "PO-1001/J-1")
    assert not verify(told.raw, told.roots, told.witnesses).faults
    began, count, draw, bad = time.monotonic(), COUNT // 1_000, Random(101), list[str]()
    for number in range(count):
        raw = altered(draw, told)
        try:
            if not verify(raw, told.roots, told.witnesses).faults:
                bad.append(f"number {number}")
        except Malformed:
            continue
    seconds = time.monotonic() - began
    record(5, "packages", count, "altered packages", len(bad), seconds=seconds, command=COMMAND, soak=COUNT > CI)
    assert not bad, bad


# ---- at a real site --------------------------------------------------------------------------------------------------


def forgeries(draw: Random, house: House, honest: c.AnyCommand) -> bytes:
    """One forgery of an act that nobody handed in so far."""
    true = open_envelope(house.sign(honest))
    how, at = draw.randrange(9), draw.randrange(len(true.signatures))
    if how == 0:
        return canon.encode(replace(true, payload=flipped(draw, true.payload)))
    if how == 1:
        return canon.encode(with_row(true, at, sig=malleated(draw, true.signatures[at].sig)))
    if how == 2:
        return canon.encode(replace(true, signatures=true.signatures[1:] or [*true.signatures, *true.signatures]))
    if how == 3:
        return canon.encode(with_row(true, at, sig=STRANGER.sign(pae(PAYLOAD_TYPE, true.payload))))
    if how == 4:
        return seal(
            true.payload.replace(b":", b": ", 1), [(row.keyid, house.desk.key(row.keyid)) for row in true.signatures]
        )
    if how == 5:
        return canon.encode(with_row(true, at, sig=house.desk.key(true.signatures[at].keyid).sign(true.payload)))
    if how == 6:
        return seal(
            true.payload, [(row.keyid, house.desk.key(row.keyid)) for row in true.signatures], PAYLOAD_TYPE + "x"
        )
    if how == 7:
        changed = replace(honest, at=honest.at + draw.choice((-1, 1)))
        return canon.encode(replace(true, payload=canon.encode(changed)))
    return flipped(draw, canon.encode(true))


OF_ITSELF: Final = ("contacts", "origins", "outages", "witnessed_at", "witnessed_size")
"""What a site learns meanwhile from the sites that it is in touch with."""


def standing(site: Site) -> object:
    """What a site holds true about the shop."""
    held: dict[str, Any] = msgspec.to_builtins(site.chronicle.state)
    return {name: value for name, value in held.items() if name not in OF_ITSELF}


def kinds(site: Site, after: int) -> set[str]:
    """What came onto a site's record since then, but what it notes of itself and takes in from others."""
    return {entry.kind for entry in entries(site)[after:]} - {"contact", "cosigned", "import"}


def test_forged_acts_leave_nothing_at_a_site_but_the_record_of_the_attempt(tmp_path: Path) -> None:
    began, believed = time.monotonic(), list[str]()

    async def story(house: House) -> None:
        draw = Random(5)
        assert (await house.ask(FLOOR, house.slip("PO-1"))).decision.allowed
        await settled(house.shop)
        for site, make in ((HUB, lambda: house.material("B-9")), (FLOOR, lambda: house.arrival("PO-1", "SCN-1", 7))):
            own, honest = house.shop.sites[site], make()
            before, size = standing(own), len(entries(own))
            for number in range(AT_SITES // 2):
                house.clock.instant += SECOND_US
                raw = forgeries(draw, house, honest)
                try:
                    answer = await own.submit(raw, ())
                except Malformed:
                    continue
                if answer.decision.allowed:
                    believed.append(f"{site} {number}: {raw!r}")
            assert kinds(own, size) == {"attempt"}
            assert standing(own) == before
            house.clock.instant = honest.at
            assert (await own.submit(house.sign(honest), ())).decision.allowed, "the true one is taken afterwards"

    told(story, governed(tmp_path))
    seconds = time.monotonic() - began
    record(
        5,
        "forgeries-at-sites",
        AT_SITES,
        "forged acts handed in at sites",
        len(believed),
        seconds=seconds,
        command=COMMAND,
    )
    assert not believed


Replays = Callable[[House], Awaitable[list[tuple[str, str, c.AnyCommand]]]]


def stale(house: House) -> list[tuple[str, str, c.AnyCommand]]:
    """What true signers signed, too late, too early, for somewhere else, or with a counter that was used: (what, site, act)."""
    now, old, new = house.clock.now(), house.arrival("PO-1", "SCN-1", 7), house.arrival("PO-1", "SCN-1", 8)
    day = 86_400 * SECOND_US
    material = house.material("B-7")
    return [
        ("the same counter, another scan", FLOOR, replace(new, reader_seq=7, serials=("S2",))),
        ("the same counter, signed anew", FLOOR, replace(old, nonce="anew")),
        ("an earlier counter", FLOOR, replace(new, reader_seq=6)),
        ("no counter", FLOOR, replace(new, reader_seq=0)),
        ("a scan of yesterday as a live one", FLOOR, replace(new, at=now - 2 * day)),
        ("a scan of tomorrow", FLOOR, replace(new, at=now + day)),
        ("a scan signed for another site", FLOOR, replace(new, site=HUB)),
        ("an act signed for another site", HUB, replace(material, site=FLOOR)),
        ("an act of last week", HUB, replace(material, at=now - 7 * day)),
        ("an act of next week", HUB, replace(material, at=now + 7 * day)),
        ("a scan handed in at the office", HUB, new),
        ("an act of the office handed in at the dock", FLOOR, material),
        ("a scan at a place that is not the reader's", FLOOR, replace(new, place="WS-OFFICE")),
    ]


def test_replayed_and_stale_acts_change_nothing(tmp_path: Path) -> None:
    """A replay gets the first answer again and no entry; what is stale is denied, and the denial is all that is recorded."""
    began, believed, tried = time.monotonic(), list[str](), 0

    async def story(house: House) -> None:
        nonlocal tried
        assert (await house.ask(FLOOR, house.slip("PO-1"))).decision.allowed
        await settled(house.shop)
        first = {
            site: house.sign(act)
            for site, act in ((FLOOR, house.arrival("PO-1", "SCN-1", 7)), (HUB, house.material("B-8")))
        }
        answers = {site: await house.shop.sites[site].submit(raw, ()) for site, raw in first.items()}
        assert all(answer.decision.allowed for answer in answers.values())
        for site, raw in first.items():
            own = house.shop.sites[site]
            size, before = len(entries(own)), standing(own)
            for spelled in (raw, respelled(raw), raw):
                again, tried = await own.submit(spelled, ()), tried + 1
                if (again.seq, again.decision) != (answers[site].seq, answers[site].decision):
                    believed.append(f"a replay at {site}")
            assert not kinds(own, size)
            assert standing(own) == before
        for what, site, act in stale(house):
            house.clock.instant += SECOND_US
            own, tried = house.shop.sites[site], tried + 1
            size = len(entries(own))
            answer = await own.submit(house.sign(act), ())
            if answer.decision.allowed:
                believed.append(what)
            assert kinds(own, size) in ({"action"}, {"attempt"}), what

    told(story, governed(tmp_path))
    seconds = time.monotonic() - began
    record(
        5,
        "replays-at-sites",
        tried,
        "replayed and stale acts handed in at sites",
        len(believed),
        seconds=seconds,
        command=COMMAND,
    )
    assert not believed


def respelled(raw: bytes) -> bytes:
    """The same envelope with blanks: DSSE signs the payload, not the envelope."""
    held: dict[str, Any] = msgspec.json.decode(raw)
    return msgspec.json.format(msgspec.json.encode(dict(reversed(held.items()))), indent=2)
