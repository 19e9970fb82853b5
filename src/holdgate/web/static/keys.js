// Keys: the workstation's, a badge's, a passkey's. None of them ever leaves the browser, and no script can read one out.

import { base64, base64url, canonical, fromBase64, sha256, utf8 } from "./canon.js";
import { drop, get, put } from "./keep.js";

const ED25519 = { name: "Ed25519" };
const ROUNDS = 600_000;
const BADGE = /^hg1:([A-Za-z0-9][A-Za-z0-9._-]{0,63}):([A-Za-z0-9_-]{22})$/;

// ---- the workstation -------------------------------------------------------------------------------------------------

export const device = () => get("device", "this");

export async function makeDevice(id) {
  const pair = await crypto.subtle.generateKey(ED25519, false, ["sign", "verify"]);
  const made = { id, publicKey: await rawKey(pair.publicKey), key: pair.privateKey };
  await put("device", "this", made);
  return made;
}

export const forgetDevice = () => drop("device", "this");

export const signer = (id, key) => ({ id, sign: (message) => crypto.subtle.sign(ED25519, key, message) });

const rawKey = async (key) => base64(await crypto.subtle.exportKey("raw", key));

// ---- a badge: something held, and a PIN ------------------------------------------------------------------------------

export function readBadge(text) {
  const found = BADGE.exec(text.trim());
  return found && { id: found[1], secret: fromBase64(found[2]) };
}

async function sealingKey(secret, pin, salt, use) {
  const typed = await crypto.subtle.importKey("raw", utf8(pin), "PBKDF2", false, ["deriveBits"]);
  const slow = await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS }, typed, 256);
  const both = await crypto.subtle.importKey("raw", slow, "HKDF", false, ["deriveKey"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: secret, info: utf8("holdgate badge v1") };
  return crypto.subtle.deriveKey(how, both, { name: "AES-GCM", length: 256 }, false, [use]);
}

// The person's key, or null where the PIN is not the badge's.
export async function unlock(badge, pin, locker) {
  const key = await sealingKey(badge.secret, pin, fromBase64(locker.salt), "decrypt");
  try {
    const how = { name: "AES-GCM", iv: fromBase64(locker.nonce), additionalData: utf8(badge.id) };
    const opened = await crypto.subtle.decrypt(how, key, fromBase64(locker.sealed));
    return await crypto.subtle.importKey("pkcs8", opened, ED25519, false, ["sign"]);
  } catch {
    return null;
  }
}

// A fresh key under a fresh badge: what is printed, what the site keeps, what is enrolled, and the key for this minute.
export async function makeBadge(id, pin) {
  const pair = await crypto.subtle.generateKey(ED25519, true, ["sign", "verify"]);
  const secret = crypto.getRandomValues(new Uint8Array(16));
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const key = await sealingKey(secret, pin, salt, "encrypt");
  const plain = await crypto.subtle.exportKey("pkcs8", pair.privateKey);
  const how = { name: "AES-GCM", iv: nonce, additionalData: utf8(id) };
  const sealed = await crypto.subtle.encrypt(how, key, plain);
  return {
    badge: `hg1:${id}:${base64url(secret)}`,
    locker: { id, salt: base64(salt), nonce: base64(nonce), sealed: base64(sealed) },
    publicKey: await rawKey(pair.publicKey),
    sign: (message) => crypto.subtle.sign(ED25519, pair.privateKey, message),
  };
}

// ---- a passkey -------------------------------------------------------------------------------------------------------

export function passkeySigner(id) {
  return {
    id,
    sign: async (message) => {
      const challenge = await sha256(message);
      const asked = { challenge, userVerification: "required", timeout: 120_000 };
      const { response } = await navigator.credentials.get({ publicKey: asked });
      return utf8(
        canonical({
          authenticator_data: base64(response.authenticatorData),
          client_data: base64(response.clientDataJSON),
          signature: base64(response.signature),
        }),
      );
    },
  };
}

// A new passkey for an enrolment: its public key as the roster keeps it (docs/spec/envelope.md), in base64.
export async function makePasskey(id, name) {
  const made = await navigator.credentials.create({
    publicKey: {
      rp: { id: location.hostname, name: document.title },
      user: { id: utf8(id), name: id, displayName: name },
      challenge: crypto.getRandomValues(new Uint8Array(32)),
      pubKeyCredParams: [-8, -7, -257].map((alg) => ({ type: "public-key", alg })),
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
      timeout: 120_000,
    },
  });
  const alg = made.response.getPublicKeyAlgorithm();
  const spki = new Uint8Array(made.response.getPublicKey());
  // ES256 and EdDSA keys stand bare at the end of their SubjectPublicKeyInfo; RS256 keeps all of it.
  const bare = alg === -7 ? spki.slice(-65) : alg === -8 ? spki.slice(-32) : spki;
  return base64(utf8(canonical({ alg, key: base64(bare), rp_id: location.hostname })));
}
