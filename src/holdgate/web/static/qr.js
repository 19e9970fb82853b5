// QR codes: byte mode, error correction M, versions 1 to 6 (106 bytes), which is all that a badge needs (ISO/IEC 18004).

import { framed } from "./code128.js";

// By version: data codewords of each block, and error correction codewords of each.
const BLOCKS = [
  [[16], 10],
  [[28], 16],
  [[44], 26],
  [[32, 32], 18],
  [[43, 43], 24],
  [[27, 27, 27, 27], 16],
];
const LEVEL_M = 0;

// The modules of a code: rows of 0 and 1.
export function matrix(text) {
  const bytes = new TextEncoder().encode(text);
  const version = BLOCKS.findIndex(([blocks]) => bytes.length <= total(blocks) - 2) + 1;
  if (!version) throw new Error("this is too long for a badge");
  const [blocks, correction] = BLOCKS[version - 1];
  const base = frame(version);
  place(base, interleaved(codewords(bytes, total(blocks)), blocks, correction));
  let best = null;
  for (let mask = 0; mask < 8; mask += 1) {
    const tried = masked(base, mask);
    const penalty = penaltyOf(tried);
    if (!best || penalty < best.penalty) best = { penalty, tried };
  }
  return best.tried;
}

const total = (blocks) => blocks.reduce((sum, size) => sum + size, 0);

// ---- what is written -------------------------------------------------------------------------------------------------

function codewords(bytes, room) {
  const bits = [];
  const push = (value, count) => {
    for (let bit = count - 1; bit >= 0; bit -= 1) bits.push((value >> bit) & 1);
  };
  push(4, 4);
  push(bytes.length, 8);
  bytes.forEach((byte) => push(byte, 8));
  push(0, Math.min(4, room * 8 - bits.length));
  while (bits.length % 8) bits.push(0);
  const words = [];
  for (let at = 0; at < bits.length; at += 8) words.push(bits.slice(at, at + 8).reduce((sum, bit) => sum * 2 + bit, 0));
  for (let pad = 0xec; words.length < room; pad ^= 0xec ^ 0x11) words.push(pad);
  return words;
}

function interleaved(words, blocks, correction) {
  let at = 0;
  const parts = blocks.map((size) => words.slice(at, (at += size)));
  const checks = parts.map((part) => remainder(part, correction));
  const out = [];
  for (const rows of [parts, checks]) {
    for (let column = 0; column < Math.max(...rows.map((row) => row.length)); column += 1) {
      for (const row of rows) if (column < row.length) out.push(row[column]);
    }
  }
  return out;
}

// ---- Reed-Solomon over GF(256), polynomial 0x11d ---------------------------------------------------------------------

function times(one, other) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    product ^= ((other >> bit) & 1) * one;
  }
  return product;
}

function remainder(words, degree) {
  const generator = new Array(degree).fill(0);
  generator[degree - 1] = 1;
  let root = 1;
  for (let turn = 0; turn < degree; turn += 1) {
    for (let at = 0; at < degree; at += 1) {
      generator[at] = times(generator[at], root) ^ (at + 1 < degree ? generator[at + 1] : 0);
    }
    root = times(root, 2);
  }
  const rest = new Array(degree).fill(0);
  for (const word of words) {
    const factor = word ^ rest.shift();
    rest.push(0);
    generator.forEach((coefficient, at) => (rest[at] ^= times(coefficient, factor)));
  }
  return rest;
}

// ---- the square ------------------------------------------------------------------------------------------------------

