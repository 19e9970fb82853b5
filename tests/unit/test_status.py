"""How sites stand, as `holdgate status` and a running shop's address tell it."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdgate.adapters.lock import SiteLock
from holdgate.cli.app import main
from holdgate.cli.status import _wrong
from holdgate.engine.address import bracketed, host_and_port
from holdgate.process import open_whole, read_config
from holdgate.terms.errors import Malformed, Unavailable


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A shop that was founded by the commands."""
    assert main(["site", "new", str(tmp_path / "shop.yaml")]) == 0
    shop = str(tmp_path / "shop.yaml")
    assert main(["site", "init", str(tmp_path / "lab"), "--shop", shop, "--root", str(tmp_path / "root.key")]) == 0
    return tmp_path / "lab"


async def asked(directory: Path, *paths: str) -> list[Any]:
    async with open_whole(directory) as (shop, app):
        await shop.settle()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://shop") as client:
            return [(await client.get(path)).json() for path in paths]


def test_a_founded_shop_opens_and_every_site_tells_how_it_stands(directory: Path) -> None:
    names, hub, vault = asyncio.run(asked(directory, "/", "/HUB/status", "/VAULT/status"))
    assert sorted(names) == ["FLOOR", "HUB", "NODE-FPI", "NODE-HT", "VAULT"]
    assert hub["kind"] == "business_hub"
    assert hub["reconciled"]
    assert hub["fault"] == ""
    assert hub["checkpoint"].startswith("lab.example/HUB\n")
    assert 0 < hub["witnessed_size"] <= hub["size"]
    assert hub["witnessed_at"] > 0
    assert {link["peer"]: (link["up"], link["backlog"]) for link in hub["links"]} == dict.fromkeys(
        ("NODE-FPI", "NODE-HT", "FLOOR", "VAULT"), (True, 0)
    )
    assert {mirror["origin"]: mirror["evidence"] for mirror in vault["mirrors"]} == dict.fromkeys(
        (f"lab.example/{name}" for name in ("HUB", "FLOOR", "NODE-FPI", "NODE-HT")), 0
    )


def test_a_shop_that_is_open_is_not_opened_a_second_time(directory: Path) -> None:
    lock = SiteLock(directory / "FLOOR")
    with pytest.raises(Unavailable, match=r"FLOOR is open in another process \(process \d+\)"):
        asyncio.run(asked(directory, "/"))
    lock.release()
    assert asyncio.run(asked(directory, "/"))


def test_what_stands_in_the_way_of_founding_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = tmp_path / "shop.yaml"
    main(["site", "new", str(shop)])
    whole = shop.read_text(encoding="utf-8")

    def refused(text: str, root: str = "root.key") -> str:
        shop.write_text(text, encoding="utf-8")
        capsys.readouterr()
        assert main(["site", "init", str(tmp_path / "lab"), "--shop", str(shop), "--root", str(tmp_path / root)]) == 2
        assert not (tmp_path / "lab").exists()
        assert not (tmp_path / root).exists()
        return capsys.readouterr().err

    assert "lock away" in refused(whole, "lab/root.key")
    assert "two founders have to be officers" in refused(whole.replace("roles: [qa]", "roles: [technician]"))
    assert "WS-OFFICE is no founder" in refused(whole.replace("{id: WS-OFFICE", "{id: WS-FRONT"))
    assert "same id" in refused(whole.replace("[NODE-FPI, NODE-HT]", "[NODE-FPI, NODE-FPI]"))
    assert "knots" in refused(whole.replace("nodes:", "knots:"))
    assert "hex" in refused(whole.replace("name: A. Diaz,", "name: A. Diaz, key: zz,"))


def test_a_second_founding_overwrites_nothing(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    shop = str(directory.parent / "shop.yaml")
    assert main(["site", "init", str(directory), "--shop", shop, "--root", str(directory.parent / "other.key")]) == 2
    assert "holds a shop already" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()} == before
    assert not (directory.parent / "other.key").exists()


def test_keys_are_for_their_owner_alone(directory: Path) -> None:
    keys = [*directory.rglob("*.key"), directory.parent / "root.key"]
    assert len(keys) == 5 + 3 + 1
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}


