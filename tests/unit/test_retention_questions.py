"""What `holdgate retention` tells: held and why, kept until when, free, erased, left, missing; and what an auditor sees of it."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdgate.adapters.sqlite_payloads import SqlitePayloads
from holdgate.crypto.commitments import commit
from holdgate.crypto.hashes import digest
from holdgate.law import event as ev
from holdgate.query.job_evidence import About
from holdgate.query.retention import Retained, retention
from holdgate.query.words import moment
from holdgate.terms.instant import add_years
from tests.builders import COMMITMENT, PO, World, accepted_job
from tests.commands import run
from tests.played import played

PHOTO = commit(b"s" * 32, b"photo")


def asked(world: World, **held: bool) -> dict[str, Retained]:
    """What is told, where the stores hold the photo and the account, but for what `held` says."""
    stores = {PHOTO: held.get("photo"), COMMITMENT: held.get("account")}
    known = {name: whole is not False for name, whole in stores.items() if whole is not None}
    return {row.commitment: row for row in retention(world.state, world.library, known, world.now)}


def shop() -> World:
    """A photo of an order under a contract that keeps evidence for two years, and somebody's account."""
    world = accepted_job(qa=True, sheet={"retention_years": 2})
    photo = ev.PayloadKept(commitment=PHOTO, kind="evidence", by="QA", subject=f"order:{PO}")
    return world.fold(photo, ev.PayloadKept(commitment=COMMITMENT, kind="account", by="TECH", subject="person:TECH"))


def test_each_payload_is_kept_for_a_reason_or_free() -> None:
    world = shop()
    found = asked(world, photo=True, account=True)
    until = moment(add_years(world.state.retained[PO].since, 2))
    assert (found[PHOTO].status, found[PHOTO].until, found[PHOTO].about) == ("kept", until, (PO,))
    assert (found[COMMITMENT].status, found[COMMITMENT].about) == ("free", ("TECH",))
    world.now = add_years(world.state.retained[PO].since, 2)
    assert asked(world, photo=True, account=True)[PHOTO].status == "free"
    world.fold(ev.HoldPlaced(subject=f"order:{PO}", by="CO", reason="a claim"))
    held = asked(world, photo=True, account=True)[PHOTO]
    assert (held.status, "by CO: a claim" in held.why) == ("held", True)


def test_what_was_erased_is_told_with_date_people_and_reason_and_never_as_missing() -> None:
    world = shop()
    gone = ev.PayloadErased(commitment=COMMITMENT, by="CO", approved_by="QA", reason="asked for")
    world.fold(gone)
    row = asked(world, photo=True)[COMMITMENT]
    assert (row.status, row.why) == ("erased", f"erased on {moment(world.now)} by CO and QA: asked for")
    assert asked(world, photo=True, account=True)[COMMITMENT].status == "left"
    assert asked(world, photo=True, account=False)[COMMITMENT].status == "left", "its bytes without the key, even so"


def test_what_is_nowhere_without_an_erasure_is_missing_or_its_key_is() -> None:
    world = shop()
    assert asked(world, account=True)[PHOTO].status == "missing"
    assert asked(world, account=True, photo=False)[PHOTO].status == "missing"
    world.fold(ev.PayloadKept(commitment=digest(b"a file elsewhere"), kind="evidence", by="QA"))
    assert asked(world)[digest(b"a file elsewhere")].status == "elsewhere"


def test_what_no_act_names_is_loose() -> None:
    found = retention(accepted_job().state, accepted_job().library, {PHOTO: True}, 0)
    assert [(row.commitment, row.status) for row in found] == [(PHOTO, "loose")]


def test_an_auditor_reads_beside_evidence_that_it_was_erased() -> None:
    world = shop()
    about = About([], world.state, world.library, None)
    assert about.paper(f"photo {PHOTO}") == f"photo {PHOTO}"
    world.fold(ev.PayloadErased(commitment=PHOTO, by="CO", approved_by="QA", reason="a face"))
    says = about.paper(f"photo {PHOTO}")
    assert says == f"photo {PHOTO} ({PHOTO[:20]}… erased on {moment(world.now)} by CO and QA: a face)"


# ---- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop in which an account was erased and a photo of an order is kept; neither ever was in a store."""
    return played(tmp_path_factory.mktemp("played"), "211")


def told(directory: Path, *more: str) -> tuple[int, list[dict[str, Any]]]:
    said = run("retention", "--data", directory, "--json", *more)
    return said.code, msgspec.json.decode(said.out)


def test_the_command_lists_and_its_exit_says_whether_something_is_missing(directory: Path, tmp_path: Path) -> None:
    code, rows = told(directory)
    assert code == 1
    assert [row["status"] for row in rows] == ["missing", "erased"]
    store = SqlitePayloads(tmp_path / "elsewhere.db")
    loose = store.put(b"loose", kind="evidence", by="QA", at=1)
    store.close()
    code, rows = told(directory, "--store", str(tmp_path / "elsewhere.db"))
    assert {row["commitment"]: row["status"] for row in rows}[loose] == "loose"
    assert rows[0]["status"] == "missing"
