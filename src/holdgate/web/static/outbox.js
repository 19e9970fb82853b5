// The outbox: what was signed and has no answer yet. Kept on the disk, delivered once the network is back; a site that gets the
// same bytes twice gives the first answer again, so nothing is recorded twice. One tab delivers at a time.

import { hex, sha256, utf8 } from "./canon.js";
import { all, count, drop, put } from "./keep.js";
import { call, Problem } from "./state.js";
import { announce } from "./tell.js";

const ENVELOPE = "application/vnd.dsse+json";
const tabs = "BroadcastChannel" in self ? new BroadcastChannel("holdgate-outbox") : null;
const listeners = new Set();

export const onCount = (told) => listeners.add(told);

export async function recount() {
  const waiting = await count("outbox");
  listeners.forEach((told) => told(waiting));
}

if (tabs) tabs.onmessage = recount;

// Answers the site's reply; null where it waits in the outbox. A refusal is thrown as a Problem.
export async function deliver(path, envelope, mayWait, does) {
  try {
    return await call("POST", path, envelope, ENVELOPE);
  } catch (error) {
    if (!(mayWait && lost(error))) throw error;
    const key = hex(await sha256(utf8(envelope)));
    await put("outbox", key, { key, path, envelope, does, at: Date.now() });
    await told();
    announce(`${does}: kept here, and delivered when the site answers.`, "waits");
    return null;
  }
}

// No answer that decides anything: nobody answered, the site has a fault, or it has forgotten this workstation since it started.
export const lost = (error) => !(error instanceof Problem) || error.problem.status >= 500 || [401, 403, 408].includes(error.problem.status);

async function told() {
  await recount();
  tabs?.postMessage("changed");
}

export function flush() {
  return navigator.locks.request("holdgate-outbox", { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    const waiting = (await all("outbox")).filter((one) => one.path).sort((one, other) => one.at - other.at);
    for (const one of waiting) {
      try {
        await call("POST", one.path, one.envelope, ENVELOPE);
      } catch (error) {
        if (lost(error)) break;
        announce(`${one.does} (kept since ${new Date(one.at).toLocaleTimeString()}) was refused: ${error.message}`, "bad");
      }
      await drop("outbox", one.key);
    }
    await told();
  });
}
