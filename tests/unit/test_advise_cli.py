"""holdgate advise on a real shop: readings that a technician recorded, a contract with room, a draft that the AI signs."""

import asyncio
import base64
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from holdgate.crypto.keys import SigningKey
from holdgate.law import command as c
from holdgate.law.contract import Adaptable, document_digest
from holdgate.terms import canon
from holdgate.terms.instant import SECOND_US
from tests.unit import test_sites
from tests.unit.test_advisor import series, up
from tests.unit.test_cli import run
from tests.unit.test_sites import HUB, NODE, OTHER, T0, TECHNIQUE, TEMPLATE, House, running, settled, staged

FORCE: Final = Adaptable(
    id="force_max",
    kind="characteristic_max",
    step="S10",
    characteristic="forceatbreak",
    value="9.8765",
    min="5",
    max="9.8765",
    tighter="lower",
    approve=("level3",),
    auto_tighten=True,
)
ADAPTABLE: Final = replace(TECHNIQUE, adaptable=(FORCE,))
ORDERED: Final = replace(TEMPLATE, process=document_digest(ADAPTABLE))
VALUES: Final = [f"{float(value) / 10:.2f}" for value in series(48, up)]


async def measured(house: House, order: str, reader_seq: int, values: list[str], node: str = NODE) -> None:
    """A job in which these values are recorded, a second apart."""
    await staged(house, order, (f"S-{order}",), node)
    arrival = house.arrival(order, "SCN-1", reader_seq, (f"S-{order}",))
    assert (await house.ask("FLOOR", arrival)).decision.allowed
    await settled(house.shop)
    assert (await house.ask(node, house.start(order, "J-1", node))).decision.allowed
    step: dict[str, Any] = {"order": order, "job": "J-1", "step": "S10", "contract": document_digest(ORDERED)}
    head = house.head(node, ("TEC", "technician"), place="WS-1")
    assert (await house.ask(node, c.StartStep(**head, **step, equipment=(), materials=()))).decision.allowed
    for value in values:
        house.clock.instant += SECOND_US
        head = house.head(node, ("TEC", "technician"), place="WS-1")
        reading = c.RecordReading(
            **head, **step, characteristic="forceatbreak", value=value, unit="kN", capture="manual"
        )
        answer = await house.ask(node, reading)
        assert answer.decision.allowed, answer.decision


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed shop with 48 readings of one characteristic, which shifts after the thirtieth."""
    place = tmp_path_factory.mktemp("advise") / "shop"

    async def make() -> None:
        house = House(place, new=True)
        async with running(house):
            await test_sites._govern(house)
            await measured(house, "PO-1", 1, VALUES)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_sites, "TECHNIQUE", ADAPTABLE)
        patch.setattr(test_sites, "TEMPLATE", ORDERED)
        asyncio.run(make())
    return place


def advised(shop: Path, *options: str) -> dict[str, Any]:
    code, out, err = run("advise", str(shop), "--characteristic", "forceatbreak", "--json", *options)
    assert (code, err) == (0, "")
    document: dict[str, Any] = json.loads(out)
    return document


def test_it_charts_finds_and_suggests(shop: Path) -> None:
    code, out, _ = run("advise", str(shop), "--characteristic", "forceatbreak")
    assert code == 0
    assert "forceatbreak at S10 of SP-1 version 1, N-1: 48 readings in kN" in out
    assert " |" in out
    assert "A shift up from reading 31 of 48 on" in out
    assert "Suggestion: force_max 9.8765 -> " in out
    assert "Nothing was signed or recorded." in out


def test_the_json_document_has_all_of_it_and_is_the_same_again(shop: Path) -> None:
    document = advised(shop)
    assert document == advised(shop)
    assert document["verdict"] == "shift"
    assert [reading["value"] for reading in document["readings"]] == VALUES
    assert document["suggestion"]["param"] == "force_max"
    assert 5 < float(document["suggestion"]["value"]) < 9.8765
    assert "payload" not in document, "nobody was named to sign it"


def test_the_payload_is_the_act_that_the_ai_signs(shop: Path) -> None:
    document = advised(shop, "--as", "SID-AI-01", "--at", "2025-04-02T08:00:00Z")
    command = c.parse_command(base64.b64decode(document["payload"]))
    assert isinstance(command, c.SuggestTune)
    assert (command.site, command.actor.id, command.actor.role) == (HUB, "SID-AI-01", "ai")
    assert (command.param, command.value) == ("force_max", document["suggestion"]["value"])
    assert command.evidence == document["suggestion"]["evidence"]
    assert document["readings_sha256"] in str(command.evidence)


def test_since_leaves_out_what_was_before(shop: Path) -> None:
    document = advised(shop, "--since", "2025-04-01T13:00:31Z")
    assert document["verdict"] == "too few"
    assert "suggestion" not in document


def test_a_copy_without_the_business_hub_gives_no_advice(shop: Path, tmp_path: Path) -> None:
    shutil.copytree(shop / NODE, tmp_path / "copy" / NODE)
    shutil.copy(shop / "trust.json", tmp_path / "copy")
    code, out, err = run("advise", str(tmp_path / "copy"), "--characteristic", "forceatbreak")
    assert (code, out) == (2, "")
    assert "a contract that these records do not hold" in err


def test_the_vaults_copy_alone_serves_as_well(shop: Path) -> None:
    document = advised(shop / "VAULT", "--trust", str(shop / "trust.json"))
    assert document["verdict"] == "shift"
    assert document["readings_sha256"] == advised(shop)["readings_sha256"]


def test_bundles_serve_as_well(shop: Path, tmp_path: Path) -> None:
    assert run("ledger", "export", "--data", str(shop), "--bundles", str(tmp_path))[0] == 0
    assert advised(tmp_path, "--trust", str(shop / "trust.json"))["verdict"] == "shift"


def test_attack_advice_is_refused_on_a_record_that_was_altered(shop: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(shop, tmp_path / "shop")
    with sqlite3.connect(copy / NODE / "ledger.db") as db:
        rows = db.execute("SELECT seq, body FROM entry").fetchall()
        (seq, body) = next((seq, body) for seq, body in rows if b"ReadingRecorded" in body)
        db.execute("UPDATE entry SET body = ? WHERE seq = ?", (bytes(body).replace(b'"kN"', b'"kX"'), seq))
    db.close()
    code, out, err = run("advise", str(copy), "--characteristic", "forceatbreak")
    assert (code, out) == (2, "")
    assert "no advice from an unsound record" in err


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--characteristic", "viscosity"), "nothing was recorded of viscosity"),
        (("--characteristic", "forceatbreak", "--step", "S99"), "none of these fits"),
        (("--characteristic", "forceatbreak", "--version", "9"), "none of these fits"),
        (("--characteristic", "forceatbreak", "--site", OTHER), "none of these fits"),
        (("--characteristic", "forceatbreak", "--since", "yesterday"), "is not a time"),
    ],
)
def test_what_cannot_be_chosen_is_one_sentence(shop: Path, options: tuple[str, ...], why: str) -> None:
    code, out, err = run("advise", str(shop), *options)
    assert (code, out) == (2, "")
    assert why in err
    assert err.count("\n") == 1


def test_the_draft_reaches_the_hub_under_the_ais_own_signature(shop: Path, tmp_path: Path) -> None:
    """The payload is signed as it is; the hub reads it (what it decides is the law's, not the advisor's)."""
    copy = shutil.copytree(shop, tmp_path / "shop")
    document = advised(copy, "--as", "AI-1", "--at", "2025-04-01T13:05:00Z")
    command = c.parse_command(base64.b64decode(document["payload"]))

    async def story() -> None:
        house = House(copy, seed=1 << 30)
        house.clock.instant = T0 + 300 * SECOND_US
        async with running(house):
            house.desk.add("AI-1", SigningKey(b"\x07" * 32))
            newcomer = c.EnrolIdentity(
                **house.head(HUB, ("ADM", "admin"), ("QAM", "qa"), ("AI-1", "newcomer")),
                id="AI-1",
                name="Advisor",
                org="LAB",
                kind="module",
                key=house.desk.public("AI-1"),
                roles=("ai",),
            )
            assert (await house.ask(HUB, newcomer)).decision.allowed
            answer = await house.ask(HUB, command)
            assert answer.seq > 0
            assert "SIGNATURE_AUTH_FAILED" not in answer.decision.codes

    asyncio.run(story())
    assert canon.encode(command) == base64.b64decode(document["payload"])