def test_a_configuration_names_its_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    for text, words in (("site = 'A'\ndata = '.'\nlissten = 'x'", "lissten"), ("site = ", "no configuration")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(Malformed, match=words):
            read_config(path)
    path.write_text("site = 'A'\ndata = 'shop'\n", encoding="utf-8")
    assert read_config(path).data == str(tmp_path / "shop")
    assert host_and_port("[::1]:8460") == ("::1", 8460)
    assert [bracketed(host) for host in ("::1", "dock")] == ["[::1]", "dock"]
    for listen in ("8460", "dock:٣", "host:", ":80", "h:70000", "h:x"):
        with pytest.raises(Malformed, match="no host:port"):
            host_and_port(listen)


def test_a_clock_that_was_ahead_is_something_to_see_to(directory: Path) -> None:
    (one,) = asyncio.run(asked(directory, "/HUB/status"))
    assert _wrong(one) == ""
    assert _wrong(one | {"backdated_us": 552_000_000}) == (
        "its clock was ahead when it last wrote: what is signed now is refused as backdated for about 9 min 12 s"
    )


def test_a_clock_that_is_not_followed_is_something_to_see_to(directory: Path) -> None:
    told = (
        "its machine's clock is 2 h 40 min ahead of the time that it goes by, and nothing speaks for that: "
        "set it right; if it is right, see to the Vault's clock and start again"
    )
    for site in ("HUB", "VAULT"):
        (one,) = asyncio.run(asked(directory, f"/{site}/status"))
        assert one["ahead_us"] == 0
        assert _wrong(one | {"ahead_us": 9_600_000_000}) == told


def test_nothing_there_is_said_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "nowhere"]) == 2
    assert "no host:port" in capsys.readouterr().err


def test_actions_come_in_over_http_and_a_denial_is_an_answer(directory: Path) -> None:
    async def post() -> list[httpx.Response]:
        async with (
            open_whole(directory) as (_, app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://shop") as client,
        ):
            plain = await client.post("/HUB/actions", content=b"noise")
            odd = await client.post("/HUB/actions", json={"envelope": {}, "document": {}})
            vault = await client.post("/VAULT/actions", content=b"noise")
            kept = await client.post("/HUB/actions?kept=for-ever", content=b"noise")
            return [plain, odd, vault, kept]

    plain, odd, vault, kept = asyncio.run(post())
    assert (kept.status_code, json.loads(kept.content)["detail"][-10:]) == (400, "'for-ever'")
    assert (plain.status_code, plain.headers["content-type"]) == (400, "application/problem+json")
    assert json.loads(plain.content)["title"] == "The request cannot be read"
    assert odd.status_code == 400
    assert vault.status_code == 404, "the Vault takes no actions"


WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("nats", "paho", "opentelemetry"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
from holdgate.cli.app import main
import holdgate.cli.up
sys.exit(main(sys.argv[1:]))
"""


def test_one_machine_needs_no_broker_and_no_client_of_one(directory: Path) -> None:
    """The embedded default runs on the locked runtime packages alone; what is missing for several machines is said."""
    (directory / "site.toml").write_text('site = "NODE-FPI"\ndata = "."\n', encoding="utf-8")
    assert main(["bus", "init", str(directory), "--shop", "lab"]) == 0

    def told(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-c", WITHOUT, *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr

    assert told("up", str(directory), "--listen", "nowhere") == (
        2,
        "holdgate: 'nowhere' is no host:port, such as 127.0.0.1:8460 (ports 0 to 65535)\n",
    ), "it got as far as listening"
    (directory / "line").write_text("x", encoding="utf-8")
    for scheme, extra in (("mqtt", "mqtt"), ("nats", "nats")):
        to = ("--to", f"{scheme}://127.0.0.1:9/lab/FLOOR", "--line", str(directory / "line"))
        code, why = told("scan", "--reader", "R", "--key", "k", "--outbox", "o", "--log", "x", *to)
        assert (code, f"pip install 'holdgate[{extra}]'" in why) == (2, True), why
    code, why = told("run", "node", "--config", str(directory / "site.toml"))
    assert (code, "pip install 'holdgate[nats]'" in why) == (2, True), why
