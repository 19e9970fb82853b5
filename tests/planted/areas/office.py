"""Planted defects: contracts, quality, reports, windows, orders."""

from typing import Final

from tests.planted.defect import Defect, gate, scenario, template

DEFECTS: Final = (
    Defect(
        name="the author approves the contract",
        module="holdgate.law.gates.contracts",
        old=(
            "    if case.actor.id == record.author:\n"
            '        case.deny("SELF_APPROVAL", id=case.actor.id, why="they wrote it")\n'
            "    elif"
        ),
        new="    if",
        check=gate("the_author_approves"),
        soak=True,
    ),
    Defect(
        name="a contract without a certificate is released",
        module="holdgate.law.gates.contracts",
        old=(
            '        case.deny("CONTRACT_NOT_APPROVED", contract=record.contract, '
            "version=record.version, missing=missing)\n"
            "    if record.certificate is None:"
        ),
        new=(
            '        case.deny("CONTRACT_NOT_APPROVED", contract=record.contract, '
            "version=record.version, missing=missing)\n"
            "    if False:"
        ),
        check=gate("released_without_a_certificate"),
        soak=True,
    ),
    Defect(
        name="orders are staged under a superseded version",
        module="holdgate.law.gates.contracts",
        old=('    elif record.status != "active":\n        case.deny("CONTRACT_SUPERSEDED"'),
        new=('    elif False:\n        case.deny("CONTRACT_SUPERSEDED"'),
        check=gate("staging_under_a_version_that_was_replaced"),
        soak=True,
    ),
    Defect(
        name="stop-work stops nothing",
        module="holdgate.law.gates.contracts",
        old=('        if record.suspended:\n            case.deny("CONTRACT_SUSPENDED"'),
        new=('        if False:\n            case.deny("CONTRACT_SUSPENDED"'),
        check=scenario("126"),
        soak=True,
    ),
    Defect(
        name="QA signs a record with steps missing",
        module="holdgate.law.gates.quality",
        old="    if missing and remaining(job):",
        new="    if False:",
        check=scenario("115"),
    ),
    Defect(
        name="QA signs while the node is away",
        module="holdgate.law.gates.quality",
        old="    if contact is None or not contact.up:",
        new="    if False:",
        check=scenario("121"),
    ),
    Defect(
        name="QA counts other parts than the record",
        module="holdgate.law.gates.quality",
        old="    if (q.rejected, q.scrapped) != (told.rejected, told.scrapped):",
        new="    if False:",
        check=template("authority-matrix/30-client-and-evidence"),
    ),
    Defect(
        name="a report goes out before QA",
        module="holdgate.law.gates.reports",
        old=('    if not job.qa_by:\n        case.deny("TESTS_NOT_PASSED_QA", job=job.id)\n    if job.report'),
        new="    if job.report",
        check=scenario("101"),
        soak=True,
    ),
    Defect(
        name="a report leaves mandatory content out",
        module="holdgate.law.gates.reports",
        old=('    if missing:\n        case.deny("REPORT_INCOMPLETE"'),
        new=('    if False:\n        case.deny("REPORT_INCOMPLETE"'),
        check=scenario("103"),
        soak=True,
    ),
    Defect(
        name="a superseded report is approved",
        module="holdgate.law.gates.reports",
        old='    if report.status == "superseded":',
        new="    if False:",
        check=gate("a_review_of_a_report_that_was_replaced"),
        soak=True,
    ),
    Defect(
        name="a client's window closes by the hub's clock",
        module="holdgate.law.gates.reports",
        old="if closes_at is None or case.state.witnessed_at < closes_at:",
        new="if closes_at is None or case.now < closes_at:",
        check=gate("a_window_closed_twice"),
        soak=True,
    ),
    Defect(
        name="a clock set back keeps a window open for ever",
        module="holdgate.sites.timers",
        old="                self._asked[command.nonce] = loop.time() + AGAIN_S",
        new="                pass",
        check="tests/unit/test_timekeeper.py::test_a_window_that_could_not_be_closed_is_asked_for_again_after_a_while",
        after="a review window never closed where the hub's clock was set back right before",
        soak=True,
    ),
    Defect(
        name="the terms are those of another client",
        module="holdgate.law.gates.orders",
        old="if acceptance.sha256 == record.sha256 and acceptance.org == command.client:",
        new="if acceptance.sha256 == record.sha256:",
        check=scenario("130"),
    ),
    Defect(
        name="a forged slip brings an order",
        module="holdgate.law.gates.orders",
        old="        verify_all(envelope, [(hub.id, hub.key)])\n",
        new="",
        check=gate("a_slip_that_the_hub_did_not_sign"),
        soak=True,
    ),
    Defect(
        name="the Vault's time is the hub's own",
        module="holdgate.law.folds.site",
        old="state.witnessed_at = max(state.witnessed_at, e.witnessed_at)",
        new="state.witnessed_at = max(state.witnessed_at, at)",
        check=gate("a_window_closed_twice"),
        soak=True,
    ),
)
