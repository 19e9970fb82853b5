// Signing: one tap for what carries no meaning, a dialog with the PIN or the passkey for what does. What the dialog shows is
// read from the command that is signed, and from nothing else.

import { canonical, token, utf8 } from "./canon.js";
import { commandOf, told, valuesOf } from "./command.js";
import { ACTION, seal } from "./dsse.js";
import { readBadge, signer, unlock } from "./keys.js";
import { deliver } from "./outbox.js";
import { api, call, enter, leave, me, placeSigner, Problem } from "./state.js";
import { announce, ask, note, refused } from "./tell.js";

const PASSKEY = ["key", "user_verification"];
const MAY_WAIT = ["reading.record", "env.log"];
const APART = ["account.register", "charge.agree", "invoice.resolve", "po.settle"]; // whose signers are seldom at one place

// ---- coming and going ------------------------------------------------------------------------------------------------

export async function present(text) {
  const badge = readBadge(text);
  if (!badge) return false;
  if (expecting) return expecting(badge), false;
  if (me.person && me.person.id !== badge.id) await leave();
  const locker = await call("GET", api(`/lockers/${encodeURIComponent(badge.id)}`));
  const key = await keyByPin(badge, locker, `PIN of ${badge.id}`);
  if (!key) return true;
  await enter({ ...signer(badge.id, key), badge, locker });
  return true;
}

async function keyByPin(badge, locker, title) {
  for (let tries = 0; tries < 5; tries += 1) {
    const pin = await ask({ title, says: tries ? "That was not the PIN. Nothing was signed." : "", secret: true });
    if (pin === null) return null;
    const key = await unlock(badge, pin, locker);
    if (key) return key;
    call("POST", api("/attempts"), canonical({ id: badge.id, why: "wrong PIN" })).catch(() => null);
  }
  if (me.person?.id === badge.id) await leave();
  announce("Five wrong PINs: present the badge again.", "bad");
  return null;
}

// ---- an act ----------------------------------------------------------------------------------------------------------

// `form`: a form of the page with the wish in data-wish. Answers whether it went out.
export async function act(form) {
  const wish = JSON.parse(form.dataset.wish);
  if (!me.person) {
    announce(me.here.place ? "Present your badge first." : "Sign in first.", "bad");
    return false;
  }
  const values = valuesOf(form);
  try {
    const done = await signed(wish, values, form.documents);
    if (done && "resets" in form.dataset) form.reset();
    return done;
  } catch (error) {
    if (error instanceof Problem) refused(error.problem, form);
    else if (error.name === "NotAllowedError") announce("The passkey was not used. Nothing was signed.", "bad");
    else if (error instanceof TypeError) announce("The site did not answer: look whether it is recorded before you do it again.", "bad"); // fetch
    else announce(`Nothing was signed: ${error.message}`, "bad");
    return false;
  }
}

async function signed(wish, values, documents) {
  const place = wish.signs || wish.act.startsWith("step.") ? me.here.place?.id : undefined;
  const own = { id: me.person.id, role: wish.role };
  if (wish.signs) Object.assign(own, { auth: authOf(wish.site), meaning: wish.means });
  if (me.person.passkey) own.kind = "webauthn";
  const others = (wish.others || []).map((other) => coSigner(wish, other));
  const command = await commandOf(wish, values, [own, ...others], place);
  const person = wish.signs || wish.confirms ? await confirmed(wish, command) : me.person;
  if (!person) return false;
  const signers = [{ id: me.person.id, sign: person.sign }];
  for (const [id, , kind] of wish.signs ? wish.others || [] : []) {
    if (kind === "webauthn" || APART.includes(wish.act)) continue; // at their own screen
    const key = await second(id, wish, command);
    if (!key) return false;
    signers.push(signer(id, key));
  }
  const station = place && placeSigner();
  if (station && station.id !== me.person.id) signers.push(station);
  const envelope = await seal(ACTION, utf8(canonical(command)), signers);
  if (others.length) return laid(envelope, wish);
  const reply = documents ? await beside(wish, envelope, documents) : await deliver(`/${wish.site}/api/actions`, envelope, MAY_WAIT.includes(wish.act), wish.does);
  if (reply) {
    if (wish.signs) me.person.last[wish.site] = Date.now();
    announce(`${wish.does}: recorded.`, "good");
    note(reply);
  }
  return true;
}

