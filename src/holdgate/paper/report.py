"""A report as paper: what it says (`holdgate.query.report_content`) laid out for a template, and set.

The bytes are a function of the content and of zone data alone. Three papers are made from the same facts: the test report, an
inspection certificate 3.1 after EN 10204, and a certificate of conformity.
"""

from collections.abc import Iterator
from typing import Any, Final

from holdgate.paper.typeset import typeset
from holdgate.paper.words import Local, act, role, sentence, times, unit, value, words
from holdgate.query.job_record import DEVIATION
from holdgate.query.report_facts import Attempt, Organisation, ReportContent, Result, Rule, Signature
from holdgate.query.report_letters import LETTERS
from holdgate.query.report_rows import GUARDED
from holdgate.terms import canon
from holdgate.terms.errors import Malformed

REPORT: Final = "report"
INSPECTION: Final = "certificate-3.1"
CONFORMITY: Final = "conformity"
_TEMPLATES: Final = {REPORT: "report.typ", INSPECTION: "inspection.typ", CONFORMITY: "conformity.typ"}
KINDS: Final = tuple(_TEMPLATES)
"""The papers that are made of a report."""


def report_pdf(content: ReportContent, local: Local, kind: str = REPORT) -> bytes:
    """The PDF of a report.

    Args:
        content: what it says.
        local: a time as the shop's clocks show it.
        kind: one of KINDS.

    Raises:
        Malformed: no such kind, or a certificate that the results do not bear. Unavailable: the typesetter is not installed.
    """
    if kind not in _TEMPLATES:
        raise Malformed(f"there is no paper of kind {kind[:40]!r}; there are {', '.join(KINDS)}")
    if kind != REPORT:
        _bears(content, kind)
    return typeset(_TEMPLATES[kind], canon.encode(paper(content, local)), content.issued_at)


def _bears(content: ReportContent, kind: str) -> None:
    """Whether a certificate can be made of the results.

    Raises:
        Malformed: no; why, in words.
    """
    done = [one.stamp for one in content.signatures if one.act.startswith("step.sign")]
    reviewed = [one for one in content.authorised if one.act == "qa.sign"]
    if not content.conforming:
        raise Malformed(f"report {content.report} has a result that does not conform: no certificate can be made of it")
    if kind == CONFORMITY and content.concessions:
        raise Malformed(
            f"report {content.report} stands under concession {', '.join(content.concessions)}: it bears an inspection "
            "certificate, which names the concession, and no certificate of conformity"
        )
    if not reviewed or any(one.stamp in done for one in reviewed):
        raise Malformed(f"report {content.report} was not validated by somebody of QA who did none of the work")
    if content.replaced_by:
        raise Malformed(
            f"report {content.report} was replaced by {content.replaced_by}: make the certificate of that one"
        )


def paper(content: ReportContent, local: Local) -> dict[str, Any]:
    """The report as a template reads it: every value is text."""
    return {
        "report": content.report,
        "title": content.title,
        "order": content.order,
        "job": content.job,
        "issued": times(content.issued_at, local),
        "zone": content.zone,
        "lab": _organisation(content.lab),
        "client": _organisation(content.client),
        "client_people": list(content.client_people),
        "site": content.site,
        "places": list(content.places),
        "item": {
            "part_no": content.part_no,
            "rev": content.rev,
            "serials": list(content.serials),
            "condition": list(content.condition),
            "documents": [words(name) for name in content.documents],
        },
        "method": _method(content),
        "received": [
            {
                "serials": ", ".join(item.serials),
                "when": times(item.at, local),
                "seen": times(item.observed_at, local),
                "attested": item.evidence == "attested",
                "by": ", ".join(item.by),
                "place": item.place,
                "entry": item.entry,
                "late": item.late,
            }
            for item in content.received
        ],
        "began": times(content.started_at, local),
        "ended": times(content.ended_at, local),
        "conformity": _conformity(content),
        "rules": [_rule(item) for item in content.rules],
        "attempts": [_attempt(item, content, local) for item in content.attempts],
        "departures": [
            {
                "kind": item.kind,
                "op": item.op,
                "says": sentence(item.says),
                "reason": sentence(item.reason),
                "by": ", ".join(item.by),
                "when": times(item.at, local),
                "entry": item.entry,
            }
            for item in content.departures
        ],
        "signatures": [_signature(item, local) for item in content.signatures],
        "authorised": [_signature(item, local) for item in content.authorised],
        **_used(content, local),
        "externals": list(content.externals),
        "anchor": {
            "origin": content.anchor.origin,
            "entry": content.anchor.entry,
            "leaf": content.anchor.leaf,
            "size": str(content.anchor.size),
            "root": content.anchor.root,
            "content": content.anchor.content,
        },
        "attested": content.attested,
        "replaces": content.replaces,
        "reason": content.reason,
        "changes": list(content.changes),
        "replaced_by": content.replaced_by,
        "missing": [
            {"letter": item.letter, "asks": LETTERS[item.letter][0], "what": item.what} for item in content.missing
        ],
    }


def _organisation(item: Organisation) -> dict[str, Any]:
    return {
        "org": item.org,
        "name": item.name,
        "lines": list(item.lines),
        "contact": list(item.contact),
        "known": item.known,
    }


