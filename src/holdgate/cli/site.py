"""holdgate site: found a shop, or draw up its charter for keepers to sign; lay out what a machine that joins later needs."""

from importlib import resources
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import App, Parameter
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console

from holdgate.adapters.new_file import write_new
from holdgate.bootstrap import SEAT, read_premises
from holdgate.cli.key_files import PUBLIC, PersonKey, is_public, public_bytes, read_public
from holdgate.crypto.hashes import digest
from holdgate.crypto.keys import SigningKey
from holdgate.founding import PROPOSAL, Plan, found, propose
from holdgate.identity.charter import Founder, Settings
from holdgate.law.notation import read_as, read_yaml
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.ids import check_id

STARTER: Final = "shop.yaml"
PEOPLE: Final = "people"
OFFICERS: Final = ("admin", "qa", "compliance")

site = App(
    name="site",
    help="Found a shop; begin with `holdgate site new`. Lay out a node that joins.",
    result_action="return_value",
)


class FounderEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who exists from the beginning. `key`: their public key in hex; without, one is made for them."""

    id: str
    name: str
    roles: tuple[str, ...]
    org: str = "LAB"
    kind: str = "person"
    zone: str | None = None
    node: str | None = None
    key: str | None = None


class ShopFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a shop is founded from. `areas`: area → its nodes, for a shop with very many (docs/operating.md)."""

    org: str
    domain: str
    nodes: tuple[str, ...]
    areas: dict[str, tuple[str, ...]] = {}
    settings: Settings
    founders: tuple[FounderEntry, ...]


@site.command
def new(target: Path, /) -> int:
    """Write a shop file to begin with, with comments that say what each part is.

    Parameters
    ----------
    target
        A new file, such as shop.yaml.
    """
    if target.exists():
        raise Malformed(f"{target} is there already; name a new file")
    target.write_text(
        resources.files("holdgate").joinpath("cli", STARTER).read_text(encoding="utf-8"), encoding="utf-8"
    )
    console = Console(highlight=False)
    console.print(f"{target}: set the names, the zone and the nodes.", soft_wrap=True)
    console.print(f"Next: holdgate site init DIR --shop {target} --root ROOT.key", soft_wrap=True)
    return 0


@site.command
def init(
    directory: Path,
    /,
    *,
    shop: Annotated[Path, Parameter(name="--shop")],
    root: Annotated[tuple[Path, ...], Parameter(name="--root")],
    threshold: int | None = None,
    founder: tuple[str, ...] = (),
) -> int:
    """Make the keys of every site, and draw up the charter for its keepers to sign; or, for a try-out, found the shop at once.

    With the public keys of its keepers (--root FILE.pub, once for each) nothing is founded before enough of them signed
    (holdgate root sign, holdgate root found). With one --root that is a new file, a root's private key is made there and signs.

    Parameters
    ----------
    directory
        Where; must not hold a shop yet.
    shop
        The shop file (holdgate site new).
    root
        The public key of a keeper (holdgate key make), once for each; or one new file for a root's private key.
    threshold
        How many of the keepers have to sign (default: more than half).
    founder
        Somebody who exists from the beginning, with their own key, as ID:NAME:ROLE:FILE.pub (several roles: ROLE+ROLE); once for
        each. One of that id in the shop file keeps what else is said there.
    """
    text = _text(shop)
    wanted = read_as(read_yaml(text, str(shop)), ShopFile, str(shop))
    wanted = replace(wanted, founders=_with_founders(wanted, founder))
    _check(wanted)
    ceremony = threshold is not None or len(root) > 1 or is_public(root[0])
    if ceremony:
        return _propose(directory, wanted, root, threshold)
    return _found_at_once(directory, wanted, root[0])


