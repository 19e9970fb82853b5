"""The page of the contract language: its examples are whole contracts, and no field of the language is left out."""

import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from msgspec import Raw, Struct

from holdgate.certifier.facts import rule_parser
from holdgate.law import contract
from holdgate.law.completeness import incomplete
from holdgate.law.contract import TECHNIQUES, Document, Head, SmartSP, StepRule, encode_document, read_document
from holdgate.law.families import SUBJECTS, Bundle, bundle_faults
from holdgate.law.gates.table import GATES
from holdgate.law.notation import Tree, read_bundle, read_yaml
from holdgate.scenario.certification import certification

PAGE: Final = (Path(__file__).resolve().parents[2] / "docs" / "spec" / "contract.md").read_text(encoding="utf-8")
_PIECE: Final = re.compile(r"<!-- contract: (\S+) -->\n```yaml\n(.*?)```", re.DOTALL)
_SECTION: Final = re.compile(r"^### (\w+)$", re.MULTILINE)
_ROW: Final = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
MADE: Final = (StepRule, "normal")
"""The one field that no author writes: the reader adds the rule's normal form."""
GATE_NAMES: Final = {gate.name for gate in GATES}
DECIMALS: Final = {
    **dict.fromkeys((("Characteristic", name) for name in ("min", "max", "equals", "U")), "decimal"),
    **dict.fromkeys((("Adaptable", name) for name in ("value", "min", "max")), "decimal"),
    **dict.fromkeys((("Environment", name) for name in ("min", "max")), "decimal"),
}


def texts() -> dict[str, str]:
    """The examples by name, each put together from its pieces."""
    found: dict[str, str] = {}
    for name, piece in _PIECE.findall(PAGE):
        found[name] = found.get(name, "") + piece
    return found


def bundle(name: str) -> Bundle:
    return read_bundle(texts()[name], rule_parser())


def structs() -> list[type[Struct]]:
    """Every struct of the language that has fields of its own."""
    held = [item for item in vars(contract).values() if isinstance(item, type) and issubclass(item, Struct)]
    return [item for item in held if item.__module__ == contract.__name__ and own(item)]


def own(struct: type[Struct]) -> dict[str, Any]:
    """The fields that a struct adds to the one that it builds on, by the name that is written."""
    bases = (base for base in struct.__mro__[1:] if issubclass(base, Struct) and base is not Struct)
    above = {field.name for base in bases for field in _fields(base)}
    return {field.encode_name: field for field in _fields(struct) if field.name not in above}


def _fields(struct: Any) -> tuple[Any, ...]:
    return msgspec.structs.fields(struct)


