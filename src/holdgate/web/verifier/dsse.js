// Signed envelopes: DSSE v1. The signatures cover the exact payload bytes and their type; nothing is encoded again.
// Source: docs/spec/envelope.md.

import { Fault, concat, fromBase64, textOf, utf8 } from "./bytes.js";
import { encode, fields, parse } from "./canon.js";
import { PUBLIC_BYTES, SIGNATURE_BYTES, verify } from "./ed25519.js";
import { ASSERTION_BYTES_MAX, readPasskey, verifyPasskey } from "./passkey.js";

export const ACTION_TYPE = "application/vnd.holdgate.action.v1+json";
export const CHARTER_TYPE = "application/vnd.holdgate.charter.v1+json";
const ENVELOPE_BYTES_MAX = 49152;
const SIGNATURES_MAX = 16;
const PASSKEYS_BYTES_MAX = 8192;

/** The bytes that are signed: DSSE's pre-authentication encoding of type and payload. */
export function pae(type, payload) {
  const kind = utf8(type);
  return concat(utf8(`DSSEv1 ${kind.length} `), kind, utf8(` ${payload.length} `), payload);
}

/** Read an envelope, given as the value of its canonical JSON. Proves nothing: `whyNotSigned` does. */
export function openEnvelope(value, type) {
  fields(value, ["payload", "payloadType", "signatures"], [], "the envelope");
  if (utf8(encode(value)).length > ENVELOPE_BYTES_MAX) throw new Fault("the envelope is too long");
  if (value.payloadType !== type) {
    throw new Fault(`the envelope holds a payload of another type than ${type}`);
  }
  if (!Array.isArray(value.signatures) || !value.signatures.length || value.signatures.length > SIGNATURES_MAX) {
    throw new Fault(`the envelope has to carry 1 to ${SIGNATURES_MAX} signatures`);
  }
  const signatures = new Map();
  let passkeys = 0;
  for (const row of value.signatures) {
    fields(row, ["keyid", "sig"], [], "a signature");
    if (typeof row.keyid !== "string" || signatures.has(row.keyid)) {
      throw new Fault(`the envelope carries two signatures under the keyid ${String(row.keyid).slice(0, 80)}`);
    }
    const signature = fromBase64(row.sig, `the signature of ${row.keyid.slice(0, 80)}`);
    if (signature.length !== SIGNATURE_BYTES) passkeys += passkeyBytes(signature);
    signatures.set(row.keyid, signature);
  }
  if (passkeys > PASSKEYS_BYTES_MAX) throw new Fault("the passkeys' signatures are too long together");
  return { type, payload: fromBase64(value.payload, "the payload"), signatures };
}

function passkeyBytes(signature) {
  if (signature.length > ASSERTION_BYTES_MAX || signature[0] !== 0x7b)
    throw new Fault("a signature has the form of none");
  return signature.length;
}

/** The payload of an envelope as a value, from its canonical bytes. */
export function payloadOf(envelope, what) {
  return parse(textOf(envelope.payload, what), what);
}

/** Why an envelope is not signed by exactly these people (`keys`: [keyid, public key, and the keys before it that
 * still count] of each); empty where it is. */
export async function whyNotSigned(envelope, keys) {
  const held = envelope.signatures;
  for (const [keyid] of keys) if (!held.has(keyid)) return `the signature of ${keyid} is missing`;
  const wanted = new Set(keys.map(([keyid]) => keyid));
  const surplus = [...held.keys()].filter((keyid) => !wanted.has(keyid));
  if (surplus.length || held.size !== keys.length || !keys.length) {
    return `it carries signatures that nobody asked for: ${surplus.map((keyid) => keyid.slice(0, 80)).join(", ")}`;
  }
  const message = pae(envelope.type, envelope.payload);
  for (const [keyid, key, earlier = []] of keys) {
    let why = await whyFalse(key, message, held.get(keyid));
    for (const before of why ? earlier : []) if (!(await whyFalse(before, message, held.get(keyid)))) why = "";
    if (why) return `the signature of ${keyid} does not hold for this payload and its key${why}`;
  }
  return "";
}

async function whyFalse(key, message, signature) {
  if (key.length !== PUBLIC_BYTES) return verifyPasskey(readPasskey(key), message, signature);
  if (signature.length !== SIGNATURE_BYTES) return ": it is no Ed25519 signature";
  return (await verify(key, message, signature)) ? "" : ": it was made for other bytes or with another key";
}
