"""Reports of played stories: their content, with the parties that a shop registers."""

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Final

import pypdf

from holdgate.adapters.zones import wall_clock
from holdgate.cli.reading import open_logs
from holdgate.paper.report import REPORT, report_pdf
from holdgate.query.registers import Registers
from holdgate.query.report_content import issued, report_content
from holdgate.query.report_facts import ReportContent
from holdgate.query.timeline import Timeline
from holdgate.terms.party import Party
from tests.played import played

LAB: Final = Party(
    org="LAB",
    name="Example NDT & Materials Lab, Inc.",
    street="1200 Foundry Row",
    city="Wichita",
    region="KS",
    postal_code="67202",
    country="US",
    email="quality@lab.example",
)
PARTIES: Final = {
    "LAB": LAB,
    **{
        org: Party(
            org=org,
            name=f"{org.title()} GmbH",
            street="Am Flughafen 3",
            city="Hamburg",
            postal_code="22335",
            country="DE",
            email="qa@client.example",
        )
        for org in ("AERODYNE", "ROTORWORKS")
    },
}


@cache
def shop_of(number: str) -> Path:
    """The shop that a scenario file leaves behind, played once for all tests; read it, do not write to it."""
    folder = Path(tempfile.mkdtemp(prefix="papers-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return played(folder, number)


def content_of(shop: Path, number: str, parties: Mapping[str, Party] = PARTIES) -> ReportContent:
    """What a report of a closed shop says."""
    with open_logs(shop / "HUB") as (log,):
        registers, timeline = Registers(), Timeline()
        registers.catch_up(log)
        timeline.catch_up(log)
        order = issued(registers, number).event.order
        return report_content(log, registers, timeline.of(order), number, parties)


def pdf_of(content: ReportContent, kind: str = REPORT) -> bytes:
    """The report as a PDF."""
    return report_pdf(content, partial(wall_clock, tz=content.zone), kind)


def text_of(pdf: bytes) -> str:
    """The words of a PDF, with single spaces."""
    pages = pypdf.PdfReader(BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).replace("\u200b", "").split())
