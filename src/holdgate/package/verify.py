"""Verify a package: with the reader's own keys, without law, store or network. Decisions are not made again.

Source: docs/spec/package.md, "What a verifier checks".
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from holdgate.crypto.commitments import SALT_BYTES, SALTED, opens
from holdgate.crypto.envelope import Envelope
from holdgate.crypto.hashes import digest
from holdgate.ledger.note import Vkey
from holdgate.package.archive import unpack
from holdgate.package.logs import ENTRIES, Fault, Held, Logs, gaps, read_logs
from holdgate.package.manifest import (
    AUDIT,
    EVIDENCE,
    MANIFEST,
    PLACE,
    RECORD,
    Manifest,
    differences,
    evidence_in,
    in_order,
    pieces,
    read_manifest,
    read_pieces,
)
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed

NOT_CHECKED: Final = (
    "whether each decision was right under its contract: holdgate audit makes every decision again, from whole logs",
    "what else stands in the logs, and what came after the newest entry of the job that is here",
    "the words of README.txt, job/ and papers/; a sealed PDF has a signature of its own",
    "whether a person told the truth, or an instrument was right",
)
_OF_ISSUED: Final = ("report", "order", "job", "fields", "deviations")
_WHERE_SET: Final = ("attested_arrival", "nonconforming", "concessions", "replaces")


class Checked(NamedTuple):
    """Something that was looked at and holds: what, and what was found."""

    what: str
    found: str


class Verdict(Struct, frozen=True, kw_only=True):
    """What a package is worth. `faults`: what does not hold, none: everything that is there holds."""

    manifest: Manifest
    faults: tuple[Fault, ...]
    checked: tuple[Checked, ...]
    not_checked: tuple[str, ...]


def verify(
    raw: bytes, roots: tuple[bytes, ...], witnesses: Sequence[Vkey], rotations: Sequence[Envelope] = ()
) -> Verdict:
    """Check a package.

    Args:
        raw: the file's bytes; untrusted.
        roots: root keys of the shop, from elsewhere.
        witnesses: cosigners that the reader trusts; none: cosignatures are not looked at.
        rotations: root documents after the charter, from elsewhere too.

    Raises:
        Malformed: it is no package, is not in the one spelling, is too long, or has no manifest that can be read.
    """
    parts = unpack(raw)
    manifest = read_manifest(parts.get(MANIFEST))
    faults = [Fault(*found) for found in differences(manifest, parts)]
    logs = read_logs(parts, roots, witnesses, rotations)
    faults += logs.faults
    told = Told(parts, manifest, logs)
    for check in (told.whole, told.documents, told.reports, told.evidence, told.tellings):
        faults += check()
    return Verdict(
        manifest=manifest,
        faults=tuple(dict.fromkeys(faults)),
        checked=tuple(_checked(parts, logs, told, {fault.part for fault in faults})),
        not_checked=NOT_CHECKED if witnesses else ("cosignatures: you trust no witness", *NOT_CHECKED),
    )


def _checked(parts: Mapping[str, bytes], logs: Logs, told: "Told", bad: set[str]) -> Iterator[Checked]:
    """What holds, in words; `bad`: parts of which something does not."""
    whole = sum(name not in bad for name in parts) - (MANIFEST not in bad)
    yield Checked("digests", f"{whole} of {len(parts) - 1} parts are what the manifest says")
    for log in logs.logs:
        by = f"cosigned by {', '.join(log.cosigned)}" if log.cosigned else "cosigned by nobody whom you trust"
        yield Checked(
            f"log of {log.site}", f"checkpoint of {log.size} entries, {by}; {len(log.entries)} entries proven"
        )
        yield Checked(f"signatures at {log.site}", f"{log.signatures} signatures hold")
        for place in log.outdated:
            yield Checked(f"signatures at {log.site}", f"{place}, under a key that was replaced by another")
    if not any(name.endswith(ENTRIES) for name in bad):
        yield Checked("job", f"the entries of {', '.join(sorted(told.subjects))} follow each other without a gap")
    yield Checked("documents", f"{_sound(parts, 'documents/', bad)} documents are what entries name")
    for report, says in told.answers.items():
        yield Checked(f"report {report}", says)
    kept = _sound(parts, "evidence/", bad)
    yield Checked("evidence", f"{told.named} pieces are named in signed acts, {kept} of them are here")


def _is_named(reference: str, body: bytes) -> bool:
    """Whether a piece of evidence is what a commitment (its salt stands before it) or a plain digest names."""
    salt = SALT_BYTES if reference.startswith(SALTED) else 0
    return opens(reference, body[:salt], body[salt:])


def _sound(parts: Mapping[str, bytes], folder: str, bad: set[str]) -> int:
    return sum(name.startswith(folder) and name not in bad for name in parts)


class Told:
    """What parts say beside the logs, held against the entries that were proven."""

    def __init__(self, parts: Mapping[str, bytes], manifest: Manifest, logs: Logs) -> None:
        self._parts, self._manifest, self._logs = parts, manifest, logs
        self._entries = list(logs.entries())
        self._order = manifest.order
        self._lots = self._lineage()
        self.issued = self._issued()
        self.subjects = self._subjects()
        self.answers: dict[str, str] = {}
        self.named = 0

    def _lineage(self) -> tuple[str, ...]:
        parents = {
            lot: event["job"]
            for _, event in self._events("JobSplit")
            if event.get("order") == self._order and isinstance(event.get("jobs"), list)
            for lot in map(str, event["jobs"])
        }
        found = [self._manifest.job]
        while (parent := parents.get(found[-1])) is not None and parent not in found:
            found.append(str(parent))
        return tuple(found)

    def _events(self, *names: str) -> Iterator[tuple[Held, dict[str, Any]]]:
        for held in self._entries:
            for event in held.events:
                if event.get("ev") in names:
                    yield held, event

    def _issued(self) -> dict[str, dict[str, Any]]:
        return {
            str(event.get("report")): event
            for held, event in self._events("ReportIssued")
            if held.site == self._logs.hub and held.allowed and event.get("order") == self._order
        }

    def _subjects(self) -> frozenset[str]:
        reports = [name for name, event in self.issued.items() if event.get("job") in self._lots]
        jobs = [f"{self._order}/{lot}" for lot in self._lots]
        return frozenset([f"order:{self._order}", *jobs, *(f"report:{name}" for name in reports)])

    def whole(self) -> Iterator[Fault]:
        """8: no gaps; and the manifest speaks of what is here."""
        manifest = self._manifest
        for log in self._logs.logs:
            yield from gaps(log, self.subjects, manifest.withheld)
        if self._logs.roster is None:
            return
        newest = max((held.entry.at for held in self._entries), default=0)
        if manifest.until != newest:
            yield Fault(MANIFEST, "its newest entry is of another time than it says")
        if not any(held.entry.subject in self.subjects for held in self._entries):
            yield Fault(MANIFEST, f"no entry in it is about the job {self._order}/{manifest.job}")

    def documents(self) -> Iterator[Fault]:
        """9: each is what its name says, and something that is proven names it."""
        prefix = "documents/"
        found = {name.removeprefix(prefix): body for name, body in self._parts.items() if name.startswith(prefix)}
        speaks = b"\n".join([part for held in self._entries for part in (held.payload, *_raw(held))])
        reached, more = set[str](), True
        while more:
            now = [sha256 for sha256 in found if sha256 not in reached and sha256.encode() in speaks]
            more = bool(now)
            reached.update(now)
            speaks = b"\n".join(found[sha256] for sha256 in now)
        for sha256, body in found.items():
            if digest(body) != sha256:
                yield Fault(f"{prefix}{sha256}", "it was altered: its SHA-256 is not its name")
            elif sha256 not in reached:
                yield Fault(f"{prefix}{sha256}", "nothing that is proven names it")
            elif len(body) > limits.BLOB_BYTES_MAX:
                yield Fault(f"{prefix}{sha256}", f"a document has at most {limits.BLOB_BYTES_MAX} bytes")

    def reports(self) -> Iterator[Fault]:
        """10: the content is the one that was issued, and that the client answered."""
        for name, raw in self._parts.items():
            if name.startswith("reports/"):
                report = name.removeprefix("reports/").removesuffix(".json")
                says = self._report(report, raw)
                if says:
                    yield Fault(name, says)
        for report, event in self.issued.items():
            here = f"reports/{report}.json" in self._parts
            if event.get("job") in self._lots and not here and not self._manifest.missing:
                yield Fault(f"reports/{report}.json", "it was issued, and is not here")

    def _report(self, report: str, raw: bytes) -> str:
        """What is wrong with a report's content; empty where nothing is. Notes how the client answered."""
        issued = self.issued.get(report)
        if issued is None:
            return "no entry says that it was issued for this order"
        if digest(raw) != issued.get("digest"):
            return "it was altered: it is not the content that was issued"
        content = _json(raw)
        if not isinstance(content, dict) or canon.encode(content) != raw:
            return "it is no canonical JSON"
        if any(content.get(name) != issued.get(name) for name in _OF_ISSUED):
            return "it says something else than the entry that issued it"
        if any((content.get(name) or None) != (issued.get(name) or None) for name in _WHERE_SET):
            return "it leaves out, or adds, what the entry that issued it says"
        shown = [held.act.get("seen") for held in self._accepted(issued) if held.act]
        elsewhere = not shown and any(place.startswith(f"{self._logs.hub}:") for place in self._manifest.withheld)
        if content.get("view") not in shown and not elsewhere:
            return "it rests on another record of the job than the one that QA signed"
        return self._answer(report, str(issued.get("digest")))

    def _accepted(self, issued: dict[str, Any]) -> Iterator[Held]:
        for held in self._entries:
            act = held.act
            if act is None or not held.allowed or act.get("act") != "qa.sign":
                continue
            if (act.get("order"), act.get("job")) == (issued.get("order"), issued.get("job")):
                yield held

    def _answer(self, report: str, sha256: str) -> str:
        self.answers[report] = "its content is the one that was issued; the client has not answered"
        for held, event in self._events("ReportApproved", "ReportRejected"):
            if event.get("report") != report:
                continue
            act = held.act or {}
            if (act.get("act"), act.get("report"), act.get("seen")) != ("client.review", report, sha256):
                return f"{held.place} says that the client answered, and the client signed something else"
            word = "approved" if event["ev"] == "ReportApproved" else "rejected"
            self.answers[report] = f"its content is the one that {event.get('by')} {word} with {held.place}"
        return ""

    def evidence(self) -> Iterator[Fault]:
        """11: the list is what the acts name."""
        prefix = "evidence/"
        kept = {name.removeprefix(prefix): body for name, body in self._parts.items() if name.startswith(prefix)}
        named: dict[str, list[str]] = {}
        for held in self._entries:
            for sha256 in evidence_in(held.act):
                named.setdefault(sha256, []).append(held.place)
        self.named = len(named)
        try:
            listed = read_pieces(self._parts.get(EVIDENCE, b""))
        except Malformed as error:
            yield Fault(EVIDENCE, str(error))
            return
        if listed != pieces(named, kept):
            yield Fault(EVIDENCE, "it is not the list of what the packaged acts name, and of what is here")
        for reference, body in kept.items():
            if not _is_named(reference, body):
                yield Fault(f"{prefix}{reference}", "it was altered: it is not what its name says")
            elif reference not in named:
                yield Fault(f"{prefix}{reference}", "no packaged act names it")
            elif len(body) > limits.BLOB_BYTES_MAX + (SALT_BYTES if reference.startswith(SALTED) else 0):
                yield Fault(f"{prefix}{reference}", f"a piece of evidence has at most {limits.BLOB_BYTES_MAX} bytes")

    def tellings(self) -> Iterator[Fault]:
        """12: what was told from the entries names entries that are here."""
        here = {held.place for held in self._entries} | {*self._manifest.withheld}
        for name in (RECORD, AUDIT):
            raw = self._parts.get(name)
            if raw is None:
                continue
            value = _json(raw)
            if value is None or canon.encode(value) != raw:
                yield Fault(name, "it is no canonical JSON")
            gone = in_order([place for place in _named(value) if place not in here])
            if gone:
                yield Fault(name, f"it names {gone[0]}, which is not in the package")


def _raw(held: Held) -> Iterator[bytes]:
    """What an entry says in clear beside its act."""
    yield bytes(held.entry.decision)
    yield bytes(held.entry.record)
    yield " ".join((*held.entry.pins, held.entry.law.contract or "")).encode()


def _json(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, held in value.items():
            if name == "entry" and isinstance(held, str) and PLACE.fullmatch(held):
                yield held
            yield from _named(held)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)
