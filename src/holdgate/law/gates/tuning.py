"""Adaptation: what a released contract declares adaptable moves inside its bounds, by people (or a tightening by itself).

SMART-AI and Level III suggest. Every role that the contract names agrees, each another person, none of them who suggested.
"""

from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.case import Case
from holdgate.law.state import Suggestion
from holdgate.law.technique import Parameter
from holdgate.terms.quantity import parse_decimal


def released(case: Case) -> None:
    """Only a version that came into force is adapted, and its documents are here."""
    record = case.contract
    if record is None:
        return
    if record.status == "submitted":
        case.deny("CONTRACT_NOT_ACTIVE", contract=record.contract, version=record.version)
    elif case.technique is None:
        case.deny("CONTRACT_UNKNOWN", contract=record.contract, version=record.version)


def known_contract(case: Case) -> None:
    """A thought is about a contract that is on the record."""
    command = case.command
    if type(command) is not c.SuggestChange:
        return
    if all(record.contract != command.contract for record in case.state.contracts.values()):
        case.deny("CONTRACT_UNKNOWN", contract=command.contract, version="(any)")


def declared(case: Case) -> None:
    """The contract declares the parameter adaptable. Else the suggestion is kept, and changes nothing."""
    command, record = case.command, case.contract
    if type(command) is not c.SuggestTune or record is None or case.technique is None or case.parameter is not None:
        return
    if not case.found:  # what somebody else says in SMART-AI's place is not kept
        case.fact(ev.SuggestionRecorded(contract=record.contract, by=case.actor.id))
    why = f"{record.contract} version {record.version} does not declare {command.param} adaptable"
    case.deny("AI_NOT_AUTHORITY", id=case.actor.id, why=why)


def in_range(case: Case) -> None:
    """The value is a number that the contract was certified for."""
    command, parameter = case.command, case.parameter
    if type(command) is not c.SuggestTune or parameter is None:
        return
    if case.value is None:
        case.deny("VALUE_INVALID", value=command.value[:40])
    elif not parameter.allows(case.value):
        case.deny("TUNE_OUT_OF_RANGE", param=parameter.id, value=command.value[:40], limits=parameter.show_limits())


def changes(case: Case) -> None:
    """A suggestion is of another value than the one in force, and than the one that waits."""
    command, parameter, record = case.command, case.parameter, case.contract
    if type(command) is not c.SuggestTune or parameter is None or record is None or case.value is None:
        return
    waiting = record.suggested.get(parameter.id)
    if parameter.present(record.tuned) == case.value:
        case.deny("ALREADY_DONE", what=f"the change of {parameter.id} to {command.value}")
    elif waiting is not None and parse_decimal(waiting.value) == case.value:
        case.deny("ALREADY_DONE", what=f"the suggestion of {command.value} for {parameter.id}")


def waits(case: Case) -> None:
    """Exactly this value waits for approval."""
    command = case.command
    if type(command) is c.ApproveTune and case.technique is not None and waiting_for(case) is None:
        case.deny("NO_PENDING_SUGGESTION", param=command.param, value=command.value[:40])


def waiting_for(case: Case) -> Suggestion | None:
    """The suggestion that an approval is about."""
    record, parameter = case.contract, case.parameter
    waiting = None if record is None or parameter is None else record.suggested.get(parameter.id)
    return waiting if waiting is not None and parse_decimal(waiting.value) == case.value else None


def named(case: Case) -> None:
    """A change is approved, and taken back, in a role that the contract names; for a client, one with an order under it."""
    parameter = case.parameter
    if parameter is None:
        return
    actor = case.actor
    if actor.role not in parameter.approve:
        case.deny("ROLE_NOT_AUTHORISED", id=actor.id, role=actor.role, needed=", ".join(parameter.approve))
    elif actor.role == "client":
        _own_order(case)


def _own_order(case: Case) -> None:
    record, person = case.contract, case.person
    if record is None or person is None:
        return
    orders = (order for order in case.state.orders.values() if order.sha256 == record.sha256)
    if all(order.client != person.org for order in orders):
        about = f"under {record.contract} version {record.version}, if there is any,"
        case.deny("NOT_YOUR_ORDER", id=person.id, org=person.org, order=about)


def each_once(case: Case) -> None:
    """One approval a role and a person; never the suggester's."""
    waiting = waiting_for(case)
    if type(case.command) is not c.ApproveTune or waiting is None:
        return
    actor = case.actor
    if actor.role in waiting.approvals:
        case.deny("ALREADY_DONE", what=f"the approval as {actor.role}")
    if actor.id == waiting.by:
        case.deny("SELF_APPROVAL", id=actor.id, why="they suggested it")
    elif actor.id in waiting.approvals.values():
        case.deny("SELF_APPROVAL", id=actor.id, why="they approved it already, in another role")


def revertible(case: Case) -> None:
    """Something is tuned, or waits."""
    command, record = case.command, case.contract
    if type(command) is not c.RevertTune or record is None or case.technique is None:
        return
    if command.param not in record.tuned and command.param not in record.suggested:
        case.deny("ALREADY_DONE", what=f"the return of {command.param} to the contract's value")


def applies_at_once(parameter: Parameter, suggested: str, tuned: dict[str, str]) -> bool:
    """Whether a suggestion needs nobody: it tightens, and the contract lets that happen by itself."""
    value = parse_decimal(suggested)
    return parameter.auto_tighten and value is not None and parameter.tightens(value, parameter.present(tuned))
