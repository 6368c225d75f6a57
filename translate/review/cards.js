// One text as a card: what became of it, source and translation side by side, and the reviewer's verdict on it.

const STAMPS = { accept: "✓ accepted by you", reject: "✗ rejected by you", edit: "✎ edited by you" };
const MOST_DETAIL = 400;

function makeCard(row) {
  const card = make("article", { tabindex: "-1", "aria-label": `${row.id} ${row.where}` });
  card.append(head(row), ...causeOf(row), ...findingsOf(row), make("div", { class: "sides" }));
  if (row.judgeable) card.append(judgeBar());
  else card.append(make("p", { class: "hint" }, hintOf(row)));
  fillSides(card, row);
  showVerdict(card, row);
  return card;
}

function head(row) {
  const state = !row.accepted ? ["bad", "✗ Rejected"] : row.findings.length ? ["noted", "! Accepted, with notes"] : ["good", "✓ Accepted"];
  const facts = [`rung ${row.rungs.join(", ")}`, `by ${row.engines.join(", ")}`].map((fact) => make("span", {}, fact));
  if (row.logprob !== null) {
    const value = row.logprob.toFixed(2).replace("-", "−");
    facts.push(make("span", { title: "mean log-probability of its tokens" }, `log p ${value}`));
  }
  return make(
    "header", {},
    make("span", { class: `state ${state[0]}` }, state[1]),
    make("h2", {}, row.id, " ", make("span", { class: "where" }, row.where)),
    make("span", { class: "stamp" }),
    make("p", { class: "origin" }, ...facts),
  );
}

/** Say why a text is rejected that is not itself the reason. */
function causeOf(row) {
  if (!row.cause || !row.judgeable || !row.passed) return [];
  const [reason, where] = row.cause;
  return [make("p", { class: "cause" }, `Its record was rejected for ${where}: ${reason}.`)];
}

function findingsOf(row) {
  if (!row.findings.length) return [];
  const items = row.findings.map(([check, detail, fatal]) => {
    const told = detail.length > MOST_DETAIL ? `${detail.slice(0, MOST_DETAIL)}…` : detail;
    const label = fatal ? "failed" : "note";
    return make(
      "li", { class: fatal ? "fatal" : "mild" },
      make("span", { class: "sign", role: "img", "aria-label": label }, fatal ? "✗" : "!"), make("b", {}, check), " ",
      make("span", { class: "detail" }, ...visible(told)),
    );
  });
  return [make("ul", { class: "findings", "aria-label": "Findings" }, ...items)];
}

function hintOf(row) {
  return row.where === "argument"
    ? "An argument of an IFEval prompt: it is reviewed in the table of arguments that the step writes."
    : "The record was rejected as a whole; its single texts can be judged, if it has any here.";
}

function judgeBar() {
  const button = (act, label, key) => make("button", { type: "button", "data-act": act, "aria-pressed": "false" }, `${label} `, make("kbd", {}, key));
  const comment = make("input", { class: "comment", "aria-label": "Comment on the verdict", placeholder: "Comment", hidden: true });
  const more = make("button", { type: "button", class: "quiet", "data-act": "record" }, "Whole record ", make("kbd", {}, "w"));
  return make("footer", {}, button("accept", "Accept", "a"), button("reject", "Reject", "r"), button("edit", "Edit", "e"), comment, more);
}

/** Write source and translation, or what the reviewer put in its place. */
function fillSides(card, row) {
  const folds = [foldAt(row.source), foldAt(row.translation)];
  const folded = folds[0] < row.source.length || folds[1] < row.translation.length;
  const ends = row.open ? [row.source.length, row.translation.length] : folds;
  const edit = verdicts.get(row)?.verdict === "edit" ? verdicts.get(row).translation : null;
  const as = (side, title, text, marks, end) =>
    make("section", { class: side }, make("h3", {}, title), make("div", { class: "text", dir: "auto", lang: DATA[side === "source" ? "source" : "target"].code }, ...(text ? written(text, marks, end) : [make("span", { class: "empty", lang: "en" }, "(empty)")])));
  const right = as("target", edit === null ? DATA.target.name : "As translated", row.translation, row.marks[1], ends[1]);
  if (edit !== null) right.prepend(...as("target", `${DATA.target.name}, your edit`, edit, [], edit.length).childNodes);
  card.querySelector(".sides").replaceChildren(as("source", DATA.source.name, row.source, row.marks[0], ends[0]), right);
  card.querySelector(".fold")?.remove();
  if (folded) card.querySelector(".sides").after(foldButton(row));
}

function foldButton(row) {
  const characters = (row.source.length + row.translation.length).toLocaleString("en");
  return make(
    "button", { type: "button", class: "fold quiet", "data-act": "fold", "aria-expanded": String(Boolean(row.open)) },
    row.open ? "Fold " : `Show all ${characters} characters `, make("kbd", {}, "o"),
  );
}

/** Show the verdict on a card that stands; the focus stays where it is. */
function showVerdict(card, row) {
  const verdict = verdicts.get(row);
  card.dataset.verdict = verdict?.verdict ?? "";
  card.querySelector(".stamp").textContent = STAMPS[verdict?.verdict] ?? "";
  for (const button of card.querySelectorAll("[aria-pressed]")) {
    button.setAttribute("aria-pressed", String(button.dataset.act === verdict?.verdict));
  }
  const comment = card.querySelector(".comment");
  if (!comment) return;
  comment.hidden = !verdict;
  comment.value = verdict?.comment ?? "";
}

/** Put a field in place of the translation; `done` gets its text, or null where it was left. */
function openEditor(card, row, done) {
  const field = make("textarea", { lang: DATA.target.code, dir: "auto", "aria-label": `${DATA.target.name}, your edit` });
  const before = verdicts.get(row)?.verdict === "edit" ? verdicts.get(row).translation : row.translation;
  field.value = before;
  const save = make("button", { type: "button", class: "main" }, "Save ", make("kbd", {}, "Ctrl Enter"));
  const leave = make("button", { type: "button" }, "Leave ", make("kbd", {}, "Esc"));
  // A field knows line feeds alone: a text whose lines all end in carriage return and line feed gets them back.
  const ends = before.includes("\r\n") && !/(^|[^\r])\n/.test(before) ? "\r\n" : "\n";
  const unchanged = () => field.value === before.replaceAll(/\r\n?/g, "\n");
  const finish = (saved) => done(saved ? (unchanged() ? before : field.value.replaceAll("\n", ends)) : null);
  save.addEventListener("click", () => finish(true));
  leave.addEventListener("click", () => finish(false));
  field.addEventListener("save", () => unchanged() || finish(true));
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) {
      event.preventDefault();
      event.stopPropagation();
      finish(event.key === "Enter");
    }
  });
  const side = card.querySelector(".sides .target");
  side.replaceChildren(make("h3", {}, `${DATA.target.name}, your edit`), field, make("p", { class: "tools" }, save, leave));
  field.rows = Math.min(24, Math.max(4, field.value.split("\n").length + Math.ceil(field.value.length / 70)));
  field.focus({ preventScroll: true });
  side.scrollIntoView({ block: "nearest" });
}
