"""Contract versions: from submission to resumption, and what is tuned inside them."""

from typing import Final

from holdgate.law import event as ev
from holdgate.law.folds.step import Steps
from holdgate.law.library import Library, require_documents
from holdgate.law.state import ContractRecord, State, Suggestion


def _contract_submitted(state: State, library: Library, e: ev.ContractSubmitted, at: int, ref: int) -> None:
    """A draft: whether its technique could ever be worked by is nobody's concern before it is certified."""
    require_documents(library, e.sha256)
    state.contracts[e.sha256] = ContractRecord(
        sha256=e.sha256, contract=e.contract, version=e.version, author=e.author, ref=ref, approvals={}
    )
    state.versions[f"{e.contract}/{e.version}"] = e.sha256


def _contract_approved(state: State, _: Library, e: ev.ContractApproved, at: int, ref: int) -> None:
    state.contracts[e.sha256].approvals[e.approval_role] = e.by


def _contract_certified(state: State, _: Library, e: ev.ContractCertified, at: int, ref: int) -> None:
    record = state.contracts[e.sha256]
    record.certificate, record.certified_by = e.certificate, e.by


def _contract_activated(state: State, _: Library, e: ev.ContractActivated, at: int, ref: int) -> None:
    """The version before it is superseded; with `unstarted_jobs` no earlier one starts anything any more, ever."""
    record = state.contracts[e.sha256]
    for other in state.contracts.values():
        if other.contract == record.contract and other.status in ("active", "superseded"):
            other.status = "barred" if e.effectivity == "unstarted_jobs" else "superseded"
    record.status, record.effectivity, record.ref = "active", e.effectivity, ref
    state.in_force[record.contract] = e.sha256


def _contract_suspended(state: State, _: Library, e: ev.ContractSuspended, at: int, ref: int) -> None:
    record = state.contracts[e.sha256]
    record.suspended, record.ref = True, ref


def _contract_resumed(state: State, _: Library, e: ev.ContractResumed, at: int, ref: int) -> None:
    record = state.contracts[e.sha256]
    record.suspended, record.ref = False, ref


def _suggestion_recorded(state: State, _: Library, e: ev.SuggestionRecorded, at: int, ref: int) -> None:
    """On the record, for people to read; it changes no rule."""


def _tune_suggested(state: State, _: Library, e: ev.TuneSuggested, at: int, ref: int) -> None:
    state.contracts[e.sha256].suggested[e.param] = Suggestion(value=e.value, by=e.by, approvals={})


def _tune_approved(state: State, _: Library, e: ev.TuneApproved, at: int, ref: int) -> None:
    state.contracts[e.sha256].suggested[e.param].approvals[e.role] = e.by


def _parameter_tuned(state: State, _: Library, e: ev.ParameterTuned, at: int, ref: int) -> None:
    """What was agreed to before another value came into force is agreed to anew: a waiting suggestion falls."""
    record = state.contracts[e.sha256]
    record.tuned[e.param], record.ref = e.value, ref
    record.suggested.pop(e.param, None)
    record.agreed.pop(e.param, None)
    if e.client:
        record.agreed[e.param] = e.client


def _tune_reverted(state: State, _: Library, e: ev.TuneReverted, at: int, ref: int) -> None:
    record = state.contracts[e.sha256]
    record.ref = ref
    for held in (record.tuned, record.agreed):
        held.pop(e.param, None)
    record.suggested.pop(e.param, None)


STEPS: Final[Steps] = {
    ev.ContractSubmitted: _contract_submitted,
    ev.ContractApproved: _contract_approved,
    ev.ContractCertified: _contract_certified,
    ev.ContractActivated: _contract_activated,
    ev.ContractSuspended: _contract_suspended,
    ev.ContractResumed: _contract_resumed,
    ev.SuggestionRecorded: _suggestion_recorded,
    ev.TuneSuggested: _tune_suggested,
    ev.TuneApproved: _tune_approved,
    ev.ParameterTuned: _parameter_tuned,
    ev.TuneReverted: _tune_reverted,
}
