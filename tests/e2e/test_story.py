"""The story of one order, clicked by its people in browsers of their own, with real keys; afterwards every record is audited."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from holdgate.cli.app import main
from tests.e2e.desk import Seat, Served, needs_chromium, playwright

pytestmark = [needs_chromium, pytest.mark.enable_socket, pytest.mark.timeout(420)]

LINE, BOOTH, OFFICE, DOCK = "WS-FPI-1", "WS-BOOTH-1", "WS-OFFICE", "WS-REC"
TECHNICIAN, SECOND, QA = "SID-TEC-11", "SID-TEC-12", "SID-QA-01"
SERIALS = ("S01", "S02", "S03", "S04")
JOB = "/NODE-FPI/traveler/PO-1001/J-1"


def test_one_order_from_dock_to_invoice_and_every_record_is_sound_afterwards(
    shop: Served, browser: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    dock = Seat(browser, shop, DOCK, "/FLOOR/dock")
    line = Seat(browser, shop, LINE, "/NODE-FPI/traveler")
    booth = Seat(browser, shop, BOOTH, "/NODE-FPI/traveler")
    _arrives(dock)
    line.present(TECHNICIAN)
    booth.present(TECHNICIAN)
    _locked_before_checks(shop, line)
    _checks(line, booth)
    _wrong_pin(line)
    _offline_reading(line)
    _rest(line, booth)
    qa = Seat(browser, shop, OFFICE, "/HUB/qa")
    compliance = Seat(browser, shop, OFFICE, "/HUB/compliance")
    client = Seat(browser, shop, OFFICE, "/HUB/client")
    finance = Seat(browser, shop, OFFICE, "/HUB/finance")
    qa.present(QA)
    compliance.present("SID-CMP-01")
    client.present("SID-CLI-01")
    finance.present("SID-FIN-01")
    _accepted(qa, compliance)
    _answered(client, finance)
    for seat in (dock, qa, compliance, client, finance):
        assert seat.faults == [], (seat.page.url, seat.faults)
    for seat in (line, booth):  # one direct post that was refused; the accepted job, which left the area's list
        assert [fault for fault in seat.faults if "status of 422" not in fault and "status of 404" not in fault] == []
    for seat in (dock, line, booth, qa, compliance, client, finance):
        seat.close()
    shop.stop()
    assert main(["audit", str(shop.directory)]) == 0, capsys.readouterr().out


def _arrives(dock: Seat) -> None:
    """A wrong revision moves nothing; four scans, as fast as a scanner types, and the order goes."""
    dock.see("#order-PO-1001")
    dock.scan("4512-7/B/S01")
    dock.see("#came-word", "NO")
    for serial in SERIALS:
        dock.scan(f"4512-7/C/{serial}")
    dock.see("#came-word", "GO")
    dock.see("#gone-PO-1001", "NODE-FPI")


def _locked_before_checks(shop: Served, line: Seat) -> None:
    """Before the daily checks nothing but them can be started, on the screen and by whoever posts directly."""
    line.see("#start-job-PO-1001")
    line.act("#start-job-PO-1001", job="J-1")
    line.see("a[href$='PO-1001/J-1']").click()
    line.see("#line-S20", "waits for op 10")
    assert line.page.locator("#start-S20 button").count() == 0
    wish = json.dumps({"act": "step.start", "site": "NODE-FPI", "order": "PO-1001"}).encode()
    request = urllib.request.Request(
        f"{shop.url}/NODE-FPI/api/actions", wish, {"Content-Type": "application/vnd.dsse+json"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)
    assert refused.value.code == 400
    refused.value.close()
    problem = line.page.evaluate(DIRECT, "S20")
    assert problem["code"] == "PRECHECK_INCOMPLETE"


def _checks(line: Seat, booth: Seat) -> None:
    """The checks are signed at the booth; the next op opens at the line by itself, within a second."""
    booth.see("a[href$='PO-1001/J-1']").click()
    booth.act("#start-S10")
    for index, value in enumerate(("2100", "9.8", "5"), start=1):
        booth.see(f"#record-S10-{index}")
        booth.act(f"#record-S10-{index}", value=value)
        booth.see(f"#cell-S10-{index} strong", value)
    booth.act("#sign-S10-pass", pin=True)
    booth.see("#line-S10", "signed off")
    playwright.expect(line.page.locator("#start-S20 button")).to_be_enabled(timeout=1_000)


def _wrong_pin(line: Seat) -> None:
    """A wrong PIN signs nothing and says so; the right one signs."""
    line.act("#start-S20")
    line.act("#record-S20-1", value="1")
    line.see("#cell-S20-1 strong", "yes")
    line.act("#sign-S20-pass")
    line.pin("000000")
    line.see("#ask .says", "not the PIN")
    assert line.page.locator("#line-S20").inner_text().find("signed off") < 0
    line.pin()
    line.see("#line-S20", "signed off")


def _offline_reading(line: Seat) -> None:
    """The network is cut: a reading is kept, the page says that it is stale; afterwards the reading is there once."""
    line.act("#start-S30")
    line.see("#record-S30-1")
    line.context.set_offline(True)
    line.act("#record-S30-1", value="72")
    line.see("#outbox-pill", "1 to deliver")
    line.see("#live-pill", "Stale")
    line.context.set_offline(False)
    line.see("#cell-S30-1 strong", "72")
    playwright.expect(line.page.locator("#outbox-pill")).to_be_hidden(timeout=20_000)
    line.faults[:] = [fault for fault in line.faults if "ERR_INTERNET_DISCONNECTED" not in fault]
    line.act("#sign-S30-pass", pin=True)
    line.see("#line-S30", "signed off")


def _rest(line: Seat, booth: Seat) -> None:
    """The ops that are left, each at its place."""
    _op(line, "S40", "68", "28")
    _op(line, "S50", "135")
    _op(line, "S60", "1")
    _op(booth, "S70", "90", "2000", "0", "0", "0", "0")
    _op(line, "S80", "1")
    line.see("#live", "Every op is signed off")


def _accepted(qa: Seat, compliance: Seat) -> None:
    """QA sees the whole record and accepts it, compliance after QA; then the report can be issued."""
    qa.see("a[href$='/qa/PO-1001/J-1']").first.click()
    qa.see("#told")
    qa.act("#accept-record", pin=True)
    qa.see("#can-sign", "QA:")
    compliance.act("#sign-PO-1001-J-1", pin=True)
    compliance.see("#live", "No record waits for Compliance")
    qa.see("#can-sign", "Compliance:")
    qa.see("#issue-report")
    qa.act("#issue-report", pin=True)
    qa.see("#report ~ dl", "issued")


def _answered(client: Seat, finance: Seat) -> None:
    """The client reads what was decided and approves; the invoice goes out by itself, on everybody's screen."""
    client.see("#order-PO-1001 a").first.click()
    client.see("#story", "accepted the record")
    client.see("#invoices ~ *", "not invoiced")
    client.see("form[id^='approve-']")
    client.act("form[id^='approve-']", pin=True)
    client.see("#invoice-list", "invoiced")
    finance.see("#money-PO-1001", "went out")


