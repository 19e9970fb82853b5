"""Every screen that there is: whose it is, where they stand, which address, and what they do there."""

from typing import Final, NamedTuple

from holdgate.demo import live
from holdgate.demo.shop import ADMIN, CLIENT, COMPLIANCE, DOCK, LEVEL3, LINE, OFFICE, PLANNER, QA, RECEIVING
from holdgate.demo.steps import AUDITOR, FINANCE
from tests.hub_shop import AT_COMPLIANCE, EXCEPTIONS, INVOICED, REPORTED, RUNNING, STAGED

TECHNICIAN: Final = live.SECOND_TECHNICIAN


class Screen(NamedTuple):
    """One screen. `name`: of its picture; `page`, `below`: which of the web's pages; `who`, `at`: whose, and where they stand.

    `path`: the address; `says`: who uses it and what for; `link`: a part of the address of a link on that page that leads on to
    the screen.
    """

    name: str
    page: str
    below: str
    who: str
    at: str
    path: str
    says: str
    link: str = ""


FLOOR_PAGES: Final = ("traveler", "dock")
"""Pages that are touched with gloves."""
SCREENS: Final = (
    Screen(
        "traveler",
        "traveler",
        "",
        TECHNICIAN,
        LINE,
        "/NODE-FPI/traveler",
        "A technician sees the jobs of the area, and starts the next one.",
    ),
    Screen(
        "traveler-job",
        "traveler",
        "/{order}/{job}",
        TECHNICIAN,
        LINE,
        f"/NODE-FPI/traveler/{RUNNING}/J-1",
        "A technician starts an op, records readings and signs off; a locked op says what it waits for.",
    ),
    Screen(
        "dock",
        "dock",
        "",
        RECEIVING,
        DOCK,
        "/FLOOR/dock",
        "Receiving scans parts in; an order goes to its area when all of its parts are there.",
    ),
    Screen(
        "qa", "qa", "", QA, OFFICE, "/HUB/qa", "A QA engineer sees which records wait for review, and what is wrong."
    ),
    Screen(
        "qa-job",
        "qa",
        "/{order}/{job}",
        QA,
        OFFICE,
        f"/HUB/qa/{EXCEPTIONS}/J-1",
        "A QA engineer reviews one record, exceptions first, counts the parts and accepts.",
    ),
    Screen(
        "compliance",
        "compliance",
        "",
        COMPLIANCE,
        OFFICE,
        "/HUB/compliance",
        "Compliance sees what waits for its acceptance, and issues reports.",
    ),
    Screen(
        "compliance-job",
        "compliance",
        "/{order}/{job}",
        COMPLIANCE,
        OFFICE,
        f"/HUB/compliance/{AT_COMPLIANCE}/J-1",
        "Compliance accepts a record that QA has accepted.",
    ),
    Screen("office", "office", "", PLANNER, OFFICE, "/HUB/office", "A project manager follows every order."),
    Screen(
        "office-new",
        "office",
        "/new/order",
        PLANNER,
        OFFICE,
        "/HUB/office/new/order",
        "A project manager records the contract review, and stages orders whose terms the client has accepted.",
    ),
    Screen(
        "office-order",
        "office",
        "/{order}",
        PLANNER,
        OFFICE,
        f"/HUB/office/{STAGED}",
        "A project manager sees where an order stands, and assigns its job.",
    ),
    Screen(
        "finance",
        "finance",
        "",
        FINANCE,
        OFFICE,
        "/HUB/finance",
        "Finance sees invoices, what holds money back, and payouts.",
    ),
    Screen(
        "finance-order",
        "finance",
        "/{order}",
        FINANCE,
        OFFICE,
        f"/HUB/finance/{INVOICED}",
        "Finance sees why each amount of an order was, or was not, released.",
    ),
    Screen("client", "client", "", CLIENT, OFFICE, "/HUB/client", "A client sees its own orders and nobody else's."),
    Screen(
        "client-order",
        "client",
        "/{order}",
        CLIENT,
        OFFICE,
        f"/HUB/client/{INVOICED}",
        "A client follows every decision on its order.",
    ),
    Screen(
        "client-contract",
        "client",
        "/{order}/contract",
        CLIENT,
        OFFICE,
        f"/HUB/client/{INVOICED}/contract",
        "A client reads the technique that its order is pinned to.",
    ),
    Screen(
        "client-report",
        "client",
        "/{order}/report/{report}",
        "SID-CLI-02",
        OFFICE,
        f"/HUB/client/{REPORTED}/report/R-{REPORTED}",
        "A client reads its report, and answers while the review window is open.",
    ),
    Screen(
        "client-terms",
        "client",
        "/{order}/terms/{sha256}",
        CLIENT,
        OFFICE,
        "/HUB/client/PO-2020/terms/{technique}",
        "A client reads the terms of a new order, and signs them.",
    ),
    Screen(
        "audit",
        "audit",
        "",
        AUDITOR,
        OFFICE,
        "/HUB/audit",
        "An auditor starts at any order, person, instrument or entry.",
    ),
    Screen(
        "audit-record",
        "audit",
        "/record",
        AUDITOR,
        OFFICE,
        "/HUB/audit/record",
        "An auditor checks the record's proofs, takes a bundle away, and has every decision made again.",
    ),
    Screen(
        "audit-order",
        "audit",
        "/order/{order}",
        AUDITOR,
        OFFICE,
        f"/HUB/audit/order/{EXCEPTIONS}",
        "An auditor reads what happened to an order, refusals among it.",
    ),
    Screen(
        "audit-job",
        "audit",
        "/job/{order}/{job}",
        AUDITOR,
        OFFICE,
        f"/HUB/audit/job/{EXCEPTIONS}/J-1",
        "An auditor follows one job: who did what with what, and whether they were entitled to it.",
    ),
    Screen(
        "audit-touched",
        "audit",
        "/touched/{kind}/{id}",
        AUDITOR,
        OFFICE,
        "/HUB/audit/touched/equipment/RAD-07",
        "An auditor sees every job that an instrument, a batch or a person had a hand in.",
    ),
    Screen(
        "contracts",
        "contracts",
        "",
        LEVEL3,
        OFFICE,
        "/HUB/contracts",
        "A Level III writes techniques; others approve and release them.",
    ),
    Screen(
        "contract",
        "contracts",
        "/{contract}/{version}",
        QA,
        OFFICE,
        "/HUB/contracts/SP-FPI-4512/4",
        "Whoever approves a revision reads it in words, with its certificate.",
    ),
    Screen(
        "contract-diff",
        "contracts",
        "/{contract}/{version}/diff",
        QA,
        OFFICE,
        "/HUB/contracts/SP-FPI-4512/4/diff?with=3",
        "Whoever approves a revision sees what it changes.",
    ),
    Screen(
        "admin",
        "admin",
        "",
        ADMIN,
        OFFICE,
        "/HUB/admin",
        "An admin invites people, and finds everybody who is enrolled.",
    ),
    Screen(
        "admin-person",
        "admin",
        "/people/{id}",
        ADMIN,
        OFFICE,
        f"/HUB/admin/people/{TECHNICIAN}",
        "An admin keeps a person's certs, gives them another key, or withdraws access.",
    ),
    Screen(
        "admin-equipment",
        "admin",
        "/equipment",
        ADMIN,
        OFFICE,
        "/HUB/admin/equipment",
        "Metrology sees what is due for calibration.",
    ),
    Screen(
        "admin-instrument",
        "admin",
        "/equipment/{id}",
        "SID-MET-01",
        OFFICE,
        "/HUB/admin/equipment/GAU-03",
        "Metrology records a calibration, or takes an instrument out of service.",
    ),
    Screen(
        "admin-materials",
        "admin",
        "/materials",
        RECEIVING,
        OFFICE,
        "/HUB/admin/materials",
        "Receiving keeps batches and their shelf life.",
    ),
    Screen(
        "admin-batch",
        "admin",
        "/materials/{id}",
        RECEIVING,
        OFFICE,
        "/HUB/admin/materials/PEN-24117",
        "Receiving sees one batch, and where it went.",
    ),
    Screen(
        "admin-standards",
        "admin",
        "/standards",
        QA,
        OFFICE,
        "/HUB/admin/standards",
        "QA keeps the editions that are in force.",
    ),
    Screen(
        "admin-sites",
        "admin",
        "/sites",
        ADMIN,
        OFFICE,
        "/HUB/admin/sites",
        "Officers let an area's own record join or leave.",
    ),
    Screen(
        "admin-recall",
        "admin",
        "/recall/{kind}/{id}",
        QA,
        OFFICE,
        "/HUB/admin/recall/material/PEN-24117",
        "QA finds every part that a bad batch, instrument or person touched.",
    ),
    Screen(
        "papers",
        "papers",
        "",
        QA,
        OFFICE,
        "/HUB/papers",
        "Whoever is to co-sign finds here what waits for their signature.",
    ),
    Screen(
        "staging",
        "staging",
        "",
        PLANNER,
        OFFICE,
        "/FLOOR/staging",
        "A project manager sees how long orders wait for parts, and why.",
    ),
    Screen(
        "sites",
        "sites",
        "",
        ADMIN,
        OFFICE,
        "/HUB/sites",
        "An admin sees whether every site is well, and hears of the others.",
    ),
    Screen(
        "why",
        "why",
        "/{seq}",
        QA,
        OFFICE,
        f"/HUB/audit/order/{EXCEPTIONS}",
        "Why one entry of the record was decided as it was, gate by gate.",
        link="/why/",
    ),
)
