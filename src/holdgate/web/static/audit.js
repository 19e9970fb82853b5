// The auditor's page: the record is done again by the site, and the page says how far it is.

import { api, call } from "./state.js";
import { announce } from "./tell.js";

const LOOK_MS = 500;
const byId = (id) => document.getElementById(id);
let timer = null;

export default function start() {
  clearInterval(timer);
  const button = byId("reexecute");
  if (!button) return;
  if (!button.dataset.heard) button.addEventListener("click", () => begin().catch(failed));
  button.dataset.heard = "1";
  look().catch(() => null);
}

const failed = (error) => announce(error.message, "bad");

async function begin() {
  shown(await call("POST", api("/ledger/audit")));
  wait();
}

function wait() {
  clearInterval(timer);
  timer = setInterval(() => look().catch(failed), LOOK_MS);
}

async function look() {
  if (!byId("reexecute")) return clearInterval(timer);
  const now = await call("GET", api("/ledger/audit"));
  shown(now);
  if (now.stands !== "running") clearInterval(timer);
  else if (!timer) wait();
}

function shown(now) {
  const running = now.stands === "running";
  byId("reexecute").disabled = running;
  byId("again-progress").hidden = !running;
  byId("again-progress").value = now.total ? now.done / now.total : 0;
  const [says, more] = [byId("again-says"), byId("again-more")];
  says.dataset.stands = now.stands;
  if (running) says.textContent = `${now.done} of ${now.total} entries`;
  else if (now.stands === "verified") says.textContent = "Record verified unaltered.";
  else if (now.stands === "differs") says.textContent = `Not sound${now.entry >= 0 ? `, entry ${now.entry}` : ""}: ${now.says}`;
  else says.textContent = now.says;
  more.textContent = now.stands === "verified" ? `${now.total} entries, ${now.signatures} signatures, ${now.cosigned} entries cosigned by a witness; root ${now.root}` : "";
}
