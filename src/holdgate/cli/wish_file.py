"""A wish on its way: an act that several people sign one after another, as a file that travels between them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from holdgate.crypto.envelope import Envelope, open_envelope, verify_all
from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.terms import canon
from holdgate.terms.errors import Malformed, Tampered, Unavailable
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import WISH_BYTES_MAX, WISH_LINES_MAX, WISH_SKEW_S_MAX


class Known(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the shop's record says of somebody who has to sign. Of a newcomer: what the act says of them."""

    key: bytes
    name: str


class WishFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file. `signers`: everybody whose signature is wanted, the workstation too. `skew_s`: how far the claimed time may be off.

    Only the envelope is signed, and only the envelope is handed in. The rest was filled in by whoever prepared the wish, so that it
    can be shown and signed where there is no record: a lie in it makes a signature that no site takes, and nothing else.
    """

    envelope: Envelope
    signers: dict[str, Known]
    skew_s: int
    format: Literal["holdgate-wish/1"] = "holdgate-wish/1"


class Wish(NamedTuple):
    """A wish as read: the file, and the act that its signers sign."""

    file: WishFile
    command: c.AnyCommand

    @property
    def wanted(self) -> tuple[str, ...]:
        """Everybody who has to sign."""
        return wanted_of(self.command)

    @property
    def signed(self) -> tuple[str, ...]:
        """Who did; each of these signatures holds."""
        held = {row.keyid for row in self.file.envelope.signatures}
        return tuple(name for name in self.wanted if name in held)

    @property
    def missing(self) -> tuple[str, ...]:
        """Who did not yet."""
        return tuple(name for name in self.wanted if name not in self.signed)

    @property
    def window(self) -> tuple[int, int]:
        """From when until when (UTC µs) a site takes it."""
        skew = self.file.skew_s * SECOND_US
        return self.command.at - skew, self.command.at + skew

    @property
    def digest(self) -> str:
        """The digest of what is signed."""
        return digest(self.file.envelope.payload)


def wanted_of(command: c.AnyCommand) -> tuple[str, ...]:
    """Everybody who has to sign an act: its signers and, where it is another one, the place."""
    names = [signer.id for signer in command.signers]
    if command.place is not None and command.place not in names:
        names.append(command.place)
    return tuple(names)


def blank_wish(command: c.AnyCommand, signers: Mapping[str, Known], skew_s: int) -> WishFile:
    """A wish that nobody signed yet.

    Raises:
        Malformed: a site would not read the act: an id or a text in it is none.
    """
    payload = canon.encode(command)
    c.parse_command(payload)
    return WishFile(envelope=Envelope(payload, c.PAYLOAD_TYPE, []), signers=dict(signers), skew_s=skew_s)


def written(file: WishFile) -> bytes:
    """The bytes of the file."""
    return canon.encode(file) + b"\n"


class DraftLine(Struct, frozen=True, kw_only=True):
    """A line of what `holdgate import --out` writes (`holdgate.query.imports.Draft`). `asks`: fields still to be filled in."""

    site: str
    act: str
    nonce: str
    fields: dict[str, Any]
    signers: tuple[tuple[str, str], ...]
    asks: tuple[str, ...] = ()


def read_draft(path: Path, number: int) -> DraftLine:
    """An act that was read from a table: line `number`, from 1.

    Raises:
        Unavailable: the file cannot be read. Malformed: it has no such line, or that is none.
    """
    if not 1 <= number <= WISH_LINES_MAX:
        raise Malformed(
            f"the first line of {path} is line 1, and {WISH_LINES_MAX} is the last that is read; there is no line {number}"
        )
    try:
        with path.open("rb") as source:
            line = b""
            for _ in range(number):
                line = source.readline(WISH_BYTES_MAX + 1)
                if len(line) > WISH_BYTES_MAX:
                    raise Malformed(f"a line of {path} is longer than any act; it is no file of holdgate import")
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror or error}") from error
    if not line.strip():
        raise Malformed(f"{path} has no line {number}")
    try:
        return msgspec.json.decode(line, type=DraftLine)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise Malformed(f"line {number} of {path} is no act as holdgate import writes it: {error}") from None


def read_wish(path: Path) -> Wish:
    """Read a wish; every signature in it holds for the act in it, under the key that the file gives for its signer.

    Raises:
        Unavailable: it cannot be read. Malformed: it is none. Tampered: a signature does not hold, or is nobody's who is asked.
    """
    try:
        with path.open("rb") as source:
            raw = source.read(WISH_BYTES_MAX + 1)
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror or error}") from error
    if len(raw) > WISH_BYTES_MAX:
        raise Malformed(f"{path} is longer than any wish")
    try:
        file = msgspec.json.decode(raw, type=WishFile)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise Malformed(f"{path} is no wish as holdgate act prepare writes it: {error}") from None
    envelope = open_envelope(canon.encode(file.envelope), least=0)
    command = c.parse_command(envelope.payload)
    if set(file.signers) != set(wanted_of(command)) or not 0 <= file.skew_s <= WISH_SKEW_S_MAX:
        raise Malformed(f"{path} does not say of everybody who signs what key they hold; prepare it anew")
    if envelope.signatures:
        names = [row.keyid for row in envelope.signatures]
        verify_all(envelope, [(name, known.key) for name, known in file.signers.items() if name in names])
    return Wish(file, command)


def read_copies(paths: Sequence[Path]) -> Wish:
    """One wish from copies that were signed apart: the first, with every signature that the others bring.

    Raises:
        Unavailable, Malformed: see `read_wish`. Tampered: a copy is another act, or a signature in it does not hold.
    """
    first, *others = [read_wish(path) for path in paths]
    rows = list(first.file.envelope.signatures)
    for path, other in zip(paths[1:], others, strict=True):
        if other.file.envelope.payload != first.file.envelope.payload:
            raise Tampered(f"{path} is another act than {paths[0]}; copies of one act say the same to the last byte")
        held = {row.keyid for row in rows}
        rows += [row for row in other.file.envelope.signatures if row.keyid not in held]
    envelope = Envelope(first.file.envelope.payload, first.file.envelope.payloadType, rows)
    return Wish(replace(first.file, envelope=envelope), first.command)
