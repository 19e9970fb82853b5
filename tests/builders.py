"""Builders: a small shop, its people, one technique, and a site of it in any state; acts with everything filled in.

A `World` is one site's state with its documents. `world.ask(c.StartStep, step="S30")` is an act that would be allowed in
the usual state, with what the case is about changed; `world.decide` puts it before the law.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from holdgate.audit.authorities import AUTHORITIES
from holdgate.crypto.commitments import commit
from holdgate.crypto.envelope import seal
from holdgate.crypto.hashes import digest, sha256
from holdgate.crypto.keys import SigningKey, key_id
from holdgate.crypto.sealed import SealingKey
from holdgate.identity.charter import CHARTER_TYPE, Charter, Founder, Settings, SiteSeat
from holdgate.identity.roots import founding_roots
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.case import Pin
from holdgate.law.certificate import CERTIFICATE, HOLDS, STRUCTURE, Certificate, Check
from holdgate.law.chronicle import (
    Attempt,
    BootRecord,
    Chronicle,
    ContactRecord,
    CosignedRecord,
    Draft,
    Standing,
    blank_state,
)
from holdgate.law.contract import (
    NOTATION,
    Adaptable,
    Billing,
    Characteristic,
    Environment,
    Hold,
    ModuleRight,
    PayoutRule,
    Retest,
    SmartClientPO,
    SmartSP,
    Step,
    StepRule,
    Window,
    Witness,
    document_digest,
    encode_document,
)
from holdgate.law.decide import decide
from holdgate.law.decision import SEMANTICS, Decision
from holdgate.law.evolve import evolve
from holdgate.law.founding import found_shop
from holdgate.law.gates.acts import SIGNING
from holdgate.law.library import Library
from holdgate.law.orders import body_of
from holdgate.law.replay import repeat
from holdgate.law.rules.nodes import Call, Const, Field, Name, Node
from holdgate.law.segments import Segment
from holdgate.law.state import State
from holdgate.law.view import view_of
from holdgate.ledger.entry import read_entry
from holdgate.ledger.merkle import Tree
from holdgate.ledger.note import Notary, cosign
from holdgate.terms import canon
from tests.rotations import KEEPERS, drawn, sealed

S: Final = 1_000_000
T0: Final = 1_743_512_400 * S
YEAR: Final = 365 * 86_400 * S

HUB, FLOOR, NODE, OTHER_NODE, VAULT = "HUB", "FLOOR", "NODE-1", "NODE-2", "VAULT"
SEATS: Final = (
    (HUB, "business_hub"),
    (FLOOR, "floor_hub"),
    (NODE, "node"),
    (OTHER_NODE, "node"),
    (VAULT, "vault"),
)
PO, JOB, REPORT, CONTRACT, VERSION = "PO-1", "J-1", "R-1", "SP-1", "1"
CLIENT, OFFICE, BENCH = "AERO", "WS-OFFICE", "WS-LAB"
SERIALS: Final = ("A", "B")

SETTINGS: Final = Settings(
    name="Lab",
    tz="UTC",
    receiving_zones=("DOCK",),
    office=OFFICE,
    session_idle_s=600,
    entry_skew_s=120,
    arrival_skew_s=100,
    arrival_fresh_s=400,
    approval_roles=("admin", "compliance", "qa", "project_manager"),
    report_fields=("title", "results"),
)

PEOPLE: Final[dict[str, dict[str, Any]]] = {
    "ADMIN": {"roles": ("admin",)},
    "QA": {"roles": ("qa",)},
    "PM": {"roles": ("project_manager",)},
    "CO": {"roles": ("compliance",)},
    "AUTHOR": {"roles": ("author",)},
    "CERT": {"roles": ("certifier",)},
    "TRAIN": {"roles": ("training",)},
    "METRO": {"roles": ("metrology",)},
    "L3": {"roles": ("level3",)},
    "L3B": {"roles": ("level3",)},
    "AI": {"roles": ("ai",), "kind": "module"},
    "TECH": {"roles": ("technician",)},
    "TECH2": {"roles": ("technician",)},
    "NOVICE": {"roles": ("technician",)},
    "SYS": {"roles": ("system",), "kind": "module"},
    "BOTH": {"roles": ("technician", "level3")},
    "PUMP": {"roles": ("module",), "kind": "module"},
    "LOCK": {"roles": ("module",), "kind": "module"},
    "PROBE": {"roles": ("sensor",), "kind": "device"},
    "PROBE2": {"roles": ("sensor",), "kind": "device"},
    "BUYER": {"roles": ("client",), "org": CLIENT},
    "BUYER2": {"roles": ("client",), "org": "OTHER"},
    OFFICE: {"roles": ("workstation",), "kind": "device", "zone": "OFFICE"},
    BENCH: {"roles": ("workstation",), "kind": "device", "zone": "LAB", "node": NODE},
    "FIN": {"roles": ("finance",)},
    "WS-STORE": {"roles": ("workstation",), "kind": "device", "zone": "STORE", "node": NODE},
    "WS-FAR": {"roles": ("workstation",), "kind": "device", "zone": "LAB", "node": OTHER_NODE},
}
QUALIFIED: Final = ("TECH", "TECH2", "L3", "BOTH")
FOUNDERS: Final = ("ADMIN", "QA", OFFICE)


def key_of(name: str) -> SigningKey:
    """Everybody's key follows from their name."""
    return SigningKey.from_seed(sha256(f"test {name}".encode()))


ROOT: Final = key_of("the root")


def charter() -> Charter:
    seats = tuple(SiteSeat(id=name, kind=kind, origin=f"test/{name}", key=key_of(name).public) for name, kind in SEATS)
    founders = tuple(
        Founder(
            id=name,
            name=name,
            org=PEOPLE[name].get("org", "LAB"),
            kind=PEOPLE[name].get("kind", "person"),
            key=key_of(name).public,
            roles=PEOPLE[name]["roles"],
            zone=PEOPLE[name].get("zone"),
        )
        for name in FOUNDERS
    )
    return Charter(org="LAB", settings=SETTINGS, sites=seats, founders=founders, roots=(ROOT.public,), threshold=1)


