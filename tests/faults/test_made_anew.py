"""Whoever holds all of the shop's keys can make its whole record anew. Only a cosignature from outside of the shop shows it."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typing_extensions import override

from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.audit.replay import audit_log
from holdgate.bootstrap import read_trust
from holdgate.cli.app import main
from holdgate.cli.records import audit_file
from holdgate.engine.source import StoreSource
from holdgate.ledger.merkle import consistency_path, root_of
from holdgate.ledger.note import Notary, make_vkey, parse_vkey, read_note
from holdgate.ledger.witness import Witness, write_request
from tests.unit.test_sites import HUB, VAULT, House, founded, settled
from tests.witnesses import T_S, Log, cosigner, witness_at

ORIGIN = f"lab.test/{HUB}"
OUTSIDE = "client.test/witness"


async def history(house: House, *batches: str) -> list[bytes]:
    """The hub works under the Vault's eyes; gives the leaves of its log."""
    house.open_vault()
    await house.open(HUB)
    for batch in batches:
        assert (await house.ask(HUB, house.material(batch))).decision.allowed
        await settled(house.shop)
    leaves = house.shop.sites[HUB].means.store.leaves(0, 1 << 30)
    await house.close()
    return leaves


class Lab:
    """A shop, the same shop made anew, and what a client's witness kept of the first."""

    def __init__(self, place: Path) -> None:
        true = founded(place)
        anew = House(Path(shutil.copytree(true.directory, place / "anew")), seed=5 << 16)
        self.true, self.anew = true.directory, anew.directory
        leaves = self.leaves = asyncio.run(history(true, "B-1", "B-2", "B-3", "B-4"))
        other = self.other = asyncio.run(history(anew, "X-1", "B-2", "B-3", "B-4"))
        hub = next(seat for seat in true.shop.charter.sites if seat.id == HUB)
        witness = Witness(
            {ORIGIN: parse_vkey(make_vkey(ORIGIN, hub.key))}, witness_at(place / "w").store, cosigner(OUTSIDE)
        )
        self.size = min(len(leaves), len(other)) - 1
        signed = Notary(ORIGIN, true.desk.key(HUB)).checkpoint(self.size, root_of(leaves[: self.size]))
        assert witness.add_checkpoint(write_request(0, [], signed), T_S).status == 200
        kept = witness.store.latest(ORIGIN)
        assert kept is not None
        self.kept = place / "hub.note"
        self.kept.write_bytes(kept)
        trust = read_trust(true.directory / "trust.json")
        self.trust = place / "trust.json"
        self.trust.write_bytes(
            msgspec.json.encode(msgspec.structs.replace(trust, witnesses=(*trust.witnesses, cosigner(OUTSIDE).vkey)))
        )
        self.witness = witness

    def audit(self, which: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any]]:
        code = main(["audit", str(which / HUB), "--trust", str(self.trust), "--json", *more])
        return code, json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("anew"))


