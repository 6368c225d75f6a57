// The list of prompts: pages of links, each with how many of the chosen models follow it.

const ON_A_PAGE = 25;
const EXCERPT = 110;
let shown = [];
let current = null;
let pageNumber = 0;

/** Choose the prompts anew; the one that is open stays, unless others pass and it does not. */
function refresh() {
  shown = select();
  const all = state.benchmark.prompts.length;
  const number = shown.length.toLocaleString("en");
  at("count").textContent = shown.length === all ? `${number} prompts` : `${number} of ${all.toLocaleString("en")} prompts`;
  if (shown.length && !shown.includes(current)) [current] = shown;
  showPage(Math.max(0, Math.floor(shown.indexOf(current) / ON_A_PAGE)));
  showPrompt(shown.length ? current : null);
}

function showPage(number) {
  pageNumber = number;
  const from = number * ON_A_PAGE;
  const pages = Math.max(1, Math.ceil(shown.length / ON_A_PAGE));
  at("prompts").start = from + 1;
  at("prompts").replaceChildren(...shown.slice(from, from + ON_A_PAGE).map((prompt) => make("li", {}, makeLink(prompt))));
  at("page").textContent = `${number + 1} of ${pages}`;
  at("pages").hidden = pages === 1;
  at("before").disabled = number === 0;
  at("after").disabled = number + 1 >= pages;
}

const linkTo = (prompt) => `#${state.benchmark.name}/${encodeURIComponent(prompt.key)}`;

function makeLink(prompt) {
  const text = prompt.turns[0].slice(0, EXCERPT * 2).replace(/\s+/g, " ").slice(0, EXCERPT);
  return make(
    "a", { href: linkTo(prompt), "aria-current": prompt === current ? "true" : null },
    make("span", { class: "key" }, prompt.key), " ", make("bdi", { class: "excerpt" }, ...visible(text)), " ",
    tally(prompt),
  );
}

/** Say how many follow all instructions, and draw for each model which share of them it follows. */
function tally(prompt) {
  const answers = state.models.map((model) => prompt.answers[model]).filter(Boolean);
  if (!answers.some((answer) => answer.compat)) return judgedTally(answers);
  const [mode, how] = way();
  const shares = answers.map((answer) => {
    const verdicts = answer[mode][how];
    return verdicts.length ? [...verdicts].filter((verdict) => verdict === "1").length / verdicts.length : 0;
  });
  const all = shares.filter((share) => share === 1).length;
  const bars = shares.map((share) => make("i", { class: share === 1 ? "all" : share ? "some" : "none" }));
  const strip = make("span", { class: "strip", "aria-hidden": "true" }, ...bars);
  return make("span", { class: "tally" }, `${all} of ${answers.length} follow all `, strip);
}

/** Say how often the answers to a question won against the baseline's, of all turns that were judged. */
function judgedTally(answers) {
  const judged = answers.flatMap(results);
  if (!judged.length) return "";
  const count = (wanted) => judged.filter((result) => result === wanted).length;
  return make("span", { class: "tally" }, `${count("win")} won, ${count("loss")} lost, ${count("tie")} tied`);
}
