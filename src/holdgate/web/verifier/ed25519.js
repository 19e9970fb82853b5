// Ed25519 under the shop's rule, which is libsodium's strict one. Browsers differ from it, and from each other, only on odd
// keys and signatures; those are refused here before the browser is asked:
//   a key or an R that is one of the eight points of small order; a key that is no canonical encoding; an S that is not
//   below the order of the group.
// Not checked: that a key lies on the curve (no signature holds under one that does not), and that it has no part of small
// order beside a large one. The shop refuses such a key at its enrolment, and `holdgate audit` asks that again.

import { Fault, fromBase64, toHex } from "./bytes.js";

export const PUBLIC_BYTES = 32;
export const SIGNATURE_BYTES = 64;
const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;

// The y-coordinates of the eight points of small order, little-endian, sign bit off.
const SMALL_ORDER = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000", // order 4
  "0100000000000000000000000000000000000000000000000000000000000000", // order 1
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
]);

function littleEndian(bytes) {
  return BigInt(`0x${toHex(Uint8Array.from(bytes).reverse())}`);
}

function coordinate(point) {
  const y = Uint8Array.from(point);
  y[31] &= 0x7f;
  return y;
}

/** Why a public key may not be used; empty where it may. */
export function whyOdd(key) {
  if (key.length !== PUBLIC_BYTES) return `it has ${key.length} bytes, not ${PUBLIC_BYTES}`;
  const y = coordinate(key);
  if (littleEndian(y) >= P) return "it is not a canonical encoding";
  return SMALL_ORDER.has(toHex(y)) ? "it is a point of small order" : "";
}

/** Refuse a key that libraries treat differently. */
export function checkKey(key, what) {
  const why = whyOdd(key);
  if (why) throw new Fault(`${what} is no Ed25519 key that may be used: ${why}`);
}

const imported = new Map();

function importedKey(key) {
  const name = toHex(key);
  if (!imported.has(name))
    imported.set(name, crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]));
  return imported.get(name);
}

/** Whether a signature holds. Never throws for any bytes. */
export async function verify(key, message, signature) {
  if (signature.length !== SIGNATURE_BYTES || whyOdd(key)) return false;
  if (littleEndian(signature.subarray(32)) >= L) return false;
  if (SMALL_ORDER.has(toHex(coordinate(signature.subarray(0, 32))))) return false;
  try {
    return await crypto.subtle.verify({ name: "Ed25519" }, await importedKey(key), signature, message);
  } catch {
    return false;
  }
}

// RFC 8032, section 7.1, test 1: a browser that cannot verify it cannot be used.
const KNOWN_KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const KNOWN_SIGNATURE = "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw==";

/** Whether this browser verifies Ed25519, tried on a known signature. */
export async function isSupported() {
  if (!globalThis.crypto?.subtle) return false;
  const signature = fromBase64(KNOWN_SIGNATURE, "the known signature");
  return verify(fromBase64(KNOWN_KEY, "the known key"), new Uint8Array(0), signature);
}