// Documents that an act pins by their digest go with it. `documents`: content (base64) by SHA-256.
const beside = (wish, envelope, documents) =>
  call("POST", `/${wish.site}/api/actions`, `{"documents":${canonical(documents)},"envelope":${envelope}}`);

async function laid(envelope, wish) {
  const found = await call("POST", `/${wish.site}/api/papers`, envelope, "application/vnd.dsse+json");
  if (found.missing.length) announce(`Signed. It now waits for ${found.missing.join(" and ")}.`, "good");
  else announce(`${wish.does}: recorded.`, "good");
  return true;
}

// A paper that others signed before: the same bytes, one more signature.
export async function sign_paper(digest, site) {
  const papers = await call("GET", `/${site}/api/papers`);
  const paper = papers.find((one) => one.digest === digest);
  if (!paper) return announce("This paper is not here any more.", "bad");
  const command = paper.payload;
  const mine = command.signers.find((one) => one.id === me.person.id);
  const person = await confirmed({ does: `Sign: ${command.act}`, means: mine?.meaning || "", act: command.act, site }, command);
  if (!person) return false;
  const envelope = await seal(ACTION, utf8(canonical(command)), [{ id: me.person.id, sign: person.sign }]);
  return laid(envelope, { site, does: "Signed" });
}

// Somebody who signs the same bytes: with a passkey at their own screen, with a badge here and now.
function coSigner(wish, [id, role, kind]) {
  const one = { id, role };
  if (kind === "webauthn") one.kind = kind;
  if (!wish.signs) return one;
  const components = kind === "webauthn" ? PASSKEY : ["badge", "pin"];
  return { ...one, auth: { components, session: `C${token(6)}` }, meaning: wish.means };
}

let expecting = null;

// The second signature at this place: their badge, their PIN, the same command.
async function second(id, wish, command) {
  const rows = await told(command);
  const badge = await new Promise((resolve) => {
    expecting = (found) => found.id === id && resolve(found);
    ask({ title: `Present the badge of ${id}`, rows, says: `Their signature means: ${wish.means}.`, confirm: null }).then(() => resolve(null));
  });
  expecting = null;
  document.getElementById("ask").close();
  if (!badge) return null;
  return keyByPin(badge, await call("GET", api(`/lockers/${encodeURIComponent(id)}`)), `PIN of ${id}`);
}

// Two components at a session's first signature at a site, one secret later, all again after idle time.
function authOf(site) {
  if (me.person.passkey) return { components: PASSKEY, session: me.person.session };
  const last = me.person.last[site];
  const fresh = last && Date.now() - last < (me.here.idle_s - 5) * 1000;
  return { components: fresh ? ["pin"] : ["badge", "pin"], session: me.person.session };
}

// The dialog: what is signed, what it means, and the secret. Answers who signs now, or null.
async function confirmed(wish, command) {
  const rows = await told(command);
  const says = wish.means ? `Your signature means: ${wish.means}.` : "";
  if (me.person.passkey) {
    const yes = await ask({ title: wish.does, rows, says, confirm: "Sign with passkey" });
    return yes === null ? null : me.person;
  }
  for (let tries = 0; tries < 5; tries += 1) {
    const again = tries ? `That was not the PIN. Nothing was signed. ${says}` : says;
    const pin = await ask({ title: wish.does, rows, says: again, secret: true, confirm: "Sign" });
    if (pin === null) return null;
    const key = await unlock(me.person.badge, pin, me.person.locker);
    if (key) return signer(me.person.id, key);
    call("POST", api("/attempts"), canonical({ id: me.person.id, why: "wrong PIN" })).catch(() => null);
  }
  await leave();
  announce("Five wrong PINs: you are signed out.", "bad");
  return null;
}
