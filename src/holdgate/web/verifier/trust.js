// What the auditor trusts: keys that come from outside of the bundle, never out of it.

import { Fault, fromBase64, textOf } from "./bytes.js";
import { fields } from "./canon.js";
import { checkKey } from "./ed25519.js";
import { parseVkey } from "./note.js";

/** Read a trust file: root keys, the verifier keys of witnesses, and root documents after the charter. */
export async function readTrust(raw) {
  let value;
  try {
    value = JSON.parse(textOf(raw, "the trust file"));
  } catch {
    throw new Fault("the trust file cannot be read");
  }
  fields(value, ["roots"], ["witnesses", "rotations"], "the trust file");
  if (!Array.isArray(value.roots) || !value.roots.length || !Array.isArray(value.witnesses ?? [])) {
    throw new Fault("the trust file names no root key");
  }
  const roots = value.roots.map((root) => fromBase64(root, "a root key of the trust file"));
  for (const root of roots) checkKey(root, "a root key of the trust file");
  const witnesses = [];
  for (const text of value.witnesses ?? []) witnesses.push(await parseVkey(String(text)));
  const rotations = value.rotations ?? [];
  if (!Array.isArray(rotations)) throw new Fault("the root documents of the trust file are no list");
  return { roots, witnesses, rotations };
}
