"""The front desk, the office, keys, the command line and who is told."""

import asyncio
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

import msgspec

from holdgate.adapters import smtp, sqlite_payloads, tls_files, webhook
from holdgate.cli import due, pay, pin, stamps, status, verify, wish_file
from holdgate.crypto import keyfile
from holdgate.crypto.envelope import PAYLOAD_TYPE, Envelope
from holdgate.crypto.keys import SigningKey
from holdgate.notifying import NotifyConfig, TargetConfig, _check
from holdgate.query.notices import Notice
from holdgate.sites.reception import Invitation, Lodged
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed
from holdgate.web import face, grammar, inviting, papers, sessions
from holdgate.web.api import accounts, drafts, looking, order_drafts, package
from tests.limits.acts import party
from tests.limits.case import Case, Cut

ASKED: Final[dict[str, Any]] = {"id": "NEW", "second": "QAM", "name": "N", "roles": ("qa",)}


def _converted(kind: Any, fields: object) -> None:
    try:
        msgspec.convert(fields, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from None


def _invited(**changes: object) -> None:
    inviting._check_newcomer(inviting.Inviting(**{**ASKED, **changes}))


def _again(size: int) -> None:
    known: Any = SimpleNamespace(
        id="NEW", name="N", org="O", roles=(), kind="person", zone=None, node=None, disabled_at=None
    )
    by: Any = SimpleNamespace(id="ADM")
    inviting._again(known, by, inviting.Inviting(**ASKED, reason="r" * size), "s", 0)


class _Full:
    """A front desk with so many lying there."""

    def __init__(self, count: int) -> None:
        self._count = count

    def invitations(self) -> range:
        return range(self._count)

    def papers(self) -> list[Any]:
        return [SimpleNamespace(digest="d", at=0)] * self._count

    def put_invitation(self, _: object) -> None:
        pass


def _file(size: int, begin: bytes = b"") -> Path:
    """A file of so many bytes."""
    handle, name = tempfile.mkstemp()
    os.close(handle)
    path = Path(name)
    path.write_bytes(begin + b" " * (size - len(begin)))
    return path


def _read(work: Any, size: int, begin: bytes = b"") -> None:
    path = _file(size, begin)
    try:
        work(path)
    finally:
        path.unlink()


def _pins(size: int) -> None:
    reads, writes = os.pipe()
    try:
        os.write(writes, b"a" * size)
        os.close(writes)
        pin.read_lines(reads, 1)
    finally:
        os.close(reads)


def _payload(size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.db"
        sqlite_payloads.SqlitePayloads(path).close()
        before = path.stat().st_size
        kept = sqlite_payloads.SqlitePayloads(path, bytes_max=before + 1_000)
        try:
            kept.put(bytes(1_000 + size - limits.EVIDENCE_STORE_BYTES_MAX), kind="k", by="b", at=0)
        finally:
            kept.close()


class _Head(str):
    """A head in a folder, stamped."""

    __slots__ = ()

    def with_suffix(self, _: str) -> "_Head":
        return self

    def is_file(self) -> bool:
        return True


def _heads(count: int) -> None:
    heads = [_Head(n) for n in range(count)]
    place: Any = SimpleNamespace(is_dir=lambda: True, glob=lambda pattern: [] if "/" in pattern else heads)
    stamps._lying_in(place)


class _Answers:
    """A connection over which so many bytes are answered."""

    status = 200

    def __init__(self, count: int) -> None:
        self._count = count

    def request(self, *_: str) -> None:
        pass

    def getresponse(self) -> "_Answers":
        return self

    def read(self, most: int) -> bytes:
        return b" " * min(most, self._count)

    def close(self) -> None:
        pass


def _status(size: int) -> None:
    with patch.object(status, "HTTPConnection", lambda *_, **__: _Answers(size)):
        status._ask("127.0.0.1:1", "/status")


def _mail(count: int) -> int:
    notices = [
        Notice(id=str(n), kind="k", origin="o", place="", subject="s", at=0, says=f"it {n}") for n in range(count)
    ]
    return sum(line.startswith("it ") for line in smtp._body(notices, ""))


def _lodged(size: int) -> None:
    if not Lodged(id="A", salt=bytes(16), nonce=bytes(12), sealed=bytes(size), key=b"").whole:
        raise Malformed("this is no sealed key")


def _draft_line(number: int) -> None:
    _read(lambda path: wish_file.read_draft(path, number), 10)


def _skew(seconds: int) -> None:
    envelope = Envelope(canon.encode(party(30)), PAYLOAD_TYPE, [])
    file = wish_file.WishFile(
        envelope=envelope, signers={"FIN": wish_file.Known(key=bytes(32), name="F")}, skew_s=seconds
    )
    raw = msgspec.json.encode(file)
    _read(wish_file.read_wish, len(raw), raw)


def _chunk(size: int) -> int:
    async def chunks() -> list[bytes]:
        return [one async for one in package._chunks(bytes(size))]

    return max(map(len, asyncio.run(chunks())))


def _answered(size: int) -> int:
    """How much of a webhook's answer is read."""
    read: list[int] = []

    def some(most: int) -> bytes:
        read.append(min(most, size))
        return b"a" * read[0]

    answer: Any = SimpleNamespace(status=500, headers={}, read=some)
    webhook._reply(answer)
    return read[0]


def _behind(count: int) -> None:
    timeline = SimpleNamespace(size=0, catch_up=lambda _: None, of=lambda _: [])
    seen: Any = SimpleNamespace(_reads=True, size=count, timeline=timeline, record=lambda: None)
    face.Face.chronicle_of(seen, "PO-1")


def _targets(count: int) -> NotifyConfig:
    return NotifyConfig(targets=tuple(TargetConfig(name=f"T{n}", mail="a@example.org") for n in range(count)))


def _challenges(count: int) -> int:
    texts = iter(range(2 * count))
    kept = sessions.Sessions(lambda: f"{next(texts):016d}")
    for _ in range(count):
        kept.challenge(0)
    return len(kept._challenges)


_FACE: Final = SimpleNamespace(now=lambda: 0, settings=SimpleNamespace(entry_skew_s=10))
_INVITED: Final = Invitation(token="t", id="NEW", name="N", org="O", roles=(), by="ADM", until=1)
QUICK: Final = keyfile.Cost(passes=1, memory=8_192)
CASES: Final = (
    Case("PAYEE_NAME_CHARS_MAX", lambda n: _converted(accounts.Brought, {"name": "a" * n}), "<= 70"),
    Case(
        "DRAFT_FILES_MAX",
        lambda n: _converted(drafts.Draft, {"text": "", "beside": {f"f{i}": "" for i in range(n)}}),
        "<= 4",
    ),
    Case("ROWS_ASKED_MAX", lambda n: _converted(looking.ByTimeline, {"limit": n}), "<= 200"),
    Case("VERSION_CHARS_MAX", lambda n: _converted(grammar.Version, "a" * n), "<= 64"),
    Case("SECRET_CHARS_MAX", lambda n: _converted(grammar.Secret, "a" * n), "<= 128"),
    Case("ORDER_ANSWER_CHARS_MAX", lambda n: _converted(order_drafts.Answer, "a" * n), "<= 500"),
    Case("INVITATIONS_MAX", lambda n: inviting.keep(_Full(n - 1), None), "take some of them back"),  # type: ignore[arg-type]
    Case("PAPERS_MAX", lambda n: papers._make_room(_FACE, _Full(n - 1)), "signed or withdrawn"),  # type: ignore[arg-type]
    Case("INVITED_KEY_BYTES_MAX", lambda n: inviting.bring(_Full(0), _INVITED, bytes(n), None), "32 to 1024 bytes"),  # type: ignore[arg-type]
    Case("INVITED_NAME_CHARS_MAX", lambda n: _invited(name="a" * n), "1 to 120 characters"),
    Case("INVITED_ROLES_MAX", lambda n: _invited(roles=tuple(f"r{i}" for i in range(n))), "1 to 8 roles"),
    Case("INVITED_REASON_CHARS_MAX", _again, "has a reason"),
    Case("SEALED_KEY_BYTES_MAX", _lodged, "no sealed key"),
    Case("EVIDENCE_STORE_BYTES_MAX", _payload, "have an administrator make room"),
    Case("PIN_CHARS_MAX", lambda n: keyfile.check_pin(("abcdefg" * 40)[:n]), "longer than"),
    Case("KEY_FILE_BYTES_MAX", lambda n: keyfile.read_key_file(b" " * n), "at most 4096 bytes"),
    Case(
        "KEY_NAME_CHARS_MAX",
        lambda n: keyfile.seal_key(SigningKey.from_seed(bytes(32)), "correct horse battery", "a" * n, QUICK),
        "at most 64 characters",
    ),
    Case("PINS_BYTES_MAX", _pins, "gives more than a PIN"),
    Case("WISH_BYTES_MAX", lambda n: _read(wish_file.read_wish, n), "longer than any wish"),
    Case(
        "WISH_BYTES_MAX", lambda n: _read(lambda path: wish_file.read_draft(path, 1), n, b"{}"), "longer than any act"
    ),
    Case("WISH_SKEW_S_MAX", _skew, "prepare it anew"),
    Case("BEHIND_MAX", _behind, "ask again in a moment"),
    Case("WISH_LINES_MAX", _draft_line, "is the last that is read"),
    Case("TRUST_BYTES_MAX", lambda n: _read(verify._trusted, n, b'{"roots":[]}'), "at most 65536 bytes"),
    Case("PAYMENT_ORDER_BYTES_MAX", lambda n: _read(pay._order, n, b"{}"), "more than 4194304 bytes"),
    Case("STATUS_BYTES_MAX", _status, "which is no status"),
    Case("HEADS_MAX", _heads, "name those that count"),
    Case("DUE_DAYS_MAX", lambda n: due.due(data=Path("/nowhere"), days=n), "between 0 and 3653"),
    Case("TLS_NAMES_MAX", lambda n: tls_files._checked([f"h{i}.lan" for i in range(n)]), "name 1 to 50 hosts"),
    Case("NOTIFY_TARGETS_MAX", lambda n: _check(_targets(n)), "there are at most 100"),
)
CUTS: Final = (
    Cut("NOTIFY_LINES_MAX", _mail),
    Cut("DOWNLOAD_CHUNK_BYTES_MAX", _chunk),
    Cut("NOTIFY_ANSWER_BYTES_MAX", _answered),
    Cut("CHALLENGES_MAX", _challenges),
)
