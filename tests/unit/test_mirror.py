"""The Vault's store: one writer at a time, each log from its own site, and a broken file is one sentence."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from holdgate.adapters.sqlite_mirror import SqliteMirror
from holdgate.ledger.mirroring import INFO_TYPE, Upload, packages, read_upload, write_info, write_progress
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from tests.unit.test_sites import FLOOR, HUB, VAULT, House, founded

ORIGIN = "shop.test/NODE-1"


def test_evidence_is_not_lost_with_a_stretch_that_fails_on_its_way_to_the_disk(tmp_path: Path) -> None:
    """A sender that gave up leaves its write behind; what is kept meanwhile must not be part of that transaction."""
    mirror = SqliteMirror(tmp_path / "mirror.db")
    mirror.keep(ORIGIN, 0, (b"a",), (bytes(32),), b"note", {})
    mirror._writing.acquire()
    keeper = threading.Thread(target=mirror.keep_evidence, args=(ORIGIN, b"checkpoint", "another history"))
    keeper.start()
    keeper.join(0.05)
    assert keeper.is_alive(), "evidence waits for the write that is on its way"
    mirror._writing.release()
    keeper.join(5)
    with pytest.raises(Unavailable):
        mirror.keep(ORIGIN, 0, (b"b",), (bytes(32),), b"note", {})
    assert mirror.evidence(ORIGIN) == [(b"checkpoint", "another history")]
    assert mirror.entries(ORIGIN) == [b"a"]
    mirror.close()


def test_a_log_is_taken_from_its_own_site_alone(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        site = await house.open(FLOOR)
        house.open_vault()
        vault, segment = house.shop.vaults[VAULT], site.links[VAULT].next_segment(0)
        for sender in (HUB, "STRANGER"):
            with pytest.raises(Tampered, match=f"is no log of {sender}"):
                await vault.offer(segment, sender)
        await house.close()

    asyncio.run(story(founded(tmp_path)))


@pytest.mark.parametrize("ask", ["leaves", "evidence", "entries", "latest", "held"])
def test_a_mirror_that_cannot_be_read_says_so(tmp_path: Path, ask: str) -> None:
    mirror = SqliteMirror(tmp_path / "mirror.db")
    broken = sqlite3.connect(tmp_path / "mirror.db")
    for table in ("mirror", "seat", "evidence"):
        broken.execute(f"DROP TABLE {table}")
    broken.commit()
    broken.close()
    with pytest.raises(Unavailable, match="cannot be read"):
        mirror.leaves(ORIGIN, 0, 1) if ask == "leaves" else getattr(mirror, ask)(ORIGIN)
    mirror.close()


def test_a_package_holds_its_entries_in_order_and_a_cut_one_is_left_out() -> None:
    whole = b"\0\5first\0\0\0\6second" + b"\1" + bytes(32)
    upload = Upload(origin=ORIGIN, start=3, end=6, ticket=b"", packages=whole)
    (package,) = packages(upload)
    assert (package.entries, package.proof) == ((b"first", b"", b"second"), (bytes(32),))
    for cut in range(len(whole)):
        assert not [*packages(replace(upload, packages=whole[:cut]))]


def test_what_a_mirror_waits_for_is_a_conflict_and_what_it_took_is_not() -> None:
    waits, took = write_info(700, 256), write_progress(700, 256)
    assert (waits.status, took.status) == (409, 202)
    assert waits.body == took.body == b"700\n256\n\n"
    assert waits.kind == took.kind == INFO_TYPE


def test_an_upload_that_is_cut_short_anywhere_in_its_head_is_refused() -> None:
    head = b"\x00\x03lab" + (5).to_bytes(8, "big") + (9).to_bytes(8, "big") + b"\x00\x02tk"
    assert read_upload(head) == Upload(origin="lab", start=5, end=9, ticket=b"tk", packages=b"")
    for short in range(len(head)):
        with pytest.raises(Malformed, match="the request ends within its"):
            read_upload(head[:short])
