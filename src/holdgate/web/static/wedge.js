// Keyboard wedges: a scanner types faster than anybody, and ends with Enter. What it types is taken wherever the focus is: in a field
// by its speed, elsewhere (where nobody types) by its form alone. What follows other keys in a field too closely for a person, and
// too slowly for a scanner, may be the end of a mark that a busy machine heard with a pause: it stays in the field, whole.

const FAST_MS = 50;
const PAUSE_MS = 500;
const SLOW_MS = 2_000;
const SHORTEST = 6;

const told = new Set();

// Whoever asks gets each scanned text; it is swallowed, so that it ends in no field.
export const onScan = (listener) => told.add(listener);

export function listen() {
  let typed = "";
  let last = 0;
  let torn = false;
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey && event.key === "]") typed += "\x1d"; // GS1's separator, as most wedges send it
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const field = document.activeElement?.matches("input, textarea, select") ? document.activeElement : null;
      const gap = event.timeStamp - last;
      if (gap > (field ? FAST_MS : SLOW_MS)) {
        torn = Boolean(typed) && gap <= PAUSE_MS;
        typed = "";
      }
      last = event.timeStamp;
      if (event.key === "Enter") {
        const [text, whole] = [typed, !(field && torn)];
        typed = "";
        torn = false;
        if (!whole || text.length < SHORTEST || !scanned(text)) return;
        event.preventDefault();
        event.stopPropagation();
        if (field?.value.endsWith(text)) field.value = field.value.slice(0, -text.length);
        told.forEach((listener) => listener(text));
      } else if (event.key.length === 1) typed += event.key;
    },
    true,
  );
}

const marks = [/^hg1:/];

// What else is a scan and no fast typist: a page adds its own (the dock's part marks).
export const expect = (pattern) => marks.push(pattern);
const scanned = (text) => marks.some((pattern) => pattern.test(text));
