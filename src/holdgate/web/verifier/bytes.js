// Bytes, their spellings and their hashes. Everything that does not hold is thrown as a Fault: a sentence for a person.

/** Something that does not hold. The message is a sentence; nothing of the input is believed. */
export class Fault extends Error {}

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The UTF-8 bytes of a text. */
export function utf8(text) {
  return encoder.encode(text);
}

/** The text of UTF-8 bytes. */
export function textOf(bytes, what) {
  try {
    return strict.decode(bytes);
  } catch {
    throw new Fault(`${what} is not UTF-8 text`);
  }
}

/** The bytes of standard base64 in its one canonical spelling (padding, no blanks, unused bits zero). */
export function fromBase64(text, what) {
  if (typeof text !== "string" || !BASE64.test(text)) throw new Fault(`${what} is not standard base64`);
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  const rest = raw.length % 3;
  if (rest && btoa(raw.slice(raw.length - rest)) !== text.slice(-4)) throw new Fault(`${what} is not standard base64`);
  return bytes;
}

/** Bytes as standard base64. */
export function toBase64(bytes) {
  let raw = "";
  for (const byte of bytes) raw += String.fromCharCode(byte);
  return btoa(raw);
}

/** Bytes as base64url without padding. */
export function toBase64url(bytes) {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Bytes as lowercase hex digits. */
export function toHex(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += HEX[bytes[i]];
  return text;
}

/** Several byte arrays as one. */
export function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Whether two byte arrays are the same. */
export function same(one, other) {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

/** SHA-256. */
export async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
