// Signatures of passkeys (WebAuthn assertions), so that an auditor verifies them without the server that took them.
// A key is the canonical JSON of {alg, key, rp_id}; a signature that of {authenticator_data, client_data, signature}.
// Source: W3C Web Authentication, section 7.2; docs/spec/envelope.md.

import { Fault, concat, fromBase64, same, sha256, textOf, toBase64url, toHex, utf8 } from "./bytes.js";
import { fields, parse, parseOnce } from "./canon.js";
import { checkKey, verify } from "./ed25519.js";

const ES256 = -7;
const EDDSA = -8;
const RS256 = -257;
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const ATTESTED = 0x40;
const BACKUP_ELIGIBLE = 0x08;
const BACKED_UP = 0x10;
const EXTENDED = 0x80;
const HEADER_BYTES = 37;
const PASSKEY_BYTES_MAX = 1024;
export const ASSERTION_BYTES_MAX = 2048;
const RSA_BITS = [2048, 4096];
const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
// A last label that makes a host an address, or none at all (URL Standard, 3.5): no browser has a page there.
const NUMBER = "(?:[0-9]+|0x[0-9a-f]*)$";
const HOST = new RegExp(`^(?=.{1,253}$)(?:${LABEL}\\.)*(?!${NUMBER})${LABEL}$`);

/** Read a passkey from the bytes of an enrolled key. */
export function readPasskey(raw) {
  if (raw.length > PASSKEY_BYTES_MAX) throw new Fault("the passkey is too long");
  const value = fields(parse(textOf(raw, "the passkey"), "the passkey"), ["alg", "key", "rp_id"], [], "the passkey");
  if (![ES256, EDDSA, RS256].includes(value.alg))
    throw new Fault(`the passkey's algorithm ${value.alg} is not read here`);
  if (typeof value.rp_id !== "string" || !HOST.test(value.rp_id))
    throw new Fault("the passkey's rp_id is no host name");
  const key = fromBase64(value.key, "the passkey's key");
  if (value.alg === ES256 && (key.length !== 65 || key[0] !== 4)) throw new Fault("the passkey is no point of P-256");
  if (value.alg === EDDSA) checkKey(key, "the passkey");
  return { alg: value.alg, key, host: value.rp_id };
}

/** Why an assertion does not hold for a message; empty where it holds. The sentence continues one. */
export async function verifyPasskey(passkey, message, raw) {
  try {
    const said = fields(parse(textOf(raw, "it"), "it"), ["authenticator_data", "client_data", "signature"], [], "it");
    const data = fromBase64(said.authenticator_data, "its authenticator data");
    const client = fromBase64(said.client_data, "its client data");
    await checkClient(client, message, passkey.host);
    await checkAuthenticator(data, passkey.host);
    const signed = concat(data, await sha256(client));
    if (await signatureHolds(passkey, signed, fromBase64(said.signature, "its signature"))) return "";
    return ": the passkey did not make it";
  } catch (error) {
    if (error instanceof Fault) return `: ${error.message}`;
    throw error;
  }
}

async function checkClient(raw, message, host) {
  const client = parseOnce(textOf(raw, "its client data"), "its client data");
  if (client === null || typeof client !== "object") throw new Fault("its client data cannot be read");
  if (client.type !== "webauthn.get") throw new Fault("it is no assertion");
  if (client.challenge !== toBase64url(await sha256(message))) throw new Fault("it was made for another action");
  if (client.crossOrigin !== undefined && client.crossOrigin !== false)
    throw new Fault("it was made in a page inside of another");
  checkOrigin(client.origin, host);
}

function checkOrigin(origin, host) {
  const found = /^(https?):\/\/([a-z0-9.-]+)(?::[0-9]{1,5})?$/.exec(typeof origin === "string" ? origin : "");
  const under = found && HOST.test(found[2]) && (found[2] === host || found[2].endsWith(`.${host}`));
  if (!under || (found[1] !== "https" && found[2] !== "localhost"))
    throw new Fault(`it was made for another place than ${host}`);
}

async function checkAuthenticator(data, host) {
  if (data.length < HEADER_BYTES) throw new Fault("its authenticator data are too short");
  if (!same(data.subarray(0, 32), await sha256(utf8(host))))
    throw new Fault(`it was made for another place than ${host}`);
  const flags = data[32];
  if (!(flags & USER_PRESENT)) throw new Fault("nobody was present");
  if (!(flags & USER_VERIFIED)) throw new Fault("the authenticator did not verify who was there");
  const odd = flags & ATTESTED || (flags & BACKED_UP && !(flags & BACKUP_ELIGIBLE));
  if (odd || data.length > HEADER_BYTES !== Boolean(flags & EXTENDED))
    throw new Fault("its authenticator data are not an assertion's");
}

async function signatureHolds(passkey, message, signature) {
  if (passkey.alg === EDDSA) return verify(passkey.key, message, signature);
  const [format, algorithm, asked, given] =
    passkey.alg === ES256
      ? ["raw", { name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" }, fromDer(signature)]
      : ["spki", { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, { name: "RSASSA-PKCS1-v1_5" }, signature];
  if (given === null) return false;
  try {
    return await crypto.subtle.verify(asked, await importedKey(format, passkey.key, algorithm), given, message);
  } catch {
    return false;
  }
}

const imported = new Map();

function importedKey(format, key, algorithm) {
  const name = `${format} ${toHex(key)}`;
  if (!imported.has(name)) imported.set(name, readKey(format, key, algorithm));
  return imported.get(name);
}

async function readKey(format, key, algorithm) {
  const read = await crypto.subtle.importKey(format, key, algorithm, true, ["verify"]);
  if (format !== "spki") return read;
  const { modulusLength, publicExponent } = read.algorithm;
  const weak =
    modulusLength < RSA_BITS[0] ||
    modulusLength > RSA_BITS[1] ||
    !(publicExponent.at(-1) & 1) ||
    publicExponent.length > 4;
  const again = new Uint8Array(await crypto.subtle.exportKey("spki", read));
  if (weak || !same(again, key)) throw new Fault("the RSA key is weak, or not in its one encoding");
  return read;
}

/** An ECDSA signature from DER (two integers) as the 64 bytes that WebCrypto takes; null where it is no strict DER. */
export function fromDer(der) {
  if (der.length < 8 || der.length > 72 || der[0] !== 0x30 || der[1] !== der.length - 2) return null;
  const joined = new Uint8Array(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der[at + 1];
    const number = der.subarray(at + 2, at + 2 + length);
    if (der[at] !== 0x02 || !length || number.length !== length || number[0] & 0x80) return null;
    if (length > 1 && number[0] === 0 && !(number[1] & 0x80)) return null;
    const plain = number[0] === 0 ? number.subarray(1) : number;
    if (plain.length > 32) return null;
    joined.set(plain, end - plain.length);
    at += 2 + length;
  }
  return at === der.length ? joined : null;
}