@site.command
def node(directory: Path, name: str, /, *, area: str = "") -> int:
    """Make the keys and the seat of a node that is to join a shop. Nothing is overwritten.

    Parameters
    ----------
    directory
        The shop's directory on the newcomer's machine, with charter.json and trust.json.
    name
        What the node is called, such as NODE-FPI-3; nobody in the shop is called so.
    area
        The area that it is in, where the shop has areas.
    """
    seat = read_premises(directory).lay_out(name, area)
    console = Console(highlight=False)
    place = directory / name
    console.print(f"  {place / 'site.key'}  its private keys: they stay on its machine", soft_wrap=True, markup=False)
    console.print(f"  {place / SEAT}  its seat: {seat.kind}, log {seat.origin}", soft_wrap=True, markup=False)
    console.print("Next: two officers and the node sign site.enrol with what the seat says (docs/operating.md),")
    console.print(f"and the broker gets a user for it. Then holdgate run node --config {name}.toml", soft_wrap=True)
    return 0


def _found_at_once(directory: Path, wanted: ShopFile, root: Path) -> int:
    if (directory / "charter.json").exists():
        raise Malformed(f"{directory} holds a shop already; choose an empty directory")
    if root.resolve().is_relative_to(directory.resolve()):
        raise Malformed("the root's key does not belong in the shop's directory; name a place that you can lock away")
    plan, made = _plan(wanted)
    key = SigningKey.generate()
    _secret(root, PersonKey(id="root", signing=key.seed))
    found(directory, plan.org, plan.domain, plan.settings, plan.nodes, plan.founders, key, plan.areas)
    _hand_over(directory, made)
    _tell(directory, root, wanted, made)
    return 0


def _propose(directory: Path, wanted: ShopFile, root: tuple[Path, ...], threshold: int | None) -> int:
    """Draw the charter up. Whoever is a person brings a key that they made themselves."""
    for entry in wanted.founders:
        if entry.kind == "person" and entry.key is None:
            raise Malformed(
                f"{entry.id} brings a key of their own: holdgate key make, then --founder '{entry.id}:{entry.name}:"
                f"{'+'.join(entry.roles)}:FILE{PUBLIC}'"
            )
    roots = [public_bytes(read_public(path).public, str(path)) for path in root]
    plan, made = _plan(wanted)
    signing = len(roots) // 2 + 1 if threshold is None else threshold
    envelope = propose(directory, plan, roots, signing)
    _hand_over(directory, made)
    console = Console(highlight=False)
    proposal = directory / PROPOSAL
    console.print(f"{proposal}  the charter of {wanted.org}, signed by nobody yet", soft_wrap=True, markup=False)
    console.print(
        f"  digest {digest(envelope.payload)}: the keepers compare it with what they are shown", soft_wrap=True
    )
    _tell_made(console, directory, made)
    console.print(
        f"{signing} of the {len(roots)} keepers sign it, each on a machine of their own: holdgate root sign {PROPOSAL} --key FILE",
        soft_wrap=True,
        markup=False,
    )
    console.print(f"Then here: holdgate root found {directory} SIGNED_FILE …", soft_wrap=True, markup=False)
    return 0


def _with_founders(wanted: ShopFile, words: tuple[str, ...]) -> tuple[FounderEntry, ...]:
    """The founders of the shop file, and those who bring their keys."""
    founders = {entry.id: entry for entry in wanted.founders}
    for word in words:
        parts = word.split(":", 3)
        if len(parts) != 4 or not all(parts):
            raise Malformed(f"{word[:80]!r} names no founder; write ID:NAME:ROLE:FILE{PUBLIC}")
        smart_id, name, roles, path = parts
        known = founders.get(smart_id) or FounderEntry(id=smart_id, name=name, roles=())
        key = read_public(Path(path)).public
        founders[smart_id] = replace(known, name=name, roles=tuple(roles.split("+")), key=key)
    return tuple(founders.values())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"{path} cannot be read: {error}") from error


