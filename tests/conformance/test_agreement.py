"""Four verifiers of signatures, in three languages, say the same: over the CCTV vectors, and over odd cases made at run time.

The site's (libsodium), the second verifier's (OpenSSL, and arithmetic of its own), the verifier page's (WebCrypto under node), and
a small program on Go's own library. HOLDGATE_AGREEMENT=n takes n cases instead of CI's.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
import pytest

from holdgate.crypto import keys, passkeys
from holdgate.crypto.passkeys import Assertion
from holdgate.terms import canon
from holdgate.terms.errors import Malformed
from tests import second
from tests.bundles import spelled
from tests.fuzz.mutate import Mutator
from tests.javascript import Job, javascript, needs_node
from tests.odd_signatures import KINDS, Case, cases
from tests.passkey import P256_ORDER, SoftPasskey, authenticator_data, client_data
from tests.scores import record

PROGRAM: Final = Path(__file__).with_name("go_ed25519") / "main.go"
ALONE: Final = {"GO111MODULE": "off", "GOENV": "off", "GOFLAGS": "", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
CI: Final = 3_000
COUNT: Final = int(os.environ.get("HOLDGATE_AGREEMENT", str(CI)))
AT_ONCE: Final = 20_000
COMMAND: Final = f"HOLDGATE_AGREEMENT={COUNT} pytest tests/conformance/test_agreement.py"
pytestmark = [needs_node, pytest.mark.timeout(0 if COUNT > CI else 300)]

Ask = Callable[[Sequence[Job]], list[Any]]
Judge = Callable[[Sequence[Case]], list[tuple[bool, bool]]]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    return javascript(tmp_path_factory)


@pytest.fixture(scope="module")
def verifier() -> Iterator[Any]:
    """The second verifier."""
    yield second.load()
    sys.modules.pop("holdgate_verify", None)


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """The Go program, built: whether the key may be enrolled, and whether the signature holds."""
    compiler = shutil.which("go")
    if compiler is None:
        pytest.skip("there is no go on the PATH; Debian's golang-go brings it (.ci/packages.txt)")
    place = tmp_path_factory.mktemp("go_ed25519")
    environment = os.environ | ALONE | {"GOCACHE": str(place / "cache"), "GOPATH": str(place / "path")}
    build = [compiler, "build", "-o", str(place / "judge"), str(PROGRAM)]
    built = subprocess.run(build, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr

    def judged(found: Sequence[Case]) -> list[tuple[bool, bool]]:
        lines = [" ".join(raw.hex() or "-" for raw in (case.key, case.signature, case.message)) for case in found]
        done = subprocess.run(
            [place / "judge"], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True, timeout=600
        )
        said = done.stdout.split()
        assert len(said) == len(found)
        return [(word[0] == "y", word[1] == "y") for word in said]

    return judged


def enrollable(key: bytes) -> bool:
    try:
        keys.check_enrollable(key)
    except Malformed:
        return False
    return True


def disagreements(found: Sequence[Case], go: Judge, ask: Ask, verifier: Any) -> Iterator[str]:
    """Where two of the four differ: over keys at their enrolment, over signatures, and over both together."""
    rows = [[spelled(case.key), spelled(case.message), spelled(case.signature)] for case in found]
    [page] = ask([{"op": "ed25519", "cases": rows}])
    [odd] = ask([{"op": "odd", "keys": [row[0] for row in rows]}])
    for case, theirs, in_page, why in zip(found, go(found), page, odd, strict=True):
        ours = (enrollable(case.key), keys.verify(case.key, case.message, case.signature))
        other = verifier.ed25519_holds(case.key, case.message, case.signature)
        if ours != theirs or ours[1] != in_page or other != all(ours) or verifier.is_strict_key(case.key) != ours[0]:
            yield f"{case}: site {ours}, Go {theirs}, page {in_page}, second verifier {other}"
        if ours[0] and why:
            yield f"{case}: the page refuses a key that may be enrolled: {why}"


def test_the_cctv_vectors(shared: Path, go: Judge, ask: Ask, verifier: Any) -> None:
    began = time.monotonic()
    rows = json.loads((shared / "vectors" / "cctv" / "ed25519" / "ed25519vectors.json").read_bytes())
    found = [Case("CCTV", bytes.fromhex(row["key"]), bytes.fromhex(row["sig"]), row["msg"].encode()) for row in rows]
    assert len(found) == 914
    bad = list(disagreements(found, go, ask, verifier))
    record(
        11,
        "cctv",
        len(found),
        "signatures judged by four verifiers",
        len(bad),
        seconds=time.monotonic() - began,
        command=COMMAND,
    )
    assert not bad, bad[:5]


def test_odd_keys_and_signatures(go: Judge, ask: Ask, verifier: Any) -> None:
    began, bad, holding, kinds = time.monotonic(), list[str](), 0, Counter[str]()
    for seed, first in enumerate(range(0, COUNT, AT_ONCE)):
        found = cases(Random(f"agreement {seed}"), min(AT_ONCE, COUNT - first))
        bad += disagreements(found, go, ask, verifier)
        good = [case for case in found if keys.verify(case.key, case.message, case.signature)]
        holding, kinds = holding + len(good), kinds + Counter(case.kind for case in found)
    seconds = time.monotonic() - began
    unit = "odd keys and signatures judged by four verifiers"
    record(11, "odd-signatures", COUNT, unit, len(bad), seconds=seconds, command=COMMAND, soak=COUNT > CI)
    assert not bad, bad[:5]
    assert kinds.keys() == KINDS.keys()
    assert COUNT // 40 < holding < COUNT // 2


# ---- passkeys

MESSAGE: Final = b"DSSEv1 4 type 7 payload"
WORDS: Final = (
    b"webauthn.get", b"webauthn.create", b"https://hub.floor.lan", b"http://", b":443", b"null", b"true", b"1e400", b"NaN",
    b"\\ud800", b"\\u0000", b"challenge", b"origin", b"type", b"crossOrigin", b"authenticator_data", b"client_data", b"signature",
)  # fmt: skip


def _resigned(draw: Random, key: SoftPasskey, part: str) -> bytes:
    """An assertion over other client data or authenticator data than a browser's: the authenticator itself is odd."""
    alter = Mutator(draw, WORDS)
    if part == "client":
        return canon.encode(key.assertion(MESSAGE, client=alter.altered([client_data(MESSAGE)])))
    flags, more = draw.randrange(256), draw.choice((b"", b"\xa0", bytes(20)))
    raw = authenticator_data(flags=flags, more=more) if draw.randrange(2) else alter.altered([authenticator_data()])
    return canon.encode(key.assertion(MESSAGE, authenticator=raw))


