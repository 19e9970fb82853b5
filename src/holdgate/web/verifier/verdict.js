// What was verified and what was not, in plain English.

import { toBase64 } from "./bytes.js";
import { count, list, local, make, sign, utc } from "./dom.js";

const MORE_SHOWN = 9;
const SITES = { business_hub: "business hub", floor_hub: "floor hub", node: "node" };

function head(kind, text) {
  return make("p", { class: "verdict" }, sign(kind), text);
}

function rows(pairs) {
  return make(
    "dl",
    {},
    pairs.filter(([, text]) => text !== "").flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]),
  );
}

function moment(at, zone) {
  const there = local(at, zone);
  return there && zone !== "UTC" ? `${utc(at)} (${there})` : utc(at);
}

/** The card of one record. */
export function recordCard(report) {
  const good = !report.findings.length;
  const kind = good ? (report.beyond > 0 ? "care" : "good") : "bad";
  const title = report.site ? `${report.site}, ${SITES[report.kind]} of ${report.shop}` : report.name;
  const card = make("article", { class: kind, "data-verdict": good ? "unaltered" : "refused" }, make("h2", {}, title));
  card.append(head(kind, good ? "Record verified unaltered" : "This record does not hold"));
  if (good) card.append(make("p", {}, summary(report)));
  else card.append(...faults(report));
  card.append(...notes(report));
  if (report.site) card.append(make("h3", {}, good ? "What was verified" : "What was looked at"), facts(report));
  if (good) card.append(make("h3", {}, "What was not verified here"), list(notVerified(report)));
  return card;
}

function summary(report) {
  const covered = Math.min(report.size, report.signedSize);
  return `${count(covered, "entry", "entries")}: none was altered, added, left out or moved since ${report.site} signed them.`;
}

function faults(report) {
  const [first, ...more] = report.findings;
  const where = first.seq === null ? "" : `Entry ${first.seq}: `;
  const shown = [make("p", { class: "fault first" }, `${where}${first.what}.`)];
  if (first.seq !== null) {
    shown.push(
      make("p", {}, `Entries before ${first.seq} agree among themselves. From there on only hashes could be checked.`),
    );
  }
  if (more.length) {
    const rest = more
      .slice(0, MORE_SHOWN)
      .map(({ seq, what }) => (seq === null ? `${what}.` : `Entry ${seq}: ${what}.`));
    if (more.length > MORE_SHOWN) rest.push(`and ${more.length - MORE_SHOWN} more`);
    shown.push(make("h3", {}, "Found as well"), list(rest));
  }
  return shown;
}

function notes(report) {
  const said = [];
  if (report.beyond > 0) {
    said.push(
      `${count(report.beyond, "entry", "entries")} at the end came after the last checkpoint that the site signed. ` +
        "No signature of the site covers them yet: export again after the site was closed in good order.",
    );
  }
  if (report.site && !report.findings.length && !report.cosigned.size) {
    said.push("No witness that you trust cosigned this record: the site alone vouches for its length and order.");
  } else if (report.outside && !report.outside.size && !report.findings.length) {
    said.push(
      "No witness outside of the shop cosigned: whoever holds all of its keys could have made this record anew.",
    );
  } else if (report.site && report.outside === null && !report.findings.length) {
    said.push(
      "Your trust file names no witness outside of the shop: whoever holds all of the shop’s keys could have made this record anew.",
    );
  }
  return said.map((sentence) => make("p", { class: "note" }, sentence));
}

function attestations(report) {
  return [...report.cosigned]
    .map(([name, said]) => {
      const place = report.outside?.has(name) ? "outside the shop" : "the shop’s own";
      return `${name} (${place}): ${count(said.size, "entry", "entries")}, ${moment(said.time * 1_000_000, report.zone)}`;
    })
    .join("; ");
}