def charter_envelope() -> bytes:
    return seal(canon.encode(charter()), [(key_id(ROOT.public), ROOT)], CHARTER_TYPE)


# ---- the contract --------------------------------------------------------------------------------------------------


def at_most(field: str, most: int, of: str = "job") -> Node:
    """The rule `<of>.<field> <= most`."""
    return Call(o="<=", a=(Field(r=Name(n=of, t="record"), f=field, t="int"), Const(v=most, t="int")))


def own_rule(name: str, when: str, node: Node) -> StepRule:
    return StepRule(id=name, when=when, cel=name, say=f"The rule {name} is not met.", normal=Raw(canon.encode(node)))


STEPS: Final[dict[str, dict[str, Any]]] = {
    "S10": {"kind": "precheck"},
    "S20": {
        "credentials": ("VT",),
        "equipment_classes": ("oven",),
        "material_kinds": ("wax",),
        "duration_s": 600,
        "characteristics": (
            Characteristic(id="temp", unit="degC", min="50", max="100.0", instrument_class="thermometer"),
            Characteristic(id="gap", unit="mm", min="1.0", max="2.0", U="0.1", rule="guard_band", per_serial=True),
            Characteristic(id="press", unit="kPa", max="160", all_readings=True),
        ),
    },
    "S30": {"window": Window(since="S20", min_s=600, max_s=1200), "signatures": 2},
}
"""A pre-check; a step that needs everything; a step with a dwell window and two signatures."""

SERIES: Final = "lab_temp"
GAP: Final = 900 * S
POINTS: Final[dict[str, dict[str, Any]]] = {
    "S20": {"witness": Witness(party="client", notice_s=3600)},
    "S30": {"hold": Hold(party="client")},
}
"""A witness point and a hold point."""
LAB_TEMP: Final = Environment(
    series=SERIES, sensor="PROBE", unit="degC", min="20", max="26", max_gap_s=900, steps=("S20", "report")
)
RETEST: Final = Retest(max=1, allowed_causes=("specimen_defect", "instrument_defect"))
MODULES: Final = (
    ModuleRight(module="PUMP", act="pump", step="S20", permit_s=600, operator_tokens=("VT",)),
    ModuleRight(module="LOCK", act="unlock", step="S20", permit_s=300),
    ModuleRight(module="LOCK", act="unlock", step="S30", permit_s=300),
)


FULL_SHEET: Final[dict[str, Any]] = {"environment": (LAB_TEMP,), "retest": RETEST, "modules": MODULES}
"""A technique with a logged series, a retest and module permits."""


def documents(
    patch: dict[str, dict[str, Any]] | None = None,
    version: str = VERSION,
    sheet: dict[str, Any] | None = None,
    **template: Any,
) -> tuple[SmartClientPO, SmartSP]:
    """The order template and its technique. `patch`: fields of steps, by id; `sheet`: fields of the technique."""
    steps = []
    for name, fields in STEPS.items():
        usual = {"id": name, "name": f"step {name}", "role": "technician", "zones": ("LAB",)}
        steps.append(Step(**(usual | fields | (patch or {}).get(name, {}))))
    usual_sheet: dict[str, Any] = {"steps": tuple(steps), "offline_max_s": 3600}
    technique = SmartSP(id=CONTRACT, version=version, title="A test", author="AUTHOR", **(usual_sheet | (sheet or {})))
    usual_terms: dict[str, Any] = {
        "process": document_digest(technique),
        "price_minor": 100,
        "currency": "USD",
        "billing": (
            Billing(id="in", when="arrival", amount_minor=20),
            Billing(id="mid", when="qa_accepted", amount_minor=30),
            Billing(id="final", when="client_accepted", amount_minor=50),
        ),
        "client_window_s": 3600,
        "on_silence": "escalate",
        "payouts": (
            PayoutRule(
                id="bonus",
                depends_on="on_time_and_record_complete",
                payee="each_signer",
                amount_minor=5,
                currency="USD",
                within_s=86_400,
            ),
        ),
        "documents": ("drawing",),
    }
    order = SmartClientPO(id=CONTRACT, version=version, title="A test", author="AUTHOR", **(usual_terms | template))
    return order, technique


def pins_of(*parts: SmartClientPO | SmartSP | bytes) -> tuple[Pin, ...]:
    """Documents as they travel beside an act."""
    raws = [part if isinstance(part, bytes) else encode_document(part) for part in parts]
    return tuple(Pin(sha256=digest(raw), content=raw) for raw in raws)


def certificate(template: SmartClientPO, technique: SmartSP, said: dict[str, Any] | None = None) -> bytes:
    """What the validators say of these documents, where nothing is wrong with them; `said`: what they say instead."""
    usual: dict[str, Any] = {
        "holdgate": CERTIFICATE,
        "scope": "a test",
        "contract": template.id,
        "version": template.version,
        "template": document_digest(template),
        "technique": document_digest(technique),
        "notation": NOTATION,
        "profile": technique.profile,
        "semantics": SEMANTICS,
        "facts": digest(b"facts"),
        "parser": "a test",
        "checks": tuple(Check(name=name, verdict=HOLDS) for name in STRUCTURE),
        "rules": (),
    }
    return canon.encode(Certificate(**(usual | (said or {}))))


ADAPTABLE: Final = (
    Adaptable(
        id="dwell_min",
        kind="window_min_s",
        step="S30",
        value="600",
        min="600",
        max="900",
        tighter="higher",
        approve=("level3", "qa"),
        auto_tighten=True,
    ),
    Adaptable(
        id="temp_max",
        kind="characteristic_max",
        step="S20",
        characteristic="temp",
        value="100.0",
        min="80",
        max="110",
        tighter="lower",
        approve=("level3",),
    ),
    Adaptable(
        id="gap_min",
        kind="characteristic_min",
        step="S20",
        characteristic="gap",
        value="1.0",
        min="1.0",
        max="1.2",
        tighter="higher",
        approve=("qa",),
    ),
    Adaptable(
        id="review",
        kind="client_window_s",
        value="3600",
        min="1800",
        max="7200",
        tighter="higher",
        approve=("qa", "client"),
    ),
)
"""Adaptable parameters of the usual contract: `documents(sheet={"adaptable": ADAPTABLE})`."""

