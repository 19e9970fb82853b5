"""Lists of many orders: what a page asks of the law is bounded by its rows, however many orders there are."""

from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from holdgate.demo.shop import CLIENT, COMPLIANCE, PLANNER, QA
from holdgate.law import options
from holdgate.law.decide import decide
from holdgate.law.state import State
from holdgate.web.page import View
from holdgate.web.pages import client, compliance, finance, qa
from holdgate.web.pages import office as desk
from holdgate.web.paging import ROWS
from tests import hub_shop as hub

COPIES = 40


def multiply(state: State) -> None:
    """Every order, job and report so many times again, under other names."""
    base = list(state.orders.values())
    for number in range(COPIES):
        for order in base:
            name, jobs = f"{order.id}-{number}", []
            for key in order.jobs:
                job = state.jobs[key]
                report = job.report and f"{job.report}-{number}"
                state.jobs[f"{name}/{job.id}"] = replace(job, order=name, report=report)
                jobs.append(f"{name}/{job.id}")
                if report:
                    state.reports[report] = replace(state.reports[job.report], id=report, order=name)
            state.orders[name] = replace(order, id=name, jobs=jobs)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hub.Office]:
    with hub.office(tmp_path_factory.mktemp("crowd")) as found:
        multiply(found.face.state)
        yield found


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts how often the law is asked."""
    asked = [0]

    def counted(*args: object) -> object:
        asked[0] += 1
        return decide(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(options, "decide", counted)
    return asked


Model = Callable[[View], object]


@pytest.mark.parametrize(
    ("who", "model", "most"),
    [
        (QA, qa.queue, ROWS + qa.SHORT),
        (COMPLIANCE, compliance.desk, ROWS + 2 * compliance.SHORT),
        (PLANNER, desk.orders, 0),
        (hub.FINANCE, finance.orders, 3 * ROWS),
        (CLIENT, client.orders, 0),
    ],
)
def test_a_list_asks_the_law_for_its_rows_only(
    crowd: hub.Office, decided: list[int], who: str, model: Model, most: int
) -> None:
    model(crowd.view(who))
    assert decided[0] <= most


@pytest.mark.parametrize("about", [hub.AT_QA, f"{hub.AT_QA}/J-1", f"R-{hub.REPORTED}", f"order:{hub.STAGED}"])
def test_what_can_be_done_with_one_thing_is_asked_of_that_thing_only(
    crowd: hub.Office, monkeypatch: pytest.MonkeyPatch, about: str
) -> None:
    made = [0]
    command = options._command

    def counted(*args: object) -> object:
        made[0] += 1
        return command(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(options, "_command", counted)
    found = crowd.face.options(crowd.view(QA).asker, about)
    assert found
    assert made[0] <= 60
    named = about.removeprefix("order:")
    assert all(named in option.subject for _, option in found)


def test_what_is_named_is_found_wherever_it_is_in_the_list(crowd: hub.Office) -> None:
    last = f"{hub.AT_QA}-{COPIES - 1}"
    assert [line.id for line in desk.orders(crowd.view(PLANNER, {"q": last})).lines] == [last]
    pages = desk.orders(crowd.view(PLANNER)).pager
    assert pages.total == len(crowd.face.state.orders)
    assert pages.on
