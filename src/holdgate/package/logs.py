"""The logs in a package: that every entry stands in its site's log, and who signed the act in it.

Source: docs/spec/package.md, "What a verifier checks", 3 to 8.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from holdgate.crypto.envelope import Envelope, open_envelope
from holdgate.crypto.hashes import leaf_hash
from holdgate.identity.charter import CHARTER_TYPE, Charter, SiteSeat, read_charter
from holdgate.identity.roots import open_under
from holdgate.ledger.entry import Entry, read_entry
from holdgate.ledger.merkle import verify_inclusion
from holdgate.ledger.note import Checkpoint, Vkey, make_vkey, open_checkpoint, parse_vkey, read_note, verify_cosignature
from holdgate.package.manifest import Line, read_lines
from holdgate.package.roster import GIVES_A_KEY, Roster
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed, Tampered

HUB: Final = "business_hub"
CHECKPOINT: Final = "checkpoint"
ENTRIES: Final = "entries.jsonl"


class Fault(NamedTuple):
    """Something that does not hold: in which part, and what."""

    part: str
    what: str


class Held(NamedTuple):
    """A packaged entry, read. `act`: the signed payload, None where it holds no act; `payload`: its bytes."""

    site: str
    leaf: bytes
    entry: Entry
    decision: dict[str, Any]
    act: dict[str, Any] | None = None
    payload: bytes = b""
    envelope: Envelope | None = None

    @property
    def place(self) -> str:
        """`SITE:seq`."""
        return f"{self.site}:{self.entry.seq}"

    @property
    def allowed(self) -> bool:
        """Whether it is an act that was allowed."""
        return self.act is not None and self.decision.get("verdict") == "allow"

    @property
    def events(self) -> list[dict[str, Any]]:
        """What became true with it."""
        return [event for event in self.decision.get("events", ()) if isinstance(event, dict)]


class Log(Struct, kw_only=True):
    """One site's entries. `cosigned`: trusted witnesses that cosigned its checkpoint; `size`: of that; `signatures`: that hold."""

    site: str
    origin: str = ""
    size: int = 0
    cosigned: tuple[str, ...] = ()
    entries: list[Held] = []
    signatures: int = 0
    outdated: list[str] = []


class Logs(Struct, kw_only=True):
    """What the logs show. `faults`: what does not hold; `hub`: the business hub's id; `roster`: None where no charter holds."""

    logs: list[Log] = []
    faults: list[Fault] = []
    hub: str = ""
    roster: Roster | None = None

    def entries(self) -> Iterator[Held]:
        """Every entry that was proven, log by log."""
        for log in self.logs:
            yield from log.entries


def read_logs(
    parts: Mapping[str, bytes],
    roots: tuple[bytes, ...],
    witnesses: Sequence[Vkey],
    rotations: Sequence[Envelope] = (),
) -> Logs:
    """Check the logs of a package as far as they can be read.

    Args:
        parts: of the package; untrusted.
        roots: root keys that the reader trusts.
        witnesses: cosigners that the reader trusts.
        rotations: root documents that the reader knows of; the charter has to be the one that they follow from.
    """
    found = Logs()
    sites = sorted({name.split("/")[1] for name in parts if name.startswith("logs/")})
    lines = {site: _lines(parts, site, found) for site in sites[: limits.PACKAGE_LOGS_MAX]}
    if len(sites) > limits.PACKAGE_LOGS_MAX or sum(map(len, lines.values())) > limits.PACKAGE_ENTRIES_MAX:
        found.faults.append(Fault("logs", "there are more logs or entries than a package may have"))
        return found
    charter = _charter(lines, (roots, rotations), found)
    if charter is None:
        return found
    found.roster = Roster(charter)
    for site in sorted(lines, key=lambda name: (name != found.hub, name)):
        seat = found.roster.seats.get(site)
        if seat is None:
            found.faults.append(Fault(f"logs/{site}", "the shop's charter has no such site, and no packaged enrolment"))
            continue
        found.logs.append(_log(parts, seat, lines[site], witnesses, found))
    return found


def _lines(parts: Mapping[str, bytes], site: str, found: Logs) -> list[Line]:
    name = f"logs/{site}/{ENTRIES}"
    try:
        return list(read_lines(parts.get(name, b"")))
    except Malformed as error:
        found.faults.append(Fault(name, str(error)))
        return []


def _charter(
    lines: Mapping[str, list[Line]], trusted: tuple[tuple[bytes, ...], Sequence[Envelope]], found: Logs
) -> Charter | None:
    """The charter under the roots that the reader trusts; notes which site the business hub is."""
    payloads: dict[str, tuple[bytes, bytes]] = {}
    for site, held in lines.items():
        if not held or held[0].index != 0:
            continue
        try:
            raw = bytes(read_entry(held[0].entry).action)
            payloads[site] = (open_envelope(raw, CHARTER_TYPE).payload, raw)
            kinds = {seat.id: seat.kind for seat in read_charter(payloads[site][0]).sites}
        except Malformed as error:
            found.faults.append(Fault(f"logs/{site}/{ENTRIES}", f"entry 0 holds no charter: {error}"))
            continue
        if kinds.get(site) == HUB:
            found.hub = found.hub or site
    if not found.hub:
        found.faults.append(Fault("logs", "no log in it begins with a charter that makes its site the business hub"))
        return None
    payload, raw = payloads[found.hub]
    for site, (other, _) in payloads.items():
        if other != payload:
            found.faults.append(
                Fault(f"logs/{site}/{ENTRIES}", "it begins with another charter than the business hub's log")
            )
    try:
        return open_under(raw, *trusted)
    except (Malformed, Tampered) as error:
        found.faults.append(Fault(f"logs/{found.hub}/{ENTRIES}", f"the charter: {error}"))
        return None