TERMS: Final = c.Terms(
    price_minor=100,
    currency="USD",
    milestones=(
        c.Milestone(id="in", amount_minor=20),
        c.Milestone(id="mid", amount_minor=30),
        c.Milestone(id="final", amount_minor=50),
    ),
    client_window_s=3600,
    on_silence="escalate",
)

# ---- acts ----------------------------------------------------------------------------------------------------------

COMMITMENT: Final = commit(bytes(32), b"DE89370400440532013000")
STEP_HEAD: Final = {"by": "TECH", "place": BENCH, "order": PO, "job": JOB}
USUAL: Final[dict[type[c.Command], dict[str, Any]]] = {
    c.EnrolIdentity: {
        "by": "ADMIN",
        "others": (("QA", "qa"), ("NEW", "newcomer")),
        "id": "NEW",
        "name": "New",
        "org": "LAB",
        "kind": "person",
        "key": key_of("NEW").public,
        "roles": ("technician",),
    },
    c.DisableIdentity: {"by": "ADMIN", "id": "TECH", "reason": "left"},
    c.RekeyIdentity: {
        "by": "ADMIN",
        "others": (("QA", "qa"), ("TECH", "newcomer")),
        "id": "TECH",
        "key": key_of("TECH again").public,
        "reason": "badge lost",
    },
    c.EnrolSite: {
        "by": "ADMIN",
        "others": (("QA", "qa"), ("NODE-3", "newcomer")),
        "id": "NODE-3",
        "kind": "node",
        "origin": "test/NODE-3",
        "key": key_of("NODE-3").public,
        "sealing_key": SealingKey(sha256(b"seal NODE-3")).public,
    },
    c.RetireSite: {"by": "ADMIN", "others": (("QA", "qa"),), "id": OTHER_NODE, "reason": "sold"},
    c.RotateRoots: {
        "by": "ADMIN",
        "others": (("QA", "qa"),),
        "document": sealed(drawn(founding_roots(charter()), KEEPERS[:3], 2), (ROOT, *KEEPERS[:2])),
        "reason": "a keeper left",
    },
    c.KeepPayload: {"by": "TECH", "commitment": COMMITMENT, "kind": "account", "subject": "person:TECH"},
    c.ErasePayload: {"by": "CO", "others": (("QA", "qa"),), "commitment": COMMITMENT, "reason": "asked for"},
    c.PlaceHold: {"by": "CO", "subject": f"order:{PO}", "reason": "a claim"},
    c.LiftHold: {"by": "CO", "others": (("QA", "qa"),), "subject": f"order:{PO}", "reason": "settled"},
    c.GrantCredential: {
        "by": "TRAIN",
        "person": "NOVICE",
        "credential": "VT",
        "until": T0 + YEAR,
        "evidence": "certificate 7",
    },
    c.RevokeCredential: {"by": "L3", "person": "TECH", "credential": "VT", "reason": "eyesight"},
    c.RegisterEquipment: {
        "by": "METRO",
        "id": "OVEN-9",
        "equipment_class": "oven",
        "cal_from": T0 - YEAR,
        "cal_until": T0 + YEAR,
        "in_service": True,
    },
    c.RegisterMaterial: {
        "by": "QA",
        "batch": "WAX-9",
        "material_kind": "wax",
        "until": T0 + YEAR,
        "approved": True,
    },
    c.AdoptStandard: {
        "by": "CO",
        "others": (("QA", "qa"),),
        "standard": "ASTM E1417/E1417M",
        "edition": "21",
        "until": T0 + YEAR,
        "evidence": "the controlled copy 7",
    },
    c.CalibrateEquipment: {
        "by": "METRO",
        "id": "OVEN-1",
        "as_found": "in_tolerance",
        "until": T0 + YEAR,
        "certificate": "certificate 9",
    },
    c.CheckEquipment: {"by": "TECH", "id": "OVEN-1", "result": "pass"},
    c.ExtendMaterial: {"by": "QA", "batch": "WAX-1", "until": T0 + 2 * YEAR, "evidence": "maker's letter"},
    c.VerifyDocument: {"by": "CO", "order": PO, "document": "drawing", "digest": digest(b"drawing")},
    c.AssignJob: {"by": "PM", "order": PO, "job": JOB, "technician": "TECH"},
    c.CloseDelivery: {"by": "SYS", "order": PO},
    c.SubmitContract: {"by": "AUTHOR", "contract": CONTRACT, "version": "2"},
    c.ApproveContract: {"by": "QA", "contract": CONTRACT, "version": VERSION, "approval_role": "qa"},
    c.CertifyContract: {"by": "CERT", "contract": CONTRACT, "version": VERSION, "certificate": ""},
    c.ActivateContract: {"by": "ADMIN", "contract": CONTRACT, "version": VERSION, "effectivity": "new_orders"},
    c.SuspendContract: {"by": "L3", "contract": CONTRACT, "version": VERSION, "reason": "wrong limit"},
    c.ResumeContract: {"by": "L3", "contract": CONTRACT, "version": VERSION, "reason": "the limit is right"},
    c.SuggestTune: {
        "by": "AI",
        "contract": CONTRACT,
        "version": VERSION,
        "param": "dwell_min",
        "value": "700",
        "evidence": "run 7 of 20",
    },
    c.ApproveTune: {"by": "QA", "contract": CONTRACT, "version": VERSION, "param": "dwell_min", "value": "650"},
    c.RevertTune: {
        "by": "QA",
        "contract": CONTRACT,
        "version": VERSION,
        "param": "dwell_min",
        "reason": "back to the certified value",
    },
    c.SuggestChange: {"by": "AI", "contract": CONTRACT, "change": "raise the temperature"},
    c.ApplyChange: {"by": "AI", "contract": CONTRACT, "change": "raise the temperature"},
    c.UpdatePolicy: {"by": "ADMIN", "policy": "AP-1", "zone": "LAB", "credential": "OVEN", "reason": "new guard"},
    c.AcceptTerms: {"by": "BUYER", "order": PO, "contract": CONTRACT, "version": VERSION, "terms": TERMS},
    c.ReviewOrder: {"by": "PM", "order": PO, "document_digest": digest(b"paper")},
    c.StageOrder: {
        "by": "PM",
        "order": PO,
        "contract": CONTRACT,
        "version": VERSION,
        "node": NODE,
        "client": CLIENT,
        "part_no": "P-1",
        "rev": "A",
        "serials": SERIALS,
        "documents": ("drawing",),
    },
    c.ForwardOrder: {"by": FLOOR, "order": PO, "serials": SERIALS},
    c.NoticeOrder: {"by": FLOOR, "order": PO, "node": NODE, "state": "staged"},
    c.StartJob: {"by": "TECH", "order": PO, "job": JOB, "node": NODE},
    c.RepinJob: {"by": "TECH", "order": PO, "job": JOB, "version": "2"},
    c.SplitJob: {
        "by": "PM",
        "order": PO,
        "job": JOB,
        "into": (c.SubLot(job="J-1a", serials=("A",)), c.SubLot(job="J-1b", serials=("B",))),
    },
    c.StartStep: {**STEP_HEAD, "step": "S20", "equipment": ("OVEN-1",), "materials": ("WAX-1",)},
    c.RecordReading: {
        **STEP_HEAD,
        "step": "S20",
        "characteristic": "temp",
        "value": "75",
        "unit": "degC",
        "capture": "manual",
        "instrument": "THERM-1",
    },
    c.SignStep: {**STEP_HEAD, "step": "S20", "result": "pass"},
    c.CorrectEntry: {
        **STEP_HEAD,
        "step": "S20",
        "characteristic": "temp",
        "new_value": "76",
        "reason": "misread",
    },
    c.AuthoriseDeviation: {
        "by": "L3",
        "others": (("BUYER", "client"),),
        "order": PO,
        "job": JOB,
        "step": "S30",
        "deviation": "D-1",
        "waive": ("WINDOW_EXCEEDED",),
        "reason": "power cut",
        "evidence": "log 7",
    },
    c.RecordLate: {
        **STEP_HEAD,
        "others": (("QA", "qa"),),
        "step": "S20",
        "characteristic": "temp",
        "value": "75",
        "unit": "degC",
        "instrument": "THERM-1",
        "observed_at": T0 - 3600 * S,
        "reason": "tablet battery empty",
        "evidence": "paper log 12",
    },
    c.RestartStep: {**STEP_HEAD, "step": "S20", "reason": "lamp went out"},
    c.ReleaseHold: {"by": "BUYER", "order": PO, "job": JOB, "step": "S30"},
    c.NotifyWitness: {"by": "PM", "order": PO, "job": JOB, "step": "S20"},
    c.AuthoriseRetest: {
        "by": "L3",
        "order": PO,
        "job": JOB,
        "step": "S20",
        "cause": "specimen_defect",
        "evidence": "photo 3",
    },
    c.OpenNonconformance: {
        "by": "TECH",
        "order": PO,
        "job": JOB,
        "ncr": "NCR-1",
        "serials": ("A",),
        "description": "a scratch",
    },
    c.CallHelp: {"by": "TECH", "order": PO, "job": JOB, "step": "S20", "reason": "unclear indication"},
    c.DisposeNonconformance: {
        "by": "QA",
        "order": PO,
        "job": JOB,
        "ncr": "NCR-1",
        "disposition": "reject",
        "reason": "beyond the drawing",
    },
    c.ReprocessJob: {"by": "L3", "order": PO, "job": JOB, "step": "S20", "reason": "stripped and done again"},
    c.TerminateJob: {"by": "PM", "order": PO, "job": JOB, "reason": "the client withdrew it"},
    c.ResumeJob: {"by": "L3", "order": PO, "job": JOB, "reason": "heating mended", "evidence": "report 3"},
    c.AskModule: {
        "by": "PUMP",
        "order": PO,
        "job": JOB,
        "step": "S20",
        "module": "PUMP",
        "deed": "pump",
        "permit": "P-1",
        "operator": "TECH",
    },
    c.ReportModule: {"by": "PUMP", "order": PO, "job": JOB, "step": "S20", "permit": "P-1", "deed": "pump"},
    c.LogEnvironment: {"by": "PROBE", "series": SERIES, "value": "22.0", "unit": "degC"},
    c.WriteVault: {"by": "ADMIN", "target": "entry-7"},
    c.SignQa: {
        "by": "QA",
        "order": PO,
        "job": JOB,
        "quantities": c.Quantities(received=2, accepted=2, rejected=0, scrapped=0),
    },
    c.SignCompliance: {"by": "CO", "order": PO, "job": JOB},
    c.GenerateReport: {"by": "SYS", "order": PO, "job": JOB, "report": REPORT},
    c.AmendReport: {"by": "QA", "report": REPORT, "new_report": "R-1A", "reason": "a heat number was missing"},
    c.ReviewReport: {"by": "BUYER", "report": REPORT, "decision": "approve"},
    c.CloseWindow: {"by": "SYS", "report": REPORT},
    c.IssueInvoice: {"by": "PM", "order": PO, "milestone": "mid"},
    c.ReleasePayout: {"by": "PM", "order": PO, "job": JOB, "rule": "bonus", "payee": "TECH"},
    c.RegisterParty: {
        "by": "FIN",
        "others": (("PM", "project_manager"),),
        "org": CLIENT,
        "name": "Client Ltd",
        "street": "Road 1",
        "city": "Town",
        "postal_code": "12345",
        "country": "DE",
    },
    c.RegisterAccount: {
        "by": "TECH",
        "others": (("FIN", "finance"),),
        "owner": "TECH",
        "commitment": digest(b"account"),
    },
    c.AgreeCharge: {
        "by": "PM",
        "others": (("BUYER", "client"),),
        "order": PO,
        "charge": "express",
        "item": "X-1",
        "reason": "r",
    },
    c.SettleOrder: {
        "by": "PM",
        "others": (("BUYER", "client"),),
        "order": PO,
        "milestone": "final",
        "amount_minor": 0,
        "reason": "r",
    },
    c.DisputeInvoice: {"by": "BUYER", "invoice": "I-000001", "reason": "r"},
    c.ResolveDispute: {
        "by": "FIN",
        "others": (("BUYER", "client"),),
        "invoice": "I-000001",
        "credit_minor": 0,
        "reason": "r",
    },
    c.RecordPayments: {"by": "FIN", "statement": digest(b"statement"), "payments": ()},
    c.RunPayments: {
        "by": "FIN",
        "others": (("CO", "compliance"),),
        "run": "RUN-1",
        "payouts": ("P-000001",),
        "currency": "USD",
        "pay_on": "2026-04-30",
    },
    c.RecordResults: {
        "by": "FIN",
        "run": "RUN-1",
        "file": digest(b"answer"),
        "results": (c.PayoutResult(payout="P-000001", status="paid"),),
    },
    c.ReversePayout: {"by": "FIN", "others": (("CO", "compliance"),), "payout": "P-000001", "reason": "r"},
}
"""Each act of the hub and the nodes as it would be allowed (where it ever is)."""


