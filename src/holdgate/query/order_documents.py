"""The documents that an order rests on: contracts, certificates, its own papers."""

from collections.abc import Iterator

from holdgate.law.library import Library
from holdgate.law.state import Order, State


def versions_of(state: State, order: Order) -> Iterator[str]:
    """The contract versions that an order and its jobs are under."""
    yield order.sha256
    yield from (said.sha256 for said in order.acceptances)
    for key in order.jobs:
        job = state.jobs.get(key)
        if job is not None:
            yield job.sha256
            yield from (attempt.contract for attempt in job.attempts if attempt is not None and attempt.contract)


def documents_of(state: State, library: Library, order: Order) -> Iterator[str]:
    """The digests of every document that an order rests on."""
    yield order.body
    yield from order.reviews
    for sha256 in versions_of(state, order):
        yield sha256
        record = state.contracts.get(sha256)
        if record is not None and record.certificate:
            yield record.certificate
        template = library.template(sha256) if sha256 else None
        if template is not None:
            yield from (template.process, template.quality, template.pay)
