"""Tokens of time-stamping authorities: good ones, every kind of bad one, and an authority that is away, slow or greedy.

Loopback only. `openssl ts` (Debian: openssl) checks our test authority's tokens, and makes some of its own.
"""

import asyncio
import datetime as dt
import random
import secrets
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from holdgate.adapters.http_timestamp import HttpAuthority, read_authority
from holdgate.adapters.rfc3161 import make_request, read_pins, verify_token
from holdgate.engine.timestamping import Stamp
from holdgate.terms.errors import HoldgateError, Malformed, Tampered, Unavailable
from holdgate.terms.instant import Instant
from holdgate.terms.limits import TIMESTAMP_ANSWER_BYTES_MAX
from tests.timestamps import NOW, POLICY, YEAR, Authority, configured, served

rfc3161 = pytest.importorskip("rfc3161_client", reason="rfc3161-client is not installed (extra: timestamp)")
pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

DOCUMENT = b"the head of a day\n"
IMPRINT = sha256(DOCUMENT).digest()
NONCE = 123_456_789_012_345
TSA = Authority()
PINS = read_pins(TSA.pem)
AT = Instant(int(NOW.timestamp()) * 1_000_000)


def good(**changes: Any) -> bytes:
    return TSA.answer(IMPRINT, NONCE, **changes)


def test_a_good_token_says_when_and_who() -> None:
    for nonce in (NONCE, None):
        assert verify_token(DOCUMENT, good(), PINS, nonce) == Stamp(at=AT, authority="CN=Test TSA")
    direct = Authority("Direct TSA", between=False)
    stamp = verify_token(DOCUMENT, direct.answer(IMPRINT, NONCE), read_pins(direct.pem), NONCE)
    assert stamp.authority == "CN=Direct TSA"
    assert verify_token(DOCUMENT, good(), read_pins(TSA.pem, POLICY), NONCE).at == AT


def test_a_token_without_its_certificates_holds_by_the_pinned_ones() -> None:
    assert verify_token(DOCUMENT, good(certificates=False), PINS, NONCE).at == AT


def test_a_token_outlives_its_certificate() -> None:
    """What counts is the time at which it was made."""
    old = Authority("Old TSA", start=NOW - 8 * YEAR, end=NOW - 7 * YEAR)
    made = NOW - 7 * YEAR - dt.timedelta(days=30)
    assert verify_token(DOCUMENT, old.answer(IMPRINT, NONCE, at=made), read_pins(old.pem)).at < AT