def _method(content: ReportContent) -> dict[str, Any]:
    method = content.method
    return {
        "contract": f"{method.contract} version {method.version}",
        "sha256": method.sha256,
        "technique": f"{method.technique} version {method.technique_version}",
        "technique_sha256": method.technique_sha256,
        "standards": list(method.standards),
        "editions": [
            {"standard": standard, "edition": edition, "adopted": adopted}
            for standard, edition, adopted in method.editions
        ],
        "approvals": [{"role": role(name), "name": who} for name, who in method.approvals],
        "certificate": method.certificate,
    }


# ---- conformity ----------------------------------------------------------------------------------------------------


def _conformity(content: ReportContent) -> dict[str, Any]:
    good = [item.serial for item in content.verdicts if item.conforms]
    guarded = [item for item in content.rules if item.rule == GUARDED]
    accepted, rejected, scrapped = content.quantities
    return {
        "conforms": content.conforming and not content.concessions,
        "conceded": content.conforming and bool(content.concessions),
        "good": len(good),
        "of": len(content.verdicts),
        "parts": [{"serial": item.serial, "says": item.says, "conforms": item.conforms} for item in content.verdicts],
        "concessions": list(content.concessions),
        "specification": f"{content.method.contract} version {content.method.version}",
        "guarded": [f"{item.op} {words(item.characteristic)}" for item in guarded],
        "simple": len(guarded) < len(content.rules),
        "deviations": list(dict.fromkeys(item.id for item in content.departures if item.kind == DEVIATION)),
        "counts": f"{accepted} accepted, {rejected} rejected, {scrapped} scrapped",
    }


def _rule(item: Rule) -> dict[str, Any]:
    return {
        "op": item.op,
        "name": words(item.characteristic),
        "unit": unit(item.unit),
        "limits": value(item.limits, item.unit) or "no limit",
        "accepted": value(item.accepted, item.unit) or "no limit",
        "guarded": item.rule == GUARDED,
        "rule": item.rule,
        "uncertainty": f"± {item.uncertainty} {unit(item.unit)}" if item.uncertainty else "",
        "acceptance": item.acceptance,
        "basis": item.basis,
    }


# ---- results -------------------------------------------------------------------------------------------------------


def _attempt(item: Attempt, content: ReportContent, local: Local) -> dict[str, Any]:
    decisive = {rule.characteristic for rule in content.rules if rule.op == item.op and rule.acceptance}
    return {
        "op": item.op,
        "name": item.name,
        "number": str(item.number),
        "again": item.number > 1 or bool(item.over),
        "over": words(item.over),
        "result": words(item.result) or "not signed off",
        "began": times(item.started_at, local),
        "ended": times(item.ended_at, local),
        "by": item.by,
        "place": f"{item.place} ({', '.join(item.zones)})" if item.zones else item.place,
        "results": [_result(read, local, decisive=read.characteristic in decisive) for read in item.results],
        "tuned": [f"{words(name)} = {new}" for name, new in item.tuned],
    }


def _result(read: Result, local: Local, *, decisive: bool) -> dict[str, Any]:
    return {
        "name": words(read.characteristic),
        "part": read.serial,
        "value": value(read.value, read.unit),
        "unit": unit(read.unit),
        "accepted": value(read.accepted, read.unit) or "no limit",
        "limits": value(read.limits, read.unit) if read.limits != read.accepted else "",
        "uncertainty": f"± {read.uncertainty}" if read.uncertainty else "",
        "conforms": read.conforms,
        "decisive": decisive,
        "instrument": read.instrument,
        "clock": local(read.at).split(" ")[1],
        "notes": [*_notes(read, local)],
    }


def _notes(read: Result, local: Local) -> Iterator[str]:
    if not read.counts:
        yield "read again below; the last reading counts"
    if read.was:
        yield f"corrected; before: {', '.join(value(old, read.unit) for old in read.was)}"
    if read.late:
        yield f"late entry, recorded {local(read.entered_at)}"
    if read.external:
        yield f"result of an external provider: {read.external}"


def _signature(item: Signature, local: Local) -> dict[str, Any]:
    return {
        "name": item.name or "name not on record",
        "org": item.org,
        "stamp": item.stamp,
        "role": role(item.role),
        "meaning": item.meaning or "-",
        "act": act(item.act),
        "when": times(item.at, local),
        "place": item.place,
        "entry": item.entry,
        "unlocked": item.unlocked,
    }


def _used(content: ReportContent, local: Local) -> dict[str, Any]:
    return {
        "instruments": [
            {
                "id": item.id,
                "kind": words(item.equipment_class),
                "ops": ", ".join(item.ops),
                "since": times(item.cal_from, local),
                "until": times(item.cal_until, local),
                "certificate": item.certificate,
                "covers": item.covers,
            }
            for item in content.instruments
        ],
        "batches": [
            {
                "batch": item.batch,
                "kind": words(item.material_kind),
                "ops": ", ".join(item.ops),
                "until": times(item.until, local),
            }
            for item in content.batches
        ],
        "rooms": [
            {
                "series": words(item.series),
                "sensor": item.sensor,
                "limits": f"{item.limits} {unit(item.unit)}",
                "count": str(item.count),
                "range": f"{item.low} to {item.high} {unit(item.unit)}" if item.count else "",
                "breaks": [
                    f"{kind} from {local(since)} to {local(until) if until else 'the end of the work'}"
                    for kind, since, until in item.breaks
                ],
            }
            for item in content.rooms
        ],
    }
