// Invoices: a document is fetched and saved; where it may not be given out, the page says why.

import { announce } from "./tell.js";

let begun = false;

export default function start() {
  if (begun) return;
  begun = true;
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-document]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    save(link);
  });
}

async function save(link) {
  if (link.dataset.busy) return;
  link.dataset.busy = "1";
  announce("The invoice is being written.");
  try {
    const answer = await fetch(link.href, { credentials: "same-origin" });
    if (!answer.ok) {
      const problem = await answer.json().catch(() => ({}));
      const reasons = problem.refusals?.map(({ code, says }) => `${code}: ${says}.`).join(" ");
      return announce(`Not given out. ${reasons || problem.detail || answer.statusText}`, "bad");
    }
    const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") || "")?.[1] || "invoice";
    const made = document.createElement("a");
    made.href = URL.createObjectURL(await answer.blob());
    made.download = name;
    made.click();
    setTimeout(() => URL.revokeObjectURL(made.href), 10_000);
    announce(`${name} is saved.`, "good");
  } catch {
    announce("The site did not answer. Ask again.", "bad");
  } finally {
    delete link.dataset.busy;
  }
}
