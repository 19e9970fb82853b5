// My account: the account goes to the site and is sealed there; what comes back is a commitment, and that is what is signed.

import { canonical } from "./canon.js";
import { refresh } from "./live.js";
import { act } from "./sign.js";
import { api, call, Problem } from "./state.js";
import { announce, refused } from "./tell.js";

let begun = false;

export default function start() {
  if (begun) return;
  begun = true;
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.does !== "account") return;
    event.preventDefault();
    bring(event.target);
  });
}

async function bring(form) {
  if (form.dataset.busy) return;
  form.dataset.busy = "1";
  form.querySelectorAll(".refusal").forEach((box) => box.remove());
  const account = {};
  for (const { name, value } of form.querySelectorAll("input")) {
    const text = name === "name" ? value.trim() : value.replace(/\s/g, "").toUpperCase();
    if (text) account[name] = text;
  }
  try {
    const { commitment } = await call("POST", api("/accounts"), canonical(account));
    const wish = JSON.parse(form.dataset.register);
    const paper = document.createElement("form"); // what is signed: the commitment, never the account
    paper.dataset.wish = JSON.stringify({ ...wish, fields: { ...wish.fields, commitment } });
    if (await act(paper)) form.reset();
    await refresh();
  } catch (error) {
    if (error instanceof Problem) refused(error.problem, form);
    else announce("The site did not answer. Nothing was signed.", "bad");
  } finally {
    delete form.dataset.busy;
  }
}
