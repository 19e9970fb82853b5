"""run: a scenario file on real sites. Real keys, envelopes, sites and ledgers; expectations are compared, never consulted.

For each step: the clock is set, the action is signed (by its actor, co-signers and workstation, on the present view) and
sent to the site that decides it; everything that follows runs until nothing is in flight; what all sites within reach
recorded since is the step's outcome. After the last step every ledger is audited and every decision is made again.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.audit.replay import LogReport, PlainChecks, audit_log
from holdgate.audit.trust import Trust
from holdgate.bootstrap import Shop, read_trust
from holdgate.crypto.keys import SigningKey
from holdgate.engine.answer import Answer
from holdgate.engine.source import StoreSource
from holdgate.law import command as c
from holdgate.law.decision import Decision
from holdgate.law.denial import sentence
from holdgate.law.event import AnyEvent
from holdgate.law.segments import decision_of
from holdgate.law.view import view_of
from holdgate.ledger.entry import read_entry
from holdgate.scenario.acts import action_of
from holdgate.scenario.continued import read_whole
from holdgate.scenario.draft import NODE, Draft, Scene
from holdgate.scenario.effects import effects_of, unsigned_lapses
from holdgate.scenario.files import ScenarioFile, ScenarioStep, apply_given, read_world
from holdgate.scenario.inputs import check_step, names_of
from holdgate.scenario.links import OPERATIONS, Done, Links, unreachable
from holdgate.scenario.opening import Opening
from holdgate.scenario.restores import RESTORES
from holdgate.sites.desk import Desk
from holdgate.sites.site import Site
from holdgate.terms.errors import HoldgateError, Malformed, Unavailable


class Mismatch(Struct, frozen=True, kw_only=True):
    """The first step that came out otherwise than expected."""

    step: int
    action: str
    what: str
    trace: tuple[str, ...] = ()


class FileResult(Struct, frozen=True, kw_only=True):
    """One file. `steps`: how many were run; `entries`, `repeated`: over all its ledgers."""

    path: str
    title: str
    steps: int
    entries: int = 0
    repeated: int = 0
    mismatch: Mismatch | None = None

    @property
    def passed(self) -> bool:
        """Whether every step came out as expected and every ledger holds."""
        return self.mismatch is None


class Outcome(Struct, frozen=True, kw_only=True):
    """What a step led to: the decision, the effects of all entries that followed, and the figures that were asked for."""

    decision: Decision
    effects: list[str]
    values: dict[str, object] = {}


def run_file(path: Path, worlds: Path | None = None) -> FileResult:
    """Run one scenario file in a temporary shop.

    Args:
        path: the scenario.
        worlds: the folder of the worlds; `worlds/` beside the scenario by default.

    Raises:
        Malformed: the file or its world cannot be read, or a step has an action, input or name that there is not; it
            names the step.
    """
    scenario = read_whole(path)
    given = read_world((worlds or path.parent / "worlds") / f"{scenario.world}.yaml")
    world = apply_given(given, scenario.given)
    names = names_of(world, scenario.steps)
    for step in scenario.steps:
        check_step(step, names)
    with tempfile.TemporaryDirectory(prefix="holdgate-test-") as folder:
        return asyncio.run(play(scenario, Opening(Path(folder) / "shop", world, scenario.steps[0].at)))


async def play(scenario: ScenarioFile, opening: Opening) -> FileResult:
    """Run a scenario in a shop that is yet to be opened; it is closed and audited afterwards, and stays where it is."""
    shop = await opening.open()
    run = Run(shop, opening)
    try:
        done, mismatch = await run.whole(scenario)
        await shop.settle()
    finally:
        shop.close()
    reports = audit_shop(shop.directory)
    if mismatch is None:
        mismatch = _unsound(reports)
    return FileResult(
        path=str(scenario.path),
        title=scenario.title,
        steps=done,
        entries=sum(report.size for report in reports),
        repeated=sum(report.repeated for report in reports),
        mismatch=mismatch,
    )


def audit_shop(directory: Path) -> list[LogReport]:
    """Audit every deciding site of a shop that is closed, with its trust file."""
    trust: Trust = read_trust(directory / "trust.json")
    reports = []
    for path in sorted(directory.glob("*/ledger.db")):
        store = SqliteStore(path, read_only=True)
        reports.append(audit_log(StoreSource(store), trust, PlainChecks()))
        store.close()
    return reports


def _unsound(reports: list[LogReport]) -> Mismatch | None:
    for report in reports:
        for finding in report.findings:
            where = "" if finding.seq is None else f" entry {finding.seq}"
            return Mismatch(step=0, action="audit", what=f"{report.site}{where}: {finding.what}")
    return None


def compare(step: ScenarioStep, outcome: Outcome) -> Mismatch | None:
    """What differs from the expectation, or None."""
    expect, decision = step.expect, outcome.decision
    codes = decision.codes
    if decision.verdict != expect.decision:
        what = f"expected {expect.decision}, came out {decision.verdict} {' '.join(codes)}"
    elif expect.reason is not None and expect.reason not in codes:
        what = f"expected {expect.reason}, came out {' '.join(codes)}"
    elif missing := [effect for effect in expect.effects if effect not in outcome.effects]:
        what = f"expected the effects {', '.join(missing)}; there are {', '.join(outcome.effects) or 'none'}"
    elif present := [effect for effect in expect.absent if effect in outcome.effects]:
        what = f"expected no {', '.join(present)}"
    elif wrong := [
        name for name, value in expect.values.items() if _spelled(outcome.values.get(name)) != _spelled(value)
    ]:
        said = ", ".join(
            f"{name} {_spelled(outcome.values.get(name))}, not {_spelled(expect.values[name])}" for name in wrong
        )
        what = f"other figures: {said}"
    else:
        return None
    told = [sentence(denial) for denial in decision.denials]
    return Mismatch(step=step.n, action=step.action, what=what, trace=(*told, *decision.trace))


def _spelled(value: object) -> str:
    """A figure as a file writes it; an object with its keys sorted."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_spelled(value[key])}" for key in sorted(value)) + "}"
    return str(value)


