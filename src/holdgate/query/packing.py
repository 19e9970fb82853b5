"""Packing: everything that a package about one job holds, from the business hub's record (docs/spec/package.md).

Nothing is decided and nothing is made up. The same record, papers and evidence give the same parts, byte for byte.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.library import Library
from holdgate.law.reporting import content
from holdgate.law.state import State
from holdgate.law.technique import Technique
from holdgate.ledger.merkle import inclusion_paths
from holdgate.ledger.note import parse_checkpoint
from holdgate.package import manifest as m
from holdgate.query.client_story import THE_LABS_OWN
from holdgate.query.job_audit import JobAudit, job_audit
from holdgate.query.job_record import job_record
from holdgate.query.order_documents import documents_of
from holdgate.query.packed_words import audit_html, readme, told_audit, told_record
from holdgate.query.record import Place, Record, Said, said, spoken
from holdgate.query.rests import Rests
from holdgate.query.scanned import Scanned, is_cosigned
from holdgate.query.timeline import orders_of
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed

EVIDENCE_APART: Final = (
    "The pieces of evidence are here as digests alone; whoever keeps a piece can show that it is the one."
)
EVIDENCE_GONE: Final = "Not every piece of evidence that is named is kept any more."


class Asked(Struct, frozen=True, kw_only=True):
    """What is to be packed. `scope`: whole or client; `papers`: file name → bytes (PDF); `audit_pdf`: the job audit view's.

    `evidence`: gives a piece by its digest where it is kept (None: the pieces are not asked for); `brought`: newer checkpoints
    than the record holds itself.
    """

    scope: str = m.WHOLE
    papers: Mapping[str, bytes] = {}
    audit_pdf: bytes = b""
    evidence: Callable[[str], bytes | None] | None = None
    brought: tuple[bytes, ...] = ()


class Known(Struct, frozen=True, kw_only=True):
    """What the business hub knows of an order and a job now, as far as a package needs it; nothing in it changes any more.

    `documents`: digests that the order rests on; `clients`: by order whose it is; `reports`: by report its order; `own`: SMART-IDs
    of the lab and of this client; `audit`: the job audit view, None where it is not packed.
    """

    org: str
    order: str
    job: str
    client: str
    contract: str
    about: tuple[str, ...]
    documents: tuple[str, ...]
    clients: dict[str, str]
    reports: dict[str, str]
    own: frozenset[str]
    technique: Technique | None
    audit: JobAudit | None


class Source(NamedTuple):
    """What it is packed from: the business hub's record, where it speaks of the order, and what the hub knows."""

    record: Record
    places: Sequence[tuple[int, int]]
    known: Known


def source_of(
    record: Record, places: Sequence[tuple[int, int]], state: State, library: Library, name: str, scope: str = m.WHOLE
) -> Source:
    """Take from a hub's state what a package needs, so that the rest can be done while the hub goes on.

    Args:
        record: the business hub's.
        places: where it speaks of the order (`holdgate.query.timeline.Timeline.of`).
        state: what the hub knows now; not changed.
        library: its documents.
        name: ORDER/JOB.
        scope: whole or client.

    Raises:
        Malformed: there is no such job, or an entry cannot be read. Tampered: one is missing.
    """
    order_id, _, job_id = name.partition("/")
    order = state.orders.get(order_id)
    if order is None or name not in order.jobs:
        raise Malformed(f"{name[:130]} is no job that the business hub knows")
    job = state.jobs.get(name)
    known = Known(
        org=state.charter.org,
        order=order_id,
        job=job_id,
        client=order.client,
        contract=order.contract,
        about=(f"client {order.client}", f"{order.part_no} rev {order.rev}", f"parts {', '.join(order.serials)}"),
        documents=tuple(documents_of(state, library, order)),
        clients={other.id: other.client for other in state.orders.values()},
        reports={report.id: report.order for report in state.reports.values()},
        own=frozenset(one.id for one in state.identities.values() if one.org in (order.client, state.charter.org)),
        technique=None if job is None else library.technique(job.technique),
        audit=job_audit(record, places, state, library, order_id, job_id) if scope == m.WHOLE else None,
    )
    return Source(record, places, known)


