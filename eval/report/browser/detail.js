// One prompt: what was asked, who follows what, and every answer with its verdicts.

const WORDS = { 1: ["passed", "✓", "followed"], 0: ["failed", "✗", "not followed"] };

function showPrompt(prompt) {
  const view = at("prompt");
  view.replaceChildren();
  if (!prompt) {
    view.append(make("p", { class: "note", id: "browse-title" }, "No prompt passes these filters."));
    return;
  }
  const names = shortNames(state.benchmark.models);
  view.append(heading(prompt), ...prompt.turns.flatMap((turn, index) => asked(turn, index, prompt.turns.length)));
  const answered = state.models.filter((model) => prompt.answers[model]);
  if (answered.some((model) => prompt.answers[model].compat)) view.append(overview(prompt, answered, names));
  else if (answered.some((model) => prompt.answers[model].judged)) view.append(judgedOverview(prompt, answered, names));
  view.append(make("div", { class: "answers" }, ...answered.map((model) => answerOf(prompt, model, names[model]))));
  const silent = state.models.filter((model) => !prompt.answers[model]).map((model) => names[model]);
  if (silent.length) view.append(make("p", { class: "note" }, `No answer here: ${silent.join(", ")}.`));
  highlight(view, state.query.trim().toLowerCase());
}

function heading(prompt) {
  const place = shown.indexOf(prompt);
  const step = (other, label) => (other ? make("a", { class: "button", href: linkTo(other) }, label) : make("span", { class: "button off" }, label));
  return make(
    "header", {},
    make("h3", { id: "browse-title" }, make("a", { href: linkTo(prompt) }, `Prompt ${prompt.key}`), " ", make("span", { class: "note" }, prompt.id)),
    make("p", { class: "steps" }, step(shown[place - 1], "Previous"), " ", step(shown[place + 1], "Next"), " ", make("button", { type: "button", "data-act": "list" }, "To the list")),
  );
}

function asked(turn, index, turns) {
  const text = make("div", { class: "prompt text", dir: "auto", lang: state.benchmark.code }, ...visible(turn));
  return turns > 1 ? [make("h4", {}, `Turn ${index + 1}`), text] : [text];
}

/** A table of the chosen models by the prompt's instructions; what the other mode says differently stands beside. */
function overview(prompt, models, names) {
  const [mode, how] = way();
  const other = mode === "compat" ? "fair" : "compat";
  const head = ["Model", ...prompt.tags, "Answered in"];
  const rows = models.map((model) => {
    const answer = prompt.answers[model];
    const cells = prompt.tags.map((_, index) => {
      const [ours, theirs] = [answer[mode][how][index], answer[other][how][index]];
      return make("td", {}, mark(ours), ...(theirs !== ours ? [" ", make("small", {}, `${other} `, mark(theirs))] : []));
    });
    return make("tr", {}, make("th", { scope: "row" }, names[model]), ...cells, make("td", {}, spokenWords(answer)));
  });
  return wideTable(`Who follows what, ${mode} ${how}`, head, rows);
}

/** Name the languages of an answer's turns, each once. */
function spokenWords(answer) {
  const names = (answer.spoken ?? []).map(({ language }) => languageNames(state.benchmark)[language]);
  return [...new Set(names.filter(Boolean))].join(", ") || "–";
}

/** A table of the chosen models by turn: what came of it against the baseline, and its rating. */
function judgedOverview(prompt, models, names) {
  const rows = models.map((model) => {
    const cells = prompt.turns.map((_, index) => {
      const here = (prompt.answers[model].judged ?? []).filter((each) => each.turn === index + 1);
      return make("td", {}, here.map(resultWords).join(", ") || "–");
    });
    return make("tr", {}, make("th", { scope: "row" }, names[model]), ...cells, make("td", {}, spokenWords(prompt.answers[model])));
  });
  const head = ["Model", ...prompt.turns.map((_, index) => `Turn ${index + 1}`), "Answered in"];
  return wideTable(`Judged against ${state.benchmark.baseline}`, head, rows);
}

const resultWords = ({ mode, result, rating }) => (mode === "single" ? (rating === null ? "not rated" : `rated ${rating}`) : RESULTS[result]);

function wideTable(caption, head, rows, hidden = false) {
  const table = make(
    "table", {},
    make("caption", { class: hidden ? "heard" : null }, caption),
    make("thead", {}, make("tr", {}, ...head.map((name) => make("th", { scope: "col" }, ...broken(name))))),
    make("tbody", {}, ...rows),
  );
  return make("div", { class: "wide", tabindex: "0", role: "group", "aria-label": caption }, table);
}

/** A long name of words tied by underscores and colons, with places where a line may break. */
function broken(name) {
  return name.split(/(?<=[:_])/).flatMap((part) => [part, make("wbr")]);
}

