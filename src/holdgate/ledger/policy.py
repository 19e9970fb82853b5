"""Policies: which logs and which cosigners somebody trusts, and how many of them a checkpoint needs.

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> <k|any|all> <member>…
    quorum <name|none>

Names are defined before they are used; each is a member of at most one group, so that nobody counts twice. Exactly one
quorum. Empty lines and lines that begin with # are left out. Source: C2SP tlog-policy; docs/spec/witness.md.
"""

import re
from collections.abc import Set as AbstractSet
from typing import Final

from msgspec import Struct

from holdgate.ledger.note import KIND_COSIGNATURE, KIND_LOG, Vkey, parse_vkey, read_note, verify_cosignature
from holdgate.terms.errors import Malformed, Tampered
from holdgate.terms.limits import POLICY_BYTES_MAX, POLICY_GROUPS_MAX, POLICY_LINES_MAX

NONE: Final = "none"
_ODD: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Party(Struct, frozen=True, kw_only=True):
    """A log or a witness: its key, and where it is reached (empty: not said)."""

    vkey: Vkey
    url: str = ""


class Group(Struct, frozen=True, kw_only=True):
    """So many of these members."""

    needed: int
    members: tuple[str, ...]


class Policy(Struct, frozen=True, kw_only=True):
    """A policy that was read. `witnesses` and `groups` go by the names that the policy gives them."""

    logs: tuple[Party, ...]
    witnesses: dict[str, Party]
    groups: dict[str, Group]
    quorum: str

    def satisfied(self, names: AbstractSet[str]) -> bool:
        """Whether these witnesses (by the policy's names) are enough."""
        return self.quorum == NONE or self._has(self.quorum, names)

    def _has(self, name: str, names: AbstractSet[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in names
        return sum(self._has(member, names) for member in group.members) >= group.needed

    def cosigned(self, note: bytes) -> dict[str, int]:
        """Which of its witnesses cosigned an untrusted note, and when (UTC seconds). One false line counts for none.

        Raises:
            Malformed: not a note.
        """
        read_note(note)
        found: dict[str, int] = {}
        for name, party in self.witnesses.items():
            try:
                found[name] = verify_cosignature(note, party.vkey)
            except Tampered:
                continue
        return found


def parse_policy(raw: bytes) -> Policy:
    """Read a policy file.

    Raises:
        Malformed: the line that cannot be taken is named.
    """
    if len(raw) > POLICY_BYTES_MAX:
        raise Malformed(f"the policy has {len(raw)} bytes; at most {POLICY_BYTES_MAX} are read")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Malformed("the policy is not UTF-8 text") from None
    if _ODD.search(text):
        raise Malformed("the policy holds control characters; only tabs and newlines may stand in it")
    lines = text.split("\n")
    if len(lines) > POLICY_LINES_MAX:
        raise Malformed(f"the policy has {len(lines)} lines; at most {POLICY_LINES_MAX} are read")
    reader = _Reader()
    for number, line in enumerate(lines, start=1):
        words = [word for word in re.split(r"[ \t]+", line) if word]
        if not words or words[0].startswith("#"):
            continue
        try:
            reader.take(words)
        except Malformed as error:
            raise Malformed(f"line {number} of the policy: {error}") from None
    return reader.policy()


class _Reader:
    """The lines so far."""

    def __init__(self) -> None:
        self._logs: list[Party] = []
        self._witnesses: dict[str, Party] = {}
        self._groups: dict[str, Group] = {}
        self._quorum: str | None = None
        self._members: dict[str, None] = {}

    def take(self, words: list[str]) -> None:
        """One line."""
        kind, *rest = words
        if kind == "log" and len(rest) in (1, 2):
            party = _party(rest, KIND_LOG, [log.vkey for log in self._logs])
            if any(log.vkey.name == party.vkey.name for log in self._logs):
                raise Malformed(f"{party.vkey.name} is named twice; one log has one key here")
            self._logs.append(party)
        elif kind == "witness" and len(rest) in (2, 3):
            known = [witness.vkey for witness in self._witnesses.values()]
            self._witnesses[self._new(rest[0])] = _party(rest[1:], KIND_COSIGNATURE, known)
        elif kind == "group" and len(rest) >= 3:
            if len(self._groups) == POLICY_GROUPS_MAX:
                raise Malformed(f"at most {POLICY_GROUPS_MAX} groups are read")
            self._groups[self._new(rest[0])] = self._group(rest[1], tuple(rest[2:]))
        elif kind == "quorum" and len(rest) == 1:
            if self._quorum is not None:
                raise Malformed("there is a quorum already; a policy has one")
            if rest[0] != NONE:
                self._known(rest[0])
            self._quorum = rest[0]
        else:
            raise Malformed(
                "it reads: log <vkey> [<url>], witness <name> <vkey> [<url>], group <name> <k|any|all> <member>…, or "
                "quorum <name|none>"
            )

    def policy(self) -> Policy:
        """What was read.

        Raises:
            Malformed: no quorum.
        """
        if self._quorum is None:
            raise Malformed("the policy has no quorum; where no cosignature is needed it says: quorum none")
        return Policy(logs=tuple(self._logs), witnesses=self._witnesses, groups=self._groups, quorum=self._quorum)

    def _new(self, name: str) -> str:
        if name == NONE or name in self._witnesses or name in self._groups:
            raise Malformed(f"{name} has a meaning already; choose another name")
        return name

    def _known(self, name: str) -> None:
        if name not in self._witnesses and name not in self._groups:
            raise Malformed(f"{name} is no witness or group of the lines above")

    def _group(self, needed: str, members: tuple[str, ...]) -> Group:
        for member in members:
            self._known(member)
            if member in self._members:
                raise Malformed(f"{member} is a member already; nobody counts twice")
            self._members[member] = None
        many = {"any": "1", "all": str(len(members))}.get(needed, needed)
        if not re.fullmatch(r"[1-9][0-9]{0,3}", many) or int(many) > len(members):
            raise Malformed(
                f"{needed} of {len(members)} members cannot be asked for; say any, all or a number up to that"
            )
        return Group(needed=int(many), members=members)


def _party(words: list[str], kind: int, known: list[Vkey]) -> Party:
    vkey = parse_vkey(words[0])
    if vkey.kind != kind:
        what = "a log's (0x01)" if kind == KIND_LOG else "a cosigner's (0x04)"
        raise Malformed(f"the key of {vkey.name} is of kind 0x{vkey.kind:02x}, not {what}")
    if any(other.public == vkey.public for other in known):
        raise Malformed(f"the key of {vkey.name} stands there already; each key counts once")
    return Party(vkey=vkey, url=words[1] if len(words) == 2 else "")
