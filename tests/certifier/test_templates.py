"""Every shipped template is certified by proof: nothing stands against it, and its witness runs come out as predicted."""

import pytest

from holdgate.scenario.certification import certification
from tests.templates import FOLDERS, bundle_of


@pytest.mark.parametrize("folder", FOLDERS)
def test_it_is_certified_by_proof(folder: str) -> None:
    found = certification(bundle_of(folder))
    assert not found.defects, [defect.sentence() for defect in found.defects]
    assert found.certificate is not None
    assert found.plan is not None
    assert not found.plan.unshown
