"""Who: enrolled, not disabled, holding the role they act in, and the role is one that may."""

from typing import Final

from holdgate.identity.roster import holds_seat
from holdgate.law import command as c
from holdgate.law import signing
from holdgate.law.case import Case
from holdgate.law.signers import OFFICERS


def identity(case: Case) -> None:
    """Every signer is enrolled, in force, and holds the role that they sign in; the workstation is in force too."""
    signing.enrolled(case)


STAFF: Final = (*OFFICERS, "technician", "level3", "training", "metrology", "receiving", "safety", "business_hub")
"""Who puts a payload on the record: the shop's own people, and the hub itself."""
ROLES: Final[dict[type[c.Command], tuple[str, ...]]] = {
    c.EnrolIdentity: ("admin",),
    c.DisableIdentity: ("admin",),
    c.RekeyIdentity: OFFICERS,
    c.EnrolSite: ("admin",),
    c.RetireSite: ("admin",),
    c.RotateRoots: OFFICERS,
    c.GrantCredential: ("training", "admin"),
    c.RevokeCredential: ("training", "admin", "level3"),
    c.RegisterEquipment: ("metrology", "admin"),
    c.RegisterMaterial: ("receiving", "qa", "admin"),
    c.SubmitContract: ("author", "level3"),
    c.CalibrateEquipment: ("metrology",),
    c.ExtendMaterial: ("qa",),
    c.AdoptStandard: ("qa", "compliance", "admin"),
    c.VerifyDocument: ("compliance",),
    c.CheckEquipment: ("technician", "metrology", "qa", "level3"),
    c.CertifyContract: ("certifier",),
    c.ActivateContract: ("admin",),
    c.SuspendContract: ("level3", "qa", "compliance", "admin", "safety"),
    c.ResumeContract: ("level3", "qa"),
    c.SuggestTune: ("ai", "level3"),
    c.SuggestChange: ("ai", "level3"),
    c.UpdatePolicy: ("admin",),
    c.KeepPayload: STAFF,
    c.ErasePayload: OFFICERS,
    c.PlaceHold: OFFICERS,
    c.LiftHold: OFFICERS,
    c.ReviewOrder: ("project_manager", "qa"),
    c.StageOrder: ("business_hub", "project_manager"),
    c.AssignJob: ("project_manager",),
    c.CloseDelivery: ("system", "business_hub"),
    c.SplitJob: ("project_manager",),
    c.AuthoriseDeviation: ("level3",),
    c.NotifyWitness: ("project_manager", "qa"),
    c.AuthoriseRetest: ("level3", "qa"),
    c.OpenNonconformance: ("technician", "qa", "level3", "receiving"),
    c.ReprocessJob: ("level3", "qa"),
    c.TerminateJob: ("project_manager", "level3", "qa"),
    c.AskModule: ("module",),
    c.ReportModule: ("module",),
    c.LogEnvironment: ("sensor",),
    c.SignQa: ("qa",),
    c.SignCompliance: ("compliance",),
    c.GenerateReport: ("system", "qa", "business_hub"),
    c.AmendReport: ("qa",),
    c.CloseWindow: ("system", "business_hub"),
    c.ForwardOrder: ("floor_hub",),
    c.NoticeOrder: ("floor_hub",),
    c.RegisterParty: ("finance", "project_manager", "admin"),
    c.AgreeCharge: ("project_manager", "client"),
    c.SettleOrder: ("project_manager", "client"),
    c.ResolveDispute: ("finance", "project_manager", "client"),
    c.RecordPayments: ("finance",),
    c.RunPayments: ("finance",),
    c.RecordResults: ("finance",),
    c.ReversePayout: ("finance",),
}


def role(case: Case) -> None:
    """The actor's role is one that may do this (steps name their own role; clients have a gate of their own)."""
    needed = ROLES.get(type(case.command))
    if needed is not None and case.actor.role not in needed:
        case.deny("ROLE_NOT_AUTHORISED", id=case.actor.id, role=case.actor.role, needed=", ".join(needed))


def site_key(case: Case) -> None:
    """What one site sends another is signed with the sender's own key, the one in the charter."""
    sender = case.person
    if sender is not None and not holds_seat(case.state.charter, sender, case.actor.role):
        case.deny("ROLE_NOT_AUTHORISED", id=sender.id, role=case.actor.role, needed="the site's own key")


def second_officer(case: Case) -> None:
    """What comes from a file, and a standard's adoption, is signed by two people: who asks, and an officer who approves."""
    command = case.command
    if type(command) is not c.AdoptStandard and getattr(command, "from_file", None) is None:
        return
    concerned = (case.actor.id, getattr(command, "person", None))
    for signer in command.signers[1:]:
        person = case.state.identities.get(signer.id)
        if person is not None and person.kind == "person" and signer.role in OFFICERS and signer.id not in concerned:
            return
    case.deny("SELF_APPROVAL", id=case.actor.id, why=f"another person approves it, as {', '.join(OFFICERS)}")


def step_role(case: Case) -> None:
    """The step is for a role; a job is started by somebody who may do one of its steps.

    Help is called by whoever has to do with the job: who may do any of its steps, or may red-tag its parts.
    """
    if type(case.command) is c.CallHelp:
        roles = () if case.technique is None else tuple(op.role for op in case.technique.operations)
        callers = tuple(dict.fromkeys((*roles, *ROLES[c.OpenNonconformance])))
        if case.actor.role not in callers:
            case.deny("ROLE_NOT_AUTHORISED", id=case.actor.id, role=case.actor.role, needed=", ".join(callers))
    elif case.operation is not None:
        if case.actor.role != case.operation.role:
            case.deny("ROLE_NOT_AUTHORISED", id=case.actor.id, role=case.actor.role, needed=case.operation.role)
    elif type(case.command) is c.StartJob and case.technique is not None:
        roles = tuple(dict.fromkeys(op.role for op in case.technique.operations))
        if case.actor.role not in roles:
            case.deny("ROLE_NOT_AUTHORISED", id=case.actor.id, role=case.actor.role, needed=", ".join(roles))


def client(case: Case) -> None:
    """Only the client's own people; and only the client of this order."""
    if case.actor.role != "client":
        case.deny("CLIENT_ROLE_REQUIRED", id=case.actor.id, role=case.actor.role)
        return
    order = case.order
    if order is not None and order.client and case.person is not None and case.person.org != order.client:
        case.deny("NOT_YOUR_ORDER", id=case.actor.id, org=case.person.org, order=order.id)
