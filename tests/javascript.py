"""The verifier page's modules under node, for tests that hold them against the verifiers in other languages."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest

from holdgate.web.verifier.assemble import modules
from tests.tidy.tree import ROOT

Job = dict[str, Any]
NODE_JS: Final = shutil.which("node")
needs_node: Final = pytest.mark.skipif(NODE_JS is None, reason="node is not installed (Debian: nodejs)")


def javascript(places: pytest.TempPathFactory, timeout_s: float = 250) -> Callable[[Sequence[Job]], list[Any]]:
    """What lets node do jobs (`tests/verifier.mjs` lists them) and gives its answers."""
    code = places.mktemp("modules")
    for name, text in modules().items():
        (code / f"{name}.js").write_text(text, encoding="utf-8")
    (code / "package.json").write_text('{"type":"module"}', encoding="utf-8")

    def asked(jobs: Sequence[Job]) -> list[Any]:
        place = places.mktemp("jobs") / "jobs.json"
        place.write_text(json.dumps(jobs), encoding="utf-8")
        command = [NODE_JS or "node", str(ROOT / "tests" / "verifier.mjs"), str(code), str(place)]
        env = {"PATH": os.environ.get("PATH", "")}
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False, env=env)
        assert done.returncode == 0, done.stderr[-4000:]
        answers: list[Any] = json.loads(done.stdout)
        return answers

    return asked
