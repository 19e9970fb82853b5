"""What a package says in words: its README, the record and the audit view of its job, as JSON and as one page to be printed."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

from msgspec import to_builtins

from holdgate.package.manifest import CLIENT, Manifest
from holdgate.query.job_audit import JobAudit, Section, skew_in_words
from holdgate.query.job_evidence import Row
from holdgate.query.job_record import JobRecord
from holdgate.query.words import moment
from holdgate.terms import canon

Names = Mapping[tuple[int, int], str]
"""By where the business hub's record holds an entry (own entry, place inside): `SITE:seq`."""
_README: Final = """\
{org}: job {job} of order {order}
{line}

What this is
  The evidence on one job, in one file: the acts that people signed, as they signed them; proof that each stands in the log of
  the site that decided it; the documents they rest on; and papers that tell the same in words.
  The newest entry in it is of {until}. {scope}

How to check it
  With Holdgate:      holdgate verify PACKAGE --trust trust.json
  Without Holdgate:   the format is on the page docs/spec/package.md of Holdgate. Everything is plain: a ZIP archive that is not
                      compressed, JSON, SHA-256, Merkle proofs (RFC 6962) and Ed25519 signatures.
  You need the shop's trust.json, from somewhere else than from whoever gave you this file: it holds the shop's root keys and
  the keys of witnesses that you believe. Compare it with the contract, or with the one that you were given last year.

What is in it
  manifest.json       every part, with its length and its SHA-256
  logs/               by site: entries with their proofs, and the signed checkpoint that the proofs lead to
  documents/          contracts, certificates and order documents; the name of each is its SHA-256
  reports/            what each report says, as it was signed
  evidence.json       the digests of photos, charts and scans that acts name
  evidence/           those of them that were asked for and are kept
  job/, papers/       the same for people; what they say is proven by the logs, not by themselves

What is not in it
{missing}
What nobody can see from it
  Whether each decision was right under its contract: an audit of the whole logs makes every decision again (holdgate audit).
  What the logs hold beside these entries, and after the newest one.
"""


def readme(manifest: Manifest) -> str:
    """The README of a package."""
    head = f"{manifest.org}: job {manifest.job} of order {manifest.order}"
    missing = "".join(f"  {sentence}\n" for sentence in manifest.missing) or "  Nothing that one would look for.\n"
    if manifest.withheld:
        missing += f"  {len(manifest.withheld)} entries that are not for whoever gets this package (manifest.json, withheld).\n"
    client = "It holds what the order's client may see." if manifest.scope == CLIENT else ""
    return _README.format(
        org=manifest.org,
        job=manifest.job,
        order=manifest.order,
        line="=" * len(head),
        until=moment(manifest.until),
        scope=client,
        missing=missing,
    )


def told_record(record: JobRecord) -> bytes:
    """The record of a job as canonical JSON."""
    return canon.encode(to_builtins(record))


def told_audit(audit: JobAudit, names: Names, here: set[str]) -> bytes:
    """The job audit view as canonical JSON: every row with its entry, where that is in the package."""
    return canon.encode(
        {
            "order": audit.order,
            "job": audit.job,
            "entries": audit.entries,
            "refused": audit.refused,
            "skew_us": audit.skew_us,
            "sections": [_told_section(section, names, here) for section in audit.sections],
        }
    )


def _told_section(section: Section, names: Names, here: set[str]) -> dict[str, Any]:
    return {
        "id": section.id,
        "title": section.title,
        "asks": [{"requirement": ask, "text": text} for ask, text in section.asks],
        "columns": list(section.columns),
        "empty": section.empty,
        "rows": [_told_row(row, names, here) for row in section.rows],
    }


def _told_row(row: Row, names: Names, here: set[str]) -> dict[str, Any]:
    told: dict[str, Any] = {"cells": list(row.cells)}
    if row.at:
        told["at"] = row.at
    if row.tone:
        told["tone"] = row.tone
    entry = names.get((row.seq, row.inside), "")
    if entry:
        told["entry" if entry in here else "elsewhere"] = entry
    return told


_STYLE: Final = """\
@page { size: A4 landscape; margin: 14mm 12mm; }
body { font: 10pt/1.4 system-ui, sans-serif; color: #111; background: #fff; max-width: 75rem; margin: 1rem auto; padding: 0 1rem; }
h1 { font-size: 16pt; margin: 0 0 .3rem; } h2 { font-size: 12pt; margin: 1.2rem 0 .2rem; break-after: avoid; }
p { margin: .2rem 0; } .asks { color: #444; } table { border-collapse: collapse; width: 100%; margin: .4rem 0; }
thead { display: table-header-group; } tr { break-inside: avoid; }
th, td { border: 1px solid #999; padding: .15rem .35rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { background: #eee; } .bad td { border-left-width: 3px; font-weight: 600; }
@media print { body { margin: 0; padding: 0; max-width: none; font-size: 8.5pt; } }"""
LOOKS: Final = {"good": "OK", "bad": "Look", "waits": "Note"}


def audit_html(audit: JobAudit, names: Names, about: Sequence[str]) -> bytes:
    """The job audit view as one page, to be read and printed anywhere: no script, nothing from outside."""
    return "\n".join(_page(audit, names, about)).encode() + b"\n"


def _page(audit: JobAudit, names: Names, about: Sequence[str]) -> Iterator[str]:
    title = escape(f"Job audit view {audit.order}/{audit.job}")
    yield "<!DOCTYPE html>"
    yield f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>\n{_STYLE}\n</style></head><body>"
    yield f"<h1>{title}</h1>"
    yield f"<p>{escape(' · '.join(about))}</p>"
    yield (
        f"<p>{audit.entries} entries speak of this job; {audit.refused} of them are refusals. Times are the record's own (UTC);"
        f" what signers claimed differs by at most {escape(skew_in_words(audit))}.</p>"
    )
    for section in audit.sections:
        yield from _html_section(section, names)
    yield "</body></html>"


def _html_section(section: Section, names: Names) -> Iterator[str]:
    yield f'<section id="{escape(section.id)}"><h2>{escape(section.title)}</h2>'
    asks = "; ".join(f"<strong>{escape(ask)}</strong> {escape(text)}" for ask, text in section.asks)
    yield f'<p class="asks">Shows {asks}.</p>'
    if not section.rows:
        yield f"<p>{escape(section.empty)}</p></section>"
        return
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in (*section.columns, "Time", "Entry", "Look"))
    yield f"<table><thead><tr>{heads}</tr></thead><tbody>"
    for row in section.rows:
        at = moment(row.at) if row.at else "–"
        told = (*row.cells, at, names.get((row.seq, row.inside), ""), LOOKS.get(row.tone, ""))
        cells = "".join(f"<td>{escape(cell) if cell else '–'}</td>" for cell in told)
        yield f'<tr class="{escape(row.tone)}">{cells}</tr>' if row.tone else f"<tr>{cells}</tr>"
    yield "</tbody></table></section>"
