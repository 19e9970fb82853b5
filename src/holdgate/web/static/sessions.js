// My sessions, and an admin's look at somebody's: ending what should not be open. Nothing is signed: a session only shows.

import { refresh } from "./live.js";
import { api, call } from "./state.js";
import { announce } from "./tell.js";

let begun = false;

export default function start() {
  if (begun) return;
  begun = true;
  document.addEventListener("click", (event) => {
    const { end, endOf } = event.target.closest("button")?.dataset || {};
    if (end) ended(end === "others" ? "/sessions" : `/sessions/${encodeURIComponent(end)}`);
    if (endOf) ended(`/people/${encodeURIComponent(endOf)}/sessions`);
  });
}

async function ended(path) {
  try {
    await call("DELETE", api(path));
    announce("Ended. That browser shows nothing any more.", "good");
  } catch (error) {
    announce(error.message, "bad");
  }
  await refresh();
}
