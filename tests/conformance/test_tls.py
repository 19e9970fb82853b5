"""The shop's own certificates, and a server that speaks TLS by them, on loopback."""

import asyncio
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from holdgate.adapters import tls_files
from holdgate.adapters.http_serve import Limits
from holdgate.adapters.http_site import Only
from holdgate.adapters.tls_context import HOST, Renewed
from holdgate.adapters.tls_files import domain_of, make, renew, show
from holdgate.cli.app import main
from holdgate.process import read_config
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.instant import SECOND_US
from tests.edge import LOOPS, WAIT_S, Echo, ask, heard, with_server

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
DAY_US = 86_400 * SECOND_US
NAME = "hub.floor.lan"
CLOSE = b"GET /portal/a HTTP/1.1\r\nhost: hub.floor.lan\r\nconnection: close\r\n\r\n"


def now() -> int:
    return int(time.time()) * SECOND_US


def believing(directory: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=directory / "ca.pem")


def speak(port: int, context: ssl.SSLContext, name: str = NAME, raw: bytes = CLOSE) -> tuple[bytes, str | None]:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as plain,
        context.wrap_socket(plain, server_hostname=name) as sock,
    ):
        sock.sendall(raw)
        return heard(sock), sock.selected_alpn_protocol()


def certificate(directory: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((directory / HOST).read_bytes())


# ---- the files -----------------------------------------------------------------------------------------------------


def test_what_is_made_says_what_it_is_for(tmp_path: Path) -> None:
    at = now()
    shown = make(tmp_path, ["HUB.floor.lan", "desk.floor.lan"], at)
    assert shown.hosts == ("hub.floor.lan", "desk.floor.lan")
    assert shown.domains == ("floor.lan",)
    assert shown.valid_to - shown.valid_from == 398 * DAY_US
    assert shown.authority_to is not None
    assert shown.authority_to - shown.valid_from == 3_650 * DAY_US
    assert [len(group) for group in shown.fingerprint.split()] == [4] * 16
    for name in ("ca.key", HOST):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    own = certificate(tmp_path)
    assert isinstance(own.public_key(), ec.EllipticCurvePublicKey)
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    assert (tmp_path / "ca.crt").read_bytes() == authority.public_bytes(Encoding.DER)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    make(tmp_path, [NAME], now())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(Malformed, match="there already"):
        make(tmp_path, [NAME], now())
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    "name", ["", "a b", "*.floor.lan", "-a.lan", "a..b", "a_b.lan", "hüb.lan", "x" * 64, "a." * 130, "http://a"]
)
def test_what_is_no_host_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Malformed, match="no name of a host"):
        make(tmp_path, [name], now())
    assert not list(tmp_path.iterdir())


def test_no_host_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="name 1 to"):
        make(tmp_path, [], now())


def test_the_authority_vouches_for_the_hosts_domain_and_never_for_a_last_label() -> None:
    assert domain_of("hub.floor.lan") == "floor.lan"
    assert domain_of("hub.local") == "hub.local"
    assert domain_of("hub") == "hub"
    assert domain_of("192.168.1.5") == "192.168.1.5"


def test_renewing_keeps_the_authority_and_changes_the_key(tmp_path: Path) -> None:
    first = make(tmp_path, [NAME], now() - 300 * DAY_US)
    key = certificate(tmp_path).public_key()
    again = renew(tmp_path, now())
    assert again.fingerprint == first.fingerprint
    assert again.hosts == first.hosts
    assert again.valid_to > first.valid_to
    assert certificate(tmp_path).public_key() != key
    assert (tmp_path / HOST).stat().st_mode & 0o777 == 0o600
    assert renew(tmp_path, now(), ["new.floor.lan"]).hosts == ("new.floor.lan",)


def test_renewing_is_refused_beyond_the_domain_without_the_key_or_after_the_authority(tmp_path: Path) -> None:
    make(tmp_path, [NAME], now() - 3_600 * DAY_US)
    with pytest.raises(Malformed, match=r"floor\.lan only"):
        renew(tmp_path, now(), ["hub.example.com"])
    shown = renew(tmp_path, now())
    assert shown.valid_to == shown.authority_to, "no certificate outlives its authority"
    with pytest.raises(Malformed, match="ended on"):
        renew(tmp_path, now() + 60 * DAY_US)
    make(tmp_path / "other", [NAME], now())
    (tmp_path / "ca.key").write_bytes((tmp_path / "other" / "ca.key").read_bytes())
    with pytest.raises(Malformed, match="is not the key of"):
        renew(tmp_path, now())
    (tmp_path / "ca.key").unlink()
    with pytest.raises(Unavailable, match="cannot be read"):
        renew(tmp_path, now())
    assert show(tmp_path) == shown


