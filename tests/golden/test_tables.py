"""The tables of the core hold what is written down beside the histories that were decided with them."""

import json

from tests.golden.tables import FILE, made


def test_no_row_and_no_constant_changed_unsaid() -> None:
    kept, found = json.loads(FILE.read_text(encoding="utf-8")), json.loads(json.dumps(made()))
    told = "if this is meant: python -m tests.golden.tables, and say why in the change"
    changed = [name for name in sorted(kept.keys() | found.keys()) if kept.get(name) != found.get(name)]
    assert not changed, f"{changed}: {told}"
    assert list(kept) == list(found), told
    assert len(kept) > 300
