"""Stamped heads that an auditor brings: reading them, and verifying head and token offline."""

from collections.abc import Sequence
from pathlib import Path

from holdgate.adapters.head_files import NOTE, TOKEN
from holdgate.adapters.rfc3161 import Pins, read_pins, verify_token
from holdgate.audit.stamped import Existed, StampedHead
from holdgate.audit.trust import Trust
from holdgate.bootstrap import HEADS
from holdgate.engine.timestamping import Stamp
from holdgate.ledger.head import open_head
from holdgate.ledger.note import parse_vkey
from holdgate.terms import instant
from holdgate.terms.errors import HoldgateError, Malformed, Unavailable
from holdgate.terms.limits import HEADS_MAX


def stamped_heads(
    heads: Sequence[Path], authorities: Sequence[Path], trust: Trust, place: Path
) -> tuple[StampedHead, ...]:
    """The stamped heads that an audit is held against, each verified: signed by a trusted Vault, stamped by a trusted authority.

    Args:
        heads: `DAY.note` files (or their `DAY.tsr`), each with the other beside it.
        authorities: PEM files of authorities that the auditor trusts.
        trust: whose Vaults are believed.
        place: what is audited; heads that lie in it are taken where none are named and an authority is.

    Raises:
        Unavailable: a file cannot be read. Malformed, Tampered: a head or a token does not hold; no authority is named.
    """
    if not authorities:
        if heads:
            raise Malformed("name the time-stamping authority that you trust: --authority FILE with its certificates")
        return ()
    pins = [read_pins(_read(path)) for path in authorities]
    found = [path.with_suffix(NOTE) for path in heads] or _lying_in(place)
    return tuple(_verified(path, pins, trust) for path in found)


def in_words(origin: str, existed: Existed) -> str:
    """What a stamp says of a log."""
    entries = "1 entry" if existed.size == 1 else f"{existed.size} entries"
    return f"{entries} of {origin} existed at {instant.show(existed.at)} according to {existed.authority}"


def _lying_in(place: Path) -> list[Path]:
    """The stamped heads in a shop's directory, a Vault's, or a folder of heads."""
    top = place if place.is_dir() else place.parent
    found = sorted(path for where in ("", f"{HEADS}/", f"*/{HEADS}/") for path in top.glob(f"{where}*{NOTE}"))
    stamped = [path for path in found if path.with_suffix(TOKEN).is_file()]
    if len(stamped) > HEADS_MAX:
        raise Malformed(f"{place} holds {len(stamped)} stamped heads; name those that count with --timestamped")
    return stamped


def _verified(path: Path, pins: Sequence[Pins], trust: Trust) -> StampedHead:
    head, token = _read(path), _read(path.with_suffix(TOKEN))
    stamp = _stamp(path, head, token, pins)
    try:
        said = open_head(head, [parse_vkey(text) for text in trust.witnesses])
    except HoldgateError as error:
        raise type(error)(f"{path}: {error}") from None
    return StampedHead(head=said, at=stamp.at, authority=stamp.authority, name=path.name)


def _stamp(path: Path, head: bytes, token: bytes, pins: Sequence[Pins]) -> Stamp:
    """The stamp of the first authority under which the token holds.

    Raises:
        Malformed, Tampered, Unavailable: it holds under none; what is said is about the last one.
    """
    failed: HoldgateError = Malformed("no authority is named")
    for pinned in pins:
        try:
            return verify_token(head, token, pinned)
        except HoldgateError as error:
            failed = error
    raise type(failed)(f"{path.with_suffix(TOKEN)}: {failed}") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror or error}") from error
