"""Witness runs on real sites: a shop is founded for one contract, its people sign every deed, and every answer is compared.

What the graph of the contract predicts (`holdgate.certifier.witness`) is held against what the engine does: verdict, code and
everything that became true, deed by deed. The first difference ends the run: from there on the two speak of different orders.
"""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from typing_extensions import override

from holdgate.certifier.cast import (
    DOCK,
    ELSEWHERE,
    FOREVER,
    LAB,
    NODE,
    OFFICE,
    SUBJECT_CLASS,
    SUBJECTS,
    SUBJECTS_MAX,
    Cast,
)
from holdgate.certifier.plan import Plan
from holdgate.certifier.witness import Deed
from holdgate.law import event as ev
from holdgate.law.families import Bundle
from holdgate.law.segments import decision_of
from holdgate.ledger.entry import read_entry
from holdgate.scenario.acts import ACTIONS
from holdgate.scenario.draft import FLOOR
from holdgate.scenario.files import (
    Credential,
    Equipment,
    Expectation,
    Material,
    Node,
    Person,
    ScenarioStep,
    SiteSettings,
    Workstation,
    World,
)
from holdgate.scenario.opening import Opening
from holdgate.scenario.run import Outcome, Run
from holdgate.terms.errors import HoldgateError
from holdgate.terms.instant import SECOND_US, Instant

PAUSE_US: Final = 60 * SECOND_US
"""After a longer pause than this all sites, and the Vault, have heard of what was before it."""
RECEIVING: Final = "W-RECEIVING-AREA"


class Disagreement(Struct, frozen=True, kw_only=True):
    """Where graph and engine differ. `number`: of the deed, from 0; `path`: the deeds of that order up to there, as sentences."""

    number: int
    what: str
    path: tuple[str, ...]


def run_plan(plan: Plan) -> Disagreement | None:
    """Have real sites decide every deed of a plan; the first answer that was not predicted, if any.

    Raises:
        Malformed: the shop cannot be set up under these contracts.
    """
    with tempfile.TemporaryDirectory(prefix="holdgate-witness-") as folder:
        return asyncio.run(_run(_Stage(Path(folder) / "shop", plan), plan.deeds))


class _Stage(Opening):
    """A shop with nothing in it but what the contract asks for."""

    def __init__(self, directory: Path, plan: Plan) -> None:
        self._plan = plan
        super().__init__(directory, world_of(plan.cast), plan.deeds[0].at)

    @override
    def contracts(self) -> Sequence[Bundle]:
        return self._plan.contracts


class _Observed(Run):
    """A run whose effects are what became true, in the words of the deeds."""

    async def deed(self, step: ScenarioStep, *, settle: bool) -> Outcome:
        """One deed; `settle`: wait until every site knows of it. Else what follows elsewhere is seen with a later deed."""
        if settle:
            return await self.step(step)
        self._opening.clock.instant = step.at
        self._seen = {site.id: site.spine.size for site in self._shop.sites.values()}
        decision = await self._act(step)
        return Outcome(decision=decision, effects=self._effects())

    @override
    def _effects(self) -> list[str]:
        found: list[str] = []
        for site in self._shop.sites.values():
            for row in site.means.store.rows(self._seen[site.id], site.spine.size):
                found += [said for event in decision_of(read_entry(row.body)).events if (said := said_by(event))]
        return sorted(found)


async def _run(stage: _Stage, deeds: Sequence[Deed]) -> Disagreement | None:
    shop = await stage.open()
    run = _Observed(shop, stage)
    try:
        for number, deed in enumerate(deeds):
            what = await _differs(run, number, deed, settle=_leaves(deeds, number))
            if what:
                return Disagreement(number=number, what=what, path=_path(deeds, number))
        await shop.settle()
    finally:
        shop.close()
    return None


def _leaves(deeds: Sequence[Deed], number: int) -> bool:
    """Whether the next deed is decided elsewhere, or much later, so that every site has to know of this one first."""
    if number + 1 == len(deeds):
        return True
    this, following = deeds[number : number + 2]
    here, there = ACTIONS[this.action][0], ACTIONS[following.action][0]
    return here != there or here == FLOOR or following.at - this.at > PAUSE_US


async def _differs(run: _Observed, number: int, deed: Deed, *, settle: bool) -> str:
    """What the engine answered otherwise than predicted, as a sentence; "" where nothing."""
    try:
        outcome = await run.deed(_as_step(number, deed), settle=settle)
    except HoldgateError as error:
        return f"{deed.words}: the engine cannot decide it ({error})"
    decision, says = outcome.decision, ", ".join(deed.says) or "nothing"
    if deed.code and decision.allowed:
        return f"{deed.words}: the engine allows it, and {deed.code} was predicted"
    if deed.code and deed.code not in decision.codes:
        return f"{deed.words}: the engine refuses it as {' '.join(decision.codes)}, and {deed.code} was predicted"
    if not deed.code and not decision.allowed:
        return f"{deed.words}: the engine refuses it as {' '.join(decision.codes)}, and it was predicted to be allowed"
    if not deed.code and outcome.effects != list(deed.says):
        return f"{deed.words}: what becomes true is {', '.join(outcome.effects) or 'nothing'}, and {says} was predicted"
    return ""


def _as_step(number: int, deed: Deed) -> ScenarioStep:
    return ScenarioStep(
        n=number,
        at=Instant(deed.at),
        node=None,
        actor_id=deed.actor,
        actor_role=deed.role,
        action=deed.action,
        inputs=deed.inputs,
        expect=Expectation(decision="deny" if deed.code else "allow", reason=deed.code or None),
    )


