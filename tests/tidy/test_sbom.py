"""The bill of materials names exactly what is locked, and is the same bytes each time."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy.sbom import LOCKS, bill, made, packages
from tests.tidy.tree import ROOT


def test_every_package_of_every_lock_is_in_it_with_its_hashes() -> None:
    components = {(one["name"], one["version"]): one for one in json.loads(made())["components"]}
    for name in LOCKS:
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        listed = re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)
        assert listed
        for package, version in listed:
            said = components[re.sub(r"[-_.]+", "-", package).lower(), version]["properties"]
            assert {"name": "holdgate:lock", "value": name} in said
            assert any(one["name"] == "holdgate:artifact-sha256" for one in said)


def test_what_a_site_runs_on_is_required_and_tools_are_not() -> None:
    scopes = {one["name"]: one["scope"] for one in json.loads(made())["components"]}
    assert (scopes["pynacl"], scopes["starlette"], scopes["pytest"], scopes["mypy"]) == (
        "required",
        "required",
        "excluded",
        "excluded",
    )


def test_the_bytes_are_the_same_in_another_process_and_another_hash_seed(tmp_path: Path) -> None:
    place = tmp_path / "bill.json"
    env = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-m", "tests.tidy.sbom", str(place)], cwd=ROOT, check=True, env=env, timeout=60)
    assert place.read_bytes() == made()


def test_another_lock_is_another_bill() -> None:
    project = {"name": "x", "version": "1"}
    one = bill({"runtime.txt": "a==1 \\\n    --hash=sha256:" + "0" * 64}, project)
    two = bill({"runtime.txt": "a==2 \\\n    --hash=sha256:" + "0" * 64}, project)
    assert one["serialNumber"] != two["serialNumber"]
    assert one["components"] != two["components"]


def test_a_line_that_is_not_understood_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="not understood"):
        list(packages("a==1 \\\n    --hash=sha256:" + "0" * 64 + "\n-e ./somewhere\n"))
