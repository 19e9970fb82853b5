"""No file names a registry or a place on one machine: both belong to whoever runs the project.

The words looked for are joined here, so that this file itself holds none of them.
"""

import re

import pytest

from tests.tidy.tree import ROOT, Finding, files, report

_DOT = r"\."
_FOLDERS = "|".join(["wo" + "rk", "fa" + "rm", "ro" + "ot", "ho" + "me/[a-z]+", "Us" + "ers/[A-Za-z]+"])
_HOSTS = [
    "py" + "pi" + _DOT + "org",
    "python" + "hosted",
    "registry" + _DOT + "npm",
    "registry" + _DOT + "yarn",
    "deb" + _DOT + "debian" + _DOT,
    "security" + _DOT + "debian" + _DOT,
    "proxy" + _DOT + "golang" + _DOT,
    "crates" + _DOT + "io",
]
MACHINE = re.compile(rf"(?<![A-Za-z0-9_.:-])/(?:{_FOLDERS})/|/(?:{'wo' + 'rk'}|{'fa' + 'rm'})/|" + "|".join(_HOSTS))


def findings(path: str, text: str) -> list[Finding]:
    return [
        Finding(path, number, f"names a machine's path or a registry: {match.group()}")
        for number, line in enumerate(text.splitlines(), start=1)
        if (match := MACHINE.search(line))
    ]


def test_no_file_names_a_machine_or_registry() -> None:
    found = []
    for name in files():
        raw = (ROOT / name).read_bytes()
        if b"\0" not in raw[:8192] and not name.endswith(".patch"):
            found += findings(name, raw.decode("utf-8", errors="replace"))
    assert not found, report(found, "Paths of one machine, or addresses of registries:")


def test_no_lock_carries_addresses() -> None:
    assert "uv.lock" not in files()
    for name in files():
        if name.startswith("requirements/") and name.endswith(".txt"):
            assert "://" not in (ROOT / name).read_text(encoding="utf-8"), name


@pytest.mark.parametrize(
    "line",
    [
        "/wo" + "rk/main/src",
        "cd /ro" + "ot/x",
        "see /ho" + "me/ann/notes",
        "https://py" + "pi.org/simple",
        "files.python" + "hosted.org",
        "https://registry.n" + "pmjs.org/",
        "http://deb.d" + "ebian.org/debian",
    ],
)
def test_the_rule_objects(line: str) -> None:
    assert len(findings("x", f"first\n{line}\n")) == 1


@pytest.mark.parametrize(
    "line", ["net" + "work/main", "/usr/lib", "the root/ of a tree", "golang-go from Debian", "/usr/bin/python3"]
)
def test_the_rule_lets_pass(line: str) -> None:
    assert not findings("x", line)
