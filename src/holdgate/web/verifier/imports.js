// Imports: what a log took in of other logs. Every stretch is held against the other site's signed checkpoint, and every
// entry that is here in full against its place, its documents and its signatures. Source: docs/spec/segment.md.

import { Fault, fromBase64, same, toHex } from "./bytes.js";
import { takesDocuments, bytesOf, readAct, readEntry } from "./entry.js";
import { HASH_BYTES, Tree, leafHash } from "./merkle.js";
import { makeVkey, openCheckpoint } from "./note.js";
import { speaksOfRoots } from "./roots.js";
import { speaksOfPeople } from "./roster.js";

const ENTRIES_MAX = 512;

/** The other logs, as far as this one took them in. */
export class Imports {
  constructor(roster, blobs, kind, roots) {
    this.roster = roster;
    this.roots = roots;
    this.blobs = blobs;
    this.kind = kind;
    this.trees = new Map();
    this.entries = 0;
  }

  /** Take in the stretch that an import entry records. `checks`: where its signatures go, under the entry's number. */
  async take(entry, checks) {
    const record = entry.record;
    const seat = this.roster.sites.find((site) => site.origin === record.origin);
    if (!seat) throw new Fault(`${String(record.origin).slice(0, 80)}, which it took in, is no site of this shop`);
    const leaves = readLeaves(record);
    const tree = this.trees.get(record.origin) ?? new Tree();
    if (record.start !== tree.size) {
      throw new Fault(
        `the stretch of ${seat.id} begins at ${record.start}, but ${tree.size} entries were taken in so far`,
      );
    }
    if (record.size !== record.start + leaves.length) throw new Fault("the stretch has not the size that it names");
    if (this.kind === "business_hub" && record.held.length !== leaves.length) {
      throw new Fault(`the business hub is due every entry of ${seat.id} in full`);
    }
    await tree.extend(leaves);
    this.trees.set(record.origin, tree);
    const checkpoint = await openCheckpoint(bytesOf(record, "checkpoint"), await makeVkey(seat.origin, seat.key));
    if (checkpoint.size !== record.size || !same(checkpoint.root, await tree.root())) {
      throw new Fault(`the entries of ${seat.id} that it took in do not lead to the root that ${seat.id} signed`);
    }
    for (const index of record.held) await this.#entry(entry.seq, seat, record.start + index, leaves[index], checks);
  }

  async #entry(at, seat, seq, leaf, checks) {
    const about = `entry ${seq} of ${seat.id}, which it took in: `;
    try {
      const body = this.blobs.get(toHex(leaf));
      if (body === undefined || !same(await leafHash(body), leaf))
        throw new Fault("it is missing, or is not what it was");
      await this.#read(at, seat, seq, readEntry(body), checks, about);
      this.entries++;
    } catch (error) {
      throw new Fault(about + error.message);
    }
  }

  async #read(at, seat, seq, entry, checks, about) {
    if (entry.seq !== seq || entry.site !== seat.id) throw new Fault("it names another place in another log");
    for (const pin of entry.pins ?? []) {
      if (!this.blobs.has(pin))
        throw new Fault(`the document ${pin.slice(0, 12)}… that it pins is missing, or is not what it was`);
    }
    if (entry.kind !== "action") {
      if (speaksOfPeople(entry.decision) || speaksOfRoots(entry.decision))
        throw new Fault("it speaks of people, sites or roots without an act that was signed");
      return;
    }
    const act = await readAct(entry);
    if (entry.pins && !takesDocuments(act)) throw new Fault("no documents are kept beside this act");
    const hub = seat.kind === "business_hub";
    await checks.add(
      at,
      act.envelope,
      hub ? this.roster.keysOf(act.command) : this.roster.keysSince(act.command),
      about,
    );
    if (hub) {
      this.roster.fold(act.command, entry.decision);
      await this.roots.fold(act.command, entry.decision, this.roster);
    } else if (speaksOfPeople(entry.decision) || speaksOfRoots(entry.decision)) {
      throw new Fault("it says what only the business hub may say");
    }
  }
}

function readLeaves(record) {
  const { leaves, held } = record;
  if (!Array.isArray(leaves) || !leaves.length || leaves.length > ENTRIES_MAX || !Array.isArray(held)) {
    throw new Fault("the stretch is empty, too long or no stretch");
  }
  const inside = held.every(
    (index, i) => Number.isInteger(index) && index > (held[i - 1] ?? -1) && index < leaves.length,
  );
  if (!inside) throw new Fault("the record of an import names an entry outside of it, or one twice");
  const hashes = leaves.map((leaf) => fromBase64(leaf, "a leaf hash"));
  if (hashes.some((hash) => hash.length !== HASH_BYTES)) throw new Fault("a leaf hash is no SHA-256 hash");
  return hashes;
}