def _path(deeds: Sequence[Deed], number: int) -> tuple[str, ...]:
    """The allowed deeds of the same order before this one, and this one."""
    start = max((place for place in range(number + 1) if deeds[place].action in ("po.accept", "po.review")), default=0)
    return (*(deed.words for deed in deeds[start:number] if not deed.code), deeds[number].words)


def said_by(event: ev.AnyEvent) -> str:
    """An event in the words of a deed; "" for what no deed speaks of."""
    words = _SAID.get(type(event))
    return "" if words is None else words(event)


def _named(name: str, *fields: str) -> Callable[[Any], str]:
    return lambda event: " ".join([name, *(str(getattr(event, field)) for field in fields)])


_SAID: Final[dict[type[ev.Event], Callable[[Any], str]]] = {
    ev.TermsAccepted: _named("TermsAccepted", "on_silence"),
    ev.OrderReviewed: _named("OrderReviewed", "role"),
    ev.OrderStaged: _named("OrderStaged"),
    ev.ArrivalRecorded: _named("ArrivalRecorded"),
    ev.OrderReleased: _named("OrderReleased"),
    ev.JobAssigned: _named("JobAssigned"),
    ev.JobStarted: _named("JobStarted"),
    ev.StepStarted: _named("StepStarted", "step"),
    ev.DeviationAuthorised: _named("DeviationAuthorised"),
    ev.DeviationUsed: _named("DeviationUsed"),
    ev.ReadingRecorded: lambda e: (
        f"ReadingRecorded {e.characteristic} {'conforms' if e.conforms else 'does not conform'}"
    ),
    ev.StepSigned: lambda e: f"StepSigned {e.step} {e.result} {'complete' if e.complete else 'first'}",
    ev.StepRestarted: _named("StepRestarted", "step"),
    ev.NonconformanceOpened: _named("NonconformanceOpened", "step"),
    ev.NonconformanceDisposed: _named("NonconformanceDisposed", "disposition"),
    ev.RetestAuthorised: _named("RetestAuthorised", "step"),
    ev.JobReprocessed: _named("JobReprocessed", "step"),
    ev.JobTerminated: _named("JobTerminated"),
    ev.JobFailed: _named("JobFailed"),
    ev.JobResumed: _named("JobResumed"),
    ev.HoldReleased: _named("HoldReleased", "step"),
    ev.WitnessNotified: _named("WitnessNotified", "step"),
    ev.EnvironmentLogged: _named("EnvironmentLogged", "series"),
    ev.PermitIssued: _named("PermitIssued"),
    ev.ModuleActed: _named("ModuleActed"),
    ev.ContractSuspended: _named("ContractSuspended"),
    ev.ContractResumed: _named("ContractResumed"),
    ev.ParameterTuned: _named("ParameterTuned", "param", "value"),
    ev.TuneSuggested: _named("TuneSuggested", "param", "value"),
    ev.TuneApproved: _named("TuneApproved", "param", "role"),
    ev.TuneReverted: _named("TuneReverted", "param"),
    ev.QaAccepted: _named("QaAccepted", "accepted", "rejected"),
    ev.ComplianceAccepted: _named("ComplianceAccepted"),
    ev.ReportIssued: _named("ReportIssued"),
    ev.ReportApproved: _named("ReportApproved"),
    ev.ReportRejected: _named("ReportRejected"),
    ev.ReviewWindowLapsed: _named("ReviewWindowLapsed", "outcome"),
    ev.DeliveryClosed: _named("DeliveryClosed", "in_time"),
    ev.InvoiceIssued: _named("InvoiceIssued", "milestone", "amount_minor"),
    ev.PayoutReleased: _named("PayoutReleased", "rule", "payee", "amount_minor"),
}
"""What deeds speak of. Everything else (imports, cosignatures, links, triggers) may follow unsaid."""


def world_of(cast: Cast) -> World:
    """The shop of a witness run, as a world file would describe it."""
    held = {name: Credential(valid_to=FOREVER) for name in cast.credentials}
    people = tuple(
        Person(id=p.id, name=p.id, org=p.org, roles=p.roles, credentials=held if p.qualified else {})
        for p in cast.players
    )
    stations = [Workstation(id=name, zone=zone, node=NODE) for zone, name in cast.stations.items()]
    stations += [
        Workstation(id=OFFICE, zone="OFFICE"),
        Workstation(id=DOCK, zone=RECEIVING),
        Workstation(id=ELSEWHERE, zone="W-NOWHERE", node=NODE),
    ]
    items = [
        *cast.instruments.items(),
        *((SUBJECT_CLASS, f"{SUBJECTS['equipment']}-{n + 1}") for n in range(SUBJECTS_MAX)),
    ]
    return World(
        site=_SITE,
        people=people,
        equipment=tuple(_equipment(kind, smart_id) for kind, smart_id in items),
        materials=tuple(
            Material(batch=b, kind=kind, expiry=FOREVER, approved=True) for kind, b in cast.batches.items()
        ),
        workstations=tuple(stations),
        nodes=(Node(id=NODE),),
        contracts=(),
        tree={},
        folder="",
    )


def _equipment(kind: str, smart_id: str) -> Equipment:
    return Equipment(
        id=smart_id,
        equipment_class=kind,
        cal_due=FOREVER,
        status="in_service",
        last_cal="2020-01-01T00:00:00Z",
    )


_SITE: Final = SiteSettings(
    name=f"{LAB} witness",
    tz="UTC",
    receiving_zones=(RECEIVING,),
    session_idle_s=600,
    entry_skew_s=120,
    arrival_skew_s=300,
    arrival_fresh_s=14_400,
    approval_roles=("admin", "compliance", "qa", "project_manager"),
    report_fields=("title", "results"),
)
