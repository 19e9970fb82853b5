"""A new release takes over a shop only if it decides every entry of it as it was decided."""

import shutil
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from msgspec.structs import replace

from holdgate.adapters.lock import SiteLock
from holdgate.audit.authorities import AUTHORITIES
from holdgate.backup import read_manifest
from holdgate.cli.app import main
from holdgate.law.authority import Authority, nothing_follows
from holdgate.law.decision import SEMANTICS, Decision
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from holdgate.upgrade import Release, check_release, upgrade
from tests.played import bodies, played

NOW = 1_800_000_000_000_000
SITES = ("FLOOR", "HUB", "NODE-FPI")


@pytest.fixture(scope="module")
def shop_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return played(tmp_path_factory.mktemp("upgrade"), "111")


@pytest.fixture
def shop(shop_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shop_once, tmp_path / "shop"))


def test_every_log_is_decided_again_and_the_shop_backed_up_before(shop: Path, tmp_path: Path) -> None:
    before = {site: bodies(shop, site) for site in SITES}
    done = upgrade(shop, tmp_path / "kept", "1.2.3", NOW)
    sizes = {item.site: item.size for item in done}
    assert {site: sizes[site] for site in SITES} == {site: len(before[site]) for site in SITES}
    assert {site: bodies(shop, site) for site in SITES} == before, "not a byte of any log changes"
    assert len(read_manifest(tmp_path / "kept").stores) == len(sizes) + 1, "and the Vault's"
    check_release(shop, "1.2.3")


@pytest.mark.parametrize("older", ["1.2.2", "1.1.9", "0.9", "1.2"])
def test_an_older_release_does_not_open_the_shop(shop: Path, tmp_path: Path, older: str) -> None:
    upgrade(shop, tmp_path / "kept", "1.2.3", NOW)
    with pytest.raises(Malformed, match=r"Holdgate 1\.2\.3 took over this shop"):
        check_release(shop, older)
    with pytest.raises(Malformed, match="took over"):
        upgrade(shop, tmp_path / "other", older, NOW)


def test_a_release_of_an_older_law_does_not_open_the_shop(shop: Path) -> None:
    newer = Release(version="0.0.1", semantics=SEMANTICS + 1, at=NOW)
    (shop / "release.json").write_bytes(msgspec.json.encode(newer))
    with pytest.raises(Malformed, match="took over"):
        check_release(shop, "9.9.9")


def test_a_release_that_decides_otherwise_takes_nothing_over(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gives a refusal another trace, which is enough."""
    true = AUTHORITIES["floor_hub"]

    def otherwise(*given: Any, **more: Any) -> Decision:
        decision = true.decide(*given, **more)
        return decision if decision.allowed else replace(decision, trace=("otherwise ok", *decision.trace))

    monkeypatch.setitem(AUTHORITIES, "floor_hub", Authority(cast("Any", otherwise), nothing_follows))
    with pytest.raises(Tampered, match="of FLOOR is not what this site recorded"):
        upgrade(shop, tmp_path / "kept", "1.2.3", NOW)
    assert not (shop / "release.json").exists()


def test_a_shop_that_is_open_is_left_alone(shop: Path, tmp_path: Path) -> None:
    lock = SiteLock(shop / "FLOOR")
    with pytest.raises(Unavailable, match="open in another process"):
        upgrade(shop, tmp_path / "kept", "1.2.3", NOW)
    lock.release()
    assert not (tmp_path / "kept").exists()


def test_the_command_says_what_was_done_and_up_goes_on(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["upgrade", str(shop), str(tmp_path / "kept")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "each decided again and the same" in said
    assert "has taken over" in said
    assert main(["upgrade", str(shop), str(tmp_path / "kept")]) == 2
    assert "is not empty" in capsys.readouterr().err
