// The table of entries: searched as one types, a page at a time, so that a long record stays quick.

import { local, make, utc } from "./dom.js";
import { decision } from "./verdict.js";

const STATES = {
  verified: ["yes", "verified unaltered"],
  unsigned: ["perhaps", "not signed by the site yet"],
  fault: ["no", "DOES NOT HOLD"],
  held: ["perhaps", "not shown unaltered"],
  open: ["perhaps", "not verified"],
};
const KINDS = {
  genesis: "Charter",
  boot: "Start of the site",
  attempt: "Attempt",
  import: "Taken in from another site",
  consequence: "Consequence",
  contact: "Link up or down",
  cosigned: "Cosignature",
};

/** The table below the verdict. */
export class Table {
  constructor(find) {
    this.find = find;
    this.reports = [];
    this.page = 0;
    this.found = [];
    find("search").addEventListener("submit", (event) => event.preventDefault());
    for (const id of ["words", "which", "many", "record"]) find(id).addEventListener("input", () => this.search());
    find("before").addEventListener("click", () => this.turn(-1));
    find("after").addEventListener("click", () => this.turn(1));
  }

  /** Show these records. */
  show(reports) {
    this.reports = reports.filter((report) => report.rows.length);
    this.find("entries").hidden = !this.reports.length;
    this.find("record").replaceChildren(
      ...this.reports.map((report, i) => make("option", { value: String(i) }, report.site || report.name)),
    );
    for (const report of this.reports) for (const row of report.rows) row.text ??= wordsOf(row);
    if (this.reports.length) this.search();
  }

  search() {
    const words = this.find("words").value.toLowerCase().split(/\s+/).filter(Boolean);
    const which = this.find("which").value;
    const report = this.reports[Number(this.find("record").value) || 0];
    this.found = report.rows.filter((row) => wanted(row, which) && words.every((word) => row.text.includes(word)));
    this.zone = report.zone;
    this.page = 0;
    this.draw();
  }

  turn(by) {
    this.page += by;
    this.draw();
    this.find("count").scrollIntoView({ block: "nearest" });
  }

  draw() {
    const many = Number(this.find("many").value);
    const start = this.page * many;
    const shown = this.found.slice(start, start + many);
    this.find("rows").replaceChildren(...shown.map((row) => this.row(row)));
    this.find("count").textContent = this.found.length
      ? `${this.found.length.toLocaleString("en")} found`
      : "No entry is like that.";
    this.find("where").textContent = this.found.length
      ? `${start + 1} to ${start + shown.length} of ${this.found.length}`
      : "";
    this.find("before").disabled = this.page === 0;
    this.find("after").disabled = start + many >= this.found.length;
  }

  row(row) {
    const [look, words] = STATES[row.state];
    const there = row.at === null ? "" : local(row.at, this.zone);
    return make(
      "tr",
      row.state === "fault" ? { class: "fault" } : {},
      make("th", { scope: "row" }, String(row.seq)),
      make("td", { "data-label": "Time" }, row.at === null ? "" : utc(row.at), there ? make("small", {}, there) : ""),
      make("td", { "data-label": "Who, role" }, row.who.map(person)),
      make(
        "td",
        { "data-label": "Act" },
        row.act || KINDS[row.kind] || row.kind,
        make("small", {}, [row.subject, row.place && `at ${row.place}`].filter(Boolean).join(", ")),
      ),
      make("td", { "data-label": "Meaning" }, meanings(row.who)),
      make("td", { "data-label": "Decision" }, decision(row)),
      make("td", { "data-label": "Record" }, make("span", { class: `mark ${look}` }, words)),
    );
  }
}

function person(one) {
  const named = one.name && one.name !== one.id;
  return make("div", {}, named ? one.name : one.id, make("small", {}, named ? `${one.id}, ${one.role}` : one.role));
}

/** What the signatures mean: once where it is the same for all. */
function meanings(who) {
  const said = new Set(who.map((one) => one.meaning));
  if (said.size === 1) return [...said][0];
  return who.filter((one) => one.meaning).map((one) => make("div", {}, one.meaning, make("small", {}, one.id)));
}

function wanted(row, which) {
  if (which === "acts") return row.kind === "action";
  if (which === "denied") return row.verdict === "deny";
  return which !== "unverified" || row.state !== "verified";
}

function wordsOf(row) {
  const who = row.who.flatMap((one) => [one.id, one.name, one.role, one.meaning]);
  const time = row.at === null ? "" : utc(row.at);
  return [row.seq, time, row.kind, row.act, row.subject, row.place, row.verdict, ...row.codes, ...who]
    .join(" ")
    .toLowerCase();
}
