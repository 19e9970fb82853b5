// Elements, made from text alone: nothing of a file is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";
const SHAPES = {
  good: ["M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20z", "M7 12.5l3.2 3.2L17 9"],
  bad: ["M8 2h8l6 6v8l-6 6H8l-6-6V8z", "M8.5 8.5l7 7M15.5 8.5l-7 7"],
  care: ["M12 2.5L22.5 21H1.5z", "M12 9v6M12 17.5v.8"],
};

/** An element with attributes and children (texts or elements). */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.flat().filter((child) => child !== null && child !== ""));
  return element;
}

/** The sign beside a verdict; its shape differs as well as its colour. */
export function sign(kind) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" }))
    svg.setAttribute(key, value);
  for (const shape of SHAPES[kind]) {
    const path = document.createElementNS(SVG, "path");
    for (const [key, value] of Object.entries({
      d: shape,
      fill: "none",
      stroke: "currentColor",
      "stroke-width": "2",
      "stroke-linejoin": "round",
      "stroke-linecap": "round",
    }))
      path.setAttribute(key, value);
    svg.append(path);
  }
  return svg;
}

/** A list of sentences. */
export function list(sentences) {
  return make(
    "ul",
    { class: "plain" },
    sentences.map((sentence) => make("li", {}, sentence)),
  );
}

/** A number with its noun. */
export function count(number, noun, nouns = `${noun}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? noun : nouns}`;
}

/** Microseconds since 1970 as UTC, to the second. */
export function utc(at) {
  const time = new Date(at / 1000);
  return Number.isNaN(time.getTime()) ? `${at} µs` : `${time.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

const formats = new Map();

/** The same in the shop's zone; empty where this browser does not know the zone. */
export function local(at, zone) {
  if (!formats.has(zone)) formats.set(zone, formatFor(zone));
  const time = new Date(at / 1000);
  const format = formats.get(zone);
  return format === null || Number.isNaN(time.getTime()) ? "" : format.format(time);
}

function formatFor(zone) {
  const shape = {
    year: "numeric",
    month: "short",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  };
  try {
    return new Intl.DateTimeFormat("en-GB", { ...shape, timeZone: zone });
  } catch {
    return null;
  }
}
