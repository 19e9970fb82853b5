// Commands: an act in the making becomes the exact bytes that are signed. What the dialog shows is read from these.

import { token } from "./canon.js";
import { api, call, me, nowUs } from "./state.js";

let forms = null;

export async function formsOfActs() {
  forms ??= await call("GET", api("/acts"));
  return forms;
}

// `wish`: what the page offers (docs/spec/envelope.md names the fields). `values`: what the person filled in.
// `signers`: [{ id, role, meaning, auth }]. Fields at their defaults are left out, as the one encoding wants it.
export async function commandOf(wish, values, signers, place) {
  const fields = { ...wish.fields, ...values };
  const known = (await formsOfActs())[wish.act];
  for (const [name, form] of Object.entries(known)) {
    const value = fields[name];
    if (value === undefined || value === null || (!form.required && same(value, form.default))) delete fields[name];
  }
  const command = { act: wish.act, at: nowUs(), nonce: token(), signers, site: wish.site, ...fields };
  if (place) command.place = place;
  if (wish.seen) command.seen = wish.seen;
  return command;
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other) || (empty(one) && other === null);
const empty = (value) => (Array.isArray(value) ? value.length === 0 : typeof value === "object" && Object.keys(value).length === 0);

// What an act's fields say, in order, for people.
export async function told(command) {
  const known = (await formsOfActs())[command.act] || {};
  const rows = [];
  for (const [name, form] of Object.entries(known)) {
    if (command[name] !== undefined) rows.push([form.label, shown(command[name], form.kind)]);
  }
  if (command.seen) rows.push(["Record as shown", `${command.seen.slice(0, 16)}…`]);
  return rows;
}

function shown(value, kind, currency) {
  if (kind === "moment") return new Date(value / 1000).toLocaleString(undefined, { timeZone: me.here.tz, timeZoneName: "short" });
  if (Array.isArray(value)) return value.map((item) => shown(item, kind, currency)).join(", ") || "–";
  if (typeof value === "object") return Object.entries(value).map(([key, item]) => named(key, item, value.currency || currency)).join("; ");
  if (typeof value === "string" && /^[0-9a-f]{64}$/.test(value)) return `${value.slice(0, 16)}…`;
  return String(value);
}

// One field of a part of an act: money with its currency, seconds as days and hours, everything else as it is.
function named(key, value, currency) {
  const words = key.replace(/_(minor|s)$/, "").replaceAll("_", " ");
  if (key.endsWith("_minor") && currency) return `${words}: ${money(value, currency)}`;
  if (key.endsWith("_s") && Number.isInteger(value)) return `${words}: ${lasting(value)}`;
  return `${words}: ${shown(value, "", currency)}`;
}

function money(minor, currency) {
  const { maximumFractionDigits: digits } = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions();
  return `${(minor / 10 ** digits).toFixed(digits)} ${currency}`;
}

function lasting(seconds) {
  if (seconds % 86400 === 0) return `${seconds / 86400} d`;
  return seconds % 3600 === 0 ? `${seconds / 3600} h` : `${seconds} s`;
}

// What a form's inputs say, by the kind of each field.
export function valuesOf(form) {
  const values = {};
  for (const input of form.querySelectorAll("[data-field]")) {
    const { field, kind } = input.dataset;
    const path = field.split(".");
    let into = values;
    for (const part of path.slice(0, -1)) into = into[part] ??= {};
    if (kind === "pick") {
      into[path.at(-1)] ??= [];
      if (input.checked) into[path.at(-1)].push(input.value);
      continue;
    }
    const value = valueOf(input, kind);
    if (value !== undefined) into[path.at(-1)] = value;
  }
  return values;
}

function valueOf(input, kind) {
  if (kind === "yes_no") return input.type === "checkbox" ? input.checked : input.value === "yes";
  const text = input.value.trim();
  if (text === "") return undefined;
  if (kind === "whole") return Number(text);
  if (kind === "list") return text.split(/[\s,;]+/).filter(Boolean);
  if (kind === "moment") return endOfDay(text);
  if (kind === "data") return JSON.parse(text);
  return text;
}

// A date means its last instant in the shop's time zone; a date with a time, that moment.
function endOfDay(text) {
  const whole = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T23:59:59` : text;
  const asUtc = Date.parse(`${whole}Z`);
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: me.here.tz, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
  }).formatToParts(new Date(asUtc));
  const part = (type) => Number(parts.find((item) => item.type === type).value);
  const shownThere = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return (asUtc - (shownThere - asUtc)) * 1000;
}