def test_a_record_made_anew_with_all_keys_of_the_shop_passes_every_check_inside(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    """That is what it means to hold all keys: the Vault cosigned the second history too."""
    assert lab.other[: lab.size] != lab.leaves[: lab.size]
    code, told = lab.audit(lab.anew, capsys)
    (record,) = told["records"]
    assert (code, told["sound"], record["findings"]) == (0, True, [])
    assert list(record["cosigned"]) == [f"lab.test/{VAULT}"]
    assert record["outside"] == {}, "and it says that nobody outside cosigned"


def test_an_older_cosignature_from_outside_shows_it_and_names_log_size_and_both_roots(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = lab.audit(lab.anew, capsys, "--cosigned", str(lab.kept))
    (record,) = told["records"]
    assert (code, told["sound"]) == (1, False)
    (finding,) = record["findings"]
    for wanted in (
        OUTSIDE,
        "forked",
        f"{ORIGIN} at {lab.size}",
        root_of(lab.leaves[: lab.size]).hex(),
        root_of(lab.other[: lab.size]).hex(),
    ):
        assert wanted in finding["what"]


def test_the_true_record_passes_with_it_and_says_who_cosigned_from_outside(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = lab.audit(lab.true, capsys, "--cosigned", str(lab.kept))
    (record,) = told["records"]
    assert (code, record["findings"]) == (0, [])
    assert record["outside"] == {OUTSIDE: lab.size}


def test_the_vaults_copy_made_anew_is_shown_too(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    for which, sound in ((lab.true, True), (lab.anew, False)):
        path = which / VAULT / "mirror.db"
        main(["audit", str(path), "--trust", str(lab.trust), "--json", "--cosigned", str(lab.kept)])
        assert json.loads(capsys.readouterr().out)["sound"] is sound


def test_a_record_cut_below_what_was_cosigned_outside_is_shown(lab: Lab) -> None:
    class Cut(StoreSource):
        @override
        def bodies(self) -> Iterator[tuple[int, bytes, bytes]]:
            return (row for row in StoreSource.bodies(self) if row[0] < lab.size - 1)

    with closing(SqliteStore(lab.true / HUB / "ledger.db", read_only=True)) as store:
        report = audit_log(Cut(store), read_trust(lab.trust), kept=[lab.kept.read_bytes()])
    assert any(f"cosigned {lab.size} entries, but only {lab.size - 1}" in found.what for found in report.findings)


def test_the_outside_witness_refuses_the_second_history_and_keeps_the_proof(lab: Lab) -> None:
    hub = Notary(ORIGIN, House(lab.true).desk.key(HUB))
    longer = hub.checkpoint(len(lab.other), root_of(lab.other))
    proof = consistency_path(lab.other, lab.size)
    reply = lab.witness.add_checkpoint(write_request(lab.size, proof, longer), T_S)
    assert reply.status == 422
    assert [item.why for item in lab.witness.store.evidence()] == ["not_continued"]
    same = hub.checkpoint(lab.size, root_of(lab.other[: lab.size]))
    assert lab.witness.add_checkpoint(write_request(lab.size, [], same), T_S).status == 422
    assert [item.why for item in lab.witness.store.evidence()] == ["not_continued", "two_roots"]


# ---- what may be brought -------------------------------------------------------------------------------------------


def test_a_cosignature_that_nobody_trusted_made_is_refused(
    lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, _ = read_note(lab.kept.read_bytes())
    forged = tmp_path / "forged.note"
    log = lab.kept.read_bytes().partition(f"— {OUTSIDE} ".encode())[0]
    forged.write_bytes(log + cosigner("stranger.test/w").line(text, T_S))
    assert main(["audit", str(lab.anew / HUB), "--trust", str(lab.trust), "--cosigned", str(forged)]) == 2
    assert "no witness that you trust cosigned" in capsys.readouterr().err
    other = text.replace(b"\n%d\n" % lab.size, b"\n%d\n" % (lab.size - 1))
    forged.write_bytes(other + lab.kept.read_bytes()[len(text) :])
    assert main(["audit", str(lab.anew / HUB), "--trust", str(lab.trust), "--cosigned", str(forged)]) == 2
    assert "does not hold" in capsys.readouterr().err


def test_a_checkpoint_of_a_log_that_is_not_audited_is_not_passed_over(
    lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Log("lab.test/OTHER")
    text, _ = read_note(other.note(3))
    path = tmp_path / "other.note"
    path.write_bytes(other.note(3) + cosigner(OUTSIDE).line(text, T_S))
    assert main(["audit", str(lab.true / HUB), "--trust", str(lab.trust), "--cosigned", str(path)]) == 2
    assert "lab.test/OTHER" in capsys.readouterr().err


def test_an_audit_that_trusts_nobody_outside_does_not_speak_of_it(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    trust = read_trust(lab.true / "trust.json")
    (item,) = audit_file(lab.true / HUB / "ledger.db", trust)
    assert item.report.outside is None
    main(["audit", str(lab.anew / HUB), "--trust", str(lab.trust)])
    assert "no witness outside of the shop cosigned" in " ".join(capsys.readouterr().out.split())
