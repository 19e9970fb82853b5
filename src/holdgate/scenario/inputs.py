"""inputs: which inputs each action of a scenario file knows, and how each is written. Held against a file before it runs.

A file is data that people write by hand. A mistyped key would be dropped in silence and the step would test something
else; so an unknown key, a missing input, a value of another kind and a name that the world does not have are refused,
each with the number of its step and what to write instead.

`KNOWN_INPUTS` has one line for each action of the vocabulary, and of those that the project adds: `name`, `name?` where
it may be left out, `name:kind` where it is more than a text. What a scenario leaves out on purpose, to be refused for it
(a reason, evidence, a photo), may be left out. `null` stands for a thing that is left out.

Source: the scenario vocabulary and `scenarios/README.md`, each under "Actions (inputs)".
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Final, NamedTuple

from msgspec import Struct, field

from holdgate.adapters.zones import instant_or_end_of_day
from holdgate.bootstrap import FLOOR_HUB
from holdgate.law.notation import Tree, read_as
from holdgate.scenario.draft import NO_PLACE
from holdgate.scenario.files import ScenarioStep, World
from holdgate.terms import instant
from holdgate.terms.errors import Malformed

KNOWN_INPUTS: Final[dict[str, str]] = {
    # contracts
    "contract.submit": "contract version from_version? body:map?",
    "contract.approve": "contract version as_role",
    "contract.certify": "contract version",
    "contract.activate": "contract version effectivity?",
    "contract.suspend": "contract version reason?",
    "contract.resume": "contract version reason?",
    # orders
    "po.accept": "po contract version terms:terms",
    "po.review": "po document_digest",
    "po.stage": "po contract version node client part_no rev serials:list documents:list document_validity:days? "
    "arrival_policy? arrival_due:time? delivery_due:time? buffer_max_s:whole? amendment?",
    "po.release": "po",
    "po.forward": "po node:node serials:list slip:slip?",
    # arrivals
    "part.arrival": "po? part_no rev serials:list qty:whole signature:signature reader_seq:whole? observed_at:moment? "
    "buffered:flag? captured_at:moment?",
    "arrival.attest": "po? part_no rev serials:list qty:whole photo_digest? reason?",
    "arrival.void": "po serials:list reason?",
    "staging.metrics": "",
    # jobs
    "job.assign": "po job technician reason?",
    "job.start": "po job node:node serials:list?",
    "job.repin": "job to_version",
    "job.split": "job into:lots",
    "job.reprocess": "job from_step reason?",
    "job.terminate": "job reason?",
    "job.resume": "job reason? evidence?",
    # steps
    "step.start": "job step equipment:list materials:list deviation?",
    "step.restart": "job step reason?",
    "reading.record": "job step characteristic value unit instrument? serial? capture observed_at:moment?",
    "step.sign": "job step result",
    "entry.correct": "job step characteristic new_value reason? serial?",
    "entry.late": "job step characteristic? value? unit? instrument? serial? observed_at:moment reason? evidence? "
    "approved_by:person? kind?",
    "holdpoint.release": "job step",
    "witness.notify": "job step",
    "help.call": "job step reason?",
    "deviation.authorise": "job step deviation waive:list reason? evidence?",
    "retest.authorise": "job step cause evidence?",
    # nonconformances, quality
    "ncr.open": "job ncr serials:list description?",
    "ncr.disposition": "ncr disposition reason? concession? evidence?",
    "escape.disposition": "job ncr disposition reason? concession? evidence?",
    "qa.sign": "job quantities:quantities",
    "compliance.sign": "job",
    # reports, timers, money
    "report.generate": "job report fields:list?",
    "report.amend": "report new_report reason? changes_result:flag? evidence?",
    "client.review": "report decision reason?",
    "window.close": "report",
    "delivery.close": "po",
    "invoice.issue": "job? po? milestone",
    "payout.release": "job rule payee",
    "party.register": "org name street city postal_code country region? vat_id? tax_id? register_id? email? phone? "
    "endpoint_scheme? endpoint? iban? bic? routing? account? tax_category? tax_rate? tax_reason? payment_days:whole?",
    "account.register": "owner commitment",
    "charge.agree": "po charge item reason?",
    "po.settle": "po milestone amount_minor:whole reason?",
    "invoice.dispute": "invoice reason?",
    "invoice.resolve": "invoice credit_minor:whole reason?",
    "payment.record": "statement payments:maps",
    "payment.run": "run payouts:list currency pay_on",
    "payment.result": "run file results:maps",
    "payout.reverse": "payout reason?",
    # people, equipment, materials, standards
    "identity.enrol": "person name? org? kind roles:list key_of:person?",
    "credential.renew": "person credential valid_to:time evidence?",
    "credential.revoke": "person credential reason?",
    "identity.disable": "person reason?",
    "identity.rekey": "person key_of:person? reason?",
    "payload.keep": "payload kind about?",
    "payload.erase": "payload reason?",
    "hold.place": "about reason?",
    "hold.lift": "about reason?",
    "site.enrol": "site kind? origin? key_of? sealed_to?",
    "site.retire": "site lost:flag? reason?",
    "root.rotate": "keepers:list threshold:whole signed_by:list version:whole? org? document_of:whole? reason?",
    "equipment.register": "equipment class cal_due:time last_cal:moment? in_service:flag? from_file?",
    "equipment.calibrate": "equipment as_found due:time certificate?",
    "equipment.check": "equipment result evidence?",
    "material.register": "batch kind expiry:time approved:flag from_file?",
    "material.extend": "batch new_expiry:time evidence?",
    "standard.adopt": "standard edition valid_to:time evidence? from_file?",
    # adaptable parameters, access policies
    "tune.suggest": "contract version param value evidence?",
    "tune.approve": "contract version param value",
    "tune.revert": "contract version param reason?",
    "policy.update": "policy zone requires_credential reason?",
    # modules, environment, documents
    "module.may": "module act job step permit operator?",
    "module.act": "permit act job step",
    "env.log": "series value unit observed_at:moment?",
    "document.verify": "po document digest valid_to:time?",
    # links, the Vault, AI, ledgers
    "node.offline": "node:node",
    "node.sync": "node:node chain:chain?",
    "site.offline": "site:site",
    "site.sync": "site:site chain:chain?",
    "shop.backup": "",
    "node.restore": "node:node source:source",
    "vault.read": "node:node",
    "vault.write": "node:node entry?",
    "ai.suggest": "contract change",
    "ai.apply": "contract change",
    "ledger.verify": "tampered:flag?",
}

SIGNED: Final = (
    "workstation:place? meaning? auth:auth? approvals:people? signed_at:moment? signed_for:node? shown_at:whole? "
    "old_key_of:person?"
)
"""What every signed act may have besides: where and how it is signed, by whom else, for whom, on which view, with whose old key."""
NOT_SIGNED: Final = (
    "staging.metrics",
    "node.offline",
    "node.sync",
    "site.offline",
    "site.sync",
    "shop.backup",
    "node.restore",
    "vault.read",
    "ledger.verify",
)
"""Actions that are done to links, ledgers and disks: no act, no signature."""

SITES: Final = ("business_hub", "vault")
"""The sites that a scenario takes off line by their kind."""


class _Input(NamedTuple):
    """One input: how it is written, and whether it has to be there."""

    kind: str
    needed: bool


class Names(NamedTuple):
    """The names that a step may use, and the shop's time zone. `sites`: those that act in their own name."""

    tz: str
    people: tuple[str, ...]
    places: tuple[str, ...]
    nodes: tuple[str, ...]
    sites: tuple[str, ...] = ()


