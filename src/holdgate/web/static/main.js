// Every page starts here: who is here, what the keyboard wedge reads, forms that act, links that keep the person signed in.

import { flush, onCount } from "./outbox.js";
import { follow, forget, morph, refresh } from "./live.js";
import { makeDevice } from "./keys.js";
import { act, present, sign_paper } from "./sign.js";
import { api, begin, enter, leave, me, Problem } from "./state.js";
import { announce } from "./tell.js";
import { passkeySigner } from "./keys.js";
import { listen, onScan } from "./wedge.js";

const extras = { // a page's own script, by data-script of its main part
  account: () => import("./account.js"),
  digest: () => import("./digest.js"),
  admin: () => import("./admin.js"),
  audit: () => import("./audit.js"),
  contracts: () => import("./contracts.js"),
  dock: () => import("./dock.js"),
  invoices: () => import("./invoices.js"),
  join: () => import("./join.js"),
  orders: () => import("./orders.js"),
  papers: () => import("./papers.js"),
  sessions: () => import("./sessions.js"),
};

// ---- pages without leaving the page: the person's key lives in memory only -------------------------------------------

export async function go(address, push = true) {
  delete document.documentElement.dataset.ready;
  const answer = await fetch(address, { credentials: "same-origin" });
  const text = await answer.text();
  forget();
  const found = new DOMParser().parseFromString(text, "text/html");
  document.documentElement.dataset.site = found.documentElement.dataset.site || "";
  const moved = me.site !== document.documentElement.dataset.site;
  me.site = document.documentElement.dataset.site;
  for (const id of ["top", "main"]) morph(document.getElementById(id), found.getElementById(id));
  Object.assign(document.getElementById("main").dataset, { script: "", gloves: "" }, found.getElementById("main").dataset);
  document.title = found.title;
  if (push) history.pushState(null, "", address);
  if (moved) await begin();
  await opened();
  document.documentElement.dataset.ready = "1";
}

async function opened() {
  const script = document.getElementById("main").dataset.script;
  if (script) (await extras[script]()).default();
  follow();
  who();
}

const ROLES = { qa: "QA", level3: "Level III", compliance: "Compliance" };
const roleInWords = (role) => ROLES[role] || role.replaceAll("_", " ");

function who() {
  const name = document.getElementById("who");
  name.textContent = me.person ? `${me.person.name} (${me.person.roles.map(roleInWords).join(", ")})` : "";
  document.getElementById("leave").hidden = !me.person && !me.here?.person;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || link.origin !== location.origin || link.target || link.hasAttribute("download") || event.ctrlKey || event.metaKey) return;
  if (link.pathname.startsWith("/static/") || link.pathname.includes("/api/")) return;
  event.preventDefault();
  go(link.href);
});

window.addEventListener("popstate", () => go(location.href, false));

// ---- acting ----------------------------------------------------------------------------------------------------------

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const id = form.getAttribute("id") || ""; // a field may be called id
  if (id === "passkey") return event.preventDefault(), byPasskey(form);
  if (form.method === "get" && !form.dataset.wish && !form.dataset.does && !id.startsWith("make-")) {
    event.preventDefault(); // a search: the page stays, and with it whoever is signed in by badge
    return go(`${form.getAttribute("action") || location.pathname}?${new URLSearchParams(new FormData(form))}`);
  }
  if (!form.dataset.wish) return;
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "1";
  form.querySelectorAll(".refusal").forEach((box) => box.remove());
  const buttons = [...form.querySelectorAll("button")];
  buttons.forEach((button) => (button.disabled = true));
  try {
    await act(form);
    await refresh();
  } finally {
    delete form.dataset.busy;
    buttons.forEach((button) => (button.disabled = false));
    // A button that was switched off lost the focus: whoever works by keyboard goes on where they were.
    const main = document.getElementById("main");
    const still = form.isConnected ? form : document.getElementById(form.id || "-"); // the page may have gone on meanwhile
    const at = still?.querySelector("button:enabled") || main;
    if ([document.body, main].includes(document.activeElement)) at.focus({ preventScroll: true });
  }
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-does]");
  if (!button) return;
  const { does } = button.dataset;
  if (does === "leave") return leave().then(() => location.reload());
  if (does === "paper") return sign_paper(button.dataset.digest, button.dataset.site).then(refresh);
  if (does === "station") return station(button);
  if (does === "print") return print();
});

async function byPasskey(form) {
  const id = form.querySelector("input").value.trim();
  try {
    await enter({ ...passkeySigner(id), passkey: true });
    localStorage.setItem("holdgate-id", id);
    await go(location.href, false);
  } catch (error) {
    announce(error instanceof Problem ? error.message : "The passkey was not used.", "bad");
  }
}

// This browser becomes a workstation: its own key, to be enrolled by two officers.
async function station(button) {
  const id = document.getElementById("station-id").value.trim();
  const made = await makeDevice(id);
  document.getElementById("station-key").textContent = made.publicKey;
  button.disabled = true;
}

// ---- badges and marks ------------------------------------------------------------------------------------------------

listen();
onScan(async (text) => {
  try {
    if (await present(text)) await go(location.href, false);
  } catch (error) {
    announce(error.message, "bad");
  }
});

// ---- idle: whoever walks away is signed out --------------------------------------------------------------------------

let touched = Date.now();
for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => (touched = Date.now()), { capture: true, passive: true });
setInterval(() => {
  if (!me.person || Date.now() - touched < me.here.idle_s * 1000) return;
  leave().then(() => location.reload());
}, 1000);

// ---- a session that ended elsewhere: the key goes out of this page too ------------------------------------------------

const LOOK_MS = 10_000;
setInterval(async () => {
  const { person } = me;
  if (!person || !navigator.onLine) return;
  const headers = { "X-Holdgate-Live": "1" }; // no sign of life
  const here = await fetch(api("/session"), { headers, credentials: "same-origin" }).then((answer) => answer.json()).catch(() => null);
  if (here?.session === false && me.person === person) leave().then(() => location.reload());
}, LOOK_MS);

// ---- the outbox ------------------------------------------------------------------------------------------------------

onCount((waiting) => {
  const pill = document.getElementById("outbox-pill");
  pill.hidden = !waiting;
  pill.textContent = `${waiting} to deliver`;
});
window.addEventListener("online", flush);
setInterval(() => navigator.onLine && flush(), 5000);

await begin().catch(() => null);
await opened();
await flush();
const { stand } = await import("./demo.js");
await stand(go);
document.documentElement.dataset.ready = "1";
