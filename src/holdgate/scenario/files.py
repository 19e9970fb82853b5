"""Scenario and world files as structs: reading only; nothing here decides or runs anything.

A world is the shop before the first step; a scenario overrides parts of it (`given`) and lists steps in order.
Contracts stay trees until `split_contract` makes the two signed documents of each: a world writes price, billing,
window and silence beside the technique. Which key belongs where follows from the fields of the law's own structs. A
key that the law has no field for is refused by name (`homeless`), unless it says what holds without it: a scenario
that needs more than the law knows fails clearly. Numbers in `inputs` and bare dates stay texts; the runner converts
them.

Source: the scenario vocabulary (`given`, conventions 1-4, "How a runner reads these files").
"""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from holdgate.law.contract import Characteristic, SmartClientPO, SmartSP, Step
from holdgate.law.notation import ParseRule, Tree, as_list, as_mapping, pair_of, read_as, read_yaml
from holdgate.terms import instant, money
from holdgate.terms.errors import Malformed
from holdgate.terms.instant import Instant

T = TypeVar("T")


# ---- worlds --------------------------------------------------------------------------------------------------------


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A piece of a world or scenario file."""


class SiteSettings(_Part, frozen=True, kw_only=True):
    """What the shop settles for itself. Times in seconds."""

    name: str
    tz: str
    receiving_zones: tuple[str, ...]
    session_idle_s: int
    entry_skew_s: int
    arrival_skew_s: int
    arrival_fresh_s: int
    approval_roles: tuple[str, ...]
    report_fields: tuple[str, ...]


class Credential(_Part, frozen=True, kw_only=True):
    """A qualification; `valid_to` is a bare date (to the end of that day in the site's zone) or a time."""

    valid_to: str


class Person(_Part, frozen=True, kw_only=True):
    """A SMART-ID of the world: a person, device, module or service."""

    id: str
    name: str
    org: str
    roles: tuple[str, ...]
    credentials: dict[str, Credential] = {}


class Equipment(Struct, frozen=True, kw_only=True):
    """An instrument or machine. `cal_due`: bare date or time. `last_cal`: time. Other keys describe it for people."""

    id: str
    equipment_class: str = msgspec.field(name="class")
    cal_due: str
    status: str
    last_cal: str | None = None


class Material(_Part, frozen=True, kw_only=True):
    """A batch; `expiry`: bare date or time."""

    batch: str
    kind: str
    expiry: str
    approved: bool


class Workstation(_Part, frozen=True, kw_only=True):
    """A place where people sign; without `node` it belongs to the hubs."""

    id: str
    zone: str
    node: str | None = None


class Node(_Part, frozen=True, kw_only=True):
    """A node of the floor."""

    id: str


class World(Struct, frozen=True, kw_only=True):
    """The shop before the first step.

    `contracts`: trees, for `scenario.bundles`. `tree`: the file, for `apply_given`. `folder`: where the files lie that it names.
    """

    site: SiteSettings
    people: tuple[Person, ...]
    equipment: tuple[Equipment, ...]
    materials: tuple[Material, ...]
    workstations: tuple[Workstation, ...]
    nodes: tuple[Node, ...]
    contracts: tuple[dict[str, Tree], ...]
    tree: dict[str, Tree]
    folder: str


_ENTRIES: Final = ("people", "equipment", "materials", "workstations", "nodes", "contracts")


def read_world(path: Path) -> World:
    """Read a world file.

    Raises:
        Malformed: what is wrong and where, also where there is no such file.
    """
    what = f"the world {path.name}"
    return _world(as_mapping(read_yaml(_text_of(path, what), what), what), what, path.parent)


def _text_of(path: Path, what: str) -> str:
    """The text of a file.

    Raises:
        Malformed: it cannot be opened, or is no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Malformed(f"{what} cannot be read from {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Malformed(f"{what} is no UTF-8 text (byte {error.start}); save it as UTF-8") from None


def _world(tree: dict[str, Tree], what: str, folder: Path) -> World:
    _only(tree, ("site", *_ENTRIES), what)
    lists = {name: _entries(tree, name, what) for name in _ENTRIES}
    return World(
        site=read_as(tree.get("site", {}), SiteSettings, f"{what}, at site"),
        people=_all(lists["people"], Person, f"{what}, at people"),
        equipment=_all(lists["equipment"], Equipment, f"{what}, at equipment"),
        materials=_all(lists["materials"], Material, f"{what}, at materials"),
        workstations=_all(lists["workstations"], Workstation, f"{what}, at workstations"),
        nodes=_all(lists["nodes"], Node, f"{what}, at nodes"),
        contracts=tuple(lists["contracts"].values()),
        tree=tree,
        folder=str(folder),
    )


def _all(entries: Mapping[str, dict[str, Tree]], kind: type[T], what: str) -> tuple[T, ...]:
    return tuple(read_as(dict(entry), kind, f"{what} {key}") for key, entry in entries.items())


def _entries(tree: Mapping[str, Tree], name: str, what: str) -> dict[str, dict[str, Tree]]:
    """The entries of one list by their key, in the order of the file."""
    field = "batch" if name == "materials" else "id"
    found: dict[str, dict[str, Tree]] = {}
    for index, item in enumerate(as_list(tree.get(name, []), f"{what}, at {name}")):
        where = f"{what}, at {name}[{index}]"
        entry = as_mapping(item, where)
        key = entry.get(field)
        if not isinstance(key, str):
            raise Malformed(f"{where} has no {field}")
        if key in found:
            raise Malformed(f"{where}: {key} is there twice")
        found[key] = entry
    return found


def _only(tree: Mapping[str, Tree], known: tuple[str, ...], what: str) -> None:
    for key in tree:
        if key not in known:
            raise Malformed(f"{what} has the unknown key {key!r}; known are {', '.join(known)}")


# ---- what a scenario changes -----------------------------------------------------------------------------------------


def apply_given(world: World, given: Mapping[str, Tree]) -> World:
    """The world with a scenario's overrides: entries by id (materials by batch), unknown ids added.

    Credentials merge by name, `steps_patch` updates the steps of a contract by id, settings of `site` replace one by
    one, and every other key replaces the world's.

    Args:
        world: left as it is.
        given: as the scenario file has it.

    Raises:
        Malformed: an unknown key, or a changed world that cannot be read.
    """
    what = "the scenario's given"
    _only(given, ("site", *_ENTRIES), what)
    tree = dict(world.tree)
    if "site" in given:
        tree["site"] = {**as_mapping(tree["site"], what), **as_mapping(given["site"], what)}
    for name in _ENTRIES:
        entries = _entries(tree, name, what)
        for key, changes in _entries(given, name, what).items():
            entries[key] = _changed(name, entries[key], changes) if key in entries else changes
        tree[name] = [*entries.values()]
    return _world(tree, "the world with the scenario's given", Path(world.folder))


def _changed(name: str, entry: dict[str, Tree], changes: dict[str, Tree]) -> dict[str, Tree]:
    if name == "contracts":
        return revise(entry, changes)
    changed = {**entry, **changes}
    if name == "people" and "credentials" in changes:
        where = f"the credentials of {entry['id']}"
        held, more = as_mapping(entry.get("credentials", {}), where), as_mapping(changes["credentials"], where)
        changed["credentials"] = {**held, **more}
    return changed


def revise(contract: Mapping[str, Tree], changes: Mapping[str, Tree]) -> dict[str, Tree]:
    """A contract tree with changes (also the `body` of `contract.submit`): `steps_patch` updates steps by id.

    Raises:
        Malformed: a patch of a step that is not there.
    """
    changed = {**contract, **changes}
    patches = as_list(changed.pop("steps_patch", []), "steps_patch")
    if not patches:
        return changed
    where = f"the contract {changed.get('id')}"
    steps = _entries(changed, "steps", where)
    for key, patch in _entries({"steps_patch": patches}, "steps_patch", where).items():
        if key not in steps:
            raise Malformed(f"{where}: steps_patch names the step {key}, which is not there")
        steps[key] = {**steps[key], **patch}
    changed["steps"] = [*steps.values()]
    return changed


def proposed(
    earlier: Mapping[str, Tree] | None, body: Mapping[str, Tree], version: str, author: str
) -> dict[str, Tree]:
    """The contract tree that `contract.submit` stands for: an earlier version with a body's changes, under its own version.

    `amount` of a payout (major units) becomes `amount_minor`.

    Raises:
        Malformed: a patch of a step that is not there.
    """
    tree = revise(earlier or {}, {**body, "version": version, "author": author})
    payouts = tree.get("payouts")
    if isinstance(payouts, list):
        tree["payouts"] = [_in_minor_units(rule) if isinstance(rule, dict) else rule for rule in payouts]
    return tree


def _in_minor_units(rule: dict[str, Tree]) -> dict[str, Tree]:
    """A payout as the law writes it; an amount that is none of this currency stays, and is refused where it is read."""
    amount, currency = rule.get("amount"), rule.get("currency")
    in_minor = money.minor(amount, currency) if isinstance(amount, str) and isinstance(currency, str) else None
    if in_minor is None:
        return rule
    return {**{key: value for key, value in rule.items() if key != "amount"}, "amount_minor": str(in_minor)}


# ---- contracts -------------------------------------------------------------------------------------------------------

WITHOUT_EFFECT: Final[dict[str, Tree]] = {
    "template": "SmartSP",
    "status": "active",
}
"""Keys without a field in the law that say what holds without them; with any other value they are refused.

`status: active`: the runner brings every contract of a world into force.
"""

_TEMPLATE: Final = SmartClientPO.__struct_encode_fields__
_TECHNIQUE: Final = SmartSP.__struct_encode_fields__


def homeless(contract: Mapping[str, Tree]) -> tuple[str, ...]:
    """The keys of a contract tree that the law has no field for and that would change what it means.

    `environment`, or below steps `steps[S70].hold` and `steps[S70].characteristics[uva].colour`.
    """
    return (*_homeless(contract),)


def _homeless(contract: Mapping[str, Tree]) -> Iterator[str]:
    for key, value in contract.items():
        known = key != "process" and key in (*_TEMPLATE, *_TECHNIQUE)
        if not known and WITHOUT_EFFECT.get(key) != value:
            yield key
    for step in _named(contract.get("steps", [])):
        place = f"steps[{step.get('id')}]"
        yield from (f"{place}.{key}" for key in step if key not in Step.__struct_encode_fields__)
        for item in _named(step.get("characteristics", [])):
            within = f"{place}.characteristics[{item.get('id')}]"
            yield from (f"{within}.{key}" for key in item if key not in Characteristic.__struct_encode_fields__)


def _named(tree: Tree) -> list[dict[str, Tree]]:
    return [item for item in tree if isinstance(item, dict)] if isinstance(tree, list) else []


def split_contract(contract: Mapping[str, Tree], parse_rule: ParseRule) -> tuple[SmartClientPO, SmartSP]:
    """The order template and the technique, under one id and version, that a world's contract stands for.

    Args:
        contract: a tree of `World.contracts` (or of `revise`).
        parse_rule: CEL text to normal form (`certifier.facts.rule_parser()`).

    Raises:
        Malformed: a key that the law has no field for (all of them are named), or a value that cannot be read.
    """
    named = f"the contract {contract.get('id')} version {contract.get('version')}"
    missing = homeless(contract)
    if missing:
        raise Malformed(f"{named} needs what this law version has no field for: {', '.join(missing)}")
    template = {key: value for key, value in contract.items() if key in _TEMPLATE}
    technique = {key: value for key, value in contract.items() if key in _TECHNIQUE}
    try:
        return pair_of(template, technique, parse_rule)
    except Malformed as error:
        raise Malformed(f"{named}: {error}") from None


# ---- scenarios -------------------------------------------------------------------------------------------------------


class Expectation(Struct, frozen=True, kw_only=True):
    """What must be answered. `because` is for people. `values`: as written."""

    decision: str
    reason: str | None = None
    because: str | None = None
    effects: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    values: dict[str, Tree] = {}


class ScenarioStep(Struct, frozen=True, kw_only=True):
    """One act. `at`: receipt time at the deciding site. `node`: where the actor works. `inputs`: as written."""

    n: int
    at: Instant
    node: str | None
    actor_id: str
    actor_role: str
    action: str
    inputs: dict[str, Tree]
    expect: Expectation


class ScenarioFile(Struct, frozen=True, kw_only=True):
    """A scenario; `path` is where it was read from, `world` the name of its world file, `given` its overrides.

    `after`, `until`: the file, and the number of its step, after which this one goes on.
    """

    path: Path
    id: str
    title: str
    world: str
    variant: str
    templates: tuple[str, ...]
    clauses: tuple[str, ...]
    auditor_demand: str
    given: dict[str, Tree]
    steps: tuple[ScenarioStep, ...]
    after: str | None = None
    until: int | None = None


class _Actor(_Part, frozen=True, kw_only=True):
    id: str
    role: str


class _Head(_Part, frozen=True, kw_only=True):
    id: str
    title: str
    world: str
    variant: str
    templates: tuple[str, ...]
    clauses: tuple[str, ...]
    auditor_demand: str
    after: str | None = None
    until: int | None = None


class _StepHead(_Part, frozen=True, kw_only=True):
    n: int
    at: str
    actor: _Actor
    action: str
    node: str | None = None


class _ExpectHead(_Part, frozen=True, kw_only=True):
    decision: str
    reason: str | None = None
    because: str | None = None
    effects: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


def read_scenario(path: Path) -> ScenarioFile:
    """Read a scenario file (`scenario.continued` puts before it what it comes after).

    Raises:
        Malformed: what is wrong and where, also where there is no such file.
    """
    what = f"the scenario {path.name}"
    tree = dict(as_mapping(read_yaml(_text_of(path, what), what), what))
    given = as_mapping(tree.pop("given", {}), f"{what}, at given")
    listed = as_list(tree.pop("steps", []), f"{what}, at steps")
    head = read_as(tree, _Head, what)
    if not listed:
        raise Malformed(f"{what} has no steps, so that it would test nothing; write at least one under `steps:`")
    steps = tuple(_step(item, f"{what}, {_place_of(item, index)}") for index, item in enumerate(listed))
    check_order(steps, what)
    return ScenarioFile(
        path=path,
        id=head.id,
        title=head.title,
        world=head.world,
        variant=head.variant,
        templates=head.templates,
        clauses=head.clauses,
        auditor_demand=head.auditor_demand,
        given=given,
        steps=steps,
        after=head.after,
        until=head.until,
    )


def check_order(steps: tuple[ScenarioStep, ...], what: str) -> None:
    """Numbers rise, and time never goes back.

    Raises:
        Malformed: somewhere they do.
    """
    for before, after in itertools.pairwise(steps):
        if after.at < before.at or after.n <= before.n:
            raise Malformed(f"{what}: step {after.n} comes after step {before.n}, but its number or time goes back")


def _place_of(tree: Tree, index: int) -> str:
    """A step by its number where it has one, else by its place in the list."""
    number = tree.get("n") if isinstance(tree, dict) else None
    return f"step {number}" if isinstance(number, str) and number.isdecimal() else f"at steps[{index}]"


def _step(tree: Tree, what: str) -> ScenarioStep:
    fields = dict(as_mapping(tree, what))
    inputs = as_mapping(fields.pop("inputs", {}), f"{what}.inputs")
    expect = _expectation(fields.pop("expect", {}), f"{what}.expect")
    head = read_as(fields, _StepHead, what)
    try:
        at = instant.parse(head.at)
    except Malformed as error:
        raise Malformed(f"{what}.at: {error}") from None
    return ScenarioStep(
        n=head.n,
        at=at,
        node=head.node,
        actor_id=head.actor.id,
        actor_role=head.actor.role,
        action=head.action,
        inputs=inputs,
        expect=expect,
    )


def _expectation(tree: Tree, what: str) -> Expectation:
    fields = dict(as_mapping(tree, what))
    values = as_mapping(fields.pop("values", {}), f"{what}.values")
    head = read_as(fields, _ExpectHead, what)
    if head.decision not in ("allow", "deny") or (head.decision == "deny") != (head.reason is not None):
        raise Malformed(f"{what}: the decision is allow, or deny with a reason")
    return Expectation(
        decision=head.decision,
        reason=head.reason,
        because=head.because,
        effects=head.effects,
        absent=head.absent,
        values=values,
    )
