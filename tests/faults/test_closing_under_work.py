"""A store that is closed while another thread is at it: that thread finishes or is told so, and the process lives on."""

import threading
from pathlib import Path

import pytest

from holdgate.adapters.sqlite_mirror import SqliteMirror
from holdgate.terms.errors import Unavailable

BODY = b"x" * 4096


@pytest.mark.parametrize("round_number", range(25))
def test_a_mirror_is_closed_while_a_stretch_is_on_its_way_to_its_disk(tmp_path: Path, round_number: int) -> None:
    mirror = SqliteMirror(tmp_path / "mirror.db")
    begun, told = threading.Event(), list[str]()

    def work() -> None:
        start = 0
        while True:
            try:
                mirror.keep("log", start, [BODY] * 8, (), b"note", {})
                mirror.held("log")
            except Unavailable as error:
                told.append(str(error))
                return
            begun.set()
            start += 8

    worker = threading.Thread(target=work)
    worker.start()
    assert begun.wait(20)
    mirror.close()
    worker.join(20)
    assert told
    again = SqliteMirror(tmp_path / "mirror.db")
    size, _ = again.held("log")
    assert size % 8 == 0
    assert size >= 8
    again.close()