def sections() -> dict[str, str]:
    parts = _SECTION.split(PAGE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(struct: str) -> dict[str, tuple[str, str, str, str]]:
    return {row[0]: row[1:] for row in _ROW.findall(sections()[struct])}


# ---- the examples --------------------------------------------------------------------------------------------------


def test_every_example_is_part_of_a_contract() -> None:
    assert PAGE.count("```") == 2 * len(_PIECE.findall(PAGE))
    assert len(texts()) == 6


@pytest.mark.parametrize("name", texts())
def test_an_example_is_a_whole_contract(name: str) -> None:
    read = bundle(name)
    assert incomplete(read.template, read.technique) == []
    assert [*bundle_faults(read)] == []
    for document in read.documents:
        assert encode_document(read_document(encode_document(document))) == encode_document(document)


@pytest.mark.parametrize("name", texts())
def test_an_example_can_be_certified(name: str) -> None:
    found = certification(bundle(name))
    assert not found.defects, [defect.sentence() for defect in found.defects]
    assert found.certificate is not None


def test_every_family_has_its_example() -> None:
    shown = {type(document) for name in texts() for document in bundle(name).documents}
    assert shown == set(typing.get_args(Document))


@pytest.mark.parametrize("struct", structs(), ids=lambda struct: struct.__name__)
def test_every_field_is_in_an_example(struct: type[Struct]) -> None:
    written = {key for name in texts() for kind, key in _written(name) if issubclass(kind, struct)}
    missing = {name for name in own(struct) if (struct, name) != MADE} - written
    assert not missing, f"{struct.__name__}: no example writes {sorted(missing)}"


def _written(name: str) -> Iterator[tuple[type[Struct], str]]:
    tree = read_yaml(texts()[name], name)
    assert isinstance(tree, dict)
    read = bundle(name)
    places: dict[str, Any] = {"process": read.technique, "quality": read.quality, "pay": read.pay}
    yield from _keys(read.template, tree)
    for place, document in places.items():
        if document is not None:
            yield from _keys(document, tree[place])


def _keys(value: object, tree: Tree) -> Iterator[tuple[type[Struct], str]]:
    """The struct and the key of everything that the tree of a struct writes."""
    if isinstance(value, Struct) and isinstance(tree, dict):
        for name, key in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            if key in tree:
                yield type(value), key
                yield from _keys(getattr(value, name), tree[key])
    elif isinstance(value, tuple) and isinstance(tree, list):
        for item, part in zip(value, tree, strict=True):
            yield from _keys(item, part)


# ---- the tables ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("struct", structs(), ids=lambda struct: struct.__name__)
def test_a_table_has_every_field_with_its_type_and_default(struct: type[Struct]) -> None:
    fields = own(struct)
    hints = typing.get_type_hints(struct)
    told = {name: (kind, default) for name, (kind, default, _, _) in rows(struct.__name__).items()}
    assert told == {
        name: (DECIMALS.get((struct.__name__, name)) or _kind(hints[field.name]), _default(field))
        for name, field in fields.items()
    }


def _kind(hint: Any) -> str:
    if typing.get_origin(hint) is tuple:
        return f"list of {_kind(typing.get_args(hint)[0])}"
    inner = [item for item in typing.get_args(hint) if item is not type(None)]
    if inner:
        return _kind(inner[0])
    plain = {str: "text", int: "whole number", bool: "true or false", Raw: "made"}
    return plain.get(hint) or f"[{hint.__name__}](#{hint.__name__.lower()})"


def _default(field: Any) -> str:
    value = "must" if field.required else field.default
    if value is msgspec.NODEFAULT:
        value = field.default_factory()
    if value in (None, (), ""):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(value)}]" if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize("struct", structs(), ids=lambda struct: struct.__name__)
def test_a_table_names_only_gates_that_there_are(struct: type[Struct]) -> None:
    for name, (_, _, meaning, used) in rows(struct.__name__).items():
        assert meaning.strip(), name
        for word in re.findall(r"`([a-z_.]+)`", used):
            assert word in GATE_NAMES or word.startswith("holdgate."), f"{name}: there is no gate {word}"


def test_every_struct_has_a_section_and_no_section_is_of_something_else() -> None:
    families = {family for family in TECHNIQUES if family != SmartSP.__name__}
    assert set(sections()) == {struct.__name__ for struct in structs()} | families


def test_the_other_families_stand_with_their_subject_and_what_it_yields() -> None:
    for name, family in TECHNIQUES.items():
        subject = next(field.default for field in _fields(family) if field.name == "subject")
        for fact in SUBJECTS[subject]:
            assert re.search(rf"^\| {name} \| {subject} \| .* \| {fact} \|$", PAGE, re.MULTILINE), name


# ---- the rules themselves ------------------------------------------------------------------------------------------


def test_a_field_that_is_new_would_be_missed() -> None:
    class Bolder(Head, frozen=True, kw_only=True):
        """A family with one field more."""

        colour: str = "grey"

    assert [*own(Bolder)] == ["colour"]
    assert "colour" not in rows("Head")
    assert {key for _, key in _written("weld")} >= {"from", "min_s", "notice_s"}