function facts(report) {
  const kinds = [...report.kinds].sort((one, other) => other[1] - one[1]).map(([kind, many]) => `${many} ${kind}`);
  const last = report.rows.at(-1)?.at ?? null;
  const covered = report.signedSize
    ? `signed by ${report.site}, over ${count(report.signedSize, "entry", "entries")}`
    : "none holds";
  return rows([
    ["Log", report.origin],
    [
      "Charter",
      `signed by ${count(report.rootSignatures, "root key")} of your trust file (${report.threshold} needed)`,
    ],
    ["Roots", report.rootVersion > 1 ? `version ${report.rootVersion} is in force, exchanged by those before` : ""],
    ["Entries", `${report.size.toLocaleString("en")} (${kinds.join(", ")}); ${count(report.denials, "refusal")}`],
    [
      "From, to",
      last === null ? "" : `${moment(report.rows[0].at ?? last, report.zone)} to ${moment(last, report.zone)}`,
    ],
    [
      "Signatures",
      `${report.signatures.toLocaleString("en")} of people, workstations, readers and sites, each under the key that was enrolled by then` +
        (report.passkeys ? `; ${report.passkeys} of them by passkey` : ""),
    ],
    ["Checkpoint", covered],
    ["Cosigned", attestations(report) || "by no witness that you trust"],
    [
      "Taken in",
      report.imported
        ? `${count(report.imported, "entry", "entries")} of other sites in full, under those sites’ own checkpoints`
        : "",
    ],
    ["Root", make("span", { class: "root" }, report.root)],
  ]);
}

function notVerified(report) {
  const said = [
    "Whether each decision was right: holdgate audit makes every one again under the contracts in force.",
    "Whether what a device measured or a person typed was true.",
    "Whether the trust file is the shop’s: compare its keys with a copy from elsewhere.",
    "Time stamps of an authority.",
  ];
  if (report.trees.size)
    said.push("Entries of other sites that this site holds as digests only: drop their bundles too.");
  return said;
}

/** The card of one receipt. */
export function receiptCard(receipt, zone) {
  if (receipt.why) {
    return make(
      "article",
      { class: "bad", "data-verdict": "refused" },
      make("h2", {}, receipt.name),
      head("bad", "This receipt does not hold"),
      make("p", { class: "fault first" }, `${receipt.why}.`),
    );
  }
  const { row } = receipt;
  const kind = receipt.signed === "unknown" || receipt.signed === "open" ? "care" : "good";
  const said = {
    record: "Its signatures were verified with the record above.",
    open: "The record above does not hold, so its signatures are not vouched for.",
    charter: "Every signature on it holds, under keys that the charter names.",
    unknown:
      "Its signatures were not verified: whoever signed was enrolled later than the charter. Drop the bundle of the site.",
    none: "It is the site’s own note: nobody signed it.",
  };
  const cosigned = [...receipt.cosigned]
    .map(([name, { time }]) => `${name}, ${moment(time * 1_000_000, zone)}`)
    .join("; ");
  const who = row.who
    .map((one) => `${one.name || one.id} as ${one.role}${one.meaning ? `: ${one.meaning}` : ""}`)
    .join("; ");
  return make(
    "article",
    { class: kind, "data-verdict": "proved" },
    make("h2", {}, receipt.name),
    head(kind, `Entry ${receipt.index} is on the record, unaltered`),
    make("p", { class: kind === "care" ? "note" : "" }, said[receipt.signed]),
    rows([
      ["Log", receipt.origin],
      ["Time", row.at === null ? "" : moment(row.at, zone)],
      ["Act", row.act || row.kind],
      ["About", row.subject],
      ["Who", who],
      ["Decision", decision(row)],
      [
        "Checkpoint",
        `signed by the log, over ${count(receipt.size, "entry", "entries")}; its key comes from ${receipt.from}`,
      ],
      ["Cosigned", cosigned || "by no witness that you trust"],
      ["Leaf hash", make("span", { class: "root" }, receipt.leaf)],
    ]),
  );
}

/** A decision in words. */
export function decision(row) {
  if (row.verdict === "deny") return `Refused: ${row.codes.join(", ")}`;
  if (row.verdict !== "allow") return "";
  return row.kind === "action" ? "Allowed" : "Noted by the site";
}

/** The keys that everything rests on, for comparison. */
export function trustCard(trust) {
  const roots = trust.roots.map((root) => make("dd", {}, make("span", { class: "root" }, toBase64(root))));
  const witnesses = trust.witnesses.map((vkey) =>
    make("dd", {}, `${vkey.name} `, make("span", { class: "root" }, `${vkey.id} ${toBase64(vkey.key)}`)),
  );
  return make(
    "details",
    {},
    make(
      "summary",
      {},
      `The keys that you trust: ${count(trust.roots.length, "root")}, ${count(trust.witnesses.length, "witness", "witnesses")}`,
    ),
    make(
      "dl",
      {},
      make("dt", {}, "Root keys"),
      ...roots.flatMap((root, i) => (i ? [make("dt", {}), root] : [root])),
      ...(witnesses.length
        ? [make("dt", {}, "Witnesses"), ...witnesses.flatMap((one, i) => (i ? [make("dt", {}), one] : [one]))]
        : []),
    ),
  );
}
