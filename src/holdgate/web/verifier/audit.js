// The audit of one bundle, as far as a page can go: everything but the decisions, which `holdgate audit` makes again.
//   0. The first entry is the charter, signed by the roots of the trust file; it names the site, or an import brings its seat.
//   1. Every entry stands where it says, is canonical, and its bytes give the recorded leaf hash.
//   2. Every act is signed by exactly the people it names, under the keys that were enrolled by then.
//   3. Links, times, starts, imports, cosignatures and documents are what the rules of the record ask for.
//   4. The entries lead to the root that the site signed; trusted witnesses cosigned prefixes of this very log.
// The first thing that does not hold is named with its entry; from there on only hashes can be checked, and they are.

import { Fault, same, toHex } from "./bytes.js";
import { openCharter } from "./charter.js";
import { attested, outsiders, readCosigned } from "./cosignatures.js";
import { accountOf, bytesOf, checkEvent, readAct, readEntry, takesDocuments } from "./entry.js";
import { Imports } from "./imports.js";
import { Tree, leafHash } from "./merkle.js";
import { makeVkey, openCheckpoint } from "./note.js";
import { Roots, speaksOfRoots } from "./roots.js";
import { Roster, speaksOfPeople } from "./roster.js";
import { Cancelled, Checks } from "./work.js";

const AT_ONCE = 128;
const FINDINGS_MAX = 50;
const DIGEST_DIGITS = 32;

/** Audit a bundle. `trust`: {roots, witnesses}; `kept`: [name, note] of cosigned checkpoints that the auditor brings. */
export async function auditBundle(bundle, trust, watch, kept = []) {
  const audit = new Audit(bundle, trust, kept);
  await audit.run(watch);
  return audit.report;
}

class Audit {
  constructor(bundle, trust, kept) {
    this.bundle = bundle;
    this.trust = trust;
    this.kept = kept;
    this.tree = new Tree();
    this.charter = null;
    this.roster = null;
    this.roots = null;
    this.imports = null;
    this.broken = false;
    this.lastAt = 0;
    this.agreed = 0; // so many entries lead to a root that is cosigned on the record
    this.epoch = "";
    this.follows = 0; // the last entry that is neither a start nor a consequence
    this.heads = new Map();
    this.marks = new Map();
    this.noted = new Map();
    this.checks = new Checks((seq, what) => this.#found(seq, what));
    this.report = {
      name: bundle.name,
      site: "",
      origin: "",
      kind: "",
      shop: "",
      zone: "UTC",
      size: bundle.entries.length,
      denials: 0,
      kinds: new Map(),
      signatures: 0,
      passkeys: 0,
      threshold: 0,
      rootVersion: 1,
      rootSignatures: 0,
      signedSize: 0,
      beyond: 0,
      cosigned: new Map(),
      outside: null,
      imported: 0,
      trees: new Map(),
      documents: 0,
      tree: this.tree,
      root: "",
      logKey: null,
      findings: [],
      rows: [],
    };
  }

  async run(watch) {
    const entries = this.bundle.entries;
    if (!entries.length) this.#found(null, "there is no record here: the bundle holds no entry");
    for (let start = 0; start < entries.length; start += AT_ONCE) {
      await this.#stretch(start, entries.slice(start, start + AT_ONCE), watch);
    }
    await this.checks.finish();
    await this.#conclude();
  }

  #found(seq, what) {
    const findings = this.report.findings;
    if (findings.length < FINDINGS_MAX || seq !== null) findings.push({ seq, what });
  }

