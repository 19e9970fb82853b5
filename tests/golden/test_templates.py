"""The shop of every template's happy path is audited again, for ever: each signature, each decision to the byte."""

import tarfile
from pathlib import Path

import pytest

from holdgate.cli.records import audit_file, trusted
from holdgate.law.decision import SEMANTICS
from holdgate.ledger.entry import read_entry
from tests.golden.shops import HERE, place_of
from tests.templates import FOLDERS

FROZEN = sorted(HERE.glob("law*_*.tar.xz"))


@pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.name.partition(".")[0])
def test_a_frozen_shop_is_audited_to_the_byte(path: Path, tmp_path: Path) -> None:
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path, filter="data")
    trust = trusted(tmp_path / "trust.json")
    bundles = sorted(tmp_path.glob("*.bundle"))
    assert len(bundles) == 3
    for bundle in bundles:
        (audited,) = audit_file(bundle, trust)
        report = audited.report
        assert report.holds, report.findings
        assert report.repeated == report.size > 0


def test_every_template_has_a_history_under_the_present_law() -> None:
    missing = [template for template in FOLDERS if not place_of(template).exists()]
    assert not missing, f"python -m tests.golden.make freezes them: {missing}"


def test_a_history_is_of_the_law_that_its_name_says(tmp_path: Path) -> None:
    path = place_of(FOLDERS[0])
    with tarfile.open(path) as archive:
        lines = archive.extractfile("HUB.bundle")
        assert lines is not None
        assert f'"semantics":{SEMANTICS}' in _bodies(lines.read())


def _bodies(raw: bytes) -> str:
    import base64
    import json

    entries = (json.loads(line) for line in raw.splitlines())
    bodies = [base64.b64decode(entry["body"]) for entry in entries if entry["line"] == "entry"]
    assert read_entry(bodies[0]).kind == "genesis"
    return bodies[-1].decode()
