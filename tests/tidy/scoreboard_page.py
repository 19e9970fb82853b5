"""Writes the scoreboard of docs/reliability.md from docs/scores (`make scoreboard`, which runs the checks first)."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from tests.scores import Score
from tests.tidy.tree import ROOT

PAGE: Final = ROOT / "docs" / "reliability.md"
SCORES: Final = ROOT / "docs" / "scores"
FROM: Final = "<!-- scoreboard: written by make scoreboard -->"
BUGS: Final = "## Found by these"
TO: Final = "<!-- end of the scoreboard -->"


class Bar(NamedTuple):
    """A row: what is counted, how much has to be tried, and what share of it may come out badly (in percent)."""

    row: int
    figure: str
    tried: int
    bad_percent: int = 0


BARS: Final = (
    Bar(1, "storage calls killed or failed; acknowledged entries lost", 2_000),
    Bar(2, "power-cut images; acknowledged entries lost", 500),
    Bar(3, "steps of simulated worlds; worlds in which an invariant was violated", 100_000_000),
    Bar(4, "planted defects; not found by the suite", 40),
    Bar(5, "forged, replayed and stale inputs; accepted", 1_000_000),
    Bar(6, "forks and rollbacks; not noticed, or noticed where there was none", 1),
    Bar(7, "bits flipped in a store; harmful ones not noticed", 10_000),
    Bar(8, "links cut; sites that did not agree afterwards", 1),
    Bar(9, "mutants of the core; alive and not explained", 1, bad_percent=10),
    Bar(10, "fuzzed inputs; crashes, and hangs over 100 ms", 1_000_000),
    Bar(11, "signatures judged by Python, WebCrypto and Go; disagreements", 914),
    Bar(12, "entries of recorded histories decided again by this release; different", 1),
    Bar(13, "seconds of real processes under faults; losses and leaks", 600),
)


def read_scores(folder: Path = SCORES) -> list[Score]:
    """All that was kept, by row, check and scale."""
    found = [msgspec.json.decode(path.read_bytes(), type=Score) for path in folder.glob("*.json")]
    return sorted(found, key=lambda score: (score.row, score.check, score.scale))


def verdict(bar: Bar, scores: Iterable[Score]) -> str:
    """Whether the row's bar is met by any run, and by which; what is missing where it is not."""
    scores = list(scores)
    if bad := [score for score in scores if score.bad * 100 > bar.bad_percent * score.tried]:
        return f"**not met**: {bad[0].bad:,} bad of {bad[0].tried:,}"
    for scale, said in (("ci", "met in CI"), ("soak", "met by a longer run")):
        if any(score.scale == scale and score.tried >= bar.tried for score in scores):
            return said
    most = max((score.tried for score in scores), default=0)
    return f"**not met**: {most:,} of {bar.tried:,}" if most else "**not run**"


def scoreboard(scores: Sequence[Score], found: int) -> str:
    """The section of the page. `found`: rows of the list of own bugs."""
    out = [
        "| # | figure | bar | reached |\n| --- | --- | --- | --- |",
        *(
            f"| {bar.row} | {bar.figure} | {_bar(bar)} | {verdict(bar, [s for s in scores if s.row == bar.row])} |"
            for bar in BARS
        ),
        f"| 14 | own bugs found by these checks; by users | list; none by users | {found}; 0, as nobody uses it yet |",
        "",
        "The runs behind it:\n",
        "| # | run | tried | bad | took | when, at | again by |\n| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for score in scores:
        where = "CI size" if score.scale == "ci" else "longer"
        out.append(
            f"| {score.row} | {score.check}, {where} | {score.tried:,} {score.unit} | {score.bad:,} | {score.seconds} s "
            f"| {score.date}, {score.commit} | `{score.command}` |"
        )
    notes = [f"- {score.row}, {score.check} ({score.scale}): {score.note}" for score in scores if score.note]
    machines = sorted({score.machine for score in scores})
    return "\n".join([*out, "", *notes, "", f"Machines: {'; '.join(machines)}.", ""])


def _bar(bar: Bar) -> str:
    least = "all" if bar.tried == 1 else f"{bar.tried:,}"
    return f"{least}; at most {bar.bad_percent} %" if bar.bad_percent else f"{least}; 0"


def page(text: str, scores: Sequence[Score]) -> str:
    """docs/reliability.md with its scoreboard made anew."""
    before, _, rest = text.partition(FROM)
    _, _, after = rest.partition(TO)
    found = sum(line.startswith("| ") for line in after.partition(BUGS)[2].partition("\n## ")[0].splitlines()) - 2
    return f"{before}{FROM}\n{scoreboard(scores, found)}{TO}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), read_scores()), encoding="utf-8")