class Packed(Struct, frozen=True, kw_only=True):
    """The parts of a package (`holdgate.package.archive.pack` makes one file of them).

    `uncosigned`: sites whose checkpoint in it carries no cosignature.
    """

    parts: dict[str, bytes]
    manifest: m.Manifest
    uncosigned: tuple[str, ...]


def packed(source: Source, asked: Asked) -> Packed:
    """Put a package together. It reads the whole record once, and costs time with its length: never on an event loop.

    Args:
        source: the business hub's record, and what it knows.
        asked: what is to be in it.

    Raises:
        Malformed: an entry cannot be read, or no checkpoint covers one. Tampered: something that the record names is missing.
    """
    return _Packing(source, asked).packed()


class _Packing:
    """A package in the making. `_chosen`: entries by site and index."""

    def __init__(self, source: Source, asked: Asked) -> None:
        self._source, self._known, self._asked = source, source.known, asked
        self._whole = asked.scope == m.WHOLE
        self._every = list(spoken(source.record, list(source.places)))
        self._lots = self._lineage()
        self._reports = {
            event.report: event
            for _, one in self._every
            for event in one.decision.events
            if isinstance(event, ev.ReportIssued) and event.order == self._known.order and event.job in self._lots
        }
        self._scanned = Scanned(source.record, [self._known.contract] if self._whole else [])
        self._chosen: dict[Place, Said] = {}
        self._withheld: list[str] = []

    def packed(self) -> Packed:
        self._choose()
        parts = self._logs()
        parts.update(self._documents())
        parts.update(self._contents())
        parts.update(self._told())
        parts.update({f"papers/{name}": content for name, content in self._asked.papers.items()})
        parts.update(self._evidence())
        manifest = self._manifest(parts)
        parts[m.README] = readme(manifest).encode()
        manifest = self._manifest(parts)
        parts[m.MANIFEST] = canon.encode(manifest)
        notes = {name.split("/")[1]: note for name, note in parts.items() if name.endswith("/checkpoint")}
        bare = tuple(site for site, note in notes.items() if not is_cosigned(note))
        return Packed(parts=parts, manifest=manifest, uncosigned=bare)

    # ---- which entries ---------------------------------------------------------------------------------------------

    def _lineage(self) -> tuple[str, ...]:
        """The job, and the jobs that it was split from."""
        parents = {
            lot: event.job
            for _, one in self._every
            for event in one.decision.events
            if isinstance(event, ev.JobSplit) and event.order == self._known.order
            for lot in event.jobs
        }
        found = [self._known.job]
        while (parent := parents.get(found[-1])) is not None and parent not in found:
            found.append(parent)
        return tuple(found)

    def _choose(self) -> None:
        for _, one in self._every:
            if self._is_about(one):
                self._take(one)
        if self._whole:
            rests = Rests(self._scanned)
            for one in [*self._chosen.values()]:
                for fact in rests.of(one):
                    self._take(fact)
            for seq in self._scanned.contracts.get(self._known.contract, ()):
                self._own(seq)
        self._founding()
        self._keys()

    def _is_about(self, one: Said) -> bool:
        """Whether an entry is about the job (or one that it was split from), its reports, or its order as a whole."""
        kind, colon, name = one.entry.subject.partition(":")
        if colon and kind == "report":
            return name in self._reports
        lot = "" if colon else one.entry.subject.partition("/")[2]
        if lot:
            return lot in self._lots
        if colon and kind == "order":
            return True
        events = one.decision.events
        jobs = {getattr(event, "job", None) for event in events if getattr(event, "order", "") == self._known.order}
        return bool(jobs & {None, *self._lots}) or any(
            getattr(event, "report", "") in self._reports for event in events
        )

    def _take(self, one: Said) -> None:
        """An entry that is packed; one that is not for whoever gets the package is only named."""
        theirs = all(self._is_theirs(name) for name in sorted(self._named(one)))
        if theirs and (self._whole or not self._is_the_labs(one)):
            self._chosen[one.place] = one
        elif str(one.place) not in self._withheld:
            self._withheld.append(str(one.place))

    def _is_the_labs(self, one: Said) -> bool:
        """Whether a client is not shown an entry: what the lab pays and assigns, and what strangers try on its order."""
        asks = isinstance(one.command, (c.ReleasePayout, c.AssignJob))
        told = any(isinstance(event, THE_LABS_OWN) for event in one.decision.events)
        return asks or told or any(name not in self._known.own for name in _signers(one))

    def _named(self, one: Said) -> set[str]:
        reports = [one.entry.subject.removeprefix("report:")] if one.entry.subject.startswith("report:") else []
        reports += [report for event in one.decision.events if (report := getattr(event, "report", ""))]
        return orders_of(one) | {self._known.reports[name] for name in reports if name in self._known.reports}

    def _is_theirs(self, order: str) -> bool:
        return order == self._known.order or self._known.clients.get(order) == self._known.client

    def _own(self, seq: int) -> None:
        body = self._scanned.body(self._scanned.site, seq)
        if body is not None:
            self._take(said(body))

    def _founding(self) -> None:
        """The first entry of every log: it holds the charter."""
        self._own(0)
        for site in sorted({place.site for place in self._chosen}):
            body = self._scanned.body(site, 0)
            if body is not None:
                one = said(body)
                self._chosen[one.place] = one

    def _keys(self) -> None:
        """Who gave each signer, and each site that joined later, their key; and so on for those who signed that."""
        done = {seat.id for seat in self._scanned.charter.sites}
        waiting = {name for one in self._chosen.values() for name in _signers(one)} | {p.site for p in self._chosen}
        while waiting:
            done |= waiting
            found = {seq for name in waiting for seq in self._scanned.keys.get(name, ())}
            new = [
                said(body) for seq in sorted(found) if (body := self._scanned.body(self._scanned.site, seq)) is not None
            ]
            self._chosen.update({one.place: one for one in new})
            waiting = {name for one in new for name in _signers(one)} - done

    # ---- parts -----------------------------------------------------------------------------------------------------

    def _sorted(self) -> list[Said]:
        return [self._chosen[place] for place in sorted(self._chosen)]

    def _logs(self) -> dict[str, bytes]:
        if len(self._chosen) > limits.PACKAGE_ENTRIES_MAX:
            raise Malformed(
                f"{len(self._chosen)} entries speak of this job; a package holds {limits.PACKAGE_ENTRIES_MAX}"
            )
        parts: dict[str, bytes] = {}
        for site in sorted({place.site for place in self._chosen}):
            indexes = [place.seq for place in sorted(self._chosen) if place.site == site]
            note = self._scanned.note(site, indexes[-1] + 1, self._asked.brought)
            paths = inclusion_paths(self._scanned.logs[site].leaves[: parse_checkpoint(note).size], indexes)
            bodies = [self._scanned.body(site, seq) or b"" for seq in indexes]
            lines = [
                m.Line(entry=body, index=seq, path=tuple(path))
                for body, seq, path in zip(bodies, indexes, paths, strict=True)
            ]
            parts[f"logs/{site}/checkpoint"] = note
            parts[f"logs/{site}/entries.jsonl"] = m.write_lines(lines)
        return parts

    def _documents(self) -> Iterator[tuple[str, bytes]]:
        """What the order rests on and what the entries pin, as far as a packaged entry, or another document, names it."""
        wanted = dict.fromkeys([*self._known.documents, *(pin for one in self._sorted() for pin in one.entry.pins)])
        bodies = {
            sha256: body for sha256 in wanted if sha256 and (body := self._source.record.blob(sha256)) is not None
        }
        speaks = b"\n".join(text for one in self._sorted() for text in _clear(one))
        left = dict(bodies)
        while found := [sha256 for sha256 in left if sha256.encode() in speaks]:
            yield from ((f"documents/{sha256}", bodies[sha256]) for sha256 in found)
            speaks = b"\n".join(left.pop(sha256) for sha256 in found)

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        """What each report says: of what the record holds, that which has the digest that was issued."""
        contracts = dict.fromkeys(one.entry.law.contract or "" for one in self._sorted())
        views = dict.fromkeys(
            command.seen or ""
            for _, one in self._every
            if isinstance(command := one.command, c.SignQa) and command.job in self._lots
        )
        for report, issued in self._reports.items():
            for contract in contracts:
                for view in views:
                    raw = canon.encode(content(issued, self._known.client, contract, view))
                    if digest(raw) == issued.digest:
                        yield f"reports/{report}.json", raw

    def _told(self) -> Iterator[tuple[str, bytes]]:
        known = self._known
        mine = [(own, one) for own, one in self._every if one.place in self._chosen]
        if known.technique is not None:
            yield m.RECORD, told_record(job_record(mine, known.job, known.technique))
        if known.audit is not None:
            names = {place: str(one.place) for place, (_, one) in zip(self._source.places, self._every, strict=True)}
            yield m.AUDIT, told_audit(known.audit, names, {str(place) for place in self._chosen})
            yield "job/audit.html", audit_html(known.audit, names, (known.org, *known.about))
            if self._asked.audit_pdf:
                yield "job/audit.pdf", self._asked.audit_pdf

    def _evidence(self) -> Iterator[tuple[str, bytes]]:
        named = evidence_named(self._chosen.values())
        give = self._asked.evidence
        given = {} if give is None else {sha256: give(sha256) for sha256 in sorted(named)}
        kept = {sha256: body for sha256, body in given.items() if body is not None}
        yield m.EVIDENCE, canon.encode(m.pieces(named, kept))
        yield from ((f"evidence/{sha256}", body) for sha256, body in kept.items())

    def _manifest(self, parts: Mapping[str, bytes]) -> m.Manifest:
        return m.Manifest(
            org=self._known.org,
            order=self._known.order,
            job=self._known.job,
            scope=self._asked.scope,
            until=max(one.entry.at for one in self._chosen.values()),
            withheld=tuple(m.in_order(self._withheld)),
            missing=tuple(self._missing(parts)),
            parts=m.listed(parts),
        )

    def _missing(self, parts: Mapping[str, bytes]) -> Iterator[str]:
        for report in self._reports:
            if f"reports/{report}.json" not in parts:
                yield f"The content of report {report} is not here: the record as it stands now is another."
            if not any(name.startswith(f"papers/{report}") for name in parts):
                yield f"Report {report} is not here as a paper."
        if not self._reports:
            yield "No report was issued for this job."
        if self._whole and "job/audit.pdf" not in parts:
            yield "The job audit view is here as HTML, not as PDF."
        if not self._whole:
            yield "What concerns the shop's own registers (instruments, qualifications, approvals) is not here."
        named = evidence_named(self._chosen.values())
        if any(f"evidence/{sha256}" not in parts for sha256 in named):
            yield EVIDENCE_APART if self._asked.evidence is None else EVIDENCE_GONE


def evidence_named(entries: Iterable[Said]) -> dict[str, list[str]]:
    """The digests of evidence that acts name, each with the entries that do (`SITE:seq`)."""
    found: dict[str, list[str]] = {}
    for one in entries:
        if one.entry.kind == "action":
            for sha256 in m.evidence_in(canon.plain(_payload(one), "an act")):
                found.setdefault(sha256, []).append(str(one.place))
    return found


def _payload(one: Said) -> bytes:
    return open_envelope(bytes(one.entry.action)).payload


def _signers(one: Said) -> Iterator[str]:
    """Whose keys are needed to check an entry."""
    command = one.command
    if command is not None:
        yield from (signer.id for signer in command.signers)
        if command.place:
            yield command.place


def _clear(one: Said) -> Iterator[bytes]:
    """What an entry says in clear: where digests of documents are looked for."""
    if one.entry.kind == "action":
        yield _payload(one)
    yield bytes(one.entry.decision)
    yield bytes(one.entry.record)
    yield " ".join((*one.entry.pins, one.entry.law.contract or "")).encode()
