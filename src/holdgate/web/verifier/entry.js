// Entries: what stands in each, and what of it follows from the rules of the record alone, without deciding anything again.
// Source: docs/spec/entry.md.

import { Fault, fromBase64, sha256, textOf, toHex } from "./bytes.js";
import { checkText, encode, fields, parse } from "./canon.js";
import { ACTS, WITH_DOCUMENTS, subjectOf } from "./acts.js";
import { ACTION_TYPE, openEnvelope, payloadOf } from "./dsse.js";

const ENTRY_BYTES_MAX = 65535;
const PAYLOAD_BYTES_MAX = 12288;
const SLIP_BYTES_MORE = 1024;
const PINS_MAX = 4;
const SEMANTICS = 1;
const HEADER = ["site", "seq", "epoch", "at", "kind", "subject", "source", "law", "decision", "action", "record"];
const WITH_ACTION = ["genesis", "action"];
const KINDS = [...WITH_ACTION, "boot", "attempt", "import", "consequence", "contact", "cosigned"];
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const HEX32 = /^[0-9a-f]{64}$/;

/** Read the bytes of an entry; they must be its one canonical spelling. */
export function readEntry(body) {
  if (body.length > ENTRY_BYTES_MAX) throw new Fault(`an entry is longer than ${ENTRY_BYTES_MAX} bytes`);
  const entry = fields(parse(textOf(body, "the entry"), "the entry"), HEADER, ["prev", "pins"], "the entry");
  if (!KINDS.includes(entry.kind))
    throw new Fault(`the entry is of the kind ${String(entry.kind).slice(0, 80)}, which is not known here`);
  for (const name of ["site", "epoch", "subject"]) text(entry[name], name);
  for (const name of ["seq", "at"])
    if (!Number.isInteger(entry[name])) throw new Fault(`the entry's ${name} is no number`);
  if (Object.hasOwn(entry, "prev") && !HEX32.test(entry.prev)) throw new Fault("the entry's link is no hash");
  fields(entry.source, ["module", "node"], [], "the entry's source");
  fields(entry.law, ["semantics"], entry.kind === "action" ? ["contract", "version"] : [], "the entry's law");
  if (entry.law.semantics !== SEMANTICS)
    throw new Fault("the entry was decided under a law version that is not known here");
  checkPins(entry);
  checkDecision(entry.decision);
  if (
    (entry.action !== null) !== WITH_ACTION.includes(entry.kind) ||
    (entry.record !== null) === WITH_ACTION.includes(entry.kind)
  ) {
    throw new Fault(`an entry of the kind ${entry.kind} does not hold what it has to`);
  }
  return entry;
}

function text(value, name) {
  if (typeof value !== "string") throw new Fault(`the entry's ${name} is no text`);
}

function checkPins(entry) {
  const pins = entry.pins ?? [];
  const right = Array.isArray(pins) && pins.length <= PINS_MAX && pins.every((pin) => HEX32.test(pin));
  if (!right || (Object.hasOwn(entry, "pins") && !pins.length)) throw new Fault("the entry's pins are no digests");
}

function checkDecision(decision) {
  fields(decision, ["verdict"], ["events", "denials", "trace", "reads"], "the decision");
  for (const name of Object.keys(decision)) {
    if (name !== "verdict" && !(Array.isArray(decision[name]) && decision[name].length)) {
      throw new Fault(`the decision's ${name} are no list, or an empty one`);
    }
  }
  const denied = decision.verdict === "deny";
  if (!denied && decision.verdict !== "allow") throw new Fault("the decision neither allows nor denies");
  if (denied !== Object.hasOwn(decision, "denials"))
    throw new Fault("the decision denies without a reason, or allows with one");
  for (const denial of decision.denials ?? []) fields(denial, ["code", "gate"], ["values"], "a denial");
  for (const event of decision.events ?? []) if (typeof event?.ev !== "string") throw new Fault("an event has no name");
}

