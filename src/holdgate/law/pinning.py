"""Which version an act is judged by: the one that the job is pinned to; or, where that pins by test, the test's own.

Under `pin: test` a step that is not started yet takes the revision in force, if that one has the same steps in the same
order; a started step keeps what it was started under (scenario vocabulary, convention 7).
"""

from holdgate.law.library import Library
from holdgate.law.state import Attempt, Job, State
from holdgate.law.technique import Technique


def version_for(state: State, library: Library, job: Job, step: str | None) -> str:
    """The contract version (SHA-256 of its template) that an act on this step of this job names and is judged by."""
    technique = library.techniques.get(job.technique) or library.technique(job.technique)
    if technique is None or not technique.by_test or step is None:
        return job.sha256
    position = technique.position.get(step)
    if position is None:
        return job.sha256
    return test_version(state, library, job, technique, job.attempts[position])


def test_version(state: State, library: Library, job: Job, technique: Technique, attempt: Attempt | None) -> str:
    """The version of one test of a job that pins by test."""
    if attempt is not None:
        return attempt.contract or job.sha256
    released = state.in_force.get(technique.id, job.sha256)
    template = library.template(released)
    offered = None if template is None else library.technique(template.process)
    same = offered is not None and [op.id for op in offered.operations] == [op.id for op in technique.operations]
    return released if same else job.sha256
