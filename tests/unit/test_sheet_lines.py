"""A table has an end, in lines too: what is more is refused before it is read."""

import pytest

from holdgate.adapters.sheet import read_sheet
from holdgate.terms.errors import Malformed
from holdgate.terms.limits import SHEET_LINES_MAX


def test_a_table_has_so_many_lines_and_no_more() -> None:
    most = b"po,client\n1,A\n" + b"\n" * (SHEET_LINES_MAX - 2)
    assert len(read_sheet(most).rows) == 1
    with pytest.raises(Malformed, match="split it"):
        read_sheet(most + b"\n")
