// Cosignatures: what witnesses attested of a log. Only keys from the trust file count; one that does not hold, or that is
// about another history, is a finding. Source: docs/spec/ledger.md, "Cosignature"; docs/witness.md.

import { Fault, same, toHex } from "./bytes.js";
import {
  KIND_COSIGNATURE,
  makeVkey,
  names,
  openCheckpoint,
  parseCheckpoint,
  readNote,
  verifyCosignature,
} from "./note.js";

/** The trusted witnesses whose keys are none of the shop's own. */
export function outsiders(witnesses, charter, roster) {
  const own = new Set(
    [...charter.roots, ...charter.founders.map((one) => one.key), ...roster.sites.map((one) => one.key)].map(toHex),
  );
  return witnesses.filter((vkey) => !own.has(toHex(vkey.key)));
}

/** What trusted witnesses attested of a log, and what does not hold of it.
 *
 * `notes`: [name, note] of each cosigned checkpoint; `brought`: those that the auditor brings. Returns by name of the witness
 * its largest size with its time (UTC seconds).
 */
export async function attested(log, notes, brought, witnesses, found) {
  const cosigned = new Map();
  if (!witnesses.length) return cosigned;
  for (const [name, note, own] of [...notes.map((row) => [...row, true]), ...brought.map((row) => [...row, false])]) {
    try {
      const { text, lines } = readNote(note);
      const checkpoint = parseCheckpoint(text);
      if (!own && checkpoint.origin !== log.origin) continue;
      const named = witnesses.filter((vkey) => lines.some((line) => names(line, vkey)));
      if (!named.length && !cosigned.size) throw new Fault("it names no witness that you trust");
      for (const vkey of named) {
        const time = await verifyCosignature(note, vkey);
        const why = await whyOther(log, checkpoint, vkey.name);
        if (why) found(null, why);
        else if (checkpoint.size >= (cosigned.get(vkey.name)?.size ?? 0))
          cosigned.set(vkey.name, { size: checkpoint.size, time, vkey });
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      found(null, `the cosignature kept under ${name} does not hold: ${error.message}`);
    }
  }
  return cosigned;
}

async function whyOther(log, checkpoint, witness) {
  const { origin, tree } = log;
  if (checkpoint.origin !== origin) return `${witness} cosigned another log, ${checkpoint.origin}`;
  if (checkpoint.size > tree.size) {
    return `${witness} cosigned ${checkpoint.size} entries, but only ${tree.size} are here: the end of the record is missing`;
  }
  const root = await tree.root(checkpoint.size);
  if (same(root, checkpoint.root)) return "";
  return (
    `${witness} cosigned another log of ${checkpoint.size} entries: it forked. The root here is ${toHex(root)}, the one that was ` +
    `cosigned ${toHex(checkpoint.root)}`
  );
}

/** A cosignature on the record: by a Vault of the charter, over a checkpoint that this very log signed.
 *
 * Gives the event that the entry has to say, and what was cosigned.
 */
export async function readCosigned(record, note, own, roster) {
  const vault = roster.sites.find((site) => site.id === record.witness && site.kind === "vault");
  if (own === undefined) throw new Fault("this site has no seat in the shop yet");
  if (vault === undefined) throw new Fault(`${String(record.witness).slice(0, 64)} is no Vault of this shop`);
  const checkpoint = await openCheckpoint(note, await makeVkey(own.origin, own.key));
  const time = await verifyCosignature(note, await makeVkey(vault.origin, vault.key, KIND_COSIGNATURE));
  const event = ["Cosigned", { witness: vault.id, size: checkpoint.size, witnessed_at: time * 1_000_000 }];
  return { event, size: checkpoint.size, root: checkpoint.root };
}
