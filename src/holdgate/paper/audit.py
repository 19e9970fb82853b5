"""The job audit view as a PDF: what `holdgate.query.job_audit` assembled, with the entry of every row."""

from collections.abc import Sequence
from typing import Final

from holdgate.paper.typeset import typeset
from holdgate.query.job_audit import JobAudit, Section, skew_in_words
from holdgate.query.packed_words import LOOKS, Names
from holdgate.query.words import moment
from holdgate.terms import canon

TEMPLATE: Final = "job-audit.typ"


def audit_pdf(audit: JobAudit, names: Names, org: str, about: Sequence[str], at: int) -> bytes:
    """The paper. The same bytes for the same record.

    Args:
        audit: the evidence.
        names: by where the record holds an entry its `SITE:seq`.
        org: whose shop it is.
        about: what the order is, in words.
        at: UTC µs, the date of the paper: of the newest entry that it rests on.

    Raises:
        Unavailable: the typesetter is not installed. Malformed: it is more than one paper can hold.
    """
    data = {
        "org": org,
        "order": audit.order,
        "job": audit.job,
        "about": list(about),
        "entries": audit.entries,
        "refused": audit.refused,
        "skew": skew_in_words(audit),
        "sections": [_section(section, names) for section in audit.sections],
    }
    return typeset(TEMPLATE, canon.encode(data), at)


def _section(section: Section, names: Names) -> dict[str, object]:
    return {
        "title": section.title,
        "asks": [{"requirement": ask, "text": text} for ask, text in section.asks],
        "columns": list(section.columns),
        "empty": section.empty,
        "rows": [
            {
                "cells": list(row.cells),
                "at": moment(row.at) if row.at else "",
                "entry": names.get((row.seq, row.inside), ""),
                "look": LOOKS.get(row.tone, ""),
            }
            for row in section.rows
        ],
    }
