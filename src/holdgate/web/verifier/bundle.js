// Bundles: one log in one file, lines of JSON: a head, every entry, every document that the log pins. Nothing in it is
// trusted. Source: docs/spec/entry.md, "Bundles"; src/holdgate/audit/bundle.py.

import { Fault, concat, fromBase64, sha256, textOf, toHex } from "./bytes.js";
import { fields, parseOnce } from "./canon.js";
import { HASH_BYTES, leafHash } from "./merkle.js";

const FORMAT = "holdgate-bundle/1";
const LINE_BYTES_MAX = 2 * 2097152;
const AT_ONCE = 64;
const NEWLINE = 10;

/** The lines of a file, read in pieces: no more of it than a line is held as text. */
async function* linesOf(file) {
  const reader = file.stream().getReader();
  let rest = [];
  let held = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    let from = 0;
    for (let at = value.indexOf(NEWLINE); at >= 0; at = value.indexOf(NEWLINE, from)) {
      yield concat(...rest, value.subarray(from, at));
      rest = [];
      held = 0;
      from = at + 1;
    }
    rest.push(value.slice(from));
    held += value.length - from;
    if (held > LINE_BYTES_MAX) throw new Fault("a line of the bundle is too long");
  }
  if (held) yield concat(...rest);
}

/** Read a bundle from a file. */
export async function readBundle(file, watch) {
  const bundle = { name: file.name ?? "bundle", head: null, entries: [], blobs: new Map() };
  const waiting = [];
  let number = 0;
  let read = 0;
  for await (const raw of linesOf(file)) {
    number++;
    read += raw.length + 1;
    try {
      takeLine(bundle, raw, waiting);
    } catch (error) {
      if (error instanceof Fault) throw new Fault(`line ${number} of the bundle cannot be read: ${error.message}`);
      throw error;
    }
    if (waiting.length >= AT_ONCE) await keepBlobs(bundle, waiting);
    await watch.pause("Reading", read, file.size);
  }
  await keepBlobs(bundle, waiting);
  if (bundle.head === null) throw new Fault(`this is no bundle of the format ${FORMAT}: it has no head`);
  return bundle;
}

function takeLine(bundle, raw, waiting) {
  const line = parseOnce(textOf(raw, "it"), "it");
  if (bundle.head === null && line?.line !== "head") throw new Fault(`a bundle of the format ${FORMAT} begins with a head`);
  switch (line?.line) {
    case "head":
      fields(line, ["line", "checkpoint", "cosignatures"], [], "it");
      if (bundle.head !== null) throw new Fault("it is a second head; there is one, and it comes first");
      bundle.head = readHead(line);
      return;
    case "entry":
      fields(line, ["line", "leaf", "body"], [], "it");
      if (bundle.blobs.size || waiting.length) throw new Fault("it is an entry after a document; documents come last");
      bundle.entries.push({ leaf: readLeaf(line.leaf), body: fromBase64(line.body, "the entry") });
      return;
    case "blob":
      fields(line, ["line", "body"], [], "it");
      waiting.push(fromBase64(line.body, "the document"));
      return;
    default:
      throw new Fault("it is no line of a bundle");
  }
}

function readHead(line) {
  const notes = line.cosignatures;
  if (notes === null || typeof notes !== "object" || Array.isArray(notes)) throw new Fault("its cosignatures are no object");
  return {
    checkpoint: fromBase64(line.checkpoint, "the checkpoint"),
    cosignatures: Object.entries(notes).map(([name, note]) => [name, fromBase64(note, "a cosignature")]),
  };
}

function readLeaf(text) {
  const leaf = fromBase64(text, "the leaf hash");
  if (leaf.length !== HASH_BYTES) throw new Fault("the leaf hash is no SHA-256 hash");
  return leaf;
}

/** Documents are found under their SHA-256, imported entries under their leaf hash: both are computed here. */
async function keepBlobs(bundle, waiting) {
  const hashes = await Promise.all(waiting.map((blob) => Promise.all([sha256(blob), leafHash(blob)])));
  waiting.forEach((blob, i) => hashes[i].forEach((hash) => bundle.blobs.set(toHex(hash), blob)));
  waiting.length = 0;
}
