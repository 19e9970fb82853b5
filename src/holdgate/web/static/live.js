// Live pages: the site says "changed", the page asks for its live part and takes over what differs. Focus, half-typed values and
// open dialogs stay. What it did not get it asks for again at the next beat. Without a beat for eight seconds the page says that it
// is stale.

import { begin, me } from "./state.js";

const STALE_MS = 8_000;
const LOOK_AGAIN = 3; // beats
let beats = 0;
let heard = Date.now();
let source = null;
let asked = 0;
let owed = false;

export function follow() {
  source?.close();
  if (!me.site || !(me.here?.person || me.here?.place)) return shown();
  const shows = document.querySelector("[data-live]")?.dataset.live ?? "";
  source = new EventSource(`/${me.site}/api/events?shows=${encodeURIComponent(shows)}`);
  source.addEventListener("beat", beat);
  source.addEventListener("changed", (event) => {
    owed = true;
    beat(event);
  });
  source.onerror = () => source.readyState === EventSource.CLOSED && setTimeout(again, 3000);
}

// The site forgot us (it started anew): the workstation signs in by itself, people do so again.
async function again() {
  await begin().catch(() => null);
  follow();
  refresh();
}

addEventListener("offline", shown);
addEventListener("online", () => {
  follow();
  refresh();
});

function beat(event) {
  heard = Date.now();
  me.offset = JSON.parse(event.data).now / 1000 - Date.now();
  shown();
  beats += 1;
  const waits = beats % LOOK_AGAIN === 0 && document.querySelector("form.wish:not(.allowed)"); // for time alone
  if (owed || waits) refresh();
}

setInterval(shown, 1000);

function shown() {
  const pill = document.getElementById("live-pill");
  if (!pill) return;
  const stale = !reachable();
  pill.textContent = source ? (stale ? "Stale: no word from the site" : "Live") : "Not signed in";
  pill.className = `pill ${stale ? "stale" : "live"}`;
  for (const clock of document.querySelectorAll("[data-until]")) {
    const left = Math.round((Number(clock.dataset.until) / 1000 - Date.now() - me.offset) / 1000);
    clock.textContent = left > 0 ? span(left) : clock.dataset.over || "over";
    if (left <= 0 && clock.dataset.rung !== clock.dataset.until) {
      clock.dataset.rung = clock.dataset.until;
      refresh();
    }
  }
}

const span = (seconds) => {
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${String(minutes).padStart(2, "0")} min`;
  return `${minutes}:${String(seconds % 60).padStart(2, "0")}`;
};

// Answers that are still under way belong to another page.
export const forget = () => (asked += 1);

export const reachable = () => source !== null && navigator.onLine && Date.now() - heard <= STALE_MS;

// The newest state of the live part; answers come in the order of their questions.
export async function refresh() {
  const part = document.querySelector("[data-live]");
  if (!part) return;
  const number = (asked += 1);
  owed = false;
  const address = new URL(location.href);
  address.searchParams.set("part", "live");
  const answer = await fetch(address, { credentials: "same-origin", headers: { "X-Holdgate-Live": "1" } }).catch(() => null);
  const text = await answer?.text().catch(() => null);
  if (number !== asked || !part.isConnected) return; // another page may have been opened meanwhile
  owed = typeof text !== "string" || !(answer.headers.get("content-type") || "").startsWith("text/html");
  if (owed) return; // no page: what is shown stays
  const fresh = document.createElement("div");
  fresh.innerHTML = text;
  morph(part, fresh);
  shown();
}

// Takes over another tree's children: by their ids where they have one, else by their place and kind.
export function morph(old, fresh) {
  const named = new Map([...old.children].filter((node) => node.id).map((node) => [node.id, node]));
  let at = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    while (told(at) || (blank(at) && next.nodeType === Node.ELEMENT_NODE && !next.id)) at = at.nextSibling;
    const same = next.id ? named.get(next.id) : at && !at.id && at.nodeName === next.nodeName ? at : null;
    if (!same) {
      old.insertBefore(next, at);
      continue;
    }
    if (same !== at) old.insertBefore(same, at);
    else at = at.nextSibling;
    update(same, next);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    if (!told(gone)) gone.remove();
  }
}

// Why an act was refused stays beside its form until it is tried again; the site's page knows nothing of it.
const told = (node) => node?.nodeType === Node.ELEMENT_NODE && node.classList.contains("refusal");

const blank = (node) => node?.nodeType === Node.TEXT_NODE && !node.nodeValue.trim();

function update(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  const typed = old.matches("input, select, textarea");
  for (const { name, value } of [...fresh.attributes]) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !(name === "open" && old.matches("details"))) old.removeAttribute(name);
  }
  if (typed && old.nodeName !== "SELECT") return;
  morph(old, fresh);
}
