"""docs/views.md tells every table, view and column, with its meaning: the part after `## Reference` is written by this file.

`python -m tests.unit.test_views_page` writes it anew.
"""

from collections.abc import Iterator

from holdgate.query.view_queries import VIEWS
from holdgate.query.view_tables import JOB_WHATS, TABLES
from tests.tidy.tree import ROOT

PAGE = ROOT / "docs" / "views.md"
HEAD = "## Reference\n"


def reference() -> Iterator[str]:
    yield HEAD
    yield "Tables first, then the views over them. `origin`, `seq` (and `n`) name the entry that a row comes from.\n"
    yield f"`job_events.what` is one of {', '.join(JOB_WHATS)}; a step is `step_completed` with the last signature that it needs.\n"
    for table in TABLES:
        yield f"\n### Table {table.name}\n{_sentence(table.means)} Key: {', '.join(table.key)}.\n\n"
        yield "| column | kind | meaning |\n| --- | --- | --- |\n"
        for column in table.columns:
            yield f"| `{column.name}` | {column.kind} | {column.means} |\n"
    for view in VIEWS:
        yield f"\n### View {view.name}\n{_sentence(view.means)}\n\n| column | meaning |\n| --- | --- |\n"
        for name, means in view.columns:
            yield f"| `{name}` | {means} |\n"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def test_the_page_tells_every_table_and_column() -> None:
    told = PAGE.read_text(encoding="utf-8")
    assert told[told.index(HEAD) :] == "".join(reference()), "run: python -m tests.unit.test_views_page"


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(text[: text.index(HEAD)] + "".join(reference()), encoding="utf-8")
