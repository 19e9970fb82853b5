// The page: files in, verdict out. It verifies as soon as everything that is needed is there.

import { count, make } from "./dom.js";
import { isSupported } from "./ed25519.js";
import { KINDS, missing, recognise, verifyAll } from "./files.js";
import { Fault } from "./bytes.js";
import { Table } from "./table.js";
import { receiptCard, recordCard, trustCard } from "./verdict.js";
import { Cancelled, Watch } from "./work.js";

const find = (id) => document.getElementById(id);
let items = [];
let working = null;
const table = new Table(find);

async function take(files) {
  for (const file of files) items.push(await recognise(file));
  await begin();
}

function showFiles() {
  find("list").replaceChildren(
    ...items.map((item) => {
      const remove = make("button", { type: "button", "aria-label": `Remove ${item.name}` }, "Remove");
      remove.addEventListener("click", () => {
        items = items.filter((other) => other !== item);
        find("choose").focus();
        begin();
      });
      return make(
        "li",
        {},
        make("span", { class: "file" }, item.name),
        make("span", { class: "what" }, KINDS[item.kind]),
        remove,
      );
    }),
  );
  find("clear").hidden = !items.length;
  find("next").textContent = missing(items);
}

async function begin() {
  working?.abort();
  const mine = new AbortController();
  working = mine;
  showFiles();
  show([]);
  table.show([]);
  if (missing(items)) {
    find("work").hidden = true;
    return;
  }
  find("work").hidden = false;
  try {
    const result = await verifyAll(items, new Watch(progress, mine.signal));
    if (!mine.signal.aborted) conclude(result);
  } catch (error) {
    if (!(error instanceof Cancelled) && !mine.signal.aborted) fail(error);
  } finally {
    if (working === mine) find("work").hidden = true;
  }
}

function progress(what, done, total) {
  const part = total ? done / total : 0;
  find("bar").value = part;
  find("doing").textContent = `${what}: ${Math.round(100 * part)} %`;
}

function conclude({ trust, reports, receipts }) {
  const zone = reports.find((report) => report.zone)?.zone ?? "UTC";
  show([
    ...(reports.length > 1 ? [overall(reports)] : []),
    ...reports.map(recordCard),
    ...receipts.map((receipt) => receiptCard(receipt, zone)),
    trustCard(trust),
  ]);
  table.show(reports);
  find("next").textContent = ended(reports, receipts);
  find("result").focus({ preventScroll: true });
}

/** The verdict in one sentence, for whoever listens to the page. */
function ended(reports, receipts) {
  const bad =
    reports.filter((report) => report.findings.length).length + receipts.filter((receipt) => receipt.why).length;
  return bad
    ? `Verified: ${count(bad, "file")} of ${reports.length + receipts.length} did not hold.`
    : "Verified: everything holds.";
}

function overall(reports) {
  const bad = reports.filter((report) => report.findings.length).length;
  const entries = reports.reduce((sum, report) => sum + report.size, 0);
  const said = bad
    ? `${bad} of ${count(reports.length, "record")} do not hold.`
    : `${count(reports.length, "record")}, ${count(entries, "entry", "entries")}: all verified unaltered. What they took in of each other agrees.`;
  return make("p", { class: "first" }, said);
}

function fail(error) {
  const why = error instanceof Fault ? error.message : `it could not be verified: ${error.message}`;
  show([make("p", { class: "fault first" }, `${why}.`)]);
}

function show(elements) {
  find("result").replaceChildren(...elements);
}

function listen() {
  const drop = find("drop");
  find("choose").addEventListener("change", async (event) => {
    const files = [...event.target.files];
    event.target.value = "";
    await take(files);
  });
  find("clear").addEventListener("click", () => {
    items = [];
    find("choose").focus();
    begin();
  });
  find("cancel").addEventListener("click", () => {
    working?.abort();
    find("next").textContent = "Cancelled: nothing was verified. Add a file, or remove one, to begin again.";
  });
  for (const name of ["dragover", "drop", "dragleave"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files.length) take([...event.dataTransfer.files]);
    });
  }
}

async function start() {
  if (!(await isSupported())) {
    fail(
      new Fault("this browser cannot verify Ed25519 signatures; take Chromium 137, Firefox 129 or Safari 17, or newer"),
    );
    find("choose").disabled = true;
    return;
  }
  listen();
  showFiles();
}

start();
