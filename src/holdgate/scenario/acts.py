"""From a scenario's neutral action to a real command: what to sign, and which site decides it. Nothing is decided here."""

from collections.abc import Callable
from typing import Any, Final

from holdgate.adapters.zones import instant_or_end_of_day
from holdgate.law import command as c
from holdgate.scenario import forwarding, governing, registering
from holdgate.scenario.draft import FLOOR, HUB, NODE, Draft
from holdgate.scenario.files import ScenarioStep
from holdgate.scenario.paying import as_written
from holdgate.terms import instant
from holdgate.terms.errors import Malformed

Make = Callable[[Draft, str], c.AnyCommand]


def _terms(d: Draft, site: str) -> c.AnyCommand:
    terms = d.inputs["terms"]
    milestones = tuple(c.Milestone(id=m["id"], amount_minor=int(m["amount_minor"])) for m in terms["milestones"])
    return c.AcceptTerms(
        **d.header(site),
        order=d.inputs["po"],
        contract=d.inputs["contract"],
        version=d.inputs["version"],
        terms=c.Terms(
            price_minor=int(terms["price_minor"]),
            currency=terms["currency"],
            milestones=milestones,
            client_window_s=int(terms["client_window_s"]),
            on_silence=terms["on_silence"],
        ),
    )


def _review(d: Draft, site: str) -> c.AnyCommand:
    return c.ReviewOrder(**d.header(site), order=d.inputs["po"], document_digest=d.inputs["document_digest"])


