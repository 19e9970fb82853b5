// The Merkle tree of RFC 6962: leaves and inner nodes carry different prefixes. Source: docs/spec/ledger.md.

import { Fault, concat, same, sha256 } from "./bytes.js";

export const HASH_BYTES = 32;
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const AT_ONCE = 2048;

/** The hash of an entry as a leaf. */
export function leafHash(entry) {
  return sha256(concat(LEAF, entry));
}

/** The hash of an inner node. */
export function nodeHash(left, right) {
  return sha256(concat(NODE, left, right));
}

/** A tree that keeps the roots of all its perfect subtrees: the root at any size it ever had costs a few hashes. */
export class Tree {
  constructor() {
    this.rows = [[]];
  }

  get size() {
    return this.rows[0].length;
  }

  /** Append leaf hashes. */
  async extend(leaves) {
    for (const leaf of leaves) this.rows[0].push(leaf);
    for (let level = 0; this.rows[level].length > 1; level++) {
      const row = this.rows[level];
      const above = (this.rows[level + 1] ??= []);
      while (above.length < row.length >> 1) {
        const until = Math.min(row.length >> 1, above.length + AT_ONCE);
        const made = [];
        for (let i = above.length; i < until; i++) made.push(nodeHash(row[2 * i], row[2 * i + 1]));
        for (const node of await Promise.all(made)) above.push(node);
      }
    }
  }

  /** The root of the first `size` leaves. */
  async root(size = this.size) {
    if (size > this.size) throw new Fault(`a tree of ${this.size} leaves has no root at ${size}`);
    let root = null;
    for (let level = 0, rest = size; rest; level++, rest = Math.floor(rest / 2)) {
      if (rest % 2 === 0) continue;
      const peak = this.rows[level][rest - 1];
      root = root === null ? peak : await nodeHash(peak, root);
    }
    return root ?? sha256(new Uint8Array(0));
  }
}

/** Whether a path proves that leaf number `index` of a tree with this size and root has this hash. RFC 9162, 2.1.3.2. */
export async function verifyInclusion(index, size, leaf, path, root) {
  if (index >= size || [leaf, root, ...path].some((hash) => hash.length !== HASH_BYTES)) return false;
  let place = index;
  let last = size - 1;
  let node = leaf;
  for (const sibling of path) {
    if (last === 0) return false;
    if (place % 2 || place === last) {
      node = await nodeHash(sibling, node);
      while (place && place % 2 === 0) [place, last] = [Math.floor(place / 2), Math.floor(last / 2)];
    } else {
      node = await nodeHash(node, sibling);
    }
    [place, last] = [Math.floor(place / 2), Math.floor(last / 2)];
  }
  return last === 0 && same(node, root);
}
