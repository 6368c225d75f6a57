// Texts on a page: never markup, unseen characters marked, long ones folded, what was searched for set off.

const FOLDED_CHARACTERS = 1500;
const FOLDED_LINES = 24;
// Controls (but for tab and line ends), bidirectional overrides, the byte order mark, lone surrogates, the replacement character.
const UNSEEN = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffd\p{Cs}]/gu;

/** Make an element; its attributes and children are given, children that are text stay text. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Where a text is cut while it is folded: its whole length where it is short. */
function foldAt(text) {
  let end = Math.min(text.length, FOLDED_CHARACTERS);
  for (let line = 0, at = -1; line < FOLDED_LINES; line += 1) {
    at = text.indexOf("\n", at + 1);
    if (at < 0) break;
    if (line === FOLDED_LINES - 1) end = Math.min(end, at);
  }
  if (text.length - end < FOLDED_CHARACTERS / 5) return text.length;
  return /[\ud800-\udbff]/.test(text[end - 1]) ? end - 1 : end;
}

/** Split a text into itself and signs for the characters in it that nobody sees. */
function visible(text) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(UNSEEN)) {
    if (match.index > at) parts.push(text.slice(at, match.index));
    parts.push(make("span", { class: "unseen" }, `U+${match[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`));
    at = match.index + match[0].length;
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}

/** Set off what was searched for, without touching the texts (where the browser can). */
function highlight(root, wanted) {
  if (!globalThis.Highlight) return;
  const ranges = [];
  const nodes = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = nodes.nextNode(); wanted && node; node = nodes.nextNode()) {
    const text = node.data.toLowerCase();
    if (text.length !== node.data.length) continue; // a letter that changes its length with its case: offsets would be off
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
      const range = new Range();
      range.setStart(node, at);
      range.setEnd(node, at + wanted.length);
      ranges.push(range);
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
}
