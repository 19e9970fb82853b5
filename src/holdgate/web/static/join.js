// A newcomer's page: they make their key here, sign their own enrolment with it, and wait for two officers to sign the same bytes.
// What they signed is fresh for a short time only, so it is written and signed anew, with the same key, until the officers did.

import { canonical, utf8 } from "./canon.js";
import { bars, drawn as drawnBars } from "./code128.js";
import { commandOf } from "./command.js";
import { ACTION, seal } from "./dsse.js";
import { makeBadge, makeDevice, makePasskey, passkeySigner, signer } from "./keys.js";
import { whyEasy } from "./pins.js";
import { drawn as drawnCode, matrix } from "./qr.js";
import { api, call, me, nowUs } from "./state.js";
import { announce, ask } from "./tell.js";

const LOOK_MS = 3_000;
const SPARE_S = 30; // so long before it is too old, a paper that nobody else signed is written anew
const byId = (id) => document.getElementById(id);

let joining = null; // { wanted, officers, made, paper }
let timer = null;

export default function start() {
  const box = byId("join");
  if (!box) return stop();
  const wanted = JSON.parse(box.dataset.join);
  if (joining?.wanted.secret === wanted.secret) return;
  stop();
  const officers = [...byId("join-officers").children].map((item) => item.dataset);
  joining = { wanted, officers, made: null, paper: null };
  on("make-badge", byBadge);
  on("make-passkey", byPasskey);
  on("make-device", byDevice);
  byId("join-again")?.addEventListener("click", () => lay().catch(failed));
}

function stop() {
  clearInterval(timer);
  [joining, timer] = [null, null];
}

function on(id, make) {
  byId(id)?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const buttons = document.querySelectorAll("#join-make button");
    buttons.forEach((button) => (button.disabled = true));
    try {
      joining.made = await make(event.target);
      if (joining.made) await bring();
    } catch (error) {
      failed(error);
    } finally {
      buttons.forEach((button) => (button.disabled = false));
    }
  });
}

const failed = (error) =>
  announce(error.name === "NotAllowedError" ? "The passkey was not made or not used." : error.message, "bad");

// ---- the key: { key, kind, sign, locker?, says } ---------------------------------------------------------------------

async function byBadge(form) {
  const [pin, again] = [form.elements.pin.value, form.elements.again.value];
  if (pin !== again) {
    announce("The two PINs differ.", "bad");
    return null;
  }
  const easy = whyEasy(pin, [joining.wanted.id, joining.wanted.name]);
  if (easy) {
    announce(`This PIN is ${easy}, and among the first that anybody tries. Take digits by lot, or a few words.`, "bad");
    return null;
  }
  const made = await makeBadge(joining.wanted.id, pin);
  form.reset();
  byId("badge-qr").replaceChildren(drawnCode(matrix(made.badge)));
  byId("badge-bars").replaceChildren(drawnBars(bars(made.badge)));
  byId("badge-text").textContent = made.badge;
  byId("join-badge").hidden = false;
  const says = "Present your badge at any workstation of the shop.";
  return { key: made.publicKey, kind: "ed25519", sign: made.sign, locker: made.locker, says };
}

async function byPasskey() {
  const key = await makePasskey(joining.wanted.id, joining.wanted.name);
  return { key, kind: "webauthn", sign: passkeySigner(joining.wanted.id).sign, says: "Sign in with your SMART-ID and your passkey." };
}

async function byDevice() {
  const { id } = joining.wanted;
  if (me.device && me.device.id !== id) {
    const title = `This browser is ${me.device.id}`;
    const yes = await ask({ title, says: `It becomes ${id} and forgets the key of ${me.device.id} for good.`, confirm: "Go on" });
    if (yes === null) return null;
  }
  const made = await makeDevice(id);
  return { key: made.publicKey, kind: "ed25519", sign: signer(id, made.key).sign, says: "Reload this page: this browser is a workstation now." };
}

// ---- the enrolment ---------------------------------------------------------------------------------------------------

async function bring() {
  const { made, wanted } = joining;
  const body = { key: made.key, locker: made.locker, secret: wanted.secret };
  await call("PUT", api(`/lockers/${encodeURIComponent(wanted.id)}`), canonical(body));
  byId("join-make").hidden = true;
  byId("join-wait").hidden = false;
  await lay();
  clearInterval(timer);
  timer = setInterval(() => look().catch(() => null), LOOK_MS);
}

async function lay() {
  const { made, officers, wanted } = joining;
  const { id, name, org, kind, roles, zone, node } = wanted;
  const wish = wanted.rekey
    ? { act: "identity.rekey", fields: { id, key: made.key, reason: wanted.reason } }
    : { act: "identity.enrol", fields: { id, name, org, kind, key: made.key, roles, zone, node } };
  const signers = [
    ...officers.map((one) => ({ id: one.id, role: one.role, ...(one.passkey ? { kind: "webauthn" } : {}) })),
    { id, role: "newcomer", ...(made.kind === "webauthn" ? { kind: "webauthn" } : {}) },
  ];
  const command = await commandOf({ ...wish, site: me.site }, {}, signers);
  const envelope = await seal(ACTION, utf8(canonical(command)), [{ id, sign: made.sign }]);
  joining.paper = await call("POST", api("/papers"), envelope, "application/vnd.dsse+json");
  joining.at = command.at;
  await look();
}

async function look() {
  const { made, officers, wanted } = joining;
  const now = await call("GET", api(`/invited/${wanted.secret}`));
  if (now.enrolled) return finished();
  const left = Math.floor((now.at - nowUs()) / 1e6) + wanted.skew_s;
  const others = now.signed.filter((one) => one !== wanted.id);
  const over = !now.digest || left <= 0;
  if (made.kind !== "webauthn" && (over || (!others.length && left < SPARE_S))) return lay();
  const says = officers.map((one) => `${one.id}: ${others.includes(one.id) ? "signed" : "not yet"}`).join("; ");
  byId("join-says").textContent = over ? "What you signed is too old now. Ask again when both officers are ready." : `${says}. Holds for ${left} s.`;
}

function finished() {
  clearInterval(timer);
  byId("join-wait").hidden = true;
  byId("join-finished").hidden = false;
  byId("join-next").textContent = joining.made.says;
  announce("Two officers signed: you are enrolled.", "good");
}
