// What a dropped file is, by its content; and the verification of everything that was dropped, together.

import { auditBundle, compareImports } from "./audit.js";
import { readBundle } from "./bundle.js";
import { Fault, textOf } from "./bytes.js";
import { openTrusted } from "./roots.js";
import { CHARTER_TYPE } from "./dsse.js";
import { makeVkey, parseVkey } from "./note.js";
import { HEADER, entryFor, readProof, verifyReceipt } from "./receipt.js";
import { Roster } from "./roster.js";
import { readTrust } from "./trust.js";
import { Cancelled } from "./work.js";

const PEEK_BYTES = 65536;
const SMALL_BYTES_MAX = 4194304;

/** What each kind of file is called. */
export const KINDS = {
  bundle: "record of a site (bundle)",
  trust: "keys that you trust",
  receipt: "receipt of one entry",
  entry: "one entry",
  charter: "charter of the shop",
  vkey: "public key of a log",
  checkpoint: "cosigned checkpoint that was kept elsewhere",
  unknown: "not recognised",
};

/** Read what a file is: {name, kind, file, raw}; `raw` for all but bundles. */
export async function recognise(file) {
  const peek = new Uint8Array(await file.slice(0, PEEK_BYTES).arrayBuffer());
  const start = new TextDecoder().decode(peek).trimStart();
  if (start.startsWith("{") && /"line"\s*:\s*"(?:head|entry|blob)"/.test(start.split("\n", 1)[0]))
    return { name: file.name, kind: "bundle", file };
  if (start.startsWith('{"checkpoint":') && file.size > PEEK_BYTES) return { name: file.name, kind: "bundle", file };
  if (file.size > SMALL_BYTES_MAX) return { name: file.name, kind: "unknown", file };
  const raw = new Uint8Array(await file.arrayBuffer());
  return { name: file.name, kind: kindOf(raw, start), file, raw };
}

function kindOf(raw, start) {
  if (start.startsWith(HEADER)) return "receipt";
  if (start.startsWith("{")) return jsonKind(raw);
  if (start.includes("\n\n— ")) return "checkpoint";
  return /^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+\s*$/.test(start) ? "vkey" : "unknown";
}

function jsonKind(raw) {
  try {
    const value = JSON.parse(textOf(raw, "it"));
    if (Array.isArray(value.roots)) return "trust";
    if (value.payloadType === CHARTER_TYPE) return "charter";
    return Object.hasOwn(value, "seq") && Object.hasOwn(value, "decision") ? "entry" : "unknown";
  } catch {
    return "unknown";
  }
}

/** What is still missing before anything can be verified; empty where nothing is. */
export function missing(items) {
  const has = (kind) => items.some((item) => item.kind === kind);
  if (!has("trust") && !has("bundle") && !has("receipt"))
    return "Drop a record (bundle) or a receipt, and the shop's trust file.";
  if (!has("trust"))
    return "Now drop the shop's trust file (trust.json): the keys that you trust, from outside of the record.";
  if (items.filter((item) => item.kind === "trust").length > 1)
    return "There are two trust files: remove the one that does not count.";
  if (!has("bundle") && !has("receipt"))
    return "Now drop a record (a file that ends in .bundle), or a receipt with its entry.";
  return "";
}

/** Verify everything that was dropped. Gives {trust, reports, receipts}; a file that cannot be read is a report with a finding. */
export async function verifyAll(items, watch) {
  const of = (kind) => items.filter((item) => item.kind === kind);
  const trust = await readTrust(of("trust")[0].raw);
  const kept = of("checkpoint").map(({ name, raw }) => [name, raw]);
  const reports = [];
  for (const item of of("bundle")) reports.push(await verifyBundle(item, trust, watch, kept));
  await compareImports(reports);
  const receipts = [];
  for (const item of of("receipt")) receipts.push(await verifyOne(item, { trust, reports, of }));
  return { trust, reports, receipts };
}

async function verifyBundle(item, trust, watch, kept) {
  try {
    return { ...(await auditBundle(await readBundle(item.file, watch), trust, watch, kept)), name: item.name };
  } catch (error) {
    if (error instanceof Cancelled) throw error;
    return {
      name: item.name,
      unread: true,
      origin: "",
      size: 0,
      trees: new Map(),
      rows: [],
      findings: [{ seq: null, what: error.message }],
    };
  }
}

async function verifyOne(item, { trust, reports, of }) {
  try {
    const proof = readProof(item.raw);
    const charters = [];
    for (const { raw } of of("charter"))
      charters.push(await openTrusted(JSON.parse(textOf(raw, "the charter")), trust));
    const { log, from } = await logKey(proof.origin, charters, reports, of("vkey"));
    const found = await entryFor(
      proof,
      of("entry").map(({ raw }) => unended(raw)),
      reports,
    );
    const roster = charters.length ? new Roster(charters[0]) : null;
    return { name: item.name, from, ...(await verifyReceipt(proof, found, log, trust.witnesses, roster)) };
  } catch (error) {
    return { name: item.name, why: error.message };
  }
}

/** An editor's line end after an entry is no part of it. */
function unended(raw) {
  return raw.at(-1) === 10 ? raw.subarray(0, raw.length - 1) : raw;
}

async function logKey(origin, charters, reports, files) {
  for (const charter of charters) {
    const seat = charter.sites.find((site) => site.origin === origin);
    if (seat)
      return { log: await makeVkey(seat.origin, seat.key), from: "the charter, which your trusted roots signed" };
  }
  const report = reports.find((one) => one.origin === origin && one.logKey && !one.findings.length);
  if (report) return { log: await makeVkey(origin, report.logKey), from: "the record that was verified above" };
  for (const { raw } of files) {
    const vkey = await parseVkey(textOf(raw, "the key").trim());
    if (vkey.name === origin) return { log: vkey, from: "the key file that you gave, which nothing else vouches for" };
  }
  throw new Fault(
    `nothing here says which key the log ${origin} signs with: drop the shop's charter.json, or the bundle of that site`,
  );
}