TWIN = Authority("Test TSA")
"""Another authority of the same names and numbers."""
BAD: dict[str, tuple[bytes, type[HoldgateError], str]] = {
    "over another document": (TSA.answer(sha256(b"other").digest(), NONCE), Tampered, "another document"),
    "of another hash": (good(algorithm="2.16.840.1.101.3.4.2.4"), Tampered, "another document"),
    "of an unpinned authority": (Authority("Other TSA").answer(IMPRINT, NONCE), Tampered, "another authority"),
    "of a twin": (TWIN.answer(IMPRINT, NONCE), Tampered, "does not hold"),
    "of a twin without certificates": (TWIN.answer(IMPRINT, NONCE, certificates=False), Tampered, "does not hold"),
    "made before the certificate was in force": (good(at=NOW - 2 * YEAR), Tampered, "not in force"),
    "made after it had expired": (good(at=NOW + 2 * YEAR), Tampered, "not in force"),
    "of an old request": (TSA.answer(IMPRINT, NONCE + 1), Tampered, "nonce"),
    "without a nonce": (TSA.answer(IMPRINT, None), Tampered, "nonce"),
    "with a signature over another token": (good(signed_over=b"0"), Tampered, "does not hold"),
    "with two signatures": (good(signers=2), Tampered, "another authority"),
    "without a signature": (good(signers=0), Tampered, "another authority"),
    "a refusal": (good(status=2), Malformed, "not today"),
    "a promise": (good(status=3), Malformed, "refused"),
    "too long": (good() + bytes(TIMESTAMP_ANSWER_BYTES_MAX), Malformed, "at most"),
    "with something behind it": (good() + b"\0", Malformed, "read"),
    "nothing": (b"", Malformed, "read"),
    "text": (b"<html>busy</html>", Malformed, "read"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_token_is_refused_that_is(name: str) -> None:
    answer, family, words = BAD[name]
    with pytest.raises(family, match=words):
        verify_token(DOCUMENT, answer, PINS, NONCE)


def test_a_token_under_another_policy_is_refused() -> None:
    with pytest.raises(Tampered, match="policy"):
        verify_token(DOCUMENT, good(), read_pins(TSA.pem, "1.2.3.4.2"), NONCE)


def test_a_chain_that_had_expired_is_refused() -> None:
    late = Authority("Late TSA", start=NOW + 9 * YEAR, end=NOW + 20 * YEAR)
    with pytest.raises(Tampered, match="does not hold"):
        verify_token(DOCUMENT, late.answer(IMPRINT, NONCE, at=NOW + 10 * YEAR), read_pins(late.pem), NONCE)


@pytest.mark.parametrize(
    ("usages", "critical"),
    [
        ((), True),
        ((ExtendedKeyUsageOID.CODE_SIGNING,), True),
        ((ExtendedKeyUsageOID.TIME_STAMPING,), False),
        ((ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.SERVER_AUTH), True),
    ],
)
def test_a_certificate_that_may_not_stamp_is_refused_when_pinned_and_when_it_stamps(
    usages: Any, critical: bool
) -> None:
    wrong = Authority("Wrong TSA", usages=usages, critical=critical)
    with pytest.raises(Malformed, match="may not stamp"):
        read_pins(wrong.pem)
    pins = PINS.__class__(leaf=wrong.leaf, between=tuple(wrong.chain[:-1]), roots=(wrong.root,))
    with pytest.raises(HoldgateError):
        verify_token(DOCUMENT, wrong.answer(IMPRINT, NONCE), pins, NONCE)


def test_pins_without_a_root_or_certificates_are_refused() -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    for pem, words in (
        (b"", "no pinned"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no pinned"),
        (TSA.leaf.public_bytes(Encoding.PEM), "no root"),
        (TSA.pem * 4, "too many"),
        (b"".join(one.public_bytes(Encoding.PEM) for one in TSA.chain), "may not stamp"),
    ):
        with pytest.raises(Malformed, match=words):
            read_pins(pem)
    with pytest.raises(Malformed, match="no pinned"):
        read_pins(TSA.pem, "not.an.oid")


def test_a_token_that_was_cut_or_altered_anywhere_never_holds_and_never_crashes() -> None:
    whole, dice = good(), random.Random(4)
    for length in range(0, len(whole), 7):
        with pytest.raises((Malformed, Tampered)):
            verify_token(DOCUMENT, whole[:length], PINS, NONCE)
    taken = 0
    for _ in range(1_500):
        place, bit = dice.randrange(len(whole)), 1 << dice.randrange(8)
        altered = whole[:place] + bytes((whole[place] ^ bit,)) + whole[place + 1 :]
        try:
            stamp = verify_token(DOCUMENT, altered, PINS, NONCE)
        except (Malformed, Tampered):
            continue
        taken += 1  # a bit in a certificate or field that nothing rests on; what is said has to be the same
        assert stamp == Stamp(at=AT, authority="CN=Test TSA")
    assert taken < 1_200


# ---- asking --------------------------------------------------------------------------------------------------------


def answering(request: bytes) -> bytes:
    """As an honest authority does."""
    asked = rfc3161._rust.parse_timestamp_request(request)
    assert asked.cert_req
    return TSA.answer(asked.message_imprint.message, asked.nonce)


def ask(url: str, deadline_s: float = 20.0) -> bytes:
    return asyncio.run(HttpAuthority("Test TSA", url, PINS, deadline_s).stamp(DOCUMENT))


def test_an_authority_is_asked_and_its_token_is_what_comes_back(tmp_path: Path) -> None:
    with served(answering) as tsa:
        authority = read_authority(configured(tmp_path, TSA, tsa.url, POLICY))
        token = asyncio.run(authority.stamp(DOCUMENT))
        assert verify_token(DOCUMENT, token, authority.pins).at == AT
        ask(tsa.url)
        nonces = {rfc3161._rust.parse_timestamp_request(request).nonce for request in tsa.requests}
        assert len(nonces) == 2, "each request has a nonce of its own"


def test_an_answer_of_before_is_refused() -> None:
    with served(answering) as tsa:
        old = ask(tsa.url)
        tsa.answering = lambda _: old
        with pytest.raises(Tampered, match="nonce"):
            ask(tsa.url)


def test_an_authority_that_is_away_slow_or_greedy_is_let_go() -> None:
    with served(answering) as tsa:
        tsa.status = 503
        with pytest.raises(Unavailable, match="503"):
            ask(tsa.url)
        tsa.status, tsa.kind = 200, "text/html"
        with pytest.raises(Malformed, match="text/html"):
            ask(tsa.url)
        tsa.kind = "application/timestamp-reply"
        tsa.answering = lambda _: bytes(TIMESTAMP_ANSWER_BYTES_MAX + 1)
        with pytest.raises(Unavailable, match="more than"):
            ask(tsa.url)
        tsa.answering = lambda _: good()[:200]
        with pytest.raises(Malformed, match="read"):
            ask(tsa.url)
        tsa.answering, tsa.slow_s = answering, 0.3
        with pytest.raises((Unavailable, Malformed)):
            ask(tsa.url, deadline_s=1.0)
        url = tsa.url
    with pytest.raises(Unavailable, match="did not answer"):
        ask(url)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "a", "url": "ftp://x", "certificates": "tsa.pem"}'])
def test_a_configuration_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = configured(tmp_path, TSA, "http://127.0.0.1:1/")
    path.write_text(text)
    with pytest.raises(Malformed):
        read_authority(path)
    (tmp_path / "tsa.pem").unlink()
    configured(tmp_path, TSA, "http://127.0.0.1:1/")
    (tmp_path / "tsa.pem").unlink()
    with pytest.raises(Unavailable, match="tsa"):
        read_authority(tmp_path / "timestamp.json")


# ---- against OpenSSL -----------------------------------------------------------------------------------------------

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed (Debian: openssl)")


def openssl(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([OPENSSL or "", "ts", *words], cwd=folder, capture_output=True, text=True, check=False)


def pems(folder: Path, authority: Authority) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    (folder / "leaf.pem").write_bytes(authority.leaf.public_bytes(Encoding.PEM))
    (folder / "root.pem").write_bytes(authority.root.public_bytes(Encoding.PEM))
    (folder / "chain.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in authority.chain))
    (folder / "key.pem").write_bytes(authority.key_pem)
    (folder / "document").write_bytes(DOCUMENT)


@needs_openssl
def test_openssl_finds_our_test_authoritys_tokens_good(tmp_path: Path) -> None:
    """Else the refusals above could be refusals of tokens that nobody would make."""
    pems(tmp_path, TSA)
    (tmp_path / "token.tsr").write_bytes(good())
    verify = ("-verify", "-data", "document", "-in", "token.tsr", "-CAfile", "root.pem", "-untrusted", "chain.pem")
    done = openssl(tmp_path, *verify, "-attime", str(int(NOW.timestamp())))
    assert "Verification: OK" in done.stdout + done.stderr, done.stderr


@needs_openssl
def test_tokens_that_openssl_makes_hold(tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    tsa = Authority("OpenSSL TSA", start=now - YEAR, end=now + YEAR, between=False)
    pems(tmp_path, tsa)
    (tmp_path / "serial").write_text("01\n")
    (tmp_path / "tsa.cnf").write_text(
        "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\nsigner_cert = leaf.pem\nsigner_key = key.pem\n"
        f"signer_digest = sha256\ndefault_policy = {POLICY}\ndigests = sha256\naccuracy = secs:1\ness_cert_id_alg = sha256\n"
    )
    request, nonce = make_request(DOCUMENT)
    (tmp_path / "request.tsq").write_bytes(request)
    done = openssl(tmp_path, "-reply", "-queryfile", "request.tsq", "-config", "tsa.cnf", "-out", "token.tsr")
    assert done.returncode == 0, done.stderr
    answer = (tmp_path / "token.tsr").read_bytes()
    stamp = verify_token(DOCUMENT, answer, read_pins(tsa.pem, POLICY), nonce)
    assert stamp.authority == "CN=OpenSSL TSA"
    assert abs(stamp.at / 1e6 - now.timestamp()) < 600
    with pytest.raises(Tampered, match="nonce"):
        verify_token(DOCUMENT, answer, read_pins(tsa.pem), nonce ^ secrets.randbits(8) ^ 256)
    with pytest.raises(Tampered, match="another document"):
        verify_token(DOCUMENT + b" ", answer, read_pins(tsa.pem), nonce)
