// Code 128, set B: printable ASCII as bars (ISO/IEC 15417). Gives the widths of bars and gaps in turn, quiet zones left out.

const WIDTHS =
  "212222222122222221121223121322131222122213122312132212221213221312231212112232122132122231113222123122123221223211221132" +
  "221231213212223112312131311222321122321221312212322112322211212123212321232121111323131123131321112313132113132311211313" +
  "231113231311112133112331132131113123113321133121313121211331231131213113213311213131311123311321331121312113312311332111" +
  "314111221411431111111224111422121124121421141122141221112214112412122114122411142112142211241211221114413111241112134111" +
  "111242121142121241114212124112124211411212421112421211212141214121412121111143111341131141114113114311411113411311113141" +
  "114131311141411131211412211214211232";
const STOP = "2331112";
const START_B = 104;

export function bars(text) {
  const values = [...text].map((char) => char.charCodeAt(0) - 32);
  if (!values.length || values.some((value) => value < 0 || value > 94)) throw new Error("Code 128 holds printable ASCII");
  const check = (START_B + values.reduce((sum, value, place) => sum + value * (place + 1), 0)) % 103;
  return [START_B, ...values, check].map((value) => WIDTHS.slice(value * 6, value * 6 + 6)).join("") + STOP;
}

const SVG = "http://www.w3.org/2000/svg";

export function drawn(widths, height = 60, quiet = 10) {
  const svg = document.createElementNS(SVG, "svg");
  let at = quiet;
  [...widths].forEach((width, place) => {
    if (place % 2 === 0) svg.append(bar(at, Number(width), height));
    at += Number(width);
  });
  return framed(svg, at + quiet, height);
}

function bar(x, width, height) {
  const rect = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ x, y: 0, width, height, fill: "#000" })) rect.setAttribute(name, value);
  return rect;
}

export function framed(svg, width, height) {
  const back = bar(0, width, height);
  back.setAttribute("fill", "#fff");
  svg.prepend(back);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("shape-rendering", "crispEdges");
  svg.setAttribute("aria-hidden", "true");
  return svg;
}
