// Receipts: the proof that one entry stands in a log, checked with the log's key alone.
// Source: C2SP tlog-proof; docs/spec/ledger.md, "Receipt".

import { Fault, fromBase64, same, textOf, toHex, utf8 } from "./bytes.js";
import { whyNotSigned } from "./dsse.js";
import { readAct, readEntry } from "./entry.js";
import { HASH_BYTES, leafHash, verifyInclusion } from "./merkle.js";
import { names, openCheckpoint, parseCheckpoint, readNote, readNumber, verifyCosignature } from "./note.js";

export const HEADER = "c2sp.org/tlog-proof@v1";
const PROOF_BYTES_MAX = 131072;
const PATH_HASHES_MAX = 63;

/** Read a receipt. Proves nothing. */
export function readProof(raw) {
  if (raw.length > PROOF_BYTES_MAX) throw new Fault("the receipt is too long");
  const whole = textOf(raw, "the receipt");
  const split = whole.indexOf("\n\n");
  const [header, ...lines] = whole.slice(0, split).split("\n");
  if (split < 0 || header !== HEADER) throw new Fault(`this is no receipt: it begins with ${HEADER}`);
  if (lines[0]?.startsWith("extra ")) fromBase64(lines.shift().slice(6), "the receipt's extra line");
  if (!lines[0]?.startsWith("index ")) throw new Fault("the receipt names no index");
  const index = readNumber(lines.shift().slice(6), "the receipt's index");
  if (lines.length > PATH_HASHES_MAX) throw new Fault("the receipt's path is longer than any tree needs");
  const path = lines.map((line) => fromBase64(line, "the receipt's path"));
  if (path.some((hash) => hash.length !== HASH_BYTES))
    throw new Fault("the receipt's path holds something that is no hash");
  const note = utf8(whole.slice(split + 2));
  return { index, path, note, origin: parseCheckpoint(readNote(note).text).origin };
}

/** Which entry a receipt is about: one of the given ones, or of an audited record; where both are there, they have to agree. */
export async function entryFor(proof, entries, reports) {
  const { size, root } = parseCheckpoint(readNote(proof.note).text);
  const report = reports.find((one) => one.origin === proof.origin && proof.index < one.size);
  const here = report && { leaf: report.tree.rows[0][proof.index], row: report.rows[proof.index] };
  for (const body of entries) {
    const leaf = await leafHash(body);
    if (!(await verifyInclusion(proof.index, size, leaf, proof.path, root))) continue;
    if (here && !same(here.leaf, leaf)) {
      throw new Fault(
        `the log signed this receipt for another entry ${proof.index} than its record shows: it has two histories`,
      );
    }
    return here ?? { body, leaf };
  }
  if (here) return here;
  if (entries.length)
    throw new Fault(`the receipt does not prove the entry that you gave, at index ${proof.index} of ${proof.origin}`);
  throw new Fault("drop the entry that the receipt is about, or the bundle of its site");
}

/** Verify a receipt. `log`: the trusted key of the log; `roster`: whose keys are known, or null. */
export async function verifyReceipt(proof, found, log, witnesses, roster) {
  const checkpoint = await openCheckpoint(proof.note, log);
  if (!(await verifyInclusion(proof.index, checkpoint.size, found.leaf, proof.path, checkpoint.root))) {
    throw new Fault(`the receipt does not prove this entry at index ${proof.index} of ${checkpoint.origin}`);
  }
  const { lines } = readNote(proof.note);
  const cosigned = new Map();
  for (const vkey of witnesses.filter((one) => lines.some((line) => names(line, one)))) {
    cosigned.set(vkey.name, { size: checkpoint.size, time: await verifyCosignature(proof.note, vkey), vkey });
  }
  const said = {
    index: proof.index,
    size: checkpoint.size,
    origin: checkpoint.origin,
    leaf: toHex(found.leaf),
    cosigned,
  };
  if (found.row) return { ...said, row: found.row, signed: found.row.state === "verified" ? "record" : "open" };
  return { ...said, ...(await readFound(found.body, proof.index, log, roster)) };
}

async function readFound(body, index, log, roster) {
  const entry = readEntry(body);
  if (entry.seq !== index || !log.name.endsWith(`/${entry.site}`)) {
    throw new Fault(
      `the entry says that it is number ${entry.seq} of ${entry.site}; the receipt is about number ${index}`,
    );
  }
  const act = entry.kind === "action" ? await readAct(entry) : null;
  const row = {
    seq: index,
    state: "verified",
    at: entry.at,
    kind: entry.kind,
    act: act?.command.act ?? "",
    subject: entry.subject,
    place: act?.command.place ?? "",
    verdict: entry.decision.verdict,
    codes: (entry.decision.denials ?? []).map((denial) => String(denial.code)),
    who: (act?.command.signers ?? []).map((signer) => ({
      id: signer.id,
      name: roster?.nameOf(signer.id) ?? "",
      role: signer.role,
      meaning: signer.meaning ?? "",
    })),
  };
  return { row, signed: act === null ? "none" : await whoSigned(act, roster) };
}

async function whoSigned({ envelope, command }, roster) {
  let keys;
  try {
    keys = roster?.keysOf(command);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
  if (!keys) return "unknown";
  const why = await whyNotSigned(envelope, keys);
  if (why) throw new Fault(`a signature does not hold: ${why}`);
  return "charter";
}
