"""The shipped templates: complete, certified, honest about their numbers, and together all nine families."""

import re
from collections import Counter

import pytest

from holdgate.certifier.structure import certify
from holdgate.law.families import Bundle, bundle_faults
from holdgate.law.yields import YIELDABLE
from tests.templates import END, FOLDERS, HOME, bundle_of, every_number, with_numbers

FAMILIES = (
    "SmartClientPO",
    "SmartSP",
    "SmartCompliance",
    "SmartMaintenance",
    "SmartStandards",
    "SmartQA",
    "SmartPay",
    "SmartSafety",
    "SmartInventory",
)
READ = (
    "US T.O. 33B-1-1",
    "ASTM E3024-16 table 1",
    "NASA PRC-6504 Rev D table 1",
    "AMS 2750 rev F",
    "AMS 2750F excerpt",
    "ASTM E8/E8M-21 1.4",
    "E8/E8M control method B",
    "met-l-chek.com/shelf-life",
)
"""What was read; only a number of these is called verified."""


@pytest.fixture(scope="module", params=FOLDERS)
def folder(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def held(folder: str) -> Bundle:
    return bundle_of(folder)


def test_it_certifies(held: Bundle) -> None:
    assert certify(held.template, held.technique)
    assert not [*bundle_faults(held)]


def test_every_number_has_a_source(held: Bundle) -> None:
    assert not [number.place for number in every_number(held) if not number.basis.strip()]


def test_what_was_not_read_is_called_an_example(held: Bundle) -> None:
    for number in every_number(held):
        if number.verified:
            assert any(source in number.basis for source in READ), number
            assert "example" not in number.basis, number
        else:
            assert re.search(r"example, set by your (Level III|lab)", number.basis), number


def test_its_readme_names_every_number(folder: str, held: Bundle) -> None:
    readme = (HOME / folder / "README.md").read_text(encoding="utf-8")
    assert with_numbers(readme, held) == readme, "run: python -m tests.templates"
    table = readme.partition(END)[0]
    for number in every_number(held):
        assert f"`{number.place}`" in table
    for title in ("How it is used", "What it needs", "What it yields", "Sign-offs", "Before use", "Scenarios"):
        assert f"\n## {title}" in readme


def test_its_readme_names_every_scenario(folder: str) -> None:
    readme = (HOME / folder / "README.md").read_text(encoding="utf-8")
    files = [path.stem for path in sorted((HOME / folder / "scenarios").glob("*.yaml"))]
    assert "10-happy-path" in files
    assert len([name for name in files if name > "10-happy-path"]) >= 2
    named = re.findall(r"^- `(\d\d-[a-z0-9-]+)`:", readme, re.MULTILINE)
    assert named == [name for name in files if name != "00-standard-adopted"]


def test_its_readme_names_what_it_yields_and_requires(folder: str, held: Bundle) -> None:
    readme = (HOME / folder / "README.md").read_text(encoding="utf-8")
    for item in held.technique.yields:
        assert (item.name or item.fact) in readme
    for needed in held.technique.requires:
        assert f"{needed.standard} edition {needed.edition}" in readme


def test_an_order_that_the_lab_gives_itself_costs_nothing(held: Bundle) -> None:
    internal = held.technique.subject != "part"
    assert bool(held.technique.yields) == internal
    if internal:
        assert (held.template.price_minor, held.template.billing, held.template.documents) == (0, (), ())


def test_all_nine_families_are_there() -> None:
    kinds = Counter(type(document).__name__ for name in FOLDERS for document in bundle_of(name).documents)
    assert set(kinds) == set(FAMILIES)


def test_whatever_can_be_yielded_is_yielded() -> None:
    assert {item.fact for name in FOLDERS for item in bundle_of(name).technique.yields} == set(YIELDABLE)


def test_ids_are_their_own() -> None:
    ids = [bundle_of(name).template.id for name in FOLDERS]
    assert len(set(ids)) == len(ids) == 17


def test_standards_that_are_required_are_named_among_the_standards() -> None:
    for name in FOLDERS:
        held = bundle_of(name)
        for needed in held.technique.requires:
            written = " ".join(held.technique.standards).replace("-", " ").replace("AMS 2750F", "AMS 2750 F")
            assert f"{needed.standard} {needed.edition}" in written