def _check(wanted: ShopFile) -> None:
    """A shop that could be founded but never worked in is not founded.

    Raises:
        Malformed: what is missing, in words.
    """
    names = [*wanted.nodes, *(founder.id for founder in wanted.founders)]
    for name in names:
        check_id(name)
    if len(set(names)) != len(names):
        raise Malformed("two sites or founders have the same id; each needs its own")
    officers = [f for f in wanted.founders if f.kind == "person" and set(f.roles) & set(OFFICERS)]
    if len(officers) < 2:
        raise Malformed(f"two founders have to be officers ({', '.join(OFFICERS)}): they enrol everybody else together")
    if all(founder.id != wanted.settings.office for founder in wanted.founders):
        raise Malformed(f"the office {wanted.settings.office} is no founder: add it, with the role workstation")
    _areas(wanted)
    if not wanted.nodes:
        raise Malformed("name at least one node: the place where work is done")


def _areas(wanted: ShopFile) -> dict[str, str]:
    """Each node's area.

    Raises:
        Malformed: an area names what is no node, a node is in two, or in none while others are in one.
    """
    named = [(node, check_id(area)) for area, nodes in wanted.areas.items() for node in nodes]
    if named and sorted(node for node, _ in named) != sorted(wanted.nodes):
        raise Malformed("the areas do not divide the nodes: name every node in exactly one area, or leave areas out")
    return dict(named)


def _plan(wanted: ShopFile) -> tuple[Plan, list[PersonKey]]:
    """What the shop is to be, and the keys that were made for founders who brought none."""
    made = {entry.id: SigningKey.generate() for entry in wanted.founders if entry.key is None}
    founders = tuple(
        Founder(
            id=entry.id,
            name=entry.name,
            org=entry.org,
            kind=entry.kind,
            key=made[entry.id].public if entry.key is None else public_bytes(entry.key, entry.id),
            roles=entry.roles,
            zone=entry.zone,
            node=entry.node,
        )
        for entry in wanted.founders
    )
    keys = [founder.key for founder in founders]
    if len(set(keys)) != len(keys):
        raise Malformed("two founders bring the same key; each has one of their own")
    plan = Plan(
        org=wanted.org,
        domain=wanted.domain,
        settings=wanted.settings,
        nodes=wanted.nodes,
        founders=founders,
        areas=_areas(wanted),
    )
    return plan, [PersonKey(id=name, signing=key.seed) for name, key in made.items()]


def _hand_over(directory: Path, made: list[PersonKey]) -> None:
    for person in made:
        _secret(directory / PEOPLE / f"{person.id}.key", person)


def _secret(path: Path, key: PersonKey) -> None:
    """Write a private key where only its owner reads it; never over another one."""
    write_new(path, msgspec.json.encode(key), private=True)


def _tell_made(console: Console, directory: Path, made: list[PersonKey]) -> None:
    for person in made:
        path = directory / PEOPLE / f"{person.id}.key"
        console.print(
            f"  {path}  lies open: hand this over to {person.id}, and keep no copy", soft_wrap=True, markup=False
        )


def _tell(directory: Path, root: Path, wanted: ShopFile, made: list[PersonKey]) -> None:
    console = Console(highlight=False)
    console.print(f"[bold]{wanted.org}[/] is founded in {directory}.", soft_wrap=True)
    console.print(f"  {root}  the root's key: lock it away, off this machine", soft_wrap=True, markup=False)
    console.print(
        f"  {directory / 'trust.json'}  what an auditor must trust: give a copy to somebody outside", soft_wrap=True
    )
    _tell_made(console, directory, made)
    console.print(
        "One root in one hand is good for a try-out. For a shop that works, let three keepers hold it "
        "(docs/operating.md, The first day).",
        style="yellow",
        soft_wrap=True,
    )
    console.print(f"One machine: holdgate up {directory}", soft_wrap=True)
    console.print(
        "Several: each gets charter.json, trust.json and the folder of its own site; "
        "then holdgate run KIND --config FILE on each (docs/operating.md).",
        soft_wrap=True,
    )