def _der(draw: Random, signature: bytes) -> bytes:
    """Another spelling of an ECDSA signature, or another signature that holds as well."""
    length = signature[3]
    r, s = (int.from_bytes(raw, "big") for raw in (signature[4 : 4 + length], signature[6 + length :]))
    r, s = draw.choice(
        (
            (r, s),
            (r, P256_ORDER - s),
            (P256_ORDER - r, s),
            (r + P256_ORDER, s),
            (r, s + P256_ORDER),
            (r, -s),
            (0, s),
            (r, 0),
        )
    )

    def integer(value: int) -> bytes:
        raw = value.to_bytes((value.bit_length() + 8) // 8 or 1, "big", signed=True)
        raw = draw.choice((raw, raw, raw, b"\0" + raw, raw.lstrip(b"\0") or b"\0"))
        return b"\x02" + draw.choice((bytes([len(raw)]), bytes([len(raw)]), b"\x81" + bytes([len(raw)]))) + raw

    body = integer(r) + integer(s) + draw.choice((b"", b"", b"", b"\0"))
    return b"\x30" + draw.choice((bytes([len(body)]), bytes([len(body)]), b"\x81" + bytes([len(body)]))) + body


def assertions(draw: Random, count: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys with rows of signatures: good, altered anywhere, signed over odd data, in other spellings."""
    made = [SoftPasskey("TECH", alg=alg) for alg in (-7, -8, -257)]
    alter = Mutator(draw, WORDS)
    for number in range(count):
        key = made[0 if number % 8 else number // 8 % 3]
        row = key.sign(MESSAGE)
        how = number % 6
        if how == 1:
            row = alter.altered([row])
        elif how in (2, 3):
            row = _resigned(draw, key, "client" if how == 2 else "authenticator")
        elif how == 4 and key.alg == -7:
            held = msgspec.json.decode(row, type=Assertion)
            row = canon.encode(msgspec.structs.replace(held, signature=_der(draw, held.signature)))
        public = alter.altered([key.public]) if how == 5 else key.public
        yield public, row


def test_passkeys(ask: Ask, verifier: Any) -> None:
    began, count = time.monotonic(), COUNT // 2
    found = list(assertions(Random("agreement"), count))
    rows = [[spelled(key), spelled(MESSAGE), spelled(row)] for key, row in found]
    [page] = ask([{"op": "passkey", "cases": rows}])
    bad, holding = [], 0
    for (key, row), why in zip(found, page, strict=True):
        ours, other = passkeys.verify(key, MESSAGE, row), verifier.passkey_holds(key, MESSAGE, row)
        holding += ours
        if not ours == other == (why == ""):
            client = (
                base64.b64decode(json.loads(row)["client_data"])
                if row.startswith(b'{"auth') and row.endswith(b"}")
                else b""
            )
            bad.append(f"{key!r} {row!r} {client!r}: site {ours}, second verifier {other}, page {why or 'holds'}")
    unit = "passkeys' signatures judged by three verifiers"
    record(11, "passkeys", count, unit, len(bad), seconds=time.monotonic() - began, command=COMMAND, soak=COUNT > CI)
    assert not bad, bad[:5]
    assert count // 8 < holding < count
