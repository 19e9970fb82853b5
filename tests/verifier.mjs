// Runs the verifier page's modules under node: `node verifier.mjs MODULES JOBS` prints the answers as JSON.
import { readFileSync } from "node:fs";
import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto;

const [modules, jobs] = process.argv.slice(2);
const load = (name) => import(`file://${modules}/${name}.js`);
const { fromBase64 } = await load("bytes");
const { encode, parse } = await load("canon");
const { verify, whyOdd } = await load("ed25519");
const { recognise, verifyAll, missing } = await load("files");
const { readPasskey, verifyPasskey } = await load("passkey");
const { ACTS, WITH_DOCUMENTS } = await load("acts");
const { Cancelled, Watch } = await load("work");

const bytes = (text) => fromBase64(text, "a test's bytes");

function told(report) {
  const { tree, trees, rows, logKey, kinds, cosigned, outside, ...rest } = report;
  return {
    ...rest,
    rows,
    imports: Object.fromEntries([...trees].map(([origin, taken]) => [origin, taken.size])),
    cosigned: cosigned ? Object.fromEntries([...cosigned].map(([name, said]) => [name, said.size])) : {},
    outside: outside ? Object.fromEntries([...outside].map(([name, said]) => [name, said.size])) : null,
  };
}

const OPS = {
  async verify({ files, cancelAfter }) {
    const items = [];
    for (const path of files)
      items.push(await recognise(Object.assign(new Blob([readFileSync(path)]), { name: path.split("/").at(-1) })));
    const lacks = missing(items);
    if (lacks) return { lacks, kinds: items.map((item) => item.kind) };
    const cancel = new AbortController();
    let seen = 0;
    if (cancelAfter === 0) cancel.abort();
    const watch = new Watch(() => ++seen === cancelAfter && cancel.abort(), cancel.signal);
    try {
      const { reports, receipts } = await verifyAll(items, watch);
      return {
        kinds: items.map((item) => item.kind),
        reports: reports.map(told),
        receipts: receipts.map(({ cosigned, ...rest }) => rest),
        seen,
      };
    } catch (error) {
      if (error instanceof Cancelled) return { cancelled: true };
      return { why: error.message };
    }
  },
  acts: () => ({ acts: ACTS, documents: WITH_DOCUMENTS }),
  canon: ({ texts }) =>
    texts.map((text) => {
      try {
        return encode(parse(text, "it"));
      } catch (error) {
        return { why: error.message };
      }
    }),
  spell: ({ texts }) => texts.map((text) => encode(JSON.parse(text))),
  odd: ({ keys }) => keys.map((key) => whyOdd(bytes(key))),
  ed25519: ({ cases }) =>
    Promise.all(cases.map(([key, message, signature]) => verify(bytes(key), bytes(message), bytes(signature)))),
  passkey: ({ cases }) =>
    Promise.all(
      cases.map(async ([key, message, signature]) => {
        try {
          return await verifyPasskey(readPasskey(bytes(key)), bytes(message), bytes(signature));
        } catch (error) {
          return error.message;
        }
      }),
    ),
};

const answers = [];
for (const job of JSON.parse(readFileSync(jobs, "utf8"))) answers.push(await OPS[job.op](job));
process.stdout.write(JSON.stringify(answers));
