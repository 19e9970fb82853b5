"""Gates of erasure and legal hold: what can be erased, by whom, and what keeps it."""

from typing import Any, Final

import pytest

from holdgate.crypto.commitments import commit
from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.retained import Payload
from holdgate.law.retention import hold_on, is_known, named_in, read_subject, years_of
from holdgate.law.state import Closed
from holdgate.terms.instant import add_years, parse
from tests.builders import COMMITMENT, JOB, NODE, OTHER_NODE, PO, World, accepted_job, hub
from tests.gate_cases import Pair, Row, case, checked, rows_of, two

PHOTO: Final = commit(b"s" * 32, b"photo")
DAY: Final = 86_400_000_000
ACCOUNT: Final = ev.PayloadKept(commitment=COMMITMENT, kind="account", by="TECH", subject="person:TECH")


def kept(*events: ev.AnyEvent) -> World:
    """A hub that has an account of TECH on the record."""
    return hub().fold(ACCOUNT, *events)


def worked(years: int = 3, *, qa: bool = True, **payload: Any) -> World:
    """A hub with a job and a photo of it; the technique keeps evidence for so many years."""
    world = accepted_job(qa=qa, sheet={"retention_years": years})
    return world.fold(
        ev.PayloadKept(**({"commitment": PHOTO, "kind": "evidence", "by": "QA", "subject": f"order:{PO}"} | payload))
    )


def held(subject: str = "person:TECH") -> ev.HoldPlaced:
    return ev.HoldPlaced(subject=subject, by="CO", reason="a claim")


def over(world: World, years: int = 3) -> World:
    """The first instant at which retention is over."""
    world.now = add_years(world.state.retained[PO].since, years)
    return world


# ---- what can be erased ----------------------------------------------------------------------------------------------


@case("retention.known", "NOT_ERASABLE")
def what_nothing_on_the_record_names() -> Pair:
    return two(kept(), c.ErasePayload, commitment=digest(b"somebody's guess"))


@case("retention.known", "NOT_ERASABLE")
def a_contract() -> Pair:
    world = kept()
    return two(world, c.ErasePayload, commitment=world.release())


@case("retention.known", "NOT_ERASABLE")
def a_text_that_is_no_commitment() -> Pair:
    return two(kept(), c.ErasePayload, commitment="the photo")


@case("retention.known", "NOT_ERASABLE")
def a_contract_kept_as_a_payload() -> Pair:
    world = hub()
    return two(world, c.KeepPayload, commitment=world.release())


@case("retention.known", "MALFORMED")
def a_kind_that_is_no_word() -> Pair:
    return two(hub(), c.KeepPayload, kind="bank account")


@case("retention.known", "ALREADY_DONE")
def a_payload_kept_twice() -> Pair:
    return kept().ask(c.KeepPayload), hub().ask(c.KeepPayload)


@case("retention.known", "ALREADY_DONE")
def a_payload_kept_again_after_its_erasure() -> Pair:
    world = kept()
    world.do(c.ErasePayload)
    return world.ask(c.KeepPayload), hub().ask(c.KeepPayload)


@case("retention.known", "ALREADY_DONE")
def a_payload_erased_twice() -> Pair:
    world = kept()
    allowed = world.copy().ask(c.ErasePayload)
    world.do(c.ErasePayload)
    return world.ask(c.ErasePayload), allowed


@case("retention.subject", "SUBJECT_UNKNOWN")
def a_payload_of_somebody_unknown() -> Pair:
    return two(hub(), c.KeepPayload, subject="person:NOBODY")


@case("retention.subject", "SUBJECT_UNKNOWN")
def a_hold_on_an_order_that_is_not_known() -> Pair:
    return two(accepted_job(), c.PlaceHold, subject="order:PO-99")


@case("retention.subject", "SUBJECT_UNKNOWN")
def a_hold_on_a_job_that_is_not_known() -> Pair:
    return two(accepted_job(), c.PlaceHold, subject=f"job:{PO}/J-99")


@case("retention.subject", "SUBJECT_UNKNOWN")
def a_hold_on_something_else() -> Pair:
    return two(accepted_job(), c.PlaceHold, subject="everything")


# ---- who -------------------------------------------------------------------------------------------------------------


@case("people.role", "ROLE_NOT_AUTHORISED")
def a_technician_asks_for_an_erasure() -> Pair:
    return two(kept(), c.ErasePayload, by="TECH2", others=(("QA", "qa"), ("CO", "compliance")))


@case("people.role", "ROLE_NOT_AUTHORISED")
def a_client_puts_a_payload_on_the_record() -> Pair:
    return two(hub(), c.KeepPayload, by="BUYER")


