// The dock: marks from a scanner (wherever the focus is) or typed. Each scan is kept on this machine first, with its time; it is
// signed with the workstation's key when it is delivered, counted once, and let go of only when the gate has answered.

import { canonical, token, utf8 } from "./canon.js";
import { ACTION, seal } from "./dsse.js";
import { all, drop, get, put } from "./keep.js";
import { refresh } from "./live.js";
import { lost, recount } from "./outbox.js";
import { api, call, me, nowUs, placeSigner, Problem } from "./state.js";
import { announce, ask } from "./tell.js";
import { expect, onScan } from "./wedge.js";

const WORDS = { go: "GO", hold: "HOLD", no: "NO" };
const LIVE_MS = 20_000; // a scan that is delivered within this time is live; a later one says when it was made

let begun = false;

export default function dock() {
  const form = document.getElementById("scan");
  form.onsubmit = (event) => {
    event.preventDefault();
    scan(document.getElementById("mark").value.trim());
  };
  if (begun) return;
  begun = true;
  for (const pattern of [/^\[\)>/, /^urn:/i, /^https?:/i, /^\(\d\d/, /^\][CdQe]\d/, /^01\d{14}/, /^[^/\s]+\/[^/\s]*\/\S+$/]) expect(pattern);
  onScan((text) => document.getElementById("scan") && scan(text));
  setInterval(deliver, 3000);
  deliver();
}

async function scan(text) {
  if (!text) return;
  if (/^hg1:/i.test(text)) return void (document.getElementById("mark").value = ""); // a badge: its secret goes nowhere
  const typed = (id) => document.getElementById(id).value.trim() || undefined;
  const kept = { key: `scan-${Date.now()}-${token(4)}`, scan: true, text, order: typed("scan-order"), rev: typed("scan-rev"), at: Date.now(), us: nowUs(), site: me.site };
  await put("outbox", kept.key, kept);
  document.getElementById("mark").value = "";
  show("", `Read ${text}`, "");
  await deliver(true);
}

// One tab delivers at a time; scans go in the order in which they were made.
function deliver(now = false) {
  return navigator.locks.request("holdgate-scans", { ifAvailable: !now }, async (lock) => {
    if (!lock) return;
    const waiting = (await all("outbox")).filter((one) => one.scan).sort((one, other) => one.at - other.at);
    for (const one of waiting) if (!(await delivered(one))) break;
    await recount();
  });
}

async function delivered(kept) {
  try {
    const envelope = kept.envelope || (await signed(kept));
    if (!envelope) return true; // it was no mark, and the person knows
    const answer = await call("POST", api("/scans", kept.site), envelope, "application/vnd.dsse+json");
    await drop("outbox", kept.key);
    show(answer.came, answer.says, answer.helps);
    await refresh();
    return true;
  } catch (error) {
    if (!lost(error)) {
      await drop("outbox", kept.key);
      show("no", error.message, "Nothing was recorded.");
      return true;
    }
    const why = error instanceof Problem ? error.message : "the site does not answer";
    show("hold", `Kept here: ${why}.`, "Nothing is lost; it is delivered when the site takes it.");
    return false;
  }
}

// The broadcast of a scan, kept as it was signed: however often it is sent, it is one broadcast.
async function signed(kept) {
  const station = placeSigner();
  if (!station) throw new Problem({ detail: "This browser is no enrolled workstation.", status: 403 });
  const part = await call("POST", api("/marks", kept.site), canonical({ text: kept.text }));
  const rev = part.rev || kept.rev || (await ask({ title: "Revision", says: `${part.part_no} ${part.serial} carries none.`, text: true }));
  if (!rev) {
    await drop("outbox", kept.key);
    show("no", "Not scanned: no revision.", "");
    return null;
  }
  const { last } = await call("GET", api(`/readers/${encodeURIComponent(station.id)}`, kept.site));
  const counter = Math.max(last, (await get("device", "counter")) || 0) + 1;
  const late = Date.now() - kept.at > LIVE_MS;
  const command = {
    act: "part.arrival", at: nowUs(), nonce: token(), signers: [{ id: station.id, role: "scanner" }], site: kept.site, place: station.id,
    part_no: part.part_no, rev, serials: [part.serial], quantity: 1, reader_seq: counter,
    ...(kept.order ? { order: kept.order } : {}),
    ...(late ? { buffered: true, captured_at: kept.us } : { observed_at: kept.us }),
  };
  const envelope = await seal(ACTION, utf8(canonical(command)), [station]);
  await put("device", "counter", counter);
  await put("outbox", kept.key, { ...kept, envelope });
  return envelope;
}

function show(came, says, helps) {
  const box = document.getElementById("came");
  if (!box) return announce(says, came === "no" ? "bad" : "good");
  box.className = came;
  document.getElementById("came-word").textContent = WORDS[came] || "";
  document.getElementById("came-says").textContent = says;
  document.getElementById("came-helps").textContent = helps;
}

