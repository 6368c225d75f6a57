// The answers as the page holds them: deflated JSON in base64, one script element for each benchmark, unpacked when first looked at.

const at = (id) => document.getElementById(`browse-${id}`);
const WAYS = [["compat", "strict"], ["compat", "loose"], ["fair", "strict"], ["fair", "loose"]];
const unpacked = new Map();

/** Unpack a benchmark, once. */
function load(name) {
  if (!unpacked.has(name)) unpacked.set(name, unpack(at(`data-${name}`).textContent));
  return unpacked.get(name);
}

async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(inflated).text());
}

/** Name a model without its stage, where that tells it from the others. */
function shortNames(models) {
  const short = models.map((model) => model.slice(model.indexOf("/") + 1));
  return models.map((model, index) => (short.filter((name) => name === short[index]).length > 1 ? model : short[index]));
}

/** What a verdict on the language of an answer is called. */
function languageNames(benchmark) {
  const names = { target: benchmark.language, mixed: "mixed", source: benchmark.source, other: "another language", none: "no language" };
  if (benchmark.source === benchmark.language) delete names.source;
  return names;
}

/** Whether an answer follows all instructions of its prompt; null where it was not scored. */
function followsAll(answer, [mode, way]) {
  const verdicts = answer?.[mode]?.[way];
  return verdicts ? !verdicts.includes("0") : null;
}