@case("retention.officers", "SELF_APPROVAL")
def one_officer_erases_alone() -> Pair:
    return two(kept(), c.ErasePayload, others=())


@case("retention.officers", "SELF_APPROVAL")
def the_second_is_no_officer() -> Pair:
    return two(kept(), c.ErasePayload, others=(("TECH2", "technician"),))


@case("retention.officers", "SELF_APPROVAL")
def an_officer_whom_the_payload_is_about() -> Pair:
    own = ev.PayloadKept(commitment=PHOTO, kind="medical", by="QA", subject="person:QA")
    world = kept(own)
    return two(world, c.ErasePayload, commitment=PHOTO)[0], world.ask(c.ErasePayload)


@case("retention.officers", "SELF_APPROVAL")
def one_officer_lifts_a_hold() -> Pair:
    return two(accepted_job().fold(held(f"order:{PO}")), c.LiftHold, others=())


@case("entries.reason", "REASON_REQUIRED")
def an_erasure_without_a_reason() -> Pair:
    return two(kept(), c.ErasePayload, reason=" ")


# ---- legal hold ------------------------------------------------------------------------------------------------------


@case("retention.held", "LEGAL_HOLD")
def what_is_under_hold_by_its_person() -> Pair:
    return kept(held()).ask(c.ErasePayload), kept(held("person:TECH2")).ask(c.ErasePayload)


@case("retention.held", "LEGAL_HOLD")
def what_is_under_hold_by_its_order() -> Pair:
    world = over(worked())
    return world.copy().fold(held(f"order:{PO}")).ask(c.ErasePayload, commitment=PHOTO), world.ask(
        c.ErasePayload, commitment=PHOTO
    )


@case("retention.held", "LEGAL_HOLD")
def what_is_under_hold_by_a_job_of_its_order() -> Pair:
    world = over(worked())
    return world.copy().fold(held(f"job:{PO}/{JOB}")).ask(c.ErasePayload, commitment=PHOTO), world.ask(
        c.ErasePayload, commitment=PHOTO
    )


@case("retention.held", "ALREADY_DONE")
def a_hold_that_is_in_force() -> Pair:
    world = accepted_job()
    return world.copy().fold(held(f"order:{PO}")).ask(c.PlaceHold), world.ask(c.PlaceHold)


@case("retention.held", "SUBJECT_UNKNOWN")
def a_hold_that_there_is_not() -> Pair:
    world = accepted_job()
    return world.ask(c.LiftHold), world.copy().fold(held(f"order:{PO}")).ask(c.LiftHold)


# ---- retention -------------------------------------------------------------------------------------------------------


@case("retention.over", "RETENTION_NOT_OVER")
def a_microsecond_before_the_years_are_over() -> Pair:
    world = over(worked())
    early = world.copy().later(-1)
    return early.ask(c.ErasePayload, commitment=PHOTO), world.ask(c.ErasePayload, commitment=PHOTO)


@case("retention.over", "RETENTION_NOT_OVER")
def a_job_is_not_finished() -> Pair:
    world = over(worked(qa=False))
    done = world.copy()
    since = done.state.retained[PO].since
    done.fold(ev.QaAccepted(order=PO, job=JOB, by="QA", accepted=2, rejected=0, scrapped=0), at=since)
    return world.ask(c.ErasePayload, commitment=PHOTO), done.ask(c.ErasePayload, commitment=PHOTO)


@case("retention.over", "RETENTION_NOT_OVER")
def no_contract_says_how_long() -> Pair:
    return over(worked(0), 900).ask(c.ErasePayload, commitment=PHOTO), over(worked()).ask(
        c.ErasePayload, commitment=PHOTO
    )


@case("retention.over", "RETENTION_NOT_OVER")
def another_order_names_it_too() -> Pair:
    world = over(worked())
    other = world.copy()
    other.state.payloads[PHOTO].orders += ("PO-99",)
    return other.ask(c.ErasePayload, commitment=PHOTO), world.ask(c.ErasePayload, commitment=PHOTO)


@case("retention.over", "RETENTION_NOT_OVER")
def evidence_of_an_instrument() -> Pair:
    world = kept()
    other = world.copy()
    other.state.payloads[COMMITMENT].others = ("equipment:OVEN-1",)
    return other.ask(c.ErasePayload), world.ask(c.ErasePayload)


@case("retention.over", "NODE_NOT_SYNCED")
def a_photo_of_nothing_while_a_node_is_away() -> Pair:
    loose = hub().fold(ev.PayloadKept(commitment=PHOTO, kind="evidence", by="QA")).contact(NODE, up=True)
    here = loose.copy().contact(OTHER_NODE, up=True)
    return loose.ask(c.ErasePayload, commitment=PHOTO), here.ask(c.ErasePayload, commitment=PHOTO)


