// What Kielo has said, pasted into the search: the sentence is looked up in sentences.html, and its own words, without the reader's
// paths, names and numbers, are searched for. Anything else is pasted as it is.

const place = new URL("sentences.html", document.currentScript.src);
let sentences; // fetched when they are first needed: most readers paste nothing

async function fetched() {
  const page = new DOMParser().parseFromString(await (await fetch(place)).text(), "text/html");
  return [...page.querySelectorAll("article li > code")].map((code) => code.textContent.split("…"));
}

/** Put a sentence's own words in quotation marks, so that all of them must be found; null if it is none of Kielo's. */
function wordsOf(said, sentences) {
  const plain = said.replace(/\s+/g, " ");
  const fitting = sentences.filter((parts) => {
    let place = 0;
    return parts.every((part) => (place = plain.indexOf(part, place)) >= 0 && ((place += part.length), true));
  });
  const [best] = fitting.sort((one, other) => other.join("").length - one.join("").length);
  const words = best?.join("…").split(/[\s/-]+/).map((word) => word.replace(/^[("'`]+|[)"'`,;:.!?]+$/g, ""));
  return words ? `"${words.filter((word) => /^[A-Za-z]{3,}$/.test(word)).join(" ")}"` : null;
}

document.addEventListener("paste", async (event) => {
  const field = event.target;
  if (!(field instanceof HTMLInputElement) || field.dataset.mdComponent !== "search-query") return;
  const said = event.clipboardData.getData("text");
  if (said.trim().split(/\s+/).length < 4) return;
  event.preventDefault();
  field.value = wordsOf(said, await (sentences ??= fetched())) ?? said;
  for (const kind of ["input", "keyup"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
});
