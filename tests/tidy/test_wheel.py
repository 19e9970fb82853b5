"""The wheel is the same bytes wherever it is built, and holds all that the product reads."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.tidy.tree import PACKAGE, ROOT, files

pytest.importorskip("hatchling", reason="hatchling is not installed; requirements/build.txt has it")

EPOCH = "1767225600"
BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"


def build(folder: Path, umask: int) -> Path:
    """Build a copy of the project in a folder of its own; other times and permissions of its files each time."""
    copy = folder / "checkout"
    for name in files():
        if name.startswith("src/") or name in {"pyproject.toml", "README.md", ".gitignore"}:
            place = copy / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, place)
            place.chmod(0o666 & ~umask)
            os.utime(place, (1_000_000_000 + umask, 1_000_000_000 + umask))
    out = folder / "out"
    env = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "PYTHONHASHSEED": str(umask)}
    subprocess.run(
        [sys.executable, "-c", BUILD, str(out)], cwd=copy, check=True, env=env, timeout=100, capture_output=True
    )
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("one"), 0o022)


def test_two_folders_give_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    other = build(tmp_path / "somewhere" / "else", 0o077)
    assert other.name == wheel.name
    assert hashlib.sha256(other.read_bytes()).hexdigest() == hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_it_holds_everything_that_the_product_reads_and_nothing_else(wheel: Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == {name.removeprefix("src/") for name in files() if name.startswith("src/")}
    for kind in ("web/templates/*.html", "web/static/*.js", "paper/templates/*.typ", "invoicing/templates/*.typ"):
        assert any(f"holdgate/{path.relative_to(PACKAGE).as_posix()}" in held for path in PACKAGE.glob(kind)), kind


def test_it_carries_no_source_control_tests_or_keys(wheel: Path) -> None:
    held = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in held if ".git" in name or "/tests/" in name or name.endswith((".pem", ".key", ".pyc"))]