def test_a_hold_may_be_on_a_person_an_order_or_a_job_also_one_that_is_closed() -> None:
    state = accepted_job().state
    subjects = ("person:TECH", f"order:{PO}", f"job:{PO}/{JOB}")
    assert all(is_known(state, subject) for subject in subjects)
    assert not any(is_known(state, subject) for subject in ("person:X", "order:X", f"job:{PO}/X", f"job:X/{JOB}", PO))
    del state.jobs[f"{PO}/{JOB}"]
    assert not is_known(state, f"job:{PO}/{JOB}")
    state.closed[f"{PO}/{JOB}"] = Closed(by="QA", at=1)
    assert is_known(state, f"job:{PO}/{JOB}")


@pytest.mark.parametrize("row", rows_of(__file__), ids=lambda row: row.name)
def test_refused_and_its_neighbour_not(row: Row) -> None:
    checked(row)


# ---- what they rest on -----------------------------------------------------------------------------------------------


def test_an_erasure_says_who_and_why() -> None:
    world = kept()
    [event] = world.do(c.ErasePayload).events
    assert event == ev.PayloadErased(commitment=COMMITMENT, by="CO", approved_by="QA", reason="asked for")
    gone = world.state.payloads[COMMITMENT].erased
    assert gone is not None
    assert (gone.at, gone.by, gone.approved_by, gone.reason) == (world.now, "CO", "QA", "asked for")


def test_a_hold_is_placed_by_one_and_lifted_by_two() -> None:
    world = over(worked())
    world.do(c.PlaceHold)
    assert world.ask(c.ErasePayload, commitment=PHOTO).decide().codes == ("LEGAL_HOLD",)
    world.do(c.LiftHold)
    world.do(c.ErasePayload, commitment=PHOTO)


def test_placing_and_lifting_a_hold_does_not_begin_retention_anew() -> None:
    world = worked()
    since = world.state.retained[PO].since
    world.later(DAY).do(c.PlaceHold)
    world.later(DAY).do(c.LiftHold)
    assert world.state.retained[PO].since == since


def test_a_later_entry_about_the_order_begins_retention_anew() -> None:
    world = over(worked())
    world.reported()
    assert world.ask(c.ErasePayload, commitment=PHOTO).decide().codes == ("RETENTION_NOT_OVER",)


def test_the_longest_retention_of_all_versions_that_were_worked_under_counts() -> None:
    world = worked(10)
    world.release(version="2", sheet={"retention_years": 2})
    world.fold(world.staged_event(amendment=True), at=world.state.retained[PO].since)
    assert world.state.retained[PO].years == 10


def test_where_no_version_that_was_worked_under_says_the_one_in_force_does() -> None:
    world = worked(0)
    sha = world.release(version="2", retention_years=5)
    assert years_of(world.library, sha) == 5
    codes = over(world, 5).later(-1).ask(c.ErasePayload, commitment=PHOTO).decide().codes
    assert codes == ("RETENTION_NOT_OVER",)
    world.later(1).do(c.ErasePayload, commitment=PHOTO)


def test_what_acts_name_is_found_in_their_words() -> None:
    plain = digest(b"before")
    world = hub()
    named = world.ask(c.GrantCredential, evidence=f"eye test {PHOTO}, and {plain}; {plain}").command
    assert named_in(named) == (PHOTO, plain)
    assert named_in(world.ask(c.GrantCredential, evidence=f"{plain}00 x{plain} certificate 7").command) == ()
    assert named_in(world.ask(c.RevokeCredential, reason=plain).command) == ()


@pytest.mark.parametrize(
    "text", ["", "person:", "person:A/B", "order:PO-1/J", "job:PO-1", "job:PO-1/J/1", "PERSON:A", " order:A"]
)
def test_what_is_no_subject(text: str) -> None:
    assert read_subject(text) == ("", "")


def test_a_hold_on_a_job_covers_its_order_and_no_other() -> None:
    world = accepted_job().fold(held(f"job:{PO}/{JOB}"))
    assert hold_on(world.state, Payload(orders=(PO,))) is not None
    assert hold_on(world.state, Payload(orders=("PO-2",), persons=(PO,))) is None


def test_years_are_those_of_the_calendar() -> None:
    assert add_years(parse("2024-02-29T10:00:00Z"), 1) == parse("2025-03-01T10:00:00Z")
    assert add_years(parse("2024-02-29T10:00:00Z"), 4) == parse("2028-02-29T10:00:00Z")
    assert add_years(parse("2026-01-31T00:00:00Z"), 10) == parse("2036-01-31T00:00:00Z")
    assert add_years(parse("2026-01-31T00:00:00Z"), 10**6) == parse("9999-01-31T00:00:00Z")