class Asked(NamedTuple):
    """An act before the law of one site, at one instant."""

    world: "World"
    command: c.AnyCommand
    now: int
    pins: tuple[Pin, ...]

    def decide(self) -> Decision:
        return decide(self.world.state, self.world.library, self.command, self.now, self.pins)


def fresh_auth(session: str = "fresh") -> c.Auth:
    return c.Auth(components=("badge", "pin"), session=session)


class World:
    """One site: its state, its documents, and what is done there."""

    def __init__(self, site: str, kind: str) -> None:
        self.state: State = blank_state(charter(), site, kind)
        self.blobs: dict[str, bytes] = {}
        self.library = Library(self.blobs.get)
        self.now = T0
        self.ref = 0
        self.nonce = 0
        self.order_template, self.technique = documents()
        found_shop(self.state, self.state.charter)

    # ---- what is known ---------------------------------------------------------------------------------------------

    def fold(self, *events: ev.AnyEvent, at: int | None = None) -> "World":
        """What became true, without asking anybody."""
        for event in events:
            self.ref += 1
            evolve(self.state, self.library, event, self.now if at is None else at, self.ref)
        return self

    def people(self) -> "World":
        for name, fields in PEOPLE.items():
            usual = {"name": name, "org": "LAB", "kind": "person", "key": key_of(name).public}
            self.fold(ev.IdentityEnrolled(id=name, **(usual | fields)))
        for name in QUALIFIED:
            self.fold(ev.CredentialGranted(person=name, credential="VT", until=T0 + YEAR))
        return self

    def register(self) -> "World":
        for name, kind in (("OVEN-1", "oven"), ("THERM-1", "thermometer")):
            self.equipment(name, kind)
        return self.material()

    def equipment(self, name: str = "OVEN-1", kind: str = "oven", **changes: Any) -> "World":
        usual: dict[str, Any] = {"cal_from": T0 - YEAR, "cal_until": T0 + YEAR, "in_service": True}
        return self.fold(ev.EquipmentRegistered(id=name, equipment_class=kind, **(usual | changes)))

    def material(self, name: str = "WAX-1", **changes: Any) -> "World":
        usual: dict[str, Any] = {"material_kind": "wax", "until": T0 + YEAR, "approved": True}
        return self.fold(ev.MaterialRegistered(batch=name, **(usual | changes)))

    def proposed(
        self,
        patch: dict[str, dict[str, Any]] | None = None,
        version: str = VERSION,
        sheet: dict[str, Any] | None = None,
        **template: Any,
    ) -> str:
        """A version on the record; returns its digest."""
        self.order_template, self.technique = documents(patch, version, sheet, **template)
        for pin in pins_of(self.order_template, self.technique):
            self.blobs[pin.sha256] = pin.content
        sha = document_digest(self.order_template)
        self.fold(ev.ContractSubmitted(contract=CONTRACT, version=version, sha256=sha, author="AUTHOR"))
        return sha

    def release(
        self,
        patch: dict[str, dict[str, Any]] | None = None,
        version: str = VERSION,
        effectivity: str = "new_orders",
        sheet: dict[str, Any] | None = None,
        **template: Any,
    ) -> str:
        """A version in force; returns its digest."""
        sha = self.proposed(patch, version, sheet, **template)
        self.certified(sha)
        for role, by in (("admin", "ADMIN"), ("compliance", "CO"), ("qa", "QA"), ("project_manager", "PM")):
            self.fold(ev.ContractApproved(sha256=sha, approval_role=role, by=by))
        self.fold(ev.ContractActivated(sha256=sha, effectivity=effectivity))
        return sha

    def certified(self, sha: str) -> "World":
        return self.fold(ev.ContractCertified(sha256=sha, certificate=digest(b"proof"), by="CERT"))

    @property
    def sha(self) -> str:
        return document_digest(self.order_template)

    # ---- orders ----------------------------------------------------------------------------------------------------

    def accepted(self, order: str = PO, org: str = CLIENT) -> "World":
        return self.fold(
            ev.TermsAccepted(order=order, sha256=self.sha, org=org, by="BUYER", on_silence="deemed_accepted")
        )

    def staged_event(self, **changes: Any) -> ev.OrderStaged:
        usual: dict[str, Any] = {
            "order": PO,
            "contract": CONTRACT,
            "version": self.order_template.version,
            "sha256": self.sha,
            "node": NODE,
            "client": CLIENT,
            "part_no": "P-1",
            "rev": "A",
            "serials": SERIALS,
            "documents": ("drawing",),
            "policy": "full",
            "evidence": ("broadcast",),
            "buffer_max_us": 0,
            "body": "",
            "silence": "escalate",
        }
        staged = ev.OrderStaged(**(usual | changes))
        return replace(staged, body=digest(body_of(staged)))

    def staged(self, **changes: Any) -> "World":
        return self.fold(self.staged_event(**changes))

    def received(self, order: str = PO, serials: tuple[str, ...] = SERIALS, **changes: Any) -> "World":
        """At a node: the order with these parts is here."""
        usual: dict[str, Any] = {
            "sha256": self.sha,
            "client": CLIENT,
            "part_no": "P-1",
            "rev": "A",
            "ordered": SERIALS,
            "documents": ("drawing",),
            "body": digest(b"body"),
        }
        return self.fold(ev.OrderReceived(order=order, serials=serials, **(usual | changes)))

    # ---- jobs ------------------------------------------------------------------------------------------------------

    def job(self, job: str = JOB, serials: tuple[str, ...] = SERIALS, order: str = PO) -> "World":
        return self.fold(
            ev.JobStarted(
                order=order, job=job, sha256=self.sha, version=self.order_template.version, serials=serials, by="TECH"
            )
        )

    def opened(self, step: str, job: str = JOB, by: str = "TECH") -> "World":
        full = step == "S20"
        return self.fold(
            ev.StepStarted(
                order=PO,
                job=job,
                step=step,
                by=by,
                equipment=("OVEN-1",) if full else (),
                materials=("WAX-1",) if full else (),
            )
        )

    def read(self, characteristic: str, value: str, serial: str | None = None, *, conforms: bool = True) -> "World":
        return self.fold(
            ev.ReadingRecorded(
                order=PO,
                job=JOB,
                step="S20",
                characteristic=characteristic,
                value=value,
                unit="?",
                conforms=conforms,
                serial=serial,
            )
        )

    def readings(self) -> "World":
        """Everything that S20 asks for, conforming."""
        return self.read("temp", "75").read("gap", "1.5", "A").read("gap", "1.5", "B").read("press", "100")

    def signed(
        self, step: str, by: str = "TECH", result: str = "pass", job: str = JOB, *, last: bool = True
    ) -> "World":
        return self.fold(ev.StepSigned(order=PO, job=job, step=step, by=by, result=result, complete=last))

    def done(self, *steps: str) -> "World":
        """These steps, from start to signature."""
        for step in steps:
            self.opened(step)
            if step == "S20":
                self.readings()
            if step == "S30":
                self.signed(step, last=False).signed(step, by="TECH2")
            else:
                self.signed(step)
        return self

    def failed(self, step: str = "S20", serials: tuple[str, ...] = SERIALS, job: str = JOB) -> "World":
        """This step, started and signed as a fail."""
        ncr = ev.NonconformanceOpened(order=PO, job=job, ncr=f"auto-{job}-{step}", step=step, serials=serials)
        self.opened(step, job)
        if step == "S20":
            self.read("temp", "120", conforms=False).read("gap", "1.5", "A").read("gap", "1.5", "B").read(
                "press", "100"
            )
        return self.signed(step, result="fail", job=job).fold(ncr)

    def tagged(self, *serials: str, ncr: str = "NCR-1", job: str = JOB) -> "World":
        """A red tag on these parts."""
        return self.fold(ev.NonconformanceOpened(order=PO, job=job, ncr=ncr, step="", serials=serials or ("A",)))

    def disposed(self, disposition: str, ncr: str = "NCR-1", concession: str = "", job: str = JOB) -> "World":
        """It was decided so about a nonconformance."""
        return self.fold(
            ev.NonconformanceDisposed(
                order=PO, job=job, ncr=ncr, disposition=disposition, by="QA", concession=concession
            )
        )

    def qa_accepted(self, job: str = JOB, by: str = "QA") -> "World":
        return self.fold(ev.QaAccepted(order=PO, job=job, by=by, accepted=2, rejected=0, scrapped=0))

    def reported(self, report: str = REPORT, replaces: str = "") -> "World":
        return self.fold(
            ev.ReportIssued(
                order=PO,
                job=JOB,
                report=report,
                digest=digest(b"report"),
                fields=("title",),
                deviations=(),
                replaces=replaces,
            )
        )

    def contact(self, site: str, *, up: bool) -> "World":
        return self.fold(ev.ContactChanged(site=site, up=up))

    def later(self, us: int) -> "World":
        """Time passes (µs)."""
        self.now += us
        return self

    # ---- acts ------------------------------------------------------------------------------------------------------

    def ask(self, act: type[c.Command], *, pins: Sequence[Pin] = (), **changes: Any) -> Asked:
        """An act with everything filled in, and these changes.

        Args:
            act: the command type.
            pins: documents beside it.
            changes: `by`, `role`, `others` ((id, role), …), `auth`, `meaning`, or fields of the command.
        """
        fields = USUAL[act] | changes
        if act is c.CertifyContract and "certificate" not in changes:
            pins = pins_of(certificate(self.order_template, self.technique))
            fields["certificate"] = pins[0].sha256
        by, others = fields.pop("by"), fields.pop("others", ())
        role = fields.pop("role", None) or self._role(by)
        signs = act in SIGNING
        auth = fields.pop("auth", fresh_auth() if signs else None)
        meaning = fields.pop("meaning", "responsibility" if signs else None)
        co = fields.pop("co_auth", auth)
        signers = (
            c.Signer(id=by, role=role, meaning=meaning, auth=auth),
            *(c.Signer(id=name, role=held, meaning=meaning, auth=co) for name, held in others),
        )
        if "contract" in act.__struct_fields__ and "step" in act.__struct_fields__:
            fields.setdefault("contract", self.sha)
        if signs and act is not c.SignStep:
            fields.setdefault("place", OFFICE)
        self.nonce += 1
        head: dict[str, Any] = {"site": self.state.site, "at": self.now, "nonce": str(self.nonce), "signers": signers}
        command: Any = act(**(head | fields))
        if "seen" not in fields:
            command = replace(command, seen=view_of(self.state, command))
        return Asked(self, command, self.now, tuple(pins))

    def _role(self, name: str) -> str:
        person = self.state.identities.get(name)
        return person.roles[0] if person is not None and person.roles else "technician"

    def do(self, act: type[c.Command], *, pins: Sequence[Pin] = (), **changes: Any) -> Decision:
        """Decide an act that must be allowed, and fold what it makes true."""
        decision = self.ask(act, pins=pins, **changes).decide()
        assert decision.allowed, decision.codes
        self.fold(*decision.events)
        return decision

    def copy(self) -> "World":
        """The same site once more, to live another life."""
        other = copy.copy(self)
        other.state = copy.deepcopy(self.state)
        other.blobs = dict(self.blobs)
        other.library = Library(other.blobs.get)
        return other


