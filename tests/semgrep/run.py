"""Runs rules.yaml over the product and over their own samples, offline (`make rules`). Findings say what to do instead.

semgrep is installed without the packages of its Python half: its core reads rules and code by itself. Nothing is asked of a
registry, no measure is sent, no setting of the user is read.

    python -m tests.semgrep.run .venv/semgrep
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
RULES: Final = HERE / "rules.yaml"
SAMPLES: Final = HERE / "samples.yaml"
CORE: Final = "semgrep/bin/semgrep-core"
PRODUCT: Final = ("src", "examples")
LEFT_OUT: Final = ("bench",)
"""Measures; no part of a site."""
DEADLINE_S: Final = 600


def main(installed: str) -> int:
    """Scan; 0 where the product is without findings and every sample came out as it says."""
    samples = yaml.safe_load(SAMPLES.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="holdgate-rules-") as folder:
        planted = Path(folder) / "samples"
        wanted = dict(_plant(planted, samples))
        found = scan(Path(installed) / CORE, Path(folder), [*(str(ROOT / name) for name in PRODUCT), str(planted)])
        faults = [*_unread(found), *_missing(samples), *_product(found, planted), *_samples(found, planted, wanted)]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def scan(core: Path, home: Path, targets: list[str]) -> dict[str, Any]:
    """What semgrep found. `home`: an empty folder, so that no setting of anybody counts."""
    words = ["osemgrep", "scan", "--experimental", "--metrics", "off", "--disable-version-check", "--json", "--quiet"]
    words += ["--config", str(RULES), "-j", "1", "--no-git-ignore", *(f"--exclude={name}" for name in LEFT_OUT)]
    env = {"PATH": os.defpath, "HOME": str(home), "SEMGREP_SEND_METRICS": "off", "SEMGREP_ENABLE_VERSION_CHECK": "0"}
    done = subprocess.run(
        [*words, *targets],
        executable=core,
        cwd=ROOT,
        env=env,
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"semgrep gave up ({done.returncode}):\n{done.stderr.decode(errors='replace')[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _plant(folder: Path, samples: dict[str, Any]) -> Iterator[tuple[str, tuple[str, bool]]]:
    folder.mkdir()
    for rule, kinds in samples.items():
        for kind, texts in kinds.items():
            for number, text in enumerate(texts):
                name = f"{rule}-{kind}-{number}{'.js' if text.startswith('// javascript') else '.py'}"
                (folder / name).write_text(text, encoding="utf-8")
                yield name, (rule, kind == "finds")


def _unread(found: dict[str, Any]) -> Iterator[str]:
    yield from (f"semgrep: {error.get('type')}: {error.get('message', '')[:400]}" for error in found["errors"])
    if len(found["paths"]["scanned"]) < len(list((ROOT / "src").rglob("*.py"))) // 2:
        yield f"semgrep read {len(found['paths']['scanned'])} files; something hides the product from it"


def _missing(samples: dict[str, Any]) -> Iterator[str]:
    rules = {rule["id"] for rule in yaml.safe_load(RULES.read_text(encoding="utf-8"))["rules"]}
    for rule in sorted(rules ^ set(samples)):
        yield f"{rule}: a rule and its samples go together"
    yield from (
        f"{rule}: nothing to find, or nothing to let pass" for rule, kinds in samples.items() if len(kinds) != 2
    )


def _product(found: dict[str, Any], planted: Path) -> Iterator[str]:
    for row in found["results"]:
        if not row["path"].startswith(str(planted)):
            place = f"{Path(row['path']).resolve().relative_to(ROOT)}:{row['start']['line']}"
            yield f"{place}: {_rule(row)}: {row['extra']['message']}"


def _samples(found: dict[str, Any], planted: Path, wanted: dict[str, tuple[str, bool]]) -> Iterator[str]:
    hits = {(Path(row["path"]).name, _rule(row)) for row in found["results"] if row["path"].startswith(str(planted))}
    for name, (rule, has) in wanted.items():
        if ((name, rule) in hits) is not has:
            yield f"{rule} {'does not find' if has else 'objects to'} {name}: {(planted / name).read_text('utf-8')!r}"


def _rule(row: dict[str, Any]) -> str:
    return str(row["check_id"]).rpartition(".")[2]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
