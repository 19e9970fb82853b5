"""Who is told: the file, its mistakes, and where a webhook may go."""

import ipaddress
from pathlib import Path

import pytest

from holdgate.adapters.smtp import check_address
from holdgate.adapters.webhook import read_endpoint, refusal
from holdgate.cli.app import main
from holdgate.notifying import KEY, check_teller, kinds_of, link_of, read_notify_config, webhook_key
from holdgate.query.notices import FOR_CLIENTS, KINDS, Notice
from holdgate.terms.errors import Malformed, Unavailable

GOOD = """
link = "https://hub.floor.lan"
closing_hours = 12
[smtp]
host = "mail.lab.test"
from = "holdgate@lab.test"
login = "login"
[[target]]
name = "qa"
mail = "qa@lab.test"
kinds = ["work.*", "vault.alarm"]
[[target]]
name = "aero"
url = "https://erp.aero.test/hook"
client = "AERO"
allow = ["169.254.10.0/24"]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "notify.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_says_who_is_told_and_names_files_beside_it(tmp_path: Path) -> None:
    config = read_notify_config(written(tmp_path, GOOD))
    qa, aero = config.targets
    assert kinds_of(qa) == {"work.held", "work.released", "vault.alarm"}
    assert kinds_of(aero) == set(FOR_CLIENTS)
    assert config.smtp is not None
    assert config.smtp.login == str(tmp_path / "login")
    assert config.timing.ahead_us == 12 * 3_600_000_000


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('name = "qa"', 'name = "q a"', "name of a target"),
        ('name = "qa"', 'name = "aero"', "a name of its own"),
        ('mail = "qa@lab.test"', "", "a url or a mail"),
        ('mail = "qa@lab.test"', 'mail = "qa@lab.test"\nurl = "https://x.test/"', "a url or a mail"),
        ('mail = "qa@lab.test"', 'mail = "qa@lab.test\\r\\nBcc: x@y"', "no mail address"),
        ('"vault.alarm"', '"vault.alarms"', "'vault.alarms' is none; there are report.ready"),
        ('client = "AERO"', 'client = "AERO"\nkinds = ["due.*"]', "none for clients"),
        ("https://erp.aero.test/hook", "http://erp.aero.test/hook", "over http a webhook goes to this machine alone"),
        ("https://erp.aero.test/hook", "https://user:pw@erp.aero.test/hook", "no address of a webhook"),
        ("https://erp.aero.test/hook", "ftp://erp.aero.test/hook", "no address of a webhook"),
        ("https://erp.aero.test/hook", "https://erp.aero.test/a b", "no address of a webhook"),
        ("https://erp.aero.test/hook", "https://erp.aero.test:99999/", "no address of a webhook"),
        ("169.254.10.0/24", "169.254.10.1/24", "allow names networks"),
        ("closing_hours = 12", "closing_hours = -1", "closing_hours is between"),
        ("closing_hours = 12", "due_days = [4000]", "due_days is between"),
        ("closing_hours = 12", "clsing_hours = 12", "clsing_hours"),
        ("https://hub.floor.lan", "javascript:alert(1)", "link"),
        ('host = "mail.lab.test"', 'host = "mail.lab.test"\nsecurity = "none"', "without TLS"),
        ('from = "holdgate@lab.test"', 'from = "Holdgate <holdgate@lab.test>"', "no mail address"),
        ("[smtp]", "[smpt]", "smpt"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, why: str) -> None:
    assert GOOD.count(old) >= 1
    with pytest.raises(Malformed) as told:
        read_notify_config(written(tmp_path, GOOD.replace(old, new, 1)))
    assert why in str(told.value)
    assert "notify.toml" in str(told.value)


def test_mails_want_a_server(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="names no server"):
        read_notify_config(written(tmp_path, '[[target]]\nname = "qa"\nmail = "qa@lab.test"\n'))


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"notify\.toml"):
        read_notify_config(tmp_path / "notify.toml")


@pytest.mark.parametrize("text", ["a@b\r\n", "a b@c", "a@", "@b", "a@b@c", "a@-b", "a" * 65 + "@b", "ä@b", "<a@b>"])
def test_only_plain_addresses_are_mailed_to(text: str) -> None:
    with pytest.raises(Malformed):
        check_address(text)


def test_only_hubs_tell_anybody() -> None:
    check_teller("notify.toml", "business_hub")
    check_teller("notify.toml", "floor_hub")
    check_teller("", "node")
    for kind in ("node", "vault"):
        with pytest.raises(Malformed, match="tells nobody"):
            check_teller("notify.toml", kind)


def test_links_lead_to_the_order_and_are_quoted() -> None:
    notice = Notice(id="i", kind=KINDS[0], origin="o", place="", subject="", at=0, says="", data={"order": "PO/1?"})
    assert link_of("https://hub/HUB/", notice) == "https://hub/HUB/office/PO%2F1%3F"
    assert link_of("https://hub/HUB", notice, outside=True) == "https://hub/HUB/client/PO%2F1%3F"
    assert (
        link_of("https://hub", Notice(id="i", kind="k", origin="o", place="", subject="", at=0, says=""))
        == "https://hub/office"
    )
    assert link_of("", notice) == ""


# ---- where a webhook may go ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.10.1",
        "fe80::1",
        "fe80::1%eth0",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "224.0.0.1",
        "ff02::1",
        "0.0.0.0",
        "::",
        "255.255.255.255",
        "240.0.0.1",
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
    ],
)
def test_a_name_that_leads_to_this_machine_or_a_metadata_service_is_refused(address: str) -> None:
    assert refusal(address, local=False, allowed=())


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "192.168.0.9", "172.16.0.1", "fd12:3456::1", "1.1.1.1", "2606:4700::1"]
)
def test_a_factorys_own_network_and_the_world_are_not(address: str) -> None:
    assert refusal(address, local=False, allowed=()) == ""


def test_the_configuration_can_allow_a_network_and_no_more() -> None:
    allowed = (ipaddress.ip_network("169.254.10.0/24"),)
    assert refusal("169.254.10.7", local=False, allowed=allowed) == ""
    assert refusal("169.254.169.254", local=False, allowed=allowed)


def test_this_machine_is_reached_by_its_own_name_only_and_that_name_leads_nowhere_else() -> None:
    assert refusal("127.0.0.1", local=True, allowed=()) == ""
    assert refusal("10.0.0.1", local=True, allowed=())
    assert read_endpoint("http://localhost:8080/x").local
    assert read_endpoint("https://[::1]:8443/x?y=z") == read_endpoint("https://[::1]:8443/x?y=z")
    assert read_endpoint("https://[::1]:8443/x?y=z").authority == "[::1]:8443"
    with pytest.raises(Malformed):
        read_endpoint("http://127.0.0.2/")
    with pytest.raises(Malformed):
        read_endpoint("http://localhost.evil.test/")


# ---- the key and the commands --------------------------------------------------------------------------------------


def test_the_key_is_made_once_is_the_sites_own_and_nobody_else_reads_it(tmp_path: Path) -> None:
    key = webhook_key(tmp_path)
    assert webhook_key(tmp_path).seed == key.seed
    assert (tmp_path / KEY).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / KEY).read_text().startswith("whsk_")
    (tmp_path / KEY).write_text("whsk_AAAA\n")
    with pytest.raises(Malformed, match="no key of webhooks"):
        webhook_key(tmp_path)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    assert main(["site", "new", str(tmp_path / "shop.yaml")]) == 0
    root = str(tmp_path / "root.key")
    assert main(["site", "init", str(tmp_path / "lab"), "--shop", str(tmp_path / "shop.yaml"), "--root", root]) == 0
    return tmp_path / "lab"


def test_the_commands_show_the_key_and_that_nobody_is_told(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notify", "key", "--data", str(shop)]) == 0
    first = capsys.readouterr().out
    assert first.startswith("whpk_")
    assert main(["notify", "key", "--data", str(shop)]) == 0
    assert capsys.readouterr().out == first
    assert main(["notify", "key", "--data", str(shop), "--site", "FLOOR"]) == 0
    assert capsys.readouterr().out != first
    assert main(["notify", "status", "--data", str(shop)]) == 0
    assert "told nobody" in capsys.readouterr().out
    assert main(["notify", "resume", "x", "--data", str(shop)]) == 2
    assert main(["notify", "key", "--data", str(shop), "--site", "VAULT"]) == 2
    assert main(["notify", "test", "x", "--data", str(shop)]) == 2
