"""holdgate site: found a shop, and lay out what each of its machines needs, also those that join later."""

from importlib import resources
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import App, Parameter
from msgspec import Struct
from rich.console import Console

from holdgate.adapters.new_file import write_new
from holdgate.bootstrap import SEAT, found, read_premises
from holdgate.crypto.keys import SigningKey, check_enrollable
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


class PersonKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A SMART-ID's key as it is handed over."""

    id: str
    signing: bytes


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
    root: Annotated[Path, Parameter(name="--root")],
) -> int:
    """Found a shop: keys for every site, the charter signed by the root, and what an auditor must trust.

    Parameters
    ----------
    directory
        Where; must not hold a shop yet.
    shop
        The shop file (holdgate site new).
    root
        A new file for the root's private key. Keep it off this machine: nobody needs it to work.
    """
    text = _text(shop)
    wanted = read_as(read_yaml(text, str(shop)), ShopFile, str(shop))
    _check(wanted)
    if (directory / "charter.json").exists():
        raise Malformed(f"{directory} holds a shop already; choose an empty directory")
    if root.resolve().is_relative_to(directory.resolve()):
        raise Malformed("the root's key does not belong in the shop's directory; name a place that you can lock away")
    founders, made = _founders(wanted)
    key = SigningKey.generate()
    _secret(root, PersonKey(id="root", signing=key.seed))
    found(directory, wanted.org, wanted.domain, wanted.settings, wanted.nodes, founders, key, _areas(wanted))
    for person in made:
        _secret(directory / PEOPLE / f"{person.id}.key", person)
    _tell(directory, root, wanted, made)
    return 0


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


def _founders(wanted: ShopFile) -> tuple[list[Founder], list[PersonKey]]:
    """The founders for the charter, and the keys that were made for those who brought none."""
    founders, made = [], []
    for entry in wanted.founders:
        if entry.key is None:
            key = SigningKey.generate()
            made.append(PersonKey(id=entry.id, signing=key.seed))
            public = key.public
        else:
            public = _public(entry)
        founders.append(
            Founder(
                id=entry.id,
                name=entry.name,
                org=entry.org,
                kind=entry.kind,
                key=public,
                roles=entry.roles,
                zone=entry.zone,
                node=entry.node,
            )
        )
    return founders, made


def _public(entry: FounderEntry) -> bytes:
    try:
        public = bytes.fromhex(entry.key or "")
    except ValueError:
        raise Malformed(f"the key of {entry.id} is not written in hex") from None
    check_enrollable(public)
    return public


def _secret(path: Path, key: PersonKey) -> None:
    """Write a private key where only its owner reads it; never over another one."""
    write_new(path, msgspec.json.encode(key), private=True)


def _tell(directory: Path, root: Path, wanted: ShopFile, made: list[PersonKey]) -> None:
    console = Console(highlight=False)
    console.print(f"[bold]{wanted.org}[/] is founded in {directory}.", soft_wrap=True)
    console.print(f"  {root}  the root's key: lock it away, off this machine", soft_wrap=True, markup=False)
    console.print(
        f"  {directory / 'trust.json'}  what an auditor must trust: give a copy to somebody outside", soft_wrap=True
    )
    for person in made:
        console.print(f"  {directory / PEOPLE / f'{person.id}.key'}  hand this over to {person.id}", soft_wrap=True)
    console.print(f"One machine: holdgate up {directory}", soft_wrap=True)
    console.print(
        "Several: each gets charter.json, trust.json and the folder of its own site; "
        "then holdgate run KIND --config FILE on each (docs/operating.md).",
        soft_wrap=True,
    )
