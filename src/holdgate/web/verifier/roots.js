// The roots over time: the charter names the first ones, and each root document exchanges those before it.
// Source: docs/spec/roots.md.

import { Fault, fromBase64, sha256, textOf, toHex } from "./bytes.js";
import { encode, fields, parse } from "./canon.js";
import { openCharter } from "./charter.js";
import { openEnvelope, payloadOf, whyNotSigned } from "./dsse.js";
import { checkKey } from "./ed25519.js";

const ROOT_TYPE = "application/vnd.holdgate.root.v1+json";
const ROOTS_MAX = 8;
const EVENT = "RootsRotated";
const ACT = "root.rotate";

/** Read a charter, given as the value of its envelope, under a trust file: its roots, and the root documents after them. */
export async function openTrusted(value, trust) {
  const charter = await openCharter(value, trust.roots);
  await Roots.of(charter, trust.rotations);
  return charter;
}

/** The roots in force: `keys` in hex, and the digests of the payloads that put roots in force, the charter's first. */
export class Roots {
  constructor(charter) {
    this.org = charter.org;
    this.keys = charter.roots;
    this.threshold = charter.threshold;
    this.history = [charter.digest];
    this.former = new Set();
    this.known = this.history; // digests that the trust file knows of
  }

  get version() {
    return this.history.length;
  }

  /** Believe a charter only where the root documents of the trust file follow from it. */
  static async of(charter, rotations) {
    const roots = new Roots(charter);
    const known = new Roots(charter);
    try {
      for (const value of rotations) await known.follow(value);
    } catch (error) {
      throw new Fault(`the root documents of your trust file do not follow from this charter: ${error.message}`);
    }
    roots.known = known.history;
    return roots;
  }

  /** The next root document, given as the value of its envelope, is in force from now on. */
  async follow(value) {
    const envelope = openEnvelope(value, ROOT_TYPE);
    const document = payloadOf(envelope, "the root document");
    fields(document, ["org", "version", "before", "roots", "threshold", "v"], [], "the root document");
    if (document.v !== 1) throw new Fault("the root document is of another version of the format");
    if (document.version !== this.version + 1)
      throw new Fault(`the root document is not version ${this.version + 1} of the roots`);
    if (document.org !== this.org || document.before !== this.history.at(-1))
      throw new Fault("the root document replaces something else than what is in force");
    const keys = readKeys(document);
    const [now, then] = [this.keys, keys].map((list) => list.map(toHex));
    if (then.some((key) => this.former.has(key))) throw new Fault("a key that was a root and went comes back");
    const changes = document.threshold !== this.threshold || [...then].sort().join() !== [...now].sort().join();
    if (!changes) throw new Fault("the root document changes nothing");
    await this.#signed(envelope, keys, document.threshold);
    for (const key of now) if (!then.includes(key)) this.former.add(key);
    this.keys = keys;
    this.threshold = document.threshold;
    this.history = [...this.history, toHex(await sha256(envelope.payload))];
  }

  async #signed(envelope, keys, threshold) {
    const byId = new Map();
    for (const key of [...this.keys, ...keys]) byId.set(toHex(await sha256(key)).slice(0, 16), key);
    const ids = [...envelope.signatures.keys()];
    if (!ids.every((id) => byId.has(id))) throw new Fault("the root document is signed by a key that is no root's");
    const why = await whyNotSigned(
      envelope,
      ids.map((id) => [id, byId.get(id)]),
    );
    if (why) throw new Fault(`the root document is not signed as it has to be: ${why}`);
    const among = (list) => {
      const named = list.map(toHex);
      return ids.filter((id) => named.includes(toHex(byId.get(id)))).length;
    };
    if (among(this.keys) < this.threshold || among(keys) < threshold)
      throw new Fault("too few of the roots before it, or of its own, signed the root document");
  }

  /** Fold what an entry of the business hub says of the roots; it has to be what its signed act says. */
  async fold(command, decision, roster) {
    const said = (decision.events ?? []).filter((event) => event.ev === EVENT);
    const wanted = decision.verdict === "allow" && command.act === ACT ? 1 : 0;
    if (said.length !== wanted) throw new Fault("what it says of the roots does not follow from the act that was signed");
    if (!wanted) return;
    if (roster.officersOf(command).length < 2) throw new Fault("fewer than two officers signed an exchange of the roots");
    const raw = fromBase64(command.document, "the root document");
    await this.follow(parse(textOf(raw, "the root document"), "the root document"));
    const [event] = said;
    fields(event, ["ev", "version", "roots", "threshold", "document"], [], "the event");
    const told = [event.version, event.roots.map((key) => toHex(fromBase64(key, "a root key"))), event.threshold];
    const held = [this.version, this.keys.map(toHex), this.threshold];
    if (encode(told) !== encode(held) || event.document !== this.history.at(-1))
      throw new Fault("what it says of the roots is not what their keepers signed");
    const both = Math.min(this.version, this.known.length);
    if (this.history.slice(0, both).join() !== this.known.slice(0, both).join())
      throw new Fault(`version ${this.version} of the roots is another one than your trust file knows of`);
  }
}

function readKeys(document) {
  const { roots, threshold } = document;
  if (!Array.isArray(roots) || !roots.length || roots.length > ROOTS_MAX)
    throw new Fault(`a root document names 1 to ${ROOTS_MAX} keys`);
  const keys = roots.map((root) => fromBase64(root, "a root key"));
  for (const key of keys) checkKey(key, "a root key");
  if (new Set(keys.map(toHex)).size !== keys.length) throw new Fault("the root document names a root key twice");
  if (!Number.isInteger(threshold) || threshold < 1 || threshold > keys.length)
    throw new Fault("the threshold of the root document cannot be met");
  return keys;
}

/** Whether a decision says anything of the roots; only the business hub's acts may. */
export function speaksOfRoots(decision) {
  return (decision.events ?? []).some((event) => event.ev === EVENT);
}
