"""The job audit view over played stories: each kind of evidence is where an auditor looks for it, with its entry."""

from pathlib import Path
from typing import NamedTuple

import pytest

from holdgate.cli.reading import open_logs
from holdgate.cli.standing import open_standing
from holdgate.query.job_audit import REQUIREMENTS, JobAudit, Section, job_audit, skew_in_words
from holdgate.query.job_evidence import BAD
from holdgate.query.timeline import Timeline
from tests.played import played


class Told(NamedTuple):
    """The evidence on the jobs of a story, by `order/job`."""

    jobs: dict[str, JobAudit]

    def section(self, name: str) -> list[Section]:
        """One section of every job."""
        return [section for job in self.jobs.values() for section in job.sections if section.id == name]

    def text(self, name: str) -> str:
        """All that a section says."""
        return " | ".join(" ".join(row.cells) for section in self.section(name) for row in section.rows)


def told(folder: Path, number: str) -> Told:
    shop = played(folder, number)
    jobs = {}
    with open_standing(shop) as standing, open_logs(shop / "HUB") as (log,):
        timeline = Timeline()
        timeline.catch_up(log)
        for key in standing.state.jobs:
            order, _, job = key.partition("/")
            places = timeline.of(order)
            jobs[key] = job_audit(log, places, standing.state, standing.library, order, job)
    assert jobs, "the story has a job"
    return Told(jobs)


def test_a_happy_path_shows_who_signed_what_with_what(tmp_path: Path) -> None:
    found = told(tmp_path, "101")
    (audit,) = found.jobs.values()
    (signatures,) = found.section("signatures")
    assert len(signatures.rows) >= 10
    assert all(row.at and row.seq >= 0 for row in signatures.rows)
    assert all(row.cells[2] for row in signatures.rows), "every signature has its meaning"
    assert found.text("readings")
    assert "covers all of this use" in found.text("equipment")
    assert "approved as qa" in found.text("contract")
    assert found.text("outcome")
    for section in audit.sections:
        assert section.asks
        assert all(ask in REQUIREMENTS for ask, _ in section.asks)
        assert all(len(row.cells) == len(section.columns) for row in section.rows), section.id
    assert skew_in_words(audit)


@pytest.mark.parametrize(
    ("number", "section"),
    [("115", "repeats"), ("116", "nonconformances"), ("129", "nonconformances"), ("123", "refused"), ("123", "late")],
)
def test_what_went_otherwise_has_its_section(tmp_path: Path, number: str, section: str) -> None:
    found = told(tmp_path, number)
    assert found.text(section), f"{section} of {number}"


def test_corrections_name_the_first_value_the_new_one_and_why(tmp_path: Path) -> None:
    found = told(tmp_path, "225")
    rows = [row for section in found.section("corrections") for row in section.rows]
    assert rows
    for row in rows:
        what, first, new, by, reason = row.cells
        assert what
        assert first != new
        assert by
        assert reason


def test_readings_out_of_limits_are_marked(tmp_path: Path) -> None:
    found = told(tmp_path, "115")
    assert any(row.tone == BAD for section in found.section("readings") for row in section.rows)


def test_a_sub_lot_s_evidence_begins_with_that_of_the_job_it_was_split_from(tmp_path: Path) -> None:
    found = told(tmp_path, "119")
    shop = tmp_path / "shop"
    with open_standing(shop) as standing:
        lots = {key: job for key, job in standing.state.jobs.items() if job.status != "split"}
        split = [key for key, job in standing.state.jobs.items() if job.status == "split"]
    assert split
    for key in lots:
        signed = {row.cells[3] for s in found.jobs[key].sections if s.id == "signatures" for row in s.rows}
        before = {row.cells[3] for s in found.jobs[split[0]].sections if s.id == "signatures" for row in s.rows}
        assert before <= signed, "what was signed before the split is theirs too"