def _log(
    parts: Mapping[str, bytes], seat: SiteSeat, lines: Sequence[Line], witnesses: Sequence[Vkey], found: Logs
) -> Log:
    log = Log(site=seat.id, origin=seat.origin)
    name = f"logs/{seat.id}/{CHECKPOINT}"
    try:
        checkpoint = _checkpoint(parts.get(name, b""), seat, witnesses, log)
    except (Malformed, Tampered) as error:
        found.faults.append(Fault(name, str(error)))
        return log
    part, last = f"logs/{seat.id}/{ENTRIES}", 0
    for line in lines:
        try:
            held = _entry(line, seat, checkpoint)
            if held.entry.at < last:
                raise Tampered("it is older than the entry before it")
            last = held.entry.at
            _signed(held, log, found)
        except (Malformed, Tampered) as error:
            found.faults.append(Fault(part, f"entry {line.index}: {error}"))
            continue
        log.entries.append(held)
    return log


def _checkpoint(note: bytes, seat: SiteSeat, witnesses: Sequence[Vkey], log: Log) -> Checkpoint:
    checkpoint = open_checkpoint(note, parse_vkey(make_vkey(seat.origin, seat.key)))
    named = {(line.name, line.key_id) for line in read_note(note)[1]}
    outside = [vkey for vkey in witnesses if vkey.public != seat.key and (vkey.name, vkey.key_id) in named]
    for vkey in outside:
        verify_cosignature(note, vkey)
    if witnesses and not outside:
        raise Tampered("no witness that you trust cosigned it; ask for a package once a witness has")
    log.size, log.cosigned = checkpoint.size, tuple(vkey.name for vkey in outside)
    return checkpoint


def _entry(line: Line, seat: SiteSeat, checkpoint: Checkpoint) -> Held:
    """An entry that stands where it says.

    Raises:
        Malformed: it cannot be read. Tampered: it does not stand there.
    """
    entry, leaf = read_entry(line.entry), leaf_hash(line.entry)
    if (entry.site, entry.seq) != (seat.id, line.index):
        raise Tampered(f"it names another place: {entry.site[:64]}:{entry.seq}")
    if not verify_inclusion(line.index, checkpoint.size, leaf, line.path, checkpoint.root):
        raise Tampered("its proof does not lead to the checkpoint: it is not the entry that the log holds there")
    decision = _object(bytes(entry.decision), "its decision")
    if entry.kind != "action":
        return Held(seat.id, leaf, entry, decision)
    envelope = open_envelope(bytes(entry.action))
    act = _object(envelope.payload, "its act")
    if canon.encode(act) != envelope.payload:
        raise Malformed("its act is not in canonical form")
    if act.get("site") != seat.id and decision.get("verdict") != "deny":
        raise Tampered("its act is for another site, and was not refused")
    return Held(seat.id, leaf, entry, decision, act, envelope.payload, envelope)


def _object(raw: bytes, what: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"{what} cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise Malformed(f"{what} is no object")
    return value


def _signed(held: Held, log: Log, found: Logs) -> None:
    """The signatures of an act; at the business hub, then, whose key it makes known."""
    roster, act = found.roster, held.act
    if roster is None or act is None or held.envelope is None:
        return
    signers = act.get("signers")
    if not isinstance(signers, list) or not all(isinstance(s, dict) and isinstance(s.get("id"), str) for s in signers):
        raise Malformed("its act names no signers")
    if not isinstance(act.get("place", ""), str):
        raise Malformed("its act names no place that can be read")
    hub = held.site == found.hub
    outdated = roster.check(held.envelope, act, hub=hub)
    log.signatures += len(held.envelope.signatures)
    log.outdated.extend(f"{held.place} by {name}" for name in outdated)
    if hub and held.allowed:
        for event in held.events:
            if event.get("ev") in GIVES_A_KEY.values():
                roster.take(act, event)


def gaps(log: Log, subjects: frozenset[str], withheld: Iterable[str]) -> Iterator[Fault]:
    """Where a subject's entries do not follow each other without a gap, beyond those that are withheld."""
    spare = Counter(place.partition(":")[0] for place in withheld)[log.site]
    heads: dict[str, str] = {}
    for held in log.entries:
        subject = held.entry.subject
        if subject not in subjects:
            continue
        if held.entry.prev != heads.get(subject, ""):
            spare -= 1
            if spare < 0:
                what = f"entry {held.entry.seq}: an entry of {subject} before it was left out"
                yield Fault(f"logs/{log.site}/{ENTRIES}", what)
        heads[subject] = held.leaf.hex()