// Function patterns hold 2 (light) and 3 (dark); null is free for data, which is 0 and 1.
function frame(version) {
  const size = version * 4 + 17;
  const rows = Array.from({ length: size }, () => new Array(size).fill(null));
  const set = (x, y, dark) => {
    if (x >= 0 && y >= 0 && x < size && y < size) rows[y][x] = dark ? 3 : 2;
  };
  for (let at = 0; at < size; at += 1) {
    set(6, at, at % 2 === 0);
    set(at, 6, at % 2 === 0);
  }
  for (const [cx, cy] of [[3, 3], [size - 4, 3], [3, size - 4]]) {
    for (let dy = -4; dy <= 4; dy += 1) {
      for (let dx = -4; dx <= 4; dx += 1) {
        const ring = Math.max(Math.abs(dx), Math.abs(dy));
        set(cx + dx, cy + dy, ring !== 2 && ring !== 4);
      }
    }
  }
  if (version > 1) {
    const centre = size - 7;
    for (let dy = -2; dy <= 2; dy += 1) {
      for (let dx = -2; dx <= 2; dx += 1) set(centre + dx, centre + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
    }
  }
  formatted(rows, 0);
  return rows;
}

function formatted(rows, mask) {
  const size = rows.length;
  const data = (LEVEL_M << 3) | mask;
  let rest = data;
  for (let turn = 0; turn < 10; turn += 1) rest = (rest << 1) ^ ((rest >> 9) * 0x537);
  const bits = ((data << 10) | rest) ^ 0x5412;
  const bit = (at) => 2 + ((bits >> at) & 1);
  for (let at = 0; at < 6; at += 1) rows[at][8] = bit(at);
  rows[7][8] = bit(6);
  rows[8][8] = bit(7);
  rows[8][7] = bit(8);
  for (let at = 9; at < 15; at += 1) rows[8][14 - at] = bit(at);
  for (let at = 0; at < 8; at += 1) rows[8][size - 1 - at] = bit(at);
  for (let at = 8; at < 15; at += 1) rows[size - 15 + at][8] = bit(at);
  rows[size - 8][8] = 3;
}

function place(rows, words) {
  const size = rows.length;
  let at = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step += 1) {
      for (const x of [right, right - 1]) {
        const up = ((right + 1) & 2) === 0;
        const y = up ? size - 1 - step : step;
        if (rows[y][x] !== null) continue;
        rows[y][x] = at < words.length * 8 ? (words[at >> 3] >> (7 - (at & 7))) & 1 : 0;
        at += 1;
      }
    }
  }
}

const MASKS = [
  (x, y) => (x + y) % 2,
  (x, y) => y % 2,
  (x) => x % 3,
  (x, y) => (x + y) % 3,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2,
  (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];

function masked(base, mask) {
  const rows = base.map((row, y) => row.map((cell, x) => (cell > 1 ? cell : cell ^ (MASKS[mask](x, y) === 0 ? 1 : 0))));
  formatted(rows, mask);
  return rows.map((row) => row.map((cell) => cell & 1));
}

function penaltyOf(rows) {
  const size = rows.length;
  const columns = rows.map((_, x) => rows.map((row) => row[x]));
  let sum = 0;
  for (const line of [...rows, ...columns]) {
    const text = line.join("");
    for (const run of text.match(/0{5,}|1{5,}/g) || []) sum += run.length - 2;
    for (let at = 0; at + 11 <= size; at += 1) {
      const part = text.slice(at, at + 11);
      if (part === "10111010000" || part === "00001011101") sum += 40;
    }
  }
  for (let y = 0; y + 1 < size; y += 1) {
    for (let x = 0; x + 1 < size; x += 1) {
      const four = rows[y][x] + rows[y][x + 1] + rows[y + 1][x] + rows[y + 1][x + 1];
      if (four === 0 || four === 4) sum += 3;
    }
  }
  const dark = rows.flat().reduce((count, cell) => count + cell, 0);
  return sum + Math.floor(Math.abs((dark * 20) / (size * size) - 10)) * 10;
}

// ---- drawn -----------------------------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";

export function drawn(rows, quiet = 4) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  const cells = rows.flatMap((row, y) => row.map((cell, x) => (cell ? `M${x + quiet} ${y + quiet}h1v1h-1z` : "")));
  path.setAttribute("d", cells.join(""));
  path.setAttribute("fill", "#000");
  svg.append(path);
  return framed(svg, rows.length + 2 * quiet, rows.length + 2 * quiet);
}