def names_of(world: World, steps: Iterable[ScenarioStep] = ()) -> Names:
    """The names of a world, and of those who are enrolled in these steps."""
    newcomers = (str(step.inputs.get("person")) for step in steps if step.action == "identity.enrol")
    return Names(
        tz=world.site.tz,
        people=(*(person.id for person in world.people), *newcomers),
        places=tuple(station.id for station in world.workstations),
        nodes=tuple(node.id for node in world.nodes),
        sites=(FLOOR_HUB,),
    )


def check_step(step: ScenarioStep, names: Names) -> None:
    """Hold one step against what its action knows.

    Raises:
        Malformed: with the number of the step, what is wrong, and what to write.
    """
    what = f"step {step.n}"
    if step.action not in KNOWN_INPUTS:
        raise Malformed(f"{what}: there is no action {step.action!r}; look at the list of actions in the vocabulary")
    _among(step.actor_id, (*names.people, *names.sites), f"{what}: the actor", "people")
    if step.node is not None:
        _among(step.node, names.nodes, f"{what}: node", "nodes")
    known = _inputs(step.action)
    for name in step.inputs:
        if name not in known:
            listed = f"it knows {', '.join(known)}" if known else "it takes none"
            raise Malformed(f"{what}: {step.action} has no input {name!r}; {listed}")
    for name, declared in known.items():
        value = step.inputs.get(name, "null")
        if value != "null":
            _KINDS[declared.kind](value, names, f"{what}: the input {name!r} of {step.action}")
        elif declared.needed:
            raise Malformed(f"{what}: {step.action} needs the input {name!r}; add it")


@cache
def _inputs(action: str) -> dict[str, _Input]:
    """The inputs of an action, those of its signatures last."""
    line = f"{KNOWN_INPUTS[action]} {'' if action in NOT_SIGNED else SIGNED}"
    found: dict[str, _Input] = {}
    for word in line.split():
        name, _, kind = word.removesuffix("?").partition(":")
        found[name] = _Input(kind or "text", needed=not word.endswith("?"))
    return found


