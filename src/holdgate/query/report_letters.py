"""What every report has to say (ISO/IEC 17025:2017 7.8.2.1 a to p), and what of it is not on record.

Each letter has a check; a report with something missing is still made, with the missing thing named on it: a laboratory that leaves
out a client's address by agreement (7.8.3) sees that it did.
"""

from collections.abc import Callable, Iterator
from typing import Final

from holdgate.query.report_facts import Missing, Organisation, ReportContent


def missing(content: ReportContent) -> Iterator[Missing]:
    """What is missing, by letter."""
    for letter, (_, check) in LETTERS.items():
        yield from (Missing(letter=letter, what=what) for what in check(content))


def _title(content: ReportContent) -> Iterator[str]:
    if not content.title:
        yield "a title"


def _organisation(whose: str, item: Organisation) -> Iterator[str]:
    if not item.name:
        yield f"the {whose}'s name"
    if not item.lines:
        yield f"the {whose}'s address"


def _lab(content: ReportContent) -> Iterator[str]:
    yield from _organisation("laboratory", content.lab)


def _location(content: ReportContent) -> Iterator[str]:
    if not content.site:
        yield "the site where it was done"
    if not content.places:
        yield "the places within the site"


def _number(content: ReportContent) -> Iterator[str]:
    if not content.report:
        yield "the report's number"


def _client(content: ReportContent) -> Iterator[str]:
    yield from _organisation("customer", content.client)
    if not content.client.contact:
        yield "how the customer is reached"


def _method(content: ReportContent) -> Iterator[str]:
    if not (content.method.contract and content.method.version):
        yield "the method and its version"
    if not content.method.standards and not content.method.editions:
        yield "the standard that the method follows"


def _item(content: ReportContent) -> Iterator[str]:
    if not content.part_no:
        yield "what the items are"
    if not content.serials:
        yield "which items they are"


def _dates_received(content: ReportContent) -> Iterator[str]:
    there = [serial for item in content.received for serial in item.serials]
    gone = [serial for serial in content.serials if serial not in there]
    if gone or not content.serials:
        yield f"the arrival of {', '.join(gone[:8]) or 'the items'}"


def _dates_done(content: ReportContent) -> Iterator[str]:
    if not content.started_at or not content.ended_at:
        yield "when it was done"


def _date_issued(content: ReportContent) -> Iterator[str]:
    if not content.issued_at:
        yield "when it was issued"


def _results(content: ReportContent) -> Iterator[str]:
    reads = [read for item in content.attempts for read in item.results]
    if not reads:
        yield "results"
    for read in reads:
        if not read.unit:
            yield f"the unit of {read.characteristic}"


def _authorised(content: ReportContent) -> Iterator[str]:
    if not content.authorised:
        yield "who authorised the report"
    for one in content.authorised:
        if not one.name:
            yield f"the printed name of {one.stamp}"


def _nothing(_: ReportContent) -> Iterator[str]:
    """Always said: the template writes the sentence, or the record shows whether there is something to say."""
    yield from ()


LETTERS: Final[dict[str, tuple[str, Callable[[ReportContent], Iterator[str]]]]] = {
    "a": ("title", _title),
    "b": ("name and address of the laboratory", _lab),
    "c": ("location of the activities", _location),
    "d": ("unique identification, every page, clear end", _number),
    "e": ("name and contact of the customer", _client),
    "f": ("method", _method),
    "g": ("description, identification and condition of the item", _item),
    "h": ("date of receipt", _dates_received),
    "i": ("dates of performance", _dates_done),
    "j": ("date of issue", _date_issued),
    "k": ("sampling, where relevant", _nothing),
    "l": ("that the results relate only to the items tested", _nothing),
    "m": ("results, with units", _results),
    "n": ("additions to, deviations or exclusions from the method", _nothing),
    "o": ("who authorised the report", _authorised),
    "p": ("results from external providers, marked", _nothing),
}
"""Letter → what it asks for, and its check. k, n and p are answered by what the record holds, l is a sentence on every report."""
