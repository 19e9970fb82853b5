// Papers are no entries of the record, so that the site does not say "changed" when one is laid down: the page looks by itself.

import { refresh } from "./live.js";

const EVERY_MS = 4_000;
let timer = 0;

export default function look() {
  clearInterval(timer);
  timer = setInterval(() => (document.getElementById("main").dataset.script === "papers" ? refresh() : clearInterval(timer)), EVERY_MS);
}