# ---- how each kind is written --------------------------------------------------------------------------------------

_WHOLE: Final = re.compile(r"-?[0-9]{1,15}")


def _shown(value: Tree) -> str:
    return repr(value) if isinstance(value, str) else "a list" if isinstance(value, list) else "a mapping"


def _text(value: Tree, names: Names, what: str) -> None:
    if not isinstance(value, str):
        raise Malformed(f"{what} is {_shown(value)}; write a text")


def _whole(value: Tree, names: Names, what: str) -> None:
    if not isinstance(value, str) or not _WHOLE.fullmatch(value):
        raise Malformed(f"{what} is {_shown(value)}; write a whole number such as 3")


def _time(value: Tree, names: Names, what: str) -> None:
    try:
        if not isinstance(value, str):
            raise Malformed(_shown(value))
        instant_or_end_of_day(value, names.tz)
    except Malformed:
        raise Malformed(
            f"{what} is {_shown(value)}; write a day such as 2025-04-01 or a time such as 2025-04-01T13:00:00Z"
        ) from None


def _moment(value: Tree, names: Names, what: str) -> None:
    """An instant; a bare date is none."""
    try:
        instant.parse(value if isinstance(value, str) else "")
    except Malformed:
        raise Malformed(f"{what} is {_shown(value)}; write a time such as 2025-04-01T13:00:00Z") from None


def _list(value: Tree, names: Names, what: str) -> None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Malformed(f"{what} is {_shown(value)}; write a list of texts such as [A, B], or []")


def _map(value: Tree, names: Names, what: str) -> None:
    if not isinstance(value, dict):
        raise Malformed(f"{what} is {_shown(value)}; write a mapping such as {{key: value}}")


def _maps(value: Tree, names: Names, what: str) -> None:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Malformed(f"{what} is {_shown(value)}; write a list of mappings such as [{{key: value}}]")


def _days(value: Tree, names: Names, what: str) -> None:
    _map(value, names, what)
    for key, day in value.items() if isinstance(value, dict) else ():
        _time(day, names, f"{what}, at {key},")


def _among(value: Tree, allowed: tuple[str, ...], what: str, kind: str) -> None:
    if value not in allowed:
        raise Malformed(f"{what} is {_shown(value)}, which is none of the {kind} here; write one of {_few(allowed)}")


def _few(allowed: tuple[str, ...]) -> str:
    return ", ".join(allowed[:30]) + (" …" if len(allowed) > 30 else "")


def _people(value: Tree, names: Names, what: str) -> None:
    _list(value, names, what)
    for person in value if isinstance(value, list) else ():
        _among(person, names.people, what, "people")


def _one_of(*allowed: str) -> "Kind":
    def check(value: Tree, names: Names, what: str) -> None:
        _among(value, allowed, what, "values that it takes")

    return check


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of an input that has parts."""


class _Auth(_Part, frozen=True, kw_only=True):
    components: tuple[str, ...]
    session: str
    whose: str | None = field(name="as", default=None)


class _Milestone(_Part, frozen=True, kw_only=True):
    id: str
    amount_minor: int


class _Terms(_Part, frozen=True, kw_only=True):
    price_minor: int
    currency: str
    milestones: tuple[_Milestone, ...]
    client_window_s: int
    on_silence: str


class _Quantities(_Part, frozen=True, kw_only=True):
    received: int
    accepted: int
    rejected: int
    scrapped: int


class _Lot(_Part, frozen=True, kw_only=True):
    job: str
    serials: tuple[str, ...]


class _Lots(_Part, frozen=True, kw_only=True):
    into: tuple[_Lot, ...]


def _parts(kind: type[Struct]) -> "Kind":
    def check(value: Tree, names: Names, what: str) -> None:
        _map(value, names, what)
        read_as(value, kind, what)

    return check


def _lots(value: Tree, names: Names, what: str) -> None:
    read_as({"into": value}, _Lots, what)


Kind = Callable[[Tree, Names, str], None]
_KINDS: Final[Mapping[str, Kind]] = {
    "text": _text,
    "whole": _whole,
    "flag": _one_of("true", "false"),
    "time": _time,
    "moment": _moment,
    "days": _days,
    "maps": _maps,
    "list": _list,
    "map": _map,
    "people": _people,
    "person": lambda value, names, what: _among(value, names.people, what, "people"),
    "place": lambda value, names, what: _among(value, (*names.places, NO_PLACE), what, "workstations"),
    "node": lambda value, names, what: _among(value, names.nodes, what, "nodes"),
    "site": _one_of(*SITES),
    "chain": _one_of("ok", "broken"),
    "signature": _one_of("valid", "missing", "invalid"),
    "source": _one_of("backup", "vault"),
    "slip": _one_of("genuine", "forged"),
    "auth": _parts(_Auth),
    "terms": _parts(_Terms),
    "quantities": _parts(_Quantities),
    "lots": _lots,
}