@pytest.mark.parametrize(
    "spoiled", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_spoiled_file_is_no_certificate(tmp_path: Path, spoiled: bytes) -> None:
    make(tmp_path, [NAME], now())
    (tmp_path / HOST).write_bytes(spoiled)
    with pytest.raises(Malformed, match="holds no certificate"):
        show(tmp_path)
    with pytest.raises(Unavailable, match="holds no key and certificate"):
        Renewed(tmp_path)


# ---- the server ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loop", LOOPS)
def test_a_browser_that_believes_the_authority_is_answered_over_tls(tmp_path: Path, loop: str) -> None:
    make(tmp_path, [NAME], now())
    echo = Echo()

    async def told(port: int) -> None:
        context = believing(tmp_path)
        context.set_alpn_protocols(["h2", "http/1.1"])
        said, spoken = await asyncio.to_thread(speak, port, context)
        assert said.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nstrict-transport-security: max-age=31536000\r\n" in said
        assert spoken == "http/1.1"
        assert echo.scopes[0]["scheme"] == "https"
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = believing(tmp_path)
            context.minimum_version = context.maximum_version = version
            assert (await asyncio.to_thread(speak, port, context))[0].startswith(b"HTTP/1.1 200 OK\r\n")

    with_server(echo, told, loop=loop, secure=Renewed(tmp_path))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_strangers_old_versions_and_other_names_find_nothing(tmp_path: Path) -> None:
    make(tmp_path / "ours", [NAME], now())
    make(tmp_path / "theirs", [NAME], now())

    async def told(port: int) -> None:
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.to_thread(speak, port, believing(tmp_path / "theirs"))
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.to_thread(speak, port, believing(tmp_path / "ours"), "other.floor.lan")
        old = believing(tmp_path / "ours")
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, OSError)):
            await asyncio.to_thread(speak, port, old)
        assert not (await asyncio.to_thread(ask, port, CLOSE)).startswith(b"HTTP")

    echo = Echo()
    with_server(echo, told, secure=Renewed(tmp_path / "ours"))
    assert not echo.seen