def node() -> World:
    """A node that knows people and registers, and no contract."""
    return World(NODE, "node").people().register()


def running(
    patch: dict[str, dict[str, Any]] | None = None, *done: str, sheet: dict[str, Any] | None = None, **template: Any
) -> World:
    """A node with a running job; these steps are done."""
    world = node()
    world.release(patch, sheet=sheet, **template)
    return world.received().job().done(*done)


def hub() -> World:
    """A business hub that knows people and registers, and no contract."""
    return World(HUB, "business_hub").people().register()


def accepted_job(
    *, qa: bool = False, compliance: bool = False, sheet: dict[str, Any] | None = None, lasting: int = 0
) -> World:
    """A business hub with a job whose record is whole (and accepted). `lasting`: from its start to its steps (µs)."""
    world = hub()
    world.release(sheet=sheet)
    world.accepted().staged().contact(NODE, up=True).job().later(lasting).done("S10", "S20", "S30")
    if qa:
        world.qa_accepted()
    if compliance:
        world.fold(ev.ComplianceAccepted(order=PO, job=JOB, by="CO"))
    return world


def forwarded(world: World, key: SigningKey | None = None, **changes: Any) -> tuple[dict[str, Any], tuple[Pin, ...]]:
    """What the floor hub forwards: fields of the act, and the slip and body beside it. `changes`: of the slip."""
    staged = world.staged_event()
    raw_body = body_of(staged)
    usual: dict[str, Any] = {
        "order": PO,
        "node": NODE,
        "part_no": "P-1",
        "rev": "A",
        "serials": SERIALS,
        "policy": "full",
        "evidence": ("broadcast",),
        "buffer_max_us": 0,
        "body": digest(raw_body),
        "staged_at": T0,
    }
    slip = c.Slip(**(usual | changes))
    signer = (c.Signer(id=HUB, role="business_hub"),)
    command = c.StageSlip(site=FLOOR, at=T0, nonce="slip", signers=signer, slip=slip)
    envelope = seal(canon.encode(command), [(HUB, key or key_of(HUB))])
    return {"slip": digest(envelope)}, pins_of(envelope, raw_body)


