"""A world's contract as the documents that are signed: written in the world itself, or in a file of its own.

A world that tries out a contract as a lab writes it names the file:

    contracts:
      - {id: FPI-TYPE-I, version: '1', from: ../../contract.yaml}

The path is relative to the world's folder; files that the contract names lie beside it. `id` and `version` have to be those of
the file. A revision is proposed likewise (`contract.submit` with `body: {from: …}`). Any other contract of a world is written
out, price and technique in one (`scenario.files.split_contract`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from holdgate.law.families import Bundle
from holdgate.law.notation import ParseRule, Tree, read_bundle
from holdgate.scenario.files import World, split_contract
from holdgate.terms.errors import Malformed, Unavailable

_NAMED: Final = ("id", "version", "author", "from")


def bundles_of(world: World, parse_rule: ParseRule) -> list[Bundle]:
    """Every contract of a world, with all that it names.

    Raises:
        Malformed: one of them cannot be read. Unavailable: a file is not there.
    """
    return [bundle_of(tree, Path(world.folder), parse_rule) for tree in world.contracts]


def bundle_of(tree: Mapping[str, Tree], folder: Path, parse_rule: ParseRule) -> Bundle:
    """One contract of a world (or of `revise`).

    Args:
        tree: as the world has it.
        folder: of the world file.
        parse_rule: CEL text to normal form.

    Raises:
        Malformed: it cannot be read. Unavailable: its file is not there.
    """
    if "from" not in tree:
        return Bundle(*split_contract(tree, parse_rule))
    named = f"the contract {tree.get('id')} version {tree.get('version')}"
    more = [key for key in tree if key not in _NAMED]
    if more:
        raise Malformed(
            f"{named} comes from a file; {', '.join(more)} cannot be changed here, write a revision of the file"
        )
    bundle = read_contract(folder / str(tree["from"]), parse_rule)
    template = bundle.template
    if (template.id, template.version) != (tree.get("id"), tree.get("version")):
        raise Malformed(f"{named}: its file holds {template.id} version {template.version}")
    if tree.get("author", template.author) != template.author:
        raise Malformed(f"{named}: its file names {template.author} as its author, not {tree['author']}")
    return bundle


def read_contract(path: Path, parse_rule: ParseRule) -> Bundle:
    """A contract from its file, with the documents that lie beside it.

    Raises:
        Malformed: it cannot be read. Unavailable: a file is not there.
    """
    return read_bundle(_text(path), parse_rule, lambda name: _text(path.with_name(name)))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"the contract's file {path.name} cannot be read: {error}") from None
