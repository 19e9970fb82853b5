"""Why: one decision in words, the same from a store, a bundle and a Vault's copy; every gate and every event has its sentence."""

import ast
import contextlib
import io
import json
import shutil
import types
import typing
from pathlib import Path
from typing import Any

import pytest

from holdgate.cli.app import main
from holdgate.cli.reading import find_entry, open_logs
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.decision import Decision, Denial
from holdgate.law.gates.acts import HUB_ACTS, NODE_ACTS
from holdgate.law.gates.table import GATES
from holdgate.query.checks import AT_THE_DOCK, Check, checks_of, sentence_of
from holdgate.query.record import walk
from holdgate.query.why import Why, concerned, first_line, why
from holdgate.query.words import BY_ITSELF, in_words, listed, moment
from holdgate.terms.errors import Malformed
from holdgate.terms.party import Party
from tests.tidy.tree import sources


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop that the demonstration leaves behind."""
    place = tmp_path_factory.mktemp("why") / "shop"
    assert run("demo", "--fast", "--json", "--data", str(place))[0] == 0
    return place


def find(shop: Path, site: str, act: type[c.Command], verdict: str = "allow", code: str | None = None) -> str:
    """The first entry of an act at a site, as SITE:NUMBER."""
    with open_logs(shop / site) as (log,):
        for said in walk(log):
            decision = said.decision
            if said.held is not None or type(said.command) is not act or decision.verdict != verdict:
                continue
            if code is None or code in decision.codes:
                return str(said.place)
    raise AssertionError(f"{site} has no {act.__name__} that is {verdict}")


def explained(place: Path, entry: str) -> Why:
    with open_logs(place) as logs:
        log, seq = find_entry(logs, entry)
        return why(log, seq)


# ---- a refusal and an answer ---------------------------------------------------------------------------------------


def test_a_refused_start_names_who_what_where_the_rule_and_what_helps(shop: Path) -> None:
    told = explained(shop, find(shop, "NODE-FPI", c.StartStep, "deny", "WINDOW_NOT_REACHED"))
    (signer,) = told.signers
    assert (signer.id, signer.name, signer.role) == ("SID-TEC-11", "M. Alvarez", "technician")
    assert (told.act, told.asked["step"], told.place, told.verdict) == ("step.start", "S40", "WS-FPI-1", "deny")
    assert told.under is not None
    assert (told.under.contract, told.under.version) == ("SP-FPI-4512", "3")
    assert told.under.title.startswith("FPI Type I")
    (refusal,) = told.refusals
    assert (refusal.code, refusal.gate, refusal.helps) == ("WINDOW_NOT_REACHED", "windows.dwell", "Wait.")
    said = {check.gate: check.said for check in told.gates}
    assert said["windows.dwell"] == "WINDOW_NOT_REACHED"
    assert {text for gate, text in said.items() if gate != "windows.dwell"} == {"ok"}
    assert all(check.checks for check in told.gates)
    facts = [text for fact in told.rests_on for text in fact.says]
    assert "SID-TEC-11 signed S30 of PO-1001/J-1: pass; the step is complete." in facts
    assert any(text.startswith("SID-TEC-11 holds PT-L2 until 2026-12-01") for text in facts)
    assert any(text.startswith("THM-09 is a thermometer") for text in facts)
    assert all(fact.entry.startswith("HUB:") == bool(fact.by_way_of) for fact in told.rests_on)
    assert (told.became_true, told.followed) == ((), ())


def test_an_allowed_act_passed_every_gate_and_tells_what_followed_by_itself(shop: Path) -> None:
    told = explained(shop, find(shop, "HUB", c.SignCompliance))
    assert [check.gate for check in told.gates] == [gate.name for gate in GATES if c.SignCompliance in gate.acts]
    assert {check.said for check in told.gates} == {"ok"}
    assert told.became_true == ("SID-CMP-01 accepted the record of PO-1001/J-1 for compliance.",)
    assert told.followed == ("Payout ontime_complete_record of PO-1001/J-1 to SID-TEC-11: 25.00 USD.",)
    (signer,) = told.signers
    assert (signer.meaning, signer.unlocked) == ("compliance accepted", "badge, pin")


def test_a_founders_name_comes_from_the_charter(shop: Path) -> None:
    told = explained(shop, find(shop, "HUB", c.SignQa))
    assert told.signers[0].name == "S. Iyer"
    assert any("is a founder, as qa" in text for fact in told.rests_on for text in fact.says)
    assert not any("SID-ADM-01" in text for fact in told.rests_on for text in fact.says)


def test_the_arrival_gate_has_its_own_questions(shop: Path) -> None:
    refused = explained(shop, find(shop, "FLOOR", c.ReportArrival, "deny", "REV_MISMATCH"))
    assert refused.gates[-1] == Check(gate="part", checks=AT_THE_DOCK["part"], said="REV_MISMATCH")
    assert refused.gates[2].gate == "read point"
    assert any("were set aside" in text for text in refused.became_true), "a fact that holds all the same"
    allowed = explained(shop, find(shop, "FLOOR", c.ReportArrival))
    assert [check.said for check in allowed.gates] == ["ok"] * 10
    assert any("was released to NODE-FPI" in text for text in allowed.followed)


def test_what_a_site_notes_about_itself(shop: Path) -> None:
    kinds: dict[str, Why] = {}
    with open_logs(shop / "NODE-FPI") as (log,):
        for said in walk(log):
            if said.held is None and said.entry.kind != "action":
                kinds.setdefault(said.entry.kind, why(log, said.place.seq))
    assert {"genesis", "boot", "contact", "cosigned", "import"} <= set(kinds)
    assert all(told.means and not told.act and not told.signers for told in kinds.values())
    assert kinds["import"].became_true[0].startswith("Entries ")
    assert kinds["genesis"].verdict == "allow"


# ---- wherever the record lies --------------------------------------------------------------------------------------


def test_a_bundle_and_the_vaults_copy_explain_the_same(shop: Path, tmp_path: Path) -> None:
    assert run("ledger", "export", "--data", str(shop), "--bundles", str(tmp_path / "out"))[0] == 0
    vault = tmp_path / "vault"
    vault.mkdir()
    shutil.copy(shop / "VAULT" / "mirror.db", vault / "mirror.db")
    entries = [
        find(shop, "NODE-FPI", c.StartStep, "deny"),
        find(shop, "HUB", c.SignQa),
        find(shop, "FLOOR", c.ReportArrival),
    ]
    for entry in entries:
        told = explained(shop, entry)
        assert explained(tmp_path / "out", entry) == told
        assert explained(vault, entry) == told


def test_every_entry_of_a_shop_can_be_explained(shop: Path) -> None:
    with open_logs(shop) as logs:
        for log in logs:
            for said in [said for said in walk(log) if said.held is None][:: 1 if log.site == "NODE-FPI" else 7]:
                told = why(log, said.place.seq)
                assert "{" not in "".join((*told.became_true, *told.followed, *(r.says for r in told.refusals)))


def test_an_entry_is_named_by_its_site(shop: Path) -> None:
    with open_logs(shop) as logs:
        log, seq = find_entry(logs, "HUB:7")
        assert (log.site, log.mirror, seq) == ("HUB", False, 7)
        for text, why_not in (
            ("7", "say whose entry 7 is: FLOOR:7, HUB:7, NODE-FPI:7"),
            ("MOON:7", "there is no record of 'MOON' here"),
            ("HUB", "names no entry"),
            ("HUB:-1", "names no entry"),
            ("HUB:²", "names no entry"),
        ):
            with pytest.raises(Malformed, match=why_not):
                find_entry(logs, text)
        with pytest.raises(Malformed, match="has no entry 9999; it ends at"):
            why(log, 9999)


def test_on_the_command_line(shop: Path) -> None:
    entry = find(shop, "NODE-FPI", c.StartStep, "deny", "WINDOW_NOT_REACHED")
    code, out, err = run("why", str(shop), entry)
    assert (code, err) == (0, "")
    for text in (
        "SID-TEC-11 (M. Alvarez) as technician",
        "To go on: Wait.",
        "windows.dwell WINDOW_NOT_REACHED",
        "rests on",
    ):
        assert text in out
    code, out, err = run("why", str(shop), entry, "--json")
    document = json.loads(out)
    assert (code, err, document["entry"], document["verdict"]) == (0, "", entry, "deny")
    assert document["refusals"][0]["code"] == "WINDOW_NOT_REACHED"
    alone = run("why", str(shop / "NODE-FPI"), entry.partition(":")[2])
    assert alone[0] == 0
    code, out, err = run("why", str(shop), "NODE-FPI:99999")
    assert (code, out) == (2, "")
    assert err.startswith("holdgate: the record has no entry 99999")


# ---- sentences -----------------------------------------------------------------------------------------------------


def made(event: type[ev.Event]) -> ev.Event:
    """An event with something in every field."""

    def value(hint: Any) -> Any:
        kinds = [one for one in typing.get_args(hint) if one is not type(None)]
        if isinstance(hint, types.UnionType):
            return value(kinds[0])
        if hint is Party:
            return Party(org="LAB", name="Lab", street="Road 1", city="Town", postal_code="1", country="DE")
        origin = typing.get_origin(hint)
        if origin is tuple:
            return tuple(value(one) for one in kinds if one is not Ellipsis)
        if origin is dict:
            return {"paper": 1}
        return {str: "word", int: 1_700_000_000_000_000, bool: True, bytes: b"k" * 32}[hint]

    hints = typing.get_type_hints(event)
    return event(**{name: value(hints[name]) for name in event.__struct_fields__})


EVENTS = typing.get_args(ev.AnyEvent)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_every_event_is_a_sentence(event: type[ev.Event]) -> None:
    said = in_words(typing.cast("ev.AnyEvent", made(event)))
    assert said.endswith(".")
    assert said[0] == said[0].upper() or said.startswith("word")
    assert "{" not in said
    assert " - " not in said, "nothing is missing that the sentence names"


def test_what_follows_by_itself_are_events_of_the_law() -> None:
    assert set(BY_ITSELF) <= set(EVENTS)


def test_both_forms_of_a_sentence() -> None:
    signed: dict[str, Any] = {"order": "O", "job": "J", "step": "S", "by": "A", "result": "pass"}
    assert "complete" in in_words(ev.StepSigned(**signed, complete=True))
    assert "waits for another signature" in in_words(ev.StepSigned(**signed, complete=False))
    assert "match no order" in in_words(ev.ArrivalQuarantined(serials=("A",)))
    reading: dict[str, Any] = {
        "order": "O",
        "job": "J",
        "step": "S",
        "characteristic": "c",
        "value": "{1}",
        "unit": "mm",
    }
    assert "does NOT conform" in in_words(ev.ReadingRecorded(**reading, conforms=False))
    assert "read {1} mm" in in_words(ev.ReadingRecorded(**reading, conforms=True)), "a value is never a template"


def test_long_lists_are_cut_and_counted() -> None:
    assert listed(tuple("abcdefghij")) == "a, b, c, d, e, f, g, h and 2 more"
    assert listed(()) == "-"
    assert moment(10**18) == f"{10**18} µs"
    assert moment(1_500_000) == "1970-01-01T00:00:01Z"


def test_every_gate_says_what_it_checks() -> None:
    for gate in GATES:
        assert sentence_of(gate.name).endswith("."), gate.name


def test_every_question_of_the_arrival_gate_has_its_sentence() -> None:
    asked: set[str] = set()
    figures = {"autonomy", "figures", "metrics", "metrics_fold", "orders", "readers"}  # they ask nothing, they count
    for source in sources("src/holdgate/handoff"):
        for node in () if source.module.rpartition(".")[2] in figures else ast.walk(source.tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "ask" and node.args:
                first = node.args[0]
                asked |= {first.value} if isinstance(first, ast.Constant) and isinstance(first.value, str) else set()
            if (
                isinstance(node, ast.Tuple)
                and len(node.elts) == 2
                and isinstance(node.elts[1], ast.Name | ast.Attribute)
            ):
                first = node.elts[0]
                asked |= {first.value} if isinstance(first, ast.Constant) and isinstance(first.value, str) else set()
    assert {"reader", "whole lot", "signers", "release by hand"} <= asked, (
        "the gate asks otherwise than this test reads"
    )
    assert asked <= set(AT_THE_DOCK), f"write their sentences in query/checks.py: {sorted(asked - set(AT_THE_DOCK))}"


@pytest.mark.parametrize("act", [*HUB_ACTS, *NODE_ACTS], ids=lambda act: act.__name__)
def test_every_act_says_what_it_is(act: type[c.Command]) -> None:
    assert len(first_line(act.__doc__)) > 10


def test_a_trace_is_read_back_as_gates_and_codes() -> None:
    trace = ("location.site ok", "read point LOCATION_NOT_PERMITTED", "own_rules RULE_NOT_MET RULE_FAILED")
    decision = Decision(verdict="deny", denials=(Denial(code="X", gate="y"),), trace=trace)
    assert [(check.gate, check.said) for check in checks_of(c.StartStep, decision)] == [
        ("location.site", "ok"),
        ("read point", "LOCATION_NOT_PERMITTED"),
        ("own_rules", "RULE_NOT_MET RULE_FAILED"),
    ]
    assert checks_of(c.ReleaseOrder, Decision(verdict="allow")) == ()


def test_an_event_concerns_what_it_is_about() -> None:
    reading = ev.StepStarted(order="PO-1", job="J-1", step="S", by="TECH", equipment=(), materials=())
    assert concerned(reading, frozenset({"PO-1", "J-1"}))
    assert not concerned(reading, frozenset({"PO-1", "TECH"})), "another job of the order"
    assert concerned(ev.CredentialGranted(person="TECH", credential="VT", until=1), frozenset({"TECH"}))
    assert not concerned(ev.CredentialGranted(person="TECH", credential="VT", until=1), frozenset({"VT"}))


def test_what_has_parts_is_told_in_words(shop: Path) -> None:
    """A client who asks what was signed reads terms, and no program's text."""
    terms = explained(shop, find(shop, "HUB", c.AcceptTerms)).asked["terms"]
    assert terms == "price 1200.00 USD; milestones final 1200.00 USD; client window 5 days; on silence escalate"
    counted = explained(shop, find(shop, "HUB", c.SignQa)).asked["quantities"]
    assert counted == "received 4; accepted 4; rejected 0; scrapped 0"


def test_no_field_of_any_act_is_shown_as_a_program_writes_it(shop: Path) -> None:
    for site in ("HUB", "FLOOR", "NODE-FPI"):
        with open_logs(shop / site) as (log,):
            for said in walk(log):
                if said.held is None and said.command is not None:
                    told = why(log, said.place.seq).asked
                    assert not [value for value in told.values() if "(" in value and "=" in value], told
