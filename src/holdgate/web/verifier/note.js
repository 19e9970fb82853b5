// C2SP signed notes, checkpoints and cosignatures: how a log states its size and root, and how a witness attests it.
// Source: C2SP signed-note, tlog-checkpoint, tlog-cosignature; docs/spec/ledger.md.

import { Fault, concat, fromBase64, sha256, textOf, toHex, utf8 } from "./bytes.js";
import { SIGNATURE_BYTES, checkKey, verify } from "./ed25519.js";
import { HASH_BYTES } from "./merkle.js";

export const KIND_LOG = 1;
export const KIND_COSIGNATURE = 4;
const NOTE_BYTES_MAX = 65536;
const LINES_MAX = 64;
const CONTROL = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/;
const ODD_NAME = /[\s+\x00-\x1f\x7f-\x9f\x85\ufeff]/;
const NUMBER = /^(?:0|[1-9][0-9]{0,15})$/;

/** A decimal number without sign or leading zeros, at most 2^53 - 1. */
export function readNumber(text, what) {
  const number = Number(text);
  if (!NUMBER.test(text) || !Number.isSafeInteger(number)) throw new Fault(`${what} ${text.slice(0, 24)} is no number`);
  return number;
}

function checkName(name) {
  if (!name || ODD_NAME.test(name)) throw new Fault(`${name.slice(0, 80)} cannot name a key or a log`);
  return name;
}

async function keyId(name, kind, key) {
  return (await sha256(concat(utf8(`${name}\n`), Uint8Array.of(kind), key))).subarray(0, 4);
}

/** A verifier key from its parts. */
export async function makeVkey(name, key, kind = KIND_LOG) {
  checkName(name);
  checkKey(key, `the key of ${name}`);
  return { name, key, kind, id: toHex(await keyId(name, kind, key)) };
}

/** Read a verifier key: `name+key id+base64(kind ‖ key)`. */
export async function parseVkey(text) {
  const [name, id, ...rest] = text.split("+");
  if (rest.length === 0) throw new Fault(`${text.slice(0, 80)} is no verifier key; it reads name+key id+base64`);
  const blob = fromBase64(rest.join("+"), `the verifier key of ${name}`);
  if (blob[0] !== KIND_LOG && blob[0] !== KIND_COSIGNATURE) {
    throw new Fault(`the verifier key of ${name} is of a kind that is not read here; 0x01 and 0x04 (Ed25519) are`);
  }
  const vkey = await makeVkey(name, blob.slice(1), blob[0]);
  if (vkey.id !== id) throw new Fault(`the verifier key of ${name} carries another key id than its own; copy it again`);
  return vkey;
}

/** Split a note into its text and its signature lines. Proves nothing. */
export function readNote(raw) {
  if (raw.length > NOTE_BYTES_MAX) throw new Fault("the note is too long");
  const whole = textOf(raw, "the note");
  if (CONTROL.test(whole)) throw new Fault("the note holds control characters");
  const split = whole.lastIndexOf("\n\n");
  if (split < 0) throw new Fault("the note has no blank line between its text and its signatures");
  const lines = whole.slice(split + 2).split("\n");
  if (lines.pop() !== "" || !lines.length || lines.length > LINES_MAX) {
    throw new Fault(`the note must end in 1 to ${LINES_MAX} signature lines, each with its newline`);
  }
  return { text: whole.slice(0, split + 1), lines: lines.map(readLine) };
}

function readLine(line) {
  const found = /^— ([^ ]+) ([^ ]+)$/.exec(line);
  if (!found) throw new Fault(`${line.slice(0, 80)} is no signature line`);
  const blob = fromBase64(found[2], "a signature line");
  if (blob.length <= 4) throw new Fault("a signature line holds no signature");
  return { name: checkName(found[1]), id: toHex(blob.subarray(0, 4)), body: blob.subarray(4) };
}

/** What a checkpoint claims: origin, size and root. Proves nothing. */
export function parseCheckpoint(text) {
  const lines = text.split("\n");
  if (lines.length !== 4 || lines[3]) throw new Fault("a checkpoint has exactly three lines: origin, size and root");
  const root = fromBase64(lines[2], "the checkpoint's root");
  if (root.length !== HASH_BYTES) throw new Fault("the checkpoint's root is no SHA-256 hash");
  return { origin: checkName(lines[0]), size: readNumber(lines[1], "the checkpoint's size"), root };
}

function cosigned(text, body) {
  const time = new DataView(body.buffer, body.byteOffset).getBigUint64(0);
  return {
    time: Number(time),
    message: utf8(`cosignature/v1\ntime ${time}\n${text}`),
    ok: time > 0n && time < 2n ** 53n,
  };
}

async function holds(vkey, text, body) {
  if (vkey.kind === KIND_LOG) return verify(vkey.key, utf8(text), body);
  if (body.length !== 8 + SIGNATURE_BYTES) return false;
  const { message, ok } = cosigned(text, body);
  return ok && verify(vkey.key, message, body.subarray(8));
}

/** Whether a signature line names this key. */
export function names(line, vkey) {
  return line.name === vkey.name && line.id === vkey.id;
}

/** Read a checkpoint and believe it because its own log signed it. */
export async function openCheckpoint(raw, log) {
  const { text, lines } = readNote(raw);
  const own = lines.filter((line) => names(line, log));
  for (const line of own) {
    if (!(await holds(log, text, line.body))) {
      throw new Fault(`the signature of ${log.name} does not hold for this note; nothing of it is believed`);
    }
  }
  if (!own.length)
    throw new Fault(`this checkpoint is not signed by the log ${log.name} under the key that is known here`);
  const checkpoint = parseCheckpoint(text);
  if (checkpoint.origin !== log.name)
    throw new Fault(`this is a checkpoint of ${checkpoint.origin}, not of ${log.name}`);
  return checkpoint;
}

/** When this witness cosigned a note (UTC seconds); the latest time where it did so often. */
export async function verifyCosignature(raw, vkey) {
  const { text, lines } = readNote(raw);
  let latest = 0;
  for (const line of vkey.kind === KIND_COSIGNATURE ? lines.filter((found) => names(found, vkey)) : []) {
    if (!(await holds(vkey, text, line.body))) {
      throw new Fault(`the cosignature of ${vkey.name} does not hold for this checkpoint`);
    }
    latest = Math.max(latest, cosigned(text, line.body).time);
  }
  if (!latest) throw new Fault(`${vkey.name} did not cosign this checkpoint`);
  return latest;
}
