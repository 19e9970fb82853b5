"""Some mutants of the lines of the core that changed, on the tests nearest to them: `python -m tests.mutants.changed [REF]`.

A floor for CI, where the whole core cannot be tried: of a few mutants the share killed swings by chance, so it fails only where
hardly more than half are noticed; the bar of docs/mutants.md is held by samples of the whole core. One commit always gives one
answer: the seed is fixed, so are drawn examples, and a mutant that hangs counts as killed. Where no line of the core changed, or
a shallow clone lacks the commit before, it tries some of modules that were picked once.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.mutants import covered, report
from tests.mutants.__main__ import One, every, run, sampled, since
from tests.mutants.running import ROOT

NEAREST: Final = Path(__file__).with_name("nearest.json")
"""Which few files of tests run most of a module; `python -m tests.mutants --nearest` writes it from the whole map."""
ALWAYS: Final = ("law/gates/seats.py", "terms/quantity.py", "pay/matching.py")
FLOOR: Final = 0.6
TRIED: Final = 24
MODULES: Final = 3
SEED: Final = 1


def before() -> str | None:
    """The commit that this change starts from, where the clone has it."""
    base = _git("merge-base", "HEAD", "origin/main")
    return base if base and base != _git("rev-parse", "HEAD") else _git("rev-parse", "--verify", "--quiet", "HEAD~1")


def _git(*asked: str) -> str | None:
    said = subprocess.run(["git", *asked], cwd=ROOT, capture_output=True, text=True, check=False)
    return said.stdout.strip() or None if said.returncode == 0 else None


def picked(ref: str | None, nearest: dict[str, list[str]]) -> list[One]:
    """Mutants inside functions of the modules that changed most, and whose nearest tests are known.

    A table is one statement: a line more in it would have all of its lines tried, on tests that ask a few of them.
    """
    changed = [one for one in since(every(), ref) if one[1].inside and nearest.get(one[0])] if ref else []
    if not changed:
        return sampled(every(ALWAYS), TRIED, SEED)
    most = {path for path, _ in Counter(path for path, _ in changed).most_common(MODULES)}
    return sampled([one for one in changed if one[0] in most], TRIED, SEED)


def main(args: Sequence[str]) -> int:
    nearest = json.loads(NEAREST.read_text(encoding="utf-8"))
    chosen = picked(args[0] if args else before(), nearest)
    files = sorted({file for path, _ in chosen for file in nearest[path] if (ROOT / file).exists()})
    with tempfile.TemporaryDirectory(prefix="holdgate-mutants-") as kept:
        covered.draw(Path(kept), files)
        tried = run(chosen, Path(kept))
    print(report.text(tried, sample=False))
    share = report.figures(tried).share
    return 0 if share >= FLOOR or len(tried) < TRIED // 2 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
