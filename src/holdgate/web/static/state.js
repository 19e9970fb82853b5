// Who is here: the workstation of this browser, and the person with their key for as long as they stay. Lost with the page.

import { canonical, token, utf8 } from "./canon.js";
import { LOGIN, seal } from "./dsse.js";
import { device, passkeySigner, signer } from "./keys.js";

export const me = {
  site: document.documentElement.dataset.site,
  here: null, // what /api/session says
  device: null, // { id, key }
  person: null, // { id, roles, name, badge | passkey, sign, session, unlocked }
  offset: 0, // what to add to this clock's time (ms) to get the site's
};

export class Problem extends Error {
  constructor(problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }
}

export async function call(method, path, body, type = "application/json") {
  const headers = body === undefined ? {} : { "Content-Type": type };
  const answer = await fetch(path, { method, headers, body, credentials: "same-origin", redirect: "error" });
  const text = await answer.text();
  if (answer.ok) return text ? JSON.parse(text) : null;
  let problem = { title: answer.statusText, status: answer.status, detail: text.slice(0, 200) };
  try {
    problem = { ...problem, ...JSON.parse(text), status: answer.status };
  } catch {
    /* a server in front of the site answered: its words will do */
  }
  throw new Problem(problem);
}

export const api = (path, site = me.site) => `/${site}/api${path}`;

export const nowUs = () => Math.round((Date.now() + me.offset) * 1000);

async function signIn(who) {
  const { challenge, host } = await call("POST", api("/challenge"));
  const payload = utf8(canonical({ challenge, host, id: who.id }));
  const here = await call("POST", api("/session"), await seal(LOGIN, payload, [who]), "application/vnd.dsse+json");
  return here;
}

function learn(here) {
  me.here = here;
  me.offset = here.now / 1000 - Date.now();
}

// What the browser knows by itself when a page opens. A person's key is never kept: they sign in again.
export async function begin() {
  if (!me.site) return;
  learn(await call("GET", api("/session")));
  me.device = (await device().catch(() => null)) || null;
  if (me.device && !(me.here.place && me.here.place.id === me.device.id)) {
    await signIn(signer(me.device.id, me.device.key)).catch(() => null); // not enrolled (yet): nothing is lost
    learn(await call("GET", api("/session")));
  }
  if (me.here.person && !me.person && me.here.person.passkey) {
    me.person = { ...me.here.person, sign: passkeySigner(me.here.person.id).sign, session: `W${token(6)}` };
  }
}

export async function enter(person) {
  await signIn(person);
  learn(await call("GET", api("/session")));
  me.person = { ...person, ...me.here.person, session: `S${token(6)}`, last: {} };
}

export async function leave() {
  me.person = null;
  await call("DELETE", api("/session")).catch(() => null);
}

export const placeSigner = () => (me.device && me.here.place ? signer(me.device.id, me.device.key) : null);