def _stage(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    buffer_max = i.get("buffer_max_s")
    return c.StageOrder(
        **d.header(site),
        order=i["po"],
        contract=i["contract"],
        version=i["version"],
        node=i["node"],
        client=i["client"],
        part_no=i["part_no"],
        rev=i["rev"],
        serials=d.texts("serials"),
        documents=d.texts("documents"),
        arrival_policy=i.get("arrival_policy") or "full",
        arrival_due=d.moment("arrival_due"),
        delivery_due=d.moment("delivery_due"),
        buffer_max_s=None if buffer_max is None else int(buffer_max),
        amendment=(i.get("amendment") or "false") != "false",
        document_until={
            name: instant_or_end_of_day(text, d.scene.tz) for name, text in (i.get("document_validity") or {}).items()
        },
    )


def _release(d: Draft, site: str) -> c.AnyCommand:
    return c.ReleaseOrder(**d.header(site), order=d.inputs["po"])


def _arrival(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    seq = i.get("reader_seq")
    return c.ReportArrival(
        **d.header(site),
        order=i.get("po"),
        part_no=i["part_no"],
        rev=i["rev"],
        serials=d.texts("serials"),
        quantity=int(i["qty"]),
        reader_seq=None if seq is None else int(seq),
        observed_at=d.moment("observed_at"),
        buffered=i.get("buffered") == "true",
        captured_at=d.moment("captured_at"),
    )


def _attest(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    return c.AttestArrival(
        **d.header(site),
        order=i.get("po"),
        part_no=i["part_no"],
        rev=i["rev"],
        serials=d.texts("serials"),
        quantity=int(i["qty"]),
        photo_digest=i.get("photo_digest") or "",
        reason=i.get("reason") or "",
    )


def _void(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    return c.VoidArrival(**d.header(site), order=i["po"], serials=d.texts("serials"), reason=i.get("reason") or "")


def _start_job(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    d.scene.order_of.setdefault(i["job"], i["po"])
    d.scene.node_of[i["job"]] = site
    serials = None if i.get("serials") is None else d.texts("serials")
    return c.StartJob(**d.header(site), order=i["po"], job=i["job"], node=i["node"], serials=serials)


def _repin(d: Draft, site: str) -> c.AnyCommand:
    return c.RepinJob(**d.header(site), **d.job(), version=d.inputs["to_version"])


def _split(d: Draft, site: str) -> c.AnyCommand:
    lots = tuple(c.SubLot(job=lot["job"], serials=tuple(lot["serials"])) for lot in d.inputs["into"])
    for lot in lots:
        d.scene.order_of[lot.job] = d.scene.order(d.inputs["job"])
        d.scene.node_of[lot.job] = site
    return c.SplitJob(**d.header(site), **d.job(), into=lots)


def _start_step(d: Draft, site: str) -> c.AnyCommand:
    return c.StartStep(
        **d.header(site),
        **d.pinned(),
        step=d.inputs["step"],
        equipment=d.texts("equipment"),
        materials=d.texts("materials"),
        deviation=d.inputs.get("deviation"),
    )


def _reading(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    return c.RecordReading(
        **d.header(site),
        **d.pinned(),
        step=i["step"],
        characteristic=i["characteristic"],
        value=i["value"],
        unit=i["unit"],
        capture=i["capture"],
        instrument=i.get("instrument"),
        serial=i.get("serial"),
        observed_at=d.moment("observed_at"),
    )


def _sign_step(d: Draft, site: str) -> c.AnyCommand:
    return c.SignStep(**d.header(site), **d.pinned(), step=d.inputs["step"], result=d.inputs["result"])


def _correct(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    return c.CorrectEntry(
        **d.header(site),
        **d.job(),
        step=i["step"],
        characteristic=i["characteristic"],
        new_value=i["new_value"],
        reason=i.get("reason") or "",
        serial=i.get("serial"),
    )


def _deviation(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    return c.AuthoriseDeviation(
        **d.header(site),
        **d.job(),
        step=i["step"],
        deviation=i["deviation"],
        waive=d.texts("waive"),
        reason=i.get("reason") or "",
        evidence=i.get("evidence"),
    )


def _late(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    head = d.header(site)
    if i.get("approved_by") is not None:
        head["signers"] += (d.cosigner(i["approved_by"]),)
    return c.RecordLate(
        **head,
        **d.pinned(),
        step=i["step"],
        characteristic=i["characteristic"],
        value=i["value"],
        unit=i["unit"],
        observed_at=instant.parse(i["observed_at"]),
        reason=i.get("reason") or "",
        evidence=i.get("evidence"),
        instrument=i.get("instrument"),
        serial=i.get("serial"),
        kind=i.get("kind", "reading"),
    )


def _at_step(kind: Callable[..., c.AnyCommand], *texts: str) -> Make:
    """An act on a step of a job, with these texts of the inputs."""

    def make(d: Draft, site: str) -> c.AnyCommand:
        more = {name: d.inputs.get(name) or "" for name in texts}
        return kind(**d.header(site), **d.job(), step=d.inputs["step"], **more)

    return make


def _retest(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    return c.AuthoriseRetest(**d.header(site), **d.job(), step=i["step"], cause=i["cause"], evidence=i.get("evidence"))


def _open_ncr(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    return c.OpenNonconformance(
        **d.header(site), **d.job(), ncr=i["ncr"], serials=d.texts("serials"), description=i["description"]
    )


def _dispose(d: Draft, site: str) -> c.AnyCommand:
    return _disposition(d, site, d.scene.nonconformance(d.inputs["ncr"]))


def _dispose_escape(d: Draft, site: str) -> c.AnyCommand:
    """At the hub: of a job that its node has handed over, which is therefore named."""
    return _disposition(d, site, d.job())


def _disposition(d: Draft, site: str, job: dict[str, Any]) -> c.AnyCommand:
    i = d.inputs
    return c.DisposeNonconformance(
        **d.header(site),
        **job,
        ncr=i["ncr"],
        disposition=i["disposition"],
        reason=i.get("reason") or "",
        concession=i.get("concession"),
        evidence=i.get("evidence"),
    )


def _reprocess(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    return c.ReprocessJob(**d.header(site), **d.job(), step=i["from_step"], reason=i.get("reason") or "")


def _terminate(d: Draft, site: str) -> c.AnyCommand:
    return c.TerminateJob(**d.header(site), **d.job(), reason=d.inputs.get("reason") or "")


def _resume_job(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    return c.ResumeJob(**d.header(site), **d.job(), reason=i.get("reason") or "", evidence=i.get("evidence"))


def _ask_module(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    return c.AskModule(
        **d.header(site),
        **d.job(),
        step=i["step"],
        module=i["module"],
        deed=i["act"],
        permit=i["permit"],
        operator=i.get("operator"),
    )


def _report_module(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    return c.ReportModule(**d.header(site), **d.job(), step=i["step"], permit=i["permit"], deed=i["act"])


def _log(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    return c.LogEnvironment(
        **d.header(site), series=i["series"], value=i["value"], unit=i["unit"], observed_at=d.moment("observed_at")
    )


def _qa(d: Draft, site: str) -> c.AnyCommand:
    q = d.inputs["quantities"]
    quantities = c.Quantities(**{name: int(q[name]) for name in ("received", "accepted", "rejected", "scrapped")})
    return c.SignQa(**d.header(site), **d.job(), quantities=quantities)


def _compliance(d: Draft, site: str) -> c.AnyCommand:
    return c.SignCompliance(**d.header(site), **d.job())


def _report(d: Draft, site: str) -> c.AnyCommand:
    fields = None if d.inputs.get("fields") is None else d.texts("fields")
    return c.GenerateReport(**d.header(site), **d.job(), report=d.inputs["report"], fields=fields)


def _client_review(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    return c.ReviewReport(**d.header(site), report=i["report"], decision=i["decision"], reason=i.get("reason"))


def _close_window(d: Draft, site: str) -> c.AnyCommand:
    return c.CloseWindow(**d.header(site), report=d.inputs["report"])


def _invoice(d: Draft, site: str) -> c.AnyCommand:
    order = d.inputs.get("po") or d.scene.order(d.inputs["job"])
    return c.IssueInvoice(**d.header(site), order=order, milestone=d.inputs["milestone"])


def _payout(d: Draft, site: str) -> c.AnyCommand:
    return c.ReleasePayout(**d.header(site), **d.job(), rule=d.inputs["rule"], payee=d.inputs["payee"])


def _vault_write(d: Draft, site: str) -> c.AnyCommand:
    entry = d.inputs.get("entry")
    return c.WriteVault(**d.header(site), target=site if entry is None else f"{site}/{entry}")


def _disable(d: Draft, site: str) -> c.AnyCommand:
    return c.DisableIdentity(**d.header(site), id=d.inputs["person"], reason=d.inputs.get("reason") or "")


def _revoke(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    return c.RevokeCredential(
        **d.header(site), person=i["person"], credential=i["credential"], reason=i.get("reason") or ""
    )


def _renew(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    until = d.moment("valid_to") or 0
    return c.GrantCredential(
        **d.header(site), person=i["person"], credential=i["credential"], until=until, evidence=i.get("evidence") or ""
    )


def _calibrate(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    return c.CalibrateEquipment(
        **d.header(site),
        id=i["equipment"],
        as_found=i["as_found"],
        until=d.moment("due") or 0,
        certificate=i.get("certificate"),
    )


def _check(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    return c.CheckEquipment(**d.header(site), id=i["equipment"], result=i["result"], evidence=i.get("evidence"))


def _extend(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    until = d.moment("new_expiry") or 0
    return c.ExtendMaterial(**d.header(site), batch=i["batch"], until=until, evidence=i.get("evidence"))


def _verify(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    until = d.moment("valid_to")
    return c.VerifyDocument(
        **d.header(site), order=i["po"], document=i["document"], digest=i.get("digest") or "", until=until
    )


def _assign(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    d.scene.order_of.setdefault(i["job"], i["po"])
    return c.AssignJob(
        **d.header(site), order=i["po"], job=i["job"], technician=i["technician"], reason=i.get("reason")
    )


def _close_delivery(d: Draft, site: str) -> c.AnyCommand:
    return c.CloseDelivery(**d.header(site), order=d.inputs["po"])


def _amend(d: Draft, site: str) -> c.AnyCommand:
    i = d.inputs
    return c.AmendReport(
        **d.header(site),
        report=i["report"],
        new_report=i["new_report"],
        reason=i.get("reason") or "",
        changes_result=i.get("changes_result") == "true",
        evidence=i.get("evidence"),
    )


ACTIONS: Final[dict[str, tuple[str, Make]]] = {
    "contract.submit": (HUB, governing.submit_contract),
    "contract.approve": (HUB, governing.approve_contract),
    "contract.certify": (HUB, governing.certify_contract),
    "contract.activate": (HUB, governing.activate_contract),
    "contract.suspend": (HUB, governing.suspend_contract),
    "contract.resume": (HUB, governing.resume_contract),
    "tune.suggest": (HUB, governing.suggest_tune),
    "tune.approve": (HUB, governing.approve_tune),
    "tune.revert": (HUB, governing.revert_tune),
    "ai.suggest": (HUB, governing.suggest_change),
    "ai.apply": (HUB, governing.apply_change),
    "policy.update": (HUB, governing.policy),
    "po.accept": (HUB, _terms),
    "po.review": (HUB, _review),
    "po.stage": (HUB, _stage),
    "po.release": (FLOOR, _release),
    "po.forward": (NODE, forwarding.forward),
    "part.arrival": (FLOOR, _arrival),
    "arrival.attest": (FLOOR, _attest),
    "arrival.void": (FLOOR, _void),
    "job.start": (NODE, _start_job),
    "job.repin": (NODE, _repin),
    "job.split": (NODE, _split),
    "step.start": (NODE, _start_step),
    "reading.record": (NODE, _reading),
    "step.sign": (NODE, _sign_step),
    "entry.correct": (NODE, _correct),
    "deviation.authorise": (NODE, _deviation),
    "entry.late": (NODE, _late),
    "step.restart": (NODE, _at_step(c.RestartStep, "reason")),
    "holdpoint.release": (NODE, _at_step(c.ReleaseHold)),
    "witness.notify": (NODE, _at_step(c.NotifyWitness)),
    "retest.authorise": (NODE, _retest),
    "ncr.open": (NODE, _open_ncr),
    "ncr.disposition": (NODE, _dispose),
    "escape.disposition": (HUB, _dispose_escape),
    "job.reprocess": (NODE, _reprocess),
    "job.terminate": (NODE, _terminate),
    "job.resume": (NODE, _resume_job),
    "help.call": (NODE, _at_step(c.CallHelp, "reason")),
    "module.may": (NODE, _ask_module),
    "module.act": (NODE, _report_module),
    "env.log": (NODE, _log),
    "qa.sign": (HUB, _qa),
    "compliance.sign": (HUB, _compliance),
    "report.generate": (HUB, _report),
    "report.amend": (HUB, _amend),
    "client.review": (HUB, _client_review),
    "window.close": (HUB, _close_window),
    "delivery.close": (HUB, _close_delivery),
    "invoice.issue": (HUB, _invoice),
    "payout.release": (HUB, _payout),
    "vault.write": (NODE, _vault_write),
    "identity.enrol": (HUB, registering.enrol),
    "identity.disable": (HUB, _disable),
    "identity.rekey": (HUB, registering.rekey),
    "payload.keep": (HUB, registering.keep),
    "payload.erase": (HUB, registering.erase),
    "hold.place": (HUB, registering.place_hold),
    "hold.lift": (HUB, registering.lift_hold),
    "site.enrol": (HUB, registering.enrol_site),
    "site.retire": (HUB, registering.retire_site),
    "root.rotate": (HUB, registering.rotate_roots),
    "credential.revoke": (HUB, _revoke),
    "credential.renew": (HUB, _renew),
    "equipment.register": (HUB, registering.equipment),
    "equipment.calibrate": (HUB, _calibrate),
    "equipment.check": (NODE, _check),
    "material.register": (HUB, registering.material),
    "material.extend": (HUB, _extend),
    "standard.adopt": (HUB, registering.standard),
    "document.verify": (HUB, _verify),
    "job.assign": (HUB, _assign),
    "party.register": (HUB, as_written(c.RegisterParty)),
    "account.register": (HUB, as_written(c.RegisterAccount)),
    "charge.agree": (HUB, as_written(c.AgreeCharge)),
    "po.settle": (HUB, as_written(c.SettleOrder)),
    "invoice.dispute": (HUB, as_written(c.DisputeInvoice)),
    "invoice.resolve": (HUB, as_written(c.ResolveDispute)),
    "payment.record": (HUB, as_written(c.RecordPayments)),
    "payment.run": (HUB, as_written(c.RunPayments)),
    "payment.result": (HUB, as_written(c.RecordResults)),
    "payout.reverse": (HUB, as_written(c.ReversePayout)),
}
"""Action → the kind of site that decides it, and how the command is made."""


def action_of(step: ScenarioStep) -> tuple[str, Make]:
    """The deciding kind of site and the maker of an action.

    Raises:
        Malformed: this version has no such action.
    """
    found = ACTIONS.get(step.action)
    if found is None:
        raise Malformed(f"step {step.n}: this version has no action {step.action!r}")
    return found