def test_a_stolen_authority_is_no_key_to_the_rest_of_the_web(tmp_path: Path) -> None:
    """A certificate of another name, signed by the authority's key past `renew`."""
    make(tmp_path, [NAME], now())
    key = load_pem_private_key((tmp_path / "ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())

    async def told(port: int) -> None:
        with pytest.raises(ssl.SSLCertVerificationError, match=r"permitted subtree|excluded subtree"):
            await asyncio.to_thread(speak, port, believing(tmp_path), forged)

    for forged in ("bank.example.com", "127.0.0.1"):
        place = tmp_path / forged
        place.mkdir()
        (place / HOST).write_bytes(tls_files._host(key, authority, [forged], now()))
        with_server(Echo(), told, secure=Renewed(place))


@pytest.mark.parametrize("loop", LOOPS)
def test_a_renewed_certificate_is_served_without_a_restart_and_a_spoiled_one_is_not(
    tmp_path: Path, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdgate.adapters.tls_context.LOOK_S", 0.0)
    make(tmp_path, [NAME], now())

    def served(port: int) -> bytes | None:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as plain,
            believing(tmp_path).wrap_socket(plain, server_hostname=NAME) as sock,
        ):
            return sock.getpeercert(binary_form=True)

    async def told(port: int) -> None:
        first = await asyncio.to_thread(served, port)
        assert first == certificate(tmp_path).public_bytes(Encoding.DER)
        renew(tmp_path, now())
        second = await asyncio.to_thread(served, port)
        assert second == certificate(tmp_path).public_bytes(Encoding.DER) != first
        (tmp_path / HOST).write_bytes(b"half a file")
        assert await asyncio.to_thread(served, port) == second

    with_server(Echo(), told, loop=loop, secure=Renewed(tmp_path))


@pytest.mark.parametrize("loop", LOOPS)
def test_a_handshake_that_drips_is_cut_off_and_counted(tmp_path: Path, loop: str) -> None:
    make(tmp_path, [NAME], now())

    async def told(port: int) -> None:
        socks = [socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) for _ in range(20)]
        for sock in socks:
            sock.sendall(b"\x16\x03\x01\x02\x00")
        for sock in socks:
            assert await asyncio.to_thread(heard, sock) == b""
            sock.close()
        context = believing(tmp_path)
        found: list[bytes] = []

        async def once() -> bool:
            with_reset = await asyncio.gather(asyncio.to_thread(speak, port, context), return_exceptions=True)
            found.extend(one[0] for one in with_reset if isinstance(one, tuple))
            return bool(found)

        for _ in range(100):
            if await once():
                break
            await asyncio.sleep(0.1)
        assert found[0].startswith(b"HTTP/1.1 200 OK")

    with_server(Echo(), told, Limits(header_s=1, connections=20), loop, secure=Renewed(tmp_path))


# ---- the portal ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/portal", True),
        ("/portal/", True),
        ("/portal/orders/PO-1", True),
        ("/static/a.css", True),
        ("/", False),
        ("/portals", False),
        ("/HUB/actions", False),
        ("/portal/../HUB/status", False),
        ("/portal/%2e%2e/HUB/status", False),
        ("/portal/./a", False),
        ("//portal/a", False),
        ("/portal//a", False),
        ("/portal/..%5cHUB", False),
        ("/HUB/portal", False),
        ("/PORTAL/a", False),
    ],
)
def test_the_clients_address_shows_the_portal_and_nothing_else(path: str, shown: bool) -> None:
    echo = Echo()

    async def told(port: int) -> bytes:
        raw = f"GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
        return await asyncio.to_thread(ask, port, raw.encode())

    said = with_server(Only(echo, ("/portal", "/static")), told)
    assert said.startswith(b"HTTP/1.1 200 " if shown else b"HTTP/1.1 404 ")
    assert bool(echo.seen) is shown


@pytest.mark.enable_socket
def test_a_shop_is_up_over_tls_with_a_portal_beside(tmp_path: Path) -> None:
    shop, lab, tls = tmp_path / "shop.yaml", tmp_path / "lab", tmp_path / "tls"
    assert main(["site", "new", str(shop)]) == 0
    assert main(["site", "init", str(lab), "--shop", str(shop), "--root", str(tmp_path / "root.key")]) == 0
    assert main(["tls", "init", str(tls), "--host", NAME]) == 0
    places = ["--listen", "127.0.0.1:0", "--tls", str(tls), "--portal", "127.0.0.1:0"]
    code = "import sys; from holdgate.cli.app import main; sys.exit(main(sys.argv[1:]))"
    with subprocess.Popen(
        [sys.executable, "-u", "-c", code, "up", str(lab), *places], stdout=subprocess.PIPE, text=True
    ) as up:
        try:
            assert up.stdout is not None
            told: list[str] = []
            for line in up.stdout:
                told.append(line)
                if "Clients:" in line:
                    break
            site = next(
                found for line in told if (found := re.search(r"https://hub\.floor\.lan:(\d+)/HUB/status", line))
            )
            clients = re.search(r"http://127\.0\.0\.1:(\d+)/HUB/client", told[-1])
            assert clients is not None
            raw = b"GET /HUB/status HTTP/1.1\r\nhost: hub.floor.lan\r\nconnection: close\r\n\r\n"
            said, _ = speak(int(site[1]), believing(tls), raw=raw)
            assert said.startswith(b"HTTP/1.1 200 OK\r\n")
            assert ask(int(clients[1]), raw).startswith(b"HTTP/1.1 404 ")
        finally:
            up.send_signal(signal.SIGTERM)
        assert up.wait(WAIT_S) == 0


def test_a_configuration_names_its_certificates_beside_itself(tmp_path: Path) -> None:
    file = tmp_path / "HUB.toml"
    file.write_text('site = "HUB"\ndata = "lab"\ntls = "tls"\nportal = "0.0.0.0:8443"\nportal_tls = "/etc/portal"\n')
    config = read_config(file)
    assert (config.tls, config.portal_tls) == (str(tmp_path / "tls"), "/etc/portal")
    file.write_text('site = "HUB"\ndata = "lab"\nportal_tls = "/etc/portal"\n')
    with pytest.raises(Malformed, match="no portal"):
        read_config(file)
