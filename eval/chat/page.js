// The cases of a comparison: each prompt over the answers of the models, in columns.

const data = JSON.parse(document.getElementById("data").textContent);
const shownCases = data.cases.map((item) => ({ item, card: card(item), text: textOf(item), differs: differs(item) }));

/** Put a prompt and the answers to it on a card, turn by turn. */
function card(item) {
  const turns = item.turns.flatMap((turn) => [
    make("p", { class: "prompt", dir: "auto" }, ...visible(turn.prompt)),
    make("div", { class: "sides" }, ...turn.sides.map(side)),
  ]);
  return make("article", {}, make("h2", {}, ...visible(item.id)), ...turns);
}

/** Write one model's answer; a long one is folded. */
function side(given) {
  const end = foldAt(given.text);
  const answer = make("div", { class: "answer", dir: "auto" }, ...visible(given.text.slice(0, end)));
  const parts = [make("h3", {}, ...visible(given.model)), make("p", { class: "language" }, ...visible(given.language)), answer];
  if (end < given.text.length) {
    const more = make("button", { type: "button" }, `… ${given.text.length - end} more characters`);
    more.addEventListener("click", () => {
      answer.replaceChildren(...visible(given.text));
      more.remove();
    });
    parts.push(more);
  }
  return make("section", {}, ...parts);
}

function textOf(item) {
  return [item.id, ...item.turns.flatMap((turn) => [turn.prompt, ...turn.sides.map((each) => each.text)])].join("\n").toLowerCase();
}

function differs(item) {
  return item.turns.some((turn) => turn.sides.some((each) => each.text !== turn.sides[0].text));
}

/** Show the cases that the search and the box let through. */
function show() {
  const wanted = document.getElementById("query").value.trim().toLowerCase();
  const differing = document.getElementById("differing").checked;
  const kept = shownCases.filter((each) => each.text.includes(wanted) && (each.differs || !differing));
  document.getElementById("cases").replaceChildren(...kept.map((each) => each.card));
  document.getElementById("count").textContent = `${kept.length} of ${shownCases.length} prompts`;
  highlight(document.getElementById("cases"), wanted);
}

document.getElementById("notes").append(...data.notes.map((note) => make("li", {}, ...visible(note))));
document.getElementById("query").addEventListener("input", show);
document.getElementById("differing").addEventListener("change", show);
show();
