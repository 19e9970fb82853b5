// The contracts' page: an author's files are read by the site before they are proposed; files that go beside an act are pinned by digest.

import { base64, canonical, hex, sha256 } from "./canon.js";
import { api, call, me } from "./state.js";
import { announce } from "./tell.js";

let begun = false;
const byId = (id) => document.getElementById(id);

export default function start() {
  if (begun) return;
  begun = true;
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.does !== "draft") return;
    event.preventDefault();
    draft(event.target).catch((error) => announce(error.message, "bad"));
  });
  document.addEventListener("change", (event) => {
    if (event.target.dataset.pin) pin(event.target).catch((error) => announce(error.message, "bad"));
  });
}

// A file that goes beside an act: the act names its digest.
async function pin(input) {
  const form = input.form;
  const bytes = new Uint8Array(await input.files[0].arrayBuffer());
  const name = hex(await sha256(bytes));
  form.querySelector(`[data-field="${input.dataset.pin}"]`).value = name;
  form.documents = { [name]: base64(bytes) };
}

async function draft(form) {
  const files = [...form.elements.files.files].sort((one, other) => Number(other.name.startsWith("contract.")) - Number(one.name.startsWith("contract.")));
  const texts = await Promise.all(files.map((file) => file.text()));
  const beside = Object.fromEntries(files.slice(1).map((file, place) => [file.name, texts[place + 1]]));
  announce("Reading it…");
  const found = await call("POST", api("/drafts"), canonical({ beside, text: texts[0] }));
  announce(found.faults.length ? `${found.faults.length} faults.` : "Read: nothing is missing, and nothing contradicts itself.", found.faults.length ? "bad" : "good");
  byId("drafted").replaceChildren(...told(found));
}

function told(found) {
  const out = [];
  if (found.faults.length) out.push(list("Faults", found.faults.map((fault) => `${fault.file || "contract"}${fault.line ? `, line ${fault.line}` : ""}: ${fault.what}`)));
  if (!found.sha256) return out;
  out.push(text("h3", `${found.contract} rev ${found.version}: ${found.sheet.title}`));
  if (found.against) {
    const changes = found.changes.map((one) => [one.verdict, one.place, one.what, one.counterexample && `such as ${one.counterexample}`].filter(Boolean).join(" – "));
    out.push(list(`Against rev ${found.against}, which is in force`, changes.length ? changes : ["They say the same."]));
  }
  if (!found.faults.length) out.push(proposal(found));
  return out;
}

function proposal(found) {
  const form = document.createElement("form");
  form.id = "propose";
  form.className = "wish";
  const role = me.person?.roles.includes("author") ? "author" : "level3";
  const { contract, sha256: digest, version } = found;
  form.dataset.wish = JSON.stringify({ act: "contract.submit", site: me.site, role, does: "Propose revision", means: "", signs: false, fields: { contract, sha256: digest, version } });
  form.documents = found.documents;
  const button = text("button", `Propose ${contract} rev ${version}`);
  button.className = "primary";
  form.append(button);
  return form;
}

function text(kind, words) {
  const node = document.createElement(kind);
  node.textContent = words;
  return node;
}

function list(title, lines) {
  const box = document.createElement("section");
  const rows = document.createElement("ul");
  rows.append(...lines.map((line) => text("li", line)));
  box.append(text("h3", title), rows);
  return box;
}
