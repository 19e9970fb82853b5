"""replay: verify one site's log and make every decision again.

0. The first entry is the charter, signed by roots that the auditor trusts. It names the site; or the site joined later, and is a
   node whose log decides nothing until it has taken in its own enrolment.
1. Every entry stands where it says, reads as an entry, and its bytes give the recorded leaf hash.
2. Every action's signatures hold under the keys that the log itself had enrolled by then.
3. Done again on what the log says so far, every entry comes out the same, byte for byte: decision, facts, links, imports,
   cosignatures.
4. The tree's root is the one that the site's signed checkpoint names.
5. Trusted witnesses cosigned prefixes of this very log: what lies with it, and what the auditor brings from elsewhere.
6. Heads of the Vault that a time-stamping authority stamped, as the auditor brings them, name prefixes of this very log.

The first thing that does not hold is named with its entry; from there on only hashes can be checked, and they are.
It always ends: it looks at every entry once. Pure: entries and blobs come from a source, keys from outside.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from msgspec import Struct
from typing_extensions import override

from holdgate.audit.authorities import AUTHORITIES
from holdgate.audit.stamped import Contradicted, Existed, StampedHead, compare, roots_of
from holdgate.audit.trust import Trust
from holdgate.crypto.hashes import digest, leaf_hash
from holdgate.identity.charter import Charter, SiteSeat, seat_of
from holdgate.identity.roots import founding_roots
from holdgate.law.chronicle import Chronicle, Standing, blank_state
from holdgate.law.library import Library
from holdgate.law.replay import Action, difference, read_action, read_cosigned, repeat
from holdgate.law.signers import Keys, check_signatures, keys_of
from holdgate.ledger.entry import Entry, read_entry, read_entry_once
from holdgate.ledger.merkle import Tree, root_from_frontier, root_of
from holdgate.ledger.note import (
    Vkey,
    make_vkey,
    open_checkpoint,
    parse_checkpoint,
    parse_vkey,
    read_note,
    verify_cosignature,
)
from holdgate.terms.errors import HoldgateError, Malformed, Tampered, Unavailable
from holdgate.terms.limits import AUDIT_FINDINGS_MAX


class LogSource(Protocol):
    """A site's log as found: nothing in it is trusted."""

    def bodies(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Index, recorded leaf hash and bytes of every entry, in order."""
        ...

    def blob(self, key: str) -> bytes | None:
        """A pinned blob whose content is what its key says."""
        ...

    def checkpoint(self) -> bytes:
        """The newest checkpoint that the site signed."""
        ...

    def cosignatures(self) -> Mapping[str, bytes]:
        """The newest cosigned checkpoints."""
        ...


class Finding(Struct, frozen=True, kw_only=True):
    """Something that does not hold. `seq`: the entry, where there is one."""

    what: str
    seq: int | None = None


class Taken(Struct, frozen=True, kw_only=True):
    """How much of another log was taken in, and under which root (hex)."""

    size: int
    root: str


class LogReport(Struct, kw_only=True):
    """What the audit of one log found. `beyond`: entries after the last signed checkpoint (a site that was not closed).

    `outside`: what trusted witnesses cosigned whose keys are none of the shop's own; None where the auditor trusts no such one.
    `existed`: what stamped heads say that this log fits, the earliest for each size. `root_version`: of the root keys in force at
    the end, 1 for the charter's.
    """

    site: str = ""
    origin: str = ""
    size: int = 0
    kinds: dict[str, int] = {}
    denials: int = 0
    signatures: int = 0
    repeated: int = 0
    signed_size: int = 0
    beyond: int = 0
    cosigned: dict[str, int] = {}
    outside: dict[str, int] | None = None
    existed: list[Existed] = []
    imports: dict[str, Taken] = {}
    root: str = ""
    root_version: int = 1
    findings: list[Finding] = []

    @property
    def holds(self) -> bool:
        """Whether everything holds."""
        return not self.findings


class Checks(Protocol):
    """Checks signatures, now or later, here or in other threads."""

    def add(self, seq: int, envelope: bytes, keys: Keys) -> None:
        """Check an action's signatures."""
        ...

    def failures(self) -> list[tuple[int, str]]:
        """Wait for all checks; those that failed, with why."""
        ...


class PlainChecks(Checks):
    """Checks at once, one after the other."""

    def __init__(self) -> None:
        self._failed: list[tuple[int, str]] = []

    @override
    def add(self, seq: int, envelope: bytes, keys: Keys) -> None:
        """Check an action's signatures at once."""
        why = check_signatures(envelope, keys)
        if why:
            self._failed.append((seq, why))

    @override
    def failures(self) -> list[tuple[int, str]]:
        """Those that failed."""
        return self._failed


Progress = Callable[[int], None]
JOINS: Final = "node"
"""What a site is that the charter does not name."""


def audit_log(
    source: LogSource,
    trust: Trust,
    checks: Checks | None = None,
    progress: Progress | None = None,
    kept: Sequence[bytes] = (),
    stamped: Sequence[StampedHead] = (),
) -> LogReport:
    """Audit one site's log.

    Args:
        source: the log as found; untrusted.
        trust: keys from outside.
        checks: how signatures are checked; None: not at all (hashes, links and decisions only).
        progress: told how many entries were looked at.
        kept: cosigned checkpoints from elsewhere; those of other logs are left out.
        stamped: heads with verified tokens; what they say of other logs is left out.

    Returns:
        The report; never raises for anything that is in the log.
    """
    return _Audit(source, trust, checks, progress, kept, stamped).run()


class _Audit:
    """The state of one audit."""

    def __init__(
        self,
        source: LogSource,
        trust: Trust,
        checks: Checks | None,
        progress: Progress | None,
        kept: Sequence[bytes],
        stamped: Sequence[StampedHead],
    ) -> None:
        self._source = source
        self._trust = trust
        self._checks = checks
        self._progress = progress
        self._report = LogReport(kinds={}, cosigned={}, existed=[], findings=[])
        self._leaves: list[bytes] = []
        self._chronicle: Chronicle | None = None
        self._charter: Charter | None = None
        self._seat: SiteSeat | None = None
        self._heads: dict[str, bytes] = {}
        self._marks: dict[tuple[str, bytes], int] = {}
        self._noted: dict[str, bytes] = {}
        self._known = ("", *(digest(envelope.payload) for envelope in trust.rotations))
        self._kept = kept
        self._stamped = stamped
        sizes = (*_sizes(source, kept), *(said.size for said in roots_of(stamped)))
        self._roots: dict[int, bytes] = dict.fromkeys(sizes, b"")

    # ---- History, for subjects that are closed ---------------------------------------------------------------------

    def head(self, subject: str, before: int) -> bytes | None:
        """The leaf hash of the subject's last entry so far."""
        return self._heads.get(subject)

    def find(self, subject: str, digest: bytes, before: int) -> int | None:
        """The entry of this subject with this payload digest so far."""
        return self._marks.get((subject, digest))

    # ---- the audit -------------------------------------------------------------------------------------------------

    def run(self) -> LogReport:
        """Look at everything once."""
        for seq, leaf, body in self._source.bodies():
            self._entry(seq, leaf, body)
            if self._progress is not None and not seq % 512:
                self._progress(seq)
        report = self._report
        report.size = len(self._leaves)
        if not report.size:
            self._found("there is no log here: it holds no entry")
            return report
        for seq, why in () if self._checks is None else self._checks.failures():
            self._found(f"a signature does not hold: {why}", seq)
        if self._chronicle is not None:
            self._roots[report.size] = self._chronicle.tree.root()
            report.imports = {
                origin: Taken(size=known.size, root=root_from_frontier(known.frontier, known.size).hex())
                for origin, known in sorted(self._chronicle.state.origins.items())
            }
        report.root = self._root(report.size).hex()
        if self._seat is not None:
            report.origin = self._seat.origin
        elif self._charter is not None:
            self._found(
                f"{report.site} has no seat: neither the charter names it nor an enrolment that came to its log"
            )
        self._checkpoint()
        self._cosignatures()
        self._stamps()
        return report

    def _found(self, what: str, seq: int | None = None) -> None:
        if len(self._report.findings) < AUDIT_FINDINGS_MAX:
            self._report.findings.append(Finding(what=what, seq=seq))

    def _entry(self, seq: int, leaf: bytes, body: bytes) -> None:
        """One entry: (1) place and hash, (2) signatures, (3) done again."""
        expected = len(self._leaves)
        if seq != expected:
            self._found(f"entry {expected} is missing: the next one there is {seq}", expected)
        self._leaves.append(leaf)
        if leaf_hash(body) != leaf:
            self._found("its bytes do not give the recorded leaf hash: it was altered", seq)
            self._chronicle = None
            return
        try:
            entry = read_entry_once(body)
            self._report.kinds[entry.kind] = self._report.kinds.get(entry.kind, 0) + 1
            if seq == 0:
                self._begin(entry)
            if self._chronicle is None:
                return
            action = read_action(entry) if entry.kind == "action" else None
            if action is not None:
                self._signatures(seq, action, self._chronicle)
            self._again(self._chronicle, entry, body, action)
        except HoldgateError as error:
            self._found(str(error), seq)
            self._chronicle = None
        except Exception as error:  # noqa: BLE001  # whatever an entry does to its auditor is a finding about that entry
            self._found(f"it cannot be done again: {type(error).__name__}: {error}", seq)
            self._chronicle = None

    def _begin(self, entry: Entry) -> None:
        """(0) The charter under trusted roots; the standing before the first entry."""
        if entry.kind != "genesis":
            raise Tampered("the log does not begin with a charter")
        charter = self._trust.charter(bytes(entry.action))
        seat = seat_of(charter, entry.site)
        kind = JOINS if seat is None else seat.kind
        if kind not in AUTHORITIES:
            raise Tampered(f"{entry.site} is no deciding site of this charter")
        self._charter = charter
        self._known = founding_roots(charter).history + self._known[1:]
        self._report.site, self._seat = entry.site, seat
        standing = Standing(state=blank_state(charter, entry.site, kind), heads={}, digests={})
        library = Library(self._source.blob)
        self._chronicle = Chronicle(standing, Tree(), library, AUTHORITIES[kind], self)

    def _seated(self, chronicle: Chronicle) -> None:
        """(0) The seat of a site that joined later: an import brings its enrolment, which two officers and its key signed."""
        self._charter = chronicle.state.charter
        self._seat = seat_of(self._charter, self._report.site)

    def _rooted(self, chronicle: Chronicle) -> None:
        """(0) The roots in force so far: those that the auditor knows of, or exchanges that follow from these."""
        roots, known = chronicle.state.roots, self._known
        if roots.version == self._report.root_version:
            return
        self._report.root_version = roots.version
        if roots.history[: len(known)] != known[: roots.version]:
            raise Tampered(
                f"version {roots.version} of the roots is another one than you trust: two of them were signed"
            )

    def _signatures(self, seq: int, action: Action, chronicle: Chronicle) -> None:
        """(2) The keys that the log had enrolled by then."""
        if self._checks is None:
            return
        keys = keys_of(action.command, chronicle.state.identities)
        if isinstance(keys, str):
            raise Tampered(f"{keys} had signed, but was not enrolled by then")
        self._report.signatures += len(keys)
        self._checks.add(seq, action.raw, keys)

    def _again(self, chronicle: Chronicle, entry: Entry, body: bytes, action: Action | None) -> None:
        """(3) The same bytes once more."""
        draft = repeat(chronicle, entry, self._trust.roots, action)
        chronicle.library.settle(draft.blobs)
        self._heads[draft.subject] = draft.leaf
        if draft.digest:
            self._marks[draft.subject, draft.digest] = draft.seq
        if draft.body != body:
            raise Tampered(difference(read_entry(draft.body), entry).says)
        self._report.repeated += 1
        self._report.denials += draft.decision.verdict == "deny"
        if entry.seq + 1 in self._roots:
            self._roots[entry.seq + 1] = chronicle.tree.root()
        if entry.kind == "cosigned":
            self._note_cosigned(entry, chronicle)
        elif entry.kind in ("import", "action"):
            self._seated(chronicle)
            self._rooted(chronicle)

    def _note_cosigned(self, entry: Entry, chronicle: Chronicle) -> None:
        """A cosignature on the record: remember it, and the root that the log had at its size."""
        note = read_cosigned(entry).note
        size = parse_checkpoint(read_note(note)[0]).size
        self._noted[entry.subject] = note
        if size and not self._roots.get(size):
            try:
                self._roots[size] = chronicle.tree.root(size)
            except Unavailable:
                return  # too far back for the tree's memory: computed from all leaves, at the end

    def _root(self, size: int) -> bytes:
        """The root of the first entries, as recorded."""
        found = self._roots.get(size)
        return found or root_of(self._leaves[:size])

    def _checkpoint(self) -> None:
        """(4) The site's own signature under the root."""
        seat, report = self._seat, self._report
        if seat is None:
            return
        note = self._source.checkpoint()
        try:
            checkpoint = open_checkpoint(note, parse_vkey(make_vkey(seat.origin, seat.key)))
        except (Malformed, Tampered) as error:
            self._found(f"the checkpoint does not hold: {error}")
            return
        report.signed_size = checkpoint.size
        report.beyond = report.size - checkpoint.size
        if checkpoint.size > report.size:
            self._found(f"the site signed {checkpoint.size} entries, but only {report.size} are here")
        elif self._root(checkpoint.size) != checkpoint.root:
            self._found(f"the {checkpoint.size} entries do not lead to the root that the site signed")

    def _cosignatures(self) -> None:
        """(5) Witnesses that the auditor trusts: the newest of each on the record, and the newest kept beside it."""
        charter, report = self._charter, self._report
        if charter is None or self._seat is None:
            return
        known = [parse_vkey(text) for text in self._trust.witnesses]
        own = {seat.key for seat in charter.sites} | {founder.key for founder in charter.founders} | {*charter.roots}
        foreign = {vkey for vkey in known if vkey.public not in own}
        report.outside = {} if foreign else None
        brought = [(f"number {n} of those that you bring", note) for n, note in enumerate(self._kept, start=1)]
        for name, note in (*self._noted.items(), *self._source.cosignatures().items(), *brought) if known else ():
            try:
                if (name, note) in brought and parse_checkpoint(note).origin != report.origin:
                    continue
                claimed = {(line.name, line.key_id) for line in read_note(note)[1]}
                named = [vkey for vkey in known if (vkey.name, vkey.key_id) in claimed]
                if not named and not self._report.cosigned:
                    raise Malformed("it names no witness that you trust")
                for vkey in named:
                    self._cosignature(note, vkey)
                    if report.outside is not None and vkey in foreign and vkey.name in report.cosigned:
                        report.outside[vkey.name] = report.cosigned[vkey.name]
            except (Malformed, Tampered) as error:
                self._found(f"the cosignature kept under {name} does not hold: {error}")

    def _cosignature(self, note: bytes, vkey: Vkey) -> None:
        report = self._report
        verify_cosignature(note, vkey)
        checkpoint = parse_checkpoint(note)
        if checkpoint.origin != report.origin:
            self._found(f"{vkey.name} cosigned another log, {checkpoint.origin}")
        elif checkpoint.size > report.size:
            self._found(f"{vkey.name} cosigned {checkpoint.size} entries, but only {report.size} are here")
        elif self._root(checkpoint.size) != checkpoint.root:
            self._found(
                f"{vkey.name} cosigned another log of {checkpoint.size} entries: it forked. {checkpoint.origin} at "
                f"{checkpoint.size}: the root here is {self._root(checkpoint.size).hex()}, the one that was cosigned "
                f"{checkpoint.root.hex()}"
            )
        else:
            report.cosigned[vkey.name] = max(checkpoint.size, report.cosigned.get(vkey.name, 0))

    def _stamps(self) -> None:
        """(6) What an authority stamped. Each is said once: the earliest time at which so many entries existed."""
        report, earliest = self._report, dict[int, Existed]()
        for said in roots_of(self._stamped, report.origin):
            found = compare(said, report.size, self._root(said.size) if said.size <= report.size else None)
            if isinstance(found, Contradicted):
                self._found(found.why)
            elif found.size not in earliest or found.at < earliest[found.size].at:
                earliest[found.size] = found
        report.existed = [earliest[size] for size in sorted(earliest)]


def _sizes(source: LogSource, kept: Sequence[bytes]) -> list[int]:
    """The sizes whose roots will be asked for."""
    sizes: list[int] = []
    for note in (source.checkpoint(), *source.cosignatures().values(), *kept):
        try:
            sizes.append(parse_checkpoint(read_note(note)[0]).size)
        except Malformed:
            continue  # said where it is checked
    return sizes