function mark(verdict) {
  const [kind, sign, words] = WORDS[verdict];
  return make("span", { class: kind, role: "img", "aria-label": words }, sign);
}

function answerOf(prompt, model, name) {
  const answer = prompt.answers[model];
  const parts = answer.turns.flatMap((turn, index) => said(turn, index, answer));
  const verdicts = answer.compat ? [verdictTable(prompt, answer, name), ...differences(prompt, answer)] : judgements(answer);
  return make("section", { class: "answer" }, make("h4", {}, name), ...parts, ...verdicts);
}

function said([text, leftOut], index, answer) {
  const body = make("div", { class: "text", dir: "auto", lang: answer.spoken?.[index]?.language === "target" ? state.benchmark.code : null });
  const parts = answer.turns.length > 1 ? [make("h5", {}, `Turn ${index + 1}`), body] : [body];
  const end = foldAt(text);
  const write = (to) => body.replaceChildren(...(text.trim() ? [...visible(text.slice(0, to)), ...(to < text.length ? ["…"] : [])] : [make("span", { class: "note" }, "(empty answer)")]));
  write(end);
  if (end < text.length) parts.push(foldButton(text, end, write));
  if (leftOut) parts.push(make("p", { class: "note" }, `${leftOut.toLocaleString("en")} more characters in the run folder.`));
  if (answer.ends[index] !== "stop") parts.push(make("p", { class: "note" }, endWords(answer.ends[index])));
  return [...parts, ...language(answer.spoken?.[index]), ...measures(answer.measures?.[index])];
}

function foldButton(text, end, write) {
  const label = `Show all ${text.length.toLocaleString("en")} characters`;
  const button = make("button", { type: "button", "aria-expanded": "false" }, label);
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") === "false";
    write(open ? text.length : end);
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "Fold" : label;
    highlight(at("prompt"), state.query.trim().toLowerCase());
  });
  return button;
}

const endWords = (reason) => (reason === "length" ? "Cut off at max_tokens." : `Ended because: ${reason}.`);

function language(spoken) {
  if (!spoken?.language) return [];
  const { language: verdict, evidence, langdetect, folded } = spoken;
  const codes = [langdetect && `langdetect ${langdetect}`, folded && folded !== langdetect && `${folded} without capitals and code`];
  const more = [evidence, ...codes].filter(Boolean).join("; ");
  const name = languageNames(state.benchmark)[verdict] ?? verdict;
  return [make("p", { class: "spoken" }, make("b", {}, `Answered in: ${name}`), more ? make("span", { class: "note" }, ` ${more}`) : "")];
}

/** What was measured of an answer to an open question; what was not, or is not so, is left out. */
function measures(measured) {
  const told = Object.entries(measured ?? {}).filter(([, value]) => value !== null && value !== false);
  if (!told.length) return [];
  const words = told.map(([name, value]) => (value === true ? spaced(name) : `${spaced(name)} ${Number(value.toFixed(3)).toLocaleString("en")}`));
  return [make("p", { class: "note" }, words.join(" · "))];
}

function verdictTable(prompt, answer, name) {
  const rows = prompt.tags.map((tag, index) => {
    const unstable = answer.compat.unstable[index] === "1" ? [" ", make("small", {}, "random in lm-evaluation-harness")] : [];
    const cells = WAYS.map(([mode, how]) => make("td", {}, mark(answer[mode][how][index])));
    return make("tr", {}, make("th", { scope: "row" }, ...broken(tag), ...unstable), ...cells);
  });
  return wideTable(`Verdicts on ${name}`, ["Instruction", ...WAYS.map((each) => each.join(" "))], rows, true);
}

function differences(prompt, answer) {
  if (!answer.differences?.length) return [];
  const items = answer.differences.map(([index, why]) =>
    make("li", {}, make("b", {}, prompt.tags[index]), ": compat ", mark(answer.compat.strict[index]), ", fair ", mark(answer.fair.strict[index]), `: ${why}`));
  return [make("ul", { class: "differences", "aria-label": "Where the modes differ" }, ...items)];
}

function judgements(answer) {
  if (!answer.judged) return [];
  const items = answer.judged.map((each) => {
    const judges = Object.entries(each.judges).map(([judge, result]) => `${judge}: ${RESULTS[result]}`);
    const why = [...judges, each.why].filter(Boolean).join("; ");
    return make("li", {}, make("b", {}, `Turn ${each.turn}: ${resultWords(each)}`), why ? `: ${why}` : "", ...each.said.map(judgeSaid));
  });
  return [make("ul", { class: "judged", "aria-label": "Judgements" }, ...items)];
}

function judgeSaid({ judge, first, text }) {
  const order = first === "model" ? ", shown first" : first ? ", shown second" : "";
  return make("details", {}, make("summary", {}, `${judge}${order}`), make("div", { class: "text", dir: "auto" }, ...visible(text)));
}
