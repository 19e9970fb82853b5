"""A shared writer of invoices ends when it is closed: whoever waits for a document hears so, and no process is left."""

import sys
import threading
import time

import pytest

pytest.importorskip("facturx", reason="the extra `invoicing` is not installed")

from holdgate.invoicing.validate import Validator
from holdgate.invoicing.writer import SharedWriter
from holdgate.terms.errors import Unavailable
from tests import invoices

SILENT = (sys.executable, "-c", "import sys, time; sys.stdin.readline(); time.sleep(600)")


def test_a_document_that_is_being_validated_ends_when_the_writer_is_closed() -> None:
    validator = Validator(deadline_s=120, program=SILENT)
    writer = SharedWriter(validator)
    heard: list[str] = []

    def ask() -> None:
        try:
            writer.issue(invoices.an_invoice(), "ubl")
        except Unavailable as error:
            heard.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    deadline = time.monotonic() + 60
    while validator._process is None and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    process = validator._process
    assert process is not None
    writer.close()
    thread.join(60)
    assert not thread.is_alive()
    assert process.returncode is not None
    assert validator._process is None
    assert len(heard) == 1
    with pytest.raises(Unavailable, match="being stopped"):
        writer.issue(invoices.an_invoice(), "ubl")


def test_the_usual_format_is_the_countries_own() -> None:
    writer = SharedWriter(Validator())
    assert writer.formats("DE", "FR")[0] == "facturx"
    assert writer.formats("US", "US") == ("pdf",)
    assert writer.formats("XX", "US") == ()
    writer.close()