def signed(command: c.Command, keys: Callable[[str], SigningKey] = key_of) -> bytes:
    """The envelope of a command, signed by everybody that it names and by its workstation."""
    names = [signer.id for signer in command.signers]
    if command.place is not None and command.place not in names:
        names.append(command.place)
    return seal(canon.encode(command), [(name, keys(name)) for name in names])


# ---- logs ----------------------------------------------------------------------------------------------------------


class Log(World):
    """A site's log in the making, without signatures being checked: what a site and its store are to a chronicle."""

    def __init__(self, site: str, kind: str) -> None:
        super().__init__(site, kind)
        self.state = blank_state(charter(), site, kind)
        self.standing = Standing(state=self.state, heads={}, digests={})
        self.drafts: list[Draft] = []
        self.heads: dict[str, bytes] = {}
        self.found: dict[tuple[str, bytes], int] = {}
        self.keys: dict[str, SigningKey] = {}
        self.chronicle = Chronicle(self.standing, Tree(), self.library, AUTHORITIES[kind], self)

    # ---- History ---------------------------------------------------------------------------------------------------

    def head(self, subject: str, before: int) -> bytes | None:
        return self.heads.get(subject)

    def find(self, subject: str, digest: bytes, before: int) -> int | None:
        return self.found.get((subject, digest))

    # ---- what happens ----------------------------------------------------------------------------------------------

    def keep(self, draft: Draft) -> Draft:
        """Store a new entry, as a site does."""
        self.blobs.update(draft.blobs)
        self.library.settle(draft.blobs)
        self.drafts.append(draft)
        self.heads[draft.subject] = draft.leaf
        if draft.digest:
            self.found[draft.subject, draft.digest] = draft.seq
        return draft

    def settled(self, draft: Draft) -> Draft:
        """A new entry, and after it what follows from it and has entries of its own."""
        self.keep(draft)
        while self.standing.owed:
            self.keep(self.chronicle.consequence(self.now))
        return draft

    def begin(self) -> "Log":
        """The charter and the first start."""
        self.keep(self.chronicle.genesis(charter(), charter_envelope(), self.now, "e0"))
        self.keep(self.chronicle.note(BootRecord(epoch="e1", reconciled=True), self.now))
        return self

    def key(self, name: str, command: c.AnyCommand) -> SigningKey:
        """Whom it signs for, with `keys` before the key that follows from the name; who gets another key signs with that."""
        if isinstance(command, c.RekeyIdentity) and name == command.id:
            return next(
                key for word in ("again", "once more") if (key := key_of(f"{name} {word}")).public == command.key
            )
        return self.keys.get(name) or key_of(name)

    def submit(self, command: c.AnyCommand, pins: Sequence[Pin] = ()) -> Draft | int:
        """An act, sealed by everybody; the new entry, or the number of the one that it has already."""
        raw = signed(command, lambda name: self.key(name, command))
        answer = self.chronicle.act(raw, command, sha256(canon.encode(command)), self.now, tuple(pins))
        return answer if isinstance(answer, int) else self.settled(answer)

    def act(self, act: type[c.Command], *, pins: Sequence[Pin] = (), **changes: Any) -> Draft:
        """An act with everything filled in, put on the log."""
        asked = self.ask(act, pins=pins, **changes)
        draft = self.submit(asked.command, asked.pins)
        assert isinstance(draft, Draft)
        return draft

    def allow(self, act: type[c.Command], *, pins: Sequence[Pin] = (), **changes: Any) -> Draft:
        """An act that must be allowed."""
        draft = self.act(act, pins=pins, **changes)
        assert draft.decision.allowed, draft.decision.denials
        return draft

    def attempt(self, source: str = "dock") -> Draft:
        return self.keep(self.chronicle.attempt(Attempt(code="MALFORMED", why="noise", source=source), self.now))

    def heard(self, site: str, *, up: bool = True) -> Draft:
        return self.keep(self.chronicle.note(ContactRecord(site=site, up=up), self.now))

    def take_in(self, segment: Segment) -> Draft:
        return self.settled(self.chronicle.take_in(segment, self.now))

    def cosigned(self, time_s: int, key: SigningKey | None = None) -> Draft:
        """The Vault cosigned the log as it stands."""
        note = self.checkpoint(len(self.drafts))
        body = note.partition(b"\n\n")[0] + b"\n"
        line = cosign(body, f"test/{VAULT}", key or key_of(VAULT), time_s)
        return self.keep(self.chronicle.note(CosignedRecord(witness=VAULT, note=note + line), self.now))

    # ---- what it gives ---------------------------------------------------------------------------------------------

    def checkpoint(self, size: int, key: SigningKey | None = None) -> bytes:
        tree = Tree()
        for draft in self.drafts[:size]:
            tree.append(draft.leaf)
        return Notary(f"test/{self.state.site}", key or key_of(self.state.site)).checkpoint(size, tree.root())

    def segment(self, start: int = 0, size: int | None = None) -> Segment:
        """Entries [start, size), all of them disclosed, with their documents."""
        size = len(self.drafts) if size is None else size
        drafts = self.drafts[start:size]
        pins = {key: body for draft in drafts for key in read_entry(draft.body).pins if (body := self.blobs.get(key))}
        return Segment(
            origin=f"test/{self.state.site}",
            start=start,
            size=size,
            checkpoint=self.checkpoint(size),
            leaves=tuple(draft.leaf for draft in drafts),
            entries={index: draft.body for index, draft in enumerate(drafts)},
            blobs=pins,
        )

    def bodies(self) -> list[bytes]:
        return [draft.body for draft in self.drafts]

    def frozen(self) -> tuple[bytes, int, tuple[bytes, ...]]:
        """Everything that the chronicle carries, as bytes to compare."""
        tree = self.chronicle.tree
        return encoded(self.standing), tree.size, tree.frontier()

    def again(self) -> list[bytes]:
        """Every entry made anew from the log and its documents alone."""
        return self.remade().bodies()

    def remade(self) -> "Log":
        """The log made anew from its bytes and its documents alone."""
        return replayed(self.state.site, self.state.kind, self.bodies(), self.blobs)

    # ---- a shop's first days ---------------------------------------------------------------------------------------

    def staffed(self, patch: dict[str, dict[str, Any]] | None = None, sheet: dict[str, Any] | None = None) -> "Log":
        """At the hub: people, registers and a contract in force, by signed acts."""
        for name, fields in PEOPLE.items():
            if name not in FOUNDERS:
                usual = {"name": name, "org": "LAB", "kind": "person", "key": key_of(name).public}
                others = (("QA", "qa"), (name, "newcomer"))
                self.allow(c.EnrolIdentity, id=name, others=others, **(usual | fields))
        for name in QUALIFIED:
            self.allow(c.GrantCredential, person=name)
        self.allow(c.RegisterEquipment, id="OVEN-1")
        self.allow(c.RegisterEquipment, id="THERM-1", equipment_class="thermometer")
        self.allow(c.RegisterMaterial, batch="WAX-1")
        return self.governed(patch, sheet=sheet)

    def governed(
        self,
        patch: dict[str, dict[str, Any]] | None = None,
        version: str = VERSION,
        sheet: dict[str, Any] | None = None,
        **template: Any,
    ) -> "Log":
        """A version in force, by signed acts."""
        self.order_template, self.technique = documents(patch, version, sheet, **template)
        pins = pins_of(self.order_template, self.technique)
        named: dict[str, Any] = {"version": version}
        self.allow(c.SubmitContract, pins=pins, sha256=pins[0].sha256, **named)
        self.allow(c.CertifyContract, **named)
        for role, by in (("admin", "ADMIN"), ("compliance", "CO"), ("qa", "QA"), ("project_manager", "PM")):
            self.allow(c.ApproveContract, by=by, approval_role=role, **named)
        self.allow(c.ActivateContract, **named)
        return self

    def ordered(self) -> "Log":
        self.allow(c.AcceptTerms)
        self.allow(c.StageOrder)
        return self

    def delivered(self) -> "Log":
        """At a node: the order is here."""
        fields, pins = forwarded(self)
        self.allow(c.ForwardOrder, pins=pins, **fields)
        return self

    def worked(self) -> "Log":
        """At a node: a job from start to the last signature."""
        self.allow(c.StartJob)
        bare: dict[str, Any] = {"equipment": (), "materials": ()}
        self.allow(c.StartStep, step="S10", **bare)
        self.allow(c.SignStep, step="S10")
        self.allow(c.StartStep)
        self.allow(c.RecordReading)
        for serial in SERIALS:
            gap: dict[str, Any] = {"characteristic": "gap", "value": "1.5", "unit": "mm", "instrument": None}
            self.allow(c.RecordReading, **gap, serial=serial)
        self.allow(c.RecordReading, characteristic="press", value="100", unit="kPa", instrument=None)
        self.allow(c.SignStep)
        self.later(700 * S)
        self.allow(c.StartStep, step="S30", **bare)
        self.allow(c.SignStep, step="S30")
        self.allow(c.SignStep, step="S30", by="TECH2")
        return self


def encoded(value: object) -> bytes:
    """A struct as bytes to compare."""
    return msgspec.msgpack.encode(value)


def replayed(site: str, kind: str, bodies: Sequence[bytes], blobs: dict[str, bytes]) -> Log:
    """A log made anew (law.replay), from its bytes and documents."""
    other = Log(site, kind)
    other.blobs.update(blobs)
    for body in bodies:
        other.keep(repeat(other.chronicle, read_entry(body), (ROOT.public,)))
    return other


def hub_log(patch: dict[str, dict[str, Any]] | None = None, sheet: dict[str, Any] | None = None) -> Log:
    return Log(HUB, "business_hub").begin().staffed(patch, sheet).ordered()


def node_log(shop: Log) -> Log:
    """A node that knows what the hub's log says, with the order on its floor."""
    log = Log(NODE, "node").begin()
    log.now = shop.now
    log.order_template, log.technique = shop.order_template, shop.technique
    log.heard(HUB)
    log.take_in(shop.segment())
    return log.delivered()
