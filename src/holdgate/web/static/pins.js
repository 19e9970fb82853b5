// PINs that are among the first that anybody tries; the same rules as holdgate.crypto.pins, which says why. Nothing is asked of anybody.

const PIECES = 3;
const PIECE = 3;
const AROUND = 6;
export const LINES = [
  "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "yxcvbnm", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn", "qazwsxedcrfvtgb",
  "147258369", "159", "357", "2580", "1379", "13579024680", "24681012", "142536", "112358", "314159265", "271828182",
];
export const WORDS = new Set(
  `abc access admin administrator aerospace airplane america angel apple asshole august autumn baby banana baseball
    basketball batman biteme blink boss brother buster butterfly calibration certified changeme charlie cheese
    chelsea chocolate coffee computer cookie corvette cowboy daddy daniel december default dragon eagle everton
    facebook factory family february ferrari fish flower football forever freedom friday friends fuckyou furnace
    ginger god gold google guest hallo hammer hannah harley heaven hello hockey holdgate hunter icecream iloveyou
    inspection inspector internet jackson january jennifer jesus jordan joshua july june justin killer kitten lab
    laboratory letmein letmeinnow liverpool login london lovely loveyou lucky maggie manager march master matrix
    matthew maverick mercedes merlin michael michelle monday money monkey monster mother mustang mypassword nicole
    nothing november october office operator orange panther pass passw passwd password passwort patrick peanut
    pepper please pokemon princess pussy qwe qwerty qwertz ranger root samsung saturday schatz scooter secret secure
    september service shadow silver slipknot smokey snoopy soccer sommer spiderman spring starwars station summer
    sunday sunflower sunshine superman superstar supervisor support system taylor technician temp test tester
    testing thomas thunder thursday tigger trustno tuesday user username wednesday welcome whatever willkommen
    winter wizard wordpass work workstation yamaha yankees yellow`.split(/\s+/),
);
const LETTERS = new Map([..."0134578@$!|+€"].map((sign, at) => [sign, "oieastbasilte"[at]]));

export function whyEasy(pin, about = []) {
  const text = pin.toLowerCase();
  const bare = text.replace(/[^\p{L}\p{N}]/gu, "");
  if (repeats(bare)) return "a few signs over and over";
  if (runs(bare)) return "a row of the keyboard or the alphabet";
  if (isDate(bare)) return "a date";
  const found = cores(text);
  if (found.some((core) => WORDS.has(core))) return "a word that everybody tries, with signs around it";
  const names = namesOf(about);
  if (found.some((core) => names.has(core))) return "the name of its owner";
  return "";
}

function repeats(text) {
  for (let length = 1; length <= text.length >> 1; length += 1) if (text.slice(length) === text.slice(0, -length)) return true;
  const [one, two] = [0, 1].map((at) => [...text].filter((_, i) => i % 2 === at).join(""));
  return text.length % 2 === 0 && one === two && runs(one);
}

function runs(text) {
  let pieces = 0;
  while (text && pieces < PIECES) {
    let length = text.length;
    while (length >= PIECE && !isRun(text.slice(0, length))) length -= 1;
    if (length < PIECE) return false;
    text = text.slice(length);
    pieces += 1;
  }
  return pieces > 0 && !text;
}

function isRun(text) {
  if (LINES.some((line) => line.includes(text) || [...line].reverse().join("").includes(text))) return true;
  const digits = /^[0-9]+$/.test(text);
  const steps = new Set();
  for (let at = 1; at < text.length; at += 1) {
    const step = text.charCodeAt(at) - text.charCodeAt(at - 1);
    steps.add(digits ? (step + 10) % 10 : step);
  }
  const [step] = steps;
  return steps.size === 1 && (digits ? [0, 1, 9] : [0, 1, -1]).includes(step);
}

function isDate(text) {
  if (!/^(\d{6}|\d{8})$/.test(text)) return false;
  const year = text.length - 4;
  return [
    [text.slice(4), text.slice(2, 4), text.slice(0, 2)],
    [text.slice(4), text.slice(0, 2), text.slice(2, 4)],
    [text.slice(0, year), text.slice(year, year + 2), text.slice(year + 2)],
  ].some(isDay);
}

function isDay([year, month, day]) {
  const full = year.length === 4 ? Number(year) : 2000 + Number(year);
  const [m, d] = [Number(month), Number(day)];
  const made = new Date(Date.UTC(full, m - 1, d));
  return full >= 1900 && full <= 2099 && made.getUTCMonth() === m - 1 && made.getUTCDate() === d;
}

function cores(text) {
  const inner = text.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, "");
  const found = [inner, text].map((one) => [...one].map((sign) => LETTERS.get(sign) ?? sign).join("").replace(/[^a-z]/g, ""));
  return found.filter((core) => core && text.length - core.length <= AROUND).map(once);
}

function once(text) {
  const half = text.length >> 1;
  return text.slice(0, half) === text.slice(half) ? text.slice(0, half) : text;
}

function namesOf(about) {
  const found = new Set();
  for (const name of about) {
    const parts = name.toLowerCase().split(/[^\p{L}]+/u).map((part) => part.replace(/[^a-z]/g, ""));
    for (const part of [...parts, parts.join("")]) if (part.length >= PIECE) found.add(part);
  }
  return found;
}