def _op(seat: Seat, step: str, *values: str) -> None:
    playwright.expect(seat.page.locator(f"#start-{step} button")).to_be_enabled(timeout=30_000)
    seat.act(f"#start-{step}")
    for index, value in enumerate(values, start=1):
        seat.see(f"#record-{step}-{index}")
        seat.act(f"#record-{step}-{index}", value=value)
        shown = {"1": "yes"}.get(value, value)
        seat.see(f"#cell-{step}-{index} strong", shown)
    playwright.expect(seat.page.locator(f"#sign-{step}-pass button")).to_be_enabled(timeout=30_000)
    seat.act(f"#sign-{step}-pass", pin=True)
    seat.see(f"#line-{step}", "signed off")


DIRECT = """async step => {
  const { commandOf } = await import("/static/command.js");
  const { me, placeSigner } = await import("/static/state.js");
  const { seal, ACTION } = await import("/static/dsse.js");
  const { canonical, utf8 } = await import("/static/canon.js");
  const live = document.querySelector("form[data-act='step.start']");
  const wish = JSON.parse(live.dataset.wish);
  const fields = { ...wish.fields, step, equipment: [], materials: [] };
  const signers = [{ id: me.person.id, role: "technician" }];
  const command = await commandOf({ ...wish, fields }, {}, signers, me.here.place.id);
  const envelope = await seal(ACTION, utf8(canonical(command)), [{ id: me.person.id, sign: me.person.sign }, placeSigner()]);
  const headers = { "Content-Type": "application/vnd.dsse+json" };
  const answer = await fetch("/NODE-FPI/api/actions", { method: "POST", headers, body: envelope });
  return answer.json();
}"""
"""A technician who goes round the screen: the act is signed properly and posted directly."""
