// Canonical JSON: sorted keys, no blanks, integers only. What does not come back byte for byte is refused, so that a doubled
// key or another spelling cannot mean two things to two readers. Source: docs/spec/envelope.md, RFC 8785.

import { Fault } from "./bytes.js";

const DEPTH_MAX = 64;
const PAYLOAD_DEPTH_MAX = 12;
const TEXT_CHARS_MAX = 4000;
const LIST_ITEMS_MAX = 2000;

/** Which of two keys comes first, by code point (`<` compares UTF-16 units, which differs above U+FFFF). */
function byCodePoint(one, other) {
  const a = Array.from(one);
  const b = Array.from(other);
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i] !== b[i]) return a[i].codePointAt(0) - b[i].codePointAt(0);
  }
  return a.length - b.length;
}

const ASCII = /^[\x00-\x7f]*$/;

function sortedKeys(object) {
  const keys = Object.keys(object);
  return keys.every((key) => ASCII.test(key)) ? keys.sort() : keys.sort(byCodePoint);
}

/** The canonical text of a value made of objects, lists, strings, integers, booleans and null. */
export function encode(value, depth = 0) {
  if (depth > DEPTH_MAX) throw new Fault(`it is nested deeper than ${DEPTH_MAX} levels`);
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new Fault("it holds a number that is no integer of at most 53 bits");
    return String(value);
  }
  if (value === null || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => encode(item, depth + 1)).join(",")}]`;
  return `{${sortedKeys(value)
    .map((key) => `${JSON.stringify(key)}:${encode(value[key], depth + 1)}`)
    .join(",")}}`;
}

/** Read canonical JSON. */
export function parse(text, what) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Fault(`${what} is not JSON`);
  }
  let again;
  try {
    again = encode(value);
  } catch (error) {
    throw new Fault(`${what} cannot be read: ${error.message}`);
  }
  if (again !== text) {
    throw new Fault(`${what} is not in canonical form: sorted keys, each once, no blanks, integers only`);
  }
  return value;
}

/** Read JSON in any spelling with each key once: a doubled one would let two readers see two things. */
export function parseOnce(text, what) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Fault(`${what} is not JSON`);
  }
  if (!eachOnce(text)) throw new Fault(`${what} holds a key twice`);
  return value;
}

/** Whether each key of valid JSON occurs once. */
function eachOnce(text) {
  const open = [];
  let name = "";
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (sign === "{" || sign === "[") open.push(new Set());
    else if (sign === "}" || sign === "]") open.pop();
    else if (sign === '"') {
      const end = endOfText(text, at);
      name = text.slice(at, end + 1);
      at = end;
    } else if (sign === ":") {
      const key = JSON.parse(name);
      if (open.at(-1).has(key)) return false;
      open.at(-1).add(key);
    }
  }
  return true;
}

/** Where a text in quotes ends that begins at `from`: at the first quote that no backslash stands for. */
function endOfText(text, from) {
  for (let end = text.indexOf('"', from + 1); ; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text[end - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return end;
  }
}

/** An object with these fields: all of `wanted`, and of others only those of `more`. */
export function fields(value, wanted, more, what) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Fault(`${what} is no object`);
  for (const name of wanted) if (!Object.hasOwn(value, name)) throw new Fault(`${what} lacks the field ${name}`);
  for (const name of Object.keys(value)) {
    if (!wanted.includes(name) && !more.includes(name))
      throw new Fault(`${what} has the unknown field ${name.slice(0, 80)}`);
  }
  return value;
}

/** Bound a signed payload: depth, lists, text in NFC without control characters. */
export function checkText(value, what, depth = 0) {
  if (depth > PAYLOAD_DEPTH_MAX) throw new Fault(`${what} is nested deeper than ${PAYLOAD_DEPTH_MAX} levels`);
  if (typeof value === "string") {
    if (value.length > TEXT_CHARS_MAX && Array.from(value).length > TEXT_CHARS_MAX) {
      throw new Fault(`${what} holds a text longer than ${TEXT_CHARS_MAX} characters`);
    }
    if (value.normalize("NFC") !== value) throw new Fault(`${what} holds text that is not in Unicode NFC form`);
    if (/[\p{Cc}\p{Cs}]/u.test(value.replace(/[\n\t]/g, ""))) throw new Fault(`${what} holds control characters`);
  } else if (Array.isArray(value)) {
    if (value.length > LIST_ITEMS_MAX) throw new Fault(`${what} holds a list of more than ${LIST_ITEMS_MAX} items`);
    for (const item of value) checkText(item, what, depth + 1);
  } else if (value !== null && typeof value === "object") {
    for (const [key, item] of Object.entries(value)) {
      if (!ASCII.test(key)) throw new Fault(`${what} holds a key that is not ASCII`);
      checkText(item, what, depth + 1);
    }
  }
}
