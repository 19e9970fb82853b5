"""holdgate: the console script. Verbs are loaded when they are called, so that help and version come at once."""

import sys
from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING

from cyclopts import App
from cyclopts.exceptions import CycloptsError

from holdgate.terms.errors import HoldgateError

if TYPE_CHECKING:
    # Loaded by name below; named here so that readers, import rules and the search for dead files see them.
    from holdgate.cli import (  # noqa: F401
        act,
        advise,
        audit,
        backup,
        bench,
        books,
        bus,
        certify,
        contract,
        demo,
        denials,
        due,
        env,
        importing,
        invoice,
        key,
        ledger,
        notify,
        options,
        order,
        package,
        pay,
        recall,
        report,
        retention,
        root,
        run,
        scan,
        seal,
        site,
        standards,
        standing_open,
        status,
        templates,
        test,
        tls,
        up,
        upgrade,
        verifier,
        verify,
        views,
        who,
        why,
        witness,
    )

FAILED = 1
"""Exit: something was found (a step that came out otherwise, an entry that does not hold)."""
UNUSABLE = 2
"""Exit: it could not be done at all; one sentence on stderr says why."""

app = App(
    name="holdgate",
    help="Hold points for a whole shop: signed techniques decide, a record proves, an auditor repeats.",
    version=lambda: f"holdgate {metadata.version('holdgate')}",
    version_flags=["--version"],
    result_action="return_value",
)
app.command("holdgate.cli.demo:demo", help="Tell the story of one order: real signatures, records and audit.")
app.command("holdgate.cli.test:scenarios", name="test", help="Run scenario files on real sites and compare every step.")
app.command(
    "holdgate.cli.templates:templates", help="List the contract templates; show one, with its numbers' sources."
)
app.command("holdgate.cli.audit:audit", help="Verify records offline and make every decision again.")
app.command(
    "holdgate.cli.certify:certify", help="Prove a contract and run its witnesses; without a defect, certify it."
)
app.command("holdgate.cli.bench:bench", help="Measure what a site costs on this machine.")
app.command("holdgate.cli.options:options", help="Show what somebody may do now at a site, and why the rest is locked.")
app.command("holdgate.cli.why:why", help="Explain one decision: who, what, under which rules, on which facts.")
app.command("holdgate.cli.recall:recall", help="List what an instrument, batch, person or contract version touched.")
app.command("holdgate.cli.report:report", help="Make a report or a certificate as a PDF, from the record alone.")
app.command("holdgate.cli.seal:seal", name="seal", help="The shop's seal on PDFs: make one, check one.")
app.command("holdgate.cli.who:who", help="Show who may do an operation now, until when, and who would if what.")
app.command(
    "holdgate.cli.due:due", help="List what runs out: qualifications, calibrations, batches, documents, standards."
)
app.command(
    "holdgate.cli.retention:retention", help="List what is kept and why, what may be erased, what was, what is missing."
)
app.command(
    "holdgate.cli.standing_open:standing_open", name="open", help="List what stands open and for whom it waits."
)
app.command(
    "holdgate.cli.standards:standards", help="List which contracts name a standard, and whether it is in force."
)
app.command(
    "holdgate.cli.importing:importing", name="import", help="Read a table of people, equipment, materials or standards."
)
app.command(
    "holdgate.cli.invoice:invoice",
    help="Write an invoice as UBL, CII, Factur-X or PDF, once it holds every rule.",
)
app.command(
    "holdgate.cli.order:order",
    name="order",
    help="Read purchase orders: what they lack, and the acts that would stage them.",
)
app.command("holdgate.cli.contract:contract", name="contract", help="Write, check, compare and read contracts.")
app.command("holdgate.cli.books:books", name="books", help="Read a shop's books from its ledger.")
app.command("holdgate.cli.denials:denials", help="Explain a refusal's code, or all of them.")
app.command(
    "holdgate.cli.advise:advise", help="Chart a characteristic's readings and draft what follows; sign nothing."
)
app.command(
    "holdgate.cli.scan:scan", help="Scan parts in at the dock: keep each scan, hand it in, say what came of it."
)
app.command("holdgate.cli.up:up", help="Open a whole shop in one process and keep it up.")
app.command("holdgate.cli.run:run", help="Open one site of a shop as a process, on the shop's broker.")
app.command("holdgate.cli.status:status", help="Show how every site stands: log, cosignature, links, clock.")
app.command("holdgate.cli.backup:backup", name="backup", help="Copy a shop's record, and put it back.")
app.command("holdgate.cli.upgrade:upgrade", help="Let a new release take over, once it has decided everything again.")
app.command(
    "holdgate.cli.verifier:verifier", help="Write the page that verifies a record in a browser, without a network."
)
app.command("holdgate.cli.pay:pay", name="pay", help="Write a payment order for a bank, and read what a bank sent.")
app.command(
    "holdgate.cli.package:package", help="Write the package of a job: one file that proves itself to whoever holds it."
)
app.command("holdgate.cli.verify:verify_package", name="verify", help="Check the package of a job, with your own keys.")
app.command(
    "holdgate.cli.package:job_audit_view",
    name="job-audit",
    help="Write a job's evidence by requirement, to be printed.",
)
app.command("holdgate.cli.views:views", help="Bring SQL tables of every log up to what the Vault mirrors.")
app.command("holdgate.cli.site:site", name="site", help="Found a shop; begin with `holdgate site new`.")
app.command(
    "holdgate.cli.root:root",
    name="root",
    help="Sign a new shop's charter as one of its keepers; found the shop on it; exchange roots.",
)
app.command("holdgate.cli.key:key", name="key", help="Make a key of your own, sealed under a PIN.")
app.command(
    "holdgate.cli.act:act", name="act", help="Sign an act with others: prepare it, show it, sign it, hand it in."
)
app.command("holdgate.cli.env:env", name="env", help="Bring in what a logger of room conditions kept.")
app.command("holdgate.cli.bus:bus", name="bus", help="Let sites on several machines speak over a NATS broker.")
app.command("holdgate.cli.tls:tls", name="tls", help="Certificates of the shop's own, for https.")
app.command("holdgate.cli.notify:notify", name="notify", help="Tell people and systems outside what the log says.")
app.command("holdgate.cli.ledger:ledger", name="ledger", help="Work with the record as a log.")
app.command("holdgate.cli.witness:witness", name="witness", help="Be a witness of a shop's logs, outside the shop.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb.

    Args:
        arguments: of the command line; None: those of this process.

    Returns:
        The exit code: 0 all is well, 1 something was found, 2 it could not be done.
    """
    try:
        result = app(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return _unusable(f"{' '.join(str(error).split())} See holdgate --help.")
    except HoldgateError as error:
        return _unusable(str(error))
    except BrokenPipeError:
        return FAILED
    except OSError as error:
        return _unusable(f"{error.filename or 'a file'}: {error.strerror or error}")
    return result if isinstance(result, int) else 0


def _unusable(sentence: str) -> int:
    sys.stderr.write(f"holdgate: {sentence}\n")
    return UNUSABLE