  async #stretch(start, entries, watch) {
    const hashes = await Promise.all(entries.map(({ body }) => leafHash(body)));
    await this.tree.extend(entries.map(({ leaf }) => leaf));
    for (const [i, { leaf, body }] of entries.entries()) {
      await this.#entry(start + i, leaf, hashes[i], body);
      await watch.pause("Verifying", start + i, this.bundle.entries.length);
    }
  }

  async #entry(seq, leaf, hash, body) {
    const row = {
      seq,
      state: "open",
      at: null,
      kind: "",
      act: "",
      who: [],
      verdict: "",
      codes: [],
      subject: "",
      place: "",
    };
    this.report.rows.push(row);
    const whole = same(leaf, hash);
    if (!whole) this.#found(seq, "its bytes do not give the recorded leaf hash: it was altered");
    try {
      const entry = readEntry(body);
      describe(row, entry);
      const act = entry.kind === "action" ? await readAct(entry) : null;
      if (act !== null) this.#people(row, act.command);
      this.broken ||= !whole;
      if (this.broken) return;
      this.report.kinds.set(entry.kind, (this.report.kinds.get(entry.kind) ?? 0) + 1);
      this.report.denials += entry.decision.verdict === "deny" ? 1 : 0;
      if (seq === 0) await this.#begin(entry);
      await this.#follow(seq, entry, act, leaf);
      row.state = "held";
    } catch (error) {
      if (error instanceof Cancelled) throw error;
      const what = error instanceof Fault ? error.message : `it cannot be read: ${error.message}`;
      if (whole && !this.broken) this.#found(error.seq ?? seq, what);
      this.broken = true;
    }
  }

  #people(row, command) {
    row.act = command.act;
    row.place = command.place ?? "";
    row.who = command.signers.map((signer) => ({
      id: signer.id,
      name: this.roster?.nameOf(signer.id) ?? "",
      role: signer.role,
      meaning: signer.meaning ?? "",
    }));
  }

  async #begin(entry) {
    if (entry.kind !== "genesis") throw new Fault("the record does not begin with a charter");
    this.charter = await openCharter(entry.action, this.trust.roots);
    this.roster = new Roster(this.charter);
    this.roots = await Roots.of(this.charter, this.trust.rotations);
    const seat = this.roster.sites.find((site) => site.id === entry.site);
    const kind = seat?.kind ?? "node";
    if (kind === "vault") throw new Fault(`${entry.site} is no deciding site of this charter`);
    this.imports = new Imports(this.roster, this.bundle.blobs, kind, this.roots);
    this.epoch = entry.epoch;
    Object.assign(this.report, {
      site: entry.site,
      kind,
      shop: this.charter.name,
      zone: this.charter.zone,
      threshold: this.charter.threshold,
      rootSignatures: this.charter.signed,
    });
  }

  /** The rules of the record: place, time, start, link, subject, source, documents; then what the kind asks for. */
  async #follow(seq, entry, act, leaf) {
    const report = this.report;
    if (entry.seq !== seq)
      throw new Fault(`it says that it is entry ${entry.seq}: one is missing, doubled or out of order`);
    if (entry.site !== report.site || entry.source.node !== report.site)
      throw new Fault(`it is no entry of ${report.site}`);
    if (seq > 0 && entry.kind === "genesis") throw new Fault("a record has one charter");
    if (entry.at < this.lastAt) throw new Fault("its time lies before that of the entry before it");
    const account = accountOf(entry, act);
    this.#checkEpoch(entry);
    if (entry.subject !== account.subject)
      throw new Fault(`it is kept under ${entry.subject}, but it is about ${account.subject}`);
    const head = this.heads.get(entry.subject);
    if ((entry.prev ?? "") !== (head === undefined ? "" : toHex(head))) {
      throw new Fault(`it is not linked to the entry before it about ${entry.subject}`);
    }
    this.#checkPins(entry, act);
    const module = account.module ?? (await this.#kind(seq, entry, act));
    if (account.module !== undefined) await this.#kind(seq, entry, act);
    if (entry.source.module !== module) throw new Fault("it names another source than the one that it came from");
    if (account.event) checkEvent(entry.decision, account.event);
    if (entry.kind !== "action" && (speaksOfPeople(entry.decision) || speaksOfRoots(entry.decision))) {
      throw new Fault("it speaks of people, sites or roots without an act that was signed");
    }
    this.heads.set(entry.subject, leaf);
    this.lastAt = entry.at;
    report.rootVersion = this.roots.version;
    if (entry.kind !== "boot" && entry.kind !== "consequence") this.follows = seq;
  }

  #checkEpoch(entry) {
    if (entry.kind === "boot" && !entry.record.again) this.epoch = entry.record.epoch;
    if (entry.epoch !== this.epoch)
      throw new Fault("it names another start of the site than the one that it came after");
  }

  #checkPins(entry, act) {
    const pins = entry.pins ?? [];
    if (pins.length && !takesDocuments(act)) throw new Fault("documents are kept beside it, where none are");
    for (const pin of pins) {
      if (!this.bundle.blobs.has(pin))
        throw new Fault(`the document ${pin.slice(0, 12)}… that it pins is missing, or is not what it was`);
    }
    this.report.documents += pins.length;
  }

  /** What one kind of entry asks for. An import gives the site that it came from, its source. */
  async #kind(seq, entry, act) {
    switch (entry.kind) {
      case "action":
        return this.#act(seq, entry, act);
      case "import":
        await this.imports.take(entry, this.checks);
        return this.roster.sites.find((site) => site.origin === entry.record.origin).id;
      case "cosigned":
        return this.#cosigned(entry);
      case "consequence":
        if (this.report.kind !== "business_hub") throw new Fault("only the business hub's entries have consequences");
        if (!(entry.record.of >= this.follows && entry.record.of < seq))
          throw new Fault("it does not stand after the entry that it follows from");
        return undefined;
      default:
        return undefined;
    }
  }

  async #act(seq, entry, { envelope, command, digest }) {
    const mark = `${entry.subject}\n${digest.slice(0, DIGEST_DIGITS)}`;
    if (this.marks.has(mark)) throw new Fault(`the action was on the record before, as entry ${this.marks.get(mark)}`);
    this.marks.set(mark, seq);
    const keys = this.roster.keysOf(command);
    await this.checks.add(seq, envelope, keys);
    if (entry.decision.verdict === "allow") this.roster.checkKinds(command, keys);
    if (this.report.kind === "business_hub") {
      this.roster.fold(command, entry.decision);
      await this.roots.fold(command, entry.decision, this.roster);
    } else if (speaksOfPeople(entry.decision) || speaksOfRoots(entry.decision)) {
      throw new Fault("it says what only the business hub may say");
    }
  }

  async #cosigned(entry) {
    const note = bytesOf(entry.record, "note");
    const own = this.roster.sites.find((site) => site.id === this.report.site);
    const { event, size, root } = await readCosigned(entry.record, note, own, this.roster);
    checkEvent(entry.decision, event);
    await this.#checkRoot(entry.seq, size, root);
    this.noted.set(entry.subject, note);
  }

  /** Every cosigned root on the record narrows down where an entry was altered. */
  async #checkRoot(seq, size, root) {
    if (size > seq) throw new Fault("it is cosigned over entries that come after it");
    if (same(await this.tree.root(size), root)) {
      this.agreed = Math.max(this.agreed, size);
      return;
    }
    const from = Math.min(this.agreed, size - 1);
    if (from === size - 1)
      throw Object.assign(new Fault("it was altered: the root that the site signed after it is another"), {
        seq: from,
      });
    throw new Fault(
      `one of the entries ${from} to ${size - 1} was altered: the root that the site signed then, kept in this entry, is another`,
    );
  }

  async #conclude() {
    const report = this.report;
    report.signatures = this.checks.count;
    report.passkeys = this.checks.passkeys;
    report.root = toHex(await this.tree.root());
    report.imported = this.imports?.entries ?? 0;
    report.trees = this.imports?.trees ?? new Map();
    if (this.roster !== null) await this.#signed();
    report.findings.sort((one, other) => (one.seq ?? Infinity) - (other.seq ?? Infinity));
    for (const { seq } of report.findings) if (seq !== null && report.rows[seq]) report.rows[seq].state = "fault";
    if (report.findings.every(({ seq }) => seq !== null)) settle(report.rows, report.signedSize);
    report.findings.splice(FINDINGS_MAX);
  }

  /** The site's own signature under the root, and the witnesses'. */
  async #signed() {
    const report = this.report;
    const seat = this.roster.sites.find((site) => site.id === report.site);
    if (seat === undefined) {
      this.#found(
        null,
        `${report.site} has no seat: neither the charter names it nor an enrolment that came to its record`,
      );
      return;
    }
    report.origin = seat.origin;
    report.logKey = seat.key;
    await this.#checkpoint(seat);
    const found = (seq, what) => this.#found(seq, what);
    const notes = [...this.noted, ...this.bundle.head.cosignatures];
    report.cosigned = await attested(
      { origin: seat.origin, tree: this.tree },
      notes,
      this.kept,
      this.trust.witnesses,
      found,
    );
    const foreign = outsiders(this.trust.witnesses, this.charter, this.roster);
    if (foreign.length) {
      report.outside = new Map([...report.cosigned].filter(([, said]) => foreign.includes(said.vkey)));
    }
  }

  async #checkpoint(seat) {
    const report = this.report;
    let checkpoint;
    try {
      checkpoint = await openCheckpoint(this.bundle.head.checkpoint, await makeVkey(seat.origin, seat.key));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#found(null, `the checkpoint does not hold: ${error.message}`);
      return;
    }
    report.signedSize = checkpoint.size;
    report.beyond = report.size - checkpoint.size;
    if (checkpoint.size > report.size) {
      this.#found(
        null,
        `the site signed ${checkpoint.size} entries, but only ${report.size} are here: the end of the record is missing`,
      );
    } else if (!same(await this.tree.root(checkpoint.size), checkpoint.root)) {
      this.#found(null, `the ${checkpoint.size} entries do not lead to the root that the site signed`);
    }
  }
}

function describe(row, entry) {
  Object.assign(row, { at: entry.at, kind: entry.kind, subject: entry.subject, verdict: entry.decision.verdict });
  row.codes = (entry.decision.denials ?? []).map((denial) => String(denial.code));
}

/** An entry is verified unaltered where its own checks held and the site's signature covers it. */
function settle(rows, signedSize) {
  for (const row of rows) if (row.state === "held") row.state = row.seq < signedSize ? "verified" : "unsigned";
}

/** What one record took in of another is compared with the other's, where both are here and sound. */
export async function compareImports(reports) {
  for (const report of reports) {
    for (const [origin, taken] of report.trees) {
      const other = reports.find((one) => one.origin === origin && !one.findings.length);
      if (other === undefined) continue;
      if (other.tree.size < taken.size) {
        report.findings.push({
          seq: null,
          what: `it took in ${taken.size} entries of ${origin}, which shows only ${other.tree.size} here`,
        });
      } else if (!same(await other.tree.root(taken.size), await taken.root())) {
        report.findings.push({
          seq: null,
          what: `the first ${taken.size} entries of ${origin} that it took in are not the ones that ${origin} shows`,
        });
      }
    }
  }
}