/** The signed act of an entry: envelope, command and the payload's digest. Proves nothing of the signatures. */
export async function readAct(entry) {
  const envelope = openEnvelope(entry.action, ACTION_TYPE);
  const command = payloadOf(envelope, "the signed action");
  checkText(command, "the signed action");
  fields(command, ["act", "site", "at", "nonce", "signers"], Object.keys(command), "the signed action");
  if (!Object.hasOwn(ACTS, command.act)) {
    throw new Fault(
      `this page does not know the act ${String(command.act).slice(0, 64)}; take the page of the shop's own release`,
    );
  }
  const most = PAYLOAD_BYTES_MAX + (command.act === "slip.stage" ? SLIP_BYTES_MORE : 0);
  if (envelope.payload.length > most) throw new Fault("the signed action is too long");
  checkSigners(command);
  return { envelope, command, digest: toHex(await sha256(envelope.payload)) };
}

function checkSigners(command) {
  if (!Array.isArray(command.signers) || !command.signers.length) throw new Fault("the signed action names no signer");
  const ids = new Set();
  for (const signer of command.signers) {
    fields(signer, ["id", "role"], ["kind", "meaning", "auth"], "a signer");
    if (!ID.test(signer.id)) throw new Fault("a signer's id is no id");
    if (ids.has(signer.id)) throw new Fault("the signed action names the same signer twice");
    ids.add(signer.id);
  }
  if (command.place !== undefined && !ID.test(command.place)) throw new Fault("the workstation's id is no id");
}

/** What an entry of each kind has to say of itself: its subject, and the module that set it off. */
export function accountOf(entry, act) {
  const record = entry.record;
  switch (entry.kind) {
    case "genesis":
      return { subject: "charter", module: entry.site };
    case "boot":
      return { subject: "boot", module: entry.site, event: booted(entry) };
    case "action":
      return { subject: subjectOf(act.command), module: act.command.place ?? act.command.signers[0].id };
    case "attempt":
      return attempted(entry);
    case "import":
      fields(record, ["origin", "start", "size", "checkpoint", "leaves", "held"], [], "the record");
      return { subject: `origin:${record.origin}`, event: ["Imported", pick(record, ["origin", "start", "size"])] };
    case "contact":
      fields(record, ["site", "up"], [], "the record");
      return { subject: `site:${record.site}`, module: record.site, event: ["ContactChanged", record] };
    case "cosigned":
      fields(record, ["witness", "note"], [], "the record");
      return { subject: `witness:${record.witness}`, module: record.witness };
    default:
      return consequence(entry);
  }
}

function pick(record, names) {
  return Object.fromEntries(names.map((name) => [name, record[name]]));
}

function booted(entry) {
  fields(entry.record, ["epoch", "reconciled"], ["again"], "the record");
  return ["Booted", entry.record];
}

function attempted(entry) {
  const record = fields(entry.record, ["code", "why", "source"], ["act", "digest", "count"], "the record");
  const broken = record.code === "CHAIN_BROKEN";
  const gate = broken ? "import" : "envelope";
  const values = broken ? { origin: record.source, why: record.why } : { id: record.source, why: record.why };
  const decision = {
    verdict: "deny",
    denials: [{ code: record.code, gate, values }],
    trace: [`${gate} ${record.code}`],
  };
  if (encode(decision) !== encode(entry.decision))
    throw new Fault("its decision is not the one that its record leads to");
  return { subject: `source:${record.source}`, module: record.source };
}

function consequence(entry) {
  fields(entry.record, ["of"], [], "the record");
  const [event, ...more] = entry.decision.events ?? [];
  const flagged = event?.ev === "JobFlagged";
  if (more.length || (!flagged && event?.ev !== "EquipmentWithdrawn"))
    throw new Fault("it says what no consequence says");
  return { subject: flagged ? `${event.order}/${event.job}` : `equipment:${event.equipment}`, module: entry.site };
}

/** Whether a decision begins with this event ([name, fields]). */
export function checkEvent(decision, [name, said]) {
  const found = decision.events?.[0];
  const right = decision.verdict === "allow" && found?.ev === name;
  if (!right || Object.entries(said).some(([field, value]) => encode(found[field] ?? false) !== encode(value))) {
    throw new Fault("its decision is not the one that its record leads to");
  }
}

/** Whether documents may be kept beside an entry. */
export function takesDocuments(act) {
  return act !== null && WITH_DOCUMENTS.includes(act.command.act);
}

/** The bytes of a base64 field of a record. */
export function bytesOf(record, name) {
  return fromBase64(record[name], `the record's ${name}`);
}
