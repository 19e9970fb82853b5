// Purchase orders: a file or a form goes to the site, which answers with drafts; faults are told beside what they are about.

import { canonical } from "./canon.js";
import digests from "./digest.js";
import { refresh } from "./live.js";
import { api, call } from "./state.js";
import { announce, ask } from "./tell.js";

let begun = false;
const byId = (id) => document.getElementById(id);

export default function start() {
  digests();
  if (begun) return;
  begun = true;
  document.addEventListener("submit", (event) => {
    const { does } = event.target.dataset;
    if (does !== "order-file" && does !== "order-form") return;
    event.preventDefault();
    (does === "order-file" ? file(event.target) : form(event.target)).catch(failed);
  });
  document.addEventListener("click", (event) => {
    const { throws, takes } = event.target.dataset || {};
    if (throws) thrown(throws).catch(failed);
    if (takes) file(byId("order-file"), takes).catch(failed);
  });
}

const failed = (error) => announce(error.message, "bad");

// ---- a file ----------------------------------------------------------------------------------------------------------

async function file(from, take = "") {
  announce("Reading it…");
  const raw = await from.elements.file.files[0].arrayBuffer();
  byId("filed").replaceChildren();
  const found = await call("POST", api(`/order-files${take && `?take=${take}`}`), raw, "application/octet-stream");
  const taken = found.lines.filter((line) => line.draft).length;
  const faulty = found.lines.filter((line) => line.faults.length).length;
  if (faulty) announce(`${faulty} of ${found.lines.length} orders cannot be read. ${taken ? `${taken} taken.` : "Nothing was taken."}`, "bad");
  else announce(`${taken} ${taken === 1 ? "draft" : "drafts"} made; nothing is recorded.`, "good");
  byId("filed").replaceChildren(...told(found, faulty));
  byId("filed").focus();
  await refresh();
}

function told(found, faulty) {
  const rows = document.createElement("ul");
  rows.className = "plain";
  for (const line of found.lines) rows.append(row(line, faulty));
  return [text("h3", faulty ? "What is wrong, line by line" : "Read"), rows];
}

function row(line, faulty) {
  const item = document.createElement("li");
  const name = `Line ${line.line}${line.order ? `: ${line.order}` : ""}`;
  if (line.draft) {
    const link = text("a", `${name}: draft`);
    link.href = draftAddress(line.draft);
    item.append(link);
  } else item.append(text("strong", name));
  for (const fault of line.faults) {
    item.append(text("p", `${fault.column ? `Column ${fault.column}: ` : ""}${fault.what}. To mend it: ${fault.do}.`));
  }
  if (faulty && !line.draft && !line.faults.length) {
    const button = text("button", `Take line ${line.line} alone`);
    button.type = "button";
    button.dataset.takes = line.line;
    item.append(" ", button);
  }
  return item;
}

// ---- a form, new or of a draft -----------------------------------------------------------------------------------------

async function form(from) {
  const cells = {}, answers = {};
  for (const input of from.elements) {
    if (!input.name) continue;
    input.removeAttribute("aria-invalid");
    const value = input.value.trim();
    if (input.name.startsWith("answer.")) answers[input.name.slice(7)] = value;
    else if (value) cells[input.name] = value;
  }
  if (!Object.keys(cells).length) return announce("Nothing is filled in; the PO number comes first.", "bad");
  const { draft } = from.dataset;
  const address = draft ? `/order-drafts/${draft}` : "/order-drafts";
  const found = await call(draft ? "PUT" : "POST", api(address), canonical(draft ? { answers, cells } : { cells }));
  const [line] = found.lines;
  for (const fault of line.faults) from.elements[fault.column]?.setAttribute("aria-invalid", "true");
  if (line.faults.length) {
    from.closest("details")?.setAttribute("open", "");
    announce(line.faults.map((fault) => `${labelOf(from, fault.column)}: ${fault.what}. To mend it: ${fault.do}.`).join(" "), "bad");
    from.elements[line.faults[0].column]?.focus();
    return;
  }
  announce("Saved as a draft; nothing is recorded.", "good");
  if (draft) return refresh();
  from.reset();
  go(draftAddress(line.draft));
}

const labelOf = (from, name) => from.elements[name]?.closest("label")?.firstChild.textContent.trim() || name;

async function thrown(draft) {
  const yes = await ask({ title: "Throw the draft away?", says: "What it says is gone from this site. Nothing that was signed is touched.", confirm: "Throw away" });
  if (yes === null) return;
  go(draftAddress("")); // first: the draft's own page would ask for a draft that is gone
  await left("draft-form");
  await call("DELETE", api(`/order-drafts/${draft}`));
  announce("The draft is gone.", "good");
}

// ---- small things ------------------------------------------------------------------------------------------------------

const draftAddress = (draft) => `${api("").replace(/\/api$/, "")}/office/new/drafts${draft && `/${draft}`}`;

/** Wait until an element is no longer on the page (at most 5 s: then its page may ask once for what is gone). */
async function left(id) {
  for (let waited = 0; byId(id) && waited < 5000; waited += 50) await new Promise((done) => setTimeout(done, 50));
}

// By a link: the page is changed without being left, and whoever signed in by badge stays signed in.
function go(address) {
  const link = document.createElement("a");
  link.href = address;
  byId("main").append(link);
  link.click();
  link.remove();
}

function text(kind, words) {
  const node = document.createElement(kind);
  node.textContent = words;
  return node;
}
