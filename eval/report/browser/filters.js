// Which prompts are shown: those to which one of the chosen models gave an answer that passes every filter.

const state = { benchmark: null, models: [], tag: "", scored: "compat strict", verdict: "", spoken: "", query: "" };

const IFEVAL_VERDICTS = [
  ["", "any"], ["passed", "follows all"], ["failed", "fails some"], ["modes", "compat and fair differ"], ["models", "models differ"],
];
/** What a judgement against the baseline can be, and its words. */
const RESULTS = { win: "won", loss: "lost", tie: "tied", error: "not judged: error", missing: "not judged: no answer", excluded: "excluded by the language gate" };
const QUESTION_VERDICTS = [["", "any"], ...Object.entries(RESULTS), ["models", "models differ"], ["none", "not judged at all"]];

const way = () => state.scored.split(" ");

/** Choose the prompts to show, in their order. */
function select() {
  const wanted = state.query.trim().toLowerCase();
  return state.benchmark.prompts.filter((prompt) => {
    if (state.tag && !prompt.tags.some((tag) => tag === state.tag || tag.startsWith(`${state.tag}:`))) return false;
    if (state.verdict === "models" && !modelsDiffer(prompt)) return false;
    const asked = !wanted || haystack(prompt, prompt.turns).includes(wanted);
    return state.models.some((model) => {
      const answer = prompt.answers[model];
      return answer && passes(answer) && (asked || haystack(answer, answer.turns.map(([text]) => text)).includes(wanted));
    });
  });
}

function passes(answer) {
  if (state.spoken && !(answer.spoken ?? []).some(({ language }) => language === state.spoken)) return false;
  if (!state.verdict || state.verdict === "models") return true;
  if (state.verdict === "modes") return answer.differences?.length > 0;
  if (state.verdict === "passed" || state.verdict === "failed") return followsAll(answer, way()) === (state.verdict === "passed");
  return state.verdict === "none" ? !answer.judged : results(answer).includes(state.verdict);
}

function modelsDiffer(prompt) {
  const answers = state.models.map((model) => prompt.answers[model]).filter(Boolean);
  return new Set(answers.map((answer) => (answer.compat ? answer[way()[0]][way()[1]] : results(answer).join()))).size > 1;
}

/** What came of the comparisons with the baseline, turn by turn. */
const results = (answer) => (answer.judged ?? []).filter((each) => each.mode === "pairwise").map((each) => each.result);

/** What search looks through, made when first asked for. */
function haystack(row, texts) {
  row.haystack ??= [row.key ?? "", row.id ?? "", ...texts].join("\n").toLowerCase();
  return row.haystack;
}

/** The types of instructions, after each category as a whole; or the categories of questions. */
function tagsOf(benchmark) {
  const counts = new Map();
  const count = (tag) => counts.set(tag, (counts.get(tag) ?? 0) + 1);
  for (const { tags } of benchmark.prompts) {
    for (const tag of new Set(tags)) count(tag);
    for (const category of new Set(tags.filter((tag) => tag.includes(":")).map((tag) => tag.split(":")[0]))) count(category);
  }
  return [...counts.keys()].sort().map((tag) => {
    const [category, type] = tag.split(":");
    return [tag, `${type ? `– ${spaced(type)}` : spaced(category)} (${counts.get(tag)})`];
  });
}

const spaced = (name) => name.replaceAll("_", " ");
