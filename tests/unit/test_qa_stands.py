"""QA signs a record. What changes it afterwards takes QA's signature, and Compliance's, with it."""

from msgspec.structs import replace

from holdgate.law import command as c
from holdgate.law.segments import Segment, decision_of
from holdgate.ledger.entry import read_entry
from holdgate.sites.policies import law_for
from tests.builders import JOB, NODE, PO, Log, hub_log, node_log

KEY = f"{PO}/{JOB}"


def accepted() -> tuple[Log, Log]:
    """A hub where QA signed a job, and its node, which has not heard of it."""
    hub = hub_log()
    node = node_log(hub)
    node.worked()
    hub.now = node.now
    hub.heard(NODE)
    hub.take_in(node.segment())
    hub.allow(c.SignQa)
    return hub, node


def unheard(of: Log, at: Log) -> Segment:
    """What one log tells the other of what it has not taken in."""
    whole = of.segment(at.state.origins[f"test/{of.state.site}"].size)
    if of.state.kind == "node":
        return whole
    told = law_for(at.state.site, of.state)
    entries = {
        index: body
        for index, body in whole.entries.items()
        if any(told(event) for event in decision_of(read_entry(body)).events)
    }
    return replace(whole, entries=entries)


def test_a_correction_made_before_the_node_heard_of_qa_takes_both_signatures_with_it() -> None:
    hub, node = accepted()
    hub.allow(c.SignCompliance)
    node.allow(c.CorrectEntry)
    hub.take_in(unheard(node, hub))
    job = hub.state.jobs[KEY]
    assert (job.status, job.qa_by, job.compliance_by) == ("running", "", "")
    assert hub.act(c.GenerateReport).decision.codes == ("TESTS_NOT_PASSED_QA",)
    assert hub.act(c.SignCompliance).decision.codes == ("TESTS_NOT_PASSED_QA",)
    assert "STEP_INCOMPLETE" in hub.act(c.SignQa).decision.codes, "the step is not signed again yet"


def test_the_node_goes_on_with_what_it_took_up_again_and_is_done_once_qa_signs_anew() -> None:
    hub, node = accepted()
    node.allow(c.CorrectEntry)
    node.take_in(unheard(hub, node))
    assert node.state.jobs[KEY].status == "running", "QA accepted an earlier record"
    assert KEY not in node.state.closed
    node.allow(c.SignStep)
    hub.take_in(unheard(node, hub))
    hub.allow(c.SignQa)
    node.take_in(unheard(hub, node))
    assert KEY not in node.state.jobs
    hub.allow(c.SignCompliance)
    hub.allow(c.GenerateReport)
    node.take_in(unheard(hub, node))
    assert node.state.closed[KEY].report
    assert hub.again() == hub.bodies()
    assert node.again() == node.bodies()


def test_parts_that_the_node_scrapped_meanwhile_are_counted_by_qa_anew() -> None:
    hub, node = accepted()
    node.allow(c.OpenNonconformance, ncr="NCR-9", serials=("A",))
    node.allow(c.DisposeNonconformance, ncr="NCR-9", disposition="scrap")
    hub.take_in(unheard(node, hub))
    assert hub.act(c.GenerateReport).decision.codes == ("TESTS_NOT_PASSED_QA",)
    assert hub.act(c.SignQa).decision.codes == ("QTY_NOT_RECONCILED",)
    hub.allow(c.SignQa, quantities=c.Quantities(received=2, accepted=1, rejected=0, scrapped=1))
    hub.allow(c.GenerateReport)


def test_what_the_hub_decides_of_an_escape_does_not_send_the_job_back_to_its_node() -> None:
    hub, node = accepted()
    node.take_in(unheard(hub, node))
    for item in ("OVEN-1", "THERM-1"):
        hub.allow(c.CalibrateEquipment, id=item, as_found="out_of_tolerance")
    first, second = hub.state.jobs[KEY].ncrs
    hub.allow(c.DisposeNonconformance, ncr=first, disposition="reject")
    hub.allow(c.DisposeNonconformance, ncr=second, disposition="no_impact", evidence="study 4")
    hub.allow(c.SignQa, quantities=c.Quantities(received=2, accepted=0, rejected=2, scrapped=0))
    hub.allow(c.GenerateReport)


def test_qa_accepting_again_does_not_lose_the_report_that_the_node_knows_of() -> None:
    hub, node = accepted()
    hub.allow(c.GenerateReport)
    hub.allow(c.CalibrateEquipment, as_found="out_of_tolerance")
    (recall,) = hub.state.jobs[KEY].ncrs
    hub.allow(c.DisposeNonconformance, ncr=recall, disposition="reject")
    hub.allow(c.SignQa, quantities=c.Quantities(received=2, accepted=0, rejected=2, scrapped=0))
    node.take_in(unheard(hub, node))
    assert node.state.closed[KEY].report == hub.state.jobs[KEY].report != ""
