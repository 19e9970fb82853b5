"""The root of trust as a page: read from the record, compared with what the site trusts, and nothing that takes a key."""

from pathlib import Path
from typing import Final

import pytest

from holdgate.adapters.sqlite_reception import SqliteReception
from holdgate.crypto.envelope import add_signature, open_envelope
from holdgate.crypto.hashes import digest
from holdgate.crypto.keys import SigningKey, key_id
from holdgate.demo.shop import ADMIN, OFFICE
from holdgate.founding import Plan, establish, propose
from holdgate.identity.charter import CHARTER_TYPE, Founder, Settings
from holdgate.web.pages import root as page
from tests import hub_shop as hub
from tests.worked_shop import Served

KEEPERS: Final = tuple(SigningKey.from_seed(bytes([n]) * 32) for n in (1, 2, 3))
SETTINGS: Final = Settings(
    name="Example",
    tz="UTC",
    receiving_zones=("DOCK",),
    office="WS-OFFICE",
    session_idle_s=600,
    entry_skew_s=120,
    arrival_skew_s=120,
    arrival_fresh_s=120,
    approval_roles=("admin", "qa"),
    report_fields=(),
)


def founded(directory: Path, signing: tuple[SigningKey, ...], threshold: int) -> None:
    admin = SigningKey.from_seed(b"a" * 32)
    founders = (Founder(id=ADMIN, name="A. Diaz", org="LAB", kind="person", key=admin.public, roles=("admin",)),)
    plan = Plan(org="LAB", domain="lab.test", settings=SETTINGS, nodes=("N-1",), founders=founders)
    envelope = propose(directory, plan, tuple(key.public for key in KEEPERS), threshold)
    for key in signing:
        envelope = add_signature(envelope, key_id(key.public), key)
    establish(directory, envelope)


@pytest.mark.parametrize(("threshold", "signing", "spare"), [(2, (0, 2), 1), (3, (0, 1, 2), 0), (1, (1,), 2)])
def test_the_page_says_who_of_the_keepers_signed(
    tmp_path: Path, threshold: int, signing: tuple[int, ...], spare: int
) -> None:
    shop, now = tmp_path / "shop", 1_790_000_000_000_000
    founded(shop, tuple(KEEPERS[n] for n in signing), threshold)
    raw = (shop / "charter.json").read_bytes()
    reception = SqliteReception(tmp_path / "reception.db")
    with hub.opened(shop, now) as sites:
        shown = page.root(hub.Office(sites, reception, now).view(ADMIN))
    reception.close()
    assert [keeper.signed for keeper in shown.keepers] == [n in signing for n in range(3)]
    assert [keeper.key_id for keeper in shown.keepers] == [key_id(key.public) for key in KEEPERS]
    assert [keeper.since for keeper in shown.keepers] == [1, 1, 1]
    assert (shown.version, shown.place, shown.gone) == (1, 0, ())
    assert (shown.threshold, shown.signed, shown.spare, shown.alone) == (threshold, len(signing), spare, threshold == 1)
    assert shown.digest == digest(open_envelope(raw, CHARTER_TYPE).payload)
    assert shown.same


def test_the_page_takes_no_key_and_says_how_roots_are_exchanged(served: Served) -> None:
    shown = served.get("/HUB/admin/root", ADMIN, OFFICE).text
    main = shown.partition("<main")[2].partition("</main>")[0]
    assert "<form" not in main
    assert "<input" not in main
    assert "<button" not in main
    assert "holdgate root next LAB" in main
    assert "never come back" in main
    assert "never in a browser" in main


def test_the_commands_that_a_keeper_is_shown_are_commands() -> None:
    documented = Path(__file__).parents[2].joinpath("docs", "commands.md").read_text(encoding="utf-8")
    for command in (*page.CHECK, *page.EXCHANGE, *page.NEXT_SHOP):
        for line in command.lines:
            words = line.split()
            name = " ".join(words[:3] if words[1] != "audit" else words[:2])
            assert f"### `{name}`" in documented, line
