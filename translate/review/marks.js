// A text with its fixed spans set off, and those that the other side lacks told apart.

/** Write a text up to `end`, its marks [start, stop, shared, ...] set off. */
function written(text, marks, end) {
  const parts = [];
  let at = 0;
  for (let index = 0; index < marks.length && marks[index] < end; index += 3) {
    const [start, stop, shared] = marks.slice(index, index + 3);
    parts.push(...visible(text.slice(at, start)));
    const title = shared ? null : "no equal on the other side";
    parts.push(make("mark", { class: shared ? "kept" : "odd", title }, ...visible(text.slice(start, Math.min(stop, end)))));
    at = Math.min(stop, end);
  }
  parts.push(...visible(text.slice(at, end)));
  if (end < text.length) parts.push("…");
  return parts;
}
