"""Defects that are planted in the product, each found by a check of the suite: the checks can fail."""

from collections.abc import Iterator

import pytest

from tests.planted.catalogue import DEFECTS
from tests.planted.defect import KINDS, Defect, Worlds
from tests.planted.page import PAGE, start_of
from tests.planted.plant import Unplantable, changes, planted
from tests.planted.zygote import ROOT, Zygote
from tests.sim.story import lived


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    one = Zygote()
    yield one
    one.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("defect", [one for one in DEFECTS if not one.soak], ids=lambda one: one.name)
def test_a_planted_defect_is_found(defect: Defect, zygote: Zygote, request: pytest.FixtureRequest) -> None:
    if "test_vectors.py" in str(defect.check):
        request.getfixturevalue("shared")
    outcome = zygote.judge(defect)
    assert outcome.how == "found", outcome
    if isinstance(defect.check, Worlds):  # a test of the suite passes without it: it runs by itself
        assert not lived(outcome.seed, defect.check.orders, frozenset(defect.check.swarm)).findings


def test_each_defect_changes_the_inside_of_functions_and_its_text_is_there_once() -> None:
    for defect in DEFECTS:
        assert changes(defect)


def test_each_defect_has_a_name_of_its_own_and_a_check_that_there_is() -> None:
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS) >= 60
    for defect in DEFECTS:
        if isinstance(defect.check, str):
            path, test = defect.check.partition("::")[0], defect.check.partition("[")[0].rpartition("::")[2]
            assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), defect.check
            assert any(path.startswith(folder) for folder in KINDS)


def test_the_list_is_of_this_catalogue() -> None:
    """Run `make planted` after a change of the catalogue."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    told = [line for line in rows if not line.startswith(("| defect |", "| --- |"))]
    assert len(told) == len(DEFECTS)
    for defect, line in zip(DEFECTS, told, strict=True):
        assert line.startswith(start_of(defect))
        assert ("soak" in line.rpartition("| ")[2] or line.endswith(" soak |")) == defect.soak
        assert "**" not in line.removeprefix(start_of(defect)), "a defect that was not found"


# ---- what finds a defect that is none would find nothing


def _made_up(old: str, new: str, check: str, module: str = "holdgate.terms.hosts") -> Defect:
    return Defect(name="made up", module=module, old=old, new=new, check=check)


def test_text_that_is_gone_or_there_twice_is_told() -> None:
    with pytest.raises(Unplantable, match="stands 0 times"):
        planted("x = 1\n", _made_up("y", "z", ""))
    with pytest.raises(Unplantable, match="stands 2 times"):
        planted("x = x\n", _made_up("x", "z", ""))


def test_a_change_outside_of_functions_and_one_that_changes_nothing_are_refused() -> None:
    module = "holdgate.crypto.hashes"
    with pytest.raises(Unplantable):
        changes(_made_up('EMPTY_ROOT: Final = sha256(b"")', 'EMPTY_ROOT: Final = sha256(b"x")', "", module))
    with pytest.raises(Unplantable):
        changes(_made_up("return hashlib.sha256(data).digest()", "return (hashlib.sha256(data).digest())", "", module))


def test_a_check_that_is_not_there_or_a_program_that_does_not_run_finds_nothing(zygote: Zygote) -> None:
    old, new, module = 'sha256(b"\\x00" + entry)', "nobody_knows_this(entry)", "holdgate.crypto.hashes"
    there = "tests/unit/test_merkle.py::test_entry_made_of_two_hashes_is_not_their_node"
    assert zygote.judge(_made_up(old, new, "tests/unit/test_merkle.py::test_of_nothing", module)).how == "broken"
    assert zygote.judge(_made_up(old, new, there, module)).how == "broken"
    assert zygote.sound(there, 20).how == "missed"