class Run:
    """A running scenario."""

    def __init__(self, shop: Shop, opening: Opening) -> None:
        self._shop = shop
        self._opening = opening
        self._desk = opening.desk
        world = opening.world
        roles = {person.id: person.roles for person in world.people}
        nodes = {site.id: site.chronicle for site in shop.sites.values() if site.kind == "node"}
        contracts = {(str(tree["id"]), str(tree["version"])): tree for tree in world.contracts}
        floor, self._hub = shop.of_kind("floor_hub"), shop.of_kind("business_hub")
        self._desk.add(floor.id, floor.means.key)  # for what somebody who has the dock's key would send in its name
        self._scene = Scene(world.site.tz, roles, nodes, contracts, Path(world.folder), self._desk, floor, self._hub)
        self._stations = {station.id: station.node for station in world.workstations}
        self._seen = {site.id: 0 for site in shop.sites.values()}
        self._shown: dict[int, str | None] = {}
        self._links = Links(shop)
        self._old_keys: dict[str, SigningKey] = {}

    async def whole(self, scenario: ScenarioFile) -> tuple[int, Mismatch | None]:
        """Every step, up to the first that comes out otherwise: how many were run, and what was wrong."""
        for number, step in enumerate(scenario.steps, start=1):
            try:
                mismatch = compare(step, await self.step(step))
            except HoldgateError as error:
                mismatch = Mismatch(step=step.n, action=step.action, what=f"{type(error).__name__}: {error}")
            if mismatch is not None:
                return number, mismatch
            self._show(step, scenario.steps[number:])
        return len(scenario.steps), None

    def _show(self, step: ScenarioStep, later: Sequence[ScenarioStep]) -> None:
        """Show their view to all who look now, after this step, and sign later (`shown_at`)."""
        for looking in later:
            if looking.inputs.get("shown_at") == str(step.n):
                kind, make = action_of(looking)
                site = self._shop.sites[self._named(kind, looking)]
                command = make(Draft(self._scene, looking, self._desk.nonce()), site.id)
                self._shown[looking.n] = view_of(site.chronicle.state, command)

    async def step(self, step: ScenarioStep) -> Outcome:
        """One step, and everything that follows from it."""
        self._opening.clock.instant = step.at
        self._seen = {site.id: site.spine.size for site in self._shop.sites.values()}
        self._scene.nodes |= {site.id: site.chronicle for site in self._shop.sites.values() if site.kind == NODE}
        operation = OPERATIONS.get(step.action) or RESTORES.get(step.action)
        done = Done(decision=await self._act(step)) if operation is None else await operation(self._links, step)
        await self._shop.settle()
        return Outcome(decision=done.decision, effects=[*self._effects(), *done.effects], values=done.values)

    def _effects(self) -> list[str]:
        """What all sites recorded since the step began, in the vocabulary's words."""
        events: list[AnyEvent] = []
        for site in self._shop.sites.values():
            for row in site.means.store.rows(self._seen.get(site.id, site.spine.size), site.spine.size):
                events.extend(decision_of(read_entry(row.body)).events)
        reports = self._hub.chronicle.state.reports
        return [*effects_of(events), *unsigned_lapses(events, reports)]

    async def _act(self, step: ScenarioStep) -> Decision:
        kind, make = action_of(step)
        named = self._named(kind, step)
        site = self._shop.sites.get(named)
        if site is None or site.spine.fault is not None or (kind != NODE and not self._links.reaches(named, step.node)):
            return unreachable(named)
        if step.action == "window.close":
            with suppress(Unavailable):  # the Vault is out of reach: the hub decides on the last time that it was told
                await site.refresh_witness()
        draft = Draft(self._scene, step, self._desk.nonce())
        command = make(draft, site.id)
        raw = self._desk.sign(self._as_shown(step, command, site), draft.keys | self._old_key(step))
        if step.inputs.get("signature", "valid") != "valid":
            raw = unsigned(self._desk, command)
        answer: Answer = await site.submit(raw, draft.pins)
        if answer.decision.allowed:
            self._scene.contracts.update(draft.proposes)
            for name, key in draft.keys.items():
                self._old_keys[name] = self._desk.replace(name, key)
        return answer.decision

    def _old_key(self, step: ScenarioStep) -> dict[str, SigningKey]:
        """The key that somebody had before, where the step is signed with that."""
        name = step.inputs.get("old_key_of")
        if name is None:
            return {}
        if name not in self._old_keys:
            raise Malformed(f"step {step.n}: {name} had no key before; replace it in a step before this one")
        return {str(name): self._old_keys[str(name)]}

    def _as_shown(self, step: ScenarioStep, command: c.AnyCommand, site: Site) -> c.AnyCommand:
        """The command on the present view, or on the one that its signers looked at after an earlier step."""
        if "shown_at" not in step.inputs:
            return self._desk.shown(command, site.chronicle.state)
        if step.n not in self._shown:
            raise Malformed(f"step {step.n}: shown_at is {step.inputs['shown_at']}, which is no step before it")
        return replace(command, seen=self._shown[step.n])

    def _named(self, kind: str, step: ScenarioStep) -> str:
        """Which site decides a step; it may be down."""
        if kind != NODE:
            return self._shop.of_kind(kind).id
        inputs = step.inputs
        named = step.node or inputs.get("node") or self._stations.get(str(inputs.get("workstation")))
        named = named or self._scene.node_of.get(str(inputs.get("job"))) or next(iter(self._scene.nodes))
        if named not in self._scene.nodes:
            raise Malformed(f"step {step.n}: there is no node {named}; add it to the world, or name another")
        return str(named)


def unsigned(desk: Desk, command: c.Command) -> bytes:
    """The envelope of a broadcast that the reader itself did not sign (only the read point did)."""
    return desk.sign_only(command, [command.place] if command.place is not None else [])
