// The browser at work: opened when it comes into view or an address names a prompt, then moved by filters, links and addresses.

function fill(select, options, value) {
  select.replaceChildren(...options.map(([name, label]) => make("option", { value: name }, label)));
  select.value = options.some(([name]) => name === value) ? value : options[0][0];
}

let wanted = "";

/** Show a benchmark, unless another one is asked for meanwhile; filters that it does not know fall back to any. */
async function open(name) {
  wanted = name;
  const benchmark = await load(name);
  if (wanted !== name || benchmark === state.benchmark) return;
  const known = state.benchmark?.models.join() === benchmark.models.join();
  Object.assign(state, { benchmark, models: known ? state.models : benchmark.models.map((_, index) => index) });
  current = null;
  at("benchmark").value = name;
  const ifeval = benchmark.kind === "ifeval";
  at("tag-name").textContent = ifeval ? "Instruction" : "Category";
  at("scored").closest("label").hidden = !ifeval;
  fill(at("tag"), [["", "any"], ...tagsOf(benchmark)], state.tag);
  fill(at("scored"), WAYS.map((each) => [each.join(" "), each.join(", ")]), state.scored);
  fill(at("verdict"), ifeval ? IFEVAL_VERDICTS : QUESTION_VERDICTS, state.verdict);
  fill(at("spoken"), [["", "any language"], ...Object.entries(languageNames(benchmark))], state.spoken);
  fillModels();
  readFilters();
}

function fillModels() {
  const names = shortNames(state.benchmark.models);
  at("model-list").replaceChildren(...names.map((name, index) =>
    make("label", {}, make("input", { type: "checkbox", value: String(index), checked: state.models.includes(index) }), " ", name)));
}

/** Take over what the controls say. */
function readFilters() {
  for (const name of ["tag", "scored", "verdict", "spoken"]) state[name] = at(name).value;
  state.query = at("query").value;
  state.models = [...at("model-list").querySelectorAll(":checked")].map((box) => Number(box.value));
  const all = state.benchmark.models.length;
  at("models-name").textContent = state.models.length === all ? `All ${all} models` : `${state.models.length} of ${all} models`;
  refresh();
}

function clearFilters() {
  for (const name of ["tag", "verdict", "spoken", "query"]) at(name).value = "";
  at("scored").value = WAYS[0].join(" ");
  chooseModels(true);
}

function chooseModels(all) {
  for (const box of at("model-list").querySelectorAll("input")) box.checked = all;
  readFilters();
}

/** The benchmark and key that an address names, if it names a benchmark of this page. */
function named() {
  const [name, ...rest] = location.hash.slice(1).split("/");
  return rest.length && at(`data-${name}`) ? [name, decoded(rest.join("/"))] : null;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // half an escape, from an address typed by hand
  }
}

async function follow() {
  if (!named()) return;
  const [name, key] = named();
  if (!(await start(name))) return;
  await open(name);
  if (state.benchmark.name !== name) return;
  const prompt = state.benchmark.prompts.find((each) => each.key === key);
  if (!prompt) {
    at("count").textContent = `No prompt ${key} in ${name}.`;
    return;
  }
  if (!shown.includes(prompt)) clearFilters();
  current = prompt;
  showPage(Math.floor(shown.indexOf(prompt) / ON_A_PAGE));
  showPrompt(prompt);
  at("prompt").focus({ preventScroll: true });
  const { top } = at("prompt").getBoundingClientRect();
  if (top < 0 || top > innerHeight / 3) at("prompt").scrollIntoView();
}

function toList() {
  const link = at("prompts").querySelector("[aria-current]");
  link?.focus();
  link?.scrollIntoView({ block: "nearest" });
}

let started = null;

/** Unpack and show the first benchmark, or the one that is asked for; false where the browser cannot. */
function start(name = at("benchmark").value) {
  started ??= begin(name);
  return started;
}

async function begin(name) {
  if (!globalThis.DecompressionStream) {
    at("count").textContent = "This browser cannot unpack the answers; one of 2023 or later can.";
    return false;
  }
  await open(name);
  return true;
}

function listen() {
  let waiting;
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  at("filters").addEventListener("change", ({ target }) => {
    if (target === at("benchmark")) open(target.value);
    else if (target !== at("query") && state.benchmark) readFilters();
  });
  at("query").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => state.benchmark && readFilters(), 150);
  });
  for (const [id, act] of [
    ["clear", clearFilters], ["all", () => chooseModels(true)], ["none", () => chooseModels(false)],
    ["before", () => showPage(pageNumber - 1)], ["after", () => showPage(pageNumber + 1)],
  ]) at(id).addEventListener("click", act);
  at("prompt").addEventListener("click", ({ target }) => target.dataset.act === "list" && toList());
  addEventListener("hashchange", follow);
  new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && start(), { rootMargin: "800px" }).observe(document.getElementById("browser"));
}

if (document.getElementById("browser")) {
  document.getElementById("browser").hidden = false;
  at("off").hidden = true;
  listen();
  follow();
}
