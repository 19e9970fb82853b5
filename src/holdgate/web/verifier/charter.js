// The charter: the signed document that founds a shop. It names the sites, their keys and the first people.
// Source: docs/spec/charter.md.

import { Fault, fromBase64, sha256, toHex } from "./bytes.js";
import { fields } from "./canon.js";
import { CHARTER_TYPE, openEnvelope, payloadOf, whyNotSigned } from "./dsse.js";

const KINDS = ["business_hub", "floor_hub", "node", "vault"];

/** Read a charter, given as the value of its envelope, and believe it because enough of the trusted roots signed it. */
export async function openCharter(value, roots) {
  const envelope = openEnvelope(value, CHARTER_TYPE);
  const charter = readCharter(payloadOf(envelope, "the charter"));
  const named = charter.roots.map(toHex).sort();
  const trusted = roots.map(toHex).sort();
  const threshold = charter.threshold;
  const possible = Number.isInteger(threshold) && threshold >= 1 && threshold <= named.length;
  if (!possible || named.join() !== trusted.join()) {
    throw new Fault("the charter names other root keys than the ones in your trust file");
  }
  const byId = new Map();
  for (const root of charter.roots) byId.set(toHex(await sha256(root)).slice(0, 16), root);
  if (byId.size !== charter.roots.length) throw new Fault("the charter names a root key twice");
  const keys = [...envelope.signatures.keys()].filter((id) => byId.has(id)).map((id) => [id, byId.get(id)]);
  if (keys.length < threshold) {
    throw new Fault(`the charter carries ${keys.length} of the ${threshold} root signatures that it needs`);
  }
  const why = await whyNotSigned(envelope, keys);
  if (why) throw new Fault(`the charter is not signed as it has to be: ${why}`);
  return { ...charter, signed: keys.length, digest: toHex(await sha256(envelope.payload)) };
}

function readCharter(value) {
  fields(value, ["org", "settings", "sites", "founders", "roots", "threshold", "v"], [], "the charter");
  for (const list of ["sites", "founders", "roots"]) {
    if (!Array.isArray(value[list])) throw new Fault(`the charter's ${list} are no list`);
  }
  return {
    org: value.org,
    name: String(value.settings?.name ?? value.org),
    zone: String(value.settings?.tz ?? "UTC"),
    sites: value.sites.map(readSeat),
    founders: value.founders.map(readFounder),
    roots: value.roots.map((root) => fromBase64(root, "a root key")),
    threshold: value.threshold,
  };
}

/** A site's seat, from a charter or from the enrolment of a site. */
export function readSeat(value) {
  fields(value, ["id", "kind", "origin", "key"], ["sealing_key", "area", "ev"], "a site");
  if (!KINDS.includes(value.kind))
    throw new Fault(`${String(value.id).slice(0, 64)} is no site of a kind that is known here`);
  return { id: value.id, kind: value.kind, origin: value.origin, key: fromBase64(value.key, `the key of ${value.id}`) };
}

function readFounder(value) {
  fields(value, ["id", "name", "org", "kind", "key", "roles"], ["zone", "node"], "a founder");
  const { id, name, kind, roles } = value;
  return { id, name, kind, roles, key: fromBase64(value.key, `the key of ${id}`) };
}
